/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signing up. Checks come in the order of the contract (users 4.2), and the
 * first kind that fails ends them: what is missing (the input table), the
 * password, then all rules for the fields together.
 */
#include "base/base.h"

#include "api/api.h"
#include "api/upload.h"
#include "auth/password.h"
#include "base/conf.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/handlers.h"
#include "users/users.h"

const struct field signup_input[] = {
	{ "lang", FROM_QUERY, T_TEXT, LENIENT, .max_length = LENGTH_LANG },
	{ "username", FROM_BODY, T_TEXT,
	    REQUIRED | NOT_BLANK | NORMALIZED | MEASURED_LATER,
	    .max_length = LENGTH_NAME, .required_msg = MSG_FIELD_IS_REQUIRED },
	{ "email", FROM_BODY, T_TEXT, REQUIRED | NOT_BLANK | MEASURED_LATER,
	    .max_length = LENGTH_EMAIL, .required_msg = MSG_FIELD_IS_REQUIRED },
	{ "first_name", FROM_BODY, T_TEXT,
	    REQUIRED | NOT_BLANK | MEASURED_LATER, .max_length = LENGTH_NAME,
	    .required_msg = MSG_FIELD_IS_REQUIRED },
	{ "last_name", FROM_BODY, T_TEXT, REQUIRED | NOT_BLANK | MEASURED_LATER,
	    .max_length = LENGTH_NAME, .required_msg = MSG_FIELD_IS_REQUIRED },
	{ "password", FROM_BODY, T_TEXT, REQUIRED | NOT_BLANK | SECRET,
	    .max_length = LENGTH_PASSWORD,
	    .required_msg = MSG_FIELD_IS_REQUIRED },
	{ "bio", FROM_BODY, T_PROSE, NULLABLE, .max_length = LENGTH_BIO },
	{ "picture", FROM_FILE, .type = T_FILE },
	{ 0 },
};

struct newcomer {
	const char *username, *email, *first_name, *last_name, *password;
	const char *bio;              /* NULL: none */
	const struct upload *picture; /* NULL: none */
	enum lang lang;
	char *path; /* where the picture was stored, NULL: it was not */
};

/* The domain of a mail address in lower case; the rest may matter. */
static char *
lower_domain(TALLOC_CTX *mem, const char *email)
{
	const char *at = strrchr(email, '@');

	if (!at)
		return mem_text(mem, email);
	return mem_printf(
	    mem, "%.*s%s", (int)(at - email), email, text_lower_ascii(mem, at));
}

static void
read_newcomer(struct req *r, struct newcomer *out)
{
	const char *lang = input_text(r, "lang");

	*out = (struct newcomer){
		.username = input_text(r, "username"),
		.email = lower_domain(r->mem, input_text(r, "email")),
		.first_name = input_text(r, "first_name"),
		.last_name = input_text(r, "last_name"),
		.password = input_text(r, "password"),
		.bio = input_text(r, "bio"),
		.picture = input_of(r, "picture")->file,
		.lang = LANG_EN,
	};
	if (lang)
		lang_parse(lang, &out->lang);
	if (out->bio && text_is_blank(out->bio))
		out->bio = NULL;
}

static void
complain_msg(struct req *r, const char *field, enum msg msg, const char *arg)
{
	const char *args[3] = { arg, NULL, NULL };

	complain(r, ERR_INVALID, field, msg_format(r->mem, r->lang, msg, args));
}

/* Records what is wrong with the password; true when something is. */
static bool
complain_password(struct req *r, const struct newcomer *n)
{
	const struct password_owner owner = { n->username, n->first_name,
		n->last_name, n->email };
	struct password_fault fault[4];
	size_t count =
	    password_faults(r->mem, n->password, &owner, r->lang, fault);

	for (size_t i = 0; i < count; i++)
		complain_msg(r, "password", fault[i].msg, fault[i].arg);
	if (count > 0)
		r->problem->error_is_list = true;
	return count > 0;
}

/* true when the text is too long, which is then recorded. */
static bool
complain_length(struct req *r, const char *field, const char *s, size_t max)
{
	size_t length = text_length(s);
	const char *args[3] = { NULL, NULL, NULL };

	if (length <= max)
		return false;
	args[0] = mem_printf(r->mem, "%zu", max);
	args[1] = mem_printf(r->mem, "%zu", length);
	complain(r, ERR_INVALID, field,
	    msg_format(r->mem, r->lang, MSG_FIELD_LENGTH, args));
	return true;
}

/* The literal segments of the route table, and what no path can hold. */
static bool
is_reserved(const char *username)
{
	return route_is_reserved(username) || strcmp(username, ".") == 0 ||
	       strcmp(username, "..") == 0;
}

static bool
complain_username(struct req *r, const char *username)
{
	enum msg msg = MSG_NONE;

	if (complain_length(r, "username", username, LENGTH_NAME))
		return true;
	if (!text_is_username(username))
		msg = MSG_USERNAME_INVALID;
	else if (is_reserved(username))
		msg = MSG_USERNAME_RESERVED;
	if (msg)
		complain_msg(r, "username", msg, NULL);
	return msg != MSG_NONE;
}

static bool
complain_email(struct req *r, const char *email)
{
	if (complain_length(r, "email", email, LENGTH_EMAIL))
		return true;
	if (text_is_email(email))
		return false;
	complain_msg(r, "email", MSG_EMAIL_INVALID, NULL);
	return true;
}

static bool
complain_picture(struct req *r, const struct upload *picture)
{
	if (!picture || upload_is_picture(r, picture))
		return false;
	complain_msg(r, "picture", MSG_PICTURE_INVALID,
	    msg_size(r->mem, r->lang, r->conf->upload_limit));
	return true;
}

/* Records what breaks a rule for a field; true when something does. */
static bool
complain_fields(struct req *r, const struct newcomer *n)
{
	bool bad = complain_username(r, n->username);

	bad |= complain_email(r, n->email);
	bad |= complain_length(r, "first_name", n->first_name, LENGTH_NAME);
	bad |= complain_length(r, "last_name", n->last_name, LENGTH_NAME);
	bad |= complain_picture(r, n->picture);
	return bad;
}

/*
 * Records which of name and address belong to somebody: those the database
 * knows, and the one whose unique rule `rule` an insert just broke.
 */
static enum err
complain_taken(struct req *r, const struct newcomer *n, const char *rule)
{
	bool username = strcmp(rule, "account_username_unique") == 0;
	bool email = strcmp(rule, "account_email_unique") == 0;
	struct row row;
	enum err e;

	e = query_one(r->mem, r->db, &row, SQL_account_taken,
	    arg_text(n->username), arg_text(n->email));
	if (e)
		return e;
	if (username || row_bool(&row, "username_taken"))
		complain_msg(r, "username", MSG_USERNAME_TAKEN, NULL);
	if (email || row_bool(&row, "email_taken"))
		complain_msg(r, "email", MSG_EMAIL_TAKEN, NULL);
	return ERR_INVALID;
}

/*
 * Account and mail job, in one statement. The picture is stored before, since
 * the row names it. Where the connection was lost nobody knows whether there is
 * a row: the picture stays then. A file that nothing names does less harm than
 * a name without its file.
 */
static enum err
insert(struct req *r, struct newcomer *n, struct row *row)
{
	char *hash = password_hash(r->mem, n->password);
	enum err e;

	if (n->picture) {
		e = upload_save(r, n->picture, "users", &n->path);
		if (e)
			return e;
	}
	e = query_one(r->mem, r->db, row, SQL_account_insert,
	    arg_text(n->username), arg_text(n->email), arg_text(hash),
	    arg_text(n->first_name), arg_text(n->last_name), arg_text(n->bio),
	    arg_text(n->path), arg_text(lang_code(n->lang)));
	if (e && e != ERR_UNAVAILABLE && n->path)
		upload_remove(r, n->path);
	return e;
}

/* Makes an account; its first mail is on its way when this answers. */
enum err
signup(struct req *r)
{
	struct newcomer n;
	struct row row;
	enum err e;

	read_newcomer(r, &n);
	if (complain_password(r, &n))
		return ERR_INVALID;
	if (complain_fields(r, &n))
		return complain_taken(r, &n, "");
	e = insert(r, &n, &row);
	if (e == ERR_CONFLICT)
		return complain_taken(
		    r, &n, mem_text(r->mem, db_constraint(r->db)));
	if (e)
		return e;
	return reply_row(r, 200, &row, user_shape);
}
