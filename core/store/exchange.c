/* core/store/exchange.c - outbox entries as JSON lines, out and back in (contract.md 5). */
#include "core/store/internal.h"

#include <assert.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"

static struct cJSON *key_array(const char *key)
{
	struct cJSON *j = NULL;

	return sd_json_parse(key, strlen(key), "key", &j, NULL) == SD_OK ? j : NULL;
}

static struct cJSON *int_or_null(int64_t v, int64_t none)
{
	return v == none ? sd_json_null() : sd_json_int(v);
}

static bool add_error(struct cJSON *j, const struct sd_mutation *m)
{
	struct cJSON *x;

	if (!m->error_type && !m->error_message)
		return sd_json_add(j, "error", sd_json_null());
	x = sd_json_object();
	if (sd_json_add_str(x, "type", m->error_type) &&
		sd_json_add_str(x, "message", m->error_message))
		return sd_json_add(j, "error", x);
	sd_json_free(x);
	return false;
}

static enum sd_err add_base(
	struct sd_store *st, const struct sd_mutation *m, struct cJSON *j, struct sd_error *e)
{
	struct sd_shadow sh;
	enum sd_err rc = sd_shadow_get(st, m->model, m->key, &sh, e);

	if (rc != SD_OK)
		return rc;
	if (!sd_json_add(j, "base", sh.base ? sh.base : sd_json_null()))
		rc = sd_db_nomem(e, "outbox");
	sh.base = NULL;
	sd_shadow_release(&sh);
	/* its request went out: whoever brings it back looks for it before it is sent again */
	if (rc == SD_OK && (m->unknown || m->lane == SD_LANE_SENDING) &&
		!sd_json_add_bool(j, "unknown", true))
		rc = sd_db_nomem(e, "outbox");
	return rc;
}

enum sd_err sd_outbox_json(struct sd_store *st, const struct sd_mutation *m, bool with_base,
	struct cJSON **out, struct sd_error *e)
{
	struct cJSON *j = sd_json_object();
	enum sd_err rc;
	bool ok;

	*out = NULL;
	ok = sd_json_add_int(j, "seq", m->seq) && sd_json_add_str(j, "op", sd_op_name(m->op)) &&
	     sd_json_add_str(j, "model", m->model->name) &&
	     sd_json_add(j, "key", key_array(m->key)) &&
	     sd_json_add(j, "fields", sd_json_dup(m->fields)) &&
	     sd_json_add_str(j, "condition", m->condition) &&
	     sd_json_add(j, "version", int_or_null(m->version, -1)) &&
	     sd_json_add_str(j, "lane", sd_lane_name(m->lane)) &&
	     sd_json_add_int(j, "attempts", m->attempts) &&
	     sd_json_add(j, "nextTry", int_or_null(m->next_try_ms, 0)) && add_error(j, m) &&
	     sd_json_add_int(j, "enqueued", m->enqueued_ms);
	rc = ok ? SD_OK : sd_db_nomem(e, "outbox");
	if (rc == SD_OK && with_base)
		rc = add_base(st, m, j, e);
	if (rc != SD_OK) {
		sd_json_free(j);
		return rc;
	}
	*out = j;
	return SD_OK;
}

/* ---- back in ---- */

static int op_parse(const char *s)
{
	for (int i = SD_OP_CREATE; s && i <= SD_OP_DELETE; i++)
		if (strcmp(s, sd_op_name((enum sd_op)i)) == 0)
			return i;
	return -1;
}

static enum sd_err read_line(struct sd_store *st, const struct cJSON *line, struct sd_mutation *m,
	struct sd_buf *key, struct sd_error *e)
{
	const char *name = sd_json_get_str(line, "model");
	int op = op_parse(sd_json_get_str(line, "op"));
	struct cJSON *id;
	enum sd_err rc;

	memset(m, 0, sizeof *m);
	m->model = name ? sd_schema_model(st->schema, name) : NULL;
	if (!m->model)
		return sd_fail(e, SD_INVAL, 0, "outbox import: no model \"%s\" in this schema",
			name ? name : "");
	if (op < 0 || !sd_json_is_array(sd_json_get(line, "key")))
		return sd_fail(e, SD_INVAL, 0,
			"outbox import: not a line of `outbox --json`: op or key is missing");
	m->op = (enum sd_op)op;
	id = sd_json_object();
	sd_buf_reset(key);
	if (!id || !sd_json_print(sd_json_get(line, "key"), key)) {
		sd_json_free(id);
		return sd_db_nomem(e, "outbox import");
	}
	rc = sd_key_put(m->model, sd_buf_text(key), id, e); /* right parts? then canonical text */
	sd_buf_reset(key);
	if (rc == SD_OK)
		rc = sd_key_of(m->model, id, key, e);
	sd_json_free(id);
	if (rc != SD_OK)
		return rc;
	m->key = key->data; /* borrowed, never released through m */
	m->fields = sd_json_get(line, "fields");
	m->version = sd_json_get_i64(line, "version", -1);
	return sd_fits(m->model, m, e);
}

/* The copies beside the row: what the change was made on, and what the server has as far as we
 * know: the row that is here, else that same copy. */
static enum sd_err import_shadow(struct sd_store *st, const struct sd_mutation *m,
	const struct cJSON *base, struct sd_error *e)
{
	struct sd_entries list;
	struct cJSON *row = NULL;
	size_t had;
	enum sd_err rc = sd_entries_of(st, m->model, m->key, &list, e);

	if (rc != SD_OK)
		return rc;
	had = list.count;
	sd_entries_release(&list);
	if (had)
		return SD_OK; /* joins those already here */
	rc = sd_row_get(st, sd_table_of(st, m->model), m->key, &row, NULL, e);
	if (sd_json_is_null(base))
		base = NULL;
	sd_json_remove(row, "_state");
	if (rc == SD_OK)
		rc = sd_shadow_put(st, m->model, m->key, base, row ? row : base, e);
	sd_json_free(row);
	return rc;
}

static bool may_have_arrived(const struct cJSON *line)
{
	return sd_json_is_true(sd_json_get(line, "unknown")) ||
	       sd_str_eq(sd_json_get_str(line, "lane"), sd_lane_name(SD_LANE_SENDING));
}

enum sd_err sd_outbox_import(struct sd_store *st, const struct cJSON *line, int64_t now_ms,
	struct sd_rand *rand, struct sd_error *e)
{
	struct sd_buf key = SD_BUF_INIT;
	struct sd_mutation m;
	struct sd_cause why = {.source = SD_FROM_LOCAL, .now_ms = now_ms};
	struct cJSON *was = NULL;
	const struct cJSON *base = sd_json_get(line, "base");
	int64_t seq = 0;
	enum sd_err rc = read_line(st, line, &m, &key, e);

	(void)rand;
	assert(sd_store_in_txn(st));
	if (rc == SD_OK)
		rc = import_shadow(st, &m, base, e);
	if (rc == SD_OK && m.op != SD_OP_DELETE) {
		was = sd_entry_before(base, m.fields);
		if (!was)
			rc = sd_db_nomem(e, "outbox import");
	}
	if (rc == SD_OK) {
		struct sd_entry_new n = {.op = m.op,
			.m = m.model,
			.key = m.key,
			.fields = m.op == SD_OP_DELETE ? NULL : m.fields,
			.was = was,
			.condition = sd_json_get_str(line, "condition"),
			.version = m.version,
			.now_ms = sd_json_get_i64(line, "enqueued", now_ms),
			.how = "imported"};
		rc = sd_entry_add(st, &n, &seq, e);
	}
	if (rc == SD_OK && may_have_arrived(line))
		rc = sd_outbox_unsure(st, seq, e);
	why.seq = seq;
	why.op = m.op;
	if (rc == SD_OK)
		rc = sd_rebuild(st, sd_table_of(st, m.model), m.key, &why, e);
	sd_json_free(was);
	sd_buf_release(&key);
	return rc;
}
