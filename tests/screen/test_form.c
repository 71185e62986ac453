/* tests/screen/test_form.c - editing and adding in the form; undo, outbox, read-only. */
#include <dirent.h>

#include "tests/support/uihost.h"

static void fill(struct sd_api *api)
{
	host_save(api, "Blog", "{\"id\":\"b1\",\"name\":\"Coffee\"}");
	host_save(api, "Blog", "{\"id\":\"b2\",\"name\":\"Tea\"}");
	host_save(api, "Post",
		"{\"id\":\"p1\",\"title\":\"One\",\"status\":\"DRAFT\",\"rating\":3,"
		"\"blogPostsId\":\"b1\"}");
}

static void typed_fields_are_checked_and_saved(void **st) /* U-35, U-43 */
{
	struct host h = {.fill = fill};

	(void)st;
	host_start(&h);
	host_keys(&h, "j\re");
	host_sees(&h, "Edit Post p1");
	host_keys(&h, " more");
	host_sees(&h, "1 field changed");
	host_keys(&h, "\t");
	host_keys(&h, " "); /* DRAFT -> ACTIVE */
	host_sees(&h, "ACTIVE");
	host_keys(&h, "\tx");
	host_sees(&h, "invalid");
	host_keys(&h, "\023"); /* C-s with a wrong value */
	host_sees(&h, "1 field is not valid yet");
	host_sees(&h, "Edit Post p1");
	host_keys(&h, "\022"); /* C-r */
	host_keys(&h, "\t\t2026-11-31T12:00:00Z");
	host_sees(&h, "November");
	host_keys(&h, "\016"); /* C-n: null again */
	host_sees_not(&h, "invalid");
	host_keys(&h, "\023");
	host_sees(&h, "Saved on this device");
	host_sees_not(&h, "Edit Post");
	host_sees(&h, "One more");
	host_sees(&h, "ACTIVE");
	host_keys(&h, ":");
	host_keys(&h, "history\r");
	host_sees(&h, "title: One > One more");
	host_keys(&h, "\033");
	host_keys(&h, ":");
	host_keys(&h, "explain\r"); /* S10.2: the words of the command */
	host_sees(&h, "pending");
	host_sees(&h, "unsent change #");
	host_sees(&h, "next: ");
	host_keys(&h, "\033");
	host_keys(&h, ":");
	host_keys(&h, "revert\r");
	host_sees(&h, "Back to which version");
	host_keys(&h, "7\r");
	host_sees(&h, "was not seen here");
	host_keys(&h, "\033");
	host_end(&h);
}

static void leaving_a_changed_form_asks(void **st)
{
	struct host h = {.fill = fill};

	(void)st;
	host_start(&h);
	host_keys(&h, "j\re");
	host_keys(&h, "x");
	host_keys(&h, "\033");
	host_sees(&h, "Leave the form?");
	host_keys(&h, "\r"); /* keep editing */
	host_sees(&h, "Edit Post p1");
	host_keys(&h, "\033");
	host_keys(&h, "t");
	host_sees_not(&h, "Edit Post");
	host_sees_not(&h, "Onex");
	host_end(&h);
}

static void a_link_is_picked_from_a_list(void **st)
{
	struct host h = {.fill = fill, .rows = 40, .cols = 120};

	(void)st;
	host_start(&h);
	host_keys(&h, "j\re");
	for (int i = 0; i < 12 && !vts_has(h.v, "> blogPostsId") && !vts_has(h.v, ">  blogPostsId");
		i++)
		host_keys(&h, "\t");
	host_keys(&h, "\r");
	host_sees(&h, "which Blog?");
	host_keys(&h, "tea\r");
	host_sees(&h, "1 field changed");
	host_keys(&h, "\023");
	host_sees(&h, "> Blog b2 \"Tea\"");
	host_end(&h);
}

static void a_new_record_is_shown_after_saving(void **st)
{
	struct host h = {.fill = fill};

	(void)st;
	host_start(&h);
	host_keys(&h, "j\ra");
	host_sees(&h, "Add Post");
	host_sees(&h, "made when it is saved");
	host_keys(&h, "\023"); /* the title is required */
	host_sees(&h, "not valid yet");
	host_keys(&h, "Brand new");
	host_keys(&h, "\023");
	host_sees(&h, "Post 2 rows");
	host_sees(&h, ">   Brand new");
	host_keys(&h, "u");
	host_sees(&h, "Undone: CREATE Post");
	host_sees(&h, "Post 1 rows");
	host_keys(&h, "U");
	host_sees(&h, "Made again");
	host_sees(&h, "Post 2 rows");
	host_end(&h);
}

static int left_over(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;
	int n = 0;

	assert_non_null(d);
	while ((entry = readdir(d)))
		n += strncmp(entry->d_name, "edit.", 5) == 0;
	closedir(d);
	return n;
}

static void the_editor_edits_a_field_and_a_record(void **st)
{
	struct host h = {.fill = fill};

	(void)st;
	setenv("VISUAL", "sed -i~ s/One/Edited/", 1); /* it leaves a backup */
	host_start(&h);
	host_keys(&h, "j\re");
	host_keys(&h, "\005"); /* C-e */
	host_sees(&h, "Edited");
	host_keys(&h, "\023");
	host_sees(&h, "Saved on this device");
	host_quit(&h);
	setenv("VISUAL", "sed -i 's/Edited/By json/'", 1);
	h.fill = NULL;
	host_start(&h);
	host_keys(&h, "j\rE");
	host_sees(&h, "By json");
	host_quit(&h);
	setenv("VISUAL", "sed -i 's/{/nonsense/'", 1);
	host_start(&h);
	host_keys(&h, "j\rE");
	host_sees(&h, "Not saved");
	host_keys(&h, "t");
	host_sees(&h, "By json");
	host_quit(&h);
	assert_int_equal(left_over(h.dir), 0);
	sd_test_dir_remove(h.dir);
	unsetenv("VISUAL");
}

static void the_outbox_lists_parks_and_discards(void **st) /* U-01, U-03 */
{
	struct host h = {.fill = fill};

	(void)st;
	host_start(&h);
	host_keys(&h, "2");
	host_sees(&h, "3 unsent");
	host_keys(&h, "G");
	host_sees(&h, "\"title\":\"One\"");
	host_keys(&h, "p");
	host_sees(&h, "parked");
	host_keys(&h, "p");
	host_sees_not(&h, "  parked");
	host_keys(&h, "\r");
	host_sees(&h, "The request as it is sent");
	host_sees(&h, "createPost");
	host_keys(&h, "\033");
	host_keys(&h, "d");
	host_sees(&h, "has not reached the server");
	host_keys(&h, "d");
	host_keys(&h, "1\r");
	host_sees(&h, "2 unsent");
	host_keys(&h, "P");
	host_sees(&h, "PAUSED");
	host_keys(&h, "P");
	host_sees_not(&h, "PAUSED");
	host_keys(&h, "o");
	host_sees(&h, "Blog 2 rows");
	host_end(&h);
}

static void unsent_changes_outlive_the_screen(void **st) /* S2.5 */
{
	struct host h = {.fill = fill};

	(void)st;
	host_start(&h);
	host_sees(&h, "out 3  conf 0");
	host_quit(&h);
	h.fill = NULL;
	host_start(&h);
	host_sees(&h, "out 3  conf 0");
	host_keys(&h, "2");
	host_sees(&h, "1 CREATE");
	host_end(&h);
}

static void read_only_refuses_every_writing_key(void **st) /* U-38, S10.1 */
{
	static const char *const keys[] = {"e", "E", "a", "d", "u", "U", "P"};
	struct host h = {.fill = fill};

	(void)st;
	host_start(&h);
	host_quit(&h);
	h.fill = NULL;
	h.read_only = true;
	host_start(&h);
	host_sees(&h, "READ-ONLY");
	host_keys(&h, "j\r");
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		host_keys(&h, keys[i]);
		host_sees(&h, "This profile is read-only");
		host_keys(&h, "l");
	}
	host_sees(&h, "out 3  conf 0");
	host_end(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(typed_fields_are_checked_and_saved),
		cmocka_unit_test(leaving_a_changed_form_asks),
		cmocka_unit_test(a_link_is_picked_from_a_list),
		cmocka_unit_test(a_new_record_is_shown_after_saving),
		cmocka_unit_test(the_editor_edits_a_field_and_a_record),
		cmocka_unit_test(the_outbox_lists_parks_and_discards),
		cmocka_unit_test(unsent_changes_outlive_the_screen),
		cmocka_unit_test(read_only_refuses_every_writing_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
