/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The supported languages and their negotiation.
 */
#ifndef I18N_LANG_H
#define I18N_LANG_H

#include "base/base.h"

enum lang { LANG_EN, LANG_ES, LANG_FR, LANG_DE, LANG__MAX };

/* "en", "es", "fr", "de" */
const char *lang_code(enum lang lang);

/* Exact code to language; false (*lang unchanged) if it is not supported. */
bool lang_parse(const char *code, enum lang *lang);

/*
 * The language of a value of parameter `lang`: a code, or a code with a region
 * ("de-AT", "de_AT"); false (*lang unchanged) if it is not supported.
 */
bool lang_of_tag(const char *tag, enum lang *lang);

/*
 * Best match of an Accept-Language value (RFC 9110, 12.5.4): by weight, of
 * equals the first. `*` is every language that is not named. Default English.
 */
enum lang lang_negotiate(const char *accept_language);

#endif
