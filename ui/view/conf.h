/*
 * ui/view/conf.h - private to the Conflicts view: what was chosen, field by field.
 *
 * Nothing is written before w: choices live here, and core/api shows with a dry run exactly what
 * would go out.
 *
 * Depends on: view.h.  Threads: UI thread only.
 */
#ifndef SD_UI_VIEW_CONF_H
#define SD_UI_VIEW_CONF_H

#include "ui/view/view.h"

#define SD_CONF_UNDO 50

/* The choices of one conflict, and how they were before (for u). */
struct sd_conf_choice {
	int64_t id;
	struct cJSON *picks; /* {"title":"mine"}, owned */
	struct cJSON *sets;  /* {"title":JSON}, owned */
	char keep[8];        /* for shapes with a delete: the whole record; "" not chosen */
};

struct sd_conf {
	struct sd_layer l;
	struct cJSON *list; /* sd_api_conflicts, owned */
	char *list_text;    /* owned: to see whether it changed */
	int n, at;          /* conflicts, and the one shown */
	int *order;         /* owned: positions in "fields", those that differ first */
	struct sd_list field;
	struct sd_conf_choice now;
	struct sd_conf_choice past[SD_CONF_UNDO];
	int past_n;
	bool previewed;
	struct cJSON *write;     /* what would go out; owned; NULL: not yet */
	char why[SD_ERROR_TEXT]; /* why nothing can go out yet; "" */
	struct sd_rect rows, conflicts;
};

/* ---- conf.c ---- */
const struct cJSON *sd_conf_here(const struct sd_conf *c);         /* the conflict shown; NULL */
bool sd_conf_whole(const struct cJSON *conflict);                  /* decided as a whole record */
const struct cJSON *sd_conf_field(const struct sd_conf *c, int i); /* of "fields"; NULL */
int sd_conf_fields(const struct sd_conf *c);
/* What counts for a field: "mine", "theirs", "base", "set", or NULL while open. */
const char *sd_conf_pick(const struct sd_conf *c, const struct cJSON *field);
/* The value that pick gives; borrowed. */
const struct cJSON *sd_conf_result(const struct sd_conf *c, const struct cJSON *field);
/* What there is to decide stands first, then what only one side changed, then the rest. */
void sd_conf_arrange(struct sd_conf *c);

/* ---- conflicts.c ---- */
void sd_conf_preview(struct sd_ui *ui, struct sd_conf *c);

/* ---- conflicts_draw.c ---- */
void sd_conf_draw(struct sd_ui *ui, struct sd_layer *l);

#endif
