/*
 * tests/screen/test_picture.c - the README's picture is the real screen.
 *
 * Fills a profile through the command line, opens the UI on it at 80x24 and compares every row with
 * the picture between the marks in README.md.  UPDATE_SCREENS=1 writes the picture instead.
 */
#include <setjmp.h>
#include <libgen.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fs.h"
#include "tests/support/support.h"
#include "tests/support/vtscreen.h"

static const char SDL[] =
	"enum Status { OPEN SCHEDULED IN_PROGRESS DONE }\n"
	"type Site @model { id: ID! name: String! city: String }\n"
	"type Technician @model { id: ID! name: String! }\n"
	"type WorkOrder @model {\n"
	"  id: ID!\n  number: Int!\n  title: String!\n  status: Status\n  dueDate: AWSDate\n"
	"  hours: Float\n  tags: [String]\n  siteId: ID\n"
	"  site: Site @belongsTo(fields: [\"siteId\"])\n}\n";

static const char *const RECORDS[][2] = {
	{"Site", "{\"id\":\"s1\",\"name\":\"Riverside Clinic\",\"city\":\"Porto\"}\n"
		 "{\"id\":\"s2\",\"name\":\"Müller Bakery\",\"city\":\"Bremen\"}\n"
		 "{\"id\":\"s3\",\"name\":\"Dock 9 Warehouse\",\"city\":\"Gdańsk\"}\n"},
	{"Technician",
		"{\"id\":\"t1\",\"name\":\"Ana Lima\"}\n{\"id\":\"t2\",\"name\":\"Bo Berg\"}\n"},
	{"WorkOrder",
		"{\"id\":\"w1\",\"number\":20001,\"title\":\"Boiler loses "
		"pressure\",\"status\":\"OPEN\","
		"\"dueDate\":\"2026-11-24\",\"hours\":2.5,\"tags\":[\"tenant\"],\"siteId\":\"s1\"}"
		"\n"
		"{\"id\":\"w2\",\"number\":20002,\"title\":\"Cold room above 8 °C\",\"status\":"
		"\"IN_PROGRESS\",\"dueDate\":\"2026-11-23\",\"hours\":4,\"siteId\":\"s2\"}\n"
		"{\"id\":\"w3\",\"number\":20003,\"title\":\"Annual fire alarm test\",\"status\":"
		"\"SCHEDULED\",\"dueDate\":\"2026-12-01\",\"siteId\":\"s3\"}\n"
		"{\"id\":\"w4\",\"number\":20004,\"title\":\"Door closer "
		"slams\",\"status\":\"DONE\","
		"\"dueDate\":\"2026-11-12\",\"hours\":0.5,\"siteId\":\"s1\"}\n"
		"{\"id\":\"w5\",\"number\":20005,\"title\":\"Pump 日本製 makes "
		"noise\",\"status\":\"OPEN\","
		"\"dueDate\":\"2026-11-30\",\"siteId\":\"s2\"}\n"},
};

static char *dir, *schema, *data;

static void fill(const char *model, const char *lines)
{
	char *input = sd_path_join(dir, "input");
	int status = 1;
	pid_t pid;

	assert_int_equal(sd_write_file(input, lines, strlen(lines), NULL), SD_OK);
	pid = fork();
	if (pid == 0) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(126);
		execl("build/syncdeck", "syncdeck", "-s", schema, "-d", data, "save", model,
			"--input", input, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	free(input);
}

/* The screen's rows as one text. */
static void take_picture(struct vts *v, struct sd_buf *out)
{
	for (int r = 0; r < 24; r++) {
		char *row = vts_row(v, r);
		sd_buf_fmt(out, "%s\n", row);
		free(row);
	}
}

static void the_picture_in_the_readme_is_the_real_screen(void **st)
{
	static char program[] = "build/syncdeck", s[] = "-s", d[] = "-d";
	char *argv[] = {program, s, schema, d, data, NULL};
	struct vts_opts o = {.rows = 24, .cols = 80, .argv = argv};
	struct sd_buf readme = SD_BUF_INIT, picture = SD_BUF_INIT, whole = SD_BUF_INIT;
	static const char from[] = "<!-- picture -->\n```\n", to[] = "```\n<!-- /picture -->";
	char *a, *b;
	struct vts *v;

	(void)st;
	for (size_t i = 0; i < sizeof RECORDS / sizeof *RECORDS; i++)
		fill(RECORDS[i][0], RECORDS[i][1]);
	v = vts_start(&o);
	assert_true(vts_wait_text(v, "WorkOrder", MS));
	assert_true(vts_keys(v, "G\r", MS));
	assert_true(vts_keys(v, "j", MS));
	take_picture(v, &picture);
	vts_type(v, "Q");
	vts_close(v);
	assert_int_equal(sd_read_file("README.md", 1 << 20, &readme, NULL), SD_OK);
	a = strstr(readme.data, from);
	b = strstr(readme.data, to);
	assert_non_null(a);
	assert_non_null(b);
	a += sizeof from - 1;
	if (getenv("UPDATE_SCREENS")) {
		sd_buf_add(&whole, readme.data, (size_t)(a - readme.data));
		sd_buf_add(&whole, picture.data, picture.len);
		sd_buf_str(&whole, b);
		assert_int_equal(sd_write_file("README.md", whole.data, whole.len, NULL), SD_OK);
		assert_int_equal(chmod("README.md", 0644), 0);
	} else {
		*b = '\0';
		assert_string_equal(a, sd_buf_text(&picture));
	}
	sd_buf_release(&readme);
	sd_buf_release(&picture);
	sd_buf_release(&whole);
}

static enum sd_err mkdir_of(const char *file)
{
	char *copy = strdup(file);
	enum sd_err rc = sd_mkdir_p(dirname(copy), NULL);

	free(copy);
	return rc;
}

static int setup(void **st)
{
	char *project;

	(void)st;
	dir = sd_test_dir();
	schema = sd_path_join(dir, "schema.graphql");
	data = sd_path_join(dir, "data");
	project = sd_path_join(dir, ".syncdeck/project.json");
	if (mkdir_of(project) != SD_OK ||
		sd_write_file(project, "{\"name\":\"field-service\"}", 24, NULL) != SD_OK)
		return -1;
	free(project);
	setenv("XDG_CONFIG_HOME", dir, 1);
	setenv("XDG_STATE_HOME", dir, 1);
	setenv("SYNCDECK_TEST_CLOCK", "1795435200000", 1); /* 2026-11-23T12:00:00Z */
	setenv("TZ", "UTC", 1);
	return sd_write_file(schema, SDL, sizeof SDL - 1, NULL) == SD_OK ? 0 : -1;
}

static int teardown(void **st)
{
	(void)st;
	free(schema);
	free(data);
	sd_test_dir_remove(dir);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_picture_in_the_readme_is_the_real_screen, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
