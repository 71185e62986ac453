/* tests/unit/test_store_schema.c - R-034, U-16: a schema change loses nothing. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fs.h"
#include "tests/support/store_fix.h"

#define V1                                                                                         \
	"enum S { A B } type Meta { a: String }\n"                                                 \
	"type T @model { id: ID! name: String n: Int s: S meta: Meta }\n"                          \
	"type Other @model { id: ID! x: String }\n"

static int setup(void **st)
{
	struct fix *f = fix_new();

	fix_close(f);
	fix_ok(f, sd_wipe(f->dir, NULL, &f->e));
	fix_ok(f, fix_reopen(f, V1));
	*st = f;
	return 0;
}

static int teardown(void **st)
{
	struct fix *f = *st;

	fix_sound(f);
	fix_free(f);
	return 0;
}

/* One synced row, one edited row, one new row, in T; one synced row in Other. */
static void fill(struct fix *f)
{
	struct sd_sync_state s = {.kind = SD_SYNC_FULL, .last_sync_ms = 5, .last_full_ms = 5};

	fix_ok(f, fix_apply(f, "T",
			  "[{'id':'a','name':'A','n':1,'s':'A','_version':3},"
			  "{'id':'b','name':'B','n':2,'_version':4}]",
			  true, NULL));
	fix_ok(f, fix_apply(f, "Other", "[{'id':'o','x':'O','_version':1}]", true, NULL));
	fix_ok(f, fix_save(f, "T", "{'id':'b','name':'mine'}"));
	fix_ok(f, fix_save(f, "T", "{'id':'c','name':'new'}"));
	fix_begin(f);
	fix_ok(f, sd_sync_put(f->st, fix_model(f, "T"), &s, &f->e));
	fix_ok(f, sd_sync_put(f->st, fix_model(f, "Other"), &s, &f->e));
	fix_commit(f);
}

static int64_t last_sync(struct fix *f, const char *model)
{
	struct sd_sync_state s;
	int64_t v;

	fix_ok(f, sd_sync_get(f->st, fix_model(f, model), &s, &f->e));
	v = s.last_sync_ms;
	sd_sync_state_release(&s);
	return v;
}

static int copies(struct fix *f)
{
	DIR *d = opendir(f->dir);
	const struct dirent *e;
	struct stat s;
	int n = 0;

	while ((e = readdir(d)))
		if (strncmp(e->d_name, "store.db.before-", 16) == 0) {
			n++;
			assert_int_equal(fstatat(dirfd(d), e->d_name, &s, 0), 0);
			assert_int_equal(s.st_mode & 0777, 0600);
			assert_int_equal(strlen(e->d_name), 16 + 8);
		}
	closedir(d);
	return n;
}

static void added_fields_models_and_values_are_taken_in_place(void **st)
{
	struct fix *f = *st;

	fill(f);
	fix_ok(f, fix_reopen(f, "enum S { A B C } type Meta { a: String }\n"
				"type T @model { id: ID! name: String n: Int s: S meta: Meta"
				" extra: [String] }\n"
				"type Other @model { id: ID! x: String }\n"
				"type Third @model { id: ID! y: Int }\n"));
	assert_int_equal(copies(f), 0);
	assert_int_equal(fix_total(f, "T"), 3);
	fix_field(f, "T", "[\"a\"]", "name", "\"A\"");
	fix_field(f, "T", "[\"a\"]", "extra", "null");
	fix_queue(f, "1 UPDATE T ['b'] {'name':'mine'} waiting v4; "
		     "2 CREATE T ['c'] {'id':'c','name':'new'} waiting v-1");
	fix_ok(f, fix_save(f, "T", "{'id':'d','s':'C','extra':['x']}"));
	fix_ok(f, fix_save(f, "Third", "{'id':'d','y':1}"));
	/* the new column is filled by a base sync, though the versions are known already */
	assert_int_equal(last_sync(f, "T"), 0);
	assert_int_equal(last_sync(f, "Other"), 5);
	fix_ok(f, fix_apply(f, "T",
			  "[{'id':'a','name':'A','n':1,'s':'A','extra':['q'],"
			  "'_version':3}]",
			  true, NULL));
	fix_field(f, "T", "[\"a\"]", "extra", "['q']");
}

static void the_same_schema_changes_nothing_and_reopening_is_quiet(void **st)
{
	struct fix *f = *st;
	int64_t before, after;

	fill(f);
	fix_ok(f, sd_journal_last(f->st, &before, &f->e));
	fix_ok(f, fix_reopen(f, V1));
	fix_ok(f, sd_journal_last(f->st, &after, &f->e));
	assert_int_equal(before, after);
	assert_int_equal(last_sync(f, "T"), 5);
}

/* a required field is not additive: rebuilt, with a copy; what fits stays, the rest is refused */
static void a_required_field_rebuilds_the_model_and_keeps_unsent_changes(void **st)
{
	struct fix *f = *st;
	struct sd_mutation m;

	fill(f);
	fix_ok(f, fix_reopen(f, "enum S { A B } type Meta { a: String }\n"
				"type T @model { id: ID! name: String n: Int s: S meta: Meta"
				" must: Int! }\n"
				"type Other @model { id: ID! x: String }\n"));
	assert_int_equal(copies(f), 1);
	assert_int_equal(fix_total(f, "Other"), 1);
	assert_int_equal(last_sync(f, "T"), 0);
	fix_expect(f, "T", "[\"a\"]", ""); /* comes back with the base sync */
	fix_field(f, "T", "[\"b\"]", "name", "\"mine\"");
	fix_field(f, "T", "[\"b\"]", "_state", "\"pending\"");
	fix_field(f, "T", "[\"c\"]", "_state", "\"refused\"");
	fix_queue(f, "1 UPDATE T ['b'] {'name':'mine'} waiting v4; "
		     "2 CREATE T ['c'] {'id':'c','name':'new'} refused v-1");
	fix_ok(f, sd_outbox_get(f->st, 2, &m, &f->e));
	assert_string_equal(m.error_type, "SchemaChanged");
	assert_non_null(strstr(m.error_message, "\"must\" is required"));
	assert_non_null(strstr(m.error_message, "T.must"));
	sd_mutation_release(&m);
	fix_begin(f);
	assert_int_equal(sd_outbox_retry(f->st, 2, 9, &f->e), SD_INVAL); /* still does not fit */
	sd_store_rollback(f->st);
	fix_ok(f, fix_apply(f, "T", "[{'id':'a','name':'A','must':1,'_version':3}]", true, NULL));
	fix_field(f, "T", "[\"a\"]", "must", "1");
}

static void a_field_of_another_type_refuses_the_changes_that_name_it(void **st)
{
	struct fix *f = *st;

	fill(f);
	fix_ok(f, fix_save(f, "T", "{'id':'a','n':9}"));
	fix_ok(f,
		fix_reopen(f, "enum S { A B } type Meta { a: String }\n"
			      "type T @model { id: ID! name: String n: AWSDate s: S meta: Meta }\n"
			      "type Other @model { id: ID! x: String }\n"));
	fix_queue(f, "1 UPDATE T ['b'] {'name':'mine'} waiting v4; "
		     "2 CREATE T ['c'] {'id':'c','name':'new'} waiting v-1; "
		     "3 UPDATE T ['a'] {'n':9} refused v3");
	fix_field(f, "T", "[\"a\"]", "name", "\"A\""); /* known from its copies */
	fix_field(f, "T", "[\"b\"]", "name", "\"mine\"");
	assert_int_equal(fix_send_one(f), 1);
	assert_int_equal(fix_send_one(f), 2);
}

static void another_key_refuses_what_cannot_be_named_any_more(void **st)
{
	struct fix *f = *st;

	fill(f);
	fix_ok(f, fix_reopen(f, "enum S { A B } type Meta { a: String }\n"
				"type T @model { id: ID! @primaryKey(sortKeyFields: [\"n\"])"
				" name: String n: Int! s: S meta: Meta }\n"
				"type Other @model { id: ID! x: String }\n"));
	fix_queue(f, "1 UPDATE T ['b'] {'name':'mine'} refused v4; "
		     "2 CREATE T ['c'] {'id':'c','name':'new'} refused v-1");
	fix_begin(f);
	fix_ok(f, sd_outbox_discard(f->st, 1, 9, &f->e));
	fix_ok(f, sd_outbox_discard(f->st, 2, 9, &f->e));
	fix_commit(f);
	fix_queue(f, "");
}

/* a model that goes takes nothing unsent along; when it returns, so does the work */
static void unsent_changes_of_a_model_that_is_gone_return_with_it(void **st)
{
	struct fix *f = *st;
	char *j;

	fill(f);
	fix_ok(f, fix_reopen(f, "type Other @model { id: ID! x: String }\n"));
	assert_int_equal(copies(f), 1);
	fix_queue(f, "");
	assert_int_equal(fix_total(f, "Other"), 1);
	j = fix_journal(f, 0);
	assert_non_null(strstr(j, "no model T any more"));
	free(j);
	fix_sound(f);
	fix_ok(f, fix_reopen(f, V1));
	assert_int_equal(copies(f), 1); /* only the newest copy is kept */
	fix_queue(f, "1 UPDATE T ['b'] {'name':'mine'} refused v4; "
		     "2 CREATE T ['c'] {'id':'c','name':'new'} refused v-1");
	fix_begin(f);
	fix_ok(f, sd_outbox_retry(f->st, 1, 9, &f->e));
	fix_commit(f);
	fix_field(f, "T", "[\"b\"]", "name", "\"mine\"");
}

static void the_copy_holds_the_rows_as_they_were_and_a_wipe_erases_it(void **st)
{
	struct fix *f = *st;
	struct sd_wiped w;
	struct sd_buf b = SD_BUF_INIT;
	struct sd_schema *old = fix_schema(V1);
	char *sub = sd_path_join(f->dir, "copy"), *to = sd_path_join(f->dir, "copy/store.db");
	struct sd_store_opts o = {.dir = sub, .schema = old, .rand = &f->rand};
	struct sd_store *s = NULL;
	struct cJSON *rec = NULL;
	DIR *d;
	const struct dirent *e;

	fill(f);
	fix_ok(f, fix_reopen(f, "type Other @model { id: ID! x: String }\n"));
	d = opendir(f->dir);
	while ((e = readdir(d)))
		if (strncmp(e->d_name, "store.db.before-", 16) == 0) {
			char *from = sd_path_join(f->dir, e->d_name);
			fix_ok(f, sd_read_file(from, 1 << 24, &b, &f->e));
			free(from);
		}
	closedir(d);
	fix_ok(f, sd_mkdir_p(sub, &f->e));
	fix_ok(f, sd_write_file(to, b.data, b.len, &f->e));
	fix_ok(f, sd_store_open(&o, &s, &f->e));
	fix_ok(f, sd_rec_get(s, sd_schema_model(old, "T"), "[\"a\"]", false, &rec, &f->e));
	assert_string_equal(sd_json_get_str(rec, "name"), "A");
	sd_json_free(rec);
	sd_store_close(s);
	fix_close(f);
	fix_ok(f, sd_wipe(f->dir, &w, &f->e));
	assert_int_equal(copies(f), 0);
	fix_open(f);
	sd_buf_release(&b);
	sd_schema_free(old);
	free(sub);
	free(to);
}

/* a process that still has the old schema in hand must not write by it */
static void a_process_with_the_old_schema_is_stopped_not_misled(void **st)
{
	struct fix *f = *st;
	struct sd_schema *new = fix_schema("type T @model { id: ID! name: String q: Int }");
	struct sd_store_opts o = {.dir = f->dir, .schema = new, .rand = &f->rand};
	struct sd_store *other = NULL;

	fill(f);
	fix_ok(f, sd_store_open(&o, &other, &f->e));
	assert_int_equal(sd_store_begin(f->st, &f->e), SD_FAILED);
	assert_non_null(strstr(f->e.text, "another schema"));
	assert_false(sd_store_in_txn(f->st));
	sd_store_close(other);
	fix_ok(f, fix_reopen(f, V1));
	sd_schema_free(new);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(added_fields_models_and_values_are_taken_in_place),
		T(the_same_schema_changes_nothing_and_reopening_is_quiet),
		T(a_required_field_rebuilds_the_model_and_keeps_unsent_changes),
		T(a_field_of_another_type_refuses_the_changes_that_name_it),
		T(another_key_refuses_what_cannot_be_named_any_more),
		T(unsent_changes_of_a_model_that_is_gone_return_with_it),
		T(a_process_with_the_old_schema_is_stopped_not_misled),
		T(the_copy_holds_the_rows_as_they_were_and_a_wipe_erases_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
