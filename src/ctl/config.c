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
#include "db/settings.h"

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

static int
print_sample(void)
{
	int i;

	printf("# Settings of moviesxmovies; see mxm.conf(5). Defaults are "
	       "commented out.\n");
	for (i = 0; i < CONF__MAX; i++) {
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

static int
print_settings(struct ctl *ctl, const struct conf *conf, bool changed_only)
{
	struct json *j = NULL;
	int i;

	if (ctl->json) {
		j = ctl_json(ctl);
		json_object(j);
	}
	for (i = 0; i < CONF__MAX; i++) {
		if (changed_only && conf_is_default(conf, (enum conf_id)i))
			continue;
		if (j) {
			json_key(j, conf_settings[i].name);
			json_object(j);
			json_key(j, "value");
			json_text(j, shown(ctl, conf, i));
			json_key(j, "source");
			json_text(j, conf->source[i]);
			json_object_end(j);
		} else if (conf->source[i]) {
			printf("%s = %s  # %s\n", conf_settings[i].name,
			    shown(ctl, conf, i), conf->source[i]);
		} else {
			printf("%s = %s\n", conf_settings[i].name,
			    shown(ctl, conf, i));
		}
	}
	if (!j)
		return EX_OK;
	json_object_end(j);
	return ctl_json_done(j, EX_OK);
}

int
ctl_config(struct ctl *ctl, int argc, char **argv)
{
	struct conf_errors errors = { NULL, 0 };
	bool changed_only = false;
	struct conf *conf;
	size_t n;
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--default-file") == 0)
			return print_sample();
		if (strcmp(argv[i], "--non-default") == 0)
			changed_only = true;
		else if (strcmp(argv[i], "--json") == 0)
			ctl->json = true;
		else
			return ctl_usage(ctl, "unknown option \"%s\"", argv[i]);
	}
	if (settings_load(ctl->mem, ctl->config, &conf, &errors) == ERR_OK)
		return print_settings(ctl, conf, changed_only);
	for (n = 0; n < errors.n; n++)
		fprintf(stderr, "mxmctl: %s\n", errors.list[n]);
	return EX_CONFIG;
}
