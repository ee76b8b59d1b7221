/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A look at FastCGI records before libfcgi reads them. The library (2.4.2)
 * blocks on a request that is not all there, allocates whatever length a peer
 * claims and ends the process when it cannot, and gives a connection up for a
 * management record; so it only gets what this file calls ready.
 */
#ifndef HTTP_RECORD_H
#define HTTP_RECORD_H

#include "base/base.h"

enum record_verdict {
	RECORD_MORE,       /* good so far, but not all there yet */
	RECORD_HEAD,       /* the same, but all parameters are there */
	RECORD_READY,      /* a responder's request of *size bytes is there */
	RECORD_MANAGEMENT, /* a management record of *size bytes stands first */
	RECORD_BAD         /* anything else */
};

/* Judges the n bytes that wait on a connection between two requests. */
enum record_verdict record_look(const unsigned char *p, size_t n, size_t *size);

/*
 * Writes the answer to a management record and returns its length: the values
 * we have for FCGI_GET_VALUES, FCGI_UNKNOWN_TYPE for any other.
 */
#define RECORD_ANSWER_SIZE 96
size_t record_answer(
    const unsigned char *p, size_t n, unsigned char out[RECORD_ANSWER_SIZE]);

#endif
