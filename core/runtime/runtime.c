/*
 * core/runtime/runtime.c - the background thread: wait, tell the engine, commit, carry out.
 */
#include "core/runtime/internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/json/json.h"
#include "core/store/journal.h"

/* The modes there are credentials for. */
static size_t usable_modes(const struct sd_runtime *rt, enum sd_auth_mode out[6])
{
	struct sd_credentials c = sd_rt_credentials(rt);
	size_t n = 0;

	for (int m = SD_AUTH_API_KEY; m <= SD_AUTH_LAMBDA; m++)
		if (sd_wire_can(&c, (enum sd_auth_mode)m, NULL) == SD_OK ||
			(m == SD_AUTH_IAM && rt->o.identity))
			out[n++] = (enum sd_auth_mode)m;
	return n;
}

/* ---- telling the engine ---- */

static enum sd_err reauth(struct sd_runtime *rt, int64_t now, struct sd_error *e)
{
	enum sd_auth_mode modes[6];
	enum sd_err rc;

	rt->refresh_wanted = false;
	rt->refresh_after_ms = 0;
	rc = sd_rt_load_session(rt, e);
	if (rc != SD_OK)
		return rc;
	if (rt->o.identity) /* they were somebody else's */
		sd_aws_keys_release(&rt->keys);
	rt->keys_after_ms = 0;
	sd_engine_modes(rt->engine, modes, usable_modes(rt, modes));
	return sd_engine_auth(rt->engine, sd_rt_signed_in(rt), rt->session.claims, now, e);
}

static enum sd_err tell(struct sd_runtime *rt, struct sd_input *in, int64_t now, struct sd_error *e)
{
	struct sd_engine *en = rt->engine;

	switch (in->kind) {
	case SD_IN_HTTP:
		return sd_engine_http(en, &in->http, now, e);
	case SD_IN_RT_OPENED:
		return sd_engine_rt_opened(en, in->id, now, e);
	case SD_IN_RT_TEXT:
		return sd_engine_rt_text(en, in->id, in->text ? in->text : "", in->len, now, e);
	case SD_IN_RT_CLOSED:
		return sd_engine_rt_closed(
			en, in->id, in->code, in->status, in->failure ? in->failure : "", now, e);
	case SD_IN_NETWORK:
		rt->net_on = in->on;
		return sd_engine_network(en, in->on, now, e);
	case SD_IN_RESYNC:
		return sd_engine_resync(en, in->model, in->full, now, e);
	case SD_IN_KICK:
		return sd_engine_store_changed(en, now, e);
	case SD_IN_REAUTH:
		return reauth(rt, now, e);
	case SD_IN_AUTH:
		return sd_engine_auth(en, in->on, in->on ? rt->session.claims : NULL, now, e);
	case SD_IN_COMMAND:
		return sd_engine_command_done(en, in->id, in->text, in->failure, now, e);
	case SD_IN_KIND_COUNT:
		break;
	}
	return SD_OK;
}

static int64_t txn_ms(const struct sd_runtime *rt)
{
	bool saves = sd_mono_ms() - atomic_load(&rt->saved_ms) < SD_RT_SAVES_MS;

	return saves ? SD_RT_SHORT_MS : SD_RT_TXN_MS;
}

static enum sd_err begin(struct sd_runtime *rt, struct sd_error *e)
{
	enum sd_err rc;

	if (rt->txn_since_ms)
		return SD_OK;
	sd_store_cut_after(rt->store, txn_ms(rt) == SD_RT_TXN_MS ? 0 : SD_RT_SHORT_MS);
	rc = sd_store_begin(rt->store, e);
	if (rc == SD_OK)
		rt->txn_since_ms = sd_mono_ms();
	return rc;
}

/* Takes the engine's actions: early ones are carried out now, the others after the commit. */
static enum sd_err take_actions(struct sd_runtime *rt, struct sd_error *e)
{
	struct sd_action a;

	while (sd_engine_next(rt->engine, &a)) {
		if (a.early) {
			sd_rt_carry_out(rt, &a);
			continue;
		}
		if (rt->held_count == rt->held_room) {
			size_t room = rt->held_room ? rt->held_room * 2 : 32;
			struct sd_action *p = realloc(rt->held, room * sizeof *p);
			if (!p) {
				sd_action_release(&a);
				return sd_fail(e, SD_NOMEM, 0, "engine: out of memory");
			}
			rt->held = p;
			rt->held_room = room;
		}
		rt->held[rt->held_count++] = a;
	}
	return SD_OK;
}

static void drop_held(struct sd_runtime *rt)
{
	for (size_t i = 0; i < rt->held_count; i++)
		sd_action_release(&rt->held[i]);
	rt->held_count = 0;
}

/* May the transaction stay open for the next page?  Only while nothing waits for its commit. */
static bool keep_open(const struct sd_runtime *rt)
{
	return rt->fetching && !rt->held_count && !atomic_load(&rt->save_waiting) &&
	       !atomic_load(&rt->stop) && sd_mono_ms() - rt->txn_since_ms < txn_ms(rt);
}

static void publish_status(struct sd_runtime *rt)
{
	pthread_mutex_lock(&rt->status_lock);
	sd_engine_status(rt->engine, &rt->status);
	rt->idle = sd_engine_idle(rt->engine) && !rt->in && !rt->txn_since_ms &&
		   !sd_store_indexes_due(rt->store);
	pthread_mutex_unlock(&rt->status_lock);
}

static enum sd_err commit(struct sd_runtime *rt, struct sd_error *e)
{
	enum sd_err rc = sd_store_commit(rt->store, e);

	if (rc != SD_OK)
		return rc;
	rt->txn_since_ms = 0;
	for (size_t i = 0; i < rt->held_count; i++)
		sd_rt_carry_out(rt, &rt->held[i]);
	rt->held_count = 0;
	publish_status(rt); /* after the events it sums up are in the queue */
	pthread_mutex_lock(&rt->status_lock);
	rt->answered = rt->turn;
	pthread_mutex_unlock(&rt->status_lock);
	if (rt->o.changed)
		rt->o.changed(rt->o.ctx);
	return SD_OK;
}

/* Commits of other connections, looked for at intervals or when told. */
static bool others_wrote(struct sd_runtime *rt)
{
	int64_t mono = sd_mono_ms();

	if (rt->txn_since_ms || mono - rt->looked_ms < SD_RT_POLL_MS)
		return false;
	rt->looked_ms = mono;
	return sd_store_changed(rt->store);
}

static enum sd_err feed(struct sd_runtime *rt, bool due, struct sd_error *e)
{
	int64_t now = sd_now_ms();
	enum sd_err rc = SD_OK;

	if (rt->foreign)
		rc = sd_engine_store_changed(rt->engine, now, e);
	rt->foreign = false;
	while (rc == SD_OK && rt->in) {
		struct sd_input *in = rt->in;
		rt->in = in->next;
		if (!rt->in)
			rt->in_tail = &rt->in;
		rc = tell(rt, in, now, e);
		sd_rt_input_free(in);
	}
	if (rc == SD_OK && (due || sd_engine_deadline(rt->engine) <= now))
		rc = sd_engine_tick(rt->engine, now, e);
	return rc;
}

/* One step after a turn of the loop. */
static enum sd_err step(struct sd_runtime *rt, struct sd_error *e)
{
	struct sd_input *in;
	int64_t now = sd_now_ms();
	bool due;
	enum sd_err rc;

	pthread_mutex_lock(&rt->status_lock);
	rt->turn = rt->asked;
	pthread_mutex_unlock(&rt->status_lock);
	while ((in = sd_queue_get(rt->posted)))
		sd_rt_put(rt, in);
	sd_rt_renew_when_due(rt);
	if (others_wrote(rt))
		rt->foreign = true;
	due = now < rt->clock_ms - 1000 || sd_engine_deadline(rt->engine) <= now;
	rt->clock_ms = now;
	if (!rt->in && !rt->foreign && !due && !rt->txn_since_ms)
		return SD_OK;
	rc = begin(rt, e);
	if (rc == SD_BUSY) /* another process writes: what happened is kept for the next turn */
		return SD_OK;
	if (rc == SD_OK)
		rc = feed(rt, due, e);
	if (rc == SD_OK)
		rc = take_actions(rt, e);
	if (rc == SD_OK && !keep_open(rt))
		rc = commit(rt, e);
	return rc;
}

/* ---- life ---- */

static enum sd_err make_engine(struct sd_runtime *rt, struct sd_error *e)
{
	struct sd_engine_opts o = {.store = rt->store,
		.schema = rt->o.schema,
		.settings = rt->o.settings,
		.rand = &rt->rand,
		.auth = rt->o.auth};
	enum sd_err rc;

	o.mode_count = usable_modes(rt, o.modes);
	rc = sd_engine_new(&o, &rt->engine, e);
	if (rc == SD_OK)
		rc = begin(rt, e);
	if (rc == SD_OK)
		rc = sd_engine_auth(
			rt->engine, sd_rt_signed_in(rt), rt->session.claims, sd_now_ms(), e);
	if (rc == SD_OK && !rt->net_on)
		rc = sd_engine_network(rt->engine, false, sd_now_ms(), e);
	if (rc == SD_OK)
		rc = sd_engine_start(rt->engine, sd_now_ms(), e);
	if (rc == SD_OK)
		rc = take_actions(rt, e);
	return rc == SD_OK ? commit(rt, e) : rc;
}

static void drop_engine(struct sd_runtime *rt, bool last)
{
	sd_store_rollback(rt->store);
	rt->txn_since_ms = 0;
	drop_held(rt);
	sd_rt_forget(rt, last);
	sd_engine_free(rt->engine);
	rt->engine = NULL;
	rt->fetching = 0;
	memset(rt->early, 0, sizeof rt->early);
}

/* On the thread: reading the system's certificates takes tens of milliseconds, and a screen must
 * not wait for it. */
static enum sd_err new_loop(struct sd_runtime *rt, struct sd_error *e)
{
	struct sd_loop_opts o = {.ca_file = rt->o.ca_file,
		.plain = rt->o.endpoint && sd_str_starts(rt->o.endpoint, "http://"),
		.connect_timeout_ms = rt->o.connect_timeout_ms};
	struct sd_loop *loop;
	enum sd_err rc = sd_loop_new(&o, &loop, e);

	pthread_mutex_lock(&rt->status_lock);
	rt->loop = loop;
	pthread_mutex_unlock(&rt->status_lock);
	return rc;
}

static void note_failure(struct sd_runtime *rt, const struct sd_error *e)
{
	sd_log(SD_LOG_ERROR, "runtime", "%s", e->text);
	pthread_mutex_lock(&rt->status_lock);
	rt->why = *e;
	pthread_mutex_unlock(&rt->status_lock);
}

/* A wipe by another process: this one must let go of the store. */
static bool wiped(struct sd_runtime *rt)
{
	return sd_wipe_generation(rt->o.dir) != rt->o.generation;
}

static int64_t next_wait(const struct sd_runtime *rt)
{
	int64_t d = sd_engine_deadline(rt->engine), w;

	if (rt->txn_since_ms) {
		w = rt->txn_since_ms + txn_ms(rt) - sd_mono_ms();
		return w < 0 ? 0 : w;
	}
	if (rt->in)
		return 5; /* the store was busy */
	if (sd_store_indexes_due(rt->store))
		return 20;
	w = d == INT64_MAX ? SD_RT_POLL_MS : d - sd_now_ms();
	return w < 0 ? 0 : w < SD_RT_POLL_MS ? w : SD_RT_POLL_MS;
}

/* Between transactions: what the store's file needs. */
static enum sd_err between(struct sd_runtime *rt, struct sd_error *e)
{
	enum sd_err rc = SD_OK;

	sd_store_wal_care(rt->store);
	if (!sd_store_indexes_due(rt->store) ||
		(rt->fetching && !sd_store_indexes_urgent(rt->store)))
		return SD_OK;
	rc = sd_store_indexes(rt->store, e);
	publish_status(rt);
	return rc;
}

/* What waits until there is nothing else to do. */
static void tidy(struct sd_runtime *rt)
{
	int64_t last = 0;

	if (rt->idle)
		sd_store_checkpoint(rt->store, SD_RT_WAL_BYTES);
	if (sd_journal_last(rt->store, &last, NULL) != SD_OK || last - rt->kept_line < 64)
		return;
	rt->kept_line = last;
	sd_journal_keep(rt->store, rt->o.history_max_rows, rt->o.history_max_age_ms, sd_now_ms());
}

/* After an error of the store: requests are forgotten, the engine begins anew from the store. */
static void recover(struct sd_runtime *rt, struct sd_error *e)
{
	note_failure(rt, e);
	sd_loop_drop_all(rt->loop);
	drop_engine(rt, false);
	rt->refreshing = rt->fetching_keys = false;
	sd_loop_turn(rt->loop, 1000);
}

/* The identity pool's keys, before the engine sends its first request without them.  One attempt;
 * where it fails the engine asks again as for every expired session. */
static void first_keys(struct sd_runtime *rt)
{
	if (rt->net_on && sd_rt_keys_end(rt))
		sd_rt_fetch_keys(rt);
	while (rt->fetching_keys && !atomic_load(&rt->stop))
		sd_loop_turn(rt->loop, 50);
}

void *sd_rt_thread(void *arg)
{
	struct sd_runtime *rt = arg;
	struct sd_error e = {.code = SD_OK};
	bool gone = false; /* the store was wiped by somebody else */

	sd_net_init();
	if (new_loop(rt, &e) != SD_OK) {
		note_failure(rt, &e);
		return NULL;
	}
	first_keys(rt);
	while (!atomic_load(&rt->stop)) {
		enum sd_err rc = SD_OK;
		if (!rt->engine || rt->why.code != SD_OK) {
			drop_engine(rt, false);
			rc = rt->booted ? SD_OK : sd_rt_booted(rt, &e);
			rt->booted = rc == SD_OK;
			if (rc == SD_OK)
				rc = make_engine(rt, &e);
			if (rc == SD_OK) {
				struct sd_error ok = {.code = SD_OK};
				pthread_mutex_lock(&rt->status_lock);
				rt->why = ok;
				pthread_mutex_unlock(&rt->status_lock);
			}
		}
		if (rc == SD_OK) {
			sd_loop_turn(rt->loop, next_wait(rt));
			rc = step(rt, &e);
		}
		if (rc == SD_OK && !rt->txn_since_ms)
			rc = between(rt, &e);
		gone = rc == SD_OK && !rt->txn_since_ms && wiped(rt);
		if (gone)
			break;
		if (rc != SD_OK)
			recover(rt, &e);
		else if (!rt->txn_since_ms && !rt->fetching)
			tidy(rt);
	}
	if (rt->engine && !gone) {
		if (begin(rt, &e) == SD_OK &&
			sd_engine_stop(rt->engine, sd_now_ms(), &e) == SD_OK &&
			take_actions(rt, &e) == SD_OK && commit(rt, &e) != SD_OK)
			note_failure(rt, &e);
		else
			sd_rt_left(rt);
		sd_loop_turn(rt->loop, 50); /* close frames leave */
	}
	sd_rt_commands_join(rt, true);
	drop_engine(rt, true);
	return NULL;
}
