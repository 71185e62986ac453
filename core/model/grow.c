/* core/model/grow.c - see grow.h. */
#include "core/model/grow.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool sd_grow(void *list, size_t *count, size_t size)
{
	size_t n = *count;
	void *p;

	memcpy(&p, list, sizeof p);

	if ((n & (n - 1)) == 0) { /* full: 0, 1, 2, 4, ... */
		size_t room = n ? n * 2 : 1;
		if (room > SIZE_MAX / size)
			return false;
		p = realloc(p, room * size);
		if (!p)
			return false;
		memcpy(list, &p, sizeof p);
	}
	memset((char *)p + n * size, 0, size);
	*count = n + 1;
	return true;
}

bool sd_names_add(char ***list, size_t *count, const char *s)
{
	char *copy = strdup(s);
	char **at = copy ? SD_GROW(*list, *count) : NULL;

	if (!at) {
		free(copy);
		return false;
	}
	*at = copy;
	return true;
}

bool sd_names_has(char *const *list, size_t count, const char *s)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i], s) == 0)
			return true;
	return false;
}

void sd_names_free(char **list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i]);
	free(list);
}
