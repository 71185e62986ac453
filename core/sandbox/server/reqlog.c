/* core/sandbox/server/reqlog.c - see reqlog.h. */
#include "core/sandbox/server/reqlog.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"

static struct sd_reqlog_entry *at(const struct sd_reqlog *l, size_t i)
{
	return &l->ring[(l->first + i) % l->room];
}

static void drop_first(struct sd_reqlog *l)
{
	struct sd_reqlog_entry *x = at(l, 0);

	l->bytes -= x->bytes;
	free(x->method);
	free(x->path);
	free(x->headers);
	free(x->body);
	memset(x, 0, sizeof *x);
	l->first = (l->first + 1) % l->room;
	l->count--;
}

void sd_reqlog_clear(struct sd_reqlog *l)
{
	while (l->count)
		drop_first(l);
}

void sd_reqlog_release(struct sd_reqlog *l)
{
	sd_reqlog_clear(l);
	free(l->ring);
	memset(l, 0, sizeof *l);
}

static bool grow(struct sd_reqlog *l)
{
	size_t room = l->room ? l->room * 2 : 256;
	struct sd_reqlog_entry *p;

	if (l->count < l->room)
		return true;
	p = calloc(room, sizeof *p);
	if (!p)
		return false;
	for (size_t i = 0; i < l->count; i++)
		p[i] = *at(l, i);
	free(l->ring);
	l->ring = p;
	l->room = room;
	l->first = 0;
	return true;
}

static char *copy(const char *s, size_t *bytes)
{
	char *p = s ? strdup(s) : NULL;

	*bytes += p ? strlen(p) : 0;
	return p;
}

uint64_t sd_reqlog_add(
	struct sd_reqlog *l, const struct sd_reqlog_entry *entry, const char *body, size_t n)
{
	struct sd_reqlog_entry x = *entry;

	while (l->count && (l->count >= SD_REQLOG_ENTRIES || l->bytes + n > SD_REQLOG_BYTES))
		drop_first(l);
	if (!grow(l))
		return 0;
	x.bytes = sizeof x + n;
	x.method = copy(entry->method, &x.bytes);
	x.path = copy(entry->path, &x.bytes);
	x.headers = copy(entry->headers, &x.bytes);
	x.body = body ? sd_strdup_n(body, n) : NULL;
	*at(l, l->count++) = x;
	l->bytes += x.bytes;
	return ++l->next_id;
}

void sd_reqlog_status(struct sd_reqlog *l, uint64_t id, int status)
{
	uint64_t back = l->next_id - id; /* entries since */

	if (id && back < l->count)
		at(l, l->count - 1 - (size_t)back)->status = status;
}

static void text(struct sd_buf *out, const char *name, const char *s)
{
	struct sd_buf clean = SD_BUF_INIT;

	if (!s)
		return;
	sd_buf_fmt(out, ",\"%s\":", name);
	if (sd_utf8_valid(s, strlen(s))) {
		sd_json_quote(out, s, strlen(s));
	} else { /* what is no UTF-8 must not break the JSON of the whole log */
		sd_text_safe(&clean, s, strlen(s));
		sd_json_quote(out, sd_buf_text(&clean), clean.len);
		sd_buf_release(&clean);
	}
}

bool sd_reqlog_print(const struct sd_reqlog *l, int64_t since_ms, struct sd_buf *out)
{
	bool any = false;

	sd_buf_ch(out, '[');
	for (size_t i = 0; i < l->count; i++) {
		const struct sd_reqlog_entry *x = at(l, i);
		if (x->t_ms < since_ms)
			continue;
		sd_buf_fmt(out, "%s{\"t\":%lld,\"kind\":\"%s\"", any ? ",\n" : "",
			(long long)x->t_ms, x->kind);
		if (x->conn)
			sd_buf_fmt(out, ",\"conn\":%llu", (unsigned long long)x->conn);
		text(out, "method", x->method);
		text(out, "path", x->path);
		sd_buf_fmt(out, ",\"headers\":%s", x->headers ? x->headers : "{}");
		text(out, "body", x->body ? x->body : "");
		sd_buf_fmt(out, ",\"status\":%d}", x->status);
		any = true;
	}
	return sd_buf_ch(out, ']');
}
