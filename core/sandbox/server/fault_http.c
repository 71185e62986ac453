/*
 * core/sandbox/server/fault_http.c - what a fault does to an HTTP answer (contract.md 10, `fault`).
 *
 * status, reset, hang, garbage and graphqlError come instead of the execution; delay, truncate and
 * lostResponse after it.
 */
#include <string.h>

#include "core/base/text.h"
#include "core/graphql/parse.h"
#include "core/json/json.h"
#include "core/sandbox/server/server.h"

/* Extra header lines from {"name":"value"}; what could not stand in a header is left out. */
static void extra_headers(const struct cJSON *headers, struct sd_buf *out)
{
	for (const struct cJSON *c = sd_json_child(headers); c; c = sd_json_next(c)) {
		const char *name = sd_json_name(c), *value = sd_json_str(c);
		if (!name || !*name || !value || strpbrk(name, " \t\r\n:") ||
			strpbrk(value, "\r\n"))
			continue;
		sd_buf_fmt(out, "%s: %s\r\n", name, value);
	}
}

/* "body": text as it is, anything else as JSON. */
static void body_text(const struct cJSON *params, const char *otherwise, struct sd_buf *out)
{
	const struct cJSON *b = sd_json_get(params, "body");

	if (!b)
		sd_buf_str(out, otherwise);
	else if (sd_json_str(b))
		sd_buf_str(out, sd_json_str(b));
	else
		sd_json_print(b, out);
}

static const char *default_body(int status)
{
	static const struct {
		int status;
		const char *body;
	} BODY[] = {
		{401, "{\"errors\":[{\"errorType\":\"UnauthorizedException\",\"message\":\"You are "
		      "not "
		      "authorized to make this call.\"}]}"},
		{403, "{\"message\":\"Forbidden\"}"},
		{429, "{\"errors\":[{\"errorType\":\"ThrottlingException\",\"message\":\"Rate "
		      "exceeded\"}]}"},
	};

	for (size_t i = 0; i < sizeof BODY / sizeof *BODY; i++)
		if (BODY[i].status == status)
			return BODY[i].body;
	return status >= 500 ? "{\"errors\":[{\"errorType\":\"InternalFailureException\","
			       "\"message\":\"The service failed (a fault on order).\"}]}"
			     : "{\"errors\":[{\"errorType\":\"BadRequestException\","
			       "\"message\":\"A fault on order.\"}]}";
}

static void plain(struct conn *c, const struct sd_fault *f, int status, const char *otherwise)
{
	struct sd_buf extra = SD_BUF_INIT, body = SD_BUF_INIT;
	struct sd_hs_reply r = {.status = status, .type = JSON_TYPE};

	sd_buf_str(&extra, "access-control-allow-origin: *\r\n");
	extra_headers(sd_json_get(f->params, "headers"), &extra);
	body_text(f->params, otherwise, &body);
	r.extra = sd_buf_text(&extra);
	r.body = sd_buf_text(&body);
	r.n = body.len;
	sd_srv_reply(c, &r);
	sd_buf_release(&extra);
	sd_buf_release(&body);
}

static void add_error(const struct sd_fault *f, const char *key, unsigned line, unsigned column,
	struct cJSON *errors)
{
	struct cJSON *o = sd_json_object(), *path = sd_json_array(), *place = sd_json_object();
	struct cJSON *places = sd_json_array(), *data = sd_json_get(f->params, "data");
	const char *type = sd_json_get_str(f->params, "errorType");
	const char *message = sd_json_get_str(f->params, "message");

	sd_json_push(path, sd_json_string(key));
	sd_json_add_int(place, "line", line);
	sd_json_add_int(place, "column", column);
	sd_json_add(place, "sourceName", sd_json_null());
	sd_json_push(places, place);
	sd_json_add(o, "path", path);
	sd_json_add(o, "data", data ? sd_json_dup(data) : sd_json_null());
	sd_json_add_str(o, "errorType", type ? type : "InternalFailure");
	sd_json_add(o, "errorInfo", sd_json_null());
	sd_json_add(o, "locations", places);
	sd_json_add_str(o, "message", message ? message : "A fault on order.");
	sd_json_push(errors, o);
}

/* The answer keys of the root fields come from the document: aliases count. */
static bool document_errors(const struct sd_fault *f, const char *body, size_t n,
	struct cJSON *data, struct cJSON *errors)
{
	struct cJSON *request = NULL;
	struct sd_gql_doc *d = NULL;
	const char *query, *name;
	bool any = false;

	if (sd_json_parse(body, n, "request", &request, NULL) != SD_OK)
		return false;
	query = sd_json_get_str(request, "query");
	name = sd_json_get_str(request, "operationName");
	if (query && sd_gql_parse(query, strlen(query), &d, NULL) == SD_OK)
		for (size_t i = 0; i < d->op_count && !any; i++) {
			const struct sd_gql_op *op = &d->ops[i];
			if (name && !sd_str_eq(name, op->name))
				continue;
			for (size_t k = 0; k < op->sel_count; k++) {
				const struct sd_gql_selection *sel = &op->sels[k];
				const char *key = sel->alias ? sel->alias : sel->name;
				if (sel->kind != SD_GQL_FIELD || sd_json_get(data, key))
					continue;
				sd_json_add(data, key, sd_json_null());
				add_error(f, key, sel->line, sel->column, errors);
				any = true;
			}
		}
	sd_gql_free(d);
	sd_json_free(request);
	return any;
}

static void graphql_error(struct conn *c, const struct sd_fault *f, const struct cJSON *names,
	const char *body, size_t n)
{
	struct cJSON *o = sd_json_object(), *data = sd_json_object(), *errors = sd_json_array();
	struct sd_buf out = SD_BUF_INIT;

	if (!document_errors(f, body, n, data, errors))
		for (const struct cJSON *x = sd_json_child(names); x; x = sd_json_next(x)) {
			sd_json_set(data, sd_json_str(x), sd_json_null());
			add_error(f, sd_json_str(x), 1, 1, errors);
		}
	sd_json_add(o, "data", data);
	sd_json_add(o, "errors", errors);
	sd_json_print(o, &out);
	sd_srv_reply_json(c, 200, sd_buf_text(&out), out.len);
	sd_buf_release(&out);
	sd_json_free(o);
}

enum faulted sd_srv_fault_before(struct conn *c, const char *op, const struct cJSON *names,
	const char *body, size_t n, struct sd_fault *f)
{
	if (!sd_faults_take(&c->s->faults, op, names, f))
		return FAULT_NONE;
	switch (f->kind) {
	case SD_FAULT_STATUS:
		plain(c, f, f->status, default_body(f->status));
		break;
	case SD_FAULT_GARBAGE:
		plain(c, f, 200, "<html><body>This is not GraphQL.</body></html>");
		break;
	case SD_FAULT_RESET:
		sd_srv_kill(c, true);
		break;
	case SD_FAULT_HANG:
		c->hang = true;
		break;
	case SD_FAULT_GRAPHQL_ERROR:
		graphql_error(c, f, names, body, n);
		break;
	default:
		return FAULT_AFTER;
	}
	sd_fault_release(f);
	return FAULT_ANSWERED;
}

/* The head tells the whole length; half the body comes, then the end. */
static void truncated(struct conn *c, struct sd_hs_reply *r)
{
	size_t keep = r->n / 2;

	c->delay_ms = 0;
	r->close = true;
	sd_srv_reply(c, r);
	if (!c->kill)
		c->out.len -= r->n - keep;
}

void sd_srv_fault_after(struct conn *c, struct sd_fault *f, struct sd_hs_reply *r)
{
	switch (f->kind) {
	case SD_FAULT_LOST_RESPONSE:
		sd_srv_kill(c, false);
		break;
	case SD_FAULT_TRUNCATE:
		truncated(c, r);
		break;
	default:
		c->delay_ms += f->ms;
		sd_srv_reply_json(c, r->status, r->body, r->n);
	}
	sd_fault_release(f);
}
