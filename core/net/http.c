/* core/net/http.c - POST requests over curl's multi interface, and one that blocks. */
#include "core/net/internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/log.h"
#include "core/base/text.h"
#include "core/base/time.h"

#define KEPT_S 50L /* a connection is used again after at most this long idle */

struct sd_http_req {
	struct sd_http_req *next;
	struct sd_loop *loop;
	uint64_t id;
	CURL *easy;                 /* owned */
	struct curl_slist *headers; /* owned */
	char *body;                 /* owned */
	struct sd_buf answer;       /* owned */
	char error_type[128];
	int64_t date_ms, started_ms;
	int times; /* it was put on a connection */
	char failure[CURL_ERROR_SIZE];
	sd_http_fn fn;
	void *ctx;
};

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	/* an answer that is too long ends the transfer with CURLE_WRITE_ERROR */
	return sd_buf_add(ctx, p, size * n) ? size * n : 0;
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct sd_http_req *r = ctx;
	size_t len = size * n;
	char line[256];

	if (len < sizeof line) {
		memcpy(line, p, len);
		while (len && (line[len - 1] == '\r' || line[len - 1] == '\n'))
			len--;
		line[len] = '\0';
		if (strncasecmp(line, "x-amzn-errortype:", 17) == 0) {
			const char *v = line + 17 + strspn(line + 17, " ");
			size_t k = strcspn(v, ":");
			if (k < sizeof r->error_type) {
				memcpy(r->error_type, v, k);
				r->error_type[k] = '\0';
			}
		} else if (strncasecmp(line, "date:", 5) == 0) {
			time_t t = curl_getdate(line + 5, NULL);
			r->date_ms = t > 0 ? (int64_t)t * 1000 : 0;
		}
	}
	return size * n;
}

/* Called before the request is written. curl writes it again on a fresh connection when a kept one
 * ends without a byte of an answer; a mutation that was applied would be applied twice. */
static int before_request(void *ctx, char *a, char *b, int c, int d)
{
	struct sd_http_req *r = ctx;

	(void)a, (void)b, (void)c, (void)d;
	return r->times++ ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

struct curl_slist *sd_http_headers(const char *const *headers)
{
	struct curl_slist *list = NULL;

	for (; *headers; headers++) {
		struct curl_slist *more = curl_slist_append(list, *headers);
		if (!more) {
			curl_slist_free_all(list);
			return NULL;
		}
		list = more;
	}
	return list;
}

static bool on_loopback(const char *url)
{
	static const char *const NAME[] = {"127.0.0.1", "localhost", "[::1]"};
	const char *host = strstr(url, "://");

	for (size_t i = 0; host && i < sizeof NAME / sizeof *NAME; i++) {
		size_t n = strlen(NAME[i]);
		if (strncmp(host + 3, NAME[i], n) == 0 &&
			(!host[3 + n] || strchr(":/?#", host[3 + n])))
			return true;
	}
	return false;
}

bool sd_http_easy(CURL *c, const char *url, struct curl_slist *headers, const char *ca_file,
	int64_t timeout_ms, int64_t connect_timeout_ms)
{
	bool ok = curl_easy_setopt(c, CURLOPT_URL, url) == CURLE_OK;

	ok = ok && curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
	ok = ok && curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
	ok = ok && curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
	ok = ok && curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers) == CURLE_OK;
	/* Loopback has nothing to save, and packing costs time: plain is asked for there.  What comes
	 * packed all the same is unpacked. */
	ok = ok && curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING,
			   on_loopback(url) ? "identity" : "") == CURLE_OK;
	ok = ok && curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 512L * 1024) == CURLE_OK;
	ok = ok && curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK;
	ok = ok && curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)timeout_ms) == CURLE_OK;
	ok = ok &&
	     curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_timeout_ms) == CURLE_OK;
	if (ca_file)
		ok = ok && curl_easy_setopt(c, CURLOPT_CAINFO, ca_file) == CURLE_OK;
	return ok;
}

static void req_free(struct sd_http_req *r)
{
	if (!r)
		return;
	curl_easy_cleanup(r->easy);
	curl_slist_free_all(r->headers);
	free(r->body);
	sd_buf_release(&r->answer);
	free(r);
}

static void unlink_req(struct sd_loop *l, struct sd_http_req *r)
{
	for (struct sd_http_req **p = &l->requests; *p; p = &(*p)->next) {
		if (*p == r) {
			*p = r->next;
			return;
		}
	}
}

enum sd_err sd_http_post(struct sd_loop *l, uint64_t id, const char *url,
	const char *const *headers, const char *body, size_t n, int64_t timeout_ms, sd_http_fn fn,
	void *ctx, struct sd_error *e)
{
	struct sd_http_req *r = calloc(1, sizeof *r);
	bool ok;

	if (!r)
		return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", url);
	r->loop = l;
	r->id = id;
	r->fn = fn;
	r->ctx = ctx;
	r->started_ms = sd_mono_ms();
	sd_buf_init(&r->answer, SD_HTTP_MAX_ANSWER);
	r->easy = curl_easy_init();
	r->headers = sd_http_headers(headers);
	r->body = sd_strdup_n(body, n);
	ok = r->easy && r->headers && r->body &&
	     sd_http_easy(r->easy, url, r->headers, l->ca_file, timeout_ms, l->connect_timeout_ms);
	ok = ok && curl_easy_setopt(r->easy, CURLOPT_POSTFIELDS, r->body) == CURLE_OK;
	ok = ok &&
	     curl_easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n) == CURLE_OK;
	ok = ok && curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK;
	ok = ok && curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, &r->answer) == CURLE_OK;
	ok = ok && curl_easy_setopt(r->easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK;
	ok = ok && curl_easy_setopt(r->easy, CURLOPT_HEADERDATA, r) == CURLE_OK;
	ok = ok && curl_easy_setopt(r->easy, CURLOPT_ERRORBUFFER, r->failure) == CURLE_OK;
	ok = ok && curl_easy_setopt(r->easy, CURLOPT_PREREQFUNCTION, before_request) == CURLE_OK;
	ok = ok && curl_easy_setopt(r->easy, CURLOPT_PREREQDATA, r) == CURLE_OK;
	/* a connection kept longer is likelier to be gone at the other end */
	ok = ok && curl_easy_setopt(r->easy, CURLOPT_MAXAGE_CONN, KEPT_S) == CURLE_OK;
	ok = ok && curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r) == CURLE_OK;
	ok = ok && curl_multi_add_handle(l->multi, r->easy) == CURLM_OK;
	if (!ok) {
		req_free(r);
		return sd_fail(e, SD_NET, 0, "%s: cannot start the request", url);
	}
	r->next = l->requests;
	l->requests = r;
	return SD_OK;
}

void sd_http_cancel(struct sd_loop *l, uint64_t id)
{
	for (struct sd_http_req *r = l->requests; r; r = r->next) {
		if (r->id != id)
			continue;
		unlink_req(l, r);
		curl_multi_remove_handle(l->multi, r->easy);
		req_free(r);
		return;
	}
}

static void tell(struct sd_http_req *r, CURLcode code)
{
	bool again = r->times > 1; /* and was not written the second time */
	struct sd_http_answer a = {
		.transport = (int)(again ? CURLE_GOT_NOTHING : code), .retry_after_ms = -1};
	long status = 0, request_bytes = 0;
	curl_off_t wait_s = 0;

	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(r->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
	if (curl_easy_getinfo(r->easy, CURLINFO_RETRY_AFTER, &wait_s) == CURLE_OK && wait_s > 0)
		a.retry_after_ms = (int64_t)wait_s * 1000;
	a.sent = again || request_bytes > 0;
	a.status = (int)status;
	a.date_ms = r->date_ms;
	a.error_type = r->error_type[0] ? r->error_type : NULL;
	a.took_ms = sd_mono_ms() - r->started_ms;
	a.body = &r->answer;
	if (again)
		a.failure = "the connection ended before an answer came";
	else if (code == CURLE_WRITE_ERROR && r->answer.failed)
		a.failure = "the answer is larger than 32 MiB";
	else if (code != CURLE_OK)
		a.failure = r->failure[0] ? r->failure : curl_easy_strerror(code);
	r->fn(r->ctx, r->id, &a);
}

bool sd_http_finished(struct sd_loop *l)
{
	CURLMsg *m;
	int left;
	bool any = false;

	while ((m = curl_multi_info_read(l->multi, &left))) {
		struct sd_http_req *r = NULL;
		CURLcode code = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&r);
		unlink_req(l, r);
		curl_multi_remove_handle(l->multi, r->easy);
		tell(r, code);
		req_free(r);
		any = true;
	}
	return any;
}

void sd_http_loop_release(struct sd_loop *l)
{
	while (l->requests) {
		struct sd_http_req *r = l->requests;
		l->requests = r->next;
		curl_multi_remove_handle(l->multi, r->easy);
		req_free(r);
	}
}

enum sd_err sd_http_post_wait(const char *url, const char *const *headers, const char *body,
	size_t n, const char *ca_file, int64_t timeout_ms, int *status, struct sd_buf *out,
	struct sd_error *e)
{
	CURL *c;
	struct curl_slist *list = sd_http_headers(headers);
	char why[CURL_ERROR_SIZE] = "";
	CURLcode code = CURLE_OUT_OF_MEMORY;
	long http = 0;
	bool ok;

	sd_net_init();
	c = curl_easy_init();
	ok = c && list && sd_http_easy(c, url, list, ca_file, timeout_ms, 10000);
	ok = ok && curl_easy_setopt(c, CURLOPT_POSTFIELDS, body) == CURLE_OK;
	ok = ok && curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n) == CURLE_OK;
	ok = ok && curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK;
	ok = ok && curl_easy_setopt(c, CURLOPT_WRITEDATA, out) == CURLE_OK;
	ok = ok && curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why) == CURLE_OK;
	if (ok) {
		code = curl_easy_perform(c);
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &http);
	}
	curl_easy_cleanup(c);
	curl_slist_free_all(list);
	*status = (int)http;
	if (code == CURLE_OK)
		return SD_OK;
	return sd_fail(e, code == CURLE_OPERATION_TIMEDOUT ? SD_TIMEOUT : SD_NET, (int)code,
		"%s: %s", url, why[0] ? why : curl_easy_strerror(code));
}
