/* tests/support/damage.c - see damage.h. */
#include "tests/support/damage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/fs.h"
#include "core/store/internal.h"

void damage_fill(struct fix *f)
{
	struct sd_sync_state s = {.kind = SD_SYNC_FULL, .last_sync_ms = 77};

	for (int from = 0; from < DAMAGE_ROWS; from += 50) {
		struct sd_buf b = SD_BUF_INIT;
		for (int i = from; i < from + 50; i++)
			sd_buf_fmt(&b,
				"%c{'id':'p%03d','title':'%0100d','rating':1,'_version':1,"
				"'_lastChangedAt':10}",
				i == from ? '[' : ',', i, i);
		sd_buf_ch(&b, ']');
		fix_ok(f, fix_apply(f, "Post", sd_buf_text(&b), true, NULL));
		sd_buf_release(&b);
	}
	fix_ok(f, fix_apply(f, "Comment", "[{'id':'c','text':'x','postID':'p001','_version':2}]",
			  true, NULL));
	fix_ok(f, fix_save(f, "Post", "{'id':'p001','rating':7}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'new','title':'N'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'p002','rating':8}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'p003','rating':9}"));
	fix_ok(f, fix_delete(f, "Post", "[\"p004\"]"));
	fix_ok(f, fix_save(f, "Post", "{'id':'p005','rating':5}"));
	fix_begin(f);
	fix_ok(f, sd_outbox_park(f->st, 3, true, ++f->now, &f->e));
	fix_ok(f, sd_outbox_refuse(f->st, 4, "Unauthorized", "no", NULL, ++f->now, &f->e));
	fix_ok(f, sd_outbox_retry_at(f->st, 6, 0, true, true, "Net", "lost", &f->e));
	fix_ok(f, sd_sync_put(f->st, fix_model(f, "Post"), &s, &f->e));
	fix_ok(f, sd_sync_put(f->st, fix_model(f, "Comment"), &s, &f->e));
	fix_ok(f, sd_meta_put(f->st, "endpoint", "http://127.0.0.1:1/graphql", &f->e));
	fix_commit(f);
	fix_sound(f);
}

long damage_root(struct fix *f, const char *table)
{
	char sql[128];
	int64_t n = 0;

	snprintf(sql, sizeof sql, "SELECT rootpage FROM sqlite_schema WHERE name='%s'", table);
	fix_ok(f, sd_db_int(f->st, sql, &n, &f->e));
	assert_true(n > 0);
	return (long)n;
}

void damage_spoil(struct fix *f, long page, long from, long count)
{
	char *p = fix_path(f, "store.db");
	FILE *file = fopen(p, "r+e");

	assert_non_null(file);
	for (long i = 0; i < count; i++) {
		long at = (page - 1) * 8192 + from + i;
		int c;
		assert_int_equal(fseek(file, at, SEEK_SET), 0);
		c = fgetc(file);
		assert_int_equal(fseek(file, at, SEEK_SET), 0);
		fputc(c ^ 0x5a, file);
	}
	fclose(file);
	free(p);
}

struct sd_store_opts damage_opts(struct fix *f)
{
	return (struct sd_store_opts){
		.dir = f->dir, .schema = f->schema, .now_ms = ++f->now, .rand = &f->rand};
}

enum sd_err damage_look(struct fix *f)
{
	struct sd_store_opts o = damage_opts(f);
	enum sd_err rc;

	fix_close(f);
	f->e.text[0] = '\0';
	rc = sd_store_open(&o, &f->st, &f->e);
	return rc == SD_OK ? sd_store_check(f->st, &f->e) : rc;
}

enum sd_err damage_rescue(struct fix *f, struct sd_rescued *r)
{
	struct sd_store_opts o = damage_opts(f);

	fix_close(f);
	f->e.text[0] = '\0';
	return sd_store_rescue(&o, r, &f->e);
}

void damage_rescued(struct fix *f, struct sd_rescued *r)
{
	fix_ok(f, damage_rescue(f, r));
	assert_false(r->sound);
	assert_true(sd_is_file(r->kept));
	fix_open(f);
	fix_sound(f);
}

void damage_nothing_unsent_is_lost(struct fix *f)
{
	struct sd_outbox_counts n;

	fix_field(f, "Post", "[\"p001\"]", "rating", "7");
	fix_field(f, "Post", "[\"new\"]", "title", "'N'");
	fix_field(f, "Post", "[\"p002\"]", "rating", "8");
	fix_field(f, "Post", "[\"p005\"]", "rating", "5");
	fix_field(f, "Post", "[\"p004\"]", "_deleted", "true");
	fix_ok(f, sd_outbox_counts(f->st, fix_model(f, "Post"), &n, &f->e));
	assert_true(n.lane[SD_LANE_WAITING] + n.lane[SD_LANE_PARKED] >= 5);
}

void damage_says(struct fix *f, const char *what)
{
	if (!strstr(f->e.text, what) || !strstr(f->e.text, "syncdeck rescue"))
		fail_msg("expected \"%s\" in: %s", what, f->e.text);
}
