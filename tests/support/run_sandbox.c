/* tests/support/run_sandbox.c - see run_sandbox.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/log.h"
#include "core/json/json.h"
#include "tests/support/run_sandbox.h"

#ifdef __SANITIZE_ADDRESS__
int __lsan_do_recoverable_leak_check(void);
#endif

struct sd_test_server {
	pid_t pid;
	int life; /* our end of the pipe that keeps it alive */
	struct cJSON *ready;
	char base[200];
};

void sd_test_server_defaults(struct sd_sandbox_opts *o, const struct sd_schema *schema)
{
	memset(o, 0, sizeof *o);
	o->schema = schema;
	o->host = "127.0.0.1";
	o->api_key = "da2-fakeApiId123456";
	o->admin = true;
	o->strategy = "automerge";
	o->parent_pipe = -1;
}

static void tell(void *ctx, const char *line)
{
	FILE *f = ctx;

	fprintf(f, "%s\n", line);
	fflush(f);
}

static void child(const struct sd_sandbox_opts *opts, int ready, int life)
{
	struct sd_sandbox_opts o = *opts;
	struct sd_error e = {0};
	FILE *f = fdopen(ready, "w");
	enum sd_err rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	o.parent_pipe = life;
	rc = sd_sandbox_run(&o, tell, f, &e);
	if (rc != SD_OK)
		fprintf(f, "error %s\n", e.text);
	fclose(f);
#ifdef __SANITIZE_ADDRESS__
	if (rc == SD_OK && __lsan_do_recoverable_leak_check())
		_exit(99);
#endif
	_exit(rc == SD_OK ? 0 : 1);
}

/* The first line it says; owned. */
static char *launch(const struct sd_sandbox_opts *o, struct sd_test_server *s)
{
	int ready[2], life[2];
	char *line = NULL;
	size_t room = 0;
	FILE *f;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(life, O_CLOEXEC), 0);
	fflush(NULL);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		close(ready[0]);
		close(life[1]);
		child(o, ready[1], life[0]);
	}
	close(ready[1]);
	close(life[0]);
	s->life = life[1];
	f = fdopen(ready[0], "r");
	if (getline(&line, &room, f) < 0) {
		free(line);
		line = strdup("error: it said nothing");
	}
	fclose(f);
	return line;
}

struct sd_test_server *sd_test_server_start(const struct sd_sandbox_opts *o)
{
	struct sd_test_server *s = calloc(1, sizeof *s);
	char *line = launch(o, s);
	const char *url;

	if (sd_json_parse(line, strlen(line), "first line", &s->ready, NULL) != SD_OK)
		fail_msg("the sandbox did not start: %s", line);
	free(line);
	url = sd_json_get_str(s->ready, "url");
	assert_non_null(url);
	snprintf(s->base, sizeof s->base, "%.*s", (int)(strlen(url) - strlen("/graphql")), url);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	return s;
}

static int reap(struct sd_test_server *s)
{
	int status = 0;

	for (int i = 0; i < 6000 && waitpid(s->pid, &status, WNOHANG) == 0; i++) {
		usleep(10000);
		if (i == 5999) {
			kill(s->pid, SIGKILL);
			waitpid(s->pid, &status, 0);
			status = -1;
		}
	}
	return status;
}

char *sd_test_server_refused(const struct sd_sandbox_opts *o)
{
	struct sd_test_server s = {0};
	char *line = launch(o, &s);

	reap(&s);
	close(s.life);
	if (strncmp(line, "error ", 6) != 0)
		fail_msg("the sandbox started: %s", line);
	return line;
}

const char *sd_test_server_url(const struct sd_test_server *s)
{
	return sd_json_get_str(s->ready, "url");
}

const char *sd_test_server_base(const struct sd_test_server *s)
{
	return s->base;
}

int sd_test_server_port(const struct sd_test_server *s)
{
	return (int)sd_json_get_i64(s->ready, "port", -1);
}

const struct cJSON *sd_test_server_ready(const struct sd_test_server *s)
{
	return s->ready;
}

static void finish(struct sd_test_server *s)
{
	int status = reap(s);

	if (s->life >= 0)
		close(s->life);
	sd_json_free(s->ready);
	free(s);
	if (status != 0)
		fail_msg("the sandbox ended with wait status %d", status);
}

void sd_test_server_stop(struct sd_test_server *s)
{
	kill(s->pid, SIGTERM);
	finish(s);
}

void sd_test_server_kill(struct sd_test_server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	close(s->life);
	sd_json_free(s->ready);
	free(s);
}

void sd_test_server_orphan(struct sd_test_server *s)
{
	close(s->life);
	s->life = -1;
	finish(s);
}

/* ---- HTTP ---- */

void sd_test_reply_release(struct sd_test_reply *r)
{
	free(r->body);
	free(r->head);
	sd_json_free(r->json);
	memset(r, 0, sizeof *r);
}

static size_t collect(char *p, size_t size, size_t n, void *ctx)
{
	return sd_buf_add(ctx, p, size * n) ? size * n : 0;
}

void sd_test_http(const struct sd_test_server *s, const char *method, const char *path,
	const char *const *headers, const char *body, struct sd_test_reply *r)
{
	struct sd_buf text = SD_BUF_INIT, head = SD_BUF_INIT;
	struct curl_slist *list = NULL;
	CURL *c = curl_easy_init();
	char url[8192];
	long status = 0;

	memset(r, 0, sizeof *r);
	snprintf(url, sizeof url, "%s%s", s->base, path);
	for (; headers && *headers; headers++)
		list = curl_slist_append(list, *headers);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, 120000L);
	curl_easy_setopt(c, CURLOPT_EXPECT_100_TIMEOUT_MS, 60000L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &text);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, collect);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, &head);
	if (sd_json_get_str(s->ready, "ca"))
		curl_easy_setopt(c, CURLOPT_CAINFO, sd_json_get_str(s->ready, "ca"));
	if (body) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
	}
	r->curl = (int)curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(c, CURLINFO_TOTAL_TIME, &r->seconds);
	r->status = (int)status;
	if (sd_json_parse(sd_buf_text(&text), text.len, "answer", &r->json, NULL) != SD_OK)
		r->json = NULL;
	r->body = strdup(sd_buf_text(&text));
	r->head = strdup(sd_buf_text(&head));
	sd_buf_release(&text);
	sd_buf_release(&head);
	curl_slist_free_all(list);
	curl_easy_cleanup(c);
}

void sd_test_graphql(const struct sd_test_server *s, const char *query, const char *variables,
	struct sd_test_reply *r)
{
	static const char *const HEADERS[] = {
		"content-type: application/json", "x-api-key: da2-fakeApiId123456", NULL};
	struct sd_buf b = SD_BUF_INIT;

	sd_buf_str(&b, "{\"query\":");
	sd_json_quote(&b, query, strlen(query));
	sd_buf_fmt(&b, ",\"variables\":%s}", variables ? variables : "{}");
	sd_test_http(s, "POST", "/graphql", HEADERS, sd_buf_text(&b), r);
	sd_buf_release(&b);
}

struct cJSON *sd_test_admin(
	const struct sd_test_server *s, const char *method, const char *call, const char *body)
{
	struct sd_test_reply r;
	struct cJSON *j;
	char path[300];

	snprintf(path, sizeof path, "/_sandbox/%s", call);
	sd_test_http(s, method, path, NULL, body, &r);
	if (r.status != 200)
		fail_msg("%s %s: %d %s", method, call, r.status, r.body);
	j = r.json;
	r.json = NULL;
	sd_test_reply_release(&r);
	return j;
}

void sd_test_cognito(const struct sd_test_server *s, const char *operation, const char *body,
	struct sd_test_reply *r)
{
	char target[200];
	const char *headers[] = {"content-type: application/x-amz-json-1.1", target, NULL};

	snprintf(target, sizeof target, "x-amz-target: AWSCognitoIdentityProviderService.%s",
		operation);
	sd_test_http(s, "POST", "/cognito/", headers, body, r);
}
