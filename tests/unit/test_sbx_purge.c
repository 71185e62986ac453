/*
 * tests/unit/test_sbx_purge.c - counts, purge, reset and dump of very many records, in pieces
 * (contract.md 10: state, purge, reset, dump).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/fs.h"
#include "core/sandbox/core/internal.h"
#include "tests/support/sbx_shop.h"
#include "tests/support/support.h"

#define eq(a, b) assert_string_equal((a), (b))

static void ask(struct fx *f, const char *q)
{
	eq(fx_get(f, q, NULL, "errors"), "");
}

static void rows_are_counted_through_whatever_happens_to_them(void **st)
{
	struct fx *f = shop_open_db(NULL);
	struct cJSON *items = NULL;
	static const char put[] = "[{\"id\":\"a\",\"name\":\"n\"},{\"id\":\"p\",\"_deleted\":true},"
				  "{\"id\":\"q\",\"_deleted\":true}]";

	(void)st;
	ask(f, "mutation { a: createBox(input: {id: \"a\"}) { id } b: createBox(input: {id: "
	       "\"b\"}) { id } }");
	shop_counted(f, "Box", "{\"live\":2,\"deleted\":0}");
	ask(f, "mutation { deleteBox(input: {id: \"a\", _version: 1}) { id } }");
	shop_counted(f, "Box", "{\"live\":1,\"deleted\":1}");
	ask(f, "mutation { updateBox(input: {id: \"b\", _version: 1, name: \"x\"}) { id } }");
	shop_counted(f, "Box", "{\"live\":1,\"deleted\":1}");
	assert_int_equal(sd_json_parse(put, strlen(put), "put", &items, NULL), SD_OK);
	assert_int_equal(sd_sbx_put(f->s, "Box", items, f->now, NULL), SD_OK);
	sd_json_free(items);
	shop_counted(f, "Box", "{\"live\":2,\"deleted\":2}"); /* a is back */
	f->now += SHOP_MONTH + 1000;                          /* not shown from now on */
	shop_counted(f, "Box", "{\"live\":2,\"deleted\":0}");
	ask(f, "{ listBoxes { items { id } } }"); /* gone for good now */
	shop_counted(f, "Box", "{\"live\":2,\"deleted\":0}");
	assert_int_equal(sd_sbx_purge(f->s, NULL), SD_OK);
	shop_counted(f, "Box", "{\"live\":2,\"deleted\":0}");
	fx_close(f);
}

static void tombstones(struct fx *f, int n)
{
	char sql[400];

	snprintf(sql, sizeof sql,
		"WITH RECURSIVE x(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM x WHERE i<%d) INSERT "
		"INTO base_Box(pk,item,_version,_lastChangedAt,_deleted,_ttl) SELECT '[\"t'||i||"
		"'\"]','{\"id\":\"t'||i||'\",\"_version\":1,\"_lastChangedAt\":1,\"_deleted\":"
		"true}',1,1,1,%lld FROM x",
		n, (long long)(f->now + SHOP_MONTH) / 1000);
	assert_int_equal(sbx_exec(f->s, sql, NULL), SD_OK);
}

static void a_purge_takes_tombstones_of_every_model_and_nothing_else(void **st)
{
	struct fx *f = shop_open_db(NULL);
	struct sd_sbx_work *job;

	(void)st;
	shop_seed(f, "Box", 50, 1);
	tombstones(f, 1234);
	ask(f, "mutation { createKind(input: {size: S, place: L}) { size } deleteKind(input: "
	       "{size: S, place: L, _version: 1}) { size } }");
	shop_counted(f, "Box", "{\"live\":50,\"deleted\":1234}");
	assert_int_equal(sd_sbx_purge_work(f->s, &job, NULL), SD_OK);
	shop_in_pieces(f, job, 100);
	shop_counted(f, "Box", "{\"live\":50,\"deleted\":0}");
	shop_counted(f, "Kind", "{\"live\":0,\"deleted\":0}");
	tombstones(f, 20000);
	assert_int_equal(sd_sbx_purge(f->s, NULL), SD_OK);
	shop_counted(f, "Box", "{\"live\":50,\"deleted\":0}");
	fx_close(f);
}

/* No request waits for all of them; together the requests get through. */
static void very_many_expired_rows_go_a_few_at_a_time(void **st)
{
	struct fx *f = shop_open_db(NULL);
	int64_t before = 3000;
	int requests = 0;

	(void)st;
	tombstones(f, 3000);
	f->now += SHOP_MONTH + 1000;
	while (before) {
		ask(f, "{ listBoxes { items { id } } }");
		assert_true(before - shop_stored(f, "base_Box") <= 1000);
		before = shop_stored(f, "base_Box");
		f->now += 60;
		assert_true(++requests < 100);
	}
	assert_true(requests >= 3);
	shop_counted(f, "Box", "{\"live\":0,\"deleted\":0}");
	fx_close(f);
}

static void a_reset_empties_a_large_file_and_all_goes_on(void **st)
{
	char *dir = sd_test_dir(), *db = sd_path_join(dir, "a.db");
	struct fx *f = shop_open_db(db);

	(void)st;
	shop_seed(f, "Item", 20000, 3);
	ask(f, "{ syncItems(limit: 1) { items { id } startedAt } }");
	ask(f, "mutation { createBox(input: {id: \"a\"}) { id } }");
	assert_int_equal(sd_sbx_begin(f->s, NULL), SD_OK);
	assert_int_equal(sd_sbx_reset(f->s, NULL), SD_INVAL);
	assert_int_equal(sd_sbx_commit(f->s, NULL), SD_OK);
	assert_int_equal(sd_sbx_reset(f->s, NULL), SD_OK);
	shop_counted(f, "Item", "{\"live\":0,\"deleted\":0}");
	shop_counted(f, "Box", "{\"live\":0,\"deleted\":0}");
	assert_int_equal(shop_stored(f, "delta"), 0);
	eq(fx_get(f, "{ listItems { items { id } nextToken } }", NULL, "data.listItems.items"),
		"[]");
	ask(f, "mutation { createBox(input: {id: \"a\"}) { id } }");
	fx_close(f);
	f = shop_open_db(db);
	shop_counted(f, "Item", "{\"live\":0,\"deleted\":0}");
	shop_counted(f, "Box", "{\"live\":1,\"deleted\":0}");
	eq(fx_get(f, "{ getBox(id: \"a\") { id } }", NULL, "data.getBox.id"), "a");
	fx_close(f);
	free(db);
	sd_test_dir_remove(dir);
}

static void a_dump_in_pieces_is_the_dump(void **st)
{
	struct fx *f = shop_open_db(NULL);
	struct sd_buf b = SD_BUF_INIT;
	int64_t at = 0;
	int pieces = 0;
	char *whole;

	(void)st;
	shop_seed(f, "Box", 2000, 3);
	ask(f, "mutation { createBox(input: {id: \"a\"}) { id } deleteBox(input: {id: \"a\", "
	       "_version: 1}) { id } }");
	whole = shop_dump(f, "Box");
	for (; at >= 0; pieces++)
		assert_int_equal(
			sd_sbx_dump_piece(f->s, "Box", f->now, 4000, &at, &b, NULL), SD_OK);
	eq(sd_buf_text(&b), whole);
	assert_true(pieces > 20);
	sd_buf_reset(&b);
	at = 0;
	assert_int_equal(sd_sbx_dump_piece(f->s, "Kind", f->now, 4000, &at, &b, NULL), SD_OK);
	eq(sd_buf_text(&b), "[]");
	assert_int_equal(at, -1);
	sd_buf_release(&b);
	free(whole);
	fx_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_counted_through_whatever_happens_to_them),
		cmocka_unit_test(a_purge_takes_tombstones_of_every_model_and_nothing_else),
		cmocka_unit_test(very_many_expired_rows_go_a_few_at_a_time),
		cmocka_unit_test(a_reset_empties_a_large_file_and_all_goes_on),
		cmocka_unit_test(a_dump_in_pieces_is_the_dump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}