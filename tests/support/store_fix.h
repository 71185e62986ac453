/* tests/support/store_fix.h - a store of its own for a test, and short words for using it. */
#ifndef SD_TESTS_STORE_FIX_H
#define SD_TESTS_STORE_FIX_H

#include <sys/types.h>

#include "core/base/rand.h"
#include "core/json/json.h"
#include "core/store/apply.h"
#include "core/store/conflict.h"
#include "core/store/journal.h"
#include "core/store/outbox.h"
#include "core/store/record.h"
#include "core/store/store.h"
#include "core/store/write.h"

/* Post (hasMany comments, tags, meta ...), Comment (belongsTo Post), Book (isbn+title key), Site,
 * many-to-many Post-Tag: enough for every rule. */
extern const char FIX_SDL[];

struct fix {
	char *dir;
	struct sd_schema *schema;
	struct sd_store *st;
	struct sd_rand rand;
	struct sd_error e;
	int64_t now;
	const char *vfs;
	bool no_backend;
};

struct fix *fix_new(void); /* opened on FIX_SDL */
void fix_free(struct fix *f);
/* The same as fixtures of cmocka. */
int fix_setup(void **st);
int fix_teardown(void **st);
void fix_open(struct fix *f);
void fix_close(struct fix *f);
/* Closes, changes the schema, opens again; the result of opening. */
enum sd_err fix_reopen(struct fix *f, const char *sdl);
/* Closes and opens; what opening said stands in f->e. */
enum sd_err fix_open_again(struct fix *f);
char *fix_path(const struct fix *f, const char *name); /* in its directory, owned */
struct sd_schema *fix_schema(const char *sdl);
const struct sd_model *fix_model(struct fix *f, const char *name);
struct cJSON *fix_json(const char *text); /* 'single quotes' for double ones */

void fix_begin(struct fix *f);
void fix_commit(struct fix *f);
void fix_two_posts(struct fix *f); /* a and b, titles A and B */
/* Its directory and files belong to uid from now on, when this process is root. */
void fix_give(struct fix *f, uid_t uid);
/* Each in a transaction of its own, rolled back when it fails. */
enum sd_err fix_save(struct fix *f, const char *model, const char *fields);
enum sd_err fix_save_if(struct fix *f, const char *model, const char *fields, const char *cond);
enum sd_err fix_delete(struct fix *f, const char *model, const char *key);
enum sd_err fix_apply(struct fix *f, const char *model, const char *items, bool base,
	struct sd_apply_counts *counts);
enum sd_err fix_ack(struct fix *f, int64_t seq, const char *item);
/* Steps of the caller's transaction: the entry is sent; it is accepted and answered with item. */
enum sd_err fix_sending(struct fix *f, int64_t seq);
enum sd_err fix_acked(struct fix *f, int64_t seq, const struct cJSON *item, int64_t now);
/* Sends the oldest due entry and acknowledges it as the server would; its seq, 0: none due. */
int64_t fix_send_one(struct fix *f);
void fix_send_all(struct fix *f);

/* Owned texts, to compare: the record (without metadata when bare), "" when absent. */
char *fix_rec(struct fix *f, const char *model, const char *key);
void fix_expect(struct fix *f, const char *model, const char *key, const char *want);
/* One member of a record as JSON text; "" when the record is absent. */
void fix_field(
	struct fix *f, const char *model, const char *key, const char *name, const char *want);
/* The whole queue: "1 CREATE Post [\"a\"] {..} waiting v-1; ..." */
void fix_queue(struct fix *f, const char *want);
int64_t fix_total(struct fix *f, const char *model);
/* The journal behind id `after`: "INSERT Post [\"a\"] local; OUTBOX ... queued; ..." */
char *fix_journal(struct fix *f, int64_t after);
void fix_sound(struct fix *f); /* sd_store_check */
#define fix_ok(f, call) assert_int_equal_text((f), (call), SD_OK, __FILE__, __LINE__)
void assert_int_equal_text(struct fix *f, int got, int want, const char *file, int line);

#endif
