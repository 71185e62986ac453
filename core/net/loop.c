/*
 * core/net/loop.c - one lws_service() loop with curl's sockets behind an epoll descriptor in it.
 *
 * curl tells which sockets to watch; they go into our own epoll set, whose descriptor lws watches
 * as one more raw file.  So there is one wait, no polling, and timers of both sides are lws timers.
 */
#include "core/net/internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/base/log.h"

static void lws_line(int level, const char *line)
{
	sd_log(level & LLL_ERR ? SD_LOG_DEBUG : SD_LOG_TRACE, "lws", "%s", line);
}

static void init_once(void)
{
	curl_global_init(CURL_GLOBAL_ALL);
	lws_set_log_level(LLL_ERR | LLL_WARN, lws_line);
	signal(SIGPIPE, SIG_IGN);
}

void sd_net_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, init_once);
}

static void turn_over(lws_sorted_usec_list_t *sul)
{
	/* Timers run before lws sleeps, never behind: here the turn's time was up before it slept,
	 * and it would sleep until the next timer, for ever when there is none. */
	lws_cancel_service(lws_container_of(sul, struct sd_loop, turn_timer)->ctx);
}

static void on_curl_timer(lws_sorted_usec_list_t *sul)
{
	struct sd_loop *l = lws_container_of(sul, struct sd_loop, curl_timer);
	int running;

	curl_multi_socket_action(l->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	/* timers run before lws sleeps: an answer found here must end the turn, not wait for it */
	if (sd_http_finished(l))
		lws_sul_schedule(l->ctx, 0, &l->turn_timer, turn_over, 1);
}

static int curl_timer(CURLM *multi, long ms, void *ctx)
{
	struct sd_loop *l = ctx;

	(void)multi;
	if (ms < 0)
		lws_sul_cancel(&l->curl_timer);
	else /* never call curl from here: a timer of 0 goes through the loop too */
		lws_sul_schedule(l->ctx, 0, &l->curl_timer, on_curl_timer,
			ms ? (lws_usec_t)ms * LWS_US_PER_MS : 1);
	return 0;
}

static int curl_socket(CURL *easy, curl_socket_t s, int what, void *ctx, void *known)
{
	struct sd_loop *l = ctx;
	struct epoll_event ev = {.data.fd = s};

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(l->epfd, EPOLL_CTL_DEL, s, NULL);
		return 0;
	}
	ev.events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
		    (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
	if (known) {
		epoll_ctl(l->epfd, EPOLL_CTL_MOD, s, &ev);
	} else {
		epoll_ctl(l->epfd, EPOLL_CTL_ADD, s, &ev);
		curl_multi_assign(l->multi, s, l);
	}
	return 0;
}

static void curl_ready(struct sd_loop *l)
{
	struct epoll_event ev[32];
	int running, n = epoll_wait(l->epfd, ev, 32, 0);

	for (int i = 0; i < n; i++) {
		int what = (ev[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
			   (ev[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
			   (ev[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
		curl_multi_socket_action(l->multi, ev[i].data.fd, what, &running);
	}
	sd_http_finished(l);
}

static int curl_callback(
	struct lws *wsi, enum lws_callback_reasons why, void *user, void *in, size_t len)
{
	struct sd_loop *l = lws_context_user(lws_get_context(wsi));

	(void)user;
	(void)in;
	(void)len;
	if (!l || !l->multi)
		return 0;
	if (why == LWS_CALLBACK_RAW_RX_FILE)
		curl_ready(l);
	else if (why == LWS_CALLBACK_EVENT_WAIT_CANCELLED)
		sd_ws_resolved(l);
	return 0;
}

static const struct lws_protocols PROTOCOLS[] = {
	{"sd-curl", curl_callback, 0, 0, 0, NULL, 0},
	{"graphql-ws", sd_ws_callback, 0, 65536, 0, NULL, 0},
	{NULL, NULL, 0, 0, 0, NULL, 0},
};

static bool make_vhost(struct sd_loop *l, bool plain)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static bool first = true;
	struct lws_context_creation_info i;

	memset(&i, 0, sizeof i);
	i.port = CONTEXT_PORT_NO_LISTEN;
	i.protocols = PROTOCOLS;
	i.gid = (gid_t)-1;
	i.uid = (uid_t)-1;
	i.user = l;
	i.max_http_header_data = 32768; /* an 8 kB token goes whole: architecture.md 7 */
	i.pt_serv_buf_size = 32768;
	i.timeout_secs = 10;
	i.connect_timeout_secs = (unsigned)((l->connect_timeout_ms + 999) / 1000);
	/* a second DO_SSL_GLOBAL_INIT on a context would break handshakes elsewhere: lws.md 6 */
	pthread_mutex_lock(&lock);
	i.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
		    (first ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0);
	l->ctx = lws_create_context(&i);
	first = first && !l->ctx;
	pthread_mutex_unlock(&lock);
	if (!l->ctx)
		return false;
	i.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	if (l->ca_file || plain)
		i.options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
	if (l->ca_file)
		i.client_ssl_ca_filepath = l->ca_file;
	l->vhost = lws_create_vhost(l->ctx, &i);
	return l->vhost != NULL;
}

static bool nest_curl(struct sd_loop *l)
{
	lws_sock_file_fd_type fd;

	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	l->multi = curl_multi_init();
	if (l->epfd < 0 || !l->multi)
		return false;
	curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, curl_socket);
	curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l);
	curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, curl_timer);
	curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l);
	curl_multi_setopt(l->multi, CURLMOPT_MAXCONNECTS, 32L);
	fd.filefd = l->epfd;
	return lws_adopt_descriptor_vhost(l->vhost, LWS_ADOPT_RAW_FILE_DESC, fd, "sd-curl", NULL) !=
	       NULL;
}

enum sd_err sd_loop_new(const struct sd_loop_opts *o, struct sd_loop **out, struct sd_error *e)
{
	struct sd_loop *l = calloc(1, sizeof *l);

	*out = NULL;
	if (!l)
		return sd_fail(e, SD_NOMEM, 0, "network: out of memory");
	l->epfd = -1;
	l->connect_timeout_ms = o->connect_timeout_ms ? o->connect_timeout_ms : 10000;
	if (o->ca_file) {
		if (access(o->ca_file, R_OK)) {
			free(l);
			return sd_fail(e, SD_INVAL, errno, "CA file %s: %s; check net.ca_file",
				o->ca_file, strerror(errno));
		}
		l->ca_file = strdup(o->ca_file);
	}
	if (!make_vhost(l, o->plain) || !nest_curl(l)) {
		sd_loop_free(l);
		return sd_fail(e, SD_NET, 0, "network: cannot start the loop%s%s",
			o->ca_file ? "; is this a PEM file: " : "", o->ca_file ? o->ca_file : "");
	}
	*out = l;
	return SD_OK;
}

void sd_loop_free(struct sd_loop *l)
{
	if (!l)
		return;
	sd_http_loop_release(l);
	if (l->multi) {
		curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, NULL);
		curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, NULL);
		curl_multi_cleanup(l->multi);
		l->multi = NULL;
	}
	sd_ws_loop_release(l);
	if (l->ctx) {
		lws_sul_cancel(&l->turn_timer);
		lws_sul_cancel(&l->curl_timer);
		lws_context_destroy(l->ctx);
	} else if (l->epfd >= 0) {
		close(l->epfd);
	}
	free(l->ca_file);
	free(l);
}

void sd_loop_turn(struct sd_loop *l, int64_t wait_ms)
{
	if (wait_ms < 0)
		wait_ms = 0;
	lws_sul_schedule(l->ctx, 0, &l->turn_timer, turn_over,
		wait_ms ? (lws_usec_t)wait_ms * LWS_US_PER_MS : 1);
	lws_service(l->ctx, 0);
	sd_ws_resolved(l);
}

void sd_loop_drop_all(struct sd_loop *l)
{
	sd_http_loop_release(l);
	sd_ws_loop_release(l);
}

void sd_loop_wake(struct sd_loop *l)
{
	lws_cancel_service(l->ctx);
}
