/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All texts for users, in all languages: en.def lists them as MSG(NAME,
 * "text"), and es.def, fr.def and de.def have the same names in the same order
 * (checked by the compiler). {0} {1} {2} are arguments; {0:second|seconds} is
 * the first word if that argument is 1, else the second.
 */
#ifndef I18N_MSG_H
#define I18N_MSG_H

#include "base/base.h"

#include "i18n/lang.h"

enum msg {
	MSG_NONE,
#define MSG(NAME, TEXT) MSG_##NAME,
#include "i18n/en.def"
#undef MSG
	MSG__MAX
};

/* The text with its placeholders. Static. */
const char *msg_text(enum lang lang, enum msg msg);

/*
 * The name of a field in a message of that language: its label in the form. In
 * English, and for a field without a label, the name itself, as clients expect.
 */
const char *msg_field(enum lang lang, const char *name);

/*
 * A size in text form: "5 MiB", "64 KiB", in French "5 Mio", in all languages
 * but English with a no-break space; rounded down to KiB. Allocated below
 * `mem`.
 */
char *msg_size(TALLOC_CTX *mem, enum lang lang, size_t bytes);

/*
 * The text with {0}, {1}, {2} replaced by the arguments (NULL: empty). The
 * result is allocated below `mem`.
 */
char *msg_format(
    TALLOC_CTX *mem, enum lang lang, enum msg msg, const char *const args[3]);

/* The same for a part of a text. */
char *msg_fill(TALLOC_CTX *mem, const char *s, const char *const args[3]);

#endif
