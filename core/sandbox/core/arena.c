/* core/sandbox/core/arena.c - memory that is freed at once.  See types.h. */
#include "core/sandbox/core/types.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK ((size_t)16 << 10)

struct sbx_block {
	struct sbx_block *next;
	size_t used, room;
	max_align_t data[];
};

void *sbx_alloc(struct sbx_arena *a, size_t n)
{
	struct sbx_block *b = a->head;
	void *p;

	if (a->failed || n > SIZE_MAX / 2)
		return NULL;
	n = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	if (!b || b->room - b->used < n) {
		size_t room = n > BLOCK ? n : BLOCK;
		b = calloc(1, sizeof *b + room);
		if (!b) {
			a->failed = true;
			return NULL;
		}
		b->room = room;
		b->next = a->head;
		a->head = b;
	}
	p = (char *)b->data + b->used;
	b->used += n;
	return p;
}

char *sbx_copy(struct sbx_arena *a, const char *s)
{
	size_t n = s ? strlen(s) + 1 : 0;
	char *p = s ? sbx_alloc(a, n) : NULL;

	if (p)
		memcpy(p, s, n);
	return p;
}

char *sbx_fmt(struct sbx_arena *a, const char *fmt, ...)
{
	va_list ap;
	char *t = NULL, *p = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&t, fmt, ap);
	va_end(ap);
	if (n >= 0) {
		p = sbx_copy(a, t);
		free(t);
	} else {
		a->failed = true;
	}
	return p;
}

void sbx_arena_free(struct sbx_arena *a)
{
	for (struct sbx_block *b = a->head, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	memset(a, 0, sizeof *a);
}
