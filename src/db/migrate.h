/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Migrations of the schema: those compiled into this program, compared with the
 * applied ones in table `migration`.
 */
#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include "base/base.h"

#include "db/db.h"

/* The advisory lock of a migration or a restore: an arbitrary, unique number.
 */
#define MIGRATE_LOCK "7236837"

enum schema_verdict {
	SCHEMA_CURRENT,
	SCHEMA_BEHIND, /* some are missing, or all of them */
	SCHEMA_AHEAD,  /* the database has some that this program has not */
	SCHEMA_CHANGED /* an applied one differs from that of this program */
};

struct schema {
	enum schema_verdict verdict;
	int applied;          /* number of the newest applied, 0: none */
	int carried;          /* number of the newest compiled in */
	const char *sentence; /* the state, and the command to run */
};

/* Reads the state; the sentence is allocated below `mem`. */
enum err migrate_state(TALLOC_CTX *mem, struct db *db, struct schema *out);

struct migration {
	int number;
	const char *name; /* "core" */
	const char *text;
	const char *checksum;   /* SHA-256 of the text, hexadecimal */
	const char *applied_at; /* ISO 8601; NULL: not applied */
	bool changed;           /* applied with another checksum */
};

/*
 * All compiled-in migrations with their state in the database, below `mem`.
 * Migrations that exist only in the database are not included.
 */
enum err migrate_list(
    TALLOC_CTX *mem, struct db *db, const struct migration **out, int *count);

/*
 * Applies missing migrations in order, each in its own transaction, under an
 * advisory lock (waits for another run). Each also grants `role` (NULL: none),
 * the role of the program, its privileges (db/grant.h), as does a run without
 * missing migrations. `on_migration` is called before each and may be NULL.
 * With `dry_run` all are applied in one transaction that is rolled back.
 * ERR_CONFLICT: the database is ahead or an applied migration has changed;
 * nothing was done. The error message is in db_error().
 */
enum err migrate_apply(struct db *db, const char *role, bool dry_run,
    void (*on_migration)(const struct migration *, void *), void *arg);

/*
 * As migrate_apply(), in the open transaction of the caller, who holds the
 * lock. ERR_CONFLICT also if the database has no migrations.
 */
enum err migrate_within(struct db *db, const char *role,
    void (*on_migration)(const struct migration *, void *), void *arg);

/* The number of the newest migration compiled in. */
int migrate_newest(void);

#endif
