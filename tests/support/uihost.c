/* tests/support/uihost.c - see uihost.h. */
#include "tests/support/uihost.h"

static const char HOST_SCHEMA[] =
	"enum PostStatus { DRAFT ACTIVE ARCHIVED }\n"
	"type Blog @model { id: ID!\n name: String!\n posts: [Post] @hasMany }\n"
	"type Post @model { id: ID!\n title: String!\n status: PostStatus\n rating: Int\n"
	" published: Boolean\n when: AWSDateTime\n meta: AWSJSON\n blog: Blog @belongsTo\n"
	" comments: [Comment] @hasMany }\n"
	"type Comment @model { id: ID!\n body: String!\n post: Post @belongsTo }\n";

void host_save(struct sd_api *api, const char *model, const char *json)
{
	struct cJSON *j = NULL;
	struct sd_error e = {0};

	if (sd_json_parse(json, strlen(json), "record", &j, &e) != SD_OK ||
		sd_api_save(api, model, j, NULL, NULL, &e) != SD_OK) {
		fprintf(stderr, "host_save: %s\n", e.text);
		abort();
	}
	sd_json_free(j);
}

static int host_run(void *ctx)
{
	struct host *h = ctx;
	struct sd_settings settings = {.sync_page_size = 1000,
		.sync_concurrency = 4,
		.outbox_concurrency = 8,
		.outbox_batch = 1,
		.conflict_max_attempts = 10,
		.subscriptions_per_connection = 100,
		.net_timeout_ms = 30000,
		.net_connect_timeout_ms = 10000,
		.sync_full_interval_ms = 86400000};
	struct sd_config *config = sd_config_new();
	struct sd_schema *schema = NULL;
	struct sd_api *api = NULL;
	struct sd_error e = {0};
	char policy[] = "merge";
	int rc = 1;

	settings.conflict_policy = policy;
	if (sd_schema_read(HOST_SCHEMA, sizeof HOST_SCHEMA - 1, "test", &schema, &e) == SD_OK) {
		const struct sd_api_opts o = {.config = config,
			.schema = schema,
			.settings = &settings,
			.data_dir = h->dir,
			.endpoint = "",
			.read_only = h->read_only};

		if (sd_api_open(&o, &api, &e) == SD_OK) {
			const struct sd_ui_opts u = {
				.api = api, .profile_name = "test", .ascii = h->ascii};

			if (h->fill)
				h->fill(api);
			rc = sd_ui_run(&u, &e) == SD_OK ? 0 : 2;
		}
	}
	if (rc)
		printf("host: %s\r\n", e.text);
	sd_api_close(api);
	sd_schema_free(schema);
	sd_config_free(config);
	return rc;
}

void host_start(struct host *h)
{
	const struct vts_opts o = {.rows = h->rows,
		.cols = h->cols,
		.term = h->term,
		.env = h->env,
		.run = host_run,
		.ctx = h};

	if (!h->dir)
		h->dir = sd_test_dir();
	h->v = vts_start(&o);
	if (!vts_wait_idle(h->v, MS)) {
		vts_dump(h->v);
		fail_msg("the screen did not come up");
	}
}

void host_keys(struct host *h, const char *keys)
{
	if (!vts_keys(h->v, keys, MS)) {
		vts_dump(h->v);
		fail_msg("no answer to \"%s\"", keys);
	}
}

void host_sees(struct host *h, const char *text)
{
	if (!vts_has(h->v, text)) {
		vts_dump(h->v);
		fail_msg("\"%s\" is not on the screen", text);
	}
}

void host_sees_not(struct host *h, const char *text)
{
	if (vts_has(h->v, text)) {
		vts_dump(h->v);
		fail_msg("\"%s\" is on the screen", text);
	}
}

void host_quit(struct host *h)
{
	vts_type(h->v, "Q");
	assert_int_equal(vts_close(h->v), 0);
}

void host_end(struct host *h)
{
	host_quit(h);
	sd_test_dir_remove(h->dir);
	h->dir = NULL;
}
