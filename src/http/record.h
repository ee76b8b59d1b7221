/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Checks FastCGI records before libfcgi reads them. The library (2.4.2) blocks
 * on an incomplete request, allocates any length that a peer claims and exits
 * if it cannot, and closes the connection on a management record; so it is
 * called only for requests that this file reports as ready.
 */
#ifndef HTTP_RECORD_H
#define HTTP_RECORD_H

#include "base/base.h"

enum record_verdict {
	RECORD_MORE,       /* valid so far, but incomplete */
	RECORD_HEAD,       /* the same, but the parameters are complete */
	RECORD_READY,      /* a complete responder request of *size bytes */
	RECORD_MANAGEMENT, /* a management record of *size bytes */
	RECORD_BAD         /* anything else */
};

/* Classifies the n bytes received on a connection between two requests. */
enum record_verdict record_look(const unsigned char *p, size_t n, size_t *size);

/*
 * Writes the answer to a management record and returns its length: the
 * supported values for FCGI_GET_VALUES, FCGI_UNKNOWN_TYPE for any other.
 */
#define RECORD_ANSWER_SIZE 96
size_t record_answer(
    const unsigned char *p, size_t n, unsigned char out[RECORD_ANSWER_SIZE]);

#endif
