/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Validation of the fields of an account, for sign-up, profile and new
 * password. A check returns true if the value is valid; else it has added the
 * errors.
 */
#ifndef USERS_FIELDS_H
#define USERS_FIELDS_H

#include "base/base.h"

#include "auth/password.h"
#include "db/arg.h"
#include "http/body.h"
#include "http/request.h"
#include "i18n/msg.h"

/* Adds an error to a field; `arg` is for {0}, NULL: none. */
void field_error(
    struct req *r, const char *field, enum msg msg, const char *arg);

/*
 * Adds errors for a user name and mail address that other accounts than `self`
 * (NULL at sign-up) have: found in the database, or by the unique constraint
 * `rule` that a statement has violated.
 */
enum err field_add_taken(struct req *r, struct arg self, const char *rule);

/* Binds :look to that of a user name; NULL: none. */
void field_bind_look(struct req *r, const char *username);

/*
 * `username`: length, characters, and not a reserved word of a path, or one
 * that looks like it.
 */
bool field_check_username(struct req *r, const char *username);

/* The same except the length, without adding the error; MSG_NONE: valid. */
enum msg field_username_fault(struct req *r, const char *username);

/* A first or last name: length, and only visible characters. */
bool field_check_name(struct req *r, const char *field, const char *name);

/* `bio`: length. */
bool field_check_bio(struct req *r, const char *bio);

/* `email`: length and format. */
bool field_check_email(struct req *r, const char *email);

/*
 * `picture`: first bytes and size; NULL: none was sent, which is valid. The
 * rest is checked by upload_and_run().
 */
bool field_check_picture(struct req *r, const struct upload *picture);

/*
 * A password in `field`: the four rules. `error` is then a list, as in the
 * contract (users 4.2).
 */
bool field_check_password(struct req *r, const char *field,
    const char *password, const struct password_owner *owner);

#endif
