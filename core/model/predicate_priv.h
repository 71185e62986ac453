/*
 * core/model/predicate_priv.h - what the readings of a predicate share.  Private to
 * core/model/predicate*.c.
 *
 * How a field's values stand in the store: text, numbers and booleans (0/1) as SQLite's own;
 * lists, embedded types and AWSJSON as compact JSON text; null as NULL.
 */
#ifndef SD_MODEL_PREDICATE_PRIV_H
#define SD_MODEL_PREDICATE_PRIV_H

#include "core/model/predicate.h"

/* What a leaf compares; of a list: its elements. */
enum sd_pv {
	SD_PV_TEXT,
	SD_PV_DATE,     /* AWSDate, compares as text */
	SD_PV_DATETIME, /* AWSDateTime, compares as text */
	SD_PV_INT,
	SD_PV_FLOAT,
	SD_PV_SECONDS, /* AWSTimestamp */
	SD_PV_MILLIS,  /* _lastChangedAt */
	SD_PV_BOOL,
	SD_PV_ENUM,
	SD_PV_STATE, /* _state */
	SD_PV_JSON,  /* AWSJSON: its compact text */
	SD_PV_EMBEDDED,
	SD_PV_COUNT
};

enum sd_pv sd_pred_value_of(const struct sd_field *f, enum sd_meta meta);
static inline bool sd_pred_is_list(const struct sd_pred *p)
{
	return p->field && p->field->list;
}
/* "rating", "_version": as the text has it. */
const char *sd_pred_name(const struct sd_pred *p);
const char *sd_meta_name(enum sd_meta meta);

/* The integer that stands for a _state in the column _st; -1 unknown. */
int sd_pred_state_code(const char *state);

/* `last 7d` as the lowest value that passes, in the field's own form; owned; NULL: no memory. */
struct cJSON *sd_pred_since(const struct sd_pred *p, int64_t now_ms);

/* Compares two non-null values of one kind; false when they cannot be compared. */
bool sd_pred_compare(enum sd_pv kind, const struct cJSON *a, const struct cJSON *b, int *order);

#endif
