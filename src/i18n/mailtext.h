/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the mails say, in every language: subject, plain text and HTML.
 */
#ifndef I18N_MAILTEXT_H
#define I18N_MAILTEXT_H

#include "base/base.h"

#include "i18n/lang.h"

enum mailtext_kind { MAILTEXT_VERIFICATION, MAILTEXT_RESET, MAILTEXT__MAX };

/* What goes into a mail; all of it is given as plain text and escaped here. */
struct mailtext_facts {
	const char *username;
	const char *email;
	const char *code;
	const char *site; /* origin of the front end, no slash at the end */
};

struct mailtext {
	const char *subject;
	const char *text; /* UTF-8, lines end with LF */
	const char *html;
};

/*
 * Writes a mail in `lang`. The link beside the code is
 * <site>/verify-email?code=<code>, or
 * <site>/reset-password?code=<code>&email=<address, percent-encoded>. The texts
 * belong to `mem`.
 */
void mailtext_make(TALLOC_CTX *mem, struct mailtext *out,
    enum mailtext_kind kind, enum lang lang,
    const struct mailtext_facts *facts);

#endif
