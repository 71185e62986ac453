/* tests/fuzz/fuzz_gql.c - any bytes as an executable document (libFuzzer entry point). */
#include <stddef.h>
#include <stdint.h>

#include "core/graphql/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sd_gql_doc *d;
	struct sd_error e;

	if (sd_gql_parse((const char *)data, size, &d, &e) == SD_OK)
		sd_gql_free(d);
	return 0;
}
