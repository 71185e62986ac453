/*
 * core/sync/push_command.c - policies that are a command: the conflict goes to its standard input,
 * the decision comes from its standard output (contract.md 7, R-082, R-085).
 *
 * When the command fails, or decides what cannot be, the conflict waits for a person.  A start asks
 * again about every conflict there is: an answer that was not waited for is lost with its process.
 */
#include "core/sync/push.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"

static bool asked(const struct sd_push *p, int64_t id)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->flights[i].kind == SD_FLIGHT_COMMAND && p->flights[i].conflict == id)
			return true;
	for (size_t i = 0; i < p->ask_count; i++)
		if (p->ask[i] == id)
			return true;
	return false;
}

static bool remember(struct sd_push *p, int64_t id)
{
	if (asked(p, id))
		return true;
	if (p->ask_count == p->ask_room) {
		size_t room = p->ask_room ? p->ask_room * 2 : 16;
		int64_t *a = realloc(p->ask, room * sizeof *a);
		if (!a)
			return false;
		p->ask = a;
		p->ask_room = room;
	}
	p->ask[p->ask_count++] = id;
	return true;
}

/* The command's input: the conflict's line, the operation and how often it was tried. */
static enum sd_err input_of(
	struct sd_engine *en, const struct sd_conflict *x, char **text, struct sd_error *e)
{
	struct cJSON *in = NULL;
	struct sd_mutation m;
	enum sd_err rc = sd_outbox_get(en->store, x->seq, &m, e);

	*text = NULL;
	if (rc != SD_OK)
		return rc;
	rc = sd_conflict_json(x, &in, e);
	if (rc == SD_OK) {
		sd_json_add_str(in, "operation", sd_op_name(m.op));
		sd_json_add_int(in, "attempts", m.conflict_attempts > 0 ? m.conflict_attempts : 1);
		*text = sd_json_text(in);
		sd_json_free(in);
	}
	sd_mutation_release(&m);
	if (rc == SD_OK && !*text)
		rc = sd_fail(e, SD_NOMEM, 0, "policy command: out of memory");
	return rc;
}

static enum sd_err launch(struct sd_engine *en, int64_t id, struct sd_error *e)
{
	struct sd_conflict x;
	struct sd_flight *f;
	struct sd_action a = {.kind = SD_ACT_COMMAND, .timeout_ms = en->set->timeout_ms};
	const char *command;
	enum sd_err rc = sd_conflict_get(en->store, id, &x, e);

	if (rc != SD_OK)
		return rc == SD_NOTFOUND ? SD_OK : rc; /* decided meanwhile */
	command = en->set->models[x.model->id].policy_command;
	rc = input_of(en, &x, &a.input, e);
	if (rc == SD_NOTFOUND)
		rc = SD_OK;
	else if (rc == SD_OK) {
		a.text = strdup(command ? command : "");
		f = a.text ? sd_flight_add(en->push) : NULL;
		if (f) {
			f->kind = SD_FLIGHT_COMMAND;
			f->conflict = id;
			f->id = a.id = ++en->next_id;
			f->seq[0] = x.seq;
			f->count = 1;
			f->model = x.model;
			sd_conflict_release(&x);
			return sd_en_act(en, a)
				       ? SD_OK
				       : sd_fail(e, SD_NOMEM, 0, "policy command: out of memory");
		}
		rc = sd_fail(e, SD_NOMEM, 0, "policy command: out of memory");
	}
	sd_action_release(&a);
	sd_conflict_release(&x);
	return rc;
}

enum sd_err sd_push_ask_commands(struct sd_engine *en, struct sd_error *e)
{
	struct sd_push *p = en->push;
	size_t running = 0;
	enum sd_err rc = SD_OK;

	for (size_t i = 0; i < p->count; i++)
		running += p->flights[i].kind == SD_FLIGHT_COMMAND;
	while (rc == SD_OK && p->ask_count && running < SD_PUSH_COMMANDS) {
		size_t before = p->count;
		int64_t id = p->ask[0];
		memmove(p->ask, p->ask + 1, --p->ask_count * sizeof *p->ask);
		rc = launch(en, id, e);
		running += p->count - before;
	}
	return rc;
}

enum sd_err sd_push_command(
	struct sd_engine *en, const struct sd_case *c, int64_t id, struct sd_error *e)
{
	(void)c;
	if (!remember(en->push, id))
		return sd_fail(e, SD_NOMEM, 0, "policy command: out of memory");
	return sd_push_ask_commands(en, e);
}

struct left {
	struct sd_engine *en;
	bool failed;
};

static bool note_left(void *ctx, struct sd_conflict *x)
{
	struct left *l = ctx;

	if (l->en->set->models[x->model->id].policy == SD_POLICY_COMMAND)
		l->failed = !remember(l->en->push, x->id);
	return !l->failed;
}

enum sd_err sd_push_commands_again(struct sd_engine *en, struct sd_error *e)
{
	struct left l = {en, false};
	enum sd_err rc = sd_conflict_each(en->store, note_left, &l, e);

	if (rc == SD_OK && l.failed)
		rc = sd_fail(e, SD_NOMEM, 0, "policy command: out of memory");
	return rc == SD_OK ? sd_push_ask_commands(en, e) : rc;
}

void sd_push_commands_drop(struct sd_push *p)
{
	for (size_t i = p->count; i-- > 0;)
		if (p->flights[i].kind == SD_FLIGHT_COMMAND)
			sd_flight_drop(p, &p->flights[i]);
	p->ask_count = 0;
}

/* The first of the names that is there. */
static const struct cJSON *either(const struct cJSON *o, const char *a, const char *b)
{
	const struct cJSON *v = sd_json_get(o, a);

	return v ? v : sd_json_get(o, b);
}

/* The conflict's own "fields", handed back with their picks filled in, as {"title":"mine"}. */
static enum sd_err picks_of(const struct cJSON *fields, struct cJSON **out, struct sd_error *e)
{
	struct cJSON *o = sd_json_object();
	bool ok = o != NULL;

	for (const struct cJSON *f = sd_json_child(fields); f && ok; f = sd_json_next(f)) {
		const char *name = sd_json_get_str(f, "name");
		const char *pick = sd_json_get_str(f, "pick");
		if (name && pick)
			ok = sd_json_set(o, name, sd_json_string(pick));
	}
	*out = o;
	return ok ? SD_OK : sd_fail(e, SD_NOMEM, 0, "policy command: out of memory");
}

/* A decision as JSON. */
static enum sd_err decide_json(
	struct sd_engine *en, int64_t id, const struct cJSON *o, int64_t now_ms, struct sd_error *e)
{
	const struct cJSON *word = sd_json_str(o) ? o : either(o, "keep", "decision");
	const struct cJSON *picks = either(o, "picks", "field"), *sets = either(o, "set", "sets");
	struct cJSON *own = NULL, *write = NULL;
	int keep = word ? sd_pick_parse(sd_json_str(word)) : SD_PICK_NONE;
	enum sd_err rc = SD_OK;

	if (keep < 0 || (word && keep == SD_PICK_NONE))
		return sd_fail(e, SD_INVAL, 0,
			"the policy command's output: keep is mine, theirs or base");
	if (sd_json_is_array(sd_json_get(o, "fields")) && !picks) {
		rc = picks_of(sd_json_get(o, "fields"), &own, e);
		picks = own;
	} else if (!sets) {
		sets = sd_json_get(o, "fields");
	}
	if (rc == SD_OK)
		rc = sd_conflict_resolve(en->store, id, (enum sd_pick)keep, picks, sets,
			"policy command", false, now_ms, &write, e);
	sd_json_free(write);
	sd_json_free(own);
	return rc;
}

/* The bare word mine, theirs or base, also as {"keep":"mine"}; {"field":{"title":"mine"}} and
 * {"set":{"title":value}}, as `conflicts resolve` names them; or the conflict itself with a pick for
 * each clash. */
static enum sd_err decide_by(
	struct sd_engine *en, int64_t id, const char *output, int64_t now_ms, struct sd_error *e)
{
	static const char blanks[] = " \t\r\n";
	struct cJSON *o = NULL;
	enum sd_err rc = SD_OK;
	size_t n;

	output += strspn(output, blanks);
	for (n = strlen(output); n && strchr(blanks, output[n - 1]); n--)
		;
	if (n && output[0] >= 'a' && output[0] <= 'z') {
		char *word = sd_strdup_n(output, n);
		o = word ? sd_json_string(word) : NULL;
		free(word);
		if (!o)
			return sd_fail(e, SD_NOMEM, 0, "policy command: out of memory");
	} else {
		rc = sd_json_parse(output, n, "the policy command's output", &o, e);
	}
	if (rc == SD_OK)
		rc = decide_json(en, id, o, now_ms, e);
	sd_json_free(o);
	return rc;
}

enum sd_err sd_push_command_done(struct sd_engine *en, uint64_t id, const char *output,
	const char *failure, bool *mine, int64_t now_ms, struct sd_error *e)
{
	struct sd_push *p = en->push;
	struct sd_flight *f = NULL;
	struct sd_error why = {.code = SD_OK};
	struct sd_case c;
	int64_t conflict, seq;
	enum sd_err rc;

	for (size_t i = 0; i < p->count && !f; i++)
		if (p->flights[i].kind == SD_FLIGHT_COMMAND && p->flights[i].id == id)
			f = &p->flights[i];
	*mine = f != NULL;
	if (!f)
		return SD_OK;
	conflict = f->conflict;
	seq = f->seq[0];
	sd_flight_drop(p, f);
	en->push_wake = true;
	rc = sd_case_load(en, seq, &c, e);
	if (rc != SD_OK) /* wiped or resolved meanwhile */
		return rc == SD_NOTFOUND ? sd_push_ask_commands(en, e) : rc;
	if (output)
		rc = decide_by(en, conflict, output, now_ms, &why);
	else
		rc = sd_fail(&why, SD_FAILED, 0, "the policy command failed: %s",
			failure ? failure : "no output");
	if (rc == SD_OK) {
		sd_push_tell_resolved(en, conflict, "policy command", now_ms);
	} else if (rc == SD_INVAL || rc == SD_FAILED) { /* a person decides */
		if (c.m.lane == SD_LANE_CONFLICT)
			sd_push_tell_conflict(en, &c, conflict, now_ms);
		rc = SD_OK;
	} else if (rc == SD_NOTFOUND) {
		rc = SD_OK;
	} else if (e) {
		*e = why;
	}
	sd_case_release(&c);
	return rc == SD_OK ? sd_push_ask_commands(en, e) : rc;
}
