/*
 * tests/proto/test_lambda.c - conflict handlers that take their time, over real sockets: only the
 * record in conflict waits (spec/server.md 2.6).
 *
 * A handler here waits until the test makes a file, so that nothing depends on how fast anything
 * is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/fs.h"
#include "core/base/time.h"
#include "core/json/json.h"
#include "tests/support/run_sandbox.h"
#include "tests/support/support.h"
#include "tests/support/ws_client.h"

static const char SDL[] = "type Post @model { id: ID! title: String! }\n";
static struct sd_schema *schema;
static char *dir;

static int up(void **st)
{
	(void)st;
	dir = sd_test_dir();
	return sd_schema_read(SDL, sizeof SDL - 1, "test", &schema, NULL) == SD_OK ? 0 : -1;
}

static int down(void **st)
{
	(void)st;
	sd_schema_free(schema);
	sd_test_dir_remove(dir);
	return 0;
}

static struct sd_test_server *start(const char *strategy, const char *timeout)
{
	static struct sd_sandbox_opts o;
	static const char *sets[1];

	sd_test_server_defaults(&o, schema);
	o.strategy = strategy;
	o.keep_alive_ms = 50;
	if (timeout) {
		sets[0] = timeout;
		o.sets = sets;
		o.set_count = 1;
	}
	return sd_test_server_start(&o);
}

static void expect(struct sd_test_server *s, const char *query, const char *want)
{
	struct sd_test_reply r;

	sd_test_graphql(s, query, NULL, &r);
	if (!strstr(r.body, want))
		fail_msg("%s: %s, not %s", query, r.body, want);
	sd_test_reply_release(&r);
}

static void two_versions(struct sd_test_server *s, const char *id)
{
	char q[300];

	snprintf(q, sizeof q, "mutation { createPost(input: {id: \"%s\", title: \"a\"}) { id } }",
		id);
	expect(s, q, "\"id\"");
	snprintf(q, sizeof q,
		"mutation { updatePost(input: {id: \"%s\", title: \"b\", _version: 1}) { id } }",
		id);
	expect(s, q, "\"id\"");
}

#define STALE(id, title)                                                                           \
	"mutation { updatePost(input: {id: \"" id "\", title: \"" title                            \
	"\", _version: 1}) { title _version } }"

/* A request whose answer is read later, on a socket of its own. */
static int ask(struct sd_test_server *s, const char *query)
{
	int fd = sd_test_connect(sd_test_server_port(s));
	struct sd_buf b = SD_BUF_INIT, body = SD_BUF_INIT;

	sd_buf_str(&body, "{\"query\":");
	sd_json_quote(&body, query, strlen(query));
	sd_buf_ch(&body, '}');
	sd_buf_fmt(&b,
		"POST /graphql HTTP/1.1\r\nHost: x\r\nx-api-key: da2-fakeApiId123456\r\n"
		"Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
		body.len, sd_buf_text(&body));
	assert_int_equal(send(fd, b.data, b.len, MSG_NOSIGNAL), (ssize_t)b.len);
	sd_buf_release(&b);
	sd_buf_release(&body);
	return fd;
}

static char *path(const char *name)
{
	char *p = sd_path_join(dir, name);

	assert_non_null(p);
	return p;
}

static void make(const char *name)
{
	char *p = path(name);

	assert_int_equal(sd_write_file(p, "x", 1, NULL), SD_OK);
	free(p);
}

/* Until a handler has made the file that says it runs. */
static void wait_for(const char *name)
{
	char *p = path(name);
	int64_t until = sd_mono_ms() + SD_TEST_SOON;

	while (!sd_is_file(p) && sd_mono_ms() < until)
		usleep(2000);
	assert_true(sd_is_file(p));
	free(p);
}

/* Says that it runs, waits for DIR/NAME.go, then answers with what it was given. */
static char *gate(const char *name)
{
	struct sd_buf b = SD_BUF_INIT;

	sd_buf_fmt(&b,
		"lambda:cat >%s/%s.in; touch %s/%s.up; while [ ! -e %s/%s.go ]; do sleep 0.01; "
		"done; echo '{\"action\":\"RESOLVE\",\"item\":{\"title\":\"decided\"}}'",
		dir, name, dir, name, dir, name);
	return sd_buf_take(&b);
}

static void everything_else_goes_on_while_a_handler_runs(void **st)
{
	char *strategy = gate("a"), *m, *answer;
	struct sd_test_server *s = start(strategy, NULL);
	struct sd_test_ws *w = sd_test_ws_open(sd_test_server_port(s), "/graphql/realtime",
		"graphql-ws", "x-api-key: da2-fakeApiId123456\r\n", &(int){0});
	int fd, second;

	(void)st;
	two_versions(s, "1");
	sd_test_ws_send(w, "{\"type\":\"connection_init\"}");
	m = sd_test_ws_expect(w, "connection_ack", SD_TEST_SOON);
	assert_non_null(m);
	free(m);
	sd_test_ws_send(w,
		"{\"type\":\"start\",\"id\":\"s\",\"payload\":{\"data\":\"{\\\"query\\\":"
		"\\\"subscription { onUpdatePost { title } }\\\"}\",\"extensions\":{"
		"\"authorization\":{\"x-api-key\":\"da2-fakeApiId123456\",\"host\":\"x\"}}}}");
	m = sd_test_ws_expect(w, "start_ack", SD_TEST_SOON);
	assert_non_null(m);
	free(m);
	fd = ask(s, STALE("1", "mine"));
	wait_for("a.up");
	second = ask(s, STALE("1", "later")); /* the same record: behind the first */
	expect(s, "mutation { createPost(input: {id: \"2\", title: \"x\"}) { title } }", "\"x\"");
	expect(s, "{ syncPosts { items { id } startedAt } }", "\"startedAt\"");
	expect(s, "{ getPost(id: \"1\") { title _version } }", "\"b\",\"_version\":2");
	for (int i = 0; i < 3; i++) { /* keep-alives go on */
		m = sd_test_ws_next(w, SD_TEST_SOON);
		assert_string_equal(m, "{\"type\":\"ka\"}");
		free(m);
	}
	make("a.go");
	answer = sd_test_read_all(fd, SD_TEST_SOON);
	assert_non_null(strstr(answer, "{\"title\":\"decided\",\"_version\":3}"));
	free(answer);
	answer = sd_test_read_all(second, SD_TEST_SOON);
	assert_non_null(strstr(answer, "{\"title\":\"decided\",\"_version\":4}"));
	free(answer);
	m = sd_test_ws_expect(w, "data", SD_TEST_SOON); /* resolved changes are published, too */
	assert_non_null(strstr(m, "\"decided\""));
	free(m);
	close(fd);
	close(second);
	sd_test_ws_free(w);
	sd_test_server_stop(s);
	free(strategy);
}

/* The administrator's mutation with a stale version is in the same position as a client's. */
static void the_administrators_mutation_waits_as_well(void **st)
{
	char *strategy = gate("c"), *answer;
	struct sd_test_server *s = start(strategy, NULL);
	static const char body[] = "{\"op\":\"update\",\"model\":\"Post\",\"input\":{\"id\":\"1\","
				   "\"title\":\"m\",\"_version\":1}}";
	struct sd_buf b = SD_BUF_INIT;
	int fd;

	(void)st;
	two_versions(s, "1");
	fd = sd_test_connect(sd_test_server_port(s));
	sd_buf_fmt(&b,
		"POST /_sandbox/mutate HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		sizeof body - 1, body);
	assert_int_equal(send(fd, b.data, b.len, MSG_NOSIGNAL), (ssize_t)b.len);
	wait_for("c.up");
	expect(s, "{ getPost(id: \"1\") { title } }", "\"b\"");
	make("c.go");
	answer = sd_test_read_all(fd, SD_TEST_SOON);
	assert_non_null(strstr(answer, "HTTP/1.1 200"));
	assert_non_null(strstr(answer, "\"title\":\"decided\""));
	free(answer);
	close(fd);
	sd_buf_release(&b);
	sd_test_server_stop(s);
	free(strategy);
}

static void a_client_that_left_does_not_stop_its_change(void **st)
{
	char *strategy = gate("b");
	struct sd_test_server *s = start(strategy, NULL);
	int64_t until = sd_mono_ms() + SD_TEST_SOON;
	bool there = false;

	(void)st;
	two_versions(s, "1");
	close(ask(s, STALE("1", "mine")));
	wait_for("b.up");
	make("b.go");
	while (!there && sd_mono_ms() < until) {
		struct sd_test_reply r;
		sd_test_graphql(s, "{ getPost(id: \"1\") { title } }", NULL, &r);
		there = strstr(r.body, "decided") != NULL;
		sd_test_reply_release(&r);
	}
	assert_true(there);
	sd_test_server_stop(s);
	free(strategy);
}

static void the_server_ends_at_once_though_a_handler_runs(void **st)
{
	char *strategy = gate("never");
	struct sd_test_server *s = start(strategy, NULL);
	int64_t before;
	int fd;

	(void)st;
	two_versions(s, "1");
	fd = ask(s, STALE("1", "mine"));
	wait_for("never.up");
	before = sd_mono_ms();
	sd_test_server_stop(s);
	assert_true(sd_mono_ms() - before < 8000); /* the handler would have had ten seconds */
	close(fd);
	free(strategy);
}

/* SRV-M37: too slow, too long, failing, and one that closes its output but stays */
static void a_handler_that_fails_is_a_conflict_error(void **st)
{
	static const char *const BAD[] = {
		"lambda:exec sleep 60",
		"lambda:exec >&-; sleep 60",
		"lambda:cat >/dev/null; sleep 60 & echo '{\"action\":\"REJECT\"}'",
		"lambda:cat >/dev/null; while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done",
		"lambda:/no/such/handler",
		"lambda:echo '{\"action\":\"REJECT\"}'; exit 3",
		"lambda:http://127.0.0.1:1/nothing-listens",
	};

	(void)st;
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		struct sd_test_server *s = start(BAD[i], "lambda_timeout=500ms");
		two_versions(s, "1");
		expect(s, STALE("1", "mine"), "\"errorType\":\"ConflictError\"");
		expect(s, "{ getPost(id: \"1\") { title _version } }", "\"b\",\"_version\":2");
		sd_test_server_stop(s);
	}
}

/* Answers one POST with REJECT, then ends. */
static void serve_once(int listener)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 19\r\nConnection: "
				     "close\r\n\r\n{\"action\":\"REJECT\"}";
	char head[8192];
	int fd = accept(listener, NULL, NULL);
	ssize_t n = recv(fd, head, sizeof head, 0);

	if (n > 5 && strncmp(head, "POST /", 6) == 0)
		send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	while (recv(fd, head, sizeof head, 0) > 0)
		;
	_exit(0);
}

static void a_handler_can_be_an_address(void **st)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char strategy[100];
	struct sd_test_server *s;
	pid_t pid;

	(void)st;
	assert_int_equal(bind(listener, (struct sockaddr *)&a, n), 0);
	assert_int_equal(listen(listener, 4), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &n), 0);
	pid = fork();
	if (pid == 0)
		serve_once(listener);
	snprintf(strategy, sizeof strategy, "lambda:http://127.0.0.1:%d/decide", ntohs(a.sin_port));
	s = start(strategy, NULL);
	two_versions(s, "1");
	expect(s, STALE("1", "mine"), "\"errorType\":\"ConflictUnhandled\"");
	sd_test_server_stop(s);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_else_goes_on_while_a_handler_runs),
		cmocka_unit_test(the_administrators_mutation_waits_as_well),
		cmocka_unit_test(a_client_that_left_does_not_stop_its_change),
		cmocka_unit_test(the_server_ends_at_once_though_a_handler_runs),
		cmocka_unit_test(a_handler_that_fails_is_a_conflict_error),
		cmocka_unit_test(a_handler_can_be_an_address),
	};

	return cmocka_run_group_tests(tests, up, down);
}
