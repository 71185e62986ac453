/* core/sandbox/server/ws.c - see ws.h. */
#include "core/sandbox/server/ws.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <wslay/wslay.h>

#include "core/base/text.h"

struct sd_wss {
	wslay_frame_context_ptr frames; /* owned */
	struct sd_buf *out;             /* borrowed */
	const struct sd_wss_events *ev;
	void *ctx;
	const char *in; /* what feed() was given and frames has not read yet */
	size_t in_len;
	struct sd_buf message, control;
	int opcode;    /* of the message in the making; 0: none */
	uint64_t left; /* payload bytes of the current frame still to come */
	bool inside;   /* a frame has begun */
	bool sent_close, got_close, broken;
	int peer_code;
};

static ssize_t read_in(uint8_t *buf, size_t len, int flags, void *user)
{
	struct sd_wss *w = user;
	size_t n = len < w->in_len ? len : w->in_len;

	(void)flags;
	if (!n)
		return -1; /* wslay: nothing there */
	memcpy(buf, w->in, n);
	w->in += n;
	w->in_len -= n;
	return (ssize_t)n;
}

static ssize_t write_out(const uint8_t *data, size_t len, int flags, void *user)
{
	struct sd_wss *w = user;

	(void)flags;
	return sd_buf_add(w->out, data, len) ? (ssize_t)len : -1;
}

struct sd_wss *sd_wss_new(struct sd_buf *out, const struct sd_wss_events *ev, void *ctx)
{
	static const struct wslay_frame_callbacks cb = {
		.send_callback = write_out, .recv_callback = read_in};
	struct sd_wss *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	w->out = out;
	w->ev = ev;
	w->ctx = ctx;
	sd_buf_init(&w->message, SD_WSS_MESSAGE_MAX + 1);
	sd_buf_init(&w->control, 126);
	if (wslay_frame_context_init(&w->frames, &cb, w) != 0) {
		free(w);
		return NULL;
	}
	return w;
}

void sd_wss_free(struct sd_wss *w)
{
	if (!w)
		return;
	wslay_frame_context_free(w->frames);
	sd_buf_release(&w->message);
	sd_buf_release(&w->control);
	free(w);
}

static bool send_frame(struct sd_wss *w, int opcode, const void *p, size_t n)
{
	struct wslay_frame_iocb f = {.fin = 1,
		.opcode = (uint8_t)opcode,
		.payload_length = n,
		.data = p,
		.data_length = n};

	return wslay_frame_send(w->frames, &f) == (ssize_t)n && sd_buf_ok(w->out);
}

bool sd_wss_text(struct sd_wss *w, const char *p, size_t n)
{
	return !w->sent_close && send_frame(w, WSLAY_TEXT_FRAME, p, n);
}

bool sd_wss_ping(struct sd_wss *w)
{
	return !w->sent_close && send_frame(w, WSLAY_PING, "", 0);
}

void sd_wss_close(struct sd_wss *w, int code, const char *reason)
{
	char p[125];
	size_t n = reason ? strlen(reason) : 0;

	if (w->sent_close)
		return;
	if (n > sizeof p - 2)
		n = sd_utf8_cut(reason, n, sizeof p - 2);
	p[0] = (char)(code >> 8);
	p[1] = (char)code;
	if (n)
		memcpy(p + 2, reason, n);
	if (!send_frame(w, WSLAY_CONNECTION_CLOSE, p, code ? n + 2 : 0))
		w->broken = true;
	w->sent_close = true;
}

static void violation(struct sd_wss *w, int code, const char *why)
{
	sd_wss_close(w, code, why);
	w->broken = true;
}

static bool code_allowed(int code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
	       (code >= 3000 && code <= 4999);
}

static void on_close(struct sd_wss *w)
{
	const unsigned char *p = (const unsigned char *)sd_buf_text(&w->control);
	size_t n = w->control.len;
	int code = n >= 2 ? p[0] << 8 | p[1] : 0;

	if (n == 1 || (n && !code_allowed(code))) {
		violation(w, 1002, "bad close code");
		return;
	}
	if (n > 2 && !sd_utf8_valid((const char *)p + 2, n - 2)) {
		violation(w, 1007, "close reason is not UTF-8");
		return;
	}
	w->got_close = true;
	w->peer_code = code;
	sd_wss_close(w, code, NULL);
}

static void on_control(struct sd_wss *w, int opcode)
{
	if (opcode == WSLAY_CONNECTION_CLOSE) {
		on_close(w);
	} else if (opcode == WSLAY_PING) {
		if (!w->sent_close)
			send_frame(w, WSLAY_PONG, sd_buf_text(&w->control), w->control.len);
	} else if (w->ev->pong) {
		w->ev->pong(w->ctx);
	}
	sd_buf_reset(&w->control);
}

static void on_message(struct sd_wss *w)
{
	bool valid = sd_utf8_valid(sd_buf_text(&w->message), w->message.len);

	w->opcode = 0;
	if (!valid)
		violation(w, 1007, "the message is not UTF-8");
	else if (!w->sent_close)
		w->ev->text(w->ctx, sd_buf_text(&w->message), w->message.len);
	if (w->message.room > 65536) /* one large message does not hold its memory */
		sd_buf_release(&w->message);
	sd_buf_reset(&w->message);
}

/* The first piece of a frame: what its head may not say. */
static bool begin(struct sd_wss *w, const struct wslay_frame_iocb *f)
{
	bool control = wslay_is_ctrl_frame(f->opcode);

	w->inside = true;
	w->left = f->payload_length;
	if (!f->mask)
		violation(w, 1002, "client frames must be masked");
	else if (f->rsv)
		violation(w, 1002, "reserved bits are set");
	else if (f->opcode == WSLAY_BINARY_FRAME)
		violation(w, 1003, "text messages only");
	else if (control && f->opcode > WSLAY_PONG)
		violation(w, 1002, "unknown opcode");
	else if (control && (!f->fin || f->payload_length > 125))
		violation(w, 1002, "bad control frame");
	else if (!control && f->opcode > WSLAY_BINARY_FRAME)
		violation(w, 1002, "unknown opcode");
	else if (!control && (f->opcode == WSLAY_CONTINUATION_FRAME) != (w->opcode != 0))
		violation(w, 1002, "fragments out of order");
	else if (!control && f->payload_length > SD_WSS_MESSAGE_MAX - w->message.len)
		violation(w, 1009, "the message is too large");
	if (!control && !w->broken)
		w->opcode = WSLAY_TEXT_FRAME;
	return !w->broken;
}

static void piece(struct sd_wss *w, const struct wslay_frame_iocb *f)
{
	bool control = wslay_is_ctrl_frame(f->opcode);

	if (!w->inside && !begin(w, f))
		return;
	if (!sd_buf_add(control ? &w->control : &w->message, f->data, f->data_length)) {
		violation(w, 1011, "out of memory");
		return;
	}
	w->left -= f->data_length;
	if (w->left)
		return;
	w->inside = false;
	if (control)
		on_control(w, f->opcode);
	else if (f->fin)
		on_message(w);
}

void sd_wss_feed(struct sd_wss *w, const char *p, size_t n)
{
	w->in = p;
	w->in_len = n;
	while (!w->broken && !w->got_close) {
		struct wslay_frame_iocb f;
		ssize_t rc;

		memset(&f, 0, sizeof f);
		rc = wslay_frame_recv(w->frames, &f);
		if (rc == WSLAY_ERR_WANT_READ)
			break;
		if (rc < 0)
			violation(w, 1002, "malformed frame");
		else
			piece(w, &f);
	}
	w->in = NULL;
	w->in_len = 0;
}

bool sd_wss_done(const struct sd_wss *w)
{
	return w->broken || (w->sent_close && w->got_close);
}

bool sd_wss_closing(const struct sd_wss *w)
{
	return w->sent_close;
}

int sd_wss_peer_code(const struct sd_wss *w)
{
	return w->peer_code;
}
