-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Movies: detail, search, trending ones, unseen marks. Every statement that sends
-- whole movies takes the columns of fragment movie_columns: m is the movie, t its
-- translation into :language.

-- fragment: movie_columns
       m.id, coalesce(t.title, m.title) AS title, m.slug,
       coalesce(m.release_date::text, '') AS release_date,
       coalesce(t.synopsis, m.synopsis) AS synopsis,
       media_url(coalesce(nullif(t.image, ''), m.cover)) AS cover,
       (SELECT coalesce(json_agg(json_build_object('id', g.id,
                   'name', coalesce(nullif(gt.name, ''), g.name),
                   'slug', g.slug) ORDER BY g.id), '[]')
          FROM movie_genre AS mg
          JOIN live_genre AS g ON g.id = mg.genre_id
          LEFT JOIN live_genre_translation AS gt
            ON gt.genre_id = g.id AND gt.language = :language
         WHERE mg.movie_id = m.id) AS genres,
       (SELECT coalesce(json_agg({{award_object}} ORDER BY a.date, a.id), '[]')
          FROM movie_award AS ma
          JOIN live_award AS a ON a.id = ma.award_id
         WHERE ma.movie_id = m.id) AS awards,
       (SELECT coalesce(json_agg(json_build_object('id', p.id,
                   'name', p.name, 'slug', p.slug, 'url', p.url,
                   'image', media_url(nullif(p.image, ''))) ORDER BY p.id), '[]')
          FROM movie_platform AS mp
          JOIN live_platform AS p ON p.id = mp.platform_id
         WHERE mp.movie_id = m.id) AS platforms,
       (SELECT coalesce(json_agg(api_url('persons', p.slug)
                   ORDER BY c.position, p.id), '[]')
          FROM movie_actor AS c
          JOIN live_person AS p ON p.id = c.person_id
         WHERE c.movie_id = m.id) AS actors,
       (SELECT coalesce(json_agg(api_url('persons', p.slug)
                   ORDER BY c.position, p.id), '[]')
          FROM movie_director AS c
          JOIN live_person AS p ON p.id = c.person_id
         WHERE c.movie_id = m.id) AS directors

-- name: movie_detail :one (language text, movie text)
SELECT {{movie_columns}}
  FROM live_movie AS m
  LEFT JOIN live_movie_translation AS t
    ON t.movie_id = m.id AND t.language = :language
 WHERE m.slug = :movie;

-- A page of the movies whose title contains the name (all movies when it is NULL)
-- and that pass the filters: see movie_search() in migration 0059; many: there are
-- more than total.
-- name: movie_search :many within=1s (language text, name text,
--	viewer bigint, genres text[], platforms text[], directors text[],
--	actors text[], celebrities text[], stars bigint[], marked_unseen boolean,
--	reviewed boolean, page bigint, size bigint)
SELECT {{movie_columns}},
       f.total + f.many::integer AS total, f.page
  FROM movie_search(:language, :name, :viewer, :genres, :platforms, :directors,
                    :actors, :celebrities, :stars, :marked_unseen, :reviewed,
                    :page, :size) AS f
  JOIN live_movie AS m ON m.id = f.movie_id
  LEFT JOIN live_movie_translation AS t
    ON t.movie_id = m.id AND t.language = :language
 ORDER BY f.place
 LIMIT :size;

-- A page of what job trend has found.
-- name: movie_trending :many (language text, page bigint, size bigint)
WITH hit AS MATERIALIZED (
	SELECT m.id, t.place
	  FROM trend AS t
	  JOIN live_movie AS m ON m.id = t.movie_id
), {{wanted_page:hit}}
SELECT w.total, w.page, {{movie_columns}}
  FROM wanted AS w
  LEFT JOIN LATERAL (
	SELECT id, place
	  FROM hit
	 ORDER BY place, id
	OFFSET (w.page - 1) * :size
	 LIMIT :size) AS h ON true
  LEFT JOIN live_movie AS m ON m.id = h.id
  LEFT JOIN live_movie_translation AS t
    ON t.movie_id = m.id AND t.language = :language
 ORDER BY h.place, h.id
 LIMIT :size;

-- Marks a movie as unseen.
-- name: unseen_insert :one (viewer bigint, movie text)
WITH target AS (
	SELECT id FROM live_movie WHERE slug = :movie
), marked AS (
	INSERT INTO unseen (user_id, movie_id)
	SELECT :viewer, id FROM target
	    ON CONFLICT DO NOTHING
	RETURNING movie_id
)
SELECT CASE WHEN EXISTS (SELECT FROM marked) THEN 'ok' ELSE 'exists' END
       AS outcome
  FROM target;

-- Removes the mark.
-- name: unseen_delete :one (viewer bigint, movie text)
WITH target AS (
	SELECT id FROM live_movie WHERE slug = :movie
), unmarked AS (
	DELETE FROM unseen
	 WHERE user_id = :viewer
	   AND movie_id = (SELECT id FROM target)
	RETURNING movie_id
)
SELECT CASE WHEN EXISTS (SELECT FROM unmarked) THEN 'ok' ELSE 'absent' END
       AS outcome
  FROM target;
