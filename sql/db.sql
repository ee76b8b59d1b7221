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

-- Tests that the server answers (readyz, mxmctl check).
-- name: db_alive :one
SELECT 1 AS alive;
