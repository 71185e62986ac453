/* core/base/fs.c - see fs.h. */
#include "core/base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void sync_dir_of(const char *path)
{
	char *copy = strdup(path);
	int fd;

	if (!copy)
		return;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
	free(copy);
}

enum sd_err sd_mkdir_p(const char *path, struct sd_error *e)
{
	char *p = strdup(path);
	enum sd_err rc = SD_OK;

	if (!p)
		return sd_fail(e, SD_NOMEM, 0, "directory %s: out of memory", path);
	for (char *s = p + 1; rc == SD_OK; s++) {
		char c = *s;
		if (c != '/' && c != '\0')
			continue;
		*s = '\0';
		if (mkdir(p, 0700) == 0)
			sync_dir_of(p); /* what is saved in it must not go with it */
		else if (errno != EEXIST)
			rc = sd_fail(e, SD_IO, errno, "cannot make directory %s: %s", p,
				strerror(errno));
		*s = c;
		if (!c)
			break;
	}
	free(p);
	return rc;
}

enum sd_err sd_fail_file(struct sd_error *e, enum sd_err absent, const char *path, int err)
{
	const struct {
		int err;
		enum sd_err rc;
		const char *next;
	} NEXT[] = {{ENOENT, absent, "; check the name and the directory"},
		{ENOTDIR, absent, "; check the name and the directory"},
		{EACCES, SD_IO, "; get the right to read it, or take another file"},
		{EISDIR, SD_INVAL, "; name a file in it"}};
	const char *next = "";
	enum sd_err rc = SD_IO;

	for (size_t i = 0; i < sizeof NEXT / sizeof *NEXT; i++)
		if (NEXT[i].err == err) {
			rc = NEXT[i].rc;
			next = NEXT[i].next;
		}
	return sd_fail(e, rc, err, "%s: %s%s", path, strerror(err), next);
}

FILE *sd_spool(FILE *in, const char *name, struct sd_error *e)
{
	char b[65536];
	struct stat s;
	FILE *out;
	size_t n;

	if (fstat(fileno(in), &s) == 0 && S_ISREG(s.st_mode))
		return in;
	out = tmpfile();
	if (!out) {
		(void)sd_fail(
			e, SD_IO, errno, "%s: no place to keep it: %s", name, strerror(errno));
		return NULL;
	}
	errno = 0;
	while ((n = fread(b, 1, sizeof b, in)) > 0)
		if (fwrite(b, 1, n, out) != n)
			break;
	if (ferror(in) && errno == EINTR)
		(void)sd_fail(e, SD_CANCELLED, 0, "%s: interrupted; nothing was written", name);
	else if (ferror(in))
		(void)sd_fail_file(e, SD_IO, name, errno);
	else if (ferror(out) || fflush(out) || fseeko(out, 0, SEEK_SET))
		(void)sd_fail(e, SD_IO, errno, "%s: %s", name, strerror(errno));
	else
		return out;
	fclose(out);
	return NULL;
}

enum sd_err sd_read_file(const char *path, size_t max, struct sd_buf *out, struct sd_error *e)
{
	bool std = strcmp(path, "-") == 0;
	int fd = std ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	enum sd_err rc = SD_OK;
	size_t start = out->len;
	char b[65536];

	if (fd < 0)
		return sd_fail_file(e, SD_NOTFOUND, path, errno);
	for (;;) {
		ssize_t n = read(fd, b, sizeof b);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			rc = sd_fail_file(e, SD_IO, path, errno);
			break;
		}
		if (n == 0)
			break;
		if (out->len - start + (size_t)n > max) {
			rc = sd_fail(e, SD_TOOBIG, 0, "%s: larger than %zu bytes", path, max);
			break;
		}
		if (!sd_buf_add(out, b, (size_t)n)) {
			rc = sd_fail(e, SD_NOMEM, 0, "%s: out of memory", path);
			break;
		}
	}
	if (!std)
		close(fd);
	return rc;
}

enum sd_err sd_write_file(const char *path, const void *p, size_t n, struct sd_error *e)
{
	struct sd_buf tmp = SD_BUF_INIT;
	const char *s = p;
	enum sd_err rc = SD_OK;
	int fd;

	if (!sd_buf_fmt(&tmp, "%s.tmp%d", path, (int)getpid()))
		return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", path);
	fd = open(tmp.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		rc = sd_fail(e, SD_IO, errno, "cannot write %s: %s", path, strerror(errno));
		sd_buf_release(&tmp);
		return rc;
	}
	while (n && rc == SD_OK) {
		ssize_t k = write(fd, s, n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0) {
			rc = sd_fail(e, SD_IO, errno, "cannot write %s: %s", path, strerror(errno));
			break;
		}
		s += k;
		n -= (size_t)k;
	}
	if (rc == SD_OK && fsync(fd))
		rc = sd_fail(e, SD_IO, errno, "cannot write %s: %s", path, strerror(errno));
	close(fd);
	if (rc == SD_OK && rename(tmp.data, path))
		rc = sd_fail(e, SD_IO, errno, "cannot write %s: %s", path, strerror(errno));
	if (rc != SD_OK)
		unlink(tmp.data);
	else
		sync_dir_of(path);
	sd_buf_release(&tmp);
	return rc;
}

enum sd_err sd_out_open(struct sd_out *o, const char *path, struct sd_error *e)
{
	struct sd_buf tmp = SD_BUF_INIT;
	int fd;

	memset(o, 0, sizeof *o);
	if (!path) {
		o->f = stdout;
		return SD_OK;
	}
	sd_buf_fmt(&tmp, "%s.tmp%d", path, (int)getpid());
	o->path = strdup(path);
	o->tmp = sd_buf_take(&tmp);
	if (!o->path || !o->tmp) {
		sd_out_drop(o);
		return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", path);
	}
	fd = open(o->tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	o->f = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!o->f) {
		int code = errno;
		if (fd >= 0)
			close(fd);
		else
			o->tmp[0] = '\0'; /* nothing to remove */
		sd_out_drop(o);
		return sd_fail(e, SD_IO, code, "cannot write %s: %s", path, strerror(code));
	}
	return SD_OK;
}

enum sd_err sd_out_done(struct sd_out *o, struct sd_error *e)
{
	bool bad = fflush(o->f) != 0 || ferror(o->f);
	int code = errno;

	if (!o->tmp)
		return bad ? sd_fail(e, SD_IO, code, "cannot write the output: %s", strerror(code))
			   : SD_OK;
	if (!bad && fsync(fileno(o->f))) {
		bad = true;
		code = errno;
	}
	if (fclose(o->f) != 0 && !bad) {
		bad = true;
		code = errno;
	}
	o->f = NULL;
	if (!bad && rename(o->tmp, o->path)) {
		bad = true;
		code = errno;
	}
	if (bad) {
		(void)sd_fail(e, SD_IO, code, "cannot write %s: %s", o->path, strerror(code));
		sd_out_drop(o);
		return SD_IO;
	}
	sync_dir_of(o->path);
	o->tmp[0] = '\0';
	sd_out_drop(o);
	return SD_OK;
}

void sd_out_drop(struct sd_out *o)
{
	if (o->f && o->tmp)
		fclose(o->f);
	if (o->tmp && *o->tmp)
		unlink(o->tmp);
	free(o->tmp);
	free(o->path);
	memset(o, 0, sizeof *o);
}

bool sd_is_dir(const char *path)
{
	struct stat s;

	return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

bool sd_is_file(const char *path)
{
	struct stat s;

	return stat(path, &s) == 0 && S_ISREG(s.st_mode);
}

char *sd_path_join(const char *a, const char *b)
{
	struct sd_buf out = SD_BUF_INIT;

	sd_buf_fmt(&out, "%s%s%s", a, *a && a[strlen(a) - 1] == '/' ? "" : "/", b);
	return sd_buf_take(&out);
}
