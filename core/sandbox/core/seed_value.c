/*
 * core/sandbox/core/seed_value.c - believable values by a field's name and type, the same for the
 * same random numbers.  Appends JSON text.
 */
#include "core/sandbox/core/seed.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/base/time.h"
#include "core/json/json.h"

#define COUNT(a)  ((uint32_t)(sizeof(a) / sizeof(a)[0]))
#define YEAR_2024 INT64_C(1704067200000) /* ms */
#define TWO_YEARS (730u * 86400u)        /* s */

static const char *const adjectives[] = {"Quiet", "Bright", "Late", "Northern", "Second", "Open",
	"Careful", "Small", "Winter", "Shared", "Useful", "Long", "Early", "Plain", "Green",
	"Missing"};
static const char *const nouns[] = {"report", "garden", "meeting", "recipe", "journey", "invoice",
	"lecture", "harbour", "letter", "budget", "workshop", "library", "bridge", "survey",
	"kitchen", "calendar"};
static const char *const verbs[] = {"Review", "Write", "Plan", "Fix", "Order", "Call about",
	"Prepare", "Check", "Translate", "Archive", "Discuss", "Measure"};
static const char *const first_names[] = {"Nadia", "Jonas", "Mei", "Omar", "Ingrid", "Luis",
	"Aisha", "Pavel", "Chloé", "Tomás", "Yuki", "Sara", "Kwame", "Lena", "Ravi", "Björn"};
static const char *const last_names[] = {"Okafor", "Lindqvist", "Tanaka", "Moreau", "Silva",
	"Novak", "Haddad", "Keller", "Byrne", "Rossi", "Ivanova", "Chen", "Mbeki", "Larsen"};
static const char *const cities[] = {"Lisbon", "Oslo", "Nairobi", "Kyoto", "Lima", "Gdańsk",
	"Montréal", "Porto", "Tallinn", "Hobart", "Zürich", "Accra"};
static const char *const countries[] = {"Portugal", "Norway", "Kenya", "Japan", "Peru", "Poland",
	"Canada", "Estonia", "Australia", "Switzerland", "Ghana"};
static const char *const words[] = {"draft", "urgent", "home", "work", "travel", "idea", "2026",
	"family", "music", "health", "later", "done"};
static const char *const colors[] = {"red", "teal", "amber", "indigo", "olive", "grey"};
static const char *const owners[] = {"alice", "bob", "carol", "dave"};
static const char *const sentences[] = {"The first version is ready to be read.",
	"Two numbers are still missing on page three.", "Everybody agreed to meet again in May.",
	"It takes an hour, tea included.", "The old copy is in the drawer below.",
	"Ask at the desk for the second key.", "Nothing changed since last week.",
	"Please look at the last paragraph again.", "The train leaves from platform six."};

static const char *pick(struct sd_rand *r, const char *const *list, uint32_t n)
{
	return list[sd_rand_below(r, n)];
}

static bool has(const char *name, const char *word)
{
	size_t n = strlen(word);

	for (; *name; name++) {
		size_t i = 0;
		while (i < n && tolower((unsigned char)name[i]) == word[i])
			i++;
		if (i == n)
			return true;
	}
	return false;
}

static bool has_any(const char *name, const char *const *list, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (has(name, list[i]))
			return true;
	return false;
}

static void text_value(struct sd_rand *r, const char *name, uint64_t i, char *t, size_t room)
{
	static const char *const titles[] = {"title", "subject", "headline", "label"};
	static const char *const bodies[] = {"content", "body", "description", "text", "note",
		"comment", "summary", "message", "bio"};
	static const char *const people[] = {"author", "person", "customer", "user", "contact"};

	if (has(name, "owner"))
		snprintf(t, room, "%s", pick(r, owners, COUNT(owners)));
	else if (has(name, "email"))
		snprintf(t, room, "reader%u@example.com", sd_rand_below(r, 10000));
	else if (has(name, "task") || has(name, "todo"))
		snprintf(t, room, "%s the %s", pick(r, verbs, COUNT(verbs)),
			pick(r, nouns, COUNT(nouns)));
	else if (has_any(name, titles, COUNT(titles)))
		snprintf(t, room, "%s %s", pick(r, adjectives, COUNT(adjectives)),
			pick(r, nouns, COUNT(nouns)));
	else if (has_any(name, bodies, COUNT(bodies)))
		snprintf(t, room, "%s %s", pick(r, sentences, COUNT(sentences)),
			pick(r, sentences, COUNT(sentences)));
	else if (has(name, "first"))
		snprintf(t, room, "%s", pick(r, first_names, COUNT(first_names)));
	else if (has(name, "last") || has(name, "surname"))
		snprintf(t, room, "%s", pick(r, last_names, COUNT(last_names)));
	else if (has(name, "city") || has(name, "place") || has(name, "location"))
		snprintf(t, room, "%s", pick(r, cities, COUNT(cities)));
	else if (has(name, "country"))
		snprintf(t, room, "%s", pick(r, countries, COUNT(countries)));
	else if (has(name, "color") || has(name, "colour"))
		snprintf(t, room, "%s", pick(r, colors, COUNT(colors)));
	else if (has(name, "name") || has_any(name, people, COUNT(people)))
		snprintf(t, room, "%s %s", pick(r, first_names, COUNT(first_names)),
			pick(r, last_names, COUNT(last_names)));
	else if (has(name, "tag") || has(name, "categor") || has(name, "keyword"))
		snprintf(t, room, "%s", pick(r, words, COUNT(words)));
	else if (has(name, "slug") || has(name, "code") || has(name, "number"))
		snprintf(t, room, "%s-%05llu", pick(r, nouns, COUNT(nouns)), (unsigned long long)i);
	else
		snprintf(t, room, "%s %s", pick(r, nouns, COUNT(nouns)),
			pick(r, words, COUNT(words)));
}

static int64_t number_value(struct sd_rand *r, const char *name, uint64_t i)
{
	if (has(name, "rating") || has(name, "star") || has(name, "score"))
		return 1 + sd_rand_below(r, 5);
	if (has(name, "priority"))
		return 1 + sd_rand_below(r, 3);
	if (has(name, "age"))
		return 18 + sd_rand_below(r, 70);
	if (has(name, "year"))
		return 1990 + sd_rand_below(r, 36);
	if (has(name, "position") || has(name, "order") || has(name, "seq") || has(name, "rank"))
		return (int64_t)(i % 1000000);
	return sd_rand_below(r, 1000);
}

static void scalar_text(
	struct sd_rand *r, enum sd_scalar t, const char *name, uint64_t i, char *v, size_t room)
{
	int64_t at = YEAR_2024 + (int64_t)sd_rand_below(r, TWO_YEARS) * 1000;
	char iso[SD_TIME_TEXT];

	sd_time_iso(at, iso);
	switch (t) {
	case SD_T_AWSDATE:
		snprintf(v, room, "%.10s", iso);
		break;
	case SD_T_AWSTIME:
		snprintf(v, room, "%.12s", iso + 11);
		break;
	case SD_T_AWSDATETIME:
		snprintf(v, room, "%s", iso);
		break;
	case SD_T_AWSEMAIL:
		snprintf(v, room, "reader%u@example.com", sd_rand_below(r, 10000));
		break;
	case SD_T_AWSURL:
		snprintf(v, room, "https://example.com/%s/%u", pick(r, nouns, COUNT(nouns)),
			sd_rand_below(r, 10000));
		break;
	case SD_T_AWSPHONE:
		snprintf(v, room, "+1 555 %03u %04u", 100 + sd_rand_below(r, 900),
			sd_rand_below(r, 10000));
		break;
	case SD_T_AWSIPADDRESS:
		snprintf(v, room, "192.0.2.%u", 1 + sd_rand_below(r, 254));
		break;
	case SD_T_ID:
		sd_uuid4(r, v);
		break;
	default:
		text_value(r, name, i, v, room);
	}
}

static void scalar_value(
	struct sd_rand *r, const struct sd_field *f, uint64_t i, struct sd_buf *out)
{
	char v[256];

	switch (f->scalar) {
	case SD_T_INT:
		sd_buf_fmt(out, "%lld", (long long)number_value(r, f->name, i));
		return;
	case SD_T_FLOAT:
		sd_buf_fmt(out, "%u.%02u", sd_rand_below(r, 1000), 1 + sd_rand_below(r, 99));
		return;
	case SD_T_BOOLEAN:
		sd_buf_str(out, sd_rand_below(r, 10) < 4 ? "true" : "false");
		return;
	case SD_T_AWSTIMESTAMP:
		sd_buf_fmt(out, "%lld",
			(long long)(YEAR_2024 / 1000 + (int64_t)sd_rand_below(r, TWO_YEARS)));
		return;
	case SD_T_AWSJSON:
		sd_buf_fmt(out, "{\"pages\":%u,\"tag\":\"%s\"}", 1 + sd_rand_below(r, 40),
			pick(r, words, COUNT(words)));
		return;
	default:
		scalar_text(r, f->scalar, f->name, i, v, sizeof v);
		sd_json_quote(out, v, strlen(v));
	}
}

static void one(
	struct sd_rand *r, const struct sd_field *f, uint64_t i, unsigned depth, struct sd_buf *out)
{
	bool first = true;

	if (f->kind == SD_K_ENUM && f->en && f->en->value_count) {
		const char *v = f->en->values[sd_rand_below(r, (uint32_t)f->en->value_count)];
		sd_json_quote(out, v, strlen(v));
	} else if (f->kind == SD_K_NONMODEL && f->nonmodel) {
		sd_buf_ch(out, '{');
		for (size_t k = 0; k < f->nonmodel->field_count; k++) {
			const struct sd_field *in = &f->nonmodel->fields[k];
			bool must = in->list ? !in->list_nullable : in->required;
			/* types that hold themselves must come to an end */
			if (in->kind == SD_K_MODEL ||
				(in->kind == SD_K_NONMODEL && (depth >= 3 || (depth && !must))))
				continue;
			sd_buf_fmt(out, "%s\"%s\":", first ? "" : ",", in->name);
			sbx_seed_value(r, in, i, depth + 1, out);
			first = false;
		}
		sd_buf_ch(out, '}');
	} else if (f->kind == SD_K_SCALAR) {
		scalar_value(r, f, i, out);
	} else {
		sd_buf_str(out, "null");
	}
}

void sbx_seed_value(
	struct sd_rand *r, const struct sd_field *f, uint64_t i, unsigned depth, struct sd_buf *out)
{
	uint32_t n;

	if (!f->list) {
		one(r, f, i, depth, out);
		return;
	}
	n = 1 + sd_rand_below(r, 3);
	sd_buf_ch(out, '[');
	for (uint32_t k = 0; k < n; k++) {
		sd_buf_str(out, k ? "," : "");
		one(r, f, i, depth, out);
	}
	sd_buf_ch(out, ']');
}

/* A key's value: different for every record. */
void sbx_seed_key(struct sd_rand *r, const struct sd_field *f, uint64_t i, struct sd_buf *out)
{
	char v[300], id[SD_UUID_TEXT];

	if (f->kind == SD_K_SCALAR && (f->scalar == SD_T_INT || f->scalar == SD_T_AWSTIMESTAMP)) {
		sd_buf_fmt(out, "%llu", (unsigned long long)(i + 1));
	} else if (f->kind == SD_K_SCALAR && f->scalar == SD_T_FLOAT) {
		sd_buf_fmt(out, "%llu.5", (unsigned long long)(i + 1));
	} else if (f->kind == SD_K_SCALAR && f->scalar == SD_T_STRING &&
		   strcmp(f->name, "id") != 0) {
		snprintf(v, sizeof v, "%.100s-%06llu", f->name, (unsigned long long)(i + 1));
		sd_json_quote(out, v, strlen(v));
	} else if (f->kind == SD_K_SCALAR && (f->scalar == SD_T_ID || f->scalar == SD_T_STRING)) {
		sd_uuid4(r, id);
		sd_json_quote(out, id, strlen(id));
	} else {
		one(r, f, i, 0, out);
	}
}
