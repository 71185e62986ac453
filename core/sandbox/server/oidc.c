/*
 * core/sandbox/server/oidc.c - tokens of another issuer (server.md 6.1: OIDC).
 *
 * `--set oidc_jwks=FILE` names its key set (what its /.well-known/jwks.json holds), so that nothing
 * has to be fetched; oidc_issuer and oidc_client_id narrow it as AppSync's settings do.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/json/json.h"
#include "core/sandbox/server/jwt.h"
#include "core/sandbox/server/server.h"

#define KEYS_MAX 32

struct oidc {
	struct sd_signer *keys[KEYS_MAX]; /* owned */
	size_t count;
};

void sd_srv_oidc_close(struct oidc *o)
{
	for (size_t i = 0; o && i < o->count; i++)
		sd_signer_free(o->keys[i]);
	free(o);
}

/* Keys for other algorithms may stand beside those that are used. */
static enum sd_err take_keys(
	struct oidc *o, const struct cJSON *set, const char *file, struct sd_error *e)
{
	struct sd_error why = {0};

	for (const struct cJSON *k = sd_json_child(sd_json_get(set, "keys"));
		k && o->count < KEYS_MAX; k = sd_json_next(k))
		if (sd_signer_public(k, &o->keys[o->count], &why) == SD_OK)
			o->count++;
	if (o->count)
		return SD_OK;
	return sd_fail(e, SD_INVAL, 0,
		"--set oidc_jwks=%s: a key set {\"keys\":[...]} with an RSA key is needed", file);
}

enum sd_err sd_srv_oidc_open(struct server *s, struct sd_error *e)
{
	const char *file = s->set.oidc_jwks;
	struct sd_buf text = SD_BUF_INIT;
	struct cJSON *set = NULL;
	enum sd_err rc;

	if (!file)
		return SD_OK;
	rc = sd_read_file(file, (size_t)1 << 20, &text, e);
	if (rc == SD_OK)
		rc = sd_json_parse(sd_buf_text(&text), text.len, file, &set, e);
	if (rc == SD_OK && !(s->oidc = calloc(1, sizeof *s->oidc)))
		rc = sd_fail(e, SD_NOMEM, 0, "OIDC: out of memory");
	if (rc == SD_OK)
		rc = take_keys(s->oidc, set, file, e);
	sd_json_free(set);
	sd_buf_release(&text);
	return rc;
}

bool sd_srv_oidc_on(const struct server *s)
{
	return s->oidc || s->set.trust_unsigned_jwt;
}

static enum sd_jwt_verdict verify(
	struct server *s, const char *token, size_t n, struct cJSON **claims)
{
	int64_t now = sd_srv_now_ms(s);
	enum sd_jwt_verdict v = SD_JWT_FOREIGN;

	for (size_t i = 0; s->oidc && i < s->oidc->count && v == SD_JWT_FOREIGN; i++)
		v = sd_jwt_read(s->oidc->keys[i], token, n, now, claims);
	if (v == SD_JWT_FOREIGN && s->set.trust_unsigned_jwt)
		v = sd_jwt_read(NULL, token, n, now, claims);
	return v;
}

/* AppSync looks for the client in "aud" or "azp". */
static bool is_client(const struct cJSON *claims, const char *id)
{
	const struct cJSON *aud = sd_json_get(claims, "aud");

	if (sd_str_eq(sd_json_str(aud), id) || sd_str_eq(sd_json_get_str(claims, "azp"), id))
		return true;
	for (const struct cJSON *a = sd_json_is_array(aud) ? sd_json_child(aud) : NULL; a;
		a = sd_json_next(a))
		if (sd_str_eq(sd_json_str(a), id))
			return true;
	return false;
}

static size_t without_slash(const char *url)
{
	size_t n = strlen(url);

	return n && url[n - 1] == '/' ? n - 1 : n;
}

static bool is_issuer(const char *iss, const char *want)
{
	return iss && without_slash(iss) == without_slash(want) &&
	       memcmp(iss, want, without_slash(want)) == 0;
}

enum token_verdict sd_srv_oidc_check(
	struct server *s, const char *token, size_t n, struct cJSON **claims)
{
	enum sd_jwt_verdict v = verify(s, token, n, claims);
	const char *issuer = s->set.oidc_issuer, *client = s->set.oidc_client_id;
	enum token_verdict t = TOKEN_GOOD;

	if (v == SD_JWT_MALFORMED)
		t = TOKEN_MALFORMED;
	else if (v == SD_JWT_FOREIGN ||
		 (issuer && !is_issuer(sd_json_get_str(*claims, "iss"), issuer)) ||
		 (client && !is_client(*claims, client)))
		t = TOKEN_REFUSED;
	else if (v == SD_JWT_EXPIRED)
		t = TOKEN_EXPIRED;
	if (t != TOKEN_GOOD) {
		sd_json_free(*claims);
		*claims = NULL;
	}
	return t;
}
