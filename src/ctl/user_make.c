/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl user create and set-password. The fields are those of a sign-up: they
 * are read from a JSON object as the body of a request, so that the same rules
 * apply.
 */
#include "base/base.h"

#include <sysexits.h>

#include "api/run.h"
#include "auth/password.h"
#include "base/conf.h"
#include "base/json.h"
#include "base/mem.h"
#include "ctl/user.h"
#include "db/query.h"
#include "http/problem.h"
#include "http/route.h"
#include "users/fields.h"
#include "users/users.h"

static const struct field password_input[] = {
	{ "password", FROM_BODY, T_TEXT, REQUIRED | NOT_BLANK | SECRET,
	    .max_length = LENGTH_PASSWORD },
	{ 0 },
};

/* Prints the errors in the fields. */
static int
print_errors(struct ctl *ctl, struct db *db, struct req *r, enum err e)
{
	int i, n = r->problem ? r->problem->n : 0;

	for (i = 0; i < n; i++) {
		const struct error_entry *entry = &r->problem->list[i];

		ctl_error(ctl, "%s%s%s\n", entry->field ? entry->field : "",
		    entry->field ? ": " : "", problem_text(r, entry));
	}
	return n > 0 ? EX_DATAERR : ctl_failed(ctl, db, e);
}

/* A request with that input, whose body is a JSON text. */
static struct req *
request_of(struct ctl *ctl, struct db *db, const struct route *route,
    const char *query, const char *body)
{
	struct req *r = request_new(ctl->mem);

	r->conf = ctl->conf;
	r->db = db;
	r->route = route;
	r->query = query;
	r->content_type = "application/json";
	r->body = body;
	r->body_len = strlen(body);
	return r;
}

/* {"username": …, …} from the operands and the password. */
static const char *
body_of(struct ctl *ctl, const struct user_options *options)
{
	static const char *const names[] = { "username", "email", "first_name",
		"last_name" };
	struct json *j = ctl_json(ctl);
	char *password = ctl_password(ctl);
	size_t i;

	if (!password)
		return NULL;
	json_object(j);
	for (i = 0; i < array_len(names); i++) {
		json_key(j, names[i]);
		json_text(j, options->operands[i]);
	}
	json_key(j, "password");
	json_text(j, password);
	json_object_end(j);
	return j->out->data;
}

/* The body: with --json standard input, else what `make` returns. */
static const char *
read_body(struct ctl *ctl, const struct user_options *options)
{
	size_t n;
	char *body;

	if (!ctl->json)
		return body_of(ctl, options);
	body = ctl_input(ctl, NULL, ctl->conf->body_limit, &n);
	if (body && strlen(body) != n) {
		ctl_error(ctl, "standard input has a NUL byte\n");
		return NULL;
	}
	return body;
}

static enum err
create(struct req *r, bool admin, struct row *row)
{
	enum err e;

	e = field_read_query(r);
	if (!e)
		e = field_read_body(r);
	if (e)
		return e;
	bind_arg(r, "staff", arg_bool(admin));
	return signup_insert(r, SQL_account_create, row);
}

int
user_create(struct ctl *ctl, struct db *db, const struct user_options *options)
{
	struct route_match match;
	const char *body;
	struct req *r;
	struct row row;
	enum lang lang = LANG_EN;
	enum err e;

	if (options->n != (ctl->json ? 0 : 4))
		return ctl_usage(ctl, ctl->json ?
					  "with --json there are no operands" :
					  "missing operands: NAME EMAIL "
					  "FIRST LAST");
	if (options->language)
		(void)lang_parse(options->language, &lang); /* one of them */
	body = read_body(ctl, options);
	if (!body)
		return EX_DATAERR;
	route_find(ctl->mem, METHOD_POST, "/api/auth/signup/", &match);
	r = request_of(ctl, db, match.route,
	    mem_printf(ctl->mem, "lang=%s", lang_code(lang)), body);
	e = create(r, options->admin, &row);
	if (e)
		return print_errors(ctl, db, r, e);
	return user_done(ctl, &row, "created", "created");
}

/* As read_body(), for set-password. */
static const char *
read_password(struct ctl *ctl, struct db *db)
{
	static const struct route route = { .input = password_input,
		.style = STYLE_FORM };
	const char *body;
	struct req *r;
	enum err e;

	if (!ctl->json)
		return ctl_password(ctl);
	body = read_body(ctl, NULL);
	if (!body)
		return NULL;
	r = request_of(ctl, db, &route, "", body);
	e = field_read_query(r);
	if (!e)
		e = field_read_body(r);
	if (!e)
		return input_text(r, "password");
	(void)print_errors(ctl, db, r, e);
	return NULL;
}

int
user_set_password(struct ctl *ctl, struct db *db, const struct row *row)
{
	const struct password_owner owner = { row_text(row, "username"),
		row_text(row, "first_name"), row_text(row, "last_name"),
		row_text(row, "email") };
	const char *password = read_password(ctl, db);
	struct req *r = request_new(ctl->mem);
	enum err e;

	if (!password)
		return EX_DATAERR;
	if (!field_check_password(r, "password", password, &owner))
		return print_errors(ctl, db, r, ERR_INVALID);
	e = query_exec(ctl->mem, db, NULL, SQL_admin_user_password,
	    arg_id(row_id(row, "id")),
	    arg_text(password_hash(ctl->mem, password)));
	if (e)
		return ctl_failed(ctl, db, e);
	return user_done(ctl, row, "set-password",
	    "has a new password; all sessions have ended");
}
