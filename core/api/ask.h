/*
 * core/api/ask.h - one GraphQL request on the caller's thread, answered before it returns: for the
 * commands that look at the server (audit, doctor, explain, pull).  They only read.
 *
 * Private to core/api.  Threads: the caller's; blocks for net.timeout at most.
 */
#ifndef SD_API_ASK_H
#define SD_API_ASK_H

#include "core/api/internal.h"
#include "core/runtime/wire.h"
#include "core/sync/reply.h"

struct sd_asked { /* sd_asked_release */
	struct sd_reply reply;
	enum sd_auth_mode mode;       /* that it was asked with */
	int64_t sent_ms, answered_ms; /* our clock */
};
void sd_asked_release(struct sd_asked *a);

/* root: the root field looked at (reply.data); "" for __schema.  Several modes (multi): the next
 * one is tried when a rule says no.  SD_OK whenever the server answered in GraphQL, whatever it
 * said (reply.klass).  Errors: NET, TIMEOUT, AUTH (no credentials, or refused ones), PROTO,
 * INVAL (no backend). */
SD_MUST_USE enum sd_err sd_api_ask(struct sd_api *api, const char *document,
	const struct cJSON *variables, const char *root, struct sd_asked *out, struct sd_error *e);
/* The record of a key as the server has it (getX), in local form; *rec NULL: there is none.
 * DENIED is SD_REFUSED with the server's words. */
SD_MUST_USE enum sd_err sd_api_ask_record(struct sd_api *api, const struct sd_model *m,
	const char *key, struct cJSON **rec, struct sd_error *e);
/* Is there a server to ask at all?  NET (--offline), INVAL (no backend). */
SD_MUST_USE enum sd_err sd_api_may_ask(struct sd_api *api, struct sd_error *e);
/* The credentials as they are now; borrowed from api. */
struct sd_credentials sd_api_credentials(const struct sd_api *api);
/* The mode asked with first. */
enum sd_auth_mode sd_api_first_mode(const struct sd_api *api);

#endif
