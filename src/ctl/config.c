/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl config: prints the settings in force and where each was set, or a
 * commented sample file. Secrets are not printed.
 */
#include "base/base.h"

#include <sysexits.h>

#include "base/buf.h"
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

/* Behind the value of a keyword, which may be quoted and have backslashes. */
static const char *
value_end(const char *value)
{
	char quote = *value == '\'' ? '\'' : '\0';

	for (value += quote != '\0'; *value; value++) {
		if (*value == '\\' && value[1])
			value++;
		else if (quote ? *value == quote :
				 strchr(" \t\n&", *value) != NULL)
			return value + (quote != '\0');
	}
	return value;
}

/*
 * A connection string of libpq or a URL without its passwords: what follows
 * "password=", and the part between the colon and the @ of a URL.
 */
static const char *
without_password(TALLOC_CTX *mem, const char *text)
{
	const char *from = strstr(text, "://"), *at, *end;
	struct buf out;

	buf_init(&out, mem, 256);
	end = from ? from + 3 + strcspn(from + 3, "?") : NULL;
	at = end ? memrchr(text, '@', (size_t)(end - text)) : NULL;
	from = at ? memchr(from + 3, ':', (size_t)(at - from - 3)) : NULL;
	if (from) {
		buf_add(&out, text, (size_t)(from + 1 - text));
		buf_puts(&out, "(hidden)");
		text = at;
	}
	while ((at = strstr(text, "password"))) {
		at += strlen("password");
		from = at + strspn(at, " \t");
		if (*from == '=') {
			at = from + 1;
			at += strspn(at, " \t");
		}
		buf_add(&out, text, (size_t)(at - text));
		text = at;
		if (*from == '=')
			text = value_end(at);
		if (text != at)
			buf_puts(&out, "(hidden)");
	}
	buf_puts(&out, text);
	return out.data;
}

/* The value, or a placeholder for a secret. */
static const char *
shown(struct ctl *ctl, const struct conf *conf, int i)
{
	if (conf_settings[i].flags & HIDDEN)
		return conf->text[i][0] ? "(hidden)" : "";
	if (i == CONF_ID_database || i == CONF_ID_database_owner ||
	    i == CONF_ID_database_replica || strstr(conf->text[i], "://"))
		return without_password(ctl->mem, conf->text[i]);
	return conf->text[i];
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

		while (
		    i < CONF__MAX && strcmp(conf_settings[i].name, *names) != 0)
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
