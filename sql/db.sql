-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Statements of no module.

-- Tests that the server answers (readyz, mxmctl check).
-- name: db_alive :one
SELECT 1 AS alive;
