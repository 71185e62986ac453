/*
 * core/sync/push_command.c - policies that are a command: the conflict goes to its standard input,
 * the decision comes from its standard output (contract.md 7, R-082, R-085).
 *
 * When the command fails, or decides what cannot be, the conflict waits for a person.
 */
#include "core/sync/push.h"

#include <stdlib.h>
#include <string.h>

#include "core/json/json.h"

enum sd_err sd_push_command(
	struct sd_engine *en, const struct sd_case *c, int64_t id, struct sd_error *e)
{
	const char *command = en->set->models[c->m.model->id].policy_command;
	struct sd_conflict conflict;
	struct sd_flight *f;
	struct sd_action a = {.kind = SD_ACT_COMMAND, .timeout_ms = en->set->timeout_ms};
	struct cJSON *in = NULL;
	enum sd_err rc = sd_conflict_get(en->store, id, &conflict, e);

	if (rc != SD_OK)
		return rc;
	rc = sd_conflict_json(&conflict, &in, e);
	sd_conflict_release(&conflict);
	if (rc != SD_OK)
		return rc;
	sd_json_add_str(in, "operation", sd_op_name(c->m.op));
	sd_json_add_int(in, "attempts", c->m.conflict_attempts > 0 ? c->m.conflict_attempts : 1);
	a.input = sd_json_text(in);
	sd_json_free(in);
	a.text = strdup(command ? command : "");
	f = a.input && a.text ? sd_flight_add(en->push) : NULL;
	if (!f) {
		sd_action_release(&a);
		return sd_fail(e, SD_NOMEM, 0, "policy command: out of memory");
	}
	f->kind = SD_FLIGHT_COMMAND;
	f->conflict = id;
	f->id = a.id = ++en->next_id;
	f->seq[0] = c->m.seq;
	f->count = 1;
	f->model = c->m.model;
	return sd_en_act(en, a) ? SD_OK : sd_fail(e, SD_NOMEM, 0, "policy command: out of memory");
}

/* {"keep":"mine"}, {"picks":{"title":"mine"}}, {"fields":{"title":value}} and combinations; or
 * the bare word. */
static enum sd_err decide_by(
	struct sd_engine *en, int64_t id, const char *output, int64_t now_ms, struct sd_error *e)
{
	struct cJSON *o = NULL, *write = NULL;
	const struct cJSON *sets;
	size_t n = strlen(output);
	char word[16];
	int keep = SD_PICK_NONE;
	enum sd_err rc;

	while (n && (output[n - 1] == '\n' || output[n - 1] == '\r' || output[n - 1] == ' '))
		n--;
	if (n && n < sizeof word && output[0] >= 'a' && output[0] <= 'z') {
		memcpy(word, output, n);
		word[n] = '\0';
		keep = sd_pick_parse(word);
	} else {
		rc = sd_json_parse(output, n, "the policy command's output", &o, e);
		if (rc != SD_OK)
			return rc;
		if (sd_json_get_str(o, "keep"))
			keep = sd_pick_parse(sd_json_get_str(o, "keep"));
	}
	if (keep < 0 || (!o && keep == SD_PICK_NONE)) {
		sd_json_free(o);
		return sd_fail(e, SD_INVAL, 0,
			"the policy command's output: keep is mine, theirs or base");
	}
	sets = sd_json_get(o, "fields");
	if (!sets)
		sets = sd_json_get(o, "sets");
	rc = sd_conflict_resolve(en->store, id, (enum sd_pick)keep, sd_json_get(o, "picks"), sets,
		"policy command", false, now_ms, &write, e);
	sd_json_free(write);
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
		return rc == SD_NOTFOUND ? SD_OK : rc;
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
	return rc;
}
