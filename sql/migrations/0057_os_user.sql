-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Who ran mxmctl is in the audit log, and how many rows were deleted with a thing;
-- persons have `sources`, of which there are at most 20 (document_field.most).

-- os_user: the name of a user of the machine who ran mxmctl, not of an account; NULL
-- before this migration. deleted_rows: of purge, by name (document_below()).
ALTER TABLE audit
	ADD COLUMN os_user text,
	ADD COLUMN deleted_rows json,
	ADD CONSTRAINT audit_os_user_of_mxmctl
		CHECK (os_user IS NULL OR origin = 'mxmctl');

DO $$
BEGIN
	EXECUTE 'CREATE VIEW document_field_first AS '
		|| pg_get_viewdef('document_field');
END
$$;
CREATE OR REPLACE VIEW document_field AS
SELECT *
  FROM document_field_first
 UNION ALL
SELECT 1000, 'person', '', 'sources', 'sources', 'person_source', '', false, 20, NULL,
       NULL;

-------------------------------------------------------------------------------
-- Reading
-------------------------------------------------------------------------------

-- The expression of a field, of row t of the table of its kind.
CREATE OR REPLACE FUNCTION document_expression(f document_field, relation text) RETURNS text
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
	WHEN 'sources' THEN format(
	    $q$(SELECT coalesce(json_object_agg(s.source, CASE s.n
	               WHEN 1 THEN s.keys -> 0 ELSE s.keys END ORDER BY s.source),
	               '{}')
	      FROM (SELECT source, json_agg(key ORDER BY key COLLATE "C") AS keys,
	                   count(*) AS n
	              FROM %I
	             WHERE %s_id = t.id
	             GROUP BY source) AS s)$q$, f.col, relation)
	ELSE CASE WHEN f.type IN ('ranked', 'sequence') THEN format(
	    $q$(SELECT coalesce(json_agg(x.slug ORDER BY l.position, x.id), '[]')
	      FROM %1$I AS l JOIN %2$I AS x ON x.id = l.%2$s_id
	     WHERE l.%3$s_id = t.id)$q$, f.col, f.target, relation)
	ELSE format('t.%I', f.col) END END
$$;

DROP FUNCTION document_person(bigint);
SELECT document_rule('person');

-- The ids that an operand of mxmctl stands for: id=7 is a number; others are a slug
-- (of a list USER/SLUG, or SLUG), a number, or both.
CREATE OR REPLACE FUNCTION document_find(of_kind text, word text) RETURNS bigint[]
	LANGUAGE plpgsql STABLE AS $$
DECLARE
	k     document_kind;
	ids   bigint[];
	named bigint[];
	last  text := regexp_replace(word, '^.*/', '');
BEGIN
	SELECT * INTO k FROM document_kind WHERE kind = of_kind;
	IF k.named IS NOT NULL AND word !~ '^id=' THEN
		EXECUTE format('SELECT array_agg(t.id ORDER BY t.id) FROM %I AS t '
			'WHERE t.slug = $1 %s', k.relation, CASE WHEN k.owner THEN
			'AND ($1 = $2 OR t.user_id = (SELECT id FROM account AS a '
			'WHERE a.username || ''/'' || $1 = $2))' ELSE 'AND $1 = $2' END)
		   INTO named
		  USING last, word;
	END IF;
	IF word ~ '^(id=)?[0-9]{1,18}$' THEN
		EXECUTE format('SELECT array_agg(id) FROM %I WHERE id = $1 '
			'AND id <> ALL ($2)', k.relation)
		   INTO ids
		  USING replace(word, 'id=', '')::bigint, coalesce(named, '{}');
	END IF;
	RETURN named || ids;
END
$$;

-------------------------------------------------------------------------------
-- Checking and writing
-------------------------------------------------------------------------------

-- The faults of `translations` or of `sources`.
CREATE OR REPLACE FUNCTION document_parts(f document_field, value jsonb, old jsonb)
	RETURNS SETOF document_fault
	LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
	p     record;
	q     record;
	n     document_field;
	total bigint;
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
			ELSIF jsonb_typeof(p.value) = 'null' THEN
				NULL;
			ELSIF EXISTS (SELECT
			                FROM jsonb_path_query(p.value, 'strict $[*] ? '
			                     '(@.type() != "string")', '{}', true)) THEN
				RETURN NEXT (p.field, 'list', NULL, NULL)::document_fault;
			ELSIF jsonb_typeof(p.value) NOT IN ('string', 'array') THEN
				RETURN NEXT (p.field, 'text', NULL, NULL)::document_fault;
			ELSE
				RETURN QUERY
				SELECT p.field, 'key', left(e #>> '{}', 100), p.key
				  FROM jsonb_path_query(p.value, 'lax $[*]') AS e
				 WHERE e #>> '{}' !~ CASE concat_ws(' ', p.key, f.kind)
				       WHEN 'imdb movie' THEN '^tt[0-9]{7,8}$'
				       WHEN 'imdb person' THEN '^nm[0-9]{7,8}$'
				       WHEN 'movielens movie' THEN '^[1-9][0-9]{0,8}$'
				       WHEN 'tmdb movie' THEN '^[1-9][0-9]{0,8}$'
				       WHEN 'tmdb person' THEN '^[1-9][0-9]{0,8}$'
				       ELSE '^[!-~]{1,64}$' END
				 UNION ALL
				SELECT p.field, 'twice', left(e #>> '{}', 100), NULL
				  FROM jsonb_path_query(p.value, 'lax $[*]') AS e
				 GROUP BY e
				HAVING count(*) > 1
				 LIMIT 8;
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
	IF f.type = 'sources' THEN
		SELECT count(*) INTO total
		  FROM jsonb_each(coalesce(old, '{}') || value) AS s,
		       jsonb_path_query(s.value, 'lax $[*]') AS e
		 WHERE jsonb_typeof(e) <> 'null';
		IF total > f.most THEN
			RETURN NEXT (f.key, 'items', f.most, total)::document_fault;
		END IF;
	END IF;
END
$$;

-- Changes translations or sources by their merge patch. A key of another catalogue
-- that stays is the same row, with its mark that it was imported.
CREATE OR REPLACE FUNCTION document_part(k document_kind, f document_field, thing bigint,
	old jsonb, patch jsonb) RETURNS void
	LANGUAGE plpgsql AS $$
DECLARE
	p    record;
	keys text[];
BEGIN
	IF jsonb_typeof(patch) = 'null' THEN
		patch := (SELECT coalesce(jsonb_object_agg(key, NULL), '{}')
		            FROM jsonb_object_keys(old) AS key);
	END IF;
	FOR p IN SELECT key, value FROM jsonb_each(patch)
	          WHERE value IS DISTINCT FROM old -> key LOOP
		IF f.type = 'sources' THEN
			keys := ARRAY(SELECT e #>> '{}'
			                FROM jsonb_path_query(p.value, 'lax $[*]') AS e
			               WHERE jsonb_typeof(e) = 'string');
			EXECUTE format('DELETE FROM %I WHERE %s_id = $1 AND source = $2 '
				'AND key <> ALL ($3)', f.col, k.relation)
			  USING thing, p.key, keys;
			EXECUTE format('INSERT INTO %1$I (source, key, %2$s_id) '
				'SELECT $2, s.key, $1 FROM unnest($3) AS s (key) '
				'WHERE NOT EXISTS (SELECT FROM %1$I AS o WHERE o.source = $2 '
				'AND o.key = s.key AND o.%2$s_id = $1)', f.col, k.relation)
			  USING thing, p.key, keys;
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

-- What is deleted with a thing and is not in its document: rows by name, removed
-- ones included. They are locked, so that nothing is added to them before.
CREATE FUNCTION document_below(of_kind text, thing bigint) RETURNS json
	LANGUAGE plpgsql AS $$
DECLARE
	reviews  bigint[];
	comments bigint[];
BEGIN
	reviews := ARRAY(SELECT id
	                   FROM review
	                  WHERE of_kind = 'movie' AND movie_id = thing
	                     OR of_kind = 'review' AND id = thing
	                  ORDER BY id
	                    FOR UPDATE);
	comments := ARRAY(
		WITH RECURSIVE reply AS (
			SELECT id
			  FROM comment
			 WHERE of_kind = 'comment' AND reply_comment_id = thing
			    OR review_id = ANY (reviews)
			 UNION
			SELECT c.id
			  FROM reply AS r
			  JOIN comment AS c ON c.reply_comment_id = r.id
		)
		SELECT id FROM reply);
	PERFORM FROM comment WHERE id = ANY (comments) ORDER BY id FOR UPDATE;
	RETURN (
		SELECT coalesce(json_object_agg(b.name, b.n), '{}')
		  FROM (SELECT 'ratings', count(*)
		          FROM rating
		         WHERE of_kind = 'movie' AND movie_id = thing
		         UNION ALL
		        SELECT 'unseen', count(*)
		          FROM unseen
		         WHERE of_kind = 'movie' AND movie_id = thing
		         UNION ALL
		        SELECT 'reviews', cardinality(reviews)
		         WHERE of_kind = 'movie'
		         UNION ALL
		        SELECT 'comments', cardinality(comments)
		         UNION ALL
		        SELECT 'reactions', count(*)
		          FROM reaction
		         WHERE review_id = ANY (reviews)
		            OR comment_id = ANY (comments)
		            OR of_kind = 'comment' AND comment_id = thing
		         UNION ALL
		        SELECT 'list_movies', count(*)
		          FROM movielist_movie
		         WHERE of_kind = 'movie' AND movie_id = thing
		         UNION ALL
		        SELECT 'follows', count(*)
		          FROM follow
		         WHERE of_kind = 'person' AND person_id = thing
		         UNION ALL
		        SELECT 'user_platforms', count(*)
		          FROM account_platform
		         WHERE of_kind = 'platform' AND platform_id = thing
		         UNION ALL
		        SELECT 'movie_directors', count(*)
		          FROM movie_director
		         WHERE of_kind = 'person' AND person_id = thing
		         UNION ALL
		        SELECT 'movie_actors', count(*)
		          FROM movie_actor
		         WHERE of_kind = 'person' AND person_id = thing
		         UNION ALL
		        SELECT 'movie_genres', count(*)
		          FROM movie_genre
		         WHERE of_kind = 'genre' AND genre_id = thing
		         UNION ALL
		        SELECT 'movie_platforms', count(*)
		          FROM movie_platform
		         WHERE of_kind = 'platform' AND platform_id = thing
		         UNION ALL
		        SELECT 'movie_awards', count(*)
		          FROM movie_award
		         WHERE of_kind = 'award' AND award_id = thing
		         UNION ALL
		        SELECT 'person_awards', count(*)
		          FROM person_award
		         WHERE of_kind = 'award' AND award_id = thing)
		       AS b (name, n)
		 WHERE b.n > 0);
END
$$;

DROP FUNCTION document_change(text, text, bigint, jsonb, text, text, bigint, text,
	text);

-- The one way to change a document: add, edit, picture (an edit of one), remove,
-- restore, purge; and its entry in the audit log. tag: If-Match; '': it is missing;
-- NULL: anything may have changed since, if the patch has no other `updated_at`. slug: of a new thing whose document
-- has none, before it is made unique. os_user: who ran mxmctl, by the name of the
-- machine; NULL: it is a request of account `actor`.
--
-- result: ok; same: nothing was to be done; missing; required or stale (the tag); invalid, with the faults;
-- live: only what is removed can be purged; taken: something else is in its place.
-- deleted_rows: of purge.
CREATE FUNCTION document_change(of_kind text, action text, thing bigint,
	patch jsonb, tag text, slug text, actor bigint, os_user text, request text)
	RETURNS TABLE (result text, id bigint, document json, etag text,
	               fields text[], codes text[], args text[], mores text[],
	               deleted_rows json)
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
	is_live  boolean;
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
		is_live := jsonb_typeof(old -> 'deleted_at') = 'null';
		result := CASE WHEN before IS NULL THEN 'missing'
			WHEN tag = '' THEN 'required'
			WHEN tag <> '*' AND strpos(tag, etag) = 0
			     OR tag IS NULL AND patch -> 'updated_at' <> old -> 'updated_at'
			THEN 'stale'
			WHEN action = 'purge' AND is_live THEN 'live'
			WHEN action IN ('remove', 'restore')
			     AND is_live = (action = 'restore') THEN 'same'
			ELSE 'ok' END;
		IF result <> 'ok' THEN
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
			IF action = 'purge' THEN
				deleted_rows := document_below(of_kind, thing);
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
			result := 'same';
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
	INSERT INTO audit (user_id, origin, os_user, request_id, kind, thing_id,
	                   owner_id, label, action, deleted_rows, before, after)
	SELECT actor, CASE WHEN os_user IS NULL THEN 'api' ELSE 'mxmctl' END,
	       os_user, request, of_kind, id, owner,
	       coalesce(left(d ->> coalesce(k.named, 'title'), 255),
	                left(d ->> 'content', 80), ''), action, deleted_rows,
	       CASE WHEN document IS NULL THEN before
	            ELSE document_difference(before, document) END,
	       CASE WHEN before IS NULL THEN document
	            ELSE document_difference(document, before) END
	  FROM coalesce(document, before) AS d;
	RETURN NEXT;
END
$$;
