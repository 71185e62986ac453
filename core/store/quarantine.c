/* core/store/quarantine.c - what arrived and could not be stored (U-10); see conflict.h. */
#include "core/store/internal.h"

#include <assert.h>
#include <string.h>

#include "core/json/json.h"

/* The record's state follows, when it is here at all. */
static enum sd_err follow(
	struct sd_store *st, const struct sd_model *m, const char *key, struct sd_error *e)
{
	return key ? sd_restate(st, sd_table_of(st, m), key, e) : SD_OK;
}

enum sd_err sd_quarantine_put(struct sd_store *st, const struct sd_model *m, const char *key,
	const char *path, const char *raw, const char *reason, int64_t now_ms, struct sd_error *e)
{
	enum sd_err rc = sd_db_run(
		st, Q_QUAR_PUT, e, "quarantine", "sssssi", m->name, key, path, raw, reason, now_ms);

	assert(sd_store_in_txn(st));
	return rc == SD_OK ? follow(st, m, key, e) : rc;
}

enum sd_err sd_quarantine_drop(
	struct sd_store *st, const struct sd_model *m, const char *key, struct sd_error *e)
{
	enum sd_err rc = sd_db_run(st, Q_QUAR_DEL, e, "quarantine", "ss", m->name, key);

	assert(sd_store_in_txn(st));
	return rc == SD_OK ? follow(st, m, key, e) : rc;
}

enum sd_err sd_quarantine_past(struct sd_store *st, const struct sd_model *m, const char *key,
	int64_t version, struct sd_error *e)
{
	enum sd_err rc = sd_db_run(st, Q_QUAR_PAST, e, "quarantine", "ssi", m->name, key, version);

	assert(sd_store_in_txn(st));
	return rc == SD_OK ? follow(st, m, key, e) : rc;
}

static bool add_text(struct cJSON *j, const char *name, sqlite3_stmt *s, int col)
{
	return sd_json_add_str(j, name, (const char *)sqlite3_column_text(s, col));
}

static struct cJSON *one(sqlite3_stmt *s)
{
	struct cJSON *j = sd_json_object(), *key = NULL;
	const char *k = (const char *)sqlite3_column_text(s, 2);

	if (!k || sd_json_parse(k, strlen(k), "key", &key, NULL) != SD_OK)
		key = sd_json_null();
	if (!sd_json_add_int(j, "id", sqlite3_column_int64(s, 0))) {
		sd_json_free(key);
		sd_json_free(j);
		return NULL;
	}
	if (add_text(j, "model", s, 1) && sd_json_add(j, "key", key) && add_text(j, "path", s, 3) &&
		add_text(j, "raw", s, 4) && add_text(j, "reason", s, 5) &&
		sd_json_add_int(j, "at", sqlite3_column_int64(s, 6)))
		return j;
	sd_json_free(j);
	return NULL;
}

enum sd_err sd_quarantine_list(
	struct sd_store *st, const struct sd_model *m, struct cJSON *array, struct sd_error *e)
{
	sqlite3_stmt *s = m ? sd_db_open(st, Q_QUAR_LIST, e, "s", m->name)
			    : sd_db_open(st, Q_QUAR_LIST_ALL, e, "");
	enum sd_err rc = s ? SD_OK : SD_DB;

	while (rc == SD_OK && (rc = sd_db_row(st, s, e, "quarantine")) == SD_OK)
		if (!sd_json_push(array, one(s)))
			rc = sd_db_nomem(e, "quarantine");
	sd_db_reset(s);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

enum sd_err sd_quarantine_count(
	struct sd_store *st, const struct sd_model *m, int64_t *out, struct sd_error *e)
{
	sqlite3_stmt *s = m ? sd_db_open(st, Q_QUAR_COUNT, e, "s", m->name)
			    : sd_db_open(st, Q_QUAR_COUNT_ALL, e, "");
	enum sd_err rc = s ? sd_db_row(st, s, e, "quarantine") : SD_DB;

	if (rc == SD_OK)
		*out = sqlite3_column_int64(s, 0);
	sd_db_reset(s);
	return rc;
}
