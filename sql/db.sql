-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- What belongs to no module.

-- Does the server answer a query? (readyz, mxmctl check)
-- name: db_alive :one
SELECT 1 AS alive;
