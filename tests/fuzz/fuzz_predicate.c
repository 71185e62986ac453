/*
 * tests/fuzz/fuzz_predicate.c - any text as a predicate (libFuzzer entry point): what parses must
 * read back as itself, and every other reading must take it.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/json/json.h"
#include "core/model/predicate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char SDL[] =
	"enum Status { ACTIVE DONE }\n"
	"type Blog @model { id: ID! name: String! }\n"
	"type Post @model { id: ID! title: String! rating: Int score: Float done: Boolean\n"
	"status: Status tags: [String] at: AWSDateTime ts: AWSTimestamp payload: AWSJSON\n"
	"blogId: ID blog: Blog @belongsTo(fields: [\"blogId\"]) }\n";

static void readings(const struct sd_model *m, const struct sd_pred *p)
{
	struct sd_buf sql = SD_BUF_INIT;
	struct cJSON *binds = sd_json_array(), *rec = sd_json_object();

	if (sd_pred_sql(p, "t", 1, 1795371006628, &sql, binds, NULL) != SD_OK)
		abort();
	sd_pred_eval(p, rec, 1795371006628, NULL, NULL);
	for (int use = SD_FILTER_SYNC; use <= SD_FILTER_SUBSCRIPTION; use++) {
		struct cJSON *f;
		enum sd_err rc =
			sd_pred_filter(m, p, (enum sd_filter_use)use, 1795371006628, &f, NULL);
		if (rc != SD_OK && rc != SD_INVAL)
			abort();
		sd_json_free(f);
	}
	sd_json_free(binds);
	sd_json_free(rec);
	sd_buf_release(&sql);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sd_schema *schema;
	struct sd_buf once = SD_BUF_INIT, twice = SD_BUF_INIT;
	const struct sd_model *m;
	struct sd_pred *p, *q;
	char *text;

	if (!schema && sd_schema_read(SDL, strlen(SDL), "fuzz", &schema, NULL) != SD_OK)
		abort();
	m = sd_schema_model(schema, "Post");
	text = malloc(size + 1);
	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (sd_pred_parse(schema, m, text, &p, NULL) == SD_OK) {
		readings(m, p);
		if (!sd_pred_text(p, &once) ||
			sd_pred_parse(schema, m, sd_buf_text(&once), &q, NULL) != SD_OK ||
			!sd_pred_text(q, &twice) ||
			strcmp(sd_buf_text(&once), sd_buf_text(&twice)) != 0)
			abort();
		sd_pred_free(p);
		sd_pred_free(q);
	}
	sd_buf_release(&once);
	sd_buf_release(&twice);
	free(text);
	return 0;
}
