-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Reviews of movies.

-- A review v, its movie m and its author a.
-- fragment: review_columns
       v.id, v.title, api_url('movies', m.slug) AS movie,
       api_url('users', a.username) AS user, v.content, v.is_positive, v.spoiler,
       {{micros:v.created_at}} AS created_at

-- The review of the path, locked, and whether it is the caller's. What changes it
-- changes rows of owned, and answers with owned_outcome from target.
-- fragment: owned_review
target AS MATERIALIZED (
	SELECT id, user_id = :viewer AS is_owner
	  FROM live_review
	 WHERE id = :review
	   FOR NO KEY UPDATE
), owned AS (
	SELECT id FROM target WHERE is_owner
)

-- The newest first; total is the number of all.
-- name: movie_reviews :many (movie text, last_id bigint, size bigint)
SELECT c.total, v.*
  FROM live_movie AS m
 CROSS JOIN LATERAL (
	SELECT count(*) AS total
	  FROM (SELECT
	          FROM live_review
	         WHERE movie_id = m.id
	         LIMIT {{count_max}} + 1) AS counted) AS c
  LEFT JOIN LATERAL (
	SELECT {{review_columns}}
	  FROM live_review AS v
	  JOIN account AS a ON a.id = v.user_id
	 WHERE v.movie_id = m.id
	   AND v.id < :last_id
	 ORDER BY v.id DESC
	 LIMIT :size) AS v ON true
 WHERE m.slug = :movie
 ORDER BY v.id DESC
 LIMIT :size;

-- The same of a user.
-- name: user_reviews :many (username text, last_id bigint, size bigint)
SELECT c.total, v.*
  FROM live_account AS a
 CROSS JOIN LATERAL (
	SELECT count(*) AS total
	  FROM (SELECT
	          FROM live_review
	         WHERE user_id = a.id
	         LIMIT {{count_max}} + 1) AS counted) AS c
  LEFT JOIN LATERAL (
	SELECT {{review_columns}}
	  FROM live_review AS v
	  JOIN live_movie AS m ON m.id = v.movie_id
	 WHERE v.user_id = a.id
	   AND v.id < :last_id
	 ORDER BY v.id DESC
	 LIMIT :size) AS v ON true
 WHERE a.username = :username
 ORDER BY v.id DESC
 LIMIT :size;

-- name: review_detail :one (review bigint)
SELECT {{review_columns}}
  FROM live_review AS v
  JOIN live_movie AS m ON m.id = v.movie_id
  JOIN live_account AS a ON a.id = v.user_id
 WHERE v.id = :review;

-- name: review_texts :one (review bigint)
SELECT user_id AS author, title, content
  FROM live_review
 WHERE id = :review;

-- One review of a movie by a user. Of two requests at the same time one inserts.
-- name: review_insert :one (viewer bigint, movie text, title text, content text,
--	is_positive boolean, spoiler boolean)
WITH target AS (
	SELECT id, slug FROM live_movie WHERE slug = :movie
), made AS (
	INSERT INTO review (user_id, movie_id, title, content, is_positive,
	                    spoiler)
	SELECT :viewer, id, :title, :content, :is_positive,
	       coalesce(:spoiler, false)
	  FROM target
	    ON CONFLICT (user_id, movie_id) WHERE deleted_at IS NULL DO NOTHING
	RETURNING id, user_id, title, content, is_positive, spoiler, created_at
)
SELECT CASE WHEN v.id IS NULL THEN 'exists' ELSE 'ok' END AS outcome,
       {{review_columns}}
  FROM target AS m
  LEFT JOIN made AS v ON true
  LEFT JOIN account AS a ON a.id = v.user_id;

-- name: review_update :owned (viewer bigint, review bigint, title text,
--	content text, is_positive boolean, spoiler boolean)
WITH {{owned_review}}, changed AS (
	UPDATE review AS v
	   SET title = :title,
	       content = :content,
	       is_positive = :is_positive,
	       spoiler = coalesce(:spoiler, v.spoiler),
	       updated_at = now()
	  FROM owned AS o
	 WHERE v.id = o.id
	RETURNING v.id, v.user_id, v.movie_id, v.title, v.content, v.is_positive,
	          v.spoiler, v.created_at
)
SELECT owned_outcome(t.is_owner, true) AS outcome, {{review_columns}}
  FROM target AS t
  LEFT JOIN changed AS v ON true
  LEFT JOIN movie AS m ON m.id = v.movie_id
  LEFT JOIN account AS a ON a.id = v.user_id;

-- Its comments and reactions are not reachable any more.
-- name: review_delete :owned (viewer bigint, review bigint)
WITH {{owned_review}}, deleted AS (
	UPDATE review AS v
	   SET deleted_at = now(),
	       updated_at = now()
	  FROM owned AS o
	 WHERE v.id = o.id
)
SELECT owned_outcome(t.is_owner, true) AS outcome
  FROM target AS t;
