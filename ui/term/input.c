/* ui/term/input.c - see input.h. */
#include "ui/term/input.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/text.h"

struct seq {
	const char *s; /* behind ESC */
	uint32_t code;
};

/* What xterm, tmux, rxvt, the Linux console and the vt100 family send. */
static const struct seq SEQS[] = {
	{"[A", SD_KEY_UP},
	{"[B", SD_KEY_DOWN},
	{"[C", SD_KEY_RIGHT},
	{"[D", SD_KEY_LEFT},
	{"OA", SD_KEY_UP},
	{"OB", SD_KEY_DOWN},
	{"OC", SD_KEY_RIGHT},
	{"OD", SD_KEY_LEFT},
	{"[H", SD_KEY_HOME},
	{"[F", SD_KEY_END},
	{"OH", SD_KEY_HOME},
	{"OF", SD_KEY_END},
	{"[1~", SD_KEY_HOME},
	{"[7~", SD_KEY_HOME},
	{"[4~", SD_KEY_END},
	{"[8~", SD_KEY_END},
	{"[2~", SD_KEY_INS},
	{"[3~", SD_KEY_DEL},
	{"[5~", SD_KEY_PGUP},
	{"[6~", SD_KEY_PGDN},
	{"[Z", SD_KEY_BACKTAB},
	{"OP", SD_KEY_F1},
	{"OQ", SD_KEY_F1 + 1},
	{"OR", SD_KEY_F1 + 2},
	{"OS", SD_KEY_F1 + 3},
	{"[11~", SD_KEY_F1},
	{"[12~", SD_KEY_F1 + 1},
	{"[13~", SD_KEY_F1 + 2},
	{"[14~", SD_KEY_F1 + 3},
	{"[15~", SD_KEY_F1 + 4},
	{"[17~", SD_KEY_F1 + 5},
	{"[18~", SD_KEY_F1 + 6},
	{"[19~", SD_KEY_F1 + 7},
	{"[20~", SD_KEY_F1 + 8},
	{"[21~", SD_KEY_F1 + 9},
	{"[23~", SD_KEY_F1 + 10},
	{"[24~", SD_KEY_F1 + 11},
	{"[[A", SD_KEY_F1},
	{"[[B", SD_KEY_F1 + 1},
	{"[[C", SD_KEY_F1 + 2},
	{"[[D", SD_KEY_F1 + 3},
	{"[[E", SD_KEY_F1 + 4},
	{"OM", SD_KEY_ENTER},
};

void sd_input_init(struct sd_input *in, int fd)
{
	const char *delay = getenv("ESCDELAY");
	int64_t ms = 0;

	memset(in, 0, sizeof *in);
	in->fd = fd;
	in->esc_ms = 25;
	if (delay && sd_parse_i64(delay, &ms) && ms >= 0 && ms <= 5000)
		in->esc_ms = (int)ms;
}

/* SGR mouse: ESC [ < button ; column ; row (M press | m release). */
static size_t decode_mouse(const unsigned char *s, size_t n, struct sd_key *k)
{
	int v[3] = {0, 0, 0}, at = 0;

	for (size_t i = 3; i < n && i < 32; i++) {
		if (s[i] >= '0' && s[i] <= '9') {
			if (v[at] < 100000)
				v[at] = v[at] * 10 + (s[i] - '0');
		} else if (s[i] == ';' && at < 2) {
			at++;
		} else {
			k->x = v[1] - 1;
			k->y = v[2] - 1;
			k->code = SD_KEY_UNKNOWN;
			if (s[i] == 'M' && (v[0] & ~0x1c) == 0)
				k->code = SD_KEY_CLICK;
			else if (s[i] == 'M' && (v[0] & ~0x1c) == 64)
				k->code = SD_KEY_WHEEL_UP;
			else if (s[i] == 'M' && (v[0] & ~0x1c) == 65)
				k->code = SD_KEY_WHEEL_DOWN;
			else if (s[i] == 'm')
				k->code = 0; /* a release means nothing */
			return i + 1;
		}
	}
	return n >= 32 ? 32 : 0;
}

/* "[1;5A" (with modifiers) reads as "[A", "[5;3~" as "[5~": we bind no modified cursor keys. */
static size_t plain_form(const unsigned char *s, size_t n, char out[16])
{
	size_t o = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == ';') {
			while (i + 1 < n && s[i + 1] >= '0' && s[i + 1] <= '9')
				i++;
			if (o == 2 && out[1] == '1' && i + 1 < n && s[i + 1] != '~')
				o = 1;
			continue;
		}
		if (o < 15)
			out[o++] = (char)s[i];
	}
	out[o] = 0;
	return o;
}

static size_t decode_escape(const unsigned char *s, size_t n, bool final, struct sd_key *k)
{
	size_t end = 2;
	char plain[16];

	k->code = SD_KEY_ESC;
	if (n == 1)
		return final ? 1 : 0;
	if (s[1] != '[' && s[1] != 'O') {
		if (s[1] != SD_KEY_ESC)
			k->code = SD_KEY_UNKNOWN; /* Alt and a key: nothing is bound to it */
		return s[1] == SD_KEY_ESC ? 1 : 2;
	}
	if (s[1] == '[' && n > 2 && s[2] == '<') {
		size_t used = decode_mouse(s, n, k);
		return used || !final ? used : n;
	}
	if (s[1] == '[' && n > 2 && s[2] == '[')
		end = 3;
	while (end < n && (s[1] == '[' ? s[end] < 0x40 || s[end] > 0x7e : false))
		end++;
	if (end >= n) {
		if (!final)
			return 0;
		k->code = n == 2 && s[1] == 'O' ? SD_KEY_UNKNOWN : SD_KEY_ESC;
		return n == 2 && s[1] == 'O' ? 2 : n;
	}
	end++;
	plain_form(s + 1, end - 1, plain);
	k->code = SD_KEY_UNKNOWN;
	for (size_t i = 0; i < sizeof SEQS / sizeof *SEQS; i++)
		if (strcmp(plain, SEQS[i].s) == 0)
			k->code = SEQS[i].code;
	return end;
}

size_t sd_key_decode(const unsigned char *s, size_t n, bool final, struct sd_key *k)
{
	uint32_t cp = 0;
	int used;
	size_t need;

	memset(k, 0, sizeof *k);
	if (!n)
		return 0;
	if (s[0] == SD_KEY_ESC)
		return decode_escape(s, n, final, k);
	if (s[0] < 0x80) {
		k->code = s[0] == '\n' ? SD_KEY_ENTER : s[0] == 8 ? SD_KEY_BACKSPACE : s[0];
		return 1;
	}
	need = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (n < need && !final)
		return 0;
	used = sd_utf8_get((const char *)s, n, &cp);
	k->code = used > 0 && cp >= 0xa0 ? cp : SD_KEY_UNKNOWN;
	return used > 0 ? (size_t)used : 1;
}

/* Reads what is there, waiting at most wait_ms; false when nothing came. */
static bool fill(struct sd_input *in, int wait_ms)
{
	struct pollfd p = {in->fd, POLLIN, 0};
	ssize_t got;

	if (in->len == sizeof in->buf || in->lost)
		return false;
	if (poll(&p, 1, wait_ms) <= 0)
		return false;
	got = read(in->fd, in->buf + in->len, sizeof in->buf - in->len);
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		in->lost = true;
	if (got <= 0)
		return false;
	in->len += (size_t)got;
	return true;
}

bool sd_input_next(struct sd_input *in, struct sd_key *k)
{
	for (;;) {
		size_t used;

		if (!in->len && !fill(in, 0)) {
			memset(k, 0, sizeof *k);
			k->code = SD_KEY_LOST;
			return in->lost;
		}
		used = sd_key_decode(in->buf, in->len, false, k);
		while (!used && fill(in, in->esc_ms))
			used = sd_key_decode(in->buf, in->len, false, k);
		if (!used)
			used = sd_key_decode(in->buf, in->len, true, k);
		memmove(in->buf, in->buf + used, in->len - used);
		in->len -= used;
		in->handled += used;
		if (k->code)
			return true;
	}
}

bool sd_input_pending(struct sd_input *in)
{
	return in->len || fill(in, 0);
}
