/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files that are written atomically, and reading with a deadline.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/base.h"

#include <sys/stat.h>

/*
 * A file that is written under a temporary name in its folder (hidden, ending
 * in .part). If it is freed before file_finish(), nothing of it is left.
 */
struct file {
	FILE *to;
	char *path;
	char *part;
};

/* With the permissions `mode` less the umask. NULL: errno says why. */
struct file *file_new(TALLOC_CTX *mem, const char *path, mode_t mode);

/*
 * Syncs the file, renames it to its path, where it replaces another, and syncs
 * the folder, so that it survives a crash. Frees it. false: errno says why, and
 * the path has what it had, or all of the new.
 */
bool file_finish(struct file *file);

/*
 * Writes n bytes so to the new file <folder>/<name>, with that mode whatever
 * the umask. false: there is no such file, and errno says why.
 */
bool file_save(
    const char *folder, const char *name, const void *p, size_t n, mode_t mode);

/*
 * Renames a file that is written and synced, and syncs the folder of both.
 * false: errno says why.
 */
bool file_rename(const char *from, const char *to);

/* Writes all bytes, also when a signal interrupts it. false: see errno. */
bool file_write_all(int fd, const void *p, size_t n);

/*
 * Reads text until the end of the file, but at most size - 1 bytes, and
 * terminates it. false: clock_steady_us() reached `until` before.
 */
bool file_read_until(int fd, char *text, size_t size, int64_t until);

/* Whether both are of one file, whatever its names: device and inode. */
bool file_is_same_inode(const struct stat *a, const struct stat *b);

/* Whether a file has the same identity, size and times: its content, then. */
bool file_is_same(const struct stat *a, const struct stat *b);

#endif
