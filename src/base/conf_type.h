/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Parsers of settings: from the text in a file to the member of struct conf.
 */
#ifndef BASE_CONF_TYPE_H
#define BASE_CONF_TYPE_H

#include "base/base.h"

#include "base/conf.h"

struct conf_fault {
	const char *what;   /* "is not a number" */
	const char *remedy; /* "write a whole number" */
};

/*
 * Parses *text into the member at `out`. true: *text is the normal form,
 * allocated below `mem` or unchanged; false: a static fault.
 */
bool conf_type_read(TALLOC_CTX *mem, enum conf_type type, const char **text,
    void *out, struct conf_fault *fault);

#endif
