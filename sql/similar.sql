-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Movies similar to one.

-- name: similar_subject :one (movie text)
SELECT id
  FROM live_movie
 WHERE slug = :movie;

-- A page of at most a hundred movies, the most similar to :subject first. Those of
-- :movies have :scores, up to 1, by the model; NULL: it does not have the movie.
-- Others, which are then new or all, have the mean of three shares: of the genres
-- of both movies (Jaccard index), of the directors and leading actors of the
-- subject, and of the users who liked the subject last, of whom at least two liked
-- the other movie, too. What is read for them is limited everywhere.
-- name: similar_movies :many within=1s (language text, subject bigint,
--	movies bigint[], scores double precision[], page bigint, size bigint)
WITH of_genre AS MATERIALIZED (
	SELECT coalesce(array_agg(g.id), '{}') AS ids
	  FROM movie_genre AS mg
	  JOIN live_genre AS g ON g.id = mg.genre_id
	 WHERE mg.movie_id = :subject
), lead AS MATERIALIZED (
	SELECT DISTINCT p.id, p.name, p.slug
	  FROM movie_lead AS l
	  JOIN live_person AS p ON p.id = l.person_id
	 WHERE l.movie_id = :subject
	 LIMIT 10
), rated AS (
	SELECT user_id, rating
	  FROM live_rating
	 WHERE movie_id = :subject
	   AND :movies::bigint[] IS NULL
	 ORDER BY created_at DESC, id DESC
	 LIMIT 100
), fan AS MATERIALIZED (
	SELECT r.user_id
	  FROM rated AS r
	 CROSS JOIN LATERAL (SELECT FROM account
	                      WHERE id = r.user_id
	                        AND active
	                        AND training
	                     OFFSET 0) AS a
	 WHERE r.rating >= 4
	 LIMIT 30
), audience AS MATERIALIZED (
	SELECT l.movie_id,
	       count(*) / (5.0 + (SELECT count(*) FROM fan)) AS share
	  FROM fan
	 CROSS JOIN LATERAL (SELECT movie_id
	                       FROM (SELECT movie_id, rating
	                               FROM live_rating
	                              WHERE user_id = fan.user_id
	                              ORDER BY created_at DESC, id DESC
	                              LIMIT 30) AS r
	                      WHERE rating >= 4) AS l
	 GROUP BY l.movie_id
	HAVING count(*) > 1
), candidate AS (
	SELECT movie_id, sum(persons) AS persons, max(share) AS share
	  FROM (SELECT movie_id, 0 AS persons, share FROM audience
	         UNION ALL
	        SELECT c.movie_id, 1, 0
	          FROM lead
	         CROSS JOIN LATERAL (SELECT DISTINCT movie_id
	                               FROM (SELECT movie_id
	                                       FROM movie_lead
	                                      WHERE person_id = lead.id
	                                      LIMIT 50) AS l) AS c
	         UNION ALL
	        SELECT c.movie_id, 0, 0
	          FROM of_genre
	         CROSS JOIN unnest(of_genre.ids) AS g
	         CROSS JOIN LATERAL (SELECT movie_id
	                               FROM movie_genre
	                              WHERE genre_id = g
	                                AND :movies::bigint[] IS NULL
	                              ORDER BY movie_id DESC
	                              LIMIT 20) AS c
	         UNION ALL
	        (SELECT id, 0, 0
	           FROM live_movie
	          WHERE :movies::bigint[] IS NULL
	          ORDER BY score DESC, id DESC
	          LIMIT 100)
	         UNION ALL
	        (SELECT id, 0, 0
	           FROM live_movie
	          WHERE NOT modelled
	            AND :movies::bigint[] IS NOT NULL
	          ORDER BY id DESC
	          LIMIT 60)) AS c
	 GROUP BY movie_id
), valued AS (
	SELECT m.id, c.share > 0 AS audience,
	       (g.shared / greatest(1, g.all_genres
	                               + cardinality((SELECT ids FROM of_genre))
	                               - g.shared)::double precision
	        + c.persons::double precision
	          / greatest(1, (SELECT count(*) FROM lead))
	        + c.share) / 3 AS score
	  FROM candidate AS c
	 CROSS JOIN LATERAL (SELECT id
	                       FROM live_movie
	                      WHERE id = c.movie_id
	                        AND (:movies::bigint[] IS NULL
	                             OR NOT modelled
	                                AND id <> ALL (:movies::bigint[]))
	                     OFFSET 0) AS m
	 CROSS JOIN LATERAL (SELECT count(*) AS all_genres,
	                            count(*) FILTER (WHERE genre_id = ANY (
	                                (SELECT ids FROM of_genre)::bigint[]))
	                            AS shared
	                       FROM movie_genre
	                      WHERE movie_id = m.id) AS g
), hit AS MATERIALIZED (
	SELECT m.id, s.score, s.audience
	  FROM (SELECT id, score, audience
	          FROM valued
	         WHERE score > 0
	         UNION ALL
	        SELECT id, score, true
	          FROM unnest(:movies::bigint[], :scores::double precision[])
	               AS u (id, score)) AS s
	 CROSS JOIN LATERAL (SELECT id
	                       FROM live_movie
	                      WHERE id = s.id
	                     OFFSET 0) AS m
	 WHERE m.id <> :subject
	 ORDER BY s.score DESC, m.id DESC
	 LIMIT 100
), {{wanted_page:hit}}
SELECT w.total, w.page, h.audience, {{movie_columns}},
       p.names AS persons, p.urls AS person_urls, p.directs AS person_directs,
       g.names AS genre_names
  FROM wanted AS w
  LEFT JOIN LATERAL (
	SELECT id, score, audience
	  FROM hit
	 ORDER BY score DESC, id DESC
	OFFSET (w.page - 1) * :size
	 LIMIT :size) AS h ON true
  LEFT JOIN live_movie AS m ON m.id = h.id
  LEFT JOIN live_movie_translation AS t
    ON t.movie_id = m.id AND t.language = :language
 CROSS JOIN LATERAL (
	SELECT array_agg(c.name) AS names,
	       array_agg(api_url('persons', c.slug)) AS urls,
	       array_agg(c.directs::text) AS directs
	  FROM (SELECT lead.name, lead.slug,
	               EXISTS (SELECT
	                         FROM movie_director AS md
	                        WHERE md.movie_id = m.id
	                          AND md.person_id = lead.id) AS directs
	          FROM lead
	         WHERE lead.id IN (SELECT person_id
	                             FROM movie_lead
	                            WHERE movie_id = m.id)
	         ORDER BY directs DESC, lead.id
	         LIMIT 3) AS c) AS p
 CROSS JOIN LATERAL (
	SELECT array_agg(c.name) AS names
	  FROM (SELECT coalesce(nullif(gt.name, ''), g.name) AS name
	          FROM movie_genre AS mg
	          JOIN live_genre AS g ON g.id = mg.genre_id
	          LEFT JOIN live_genre_translation AS gt
	            ON gt.genre_id = g.id AND gt.language = :language
	         WHERE mg.movie_id = m.id
	           AND g.id = ANY ((SELECT ids FROM of_genre)::bigint[])
	         ORDER BY g.id
	         LIMIT 3) AS c) AS g
 ORDER BY h.score DESC, h.id DESC
 LIMIT :size;
