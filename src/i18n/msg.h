/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every text a person may read, in every language: en.def lists them as
 * MSG(NAME, "text"), and es.def, fr.def and de.def hold the same names in the
 * same order (checked when compiling). {0} {1} {2} stand for arguments, and
 * {0:second|seconds} for the first word when that argument is 1, else for the
 * other.
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

/* The raw text, placeholders and all. Static. */
const char *msg_text(enum lang lang, enum msg msg);

/*
 * A field as it is called in a sentence of that language: its label in the
 * form. In English, and for a field without a label, its name itself: clients
 * know that sentence.
 */
const char *msg_field(enum lang lang, const char *name);

/*
 * A size as a person reads it, whole: "5 MiB", "64 KiB", in French "5 Mio", in
 * all but English with a no-break space; less than a KiB is dropped. The result
 * belongs to `mem`.
 */
char *msg_size(TALLOC_CTX *mem, enum lang lang, size_t bytes);

/*
 * The text with {0}, {1}, {2} replaced by the arguments (NULL: empty). The
 * result belongs to `mem`.
 */
char *msg_format(
    TALLOC_CTX *mem, enum lang lang, enum msg msg, const char *const args[3]);

#endif
