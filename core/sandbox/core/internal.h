/*
 * core/sandbox/core/internal.h - what the sandbox's files share.  Private to core/sandbox/core.
 */
#ifndef SD_SANDBOX_INTERNAL_H
#define SD_SANDBOX_INTERNAL_H

#include <sqlite3.h>

#include "core/graphql/parse.h"
#include "core/json/json.h"
#include "core/sandbox/core/types.h"

#define SBX_RESOLVERS   10000               /* per request (spec/server.md 4) */
#define SBX_PLAN_NODES  50000               /* fields of a request after its fragments are spread */
#define SBX_PAGE_BYTES  ((size_t)1 << 20)   /* evaluated per page */
#define SBX_ITEM_BYTES  ((size_t)400 << 10) /* DynamoDB's item limit */
#define SBX_EVENT_BYTES ((size_t)240 << 10) /* larger events are dropped */
#define SBX_NESTING     32                  /* DynamoDB's deepest attribute */

/* A DynamoDB set in a stored item: {"\x01SS":[...]}.  Only custom resolvers and `put` make one. */
#define SBX_SET "\x01SS"

struct sbx_sub;
struct sbx_job;

struct sd_sbx {
	struct sd_sbx_opts o;
	struct sbx_schema x;
	sqlite3 *db;
	struct sd_map stmts;        /* SQL text -> sqlite3_stmt * */
	bool outer;                 /* sd_sbx_begin .. commit */
	struct sbx_choice *choices; /* owned, as many as models */
	bool datastore;
	bool resurrect, accept_future, lenient_datetime, introspection;
	bool max_conflicts, delta_write_error; /* faults */
	bool strict_relations, strict_keys;
	sd_sbx_deliver_fn deliver;
	void *deliver_ctx;
	struct sbx_sub *subs, **subs_end; /* in order of arrival */
	size_t sub_count;
	int64_t purged_at;
	struct sbx_job *jobs; /* put aside, in order of arrival; job.c */
	uint64_t last_run;
};

/* ---- one request ---- */
struct sbx_plan {        /* a field to resolve: fragments spread, arguments coerced */
	const char *key; /* response key */
	const struct sbx_field *def;
	const struct sbx_type *parent;
	struct cJSON *args; /* object of the given ones; owned by the request's list */
	struct sbx_plan *sub, *next;
	struct sbx_sels *sels, *last_sel; /* AST nodes merged into this field */
	bool again;                       /* the same field stands before under another key */
	unsigned line, column;
};

struct sbx_sels {
	const struct sd_gql_selection *node;
	struct sbx_sels *next;
};

struct sbx_path {
	const struct sbx_path *up;
	const char *key; /* NULL: an index */
	size_t index;
};

struct sbx_req {
	struct sd_sbx *s;
	const struct sd_gql_doc *doc;
	const struct sd_gql_op *op;
	struct cJSON *given;               /* variables as they came */
	struct cJSON *vars;                /* coerced */
	const struct sd_sbx_identity *who; /* NULL: the administrator, who may do anything */
	int64_t now;
	struct sbx_arena arena;
	struct cJSON *keep; /* array of trees that live as long as the request */
	struct cJSON *errors;
	size_t error_count;
	struct sd_buf *out;
	size_t resolvers, plan_nodes;
	int64_t deadline; /* monotonic ms */
	bool late;        /* it was said that the deadline is over */
	bool names;       /* response keys are field names (events, conflict data) */
	bool raw;         /* AWSJSON as the value it holds, owners unshortened */
	bool plain;       /* no resolver runs: every field is read from the value (events) */
	bool oom;
	struct sbx_job *job; /* can be put aside; NULL: the answer is waited for */
	const struct sbx_plan *roots;
	const struct sbx_plan *stopped; /* put aside at this root field */
	size_t data_at;                 /* in out, where data's value begins */
};

/* ---- scalar.c ---- */
/* What is wrong with a value for a scalar, for a person; NULL when it is fine. */
const char *sbx_scalar_wrong(const struct sd_sbx *s, int scalar, const struct cJSON *v);

/* ---- coerce.c ---- */
struct sbx_wrong {
	char text[400];
};
/* A new tree as the executor wants it: lists made, ids as text, unknown keys refused.  variable
 * names it in the texts.  NULL with *w filled when it does not fit. */
struct cJSON *sbx_coerce(const struct sd_sbx *s, const struct sbx_ref *r, const struct cJSON *v,
	const char *variable, struct sbx_wrong *w);
/* All variables of r->op into r->vars; errors are added; false when there were any. */
bool sbx_coerce_variables(struct sbx_req *r);
/* A literal as JSON with the variables in it replaced; *absent: it is a variable not given. */
struct cJSON *sbx_literal(const struct sbx_req *r, const struct sd_gql_value *v, bool *absent);
/* The type of a variable; false when it is no input type of the schema. */
bool sbx_variable_type(
	const struct sbx_schema *x, const struct sd_gql_type *t, struct sbx_ref *out);

/* ---- validate.c: the whole document; adds errors, false when there were any ---- */
bool sbx_validate(struct sbx_req *r);

/* ---- plan.c ---- */
/* The operation's root fields; NULL when there are none or an error was added. */
struct sbx_plan *sbx_plan(struct sbx_req *r);
const struct sbx_type *sbx_root(const struct sbx_schema *x, enum sd_gql_op_kind kind);

/* ---- error.c ---- */
/* Adds an error object; the caller may add data to what is returned (NULL: out of memory). */
struct cJSON *sbx_error(struct sbx_req *r, const struct sbx_plan *p, const struct sbx_path *path,
	const char *type, const char *fmt, ...) SD_PRINTF(5, 6);
/* A validation or variable error: path null.  line 0: no locations. */
void sbx_error_at(struct sbx_req *r, unsigned line, unsigned column, const char *fmt, ...)
	SD_PRINTF(4, 5);
bool sbx_keep(struct sbx_req *r, struct cJSON *j); /* takes j; false: out of memory */

/* ---- execute.c ---- */
/* The value of one field, completed against its type. */
bool sbx_complete(struct sbx_req *r, const struct sbx_plan *p, const struct sbx_ref *ref,
	const struct cJSON *v, const struct sbx_path *path);
/* What p's selection makes of an item, keyed by field name; NULL: out of memory. */
struct cJSON *sbx_project(struct sbx_req *r, const struct sbx_plan *p, const struct cJSON *item,
	bool raw, bool plain);
/* From r->stopped on when that is set; sets it when the request was put aside. */
void sbx_execute(struct sbx_req *r, const struct sbx_plan *roots);
/* ---- verbatim.c ---- */
/* Whether items can be written from their text: nothing of the selection is resolved, checked or
 * shortened. */
bool sbx_verbatim_can(const struct sbx_req *r, const struct sbx_plan *fields);
/* Writes the item; false, with nothing written: it must go through sbx_complete. */
bool sbx_verbatim(struct sbx_req *r, const struct sbx_plan *fields, const char *item, size_t n);
/* introspect.c */
bool sbx_introspect(struct sbx_req *r, const struct sbx_plan *p, const struct sbx_path *path);
/* resolve.c: fields that read or write; the value is written to r->out */
bool sbx_resolve(struct sbx_req *r, const struct sbx_plan *p, const struct cJSON *source,
	const struct sbx_path *path);

/* ---- request.c ---- */
void sbx_req_init(struct sbx_req *r, struct sd_sbx *s, const struct sd_sbx_identity *who,
	int64_t now, struct sd_buf *out);
void sbx_req_release(struct sbx_req *r);
struct sbx_body { /* a parsed POST body */
	struct cJSON *json;
	struct sd_gql_doc *doc;
	const char *query, *operation;
	struct cJSON *variables; /* borrowed from json */
};
/* false with *wrong (static text) when it is none; a syntax error is in *e. */
bool sbx_body_parse(
	const char *body, size_t n, struct sbx_body *b, const char **wrong, struct sd_error *e);
void sbx_body_release(struct sbx_body *b);
const struct sd_gql_op *sbx_pick_op(const struct sbx_body *b);
/* false: not a request to be executed, *out says so.  Else sbx_request_run, again while it sets
 * r->stopped, and the releases of r and b. */
bool sbx_request_begin(struct sd_sbx *s, const char *body, size_t n,
	const struct sd_sbx_identity *who, int64_t now_ms, struct sbx_req *r, struct sbx_body *b,
	struct sd_sbx_answer *out);
void sbx_request_run(struct sbx_req *r, const struct sbx_body *b, struct sd_sbx_answer *out);

/* ---- job.c: requests put aside; j NULL: never ---- */
void sbx_jobs_free(struct sd_sbx *s);
/* Whether the record is in another job's hands: then j is put aside behind it. */
bool sbx_job_must_wait(
	struct sd_sbx *s, struct sbx_job *j, const struct sbx_model *m, const char *pk);
/* sd_sbx_mutate for a job (NULL: handlers are waited for); *later: the job was put aside. */
SD_MUST_USE enum sd_err sbx_mutate(struct sd_sbx *s, struct sbx_job *j, bool *later, const char *op,
	const char *model, const struct cJSON *input, int64_t now_ms, struct cJSON **row,
	struct sd_error *e);
enum sbx_asked {
	SBX_ASK_DECIDED, /* *decision (borrowed; NULL: it failed) */
	SBX_ASK_LATER,   /* j is put aside */
	SBX_ASK_GIVE_UP  /* the record changed under every decision: MaxConflicts */
};
enum sbx_asked sbx_job_ask(struct sd_sbx *s, struct sbx_job *j, const struct sbx_model *m,
	const char *pk, int64_t version, const char *payload, const char **decision);

/* ---- store.c ---- */
struct sbx_row {
	int64_t rid;        /* 0: none */
	struct cJSON *item; /* owned; with _version, _lastChangedAt and _deleted */
	int64_t version, changed_at;
	bool deleted;
	struct cJSON *sort; /* sort value of an index query; NULL */
	size_t bytes;
	char *text; /* owned; the item as it is stored, instead of item; NULL */
};
void sbx_row_release(struct sbx_row *r);
SD_MUST_USE enum sd_err sbx_store_open(struct sd_sbx *s, struct sd_error *e);
/* The tables that every database has; INVAL when it is another program's or version's. */
SD_MUST_USE enum sd_err sbx_store_format(struct sd_sbx *s, struct sd_error *e);
void sbx_store_close(struct sd_sbx *s);
/* A cached statement, reset and unbound; NULL with *e. */
sqlite3_stmt *sbx_stmt(struct sd_sbx *s, const char *sql, struct sd_error *e);
/* The same; fmt (sqlite3_mprintf) names the model's table up to twice. */
sqlite3_stmt *sbx_model_stmt(
	struct sd_sbx *s, const struct sbx_model *m, const char *fmt, struct sd_error *e);
void sbx_stmts_drop(struct sd_sbx *s);
SD_MUST_USE enum sd_err sbx_exec(struct sd_sbx *s, const char *sql, struct sd_error *e);
SD_MUST_USE enum sd_err sbx_db_fail(struct sd_sbx *s, struct sd_error *e, const char *what);
SD_MUST_USE enum sd_err sbx_begin(struct sd_sbx *s, struct sd_error *e);
SD_MUST_USE enum sd_err sbx_commit(struct sd_sbx *s, struct sd_error *e);
void sbx_rollback(struct sd_sbx *s);
/* Key text of an item or input; false when a part is absent, null or empty (*part names it). */
bool sbx_key_text(
	const struct sbx_model *m, const struct cJSON *rec, struct sd_buf *out, const char **part);
/* row->rid 0 when there is none or it has expired. */
SD_MUST_USE enum sd_err sbx_row_get(struct sd_sbx *s, const struct sbx_model *m, const char *pk,
	int64_t now, struct sbx_row *row, struct sd_error *e);
/* Writes the base row; text: the item as sd_json_print has it; expires_s 0: never. */
SD_MUST_USE enum sd_err sbx_row_put(struct sd_sbx *s, const struct sbx_model *m, const char *pk,
	const struct cJSON *item, const struct sd_buf *text, int64_t expires_s, struct sd_error *e);
SD_MUST_USE enum sd_err sbx_row_remove(
	struct sd_sbx *s, const struct sbx_model *m, const char *pk, struct sd_error *e);
SD_MUST_USE enum sd_err sbx_delta_put(struct sd_sbx *s, const struct sbx_model *m, const char *pk,
	const struct cJSON *item, const struct sd_buf *text, int64_t now, struct sd_error *e);
bool sbx_bind(sqlite3_stmt *st, int at, const struct cJSON *v);
SD_MUST_USE enum sd_err sbx_row_of(
	sqlite3_stmt *st, int rid, int item, struct sbx_row *row, struct sd_error *e);
/* A startedAt was given out: from now on a lastSync may come that the change log must answer. */
void sbx_synced(struct sd_sbx *s, struct sbx_model *m, int64_t now);
SD_MUST_USE enum sd_err sbx_synced_load(struct sd_sbx *s, struct sd_error *e);
/* When a row of the change log expires, Unix s: not before every delta query that wants it is too
 * old to be answered from the log (lastSync counts in whole seconds there). */
int64_t sbx_delta_ttl(const struct sd_sbx *s, int64_t now);
bool sbx_must_log(const struct sd_sbx *s, const struct sbx_model *m, int64_t now);

/* ---- table.c ---- */
#define SBX_CACHE "-32000" /* KiB of pages held in memory */
/* "json_extract(item,'$.a')", joined with '#' when several; appended. */
bool sbx_key_sql(const char *const *fields, size_t n, struct sd_buf *out);
/* Tables, indexes and counters of the generated schema. */
SD_MUST_USE enum sd_err sbx_store_prepare(struct sd_sbx *s, struct sd_error *e);
bool sbx_table_is_empty(struct sd_sbx *s, const struct sbx_model *m);
/* Before and after a mass load: no indexes and no counting in between, and nothing durable before
 * the second has returned.  Outside of a transaction. */
SD_MUST_USE enum sd_err sbx_table_bare(
	struct sd_sbx *s, const struct sbx_model *m, struct sd_error *e);
SD_MUST_USE enum sd_err sbx_table_whole(
	struct sd_sbx *s, const struct sbx_model *m, struct sd_error *e);

/* ---- admin.c ---- */
/* A row as it is given, in the caller's transaction. */
SD_MUST_USE enum sd_err sbx_put_one(struct sd_sbx *s, const struct sbx_model *m,
	const struct cJSON *given, int64_t now_ms, struct sd_error *e);

/* ---- upkeep.c ---- */
/* Rows whose time has come, some at a time; they are never shown anyhow, this only makes room. */
void sbx_purge_expired(struct sd_sbx *s, int64_t now);

/* ---- seed.c ---- */
struct sbx_seeding;
SD_MUST_USE enum sd_err sbx_seeding_new(struct sd_sbx *s, const char *model, int64_t count,
	uint64_t seed, int64_t now, struct sbx_seeding **out, struct sd_error *e);
/* The next `rows` records in one transaction. */
SD_MUST_USE enum sd_err sbx_seeding_step(
	struct sbx_seeding *j, int64_t rows, int64_t now, bool *done, struct sd_error *e);
void sbx_seeding_free(struct sbx_seeding *j);

/* ---- write.c ---- */
enum sbx_op { SBX_OP_CREATE, SBX_OP_UPDATE, SBX_OP_DELETE };
struct sbx_auth;
struct sbx_write {
	enum sbx_op op;
	struct sbx_model *m;
	const struct cJSON *input, *condition; /* coerced */
	const struct sbx_auth *auth;           /* NULL: may do anything */
	struct sbx_job *job;                   /* NULL: a handler is waited for */
	bool later;                            /* out: job was put aside, nothing was written */
	int64_t now;
	struct cJSON *result;   /* owned: the item after it, or the one it conflicts with */
	const char *error_type; /* NULL: it was written */
	char error[400];
};
/* Never a GraphQL refusal in the return value: those are in w->error_type. */
SD_MUST_USE enum sd_err sbx_write(struct sd_sbx *s, struct sbx_write *w, struct sd_error *e);
/* item.c: input -> attributes (AWSJSON parsed); false: out of memory or *wrong */
bool sbx_item_set(const struct sbx_model *m, const struct cJSON *input, bool create,
	struct cJSON *item, struct cJSON *removed);
/* The metadata of a versioned model's item; false: out of memory. */
bool sbx_item_stamp(const struct sbx_model *m, struct cJSON *item, int64_t version,
	int64_t changed_at, bool deleted);
void sbx_item_plain(struct cJSON *item); /* takes the metadata out */
unsigned sbx_depth(const struct cJSON *j);
/* What the administrator gives, as an input of type t: AWSJSON may be the value it holds, and what
 * the model has but t does not take (timestamps, an undeclared owner) is let through.  NULL with *w
 * filled, or out of memory. */
struct cJSON *sbx_item_input(const struct sd_sbx *s, const struct sbx_model *m, struct sbx_type *t,
	const struct cJSON *given, struct sbx_wrong *w);

/* automerge.c (2.5): a new item; NULL: out of memory */
struct cJSON *sbx_automerge(const struct cJSON *stored, const struct cJSON *incoming);
/* lambda.c (2.6) */
enum sbx_decision { SBX_RESOLVE, SBX_REJECT, SBX_REMOVE, SBX_BROKEN, SBX_TOO_OFTEN };
/* What the handler is sent, as text (owned); NULL: out of memory. */
char *sbx_lambda_payload(const struct sbx_write *w, const struct cJSON *stored,
	const struct cJSON *wanted, const struct cJSON *claims);
/* Reads its answer (NULL: it failed); *item owned. */
enum sbx_decision sbx_lambda_read(
	const struct sbx_write *w, const char *answer, struct cJSON **item);

/* ---- filter.c ---- */
/* DynamoDB semantics (1.6); *bad when it cannot be converted. NULL filter matches. */
bool sbx_filter(const struct cJSON *filter, const struct cJSON *item, bool *bad);
bool sbx_filter_usable(const struct cJSON *filter); /* false: Unrecognized Filter */
/* One operator on one attribute; v is NULL when it is missing. */
bool sbx_operator(const struct cJSON *v, const char *op, const struct cJSON *want);
bool sbx_operand_given(
	const char *op, const struct cJSON *v); /* null means something, or is given */
/* filter_sub.c: enhanced subscription filters (5.9); limits checked at start. */
bool sbx_sub_filter(const struct cJSON *filter, const struct cJSON *m);
const char *sbx_sub_filter_wrong(const struct cJSON *filter);

/* ---- auth.c ---- */
struct sbx_auth {
	const struct sbx_model *m;
	bool all;    /* a static rule allows it */
	bool usable; /* some rule applies to this identity at all */
	const struct sd_sbx_identity *who;
	unsigned op;
};
void sbx_auth_for(const struct sbx_model *m, const struct sd_sbx_identity *who, unsigned op,
	struct sbx_auth *a);
/* Does an owner or dynamic group rule match this item? true when a->all */
bool sbx_auth_row(const struct sbx_auth *a, const struct cJSON *item);
/* create: fills the owner in or refuses */
bool sbx_auth_create(const struct sbx_auth *a, struct cJSON *item, const struct cJSON *input);
/* Fields of the input that field-level rules deny, "a, b"; empty when none. */
bool sbx_auth_input(const struct sbx_write *w, const struct sd_sbx_identity *who,
	const struct cJSON *item, struct sd_buf *denied);
bool sbx_auth_field(const struct sbx_field *f, const struct sd_sbx_identity *who, unsigned op,
	const struct cJSON *item);
const char *sbx_owner_tail(const char *owner); /* behind the last "::" */
/* subscription: false: unauthorised; *filter (owned, NULL: none) is to be ANDed */
bool sbx_auth_subscribe(const struct sbx_model *m, const struct sd_sbx_identity *who,
	const struct cJSON *args, struct cJSON **filter);

/* ---- page.c ---- */
struct sbx_page {
	struct sbx_row *rows;
	size_t count, room;
	char *next_token; /* owned; NULL on the last page */
	int64_t started_at;
};
void sbx_page_release(struct sbx_page *p);
struct sbx_page_ask {
	enum sbx_res res;
	const struct sbx_model *m;
	const struct sbx_key *key;     /* NULL: a scan */
	const struct cJSON *hash;      /* array of values */
	const struct cJSON *sort_cond; /* {"eq":..}; NULL */
	const struct cJSON *filter;
	const struct sbx_auth *auth;
	const char *token;
	int64_t limit, last_sync; /* last_sync < 0: none */
	bool desc;
	bool as_text;     /* rows that nothing looks into are given as text */
	const char *what; /* root field's name, in tokens */
};
/* On SD_INVAL *type is the GraphQL error type and e the message. */
SD_MUST_USE enum sd_err sbx_page_read(struct sd_sbx *s, const struct sbx_page_ask *ask, int64_t now,
	struct sbx_page *page, const char **type, struct sd_error *e);
/* token.c */
char *sbx_token_make(const struct sbx_page_ask *a, const char *mode, int64_t started_at,
	const struct cJSON *cursor);
/* false: it is not for this request. cursor owned */
bool sbx_token_read(
	const struct sbx_page_ask *a, char mode[8], int64_t *started_at, struct cJSON **cursor);

/* ---- subscribe.c ---- */
/* value: the mutation's result restricted to its selection, keyed by field name */
void sbx_publish(
	struct sd_sbx *s, const struct sbx_model *m, enum sbx_op op, const struct cJSON *value);
bool sbx_has_listener(const struct sd_sbx *s, const struct sbx_model *m, enum sbx_op op);
void sbx_subs_free(struct sd_sbx *s);

#endif
