/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A mail as it goes over the wire (RFC 5322, MIME).
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
};

/*
 * Appends the whole message: From, To, Subject, Date, a Message-ID of its own,
 * and the two bodies as alternatives in quoted-printable. Every line ends with
 * CR LF, has at most 78 bytes, and none begins with a dot. ERR_INVALID, with
 * nothing appended: an address is no good, or a control character is in a
 * header; such a mail can never be sent.
 */
enum err message_compose(
    TALLOC_CTX *mem, const struct mail *m, struct buf *out);

/*
 * The bare address of "Name <a@b.org>" or "a@b.org", and the name ("" if there
 * is none); both belong to `mem`. false: not an address, if only one of this
 * machine. `name` may be NULL.
 */
bool message_address(
    TALLOC_CTX *mem, const char *s, const char **address, const char **name);

#endif
