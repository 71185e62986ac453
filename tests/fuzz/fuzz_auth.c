/*
 * tests/fuzz/fuzz_auth.c - credentials: any bytes as a token, as a key of a key set, as a signature
 * header and as the numbers and times of a sign-in.  Nothing may be taken for good.
 *
 * The first byte picks what the rest is.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/json/json.h"
#include "core/sandbox/server/jwt.h"
#include "core/sandbox/server/sigv4.h"
#include "core/sandbox/server/srp.h"

#define NOW INT64_C(1795000000000)

static void must(int ok)
{
	if (!ok)
		abort();
}

static void token(struct sd_signer *s, const char *p, size_t n)
{
	struct cJSON *claims = NULL;
	enum sd_jwt_verdict v = sd_jwt_read(s, p, n, NOW, &claims);

	must(v != SD_JWT_GOOD && v != SD_JWT_EXPIRED && !claims);
	v = sd_jwt_read(NULL, p, n, NOW, &claims); /* developer mode: claims only */
	must((v == SD_JWT_GOOD || v == SD_JWT_EXPIRED) == (claims != NULL));
	sd_json_free(claims);
}

static void key(const char *p, size_t n)
{
	struct cJSON *j = NULL;
	struct sd_signer *s = NULL;

	if (sd_json_parse(p, n, "key", &j, NULL) == SD_OK && sd_signer_public(j, &s, NULL) == SD_OK)
		token(s, "e30.e30.e30", 11);
	sd_signer_free(s);
	sd_json_free(j);
}

struct headers {
	const char *authorization, *date;
};

static const char *header(void *ctx, const char *name)
{
	const struct headers *h = ctx;

	return strcmp(name, "authorization") == 0 ? h->authorization
	       : strcmp(name, "x-amz-date") == 0  ? h->date
	       : strcmp(name, "host") == 0        ? "h"
						  : NULL;
}

/* AUTHORIZATION \n DATE \n PATH \n QUERY */
static void signature(char *text)
{
	char *part[4] = {text, NULL, NULL, NULL}, *nl;
	struct headers h;
	struct sd_sigv4_request r = {.method = "POST", .header = header, .ctx = &h};

	for (int i = 1; i < 4 && part[i - 1]; i++) {
		nl = strchr(part[i - 1], '\n');
		if (nl)
			*nl = '\0';
		part[i] = nl ? nl + 1 : NULL;
	}
	h = (struct headers){part[0], part[1] ? part[1] : "20261118T124640Z"};
	r.path = part[2] ? part[2] : "/graphql";
	r.query = part[3] ? part[3] : "";
	r.body = "{}";
	r.body_len = 2;
	must(sd_sigv4_check(&r, "appsync", "AKID", "secret", NOW) != SD_SIGV4_GOOD);
}

/* A \n TIMESTAMP \n SIGNATURE */
static void sign_in(char *text)
{
	static struct sd_rand rand;
	static const struct sd_srp_user u = {"Pool", "user", "password"};
	char *stamp = strchr(text, '\n'), *sig;
	struct sd_srp *s = NULL;

	if (!rand.bytes)
		sd_rand_seeded(&rand, 1);
	if (!stamp)
		return;
	*stamp++ = '\0';
	sig = strchr(stamp, '\n');
	if (!sig)
		return;
	*sig++ = '\0';
	(void)sd_srp_timestamp_ok(stamp);
	if (strlen(text) < 1000 && sd_srp_begin(&u, text, &rand, &s, NULL) == SD_OK)
		must(!sd_srp_holds(s, &u, "block", 5, stamp, sig));
	sd_srp_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	static struct sd_signer *signer;
	char *text;

	if (n < 1)
		return 0;
	if (!signer && sd_signer_open(NULL, &signer, NULL) != SD_OK)
		abort();
	text = malloc(n);
	if (!text)
		return 0;
	memcpy(text, d + 1, n - 1);
	text[n - 1] = '\0';
	if (d[0] % 4 == 0)
		token(signer, text, n - 1);
	else if (d[0] % 4 == 1)
		key(text, n - 1);
	else if (d[0] % 4 == 2)
		signature(text);
	else
		sign_in(text);
	free(text);
	return 0;
}
