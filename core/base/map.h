/*
 * core/base/map.h - a hash map from byte strings to pointers.
 *
 * Keys are copied; values are borrowed unless a free function is given at release.  Iteration
 * order is insertion order as long as nothing is removed.  Threads: one at a time.
 */
#ifndef SD_BASE_MAP_H
#define SD_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sd_map_slot;
struct sd_map {
	struct sd_map_slot *slot; /* owned, insertion order; removed ones keep their place */
	uint32_t *index;          /* owned, open addressing; 0 = empty, else slot number + 1 */
	size_t used, live, room, index_room;
};
#define SD_MAP_INIT                                                                                \
	{                                                                                          \
		0                                                                                  \
	}

void sd_map_release(struct sd_map *m, void (*free_value)(void *)); /* free_value may be NULL */
/* Sets or replaces; *old (may be NULL) gets the value replaced.  false: out of memory. */
bool sd_map_put(struct sd_map *m, const char *key, void *value, void **old);
void *sd_map_get(const struct sd_map *m, const char *key); /* NULL when absent */
bool sd_map_has(const struct sd_map *m, const char *key);
void *sd_map_del(struct sd_map *m, const char *key); /* the value removed, NULL when absent */
static inline size_t sd_map_count(const struct sd_map *m)
{
	return m->live;
}
/* for (size_t i = 0; sd_map_next(&m, &i, &key, &value);) ...   Removing the current one is fine. */
bool sd_map_next(const struct sd_map *m, size_t *i, const char **key, void **value);

uint64_t sd_hash(const void *p, size_t n);

#endif
