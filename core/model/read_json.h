/*
 * core/model/read_json.h - the two JSON encodings of a schema.  Private to core/model.
 *
 * Source: spec/client.md 1.1 to 1.6, with what people's files really hold (1.1, last paragraph).
 */
#ifndef SD_MODEL_READ_JSON_H
#define SD_MODEL_READ_JSON_H

#include "core/model/draft.h"

struct cJSON;

struct sd_json_reader {
	struct sd_draft d;
	const char *text; /* where lines are looked up */
	size_t n;
	const char *cursor; /* of the models' lines, which come in order */
	unsigned line;
};

/* The object that holds "models": root itself, or what a configuration file carries; NULL. */
const struct cJSON *sd_json_models(const struct cJSON *root);

/* text is what root was parsed from.  Errors: INVAL, NOMEM. */
SD_MUST_USE enum sd_err sd_read_json(const struct cJSON *root, const char *text, size_t n,
	const char *name, struct sd_schema **out, struct sd_error *e);

/* "file:line:column: ...", the place of the field (or of the model, when field is NULL). */
enum sd_err sd_json_reader_fail(const struct sd_json_reader *r, const char *model,
	const char *field, struct sd_error *e, const char *fmt, ...) SD_PRINTF(5, 6);

/* json_attributes.c: keys, rules, timestamps of a model. */
SD_MUST_USE enum sd_err sd_json_attributes(struct sd_json_reader *r, struct sd_model *m,
	const struct cJSON *model, struct sd_error *e);

/* A string, or the strings of an array, added to a list; false: out of memory. */
SD_MUST_USE bool sd_json_names(const struct cJSON *v, char ***out, size_t *n);

#endif
