/* core/sandbox/server/fault.c - see fault.h. */
#include "core/sandbox/server/fault.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"

#define FAULTS_MAX 1000

static const char *const KIND[] = {
	[SD_FAULT_STATUS] = "status",
	[SD_FAULT_RESET] = "reset",
	[SD_FAULT_HANG] = "hang",
	[SD_FAULT_DELAY] = "delay",
	[SD_FAULT_GARBAGE] = "garbage",
	[SD_FAULT_TRUNCATE] = "truncate",
	[SD_FAULT_GRAPHQL_ERROR] = "graphqlError",
	[SD_FAULT_LOST_RESPONSE] = "lostResponse",
};
static const char *const OP[] = {"query", "mutation", "subscription", "auth"};

#define COUNT(a) (sizeof(a) / sizeof *(a))

static int find(const char *const *list, size_t n, const char *s)
{
	for (size_t i = 0; s && i < n; i++)
		if (strcmp(list[i], s) == 0)
			return (int)i;
	return -1;
}

void sd_fault_release(struct sd_fault *f)
{
	free(f->op);
	free(f->field);
	sd_json_free(f->params);
	memset(f, 0, sizeof *f);
}

void sd_faults_clear(struct sd_faults *f)
{
	for (size_t i = 0; i < f->count; i++)
		sd_fault_release(&f->list[i]);
	free(f->list);
	f->list = NULL;
	f->count = 0;
}

/* An optional whole number within bounds. */
static enum sd_err whole(const struct cJSON *o, const char *name, int64_t low, int64_t high,
	int64_t *v, struct sd_error *e)
{
	const struct cJSON *j = sd_json_get(o, name);

	if (sd_json_is_null(j))
		return SD_OK;
	if (!sd_json_i64(j, v) || *v < low || *v > high)
		return sd_fail(e, SD_INVAL, 0,
			"fault: \"%s\" must be a whole number from %lld to %lld", name,
			(long long)low, (long long)high);
	return SD_OK;
}

static enum sd_err text(const struct cJSON *o, const char *name, char **out, struct sd_error *e)
{
	const struct cJSON *j = sd_json_get(o, name);

	if (sd_json_is_null(j))
		return SD_OK;
	if (!sd_json_is_string(j))
		return sd_fail(e, SD_INVAL, 0, "fault: \"%s\" must be text", name);
	*out = strdup(sd_json_str(j));
	return *out ? SD_OK : sd_fail(e, SD_NOMEM, 0, "fault: out of memory");
}

static enum sd_err check(const struct cJSON *p, struct sd_fault *f, struct sd_error *e)
{
	int64_t status = 500;
	int kind = find(KIND, COUNT(KIND), sd_json_get_str(p, "kind"));
	enum sd_err rc;

	if (kind < 0)
		return sd_fail(e, SD_INVAL, 0,
			"fault: \"kind\" must be status, reset, hang, delay, garbage, truncate, "
			"graphqlError or lostResponse");
	f->kind = (enum sd_fault_kind)kind;
	f->count = 1;
	rc = whole(p, "count", -1, INT32_MAX, &f->count, e);
	if (rc == SD_OK)
		rc = whole(p, "skip", 0, INT32_MAX, &f->skip, e);
	if (rc == SD_OK)
		rc = whole(p, "status", 100, 599, &status, e);
	if (rc == SD_OK)
		rc = whole(p, "ms", 0, 3600000, &f->ms, e);
	if (rc == SD_OK)
		rc = text(p, "op", &f->op, e);
	if (rc == SD_OK)
		rc = text(p, "field", &f->field, e);
	if (rc == SD_OK && f->op && find(OP, COUNT(OP), f->op) < 0)
		rc = sd_fail(e, SD_INVAL, 0,
			"fault: \"op\" must be query, mutation, subscription or auth");
	f->status = (int)status;
	return rc;
}

enum sd_err sd_faults_add(struct sd_faults *f, const struct cJSON *params, struct sd_error *e)
{
	struct sd_fault one = {0}, *p;
	enum sd_err rc = check(params, &one, e);

	if (rc == SD_OK && f->count >= FAULTS_MAX)
		rc = sd_fail(e, SD_TOOBIG, 0, "fault: %d are set; DELETE fault first", FAULTS_MAX);
	if (rc == SD_OK) {
		one.params = sd_json_dup(params);
		p = realloc(f->list, (f->count + 1) * sizeof *p);
		if (p)
			f->list = p;
		if (!p || !one.params)
			rc = sd_fail(e, SD_NOMEM, 0, "fault: out of memory");
	}
	if (rc != SD_OK) {
		sd_fault_release(&one);
		return rc;
	}
	if (one.count)
		f->list[f->count++] = one;
	else
		sd_fault_release(&one);
	return SD_OK;
}

static bool named(const char *name, const struct cJSON *names)
{
	for (const struct cJSON *c = sd_json_child(names); c; c = sd_json_next(c))
		if (sd_str_eq(sd_json_str(c), name))
			return true;
	return false;
}

static bool matches(const struct sd_fault *f, const char *op, const struct cJSON *names)
{
	bool special = op && (strcmp(op, "subscription") == 0 || strcmp(op, "auth") == 0);

	if (f->op ? !sd_str_eq(f->op, op) : special && !f->field)
		return false;
	return !f->field || named(f->field, names);
}

static bool copy(const struct sd_fault *f, struct sd_fault *out)
{
	*out = *f;
	out->op = out->field = NULL;
	out->params = sd_json_dup(f->params);
	return out->params != NULL;
}

bool sd_faults_take(
	struct sd_faults *f, const char *op, const struct cJSON *names, struct sd_fault *out)
{
	for (size_t i = 0; i < f->count; i++) {
		struct sd_fault *one = &f->list[i];
		if (!matches(one, op, names))
			continue;
		if (one->skip > 0) {
			one->skip--;
			continue;
		}
		if (!copy(one, out))
			return false;
		if (one->count > 0 && --one->count == 0) {
			sd_fault_release(one);
			memmove(one, one + 1, (f->count - i - 1) * sizeof *one);
			f->count--;
		}
		return true;
	}
	return false;
}

struct cJSON *sd_faults_json(const struct sd_faults *f)
{
	struct cJSON *list = sd_json_array();

	for (size_t i = 0; list && i < f->count; i++) {
		struct cJSON *o = sd_json_dup(f->list[i].params);
		if (o) {
			sd_json_set(o, "count", sd_json_int(f->list[i].count));
			sd_json_set(o, "skip", sd_json_int(f->list[i].skip));
		}
		sd_json_push(list, o);
	}
	return list;
}
