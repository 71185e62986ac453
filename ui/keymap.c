/* ui/keymap.c - see keymap.h. */
#include "ui/keymap.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"
#include "ui/term/key.h"

static const struct {
	const char *name;
	uint32_t code;
} NAMES[] = {
	{"Enter", SD_KEY_ENTER},
	{"Esc", SD_KEY_ESC},
	{"Tab", SD_KEY_TAB},
	{"S-Tab", SD_KEY_BACKTAB},
	{"Space", ' '},
	{"Backspace", SD_KEY_BACKSPACE},
	{"Up", SD_KEY_UP},
	{"Down", SD_KEY_DOWN},
	{"Left", SD_KEY_LEFT},
	{"Right", SD_KEY_RIGHT},
	{"Home", SD_KEY_HOME},
	{"End", SD_KEY_END},
	{"PgUp", SD_KEY_PGUP},
	{"PgDn", SD_KEY_PGDN},
	{"Ins", SD_KEY_INS},
	{"Del", SD_KEY_DEL},
};
#define NAME_COUNT (sizeof NAMES / sizeof *NAMES)

void sd_key_name(uint32_t code, char out[SD_KEY_NAME])
{
	char cp[4];
	int n;

	for (size_t i = 0; i < NAME_COUNT; i++) {
		if (NAMES[i].code == code) {
			snprintf(out, SD_KEY_NAME, "%s", NAMES[i].name);
			return;
		}
	}
	if (code >= SD_KEY_F1 && code <= SD_KEY_F12) {
		snprintf(out, SD_KEY_NAME, "F%u", (unsigned)(code - SD_KEY_F1 + 1));
		return;
	}
	if (code >= 1 && code <= 26) {
		snprintf(out, SD_KEY_NAME, "C-%c", (char)('a' + code - 1));
		return;
	}
	n = code >= 32 ? sd_utf8_put(code, cp) : 0;
	snprintf(out, SD_KEY_NAME, "%.*s", n ? n : 3, n ? cp : "???");
}

uint32_t sd_key_parse(const char *name, size_t n)
{
	uint32_t cp = 0;
	int64_t number = 0;
	char digits[3] = {0};

	for (size_t i = 0; i < NAME_COUNT; i++)
		if (strlen(NAMES[i].name) == n && strncasecmp(NAMES[i].name, name, n) == 0)
			return NAMES[i].code;
	if (n == 3 && (name[0] == 'C' || name[0] == 'c') && name[1] == '-') {
		char c = (char)(name[2] | 0x20);

		return c >= 'a' && c <= 'z' ? (uint32_t)(c - 'a' + 1) : 0;
	}
	if ((n == 2 || n == 3) && (name[0] == 'F' || name[0] == 'f')) {
		memcpy(digits, name + 1, n - 1);
		if (sd_parse_i64(digits, &number) && number >= 1 && number <= 12)
			return SD_KEY_F1 + (uint32_t)number - 1;
	}
	if (n && sd_utf8_get(name, n, &cp) == (int)n && cp > 32 && cp != 127)
		return cp;
	return 0;
}

/* Blank-separated key names into keys[]; false at a name that is none, with its place. */
static bool read_keys(const char *s, uint32_t keys[SD_KEYS_PER_ACTION], const char **bad)
{
	size_t count = 0;

	memset(keys, 0, sizeof(uint32_t) * SD_KEYS_PER_ACTION);
	for (;;) {
		size_t n;

		s += strspn(s, " ");
		n = strcspn(s, " ");
		if (!n)
			return true;
		*bad = s;
		if (count == SD_KEYS_PER_ACTION || !(keys[count++] = sd_key_parse(s, n)))
			return false;
		s += n;
	}
}

static enum sd_err override(struct sd_keymap *m, const char *text, struct sd_error *e)
{
	const char *eq = strchr(text, '='), *bad = "";
	char name[64];
	enum sd_act a;

	if (!eq || (size_t)(eq - text) >= sizeof name)
		return sd_fail(e, SD_INVAL, 0, "keys.%.60s: expected action=keys", text);
	memcpy(name, text, (size_t)(eq - text));
	name[eq - text] = 0;
	a = sd_action_find(name);
	if (a == SD_ACT_NONE)
		return sd_fail(e, SD_INVAL, 0,
			"keys.%s: there is no such action; syncdeck keys lists them", name);
	if (!read_keys(eq + 1, m->keys[a], &bad))
		return sd_fail(e, SD_INVAL, 0,
			"keys.%s: \"%.*s\" is not a key (write j, C-s, F1, Enter, PgDn ...; at "
			"most %d)",
			name, (int)strcspn(bad, " "), bad, SD_KEYS_PER_ACTION);
	return SD_OK;
}

enum sd_err sd_keymap_check(const char *text, struct sd_error *e)
{
	struct sd_keymap any = {0};

	return override(&any, text, e);
}

static bool has_key(const struct sd_keymap *m, enum sd_act a, uint32_t code)
{
	for (int i = 0; i < SD_KEYS_PER_ACTION && m->keys[a][i]; i++)
		if (m->keys[a][i] == code)
			return true;
	return false;
}

static enum sd_err check_clashes(const struct sd_keymap *m, struct sd_error *e)
{
	char key[SD_KEY_NAME];

	for (int a = 1; a < SD_ACT_COUNT; a++) {
		for (int i = 0; i < SD_KEYS_PER_ACTION && m->keys[a][i]; i++) {
			for (int b = a + 1; b < SD_ACT_COUNT; b++) {
				if (!(sd_action(a)->where & sd_action(b)->where) ||
					!has_key(m, (enum sd_act)b, m->keys[a][i]))
					continue;
				sd_key_name(m->keys[a][i], key);
				return sd_fail(e, SD_INVAL, 0,
					"keys: %s would mean both %s and %s; give one of them "
					"another key",
					key, sd_action((enum sd_act)a)->name,
					sd_action((enum sd_act)b)->name);
			}
		}
	}
	return SD_OK;
}

enum sd_err sd_keymap_init(struct sd_keymap *m, const char *const *overrides, struct sd_error *e)
{
	const char *bad = "";

	memset(m, 0, sizeof *m);
	for (int a = 1; a < SD_ACT_COUNT; a++)
		if (!read_keys(sd_action((enum sd_act)a)->keys, m->keys[a], &bad))
			return sd_fail(e, SD_INVAL, 0, "action table: bad key \"%s\"", bad);
	for (; overrides && *overrides; overrides++) {
		enum sd_err rc = override(m, *overrides, e);

		if (rc != SD_OK)
			return rc;
	}
	if (!m->keys[SD_ACT_HELP][0] || !m->keys[SD_ACT_BACK][0] ||
		(!m->keys[SD_ACT_QUIT][0] && !m->keys[SD_ACT_QUIT_BACK][0]))
		return sd_fail(e, SD_INVAL, 0, "keys: help, back and quit each need a key");
	return check_clashes(m, e);
}

enum sd_act sd_keymap_find(const struct sd_keymap *m, enum sd_ctx ctx, uint32_t code)
{
	for (int a = 1; a < SD_ACT_COUNT; a++)
		if ((sd_action((enum sd_act)a)->where & ctx) && has_key(m, (enum sd_act)a, code))
			return (enum sd_act)a;
	return SD_ACT_NONE;
}

bool sd_keymap_show(const struct sd_keymap *m, enum sd_act a, struct sd_buf *out)
{
	char key[SD_KEY_NAME];

	for (int i = 0; i < SD_KEYS_PER_ACTION && m->keys[a][i]; i++) {
		sd_key_name(m->keys[a][i], key);
		sd_buf_fmt(out, "%s%s", i ? " " : "", key);
	}
	return sd_buf_ok(out);
}

uint32_t sd_keymap_first(const struct sd_keymap *m, enum sd_act a)
{
	return m->keys[a][0];
}
