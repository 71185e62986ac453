/* core/base/log.c - see log.h. */
#include "core/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/base/time.h"

static const char *const LEVEL[] = {"error", "warn", "info", "debug", "trace"};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int fd = -1;
static enum sd_log_level most = SD_LOG_WARN;

enum sd_err sd_log_open(const char *path, enum sd_log_level level, struct sd_error *e)
{
	int f = -1;

	if (path) {
		f = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (f < 0)
			return sd_fail(e, SD_IO, errno, "log file %s: %s", path, strerror(errno));
	}
	pthread_mutex_lock(&lock);
	if (fd >= 0)
		close(fd);
	fd = f;
	most = level;
	pthread_mutex_unlock(&lock);
	return SD_OK;
}

void sd_log_close(void)
{
	pthread_mutex_lock(&lock);
	if (fd >= 0)
		close(fd);
	fd = -1;
	pthread_mutex_unlock(&lock);
}

bool sd_log_to_file(void)
{
	bool file;

	pthread_mutex_lock(&lock);
	file = fd >= 0;
	pthread_mutex_unlock(&lock);
	return file;
}

int sd_log_level_parse(const char *s)
{
	for (int i = 0; i < (int)(sizeof LEVEL / sizeof *LEVEL); i++)
		if (strcmp(s, LEVEL[i]) == 0)
			return i;
	return -1;
}

void sd_log(enum sd_log_level level, const char *module, const char *fmt, ...)
{
	char text[2048], at[SD_TIME_TEXT];
	struct sd_buf b = {.cap = 16384};
	va_list ap;

	if (level > most)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	sd_time_iso(sd_now_ms(), at);
	sd_buf_fmt(&b, "%s %-5s %s: ", at, LEVEL[level], module);
	sd_text_safe(&b, text, strlen(text));
	sd_buf_ch(&b, '\n');
	pthread_mutex_lock(&lock);
	if (write(fd >= 0 ? fd : STDERR_FILENO, sd_buf_text(&b), b.len) < 0) {
		/* a full disk must not stop the work */
	}
	pthread_mutex_unlock(&lock);
	sd_buf_release(&b);
}
