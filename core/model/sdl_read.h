/*
 * core/model/sdl_read.h - the parts of the SDL reader.  Private to core/model.
 *
 * Order of the work: read_sdl.c makes types and fields, sdl_keys.c keys and rules, sdl_relations.c
 * and sdl_join.c the relations; then sd_draft_finish().
 */
#ifndef SD_MODEL_SDL_READ_H
#define SD_MODEL_SDL_READ_H

#include "core/model/draft.h"
#include "core/model/sdl.h"

struct sd_sdl_reader {
	struct sd_draft d;
	const struct sd_sdl_doc *doc;
	const struct sd_sdl_def **defs; /* by model id; the join models have none */
	size_t def_count;
	const char *root[3]; /* names of the operation types; borrowed from doc */
};

enum sd_err sd_read_sdl(
	const char *text, size_t n, const char *name, struct sd_schema **out, struct sd_error *e);

/* Keys, id, timestamps and rules of one model. */
SD_MUST_USE enum sd_err sd_sdl_read_model(struct sd_sdl_reader *r, struct sd_model *m,
	const struct sd_sdl_def *def, struct sd_error *e);
/* Associations of every model-typed field, with the columns the service makes for them. */
SD_MUST_USE enum sd_err sd_sdl_read_relations(struct sd_sdl_reader *r, struct sd_error *e);
SD_MUST_USE enum sd_err sd_sdl_read_connection(struct sd_sdl_reader *r, struct sd_model *m,
	const struct sd_sdl_field *field, const struct sd_sdl_directive *dir, struct sd_error *e);
SD_MUST_USE enum sd_err sd_sdl_read_joins(struct sd_sdl_reader *r, struct sd_error *e);

/* Adds createdAt and updatedAt as far as the model has them and does not list them. */
SD_MUST_USE bool sd_sdl_add_timestamps(struct sd_model *m);

/* The directive that makes a field a relation; NULL when it is none. */
const struct sd_sdl_directive *sd_sdl_relation(const struct sd_sdl_field *f);
/* A string, or list of strings, argument as names; error when it is something else. */
SD_MUST_USE enum sd_err sd_sdl_names(const struct sd_sdl_reader *r,
	const struct sd_sdl_directive *dir, const char *arg, char ***out, size_t *n,
	struct sd_error *e);
/* The text of a string argument, NULL when absent or null. */
const char *sd_sdl_text(const struct sd_sdl_directive *dir, const char *arg);
/* "postCommentsId" from Post, comments, id (field may be NULL); owned. */
char *sd_camel(const char *type, const char *field, const char *key);
/* A column for a relation, of the type of the key it points at.  An existing one stays. */
SD_MUST_USE enum sd_err sd_sdl_column(struct sd_sdl_reader *r, struct sd_model *m, const char *name,
	const struct sd_field *like, bool required, bool implicit, struct sd_error *e);

#endif
