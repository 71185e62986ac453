/* app/main.c - the process: options, then a command or the UI. */
#include <stdio.h>

int main(void)
{
	printf("syncdeck %s\n", SD_VERSION);
	return 0;
}
