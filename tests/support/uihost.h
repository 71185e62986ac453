/*
 * tests/support/uihost.h - the UI over a real store, in the child of a screen test: a local profile
 * with a schema of its own, filled by the test through core/api before the screen starts.
 */
#ifndef SD_TESTS_UIHOST_H
#define SD_TESTS_UIHOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/api/api.h"
#include "core/json/json.h"
#include "tests/support/support.h"
#include "tests/support/vtscreen.h"
#include "ui/ui.h"

struct host {
	char *dir; /* owned */
	struct vts *v;
	bool ascii, read_only;
	const char *term;
	int rows, cols;
	const char *const *env;           /* as vts_opts.env */
	void (*fill)(struct sd_api *api); /* before the screen, in the child */
};

/* Saves one record from JSON text; aborts when the store refuses it. */
void host_save(struct sd_api *api, const char *model, const char *json);
void host_start(struct host *h); /* fails the test when no screen comes up */
void host_keys(struct host *h, const char *keys);
void host_sees(struct host *h, const char *text);
void host_sees_not(struct host *h, const char *text);
void host_quit(struct host *h); /* with Q; proves a clean end, keeps the profile */
void host_end(struct host *h);  /* host_quit, and the profile goes */

#endif
