/*
 * tests/unit/test_boot.c - what a stop of the machine may have cost: the mark of a running engine
 * (core/runtime/boot.c, core/store/boot.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "core/base/time.h"
#include "core/json/json.h"
#include "core/runtime/runtime.h"
#include "tests/support/store_fix.h"

#define MARK "engine.boot"

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

static char *mark_of(struct fix *f)
{
	char *v = NULL;

	fix_ok(f, sd_meta_get(f->st, MARK, &v, &f->e));
	return v;
}

static bool unknown(struct fix *f, int64_t seq)
{
	struct sd_mutation m;
	bool yes;

	fix_ok(f, sd_outbox_get(f->st, seq, &m, &f->e));
	yes = m.unknown;
	sd_mutation_release(&m);
	return yes;
}

/* An engine runs, offline; the mark that stands there meanwhile, owned. */
static char *run_engine(struct fix *f)
{
	struct sd_model_settings *models = calloc(f->schema->model_count + 1, sizeof *models);
	struct sd_engine_settings s = {.page_size = 100,
		.sync_concurrency = 1,
		.outbox_concurrency = 1,
		.outbox_batch = 1,
		.conflict_max_attempts = 3,
		.subscriptions_per_connection = 10,
		.timeout_ms = 1000,
		.models = models};
	struct sd_runtime_opts o = {.dir = f->dir,
		.schema = f->schema,
		.settings = &s,
		.endpoint = "http://127.0.0.1:1/graphql",
		.api_key = "da2-x",
		.auth = SD_AUTH_API_KEY,
		.offline = true,
		.connect_timeout_ms = 1000,
		.generation = sd_wipe_generation(f->dir)};
	struct sd_runtime *rt;
	int64_t until = sd_mono_ms() + 60000;
	struct sd_engine_status status = {.phase = SD_PHASE_STOPPED};
	bool idle;
	char *now;

	assert_non_null(models);
	fix_ok(f, sd_queue_new(1000, &o.events, &f->e));
	fix_ok(f, sd_runtime_start(&o, &rt, &f->e));
	while (status.phase != SD_PHASE_OFFLINE && sd_mono_ms() < until) {
		usleep(2000);
		assert_int_equal(sd_runtime_status(rt, &status, &idle, &f->e), SD_OK);
	}
	now = mark_of(f);
	sd_runtime_stop(rt);
	sd_queue_free(o.events, free);
	free(models);
	assert_non_null(now);
	return now;
}

static void put_mark(struct fix *f, const char *v)
{
	fix_begin(f);
	fix_ok(f, sd_meta_put(f->st, MARK, v, &f->e));
	fix_commit(f);
}

static bool no_boot_id(void)
{
	return access("/proc/sys/kernel/random/boot_id", R_OK) != 0;
}

static void an_engine_that_ends_in_order_leaves_no_mark_and_no_doubt(void **st)
{
	struct fix *f = *st;
	char *mark;

	if (no_boot_id())
		skip();
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'1'}"));
	mark = run_engine(f);
	free(mark);
	mark = mark_of(f);
	assert_null(mark);
	assert_false(unknown(f, 1));
}

static void the_mark_of_another_boot_puts_every_unsent_change_in_doubt(void **st)
{
	struct fix *f = *st;
	char *mark;

	if (no_boot_id())
		skip();
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'1'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'b','title':'1'}"));
	put_mark(f, "the boot before");
	mark = run_engine(f);
	assert_true(unknown(f, 1) && unknown(f, 2));
	/* the same boot again, as after a killed process: nothing of it was lost */
	fix_ok(f, fix_save(f, "Post", "{'id':'c','title':'1'}"));
	put_mark(f, mark);
	free(mark);
	mark = run_engine(f);
	free(mark);
	assert_false(unknown(f, 3));
}

static char *fields_of(struct fix *f, int64_t seq)
{
	struct sd_mutation m;
	char *text;

	fix_ok(f, sd_outbox_get(f->st, seq, &m, &f->e));
	text = sd_json_text(m.fields);
	sd_mutation_release(&m);
	return text;
}

/* what may have been applied is not added to */
static void a_save_after_a_stop_of_the_machine_makes_an_entry_of_its_own(void **st)
{
	struct fix *f = *st;
	char *text;

	if (no_boot_id())
		skip();
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'1'}"));
	put_mark(f, "the boot before");
	fix_close(f);
	fix_open(f); /* as `syncdeck save` does, no engine has run yet */
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'2'}"));
	text = fields_of(f, 1);
	assert_non_null(strstr(text, "\"title\":\"1\""));
	free(text);
	assert_true(unknown(f, 1));
	text = fields_of(f, 2);
	assert_string_equal(text, "{\"title\":\"2\"}");
	free(text);
	text = mark_of(f);
	assert_null(text);
	fix_close(f);
	fix_open(f); /* the doubt is about what was there then */
	assert_false(unknown(f, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_engine_that_ends_in_order_leaves_no_mark_and_no_doubt, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_mark_of_another_boot_puts_every_unsent_change_in_doubt, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_save_after_a_stop_of_the_machine_makes_an_entry_of_its_own, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
