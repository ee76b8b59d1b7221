-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Persons of the catalogue: detail, search, films.

-- A person p and its translation t into :language.
-- fragment: person_columns
       p.id, p.name, p.slug, media_url(p.image) AS image,
       (SELECT coalesce(json_agg({{award_object}} ORDER BY a.date, a.id), '[]')
          FROM person_award AS pa
          JOIN live_award AS a ON a.id = pa.award_id
         WHERE pa.person_id = p.id) AS awards,
       coalesce(nullif(t.biography, ''), p.biography) AS biography,
       p.birthday, p.deathday, p.gender

-- name: person_detail :one (language text, person text)
SELECT {{person_columns}}
  FROM live_person AS p
  LEFT JOIN live_person_translation AS t
    ON t.person_id = p.id AND t.language = :language
 WHERE p.slug = :person;

-- A page of the persons whose name contains the text; role NULL: all persons.
-- name: person_page :many within=1s (language text, search text, role text,
--	page bigint, size bigint)
SELECT {{person_columns}}, f.total, f.page
  FROM person_search(:search, :role, false, NULL, :page, :size) AS f
  LEFT JOIN person AS p ON p.id = f.person_id
  LEFT JOIN live_person_translation AS t
    ON t.person_id = p.id AND t.language = :language
 ORDER BY f.place
 LIMIT :size;

-- The same by cursor, also of those whose slug contains the text.
-- name: person_stretch :many within=1s (language text, search_query text,
--	role text, last_id bigint, size bigint)
SELECT {{person_columns}}, f.total
  FROM person_search(:search_query, :role, true, :last_id, NULL, :size) AS f
  LEFT JOIN person AS p ON p.id = f.person_id
  LEFT JOIN live_person_translation AS t
    ON t.person_id = p.id AND t.language = :language
 ORDER BY f.place
 LIMIT :size;

-- The films of a person in a role, newest first. The film of the cursor may have
-- been deleted; an unknown one is ignored.
-- name: person_films :many within=1s (language text, person text, role text,
--	last_id bigint, size bigint)
WITH who AS (
	SELECT id FROM live_person WHERE slug = :person
), film AS MATERIALIZED (
	SELECT m.id, coalesce(m.release_date, '-infinity') AS date, m.title
	  FROM who
	 CROSS JOIN LATERAL (
		SELECT movie_id FROM movie_actor
		 WHERE person_id = who.id AND :role = 'actor'
		 UNION ALL
		SELECT movie_id FROM movie_director
		 WHERE person_id = who.id AND :role = 'director') AS f
	  JOIN live_movie AS m ON m.id = f.movie_id
), page AS MATERIALIZED (
	SELECT f.id, row_number() OVER (ORDER BY f.date DESC, f.title DESC,
	                                         f.id DESC) AS place
	  FROM film AS f
	 WHERE (f.date, f.title, f.id)
	       < ALL (SELECT coalesce(release_date, '-infinity'), title, id
	                FROM movie
	               WHERE id = :last_id)
	 ORDER BY place
	 LIMIT :size
)
SELECT (SELECT count(*) FROM film) AS total, {{movie_columns}}
  FROM who
  LEFT JOIN page AS f ON true
  LEFT JOIN movie AS m ON m.id = f.id
  LEFT JOIN live_movie_translation AS t
    ON t.movie_id = m.id AND t.language = :language
 ORDER BY f.place
 LIMIT :size;

-- The persons that the viewer follows, by cursor.
-- name: following_list :many (language text, viewer bigint, last_id bigint,
--	size bigint)
SELECT c.total, p.*
  FROM (SELECT count(*) AS total
          FROM (SELECT
                  FROM follow AS f
                  JOIN live_person AS p ON p.id = f.person_id
                 WHERE f.user_id = :viewer
                 LIMIT {{count_max}} + 1) AS counted) AS c
  LEFT JOIN LATERAL (
	SELECT {{person_columns}}
	  FROM follow AS f
	  JOIN live_person AS p ON p.id = f.person_id
	  LEFT JOIN live_person_translation AS t
	    ON t.person_id = p.id AND t.language = :language
	 WHERE f.user_id = :viewer
	   AND f.person_id < :last_id
	 ORDER BY f.person_id DESC
	 LIMIT :size) AS p ON true
 ORDER BY p.id DESC
 LIMIT :size;

-- name: follow_insert :one (viewer bigint, person text)
WITH target AS (
	SELECT id FROM live_person WHERE slug = :person
), made AS (
	INSERT INTO follow (user_id, person_id)
	SELECT :viewer, id FROM target
	    ON CONFLICT DO NOTHING
)
SELECT id FROM target;

-- name: follow_delete :one (viewer bigint, person text)
WITH target AS (
	SELECT id FROM live_person WHERE slug = :person
), ended AS (
	DELETE FROM follow
	 WHERE user_id = :viewer
	   AND person_id = (SELECT id FROM target)
)
SELECT id FROM target;
