/* app/cli/watch.c - waiting: engine events, observers, observe, observe-query. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/cli.h"
#include "core/base/text.h"
#include "core/base/time.h"

#define SNAPSHOT_MS 2000 /* client.md 8.8: a snapshot this long after the first change */
#define POLL_MS     200  /* commits of other processes are seen within 500 ms */

/* Out at once, also in a batch: events stand between the answers. */
static void tell(struct cli *c, const struct cJSON *line)
{
	struct sd_buf safe = SD_BUF_INIT;

	if (c->batch || c->o.json) {
		cli_print_json(stdout, line);
	} else {
		struct sd_buf raw = SD_BUF_INIT;
		sd_json_print(line, &raw);
		sd_text_safe(&safe, sd_buf_text(&raw), raw.len);
		printf("%s\n", sd_buf_text(&safe));
		sd_buf_release(&raw);
	}
	sd_buf_release(&safe);
	if (!c->pumping) /* else once, behind all that there is */
		fflush(stdout);
}

/* {"event":NAME,"n":LINE, ...fields}: an observer's line inside a batch. */
static struct cJSON *framed(
	const struct cli_watch *w, const char *event, const struct cJSON *fields)
{
	struct cJSON *j = sd_json_object();

	sd_json_add_str(j, "event", event);
	sd_json_add_int(j, "n", w->line);
	for (const struct cJSON *f = sd_json_child(fields); f; f = sd_json_next(f))
		sd_json_add(j, sd_json_name(f), sd_json_dup(f));
	return j;
}

struct line_ctx {
	struct cli *c;
	struct cli_watch *w;
	struct cJSON *items;
};

static bool tell_change(void *ctx, struct cJSON *line)
{
	struct line_ctx *x = ctx;
	struct cJSON *j;

	if (!x->c->batch || sd_json_get(line, "event")) {
		tell(x->c, line);
		return true;
	}
	j = framed(x->w, "observe", line);
	tell(x->c, j);
	sd_json_free(j);
	return true;
}

static bool note_change(void *ctx, struct cJSON *line)
{
	struct line_ctx *x = ctx;

	(void)line;
	if (!x->w->due_ms)
		x->w->due_ms = sd_mono_ms() + SNAPSHOT_MS;
	return true;
}

static bool add_item(void *ctx, struct cJSON *rec)
{
	struct line_ctx *x = ctx;

	return sd_json_push(x->items, sd_json_dup(rec));
}

/* The model completed its sync at least once since this engine started. */
static bool model_synced(struct cli *c, const char *model)
{
	struct cJSON *list = NULL;
	struct sd_api_status s;
	bool synced = false;

	sd_api_status(c->api, &s);
	if (!s.ready && !s.models_synced)
		return false;
	if (s.ready)
		return true;
	if (sd_api_models(c->api, &list, NULL) != SD_OK)
		return false;
	for (const struct cJSON *m = sd_json_child(list); m; m = sd_json_next(m))
		if (sd_str_eq(sd_json_get_str(m, "model"), model))
			synced = sd_json_get_i64(m, "lastSync", 0) > s.rt_since_ms && s.rt_since_ms;
	sd_json_free(list);
	return synced;
}

static void snapshot(struct cli *c, struct cli_watch *w, bool synced)
{
	struct sd_api_query q = {.model = w->model, .where = w->where, .sort = w->sort};
	struct line_ctx x = {.c = c, .w = w, .items = sd_json_array()};
	struct cJSON *j = sd_json_object(), *f;

	if (sd_api_query(c->api, &q, add_item, &x, NULL) == SD_OK) {
		sd_json_add(j, "items", x.items);
		sd_json_add_bool(j, "isSynced", synced);
		if (c->batch) {
			f = framed(w, "snapshot", j);
			tell(c, f);
			sd_json_free(f);
		} else {
			tell(c, j);
		}
	} else {
		sd_json_free(x.items);
	}
	sd_json_free(j);
	w->told = true;
	w->last_synced = synced;
	w->due_ms = 0;
}

static void run_watches(struct cli *c)
{
	for (struct cli_watch *w = c->watches; w; w = w->next) {
		struct line_ctx x = {.c = c, .w = w};
		bool synced;
		if (!w->snapshots) {
			(void)!sd_api_watch_next(c->api, w->watch, tell_change, &x, NULL);
			continue;
		}
		if (sd_api_watch_next(c->api, w->watch, note_change, &x, NULL) != SD_OK)
			continue;
		synced = model_synced(c, w->model);
		if (!w->told || synced != w->last_synced || (w->due_ms && synced) ||
			(w->due_ms && sd_mono_ms() >= w->due_ms))
			snapshot(c, w, synced);
	}
}

static void tell_event(struct cli *c, const char *text)
{
	struct cJSON *j = NULL;

	if (c->batch || c->o.json) { /* as it is: made by sd_en_event() */
		fputs(text, stdout);
		fputc('\n', stdout);
		return;
	}
	if (sd_json_parse(text, strlen(text), "event", &j, NULL) == SD_OK)
		tell(c, j);
	sd_json_free(j);
}

/* Another process that wipes the store needs this one to let go of it; the engine goes on with the
 * new store. */
static void follow_wipe(struct cli *c)
{
	bool ran = sd_api_running(c->api);

	(void)sd_api_changed(c->api);
	if (ran && !sd_api_running(c->api) && !sd_api_locked(c->api))
		(void)!sd_api_start(c->api, NULL);
}

bool cli_pump(struct cli *c, int fd, int64_t ms, bool print_events)
{
	struct pollfd p[2] = {{fd, POLLIN, 0}, {c->api ? sd_api_fd(c->api) : -1, POLLIN, 0}};
	int wait = ms < 0 || ms > POLL_MS ? POLL_MS : (int)ms;
	char *event;

	if (!c->watches && !c->api)
		wait = ms < 0 || ms > 60000 ? 60000 : (int)ms;
	(void)poll(p, 2, wait);
	if (c->api)
		follow_wipe(c);
	c->pumping = true;
	while (c->api && (event = sd_api_next_event(c->api))) {
		if (print_events)
			tell_event(c, event);
		free(event);
	}
	if (c->watches)
		run_watches(c);
	c->pumping = false;
	fflush(stdout);
	return fd >= 0 && p[0].revents != 0;
}

static void watch_free(struct cli_watch *w)
{
	sd_api_watch_close(w->watch);
	free(w->model);
	free(w->where);
	free(w->sort);
	free(w);
}

void cli_watches_close(struct cli *c)
{
	while (c->watches) {
		struct cli_watch *w = c->watches;
		c->watches = w->next;
		watch_free(w);
	}
}

/* ---- observe ---- */

/* Observing runs the engine where there is a backend; another process may be the one that syncs. */
static int start_engine(struct cli *c)
{
	struct sd_error e = {.code = SD_OK};
	enum sd_err rc;

	if (!sd_api_has_backend(c->api) || c->o.offline || c->engine_stopped)
		return 0;
	rc = sd_api_start(c->api, &e);
	if (rc == SD_BUSY)
		return 0;
	return rc == SD_OK ? 0 : cli_fail(c, rc, &e);
}

static int watching(struct cli *c, struct cli_watch *w)
{
	struct cJSON *j = sd_json_object();

	w->line = c->line;
	w->next = c->watches;
	c->watches = w;
	sd_json_add_str(j, "event", "watching");
	if (c->batch)
		sd_json_add_int(j, "n", c->line);
	tell(c, j);
	sd_json_free(j);
	if (c->batch)
		return 0;
	while (!cli_interrupted())
		cli_pump(c, -1, -1, false);
	return 130;
}

int cli_observe(struct cli *c, struct cli_args *a)
{
	const char *where = NULL;
	const struct cli_opt opts[] = {{"--where", CLI_VALUE, &where}};
	struct cli_watch *w;
	struct sd_buf key = SD_BUF_INIT;
	struct sd_error e = {.code = SD_OK};
	enum sd_err err;
	int rc = cli_take_options(c, a, opts, 1);

	if (rc == 0 && where && a->n < 1)
		rc = cli_complain(c, 2, "observe: --where needs a MODEL");
	if (rc == 0)
		rc = cli_open(c);
	if (rc == 0 && a->n > 1)
		rc = cli_key(c, a->v[0], a->v + 1, a->n - 1, &key);
	if (rc)
		return rc;
	w = calloc(1, sizeof *w);
	err = w ? sd_api_watch_open(c->api, a->n ? a->v[0] : NULL,
			  key.len ? sd_buf_text(&key) : NULL, where, &w->watch, &e)
		: SD_NOMEM;
	sd_buf_release(&key);
	rc = err == SD_OK ? start_engine(c) : cli_fail(c, err, &e);
	if (rc) {
		if (w)
			watch_free(w);
		return rc;
	}
	return watching(c, w);
}

int cli_observe_query(struct cli *c, struct cli_args *a)
{
	const char *where = NULL, *sort = NULL;
	const struct cli_opt opts[] = {
		{"--where", CLI_VALUE, &where}, {"--sort", CLI_VALUE, &sort}};
	struct cli_watch *w;
	struct sd_error e = {.code = SD_OK};
	enum sd_err err;
	int rc = cli_take_options(c, a, opts, 2);

	if (rc == 0 && a->n != 1)
		rc = cli_usage(c, "observe-query");
	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	err = where ? sd_api_where_check(c->api, a->v[0], where, &e) : SD_OK;
	w = calloc(1, sizeof *w);
	if (err == SD_OK && w) /* not by predicate: a record that leaves the set counts too */
		err = sd_api_watch_open(c->api, a->v[0], NULL, NULL, &w->watch, &e);
	rc = err == SD_OK && w ? start_engine(c) : cli_fail(c, w ? err : SD_NOMEM, &e);
	if (rc) {
		if (w)
			watch_free(w);
		return rc;
	}
	w->snapshots = true;
	w->model = strdup(a->v[0]);
	w->where = where ? strdup(where) : NULL;
	w->sort = sort ? strdup(sort) : NULL;
	return watching(c, w);
}

int cli_unobserve(struct cli *c, struct cli_args *a)
{
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && a->n)
		rc = cli_usage(c, "unobserve");
	if (rc == 0)
		cli_watches_close(c);
	return rc;
}
