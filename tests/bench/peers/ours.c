/*
 * tests/bench/peers/ours.c - our side of peers.js: the same records, the same questions, through
 * core/api in one process.  ours make N FILE writes the records; ours run FILE DIR answers
 * "name milliseconds" lines.  Saves are durable: each is on disk before it counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "tests/bench/measure.h"
#include "tests/bench/profile.h"

#define ASKED 30
#define SAVES 1000

static struct profile p;

static int make_file(int64_t n, const char *path)
{
	struct sd_buf b = SD_BUF_INIT;
	struct sd_rand rand;

	sd_rand_seeded(&rand, 21);
	for (int64_t i = 0; i < n; i++) {
		struct cJSON *j = profile_record(&rand, i);
		sd_json_remove(j, "createdAt");
		sd_json_remove(j, "updatedAt");
		sd_json_print(j, &b);
		sd_buf_ch(&b, '\n');
		sd_json_free(j);
	}
	must(sd_write_file(path, sd_buf_text(&b), b.len, NULL) == SD_OK, "writing", path);
	sd_buf_release(&b);
	return 0;
}

static bool next_line(void *ctx, struct cJSON **fields, enum sd_err *rc, struct sd_error *e)
{
	char **at = ctx, *end = strchr(*at, '\n');

	*fields = NULL;
	if (!end)
		return false;
	*rc = sd_json_parse(*at, (size_t)(end - *at), "line", fields, e);
	*at = end + 1;
	return *rc == SD_OK;
}

static bool count_one(void *ctx, struct cJSON *rec)
{
	int64_t *n = ctx;

	(void)rec;
	(*n)++;
	return true;
}

static void ask(const char *name, const struct sd_api_query *q)
{
	struct samples ms = {0};
	int64_t n = 0;

	for (int i = 0; i < ASKED; i++) {
		int64_t t0 = sd_mono_us();

		n = 0;
		must(sd_api_query(p.api, q, count_one, &n, &p.e) == SD_OK, name, p.e.text);
		samples_add(&ms, (double)(sd_mono_us() - t0) / 1000);
	}
	printf("%s %.4f %lld\n", name, samples_at(&ms, 0.5), (long long)n);
	samples_release(&ms);
}

struct many {
	struct sd_rand *rand;
	int64_t left;
};

static bool next_new(void *ctx, struct cJSON **fields, enum sd_err *rc, struct sd_error *e)
{
	struct many *m = ctx;

	(void)rc;
	(void)e;
	*fields = NULL;
	if (m->left-- <= 0)
		return false;
	*fields = profile_record(m->rand, m->left);
	sd_json_remove(*fields, "createdAt");
	sd_json_remove(*fields, "updatedAt");
	return true;
}

/* New records in one transaction, durable together, as `save --input` does it. */
static void group(struct sd_rand *rand, int64_t size)
{
	struct samples ms = {0};

	for (int i = 0; i < 7; i++) {
		struct many m = {rand, size};
		int64_t t0 = sd_mono_us();

		must(sd_api_save_many(p.api, "Record", NULL, next_new, NULL, &m, &p.e) == SD_OK,
			"group", p.e.text);
		samples_add(&ms, (double)(sd_mono_us() - t0) / 1000);
	}
	printf("group%lld %.4f %lld\n", (long long)size, samples_at(&ms, 0.5), (long long)size);
	samples_release(&ms);
}

static int run(const char *file, const char *dir)
{
	struct sd_buf b = SD_BUF_INIT;
	struct samples ms = {0};
	struct sd_rand rand;
	char *at;
	int64_t t0;

	must(sd_read_file(file, (size_t)1 << 30, &b, &p.e) == SD_OK, "reading", file);
	profile_open(&p, dir, "");
	at = b.data;
	t0 = sd_mono_us();
	must(sd_api_save_many(p.api, "Record", NULL, next_line, NULL, &at, &p.e) == SD_OK, "load",
		p.e.text);
	printf("load %.4f 0\n", (double)(sd_mono_us() - t0) / 1000);
	ask("query", &(struct sd_api_query){.model = "Record",
			     .where = "status = DRAFT and rating > 900",
			     .sort = "-rating,title",
			     .limit = 50});
	ask("contains",
		&(struct sd_api_query){.model = "Record", .where = "title contains \"777\""});
	sd_rand_seeded(&rand, 22);
	for (int i = 0; i < SAVES; i++) {
		struct cJSON *j = profile_record(&rand, i);

		sd_json_remove(j, "createdAt");
		sd_json_remove(j, "updatedAt");
		t0 = sd_mono_us();
		must(sd_api_save(p.api, "Record", j, NULL, NULL, &p.e) == SD_OK, "save", p.e.text);
		samples_add(&ms, (double)(sd_mono_us() - t0) / 1000);
		sd_json_free(j);
	}
	printf("save %.4f 1\n", samples_at(&ms, 0.5));
	printf("durable %.4f 1\n", samples_at(&ms, 0.5));
	samples_release(&ms);
	group(&rand, 100);
	group(&rand, 1000);
	profile_close(&p);
	sd_buf_release(&b);
	return 0;
}

int main(int argc, char **argv)
{
	int64_t n = 0;

	if (argc == 4 && strcmp(argv[1], "make") == 0 && sd_parse_i64(argv[2], &n))
		return make_file(n, argv[3]);
	if (argc == 4 && strcmp(argv[1], "run") == 0)
		return run(argv[2], argv[3]);
	fprintf(stderr, "ours make N FILE | ours run FILE DIR\n");
	return 2;
}
