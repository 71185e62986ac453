/*
 * tests/support/served.h - one sandbox of a group of tests, over real sockets, and words for them.
 */
#ifndef SD_TESTS_SERVED_H
#define SD_TESTS_SERVED_H

#include <stddef.h>

#include "tests/support/run_sandbox.h"

/* What runs: a sandbox of the schema, made with these options. */
extern struct served {
	struct sd_schema *schema;
	struct sd_sandbox_opts opts;
	struct sd_test_server *srv;
} served;

#define SERVED_KEY "x-api-key: da2-fakeApiId123456"

int served_start(const char *sdl); /* 0; -1: the schema is refused */
/* Fixtures of a group: of Posts with fields of every kind. */
int served_posts(void **st);
int served_stop(void **st);
int served_fresh(void **st); /* before a test: POST reset */
/* What the server says to these bytes, until the end or ms; owned. */
char *served_raw(const char *text, int ms);
size_t served_count(const char *text, const char *what); /* how often it stands there */

#endif
