/*
 * core/json/node.h - making cJSON's nodes without its own detours.  Private to core/json.
 *
 * Nothing here ever changes cJSON's memory hooks, so a node is what malloc() gave, and
 * cJSON_Delete() frees it.
 */
#ifndef SD_JSON_NODE_H
#define SD_JSON_NODE_H

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline cJSON *node_new(int type)
{
	cJSON *j = malloc(sizeof *j); /* calloc() is slower: it passes by malloc's cache */

	if (j)
		*j = (cJSON){.type = type};
	return j;
}

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
