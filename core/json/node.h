/*
 * core/json/node.h - making cJSON's nodes without its own detours.  Private to core/json.
 *
 * Nothing here ever changes cJSON's memory hooks: a node is what malloc() gave, and cJSON may free
 * it.
 */
#ifndef SD_JSON_NODE_H
#define SD_JSON_NODE_H

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NODE_TEXT 128 /* bytes of a node with a short text */

cJSON *node_new(int type);                 /* node.c; NULL: out of memory */
cJSON *node_text(const char *s, size_t n); /* a string */
void node_free(cJSON *j);                  /* and what follows it; NULL is fine */

/* Behind the last child; the first one's prev is the last, as cJSON has it. */
static inline void node_append(cJSON *parent, cJSON *item)
{
	cJSON *first = parent->child;

	item->next = NULL;
	if (!first) {
		parent->child = item;
		item->prev = item;
		return;
	}
	first->prev->next = item;
	item->prev = first->prev;
	first->prev = item;
}

/* Among the eight bytes, is one that a JSON string cannot hold as it is: a quote, a backslash, a
 * control character; or one of UTF-8, or DEL, which have to be looked at? */
static inline uint64_t json_special8(const char *p)
{
	const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
	uint64_t v, quote, slash, del;

	memcpy(&v, p, sizeof v);
	quote = v ^ ones * '"';
	slash = v ^ ones * '\\';
	del = v ^ ones * 0x7f;
	return (v | (v - ones * 0x20) | (quote - ones) | (slash - ones) | (del - ones)) & high;
}

#endif
