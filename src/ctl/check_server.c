/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl check: the database server: extensions, connections, durability, sort
 * order, and its clock.
 */
#include "base/base.h"

#include <stdlib.h>
#include <sys/timex.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/plan.h"
#include "ctl/check.h"
#include "db/db.h"
#include "db/query.h"

/* Tokens and sessions are compared with the clocks of all hosts. */
#define CLOCK_NEAR (2 * INT64_C(1000000))
#define CLOCK_FAR  (60 * INT64_C(1000000))

static bool
read_facts(struct findings *f, struct row *row)
{
	return query_one(check_ctl(f)->mem, check_db(f), row, SQL_server_facts,
		   NO_ARGS) == ERR_OK;
}

static void
check_extensions(struct findings *f, const struct row *row)
{
	const char *missing = row_text(row, "missing");
	const char *outdated = row_text(row, "outdated");
	const char *database = row_text(row, "database");
	TALLOC_CTX *mem = check_ctl(f)->mem;

	if (missing)
		check_found(f, "extensions", EX_DATAERR,
		    mem_printf(mem,
			"%s: missing, and what used it was dropped with it; "
			"restore a backup",
			missing));
	else if (outdated)
		check_warn(f, "extensions",
		    mem_printf(mem,
			"%s: older than the files of the server; runuser -u "
			"postgres -- psql -d %s -c 'ALTER EXTENSION %.*s "
			"UPDATE'",
			outdated, database, (int)strcspn(outdated, ","),
			outdated));
	else
		check_found(
		    f, "extensions", EX_OK, "pg_trgm and unaccent are current");
}

/* A reload needs twice the connections. */
static void
check_connections(struct findings *f, const struct row *row)
{
	TALLOC_CTX *mem = check_ctl(f)->mem;
	int usable = row_int(row, "usable"), needed;
	struct plan plan;

	if (row_text(row, "allowed") && row_int(row, "allowed") < usable)
		usable = row_int(row, "allowed");
	plan_make(check_ctl(f)->conf, plan_cores(), &plan);
	needed = plan_connections(&plan);
	if (needed <= usable)
		check_found(f, "connections", EX_OK,
		    mem_printf(mem, "%d of %d may be needed", needed, usable));
	else
		check_warn(f, "connections",
		    mem_printf(mem,
			"during a reload this host may need %d of the %d that "
			"the server, the database and the role allow; "
			"\"mxmctl tune\" proposes max_connections",
			needed, usable));
}

static void
check_clock(struct findings *f, int64_t server)
{
	TALLOC_CTX *mem = check_ctl(f)->mem;
	int64_t ahead = clock_now_us() - server;
	struct timex state = { 0 };
	const char *text;

	if (llabs(ahead) > CLOCK_NEAR) {
		text = mem_printf(mem,
		    "is %.0f s %s that of the database server; set both by "
		    "NTP: apt-get install systemd-timesyncd",
		    (double)llabs(ahead) / 1e6,
		    ahead > 0 ? "ahead of" : "behind");
		if (llabs(ahead) > CLOCK_FAR)
			check_found(f, "clock", EX_UNAVAILABLE, text);
		else
			check_warn(f, "clock", text);
	} else if (adjtimex(&state) == TIME_ERROR &&
		   access("/run/systemd/system", F_OK) == 0) {
		check_warn(f, "clock",
		    "is not synchronised; apt-get install systemd-timesyncd, or "
		    "chrony");
	} else {
		check_found(
		    f, "clock", EX_OK, "agrees with that of the database");
	}
}

void
check_server(struct findings *f)
{
	const char *database;
	struct row row;

	if (!read_facts(f, &row))
		return; /* reported by check_database() */
	database = row_text(&row, "database");
	check_extensions(f, &row);
	if (!row_bool(&row, "is_durable"))
		check_warn(f, "server",
		    "fsync or full_page_writes is off, so a crash can destroy "
		    "the database; runuser -u postgres -- psql -c 'ALTER SYSTEM "
		    "RESET fsync' -c 'ALTER SYSTEM RESET full_page_writes' -c "
		    "'SELECT pg_reload_conf()'");
	else if (row_bool(&row, "collation_changed"))
		check_found(f, "server", EX_DATAERR,
		    mem_printf(check_ctl(f)->mem,
			"the operating system sorts texts differently than the "
			"indexes; runuser -u postgres -- psql -d %s -c 'REINDEX "
			"DATABASE %s' -c 'ALTER DATABASE %s REFRESH COLLATION "
			"VERSION'",
			database, database, database));
	else
		check_found(f, "server", EX_OK, "writes durably");
	check_connections(f, &row);
	check_clock(f, row_id(&row, "now"));
}
