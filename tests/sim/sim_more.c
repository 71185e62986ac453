/*
 * tests/sim/sim_more.c - faults that schedules of the second kind (sim_plan.more) have besides:
 * rows that take their page with them, wrong types, subscriptions that the server ends, frames that
 * make no sense, people who sign out, somebody else signs in; see sim.h.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a row that takes its page with it ---- */
static void poison(struct sim *s)
{
	const struct sd_schema *schema = s->w.schema[1];
	const struct sd_model *m = schema->models[sim_below(s, (uint32_t)schema->model_count)];
	struct cJSON *row = m->join ? NULL : sim_any_row(s, m);
	struct sd_buf key = SD_BUF_INIT;

	sim_cure(s);
	if (row && sd_key_of(m, row, &key, NULL) == SD_OK) {
		s->poisoned = m;
		s->poisoned_key = sd_buf_take(&key);
		sim_cover("step", sim_do_name(SIM_POISON));
		sim_say(s, "  server: %s %s cannot be read any more", m->name, s->poisoned_key);
	}
	sd_buf_release(&key);
	sd_json_free(row);
}

void sim_cure(struct sim *s)
{
	free(s->poisoned_key);
	s->poisoned_key = NULL;
	s->poisoned = NULL;
}

static bool is_poisoned(const struct sim *s, const struct cJSON *item)
{
	struct sd_buf key = SD_BUF_INIT;
	bool yes = sd_key_of(s->poisoned, item, &key, NULL) == SD_OK &&
		   strcmp(sd_buf_text(&key), s->poisoned_key) == 0;

	sd_buf_release(&key);
	return yes;
}

char *sim_poisoned_page(struct sim *s, const struct sim_event *v, const char *body)
{
	struct sd_buf root = SD_BUF_INIT, out = SD_BUF_INIT;
	struct cJSON *j = NULL;
	size_t at = 0;
	char *text = NULL;

	if (!s->poisoned)
		return NULL;
	sd_buf_fmt(&root, "sync%s", s->poisoned->plural);
	if (strstr(v->text, sd_buf_text(&root)) &&
		sd_json_parse(body, strlen(body), "page", &j, NULL) == SD_OK) {
		const struct cJSON *page = sd_json_path(j, "data", sd_buf_text(&root), NULL);
		for (const struct cJSON *c = sd_json_child(sd_json_get(page, "items")); c && !text;
			c = sd_json_next(c), at++) {
			if (!sd_json_is_object(c) || !is_poisoned(s, c))
				continue;
			sim_watch_hole(s, v->client, v->text);
			if (!strstr(v->text, " n "))
				break; /* by its key alone it can be read */
			sd_buf_fmt(&out,
				"{\"data\":{\"%s\":null},\"errors\":[{\"path\":[\"%s\",\"items\","
				"%zu,\"n\"],\"message\":\"Cannot return null for non-nullable "
				"type: 'Int' within parent '%s' (/%s/items[%zu]/n)\"}]}",
				sd_buf_text(&root), sd_buf_text(&root), at, s->poisoned->name,
				sd_buf_text(&root), at);
			text = sd_buf_take(&out);
			sim_cover("fault", "a page lost to one row");
		}
	}
	sd_json_free(j);
	sd_buf_release(&root);
	sd_buf_release(&out);
	return text;
}

/* ---- a row with a value of another type ---- */
char *sim_wrong_types(struct sim *s, const struct sim_event *v, const char *body, uint64_t r)
{
	struct cJSON *j = NULL, *items, *item;
	size_t n;
	char *text = NULL;

	if (sd_json_parse(body, strlen(body), "page", &j, NULL) != SD_OK)
		return NULL;
	items = sd_json_get(sd_json_child(sd_json_get(j, "data")), "items");
	n = sd_json_count(items);
	item = sd_json_child(items);
	for (size_t i = n ? r % n : 0; i && item; i--)
		item = sd_json_next(item);
	if (sd_json_is_object(item) && sd_json_get(item, "n")) {
		sd_json_set(item, "n",
			r % 3 == 0   ? sd_json_string("seven")
			: r % 3 == 1 ? sd_json_array()
				     : sd_json_real(1.5));
		sim_watch_hole(s, v->client, v->text);
		text = sd_json_text(j);
		sim_cover("fault", "a row of wrong types");
	}
	sd_json_free(j);
	return text;
}

/* ---- realtime ---- */
/* What comes in place of a frame; *besides: the frame comes, too. */
char *sim_junk(const char *sub, const char *payload, uint64_t r, bool *besides)
{
	struct sd_buf b = SD_BUF_INIT;
	char *out;

	*besides = false;
	switch (r % 7) {
	case 0:
		sd_buf_fmt(&b, "{\"type\":\"data\",\"id\":\"%s\",\"payload\":%.*s", sub,
			(int)(strlen(payload) / 2), payload);
		break;
	case 1:
		sd_buf_str(&b, "<html>502</html>");
		break;
	case 2:
		sd_buf_fmt(&b,
			"{\"type\":\"data\",\"id\":\"%s\",\"payload\":{\"data\":null,\"errors\":"
			"[{\"message\":\"Cannot return null for non-nullable type\"}]}}",
			sub);
		break;
	case 3:
		sd_buf_fmt(&b,
			"{\"type\":\"data\",\"id\":\"%s\",\"payload\":{\"data\":{\"onUpdateX\":"
			"{\"n\":\"seven\"}}}}",
			sub);
		break;
	case 4:
		sd_buf_str(&b, "{\"type\":\"weather\",\"payload\":{\"data\":[1,2,{}]}}");
		*besides = true;
		break;
	case 5:
		sd_buf_str(&b, "{\"type\":\"error\",\"id\":\"nobody\",\"payload\":{\"errors\":"
			       "{\"errorType\":\"x\",\"message\":\"y\"}}}");
		*besides = true;
		break;
	default:
		sd_buf_str(&b, "[]");
		*besides = true;
	}
	out = sd_buf_take(&b);
	sd_buf_release(&b);
	return out;
}

/* ---- people ---- */
static void sign_out(struct sim *s, int client)
{
	struct sim_client *c = &s->client[client];

	if (!s->w.pool || c->refreshing || !c->en)
		return;
	c->user = sim_chance(s, 50) ? !c->user : c->user;
	sim_cover("step", c->user ? "sign-out, somebody else signs in" : "sign-out");
	sim_at(s, 500 + sim_below(s, 9000), SIM_REFRESHED, client)->ok = true;
	c->refreshing = true;
	sim_signed_in(s, client, false);
}

bool sim_more_step(struct sim *s, const struct sim_step *p)
{
	switch (p->what) {
	case SIM_POISON:
		poison(s);
		return true;
	case SIM_SUB_ENDED:
		sim_end_subscription(s, p->client);
		return true;
	case SIM_SIGN_OUT:
		sign_out(s, p->client);
		return true;
	default:
		return false;
	}
}
