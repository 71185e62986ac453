/*
 * core/model/draft.h - a schema while a reader builds it.  Private to core/model.
 *
 * A reader makes models, fields, keys and associations by name, then sd_draft_finish() resolves
 * names to positions and pointers.  While drafting, model->by_name holds positions (see
 * sd_draft_at) because the fields still move in memory.
 */
#ifndef SD_MODEL_DRAFT_H
#define SD_MODEL_DRAFT_H

#include "core/model/grow.h"
#include "core/model/schema.h"

struct sd_draft_key {
	char *name; /* NULL: the primary key */
	char *query_field;
	char **fields;
	size_t count;
	unsigned line;
};

struct sd_draft {
	struct sd_schema *s; /* owned until finish */
	const char *file;    /* borrowed: name of the text, for errors */
	struct sd_draft_keys {
		struct sd_draft_key *v;
		size_t n;
	} * keys; /* one per model, by model id */
	size_t keys_count;
	bool strict; /* SDL: scalar names in their own case; a named key over an unknown field is
				 * refused, not dropped with a note */
};

SD_MUST_USE enum sd_err sd_draft_init(struct sd_draft *d, const char *file, struct sd_error *e);
void sd_draft_release(struct sd_draft *d);

/* Makers: NULL when out of memory.  Names are copied; the caller has checked for duplicates. */
struct sd_model *sd_draft_model(struct sd_draft *d, const char *name, unsigned line);
struct sd_enum *sd_draft_enum(struct sd_draft *d, const char *name);
struct sd_nonmodel *sd_draft_nonmodel(struct sd_draft *d, const char *name, unsigned line);
struct sd_draft_key *sd_draft_key(struct sd_draft *d, const struct sd_model *m);
/* Adds a field at the end.  The pointer is good until the next one is added to this model. */
struct sd_field *sd_draft_field(struct sd_model *m, const char *name, const char *type);
/* Position of a field, -1 when there is none. */
long sd_draft_at(const struct sd_model *m, const char *name);

/* Is a type of that name already there? */
bool sd_draft_has_type(const struct sd_draft *d, const char *name);
/* Fills kind, scalar, en, nonmodel, model from f->type_name; false: no such type. */
bool sd_draft_type(struct sd_draft *d, struct sd_field *f);
/* Takes over the type of another field (of a key, for the column that points at it). */
SD_MUST_USE bool sd_draft_same_type(struct sd_field *f, const struct sd_field *of);
/* The primary key's field names: those of the unnamed key, else "id".  Borrowed. */
char *const *sd_draft_pk(const struct sd_draft *d, const struct sd_model *m, size_t *n);
/* One line for a person about what was ignored; false: out of memory. */
SD_MUST_USE bool sd_draft_note(struct sd_draft *d, const char *fmt, ...) SD_PRINTF(2, 3);
/* "file:line:column: ..." ; line 0: "file: ..." */
enum sd_err sd_draft_fail(const struct sd_draft *d, unsigned line, unsigned column,
	struct sd_error *e, const char *fmt, ...) SD_PRINTF(5, 6);
enum sd_err sd_draft_nomem(struct sd_error *e);

/* relations.c: fills local and remote of every relation, adds the columns nobody lists. */
SD_MUST_USE enum sd_err sd_draft_relations(struct sd_draft *d, struct sd_error *e);
/* order.c: composite-key groups and parents_first. */
SD_MUST_USE enum sd_err sd_draft_groups(struct sd_model *m, struct sd_error *e);
SD_MUST_USE enum sd_err sd_draft_order(struct sd_schema *s, struct sd_error *e);
/* digest.c: s->hash. */
SD_MUST_USE enum sd_err sd_draft_digest(struct sd_schema *s, struct sd_error *e);
/* names.c: every name is one, none is taken or ambiguous. */
SD_MUST_USE enum sd_err sd_draft_names(const struct sd_draft *d, struct sd_error *e);
/* _version and the like: every record has them, no model lists them. */
bool sd_draft_is_metadata(const char *field);
/* All of it; *out owned by the caller, the draft is empty after. */
SD_MUST_USE enum sd_err sd_draft_finish(
	struct sd_draft *d, struct sd_schema **out, struct sd_error *e);

#endif
