/*
 * ui/widget/list.h - a cursor in a list of known length, and what part of it is shown.
 *
 * Depends on: action.  Threads: UI thread only.
 */
#ifndef SD_UI_WIDGET_LIST_H
#define SD_UI_WIDGET_LIST_H

#include <stdbool.h>

#include "ui/action.h"

struct sd_list {
	int at, top; /* cursor and first row shown; 0 in an empty list */
};

/* Brings cursor and top into a list of n rows shown in h lines. */
void sd_list_fit(struct sd_list *l, int n, int h);
/* Moves for the actions that move (down, page-up, first ...); false for any other. */
bool sd_list_act(struct sd_list *l, enum sd_act a, int n, int h);

#endif
