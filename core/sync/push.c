/*
 * core/sync/push.c - the outbox sender: life cycle, what may go now, local changes told.
 *
 * An entry goes when it is the oldest of its record and due (core/store/outbox.h), its model has
 * caught up (sd_pull_ready), the outbox is not paused, the network is on, and some credentials are
 * good; at most outbox_concurrency requests at once.
 */
#include "core/sync/push.h"

#include <stdlib.h>
#include <string.h>

#include "core/json/json.h"
#include "core/store/journal.h"

enum sd_err sd_push_new(struct sd_engine *en, struct sd_error *e)
{
	struct sd_push *p = calloc(1, sizeof *p);

	if (p) {
		p->doc_count = en->schema->model_count * SD_DOC_COUNT;
		p->docs = calloc(p->doc_count + 1, sizeof *p->docs);
		p->learned = calloc(en->schema->model_count + 1, 1);
	}
	if (!p || !p->docs || !p->learned) {
		sd_push_free(p);
		return sd_fail(e, SD_NOMEM, 0, "outbox: out of memory");
	}
	p->journal = -1;
	en->push = p;
	return SD_OK;
}

struct sd_flight *sd_flight_add(struct sd_push *p)
{
	struct sd_flight *f;

	if (p->count == p->room) {
		size_t room = p->room ? p->room * 2 : 8;
		f = realloc(p->flights, room * sizeof *f);
		if (!f)
			return NULL;
		p->flights = f;
		p->room = room;
	}
	f = &p->flights[p->count++];
	memset(f, 0, sizeof *f);
	return f;
}

void sd_flight_drop(struct sd_push *p, struct sd_flight *f)
{
	struct sd_flight *last = &p->flights[--p->count];

	free(f->body);
	if (f != last)
		*f = *last;
}

void sd_push_free(struct sd_push *p)
{
	if (!p)
		return;
	while (p->count)
		sd_flight_drop(p, &p->flights[0]);
	for (size_t i = 0; p->docs && i < p->doc_count; i++)
		free(p->docs[i]);
	free(p->batch.text);
	free(p->learned);
	free(p->docs);
	free(p->flights);
	free(p->alone);
	free(p->ask);
	free(p);
}

int64_t sd_push_wait_ms(struct sd_engine *en, int attempt, int64_t retry_after_ms, int64_t now_ms)
{
	(void)now_ms;
	return sd_backoff_ms(attempt, retry_after_ms, en->rand);
}

void sd_push_event(struct sd_engine *en, const char *name, const struct sd_mutation *m,
	struct cJSON *fields, int64_t now_ms)
{
	struct cJSON *o = sd_json_object(), *key = NULL, *c;

	if (sd_json_parse(m->key, strlen(m->key), "key", &key, NULL) != SD_OK)
		key = NULL;
	sd_json_add_str(o, "model", m->model->name);
	sd_json_add(o, "key", key ? key : sd_json_null());
	while ((c = sd_json_child(fields))) {
		const char *field = sd_json_name(c);
		char *copy = strdup(field);
		struct cJSON *v = sd_json_detach(fields, field);
		if (copy)
			sd_json_add(o, copy, v);
		else
			sd_json_free(v);
		free(copy);
	}
	sd_json_free(fields);
	sd_en_event(en, name, o, now_ms);
}

/* ---- life cycle ---- */
struct seqs {
	int64_t *v;
	size_t count, room;
	bool failed;
};

static bool seqs_add(struct seqs *s, int64_t seq)
{
	if (s->count == s->room) {
		size_t room = s->room ? s->room * 2 : 64;
		int64_t *v = realloc(s->v, room * sizeof *v);
		if (!v) {
			s->failed = true;
			return false;
		}
		s->v = v;
		s->room = room;
	}
	s->v[s->count++] = seq;
	return true;
}

static bool collect_all(void *ctx, struct sd_mutation *m)
{
	return seqs_add(ctx, m->seq);
}

/* What stands as being sent and is not under way here was sent by an engine that is no more. */
static enum sd_err recover(struct sd_engine *en, struct sd_error *e)
{
	struct sd_push *p = en->push;
	struct seqs s = {NULL, 0, 0, false};
	enum sd_err rc = sd_outbox_each(en->store, 0, SD_LANE_SENDING, collect_all, &s, e);

	if (rc == SD_OK && s.failed)
		rc = sd_fail(e, SD_NOMEM, 0, "outbox: out of memory");
	for (size_t i = 0; rc == SD_OK && i < s.count; i++) {
		bool ours = false;
		for (size_t k = 0; k < p->count; k++)
			for (size_t n = 0; n < p->flights[k].count; n++)
				ours = ours || p->flights[k].seq[n] == s.v[i];
		if (!ours)
			rc = sd_outbox_retry_at(en->store, s.v[i], 0, true, false, NULL, NULL, e);
	}
	free(s.v);
	return rc;
}

enum sd_err sd_push_start(struct sd_engine *en, int64_t now_ms, struct sd_error *e)
{
	struct sd_push *p = en->push;
	enum sd_err rc = SD_OK;

	p->last_ms = now_ms;
	p->down = false;
	if (p->journal < 0)
		rc = sd_journal_last(en->store, &p->journal, e);
	if (rc == SD_OK && !en->set->read_only)
		rc = recover(en, e);
	if (rc == SD_OK && !en->set->read_only)
		rc = sd_outbox_hurry(en->store, e);
	if (rc == SD_OK && !en->set->read_only)
		rc = sd_push_commands_again(en, e);
	en->push_wake = true;
	return rc;
}

void sd_push_forget(struct sd_engine *en)
{
	sd_push_commands_drop(en->push);
}

/* The answer of what is under way will not be heard. */
static enum sd_err cut(struct sd_engine *en, const struct sd_flight *f, int64_t seq, int64_t now_ms,
	struct sd_error *e)
{
	struct sd_case c;
	bool unknown =
		f->kind == SD_FLIGHT_SEND || f->why == SD_READ_UNKNOWN || f->why == SD_READ_WRITTEN;
	enum sd_err rc = sd_case_load(en, seq, &c, e);

	if (rc != SD_OK)
		return rc;
	if (c.m.lane != SD_LANE_SENDING)
		;
	else if (f->kind == SD_FLIGHT_READ && f->why == SD_READ_REFUSED)
		rc = sd_push_refuse(en, &c, f->type, f->message, NULL, now_ms, e);
	else
		rc = sd_outbox_retry_at(en->store, seq, 0, unknown || c.m.op == SD_OP_CREATE,
			f->kind == SD_FLIGHT_SEND, "Interrupted",
			"the request was cut off; what became of it is looked up first", e);
	sd_case_release(&c);
	return rc;
}

void sd_push_stop(struct sd_engine *en, int64_t now_ms)
{
	struct sd_push *p = en->push;

	for (size_t i = p->count; i-- > 0;) {
		struct sd_flight *f = &p->flights[i];
		struct sd_error why;
		if (f->kind == SD_FLIGHT_COMMAND) /* needs no network */
			continue;
		sd_en_cancel(en, f->id);
		/* what cannot be written now is "outcome unknown" when the store is opened next */
		for (size_t k = 0; k < f->count; k++)
			if (cut(en, f, f->seq[k], now_ms, &why) == SD_NOMEM)
				en->oom = true;
		sd_flight_drop(p, f);
	}
	p->alone_count = 0;
	p->next_due_ms = 0;
	en->status.in_flight = 0;
}

/* ---- what may go ---- */
static enum sd_err is_paused(struct sd_engine *en, bool *out, struct sd_error *e)
{
	char *v = NULL;
	enum sd_err rc = sd_meta_get(en->store, "outbox.paused", &v, e);

	*out = v && *v && strcmp(v, "0") != 0 && strcmp(v, "false") != 0;
	en->status.outbox_paused = *out;
	free(v);
	return rc;
}

struct gather {
	struct sd_engine *en;
	struct sd_mutation *v; /* owned, with what they hold */
	size_t count, room, most;
	bool more; /* something is left that will go by itself */
	bool failed;
};

static bool has_mode(struct sd_engine *en, const struct sd_mutation *m)
{
	static const unsigned bits[] = {SD_OP_CREATE_BIT, SD_OP_UPDATE_BIT, SD_OP_DELETE_BIT};
	enum sd_auth_mode modes[6];
	size_t n = sd_en_modes(en, m->model, bits[m->op], modes);

	for (size_t i = 0; i < n; i++)
		if (sd_en_mode_ok(en, modes[i]))
			return true;
	return false;
}

static bool gather_one(void *ctx, struct sd_mutation *m)
{
	struct gather *g = ctx;

	if (!has_mode(g->en, m)) /* waits for a sign-in, not for us */
		return true;
	if (g->count >= g->most) {
		g->more = true;
		return false;
	}
	if (!sd_pull_ready(g->en, m->model)) {
		g->more = true;
		return true;
	}
	if (g->count == g->room) {
		size_t room = g->room ? g->room * 2 : 32;
		struct sd_mutation *v = realloc(g->v, room * sizeof *v);
		g->failed = !v;
		if (!v)
			return false;
		g->v = v;
		g->room = room;
	}
	g->v[g->count++] = *m;
	memset(m, 0, sizeof *m);
	return true;
}

static int in_flight(const struct sd_push *p)
{
	int n = 0;

	for (size_t i = 0; i < p->count; i++)
		n += p->flights[i].kind != SD_FLIGHT_COMMAND;
	return n;
}

static void count_flights(struct sd_engine *en)
{
	int n = in_flight(en->push);

	en->status.in_flight = n;
	en->status.deciding = (int)(en->push->count + en->push->ask_count) - n;
}

size_t sd_push_slots(const struct sd_engine *en)
{
	int most = en->set->outbox_concurrency > 0 ? en->set->outbox_concurrency : 1;
	int used = in_flight(en->push);

	if (en->probing)
		most = 1; /* one knock is enough */
	return used >= most ? 0 : (size_t)(most - used);
}

static enum sd_err send_due(struct sd_engine *en, int64_t now_ms, struct sd_error *e)
{
	struct sd_push *p = en->push;
	struct gather g = {.en = en, .most = sd_push_slots(en) * sd_push_batch_most(en)};
	int64_t due = 0;
	bool left = false;
	enum sd_err rc = sd_outbox_due(en->store, now_ms, (size_t)1 << 30, gather_one, &g, &due, e);

	if (rc == SD_OK && g.failed)
		rc = sd_fail(e, SD_NOMEM, 0, "outbox: out of memory");
	p->next_due_ms = due;
	p->waiting = g.more || due != 0;
	if (rc == SD_OK && g.count)
		rc = sd_push_send(en, g.v, g.count, &left, now_ms, e);
	p->waiting = p->waiting || left;
	while (g.count)
		sd_mutation_release(&g.v[--g.count]);
	free(g.v);
	return rc;
}

enum sd_err sd_push_wake(struct sd_engine *en, int64_t now_ms, struct sd_error *e)
{
	struct sd_push *p = en->push;
	struct sd_outbox_counts n;
	bool paused = false, back = now_ms + 1000 < p->last_ms;
	enum sd_err rc = SD_OK;

	p->last_ms = now_ms;
	p->next_due_ms = 0;
	p->waiting = false;
	if (!en->started || en->set->read_only)
		return SD_OK;
	rc = is_paused(en, &paused, e);
	if (rc != SD_OK || paused)
		return rc;
	if (!sd_en_online(en)) {
		p->down = true;
		rc = sd_outbox_counts(en->store, NULL, &n, e);
		p->waiting = rc == SD_OK && n.lane[SD_LANE_WAITING] > 0;
		return rc;
	}
	/* the way to the server is open again, or the clock was set back and the times mean
	 * nothing */
	if (back || (p->down && en->active && !en->probing)) {
		p->down = false;
		rc = sd_outbox_hurry(en->store, e);
	}
	/* settling an entry may free the next one of its record at once */
	for (int i = 0; rc == SD_OK && i < 100; i++) {
		en->push_wake = false;
		rc = send_due(en, now_ms, e);
		if (!en->push_wake)
			break;
	}
	count_flights(en);
	return rc;
}

int64_t sd_push_deadline(const struct sd_engine *en)
{
	const struct sd_push *p = en->push;

	if (!en->started || !sd_en_online(en) || !p->next_due_ms)
		return INT64_MAX;
	return p->next_due_ms;
}

enum sd_err sd_push_http(
	struct sd_engine *en, const struct sd_http_result *r, int64_t now_ms, struct sd_error *e)
{
	struct sd_push *p = en->push;
	enum sd_err rc = SD_OK;

	for (size_t i = 0; i < p->count; i++)
		if (p->flights[i].kind != SD_FLIGHT_COMMAND && p->flights[i].id == r->id) {
			rc = sd_push_answer(en, &p->flights[i], r, now_ms, e);
			break;
		}
	if (!sd_en_online(en) || (en->active_told && !en->active))
		p->down = true;
	en->push_wake = true;
	count_flights(en);
	return rc;
}

bool sd_push_idle(const struct sd_engine *en)
{
	return en->push->count == 0 && en->push->ask_count == 0 && !en->push->waiting;
}

/* ---- local changes ---- */
struct telling {
	struct sd_engine *en;
	int64_t now_ms, last;
	bool told;
};

static bool tell_local(void *ctx, const struct sd_journal *j)
{
	struct telling *t = ctx;
	struct sd_mutation m = {.model = j->model};

	t->last = j->id;
	if (j->source != SD_FROM_LOCAL || !j->model || !j->key)
		return true;
	t->told = true;
	/* a record that changed for an entry; with a text it was undone or discarded */
	if (j->kind > SD_J_DELETE || j->seq == 0 || j->text)
		return true;
	m.key = strdup(j->key);
	if (m.key)
		sd_push_event(t->en, "outboxMutationEnqueued", &m, NULL, t->now_ms);
	free(m.key);
	return true;
}

enum sd_err sd_push_local(struct sd_engine *en, int64_t now_ms, struct sd_error *e)
{
	struct telling t = {.en = en, .now_ms = now_ms, .last = en->push->journal};
	bool any = false;
	enum sd_err rc;

	if (en->push->journal < 0)
		return sd_journal_last(en->store, &en->push->journal, e);
	rc = sd_journal_each(en->store, en->push->journal, 0, tell_local, &t, e);
	en->push->journal = t.last;
	/* what a person discards, parks or decides leaves no line of a change */
	if (rc == SD_OK && !t.told)
		rc = sd_outbox_any(en->store, &any, e);
	if (rc == SD_OK && (t.told || any == en->told_empty))
		sd_en_outbox_status(en, now_ms);
	return rc;
}
