/*
 * tests/proto/test_modes.c - credentials besides API key and user pool: IAM signatures, Lambda
 * tokens, foreign tokens (spec/server.md 5.3, 6.1, 7.7).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <time.h>

#include "core/base/buf.h"
#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/json/json.h"
#include "tests/support/run_sandbox.h"
#include "tests/support/support.h"
#include "tests/support/ws_client.h"

static const char SDL[] =
	"type Signed @model @auth(rules: [{allow: private, provider: iam}]) { id: ID! }\n"
	"type Custom @model @auth(rules: [{allow: custom}]) { id: ID! }\n"
	"type Foreign @model @auth(rules: [{allow: private, provider: oidc}]) { id: ID! }\n";
static const char USERS[] = "[{\"username\":\"alice\",\"password\":\"pw\",\"sub\":\"s\"}]";

static struct sd_schema *schema;
static struct sd_sandbox_opts opts;
static struct sd_test_server *srv;
static char *dir, users_file[300];

static int start(void **st)
{
	static const char *const SETS[] = {"iam_key=AKIDTEST:very/secret",
		"lambda_token=custom-token", "trust_unsigned_jwt=true"};

	(void)st;
	dir = sd_test_dir();
	snprintf(users_file, sizeof users_file, "%s/users.json", dir);
	if (sd_write_file(users_file, USERS, strlen(USERS), NULL) != SD_OK ||
		sd_schema_read(SDL, strlen(SDL), "test", &schema, NULL) != SD_OK)
		return -1;
	sd_test_server_defaults(&opts, schema);
	opts.users = users_file;
	opts.sets = SETS;
	opts.set_count = 3;
	srv = sd_test_server_start(&opts);
	return 0;
}

static int stop(void **st)
{
	(void)st;
	sd_test_server_stop(srv);
	sd_schema_free(schema);
	sd_test_dir_remove(dir);
	return 0;
}

static size_t collect(char *p, size_t size, size_t n, void *ctx)
{
	return sd_buf_add(ctx, p, size * n) ? size * n : 0;
}

/* A POST signed by libcurl; the status, the body in out. */
static long signed_post(const char *key, const char *body, struct sd_buf *out)
{
	CURL *c = curl_easy_init();
	struct curl_slist *h = curl_slist_append(NULL, "content-type: application/json");
	long status = 0;

	curl_easy_setopt(c, CURLOPT_URL, sd_test_server_url(srv));
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, h);
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(c, CURLOPT_AWS_SIGV4, "aws:amz:us-east-1:appsync");
	curl_easy_setopt(c, CURLOPT_USERPWD, key);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, out);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	assert_int_equal(curl_easy_perform(c), CURLE_OK);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(h);
	curl_easy_cleanup(c);
	return status;
}

#define LIST_SIGNED "{\"query\":\"{ listSigneds { items { id } } }\"}"
#define LIST_CUSTOM "{\"query\":\"{ listCustoms { items { id } } }\"}"

static void requests_signed_by_curl_are_taken_or_refused(void **st)
{
	struct sd_buf b = SD_BUF_INIT;

	(void)st;
	assert_int_equal(signed_post("AKIDTEST:very/secret", LIST_SIGNED, &b), 200);
	assert_string_equal(sd_buf_text(&b), "{\"data\":{\"listSigneds\":{\"items\":[]}}}");
	sd_buf_reset(&b); /* the mode opens its own models only */
	assert_int_equal(signed_post("AKIDTEST:very/secret", LIST_CUSTOM, &b), 200);
	assert_non_null(strstr(sd_buf_text(&b), "Not Authorized to access listCustoms"));
	sd_buf_reset(&b);
	assert_int_equal(signed_post("AKIDTEST:wrong", LIST_SIGNED, &b), 400);
	assert_non_null(strstr(sd_buf_text(&b),
		"The request signature we calculated does not match the signature you provided."));
	sd_buf_reset(&b);
	assert_int_equal(signed_post("AKIDOTHER:very/secret", LIST_SIGNED, &b), 403);
	assert_non_null(strstr(sd_buf_text(&b), "UnrecognizedClientException"));
	sd_buf_reset(&b);
	sd_json_free(sd_test_admin(srv, "POST", "clock", "{\"offsetMs\":600000}"));
	assert_int_equal(signed_post("AKIDTEST:very/secret", LIST_SIGNED, &b), 403);
	assert_non_null(strstr(sd_buf_text(&b), "Signature expired"));
	sd_json_free(sd_test_admin(srv, "POST", "clock", "{\"offsetMs\":0}"));
	sd_buf_release(&b);
}

/* ---- the realtime header object, signed here by the text of server.md 5.3 ---- */

static void hex_sha256(const char *text, char out[65])
{
	unsigned char h[32];

	EVP_Digest(text, strlen(text), h, NULL, EVP_sha256(), NULL);
	sd_hex(h, 32, out);
}

static void mac(unsigned char key[32], size_t n, const char *text)
{
	unsigned char out[32];

	HMAC(EVP_sha256(), key, (int)n, (const unsigned char *)text, strlen(text), out, NULL);
	memcpy(key, out, 32);
}

static char *signed_header(const char *path, const char *body, const char *secret)
{
	static const char names[] = "accept;content-encoding;content-type;host;x-amz-date";
	char date[20], day[9], hash[65], text[1000], canonical[1000];
	unsigned char k[64];
	struct sd_buf b = SD_BUF_INIT;
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(date, sizeof date, "%Y%m%dT%H%M%SZ", &tm);
	snprintf(day, sizeof day, "%.8s", date);
	hex_sha256(body, hash);
	snprintf(canonical, sizeof canonical,
		"POST\n%s\n\naccept:application/json, text/javascript\ncontent-encoding:amz-1.0\n"
		"content-type:application/json; "
		"charset=UTF-8\nhost:api.example\nx-amz-date:%s\n\n%s\n%s",
		path, date, names, hash);
	hex_sha256(canonical, hash);
	snprintf(text, sizeof text, "AWS4-HMAC-SHA256\n%s\n%s/us-east-1/appsync/aws4_request\n%s",
		date, day, hash);
	snprintf((char *)k, sizeof k, "AWS4%s", secret);
	mac(k, strlen((char *)k), day);
	mac(k, 32, "us-east-1");
	mac(k, 32, "appsync");
	mac(k, 32, "aws4_request");
	mac(k, 32, text);
	sd_hex(k, 32, hash);
	sd_buf_fmt(&b,
		"{\"accept\":\"application/json, "
		"text/javascript\",\"content-encoding\":\"amz-1.0\","
		"\"content-type\":\"application/json; charset=UTF-8\",\"host\":\"api.example\","
		"\"x-amz-date\":\"%s\",\"Authorization\":\"AWS4-HMAC-SHA256 "
		"Credential=AKIDTEST/%s/us-east-1/appsync/aws4_request, SignedHeaders=%s, "
		"Signature=%s\"}",
		date, day, names, hash);
	return sd_buf_take(&b);
}

static struct sd_test_ws *dial(const char *header)
{
	struct sd_buf b = SD_BUF_INIT;
	struct sd_test_ws *w;
	int status;

	sd_buf_str(&b, "graphql-ws, header-");
	sd_base64_encode(&b, header, strlen(header), true);
	w = sd_test_ws_open(
		sd_test_server_port(srv), "/graphql/realtime", sd_buf_text(&b), "", &status);
	assert_non_null(w);
	sd_test_ws_send(w, "{\"type\":\"connection_init\"}");
	sd_buf_release(&b);
	return w;
}

static void start_with(struct sd_test_ws *w, const char *id, const char *data, const char *header)
{
	struct sd_buf b = SD_BUF_INIT;

	sd_buf_fmt(&b, "{\"id\":\"%s\",\"type\":\"start\",\"payload\":{\"data\":", id);
	sd_json_quote(&b, data, strlen(data));
	sd_buf_fmt(&b, ",\"extensions\":{\"authorization\":%s}}}", header);
	sd_test_ws_send(w, sd_buf_text(&b));
	sd_buf_release(&b);
}

/* SRV-W28 */
static void connect_and_every_start_are_signed_for_themselves(void **st)
{
	static const char data[] = "{\"query\":\"subscription { onCreateSigned { id } }\"}";
	char *good = signed_header("/graphql/connect", "{}", "very/secret"), *m;
	char *wrong = signed_header("/graphql/connect", "{}", "other");
	char *for_start = signed_header("/graphql", data, "very/secret");
	struct sd_test_ws *w = dial(wrong);

	(void)st;
	m = sd_test_ws_expect(w, "connection_error", SD_TEST_SOON);
	assert_non_null(m);
	assert_non_null(strstr(m, "The request signature we calculated does not match"));
	free(m);
	sd_test_ws_free(w);
	w = dial(good);
	m = sd_test_ws_expect(w, "connection_ack", SD_TEST_SOON);
	assert_non_null(m);
	free(m);
	start_with(w, "a", data, good); /* the connect's signature is not the start's */
	m = sd_test_ws_expect(w, "error", SD_TEST_SOON);
	assert_non_null(m);
	assert_non_null(strstr(m, "BadRequestException"));
	free(m);
	start_with(w, "a", data, for_start);
	m = sd_test_ws_expect(w, "start_ack", SD_TEST_SOON);
	assert_non_null(m);
	free(m);
	sd_test_ws_close(w);
	free(good);
	free(wrong);
	free(for_start);
}

static void expect(const char *authorization, const char *query, int status, const char *body)
{
	struct sd_test_reply r;
	char line[600];
	const char *headers[] = {line, NULL};

	snprintf(line, sizeof line, "authorization: %s", authorization);
	sd_test_http(srv, "POST", "/graphql", headers, query, &r);
	if (r.status != status || !strstr(r.body, body))
		fail_msg("%s: %d %s", authorization, r.status, r.body);
	sd_test_reply_release(&r);
}

static void a_lambda_token_opens_custom_models_only(void **st)
{
	(void)st;
	expect("custom-token", LIST_CUSTOM, 200, "{\"data\":{\"listCustoms\":{\"items\":[]}}}");
	expect("custom-token", LIST_SIGNED, 200, "Not Authorized to access listSigneds");
	expect("other-token", LIST_CUSTOM, 401, "UnauthorizedException");
}

static void an_unsigned_token_of_another_issuer_counts_as_oidc(void **st)
{
	static const char head[] = "{\"alg\":\"none\"}";
	static const char live[] =
		"{\"sub\":\"x\",\"iss\":\"https://id.example\",\"exp\":99999999999}";
	static const char dead[] = "{\"sub\":\"x\",\"iss\":\"https://id.example\",\"exp\":1}";
	static const char list[] = "{\"query\":\"{ listForeigns { items { id } } }\"}";
	struct sd_buf b = SD_BUF_INIT;

	(void)st;
	for (int i = 0; i < 2; i++) {
		const char *claims = i ? dead : live;
		sd_buf_reset(&b);
		sd_base64_encode(&b, head, strlen(head), true);
		sd_buf_ch(&b, '.');
		sd_base64_encode(&b, claims, strlen(claims), true);
		sd_buf_str(&b, ".x");
		expect(sd_buf_text(&b), list, i ? 401 : 200,
			i ? "Token has expired." : "{\"data\":{\"listForeigns\":{\"items\":[]}}}");
	}
	sd_buf_release(&b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_signed_by_curl_are_taken_or_refused),
		cmocka_unit_test(connect_and_every_start_are_signed_for_themselves),
		cmocka_unit_test(a_lambda_token_opens_custom_models_only),
		cmocka_unit_test(an_unsigned_token_of_another_issuer_counts_as_oidc),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
