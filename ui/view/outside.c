/* ui/view/outside.c - values and records edited in $VISUAL or $EDITOR. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/text.h"
#include "ui/term/screen.h"
#include "ui/view/view.h"

#define EDIT_DIR   "edit."
#define MAX_EDITED ((size_t)8 << 20)

/* Runs the editor on path; the person's setting may hold arguments, so the shell splits it. */
static int run_editor(const char *path)
{
	const char *editor = getenv("VISUAL");
	char *cmd = NULL;
	int rc;

	if (!editor || !*editor)
		editor = getenv("EDITOR");
	if (!editor || !*editor)
		editor = "vi";
	if (asprintf(&cmd, "%s \"$1\"", editor) < 0)
		return -1;
	char sh[] = "sh", c[] = "-c";
	char *const argv[] = {sh, c, cmd, sh, (char *)(uintptr_t)path, NULL};

	rc = sd_screen_run(argv);
	free(cmd);
	return rc;
}

/* Overwrites and removes a directory of ours, with the backups editors leave in it. */
static void remove_dir(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;

	while (d && (entry = readdir(d))) {
		char *path = sd_path_join(dir, entry->d_name);
		FILE *f;
		long n;

		if (path && sd_is_file(path)) {
			f = fopen(path, "r+");
			if (f && fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) > 0) {
				rewind(f);
				while (n-- > 0)
					fputc(0, f);
			}
			if (f)
				fclose(f);
			unlink(path);
		}
		free(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

void sd_edit_clean(struct sd_ui *ui)
{
	DIR *d = opendir(sd_api_dir(ui->api));
	const struct dirent *entry;

	while (d && (entry = readdir(d))) {
		char *path = sd_path_join(sd_api_dir(ui->api), entry->d_name);

		if (path && sd_str_starts(entry->d_name, EDIT_DIR) && sd_is_dir(path))
			remove_dir(path);
		free(path);
	}
	if (d)
		closedir(d);
}

char *sd_edit_text_outside(struct sd_ui *ui, const char *text, const char *suffix)
{
	struct sd_buf b = {.cap = MAX_EDITED};
	struct sd_error e = {0};
	char *dir = NULL, *path = NULL, *out = NULL;

	/* a directory of its own: editors leave backups beside the file */
	if (asprintf(&dir, "%s/" EDIT_DIR "XXXXXX", sd_api_dir(ui->api)) < 0 || !mkdtemp(dir) ||
		asprintf(&path, "%s/value%s", dir, suffix) < 0) {
		sd_say(ui, SD_SAY_ERROR, "No place for the editor's file: %s", strerror(errno));
		goto out;
	}
	sd_buf_str(&b, text);
	if (!b.len || b.data[b.len - 1] != '\n')
		sd_buf_ch(&b, '\n');
	if (sd_write_file(path, sd_buf_text(&b), b.len, &e) != SD_OK) {
		sd_say_error(ui, &e);
		goto out;
	}
	if (run_editor(path) != 0) {
		sd_say(ui, SD_SAY_ERROR,
			"The editor failed; $VISUAL and $EDITOR name it. Nothing was changed.");
		goto out;
	}
	sd_buf_reset(&b);
	if (sd_read_file(path, MAX_EDITED, &b, &e) != SD_OK) {
		sd_say_error(ui, &e);
		goto out;
	}
	if (!sd_utf8_valid(sd_buf_text(&b), b.len)) {
		sd_say(ui, SD_SAY_ERROR, "The editor's text is not UTF-8; nothing was changed.");
		goto out;
	}
	if (b.len && b.data[b.len - 1] == '\n')
		b.data[--b.len] = 0;
	if (strcmp(sd_buf_text(&b), text) == 0)
		sd_say(ui, SD_SAY_INFO, "Nothing was changed.");
	else
		out = sd_strdup_n(sd_buf_text(&b), b.len);
out:
	if (dir)
		remove_dir(dir);
	free(path);
	free(dir);
	sd_buf_release(&b);
	return out;
}

/* ---- a whole record as JSON ---- */

struct json_edit {
	const struct sd_model *m;
	struct cJSON *rec; /* owned */
	char *text;        /* owned: what was typed and could not be saved */
};

static void free_json_edit(void *ctx)
{
	struct json_edit *x = ctx;

	sd_json_free(x->rec);
	free(x->text);
	free(x);
}

/* Only changed fields; INVAL for what cannot be changed. */
static enum sd_err changes(const struct sd_model *m, const struct cJSON *rec,
	const struct cJSON *now, struct cJSON *out, struct sd_error *e)
{
	for (struct cJSON *c = sd_json_child(now); c; c = sd_json_next(c)) {
		const char *name = sd_json_name(c);
		const struct sd_field *f = name ? sd_model_field(m, name) : NULL;

		if (f && !f->stored)
			return sd_fail(e, SD_INVAL, 0,
				"%s.%s leads to other records; set the columns of its key instead",
				m->name, name);
		if (!f)
			return sd_model_no_field(m, name ? name : "", e);
		if (sd_json_equal(c, sd_json_get(rec, name), true))
			continue;
		if (f->read_only || sd_model_is_key(m, f))
			return sd_fail(e, SD_INVAL, 0, "%s.%s cannot be changed", m->name, name);
		if (!sd_json_add(out, name, sd_json_dup(c)))
			return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", m->name);
	}
	return SD_OK;
}

static enum sd_err save_text(struct sd_ui *ui, const struct json_edit *x, struct sd_error *e)
{
	struct cJSON *now = NULL, *out = sd_json_object();
	char *key = sd_key_text(x->m, x->rec);
	enum sd_err rc = sd_json_parse(x->text, strlen(x->text), "the edited record", &now, e);

	if (rc == SD_OK && !sd_json_is_object(now))
		rc = sd_fail(e, SD_INVAL, 0, "the edited record has to be an object { }");
	if (rc == SD_OK)
		rc = changes(x->m, x->rec, now, out, e);
	if (rc == SD_OK && !sd_json_child(out)) {
		sd_say(ui, SD_SAY_INFO, "Nothing was changed.");
		goto out;
	}
	if (rc == SD_OK)
		rc = sd_key_put(x->m, key, out, e);
	if (rc == SD_OK)
		rc = sd_api_save(ui->api, x->m->name, out, NULL, NULL, e);
	if (rc == SD_OK) {
		sd_api_kick(ui->api);
		sd_say(ui, SD_SAY_GOOD, "Saved on this device.");
		ui->stale = true;
	}
out:
	free(key);
	sd_json_free(now);
	sd_json_free(out);
	return rc;
}

static void edit_round(struct sd_ui *ui, struct json_edit *x);

static void again(struct sd_ui *ui, void *ctx, int i)
{
	struct json_edit *x = ctx, *copy;

	if (i != 0)
		return;
	copy = calloc(1, sizeof *copy); /* ctx is freed with the question */
	if (!copy)
		return;
	*copy = *x;
	x->rec = NULL;
	x->text = NULL;
	edit_round(ui, copy);
}

/* Takes x over. */
static void edit_round(struct sd_ui *ui, struct json_edit *x)
{
	static const struct sd_choice choice[] = {
		{'e', "edit again", 0}, {'t', "throw the edit away", 0}};
	struct sd_error e = {0};
	char *text = sd_edit_text_outside(ui, x->text, ".json");

	if (text) {
		free(x->text);
		x->text = text;
		if (save_text(ui, x, &e) != SD_OK) {
			sd_ask(ui, &(struct sd_ask_opts){.title = "Not saved",
					   .text = e.text,
					   .choice = choice,
					   .count = 2,
					   .done = again,
					   .ctx = x,
					   .free_ctx = free_json_edit});
			return;
		}
	}
	free_json_edit(x);
}

void sd_edit_json(struct sd_ui *ui, const struct sd_model *m, const struct cJSON *rec)
{
	struct json_edit *x = calloc(1, sizeof *x);
	struct cJSON *shown = sd_json_object();
	struct sd_buf b = SD_BUF_INIT;

	if (!x || !shown)
		goto out;
	for (size_t i = 0; i < m->field_count; i++) {
		const struct sd_field *f = &m->fields[i];
		const struct cJSON *v = sd_json_get(rec, f->name);

		if (f->stored && !f->read_only)
			sd_json_add(shown, f->name, v ? sd_json_dup(v) : sd_json_null());
	}
	sd_json_print_pretty(shown, &b);
	x->m = m;
	x->rec = sd_json_dup(rec);
	x->text = sd_buf_take(&b);
	if (x->rec && x->text) {
		edit_round(ui, x);
		x = NULL;
	}
out:
	if (x)
		free_json_edit(x);
	sd_json_free(shown);
}
