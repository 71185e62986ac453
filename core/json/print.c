/* core/json/print.c - a tree to JSON text; see json.h. */
#include "core/json/json.h"

#include <math.h>
#include <stdio.h>

#include "core/base/text.h"
#include "core/json/node.h"

static void special(struct sd_buf *out, unsigned char c)
{
	static const char FROM[] = "\"\\\n\t\r", TO[] = "\"\\ntr";
	const char *at = c ? strchr(FROM, c) : NULL;

	if (at) {
		char two[2] = {'\\', TO[at - FROM]};
		sd_buf_add(out, two, 2);
	} else {
		sd_buf_fmt(out, "\\u%04x", c);
	}
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
}

bool sd_json_quote(struct sd_buf *out, const char *s, size_t n)
{
	size_t from = 0, i = 0;
	char *room = sd_buf_room(out, n + 2);

	if (!room)
		return false;
	while (n - i >= 8 && !json_special8(s + i))
		i += 8;
	while (i < n && is_plain((unsigned char)s[i]))
		i++;
	if (i == n) { /* nearly always */
		room[0] = '"';
		memcpy(room + 1, s, n);
		room[n + 1] = '"';
		return sd_buf_took(out, n + 2);
	}
	sd_buf_ch(out, '"');
	while (i < n) {
		unsigned char c;
		if (n - i >= 8 && !json_special8(s + i)) {
			i += 8;
			continue;
		}
		c = (unsigned char)s[i++];
		if (is_plain(c))
			continue;
		sd_buf_add(out, s + from, i - 1 - from);
		from = i;
		special(out, c);
	}
	sd_buf_add(out, s + from, n - from);
	return sd_buf_ch(out, '"');
}

static void print_whole(int64_t v, struct sd_buf *out)
{
	char t[24], *p = t + sizeof t;
	uint64_t n = v < 0 ? -(uint64_t)v : (uint64_t)v;

	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	if (v < 0)
		*--p = '-';
	sd_buf_add(out, p, (size_t)(t + sizeof t - p));
}

static void print_number(double v, struct sd_buf *out)
{
	char t[40];

	if (!isfinite(v)) {
		sd_buf_str(out, "null");
	} else if (fabs(v) < 9007199254740992.0 && v == floor(v)) {
		print_whole((int64_t)v, out);
	} else { /* the shortest that reads back the same */
		for (int p = 15; p <= 17; p++) {
			snprintf(t, sizeof t, "%.*g", p, v);
			if (strtod(t, NULL) == v)
				break;
		}
		sd_buf_str(out, t);
	}
}

static void print(const cJSON *j, struct sd_buf *out, int indent);

static void print_members(const cJSON *j, bool object, struct sd_buf *out, int indent)
{
	sd_buf_ch(out, object ? '{' : '[');
	for (const cJSON *c = j->child; c; c = c->next) {
		if (indent >= 0)
			sd_buf_fmt(out, "\n%*s", indent + 2, "");
		if (object) {
			sd_json_quote(out, c->string, strlen(c->string));
			sd_buf_str(out, indent >= 0 ? ": " : ":");
		}
		print(c, out, indent >= 0 ? indent + 2 : -1);
		if (c->next)
			sd_buf_ch(out, ',');
	}
	if (indent >= 0 && j->child)
		sd_buf_fmt(out, "\n%*s", indent, "");
	sd_buf_ch(out, object ? '}' : ']');
}

static void print(const cJSON *j, struct sd_buf *out, int indent)
{
	switch (j ? j->type & 0xff : cJSON_NULL) {
	case cJSON_NULL:
		sd_buf_add(out, "null", 4);
		break;
	case cJSON_True:
		sd_buf_add(out, "true", 4);
		break;
	case cJSON_False:
		sd_buf_add(out, "false", 5);
		break;
	case cJSON_Number:
		print_number(j->valuedouble, out);
		break;
	case cJSON_Raw:
		sd_buf_str(out, j->valuestring);
		break;
	case cJSON_String:
		sd_json_quote(out, j->valuestring, strlen(j->valuestring));
		break;
	default:
		print_members(j, (j->type & 0xff) == cJSON_Object, out, indent);
	}
}

bool sd_json_print(const struct cJSON *j, struct sd_buf *out)
{
	print(j, out, -1);
	return sd_buf_ok(out);
}

bool sd_json_print_pretty(const struct cJSON *j, struct sd_buf *out)
{
	print(j, out, 0);
	return sd_buf_ok(out);
}

char *sd_json_text(const struct cJSON *j)
{
	struct sd_buf b = SD_BUF_INIT;

	if (!sd_json_print(j, &b)) {
		sd_buf_release(&b);
		return NULL;
	}
	return sd_buf_take(&b);
}
