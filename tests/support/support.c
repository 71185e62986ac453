/* tests/support/support.c - see support.h. */
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *sd_test_dir(void)
{
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	char *p = NULL;

	if (asprintf(&p, "%s/sdtest.XXXXXX", base) < 0 || !mkdtemp(p))
		abort();
	return p;
}

void sd_test_dir_remove(char *dir)
{
	char cmd[512];

	snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
	if (system(cmd))
		fprintf(stderr, "could not remove %s\n", dir);
	free(dir);
}
