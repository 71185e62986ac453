/*
 * core/model/sdl.h - the schema definition language as a tree, with places.
 *
 * The parser takes what people have (client.md 1.1): BOM, CRLF, block strings, comments anywhere,
 * missing commas, `extend type`, interfaces, inputs.  It knows no directive's meaning; the readers
 * above it do.  Used by the client's SDL reader and by the sandbox's schema generation.
 *
 * Depends on: base.  Threads: immutable after parsing.
 */
#ifndef SD_MODEL_SDL_H
#define SD_MODEL_SDL_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

enum sd_sdl_value_kind {
	SD_SDL_NULL,
	SD_SDL_INT,
	SD_SDL_FLOAT,
	SD_SDL_STRING,
	SD_SDL_BOOL,
	SD_SDL_ENUM,
	SD_SDL_LIST,
	SD_SDL_OBJECT
};

struct sd_sdl_value {
	enum sd_sdl_value_kind kind;
	char *text; /* INT, FLOAT, STRING (unescaped), ENUM, BOOL ("true"/"false") */
	struct sd_sdl_value *items; /* LIST elements or OBJECT values */
	char **names;               /* OBJECT member names */
	size_t count;
	unsigned line, column;
};

struct sd_sdl_arg {
	char *name;
	struct sd_sdl_value value;
};

struct sd_sdl_directive {
	char *name; /* without '@' */
	struct sd_sdl_arg *args;
	size_t arg_count;
	unsigned line, column;
};

struct sd_sdl_type { /* a type reference: name, wrapped in lists and non-nulls */
	char *name;
	bool non_null; /* of the name itself, or of a list's element */
	bool list;     /* one level; deeper lists are refused by the parser's users */
	bool list_non_null;
	unsigned depth; /* list nesting, 0 for a plain type */
};

struct sd_sdl_field { /* also an input value or a field argument */
	char *name;
	char *description;
	struct sd_sdl_type type;
	struct sd_sdl_field *args;
	size_t arg_count;
	struct sd_sdl_value *default_value; /* NULL without */
	struct sd_sdl_directive *directives;
	size_t directive_count;
	unsigned line, column;
};

enum sd_sdl_def_kind {
	SD_SDL_DEF_TYPE,
	SD_SDL_DEF_INPUT,
	SD_SDL_DEF_ENUM,
	SD_SDL_DEF_INTERFACE,
	SD_SDL_DEF_UNION,
	SD_SDL_DEF_SCALAR,
	SD_SDL_DEF_DIRECTIVE,
	SD_SDL_DEF_SCHEMA
};

struct sd_sdl_def { /* `extend` is merged into the definition it extends when there is one */
	enum sd_sdl_def_kind kind;
	char *name;
	char *description;
	struct sd_sdl_field *fields; /* TYPE, INPUT, INTERFACE, SCHEMA (query: Query) */
	size_t field_count;
	char **values; /* ENUM values, UNION members */
	size_t value_count;
	char **interfaces;
	size_t interface_count;
	struct sd_sdl_directive *directives;
	size_t directive_count;
	unsigned line, column;
};

struct sd_sdl_doc {
	struct sd_sdl_def *defs;
	size_t def_count;
};

/* Errors: INVAL "name:line:column: expected ..., found ..."; TOOBIG over 1 MiB; NOMEM. */
SD_MUST_USE enum sd_err sd_sdl_parse(
	const char *text, size_t n, const char *name, struct sd_sdl_doc **out, struct sd_error *e);
void sd_sdl_free(struct sd_sdl_doc *d);

const struct sd_sdl_def *sd_sdl_find(const struct sd_sdl_doc *d, const char *name);
const struct sd_sdl_directive *sd_sdl_directive(
	const struct sd_sdl_directive *list, size_t n, const char *name);
const struct sd_sdl_value *sd_sdl_arg(const struct sd_sdl_directive *d, const char *name);

#endif
