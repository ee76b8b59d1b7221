-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- mxmctl export and mxmctl import site: the rows of a site as JSON lines, one file
-- a kind. The members of a line are columns, and lists of rows of other tables
-- that belong to it. Not exported is what is computed from the rows (folded texts,
-- totals of ratings, models), and what ends with the site (sessions, codes, jobs).

-- name: site_begin :script
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL idle_in_transaction_session_timeout = 0;

-- Whether accounts are exported with their password hashes: on or off.
-- name: site_passwords :one (wanted text)
SELECT set_config('mxm.passwords', :wanted, true) AS wanted;

-- name: site_schema :one
SELECT max(number)::bigint AS number
  FROM migration;

-- The rows of a table that belong to row `id`, without generated columns.
-- fragment: site_rows(relation, parent, id, place)
(SELECT coalesce(jsonb_agg(to_jsonb(c) - ARRAY['{{parent}}', 'title_fold']
                           ORDER BY c.{{place}}), '[]')
   FROM {{relation}} AS c
  WHERE c.{{parent}} = {{id}})

-- name: site_persons :copy
COPY (
	SELECT row_to_json(t)
	  FROM (SELECT id, slug, name, image, biography, birthday, deathday, gender,
	               {{site_rows:person_translation, person_id, p.id, language}}
	               AS translations,
	               {{site_rows:person_source, person_id, p.id, source}} AS sources,
	               created_at, updated_at, deleted_at
	          FROM person AS p) AS t
	 ORDER BY id)
TO STDOUT;

-- name: site_genres :copy
COPY (
	SELECT row_to_json(t)
	  FROM (SELECT id, slug, name,
	               {{site_rows:genre_translation, genre_id, g.id, language}}
	               AS translations,
	               created_at, updated_at, deleted_at
	          FROM genre AS g) AS t
	 ORDER BY id)
TO STDOUT;

-- name: site_platforms :copy
COPY (
	SELECT row_to_json(t)
	  FROM (SELECT id, slug, name, url, image, created_at, updated_at, deleted_at
	          FROM platform) AS t
	 ORDER BY id)
TO STDOUT;

-- name: site_awards :copy
COPY (
	SELECT row_to_json(t)
	  FROM (SELECT id, slug, name, category, icon, date,
	               {{site_rows:person_award, award_id, a.id, person_id}}
	               AS persons,
	               created_at, updated_at, deleted_at
	          FROM award AS a) AS t
	 ORDER BY id)
TO STDOUT;

-- name: site_movies :copy
COPY (
	SELECT row_to_json(t)
	  FROM (SELECT id, slug, title, synopsis, release_date, cover, popularity,
	               {{site_rows:movie_genre, movie_id, m.id, genre_id}} AS genres,
	               {{site_rows:movie_platform, movie_id, m.id, platform_id}}
	               AS platforms,
	               {{site_rows:movie_award, movie_id, m.id, award_id}} AS awards,
	               {{site_rows:movie_director, movie_id, m.id, position}}
	               AS directors,
	               {{site_rows:movie_actor, movie_id, m.id, position}} AS actors,
	               {{site_rows:movie_translation, movie_id, m.id, language}}
	               AS translations,
	               {{site_rows:movie_source, movie_id, m.id, source}} AS sources,
	               created_at, updated_at, deleted_at
	          FROM movie AS m) AS t
	 ORDER BY id)
TO STDOUT;

-- name: site_accounts :copy
COPY (
	SELECT row_to_json(t)
	  FROM (SELECT id, username, email,
	               CASE current_setting('mxm.passwords')
	               WHEN 'on' THEN password ELSE '!' END AS password,
	               first_name, last_name, bio, picture, preferred_language,
	               verified, boarded, active, locked, staff, training, epoch, look,
	               old_username, older_usernames, renamed_at, translated_on,
	               translated, date_joined, confirmed_at, updated_at, removed_at
	          FROM account) AS t
	 ORDER BY id)
TO STDOUT;

-- name: site_sign_ins :copy
COPY (SELECT row_to_json(t) FROM provider_link AS t ORDER BY id)
TO STDOUT;

-- name: site_own_platforms :copy
COPY (SELECT row_to_json(t) FROM account_platform AS t
       ORDER BY user_id, platform_id)
TO STDOUT;

-- name: site_follows :copy
COPY (SELECT row_to_json(t) FROM follow AS t ORDER BY user_id, person_id)
TO STDOUT;

-- name: site_marks :copy
COPY (SELECT row_to_json(t) FROM unseen AS t ORDER BY user_id, movie_id)
TO STDOUT;

-- name: site_friendships :copy
COPY (SELECT row_to_json(t) FROM friendship AS t ORDER BY id)
TO STDOUT;

-- name: site_requests :copy
COPY (SELECT row_to_json(t) FROM friend_request AS t ORDER BY id)
TO STDOUT;

-- name: site_ratings :copy
COPY (SELECT row_to_json(t) FROM rating AS t ORDER BY id)
TO STDOUT;

-- name: site_reviews :copy
COPY (SELECT row_to_json(t) FROM review AS t ORDER BY id)
TO STDOUT;

-- name: site_comments :copy
COPY (SELECT row_to_json(t) FROM comment AS t ORDER BY id)
TO STDOUT;

-- name: site_reactions :copy
COPY (SELECT row_to_json(t) FROM reaction AS t ORDER BY id)
TO STDOUT;

-- name: site_lists :copy
COPY (
	SELECT row_to_json(t)
	  FROM (SELECT id, user_id, slug, name, description, privacity,
	               created_at, updated_at, deleted_at
	          FROM movielist) AS t
	 ORDER BY id)
TO STDOUT;

-- name: site_list_movies :copy
COPY (SELECT row_to_json(t) FROM movielist_movie AS t
       ORDER BY movielist_id, position, movie_id)
TO STDOUT;

-- name: site_trending :copy
COPY (SELECT row_to_json(t) FROM trend AS t ORDER BY place)
TO STDOUT;

-- Finished ones.
-- name: site_translations :copy
COPY (
	SELECT row_to_json(t)
	  FROM (SELECT id, digest, language, author_id, text, provider, not_before,
	               created_at
	          FROM translation
	         WHERE text IS NOT NULL) AS t
	 ORDER BY id)
TO STDOUT;

-- name: site_audit :copy
COPY (SELECT row_to_json(t) FROM audit AS t ORDER BY id)
TO STDOUT;

-- name: site_is_empty :one
SELECT NOT EXISTS (SELECT FROM account)
       AND NOT EXISTS (SELECT FROM movie)
       AND NOT EXISTS (SELECT FROM person)
       AND NOT EXISTS (SELECT FROM genre)
       AND NOT EXISTS (SELECT FROM platform)
       AND NOT EXISTS (SELECT FROM award) AS is_empty;

-- name: site_line_stage :exec
CREATE TEMPORARY TABLE site_line (
    kind text,
    line bigint,
    doc  jsonb
) ON COMMIT DROP;

-- name: site_line_copy :copy
COPY site_line (kind, line, doc)
FROM STDIN;

-- name: site_line_index :exec
CREATE INDEX site_line_kind ON site_line (kind, line);

-- name: site_line_analyze :exec
ANALYZE site_line;

-- The kind that the next script inserts.
-- name: site_kind :one (kind text)
SELECT set_config('mxm.kind', :kind, true) AS kind;

-- The tables of a kind: of its lines, and of the lists that are members of them.
-- fragment: site_tables
(VALUES
     ('persons', NULL, 'person', NULL),
     ('persons', 'translations', 'person_translation', 'person_id'),
     ('persons', 'sources', 'person_source', 'person_id'),
     ('genres', NULL, 'genre', NULL),
     ('genres', 'translations', 'genre_translation', 'genre_id'),
     ('platforms', NULL, 'platform', NULL),
     ('awards', NULL, 'award', NULL),
     ('awards', 'persons', 'person_award', 'award_id'),
     ('movies', NULL, 'movie', NULL),
     ('movies', 'genres', 'movie_genre', 'movie_id'),
     ('movies', 'platforms', 'movie_platform', 'movie_id'),
     ('movies', 'awards', 'movie_award', 'movie_id'),
     ('movies', 'directors', 'movie_director', 'movie_id'),
     ('movies', 'actors', 'movie_actor', 'movie_id'),
     ('movies', 'translations', 'movie_translation', 'movie_id'),
     ('movies', 'sources', 'movie_source', 'movie_id'),
     ('accounts', NULL, 'account', NULL),
     ('sign_ins', NULL, 'provider_link', NULL),
     ('own_platforms', NULL, 'account_platform', NULL),
     ('follows', NULL, 'follow', NULL),
     ('marks', NULL, 'unseen', NULL),
     ('friendships', NULL, 'friendship', NULL),
     ('requests', NULL, 'friend_request', NULL),
     ('ratings', NULL, 'rating', NULL),
     ('reviews', NULL, 'review', NULL),
     ('comments', NULL, 'comment', NULL),
     ('reactions', NULL, 'reaction', NULL),
     ('lists', NULL, 'movielist', NULL),
     ('list_movies', NULL, 'movielist_movie', NULL),
     ('trending', NULL, 'trend', NULL),
     ('translations', NULL, 'translation', NULL),
     ('audit', NULL, 'audit', NULL))
     AS t (kind, member, target, parent)

-- Members of lines that are not columns, as a newer or another program writes them.
-- name: site_unknown :many
WITH first AS (
	SELECT line, doc
	  FROM site_line
	 WHERE kind = current_setting('mxm.kind')
	 ORDER BY line
	 LIMIT 1),
unknown AS (
	SELECT f.line, k.name
	  FROM first AS f
	 CROSS JOIN jsonb_object_keys(f.doc) AS k (name)
	 WHERE NOT EXISTS (SELECT
	                     FROM {{site_tables}}
	                     LEFT JOIN pg_attribute AS a
	                       ON a.attrelid = t.target::regclass
	                      AND a.attnum > 0
	                      AND NOT a.attisdropped
	                    WHERE t.kind = current_setting('mxm.kind')
	                      AND coalesce(t.member, a.attname) = k.name))
SELECT line, format('member "%s" is not imported', name) AS why,
       {{skipped:unknown}};

-- Paths of pictures that site_load replaces by the default one.
-- name: site_pictures :many
WITH pictures AS (
	SELECT l.line, n.name, l.doc ->> n.name AS path
	  FROM site_line AS l
	  JOIN (VALUES ('persons', 'image'), ('platforms', 'image'), ('awards', 'icon'),
	               ('movies', 'cover'), ('accounts', 'picture')) AS n (kind, name)
	    ON n.kind = l.kind
	 WHERE l.kind = current_setting('mxm.kind')
	 UNION ALL
	SELECT l.line, 'image', t.doc ->> 'image'
	  FROM site_line AS l
	 CROSS JOIN jsonb_array_elements(l.doc -> 'translations') AS t (doc)
	 WHERE l.kind = 'movies'
	   AND l.kind = current_setting('mxm.kind')),
bad AS (
	SELECT *
	  FROM pictures
	 WHERE {{outside_media:path}})
SELECT line,
       format('%s "%s": the default one', name, left(path, 100)) AS why,
       {{skipped:bad}};

-- The fault that site_load has found, as "line: reason"; NULL: none.
-- name: site_fault :one
SELECT nullif(current_setting('mxm.fault', true), '') AS fault;

-- What a value must not be, by the category of the type of its column or by its
-- name; %1$s is the value as jsonb, %2$s as text. What else the database does not
-- accept is found when it is inserted.
-- fragment: site_rules
(VALUES
     ('S', $r$jsonb_typeof(%1$s) NOT IN ('string', 'null')$r$, 'is not a text'),
     ('N', $r$jsonb_typeof(%1$s) NOT IN ('number', 'null')$r$, 'is not a number'),
     ('B', $r$jsonb_typeof(%1$s) NOT IN ('boolean', 'null')$r$,
      'is not true or false'),
     ('A', $r$jsonb_typeof(%1$s) NOT IN ('array', 'null')$r$, 'is not a list'),
     ('D', $r$%2$s !~
        '^(?!0000)\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])'
        '(T([01]\d|2[0-3])(:[0-5]\d){2}(\.\d{1,6})?(Z|[+-]\d\d(:\d\d){0,2}))?$'$r$,
      'is not a date from 0001-01-01 to 9999-12-31'),
     ('slug', $r$%2$s ~ '^\.{0,2}$|[/?#%%[:cntrl:][:space:]]'$r$,
      'is not a slug'),
     ('password', $r$NOT {{is_hash:%2$s}}$r$, 'is not a hash'))
     AS u (about, rule, why)

-- Inserts the rows of a kind and those that belong to them, unless a line has a
-- fault. The columns are those of the first line, so that an older export can be
-- read; all lines have the same. In batches, because the server holds the pending
-- foreign key checks of a statement in memory; one that is refused is halved until
-- its first bad line is found.
-- name: site_load :script
DO $$
DECLARE
    item    record;
    lines   text;
    doc     text;
    known   text[];
    columns text;
    fields  text;
    rules   text;
    fault   text;
    low     bigint;
    high    bigint;
    highest bigint;
    size    bigint;
    state   text;
    name    text;
    broken  text;
    detail  text;
BEGIN
    FOR item IN
        SELECT *
          FROM {{site_tables}}
         WHERE kind = current_setting('mxm.kind')
    LOOP
        SELECT format('%s: %s is not a list of objects', min(l.line), item.member)
          INTO fault
          FROM site_line AS l
         WHERE l.kind = item.kind
           AND (jsonb_typeof(l.doc -> item.member) <> 'array'
                OR jsonb_path_exists(l.doc -> item.member,
                                     '$[*] ? (@.type() <> "object")'))
        HAVING count(*) > 0;
        EXIT WHEN fault IS NOT NULL;
        doc := CASE WHEN item.member IS NULL THEN 'l.doc' ELSE 'e.doc' END;
        lines := format('site_line AS l %s', CASE WHEN item.member IS NOT NULL THEN
            format('CROSS JOIN jsonb_array_elements(l.doc -> %L) AS e (doc)',
                   item.member) END);
        EXECUTE format($q$
            SELECT ARRAY(SELECT jsonb_object_keys(r.doc))
              FROM (SELECT %s AS doc
                      FROM %s
                     WHERE l.kind = %L
                     ORDER BY l.line) AS r
             LIMIT 1
            $q$, doc, lines, item.kind)
           INTO known;
        CONTINUE WHEN known IS NULL;
        SELECT format('%s: has other members than the first line', min(l.line))
          INTO fault
          FROM site_line AS l
         WHERE l.kind = item.kind
           AND item.member IS NULL
           AND NOT (l.doc ?& known AND l.doc - known = '{}')
        HAVING count(*) > 0;
        EXIT WHEN fault IS NOT NULL;
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum),
               string_agg(format(CASE WHEN attname IN ('image', 'icon', 'cover',
                                                       'picture')
                   THEN $f$CASE WHEN {{outside_media:r.%1$I}} THEN %2$s
                                ELSE r.%1$I END$f$
                   ELSE 'r.%1$I' END, attname,
                   coalesce(pg_get_expr(adbin, adrelid), 'NULL')),
                   ', ' ORDER BY attnum)
          INTO columns, fields
          FROM pg_attribute
          LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
         WHERE attrelid = item.target::regclass
           AND attnum > 0
           AND attgenerated = ''
           AND (attname = ANY (known) OR attname = item.parent);
        SELECT string_agg(format('WHEN %s THEN %L', v.rule, v.why), ' '
                          ORDER BY v.attnum, v.about DESC)
          INTO rules
          FROM (SELECT a.attnum, u.about,
                       format(u.rule, format('(%s -> %L)', doc, a.attname),
                              format('(%s ->> %L)', doc, a.attname)) AS rule,
                       a.attname || ' ' || u.why AS why
                  FROM pg_attribute AS a
                  JOIN pg_type AS t ON t.oid = a.atttypid
                  JOIN {{site_rules}} ON u.about IN (t.typcategory::text, a.attname)
                 WHERE a.attrelid = item.target::regclass
                   AND a.attnum > 0
                   AND a.attname = ANY (known)) AS v;
        EXECUTE format($q$
            SELECT format('%%s: %%s', r.line, r.why)
              FROM (SELECT l.line, CASE %s END AS why
                      FROM %s
                     WHERE l.kind = %L) AS r
             WHERE r.why IS NOT NULL
             ORDER BY r.line
             LIMIT 1
            $q$, coalesce(rules, 'WHEN false THEN NULL'), lines, item.kind)
           INTO fault;
        EXIT WHEN fault IS NOT NULL;
        SELECT max(line) INTO highest FROM site_line WHERE kind = item.kind;
        low := 1;
        size := 250000;
        WHILE fault IS NULL AND low <= highest LOOP
            high := least(low + size - 1, highest);
            BEGIN
                EXECUTE format($q$
                    INSERT INTO %1$I (%2$s)
                    SELECT %3$s
                      FROM %4$s
                     CROSS JOIN LATERAL jsonb_populate_record(NULL::%1$I, %5$s) AS r
                     WHERE l.kind = %6$L
                       AND l.line BETWEEN %7$s AND %8$s
                     ORDER BY l.line
                    $q$, item.target, columns, fields, lines,
                    CASE WHEN item.member IS NULL THEN 'l.doc' ELSE
                        format('e.doc || jsonb_build_object(%L, l.doc -> ''id'')',
                               item.parent)
                    END, item.kind, low, high);
                low := high + 1;
            EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
                GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE,
                    name = COLUMN_NAME, broken = CONSTRAINT_NAME,
                    detail = PG_EXCEPTION_DETAIL;
                size := (high - low + 1) / 2;
                IF size = 0 THEN
                    -- detail: Key (movie_id)=(9) …, in the language of the server
                    detail := replace(substring(detail FROM '\((.*\)=\(.*)\)'),
                                      ')=(', ' ');
                    fault := format('%s: %s', low, CASE
                        WHEN state = '23503' THEN detail || ' is not there'
                        WHEN state = '23505'
                        THEN detail || ' is that of another line'
                        WHEN state = '23502' THEN name || ' is missing'
                        WHEN state = '23514' AND broken <> ''
                        THEN 'does not fit the rule ' || broken
                        ELSE SQLERRM END);
                END IF;
            END;
        END LOOP;
        EXIT WHEN fault IS NOT NULL;
    END LOOP;
    PERFORM set_config('mxm.fault', fault, true);
END $$;
