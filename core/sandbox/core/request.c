/*
 * core/sandbox/core/request.c - one POST body: parsed, validated, executed, answered
 * (spec/server.md 6).
 */
#include "core/sandbox/core/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sbx_req_init(struct sbx_req *r, struct sd_sbx *s, const struct sd_sbx_identity *who,
	int64_t now, struct sd_buf *out)
{
	memset(r, 0, sizeof *r);
	r->s = s;
	r->who = who;
	r->now = now;
	r->out = out;
	r->deadline = s->o.mono_ms() + s->o.execution_ms;
	r->vars = sd_json_object();
	r->keep = sd_json_array();
	r->errors = sd_json_array();
	r->oom = !r->vars || !r->keep || !r->errors;
}

void sbx_req_release(struct sbx_req *r)
{
	sd_json_free(r->vars);
	sd_json_free(r->keep);
	sd_json_free(r->errors);
	sbx_arena_free(&r->arena);
	memset(r, 0, sizeof *r);
}

bool sbx_body_parse(
	const char *body, size_t n, struct sbx_body *b, const char **wrong, struct sd_error *e)
{
	memset(b, 0, sizeof *b);
	if (e)
		e->text[0] = '\0';
	*wrong = "Request body is empty.";
	if (n == 0)
		return false;
	*wrong = "Unable to parse GraphQL query.";
	if (sd_json_parse(body, n, "request body", &b->json, e) != SD_OK)
		return false;
	b->query = sd_json_get_str(b->json, "query");
	b->operation = sd_json_get_str(b->json, "operationName");
	b->variables = sd_json_get(b->json, "variables");
	if (!b->query || sd_gql_parse(b->query, strlen(b->query), &b->doc, e) != SD_OK ||
		b->doc->op_count == 0) {
		sbx_body_release(b);
		return false;
	}
	*wrong = NULL;
	return true;
}

void sbx_body_release(struct sbx_body *b)
{
	sd_gql_free(b->doc);
	sd_json_free(b->json);
	memset(b, 0, sizeof *b);
}

const struct sd_gql_op *sbx_pick_op(const struct sbx_body *b)
{
	if (!b->operation || !*b->operation)
		return b->doc->op_count == 1 ? &b->doc->ops[0] : NULL;
	for (size_t i = 0; i < b->doc->op_count; i++)
		if (b->doc->ops[i].name && strcmp(b->doc->ops[i].name, b->operation) == 0)
			return &b->doc->ops[i];
	return NULL;
}

static void transport_error(
	struct sd_sbx_answer *out, const char *type, const char *message, const char *detail)
{
	out->status = 400;
	sd_buf_str(&out->body, "{\"errors\":[{\"message\":");
	sd_json_quote(&out->body, message, strlen(message));
	sd_buf_fmt(&out->body, ",\"errorType\":\"%s\"", type);
	if (detail && *detail) {
		sd_buf_str(&out->body, ",\"errorInfo\":");
		sd_json_quote(&out->body, detail, strlen(detail));
	}
	sd_buf_str(&out->body, "}]}");
}

/* Errors behind the data; without data when nothing ran. */
static void finish(struct sbx_req *r, bool ran)
{
	if (!ran)
		sd_buf_str(r->out, "{\"data\":null");
	if (sd_json_child(r->errors)) {
		sd_buf_str(r->out, ",\"errors\":");
		sd_json_print(r->errors, r->out);
	}
	sd_buf_ch(r->out, '}');
}

/* The root fields to execute; NULL when nothing can run, with the errors. */
static const struct sbx_plan *prepare(struct sbx_req *r, const struct sbx_body *b)
{
	bool valid;

	r->doc = b->doc;
	r->op = sbx_pick_op(b);
	r->given = b->variables;
	valid = sbx_validate(r);
	if (valid && !r->op)
		sbx_error_at(r, 0, 0,
			b->operation ? "Unknown operation named '%s'."
				     : "Must provide operation name if query "
				       "contains multiple operations.%s",
			b->operation ? b->operation : "");
	else if (valid && sbx_coerce_variables(r))
		return sbx_plan(r);
	return NULL;
}

bool sbx_request_begin(struct sd_sbx *s, const char *body, size_t n,
	const struct sd_sbx_identity *who, int64_t now_ms, struct sbx_req *r, struct sbx_body *b,
	struct sd_sbx_answer *out)
{
	struct sd_error e;
	const char *wrong;

	memset(out, 0, sizeof *out);
	out->status = 200;
	if (!sbx_body_parse(body, n, b, &wrong, &e)) {
		transport_error(out, "MalformedHttpRequestException", wrong, n ? e.text : NULL);
		return false;
	}
	if (sbx_pick_op(b) && sbx_pick_op(b)->kind == SD_GQL_SUBSCRIPTION) {
		transport_error(out, "UnsupportedOperation",
			"Subscriptions are served on the realtime endpoint.", NULL);
		sbx_body_release(b);
		return false;
	}
	sbx_purge_expired(s, now_ms);
	sbx_req_init(r, s, who, now_ms, &out->body);
	return true;
}

void sbx_request_run(struct sbx_req *r, const struct sbx_body *b, struct sd_sbx_answer *out)
{
	if (!r->oom && !r->stopped)
		r->roots = prepare(r, b);
	if (!r->oom && r->roots)
		sbx_execute(r, r->roots);
	if (r->stopped)
		return;
	finish(r, r->roots != NULL);
	if (r->oom || r->arena.failed || !sd_buf_ok(&out->body)) {
		sd_buf_release(&out->body);
		out->status = 500;
		sd_buf_str(&out->body, "{\"errors\":[{\"errorType\":\"InternalFailure\","
				       "\"message\":\"The sandbox ran out of memory.\"}]}");
	}
}

void sd_sbx_request(struct sd_sbx *s, const char *body, size_t n, const struct sd_sbx_identity *who,
	int64_t now_ms, struct sd_sbx_answer *out)
{
	struct sbx_body b;
	struct sbx_req r;

	if (!sbx_request_begin(s, body, n, who, now_ms, &r, &b, out))
		return;
	sbx_request_run(&r, &b, out);
	sbx_req_release(&r);
	sbx_body_release(&b);
}

void sd_sbx_answer_release(struct sd_sbx_answer *a)
{
	sd_buf_release(&a->body);
	a->status = 0;
}

static void root_names(const struct sd_gql_doc *doc, const struct sd_gql_selection *sels, size_t n,
	struct cJSON *names, unsigned depth)
{
	for (size_t i = 0; i < n && depth < 8; i++) {
		const struct sd_gql_fragment *f;
		if (sels[i].kind == SD_GQL_FIELD) {
			(void)!sd_json_push(names, sd_json_string(sels[i].name));
		} else if (sels[i].kind == SD_GQL_INLINE) {
			root_names(doc, sels[i].sels, sels[i].sel_count, names, depth + 1);
		} else {
			f = sd_gql_fragment(doc, sels[i].name);
			if (f)
				root_names(doc, f->sels, f->sel_count, names, depth + 4);
		}
	}
}

bool sd_sbx_roots(
	struct sd_sbx *s, const char *body, size_t n, const char **kind, struct cJSON *names)
{
	static const char *const words[] = {"query", "mutation", "subscription"};
	struct sbx_body b;
	const struct sd_gql_op *op;
	const char *wrong;

	(void)s;
	if (!sbx_body_parse(body, n, &b, &wrong, NULL))
		return false;
	op = sbx_pick_op(&b);
	if (op) {
		*kind = words[op->kind];
		root_names(b.doc, op->sels, op->sel_count, names, 0);
	}
	sbx_body_release(&b);
	return op != NULL;
}
