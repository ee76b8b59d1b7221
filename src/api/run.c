/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Binding of parameters by name, and lookup of the outcome.
 */
#include "base/base.h"

#include "api/replica.h"
#include "api/run.h"
#include "auth/account.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/query.h"
#include "http/field.h"
#include "http/problem.h"
#include "http/route.h"

#define BOUND_MAX 12

static const char missing[] = "missing";

struct bound {
	size_t n;
	struct {
		const char *name;
		struct arg value;
	} list[BOUND_MAX];
};

/* The meaning of an outcome on a route; see src/outcomes.def. */
static const struct outcome {
	const char *word;
	const char *route; /* name of the handler */
	enum err err;
	const char *field;
	enum msg msg;
} outcomes[] = {
#define OUTCOME(WORD, ROUTE, ERR, FIELD, MSG) \
	{ #WORD, #ROUTE, ERR, FIELD, MSG },
#include "outcomes.def"
#undef OUTCOME
};

/*
 * The foreign keys that a request can violate, because the row was deleted at
 * the same time: the parameter of the path that names the row, NULL: the
 * account of the caller. Sorted; t/sql compares them with the schema.
 */
static const struct reference {
	const char *constraint;
	const char *param;
} references[] = {
	{ "account_platform_user_id_fkey", NULL },
	{ "audit_user_id_fkey", NULL },
	{ "change_head_user_id_fkey", NULL },
	{ "change_user_id_fkey", NULL },
	{ "code_user_id_fkey", NULL },
	{ "comment_reply_same_review", "comment" },
	{ "comment_review_id_fkey", "review" },
	{ "comment_user_id_fkey", NULL },
	{ "export_user_id_fkey", NULL },
	{ "follow_person_id_fkey", "person" },
	{ "follow_user_id_fkey", NULL },
	{ "friend_request_from_user_id_fkey", NULL },
	{ "friend_request_to_user_id_fkey", "username" },
	{ "friendship_user1_id_fkey", "username" },
	{ "friendship_user2_id_fkey", "username" },
	{ "history_user_id_fkey", NULL },
	{ "movielist_movie_movie_id_fkey", "movie" },
	{ "movielist_movie_movielist_id_fkey", "list" },
	{ "movielist_user_id_fkey", NULL },
	{ "provider_link_user_id_fkey", NULL },
	{ "rating_movie_id_fkey", "movie" },
	{ "rating_user_id_fkey", NULL },
	{ "reaction_comment_id_fkey", "comment" },
	{ "reaction_review_id_fkey", "review" },
	{ "reaction_user_id_fkey", NULL },
	{ "review_movie_id_fkey", "movie" },
	{ "review_user_id_fkey", NULL },
	{ "session_user_id_fkey", NULL },
	{ "unseen_movie_id_fkey", "movie" },
	{ "unseen_user_id_fkey", NULL },
};

/* ---------------------------------------------------------------- binding */

void
bind_arg(struct req *r, const char *name, struct arg value)
{
	struct bound *b = r->bound;

	if (!b)
		b = r->bound = mem_new(r->mem, struct bound);
	assert(b->n < BOUND_MAX);
	b->list[b->n].name = name;
	b->list[b->n].value = value;
	b->n++;
}

struct arg
arg_traceparent(const struct req *r)
{
	char parent[TRACE_PARENT_SIZE];

	if (!r->trace.given)
		return arg_null();
	trace_parent(&r->trace, parent);
	return arg_text(mem_text(r->mem, parent));
}

/* The last value bound to the name. */
static bool
find_bound(const struct req *r, const char *name, struct arg *out)
{
	size_t i = r->bound ? r->bound->n : 0;

	while (i-- > 0) {
		if (strcmp(r->bound->list[i].name, name) == 0) {
			*out = r->bound->list[i].value;
			return true;
		}
	}
	return false;
}

static bool
find_common(const struct req *r, const char *name, struct arg *out)
{
	if (strcmp(name, "language") == 0)
		*out = arg_text(lang_code(r->lang));
	else if (strcmp(name, "traceparent") == 0)
		*out = arg_traceparent(r);
	else if (r->account && strcmp(name, "viewer") == 0)
		*out = arg_id(r->account->id);
	else if (r->account && strcmp(name, "viewer_name") == 0)
		*out = arg_text(r->account->username);
	else
		return false;
	return true;
}

static bool
find_path(const struct req *r, const char *name, struct arg *out)
{
	switch (path_kind(r->route, name)) {
	case PATH_NONE:
		return false;
	case PATH_TEXT:
		*out = arg_text(path_of(r, name));
		break;
	case PATH_NUMBER:
		*out = arg_id(path_number(r, name));
		break;
	}
	return true;
}

/* The value of an input field as an argument. */
static struct arg
arg_of(const struct field *f, const struct field_value *v)
{
	switch (f->type) {
	case T_TEXT:
	case T_PROSE:
	case T_CHOICE:
	case T_DOCUMENT:
		return arg_text(v->text);
	case T_BOOL:
		if (!v->given && f->from != FROM_QUERY)
			return arg_null();
		return arg_bool(v->number != 0);
	case T_NUMBER:
		return v->given ? arg_double(v->fraction) : arg_null();
	case T_INT:
	case T_PAGE:
	case T_LIMIT:
		return v->given || f->type != T_INT ? arg_id(v->number) :
						      arg_null();
	case T_CURSOR:
		return arg_id(v->given ? v->number : INT64_MAX);
	case T_LIST:
		return v->count > 0 ? arg_text_array(v->texts, v->count) :
				      arg_null();
	case T_INTS:
		return v->count > 0 ? arg_int_array(v->numbers, v->count) :
				      arg_null();
	case T_FILE:
		break;
	}
	assert(f->type != T_FILE);
	return arg_null();
}

static bool
find_input(const struct req *r, const char *name, struct arg *out)
{
	const struct field *f = r->route->input;

	for (; f->name; f++) {
		if (strcmp(f->name, name) == 0) {
			*out = arg_of(f, input_of(r, name));
			return true;
		}
	}
	return false;
}

/*
 * Fills `args` in the order of the header of the statement, which is :owned on
 * a route for owners and on no other.
 */
static void
bind_all(const struct req *r, enum stmt s, struct arg args[ARGS_MAX + 1])
{
	const struct stmt_info *info = stmt_info(s);
	const char *p = info->names;
	char name[64];
	int n = 0;

	assert((r->route->guard == OWNER) == (info->mode == STMT_OWNED));
	for (; *p; p += strcspn(p, ","), p += *p == ',') {
		size_t len = strcspn(p, ",");

		assert(n < ARGS_MAX && len < sizeof name);
		memcpy(name, p, len);
		name[len] = '\0';
		if (!find_bound(r, name, &args[n]) &&
		    !find_common(r, name, &args[n]) &&
		    !find_path(r, name, &args[n]) &&
		    !find_input(r, name, &args[n])) {
			log_error("bug: route %s has no :%s for statement %s",
			    r->route->name, name, info->name);
			abort();
		}
		n++;
	}
	args[n] = arg_end;
}

/* ---------------------------------------------------------------- outcome */

static const struct outcome *
find_outcome(const char *word, const char *route)
{
	for (size_t i = 0; i < array_len(outcomes); i++) {
		if (strcmp(outcomes[i].word, word) == 0 &&
		    strcmp(outcomes[i].route, route) == 0)
			return &outcomes[i];
	}
	return NULL;
}

static enum err
check_outcome(struct req *r, const struct row *row)
{
	const char *word = row_outcome(row);
	const struct outcome *o;

	if (strcmp(word, "ok") == 0)
		return ERR_OK;
	if (strcmp(word, missing) == 0)
		return fail_param(r, path_last(r->route));
	if (strncmp(word, "missing:", sizeof missing) == 0)
		return fail_param(r, word + sizeof missing);
	o = find_outcome(word, r->route->name);
	if (!o) {
		log_error("bug: outcome %s of route %s has no row in the table",
		    word, r->route->name);
		return ERR_INTERNAL;
	}
	if (o->err == ERR_OK)
		return ERR_OK;
	if (o->err == ERR_TOO_OFTEN)
		return fail_retry(r, o->err, o->msg, row_int(row, "wait"));
	return fail(r, o->err, o->field, o->msg);
}

/* ---------------------------------------------------------------- running */

static enum err
fail_account(struct req *r)
{
	return fail_token(r, MSG_USER_NOT_FOUND, "user_not_found", NULL);
}

/* Whether the statement has the parameter :viewer. */
static bool
is_by_viewer(const struct stmt_info *info)
{
	const char *p = info->names;

	for (; *p; p += strcspn(p, ","), p += *p == ',') {
		if (strncmp(p, "viewer", 6) == 0 && (p[6] == ',' || !p[6]))
			return true;
	}
	return false;
}

/* A violated foreign key. */
static enum err
fail_reference(struct req *r, const char *constraint)
{
	for (size_t i = 0; i < array_len(references); i++) {
		const char *param = references[i].param;

		if (strcmp(references[i].constraint, constraint) != 0)
			continue;
		if (!param && r->account)
			return fail_account(r);
		if (param && path_kind(r->route, param) != PATH_NONE)
			return fail_param(r, param);
	}
	log_error("bug: route %s violates the foreign key %s", r->route->name,
	    constraint);
	return ERR_INTERNAL;
}

/* ERR_NOT_FOUND of a statement: a violated foreign key, or no row. */
static enum err
fail_not_found(struct req *r, const struct stmt_info *info)
{
	const char *constraint = db_constraint(r->db);

	if (*constraint)
		return fail_reference(r, constraint);
	if (path_last(r->route))
		return fail_param(r, path_last(r->route));
	if (is_by_viewer(info))
		return fail_account(r);
	log_error("bug: statement %s of route %s returned no row", info->name,
	    r->route->name);
	return ERR_INTERNAL;
}

/* A violated unique constraint: outcome exists, if the route has it. */
static enum err
fail_exists(struct req *r)
{
	const struct outcome *o = find_outcome("exists", r->route->name);

	return o ? fail(r, o->err, o->field, o->msg) : ERR_CONFLICT;
}

enum err
run_one(struct req *r, enum stmt s, struct row *out)
{
	struct arg args[ARGS_MAX + 1];
	enum err e;

	bind_all(r, s, args);
	e = query_run_one(r->mem, r->db, out, s, args);
	if (e == ERR_CONFLICT)
		return fail_exists(r);
	if (e == ERR_NOT_FOUND)
		return fail_not_found(r, stmt_info(s));
	return e ? e : check_outcome(r, out);
}

/* From the standby, if it is to be read; if that fails, from the primary. */
static enum err
read_all(struct req *r, enum stmt s, const struct arg *args, struct rows *out)
{
	enum err e;

	if (r->replica) {
		e = query_run_all(r->mem, replica_db(r->replica), out, s, args);
		if (!e)
			return e;
		replica_failed(r->replica);
		r->replica = NULL;
	}
	return query_run_all(r->mem, r->db, out, s, args);
}

enum err
run_all(struct req *r, enum stmt s, struct rows *out)
{
	struct arg args[ARGS_MAX + 1];
	struct row first;
	enum err e;

	bind_all(r, s, args);
	e = read_all(r, s, args, out);
	if (e == ERR_NOT_FOUND)
		return fail_not_found(r, stmt_info(s));
	if (e)
		return e;
	if (out->count == 0 && path_last(r->route))
		return fail_param(r, path_last(r->route));
	if (out->count == 0)
		return ERR_OK;
	rows_at(out, 0, &first);
	return check_outcome(r, &first);
}

int
rows_listed(const struct rows *rows)
{
	struct row first;
	int id;

	if (rows->count != 1)
		return rows->count;
	rows_at(rows, 0, &first);
	id = row_column(&first, "id");
	return id >= 0 && row_is_null_at(&first, id) ? 0 : 1;
}
