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

-- Deletes the pending request between the two, whoever sent it.
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
