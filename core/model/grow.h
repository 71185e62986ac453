/*
 * core/model/grow.h - lists that grow while a schema is read.  Private to core/model.
 *
 * A list is a pointer and a count; its room is the next power of two, so nothing else is kept.
 */
#ifndef SD_MODEL_GROW_H
#define SD_MODEL_GROW_H

#include <stdbool.h>
#include <stddef.h>

/* One more element at the end, zeroed; NULL: out of memory (the list is as it was). */
#define SD_GROW(list, count)                                                                       \
	(sd_grow(&(list), &(count), sizeof *(list)) ? &(list)[(count)-1] : NULL)

/* list points to the list's pointer, of whatever type: read and written by memcpy. */
bool sd_grow(void *list, size_t *count, size_t size);
/* Adds a copy of s. */
bool sd_names_add(char ***list, size_t *count, const char *s);
bool sd_names_has(char *const *list, size_t count, const char *s);
void sd_names_free(char **list, size_t count);

/* Of sdl_free.c, for the parser: */
struct sd_sdl_directive;
struct sd_sdl_doc;
void sd_sdl_free_directives(struct sd_sdl_directive *d, size_t n);
/* Puts every `extend` (extends[i] for defs[i]) into what it extends.  false: out of memory. */
bool sd_sdl_merge(struct sd_sdl_doc *doc, const bool *extends);

#endif
