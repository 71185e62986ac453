/* core/api/internal.h - what the files of core/api share.  Private. */
#ifndef SD_API_INTERNAL_H
#define SD_API_INTERNAL_H

#include <stdatomic.h>
#include <sys/stat.h>

#include "core/api/api.h"
#include "core/auth/aws.h"
#include "core/runtime/runtime.h"
#include "core/store/conflict.h"
#include "core/store/journal.h"
#include "core/store/write.h"

/* Records of one stream, after which those created share lines of the journal. */
#define SD_API_MANY 100

struct sd_api {
	struct sd_api_opts o;
	char *dir, *endpoint; /* owned; endpoint "" : local only */
	const char *api_key;  /* borrowed; NULL */
	const char *ca_file;
	enum sd_auth_mode auth;
	struct sd_engine_settings settings;
	struct sd_model_settings *model_settings; /* owned, one a model */
	struct sd_pred **expressions;             /* owned, one a model */
	struct sd_pool pool;
	struct sd_identity_pool identity;
	struct sd_aws_keys keys; /* borrowed from o */
	struct sd_rand rand;
	struct sd_store *reader, *writer; /* owned; NULL while locked */
	int lock_fd;
	int64_t generation, generation_last; /* opened under, last read */
	struct stat generation_file;         /* that it was read from */
	bool generation_read;
	struct stat quiet_dir; /* the profile's directory when all was found as before */
	unsigned changes;      /* made here without an engine */
	bool quiet;            /* it has not changed for a while before that */
	bool locked;           /* the owner is not signed in */
	struct sd_owner owner; /* owned */
	struct sd_session session;
	bool has_session;
	bool own_token;           /* the session is the one of o.token, and in no file */
	struct sd_runtime *rt;    /* owned; NULL while stopped */
	atomic_int saving;        /* a save of this process is under way */
	struct sd_helper *helper; /* owned; NULL without a job so far (job.c) */
	struct sd_queue *events;
	int wake_fd, poll_fd; /* owned: eventfd "look at the store", epoll over it and the events */
	bool net_off;
};

/* The store, or why not: SD_AUTH when locked. After a wipe by another process: opens again. */
SD_MUST_USE enum sd_err sd_api_use(struct sd_api *api, struct sd_error *e);
/* As sd_api_forecast(), with the strategy that the engine learned of the model's server. */
SD_MUST_USE enum sd_err sd_api_forecast_of(struct sd_api *api, const struct sd_model *m,
	const char *key, struct cJSON **out, struct sd_error *e);
/* A writing transaction: SD_READONLY, BUSY.  Ended by sd_api_end(): commits when rc is SD_OK,
 * else rolls back; wakes the engine; returns rc or the commit's error. */
SD_MUST_USE enum sd_err sd_api_begin(struct sd_api *api, struct sd_error *e);
SD_MUST_USE enum sd_err sd_api_end(struct sd_api *api, enum sd_err rc, struct sd_error *e);
SD_MUST_USE enum sd_err sd_api_model(
	struct sd_api *api, const char *name, const struct sd_model **out, struct sd_error *e);
/* owner.c, api.c.  Who owns the store and who is signed in: opens it, or leaves it locked. */
SD_MUST_USE enum sd_err sd_api_open_for_owner(struct sd_api *api, struct sd_error *e);
/* Finishes a wipe that was cut off, waits for one under way: from here on nobody wipes. */
SD_MUST_USE enum sd_err sd_api_take_profile(struct sd_api *api, struct sd_error *e);
/* Opens and closes both connections; taking and dropping the shared lock. */
SD_MUST_USE enum sd_err sd_api_open_store(struct sd_api *api, struct sd_error *e);
void sd_api_close_store(struct sd_api *api);
/* An event of our own (auth, cleared) into the queue; fields move. */
void sd_api_tell(struct sd_api *api, const char *name, struct cJSON *fields);
/* A backend without a store: for requests only.  o->schema may be NULL. */
SD_MUST_USE enum sd_err sd_api_remote(
	const struct sd_api_opts *o, struct sd_api **out, struct sd_error *e);
/* The condition of a change, NULL without. */
enum sd_err sd_api_cond(struct sd_api *api, const struct sd_model *m, const char *cond,
	struct sd_pred **out, struct sd_error *e);
struct sd_write_env sd_api_env(struct sd_api *api);
/* Queries on a connection of the calling thread's; touch nothing of api that moves. */
SD_MUST_USE enum sd_err sd_api_query_on(struct sd_api *api, struct sd_store *st,
	const struct sd_api_query *in, sd_api_rec_fn fn, void *ctx, struct sd_error *e);
SD_MUST_USE enum sd_err sd_api_count_on(struct sd_api *api, struct sd_store *st,
	const struct sd_api_query *in, int64_t *out, struct sd_error *e);
/* After a commit while nobody syncs: a long WAL is moved on the helper thread. */
void sd_api_wal(struct sd_api *api);
/* Cancels what runs, ends the thread, closes its connection. */
void sd_api_helper_stop(struct sd_api *api);

#endif
