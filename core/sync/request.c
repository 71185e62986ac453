/* core/sync/request.c - see request.h. */
#include "core/sync/request.h"

#include <string.h>

#include "core/json/json.h"
#include "core/model/predicate.h"

enum sd_doc sd_request_kind(enum sd_op op)
{
	static const enum sd_doc kinds[] = {
		[SD_OP_CREATE] = SD_DOC_CREATE,
		[SD_OP_UPDATE] = SD_DOC_UPDATE,
		[SD_OP_DELETE] = SD_DOC_DELETE,
	};

	return kinds[op];
}

static enum sd_err condition_of(const struct sd_schema *s, const struct sd_mutation *m,
	int64_t now_ms, struct cJSON **out, struct sd_error *e)
{
	struct sd_pred *p = NULL;
	enum sd_err rc;

	*out = NULL;
	if (!m->condition)
		return SD_OK;
	rc = sd_pred_parse(s, m->model, m->condition, &p, e);
	if (rc == SD_OK)
		rc = sd_pred_filter(m->model, p, SD_FILTER_CONDITION, now_ms, out, e);
	sd_pred_free(p);
	return rc;
}

enum sd_err sd_request_variables(const struct sd_schema *s, const struct sd_mutation *m,
	const struct cJSON *mine, int64_t now_ms, struct cJSON **out, struct sd_error *e)
{
	struct cJSON *o = NULL, *input = NULL, *condition = NULL;
	int64_t version = m->op == SD_OP_CREATE ? -1 : m->version;
	enum sd_err rc = sd_doc_input(
		m->model, sd_request_kind(m->op), m->key, m->fields, mine, version, &input, e);
	bool ok;

	*out = NULL;
	if (rc == SD_OK && m->op != SD_OP_CREATE)
		rc = condition_of(s, m, now_ms, &condition, e);
	if (rc != SD_OK) {
		sd_json_free(input);
		return rc;
	}
	o = sd_json_object();
	ok = sd_json_add(o, "input", input);
	if (m->op != SD_OP_CREATE)
		ok = sd_json_add(o, "condition", condition ? condition : sd_json_null()) && ok;
	if (!ok) {
		sd_json_free(o);
		return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", m->model->name);
	}
	*out = o;
	return SD_OK;
}

enum sd_err sd_request_mine(const struct sd_mutation *m, const struct cJSON *base,
	struct cJSON **out, struct sd_error *e)
{
	struct cJSON *o;
	enum sd_err rc = SD_OK;

	*out = NULL;
	if (m->op == SD_OP_DELETE)
		return SD_OK;
	o = base && m->op == SD_OP_UPDATE ? sd_json_dup(base) : sd_json_object();
	if (!o)
		return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", m->model->name);
	if (!sd_json_child(o))
		rc = sd_key_put(m->model, m->key, o, e);
	for (const struct cJSON *c = sd_json_child(m->fields); rc == SD_OK && c;
		c = sd_json_next(c))
		if (!sd_json_set(o, sd_json_name(c), sd_json_dup(c)))
			rc = sd_fail(e, SD_NOMEM, 0, "%s: out of memory", m->model->name);
	/* an edit of a record that is deleted there means it as a living one */
	sd_json_remove(o, "_deleted");
	if (rc != SD_OK) {
		sd_json_free(o);
		return rc;
	}
	*out = o;
	return SD_OK;
}

void sd_request_key(const char *key, struct sd_buf *out)
{
	struct cJSON *k = NULL;
	const char *between = "";

	if (sd_json_parse(key, strlen(key), "key", &k, NULL) != SD_OK) {
		sd_buf_str(out, key);
		return;
	}
	for (const struct cJSON *c = sd_json_child(k); c; c = sd_json_next(c)) {
		sd_buf_str(out, between);
		if (sd_json_str(c))
			sd_buf_str(out, sd_json_str(c));
		else
			sd_json_print(c, out);
		between = " / ";
	}
	sd_json_free(k);
}
