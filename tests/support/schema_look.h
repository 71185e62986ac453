/*
 * tests/support/schema_look.h - what a schema that was read holds, in short words.
 */
#ifndef SD_TESTS_SCHEMA_LOOK_H
#define SD_TESTS_SCHEMA_LOOK_H

#include "core/model/schema.h"

/* Reads it; fails the test when it is refused.  Owned. */
struct sd_schema *look_load(const char *text);
/* The names, parted by blanks; good until the eighth next call. */
const char *look_names(char *const *v, size_t n);
struct sd_schema *look_load_file(const char *path);
/* The field; fails the test when there is none. */
const struct sd_field *look_field(const struct sd_schema *s, const char *model, const char *f);
/* The relation, and the columns it joins, parted by blanks. */
void look_joins(const struct sd_schema *s, const char *model, const char *f, enum sd_assoc assoc,
	const char *local, const char *remote);
/* The type as SDL writes it. */
void look_type_is(const struct sd_schema *s, const char *model, const char *f, const char *want);
void look_key_is(const struct sd_schema *s, const char *model, const char *want);
const char *look_positions(const struct sd_model *m, const size_t *at, size_t n);
bool look_has_note(const struct sd_schema *s, const char *part);
/* What every schema that loads must keep. */
void look_check_whole(const struct sd_schema *s, const char *what);
/* The generated models read back are the same schema, and the same bytes. */
void look_check_codegen(const struct sd_schema *s, const char *what);

#endif
