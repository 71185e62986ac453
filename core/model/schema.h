/*
 * core/model/schema.h - models, fields, keys and relations, read from any of the schema forms.
 *
 * A struct sd_schema is built once by a reader and never changed after; everything in it is owned
 * by it and borrowed by everybody else.  All names are NUL-terminated UTF-8 as the schema has them.
 *
 * Sources: spec/client.md 1 (shapes, associations, keys), spec/server.md 1 (SDL directives).
 * Depends on: base, json.  Threads: immutable after reading, so any number may read it.
 */
#ifndef SD_MODEL_SCHEMA_H
#define SD_MODEL_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/base/map.h"

struct cJSON;
struct sd_sdl_doc; /* core/model/sdl.h */

enum sd_scalar {
	SD_T_ID,
	SD_T_STRING,
	SD_T_INT,
	SD_T_FLOAT,
	SD_T_BOOLEAN,
	SD_T_AWSDATE,
	SD_T_AWSTIME,
	SD_T_AWSDATETIME,
	SD_T_AWSTIMESTAMP,
	SD_T_AWSEMAIL,
	SD_T_AWSJSON,
	SD_T_AWSURL,
	SD_T_AWSPHONE,
	SD_T_AWSIPADDRESS,
	SD_T_COUNT
};

enum sd_kind { SD_K_SCALAR, SD_K_ENUM, SD_K_NONMODEL, SD_K_MODEL };
enum sd_assoc { SD_A_NONE, SD_A_BELONGS_TO, SD_A_HAS_ONE, SD_A_HAS_MANY };

struct sd_enum {
	char *name;
	char **values;
	size_t value_count;
};

struct sd_model;
struct sd_nonmodel;

struct sd_field {
	char *name;
	enum sd_kind kind;
	enum sd_scalar scalar;    /* SD_K_SCALAR only */
	char *type_name;          /* "AWSDateTime", the enum's, non-model's or model's name */
	const struct sd_enum *en; /* SD_K_ENUM only */
	const struct sd_nonmodel *nonmodel; /* SD_K_NONMODEL only */
	struct sd_model *model;             /* SD_K_MODEL only: the other end */
	bool list;                          /* [T] */
	bool required;                      /* T!; of a list: its elements are non-null */
	bool list_nullable;                 /* of a list: the list itself may be null */
	bool read_only;                     /* generated timestamp: never in an input */
	bool implicit;                      /* a key column the schema names but does not list:
	                                     * stored and sent, never selected (client.md 1.4) */
	bool stored;                        /* has a column: every field but the SD_K_MODEL ones */
	/* relations (SD_K_MODEL), normalised: both lists filled whenever the relation is usable;
	 * local[i] pairs with remote[i].  client.md 1.4, localJoinFields and remoteJoinFields. */
	enum sd_assoc assoc;
	char **local, **remote; /* column names here and at the other model */
	size_t join_count;      /* 0: incomplete, not navigable */
	char **assoc_with;      /* as the schema says it, for codegen */
	size_t assoc_with_count;
	char **targets; /* targetNames as the schema says it */
	size_t target_count;
	char *default_value; /* @default(value:), NULL without */
	unsigned line;       /* of the schema file, 0 when unknown */
};

struct sd_index {
	char *name;        /* NULL: the primary key */
	char *query_field; /* NULL: no query */
	size_t *fields;    /* positions in model->fields */
	size_t field_count;
};

enum sd_allow {
	SD_ALLOW_OWNER,
	SD_ALLOW_GROUPS,
	SD_ALLOW_PRIVATE,
	SD_ALLOW_PUBLIC,
	SD_ALLOW_CUSTOM
};
enum sd_provider {
	SD_BY_DEFAULT,
	SD_BY_APIKEY,
	SD_BY_USERPOOLS,
	SD_BY_OIDC,
	SD_BY_IAM,
	SD_BY_FUNCTION
};
enum sd_auth_op {
	SD_OP_CREATE_BIT = 1,
	SD_OP_UPDATE_BIT = 2,
	SD_OP_DELETE_BIT = 4,
	SD_OP_GET_BIT = 8,
	SD_OP_LIST_BIT = 16,
	SD_OP_SYNC_BIT = 32,
	SD_OP_LISTEN_BIT = 64,
	SD_OP_SEARCH_BIT = 128,
	SD_OP_READ_BITS = 8 | 16 | 32 | 64 | 128,
	SD_OP_ALL_BITS = 255
};

struct sd_auth_rule { /* defaults applied: client.md 1.6, server.md 1.9 */
	enum sd_allow allow;
	enum sd_provider provider; /* never SD_BY_DEFAULT after reading */
	unsigned operations;       /* SD_OP_*_BIT */
	char *owner_field;         /* "owner" */
	bool owner_field_given;
	char *identity_claim; /* "cognito:username", "sub::username", ... as the schema says; default
	                       * "username" from JSON forms, "sub::username" from SDL */
	char *group_claim;
	char *groups_field; /* NULL: static groups */
	char **groups;
	size_t group_count;
};

enum sd_sub_level { SD_SUB_ON, SD_SUB_PUBLIC, SD_SUB_OFF };

struct sd_model {
	char *name;
	char *plural;            /* as the schema gives it; computed from SDL */
	bool syncable;           /* false: stored, never synced */
	bool join;               /* made for a many-to-many relation */
	struct sd_field *fields; /* schema order, implicit columns last */
	size_t field_count;
	struct sd_map by_name; /* name -> struct sd_field * */
	size_t *pk;            /* positions in fields, key order; at least one */
	size_t pk_count;
	bool custom_pk; /* an unnamed key is declared */
	bool managed_id; /* the key is "id": a UUID is filled in when it is omitted (client.md 1.5) */
	struct sd_index *indexes; /* named ones */
	size_t index_count;
	/* groups of fields that travel together in an update (client.md 1.5); positions */
	struct sd_field_group {
		size_t *fields;
		size_t count;
	} * groups;
	size_t group_count;
	struct sd_auth_rule *rules;
	size_t rule_count;
	char *created_at, *updated_at; /* timestamp fields' names; NULL: not generated */
	enum sd_sub_level sub_level;
	size_t id;     /* position in schema->models */
	unsigned line; /* of the schema file, 0 when unknown */
};

struct sd_nonmodel {
	char *name;
	struct sd_field *fields;
	size_t field_count;
	unsigned line;
};

struct sd_schema {
	struct sd_model **models; /* schema order, join models last */
	size_t model_count;
	struct sd_enum **enums;
	size_t enum_count;
	struct sd_nonmodel **nonmodels;
	size_t nonmodel_count;
	struct sd_map by_name; /* model name -> struct sd_model * */
	struct sd_map types;   /* enum and non-model names -> their struct */
	size_t *parents_first; /* model ids, parents (belongsTo targets) before children; cycles
	                          * are broken at the edge met last */
	char hash[65];         /* hex SHA-256-sized digest of the structure; see sd_schema_hash */
	char **notes;          /* what was ignored, for a person, one line each */
	size_t note_count;
	struct sd_sdl_doc *sdl; /* owned; the document when it was SDL, else NULL */
};

/* Reads any form (client.md 1.1): SDL; model introspection alone, inside amplify_outputs.json or
 * amplifyconfiguration.json; codegen schema.js/.ts/.json.  name is for error texts (a path).
 * Errors: INVAL, with "name:line:column: ..." and what to do; NOMEM. */
SD_MUST_USE enum sd_err sd_schema_read(
	const char *text, size_t n, const char *name, struct sd_schema **out, struct sd_error *e);
SD_MUST_USE enum sd_err sd_schema_read_file(
	const char *path, struct sd_schema **out, struct sd_error *e);
void sd_schema_free(struct sd_schema *s); /* NULL is fine */

/* The model introspection JSON (Form B); the same schema gives the same bytes. */
SD_MUST_USE enum sd_err sd_schema_codegen(
	const struct sd_schema *s, struct cJSON **out, struct sd_error *e);

/* Lookups; borrowed; NULL when absent. */
const struct sd_model *sd_schema_model(const struct sd_schema *s, const char *name);
const struct sd_field *sd_model_field(const struct sd_model *m, const char *name);
bool sd_model_is_key(const struct sd_model *m, const struct sd_field *f);
/* "id, title, rating": what an error names when a field does not exist; at most 12, appended. */
struct sd_buf;
void sd_model_name_fields(const struct sd_model *m, struct sd_buf *out);
/* Says that and fails: "Post has no field \"x\"; it has id, title".  INVAL. */
enum sd_err sd_model_no_field(const struct sd_model *m, const char *name, struct sd_error *e);
const char *sd_scalar_name(enum sd_scalar t);
int sd_scalar_parse(const char *name); /* case-insensitive; -1 when it is none */
/* "String!", "[Int]", "PostStatus" - as SDL writes the type; appended to out. */
bool sd_field_type_text(const struct sd_field *f, struct sd_buf *out);
/* The belongsTo or hasOne relation whose local columns include column f; NULL when none. */
const struct sd_field *sd_model_relation_of(const struct sd_model *m, const struct sd_field *f);

/* ---- keys: one record's identity.  JSON array text of the key values, compact, in key order:
 *      ["7f3a"] or ["c1",7].  The same text everywhere: store, outbox, events, contract.md. ---- */
/* From a record or input object; NOTFOUND with the missing part's name when one is absent. */
SD_MUST_USE enum sd_err sd_key_of(
	const struct sd_model *m, const struct cJSON *rec, struct sd_buf *out, struct sd_error *e);
/* From command line words, each taken as its field's type; INVAL names the missing or bad part. */
SD_MUST_USE enum sd_err sd_key_from_words(const struct sd_model *m, const char *const *words,
	size_t n, struct sd_buf *out, struct sd_error *e);
/* Adds the key's fields to obj (a record or input). key is the array text. */
SD_MUST_USE enum sd_err sd_key_put(
	const struct sd_model *m, const char *key, struct cJSON *obj, struct sd_error *e);
/* "7f3a.." or "c1 / 7" for a person; appended. */
bool sd_key_show(const char *key, struct sd_buf *out);

#endif
