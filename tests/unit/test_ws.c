/* tests/unit/test_ws.c - WebSocket frames and upgrade of the local backend, sans IO. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/sandbox/server/ws.h"

struct peer {
	struct sd_buf out, in; /* in: frames of the client */
	struct sd_wss *w;
	struct sd_buf told; /* messages, joined by '|' */
	int pongs;
};

static void on_text(void *ctx, const char *p, size_t n)
{
	struct peer *x = ctx;

	sd_buf_add(&x->told, p, n);
	sd_buf_ch(&x->told, '|');
}

static void on_pong(void *ctx)
{
	((struct peer *)ctx)->pongs++;
}

static const struct sd_wss_events EVENTS = {on_text, on_pong};

static void open_peer(struct peer *p)
{
	memset(p, 0, sizeof *p);
	p->w = sd_wss_new(&p->out, &EVENTS, p);
	assert_non_null(p->w);
}

static void close_peer(struct peer *p)
{
	sd_wss_free(p->w);
	sd_buf_release(&p->out);
	sd_buf_release(&p->in);
	sd_buf_release(&p->told);
}

/* first: FIN, RSV and opcode bits; mask_bit 0x80 or 0 */
static void frame(struct sd_buf *b, int first, int mask_bit, const void *payload, size_t n)
{
	static const unsigned char key[4] = {0x12, 0x34, 0x56, 0x78};
	const unsigned char *p = payload;

	sd_buf_ch(b, (char)first);
	if (n < 126) {
		sd_buf_ch(b, (char)(mask_bit | (int)n));
	} else if (n < 65536) {
		sd_buf_ch(b, (char)(mask_bit | 126));
		sd_buf_ch(b, (char)(n >> 8));
		sd_buf_ch(b, (char)n);
	} else {
		sd_buf_ch(b, (char)(mask_bit | 127));
		for (int i = 56; i >= 0; i -= 8)
			sd_buf_ch(b, (char)((uint64_t)n >> i));
	}
	if (mask_bit)
		sd_buf_add(b, key, 4);
	for (size_t i = 0; i < n; i++)
		sd_buf_ch(b, (char)(mask_bit ? p[i] ^ key[i % 4] : p[i]));
}

static void feed(struct peer *p, size_t piece)
{
	for (size_t at = 0; at < p->in.len; at += piece)
		sd_wss_feed(p->w, p->in.data + at, at + piece < p->in.len ? piece : p->in.len - at);
	sd_buf_reset(&p->in);
}

/* The close code of the last frame sent by the server; -1: it was no close frame. */
static int sent_code(const struct peer *p)
{
	const unsigned char *b = (const unsigned char *)p->out.data;

	for (size_t at = 0; at + 2 <= p->out.len;) {
		size_t n = b[at + 1], head = 2;
		if (n == 126) {
			n = (size_t)b[at + 2] << 8 | b[at + 3];
			head = 4;
		}
		if (b[at] == 0x88)
			return n >= 2 ? b[at + head] << 8 | b[at + head + 1] : 0;
		at += head + n;
	}
	return -1;
}

static void fragments_with_a_ping_between_are_joined(void **st)
{
	struct peer p;

	(void)st;
	for (size_t piece = 1; piece < 60; piece++) {
		open_peer(&p);
		frame(&p.in, 0x01, 0x80, "Hel", 3);
		frame(&p.in, 0x89, 0x80, "beat", 4);
		frame(&p.in, 0x00, 0x80, "lo ", 3);
		frame(&p.in, 0x8a, 0x80, "", 0);
		frame(&p.in, 0x80, 0x80, "w\xc3\xb6rld", 6);
		frame(&p.in, 0x81, 0x80, "", 0);
		frame(&p.in, 0x81, 0x80, "next", 4);
		feed(&p, piece);
		assert_string_equal(sd_buf_text(&p.told), "Hello w\xc3\xb6rld||next|");
		assert_int_equal(p.out.len, 6); /* one pong with the ping's payload */
		assert_memory_equal(p.out.data,
			"\x8a\x04"
			"beat",
			6);
		assert_int_equal(p.pongs, 1);
		assert_false(sd_wss_done(p.w));
		close_peer(&p);
	}
}

static void expect_close(int first, int mask, const void *payload, size_t n, int code)
{
	struct peer p;

	for (int piece = 1; piece < 4000; piece += 3998) {
		open_peer(&p);
		frame(&p.in, first, mask, payload, n);
		frame(&p.in, 0x81, 0x80, "late", 4);
		feed(&p, (size_t)piece);
		if (sent_code(&p) != code)
			fail_msg("frame %02x of %zu bytes: close %d, wanted %d", first, n,
				sent_code(&p), code);
		assert_true(sd_wss_done(p.w));
		assert_null(strstr(sd_buf_text(&p.told), "late"));
		close_peer(&p);
	}
}

static void violations_are_closed_with_their_code(void **st)
{
	char big[126] = {0};

	(void)st;
	expect_close(0x81, 0, "x", 1, 1002);    /* unmasked */
	expect_close(0xc1, 0x80, "x", 1, 1002); /* RSV1: nobody agreed to compression */
	expect_close(0xa1, 0x80, "x", 1, 1002);
	expect_close(0x83, 0x80, "x", 1, 1002); /* unknown opcodes */
	expect_close(0x8b, 0x80, "x", 1, 1002);
	expect_close(0x80, 0x80, "x", 1, 1002);   /* continues nothing */
	expect_close(0x09, 0x80, "x", 1, 1002);   /* fragmented ping */
	expect_close(0x89, 0x80, big, 126, 1002); /* long ping */
	expect_close(0x82, 0x80, "x", 1, 1003);   /* binary */
	expect_close(0x81, 0x80, "\xff\xfe", 2, 1007);
	expect_close(0x81, 0x80, "\xed\xa0\x80", 3, 1007);
	expect_close(0x88, 0x80, "x", 1, 1002);        /* half a close code */
	expect_close(0x88, 0x80, "\x03\xed", 2, 1002); /* 1005 may not be sent */
	expect_close(0x88, 0x80, "\x03\xe8\xff", 3, 1007);
}

static void a_second_message_inside_a_first_is_refused(void **st)
{
	struct peer p;

	(void)st;
	open_peer(&p);
	frame(&p.in, 0x01, 0x80, "a", 1);
	frame(&p.in, 0x81, 0x80, "b", 1);
	feed(&p, 100);
	assert_int_equal(sent_code(&p), 1002);
	close_peer(&p);
}

static void a_message_over_one_mebibyte_is_1009_also_in_fragments(void **st)
{
	size_t n = SD_WSS_MESSAGE_MAX + 1;
	char *big = malloc(n);
	struct peer p;

	(void)st;
	assert_non_null(big);
	memset(big, 'x', n);
	open_peer(&p);
	frame(&p.in, 0x81, 0x80, big, n - 1);
	feed(&p, 65536);
	assert_int_equal(p.told.len, n); /* the largest allowed, and the '|' */
	frame(&p.in, 0x81, 0x80, big, n);
	feed(&p, 65536);
	assert_int_equal(sent_code(&p), 1009);
	close_peer(&p);
	open_peer(&p);
	for (int i = 0; i < 17; i++)
		frame(&p.in, i ? 0x00 : 0x01, 0x80, big, 65536);
	feed(&p, 65536);
	assert_int_equal(sent_code(&p), 1009);
	close_peer(&p);
	free(big);
}

static void a_close_is_echoed_with_its_code(void **st)
{
	struct peer p;

	(void)st;
	open_peer(&p);
	frame(&p.in, 0x88, 0x80,
		"\x0b\xb9"
		"bye",
		5); /* 3001 */
	feed(&p, 3);
	assert_int_equal(sent_code(&p), 3001);
	assert_int_equal(sd_wss_peer_code(p.w), 3001);
	assert_true(sd_wss_done(p.w));
	assert_false(sd_wss_text(p.w, "x", 1));
	close_peer(&p);
}

static void our_close_waits_for_the_clients(void **st)
{
	struct peer p;

	(void)st;
	open_peer(&p);
	sd_wss_close(p.w, 1001, "bye");
	assert_false(sd_wss_done(p.w));
	frame(&p.in, 0x81, 0x80, "crossed", 7);
	frame(&p.in, 0x88, 0x80, "\x03\xe9", 2);
	feed(&p, 1000);
	assert_true(sd_wss_done(p.w));
	assert_int_equal(p.told.len, 0);
	assert_int_equal(p.out.len, 7); /* one close frame only */
	close_peer(&p);
}

static void server_frames_are_unmasked_with_the_shortest_length(void **st)
{
	struct peer p;
	char text[70000];

	(void)st;
	memset(text, 'y', sizeof text);
	open_peer(&p);
	assert_true(sd_wss_text(p.w, "hi", 2));
	assert_memory_equal(p.out.data, "\x81\x02hi", 4);
	sd_buf_reset(&p.out);
	assert_true(sd_wss_text(p.w, text, 200));
	assert_memory_equal(p.out.data, "\x81\x7e\x00\xc8", 4);
	assert_int_equal(p.out.len, 204);
	sd_buf_reset(&p.out);
	assert_true(sd_wss_text(p.w, text, sizeof text));
	assert_memory_equal(p.out.data, "\x81\x7f\0\0\0\0\0\x01\x11\x70", 10);
	assert_int_equal(p.out.len, sizeof text + 10);
	sd_buf_reset(&p.out);
	assert_true(sd_wss_ping(p.w));
	assert_memory_equal(p.out.data, "\x89\x00", 2);
	close_peer(&p);
}

static void the_offer_finds_graphql_ws_and_the_header_in_any_order(void **st)
{
	struct sd_wss_offer o;

	(void)st;
	sd_wss_offer("graphql-ws, header-abc_-9", &o);
	assert_true(o.graphql_ws);
	assert_int_equal(o.header_len, 6);
	assert_memory_equal(o.header, "abc_-9", 6);
	sd_wss_offer("header-x,graphql-ws", &o);
	assert_true(o.graphql_ws);
	assert_int_equal(o.header_len, 1);
	sd_wss_offer("graphql-transport-ws, graphql-wsx", &o);
	assert_false(o.graphql_ws);
	assert_null(o.header);
	sd_wss_offer(NULL, &o);
	assert_false(o.graphql_ws);
}

/* RFC 6455 1.3 */
static void the_accept_key_is_the_one_of_the_standard(void **st)
{
	struct sd_buf b = SD_BUF_INIT;

	(void)st;
	assert_true(sd_wss_accept(&b, "dGhlIHNhbXBsZSBub25jZQ==", "graphql-ws"));
	assert_non_null(
		strstr(sd_buf_text(&b), "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
	assert_non_null(strstr(sd_buf_text(&b), "sec-websocket-protocol: graphql-ws\r\n"));
	sd_buf_release(&b);
}

static int checked(const char *text)
{
	struct sd_hs h;
	int status = 0;

	sd_hs_init(&h);
	sd_hs_feed(&h, text, strlen(text));
	assert_int_equal(h.state, SD_HS_ROUTE);
	if (!sd_wss_wanted(&h))
		status = -1;
	else if (!sd_wss_check(&h, &status))
		status = 0;
	sd_hs_release(&h);
	return status;
}

#define UP  " /g HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define V13 "Sec-WebSocket-Version: 13\r\n"

static void an_upgrade_needs_get_version_and_key(void **st)
{
	(void)st;
	assert_int_equal(checked("GET" UP KEY V13 "\r\n"), 0);
	assert_int_equal(checked("POST" UP KEY V13 "\r\n"), 400);
	assert_int_equal(checked("GET" UP KEY "Sec-WebSocket-Version: 8\r\n\r\n"), 426);
	assert_int_equal(checked("GET" UP KEY "\r\n"), 426);
	assert_int_equal(checked("GET" UP V13 "\r\n"), 400);
	assert_int_equal(checked("GET" UP V13 "Sec-WebSocket-Key: short\r\n\r\n"), 400);
	assert_int_equal(checked("GET" UP KEY V13 "Content-Length: 3\r\n\r\n"), 400);
	assert_int_equal(checked("GET /g HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\n"
				 "Connection: Upgrade\r\n\r\n"),
		-1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(fragments_with_a_ping_between_are_joined),
		cmocka_unit_test(violations_are_closed_with_their_code),
		cmocka_unit_test(a_second_message_inside_a_first_is_refused),
		cmocka_unit_test(a_message_over_one_mebibyte_is_1009_also_in_fragments),
		cmocka_unit_test(a_close_is_echoed_with_its_code),
		cmocka_unit_test(our_close_waits_for_the_clients),
		cmocka_unit_test(server_frames_are_unmasked_with_the_shortest_length),
		cmocka_unit_test(the_offer_finds_graphql_ws_and_the_header_in_any_order),
		cmocka_unit_test(the_accept_key_is_the_one_of_the_standard),
		cmocka_unit_test(an_upgrade_needs_get_version_and_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
