/* core/model/value_text.c - values from the command line, and keys from its words. */
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/json/json.h"
#include "core/model/scalar.h"

/* Numbers keep their text; what JSON does not know (".5", "+1") is taken by its value. */
static struct cJSON *number(const char *text, bool whole)
{
	struct cJSON *v = NULL;
	int64_t i;
	double d;

	if (whole)
		return sd_parse_i64(text, &i) ? sd_json_int(i) : NULL;
	if (!sd_parse_f64(text, &d))
		return NULL;
	if (sd_json_parse(text, strlen(text), "number", &v, NULL) || !sd_json_is_number(v)) {
		sd_json_free(v);
		v = sd_json_real(d);
	}
	return v;
}

/* A plain scalar or enum; what does not fit its type stays a string, for the check to name. */
static struct cJSON *plain(const struct sd_field *f, const char *text)
{
	struct cJSON *v = NULL;

	if (f->kind == SD_K_SCALAR) {
		if (f->scalar == SD_T_INT || f->scalar == SD_T_AWSTIMESTAMP)
			v = number(text, true);
		else if (f->scalar == SD_T_FLOAT)
			v = number(text, false);
		else if (f->scalar == SD_T_BOOLEAN &&
			 (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
			v = sd_json_bool(*text == 't');
	}
	return v ? v : sd_json_string(text);
}

enum sd_err sd_value_from_text(const struct sd_model *m, const struct sd_field *f, const char *text,
	struct cJSON **out, struct sd_error *e)
{
	struct cJSON *v = NULL;
	enum sd_err rc;

	*out = NULL;
	if (f->kind == SD_K_MODEL)
		return sd_fail(e, SD_INVAL, 0, "%s.%s: it is a relation; set the fields of its key",
			m->name, f->name);
	if (f->read_only)
		return sd_fail(e, SD_INVAL, 0, "%s.%s is read-only: the service fills it in",
			m->name, f->name);
	if (!sd_utf8_valid(text, strlen(text)))
		return sd_fail(
			e, SD_INVAL, 0, "%s.%s: the text is not valid UTF-8", m->name, f->name);
	if (strcmp(text, "null") == 0) {
		v = sd_json_null();
	} else if (f->list || f->kind == SD_K_NONMODEL ||
		   (f->kind == SD_K_SCALAR && f->scalar == SD_T_AWSJSON)) {
		struct sd_buf what = SD_BUF_INIT;

		sd_buf_fmt(&what, "%s.%s takes JSON", m->name, f->name);
		rc = sd_json_parse(text, strlen(text), sd_buf_text(&what), &v, e);
		sd_buf_release(&what);
		if (rc)
			return rc;
	} else {
		v = plain(f, text);
	}
	if (!v)
		return sd_fail(e, SD_NOMEM, 0, "%s.%s: out of memory", m->name, f->name);
	rc = sd_value_check(m, f, v, e);
	if (rc) {
		sd_json_free(v);
		return rc;
	}
	*out = v;
	return SD_OK;
}

/* "customId, seq" */
static void key_names(const struct sd_model *m, struct sd_buf *out)
{
	for (size_t i = 0; i < m->pk_count; i++)
		sd_buf_fmt(out, "%s%s", i ? ", " : "", m->fields[m->pk[i]].name);
}

enum sd_err sd_key_from_words(const struct sd_model *m, const char *const *words, size_t n,
	struct sd_buf *out, struct sd_error *e)
{
	struct cJSON *rec;
	enum sd_err rc = SD_OK;

	if (n != m->pk_count) {
		struct sd_buf names = SD_BUF_INIT;

		key_names(m, &names);
		rc = n < m->pk_count
			     ? sd_fail(e, SD_INVAL, 0,
				       "%s: the part \"%s\" of the key is missing; give %s, in "
				       "order",
				       m->name, m->fields[m->pk[n]].name, sd_buf_text(&names))
			     : sd_fail(e, SD_INVAL, 0, "%s: the key is %s only; \"%s\" is too much",
				       m->name, sd_buf_text(&names), words[m->pk_count]);
		sd_buf_release(&names);
		return rc;
	}
	rec = sd_json_object();
	for (size_t i = 0; rec && !rc && i < n; i++) {
		const struct sd_field *f = &m->fields[m->pk[i]];
		struct cJSON *v = NULL;

		if (!*words[i])
			rc = sd_fail(e, SD_INVAL, 0,
				"%s.%s: An index field cannot contain an empty string value",
				m->name, f->name);
		if (!rc)
			rc = sd_value_from_text(m, f, words[i], &v, e);
		if (!rc && !sd_json_add(rec, f->name, v))
			rc = sd_fail(e, SD_NOMEM, 0, "%s: out of memory", m->name);
	}
	if (!rec)
		return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", m->name);
	if (!rc)
		rc = sd_key_of(m, rec, out, e);
	sd_json_free(rec);
	return rc;
}
