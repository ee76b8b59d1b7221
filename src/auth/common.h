/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Passwords that everybody tries first: words of cracklib's dictionary, alone
 * or with a little around them, and runs along the alphabet or the keyboard.
 */
#ifndef AUTH_COMMON_H
#define AUTH_COMMON_H

#include "base/base.h"

/*
 * Is it too common? `dictionary` is the path of a packed cracklib dictionary
 * without its suffix, NULL that of the system. Without one the short list in
 * this program and the runs still count.
 */
bool common_password(
    TALLOC_CTX *mem, const char *dictionary, const char *password);

/*
 * The dictionary of the system, and whether it is there (`mxmctl check` says
 * so when not: update-cracklib(8) of package cracklib-runtime makes it).
 */
const char *common_dictionary(void);
bool common_dictionary_is_there(const char *dictionary);

#endif
