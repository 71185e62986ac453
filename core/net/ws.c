/*
 * core/net/ws.c - the WebSocket client over lws.
 *
 * An attempt ends in one of four ways (design/lws.md 5); all of them come out as one `closed`.
 * Names are looked up on a helper thread, because lws 4.1.6 would block the loop with it.
 */
#include "core/net/internal.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

struct message {
	struct message *next;
	size_t len;
	unsigned char data[]; /* LWS_PRE bytes in front */
};

struct sd_ws_conn {
	struct sd_ws_conn *next;
	struct sd_loop *loop;
	uint64_t id;
	struct lws *wsi; /* borrowed; NULL before and after */
	char *host, *path, *protocol;
	char address[64]; /* numeric */
	int port;
	bool tls, established, closing, told;
	int close_code; /* ours, when closing */
	int peer_code;  /* theirs */
	char reason[160];
	struct message *out, **out_tail;
	struct sd_buf in;
	const struct sd_ws_events *ev;
	void *ctx;
};

/* A name being looked up.  Two references: the helper thread's and the loop's. */
struct sd_resolve {
	struct sd_resolve *next;
	pthread_mutex_t lock;
	struct sd_loop *loop; /* NULL: the loop is gone */
	uint64_t id;
	char *host;
	char address[64], failure[128];
	bool done;
	atomic_int refs;
};

static void resolve_drop(struct sd_resolve *r)
{
	if (atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r->host);
	free(r);
}

static bool look_up(const char *host, int flags, char address[64], char *why, size_t room)
{
	struct addrinfo hint = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
	struct addrinfo *list = NULL, *best;
	int rc = getaddrinfo(host, NULL, &hint, &list);

	if (rc) {
		snprintf(why, room, "could not resolve host %s: %s", host, gai_strerror(rc));
		return false;
	}
	best = list;
	for (struct addrinfo *a = list; a; a = a->ai_next) { /* IPv4 first: lws is told not v6 */
		if (a->ai_family == AF_INET) {
			best = a;
			break;
		}
	}
	rc = getnameinfo(best->ai_addr, best->ai_addrlen, address, 64, NULL, 0, NI_NUMERICHOST);
	freeaddrinfo(list);
	if (rc)
		snprintf(why, room, "could not resolve host %s", host);
	return rc == 0;
}

static void *resolve_thread(void *arg)
{
	struct sd_resolve *r = arg;
	char address[64] = "", why[128] = "";

	look_up(r->host, 0, address, why, sizeof why);
	pthread_mutex_lock(&r->lock);
	memcpy(r->address, address, sizeof address);
	memcpy(r->failure, why, sizeof why);
	r->done = true;
	if (r->loop)
		lws_cancel_service(r->loop->ctx);
	pthread_mutex_unlock(&r->lock);
	resolve_drop(r);
	return NULL;
}

static struct sd_ws_conn *find(struct sd_loop *l, uint64_t id)
{
	for (struct sd_ws_conn *c = l->conns; c; c = c->next)
		if (c->id == id)
			return c;
	return NULL;
}

static void conn_free(struct sd_ws_conn *c)
{
	while (c->out) {
		struct message *m = c->out;
		c->out = m->next;
		free(m);
	}
	sd_buf_release(&c->in);
	free(c->host);
	free(c->path);
	free(c->protocol);
	free(c);
}

/* Out of the list, told once, freed.  c is gone after. */
static void finish(struct sd_ws_conn *c, int status)
{
	struct sd_loop *l = c->loop;

	for (struct sd_ws_conn **p = &l->conns; *p; p = &(*p)->next) {
		if (*p == c) {
			*p = c->next;
			break;
		}
	}
	if (c->wsi)
		lws_set_wsi_user(c->wsi, NULL);
	c->ev->closed(c->ctx, c->id, c->peer_code, status, c->reason);
	conn_free(c);
}

static void connect_now(struct sd_ws_conn *c)
{
	struct lws_client_connect_info i;
	char host[300];

	snprintf(host, sizeof host, "%s:%d", c->host, c->port);
	memset(&i, 0, sizeof i);
	i.context = c->loop->ctx;
	i.vhost = c->loop->vhost;
	i.address = c->address;
	i.port = c->port;
	i.path = c->path;
	i.host = (c->tls && c->port == 443) || (!c->tls && c->port == 80) ? c->host : host;
	i.origin = c->host;
	i.protocol = c->protocol;
	i.local_protocol_name = "graphql-ws";
	i.alpn = "http/1.1";
	i.ssl_connection = c->tls ? LCCSCF_USE_SSL : 0;
	i.userdata = c;
	i.pwsi = &c->wsi;
	/* on failure lws may already have called back and freed c: look it up again */
	uint64_t id = c->id;
	struct sd_loop *l = c->loop;
	if (!lws_client_connect_via_info(&i) && (c = find(l, id))) {
		c->wsi = NULL;
		if (!c->reason[0])
			snprintf(c->reason, sizeof c->reason, "could not connect to %s", host);
		finish(c, 0);
	}
}

void sd_ws_resolved(struct sd_loop *l)
{
	for (struct sd_resolve **p = &l->resolves; *p;) {
		struct sd_resolve *r = *p;
		struct sd_ws_conn *c;
		bool done;

		pthread_mutex_lock(&r->lock);
		done = r->done;
		pthread_mutex_unlock(&r->lock);
		if (!done) {
			p = &r->next;
			continue;
		}
		*p = r->next;
		c = find(l, r->id);
		if (c && c->closing) {
			finish(c, 0);
		} else if (c && !r->address[0]) {
			snprintf(c->reason, sizeof c->reason, "%s", r->failure);
			finish(c, 0);
		} else if (c) {
			memcpy(c->address, r->address, sizeof c->address);
			connect_now(c);
		}
		resolve_drop(r);
		p = &l->resolves; /* callbacks may have changed the list */
	}
}

static bool resolve_start(struct sd_ws_conn *c)
{
	struct sd_resolve *r = calloc(1, sizeof *r);
	pthread_attr_t attr;
	pthread_t t;
	int rc;

	if (!r)
		return false;
	pthread_mutex_init(&r->lock, NULL);
	atomic_init(&r->refs, 2);
	r->loop = c->loop;
	r->id = c->id;
	r->host = strdup(c->host);
	/* an address needs no thread, but the callback must not come inside sd_ws_open() */
	if (look_up(c->host, AI_NUMERICHOST, r->address, r->failure, sizeof r->failure)) {
		r->done = true;
		resolve_drop(r);
		lws_cancel_service(c->loop->ctx);
	} else {
		r->failure[0] = '\0';
		pthread_attr_init(&attr);
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		rc = pthread_create(&t, &attr, resolve_thread, r);
		pthread_attr_destroy(&attr);
		if (rc) {
			resolve_drop(r);
			resolve_drop(r);
			return false;
		}
	}
	r->next = c->loop->resolves;
	c->loop->resolves = r;
	return true;
}

/* ws[s]://host[:port][/path] */
static bool split_url(struct sd_ws_conn *c, const char *url)
{
	const char *host, *end, *colon = NULL;
	int64_t port;

	c->tls = sd_str_starts(url, "wss://");
	if (!c->tls && !sd_str_starts(url, "ws://"))
		return false;
	host = url + (c->tls ? 6 : 5);
	end = host + strcspn(host, "/?#");
	if (*host == '[') { /* [::1]:443 */
		const char *close = memchr(host, ']', (size_t)(end - host));
		if (!close)
			return false;
		c->host = sd_strdup_n(host + 1, (size_t)(close - host - 1));
		colon = close + 1 < end && close[1] == ':' ? close + 1 : NULL;
	} else {
		colon = memchr(host, ':', (size_t)(end - host));
		c->host = sd_strdup_n(host, (size_t)((colon ? colon : end) - host));
	}
	c->port = c->tls ? 443 : 80;
	if (colon) {
		char digits[8] = "";
		size_t n = (size_t)(end - colon - 1);
		if (n == 0 || n >= sizeof digits)
			return false;
		memcpy(digits, colon + 1, n);
		if (!sd_parse_i64(digits, &port) || port < 1 || port > 65535)
			return false;
		c->port = (int)port;
	}
	c->path = strdup(*end == '/' ? end : "/");
	return c->host && c->path && *c->host;
}

enum sd_err sd_ws_open(struct sd_loop *l, uint64_t id, const char *url, const char *protocol,
	const struct sd_ws_events *ev, void *ctx, struct sd_error *e)
{
	struct sd_ws_conn *c = calloc(1, sizeof *c);
	enum sd_err rc = SD_OK;

	if (!c)
		return sd_fail(e, SD_NOMEM, 0, "realtime: out of memory");
	c->loop = l;
	c->id = id;
	c->ev = ev;
	c->ctx = ctx;
	c->out_tail = &c->out;
	sd_buf_init(&c->in, SD_WS_MAX_MESSAGE);
	c->protocol = strdup(protocol);
	if (!c->protocol || !split_url(c, url))
		rc = sd_fail(e, SD_INVAL, 0, /* the query may hold credentials */
			"realtime address %.*s: not a ws:// or wss:// URL", (int)strcspn(url, "?"),
			url);
	else if (strlen(c->path) > SD_WS_MAX_PATH)
		rc = sd_fail(e, SD_INVAL, 0, "realtime address: path of %zu bytes is too long",
			strlen(c->path));
	else if (!resolve_start(c))
		rc = sd_fail(e, SD_NOMEM, 0, "realtime: no thread to look up %s", c->host);
	if (rc != SD_OK) {
		conn_free(c);
		return rc;
	}
	c->next = l->conns;
	l->conns = c;
	return SD_OK;
}

enum sd_err sd_ws_send(struct sd_loop *l, uint64_t id, const char *p, size_t n, struct sd_error *e)
{
	struct sd_ws_conn *c = find(l, id);
	struct message *m;

	if (!c || c->closing)
		return SD_OK;
	m = malloc(sizeof *m + LWS_PRE + n);
	if (!m)
		return sd_fail(e, SD_NOMEM, 0, "realtime: out of memory");
	m->next = NULL;
	m->len = n;
	memcpy(m->data + LWS_PRE, p, n);
	*c->out_tail = m;
	c->out_tail = &m->next;
	if (c->established)
		lws_callback_on_writable(c->wsi);
	return SD_OK;
}

void sd_ws_close(struct sd_loop *l, uint64_t id, int code)
{
	struct sd_ws_conn *c = find(l, id);

	if (!c || c->closing)
		return;
	c->closing = true;
	c->close_code = code;
	if (c->established)
		lws_callback_on_writable(c->wsi);
	else if (c->wsi)
		lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
	/* else the name is being looked up: sd_ws_resolved() ends it */
}

static int writeable(struct sd_ws_conn *c)
{
	struct message *m = c->out;

	if (c->closing) {
		lws_close_reason(c->wsi, (enum lws_close_status)c->close_code, NULL, 0);
		return -1;
	}
	if (!m)
		return 0;
	if (lws_write(c->wsi, m->data + LWS_PRE, m->len, LWS_WRITE_TEXT) < (int)m->len)
		return -1;
	c->out = m->next;
	if (!c->out)
		c->out_tail = &c->out;
	free(m);
	if (c->out)
		lws_callback_on_writable(c->wsi);
	return 0;
}

static int receive(struct sd_ws_conn *c, const char *in, size_t len)
{
	size_t rest = lws_remaining_packet_payload(c->wsi);

	/* a length that is only promised counts too: nobody waits for it to come true */
	if (rest > SD_WS_MAX_MESSAGE || !sd_buf_add(&c->in, in, len)) {
		snprintf(c->reason, sizeof c->reason, "a message larger than 4 MiB came");
		return -1;
	}
	if (!lws_is_final_fragment(c->wsi) || rest)
		return 0;
	if (!c->closing)
		c->ev->text(c->ctx, c->id, sd_buf_text(&c->in), c->in.len);
	sd_buf_reset(&c->in);
	return 0;
}

static void peer_close(struct sd_ws_conn *c, const unsigned char *in, size_t len)
{
	if (len < 2)
		return;
	c->peer_code = in[0] << 8 | in[1];
	len = len - 2 < sizeof c->reason - 1 ? len - 2 : sizeof c->reason - 1;
	memcpy(c->reason, in + 2, len);
	c->reason[len] = '\0';
}

int sd_ws_callback(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in, size_t len)
{
	struct sd_ws_conn *c = user;

	if (!c)
		return why == LWS_CALLBACK_CLIENT_WRITEABLE || why == LWS_CALLBACK_CLIENT_RECEIVE
			       ? -1
			       : 0;
	switch (why) {
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		c->wsi = wsi;
		c->established = true;
		if (!c->closing)
			c->ev->opened(c->ctx, c->id);
		lws_callback_on_writable(wsi);
		return 0;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return writeable(c);
	case LWS_CALLBACK_CLIENT_RECEIVE:
		return receive(c, in, len);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		peer_close(c, in, len);
		return 0;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		snprintf(c->reason, sizeof c->reason, "%.*s", in ? (int)len : 17,
			in ? (const char *)in : "could not connect");
		c->wsi = wsi;
		finish(c, (int)lws_http_client_http_response(wsi));
		return 0;
	case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
	case LWS_CALLBACK_CLIENT_CLOSED:
	case LWS_CALLBACK_WSI_DESTROY:
		c->wsi = wsi;
		if (!c->reason[0])
			snprintf(c->reason, sizeof c->reason, "%s",
				c->established ? "connection lost" : "no answer");
		finish(c, 0);
		return 0;
	default:
		return 0;
	}
}

void sd_ws_loop_release(struct sd_loop *l)
{
	while (l->resolves) {
		struct sd_resolve *r = l->resolves;
		l->resolves = r->next;
		pthread_mutex_lock(&r->lock);
		r->loop = NULL;
		pthread_mutex_unlock(&r->lock);
		resolve_drop(r);
	}
	while (l->conns) { /* no callbacks any more */
		struct sd_ws_conn *c = l->conns;
		l->conns = c->next;
		if (c->wsi) {
			lws_set_wsi_user(c->wsi, NULL);
			lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
		}
		conn_free(c);
	}
}
