/*
 * core/store/fault.c - what went wrong on the disk, in a person's words: what was being done, to
 * which file, what SQLite and the system say, whether anything was written, and the next step.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/store/internal.h"

struct words {
	int code; /* SQLite's, primary */
	enum sd_err err;
	const char *what, *next;
};

#define UNCHANGED "nothing was changed; "

static const struct words WORDS[] = {
	{SQLITE_BUSY, SD_BUSY, "another process is writing to it", "try again in a moment"},
	{SQLITE_LOCKED, SD_BUSY, "another process is writing to it", "try again in a moment"},
	{SQLITE_FULL, SD_DB, "no space left for it",
		UNCHANGED "free some space on that disk and try again"},
	{SQLITE_NOTADB, SD_INVAL, "it is not a syncdeck store",
		UNCHANGED "move that file away, or give another --data-dir"},
	{SQLITE_CORRUPT, SD_DB, "it is damaged",
		UNCHANGED "run `syncdeck rescue`, which keeps the unsent changes and fetches the "
			  "rest anew"},
	{SQLITE_READONLY, SD_DB, "it cannot be written",
		UNCHANGED "see that the file and its directory are yours and writable"},
	{SQLITE_PERM, SD_DB, "no permission",
		UNCHANGED "see that the file and its directory are yours and writable"},
	{SQLITE_CANTOPEN, SD_DB, "it, or a file beside it, cannot be opened",
		UNCHANGED "see that the directory is yours and writable, that there is space "
			  "left, and try again"},
	{SQLITE_IOERR, SD_DB, "the disk reports an error",
		UNCHANGED "see that the disk is there and has space left, and try again"},
	{SQLITE_TOOBIG, SD_TOOBIG, "the value is too large", UNCHANGED "save it in parts"},
};

static const struct words OTHER = {
	0, SD_DB, "SQLite reports an error", UNCHANGED "run `syncdeck doctor`"};

static const struct words *words_for(int rc)
{
	for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
		if (WORDS[i].code == (rc & 0xff))
			return &WORDS[i];
	return &OTHER;
}

/* Some other process that holds a lock on the store; 0: not to be seen. */
static int store_holder(const struct sd_store *st)
{
	static const char *const SUFFIX[] = {"-shm", ""};
	int pid = 0;

	for (size_t i = 0; i < sizeof SUFFIX / sizeof *SUFFIX && !pid; i++) {
		char *path = sqlite3_mprintf("%s%s", st->path, SUFFIX[i]);
		if (path)
			pid = sd_lock_file_holder(path);
		sqlite3_free(path);
	}
	return pid;
}

enum sd_err sd_db_fail(struct sd_store *st, int rc, struct sd_error *e, const char *doing)
{
	const char *text = sqlite3_errmsg(st->db);
	const struct words *w = words_for(rc);
	int last = errno, sys = sqlite3_system_errno(st->db), pid;

	if (!sys) /* SQLite does not keep it when a commit fails */
		sys = last;
	if ((rc & 0xff) == SQLITE_IOERR && (sys == ENOSPC || sys == EDQUOT || sys == EFBIG))
		w = words_for(SQLITE_FULL);

	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return sd_db_nomem(e, doing);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		st->doubtful = true; /* the disk may read better next time: not from memory */
		break;
	case SQLITE_INTERRUPT:
		return sd_fail(e, SD_CANCELLED, rc, "%s: interrupted", doing);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		pid = store_holder(st);
		if (pid > 0)
			return sd_fail(e, SD_BUSY, rc, "%s: %s: process %d is writing to it; %s",
				doing, st->path, pid, w->next);
		return sd_fail(e, SD_BUSY, rc, "%s: %s: %s; %s", doing, st->path, w->what, w->next);
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		if (sys)
			text = strerror(sys);
		break;
	default:
		break;
	}
	return sd_fail(
		e, w->err, rc, "%s: %s: %s (%s); %s", doing, st->path, w->what, text, w->next);
}
