/* core/json/json.c - reading and building trees; see json.h.  Parsing: parse.c; printing: print.c. */
#include "core/json/json.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/names.h"
#include "core/json/node.h"

void sd_json_free(struct cJSON *j)
{
	node_free(j);
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
	double v;

	if (cJSON_IsRaw(j) && sd_parse_i64(j->valuestring, out))
		return true;
	/* "1.7E12" is a whole number too, and how some servers write one */
	if (!sd_json_f64(j, &v) || v != floor(v) || fabs(v) > 9007199254740992.0)
		return false;
	*out = (int64_t)v;
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
	return node_new(cJSON_Object);
}

struct cJSON *sd_json_array(void)
{
	return node_new(cJSON_Array);
}

struct cJSON *sd_json_null(void)
{
	return node_new(cJSON_NULL);
}

struct cJSON *sd_json_bool(bool v)
{
	cJSON *j = node_new(v ? cJSON_True : cJSON_False);

	if (j)
		j->valueint = v; /* as the parser has it */
	return j;
}

struct cJSON *sd_json_int(int64_t v)
{
	char t[32];
	cJSON *j;

	if (v > 9007199254740992LL || v < -9007199254740992LL) {
		snprintf(t, sizeof t, "%lld", (long long)v);
		return cJSON_CreateRaw(t);
	}
	j = node_new(cJSON_Number);
	if (j) {
		j->valuedouble = (double)v;
		j->valueint = v >= INT_MAX ? INT_MAX : v <= INT_MIN ? INT_MIN : (int)v;
	}
	return j;
}

struct cJSON *sd_json_real(double v)
{
	return cJSON_CreateNumber(v);
}

struct cJSON *sd_json_string(const char *s)
{
	return s ? sd_json_string_n(s, strlen(s)) : sd_json_null();
}

struct cJSON *sd_json_string_n(const char *s, size_t n)
{
	return node_text(s, n);
}

/* One that was detached brings its old name along. */
static void put_name(cJSON *item, const char *name, bool kept)
{
	if (!(item->type & cJSON_StringIsConst))
		free(item->string);
	item->string = (char *)(uintptr_t)name;
	item->type = kept ? item->type | cJSON_StringIsConst : item->type & ~cJSON_StringIsConst;
}

static cJSON *copy_node(const cJSON *j)
{
	cJSON *c;

	if (cJSON_IsString(j))
		c = sd_json_string_n(j->valuestring, strlen(j->valuestring));
	else
		c = node_new(j->type & 0xff);
	if (!c)
		return NULL;
	c->valueint = j->valueint;
	c->valuedouble = j->valuedouble;
	if (cJSON_IsRaw(j))
		c->valuestring = sd_strdup_n(j->valuestring, strlen(j->valuestring));
	if (j->string && j->type & cJSON_StringIsConst)
		put_name(c, j->string, true);
	else if (j->string)
		c->string = strdup(j->string);
	if ((!j->string || c->string) && (!cJSON_IsRaw(j) || c->valuestring))
		return c;
	node_free(c);
	return NULL;
}

struct cJSON *sd_json_dup(const struct cJSON *j)
{
	cJSON *c = j ? copy_node(j) : NULL;

	for (const cJSON *from = c ? j->child : NULL; from; from = from->next) {
		cJSON *one = sd_json_dup(from);
		if (!one) {
			node_free(c);
			return NULL;
		}
		node_append(c, one);
	}
	return c;
}

bool sd_json_become(struct cJSON *j, struct cJSON *with)
{
	char *text = with->valuestring;

	if (text && with->type & cJSON_IsReference) { /* it stands in the node that goes */
		text = strdup(text);
		if (!text)
			return false;
	}
	if (!(j->type & cJSON_IsReference)) {
		node_free(j->child);
		free(j->valuestring);
	}
	j->type = (with->type & 0xff) | (j->type & cJSON_StringIsConst);
	j->valuestring = text;
	j->valueint = with->valueint;
	j->valuedouble = with->valuedouble;
	j->child = with->child;
	with->child = NULL;
	if (!(with->type & cJSON_IsReference))
		with->valuestring = NULL;
	node_free(with);
	return true;
}

bool sd_json_add(struct cJSON *obj, const char *name, struct cJSON *item)
{
	uint32_t hash;
	const char *kept = sd_json_name_kept(name, strlen(name), &hash);
	char *own;

	if (kept)
		return sd_json_add_named(obj, kept, item);
	own = obj && item ? strdup(name) : NULL;
	if (!own) {
		node_free(item);
		return false;
	}
	put_name(item, own, false);
	node_append(obj, item);
	return true;
}

bool sd_json_add_named(struct cJSON *obj, const char *name, struct cJSON *item)
{
	if (!obj || !item) {
		node_free(item);
		return false;
	}
	put_name(item, name, true);
	node_append(obj, item);
	return true;
}

bool sd_json_set(struct cJSON *obj, const char *name, struct cJSON *item)
{
	cJSON *had = item ? sd_json_get(obj, name) : NULL;
	const char *kept;
	uint32_t hash;

	if (!obj || !item) {
		node_free(item);
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
	node_free(item);
	return false;
}

bool sd_json_set_shared(struct cJSON *obj, const char *name, const struct cJSON *item)
{
	cJSON *j = node_new((item->type & 0xff) | cJSON_IsReference);

	if (!j)
		return false;
	j->child = item->child;
	j->valuestring = item->valuestring;
	j->valueint = item->valueint;
	j->valuedouble = item->valuedouble;
	node_free(sd_json_detach(obj, name));
	return sd_json_add_named(obj, name, j);
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
	node_free(item);
	return false;
}

struct cJSON *sd_json_detach(struct cJSON *obj, const char *name)
{
	cJSON *c = sd_json_get(obj, name);

	return c ? cJSON_DetachItemViaPointer(obj, c) : NULL;
}

void sd_json_remove(struct cJSON *obj, const char *name)
{
	node_free(sd_json_detach(obj, name));
}

#define EXPONENT_MAX 1000000000000000 /* what is longer is as good as that */

/* The digits that count, and the power of ten of the last one: the value, not the spelling. */
static int64_t decimal(const char *t, struct sd_buf *digits)
{
	const char *e = t + strcspn(t, "eE");
	int64_t power = *e ? strtoll(e + 1, NULL, 10) : 0;
	bool fraction = false;

	power = power > EXPONENT_MAX ? EXPONENT_MAX : power < -EXPONENT_MAX ? -EXPONENT_MAX : power;
	for (; t < e; t++) {
		if (*t == '.')
			fraction = true;
		else if (fraction)
			power--;
		if (*t >= (digits->len ? '0' : '1') && *t <= '9')
			sd_buf_ch(digits, *t);
	}
	for (; digits->len && digits->data[digits->len - 1] == '0'; power++)
		digits->data[--digits->len] = '\0';
	return power;
}

static bool decimal_equal(const char *a, const char *b)
{
	struct sd_buf x = SD_BUF_INIT, y = SD_BUF_INIT;
	int64_t p = decimal(a, &x), q = decimal(b, &y);
	bool same = (*a == '-') == (*b == '-') && p == q && sd_buf_ok(&x) && sd_buf_ok(&y) &&
		    strcmp(sd_buf_text(&x), sd_buf_text(&y)) == 0;

	sd_buf_release(&x);
	sd_buf_release(&y);
	return same;
}

static bool number_equal(const cJSON *a, const cJSON *b)
{
	int64_t x, y;
	double u, v;

	if (sd_json_i64(a, &x) && sd_json_i64(b, &y))
		return x == y;
	if (cJSON_IsRaw(a) && cJSON_IsRaw(b)) /* no double holds them */
		return decimal_equal(a->valuestring, b->valuestring);
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
