/* tests/support/rig.c - see rig.h. */
#include "tests/support/rig.h"

#include "core/json/json.h"
#include "core/store/record.h"
#include "tests/support/support.h"

const char RIG_SDL[] =
	"type Post @model @auth(rules: [{allow: public}]) {\n"
	"  id: ID!\n  title: String!\n  rating: Int\n"
	"  comments: [Comment] @hasMany(indexName: \"byPost\", fields: [\"id\"])\n}\n"
	"type Comment @model @auth(rules: [{allow: public}]) {\n"
	"  id: ID!\n  body: String\n  postId: ID @index(name: \"byPost\")\n"
	"  post: Post @belongsTo(fields: [\"postId\"])\n}\n";

static struct {
	char root[64], id[64];
} subs[256];
static size_t sub_count;

static void open_store(struct rig *r)
{
	struct sd_store_opts o = {
		.dir = r->dir, .schema = r->schema, .now_ms = r->now, .rand = &r->rand};

	if (sd_store_open(&o, &r->store, &r->e) != SD_OK)
		fail_msg("open: %s", r->e.text);
}

struct rig *rig_new(const char *sdl)
{
	struct rig *r = calloc(1, sizeof *r);

	r->dir = sd_test_dir();
	r->now = 1795371000000;
	sd_rand_seeded(&r->rand, 42);
	if (sd_schema_read(sdl, strlen(sdl), "schema.graphql", &r->schema, &r->e) != SD_OK)
		fail_msg("schema: %s", r->e.text);
	r->set = (struct sd_engine_settings){.page_size = 1000,
		.full_interval_ms = 86400000,
		.sync_concurrency = 4,
		.outbox_concurrency = 8,
		.outbox_batch = 1,
		.conflict_max_attempts = 10,
		.subscriptions_per_connection = 100,
		.timeout_ms = 30000,
		.models = r->models};
	r->auth = r->modes[0] = SD_AUTH_API_KEY;
	r->mode_count = 1;
	sub_count = 0;
	open_store(r);
	return r;
}

void rig_engine(struct rig *r)
{
	struct sd_engine_opts o = {.store = r->store,
		.schema = r->schema,
		.settings = &r->set,
		.rand = &r->rand,
		.auth = r->auth,
		.mode_count = r->mode_count};

	memcpy(o.modes, r->modes, sizeof o.modes);
	if (sd_engine_new(&o, &r->en, &r->e) != SD_OK)
		fail_msg("engine: %s", r->e.text);
}

static void drop_actions(struct rig *r)
{
	for (size_t i = 0; i < r->count; i++)
		sd_action_release(&r->acts[i]);
	r->count = 0;
}

void rig_restart(struct rig *r)
{
	sd_engine_free(r->en);
	sd_store_close(r->store);
	drop_actions(r);
	r->events[0] = '\0';
	open_store(r);
	rig_engine(r);
	rig_start(r);
}

void rig_free(struct rig *r)
{
	sd_engine_free(r->en);
	sd_store_close(r->store);
	sd_schema_free(r->schema);
	drop_actions(r);
	sd_test_dir_remove(r->dir);
	free(r);
}

static void take(struct rig *r)
{
	struct sd_action a;

	while (sd_engine_next(r->en, &a)) {
		if (a.kind == SD_ACT_EVENT) {
			struct cJSON *j = NULL;
			size_t n = strlen(r->events);

			if (sd_json_parse(a.text, strlen(a.text), "event", &j, &r->e) != SD_OK)
				fail_msg("event: %s: %s", r->e.text, a.text);
			snprintf(r->events + n, sizeof r->events - n, "%s ",
				sd_json_get_str(j, "event"));
			snprintf(r->last, sizeof r->last, "%s", a.text);
			sd_json_free(j);
		}
		assert_true(r->count < sizeof r->acts / sizeof *r->acts);
		r->acts[r->count++] = a;
	}
}

void rig_begin(struct rig *r)
{
	if (sd_store_begin(r->store, &r->e) != SD_OK)
		fail_msg("begin: %s", r->e.text);
}

void rig_commit(struct rig *r)
{
	if (sd_store_commit(r->store, &r->e) != SD_OK)
		fail_msg("commit: %s", r->e.text);
	take(r);
}

void rig_start(struct rig *r)
{
	if (!r->en)
		rig_engine(r);
	RIG(r, sd_engine_start(r->en, r->now, &r->e));
}

void rig_wait(struct rig *r, int64_t ms)
{
	int64_t end = r->now + ms;

	for (int turns = 0;; turns++) {
		int64_t d = sd_engine_deadline(r->en);

		if (turns > 2000)
			fail_msg("the engine never sleeps");

		if (d > end)
			break;
		r->now = d > r->now ? d : r->now;
		RIG(r, sd_engine_tick(r->en, r->now, &r->e));
	}
	r->now = end;
	RIG(r, sd_engine_tick(r->en, r->now, &r->e));
}

static bool is(const struct sd_action *a, enum sd_act kind, const char *has)
{
	return a->kind == kind && (a->text || a->conn || a->id || kind == SD_ACT_REFRESH) &&
	       (!has || (a->text && strstr(a->text, has)));
}

struct sd_action *rig_find(struct rig *r, enum sd_act kind, const char *has)
{
	for (size_t i = 0; i < r->count; i++)
		if (is(&r->acts[i], kind, has))
			return &r->acts[i];
	return NULL;
}

size_t rig_count(struct rig *r, enum sd_act kind, const char *has)
{
	size_t n = 0;

	for (size_t i = 0; i < r->count; i++)
		n += is(&r->acts[i], kind, has);
	return n;
}

void rig_done(struct sd_action *a)
{
	sd_action_release(a);
	a->kind = SD_ACT_EVENT; /* empty: never found again */
}

void rig_compact(struct rig *r)
{
	size_t w = 0;

	for (size_t i = 0; i < r->count; i++)
		if (r->acts[i].kind == SD_ACT_EVENT)
			sd_action_release(&r->acts[i]);
		else
			r->acts[w++] = r->acts[i];
	r->count = w;
	r->events[0] = '\0';
}

void rig_forget(struct rig *r, enum sd_act kind)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->acts[i].kind == kind)
			rig_done(&r->acts[i]);
}

static void answer(struct rig *r, const char *has, struct sd_http_result h)
{
	struct sd_action *a = rig_find(r, SD_ACT_HTTP, has);

	if (!a)
		fail_msg("no request with \"%s\"", has);
	h.id = a->id;
	h.retry_after_ms = -1;
	h.took_ms = 20;
	rig_done(a);
	RIG(r, sd_engine_http(r->en, &h, r->now, &r->e));
}

void rig_reply_status(struct rig *r, const char *has, int status, const char *body)
{
	answer(r, has,
		(struct sd_http_result){
			.sent = true, .status = status, .body = body, .body_len = strlen(body)});
}

void rig_reply(struct rig *r, const char *has, const char *body)
{
	rig_reply_status(r, has, 200, body);
}

void rig_fail(struct rig *r, const char *has, bool sent, const char *failure)
{
	answer(r, has, (struct sd_http_result){.transport = 7, .sent = sent, .failure = failure});
}

void rig_page(
	struct rig *r, const char *root, const char *items, const char *token, int64_t started)
{
	struct sd_buf b = SD_BUF_INIT;

	sd_buf_fmt(&b,
		"{\"data\":{\"%s\":{\"items\":[%s],\"nextToken\":%s%s%s,\"startedAt\":%lld}}}",
		root, items, token ? "\"" : "", token ? token : "null", token ? "\"" : "",
		(long long)started);
	rig_reply(r, root, sd_buf_text(&b));
	sd_buf_release(&b);
}

void rig_frame(struct rig *r, uint64_t conn, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	RIG(r, sd_engine_rt_text(r->en, conn, text, strlen(text), r->now, &r->e));
	free(text);
}

uint64_t rig_connect(struct rig *r, int64_t timeout_ms)
{
	struct sd_action *a = rig_find(r, SD_ACT_RT_OPEN, NULL);
	uint64_t conn;

	assert_non_null(a);
	conn = a->conn;
	rig_done(a);
	RIG(r, sd_engine_rt_opened(r->en, conn, r->now, &r->e));
	a = rig_find(r, SD_ACT_RT_SEND, "connection_init");
	assert_non_null(a);
	assert_int_equal(a->conn, conn);
	rig_done(a);
	rig_frame(r, conn,
		"{\"type\":\"connection_ack\",\"payload\":{\"connectionTimeoutMs\":%lld}}",
		(long long)timeout_ms);
	return conn;
}

static void note_sub(const struct sd_action *a)
{
	static const char *const OPS[] = {"onCreate", "onUpdate", "onDelete"};

	for (size_t i = 0; i < 3; i++) {
		const char *at = strstr(a->text, OPS[i]);
		size_t n;

		if (!at)
			continue;
		n = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
		assert_true(sub_count < 256 && n < sizeof subs[0].root);
		memcpy(subs[sub_count].root, at, n);
		subs[sub_count].root[n] = '\0';
		snprintf(subs[sub_count++].id, sizeof subs[0].id, "%s", a->sub_id);
		return;
	}
}

void rig_ack_all(struct rig *r, uint64_t conn)
{
	struct sd_action *a;

	for (size_t i = 0; i < r->count; i++) {
		char id[64];

		a = &r->acts[i];
		if (a->kind != SD_ACT_RT_START || a->conn != conn)
			continue;
		note_sub(a);
		snprintf(id, sizeof id, "%s", a->sub_id);
		rig_done(a);
		rig_frame(r, conn, "{\"type\":\"start_ack\",\"id\":\"%s\"}", id);
	}
}

uint64_t rig_live(struct rig *r)
{
	uint64_t conn = rig_connect(r, 300000);

	rig_ack_all(r, conn);
	return conn;
}

const char *rig_sub(struct rig *r, const char *root)
{
	(void)r;
	for (size_t i = sub_count; i--;)
		if (strcmp(subs[i].root, root) == 0)
			return subs[i].id;
	fail_msg("no subscription %s", root);
	return NULL;
}

void rig_data(struct rig *r, uint64_t conn, const char *sub_id, const char *root, const char *item)
{
	rig_frame(r, conn, "{\"type\":\"data\",\"id\":\"%s\",\"payload\":{\"data\":{\"%s\":%s}}}",
		sub_id, root, item);
}

struct rig *rig_online(void)
{
	struct rig *r = rig_new(RIG_SDL);

	rig_start(r);
	rig_live(r);
	return r;
}

struct rig *rig_synced(int64_t started)
{
	struct rig *r = rig_online();

	rig_page(r, "syncPosts", "", NULL, started);
	rig_page(r, "syncComments", "", NULL, started);
	return r;
}

const char *rig_variable(struct rig *r, const char *root, const char *name)
{
	static char text[256];
	struct sd_action *a = rig_find(r, SD_ACT_HTTP, root);
	struct cJSON *j = NULL;
	struct sd_buf b = SD_BUF_INIT;

	if (!a)
		fail_msg("no request for %s", root);
	assert_int_equal(sd_json_parse(a->text, strlen(a->text), "request", &j, &r->e), SD_OK);
	sd_json_print(sd_json_path(j, "variables", name, NULL), &b);
	snprintf(text, sizeof text, "%s", sd_buf_text(&b));
	sd_buf_release(&b);
	sd_json_free(j);
	return text;
}

struct sd_sync_state rig_sync_state(struct rig *r, const char *model)
{
	struct sd_sync_state s;

	assert_int_equal(
		sd_sync_get(r->store, sd_schema_model(r->schema, model), &s, &r->e), SD_OK);
	return s;
}

int64_t rig_rows(struct rig *r, const char *model)
{
	int64_t n = -1;

	assert_int_equal(
		sd_rec_total(r->store, sd_schema_model(r->schema, model), &n, &r->e), SD_OK);
	return n;
}

const char *rig_value(struct rig *r, const char *model, const char *key, const char *field)
{
	static char text[512];
	struct cJSON *rec = NULL;
	struct sd_buf b = SD_BUF_INIT;

	if (sd_rec_get(r->store, sd_schema_model(r->schema, model), key, false, &rec, &r->e) !=
		SD_OK)
		return "-";
	sd_json_print(sd_json_get(rec, field), &b);
	snprintf(text, sizeof text, "%s", sd_buf_text(&b));
	sd_buf_release(&b);
	sd_json_free(rec);
	return text;
}
