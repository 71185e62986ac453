/*
 * ui/view/queue.h - private to the Outbox view.
 *
 * Depends on: view.h.  Threads: UI thread only.
 */
#ifndef SD_UI_VIEW_QUEUE_H
#define SD_UI_VIEW_QUEUE_H

#include "ui/view/view.h"

struct sd_queue_item {
	const struct cJSON *j; /* borrowed from a list; NULL: the line between */
	bool sent;
};

struct sd_queue_view {
	struct sd_layer l;
	struct cJSON *list, *sent; /* owned */
	struct sd_queue_item *item;
	int n;
	struct sd_list at;
	struct cJSON *shown; /* sd_api_outbox_show of the cursor's; owned */
	int64_t shown_seq;
	struct sd_text text;
	struct sd_rect rows;
	bool wrap;
};

/* ---- outbox.c ---- */
const struct sd_queue_item *sd_queue_here(const struct sd_queue_view *o); /* NULL: none */
int64_t sd_queue_seq(const struct sd_queue_view *o); /* of the unsent change there, else -1 */

/* ---- outbox_draw.c ---- */
void sd_queue_draw(struct sd_ui *ui, struct sd_layer *l);
void sd_queue_fields(const struct cJSON *j, struct sd_buf *b);          /* "title,rating" */
void sd_queue_detail(struct sd_ui *ui, struct sd_queue_view *o, int w); /* fills text, shown */

#endif
