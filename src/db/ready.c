/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * db_ready(): whether the database can be used. In a file of its own, because
 * it needs both the connection and the state of the migrations, which is read
 * on that connection.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/shm_database.h"
#include "db/conn.h"
#include "db/db.h"
#include "db/migrate.h"

#define LOOK_AGAIN_US INT64_C(1000000)

static void
log_recovery(struct db *db)
{
	if (db->logged)
		log_event(LOG_LEVEL_INFO, EVENT_DATABASE_BACK,
		    "database: ready again");
	talloc_free(db->logged);
	db->logged = NULL;
}

/* Checks the schema of a new connection. */
static enum err
check_schema(struct db *db)
{
	struct schema schema;
	TALLOC_CTX *mem;
	enum err e;

	if (clock_steady_us() < db->schema_look_at)
		return ERR_UNAVAILABLE;
	mem = mem_need(talloc_new(db));
	e = migrate_state(mem, db, &schema);
	if (!e && schema.verdict != SCHEMA_CURRENT) {
		conn_set_error(db, "%s", schema.sentence);
		db->schema_look_at = clock_steady_us() + LOOK_AGAIN_US;
		e = ERR_UNAVAILABLE;
	}
	talloc_free(mem);
	if (e) {
		conn_log_error(db, EVENT_DATABASE_UNSUITABLE);
		return ERR_UNAVAILABLE;
	}
	db->schema_good = true;
	log_recovery(db);
	return ERR_OK;
}

/* The shared state of the database. */
static enum err
ask_others(struct db *db)
{
	if (!db->shm || db->in_tx)
		return ERR_OK;
	switch (shm_db_ask(db->shm)) {
	case SHM_DB_GO:
		return ERR_OK;
	case SHM_DB_PROBE:
		conn_drop(db);
		db->connect_at = 0;
		return ERR_OK;
	case SHM_DB_REFUSE:
		break;
	}
	conn_set_error(db, "the server does not answer, or not soon enough");
	return ERR_UNAVAILABLE;
}

enum err
db_ready(struct db *db)
{
	enum err e = ask_others(db);

	if (!db->in_tx && db->conn)
		(void)conn_is_alive(db);
	if (!e)
		e = db_connect(db);
	if (e || db->schema_good)
		return e;
	return check_schema(db);
}
