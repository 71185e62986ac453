/* tests/support/script.c - see script.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/script.h"
#include "tests/support/support.h"

static const char SCHEMA[] =
	"type Post @model { id: ID! title: String rating: Int tags: [String] at: AWSDateTime\n"
	"  data: AWSJSON comments: [Comment] @hasMany }\n"
	"type Comment @model { id: ID! text: String post: Post @belongsTo }\n"
	"type Book @model { isbn: ID! @primaryKey(sortKeyFields: [\"year\"]) year: Int! name: "
	"String }\n";

static void must(enum sd_err rc, const struct sd_error *e, const char *what)
{
	if (rc != SD_OK)
		fail_msg("%s: %s", what, e->text);
}

struct script *script_new(void)
{
	struct script *r = calloc(1, sizeof *r);
	struct sd_error e = {.code = SD_OK};

	assert_non_null(r);
	r->dir = sd_test_dir();
	sd_rand_seeded(&r->rand, 1);
	must(sd_schema_read(SCHEMA, strlen(SCHEMA), "script", &r->schema, &e), &e, "schema");
	assert_true(r->schema->model_count <= 16);
	r->set = (struct sd_engine_settings){.page_size = 1000,
		.full_interval_ms = 86400000,
		.sync_concurrency = 4,
		.outbox_concurrency = 8,
		.outbox_batch = 1,
		.conflict_max_attempts = 10,
		.subscriptions_per_connection = 100,
		.timeout_ms = 30000,
		.models = r->models};
	r->auth = SD_AUTH_API_KEY;
	r->modes[0] = SD_AUTH_API_KEY;
	r->mode_count = 1;
	r->now = 1700000000000;
	r->events = sd_json_array();
	return r;
}

static void forget(struct script *r)
{
	for (size_t i = 0; i < r->req_count; i++)
		sd_json_free(r->req[i].body);
	r->req_count = r->sub_count = 0;
	free(r->command.text);
	free(r->command.input);
	memset(&r->command, 0, sizeof r->command);
}

void script_crash(struct script *r)
{
	forget(r);
	sd_engine_free(r->en);
	sd_store_close(r->store);
	r->en = NULL;
	r->store = NULL;
}

void script_free(struct script *r)
{
	script_crash(r);
	sd_json_free(r->events);
	sd_schema_free(r->schema);
	sd_test_dir_remove(r->dir);
	free(r);
}

static void begin(struct script *r)
{
	struct sd_error e = {.code = SD_OK};

	must(sd_store_begin(r->store, &e), &e, "begin");
}

static void commit(struct script *r)
{
	struct sd_error e = {.code = SD_OK};

	must(sd_store_commit(r->store, &e), &e, "commit");
}

const struct sd_model *script_model(struct script *r, const char *name)
{
	const struct sd_model *m = sd_schema_model(r->schema, name);

	assert_non_null(m);
	return m;
}

/* ---- actions ---- */
static struct cJSON *parse(const char *text)
{
	struct sd_error e = {.code = SD_OK};
	struct cJSON *j = NULL;

	must(sd_json_parse(text, strlen(text), text, &j, &e), &e, "json");
	return j;
}

static void tell(struct script *r, uint64_t conn, const char *text)
{
	struct sd_error e = {.code = SD_OK};

	begin(r);
	must(sd_engine_rt_text(r->en, conn, text, strlen(text), r->now, &e), &e, "frame");
	commit(r);
}

static void http(struct script *r, struct sd_http_result *h)
{
	struct sd_error e = {.code = SD_OK};

	h->retry_after_ms = h->retry_after_ms ? h->retry_after_ms : -1;
	h->body_len = h->body ? strlen(h->body) : 0;
	begin(r);
	must(sd_engine_http(r->en, h, r->now, &e), &e, "answer");
	commit(r);
}

/* Sync queries find nothing. */
static void on_http(struct script *r, struct sd_action *a)
{
	struct cJSON *body = parse(a->text);
	const char *query = sd_json_get_str(body, "query"), *at = strstr(query, " sync");
	char text[300], root[100];

	if (at && sscanf(at, " %99[A-Za-z0-9]", root) == 1) {
		struct sd_http_result h = {.id = a->id, .status = 200, .body = text, .sent = true};
		snprintf(text, sizeof text,
			"{\"data\":{\"%s\":{\"items\":[],\"nextToken\":null,\"startedAt\":%lld}}}",
			root, (long long)r->now);
		http(r, &h);
		sd_json_free(body);
		return;
	}
	assert_true(r->req_count < 64);
	r->req[r->req_count++] =
		(struct script_request){.id = a->id, .mode = a->mode, .body = body};
}

static void on_start(struct script *r, const struct sd_action *a)
{
	struct cJSON *data = parse(a->text);
	const char *at = strstr(sd_json_get_str(data, "query"), " on");
	char text[200];

	assert_non_null(at);
	assert_true(r->sub_count < 64);
	snprintf(r->subs[r->sub_count].id, sizeof r->subs[0].id, "%s", a->sub_id);
	sscanf(at, " %63[A-Za-z0-9]", r->subs[r->sub_count].field);
	r->subs[r->sub_count++].conn = a->conn;
	sd_json_free(data);
	snprintf(text, sizeof text, "{\"type\":\"start_ack\",\"id\":\"%s\"}", a->sub_id);
	tell(r, a->conn, text);
}

static void carry_out(struct script *r, struct sd_action *a)
{
	struct sd_error e = {.code = SD_OK};

	switch (a->kind) {
	case SD_ACT_HTTP:
		on_http(r, a);
		break;
	case SD_ACT_HTTP_CANCEL:
		for (size_t i = 0; i < r->req_count; i++)
			if (r->req[i].id == a->id)
				r->req[i].cancelled = true;
		break;
	case SD_ACT_RT_OPEN:
		begin(r);
		must(sd_engine_rt_opened(r->en, a->conn, r->now, &e), &e, "opened");
		commit(r);
		break;
	case SD_ACT_RT_SEND:
		if (strstr(a->text, "connection_init"))
			tell(r, a->conn,
				"{\"type\":\"connection_ack\",\"payload\":{\"connectionTimeoutMs\":"
				"300000000}}");
		break;
	case SD_ACT_RT_START:
		on_start(r, a);
		break;
	case SD_ACT_EVENT:
		sd_json_push(r->events, parse(a->text));
		break;
	case SD_ACT_REFRESH:
		r->refreshes++;
		break;
	case SD_ACT_COMMAND:
		free(r->command.text);
		free(r->command.input);
		r->command.id = a->id;
		r->command.text = strdup(a->text);
		r->command.input = strdup(a->input);
		break;
	case SD_ACT_RT_CLOSE:
		for (size_t i = r->sub_count; i-- > 0;)
			if (r->subs[i].conn == a->conn)
				r->subs[i] = r->subs[--r->sub_count];
		break;
	}
}

void script_pump(struct script *r)
{
	struct sd_action a;

	while (sd_engine_next(r->en, &a)) {
		carry_out(r, &a);
		sd_action_release(&a);
	}
}

void script_start(struct script *r)
{
	struct sd_error e = {.code = SD_OK};
	struct sd_store_opts so = {
		.dir = r->dir, .schema = r->schema, .now_ms = r->now, .rand = &r->rand};
	struct sd_engine_opts eo = {.schema = r->schema,
		.settings = &r->set,
		.rand = &r->rand,
		.auth = r->auth,
		.mode_count = r->mode_count};

	memcpy(eo.modes, r->modes, sizeof eo.modes);
	must(sd_store_open(&so, &r->store, &e), &e, "open");
	eo.store = r->store;
	must(sd_engine_new(&eo, &r->en, &e), &e, "engine");
	begin(r);
	must(sd_engine_auth(r->en, true, NULL, r->now, &e), &e, "auth");
	must(sd_engine_start(r->en, r->now, &e), &e, "start");
	commit(r);
	script_pump(r);
	assert_int_equal(script_events(r, "ready") > 0, 1);
}

void script_network(struct script *r, bool on)
{
	struct sd_error e = {.code = SD_OK};

	begin(r);
	must(sd_engine_network(r->en, on, r->now, &e), &e, "network");
	commit(r);
	script_pump(r);
}

void script_wait(struct script *r, int64_t ms)
{
	struct sd_error e = {.code = SD_OK};

	r->now += ms;
	begin(r);
	must(sd_engine_tick(r->en, r->now, &e), &e, "tick");
	commit(r);
	script_pump(r);
}

/* ---- the person, and others ---- */
static void changed(struct script *r)
{
	struct sd_error e = {.code = SD_OK};

	if (!r->en)
		return;
	begin(r);
	must(sd_engine_store_changed(r->en, r->now, &e), &e, "changed");
	commit(r);
	script_pump(r);
}

void script_pause(struct script *r, bool pause)
{
	struct sd_error e = {.code = SD_OK};

	begin(r);
	must(sd_meta_put(r->store, "outbox.paused", pause ? "1" : NULL, &e), &e, "pause");
	commit(r);
	changed(r);
}

void script_save(struct script *r, const char *model, const char *fields, const char *cond)
{
	struct sd_write_env env = {.now_ms = r->now, .rand = &r->rand};
	struct sd_error e = {.code = SD_OK};
	struct cJSON *f = parse(fields);
	struct sd_pred *p = NULL;

	if (cond)
		must(sd_pred_parse(r->schema, script_model(r, model), cond, &p, &e), &e, "cond");
	begin(r);
	must(sd_write_save(
		     r->store, script_model(r, model), SD_SAVE_UPSERT, f, p, &env, NULL, NULL, &e),
		&e, "save");
	commit(r);
	sd_pred_free(p);
	sd_json_free(f);
	changed(r);
}

void script_delete(struct script *r, const char *model, const char *key)
{
	struct sd_write_env env = {.now_ms = r->now, .rand = &r->rand};
	struct sd_error e = {.code = SD_OK};

	begin(r);
	must(sd_write_delete(r->store, script_model(r, model), key, NULL, false, &env, NULL, &e),
		&e, "delete");
	commit(r);
	changed(r);
}

void script_arrive(struct script *r, const char *op, const char *model, const char *item)
{
	struct sd_buf b = SD_BUF_INIT;
	char field[100];

	snprintf(field, sizeof field, "on%s%s", op, model);
	for (size_t i = 0; i < r->sub_count; i++) {
		if (strcmp(r->subs[i].field, field) != 0)
			continue;
		sd_buf_fmt(&b,
			"{\"type\":\"data\",\"id\":\"%s\",\"payload\":{\"data\":{\"%s\":%s}}}",
			r->subs[i].id, field, item);
		tell(r, r->subs[i].conn, sd_buf_text(&b));
		sd_buf_release(&b);
		script_pump(r);
		return;
	}
	fail_msg("no subscription %s", field);
}

/* ---- requests ---- */
size_t script_waiting(const struct script *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->req_count; i++)
		n += !r->req[i].cancelled;
	return n;
}

struct script_request *script_only(struct script *r, const char *field)
{
	struct script_request *q = NULL;
	char want[100];

	snprintf(want, sizeof want, " %s(", field);
	for (size_t i = 0; i < r->req_count; i++) {
		if (r->req[i].cancelled)
			continue;
		if (q)
			fail_msg("two requests under way; the other: %s",
				sd_json_get_str(r->req[i].body, "query"));
		q = &r->req[i];
	}
	if (!q)
		fail_msg("no request under way, %s wanted", field);
	else if (!strstr(sd_json_get_str(q->body, "query"), want))
		fail_msg("%s wanted, but: %s", field, sd_json_get_str(q->body, "query"));
	return q;
}

const struct cJSON *script_input(const struct script_request *q)
{
	return sd_json_path(q->body, "variables", "input", NULL);
}

static void drop(struct script *r, struct script_request *q)
{
	sd_json_free(q->body);
	*q = r->req[--r->req_count];
}

void script_answer(struct script *r, struct script_request *q, int status, const char *body)
{
	struct sd_http_result h = {.id = q->id, .status = status, .body = body, .sent = true};

	drop(r, q);
	http(r, &h);
	script_pump(r);
}

void script_ok(struct script *r, struct script_request *q, const char *field, const char *item)
{
	struct sd_buf b = SD_BUF_INIT;

	sd_buf_fmt(&b, "{\"data\":{\"%s\":%s}}", field, item);
	script_answer(r, q, 200, sd_buf_text(&b));
	sd_buf_release(&b);
}

void script_error(struct script *r, struct script_request *q, const char *field, const char *type,
	const char *data)
{
	struct sd_buf b = SD_BUF_INIT;

	sd_buf_fmt(&b,
		"{\"data\":{\"%s\":null},\"errors\":[{\"path\":[\"%s\"],\"errorType\":\"%s\","
		"\"message\":\"said no\",\"data\":%s}]}",
		field, field, type, data ? data : "null");
	script_answer(r, q, 200, sd_buf_text(&b));
	sd_buf_release(&b);
}

void script_lose(struct script *r, struct script_request *q, bool sent)
{
	struct sd_http_result h = {
		.id = q->id, .transport = 56, .failure = "Connection reset", .sent = sent};

	drop(r, q);
	http(r, &h);
	script_pump(r);
}
