/* ui/view/views.c - filters kept under a name (U-40).  The file stands with the store and carries
 * its name, so that a wipe takes it too: a predicate may hold somebody's data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/text.h"
#include "ui/view/data.h"

#define VIEWS_MAX ((size_t)1 << 20)

static char *views_path(struct sd_ui *ui)
{
	return sd_path_join(sd_api_dir(ui->api), "store.db-views");
}

/* {"Post":{"mine":"owner = ana"}}; owned, empty when there is no file yet or it is damaged. */
static struct cJSON *views_read(struct sd_ui *ui)
{
	struct sd_buf b = {.cap = VIEWS_MAX};
	struct cJSON *all = NULL;
	char *path = views_path(ui);

	if (path && sd_read_file(path, VIEWS_MAX, &b, NULL) == SD_OK &&
		sd_json_parse(sd_buf_text(&b), b.len, "saved views", &all, NULL) != SD_OK)
		all = NULL;
	free(path);
	sd_buf_release(&b);
	return sd_json_is_object(all) ? all : sd_json_object();
}

static enum sd_err views_write(struct sd_ui *ui, const struct cJSON *all, struct sd_error *e)
{
	struct sd_buf b = SD_BUF_INIT;
	char *path = views_path(ui);
	enum sd_err rc = sd_fail(e, SD_NOMEM, 0, "saved views: out of memory");

	if (path && sd_json_print_pretty(all, &b))
		rc = sd_write_file(path, sd_buf_text(&b), b.len, e);
	free(path);
	sd_buf_release(&b);
	return rc;
}

struct naming {
	struct sd_data *d;
	char *where; /* owned */
};

static void naming_free(void *ctx)
{
	struct naming *n = ctx;

	free(n->where);
	free(n);
}

/* An empty predicate takes the view away. */
static bool named(struct sd_ui *ui, void *ctx, const char *name)
{
	struct naming *n = ctx;
	struct cJSON *all = views_read(ui), *mine;
	struct sd_error e = {0};

	if (!*name) {
		sd_json_free(all);
		return false;
	}
	if (!sd_json_is_object(sd_json_get(all, n->d->m->name)))
		sd_json_set(all, n->d->m->name, sd_json_object());
	mine = sd_json_get(all, n->d->m->name);
	if (*n->where)
		sd_json_set(mine, name, sd_json_string(n->where));
	else
		sd_json_remove(mine, name);
	if (views_write(ui, all, &e) != SD_OK)
		sd_say_error(ui, &e);
	else
		sd_say(ui, SD_SAY_GOOD,
			*n->where ? "Saved as \"%s\"; V lists the views."
				  : "The view \"%s\" is gone.",
			name);
	sd_json_free(all);
	return true;
}

void sd_views_save(struct sd_ui *ui, void *ctx, const char *where)
{
	struct sd_data *d = ctx;
	struct naming *n = calloc(1, sizeof *n);
	struct sd_error e = {0};

	if (!n)
		return;
	if (*where && sd_api_where_check(ui->api, d->m->name, where, &e) != SD_OK) {
		sd_say_error(ui, &e);
		free(n);
		return;
	}
	n->d = d;
	n->where = sd_strdup_n(where, strlen(where));
	sd_prompt(ui,
		&(struct sd_prompt_opts){.title = *where ? "Name of the view" : "View to take away",
			.done = named,
			.ctx = n,
			.free_ctx = naming_free});
}

static bool picked(struct sd_ui *ui, void *ctx, size_t i, const char *value)
{
	struct sd_data *d = ctx;

	(void)i;
	sd_data_set(&d->where, value);
	d->total = -1;
	if (d->pane == SD_P_MODELS)
		d->pane = SD_P_TABLE;
	sd_win_first(ui, d);
	return true;
}

void sd_views_list(struct sd_ui *ui, struct sd_data *d)
{
	struct cJSON *all = views_read(ui);
	const struct cJSON *mine = sd_json_get(all, d->m->name);
	size_t n = sd_json_count(mine);
	struct sd_pick_opts o = {.title = "Saved views", .done = picked, .ctx = d};

	if (!n) {
		sd_say(ui, SD_SAY_INFO, "No view of %s is saved yet; f, then C-s saves one.",
			d->m->name);
		sd_json_free(all);
		return;
	}
	o.label = calloc(n, sizeof *o.label);
	o.value = calloc(n, sizeof *o.value);
	for (struct cJSON *v = sd_json_child(mine); o.label && o.value && v; v = sd_json_next(v)) {
		const char *where = sd_json_str(v);

		if (!where || asprintf(&o.label[o.count], " %-20s %s", sd_json_name(v), where) < 0)
			continue;
		o.value[o.count] = sd_strdup_n(where, strlen(where));
		o.count++;
	}
	sd_json_free(all);
	sd_pick_list(ui, &o);
}
