-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The database check of /readyz.

-- The oldest rows, read by id; at most 1000 are counted.
-- name: health_ping :one ()
SELECT count(*) AS overdue
  FROM (SELECT created_at
          FROM touch
         ORDER BY id
         LIMIT 1000) AS oldest
 WHERE created_at < now() - interval '30 seconds';
