/* tests/unit/test_store.c - opening, records, queries, transactions, settings. */
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
#include "core/store/internal.h"
#include "tests/support/store_fix.h"

static int setup(void **st)
{
	*st = fix_new();
	return 0;
}

static int teardown(void **st)
{
	fix_free(*st);
	return 0;
}

/* no backend needed; what was saved outlives the process; omitted is null */
static void a_saved_record_is_there_after_reopening_with_omitted_fields_null(void **st)
{
	struct fix *f = *st;

	fix_ok(f, fix_save(f, "Post",
			  "{'id':'a','title':'T','score':1.5,'tags':['x','y'],"
			  "'meta':{'a':'q','n':3},'data':{'k':[1,null]},'done':true}"));
	fix_close(f);
	f->no_backend = true;
	fix_open(f);
	fix_expect(f, "Post", "[\"a\"]",
		"{'id':'a','title':'T','rating':null,'score':1.5,'done':true,'status':null,"
		"'tags':['x','y'],'meta':{'a':'q','n':3},'data':{'k':[1,null]},'at':null,"
		"'createdAt':null,'updatedAt':null,'_version':null,'_lastChangedAt':null,"
		"'_deleted':false,'_state':'local'}");
	assert_int_equal(fix_total(f, "Post"), 1);
	fix_sound(f);
}

static void numbers_beyond_53_bits_stay_exact(void **st)
{
	struct fix *f = *st;

	fix_ok(f, fix_apply(f, "Post",
			  "[{'id':'n','title':'T','score':9007199254740993,"
			  "'data':{'big':12345678901234567890},'_version':1,"
			  "'_lastChangedAt':1663601602345}]",
			  true, NULL));
	fix_field(f, "Post", "[\"n\"]", "score", "9007199254740993");
	fix_field(f, "Post", "[\"n\"]", "data", "{'big':12345678901234567890}");
	fix_field(f, "Post", "[\"n\"]", "_lastChangedAt", "1663601602345");
}

struct take {
	char text[4096];
	struct cJSON *last;
	int n, stop_after;
};

static bool take_id(void *ctx, struct cJSON *rec, int64_t rid)
{
	struct take *t = ctx;

	(void)rid;
	snprintf(t->text + strlen(t->text), sizeof t->text - strlen(t->text), "%s",
		sd_json_get_str(rec, "id"));
	sd_json_free(t->last);
	t->last = sd_json_dup(rec);
	return ++t->n != t->stop_after;
}

static void seed(struct fix *f)
{
	static const char *const ROW[] = {
		"{'id':'a','title':'x','rating':2,'tags':['p','q']}",
		"{'id':'b','title':'y','rating':10,'status':'ACTIVE'}",
		"{'id':'c','title':'x','rating':9,'tags':['q']}",
		"{'id':'d','title':'z'}",
		"{'id':'e','title':'y','rating':9,'status':'INACTIVE'}",
		"{'id':'f','title':'[Amplify] x','rating':2}",
	};

	for (size_t i = 0; i < sizeof ROW / sizeof *ROW; i++)
		fix_ok(f, fix_save(f, "Post", ROW[i]));
}

static void ids(struct fix *f, struct sd_query *q, const char *where, const char *want)
{
	struct take t = {.stop_after = -1};
	struct sd_pred *p = NULL;
	int64_t n = -1;

	q->model = fix_model(f, "Post");
	if (where)
		fix_ok(f, sd_pred_parse(f->schema, q->model, where, &p, &f->e));
	q->where = p;
	fix_ok(f, sd_rec_query(f->st, q, take_id, &t, &f->e));
	assert_string_equal(t.text, want);
	if (!q->after && !q->limit && !q->offset) {
		fix_ok(f, sd_rec_count(f->st, q, &n, &f->e));
		assert_int_equal(n, (int)strlen(want));
	}
	sd_json_free(t.last);
	sd_pred_free(p);
}

/* */
static void queries_give_what_the_predicate_says(void **st)
{
	struct fix *f = *st;
	struct sd_query q = {.state = -1};
	static const struct {
		const char *where, *want;
	} CASE[] = {
		{NULL, "abcdef"},
		{"rating > 9", "b"},
		{"rating < 10", "acef"},
		{"rating between 2 and 9", "acef"},
		{"rating = null", "d"},
		{"rating != 9", "abdf"},
		{"tags contains \"q\"", "ac"},
		{"tags notContains \"p\"", "bcdef"},
		{"title beginsWith \"[Amplify]\"", "f"},
		{"rating > 4 and (status = ACTIVE or title = x)", "bc"},
		{"title = x or rating = 2", "acf"},
	};

	seed(f);
	for (size_t i = 0; i < sizeof CASE / sizeof *CASE; i++)
		ids(f, &q, CASE[i].where, CASE[i].want);
	q.state = SD_ST_PENDING;
	ids(f, &q, NULL, "abcdef");
	q.state = SD_ST_SYNCED;
	ids(f, &q, NULL, "");
}

/* nulls first ascending, ties by key, pages without overlap */
static void sorts_are_stable_with_nulls_first_ascending(void **st)
{
	struct fix *f = *st;
	const struct sd_model *m = fix_model(f, "Post");
	struct sd_sort s[2] = {{.field = sd_model_field(m, "rating")},
		{.field = sd_model_field(m, "title"), .descending = true}};
	struct sd_query q = {.state = -1, .sort = s, .sort_count = 1};

	seed(f);
	ids(f, &q, NULL, "dafceb");
	s[0].descending = true;
	ids(f, &q, NULL, "bceafd");
	s[0].descending = false;
	q.sort_count = 2;
	ids(f, &q, NULL, "dafecb");
	q.limit = 4;
	ids(f, &q, NULL, "dafe");
	q.offset = 4;
	ids(f, &q, NULL, "cb");
	q.offset = 8;
	ids(f, &q, NULL, "");
}

/* The keyset walks every sort forwards and backwards, one row at a time, as the whole query does. */
static void a_keyset_page_continues_any_sort_in_both_directions(void **st)
{
	struct fix *f = *st;
	const struct sd_model *m = fix_model(f, "Post");

	seed(f);
	for (int combo = 0; combo < 64; combo++) {
		struct sd_sort s[2] = {
			{.field = sd_model_field(m, combo & 16 ? "status" : "rating"),
				.descending = combo & 1},
			{.field = sd_model_field(m, "title"), .descending = combo & 2}};
		struct sd_query q = {.model = m,
			.state = -1,
			.sort = s,
			.sort_count = combo & 4 ? 2 : 1,
			.backwards = combo & 8};
		struct take whole = {.stop_after = -1}, steps = {.stop_after = -1};
		if (combo & 32)
			s[0] = (struct sd_sort){.meta = SD_META_STATE, .descending = combo & 1};
		fix_ok(f, sd_rec_query(f->st, &q, take_id, &whole, &f->e));
		q.limit = 1;
		for (int before = -1; steps.n != before;) {
			before = steps.n;
			fix_ok(f, sd_rec_query(f->st, &q, take_id, &steps, &f->e));
			q.after = steps.last;
		}
		assert_int_equal(whole.n, 6);
		assert_string_equal(steps.text, whole.text);
		sd_json_free(whole.last);
		sd_json_free(steps.last);
	}
}

static void without_a_sort_rows_come_in_the_order_they_were_made(void **st)
{
	struct fix *f = *st;
	struct sd_query q = {.state = -1, .by_rid = true};

	fix_ok(f, fix_save(f, "Post", "{'id':'z','title':'1'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'m','title':'2'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'3'}"));
	ids(f, &q, NULL, "zma");
	q.backwards = true;
	ids(f, &q, NULL, "amz");
	q.backwards = false;
	q.after_rid = 1;
	q.limit = 5;
	ids(f, &q, NULL, "ma");
	q.by_rid = false;
	q.after_rid = 0;
	ids(f, &q, NULL, "amz");
}

/* U-30: a page far down a sorted, indexed list is reached through the index, not by a scan */
static void a_keyset_page_uses_the_index_of_its_sort(void **st)
{
	struct fix *f = *st;
	const struct sd_model *m = fix_model(f, "Comment");
	struct sd_sort s = {.field = sd_model_field(m, "postID")};
	struct sd_query q = {.model = m, .state = -1, .sort = &s, .sort_count = 1, .limit = 10};
	struct sd_write_env env = {.now_ms = 1, .rand = &f->rand};
	struct take t = {.stop_after = -1};
	int64_t from, took, deep = INT64_MAX, first;
	char text[64];

	fix_begin(f);
	for (int i = 0; i < 20000; i++) {
		struct cJSON *c;
		snprintf(text, sizeof text, "{'id':'c%05d','text':'t'}", i);
		c = fix_json(text);
		snprintf(text, sizeof text, "p%05d", i / 2);
		sd_json_add_str(c, "postID", text);
		sd_json_add_int(c, "_version", 1);
		fix_ok(f, sd_apply(f->st, m, (const struct cJSON *const[]){c}, 1, SD_FROM_SYNC,
				  true, env.now_ms, &(struct sd_apply_counts){0}, &f->e));
		sd_json_free(c);
	}
	fix_ok(f, sd_load_end(f->st, m, &f->e));
	fix_commit(f);
	fix_ok(f, sd_store_indexes(f->st, &f->e));
	q.after = fix_json("{'id':'c19000','postID':'p09500'}");
	for (int round = 0; round < 10; round++) { /* the quickest: no pause of the machine in it */
		from = sd_mono_us();
		t.text[0] = '\0';
		fix_ok(f, sd_rec_query(f->st, &q, take_id, &t, &f->e));
		took = sd_mono_us() - from;
		deep = took < deep ? took : deep;
	}
	assert_true(strncmp(t.text, "c19001c19002", 12) == 0);
	s.field = sd_model_field(m, "text"); /* has no index of its own: a scan and a sort */
	from = sd_mono_us();
	fix_ok(f,
		sd_rec_query(f->st,
			&(struct sd_query){
				.model = m, .state = -1, .sort = &s, .sort_count = 1, .limit = 10},
			take_id, &t, &f->e));
	first = sd_mono_us() - from;
	assert_true(deep * 3 < first);
	sd_json_free(t.last);
	{
		struct cJSON *a = NULL;
		memcpy(&a, &q.after, sizeof a);
		sd_json_free(a);
	}
}

/* U-36: keys of one and three parts */
static void composite_keys_name_exactly_one_record(void **st)
{
	struct fix *f = *st;

	fix_ok(f, fix_save(f, "Book", "{'isbn':'i','title':'A','year':1999,'pages':1}"));
	fix_ok(f, fix_save(f, "Book", "{'isbn':'i','title':'A','year':2000,'pages':2}"));
	fix_ok(f, fix_save(f, "Book", "{'isbn':'i','title':'A','year':2000,'pages':3}"));
	assert_int_equal(fix_total(f, "Book"), 2);
	fix_field(f, "Book", "[\"i\",\"A\",2000]", "pages", "3");
	fix_field(f, "Book", "[\"i\",\"A\",2001]", "pages", "");
	assert_int_equal(fix_save(f, "Book", "{'isbn':'i','title':'A'}"), SD_INVAL);
	assert_non_null(strstr(f->e.text, "Book.year"));
}

static bool count_row(void *ctx, struct cJSON *rec, int64_t rid)
{
	int *n = ctx;

	(void)rec;
	(void)rid;
	++*n;
	return true;
}

static int related(
	struct fix *f, const char *model, const char *key, const char *field, bool through)
{
	const struct sd_model *m = fix_model(f, model);
	struct cJSON *rec = NULL;
	int n = 0;

	fix_ok(f, sd_rec_get(f->st, m, key, false, &rec, &f->e));
	fix_ok(f, sd_rec_related(
			  f->st, m, rec, sd_model_field(m, field), through, count_row, &n, &f->e));
	sd_json_free(rec);
	return n;
}

/* relations are followed both ways and through a many-to-many */
static void relations_are_followed_from_both_ends(void **st)
{
	struct fix *f = *st;

	fix_ok(f, fix_save(f, "Post", "{'id':'p','title':'T'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'o','title':'T'}"));
	fix_ok(f, fix_save(f, "Comment", "{'id':'1','postID':'p'}"));
	fix_ok(f, fix_save(f, "Comment", "{'id':'2','post':'p'}"));
	fix_ok(f, fix_save(f, "Comment", "{'id':'3'}"));
	fix_ok(f, fix_save(f, "Label", "{'id':'l','name':'n'}"));
	fix_ok(f, fix_save(f, "PostLabel", "{'id':'j','postId':'p','labelId':'l'}"));
	assert_int_equal(related(f, "Post", "[\"p\"]", "comments", false), 2);
	assert_int_equal(related(f, "Post", "[\"o\"]", "comments", false), 0);
	assert_int_equal(related(f, "Comment", "[\"2\"]", "post", false), 1);
	assert_int_equal(related(f, "Comment", "[\"3\"]", "post", false), 0);
	assert_int_equal(related(f, "Post", "[\"p\"]", "labels", true), 1);
	assert_int_equal(related(f, "Label", "[\"l\"]", "posts", true), 1);
}

/* what fails in the middle leaves nothing behind */
static void a_rolled_back_change_leaves_no_trace_and_the_counter_true(void **st)
{
	struct fix *f = *st;
	struct sd_write_env env = {.now_ms = 5, .rand = &f->rand};
	struct cJSON *j = fix_json("{'title':'T'}");

	fix_begin(f);
	fix_ok(f, sd_write_save(f->st, fix_model(f, "Post"), SD_SAVE_UPSERT, j, NULL, &env, NULL,
			  NULL, &f->e));
	assert_int_equal(fix_total(f, "Post"), 1);
	sd_store_rollback(f->st);
	assert_int_equal(fix_total(f, "Post"), 0);
	fix_queue(f, "");
	fix_sound(f);
	sd_json_free(j);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_saved_record_is_there_after_reopening_with_omitted_fields_null),
		T(numbers_beyond_53_bits_stay_exact),
		T(queries_give_what_the_predicate_says),
		T(sorts_are_stable_with_nulls_first_ascending),
		T(a_keyset_page_continues_any_sort_in_both_directions),
		T(without_a_sort_rows_come_in_the_order_they_were_made),
		T(a_keyset_page_uses_the_index_of_its_sort),
		T(composite_keys_name_exactly_one_record),
		T(relations_are_followed_from_both_ends),
		T(a_rolled_back_change_leaves_no_trace_and_the_counter_true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
