/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The header traceparent of the W3C recommendation Trace Context (level 1),
 * which connects the requests of several programs to one trace.
 */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include "base/base.h"

#define TRACE_ID_SIZE     33 /* of hexadecimal digits, with the NUL */
#define TRACE_SPAN_SIZE   17
#define TRACE_PARENT_SIZE 56

struct trace {
	char id[TRACE_ID_SIZE];     /* the same in the whole trace */
	char span[TRACE_SPAN_SIZE]; /* of this request */
	bool given;                 /* the client has sent a valid header */
	bool sampled;               /* it records the trace */
};

/*
 * Begins the part of a trace that is this request: of the trace in the header,
 * if it is valid, else of a new one, whose id is `id` if that is one (32
 * digits). span is random if `given`, else empty. NULL: no header.
 */
void trace_begin(struct trace *t, const char *header, const char *id);

/* The header for what this request calls; only if `given`. */
void trace_parent(const struct trace *t, char out[TRACE_PARENT_SIZE]);

#endif
