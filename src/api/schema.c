/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The API description and the page generated from it, both compiled in
 * (doc/generate.py), and the index and redirects to them.
 */
#include "base/base.h"

#include <strings.h>

#include "api/api.h"
#include "base/conf.h"
#include "base/mem.h"
#include "http/handlers.h"
#include "schema.def"

/* Revalidated each time; 304 until another version is installed. */
static const char freshness[] = "public, no-cache";

const struct field schema_input[] = {
	{ "format", FROM_QUERY, T_TEXT, LENIENT, .max_length = 16 },
	{ 0 },
};

/* The formats of the description, the preferred one first. */
static const struct form {
	const char *type;
	const char *format; /* value of parameter `format` */
	const unsigned char *bytes;
	size_t len;
	const char *etag;
} forms[] = {
	{ "application/vnd.oai.openapi", "yaml", openapi_yaml,
	    sizeof openapi_yaml, OPENAPI_YAML_ETAG },
	{ "application/yaml", "", openapi_yaml, sizeof openapi_yaml,
	    OPENAPI_YAML_ETAG },
	{ "application/json", "json", openapi_json, sizeof openapi_json,
	    OPENAPI_JSON_ETAG },
	{ "application/vnd.oai.openapi+json", "", openapi_json,
	    sizeof openapi_json, OPENAPI_JSON_ETAG },
};

/*
 * The position of `type` in an Accept header, or SIZE_MAX. Weights are ignored;
 * the first supported type is served.
 */
static size_t
place_of(const char *accept, const char *type)
{
	size_t n = strlen(type);
	const char *s = accept;

	for (;;) {
		s += strspn(s, ", \t");
		if (!*s)
			return SIZE_MAX;
		if (strncasecmp(s, type, n) == 0 && strchr(",; \t", s[n]))
			return (size_t)(s - accept);
		s += strcspn(s, ",");
	}
}

/* The requested format: by `format`, else by Accept, else YAML. */
static const struct form *
form_of(struct req *r)
{
	const char *format = input_text(r, "format");
	const struct form *found = &forms[0];
	size_t best = SIZE_MAX, place, i;

	for (i = 0; format && *format && i < array_len(forms); i++) {
		if (strcmp(forms[i].format, format) == 0)
			return &forms[i];
	}
	for (i = 0; i < array_len(forms); i++) {
		place = place_of(r->accept, forms[i].type);
		if (place < best) {
			best = place;
			found = &forms[i];
		}
	}
	return found;
}

static void
set_etag(struct req *r, const char *etag)
{
	assert(strlen(etag) < sizeof r->answer.etag);
	snprintf(r->answer.etag, sizeof r->answer.etag, "%s", etag);
	r->answer.cache_control = freshness;
}

/* The description, as YAML or JSON. */
enum err
api_schema(struct req *r)
{
	const struct form *form = form_of(r);

	set_etag(r, form->etag);
	return reply_bytes(r, form->type, form->bytes, form->len);
}

/* The interactive page; its Content-Security-Policy allows only its own script.
 */
enum err
api_docs(struct req *r)
{
	set_etag(r, DOCS_HTML_ETAG);
	reply_header(r, "Content-Security-Policy", DOCS_POLICY);
	return reply_bytes(
	    r, "text/html; charset=utf-8", docs_html, sizeof docs_html);
}

/* Redirects to the page; relative, so that it works under any host name. */
static enum err
lead_to_docs(struct req *r)
{
	reply_header(r, "Location", "/api/docs/");
	r->answer.status = 302;
	return ERR_OK;
}

/* The root of the server, unless a front end is installed there. */
enum err
api_home(struct req *r)
{
	return lead_to_docs(r);
}

static void
put_link(struct req *r, struct json *j, const char *key, const char *path)
{
	json_key(j, key);
	json_text(j, mem_printf(r->mem, "%s%s", r->conf->public_origin, path));
}

/* The index of the API: JSON, for a browser a redirect to the page. */
enum err
api_index(struct req *r)
{
	struct json *j;

	if (place_of(r->accept, "text/html") <
	    place_of(r->accept, "application/json"))
		return lead_to_docs(r);
	j = reply_json(r, 200);
	json_object(j);
	json_key(j, "name");
	json_text(j, PACKAGE_NAME);
	json_key(j, "version");
	json_text(j, PACKAGE_VERSION);
	put_link(r, j, "docs", "/api/docs/");
	put_link(r, j, "schema", "/api/schema/");
	put_link(r, j, "health", "/healthz");
	json_object_end(j);
	return reply_done(r, j);
}
