/* tests/screen/test_sync.c - the real program against the real local backend: first look, offline
 * work, conflicts, live rows, refusals, switching users (S1, S2, S3, S5, S7, S9). */
#include <signal.h>
#include <unistd.h>

#include "core/base/text.h"
#include "tests/support/run_sandbox.h"
#include "tests/support/uihost.h"

static const char SDL[] = "type Post @model { id: ID!\n title: String!\n note: String\n"
			  " rating: Int\n tags: [String] }\n"
			  "type Note @model { id: ID!\n text: String }\n";

struct world {
	struct host h;
	struct sd_schema *schema;
	struct sd_sandbox_opts so;
	struct sd_test_server *server;
	char config[300], data[300], binary[600], users[300];
	bool read_only;
};

static void find_binary(char *out, size_t room)
{
	ssize_t n = readlink("/proc/self/exe", out, room - 1);
	char *at;

	assert_true(n > 0);
	out[n] = 0;
	at = strstr(out, "/tests/screen/");
	assert_non_null(at);
	snprintf(at, room - (size_t)(at - out), "/syncdeck");
}

static void serve(struct world *w)
{
	w->server = sd_test_server_start(&w->so);
}

static void world_start(struct world *w, const char *strategy, const char *users)
{
	struct sd_error e = {0};

	memset(w, 0, sizeof *w);
	w->h.dir = sd_test_dir();
	snprintf(w->config, sizeof w->config, "%s/amplify_outputs.json", w->h.dir);
	snprintf(w->data, sizeof w->data, "%s/data", w->h.dir);
	find_binary(w->binary, sizeof w->binary);
	assert_int_equal(sd_schema_read(SDL, sizeof SDL - 1, "test", &w->schema, &e), SD_OK);
	sd_test_server_defaults(&w->so, w->schema);
	w->so.strategy = strategy;
	w->so.write_config = w->config;
	if (users) {
		FILE *f;

		snprintf(w->users, sizeof w->users, "%s/users.json", w->h.dir);
		f = fopen(w->users, "w");
		assert_non_null(f);
		fputs(users, f);
		fclose(f);
		w->so.users = w->users;
	}
	serve(w);
}

static void mutate(struct world *w, const char *json)
{
	sd_json_free(sd_test_admin(w->server, "POST", "mutate", json));
}

static void screen(struct world *w, int rows, int cols)
{
	char c[] = "-c", d[] = "-d", log[] = "--log-file", file[340];
	char ro[] = "--read-only";
	char *const argv[] = {
		w->binary, c, w->config, d, w->data, log, file, w->read_only ? ro : NULL, NULL};
	const struct vts_opts o = {.rows = rows, .cols = cols, .argv = argv};

	snprintf(file, sizeof file, "%s/log", w->h.dir);
	w->h.v = vts_start(&o);
	if (!vts_wait_idle(w->h.v, MS)) {
		vts_dump(w->h.v);
		fail_msg("no screen");
	}
}

static void waits(struct world *w, const char *text)
{
	if (!vts_wait_text(w->h.v, text, MS))
		fail_msg("\"%s\" did not come", text);
}

static void world_end(struct world *w)
{
	sd_test_server_stop(w->server);
	sd_schema_free(w->schema);
	sd_test_dir_remove(w->h.dir);
}

/* The server's value of one field of Post p1; owned. */
static char *server_value(struct world *w, const char *field)
{
	struct cJSON *rows = sd_test_admin(w->server, "GET", "dump?model=Post", NULL);
	char *out = NULL;

	for (struct cJSON *r = sd_json_child(rows); r; r = sd_json_next(r))
		if (sd_str_eq(sd_json_get_str(r, "id"), "p1"))
			out = sd_json_text(sd_json_get(r, field));
	sd_json_free(rows);
	return out;
}

static void server_has(struct world *w, const char *field, const char *want)
{
	char *is = server_value(w, field);

	assert_non_null(is);
	assert_string_equal(is, want);
	free(is);
}

#define P1                                                                                         \
	"{\"op\":\"create\",\"model\":\"Post\",\"input\":{\"id\":\"p1\",\"title\":\"One\","        \
	"\"rating\":1}}"
#define P2 "{\"op\":\"create\",\"model\":\"Post\",\"input\":{\"id\":\"p2\",\"title\":\"Two\"}}"

static void rows_come_live_and_stay_when_the_server_is_gone(void **st) /* S1, S9.1, U-11, U-15 */
{
	struct world w;

	(void)st;
	world_start(&w, "automerge", NULL);
	mutate(&w, P1);
	screen(&w, 24, 80);
	waits(&w, "ONLINE live  out 0  conf 0");
	waits(&w, ">   One");
	mutate(&w, P2);
	waits(&w, "Two");
	host_sees(&w.h, "Post 2 rows");
	host_sees(&w.h, ">   One"); /* the cursor did not move */
	host_keys(&w.h, "4");
	waits(&w, "2 of 2 synced");
	host_sees(&w.h, "realtime live");
	host_keys(&w.h, "5");
	host_sees(&w.h, "ready");
	host_quit(&w.h);
	sd_test_server_stop(w.server);
	screen(&w, 24, 80);
	host_sees(&w.h, "Post 2 rows");
	waits(&w, "OFFLINE since");
	host_sees(&w.h, "synced ");
	host_quit(&w.h);
	w.so.port = 0;
	serve(&w);
	world_end(&w);
}

static void offline_work_is_badged_and_sent_once(void **st) /* S2, U-01 */
{
	struct world w;

	(void)st;
	world_start(&w, "automerge", NULL);
	mutate(&w, P1);
	mutate(&w, P2);
	screen(&w, 24, 80);
	waits(&w, "ONLINE live");
	waits(&w, "Two");
	host_keys(&w.h, "O");
	waits(&w, "OFFLINE (by hand)");
	host_keys(&w.h, "\re");
	host_keys(&w.h, "X\023");
	waits(&w, ">*  OneX");
	host_sees(&w.h, "out 1");
	host_keys(&w.h, "a");
	host_keys(&w.h, "Three\023");
	waits(&w, "out 2");
	host_keys(&w.h, "gj"); /* Two */
	host_keys(&w.h, "d");
	host_keys(&w.h, "y");
	waits(&w, "out 3");
	host_keys(&w.h, "2");
	host_sees(&w.h, "3 unsent");
	host_sees(&w.h, "UPDATE");
	host_sees(&w.h, "CREATE");
	host_sees(&w.h, "DELETE");
	host_keys(&w.h, "O");
	waits(&w, "out 0");
	server_has(&w, "title", "\"OneX\"");
	host_quit(&w.h);
	world_end(&w);
}

/* Offline here: title and tags; there: title and note.  Then online. */
static void make_conflict(struct world *w)
{
	mutate(w, P1);
	screen(w, 24, 80);
	waits(w, ">   One");
	waits(w, "ONLINE live");
	host_keys(&w->h, "O");
	waits(w, "OFFLINE (by hand)");
	host_keys(&w->h, "\re");
	host_keys(&w->h, "X\t\t\t[\"red\"]\023");
	waits(w, "out 1");
	mutate(w, "{\"op\":\"update\",\"model\":\"Post\",\"input\":{\"id\":\"p1\","
		  "\"title\":\"OneY\",\"note\":\"N\"}}");
	host_keys(&w->h, "O");
	waits(w, "conf 1");
}

static void a_conflict_is_decided_field_by_field(void **st) /* S3, U-07 */
{
	struct world w;

	(void)st;
	world_start(&w, "optimistic", NULL);
	make_conflict(&w);
	waits(&w, "!  OneX");
	kill(vts_pid(w.h.v), SIGKILL); /* the edit outlives it */
	vts_close(w.h.v);
	screen(&w, 24, 80);
	waits(&w, "conf 1");
	host_keys(&w.h, "3");
	waits(&w, "Conflict 1 of 1");
	host_sees(&w.h, "! OPEN");
	host_sees(&w.h, "One[+X+]");
	host_sees(&w.h, "One[+Y+]");
	host_sees(&w.h, "(theirs)"); /* note, only there */
	host_sees(&w.h, "(mine)");   /* tags, only here */
	host_keys(&w.h, "w");
	waits(&w, "Nothing was sent: 1 field still open: title");
	host_keys(&w.h, "m");
	host_sees_not(&w.h, "! OPEN");
	host_sees(&w.h, "\"title\":\"OneX\"");
	host_keys(&w.h, "u");
	host_sees(&w.h, "! OPEN");
	host_keys(&w.h, "g");
	host_keys(&w.h, "m");
	host_keys(&w.h, "w");
	waits(&w, "conf 0");
	waits(&w, "No conflict.");
	waits(&w, "out 0");
	host_sees_not(&w.h, "It is in the outbox"); /* which is no more */
	server_has(&w, "title", "\"OneX\"");
	server_has(&w, "note", "\"N\"");
	server_has(&w, "tags", "[\"red\"]");
	host_keys(&w.h, "u"); /* sent already: a new change back to theirs */
	waits(&w, "Already sent; this makes a new change");
	host_sees(&w.h, "title = OneY");
	host_keys(&w.h, "y");
	waits(&w, "Changed back by a new change");
	waits(&w, "out 0");
	server_has(&w, "title", "\"OneY\"");
	server_has(&w, "note", "\"N\"");
	host_keys(&w.h, "5"); /* U-42: one line for the change, up to the server's answer */
	waits(&w, "Post p1 -> write -> confirmed version 4");
	host_sees_not(&w.h, "outboxMutation");
	host_quit(&w.h);
	world_end(&w);
}

static void a_long_result_is_edited_outside(void **st) /* U-07: free edit */
{
	struct world w;

	(void)st;
	world_start(&w, "optimistic", NULL);
	mutate(&w, "{\"op\":\"create\",\"model\":\"Post\",\"input\":{\"id\":\"p1\",\"title\":"
		   "\"One\"}}");
	setenv("VISUAL", "sed -i -e '$s/mine.*/both sides in one line/'", 1);
	screen(&w, 24, 80);
	waits(&w, ">   One");
	waits(&w, "ONLINE live");
	host_keys(&w.h, "O");
	waits(&w, "OFFLINE (by hand)");
	host_keys(&w.h, "\re");
	host_keys(&w.h,
		"mine, a title that is so long that no single line of a screen can hold it\023");
	waits(&w, "out 1");
	mutate(&w, "{\"op\":\"update\",\"model\":\"Post\",\"input\":{\"id\":\"p1\",\"title\":"
		   "\"OneY\"}}");
	host_keys(&w.h, "O");
	waits(&w, "conf 1");
	host_keys(&w.h, "3");
	waits(&w, "! OPEN");
	host_keys(&w.h, "e");
	waits(&w, "(edited)");
	host_sees(&w.h, "\"title\":\"Oneboth sides in one line\"");
	host_keys(&w.h, "w");
	waits(&w, "conf 0");
	waits(&w, "out 0");
	server_has(&w, "title", "\"Oneboth sides in one line\"");
	host_quit(&w.h);
	unsetenv("VISUAL");
	world_end(&w);
}

static void deleted_there_and_edited_here_is_one_decision(void **st) /* S3.5 */
{
	struct world w;

	(void)st;
	world_start(&w, "optimistic", NULL);
	mutate(&w, P1);
	screen(&w, 40, 120);
	waits(&w, ">   One");
	waits(&w, "ONLINE live");
	host_keys(&w.h, "O");
	waits(&w, "OFFLINE (by hand)");
	host_keys(&w.h, "\re");
	host_keys(&w.h, "X\023");
	waits(&w, "out 1");
	mutate(&w, "{\"op\":\"delete\",\"model\":\"Post\",\"input\":{\"id\":\"p1\"}}");
	host_keys(&w.h, "O");
	waits(&w, "conf 1");
	host_keys(&w.h, "3");
	waits(&w, "edit/delete");
	host_sees(&w.h, "edited here");
	host_sees(&w.h, "deleted there");
	host_sees(&w.h, "not decided yet");
	host_keys(&w.h, "t");
	host_keys(&w.h, "w");
	waits(&w, "conf 0");
	host_keys(&w.h, "1");
	waits(&w, "Post 0 rows");
	host_quit(&w.h);
	world_end(&w);
}

static void a_refused_change_stays_and_holds_up_nothing(void **st) /* S5, U-02, U-03 */
{
	struct world w;

	(void)st;
	world_start(&w, "automerge", NULL);
	mutate(&w, P1);
	mutate(&w, P2);
	screen(&w, 24, 80);
	waits(&w, "ONLINE live");
	waits(&w, "Two");
	sd_json_free(sd_test_admin(w.server, "POST", "fault",
		"{\"kind\":\"graphqlError\",\"op\":\"mutation\",\"field\":\"updatePost\",\"count\":"
		"1,"
		"\"errorType\":\"Unauthorized\",\"message\":\"Not Authorized to access "
		"updatePost\"}"));
	host_keys(&w.h, "\re");
	host_keys(&w.h, "X\023");
	waits(&w, "refused 1");
	waits(&w, ">x");
	host_keys(&w.h, "o");
	host_sees(&w.h, "x REFUSED");
	host_sees(&w.h, "Not Authorized");
	host_keys(&w.h, "r");
	assert_true(vts_wait_gone(w.h.v, "refused 1", MS));
	waits(&w, "out 0");
	server_has(&w, "title", "\"OneX\"");
	host_quit(&w.h);
	world_end(&w);
}

static const char USERS[] = "[{\"username\":\"ana\",\"password\":\"Passw0rd!a\",\"sub\":\"s-ana\"},"
			    "{\"username\":\"bo\",\"password\":\"Passw0rd!b\",\"sub\":\"s-bo\"}]";

static void switching_users_guards_what_is_unsent(void **st) /* S7, U-08, U-09 */
{
	struct world w;

	(void)st;
	world_start(&w, "automerge", USERS);
	mutate(&w, P1);
	screen(&w, 24, 80);
	host_keys(&w.h, "@");
	host_sees(&w.h, "Sign in");
	host_keys(&w.h, "+");
	host_keys(&w.h, "ana\r");
	host_sees(&w.h, "Password of ana");
	host_keys(&w.h, "Passw0rd!a");
	host_sees_not(&w.h, "Passw0rd!a");
	host_keys(&w.h, "\r");
	waits(&w, "Signed in as ana.");
	waits(&w, ">   One");
	waits(&w, "ONLINE live");
	host_keys(&w.h, "O");
	waits(&w, "OFFLINE (by hand)");
	host_keys(&w.h, "\re");
	host_keys(&w.h, "-SECRET\023");
	waits(&w, "out 1");
	host_keys(&w.h, "@");
	host_sees(&w.h, "signed in    ana");
	host_keys(&w.h, "+");
	host_keys(&w.h, "bo\rPassw0rd!b\r");
	waits(&w, "! 1 change of ana has not reached the server.");
	host_keys(&w.h, "\r"); /* stay */
	waits(&w, "Stayed");
	waits(&w, "One-SECRET"); /* it is all there */
	host_keys(&w.h, "@");
	host_keys(&w.h, "+");
	host_keys(&w.h, "bo\rPassw0rd!b\r");
	waits(&w, "! 1 change of ana");
	host_keys(&w.h, "d");
	waits(&w, "type 1 to do it");
	host_keys(&w.h, "1\r");
	waits(&w, "Signed in as bo.");
	waits(&w, "bo  ");
	host_sees_not(&w.h, "SECRET");
	host_quit(&w.h);
	world_end(&w);
}

static void signing_out_locks_and_the_same_user_finds_everything(void **st) /* S7.5 */
{
	struct world w;

	(void)st;
	world_start(&w, "automerge", USERS);
	mutate(&w, P1);
	screen(&w, 24, 80);
	host_keys(&w.h, "@");
	host_keys(&w.h, "+");
	host_keys(&w.h, "ana\rPassw0rd!a\r");
	waits(&w, ">   One");
	waits(&w, "ONLINE live");
	host_keys(&w.h, "O");
	waits(&w, "OFFLINE (by hand)");
	host_keys(&w.h, "\re");
	host_keys(&w.h, "X\023");
	waits(&w, "out 1");
	host_keys(&w.h, "@");
	host_keys(&w.h, "o");
	waits(&w, "LOCKED");
	host_sees_not(&w.h, "One");
	host_keys(&w.h, "e"); /* nothing of it can be reached */
	host_sees(&w.h, "locked");
	host_keys(&w.h, "2");
	host_sees_not(&w.h, "One");
	host_quit(&w.h);
	screen(&w, 24, 80);
	host_sees(&w.h, "LOCKED");
	host_sees_not(&w.h, "Post");
	host_keys(&w.h, "@");
	host_sees(&w.h, "sign in as ana");
	host_keys(&w.h, "\rPassw0rd!a\r");
	waits(&w, "Signed in as ana.");
	waits(&w, "OneX");
	host_quit(&w.h);
	world_end(&w);
}

static void a_silent_socket_is_called_stale_and_caught_up(void **st) /* S9, U-14 */
{
	struct world w;

	(void)st;
	world_start(&w, "automerge", NULL);
	sd_test_server_stop(w.server);
	w.so.keep_alive_ms = 300;
	w.so.connection_timeout_ms = 1000;
	serve(&w);
	mutate(&w, P1);
	screen(&w, 24, 80);
	waits(&w, ">   One");
	waits(&w, "ONLINE live");
	sd_json_free(sd_test_admin(w.server, "POST", "ws", "{\"mute\":true}"));
	mutate(&w, P2);
	assert_true(vts_wait_gone(w.h.v, "ONLINE live", MS)); /* it does not go on claiming so */
	sd_json_free(sd_test_admin(w.server, "POST", "ws", "{\"mute\":false}"));
	waits(&w, "ONLINE live");
	waits(&w, "Two");
	host_quit(&w.h);
	world_end(&w);
}

static void read_only_sends_nothing_whatever_is_pressed(void **st) /* S10.1, U-38 */
{
	struct world w;
	struct sd_test_reply r = {0};

	(void)st;
	world_start(&w, "automerge", NULL);
	mutate(&w, P1);
	w.read_only = true;
	screen(&w, 24, 80);
	waits(&w, "READ-ONLY");
	waits(&w, "ONLINE live");
	waits(&w, ">   One");
	for (int view = '1'; view <= '5'; view++) {
		for (char c = 1; c < 127; c++) {
			char keys[] = {c, 0};

			if (c == 3 || c == 26 || c == 27 || c == 'q' || c == 'Q' || c == 'O')
				continue; /* ends, suspends, and what closes a dialog */
			host_keys(&w.h, keys);
			if (!vts_has(w.h.v, "Data") || vts_has(w.h.v, "Enter runs") ||
				vts_has(w.h.v, "Esc"))
				host_keys(&w.h, "\033");
		}
		for (int i = 0; i < 4; i++)
			host_keys(&w.h, "\033");
		host_keys(&w.h, (char[]){(char)view, 0});
	}
	host_sees(&w.h, "out 0");
	sd_test_http(w.server, "GET", "/_sandbox/log?since=0", NULL, NULL, &r);
	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.body, "syncPosts"));
	assert_null(strstr(r.body, "updatePost("));
	assert_null(strstr(r.body, "createPost("));
	assert_null(strstr(r.body, "deletePost("));
	sd_test_reply_release(&r);
	host_quit(&w.h);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_live_and_stay_when_the_server_is_gone),
		cmocka_unit_test(offline_work_is_badged_and_sent_once),
		cmocka_unit_test(a_conflict_is_decided_field_by_field),
		cmocka_unit_test(a_long_result_is_edited_outside),
		cmocka_unit_test(deleted_there_and_edited_here_is_one_decision),
		cmocka_unit_test(a_refused_change_stays_and_holds_up_nothing),
		cmocka_unit_test(switching_users_guards_what_is_unsent),
		cmocka_unit_test(signing_out_locks_and_the_same_user_finds_everything),
		cmocka_unit_test(a_silent_socket_is_called_stale_and_caught_up),
		cmocka_unit_test(read_only_sends_nothing_whatever_is_pressed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
