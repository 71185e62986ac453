/* core/base/rand.c - see rand.h. */
#include "core/base/rand.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void system_bytes(struct sd_rand *r, void *out, size_t n)
{
	char *p = out;

	(void)r;
	while (n) {
		size_t k = n < 256 ? n : 256;
		if (getrandom(p, k, 0) != (ssize_t)k)
			abort(); /* no id may ever be guessable or repeated */
		p += k;
		n -= k;
	}
}

void sd_rand_system(struct sd_rand *r)
{
	memset(r, 0, sizeof *r);
	r->bytes = system_bytes;
}

/* xorshift128+ */
static uint64_t step(struct sd_rand *r)
{
	uint64_t a = r->state[0], b = r->state[1];

	r->state[0] = b;
	a ^= a << 23;
	r->state[1] = a ^ b ^ (a >> 17) ^ (b >> 26);
	return r->state[1] + b;
}

static void seeded_bytes(struct sd_rand *r, void *out, size_t n)
{
	char *p = out;

	while (n) {
		uint64_t v = step(r);
		size_t k = n < 8 ? n : 8;
		memcpy(p, &v, k);
		p += k;
		n -= k;
	}
}

void sd_rand_seeded(struct sd_rand *r, uint64_t seed)
{
	r->bytes = seeded_bytes;
	for (int i = 0; i < 2; i++) { /* splitmix64 */
		uint64_t z = (seed += 0x9e3779b97f4a7c15ULL);
		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
		r->state[i] = z ^ (z >> 31);
	}
}

uint64_t sd_rand_u64(struct sd_rand *r)
{
	uint64_t v;

	r->bytes(r, &v, sizeof v);
	return v;
}

uint32_t sd_rand_below(struct sd_rand *r, uint32_t n)
{
	return n ? (uint32_t)((sd_rand_u64(r) >> 32) * n >> 32) : 0;
}

void sd_uuid4(struct sd_rand *r, char out[SD_UUID_TEXT])
{
	static const char HEX[] = "0123456789abcdef";
	unsigned char b[16];

	r->bytes(r, b, sizeof b);
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = HEX[b[i] >> 4];
		*out++ = HEX[b[i] & 15];
	}
	*out = '\0';
}
