/*
 * tests/proto/test_torture.c - the program, killed at random points of random commands (R-003,
 * R-050, S6.1): every save it acknowledged is there, every one it did not is there whole or not at
 * all, and in the end the backend holds the same, each change once.
 *
 * Up to three processes work on one profile at the same time: save, save --input, delete, batch,
 * import, sync against a backend that fails now and then.  TORTURE=500 in the environment says how often
 * to kill (make torture); 60 without.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/fs.h"
#include "core/base/rand.h"
#include "core/base/text.h"
#include "core/json/json.h"
#include "core/store/store.h"
#include "tests/support/program.h"
#include "tests/support/run_sandbox.h"

#define SLOTS    3  /* processes at a time */
#define KEYS     6  /* single records of a slot */
#define IMPORTED 30 /* records of a slot that are imported, written in chunks */
#define GROUP    12 /* records of a slot that are always saved together */

static const char SDL[] = "type Post @model { id: ID! title: String! rating: Int }\n";

enum kind { SAVE, INPUT, BATCH, REMOVE, IMPORT, SYNC };

/* What may be in a record: at least what was acknowledged, at most what was tried. */
struct value {
	int acked, tried;
};

struct slot {
	struct value key[KEYS], group, import;
	int victim;              /* number of the record that is to be deleted next */
	bool there, tried, gone; /* it: saved and acknowledged, a delete was tried, acknowledged */
	int next;
};

struct world {
	struct program p;
	char *input_file;
	bool backend;
	struct slot slot[SLOTS];
	int undone; /* records made and taken back so far */
};

struct job {
	pid_t pid;
	int out;
	enum kind kind;
	int slot, key, value;
	struct sd_buf text;
	bool ended;
	int status;
};

static struct sd_schema *schema;
static struct sd_sandbox_opts opts;
static struct sd_test_server *srv;
static struct sd_rand rnd;
static int kills, finished;

static int below(int n)
{
	return (int)sd_rand_below(&rnd, (uint32_t)n);
}

/* ---- starting and killing ---- */

/* Lets it live for so long, then kills it, unless it is done before. */
static void end_after(struct job *j, int64_t until_us)
{
	for (;;) {
		pid_t got = waitpid(j->pid, &j->status, WNOHANG);
		if (got == j->pid) {
			j->ended = true;
			finished++;
			break;
		}
		if (sd_mono_ms() * 1000 >= until_us) {
			kill(j->pid, SIGKILL);
			assert_int_equal(waitpid(j->pid, &j->status, 0), j->pid);
			j->ended = !WIFSIGNALED(j->status);
			kills += !j->ended;
			finished += j->ended;
			break;
		}
		usleep(200);
	}
	program_drain(j->out, &j->text);
}

/* ---- what a job does ---- */

static void spawn(const struct world *w, struct job *j, const char *const *args, const char *input)
{
	int in = -1;

	if (input) {
		char path[600];
		FILE *f;
		snprintf(path, sizeof path, "%s.%d", w->input_file, j->slot);
		f = fopen(path, "we");
		assert_non_null(f);
		fputs(input, f);
		fclose(f);
		in = open(path, O_RDONLY | O_CLOEXEC);
	}
	j->pid = program_start(&w->p, args, in, &j->out);
	if (in >= 0)
		close(in);
}

static void start_save(struct world *w, struct job *j)
{
	struct value *v = &w->slot[j->slot].key[j->key = below(KEYS)];
	char id[32], rating[32];
	const char *args[] = {"save", "Post", id, "title=single", rating, NULL};

	j->value = ++v->tried;
	snprintf(id, sizeof id, "id=k%d_%d", j->slot, j->key);
	snprintf(rating, sizeof rating, "rating=%d", j->value);
	spawn(w, j, args, NULL);
}

static void start_input(struct world *w, struct job *j)
{
	static const char *const args[] = {"save", "Post", "--input", "-", NULL};
	struct value *v = &w->slot[j->slot].group;
	struct sd_buf b = SD_BUF_INIT;

	j->value = ++v->tried;
	for (int i = 0; i < GROUP; i++)
		sd_buf_fmt(&b, "{\"id\":\"g%d_%d\",\"title\":\"together\",\"rating\":%d}\n",
			j->slot, i, j->value);
	spawn(w, j, args, sd_buf_text(&b));
	sd_buf_release(&b);
}

/* Line n of the batch saves key n - 1. */
static void start_batch(struct world *w, struct job *j)
{
	static const char *const args[] = {"batch", NULL};
	struct sd_buf b = SD_BUF_INIT;

	for (int i = 0; i < KEYS; i++)
		sd_buf_fmt(&b, "save Post id=k%d_%d title=batch rating=%d\n", j->slot, i,
			++w->slot[j->slot].key[i].tried);
	spawn(w, j, args, sd_buf_text(&b));
	sd_buf_release(&b);
}

static void start_remove(struct world *w, struct job *j)
{
	struct slot *s = &w->slot[j->slot];
	char id[32], word[40];
	const char *save[] = {"save", "Post", word, "title=victim", NULL};
	const char *delete[] = {"delete", "Post", id, NULL};

	if (s->gone || !s->victim || (s->tried && !s->there)) {
		s->victim = ++s->next;
		s->there = s->tried = s->gone = false;
	}
	snprintf(id, sizeof id, "d%d_%d", j->slot, s->victim);
	snprintf(word, sizeof word, "id=%s", id);
	if (s->there)
		s->tried = true;
	j->key = s->victim;
	j->value = s->there;
	spawn(w, j, s->there ? delete : save, NULL);
}

static void start_import(struct world *w, struct job *j)
{
	struct value *v = &w->slot[j->slot].import;
	struct sd_buf b = SD_BUF_INIT;
	char path[600];
	const char *args[] = {"import", "Post", path, "--chunk", "7", NULL};

	j->value = ++v->tried;
	for (int i = 0; i < IMPORTED; i++)
		sd_buf_fmt(&b, "{\"id\":\"i%d_%02d\",\"title\":\"import\",\"rating\":%d}\n",
			j->slot, i, j->value);
	snprintf(path, sizeof path, "%s.import%d", w->input_file, j->slot);
	assert_int_equal(sd_write_file(path, b.data, b.len, NULL), SD_OK);
	spawn(w, j, args, NULL);
	sd_buf_release(&b);
}

static void start_sync(struct world *w, struct job *j)
{
	static const char *const args[] = {"sync", "--once", "--timeout", "3s", NULL};

	spawn(w, j, args, NULL);
}

static void start(struct world *w, struct job *j, int slot)
{
	static void (*const START[])(struct world *, struct job *) = {
		start_save, start_input, start_batch, start_remove, start_import, start_sync};

	*j = (struct job){.slot = slot, .text = SD_BUF_INIT};
	j->kind = (enum kind)below(w->backend ? SYNC + 1 : SYNC);
	START[j->kind](w, j);
}

/* ---- what it acknowledged ---- */

static void note_line(struct world *w, struct job *j, const struct cJSON *line)
{
	struct slot *s = &w->slot[j->slot];
	int n = (int)sd_json_get_i64(line, "n", 0);

	switch (j->kind) {
	case SAVE:
		s->key[j->key].acked = j->value;
		break;
	case INPUT:
		s->group.acked = j->value;
		break;
	case BATCH:
		if (n > 0 && sd_json_get_i64(line, "exit", -1) == 0)
			s->key[n - 1].acked = (int)sd_json_get_i64(
				sd_json_child(sd_json_get(line, "out")), "rating", 0);
		break;
	case REMOVE:
		if (j->value)
			s->gone = true;
		else
			s->there = true;
		break;
	default:
		break;
	}
}

/* Only whole lines count: half a line says nothing. */
static void note(struct world *w, struct job *j)
{
	const char *p = sd_buf_text(&j->text), *end;

	for (; (end = strchr(p, '\n')); p = end + 1) {
		struct cJSON *line = NULL;
		assert_int_equal(sd_json_parse(p, (size_t)(end - p), "answer", &line, NULL), SD_OK);
		note_line(w, j, line);
		sd_json_free(line);
	}
	if (j->ended && j->kind == IMPORT && WEXITSTATUS(j->status) == 0)
		w->slot[j->slot].import.acked = j->value;
	if (j->ended && j->kind != SYNC && WEXITSTATUS(j->status) != 0) {
		struct sd_buf said = SD_BUF_INIT;
		program_said(&w->p, &said);
		fail_msg("a %d ended with %d: %s", (int)j->kind, WEXITSTATUS(j->status),
			sd_buf_text(&said));
	}
	sd_buf_release(&j->text);
}

/* ---- looking ---- */

/* All records of the profile, as an object id -> record; owned. */
static struct cJSON *look(const struct world *w)
{
	static const char *const args[] = {"query", "Post", "--limit", "0", NULL};
	struct cJSON *all = sd_json_object();
	struct sd_buf text = SD_BUF_INIT;
	const char *p, *end;

	assert_int_equal(program_run(&w->p, args, &text), 0);
	for (p = sd_buf_text(&text); (end = strchr(p, '\n')); p = end + 1) {
		struct cJSON *rec = NULL;
		assert_int_equal(sd_json_parse(p, (size_t)(end - p), "query", &rec, NULL), SD_OK);
		assert_true(sd_json_add(all, sd_json_get_str(rec, "id"), rec));
	}
	sd_buf_release(&text);
	return all;
}

static int rating(const struct cJSON *all, const char *id)
{
	return (int)sd_json_get_i64(sd_json_get(all, id), "rating", 0);
}

static void within(const struct value *v, int got, const char *id)
{
	if (got < v->acked || got > v->tried)
		fail_msg("%s: %d was acknowledged, %d tried, %d is there", id, v->acked, v->tried,
			got);
}

static void verify_slot(const struct slot *s, int k, const struct cJSON *all)
{
	char id[32];
	int first;

	for (int i = 0; i < KEYS; i++) {
		snprintf(id, sizeof id, "k%d_%d", k, i);
		within(&s->key[i], rating(all, id), id);
	}
	snprintf(id, sizeof id, "g%d_0", k);
	first = rating(all, id);
	within(&s->group, first, id);
	for (int i = 1; i < GROUP; i++) { /* saved together: never in parts */
		snprintf(id, sizeof id, "g%d_%d", k, i);
		if (rating(all, id) != first)
			fail_msg("%s has %d, g%d_0 has %d", id, rating(all, id), k, first);
	}
	for (int i = 0; i < IMPORTED; i++) {
		snprintf(id, sizeof id, "i%d_%02d", k, i);
		within(&s->import, rating(all, id), id);
	}
	snprintf(id, sizeof id, "d%d_%d", k, s->victim);
	if (s->gone && sd_json_get(all, id))
		fail_msg("%s was deleted and is there", id);
	if (s->there && !s->tried && !sd_json_get(all, id))
		fail_msg("%s was saved and is not there", id);
}

/* What is there now is what may be there from now on. */
static void settle_victims(struct world *w, const struct cJSON *all)
{
	for (int k = 0; k < SLOTS; k++) {
		struct slot *s = &w->slot[k];
		char id[32];
		snprintf(id, sizeof id, "d%d_%d", k, s->victim);
		if (s->tried && !s->gone && !sd_json_get(all, id))
			s->gone = true;
		if (!s->there && s->victim && sd_json_get(all, id))
			s->there = true;
	}
}

static void verify(struct world *w)
{
	struct cJSON *all = look(w);

	for (int k = 0; k < SLOTS; k++)
		verify_slot(&w->slot[k], k, all);
	settle_victims(w, all);
	sd_json_free(all);
}

static void sound(const struct world *w)
{
	struct sd_store_opts o = {.dir = w->p.dir, .schema = schema, .rand = &rnd};
	struct sd_error e = {.code = SD_OK};
	struct sd_store *st = NULL;
	enum sd_err rc = sd_store_open(&o, &st, &e);

	if (rc == SD_OK)
		rc = sd_store_check(st, &e);
	sd_store_close(st);
	if (rc != SD_OK)
		fail_msg("%s", e.text);
}

/* ---- the torture ---- */

static void trouble(void)
{
	static const char *const FAULT[] = {"{\"kind\":\"status\",\"status\":503,\"count\":2}",
		"{\"kind\":\"lostResponse\",\"op\":\"mutation\",\"count\":2}",
		"{\"kind\":\"reset\"}", "{\"kind\":\"delay\",\"ms\":40,\"count\":5}",
		"{\"kind\":\"truncate\"}"};

	sd_json_free(sd_test_admin(srv, "DELETE", "fault", NULL));
	if (below(2))
		sd_json_free(sd_test_admin(
			srv, "POST", "fault", FAULT[below((int)(sizeof FAULT / sizeof *FAULT))]));
}

static void one_round(struct world *w, int span_us)
{
	struct job j[SLOTS];
	int n = 1 + below(SLOTS);

	if (w->backend)
		trouble();
	for (int i = 0; i < n; i++)
		start(w, &j[i], i);
	for (int i = 0; i < n; i++)
		end_after(&j[i], sd_mono_ms() * 1000 + below(span_us));
	for (int i = 0; i < n; i++)
		note(w, &j[i]);
	verify(w);
}

/* A new record, acknowledged; its undo, killed: the record is there or not, and not when the undo
 * was acknowledged. */
static void one_undo(struct world *w, int span_us)
{
	char word[32], id[32];
	const char *save[] = {"save", "Post", word, "title=undo", "rating=1", NULL};
	static const char *const undo[] = {"undo", NULL};
	struct job j = {.text = SD_BUF_INIT};
	struct cJSON *all;

	snprintf(id, sizeof id, "u%d", ++w->undone);
	snprintf(word, sizeof word, "id=%s", id);
	assert_int_equal(program_run(&w->p, save, NULL), 0);
	j.pid = program_start(&w->p, undo, -1, &j.out);
	end_after(&j, sd_mono_ms() * 1000 + below(span_us));
	all = look(w);
	if (j.ended && sd_json_get(all, id))
		fail_msg("the undo of %s was acknowledged, it is there", id);
	if (!j.ended && sd_json_get(all, id))
		assert_int_equal(rating(all, id), 1);
	sd_json_free(all);
	sd_buf_release(&j.text);
}

static void open_world(struct world *w, bool backend)
{
	memset(w, 0, sizeof *w);
	w->backend = backend;
	program_open(&w->p, SDL, backend ? sd_test_server_url(srv) : NULL);
	w->input_file = sd_path_join(w->p.dir, "input");
}

static void close_world(struct world *w)
{
	free(w->input_file);
	program_close(&w->p);
}

static int wanted(void)
{
	const char *s = getenv("TORTURE");
	int64_t n;

	return s && sd_parse_i64(s, &n) && n > 0 && n < 1000000 ? (int)n : 60;
}

/* How long a save takes here and now, in us. */
static int span(const struct world *w)
{
	struct cJSON *all;
	int64_t from = sd_mono_ms();

	for (int i = 0; i < 4; i++) {
		all = look(w);
		sd_json_free(all);
	}
	return (int)(sd_mono_ms() - from) * 1000 / 4 * 3 / 2 + 2000;
}

static void killed_anywhere_the_program_keeps_every_acknowledged_save(void **st)
{
	struct world w;
	int want = wanted() / 2, limit;

	(void)st;
	open_world(&w, false);
	limit = span(&w);
	for (int i = 0; kills < want; i++) {
		if (i % 4 == 3)
			one_undo(&w, limit);
		else
			one_round(&w, limit);
		if (i % 8 == 7)
			sound(&w);
		assert_true(i < want * 20 + 200);
	}
	sound(&w);
	print_message("%d kills, %d commands ended before\n", kills, finished);
	close_world(&w);
}

/* A change that was sent twice would have made one version more. */
static void each_once(const struct world *w, const struct cJSON *row)
{
	const char *id = sd_json_get_str(row, "id");
	int k = id[1] - '0', tried = 1;

	if (id[0] == 'k')
		tried = w->slot[k].key[id[3] - '0'].tried;
	else if (id[0] == 'g')
		tried = w->slot[k].group.tried;
	else if (id[0] == 'i')
		tried = w->slot[k].import.tried;
	if (sd_json_get_i64(row, "_version", 0) > tried)
		fail_msg("%s was changed %d times, the backend has version %d", id, tried,
			(int)sd_json_get_i64(row, "_version", 0));
}

/* Every record of the backend is the local one, and nothing is left to be sent. */
static void same_as_the_backend(struct world *w)
{
	static const char *const args[] = {"sync", "--once", "--timeout", "30s", NULL};
	static const char *const queue[] = {"outbox", NULL};
	struct sd_buf text = SD_BUF_INIT;
	struct cJSON *all, *dump;
	int live = 0;

	sd_json_free(sd_test_admin(srv, "DELETE", "fault", NULL));
	assert_int_equal(program_run(&w->p, args, NULL), 0);
	assert_int_equal(program_run(&w->p, queue, &text), 0);
	assert_string_equal(sd_buf_text(&text), "");
	verify(w);
	all = look(w);
	dump = sd_test_admin(srv, "GET", "dump?model=Post", NULL);
	for (const struct cJSON *r = sd_json_child(dump); r; r = sd_json_next(r)) {
		const struct cJSON *mine = sd_json_get(all, sd_json_get_str(r, "id"));
		if (sd_json_is_true(sd_json_get(r, "_deleted"))) {
			assert_null(mine);
			continue;
		}
		live++;
		assert_non_null(mine);
		each_once(w, r);
		assert_int_equal(
			sd_json_get_i64(mine, "rating", 0), sd_json_get_i64(r, "rating", 0));
		assert_int_equal(
			sd_json_get_i64(mine, "_version", 0), sd_json_get_i64(r, "_version", -1));
	}
	assert_int_equal(live, sd_json_count(all));
	sd_json_free(all);
	sd_json_free(dump);
	sd_buf_release(&text);
}

static void killed_while_it_syncs_it_loses_nothing_and_sends_each_change_once(void **st)
{
	struct world w;
	int want = wanted(), limit;

	(void)st;
	open_world(&w, true);
	limit = span(&w) * 3;
	for (int i = 0; kills < want; i++) {
		one_round(&w, limit);
		if (i % 8 == 7)
			sound(&w);
		assert_true(i < want * 20 + 200);
	}
	same_as_the_backend(&w);
	sound(&w);
	print_message("%d kills, %d commands ended before\n", kills, finished);
	close_world(&w);
}

static int setup(void **st)
{
	(void)st;
	sd_rand_seeded(&rnd, 4711);
	if (sd_schema_read(SDL, sizeof SDL - 1, "test", &schema, NULL) != SD_OK)
		return -1;
	sd_test_server_defaults(&opts, schema);
	srv = sd_test_server_start(&opts);
	return 0;
}

static int teardown(void **st)
{
	(void)st;
	sd_test_server_stop(srv);
	sd_schema_free(schema);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_anywhere_the_program_keeps_every_acknowledged_save),
		cmocka_unit_test(killed_while_it_syncs_it_loses_nothing_and_sends_each_change_once),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
