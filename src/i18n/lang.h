/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The languages we speak, and how one is chosen.
 */
#ifndef I18N_LANG_H
#define I18N_LANG_H

#include "base/base.h"

enum lang { LANG_EN, LANG_ES, LANG_FR, LANG_DE, LANG__MAX };

/* "en", "es", "fr", "de" */
const char *lang_code(enum lang lang);

/* Exact code to language; false (and *lang untouched) when it is not ours. */
bool lang_parse(const char *code, enum lang *lang);

/* Best match of an Accept-Language value (RFC 9110, 12.5.4); English if none.
 */
enum lang lang_negotiate(const char *accept_language);

#endif
