-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Predicted ratings. The program predicts (src/recommend/predict.h); :mean is NULL,
-- or without a model the mean that offsets are damped to. :damping counts as so
-- many ratings of it.

-- The damped mean of what ratings `rated` of a user are above those of the movies.
-- fragment: predict_level(rated)
CASE WHEN :mean::double precision IS NOT NULL
     THEN (SELECT sum(r.rating - :mean
                      - (m.rating_sum - :mean * m.rating_count)
                        / (m.rating_count + :damping::double precision))
                  / (count(*) + :damping)
             FROM {{rated}} AS r
             JOIN live_movie AS m ON m.id = r.movie_id) END

-- A movie, and what the viewer has rated beside it. The sum and number of its
-- ratings are those of others.
-- name: movie_prediction :one (viewer bigint, movie text, mean double precision,
--	damping double precision)
WITH film AS MATERIALIZED (
	SELECT id, rating_sum, rating_count
	  FROM live_movie
	 WHERE slug = :movie
), own AS MATERIALIZED (
	SELECT r.rating
	  FROM film AS f
	  JOIN live_rating AS r ON r.movie_id = f.id AND r.user_id = :viewer
), beside AS MATERIALIZED (
	SELECT movie_id, rating
	  FROM live_rating
	 WHERE user_id = :viewer
	   AND movie_id <> (SELECT id FROM film)
)
SELECT f.id, api_url('movies', :movie) AS movie,
       f.rating_sum - coalesce(o.rating, 0) AS rating_sum,
       f.rating_count - CASE WHEN o.rating IS NULL THEN 0 ELSE 1 END
       AS rating_count,
       o.rating IS NOT NULL AS rated,
       (SELECT array_agg(movie_id) FROM beside) AS movies,
       (SELECT array_agg(rating) FROM beside) AS stars,
       {{predict_level:beside}} AS level
  FROM film AS f
  LEFT JOIN own AS o ON true;

-- The members of a group, the viewer first, with their ratings and the other movies
-- that are excluded: marked as unseen, or rated by a friend who does not take part in
-- training. Every name is that of a friend, or the outcome is absent.
-- name: together_members :many (viewer bigint, with text[], mean double precision,
--	damping double precision)
WITH named AS MATERIALIZED (
	SELECT DISTINCT username FROM unnest(:with::text[]) AS u (username)
), member AS MATERIALIZED (
	SELECT a.id, a.username, true AS used
	  FROM live_account AS a
	 WHERE a.id = :viewer
	 UNION ALL
	SELECT a.id, a.username,
	       (SELECT o.training FROM account AS o WHERE o.id = a.id)
	  FROM named AS n
	  JOIN live_account AS a ON a.username = n.username
	 WHERE {{is_friend}}
)
SELECT CASE WHEN (SELECT count(*) FROM member) = (SELECT count(*) + 1 FROM named)
            THEN 'ok' ELSE 'absent' END AS outcome,
       a.id, a.username, r.movies, r.stars, r.level,
       (SELECT array_agg(movie_id)
          FROM (SELECT movie_id
                  FROM unseen
                 WHERE user_id = a.id
                 UNION ALL
                SELECT movie_id
                  FROM live_rating
                 WHERE user_id = a.id AND NOT a.used) AS e) AS excluded
  FROM member AS a
 CROSS JOIN LATERAL (
	WITH rated AS MATERIALIZED (
		SELECT movie_id, rating
		  FROM live_rating
		 WHERE user_id = a.id AND a.used
	)
	SELECT (SELECT array_agg(movie_id) FROM rated) AS movies,
	       (SELECT array_agg(rating) FROM rated) AS stars,
	       {{predict_level:rated}} AS level) AS r
 ORDER BY a.id <> :viewer, a.username
 LIMIT (SELECT count(*) FROM member);

-- Without a model: the best thousand by damped mean, in the order of their ids.
-- name: together_popular :one ()
SELECT array_agg(id ORDER BY id) AS movies,
       array_agg(rating_sum ORDER BY id) AS sums,
       array_agg(rating_count ORDER BY id) AS counts
  FROM (SELECT id, rating_sum, rating_count
          FROM live_movie
         ORDER BY score DESC, id DESC
         LIMIT 1000) AS m;

-- A page of :movies, best first, without those that are not released and those that
-- are on platforms, but on none that all members have. A member who has chosen no
-- platforms has all.
-- name: together_movies :many (language text, members bigint[], movies bigint[],
--	page bigint, size bigint)
WITH chosen AS MATERIALIZED (
	SELECT ap.user_id, ap.platform_id
	  FROM account_platform AS ap
	  JOIN live_platform AS p ON p.id = ap.platform_id
	 WHERE ap.user_id = ANY (:members)
), shared AS MATERIALIZED (
	SELECT platform_id
	  FROM chosen
	 GROUP BY platform_id
	HAVING count(*) = (SELECT count(DISTINCT user_id) FROM chosen)
), barred AS MATERIALIZED (
	SELECT mp.movie_id
	  FROM movie_platform AS mp
	  JOIN live_platform AS p ON p.id = mp.platform_id
	 WHERE mp.movie_id = ANY (:movies)
	   AND EXISTS (SELECT FROM chosen)
	 GROUP BY mp.movie_id
	HAVING NOT bool_or(mp.platform_id = ANY (ARRAY(SELECT platform_id
	                                                 FROM shared)))
), hit AS MATERIALIZED (
	SELECT u.id, u.n
	  FROM (SELECT id, n
	          FROM unnest(:movies::bigint[]) WITH ORDINALITY AS u (id, n)
	         WHERE id NOT IN (SELECT movie_id FROM barred)
	        OFFSET 0) AS u
	  JOIN live_movie AS m ON m.id = u.id
	 WHERE coalesce(m.release_date <= (now() AT TIME ZONE 'UTC')::date, true)
), {{wanted_page:hit}}
SELECT w.total, w.page, {{movie_columns}}
  FROM wanted AS w
  LEFT JOIN LATERAL (
	SELECT id, n
	  FROM hit
	 ORDER BY n
	OFFSET (w.page - 1) * :size
	 LIMIT :size) AS h ON true
  LEFT JOIN live_movie AS m ON m.id = h.id
  LEFT JOIN live_movie_translation AS t
    ON t.movie_id = m.id AND t.language = :language
 ORDER BY h.n
 LIMIT :size;
