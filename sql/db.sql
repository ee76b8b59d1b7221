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
