-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Comments on reviews, and replies to them. Each comment of a path must belong to
-- the review of the path.

-- A comment c and its author a.
-- fragment: comment_columns
       c.id, api_url('users', a.username) AS user, c.content, c.spoiler,
       {{micros:c.created_at}} AS created_at,
       api_url('reviews', c.review_id::text, 'comments',
               c.reply_comment_id::text) AS reply_comment,
       EXISTS (SELECT
                 FROM live_comment AS reply
                WHERE reply.reply_comment_id = c.id
                  AND reply.review_id = c.review_id) AS has_replies

-- The review and the comment of a path.
-- fragment: path_comment
path_comment AS MATERIALIZED (
	SELECT CASE WHEN v.id IS NULL THEN 'missing:review'
	            WHEN c.id IS NULL THEN 'missing:comment'
	            ELSE 'ok' END AS outcome,
	       c.id, c.review_id
	  FROM (SELECT) AS one
	  LEFT JOIN live_review AS v ON v.id = :review
	  LEFT JOIN live_comment AS c ON c.id = :comment AND c.review_id = v.id
)

-- Those on the review itself, the newest first; total is the number of all.
-- name: comment_list :many (review bigint, last_id bigint, size bigint)
SELECT n.total, c.*
  FROM live_review AS v
 CROSS JOIN LATERAL (
	SELECT count(*) AS total
	  FROM (SELECT
	          FROM live_comment
	         WHERE review_id = v.id
	           AND reply_comment_id IS NULL
	         LIMIT {{count_max}} + 1) AS counted) AS n
  LEFT JOIN LATERAL (
	SELECT {{comment_columns}}
	  FROM live_comment AS c
	  JOIN live_account AS a ON a.id = c.user_id
	 WHERE c.review_id = v.id
	   AND c.reply_comment_id IS NULL
	   AND c.id < :last_id
	 ORDER BY c.id DESC
	 LIMIT :size) AS c ON true
 WHERE v.id = :review
 ORDER BY c.id DESC
 LIMIT :size;

-- The direct replies to a comment.
-- name: reply_list :many (review bigint, comment bigint, last_id bigint,
--	size bigint)
WITH {{path_comment}}
SELECT p.outcome, n.total, c.*
  FROM path_comment AS p
 CROSS JOIN LATERAL (
	SELECT count(*) AS total
	  FROM (SELECT
	          FROM live_comment
	         WHERE reply_comment_id = p.id
	           AND review_id = p.review_id
	         LIMIT {{count_max}} + 1) AS counted) AS n
  LEFT JOIN LATERAL (
	SELECT {{comment_columns}}
	  FROM live_comment AS c
	  JOIN live_account AS a ON a.id = c.user_id
	 WHERE c.reply_comment_id = p.id
	   AND c.review_id = p.review_id
	   AND c.id < :last_id
	 ORDER BY c.id DESC
	 LIMIT :size) AS c ON true
 ORDER BY c.id DESC
 LIMIT :size;

-- name: comment_detail :one (review bigint, comment bigint)
WITH {{path_comment}}
SELECT p.outcome, {{comment_columns}}
  FROM path_comment AS p
  LEFT JOIN live_comment AS c ON c.id = p.id
  LEFT JOIN live_account AS a ON a.id = c.user_id;

-- name: comment_texts :one (review bigint, comment bigint)
WITH {{path_comment}}
SELECT p.outcome, c.user_id AS author, c.content
  FROM path_comment AS p
  LEFT JOIN live_comment AS c ON c.id = p.id;

-- The lock lets a deletion of the review wait for the comment.
-- name: comment_insert :one (viewer bigint, review bigint, content text,
--	spoiler boolean)
WITH above AS MATERIALIZED (
	SELECT id FROM live_review WHERE id = :review FOR SHARE
), made AS (
	INSERT INTO comment (user_id, review_id, content, spoiler)
	SELECT :viewer, id, :content, coalesce(:spoiler, false) FROM above
	RETURNING *
)
SELECT {{comment_columns}}
  FROM made AS c
  JOIN live_account AS a ON a.id = c.user_id;

-- name: reply_insert :one (viewer bigint, review bigint, comment bigint,
--	content text, spoiler boolean)
WITH {{path_comment}}, above AS MATERIALIZED (
	SELECT c.id, c.review_id
	  FROM path_comment AS p
	  JOIN live_comment AS c ON c.id = p.id
	   FOR SHARE OF c
), made AS (
	INSERT INTO comment (user_id, review_id, reply_comment_id, content, spoiler)
	SELECT :viewer, review_id, id, :content, coalesce(:spoiler, false)
	  FROM above
	RETURNING *
)
SELECT CASE WHEN p.outcome = 'ok' AND c.id IS NULL THEN 'missing:comment'
            ELSE p.outcome END AS outcome,
       {{comment_columns}}
  FROM path_comment AS p
  LEFT JOIN made AS c ON true
  LEFT JOIN live_account AS a ON a.id = c.user_id;

-- The comment of the path, locked, and whether it is the caller's.
-- fragment: owned_comment
{{path_comment}}, target AS MATERIALIZED (
	SELECT c.id, c.user_id = :viewer AS is_owner
	  FROM path_comment AS p
	  JOIN live_comment AS c ON c.id = p.id
	   FOR NO KEY UPDATE OF c
), owned AS (
	SELECT id FROM target WHERE is_owner
)

-- name: comment_update :owned (viewer bigint, review bigint, comment bigint,
--	content text, spoiler boolean)
WITH {{owned_comment}}, changed AS (
	UPDATE comment AS c
	   SET content = :content,
	       spoiler = coalesce(:spoiler, c.spoiler),
	       updated_at = now()
	  FROM owned AS o
	 WHERE c.id = o.id
	RETURNING c.*
)
SELECT CASE WHEN p.outcome <> 'ok' THEN p.outcome
            ELSE owned_outcome(t.is_owner, t.id IS NOT NULL) END AS outcome,
       {{comment_columns}}
  FROM path_comment AS p
  LEFT JOIN target AS t ON true
  LEFT JOIN changed AS c ON true
  LEFT JOIN live_account AS a ON a.id = c.user_id;

-- Replies and reactions go with it (comment_delete_below()).
-- name: comment_delete :owned (viewer bigint, review bigint, comment bigint)
WITH {{owned_comment}}, deleted AS (
	UPDATE comment AS c
	   SET deleted_at = now(),
	       updated_at = now()
	  FROM owned AS o
	 WHERE c.id = o.id
)
SELECT CASE WHEN p.outcome <> 'ok' THEN p.outcome
            ELSE owned_outcome(t.is_owner, t.id IS NOT NULL) END AS outcome
  FROM path_comment AS p
  LEFT JOIN target AS t ON true;
