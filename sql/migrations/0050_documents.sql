-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Documents: what administrators read and change of the catalogue and of what
-- users have written, as JSON of one shape for /api/admin, mxmctl and exports;
-- and the audit log of these changes.
--
-- What differs between the kinds is in two tables, document_kind and
-- document_field, which are views of constants. The functions below are made of
-- them: document_<kind>() reads, document_change() checks and writes.

-- named: the field from which the slug is made; NULL: there is none. owner:
-- whether it belongs to a user. label, detail, content: expressions of
-- document_page(), of row t. folded: the text that the search reads. recent: it
-- only reads the newest rows, since their texts have no index.
CREATE VIEW document_kind AS
SELECT *
  FROM (VALUES
       ('movie', 'movies', 'movie', 'title', false, false, 't.title',
        $$coalesce(to_char(t.release_date, 'YYYY'), '')$$, 'NULL',
        't.title_fold'),
       ('person', 'persons', 'person', 'name', false, false, 't.name',
        $$coalesce(to_char(t.birthday, 'YYYY'), '')$$, 'NULL', 't.name_fold'),
       ('genre', 'genres', 'genre', 'name', false, false, 't.name', $$''$$,
        'NULL', 'fold_text(t.name)'),
       ('platform', 'platforms', 'platform', 'name', false, false, 't.name',
        $$coalesce(t.url, '')$$, 'NULL', 'fold_text(t.name)'),
       ('award', 'awards', 'award', 'name', false, false, 't.name',
        $$concat_ws(' · ', nullif(award_label(t.category), ''), t.date)$$,
        'NULL', 'fold_text(t.name)'),
       ('review', 'reviews', 'review', NULL, true, true, 't.title',
        $$concat_ws(' · ', (SELECT username FROM account WHERE id = t.user_id),
            (SELECT title FROM movie WHERE id = t.movie_id))$$, 't.content',
        $$fold_text(t.title || E'\x01' || t.content)$$),
       ('comment', 'comments', 'comment', NULL, true, true,
        'left(t.content, 80)',
        $$concat_ws(' · ', (SELECT username FROM account WHERE id = t.user_id),
            (SELECT m.title FROM review AS v JOIN movie AS m ON m.id = v.movie_id
              WHERE v.id = t.review_id))$$, 't.content',
        'fold_text(t.content)'),
       ('list', 'lists', 'movielist', 'name', true, false, 't.name',
        '(SELECT username FROM account WHERE id = t.user_id)',
        't.description', 't.name_fold'))
       AS k (kind, plural, relation, named, owner, recent, label, detail,
             content, folded);

-- part: the field is within each language of `translations`. col: the column, or
-- the table of the links, translations or sources. needed: it cannot be null; null
-- in another one is the default of the column. most: characters, or items. words
-- and codes: of a choice, and how they are stored; of a picture: the default one.
--
-- type      slug line text url bool number date choice picture: a value
--           user movie review comment: whose or of what it is, set once
--           set: slugs; ranked: slugs in the order of `position`, from 1;
--           sequence: the same, where positions have gaps
CREATE VIEW document_field AS
SELECT row_number() OVER () AS place, f.*
  FROM (VALUES
       ('movie', '', 'slug', 'slug', 'slug', '', true, 255, NULL::text[],
        NULL::text[]),
       ('movie', '', 'title', 'line', 'title', '', true, 255, NULL, NULL),
       ('movie', '', 'synopsis', 'text', 'synopsis', '', false, 20000, NULL,
        NULL),
       ('movie', '', 'release_date', 'date', 'release_date', '', false, 10,
        NULL, NULL),
       ('movie', '', 'cover', 'picture', 'cover', '', false, 255,
        '{movies/covers/no-movie.png}', NULL),
       ('movie', '', 'popularity', 'number', 'popularity', '', false, 0, NULL,
        NULL),
       ('movie', '', 'genres', 'set', 'movie_genre', 'genre', false, 10000,
        NULL, NULL),
       ('movie', '', 'platforms', 'set', 'movie_platform', 'platform', false,
        10000, NULL, NULL),
       ('movie', '', 'awards', 'set', 'movie_award', 'award', false, 10000,
        NULL, NULL),
       ('movie', '', 'directors', 'ranked', 'movie_director', 'person', false,
        10000, NULL, NULL),
       ('movie', '', 'actors', 'ranked', 'movie_actor', 'person', false, 10000,
        NULL, NULL),
       ('movie', '', 'translations', 'translations', 'movie_translation', '',
        false, 4, NULL, NULL),
       ('movie', 'translations', 'title', 'line', 'title', '', false, 255, NULL,
        NULL),
       ('movie', 'translations', 'synopsis', 'text', 'synopsis', '', false,
        20000, NULL, NULL),
       ('movie', 'translations', 'image', 'picture', 'image', '', false, 255,
        NULL, NULL),
       ('movie', '', 'sources', 'sources', 'movie_source', '', false, 20, NULL,
        NULL),
       ('person', '', 'slug', 'slug', 'slug', '', true, 128, NULL, NULL),
       ('person', '', 'name', 'line', 'name', '', true, 128, NULL, NULL),
       ('person', '', 'image', 'picture', 'image', '', false, 255,
        '{person/default.png}', NULL),
       ('person', '', 'biography', 'text', 'biography', '', false, 20000, NULL,
        NULL),
       ('person', '', 'birthday', 'date', 'birthday', '', false, 10, NULL, NULL),
       ('person', '', 'deathday', 'date', 'deathday', '', false, 10, NULL, NULL),
       ('person', '', 'gender', 'choice', 'gender', '', false, 10,
        '{unknown,female,male,non-binary}', '{0,1,2,3}'),
       ('person', '', 'awards', 'set', 'person_award', 'award', false, 10000,
        NULL, NULL),
       ('person', '', 'translations', 'translations', 'person_translation', '',
        false, 4, NULL, NULL),
       ('person', 'translations', 'biography', 'text', 'biography', '', false,
        20000, NULL, NULL),
       ('genre', '', 'slug', 'slug', 'slug', '', true, 32, NULL, NULL),
       ('genre', '', 'name', 'line', 'name', '', true, 32, NULL, NULL),
       ('genre', '', 'translations', 'translations', 'genre_translation', '',
        false, 4, NULL, NULL),
       ('genre', 'translations', 'name', 'line', 'name', '', true, 32, NULL,
        NULL),
       ('platform', '', 'slug', 'slug', 'slug', '', true, 32, NULL, NULL),
       ('platform', '', 'name', 'line', 'name', '', true, 32, NULL, NULL),
       ('platform', '', 'url', 'url', 'url', '', false, 200, NULL, NULL),
       ('platform', '', 'image', 'picture', 'image', '', false, 255, NULL,
        NULL),
       ('award', '', 'slug', 'slug', 'slug', '', true, 32, NULL, NULL),
       ('award', '', 'name', 'line', 'name', '', true, 32, NULL, NULL),
       ('award', '', 'category', 'choice', 'category', '', false, 2,
        '{"",BP,BA,BD,IF,MA,WA,SA,SX,DR,DD}',
        '{"",BP,BA,BD,IF,MA,WA,SA,SX,DR,DD}'),
       ('award', '', 'icon', 'picture', 'icon', '', false, 255,
        '{awards/no-award.png}', NULL),
       ('award', '', 'date', 'date', 'date', '', false, 10, NULL, NULL),
       ('review', '', 'user', 'user', 'user_id', 'account', true, 150, NULL,
        NULL),
       ('review', '', 'movie', 'movie', 'movie_id', 'movie', true, 255, NULL,
        NULL),
       ('review', '', 'title', 'line', 'title', '', true, 128, NULL, NULL),
       ('review', '', 'content', 'text', 'content', '', true, 10000, NULL, NULL),
       ('review', '', 'is_positive', 'bool', 'is_positive', '', true, 0, NULL,
        NULL),
       ('review', '', 'spoiler', 'bool', 'spoiler', '', false, 0, NULL, NULL),
       ('comment', '', 'user', 'user', 'user_id', 'account', true, 150, NULL,
        NULL),
       ('comment', '', 'review', 'review', 'review_id', 'review', true, 0, NULL,
        NULL),
       ('comment', '', 'reply_to', 'comment', 'reply_comment_id', 'comment',
        false, 0, NULL, NULL),
       ('comment', '', 'content', 'text', 'content', '', true, 10000, NULL,
        NULL),
       ('comment', '', 'spoiler', 'bool', 'spoiler', '', false, 0, NULL, NULL),
       ('list', '', 'user', 'user', 'user_id', 'account', true, 150, NULL, NULL),
       ('list', '', 'slug', 'slug', 'slug', '', true, 128, NULL, NULL),
       ('list', '', 'name', 'line', 'name', '', true, 128, NULL, NULL),
       ('list', '', 'description', 'text', 'description', '', false, 10000,
        NULL, NULL),
       ('list', '', 'privacy', 'choice', 'privacity', '', false, 7,
        '{public,friends,private}', '{P,F,R}'),
       ('list', '', 'movies', 'sequence', 'movielist_movie', 'movie', false,
        10000, NULL, NULL))
       AS f (kind, part, key, type, col, target, needed, most, words, codes);

-------------------------------------------------------------------------------
-- Reading
-------------------------------------------------------------------------------

CREATE FUNCTION document_time(t timestamptz) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')
$$;

-- The expression of a field, of row t of the table of its kind.
CREATE FUNCTION document_expression(f document_field, relation text) RETURNS text
	LANGUAGE sql STABLE AS $$
	SELECT CASE f.type
	WHEN 'picture' THEN format('nullif(t.%I, %L)', f.col, f.words[1])
	WHEN 'choice' THEN format(
	    '(%L::text[])[array_position(%L::text[], t.%I::text)]', f.words,
	    f.codes, f.col)
	WHEN 'user' THEN
	    '(SELECT a.username FROM account AS a WHERE a.id = t.user_id)'
	WHEN 'movie' THEN
	    '(SELECT m.slug FROM movie AS m WHERE m.id = t.movie_id)'
	WHEN 'set' THEN format(
	    $q$(SELECT coalesce(json_agg(x.slug ORDER BY x.slug COLLATE "C"), '[]')
	      FROM %1$I AS l JOIN %2$I AS x ON x.id = l.%2$s_id
	     WHERE l.%3$s_id = t.id)$q$, f.col, f.target, relation)
	WHEN 'translations' THEN format(
	    $q$(SELECT coalesce(json_object_agg(l.language,
	               json_build_object(%s) ORDER BY l.language), '{}')
	      FROM live_%I AS l WHERE l.%s_id = t.id)$q$,
	    (SELECT string_agg(format('%L, l.%I', n.key, n.col), ', '
	                       ORDER BY n.place)
	       FROM document_field AS n
	      WHERE n.kind = f.kind
	        AND n.part = f.key), f.col, relation)
	WHEN 'sources' THEN
	    $q$(SELECT coalesce(json_object_agg(s.source, CASE s.n
	               WHEN 1 THEN s.keys -> 0 ELSE s.keys END ORDER BY s.source),
	               '{}')
	      FROM (SELECT source, json_agg(key ORDER BY key COLLATE "C") AS keys,
	                   count(*) AS n
	              FROM movie_source
	             WHERE movie_id = t.id
	             GROUP BY source) AS s)$q$
	ELSE CASE WHEN f.type IN ('ranked', 'sequence') THEN format(
	    $q$(SELECT coalesce(json_agg(x.slug ORDER BY l.position, x.id), '[]')
	      FROM %1$I AS l JOIN %2$I AS x ON x.id = l.%2$s_id
	     WHERE l.%3$s_id = t.id)$q$, f.col, f.target, relation)
	ELSE format('t.%I', f.col) END END
$$;

-- Makes document_<kind>(id): the document, whose keys are in the order of the
-- fields; NULL: there is none. Also of what is removed.
CREATE FUNCTION document_rule(of_kind text) RETURNS void
	LANGUAGE plpgsql AS $$
DECLARE
	k document_kind;
BEGIN
	SELECT * INTO k FROM document_kind WHERE kind = of_kind;
	EXECUTE format($q$
CREATE FUNCTION %I(thing bigint) RETURNS json
	LANGUAGE sql STABLE AS $function$
	SELECT json_build_object('id', t.id, %s,
	           'created_at', document_time(t.created_at),
	           'updated_at', document_time(t.updated_at),
	           'deleted_at', document_time(t.deleted_at))
	  FROM %I AS t
	 WHERE t.id = thing
$function$ $q$, 'document_' || of_kind, (
		SELECT string_agg(format('%L, %s', f.key,
		           document_expression(f, k.relation)), E',\n\t           '
		           ORDER BY f.place)
		  FROM document_field AS f
		 WHERE f.kind = of_kind
		   AND f.part = ''), k.relation);
END
$$;

SELECT document_rule(kind) FROM document_kind;

CREATE FUNCTION document(of_kind text, thing bigint) RETURNS json
	LANGUAGE sql STABLE AS $$
	SELECT CASE of_kind
	       WHEN 'movie' THEN document_movie(thing)
	       WHEN 'person' THEN document_person(thing)
	       WHEN 'genre' THEN document_genre(thing)
	       WHEN 'platform' THEN document_platform(thing)
	       WHEN 'award' THEN document_award(thing)
	       WHEN 'review' THEN document_review(thing)
	       WHEN 'comment' THEN document_comment(thing)
	       WHEN 'list' THEN document_list(thing) END
$$;

-- The entity tag of a document, with its quotes.
CREATE FUNCTION document_tag(doc json) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
	SELECT '"' || md5(doc::text) || '"'
$$;

-- The ids that an operand of mxmctl stands for: id=7, a slug (of a list
-- USER/SLUG, or SLUG), or a number. A slug may be a number, too, and comes first.
CREATE FUNCTION document_find(of_kind text, word text) RETURNS bigint[]
	LANGUAGE plpgsql STABLE AS $$
DECLARE
	k    document_kind;
	ids  bigint[];
	last text := regexp_replace(word, '^.*/', '');
BEGIN
	SELECT * INTO k FROM document_kind WHERE kind = of_kind;
	IF k.named IS NOT NULL THEN
		EXECUTE format('SELECT array_agg(t.id ORDER BY t.id) FROM %I AS t '
			'WHERE t.slug = $1 %s', k.relation, CASE WHEN k.owner THEN
			'AND ($1 = $2 OR t.user_id = (SELECT id FROM account AS a '
			'WHERE a.username || ''/'' || $1 = $2))' ELSE 'AND $1 = $2' END)
		   INTO ids
		  USING last, word;
	END IF;
	IF ids IS NULL AND word ~ '^(id=)?[0-9]{1,18}$' THEN
		EXECUTE format('SELECT array_agg(id) FROM %I WHERE id = $1', k.relation)
		   INTO ids
		  USING replace(word, 'id=', '')::bigint;
	END IF;
	RETURN ids;
END
$$;

-- Sets fields of a merge patch by texts, whose types are those of the fields:
-- title=Heat, popularity=1.5, genres=drama,crime, translations.es.title=Fuego. An
-- empty text is null where a field may be empty.
CREATE FUNCTION document_settings(of_kind text, patch jsonb, names text[],
	texts text[]) RETURNS jsonb
	LANGUAGE plpgsql STABLE AS $$
DECLARE
	path  text[];
	f     document_field;
	value jsonb;
BEGIN
	FOR i IN 1 .. cardinality(names) LOOP
		path := string_to_array(names[i], '.');
		SELECT * INTO f FROM document_field AS d
		 WHERE d.kind = of_kind
		   AND (d.part, d.key) = (CASE WHEN cardinality(path) > 1
		                               THEN path[1] ELSE '' END,
		                          path[cardinality(path)]);
		value := CASE
			WHEN f.type IN ('set', 'ranked', 'sequence')
			THEN to_jsonb(array_remove(string_to_array(texts[i], ','), ''))
			WHEN f.type IN ('number', 'review', 'comment')
			     AND texts[i] ~ '^-?[0-9]{1,15}(\.[0-9]{1,15})?$'
			     OR f.type = 'bool' AND texts[i] IN ('true', 'false')
			THEN texts[i]::jsonb
			WHEN texts[i] = '' AND coalesce(f.type, '') NOT IN ('line', 'text')
			THEN 'null'
			ELSE to_jsonb(texts[i]) END;
		FOR n IN 1 .. cardinality(path) - 1 LOOP
			IF coalesce(jsonb_typeof(patch #> path[1:n]), '') <> 'object' THEN
				patch := jsonb_set(patch, path[1:n], '{}');
			END IF;
		END LOOP;
		patch := jsonb_set(patch, path, value);
	END LOOP;
	RETURN patch;
END
$$;

-- A page of things: the newest first; those that a text finds, of named things
-- the best matches first (match_class()); or those with the slugs, removed or not.
-- removed: no, yes or all. A page without things is one row with only total and
-- page. The total is counted up to 10 001. A search of reviews and comments reads
-- the newest 10 000. What belongs to a user is found by the user name, too.
CREATE FUNCTION document_page(of_kind text, query text, removed text, slugs text[],
	wanted_page bigint, size bigint)
	RETURNS TABLE (id bigint, slug text, label text, detail text, content text,
	               updated_at timestamptz, deleted_at timestamptz, place bigint,
	               total bigint, page bigint)
	LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
	most CONSTANT bigint := 10001;
	k    document_kind;
	fold text := nullif(left(fold_text(query), 128), '');
	ids  bigint[];
BEGIN
	SELECT * INTO k FROM document_kind WHERE kind = of_kind;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	EXECUTE format('SELECT array_agg(h.id ORDER BY h.n) FROM ('
		'SELECT t.id, row_number() OVER (ORDER BY %s t.id DESC) AS n '
		'FROM %s AS t WHERE %s%s ORDER BY n LIMIT %s) AS h',
		CASE WHEN fold IS NOT NULL AND k.named IS NOT NULL
		     THEN format('match_class(%s, $2),', k.folded) END,
		CASE WHEN fold IS NOT NULL AND k.recent
		     THEN format('(SELECT * FROM %I ORDER BY id DESC LIMIT 10000)',
		                 k.relation)
		     ELSE quote_ident(k.relation) END,
		CASE WHEN slugs IS NOT NULL AND k.named IS NOT NULL
		     THEN 't.slug = ANY ($4)'
		     WHEN removed = 'yes' THEN 't.deleted_at IS NOT NULL'
		     WHEN removed = 'all' THEN 'true'
		     ELSE 't.deleted_at IS NULL' END,
		CASE WHEN fold IS NOT NULL THEN format(' AND (%s LIKE $3%s%s%s)',
			k.folded,
			CASE WHEN k.named IS NOT NULL THEN ' OR t.slug = $1' END,
			CASE WHEN k.owner THEN ' OR t.user_id = (SELECT id FROM account '
				'WHERE username = $1)' END,
			CASE WHEN k.kind = 'movie' THEN ' OR t.id IN (SELECT movie_id '
				'FROM movie_translation WHERE title_fold LIKE $3)' END) END,
		most)
	   INTO ids
	  USING query, fold, fold_pattern(fold), slugs;
	total := coalesce(cardinality(ids), 0);
	page := least(wanted_page,
	              greatest((least(total, most - 1) + size - 1) / size, 1));
	RETURN QUERY EXECUTE format('SELECT t.id, %s, %s, %s, %s, t.updated_at, '
		't.deleted_at, h.n, $1, $2 FROM unnest($3) WITH ORDINALITY AS h (id, n) '
		'JOIN %I AS t ON t.id = h.id', CASE WHEN k.named IS NULL THEN 'NULL'
		ELSE 't.slug' END, k.label, k.detail, k.content, k.relation)
	  USING total, page, ids[(page - 1) * size + 1 : page * size];
	IF NOT FOUND THEN
		RETURN QUERY SELECT NULL::bigint, NULL, NULL, NULL, NULL,
			NULL::timestamptz, NULL::timestamptz, 1::bigint, total, page;
	END IF;
END
$$;

-------------------------------------------------------------------------------
-- The audit log
-------------------------------------------------------------------------------

-- A change of a document by an administrator: whole documents, of edit, remove,
-- restore and picture only the keys that differ. user_id: who made it with the
-- API. owner_id: to whom the thing belongs, whose texts are deleted with them.
CREATE TABLE audit (
	id         bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	at         timestamptz NOT NULL DEFAULT now(),
	user_id    bigint REFERENCES account ON DELETE SET NULL,
	origin     text NOT NULL,
	request_id text,
	kind       text NOT NULL,
	thing_id   bigint NOT NULL,
	owner_id   bigint REFERENCES account ON DELETE CASCADE,
	label      text NOT NULL,
	action     text NOT NULL,
	before     json,
	after      json,

	CONSTRAINT audit_origin_known CHECK (origin IN ('api', 'mxmctl')),
	CONSTRAINT audit_request_id_length CHECK (char_length(request_id) <= 64),
	CONSTRAINT audit_kind_known CHECK (kind IN ('movie', 'person', 'genre',
		'platform', 'award', 'review', 'comment', 'list')),
	CONSTRAINT audit_action_known CHECK (action IN ('add', 'edit', 'remove',
		'restore', 'purge', 'picture'))
);
CREATE INDEX audit_user ON audit (user_id, id DESC);
CREATE INDEX audit_owner ON audit (owner_id);
CREATE INDEX audit_thing ON audit (kind, thing_id, id DESC);
CREATE INDEX audit_at ON audit (at);

-- The members of a document that are not the same in the other one. The time of
-- the change is that of the entry.
CREATE FUNCTION document_difference(doc json, other json) RETURNS json
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
	SELECT coalesce(json_object_agg(d.key, d.value), '{}')
	  FROM json_each(doc) AS d
	 WHERE d.key <> 'updated_at'
	   AND d.value::jsonb IS DISTINCT FROM (other -> d.key)::jsonb
$$;

-------------------------------------------------------------------------------
-- Checking
-------------------------------------------------------------------------------

-- What is wrong with a field. code: null required blank text length characters
-- boolean number integer min max date url path slug reserved choice unknown fixed
-- taken absent removed twice list object items. arg, more: of its message.
CREATE TYPE document_fault AS (field text, code text, arg text, more text);

CREATE FUNCTION document_is_date(s text) RETURNS boolean
	LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN s ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' AND s::date IS NOT NULL;
EXCEPTION
	WHEN datetime_field_overflow OR invalid_datetime_format THEN
		RETURN false;
END
$$;

-- The fault of a text that is the value of a field; NULL: it is good.
CREATE FUNCTION document_text_fault(f document_field, s text) RETURNS text
	LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE
	WHEN char_length(s) > f.most AND f.type NOT IN ('choice', 'date')
	THEN 'length'
	WHEN f.type = 'line' AND s ~ '[\x01-\x1f\x7f-\x9f]' THEN 'characters'
	WHEN f.type = 'text' AND s ~ '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]'
	THEN 'characters'
	WHEN f.type IN ('line', 'text') AND f.needed
	     AND s ~ '^[\s\u0085\u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]*$'
	THEN 'blank'
	WHEN f.type = 'slug' AND (s IN ('', '.', '..')
	     OR s ~ '[\x01-\x20\x7f-\xa0/|?#%\\"<>]') THEN 'slug'
	WHEN f.type = 'slug' AND s = ANY (CASE f.kind
	     WHEN 'movie' THEN '{searching,together,trending}'::text[]
	     WHEN 'person' THEN '{actors,directors,searching}' END)
	THEN 'reserved'
	WHEN f.type = 'date' AND NOT document_is_date(s) THEN 'date'
	WHEN f.type = 'url' AND s !~ '^https?://[^/?#\s]+[!-~]*$' THEN 'url'
	WHEN f.type = 'url' AND s !~ '^[!-~]+$' THEN 'url'
	WHEN f.type = 'picture'
	     AND (s !~ '^[^/\\\x01-\x1f\x7f]+(/[^/\\\x01-\x1f\x7f]+)+$'
	          OR '/' || s || '/' ~ '/\.') THEN 'path'
	WHEN f.type = 'choice' AND s <> ALL (f.words) THEN 'choice' END
$$;

-- The same of a value of any type. Links, translations and sources have checks of
-- their own.
CREATE FUNCTION document_value_fault(f document_field, value jsonb, field text)
	RETURNS document_fault
	LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	s     text := value #>> '{}';
	short text := left(s, 100);
	code  text;
BEGIN
	IF jsonb_typeof(value) = 'null' THEN
		RETURN CASE WHEN f.needed
			THEN (field, 'null', NULL, NULL)::document_fault END;
	END IF;
	CASE
	WHEN f.type = 'bool' THEN
		IF jsonb_typeof(value) <> 'boolean' THEN
			RETURN (field, 'boolean', short, NULL)::document_fault;
		END IF;
	WHEN f.type = 'number' THEN
		IF jsonb_typeof(value) <> 'number' THEN
			RETURN (field, 'number', short, NULL)::document_fault;
		ELSIF s::numeric < 0 THEN
			RETURN (field, 'min', '0', NULL)::document_fault;
		ELSIF s::numeric > 1000000000 THEN
			RETURN (field, 'max', '1000000000', NULL)::document_fault;
		END IF;
	WHEN f.type IN ('review', 'comment') THEN
		IF jsonb_typeof(value) <> 'number' OR s !~ '^[0-9]{1,18}$' THEN
			RETURN (field, 'integer', short, NULL)::document_fault;
		END IF;
	WHEN jsonb_typeof(value) <> 'string' THEN
		RETURN (field, 'text', NULL, NULL)::document_fault;
	ELSE
		code := document_text_fault(f, s);
		IF code = 'length' THEN
			RETURN (field, code, f.most, char_length(s))::document_fault;
		ELSIF code IS NOT NULL THEN
			RETURN (field, code, short, NULL)::document_fault;
		END IF;
	END CASE;
	RETURN NULL;
END
$$;

-- The id of what a value of type user, movie, review or comment names, locked
-- against its deletion; NULL: it does not exist, or is removed. vals: the columns
-- so far; a reply belongs to the review of what it replies to.
CREATE FUNCTION document_reference(f document_field, value jsonb, vals jsonb)
	RETURNS bigint
	LANGUAGE plpgsql AS $$
DECLARE
	s    text := value #>> '{}';
	that bigint;
BEGIN
	CASE f.type
	WHEN 'user' THEN
		SELECT id INTO that FROM account
		 WHERE username = s AND active FOR KEY SHARE;
	WHEN 'movie' THEN
		SELECT id INTO that FROM movie
		 WHERE slug = s AND deleted_at IS NULL FOR KEY SHARE;
	WHEN 'review' THEN
		SELECT id INTO that FROM review
		 WHERE id = s::bigint AND deleted_at IS NULL FOR KEY SHARE;
	WHEN 'comment' THEN
		SELECT id INTO that FROM comment
		 WHERE id = s::bigint AND deleted_at IS NULL
		   AND review_id = (vals ->> 'review_id')::bigint FOR KEY SHARE;
	END CASE;
	RETURN that;
END
$$;

-- The ids of a list of slugs, locked against deletion. What is removed can stay
-- linked (old: the list so far), and cannot be added.
CREATE FUNCTION document_links(f document_field, value jsonb, old jsonb,
	OUT ids bigint[], OUT faults document_fault[])
	LANGUAGE plpgsql AS $$
DECLARE
	slugs text[];
BEGIN
	faults := '{}';
	IF jsonb_typeof(value) = 'null' THEN
		value := '[]';
	ELSIF jsonb_typeof(value) <> 'array' OR EXISTS (
		SELECT FROM jsonb_array_elements(value) AS e
		 WHERE jsonb_typeof(e) <> 'string') THEN
		faults := ARRAY[(f.key, 'list', NULL, NULL)::document_fault];
		RETURN;
	ELSIF jsonb_array_length(value) > f.most THEN
		faults := ARRAY[(f.key, 'items', f.most,
			jsonb_array_length(value))::document_fault];
		RETURN;
	END IF;
	slugs := ARRAY(SELECT jsonb_array_elements_text(value));
	-- one after the other, as they are deleted, so that nothing waits in a ring
	EXECUTE format('SELECT FROM %I WHERE slug = ANY ($1) ORDER BY id '
		'FOR KEY SHARE', f.target) USING slugs;
	EXECUTE format($q$
		WITH asked AS (
			SELECT s.slug, s.n, x.id,
			       row_number() OVER (PARTITION BY s.slug ORDER BY s.n) AS nth,
			       x.deleted_at IS NOT NULL AND NOT $2 ? s.slug AS is_removed
			  FROM unnest($1) WITH ORDINALITY AS s (slug, n)
			  LEFT JOIN %I AS x ON x.slug = s.slug
		)
		SELECT array_agg(id ORDER BY n),
		       coalesce(array_agg(($3, code, left(slug, 100), NULL)::document_fault
		                          ORDER BY n) FILTER (WHERE code IS NOT NULL),
		                '{}')
		  FROM (SELECT *, CASE WHEN id IS NULL THEN 'absent'
		                       WHEN nth > 1 THEN 'twice'
		                       WHEN is_removed THEN 'removed' END AS code
		          FROM asked) AS a $q$, f.target)
	   INTO ids, faults
	  USING slugs, coalesce(old, '[]'), f.key;
	ids := coalesce(ids, '{}');
	faults := faults[1:8];
END
$$;

-- The faults of `translations` or of `sources`.
CREATE FUNCTION document_parts(f document_field, value jsonb, old jsonb)
	RETURNS SETOF document_fault
	LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
	p record;
	q record;
	n document_field;
BEGIN
	IF jsonb_typeof(value) = 'null' THEN
		RETURN;
	ELSIF jsonb_typeof(value) <> 'object' THEN
		RETURN NEXT (f.key, 'object', NULL, NULL)::document_fault;
		RETURN;
	END IF;
	FOR p IN SELECT key, f.key || '.' || left(key, 64) AS field, value
	           FROM jsonb_each(value) LOOP
		IF p.value = old -> p.key THEN
			CONTINUE;
		ELSIF f.type = 'sources' THEN
			IF p.key !~ '^[a-z0-9][a-z0-9_.-]{0,31}$' THEN
				RETURN NEXT (p.field, 'unknown', left(p.key, 100), NULL)
					::document_fault;
			ELSIF jsonb_typeof(p.value) NOT IN ('null', 'string', 'array')
			      OR EXISTS (SELECT
			                   FROM jsonb_path_query(p.value, 'lax $[*]') AS e
			                  WHERE jsonb_typeof(e) NOT IN ('string', 'null'))
			THEN
				RETURN NEXT (p.field, 'list', NULL, NULL)::document_fault;
			ELSIF EXISTS (SELECT
			                FROM jsonb_path_query(p.value, 'lax $[*]') AS e
			               WHERE e #>> '{}' !~ '^[!-~]{1,64}$') THEN
				RETURN NEXT (p.field, 'characters', NULL, NULL)
					::document_fault;
			END IF;
		ELSIF p.key NOT IN ('en', 'es', 'fr', 'de') THEN
			RETURN NEXT (p.field, 'choice', left(p.key, 100), NULL)
				::document_fault;
		ELSIF jsonb_typeof(p.value) NOT IN ('null', 'object') THEN
			RETURN NEXT (p.field, 'object', NULL, NULL)::document_fault;
		ELSIF jsonb_typeof(p.value) = 'object' THEN
			FOR q IN SELECT key, p.field || '.' || left(key, 64) AS field, value
			           FROM jsonb_each(p.value)
			          WHERE value IS DISTINCT FROM old -> p.key -> key LOOP
				SELECT * INTO n FROM document_field
				 WHERE kind = f.kind AND part = f.key AND key = q.key;
				IF NOT FOUND THEN
					RETURN NEXT (q.field, 'unknown', left(q.key, 100), NULL)
						::document_fault;
				ELSE
					RETURN QUERY SELECT * FROM document_value_fault(n, q.value,
						q.field) AS v WHERE v.code IS NOT NULL;
				END IF;
			END LOOP;
			RETURN QUERY
			SELECT p.field || '.' || d.key, 'required', NULL, NULL
			  FROM document_field AS d
			 WHERE d.kind = f.kind
			   AND d.part = f.key
			   AND d.needed
			   AND NOT coalesce(old -> p.key, '{}') || p.value ? d.key;
		END IF;
	END LOOP;
END
$$;

-- What a merge patch (RFC 7396) changes of a document, `{}` of a new one. vals:
-- the values of columns; defaults: the columns that get theirs; links: ids by key.
-- Only what differs is checked, so that a document from before a rule can be sent
-- back.
CREATE FUNCTION document_check(of_kind text, old jsonb, patch jsonb,
	OUT vals jsonb, OUT defaults text[], OUT links jsonb,
	OUT faults document_fault[])
	LANGUAGE plpgsql AS $$
DECLARE
	is_new CONSTANT boolean := old = '{}';
	f      document_field;
	fault  document_fault;
	more   document_fault[];
	value  jsonb;
	ids    bigint[];
BEGIN
	vals := '{}';
	links := '{}';
	defaults := '{}';
	SELECT coalesce(array_agg((CASE WHEN key IN ('error', 'detail', 'status',
	           'type') THEN '__all__' ELSE left(key, 64) END,
	           CASE WHEN key IN ('id', 'created_at', 'updated_at', 'deleted_at')
	                THEN 'fixed' ELSE 'unknown' END,
	           left(key, 100), NULL)::document_fault), '{}')
	  INTO faults
	  FROM jsonb_each(patch) AS e
	 WHERE e.value IS DISTINCT FROM old -> key
	   AND NOT EXISTS (SELECT
	                     FROM document_field AS d
	                    WHERE d.kind = of_kind
	                      AND d.part = ''
	                      AND d.key = e.key);
	FOR f IN SELECT * FROM document_field
	          WHERE kind = of_kind AND part = '' ORDER BY place LOOP
		value := patch -> f.key;
		fault := NULL;
		IF value IS NULL THEN
			IF is_new AND f.needed AND f.type <> 'slug' THEN
				faults := faults || (f.key, 'required', NULL,
					NULL)::document_fault;
			END IF;
		ELSIF value = old -> f.key OR (is_new AND value = 'null'
		                               AND f.type = 'slug') THEN
			NULL;
		ELSIF f.type IN ('translations', 'sources') THEN
			faults := faults || ARRAY(SELECT document_parts(f, value,
				old -> f.key));
		ELSIF f.type IN ('set', 'ranked', 'sequence') THEN
			SELECT l.ids, l.faults INTO ids, more
			  FROM document_links(f, value, old -> f.key) AS l;
			faults := faults || more;
			links := links || jsonb_build_object(f.key, ids);
		ELSIF f.type IN ('user', 'movie', 'review', 'comment') AND NOT is_new
		THEN
			faults := faults || (f.key, 'fixed', NULL, NULL)::document_fault;
		ELSE
			fault := document_value_fault(f, value, f.key);
			IF fault.code IS NOT NULL THEN
				faults := faults || fault;
				CONTINUE;
			ELSIF value = 'null' THEN
				defaults := defaults || f.col;
				CONTINUE;
			ELSIF f.type IN ('user', 'movie', 'review', 'comment') THEN
				value := to_jsonb(document_reference(f, value, vals));
				IF value IS NULL THEN
					faults := faults || (f.key, 'absent',
						left(patch ->> f.key, 100), NULL)::document_fault;
				END IF;
			ELSIF f.codes IS NOT NULL THEN
				value := to_jsonb(f.codes[array_position(f.words,
					value #>> '{}')]);
			END IF;
			vals := vals || jsonb_build_object(f.col, value);
		END IF;
	END LOOP;
	faults := faults[1:32];
END
$$;

-------------------------------------------------------------------------------
-- Writing
-------------------------------------------------------------------------------

-- The first of slug, slug-2, slug-3 … that is free, at most 10 000; NULL: none.
CREATE FUNCTION document_slug(k document_kind, slug text, owner bigint)
	RETURNS text
	LANGUAGE plpgsql STABLE AS $$
DECLARE
	f     document_field;
	found text;
	free  boolean;
BEGIN
	SELECT * INTO f FROM document_field
	 WHERE kind = k.kind AND part = '' AND type = 'slug';
	IF slug = '' THEN
		RETURN NULL;
	END IF;
	FOR i IN 1 .. 10000 LOOP
		found := CASE WHEN i = 1 THEN left(slug, f.most)
		              ELSE left(slug, f.most - 6) || '-' || i END;
		CONTINUE WHEN document_text_fault(f, found) IS NOT NULL;
		EXECUTE format('SELECT NOT EXISTS (SELECT FROM %I WHERE slug = $1%s)',
			k.relation, CASE WHEN k.owner
				THEN ' AND user_id = $2 AND deleted_at IS NULL' END)
		   INTO free
		  USING found, owner;
		IF free THEN
			RETURN found;
		END IF;
	END LOOP;
	RETURN NULL;
END
$$;

-- The row of a document: inserted (thing is NULL) or updated; its id.
CREATE FUNCTION document_row(k document_kind, thing bigint, vals jsonb,
	defaults text[]) RETURNS bigint
	LANGUAGE plpgsql AS $$
DECLARE
	cols text := (SELECT string_agg(quote_ident(key), ', ' ORDER BY key)
	                FROM jsonb_object_keys(vals) AS key);
BEGIN
	IF thing IS NULL THEN
		EXECUTE format('INSERT INTO %1$I (%2$s) SELECT %2$s '
			'FROM jsonb_populate_record(NULL::%1$I, $1) RETURNING id',
			k.relation, cols)
		   INTO thing
		  USING vals;
	ELSE
		EXECUTE format('UPDATE %1$I SET updated_at = now()%2$s%3$s '
			'WHERE id = $1', k.relation, ', (' || cols || ') = (SELECT '
			|| cols || format(' FROM jsonb_populate_record(NULL::%I, $2))',
			k.relation), (SELECT string_agg(format(', %I = DEFAULT', c), '')
			                FROM unnest(defaults) AS c))
		  USING thing, vals;
	END IF;
	RETURN thing;
END
$$;

-- Replaces the links of a field. In a sequence, what stands before the first
-- difference keeps its position.
CREATE FUNCTION document_link(k document_kind, f document_field, thing bigint,
	ids bigint[]) RETURNS void
	LANGUAGE plpgsql AS $$
DECLARE
	old  bigint[];
	same bigint;
BEGIN
	EXECUTE format('DELETE FROM %I WHERE %s_id = $1 AND %s_id <> ALL ($2)',
		f.col, k.relation, f.target) USING thing, ids;
	IF f.type = 'sequence' THEN
		EXECUTE format('SELECT ARRAY(SELECT %s_id FROM %I WHERE %s_id = $1 '
			'ORDER BY position, %1$s_id)', f.target, f.col, k.relation)
		   INTO old
		  USING thing;
		SELECT coalesce(min(n) - 1, cardinality(ids)) INTO same
		  FROM unnest(ids, old) WITH ORDINALITY AS u (a, b, n)
		 WHERE a IS DISTINCT FROM b;
		ids := ids[same + 1 :];
	END IF;
	EXECUTE format('INSERT INTO %1$I (%2$s_id, %3$s_id%4$s) '
		'SELECT $1, id%5$s FROM (SELECT * FROM unnest($2) '
		'WITH ORDINALITY ORDER BY 2) AS u (id, n) '
		'ON CONFLICT (%2$s_id, %3$s_id) DO %6$s', f.col, k.relation, f.target,
		CASE WHEN f.type <> 'set' THEN ', position' END,
		CASE f.type WHEN 'ranked' THEN ', n::integer' WHEN 'sequence' THEN
			', nextval(pg_get_serial_sequence(' || quote_literal(f.col)
			|| ', ''position''))' END,
		CASE WHEN f.type = 'set' THEN 'NOTHING' ELSE format('UPDATE SET '
			'position = excluded.position WHERE %I.position '
			'<> excluded.position', f.col) END) USING thing, ids;
END
$$;

-- Changes translations or sources by their merge patch.
CREATE FUNCTION document_part(k document_kind, f document_field, thing bigint,
	old jsonb, patch jsonb) RETURNS void
	LANGUAGE plpgsql AS $$
DECLARE
	p record;
BEGIN
	IF jsonb_typeof(patch) = 'null' THEN
		patch := (SELECT coalesce(jsonb_object_agg(key, NULL), '{}')
		            FROM jsonb_object_keys(old) AS key);
	END IF;
	FOR p IN SELECT key, value FROM jsonb_each(patch)
	          WHERE value IS DISTINCT FROM old -> key LOOP
		IF f.type = 'sources' THEN
			DELETE FROM movie_source
			 WHERE movie_id = thing
			   AND source = p.key;
			INSERT INTO movie_source (source, key, movie_id)
			SELECT p.key, e #>> '{}', thing
			  FROM jsonb_path_query(p.value, 'lax $[*]') AS e
			 WHERE jsonb_typeof(e) = 'string';
		ELSIF jsonb_typeof(p.value) = 'null' THEN
			EXECUTE format('DELETE FROM %I WHERE %s_id = $1 AND language = $2',
				f.col, k.relation) USING thing, p.key;
		ELSE
			EXECUTE (SELECT format('INSERT INTO %1$I (%2$s_id, language, %3$s) '
				'SELECT $1, $2, %4$s FROM jsonb_populate_record(NULL::%1$I, $3) '
				'AS r ON CONFLICT (%2$s_id, language) DO UPDATE SET %5$s, '
				'updated_at = now(), deleted_at = NULL', f.col, k.relation,
				string_agg(quote_ident(n.col), ', ' ORDER BY n.place),
				string_agg(format(CASE n.type WHEN 'picture' THEN 'r.%I'
				           ELSE 'coalesce(r.%I, '''')' END, n.col), ', '
				           ORDER BY n.place),
				string_agg(format('%1$I = excluded.%1$I', n.col), ', '))
			           FROM document_field AS n
			          WHERE n.kind = f.kind
			            AND n.part = f.key)
			  USING thing, p.key, coalesce(old -> p.key, '{}') || p.value;
		END IF;
	END LOOP;
END
$$;

-- Restores a row, and with a comment what was deleted together with it.
CREATE FUNCTION document_restore(k document_kind, thing bigint) RETURNS void
	LANGUAGE plpgsql AS $$
BEGIN
	IF k.kind = 'comment' THEN
		WITH RECURSIVE below AS (
			SELECT id, deleted_at FROM comment WHERE id = thing
			 UNION ALL
			SELECT c.id, c.deleted_at
			  FROM below AS b
			  JOIN comment AS c
			    ON c.reply_comment_id = b.id
			   AND c.deleted_at = b.deleted_at
			   AND c.user_id IS NOT NULL
		), reactions AS (
			UPDATE reaction AS r
			   SET deleted_at = NULL,
			       updated_at = now()
			  FROM below AS b
			 WHERE r.comment_id = b.id
			   AND r.deleted_at = b.deleted_at
		)
		UPDATE comment AS c
		   SET deleted_at = NULL,
		       updated_at = now()
		  FROM below AS b
		 WHERE c.id = b.id;
	ELSE
		EXECUTE format('UPDATE %I SET deleted_at = NULL, updated_at = now() '
			'WHERE id = $1', k.relation) USING thing;
	END IF;
END
$$;

-- Does what the action is, with the row locked or new; its id.
CREATE FUNCTION document_act(k document_kind, action text, thing bigint,
	old jsonb, patch jsonb, vals jsonb, defaults text[], links jsonb)
	RETURNS bigint
	LANGUAGE plpgsql AS $$
DECLARE
	f document_field;
BEGIN
	CASE action
	WHEN 'remove' THEN
		EXECUTE format('UPDATE %I SET deleted_at = now(), updated_at = now() '
			'WHERE id = $1', k.relation) USING thing;
	WHEN 'restore' THEN
		PERFORM document_restore(k, thing);
	WHEN 'purge' THEN
		EXECUTE format('DELETE FROM %I WHERE id = $1', k.relation) USING thing;
	ELSE
		thing := document_row(k, thing, vals, defaults);
		FOR f IN SELECT * FROM document_field
		          WHERE kind = k.kind AND part = '' AND patch ? key
		            AND patch -> key IS DISTINCT FROM old -> key LOOP
			IF links ? f.key THEN
				PERFORM document_link(k, f, thing, ARRAY(SELECT
					jsonb_array_elements_text(links -> f.key)::bigint));
			ELSIF f.type IN ('translations', 'sources') THEN
				PERFORM document_part(k, f, thing, old -> f.key,
					patch -> f.key);
			END IF;
		END LOOP;
	END CASE;
	RETURN thing;
END
$$;

-- The fault that a violated constraint is; NULL: it is none of a document.
CREATE FUNCTION document_violation(k document_kind, name text, state text)
	RETURNS document_fault
	LANGUAGE sql STABLE AS $$
	SELECT (f.key, CASE state WHEN '23505' THEN 'taken' WHEN '23503' THEN 'absent'
	                    ELSE 'characters' END, NULL, NULL)::document_fault
	  FROM document_field AS f
	 WHERE f.kind = k.kind
	   AND f.part = ''
	   AND (starts_with(name, k.relation || '_' || f.col)
	        OR starts_with(name, f.col || '_')
	        OR name = 'review_user_movie_unique' AND f.key = 'movie')
	 ORDER BY name LIKE '%slug%' AND f.key <> 'slug', f.key <> 'movie', f.place
	 LIMIT 1
$$;

-- The one way to change a document: add, edit, picture (an edit of one), remove,
-- restore, purge; and its entry in the audit log. tag: If-Match; NULL: anything
-- may have changed since; '': it is missing. slug: of a new thing whose document
-- has none, before it is made unique.
--
-- result: ok; missing; required or stale (the tag); invalid, with the faults;
-- live: only what is removed can be purged; taken: something else is in its place.
CREATE FUNCTION document_change(of_kind text, action text, thing bigint,
	patch jsonb, tag text, slug text, actor bigint, origin text, request text)
	RETURNS TABLE (result text, id bigint, document json, etag text,
	               fields text[], codes text[], args text[], mores text[])
	LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
	k        document_kind;
	before   json;
	old      jsonb := '{}';
	vals     jsonb;
	defaults text[];
	links    jsonb;
	faults   document_fault[] := '{}';
	fault    document_fault;
	violated text;
	state    text;
	owner    bigint;
	tries    integer := 0;
BEGIN
	SELECT * INTO k FROM document_kind WHERE kind = of_kind;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	id := thing;
	IF action <> 'add' THEN
		EXECUTE format('SELECT FROM %I WHERE id = $1 FOR %s', k.relation,
			CASE action WHEN 'purge' THEN 'UPDATE' ELSE 'NO KEY UPDATE' END)
		  USING thing;
		before := document(of_kind, thing);
		old := before;
		document := before;
		etag := document_tag(before);
		result := CASE WHEN before IS NULL THEN 'missing'
			WHEN tag = '' THEN 'required'
			WHEN tag <> '*' AND strpos(tag, etag) = 0 THEN 'stale'
			WHEN action = 'purge' AND jsonb_typeof(old -> 'deleted_at') = 'null'
			THEN 'live' ELSE 'ok' END;
		IF result <> 'ok' OR (jsonb_typeof(old -> 'deleted_at') = 'null')
		   = (action = 'restore') AND action IN ('remove', 'restore') THEN
			RETURN NEXT;
			RETURN;
		END IF;
	END IF;
	IF action IN ('add', 'edit', 'picture') THEN
		SELECT c.vals, c.defaults, c.links, c.faults
		  INTO vals, defaults, links, faults
		  FROM document_check(of_kind, old, patch) AS c;
	END IF;
	WHILE cardinality(faults) = 0 LOOP
		BEGIN
			IF action = 'add' AND k.named IS NOT NULL
			   AND coalesce(patch -> 'slug', 'null') = 'null' THEN
				vals := vals || jsonb_build_object('slug', document_slug(k,
					slug, (vals ->> 'user_id')::bigint));
			END IF;
			IF k.owner THEN
				EXECUTE format('SELECT user_id FROM %I WHERE id = $1',
					k.relation) INTO owner USING thing;
			END IF;
			id := document_act(k, action, thing, old, patch, vals, defaults,
				links);
			document := document(of_kind, id);
			IF action IN ('edit', 'picture') AND
			   document_difference(document, before)::text = '{}' THEN
				RAISE SQLSTATE 'MX000';
			END IF;
			EXIT;
		EXCEPTION WHEN SQLSTATE 'MX000' THEN
			-- nothing differs, and so nothing is written
			result := 'ok';
			document := before;
			RETURN NEXT;
			RETURN;
		WHEN unique_violation OR check_violation
		            OR foreign_key_violation OR not_null_violation THEN
			GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME,
				state = RETURNED_SQLSTATE;
			tries := tries + 1;
			IF action = 'restore' THEN
				result := 'taken';
				RETURN NEXT;
				RETURN;
			ELSIF NOT (state = '23505' AND violated LIKE '%slug%' AND tries < 100
			           AND action = 'add'
			           AND coalesce(patch -> 'slug', 'null') = 'null') THEN
				fault := CASE WHEN state = '23502'
					THEN ('slug', 'required', NULL, NULL)::document_fault
					ELSE document_violation(k, violated, state) END;
				IF fault.code IS NULL THEN
					RAISE;
				END IF;
				faults := ARRAY[fault];
			END IF;
		END;
	END LOOP;
	IF cardinality(faults) > 0 THEN
		result := 'invalid';
		SELECT array_agg(u.field), array_agg(u.code),
		       array_agg(coalesce(u.arg, '')), array_agg(coalesce(u.more, ''))
		  INTO fields, codes, args, mores
		  FROM unnest(faults) AS u;
		RETURN NEXT;
		RETURN;
	END IF;
	result := 'ok';
	etag := document_tag(document);
	IF action = 'add' AND k.owner THEN
		owner := vals ->> 'user_id';
	END IF;
	INSERT INTO audit (user_id, origin, request_id, kind, thing_id, owner_id,
	                   label, action, before, after)
	SELECT actor, origin, request, of_kind, id, owner,
	       coalesce(left(d ->> coalesce(k.named, 'title'), 255),
	                left(d ->> 'content', 80), ''), action,
	       CASE WHEN document IS NULL THEN before
	            ELSE document_difference(before, document) END,
	       CASE WHEN before IS NULL THEN document
	            ELSE document_difference(document, before) END
	  FROM coalesce(document, before) AS d;
	RETURN NEXT;
END
$$;
