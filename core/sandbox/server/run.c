/*
 * core/sandbox/server/run.c - sd_sandbox_run(): puts the parts together, serves, ends in order.
 *
 * Signals come through a signalfd and the parent's end through its pipe, both as files of the lws
 * loop: nothing happens in a signal handler.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <curl/curl.h>

#include "core/base/fs.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/json/json.h"
#include "core/sandbox/server/lambda.h"
#include "core/sandbox/server/server.h"
#include "core/sandbox/server/tls.h"

#define FILES       16384 /* most open files, sockets included */
#define FAREWELL_MS 300   /* for the close frames of a shutdown */

static void lws_line(int level, const char *line)
{
	enum sd_log_level l = level == LLL_ERR ? SD_LOG_WARN : SD_LOG_DEBUG;
	size_t n = strlen(line);

	while (n && line[n - 1] == '\n')
		n--;
	sd_log(l, "lws", "%.*s", (int)n, line);
}

/* Another thread: a conflict handler has ended. */
static void wake(void *server)
{
	struct server *s = server;

	lws_cancel_service(s->lws);
}

static bool ask(void *server, uint64_t run, const char *command, const char *payload)
{
	struct server *s = server;

	return sd_lambdas_ask(s->lambdas, run, command, payload);
}

static void decisions(struct server *s)
{
	uint64_t run;
	char *said;

	while (s->lambdas && sd_lambdas_next(s->lambdas, &run, &said)) {
		sd_sbx_decide(s->sbx, run, said, sd_srv_now_ms(s));
		free(said);
	}
}

static int control_cb(
	struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct server *s = lws_context_user(lws_get_context(wsi));
	char drop[512];

	(void)user;
	(void)in;
	(void)len;
	if (reason == LWS_CALLBACK_RAW_RX_FILE) {
		ssize_t n = read(lws_get_socket_fd(wsi), drop, sizeof drop);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			return 0;
		s->stop = true; /* a signal, or the parent's end of the pipe is gone */
		return -1;
	}
	if (reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED)
		decisions(s);
	if (reason == LWS_CALLBACK_RAW_CLOSE_FILE)
		s->stop = true;
	return 0;
}

static const struct lws_protocols CONTROL[] = {
	{"sd-control", control_cb, 0, 0, 0, NULL, 0},
	{NULL, NULL, 0, 0, 0, NULL, 0},
};

static enum sd_err watch(struct server *s, int fd, struct sd_error *e)
{
	lws_sock_file_fd_type f = {.filefd = fd};

	if (fd < 0 || !lws_adopt_descriptor_vhost(
			      s->control, LWS_ADOPT_RAW_FILE_DESC, f, "sd-control", NULL))
		return sd_fail(
			e, SD_IO, errno, "sandbox: cannot watch signals: %s", strerror(errno));
	return SD_OK;
}

static void stop_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
}

/* Many systems give 1024 files unless asked for more; each client takes one. */
static void more_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= FILES)
		return;
	r.rlim_cur = r.rlim_max < FILES ? r.rlim_max : FILES;
	if (setrlimit(RLIMIT_NOFILE, &r) != 0)
		sd_log(SD_LOG_DEBUG, "sandbox", "open files: %s", strerror(errno));
}

static enum sd_err open_loop(struct server *s, struct sd_error *e)
{
	struct lws_context_creation_info i;
	sigset_t set;
	enum sd_err rc;

	more_files();
	lws_set_log_level(LLL_ERR | LLL_WARN, lws_line);
	memset(&i, 0, sizeof i);
	i.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
	if (s->cert.len)
		i.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	i.pt_serv_buf_size = 65536;
	i.fd_limit_per_thread = FILES;
	i.gid = (gid_t)-1;
	i.uid = (uid_t)-1;
	i.user = s;
	s->lws = lws_create_context(&i);
	if (!s->lws)
		return sd_fail(e, SD_FAILED, 0, "sandbox: libwebsockets does not start");
	memset(&i, 0, sizeof i);
	i.port = CONTEXT_PORT_NO_LISTEN;
	i.vhost_name = "control";
	i.protocols = CONTROL;
	s->control = lws_create_vhost(s->lws, &i);
	if (!s->control)
		return sd_fail(e, SD_FAILED, 0, "sandbox: libwebsockets does not start");
	stop_signals(&set);
	rc = watch(s, signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), e);
	if (rc == SD_OK && s->o->parent_pipe >= 0)
		rc = watch(s, fcntl(s->o->parent_pipe, F_DUPFD_CLOEXEC, 3), e);
	return rc;
}

static bool loopback(const char *host)
{
	return !host || strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
	       strcmp(host, "::1") == 0;
}

/* ---- the core ---- */

static enum sd_err strategy_of(const char *text, struct sd_sbx_opts *o, struct sd_error *e)
{
	static const struct {
		const char *name;
		enum sd_strategy strategy;
	} NAME[] = {
		{"automerge", SD_STRATEGY_AUTOMERGE},
		{"optimistic", SD_STRATEGY_OPTIMISTIC},
		{"none", SD_STRATEGY_NONE},
	};

	if (!text)
		return SD_OK;
	if (strncmp(text, "lambda:", 7) == 0 && text[7]) {
		o->strategy = SD_STRATEGY_LAMBDA;
		o->lambda = text + 7;
		return SD_OK;
	}
	for (size_t i = 0; i < sizeof NAME / sizeof *NAME; i++)
		if (strcmp(NAME[i].name, text) == 0) {
			o->strategy = NAME[i].strategy;
			return SD_OK;
		}
	return sd_fail(e, SD_INVAL, 0,
		"--strategy %s: automerge, optimistic, lambda:COMMAND or none", text);
}

/* Whatever is wrong with a database, its file is named. */
static void name_file(const char *db, struct sd_error *e)
{
	char was[sizeof e->text];

	if (!db || strstr(e->text, db) || sd_str_starts(e->text, "--"))
		return;
	snprintf(was, sizeof was, "%s", e->text);
	snprintf(e->text, sizeof e->text, "--db %s: %s", db, was);
}

static int64_t ttl(int64_t asked, int64_t otherwise)
{
	return asked > 0 ? asked : asked < 0 ? 0 : otherwise;
}

/* Handlers under way exist only where some strategy may ask one. */
static bool asks_handlers(const struct sd_sandbox_opts *o)
{
	bool any = o->strategy && sd_str_starts(o->strategy, "lambda");

	for (size_t i = 0; i < o->model_strategy_count && !any; i++)
		any = strstr(o->model_strategies[i], "=lambda") != NULL;
	return any;
}

static enum sd_err open_core(struct server *s, struct sd_error *e)
{
	const struct sd_sandbox_opts *o = s->o;
	struct sd_sbx_opts c = {.schema = o->schema,
		.db = o->db,
		.rand = &s->rand,
		.lambda_ctx = s,
		.delta_ttl_ms = ttl(o->delta_ttl_ms, (int64_t)30 * 60 * 1000),
		.base_ttl_ms = ttl(o->base_ttl_ms, (int64_t)30 * 86400 * 1000),
		.max_limit = o->max_limit > 0 ? o->max_limit : 1000,
		.max_subscriptions = s->set.max_subscriptions,
		.execution_ms = s->set.execution_timeout_ms,
		.api_key_mode = o->api_key != NULL,
		.user_pool_mode = o->users != NULL};
	enum sd_err rc = strategy_of(o->strategy, &c, e);

	if (asks_handlers(o)) {
		curl_global_init(CURL_GLOBAL_DEFAULT);
		s->lambdas = sd_lambdas_new(s->set.lambda_timeout_ms, wake, s);
		c.ask_lambda = ask;
		if (!s->lambdas)
			return sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
	}
	if (rc == SD_OK)
		rc = sd_sbx_open(&c, &s->sbx, e);
	if (rc != SD_OK)
		name_file(o->db, e);
	for (size_t i = 0; rc == SD_OK && i < o->model_strategy_count; i++)
		rc = sd_sbx_model_strategy(s->sbx, o->model_strategies[i], e);
	if (rc == SD_OK)
		rc = sd_srv_settings(s, false, e);
	if (rc == SD_OK)
		sd_sbx_on_deliver(s->sbx, sd_srv_deliver, s);
	return rc;
}

enum sd_err sd_srv_tls(struct server *s, struct sd_error *e)
{
	struct sd_tls_set t;
	char *dir, name[300];
	enum sd_err rc;

	if (!s->o->tls)
		return SD_OK;
	if (!s->o->state_dir)
		return sd_fail(e, SD_INVAL, 0, "--tls: no directory to keep the certificate in");
	/* another address has files of its own: a second server must not replace the first one's */
	snprintf(name, sizeof name, loopback(s->o->host) ? "tls" : "tls-%s", s->o->host);
	dir = strchr(name, '/') ? NULL : sd_path_join(s->o->state_dir, name);
	if (!dir)
		return sd_fail(e, SD_NOMEM, 0, "TLS: out of memory");
	rc = sd_tls_load(dir, s->o->host, &t, e);
	if (rc == SD_OK) {
		s->cert = t.cert;
		s->cert_key = t.key;
		sd_buf_release(&t.ca);
		s->ca_file = sd_path_join(dir, "ca.pem");
		if (!s->ca_file)
			rc = sd_fail(e, SD_NOMEM, 0, "TLS: out of memory");
	}
	free(dir);
	return rc;
}

static enum sd_err check(const struct sd_sandbox_opts *o, struct sd_error *e)
{
	if (!o->schema)
		return sd_fail(e, SD_INVAL, 0, "sandbox: a schema is needed (--schema FILE)");
	if (o->admin && !loopback(o->host))
		return sd_fail(e, SD_INVAL, 0,
			"--admin is for loopback only, not %s; leave out --host or --admin",
			o->host);
	if (o->port < 0 || o->port > 65535)
		return sd_fail(e, SD_INVAL, 0, "--port %d: 0 to 65535", o->port);
	return SD_OK;
}

/* Whether some rule asks for a signed-in user: then the written configuration signs in by default;
 * otherwise the API key does for everybody, users or not. */
static bool needs_users(const struct sd_schema *schema)
{
	for (size_t i = 0; i < schema->model_count; i++)
		for (size_t k = 0; k < schema->models[i]->rule_count; k++)
			if (schema->models[i]->rules[k].provider == SD_BY_USERPOOLS)
				return true;
	return false;
}

/* A million records take a while: a signal ends that at once, the way it ends any program.  What
 * was written of a file so far is made whole at its next start. */
static enum sd_err seed(struct server *s, struct sd_error *e)
{
	struct sigaction plain = {.sa_handler = SIG_DFL}, was[2];
	sigset_t set, now;
	enum sd_err rc;

	stop_signals(&set);
	sigaction(SIGINT, &plain, &was[0]);
	sigaction(SIGTERM, &plain, &was[1]);
	pthread_sigmask(SIG_UNBLOCK, &set, &now);
	rc = sd_srv_seed(s, e);
	pthread_sigmask(SIG_SETMASK, &now, NULL);
	sigaction(SIGINT, &was[0], NULL);
	sigaction(SIGTERM, &was[1], NULL);
	return rc;
}

static enum sd_err open_all(struct server *s, struct sd_error *e)
{
	const char *host = s->o->host ? s->o->host : "127.0.0.1";
	enum sd_err rc = check(s->o, e);

	if (rc == SD_OK)
		rc = sd_srv_settings(s, true, e);
	if (rc == SD_OK)
		rc = open_core(s, e);
	if (rc == SD_OK)
		rc = sd_srv_tls(s, e);
	if (rc == SD_OK && s->o->users)
		rc = sd_srv_pool_open(s, e);
	if (rc == SD_OK)
		rc = sd_srv_oidc_open(s, e);
	if (rc == SD_OK)
		rc = seed(s, e);
	if (rc == SD_OK)
		rc = open_loop(s, e);
	if (rc == SD_OK)
		rc = sd_srv_listen(s, e);
	if (rc != SD_OK)
		return rc;
	s->default_user_pool = s->pool && needs_users(s->o->schema);
	snprintf(s->base_url, sizeof s->base_url, strchr(host, ':') ? "%s://[%s]:%d" : "%s://%s:%d",
		s->ca_file ? "https" : "http", host, s->port);
	return s->o->write_config ? sd_srv_write_config(s, e) : SD_OK;
}

/* Close frames to the subscribers (1001, server.md 5.6), and a moment to get them out. */
static void farewell(struct server *s)
{
	int64_t until = sd_mono_ms() + FAREWELL_MS;

	for (size_t i = 0; i < s->conn_room; i++)
		if (s->conns[i] && s->conns[i]->ws) {
			sd_wss_close(s->conns[i]->ws, 1001, "The server stops.");
			sd_srv_touch(s->conns[i]);
		}
	while (s->realtime_count && sd_mono_ms() < until)
		if (lws_service(s->lws, 0) < 0)
			break;
}

static void tick(lws_sorted_usec_list_t *sul)
{
	(void)sul; /* only to end a wait */
}

static void close_all(struct server *s)
{
	sd_lambdas_free(s->lambdas); /* its threads wake the context */
	s->lambdas = NULL;
	sd_srv_work_end(s, NULL);
	if (s->lws)
		lws_context_destroy(s->lws); /* ends the connections, which use all below */
	sd_sbx_close(s->sbx);
	sd_schema_free(s->pushed);
	sd_srv_pool_close(s->pool);
	sd_srv_oidc_close(s->oidc);
	sd_faults_clear(&s->faults);
	sd_reqlog_release(&s->log);
	sd_srv_ws_faults_clear(&s->ws);
	sd_buf_release(&s->cert);
	sd_buf_release(&s->cert_key);
	sd_buf_release(&s->scratch);
	free(s->ca_file);
	free(s->conns);
	pthread_sigmask(SIG_SETMASK, &s->old_mask, NULL);
}

enum sd_err sd_sandbox_run(
	const struct sd_sandbox_opts *o, sd_sandbox_ready_fn ready, void *ctx, struct sd_error *e)
{
	struct server s = {.o = o,
		.schema = o->schema,
		.set = {.max_subscriptions = 100,
			.token_ttl_ms = 3600000,
			.ws_lifetime_ms = 86400000,
			.init_timeout_ms = 60000,
			.lambda_timeout_ms = 10000,
			.idle_timeout_ms = 120000,
			.request_timeout_ms = 60000}};
	lws_sorted_usec_list_t wake;
	sigset_t set;
	enum sd_err rc;
	char *line;

	stop_signals(&set); /* before any thread is made, or it would swallow them */
	pthread_sigmask(SIG_BLOCK, &set, &s.old_mask);
	sd_rand_system(&s.rand);
	s.started_ms = sd_now_ms();
	memset(&wake, 0, sizeof wake);
	rc = open_all(&s, e);
	if (rc == SD_OK) {
		line = sd_srv_ready_line(&s);
		if (line && ready)
			ready(ctx, line);
		free(line);
		while (!s.stop)
			if (lws_service(s.lws, 0) < 0)
				break;
		lws_sul_schedule(s.lws, 0, &wake, tick, FAREWELL_MS * LWS_US_PER_MS);
		farewell(&s);
		lws_sul_cancel(&wake);
	}
	close_all(&s);
	return rc;
}
