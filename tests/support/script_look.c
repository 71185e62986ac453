/* tests/support/script_look.c - what the script's store and events hold; see script.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/script.h"

static void must(enum sd_err rc, const struct sd_error *e, const char *what)
{
	if (rc != SD_OK)
		fail_msg("%s: %s", what, e->text);
}

static struct cJSON *parse(const char *text)
{
	struct sd_error e = {.code = SD_OK};
	struct cJSON *j = NULL;

	must(sd_json_parse(text, strlen(text), text, &j, &e), &e, "json");
	return j;
}

int script_events(const struct script *r, const char *name)
{
	int n = 0;

	for (const struct cJSON *c = sd_json_child(r->events); c; c = sd_json_next(c))
		n += strcmp(sd_json_get_str(c, "event"), name) == 0;
	return n;
}

const struct cJSON *script_event(const struct script *r, const char *name)
{
	const struct cJSON *last = NULL;

	for (const struct cJSON *c = sd_json_child(r->events); c; c = sd_json_next(c))
		if (strcmp(sd_json_get_str(c, "event"), name) == 0)
			last = c;
	return last;
}

int64_t script_lane(struct script *r, enum sd_lane lane)
{
	struct sd_outbox_counts n;
	struct sd_error e = {.code = SD_OK};

	must(sd_outbox_counts(r->store, NULL, &n, &e), &e, "counts");
	return n.lane[lane];
}

static bool first(void *ctx, struct sd_mutation *m)
{
	*(int64_t *)ctx = m->seq;
	return false;
}

struct sd_mutation script_first(struct script *r)
{
	struct sd_error e = {.code = SD_OK};
	struct sd_mutation m;
	int64_t seq = 0;

	must(sd_outbox_each(r->store, 0, -1, first, &seq, &e), &e, "outbox");
	if (!seq)
		fail_msg("the outbox is empty");
	must(sd_outbox_get(r->store, seq, &m, &e), &e, "entry");
	return m;
}

struct cJSON *script_row(struct script *r, const char *model, const char *key)
{
	struct cJSON *rec = NULL;
	struct sd_error e = {.code = SD_OK};
	enum sd_err rc = sd_rec_get(r->store, script_model(r, model), key, true, &rec, &e);

	if (rc == SD_NOTFOUND)
		return NULL;
	must(rc, &e, "record");
	return rec;
}

void script_row_is(struct script *r, const char *model, const char *key, const char *want)
{
	struct cJSON *rec = script_row(r, model, key), *w = parse(want);

	for (const struct cJSON *c = sd_json_child(w); c; c = sd_json_next(c))
		if (!sd_json_equal(c, sd_json_get(rec, sd_json_name(c)), true))
			fail_msg("%s %s: %s wanted in %s", model, key, want,
				rec ? sd_json_text(rec) : "nothing");
	sd_json_free(w);
	sd_json_free(rec);
}

static bool only(void *ctx, struct sd_conflict *c)
{
	*(int64_t *)ctx = *(int64_t *)ctx ? -1 : c->id;
	return true;
}

int64_t script_conflict(struct script *r, struct sd_conflict *out)
{
	struct sd_error e = {.code = SD_OK};
	int64_t id = 0;

	must(sd_conflict_each(r->store, only, &id, &e), &e, "conflicts");
	if (id <= 0)
		fail_msg("%s", id ? "several conflicts" : "no conflict");
	must(sd_conflict_get(r->store, id, out, &e), &e, "conflict");
	return id;
}

void script_input_is(const struct script_request *q, const char *want)
{
	char *got = sd_json_text(script_input(q));

	assert_string_equal(got, want);
	free(got);
}
