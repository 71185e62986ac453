/*
 * tests/fuzz/fuzz_json.c - any bytes as JSON: refused with words, or a value that is the same after
 * it was printed, copied and read again; and any bytes as base64 and back.
 *
 * Build: clang -fsanitize=fuzzer,address,undefined (see tests/tools/fuzz).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
	if (!ok)
		abort();
}

static struct cJSON *same(const struct sd_buf *text)
{
	struct cJSON *j = NULL;

	must(sd_json_parse(sd_buf_text(text), text->len, "again", &j, NULL) == SD_OK);
	return j;
}

/* Names are shared between values: one that goes must leave the others whole. */
static void members(struct cJSON *j, const struct cJSON *other)
{
	const struct cJSON *c = sd_json_child(other);

	while (c && !sd_json_is_object(j))
		j = NULL, c = NULL;
	for (; j && c; c = sd_json_next(c)) {
		struct cJSON *was = sd_json_detach(j, "a");
		sd_json_free(was);
		must(sd_json_add_named(j, "a", sd_json_dup(c)));
		must(sd_json_equal(sd_json_get(j, "a"), c, false));
	}
}

static void round_trip(struct cJSON *j)
{
	struct sd_buf a = SD_BUF_INIT, b = SD_BUF_INIT, p = SD_BUF_INIT;
	struct cJSON *copy = sd_json_dup(j), *read, *pretty;

	must(copy && sd_json_print(j, &a));
	read = same(&a);
	must(sd_json_print_pretty(j, &p));
	pretty = same(&p);
	sd_json_free(j);
	must(sd_json_print(copy, &b) && b.len == a.len && memcmp(a.data, b.data, a.len) == 0);
	must(sd_json_equal(copy, read, false) && sd_json_equal(copy, pretty, false));
	members(read, pretty);
	sd_json_free(pretty);
	sd_buf_reset(&b);
	must(sd_json_print(read, &b));
	sd_json_free(read);
	sd_json_free(copy);
	sd_buf_release(&a);
	sd_buf_release(&b);
	sd_buf_release(&p);
}

static void base64(const char *s, size_t n)
{
	struct sd_buf raw = SD_BUF_INIT, text = SD_BUF_INIT, again = SD_BUF_INIT;

	for (int url = 0; url < 2; url++) {
		must(sd_base64_encode(&text, s, n, url));
		must(sd_base64_decode(&again, sd_buf_text(&text), text.len));
		must(again.len == n && memcmp(sd_buf_text(&again), s, n) == 0);
		sd_buf_reset(&text);
		sd_buf_reset(&again);
	}
	if (sd_base64_decode(&raw, s, n))
		must(raw.len <= n);
	sd_buf_release(&raw);
	sd_buf_release(&text);
	sd_buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sd_error e = {.code = SD_OK};
	struct cJSON *j = NULL;

	if (sd_json_parse((const char *)data, size, "input", &j, &e) == SD_OK)
		round_trip(j);
	else
		must(!j && e.text[0]);
	base64((const char *)data, size);
	return 0;
}
