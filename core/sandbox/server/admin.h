/*
 * core/sandbox/server/admin.h - private: the admin calls under /_sandbox/ (contract.md 10).
 */
#ifndef SD_SANDBOX_SERVER_ADMIN_H
#define SD_SANDBOX_SERVER_ADMIN_H

#include "core/json/json.h"
#include "core/sandbox/server/server.h"

struct call {
	struct conn *c;
	struct cJSON *body; /* object; NULL: none was sent */
	struct sd_buf out;  /* empty: {"ok":true} is answered */
	int status;
	const char *type;
	bool later; /* the answer comes, or goes on, outside of the call */
};
typedef enum sd_err (*call_fn)(struct call *k, struct sd_error *e);

/* ---- admin.c ---- */
/* {"ok":true}, or the error with the status that fits it. */
void sd_srv_admin_answer(struct conn *c, enum sd_err rc, const struct sd_error *e);

/* ---- admin_work.c ---- */
/* Takes job; a part of it is done at once, the rest later (k->later). */
SD_MUST_USE enum sd_err sd_srv_work(struct call *k, struct sd_sbx_work *job, struct sd_error *e);
enum sd_err sd_srv_call_dump(struct call *k, struct sd_error *e);

/* ---- admin_data.c ---- */
/* The model a call names, checked, so that a wrong name is a 404 with the way out. */
SD_MUST_USE enum sd_err sd_srv_admin_model(struct call *k, const char *name, struct sd_error *e);
enum sd_err sd_srv_call_state(struct call *k, struct sd_error *e);
enum sd_err sd_srv_call_sdl(struct call *k, struct sd_error *e);
enum sd_err sd_srv_call_reset(struct call *k, struct sd_error *e);
enum sd_err sd_srv_call_seed(struct call *k, struct sd_error *e);
enum sd_err sd_srv_call_put(struct call *k, struct sd_error *e);
enum sd_err sd_srv_call_mutate(struct call *k, struct sd_error *e);
enum sd_err sd_srv_call_purge(struct call *k, struct sd_error *e);
enum sd_err sd_srv_call_schema(struct call *k, struct sd_error *e);

#endif
