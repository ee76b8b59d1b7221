-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- What of the caller has changed (migration 0038_changes.sql).
--
-- A cursor is <epoch>-<base>-<seq>: everything up to number seq has been read,
-- and since the caller had everything up to base (that it has now), tombstones up
-- to base do not concern it. Between two complete readings base stays.

-- The cursor before everything that exists.
-- name: change_start :one (viewer bigint)
SELECT change_start(:viewer) AS next_since;

-- The changes after a cursor, and one more row if there are others. cursor_part
-- with the number of the last row is the cursor after it, end_cursor that after
-- all.
-- name: change_page :many (viewer bigint, since text, size bigint)
WITH given AS MATERIALIZED (
	SELECT m[1] AS epoch, m[2]::bigint AS base, m[3]::bigint AS seq
	  FROM regexp_match(:since, '^([0-9a-f]{16})-([0-9]{1,18})-([0-9]{1,18})$')
	       AS m
), head AS MATERIALIZED (
	SELECT h.last, h.pruned, change_epoch(h) AS epoch
	  FROM change_head AS h
	 WHERE h.user_id = :viewer
), place AS MATERIALIZED (
	SELECT CASE WHEN g.epoch IS NULL THEN 'wrong'
	            WHEN h.epoch = g.epoch
	             AND g.base BETWEEN h.pruned AND h.last
	             AND g.seq <= h.last THEN 'ok'
	            ELSE 'expired' END AS outcome,
	       g.base, g.seq, h.epoch, h.last
	  FROM given AS g
	  LEFT JOIN head AS h ON true
)
SELECT p.outcome, format('%s-%s-', p.epoch, p.base) AS cursor_part,
       format('%s-%s-%s', p.epoch, p.last, p.last) AS end_cursor,
       c.seq AS id, c.kind, CASE WHEN c.kind = 'list_movie' THEN c.part
                                 ELSE c.key END AS key,
       CASE WHEN c.kind = 'list_movie' THEN c.key END AS list,
       {{micros:c.changed_at}} AS changed_at, i.kind IS NULL AS deleted,
       api_url('movies', i.movie) AS movie, i.rating, i.title, i.content,
       i.is_positive, i.spoiler, i.name, i.slug, i.description, i.privacity,
       api_url('users', CASE WHEN i.kind = 'friend' THEN i.name END) AS user,
       {{micros:i.created_at}} AS created_at,
       {{micros:i.updated_at}} AS updated_at, i.position
  FROM place AS p
  LEFT JOIN LATERAL (
	SELECT *
	  FROM change AS c
	 WHERE p.outcome = 'ok'
	   AND c.user_id = :viewer
	   AND c.seq > p.seq
	   AND NOT (c.deleted AND c.seq <= p.base)
	 ORDER BY c.seq
	 LIMIT :size) AS c ON true
  LEFT JOIN LATERAL (
	SELECT *
	  FROM change_item AS i
	 WHERE i.user_id = :viewer
	   AND i.kind = c.kind
	   AND i.key = c.key
	   AND i.part = c.part
	 LIMIT 1) AS i ON true
 ORDER BY c.seq
 LIMIT :size;

-- Deletes old tombstones of users whose numbers are not locked.
-- name: prune_changes :exec (lifetime bigint)
WITH old AS MATERIALIZED (
	SELECT user_id, seq
	  FROM change
	 WHERE deleted
	   AND changed_at < now() - :lifetime::bigint * interval '1 second'
	 ORDER BY changed_at
	 LIMIT 1000
), head AS MATERIALIZED (
	SELECT user_id
	  FROM change_head
	 WHERE user_id IN (SELECT user_id FROM old)
	 ORDER BY user_id
	   FOR NO KEY UPDATE SKIP LOCKED
), gone AS (
	DELETE FROM change AS c
	 USING old AS o, head AS h
	 WHERE c.user_id = o.user_id
	   AND c.seq = o.seq
	   AND h.user_id = c.user_id
	RETURNING c.user_id, c.seq
)
UPDATE change_head AS h
   SET pruned = greatest(h.pruned, g.seq)
  FROM (SELECT user_id, max(seq) AS seq FROM gone GROUP BY user_id) AS g
 WHERE h.user_id = g.user_id;
