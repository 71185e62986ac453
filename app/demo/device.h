/*
 * app/demo/device.h - a simulated device of the demo: somebody else who keeps working.
 *
 * It is a syncdeck profile of its own with its own engine: it edits, adds and counts like a
 * colleague.  With a person's profile to watch, it also edits the very field that the person has
 * changed and not yet sent, so that working offline leads to a conflict.
 *
 * Depends on: core/api, base, json, model.  Threads: main.
 */
#ifndef SD_APP_DEMO_DEVICE_H
#define SD_APP_DEMO_DEVICE_H

#include "core/api/api.h"
#include "core/base/rand.h"

struct app_device {
	struct sd_api *api;               /* borrowed; the engine runs */
	const struct sd_api_opts *person; /* whose outbox is watched; NULL: nobody's */
	const char *name;                 /* signs notes */
	struct sd_rand rand;
	int64_t answered_seq; /* of the person's outbox */
	unsigned met;         /* the person's updates seen */
};

/* One everyday change.  Errors are not fatal: a colleague may fail, too. */
void app_device_work(struct app_device *d);
/* Answers the person's unsent updates: every second one is left alone. */
void app_device_meddle(struct app_device *d);

#endif
