/*
 * core/sandbox/server/front.c - lws as TLS, sockets and timers; bytes in and out of connections.
 *
 * lws's own HTTP and WebSocket roles are not used (design/lws.md 1, 4).  A connection that is not
 * in one of its own callbacks is only marked; lws calls back to act on the marks.
 */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/time.h"
#include "core/json/json.h"
#include "core/sandbox/server/server.h"

#define OUT_CAP       ((size_t)4 << 20)   /* reading pauses while more than this waits to go out */
#define SLOW_READER   ((size_t)16 << 20)  /* a subscriber this far behind is dropped, */
#define SLOW_LEAST    ((size_t)1 << 20)   /* or less far when there are many of them: */
#define SLOW_ALL      ((size_t)256 << 20) /* what all together may have waiting */
#define WRITE_BYTES   ((size_t)65536)
#define ALIVE_AFTER   60 /* seconds of silence until TCP asks whether the other end is there */
#define ALIVE_EVERY   10
#define ALIVE_TRIES   3
#define DRAIN_SECONDS 2
#define NO_TIMER_MS   ((int64_t)86400000)
#define OUT_MAX       ((size_t)2 << 30)
#define SPARE_FILES   16 /* for the database, handlers, and to refuse those that come too many */

int64_t sd_srv_now_ms(const struct server *s)
{
	return sd_now_ms() + s->clock_offset_ms;
}

struct conn *sd_srv_conn(struct server *s, uint64_t id)
{
	size_t slot = (size_t)(id & 0xffff);
	struct conn *c = slot < s->conn_room ? s->conns[slot] : NULL;

	return c && c->id == id ? c : NULL;
}

static size_t free_slot(struct server *s)
{
	size_t was = s->conn_room, room = was ? was * 2 : 64;
	struct conn **p;

	for (size_t i = 0; i < s->conn_room; i++)
		if (!s->conns[i])
			return i;
	if (room > 0xffff)
		return SIZE_MAX;
	p = realloc(s->conns, room * sizeof(struct conn *));
	if (!p)
		return SIZE_MAX;
	memset(p + was, 0, (room - was) * sizeof(struct conn *));
	s->conns = p;
	s->conn_room = room;
	return was;
}

static struct conn *conn_new(struct lws *wsi)
{
	struct server *s = lws_context_user(lws_get_context(wsi));
	size_t slot = free_slot(s);
	struct conn *c = slot == SIZE_MAX ? NULL : calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->s = s;
	c->wsi = wsi;
	s->talk = true;
	c->id = ++s->conn_serial << 16 | slot;
	c->out.cap = OUT_MAX;
	c->held.cap = OUT_MAX;
	sd_hs_init(&c->http);
	s->conns[slot] = c;
	return c;
}

static void conn_free(struct conn *c)
{
	if (c->ws)
		sd_srv_realtime_closed(c);
	c->s->conns[c->id & 0xffff] = NULL;
	sd_wss_free(c->ws);
	sd_hs_release(&c->http);
	sd_buf_release(&c->in);
	sd_buf_release(&c->out);
	sd_buf_release(&c->held);
	free(c->rt.failure);
	sd_srv_dump_free(c->dump);
	free(c);
}

static size_t waiting(const struct conn *c)
{
	return c->out.len - c->out_at;
}

/* How far a subscriber may fall behind. */
static size_t patience(const struct server *s)
{
	size_t each = SLOW_ALL / (s->realtime_count ? s->realtime_count : 1);

	return each > SLOW_READER ? SLOW_READER : each < SLOW_LEAST ? SLOW_LEAST : each;
}

void sd_srv_touch(struct conn *c)
{
	if (!c->stuck_since)
		c->stuck_since = sd_mono_ms();
	if (c->ws && waiting(c) > patience(c->s))
		sd_srv_kill(c, false);
	else
		lws_callback_on_writable(c->wsi);
}

void sd_srv_kill(struct conn *c, bool reset)
{
	if (reset) { /* AF_UNSPEC dissolves the association: the peer sees an RST at once */
		struct sockaddr none = {.sa_family = AF_UNSPEC};
		if (connect(lws_get_socket_fd(c->wsi), &none, sizeof none) != 0)
			sd_log(SD_LOG_DEBUG, "sandbox", "reset: %s", strerror(errno));
	}
	c->kill = true;
	lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

void sd_srv_set_timer(struct conn *c)
{
	int64_t at = c->ws ? sd_srv_realtime_deadline(c) : INT64_MAX, now = sd_mono_ms();

	if (c->release_at && c->release_at < at)
		at = c->release_at;
	if (c->request_by && c->request_by < at)
		at = c->request_by;
	/* lws 4.1 takes LWS_SET_TIMER_USEC_CANCEL for a time that is past and calls back at once,
	 * again and again */
	if (at - now > NO_TIMER_MS)
		at = now + NO_TIMER_MS;
	lws_set_timer_usecs(c->wsi, at > now ? (at - now) * 1000 : 1);
}

static int idle_seconds(const struct server *s)
{
	return (int)((s->set.idle_timeout_ms + 999) / 1000);
}

static void set_timeout(struct conn *c)
{
	if (c->kill || c->shut)
		return;
	if (c->ws || c->hang || (c->busy && !c->dump) || c->release_at)
		lws_set_timeout(c->wsi, NO_PENDING_TIMEOUT, 0);
	else
		lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, idle_seconds(c->s));
}

/* One piece of input; false: nothing more can be done with what is there. */
static bool step(struct conn *c)
{
	const char *p = c->in.data + c->in_at;
	size_t n = c->in.len - c->in_at, used;

	if (c->ws) {
		sd_wss_feed(c->ws, p, n);
		c->in_at = c->in.len;
		if (sd_wss_done(c->ws))
			c->closing = true;
		return false;
	}
	used = sd_hs_feed(&c->http, p, n);
	c->in_at += used;
	switch (c->http.state) {
	case SD_HS_ROUTE:
		sd_srv_head(c);
		if (c->http.state == SD_HS_DONE)
			sd_srv_request(c);
		else if (c->http.state == SD_HS_FAILED)
			sd_srv_refuse(c);
		return true;
	case SD_HS_DONE:
		sd_srv_request(c);
		return true;
	case SD_HS_FAILED:
		sd_srv_refuse(c);
		return true;
	default:
		return used > 0;
	}
}

static bool may_step(const struct conn *c)
{
	return !c->closing && !c->drain && !c->kill && !c->hang && !c->busy && !c->release_at &&
	       c->in_at < c->in.len && waiting(c) < OUT_CAP;
}

/* However slowly its bytes drip in, a request has one deadline. */
static void set_deadline(struct conn *c)
{
	bool begun =
		!c->ws && !c->closing &&
		(c->http.state == SD_HS_BODY || (c->http.state == SD_HS_HEAD && c->http.head.len));

	if (begun == (c->request_by != 0))
		return;
	c->request_by = begun ? sd_mono_ms() + c->s->set.request_timeout_ms : 0;
	sd_srv_set_timer(c);
}

static int pump(struct conn *c)
{
	bool full;

	while (may_step(c) && step(c))
		;
	set_deadline(c);
	if (c->kill)
		return -1;
	if (c->drain || c->in_at == c->in.len) {
		sd_buf_reset(&c->in);
		c->in_at = 0;
	} else if (c->in_at > WRITE_BYTES) {
		sd_buf_drop(&c->in, c->in_at);
		c->in_at = 0;
	}
	/* lws closes as soon as it reads the client's end, so nothing is read over an answer: who
	 * ends its side behind a request shall get it all the same */
	full = !c->ws && !c->drain && (c->release_at || c->busy || waiting(c));
	full = full || (!c->drain && c->in.len - c->in_at > WRITE_BYTES &&
			       (c->hang || waiting(c) >= OUT_CAP));
	if (full != c->paused) {
		c->paused = full;
		lws_rx_flow_control(c->wsi, !full);
	}
	if (waiting(c) || c->closing)
		lws_callback_on_writable(c->wsi);
	set_timeout(c);
	return 0;
}

/* Everything is written and no more will come: ends, or waits for the client's end first, because
 * closing over unread input would reset the connection under the answer. */
static int finish(struct conn *c)
{
	if (!c->drain)
		return -1;
	if (!c->shut) {
		c->shut = true;
		shutdown(lws_get_socket_fd(c->wsi), SHUT_WR);
		lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, DRAIN_SECONDS);
	}
	return 0;
}

static int writeable(struct conn *c)
{
	size_t n = waiting(c) < WRITE_BYTES ? waiting(c) : WRITE_BYTES;

	if (c->kill)
		return -1;
	if (n && !c->shut) {
		int sent = lws_write(
			c->wsi, (unsigned char *)c->out.data + c->out_at, n, LWS_WRITE_RAW);
		if (sent < 0)
			return -1;
		c->out_at += n;
		c->stuck_since = sd_mono_ms();
	}
	if (!waiting(c)) {
		c->stuck_since = 0;
		if (c->out.room > OUT_CAP)
			sd_buf_release(&c->out);
		sd_buf_reset(&c->out);
		c->out_at = 0;
		if (c->dump)
			sd_srv_dump_more(c);
		if (c->ws && sd_wss_done(c->ws))
			c->closing = true;
	}
	if (!waiting(c)) {
		if (c->closing)
			return finish(c);
	}
	return pump(c);
}

static int timer(struct conn *c)
{
	int64_t now = sd_mono_ms();

	if (c->release_at && now >= c->release_at) {
		c->release_at = 0;
		sd_buf_add(&c->out, c->held.data, c->held.len);
		sd_buf_release(&c->held);
	}
	if (c->request_by && now >= c->request_by) {
		c->request_by = 0;
		sd_srv_too_slow(c);
	}
	if (c->ws && waiting(c) && c->stuck_since &&
		now - c->stuck_since > c->s->set.idle_timeout_ms)
		return -1; /* it takes nothing, or is gone without a word */
	if (c->ws)
		sd_srv_realtime_due(c, now);
	sd_srv_set_timer(c);
	return pump(c);
}

static int received(struct conn *c, const void *p, size_t n)
{
	if (c->drain || c->closing)
		return 0;
	c->s->talk = true;
	if (!sd_buf_add(&c->in, p, n))
		return -1;
	return pump(c);
}

/*
 * Whether this one may come in.  Without a descriptor left, accept() fails and poll() reports the
 * one that waits again at once: the loop would spin.  So the last few are kept free, and who comes
 * then is hung up on.  The limit is asked each time, it can be lowered from outside.
 */
static bool room_for(int fd)
{
	struct rlimit r;

	return getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur == RLIM_INFINITY ||
	       (rlim_t)fd + SPARE_FILES < r.rlim_cur;
}

static int front_cb(
	struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct conn **slot = user, *c = slot ? *slot : NULL;

	switch (reason) {
	case LWS_CALLBACK_FILTER_NETWORK_CONNECTION: /* `in` is the descriptor itself */
		return room_for((int)(intptr_t)in) ? 0 : 1;
	case LWS_CALLBACK_RAW_ADOPT:
		if (!slot || !(*slot = conn_new(wsi)))
			return -1;
		lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, idle_seconds((*slot)->s));
		return 0;
	case LWS_CALLBACK_RAW_RX:
		return c ? received(c, in, len) : -1;
	case LWS_CALLBACK_RAW_WRITEABLE:
		return c ? writeable(c) : -1;
	case LWS_CALLBACK_TIMER:
		return c ? timer(c) : 0;
	case LWS_CALLBACK_RAW_CLOSE:
		if (c)
			conn_free(c);
		if (slot)
			*slot = NULL;
		return 0;
	default:
		return 0;
	}
}

static const struct lws_protocols FRONT[] = {
	{"sd-front", front_cb, sizeof(struct conn *), WRITE_BYTES, 0, NULL, 0},
	{NULL, NULL, 0, 0, 0, NULL, 0},
};

/* lws waits in silence for an address that is not there (yet), so it is tried first. */
static enum sd_err try_address(const char *host, struct sd_error *e)
{
	struct addrinfo hint = {
		.ai_flags = AI_NUMERICHOST | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
	struct addrinfo *a = NULL;
	int fd, rc = -1;

	if (getaddrinfo(host, NULL, &hint, &a) != 0)
		return sd_fail(e, SD_INVAL, 0,
			"--host %s: an address is needed, such as 127.0.0.1 or 0.0.0.0", host);
	fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		rc = bind(fd, a->ai_addr, a->ai_addrlen);
	if (rc != 0)
		sd_fail(e, SD_IO, errno, "--host %s: %s", host, strerror(errno));
	if (fd >= 0)
		close(fd);
	freeaddrinfo(a);
	return rc == 0 ? SD_OK : SD_IO;
}

enum sd_err sd_srv_listen(struct server *s, struct sd_error *e)
{
	struct lws_context_creation_info i;
	const char *host = s->o->host ? s->o->host : "127.0.0.1";
	enum sd_err rc;

	if (strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	rc = try_address(host, e);
	if (rc != SD_OK)
		return rc;
	memset(&i, 0, sizeof i);
	i.port = s->o->port;
	i.iface = host;
	i.vhost_name = "front";
	i.protocols = FRONT;
	i.listen_accept_role = "raw-skt";
	i.listen_accept_protocol = "sd-front";
	i.ka_time = ALIVE_AFTER;
	i.ka_interval = ALIVE_EVERY;
	i.ka_probes = ALIVE_TRIES;
	i.options = LWS_SERVER_OPTION_ADOPT_APPLY_LISTEN_ACCEPT_CONFIG;
	if (!strchr(host, ':'))
		i.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
	if (s->cert.len) {
		i.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
		i.alpn = "http/1.1"; /* NULL would offer h2 */
		i.server_ssl_cert_mem = s->cert.data;
		i.server_ssl_cert_mem_len = (unsigned)s->cert.len;
		i.server_ssl_private_key_mem = s->cert_key.data;
		i.server_ssl_private_key_mem_len = (unsigned)s->cert_key.len;
	}
	s->front = lws_create_vhost(s->lws, &i);
	if (!s->front)
		return sd_fail(e, SD_IO, 0,
			"sandbox: cannot listen on %s port %d; is it in use? --port 0 takes a free "
			"one",
			host, s->o->port);
	s->port = lws_get_vhost_listen_port(s->front);
	return SD_OK;
}
