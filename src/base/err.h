/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The error type. Functions that can fail return enum err; the idiom is:
 * assign, `if (e)`, `return e`. ERR_OK is 0.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/*
 * An ignored error is a warning by its type, whatever function returns it, also
 * through a pointer; (void) marks one that is ignored on purpose. gcc takes the
 * attribute of C23, clang its own; lint defines it empty for cppcheck, which
 * takes neither.
 */
#ifndef err_checked
#ifdef __clang__
#define err_checked __attribute__((warn_unused_result))
#else
#define err_checked [[nodiscard]]
#endif
#endif

__extension__ enum err_checked err {
	ERR_OK = 0,
#define ERROR(NAME, STATUS, SLUG) ERR_##NAME,
#include "base/errors.def"
#undef ERROR
	ERR__MAX
};

/* HTTP status of an error; 200 for ERR_OK. */
int err_status(enum err e);

/* Short stable name, "ok" for ERR_OK. Static text. */
const char *err_slug(enum err e);

#endif
