/*
 * tests/fuzz/fuzz_derive.c - any JSON as a server's introspection: refused with words, or a text of
 * a schema that the reader takes or refuses with words.
 *
 * Build: clang -fsanitize=fuzzer,address,undefined (see tests/tools/fuzz).
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/api/derive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sd_introspection in = {.types = NULL};
	struct cJSON *types = NULL, *notes = sd_json_array();
	struct sd_buf sdl = {.cap = (size_t)16 << 20};
	struct sd_schema *s = NULL;
	struct sd_error e = {0};

	if (sd_json_parse((const char *)data, size, "fuzz", &types, &e) == SD_OK &&
		sd_json_is_array(types) && sd_introspection_index(&in, types, &e) == SD_OK &&
		sd_derive_sdl(&in, &sdl, notes, &e) == SD_OK) {
		if (sd_schema_read(sd_buf_text(&sdl), sdl.len, "fuzz", &s, &e) != SD_OK)
			must(!s && e.text[0]);
		else
			must(sd_introspect_drift(s, &in, notes, &e) == SD_OK);
	}
	sd_schema_free(s);
	sd_introspection_release(&in);
	sd_buf_release(&sdl);
	sd_json_free(notes);
	sd_json_free(types);
	return 0;
}
