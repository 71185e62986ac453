/*
 * core/base/rand.h - randomness handed in, so that tests own it.
 *
 * The system source is getrandom(2); the seeded one is a small deterministic generator for the
 * simulation.  Threads: the system source may be shared; a seeded one belongs to one thread.
 */
#ifndef SD_BASE_RAND_H
#define SD_BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

struct sd_rand {
	void (*bytes)(struct sd_rand *r, void *out, size_t n);
	uint64_t state[2];
};

#define SD_UUID_TEXT 37

void sd_rand_system(struct sd_rand *r); /* initialises r; aborts if the kernel has no randomness */
void sd_rand_seeded(struct sd_rand *r, uint64_t seed);
uint64_t sd_rand_u64(struct sd_rand *r);
uint32_t sd_rand_below(struct sd_rand *r, uint32_t n); /* 0 <= x < n; 0 for n == 0 */
void sd_uuid4(struct sd_rand *r, char out[SD_UUID_TEXT]);

#endif
