/*
 * tests/fuzz/fuzz_csv.c - any bytes as CSV: refused with words, or records whose cells come back the
 * same when they are written and read again.
 *
 * Build: clang -fsanitize=fuzzer,address,undefined (see tests/tools/fuzz).
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
	if (!ok)
		abort();
}

static void again(const struct sd_csv *c)
{
	struct sd_buf b = SD_BUF_INIT;
	struct sd_csv r = {.f = NULL};
	enum sd_err rc = SD_OK;

	for (size_t i = 0; i < c->count; i++)
		must(sd_csv_put(&b, c->cells[i].text, c->cells[i].len, c->cells[i].quoted, i == 0));
	must(sd_csv_end(&b));
	/* a lone empty cell is a blank line, which is no record */
	if (c->count > 1 || c->cells[0].len || c->cells[0].quoted) {
		r.f = fmemopen(b.data, b.len, "r");
		must(r.f && sd_csv_read(&r, 1 << 20, &rc, NULL) && r.count == c->count);
		for (size_t i = 0; i < c->count; i++)
			must(r.cells[i].len == c->cells[i].len &&
				memcmp(r.cells[i].text, c->cells[i].text, r.cells[i].len) == 0);
		fclose(r.f);
	}
	sd_csv_release(&r);
	sd_buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sd_csv c = {.f = NULL};
	struct sd_error e = {0};
	enum sd_err rc = SD_OK;

	if (!size)
		return 0;
	c.f = fmemopen((void *)(uintptr_t)data, size, "r");
	must(c.f != NULL);
	while (sd_csv_read(&c, 1 << 20, &rc, &e)) {
		must(c.count > 0);
		if (memcmp(data, "\xef\xbb\xbf", size < 3 ? size : 3) != 0)
			again(&c);
	}
	must(rc == SD_OK || e.text[0]);
	fclose(c.f);
	sd_csv_release(&c);
	return 0;
}
