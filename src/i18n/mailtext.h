/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The texts of mails in all languages: subject, plain text and HTML.
 */
#ifndef I18N_MAILTEXT_H
#define I18N_MAILTEXT_H

#include "base/base.h"

#include "i18n/lang.h"

enum mailtext_kind { MAILTEXT_VERIFICATION, MAILTEXT_RESET, MAILTEXT__MAX };

/* The variables of a mail, as plain text; they are escaped here. */
struct mailtext_facts {
	const char *username;
	const char *email;
	const char *code;
	const char
	    *site; /* origin of the front end, without a trailing slash */
};

struct mailtext {
	const char *subject;
	const char *text; /* UTF-8, lines end with LF */
	const char *html;
};

/*
 * Writes a mail in `lang`. The link is
 * <site>/verify-email?code=<code>, or
 * <site>/reset-password?code=<code>&email=<address, percent-encoded>. The texts
 * are allocated below `mem`.
 */
void mailtext_make(TALLOC_CTX *mem, struct mailtext *out,
    enum mailtext_kind kind, enum lang lang,
    const struct mailtext_facts *facts);

#endif
