/*
 * core/sandbox/core/token.c - nextToken: base64url of JSON that says which request it continues
 * (spec/server.md 3.3).  It holds no secret and outlives restarts; what does not fit is refused.
 */
#include "core/sandbox/core/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

#define TOKEN_VERSION 1
#define TOKEN_BYTES   8192

/* What else must be the same on every page: filter, keys, direction. */
static bool fingerprint(const struct sbx_page_ask *a, char out[17])
{
	struct sd_buf b = SD_BUF_INIT;
	bool ok;

	sd_json_print(a->filter, &b);
	sd_json_print(a->hash, &b);
	sd_json_print(a->sort_cond, &b);
	sd_buf_str(&b, a->desc ? "desc" : "asc");
	ok = sd_buf_ok(&b);
	snprintf(out, 17, "%016llx", (unsigned long long)sd_hash(sd_buf_text(&b), b.len));
	sd_buf_release(&b);
	return ok;
}

char *sbx_token_make(const struct sbx_page_ask *a, const char *mode, int64_t started_at,
	const struct cJSON *cursor)
{
	struct cJSON *o = sd_json_object();
	struct sd_buf b = SD_BUF_INIT;
	char *text = NULL, hash[17];

	if (!fingerprint(a, hash))
		goto done;
	sd_json_add_int(o, "v", TOKEN_VERSION);
	sd_json_add_str(o, "op", a->what);
	sd_json_add_str(o, "model", a->m->m->name);
	sd_json_add_str(o, "mode", mode);
	sd_json_add_int(o, "startedAt", started_at);
	sd_json_add(o, "lastSync", a->last_sync < 0 ? sd_json_null() : sd_json_int(a->last_sync));
	sd_json_add_str(o, "filterHash", hash);
	if (!sd_json_add(o, "cursor", sd_json_dup(cursor)))
		goto done;
	text = sd_json_text(o);
	if (!text || !sd_base64_encode(&b, text, strlen(text), true)) {
		free(text);
		text = NULL;
		goto done;
	}
	free(text);
	text = sd_buf_take(&b);
done:
	sd_json_free(o);
	sd_buf_release(&b);
	return text;
}

bool sbx_token_read(
	const struct sbx_page_ask *a, char mode[8], int64_t *started_at, struct cJSON **cursor)
{
	struct sd_buf b = SD_BUF_INIT;
	struct cJSON *o = NULL;
	const struct cJSON *last;
	const char *m;
	char hash[17];
	bool ok = false;

	*cursor = NULL;
	if (strlen(a->token) > TOKEN_BYTES || !sd_base64_decode(&b, a->token, strlen(a->token)) ||
		sd_json_parse(sd_buf_text(&b), b.len, "nextToken", &o, NULL) != SD_OK ||
		!fingerprint(a, hash))
		goto done;
	m = sd_json_get_str(o, "mode");
	last = sd_json_get(o, "lastSync");
	ok = sd_json_get_i64(o, "v", 0) == TOKEN_VERSION &&
	     sd_str_eq(sd_json_get_str(o, "op"), a->what) &&
	     sd_str_eq(sd_json_get_str(o, "model"), a->m->m->name) &&
	     sd_str_eq(sd_json_get_str(o, "filterHash"), hash) && m && strlen(m) < 8 &&
	     sd_json_i64(sd_json_get(o, "startedAt"), started_at) &&
	     (a->last_sync < 0 ? sd_json_is_null(last)
			       : sd_json_get_i64(o, "lastSync", -1) == a->last_sync);
	if (ok) {
		snprintf(mode, 8, "%s", m);
		*cursor = sd_json_detach(o, "cursor");
		ok = *cursor && sd_json_is_array(*cursor);
	}
done:
	sd_json_free(o);
	sd_buf_release(&b);
	return ok;
}
