/*
 * tests/fuzz/fuzz_import.c - any bytes as a file to be imported: the first one says whether it is CSV
 * or NDJSON.  Every line is fields of the model, or refused with the file, the line and words.
 *
 * Build: clang -fsanitize=fuzzer,address,undefined (see tests/tools/fuzz).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/api/import.h"
#include "core/json/json.h"

static const char SDL[] =
	"enum Status { ACTIVE INACTIVE }\n"
	"type Meta { a: String n: Int }\n"
	"type Post @model { id: ID! title: String! rating: Int score: Float done: Boolean\n"
	"  status: Status tags: [String] marks: [Int!]! meta: Meta data: AWSJSON at: AWSDateTime\n"
	"  on: AWSDate ip: AWSIPAddress url: AWSURL comments: [Comment] @hasMany }\n"
	"type Comment @model { id: ID! text: String post: Post @belongsTo }\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
	if (!ok)
		abort();
}

static void read_all(const struct sd_model *m, const char *path, bool csv)
{
	struct sd_lines l = {.f = NULL};
	struct sd_error e = {.code = SD_OK};
	int64_t line = 0, was = -1;

	if (sd_lines_open(&l, m, path, csv, &e) != SD_OK) {
		must(e.text[0]);
		sd_lines_close(&l);
		return;
	}
	for (;;) {
		struct cJSON *fields = NULL;
		bool other = false;
		enum sd_err rc = sd_lines_next(&l, &fields, &other, &e);
		if (rc == SD_OK)
			must(sd_json_is_object(fields));
		sd_json_free(fields);
		if (rc == SD_NOTFOUND || l.broken)
			break;
		must(rc == SD_OK || strstr(e.text, path));
		must(sd_lines_at(&l, &line) > was); /* it goes on */
		was = sd_lines_at(&l, &line);
	}
	sd_lines_close(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sd_schema *schema;
	static char path[64];
	static int fd = -1;

	if (!schema) {
		must(sd_schema_read(SDL, sizeof SDL - 1, "fuzz", &schema, NULL) == SD_OK);
		fd = memfd_create("import", MFD_CLOEXEC);
		must(fd >= 0);
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	}
	if (!size)
		return 0;
	must(ftruncate(fd, 0) == 0 && pwrite(fd, data + 1, size - 1, 0) == (ssize_t)(size - 1));
	read_all(sd_schema_model(schema, data[0] & 2 ? "Comment" : "Post"), path, data[0] & 1);
	return 0;
}
