/* core/base/buf.c - see buf.h. */
#include "core/base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sd_buf_init(struct sd_buf *b, size_t cap_bytes)
{
	memset(b, 0, sizeof *b);
	b->cap = cap_bytes;
}

void sd_buf_release(struct sd_buf *b)
{
	size_t cap = b->cap;

	free(b->data);
	sd_buf_init(b, cap);
}

void sd_buf_reset(struct sd_buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data)
		b->data[0] = '\0';
}

static bool over_cap(const struct sd_buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : SD_BUF_CAP;

	return n > cap || b->len > cap - n;
}

static bool make_room(struct sd_buf *b, size_t n)
{
	size_t room = b->room ? b->room : 64;
	char *p;

	if (b->failed || over_cap(b, n)) {
		b->failed = true;
		return false;
	}
	if (b->data && b->len + n < b->room)
		return true;
	while (room <= b->len + n)
		room *= 2;
	p = realloc(b->data, room);
	if (!p) {
		b->failed = true;
		return false;
	}
	b->data = p;
	b->room = room;
	return true;
}

bool sd_buf_add(struct sd_buf *b, const void *p, size_t n)
{
	if (!make_room(b, n))
		return false;
	if (n)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
	return true;
}

char *sd_buf_room(struct sd_buf *b, size_t n)
{
	return make_room(b, n) ? b->data + b->len : NULL;
}

bool sd_buf_took(struct sd_buf *b, size_t n)
{
	b->len += n;
	b->data[b->len] = '\0';
	return true;
}

bool sd_buf_str(struct sd_buf *b, const char *s)
{
	return sd_buf_add(b, s, strlen(s));
}

bool sd_buf_ch(struct sd_buf *b, char c)
{
	return sd_buf_add(b, &c, 1);
}

bool sd_buf_fmt(struct sd_buf *b, const char *fmt, ...)
{
	size_t left = b->data && !b->failed ? b->room - b->len : 0;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(left ? b->data + b->len : NULL, left, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n + 1 < left && !over_cap(b, (size_t)n + 1)) { /* it fitted at once */
		b->len += (size_t)n;
		return true;
	}
	if (left)
		b->data[b->len] = '\0';
	if (n < 0 || !make_room(b, (size_t)n + 1)) {
		b->failed = true;
		return false;
	}
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return true;
}

void sd_buf_drop(struct sd_buf *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
	} else {
		memmove(b->data, b->data + n, b->len - n);
		b->len -= n;
	}
	if (b->data)
		b->data[b->len] = '\0';
}

const char *sd_buf_text(const struct sd_buf *b)
{
	return b->data ? b->data : "";
}

char *sd_buf_take(struct sd_buf *b)
{
	char *p;

	if (b->failed || (!b->data && !make_room(b, 0)))
		return NULL;
	p = b->data;
	p[b->len] = '\0';
	b->data = NULL;
	b->len = b->room = 0;
	return p;
}
