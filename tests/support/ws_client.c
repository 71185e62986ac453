/* tests/support/ws_client.c - see ws_client.h. */
#include "tests/support/ws_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/time.h"

struct sd_test_ws {
	int fd, code;
	struct sd_buf in, head;
};

int sd_test_connect(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0)
		abort();
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

/* More bytes into b; 1: some came, 0: the end, -1: time is up. */
static int more(int fd, struct sd_buf *b, int64_t until)
{
	struct pollfd p = {fd, POLLIN, 0};
	int64_t wait = until - sd_mono_ms();
	char piece[65536];
	ssize_t n;

	if (poll(&p, 1, wait > 0 ? (int)wait : 0) <= 0)
		return -1;
	n = read(fd, piece, sizeof piece);
	if (n <= 0)
		return 0;
	sd_buf_add(b, piece, (size_t)n);
	return 1;
}

char *sd_test_read_all(int fd, int ms)
{
	struct sd_buf b = SD_BUF_INIT;
	int64_t until = sd_mono_ms() + ms;

	while (more(fd, &b, until) > 0)
		;
	return sd_buf_take(&b);
}

static void send_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
		if (k <= 0)
			return;
		p += k;
		n -= (size_t)k;
	}
}

struct sd_test_ws *sd_test_ws_open(
	int port, const char *path, const char *protocol, const char *headers, int *status)
{
	struct sd_test_ws *w = calloc(1, sizeof *w);
	struct sd_buf b = SD_BUF_INIT;
	int64_t until = sd_mono_ms() + SD_TEST_SOON;
	const char *end = NULL;

	w->fd = sd_test_connect(port);
	sd_buf_fmt(&b,
		"GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: "
		"Upgrade\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s",
		path, port, headers);
	if (protocol)
		sd_buf_fmt(&b, "Sec-WebSocket-Protocol: %s\r\n", protocol);
	sd_buf_str(&b, "\r\n");
	send_all(w->fd, b.data, b.len);
	sd_buf_release(&b);
	while (!(end = strstr(sd_buf_text(&w->in), "\r\n\r\n")) && more(w->fd, &w->in, until) > 0)
		;
	*status = end && w->in.len > 12 ? (int)strtol(w->in.data + 9, NULL, 10) : 0;
	if (*status != 101) {
		sd_test_ws_free(w);
		return NULL;
	}
	sd_buf_add(&w->head, w->in.data, (size_t)(end - w->in.data) + 4);
	sd_buf_drop(&w->in, w->head.len);
	return w;
}

const char *sd_test_ws_head(const struct sd_test_ws *w)
{
	return sd_buf_text(&w->head);
}

void sd_test_ws_raw(struct sd_test_ws *w, const void *p, size_t n)
{
	send_all(w->fd, p, n);
}

static void send_frame(struct sd_test_ws *w, int first, const char *p, size_t n)
{
	static const char key[4] = {0x37, (char)0xfa, 0x21, 0x3d};
	struct sd_buf b = SD_BUF_INIT;

	sd_buf_ch(&b, (char)first);
	if (n < 126) {
		sd_buf_ch(&b, (char)(0x80 | n));
	} else if (n < 65536) {
		sd_buf_ch(&b, (char)(0x80 | 126));
		sd_buf_ch(&b, (char)(n >> 8));
		sd_buf_ch(&b, (char)n);
	} else {
		sd_buf_ch(&b, (char)(0x80 | 127));
		for (int i = 56; i >= 0; i -= 8)
			sd_buf_ch(&b, (char)((uint64_t)n >> i));
	}
	sd_buf_add(&b, key, 4);
	for (size_t i = 0; i < n; i++)
		sd_buf_ch(&b, (char)(p[i] ^ key[i % 4]));
	send_all(w->fd, b.data, b.len);
	sd_buf_release(&b);
}

void sd_test_ws_send(struct sd_test_ws *w, const char *text)
{
	send_frame(w, 0x81, text, strlen(text));
}

/* One whole frame at the front of in: its payload's place; false: not there yet. */
static bool whole(const struct sd_test_ws *w, int *first, size_t *at, size_t *n)
{
	const unsigned char *p = (const unsigned char *)w->in.data;

	if (w->in.len < 2)
		return false;
	*first = p[0];
	*n = p[1];
	*at = 2;
	if (*n == 126 || *n == 127) {
		size_t bytes = *n == 126 ? 2 : 8;
		if (w->in.len < 2 + bytes)
			return false;
		*n = 0;
		for (size_t i = 0; i < bytes; i++)
			*n = *n << 8 | p[2 + i];
		*at = 2 + bytes;
	}
	return w->in.len >= *at + *n;
}

char *sd_test_ws_next(struct sd_test_ws *w, int ms)
{
	int64_t until = sd_mono_ms() + ms;
	int first;
	size_t at, n;

	while (!w->code) {
		int rc;
		if (whole(w, &first, &at, &n)) {
			char *text = first == 0x81 ? strndup(w->in.data + at, n) : NULL;
			const unsigned char *p = (const unsigned char *)w->in.data + at;
			if (first == 0x88)
				w->code = n >= 2 ? p[0] << 8 | p[1] : 1005;
			sd_buf_drop(&w->in, at + n);
			if (text)
				return text;
			continue;
		}
		rc = more(w->fd, &w->in, until);
		if (rc == 0)
			w->code = 1006;
		if (rc <= 0)
			break;
	}
	return NULL;
}

char *sd_test_ws_expect(struct sd_test_ws *w, const char *type, int ms)
{
	int64_t until = sd_mono_ms() + ms;
	char want[100], *text;

	snprintf(want, sizeof want, "\"type\":\"%s\"", type);
	while ((text = sd_test_ws_next(w, (int)(until - sd_mono_ms())))) {
		if (strstr(text, want))
			return text;
		if (!strstr(text, "\"type\":\"ka\"")) {
			fprintf(stderr, "waited for %s, got %s\n", type, text);
			free(text);
			return NULL;
		}
		free(text);
	}
	return NULL;
}

int sd_test_ws_code(const struct sd_test_ws *w)
{
	return w->code;
}

int sd_test_ws_end(struct sd_test_ws *w, int ms)
{
	int64_t until = sd_mono_ms() + ms;

	while (!w->code && sd_mono_ms() < until)
		free(sd_test_ws_next(w, (int)(until - sd_mono_ms())));
	return w->code;
}

void sd_test_ws_close(struct sd_test_ws *w)
{
	send_frame(w, 0x88, "\x03\xe8", 2);
	sd_test_ws_end(w, SD_TEST_SOON);
	sd_test_ws_free(w);
}

void sd_test_ws_free(struct sd_test_ws *w)
{
	close(w->fd);
	sd_buf_release(&w->in);
	sd_buf_release(&w->head);
	free(w);
}
