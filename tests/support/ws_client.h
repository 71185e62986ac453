/*
 * tests/support/ws_client.h - a small blocking WebSocket client, written by hand so that it can
 * also misbehave.  Plain ws only.
 */
#ifndef SD_TESTS_WS_CLIENT_H
#define SD_TESTS_WS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

/* ms: for what must come. Far longer than a busy machine takes, as only a failure waits so long. */
#define SD_TEST_SOON 60000

struct sd_test_ws;

/* path with query; headers: whole lines with CRLF besides the upgrade's own ("" for none);
 * protocol NULL: none offered.  *status gets the HTTP status; NULL unless 101. */
struct sd_test_ws *sd_test_ws_open(
	int port, const char *path, const char *protocol, const char *headers, int *status);
const char *sd_test_ws_head(const struct sd_test_ws *w); /* of the 101 */
void sd_test_ws_send(struct sd_test_ws *w, const char *text);
void sd_test_ws_raw(struct sd_test_ws *w, const void *p, size_t n);
/* The next text message, owned; NULL: closed or nothing within ms.  Pings are skipped. */
char *sd_test_ws_next(struct sd_test_ws *w, int ms);
/* Reads on until the type comes ("start_ack"), skipping "ka"; owned; NULL: another came first or
 * nothing within ms. */
char *sd_test_ws_expect(struct sd_test_ws *w, const char *type, int ms);
/* 0: open; the close code received (1005 without one, 1006: the socket just ended). */
int sd_test_ws_code(const struct sd_test_ws *w);
/* Waits for the end; the code. */
int sd_test_ws_end(struct sd_test_ws *w, int ms);
void sd_test_ws_close(struct sd_test_ws *w); /* with a close frame; frees */
void sd_test_ws_free(struct sd_test_ws *w);  /* cuts the socket; frees */

/* A plain socket to the port, for hand-written HTTP. */
int sd_test_connect(int port);
/* Everything until the end or ms; owned. */
char *sd_test_read_all(int fd, int ms);

#endif
