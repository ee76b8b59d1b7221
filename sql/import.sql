-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Bulk imports. An import is one transaction: files are copied into temporary
-- tables unchanged, and missing rows are inserted from there. Existing rows are
-- not changed, so a second run changes nothing; it uses no sequence values
-- either, because rows are looked up before they are inserted. Statements whose
-- names end in _skip or _other return what was skipped or dropped: line, reason,
-- and the total and the last line of all (at most 100 are returned).

-- What these have after line and reason.
-- fragment: skipped(lines)
count(*) OVER () AS total,
       max(line) OVER () AS last
  FROM {{lines}}
 ORDER BY line
 LIMIT 100

-- New movies or persons whose slug another one has.
-- fragment: address_taken(lines, target)
WITH taken AS (
    DELETE FROM {{lines}} AS l
     USING {{target}} AS t
     WHERE l.{{target}}_id IS NULL
       AND t.slug = l.slug
    RETURNING l.line, l.slug)
SELECT line,
       format('the address %s belongs to another {{target}}', slug) AS why,
       {{skipped:taken}}

-- Ids at another catalogue that another movie has.
-- fragment: link_of_other(lines, source)
WITH other AS (
    SELECT l.line, s.key
      FROM {{lines}} AS l
      JOIN movie_source AS s
        ON s.source = '{{source}}'
       AND s.key = l.{{source}}
       AND s.movie_id <> l.movie_id)
SELECT line,
       format('another movie has the id %s at {{source}}', key) AS why,
       {{skipped:other}}

-- Whether a path cannot be that of a picture below media_root: a part of it is
-- empty or begins with a dot, or it has control characters or is too long.
-- fragment: outside_media(path)
({{path}} ~ '(^|/)(\.|/|$)|[\x01-\x1f\x7f]' OR char_length({{path}}) > 255)

-- Whether a text is a password hash, "!" for none: of this program, or of one of the
-- kinds that the original has.
-- fragment: is_hash(password)
({{password}} ~ '^!|^\$argon2|^[a-z][a-z0-9_]{0,31}\$|^[0-9a-f]{32}$')

-- name: import_settings :script
SET LOCAL jit = off;
SET LOCAL work_mem = '64MB';
SET LOCAL idle_in_transaction_session_timeout = 0;

-- name: import_lock :one
SELECT pg_try_advisory_xact_lock(hashtextextended('moviesxmovies import', 0))
       AS mine;

-- For the plans of the first queries after the import.
-- name: import_analyze :script
SELECT analyze_imported();

-- After rows with ids of another database.
-- name: import_settle :script
SELECT settle_sequences();

-- name: import_genre_stage :exec
CREATE TEMPORARY TABLE import_genre (
    name text,
    slug text
) ON COMMIT DROP;

-- name: import_genre_copy :copy
COPY import_genre (name, slug)
FROM STDIN;

-- Of names that give the same slug the first one.
-- name: import_genre_add :exec
INSERT INTO genre (name, slug)
SELECT DISTINCT ON (slug) name, slug
  FROM import_genre AS l
 WHERE NOT EXISTS (SELECT
                     FROM genre AS g
                    WHERE g.slug = l.slug
                       OR g.name = l.name)
 ORDER BY slug, name;

-------------------------------------------------------------------------------
-- MovieLens
-------------------------------------------------------------------------------

-- name: ml_movie_stage :exec
CREATE TEMPORARY TABLE ml_movie (
    line         bigint,
    key          bigint,
    title        text,
    release_date date,
    slug         text,
    spare_slug   text,
    imdb         text,
    tmdb         text,
    genres       text[],
    movie_id     bigint,
    added        boolean NOT NULL DEFAULT false
) ON COMMIT DROP;

-- name: ml_key_stage :exec
CREATE TEMPORARY TABLE ml_key (
    key      bigint PRIMARY KEY,
    movie_id bigint
) ON COMMIT DROP;

-- name: ml_rating_stage :exec
CREATE TEMPORARY TABLE ml_rating (
    line      bigint,
    user_key  bigint,
    movie_key bigint,
    rating    smallint,
    rated_at  bigint
) ON COMMIT DROP;

-- name: ml_member_stage :exec
CREATE TEMPORARY TABLE ml_member (
    user_key bigint PRIMARY KEY,
    since    bigint,
    line     bigint,
    ratings  bigint,
    user_id  bigint,
    added    boolean NOT NULL DEFAULT false
) ON COMMIT DROP;

-- name: ml_movie_copy :copy
COPY ml_movie (line, key, title, release_date, slug, spare_slug, imdb, tmdb,
               genres)
FROM STDIN;

-- name: ml_rating_copy :copy
COPY ml_rating (line, user_key, movie_key, rating, rated_at)
FROM STDIN;

-- name: ml_movie_analyze :exec
ANALYZE ml_movie;

-- name: ml_movie_twice_skip :many
WITH twice AS (
    DELETE FROM ml_movie AS l
     USING (SELECT line, min(line) OVER (PARTITION BY key) AS first
              FROM ml_movie) AS f
     WHERE f.line = l.line
       AND f.first < l.line
    RETURNING l.line, l.key, f.first)
SELECT line,
       format('movie %s stands on line %s already', key, first) AS why,
       {{skipped:twice}};

-- name: ml_movie_know :exec
UPDATE ml_movie AS l
   SET movie_id = s.movie_id
  FROM movie_source AS s
 WHERE s.source = 'movielens'
   AND s.key = l.key::text;

-- Movies of another import, by their id there; at most one line per movie.
-- name: ml_movie_match :exec
UPDATE ml_movie AS l
   SET movie_id = f.movie_id
  FROM (SELECT DISTINCT ON (g.movie_id) g.line, g.movie_id
          FROM (SELECT DISTINCT ON (b.line) b.line, b.movie_id
                  FROM (SELECT l.line, s.movie_id, 1 AS rank
                          FROM ml_movie AS l
                          JOIN movie_source AS s
                            ON s.source = 'tmdb'
                           AND s.key = l.tmdb
                         WHERE l.movie_id IS NULL
                         UNION ALL
                        SELECT l.line, s.movie_id, 2
                          FROM ml_movie AS l
                          JOIN movie_source AS s
                            ON s.source = 'imdb'
                           AND s.key = l.imdb
                         WHERE l.movie_id IS NULL) AS b
                 ORDER BY b.line, b.rank) AS g
         WHERE NOT EXISTS (SELECT
                             FROM movie_source AS o
                            WHERE o.source = 'movielens'
                              AND o.movie_id = g.movie_id)
         ORDER BY g.movie_id, g.line) AS f
 WHERE f.line = l.line;

-- The same by title and year, if only one line and one movie fit, which no other id
-- contradicts: MovieLens has no directors.
-- name: ml_movie_same :exec
UPDATE ml_movie AS l
   SET movie_id = f.movie_id
  FROM (SELECT k.line, m.id AS movie_id,
               count(*) OVER (PARTITION BY k.line) AS movies,
               count(*) OVER (PARTITION BY m.id) AS lines
          FROM ml_movie AS k
          JOIN movie AS m
            ON m.title_fold = fold_text(k.title)
           AND extract(year FROM m.release_date) = extract(year FROM k.release_date)
         WHERE k.movie_id IS NULL
           AND NOT EXISTS (SELECT
                             FROM movie_source AS o
                            WHERE o.movie_id = m.id
                              AND (o.source = 'movielens'
                                   OR o.source = 'tmdb' AND o.key <> k.tmdb
                                   OR o.source = 'imdb' AND o.key <> k.imdb))) AS f
 WHERE f.line = l.line
   AND f.movies = 1
   AND f.lines = 1;

-- name: ml_movie_yield :exec
UPDATE ml_movie AS l
   SET slug = spare_slug
 WHERE movie_id IS NULL
   AND EXISTS (SELECT
                 FROM movie AS m
                WHERE m.slug = l.slug);

-- name: ml_movie_taken_skip :many
{{address_taken:ml_movie, movie}};

-- name: ml_movie_add :exec
INSERT INTO movie (slug, title, release_date)
SELECT slug, title, release_date
  FROM ml_movie
 WHERE movie_id IS NULL
 ORDER BY line;

-- name: ml_movie_added :exec
UPDATE ml_movie AS l
   SET movie_id = m.id,
       added = true
  FROM movie AS m
 WHERE m.slug = l.slug
   AND l.movie_id IS NULL;

-- name: ml_source_add :exec
INSERT INTO movie_source (source, key, movie_id)
SELECT 'movielens', key::text, movie_id
  FROM ml_movie
 UNION ALL
SELECT 'imdb', imdb, movie_id
  FROM ml_movie
 WHERE imdb IS NOT NULL
 UNION ALL
SELECT 'tmdb', tmdb, movie_id
  FROM ml_movie
 WHERE tmdb IS NOT NULL
    ON CONFLICT DO NOTHING;

-- name: ml_imdb_other :many
{{link_of_other:ml_movie, imdb}};

-- name: ml_tmdb_other :many
{{link_of_other:ml_movie, tmdb}};

-- name: ml_movie_genre_add :exec
INSERT INTO movie_genre (movie_id, genre_id)
SELECT l.movie_id, g.id
  FROM ml_movie AS l
 CROSS JOIN unnest(l.genres) AS n (name)
  JOIN import_genre AS n2 ON n2.name = n.name
  JOIN genre AS g ON g.slug = n2.slug OR g.name = n2.name
 WHERE l.added
    ON CONFLICT DO NOTHING;

-- Ratings may refer to movies of an earlier import.
-- name: ml_key_fill :exec
INSERT INTO ml_key (key, movie_id)
SELECT key::bigint, movie_id
  FROM movie_source
 WHERE source = 'movielens'
   AND key ~ '^[0-9]{1,18}$';

-- name: ml_rating_index :exec
CREATE INDEX ml_rating_line ON ml_rating USING brin (line);

-- name: ml_rating_analyze :exec
ANALYZE ml_rating;

-- name: ml_rating_unknown_skip :many
WITH unknown AS (
    DELETE FROM ml_rating AS l
     WHERE NOT EXISTS (SELECT
                         FROM ml_key AS k
                        WHERE k.key = l.movie_key)
    RETURNING l.line, l.movie_key)
SELECT line,
       format('there is no movie %s', movie_key) AS why,
       {{skipped:unknown}};

-- name: ml_rating_twice_skip :many
WITH twice AS (
    DELETE FROM ml_rating AS l
     USING (SELECT r.line,
                   min(r.line) OVER (PARTITION BY r.user_key, k.movie_id)
                   AS first
              FROM ml_rating AS r
              JOIN ml_key AS k ON k.key = r.movie_key) AS f
     WHERE f.line = l.line
       AND f.first < l.line
    RETURNING l.line, l.user_key, l.movie_key, f.first)
SELECT line,
       format('user %s rated movie %s on line %s already', user_key,
              movie_key, first) AS why,
       {{skipped:twice}};

-- name: ml_member_fill :exec
INSERT INTO ml_member (user_key, since, line, ratings)
SELECT user_key, min(rated_at), min(line), count(*)
  FROM ml_rating
 GROUP BY user_key;

-- name: ml_member_know :exec
UPDATE ml_member AS l
   SET user_id = a.id
  FROM account AS a
 WHERE lower(a.email) = 'ml' || l.user_key || '@movielens.invalid';

-- name: ml_member_taken_skip :many
WITH taken AS (
    DELETE FROM ml_member AS l
     USING account AS a
     WHERE l.user_id IS NULL
       AND a.username = 'ml' || l.user_key
    RETURNING l.line, l.user_key, l.ratings)
SELECT line,
       format('user name ml%s belongs to another account; ratings skipped: '
              '%s', user_key, ratings) AS why,
       {{skipped:taken}};

-- Only their ratings have no user then.
-- name: ml_rating_orphan :exec
DELETE FROM ml_rating AS l
 WHERE NOT EXISTS (SELECT
                     FROM ml_member AS u
                    WHERE u.user_key = l.user_key);

-- name: ml_member_add :exec
INSERT INTO account (username, email, verified, boarded, date_joined)
SELECT 'ml' || user_key, 'ml' || user_key || '@movielens.invalid', true, true,
       to_timestamp(since)
  FROM ml_member
 WHERE user_id IS NULL
 ORDER BY user_key;

-- name: ml_member_added :exec
UPDATE ml_member AS l
   SET user_id = a.id,
       added = true
  FROM account AS a
 WHERE a.username = 'ml' || l.user_key
   AND l.user_id IS NULL;

-- name: ml_member_analyze :exec
ANALYZE ml_member;

-- name: ml_rating_change :exec
UPDATE rating AS r
   SET rating = l.rating,
       created_at = to_timestamp(l.rated_at),
       updated_at = to_timestamp(l.rated_at)
  FROM ml_rating AS l
  JOIN ml_member AS u ON u.user_key = l.user_key AND NOT u.added
  JOIN ml_key AS k ON k.key = l.movie_key
 WHERE r.user_id = u.user_id
   AND r.movie_id = k.movie_id
   AND r.deleted_at IS NULL
   AND (r.rating <> l.rating OR r.created_at <> to_timestamp(l.rated_at));

-- In batches, because the server holds the pending foreign key checks of a
-- statement in memory.
-- name: ml_rating_add :exec (from_line bigint, to_line bigint)
INSERT INTO rating (user_id, movie_id, rating, created_at, updated_at)
SELECT u.user_id, k.movie_id, l.rating, to_timestamp(l.rated_at),
       to_timestamp(l.rated_at)
  FROM ml_rating AS l
  JOIN ml_member AS u ON u.user_key = l.user_key
  JOIN ml_key AS k ON k.key = l.movie_key
 WHERE l.line BETWEEN :from_line AND :to_line
   AND (u.added
        OR NOT EXISTS (SELECT
                         FROM rating AS r
                        WHERE r.user_id = u.user_id
                          AND r.movie_id = k.movie_id
                          AND r.deleted_at IS NULL))
 ORDER BY l.line
    ON CONFLICT (user_id, movie_id) WHERE deleted_at IS NULL DO NOTHING;

-------------------------------------------------------------------------------
-- The demonstration
--
-- A line of a file has the id of its row (NULL: none), and `added` if this
-- import inserts that row. References by key are in demo_link. Lines of kinds
-- that belong to users are `fresh` if the user is new; others are not imported.
-------------------------------------------------------------------------------

-- name: demo_line_stage :exec
CREATE TEMPORARY TABLE demo_line (
    kind  text,
    file  text,
    line  bigint,
    key   text,
    doc   jsonb,
    id    bigint,
    added boolean NOT NULL DEFAULT false,
    fresh boolean NOT NULL DEFAULT false
) ON COMMIT DROP;

-- name: demo_link_stage :exec
CREATE TEMPORARY TABLE demo_link (
    kind   text,
    line   bigint,
    role   text,
    place  bigint,
    target text,
    key    text,
    wanted boolean,
    id     bigint
) ON COMMIT DROP;

-- name: demo_line_copy :copy
COPY demo_line (kind, file, line, key, doc)
FROM STDIN;

-- (no LIMIT: one row for each skipped line)
-- name: demo_twice_skip :many
WITH twice AS (
    DELETE FROM demo_line AS l
     USING (SELECT kind, line,
                   min(line) OVER (PARTITION BY kind, key) AS first
              FROM demo_line) AS f
     WHERE f.kind = l.kind
       AND f.line = l.line
       AND f.first < l.line
    RETURNING l.kind, l.file, l.line, f.first)
SELECT kind, file, line,
       format('the same as on line %s', first) AS why,
       count(*) OVER () AS total
  FROM twice
 ORDER BY kind, line;

-- Roles with a single name are required: a line without them is skipped.
-- name: demo_link_fill :exec
INSERT INTO demo_link (kind, line, role, place, target, key, wanted)
SELECT l.kind, l.line, r.role, e.place, r.target, e.key,
       jsonb_typeof(l.doc -> r.role) = 'string'
  FROM demo_line AS l
  JOIN (VALUES ('movies', 'directors', 'persons'),
               ('movies', 'actors', 'persons'),
               ('movies', 'genres', 'genres'),
               ('movies', 'platforms', 'platforms'),
               ('awards', 'movies', 'movies'),
               ('awards', 'persons', 'persons'),
               ('members', 'platforms', 'platforms'),
               ('members', 'follows', 'persons'),
               ('friendships', 'user', 'members'),
               ('friendships', 'friend', 'members'),
               ('friend requests', 'from', 'members'),
               ('friend requests', 'to', 'members'),
               ('ratings', 'user', 'members'),
               ('ratings', 'movie', 'movies'),
               ('unseen', 'user', 'members'),
               ('unseen', 'movie', 'movies'),
               ('reviews', 'user', 'members'),
               ('reviews', 'movie', 'movies'),
               ('comments', 'user', 'members'),
               ('comments', 'review', 'reviews'),
               ('comments', 'reply_to', 'comments'),
               ('reactions', 'user', 'members'),
               ('reactions', 'review', 'reviews'),
               ('reactions', 'comment', 'comments'),
               ('lists', 'user', 'members'),
               ('lists', 'movies', 'movies')) AS r (kind, role, target)
    ON r.kind = l.kind
 CROSS JOIN jsonb_array_elements_text(
       CASE jsonb_typeof(l.doc -> r.role)
       WHEN 'array' THEN l.doc -> r.role
       WHEN 'string' THEN jsonb_build_array(l.doc -> r.role)
       ELSE '[]' END) WITH ORDINALITY AS e (key, place);

-- A repeated name in a list counts once.
-- name: demo_link_once :exec
DELETE FROM demo_link AS a
 USING demo_link AS b
 WHERE b.kind = a.kind
   AND b.line = a.line
   AND b.role = a.role
   AND b.key = a.key
   AND b.place < a.place;

-- (no LIMIT: one row for each skipped line)
-- name: demo_link_unknown_skip :many
WITH unknown AS (
    DELETE FROM demo_link AS k
     WHERE NOT k.wanted
       AND NOT EXISTS (SELECT
                         FROM demo_line AS t
                        WHERE t.kind = k.target
                          AND t.key = k.key)
    RETURNING k.kind, k.line, k.target, k.key)
SELECT l.kind, l.file, l.line,
       format('%s has no "%s"; the rest of the line counts', k.target, k.key)
       AS why,
       count(*) OVER () AS total
  FROM unknown AS k
  JOIN demo_line AS l ON l.kind = k.kind AND l.line = k.line
 ORDER BY l.kind, l.line;

-- Repeated until there are none, because a removed line may be referenced by
-- others (no LIMIT: one row for each skipped line).
-- name: demo_line_unknown_skip :many
WITH unknown AS (
    SELECT DISTINCT ON (k.kind, k.line) k.kind, k.line, k.target, k.key
      FROM demo_link AS k
     WHERE k.wanted
       AND NOT EXISTS (SELECT
                         FROM demo_line AS t
                        WHERE t.kind = k.target
                          AND t.key = k.key)
     ORDER BY k.kind, k.line, k.role),
gone AS (
    DELETE FROM demo_line AS l
     USING unknown AS k
     WHERE l.kind = k.kind
       AND l.line = k.line
    RETURNING l.kind, l.file, l.line, k.target, k.key)
SELECT kind, file, line,
       format('%s has no "%s"', target, key) AS why,
       count(*) OVER () AS total
  FROM gone
 ORDER BY kind, line;

-- name: demo_link_prune :exec
DELETE FROM demo_link AS k
 WHERE NOT EXISTS (SELECT
                     FROM demo_line AS l
                    WHERE l.kind = k.kind
                      AND l.line = k.line);

-- name: demo_link_resolve :exec
UPDATE demo_link AS k
   SET id = t.id
  FROM demo_line AS t
 WHERE t.kind = k.target
   AND t.key = k.key
   AND t.id IS DISTINCT FROM k.id;

-- Ids for the rows to be inserted, in the order of the lines.
-- name: demo_reserve :exec (kind text, relation text)
UPDATE demo_line AS l
   SET id = n.id,
       added = true
  FROM (SELECT o.line, nextval(pg_get_serial_sequence(:relation, 'id')) AS id
          FROM (SELECT line
                  FROM demo_line
                 WHERE kind = :kind
                   AND id IS NULL
                 ORDER BY line) AS o) AS n
 WHERE l.kind = :kind
   AND l.line = n.line;

-- The same for rows that belong to users.
-- name: demo_reserve_fresh :exec (kind text, relation text)
UPDATE demo_line AS l
   SET id = n.id,
       added = true
  FROM (SELECT o.line, nextval(pg_get_serial_sequence(:relation, 'id')) AS id
          FROM (SELECT line
                  FROM demo_line
                 WHERE kind = :kind
                   AND id IS NULL
                   AND fresh
                 ORDER BY line) AS o) AS n
 WHERE l.kind = :kind
   AND l.line = n.line;

-- name: demo_fresh :exec
UPDATE demo_line AS l
   SET fresh = true
  FROM demo_link AS k
  JOIN demo_line AS m ON m.kind = 'members' AND m.key = k.key AND m.added
 WHERE k.kind = l.kind
   AND k.line = l.line
   AND k.target = 'members';

-- name: demo_genre_know :exec
UPDATE demo_line AS l
   SET id = g.id
  FROM genre AS g
 WHERE l.kind = 'genres'
   AND (g.slug = l.key OR g.name = l.doc ->> 'name');

-- name: demo_genre_add :exec
INSERT INTO genre (id, slug, name)
SELECT id, key, doc ->> 'name'
  FROM demo_line
 WHERE kind = 'genres'
   AND added
 ORDER BY line;

-- name: demo_genre_translation_add :exec
INSERT INTO genre_translation (genre_id, language, name)
SELECT l.id, t.key, t.value
  FROM demo_line AS l
 CROSS JOIN jsonb_each_text(l.doc -> 'translations') AS t
 WHERE l.kind = 'genres'
   AND l.added
 ORDER BY l.line, t.key;

-- name: demo_platform_know :exec
UPDATE demo_line AS l
   SET id = p.id
  FROM platform AS p
 WHERE l.kind = 'platforms'
   AND (p.slug = l.key OR p.name = l.doc ->> 'name');

-- name: demo_platform_add :exec
INSERT INTO platform (id, slug, name, url, image)
SELECT id, key, doc ->> 'name', doc ->> 'url', doc ->> 'image'
  FROM demo_line
 WHERE kind = 'platforms'
   AND added
 ORDER BY line;

-- name: demo_person_know :exec
UPDATE demo_line AS l
   SET id = p.id
  FROM person AS p
 WHERE l.kind = 'persons'
   AND p.slug = l.key;

-- name: demo_person_add :exec
INSERT INTO person (id, slug, name, gender, birthday, deathday, biography,
                    image)
SELECT id, key, doc ->> 'name', coalesce((doc ->> 'gender')::integer, 0),
       (doc ->> 'birthday')::date, (doc ->> 'deathday')::date,
       coalesce(doc ->> 'biography', ''),
       coalesce(doc ->> 'image', 'person/default.png')
  FROM demo_line
 WHERE kind = 'persons'
   AND added
 ORDER BY line;

-- name: demo_person_translation_add :exec
INSERT INTO person_translation (person_id, language, biography)
SELECT l.id, t.key, t.value
  FROM demo_line AS l
 CROSS JOIN jsonb_each_text(l.doc -> 'translations') AS t
 WHERE l.kind = 'persons'
   AND l.added
 ORDER BY l.line, t.key;

-- name: demo_movie_know :exec
UPDATE demo_line AS l
   SET id = m.id
  FROM movie AS m
 WHERE l.kind = 'movies'
   AND m.slug = l.key;

-- name: demo_movie_add :exec
INSERT INTO movie (id, slug, title, release_date, synopsis, popularity, cover)
SELECT id, key, doc ->> 'title', (doc ->> 'release_date')::date,
       coalesce(doc ->> 'synopsis', ''),
       coalesce((doc ->> 'popularity')::double precision, 0),
       coalesce(doc ->> 'cover', 'movies/covers/no-movie.png')
  FROM demo_line
 WHERE kind = 'movies'
   AND added
 ORDER BY line;

-- name: demo_movie_translation_add :exec
INSERT INTO movie_translation (movie_id, language, title, synopsis)
SELECT l.id, t.key, coalesce(t.value ->> 'title', ''),
       coalesce(t.value ->> 'synopsis', '')
  FROM demo_line AS l
 CROSS JOIN jsonb_each(l.doc -> 'translations') AS t
 WHERE l.kind = 'movies'
   AND l.added
 ORDER BY l.line, t.key;

-- name: demo_movie_director_add :exec
INSERT INTO movie_director (movie_id, person_id, position)
SELECT l.id, k.id, k.place
  FROM demo_line AS l
  JOIN demo_link AS k
    ON k.kind = l.kind AND k.line = l.line AND k.role = 'directors'
 WHERE l.kind = 'movies'
   AND l.added
 ORDER BY l.line, k.place
    ON CONFLICT DO NOTHING;

-- name: demo_movie_actor_add :exec
INSERT INTO movie_actor (movie_id, person_id, position)
SELECT l.id, k.id, k.place
  FROM demo_line AS l
  JOIN demo_link AS k
    ON k.kind = l.kind AND k.line = l.line AND k.role = 'actors'
 WHERE l.kind = 'movies'
   AND l.added
 ORDER BY l.line, k.place
    ON CONFLICT DO NOTHING;

-- name: demo_movie_genre_add :exec
INSERT INTO movie_genre (movie_id, genre_id)
SELECT l.id, k.id
  FROM demo_line AS l
  JOIN demo_link AS k
    ON k.kind = l.kind AND k.line = l.line AND k.role = 'genres'
 WHERE l.kind = 'movies'
   AND l.added
 ORDER BY l.line, k.place
    ON CONFLICT DO NOTHING;

-- name: demo_movie_platform_add :exec
INSERT INTO movie_platform (movie_id, platform_id)
SELECT l.id, k.id
  FROM demo_line AS l
  JOIN demo_link AS k
    ON k.kind = l.kind AND k.line = l.line AND k.role = 'platforms'
 WHERE l.kind = 'movies'
   AND l.added
 ORDER BY l.line, k.place
    ON CONFLICT DO NOTHING;

-- name: demo_award_know :exec
UPDATE demo_line AS l
   SET id = a.id
  FROM award AS a
 WHERE l.kind = 'awards'
   AND (a.slug = l.key OR a.name = l.doc ->> 'name');

-- name: demo_award_add :exec
INSERT INTO award (id, slug, name, category, date, icon)
SELECT id, key, doc ->> 'name', coalesce(doc ->> 'category', ''),
       (doc ->> 'date')::date,
       coalesce(doc ->> 'icon', 'awards/no-award.png')
  FROM demo_line
 WHERE kind = 'awards'
   AND added
 ORDER BY line;

-- name: demo_movie_award_add :exec
INSERT INTO movie_award (movie_id, award_id)
SELECT k.id, l.id
  FROM demo_line AS l
  JOIN demo_link AS k
    ON k.kind = l.kind AND k.line = l.line AND k.role = 'movies'
 WHERE l.kind = 'awards'
   AND l.added
 ORDER BY l.line, k.place
    ON CONFLICT DO NOTHING;

-- name: demo_person_award_add :exec
INSERT INTO person_award (person_id, award_id)
SELECT k.id, l.id
  FROM demo_line AS l
  JOIN demo_link AS k
    ON k.kind = l.kind AND k.line = l.line AND k.role = 'persons'
 WHERE l.kind = 'awards'
   AND l.added
 ORDER BY l.line, k.place
    ON CONFLICT DO NOTHING;

-- name: demo_member_know :exec
UPDATE demo_line AS l
   SET id = a.id
  FROM account AS a
 WHERE l.kind = 'members'
   AND (a.username = l.key OR lower(a.email) = lower(l.doc ->> 'email'));

-- name: demo_member_add :exec
INSERT INTO account (id, username, email, password, first_name, last_name, bio,
                     picture, preferred_language, verified, boarded,
                     date_joined)
SELECT id, key, doc ->> 'email', coalesce(doc ->> 'hash', '!'),
       coalesce(doc ->> 'first_name', ''), coalesce(doc ->> 'last_name', ''),
       doc ->> 'bio', coalesce(doc ->> 'picture', 'users/default.png'),
       coalesce(doc ->> 'language', 'en'), true, true,
       (doc ->> 'joined')::timestamptz
  FROM demo_line
 WHERE kind = 'members'
   AND added
 ORDER BY line;

-- name: demo_account_platform_add :exec
INSERT INTO account_platform (user_id, platform_id, created_at)
SELECT l.id, k.id, (l.doc ->> 'joined')::timestamptz
  FROM demo_line AS l
  JOIN demo_link AS k
    ON k.kind = l.kind AND k.line = l.line AND k.role = 'platforms'
 WHERE l.kind = 'members'
   AND l.added
 ORDER BY l.line, k.place
    ON CONFLICT DO NOTHING;

-- name: demo_follow_add :exec
INSERT INTO follow (user_id, person_id, created_at)
SELECT l.id, k.id, (l.doc ->> 'joined')::timestamptz
  FROM demo_line AS l
  JOIN demo_link AS k
    ON k.kind = l.kind AND k.line = l.line AND k.role = 'follows'
 WHERE l.kind = 'members'
   AND l.added
 ORDER BY l.line, k.place
    ON CONFLICT DO NOTHING;

-- name: demo_friendship_add :exec
INSERT INTO friendship (user1_id, user2_id, created_at)
SELECT least(a.id, b.id), greatest(a.id, b.id),
       (l.doc ->> 'created_at')::timestamptz
  FROM demo_line AS l
  JOIN demo_link AS a
    ON a.kind = l.kind AND a.line = l.line AND a.role = 'user'
  JOIN demo_link AS b
    ON b.kind = l.kind AND b.line = l.line AND b.role = 'friend'
 WHERE l.kind = 'friendships'
   AND l.fresh
   AND a.id <> b.id
 ORDER BY l.line;

-- name: demo_request_add :exec
INSERT INTO friend_request (from_user_id, to_user_id, created_at)
SELECT a.id, b.id, (l.doc ->> 'created_at')::timestamptz
  FROM demo_line AS l
  JOIN demo_link AS a
    ON a.kind = l.kind AND a.line = l.line AND a.role = 'from'
  JOIN demo_link AS b
    ON b.kind = l.kind AND b.line = l.line AND b.role = 'to'
 WHERE l.kind = 'friend requests'
   AND l.fresh
   AND a.id <> b.id
   AND NOT EXISTS (SELECT
                     FROM friendship AS f
                    WHERE f.user1_id = least(a.id, b.id)
                      AND f.user2_id = greatest(a.id, b.id))
 ORDER BY l.line;

-- name: demo_rating_add :exec
INSERT INTO rating (user_id, movie_id, rating, created_at, updated_at)
SELECT u.id, m.id, (l.doc ->> 'rating')::smallint, t.at, t.at
  FROM demo_line AS l
 CROSS JOIN LATERAL (SELECT (l.doc ->> 'created_at')::timestamptz AS at) AS t
  JOIN demo_link AS u
    ON u.kind = l.kind AND u.line = l.line AND u.role = 'user'
  JOIN demo_link AS m
    ON m.kind = l.kind AND m.line = l.line AND m.role = 'movie'
 WHERE l.kind = 'ratings'
   AND l.fresh
 ORDER BY l.line;

-- name: demo_unseen_add :exec
INSERT INTO unseen (user_id, movie_id, created_at)
SELECT u.id, m.id, (l.doc ->> 'created_at')::timestamptz
  FROM demo_line AS l
  JOIN demo_link AS u
    ON u.kind = l.kind AND u.line = l.line AND u.role = 'user'
  JOIN demo_link AS m
    ON m.kind = l.kind AND m.line = l.line AND m.role = 'movie'
 WHERE l.kind = 'unseen'
   AND l.fresh
 ORDER BY l.line;

-- Existing reviews, because new users may have commented on them.
-- name: demo_review_know :exec
UPDATE demo_line AS l
   SET id = v.id
  FROM demo_link AS u
  JOIN live_review AS v ON v.user_id = u.id
  JOIN demo_link AS m ON m.id = v.movie_id
 WHERE l.kind = 'reviews'
   AND u.kind = l.kind AND u.line = l.line AND u.role = 'user'
   AND m.kind = l.kind AND m.line = l.line AND m.role = 'movie';

-- name: demo_review_add :exec
INSERT INTO review (id, user_id, movie_id, title, content, is_positive,
                    created_at, updated_at)
SELECT l.id, u.id, m.id, l.doc ->> 'title', l.doc ->> 'content',
       (l.doc ->> 'is_positive')::boolean, t.at, t.at
  FROM demo_line AS l
 CROSS JOIN LATERAL (SELECT (l.doc ->> 'created_at')::timestamptz AS at) AS t
  JOIN demo_link AS u
    ON u.kind = l.kind AND u.line = l.line AND u.role = 'user'
  JOIN demo_link AS m
    ON m.kind = l.kind AND m.line = l.line AND m.role = 'movie'
 WHERE l.kind = 'reviews'
   AND l.added
 ORDER BY l.line;

-- A comment requires its review, and a reply its comment and the same review.
-- name: demo_comment_add :exec
WITH RECURSIVE tree AS (
    SELECT l.line, l.id, v.id AS review_id, NULL::bigint AS reply_id
      FROM demo_line AS l
      JOIN demo_link AS v
        ON v.kind = l.kind AND v.line = l.line AND v.role = 'review'
     WHERE l.kind = 'comments'
       AND l.added
       AND v.id IS NOT NULL
       AND NOT l.doc ? 'reply_to'
     UNION ALL
    SELECT l.line, l.id, p.review_id, p.id
      FROM tree AS p
      JOIN demo_link AS k
        ON k.kind = 'comments' AND k.role = 'reply_to' AND k.id = p.id
      JOIN demo_line AS l ON l.kind = k.kind AND l.line = k.line AND l.added)
INSERT INTO comment (id, user_id, review_id, reply_comment_id, content,
                     created_at, updated_at)
SELECT c.id, u.id, c.review_id, c.reply_id, l.doc ->> 'content', t.at, t.at
  FROM tree AS c
  JOIN demo_line AS l ON l.kind = 'comments' AND l.line = c.line
 CROSS JOIN LATERAL (SELECT (l.doc ->> 'created_at')::timestamptz AS at) AS t
  JOIN demo_link AS u
    ON u.kind = l.kind AND u.line = l.line AND u.role = 'user'
 ORDER BY c.line;

-- name: demo_reaction_add :exec
INSERT INTO reaction (user_id, review_id, comment_id, emoji, created_at,
                      updated_at)
SELECT u.id, CASE WHEN k.id IS NULL THEN v.id END, k.id, l.doc ->> 'emoji',
       t.at, t.at
  FROM demo_line AS l
 CROSS JOIN LATERAL (SELECT (l.doc ->> 'created_at')::timestamptz AS at) AS t
  JOIN demo_link AS u
    ON u.kind = l.kind AND u.line = l.line AND u.role = 'user'
  JOIN demo_link AS v
    ON v.kind = l.kind AND v.line = l.line AND v.role = 'review'
  LEFT JOIN demo_link AS k
    ON k.kind = l.kind AND k.line = l.line AND k.role = 'comment'
 WHERE l.kind = 'reactions'
   AND l.fresh
   AND v.id IS NOT NULL
   AND (NOT l.doc ? 'comment'
        OR EXISTS (SELECT
                     FROM comment AS c
                    WHERE c.id = k.id))
 ORDER BY l.line;

-- name: demo_list_add :exec
INSERT INTO movielist (id, user_id, name, slug, description, privacity,
                       created_at, updated_at)
SELECT l.id, u.id, l.doc ->> 'name', l.doc ->> 'slug',
       coalesce(l.doc ->> 'description', ''),
       coalesce(l.doc ->> 'privacity', 'P'), t.at, t.at
  FROM demo_line AS l
 CROSS JOIN LATERAL (SELECT (l.doc ->> 'created_at')::timestamptz AS at) AS t
  JOIN demo_link AS u
    ON u.kind = l.kind AND u.line = l.line AND u.role = 'user'
 WHERE l.kind = 'lists'
   AND l.added
 ORDER BY l.line;

-- name: demo_list_movie_add :exec
INSERT INTO movielist_movie (movielist_id, movie_id, created_at)
SELECT l.id, k.id, (l.doc ->> 'created_at')::timestamptz
  FROM demo_line AS l
  JOIN demo_link AS k
    ON k.kind = l.kind AND k.line = l.line AND k.role = 'movies'
 WHERE l.kind = 'lists'
   AND l.added
 ORDER BY l.line, k.place;
