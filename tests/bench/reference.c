/* tests/bench/reference.c - see reference.h. */
#include "tests/bench/reference.h"

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"

#define QUEUE 3

static struct {
	pthread_mutex_t lock;
	pthread_cond_t more, less;
	cJSON *page[QUEUE];
	int n;
	bool end;
} q = {.lock = PTHREAD_MUTEX_INITIALIZER,
	.more = PTHREAD_COND_INITIALIZER,
	.less = PTHREAD_COND_INITIALIZER};

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	return sd_buf_add(ctx, p, size * n) ? size * n : 0;
}

static void put(cJSON *j)
{
	pthread_mutex_lock(&q.lock);
	while (q.n == QUEUE)
		pthread_cond_wait(&q.less, &q.lock);
	if (j)
		q.page[q.n++] = j;
	else
		q.end = true;
	pthread_cond_signal(&q.more);
	pthread_mutex_unlock(&q.lock);
}

static cJSON *get(void)
{
	cJSON *j = NULL;

	pthread_mutex_lock(&q.lock);
	while (q.n == 0 && !q.end)
		pthread_cond_wait(&q.more, &q.lock);
	if (q.n) {
		j = q.page[0];
		memmove(q.page, q.page + 1, (size_t)--q.n * sizeof *q.page);
		pthread_cond_signal(&q.less);
	}
	pthread_mutex_unlock(&q.lock);
	return j;
}

static void *fetch(void *arg)
{
	int port = *(int *)arg;
	CURL *c = curl_easy_init();
	struct curl_slist *h = curl_slist_append(NULL, "content-type: application/json");
	struct sd_buf b = SD_BUF_INIT;
	char url[64], body[256], token[32] = "null";
	bool more = true;

	snprintf(url, sizeof url, "http://127.0.0.1:%d/graphql", port);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, h);
	curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 524288L);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &b);
	while (more) {
		snprintf(body, sizeof body,
			"{\"query\":\"{syncRecords}\",\"variables\":{\"limit\":1000,\"nextToken\":%"
			"s}}",
			token);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
		sd_buf_reset(&b);
		if (curl_easy_perform(c) != CURLE_OK)
			exit(3);
		cJSON *j = cJSON_ParseWithLength(b.data, b.len);
		cJSON *s = cJSON_GetObjectItemCaseSensitive(
			cJSON_GetObjectItemCaseSensitive(j, "data"), "syncRecords");
		cJSON *t = cJSON_GetObjectItemCaseSensitive(s, "nextToken");
		more = cJSON_IsString(t);
		if (more)
			snprintf(token, sizeof token, "\"%s\"", t->valuestring);
		put(j);
	}
	put(NULL);
	curl_slist_free_all(h);
	curl_easy_cleanup(c);
	sd_buf_release(&b);
	return NULL;
}

static const char *const COLUMN[] = {"id", "title", "body", "rating", "featured", "tags", "status",
	"createdAt", "updatedAt", "_version", "_lastChangedAt", "_deleted"};

static void bind_item(sqlite3_stmt *s, const cJSON *item)
{
	for (int i = 0; i < 12; i++) {
		const cJSON *v = cJSON_GetObjectItemCaseSensitive(item, COLUMN[i]);
		if (cJSON_IsString(v)) {
			sqlite3_bind_text(s, i + 1, v->valuestring, -1, SQLITE_STATIC);
		} else if (cJSON_IsNumber(v)) {
			sqlite3_bind_int64(s, i + 1, (sqlite3_int64)v->valuedouble);
		} else if (cJSON_IsBool(v)) {
			sqlite3_bind_int(s, i + 1, cJSON_IsTrue(v));
		} else if (cJSON_IsArray(v)) {
			char *t = cJSON_PrintUnformatted(v);
			sqlite3_bind_text(s, i + 1, t, -1, free);
		} else {
			sqlite3_bind_null(s, i + 1);
		}
	}
}

static void must(int ok, sqlite3 *db)
{
	if (ok)
		return;
	fprintf(stderr, "reference: %s\n", sqlite3_errmsg(db));
	exit(3);
}

int reference_run(int port, const char *file, int rows)
{
	sqlite3 *db;
	sqlite3_stmt *s;
	pthread_t t;
	cJSON *page;
	bool right;

	curl_global_init(CURL_GLOBAL_ALL);
	must(sqlite3_open(file, &db) == SQLITE_OK, db);
	must(sqlite3_exec(db,
		     "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-64000;"
		     "CREATE TABLE r(rid INTEGER PRIMARY KEY, id TEXT UNIQUE, title TEXT, body "
		     "TEXT,"
		     "rating INT, featured INT, tags TEXT, status TEXT, createdAt TEXT, updatedAt "
		     "TEXT,"
		     "_version INT, _lastChangedAt INT, _deleted INT);"
		     "CREATE INDEX r_status ON r(status);",
		     NULL, NULL, NULL) == SQLITE_OK,
		db);
	must(sqlite3_prepare_v2(db,
		     "INSERT INTO "
		     "r(id,title,body,rating,featured,tags,status,createdAt,updatedAt,_version,"
		     "_lastChangedAt,_deleted) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)"
		     " ON CONFLICT(id) DO UPDATE SET "
		     "title=?2,body=?3,rating=?4,featured=?5,tags=?6,"
		     "status=?7,createdAt=?8,updatedAt=?9,_version=?10,_lastChangedAt=?11,_deleted="
		     "?12",
		     -1, &s, NULL) == SQLITE_OK,
		db);
	pthread_create(&t, NULL, fetch, &port);
	while ((page = get())) {
		const cJSON *item, *items = cJSON_GetObjectItemCaseSensitive(
					   cJSON_GetObjectItemCaseSensitive(
						   cJSON_GetObjectItemCaseSensitive(page, "data"),
						   "syncRecords"),
					   "items");
		must(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK, db);
		cJSON_ArrayForEach(item, items)
		{
			bind_item(s, item);
			must(sqlite3_step(s) == SQLITE_DONE, db);
			sqlite3_reset(s);
		}
		must(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK, db);
		cJSON_Delete(page);
	}
	pthread_join(t, NULL);
	sqlite3_finalize(s);
	must(sqlite3_prepare_v2(db, "SELECT count(*), sum(_version), sum(length(id)) FROM r", -1,
		     &s, NULL) == SQLITE_OK,
		db);
	sqlite3_step(s);
	right = sqlite3_column_int(s, 0) == rows && sqlite3_column_int(s, 1) == rows &&
		sqlite3_column_int64(s, 2) == 36LL * rows;
	sqlite3_finalize(s);
	sqlite3_close(db);
	return right ? 0 : 4;
}
