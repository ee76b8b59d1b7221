/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signing in with an OpenID Connect provider. mxm-jobs exchanges the code and
 * verifies the answer (job oidc_exchange), because workers have no network;
 * here the account is found or created, and a session begun.
 */
#include "base/base.h"

#include "api/api.h"
#include "api/await.h"
#include "auth/provider.h"
#include "auth/session.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"
#include "http/handlers.h"
#include "users/fields.h"

#define WAIT_MS      7000 /* more than the time of the job */
#define RETRY_AFTER  30   /* seconds, as in provider_ask */
#define ATTEMPTS     10   /* at a free user name */
#define LENGTH_BASE  30   /* characters of a name that is derived */
#define LENGTH_GRANT 2048 /* of an authorization code */
#define LENGTH_NONCE 255

const struct field provider_input[] = {
	{ "lang", FROM_QUERY, T_TEXT, LENIENT, .max_length = LENGTH_LANG },
	{ "code", FROM_BODY, T_TEXT, REQUIRED | NOT_BLANK | SECRET,
	    .max_length = LENGTH_GRANT },
	/* what the client has sent to the provider, if it has */
	{ "nonce", FROM_BODY, T_TEXT, NULLABLE, .max_length = LENGTH_NONCE },
	{ "code_verifier", FROM_BODY, T_TEXT, NULLABLE | SECRET,
	    .max_length = LENGTH_NONCE },
	{ 0 },
};

static enum err
fail_unavailable(struct req *r)
{
	return fail_retry(
	    r, ERR_UNAVAILABLE, MSG_PROVIDER_UNAVAILABLE, RETRY_AFTER);
}

/*
 * Lets mxm-jobs exchange the code. *out is what the provider states about the
 * user.
 */
static enum err
exchange(struct req *r, struct row *out)
{
	struct row asked, ended;
	struct rows claims;
	int64_t job_id;
	enum err e;

	e = run_one(r, SQL_provider_ask, &asked);
	if (e)
		return e;
	if (row_is_null(&asked, "job_id"))
		return fail_unavailable(r);
	job_id = row_id(&asked, "job_id");
	e = await_job(r, job_id, WAIT_MS, &ended);
	if (e == ERR_UPSTREAM)
		e = query_exec(
		    r->mem, r->db, NULL, SQL_provider_abandon, arg_id(job_id));
	else if (e == ERR_NOT_FOUND)
		e = ERR_OK;
	if (!e)
		e = query_all(r->mem, r->db, &claims, SQL_provider_claims,
		    arg_id(job_id));
	if (e)
		return e;
	if (claims.count == 0)
		return fail_unavailable(r);
	rows_at(&claims, 0, out);
	if (row_bool(out, "refused"))
		return fail(
		    r, ERR_INVALID, "non_field_errors", MSG_PROVIDER_CODE);
	return ERR_OK;
}

/* A claim as a name of the account; "" if it cannot be one. */
static const char *
name_of(struct req *r, const struct row *claims, const char *claim)
{
	const char *name;

	if (row_is_null(claims, claim))
		return "";
	name = text_trim(r->mem, row_text(claims, claim));
	return text_length(name) <= LENGTH_NAME && text_is_name(name) ? name :
									"";
}

/* The first `n` characters of a text. */
static char *
cut(TALLOC_CTX *mem, const char *s, size_t n)
{
	const char *end = s;

	while (*end && n > 0) {
		end++;
		while (((unsigned char)*end & 0xc0) == 0x80)
			end++;
		n--;
	}
	return mem_textn(mem, s, (size_t)(end - s));
}

/* A user name from the name of the user, or from the address before the @. */
static const char *
base_name(struct req *r, const struct row *claims)
{
	const char *email = row_text(claims, "email");
	const char *sources[] = { name_of(r, claims, "name"),
		name_of(r, claims, "given_name"),
		mem_textn(r->mem, email, strcspn(email, "@")) };

	for (size_t i = 0; i < array_len(sources); i++) {
		const char *name = cut(
		    r->mem, text_slug_unicode(r->mem, sources[i]), LENGTH_BASE);

		if (field_username_fault(r, name) == MSG_NONE)
			return name;
	}
	return "user";
}

/* Parameter lang, else the locale of the claims ("de-DE"), else the language of
 * the request. */
static enum lang
language_of(struct req *r, const struct row *claims)
{
	const char *lang = input_text(r, "lang");
	enum lang known = r->lang;

	if (!lang && !row_is_null(claims, "locale"))
		lang = row_text(claims, "locale");
	if (lang && strlen(lang) > 2 && strchr("-_", lang[2]))
		lang = mem_textn(r->mem, lang, 2);
	if (lang)
		(void)lang_parse(lang, &known);
	return known;
}

static void
bind_username(struct req *r, const char *name)
{
	bind_arg(r, "username", arg_text(name));
	field_bind_look(r, name);
}

/* The values of a new account; the user name is that of the first attempt. */
static const char *
bind_claims(
    struct req *r, const struct provider *provider, const struct row *claims)
{
	bool has_email = !row_is_null(claims, "email");
	const char *name;

	name = has_email ? base_name(r, claims) : "user";
	bind_arg(r, "label", arg_text(provider->label));
	bind_arg(r, "subject", arg_text(row_text(claims, "subject")));
	bind_arg(r, "email",
	    has_email ? arg_text(row_text(claims, "email")) : arg_null());
	bind_arg(
	    r, "email_verified", arg_bool(row_bool(claims, "email_verified")));
	bind_username(r, name);
	bind_arg(r, "first_name", arg_text(name_of(r, claims, "given_name")));
	bind_arg(r, "last_name", arg_text(name_of(r, claims, "family_name")));
	bind_arg(r, "preferred_language",
	    arg_text(lang_code(language_of(r, claims))));
	return name;
}

/*
 * Finds or creates the account. A conflict: the user name is taken, or the same
 * user signs in or the same address signs up concurrently, and will be found.
 */
static enum err
find_account(struct req *r, const char *name, struct row *out)
{
	enum err e = ERR_CONFLICT;

	for (int i = 0; i < ATTEMPTS && e == ERR_CONFLICT; i++) {
		e = run_one(r, SQL_provider_log_in, out);
		if (e == ERR_CONFLICT)
			bind_username(
			    r, mem_printf(r->mem, "%s-%" PRIu32, name,
				   random_below(i < 3 ? 100 : 1000000)));
	}
	return e;
}

static void
put_time(struct json *j, const char *name, int64_t seconds)
{
	char text[CLOCK_ISO_SIZE];

	clock_iso(text, clock_now_us() + seconds * 1000000);
	json_key(j, name);
	json_text(j, text);
}

static enum err
reply_session(struct req *r, const struct row *account,
    const struct session_tokens *tokens)
{
	struct json *j = reply_json(r, 200);

	json_object(j);
	json_key(j, "access");
	json_text(j, tokens->access);
	json_key(j, "refresh");
	json_text(j, tokens->refresh);
	json_key(j, "user");
	json_object(j);
	json_key(j, "username");
	json_text(j, row_text(account, "username"));
	json_key(j, "boarded");
	json_bool(j, row_bool(account, "boarded"));
	json_key(j, "verified");
	json_bool(j, row_bool(account, "verified"));
	json_object_end(j);
	put_time(j, "access_expiration", r->conf->access_lifetime);
	put_time(j, "refresh_expiration", r->conf->refresh_lifetime);
	json_object_end(j);
	return reply_done(r, j);
}

enum err
provider_log_in(struct req *r)
{
	struct session_tokens tokens;
	struct session_start start;
	struct provider provider;
	struct row claims, account;
	const char *name = "google";
	enum err e;

	if (path_kind(r->route, "provider") != PATH_NONE)
		name = path_of(r, "provider");
	if (!provider_find(r->conf, name, &provider))
		return fail_path(r, "Provider", name);
	bind_arg(r, "provider", arg_text(provider.name));
	e = exchange(r, &claims);
	if (!e)
		e = find_account(
		    r, bind_claims(r, &provider, &claims), &account);
	if (e)
		return e;
	start = (struct session_start){
		.user_id = row_id(&account, "id"),
		.epoch = row_id(&account, "epoch"),
		.password = row_text(&account, "password"),
	};
	e = session_begin(r, &start, &tokens);
	if (e == ERR_NOT_FOUND) /* changed concurrently */
		return fail_unavailable(r);
	return e ? e : reply_session(r, &account, &tokens);
}
