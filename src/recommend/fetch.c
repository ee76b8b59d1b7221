/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fetching a published model: chunk by chunk into a temporary file beside the
 * one in force. It is locked, so that concurrent processes do not write to the
 * same file; after a crash the next process reuses it. It replaces the old file
 * only after model_file_map() has validated it and its stamp matches.
 */
#include "base/base.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "db/query.h"
#include "recommend/publish.h"

struct fetch {
	TALLOC_CTX *mem;
	struct db *db;
	const struct published *which;
	const char *part; /* the temporary file */
	const char *why;  /* below mem */
	int fd;
};

static enum err
fail_file(struct fetch *f)
{
	f->why = mem_printf(f->mem, "%s: %s", f->part,
	    errno == EWOULDBLOCK ? "another process is writing it" :
				   strerror(errno));
	return ERR_UNAVAILABLE;
}

static enum err
fail_corrupt(struct fetch *f, const char *what)
{
	f->why = mem_printf(f->mem, "model %" PRIu64 " in the database: %s",
	    f->which->stamp.version, what);
	return ERR_INVALID;
}

/* Does the name still refer to the opened file? */
static bool
has_name(int fd, const char *path)
{
	struct stat opened, named;

	return fstat(fd, &opened) == 0 && lstat(path, &named) == 0 &&
	       file_is_same_inode(&opened, &named);
}

/* The temporary file, empty and locked; -1: see errno. */
static int
open_part(const char *path)
{
	int fd, why;

	for (;;) {
		fd =
		    open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0)
			return -1;
		if (flock(fd, LOCK_EX | LOCK_NB) != 0)
			break;
		if (has_name(fd, path)) {
			if (ftruncate(fd, 0) == 0)
				return fd;
			break;
		}
		/* The previous owner has just renamed it. */
		close(fd);
	}
	why = errno;
	close(fd);
	errno = why;
	return -1;
}

/* Writes one chunk to the file; *left bytes remain. */
static enum err
fetch_chunk(struct fetch *f, int number, uint64_t *left)
{
	TALLOC_CTX *mem = mem_need(talloc_new(f->mem));
	struct row row;
	const char *payload;
	size_t n = 0;
	enum err e;

	e = query_one(mem, f->db, &row, SQL_model_chunk, arg_id(f->which->id),
	    arg_int(number));
	if (e) {
		f->why = e == ERR_NOT_FOUND ?
			     "it was withdrawn or replaced meanwhile" :
			     mem_text(f->mem, db_error(f->db));
	} else {
		payload = row_bytes(mem, &row, "payload", &n);
		if (n == 0)
			e = fail_corrupt(f, "a chunk is missing");
		else if (n > *left)
			e = fail_corrupt(f, "it is too long");
		else if (!file_write_all(f->fd, payload, n))
			e = fail_file(f);
		else
			*left -= n;
	}
	talloc_free(mem);
	return e;
}

/* Validates what was written, as a worker does. */
static enum err
check_part(struct fetch *f)
{
	const struct model *model;
	struct stamp stamp;
	TALLOC_CTX *mem = mem_need(talloc_new(f->mem));
	const char *why;
	enum err e;

	e = model_file_map(mem, f->part, &model, &stamp, &why);
	if (e)
		e = fail_corrupt(f, why);
	else if (!publish_is(f->which, &stamp))
		e = fail_corrupt(f, "its checksum does not match");
	talloc_free(mem);
	return e;
}

/* Fails early when the disk has too little space. */
static enum err
make_room(struct fetch *f)
{
	uint64_t size = f->which->stamp.size;

	if (fallocate(f->fd, 0, 0, (off_t)size) == 0 || errno == EOPNOTSUPP)
		return ERR_OK;
	return fail_file(f);
}

/* Mode 0444: a file that workers have mapped must not be modified. */
static enum err
fetch_all(struct fetch *f)
{
	uint64_t left = f->which->stamp.size;
	enum err e;

	e = make_room(f);
	for (int number = 0; !e && left > 0; number++)
		e = fetch_chunk(f, number, &left);
	if (e)
		return e;
	if (fchmod(f->fd, 0444) != 0 || fsync(f->fd) != 0)
		return fail_file(f);
	return check_part(f);
}

enum err
publish_fetch(TALLOC_CTX *mem, struct db *db, const struct published *which,
    const char *path, const char **why)
{
	struct fetch f = { .mem = mem,
		.db = db,
		.which = which,
		.part = mem_printf(mem, "%s.part", path) };
	enum err e;

	*why = NULL;
	f.fd = open_part(f.part);
	if (f.fd < 0) {
		e = fail_file(&f);
		*why = f.why;
		return e;
	}
	e = fetch_all(&f);
	if (!e && !file_rename(f.part, path))
		e = fail_file(&f);
	if (e)
		(void)unlink(f.part);
	close(f.fd); /* releases the lock */
	*why = f.why;
	return e;
}

enum err
publish_open(TALLOC_CTX *mem, struct db *db, const struct published *which,
    const struct model **out, const char **why)
{
	const char *folder = getenv("TMPDIR");
	char *path;
	struct stamp stamp;
	enum err e;
	int fd;

	path = mem_printf(
	    mem, "%s/mxm-model-XXXXXX", folder && *folder ? folder : "/tmp");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0) {
		*why = mem_printf(mem, "%s: %s", path, strerror(errno));
		return ERR_UNAVAILABLE;
	}
	close(fd);
	e = publish_fetch(mem, db, which, path, why);
	if (!e)
		e = model_file_map(mem, path, out, &stamp, why);
	(void)unlink(path);
	return e;
}
