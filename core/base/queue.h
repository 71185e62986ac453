/*
 * core/base/queue.h - a bounded queue of pointers between two threads, with an eventfd to poll.
 *
 * Threads: any number on each side; one mutex inside.
 */
#ifndef SD_BASE_QUEUE_H
#define SD_BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

struct sd_queue;

/* max_items: put() refuses above it.  *out owned; release with sd_queue_free. */
SD_MUST_USE enum sd_err sd_queue_new(size_t max_items, struct sd_queue **out, struct sd_error *e);
/* Items left are given to free_item (may be NULL). */
void sd_queue_free(struct sd_queue *q, void (*free_item)(void *));
/* Ownership of item moves to the queue when true; false when full (the caller keeps it). */
bool sd_queue_put(struct sd_queue *q, void *item);
void *sd_queue_get(struct sd_queue *q); /* NULL when empty; ownership moves to the caller */
/* Readable while items wait; borrowed.  Reading it is the queue's own business. */
int sd_queue_fd(const struct sd_queue *q);

#endif
