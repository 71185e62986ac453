/*
 * core/store/lock.c - lock files of a profile; see store.h.
 *
 * flock(2): released by the kernel with the process.  Holders of a shared lock cannot write their
 * pid anywhere, so /proc/locks is asked who they are.
 */
#include "core/store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/text.h"

#define GATE "profile.gate"

static int open_lock(const char *dir, const char *name, struct sd_error *e)
{
	char *path = sd_path_join(dir, name);
	int fd = -1;

	if (path)
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		(void)sd_fail(e, SD_IO, errno,
			"cannot open the lock %s/%s: %s; see that the directory is yours and "
			"writable",
			dir, name, strerror(errno));
	free(path);
	return fd;
}

static int pid_in_file(int fd)
{
	char b[24] = "";
	int64_t pid;
	ssize_t n = pread(fd, b, sizeof b - 1, 0);

	b[strcspn(b, "\n")] = '\0';
	return n > 0 && sd_parse_i64(b, &pid) && pid > 0 && pid <= INT32_MAX ? (int)pid : 0;
}

/* Some other process that holds a lock of this kind on the file; 0: not to be seen. */
static int holder(const struct stat *s, const char *want)
{
	char line[256];
	FILE *f = fopen("/proc/locks", "re");
	int found = 0;

	if (!f)
		return 0;
	while (!found && fgets(line, sizeof line, f)) {
		unsigned long long inode;
		char kind[16], how[16];
		int pid;
		if (sscanf(line, "%*d: %15s %*s %15s %d %*x:%*x:%llu", kind, how, &pid, &inode) ==
				4 &&
			strcmp(kind, want) == 0 && inode == (unsigned long long)s->st_ino &&
			pid != (int)getpid() &&
			(strcmp(kind, "POSIX") != 0 || strcmp(how, "WRITE") == 0))
			found = pid;
	}
	fclose(f);
	return found;
}

int sd_lock_file_holder(const char *path)
{
	struct stat s;

	return stat(path, &s) == 0 ? holder(&s, "POSIX") : 0;
}

static enum sd_err busy(int fd, enum sd_lock what, const char *dir, struct sd_error *e)
{
	struct stat s;
	int pid = what == SD_LOCK_ENGINE ? pid_in_file(fd)
		  : fstat(fd, &s) == 0   ? holder(&s, "FLOCK")
					 : 0;
	char who[48] = "another process";

	if (pid > 0)
		snprintf(who, sizeof who, "process %d", pid);
	if (what == SD_LOCK_ENGINE)
		return sd_fail(e, SD_BUSY, pid, "%s already syncs the profile %s", who, dir);
	return sd_fail(
		e, SD_BUSY, pid, "%s has the profile %s open; close it and try again", who, dir);
}

static enum sd_err own_engine(int fd, const char *dir, struct sd_error *e)
{
	char b[24];
	int n = snprintf(b, sizeof b, "%d\n", (int)getpid());

	if (ftruncate(fd, 0) || pwrite(fd, b, (size_t)n, 0) != n)
		return sd_fail(
			e, SD_IO, errno, "cannot write %s/engine.lock: %s", dir, strerror(errno));
	return SD_OK;
}

/* Waits until fd has the lock; SD_BUSY when the time is up. */
static enum sd_err lock_until(int fd, int op, int64_t until, enum sd_lock what, const char *dir,
	const char *name, struct sd_error *e)
{
	while (flock(fd, op | LOCK_NB)) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return sd_fail(e, SD_IO, errno,
				"cannot lock %s/%s: %s; see that its disk can lock files", dir,
				name, strerror(errno));
		if (sd_mono_ms() >= until)
			return busy(fd, what, dir, e);
		usleep(5000);
	}
	return SD_OK;
}

/* The way to profile.lock is through a gate: who wants it alone shuts the gate and tells the others
 * to let go; who lets go and comes back waits outside. Without it they would be back first. */
static enum sd_err through_gate(
	const char *dir, enum sd_lock what, int64_t until, int *gate, struct sd_error *e)
{
	bool alone = what == SD_LOCK_PROFILE_EXCLUSIVE;
	enum sd_err rc;

	*gate = open_lock(dir, GATE, e);
	if (*gate < 0)
		return SD_IO;
	rc = lock_until(*gate, alone ? LOCK_EX : LOCK_SH, until, what, dir, GATE, e);
	return rc == SD_OK && alone ? sd_wipe_announce(dir, e) : rc;
}

enum sd_err sd_lock_take(
	const char *dir, enum sd_lock what, int64_t wait_ms, int *fd, struct sd_error *e)
{
	const char *name = what == SD_LOCK_ENGINE ? "engine.lock" : "profile.lock";
	int op = what == SD_LOCK_PROFILE_SHARED ? LOCK_SH : LOCK_EX, gate = -1;
	/* somebody who only asks who syncs holds the lock for a moment: never give up at once */
	int64_t until = sd_mono_ms() + (wait_ms > 50 ? wait_ms : 50);
	enum sd_err rc = sd_mkdir_p(dir, e);

	*fd = -1;
	if (rc != SD_OK)
		return rc;
	if (what != SD_LOCK_ENGINE)
		rc = through_gate(dir, what, until, &gate, e);
	if (rc == SD_OK) {
		*fd = open_lock(dir, name, e);
		rc = *fd < 0 ? SD_IO : lock_until(*fd, op, until, what, dir, name, e);
	}
	sd_lock_release(gate);
	if (rc == SD_OK && what == SD_LOCK_ENGINE)
		rc = own_engine(*fd, dir, e);
	if (rc != SD_OK) {
		sd_lock_release(*fd);
		*fd = -1;
	}
	return rc;
}

void sd_lock_release(int fd)
{
	if (fd >= 0)
		close(fd);
}

int sd_lock_engine_pid(const char *dir)
{
	char *path = sd_path_join(dir, "engine.lock");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	int pid = 0;

	free(path);
	if (fd < 0)
		return 0;
	if (flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK)
		pid = pid_in_file(fd);
	close(fd);
	return pid;
}
