/* core/sandbox/core/lambda.c - the conflict handler outside: payload and answer (spec/server.md 2.6). */
#include "core/sandbox/core/internal.h"

#include <stdlib.h>
#include <string.h>

static struct cJSON *payload(const struct sbx_write *w, const struct cJSON *stored,
	const struct cJSON *wanted, const struct cJSON *claims)
{
	struct cJSON *o = sd_json_object(), *args = sd_json_object(), *res = sd_json_object();
	const char *verb = w->op == SBX_OP_DELETE ? "delete" : "update";
	struct sd_buf field = SD_BUF_INIT;

	sd_buf_fmt(&field, "%s%s", verb, w->m->m->name);
	if (field.len > 6 && field.data[6] >= 'a' && field.data[6] <= 'z')
		field.data[6] = (char)(field.data[6] - 'a' + 'A');
	sd_json_add(args, "input", sd_json_dup(w->input));
	sd_json_add(args, "condition", w->condition ? sd_json_dup(w->condition) : sd_json_null());
	sd_json_add_str(res, "tableName", w->m->m->name);
	sd_json_add_str(res, "awsRegion", "us-east-1");
	sd_json_add_str(res, "parentType", "Mutation");
	sd_json_add_str(res, "field", sd_buf_text(&field));
	sd_json_add(o, "newItem", sd_json_dup(wanted));
	sd_json_add(o, "existingItem", sd_json_dup(stored));
	sd_json_add(o, "arguments", args);
	sd_json_add(o, "resolver", res);
	if (!sd_json_add(o, "identity", claims ? sd_json_dup(claims) : sd_json_null())) {
		sd_json_free(o);
		o = NULL;
	}
	sd_buf_release(&field);
	return o;
}

char *sbx_lambda_payload(const struct sbx_write *w, const struct cJSON *stored,
	const struct cJSON *wanted, const struct cJSON *claims)
{
	struct cJSON *in = payload(w, stored, wanted, claims);
	char *text = in ? sd_json_text(in) : NULL;

	sd_json_free(in);
	return text;
}

enum sbx_decision sbx_lambda_read(
	const struct sbx_write *w, const char *answer, struct cJSON **item)
{
	struct cJSON *out = NULL;
	enum sbx_decision d = SBX_BROKEN;
	const char *action;

	*item = NULL;
	if (answer)
		(void)!sd_json_parse(answer, strlen(answer), "lambda answer", &out, NULL);
	action = sd_json_get_str(out, "action");
	if (action && strcmp(action, "REJECT") == 0) {
		d = SBX_REJECT;
	} else if (action && strcmp(action, "REMOVE") == 0 && w->op == SBX_OP_DELETE) {
		d = SBX_REMOVE;
	} else if (action && strcmp(action, "RESOLVE") == 0 && w->op == SBX_OP_UPDATE &&
		   sd_json_is_object(sd_json_get(out, "item"))) {
		*item = sd_json_detach(out, "item");
		d = SBX_RESOLVE;
	}
	sd_json_free(out);
	return d;
}
