/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl routes: prints the route table, as text and (--json) for the test that
 * compares it with doc/openapi.yaml.
 */
#include "base/base.h"

#include <sysexits.h>

#include "base/json.h"
#include "base/mem.h"
#include "ctl/ctl.h"
#include "http/field.h"
#include "http/route.h"

static const char *const guards[] = {
	[VERIFIED] = "VERIFIED",
	[PUBLIC] = "PUBLIC",
	[LOGGED_IN] = "LOGGED_IN",
	[OWNER] = "OWNER",
	[STAFF] = "STAFF",
};

static const char *const pools[] = { [FAST] = "FAST", [SLOW] = "SLOW" };

static const char *const limits[] = {
	[L_PUBLIC] = "PUBLIC",
	[L_LOGIN] = "LOGIN",
	[L_CODE] = "CODE",
	[L_USER] = "USER",
	[L_SEARCH] = "SEARCH",
	[L_WRITE] = "WRITE",
};

static const char *const styles[] = {
	[STYLE_ERROR] = "ERROR",
	[STYLE_FORM] = "FORM",
	[STYLE_FRAMEWORK] = "FRAMEWORK",
	[STYLE_STATUS] = "STATUS",
};

static const char *const sources[] = {
	[FROM_QUERY] = "query",
	[FROM_BODY] = "body",
	[FROM_FILE] = "file",
};

static const char *const types[] = {
	[T_TEXT] = "text",
	[T_PROSE] = "prose",
	[T_INT] = "int",
	[T_NUMBER] = "number",
	[T_BOOL] = "bool",
	[T_CHOICE] = "choice",
	[T_LIST] = "list",
	[T_INTS] = "ints",
	[T_PAGE] = "page",
	[T_LIMIT] = "limit",
	[T_CURSOR] = "cursor",
	[T_FILE] = "file",
	[T_DOCUMENT] = "document",
};

static const struct {
	unsigned bit;
	const char *name;
} things[] = {
	{ ON_ACCOUNT, "account" },
	{ ON_USER, "user" },
	{ ON_FRIENDS, "friends" },
	{ ON_CIRCLE, "circle" },
	{ ON_PROFILE, "profile" },
	{ ON_LISTS, "lists" },
	{ ON_MOVIE, "movie" },
	{ ON_REVIEWS, "reviews" },
	{ ON_REVIEW, "review" },
	{ ON_PERSON, "person" },
	{ ON_AWARD, "award" },
	{ ON_CATALOGUE, "catalogue" },
};

static void
put_text(struct json *j, const char *key, const char *text)
{
	json_key(j, key);
	json_text(j, text);
}

static void
put_things(struct json *j, const char *key, unsigned on)
{
	size_t i;

	json_key(j, key);
	json_list(j);
	for (i = 0; i < array_len(things); i++) {
		if (on & things[i].bit)
			json_text(j, things[i].name);
	}
	json_list_end(j);
}

/* "P,F,R" as a list. */
static void
put_choices(struct json *j, const char *choices)
{
	json_key(j, "choices");
	json_list(j);
	while (*choices) {
		size_t n = strcspn(choices, ",");

		json_textn(j, choices, n);
		choices += n + (choices[n] == ',');
	}
	json_list_end(j);
}

static void
put_field(struct json *j, const struct field *f)
{
	json_object(j);
	put_text(j, "name", f->name);
	put_text(j, "from", sources[f->from]);
	put_text(j, "type", types[f->type]);
	json_key(j, "required");
	json_bool(j, (f->flags & (REQUIRED | OR_BODY)) == REQUIRED);
	json_key(j, "or_body");
	json_bool(j, f->flags & OR_BODY);
	json_key(j, "list");
	json_bool(j, f->type == T_LIST || f->type == T_INTS);
	if (f->type == T_INT && f->max > f->min) {
		json_key(j, "min");
		json_int(j, f->min);
		json_key(j, "max");
		json_int(j, f->max);
	}
	if (f->max_length > 0) {
		json_key(j, "max_length");
		json_int(j, (int64_t)f->max_length);
	}
	if (f->type == T_PAGE || f->type == T_LIMIT) {
		json_key(j, "default");
		json_int(j, f->def);
	}
	if (f->choices)
		put_choices(j, f->choices);
	json_object_end(j);
}

static void
put_limits(struct json *j, unsigned of_route)
{
	size_t i;

	json_key(j, "limits");
	json_list(j);
	for (i = 0; i < array_len(limits); i++) {
		if (limits[i] && of_route & LIMIT(i))
			json_text(j, limits[i]);
	}
	json_list_end(j);
}

static void
put_cache(struct json *j, const struct route *route)
{
	json_key(j, "cache");
	json_object(j);
	if (route->cache.seconds > 0) {
		json_key(j, "seconds");
		json_int(j, route->cache.seconds);
		put_things(j, "depends", route->cache.depends);
		json_key(j, "by_viewer");
		json_bool(j, route->cache.by_viewer);
		json_key(j, "by_lang");
		json_bool(j, route->cache.by_lang);
		json_key(j, "by_model");
		json_bool(j, route->cache.by_model);
	}
	json_object_end(j);
}

static void
put_route(struct json *j, const struct route *route)
{
	const struct field *f;

	json_object(j);
	put_text(j, "method", method_name(route->method));
	put_text(j, "path", route->pattern);
	put_text(j, "handler", route->name);
	put_text(j, "guard", guards[route->guard]);
	put_text(j, "pool", pools[route->pool]);
	json_key(j, "hashes");
	json_bool(j, route->hashes);
	put_limits(j, route->limits);
	json_key(j, "needs_database");
	json_bool(j, route->needs_database);
	put_text(j, "style", styles[route->style]);
	json_key(j, "inputs");
	json_list(j);
	for (f = route->input; f->name; f++)
		put_field(j, f);
	json_list_end(j);
	json_key(j, "writes");
	json_bool(j, route->method != METHOD_GET);
	put_cache(j, route);
	json_object_end(j);
}

int
ctl_routes(struct ctl *ctl, int argc, char **argv)
{
	struct json *j;
	int i;

	(void)argc;
	(void)argv;
	if (!ctl->json) {
		for (i = 0; i < n_routes; i++)
			printf("%-7s %-42s %-10s %s\n",
			    method_name(routes[i].method), routes[i].pattern,
			    guards[routes[i].guard], pools[routes[i].pool]);
		return EX_OK;
	}
	j = ctl_json(ctl);
	json_list(j);
	for (i = 0; i < n_routes; i++)
		put_route(j, &routes[i]);
	json_list_end(j);
	return ctl_json_done(j, EX_OK);
}
