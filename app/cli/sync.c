/* app/cli/sync.c - sync, and the engine by hand: start, stop, net, wait. */
#include <stdlib.h>
#include <string.h>

#include "app/cli/cli.h"
#include "core/base/text.h"
#include "core/base/time.h"

#define STUCK_MS      3000 /* --once: how long nothing moves before failed models end it */
#define NET_SWITCH_MS 10000

/* Models whose last try failed; one that this person may not read is skipped, not failed. */
static enum sd_err failed_models(struct cli *c, struct sd_buf *names, struct sd_error *e)
{
	struct cJSON *list = NULL;
	enum sd_err rc = sd_api_sync_state(c->api, &list, e);

	for (const struct cJSON *m = sd_json_child(list); m; m = sd_json_next(m)) {
		const char *error = sd_json_get_str(m, "error");
		if (!sd_str_eq(sd_json_get_str(m, "state"), "failed") ||
			(error && strstr(error, "not authorised")))
			continue;
		sd_buf_fmt(names, "%s%s", names->len ? "; " : "",
			error && *error ? error : sd_json_get_str(m, "model"));
	}
	sd_json_free(list);
	return rc;
}

/* The first that applies: 3, 4, 5, 8, 6, else 0 (contract.md 5.1). */
static int verdict(struct cli *c, const struct sd_api_status *s, bool timed_out)
{
	struct sd_api_counts n;
	struct sd_buf failed = SD_BUF_INIT;
	struct sd_error e = {.code = SD_OK};
	enum sd_err rc = sd_api_counts(c->api, &n, &e);

	if (rc != SD_OK)
		return cli_fail(c, rc, &e);
	if (s->auth_needed)
		return s->auth_why[0]
			       ? cli_complain(c, 3, "sign-in needed: %s", s->auth_why)
			       : cli_complain(c, 3,
					 "sign-in needed: the server refused the credentials; run "
					 "`syncdeck login` or check the API key");
	rc = failed_models(c, &failed, &e);
	if (rc == SD_OK && failed.len) {
		cli_complain(c, 4, "not synced: %s", sd_buf_text(&failed));
		sd_buf_release(&failed);
		return 4;
	}
	if (rc != SD_OK)
		return cli_fail(c, rc, &e);
	if (s->pull_paused)
		cli_say(c, "fetching is paused; `syncdeck sync resume` lets it go on");
	if (timed_out)
		return cli_complain(c, 4, "not everything is synced yet%s%s",
			s->last_failure[0] ? ": " : "", s->last_failure);
	if (n.conflicts)
		return cli_complain(c, 5, "%lld conflict(s) remain: see `syncdeck conflicts`",
			(long long)n.conflicts);
	if (n.refused)
		return cli_complain(c, 8, "%lld change(s) were refused: see `syncdeck outbox`",
			(long long)n.refused);
	if (n.pending)
		return cli_complain(c, 6, "%lld change(s) remain unsent: see `syncdeck outbox`",
			(long long)n.pending);
	return 0;
}

/* Only changes of models that cannot be synced are left: they wait for a retry much later. */
static bool hopeless(struct cli *c, const struct sd_api_status *s)
{
	struct sd_buf names = SD_BUF_INIT;
	bool yes = s->ready && s->active && !s->in_flight &&
		   failed_models(c, &names, NULL) == SD_OK && names.len;

	sd_buf_release(&names);
	return yes;
}

/* --once: until idle.  Offline with nothing reachable gives up after a few tries. */
static int sync_once(struct cli *c, int64_t limit_ms)
{
	int64_t end = sd_mono_ms() + limit_ms, unreachable = 0, stuck = 0;
	struct sd_api_status s;

	for (;;) {
		int64_t now;
		cli_pump(c, -1, 50, true);
		now = sd_mono_ms();
		sd_api_status(c->api, &s);
		if (cli_interrupted())
			return 130;
		if (s.auth_needed)
			return verdict(c, &s, false);
		if (s.idle && ((s.ready && s.active) || s.pull_paused)) {
			cli_pump(c, -1, 0, true);
			return verdict(c, &s, false);
		}
		stuck = !hopeless(c, &s) ? 0 : stuck ? stuck : now;
		if (stuck && now - stuck > STUCK_MS)
			return verdict(c, &s, false);
		if (s.active || s.running == false || !s.last_failure[0])
			unreachable = 0;
		else if (!unreachable)
			unreachable = now;
		if (now > end || s.switched_off || (unreachable && now - unreachable > 5000))
			return verdict(c, &s, true);
	}
}

/* --once while another process syncs the profile: waits on the store.  When that process ends,
 * this one goes on itself. */
static int sync_beside(struct cli *c, int64_t limit_ms)
{
	int64_t end = sd_mono_ms() + limit_ms;
	struct sd_api_status s;

	for (;;) {
		struct sd_error e = {.code = SD_OK};
		struct cJSON *models = NULL;
		bool more = false, never = false;
		enum sd_err rc;
		cli_pump(c, -1, 50, true);
		if (cli_interrupted())
			return 130;
		rc = sd_api_start(c->api, &e);
		if (rc == SD_OK)
			return sync_once(c, end - sd_mono_ms());
		if (rc == SD_BUSY)
			rc = sd_api_can_send(c->api, &more, &e);
		if (rc == SD_OK)
			rc = sd_api_models(c->api, &models, &e);
		for (const struct cJSON *m = sd_json_child(models); m; m = sd_json_next(m))
			never = never || sd_str_eq(sd_json_get_str(m, "sync"), "never");
		sd_json_free(models);
		if (rc != SD_OK)
			return cli_fail(c, rc, &e);
		sd_api_status(c->api, &s);
		if (!more && !never)
			return verdict(c, &s, false);
		if (sd_mono_ms() > end)
			return verdict(c, &s, true);
	}
}

/* sync pause | resume: nothing is fetched meanwhile, sending goes on (U-33). */
static int pause_pull(struct cli *c, bool pause)
{
	struct sd_error e = {.code = SD_OK};
	enum sd_err err = sd_api_sync_pause(c->api, pause, &e);

	if (err != SD_OK)
		return cli_fail(c, err, &e);
	sd_api_kick(c->api);
	cli_say(c, pause ? "fetching is paused; `syncdeck sync resume` lets it go on"
			 : "fetching goes on");
	return 0;
}

static int drop_outside(struct cli *c, const struct cli_list *models, bool dry)
{
	size_t n = models->n ? models->n : 1;
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		struct sd_error e = {.code = SD_OK};
		struct cJSON *list = NULL;
		enum sd_err err = sd_api_drop_outside(
			c->api, models->n ? models->v[i] : NULL, dry, &list, &e);
		if (err != SD_OK)
			return cli_fail(c, err, &e);
		for (const struct cJSON *j = sd_json_child(list); j; j = sd_json_next(j))
			cli_emit(c, j, "model expression rows");
		any = any || sd_json_child(list);
		sd_json_free(list);
	}
	cli_flush(c, "model expression rows");
	if (!any)
		cli_note(c, "no sync expression is in force: nothing is outside of one");
	return 0;
}

static const char QUARANTINE_COLUMNS[] = "model key path raw reason";

/* sync quarantined: what arrived and could not be stored (U-10).  retry: the models concerned are
 * fetched again from the start; unsent changes stay. */
static int quarantined(struct cli *c, const struct cli_list *models, bool retry, int64_t limit_ms)
{
	size_t n = models->n ? models->n : 1;
	struct sd_error e = {.code = SD_OK};
	struct cJSON *asked = sd_json_object();
	bool any = false;
	enum sd_err err = retry ? sd_api_start(c->api, &e) : SD_OK;

	for (size_t i = 0; err == SD_OK && i < n; i++) {
		struct cJSON *list = NULL;
		err = sd_api_quarantine(c->api, models->n ? models->v[i] : NULL, &list, &e);
		any = any || sd_json_child(list);
		for (const struct cJSON *j = sd_json_child(list); j; j = sd_json_next(j)) {
			const char *model = sd_json_get_str(j, "model");
			if (!retry)
				cli_emit(c, j, QUARANTINE_COLUMNS);
			else if (!sd_json_get(asked, model)) {
				sd_json_add_bool(asked, model, true);
				sd_api_resync(c->api, model, true);
			}
		}
		sd_json_free(list);
	}
	if (err == SD_OK && !retry)
		cli_flush(c, QUARANTINE_COLUMNS);
	if (err == SD_OK && !any)
		cli_note(c, "nothing is quarantined");
	retry = retry && sd_json_child(asked);
	sd_json_free(asked);
	if (err != SD_OK)
		return cli_fail(c, err, &e);
	return retry ? sync_once(c, limit_ms) : 0;
}

/* sync pause|resume|drop-outside */
static int operate(struct cli *c, const char *verb, const struct cli_list *models, bool dry)
{
	if (strcmp(verb, "drop-outside") == 0)
		return drop_outside(c, models, dry);
	if (models->n || dry)
		return cli_usage(c, "sync");
	if (strcmp(verb, "pause") == 0 || strcmp(verb, "resume") == 0)
		return pause_pull(c, verb[0] == 'p');
	return cli_usage(c, "sync");
}

int cli_sync(struct cli *c, struct cli_args *a)
{
	bool once = false, full = false, dry = false, retry = false, running;
	const char *timeout = NULL;
	struct cli_list models = {.n = 0};
	const struct cli_opt opts[] = {{"--once", CLI_FLAG, &once}, {"--full", CLI_FLAG, &full},
		{"--model", CLI_LIST, &models}, {"--timeout", CLI_VALUE, &timeout},
		{"--dry-run", CLI_FLAG, &dry}, {"--retry", CLI_FLAG, &retry}};
	struct sd_error e = {.code = SD_OK};
	int64_t limit = INT64_MAX / 4, end;
	enum sd_err err;
	bool odd;
	int rc = cli_take_options(c, a, opts, sizeof opts / sizeof *opts);

	odd = a->n && strcmp(a->v[0], "quarantined") == 0;
	if (rc == 0 && (a->n > 1 || (a->n && (once || full || (timeout && !odd))) ||
			       ((dry || retry) && !a->n) || (dry && odd) || (retry && !odd)))
		rc = cli_usage(c, "sync");
	if (rc == 0 && timeout && (limit = cli_duration_arg(timeout)) < 0)
		rc = cli_complain(c, 2, "--timeout %s: expected a duration such as 30s", timeout);
	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	if (odd)
		return quarantined(c, &models, retry, limit);
	if (a->n)
		return operate(c, a->v[0], &models, dry);
	for (size_t i = 0; i < models.n; i++)
		if (!sd_schema_model(c->schema, models.v[i]))
			return cli_complain(c, 2,
				"no model is named %s; `syncdeck models` lists them", models.v[i]);
	if (c->o.offline)
		return cli_complain(c, 4, "sync: --offline was given");
	running = sd_api_running(c->api);
	err = sd_api_start(c->api, &e);
	if (err == SD_BUSY && once)
		return sync_beside(c, limit);
	if (err != SD_OK)
		return cli_fail(c, err, &e);
	if ((full || running) && !models.n) /* asked for: a failed model's next try is now */
		sd_api_resync(c->api, NULL, full);
	for (size_t i = 0; i < models.n; i++)
		sd_api_resync(c->api, models.v[i], full);
	if (once)
		return sync_once(c, limit);
	for (end = sd_mono_ms() + limit; !cli_interrupted() && sd_mono_ms() < end;) {
		cli_pump(c, -1, -1, true);
		/* another process cleared the store: go on for whoever owns it now */
		err = sd_api_running(c->api) ? SD_OK : sd_api_start(c->api, &e);
		if (err != SD_OK)
			return cli_fail(c, err, &e);
	}
	sd_api_stop(c->api);
	cli_pump(c, -1, 0, true);
	return cli_interrupted() ? 130 : 0;
}

int cli_start(struct cli *c, struct cli_args *a)
{
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && a->n)
		rc = cli_usage(c, "start");
	if (rc == 0)
		rc = cli_open(c);
	c->engine_stopped = false;
	if (rc == 0) {
		struct sd_error e = {.code = SD_OK};
		enum sd_err err = sd_api_start(c->api, &e);
		rc = err == SD_OK ? 0 : cli_fail(c, err, &e);
	}
	return rc;
}

int cli_stop(struct cli *c, struct cli_args *a)
{
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && a->n)
		rc = cli_usage(c, "stop");
	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	c->engine_stopped = true;
	sd_api_stop(c->api);
	return 0;
}

int cli_net(struct cli *c, struct cli_args *a)
{
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && (a->n != 1 || (strcmp(a->v[0], "on") != 0 && strcmp(a->v[0], "off") != 0)))
		rc = cli_usage(c, "net");
	if (rc == 0)
		rc = cli_open(c);
	if (rc == 0) {
		bool on = strcmp(a->v[0], "on") == 0;
		int64_t end = sd_mono_ms() + NET_SWITCH_MS;
		struct sd_api_status s;
		sd_api_net(c->api, on);
		/* done is said when it is so: the engine's thread has to take it up */
		for (sd_api_status(c->api, &s); s.running && s.switched_off == on;
			sd_api_status(c->api, &s)) {
			if (sd_mono_ms() > end)
				return cli_complain(c, 4, "net %s: the engine is busy", a->v[0]);
			cli_pump(c, -1, 10, true);
		}
	}
	return rc;
}

/* wait ready|drained [DURATION] */
int cli_wait(struct cli *c, struct cli_args *a)
{
	int64_t limit = 30000, end, ticket = -1;
	int rc = cli_take_options(c, a, NULL, 0);
	bool ready;

	if (rc == 0 && (a->n < 1 || a->n > 2))
		rc = cli_usage(c, "wait");
	if (rc)
		return rc;
	ready = strcmp(a->v[0], "ready") == 0;
	if (!ready && strcmp(a->v[0], "drained") != 0)
		return cli_usage(c, "wait");
	if (a->n == 2 && (limit = cli_duration_arg(a->v[1])) < 0)
		return cli_complain(c, 2, "wait: %s is not a duration such as 30s", a->v[1]);
	rc = cli_open(c);
	for (end = sd_mono_ms() + limit; rc == 0;) {
		struct sd_api_status s;
		struct sd_error e = {.code = SD_OK};
		bool more = false, reached;
		enum sd_err err;
		cli_pump(c, -1, 20, true);
		/* drained is said when the events of the last answer are here, too */
		reached = ticket >= 0 && sd_api_reached(c->api, ticket);
		err = sd_api_can_send(c->api, &more, &e);
		if (err != SD_OK)
			return cli_fail(c, err, &e);
		sd_api_status(c->api, &s);
		more = more || s.in_flight || s.deciding;
		if (ready ? s.ready : reached && !more)
			break;
		if (more)
			ticket = -1;
		else if (ticket < 0)
			ticket = sd_api_ticket(c->api);
		if (cli_interrupted())
			return 130;
		if (sd_mono_ms() > end)
			return cli_complain(c, 4, "wait %s: time ran out%s%s", a->v[0],
				!s.active && s.last_failure[0] ? ": " : "",
				s.active ? "" : s.last_failure);
	}
	cli_pump(c, -1, 0, true);
	return rc;
}
