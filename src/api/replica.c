/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The standby server: whether it is up to date.
 */
#include "base/base.h"

#include "api/replica.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/db.h"
#include "db/query.h"
#include "http/request.h"

#define LOOK_US  INT64_C(1000000)  /* interval of checks; shorter lag: less */
#define PAUSE_US INT64_C(16000000) /* longest, if it fails again and again */

/* What the primary server had written, not before `at_us` (steady clock). */
struct position {
	int64_t at_us; /* 0: unknown */
	int64_t wal;
};

struct replica {
	struct db *db;
	int64_t lag_us;
	int64_t look_us;
	int64_t look_at;
	int64_t pause_us;
	bool current;
	/* a new one each half of lag_us, so that one is old enough for a
	 * standby that is always a little behind */
	struct position newer, older;
};

struct replica *
replica_new(TALLOC_CTX *mem, const struct conf *conf)
{
	struct replica *x;

	if (!*conf->database_replica)
		return NULL;
	x = mem_new(mem, struct replica);
	x->db =
	    db_new(x, conf->database_replica, (long)conf->statement_timeout);
	db_set_origin(x->db, conf->public_origin);
	db_want_standby(x->db);
	x->lag_us = conf->replica_lag * 1000;
	x->look_us = x->lag_us / 4 < LOOK_US ? x->lag_us / 4 : LOOK_US;
	x->pause_us = LOOK_US;
	return x;
}

struct db *
replica_db(const struct replica *x)
{
	return x->db;
}

static void
change(struct replica *x, bool current)
{
	if (x->current != current)
		log_info("database_replica: %s",
		    current ? "is used" :
			      "fails or is too far behind; the primary server "
			      "is used");
	x->current = current;
}

void
replica_failed(struct replica *x)
{
	x->look_at = clock_steady_us() + x->pause_us;
	if (x->pause_us < PAUSE_US)
		x->pause_us *= 2;
	change(x, false);
}

/* Asks the primary server for its position unless that is known. */
static void
look_at_primary(struct replica *x, const struct req *r, int64_t now)
{
	struct row row;

	if (x->newer.at_us && now - x->newer.at_us < x->lag_us / 2)
		return;
	if (query_one(r->mem, r->db, &row, SQL_wal_written, NO_ARGS))
		return;
	x->older = x->newer;
	x->newer = (struct position){ now, row_id(&row, "position") };
}

static bool
has_reached(const struct replica *x, const struct position *p, int64_t wal)
{
	return p->at_us && wal >= p->wal &&
	       clock_steady_us() - p->at_us <= x->lag_us;
}

static void
look(struct replica *x, const struct req *r, int64_t now)
{
	struct row row;
	int64_t wal;

	look_at_primary(x, r, now);
	if (query_one(r->mem, x->db, &row, SQL_wal_replayed, NO_ARGS)) {
		db_close(x->db); /* it may have been promoted */
		replica_failed(x);
		return;
	}
	wal = row_id(&row, "position");
	x->pause_us = LOOK_US;
	x->look_at = clock_steady_us() + x->look_us;
	change(x,
	    has_reached(x, &x->newer, wal) || has_reached(x, &x->older, wal));
}

bool
replica_is_current(struct replica *x, const struct req *r)
{
	int64_t now = clock_steady_us();

	if (now >= x->look_at)
		look(x, r, now);
	return x->current;
}
