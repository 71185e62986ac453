/*
 * tests/unit/test_engine_storm.c - random weather, then calm: whatever happened to requests,
 * sockets, credentials, the network and the process, the store ends equal to the server.
 *
 * The server here is a table of ten records with a delta log; requests fail at random in every way
 * there is, messages are published to whoever is subscribed and alive, sockets die silently.
 */
#include "tests/support/rig.h"

#include "core/base/text.h"
#include "core/json/json.h"

#define RECORDS 10
#define PAGE    3

struct conn {
	uint64_t id;
	bool init, dead; /* dead: nothing arrives any more, but nobody was told */
};
struct sub {
	uint64_t conn;
	char id[40], root[24];
};
struct weather {
	struct rig *r;
	struct {
		int version;
		bool gone;
		int64_t at;
	} rec[RECORDS];
	struct conn conns[512];
	struct sub subs[4096];
	size_t conn_count, sub_count;
	struct sd_rand dice;
};

static uint32_t dice(struct weather *w, uint32_t n)
{
	return sd_rand_below(&w->dice, n);
}

static void item(const struct weather *w, int i, struct sd_buf *b)
{
	sd_buf_fmt(b,
		"{\"id\":\"p%d\",\"title\":\"v%d\",\"rating\":null,\"createdAt\":"
		"\"2026-11-22T00:00:00Z\",\"updatedAt\":\"2026-11-22T00:00:00Z\",\"_version\":%d,"
		"\"_lastChangedAt\":%lld,\"_deleted\":%s}",
		i, w->rec[i].version, w->rec[i].version, (long long)w->rec[i].at,
		w->rec[i].gone ? "true" : "null");
}

static void frame(struct weather *w, uint64_t conn, const char *text)
{
	RIG(w->r, sd_engine_rt_text(w->r->en, conn, text, strlen(text), w->r->now, &w->r->e));
}

static struct conn *conn_of(struct weather *w, uint64_t id)
{
	for (size_t i = 0; i < w->conn_count; i++)
		if (w->conns[i].id == id)
			return &w->conns[i];
	return NULL;
}

static void publish(struct weather *w, int i, const char *root)
{
	struct sd_buf b = SD_BUF_INIT, rec = SD_BUF_INIT;

	item(w, i, &rec);
	for (size_t s = 0; s < w->sub_count; s++) {
		struct conn *c = conn_of(w, w->subs[s].conn);
		if (!c || c->dead || strcmp(w->subs[s].root, root) != 0)
			continue;
		sd_buf_reset(&b);
		sd_buf_fmt(&b,
			"{\"type\":\"data\",\"id\":\"%s\",\"payload\":{\"data\":{\"%s\":%s}}}",
			w->subs[s].id, root, sd_buf_text(&rec));
		frame(w, w->subs[s].conn, sd_buf_text(&b));
	}
	sd_buf_release(&b);
	sd_buf_release(&rec);
}

/* Another client writes. */
static void change(struct weather *w)
{
	int i = (int)dice(w, RECORDS);
	bool create = w->rec[i].version == 0 || w->rec[i].gone;
	bool drop = !create && dice(w, 4) == 0;

	w->rec[i].version++;
	w->rec[i].gone = drop;
	w->rec[i].at = w->r->now;
	publish(w, i, create ? "onCreatePost" : drop ? "onDeletePost" : "onUpdatePost");
}

static void serve_page(struct weather *w, struct sd_action *a, struct sd_buf *out)
{
	struct cJSON *j = NULL;
	const char *token;
	int64_t since, started = w->r->now;
	int from = 0, n = 0, i;
	bool posts = strstr(a->text, "syncPosts") != NULL;

	assert_int_equal(sd_json_parse(a->text, strlen(a->text), "request", &j, NULL), SD_OK);
	since = sd_json_get_i64(sd_json_get(j, "variables"), "lastSync", 0);
	token = sd_json_get_str(sd_json_get(j, "variables"), "nextToken");
	if (token) {
		long long at;
		assert_int_equal(sscanf(token, "t%d-%lld", &from, &at), 2);
		started = at;
	}
	sd_buf_fmt(out, "{\"data\":{\"%s\":{\"items\":[", posts ? "syncPosts" : "syncComments");
	for (i = from; posts && i < RECORDS && n < PAGE; i++) {
		if (!w->rec[i].version || w->rec[i].at < since)
			continue;
		if (n++)
			sd_buf_ch(out, ',');
		item(w, i, out);
	}
	if (posts && i < RECORDS)
		sd_buf_fmt(out, "],\"nextToken\":\"t%d-%lld\"", i, (long long)started);
	else
		sd_buf_str(out, "],\"nextToken\":null");
	sd_buf_fmt(out, ",\"startedAt\":%lld}}}", (long long)started);
	sd_json_free(j);
}

static void http(struct weather *w, struct sd_action *a, bool storm)
{
	struct sd_http_result h = {
		.id = a->id, .sent = true, .status = 200, .retry_after_ms = -1, .took_ms = 5};
	struct sd_buf b = SD_BUF_INIT;

	serve_page(w, a, &b);
	if (storm)
		switch (dice(w, 12)) {
		case 0:
			h.status = 503;
			break;
		case 1:
			h.status = 401;
			break;
		case 2:
			h.transport = 7;
			h.sent = false;
			h.failure = "connect";
			break;
		case 3:
			h.transport = 56;
			h.failure = "reset";
			break;
		case 4: /* cut */
			b.data[b.len /= 2] = '\0';
			break;
		case 5:
			h.status = 413;
			break;
		default:
			break;
		}
	h.body = sd_buf_text(&b);
	h.body_len = b.len;
	RIG(w->r, sd_engine_http(w->r->en, &h, w->r->now, &w->r->e));
	sd_buf_release(&b);
}

static void open_conn(struct weather *w, uint64_t id, bool storm)
{
	uint32_t d = storm ? dice(w, 8) : 7;

	if (d < 2) {
		RIG(w->r, sd_engine_rt_closed(
				  w->r->en, id, 0, d ? 503 : 0, "no", w->r->now, &w->r->e));
		return;
	}
	assert_true(w->conn_count < 512);
	w->conns[w->conn_count++] = (struct conn){.id = id};
	RIG(w->r, sd_engine_rt_opened(w->r->en, id, w->r->now, &w->r->e));
}

static void start(struct weather *w, const struct sd_action *a, bool storm)
{
	static const char *const ROOTS[] = {"onCreatePost", "onUpdatePost", "onDeletePost",
		"onCreateComment", "onUpdateComment", "onDeleteComment"};
	struct sub *s = &w->subs[w->sub_count];
	char text[200];
	uint32_t d = storm ? dice(w, 10) : 9;

	assert_true(w->sub_count < 4096);
	if (d == 0)
		return; /* never confirmed */
	snprintf(s->id, sizeof s->id, "%s", a->sub_id);
	if (d == 1) {
		snprintf(text, sizeof text,
			"{\"type\":\"error\",\"id\":\"%s\",\"payload\":{\"errors\":[{"
			"\"errorType\":\"%s\",\"message\":\"no\"}]}}",
			s->id, dice(w, 2) ? "Unauthorized" : "LimitExceededError");
		frame(w, a->conn, text);
		return;
	}
	s->conn = a->conn;
	for (size_t i = 0; i < 6; i++)
		if (strstr(a->text, ROOTS[i]))
			snprintf(s->root, sizeof s->root, "%s", ROOTS[i]);
	w->sub_count++;
	snprintf(text, sizeof text, "{\"type\":\"start_ack\",\"id\":\"%s\"}", s->id);
	frame(w, a->conn, text);
}

static void lose(struct weather *w, uint64_t id)
{
	struct conn *c = conn_of(w, id);

	for (size_t i = 0; i < w->sub_count;)
		if (w->subs[i].conn == id)
			w->subs[i] = w->subs[--w->sub_count];
		else
			i++;
	if (c)
		*c = w->conns[--w->conn_count];
}

/* One action of the engine meets the world. */
static void carry(struct weather *w, struct sd_action *a, bool storm)
{
	struct conn *c = conn_of(w, a->conn);

	switch (a->kind) {
	case SD_ACT_HTTP:
		http(w, a, storm);
		break;
	case SD_ACT_RT_OPEN:
		open_conn(w, a->conn, storm);
		break;
	case SD_ACT_RT_SEND:
		if (c && !c->dead && !(storm && dice(w, 10) == 0))
			frame(w, a->conn,
				"{\"type\":\"connection_ack\",\"payload\":{"
				"\"connectionTimeoutMs\":30000}}");
		break;
	case SD_ACT_RT_START:
		if (c && !c->dead)
			start(w, a, storm);
		break;
	case SD_ACT_RT_CLOSE:
		lose(w, a->conn);
		break;
	case SD_ACT_REFRESH:
		RIG(w->r, sd_engine_auth(w->r->en, dice(w, 2), NULL, w->r->now, &w->r->e));
		break;
	default:
		break;
	}
}

/* Carries out what there is, oldest first; in a storm some requests are left lying. */
static void turn(struct weather *w, bool storm)
{
	struct rig *r = w->r;

	for (size_t i = 0; i < r->count; i++) {
		struct sd_action a = r->acts[i];

		if (storm && a.kind == SD_ACT_HTTP && dice(w, 4) == 0)
			continue;
		memset(&r->acts[i], 0, sizeof r->acts[i]);
		r->acts[i].kind = SD_ACT_EVENT;
		if (a.kind == SD_ACT_HTTP_CANCEL)
			for (size_t k = 0; k < r->count; k++)
				if (r->acts[k].kind == SD_ACT_HTTP && r->acts[k].id == a.id)
					rig_done(&r->acts[k]);
		carry(w, &a, storm);
		sd_action_release(&a);
	}
	rig_compact(r);
}

static void keep_alive(struct weather *w)
{
	for (size_t i = 0; i < w->conn_count; i++)
		if (!w->conns[i].dead)
			frame(w, w->conns[i].id, "{\"type\":\"ka\"}");
}

static void all_gone(struct weather *w)
{
	w->conn_count = w->sub_count = 0;
}

static void mishap(struct weather *w)
{
	struct rig *r = w->r;
	uint64_t id;

	switch (dice(w, 12)) {
	case 0:
		if (w->conn_count)
			w->conns[dice(w, (uint32_t)w->conn_count)].dead = true;
		break;
	case 1:
		if (!w->conn_count)
			break;
		id = w->conns[dice(w, (uint32_t)w->conn_count)].id;
		lose(w, id);
		RIG(r, sd_engine_rt_closed(r->en, id, 1001, 0, "bye", r->now, &r->e));
		break;
	case 2:
		RIG(r, sd_engine_network(r->en, dice(w, 2), r->now, &r->e));
		break;
	case 3:
		rig_restart(r); /* the process died */
		all_gone(w);
		break;
	case 4:
		RIG(r, sd_engine_stop(r->en, r->now, &r->e));
		turn(w, false);
		RIG(r, sd_engine_start(r->en, r->now, &r->e));
		break;
	case 5:
		RIG(r, sd_engine_resync(r->en, NULL, dice(w, 2), r->now, &r->e));
		break;
	default:
		change(w);
	}
}

static void storm(struct weather *w)
{
	for (int i = 0; i < 150; i++) {
		mishap(w);
		turn(w, true);
		w->r->now += dice(w, 10) ? dice(w, 400) : dice(w, 40000);
		if (dice(w, 3))
			keep_alive(w);
		RIG(w->r, sd_engine_tick(w->r->en, w->r->now, &w->r->e));
	}
}

/* Nothing fails any more; dead sockets stay silent until the engine finds out. */
static void calm(struct weather *w)
{
	struct rig *r = w->r;
	struct sd_engine_status s;

	RIG(r, sd_engine_network(r->en, true, r->now, &r->e));
	for (int i = 0; i < 800; i++) {
		turn(w, false);
		keep_alive(w);
		r->now += 500;
		RIG(r, sd_engine_tick(r->en, r->now, &r->e));
	}
	turn(w, false);
	sd_engine_status(r->en, &s);
	if (!s.ready || !s.active || !sd_engine_idle(r->en))
		fail_msg("stuck: ready %d, %s, realtime %s, synced %d, sign-in %d, deadline in "
			 "%lld ms, "
			 "%s",
			s.ready, sd_phase_name(s.phase), sd_rt_state_name(s.rt), s.models_synced,
			s.signed_in_needed, (long long)(sd_engine_deadline(r->en) - r->now),
			s.last_failure);
	assert_int_equal(s.rt, SD_RT_LIVE);
	assert_int_equal(s.subscriptions, 6);
	assert_int_equal(s.models_synced, 2);
}

static void compare(struct weather *w)
{
	for (int i = 0; i < RECORDS; i++) {
		char key[16], title[16];

		snprintf(key, sizeof key, "[\"p%d\"]", i);
		snprintf(title, sizeof title, "\"v%d\"", w->rec[i].version);
		assert_string_equal(rig_value(w->r, "Post", key, "title"),
			w->rec[i].version && !w->rec[i].gone ? title : "-");
	}
}

/* U-14, U-24, R-048, X-05, X-06, R-046 */
static void after_any_storm_the_store_equals_the_server(void **st)
{
	struct weather *w = calloc(1, sizeof *w);

	(void)st;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		memset(w, 0, sizeof *w);
		print_message("seed %llu\n", (unsigned long long)seed);
		sd_rand_seeded(&w->dice, seed);
		w->r = rig_new(RIG_SDL);
		w->r->set.page_size = PAGE;
		rig_start(w->r);
		for (int round = 0; round < 2; round++) {
			storm(w);
			calm(w);
			compare(w);
			change(w); /* live, without a run */
			compare(w);
		}
		rig_free(w->r);
	}
	free(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_any_storm_the_store_equals_the_server),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
