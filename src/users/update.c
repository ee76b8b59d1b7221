/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Changes of the caller's own profile. A form sends all its fields, so a value
 * that is empty or equal to the stored one changes nothing. The order of checks
 * is that of sign-up; nothing is changed or mailed unless all of them pass.
 */
#include "base/base.h"

#include <strings.h>

#include "api/api.h"
#include "api/upload.h"
#include "auth/identity.h"
#include "auth/limit.h"
#include "auth/password.h"
#include "base/conf.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/handlers.h"
#include "users/fields.h"
#include "users/users.h"

const struct field user_update_input[] = {
	{ "username", FROM_BODY, T_TEXT,
	    NULLABLE | NORMALIZED | TRIMMED | MEASURED_LATER,
	    .max_length = LENGTH_NAME },
	{ "email", FROM_BODY, T_TEXT, TRIMMED | MEASURED_LATER,
	    .max_length = LENGTH_EMAIL },
	{ "first_name", FROM_BODY, T_TEXT, NULLABLE | TRIMMED | MEASURED_LATER,
	    .max_length = LENGTH_NAME },
	{ "last_name", FROM_BODY, T_TEXT, NULLABLE | TRIMMED | MEASURED_LATER,
	    .max_length = LENGTH_NAME },
	{ "bio", FROM_BODY, T_PROSE, NULLABLE | MEASURED_LATER,
	    .max_length = LENGTH_BIO },
	{ "password", FROM_BODY, T_TEXT, SECRET,
	    .max_length = LENGTH_PASSWORD },
	{ "current_password", FROM_BODY, T_TEXT, NULLABLE | SECRET,
	    .max_length = LENGTH_PASSWORD },
	{ "picture", FROM_FILE, T_FILE, OR_TEXT },
	{ "training", FROM_BODY, T_BOOL, NULLABLE },
	{ "clear", FROM_BODY, T_LIST, NULLABLE, .max_length = LENGTH_NAME },
	{ 0 },
};

/* What is changed; NULL: not changed. */
struct profile {
	const char *username, *email, *first_name, *last_name, *bio, *password;
	const struct upload *picture;
	const char *picture_text; /* sent in place of a file */
};

/* The value of a field, NULL if it is missing or empty. */
static const char *
filled(const struct req *r, const char *field)
{
	const char *text = input_text(r, field);

	return text && *text ? text : NULL;
}

/* The same of a column; also NULL if it is the stored value. */
static const char *
changed(const struct req *r, const struct row *stored, const char *column)
{
	const char *text = filled(r, column);

	return text && strcmp(text, row_text(stored, column)) != 0 ? text :
								     NULL;
}

static void
read_profile(struct req *r, const struct row *stored, struct profile *out)
{
	const char *email = filled(r, "email"), *bio = filled(r, "bio");

	email = email ? identity_email(r->mem, email) : NULL;
	if (email && strcasecmp(email, row_text(stored, "email")) == 0)
		email = NULL;
	*out = (struct profile){
		.username = changed(r, stored, "username"),
		.email = email,
		.first_name = changed(r, stored, "first_name"),
		.last_name = changed(r, stored, "last_name"),
		.bio = bio && !text_is_invisible(bio) ? bio : NULL,
		.password = filled(r, "password"),
		.picture = input_of(r, "picture")->file,
		.picture_text = changed(r, stored, "picture"),
	};
	bind_arg(r, "username", arg_text(out->username));
	bind_arg(r, "email", arg_text(out->email));
	field_bind_look(r, out->username);
	bind_arg(r, "first_name", arg_text(out->first_name));
	bind_arg(r, "last_name", arg_text(out->last_name));
	bind_arg(r, "bio", arg_text(out->bio));
}

/*
 * With the setting, a new password or mail address needs the current password,
 * whose attempts are counted like log-ins.
 */
static enum err
check_current(struct req *r, const struct row *stored, const struct profile *p)
{
	const char *current = filled(r, "current_password");
	bool replace;
	enum err e;

	if (!r->conf->profile_change_needs_password ||
	    (!p->password && !p->email))
		return ERR_OK;
	e = limit_login(r, row_text(stored, "email"), true);
	if (e)
		return e;
	if (current &&
	    password_fits(row_text(stored, "password"), current, &replace))
		return ERR_OK;
	return fail(r, ERR_INVALID, "current_password", MSG_PASSWORD_WRONG);
}

/* The rules, with the names of the same request. */
static bool
check_password(struct req *r, const struct row *stored, const struct profile *p)
{
	const struct password_owner owner = {
		p->username ? p->username : row_text(stored, "username"),
		p->first_name ? p->first_name : row_text(stored, "first_name"),
		p->last_name ? p->last_name : row_text(stored, "last_name"),
		p->email ? p->email : row_text(stored, "email"),
	};

	return !p->password ||
	       field_check_password(r, "password", p->password, &owner);
}

/* Only these can be empty. */
static bool
check_clear(struct req *r)
{
	static const char *const names[] = { "bio", "first_name", "last_name",
		"picture" };
	const struct field_value *clear = input_of(r, "clear");

	for (size_t i = 0; i < clear->count; i++) {
		size_t k = 0;

		while (k < array_len(names) &&
		       strcmp(names[k], clear->texts[i]) != 0)
			k++;
		if (k == array_len(names)) {
			field_error(
			    r, "clear", MSG_FIELD_CHOICE, clear->texts[i]);
			return false;
		}
	}
	return true;
}

static bool
check_fields(struct req *r, const struct profile *p)
{
	bool good = check_clear(r) && field_check_picture(r, p->picture);

	if (p->picture_text) { /* not the address that the profile shows */
		upload_refuse(r);
		good = false;
	}
	if (p->username)
		good &= field_check_username(r, p->username);
	if (p->email)
		good &= field_check_email(r, p->email);
	if (p->first_name)
		good &= field_check_name(r, "first_name", p->first_name);
	if (p->last_name)
		good &= field_check_name(r, "last_name", p->last_name);
	if (p->bio)
		good &= field_check_bio(r, p->bio);
	return good;
}

static enum err
update(struct req *r, const char *picture, void *row)
{
	bind_arg(r, "picture", arg_text(picture));
	return run_one(r, SQL_account_update, row);
}

/*
 * Two statements: the stored values are read to be compared; the second one
 * fails if the password has been changed in between.
 */
enum err
user_update(struct req *r)
{
	struct arg self = arg_id(r->account->id);
	struct row stored, row;
	struct profile p;
	enum err e;

	e = run_one(r, SQL_account_before_update, &stored);
	if (e)
		return e;
	read_profile(r, &stored, &p);
	e = check_current(r, &stored, &p);
	if (e)
		return e;
	if (!check_password(r, &stored, &p))
		return ERR_INVALID;
	if (!check_fields(r, &p))
		return field_add_taken(r, self, "");
	bind_arg(r, "epoch", arg_id(row_id(&stored, "epoch")));
	bind_arg(r, "session_id", arg_text(r->account->session_id));
	bind_arg(r, "password",
	    arg_text(p.password ? password_hash(r->mem, p.password) : NULL));
	e = upload_and_run(r, p.picture, "users", update, &row);
	if (e == ERR_CONFLICT)
		return field_add_taken(
		    r, self, mem_text(r->mem, db_constraint(r->db)));
	if (e)
		return e;
	return reply_row(r, 200, &row, self_shape);
}
