-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Friends and friend requests.

-- A page of the friends of p by cursor, ordered by their ids.
-- fragment: friends_of_p
CROSS JOIN LATERAL (
	SELECT count(*) AS total
	  FROM (SELECT
	          FROM friend AS f
	         WHERE f.user_id = p.id
	           AND NOT EXISTS (SELECT
	                             FROM account AS a
	                            WHERE a.id = f.friend_id
	                              AND NOT a.active)
	         LIMIT {{count_max}} + 1) AS counted) AS c
  LEFT JOIN LATERAL (
	SELECT {{user_columns}}
	  FROM friend AS f
	  JOIN live_account AS a ON a.id = f.friend_id
	 WHERE f.user_id = p.id
	   AND f.friend_id < :last_id
	 ORDER BY f.friend_id DESC
	 LIMIT :size) AS u ON true

-- name: friend_list_self :many (viewer bigint, last_id bigint, size bigint)
SELECT c.total, u.*
  FROM (SELECT :viewer::bigint AS id) AS p
 {{friends_of_p}}
 ORDER BY u.id DESC
 LIMIT :size;

-- name: friend_list :many (viewer bigint, username text, last_id bigint,
--	size bigint)
SELECT c.total, u.*
  FROM (SELECT id FROM live_account WHERE username = :username) AS p
 {{friends_of_p}}
 ORDER BY u.id DESC
 LIMIT :size;

-- Ends a friendship, if there is one; nothing of it is left.
-- name: friend_remove :one (viewer bigint, username text)
WITH target AS (
	SELECT id FROM live_account WHERE username = :username
), ended AS (
	DELETE FROM friendship AS f
	 USING target AS a
	 WHERE f.user1_id = least(a.id, :viewer::bigint)
	   AND f.user2_id = greatest(a.id, :viewer::bigint)
), answered AS (
	DELETE FROM friend_request AS q
	 USING target AS a
	 WHERE {{request_pair}}
	   AND q.status <> 'P'
)
SELECT CASE WHEN a.id IS NULL THEN 'absent'
            WHEN a.id = :viewer THEN 'self'
            ELSE 'ok' END AS outcome
  FROM (SELECT) AS one
  LEFT JOIN target AS a ON true;

-- The pending requests to the viewer, the newest first.
-- name: friend_request_list :many (viewer bigint, viewer_name text, label text,
--	last_id bigint, size bigint)
SELECT c.total, q.*
  FROM (SELECT count(*) AS total
          FROM (SELECT
                  FROM friend_request AS q
                  JOIN live_account AS a ON a.id = q.from_user_id
                 WHERE q.to_user_id = :viewer
                   AND q.status = 'P'
                 LIMIT {{count_max}} + 1) AS counted) AS c
  LEFT JOIN LATERAL (
	SELECT q.id, api_url('users', a.username) AS from_user,
	       api_url('users', :viewer_name) AS to_user, :label AS status
	  FROM friend_request AS q
	  JOIN live_account AS a ON a.id = q.from_user_id
	 WHERE q.to_user_id = :viewer
	   AND q.status = 'P'
	   AND q.id < :last_id
	 ORDER BY q.id DESC
	 LIMIT :size) AS q ON true
 ORDER BY q.id DESC
 LIMIT :size;

-- The key of the account is locked, so that it exists until the end.
-- name: friend_request_send :one (viewer bigint, username text)
SELECT CASE WHEN a.id = :viewer THEN 'self'
            ELSE friend_ask(:viewer, a.id) END AS outcome
  FROM live_account AS a
 WHERE a.username = :username
   FOR KEY SHARE;

-- Deletes the pending request between the two, in either direction.
-- name: friend_request_delete :one (viewer bigint, username text)
WITH target AS (
	SELECT id FROM live_account WHERE username = :username
), ended AS (
	DELETE FROM friend_request AS q
	 USING target AS a
	 WHERE {{request_pair}}
	   AND q.status = 'P'
	RETURNING q.id
)
SELECT CASE WHEN a.id = :viewer THEN 'self'
            WHEN EXISTS (SELECT FROM ended) THEN 'ok'
            ELSE 'absent' END AS outcome
  FROM target AS a;

-- Accounts that are no friends of the viewer, that no pending request connects with
-- them, and that take part in training, those with the most friends in common first,
-- then the newest. The position of the cursor is computed again from its id, also if
-- the account has become a friend meanwhile; the id of no account is ignored. Those
-- without friends in common are read in the order of the index, as many as are
-- needed. Of 10 000 friends of friends each friend has an equal share, of at most
-- 250 friends, so that one with thousands does not hide those of the others.
-- name: user_suggestions :many within=1s (viewer bigint, last_id bigint,
--	size bigint)
WITH mine AS MATERIALIZED (
	SELECT friend_id AS id FROM friend WHERE user_id = :viewer
), sampled AS MATERIALIZED (
	SELECT id, 10000 / count(*) OVER () AS share
	  FROM (SELECT id FROM mine ORDER BY hashint8(id) LIMIT 250) AS m
), scored AS MATERIALIZED (
	SELECT f.id, count(*) AS score
	  FROM sampled AS m
	 CROSS JOIN LATERAL (SELECT friend_id AS id
	                       FROM friend
	                      WHERE user_id = m.id
	                      LIMIT m.share) AS f
	 GROUP BY f.id
), hidden AS MATERIALIZED (
	SELECT :viewer::bigint AS id
	 UNION ALL
	SELECT id FROM mine
	 UNION ALL
	SELECT to_user_id FROM friend_request
	 WHERE from_user_id = :viewer AND status = 'P'
	 UNION ALL
	SELECT from_user_id FROM friend_request
	 WHERE to_user_id = :viewer AND status = 'P'
), last AS MATERIALIZED (
	SELECT coalesce(s.score, 0) AS score, a.date_joined, a.id
	  FROM account AS a
	  LEFT JOIN scored AS s ON s.id = a.id
	 WHERE a.id = :last_id
), eligible AS MATERIALIZED (
	SELECT id, score
	  FROM scored
	 WHERE id NOT IN (SELECT id FROM hidden)
	   AND score <= coalesce((SELECT score FROM last), 9223372036854775807)
), known AS (
	SELECT s.id, s.score, a.date_joined
	  FROM eligible AS s
	  JOIN account_find AS a ON a.user_id = s.id
	 WHERE a.training
	   AND s.score >= (SELECT coalesce(min(t.score), 1)
	                     FROM (SELECT e.score
	                             FROM (SELECT id, score
	                                     FROM eligible
	                                    WHERE score < coalesce((SELECT score
	                                                              FROM last),
	                                                  9223372036854775807)
	                                    ORDER BY score DESC
	                                   OFFSET 0) AS e
	                             JOIN account_find AS b ON b.user_id = e.id
	                            WHERE b.training
	                            ORDER BY e.score DESC
	                            LIMIT :size) AS t)
	   AND NOT EXISTS (SELECT
	                     FROM last AS l
	                    WHERE s.score = l.score
	                      AND (a.date_joined, -s.id)
	                          >= (l.date_joined, -l.id))
	 ORDER BY s.score DESC, a.date_joined DESC, s.id
	 LIMIT :size
), newest AS (
	SELECT a.user_id AS id, 0::bigint AS score, a.date_joined
	  FROM account_find AS a
	 WHERE (SELECT count(*) FROM known) < :size
	   AND a.training
	   AND a.user_id NOT IN (SELECT id FROM hidden)
	   AND a.user_id NOT IN (SELECT id FROM scored)
	   AND a.date_joined <= coalesce((SELECT l.date_joined
	                                    FROM last AS l
	                                   WHERE l.score = 0), 'infinity')
	   AND NOT EXISTS (SELECT
	                     FROM last AS l
	                    WHERE l.score = 0
	                      AND a.date_joined = l.date_joined
	                      AND a.user_id <= l.id)
	 ORDER BY a.date_joined DESC, a.user_id
	 LIMIT :size
), page AS (
	SELECT * FROM known
	 UNION ALL
	SELECT * FROM newest
	 ORDER BY score DESC, date_joined DESC, id
	 LIMIT :size
)
SELECT c.total, u.*
  FROM (SELECT CASE WHEN (SELECT count(*)
                            FROM (SELECT
                                    FROM account_find AS a
                                   WHERE a.training
                                   LIMIT {{count_max}} + 1
                                         + (SELECT count(*) FROM hidden)) AS n)
                         > {{count_max}} + (SELECT count(*) FROM hidden)
                    THEN {{count_max}} + 1
                    ELSE (SELECT count(*)
                            FROM account_find AS a
                           WHERE a.training
                             AND a.user_id NOT IN (SELECT id FROM hidden))
                END AS total) AS c
  LEFT JOIN LATERAL (
	SELECT {{user_columns}}, p.score, p.date_joined
	  FROM page AS p
	  JOIN live_account AS a ON a.id = p.id) AS u ON true
 ORDER BY u.score DESC, u.date_joined DESC, u.id
 LIMIT :size;
