/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Job oidc_exchange: exchanges the authorization code of a user for an identity
 * token at an OpenID Connect provider, verifies the token, and returns what it
 * states about the user. {"refused": true}: the code or the token is not valid
 * for this sign-in, or what the provider has about this user is too long. Any
 * other failure is one of the provider or of the settings, and the job fails.
 *
 * The code is removed from the job before it is used; neither it nor a token is
 * stored or logged.
 */
#include "base/base.h"

#include <json-c/json.h>

#include "auth/identity.h"
#include "auth/provider.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "db/query.h"
#include "import/record.h"
#include "jobs/jobs.h"
#include "jobs/jws.h"
#include "net/fetch.h"

#define ANSWER_MAX  ((size_t)256 * 1024)
#define TOTAL_MS    5000 /* all requests of a job together */
#define AGE_MIN     60   /* seconds that a document is cached */
#define AGE_DEFAULT 3600
#define AGE_MAX     86400
#define REFETCH_US  INT64_C(60000000) /* between two for unknown keys */
#define LEEWAY      60                /* seconds between the clocks */
#define TOKEN_AGE   3600              /* seconds since the token was issued */
#define SUBJECT_MAX 255
#define PROVIDERS   2

/* A document of a provider, valid until a time of the steady clock. */
struct document {
	TALLOC_CTX *mem; /* of `json` */
	struct json_object *json;
	int64_t until;
};

/* What one provider has published. */
struct published {
	char name[64];
	struct document discovery, keys;
	int64_t refetched; /* the keys, for one that was unknown */
};

struct oidc {
	struct published list[PROVIDERS];
};

/* One exchange. */
struct exchange {
	struct job *job;
	struct provider provider;
	struct published *published;
	const char *code, *nonce, *verifier; /* the last two may be NULL */
	int64_t deadline;
	bool refused;
};

static struct published *
published_of(struct jobs *in, const char *provider)
{
	size_t i = 0;

	if (!in->oidc)
		in->oidc = mem_new(in, struct oidc);
	while (i < PROVIDERS - 1 && *in->oidc->list[i].name &&
	       strcmp(in->oidc->list[i].name, provider) != 0)
		i++;
	snprintf(in->oidc->list[i].name, sizeof in->oidc->list[i].name, "%s",
	    provider);
	return &in->oidc->list[i];
}

static enum err
fail_job(struct exchange *x, const char *what, const char *why)
{
	x->job->why =
	    mem_printf(x->job->mem, "%s: %s: %s", x->provider.name, what, why);
	return ERR_UPSTREAM;
}

/* A failure that may be caused by the user, who must not stop the others. */
static enum err
refuse(struct exchange *x, const char *why)
{
	log_warn("job %" PRId64 ": %s: a sign-in is refused: %s", x->job->id,
	    x->provider.name, why);
	x->refused = true;
	return ERR_OK;
}

/* An endpoint may be on this host only if the provider is. */
static bool
may_fetch(const struct exchange *x, const char *url)
{
	return url &&
	       (fetch_is_loopback(url) ? fetch_is_loopback(x->provider.issuer) :
					 fetch_is_safe(url));
}

static enum err
call(struct exchange *x, struct fetch *request, const char *what,
    struct fetch_answer *answer)
{
	int64_t left = (x->deadline - clock_steady_us()) / 1000;
	const char *why;
	enum err e;

	if (!may_fetch(x, request->url))
		return fail_job(x, what, "the URL is missing or not https");
	request->ca_file = x->job->in->conf->ca_file;
	request->trace = x->job->trace;
	request->max_bytes = ANSWER_MAX;
	request->timeout_ms = left > 1 ? (int)left : 1;
	e = fetch(x->job->mem, request, answer, &why);
	if (e)
		(void)fail_job(x, what, why); /* e is more exact */
	return e;
}

static struct json_object *
parse(struct exchange *x, TALLOC_CTX *mem, const struct fetch_answer *answer,
    const char *what)
{
	const char *why;
	struct json_object *json =
	    record_parse(mem, answer->body, answer->len, &why);

	if (!json) /* no excerpt: it may be secret */
		(void)fail_job(x, what, "the answer is not a JSON object");
	return json;
}

static enum err
document_fetch(
    struct exchange *x, struct document *d, const char *url, const char *what)
{
	struct fetch request = { .url = url };
	TALLOC_CTX *mem = mem_need(talloc_new(x->job->in));
	struct fetch_answer answer;
	struct json_object *json;
	int64_t age;
	enum err e;

	e = call(x, &request, what, &answer);
	if (!e && answer.status != 200)
		e = fail_job(x, what,
		    mem_printf(x->job->mem, "status %d", answer.status));
	json = e ? NULL : parse(x, mem, &answer, what);
	if (!json) {
		talloc_free(mem);
		return ERR_UPSTREAM;
	}
	age = answer.max_age < 0 ? AGE_DEFAULT : answer.max_age;
	age = age < AGE_MIN ? AGE_MIN : age > AGE_MAX ? AGE_MAX : age;
	talloc_free(d->mem);
	d->mem = mem;
	d->json = json;
	d->until = clock_steady_us() + age * 1000000;
	return ERR_OK;
}

/* The discovery document, cached; its issuer must be the configured one. */
static enum err
discover(struct exchange *x)
{
	static const char path[] = "/.well-known/openid-configuration";
	struct document *d = &x->published->discovery;
	const char *issuer = x->provider.issuer, *named;
	size_t n = strlen(issuer);
	enum err e;

	if (d->json && clock_steady_us() < d->until)
		return ERR_OK;
	n -= n > 0 && issuer[n - 1] == '/';
	e = document_fetch(x, d,
	    mem_printf(x->job->mem, "%.*s%s", (int)n, issuer, path),
	    "discovery document");
	if (e)
		return e;
	named = record_text(d->json, "issuer");
	if (named && strcmp(named, issuer) == 0)
		return ERR_OK;
	d->until = 0;
	return fail_job(
	    x, "discovery document", "it is that of another issuer");
}

static enum err
get_keys(struct exchange *x)
{
	return document_fetch(x, &x->published->keys,
	    record_text(x->published->discovery.json, "jwks_uri"), "keys");
}

/* -------------------------------------------------------- token endpoint */

static void
put_field(struct buf *form, const char *name, const char *value)
{
	if (value)
		buf_printf(form, "%s%s=%s", form->len > 0 ? "&" : "", name,
		    text_url_encode(form->mem, value));
}

static bool
has_text(struct json_object *object, const char *name, const char *text)
{
	struct json_object *list;
	size_t i;

	if (!json_object_object_get_ex(object, name, &list) ||
	    !json_object_is_type(list, json_type_array))
		return false;
	for (i = 0; i < json_object_array_length(list); i++) {
		struct json_object *v = json_object_array_get_idx(list, i);

		if (json_object_is_type(v, json_type_string) &&
		    strcmp(json_object_get_string(v), text) == 0)
			return true;
	}
	return false;
}

/* The client's secret in the form if the provider allows it, else HTTP Basic.
 */
static void
authenticate(const struct exchange *x, struct fetch *request, struct buf *form)
{
	struct json_object *discovery = x->published->discovery.json;

	put_field(form, "client_id", x->provider.client_id);
	if (!*x->provider.client_secret)
		return;
	if (has_text(discovery, "token_endpoint_auth_methods_supported",
		"client_secret_post")) {
		put_field(form, "client_secret", x->provider.client_secret);
		return;
	}
	request->user = text_url_encode(x->job->mem, x->provider.client_id);
	request->password =
	    text_url_encode(x->job->mem, x->provider.client_secret);
}

/*
 * Whether an error answer refuses the code itself; other errors are those of
 * the provider, or of the client in the settings.
 */
static bool
refuses_code(const struct fetch_answer *answer, struct json_object *json)
{
	const char *error = record_text(json, "error");

	return (answer->status == 400 || answer->status == 401) && error &&
	       (strcmp(error, "invalid_grant") == 0 ||
		   strcmp(error, "invalid_request") == 0);
}

/* Only known words: the text comes from the provider and is logged. */
static const char *
error_word(struct json_object *json)
{
	static const char *const words[] = { "invalid_client",
		"unauthorized_client", "unsupported_grant_type",
		"invalid_scope", "server_error", "temporarily_unavailable" };
	const char *error = record_text(json, "error");

	for (size_t i = 0; error && i < array_len(words); i++)
		if (strcmp(words[i], error) == 0)
			return words[i];
	return "no error word";
}

/* *token stays NULL if the code is refused. */
static enum err
redeem(struct exchange *x, const char **token)
{
	static const char what[] = "token endpoint";
	struct fetch_answer answer;
	struct json_object *json;
	struct fetch request = { 0 };
	struct buf form;
	enum err e;

	buf_init(&form, x->job->mem, 1024);
	put_field(&form, "grant_type", "authorization_code");
	put_field(&form, "code", x->code);
	put_field(&form, "redirect_uri", x->provider.redirect_uri);
	put_field(&form, "code_verifier", x->verifier);
	authenticate(x, &request, &form);
	request.url =
	    record_text(x->published->discovery.json, "token_endpoint");
	request.form = form.data;
	e = call(x, &request, what, &answer);
	if (e == ERR_TOO_LARGE)
		return refuse(x, x->job->why);
	if (e)
		return e;
	json = parse(x, x->job->mem, &answer, what);
	if (!json)
		return ERR_UPSTREAM;
	x->refused = refuses_code(&answer, json);
	if (x->refused)
		return ERR_OK;
	if (answer.status != 200)
		return fail_job(x, what,
		    mem_printf(x->job->mem, "status %d, %s", answer.status,
			error_word(json)));
	*token = record_text(json, "id_token");
	return *token ? ERR_OK :
			fail_job(x, what, "the answer has no identity token");
}

/* ---------------------------------------------------------------- claims */

static bool
get_number(struct json_object *claims, const char *name, int64_t *out)
{
	struct json_object *v;

	if (!json_object_object_get_ex(claims, name, &v) ||
	    !(json_object_is_type(v, json_type_int) ||
		json_object_is_type(v, json_type_double)))
		return false;
	*out = json_object_get_int64(v);
	return true;
}

/* true, or the text "true", which some providers send. */
static bool
is_true(struct json_object *claims, const char *name)
{
	struct json_object *v;
	const char *text = record_text(claims, name);

	if (text)
		return strcmp(text, "true") == 0;
	return json_object_object_get_ex(claims, name, &v) &&
	       json_object_is_type(v, json_type_boolean) &&
	       json_object_get_boolean(v);
}

/* Google's tokens may name it without the scheme. */
static bool
is_issuer(const struct exchange *x, const char *issuer)
{
	const char *mine = x->provider.issuer;

	if (!issuer)
		return false;
	return strcmp(issuer, mine) == 0 ||
	       (strcmp(mine, "https://accounts.google.com") == 0 &&
		   strcmp(issuer, "accounts.google.com") == 0);
}

/* The client is the audience, or one of several and the authorized party. */
static bool
is_audience(const struct exchange *x, struct json_object *claims)
{
	const char *me = x->provider.client_id;
	const char *single = record_text(claims, "aud");
	const char *party = record_text(claims, "azp");
	struct json_object *v;

	if (json_object_object_get_ex(claims, "azp", &v) &&
	    (!party || strcmp(party, me) != 0))
		return false;
	if (single)
		return strcmp(single, me) == 0;
	return has_text(claims, "aud", me) &&
	       (party || json_object_array_length(
			     json_object_object_get(claims, "aud")) == 1);
}

/* What is wrong with the claims; NULL: nothing. */
static const char *
claims_fault(const struct exchange *x, struct json_object *claims)
{
	int64_t now = clock_now_us() / 1000000, issued, expires, begins;
	const char *subject = record_text(claims, "sub");

	if (!is_issuer(x, record_text(claims, "iss")))
		return "the token is of another issuer";
	if (!is_audience(x, claims))
		return "the token is for another client";
	if (!get_number(claims, "exp", &expires) || expires <= now - LEEWAY)
		return "the token has expired";
	if (!get_number(claims, "iat", &issued) || issued > now + LEEWAY ||
	    issued < now - TOKEN_AGE)
		return "the token was not issued now";
	if (get_number(claims, "nbf", &begins) && begins > now + LEEWAY)
		return "the token is not valid yet";
	if (!subject || !*subject)
		return "the token has no subject";
	return NULL;
}

/* Both have the same nonce, or none. */
static bool
nonce_fits(const struct exchange *x, struct json_object *claims)
{
	const char *nonce = record_text(claims, "nonce");

	if (!json_object_object_get_ex(claims, "nonce", NULL))
		return !x->nonce;
	return nonce && x->nonce && strcmp(nonce, x->nonce) == 0;
}

static bool
may_refetch(struct published *p)
{
	int64_t now = clock_steady_us();

	if (p->refetched && now - p->refetched < REFETCH_US)
		return false;
	p->refetched = now;
	return true;
}

/* Verifies the token; an unknown key may have been published recently. */
static enum err
verify(struct exchange *x, const char *token, struct json_object **claims)
{
	struct document *keys = &x->published->keys;
	enum jws_verdict verdict;
	const char *why;
	enum err e = ERR_OK;

	if (!keys->json || clock_steady_us() >= keys->until)
		e = get_keys(x);
	if (e)
		return e;
	verdict = jws_verify(x->job->mem, token, keys->json, claims, &why);
	if (verdict == JWS_UNKNOWN_KEY && may_refetch(x->published)) {
		e = get_keys(x);
		if (e)
			return e;
		verdict =
		    jws_verify(x->job->mem, token, keys->json, claims, &why);
	}
	if (verdict == JWS_UNREADABLE)
		return refuse(x, why);
	if (verdict != JWS_VALID)
		return fail_job(x, "identity token", why);
	why = claims_fault(x, *claims);
	if (why)
		return fail_job(x, "identity token", why);
	if (strlen(record_text(*claims, "sub")) > SUBJECT_MAX)
		return refuse(x, "the subject is too long");
	x->refused = !nonce_fits(x, *claims);
	return ERR_OK;
}

/* ---------------------------------------------------------------- result */

static void
put_text(struct json_object *out, const char *name, const char *text)
{
	if (text)
		json_object_object_add(
		    out, name, mem_need(json_object_new_string(text)));
}

static void
put_bool(struct json_object *out, const char *name, bool v)
{
	json_object_object_add(out, name, mem_need(json_object_new_boolean(v)));
}

static void
put_claims(TALLOC_CTX *mem, struct json_object *out, struct json_object *claims)
{
	static const char *const names[] = { "sub", "name", "given_name",
		"family_name", "locale" };
	const char *email = record_text(claims, "email");

	for (size_t i = 0; i < array_len(names); i++)
		put_text(out, names[i], record_text(claims, names[i]));
	if (email)
		email = identity_email(mem, email);
	put_text(out, "email", email && text_is_email(email) ? email : NULL);
	put_bool(out, "email_verified", is_true(claims, "email_verified"));
}

static const char *
result_of(const struct exchange *x, struct json_object *claims)
{
	struct json_object *out = mem_need(json_object_new_object());
	const char *text;

	put_bool(out, "refused", x->refused);
	if (!x->refused)
		put_claims(x->job->mem, out, claims);
	text = mem_text(x->job->mem,
	    json_object_to_json_string_ext(out, JSON_C_TO_STRING_PLAIN));
	json_object_put(out);
	return text;
}

static enum err
exchange(struct exchange *x)
{
	struct json_object *claims = NULL;
	const char *token = NULL;
	enum err e;

	e = discover(x);
	if (!e)
		e = redeem(x, &token);
	if (!e && !x->refused)
		e = verify(x, token, &claims);
	if (!e)
		x->job->result = result_of(x, claims);
	return e;
}

enum err
oidc_exchange(struct job *job)
{
	struct exchange x = { .job = job };
	struct row row;
	enum err e;

	e = query_one(
	    job->mem, job->in->db, &row, SQL_provider_take, arg_id(job->id));
	if (e)
		return e;
	if (row_is_null(&row, "code") || row_bool(&row, "late") ||
	    !provider_find(
		job->in->conf, row_text(&row, "provider"), &x.provider)) {
		job->why = "no request waits for it, or the provider is not "
			   "configured";
		return ERR_INVALID;
	}
	x.code = row_text(&row, "code");
	x.nonce = row_is_null(&row, "nonce") ? NULL : row_text(&row, "nonce");
	x.verifier =
	    row_is_null(&row, "verifier") ? NULL : row_text(&row, "verifier");
	x.published = published_of(job->in, x.provider.name);
	x.deadline = clock_steady_us() + TOTAL_MS * INT64_C(1000);
	return exchange(&x);
}
