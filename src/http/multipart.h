/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * multipart/form-data (RFC 7578), from a body in memory.
 */
#ifndef HTTP_MULTIPART_H
#define HTTP_MULTIPART_H

#include "base/base.h"

#include "http/body.h"

#define MULTIPART_PARTS_MAX  32
#define MULTIPART_HEADER_MAX 8192 /* bytes, each part */
#define MULTIPART_NAME_MAX   255  /* bytes of a field's name */

/*
 * Splits the n bytes by the boundary in the content type. Files are not copied:
 * their data points into `p`. ERR_INVALID with out->fault if it is malformed or
 * exceeds a limit; out->parts is empty then.
 */
enum err multipart_parse(TALLOC_CTX *mem, const char *type, const char *p,
    size_t n, struct body *out);

#endif
