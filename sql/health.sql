-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- What /readyz asks of the database.

-- Of the oldest rows, which are read by their number: 1000 are as bad as more.
-- name: health_ping :one ()
SELECT count(*) AS overdue
  FROM (SELECT created_at
          FROM touch
         ORDER BY id
         LIMIT 1000) AS oldest
 WHERE created_at < now() - interval '30 seconds';
