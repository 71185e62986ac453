/* core/model/plural.c - see plural.h.  Tables: the English plural rules of the service. */
#include "core/model/plural.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"

/*
 * A rule matches the end of the word: one of stems, then one of ends; the ends go, out comes.
 * Words of a list are parted by blanks, "-" is the empty one, [abc] and [^abc] are one letter.
 * The first rule that matches counts (the library adds them the other way round).
 */
static const struct rule {
	const char *stems, *ends, *out;
	bool whole; /* the match must begin where the word does */
} RULE[] = {
	/* no plural at all */
	{"sheep pox ois ous measles fish deer [^aeiou]ese pokemon", "-", "", false},
	{"-", "thou", "you", true},
	{"-", "man men", "men", false},
	{"eaux", "-", "", false},
	{"child", "ren -", "ren", false},
	{"pe", "rson ople", "ople", false},
	{"titm m l", "ice ouse", "ice", true},
	{"matr cod mur sil vert ind append", "ix ex", "ices", false},
	{"x ch ss sh zz", "-", "es", false},
	{"[^ch][ieo][ln]", "ey", "ies", false},
	{"[^aeiouy] qu", "y", "ies", false},
	{"kni wi li", "fe", "ves", false},
	{"ar l ea eo oa hoo", "f", "ves", false},
	{"-", "sis", "ses", false},
	{"apheli hyperbat periheli asyndet noumen phenomen criteri organ prolegomen hedr automat",
		"a on", "a", false},
	{"agend addend millenni dat extrem bacteri desiderat strat candelabr errat ov symposi "
	 "curricul automat quor",
		"a um", "a", false},
	{"her at gr", "o", "oes", false},
	{"seraph cherub", "im -", "im", false},
	{"alumn alg vertebr", "ae a", "ae", false},
	{"alumn syllab vir radi nucle fung cact stimul termin bacill foc uter loc strat", "us i",
		"i", false},
	{"[^l]ias [aeiou]las [ejzr]as [iu]am", "-", "", false},
	{"e[mn]u", "s -", "s", false},
	{"alias [^aou]us t[lm]as gas ris", "-", "es", false},
	{"ax test", "is", "es", false},
	{"-", "s -", "s", false},
};

/* Whole words, one and many. */
static const char *const IRREGULAR[][2] = {
	{"i", "we"},
	{"me", "us"},
	{"he", "they"},
	{"she", "they"},
	{"them", "them"},
	{"myself", "ourselves"},
	{"yourself", "yourselves"},
	{"itself", "themselves"},
	{"herself", "themselves"},
	{"himself", "themselves"},
	{"themself", "themselves"},
	{"is", "are"},
	{"was", "were"},
	{"has", "have"},
	{"this", "these"},
	{"that", "those"},
	{"echo", "echoes"},
	{"dingo", "dingoes"},
	{"volcano", "volcanoes"},
	{"tornado", "tornadoes"},
	{"torpedo", "torpedoes"},
	{"genus", "genera"},
	{"viscus", "viscera"},
	{"stigma", "stigmata"},
	{"stoma", "stomata"},
	{"dogma", "dogmata"},
	{"lemma", "lemmata"},
	{"schema", "schemata"},
	{"anathema", "anathemata"},
	{"ox", "oxen"},
	{"axe", "axes"},
	{"die", "dice"},
	{"yes", "yeses"},
	{"foot", "feet"},
	{"eave", "eaves"},
	{"goose", "geese"},
	{"tooth", "teeth"},
	{"quiz", "quizzes"},
	{"human", "humans"},
	{"proof", "proofs"},
	{"carve", "carves"},
	{"valve", "valves"},
	{"looey", "looies"},
	{"thief", "thieves"},
	{"groove", "grooves"},
	{"pickaxe", "pickaxes"},
	{"passerby", "passersby"},
	{"canvas", "canvases"},
};

static const char UNCOUNTABLE[] =
	" adulthood advice agenda aid aircraft alcohol ammo analytics anime athletics audio bison "
	"blood bream buffalo butter carp cash chassis chess clothing cod commerce cooperation "
	"corps debris diabetes digestion elk energy equipment excretion expertise firmware "
	"flounder fun gallows garbage graffiti hardware headquarters health herpes highjinks "
	"homework "
	"housework information jeans justice kudos labour literature machinery mackerel mail "
	"media mews moose music mud manga news only personnel pike plankton pliers police "
	"pollution premises rain research rice salmon scissors series sewage shambles shrimp "
	"software staff swine tennis traffic transportation trout tuna wealth welfare whiting "
	"wildebeest wildlife you ";

/* Does the text [w, w + at) end with pattern [p, p + n)?  Its letters, -1 when it does not. */
static int ends_with(const char *w, size_t at, const char *p, size_t n)
{
	size_t left = at;

	if (n == 1 && *p == '-')
		return 0;
	while (n) {
		char c;

		if (!left)
			return -1;
		c = w[--left];
		if (p[n - 1] == ']') {
			const char *open = p + n - 1;
			bool not, in;

			while (*open != '[')
				open--;
			not = open[1] == '^';
			in = memchr(open + 1 + not, c, (size_t)(p + n - 2 - open) - not ) != NULL;
			if (in == not )
				return -1;
			n = (size_t)(open - p);
		} else if (p[--n] != c) {
			return -1;
		}
	}
	return (int)(at - left);
}

/* The longest of the blank-parted patterns that the text ends with; -1: none. */
static int longest(const char *w, size_t at, const char *list)
{
	int best = -1;

	while (*list) {
		size_t n = strcspn(list, " ");
		int got = ends_with(w, at, list, n);
		if (got > best)
			best = got;
		list += n + (list[n] == ' ');
	}
	return best;
}

static bool same_in(const char *s, size_t n, int (*to)(int))
{
	for (size_t i = 0; i < n; i++)
		if (to((unsigned char)s[i]) != (unsigned char)s[i])
			return false;
	return true;
}

/* Adds token in the case of the model word: as it is, lower, UPPER or Title. */
static void add_in_case(struct sd_buf *out, const char *model, size_t n, const char *token)
{
	size_t len = strlen(token);
	bool lower, upper, title;

	if (n == len && memcmp(model, token, n) == 0) {
		sd_buf_str(out, token);
		return;
	}
	lower = same_in(model, n, tolower);
	upper = !lower && same_in(model, n, toupper);
	title = !lower && !upper && n && toupper((unsigned char)*model) == (unsigned char)*model;
	for (size_t i = 0; i < len; i++) {
		int c = (unsigned char)token[i];
		sd_buf_ch(out, (char)(upper || (title && i == 0) ? toupper(c) : tolower(c)));
	}
}

/* The rule on a word that ends in stem + end; false when it does not match. */
static bool apply(const struct rule *r, const char *word, const char *low, size_t n, size_t end,
	struct sd_buf *out)
{
	int stem = longest(low, n - end, r->stems);
	size_t from;
	struct sd_buf result = SD_BUF_INIT;

	if (stem < 0)
		return false;
	from = n - end - (size_t)stem;
	if (r->whole && from)
		return false;
	sd_buf_add(out, word, from);
	sd_buf_add(&result, word + from, (size_t)stem);
	sd_buf_str(&result, *r->out || end ? r->out : "");
	if (from == n && n) /* nothing matched: the letter before gives the case */
		add_in_case(out, word + n - 1, 1, sd_buf_text(&result));
	else
		add_in_case(out, word + from, n - from, sd_buf_text(&result));
	if (!sd_buf_ok(&result))
		out->failed = true;
	sd_buf_release(&result);
	return true;
}

static bool try_rule(
	const struct rule *r, const char *word, const char *low, size_t n, struct sd_buf *out)
{
	const char *ends = r->ends;

	while (*ends) {
		size_t len = strcspn(ends, " ");
		int end = ends_with(low, n, ends, len);
		if (end >= 0 && apply(r, word, low, n, (size_t)end, out))
			return true;
		ends += len + (ends[len] == ' ');
	}
	return false;
}

static void pluralise(const char *word, const char *low, size_t n, struct sd_buf *out)
{
	const char *at;

	for (int many = 1; many >= 0; many--)
		for (size_t i = 0; i < sizeof IRREGULAR / sizeof *IRREGULAR; i++)
			if (strcmp(low, IRREGULAR[i][many]) == 0) {
				add_in_case(out, word, n, IRREGULAR[i][1]);
				return;
			}
	for (at = UNCOUNTABLE; (at = strstr(at, low)); at++)
		if (at[-1] == ' ' && at[n] == ' ')
			break;
	if (at || !n || (unsigned char)word[n - 1] >= 0x80) {
		sd_buf_str(out, word);
		return;
	}
	for (size_t i = 0; i < sizeof RULE / sizeof *RULE; i++)
		if (try_rule(&RULE[i], word, low, n, out))
			return;
	sd_buf_str(out, word);
}

char *sd_plural(const char *word)
{
	struct sd_buf out = SD_BUF_INIT;
	size_t n = strlen(word);
	char *low = strdup(word), *text;

	if (!low)
		return NULL;
	for (size_t i = 0; i < n; i++)
		low[i] = (char)tolower((unsigned char)low[i]);
	if (n)
		pluralise(word, low, n, &out);
	text = sd_buf_take(&out);
	free(low);
	sd_buf_release(&out);
	return text;
}
