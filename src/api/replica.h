/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading from a standby server, for rows with .replica (settings
 * database_replica and replica_lag). The standby is used while it has replayed
 * what the primary server had written at most replica_lag ago, which each
 * worker checks once in a second by comparing positions in the log, so that
 * neither the clocks of the servers nor an idle primary matter.
 */
#ifndef API_REPLICA_H
#define API_REPLICA_H

#include "base/base.h"

struct conf;
struct db;
struct replica;
struct req;

/* The state of a worker, below `mem`; NULL: none is set. */
struct replica *replica_new(TALLOC_CTX *mem, const struct conf *conf);

/*
 * Whether the standby is up to date; asks both servers if it is time. `r` is
 * the current request.
 */
bool replica_is_current(struct replica *x, const struct req *r);

/* Its connection. */
struct db *replica_db(const struct replica *x);

/* A statement has failed there: it is not used for a while. */
void replica_failed(struct replica *x);

#endif
