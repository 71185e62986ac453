/*
 * tests/bench/pages.h - a page server: the same pages of one model to whoever asks, at any speed.
 *
 * Records as limits.md has them: uuid, title, 120-character body, int, bool, three tags, an enum,
 * two ISO times, metadata: about 410 bytes.  The pages are made once and served from memory over
 * HTTP/1.1 on loopback; nextToken is the number of the page.
 */
#ifndef SD_BENCH_PAGES_H
#define SD_BENCH_PAGES_H

#include <sys/types.h>

#define PAGE_ROWS 1000

extern const char PAGES_SDL[]; /* the model, without subscriptions */

struct pages {
	int port;
	pid_t pid;
};

/* Forks the server for `pages` pages.  Aborts on failure. */
struct pages pages_start(int pages);
void pages_stop(struct pages *p);

#endif
