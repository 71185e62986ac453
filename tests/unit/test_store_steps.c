/*
 * tests/unit/test_store_steps.c - every change of the store, cut off at every one of its steps
 * (R-003, S6; issue "Durability"): I/O errors, a full disk, short reads, a crash that forgets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/store/internal.h"
#include "tests/support/crashfs.h"
#include "tests/support/steps.h"

/* A copy made beside the store is synced by its descriptor: the disk of the tests hears of it. */
int fsync(int fd)
{
	char link[64], path[512];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof path - 1);
	if (n > 0) {
		path[n] = '\0';
		crashfs_synced(path);
	}
	return (int)syscall(SYS_fsync, fd);
}

/* ---- schemas ---- */

#define POST_TYPES "enum Status { ACTIVE INACTIVE } type Meta { a: String n: Int }\n"
#define POST_FIELDS                                                                                \
	" title: String! rating: Int score: Float done: Boolean status: Status tags: [String]"     \
	" meta: Meta data: AWSJSON at: AWSDateTime "
#define COMMENT                                                                                    \
	"type Comment @model { id: ID! text: String"                                               \
	" postID: ID @index(name: \"byPost\", sortKeyFields: [\"text\"]) }\n"
static const char ADDED[] =
	POST_TYPES "type Post @model { id: ID! " POST_FIELDS " extra: String more: Int }\n" COMMENT;
static const char REBUILT[] =
	POST_TYPES "type Post @model { id: ID! title: String! rating: String }\n" COMMENT;

/* few models: a store is opened here some ten thousand times */
static const char SMALL[] =
	POST_TYPES "type Post @model { id: ID! " POST_FIELDS
		   " comments: [Comment] @hasMany(indexName: \"byPost\", fields: [\"id\"]) }\n"
		   "type Comment @model { id: ID! text: String"
		   " postID: ID @index(name: \"byPost\", sortKeyFields: [\"text\"])"
		   " post: Post @belongsTo(fields: [\"postID\"]) }\n";

/* ---- a store with something of everything ---- */

static void synced(struct fix *f)
{
	fix_ok(f,
		fix_apply(f, "Post",
			"[{'id':'a','title':'A','rating':1,'_version':3,'_lastChangedAt':30},"
			"{'id':'b','title':'B','tags':['x'],'_version':1,'_lastChangedAt':10},"
			"{'id':'t','title':'T','_version':9,'_lastChangedAt':90,'_deleted':true}]",
			true, NULL));
	fix_ok(f, fix_apply(f, "Comment",
			  "[{'id':'c1','text':'one','postID':'a','_version':1,'_lastChangedAt':5},"
			  "{'id':'c2','text':'two','postID':'a','_version':1,'_lastChangedAt':5}]",
			  true, NULL));
}

static void unsent(struct fix *f)
{
	synced(f);
	fix_ok(f, fix_save(f, "Post", "{'id':'a','rating':7}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'n','title':'new'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'b','title':'mine'}"));
}

/* #1 edit of a (waiting), #2 create of n (waiting), #3 edit of b (sending) */
static void busy(struct fix *f)
{
	unsent(f);
	fix_begin(f);
	fix_ok(f, fix_sending(f, 3));
	fix_commit(f);
}

static void in_conflict(struct fix *f)
{
	struct cJSON *base, *mine, *theirs;
	int64_t id;

	busy(f);
	base = fix_json("{'id':'a','title':'A','rating':1,'_version':3,'_lastChangedAt':30}");
	mine = fix_json("{'id':'a','title':'A','rating':7,'_version':3,'_lastChangedAt':30}");
	theirs = fix_json("{'id':'a','title':'A','rating':5,'_version':4,'_lastChangedAt':40}");
	fix_begin(f);
	fix_ok(f,
		sd_conflict_put(f->st, 1, SD_SHAPE_EDIT_EDIT, base, mine, theirs, 50, &id, &f->e));
	assert_int_equal(id, 1);
	fix_commit(f);
	sd_json_free(base);
	sd_json_free(mine);
	sd_json_free(theirs);
}

static void refused(struct fix *f)
{
	busy(f);
	fix_begin(f);
	fix_ok(f, sd_outbox_refuse(f->st, 3, "Unauthorized", "no", NULL, 60, &f->e));
	fix_commit(f);
}

static void undone(struct fix *f)
{
	struct sd_write_env env = {9, &f->rand};
	int64_t seq = 0;

	unsent(f);
	fix_ok(f, fix_delete(f, "Post", "[\"a\"]"));
	fix_begin(f);
	fix_ok(f, sd_write_undo(f->st, &seq, &env, &f->e));
	fix_commit(f);
}

/* The load of a large table is over, its indexes are still to be made. */
static void without_indexes(struct fix *f)
{
	synced(f);
	fix_begin(f);
	fix_ok(f, sd_index_later(f->st, sd_table_of(f->st, fix_model(f, "Comment")), &f->e));
	fix_ok(f, sd_load_end(f->st, fix_model(f, "Comment"), &f->e));
	fix_commit(f);
}

static void parked(struct fix *f)
{
	busy(f);
	fix_begin(f);
	fix_ok(f, sd_outbox_park(f->st, 2, true, 60, &f->e));
	fix_commit(f);
}

static void much_history(struct fix *f)
{
	synced(f);
	for (int i = 0; i < 30; i++) {
		char t[64];
		snprintf(t, sizeof t, "{'id':'a','rating':%d}", i + 100);
		fix_ok(f, fix_save(f, "Post", t));
	}
}

static void sweeping(struct fix *f)
{
	struct sd_sync_state s = {0};

	busy(f);
	fix_begin(f);
	fix_ok(f, sd_sweep_begin(f->st, fix_model(f, "Comment"), &s.sweep_rid, &f->e));
	s.page_base = true;
	s.page_token = strdup("more");
	fix_ok(f, sd_sync_put(f->st, fix_model(f, "Comment"), &s, &f->e));
	fix_commit(f);
	sd_sync_state_release(&s);
}

/* ---- the changes ---- */

static enum sd_err finish(struct fix *f, enum sd_err rc)
{
	if (rc == SD_OK)
		rc = sd_store_commit(f->st, &f->e);
	sd_store_rollback(f->st);
	return rc;
}

static enum sd_err save(struct fix *f, const char *model, const char *text)
{
	struct sd_write_env env = {f->now, &f->rand};
	struct cJSON *j = fix_json(text);
	enum sd_err rc = sd_store_begin(f->st, &f->e);

	if (rc == SD_OK)
		rc = finish(f, sd_write_save(f->st, fix_model(f, model), SD_SAVE_UPSERT, j, NULL,
				       &env, NULL, NULL, &f->e));
	sd_json_free(j);
	return rc;
}

static enum sd_err insert(struct fix *f)
{
	return save(f, "Post", "{'title':'fresh','rating':5,'meta':{'a':'x'},'tags':['q']}");
}
static enum sd_err update(struct fix *f)
{
	return save(f, "Post", "{'id':'a','title':'other','rating':9}");
}
static enum sd_err coalesce(struct fix *f)
{
	return save(f, "Post", "{'id':'n','rating':3}");
}
static enum sd_err change_back(struct fix *f)
{
	return save(f, "Post", "{'id':'a','rating':1}");
}
static enum sd_err behind_a_sending_one(struct fix *f)
{
	return save(f, "Post", "{'id':'b','rating':3}");
}

static enum sd_err remove_one(struct fix *f)
{
	struct sd_write_env env = {f->now, &f->rand};
	enum sd_err rc = sd_store_begin(f->st, &f->e);

	if (rc != SD_OK)
		return rc;
	return finish(f, sd_write_delete(f->st, fix_model(f, "Post"), "[\"a\"]", NULL, false, &env,
				 NULL, &f->e));
}

static enum sd_err stream(struct fix *f)
{
	struct sd_write_env env = {f->now, &f->rand};
	enum sd_err rc = sd_store_begin(f->st, &f->e);
	bool begun = rc == SD_OK;

	for (int i = 0; i < 60 && rc == SD_OK; i++) {
		struct cJSON *j;
		char t[500];
		snprintf(t, sizeof t, "{'id':'s%d','text':'%0400d','postID':'%s'}", i % 50, i,
			i % 2 ? "a" : "b");
		j = fix_json(t);
		rc = sd_write_save(f->st, fix_model(f, "Comment"), SD_SAVE_UPSERT, j, NULL, &env,
			NULL, NULL, &f->e);
		sd_json_free(j);
	}
	return begun ? finish(f, rc) : rc;
}

static enum sd_err undo(struct fix *f)
{
	struct sd_write_env env = {f->now, &f->rand};
	int64_t seq = 0;
	enum sd_err rc = sd_store_begin(f->st, &f->e);

	return rc == SD_OK ? finish(f, sd_write_undo(f->st, &seq, &env, &f->e)) : rc;
}

static enum sd_err apply(
	struct fix *f, const char *model, const char *items, enum sd_source source, bool base)
{
	struct sd_apply_counts counts = {0};
	struct cJSON *j = fix_json(items);
	const struct cJSON *list[64];
	size_t n = 0;
	enum sd_err rc = sd_store_begin(f->st, &f->e);

	for (struct cJSON *c = sd_json_child(j); c; c = sd_json_next(c))
		list[n++] = c;
	if (rc == SD_OK)
		rc = finish(f, sd_apply(f->st, fix_model(f, model), list, n, source, base, f->now,
				       &counts, &f->e));
	sd_json_free(j);
	return rc;
}

static enum sd_err base_page(struct fix *f)
{
	struct sd_buf b = SD_BUF_INIT;
	enum sd_err rc;

	sd_buf_str(&b, "[{'id':'a','title':'A2','_version':4,'_lastChangedAt':40}");
	for (int i = 0; i < 50; i++)
		sd_buf_fmt(&b,
			",{'id':'p%d','title':'page %d','rating':%d,'_version':1,"
			"'_lastChangedAt':%d}",
			i, i, i, 100 + i);
	sd_buf_ch(&b, ']');
	rc = apply(f, "Post", sd_buf_text(&b), SD_FROM_SYNC, true);
	sd_buf_release(&b);
	return rc;
}
static enum sd_err delta_page(struct fix *f)
{
	return apply(f, "Post",
		"[{'id':'a','title':'A2','rating':2,'_version':4,'_lastChangedAt':40},"
		"{'id':'b','title':'B','_version':2,'_lastChangedAt':41,'_deleted':true},"
		"{'id':'z','title':'Z','_version':1,'_lastChangedAt':42}]",
		SD_FROM_SYNC, false);
}
static enum sd_err message(struct fix *f)
{
	return apply(f, "Comment", "[{'id':'c1','text':'uno','postID':'a','_version':2}]",
		SD_FROM_SUBSCRIPTION, false);
}

#define IN_TXN(name, call)                                                                         \
	static enum sd_err name(struct fix *f)                                                     \
	{                                                                                          \
		enum sd_err rc = sd_store_begin(f->st, &f->e);                                     \
		return rc == SD_OK ? finish(f, call) : rc;                                         \
	}

static enum sd_err acked(struct fix *f)
{
	struct cJSON *j = fix_json("{'id':'b','title':'mine','tags':['x'],'_version':2,"
				   "'_lastChangedAt':77,'_deleted':null}");
	enum sd_err rc = sd_store_begin(f->st, &f->e);

	if (rc == SD_OK)
		rc = finish(f, fix_acked(f, 3, j, f->now));
	sd_json_free(j);
	return rc;
}

static enum sd_err rebased(struct fix *f)
{
	struct cJSON *base = fix_json("{'id':'a','title':'A9','rating':1,'_version':9,"
				      "'_lastChangedAt':90}");
	struct cJSON *fields = fix_json("{'rating':7}");
	enum sd_err rc = sd_store_begin(f->st, &f->e);

	if (rc == SD_OK)
		rc = finish(
			f, sd_outbox_rebase(f->st, 1, SD_OP_UPDATE, fields, base, f->now, &f->e));
	sd_json_free(base);
	sd_json_free(fields);
	return rc;
}

static enum sd_err resolved(struct fix *f)
{
	struct cJSON *fields = fix_json("{'rating':6}");
	enum sd_err rc = sd_store_begin(f->st, &f->e);

	if (rc == SD_OK)
		rc = finish(f, sd_conflict_settle(
				       f->st, 1, SD_OP_UPDATE, fields, "person", f->now, &f->e));
	sd_json_free(fields);
	return rc;
}

static enum sd_err edited(struct fix *f)
{
	struct cJSON *fields = fix_json("{'title':'put right'}");
	enum sd_err rc = sd_store_begin(f->st, &f->e);

	if (rc == SD_OK)
		rc = finish(f, sd_outbox_edit(f->st, 3, fields, f->now, &f->e));
	sd_json_free(fields);
	return rc;
}

static enum sd_err imported(struct fix *f)
{
	struct cJSON *line = fix_json("{'op':'UPDATE','model':'Post','key':['b'],'fields':{"
				      "'rating':4},'version':1,'base':{'id':'b','title':'B',"
				      "'_version':1}}");
	enum sd_err rc = sd_store_begin(f->st, &f->e);

	if (rc == SD_OK)
		rc = finish(f, sd_outbox_import(f->st, line, f->now, &f->rand, &f->e));
	sd_json_free(line);
	return rc;
}

static enum sd_err swept(struct fix *f)
{
	int64_t removed = 0;
	enum sd_err rc = sd_store_begin(f->st, &f->e);

	if (rc != SD_OK)
		return rc;
	return finish(f,
		sd_sweep_end(f->st, fix_model(f, "Comment"), NULL, 1000, f->now, &removed, &f->e));
}

IN_TXN(sending, fix_sending(f, 1))
IN_TXN(retry_later, sd_outbox_retry_at(f->st, 3, 999, true, true, "Net", "lost", &f->e))
IN_TXN(refuse, sd_outbox_refuse(f->st, 3, "Unauthorized", "no", NULL, f->now, &f->e))
IN_TXN(park, sd_outbox_park(f->st, 2, true, f->now, &f->e))
IN_TXN(unpark, sd_outbox_park(f->st, 2, false, f->now, &f->e))
IN_TXN(retry, sd_outbox_retry(f->st, 3, f->now, &f->e))
IN_TXN(discard, sd_outbox_discard(f->st, 1, f->now, &f->e))
IN_TXN(theirs, sd_conflict_settle(f->st, 1, SD_OP_UPDATE, NULL, "person", f->now, &f->e))
IN_TXN(setting, sd_meta_put(f->st, "outbox.paused", "1", &f->e))
IN_TXN(bind_backend, sd_store_bind_backend(f->st, "http://127.0.0.1:1/graphql", &f->e))
IN_TXN(quarantine, sd_quarantine_put(f->st, fix_model(f, "Post"), "[\"a\"]", "title", "{}",
			   "null for a required field", f->now, &f->e))

static enum sd_err bulk(struct fix *f)
{
	struct sd_write_env env = {f->now, &f->rand};
	enum sd_err rc = sd_store_begin(f->st, &f->e);
	bool begun = rc == SD_OK;

	if (begun) {
		sd_write_bulk(f->st);
		f->st->bulk_rows = SD_BULK_LONG - 10; /* indexes go, and come back at the end */
	}
	for (int i = 0; i < 40 && rc == SD_OK; i++) {
		struct cJSON *j;
		char t[80];
		snprintf(t, sizeof t, "{'id':'bulk%d','text':'%d'}", i, i);
		j = fix_json(t);
		rc = sd_write_save(f->st, fix_model(f, "Comment"), SD_SAVE_UPSERT, j, NULL, &env,
			NULL, NULL, &f->e);
		sd_json_free(j);
	}
	return begun ? finish(f, rc) : rc;
}

static enum sd_err redo(struct fix *f)
{
	struct sd_write_env env = {f->now, &f->rand};
	int64_t seq = 0;
	enum sd_err rc = sd_store_begin(f->st, &f->e);

	return rc == SD_OK ? finish(f, sd_write_redo(f->st, &seq, &env, &f->e)) : rc;
}

static enum sd_err late_indexes(struct fix *f)
{
	return sd_store_indexes(f->st, &f->e);
}

static enum sd_err wal_care(struct fix *f)
{
	f->st->wal_pages = 1 << 20; /* as if there were that many */
	sd_store_wal_care(f->st);
	return SD_OK;
}

static enum sd_err checkpoint(struct fix *f)
{
	sd_store_checkpoint(f->st, 0); /* fails nobody */
	return SD_OK;
}

static const struct step_case CASE[] = {
	{"save a new record", synced, insert, NULL, .hot = false},
	{"save a new record, WAL in use", synced, insert, NULL, .hot = true},
	{"save a change", synced, update, NULL, .hot = false},
	{"save into a waiting create", busy, coalesce, NULL, .sparse = true},
	{"save the old value again", busy, change_back, NULL, .sparse = true},
	{"save behind a change being sent", busy, behind_a_sending_one, NULL, .hot = true},
	{"delete with its cascade", busy, remove_one, NULL, .hot = false},
	{"a stream of saves", synced, stream, NULL, .hot = false},
	{"saves in bulk", synced, bulk, NULL, .hot = true},
	{"redo of a delete", undone, redo, NULL, .sparse = true},
	{"indexes made late", without_indexes, late_indexes, NULL, .pieces = true},
	{"moving the WAL", much_history, wal_care, NULL, .hot = true, .same = true, .sparse = true},
	{"undo", busy, undo, NULL, .sparse = true},
	{"a base page", busy, base_page, NULL, .hot = false},
	{"a delta page", busy, delta_page, NULL, .hot = true},
	{"a subscription message", synced, message, NULL, .sparse = true},
	{"the end of a base run", sweeping, swept, NULL, .hot = false},
	{"an answer to a mutation", busy, acked, NULL, .hot = false},
	{"a rebase", busy, rebased, NULL, .sparse = true},
	{"a decided conflict", in_conflict, resolved, NULL, .hot = false},
	{"a conflict decided for theirs", in_conflict, theirs, NULL, .sparse = true},
	{"into sending", busy, sending, NULL, .sparse = true},
	{"back to wait", busy, retry_later, NULL, .sparse = true},
	{"a refusal", busy, refuse, NULL, .sparse = true},
	{"retry of a refused change", refused, retry, NULL, .sparse = true},
	{"edit of a refused change", refused, edited, NULL, .sparse = true},
	{"park", busy, park, NULL, .sparse = true},
	{"unpark", parked, unpark, NULL, .sparse = true},
	{"discard", busy, discard, NULL, .sparse = true},
	{"import of an outbox line", synced, imported, NULL, .sparse = true},
	{"a setting", synced, setting, NULL, .sparse = true},
	{"binding the backend", synced, bind_backend, NULL, .sparse = true},
	{"quarantine", busy, quarantine, NULL, .sparse = true},
	{"a checkpoint", much_history, checkpoint, NULL, .hot = true, .same = true, .sparse = true},
	{"making the store", NULL, NULL, NULL, .fresh = true, .sparse = true},
	{"opening it again", busy, NULL, NULL, .sparse = true},
	{"opening it after a crash", busy, NULL, NULL, .hot = true, .sparse = true},
	{"a schema with more fields", unsent, NULL, ADDED, .hot = false},
	{"a schema that rebuilds a model", unsent, NULL, REBUILT, .hot = true, .copies = true},
};
#define CASES (sizeof CASE / sizeof *CASE)

static int setup(void **st)
{
	struct fix *f = fix_new();

	fix_close(f);
	fix_ok(f, sd_wipe(f->dir, NULL, &f->e));
	fix_ok(f, fix_reopen(f, SMALL));
	*st = f;
	return 0;
}

static int teardown(void **st)
{
	fix_free(*st);
	return 0;
}

/* R-003, S6.4: what fails leaves everything as it was, says what failed, and works afterwards */
static void a_fault_at_any_step_leaves_all_or_nothing_and_work_goes_on(void **st)
{
	int struck = 0;

	for (size_t i = 0; i < CASES; i++) {
		int n = steps_faults(*st, &CASE[i]);
		if (!n)
			print_error("%s: no fault struck\n", CASE[i].name);
		assert_true(n > 0);
		struck += n;
	}
	print_message("%d faults in %zu changes\n", struck, CASES);
}

/* a crash that forgets what was not synced, at any step */
static void a_crash_at_any_step_keeps_what_was_acknowledged(void **st)
{
	for (size_t i = 0; i < CASES; i++)
		assert_int_equal(steps_crashes(*st, &CASE[i], false), 0);
}

/* the same test, without syncs: it must see the loss */
static void without_syncs_the_same_crashes_lose_data(void **st)
{
	for (size_t i = 0; i < CASES; i += getenv("TORTURE") ? 1 : 7) {
		int lost;
		if (!CASE[i].act || CASE[i].same)
			continue;
		lost = steps_crashes(*st, &CASE[i], true);
		if (!lost)
			print_error("%s: nothing was lost\n", CASE[i].name);
		assert_true(lost > 0);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_fault_at_any_step_leaves_all_or_nothing_and_work_goes_on),
		T(a_crash_at_any_step_keeps_what_was_acknowledged),
		T(without_syncs_the_same_crashes_lose_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
