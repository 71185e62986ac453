/* ui/view/value.c - values, times and names as a person reads them.  See view.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/text.h"
#include "ui/view/view.h"

bool sd_show_value(const struct cJSON *v, struct sd_buf *out)
{
	const char *s = sd_json_str(v);

	if (sd_json_is_null(v))
		return sd_buf_str(out, "--");
	if (s)
		return sd_buf_str(out, s);
	return sd_json_print(v, out);
}

void sd_show_ago(int64_t ms, char out[SD_TIME_TEXT])
{
	int64_t d = sd_now_ms() - ms;
	size_t n;

	if (ms <= 0) {
		snprintf(out, SD_TIME_TEXT, "--");
		return;
	}
	if (d < 1000 && d > -60000) {
		snprintf(out, SD_TIME_TEXT, "now");
		return;
	}
	sd_age_text(d < 0 ? -d : d, out);
	n = strlen(out);
	snprintf(out + n, SD_TIME_TEXT - n, "%s", d < 0 ? " ahead" : " ago");
}

void sd_show_clock(int64_t ms, char out[SD_TIME_TEXT])
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	if (!localtime_r(&t, &tm) || !strftime(out, SD_TIME_TEXT, "%H:%M:%S", &tm))
		snprintf(out, SD_TIME_TEXT, "--:--:--");
}

void sd_show_count(int64_t n, char out[SD_TIME_TEXT])
{
	char digits[32];
	size_t len, o = 0;

	snprintf(digits, sizeof digits, "%lld", (long long)(n < 0 ? 0 : n));
	len = strlen(digits);
	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			out[o++] = ',';
		out[o++] = digits[i];
	}
	out[o] = 0;
}

/* Instants as ages where the column asks for it, else without the "T" and the fraction. */
bool sd_show_field(const struct sd_field *f, const struct cJSON *rec, bool ages, struct sd_buf *out)
{
	const struct cJSON *v = sd_json_get(rec, f->name);
	const char *s = sd_json_str(v);
	char t[SD_TIME_TEXT];
	int64_t ms;

	if (s && f->kind == SD_K_SCALAR && f->scalar == SD_T_AWSDATETIME && !f->list &&
		sd_time_parse(s, &ms)) {
		if (ages) {
			sd_show_ago(ms, t);
			return sd_buf_str(out, t);
		}
		if (strlen(s) >= 19 && s[10] == 'T')
			return sd_buf_fmt(
				out, "%.10s %.8s%s", s, s + 11, sd_str_ends(s, "Z") ? "Z" : s + 19);
	}
	return sd_show_value(v, out);
}

/* Long keys (UUIDs) by their ends: "7f3a0c..1191". */
bool sd_show_key(const char *key, struct sd_buf *out)
{
	struct sd_buf b = SD_BUF_INIT;
	const char *s;
	bool ok;

	sd_key_show(key ? key : "[]", &b);
	s = sd_buf_text(&b);
	if (b.len > 16 && !strpbrk(s, " /") && sd_utf8_cut(s, b.len, 6) == 6 &&
		((unsigned char)s[b.len - 4] & 0xc0) != 0x80)
		ok = sd_buf_fmt(out, "%.6s..%s", s, s + b.len - 4);
	else
		ok = sd_buf_str(out, s);
	sd_buf_release(&b);
	return ok;
}

char *sd_key_text(const struct sd_model *m, const struct cJSON *rec)
{
	struct sd_buf b = SD_BUF_INIT;

	if (!m || !rec || sd_key_of(m, rec, &b, NULL) != SD_OK) {
		sd_buf_release(&b);
		return NULL;
	}
	return sd_buf_take(&b);
}

char *sd_key_json(const struct cJSON *key)
{
	if (!sd_json_is_array(key))
		return NULL;
	return sd_json_text(key);
}

/* The first text that is not a key: what a person calls the record. */
bool sd_show_record(const struct sd_model *m, const struct cJSON *rec, struct sd_buf *out)
{
	char *key = sd_key_text(m, rec);

	if (key)
		sd_show_key(key, out);
	free(key);
	for (size_t i = 0; i < m->field_count; i++) {
		const struct sd_field *f = &m->fields[i];
		const char *s = sd_json_get_str(rec, f->name);

		if (f->kind != SD_K_SCALAR || f->scalar != SD_T_STRING || f->list || !s || !*s ||
			sd_model_is_key(m, f))
			continue;
		return sd_buf_fmt(out, " \"%.60s\"", s);
	}
	return sd_buf_ok(out);
}

static const struct {
	const char *state, *word;
	char mark;
	enum sd_role role;
} STATES[] = {
	{"pending", "out", '*', SD_R_UNSENT},
	{"sending", "sending", '~', SD_R_SYNCING},
	{"conflict", "conf", '!', SD_R_CONFLICT},
	{"refused", "refused", 'x', SD_R_ERROR},
	{"quarantined", "odd", '?', SD_R_WARN},
	{"local", "local", ' ', SD_R_DIM},
};

char sd_state_mark(const char *state, enum sd_role *role)
{
	for (size_t i = 0; state && i < sizeof STATES / sizeof *STATES; i++) {
		if (strcmp(STATES[i].state, state) == 0) {
			*role = STATES[i].role;
			return STATES[i].mark;
		}
	}
	*role = SD_R_TEXT;
	return ' ';
}

const char *sd_state_word(const char *state)
{
	for (size_t i = 0; state && i < sizeof STATES / sizeof *STATES; i++)
		if (strcmp(STATES[i].state, state) == 0)
			return STATES[i].word;
	return "";
}

bool sd_where_eq(const char *field, const struct cJSON *v, struct sd_buf *out)
{
	sd_buf_fmt(out, "%s = ", field);
	return sd_json_print(v, out);
}
