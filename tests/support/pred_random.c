/* tests/support/pred_random.c - see pred_random.h. */
#include "tests/support/pred_random.h"

#include <stdio.h>

#include "core/json/json.h"

unsigned long long world_seed = 0x5eed;

uint32_t world_below(uint32_t n)
{
	world_seed = world_seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(world_seed >> 33) % n;
}

static const char *const WORDS[] = {"", "a", "b", "ab", "ba", "B", "%", "_", "a%b", "[Amplify]",
	"\\", "'", "\"", "\xc3\xa9", "\xe6\x97\xa5", "\xf0\x9f\x98\x80", "\xef\xbc\xa1", "null",
	"and", "1", "10", "9", "a b", "2026-11-22", "-", "(", "\n"};

static struct cJSON *any_word(void)
{
	return sd_json_string(WORDS[world_below(sizeof WORDS / sizeof *WORDS)]);
}

static struct cJSON *any_time(void)
{
	static const char *const TIMES[] = {"2026-11-22T18:10:06.628Z", "2026-11-22T18:10:06.627Z",
		"2026-11-22T17:10:06.628Z", "2026-11-15", "2026-11-22",
		"2026-11-21T00:00:00+02:00"};

	return sd_json_string(TIMES[world_below(6)]);
}

static struct cJSON *any_value(const struct sd_field *f)
{
	static const int64_t LONG[] = {INT64_MAX, 9007199254740993, -9007199254740993, 1795367407};

	if (f->kind == SD_K_ENUM)
		return sd_json_string(f->en->values[world_below((uint32_t)f->en->value_count)]);
	switch (f->scalar) {
	case SD_T_INT:
		return sd_json_int((int64_t)world_below(14) - 3);
	case SD_T_AWSTIMESTAMP:
		return sd_json_int(world_below(3) ? 1795367400 + (int64_t)world_below(20)
						  : LONG[world_below(4)]);
	case SD_T_FLOAT:
		return sd_json_real(((double)world_below(40) - 20) / 4);
	case SD_T_BOOLEAN:
		return sd_json_bool(world_below(2));
	case SD_T_AWSDATE:
	case SD_T_AWSDATETIME:
		return any_time();
	default:
		return any_word();
	}
}

static struct cJSON *any_field(const struct sd_field *f)
{
	struct cJSON *list;

	if (world_below(4) == 0)
		return sd_json_null();
	if (f->kind == SD_K_NONMODEL || (f->kind == SD_K_SCALAR && f->scalar == SD_T_AWSJSON)) {
		list = sd_json_object();
		sd_json_add(list, "k", any_word());
		return list;
	}
	if (!f->list)
		return any_value(f);
	list = sd_json_array();
	for (uint32_t n = world_below(4); n; n--)
		sd_json_push(list, world_below(8) ? any_value(f) : sd_json_null());
	return list;
}

void world_random_row(struct world *w, int model, int nth)
{
	static const char *const STATES[] = {
		"synced", "pending", "sending", "conflict", "refused", "quarantined"};
	const struct sd_model *m = sd_schema_model(schema, world_models[model]);
	struct cJSON *rec = sd_json_object();
	char id[16];

	for (size_t i = 0; i < m->field_count; i++)
		if (m->fields[i].stored)
			sd_json_add(rec, m->fields[i].name, any_field(&m->fields[i]));
	snprintf(id, sizeof id, "%d", nth);
	sd_json_set(rec, "id", sd_json_string(id));
	snprintf(id, sizeof id, "%u", world_below(6));
	if (model && world_below(4))
		sd_json_set(rec, model == 1 ? "blogId" : "postId", sd_json_string(id));
	sd_json_add(
		rec, "_version", world_below(3) ? sd_json_int(world_below(12)) : sd_json_null());
	sd_json_add(rec, "_lastChangedAt",
		world_below(3) ? sd_json_int(NOW_MS - (int64_t)world_below(5) * 1800000)
			       : sd_json_null());
	sd_json_add(rec, "_deleted", world_below(5) ? sd_json_null() : sd_json_bool(true));
	sd_json_add(rec, "_state", sd_json_string(STATES[world_below(6)]));
	world_add(w, model, rec);
}

static void random_operand(const struct sd_field *f, bool member, struct sd_buf *out)
{
	struct cJSON *v;

	if (f->kind == SD_K_SCALAR && f->scalar == SD_T_AWSJSON)
		v = any_word();
	else
		v = f->kind == SD_K_ENUM && !member ? sd_json_string("TIV") : any_value(f);
	sd_json_print(v, out);
	sd_json_free(v);
}

static void random_meta(struct sd_buf *out)
{
	static const char *const META[] = {"_version > 4", "_version = null", "_version != 3",
		"_lastChangedAt last 1h", "_lastChangedAt <= 1795371006628", "_state = pending",
		"_state notIn (synced, refused)", "_deleted = true", "_deleted != true",
		"_version between 2 and 7", "all"};

	sd_buf_str(out, META[world_below(sizeof META / sizeof *META)]);
}

static void random_leaf(struct sd_buf *out)
{
	static const char *const PATHS[] = {
		"blog.", "comments.", "comments.post.", "blog.posts.", "comments.post.blog."};
	static const int ENDS[] = {0, 2, 1, 1, 0};
	static const char *const OPS[] = {"=", "!=", "<", "<=", ">", ">=", "between", "contains",
		"notContains", "beginsWith", "in", "notIn", "last"};
	const struct sd_model *m = post;
	const struct sd_field *f;
	uint32_t path = world_below(12), op = world_below(13);

	if (world_below(8) == 0) {
		random_meta(out);
		return;
	}
	if (path < 5) {
		sd_buf_str(out, PATHS[path]);
		m = sd_schema_model(schema, world_models[ENDS[path]]);
	}
	do
		f = &m->fields[world_below((uint32_t)m->field_count)];
	while (!f->stored);
	sd_buf_fmt(out, "%s %s ", f->name, OPS[op]);
	if (op < 2 && world_below(3) == 0) {
		sd_buf_str(out, "null");
	} else if (op == 6) {
		random_operand(f, true, out);
		sd_buf_str(out, " and ");
		random_operand(f, true, out);
	} else if (op == 10 || op == 11) {
		for (uint32_t i = 0, n = 1 + world_below(3); i < n; i++) {
			sd_buf_str(out, i ? ", " : "(");
			random_operand(f, true, out);
		}
		sd_buf_ch(out, ')');
	} else if (op == 12) {
		sd_buf_fmt(out, "%u%s", 1 + world_below(9), world_below(2) ? "h" : "d");
	} else {
		random_operand(f, f->list || op < 7, out);
	}
}

void world_random_text(unsigned depth, struct sd_buf *out)
{
	uint32_t n = depth ? world_below(6) : 0;

	if (n < 2) {
		random_leaf(out);
	} else if (n == 2) {
		sd_buf_str(out, "not ");
		world_random_text(depth - 1, out);
	} else {
		sd_buf_ch(out, '(');
		for (uint32_t i = 0, kids = 1 + world_below(3); i < kids; i++) {
			sd_buf_str(out, i ? n % 2 ? " and " : " or " : "");
			world_random_text(depth - 1, out);
		}
		sd_buf_ch(out, ')');
	}
}
