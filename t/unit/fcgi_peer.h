/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The web server's end of a FastCGI connection, for tests: records are written
 * into a buffer, and answers are read from a socket.
 */
#ifndef UNIT_FCGI_PEER_H
#define UNIT_FCGI_PEER_H

#include "base/base.h"

#include "base/buf.h"

/* Appends one record, padded to eight bytes as nginx does. */
void peer_record(
    struct buf *out, unsigned type, unsigned id, const void *p, size_t n);

/* Appends FCGI_BEGIN_REQUEST for a responder. */
void peer_begin(struct buf *out, unsigned id, bool keep);

/* Appends a record with one parameter. */
void peer_param(
    struct buf *out, unsigned id, const char *name, const char *value);

/* Appends a whole request with a body of n bytes. */
void peer_request(struct buf *out, bool keep, const char *method,
    const char *uri, const char *body, size_t n);

/*
 * Reads records up to FCGI_END_REQUEST; what went to standard output comes in
 * `out`. false: the connection ended before that.
 */
bool peer_answer(int fd, struct buf *out);

#endif
