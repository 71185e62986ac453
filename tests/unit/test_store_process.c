/* tests/unit/test_store_process.c - several processes and connections on one profile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fs.h"
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

/* The child: opens the store, counts the posts, closes; the count is its exit code. */
static int count(const char *dir)
{
	struct sd_schema *schema = fix_schema(FIX_SDL);
	struct sd_rand r;
	struct sd_store_opts o = {.dir = dir, .schema = schema, .rand = &r};
	struct sd_store *st;
	int64_t n = 100;

	sd_rand_system(&r);
	if (sd_store_open(&o, &st, NULL) != SD_OK)
		return 101;
	if (sd_rec_total(st, sd_schema_model(schema, "Post"), &n, NULL) != SD_OK)
		n = 102;
	sd_store_close(st);
	sd_schema_free(schema);
	return (int)n;
}

/* In a program of its own: after a mere fork SQLite would take our connections for its own. */
static int count_in_child(struct fix *f)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		execl("/proc/self/exe", "count", f->dir, (char *)NULL);
		_exit(104);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 103;
}

/* R-003, U-46: a second connection of this process must not drop the locks of the first; else the
 * next process to leave believes it is the last one and removes the WAL that this one writes to. */
static void another_process_coming_and_going_loses_no_save(void **st)
{
	struct fix *f = *st;
	struct sd_store_opts o = {.dir = f->dir, .schema = f->schema, .rand = &f->rand};
	struct sd_store *second, *reader;
	char *wal = sd_path_join(f->dir, "store.db-wal");

	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'T'}"));
	assert_int_equal(sd_store_open(&o, &second, NULL), SD_OK);
	o.read_only = true;
	assert_int_equal(sd_store_open(&o, &reader, NULL), SD_OK);
	assert_int_equal(count_in_child(f), 1);
	assert_true(sd_is_file(wal));
	fix_ok(f, fix_save(f, "Post", "{'id':'b','title':'T'}"));
	assert_int_equal(count_in_child(f), 2);
	sd_store_close(reader);
	assert_int_equal(count_in_child(f), 2);
	sd_store_close(second);
	fix_ok(f, fix_save(f, "Post", "{'id':'c','title':'T'}"));
	assert_int_equal(count_in_child(f), 3);
	free(wal);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			another_process_coming_and_going_loses_no_save, setup, teardown),
	};
	if (argc == 2)
		return count(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
