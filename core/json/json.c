/* core/json/json.c - printing, reading, building; see json.h.  Parsing: parse.c. */
#include "core/json/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/names.h"

void sd_json_free(struct cJSON *j)
{
	cJSON_Delete(j);
}

bool sd_json_quote(struct sd_buf *out, const char *s, size_t n)
{
	size_t from = 0;

	sd_buf_ch(out, '"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
			continue;
		sd_buf_add(out, s + from, i - from);
		from = i + 1;
		switch (c) {
		case '"':
		case '\\':
			sd_buf_fmt(out, "\\%c", c);
			break;
		case '\n':
			sd_buf_str(out, "\\n");
			break;
		case '\t':
			sd_buf_str(out, "\\t");
			break;
		case '\r':
			sd_buf_str(out, "\\r");
			break;
		default:
			sd_buf_fmt(out, "\\u%04x", c);
		}
	}
	sd_buf_add(out, s + from, n - from);
	return sd_buf_ch(out, '"');
}

/* Most numbers are whole ones, and printf is slow. */
static void print_whole(int64_t v, struct sd_buf *out)
{
	char t[24];
	size_t at = sizeof t;
	uint64_t u = v < 0 ? (uint64_t)-v : (uint64_t)v;

	do
		t[--at] = (char)('0' + u % 10);
	while ((u /= 10) > 0);
	if (v < 0)
		t[--at] = '-';
	sd_buf_add(out, t + at, sizeof t - at);
}

static void print_number(double v, struct sd_buf *out)
{
	char t[40];

	if (!isfinite(v)) {
		sd_buf_str(out, "null");
		return;
	}
	if (fabs(v) < 9007199254740992.0 && v == floor(v)) {
		print_whole((int64_t)v, out);
		return;
	}
	for (int p = 15; p <= 17; p++) { /* the shortest that reads back the same */
		snprintf(t, sizeof t, "%.*g", p, v);
		if (strtod(t, NULL) == v)
			break;
	}
	sd_buf_str(out, t);
}

static void print(const cJSON *j, struct sd_buf *out, int indent)
{
	bool object = cJSON_IsObject(j);
	char open = object ? '{' : '[', close = object ? '}' : ']';

	if (!j || cJSON_IsNull(j)) {
		sd_buf_str(out, "null");
	} else if (cJSON_IsBool(j)) {
		sd_buf_str(out, cJSON_IsTrue(j) ? "true" : "false");
	} else if (cJSON_IsNumber(j)) {
		print_number(j->valuedouble, out);
	} else if (cJSON_IsRaw(j)) {
		sd_buf_str(out, j->valuestring);
	} else if (cJSON_IsString(j)) {
		sd_json_quote(out, j->valuestring, strlen(j->valuestring));
	} else {
		sd_buf_ch(out, open);
		for (const cJSON *c = j->child; c; c = c->next) {
			if (indent >= 0)
				sd_buf_fmt(out, "\n%*s", indent + 2, "");
			if (object) {
				sd_json_quote(out, c->string, strlen(c->string));
				sd_buf_str(out, indent >= 0 ? ": " : ":");
			}
			print(c, out, indent >= 0 ? indent + 2 : -1);
			if (c->next)
				sd_buf_ch(out, ',');
		}
		if (indent >= 0 && j->child)
			sd_buf_fmt(out, "\n%*s", indent, "");
		sd_buf_ch(out, close);
	}
}

bool sd_json_print(const struct cJSON *j, struct sd_buf *out)
{
	print(j, out, -1);
	return sd_buf_ok(out);
}

bool sd_json_print_pretty(const struct cJSON *j, struct sd_buf *out)
{
	print(j, out, 0);
	return sd_buf_ok(out);
}

char *sd_json_text(const struct cJSON *j)
{
	struct sd_buf b = SD_BUF_INIT;

	if (!sd_json_print(j, &b)) {
		sd_buf_release(&b);
		return NULL;
	}
	return sd_buf_take(&b);
}

struct cJSON *sd_json_get(const struct cJSON *obj, const char *name)
{
	if (!cJSON_IsObject(obj))
		return NULL;
	for (cJSON *c = obj->child; c; c = c->next)
		if (strcmp(c->string, name) == 0)
			return c;
	return NULL;
}

struct cJSON *sd_json_path(const struct cJSON *j, ...)
{
	va_list ap;
	const char *name;
	cJSON *at = NULL;

	va_start(ap, j);
	while ((name = va_arg(ap, const char *))) {
		at = sd_json_get(j, name);
		if (!at)
			break;
		j = at;
	}
	va_end(ap);
	return at;
}

const char *sd_json_str(const struct cJSON *j)
{
	return cJSON_IsString(j) ? j->valuestring : NULL;
}

const char *sd_json_get_str(const struct cJSON *obj, const char *name)
{
	return sd_json_str(sd_json_get(obj, name));
}

bool sd_json_i64(const struct cJSON *j, int64_t *out)
{
	if (cJSON_IsRaw(j))
		return sd_parse_i64(j->valuestring, out);
	if (!cJSON_IsNumber(j) || j->valuedouble != floor(j->valuedouble) ||
		fabs(j->valuedouble) > 9007199254740992.0)
		return false;
	*out = (int64_t)j->valuedouble;
	return true;
}

int64_t sd_json_get_i64(const struct cJSON *obj, const char *name, int64_t otherwise)
{
	int64_t v;

	return sd_json_i64(sd_json_get(obj, name), &v) ? v : otherwise;
}

bool sd_json_f64(const struct cJSON *j, double *out)
{
	if (cJSON_IsRaw(j))
		return sd_parse_f64(j->valuestring, out);
	if (!cJSON_IsNumber(j))
		return false;
	*out = j->valuedouble;
	return true;
}

bool sd_json_is_null(const struct cJSON *j)
{
	return !j || cJSON_IsNull(j);
}

bool sd_json_is_true(const struct cJSON *j)
{
	return cJSON_IsTrue(j);
}

bool sd_json_is_bool(const struct cJSON *j)
{
	return cJSON_IsBool(j);
}

bool sd_json_is_number(const struct cJSON *j)
{
	return cJSON_IsNumber(j) || cJSON_IsRaw(j);
}

bool sd_json_is_string(const struct cJSON *j)
{
	return cJSON_IsString(j);
}

bool sd_json_is_array(const struct cJSON *j)
{
	return cJSON_IsArray(j);
}

bool sd_json_is_object(const struct cJSON *j)
{
	return cJSON_IsObject(j);
}

size_t sd_json_count(const struct cJSON *j)
{
	size_t n = 0;

	for (const cJSON *c = sd_json_child(j); c; c = c->next)
		n++;
	return n;
}

struct cJSON *sd_json_child(const struct cJSON *j)
{
	return cJSON_IsArray(j) || cJSON_IsObject(j) ? j->child : NULL;
}

struct cJSON *sd_json_next(const struct cJSON *j)
{
	return j ? j->next : NULL;
}

const char *sd_json_name(const struct cJSON *j)
{
	return j ? j->string : NULL;
}

struct cJSON *sd_json_object(void)
{
	return cJSON_CreateObject();
}

struct cJSON *sd_json_array(void)
{
	return cJSON_CreateArray();
}

struct cJSON *sd_json_null(void)
{
	return cJSON_CreateNull();
}

struct cJSON *sd_json_bool(bool v)
{
	return cJSON_CreateBool(v);
}

struct cJSON *sd_json_int(int64_t v)
{
	char t[32];

	if (v <= 9007199254740992LL && v >= -9007199254740992LL)
		return cJSON_CreateNumber((double)v);
	snprintf(t, sizeof t, "%lld", (long long)v);
	return cJSON_CreateRaw(t);
}

struct cJSON *sd_json_real(double v)
{
	return cJSON_CreateNumber(v);
}

struct cJSON *sd_json_string(const char *s)
{
	return s ? cJSON_CreateString(s) : cJSON_CreateNull();
}

struct cJSON *sd_json_string_n(const char *s, size_t n)
{
	char *p = sd_strdup_n(s, n);
	cJSON *j = p ? cJSON_CreateString(p) : NULL;

	free(p);
	return j;
}

struct cJSON *sd_json_dup(const struct cJSON *j)
{
	return cJSON_Duplicate(j, 1);
}

bool sd_json_add(struct cJSON *obj, const char *name, struct cJSON *item)
{
	uint32_t hash;
	const char *kept = sd_json_name_kept(name, strlen(name), &hash);

	if (kept)
		return sd_json_add_named(obj, kept, item);
	if (obj && item && cJSON_AddItemToObject(obj, name, item))
		return true;
	cJSON_Delete(item);
	return false;
}

bool sd_json_add_named(struct cJSON *obj, const char *name, struct cJSON *item)
{
	if (obj && item && cJSON_AddItemToObjectCS(obj, name, item))
		return true;
	cJSON_Delete(item);
	return false;
}

bool sd_json_set(struct cJSON *obj, const char *name, struct cJSON *item)
{
	cJSON *had = item ? sd_json_get(obj, name) : NULL;
	const char *kept;
	uint32_t hash;

	if (!obj || !item) {
		cJSON_Delete(item);
		return false;
	}
	if (!had)
		return sd_json_add(obj, name, item);
	kept = item->string ? NULL : sd_json_name_kept(name, strlen(name), &hash);
	if (kept) {
		item->string = (char *)(uintptr_t)kept;
		item->type |= cJSON_StringIsConst;
		if (cJSON_ReplaceItemViaPointer(obj, had, item))
			return true;
	} else if (cJSON_ReplaceItemInObjectCaseSensitive(obj, name, item)) {
		return true;
	}
	cJSON_Delete(item);
	return false;
}

bool sd_json_add_str(struct cJSON *obj, const char *name, const char *s)
{
	return sd_json_add(obj, name, sd_json_string(s));
}

bool sd_json_add_int(struct cJSON *obj, const char *name, int64_t v)
{
	return sd_json_add(obj, name, sd_json_int(v));
}

bool sd_json_add_bool(struct cJSON *obj, const char *name, bool v)
{
	return sd_json_add(obj, name, sd_json_bool(v));
}

bool sd_json_push(struct cJSON *array, struct cJSON *item)
{
	if (array && item && cJSON_AddItemToArray(array, item))
		return true;
	cJSON_Delete(item);
	return false;
}

struct cJSON *sd_json_detach(struct cJSON *obj, const char *name)
{
	cJSON *c = sd_json_get(obj, name);

	return c ? cJSON_DetachItemViaPointer(obj, c) : NULL;
}

void sd_json_remove(struct cJSON *obj, const char *name)
{
	cJSON_Delete(sd_json_detach(obj, name));
}

static bool number_equal(const cJSON *a, const cJSON *b)
{
	int64_t x, y;
	double u, v;

	if (sd_json_i64(a, &x) && sd_json_i64(b, &y))
		return x == y;
	return sd_json_f64(a, &u) && sd_json_f64(b, &v) && u == v;
}

static bool object_equal(const cJSON *a, const cJSON *b, bool loose)
{
	for (const cJSON *c = a->child; c; c = c->next) {
		const cJSON *d = sd_json_get(b, c->string);
		if (!d && !(loose && cJSON_IsNull(c)))
			return false;
		if (d && !sd_json_equal(c, d, loose))
			return false;
	}
	for (const cJSON *d = b->child; d; d = d->next)
		if (!sd_json_get(a, d->string) && !(loose && cJSON_IsNull(d)))
			return false;
	return true;
}

bool sd_json_equal(const struct cJSON *a, const struct cJSON *b, bool loose)
{
	if (!a || !b)
		return a == b || (loose && sd_json_is_null(a) && sd_json_is_null(b));
	if (sd_json_is_number(a) && sd_json_is_number(b))
		return number_equal(a, b);
	if ((a->type & 0xff) != (b->type & 0xff))
		return false;
	if (cJSON_IsString(a))
		return strcmp(a->valuestring, b->valuestring) == 0;
	if (cJSON_IsObject(a))
		return object_equal(a, b, loose);
	if (cJSON_IsArray(a)) {
		const cJSON *c = a->child, *d = b->child;
		for (; c && d; c = c->next, d = d->next)
			if (!sd_json_equal(c, d, loose))
				return false;
		return c == d;
	}
	return true;
}
