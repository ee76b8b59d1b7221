/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Common passwords: words of cracklib's dictionary, alone or with typical
 * additions, and runs in the alphabet or on the keyboard.
 */
#ifndef AUTH_COMMON_H
#define AUTH_COMMON_H

#include "base/base.h"

/*
 * Whether a password is too common. `dictionary` is the path of a packed
 * cracklib dictionary without its suffix, NULL: that of the system. Without one
 * only the built-in list and runs are checked.
 */
bool common_password(
    TALLOC_CTX *mem, const char *dictionary, const char *password);

/*
 * The dictionary of the system, and whether it exists (checked by `mxmctl
 * check`; update-cracklib(8) of package cracklib-runtime creates it).
 */
const char *common_dictionary(void);
bool common_dictionary_is_there(const char *dictionary);

#endif
