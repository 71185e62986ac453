/*
 * tests/proto/test_server_large.c - the local backend with very many records, over real sockets: no
 * admin call holds up the others (contract.md 10).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/time.h"
#include "core/json/json.h"
#include "tests/support/served.h"
#include "tests/support/support.h"

#ifdef __SANITIZE_ADDRESS__
#define SLOW 5
#elif defined(__SANITIZE_THREAD__)
#define SLOW 5
#else
#define SLOW 1
#endif
#define MANY (200000 / SLOW)

static const char SDL[] = "type Post @model @auth(rules: [{allow: public}]) {\n"
			  "  id: ID!\n  title: String!\n  content: String\n  rating: Int\n}\n";

static int start(void **st)
{
	(void)st;
	return served_start(SDL);
}

/* ---- a connection of our own ---- */

static int dial(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)sd_test_server_port(served.srv)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Reads until `until` stands in what came, or to the end (NULL). */
static void hear(int fd, const char *until, struct sd_buf *in)
{
	char b[65536];
	size_t from = 0;

	while (!until || !in->data ||
		!memmem(in->data + from, in->len - from, until, strlen(until))) {
		ssize_t n;
		from = until && in->len > strlen(until) ? in->len - strlen(until) : 0;
		n = recv(fd, b, sizeof b, 0);
		if (n <= 0)
			return;
		assert_true(sd_buf_add(in, b, (size_t)n));
	}
}

static void post(int fd, const char *call, const char *body)
{
	struct sd_buf b = SD_BUF_INIT;

	sd_buf_fmt(&b,
		"POST /_sandbox/%s HTTP/1.1\r\nhost: localhost\r\ncontent-length: %zu\r\n\r\n%s",
		call, strlen(body), body);
	say(fd, sd_buf_text(&b));
	sd_buf_release(&b);
}

static void seed(int fd, int n)
{
	char body[100];

	snprintf(body, sizeof body, "{\"model\":\"Post\",\"count\":%d,\"seed\":3}", n);
	post(fd, "seed", body);
}

static bool readable(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

static int64_t live(void)
{
	struct cJSON *j = sd_test_admin(served.srv, "GET", "state", NULL);
	int64_t n = sd_json_get_i64(sd_json_path(j, "models", "Post", NULL), "live", -1);

	sd_json_free(j);
	return n;
}

static void mutate(int i)
{
	struct sd_test_reply r;
	char q[200];

	snprintf(q, sizeof q, "mutation { createPost(input: {id: \"m%d\", title: \"t\"}) { id } }",
		i);
	sd_test_graphql(served.srv, q, NULL, &r);
	assert_int_equal(r.status, 200);
	assert_null(sd_json_get(r.json, "errors"));
	sd_test_reply_release(&r);
}

/* Others create, query and ask for the state all the while; what they wrote is there in the end. */
static void a_large_seed_holds_up_nobody(void **st)
{
	struct sd_buf in = SD_BUF_INIT;
	struct sd_test_reply r;
	int64_t begin = sd_mono_us(), worst = 0, at, grown = 0, was = 0, now;
	int fd = dial(), answered = 0;

	(void)st;
	seed(fd, MANY);
	while (!readable(fd)) {
		at = sd_mono_us();
		mutate(answered++);
		sd_test_graphql(served.srv, "{ listPosts(limit: 3) { items { id } } }", NULL, &r);
		assert_null(sd_json_get(r.json, "errors"));
		sd_test_reply_release(&r);
		now = live();
		grown += now > was;
		was = now;
		at = sd_mono_us() - at;
		worst = at > worst ? at : worst;
	}
	begin = sd_mono_us() - begin;
	hear(fd, "\"ok\":true", &in);
	assert_non_null(strstr(in.data, "200 OK"));
	print_message(
		"%d others were served in %lld ms, three requests of one took at most %lld ms\n",
		answered, (long long)begin / 1000, (long long)worst / 1000);
	assert_true(answered >= 5);
	assert_true(grown >= 4); /* the seed went on meanwhile, a piece at a time */
	assert_int_equal(live(), MANY + answered);
	close(fd);
	sd_buf_release(&in);
}

static void a_reset_ends_a_seed_and_tells_so(void **st)
{
	struct sd_buf in = SD_BUF_INIT;
	int a = dial(), b = dial();

	(void)st;
	seed(a, MANY);
	seed(b, MANY); /* stands behind the first */
	while (live() <= 0)
		;
	sd_json_free(sd_test_admin(served.srv, "POST", "reset", NULL));
	assert_int_equal(live(), 0);
	hear(a, "}", &in);
	assert_non_null(strstr(in.data, "a reset came in between"));
	assert_non_null(strstr(in.data, "HTTP/1.1 400"));
	sd_buf_reset(&in);
	hear(b, "}", &in);
	assert_non_null(strstr(in.data, "a reset came in between"));
	assert_int_equal(live(), 0);
	seed(a, 10); /* the connection is as good as before */
	sd_buf_reset(&in);
	hear(a, "}", &in);
	assert_non_null(strstr(in.data, "{\"ok\":true}"));
	assert_int_equal(live(), 10);
	close(a);
	close(b);
	sd_buf_release(&in);
}

static void a_seed_goes_on_when_nobody_waits_for_it(void **st)
{
	int fd = dial();

	(void)st;
	seed(fd, MANY / 4);
	while (live() <= 0)
		;
	close(fd);
	while (live() < MANY / 4)
		usleep(1000);
	assert_int_equal(live(), MANY / 4);
}

/* Others are answered between the pieces of a put; one bad row, and nothing is put. */
static void a_large_put_holds_up_nobody(void **st)
{
	struct sd_buf b = SD_BUF_INIT, in = SD_BUF_INIT;
	struct sd_test_reply r;
	int fd = dial(), n = 20000 / SLOW, others = 0;

	(void)st;
	sd_buf_str(&b, "{\"model\":\"Post\",\"items\":[");
	for (int i = 0; i < n; i++)
		sd_buf_fmt(&b, "{\"id\":\"p%d\",\"title\":\"t\"},", i);
	sd_buf_str(&b, "{\"title\":\"no id\"}]}");
	sd_test_http(served.srv, "POST", "/_sandbox/put", NULL, sd_buf_text(&b), &r);
	assert_int_equal(r.status, 400);
	assert_int_equal(live(), 0);
	sd_test_reply_release(&r);
	b.len -= strlen("{\"title\":\"no id\"}]}");
	sd_buf_str(&b, "{\"id\":\"last\",\"title\":\"t\"}]}");
	post(fd, "put", sd_buf_text(&b));
	while (!readable(fd))
		mutate(others++);
	hear(fd, "}", &in);
	assert_non_null(strstr(in.data, "{\"ok\":true}"));
	assert_true(others >= 2);
	assert_int_equal(live(), n + 1 + others);
	close(fd);
	sd_buf_release(&b);
	sd_buf_release(&in);
}

static void a_purge_of_very_many_holds_up_nobody(void **st)
{
	struct sd_buf b = SD_BUF_INIT, in = SD_BUF_INIT;
	int fd = dial(), n = 20000 / SLOW;

	(void)st;
	for (int k = 0; k < 4; k++) {
		sd_buf_reset(&b);
		sd_buf_str(&b, "{\"model\":\"Post\",\"items\":[");
		for (int i = 0; i < n; i++)
			sd_buf_fmt(&b, "%s{\"id\":\"%d-%d\",\"title\":\"t\",\"_deleted\":true}",
				i ? "," : "", k, i);
		sd_buf_str(&b, "]}");
		sd_json_free(sd_test_admin(served.srv, "POST", "put", sd_buf_text(&b)));
	}
	post(fd, "purge", "{}");
	mutate(1);
	hear(fd, "}", &in);
	assert_non_null(strstr(in.data, "{\"ok\":true}"));
	sd_json_free(sd_test_admin(served.srv, "POST", "mutate",
		"{\"op\":\"delete\",\"model\":\"Post\",\"input\":{\"id\":\"m1\"}}"));
	sd_buf_reset(&b);
	{
		struct cJSON *j = sd_test_admin(served.srv, "GET", "state", NULL);
		sd_json_print(sd_json_path(j, "models", "Post", NULL), &b);
		sd_json_free(j);
	}
	assert_string_equal(sd_buf_text(&b), "{\"live\":0,\"deleted\":1}");
	close(fd);
	sd_buf_release(&b);
	sd_buf_release(&in);
}

/* CPU time of the server so far, in clock ticks. */
static long ticks(void)
{
	char path[64], text[1024];
	unsigned long user = 0, sys = 0;
	FILE *f;
	char *p;

	snprintf(path, sizeof path, "/proc/%lld/stat",
		(long long)sd_json_get_i64(sd_test_server_ready(served.srv), "pid", 0));
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof text, f));
	fclose(f);
	p = strrchr(text, ')');
	assert_int_equal(
		sscanf(p, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys), 2);
	return (long)(user + sys);
}

/* A request in two pieces sets its deadline and takes it back; nothing may go round and round then. */
static void idle_connections_cost_nothing(void **st)
{
	struct sd_buf in = SD_BUF_INIT;
	long before;
	int fd = dial();

	(void)st;
	for (int i = 0; i < 20; i++) {
		say(fd, "POST /graphql HTTP/1.1\r\nhost: localhost\r\nx-api-key: "
			"da2-fakeApiId123456\r\ncontent-length: 24\r\n\r\n");
		usleep(2000);
		say(fd, "{\"query\":\"{__typename}\"}");
		sd_buf_reset(&in);
		hear(fd, "}}", &in);
	}
	before = ticks();
	usleep(1000000);
	assert_true(ticks() - before < 25); /* who goes round and round takes 100 */
	close(fd);
	sd_buf_release(&in);
}

/* ---- dump ---- */

static void a_large_dump_is_streamed(void **st)
{
	struct sd_buf in = SD_BUF_INIT;
	struct sd_test_reply r;
	struct cJSON *j = NULL;
	const char *body, *end;
	int fd = dial();

	(void)st;
	sd_json_free(sd_test_admin(
		served.srv, "POST", "seed", "{\"model\":\"Post\",\"count\":10000,\"seed\":3}"));
	sd_test_http(served.srv, "GET", "/_sandbox/dump?model=Post", NULL, NULL, &r);
	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.head, "transfer-encoding: chunked"));
	assert_null(strstr(r.head, "content-length"));
	assert_int_equal(sd_json_count(r.json), 10000);
	assert_non_null(sd_json_get(sd_json_child(r.json), "_version"));
	/* the connection goes on behind it, in order */
	say(fd, "GET /_sandbox/dump?model=Post HTTP/1.1\r\nhost: localhost\r\n\r\n"
		"GET /_sandbox/sdl HTTP/1.1\r\nhost: localhost\r\n\r\n");
	hear(fd, "type Post", &in);
	end = strstr(in.data, "\r\n0\r\n\r\nHTTP/1.1 200");
	assert_non_null(end);
	close(fd);
	/* HTTP/1.0 knows no chunks: the end is the connection's */
	sd_buf_reset(&in);
	fd = dial();
	say(fd, "GET /_sandbox/dump?model=Post HTTP/1.0\r\nhost: localhost\r\n\r\n");
	hear(fd, NULL, &in);
	assert_null(strstr(in.data, "chunked"));
	body = strstr(in.data, "\r\n\r\n") + 4;
	assert_string_equal(body, r.body);
	assert_int_equal(sd_json_parse(body, strlen(body), "dump", &j, NULL), SD_OK);
	assert_int_equal(sd_json_count(j), 10000);
	sd_json_free(j);
	sd_test_reply_release(&r);
	close(fd);
	/* a small one has its length, as ever */
	served_fresh(NULL);
	sd_test_http(served.srv, "GET", "/_sandbox/dump?model=Post", NULL, NULL, &r);
	assert_string_equal(r.body, "[]");
	assert_non_null(strstr(r.head, "content-length: 2"));
	sd_test_reply_release(&r);
	sd_buf_release(&in);
}

/* A reader that stops in the midst of a dump, and one that goes away, cost nobody anything. */
static void a_slow_reader_of_a_dump_holds_up_nobody(void **st)
{
	struct sd_buf in = SD_BUF_INIT;
	int fd = dial(), gone = dial(), n = 80000 / SLOW;
	char body[100];
	const char *ask = "GET /_sandbox/dump?model=Post HTTP/1.1\r\nhost: localhost\r\n"
			  "connection: close\r\n\r\n";
	size_t rows = 0;

	(void)st;
	snprintf(body, sizeof body, "{\"model\":\"Post\",\"count\":%d}", n);
	sd_json_free(sd_test_admin(served.srv, "POST", "seed", body));
	say(fd, ask);
	hear(fd, "_version", &in);
	say(gone, ask);
	close(gone);
	for (int i = 0; i < 20; i++)
		mutate(i);
	assert_int_equal(live(), n + 20);
	hear(fd, NULL, &in);
	assert_non_null(strstr(in.data, "\r\n0\r\n\r\n"));
	for (const char *p = in.data; (p = strstr(p, "\"_deleted\":null")); p++)
		rows++;
	assert_true(rows >= (size_t)n &&
		    rows <= (size_t)n + 20); /* what was created meanwhile may be there */
	close(fd);
	sd_buf_release(&in);
}

/* ---- files ---- */

/* Every mutation that was answered is there after kill -9, and so is a seed that was. */
static void what_was_answered_survives_a_kill(void **st)
{
	char *dir = sd_test_dir(), *db = sd_path_join(dir, "a.db");
	struct sd_sandbox_opts o = served.opts;
	struct sd_test_server *was = served.srv;

	(void)st;
	o.db = db;
	served.srv = sd_test_server_start(&o);
	sd_json_free(sd_test_admin(
		served.srv, "POST", "seed", "{\"model\":\"Post\",\"count\":6000,\"seed\":3}"));
	for (int i = 0; i < 50; i++)
		mutate(i);
	sd_test_server_kill(served.srv);
	served.srv = sd_test_server_start(&o);
	assert_int_equal(live(), 6050);
	sd_test_server_stop(served.srv);
	served.srv = was;
	free(db);
	sd_test_dir_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_large_seed_holds_up_nobody, served_fresh),
		cmocka_unit_test_setup(a_reset_ends_a_seed_and_tells_so, served_fresh),
		cmocka_unit_test_setup(a_seed_goes_on_when_nobody_waits_for_it, served_fresh),
		cmocka_unit_test_setup(a_large_put_holds_up_nobody, served_fresh),
		cmocka_unit_test_setup(a_purge_of_very_many_holds_up_nobody, served_fresh),
		cmocka_unit_test_setup(idle_connections_cost_nothing, served_fresh),
		cmocka_unit_test_setup(a_large_dump_is_streamed, served_fresh),
		cmocka_unit_test_setup(a_slow_reader_of_a_dump_holds_up_nobody, served_fresh),
		cmocka_unit_test_setup(what_was_answered_survives_a_kill, served_fresh),
	};

	return cmocka_run_group_tests(tests, start, served_stop);
}
