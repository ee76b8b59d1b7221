/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The texts of mails: subject, plain text and HTML from one message.
 *
 * The first line of the message is the subject, each other line a paragraph:
 *
 *     {code}          the code, in large letters
 *     {link}Label     the link; in HTML its label
 *     {note}Text      a paragraph in small letters
 *     Text            a paragraph
 *
 * {0} is the user name, {1} another value.
 */
#ifndef I18N_MAILTEXT_H
#define I18N_MAILTEXT_H

#include "base/base.h"

#include "i18n/lang.h"
#include "i18n/msg.h"

/* The variables of a mail, as plain text; they are escaped here. */
struct mailtext_facts {
	const char *username;
	const char *value;
	const char *code;
	const char *link; /* URL */
};

struct mailtext {
	const char *subject;
	const char *text; /* UTF-8, lines end with LF */
	const char *html;
};

/* Writes a mail in `lang`. The texts are allocated below `mem`. */
void mailtext_make(TALLOC_CTX *mem, struct mailtext *out, enum lang lang,
    enum msg message, const struct mailtext_facts *facts);

#endif
