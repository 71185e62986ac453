/* ui/view/conf.c - reading a conflict and the choices made for it.  See conf.h. */
#include "ui/view/conf.h"

#include <stdlib.h>
#include <string.h>

const struct cJSON *sd_conf_here(const struct sd_conf *c)
{
	const struct cJSON *j = sd_json_child(c->list);

	for (int i = 0; j && i < c->at; i++)
		j = sd_json_next(j);
	return j;
}

bool sd_conf_whole(const struct cJSON *conflict)
{
	const char *shape = sd_json_get_str(conflict, "shape");

	return shape && (strstr(shape, "delete") || strstr(shape, "missing"));
}

int sd_conf_fields(const struct sd_conf *c)
{
	const struct cJSON *j = sd_conf_here(c);

	return sd_conf_whole(j) ? (j ? 1 : 0) : (int)sd_json_count(sd_json_get(j, "fields"));
}

const struct cJSON *sd_conf_field(const struct sd_conf *c, int i)
{
	const struct cJSON *f = sd_json_child(sd_json_get(sd_conf_here(c), "fields"));

	if (c->order && i >= 0 && i < sd_conf_fields(c))
		i = c->order[i];
	while (f && i-- > 0)
		f = sd_json_next(f);
	return f;
}

static bool differs(const struct cJSON *f)
{
	const struct cJSON *base = sd_json_get(f, "base");

	return !sd_json_equal(base, sd_json_get(f, "mine"), true) ||
	       !sd_json_equal(base, sd_json_get(f, "theirs"), true);
}

void sd_conf_arrange(struct sd_conf *c)
{
	const struct cJSON *list = sd_json_get(sd_conf_here(c), "fields");
	int n = (int)sd_json_count(list), o = 0;

	free(c->order);
	c->order = calloc((size_t)n + 1, sizeof *c->order);
	for (int want = 2; c->order && want >= 0; want--) {
		int i = 0;

		for (struct cJSON *f = sd_json_child(list); f; f = sd_json_next(f), i++) {
			int is = sd_json_is_true(sd_json_get(f, "clash")) ? 2 : differs(f);

			if (is == want)
				c->order[o++] = i;
		}
	}
}

const char *sd_conf_pick(const struct sd_conf *c, const struct cJSON *field)
{
	const char *name = sd_json_get_str(field, "name"), *pick;

	if (!name)
		return NULL;
	if (sd_json_get(c->now.sets, name))
		return "set";
	pick = sd_json_get_str(c->now.picks, name);
	return pick ? pick : sd_json_get_str(field, "pick");
}

const struct cJSON *sd_conf_result(const struct sd_conf *c, const struct cJSON *field)
{
	const char *pick = sd_conf_pick(c, field);

	if (!pick)
		return NULL;
	if (strcmp(pick, "set") == 0)
		return sd_json_get(c->now.sets, sd_json_get_str(field, "name"));
	return sd_json_get(field, pick);
}
