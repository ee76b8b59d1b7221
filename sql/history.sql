-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Imports of what a user has stored at another site (Letterboxd, IMDb, Trakt) or
-- exported from a site of this program. The records of the files are copied to
-- history_line as JSON objects, whatever their format; the rest is done here, in
-- one transaction:
--
--   history_row     what a record says of a film, in the terms of this site
--   history_rating, history_review, history_list   what is to be written
--   history_skip    what could not be used, and why
--   history_count   numbers for the report
--
-- Films are only looked up, never created. Nothing that exists is changed, unless
-- :replace is true, and rows are looked up before they are inserted, so that a
-- second run changes nothing.

-------------------------------------------------------------------------------
-- The request and its job
-------------------------------------------------------------------------------

-- Stores a file and queues its job, unless another one has not ended. One that has
-- not ended after an hour is replaced: its job then finds nothing of its own.
-- name: history_start :one (viewer bigint, name text, file bytea, dry_run boolean,
--	replace boolean)
WITH started AS (
	INSERT INTO history AS h (user_id, job_id, name, file, dry_run, replace)
	SELECT id, nextval(pg_get_serial_sequence('job', 'id')), :name, :file,
	       :dry_run, :replace
	  FROM account
	 WHERE id = :viewer
	    ON CONFLICT (user_id) DO UPDATE
	   SET job_id = excluded.job_id,
	       requested_at = now(),
	       name = excluded.name,
	       file = excluded.file,
	       dry_run = excluded.dry_run,
	       replace = excluded.replace,
	       state = 'queued',
	       progress = 0,
	       failure = NULL,
	       detail = NULL,
	       report = NULL,
	       finished_at = NULL
	 WHERE h.state IN ('done', 'failed')
	    OR h.requested_at <= now() - interval '1 hour'
	RETURNING user_id, job_id
), queued AS (
	INSERT INTO job (id, name, payload)
	SELECT job_id, 'history', jsonb_build_object('account_id', user_id)
	  FROM started
)
SELECT CASE WHEN s.user_id IS NULL THEN 'exists' ELSE 'ok' END AS outcome
  FROM account AS a
  LEFT JOIN started AS s ON true
 WHERE a.id = :viewer;

-- The last import of the viewer; state NULL: none.
-- name: history_get :one (viewer bigint)
SELECT h.state, h.progress, h.name, h.dry_run, h.replace,
       {{micros:h.requested_at}} AS requested_at,
       {{micros:h.finished_at}} AS finished_at, h.failure, h.detail, h.report
  FROM account AS a
  LEFT JOIN history AS h ON h.user_id = a.id
 WHERE a.id = :viewer;

-- What a job is to import; no row: there is nothing any more.
-- name: history_take :one (job_id bigint)
UPDATE history
   SET state = 'running',
       progress = 0
 WHERE job_id = :job_id
   AND state IN ('queued', 'running')
RETURNING user_id, name, file, dry_run, replace;

-- name: history_progress :exec (job_id bigint, progress integer)
UPDATE history
   SET progress = :progress
 WHERE job_id = :job_id
   AND state = 'running';

-- The end: a report, or the reason of the failure. The file is deleted.
-- name: history_finish :exec (job_id bigint, report jsonb, failure text, detail text)
UPDATE history
   SET state = CASE WHEN :failure::text IS NULL THEN 'done' ELSE 'failed' END,
       progress = CASE WHEN :failure::text IS NULL THEN 100 ELSE progress END,
       file = NULL,
       failure = :failure,
       detail = :detail,
       report = :report,
       finished_at = now()
 WHERE job_id = :job_id
   AND state IN ('queued', 'running');

-- name: prune_histories :exec (lifetime bigint)
DELETE FROM history
 WHERE user_id IN (
	SELECT user_id
	  FROM history
	 WHERE finished_at < now() - :lifetime::bigint * interval '1 second'
	 ORDER BY finished_at
	 LIMIT 1000);

-------------------------------------------------------------------------------
-- Records
-------------------------------------------------------------------------------

-- name: history_settings :script
SET LOCAL jit = off;
SET LOCAL work_mem = '64MB';
SET LOCAL statement_timeout = '60s';
SET LOCAL lock_timeout = '10s';
SET LOCAL idle_in_transaction_session_timeout = 0;

-- One import of a user at a time.
-- name: history_lock :one (user_id bigint)
SELECT pg_advisory_xact_lock(hashtextextended('moviesxmovies history',
                                              :user_id))::text AS locked;

-- doc: NULL if the record is invalid, for the reason why; or if the whole file is not
-- used, with line 0 and the number of its records in last.
-- name: history_line_stage :exec
CREATE TEMPORARY TABLE history_line (
    file   text,
    line   bigint,
    last   bigint,
    format text,
    part   text,
    doc    jsonb,
    why    text
) ON COMMIT DROP;

-- day: at as it was written. score: half stars, 1 to 10. rank: which rating of a day
-- counts. twin: the first record with the same titles, year and ids; NULL: this one.
-- near: the film is of the year before or after.
-- name: history_row_stage :exec
CREATE TEMPORARY TABLE history_row (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    file       text,
    line       bigint,
    last       bigint,
    rank       integer NOT NULL DEFAULT 0,
    film       boolean NOT NULL DEFAULT true,
    title      text,
    other      text,
    fold       text,
    other_fold text,
    year       integer,
    imdb       text,
    tmdb       text,
    slug       text,
    twin       bigint,
    rating     text,
    scale      integer,
    score      integer,
    day        text,
    at         timestamptz,
    watched    boolean NOT NULL DEFAULT false,
    unseen     boolean NOT NULL DEFAULT false,
    list       text,
    place      bigint,
    heading    text,
    content    text,
    positive   boolean,
    spoiler    boolean NOT NULL DEFAULT false,
    movie_id   bigint,
    near       boolean NOT NULL DEFAULT false,
    reason     text,
    candidates bigint[]
) ON COMMIT DROP;

-- name: history_rating_stage :exec
CREATE TEMPORARY TABLE history_rating (
    movie_id bigint,
    score    integer,
    at       timestamptz
) ON COMMIT DROP;

-- name: history_review_stage :exec
CREATE TEMPORARY TABLE history_review (
    row_id   bigint,
    movie_id bigint,
    title    text,
    content  text,
    positive boolean,
    spoiler  boolean,
    at       timestamptz
) ON COMMIT DROP;

-- name: history_list_stage :exec
CREATE TEMPORARY TABLE history_list (
    key         text,
    name        text,
    description text,
    slug        text,
    at          timestamptz,
    cut         boolean NOT NULL DEFAULT false,
    list_id     bigint,
    private     boolean
) ON COMMIT DROP;

-- name: history_skip_stage :exec
CREATE TEMPORARY TABLE history_skip (
    file       text,
    line       bigint,
    last       bigint,
    what       text,
    reason     text,
    title      text,
    year       integer,
    detail     text,
    candidates bigint[]
) ON COMMIT DROP;

-- name: history_count_stage :exec
CREATE TEMPORARY TABLE history_count (
    what       text,
    read       bigint,
    added      bigint,
    changed    bigint,
    superseded bigint,
    skipped    bigint
) ON COMMIT DROP;

-- name: history_line_copy :copy
COPY history_line (file, line, last, format, part, doc, why)
FROM STDIN;

-- "1999", or "1999.0" as table programs write it.
-- fragment: history_year(t)
substring(btrim({{t}}), '^((18|19|20)[0-9][0-9])([.]0+)?$')::integer

-- "tt0114709", "114709" or "114709.0", as tt and at least seven digits.
-- fragment: history_imdb(t)
(SELECT 'tt' || lpad(d, greatest(7, length(d)), '0')
   FROM substring(btrim({{t}}), '^t*0*([0-9]{1,9})(?:[.]0+)?$') AS d
  WHERE d IS NOT NULL)

-- "862" or "862.0".
-- fragment: history_number(t)
substring(btrim({{t}}), '^0*([1-9][0-9]{0,17})([.]0+)?$')

-- Without line feeds and blanks at its ends.
-- fragment: history_line(t)
btrim(regexp_replace({{t}}, '\s+', ' ', 'g'))

-- White space and what is invisible, for btrim().
-- fragment: history_blanks
(' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(133) || chr(160)
 || chr(8203) || chr(8204) || chr(8205) || chr(8206) || chr(8207) || chr(8232)
 || chr(8233) || chr(8239) || chr(8288) || chr(12288) || chr(65279))

-- Letterboxd: a diary and reviews have the day on which a film was watched. A list
-- has two headers: the first one is that of its name.
-- name: history_letterboxd :exec
INSERT INTO history_row (file, line, last, rank, title, year, rating, scale, day,
                         watched, list, place, content)
SELECT l.file, l.line, l.last,
       CASE l.part WHEN 'ratings' THEN 3 WHEN 'diary' THEN 2 ELSE 1 END,
       l.doc ->> 'name', {{history_year:l.doc ->> 'year'}},
       l.doc ->> 'rating', 2,
       coalesce(nullif(l.doc ->> 'watched date', ''), l.doc ->> 'date'),
       l.part IN ('ratings', 'watched', 'diary', 'reviews'),
       CASE l.part WHEN 'watchlist' THEN 'watchlist'
                   WHEN 'list' THEN l.file END,
       l.line,
       regexp_replace(l.doc ->> 'review',
           '</?(a|b|i|u|em|strong|blockquote|p|br)( [^<>]*)?/?>', '', 'gi')
  FROM history_line AS l
 WHERE l.format = 'letterboxd'
   AND l.doc IS NOT NULL
   AND (l.part <> 'list' OR l.doc ? 'position')
 ORDER BY l.file, l.line;

-- IMDb: ratings have no position, but for those of 2017; what has one is the
-- watchlist, whose file may have a random name, or another list, also of persons. The
-- type of a title is in the language of the user, and was without spaces for some
-- time. Dates of 2017: "Sat Dec 31 00:00:00 2016".
-- name: history_imdb :exec
INSERT INTO history_row (file, line, last, film, title, other, year, imdb,
                         rating, scale, day, watched, list, place)
SELECT l.file, l.line, l.last,
       l.doc ->> 'const' NOT LIKE 'nm%'
       AND fold_text(coalesce(l.doc ->> 'title type', ''))
           !~ 'serie|episod|folge|game|videospiel|jeu|juego|gioco|jogo|podcast|music ?v',
       l.doc ->> 'title', l.doc ->> 'original title',
       {{history_year:l.doc ->> 'year'}}, {{history_imdb:l.doc ->> 'const'}},
       coalesce(l.doc ->> 'your rating', l.doc ->> 'you rated'), 1,
       CASE WHEN d.day ~ '^[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-3][0-9] .* [0-9]{4}$'
            THEN right(d.day, 4) || '-'
                 || lpad(((strpos('JanFebMarAprMayJunJulAugSepOctNovDec',
                                  substr(d.day, 5, 3)) + 2) / 3)::text, 2, '0')
                 || '-' || translate(substr(d.day, 9, 2), ' ', '0')
            ELSE d.day END,
       coalesce(l.doc ->> 'your rating', l.doc ->> 'you rated', '') <> '',
       CASE WHEN NOT l.doc ? 'position' OR l.part = 'ratings' THEN NULL
            WHEN l.part LIKE '%watchlist%'
              OR l.part ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
            THEN 'watchlist'
            ELSE l.file END,
       l.line
  FROM history_line AS l
 CROSS JOIN LATERAL (
	SELECT coalesce(nullif(l.doc ->> 'date rated', ''),
	                nullif(l.doc ->> 'date added', ''), l.doc ->> 'created') AS day
) AS d
 WHERE l.format = 'imdb'
   AND l.doc IS NOT NULL
 ORDER BY l.file, l.line;

-- Trakt: the kind of an entry is seen from its keys. A collection says nothing of
-- its owner's opinion, and comments that were liked are of others. The comment of
-- an entry is an object, or a text as other programs write it.
-- name: history_trakt :exec
INSERT INTO history_row (file, line, last, rank, film, title, year, imdb, tmdb,
                         rating, scale, day, watched, list, place, content, spoiler)
SELECT l.file, l.line, l.last,
       CASE WHEN l.doc ? 'rating' THEN 3 ELSE 1 END,
       coalesce(jsonb_typeof(l.doc -> 'movie') = 'object', false),
       coalesce(l.doc -> 'movie' ->> 'title', l.doc -> 'show' ->> 'title',
                l.doc -> 'person' ->> 'name'),
       {{history_year:coalesce(l.doc -> 'movie', l.doc -> 'show') ->> 'year'}},
       {{history_imdb:l.doc -> 'movie' -> 'ids' ->> 'imdb'}},
       {{history_number:l.doc -> 'movie' -> 'ids' ->> 'tmdb'}},
       coalesce(l.doc ->> 'rating', l.doc -> 'comment' -> 'user_stats' ->> 'rating',
                l.doc -> 'comment' ->> 'user_rating'), 1,
       coalesce(l.doc ->> 'rated_at', l.doc ->> 'watched_at',
                l.doc ->> 'last_watched_at', l.doc ->> 'listed_at',
                l.doc -> 'comment' ->> 'created_at', l.doc ->> 'created_at'),
       coalesce(l.doc ->> 'watched_at', l.doc ->> 'last_watched_at',
                l.doc ->> 'rating') IS NOT NULL,
       CASE WHEN l.doc ->> 'listed_at' IS NULL THEN NULL
            WHEN l.part LIKE '%watchlist%' THEN 'watchlist'
            ELSE l.file END,
       l.line,
       coalesce(l.doc -> 'comment' ->> 'comment',
                CASE jsonb_typeof(l.doc -> 'comment') WHEN 'string'
                     THEN l.doc ->> 'comment' END),
       coalesce(l.doc -> 'comment' ->> 'spoiler', l.doc ->> 'spoiler', '') = 'true'
  FROM history_line AS l
 WHERE l.format = 'trakt'
   AND (l.doc ? 'movie' OR l.doc ? 'show' OR l.doc ? 'episode' OR l.doc ? 'season'
        OR l.doc ? 'person')
   AND coalesce(l.doc ->> 'rating', l.doc ->> 'watched_at',
                l.doc ->> 'last_watched_at', l.doc ->> 'listed_at',
                l.doc ->> 'comment') IS NOT NULL
   AND NOT l.doc ? 'liked_at'
   AND coalesce(l.doc -> 'comment' ->> 'parent_id', '0') = '0'
 ORDER BY l.file, l.line;

-- The export of a site of this program. A review has a title of its own.
-- name: history_own :exec
INSERT INTO history_row (file, line, last, title, year, imdb, tmdb, slug, rating,
                         scale, day, unseen, list, place, heading, content,
                         positive, spoiler)
SELECT l.file, l.line, l.last,
       CASE l.part WHEN 'reviews' THEN l.doc ->> 'movie_title'
                   ELSE l.doc ->> 'title' END,
       {{history_year:l.doc ->> 'year'}}, {{history_imdb:l.doc ->> 'imdb'}},
       {{history_number:l.doc ->> 'tmdb'}}, l.doc ->> 'movie', l.doc ->> 'rating',
       2, l.doc ->> 'created_at', l.part = 'unseen',
       CASE l.part WHEN 'list_movies' THEN
            coalesce(l.doc ->> 'list_id', l.doc ->> 'list') END,
       l.line,
       CASE l.part WHEN 'reviews' THEN l.doc ->> 'title' END,
       l.doc ->> 'content',
       CASE l.doc ->> 'is_positive' WHEN 'true' THEN true
                                    WHEN 'false' THEN false END,
       coalesce(l.doc ->> 'spoiler', '') = 'true'
  FROM history_line AS l
 WHERE l.format = 'own'
   AND l.part IN ('ratings', 'reviews', 'list_movies', 'unseen')
   AND jsonb_typeof(l.doc -> 'movie') = 'string'
   AND l.doc ->> 'deleted_at' IS NULL
   AND (l.part <> 'list_movies'
        OR NOT EXISTS (SELECT
                         FROM history_line AS d
                        WHERE d.format = 'own'
                          AND d.part = 'lists'
                          AND d.doc ->> 'id' = l.doc ->> 'list_id'
                          AND d.doc ->> 'deleted_at' IS NOT NULL))
 ORDER BY l.file, l.line;

-- Ratings as half stars; texts without blanks at their ends, titles on one line; no
-- future, but for the hours of time zones.
-- name: history_row_check :exec
UPDATE history_row AS r
   SET score = CASE WHEN s.is_score THEN s.n::integer END,
       title = s.title,
       fold = s.fold,
       other_fold = s.other_fold,
       twin = nullif(s.first, s.id),
       rating = nullif(btrim(r.rating), ''),
       content = nullif(btrim(replace(r.content, chr(13) || chr(10), chr(10)),
                              {{history_blanks}}), ''),
       at = CASE WHEN s.at < now() THEN s.at
                 WHEN s.at < now() + interval '1 day' THEN now() END,
       reason = CASE WHEN NOT r.film THEN 'not_a_film'
                     WHEN coalesce(s.title, '') = ''
                      AND coalesce(r.imdb, r.tmdb) IS NULL THEN 'no_title'
                     WHEN btrim(r.rating) <> '' AND s.is_score IS NOT TRUE
                     THEN 'bad_rating' END
  FROM (SELECT id, title, fold, other_fold, at, n,
               n BETWEEN 1 AND 10 AND n = trunc(n) AS is_score,
               min(id) OVER (PARTITION BY fold, other_fold, year, imdb, tmdb, slug)
               AS first
          FROM (SELECT *, fold_text(title) AS fold,
                       fold_text({{history_line:other}}) AS other_fold
                  FROM (SELECT id, {{history_line:title}} AS title, other, year,
                               imdb, tmdb, slug, history_time(btrim(day)) AS at,
                               substring(btrim(rating),
                                   '^([0-9]{1,2}([.][0-9]{1,2})?)$')::numeric
                               * scale AS n
                          FROM history_row
                        OFFSET 0) AS scaled
                OFFSET 0) AS folded) AS s
 WHERE s.id = r.id;

-------------------------------------------------------------------------------
-- Films
-------------------------------------------------------------------------------

-- By the ids of other catalogues, if all of a record name the same film.
-- name: history_match_source :exec
UPDATE history_row AS r
   SET movie_id = CASE WHEN c.n = 1 THEN c.one END,
       reason = CASE WHEN c.n > 1 THEN 'ambiguous' END,
       candidates = CASE WHEN c.n > 1 THEN c.films END
  FROM (SELECT f.id, count(DISTINCT f.movie_id) AS n, min(f.movie_id) AS one,
               array_agg(DISTINCT f.movie_id) AS films
          FROM (SELECT w.id, s.movie_id
                  FROM history_row AS w
                  JOIN movie_source AS s ON s.source = 'imdb' AND s.key = w.imdb
                 WHERE w.reason IS NULL
                 UNION ALL
                SELECT w.id, s.movie_id
                  FROM history_row AS w
                  JOIN movie_source AS s ON s.source = 'tmdb' AND s.key = w.tmdb
                 WHERE w.reason IS NULL) AS f
          JOIN live_movie AS m ON m.id = f.movie_id
         GROUP BY f.id) AS c
 WHERE c.id = r.id;

-- By title, the original or a translation, and year; else by the year before or
-- after. A film that another catalogue knows by another id than the record has is
-- another film. Of several films the one with the same address is taken (an own
-- export has addresses), else none. Without a year on both sides title and address
-- have to be equal.
-- name: history_match_title :exec
WITH wanted AS (
	SELECT r.id, r.year, r.imdb, r.tmdb, r.slug, v.fold
	  FROM history_row AS r
	 CROSS JOIN LATERAL (VALUES (r.fold), (nullif(r.other_fold, r.fold)))
	         AS v (fold)
	 WHERE r.twin IS NULL
	   AND r.movie_id IS NULL
	   AND v.fold <> ''
), film AS (
	SELECT f.movie_id, extract(year FROM f.release_date)::integer AS year, t.fold
	  FROM movie_find AS f
	 CROSS JOIN LATERAL (VALUES (f.title), (f.title_en), (f.title_es),
	                            (f.title_fr), (f.title_de)) AS t (fold)
	 WHERE f.live
), hit AS (
	SELECT DISTINCT w.id, f.movie_id, m.slug = w.slug AS named,
	       CASE WHEN f.year IS NULL OR w.year IS NULL THEN
	                 CASE WHEN m.slug = w.slug AND f.year IS NULL
	                       AND w.year IS NULL THEN 0 ELSE 2 END
	            ELSE least(abs(f.year - w.year), 3) END AS distance
	  FROM wanted AS w
	  JOIN film AS f ON f.fold = w.fold
	  JOIN live_movie AS m ON m.id = f.movie_id
	 WHERE NOT EXISTS (SELECT
	                     FROM movie_source AS s
	                    WHERE s.movie_id = f.movie_id
	                      AND (s.source = 'imdb' AND s.key <> w.imdb
	                           OR s.source = 'tmdb' AND s.key <> w.tmdb))
), best AS (
	SELECT id, distance, count(*) AS n, min(movie_id) AS one,
	       count(*) FILTER (WHERE named) AS n_named,
	       min(movie_id) FILTER (WHERE named) AS named,
	       array_agg(movie_id ORDER BY movie_id) AS films
	  FROM (SELECT *, min(distance) OVER (PARTITION BY id) AS nearest
	          FROM hit) AS h
	 WHERE distance = nearest
	   AND distance < 3
	 GROUP BY id, distance
), chosen AS (
	SELECT id, distance, films,
	       CASE WHEN distance = 2 THEN NULL
	            WHEN n = 1 THEN one
	            WHEN n_named = 1 THEN named END AS movie_id
	  FROM best
)
UPDATE history_row AS r
   SET movie_id = c.movie_id,
       near = c.distance = 1 AND c.movie_id IS NOT NULL,
       reason = CASE WHEN c.movie_id IS NOT NULL THEN NULL
                     WHEN c.distance = 2 THEN 'no_year'
                     ELSE 'ambiguous' END,
       candidates = CASE WHEN c.movie_id IS NULL THEN c.films END
  FROM chosen AS c
 WHERE c.id = coalesce(r.twin, r.id)
   AND r.movie_id IS NULL
   AND r.reason IS NULL;

-- name: history_match_none :exec
UPDATE history_row
   SET reason = 'not_found'
 WHERE movie_id IS NULL
   AND reason IS NULL;

-- name: history_row_index :exec
CREATE INDEX history_row_movie ON history_row (movie_id);

-- name: history_row_analyze :exec
ANALYZE history_row;

-------------------------------------------------------------------------------
-- What is to be written
-------------------------------------------------------------------------------

-- The last rating of a film counts.
-- name: history_rating_fill :exec
INSERT INTO history_rating (movie_id, score, at)
SELECT DISTINCT ON (movie_id) movie_id, score, at
  FROM history_row
 WHERE movie_id IS NOT NULL
   AND score IS NOT NULL
 ORDER BY movie_id, at DESC NULLS LAST, rank DESC, id DESC;

-- A film that was watched and that the user has not rated goes into a list.
-- name: history_watched :exec (user_id bigint)
UPDATE history_row AS r
   SET list = 'watched',
       place = extract(epoch FROM coalesce(r.at, now()))
 WHERE r.watched
   AND r.list IS NULL
   AND r.movie_id IS NOT NULL
   AND NOT EXISTS (SELECT
                     FROM history_rating AS h
                    WHERE h.movie_id = r.movie_id)
   AND NOT EXISTS (SELECT
                     FROM live_rating AS o
                    WHERE o.user_id = :user_id
                      AND o.movie_id = r.movie_id);

-- A list without a name of its own has that of its file.
-- name: history_list_fill :exec
INSERT INTO history_list (key, name, description, slug, at)
SELECT 'watchlist', 'Watchlist', '', 'watchlist', NULL::timestamptz
 WHERE EXISTS (SELECT FROM history_row WHERE list = 'watchlist')
 UNION ALL
SELECT 'watched', 'Watched', '', 'watched', NULL
 WHERE EXISTS (SELECT FROM history_row WHERE list = 'watched')
 UNION ALL
SELECT DISTINCT ON (file) file, doc ->> 'name', doc ->> 'description', NULL,
       history_time(doc ->> 'date')
  FROM history_line
 WHERE format = 'letterboxd'
   AND part = 'list'
   AND NOT doc ? 'position'
 UNION ALL
SELECT doc ->> 'id', doc ->> 'name', doc ->> 'description',
       left(doc ->> 'slug', 128), history_time(doc ->> 'created_at')
  FROM history_line
 WHERE format = 'own'
   AND part = 'lists'
   AND doc ->> 'id' IS NOT NULL
   AND doc ->> 'deleted_at' IS NULL
 UNION ALL
SELECT r.list, coalesce(t.doc ->> 'name', replace(regexp_replace(r.list,
           '^(.*/)?(lists-)?(list-)?([0-9]+-)?(.*?)([.][a-z]+)?$', '\5'), '-', ' ')),
       t.doc ->> 'description', NULL, history_time(t.doc ->> 'created_at')
  FROM (SELECT DISTINCT list
          FROM history_row AS o
         WHERE list NOT IN ('watchlist', 'watched')
           AND film
           AND NOT EXISTS (SELECT
                             FROM history_line AS l
                            WHERE l.format = 'letterboxd'
                              AND l.part = 'list'
                              AND NOT l.doc ? 'position'
                              AND l.file = o.list)
           AND NOT EXISTS (SELECT
                             FROM history_line AS l
                            WHERE l.format = 'own'
                              AND l.part = 'lists'
                              AND l.doc ->> 'id' = o.list)) AS r
  LEFT JOIN LATERAL (
	SELECT doc
	  FROM history_line
	 WHERE format = 'trakt'
	   AND part IN ('lists-lists', 'lists')
	   AND doc -> 'ids' ->> 'trakt' = substring(r.list, 'list-([0-9]+)-')
	 ORDER BY line
	 LIMIT 1) AS t ON true;

-- Names and descriptions are cut to their maximum; lists of the same name get
-- different addresses.
-- name: history_list_name :exec
UPDATE history_list AS l
   SET name = n.name,
       description = left(replace(coalesce(l.description, ''), chr(13) || chr(10),
                                  chr(10)), 10000),
       cut = n.cut,
       slug = CASE WHEN n.number = 1 THEN n.slug
                   ELSE n.slug || '-' || n.number END,
       at = least(l.at, now())
  FROM (SELECT key, name, cut, slug,
               row_number() OVER (PARTITION BY slug
                                  ORDER BY key <> 'watchlist', key <> 'watched',
                                           key) AS number
          FROM (SELECT key, left(named, 128) AS name,
                       char_length(named) > 128
                       OR char_length(coalesce(description, '')) > 10000 AS cut,
                       coalesce(slug, nullif(history_slug(named), ''),
                                'list-' || left(md5(named), 8)) AS slug
                  FROM (SELECT *, coalesce(nullif(btrim(name, {{history_blanks}}),
                                                  ''), 'List') AS named
                          FROM history_list) AS a) AS b) AS n
 WHERE n.key = l.key;

-- Lists are private.
-- name: history_list_add :exec (user_id bigint)
WITH made AS (
	INSERT INTO movielist (user_id, name, slug, description, privacity,
	                       created_at, updated_at)
	SELECT :user_id, l.name, l.slug, l.description, 'R', coalesce(l.at, now()),
	       coalesce(l.at, now())
	  FROM history_list AS l
	 WHERE NOT EXISTS (SELECT
	                     FROM live_movielist AS o
	                    WHERE o.user_id = :user_id
	                      AND o.slug = l.slug)
	 ORDER BY l.key
	    ON CONFLICT (user_id, slug) WHERE deleted_at IS NULL DO NOTHING
	RETURNING id
)
INSERT INTO history_count
SELECT 'lists', (SELECT count(*) FROM history_list), count(*), 0, 0, 0
  FROM made;

-- name: history_list_know :exec (user_id bigint)
UPDATE history_list AS l
   SET list_id = o.id,
       private = o.privacity = 'R'
  FROM live_movielist AS o
 WHERE o.user_id = :user_id
   AND o.slug = l.slug;

-- Others see a list that is not private: nothing is added to it.
-- name: history_list_skip :exec
INSERT INTO history_skip (file, line, last, what, reason, title, year, detail)
SELECT r.file, r.line, r.last, 'list_movies', 'list_not_private', r.title, r.year,
       l.slug
  FROM history_row AS r
  JOIN history_list AS l ON l.key = r.list
 WHERE r.movie_id IS NOT NULL
   AND l.private IS NOT TRUE;

-- name: history_list_movie_add :exec
WITH entry AS (
	SELECT DISTINCT ON (l.list_id, r.movie_id) l.list_id, r.movie_id, r.place,
	       r.id, r.at
	  FROM history_row AS r
	  JOIN history_list AS l ON l.key = r.list
	 WHERE r.movie_id IS NOT NULL
	   AND l.private
	 ORDER BY l.list_id, r.movie_id, r.place, r.id
), added AS (
	INSERT INTO movielist_movie (movielist_id, movie_id, created_at)
	SELECT e.list_id, e.movie_id, coalesce(e.at, now())
	  FROM entry AS e
	 WHERE NOT EXISTS (SELECT
	                     FROM movielist_movie AS i
	                    WHERE i.movielist_id = e.list_id
	                      AND i.movie_id = e.movie_id)
	 ORDER BY e.list_id, e.place, e.id
	    ON CONFLICT DO NOTHING
	RETURNING movielist_id
), changed AS (
	UPDATE movielist
	   SET updated_at = now()
	 WHERE id IN (SELECT movielist_id FROM added)
)
INSERT INTO history_count
SELECT 'list_movies',
       (SELECT count(*) FROM history_row WHERE list IS NOT NULL),
       (SELECT count(*) FROM added), 0,
       (SELECT count(*)
          FROM history_row AS r
          JOIN history_list AS l ON l.key = r.list
         WHERE r.movie_id IS NOT NULL
           AND l.private) - (SELECT count(*) FROM entry),
       (SELECT count(*)
          FROM history_row
         WHERE list IS NOT NULL
           AND movie_id IS NULL) + (SELECT count(*)
                                      FROM history_skip
                                     WHERE what = 'list_movies');

-- name: history_unseen_add :exec (user_id bigint)
WITH mark AS (
	SELECT DISTINCT ON (movie_id) movie_id, at
	  FROM history_row
	 WHERE unseen
	   AND movie_id IS NOT NULL
	 ORDER BY movie_id, id
), added AS (
	INSERT INTO unseen (user_id, movie_id, created_at)
	SELECT :user_id, movie_id, coalesce(at, now())
	  FROM mark
	 ORDER BY movie_id
	    ON CONFLICT DO NOTHING
	RETURNING movie_id
)
INSERT INTO history_count
SELECT 'unseen', count(*), (SELECT count(*) FROM added), 0,
       count(movie_id) - (SELECT count(*) FROM mark),
       count(*) - count(movie_id)
  FROM history_row
 WHERE unseen
HAVING count(*) > 0;

-- Persons and platforms have neither a year nor another id: address and name have
-- to be equal.
-- fragment: history_named(part, thing, added)
WITH wanted AS (
	SELECT l.file, l.line, l.last, l.doc ->> 'name' AS name, p.id,
	       history_time(l.doc ->> 'created_at') AS at
	  FROM history_line AS l
	  LEFT JOIN live_{{thing}} AS p
	    ON p.slug = l.doc ->> '{{thing}}'
	   AND fold_text(p.name) = fold_text(l.doc ->> 'name')
	 WHERE l.format = 'own'
	   AND l.part = '{{part}}'
	   AND l.doc IS NOT NULL
), skipped AS (
	INSERT INTO history_skip (file, line, last, what, reason, title)
	SELECT file, line, last, '{{part}}', 'not_found', name
	  FROM wanted
	 WHERE id IS NULL
), added AS (
	INSERT INTO {{added}} (user_id, {{thing}}_id, created_at)
	SELECT :user_id, id, coalesce(least(min(at), now()), now())
	  FROM wanted
	 WHERE id IS NOT NULL
	 GROUP BY id
	 ORDER BY id
	    ON CONFLICT DO NOTHING
	RETURNING user_id
)
INSERT INTO history_count
SELECT '{{part}}', count(*), (SELECT count(*) FROM added), 0,
       count(id) - count(DISTINCT id), count(*) - count(id)
  FROM wanted
HAVING count(*) > 0

-- name: history_follow_add :exec (user_id bigint)
{{history_named:following, person, follow}};

-- name: history_platform_add :exec (user_id bigint)
{{history_named:platforms, platform, account_platform}};

-- The last review of a film counts. It is positive if its rating, or that of the
-- film, is at least three stars. The title is that of the film.
-- name: history_review_fill :exec (user_id bigint)
INSERT INTO history_review (row_id, movie_id, title, content, positive, spoiler, at)
SELECT DISTINCT ON (r.movie_id) r.id, r.movie_id,
       coalesce(nullif(left(btrim(r.heading, {{history_blanks}}), 128), ''),
                left(m.title, 128)),
       r.content,
       coalesce(r.positive, r.score >= 6, h.score >= 6, o.rating >= 3), r.spoiler,
       coalesce(r.at, now())
  FROM history_row AS r
  JOIN live_movie AS m ON m.id = r.movie_id
  LEFT JOIN history_rating AS h ON h.movie_id = r.movie_id
  LEFT JOIN live_rating AS o
    ON o.user_id = :user_id AND o.movie_id = r.movie_id
 WHERE r.content IS NOT NULL
 ORDER BY r.movie_id, r.at DESC NULLS LAST, r.id DESC;

-- A review that was removed here, by an administrator or its author, stays removed.
-- name: history_review_skip :exec (user_id bigint)
WITH refused AS (
	DELETE FROM history_review AS h
	 USING (SELECT i.row_id,
	               CASE WHEN char_length(i.content) > 10000 THEN 'too_long'
	                    WHEN i.positive IS NULL THEN 'no_rating'
	                    WHEN bool_or(o.deleted_at IS NULL) IS FALSE
	                     AND bool_or(o.content = i.content) THEN 'removed'
	               END AS reason
	          FROM history_review AS i
	          LEFT JOIN review AS o
	            ON o.user_id = :user_id AND o.movie_id = i.movie_id
	         GROUP BY i.row_id, i.content, i.positive) AS x
	 WHERE x.row_id = h.row_id
	   AND x.reason IS NOT NULL
	RETURNING x.row_id, x.reason
)
INSERT INTO history_skip (file, line, last, what, reason, title, year)
SELECT r.file, r.line, r.last, 'reviews', x.reason, r.title, r.year
  FROM refused AS x
  JOIN history_row AS r ON r.id = x.row_id;

-- name: history_review_add :exec (user_id bigint, replace boolean)
WITH changed AS (
	UPDATE review AS v
	   SET title = h.title,
	       content = h.content,
	       is_positive = h.positive,
	       spoiler = h.spoiler,
	       updated_at = now()
	  FROM history_review AS h
	 WHERE :replace
	   AND v.user_id = :user_id
	   AND v.movie_id = h.movie_id
	   AND v.deleted_at IS NULL
	   AND (v.title, v.content, v.is_positive, v.spoiler)
	       IS DISTINCT FROM (h.title, h.content, h.positive, h.spoiler)
	RETURNING v.id
), added AS (
	INSERT INTO review (user_id, movie_id, title, content, is_positive, spoiler,
	                    created_at, updated_at)
	SELECT :user_id, movie_id, title, content, positive, spoiler, at, at
	  FROM history_review AS h
	 WHERE NOT EXISTS (SELECT
	                     FROM review AS o
	                    WHERE o.user_id = :user_id
	                      AND o.movie_id = h.movie_id
	                      AND o.deleted_at IS NULL)
	 ORDER BY at, movie_id
	    ON CONFLICT (user_id, movie_id) WHERE deleted_at IS NULL DO NOTHING
	RETURNING id
), refused AS (
	SELECT count(*) AS n FROM history_skip WHERE what = 'reviews'
)
INSERT INTO history_count
SELECT 'reviews', count(*), (SELECT count(*) FROM added),
       (SELECT count(*) FROM changed),
       count(movie_id) - (SELECT count(*) FROM history_review) - r.n,
       count(*) - count(movie_id) + r.n
  FROM history_row
 CROSS JOIN refused AS r
 WHERE content IS NOT NULL
 GROUP BY r.n;

-- Half stars are rounded up. The last step: the films stay locked from here to the
-- end of the transaction.
-- name: history_rating_add :exec (user_id bigint, replace boolean)
WITH changed AS (
	UPDATE rating AS o
	   SET rating = (h.score + 1) / 2,
	       updated_at = now()
	  FROM history_rating AS h
	 WHERE :replace
	   AND o.user_id = :user_id
	   AND o.movie_id = h.movie_id
	   AND o.deleted_at IS NULL
	   AND o.rating <> (h.score + 1) / 2
	RETURNING o.id
), added AS (
	INSERT INTO rating (user_id, movie_id, rating, created_at, updated_at)
	SELECT :user_id, movie_id, (score + 1) / 2, coalesce(at, now()),
	       coalesce(at, now())
	  FROM history_rating AS h
	 WHERE NOT EXISTS (SELECT
	                     FROM rating AS o
	                    WHERE o.user_id = :user_id
	                      AND o.movie_id = h.movie_id
	                      AND o.deleted_at IS NULL)
	 ORDER BY at NULLS FIRST, movie_id
	    ON CONFLICT (user_id, movie_id) WHERE deleted_at IS NULL DO NOTHING
	RETURNING id
)
INSERT INTO history_count
SELECT 'ratings', count(*), (SELECT count(*) FROM added),
       (SELECT count(*) FROM changed),
       count(*) FILTER (WHERE reason IS NULL)
       - (SELECT count(*) FROM history_rating),
       count(*) FILTER (WHERE reason IS NOT NULL)
  FROM history_row
 WHERE rating IS NOT NULL;

-------------------------------------------------------------------------------
-- The report
-------------------------------------------------------------------------------

-- Records that could not be used at all.
-- name: history_skip_fill :exec
INSERT INTO history_skip (file, line, last, what, reason, title, year, detail,
                          candidates)
SELECT file, line, last,
       CASE WHEN content IS NOT NULL THEN 'reviews'
            WHEN rating IS NOT NULL THEN 'ratings'
            WHEN list IS NOT NULL THEN 'list_movies'
            WHEN unseen THEN 'unseen'
            ELSE 'watched' END,
       reason, left(coalesce(nullif(title, ''), imdb, tmdb), 255), year,
       CASE reason WHEN 'bad_rating' THEN
            left(rating, 40)
            || CASE WHEN rating ~ '^[0-9]+,[0-9]+$'
                    THEN ' (numbers are written with a decimal comma)' ELSE '' END
       END, candidates
  FROM history_row
 WHERE reason IS NOT NULL
 UNION ALL
SELECT file, line, last, 'records', 'bad_record', NULL, NULL, why, NULL
  FROM history_line
 WHERE why IS NOT NULL
   AND line > 0;

-- Records of which nothing is used: of whole files, and of those whose other records
-- are.
-- fragment: history_unused_rows
SELECT file, sum(n)::bigint AS n
  FROM (SELECT file, last AS n
          FROM history_line
         WHERE line = 0
         UNION ALL
        SELECT file, 1
          FROM history_line AS l
         WHERE doc IS NOT NULL
           AND NOT EXISTS (SELECT
                             FROM history_row AS r
                            WHERE r.file = l.file
                              AND r.line = l.line)
           AND NOT (part IN ('list', 'lists', 'lists-lists') AND doc ? 'name'
                    OR format = 'own' AND (part IN ('following', 'platforms')
                                           OR doc ->> 'deleted_at' IS NOT NULL))
       ) AS u
 GROUP BY file
 ORDER BY file COLLATE "C"
 LIMIT 100

-- fragment: history_skip_rows
SELECT *
  FROM history_skip
 ORDER BY file COLLATE "C", line, what

-- name: history_report :one
SELECT jsonb_build_object(
       'counts',
       (SELECT jsonb_object_agg(what, jsonb_build_object(
                   'read', read, 'added', added, 'changed', changed,
                   'there', read - added - changed - superseded - skipped,
                   'superseded', superseded, 'skipped', skipped))
          FROM history_count
         WHERE read > 0),
       'notes', jsonb_build_object(
           'rounded', (SELECT count(*) FROM history_rating WHERE score % 2 = 1),
           'near_year', (SELECT count(*) FROM history_row WHERE near),
           'bad_date', (SELECT count(*)
                          FROM history_row
                         WHERE btrim(day) <> ''
                           AND at IS NULL),
           'cut', (SELECT count(*) FROM history_list WHERE cut),
           'deleted', (SELECT count(*)
                         FROM history_line
                        WHERE format = 'own'
                          AND doc ->> 'deleted_at' IS NOT NULL)),
       'ignored',
       (SELECT coalesce(jsonb_agg(file ORDER BY file COLLATE "C"), '[]')
          FROM (SELECT file
                  FROM history_line
                 WHERE line = 0
                 ORDER BY file COLLATE "C"
                 LIMIT 100) AS i),
       'unused',
       (SELECT coalesce(jsonb_object_agg(file, n), '{}')
          FROM ({{history_unused_rows}}) AS u
         WHERE n > 0),
       'skipped', jsonb_build_object(
           'total', (SELECT count(*) FROM history_skip),
           'by_reason',
           (SELECT coalesce(jsonb_object_agg(reason, n), '{}')
              FROM (SELECT reason, count(*) AS n
                      FROM history_skip
                     GROUP BY reason) AS r),
           'first',
           (SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                       'file', s.file, 'line', s.line,
                       'last', nullif(s.last, s.line), 'what', s.what,
                       'reason', s.reason, 'title', s.title, 'year', s.year,
                       'detail', s.detail,
                       'candidates',
                       (SELECT jsonb_agg(jsonb_build_object('slug', m.slug,
                                   'title', m.title,
                                   'year', extract(year FROM m.release_date))
                                   ORDER BY m.slug)
                          FROM (SELECT *
                                  FROM live_movie
                                 WHERE id = ANY (s.candidates)
                                 ORDER BY id
                                 LIMIT 10) AS m)))
                     ORDER BY s.file COLLATE "C", s.line, s.what), '[]')
              FROM ({{history_skip_rows}} LIMIT 500) AS s))) AS report;

-- The same for mxmctl.
-- name: history_counts :many
SELECT what, read, added, changed, superseded, skipped
  FROM history_count
 WHERE read > 0
 ORDER BY what
 LIMIT 100;

-- name: history_reasons :many
SELECT kind, what, file, count(*) AS n, min(line) AS line, max(last) AS last,
       (sum(count(*)) OVER (PARTITION BY kind))::bigint AS total
  FROM (SELECT 'skipped' AS kind, replace(reason, '_', ' ') AS what, file, line,
               last
          FROM history_skip
         UNION ALL
        SELECT 'dropped', 'bad date', file, line, last
          FROM history_row
         WHERE btrim(day) <> ''
           AND at IS NULL
         UNION ALL
        SELECT 'adjusted', 'name or description of a list cut', 'lists', 0, 0
          FROM history_list
         WHERE cut) AS a
 GROUP BY kind, what, file
 ORDER BY kind DESC, what, file COLLATE "C"
 LIMIT 200;

-- name: history_unused :many
{{history_unused_rows}};

-- name: history_skips :many
SELECT s.file, s.line || coalesce('-' || nullif(s.last, s.line), '') AS lines,
       replace(s.reason, '_', ' ') || coalesce(': ' || s.detail, '')
       || coalesce(': "' || s.title || '"', '')
       || coalesce(' (' || s.year || ')', '')
       || coalesce(': ' || (SELECT string_agg(slug, ', ' ORDER BY slug)
                              FROM (SELECT slug
                                      FROM live_movie
                                     WHERE id = ANY (s.candidates)
                                     ORDER BY id
                                     LIMIT 10) AS m), '') AS why
  FROM ({{history_skip_rows}} LIMIT 100) AS s
 ORDER BY s.file COLLATE "C", s.line, s.what
 LIMIT 100;
