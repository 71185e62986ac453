/* core/sync/push_check.c - is an answer the one that was asked for?  See push.h. */
#include <stdio.h>
#include <string.h>

#include "core/json/json.h"
#include "core/sync/push.h"

bool sd_push_ours(const struct sd_case *c, const struct cJSON *data)
{
	struct sd_buf key = SD_BUF_INIT;
	bool yes = sd_json_is_object(data) && sd_json_get_i64(data, "_version", -1) > 0 &&
		   sd_key_of(c->m.model, data, &key, NULL) == SD_OK &&
		   strcmp(sd_buf_text(&key), c->m.key) == 0;

	sd_buf_release(&key);
	return yes;
}

enum sd_err sd_push_record(const struct sd_model *m, const struct cJSON *data, struct cJSON **out,
	struct sd_error *why, struct sd_error *e)
{
	enum sd_err rc;

	*out = data ? sd_json_dup(data) : NULL;
	if (!data)
		return SD_OK;
	if (!*out)
		return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", m->name);
	rc = sd_item_to_local(m, *out, why);
	if (rc == SD_OK)
		return SD_OK;
	sd_json_free(*out);
	*out = NULL;
	return rc == SD_NOMEM ? sd_fail(e, rc, 0, "%s", why->text) : SD_OK;
}

void sd_push_malformed(const struct sd_reply *r, struct sd_reply *out)
{
	*out = *r;
	out->klass = SD_REPLY_RETRY;
	out->unknown = true;
	snprintf(out->type, sizeof out->type, "Malformed");
	snprintf(out->message, sizeof out->message,
		"the answer is not the record that was asked about");
}
