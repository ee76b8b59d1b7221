/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sign-up. The checks are in the order of the contract (users 4.2), up to the
 * first kind that fails: missing fields (the input table), the password, then
 * all other fields together.
 */
#include "base/base.h"

#include "api/api.h"
#include "api/upload.h"
#include "auth/identity.h"
#include "auth/password.h"
#include "base/conf.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/handlers.h"
#include "users/fields.h"
#include "users/users.h"

const struct field signup_input[] = {
	{ "lang", FROM_QUERY, T_TEXT, LENIENT, .max_length = LENGTH_LANG },
	{ "username", FROM_BODY, T_TEXT,
	    REQUIRED | NOT_BLANK | NORMALIZED | TRIMMED | MEASURED_LATER,
	    .max_length = LENGTH_NAME, .required_msg = MSG_FIELD_IS_REQUIRED },
	{ "email", FROM_BODY, T_TEXT,
	    REQUIRED | NOT_BLANK | TRIMMED | MEASURED_LATER,
	    .max_length = LENGTH_EMAIL, .required_msg = MSG_FIELD_IS_REQUIRED },
	{ "first_name", FROM_BODY, T_TEXT,
	    REQUIRED | NOT_BLANK | TRIMMED | MEASURED_LATER,
	    .max_length = LENGTH_NAME, .required_msg = MSG_FIELD_IS_REQUIRED },
	{ "last_name", FROM_BODY, T_TEXT,
	    REQUIRED | NOT_BLANK | TRIMMED | MEASURED_LATER,
	    .max_length = LENGTH_NAME, .required_msg = MSG_FIELD_IS_REQUIRED },
	{ "password", FROM_BODY, T_TEXT, REQUIRED | NOT_BLANK | SECRET,
	    .max_length = LENGTH_PASSWORD,
	    .required_msg = MSG_FIELD_IS_REQUIRED },
	{ "bio", FROM_BODY, T_PROSE, NULLABLE | MEASURED_LATER,
	    .max_length = LENGTH_BIO },
	{ "picture", FROM_FILE, .type = T_FILE },
	{ 0 },
};

struct newcomer {
	const char *username, *email, *first_name, *last_name, *password;
	const char *bio;              /* NULL: none */
	const struct upload *picture; /* NULL: none */
};

/* That of `lang`, else of the request. */
static enum lang
lang_of_newcomer(struct req *r)
{
	const char *tag = input_text(r, "lang");
	enum lang lang = r->lang;

	if (tag)
		(void)lang_of_tag(tag, &lang);
	return lang;
}

static void
read_newcomer(struct req *r, struct newcomer *out)
{
	*out = (struct newcomer){
		.username = input_text(r, "username"),
		.email = identity_email(r->mem, input_text(r, "email")),
		.first_name = input_text(r, "first_name"),
		.last_name = input_text(r, "last_name"),
		.password = input_text(r, "password"),
		.bio = input_text(r, "bio"),
		.picture = input_of(r, "picture")->file,
	};
	if (out->bio && text_is_invisible(out->bio))
		out->bio = NULL;
	bind_arg(r, "email", arg_text(out->email));
	bind_arg(r, "bio", arg_text(out->bio));
	field_bind_look(r, out->username);
	bind_arg(r, "language", arg_text(lang_code(lang_of_newcomer(r))));
}

/* The password must not be similar to the names or the mail address. */
static bool
check_password(struct req *r, const struct newcomer *n)
{
	const struct password_owner owner = { n->username, n->first_name,
		n->last_name, n->email };

	return field_check_password(r, "password", n->password, &owner);
}

/* All other fields. */
static bool
check_fields(struct req *r, const struct newcomer *n)
{
	bool good = field_check_username(r, n->username);

	good &= field_check_email(r, n->email);
	good &= field_check_name(r, "first_name", n->first_name);
	good &= field_check_name(r, "last_name", n->last_name);
	good &= !n->bio || field_check_bio(r, n->bio);
	good &= field_check_picture(r, n->picture);
	return good;
}

struct insertion {
	enum stmt statement;
	struct row *row;
};

static enum err
insert(struct req *r, const char *picture, void *arg)
{
	struct insertion *i = arg;

	bind_arg(r, "picture", arg_text(picture));
	return run_one(r, i->statement, i->row);
}

enum err
signup_insert(struct req *r, enum stmt statement, struct row *row)
{
	struct insertion insertion = { statement, row };
	struct newcomer n;
	enum err e;

	read_newcomer(r, &n);
	if (!check_password(r, &n))
		return ERR_INVALID;
	if (!check_fields(r, &n))
		return field_add_taken(r, arg_null(), "");
	bind_arg(r, "password", arg_text(password_hash(r->mem, n.password)));
	e = upload_and_run(r, n.picture, "users", insert, &insertion);
	if (e == ERR_CONFLICT)
		return field_add_taken(
		    r, arg_null(), mem_text(r->mem, db_constraint(r->db)));
	return e;
}

/* Creates an account; the same statement queues its first mail. */
enum err
signup(struct req *r)
{
	struct row row;
	enum err e;

	e = signup_insert(r, SQL_account_insert, &row);
	return e ? e : reply_row(r, 200, &row, user_shape);
}
