/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Migrations: verdicts, applying, the dry run, one run at a time.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "db/migrate.h"
#include "db_world.h"

TestSuite(migrate, .init = world_open, .fini = world_close);

static int told_of;

static void
count(const struct migration *m, void *arg)
{
	(void)arg;
	told_of++;
	cr_expect_null(m->applied_at);
}

static struct schema
verdict(void)
{
	struct schema s;

	cr_assert_eq(migrate_state(mem, db, &s), ERR_OK);
	return s;
}

/* As if nothing had ever been applied. */
static void
wipe(void)
{
	sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
}

Test(migrate, current)
{
	struct schema s = verdict();

	cr_expect_eq(s.verdict, SCHEMA_CURRENT);
	cr_expect_eq(s.applied, s.carried);
	cr_expect_eq(migrate_apply(db, NULL, false, count, NULL), ERR_OK);
	cr_expect_eq(told_of, 0);
}

Test(migrate, from_empty)
{
	struct schema s;

	wipe();
	s = verdict();
	cr_expect_eq(s.verdict, SCHEMA_BEHIND);
	cr_expect_eq(s.applied, 0);
	cr_expect(strstr(s.sentence, "run mxmctl migrate"));
	cr_expect_eq(migrate_apply(db, NULL, false, count, NULL), ERR_OK, "%s",
	    db_error(db));
	cr_expect_eq(told_of, s.carried);
	cr_expect_eq(verdict().verdict, SCHEMA_CURRENT);
	cr_expect_eq(db_ready(db), ERR_OK);
}

Test(migrate, dry_run_leaves_nothing)
{
	wipe();
	cr_expect_eq(migrate_apply(db, NULL, true, count, NULL), ERR_OK, "%s",
	    db_error(db));
	cr_expect_gt(told_of, 0);
	cr_expect_str_eq(
	    sql_value("SELECT to_regclass('public.migration') IS NULL"), "t");
	cr_expect_eq(verdict().verdict, SCHEMA_BEHIND);
}

Test(migrate, ahead_is_refused)
{
	struct schema s;

	sql("INSERT INTO migration VALUES (9999, 'later', 'x')");
	s = verdict();
	cr_expect_eq(s.verdict, SCHEMA_AHEAD);
	cr_expect_eq(s.applied, 9999);
	cr_expect_eq(migrate_apply(db, NULL, false, count, NULL), ERR_CONFLICT);
	cr_expect_str_eq(db_error(db), s.sentence);
}

Test(migrate, changed_is_refused)
{
	const struct migration *all;
	int n;

	sql("UPDATE migration SET checksum = 'x' WHERE number = 2");
	cr_expect_eq(verdict().verdict, SCHEMA_CHANGED);
	cr_expect_eq(migrate_apply(db, NULL, false, count, NULL), ERR_CONFLICT);
	cr_expect_eq(told_of, 0);
	cr_assert_eq(migrate_list(mem, db, &all, &n), ERR_OK);
	cr_expect(all[1].changed && !all[0].changed);
}

Test(migrate, a_gap_is_refused)
{
	sql("DELETE FROM migration WHERE number = 1");
	cr_expect_eq(verdict().verdict, SCHEMA_CHANGED);
}

Test(migrate, failure_undoes_that_one_and_names_the_line)
{
	wipe();
	sql("CREATE TABLE movie (id int)");
	cr_expect_eq(migrate_apply(db, NULL, false, NULL, NULL), ERR_INTERNAL);
	cr_expect(strstr(db_error(db), "migration 0002_catalogue.sql"), "%s",
	    db_error(db));
	cr_expect(strstr(db_error(db), "already exists"), "%s", db_error(db));
	cr_expect_eq(verdict().applied, 1);
	cr_expect_str_eq(
	    sql_value("SELECT to_regclass('public.person') IS NULL"), "t");
}

Test(migrate, waits_for_another_run)
{
	/* Another session holds the lock until it is terminated. */
	struct db *third = db_new(mem, dbinfo, 300);

	sql("SELECT pg_advisory_lock(7236837)");
	cr_expect_eq(migrate_apply(third, NULL, false, NULL, NULL),
	    ERR_UNAVAILABLE, "waited in vain until the statement timeout");
	sql("SELECT pg_advisory_unlock(7236837)");
	cr_expect_eq(migrate_apply(third, NULL, false, NULL, NULL), ERR_OK);
}
