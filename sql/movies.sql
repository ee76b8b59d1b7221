-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Movies: detail, search, unseen marks. Every statement that
-- sends whole movies takes the columns of fragment movie_columns: m is the
-- movie, t its translation, $1 the language, $2 the public origin.

-- fragment: movie_columns
       m.id, coalesce(t.title, m.title) AS title, m.slug, m.release_date,
       coalesce(t.synopsis, m.synopsis) AS synopsis,
       $2 || '/media/' || url_path(coalesce(nullif(t.image, ''), m.cover))
       AS cover,
       (SELECT coalesce(json_agg(json_build_object('id', g.id,
                   'name', coalesce(nullif(gt.name, ''), g.name),
                   'slug', g.slug) ORDER BY g.id), '[]')
          FROM movie_genre AS mg
          JOIN live_genre AS g ON g.id = mg.genre_id
          LEFT JOIN live_genre_translation AS gt
            ON gt.genre_id = g.id AND gt.language = $1
         WHERE mg.movie_id = m.id) AS genres,
       (SELECT coalesce(json_agg(json_build_object('id', a.id,
                   'name', a.name, 'slug', a.slug,
                   'category', award_label(a.category),
                   'icon', $2 || '/media/' || url_path(a.icon),
                   'date', a.date) ORDER BY a.date, a.id), '[]')
          FROM movie_award AS ma
          JOIN live_award AS a ON a.id = ma.award_id
         WHERE ma.movie_id = m.id) AS awards,
       (SELECT coalesce(json_agg(json_build_object('id', p.id,
                   'name', p.name, 'slug', p.slug, 'url', p.url,
                   'image', $2 || '/media/' || url_path(nullif(p.image, '')))
                   ORDER BY p.id), '[]')
          FROM movie_platform AS mp
          JOIN live_platform AS p ON p.id = mp.platform_id
         WHERE mp.movie_id = m.id) AS platforms,
       (SELECT coalesce(json_agg($2 || '/api/persons/' || url_segment(p.slug)
                   || '/' ORDER BY c.position, p.id), '[]')
          FROM movie_actor AS c
          JOIN live_person AS p ON p.id = c.person_id
         WHERE c.movie_id = m.id) AS actors,
       (SELECT coalesce(json_agg($2 || '/api/persons/' || url_segment(p.slug)
                   || '/' ORDER BY c.position, p.id), '[]')
          FROM movie_director AS c
          JOIN live_person AS p ON p.id = c.person_id
         WHERE c.movie_id = m.id) AS directors

-- name: movie_detail :one (language text, origin text, slug text)
SELECT {{movie_columns}}
  FROM live_movie AS m
  LEFT JOIN live_movie_translation AS t
    ON t.movie_id = m.id AND t.language = $1
 WHERE m.slug = $3;

-- What a search asks of a movie c.movie_id beside its name. $4 the caller, then
-- slugs of genres, platforms, directors, actors, celebrities, the caller's
-- stars, and the marks that are asked for.
-- fragment: movie_filters
       ($5::text[] IS NULL
        OR EXISTS (SELECT
                     FROM movie_genre AS mg
                     JOIN live_genre AS g ON g.id = mg.genre_id
                    WHERE mg.movie_id = c.movie_id AND g.slug = ANY ($5)))
   AND ($6::text[] IS NULL
        OR EXISTS (SELECT
                     FROM movie_platform AS mp
                     JOIN live_platform AS p ON p.id = mp.platform_id
                    WHERE mp.movie_id = c.movie_id AND p.slug = ANY ($6)))
   AND ($7::text[] IS NULL
        OR EXISTS (SELECT
                     FROM movie_director AS md
                     JOIN live_person AS p ON p.id = md.person_id
                    WHERE md.movie_id = c.movie_id AND p.slug = ANY ($7)))
   AND ($8::text[] IS NULL
        OR EXISTS (SELECT
                     FROM movie_actor AS ma
                     JOIN live_person AS p ON p.id = ma.person_id
                    WHERE ma.movie_id = c.movie_id AND p.slug = ANY ($8)))
   AND ($9::text[] IS NULL
        OR EXISTS (SELECT
                     FROM live_person AS p
                    WHERE p.slug = ANY ($9)
                      AND (EXISTS (SELECT
                                     FROM movie_actor AS ma
                                    WHERE ma.movie_id = c.movie_id
                                      AND ma.person_id = p.id)
                           OR EXISTS (SELECT
                                        FROM movie_director AS md
                                       WHERE md.movie_id = c.movie_id
                                         AND md.person_id = p.id))))
   AND ($10::bigint[] IS NULL
        OR EXISTS (SELECT
                     FROM live_rating AS r
                    WHERE r.user_id = $4 AND r.movie_id = c.movie_id
                      AND r.rating = ANY ($10)))
   AND (NOT $11
        OR EXISTS (SELECT
                     FROM unseen AS u
                    WHERE u.user_id = $4 AND u.movie_id = c.movie_id))
   AND (NOT $12
        OR EXISTS (SELECT
                     FROM live_review AS v
                    WHERE v.user_id = $4 AND v.movie_id = c.movie_id))

-- A page of all movies, newest release first: what movie_search gives for no name
-- and no filter, without sorting every movie for the few that are sent.
-- name: movie_newest :many (language text, origin text, page bigint, size bigint)
WITH extent AS (
	SELECT count(*) AS total,
	       least($3, greatest((count(*) + $4 - 1) / $4, 1)) AS page
	  FROM live_movie
), m AS (
	SELECT id, slug, title, synopsis, release_date, cover
	  FROM live_movie
	 ORDER BY release_date DESC, id DESC
	OFFSET (SELECT (page - 1) * $4 FROM extent)
	 LIMIT $4
)
SELECT {{movie_columns}},
       extent.total, extent.page
  FROM m
  LEFT JOIN live_movie_translation AS t
    ON t.movie_id = m.id AND t.language = $1
 CROSS JOIN extent
 ORDER BY m.release_date DESC, m.id DESC;

-- A page of the movies whose title contains $3 (all movies when it is NULL) and
-- that pass the filters, newest release first. Only when there is none, the
-- titles that resemble it in spite of typing errors, best first.
-- name: movie_search :many (language text, origin text, name text, user_id bigint, genres text[], platforms text[], directors text[], actors text[], celebrities text[], stars bigint[], marked_unseen boolean, reviewed boolean, page bigint, size bigint)
WITH candidate AS (
	SELECT movie_id
	  FROM movie_named($3, $1)
	 WHERE $3 IS NOT NULL
	 UNION ALL
	SELECT id
	  FROM live_movie
	 WHERE $3 IS NULL
), exact AS MATERIALIZED (
	SELECT c.movie_id
	  FROM candidate AS c
	 WHERE {{movie_filters}}
), near AS (
	SELECT c.movie_id, c.likeness
	  FROM movie_near($3, $1, 200) AS c
	 WHERE $3 IS NOT NULL
	   AND NOT EXISTS (SELECT FROM exact)
	   AND {{movie_filters}}
), found AS MATERIALIZED (
	SELECT movie_id, NULL::real AS likeness
	  FROM exact
	 UNION ALL
	SELECT movie_id, likeness
	  FROM near
), extent AS (
	SELECT count(*) AS total,
	       least($13, greatest((count(*) + $14 - 1) / $14, 1)) AS page
	  FROM found
), chosen AS (
	SELECT f.movie_id, f.likeness, m.release_date
	  FROM found AS f
	  JOIN movie AS m ON m.id = f.movie_id
	 ORDER BY f.likeness DESC NULLS LAST, m.release_date DESC, m.id DESC
	OFFSET (SELECT (page - 1) * $14 FROM extent)
	 LIMIT $14
)
SELECT {{movie_columns}},
       extent.total, extent.page
  FROM chosen AS f
  JOIN live_movie AS m ON m.id = f.movie_id
  LEFT JOIN live_movie_translation AS t
    ON t.movie_id = m.id AND t.language = $1
 CROSS JOIN extent
 ORDER BY f.likeness DESC NULLS LAST, m.release_date DESC, m.id DESC;

-- Marks a movie as unseen; made tells whether the mark is new.
-- name: unseen_insert :one (user_id bigint, slug text)
WITH target AS (
	SELECT id FROM live_movie WHERE slug = $2
), marked AS (
	INSERT INTO unseen (user_id, movie_id)
	SELECT $1, id FROM target
	    ON CONFLICT DO NOTHING
	RETURNING movie_id
)
SELECT EXISTS (SELECT FROM marked) AS made
  FROM target;

-- Takes the mark away; gone tells whether there was one.
-- name: unseen_delete :one (user_id bigint, slug text)
WITH target AS (
	SELECT id FROM live_movie WHERE slug = $2
), unmarked AS (
	DELETE FROM unseen
	 WHERE user_id = $1
	   AND movie_id = (SELECT id FROM target)
	RETURNING movie_id
)
SELECT EXISTS (SELECT FROM unmarked) AS gone
  FROM target;
