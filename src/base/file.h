/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files that are written atomically.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/base.h"

/*
 * Writes <folder>/<name> with n bytes and that mode, independent of the umask:
 * under a temporary name (hidden, ending in .part), synced, and renamed; the
 * directory is synced too. false: no file is left, and errno is set.
 */
bool file_save(
    const char *folder, const char *name, const void *p, size_t n, mode_t mode);

/*
 * Replaces a file by a synced one in the same directory and syncs the
 * directory. false: errno is set.
 */
bool file_rename(const char *from, const char *to);

#endif
