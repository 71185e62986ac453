/*
 * core/sandbox/core/job.c - requests that wait for a conflict handler (spec/server.md 2.6).
 *
 * A handler may take seconds, so a request that needs one is put aside at that root field, without
 * a transaction, and goes on there when the decision comes.  Meanwhile later updates and deletes of
 * the same record wait behind it, so that a record's changes keep their order; everything else goes
 * on.  A record that changed all the same (the administrator) is asked about again.
 */
#include "core/sandbox/core/internal.h"

#include <stdlib.h>
#include <string.h>

#define ASKS_MAX 10 /* the service's retry budget; MaxConflicts after it */

struct sbx_job {
	struct sbx_job *next; /* in order of arrival */
	struct sbx_body body;
	struct sbx_req r;
	struct sd_sbx_answer answer;
	struct sd_sbx_identity who;
	struct cJSON *claims; /* owned copy: who outlives the call */
	char *op, *model;     /* owned; a mutation by the administrator instead of a request */
	struct cJSON *input;
	sd_sbx_done_fn done;
	void *ctx;

	char *key;      /* owned; the record it waits for or decides on; NULL: none */
	uint64_t run;   /* the handler under way; 0: it waits behind another job */
	char *decision; /* owned; NULL: the handler failed */
	bool waits, decided;
	int64_t version; /* of the record that the handler was shown */
	int asks;
};

static void free_job(struct sbx_job *j)
{
	sbx_req_release(&j->r);
	sbx_body_release(&j->body);
	sd_sbx_answer_release(&j->answer);
	sd_json_free(j->claims);
	sd_json_free(j->input);
	free(j->op);
	free(j->model);
	free(j->key);
	free(j->decision);
	free(j);
}

void sbx_jobs_free(struct sd_sbx *s)
{
	for (struct sbx_job *j = s->jobs, *next; j; j = next) {
		next = j->next;
		j->done(j->ctx, NULL);
		free_job(j);
	}
	s->jobs = NULL;
}

static void take_out(struct sd_sbx *s, struct sbx_job *j)
{
	for (struct sbx_job **at = &s->jobs; *at; at = &(*at)->next)
		if (*at == j) {
			*at = j->next;
			break;
		}
	j->next = NULL;
}

static void append(struct sd_sbx *s, struct sbx_job *j)
{
	struct sbx_job **end = &s->jobs;

	while (*end)
		end = &(*end)->next;
	j->next = NULL;
	*end = j;
}

static bool same_key(const struct sbx_job *j, const char *key)
{
	return j->key && strcmp(j->key, key) == 0;
}

/* Whether a job that came before j (all of them, when j is not in the list) has the key. */
static bool behind(const struct sd_sbx *s, const struct sbx_job *j, const char *key)
{
	for (const struct sbx_job *x = s->jobs; x && x != j; x = x->next)
		if (same_key(x, key))
			return true;
	return false;
}

/* The job is about this record now, and leaves the one it was about before. */
static bool take_key(struct sd_sbx *s, struct sbx_job *j, char *key)
{
	if (j->key && strcmp(j->key, key) == 0) {
		free(key);
		return true;
	}
	if (j->key)
		take_out(s, j);
	else
		j->next = NULL;
	free(j->key);
	j->key = key;
	free(j->decision);
	j->decision = NULL;
	j->decided = false;
	j->asks = 0;
	append(s, j);
	return true;
}

static char *key_text(const struct sbx_model *m, const char *pk)
{
	struct sd_buf b = SD_BUF_INIT;

	sd_buf_str(&b, m->m->name);
	sd_buf_ch(&b, ' ');
	sd_buf_str(&b, pk);
	return sd_buf_take(&b);
}

bool sbx_job_must_wait(
	struct sd_sbx *s, struct sbx_job *j, const struct sbx_model *m, const char *pk)
{
	char *key = j && s->jobs ? key_text(m, pk) : NULL;

	if (!key)
		return false;
	if (!behind(s, same_key(j, key) ? j : NULL, key)) {
		free(key);
		return false;
	}
	j->waits = take_key(s, j, key);
	j->run = 0;
	return true;
}

enum sbx_asked sbx_job_ask(struct sd_sbx *s, struct sbx_job *j, const struct sbx_model *m,
	const char *pk, int64_t version, const char *payload, const char **decision)
{
	char *key = key_text(m, pk);
	const char *command = m->lambda ? m->lambda : s->o.lambda;

	*decision = NULL;
	if (!key)
		return SBX_ASK_DECIDED; /* out of memory: the handler failed */
	if (same_key(j, key) && j->decided && j->version == version) {
		*decision = j->decision;
		j->decided = false; /* it was for this one write */
		j->asks = 0;
		free(key);
		return SBX_ASK_DECIDED;
	}
	if (!take_key(s, j, key) || ++j->asks > ASKS_MAX)
		return SBX_ASK_GIVE_UP;
	j->decided = false;
	j->version = version;
	j->run = ++s->last_run;
	if (!s->o.ask_lambda(s->o.lambda_ctx, j->run, command, payload))
		return SBX_ASK_DECIDED;
	j->waits = true;
	return SBX_ASK_LATER;
}

static void mutate(struct sd_sbx *s, struct sbx_job *j, int64_t now_ms)
{
	struct sd_sbx_answer *a = &j->answer;
	struct cJSON *row = NULL;
	struct sd_error e = {0};
	bool later;
	enum sd_err rc = sbx_mutate(s, j, &later, j->op, j->model, j->input, now_ms, &row, &e);

	if (later)
		return;
	if (row) { /* the row, or the GraphQL error */
		a->status = rc == SD_OK ? 200 : 409;
		sd_json_print(row, &a->body);
	} else {
		a->status = rc == SD_NOTFOUND ? 404 : 400;
		sd_buf_str(&a->body, "{\"error\":");
		sd_json_quote(&a->body, e.text, strlen(e.text));
		sd_buf_ch(&a->body, '}');
	}
	sd_json_free(row);
}

/* Runs the job from where it stands; true: it is done and gone. */
static bool step(struct sd_sbx *s, struct sbx_job *j, int64_t now_ms)
{
	j->waits = false;
	j->r.now = now_ms;
	if (j->op)
		mutate(s, j, now_ms);
	else
		sbx_request_run(&j->r, &j->body, &j->answer);
	if (j->waits)
		return false;
	if (j->key)
		take_out(s, j);
	j->done(j->ctx, &j->answer);
	free_job(j);
	return true;
}

/* A job that can go on: decided, or no longer behind another. */
static struct sbx_job *ready(struct sd_sbx *s)
{
	for (struct sbx_job *j = s->jobs; j; j = j->next)
		if (j->run ? j->decided : !behind(s, j, j->key))
			return j;
	return NULL;
}

static void run_ready(struct sd_sbx *s, int64_t now_ms)
{
	struct sbx_job *j;

	while ((j = ready(s)))
		step(s, j, now_ms);
}

void sd_sbx_submit(struct sd_sbx *s, const char *body, size_t n, const struct sd_sbx_identity *who,
	int64_t now_ms, sd_sbx_done_fn done, void *ctx)
{
	struct sd_sbx_answer a = {0};
	struct sbx_job *j = s->o.ask_lambda ? calloc(1, sizeof *j) : NULL;
	bool all = true;

	if (j) {
		j->done = done;
		j->ctx = ctx;
		j->who = *who;
		j->claims = who->claims ? sd_json_dup(who->claims) : NULL;
		j->who.claims = j->claims;
		all = !who->claims || j->claims;
	}
	if (!j || !all) { /* nothing can be put aside: the handler, if any, is waited for */
		if (j)
			free_job(j);
		sd_sbx_request(s, body, n, who, now_ms, &a);
		done(ctx, &a);
		sd_sbx_answer_release(&a);
		return;
	}
	if (!sbx_request_begin(s, body, n, &j->who, now_ms, &j->r, &j->body, &j->answer)) {
		done(ctx, &j->answer);
		free_job(j);
		return;
	}
	j->r.job = j;
	if (step(s, j, now_ms))
		run_ready(s, now_ms);
}

void sd_sbx_submit_mutate(struct sd_sbx *s, const char *op, const char *model,
	const struct cJSON *input, int64_t now_ms, sd_sbx_done_fn done, void *ctx)
{
	struct sbx_job *j = calloc(1, sizeof *j);

	if (j) {
		j->done = done;
		j->ctx = ctx;
		j->op = strdup(op);
		j->model = strdup(model);
		j->input = sd_json_dup(input);
	}
	if (!j || !j->op || !j->model || !j->input) {
		struct sd_sbx_answer a = {.status = 500};
		done(ctx, &a);
		if (j)
			free_job(j);
		return;
	}
	if (step(s, j, now_ms))
		run_ready(s, now_ms);
}

void sd_sbx_decide(struct sd_sbx *s, uint64_t run, const char *decision, int64_t now_ms)
{
	for (struct sbx_job *j = s->jobs; j; j = j->next) {
		if (j->run != run || j->decided)
			continue;
		free(j->decision);
		j->decision = decision ? strdup(decision) : NULL;
		j->decided = true;
		break;
	}
	run_ready(s, now_ms);
}
