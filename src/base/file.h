/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files that are there as a whole or not at all.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/base.h"

/*
 * Makes <folder>/<name> of n bytes with that mode, whatever the umask: written
 * under a name of its own (hidden, ending in .part), synced, and renamed; the
 * folder is synced too, so that the file outlives a crash. false: nothing of
 * it is left, and errno says why.
 */
bool file_save(
    const char *folder, const char *name, const void *p, size_t n, mode_t mode);

/*
 * Puts a file that is written and synced in the place of another in the same
 * folder, for good: the folder is synced. false: errno says why.
 */
bool file_rename(const char *from, const char *to);

#endif
