/*
 * core/json/node.c - the memory of nodes.
 *
 * A record is some twenty nodes, made and freed by the hundred thousand, and malloc's own cache
 * holds seven pieces of a size.  Each thread keeps some of what it frees.  A kept piece is what
 * malloc() gave: it may as well be freed by cJSON.
 */
#include "core/json/node.h"

#include <pthread.h>
#include <stdbool.h>

#define KEPT 1024 /* of each size, in a thread */

#if defined(__SANITIZE_ADDRESS__)
#define KEEP false /* which must see what is freed */
#else
#define KEEP true
#endif

struct kept {
	cJSON *first; /* by next */
	unsigned count;
};

static _Thread_local struct kept plain, text; /* sizeof(cJSON), NODE_TEXT */
static _Thread_local bool known;              /* to the end of the thread */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;

static void drop(struct kept *k)
{
	cJSON *next;

	for (cJSON *j = k->first; j; j = next) {
		next = j->next;
		free(j);
	}
	k->first = NULL;
	k->count = 0;
}

static void thread_ends(void *p)
{
	(void)p;
	known = false; /* what is freed from here on comes here once more */
	drop(&plain);
	drop(&text);
}

static void make_key(void)
{
	if (pthread_key_create(&key, thread_ends))
		key = 0;
}

static bool known_now(void)
{
	pthread_once(&once, make_key);
	known = pthread_setspecific(key, &known) == 0;
	return known;
}

static bool keep(struct kept *k, cJSON *j)
{
	if (!KEEP || k->count >= KEPT || (!known && !known_now()))
		return false;
	j->next = k->first;
	k->first = j;
	k->count++;
	return true;
}

static cJSON *take(struct kept *k, size_t bytes)
{
	cJSON *j = k->first;

	if (!j)
		return malloc(bytes);
	k->first = j->next;
	k->count--;
	return j;
}

cJSON *node_new(int type)
{
	cJSON *j = take(&plain, sizeof *j);

	if (j)
		*j = (cJSON){.type = type};
	return j;
}

cJSON *node_text(const char *s, size_t n)
{
	/* the text stands behind the node, in one piece: as one that belongs to somebody else,
	 * cJSON does not free it */
	cJSON *j = sizeof *j + n < NODE_TEXT ? take(&text, NODE_TEXT) : malloc(sizeof *j + n + 1);

	if (!j)
		return NULL;
	*j = (cJSON){.type = cJSON_String | cJSON_IsReference, .valuestring = (char *)(j + 1)};
	memcpy(j->valuestring, s, n);
	j->valuestring[n] = '\0';
	return j;
}

/* With its text behind it, in a piece of NODE_TEXT bytes or more. */
static bool is_text(const cJSON *j)
{
	return j->type & cJSON_IsReference && j->valuestring == (const char *)(j + 1);
}

void node_free(cJSON *j)
{
	cJSON *next;

	for (; j; j = next) {
		bool kept;
		next = j->next;
		if (!(j->type & cJSON_IsReference)) {
			node_free(j->child);
			free(j->valuestring);
		}
		if (!(j->type & cJSON_StringIsConst))
			free(j->string);
		/* a text cut short by a NUL of its own stands in a larger piece, never a smaller one */
		if (is_text(j))
			kept = strlen(j->valuestring) + sizeof *j < NODE_TEXT && keep(&text, j);
		else
			kept = keep(&plain, j);
		if (!kept)
			free(j);
	}
}
