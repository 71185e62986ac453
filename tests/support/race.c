/* tests/support/race.c - see race.h. */
#include "tests/support/race.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/json/json.h"

struct script *race_ready(enum sd_policy p)
{
	struct script *r = script_new();

	for (size_t i = 0; i < 16; i++)
		r->models[i].policy = p;
	script_start(r);
	script_arrive(r, "Create", "Post", POST(3, "\"a\"", "1"));
	return r;
}

struct script *race_begin(enum sd_policy p, const char *edit, const char *item, const char *op)
{
	struct script *r = race_ready(p);

	script_pause(r, true);
	if (edit)
		script_save(r, "Post", edit, NULL);
	else
		script_delete(r, "Post", KEY);
	if (item)
		script_arrive(r, op, "Post", item);
	script_pause(r, false);
	return r;
}

void race_resolve(struct script *r, int64_t id, enum sd_pick keep)
{
	struct cJSON *write = NULL;
	struct sd_error e = {.code = SD_OK};

	assert_int_equal(sd_store_begin(r->store, &e), SD_OK);
	if (sd_conflict_resolve(
		    r->store, id, keep, NULL, NULL, "person", false, r->now, &write, &e) != SD_OK)
		fail_msg("%s", e.text);
	assert_int_equal(sd_engine_store_changed(r->en, r->now, &e), SD_OK);
	assert_int_equal(sd_store_commit(r->store, &e), SD_OK);
	sd_json_free(write);
	script_pump(r);
}
