/* core/sandbox/core/error.c - GraphQL error objects (spec/server.md 6.3 to 6.5). */
#include "core/sandbox/core/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST_ERRORS 1100 /* of one answer: a page of them and some */

static struct cJSON *path_json(const struct sbx_path *p)
{
	struct cJSON *a;

	if (!p)
		return sd_json_array();
	a = path_json(p->up);
	if (a && !sd_json_push(
			 a, p->key ? sd_json_string(p->key) : sd_json_int((int64_t)p->index))) {
		sd_json_free(a);
		return NULL;
	}
	return a;
}

static struct cJSON *place(unsigned line, unsigned column)
{
	struct cJSON *a = sd_json_array(), *o = sd_json_object();

	sd_json_add_int(o, "line", line);
	sd_json_add_int(o, "column", column);
	sd_json_add(o, "sourceName", sd_json_null());
	if (!sd_json_push(a, o)) {
		sd_json_free(a);
		return NULL;
	}
	return a;
}

static void push(struct sbx_req *r, struct cJSON *o)
{
	r->error_count++;
	if (sd_json_count(r->errors) >= MOST_ERRORS)
		sd_json_free(o);
	else if (!sd_json_push(r->errors, o))
		r->oom = true;
}

struct cJSON *sbx_error(struct sbx_req *r, const struct sbx_plan *p, const struct sbx_path *path,
	const char *type, const char *fmt, ...)
{
	struct cJSON *o;
	char *text = NULL;
	va_list ap;

	if (r->error_count >= MOST_ERRORS) {
		r->error_count++;
		return NULL;
	}
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	o = sd_json_object();
	sd_json_add(o, "path", path_json(path));
	if (type) {
		sd_json_add(o, "data", sd_json_null());
		sd_json_add_str(o, "errorType", type);
		sd_json_add(o, "errorInfo", sd_json_null());
	}
	sd_json_add(o, "locations", type && p ? place(p->line, p->column) : sd_json_null());
	if (!text || !sd_json_add_str(o, "message", text))
		r->oom = true;
	free(text);
	push(r, o);
	return o;
}

void sbx_error_at(struct sbx_req *r, unsigned line, unsigned column, const char *fmt, ...)
{
	struct cJSON *o = sd_json_object();
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	sd_json_add(o, "path", sd_json_null());
	sd_json_add(o, "locations", line ? place(line, column) : sd_json_null());
	if (!text || !sd_json_add_str(o, "message", text))
		r->oom = true;
	free(text);
	push(r, o);
}

bool sbx_keep(struct sbx_req *r, struct cJSON *j)
{
	if (sd_json_push(r->keep, j))
		return true;
	r->oom = true;
	return false;
}
