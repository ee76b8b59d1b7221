/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * HTTP requests to configured services. Blocks up to its timeout, so it is only
 * for mxm-jobs.
 */
#ifndef NET_FETCH_H
#define NET_FETCH_H

#include "base/base.h"

struct fetch {
	const char *url;
	const char *form;      /* body of a POST, urlencoded; NULL: GET */
	const char *body_type; /* content type of `form`; NULL: urlencoded */
	const char *user;      /* HTTP Basic; NULL: none */
	const char *password;
	const char *header;  /* a further header line; NULL: none */
	const char *trace;   /* header traceparent; NULL: none */
	const char *ca_file; /* PEM; NULL or "": only the system's */
	size_t max_bytes;    /* of the answer */
	int timeout_ms;      /* for all of it */
};

struct fetch_answer {
	int status;       /* of HTTP */
	const char *body; /* ends with a NUL that is not part of it */
	size_t len;
	int64_t max_age; /* seconds; -1: the server does not name it */
};

/*
 * Sends the request; redirects are not followed, and no proxy is used. The
 * answer, with any status, is allocated below `mem`. ERR_INVALID: the URL may
 * not be used (fetch_is_safe()). ERR_TOO_LARGE: the answer is longer than
 * max_bytes. ERR_UPSTREAM: no complete answer. *why is the reason in one line,
 * below `mem`, without secrets.
 */
enum err fetch(TALLOC_CTX *mem, const struct fetch *request,
    struct fetch_answer *answer, const char **why);

/* https, or http to a loopback address or localhost. */
bool fetch_is_safe(const char *url);
bool fetch_is_loopback(const char *url);

#endif
