-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- A member's own rating of a movie. Every row carries what the answer needs: the
-- rater's name comes from the caller's account, not from here. A trigger of the
-- table touches what depends on it.

-- id is NULL when the movie is there and the rating is not.
-- name: rating_get :one (viewer bigint, movie text)
SELECT r.id, :movie AS movie, r.rating,
       (extract(epoch FROM r.created_at) * 1000000)::bigint AS created_at
  FROM live_movie AS m
  LEFT JOIN live_rating AS r
    ON r.movie_id = m.id AND r.user_id = :viewer
 WHERE m.slug = :movie;

-- id is NULL when the movie is there and she has rated it already, whoever was
-- first: the loser of a race makes nothing, and no error in PostgreSQL's log.
-- name: rating_insert :one (viewer bigint, movie text, rating smallint)
WITH target AS (
	SELECT id FROM live_movie WHERE slug = :movie
), made AS (
	INSERT INTO rating (user_id, movie_id, rating)
	SELECT :viewer, id, :rating FROM target
	    ON CONFLICT (user_id, movie_id) WHERE deleted_at IS NULL DO NOTHING
	RETURNING id, rating, created_at
)
SELECT m.id, :movie AS movie, m.rating,
       (extract(epoch FROM m.created_at) * 1000000)::bigint AS created_at
  FROM target
  LEFT JOIN made AS m ON true;

-- id is NULL when the movie is there and the rating is not.
-- name: rating_update :one (viewer bigint, movie text, rating smallint)
WITH target AS (
	SELECT id FROM live_movie WHERE slug = :movie
), changed AS (
	UPDATE rating
	   SET rating = :rating,
	       updated_at = now()
	 WHERE user_id = :viewer
	   AND movie_id = (SELECT id FROM target)
	   AND deleted_at IS NULL
	RETURNING id, rating, created_at
)
SELECT c.id, :movie AS movie, c.rating,
       (extract(epoch FROM c.created_at) * 1000000)::bigint AS created_at
  FROM target
  LEFT JOIN changed AS c ON true;
