/* tests/unit/test_store_conflict.c - rebasing, conflicts, export and import of entries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/store_fix.h"

static int setup(void **st)
{
	*st = fix_new();
	return 0;
}

static int teardown(void **st)
{
	struct fix *f = *st;

	fix_sound(f);
	fix_free(f);
	return 0;
}

static void synced(struct fix *f, const char *model, const char *fields)
{
	fix_ok(f, fix_apply(f, model, fields, true, NULL));
}

static void arrives(struct fix *f, const char *model, const char *fields)
{
	fix_ok(f, fix_apply(f, model, fields, false, NULL));
}

static void sending(struct fix *f, int64_t seq)
{
	fix_begin(f);
	fix_ok(f, fix_sending(f, seq));
	fix_commit(f);
}

/* The two copies as text: "base|server", "-" for none. */
static void copies(
	struct fix *f, const char *model, const char *key, const char *name, const char *want)
{
	struct sd_shadow sh;
	char *b, *s, both[256];

	fix_ok(f, sd_shadow_get(f->st, fix_model(f, model), key, &sh, &f->e));
	b = sh.base ? sd_json_text(sd_json_get(sh.base, name)) : strdup("-");
	s = sh.server ? sd_json_text(sd_json_get(sh.server, name)) : strdup("-");
	snprintf(both, sizeof both, "%s|%s", b, s);
	for (char *p = both; *p; p++)
		if (*p == '"')
			*p = '\'';
	assert_string_equal(both, want);
	free(b);
	free(s);
	sd_shadow_release(&sh);
}

static void v(struct fix *f, int64_t seq, int64_t want)
{
	struct sd_mutation m;

	fix_ok(f, sd_outbox_get(f->st, seq, &m, &f->e));
	assert_int_equal(m.version, want);
	sd_mutation_release(&m);
}

static char *line_of(struct fix *f, int64_t seq, bool base)
{
	struct sd_mutation m;
	struct cJSON *j = NULL;
	char *t;

	fix_ok(f, sd_outbox_get(f->st, seq, &m, &f->e));
	fix_ok(f, sd_outbox_json(f->st, &m, base, &j, &f->e));
	t = sd_json_text(j);
	for (char *p = t; *p; p++)
		if (*p == '"')
			*p = '\'';
	sd_json_free(j);
	sd_mutation_release(&m);
	return t;
}

static void rebase(struct fix *f, int64_t seq, enum sd_op op, const char *fields, const char *base)
{
	struct cJSON *x = fix_json(fields), *b = base ? fix_json(base) : NULL;

	fix_begin(f);
	fix_ok(f, sd_outbox_rebase(f->st, seq, op, x, b, ++f->now, &f->e));
	fix_commit(f);
	sd_json_free(x);
	sd_json_free(b);
}

static int64_t conflict(struct fix *f, int64_t seq, const char *theirs)
{
	struct cJSON *t = theirs ? fix_json(theirs) : NULL, *m = fix_json("{'id':'a'}");
	int64_t id = 0;

	fix_begin(f);
	fix_ok(f,
		sd_conflict_put(f->st, seq, SD_SHAPE_EDIT_EDIT, NULL, m, t, ++f->now, &id, &f->e));
	fix_commit(f);
	sd_json_free(t);
	sd_json_free(m);
	return id;
}

static void settle(struct fix *f, int64_t id, enum sd_op op, const char *fields)
{
	struct cJSON *x = fields ? fix_json(fields) : NULL;

	fix_begin(f);
	fix_ok(f, sd_conflict_settle(f->st, id, op, x, "person", ++f->now, &f->e));
	fix_commit(f);
	sd_json_free(x);
}

/* contract.md 5 outbox; S7.4: exported, wiped, imported: the same change on the same base */
static void an_entry_exported_before_a_wipe_comes_back_by_import(void **st)
{
	struct fix *f = *st;
	struct cJSON *up, *new, *bad;
	struct sd_wiped w;
	char *a, *b;

	synced(f, "Post", "[{'id':'a','title':'A','rating':2,'_version':7,'_lastChangedAt':1}]");
	fix_ok(f, fix_save_if(f, "Post", "{'id':'a','title':'mine'}", "rating > 1"));
	fix_ok(f, fix_save(f, "Post", "{'id':'n','title':'new'}"));
	a = line_of(f, 1, false);
	assert_string_equal(a,
		"{'seq':1,'op':'UPDATE','model':'Post','key':['a'],'fields':{'title':'mine'},"
		"'condition':'rating > 1','version':7,'lane':'waiting','attempts':0,"
		"'nextTry':null,'error':null,'enqueued':1000002}");
	free(a);
	a = line_of(f, 1, true);
	b = line_of(f, 2, true);
	up = fix_json(a);
	new = fix_json(b);
	free(a);
	free(b);
	fix_close(f);
	fix_ok(f, sd_wipe(f->dir, &w, &f->e));
	fix_open(f);
	fix_begin(f);
	fix_ok(f, sd_outbox_import(f->st, up, 5, &f->rand, &f->e));
	fix_ok(f, sd_outbox_import(f->st, new, 5, &f->rand, &f->e));
	fix_commit(f);
	fix_queue(f, "1 UPDATE Post ['a'] {'title':'mine'} waiting v7 if rating > 1; "
		     "2 CREATE Post ['n'] {'id':'n','title':'new'} waiting v-1");
	fix_field(f, "Post", "[\"a\"]", "title", "'mine'");
	copies(f, "Post", "[\"a\"]", "title", "'A'|'A'");
	bad = fix_json("{'op':'UPDATE','model':'Nope','key':['a'],'fields':{}}");
	fix_begin(f);
	assert_int_equal(sd_outbox_import(f->st, bad, 5, &f->rand, &f->e), SD_INVAL);
	sd_store_rollback(f->st);
	sd_json_free(up);
	sd_json_free(new);
	sd_json_free(bad);
}

static bool unknown_of(struct fix *f, int64_t seq)
{
	struct sd_mutation m;
	bool yes;

	fix_ok(f, sd_outbox_get(f->st, seq, &m, &f->e));
	yes = m.unknown;
	sd_mutation_release(&m);
	return yes;
}

/* R-050, S7.4: exported while its answer was awaited, or lost: looked for before it is sent again */
static void an_imported_entry_that_may_have_arrived_is_looked_for_first(void **st)
{
	struct fix *f = *st;
	struct cJSON *line[3];
	struct sd_wiped w;

	for (int i = 0; i < 3; i++) {
		char save[64];
		snprintf(save, sizeof save, "{'id':'n%d','title':'new'}", i);
		fix_ok(f, fix_save(f, "Post", save));
	}
	fix_begin(f);
	fix_ok(f, sd_outbox_retry_at(f->st, 1, 0, true, false, NULL, NULL, &f->e));
	fix_ok(f, fix_sending(f, 2));
	fix_commit(f);
	for (int i = 0; i < 3; i++) {
		char *text = line_of(f, i + 1, true);
		line[i] = fix_json(text);
		free(text);
	}
	fix_close(f);
	fix_ok(f, sd_wipe(f->dir, &w, &f->e));
	fix_open(f);
	for (int i = 0; i < 3; i++) {
		fix_begin(f);
		fix_ok(f, sd_outbox_import(f->st, line[i], 5, &f->rand, &f->e));
		fix_commit(f);
		sd_json_free(line[i]);
		assert_int_equal(unknown_of(f, i + 1), i < 2);
	}
}

/* fields of one side merge: the entry is put on the newest version */
static void a_rebased_entry_is_made_on_the_newest_version(void **st)
{
	struct fix *f = *st;

	synced(f, "Post", "[{'id':'a','title':'A','rating':1,'_version':7,'_lastChangedAt':1}]");
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'mine'}"));
	rebase(f, 1, SD_OP_UPDATE, "{'title':'mine'}",
		"{'id':'a','title':'A','rating':9,'_version':8,'_lastChangedAt':2}");
	fix_queue(f, "1 UPDATE Post ['a'] {'title':'mine'} waiting v8");
	fix_field(f, "Post", "[\"a\"]", "rating", "9");
	fix_field(f, "Post", "[\"a\"]", "title", "'mine'");
	copies(f, "Post", "[\"a\"]", "rating", "9|9");
}

/* a rebase of the first change hides nothing from the second one behind it */
static void the_change_behind_a_rebased_one_is_still_compared(void **st)
{
	struct fix *f = *st;

	synced(f, "Post", "[{'id':'a','title':'A','rating':1,'_version':7,'_lastChangedAt':1}]");
	fix_ok(f, fix_save_if(f, "Post", "{'id':'a','title':'mine'}", "rating > 0"));
	fix_ok(f, fix_save(f, "Post", "{'id':'a','rating':2}"));
	rebase(f, 1, SD_OP_UPDATE, "{'title':'mine'}",
		"{'id':'a','title':'A','rating':9,'_version':8,'_lastChangedAt':2}");
	fix_ok(f, fix_ack(f, 1,
			  "{'id':'a','title':'mine','rating':9,'_version':9,"
			  "'_lastChangedAt':3}"));
	v(f, 2, 7);
	copies(f, "Post", "[\"a\"]", "rating", "1|9");
}

/* U-06, U-07: in conflict the row keeps the person's value; settling is one step */
static void a_conflict_keeps_mine_until_it_is_settled(void **st)
{
	struct fix *f = *st;
	struct sd_conflict c;
	int64_t n, id, again;

	synced(f, "Post", "[{'id':'a','title':'A','_version':7,'_lastChangedAt':1}]");
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'mine'}"));
	sending(f, 1);
	id = conflict(f, 1, "{'id':'a','title':'theirs','_version':8,'_lastChangedAt':2}");
	fix_field(f, "Post", "[\"a\"]", "title", "'mine'");
	fix_field(f, "Post", "[\"a\"]", "_state", "'conflict'");
	again = conflict(f, 1, "{'id':'a','title':'theirs','_version':9,'_lastChangedAt':3}");
	assert_int_equal(again, id);
	fix_ok(f, sd_conflict_count(f->st, NULL, &n, &f->e));
	assert_int_equal(n, 1);
	fix_begin(f);
	assert_int_equal(sd_outbox_retry(f->st, 1, 1, &f->e), SD_INVAL);
	sd_store_rollback(f->st);
	/* theirs moves on while the person thinks */
	arrives(f, "Post",
		"[{'id':'a','title':'gone','_version':10,'_lastChangedAt':4,"
		"'_deleted':true}]");
	fix_ok(f, sd_conflict_get(f->st, id, &c, &f->e));
	assert_int_equal(c.shape, SD_SHAPE_EDIT_DELETE);
	assert_int_equal(sd_json_get_i64(c.theirs, "_version", 0), 10);
	sd_conflict_release(&c);
	settle(f, id, SD_OP_UPDATE, "{'title':'mine'}");
	fix_queue(f, "1 UPDATE Post ['a'] {'title':'mine'} waiting v10");
	fix_field(f, "Post", "[\"a\"]", "_deleted", "false");
	fix_ok(f, sd_conflict_count(f->st, NULL, &n, &f->e));
	assert_int_equal(n, 0);
	assert_int_equal(sd_conflict_get(f->st, id, &c, &f->e), SD_NOTFOUND);
}

/* theirs: the record becomes theirs and the entry leaves */
static void settling_for_theirs_sends_nothing(void **st)
{
	struct fix *f = *st;
	int64_t id;

	synced(f, "Post", "[{'id':'a','title':'A','_version':7,'_lastChangedAt':1}]");
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'mine'}"));
	id = conflict(f, 1, "{'id':'a','title':'theirs','_version':8,'_lastChangedAt':2}");
	settle(f, id, SD_OP_UPDATE, NULL);
	fix_queue(f, "");
	fix_field(f, "Post", "[\"a\"]", "title", "'theirs'");
	fix_field(f, "Post", "[\"a\"]", "_state", "'synced'");
	/* missing over there, and theirs is kept: it goes here too */
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'again'}"));
	id = conflict(f, 2, NULL);
	settle(f, id, SD_OP_UPDATE, NULL);
	fix_expect(f, "Post", "[\"a\"]", "");
	/* missing, and mine is kept: made anew */
	synced(f, "Post", "[{'id':'b','title':'B','_version':7,'_lastChangedAt':1}]");
	fix_ok(f, fix_save(f, "Post", "{'id':'b','title':'mine'}"));
	id = conflict(f, 3, NULL);
	settle(f, id, SD_OP_CREATE, "{'id':'b','title':'mine','rating':4}");
	fix_queue(f, "3 CREATE Post ['b'] {'id':'b','title':'mine','rating':4} waiting v-1");
	fix_field(f, "Post", "[\"b\"]", "rating", "4");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_entry_exported_before_a_wipe_comes_back_by_import),
		T(an_imported_entry_that_may_have_arrived_is_looked_for_first),
		T(a_rebased_entry_is_made_on_the_newest_version),
		T(the_change_behind_a_rebased_one_is_still_compared),
		T(a_conflict_keeps_mine_until_it_is_settled),
		T(settling_for_theirs_sends_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
