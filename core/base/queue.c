/* core/base/queue.c - see queue.h. */
#include "core/base/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct node {
	struct node *next;
	void *item;
};

struct sd_queue {
	pthread_mutex_t lock;
	struct node *head, *tail; /* owned */
	size_t count, most;
	int fd; /* readable exactly while count > 0 */
};

enum sd_err sd_queue_new(size_t max_items, struct sd_queue **out, struct sd_error *e)
{
	struct sd_queue *q = calloc(1, sizeof *q);

	*out = NULL;
	if (!q)
		return sd_fail(e, SD_NOMEM, 0, "queue: out of memory");
	q->most = max_items;
	q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->fd < 0) {
		free(q);
		return sd_fail(e, SD_IO, errno, "queue: no file descriptor left");
	}
	pthread_mutex_init(&q->lock, NULL);
	*out = q;
	return SD_OK;
}

void sd_queue_free(struct sd_queue *q, void (*free_item)(void *))
{
	void *item;

	if (!q)
		return;
	while ((item = sd_queue_get(q)))
		if (free_item)
			free_item(item);
	close(q->fd);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

bool sd_queue_put(struct sd_queue *q, void *item)
{
	struct node *n = malloc(sizeof *n);
	bool ok = false;

	if (!n)
		return false;
	*n = (struct node){NULL, item};
	pthread_mutex_lock(&q->lock);
	if (q->count < q->most) {
		if (q->tail)
			q->tail->next = n;
		else
			q->head = n;
		q->tail = n;
		if (q->count++ == 0)
			(void)eventfd_write(q->fd, 1);
		ok = true;
	}
	pthread_mutex_unlock(&q->lock);
	if (!ok)
		free(n);
	return ok;
}

void *sd_queue_get(struct sd_queue *q)
{
	struct node *n;
	void *item = NULL;
	eventfd_t v;

	pthread_mutex_lock(&q->lock);
	n = q->head;
	if (n) {
		q->head = n->next;
		if (!q->head)
			q->tail = NULL;
		if (--q->count == 0)
			(void)eventfd_read(q->fd, &v);
		item = n->item;
	}
	pthread_mutex_unlock(&q->lock);
	free(n);
	return item;
}

int sd_queue_fd(const struct sd_queue *q)
{
	return q->fd;
}
