/* core/graphql/names.c - see names.h. */
#include "core/graphql/names.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"

bool sd_gql_join(struct sd_buf *out, const char *prefix, const char *name, const char *suffix)
{
	char first = name[0];

	sd_buf_str(out, prefix);
	if (first) {
		sd_buf_ch(out, first >= 'a' && first <= 'z' ? (char)(first - 'a' + 'A') : first);
		sd_buf_str(out, name + 1);
	}
	return sd_buf_str(out, suffix);
}

static uint32_t rotl(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

/* One 64-byte block of MD5 (RFC 1321): a name's digest needs no library, and no security. */
static void md5_block(const unsigned char *p, uint32_t h[4], const uint32_t k[64])
{
	static const unsigned char TURN[4][4] = {
		{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
	uint32_t a = h[0], b = h[1], c = h[2], d = h[3];

	for (unsigned i = 0; i < 64; i++) {
		static const unsigned char STEP[4][2] = {{1, 0}, {5, 1}, {3, 5}, {7, 0}};
		unsigned round = i / 16, g = (STEP[round][0] * i + STEP[round][1]) % 16;
		uint32_t f = round == 0   ? (b & c) | (~b & d)
			     : round == 1 ? (d & b) | (~d & c)
			     : round == 2 ? b ^ c ^ d
					  : c ^ (b | ~d);
		uint32_t w = (uint32_t)p[g * 4] | (uint32_t)p[g * 4 + 1] << 8 |
			     (uint32_t)p[g * 4 + 2] << 16 | (uint32_t)p[g * 4 + 3] << 24;
		uint32_t turned = rotl(a + f + k[i] + w, TURN[round][i % 4]);
		a = d;
		d = c;
		c = b;
		b += turned;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
}

/* The first five hex digits of the MD5 of s. */
static void md5_five(const char *s, size_t n, char out[6])
{
	uint32_t h[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}, k[64];
	unsigned char tail[128] = {0};
	size_t rest = n % 64, room = rest < 56 ? 64 : 128;

	for (unsigned i = 0; i < 64; i++)
		k[i] = (uint32_t)(int64_t)floor(fabs(sin(i + 1.0)) * 4294967296.0);
	for (size_t at = 0; at + 64 <= n; at += 64)
		md5_block((const unsigned char *)s + at, h, k);
	memcpy(tail, s + n - rest, rest);
	tail[rest] = 0x80;
	for (unsigned i = 0; i < 8; i++)
		tail[room - 8 + i] = (unsigned char)((uint64_t)n * 8 >> 8 * i);
	for (size_t at = 0; at < room; at += 64)
		md5_block(tail + at, h, k);
	snprintf(out, 6, "%02x%02x%x", h[0] & 0xff, h[0] >> 8 & 0xff, h[0] >> 20 & 0xf);
}

bool sd_gql_subscription(struct sd_buf *out, const char *prefix, const char *name)
{
	struct sd_buf whole = SD_BUF_INIT;
	char five[6];

	sd_gql_join(&whole, prefix, name, "");
	if (!sd_buf_ok(&whole)) {
		out->failed = true;
	} else if (whole.len <= 50) {
		sd_buf_add(out, whole.data, whole.len);
	} else {
		md5_five(whole.data, whole.len, five);
		sd_buf_add(out, whole.data, 45);
		sd_buf_str(out, five);
	}
	sd_buf_release(&whole);
	return sd_buf_ok(out);
}
