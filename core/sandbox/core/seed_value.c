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

/* printf is too slow for a million records of many fields. */
static void put_number(struct sd_buf *out, uint64_t v, unsigned width)
{
	char t[24];
	unsigned n = sizeof t;

	do {
		t[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v || sizeof t - n < width);
	sd_buf_add(out, t + n, sizeof t - n);
}

/* ---- what a field's name says of its values ---- */

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

/* Two lists: a word of each with a blank between.  One: a word of it. */
static const struct kind {
	const char *in_name[10];
	const char *const *first, *const *second;
	uint32_t first_count, second_count;
	bool email, serial, article;
} KIND[] = {
#define LIST(a) .first = (a), .first_count = COUNT(a)
#define THEN(a) .second = (a), .second_count = COUNT(a)
	{.in_name = {"owner"}, LIST(owners)}, {.in_name = {"email"}, .email = true},
	{.in_name = {"task", "todo"}, LIST(verbs), THEN(nouns), .article = true},
	{.in_name = {"title", "subject", "headline", "label"}, LIST(adjectives), THEN(nouns)},
	{.in_name = {"content", "body", "description", "text", "note", "comment", "summary",
		 "message", "bio"},
		LIST(sentences),
		THEN(sentences)},
	{.in_name = {"first"}, LIST(first_names)},
	{.in_name = {"last", "surname"}, LIST(last_names)},
	{.in_name = {"city", "place", "location"}, LIST(cities)},
	{.in_name = {"country"}, LIST(countries)}, {.in_name = {"color", "colour"}, LIST(colors)},
	{.in_name = {"name", "author", "person", "customer", "user", "contact"},
		LIST(first_names),
		THEN(last_names)},
	{.in_name = {"tag", "categor", "keyword"}, LIST(words)},
	{.in_name = {"slug", "code", "number"}, LIST(nouns), .serial = true},
	{.in_name = {NULL}, LIST(nouns), THEN(words)}, /* anything else */
#undef LIST
#undef THEN
};

static const struct range {
	const char *in_name[6];
	uint32_t from, count; /* count 0: which record it is */
} RANGE[] = {
	{{"rating", "star", "score"}, 1, 5}, {{"priority"}, 1, 3}, {{"age"}, 18, 70},
	{{"year"}, 1990, 36}, {{"position", "order", "seq", "rank"}, 0, 0},
	{{NULL}, 0, 1000}, /* anything else */
};

static bool names(const char *name, const char *const *list)
{
	if (!*list)
		return true;
	for (; *list; list++)
		if (has(name, *list))
			return true;
	return false;
}

static const struct sbx_seed_name *name_of(struct sbx_seeder *s, const struct sd_field *f)
{
	struct sbx_seed_name *n = &s->name[((uintptr_t)f / sizeof *f) % COUNT(s->name)];

	if (n->f != f) {
		n->f = f;
		n->text = n->number = 0;
		while (!names(f->name, KIND[n->text].in_name))
			n->text++;
		while (!names(f->name, RANGE[n->number].in_name))
			n->number++;
	}
	return n;
}

/* ---- values ---- */

static void put_email(struct sd_rand *r, struct sd_buf *out)
{
	sd_buf_str(out, "reader");
	put_number(out, sd_rand_below(r, 10000), 1);
	sd_buf_str(out, "@example.com");
}

/* The second word is drawn first: so it always was, and a seed's records stay what they are. */
static void put_text(struct sd_rand *r, const struct kind *k, uint64_t i, struct sd_buf *out)
{
	const char *second = k->second ? pick(r, k->second, k->second_count) : NULL;

	if (k->email) {
		put_email(r, out);
		return;
	}
	sd_buf_str(out, pick(r, k->first, k->first_count));
	if (k->article)
		sd_buf_str(out, " the");
	if (second) {
		sd_buf_ch(out, ' ');
		sd_buf_str(out, second);
	}
	if (k->serial) {
		sd_buf_ch(out, '-');
		put_number(out, i, 5);
	}
}

static int64_t number_value(struct sd_rand *r, const struct range *g, uint64_t i)
{
	return g->count ? (int64_t)(g->from + sd_rand_below(r, g->count)) : (int64_t)(i % 1000000);
}

static void put_time(enum sd_scalar t, int64_t at, struct sd_buf *out)
{
	char iso[SD_TIME_TEXT];

	sd_time_iso(at, iso);
	if (t == SD_T_AWSDATE)
		sd_buf_add(out, iso, 10);
	else if (t == SD_T_AWSTIME)
		sd_buf_add(out, iso + 11, 12);
	else
		sd_buf_str(out, iso);
}

/* None of the texts needs an escape. */
static void scalar_text(
	struct sbx_seeder *s, const struct sd_field *f, uint64_t i, struct sd_buf *out)
{
	struct sd_rand *r = &s->r;
	int64_t at = YEAR_2024 + (int64_t)sd_rand_below(r, TWO_YEARS) * 1000;
	char id[SD_UUID_TEXT];
	uint32_t n;

	switch (f->scalar) {
	case SD_T_AWSDATE:
	case SD_T_AWSTIME:
	case SD_T_AWSDATETIME:
		put_time(f->scalar, at, out);
		break;
	case SD_T_AWSEMAIL:
		put_email(r, out);
		break;
	case SD_T_AWSURL:
		n = sd_rand_below(r, 10000);
		sd_buf_str(out, "https://example.com/");
		sd_buf_str(out, pick(r, nouns, COUNT(nouns)));
		sd_buf_ch(out, '/');
		put_number(out, n, 1);
		break;
	case SD_T_AWSPHONE:
		n = sd_rand_below(r, 10000);
		sd_buf_str(out, "+1 555 ");
		put_number(out, 100 + sd_rand_below(r, 900), 3);
		sd_buf_ch(out, ' ');
		put_number(out, n, 4);
		break;
	case SD_T_AWSIPADDRESS:
		sd_buf_str(out, "192.0.2.");
		put_number(out, 1 + sd_rand_below(r, 254), 1);
		break;
	case SD_T_ID:
		sd_uuid4(r, id);
		sd_buf_str(out, id);
		break;
	default:
		put_text(r, &KIND[name_of(s, f)->text], i, out);
	}
}

static void scalar_value(
	struct sbx_seeder *s, const struct sd_field *f, uint64_t i, struct sd_buf *out)
{
	struct sd_rand *r = &s->r;
	const char *word;
	uint32_t n;

	switch (f->scalar) {
	case SD_T_INT:
		put_number(out, (uint64_t)number_value(r, &RANGE[name_of(s, f)->number], i), 1);
		return;
	case SD_T_FLOAT:
		n = 1 + sd_rand_below(r, 99);
		put_number(out, sd_rand_below(r, 1000), 1);
		sd_buf_ch(out, '.');
		put_number(out, n, 2);
		return;
	case SD_T_BOOLEAN:
		sd_buf_str(out, sd_rand_below(r, 10) < 4 ? "true" : "false");
		return;
	case SD_T_AWSTIMESTAMP:
		put_number(out, (uint64_t)(YEAR_2024 / 1000) + sd_rand_below(r, TWO_YEARS), 1);
		return;
	case SD_T_AWSJSON:
		word = pick(r, words, COUNT(words));
		sd_buf_str(out, "{\"pages\":");
		put_number(out, 1 + sd_rand_below(r, 40), 1);
		sd_buf_str(out, ",\"tag\":\"");
		sd_buf_str(out, word);
		sd_buf_str(out, "\"}");
		return;
	default:
		sd_buf_ch(out, '"');
		scalar_text(s, f, i, out);
		sd_buf_ch(out, '"');
	}
}

static void one(struct sbx_seeder *s, const struct sd_field *f, uint64_t i, unsigned depth,
	struct sd_buf *out)
{
	bool first = true;

	if (f->kind == SD_K_ENUM && f->en && f->en->value_count) {
		const char *v = f->en->values[sd_rand_below(&s->r, (uint32_t)f->en->value_count)];
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
			sd_buf_str(out, first ? "\"" : ",\"");
			sd_buf_str(out, in->name);
			sd_buf_str(out, "\":");
			sbx_seed_value(s, in, i, depth + 1, out);
			first = false;
		}
		sd_buf_ch(out, '}');
	} else if (f->kind == SD_K_SCALAR) {
		scalar_value(s, f, i, out);
	} else {
		sd_buf_str(out, "null");
	}
}

void sbx_seed_value(struct sbx_seeder *s, const struct sd_field *f, uint64_t i, unsigned depth,
	struct sd_buf *out)
{
	uint32_t n;

	if (!f->list) {
		one(s, f, i, depth, out);
		return;
	}
	n = 1 + sd_rand_below(&s->r, 3);
	sd_buf_ch(out, '[');
	for (uint32_t k = 0; k < n; k++) {
		sd_buf_str(out, k ? "," : "");
		one(s, f, i, depth, out);
	}
	sd_buf_ch(out, ']');
}

/* A key's value: different for every record. */
void sbx_seed_key(struct sbx_seeder *s, const struct sd_field *f, uint64_t i, struct sd_buf *out)
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
		sd_uuid4(&s->r, id);
		sd_json_quote(out, id, strlen(id));
	} else {
		one(s, f, i, 0, out);
	}
}
