/*
 * core/sandbox/server/seed.c - the records a sandbox starts with: `--seed N[:SEED]` or an NDJSON
 * file of {"model","fields"} (contract.md 10).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/sandbox/server/server.h"

/* "1000" or "1000:7" */
static bool numbers(const char *text, int64_t *count, int64_t *seed)
{
	const char *colon = strchr(text, ':');
	char *first = sd_strdup_n(text, colon ? (size_t)(colon - text) : strlen(text));
	bool ok = first && sd_parse_i64(first, count) && *count >= 0 &&
		  (!colon || sd_parse_i64(colon + 1, seed));

	free(first);
	return ok;
}

static enum sd_err from_file(struct server *s, FILE *f, struct sd_error *e)
{
	const char *path = s->o->seed;
	char *line = NULL;
	size_t room = 0;
	long number = 0;
	ssize_t n;
	enum sd_err rc = sd_sbx_begin(s->sbx, e), rc2;

	if (rc != SD_OK)
		return rc;
	while (rc == SD_OK && (n = getline(&line, &room, f)) >= 0) {
		number++;
		while (n > 0 && strchr("\r\n \t", line[n - 1]))
			n--;
		if (!n)
			continue;
		rc = sd_sbx_seed_line(s->sbx, line, (size_t)n, sd_srv_now_ms(s), e);
		if (rc != SD_OK)
			rc = sd_fail_prefix(e, rc, "%s:%ld", path, number);
	}
	if (rc == SD_OK && ferror(f))
		rc = sd_fail(e, SD_IO, 0, "%s: cannot be read to its end", path);
	rc2 = sd_sbx_commit(s->sbx, rc == SD_OK ? e : NULL);
	free(line);
	return rc != SD_OK ? rc : rc2;
}

enum sd_err sd_srv_seed(struct server *s, struct sd_error *e)
{
	const char *seed = s->o->seed;
	int64_t count, number = 1;
	enum sd_err rc;
	FILE *f;

	if (!seed)
		return SD_OK;
	if (numbers(seed, &count, &number)) {
		if (!s->o->schema->model_count)
			return sd_fail(e, SD_INVAL, 0, "--seed %s: the schema has no model", seed);
		return sd_sbx_seed(s->sbx, s->o->schema->models[0]->name, count, (uint64_t)number,
			sd_srv_now_ms(s), e);
	}
	f = fopen(seed, "re");
	if (!f)
		return sd_fail(e, SD_NOTFOUND, 0,
			"--seed %s: neither a number (N or N:SEED) nor a file that can be read",
			seed);
	rc = from_file(s, f, e);
	fclose(f);
	return rc;
}
