/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Format of mails (RFC 5322, MIME).
 */
#ifndef NET_MESSAGE_H
#define NET_MESSAGE_H

#include "base/base.h"

#include "base/buf.h"

struct mail {
	const char *from;    /* "a@b.org" or "Name <a@b.org>" */
	const char *to;      /* "a@b.org" */
	const char *subject; /* UTF-8, one line */
	const char *text;    /* UTF-8 */
	const char *html;    /* UTF-8 */
	const char *lang;    /* "de" */
};

/*
 * Appends the message: From, To, Subject, Date, a unique Message-ID, the
 * language, and the two bodies as quoted-printable alternatives. Lines end with
 * CR LF, have at most 78 bytes, and do not begin with a dot. ERR_INVALID, with
 * nothing appended: an address is invalid, or a header has a control character;
 * such a mail cannot be sent.
 */
enum err message_compose(
    TALLOC_CTX *mem, const struct mail *m, struct buf *out);

/*
 * The address of "Name <a@b.org>" or "a@b.org", and the name ("": none),
 * allocated below `mem`. false: invalid; an address of a local host is valid.
 * `name` may be NULL.
 */
bool message_address(
    TALLOC_CTX *mem, const char *s, const char **address, const char **name);

#endif
