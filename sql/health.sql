-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- What /readyz asks of the database.

-- name: health_ping :one ()
SELECT count(*) AS overdue
  FROM touch
 WHERE created_at < now() - interval '30 seconds';
