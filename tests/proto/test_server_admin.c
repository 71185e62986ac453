/*
 * tests/proto/test_server_admin.c - the local backend over real sockets: faults, latency, the log, the
 * clock and the rest of the admin side (contract.md 10).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "core/base/time.h"
#include "core/json/json.h"
#include "tests/support/served.h"

static void fault(const char *body)
{
	sd_json_free(sd_test_admin(served.srv, "POST", "fault", body));
}

/* The least that one of so many requests took, s: what a machine's pause cannot lengthen. */
static double quickest(int n)
{
	double best = 1e9;

	while (n-- > 0) {
		struct sd_test_reply r;
		sd_test_graphql(served.srv, "{__typename}", NULL, &r);
		assert_int_equal(r.status, 200);
		best = r.seconds < best ? r.seconds : best;
		sd_test_reply_release(&r);
	}
	return best;
}

/* the kinds of contract.md 10, on the wire */
static void faults_do_what_they_say_once(void **st)
{
	struct sd_test_reply r;

	(void)st;
	fault("{\"kind\":\"status\",\"status\":503,\"body\":\"<oops>\",\"headers\":{\"Retry-"
	      "After\":"
	      "\"7\"}}");
	sd_test_graphql(served.srv, "{__typename}", NULL, &r);
	assert_int_equal(r.status, 503);
	assert_string_equal(r.body, "<oops>");
	assert_non_null(strcasestr(r.head, "retry-after: 7"));
	sd_test_reply_release(&r);
	fault("{\"kind\":\"garbage\",\"body\":\"not json\"}");
	sd_test_graphql(served.srv, "{__typename}", NULL, &r);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "not json");
	sd_test_reply_release(&r);
	fault("{\"kind\":\"reset\"}");
	sd_test_graphql(served.srv, "{__typename}", NULL, &r);
	assert_int_equal(r.curl, CURLE_RECV_ERROR); /* connection reset by peer */
	sd_test_reply_release(&r);
	fault("{\"kind\":\"lostResponse\"}");
	sd_test_graphql(served.srv, "{__typename}", NULL, &r);
	assert_int_equal(r.curl, CURLE_GOT_NOTHING);
	sd_test_reply_release(&r);
	fault("{\"kind\":\"truncate\"}");
	sd_test_graphql(served.srv, "{__typename}", NULL, &r);
	assert_int_equal(r.curl, CURLE_PARTIAL_FILE);
	assert_true(strlen(r.body) > 0);
	sd_test_reply_release(&r);
	fault("{\"kind\":\"delay\",\"ms\":700}");
	sd_test_graphql(served.srv, "{__typename}", NULL, &r);
	assert_int_equal(r.status, 200);
	assert_true(r.seconds >= 0.69);
	sd_test_reply_release(&r);
	assert_true(quickest(10) < 0.6);
}

static void a_graphql_error_on_order_names_every_root_field(void **st)
{
	struct sd_test_reply r;
	const struct cJSON *e;

	(void)st;
	fault("{\"kind\":\"graphqlError\",\"field\":\"createPost\",\"errorType\":"
	      "\"ConflictUnhandled\","
	      "\"message\":\"Conflict resolver rejects mutation.\",\"data\":{\"id\":\"1\"}}");
	sd_test_graphql(
		served.srv, "mutation { a: updatePost(input:{id:\"1\"}) { id } }", NULL, &r);
	assert_int_equal(r.status, 200); /* another field: not struck */
	assert_null(strstr(r.body, "Conflict resolver rejects mutation."));
	sd_test_reply_release(&r);
	sd_test_graphql(served.srv,
		"mutation {\n  a: createPost(input:{title:\"x\"}) { id }\n  "
		"createPost(input:{title:\"y\"}) "
		"{ id } }",
		NULL, &r);
	assert_true(sd_json_is_null(sd_json_path(r.json, "data", "a", NULL)));
	assert_non_null(sd_json_path(r.json, "data", "createPost", NULL));
	assert_int_equal(sd_json_count(sd_json_get(r.json, "errors")), 2);
	e = sd_json_child(sd_json_get(r.json, "errors"));
	assert_string_equal(sd_json_get_str(e, "errorType"), "ConflictUnhandled");
	assert_string_equal(sd_json_str(sd_json_child(sd_json_get(e, "path"))), "a");
	assert_string_equal(sd_json_get_str(sd_json_get(e, "data"), "id"), "1");
	assert_int_equal(sd_json_get_i64(sd_json_child(sd_json_get(e, "locations")), "line", 0), 2);
	sd_test_reply_release(&r);
	sd_json_free(sd_test_admin(served.srv, "DELETE", "fault", NULL));
}

static size_t ignore(char *p, size_t size, size_t n, void *ctx)
{
	(void)p;
	(void)ctx;
	return size * n;
}

static void latency_delays_one_answer_and_blocks_nobody(void **st)
{
	CURLM *m = curl_multi_init();
	CURL *c[12];
	struct curl_slist *h = curl_slist_append(NULL, SERVED_KEY);
	int running = 1;
	int64_t t0;

	(void)st;
	sd_json_free(sd_test_admin(served.srv, "POST", "latency", "{\"ms\":1000,\"jitter\":50}"));
	t0 = sd_mono_ms();
	for (int i = 0; i < 12; i++) {
		c[i] = curl_easy_init();
		curl_easy_setopt(c[i], CURLOPT_URL, sd_test_server_url(served.srv));
		curl_easy_setopt(c[i], CURLOPT_HTTPHEADER, h);
		curl_easy_setopt(c[i], CURLOPT_POSTFIELDS, "{\"query\":\"{__typename}\"}");
		curl_easy_setopt(c[i], CURLOPT_WRITEFUNCTION, ignore);
		curl_multi_add_handle(m, c[i]);
	}
	while (running) {
		curl_multi_perform(m, &running);
		curl_multi_poll(m, NULL, 0, 100, NULL);
	}
	t0 = sd_mono_ms() - t0;
	assert_true(t0 >= 990 && t0 < 9000); /* not twelve times that */
	for (int i = 0; i < 10; i++) {       /* the admin side is not delayed */
		int64_t from = sd_mono_ms();
		sd_json_free(sd_test_admin(served.srv, "GET", "state", NULL));
		from = sd_mono_ms() - from;
		t0 = from < t0 ? from : t0;
	}
	assert_true(t0 < 990);
	for (int i = 0; i < 12; i++) {
		long status = 0;
		curl_easy_getinfo(c[i], CURLINFO_RESPONSE_CODE, &status);
		assert_int_equal(status, 200);
		curl_multi_remove_handle(m, c[i]);
		curl_easy_cleanup(c[i]);
	}
	curl_multi_cleanup(m);
	curl_slist_free_all(h);
	sd_json_free(sd_test_admin(served.srv, "POST", "reset", NULL));
	assert_true(quickest(10) < 0.9);
}

static void a_hanging_request_holds_up_nobody(void **st)
{
	struct sd_test_reply r;
	char *all;

	(void)st;
	fault("{\"kind\":\"hang\"}");
	all = served_raw("POST /graphql HTTP/1.1\r\nHost: h\r\n" SERVED_KEY
			 "\r\nContent-Length: 24\r\n\r\n"
			 "{\"query\":\"{__typename}\"}",
		200);
	assert_string_equal(all, "");
	free(all);
	sd_test_graphql(served.srv, "{__typename}", NULL, &r);
	assert_int_equal(r.status, 200);
	sd_test_reply_release(&r);
}

static void the_log_holds_what_came_in(void **st)
{
	struct sd_test_reply r;
	struct cJSON *log;
	const struct cJSON *x;
	int64_t t, from = sd_now_ms();

	(void)st;
	sd_json_free(sd_test_admin(served.srv, "DELETE", "log", NULL));
	sd_test_graphql(served.srv, "{__typename}", NULL, &r);
	sd_test_reply_release(&r);
	sd_test_http(served.srv, "GET", "/nothing", NULL, NULL, &r);
	sd_test_reply_release(&r);
	log = sd_test_admin(served.srv, "GET", "log", NULL);
	assert_int_equal(sd_json_count(log), 2); /* admin calls are not in it */
	x = sd_json_child(log);
	assert_string_equal(sd_json_get_str(x, "kind"), "http");
	assert_string_equal(sd_json_get_str(x, "method"), "POST");
	assert_string_equal(sd_json_get_str(x, "path"), "/graphql");
	assert_string_equal(
		sd_json_get_str(sd_json_get(x, "headers"), "x-api-key"), "da2-fakeApiId123456");
	assert_int_equal(sd_json_get_i64(x, "status", 0), 200);
	assert_non_null(strstr(sd_json_get_str(x, "body"), "{__typename}"));
	t = sd_json_get_i64(x, "t", 0);
	assert_true(t >= from && t <= sd_now_ms());
	assert_int_equal(sd_json_get_i64(sd_json_next(x), "status", 0), 404);
	sd_json_free(log);
	log = sd_test_admin(served.srv, "GET", "log?since=99999999999999", NULL);
	assert_int_equal(sd_json_count(log), 0);
	sd_json_free(log);
}

static void the_clock_moves_on_order(void **st)
{
	struct sd_test_reply r;
	struct cJSON *log;

	(void)st;
	sd_json_free(sd_test_admin(served.srv, "POST", "clock", "{\"offsetMs\":86400000}"));
	sd_test_graphql(served.srv, "{__typename}", NULL, &r);
	sd_test_reply_release(&r);
	log = sd_test_admin(served.srv, "GET", "log", NULL);
	assert_true(sd_json_get_i64(sd_json_child(log), "t", 0) > sd_now_ms() + 86000000);
	sd_json_free(log);
	sd_json_free(sd_test_admin(served.srv, "POST", "clock", "{\"offsetMs\":0}"));
}

static void bad_admin_calls_say_what_is_wrong(void **st)
{
	static const struct {
		const char *method, *call, *body;
		int status;
		const char *word;
	} BAD[] = {
		{"GET", "nothing", NULL, 404, "there is no GET"},
		{"GET", "reset", NULL, 405, "takes POST"},
		{"POST", "fault", "{}", 400, "kind"},
		{"POST", "fault", "[]", 400, "object"},
		{"POST", "fault", "{", 400, "JSON"},
		{"GET", "dump", NULL, 400, "model"},
		{"GET", "dump?model=Nope", NULL, 404, "Nope"},
		{"POST", "seed", "{\"model\":\"Post\",\"count\":-5}", 400, "count"},
		{"POST", "put", "{\"model\":\"Post\"}", 400, "items"},
		{"POST", "mutate", "{\"model\":\"Post\",\"op\":\"upsert\",\"input\":{}}", 400,
			"create"},
		{"POST", "latency", "{\"ms\":\"x\"}", 400, "ms"},
		{"POST", "ws", "{\"refuse\":200}", 400, "refuse"},
		{"POST", "expire-tokens", NULL, 400, "user pool"},
	};

	(void)st;
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		struct sd_test_reply r;
		char path[100];
		snprintf(path, sizeof path, "/_sandbox/%s", BAD[i].call);
		sd_test_http(served.srv, BAD[i].method, path, NULL, BAD[i].body, &r);
		assert_int_equal(r.status, BAD[i].status);
		assert_non_null(strstr(sd_json_get_str(r.json, "error"), BAD[i].word));
		sd_test_reply_release(&r);
	}
}

static void the_admin_side_refuses_web_pages(void **st)
{
	static const char *const HOST[] = {"Host: evil.example", NULL};
	static const char *const ORIGIN[] = {"Origin: http://evil.example", NULL};
	struct sd_test_reply r;

	(void)st;
	sd_test_http(served.srv, "GET", "/_sandbox/state", HOST, NULL, &r);
	assert_int_equal(r.status, 403);
	sd_test_reply_release(&r);
	sd_test_http(served.srv, "POST", "/_sandbox/reset", ORIGIN, NULL, &r);
	assert_int_equal(r.status, 403);
	sd_test_reply_release(&r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(faults_do_what_they_say_once, served_fresh),
		cmocka_unit_test_setup(
			a_graphql_error_on_order_names_every_root_field, served_fresh),
		cmocka_unit_test_setup(latency_delays_one_answer_and_blocks_nobody, served_fresh),
		cmocka_unit_test_setup(a_hanging_request_holds_up_nobody, served_fresh),
		cmocka_unit_test_setup(the_log_holds_what_came_in, served_fresh),
		cmocka_unit_test_setup(the_clock_moves_on_order, served_fresh),
		cmocka_unit_test_setup(bad_admin_calls_say_what_is_wrong, served_fresh),
		cmocka_unit_test_setup(the_admin_side_refuses_web_pages, served_fresh),
	};
	return cmocka_run_group_tests(tests, served_posts, served_stop);
}