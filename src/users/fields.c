/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Validation of the fields of an account.
 */
#include "base/base.h"

#include "api/api.h"
#include "api/upload.h"
#include "auth/identity.h"
#include "base/mem.h"
#include "base/text.h"
#include "users/fields.h"

void
field_error(struct req *r, const char *field, enum msg msg, const char *arg)
{
	const char *args[3] = { arg, NULL, NULL };

	add_error(r, ERR_INVALID, field, msg, args);
}

/* At most `max` characters. */
static bool
check_length(struct req *r, const char *field, const char *text, size_t max)
{
	size_t length = text_length(text);
	const char *args[3] = { NULL, NULL, NULL };

	if (length <= max)
		return true;
	args[0] = mem_printf(r->mem, "%zu", max);
	args[1] = mem_printf(r->mem, "%zu", length);
	add_error(r, ERR_INVALID, field, MSG_FIELD_LENGTH, args);
	return false;
}

/* The literal segments of the route table, and names that a path cannot
 * contain. */
static bool
is_reserved(const char *username)
{
	return route_is_reserved(username) || strcmp(username, ".") == 0 ||
	       strcmp(username, "..") == 0;
}

/* Whether it looks like a reserved word. */
static bool
looks_reserved(struct req *r, const char *username)
{
	unsigned char mine[IDENTITY_LOOK_SIZE], look[IDENTITY_LOOK_SIZE];
	const char **words;
	size_t n;

	identity_look(username, mine);
	words = route_reserved(r->mem, &n);
	for (size_t i = 0; i < n; i++) {
		identity_look(words[i], look);
		if (memcmp(look, mine, sizeof look) == 0)
			return true;
	}
	return false;
}

void
field_bind_look(struct req *r, const char *username)
{
	unsigned char *look;

	if (!username || text_length(username) > LENGTH_NAME) {
		bind_arg(r, "look", arg_null());
		return;
	}
	look = mem_array(r->mem, unsigned char, IDENTITY_LOOK_SIZE);
	identity_look(username, look);
	bind_arg(r, "look", arg_bytes(look, IDENTITY_LOOK_SIZE));
}

enum msg
field_username_fault(struct req *r, const char *username)
{
	if (!text_is_username(username))
		return MSG_USERNAME_INVALID;
	if (is_reserved(username))
		return MSG_USERNAME_RESERVED;
	return looks_reserved(r, username) ? MSG_USERNAME_LOOKALIKE : MSG_NONE;
}

bool
field_check_username(struct req *r, const char *username)
{
	enum msg msg;

	if (!check_length(r, "username", username, LENGTH_NAME))
		return false;
	msg = field_username_fault(r, username);
	if (msg)
		field_error(r, "username", msg, NULL);
	return msg == MSG_NONE;
}

bool
field_check_name(struct req *r, const char *field, const char *name)
{
	if (!check_length(r, field, name, LENGTH_NAME))
		return false;
	if (text_is_name(name))
		return true;
	field_error(r, field, MSG_NAME_INVALID, NULL);
	return false;
}

bool
field_check_bio(struct req *r, const char *bio)
{
	return check_length(r, "bio", bio, LENGTH_BIO);
}

bool
field_check_email(struct req *r, const char *email)
{
	if (!check_length(r, "email", email, LENGTH_EMAIL))
		return false;
	if (text_is_email(email))
		return true;
	field_error(r, "email", MSG_EMAIL_INVALID, NULL);
	return false;
}

bool
field_check_picture(struct req *r, const struct upload *picture)
{
	if (!picture || upload_is_picture(r, picture))
		return true;
	upload_refuse(r);
	return false;
}

bool
field_check_password(struct req *r, const char *field, const char *password,
    const struct password_owner *owner)
{
	struct password_fault fault[4];
	size_t count = password_faults(r->mem, password, owner, r->lang, fault);

	for (size_t i = 0; i < count; i++)
		field_error(r, field, fault[i].msg, fault[i].arg);
	if (count > 0)
		r->problem->error_is_list = true;
	return count == 0;
}

enum err
field_add_taken(struct req *r, struct arg self, const char *rule)
{
	bool username = strcmp(rule, "account_username_unique") == 0;
	bool email = strcmp(rule, "account_email_unique") == 0;
	struct row row;
	enum err e;

	bind_arg(r, "self", self);
	e = run_one(r, SQL_account_taken, &row);
	if (e)
		return e;
	if (username || row_bool(&row, "username_taken"))
		field_error(r, "username", MSG_USERNAME_TAKEN, NULL);
	else if (strcmp(rule, "account_look_unique") == 0 ||
		 row_bool(&row, "look_taken"))
		field_error(r, "username", MSG_USERNAME_LOOKALIKE, NULL);
	if (email || row_bool(&row, "email_taken"))
		field_error(r, "email", MSG_EMAIL_TAKEN, NULL);
	return ERR_INVALID;
}
