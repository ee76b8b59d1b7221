-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- A user's own rating of a movie, those of their friends, and statistics.

-- name: rating_get :one (viewer bigint, viewer_name text, movie text)
SELECT CASE WHEN r.id IS NULL THEN 'absent' ELSE 'ok' END AS outcome, r.id,
       api_url('users', :viewer_name) AS user,
       api_url('movies', :movie) AS movie, r.rating,
       {{micros:r.created_at}} AS created_at
  FROM live_movie AS m
  LEFT JOIN live_rating AS r
    ON r.movie_id = m.id AND r.user_id = :viewer
 WHERE m.slug = :movie;

-- Of two requests at the same time one inserts; the other finds that the rating
-- exists, without an error in PostgreSQL's log.
-- name: rating_insert :one (viewer bigint, viewer_name text, movie text,
--	rating smallint)
WITH target AS (
	SELECT id FROM live_movie WHERE slug = :movie
), made AS (
	INSERT INTO rating (user_id, movie_id, rating)
	SELECT :viewer, id, :rating FROM target
	    ON CONFLICT (user_id, movie_id) WHERE deleted_at IS NULL DO NOTHING
	RETURNING id, rating, created_at
)
SELECT CASE WHEN m.id IS NULL THEN 'exists' ELSE 'ok' END AS outcome, m.id,
       api_url('users', :viewer_name) AS user,
       api_url('movies', :movie) AS movie, m.rating,
       {{micros:m.created_at}} AS created_at
  FROM target
  LEFT JOIN made AS m ON true;

-- name: rating_update :one (viewer bigint, viewer_name text, movie text,
--	rating smallint)
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
SELECT CASE WHEN c.id IS NULL THEN 'absent' ELSE 'ok' END AS outcome, c.id,
       api_url('users', :viewer_name) AS user,
       api_url('movies', :movie) AS movie, c.rating,
       {{micros:c.created_at}} AS created_at
  FROM target
  LEFT JOIN changed AS c ON true;

-- The ratings of a movie by the viewer's friends, the newest first.
-- name: friends_ratings :many (viewer bigint, movie text, page bigint, size bigint)
WITH film AS (
	SELECT id FROM live_movie WHERE slug = :movie
), hit AS MATERIALIZED (
	SELECT r.id, r.user_id, r.rating, r.created_at
	  FROM film
	 CROSS JOIN friend AS f
	  JOIN live_rating AS r
	    ON r.user_id = f.friend_id AND r.movie_id = film.id
	  JOIN live_account AS a ON a.id = r.user_id
	 WHERE f.user_id = :viewer
	 ORDER BY r.created_at DESC, r.id DESC
	 LIMIT {{count_max}} + 1
), {{wanted_page:hit}}
SELECT w.total, w.page, r.id, api_url('users', a.username) AS user,
       api_url('movies', :movie) AS movie, r.rating,
       {{micros:r.created_at}} AS created_at
  FROM film
 CROSS JOIN wanted AS w
  LEFT JOIN LATERAL (
	SELECT *
	  FROM hit
	 ORDER BY created_at DESC, id DESC
	OFFSET (w.page - 1) * :size
	 LIMIT :size) AS r ON true
  LEFT JOIN live_account AS a ON a.id = r.user_id
 ORDER BY r.created_at DESC, r.id DESC
 LIMIT :size;

-- How all users rated a movie, and the viewer's friends. Of the ratings of the
-- movie and the friends, the fewer are read, and the others looked up.
-- name: movie_statistics :one (viewer bigint, movie text)
WITH friends AS MATERIALIZED (
	SELECT count(*) AS n FROM friend WHERE user_id = :viewer
)
SELECT m.rating_count AS ratings,
       round(m.rating_sum::numeric / nullif(m.rating_count, 0), 2) AS mean,
       json_build_object('1', m.stars_1, '2', m.stars_2, '3', m.stars_3,
                         '4', m.stars_4, '5', m.stars_5) AS histogram,
       f.ratings AS friends_ratings, f.mean AS friends_mean
  FROM live_movie AS m
 CROSS JOIN LATERAL (
	SELECT count(*) AS ratings, round(avg(r.rating), 2) AS mean
	  FROM (SELECT r.user_id, r.rating
	          FROM friend AS f
	          JOIN live_rating AS r
	            ON r.user_id = f.friend_id AND r.movie_id = m.id
	         WHERE f.user_id = :viewer
	           AND m.rating_count > (SELECT n FROM friends)
	         UNION ALL
	        SELECT a.id, a.rating
	          FROM (SELECT user_id AS id, rating
	                  FROM live_rating
	                 WHERE movie_id = m.id
	                   AND m.rating_count <= (SELECT n FROM friends)
	                OFFSET 0) AS a
	         WHERE {{is_friend}}) AS r
	  JOIN live_account AS a ON a.id = r.user_id) AS f
 WHERE m.slug = :movie;
