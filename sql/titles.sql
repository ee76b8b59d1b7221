-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Imports of catalogues with persons: IMDb's data files and TMDB's. The files
-- are copied to cat_movie, cat_credit and cat_person; `number` is the id that
-- the source uses, `key` its form in movie_source and person_source. See also
-- import.sql.
--
-- A movie that the source has not described before (`fills`: it is new, or only
-- another import has its id) gets what it does not have: synopsis, date, genres,
-- directors, actors. Persons are inserted if a credit needs them.

-- name: cat_movie_stage :exec
CREATE TEMPORARY TABLE cat_movie (
    n            bigint,
    line         bigint,
    number       bigint,
    key          text,
    title        text,
    synopsis     text,
    release_date date,
    popularity   double precision,
    slug         text,
    genres       text[],
    imdb         text,
    movie_id     bigint,
    added        boolean NOT NULL DEFAULT false,
    fills        boolean NOT NULL DEFAULT true,
    no_genres    boolean NOT NULL DEFAULT true,
    no_directors boolean NOT NULL DEFAULT true,
    no_actors    boolean NOT NULL DEFAULT true,
    changed      boolean NOT NULL DEFAULT false
) ON COMMIT DROP;

-- name: cat_credit_stage :exec
CREATE TEMPORARY TABLE cat_credit (
    n        bigint,
    line     bigint,
    movie    bigint,
    person   bigint,
    directs  boolean,
    position integer,
    name     text,
    slug     text,
    gender   integer
) ON COMMIT DROP;

-- name: cat_person_stage :exec
CREATE TEMPORARY TABLE cat_person (
    n         bigint,
    line      bigint,
    number    bigint,
    key       text,
    name      text,
    slug      text,
    gender    integer NOT NULL DEFAULT 0,
    person_id bigint,
    added     boolean NOT NULL DEFAULT false
) ON COMMIT DROP;

-- name: cat_movie_copy :copy
COPY cat_movie (n, line, number, key, title, synopsis, release_date, popularity,
                slug, genres, imdb)
FROM STDIN;

-- name: cat_credit_copy :copy
COPY cat_credit (n, line, movie, person, directs, position, name, slug, gender)
FROM STDIN;

-- name: cat_person_copy :copy
COPY cat_person (n, line, number, key, name, slug)
FROM STDIN;

-- Persons from the credits, where these have the names.
-- name: cat_person_fill :exec
INSERT INTO cat_person (n, line, number, key, name, slug, gender)
SELECT DISTINCT ON (c.person) c.n, c.line, c.person, c.person::text, c.name,
       c.slug, c.gender
  FROM cat_credit AS c
 ORDER BY c.person, (c.gender = 0), c.n;

-- name: cat_credit_index :exec
CREATE INDEX cat_credit_movie ON cat_credit (movie);

-- name: cat_movie_analyze :exec
ANALYZE cat_movie;

-- name: cat_credit_analyze :exec
ANALYZE cat_credit;

-- name: cat_person_analyze :exec
ANALYZE cat_person;

-- name: cat_movie_know :exec (source text)
UPDATE cat_movie AS l
   SET movie_id = s.movie_id,
       fills = NOT s.imported
  FROM movie_source AS s
 WHERE s.source = :source
   AND s.key = l.key;

-- Movies of another import, by their id at IMDb; at most one line per movie.
-- name: cat_movie_match :exec (source text)
UPDATE cat_movie AS l
   SET movie_id = f.movie_id
  FROM (SELECT DISTINCT ON (s.movie_id) k.n, s.movie_id
          FROM cat_movie AS k
          JOIN movie_source AS s
            ON s.source = 'imdb'
           AND s.key = k.imdb
         WHERE k.movie_id IS NULL
           AND NOT EXISTS (SELECT
                             FROM movie_source AS o
                            WHERE o.source = :source
                              AND o.movie_id = s.movie_id)
         ORDER BY s.movie_id, k.n) AS f
 WHERE f.n = l.n;

-- The same by title, year and a director, if only one line and one movie fit.
-- name: cat_movie_same :exec (source text)
UPDATE cat_movie AS l
   SET movie_id = f.movie_id
  FROM (SELECT c.n, c.movie_id,
               count(*) OVER (PARTITION BY c.n) AS movies,
               count(*) OVER (PARTITION BY c.movie_id) AS lines
          FROM (SELECT DISTINCT k.n, m.id AS movie_id
                  FROM movie AS m
                  JOIN movie_director AS d ON d.movie_id = m.id
                  JOIN person AS p ON p.id = d.person_id
                  JOIN cat_movie AS k
                    ON fold_text(k.title) = m.title_fold
                   AND extract(year FROM k.release_date)
                       = extract(year FROM m.release_date)
                  JOIN cat_credit AS c ON c.movie = k.number AND c.directs
                  JOIN cat_person AS q
                    ON q.number = c.person
                   AND fold_text(q.name) = p.name_fold
                 WHERE k.movie_id IS NULL
                   AND NOT EXISTS (SELECT
                                     FROM movie_source AS o
                                    WHERE o.source = :source
                                      AND o.movie_id = m.id)) AS c) AS f
 WHERE f.n = l.n
   AND f.movies = 1
   AND f.lines = 1;

-- name: cat_movie_taken_skip :many
{{address_taken:cat_movie, movie}};

-- name: cat_movie_need :exec
UPDATE cat_movie AS l
   SET no_genres = l.fills
                   AND NOT EXISTS (SELECT
                                     FROM movie_genre AS g
                                    WHERE g.movie_id = l.movie_id),
       no_directors = l.fills
                      AND NOT EXISTS (SELECT
                                        FROM movie_director AS d
                                       WHERE d.movie_id = l.movie_id),
       no_actors = l.fills
                   AND NOT EXISTS (SELECT
                                     FROM movie_actor AS a
                                    WHERE a.movie_id = l.movie_id)
 WHERE l.movie_id IS NOT NULL;

-- Ids for the movies to be inserted, in the order of the file.
-- name: cat_movie_reserve :exec
UPDATE cat_movie AS l
   SET movie_id = r.id,
       added = true
  FROM (SELECT o.n, nextval(pg_get_serial_sequence('movie', 'id')) AS id
          FROM (SELECT n
                  FROM cat_movie
                 WHERE movie_id IS NULL
                 ORDER BY n) AS o) AS r
 WHERE r.n = l.n;

-- In batches, because of the memory that the server needs for a statement.
-- name: cat_movie_add :exec (first bigint, last bigint)
INSERT INTO movie (id, slug, title, synopsis, release_date, popularity)
SELECT movie_id, slug, title, synopsis, release_date, popularity
  FROM cat_movie
 WHERE added
   AND n BETWEEN :first AND :last
 ORDER BY n;

-- name: cat_movie_fill :exec
WITH filled AS (
    UPDATE movie AS m
       SET synopsis = CASE m.synopsis WHEN '' THEN l.synopsis
                                      ELSE m.synopsis END,
           release_date = coalesce(m.release_date, l.release_date)
      FROM cat_movie AS l
     WHERE m.id = l.movie_id
       AND l.fills
       AND NOT l.added
       AND ((m.synopsis = '' AND l.synopsis <> '')
            OR (m.release_date IS NULL AND l.release_date IS NOT NULL))
    RETURNING m.id)
UPDATE cat_movie AS l
   SET changed = true
  FROM filled AS f
 WHERE f.id = l.movie_id;

-- name: cat_source_add :exec (source text)
INSERT INTO movie_source (source, key, movie_id, imported)
SELECT :source, key, movie_id, true
  FROM cat_movie
    ON CONFLICT (source, key) DO UPDATE SET imported = true
       WHERE NOT movie_source.imported;

-- name: cat_imdb_add :exec
INSERT INTO movie_source (source, key, movie_id)
SELECT 'imdb', imdb, movie_id
  FROM cat_movie
 WHERE imdb IS NOT NULL
    ON CONFLICT DO NOTHING;

-- name: cat_imdb_other :many
{{link_of_other:cat_movie, imdb}};

-- name: cat_genre_add :exec (first bigint, last bigint)
WITH linked AS (
    INSERT INTO movie_genre (movie_id, genre_id)
    SELECT l.movie_id, g.id
      FROM cat_movie AS l
     CROSS JOIN unnest(l.genres) AS n (name)
      JOIN import_genre AS i ON i.name = n.name
      JOIN genre AS g ON g.slug = i.slug OR g.name = i.name
     WHERE l.no_genres
       AND l.n BETWEEN :first AND :last
        ON CONFLICT DO NOTHING
    RETURNING movie_id)
UPDATE cat_movie AS l
   SET changed = true
 WHERE NOT l.added
   AND l.movie_id IN (SELECT movie_id
                        FROM linked);

-- Credits of persons whose names are not in the files (IMDb: nm0000002).
-- name: cat_credit_unknown_skip :many
WITH unknown AS (
    DELETE FROM cat_credit AS c
     WHERE NOT EXISTS (SELECT
                         FROM cat_person AS q
                        WHERE q.number = c.person)
    RETURNING c.line, c.person)
SELECT line,
       format('there is no person nm%s', lpad(person::text, greatest(7, length(person::text)), '0')) AS why,
       {{skipped:unknown}};

-- What exists, and what a skipped movie would have.
-- name: cat_credit_prune :exec
DELETE FROM cat_credit AS c
 WHERE NOT EXISTS (SELECT
                     FROM cat_movie AS l
                    WHERE l.number = c.movie
                      AND CASE WHEN c.directs THEN l.no_directors
                               ELSE l.no_actors END);

-- name: cat_person_know :exec (source text)
UPDATE cat_person AS q
   SET person_id = s.person_id
  FROM person_source AS s
 WHERE s.source = :source
   AND s.key = q.key;

-- Persons of another import: the same name in the same role of the same movie,
-- if only one person fits.
-- name: cat_person_same :exec (source text)
UPDATE cat_person AS q
   SET person_id = f.person_id
  FROM (SELECT c.number, c.person_id,
               count(*) OVER (PARTITION BY c.number) AS persons,
               count(*) OVER (PARTITION BY c.person_id) AS numbers
          FROM (SELECT DISTINCT o.number, p.id AS person_id
                  FROM cat_movie AS l
                  JOIN (SELECT movie_id, person_id, true AS directs
                          FROM movie_director
                         UNION ALL
                        SELECT movie_id, person_id, false
                          FROM movie_actor) AS k ON k.movie_id = l.movie_id
                  JOIN person AS p ON p.id = k.person_id
                  JOIN cat_credit AS c
                    ON c.movie = l.number
                   AND c.directs = k.directs
                  JOIN cat_person AS o
                    ON o.number = c.person
                   AND fold_text(o.name) = p.name_fold
                 WHERE o.person_id IS NULL
                   AND NOT EXISTS (SELECT
                                     FROM person_source AS s
                                    WHERE s.source = :source
                                      AND s.person_id = p.id)) AS c) AS f
 WHERE f.number = q.number
   AND f.persons = 1
   AND f.numbers = 1;

-- name: cat_person_prune :exec
DELETE FROM cat_person AS q
 WHERE q.person_id IS NULL
   AND NOT EXISTS (SELECT
                     FROM cat_credit AS c
                    WHERE c.person = q.number);

-- name: cat_person_taken_skip :many
{{address_taken:cat_person, person}};

-- name: cat_person_reserve :exec
UPDATE cat_person AS q
   SET person_id = r.id,
       added = true
  FROM (SELECT o.number, nextval(pg_get_serial_sequence('person', 'id')) AS id
          FROM (SELECT number
                  FROM cat_person
                 WHERE person_id IS NULL
                 ORDER BY n) AS o) AS r
 WHERE r.number = q.number;

-- name: cat_person_add :exec (first bigint, last bigint)
INSERT INTO person (id, name, slug, gender)
SELECT person_id, name, slug, gender
  FROM cat_person
 WHERE added
   AND n BETWEEN :first AND :last
 ORDER BY n;

-- name: cat_person_source_add :exec (source text)
INSERT INTO person_source (source, key, person_id)
SELECT :source, key, person_id
  FROM cat_person
    ON CONFLICT DO NOTHING;

-- Of a person who is named several times in a movie, the first place counts.
-- fragment: credits_added(target, condition)
INSERT INTO {{target}} (movie_id, person_id, position)
SELECT l.movie_id, q.person_id, min(c.position)
  FROM cat_credit AS c
  JOIN cat_movie AS l ON l.number = c.movie
  JOIN cat_person AS q ON q.number = c.person
 WHERE {{condition}}
   AND c.n BETWEEN :first AND :last
 GROUP BY l.movie_id, q.person_id
    ON CONFLICT DO NOTHING

-- name: cat_director_add :exec (first bigint, last bigint)
{{credits_added:movie_director, c.directs}};

-- name: cat_actor_add :exec (first bigint, last bigint)
{{credits_added:movie_actor, NOT c.directs}};

-- name: cat_movie_changed :one
SELECT count(*) AS changed
  FROM cat_movie AS l
 WHERE NOT l.added
   AND (l.changed
        OR EXISTS (SELECT
                     FROM cat_credit AS c
                    WHERE c.movie = l.number));
