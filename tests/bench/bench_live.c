/*
 * tests/bench/bench_live.c - a change on the server until the local event: what syncdeck adds to the
 * socket's own time.
 *
 * Two clients are subscribed to the same server (our sandbox): a bare WebSocket, which notes when the
 * frame is there, and `syncdeck observe`, whose line is printed after the record is in the store.
 * The changes come from a third client, one at a time, at uneven distances.  The difference between
 * the two clients is what counts, change by change.  CHANGES= changes the number.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <curl/curl.h>

#include "core/base/fs.h"
#include "core/base/rand.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/json/json.h"
#include "tests/bench/measure.h"
#include "tests/support/ws_client.h"

#define KEY  "da2-bench"
#define MOST 20000

static const char SDL[] = "type Post @model @auth(rules: [{allow: public}]) {\n"
			  "  id: ID!\n  title: String!\n  n: Int\n}\n";

static _Atomic int64_t framed_us[MOST]; /* when the bare socket had change n */

struct live {
	const char *program;
	char *dir, *schema;
	char url[128], admin[160];
	int port;
	pid_t server, client;
	FILE *lines; /* of the client */
};

static pid_t spawn(const char *const argv[], FILE **out)
{
	int fd[2];
	pid_t pid;

	must(pipe(fd) == 0, "pipe", "no descriptors left");
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fd[1], STDOUT_FILENO);
		close(fd[0]);
		close(fd[1]);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(fd[1]);
	*out = fdopen(fd[0], "r");
	must(*out != NULL, argv[0], "did not start");
	return pid;
}

static void start_server(struct live *l)
{
	const char *argv[] = {l->program, "sandbox", "--schema", l->schema, "--port", "0",
		"--api-key", KEY, "--admin", NULL};
	struct cJSON *j = NULL;
	char line[1024];
	FILE *f;

	l->server = spawn(argv, &f);
	must(fgets(line, sizeof line, f) &&
			sd_json_parse(line, strlen(line), "ready", &j, NULL) == SD_OK,
		"sandbox", "did not start");
	snprintf(l->url, sizeof l->url, "%s", sd_json_get_str(j, "url"));
	snprintf(l->admin, sizeof l->admin, "%s", sd_json_get_str(j, "admin"));
	l->port = (int)sd_json_get_i64(j, "port", 0);
	sd_json_free(j);
}

static size_t keep(char *p, size_t size, size_t n, void *ctx)
{
	return sd_buf_add(ctx, p, size * n) ? size * n : 0;
}

static void admin(
	CURL *c, const struct live *l, const char *call, const char *body, struct sd_buf *out)
{
	char url[256];

	sd_buf_reset(out);
	snprintf(url, sizeof url, "%s/%s", l->admin, call);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, keep);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, out);
	if (body)
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
	else
		curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
	must(curl_easy_perform(c) == CURLE_OK, "sandbox", "does not answer");
}

static void start_client(struct live *l)
{
	const char *argv[] = {l->program, "-s", l->schema, "--endpoint", l->url, "--api-key", KEY,
		"-d", NULL, "--json", "observe", "Post", NULL};
	char *dir = sd_path_join(l->dir, "profile");

	argv[8] = dir;
	l->client = spawn(argv, &l->lines);
	free(dir);
}

static void wait_subscribed(CURL *c, const struct live *l, int n)
{
	struct sd_buf out = SD_BUF_INIT;

	for (int i = 0; i < 200; i++) {
		struct cJSON *j = NULL;
		int64_t have = 0;
		admin(c, l, "state", NULL, &out);
		if (sd_json_parse(sd_buf_text(&out), out.len, "state", &j, NULL) == SD_OK)
			have = sd_json_get_i64(j, "subscriptions", 0);
		sd_json_free(j);
		if (have >= n) {
			sd_buf_release(&out);
			return;
		}
		usleep(50000);
	}
	must(false, "subscriptions", "not there after 10 s");
}

/* ---- the bare socket ---- */
static struct sd_test_ws *dial(const struct live *l)
{
	static const char start[] =
		"{\"id\":\"bare\",\"type\":\"start\",\"payload\":{\"data\":\"{\\\"query\\\":"
		"\\\"subscription { onCreatePost { id title n _version _lastChangedAt _deleted } "
		"}\\\",\\\"variables\\\":{}}\",\"extensions\":{\"authorization\":{\"host\":\"x\","
		"\"x-api-key\":\"" KEY "\"}}}}";
	static const char header[] = "{\"host\":\"x\",\"x-api-key\":\"" KEY "\"}";
	struct sd_buf protocol = SD_BUF_INIT;
	struct sd_test_ws *w;
	int status = 0;
	char *frame;

	sd_buf_str(&protocol, "graphql-ws, header-");
	sd_base64_encode(&protocol, header, sizeof header - 1, true);
	w = sd_test_ws_open(l->port, "/graphql/realtime", sd_buf_text(&protocol), "", &status);
	sd_buf_release(&protocol);
	must(w != NULL, "bare socket", "no upgrade");
	sd_test_ws_send(w, "{\"type\":\"connection_init\"}");
	frame = sd_test_ws_expect(w, "connection_ack", 3000);
	must(frame != NULL, "bare socket", "not acknowledged");
	free(frame);
	sd_test_ws_send(w, start);
	frame = sd_test_ws_expect(w, "start_ack", 3000);
	must(frame != NULL, "bare socket", "not subscribed");
	free(frame);
	return w;
}

static int number_in(const char *text)
{
	const char *at = strstr(text, "\"title\":\"change ");

	return at ? (int)strtol(at + 16, NULL, 10) : -1;
}

static void *listen_bare(void *arg)
{
	char *frame;

	while ((frame = sd_test_ws_next(arg, 60000))) {
		int64_t now = sd_mono_us();
		int n = number_in(frame);
		free(frame);
		if (n >= 0 && n < MOST)
			atomic_store(&framed_us[n], now);
	}
	return NULL;
}

/* ---- the measurement ---- */
static int64_t until_line(struct live *l, int n)
{
	char line[4096];

	while (fgets(line, sizeof line, l->lines))
		if (number_in(line) == n)
			return sd_mono_us();
	must(false, "observe", "ended");
	return 0;
}

static void measure(struct live *l, CURL *c, int changes)
{
	struct samples added = {NULL, 0, 0}, socket = {NULL, 0, 0};
	struct sd_buf out = SD_BUF_INIT;
	struct sd_rand r;

	sd_rand_seeded(&r, 3);
	for (int i = 0; i < changes; i++) {
		char body[200];
		int64_t from, line, frame;

		usleep(1000 + sd_rand_below(&r, 6000));
		snprintf(body, sizeof body,
			"{\"op\":\"create\",\"model\":\"Post\",\"input\":{\"id\":\"p%d\",\"title\":"
			"\"change %d\",\"n\":%d}}",
			i, i, i);
		from = sd_mono_us();
		admin(c, l, "mutate", body, &out);
		line = until_line(l, i);
		while (!(frame = atomic_load(&framed_us[i])))
			usleep(100);
		if (i < 20) /* the first ones warm up */
			continue;
		samples_add(&socket, (double)(frame - from) / 1e3);
		samples_add(&added, line > frame ? (double)(line - frame) / 1e3 : 0);
	}
	printf("a change on the server until the local event, %d changes; the socket alone takes "
	       "%.2f ms (p50), %.2f ms (p99)\n",
		changes, samples_at(&socket, 0.5), samples_at(&socket, 0.99));
	tell_goal("added by syncdeck, p50", samples_at(&added, 0.5), " ms", false, 2);
	tell_goal("added by syncdeck, p99", samples_at(&added, 0.99), " ms", false, 10);
	sd_buf_release(&out);
	samples_release(&added);
	samples_release(&socket);
}

int main(void)
{
	struct live l = {.program = getenv("SYNCDECK"), .dir = bench_dir()};
	int64_t changes = env_number("CHANGES", 1000);
	struct sd_test_ws *w;
	pthread_t thread;
	CURL *c = curl_easy_init();

	l.program = l.program ? l.program : "build/syncdeck";
	setenv("XDG_CONFIG_HOME", l.dir, 1);
	setenv("XDG_STATE_HOME", l.dir, 1);
	l.schema = sd_path_join(l.dir, "schema.graphql");
	must(sd_write_file(l.schema, SDL, strlen(SDL), NULL) == SD_OK, l.schema, "not written");
	start_server(&l);
	w = dial(&l);
	must(pthread_create(&thread, NULL, listen_bare, w) == 0, "thread", "none");
	start_client(&l);
	wait_subscribed(c, &l, 4);
	measure(&l, c, (int)(changes < MOST ? changes : MOST));
	kill(l.client, SIGTERM);
	waitpid(l.client, NULL, 0);
	fclose(l.lines);
	kill(l.server, SIGTERM);
	waitpid(l.server, NULL, 0);
	pthread_join(thread, NULL);
	sd_test_ws_free(w);
	curl_easy_cleanup(c);
	free(l.schema);
	bench_dir_remove(l.dir);
	return 0;
}
