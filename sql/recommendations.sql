-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Recommendations. First recommend_caller tells the program all it has to know
-- of the caller; the program scores; then recommend_chosen takes the best of
-- what she may be shown and reads it. Who cannot be scored (no rating, or no
-- model) gets recommend_popular. Contract: behaviour-movies.md, 5 and 6.

-- Every statement has a CTE `wish` of one row with the columns caller, friends
-- (user names; NULL: all) and celebrities (slugs; NULL: whom she follows).

-- Persons who count as celebrities for the caller.
-- fragment: recommend_celebrities
	SELECT p.id, p.name, p.slug
	  FROM live_person AS p
	 WHERE p.slug = ANY ((SELECT celebrities FROM wish)::text[])
	 UNION ALL
	SELECT p.id, p.name, p.slug
	  FROM follow AS f
	  JOIN live_person AS p ON p.id = f.person_id
	 WHERE (SELECT celebrities FROM wish) IS NULL
	   AND f.user_id = (SELECT caller FROM wish)

-- What friends like, read from index rating_liked alone. OFFSET 0: as a join with
-- the films in question it would become a look-up for each friend and film.
-- fragment: recommend_liking
	SELECT r.movie_id, f.id AS user_id, f.username
	  FROM circle AS f
	 CROSS JOIN LATERAL (SELECT movie_id
	                       FROM live_rating
	                      WHERE user_id = f.id
	                        AND rating >= 4
	                     OFFSET 0) AS r

-- Friends who count. Who was switched off is none.
-- fragment: recommend_friends
	SELECT a.id, a.username
	  FROM friend AS f
	  JOIN account AS a ON a.id = f.friend_id
	 WHERE f.user_id = (SELECT caller FROM wish)
	   AND a.active
	   AND ((SELECT friends FROM wish) IS NULL
	        OR a.username = ANY ((SELECT friends FROM wish)::text[]))

-- Films with a celebrity.
-- fragment: recommend_starring
	SELECT movie_id
	  FROM movie_actor
	 WHERE person_id IN (SELECT id FROM celebrity)
	 UNION ALL
	SELECT movie_id
	  FROM movie_director
	 WHERE person_id IN (SELECT id FROM celebrity)

-- What is known of the caller, in one row of arrays: her ratings (oldest first)
-- and their stars, her marks, films that friends like or that have a celebrity.
-- Then films that no model knows: kin are pairs of such a film and
-- one with the same director or leading actors, kinds pairs of film and genre.
-- They are the latest of the catalogue; when there are many, also those with
-- people of what she liked last; OFFSET 0: right after an import the planner
-- believes that there are none, and would begin with them.
-- name: recommend_caller :one (user_id bigint, friends text[],
--	celebrities text[])
WITH wish AS MATERIALIZED (
	SELECT :user_id::bigint AS caller, :friends::text[] AS friends,
	       :celebrities::text[] AS celebrities,
	       (now() AT TIME ZONE 'UTC')::date AS today
), rated AS MATERIALIZED (
	SELECT id, movie_id, rating, created_at
	  FROM live_rating
	 WHERE user_id = :user_id
), celebrity AS MATERIALIZED (
	{{recommend_celebrities}}
), circle AS MATERIALIZED (
	{{recommend_friends}}
), newest AS MATERIALIZED (
	SELECT id
	  FROM live_movie
	 WHERE EXISTS (SELECT FROM rated)
	   AND NOT modelled
	   AND coalesce(release_date <= (SELECT today FROM wish), true)
	 ORDER BY id DESC
	 LIMIT 60
), hers AS (
	SELECT m.id
	  FROM (SELECT movie_id
	          FROM rated
	         WHERE rating >= 4
	         ORDER BY created_at DESC, id DESC
	         LIMIT 10) AS l
	 CROSS JOIN LATERAL (SELECT person_id
	                       FROM movie_lead
	                      WHERE movie_id = l.movie_id
	                      LIMIT 5) AS p
	 CROSS JOIN LATERAL (SELECT movie_id
	                       FROM movie_lead
	                      WHERE person_id = p.person_id
	                      LIMIT 20) AS c
	 CROSS JOIN LATERAL (SELECT id
	                       FROM live_movie
	                      WHERE id = c.movie_id
	                        AND NOT modelled
	                        AND coalesce(release_date
	                                     <= (SELECT today FROM wish), true)
	                     OFFSET 0) AS m
	 WHERE (SELECT count(*) FROM newest) = 60
	 LIMIT 60
), stranger AS MATERIALIZED (
	SELECT id FROM newest
	 UNION
	SELECT id FROM hers
), kin AS (
	SELECT array_agg(s.id ORDER BY s.id, k.movie_id) AS film,
	       array_agg(k.movie_id ORDER BY s.id, k.movie_id) AS known
	  FROM stranger AS s
	 CROSS JOIN LATERAL (SELECT c.movie_id
	                       FROM (SELECT person_id
	                               FROM movie_lead
	                              WHERE movie_id = s.id
	                              LIMIT 5) AS p
	                      CROSS JOIN LATERAL (
	                            SELECT movie_id
	                              FROM movie_lead
	                             WHERE person_id = p.person_id
	                               AND movie_id <> s.id
	                             LIMIT 6) AS c
	                      LIMIT 12) AS k
), kind AS (
	SELECT array_agg(s.id ORDER BY s.id, mg.genre_id) AS film,
	       array_agg(mg.genre_id ORDER BY s.id, mg.genre_id) AS genre
	  FROM stranger AS s
	  JOIN movie_genre AS mg ON mg.movie_id = s.id
)
SELECT (SELECT array_agg(movie_id ORDER BY created_at, id) FROM rated) AS rated,
       (SELECT array_agg(rating ORDER BY created_at, id) FROM rated) AS stars,
       (SELECT array_agg(movie_id)
          FROM unseen
         WHERE user_id = :user_id) AS unseen,
       (SELECT array_agg(DISTINCT r.movie_id)
          FROM circle AS c
          JOIN live_rating AS r ON r.user_id = c.id
         WHERE r.rating >= 4) AS liked,
       (SELECT array_agg(DISTINCT c.movie_id)
          FROM ({{recommend_starring}}) AS c) AS starring,
       kin.film AS kin_film, kin.known AS kin_known,
       kind.film AS kind_film, kind.genre AS kind_genre
  FROM kin
 CROSS JOIN kind;

-- The wish of a choice: :size movies, at most :cap of one director; :pad says
-- whether to pad.
-- fragment: recommend_wish
	SELECT :user_id::bigint AS caller, :friends::text[] AS friends,
	       :celebrities::text[] AS celebrities, :genres::text[] AS genres,
	       :size::bigint AS size, :cap::bigint AS cap, :pad::boolean AS pad,
	       (now() AT TIME ZONE 'UTC')::date AS today,
	       NOT EXISTS (SELECT
	                     FROM account_platform AS ap
	                     JOIN live_platform AS p ON p.id = ap.platform_id
	                    WHERE ap.user_id = :user_id) AS any_platform

-- That, and who counts by it.
-- fragment: recommend_asked
wish AS MATERIALIZED (
	{{recommend_wish}}
), celebrity AS MATERIALIZED (
	{{recommend_celebrities}}
), circle AS MATERIALIZED (
	{{recommend_friends}}
)

-- What of a movie m the caller may be shown: released (an unknown date counts as
-- past), on one of her platforms
-- or on none, of the genres wished for. OFFSET 0 keeps the planner from reading
-- a whole table into a hash for what are a few look-ups.
-- fragment: recommend_allowed
       coalesce(m.release_date <= (SELECT today FROM wish), true)
   AND ((SELECT any_platform FROM wish)
        OR NOT EXISTS (SELECT
                         FROM movie_platform AS mp
                         JOIN live_platform AS p ON p.id = mp.platform_id
                        WHERE mp.movie_id = m.id
                       OFFSET 0)
        OR EXISTS (SELECT
                     FROM movie_platform AS mp
                     JOIN live_platform AS p ON p.id = mp.platform_id
                     JOIN account_platform AS ap ON ap.platform_id = p.id
                    WHERE mp.movie_id = m.id
                      AND ap.user_id = :user_id
                   OFFSET 0))
   AND ((SELECT genres FROM wish) IS NULL
        OR EXISTS (SELECT
                     FROM movie_genre AS mg
                     JOIN live_genre AS g ON g.id = mg.genre_id
                    WHERE mg.movie_id = m.id
                      AND g.slug = ANY ((SELECT genres FROM wish)::text[])
                   OFFSET 0))

-- What she does not know yet.
-- fragment: recommend_new
       NOT EXISTS (SELECT
                     FROM live_rating AS r
                    WHERE r.user_id = :user_id AND r.movie_id = m.id)
   AND NOT EXISTS (SELECT
                     FROM unseen AS u
                    WHERE u.user_id = :user_id AND u.movie_id = m.id)

-- What may pad a choice, as many of the newest as are missing: of all films, or
-- of the newest thousand of the genres wished for.
-- fragment: recommend_padding
       (SELECT pad FROM wish)
   AND {{recommend_allowed}}
   AND {{recommend_new}}
   AND m.id NOT IN (SELECT id FROM placed)
   AND NOT EXISTS (SELECT
                     FROM movie_director AS md
                    WHERE md.movie_id = m.id
                      AND md.person_id IN (SELECT person_id FROM shared)
                   OFFSET 0)
 ORDER BY m.release_date DESC NULLS LAST, m.id DESC
 LIMIT (SELECT size FROM wish) - (SELECT count(*) FROM best)

-- fragment: recommend_awarded
       EXISTS (SELECT
                 FROM movie_award AS ma
                 JOIN live_award AS a ON a.id = ma.award_id
                WHERE ma.movie_id = m.id
               OFFSET 0)

-- From scored (id, score, awarded) to the choice: best first, of one director no
-- more than her share; then, as padding, the newest others; and only when those
-- are not enough, what is over a director's share.
-- fragment: recommend_choice
placed AS MATERIALIZED (
	SELECT id, awarded, row_number() OVER (ORDER BY score DESC, id DESC) AS place
	  FROM scored
), crowd AS MATERIALIZED (
	SELECT DISTINCT movie_id
	  FROM (SELECT md.movie_id,
	               row_number() OVER (PARTITION BY md.person_id
	                                  ORDER BY p.place) AS nth
	          FROM placed AS p
	          JOIN movie_director AS md ON md.movie_id = p.id) AS n
	 WHERE nth > (SELECT cap FROM wish)
), best AS MATERIALIZED (
	SELECT id, awarded, place
	  FROM placed
	 WHERE id NOT IN (SELECT movie_id FROM crowd)
	 ORDER BY place
	 LIMIT (SELECT size FROM wish)
), shared AS MATERIALIZED (
	SELECT md.person_id
	  FROM best AS b
	  JOIN movie_director AS md ON md.movie_id = b.id
	 GROUP BY md.person_id
	HAVING count(*) >= (SELECT cap FROM wish)
), padding AS MATERIALIZED (
	SELECT m.id, {{recommend_awarded}} AS awarded,
	       row_number() OVER (ORDER BY m.release_date DESC NULLS LAST,
	                                   m.id DESC) AS place
	  FROM ((SELECT m.id, m.release_date
	           FROM live_movie AS m
	          WHERE (SELECT genres FROM wish) IS NULL
	            AND {{recommend_padding}})
	        UNION ALL
	        (SELECT m.id, m.release_date
	           FROM movie_search(:language, NULL, :user_id,
	                             (SELECT genres FROM wish), NULL, NULL, NULL,
	                             NULL, NULL, false, false, 1, 1000) AS w
	          CROSS JOIN LATERAL (SELECT id, release_date
	                                FROM live_movie
	                               WHERE id = w.movie_id
	                              OFFSET 0) AS m
	          WHERE (SELECT genres FROM wish) IS NOT NULL
	            AND {{recommend_padding}})) AS m
), over AS (
	SELECT id, awarded, place
	  FROM placed
	 WHERE id IN (SELECT movie_id FROM crowd)
	 ORDER BY place
	 LIMIT (SELECT size FROM wish) - (SELECT count(*) FROM best)
	       - (SELECT count(*) FROM padding)
), chosen AS (
	SELECT id, awarded, 1 AS rank, place FROM best
	 UNION ALL
	SELECT id, awarded, 2, place FROM padding
	 UNION ALL
	SELECT id, awarded, 3, place FROM over
), liking AS MATERIALIZED (
	{{recommend_liking}}
	 WHERE r.movie_id IN (SELECT id FROM chosen)
)

-- The movies themselves, and what speaks for them.
-- fragment: recommend_answer
SELECT {{movie_columns}},
       c.rank > 1 AS padded, c.awarded, m.rating_count > 0 AS rated,
       m.rating_count >= 10 AND m.rating_sum >= 4 * m.rating_count AS popular,
       l.names AS friends, l.urls AS friend_urls,
       s.names AS celebrities, s.urls AS celebrity_urls,
       s.directs AS celebrity_directs
  FROM chosen AS c
  JOIN live_movie AS m ON m.id = c.id
 CROSS JOIN LATERAL (
	SELECT array_agg(f.username) AS names,
	       array_agg(api_url('users', f.username)) AS urls
	  FROM (SELECT f.username
	          FROM liking AS f
	          JOIN live_rating AS r
	            ON r.user_id = f.user_id AND r.movie_id = f.movie_id
	         WHERE f.movie_id = m.id
	         ORDER BY r.created_at DESC, r.id DESC
	         LIMIT 3) AS f) AS l
 CROSS JOIN LATERAL (
	SELECT array_agg(p.name) AS names,
	       array_agg(api_url('persons', p.slug)) AS urls,
	       array_agg(p.directs::text) AS directs
	  FROM (SELECT p.name, p.slug, d.directs
	          FROM celebrity AS p
	         CROSS JOIN LATERAL (SELECT EXISTS (SELECT
	                                              FROM movie_director AS md
	                                             WHERE md.movie_id = m.id
	                                               AND md.person_id = p.id
	                                            OFFSET 0) AS directs
	                             OFFSET 0) AS d
	         WHERE d.directs
	            OR EXISTS (SELECT
	                         FROM movie_actor AS ma
	                        WHERE ma.movie_id = m.id
	                          AND ma.person_id = p.id
	                       OFFSET 0)
	         ORDER BY p.name, p.id
	         LIMIT 3) AS p) AS s
  LEFT JOIN live_movie_translation AS t
    ON t.movie_id = m.id AND t.language = :language
 ORDER BY c.rank, c.place

-- The best of what the program scored: :movies, best first, and their :scores,
-- to which :award is added where there is one. No more than three times as many
-- as are wanted (a thousand, where so many are sent) are looked at.
-- name: recommend_chosen :many (language text, user_id bigint,
--	friends text[], celebrities text[], genres text[],
--	size bigint, cap bigint, pad boolean, movies bigint[],
--	scores double precision[], award double precision)
WITH {{recommend_asked}}, scored AS MATERIALIZED (
	SELECT g.id, a.awarded,
	       g.score + CASE WHEN a.awarded THEN :award::double precision
	                 ELSE 0 END AS score
	  FROM (SELECT id, score, n
	          FROM unnest(:movies::bigint[], :scores::double precision[])
	               WITH ORDINALITY AS u (id, score, n)
	         ORDER BY n
	        OFFSET 0) AS g
	  JOIN live_movie AS m ON m.id = g.id
	 CROSS JOIN LATERAL (SELECT {{recommend_awarded}} AS awarded OFFSET 0)
	       AS a
	 WHERE {{recommend_allowed}}
	 ORDER BY g.n
	 LIMIT greatest(3 * :size, least(cardinality(:movies), 1000))
), {{recommend_choice}}
{{recommend_answer}}
 LIMIT :size;

-- For whom nothing can be scored: of the six hundred best by damped mean (of the
-- genres wished for: when the ten thousand best of all have not as many, these
-- genres are few films, and all are read), what came out lately more than old
-- films; who has rated something gets what shares a genre with her favourites, and
-- less of what she disliked; spread over genres, since every further film of one
-- counts for less. :bonus is that of a point as a share of the distance between
-- best and last.
-- name: recommend_popular :many (language text, user_id bigint,
--	friends text[], celebrities text[], genres text[],
--	size bigint, cap bigint, pad boolean, bonus double precision)
WITH {{recommend_asked}}, affinity AS MATERIALIZED (
	SELECT mg.genre_id, bool_or(r.rating >= 4) AS favourite,
	       sum(r.rating - 2.5) / (count(*) + 1) / 2.5 AS liking
	  FROM live_rating AS r
	  JOIN movie_genre AS mg ON mg.movie_id = r.movie_id
	  JOIN live_genre AS g ON g.id = mg.genre_id
	 WHERE r.user_id = :user_id
	 GROUP BY mg.genre_id
), taste AS MATERIALIZED (
	SELECT array_agg(genre_id) AS genres
	  FROM affinity
	 WHERE favourite
), walked AS MATERIALIZED (
	SELECT m.id, m.score, m.release_date
	  FROM (SELECT id, score, release_date
	          FROM live_movie
	         WHERE (SELECT genres FROM wish) IS NOT NULL
	         ORDER BY score DESC, id DESC
	         LIMIT 10000) AS m
	 WHERE EXISTS (SELECT
	                 FROM movie_genre AS mg
	                 JOIN live_genre AS g ON g.id = mg.genre_id
	                WHERE mg.movie_id = m.id
	                  AND g.slug = ANY ((SELECT genres FROM wish)::text[])
	               OFFSET 0)
	 LIMIT 600
), candidate AS MATERIALIZED (
	SELECT m.id, m.score, m.release_date
	  FROM ((SELECT id, score, release_date
	           FROM live_movie
	          WHERE (SELECT genres FROM wish) IS NULL
	          ORDER BY score DESC, id DESC
	          LIMIT 600)
	        UNION ALL
	        (SELECT id, score, release_date
	           FROM walked
	          WHERE (SELECT count(*) FROM walked) = 600)
	        UNION ALL
	        (SELECT o.id, o.score, o.release_date
	           FROM (SELECT DISTINCT mg.movie_id
	                   FROM live_genre AS g
	                  CROSS JOIN LATERAL (SELECT movie_id
	                                        FROM movie_genre
	                                       WHERE genre_id = g.id
	                                      OFFSET 0) AS mg
	                  WHERE g.slug = ANY ((SELECT genres FROM wish)::text[])
	                    AND (SELECT count(*) FROM walked) < 600)
	                AS w
	          CROSS JOIN LATERAL (SELECT id, score, release_date
	                                FROM live_movie
	                               WHERE id = w.movie_id
	                              OFFSET 0) AS o
	          ORDER BY o.score DESC, o.id DESC
	          LIMIT 600)) AS m
	 WHERE {{recommend_allowed}}
	   AND {{recommend_new}}
	   AND ((SELECT genres FROM taste) IS NULL
	        OR EXISTS (SELECT
	                     FROM movie_genre AS mg
	                    WHERE mg.movie_id = m.id
	                      AND mg.genre_id = ANY ((SELECT genres
	                                                FROM taste)::bigint[])
	                   OFFSET 0))
	 ORDER BY m.score DESC, m.id DESC
	 LIMIT 200
), valued AS MATERIALIZED (
	SELECT c.id,
	       c.score * (0.7 + 0.3 * CASE
	                              WHEN c.release_date IS NULL THEN 0
	                              ELSE exp(least(c.release_date
	                                   - (SELECT today FROM wish), 0)
	                                   / 3650.0) END)
	       * (1 + coalesce(l.liking, 0) / 2) AS value
	  FROM candidate AS c
	  LEFT JOIN (SELECT mg.movie_id, avg(f.liking) AS liking
	               FROM candidate AS o
	               JOIN movie_genre AS mg ON mg.movie_id = o.id
	               JOIN affinity AS f ON f.genre_id = mg.genre_id
	              GROUP BY mg.movie_id) AS l
	    ON l.movie_id = c.id
), spread AS MATERIALIZED (
	SELECT v.id, v.value * power(0.93, coalesce(min(n.nth), 1) - 1) AS value
	  FROM valued AS v
	  LEFT JOIN (SELECT mg.movie_id,
	                    row_number() OVER (PARTITION BY mg.genre_id
	                                       ORDER BY w.value DESC, w.id DESC)
	                    AS nth
	               FROM valued AS w
	               JOIN movie_genre AS mg ON mg.movie_id = w.id) AS n
	    ON n.movie_id = v.id
	 GROUP BY v.id, v.value
), liked AS MATERIALIZED (
	{{recommend_liking}}
	 WHERE r.movie_id IN (SELECT id FROM spread)
), starring AS MATERIALIZED (
	{{recommend_starring}}
), scored AS MATERIALIZED (
	SELECT m.id, a.awarded,
	       m.value + :bonus::double precision
	       * (max(m.value) OVER () - min(m.value) OVER ())
	       * (CASE WHEN a.awarded THEN 0.7 ELSE 0 END
	          + CASE WHEN m.id IN (SELECT movie_id FROM liked)
	                 THEN 2.5 ELSE 0 END
	          + CASE WHEN m.id IN (SELECT movie_id FROM starring)
	                 THEN 3 ELSE 0 END) AS score
	  FROM spread AS m
	 CROSS JOIN LATERAL (SELECT {{recommend_awarded}} AS awarded OFFSET 0)
	       AS a
), {{recommend_choice}}
{{recommend_answer}}
 LIMIT :size;

-- What the caller's ratings are called, for reasons.
-- name: recommend_titles :many (language text, movies bigint[])
SELECT m.id, m.slug, coalesce(t.title, m.title) AS title,
       api_url('movies', m.slug) AS url
  FROM live_movie AS m
  LEFT JOIN live_movie_translation AS t
    ON t.movie_id = m.id AND t.language = :language
 WHERE m.id = ANY (:movies)
 LIMIT cardinality(:movies);

-- All films with an award, rising.
-- name: recommend_awarded_all :one ()
SELECT array_agg(DISTINCT ma.movie_id ORDER BY ma.movie_id) AS awarded
  FROM movie_award AS ma
  JOIN live_award AS a ON a.id = ma.award_id;

-- A member and a film for mxmctl recommend explain, each by name or by number,
-- and what stands between them: NULL where there is no such member or film.
-- name: recommend_explained :one (member text, film text)
SELECT a.id AS user_id, a.username, m.id AS movie_id, m.slug, m.title,
       coalesce(m.release_date <= (now() AT TIME ZONE 'UTC')::date, true)
       AS released,
       EXISTS (SELECT
                 FROM unseen AS u
                WHERE u.user_id = a.id AND u.movie_id = m.id) AS unseen,
       (SELECT r.rating
          FROM live_rating AS r
         WHERE r.user_id = a.id AND r.movie_id = m.id) AS stars,
       NOT EXISTS (SELECT
                     FROM account_platform AS ap
                     JOIN live_platform AS p ON p.id = ap.platform_id
                    WHERE ap.user_id = a.id)
       OR NOT EXISTS (SELECT
                        FROM movie_platform AS mp
                        JOIN live_platform AS p ON p.id = mp.platform_id
                       WHERE mp.movie_id = m.id)
       OR EXISTS (SELECT
                    FROM movie_platform AS mp
                    JOIN live_platform AS p ON p.id = mp.platform_id
                    JOIN account_platform AS ap ON ap.platform_id = p.id
                   WHERE mp.movie_id = m.id AND ap.user_id = a.id)
       AS on_platform,
       {{recommend_awarded}} AS awarded
  FROM (SELECT) AS one
  LEFT JOIN account AS a ON a.username = :member OR a.id::text = :member
  LEFT JOIN live_movie AS m ON m.slug = :film OR m.id::text = :film
 ORDER BY a.username = :member DESC, m.slug = :film DESC
 LIMIT 1;
