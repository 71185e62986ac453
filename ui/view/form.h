/*
 * ui/view/form.h - private to the edit form: one record as fields being typed.
 *
 * Depends on: view.h.  Threads: UI thread only.
 */
#ifndef SD_UI_VIEW_FORM_H
#define SD_UI_VIEW_FORM_H

#include "ui/view/view.h"

struct sd_form_field {
	const struct sd_field *f;
	const struct cJSON *was; /* borrowed from rec; NULL when adding */
	struct sd_edit edit;
	bool null;  /* the value is null, whatever the text */
	bool fixed; /* shown, not changeable */
	bool changed;
	char wrong[240]; /* "" when valid */
};

struct sd_form {
	struct sd_layer l;
	const struct sd_model *m;
	struct cJSON *rec;    /* owned; NULL when adding */
	struct cJSON *server; /* owned; the server's copy, NULL without */
	struct sd_form_field *field;
	int n;
	struct sd_list list;
	struct sd_rect rows; /* where the fields were drawn */
};

/* ---- form.c ---- */
/* The value typed; owned; NULL when it is not valid (wrong says why). */
struct cJSON *sd_form_value(
	const struct sd_form *fo, const struct sd_form_field *ff, struct sd_error *e);
void sd_form_check(struct sd_form *fo, struct sd_form_field *ff);
void sd_form_set(struct sd_form *fo, struct sd_form_field *ff, const struct cJSON *v);
int sd_form_count(const struct sd_form *fo, bool wrong); /* changed fields, or wrong ones */
/* What is saved: changed fields only; owned. */
struct cJSON *sd_form_changes(const struct sd_form *fo);

/* ---- form_draw.c ---- */
void sd_form_draw(struct sd_ui *ui, struct sd_layer *l);

#endif
