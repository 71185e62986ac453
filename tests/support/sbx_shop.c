/* tests/support/sbx_shop.c - see sbx_shop.h. */
#include "tests/support/sbx_shop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/sandbox/core/internal.h"

/* Keys of every kind, one that repeats, columns of relations, embedded types. */
static const char shop[] =
	"enum Size { S M L }\n"
	"type Meta { a: String b: Int tags: [String!] }\n"
	"type Item @model @auth(rules: [{allow: public}]) { id: ID! title: String! size: Size "
	"meta: "
	"Meta count: Int extra: AWSJSON boxID: ID @index(name: \"byBox\", queryField: "
	"\"itemsByBox\", sortKeyFields: [\"count\"]) box: Box @belongsTo(fields: [\"boxID\"]) }\n"
	"type Box @model @auth(rules: [{allow: public}]) { id: ID! name: String items: [Item] "
	"@hasMany(indexName: \"byBox\", fields: [\"id\"]) }\n"
	"type Kind @model @auth(rules: [{allow: public}]) { size: Size! @primaryKey(sortKeyFields: "
	"[\"place\"]) place: Size! note: String }\n"
	"type Visit @model @auth(rules: [{allow: public}]) { who: String! "
	"@primaryKey(sortKeyFields: [\"createdAt\"]) createdAt: AWSDateTime! note: String }\n";

struct fx *shop_open_db(const char *db)
{
	return fx_open_db(shop, SD_STRATEGY_AUTOMERGE, db, SHOP_MONTH);
}

char *shop_dump(struct fx *f, const char *model)
{
	struct sd_buf b = SD_BUF_INIT;

	assert_int_equal(sd_sbx_dump(f->s, model, f->now, &b, NULL), SD_OK);
	return sd_buf_take(&b);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char *shop_rows(struct fx *f, const char *model)
{
	char *text = shop_dump(f, model), **row;
	struct cJSON *j = NULL;
	struct sd_buf b = SD_BUF_INIT;
	size_t n, i = 0;

	assert_int_equal(sd_json_parse(text, strlen(text), "dump", &j, NULL), SD_OK);
	n = sd_json_count(j);
	row = calloc(n + 1, sizeof *row);
	for (const struct cJSON *c = sd_json_child(j); c; c = sd_json_next(c))
		row[i++] = sd_json_text(c);
	qsort(row, n, sizeof *row, by_text);
	for (i = 0; i < n; i++) {
		sd_buf_str(&b, row[i]);
		free(row[i]);
	}
	free(row);
	free(text);
	sd_json_free(j);
	return sd_buf_take(&b);
}

void shop_seed(struct fx *f, const char *model, int64_t n, uint64_t number)
{
	struct sd_error e = {0};

	if (sd_sbx_seed(f->s, model, n, number, f->now, &e) != SD_OK)
		fail_msg("%s", e.text);
}

void shop_counted(struct fx *f, const char *model, const char *want)
{
	struct cJSON *j = NULL;

	assert_int_equal(sd_sbx_state(f->s, f->now, &j, NULL), SD_OK);
	assert_string_equal(fx_at(j, model), want);
	sd_json_free(j);
}

void shop_in_pieces(struct fx *f, struct sd_sbx_work *j, int64_t rows)
{
	bool done = false;

	while (!done)
		assert_int_equal(sd_sbx_work_step(j, rows, f->now, &done, NULL), SD_OK);
	sd_sbx_work_free(j);
}

int64_t shop_stored(struct fx *f, const char *table)
{
	char *sql = sqlite3_mprintf("SELECT count(*) FROM %s NOT INDEXED", table);
	sqlite3_stmt *st = NULL;
	int64_t n;

	assert_int_equal(sqlite3_prepare_v2(f->s->db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_free(sql);
	return n;
}
