/* tests/support/sbx_fixture.c - see sbx_fixture.h. */
#include "tests/support/sbx_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char fixture[] =
	"type Post @model @auth(rules: [{allow: public}]) {\n"
	"  id: ID!\n  title: String!\n  content: String\n  rating: Int\n  status: Status\n"
	"  tags: [String]\n  meta: Meta\n  data: AWSJSON\n"
	"  blogID: ID @index(name: \"byBlog\", queryField: \"postsByBlog\")\n}\n"
	"enum Status { DRAFT LIVE }\n"
	"type Meta { a: String b: Int }\n"
	"type Note @model @auth(rules: [{allow: owner}, {allow: groups, groups: [\"Admins\"]}]) {\n"
	"  id: ID!\n  text: String!\n  owner: String\n}\n"
	"type Person @model @auth(rules: [{allow: public}]) { id: ID! name: String! }\n";

static void delivered(void *ctx, uint64_t conn, const char *sub_id, const char *payload)
{
	struct fx *f = ctx;
	struct fx_event *more = realloc(f->events, (f->event_count + 1) * sizeof *more);
	struct fx_event *ev;

	assert_non_null(more);
	f->events = more;
	ev = &f->events[f->event_count++];
	ev->conn = conn;
	snprintf(ev->id, sizeof ev->id, "%s", sub_id);
	assert_int_equal(
		sd_json_parse(payload, strlen(payload), "event", &ev->payload, NULL), SD_OK);
}

static char *handler(void *ctx, const char *command, const char *payload)
{
	struct fx *f = ctx;

	assert_string_equal(command, "./handler");
	free(f->lambda_payload);
	f->lambda_payload = strdup(payload);
	return f->lambda_answer ? strdup(f->lambda_answer) : NULL;
}

struct fx *fx_open_db(const char *sdl, enum sd_strategy strategy, const char *db, int64_t base_ttl)
{
	struct fx *f = calloc(1, sizeof *f);
	struct sd_error e = {0};
	struct sd_sbx_opts o = {.db = db,
		.strategy = strategy,
		.lambda = "./handler",
		.run_lambda = handler,
		.delta_ttl_ms = 30 * 60000,
		.base_ttl_ms = base_ttl,
		.max_limit = 1000,
		.max_subscriptions = 100,
		.api_key_mode = true,
		.user_pool_mode = true};

	assert_non_null(f);
	sdl = sdl ? sdl : fixture;
	f->now = FX_T0;
	sd_rand_seeded(&f->rand, 7);
	if (sd_schema_read(sdl, strlen(sdl), "fixture", &f->schema, &e) != SD_OK)
		fail_msg("%s", e.text);
	o.schema = f->schema;
	o.rand = &f->rand;
	o.lambda_ctx = f;
	if (sd_sbx_open(&o, &f->s, &e) != SD_OK)
		fail_msg("%s", e.text);
	f->delta_ttl_ms = o.delta_ttl_ms;
	f->base_ttl_ms = o.base_ttl_ms;
	sd_sbx_on_deliver(f->s, delivered, f);
	fx_as_key(f);
	return f;
}

struct fx *fx_open(const char *sdl, enum sd_strategy strategy)
{
	return fx_open_db(sdl, strategy, NULL, INT64_C(30) * 86400000);
}

void fx_forget_events(struct fx *f)
{
	for (size_t i = 0; i < f->event_count; i++)
		sd_json_free(f->events[i].payload);
	free(f->events);
	f->events = NULL;
	f->event_count = 0;
}

void fx_close(struct fx *f)
{
	sd_sbx_close(f->s);
	sd_schema_free(f->schema);
	fx_forget_events(f);
	sd_json_free(f->claims);
	free(f->lambda_answer);
	free(f->lambda_payload);
	free(f);
}

void fx_as_key(struct fx *f)
{
	f->who = (struct sd_sbx_identity){.mode = SD_AUTH_API_KEY};
}

void fx_as_user(struct fx *f, const char *name, const char *groups)
{
	char text[400];

	snprintf(text, sizeof text,
		"{\"sub\":\"sub-%s\",\"username\":\"%s\",\"cognito:groups\":%s}", name, name,
		groups ? groups : "[]");
	sd_json_free(f->claims);
	assert_int_equal(sd_json_parse(text, strlen(text), "claims", &f->claims, NULL), SD_OK);
	f->who = (struct sd_sbx_identity){.mode = SD_AUTH_USER_POOL, .claims = f->claims};
}

static void body_text(struct sd_buf *b, const char *query, const char *variables)
{
	sd_buf_str(b, "{\"query\":");
	sd_json_quote(b, query, strlen(query));
	sd_buf_fmt(b, ",\"variables\":%s}", variables ? variables : "null");
}

struct cJSON *fx_ask(struct fx *f, const char *query, const char *variables)
{
	struct sd_buf b = SD_BUF_INIT;
	struct sd_sbx_answer a;
	struct cJSON *j = NULL;
	struct sd_error e = {0};

	body_text(&b, query, variables);
	sd_sbx_request(f->s, sd_buf_text(&b), b.len, &f->who, f->now, &a);
	if (a.status != 200 ||
		sd_json_parse(sd_buf_text(&a.body), a.body.len, "answer", &j, &e) != SD_OK)
		fail_msg("%d %s %s", a.status, sd_buf_text(&a.body), e.text);
	sd_sbx_answer_release(&a);
	sd_buf_release(&b);
	return j;
}

const char *fx_at(const struct cJSON *j, const char *path)
{
	static char kept[8][16384];
	static unsigned turn;
	char *out = kept[turn++ % 8], part[128];
	char *text;

	while (j && *path) {
		size_t n = strcspn(path, ".");
		snprintf(part, sizeof part, "%.*s", (int)n, path);
		path += n + (path[n] == '.');
		if (sd_json_is_array(j)) {
			const struct cJSON *c = sd_json_child(j);
			for (long i = strtol(part, NULL, 10); c && i > 0; i--)
				c = sd_json_next(c);
			j = c;
		} else {
			j = sd_json_get(j, part);
		}
	}
	*out = '\0';
	if (!j)
		return out;
	if (sd_json_is_string(j)) {
		snprintf(out, sizeof kept[0], "%s", sd_json_str(j));
		return out;
	}
	text = sd_json_text(j);
	snprintf(out, sizeof kept[0], "%s", text ? text : "");
	free(text);
	return out;
}

const char *fx_get(struct fx *f, const char *query, const char *variables, const char *path)
{
	struct cJSON *j = fx_ask(f, query, variables);
	const char *t = fx_at(j, path);

	sd_json_free(j);
	return t;
}

const char *fx_subscribe(struct fx *f, const char *id, const char *query, const char *variables)
{
	static char kept[2048];
	struct sd_buf b = SD_BUF_INIT;
	char *error = NULL;

	body_text(&b, query, variables);
	sd_sbx_subscribe(f->s, 1, id, sd_buf_text(&b), b.len, &f->who, f->now, &error);
	snprintf(kept, sizeof kept, "%s", error ? error : "");
	free(error);
	sd_buf_release(&b);
	return kept;
}
