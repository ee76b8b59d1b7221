/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The schema's history: the migrations this program carries, against those that
 * table `migration` says were applied.
 */
#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include "base/base.h"

#include "db/db.h"

enum schema_verdict {
	SCHEMA_CURRENT,
	SCHEMA_BEHIND, /* some are missing, or all of them */
	SCHEMA_AHEAD,  /* the database knows some that this program does not */
	SCHEMA_CHANGED /* an applied one is not the one this program carries */
};

struct schema {
	enum schema_verdict verdict;
	int applied;          /* number of the newest applied, 0: none */
	int carried;          /* number of the newest carried */
	const char *sentence; /* what is the matter, which command to run */
};

/* Reads the verdict; the sentence is below `mem`. */
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
 * All carried migrations with what the database says of them, below `mem`.
 * Migrations that only the database knows are not among them.
 */
enum err migrate_list(
    TALLOC_CTX *mem, struct db *db, const struct migration **out, int *count);

/*
 * Applies what is missing, in order, each in a transaction of its own, under an
 * advisory lock (waits for another run to end). Each also gives `role` (NULL:
 * none), by which the program connects, its rights (db/grant.h); so does a run
 * that finds nothing missing. `told` is called before each,
 * and may be NULL. With `dry_run` all are applied in one transaction that is
 * undone. ERR_CONFLICT: the database is ahead or an applied migration has
 * changed, nothing was done. The reason of any failure is in db_complaint().
 */
enum err migrate_apply(struct db *db, const char *role, bool dry_run,
    void (*told)(const struct migration *, void *), void *arg);

#endif
