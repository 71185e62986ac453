/* core/net/internal.h - what loop.c, http.c and ws.c share.  Private to core/net. */
#ifndef SD_NET_INTERNAL_H
#define SD_NET_INTERNAL_H

#include <curl/curl.h>
#include <libwebsockets.h>
#include <pthread.h>

#include "core/net/loop.h"

struct sd_http_req;
struct sd_ws_conn;
struct sd_resolve;

struct sd_loop {
	struct lws_context *ctx; /* owned */
	struct lws_vhost *vhost; /* borrowed from ctx */
	lws_sorted_usec_list_t turn_timer, curl_timer;
	char *ca_file; /* owned; NULL */
	int64_t connect_timeout_ms;
	CURLM *multi;                 /* owned */
	int epfd;                     /* owned by lws once adopted */
	struct sd_http_req *requests; /* owned list */
	struct sd_ws_conn *conns;     /* owned list */
	struct sd_resolve *resolves;  /* names being looked up, one reference each */
};

void sd_http_loop_release(struct sd_loop *l);
/* curl has something to do: read finished transfers, run callbacks. */
bool sd_http_finished(struct sd_loop *l); /* true: some request ended */
/* Options every request has. */
bool sd_http_easy(CURL *c, const char *url, struct curl_slist *headers, const char *ca_file,
	int64_t timeout_ms, int64_t connect_timeout_ms);
/* "Name: value" lines as a list; NULL: out of memory. */
struct curl_slist *sd_http_headers(const char *const *headers);

int sd_ws_callback(
	struct lws *wsi, enum lws_callback_reasons why, void *user, void *in, size_t len);
void sd_ws_resolved(struct sd_loop *l); /* names that were found: connect */
void sd_ws_loop_release(struct sd_loop *l);

#endif
