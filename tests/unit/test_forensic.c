/* tests/unit/test_forensic.c - U-12: queues of Android and iOS apps, read from copied files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "core/api/api.h"
#include "core/base/fs.h"
#include "tests/support/support.h"

/* As the libraries make them (amplify-android PendingMutation.PersistentRecord and ModelMetadata,
 * amplify-swift MutationEvent). */
static const char ANDROID[] =
	"CREATE TABLE PersistentRecord(id TEXT PRIMARY KEY NOT NULL,containedModelId TEXT NOT NULL,"
	"serializedMutationData TEXT NOT NULL,containedModelClassName TEXT NOT NULL);"
	"CREATE TABLE ModelMetadata(id TEXT PRIMARY KEY,_deleted INTEGER,_version INTEGER,"
	"_lastChangedAt INTEGER);"
	"CREATE TABLE Post(id TEXT PRIMARY KEY NOT NULL,title TEXT,rating REAL,raw BLOB);"
	"INSERT INTO Post VALUES('p1','here',4.5,x'00ff');"
	"INSERT INTO ModelMetadata VALUES('Post|p1',0,7,1);"
	/* the second one was made earlier: its UUID tells the time */
	"INSERT INTO PersistentRecord VALUES('3b7c8e80-7d5f-11ed-8000-000000000001','p1',"
	"'{\"mutatedItem\":{\"id\":\"p1\",\"title\":\"later\"},\"modelSchema\":{\"name\":\"Post\"},"
	"\"mutationType\":\"UPDATE\",\"predicate\":{\"_type\":\"QueryPredicateOperation\","
	"\"field\":\"rating\"}}','com.app.Post');"
	"INSERT INTO PersistentRecord VALUES('2b7c8e80-7d5f-11ed-8000-000000000001','p2',"
	"'{\"mutatedItem\":{\"serializedData\":{\"id\":\"p2\",\"title\":\"first\"}},"
	"\"mutationType\":\"CREATE\",\"predicate\":{\"_type\":\"MatchAllQueryPredicate\"}}',"
	"'com.app.Post');"
	"INSERT INTO PersistentRecord VALUES('4b7c8e80-7d5f-11ed-8000-000000000001','p3',"
	"'{broken','com.app.Comment');";
static const char IOS[] =
	"CREATE TABLE MutationEvent(id TEXT PRIMARY KEY NOT NULL,modelId TEXT NOT NULL,modelName "
	"TEXT "
	"NOT NULL,json TEXT NOT NULL,mutationType TEXT NOT NULL,createdAt TEXT NOT NULL,version "
	"INTEGER,inProcess INTEGER NOT NULL,graphQLFilterJSON TEXT);"
	"INSERT INTO MutationEvent "
	"VALUES('m2','p1','Post','{\"id\":\"p1\",\"title\":\"x\"}','update',"
	"'2024-05-02T10:00:00.000Z',3,0,'{\"rating\":{\"gt\":4}}');"
	"INSERT INTO MutationEvent VALUES('m1','p0','Post','{\"id\":\"p0\"}','delete',"
	"'2024-05-01T10:00:00.000Z',NULL,1,NULL);";

struct place {
	char *dir; /* owned */
};

static int setup(void **st)
{
	struct place *p = calloc(1, sizeof *p);

	p->dir = sd_test_dir();
	*st = p;
	return 0;
}

static int teardown(void **st)
{
	struct place *p = *st;

	sd_test_dir_remove(p->dir);
	free(p);
	return 0;
}

/* path of a database made of sql; open: the connection stays, with a write-ahead log. */
static char *make(struct place *p, const char *sql, sqlite3 **open)
{
	char *path = sd_path_join(p->dir, "app.db");
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (open)
		sqlite3_exec(db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	if (open)
		*open = db;
	else
		sqlite3_close(db);
	return path;
}

static bool gather(void *ctx, struct cJSON *line)
{
	return sd_json_push(ctx, sd_json_dup(line));
}

static struct cJSON *look(const char *file, const char *table)
{
	struct cJSON *list = sd_json_array();
	struct sd_error e = {.code = SD_OK};

	if (sd_api_forensic(file, table, gather, list, &e) != SD_OK)
		fail_msg("%s", e.text);
	return list;
}

static void is(const struct cJSON *line, const char *name, const char *text)
{
	char *got = sd_json_text(sd_json_get(line, name));

	assert_string_equal(got, text);
	free(got);
}

static void androids_queue_is_decoded_in_the_order_of_time(void **st) /* U-12 */
{
	char *file = make(*st, ANDROID, NULL);
	struct cJSON *list = look(file, NULL);
	const struct cJSON *l = sd_json_child(list);

	assert_int_equal(sd_json_count(list), 3);
	is(l, "op", "\"CREATE\"");
	is(l, "model", "\"Post\"");
	is(l, "key", "[\"p2\"]");
	is(l, "fields", "{\"id\":\"p2\",\"title\":\"first\"}");
	is(l, "condition", "null");
	is(l, "version", "null");
	l = sd_json_next(l);
	is(l, "op", "\"UPDATE\"");
	is(l, "fields", "{\"id\":\"p1\",\"title\":\"later\"}");
	is(l, "version", "7");
	is(l, "lane", "\"waiting\"");
	is(l, "from", "\"android\"");
	assert_non_null(sd_json_get_str(sd_json_get(l, "condition"), "field"));
	/* its UUID counts 100 ns from 1582-10-15 */
	is(l, "enqueued", "1671208349173");
	l = sd_json_next(l); /* damaged: told as it is, the rest is not lost for it */
	is(l, "model", "\"Comment\"");
	is(l, "fields", "null");
	is(l, "raw", "\"{broken\"");
	sd_json_free(list);
	free(file);
}

static void ios_queue_is_decoded_too(void **st) /* U-12 */
{
	char *file = make(*st, IOS, NULL);
	struct cJSON *list = look(file, NULL);
	const struct cJSON *l = sd_json_child(list);

	assert_int_equal(sd_json_count(list), 2);
	is(l, "op", "\"DELETE\"");
	is(l, "lane", "\"sending\"");
	is(l, "version", "null");
	is(l, "enqueued", "1714557600000");
	l = sd_json_next(l);
	is(l, "op", "\"UPDATE\"");
	is(l, "key", "[\"p1\"]");
	is(l, "version", "3");
	is(l, "condition", "{\"rating\":{\"gt\":4}}");
	is(l, "from", "\"ios\"");
	sd_json_free(list);
	free(file);
}

static void tables_and_rows_are_shown_as_they_are(void **st) /* U-12 */
{
	char *file = make(*st, ANDROID, NULL);
	struct cJSON *list = look(file, "tables");
	const struct cJSON *l = sd_json_child(list);

	assert_int_equal(sd_json_count(list), 3);
	is(l, "table", "\"ModelMetadata\"");
	is(l, "kind", "\"metadata\"");
	is(sd_json_next(l), "kind", "\"queue\"");
	is(sd_json_next(l), "rows", "3");
	sd_json_free(list);
	list = look(file, "Post");
	is(sd_json_child(list), "title", "\"here\"");
	is(sd_json_child(list), "rating", "4.5");
	is(sd_json_child(list), "raw", "\"00ff\"");
	sd_json_free(list);
	free(file);
}

/* evidence: not a byte of it changes, and nothing appears beside it */
static void the_file_and_its_log_stay_as_they_are(void **st)
{
	sqlite3 *db = NULL;
	char *file = make(*st, IOS, &db), wal[600];
	struct sd_buf before = SD_BUF_INIT, after = SD_BUF_INIT;
	struct cJSON *list;
	struct stat s;

	snprintf(wal, sizeof wal, "%s-wal", file);
	assert_int_equal(sd_read_file(wal, 1 << 24, &before, NULL), SD_OK);
	assert_true(before.len > 0);
	assert_int_equal(sd_read_file(file, 1 << 24, &before, NULL), SD_OK);
	list = look(file, NULL); /* what stands in the log only is there */
	assert_int_equal(sd_json_count(list), 2);
	sd_json_free(list);
	assert_int_equal(sd_read_file(wal, 1 << 24, &after, NULL), SD_OK);
	assert_int_equal(sd_read_file(file, 1 << 24, &after, NULL), SD_OK);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, before.len);
	sqlite3_close(db); /* folds the log in */
	list = look(file, NULL);
	assert_int_equal(sd_json_count(list), 2);
	sd_json_free(list);
	assert_int_equal(stat(wal, &s), -1);
	sd_buf_release(&before);
	sd_buf_release(&after);
	free(file);
}

static void refused(const char *file, const char *table, enum sd_err want, const char *word)
{
	struct cJSON *list = sd_json_array();
	struct sd_error e = {.code = SD_OK};

	assert_int_equal(sd_api_forensic(file, table, gather, list, &e), want);
	if (!strstr(e.text, word))
		fail_msg("\"%s\" does not say %s", e.text, word);
	sd_json_free(list);
}

static void other_files_are_refused_with_the_next_step(void **st)
{
	struct place *p = *st;
	char *file = make(p, "CREATE TABLE Post(id TEXT)", NULL);
	char *text = sd_path_join(p->dir, "text"), *gone = sd_path_join(p->dir, "gone");
	static const char WORDS[] =
		"this is no database, though it is long enough for a header "
		"of one: a hundred bytes, which are here now, and more than that";

	refused(file, NULL, SD_INVAL, "tables");
	refused(file, "Nope", SD_INVAL, "no table Nope");
	refused(file, "Post\" WHERE 1; --", SD_INVAL, "no table");
	assert_int_equal(sd_write_file(text, WORDS, sizeof WORDS, NULL), SD_OK);
	refused(text, NULL, SD_INVAL, "database file");
	refused(gone, NULL, SD_NOTFOUND, "check the name");
	refused(p->dir, NULL, SD_INVAL, "name a file");
	free(file);
	free(text);
	free(gone);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(androids_queue_is_decoded_in_the_order_of_time),
		T(ios_queue_is_decoded_too),
		T(tables_and_rows_are_shown_as_they_are),
		T(the_file_and_its_log_stay_as_they_are),
		T(other_files_are_refused_with_the_next_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
