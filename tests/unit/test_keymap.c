/* tests/unit/test_keymap.c - one action table; keys that cannot mean two things (U-39). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ui/keymap.h"
#include "ui/term/key.h"

static void the_default_keys_are_read_and_never_clash(void **st)
{
	struct sd_keymap m;
	struct sd_error e = {0};

	(void)st;
	if (sd_keymap_init(&m, NULL, &e) != SD_OK)
		fail_msg("%s", e.text);
	assert_int_equal(sd_keymap_find(&m, SD_IN_DATA, 'd'), SD_ACT_DELETE);
	assert_int_equal(sd_keymap_find(&m, SD_IN_OUTBOX, 'd'), SD_ACT_DISCARD);
	assert_int_equal(sd_keymap_find(&m, SD_IN_FORM, 5), SD_ACT_EDITOR);
	assert_int_equal(sd_keymap_find(&m, SD_IN_LINE, 5), SD_ACT_LINE_END);
	assert_int_equal(sd_keymap_find(&m, SD_IN_DATA, 'X'), SD_ACT_NONE);
	assert_int_equal(sd_keymap_find(&m, SD_IN_DATA, 15), SD_ACT_JUMP_BACK);
}

static void every_action_can_be_found_by_its_name_and_has_help(void **st)
{
	(void)st;
	for (int a = 1; a < SD_ACT_COUNT; a++) {
		const struct sd_action *d = sd_action((enum sd_act)a);

		assert_non_null(d->name);
		assert_int_equal(sd_action_find(d->name), a);
		assert_true(strlen(d->text) > 1);
		assert_true(strlen(d->help) > 10);
		assert_int_not_equal(d->where, 0);
	}
	assert_int_equal(sd_action_find("no-such-thing"), SD_ACT_NONE);
}

static void hints_only_offer_what_works_there(void **st)
{
	struct sd_keymap m;

	(void)st;
	assert_int_equal(sd_keymap_init(&m, NULL, NULL), SD_OK);
	for (unsigned ctx = 1; ctx <= SD_IN_DIALOG; ctx <<= 1) {
		size_t n = 0;
		const struct sd_hint *h = sd_hints((enum sd_ctx)ctx, &n);

		assert_true(n > 0);
		for (size_t i = 0; i < n; i++)
			if (!(sd_action(h[i].act)->where & ctx))
				fail_msg("%s is hinted where it does nothing",
					sd_action(h[i].act)->name);
	}
}

static void key_names_are_read_as_they_are_written(void **st)
{
	static const char *const names[] = {"j", "C-s", "Enter", "S-Tab", "PgDn", "F1", "F12",
		"Space", "#", "é", "Esc", "Up", "\\"};
	char name[SD_KEY_NAME];

	(void)st;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		uint32_t code = sd_key_parse(names[i], strlen(names[i]));

		assert_int_not_equal(code, 0);
		sd_key_name(code, name);
		assert_string_equal(name, names[i]);
	}
	assert_int_equal(sd_key_parse("C-1", 3), 0);
	assert_int_equal(sd_key_parse("F13", 3), 0);
	assert_int_equal(sd_key_parse("xy", 2), 0);
	assert_int_equal(sd_key_parse("", 0), 0);
}

static void own_keys_replace_the_defaults(void **st)
{
	static const char *const own[] = {"move-down=C-n Down", "delete=D", NULL};
	struct sd_keymap m;
	struct sd_buf b = SD_BUF_INIT;

	(void)st;
	assert_int_equal(sd_keymap_init(&m, own, NULL), SD_OK);
	assert_int_equal(sd_keymap_find(&m, SD_IN_DATA, 'j'), SD_ACT_NONE);
	assert_int_equal(sd_keymap_find(&m, SD_IN_DATA, 14), SD_ACT_DOWN);
	assert_int_equal(sd_keymap_find(&m, SD_IN_DATA, 'D'), SD_ACT_DELETE);
	sd_keymap_show(&m, SD_ACT_DOWN, &b);
	assert_string_equal(sd_buf_text(&b), "C-n Down");
	sd_buf_release(&b);
}

static void refuses(const char *text, const char *says)
{
	const char *const own[] = {text, NULL};
	struct sd_keymap m;
	struct sd_error e = {0};

	assert_int_equal(sd_keymap_init(&m, own, &e), SD_INVAL);
	if (!strstr(e.text, says))
		fail_msg("\"%s\" does not say \"%s\"", e.text, says);
}

static void wrong_keys_are_refused_by_name(void **st)
{
	(void)st;
	refuses("fly=f", "no such action");
	refuses("filter=Hyper", "\"Hyper\" is not a key");
	refuses("filter=j", "would mean both");
	refuses("help=", "each need a key");
	refuses("nothing", "expected action=keys");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_default_keys_are_read_and_never_clash),
		cmocka_unit_test(every_action_can_be_found_by_its_name_and_has_help),
		cmocka_unit_test(hints_only_offer_what_works_there),
		cmocka_unit_test(key_names_are_read_as_they_are_written),
		cmocka_unit_test(own_keys_replace_the_defaults),
		cmocka_unit_test(wrong_keys_are_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
