/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Error bodies. Every one has `error`; the other keys are those of the contract
 * for the kind of error and the style of the route.
 */
#include "base/base.h"

#include <strings.h>

#include "base/conf.h"
#include "base/mem.h"
#include "http/problem.h"
#include "http/reply.h"
#include "http/route.h"

#define RETRY_SECONDS 5

enum which_fields { ALL, MEMBERS, OTHERS };

static const char problem_type[] = "application/problem+json";

/* The messages of errors without an own text. */
static const enum msg common[ERR__MAX] = {
	[ERR_BAD_JSON] = MSG_INVALID_JSON,
	[ERR_INVALID] = MSG_BAD_REQUEST,
	[ERR_CONFLICT] = MSG_CONFLICT,
	[ERR_UNAUTHORIZED] = MSG_AUTH_NEEDED,
	[ERR_UNVERIFIED] = MSG_UNVERIFIED,
	[ERR_FORBIDDEN] = MSG_FORBIDDEN,
	[ERR_NOT_FOUND] = MSG_NOT_FOUND,
	[ERR_METHOD] = MSG_METHOD_NOT_ALLOWED,
	[ERR_CLASH] = MSG_CONFLICT,
	[ERR_GONE] = MSG_CHANGES_GONE,
	[ERR_STALE] = MSG_CHANGED_SINCE,
	[ERR_TOO_LARGE] = MSG_TOO_LARGE,
	[ERR_MEDIA_TYPE] = MSG_MEDIA_TYPE,
	[ERR_CONDITION] = MSG_CONDITION_NEEDED,
	[ERR_TOO_OFTEN] = MSG_THROTTLED,
	[ERR_INTERNAL] = MSG_INTERNAL,
	[ERR_UPSTREAM] = MSG_UPSTREAM,
	[ERR_UNAVAILABLE] = MSG_UNAVAILABLE,
};

static struct problem *
problem_of(struct req *r, enum err code)
{
	if (!r->problem)
		r->problem = mem_new(r->mem, struct problem);
	r->problem->code = code;
	return r->problem;
}

/* NULL: there are as many as are reported. */
static struct error_entry *
add_entry(struct req *r, enum err code, const char *field, enum msg msg)
{
	struct problem *p = problem_of(r, code);
	struct error_entry *entry;

	if (p->n == (int)array_len(p->list))
		return NULL;
	entry = &p->list[p->n++];
	*entry = (struct error_entry){ .field = field, .msg = msg };
	return entry;
}

void
add_error(struct req *r, enum err code, const char *field, enum msg msg,
    const char *const args[3])
{
	struct error_entry *entry = add_entry(r, code, field, msg);

	if (entry)
		memcpy(entry->args, args, sizeof entry->args);
}

void
add_error_label(struct req *r, enum err code, const char *field, enum msg msg,
    const char *label)
{
	struct error_entry *entry = add_entry(r, code, field, msg);

	if (entry)
		entry->label = label;
}

const char *
problem_text(const struct req *r, const struct error_entry *entry)
{
	const char *args[3];

	memcpy(args, entry->args, sizeof args);
	if (entry->label)
		args[0] = msg_field(r->lang, entry->label);
	return msg_format(r->mem, r->lang, entry->msg, args);
}

enum err
fail(struct req *r, enum err code, const char *field, enum msg msg)
{
	add_error(r, code, field, msg, (const char *const[3]){ NULL });
	return code;
}

enum err
fail_with(struct req *r, enum err code, const char *field, enum msg msg,
    const char *const args[3])
{
	add_error(r, code, field, msg, args);
	return code;
}

enum err
fail_path(struct req *r, const char *model, const char *lookup)
{
	struct problem *p = problem_of(r, ERR_NOT_FOUND);

	p->n = 0;
	p->model = model;
	p->lookup = lookup;
	return ERR_NOT_FOUND;
}

enum err
fail_token(
    struct req *r, enum msg detail, const char *code, const char *token_message)
{
	struct problem *p = problem_of(r, ERR_UNAUTHORIZED);

	p->detail_code = code;
	p->token_message = token_message;
	return fail(r, ERR_UNAUTHORIZED, NULL, detail);
}

void
problem_add_document(struct req *r, const char *json)
{
	problem_of(r, ERR_STALE)->document = json;
}

enum err
fail_retry(struct req *r, enum err code, enum msg msg, int seconds)
{
	problem_of(r, code)->retry_after = seconds;
	return fail_with(r, code, NULL, msg,
	    (const char *const[3]){ mem_printf(r->mem, "%d", seconds) });
}

/* The first error of the request as a whole; NULL: there is none. */
static const struct error_entry *
whole_entry(const struct problem *p)
{
	int i;

	for (i = 0; i < p->n; i++) {
		if (!p->list[i].field)
			return &p->list[i];
	}
	return NULL;
}

/* The text for `error`. */
static const char *
first_text(const struct req *r, const struct problem *p)
{
	const struct error_entry *whole = whole_entry(p);

	return problem_text(r, whole ? whole : &p->list[0]);
}

/* Has one of the first `n` entries that field? */
static bool
has_field(const struct problem *p, int n, const char *field)
{
	int i;

	for (i = 0; i < n; i++) {
		if (p->list[i].field && strcmp(p->list[i].field, field) == 0)
			return true;
	}
	return false;
}

/* Whether a member of RFC 9457 has that name. */
static bool
is_member(const char *field)
{
	static const char *const members[] = { "type", "title", "status",
		"detail", "instance" };

	for (size_t i = 0; i < array_len(members); i++) {
		if (strcmp(members[i], field) == 0)
			return true;
	}
	return false;
}

static bool
has_members(const struct problem *p)
{
	for (int i = 0; i < p->n; i++) {
		if (p->list[i].field && is_member(p->list[i].field))
			return true;
	}
	return false;
}

/* {"field": ["text", …], …} in the order of the first errors: all fields, or
 * those that are members of RFC 9457, or the others. */
static void
put_fields(const struct req *r, const struct problem *p, struct json *j,
    enum which_fields which)
{
	const char *field;
	int i, k;

	for (i = 0; i < p->n; i++) {
		field = p->list[i].field;
		if (!field || has_field(p, i, field) ||
		    (which != ALL && is_member(field) != (which == MEMBERS)))
			continue;
		json_key(j, field);
		json_list(j);
		for (k = i; k < p->n; k++) {
			if (p->list[k].field &&
			    strcmp(p->list[k].field, field) == 0)
				json_text(j, problem_text(r, &p->list[k]));
		}
		json_list_end(j);
	}
}

/* Errors of the original's framework have `detail`. */
static bool
has_detail(const struct problem *p, enum err code, enum style style)
{
	if (!whole_entry(p))
		return false;
	return p->detail_code || style == STYLE_FRAMEWORK ||
	       code == ERR_METHOD || code == ERR_MEDIA_TYPE ||
	       code == ERR_TOO_OFTEN ||
	       (code == ERR_BAD_JSON && style == STYLE_FORM);
}

static void
put_pair(struct json *j, const char *key, const char *text)
{
	json_key(j, key);
	json_text(j, text);
}

static void
put_token(const struct problem *p, struct json *j)
{
	put_pair(j, "code", p->detail_code);
	if (!p->token_message)
		return;
	json_key(j, "messages");
	json_list(j);
	json_object(j);
	put_pair(j, "token_class", "AccessToken");
	put_pair(j, "token_type", "access");
	put_pair(j, "message", p->token_message);
	json_object_end(j);
	json_list_end(j);
}

/* 404 of a path. */
static void
put_path(const struct req *r, const struct problem *p, struct json *j)
{
	put_pair(j, "error", msg_text(r->lang, MSG_NOT_FOUND));
	put_pair(j, "message", msg_text(r->lang, MSG_NOT_FOUND_TEXT));
	if (!p->model)
		return;
	put_pair(j, "model", p->model);
	put_pair(j, "lookup_value", p->lookup);
}

/* The key that every error body has. */
static void
put_error(const struct req *r, const struct problem *p, struct json *j)
{
	int i;

	if (!p->error_is_list) {
		put_pair(j, "error", first_text(r, p));
		return;
	}
	json_key(j, "error");
	json_list(j);
	for (i = 0; i < p->n; i++)
		json_text(j, problem_text(r, &p->list[i]));
	json_list_end(j);
}

/* The members of RFC 9457. */
static void
put_problem(
    const struct req *r, const struct problem *p, enum err code, struct json *j)
{
	put_pair(j, "type", err_slug(code));
	put_pair(j, "title", reply_phrase(err_status(code)));
	json_key(j, "status");
	json_int(j, err_status(code));
	if (p->reason)
		put_pair(j, "detail", p->reason);
	else if (p->n > 0)
		put_pair(j, "detail", first_text(r, p));
	else
		put_pair(j, "detail", msg_text(r->lang, MSG_NOT_FOUND_TEXT));
}

/* Whether an element of Accept is the problem type, without q=0. */
static bool
wants_problem(const char *accept)
{
	const size_t n = sizeof problem_type - 1;
	const char *q;

	for (; *accept; accept += strcspn(accept, ",")) {
		accept += strspn(accept, ", \t");
		if (strncasecmp(accept, problem_type, n) != 0 ||
		    !strchr(",; \t", accept[n]))
			continue;
		q = accept + n + strspn(accept + n, "; \t");
		if ((q[0] != 'q' && q[0] != 'Q') || q[1] != '=')
			return true;
		q += 2;
		return strspn(q, "0.") != strcspn(q, ", \t;");
	}
	return false;
}

static void
put_body(struct req *r, const struct problem *p, enum err code, bool problem)
{
	enum style style = r->route ? r->route->style : STYLE_ERROR;
	struct json *j = reply_json(r, err_status(code));
	enum err done;

	json_object(j);
	if (problem) {
		put_problem(r, p, code, j);
		r->answer.type = problem_type;
	}
	if (p->n == 0) {
		put_path(r, p, j);
	} else {
		put_fields(r, p, j, problem ? OTHERS : ALL);
		if (problem && has_members(p)) {
			json_key(j, "errors");
			json_object(j);
			put_fields(r, p, j, MEMBERS);
			json_object_end(j);
		}
		if (!problem && p->reason)
			put_pair(j, "detail", p->reason);
		else if (!problem && has_detail(p, code, style))
			put_pair(j, "detail", first_text(r, p));
		if (p->detail_code)
			put_token(p, j);
		if (!problem && style == STYLE_STATUS)
			put_pair(j, "status", first_text(r, p));
		put_error(r, p, j);
		if (p->document) {
			json_key(j, "document");
			json_raw(j, p->document);
		}
	}
	json_object_end(j);
	done = reply_done(r, j);
	assert(!done);
}

/* The message for a code without an own text. */
static void
add_common(struct req *r, enum err code)
{
	const char *args[3] = { NULL };

	switch (code) {
	case ERR_METHOD:
		args[0] = r->method_text;
		break;
	case ERR_TOO_LARGE:
		args[0] = msg_size(r->mem, r->lang, r->conf->body_limit);
		break;
	case ERR_TOO_OFTEN:
	case ERR_UNAVAILABLE:
		args[0] = mem_printf(r->mem, "%d", RETRY_SECONDS);
		r->problem->retry_after = RETRY_SECONDS;
		break;
	case ERR_INTERNAL:
		args[0] = r->id;
		break;
	default:
		break;
	}
	add_error(r, code, NULL, common[code], args);
}

/*
 * The challenge of a 401 (RFC 6750, section 3): with an error only if an access
 * token was read and is invalid. Public routes do not read it.
 */
static const char *
challenge(const struct req *r, const struct problem *p)
{
	if (!p->detail_code || !r->route || r->route->guard == PUBLIC)
		return "Bearer realm=\"api\"";
	return "Bearer realm=\"api\", error=\"invalid_token\"";
}

void
problem_reply(struct req *r, enum err code)
{
	struct problem *p = problem_of(r, code);

	assert(code != ERR_OK && code < ERR__MAX);
	if (p->n == 0 && code != ERR_NOT_FOUND)
		add_common(r, code);
	if (!p->document)
		r->answer.etag[0] = '\0';
	r->answer.cache_control = "no-store";
	r->answer.ready_headers_len = 0;
	if (code == ERR_UNAUTHORIZED)
		reply_header(r, "WWW-Authenticate", challenge(r, p));
	if (p->retry_after > 0)
		reply_header(
		    r, "Retry-After", mem_printf(r->mem, "%d", p->retry_after));
	put_body(r, p, code, wants_problem(r->accept));
}
