/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Shared by mxmctl backup, verify and restore. All functions that return an int
 * return an exit status, and have printed the message if it is not EX_OK.
 */
#ifndef CTL_BACKUP_BACKUP_H
#define CTL_BACKUP_BACKUP_H

#include "base/base.h"

#include "ctl/ctl.h"
#include "db/db.h"
#include "db/dump.h"
#include "import/progress.h"

/*
 * The format of the file, a tar archive. Its members, in this order:
 *
 *	manifest.json        format, version, host, time, newest migration
 *	settings/…           mxm.conf and conf.d, for reference
 *	keys/<setting>       each secret that is set
 *	media/<path>         the files of media_root; the last one of a path
 *counts database/00000001…   the output of pg_dump -Fc in parts of 4 MiB
 *	digests/00000001…    of the members since the last of these, at most
 *	                     BACKUP_BATCH, as printed by sha256sum; anywhere
 *	end.json             number of members and digest of all digests/, rows
 */
#define BACKUP_FORMAT   1
#define BACKUP_BATCH    1000
#define BACKUP_PART     ((size_t)4 * 1024 * 1024)
#define BACKUP_MANIFEST "manifest.json"
#define BACKUP_SETTINGS "settings/"
#define BACKUP_KEYS     "keys/"
#define BACKUP_MEDIA    "media/"
#define BACKUP_DATABASE "database/"
#define BACKUP_DIGESTS  "digests/"
#define BACKUP_END      "end.json"

#define BACKUP_PATH_MAX   1024 /* bytes of a path below media_root */
#define BACKUP_DEPTH_MAX  8
#define BACKUP_SECRET_MAX 8192

/* What a file contains. Texts are below ctl->mem. */
struct backup_facts {
	/* of manifest.json */
	const char *version, *host, *created_at;
	int schema;
	/* of end.json */
	int64_t members;
	struct dump_counts counts;
	/* counted */
	int64_t pictures, bytes;
};

/* Prints "mxmctl <command>: " and the message; returns `status`. */
int backup_fail(const struct ctl *ctl, int status, const char *fmt, ...)
    printf_like(3, 4);

/* EX_OK, or 128 plus the number of the signal that was received. */
int backup_stopped(const struct ctl *ctl);

/*
 * Whether a path below media_root can be stored: UTF-8 without control
 * characters and backslashes, no component that is empty or begins with a full
 * stop, and not too long or deep. So it can neither leave the directory nor be
 * a hidden file, and a list of digests needs no quoting.
 */
bool backup_is_path(const char *path);

/* For libarchive, which converts names from and to that of the locale. */
void backup_use_utf8(void);

/* Prints the facts as JSON members or as lines. */
void backup_print(
    struct ctl *ctl, struct json *j, const struct backup_facts *facts);

/* ------------------------------------------------------ writing (pack.c) */

struct pack;

/* Creates the file, with mode 0600; "-": standard output. Shows its size. */
int pack_open(struct ctl *ctl, const char *path, bool zstd,
    struct progress *shown, struct pack **out);

/* Adds a member from memory; one of `size` bytes that are read from `fd`. */
int pack_add(struct pack *p, const char *name, const void *data, size_t n);
int pack_copy(
    struct pack *p, const char *name, int fd, int64_t size, time_t changed);

/* Adds the last digests and end.json, and completes the file. */
int pack_finish(struct pack *p, const struct dump_counts *counts);

int64_t pack_bytes(const struct pack *p);

/* ------------------------------------------------------ reading (unpack.c) */

/*
 * Receives the members of a file. Each returns an exit status; NULL: ignored.
 * The data of a member come in pieces, then n is 0 once. `name` is without its
 * prefix, and checked.
 */
struct unpack_sink {
	int (*key)(void *arg, const char *name, const char *value);
	int (*media)(void *arg, const char *path, const void *data, size_t n);
	int (*dump)(void *arg, const void *data, size_t n);
	void *arg;
};

struct unpack;

/* Opens a file ("-": standard input) and reads its manifest. */
int unpack_open(struct ctl *ctl, const char *path, struct unpack **out);

/* The facts, as far as they have been read. */
const struct backup_facts *unpack_facts(const struct unpack *u);

/*
 * Reads all that follows, passes it on, and compares all digests. EX_OK only if
 * the file is complete; what was passed on before must not be used otherwise.
 */
int unpack_run(
    struct unpack *u, const struct unpack_sink *sink, struct progress *shown);

/* ----------------------------------------------- PostgreSQL (program.c) */

/* A program of PostgreSQL that runs beside this one. */
struct program {
	const char *name;
	pid_t pid;
	int in, out, err; /* -1: none */
};

/*
 * The system user whom PostgreSQL knows by that connection string: root
 * connects over the socket as the user of that name. NULL: this one.
 */
struct passwd *program_user(struct ctl *ctl, const char *conninfo);

/* Connects as that user. */
enum err program_db(struct db *db, const struct passwd *user);

/* The same with a message on failure. Returns the exit status. */
int program_connect(struct ctl *ctl, struct db *db, const struct passwd *user);

/*
 * Starts argv[0] of PATH as that user, with pipes for standard input and
 * output; `env` as for child_start(). It is killed with the talloc context.
 */
int program_start(struct ctl *ctl, const char *const *argv,
    const char *const *env, const struct passwd *user, struct program **out);

/*
 * Writes to its input, n = 0 closes it, and meanwhile passes its output to
 * take(arg, …), until all is written, or with n = 0 until its end.
 */
int program_feed(struct ctl *ctl, struct program *p, const void *data, size_t n,
    int (*take)(void *arg, const char *p, size_t n), void *arg);

/* Waits for its end; an error is reported with its message. */
int program_end(struct ctl *ctl, struct program *p);

/* ------------------------------------------------------- media (media.c) */

struct media_count {
	int64_t files;
	int64_t skipped;   /* links, devices, names that are not accepted */
	const char *first; /* one of these, below ctl->mem; NULL */
};

/*
 * Adds the files of media_root to the archive whose status changed before a
 * time of the file system, or since then.
 */
int media_pack(struct ctl *ctl, struct pack *p, time_t at, bool since,
    struct media_count *out);

/* A directory in media_root where a restore collects files. */
struct stage;

/* Creates it. Only one restore on a host has it at a time. */
int stage_open(struct ctl *ctl, struct stage **out);

/* The function `media` of a sink; arg is the stage. */
int stage_media(void *arg, const char *path, const void *data, size_t n);

/*
 * Moves files to media_root: first those whose names are free, after which the
 * old database is still valid; then, with `replace`, the rest.
 */
int stage_place(struct stage *s, bool replace);

#endif
