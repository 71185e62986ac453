/* tests/unit/test_store_file.c - the file, its connections, settings and checks. */
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

static void tamper(struct fix *f, const char *sql, const char *finding)
{
	fix_begin(f);
	assert_int_equal(sqlite3_exec(f->st->db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sd_store_check(f->st, &f->e), SD_INVAL);
	assert_non_null(strstr(f->e.text, finding));
	sd_store_rollback(f->st);
	fix_sound(f);
}

/* U-41: nobody else may read it */
static void files_are_0600_and_the_directory_0700(void **st)
{
	struct fix *f = *st;
	static const char *const NAME[] = {"store.db", "store.db-wal", "store.db-shm"};
	struct stat s;
	char *sub = sd_path_join(f->dir, "made/here");
	struct sd_store_opts o = {.dir = sub, .schema = f->schema, .rand = &f->rand};
	struct sd_store *other = NULL;

	fix_ok(f, fix_save(f, "Post", "{'title':'T'}"));
	for (size_t i = 0; i < 3; i++) {
		char *p = sd_path_join(f->dir, NAME[i]);
		assert_int_equal(stat(p, &s), 0);
		assert_int_equal(s.st_mode & 0777, 0600);
		free(p);
	}
	fix_ok(f, sd_store_open(&o, &other, &f->e));
	assert_int_equal(stat(sub, &s), 0);
	assert_int_equal(s.st_mode & 0777, 0700);
	sd_store_close(other);
	free(sub);
}

static void a_reader_sees_commits_of_others_and_is_told(void **st)
{
	struct fix *f = *st;
	struct sd_store_opts o = {
		.dir = f->dir, .schema = f->schema, .read_only = true, .rand = &f->rand};
	struct sd_store *r = NULL;
	int64_t n = -1;

	fix_ok(f, sd_store_open(&o, &r, &f->e));
	assert_false(sd_store_changed(r));
	fix_ok(f, fix_save(f, "Post", "{'title':'T'}"));
	assert_true(sd_store_changed(r));
	assert_false(sd_store_changed(r));
	fix_ok(f, sd_rec_total(r, fix_model(f, "Post"), &n, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(sd_store_begin(r, &f->e), SD_READONLY);
	/* a read transaction keeps its state */
	fix_ok(f, sd_store_read(r, &f->e));
	fix_ok(f, sd_rec_total(r, fix_model(f, "Post"), &n, &f->e));
	fix_ok(f, fix_save(f, "Post", "{'title':'U'}"));
	fix_ok(f, sd_rec_total(r, fix_model(f, "Post"), &n, &f->e));
	assert_int_equal(n, 1);
	sd_store_rollback(r);
	fix_ok(f, sd_rec_total(r, fix_model(f, "Post"), &n, &f->e));
	assert_int_equal(n, 2);
	sd_store_close(r);
}

static void a_second_writer_waits_and_then_says_busy(void **st)
{
	struct fix *f = *st;
	struct sd_store_opts o = {
		.dir = f->dir, .schema = f->schema, .busy_ms = 30, .rand = &f->rand};
	struct sd_store *w = NULL;
	int64_t from;

	fix_ok(f, sd_store_open(&o, &w, &f->e));
	fix_begin(f);
	from = sd_mono_ms();
	assert_int_equal(sd_store_begin(w, &f->e), SD_BUSY);
	assert_true(sd_mono_ms() - from >= 30);
	fix_commit(f);
	fix_ok(f, sd_store_begin(w, &f->e));
	sd_store_close(w);
}

static void somebody_elses_file_is_refused_and_left_alone(void **st)
{
	struct fix *f = *st;
	char *path = sd_path_join(f->dir, "store.db");
	struct sd_store_opts o = {.dir = f->dir, .schema = f->schema, .rand = &f->rand};
	struct sd_store *s = NULL;
	struct sd_buf b = SD_BUF_INIT;
	static const char text[] =
		"this is not a database, it is a letter to my aunt ..............."
		".....................................................";

	fix_close(f);
	fix_ok(f, sd_write_file(path, text, sizeof text - 1, &f->e));
	assert_int_equal(sd_store_open(&o, &s, &f->e), SD_INVAL);
	assert_null(s);
	fix_ok(f, sd_read_file(path, 4096, &b, &f->e));
	assert_string_equal(sd_buf_text(&b), text);
	unlink(path);
	o.read_only = true;
	assert_int_equal(sd_store_open(&o, &s, &f->e), SD_NOTFOUND);
	sd_buf_release(&b);
	free(path);
}

static void settings_are_kept_and_removed(void **st)
{
	struct fix *f = *st;
	char *v = NULL;

	fix_ok(f, sd_meta_get(f->st, "outbox.paused", &v, &f->e));
	assert_null(v);
	fix_begin(f);
	fix_ok(f, sd_meta_put(f->st, "outbox.paused", "1", &f->e));
	fix_commit(f);
	fix_ok(f, sd_meta_get(f->st, "outbox.paused", &v, &f->e));
	assert_string_equal(v, "1");
	free(v);
	fix_begin(f);
	fix_ok(f, sd_meta_put(f->st, "outbox.paused", NULL, &f->e));
	fix_commit(f);
	fix_ok(f, sd_meta_get(f->st, "outbox.paused", &v, &f->e));
	assert_null(v);
}

/* architecture.md 3: a store belongs to the backend it first talked to */
static void a_store_keeps_to_its_backend_but_a_loopback_port_may_move(void **st)
{
	struct fix *f = *st;

	fix_begin(f);
	fix_ok(f, sd_store_bind_backend(f->st, "http://127.0.0.1:4000/graphql", &f->e));
	fix_ok(f, sd_store_bind_backend(f->st, "http://127.0.0.1:5000/graphql", &f->e));
	assert_int_equal(
		sd_store_bind_backend(f->st, "http://127.0.0.1:4000/other", &f->e), SD_INVAL);
	assert_int_equal(
		sd_store_bind_backend(f->st, "https://api.example/graphql", &f->e), SD_INVAL);
	assert_non_null(strstr(f->e.text, "127.0.0.1:4000"));
	assert_non_null(strstr(f->e.text, "api.example"));
	fix_ok(f, sd_meta_put(f->st, "endpoint", "https://api.example/graphql", &f->e));
	fix_ok(f, sd_store_bind_backend(f->st, "https://API.example:443/graphql", &f->e));
	assert_int_equal(
		sd_store_bind_backend(f->st, "https://api.example:8443/graphql", &f->e), SD_INVAL);
	fix_commit(f);
}

static void each_kind_of_damage_is_found_by_the_check(void **st)
{
	struct fix *f = *st;

	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'T'}"));
	fix_ok(f, fix_apply(f, "Post", "[{'id':'b','title':'T','_version':1}]", true, NULL));
	fix_ok(f, fix_apply(f, "Post", "[{'id':'c','title':'T','_version':1}]", true, NULL));
	fix_ok(f, fix_save(f, "Post", "{'id':'c','title':'U'}")); /* a change keeps copies */
	fix_sound(f);
	tamper(f, "DELETE FROM r_Post WHERE id='b'", "3 rows are counted, 2");
	tamper(f, "UPDATE r_Post SET _st=4 WHERE id='a'", "is marked refused");
	tamper(f, "UPDATE r_Post SET _st=0 WHERE id='a'", "not marked as unsent");
	tamper(f, "DELETE FROM shadow", "no copies");
	tamper(f, "INSERT INTO shadow(model,key) VALUES('Post','[\"b\"]')", "copies are left");
	tamper(f, "UPDATE counter SET live=1 WHERE model='#ids'", "which are taken");
	tamper(f, "UPDATE outbox SET lane=2; UPDATE r_Post SET _st=3 WHERE _st<>0", "in conflict");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(files_are_0600_and_the_directory_0700),
		T(a_reader_sees_commits_of_others_and_is_told),
		T(a_second_writer_waits_and_then_says_busy),
		T(somebody_elses_file_is_refused_and_left_alone),
		T(settings_are_kept_and_removed),
		T(a_store_keeps_to_its_backend_but_a_loopback_port_may_move),
		T(each_kind_of_damage_is_found_by_the_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
