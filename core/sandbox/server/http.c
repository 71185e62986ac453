/* core/sandbox/server/http.c - see http.h. */
#include "core/sandbox/server/http.h"

#include <string.h>
#include <strings.h>

#define LINE_MAX_BYTES 4096 /* a chunk's size line or a trailer line */
#define TRAILERS_MAX   ((size_t)16 << 10)

enum { PART_DATA, PART_SIZE, PART_END, PART_TRAILER };

void sd_hs_init(struct sd_hs *h)
{
	memset(h, 0, sizeof *h);
	sd_buf_init(&h->head, SD_HS_HEAD_CAP + 1);
	sd_buf_init(&h->line, LINE_MAX_BYTES);
}

void sd_hs_release(struct sd_hs *h)
{
	sd_buf_release(&h->head);
	sd_buf_release(&h->line);
	sd_buf_release(&h->body);
}

void sd_hs_reset(struct sd_hs *h)
{
	struct sd_buf head = h->head, line = h->line, body = h->body;

	memset(h, 0, sizeof *h);
	h->head = head;
	h->line = line;
	h->body = body;
	sd_buf_reset(&h->head);
	sd_buf_reset(&h->line);
	if (h->body.room > 65536) /* memory is kept, except what one large body took */
		sd_buf_release(&h->body);
	sd_buf_reset(&h->body);
}

static void fail(struct sd_hs *h, int status, const char *why)
{
	h->state = SD_HS_FAILED;
	h->status = status;
	h->why = why;
}

/* RFC 9110 5.6.2 */
static bool is_token(const char *s)
{
	static const char other[] = "!#$%&'*+-.^_`|~";

	if (!*s)
		return false;
	for (; *s; s++) {
		bool alnum = (*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'z') ||
			     (*s >= 'A' && *s <= 'Z');
		if (!alnum && !strchr(other, *s))
			return false;
	}
	return true;
}

static bool has_control(const char *s, bool tab_is_fine)
{
	for (; *s; s++)
		if (((unsigned char)*s < 0x20 && !(tab_is_fine && *s == '\t')) || *s == 0x7f)
			return true;
	return false;
}

static void request_line(struct sd_hs *h, char *line)
{
	char *target = strchr(line, ' '), *version = target ? strchr(target + 1, ' ') : NULL;

	if (version) {
		*target++ = '\0';
		*version++ = '\0';
	}
	if (!version || !is_token(line) || (target[0] != '/' && strcmp(target, "*") != 0)) {
		fail(h, 400, "the request line is not METHOD TARGET VERSION");
	} else if (has_control(target, false)) {
		fail(h, 400, "control character in the request target");
	} else if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0) {
		fail(h, strncmp(version, "HTTP/", 5) == 0 ? 505 : 400, "HTTP version not served");
	} else {
		h->method = line;
		h->target = target;
		h->path_len = strcspn(target, "?");
		h->keep_alive = version[7] == '1';
		h->http10 = !h->keep_alive;
	}
}

static void header_line(struct sd_hs *h, char *line)
{
	char *colon = strchr(line, ':'), *value, *end;

	if (colon)
		*colon = '\0';
	if (!colon || !is_token(line)) { /* folded lines and a blank before the colon, too */
		fail(h, 400, "bad header line");
		return;
	}
	if (h->header_count == SD_HS_HEADERS_MAX) {
		fail(h, 431, "too many headers");
		return;
	}
	for (char *c = line; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 32);
	value = colon + 1 + strspn(colon + 1, " \t");
	end = value + strlen(value);
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	if (has_control(value, true))
		fail(h, 400, "control character in a header");
	h->headers[h->header_count++] = (struct sd_hs_header){line, value};
}

static size_t count_header(const struct sd_hs *h, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < h->header_count; i++)
		n += strcmp(h->headers[i].name, name) == 0;
	return n;
}

static void content_length(struct sd_hs *h, const char *text)
{
	size_t v = 0;

	if (!*text || strlen(text) > 15 || strspn(text, "0123456789") != strlen(text)) {
		fail(h, 400, "bad Content-Length");
		return;
	}
	for (; *text; text++)
		v = v * 10 + (size_t)(*text - '0');
	h->content_length = v;
}

static void framing(struct sd_hs *h)
{
	const char *length = sd_hs_header(h, "content-length"), *expect;
	const char *coding = sd_hs_header(h, "transfer-encoding");
	bool http11 = h->keep_alive;
	size_t hosts = count_header(h, "host");

	if (hosts > 1 || (http11 && !hosts)) {
		fail(h, 400, "exactly one Host header is needed");
		return;
	}
	/* anything two readers could take differently is refused (request smuggling) */
	if (count_header(h, "content-length") > 1 || (length && coding) ||
		count_header(h, "transfer-encoding") > 1 || (coding && !http11)) {
		fail(h, 400, "ambiguous body length");
		return;
	}
	if (coding && strcasecmp(coding, "chunked") != 0)
		fail(h, 501, "only the chunked transfer coding is served");
	else if (length)
		content_length(h, length);
	h->chunked = coding != NULL;
	if (sd_hs_has_token(h, "connection", "close"))
		h->keep_alive = false;
	else if (!http11)
		h->keep_alive = sd_hs_has_token(h, "connection", "keep-alive");
	expect = http11 ? sd_hs_header(h, "expect") : NULL;
	if (expect && strcasecmp(expect, "100-continue") != 0)
		fail(h, 417, "only 100-continue can be expected");
	h->expect_continue = expect != NULL;
}

/* head holds the whole head with its closing empty line: cuts it into lines in place. */
static void parse_head(struct sd_hs *h)
{
	char *p = h->head.data, *end = p + h->head.len;

	if (memchr(p, '\0', h->head.len)) {
		fail(h, 400, "NUL in the head");
		return;
	}
	h->state = SD_HS_ROUTE;
	for (bool first = true; p < end && h->state == SD_HS_ROUTE; first = false) {
		char *eol = strstr(p, "\r\n");
		if (!eol || memchr(p, '\n', (size_t)(eol - p))) {
			fail(h, 400, "line ends must be CR LF");
			return;
		}
		*eol = '\0';
		if (eol == p)
			break;
		if (first)
			request_line(h, p);
		else
			header_line(h, p);
		p = eol + 2;
	}
	if (h->state == SD_HS_ROUTE && !h->method)
		fail(h, 400, "the request line is not METHOD TARGET VERSION");
	if (h->state == SD_HS_ROUTE)
		framing(h);
}

static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static size_t feed_head(struct sd_hs *h, const char *p, size_t n)
{
	size_t used = 0, take, was, from;
	const char *end;

	while (h->head.len == 0 && used + 1 < n && p[used] == '\r' && p[used + 1] == '\n')
		used += 2; /* an empty line before a request is allowed (RFC 9112 2.2) */
	was = h->head.len;
	take = n - used;
	if (!was && take == 1 && p[used] == '\r')
		return used; /* perhaps half of such an empty line */
	if (take > SD_HS_HEAD_CAP - was)
		take = SD_HS_HEAD_CAP - was;
	if (!take || !sd_buf_add(&h->head, p + used, take)) {
		if (was >= SD_HS_HEAD_CAP || take)
			fail(h, 431, "the head is too long");
		return used;
	}
	if (!is_letter(h->head.data[0])) { /* TLS, or noise: waiting for its end is in vain */
		fail(h, 400, "this is not HTTP");
		return used + take;
	}
	from = was > 3 ? was - 3 : 0;
	end = memmem(h->head.data + from, h->head.len - from, "\r\n\r\n", 4);
	/* a client that ends lines with LF alone would wait for ever otherwise */
	if (memmem(h->head.data + from, (end ? (size_t)(end - h->head.data) : h->head.len) - from,
		    "\n\n", 2)) {
		fail(h, 400, "line ends must be CR LF");
		return used + take;
	}
	if (!end) {
		if (h->head.len >= SD_HS_HEAD_CAP)
			fail(h, 431, "the head is too long");
		return used + take;
	}
	h->head.len = (size_t)(end - h->head.data) + 4;
	h->head.data[h->head.len] = '\0';
	used += h->head.len - was;
	parse_head(h);
	return used;
}

void sd_hs_body(struct sd_hs *h)
{
	if (h->state != SD_HS_ROUTE)
		return;
	h->state = SD_HS_BODY;
	h->body.cap = h->body_cap + 1;
	h->part = h->chunked ? PART_SIZE : PART_DATA;
	h->left = h->content_length;
	if (h->left > h->body_cap)
		fail(h, 413, "the body is too large");
	else if (!h->chunked && !h->left)
		h->state = SD_HS_DONE;
}

static size_t feed_data(struct sd_hs *h, const char *p, size_t n)
{
	size_t take = n < h->left ? n : h->left;

	if (!sd_buf_add(&h->body, p, take)) {
		fail(h, 413, "the body is too large");
		return take;
	}
	h->left -= take;
	if (!h->left) {
		if (h->chunked)
			h->part = PART_END;
		else
			h->state = SD_HS_DONE;
	}
	return take;
}

static void chunk_size(struct sd_hs *h, const char *line)
{
	size_t v = 0, digits = strspn(line, "0123456789abcdefABCDEF");
	const char *after = line + digits + strspn(line + digits, " \t");

	if (!digits || digits > 8 || (*after && *after != ';') || has_control(after, true)) {
		fail(h, 400, "bad chunk size");
		return;
	}
	for (size_t i = 0; i < digits; i++) {
		char c = line[i];
		v = v * 16 + (size_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
	}
	if (v > h->body_cap - h->body.len) {
		fail(h, 413, "the body is too large");
		return;
	}
	h->left = v;
	h->part = v ? PART_DATA : PART_TRAILER;
}

/* A whole line of the chunked coding stands in h->line, without CR LF. */
static void chunk_line(struct sd_hs *h)
{
	const char *line = sd_buf_text(&h->line);

	if (strlen(line) != h->line.len) {
		fail(h, 400, "NUL in the chunked body");
	} else if (h->part == PART_SIZE) {
		chunk_size(h, line);
	} else if (h->part == PART_END) {
		if (*line)
			fail(h, 400, "a chunk is longer than its size");
		else
			h->part = PART_SIZE;
	} else if (!*line) {
		h->state = SD_HS_DONE;
	} else {
		h->trailer += h->line.len;
		if (h->trailer > TRAILERS_MAX)
			fail(h, 431, "the trailers are too long");
	}
	sd_buf_reset(&h->line);
}

static size_t feed_line(struct sd_hs *h, const char *p, size_t n)
{
	const char *nl = memchr(p, '\n', n);
	size_t take = nl ? (size_t)(nl - p) + 1 : n;

	if (!sd_buf_add(&h->line, p, take)) {
		fail(h, 400, "a line of the chunked body is too long");
		return take;
	}
	if (!nl)
		return take;
	if (h->line.len < 2 || h->line.data[h->line.len - 2] != '\r') {
		fail(h, 400, "line ends must be CR LF");
		return take;
	}
	h->line.len -= 2;
	h->line.data[h->line.len] = '\0';
	chunk_line(h);
	return take;
}

size_t sd_hs_feed(struct sd_hs *h, const char *p, size_t n)
{
	size_t used = 0;

	if (h->state == SD_HS_HEAD)
		return feed_head(h, p, n);
	while (used < n && h->state == SD_HS_BODY) {
		if (h->part == PART_DATA)
			used += feed_data(h, p + used, n - used);
		else
			used += feed_line(h, p + used, n - used);
	}
	return used;
}

const char *sd_hs_header(const struct sd_hs *h, const char *name)
{
	for (size_t i = 0; i < h->header_count; i++)
		if (strcmp(h->headers[i].name, name) == 0)
			return h->headers[i].value;
	return NULL;
}

static bool list_has(const char *v, const char *token)
{
	size_t len = strlen(token);

	while (*v) {
		v += strspn(v, ", \t");
		size_t n = strcspn(v, ", \t");
		if (n == len && strncasecmp(v, token, n) == 0)
			return true;
		v += n;
	}
	return false;
}

bool sd_hs_has_token(const struct sd_hs *h, const char *name, const char *token)
{
	for (size_t i = 0; i < h->header_count; i++)
		if (strcmp(h->headers[i].name, name) == 0 && list_has(h->headers[i].value, token))
			return true;
	return false;
}

bool sd_hs_path_is(const struct sd_hs *h, const char *path)
{
	return strlen(path) == h->path_len && memcmp(h->target, path, h->path_len) == 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 32);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode(const char *v, size_t n, bool form, struct sd_buf *out)
{
	for (size_t i = 0; i < n; i++) {
		char c = form && v[i] == '+' ? ' ' : v[i];
		if (c == '%') {
			int a = i + 2 < n ? hex_digit(v[i + 1]) : -1;
			int b = i + 2 < n ? hex_digit(v[i + 2]) : -1;
			if (a < 0 || b < 0)
				return false;
			c = (char)(a << 4 | b);
			i += 2;
		}
		if (!c || !sd_buf_ch(out, c))
			return false;
	}
	return true;
}

bool sd_hs_param(const struct sd_hs *h, const char *name, bool form, struct sd_buf *out)
{
	const char *q = h->target + h->path_len;
	size_t len = strlen(name);

	while (*q) {
		size_t n = strcspn(++q, "&"); /* over '?' or '&' */
		if (n > len && strncmp(q, name, len) == 0 && q[len] == '=')
			return decode(q + len + 1, n - len - 1, form, out);
		q += n;
	}
	return false;
}
