/* core/runtime/internal.h - what the files of the runtime share.  Private. */
#ifndef SD_RUNTIME_INTERNAL_H
#define SD_RUNTIME_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/net/loop.h"
#include "core/runtime/runtime.h"
#include "core/runtime/wire.h"

enum sd_input_kind {
	SD_IN_HTTP,
	SD_IN_RT_OPENED,
	SD_IN_RT_TEXT,
	SD_IN_RT_CLOSED,
	SD_IN_NETWORK,
	SD_IN_RESYNC,
	SD_IN_KICK,
	SD_IN_REAUTH,
	SD_IN_AUTH,    /* the outcome of a refresh: on = signed in */
	SD_IN_COMMAND, /* a `!command` ended */
	SD_IN_KIND_COUNT
};

/* Something that happened, until the engine is told.  Everything owned. */
struct sd_input {
	struct sd_input *next;
	enum sd_input_kind kind;
	uint64_t id;
	bool on, full;
	const struct sd_model *model; /* borrowed */
	struct sd_http_result http;   /* pointers into the fields below */
	int code, status;
	char *text;
	size_t len;
	char *failure, *error_type;
};

struct sd_command { /* a `!command` on its own thread */
	struct sd_command *next;
	struct sd_runtime *rt;
	pthread_t thread;
	uint64_t id;
	char *text, *input;
	int64_t timeout_ms;
};

struct sd_runtime {
	struct sd_runtime_opts o;
	pthread_t thread;
	bool joinable;
	int lock_fd;
	struct sd_store *store;   /* owned, the thread's */
	struct sd_engine *engine; /* owned, the thread's */
	struct sd_loop *loop;     /* owned, made on the thread; others: sd_rt_wake() */
	struct sd_rand rand;
	struct sd_session session; /* the thread's */
	struct sd_aws_keys keys;   /* IAM: the person's own, or the identity pool's */
	bool has_session, refreshing, variant_b, net_on;
	bool fetching_keys, keys_wanted; /* under way; asked for too early */
	int64_t keys_after_ms;           /* monotonic; not before */
	bool refresh_wanted;             /* the engine asked and has no answer yet */
	bool booted;                     /* sd_rt_booted() is done */
	bool foreign;                    /* somebody else wrote and the engine does not know yet */
	int64_t refresh_after_ms;        /* monotonic; not before */
	int64_t refresh_margin_ms; /* how long before its end a token is renewed; 0: a minute */
	struct sd_queue *posted;   /* struct sd_input * from other threads */
	struct sd_input *in, **in_tail;
	struct sd_action *held; /* to be carried out after the commit */
	size_t held_count, held_room;
	size_t fetching; /* early requests under way */
	struct early {
		uint64_t id;
		bool live;
	} early[64];
	int64_t txn_since_ms;        /* monotonic; 0: no transaction */
	int64_t kept_line;           /* newest journal line when the history was trimmed last */
	int64_t looked_ms;           /* for commits of others, monotonic */
	int64_t clock_ms;            /* at the last step: a clock set back ends every wait */
	struct sd_command *commands; /* owned list, the thread's */
	atomic_bool stop;
	atomic_int save_waiting;
	atomic_llong saved_ms; /* when somebody here last saved, monotonic */
	pthread_mutex_t status_lock;
	struct sd_engine_status status;
	bool idle;
	int64_t asked,
		answered;    /* sd_runtime_ask: tickets given out, and reached by a whole turn */
	int64_t turn;        /* tickets that the turn under way reaches; the thread's */
	struct sd_error why; /* why.code SD_OK while all is well */
};

#define SD_RT_REFRESH_MS 60000 /* before the end of a token */
#define SD_RT_REFRESH_ID (UINT64_C(1) << 63)
#define SD_RT_KEYS_ID    (SD_RT_REFRESH_ID + 1)

struct sd_input *sd_rt_input(enum sd_input_kind kind, uint64_t id); /* NULL: no memory */
void sd_rt_input_free(void *in);
void sd_rt_put(struct sd_runtime *rt, struct sd_input *in); /* on the thread; takes it */
/* ---- boot.c ---- */
SD_MUST_USE enum sd_err sd_rt_booted(
	struct sd_runtime *rt, struct sd_error *e); /* before an engine */
void sd_rt_left(struct sd_runtime *rt);             /* the engine has ended in order */
/* The engine ends: what waited for it is dropped, but for a person's requests unless all. */
void sd_rt_forget(struct sd_runtime *rt, bool all);
void sd_rt_wake(struct sd_runtime *rt);
void *sd_rt_thread(void *rt); /* runtime.c: the thread itself */
void sd_rt_carry_out(struct sd_runtime *rt, struct sd_action *a);
/* credentials.c.  The session of the profile, or the one the person's own token stands for. */
SD_MUST_USE enum sd_err sd_rt_load_session(struct sd_runtime *rt, struct sd_error *e);
bool sd_rt_signed_in(const struct sd_runtime *rt);
struct sd_credentials sd_rt_credentials(const struct sd_runtime *rt); /* borrowed */
int64_t sd_rt_server_ms(const struct sd_runtime *rt); /* the server's clock, as far as known */
/* Asks the user pool for new tokens, the identity pool for keys; the outcome comes as
 * SD_IN_AUTH. */
void sd_rt_refresh(struct sd_runtime *rt);
void sd_rt_fetch_keys(struct sd_runtime *rt);
bool sd_rt_keys_end(const struct sd_runtime *rt); /* keys are needed now or soon */
void sd_rt_renew_when_due(struct sd_runtime *rt);
void sd_rt_command(struct sd_runtime *rt, struct sd_action *a);
void sd_rt_commands_join(struct sd_runtime *rt, bool all);

#endif
