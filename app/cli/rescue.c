/* app/cli/rescue.c - rescue: a damaged store is set aside, what can be read of it kept. */
#include <stdlib.h>
#include <string.h>

#include "app/cli/cli.h"

static void tell(struct cli *c, const struct cJSON *j)
{
	const char *damaged = sd_json_get_str(j, "damaged");
	int64_t lost = sd_json_get_i64(j, "lost", 0);

	if (sd_json_is_true(sd_json_get(j, "sound"))) {
		printf("%s: the store is sound, nothing was done\n", c->data_dir);
		return;
	}
	if (!sd_json_is_true(sd_json_get(j, "readable")))
		printf("nothing could be read of it; a new store was made\n");
	else
		printf("a new store was made with %lld unsent changes and %lld records of the "
		       "old\n",
			(long long)sd_json_get_i64(j, "unsent", 0),
			(long long)sd_json_get_i64(j, "records", 0));
	if (lost)
		printf("up to %lld unsent changes could not be read\n", (long long)lost);
	if (damaged && *damaged)
		printf("not all records could be read of: %s\n", damaged);
	printf("the damaged file stays as %s\n", sd_json_get_str(j, "kept"));
	printf("next: `syncdeck sync --once` fetches what is missing\n");
}

int cli_rescue(struct cli *c, struct cli_args *a)
{
	struct sd_error e = {.code = SD_OK};
	struct cJSON *j = NULL;
	enum sd_err err;
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && a->n)
		rc = cli_usage(c, "rescue");
	if (rc == 0 && c->api)
		rc = cli_complain(c, 2, "rescue: not while the profile is open; run it by itself");
	if (rc == 0)
		rc = cli_find_profile(c);
	if (rc)
		return rc;
	if (c->o.read_only || c->config->production)
		return cli_complain(c, 2, "this profile is read-only: nothing was changed");
	err = sd_api_rescue(c->data_dir, c->schema, &j, &e);
	if (err != SD_OK)
		return cli_fail(c, err, &e);
	if (c->batch || c->o.json)
		cli_emit(c, j, NULL);
	else
		tell(c, j);
	sd_json_free(j);
	return 0;
}
