/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rules for the fields of an account, for whatever sets one: sign-up, the
 * profile, a new password. A check returns true when the value is good; else it
 * has added the errors, in the language of the request.
 */
#ifndef USERS_FIELDS_H
#define USERS_FIELDS_H

#include "base/base.h"

#include "auth/password.h"
#include "http/body.h"
#include "http/request.h"
#include "i18n/msg.h"

/* Adds an error to a field; `arg` is for {0}, NULL: there is none. */
void field_error(
    struct req *r, const char *field, enum msg msg, const char *arg);

/* At most `max` characters. */
bool field_check_length(
    struct req *r, const char *field, const char *text, size_t max);

/* `username`: length, characters, and not a word of an address. */
bool field_check_username(struct req *r, const char *username);

/* `email`: length and form. */
bool field_check_email(struct req *r, const char *email);

/* `picture`: format and size; NULL: none was sent, which is good. */
bool field_check_picture(struct req *r, const struct upload *picture);

/*
 * `password`: the four rules. Several broken rules make `error` a list, as the
 * contract has it (users 4.2).
 */
bool field_check_password(
    struct req *r, const char *password, const struct password_owner *owner);

/* A mail address as it is stored: its domain in lower case; the rest may
 * matter. */
char *field_email(TALLOC_CTX *mem, const char *email);

#endif
