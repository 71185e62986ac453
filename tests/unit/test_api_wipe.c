/* tests/unit/test_api_wipe.c - opening a profile whose wipe was cut off, and signing out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "core/api/internal.h"
#include "core/auth/auth.h"
#include "core/base/fs.h"
#include "core/base/text.h"
#include "tests/support/support.h"

static const char SDL[] = "type Site @model { id: ID! name: String! }\n";

struct profile {
	char *dir;
	struct sd_config *config;
	struct sd_schema *schema;
	struct sd_settings settings;
	struct sd_api *api;
	struct sd_error e;
};

static int setup(void **st)
{
	struct profile *p = calloc(1, sizeof *p);

	assert_non_null(p);
	p->dir = sd_test_dir();
	p->config = sd_config_new();
	assert_int_equal(sd_schema_read(SDL, sizeof SDL - 1, "test", &p->schema, &p->e), SD_OK);
	*st = p;
	return 0;
}

static int teardown(void **st)
{
	struct profile *p = *st;

	sd_api_close(p->api);
	sd_schema_free(p->schema);
	sd_config_free(p->config);
	sd_test_dir_remove(p->dir);
	free(p);
	return 0;
}

static void open_profile(struct profile *p)
{
	const struct sd_api_opts o = {.config = p->config,
		.schema = p->schema,
		.settings = &p->settings,
		.data_dir = p->dir,
		.endpoint = ""};

	sd_api_close(p->api);
	p->api = NULL;
	if (sd_api_open(&o, &p->api, &p->e) != SD_OK)
		fail_msg("open: %s", p->e.text);
}

static void save_site(struct profile *p, const char *name)
{
	struct cJSON *j = sd_json_object();

	sd_json_add_str(j, "name", name);
	assert_int_equal(sd_api_save(p->api, "Site", j, NULL, NULL, &p->e), SD_OK);
	sd_json_free(j);
}

static int64_t unsent(struct profile *p)
{
	struct sd_api_counts c = {0};

	assert_int_equal(sd_api_counts(p->api, &c, &p->e), SD_OK);
	return c.pending;
}

static void put(struct profile *p, const char *name, const char *text)
{
	char *path = sd_path_join(p->dir, name);

	assert_int_equal(sd_write_file(path, text, strlen(text), &p->e), SD_OK);
	free(path);
}

static bool has(struct profile *p, const char *name)
{
	char *path = sd_path_join(p->dir, name);
	bool yes = sd_is_file(path);

	free(path);
	return yes;
}

/* */
static void opening_finishes_a_wipe_that_was_cut_off(void **st)
{
	struct profile *p = *st;

	open_profile(p);
	save_site(p, "old");
	sd_api_close(p->api);
	p->api = NULL;
	put(p, "wipe", "");
	open_profile(p);
	assert_int_equal(unsent(p), 0);
	assert_false(has(p, "wipe"));
	save_site(p, "new");
	assert_int_equal(unsent(p), 1);
}

/* A session of the owner that is on disk only: the profile is signed in. */
static void sign_in_on_disk(struct profile *p)
{
	put(p, "owner.json", "{\"user\":\"ana\",\"userId\":\"u1\"}");
	put(p, "session.json", "{\"user\":\"ana\",\"userId\":\"u1\",\"access\":\"x\"}");
}

static void a_sign_out_locks_the_other_processes_too(void **st)
{
	struct profile *p = *st;
	struct sd_api *other;
	struct cJSON *who = NULL;

	sign_in_on_disk(p);
	open_profile(p);
	other = p->api;
	p->api = NULL;
	open_profile(p);
	assert_int_equal(sd_api_logout(p->api, SD_PENDING_ASK, NULL, &who, &p->e), SD_OK);
	sd_json_free(who);
	assert_false(has(p, "session.json"));
	assert_false(sd_api_changed(other));
	assert_true(sd_api_locked(other));
	sd_api_close(other);
}

static void a_sign_out_that_clears_keeps_what_was_saved_before_the_lock(void **st)
{
	struct profile *p = *st;
	struct cJSON *who = NULL;
	char *session;

	sign_in_on_disk(p);
	open_profile(p);
	save_site(p, "unsent");
	session = sd_path_join(p->dir, "session.json");
	assert_int_equal(remove(session), 0);
	free(session);
	p->settings.clear_on_signout = true;
	open_profile(p);
	assert_true(sd_api_locked(p->api));
	assert_int_equal(sd_api_logout(p->api, SD_PENDING_ASK, NULL, &who, &p->e), SD_UNSENT);
	assert_null(who);
	sign_in_on_disk(p);
	open_profile(p);
	assert_int_equal(unsent(p), 1);
}

/* A profile at rest is looked at by its directory alone; a sign-out and a wipe by another process
 * show there. */
static void a_profile_at_rest_notices_a_sign_out_and_a_wipe(void **st)
{
	struct profile *p = *st;
	int64_t until = sd_mono_ms() + 60000;

	sign_in_on_disk(p);
	open_profile(p);
	save_site(p, "old");
	while (!p->api->quiet && sd_mono_ms() < until) {
		usleep(100000);
		assert_false(sd_api_changed(p->api));
	}
	assert_true(p->api->quiet);
	assert_int_equal(unsent(p), 1);
	assert_true(p->api->quiet);
	assert_int_equal(sd_wipe_announce(p->dir, &p->e), SD_OK);
	assert_int_equal(unsent(p), 1); /* let go and opened again */
	assert_false(p->api->quiet);
	while (!p->api->quiet && sd_mono_ms() < until) {
		usleep(100000);
		assert_false(sd_api_changed(p->api));
	}
	assert_true(p->api->quiet);
	sd_session_drop(p->dir);
	assert_false(sd_api_changed(p->api));
	assert_true(sd_api_locked(p->api));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			opening_finishes_a_wipe_that_was_cut_off, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_sign_out_locks_the_other_processes_too, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_profile_at_rest_notices_a_sign_out_and_a_wipe, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_sign_out_that_clears_keeps_what_was_saved_before_the_lock, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
