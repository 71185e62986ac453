/*
 * core/sandbox/core/subscribe.c - who gets which event, and what of it (spec/server.md 5.7 to 5.9).
 *
 * An event is what the mutation selected, nothing more: arguments and filters look at it, and the
 * subscriber's selection is read from it without running a resolver.
 */
#include "core/sandbox/core/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/text.h"

struct sbx_sub {
	struct sbx_sub *next;
	uint64_t conn;
	char *id;
	struct sbx_body body;
	struct sbx_req req; /* keeps the plan, its arguments and the variables alive */
	struct sbx_plan *plan;
	struct cJSON *injected; /* filter that the rules add; NULL */
};

static void free_sub(struct sbx_sub *b)
{
	if (!b)
		return;
	sbx_req_release(&b->req);
	sbx_body_release(&b->body);
	sd_json_free(b->injected);
	free(b->id);
	free(b);
}

void sbx_subs_free(struct sd_sbx *s)
{
	for (struct sbx_sub *b = s->subs, *next; b; b = next) {
		next = b->next;
		free_sub(b);
	}
	s->subs = NULL;
	s->subs_end = &s->subs;
	s->sub_count = 0;
}

static void unlink_sub(struct sd_sbx *s, struct sbx_sub **at)
{
	struct sbx_sub *b = *at;

	*at = b->next;
	if (s->subs_end == &b->next)
		s->subs_end = at;
	s->sub_count--;
	free_sub(b);
}

bool sd_sbx_unsubscribe(struct sd_sbx *s, uint64_t conn, const char *sub_id)
{
	for (struct sbx_sub **at = &s->subs; *at; at = &(*at)->next)
		if ((*at)->conn == conn && strcmp((*at)->id, sub_id) == 0) {
			unlink_sub(s, at);
			return true;
		}
	return false;
}

void sd_sbx_drop_connection(struct sd_sbx *s, uint64_t conn)
{
	for (struct sbx_sub **at = &s->subs; *at;) {
		if ((*at)->conn == conn)
			unlink_sub(s, at);
		else
			at = &(*at)->next;
	}
}

size_t sd_sbx_subscription_count(const struct sd_sbx *s)
{
	return s->sub_count;
}

void sd_sbx_on_deliver(struct sd_sbx *s, sd_sbx_deliver_fn fn, void *ctx)
{
	s->deliver = fn;
	s->deliver_ctx = ctx;
}

/* ---- start ---- */

static char *one_error(const char *type, const char *message, bool as_object)
{
	struct cJSON *o = sd_json_object(), *err = sd_json_object(), *list;
	char *text;

	if (type)
		sd_json_add_str(err, "errorType", type);
	sd_json_add_str(err, "message", message);
	if (as_object) {
		sd_json_add(o, "errors", err);
	} else {
		list = sd_json_array();
		sd_json_push(list, err);
		sd_json_add(o, "errors", list);
	}
	text = sd_json_text(o);
	sd_json_free(o);
	return text;
}

/* Validation errors carry their message only. */
static char *all_errors(const struct sbx_req *r)
{
	struct cJSON *o = sd_json_object(), *list = sd_json_array();
	char *text;

	for (const struct cJSON *c = sd_json_child(r->errors); c; c = sd_json_next(c)) {
		struct cJSON *e = sd_json_object();
		sd_json_add_str(e, "message", sd_json_get_str(c, "message"));
		sd_json_push(list, e);
	}
	sd_json_add(o, "errors", list);
	text = sd_json_text(o);
	sd_json_free(o);
	return text;
}

static size_t count_of(const struct sd_sbx *s, uint64_t conn, const char *id, bool *taken)
{
	size_t n = 0;

	*taken = false;
	for (const struct sbx_sub *b = s->subs; b; b = b->next) {
		n += b->conn == conn;
		*taken = *taken || (b->conn == conn && strcmp(b->id, id) == 0);
	}
	return n;
}

/* Parses, validates and plans; an error payload, or NULL when it may be registered. */
static char *prepare(struct sbx_sub *b, const char *data, size_t n)
{
	struct sbx_req *r = &b->req;
	const char *wrong;

	if (!sbx_body_parse(data, n, &b->body, &wrong, NULL))
		return one_error("MalformedHttpRequestException", wrong, false);
	r->doc = b->body.doc;
	r->op = sbx_pick_op(&b->body);
	r->given = b->body.variables;
	if (!r->op || r->op->kind != SD_GQL_SUBSCRIPTION)
		return one_error("BadRequestException",
			"Only subscriptions are served on the realtime endpoint.", false);
	if (sbx_validate(r) && sbx_coerce_variables(r))
		b->plan = sbx_plan(r);
	if (b->plan && (b->plan->next || b->plan->def->res != SBX_SUBSCRIBE))
		return one_error(NULL,
			"Validation error of type SubscriptionMultipleRootFields: a subscription "
			"must have exactly one root field",
			false);
	if (!b->plan)
		return all_errors(r);
	return NULL;
}

static char *authorize(struct sbx_sub *b)
{
	const struct sbx_field *f = b->plan->def;
	const char *wrong = sbx_sub_filter_wrong(sd_json_get(b->plan->args, "filter"));
	char text[200];

	if (wrong)
		return one_error("BadRequest", wrong, false);
	if (sbx_auth_subscribe(f->model, b->req.who, b->plan->args, &b->injected))
		return NULL;
	snprintf(
		text, sizeof text, "Not Authorized to access %.100s on type Subscription", f->name);
	return one_error("Unauthorized", text, false);
}

void sd_sbx_subscribe(struct sd_sbx *s, uint64_t conn, const char *sub_id, const char *data,
	size_t n, const struct sd_sbx_identity *who, int64_t now_ms, char **error_payload)
{
	struct sbx_sub *b = calloc(1, sizeof *b);
	char text[200];
	bool taken;

	*error_payload = NULL;
	if (b)
		b->id = strdup(sub_id);
	if (!b || !b->id) {
		free_sub(b);
		*error_payload = one_error("InternalFailure", "out of memory", false);
		return;
	}
	b->conn = conn;
	sbx_req_init(&b->req, s, who, now_ms, NULL);
	if (count_of(s, conn, sub_id, &taken) >= (size_t)s->o.max_subscriptions) {
		snprintf(text, sizeof text, "Max number of %d subscriptions reached",
			s->o.max_subscriptions);
		*error_payload = one_error("MaxSubscriptionsReachedError", text, true);
	} else if (taken) {
		snprintf(text, sizeof text, "Subscription id %.100s is already in use.", sub_id);
		*error_payload = one_error("BadRequestException", text, false);
	} else {
		*error_payload = prepare(b, data, n);
		if (!*error_payload)
			*error_payload = authorize(b);
	}
	b->req.who = NULL; /* borrowed for this call only */
	if (*error_payload) {
		free_sub(b);
		return;
	}
	*s->subs_end = b;
	s->subs_end = &b->next;
	s->sub_count++;
}

/* ---- delivery ---- */

/* Every argument but the filter must equal the field of its name; null asks for null. */
static bool arguments_match(const struct sbx_sub *b, const struct cJSON *value)
{
	for (const struct cJSON *a = sd_json_child(b->plan->args); a; a = sd_json_next(a)) {
		const struct cJSON *have = sd_json_get(value, sd_json_name(a));
		const struct sbx_field *f =
			sbx_field_find(b->plan->def->model->out, sd_json_name(a));
		if (strcmp(sd_json_name(a), "filter") == 0)
			continue;
		if (sd_json_is_null(a) || sd_json_is_null(have)) {
			if (!(sd_json_is_null(a) && sd_json_is_null(have)))
				return false;
		} else if (f && f->owner && sd_json_str(a) && sd_json_str(have)) {
			if (strcmp(sbx_owner_tail(sd_json_str(a)),
				    sbx_owner_tail(sd_json_str(have))) != 0)
				return false;
		} else if (!sd_json_equal(a, have, false)) {
			return false;
		}
	}
	return true;
}

static void deliver(struct sd_sbx *s, struct sbx_sub *b, const struct cJSON *value)
{
	struct sbx_req r = b->req;
	struct sbx_path path = {.key = b->plan->key};
	struct sd_buf out = SD_BUF_INIT;

	r.out = &out;
	r.errors = sd_json_array();
	r.error_count = 0;
	r.plain = true;
	sd_buf_str(&out, "{\"data\":{");
	sd_json_quote(&out, b->plan->key, strlen(b->plan->key));
	sd_buf_ch(&out, ':');
	sbx_complete(&r, b->plan, &b->plan->def->type, value, &path);
	sd_buf_ch(&out, '}');
	if (sd_json_child(r.errors)) {
		sd_buf_str(&out, ",\"errors\":");
		sd_json_print(r.errors, &out);
	}
	sd_buf_ch(&out, '}');
	if (out.len > SBX_EVENT_BYTES)
		sd_log(SD_LOG_WARN, "sandbox", "an event of %zu bytes for %s was dropped", out.len,
			b->plan->def->name);
	else if (sd_buf_ok(&out) && s->deliver)
		s->deliver(s->deliver_ctx, b->conn, b->id, sd_buf_text(&out));
	sd_json_free(r.errors);
	sd_buf_release(&out);
}

static unsigned bit_of(enum sbx_op op)
{
	return op == SBX_OP_CREATE   ? SD_OP_CREATE_BIT
	       : op == SBX_OP_UPDATE ? SD_OP_UPDATE_BIT
				     : SD_OP_DELETE_BIT;
}

bool sbx_has_listener(const struct sd_sbx *s, const struct sbx_model *m, enum sbx_op op)
{
	for (const struct sbx_sub *b = s->subs; b; b = b->next)
		if (b->plan->def->model == m && (b->plan->def->sub_ops & bit_of(op)))
			return true;
	return false;
}

void sbx_publish(
	struct sd_sbx *s, const struct sbx_model *m, enum sbx_op op, const struct cJSON *value)
{
	for (struct sbx_sub *b = s->subs, *next; b; b = next) {
		next = b->next;
		if (b->plan->def->model != m || !(b->plan->def->sub_ops & bit_of(op)))
			continue;
		if (arguments_match(b, value) &&
			sbx_sub_filter(sd_json_get(b->plan->args, "filter"), value) &&
			(!b->injected || sbx_sub_filter(b->injected, value)))
			deliver(s, b, value);
	}
}
