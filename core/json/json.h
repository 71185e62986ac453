/*
 * core/json/json.h - JSON in and out, over cJSON.
 *
 * Everywhere in core a record, a page or a message is a `struct cJSON *` tree.  Who does not link
 * cJSON (app, ui) passes the pointer along and uses the functions here.
 *
 * What this adds to cJSON: input is checked before cJSON sees it (UTF-8, no U+0000, depth, no
 * duplicate keys, nothing behind the value); an integer that a double cannot hold exactly, and a
 * number whose text would change, is kept as its text (a cJSON_Raw node), so 9007199254740993
 * prints as it came; errors carry line and column.
 *
 * Depends on: base, cJSON.  Threads: no state.
 */
#ifndef SD_JSON_JSON_H
#define SD_JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"

struct cJSON;

#define SD_JSON_DEPTH     100                /* deepest nesting accepted */
#define SD_JSON_MAX_BYTES ((size_t)64 << 20) /* longest text accepted */

/* Parses one value.  *out owned by the caller (sd_json_free).  what names the text in errors
 * ("page of syncPosts", "posts.ndjson:7").  Errors: PROTO is never used here; INVAL with line and
 * column (a text of one line: the column), NOMEM. */
SD_MUST_USE enum sd_err sd_json_parse(
	const char *text, size_t n, const char *what, struct cJSON **out, struct sd_error *e);
void sd_json_free(struct cJSON *j); /* NULL is fine */

/* Compact text (no spaces), appended.  false: out of memory.  Raw numbers print as they came. */
bool sd_json_print(const struct cJSON *j, struct sd_buf *out);
char *sd_json_text(const struct cJSON *j); /* owned; NULL: out of memory */
/* Two-space indented, for people. */
bool sd_json_print_pretty(const struct cJSON *j, struct sd_buf *out);
/* Appends s as a JSON string, quotes included. */
bool sd_json_quote(struct sd_buf *out, const char *s, size_t n);

/* ---- reading; every function takes NULL and wrong types and answers "absent" ---- */
/* Case-sensitive member; borrowed from obj; NULL when absent. */
struct cJSON *sd_json_get(const struct cJSON *obj, const char *name);
/* Walks several names, ending with NULL: sd_json_path(j, "data", "items", NULL). */
struct cJSON *sd_json_path(const struct cJSON *j, ...);
const char *sd_json_str(const struct cJSON *j); /* NULL when not a string */
const char *sd_json_get_str(const struct cJSON *obj, const char *name);
bool sd_json_i64(const struct cJSON *j, int64_t *out); /* false: not a whole number in range */
int64_t sd_json_get_i64(const struct cJSON *obj, const char *name, int64_t otherwise);
bool sd_json_f64(const struct cJSON *j, double *out);
bool sd_json_is_null(const struct cJSON *j); /* JSON null, or NULL pointer */
bool sd_json_is_true(const struct cJSON *j);
bool sd_json_is_bool(const struct cJSON *j);
bool sd_json_is_number(const struct cJSON *j); /* a raw number too */
bool sd_json_is_string(const struct cJSON *j);
bool sd_json_is_array(const struct cJSON *j);
bool sd_json_is_object(const struct cJSON *j);
size_t sd_json_count(const struct cJSON *j); /* members of an array or object; O(n) */
/* First member and next: for (c = sd_json_child(a); c; c = sd_json_next(c)).  Never index. */
struct cJSON *sd_json_child(const struct cJSON *j);
struct cJSON *sd_json_next(const struct cJSON *j);
const char *sd_json_name(const struct cJSON *j); /* member name; NULL in arrays */

/* ---- building; makers return NULL when out of memory; adders take ownership of `item` always,
 *      also on failure, and return false then (NULL item is failure: chains need one check) ---- */
struct cJSON *sd_json_object(void);
struct cJSON *sd_json_array(void);
struct cJSON *sd_json_null(void);
struct cJSON *sd_json_bool(bool v);
struct cJSON *sd_json_int(int64_t v); /* exact, whatever its size */
struct cJSON *sd_json_real(double v);
struct cJSON *sd_json_string(const char *s); /* NULL s gives JSON null */
struct cJSON *sd_json_string_n(const char *s, size_t n);
struct cJSON *sd_json_dup(const struct cJSON *j); /* deep */
/* j, which keeps its name and its place, becomes what `with` is; with is gone then.  false: out of
 * memory, both are as they were. */
bool sd_json_become(struct cJSON *j, struct cJSON *with);
bool sd_json_add(struct cJSON *obj, const char *name, struct cJSON *item);
/* Replaces the member or adds it at the end. */
bool sd_json_set(struct cJSON *obj, const char *name, struct cJSON *item);
/* The same with a name that is not copied: it must outlive the tree and every copy of it. */
bool sd_json_add_named(struct cJSON *obj, const char *name, struct cJSON *item);
/* A member that is what item is, without a copy: item must outlive obj (but not a copy of obj made
 * by sd_json_dup), the name every copy.  Replaces a member of that name. */
bool sd_json_set_shared(struct cJSON *obj, const char *name, const struct cJSON *item);
bool sd_json_add_str(struct cJSON *obj, const char *name, const char *s);
bool sd_json_add_int(struct cJSON *obj, const char *name, int64_t v);
bool sd_json_add_bool(struct cJSON *obj, const char *name, bool v);
bool sd_json_push(struct cJSON *array, struct cJSON *item);
/* Detaches and returns a member (owned by the caller), NULL when absent. */
struct cJSON *sd_json_detach(struct cJSON *obj, const char *name);
void sd_json_remove(struct cJSON *obj, const char *name);

/* Deep equality: numbers by value (5 equals 5.0), objects whatever the order of members, lists by
 * order.  With null_is_absent an absent member equals a null one, and NULL equals JSON null. */
bool sd_json_equal(const struct cJSON *a, const struct cJSON *b, bool null_is_absent);

#endif
