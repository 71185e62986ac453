/*
 * tests/unit/test_store_random.c - any order of edits, arrivals, answers and decisions leaves row,
 * copies, queue, marks and counters in agreement, and loses no unsent change without a line.
 *
 * Seeded; a failure prints its seed and step.  SD_SEEDS sets how many seeds are tried.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/store_fix.h"

struct world {
	struct fix *f;
	struct sd_rand r;
	int64_t version[6]; /* of the server, per key; 0: never made there */
	bool gone[6];
};

static int below(struct world *w, int n)
{
	return (int)sd_rand_below(&w->r, (uint32_t)n);
}

struct pick {
	struct world *w;
	struct sd_mutation m;
	int n;
	int lane; /* -1: any */
};

static bool choose(void *ctx, struct sd_mutation *m)
{
	struct pick *p = ctx;

	if (p->lane >= 0 && (int)m->lane != p->lane)
		return true;
	if (below(p->w, ++p->n) == 0) {
		sd_mutation_release(&p->m);
		p->m = *m;
		p->m.key = strdup(m->key);
		p->m.fields = sd_json_dup(m->fields);
		p->m.condition = p->m.error_type = p->m.error_message = NULL;
	}
	return true;
}

/* A random entry of a lane; seq 0: none. */
static struct sd_mutation entry(struct world *w, int lane)
{
	struct pick p = {.w = w, .lane = lane};

	fix_ok(w->f, sd_outbox_each(w->f->st, 0, -1, choose, &p, &w->f->e));
	return p.m;
}

static int slot(const struct sd_mutation *m)
{
	return m->key[3] - '0'; /* ["k3"] */
}

static struct cJSON *server_item(struct world *w, int k, const struct cJSON *fields, bool deleted)
{
	struct cJSON *j = sd_json_object();
	char id[8], title[24];

	snprintf(id, sizeof id, "k%d", k);
	snprintf(title, sizeof title, "s%d", below(w, 4));
	sd_json_add_str(j, "id", id);
	sd_json_add_str(j, "title", title);
	sd_json_add_int(j, "rating", below(w, 3));
	for (struct cJSON *c = sd_json_child(fields); c; c = sd_json_next(c))
		sd_json_set(j, sd_json_name(c), sd_json_dup(c));
	w->gone[k] = deleted;
	sd_json_add_int(j, "_version", ++w->version[k]);
	sd_json_add_int(j, "_lastChangedAt", ++w->f->now);
	sd_json_add_bool(j, "_deleted", deleted);
	return j;
}

static void end(struct world *w, enum sd_err rc)
{
	if (rc == SD_OK)
		fix_commit(w->f);
	else
		sd_store_rollback(w->f->st);
}

static void do_save(struct world *w)
{
	char t[96];
	int k = below(w, 6);
	enum sd_err rc;

	if (below(w, 2))
		snprintf(t, sizeof t, "{'id':'k%d','title':'m%d'}", k, below(w, 4));
	else
		snprintf(t, sizeof t, "{'id':'k%d','title':'m%d','rating':%d}", k, below(w, 4),
			below(w, 3));
	rc = fix_save_if(w->f, "Post", t, below(w, 5) ? NULL : "rating > 0");
	assert_true(rc == SD_OK || rc == SD_INVAL);
}

static void do_delete(struct world *w)
{
	char key[16];
	enum sd_err rc;

	snprintf(key, sizeof key, "[\"k%d\"]", below(w, 6));
	rc = fix_delete(w->f, "Post", key);
	assert_true(rc == SD_OK || rc == SD_NOTFOUND);
}

static void do_arrive(struct world *w)
{
	struct cJSON *item = server_item(w, below(w, 6), NULL, below(w, 4) == 0);
	struct sd_apply_counts n = {0};
	bool base = below(w, 2);

	fix_begin(w->f);
	end(w, sd_apply(w->f->st, fix_model(w->f, "Post"), (const struct cJSON *const[]){item}, 1,
		       base ? SD_FROM_SYNC : SD_FROM_SUBSCRIPTION, base, w->f->now, &n, &w->f->e));
	assert_int_equal(n.created + n.updated + n.deleted + n.shadowed + n.dropped <= 1, 1);
	sd_json_free(item);
}

static void do_send(struct world *w)
{
	struct pick p = {.w = w, .lane = -1};
	int64_t next;

	fix_ok(w->f, sd_outbox_due(w->f->st, w->f->now, 3, choose, &p, &next, &w->f->e));
	if (p.m.seq) {
		fix_begin(w->f);
		end(w, fix_sending(w->f, p.m.seq));
	}
	sd_mutation_release(&p.m);
}

static void do_answer(struct world *w)
{
	struct sd_mutation m = entry(w, SD_LANE_SENDING);
	struct cJSON *item = NULL, *mine = NULL;
	int64_t id;
	enum sd_err rc = SD_OK;

	if (!m.seq)
		return;
	fix_begin(w->f);
	switch (below(w, 6)) {
	case 0:
		rc = sd_outbox_retry_at(
			w->f->st, m.seq, 0, below(w, 2), true, "Network", "x", &w->f->e);
		break;
	case 1:
		rc = sd_outbox_refuse(w->f->st, m.seq, "Bad", "no", NULL, w->f->now, &w->f->e);
		break;
	case 2:
		item = server_item(w, slot(&m), NULL, below(w, 3) == 0);
		mine = sd_json_dup(m.fields);
		rc = sd_conflict_put(w->f->st, m.seq, SD_SHAPE_EDIT_EDIT, NULL, mine,
			below(w, 5) ? item : NULL, w->f->now, &id, &w->f->e);
		break;
	case 3:
		item = server_item(w, slot(&m), NULL, false);
		rc = sd_outbox_rebase(w->f->st, m.seq, m.op, m.fields, item, w->f->now, &w->f->e);
		break;
	default:
		item = server_item(w, slot(&m), m.fields, m.op == SD_OP_DELETE);
		rc = below(w, 4) ? fix_acked(w->f, m.seq, item, w->f->now)
				 : sd_outbox_settled(w->f->st, m.seq, below(w, 2) ? item : NULL,
					   "same", w->f->now, &w->f->e);
	}
	fix_ok(w->f, rc);
	end(w, rc);
	sd_json_free(item);
	sd_json_free(mine);
	sd_mutation_release(&m);
}

static void do_person(struct world *w)
{
	struct sd_mutation m = entry(w, -1);
	struct cJSON *edit = fix_json("{'title':'edited'}");
	struct sd_write_env env = {.now_ms = w->f->now, .rand = &w->f->rand};
	int64_t seq = below(w, 2) ? m.seq : 0;
	enum sd_err rc = SD_OK;

	if (!m.seq)
		goto done;
	fix_begin(w->f);
	switch (below(w, 6)) {
	case 0:
		rc = sd_outbox_park(w->f->st, m.seq, below(w, 2), w->f->now, &w->f->e);
		break;
	case 1:
		rc = sd_outbox_discard(w->f->st, m.seq, w->f->now, &w->f->e);
		break;
	case 2:
		rc = sd_outbox_edit(w->f->st, m.seq, edit, w->f->now, &w->f->e);
		break;
	case 3:
		rc = sd_write_undo(w->f->st, &seq, &env, &w->f->e);
		break;
	default:
		rc = sd_outbox_retry(w->f->st, m.seq, w->f->now, &w->f->e);
	}
	assert_true(rc == SD_OK || rc == SD_BUSY || rc == SD_INVAL || rc == SD_NOTFOUND);
	end(w, rc);
done:
	sd_json_free(edit);
	sd_mutation_release(&m);
}

static bool first_conflict(void *ctx, struct sd_conflict *c)
{
	int64_t *id = ctx;

	*id = c->id;
	return false;
}

static void do_settle(struct world *w)
{
	struct cJSON *fields = below(w, 2) ? fix_json("{'title':'decided'}") : NULL;
	int64_t id = 0;
	enum sd_err rc;

	fix_ok(w->f, sd_conflict_each(w->f->st, first_conflict, &id, &w->f->e));
	if (id) {
		fix_begin(w->f);
		rc = sd_conflict_settle(
			w->f->st, id, SD_OP_UPDATE, fields, "person", w->f->now, &w->f->e);
		fix_ok(w->f, rc);
		end(w, rc);
	}
	sd_json_free(fields);
}

static void do_restart(struct world *w)
{
	if (below(w, 4))
		return;
	fix_close(w->f);
	fix_open(w->f);
}

static void (*const STEP[])(struct world *w) = {do_save, do_save, do_save, do_delete, do_arrive,
	do_arrive, do_send, do_send, do_answer, do_answer, do_person, do_settle, do_restart};

static bool count(void *ctx, struct sd_mutation *m)
{
	int *n = ctx;

	(void)m;
	++*n;
	return true;
}

static bool highest(void *ctx, struct sd_mutation *m)
{
	int64_t *top = ctx;

	*top = m->seq;
	return true;
}

static int in_queue(struct fix *f)
{
	int n = 0;

	fix_ok(f, sd_outbox_each(f->st, 0, -1, count, &n, &f->e));
	return n;
}

static bool leaves(void *ctx, const struct sd_journal *j)
{
	static const char *const HOW[] = {"sent", "same", "discarded", "undone", "person",
		"deleted before it was sent", "overtaken by the delete",
		"changed back: nothing to send"};
	int *n = ctx;

	for (size_t i = 0; j->kind == SD_J_OUTBOX && i < sizeof HOW / sizeof *HOW; i++)
		*n += j->text && strcmp(j->text, HOW[i]) == 0;
	return true;
}

static void any_order_of_steps_leaves_the_store_sound(void **st)
{
	const char *env = getenv("SD_SEEDS");
	int seeds = env ? atoi(env) : 8;

	(void)st;
	for (int seed = 1; seed <= seeds; seed++) {
		struct world w = {.f = fix_new()};
		int64_t top = 0;
		int gone = 0;
		sd_rand_seeded(&w.r, (uint64_t)seed);
		for (int step = 0; step < 250; step++) {
			struct sd_error e = {SD_OK, 0, ""};
			w.f->now++;
			STEP[below(&w, (int)(sizeof STEP / sizeof *STEP))](&w);
			if (sd_store_check(w.f->st, &e) != SD_OK) {
				print_error("seed %d, step %d: %s\n", seed, step, e.text);
				fail();
			}
		}
		/* U-02: what entered is in the queue still, or left with a line that says how; the
		 * new entry has the highest number, so as many as that ever entered */
		fix_ok(w.f, sd_journal_each(w.f->st, 0, 0, leaves, &gone, &w.f->e));
		fix_ok(w.f, fix_save(w.f, "Label", "{'name':'the last one'}"));
		fix_ok(w.f, sd_outbox_each(w.f->st, 0, -1, highest, &top, &w.f->e));
		assert_int_equal(top - in_queue(w.f), gone);
		fix_free(w.f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_order_of_steps_leaves_the_store_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
