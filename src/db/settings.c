/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Checks the connection string without connecting, so that an error in it is
 * reported at startup and not as an unavailable database.
 */
#include "base/base.h"

#include <libpq-fe.h>

#include "base/mem.h"
#include "db/settings.h"

/*
 * The first line of the message of libpq, without quotations of a connection
 * string with a password, which would be disclosed partially.
 */
static const char *
without_quotations(TALLOC_CTX *mem, const char *conninfo, const char *text)
{
	const char *line = mem_textn(mem, text, strcspn(text, "\n"));
	const char *from = strchr(line, '"'), *to = strrchr(line, '"');

	if (!from || (!strstr(conninfo, "pass") && !strchr(conninfo, '@')))
		return line;
	return mem_printf(mem, "%.*s\"…\"%s", (int)(from - line), line, to + 1);
}

/* The error of a connection string; NULL: none. */
static const char *
conninfo_fault(TALLOC_CTX *mem, const char *conninfo)
{
	PQconninfoOption *options;
	const char *fault;
	char *text = NULL;

	options = PQconninfoParse(conninfo, &text);
	if (options) {
		PQconninfoFree(options);
		return NULL;
	}
	mem_need(text); /* NULL: out of memory */
	fault = without_quotations(mem, conninfo, text);
	PQfreemem(text);
	return fault;
}

const char *
settings_conninfo(TALLOC_CTX *mem, const char *conninfo, const char *keyword)
{
	PQconninfoOption *all = PQconninfoParse(conninfo, NULL), *o;
	const char *value = NULL;

	for (o = all; o && o->keyword; o++)
		if (strcmp(o->keyword, keyword) == 0 && o->val && *o->val)
			value = mem_text(mem, o->val);
	PQconninfoFree(all);
	return value;
}

/* Adds an error for an invalid connection string; false: invalid. */
static bool
is_wrong(struct conf *conf, struct conf_errors *errors, enum conf_id id,
    const char *name)
{
	const char *fault = conninfo_fault(conf, conf->text[id]);

	if (fault)
		conf_add_error(conf, errors,
		    "%s: %s: PostgreSQL's library does not understand it: %s; "
		    "write name=value with blanks between, for example "
		    "host=/run/postgresql dbname=moviesxmovies",
		    conf_place(conf, id), name, fault);
	return fault != NULL;
}

/* The value in quotes of a connection string. */
static const char *
quoted(TALLOC_CTX *mem, const char *value)
{
	char *text = mem_array(mem, char, 2 * strlen(value) + 3), *to = text;

	*to++ = '\'';
	for (; *value; value++) {
		if (*value == '\'' || *value == '\\')
			*to++ = '\\';
		*to++ = *value;
	}
	*to++ = '\'';
	*to = '\0';
	return text;
}

/* A valid connection string, also of a URI, with this password. */
static const char *
with_password(TALLOC_CTX *mem, const char *conninfo, const char *password)
{
	PQconninfoOption *all = PQconninfoParse(conninfo, NULL), *o;
	char *text = mem_printf(mem, "password=%s", quoted(mem, password));

	for (o = all; o && o->keyword; o++)
		if (o->val && strcmp(o->keyword, "password") != 0)
			text = mem_printf(mem, "%s %s=%s", text, o->keyword,
			    quoted(mem, o->val));
	PQconninfoFree(all);
	return text;
}

/* Not in conf->text, which is printed. */
static void
add_password(struct conf *conf, const char **conninfo)
{
	if (**conninfo && *conf->database_password)
		*conninfo =
		    with_password(conf, *conninfo, conf->database_password);
}

enum err
settings_load(TALLOC_CTX *mem, const char *file, struct conf **out,
    struct conf_errors *errors)
{
	enum err e = conf_load(mem, file, out, errors);
	struct conf *conf = *out;

	if (is_wrong(conf, errors, CONF_ID_database, "database") ||
	    is_wrong(conf, errors, CONF_ID_database_owner, "database_owner") ||
	    is_wrong(
		conf, errors, CONF_ID_database_replica, "database_replica"))
		return e ? e : ERR_INVALID;
	add_password(conf, &conf->database);
	add_password(conf, &conf->database_replica);
	return e;
}
