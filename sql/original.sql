-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- mxmctl import moviesxmovies: the database of the original service. Its tables
-- are copied into temporary tables of the same names, what does not fit into the
-- schema is changed or removed there, with a row in original_fault for each, and
-- the rows that are left are inserted with their ids. A row of the site with the
-- same id and the same time of creation is the same row, and is not changed.

-- What is read of the original. A column with a default may be missing there, and
-- so may a table all columns of which have one. is_there, and the target of a
-- reaction, are computed here.
-- name: original_stage :script
CREATE TEMPORARY TABLE users_user (
    id bigint, username text, email text, password text, first_name text,
    last_name text, bio text, picture text, preferred_language text DEFAULT 'en',
    verified boolean, boarded boolean, is_active boolean, is_staff boolean,
    date_joined timestamptz,
    is_there boolean NOT NULL DEFAULT false) ON COMMIT DROP;
CREATE TEMPORARY TABLE persons_person (
    id bigint, name text, slug text, image text, biography text, birthday date,
    deathday date, gender bigint, created_at timestamptz, updated_at timestamptz,
    deleted_at timestamptz,
    is_there boolean NOT NULL DEFAULT false) ON COMMIT DROP;
CREATE TEMPORARY TABLE persons_persontranslation (
    id bigint, person_id bigint, language text, biography text,
    created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now(),
    deleted_at timestamptz DEFAULT nullif(now(), now())) ON COMMIT DROP;
CREATE TEMPORARY TABLE genres_genre (
    id bigint, name text, slug text, created_at timestamptz,
    updated_at timestamptz, deleted_at timestamptz,
    is_there boolean NOT NULL DEFAULT false) ON COMMIT DROP;
CREATE TEMPORARY TABLE genres_genretranslation (
    id bigint DEFAULT 0, genre_id bigint DEFAULT 0, language text DEFAULT '',
    name text DEFAULT '', created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(), deleted_at timestamptz DEFAULT nullif(now(), now()))
    ON COMMIT DROP;
CREATE TEMPORARY TABLE platforms_platform (
    id bigint, name text, slug text, url text, image text,
    created_at timestamptz, updated_at timestamptz, deleted_at timestamptz,
    is_there boolean NOT NULL DEFAULT false) ON COMMIT DROP;
CREATE TEMPORARY TABLE awards_award (
    id bigint, name text, slug text, category text, icon text, date date,
    created_at timestamptz, updated_at timestamptz, deleted_at timestamptz,
    is_there boolean NOT NULL DEFAULT false) ON COMMIT DROP;
CREATE TEMPORARY TABLE movies_movie (
    id bigint, title text, slug text, synopsis text, release_date date,
    cover text, popularity double precision, created_at timestamptz,
    updated_at timestamptz, deleted_at timestamptz,
    is_there boolean NOT NULL DEFAULT false) ON COMMIT DROP;
CREATE TEMPORARY TABLE movies_movietranslation (
    id bigint DEFAULT 0, movie_id bigint DEFAULT 0, language text DEFAULT '',
    title text DEFAULT '', synopsis text DEFAULT '', image text DEFAULT nullif('', ''),
    created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now(),
    deleted_at timestamptz DEFAULT nullif(now(), now())) ON COMMIT DROP;
CREATE TEMPORARY TABLE movies_movie_directors (
    id bigint, movie_id bigint, person_id bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE movies_movie_actors (
    id bigint, movie_id bigint, person_id bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE movies_movie_genres (
    id bigint, movie_id bigint, genre_id bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE movies_movie_platforms (
    id bigint, movie_id bigint, platform_id bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE movies_movie_awards (
    id bigint, movie_id bigint, award_id bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE persons_person_awards (
    id bigint, person_id bigint, award_id bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE ratings_rating (
    id bigint, user_id bigint, movie_id bigint, rating bigint,
    created_at timestamptz, updated_at timestamptz, deleted_at timestamptz,
    is_there boolean NOT NULL DEFAULT false) ON COMMIT DROP;
CREATE TEMPORARY TABLE users_user_unseen_movies (
    id bigint, user_id bigint, movie_id bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE users_user_following_person (
    id bigint, user_id bigint, person_id bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE users_user_platforms (
    id bigint, user_id bigint, platform_id bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE reviews_review (
    id bigint, user_id bigint, movie_id bigint, title text, content text,
    is_positive boolean, created_at timestamptz, updated_at timestamptz,
    deleted_at timestamptz,
    is_there boolean NOT NULL DEFAULT false) ON COMMIT DROP;
CREATE TEMPORARY TABLE reviews_comment (
    id bigint, user_id bigint, review_id bigint, reply_comment_id bigint,
    content text, created_at timestamptz, updated_at timestamptz,
    deleted_at timestamptz,
    is_there boolean NOT NULL DEFAULT false) ON COMMIT DROP;
CREATE TEMPORARY TABLE django_content_type (
    id bigint, app_label text, model text) ON COMMIT DROP;
CREATE TEMPORARY TABLE reviews_reaction (
    id bigint, user_id bigint, emoji text, content_type_id bigint,
    object_id bigint, created_at timestamptz, updated_at timestamptz,
    deleted_at timestamptz,
    review_id bigint DEFAULT nullif(0, 0), comment_id bigint DEFAULT nullif(0, 0),
    is_there boolean NOT NULL DEFAULT false) ON COMMIT DROP;
CREATE TEMPORARY TABLE movielists_movielist (
    id bigint, user_id bigint, name text, slug text, description text,
    privacity text, created_at timestamptz, updated_at timestamptz,
    deleted_at timestamptz,
    is_there boolean NOT NULL DEFAULT false) ON COMMIT DROP;
CREATE TEMPORARY TABLE movielists_movielist_movies (
    id bigint, movielist_id bigint, movie_id bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE users_friendship (
    id bigint, user1_id bigint, user2_id bigint, created_at timestamptz,
    is_there boolean NOT NULL DEFAULT false) ON COMMIT DROP;
CREATE TEMPORARY TABLE users_friendrequest (
    id bigint, from_user_id bigint, to_user_id bigint, status text,
    created_at timestamptz,
    is_there boolean NOT NULL DEFAULT false) ON COMMIT DROP;
CREATE TEMPORARY TABLE socialaccount_socialaccount (
    id bigint DEFAULT 0, user_id bigint DEFAULT 0, provider text DEFAULT '',
    uid text DEFAULT '', date_joined timestamptz DEFAULT now()) ON COMMIT DROP;

-- What did not fit. dropped: the row itself, else a value of it.
-- name: original_fault_stage :exec
CREATE TEMPORARY TABLE original_fault (
    source  text NOT NULL,
    id      bigint,
    sort    text NOT NULL,
    why     text NOT NULL,
    dropped boolean NOT NULL
) ON COMMIT DROP;

-- Words that are paths of the API.
-- name: original_word_stage :exec
CREATE TEMPORARY TABLE original_word (
    word text PRIMARY KEY
) ON COMMIT DROP;

-- Users who have asked each other.
-- name: original_mutual_stage :exec
CREATE TEMPORARY TABLE original_mutual (
    user1_id   bigint,
    user2_id   bigint,
    created_at timestamptz
) ON COMMIT DROP;

-- name: original_word_fill :exec (words text[])
INSERT INTO original_word (word)
SELECT DISTINCT unnest(:words::text[]);

-- Addresses whose domain identity_email() may change; no LIMIT: all of them.
-- name: original_addresses :many
SELECT id, email
  FROM users_user
 WHERE substring(email FROM '@[^@]*$') ~ '[^a-z0-9.@-]'
 ORDER BY id;

-- name: original_address_set :exec (ids bigint[], addresses text[])
UPDATE users_user AS s
   SET email = t.address
  FROM unnest(:ids::bigint[], :addresses::text[]) AS t (id, address)
 WHERE s.id = t.id;

-- Finds what does not fit. `s` is the row; a reason is an SQL expression.
-- name: original_check :script
CREATE OR REPLACE FUNCTION pg_temp.drop_rows(source text, condition text,
                                             sort text, why text)
    RETURNS void LANGUAGE plpgsql AS $f$
BEGIN
    EXECUTE format($q$
        WITH gone AS (DELETE FROM %1$I AS s WHERE %2$s RETURNING s.*)
        INSERT INTO original_fault (source, id, sort, why, dropped)
        SELECT %1$L, s.id, %3$L, %4$s, true FROM gone AS s
        $q$, source, condition, sort, why);
END $f$;
CREATE OR REPLACE FUNCTION pg_temp.change(source text, change text,
                                          condition text, sort text, why text)
    RETURNS void LANGUAGE plpgsql AS $f$
BEGIN
    EXECUTE format($q$
        INSERT INTO original_fault (source, id, sort, why, dropped)
        SELECT %1$L, s.id, %3$L, %4$s, false FROM %1$I AS s WHERE %2$s
        $q$, source, condition, sort, why);
    EXECUTE format('UPDATE %I AS s SET %s WHERE %s', source, change, condition);
END $f$;
-- The ids of all but the first of the rows that agree in the columns.
CREATE OR REPLACE FUNCTION pg_temp.later_ones(source text, columns text,
                                              first text, condition text)
    RETURNS text LANGUAGE sql AS $f$
    SELECT format($q$s.id IN (
        SELECT id
          FROM (SELECT id, row_number() OVER (PARTITION BY %s ORDER BY %s) AS n
                  FROM %I WHERE %s) AS t
         WHERE n > 1)$q$, columns, first, source, condition)
$f$;
CREATE OR REPLACE FUNCTION pg_temp.drop_twice(source text, columns text,
                                              first text)
    RETURNS void LANGUAGE sql AS $f$
    SELECT pg_temp.drop_rows(source,
        pg_temp.later_ones(source, columns, first, 'true'), 'there twice',
        format('%L', 'another row has the same '
                     || regexp_replace(columns, ', CASE.*', '')))
$f$;
CREATE OR REPLACE FUNCTION pg_temp.drop_orphans(source text, reference text,
                                                target text)
    RETURNS void LANGUAGE sql AS $f$
    SELECT pg_temp.drop_rows(source,
        format('NOT EXISTS (SELECT FROM %I AS t WHERE t.id = s.%I)', target,
               reference),
        'refers to what is not imported',
        format($q$format('%1$s %%s', s.%1$I)$q$, reference))
$f$;
-- An empty or long text, or, within a scope, one that another row has.
CREATE OR REPLACE FUNCTION pg_temp.fit_text(source text, name text, size integer,
                                            spare text, scope text)
    RETURNS void LANGUAGE plpgsql AS $f$
BEGIN
    PERFORM pg_temp.change(source, format('%I = %s', name, spare),
        format($q$btrim(coalesce(s.%I, '')) = ''$q$, name), 'empty text',
        format('%L', name || ' is empty'));
    PERFORM pg_temp.change(source, format('%1$I = left(s.%1$I, %2$s)', name, size),
        format('char_length(s.%I) > %s', name, size), 'text too long',
        format($q$format('%1$s has %%s characters', char_length(s.%1$I))$q$, name));
    IF scope IS NOT NULL THEN
        PERFORM pg_temp.change(source, format(
            $q$%1$I = left(s.%1$I, %2$s - char_length(s.id::text)) || '-' || s.id$q$,
            name, size - 1),
            pg_temp.later_ones(source, scope, 'id', 'true'), 'used twice',
            format($q$format('%1$s "%%s" is that of another row', s.%1$I)$q$, name));
    END IF;
END $f$;
CREATE OR REPLACE FUNCTION pg_temp.fit_picture(source text, name text,
                                               spare text)
    RETURNS void LANGUAGE plpgsql AS $f$
BEGIN
    EXECUTE format($q$UPDATE %1$I SET %2$I = %3$s WHERE coalesce(%2$I, '') = ''$q$,
        source, name, spare);
    PERFORM pg_temp.change(source, format('%I = %s', name, spare), format($q$
            s.%1$I !~* '\.(jpe?g|png|gif|webp|avif)$'
            OR {{outside_media:s.%1$I}}$q$, name),
        'no picture',
        format($q$format('%1$s "%%s"', left(s.%1$I, 100))$q$, name));
END $f$;
DO $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT c.relname AS source, a.attname AS name
          FROM pg_class AS c
          JOIN pg_attribute AS a ON a.attrelid = c.oid
         WHERE c.relnamespace = pg_my_temp_schema()
           AND a.attname IN ('id', 'created_at', 'date_joined', 'updated_at',
                             'deleted_at')
           AND c.relname NOT IN ('original_fault', 'original_mutual',
                                 'django_content_type')
         ORDER BY c.relname, a.attnum
    LOOP
        CASE item.name
        WHEN 'id' THEN
            EXECUTE format('ANALYZE %I', item.source);
            PERFORM pg_temp.drop_rows(item.source,
                's.id IS NULL OR s.id NOT BETWEEN 1 AND 9007199254740991',
                'id out of range', $q$'it is not from 1 to 2^53 - 1'$q$);
        WHEN 'created_at', 'date_joined' THEN
            PERFORM pg_temp.drop_rows(item.source, format(
                $q$s.%1$I IS NULL
                OR s.%1$I NOT BETWEEN '0001-01-01' AND '9999-12-31'$q$, item.name),
                'time out of range',
                format($q$format('%1$s %%s', s.%1$I)$q$, item.name));
        ELSE
            PERFORM pg_temp.change(item.source,
                format('%I = s.created_at', item.name), format(
                $q$s.%1$I NOT BETWEEN '0001-01-01' AND '9999-12-31'
                OR s.%1$I IS NULL AND %1$L = 'updated_at'$q$, item.name),
                'time out of range',
                format($q$format('%1$s %%s', s.%1$I)$q$, item.name));
        END CASE;
    END LOOP;
END $$;
-- Accounts
SELECT pg_temp.change('users_user',
    $$username = CASE WHEN s.username IN ('.', '..', '') THEN 'user' ELSE
        regexp_replace(s.username COLLATE "C",
        '[\x01-\x2a\x2c\x2f\x3a-\x3f\x5b-\x5e\x60\x7b-\x7f]', '_', 'g') END$$,
    $$s.username COLLATE "C" ~ '[\x01-\x2a\x2c\x2f\x3a-\x3f\x5b-\x5e\x60\x7b-\x7f]'
        OR s.username IN ('.', '..', '')$$,
    'user name changed', $$format('user name "%s"', s.username)$$);
SELECT pg_temp.change('users_user', $$username = s.username || '_' || s.id$$,
    $$EXISTS (SELECT FROM original_word AS w WHERE w.word = s.username)$$,
    'user name changed',
    $$format('user name "%s" is a path of the API', s.username)$$);
SELECT pg_temp.fit_text('users_user', 'username', 150, $$'user_' || s.id$$,
    'username');
SELECT pg_temp.change('users_user',
    $$email = format('user%s@moviesxmovies.invalid', s.id), verified = false$$,
    $$coalesce(s.email, '') COLLATE "C" !~ '^[^\x01-\x20\x7f@]+@[^\x01-\x20\x7f@]+$'
        OR char_length(s.email) > 254$$,
    'mail address replaced', $$'it is not a mail address'$$);
SELECT pg_temp.change('users_user',
    $$email = format('user%s@moviesxmovies.invalid', s.id), verified = false$$,
    pg_temp.later_ones('users_user', 'lower(email)',
        'verified DESC NULLS LAST, is_active DESC NULLS LAST, id', 'true'),
    'mail address replaced',
    $$'another account has it with other capital letters'$$);
SELECT pg_temp.change('users_user', 'bio = left(s.bio, 10000)',
    'char_length(s.bio) > 10000', 'text too long',
    $$format('bio has %s characters', char_length(s.bio))$$);
SELECT pg_temp.change('users_user', $$first_name = left(s.first_name, 150),
    last_name = left(s.last_name, 150)$$,
    'char_length(s.first_name) > 150 OR char_length(s.last_name) > 150',
    'text too long', $$'first or last name'$$);
SELECT pg_temp.fit_picture('users_user', 'picture', $$'users/default.png'$$);
SELECT pg_temp.change('users_user', $$preferred_language = 'en'$$,
    $$coalesce(s.preferred_language, '') NOT IN ('en', 'es', 'fr', 'de')$$,
    'unknown language', $$format('language "%s"', s.preferred_language)$$);
UPDATE users_user SET password = '!' WHERE coalesce(password, '') = '';
SELECT pg_temp.change('users_user',
    $$password = CASE WHEN {{is_hash:s.password}} THEN left(s.password, 255)
                      ELSE '!' END$$,
    $$s.password !~ '^!'
      AND s.password !~ '^pbkdf2_sha256\$[0-9]{1,7}\$[^$]{1,128}\$[A-Za-z0-9+/]{43}=$'$$,
    'unknown password hash',
    $$format('a hash of kind "%s": a new password must be requested by mail',
             coalesce(substring(s.password FROM '^([a-z][a-z0-9_]{0,31})\$'),
                      'unknown'))$$);
SELECT pg_temp.drop_orphans('socialaccount_socialaccount', 'user_id',
    'users_user');
SELECT pg_temp.drop_rows('socialaccount_socialaccount',
    $$char_length(coalesce(s.uid, '')) NOT BETWEEN 1 AND 255
      OR char_length(coalesce(s.provider, '')) NOT BETWEEN 1 AND 32$$,
    'unusable sign-in', $$'no user of a provider'$$);
SELECT pg_temp.drop_twice('socialaccount_socialaccount', 'provider, uid', 'id');
SELECT pg_temp.drop_twice('socialaccount_socialaccount', 'user_id, provider',
    'id');
-- The catalogue
SELECT pg_temp.change(t.source, format('%1$I = NULL', t.name),
    format($$s.%I NOT BETWEEN '0001-01-01' AND '9999-12-31'$$, t.name),
    'date out of range', format($$format('%1$s %%s', s.%1$I)$$, t.name))
  FROM (VALUES ('persons_person', 'birthday'), ('persons_person', 'deathday'),
               ('awards_award', 'date'), ('movies_movie', 'release_date'))
       AS t (source, name);
SELECT pg_temp.change(t.source,
    $$slug = regexp_replace(s.slug, '[/?#%[:cntrl:][:space:]]+', '-', 'g')$$,
    $$s.slug ~ '[/?#%[:cntrl:][:space:]]'$$, 'slug changed',
    $$format('slug "%s"', s.slug)$$),
       pg_temp.fit_text(t.source, 'slug', t.size, 's.id::text', 'slug')
  FROM (VALUES ('persons_person', 128), ('genres_genre', 32),
               ('platforms_platform', 32), ('awards_award', 32),
               ('movies_movie', 255)) AS t (source, size);
SELECT pg_temp.change('movies_movie', $$slug = s.slug || '-' || s.id$$,
    $$EXISTS (SELECT FROM original_word AS w WHERE w.word = s.slug)$$,
    'slug changed', $$format('slug "%s" is a path of the API', s.slug)$$);
SELECT pg_temp.change(t.source,
    format($$%1$I = regexp_replace(s.%1$I, '[\x01-\x1f\x7f-\x9f]+', ' ', 'g')$$, t.name),
    format($$s.%I ~ '[\x01-\x1f\x7f-\x9f]'$$, t.name), 'control characters',
    format($$format('%1$s "%%s"', s.%1$I)$$, t.name))
  FROM (VALUES ('persons_person', 'name'), ('genres_genre', 'name'),
               ('platforms_platform', 'name'), ('awards_award', 'name'),
               ('movies_movie', 'title'), ('movies_movietranslation', 'title'),
               ('genres_genretranslation', 'name')) AS t (source, name);
SELECT pg_temp.fit_text(t.source, t.name, t.size, 's.slug', t.scope)
  FROM (VALUES ('persons_person', 'name', 128, NULL),
               ('genres_genre', 'name', 32, 'name'),
               ('platforms_platform', 'name', 32, 'name'),
               ('awards_award', 'name', 32, 'name'),
               ('movies_movie', 'title', 255, NULL))
       AS t (source, name, size, scope);
SELECT pg_temp.fit_picture(t.source, t.name, t.spare)
  FROM (VALUES ('persons_person', 'image', $$'person/default.png'$$),
               ('platforms_platform', 'image', 'NULL'),
               ('awards_award', 'icon', $$'awards/no-award.png'$$),
               ('movies_movie', 'cover', $$'movies/covers/no-movie.png'$$),
               ('movies_movietranslation', 'image', 'NULL'))
       AS t (source, name, spare);
SELECT pg_temp.change('persons_person', 'gender = 0',
    'coalesce(s.gender, -1) NOT BETWEEN 0 AND 3', 'unknown gender',
    $$format('gender %s', s.gender)$$);
UPDATE platforms_platform SET url = NULL WHERE url = '';
SELECT pg_temp.change('platforms_platform', 'url = NULL',
    $$s.url !~* '^https?://' OR char_length(s.url) > 200$$, 'no web address',
    $$format('url "%s"', left(s.url, 100))$$);
SELECT pg_temp.change('awards_award', $$category = ''$$,
    $$coalesce(s.category, '?') NOT IN ('', 'BP', 'BA', 'BD', 'IF', 'MA', 'WA',
        'SA', 'SX', 'DR', 'DD')$$,
    'unknown category', $$format('category "%s"', s.category)$$);
SELECT pg_temp.change('movies_movie', 'popularity = 0',
    $$coalesce(s.popularity, 'NaN') NOT BETWEEN 0 AND 1000000000$$,
    'popularity out of range', $$format('popularity %s', s.popularity)$$);
SELECT pg_temp.drop_rows(t.source,
    $$coalesce(s.language, '') NOT IN ('en', 'es', 'fr', 'de')$$,
    'unknown language', $$format('language "%s"', s.language)$$),
       pg_temp.drop_orphans(t.source, t.reference, t.target),
       pg_temp.drop_twice(t.source, t.reference || ', language', 'id')
  FROM (VALUES ('persons_persontranslation', 'person_id', 'persons_person'),
               ('genres_genretranslation', 'genre_id', 'genres_genre'),
               ('movies_movietranslation', 'movie_id', 'movies_movie'))
       AS t (source, reference, target);
SELECT pg_temp.change('genres_genretranslation', 'name = left(s.name, 32)',
    'char_length(s.name) > 32', 'text too long',
    $$format('name has %s characters', char_length(s.name))$$);
SELECT pg_temp.change('movies_movietranslation', 'title = left(s.title, 255)',
    'char_length(s.title) > 255', 'text too long',
    $$format('title has %s characters', char_length(s.title))$$);
-- Links
SELECT pg_temp.drop_orphans(t.source, t.one, t.of_one),
       pg_temp.drop_orphans(t.source, t.other, t.of_other),
       pg_temp.drop_twice(t.source, t.one || ', ' || t.other, 'id')
  FROM (VALUES ('movies_movie_directors', 'movie_id', 'movies_movie',
                'person_id', 'persons_person'),
               ('movies_movie_actors', 'movie_id', 'movies_movie',
                'person_id', 'persons_person'),
               ('movies_movie_genres', 'movie_id', 'movies_movie',
                'genre_id', 'genres_genre'),
               ('movies_movie_platforms', 'movie_id', 'movies_movie',
                'platform_id', 'platforms_platform'),
               ('movies_movie_awards', 'movie_id', 'movies_movie',
                'award_id', 'awards_award'),
               ('persons_person_awards', 'person_id', 'persons_person',
                'award_id', 'awards_award'),
               ('users_user_unseen_movies', 'user_id', 'users_user',
                'movie_id', 'movies_movie'),
               ('users_user_following_person', 'user_id', 'users_user',
                'person_id', 'persons_person'),
               ('users_user_platforms', 'user_id', 'users_user',
                'platform_id', 'platforms_platform'))
       AS t (source, one, of_one, other, of_other);
-- Ratings
SELECT pg_temp.drop_rows('ratings_rating', 'coalesce(s.rating, 0) NOT BETWEEN 1 AND 5',
    'rating out of range', $$format('rating %s', s.rating)$$);
SELECT pg_temp.drop_orphans('ratings_rating', 'user_id', 'users_user');
SELECT pg_temp.drop_orphans('ratings_rating', 'movie_id', 'movies_movie');
SELECT pg_temp.drop_twice('ratings_rating',
    'user_id, movie_id, CASE WHEN deleted_at IS NULL THEN 0 ELSE id END',
    'updated_at DESC, id DESC');
-- Reviews, comments, reactions
SELECT pg_temp.drop_orphans('reviews_review', 'user_id', 'users_user');
SELECT pg_temp.drop_orphans('reviews_review', 'movie_id', 'movies_movie');
SELECT pg_temp.change(t.source, format($$%I = '…'$$, t.name),
    format($$btrim(coalesce(s.%I, ''), chr(32) || chr(9) || chr(13) || chr(10)) = ''$$,
        t.name), 'empty text', format('%L', t.name || ' is empty'))
  FROM (VALUES ('reviews_review', 'title'), ('reviews_review', 'content'),
               ('reviews_comment', 'content'), ('movielists_movielist', 'name'))
       AS t (source, name);
SELECT pg_temp.change(t.source, format('%1$I = left(s.%1$I, %2$s)', t.name, t.size),
    format('char_length(s.%I) > %s', t.name, t.size), 'text too long',
    format($$format('%1$s has %%s characters', char_length(s.%1$I))$$, t.name))
  FROM (VALUES ('reviews_review', 'title', 128),
               ('reviews_comment', 'content', 10000),
               ('movielists_movielist', 'name', 128),
               ('movielists_movielist', 'description', 10000))
       AS t (source, name, size);
SELECT pg_temp.change('reviews_review', 'deleted_at = now()',
    pg_temp.later_ones('reviews_review', 'user_id, movie_id', 'id DESC',
        'deleted_at IS NULL'),
    'second review', $$'the user has a newer review of the movie: deleted'$$);
SELECT pg_temp.drop_orphans('reviews_comment', 'user_id', 'users_user');
SELECT pg_temp.drop_orphans('reviews_comment', 'review_id', 'reviews_review');
-- A reply is newer than its comment: there are no circles.
SELECT pg_temp.change('reviews_comment', 'reply_comment_id = NULL',
    $$s.reply_comment_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM reviews_comment AS t
                       WHERE t.id = s.reply_comment_id
                         AND t.id < s.id
                         AND t.review_id = s.review_id)$$,
    'reply without its comment',
    $$format('comment %s is not an earlier one of the review',
             s.reply_comment_id)$$);
SELECT pg_temp.drop_rows('reviews_reaction',
    'NOT EXISTS (SELECT FROM emoji AS e WHERE e.code = s.emoji)',
    'unknown reaction', $$format('emoji "%s"', left(s.emoji, 32))$$);
SELECT pg_temp.drop_orphans('reviews_reaction', 'user_id', 'users_user');
UPDATE reviews_reaction AS s
   SET review_id = CASE c.model WHEN 'review' THEN s.object_id END,
       comment_id = CASE c.model WHEN 'comment' THEN s.object_id END
  FROM django_content_type AS c
 WHERE c.id = s.content_type_id
   AND c.app_label = 'reviews';
SELECT pg_temp.drop_rows('reviews_reaction',
    $$NOT EXISTS (SELECT FROM reviews_review AS t WHERE t.id = s.review_id)
      AND NOT EXISTS (SELECT FROM reviews_comment AS t WHERE t.id = s.comment_id)$$,
    'refers to what is not imported',
    $$format('object %s of content type %s', s.object_id, s.content_type_id)$$);
SELECT pg_temp.drop_twice('reviews_reaction', 'user_id, review_id, comment_id, '
    'emoji, CASE WHEN deleted_at IS NULL THEN 0 ELSE id END', 'id');
-- Lists
SELECT pg_temp.drop_orphans('movielists_movielist', 'user_id', 'users_user');
SELECT pg_temp.change('movielists_movielist', $$privacity = 'R'$$,
    $$coalesce(s.privacity, '') NOT IN ('P', 'F', 'R')$$, 'unknown privacy',
    $$format('privacity "%s": private', s.privacity)$$);
SELECT pg_temp.fit_text('movielists_movielist', 'slug', 128, 's.id::text',
    'user_id, slug, CASE WHEN deleted_at IS NULL THEN 0 ELSE id END');
SELECT pg_temp.drop_orphans('movielists_movielist_movies', 'movielist_id',
    'movielists_movielist');
SELECT pg_temp.drop_orphans('movielists_movielist_movies', 'movie_id',
    'movies_movie');
SELECT pg_temp.drop_twice('movielists_movielist_movies',
    'movielist_id, movie_id', 'id');
-- Friends: one row for two users. Both have asked: friends.
SELECT pg_temp.drop_orphans('users_friendship', 'user1_id', 'users_user');
SELECT pg_temp.drop_orphans('users_friendship', 'user2_id', 'users_user');
SELECT pg_temp.drop_orphans('users_friendrequest', 'from_user_id', 'users_user');
SELECT pg_temp.drop_orphans('users_friendrequest', 'to_user_id', 'users_user');
SELECT pg_temp.drop_rows('users_friendship', 's.user1_id = s.user2_id',
    'one user twice', $$format('user %s', s.user1_id)$$);
SELECT pg_temp.drop_rows('users_friendrequest', 's.from_user_id = s.to_user_id',
    'one user twice', $$format('user %s', s.from_user_id)$$);
SELECT pg_temp.drop_rows('users_friendrequest',
    $$coalesce(s.status, '') NOT IN ('P', 'A', 'R')$$, 'unknown status',
    $$format('status "%s"', s.status)$$);
UPDATE users_friendship
   SET user1_id = user2_id, user2_id = user1_id
 WHERE user1_id > user2_id;
SELECT pg_temp.drop_twice('users_friendship', 'user1_id, user2_id',
    'created_at, id');
INSERT INTO original_mutual
SELECT least(from_user_id, to_user_id) AS user1_id,
       greatest(from_user_id, to_user_id) AS user2_id,
       max(created_at) AS created_at
  FROM users_friendrequest
 WHERE status = 'P'
 GROUP BY 1, 2
HAVING count(DISTINCT from_user_id) > 1;
SELECT pg_temp.change('users_friendrequest', $$status = 'A'$$,
    $$s.status = 'P' AND EXISTS (
        SELECT FROM users_friendship AS f
         WHERE f.user1_id = least(s.from_user_id, s.to_user_id)
           AND f.user2_id = greatest(s.from_user_id, s.to_user_id))$$,
    'request of friends', $$'they are friends: accepted'$$);
SELECT pg_temp.change('users_friendrequest', $$status = 'A'$$,
    $$s.status = 'P' AND EXISTS (
        SELECT FROM original_mutual AS f
         WHERE f.user1_id = least(s.from_user_id, s.to_user_id)
           AND f.user2_id = greatest(s.from_user_id, s.to_user_id))$$,
    'requests in both directions', $$'both have asked: they are friends now'$$);
SELECT pg_temp.drop_rows('users_friendrequest',
    pg_temp.later_ones('users_friendrequest',
        'least(from_user_id, to_user_id), greatest(from_user_id, to_user_id)',
        $$status = 'P' DESC, created_at DESC, id DESC$$, 'true'),
    'requests in both directions', $$'one row is stored for two users'$$);

-- Marks the rows that an earlier import has inserted: same id and time.
-- name: original_there :script
DO $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT *
          FROM (VALUES ('users_user', 'account', 'date_joined'),
                       ('persons_person', 'person', 'created_at'),
                       ('genres_genre', 'genre', 'created_at'),
                       ('platforms_platform', 'platform', 'created_at'),
                       ('awards_award', 'award', 'created_at'),
                       ('movies_movie', 'movie', 'created_at'),
                       ('ratings_rating', 'rating', 'created_at'),
                       ('reviews_review', 'review', 'created_at'),
                       ('reviews_comment', 'comment', 'created_at'),
                       ('reviews_reaction', 'reaction', 'created_at'),
                       ('movielists_movielist', 'movielist', 'created_at'),
                       ('users_friendship', 'friendship', 'created_at'),
                       ('users_friendrequest', 'friend_request', 'created_at'))
               AS t (source, target, made)
    LOOP
        EXECUTE format('UPDATE %I AS s SET is_there = true FROM %I AS t '
                       'WHERE t.id = s.id AND t.%I = s.%I',
                       item.source, item.target, item.made, item.made);
    END LOOP;
END $$;

-- At most 20 of a sort, hence no LIMIT; `more` have no row here. dropped: the row
-- is skipped.
-- name: original_faults :many
SELECT source, coalesce(id, 0) AS id, sort, why, dropped,
       CASE WHEN n = 20 THEN total - n ELSE 0 END AS more,
       coalesce(last, 0) AS last
  FROM (SELECT f.*, count(*) OVER (PARTITION BY source, sort, dropped) AS total,
               max(id) OVER (PARTITION BY source, sort, dropped) AS last,
               row_number() OVER (PARTITION BY source, sort, dropped
                                  ORDER BY id) AS n
          FROM original_fault AS f) AS t
 WHERE n <= 20
 ORDER BY source, sort, dropped, id;

-- The pictures of all rows that are imported, without the default ones; no LIMIT:
-- each is copied.
-- name: original_pictures :many
SELECT path, min(source) AS source, min(id) AS id
  FROM (SELECT picture AS path, 'users_user' AS source, id FROM users_user
         UNION ALL
        SELECT image, 'persons_person', id FROM persons_person
         UNION ALL
        SELECT image, 'platforms_platform', id FROM platforms_platform
         UNION ALL
        SELECT icon, 'awards_award', id FROM awards_award
         UNION ALL
        SELECT cover, 'movies_movie', id FROM movies_movie
         UNION ALL
        SELECT image, 'movies_movietranslation', id
          FROM movies_movietranslation) AS t
 WHERE path NOT IN ('users/default.png', 'person/default.png',
                    'awards/no-award.png', 'movies/covers/no-movie.png')
 GROUP BY path
 ORDER BY path;

-- An account that was never verified is not deleted for it: confirmed_at.
-- name: original_account_add :exec
INSERT INTO account (id, username, email, password, first_name, last_name, bio,
                     picture, preferred_language, verified, boarded, active,
                     locked, staff, date_joined, confirmed_at)
SELECT id, username, email, password, coalesce(first_name, ''),
       coalesce(last_name, ''), bio, picture, preferred_language,
       coalesce(verified, false), coalesce(boarded, false),
       coalesce(is_active, true), NOT coalesce(is_active, true),
       coalesce(is_staff, false), date_joined,
       CASE WHEN verified THEN date_joined ELSE now() END
  FROM users_user
 WHERE NOT is_there
 ORDER BY id;

-- name: original_sign_in_add :exec
INSERT INTO provider_link (provider, subject, user_id, created_at)
SELECT provider, uid, user_id, coalesce(date_joined, now())
  FROM socialaccount_socialaccount AS s
 WHERE NOT EXISTS (SELECT
                     FROM provider_link AS l
                    WHERE l.provider = s.provider
                      AND (l.subject = s.uid OR l.user_id = s.user_id))
 ORDER BY id;

-- name: original_person_add :exec
INSERT INTO person (id, name, slug, image, biography, birthday, deathday, gender,
                    created_at, updated_at, deleted_at)
SELECT id, name, slug, image, coalesce(biography, ''), birthday, deathday, gender,
       created_at, updated_at, deleted_at
  FROM persons_person
 WHERE NOT is_there
 ORDER BY id;

-- name: original_genre_add :exec
INSERT INTO genre (id, name, slug, created_at, updated_at, deleted_at)
SELECT id, name, slug, created_at, updated_at, deleted_at
  FROM genres_genre
 WHERE NOT is_there
 ORDER BY id;

-- name: original_platform_add :exec
INSERT INTO platform (id, name, slug, url, image, created_at, updated_at,
                      deleted_at)
SELECT id, name, slug, url, image, created_at, updated_at, deleted_at
  FROM platforms_platform
 WHERE NOT is_there
 ORDER BY id;

-- name: original_award_add :exec
INSERT INTO award (id, name, slug, category, icon, date, created_at, updated_at,
                   deleted_at)
SELECT id, name, slug, category, icon, date, created_at, updated_at, deleted_at
  FROM awards_award
 WHERE NOT is_there
 ORDER BY id;

-- name: original_movie_add :exec
INSERT INTO movie (id, slug, title, synopsis, release_date, cover, popularity,
                   created_at, updated_at, deleted_at)
SELECT id, slug, title, coalesce(synopsis, ''), release_date, cover, popularity,
       created_at, updated_at, deleted_at
  FROM movies_movie
 WHERE NOT is_there
 ORDER BY id;

-- name: original_person_translation_add :exec
INSERT INTO person_translation (person_id, language, biography, created_at,
                                updated_at, deleted_at)
SELECT person_id, language, coalesce(biography, ''), created_at, updated_at,
       deleted_at
  FROM persons_persontranslation AS s
 WHERE NOT EXISTS (SELECT
                     FROM person_translation AS t
                    WHERE t.person_id = s.person_id
                      AND t.language = s.language)
 ORDER BY id;

-- name: original_genre_translation_add :exec
INSERT INTO genre_translation (genre_id, language, name, created_at, updated_at,
                               deleted_at)
SELECT genre_id, language, coalesce(name, ''), created_at, updated_at, deleted_at
  FROM genres_genretranslation AS s
 WHERE NOT EXISTS (SELECT
                     FROM genre_translation AS t
                    WHERE t.genre_id = s.genre_id
                      AND t.language = s.language)
 ORDER BY id;

-- name: original_movie_translation_add :exec
INSERT INTO movie_translation (movie_id, language, title, synopsis, image,
                               created_at, updated_at, deleted_at)
SELECT movie_id, language, coalesce(title, ''), coalesce(synopsis, ''), image,
       created_at, updated_at, deleted_at
  FROM movies_movietranslation AS s
 WHERE NOT EXISTS (SELECT
                     FROM movie_translation AS t
                    WHERE t.movie_id = s.movie_id
                      AND t.language = s.language)
 ORDER BY id;

-- The order of the credits is that of the links.
-- name: original_director_add :exec
INSERT INTO movie_director (movie_id, person_id, position)
SELECT movie_id, person_id,
       row_number() OVER (PARTITION BY movie_id ORDER BY id)
  FROM movies_movie_directors
    ON CONFLICT DO NOTHING;

-- name: original_actor_add :exec
INSERT INTO movie_actor (movie_id, person_id, position)
SELECT movie_id, person_id,
       row_number() OVER (PARTITION BY movie_id ORDER BY id)
  FROM movies_movie_actors
    ON CONFLICT DO NOTHING;

-- name: original_movie_genre_add :exec
INSERT INTO movie_genre (movie_id, genre_id)
SELECT movie_id, genre_id
  FROM movies_movie_genres
    ON CONFLICT DO NOTHING;

-- name: original_movie_platform_add :exec
INSERT INTO movie_platform (movie_id, platform_id)
SELECT movie_id, platform_id
  FROM movies_movie_platforms
    ON CONFLICT DO NOTHING;

-- name: original_movie_award_add :exec
INSERT INTO movie_award (movie_id, award_id)
SELECT movie_id, award_id
  FROM movies_movie_awards
    ON CONFLICT DO NOTHING;

-- name: original_person_award_add :exec
INSERT INTO person_award (person_id, award_id)
SELECT person_id, award_id
  FROM persons_person_awards
    ON CONFLICT DO NOTHING;

-- name: original_follow_add :exec
INSERT INTO follow (user_id, person_id)
SELECT user_id, person_id
  FROM users_user_following_person
 ORDER BY id
    ON CONFLICT DO NOTHING;

-- name: original_account_platform_add :exec
INSERT INTO account_platform (user_id, platform_id)
SELECT user_id, platform_id
  FROM users_user_platforms
 ORDER BY id
    ON CONFLICT DO NOTHING;

-- name: original_unseen_add :exec
INSERT INTO unseen (user_id, movie_id)
SELECT user_id, movie_id
  FROM users_user_unseen_movies
 ORDER BY id
    ON CONFLICT DO NOTHING;

-- name: original_friendship_add :exec
INSERT INTO friendship (id, user1_id, user2_id, created_at)
SELECT id, user1_id, user2_id, created_at
  FROM users_friendship
 WHERE NOT is_there
 ORDER BY id;

-- After settle_sequences(), since the rows have no id.
-- name: original_mutual_add :exec
INSERT INTO friendship (user1_id, user2_id, created_at)
SELECT user1_id, user2_id, created_at
  FROM original_mutual AS s
 WHERE NOT EXISTS (SELECT
                     FROM friendship AS f
                    WHERE f.user1_id = s.user1_id
                      AND f.user2_id = s.user2_id);

-- name: original_request_add :exec
INSERT INTO friend_request (id, from_user_id, to_user_id, status, created_at)
SELECT id, from_user_id, to_user_id, status, created_at
  FROM users_friendrequest
 WHERE NOT is_there
 ORDER BY id;

-- name: original_rating_pages :one
SELECT pg_relation_size('ratings_rating')
       / current_setting('block_size')::bigint AS pages;

-- In batches of pages, because the server holds the pending foreign key checks
-- of a statement in memory.
-- name: original_rating_add :exec (from_page bigint, to_page bigint)
INSERT INTO rating (id, user_id, movie_id, rating, created_at, updated_at,
                    deleted_at)
SELECT id, user_id, movie_id, rating, created_at, updated_at, deleted_at
  FROM ratings_rating
 WHERE ctid >= format('(%s,0)', :from_page::bigint)::tid
   AND ctid < format('(%s,0)', :to_page::bigint)::tid
   AND NOT is_there;

-- name: original_review_add :exec
INSERT INTO review (id, user_id, movie_id, title, content, is_positive,
                    created_at, updated_at, deleted_at)
SELECT id, user_id, movie_id, title, content, coalesce(is_positive, true),
       created_at, updated_at, deleted_at
  FROM reviews_review
 WHERE NOT is_there
 ORDER BY id;

-- name: original_comment_add :exec
INSERT INTO comment (id, user_id, review_id, reply_comment_id, content,
                     created_at, updated_at, deleted_at)
SELECT id, user_id, review_id, reply_comment_id, content, created_at, updated_at,
       deleted_at
  FROM reviews_comment
 WHERE NOT is_there
 ORDER BY id;

-- name: original_reaction_add :exec
INSERT INTO reaction (id, user_id, review_id, comment_id, emoji, created_at,
                      updated_at, deleted_at)
SELECT id, user_id, review_id, comment_id, emoji, created_at, updated_at,
       deleted_at
  FROM reviews_reaction
 WHERE NOT is_there
 ORDER BY id;

-- name: original_list_add :exec
INSERT INTO movielist (id, user_id, name, slug, description, privacity,
                       created_at, updated_at, deleted_at)
SELECT id, user_id, name, slug, coalesce(description, ''), privacity, created_at,
       updated_at, deleted_at
  FROM movielists_movielist
 WHERE NOT is_there
 ORDER BY id;

-- name: original_list_movie_add :exec
INSERT INTO movielist_movie (movielist_id, movie_id, position, created_at)
SELECT m.movielist_id, m.movie_id, m.id, l.created_at
  FROM movielists_movielist_movies AS m
  JOIN movielists_movielist AS l ON l.id = m.movielist_id
 ORDER BY m.id
    ON CONFLICT DO NOTHING;
