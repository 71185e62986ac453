/* core/json/names.c - see names.h. */
#include "core/json/names.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

#define SLOTS  1024 /* a power of two */
#define PROBES 8

static _Atomic(const char *) slot[SLOTS];

static uint32_t hash_of(const char *s, size_t n)
{
	uint32_t h = (uint32_t)n;

	for (size_t i = 0; i < n; i++)
		h = h * 31 + (unsigned char)s[i];
	return h ^ h >> 15;
}

const char *sd_json_name_kept(const char *s, size_t n, uint32_t *hash)
{
	*hash = hash_of(s, n);
	if (n > SD_JSON_NAME_BYTES)
		return NULL;
	for (uint32_t i = 0; i < PROBES; i++) {
		_Atomic(const char *) *at = &slot[(*hash + i) & (SLOTS - 1)];
		const char *had = atomic_load_explicit(at, memory_order_acquire);
		char *copy;
		if (!had) {
			copy = sd_strdup_n(s, n);
			if (!copy)
				return NULL;
			if (atomic_compare_exchange_strong(at, &had, copy))
				return copy;
			free(copy); /* another thread was quicker */
		}
		if (strncmp(had, s, n) == 0 && !had[n])
			return had;
	}
	return NULL;
}
