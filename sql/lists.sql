-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Movie lists of users.

-- A list l without its movies; `owner` is the alias with the name of its owner.
-- fragment: list_columns(owner)
       l.id, l.name, l.slug, l.description, l.privacity,
       api_url('users', {{owner}}.username) AS user,
       {{micros:l.created_at}} AS created_at,
       {{micros:l.updated_at}} AS updated_at

-- The movies of a list, in the order in which they were added.
-- fragment: list_movies
       (SELECT coalesce(json_agg(api_url('movies', m.slug) ORDER BY lm.position),
                        '[]')
          FROM movielist_movie AS lm
          JOIN live_movie AS m ON m.id = lm.movie_id
         WHERE lm.movielist_id = l.id) AS movies

-- The lists of a page, whose ids are in CTE hit.
-- fragment: list_page
{{wanted_page:hit}}
SELECT w.total, w.page, {{list_columns:a}}, {{list_movies}}
  FROM wanted AS w
  LEFT JOIN LATERAL (
	SELECT id FROM hit ORDER BY id OFFSET (w.page - 1) * :size LIMIT :size
       ) AS h ON true
  LEFT JOIN live_movielist AS l ON l.id = h.id
  LEFT JOIN live_account AS a ON a.id = l.user_id
 ORDER BY l.id
 LIMIT :size

-- Whether the viewer may see the list l of another user or of their own.
-- fragment: list_is_visible
may_see(l.user_id = :viewer::bigint,
        l.user_id IN (SELECT friend_id FROM friend WHERE user_id = :viewer),
        l.privacity)

-- The list of the path. One that the viewer may not see is missing like one that
-- does not exist.
-- fragment: path_list
{{path_owner}}, path_list AS MATERIALIZED (
	SELECT CASE WHEN a.id IS NULL THEN 'missing:username'
	            WHEN l.id IS NULL THEN 'missing:list'
	            ELSE 'ok' END AS outcome,
	       a.username, l.*
	  FROM (SELECT) AS one
	  LEFT JOIN path_owner AS a ON true
	  LEFT JOIN live_movielist AS l
	    ON l.user_id = a.id
	   AND l.slug = :list
	   AND may_see(a.is_owner, a.is_friend, l.privacity)
)

-- name: list_detail :one (viewer bigint, username text, list text)
WITH {{path_list}}
SELECT l.outcome, {{list_columns:l}}, {{list_movies}}
  FROM path_list AS l;

-- One's own lists, the oldest first.
-- name: list_of_self :many (viewer bigint, page bigint, size bigint)
WITH hit AS MATERIALIZED (
	SELECT id
	  FROM live_movielist
	 WHERE user_id = :viewer
	 ORDER BY id
	 LIMIT {{count_max}} + 1
), {{list_page}};

-- The lists whose name contains the text, among those that the viewer may see.
-- name: list_search :many within=1s (viewer bigint, query text, page bigint,
--	size bigint)
SELECT f.total, f.page, {{list_columns:a}}, {{list_movies}}
  FROM list_find(:query, :viewer, :page, :size) AS f
  LEFT JOIN (live_movielist AS l
             JOIN live_account AS a
               ON a.id = l.user_id
              AND may_see(a.id = :viewer, {{is_friend}}, l.privacity))
    ON l.id = f.list_id
 ORDER BY f.place
 LIMIT :size;

-- All lists that the viewer may see.
-- name: list_search_all :many within=1s (viewer bigint, page bigint, size bigint)
WITH hit AS MATERIALIZED (
	SELECT l.id
	  FROM live_movielist AS l
	 WHERE {{list_is_visible}}
	 ORDER BY l.id
	 LIMIT {{count_max}} + 1
), {{list_page}};

-- Those of a user that the viewer may see, the newest first.
-- name: list_of_user :many (viewer bigint, username text, last_id bigint,
--	size bigint)
WITH {{path_owner}}
SELECT n.total, {{list_columns:a}}, {{list_movies}}
  FROM path_owner AS a
 CROSS JOIN LATERAL (
	SELECT count(*) AS total
	  FROM (SELECT
	          FROM live_movielist AS l
	         WHERE l.user_id = a.id
	           AND may_see(a.is_owner, a.is_friend, l.privacity)
	         LIMIT {{count_max}} + 1) AS counted) AS n
  LEFT JOIN LATERAL (
	SELECT *
	  FROM live_movielist AS l
	 WHERE l.user_id = a.id
	   AND may_see(a.is_owner, a.is_friend, l.privacity)
	   AND l.id < :last_id
	 ORDER BY l.id DESC
	 LIMIT :size) AS l ON true
 ORDER BY l.id DESC
 LIMIT :size;

-- The movies of a list whose title, the original or that of the language, contains
-- the text, in the order of the list.
-- name: list_movie_search :many within=1s (language text, viewer bigint,
--	username text, list text, query text, page bigint, size bigint)
WITH {{path_list}}, hit AS MATERIALIZED (
	SELECT lm.movie_id, lm.position
	  FROM path_list AS p
	  JOIN movielist_movie AS lm ON lm.movielist_id = p.id
	  JOIN live_movie AS m ON m.id = lm.movie_id
	  LEFT JOIN live_movie_translation AS t
	    ON t.movie_id = m.id AND t.language = :language
	 WHERE :query::text IS NULL
	    OR m.title_fold LIKE fold_pattern(:query)
	    OR t.title_fold LIKE fold_pattern(:query)
	 ORDER BY lm.position
	 LIMIT {{count_max}} + 1
), {{wanted_page:hit}}
SELECT p.outcome, w.total, w.page, {{movie_columns}}
  FROM path_list AS p
 CROSS JOIN wanted AS w
  LEFT JOIN LATERAL (
	SELECT *
	  FROM hit
	 ORDER BY position
	OFFSET (w.page - 1) * :size
	 LIMIT :size) AS h ON true
  LEFT JOIN live_movie AS m ON m.id = h.movie_id
  LEFT JOIN live_movie_translation AS t
    ON t.movie_id = m.id AND t.language = :language
 ORDER BY h.position
 LIMIT :size;

-- The slugs of one's own lists that contain a movie.
-- name: list_slugs_of_movie :one (viewer bigint, movie text)
SELECT (SELECT coalesce(json_agg(l.slug ORDER BY l.id), '[]')
          FROM (SELECT l.id, l.slug
                  FROM live_movielist AS l
                  JOIN movielist_movie AS lm
                    ON lm.movielist_id = l.id AND lm.movie_id = m.id
                 WHERE l.user_id = :viewer
                 ORDER BY l.id
                 LIMIT 1000) AS l) AS slugs
  FROM live_movie AS m
 WHERE m.slug = :movie;

-- The first name of each kind that a smart list cannot have: there is no such
-- genre or person, or the user is not a friend; NULL: all are valid.
-- name: smart_list_check :one (viewer bigint, genres text[], celebrities text[],
--	friends text[])
SELECT {{unknown_name::genres, live_genre}} AS genre,
       {{unknown_name::celebrities, live_person}} AS celebrity,
       (SELECT u.name
          FROM unnest(:friends::text[]) WITH ORDINALITY AS u (name, n)
         WHERE NOT EXISTS (SELECT
                             FROM live_account AS a
                            WHERE a.username = u.name
                              AND {{is_friend}})
         ORDER BY u.n
         LIMIT 1) AS friend;

-- The slug of a list of the viewer. A name without a letter or digit of ASCII has
-- none: the id becomes it, also if another list is called "List 7".
-- fragment: list_slug(list)
       coalesce(nullif(:slug, ''),
                (SELECT s.slug
                   FROM unnest(ARRAY['list-' || {{list}},
                                     'list-' || {{list}} || '-' || {{list}}])
                        AS s (slug)
                  WHERE NOT EXISTS (SELECT
                                      FROM live_movielist AS other
                                     WHERE other.user_id = :viewer
                                       AND other.slug = s.slug
                                       AND other.id <> {{list}})
                  ORDER BY s.slug
                  LIMIT 1),
                'list-' || {{list}})

-- name: list_insert :one (viewer bigint, name text, description text,
--	privacity text, slug text, movies bigint[])
WITH made AS (
	INSERT INTO movielist (id, user_id, name, slug, description, privacity)
	SELECT n.id, :viewer, :name, {{list_slug:n.id}},
	       :description, :privacity
	  FROM nextval(pg_get_serial_sequence('movielist', 'id')) AS n (id)
	    ON CONFLICT DO NOTHING
	RETURNING *
), filled AS (
	INSERT INTO movielist_movie (movielist_id, movie_id)
	SELECT l.id, u.movie_id
	  FROM made AS l
	 CROSS JOIN unnest(:movies::bigint[]) WITH ORDINALITY AS u (movie_id, n)
	 ORDER BY u.n
)
SELECT CASE WHEN l.id IS NULL THEN 'exists' ELSE 'ok' END AS outcome,
       {{list_columns:a}},
       (SELECT coalesce(json_agg(api_url('movies', m.slug) ORDER BY u.n), '[]')
          FROM unnest(:movies::bigint[]) WITH ORDINALITY AS u (movie_id, n)
          JOIN live_movie AS m ON m.id = u.movie_id) AS movies
  FROM live_account AS a
  LEFT JOIN made AS l ON true
 WHERE a.id = :viewer;

-- The list of the path, locked; who it belongs to, and whether the viewer may see
-- it.
-- fragment: owned_list
{{path_owner}}, target AS MATERIALIZED (
	SELECT l.id, a.is_owner,
	       may_see(a.is_owner, a.is_friend, l.privacity) AS is_visible
	  FROM path_owner AS a
	  JOIN live_movielist AS l ON l.user_id = a.id AND l.slug = :list
	   FOR NO KEY UPDATE OF l
), owned AS (
	SELECT id FROM target WHERE is_owner
)

-- Another list of the owner may have the new slug.
-- name: list_update :owned (viewer bigint, username text, list text, name text,
--	description text, privacity text, slug text)
WITH {{owned_list}}, wanted AS (
	SELECT o.id, {{list_slug:o.id}} AS slug
	  FROM owned AS o
), changed AS (
	UPDATE movielist AS l
	   SET name = :name,
	       slug = w.slug,
	       description = :description,
	       privacity = :privacity,
	       updated_at = now()
	  FROM wanted AS w
	 WHERE l.id = w.id
	   AND NOT EXISTS (SELECT
	                     FROM live_movielist AS other
	                    WHERE other.user_id = :viewer
	                      AND other.slug = w.slug
	                      AND other.id <> w.id)
	RETURNING l.*
)
SELECT CASE WHEN a.id IS NULL THEN 'missing:username'
            WHEN t.is_owner AND l.id IS NULL THEN 'exists'
            ELSE owned_outcome(t.is_owner, t.is_visible) END AS outcome,
       {{list_columns:a}}, {{list_movies}}
  FROM (SELECT) AS one
  LEFT JOIN path_owner AS a ON true
  LEFT JOIN target AS t ON true
  LEFT JOIN changed AS l ON true;

-- Its slug is free at once.
-- name: list_delete :owned (viewer bigint, username text, list text)
WITH {{owned_list}}, deleted AS (
	UPDATE movielist AS l
	   SET deleted_at = now(),
	       updated_at = now()
	  FROM owned AS o
	 WHERE l.id = o.id
)
SELECT CASE WHEN a.id IS NULL THEN 'missing:username'
            ELSE owned_outcome(t.is_owner, t.is_visible) END AS outcome
  FROM (SELECT) AS one
  LEFT JOIN path_owner AS a ON true
  LEFT JOIN target AS t ON true;

-- Adds the movie at the end; no change if the list has it.
-- name: list_movie_insert :owned (viewer bigint, username text, list text,
--	movie text)
WITH {{owned_list}}, film AS (
	SELECT id FROM live_movie WHERE slug = :movie
), added AS (
	INSERT INTO movielist_movie (movielist_id, movie_id)
	SELECT o.id, f.id FROM owned AS o CROSS JOIN film AS f
	    ON CONFLICT DO NOTHING
	RETURNING movielist_id, movie_id, position
), changed AS (
	UPDATE movielist AS l
	   SET updated_at = now()
	  FROM added AS n
	 WHERE l.id = n.movielist_id
	RETURNING l.id, l.updated_at
)
SELECT CASE WHEN a.id IS NULL THEN 'missing:username'
            WHEN t.is_visible IS NOT TRUE THEN 'missing:list'
            WHEN f.id IS NULL THEN 'missing:movie'
            ELSE owned_outcome(t.is_owner, true) END AS outcome,
       {{list_columns:a}},
       (SELECT coalesce(json_agg(api_url('movies', m.slug)
                                 ORDER BY lm.position), '[]')
          FROM (SELECT movie_id, position
                  FROM movielist_movie
                 WHERE movielist_id = t.id
                 UNION ALL
                SELECT movie_id, position FROM added) AS lm
          JOIN live_movie AS m ON m.id = lm.movie_id) AS movies
  FROM (SELECT) AS one
  LEFT JOIN path_owner AS a ON true
  LEFT JOIN target AS t ON true
  LEFT JOIN film AS f ON true
  LEFT JOIN LATERAL (
	SELECT k.id, k.name, k.slug, k.description, k.privacity, k.created_at,
	       coalesce(c.updated_at, k.updated_at) AS updated_at
	  FROM live_movielist AS k
	  LEFT JOIN changed AS c ON true
	 WHERE k.id = t.id) AS l ON true;

-- No change if the list does not have the movie.
-- name: list_movie_delete :owned (viewer bigint, username text, list text,
--	movie text)
WITH {{owned_list}}, film AS (
	SELECT id FROM live_movie WHERE slug = :movie
), removed AS (
	DELETE FROM movielist_movie AS lm
	 USING owned AS o, film AS f
	 WHERE lm.movielist_id = o.id
	   AND lm.movie_id = f.id
	RETURNING lm.movielist_id
), changed AS (
	UPDATE movielist AS l
	   SET updated_at = now()
	  FROM removed AS x
	 WHERE l.id = x.movielist_id
)
SELECT CASE WHEN a.id IS NULL THEN 'missing:username'
            WHEN t.is_visible IS NOT TRUE THEN 'missing:list'
            WHEN f.id IS NULL THEN 'missing:movie'
            ELSE owned_outcome(t.is_owner, true) END AS outcome
  FROM (SELECT) AS one
  LEFT JOIN path_owner AS a ON true
  LEFT JOIN target AS t ON true
  LEFT JOIN film AS f ON true;
