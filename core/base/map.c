/* core/base/map.c - see map.h. */
#include "core/base/map.h"

#include <stdlib.h>
#include <string.h>

struct sd_map_slot {
	char *key; /* NULL: removed */
	void *value;
	uint64_t hash;
};

uint64_t sd_hash(const void *p, size_t n)
{
	const unsigned char *s = p;
	uint64_t h = 1469598103934665603ULL;

	for (size_t i = 0; i < n; i++)
		h = (h ^ s[i]) * 1099511628211ULL;
	return h ^ (h >> 29);
}

void sd_map_release(struct sd_map *m, void (*free_value)(void *))
{
	for (size_t i = 0; i < m->used; i++) {
		if (!m->slot[i].key)
			continue;
		free(m->slot[i].key);
		if (free_value)
			free_value(m->slot[i].value);
	}
	free(m->slot);
	free(m->index);
	memset(m, 0, sizeof *m);
}

/* The index place of key: where it stands, or the first empty one. */
static size_t place(const struct sd_map *m, const char *key, uint64_t h)
{
	size_t mask = m->index_room - 1, at = (size_t)h & mask;

	for (; m->index[at]; at = (at + 1) & mask) {
		const struct sd_map_slot *s = &m->slot[m->index[at] - 1];
		if (s->key && s->hash == h && strcmp(s->key, key) == 0)
			break;
	}
	return at;
}

static bool rebuild(struct sd_map *m)
{
	size_t room = 16, w = 0;
	uint32_t *index;

	while (room < (m->live + 1) * 3)
		room *= 2;
	index = calloc(room, sizeof *index);
	if (!index)
		return false;
	for (size_t i = 0; i < m->used; i++)
		if (m->slot[i].key)
			m->slot[w++] = m->slot[i];
	m->used = w;
	free(m->index);
	m->index = index;
	m->index_room = room;
	for (size_t i = 0; i < m->used; i++) {
		size_t at = (size_t)m->slot[i].hash & (room - 1);
		while (index[at])
			at = (at + 1) & (room - 1);
		index[at] = (uint32_t)i + 1;
	}
	return true;
}

bool sd_map_put(struct sd_map *m, const char *key, void *value, void **old)
{
	uint64_t h = sd_hash(key, strlen(key));
	size_t at;
	char *copy;

	if (old)
		*old = NULL;
	if ((m->used + 1) * 2 > m->index_room && !rebuild(m))
		return false;
	at = place(m, key, h);
	if (m->index[at]) {
		struct sd_map_slot *s = &m->slot[m->index[at] - 1];
		if (old)
			*old = s->value;
		s->value = value;
		return true;
	}
	if (m->used == m->room) {
		size_t room = m->room ? m->room * 2 : 8;
		struct sd_map_slot *p = realloc(m->slot, room * sizeof *p);
		if (!p)
			return false;
		m->slot = p;
		m->room = room;
	}
	copy = strdup(key);
	if (!copy)
		return false;
	m->slot[m->used] = (struct sd_map_slot){copy, value, h};
	m->index[at] = (uint32_t)++m->used;
	m->live++;
	return true;
}

static struct sd_map_slot *find(const struct sd_map *m, const char *key)
{
	size_t at;

	if (!m->index_room)
		return NULL;
	at = place(m, key, sd_hash(key, strlen(key)));
	return m->index[at] ? &m->slot[m->index[at] - 1] : NULL;
}

void *sd_map_get(const struct sd_map *m, const char *key)
{
	struct sd_map_slot *s = find(m, key);

	return s ? s->value : NULL;
}

bool sd_map_has(const struct sd_map *m, const char *key)
{
	return find(m, key) != NULL;
}

void *sd_map_del(struct sd_map *m, const char *key)
{
	struct sd_map_slot *s = find(m, key);
	void *v;

	if (!s)
		return NULL;
	v = s->value;
	free(s->key);
	s->key = NULL;
	m->live--;
	return v;
}

bool sd_map_next(const struct sd_map *m, size_t *i, const char **key, void **value)
{
	while (*i < m->used) {
		struct sd_map_slot *s = &m->slot[(*i)++];
		if (!s->key)
			continue;
		if (key)
			*key = s->key;
		if (value)
			*value = s->value;
		return true;
	}
	return false;
}
