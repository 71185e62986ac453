/*
 * core/sandbox/core/types.h - the GraphQL type system of the generated API.  Private to the sandbox.
 *
 * Built once from a struct sd_schema (spec/server.md 1) and then read only.  Everything lies in one
 * arena; adders take NULL and answer NULL, so that a build is checked once at its end.
 */
#ifndef SD_SANDBOX_TYPES_H
#define SD_SANDBOX_TYPES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/map.h"
#include "core/model/schema.h"
#include "core/model/sdl.h"
#include "core/sandbox/core/sandbox.h"

/* ---- arena: zeroed memory freed at once; NULL and a sticky flag when there is none ---- */
struct sbx_block;
struct sbx_arena {
	struct sbx_block *head;
	bool failed;
};
void *sbx_alloc(struct sbx_arena *a, size_t n);
char *sbx_fmt(struct sbx_arena *a, const char *fmt, ...) SD_PRINTF(2, 3);
char *sbx_copy(struct sbx_arena *a, const char *s); /* NULL gives NULL */
void sbx_arena_free(struct sbx_arena *a);

/* ---- types ---- */
enum sbx_kind { SBX_UNDEFINED, SBX_SCALAR, SBX_ENUM, SBX_OBJECT, SBX_INPUT };

struct sbx_ref { /* T, T!, [T], [T]!, [T!], [T!]! */
	struct sbx_type *type;
	bool list, non_null, item_non_null;
};

enum sbx_res { /* how a field gets its value */
	SBX_PLAIN,
	SBX_GET,
	SBX_LIST,
	SBX_SYNC,
	SBX_CREATE,
	SBX_UPDATE,
	SBX_DELETE,
	SBX_SUBSCRIBE,
	SBX_HAS_MANY,
	SBX_ONE,
	SBX_INTROSPECT /* __schema, __type and everything below them */
};

/* Columns that a query compares: a table's key, an index, the join of a relation. */
struct sbx_key {
	const char **hash;
	size_t hash_count;
	const char **sort;
	size_t sort_count;
	const char *sort_arg; /* argument with the sort condition; NULL without sort columns */
};

struct sbx_field {
	const char *name;
	const char *description;
	struct sbx_ref type;
	struct sbx_field *args; /* in order, linked by next */
	struct sbx_field *next;
	const char *default_text; /* of an argument, as SDL writes it */
	enum sbx_res res;
	bool owner;              /* shows what stands behind the last "::" */
	struct sbx_model *model; /* what a resolver reads or writes; the other end of a relation */
	const struct sd_field *src;       /* of the schema; NULL for generated ones */
	const struct sbx_key *key;        /* SBX_LIST with a hash argument, SBX_HAS_MANY, SBX_ONE */
	unsigned sub_ops;                 /* subscriptions: SD_OP_CREATE_BIT ... */
	const struct sd_auth_rule *rules; /* field-level @auth; NULL without */
	size_t rule_count;
};

struct sbx_type {
	enum sbx_kind kind;
	const char *name;
	const char *description;
	struct sd_map fields; /* OBJECT, INPUT: name -> struct sbx_field *, in order */
	const char **values;  /* ENUM */
	size_t value_count;
	int scalar;              /* enum sd_scalar of a SCALAR */
	struct sbx_model *model; /* of a model's output type */
	bool introspection;
};

struct sbx_model {
	const struct sd_model *m;
	const struct sd_sdl_def *def; /* NULL when the schema was not SDL */
	const char *plural;
	const char *table; /* quoted SQL name */
	struct sbx_type *out, *conn, *filter, *cond, *sub_filter, *create_in, *update_in,
		*delete_in;
	struct sbx_key *pk;
	enum sd_strategy strategy;
	const char *lambda; /* the model's own handler; borrowed; NULL: the server's */
	/* Without (strategy none, or DataStore off) its table is a plain one: no metadata, no
	 * sync query, deletes that remove (spec/server.md 2.4, last line). */
	bool versioned;
	bool auto_created, auto_updated; /* the timestamps are filled in */
	int64_t synced_at;               /* when a startedAt was last given out; 0 never */
	int64_t synced_saved;            /* what the database says of it: this or a bit less */
};

struct sbx_schema {
	struct sbx_arena arena;
	struct sd_map types; /* name -> struct sbx_type * */
	struct sbx_type *query, *mutation, *subscription;
	struct sbx_model *models; /* same order as schema->models */
	size_t model_count;
	struct sd_map by_name; /* model name -> struct sbx_model * */
	struct sbx_key **keys; /* every key that wants an index */
	struct sbx_model **key_models;
	size_t key_count, key_room;
	struct sbx_field schema_field, type_field,
		typename_field; /* __schema, __type, __typename */
	const char *clash;      /* a type name taken twice; NULL */
};

/* A type by name; made (SBX_UNDEFINED) when it does not exist yet. */
struct sbx_type *sbx_type_at(struct sbx_schema *x, const char *name);
struct sbx_type *sbx_type_find(const struct sbx_schema *x, const char *name); /* NULL */
/* Defines a type; NULL and the arena's flag when the name is taken (*clash gets it). */
struct sbx_type *sbx_type_define(struct sbx_schema *x, enum sbx_kind kind, const char *name);
struct sbx_field *sbx_add(
	struct sbx_schema *x, struct sbx_type *t, const char *name, const char *type);
struct sbx_field *sbx_add_ref(
	struct sbx_schema *x, struct sbx_type *t, const char *name, struct sbx_ref type);
struct sbx_field *sbx_arg(
	struct sbx_schema *x, struct sbx_field *f, const char *name, const char *type);
struct sbx_ref sbx_ref_parse(struct sbx_schema *x, const char *type); /* "[Post!]!" */
bool sbx_ref_text(const struct sbx_ref *r, struct sd_buf *out);
struct sbx_field *sbx_field_find(const struct sbx_type *t, const char *name); /* NULL */
const struct sbx_field *sbx_arg_find(const struct sbx_field *f, const char *name);
void sbx_schema_release(struct sbx_schema *x);

/* directives.c: what introspection shows and documents may use; none is repeatable */
struct sbx_directive {
	const char *name, *description, *locations; /* locations: words */
	const char *arg, *arg_type, *arg_default;   /* NULL without */
};
extern const struct sbx_directive sbx_directives[];
extern const size_t sbx_directive_count;
const struct sbx_directive *sbx_directive_find(const char *name); /* NULL */
bool sbx_directive_at(const struct sbx_directive *d, const char *location);
/* Its argument as a field; name NULL when it takes none. */
struct sbx_field sbx_directive_arg(const struct sbx_schema *x, const struct sbx_directive *d);

/* types_shared.c: scalars, ModelStringInput and its kin, the introspection types */
void sbx_define_shared(struct sbx_schema *x);
void sbx_define_introspection(struct sbx_schema *x);

/* generate.c; Errors: INVAL naming what cannot be served, NOMEM. */
struct sbx_choice { /* how one model's conflicts are settled; by its place in the schema */
	enum sd_strategy strategy;
	const char *lambda; /* borrowed */
};
SD_MUST_USE enum sd_err sbx_generate(const struct sd_schema *schema, bool datastore,
	const struct sbx_choice *choices, bool strict, struct sbx_schema *x, struct sd_error *e);
/* generate_input.c */
void sbx_generate_inputs(struct sbx_schema *x, struct sbx_model *sm);
struct sbx_ref sbx_ref_of_field(struct sbx_schema *x, const struct sd_field *f, bool input);
/* generate_root.c */
void sbx_generate_roots(struct sbx_schema *x, struct sbx_model *sm);
void sbx_generate_relation(struct sbx_schema *x, struct sbx_model *sm, struct sbx_field *out,
	const struct sd_field *f);
/* "Post", "byDate" -> "postByDate" and so on: joins words, each but the first upper-cased. */
char *sbx_camel(struct sbx_schema *x, const char *a, const char *b);
bool sbx_is_name(const char *s);

/* plural.c: owned by the arena */
char *sbx_plural(struct sbx_arena *a, const char *word);

/* auth_rules.c: a field's own @auth from the SDL document; NULL without */
void sbx_field_rules(struct sbx_schema *x, const struct sbx_model *sm, struct sbx_field *f);

#endif
