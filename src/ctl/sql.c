/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl sql: prints the SQL statements of the program; mxmctl check sql:
 * prepares all of them against the migrated schema.
 */
#include "base/base.h"

#include <sysexits.h>

#include "base/conf.h"
#include "ctl/advice.h"
#include "ctl/ctl.h"
#include "db/db.h"
#include "db/query.h"
#include "db/settings.h"
#include "db/tx.h"

static int
show(struct ctl *ctl, const char *name)
{
	int i;

	for (i = 0; i < SQL__MAX; i++) {
		const struct stmt_info *info = stmt_info((enum stmt)i);

		if (strcmp(info->name, name) != 0)
			continue;
		printf(
		    "-- %s (%s)\n%s;\n", info->name, info->types, info->text);
		return EX_OK;
	}
	return ctl_usage(ctl, "unknown statement \"%s\"", name);
}

int
ctl_sql(struct ctl *ctl, int argc, char **argv)
{
	int i;

	if (argc == 3 && strcmp(argv[1], "show") == 0)
		return show(ctl, argv[2]);
	if (argc != 1)
		return ctl_usage(ctl, "unexpected argument \"%s\"", argv[1]);
	for (i = 0; i < SQL__MAX; i++)
		printf("%s (%s)\n", stmt_info((enum stmt)i)->name,
		    stmt_info((enum stmt)i)->types);
	return EX_OK;
}

struct checking {
	struct ctl *ctl;
	struct db *db;
	int invalid;
};

static enum err
check_all(void *arg)
{
	struct checking *c = arg;
	const char *fault;
	enum err e;
	int i;

	c->invalid = 0;
	for (i = 0; i < SQL__MAX; i++) {
		e = query_check(c->ctl->mem, c->db, (enum stmt)i, &fault);
		if (e)
			return e;
		if (!fault)
			continue;
		fprintf(
		    stderr, "%s: %s\n", stmt_info((enum stmt)i)->name, fault);
		c->invalid++;
	}
	return ERR_OK;
}

int
ctl_check_sql(struct ctl *ctl, int argc, char **argv)
{
	struct conf_errors errors = { NULL, 0 };
	struct checking c = { .ctl = ctl };
	struct conf *conf;
	enum err e;

	if (argc > 1)
		return ctl_usage(ctl, "unexpected argument \"%s\"", argv[1]);
	if (settings_load(ctl->mem, ctl->config, &conf, &errors) != ERR_OK) {
		fprintf(stderr, "mxmctl: %s\n", errors.list[0]);
		return EX_CONFIG;
	}
	c.db = db_new(ctl->mem, conf->database, 0);
	/* Always rolled back: the check creates temporary tables. */
	e = tx_try(c.db, check_all, &c);
	if (e) {
		ctl->conf = conf;
		fprintf(stderr, "mxmctl check sql: %s; %s\n", db_error(c.db),
		    advice_database(ctl, db_error(c.db)));
		return EX_UNAVAILABLE;
	}
	printf("%d statements, %d invalid\n", SQL__MAX, c.invalid);
	return c.invalid ? EX_DATAERR : EX_OK;
}
