/*
 * tests/bench/bench_push.c - an outbox drained: syncdeck against libcurl with one request at a time.
 *
 * Twice: on bare loopback, where a round trip costs nothing and processor time decides; and with the
 * LATENCY_MS (2) of a near network in every answer.  The same creates against the same server (our sandbox), in turn, PAIRS times, the server emptied
 * before each.  The reference is the shortest program there is: one connection kept open, a POST,
 * its answer, the next.  syncdeck's time is from the first change that was acknowledged to the last,
 * as its own events tell it; its start and its first sync are not part of a drain.  The server must
 * have every record once, or the run does not count.  CHANGES=, PAIRS=, LATENCY_MS= change the run.
 */
#include <curl/curl.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/rand.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/json/json.h"
#include "tests/support/support.h"

#define PAIRS_MAX 50
#define KEY       "da2-bench"

static const char SDL[] = "type Item @model @auth(rules: [{allow: public}]) {\n"
			  "  id: ID!\n  title: String!\n  body: String\n  n: Int\n}\n";

static const char MUTATION[] = "mutation operation($input: CreateItemInput!) { createItem(input: "
			       "$input) { id title body n "
			       "createdAt updatedAt _version _lastChangedAt _deleted } }";

struct bench {
	const char *program;
	char *dir, *schema, *items; /* items: NDJSON of the records */
	char url[128], admin[160];
	pid_t server;
	int changes;
};

static int env_int(const char *name, int otherwise)
{
	const char *s = getenv(name);
	int64_t v;

	return s && sd_parse_i64(s, &v) && v > 0 && v < 10000000 ? (int)v : otherwise;
}

static void die(const char *what)
{
	fprintf(stderr, "bench_push: %s\n", what);
	exit(1);
}

/* One line of a child's output; the child goes on. */
static pid_t spawn(const char *const argv[], FILE **out)
{
	int fd[2];
	pid_t pid;

	if (pipe(fd))
		die("no pipe");
	fflush(stdout);
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
	return pid;
}

static void start_server(struct bench *b)
{
	const char *argv[] = {b->program, "sandbox", "--schema", b->schema, "--port", "0",
		"--api-key", KEY, "--admin", NULL};
	struct cJSON *j = NULL;
	char line[1024];
	FILE *f;

	b->server = spawn(argv, &f);
	if (!f || !fgets(line, sizeof line, f) ||
		sd_json_parse(line, strlen(line), "ready", &j, NULL) != SD_OK)
		die("the sandbox did not start");
	snprintf(b->url, sizeof b->url, "%s", sd_json_get_str(j, "url"));
	snprintf(b->admin, sizeof b->admin, "%s", sd_json_get_str(j, "admin"));
	sd_json_free(j);
}

static size_t keep(char *p, size_t size, size_t n, void *ctx)
{
	return sd_buf_add(ctx, p, size * n) ? size * n : 0;
}

static void admin(const struct bench *b, const char *method, const char *call, const char *body,
	struct sd_buf *out)
{
	CURL *c = curl_easy_init();
	char url[256];

	snprintf(url, sizeof url, "%s/%s", b->admin, call);
	curl_easy_setopt(c, CURLOPT_URL, url);
	if (body)
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, keep);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, out);
	if (curl_easy_perform(c) != CURLE_OK)
		die("the sandbox does not answer");
	curl_easy_cleanup(c);
}

/* Every record is there, once. */
static void check(const struct bench *b)
{
	struct sd_buf out = SD_BUF_INIT;
	struct cJSON *j = NULL;

	admin(b, "GET", "state", NULL, &out);
	if (sd_json_parse(sd_buf_text(&out), out.len, "state", &j, NULL) != SD_OK ||
		sd_json_get_i64(sd_json_path(j, "models", "Item", NULL), "live", -1) != b->changes)
		die("the server does not have every record");
	sd_json_free(j);
	sd_buf_release(&out);
}

/* Nothing in it, and this long for an answer. */
static void empty(const struct bench *b, int latency_ms)
{
	struct sd_buf out = SD_BUF_INIT;
	char body[40];

	admin(b, "POST", "reset", "{}", &out);
	snprintf(body, sizeof body, "{\"ms\":%d}", latency_ms);
	admin(b, "POST", "latency", body, &out);
	sd_buf_release(&out);
}

static void make_items(struct bench *b)
{
	struct sd_buf t = SD_BUF_INIT;
	struct sd_rand r;
	char id[SD_UUID_TEXT];

	sd_rand_seeded(&r, 7);
	for (int i = 0; i < b->changes; i++) {
		sd_uuid4(&r, id);
		sd_buf_fmt(&t,
			"{\"id\":\"%s\",\"title\":\"change %d\",\"body\":\"%0120d\",\"n\":%d}\n",
			id, i, i, i);
	}
	b->schema = sd_path_join(b->dir, "schema.graphql");
	b->items = sd_path_join(b->dir, "items.ndjson");
	if (sd_write_file(b->schema, SDL, strlen(SDL), NULL) != SD_OK ||
		sd_write_file(b->items, sd_buf_text(&t), t.len, NULL) != SD_OK)
		die("cannot write");
	sd_buf_release(&t);
}

/* ---- the reference ---- */
static double one_at_a_time(const struct bench *b)
{
	CURL *c = curl_easy_init();
	struct curl_slist *h = curl_slist_append(NULL, "content-type: application/json");
	struct sd_buf body = SD_BUF_INIT, out = SD_BUF_INIT, line = SD_BUF_INIT;
	FILE *f = fopen(b->items, "r");
	char text[1024];
	int64_t from;

	if (!f)
		die("no items");
	h = curl_slist_append(h, "x-api-key: " KEY);
	h = curl_slist_append(h, "Expect:");
	curl_easy_setopt(c, CURLOPT_URL, b->url);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, h);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, keep);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &out);
	from = sd_mono_us();
	while (fgets(text, sizeof text, f)) {
		text[strcspn(text, "\n")] = '\0';
		sd_buf_reset(&body);
		sd_buf_reset(&out);
		sd_buf_fmt(
			&body, "{\"query\":\"%s\",\"variables\":{\"input\":%s}}", MUTATION, text);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, sd_buf_text(&body));
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)body.len);
		if (curl_easy_perform(c) != CURLE_OK ||
			!strstr(sd_buf_text(&out), "\"_version\":1"))
			die("a mutation failed");
	}
	from = sd_mono_us() - from;
	fclose(f);
	curl_slist_free_all(h);
	curl_easy_cleanup(c);
	sd_buf_release(&body);
	sd_buf_release(&out);
	sd_buf_release(&line);
	return (double)from / 1e6;
}

/* ---- syncdeck ---- */
static void queue(const struct bench *b, const char *dir)
{
	const char *argv[] = {b->program, "-s", b->schema, "--endpoint", b->url, "--api-key", KEY,
		"-d", dir, "--offline", "save", "Item", "--input", b->items, "--json", NULL};
	char line[4096];
	int status = 0;
	FILE *f;
	pid_t pid = spawn(argv, &f);

	while (f && fgets(line, sizeof line, f))
		;
	fclose(f);
	waitpid(pid, &status, 0);
	if (status)
		die("the changes could not be queued");
}

/* Seconds between the first acknowledgement and the last. */
static double drain(const struct bench *b, const char *dir, const char *batch, int concurrency)
{
	char set[64], conc[64], line[4096];
	const char *argv[] = {b->program, "-s", b->schema, "--endpoint", b->url, "--api-key", KEY,
		"-d", dir, "--config-set", set, "--config-set", conc, "sync", "--once", "--json",
		"--timeout", "300s", NULL};
	int64_t first = 0, last = 0;
	int status = 0, n = 0;
	FILE *f;
	pid_t pid;

	snprintf(set, sizeof set, "outbox.batch=%s", batch);
	snprintf(conc, sizeof conc, "outbox.concurrency=%d", concurrency);
	pid = spawn(argv, &f);
	while (f && fgets(line, sizeof line, f))
		if (strstr(line, "outboxMutationProcessed")) {
			const char *at = strstr(line, "\"at\":");
			last = at ? strtoll(at + 5, NULL, 10) : 0;
			first = first ? first : last;
			n++;
		}
	fclose(f);
	waitpid(pid, &status, 0);
	if (status || n != b->changes)
		die("the outbox was not drained");
	return (double)(last - first) / 1e3;
}

static double syncdeck(const struct bench *b, const char *batch, int concurrency)
{
	char *dir = sd_test_dir();
	double s;

	queue(b, dir);
	s = drain(b, dir, batch, concurrency);
	check(b);
	sd_test_dir_remove(dir);
	return s;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void report(const char *what, double *v, int n, const char *goal)
{
	qsort(v, (size_t)n, sizeof *v, by_value);
	printf("%-44s median %.2f  [%.2f - %.2f]  goal %s\n", what, v[n / 2], v[0], v[n - 1], goal);
}

static void compare(struct bench *b, int pairs, int latency_ms)
{
	double batched[PAIRS_MAX], single[PAIRS_MAX], rate[PAIRS_MAX];

	for (int i = 0; i < pairs; i++) {
		double ref, one, many;
		empty(b, latency_ms);
		ref = one_at_a_time(b);
		check(b);
		empty(b, latency_ms);
		one = syncdeck(b, "1", 8);
		empty(b, latency_ms);
		many = syncdeck(b, "25", 8);
		printf("  pair %d: libcurl %.2fs; syncdeck %.2fs one by one, %.2fs in batches\n",
			i + 1, ref, one, many);
		single[i] = ref / one;
		batched[i] = ref / many;
		rate[i] = b->changes / many;
	}
	printf("outbox of %d changes drained, answers take %d ms, %d pairs\n", b->changes,
		latency_ms, pairs);
	report("  mutations/s against one request at a time", batched, pairs,
		">= 3 (outbox.batch = 25)");
	report("  the same without batches", single, pairs, latency_ms ? ">= 3" : "-");
	report("  mutations/s", rate, pairs, "-");
}

int main(void)
{
	struct bench b = {.program = getenv("SYNCDECK"), .changes = env_int("CHANGES", 10000)};
	int pairs = env_int("PAIRS", 5), latency = env_int("LATENCY_MS", 2);

	b.program = b.program ? b.program : "build/syncdeck";
	pairs = pairs > PAIRS_MAX ? PAIRS_MAX : pairs;
	b.dir = sd_test_dir();
	setenv("XDG_CONFIG_HOME", b.dir, 1);
	setenv("XDG_STATE_HOME", b.dir, 1);
	make_items(&b);
	start_server(&b);
	compare(&b, pairs, 0);
	compare(&b, pairs, latency);
	kill(b.server, SIGTERM);
	waitpid(b.server, NULL, 0);
	free(b.schema);
	free(b.items);
	sd_test_dir_remove(b.dir);
	return 0;
}
