/* core/model/key.c - one record's identity as JSON array text.  See schema.h. */
#include "core/model/schema.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/json/json.h"
#include "core/model/scalar.h"

/* A key value in the JSON type of its field: the service takes whole numbers for an ID. */
static bool add_part(struct sd_buf *out, const struct sd_field *f, const struct cJSON *v)
{
	char *text;
	bool ok, as_text = f->kind != SD_K_SCALAR ||
			   (f->scalar != SD_T_INT && f->scalar != SD_T_FLOAT &&
				   f->scalar != SD_T_AWSTIMESTAMP);

	if (!as_text || !sd_json_is_number(v))
		return sd_json_print(v, out);
	text = sd_json_text(v);
	ok = text && sd_json_quote(out, text, strlen(text));
	free(text);
	return ok;
}

enum sd_err sd_key_of(
	const struct sd_model *m, const struct cJSON *rec, struct sd_buf *out, struct sd_error *e)
{
	if (!sd_buf_ch(out, '['))
		return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", m->name);
	for (size_t i = 0; i < m->pk_count; i++) {
		const struct sd_field *f = &m->fields[m->pk[i]];
		const struct cJSON *v = sd_json_get(rec, f->name);

		if (sd_json_is_null(v))
			return sd_fail(e, SD_NOTFOUND, 0, "%s: the key field %s is missing",
				m->name, f->name);
		if (sd_json_is_object(v) || sd_json_is_array(v))
			return sd_fail(e, SD_INVAL, 0, "%s: the key field %s is not a plain value",
				m->name, f->name);
		if ((i && !sd_buf_ch(out, ',')) || !add_part(out, f, v))
			return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", m->name);
	}
	return sd_buf_ch(out, ']') ? SD_OK : sd_fail(e, SD_NOMEM, 0, "%s: out of memory", m->name);
}

/* The one part of a key such as ["3f25-04e0"]: most keys.  NULL: to be parsed. */
static struct cJSON *lone_part(const char *key, size_t n)
{
	if (n < 4 || memcmp(key, "[\"", 2) != 0 || memcmp(key + n - 2, "\"]", 2) != 0)
		return NULL;
	for (size_t i = 2; i < n - 2; i++)
		if ((unsigned char)key[i] < 0x20 || (unsigned char)key[i] > 0x7e || key[i] == '"' ||
			key[i] == '\\')
			return NULL;
	return sd_json_string_n(key + 2, n - 4);
}

enum sd_err sd_key_put(
	const struct sd_model *m, const char *key, struct cJSON *obj, struct sd_error *e)
{
	size_t n = strlen(key);
	struct cJSON *parts = NULL, *v = m->pk_count == 1 ? lone_part(key, n) : NULL;
	enum sd_err rc;

	if (v)
		return sd_json_set(obj, m->fields[m->pk[0]].name, v)
			       ? SD_OK
			       : sd_fail(e, SD_NOMEM, 0, "%s: out of memory", m->name);
	rc = sd_json_parse(key, n, "key", &parts, e);
	if (rc)
		return rc;
	if (!sd_json_is_array(parts) || sd_json_count(parts) != m->pk_count) {
		sd_json_free(parts);
		return sd_fail(e, SD_INVAL, 0, "%s: a key has %zu part%s, got %s", m->name,
			m->pk_count, m->pk_count == 1 ? "" : "s", key);
	}
	v = sd_json_child(parts);
	for (size_t i = 0; !rc && i < m->pk_count; i++, v = sd_json_next(v))
		if (!sd_json_set(obj, m->fields[m->pk[i]].name, sd_json_dup(v)))
			rc = sd_fail(e, SD_NOMEM, 0, "%s: out of memory", m->name);
	sd_json_free(parts);
	return rc;
}

bool sd_key_show(const char *key, struct sd_buf *out)
{
	struct cJSON *parts = NULL;
	bool ok = true;

	if (sd_json_parse(key, strlen(key), "key", &parts, NULL) || !sd_json_is_array(parts)) {
		sd_json_free(parts);
		return sd_buf_str(out, key);
	}
	for (const struct cJSON *v = sd_json_child(parts); ok && v; v = sd_json_next(v)) {
		if (v != sd_json_child(parts))
			ok = sd_buf_str(out, " / ");
		if (ok)
			ok = sd_json_is_string(v) ? sd_buf_str(out, sd_json_str(v))
						  : sd_json_print(v, out);
	}
	sd_json_free(parts);
	return ok;
}
