/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl config: prints the settings in force and where each was set, or a
 * commented sample file. Secrets are not printed.
 */
#include "base/base.h"

#include <sysexits.h>

#include "base/conf.h"
#include "base/json.h"
#include "base/mem.h"
#include "ctl/ctl.h"

#define HELP_WIDTH 76

/* The help of a setting as comment lines. */
static void
print_help_lines(const char *help)
{
	while (*help) {
		size_t n = strlen(help);

		if (n > HELP_WIDTH) {
			n = HELP_WIDTH;
			while (n > 0 && help[n] != ' ')
				n--;
		}
		printf("# %.*s\n", (int)n, help);
		help += n;
		while (*help == ' ')
			help++;
	}
}

/* Whether a setting is printed: named, or all of them, or all that differ. */
static bool
is_wanted(const struct conf *conf, int id, char **names, bool changed_only)
{
	size_t i;

	if (changed_only && conf_is_default(conf, (enum conf_id)id))
		return false;
	for (i = 0; names[i]; i++)
		if (strcmp(names[i], conf_settings[id].name) == 0)
			return true;
	return i == 0;
}

/* All settings as JSON: what the sample has as comments. */
static int
list_settings(struct ctl *ctl, char **names)
{
	struct json *j = ctl_json(ctl);
	int i;

	json_object(j);
	for (i = 0; i < CONF__MAX; i++) {
		if (!is_wanted(NULL, i, names, false))
			continue;
		json_key(j, conf_settings[i].name);
		json_object(j);
		json_key(j, "default");
		json_text(j, conf_settings[i].standard);
		json_key(j, "help");
		json_text(j, conf_settings[i].help);
		json_object_end(j);
	}
	json_object_end(j);
	return ctl_json_done(j, EX_OK);
}

static int
print_sample(struct ctl *ctl, char **names)
{
	int i;

	if (ctl->json)
		return list_settings(ctl, names);
	printf("# Settings of moviesxmovies; see mxm.conf(5). Defaults are "
	       "commented out.\n");
	for (i = 0; i < CONF__MAX; i++) {
		if (!is_wanted(NULL, i, names, false))
			continue;
		printf("\n");
		print_help_lines(conf_settings[i].help);
		printf("#%s = %s\n", conf_settings[i].name,
		    conf_settings[i].standard);
	}
	return EX_OK;
}

/*
 * A connection string of libpq without its password: password=… up to the next
 * blank (or quote), or the part between the colon and the @ of a URI.
 */
static const char *
without_password(TALLOC_CTX *mem, const char *info)
{
	const char *at = strstr(info, "password"), *end, *host;

	if (at) {
		at += strcspn(at, "=");
		at += *at == '=';
		at += strspn(at, " \t");
		end = at + (*at == '\'' ? 1 + strcspn(at + 1, "'") :
					  strcspn(at, " \t&"));
		end += *end == '\'';
	} else {
		host = strstr(info, "://");
		end = host ? strchr(host, '@') : NULL;
		at = end ? strchr(host + 3, ':') : NULL;
		if (!at || at > end)
			return info;
		at++;
	}
	return mem_printf(mem, "%.*s(hidden)%s", (int)(at - info), info, end);
}

/* The value, or a placeholder for a secret. */
static const char *
shown(struct ctl *ctl, const struct conf *conf, int i)
{
	if (i == CONF_ID_database || i == CONF_ID_database_owner ||
	    i == CONF_ID_database_replica)
		return without_password(ctl->mem, conf->text[i]);
	if (!(conf_settings[i].flags & HIDDEN))
		return conf->text[i];
	return conf->text[i][0] ? "(hidden)" : "";
}

static void
print_setting(struct ctl *ctl, const struct conf *conf, int id, struct json *j)
{
	const char *name = conf_settings[id].name, *source = conf->source[id];

	if (!ctl->json) {
		printf("%s = %s%s%s\n", name, shown(ctl, conf, id),
		    source ? "  # " : "", source ? source : "");
		return;
	}
	json_key(j, name);
	json_object(j);
	json_key(j, "value");
	json_text(j, shown(ctl, conf, id));
	json_key(j, "source");
	json_text(j, source);
	json_object_end(j);
}

static int
print_settings(
    struct ctl *ctl, const struct conf *conf, char **names, bool changed_only)
{
	struct json *j = ctl_json(ctl);
	int i;

	json_object(j);
	for (i = 0; i < CONF__MAX; i++)
		if (is_wanted(conf, i, names, changed_only))
			print_setting(ctl, conf, i, j);
	json_object_end(j);
	return ctl->json ? ctl_json_done(j, EX_OK) : EX_OK;
}

/* The first name that is not of a setting; NULL: none. */
static const char *
unknown_name(char **names)
{
	for (; *names; names++) {
		int i = 0;

		while (i < CONF__MAX && strcmp(conf_settings[i].name, *names))
			i++;
		if (i == CONF__MAX)
			return *names;
	}
	return NULL;
}

int
ctl_config(struct ctl *ctl, int argc, char **argv)
{
	const char *unknown = unknown_name(argv + 1);
	int status;

	(void)argc;
	if (unknown)
		return ctl_usage(ctl, "unknown setting \"%s\"", unknown);
	if (ctl_option(ctl, "--default-file"))
		return print_sample(ctl, argv + 1);
	status = ctl_settings(ctl);
	return status == EX_OK ? print_settings(ctl, ctl->conf, argv + 1,
				     ctl_option(ctl, "--non-default") != NULL) :
				 status;
}
