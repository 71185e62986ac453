/*
 * tests/fuzz/fuzz_sandbox.c - any bytes as a request body and as a subscription's start.
 *
 * The answer must be JSON whatever came in.  One sandbox serves all inputs; its tables are emptied
 * now and then.
 */
#include <stdint.h>
#include <stdlib.h>

#include "core/json/json.h"
#include "core/sandbox/core/sandbox.h"

static const char sdl[] =
	"type Blog @model @auth(rules: [{allow: public}]) { id: ID! posts: [Post] @hasMany }\n"
	"type Post @model @auth(rules: [{allow: public}]) { id: ID! title: String! rating: Int "
	"status: Status tags: [String] meta: Meta data: AWSJSON day: AWSDate blog: Blog @belongsTo "
	"topic: ID @index(name: \"byTopic\", queryField: \"byTopic\", sortKeyFields: [\"rating\"]) "
	"}\n"
	"enum Status { DRAFT LIVE }\ntype Meta { a: String b: Int }\n"
	"type Line @model { order: ID! @primaryKey(sortKeyFields: [\"year\", \"no\"]) year: Int! "
	"no: String! }\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sd_sbx *sandbox(void)
{
	static struct sd_sbx *s;
	static struct sd_schema *schema;
	static struct sd_rand rand;
	struct sd_sbx_opts o = {.rand = &rand, .delta_ttl_ms = 60000, .base_ttl_ms = 60000};

	if (s)
		return s;
	sd_rand_seeded(&rand, 1);
	if (sd_schema_read(sdl, sizeof sdl - 1, "fuzz", &schema, NULL) != SD_OK)
		abort();
	o.schema = schema;
	if (sd_sbx_open(&o, &s, NULL) != SD_OK ||
		sd_sbx_seed(s, "Post", 20, 1, 1000000, NULL) != SD_OK)
		abort();
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned turn;
	struct sd_sbx *s = sandbox();
	struct sd_sbx_identity who = {.mode = SD_AUTH_API_KEY};
	struct sd_sbx_answer a;
	struct cJSON *j = NULL, *names = sd_json_array();
	const char *kind = NULL;
	char *error = NULL;

	sd_sbx_request(s, (const char *)data, size, &who, 1000000 + turn, &a);
	if (sd_json_parse(sd_buf_text(&a.body), a.body.len, "answer", &j, NULL) != SD_OK)
		abort();
	if (sd_sbx_roots(s, (const char *)data, size, &kind, names) && !kind)
		abort();
	sd_sbx_subscribe(s, 1, "a", (const char *)data, size, &who, 1000000, &error);
	if (++turn % 64 == 0) {
		sd_sbx_drop_connection(s, 1);
		if (sd_sbx_reset(s, NULL) != SD_OK)
			abort();
	}
	free(error);
	sd_json_free(j);
	sd_json_free(names);
	sd_sbx_answer_release(&a);
	return 0;
}
