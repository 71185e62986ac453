/*
 * tests/fuzz/fuzz_sdl.c - any bytes as a schema or a configuration: refused with words, or read
 * into something whole that generates models; never a crash, never a leak.
 *
 * Build: clang -fsanitize=fuzzer,address,undefined (see tests/tools/fuzz).
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/json/json.h"
#include "core/model/amplify.h"
#include "core/model/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sd_schema *s = NULL;
	struct sd_config *c = NULL;
	struct cJSON *j = NULL;
	struct sd_error e = {0};
	char *text = malloc(size + 1);

	must(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	if (sd_schema_read(text, size, "fuzz", &s, &e) == SD_OK) {
		must(s->model_count > 0 && strlen(s->hash) == 64);
		for (size_t i = 0; i < s->model_count; i++)
			must(s->models[i]->pk_count > 0);
		must(sd_schema_codegen(s, &j, &e) == SD_OK);
		sd_json_free(j);
	} else {
		must(!s && e.text[0]);
	}
	sd_schema_free(s);
	e.text[0] = '\0';
	if (sd_config_read(text, size, "fuzz", &c, &e))
		must(!c && e.text[0]);
	sd_config_free(c);
	free(text);
	return 0;
}
