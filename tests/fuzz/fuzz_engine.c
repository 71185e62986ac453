/*
 * tests/fuzz/fuzz_engine.c - any bytes as what a server says to the sync engine (libFuzzer entry).
 *
 * Each line of the input is one thing that happens; its first byte says what, the rest goes into
 * frames, pages and whole answers.  One store for all inputs; what an input wrote is rolled back.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/sync/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEPT 64

struct world {
	struct sd_engine *en;
	int64_t now;
	uint64_t requests[KEPT], conns[KEPT];
	char subs[KEPT][64];
	size_t request_count, conn_count, sub_count;
};

static const char SDL[] =
	"type Post @model @auth(rules: [{allow: public}]) { id: ID! title: String! "
	"rating: Int tags: [String] meta: AWSJSON "
	"comments: [Comment] @hasMany(fields: [\"id\"]) }\n"
	"type Comment @model @auth(rules: [{allow: public}]) { id: ID! body: String "
	"postId: ID @index(name: \"byPost\") "
	"post: Post @belongsTo(fields: [\"postId\"]) }\n";
static struct sd_store *store;
static struct sd_schema *schema;
static struct sd_rand rand_;
static struct sd_model_settings models[8];
static struct sd_engine_settings settings = {.page_size = 100,
	.full_interval_ms = 86400000,
	.sync_concurrency = 4,
	.outbox_concurrency = 4,
	.outbox_batch = 1,
	.conflict_max_attempts = 10,
	.subscriptions_per_connection = 100,
	.timeout_ms = 30000,
	.models = models};

static char dir[] = "/tmp/sdfuzz.XXXXXX";

static void tidy(void)
{
	DIR *d = opendir(dir);

	sd_store_close(store);
	for (struct dirent *f; d && (f = readdir(d));)
		if (f->d_name[0] != '.')
			unlinkat(dirfd(d), f->d_name, 0);
	if (d)
		closedir(d);
	rmdir(dir);
	sd_schema_free(schema);
}

static void once(void)
{
	struct sd_store_opts o = {.rand = &rand_, .now_ms = 1795371000000};
	struct sd_error e;

	if (store)
		return;
	sd_rand_seeded(&rand_, 1);
	if (!mkdtemp(dir) || sd_schema_read(SDL, sizeof SDL - 1, "fuzz", &schema, &e) != SD_OK)
		abort();
	atexit(tidy);
	o.dir = dir;
	o.schema = schema;
	if (sd_store_open(&o, &store, &e) != SD_OK)
		abort();
}

static void must(enum sd_err rc, const struct sd_error *e)
{
	if (rc == SD_OK)
		return;
	fprintf(stderr, "the engine gave up: %s\n", e->text);
	abort();
}

static void take(struct world *w)
{
	struct sd_action a;

	while (sd_engine_next(w->en, &a)) {
		if (a.kind == SD_ACT_HTTP && w->request_count < KEPT)
			w->requests[w->request_count++] = a.id;
		if (a.kind == SD_ACT_RT_OPEN && w->conn_count < KEPT)
			w->conns[w->conn_count++] = a.conn;
		if (a.kind == SD_ACT_RT_START && w->sub_count < KEPT)
			snprintf(w->subs[w->sub_count++], sizeof w->subs[0], "%s", a.sub_id);
		sd_action_release(&a);
	}
}

static void frame(struct world *w, const char *text, size_t n)
{
	struct sd_error e;

	if (w->conn_count)
		must(sd_engine_rt_text(w->en, w->conns[w->conn_count - 1], text, n, w->now, &e),
			&e);
}

static void answer(struct world *w, const char *text, size_t n, int status)
{
	struct sd_http_result r = {.sent = true, .status = status, .retry_after_ms = -1};
	struct sd_error e;

	if (!w->request_count)
		return;
	r.id = w->requests[--w->request_count];
	r.body = text;
	r.body_len = n;
	must(sd_engine_http(w->en, &r, w->now, &e), &e);
}

/* text with the rest of the line in place of the one %s. */
static void wrapped(struct world *w, const char *form, const char *id, const char *rest, bool http)
{
	char *text = NULL;
	int n = id ? asprintf(&text, form, id, rest) : asprintf(&text, form, rest);

	if (n < 0)
		abort();
	if (http)
		answer(w, text, (size_t)n, 200);
	else
		frame(w, text, (size_t)n);
	free(text);
}

static void happen(struct world *w, char what, const char *rest, size_t n)
{
	static const char ACK[] = "{\"type\":\"connection_ack\",\"payload\":{}}";
	const char *sub = w->sub_count ? w->subs[n % w->sub_count] : "none";
	uint64_t conn = w->conn_count ? w->conns[w->conn_count - 1] : 0;
	struct sd_error e;

	switch (what) {
	case 'f':
		frame(w, rest, n);
		break;
	case 'h':
		answer(w, rest, n, 200);
		break;
	case 's':
		answer(w, rest, n, (int)(300 + n % 250));
		break;
	case 'o':
		must(sd_engine_rt_opened(w->en, conn, w->now, &e), &e);
		frame(w, ACK, sizeof ACK - 1);
		break;
	case 'a':
		wrapped(w, "{\"type\":\"start_ack\",\"id\":\"%s\",\"x\":\"%s\"}", sub, "", false);
		break;
	case 'd':
		wrapped(w, "{\"type\":\"data\",\"id\":\"%s\",\"payload\":{\"data\":{\"on\":%s}}}",
			sub, rest, false);
		break;
	case 'e':
		wrapped(w, "{\"type\":\"error\",\"id\":\"%s\",\"payload\":%s}", sub, rest, false);
		break;
	case 'p':
		wrapped(w,
			"{\"data\":{\"syncPosts\":{\"items\":[%s],\"nextToken\":null,"
			"\"startedAt\":1795371000000}}}",
			NULL, rest, true);
		break;
	case 'P':
		wrapped(w,
			"{\"data\":{\"syncPosts\":{\"items\":[%s],\"nextToken\":\"t\","
			"\"startedAt\":1795371000000}},\"errors\":[{}]}",
			NULL, rest, true);
		break;
	case 'i':
		wrapped(w,
			"{\"data\":{\"syncPosts\":{\"items\":[{\"id\":\"a\",\"title\":\"b\","
			"\"createdAt\":\"2026-11-22T00:00:00Z\",\"updatedAt\":"
			"\"2026-11-22T00:00:00Z\",\"_version\":1,\"_lastChangedAt\":1,"
			"\"_deleted\":null,\"meta\":%s}],\"nextToken\":null,"
			"\"startedAt\":1795371000000}}}",
			NULL, rest, true);
		break;
	case 'E':
		wrapped(w, "{\"data\":null,\"errors\":[%s]}", NULL, rest, true);
		break;
	case 'c':
		must(sd_engine_rt_closed(w->en, conn, (int)n, n % 2 ? 503 : 0, rest, w->now, &e),
			&e);
		break;
	case 'n':
		must(sd_engine_network(w->en, n % 2, w->now, &e), &e);
		break;
	default:
		w->now += (int64_t)n * n * 100;
		must(sd_engine_tick(w->en, w->now, &e), &e);
	}
	take(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sd_engine_opts o = {.schema = NULL};
	struct world w = {.now = 1795371000000};
	struct sd_error e;
	char *text, *line, *rest;

	once();
	o = (struct sd_engine_opts){.store = store,
		.schema = schema,
		.settings = &settings,
		.rand = &rand_,
		.auth = SD_AUTH_API_KEY,
		.modes = {SD_AUTH_API_KEY},
		.mode_count = 1};
	text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	must(sd_store_begin(store, &e), &e);
	must(sd_engine_new(&o, &w.en, &e), &e);
	must(sd_engine_start(w.en, w.now, &e), &e);
	take(&w);
	for (line = text; line; line = rest) {
		rest = strchr(line, '\n');
		if (rest)
			*rest++ = '\0';
		if (*line)
			happen(&w, line[0], line + 1, strlen(line + 1));
	}
	sd_engine_free(w.en);
	sd_store_rollback(store);
	free(text);
	return 0;
}
