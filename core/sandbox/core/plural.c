/*
 * core/sandbox/core/plural.c - the service's plural of a type name (spec/server.md 1.3).
 *
 * The rules of the MIT-licensed "pluralize" library, restated as data and matched by hand: whole
 * words first, then endings, newest first, first match wins.
 */
#include "core/sandbox/core/types.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whole words: singular, plural. */
static const char *const irregular[][2] = {{"i", "we"}, {"me", "us"}, {"he", "they"},
	{"she", "they"}, {"them", "them"}, {"myself", "ourselves"}, {"yourself", "yourselves"},
	{"itself", "themselves"}, {"herself", "themselves"}, {"himself", "themselves"},
	{"themself", "themselves"}, {"is", "are"}, {"was", "were"}, {"has", "have"},
	{"this", "these"}, {"that", "those"}, {"echo", "echoes"}, {"dingo", "dingoes"},
	{"volcano", "volcanoes"}, {"tornado", "tornadoes"}, {"torpedo", "torpedoes"},
	{"genus", "genera"}, {"viscus", "viscera"}, {"stigma", "stigmata"}, {"stoma", "stomata"},
	{"dogma", "dogmata"}, {"lemma", "lemmata"}, {"schema", "schemata"},
	{"anathema", "anathemata"}, {"ox", "oxen"}, {"axe", "axes"}, {"die", "dice"},
	{"yes", "yeses"}, {"foot", "feet"}, {"eave", "eaves"}, {"goose", "geese"},
	{"tooth", "teeth"}, {"quiz", "quizzes"}, {"human", "humans"}, {"proof", "proofs"},
	{"carve", "carves"}, {"valve", "valves"}, {"looey", "looies"}, {"thief", "thieves"},
	{"groove", "grooves"}, {"pickaxe", "pickaxes"}, {"passerby", "passersby"},
	{"canvas", "canvases"}};

static const char uncountable[] =
	" adulthood advice agenda aid aircraft alcohol ammo analytics anime athletics audio bison "
	"blood bream buffalo butter carp cash chassis chess clothing cod commerce cooperation "
	"corps "
	"debris diabetes digestion elk energy equipment excretion expertise firmware flounder fun "
	"gallows garbage graffiti hardware headquarters health herpes highjinks homework housework "
	"information jeans justice kudos labour literature machinery mackerel mail media mews "
	"moose "
	"music mud manga news only personnel pike plankton pliers police pollution premises rain "
	"research rice salmon scissors series sewage shambles shrimp software species staff swine "
	"tennis "
	"traffic transportation trout tuna wealth welfare whiting wildebeest wildlife you ";

/* Endings that stay as they are. */
static const char *const same_ending[] = {
	"pox", "fish", "deer", "sheep", "measles", "ois", "ous", "pokemon", "pokémon"};

/* Endings, newest rule first: what is matched, how many of its letters go, what comes.  A '<' in
 * front: not inside a compound. */
static const struct {
	const char *ending;
	unsigned cut;
	const char *add;
} rules[] = {{"<thou", 4, "you"}, {"eaux", 0, ""}, {"men", 3, "men"}, {"man", 2, "en"},
	{"child", 0, "ren"}, {"children", 3, "ren"}, {"person", 4, "ople"}, {"people", 4, "ople"},
	{"<titmouse", 4, "ice"}, {"<titmice", 3, "ice"}, {"<mouse", 4, "ice"}, {"<mice", 3, "ice"},
	{"<louse", 4, "ice"}, {"<lice", 3, "ice"}, {"matrix", 2, "ices"}, {"matrices", 0, ""},
	{"matrex", 2, "ices"}, {"codex", 2, "ices"}, {"codix", 2, "ices"}, {"murex", 2, "ices"},
	{"murix", 2, "ices"}, {"silex", 2, "ices"}, {"silix", 2, "ices"}, {"vertex", 2, "ices"},
	{"vertix", 2, "ices"}, {"vertices", 0, ""}, {"index", 2, "ices"}, {"indix", 2, "ices"},
	{"indices", 0, ""}, {"appendix", 2, "ices"}, {"appendex", 2, "ices"}, {"zz", 0, "es"},
	{"ch", 0, "es"}, {"ss", 0, "es"}, {"sh", 0, "es"}, {"x", 0, "es"}, {"kniv", 0, ""},
	{"knife", 2, "ves"}, {"knives", 0, ""}, {"wife", 2, "ves"}, {"wives", 0, ""},
	{"life", 2, "ves"}, {"lives", 0, ""}, {"arf", 1, "ves"}, {"lf", 1, "ves"},
	{"eaf", 1, "ves"}, {"eof", 1, "ves"}, {"oaf", 1, "ves"}, {"hoof", 1, "ves"}};

/* Latin and Greek words, also inside compounds: ending, letters cut, letters added. */
static const struct {
	const char *word;
	unsigned cut;
	const char *add;
} classic[] = {{"alga", 1, "ae"}, {"vertebra", 1, "ae"}, {"alumna", 1, "ae"},
	{"phenomenon", 2, "a"}, {"criterion", 2, "a"}, {"automaton", 2, "a"}, {"organon", 2, "a"},
	{"noumenon", 2, "a"}, {"perihelion", 2, "a"}, {"aphelion", 2, "a"}, {"hyperbaton", 2, "a"},
	{"asyndeton", 2, "a"}, {"prolegomenon", 2, "a"}, {"hedron", 2, "a"}, {"agendum", 2, "a"},
	{"addendum", 2, "a"}, {"millennium", 2, "a"}, {"datum", 2, "a"}, {"extremum", 2, "a"},
	{"bacterium", 2, "a"}, {"desideratum", 2, "a"}, {"stratum", 2, "a"},
	{"candelabrum", 2, "a"}, {"erratum", 2, "a"}, {"ovum", 2, "a"}, {"symposium", 2, "a"},
	{"curriculum", 2, "a"}, {"automatum", 2, "a"}, {"quorum", 2, "a"}, {"hero", 0, "es"},
	{"ato", 0, "es"}, {"gro", 0, "es"}, {"alumnus", 2, "i"}, {"syllabus", 2, "i"},
	{"virus", 2, "i"}, {"radius", 2, "i"}, {"nucleus", 2, "i"}, {"fungus", 2, "i"},
	{"cactus", 2, "i"}, {"stimulus", 2, "i"}, {"terminus", 2, "i"}, {"bacillus", 2, "i"},
	{"focus", 2, "i"}, {"uterus", 2, "i"}, {"locus", 2, "i"}, {"stratus", 2, "i"},
	{"seraph", 0, "im"}, {"cherub", 0, "im"}};

/* s[0..n) ends with the lower-case word. */
static bool ends(const char *s, size_t n, const char *word)
{
	size_t w = strlen(word);

	if (w > n)
		return false;
	for (size_t i = 0; i < w; i++)
		if (tolower((unsigned char)s[n - w + i]) != (unsigned char)word[i])
			return false;
	return true;
}

static bool is_whole(const char *s, const char *word)
{
	return strlen(s) == strlen(word) && ends(s, strlen(s), word);
}

/* Keeps the case of the word: all upper, first upper, or as the table has it. */
static char *recase(struct sbx_arena *a, const char *word, const char *result)
{
	char *t = sbx_copy(a, result);
	bool all = true;

	for (const char *p = word; *p; p++)
		all = all && !islower((unsigned char)*p);
	for (char *p = t; p && *p; p++)
		if (all || (p == t && isupper((unsigned char)*word)))
			*p = (char)toupper((unsigned char)*p);
	return t;
}

static bool is_uncountable(struct sbx_arena *a, const char *word, size_t n)
{
	char *w = sbx_fmt(a, " %s ", word);

	for (char *p = w; p && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (w && strstr(uncountable, w))
		return true;
	if (n > 3 && ends(word, n, "ese")) /* [^aeiou]ese */
		return !strchr("aeiou", tolower((unsigned char)word[n - 4]));
	for (size_t i = 0; i < sizeof same_ending / sizeof same_ending[0]; i++)
		if (ends(word, n, same_ending[i]))
			return true;
	return false;
}

/* The end of the word is replaced: of its last `match` letters `cut` go and `add` comes.  Like the
 * library, the new end takes the case of what was matched as a whole: as it is when it is the same,
 * upper, first letter upper, else lower; where nothing was matched, that of the letter before. */
static char *ended(
	struct sbx_arena *a, const char *w, size_t n, size_t match, size_t cut, const char *add)
{
	char *t = sbx_fmt(a, "%.*s%s", (int)(n - cut), w, add);
	const char *from = w + n - match, *model = match || !n ? from : from - 1;
	size_t len = match || !n ? match : 1;
	bool lower = true, upper = true;

	if (!t || strcmp(t + (n - match), from) == 0)
		return t;
	for (size_t i = 0; i < len; i++) {
		lower = lower && !isupper((unsigned char)model[i]);
		upper = upper && !islower((unsigned char)model[i]);
	}
	for (char *p = t + (n - match); *p; p++) {
		bool first = p == t + (n - match) && isupper((unsigned char)*model);
		*p = (char)(!lower && (upper || first) ? toupper((unsigned char)*p)
						       : tolower((unsigned char)*p));
	}
	return t;
}

/* Words in -s and -y, whose rules look at the letters in front. */
static char *by_letters(struct sbx_arena *a, const char *w, size_t n)
{
	char before = n > 1 ? (char)tolower((unsigned char)w[n - 2]) : '\0';
	char third = n > 2 ? (char)tolower((unsigned char)w[n - 3]) : '\0';
	char last = n ? (char)tolower((unsigned char)w[n - 1]) : '\0';
	bool qu = third == 'q' && before == 'u';

	if (last == 'y' && before && (!strchr("aeiouy", before) || qu))
		return ended(a, w, n, qu ? 3 : 2, 1, "ies");
	if (n > 4 && ends(w, n, "ey") && strchr("ln", third) && /* [^ch][ieo][ln]ey */
		strchr("ieo", tolower((unsigned char)w[n - 4])) &&
		!strchr("ch", tolower((unsigned char)w[n - 5])))
		return ended(a, w, n, 5, 2, "ies");
	if (ends(w, n, "sis"))
		return ended(a, w, n, 3, 2, "es");
	if (ends(w, n, "enus") || ends(w, n, "emus") || ends(w, n, "iam") || ends(w, n, "uam"))
		return sbx_copy(a, w);
	if (ends(w, n, "alias"))
		return ended(a, w, n, 5, 0, "es");
	if (ends(w, n, "tlas") || ends(w, n, "tmas"))
		return ended(a, w, n, 4, 0, "es");
	if ((ends(w, n, "us") && third && !strchr("aou", third)) || ends(w, n, "gas") ||
		ends(w, n, "ris"))
		return ended(a, w, n, 3, 0, "es");
	if (ends(w, n, "axis"))
		return ended(a, w, n, 4, 2, "es");
	if (ends(w, n, "testis"))
		return ended(a, w, n, 6, 2, "es");
	return last == 's' ? sbx_copy(a, w) : ended(a, w, n, 0, 0, "s");
}

char *sbx_plural(struct sbx_arena *a, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i < sizeof irregular / sizeof irregular[0]; i++) {
		if (is_whole(word, irregular[i][1]))
			return recase(a, word, irregular[i][1]);
		if (is_whole(word, irregular[i][0]))
			return recase(a, word, irregular[i][1]);
	}
	if (n == 0 || (unsigned char)word[n - 1] >= 0x80 || is_uncountable(a, word, n))
		return sbx_copy(a, word);
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		bool start = rules[i].ending[0] == '<';
		const char *ending = rules[i].ending + start;
		size_t match = strlen(ending);
		if (ends(word, n, ending) && (!start || n == match))
			return ended(a, word, n, match, rules[i].cut, rules[i].add);
	}
	for (size_t i = 0; i < sizeof classic / sizeof classic[0]; i++) {
		const char *sing = classic[i].word;
		size_t match = strlen(sing);
		char many[32];
		snprintf(many, sizeof many, "%.*s%s", (int)(match - classic[i].cut), sing,
			classic[i].add);
		/* one already: only the case may change (but not of -oes) */
		if (ends(word, n, many) && strcmp(classic[i].add, "es") != 0)
			return ended(
				a, word, n, strlen(many), strlen(classic[i].add), classic[i].add);
		if (ends(word, n, sing))
			return ended(a, word, n, match, classic[i].cut, classic[i].add);
	}
	return by_letters(a, word, n);
}
