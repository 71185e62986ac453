/* core/runtime/control.c - what other threads ask of the background thread: start, stop, status. */
#include "core/runtime/internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/time.h"

/* From any thread; the loop may not be there yet (then its first turn looks anyway). */
void sd_rt_wake(struct sd_runtime *rt)
{
	pthread_mutex_lock(&rt->status_lock);
	if (rt->loop)
		sd_loop_wake(rt->loop);
	pthread_mutex_unlock(&rt->status_lock);
}

static void post(struct sd_runtime *rt, struct sd_input *in)
{
	if (in && !sd_queue_put(rt->posted, in))
		sd_rt_input_free(in);
	sd_rt_wake(rt);
}

enum sd_err sd_runtime_start(
	const struct sd_runtime_opts *o, struct sd_runtime **out, struct sd_error *e)
{
	struct sd_runtime *rt = calloc(1, sizeof *rt);
	struct sd_store_opts so = {.dir = o->dir, .schema = o->schema, .now_ms = sd_now_ms()};
	sigset_t all, old;
	enum sd_err rc;

	*out = NULL;
	if (!rt)
		return sd_fail(e, SD_NOMEM, 0, "engine: out of memory");
	rt->o = *o;
	rt->lock_fd = -1;
	rt->in_tail = &rt->in;
	rt->net_on = !o->offline;
	atomic_init(&rt->stop, false);
	atomic_init(&rt->save_waiting, 0);
	atomic_init(&rt->saved_ms, -SD_RT_SAVES_MS);
	pthread_mutex_init(&rt->status_lock, NULL);
	sd_rand_system(&rt->rand);
	so.rand = &rt->rand;
	rc = sd_lock_take(o->dir, SD_LOCK_ENGINE, 0, &rt->lock_fd, e);
	if (rc == SD_OK)
		rc = sd_store_open(&so, &rt->store, e);
	if (rc == SD_OK)
		sd_store_defer_to(rt->store, &rt->save_waiting, &rt->stop);
	if (rc == SD_OK)
		rc = sd_queue_new(100000, &rt->posted, e);
	if (rc == SD_OK && o->ca_file && access(o->ca_file, R_OK))
		rc = sd_fail(e, SD_INVAL, errno, "CA file %s: %s; check net.ca_file", o->ca_file,
			strerror(errno));
	if (rc == SD_OK)
		rc = sd_rt_load_session(rt, e);
	if (rc == SD_OK && o->keys && o->keys->id)
		rc = sd_aws_keys_set(&rt->keys, o->keys->id, o->keys->secret, o->keys->token, e);
	if (rc == SD_OK) {
		sigfillset(&all); /* signals are the caller's */
		pthread_sigmask(SIG_SETMASK, &all, &old);
		if (pthread_create(&rt->thread, NULL, sd_rt_thread, rt))
			rc = sd_fail(e, SD_FAILED, 0, "engine: no thread can be made");
		else
			rt->joinable = true;
		pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	if (rc != SD_OK) {
		sd_runtime_stop(rt);
		return rc;
	}
	*out = rt;
	return SD_OK;
}

void sd_runtime_stop(struct sd_runtime *rt)
{
	if (!rt)
		return;
	atomic_store(&rt->stop, true);
	if (rt->joinable) {
		sd_rt_wake(rt);
		pthread_join(rt->thread, NULL);
	}
	sd_loop_free(rt->loop);
	sd_queue_free(rt->posted, sd_rt_input_free);
	sd_store_close(rt->store);
	sd_lock_release(rt->lock_fd);
	sd_session_release(&rt->session);
	sd_aws_keys_release(&rt->keys);
	free(rt->held);
	pthread_mutex_destroy(&rt->status_lock);
	free(rt);
}

void sd_runtime_network(struct sd_runtime *rt, bool on)
{
	struct sd_input *in = sd_rt_input(SD_IN_NETWORK, 0);

	if (in)
		in->on = on;
	post(rt, in);
}

void sd_runtime_resync(struct sd_runtime *rt, const struct sd_model *m, bool full)
{
	struct sd_input *in = sd_rt_input(SD_IN_RESYNC, 0);

	if (in) {
		in->model = m;
		in->full = full;
	}
	post(rt, in);
}

void sd_runtime_kick(struct sd_runtime *rt)
{
	post(rt, sd_rt_input(SD_IN_KICK, 0));
}

int64_t sd_runtime_ask(struct sd_runtime *rt)
{
	struct sd_input *in = sd_rt_input(SD_IN_KICK, 0);
	int64_t ticket;

	/* a turn that knows of the ticket finds the kick in the queue */
	pthread_mutex_lock(&rt->status_lock);
	if (in && !sd_queue_put(rt->posted, in))
		sd_rt_input_free(in);
	ticket = ++rt->asked;
	pthread_mutex_unlock(&rt->status_lock);
	sd_rt_wake(rt);
	return ticket;
}

bool sd_runtime_reached(struct sd_runtime *rt, int64_t ticket)
{
	bool yes;

	pthread_mutex_lock(&rt->status_lock);
	yes = rt->answered >= ticket || rt->why.code != SD_OK;
	pthread_mutex_unlock(&rt->status_lock);
	return yes;
}

void sd_runtime_reauth(struct sd_runtime *rt)
{
	post(rt, sd_rt_input(SD_IN_REAUTH, 0));
}

void sd_runtime_save_waiting(struct sd_runtime *rt, int delta)
{
	if (delta > 0)
		atomic_store(&rt->saved_ms, sd_mono_ms());
	if (atomic_fetch_add(&rt->save_waiting, delta) + delta > 0)
		sd_rt_wake(rt);
}

enum sd_err sd_runtime_status(
	struct sd_runtime *rt, struct sd_engine_status *out, bool *idle, struct sd_error *why)
{
	enum sd_err rc;

	pthread_mutex_lock(&rt->status_lock);
	*out = rt->status;
	*idle = rt->idle && rt->why.code == SD_OK;
	rc = rt->why.code;
	if (rc != SD_OK && why)
		*why = rt->why;
	pthread_mutex_unlock(&rt->status_lock);
	return rc;
}
