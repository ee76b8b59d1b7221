-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Statements and fragments of no module.

-- The maximum count of matches: COUNT_MAX of api/page.h, with which t/lint/tables
-- compares it.
-- fragment: count_max
10000

-- A time in microseconds, as C_TIME shows it.
-- fragment: micros(t)
(extract(epoch FROM {{t}}) * 1000000)::bigint

-- The page of :size rows of a CTE that is returned: the one of :page, past the end
-- the last one; and the number of its rows, at most count_max + 1.
-- fragment: wanted_page(rows)
wanted AS (
	SELECT c.total,
	       least(:page, greatest((least(c.total, {{count_max}}) + :size - 1)
	                             / :size, 1)) AS page
	  FROM (SELECT count(*) AS total FROM {{rows}}) AS c
)

-- Tests that the server answers (readyz, mxmctl check).
-- name: db_alive :one
SELECT 1 AS alive;

-- How much the server has written to its log.
-- name: wal_written :one ()
SELECT (pg_current_wal_lsn() - '0/0')::bigint AS position;

-- How much of it a standby has replayed; no row: it was promoted.
-- name: wal_replayed :one ()
SELECT (pg_last_wal_replay_lsn() - '0/0')::bigint AS position
 WHERE pg_is_in_recovery();
