-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Recommendations. recommend_caller reads what is known of the caller; the program
-- scores; recommend_chosen then selects the best movies that the caller may be
-- shown and reads them. Without scores (no rating, or no model) recommend_popular
-- is used. Contract: behaviour-movies.md, 5 and 6.

-- Every statement has a CTE `criteria` of one row with the columns caller, friends
-- (user names; NULL: all) and celebrities (slugs; NULL: the followed persons).

-- The celebrities: followed or given persons.
-- fragment: recommend_celebrities
	SELECT p.id, p.name, p.slug
	  FROM live_person AS p
	 WHERE p.slug = ANY ((SELECT celebrities FROM criteria)::text[])
	 UNION ALL
	SELECT p.id, p.name, p.slug
	  FROM follow AS f
	  JOIN live_person AS p ON p.id = f.person_id
	 WHERE (SELECT celebrities FROM criteria) IS NULL
	   AND f.user_id = (SELECT caller FROM criteria)

-- Whether an account takes part in recommendations to others.
-- fragment: recommend_taking_part
       a.active AND a.training

-- The friends that take part, the given ones or all. If all are more than 500, they
-- are in `crowd`, with those that do not take part, and not what they like is read,
-- but who likes the few movies in question.
-- fragment: recommend_friends
circle AS MATERIALIZED (
	SELECT a.id, a.username
	  FROM account AS a
	 WHERE a.username = ANY ((SELECT friends FROM criteria)::text[])
	   AND {{recommend_taking_part}}
	   AND EXISTS (SELECT
	                 FROM friendship AS f
	                WHERE f.user1_id = least(a.id, :user_id)
	                  AND f.user2_id = greatest(a.id, :user_id)
	               OFFSET 0)
	 UNION ALL
	SELECT a.id, a.username
	  FROM friend AS f
	  JOIN account AS a ON a.id = f.friend_id
	 WHERE f.user_id = :user_id
	   AND (SELECT friends IS NULL AND NOT crowded FROM criteria)
	   AND {{recommend_taking_part}}
), crowd AS MATERIALIZED (
	SELECT friend_id AS id
	  FROM friend
	 WHERE user_id = :user_id
	   AND (SELECT crowded FROM criteria)
)

-- What friends like, from index rating_liked only. OFFSET 0: as a join with the
-- movies it would become a look-up for each friend and movie.
-- fragment: recommend_liking
	SELECT r.movie_id, f.id AS user_id, f.username
	  FROM circle AS f
	 CROSS JOIN LATERAL (SELECT movie_id
	                       FROM live_rating
	                      WHERE user_id = f.id
	                        AND rating >= 4
	                     OFFSET 0) AS r

-- Those of the crowd who like movie m, the latest first.
-- fragment: recommend_crowd
	SELECT a.username, r.created_at, r.id
	  FROM (SELECT user_id, created_at, id
	          FROM live_rating
	         WHERE movie_id = m.id
	           AND rating >= 4
	           AND (SELECT crowded FROM criteria)
	           AND (user_id IN (SELECT id FROM crowd)) IS TRUE
	         ORDER BY created_at DESC, id DESC
	        OFFSET 0) AS r
	 CROSS JOIN LATERAL (SELECT a.username
	                       FROM account AS a
	                      WHERE a.id = r.user_id
	                        AND {{recommend_taking_part}}
	                     OFFSET 0) AS a
	 ORDER BY r.created_at DESC, r.id DESC

-- Whether a friend likes movie m; those of the circle are in `liked`.
-- fragment: recommend_is_liked
       (m.id IN (SELECT movie_id FROM liked)
        OR EXISTS ({{recommend_crowd}}))

-- Movies with a celebrity.
-- fragment: recommend_starring
	SELECT movie_id
	  FROM movie_actor
	 WHERE person_id IN (SELECT id FROM celebrity)
	 UNION ALL
	SELECT movie_id
	  FROM movie_director
	 WHERE person_id IN (SELECT id FROM celebrity)

-- What is known of the caller, in one row of arrays: ratings (oldest first) and
-- their stars, unseen marks, movies with a celebrity.
-- Then cold-start movies, which are not in the model: `related` are pairs of such
-- a movie and one with the same director or leading actors, `genre` pairs of movie
-- and genre. They are the newest of the catalogue and, if there are many, those
-- with people of the movies the caller liked last. OFFSET 0: after an import the
-- planner estimates that there are none, and would start with them.
-- name: recommend_caller :one (user_id bigint, celebrities text[])
WITH criteria AS MATERIALIZED (
	SELECT :user_id::bigint AS caller, :celebrities::text[] AS celebrities,
	       (now() AT TIME ZONE 'UTC')::date AS today
), rated AS MATERIALIZED (
	SELECT id, movie_id, rating, created_at
	  FROM live_rating
	 WHERE user_id = :user_id
), celebrity AS MATERIALIZED (
	{{recommend_celebrities}}
), newest AS MATERIALIZED (
	SELECT id
	  FROM live_movie
	 WHERE EXISTS (SELECT FROM rated)
	   AND NOT modelled
	   AND coalesce(release_date <= (SELECT today FROM criteria), true)
	 ORDER BY id DESC
	 LIMIT 60
), of_liked AS (
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
	                                     <= (SELECT today FROM criteria), true)
	                     OFFSET 0) AS m
	 WHERE (SELECT count(*) FROM newest) = 60
	 LIMIT 60
), cold_start AS MATERIALIZED (
	SELECT id FROM newest
	 UNION
	SELECT id FROM of_liked
), related AS (
	SELECT array_agg(s.id ORDER BY s.id, k.movie_id) AS film,
	       array_agg(k.movie_id ORDER BY s.id, k.movie_id) AS known
	  FROM cold_start AS s
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
), genre AS (
	SELECT array_agg(s.id ORDER BY s.id, mg.genre_id) AS film,
	       array_agg(mg.genre_id ORDER BY s.id, mg.genre_id) AS id
	  FROM cold_start AS s
	  JOIN movie_genre AS mg ON mg.movie_id = s.id
)
SELECT (SELECT array_agg(movie_id ORDER BY created_at, id) FROM rated) AS rated,
       (SELECT array_agg(rating ORDER BY created_at, id) FROM rated) AS stars,
       (SELECT array_agg(movie_id)
          FROM unseen
         WHERE user_id = :user_id) AS unseen,
       (SELECT array_agg(DISTINCT c.movie_id)
          FROM ({{recommend_starring}}) AS c) AS starring,
       related.film AS related_film, related.known AS related_known,
       genre.film AS genre_film, genre.id AS genre_id
  FROM related
 CROSS JOIN genre;

-- The criteria of a choice: :size movies, at most :cap of one director, with
-- padding if :pad. With :platforms those of the caller do not matter. dated: only
-- movies released from `since` to `until`. With :first the movies of the celebrities
-- and those that the friends like come first. crowded: more than 500 friends,
-- and only few movies in question.
-- The celebrities and friends by these criteria, and the movies that come first.
-- fragment: recommend_filters(few)
criteria AS MATERIALIZED (
	SELECT :user_id::bigint AS caller, :friends::text[] AS friends,
	       :celebrities::text[] AS celebrities, :genres::text[] AS genres,
	       :without_genres::text[] AS without_genres,
	       :platforms::text[] AS platforms,
	       coalesce(:year_from::bigint, :year_to::bigint) IS NOT NULL AS dated,
	       make_date(coalesce(:year_from, 1)::integer, 1, 1) AS since,
	       make_date(coalesce(:year_to, 9999)::integer, 12, 31) AS until,
	       :size::bigint AS size, :cap::bigint AS cap, :pad::boolean AS pad,
	       :first::boolean AS first,
	       (now() AT TIME ZONE 'UTC')::date AS today,
	       :platforms IS NOT NULL
	       OR NOT EXISTS (SELECT
	                        FROM account_platform AS ap
	                        JOIN live_platform AS p ON p.id = ap.platform_id
	                       WHERE ap.user_id = :user_id) AS any_platform,
	       {{few}} AND :friends IS NULL
	       AND (SELECT count(*) > 500
	              FROM (SELECT
	                      FROM friend
	                     WHERE user_id = :user_id
	                     LIMIT 501) AS f) AS crowded
), celebrity AS MATERIALIZED (
	{{recommend_celebrities}}
), {{recommend_friends}}, named AS MATERIALIZED (
	SELECT m.id, m.score, m.release_date, m.rating_count
	  FROM (SELECT movie_id
	          FROM ({{recommend_starring}}
	                UNION ALL
	               (SELECT r.movie_id
	                  FROM ({{recommend_liking}}) AS r)) AS f
	         WHERE (SELECT first FROM criteria)
	         GROUP BY movie_id) AS f
	 CROSS JOIN LATERAL (SELECT id, score, release_date, rating_count
	                       FROM live_movie
	                      WHERE id = f.movie_id
	                     OFFSET 0) AS m
	 WHERE {{recommend_allowed}}
	   AND {{recommend_unrated}}
	 ORDER BY m.score DESC, m.id DESC
	 LIMIT 1000
)

-- Whether movie m has one of the genres :genres.
-- fragment: recommend_genre(genres)
       EXISTS (SELECT
                 FROM movie_genre AS mg
                 JOIN live_genre AS g ON g.id = mg.genre_id
                WHERE mg.movie_id = m.id
                  AND g.slug = ANY ((SELECT {{genres}} FROM criteria)::text[])
               OFFSET 0)

-- Whether movie m is one of the years, genres and platforms of the criteria. OFFSET 0
-- prevents the planner from hashing a whole table for a few look-ups.
-- fragment: recommend_matching
       (NOT (SELECT dated FROM criteria)
        OR m.release_date BETWEEN (SELECT since FROM criteria)
                              AND (SELECT until FROM criteria))
   AND ((SELECT genres FROM criteria) IS NULL
        OR {{recommend_genre:genres}})
   AND ((SELECT without_genres FROM criteria) IS NULL
        OR NOT {{recommend_genre:without_genres}})
   AND ((SELECT platforms FROM criteria) IS NULL
        OR EXISTS (SELECT
                     FROM movie_platform AS mp
                     JOIN live_platform AS p ON p.id = mp.platform_id
                    WHERE mp.movie_id = m.id
                      AND p.slug
                          = ANY ((SELECT platforms FROM criteria)::text[])
                   OFFSET 0))

-- Whether it may be shown to the caller: also released (an unknown date counts as
-- past), on one of the caller's platforms or on none.
-- fragment: recommend_allowed
       coalesce(m.release_date <= (SELECT today FROM criteria), true)
   AND ((SELECT any_platform FROM criteria)
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
   AND {{recommend_matching}}

-- Whether the caller has neither rated nor marked it.
-- fragment: recommend_unrated
       NOT EXISTS (SELECT
                     FROM live_rating AS r
                    WHERE r.user_id = :user_id AND r.movie_id = m.id)
   AND NOT EXISTS (SELECT
                     FROM unseen AS u
                    WHERE u.user_id = :user_id AND u.movie_id = m.id)

-- fragment: recommend_awarded
       EXISTS (SELECT
                 FROM movie_award AS ma
                 JOIN live_award AS a ON a.id = ma.award_id
                WHERE ma.movie_id = m.id
               OFFSET 0)

-- From scored (id, score, awarded, first) to the choice: those that come first, then
-- the others, best first, of these at most :cap of one director; then, as padding,
-- the newest others, of the newest ten thousand, of those of the years of the
-- criteria, or of the newest thousand of their genres and platforms; then, if these
-- are not enough, the movies above the limit of a director. OFFSET 0: else the
-- planner repeats the conditions for each part of the union.
-- fragment: recommend_choice
placed AS MATERIALIZED (
	SELECT id, awarded, first,
	       row_number() OVER (ORDER BY first DESC, score DESC, id DESC) AS place
	  FROM scored
), excess AS MATERIALIZED (
	SELECT DISTINCT movie_id
	  FROM (SELECT md.movie_id,
	               row_number() OVER (PARTITION BY md.person_id
	                                  ORDER BY p.place) AS nth
	          FROM placed AS p
	          JOIN movie_director AS md ON md.movie_id = p.id
	         WHERE NOT p.first) AS n
	 WHERE nth > (SELECT cap FROM criteria)
), best AS MATERIALIZED (
	SELECT id, awarded, place
	  FROM placed
	 WHERE id NOT IN (SELECT movie_id FROM excess)
	 ORDER BY place
	 LIMIT (SELECT size FROM criteria)
), shared AS MATERIALIZED (
	SELECT md.person_id
	  FROM best AS b
	  JOIN movie_director AS md ON md.movie_id = b.id
	 GROUP BY md.person_id
	HAVING count(*) >= (SELECT cap FROM criteria)
), padding AS MATERIALIZED (
	SELECT m.id, {{recommend_awarded}} AS awarded,
	       row_number() OVER (ORDER BY m.release_date DESC NULLS LAST,
	                                   m.id DESC) AS place
	  FROM (SELECT m.id, m.release_date
	          FROM ((SELECT id, release_date
	                   FROM live_movie
	                  WHERE coalesce(release_date <= (SELECT today FROM criteria),
	                                 true)
	                    AND (SELECT genres IS NULL AND platforms IS NULL
	                                AND NOT dated
	                           FROM criteria)
	                  ORDER BY release_date DESC NULLS LAST, id DESC
	                  LIMIT 10000)
	                UNION ALL
	                (SELECT id, release_date
	                   FROM live_movie
	                  WHERE release_date BETWEEN (SELECT since FROM criteria)
	                                         AND (SELECT until FROM criteria)
	                    AND release_date <= (SELECT today FROM criteria)
	                    AND (SELECT dated FROM criteria)
	                  ORDER BY release_date DESC NULLS LAST, id DESC
	                  LIMIT 10000)
	                UNION ALL
	                (SELECT m.id, m.release_date
	                   FROM movie_search(:language, NULL, :user_id,
	                                     (SELECT genres FROM criteria),
	                                     (SELECT platforms FROM criteria), NULL,
	                                     NULL, NULL, NULL, false, false, 1, 1000)
	                        AS w
	                  CROSS JOIN LATERAL (SELECT id, release_date
	                                        FROM live_movie
	                                       WHERE id = w.movie_id
	                                      OFFSET 0) AS m
	                  WHERE (SELECT NOT dated AND (genres IS NOT NULL
	                                               OR platforms IS NOT NULL)
	                           FROM criteria))
	                 ORDER BY release_date DESC NULLS LAST, id DESC
	                OFFSET 0) AS m
	         WHERE (SELECT pad FROM criteria)
	           AND {{recommend_allowed}}
	           AND {{recommend_unrated}}
	           AND m.id NOT IN (SELECT id FROM placed)
	           AND NOT EXISTS (SELECT
	                             FROM movie_director AS md
	                            WHERE md.movie_id = m.id
	                              AND md.person_id IN (SELECT person_id
	                                                     FROM shared)
	                           OFFSET 0)
	         ORDER BY m.release_date DESC NULLS LAST, m.id DESC
	         LIMIT (SELECT size FROM criteria) - (SELECT count(*) FROM best)) AS m
), over AS (
	SELECT id, awarded, place
	  FROM placed
	 WHERE id IN (SELECT movie_id FROM excess)
	 ORDER BY place
	 LIMIT (SELECT size FROM criteria) - (SELECT count(*) FROM best)
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

-- The movies, and the reasons for them.
-- fragment: recommend_answer
SELECT {{movie_columns}},
       c.rank > 1 AS padded, c.awarded, m.rating_count > 0 AS rated,
       is_popular(m.rating_count, m.rating_sum) AS popular,
       l.names AS friends, l.urls AS friend_urls,
       s.names AS celebrities, s.urls AS celebrity_urls,
       s.directs AS celebrity_directs
  FROM chosen AS c
  JOIN live_movie AS m ON m.id = c.id
 CROSS JOIN LATERAL (
	SELECT array_agg(f.username) AS names,
	       array_agg(api_url('users', f.username)) AS urls
	  FROM (SELECT f.username
	          FROM (SELECT f.username, r.created_at, r.id
	                  FROM liking AS f
	                  JOIN live_rating AS r
	                    ON r.user_id = f.user_id AND r.movie_id = f.movie_id
	                 WHERE f.movie_id = m.id
	                 UNION ALL
	               ({{recommend_crowd}}
	                 LIMIT 3)) AS f
	         ORDER BY f.created_at DESC, f.id DESC
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

-- The best of what the program scored: :movies, best first, with :scores. :friend is
-- added for those that a friend likes, and of the :top best then :award for those with
-- an award. At most three times :size, or a thousand if :top is so much, are read.
-- name: recommend_chosen :many (language text, user_id bigint,
--	friends text[], celebrities text[], genres text[], without_genres text[],
--	platforms text[], year_from bigint, year_to bigint,
--	size bigint, cap bigint, pad boolean, first boolean, top bigint,
--	movies bigint[], scores double precision[], award double precision,
--	friend double precision)
WITH {{recommend_filters:cardinality(:movies::bigint[]) <= 10000}}, passed AS MATERIALIZED (
	SELECT coalesce(u.id, f.id) AS id, coalesce(u.score, '-infinity') AS score,
	       u.n, f.id IS NOT NULL AS first
	  FROM unnest(:movies::bigint[], :scores::double precision[])
	       WITH ORDINALITY AS u (id, score, n)
	  FULL JOIN named AS f ON f.id = u.id
), liked AS MATERIALIZED (
	{{recommend_liking}}
	 WHERE r.movie_id IN (SELECT id FROM passed)
), scored AS MATERIALIZED (
	SELECT g.id, a.awarded, g.first,
	       g.score + CASE WHEN a.awarded THEN :award::double precision
	                 ELSE 0 END AS score
	  FROM (SELECT m.id, m.first, m.n,
	               m.score + CASE WHEN {{recommend_is_liked}}
	                              THEN :friend::double precision
	                         ELSE 0 END AS score
	          FROM passed AS m
	         ORDER BY m.first DESC, 4 DESC, m.n
	         LIMIT :top) AS g
	  JOIN live_movie AS m ON m.id = g.id
	 CROSS JOIN LATERAL (SELECT {{recommend_awarded}} AS awarded OFFSET 0)
	       AS a
	 WHERE {{recommend_allowed}}
	 ORDER BY g.first DESC, g.score DESC, g.n
	 LIMIT greatest(3 * :size, least(:top, 1000))
), {{recommend_choice}}
{{recommend_answer}}
 LIMIT :size;

-- Without scores: the six hundred best movies by damped mean, newer ones weighted
-- higher than old ones. (With criteria: of the ten thousand best of all movies, and if
-- fewer than that match, also of five thousand of the genres, as many of the platforms
-- and the newest as many of the years; so all that match are found if few movies have
-- one of these.) If the caller has rated movies, only those that share a genre with
-- their favourites, with a lower weight of disliked genres; every further movie of a
-- genre weighs less. :bonus is a point as a share of the difference between the best
-- and the last value, :popular the same of a standard deviation of the logarithm of
-- the number of ratings.
-- name: recommend_popular :many (language text, user_id bigint,
--	friends text[], celebrities text[], genres text[], without_genres text[],
--	platforms text[], year_from bigint, year_to bigint,
--	size bigint, cap bigint, pad boolean, first boolean, bonus double precision,
--	popular double precision)
WITH {{recommend_filters:true}}, affinity AS MATERIALIZED (
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
), steering AS MATERIALIZED (
	SELECT genres IS NOT NULL OR without_genres IS NOT NULL
	       OR platforms IS NOT NULL OR dated AS steered
	  FROM criteria
), matching AS MATERIALIZED (
	SELECT m.id, m.score, m.release_date, m.rating_count
	  FROM (SELECT id, score, release_date, rating_count
	          FROM live_movie
	         WHERE (SELECT steered FROM steering)
	         ORDER BY score DESC, id DESC
	         LIMIT 10000) AS m
	 WHERE {{recommend_matching}}
	 LIMIT 600
), few AS MATERIALIZED (
	SELECT s.steered AND (SELECT count(*) FROM matching) < 600 AS is_few
	  FROM steering AS s
), candidate AS MATERIALIZED (
       (SELECT m.id, m.score, m.release_date, m.rating_count
	  FROM ((SELECT id, score, release_date, rating_count
	           FROM live_movie
	          WHERE NOT (SELECT steered FROM steering)
	          ORDER BY score DESC, id DESC
	          LIMIT 600)
	        UNION ALL
	        (SELECT id, score, release_date, rating_count
	           FROM matching
	          WHERE (SELECT NOT is_few FROM few))
	        UNION ALL
	        (SELECT m.id, m.score, m.release_date, m.rating_count
	           FROM (SELECT id AS movie_id
	                   FROM matching
	                  UNION
	                 SELECT mg.movie_id
	                   FROM live_genre AS g
	                  CROSS JOIN LATERAL (SELECT movie_id
	                                        FROM movie_genre
	                                       WHERE genre_id = g.id
	                                       ORDER BY movie_id DESC
	                                       LIMIT 5000
	                                             / (SELECT cardinality(genres)
	                                                  FROM criteria)) AS mg
	                  WHERE g.slug = ANY ((SELECT genres FROM criteria)::text[])
	                  UNION
	                 SELECT mp.movie_id
	                   FROM live_platform AS p
	                  CROSS JOIN LATERAL (SELECT movie_id
	                                        FROM movie_platform
	                                       WHERE platform_id = p.id
	                                       ORDER BY movie_id DESC
	                                       LIMIT 5000
	                                             / (SELECT cardinality(platforms)
	                                                  FROM criteria)) AS mp
	                  WHERE p.slug
	                        = ANY ((SELECT platforms FROM criteria)::text[])
	                  UNION
	                (SELECT id
	                   FROM live_movie
	                  WHERE release_date BETWEEN (SELECT since FROM criteria)
	                                         AND (SELECT until FROM criteria)
	                    AND (SELECT dated FROM criteria)
	                  ORDER BY release_date DESC NULLS LAST, id DESC
	                  LIMIT 5000)) AS w
	          CROSS JOIN LATERAL (SELECT id, score, release_date, rating_count
	                                FROM live_movie
	                               WHERE id = w.movie_id
	                              OFFSET 0) AS m
	          WHERE (SELECT is_few FROM few)
	            AND {{recommend_matching}}
	          ORDER BY m.score DESC, m.id DESC
	          LIMIT 600)
	         ORDER BY score DESC, id DESC
	        OFFSET 0) AS m
	 WHERE {{recommend_allowed}}
	   AND {{recommend_unrated}}
	   AND ((SELECT genres FROM taste) IS NULL
	        OR EXISTS (SELECT
	                     FROM movie_genre AS mg
	                    WHERE mg.movie_id = m.id
	                      AND mg.genre_id = ANY ((SELECT genres
	                                                FROM taste)::bigint[])
	                   OFFSET 0))
	 ORDER BY m.score DESC, m.id DESC
	 LIMIT 200)
	 UNION
	SELECT id, score, release_date, rating_count
	  FROM named
), valued AS MATERIALIZED (
	SELECT c.id,
	       c.score * (0.7 + 0.3 * CASE
	                              WHEN c.release_date IS NULL THEN 0
	                              ELSE exp(least(c.release_date
	                                   - (SELECT today FROM criteria), 0)
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
	SELECT m.id, a.awarded, m.id IN (SELECT id FROM named) AS first,
	       m.value + :bonus::double precision
	       * (max(m.value) OVER () - min(m.value) OVER ())
	       * (CASE WHEN a.awarded THEN 0.7 ELSE 0 END
	          + CASE WHEN {{recommend_is_liked}} THEN 2.5 ELSE 0 END
	          + CASE WHEN m.id IN (SELECT movie_id FROM starring)
	                 THEN 3 ELSE 0 END)
	       + CASE WHEN :popular::double precision = 0 THEN 0
	              ELSE :popular * (max(m.value) OVER () - min(m.value) OVER ())
	                   * coalesce((ln(1 + c.rating_count)
	                               - avg(ln(1 + c.rating_count)) OVER ())
	                              / nullif(stddev_pop(ln(1 + c.rating_count))
	                                       OVER (), 0), 0) END AS score
	  FROM spread AS m
	  JOIN candidate AS c ON c.id = m.id
	 CROSS JOIN LATERAL (SELECT {{recommend_awarded}} AS awarded OFFSET 0)
	       AS a
), {{recommend_choice}}
{{recommend_answer}}
 LIMIT :size;

-- The first name of each list that is not in a table; NULL: all are.
-- fragment: unknown_name(names, live)
       (SELECT u.name
          FROM unnest({{names}}::text[]) WITH ORDINALITY AS u (name, n)
         WHERE NOT EXISTS (SELECT FROM {{live}} AS t WHERE t.slug = u.name)
         ORDER BY u.n
         LIMIT 1)

-- The genres and platforms of a request.
-- name: recommend_check :one (genres text[], without_genres text[],
--	platforms text[])
SELECT {{unknown_name::genres, live_genre}} AS genre,
       {{unknown_name::without_genres, live_genre}} AS without_genre,
       {{unknown_name::platforms, live_platform}} AS platform;

-- The titles of rated movies, for reasons.
-- name: recommend_titles :many (language text, movies bigint[])
SELECT m.id, m.slug, coalesce(t.title, m.title) AS title,
       api_url('movies', m.slug) AS url
  FROM live_movie AS m
  LEFT JOIN live_movie_translation AS t
    ON t.movie_id = m.id AND t.language = :language
 WHERE m.id = ANY (:movies)
 LIMIT cardinality(:movies);

-- All movies with an award, sorted.
-- name: recommend_awarded_all :one ()
SELECT array_agg(DISTINCT ma.movie_id ORDER BY ma.movie_id) AS awarded
  FROM movie_award AS ma
  JOIN live_award AS a ON a.id = ma.award_id;

-- All movies that a friend likes, for mxmctl recommend explain.
-- name: recommend_liked_all :one (user_id bigint)
SELECT array_agg(DISTINCT r.movie_id) AS liked
  FROM friend AS f
  JOIN account AS a ON a.id = f.friend_id
  JOIN live_rating AS r ON r.user_id = a.id
 WHERE f.user_id = :user_id
   AND {{recommend_taking_part}}
   AND r.rating >= 4;

-- A user and a movie for mxmctl recommend explain, each by name or number, and why
-- it is not shown to the user; NULL: there is no such user or movie.
-- name: recommend_explained :one (account text, movie text)
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
  LEFT JOIN account AS a ON a.username = :account OR a.id::text = :account
  LEFT JOIN live_movie AS m ON m.slug = :movie OR m.id::text = :movie
 ORDER BY a.username = :account DESC, m.slug = :movie DESC
 LIMIT 1;
