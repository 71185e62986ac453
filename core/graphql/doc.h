/*
 * core/graphql/doc.h - the client's GraphQL documents and variables.
 *
 * Shapes: spec/client.md 2 (documents), 2.3 (selection set), 2.5 (inputs).  All operations are
 * named `operation`.  A document depends on the model only, so it is built once per model.
 *
 * Depends on: base, json, model.  Threads: no state.
 */
#ifndef SD_GRAPHQL_DOC_H
#define SD_GRAPHQL_DOC_H

#include "core/base/buf.h"
#include "core/model/schema.h"

enum sd_doc {
	SD_DOC_SYNC,
	SD_DOC_CREATE,
	SD_DOC_UPDATE,
	SD_DOC_DELETE,
	SD_DOC_GET, /* key fields typed, custom keys too */
	SD_DOC_ON_CREATE,
	SD_DOC_ON_UPDATE,
	SD_DOC_ON_DELETE,
	SD_DOC_COUNT
};

struct sd_doc_opts {
	bool filter;             /* subscriptions: take $filter */
	const char *owner_field; /* subscriptions: take this owner argument; NULL without */
	/* GET, when the whole record cannot be had: a null where none may be takes the record with
	 * it, and the objects of relations are what comes from elsewhere. */
	bool plain;               /* without those objects */
	const struct cJSON *only; /* without them, and of the fields the key and its members */
};

/* Appends the document.  opts may be NULL.  Errors: NOMEM. */
SD_MUST_USE enum sd_err sd_doc_build(const struct sd_model *m, enum sd_doc kind,
	const struct sd_doc_opts *opts, struct sd_buf *out, struct sd_error *e);
/* The root field's name: "syncPosts", "createPost", "onCreatePost" (camel join: server.md 1.3). */
bool sd_doc_root(const struct sd_model *m, enum sd_doc kind, struct sd_buf *out);
/* The selection set in braces (client.md 2.3). */
bool sd_doc_selection(const struct sd_model *m, struct sd_buf *out);

/* {"query":...,"variables":...} appended to out; takes neither argument. */
bool sd_doc_request(const char *document, const struct cJSON *variables, struct sd_buf *out);

/* The `input` of a mutation (client.md 2.5): fields in schema order, no read-only ones, AWSJSON as
 * strings, null owner fields left out, composite-key groups completed from `record` (the whole
 * local record; may be NULL), the key, and _version when version > 0.
 * fields: the changed fields as the outbox holds them (local values); ignored for DELETE.
 * *out owned.  Errors: INVAL, NOMEM. */
SD_MUST_USE enum sd_err sd_doc_input(const struct sd_model *m, enum sd_doc kind, const char *key,
	const struct cJSON *fields, const struct cJSON *record, int64_t version, struct cJSON **out,
	struct sd_error *e);

/* Several mutations in one document, aliases m0, m1, ...: kinds[i] of models[i]; takes $i0, $c0 ...
 * ($c for updates and deletes only: a create has no condition). */
SD_MUST_USE enum sd_err sd_doc_batch(const struct sd_model *const *models, const enum sd_doc *kinds,
	size_t n, struct sd_buf *out, struct sd_error *e);

/* A record as the wire has it -> as the store keeps it: AWSJSON parsed, implicit foreign keys taken
 * from the nested object (client.md 7.1), relations dropped, metadata kept (_version,
 * _lastChangedAt, _deleted).  Modifies *item in place.  Errors: PROTO naming model, field and path
 * when a required field is missing, a value is of the wrong kind, a date is none, or _version is no
 * positive whole number (the caller quarantines; *item may be half converted, so keep the raw text).
 * Of a tombstone only the key and the metadata are required. */
SD_MUST_USE enum sd_err sd_item_to_local(
	const struct sd_model *m, struct cJSON *item, struct sd_error *e);

#endif
