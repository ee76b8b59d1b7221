-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Searching a catalogue of a million films. What a search looks at stands in one
-- narrow table, a row a film, kept by triggers: reading it costs neither the wide
-- rows of table movie nor joins, and a rating, which changes table movie, does
-- not write its indexes.

-- The pairs of neighbouring characters of a title, each once, the first with a
-- mark before it. They find what trigrams cannot: names of one or two
-- characters, of punctuation, of scripts and signs that trigrams leave out.
CREATE FUNCTION fold_pairs(fold text, tag text) RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT coalesce(array_agg(DISTINCT tag || substr(E'\x01' || fold, i, 2)),
	                '{}')
	  FROM generate_series(1, char_length(fold)) AS i
$$;

-- Titles are folded. A column of its own for each language, since a search looks
-- at the original title and at one translation.
CREATE TABLE movie_find (
	movie_id     bigint NOT NULL REFERENCES movie ON DELETE CASCADE,
	release_date date,
	live         boolean NOT NULL,
	title        text NOT NULL,
	title_en     text,
	title_es     text,
	title_fr     text,
	title_de     text,
	genres       bigint[] NOT NULL DEFAULT '{}',
	platforms    bigint[] NOT NULL DEFAULT '{}',

	PRIMARY KEY (movie_id)
);

-- The pairs of all titles of a film; those of a translation carry its language.
CREATE FUNCTION movie_pairs(film movie_find) RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT public.fold_pairs(film.title, '')
	       || CASE WHEN film.title_en IS NULL THEN '{}'
	               ELSE public.fold_pairs(film.title_en, 'en') END
	       || CASE WHEN film.title_es IS NULL THEN '{}'
	               ELSE public.fold_pairs(film.title_es, 'es') END
	       || CASE WHEN film.title_fr IS NULL THEN '{}'
	               ELSE public.fold_pairs(film.title_fr, 'fr') END
	       || CASE WHEN film.title_de IS NULL THEN '{}'
	               ELSE public.fold_pairs(film.title_de, 'de') END
$$;

-- Pairs as they stand for the titles of a language.
CREATE FUNCTION movie_tagged(pairs text[], in_language text) RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT array_agg(in_language || p) FROM unnest(pairs) AS p
$$;

-- What the row of each live or deleted film has to be.
CREATE VIEW movie_findable AS
SELECT m.id AS movie_id, m.release_date, m.deleted_at IS NULL AS live,
       m.title_fold AS title, t.en, t.es, t.fr, t.de,
       ARRAY(SELECT genre_id
               FROM movie_genre
              WHERE movie_id = m.id
              ORDER BY genre_id) AS genres,
       ARRAY(SELECT platform_id
               FROM movie_platform
              WHERE movie_id = m.id
              ORDER BY platform_id) AS platforms
  FROM movie AS m
 CROSS JOIN LATERAL (
	SELECT min(title_fold) FILTER (WHERE language = 'en') AS en,
	       min(title_fold) FILTER (WHERE language = 'es') AS es,
	       min(title_fold) FILTER (WHERE language = 'fr') AS fr,
	       min(title_fold) FILTER (WHERE language = 'de') AS de
	  FROM movie_translation
	 WHERE movie_id = m.id AND deleted_at IS NULL AND title <> '') AS t;

-- All rows anew.
CREATE FUNCTION movie_find_fill() RETURNS void
	LANGUAGE sql AS $$
	DELETE FROM movie_find;
	INSERT INTO movie_find
	SELECT * FROM movie_findable ORDER BY movie_id;
$$;

SELECT movie_find_fill();

CREATE INDEX movie_find_newest ON movie_find
	(release_date DESC NULLS LAST, movie_id DESC) WHERE live;
CREATE INDEX movie_find_title ON movie_find USING gin
	(title gin_trgm_ops, title_en gin_trgm_ops, title_es gin_trgm_ops,
	 title_fr gin_trgm_ops, title_de gin_trgm_ops) WHERE live;
CREATE INDEX movie_find_pairs ON movie_find USING gin
	(movie_pairs(movie_find)) WHERE live;
-- Few titles are longer than 64 characters: only these can contain such a text.
CREATE INDEX movie_find_long ON movie_find (movie_id)
	WHERE live AND greatest(char_length(title), char_length(title_en),
	                        char_length(title_es), char_length(title_fr),
	                        char_length(title_de)) > 64;
CREATE INDEX movie_find_lists ON movie_find USING gin (genres, platforms)
	WHERE live;
DROP INDEX movie_search, movie_translation_search;

-- Films without a date come last in every list by date.
DROP INDEX movie_release_date;
CREATE INDEX movie_release_date ON movie
	(release_date DESC NULLS LAST, id DESC) WHERE deleted_at IS NULL;

-- Brings the rows of these films up to date. They are locked first: of two
-- transactions that change one film the later must see what the earlier did.
-- Without sequential scans, since right after an import the planner believes
-- tables to be empty and would read one to its end for every film.
CREATE FUNCTION movie_find_refresh(films bigint[]) RETURNS void
	LANGUAGE plpgsql
	SET enable_seqscan = off
	SET enable_hashjoin = off
	SET enable_mergejoin = off AS $$
BEGIN
	PERFORM
	   FROM movie_find
	  WHERE movie_id = ANY (films)
	  ORDER BY movie_id
	    FOR UPDATE;
	UPDATE movie_find AS f
	   SET release_date = n.release_date, live = n.live, title = n.title,
	       title_en = n.en, title_es = n.es, title_fr = n.fr, title_de = n.de,
	       genres = n.genres, platforms = n.platforms
	  FROM movie_findable AS n
	 WHERE f.movie_id = ANY (films)
	   AND n.movie_id = f.movie_id
	   AND (f.release_date, f.live, f.title, f.title_en, f.title_es,
	        f.title_fr, f.title_de, f.genres, f.platforms)
	       IS DISTINCT FROM
	       (n.release_date, n.live, n.title, n.en, n.es, n.fr, n.de, n.genres,
	        n.platforms);
END
$$;

CREATE FUNCTION movie_find_add() RETURNS trigger
	LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO movie_find (movie_id, release_date, live, title)
	SELECT id, release_date, deleted_at IS NULL, title_fold
	  FROM came;
	RETURN NULL;
END
$$;

CREATE TRIGGER movie_find_insert AFTER INSERT ON movie
	REFERENCING NEW TABLE AS came
	FOR EACH STATEMENT EXECUTE FUNCTION movie_find_add();

-- By columns and by row, so that a rating's update of the sums costs nothing.
CREATE FUNCTION movie_find_change() RETURNS trigger
	LANGUAGE plpgsql AS $$
BEGIN
	UPDATE movie_find
	   SET release_date = NEW.release_date,
	       live = NEW.deleted_at IS NULL,
	       title = NEW.title_fold
	 WHERE movie_id = NEW.id;
	RETURN NULL;
END
$$;

CREATE TRIGGER movie_find_update
	AFTER UPDATE OF title, release_date, deleted_at
	ON movie FOR EACH ROW
	WHEN ((OLD.title, OLD.release_date, OLD.deleted_at)
	      IS DISTINCT FROM (NEW.title, NEW.release_date, NEW.deleted_at))
	EXECUTE FUNCTION movie_find_change();

CREATE FUNCTION movie_find_relate() RETURNS trigger
	LANGUAGE plpgsql AS $$
DECLARE
	films bigint[];
BEGIN
	IF TG_OP <> 'DELETE' THEN
		films := ARRAY(SELECT DISTINCT movie_id FROM came);
	END IF;
	IF TG_OP <> 'INSERT' THEN
		films := films || ARRAY(SELECT DISTINCT movie_id FROM gone);
	END IF;
	IF cardinality(films) > 0 THEN
		PERFORM movie_find_refresh(films);
	END IF;
	RETURN NULL;
END
$$;

DO $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['movie_translation', 'movie_genre',
	    'movie_platform']
	LOOP
		EXECUTE format('CREATE TRIGGER %1$s_find_insert
		    AFTER INSERT ON %1$s REFERENCING NEW TABLE AS came
		    FOR EACH STATEMENT EXECUTE FUNCTION movie_find_relate()', name);
		EXECUTE format('CREATE TRIGGER %1$s_find_update
		    AFTER UPDATE ON %1$s
		    REFERENCING OLD TABLE AS gone NEW TABLE AS came
		    FOR EACH STATEMENT EXECUTE FUNCTION movie_find_relate()', name);
		EXECUTE format('CREATE TRIGGER %1$s_find_delete
		    AFTER DELETE ON %1$s REFERENCING OLD TABLE AS gone
		    FOR EACH STATEMENT EXECUTE FUNCTION movie_find_relate()', name);
	END LOOP;
END
$$;

DROP FUNCTION movie_near(text, text, integer);
DROP FUNCTION movie_named(text, text);

-- Whether a row is a live film with that title (a LIKE pattern over folded text)
-- and of those genres and platforms; NULL asks for nothing. Unfolded where it is
-- called, so that a condition that is not asked for is none and one that is finds
-- its index.
CREATE FUNCTION movie_fits(film movie_find, in_language text, pattern text,
                           in_genres bigint[], on_platforms bigint[])
	RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT film.live
	   AND (pattern IS NULL
	        OR film.title LIKE pattern
	        OR CASE in_language WHEN 'en' THEN film.title_en
	                            WHEN 'es' THEN film.title_es
	                            WHEN 'fr' THEN film.title_fr
	                            WHEN 'de' THEN film.title_de END LIKE pattern)
	   AND (in_genres IS NULL OR film.genres && in_genres)
	   AND (on_platforms IS NULL OR film.platforms && on_platforms)
$$;

-- What both lists hold; the second when there is no first.
CREATE FUNCTION movie_both(films bigint[], part bigint[]) RETURNS bigint[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN films IS NULL THEN part
	            ELSE ARRAY(SELECT unnest(films) INTERSECT SELECT unnest(part))
	            END
$$;

-- How much a film's title, the original or that of the language, is like the
-- text. Of titles with the same word the one that is otherwise most like it is
-- more.
CREATE FUNCTION movie_likeness(film movie_find, in_language text, query text)
	RETURNS real LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT max(word_similarity(query, t) + similarity(query, t) / 100)::real
	  FROM (VALUES (film.title),
	               (CASE in_language WHEN 'en' THEN film.title_en
	                                 WHEN 'es' THEN film.title_es
	                                 WHEN 'fr' THEN film.title_fr
	                                 WHEN 'de' THEN film.title_de END)) AS v (t)
$$;

-- Films that are in all the lists that are asked for; NULL when none is. What a
-- person or a member has is found from there, never by looking at each film.
CREATE FUNCTION movie_lists(caller bigint, directors text[], actors text[],
                            celebrities text[], stars bigint[],
                            marked_unseen boolean, reviewed boolean)
	RETURNS bigint[] LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET enable_seqscan = off AS $$
DECLARE
	people bigint[];
	films  bigint[];
	part   bigint[];
BEGIN
	IF directors IS NOT NULL THEN
		people := ARRAY(SELECT id FROM live_person WHERE slug = ANY (directors));
		films := ARRAY(SELECT DISTINCT movie_id
		                 FROM movie_director
		                WHERE person_id = ANY (people));
	END IF;
	IF actors IS NOT NULL THEN
		people := ARRAY(SELECT id FROM live_person WHERE slug = ANY (actors));
		part := ARRAY(SELECT DISTINCT movie_id
		                FROM movie_actor
		               WHERE person_id = ANY (people));
		films := movie_both(films, part);
	END IF;
	IF celebrities IS NOT NULL THEN
		people := ARRAY(SELECT id FROM live_person
		                 WHERE slug = ANY (celebrities));
		part := ARRAY(SELECT movie_id
		                FROM movie_actor
		               WHERE person_id = ANY (people)
		               UNION
		              SELECT movie_id
		                FROM movie_director
		               WHERE person_id = ANY (people));
		films := movie_both(films, part);
	END IF;
	IF stars IS NOT NULL THEN
		part := ARRAY(SELECT movie_id
		                FROM live_rating
		               WHERE user_id = caller AND rating = ANY (stars));
		films := movie_both(films, part);
	END IF;
	IF marked_unseen THEN
		part := ARRAY(SELECT movie_id FROM unseen WHERE user_id = caller);
		films := movie_both(films, part);
	END IF;
	IF reviewed THEN
		part := ARRAY(SELECT DISTINCT movie_id
		                FROM live_review
		               WHERE user_id = caller);
		films := movie_both(films, part);
	END IF;
	RETURN films;
END
$$;

-- Only a session that has the extension loaded may attach its setting to a
-- function, hence this call.
DO $$ BEGIN PERFORM show_limit(); END $$;

-- The best of what resembles the text in spite of typing errors, best first, at
-- most 200. Words that one film in a hundred has say little and would be found
-- everywhere: they are left out of the question, and when it still fits one film
-- in fifty, only the newest films are compared. sample is some of the titles.
CREATE FUNCTION movie_near(query text, in_language text, films bigint[],
                           in_genres bigint[], on_platforms bigint[],
                           sample text[])
	RETURNS bigint[] LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET enable_seqscan = off
	SET pg_trgm.word_similarity_threshold = 0.4 AS $$
DECLARE
	telling text := query;
	share   bigint;
BEGIN
	IF cardinality(sample) >= 1000 THEN
		telling := (SELECT string_agg(w.word, ' ' ORDER BY w.n)
		              FROM regexp_split_to_table(query, '[^[:alnum:]]+')
		                   WITH ORDINALITY AS w (word, n)
		             WHERE w.word <> ''
		               AND (SELECT count(*)
		                      FROM unnest(sample) AS s (title)
		                     WHERE strpos(s.title, w.word) > 0)
		                   < cardinality(sample) / 100);
	END IF;
	IF telling IS NULL THEN
		RETURN '{}';
	END IF;
	share := (SELECT count(*)
	            FROM unnest(sample) AS s (title)
	           WHERE s.title %> telling);
	IF films IS NULL AND cardinality(sample) >= 1000
	   AND share > cardinality(sample) / 50 THEN
		films := ARRAY(SELECT movie_id
		                 FROM movie_find
		                WHERE live
		                ORDER BY release_date DESC NULLS LAST, movie_id DESC
		                LIMIT 3000);
	END IF;
	IF films IS NOT NULL THEN
		RETURN ARRAY(SELECT f.movie_id
		               FROM unnest(films[:3000]) AS l (movie_id)
		              CROSS JOIN LATERAL (
		                    SELECT m.movie_id,
		                           movie_likeness(m, in_language, telling)
		                           AS telling,
		                           movie_likeness(m, in_language, query)
		                           AS likeness
		                      FROM movie_find AS m
		                     WHERE m.movie_id = l.movie_id
		                       AND movie_fits(m, in_language, NULL, in_genres,
		                                      on_platforms)
		                    OFFSET 0) AS f
		              WHERE f.telling >= 0.4
		              ORDER BY f.likeness DESC, f.movie_id DESC
		              LIMIT 200);
	END IF;
	RETURN ARRAY(SELECT f.movie_id
	               FROM movie_find AS f
	              WHERE movie_fits(f, in_language, NULL, in_genres, on_platforms)
	                AND (f.title %> telling
	                     OR CASE in_language
	                        WHEN 'en' THEN f.title_en
	                        WHEN 'es' THEN f.title_es
	                        WHEN 'fr' THEN f.title_fr
	                        WHEN 'de' THEN f.title_de END %> telling)
	              ORDER BY movie_likeness(f, in_language, query) DESC,
	                       f.movie_id DESC
	              LIMIT 200);
END
$$;

-- The pairs that find a text in which trigrams find nothing, since they need three
-- letters in a row; NULL for other texts.
CREATE FUNCTION movie_pairs_of(fold text) RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN fold IS NULL OR fold ~ '[[:alnum:]]{3}' THEN NULL
	            WHEN char_length(fold) > 1
	            THEN array_remove(fold_pairs(fold, ''), E'\x01' || left(fold, 1))
	            ELSE fold_pairs(fold, '') END
$$;

-- Whether more films fit than that. They are counted in the order of the table,
-- which is the quickest when one in ten fits (dense); else by the index.
CREATE FUNCTION movie_many(in_language text, fold text, pattern text,
                           in_genres bigint[], on_platforms bigint[],
                           dense boolean, most bigint)
	RETURNS boolean LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET enable_indexscan = off
	SET enable_seqscan = on
	SET enable_bitmapscan = off AS $$
DECLARE
	pairs text[];
BEGIN
	IF NOT dense THEN
		pairs := movie_pairs_of(fold);
		PERFORM set_config('enable_seqscan', 'off', true),
		        set_config('enable_bitmapscan', 'on', true);
	END IF;
	RETURN (SELECT count(*)
	          FROM (SELECT
	                  FROM movie_find AS f
	                 WHERE (pairs IS NULL
	                        OR movie_pairs(f) @> pairs
	                        OR movie_pairs(f) @> movie_tagged(pairs, in_language))
	                   AND movie_fits(f, in_language, pattern, in_genres,
	                                  on_platforms)
	                 LIMIT most + 1) AS hit) > most;
END
$$;

-- The first of the films that fit, as many as are wanted, newest first, among the
-- newest 100 000: fewer when there are not so many there.
CREATE FUNCTION movie_walk(in_language text, pattern text, in_genres bigint[],
                           on_platforms bigint[], wanted bigint)
	RETURNS bigint[] LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET enable_seqscan = off
	SET enable_bitmapscan = off AS $$
BEGIN
	RETURN ARRAY(SELECT w.movie_id
	               FROM (SELECT f.movie_id,
	                            movie_fits(f, in_language, pattern, in_genres,
	                                       on_platforms) AS fits
	                       FROM movie_find AS f
	                      WHERE f.live
	                      ORDER BY f.release_date DESC NULLS LAST,
	                               f.movie_id DESC
	                      LIMIT 100000) AS w
	              WHERE w.fits
	              LIMIT wanted);
END
$$;

-- All films that fit, newest first, at most so many, by the index of what is
-- asked for.
CREATE FUNCTION movie_matching(in_language text, fold text, pattern text,
                               in_genres bigint[], on_platforms bigint[],
                               wanted bigint)
	RETURNS bigint[] LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET enable_seqscan = off AS $$
DECLARE
	pairs text[] := movie_pairs_of(fold);
BEGIN
	IF char_length(fold) > 64 THEN
		RETURN ARRAY(WITH long AS MATERIALIZED (
		                 SELECT f
		                   FROM movie_find AS f
		                  WHERE f.live
		                    AND greatest(char_length(title),
		                                 char_length(title_en),
		                                 char_length(title_es),
		                                 char_length(title_fr),
		                                 char_length(title_de)) > 64)
		             SELECT (l.f).movie_id
		               FROM long AS l
		              WHERE movie_fits(l.f, in_language, pattern, in_genres,
		                               on_platforms)
		              ORDER BY (l.f).release_date DESC NULLS LAST,
		                       (l.f).movie_id DESC
		              LIMIT wanted);
	END IF;
	RETURN ARRAY(WITH hit AS MATERIALIZED (
	                 SELECT f.movie_id, f.release_date
	                   FROM movie_find AS f
	                  WHERE (pairs IS NULL
	                         OR movie_pairs(f) @> pairs
	                         OR movie_pairs(f)
	                            @> movie_tagged(pairs, in_language))
	                    AND movie_fits(f, in_language, pattern, in_genres,
	                                   on_platforms))
	             SELECT h.movie_id
	               FROM hit AS h
	              ORDER BY h.release_date DESC NULLS LAST, h.movie_id DESC
	              LIMIT wanted);
END
$$;

-- Films that fit out of these, newest first, at most so many.
CREATE FUNCTION movie_among(films bigint[], in_language text, pattern text,
                            in_genres bigint[], on_platforms bigint[],
                            wanted bigint)
	RETURNS bigint[] LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET enable_seqscan = off AS $$
BEGIN
	RETURN ARRAY(WITH hit AS MATERIALIZED (
	                 SELECT f.movie_id, f.release_date
	                   FROM movie_find AS f
	                  WHERE f.movie_id = ANY (films)
	                    AND movie_fits(f, in_language, pattern, in_genres,
	                                   on_platforms))
	             SELECT h.movie_id
	               FROM hit AS h
	              ORDER BY h.release_date DESC NULLS LAST, h.movie_id DESC
	              LIMIT wanted);
END
$$;

-- The films of a page of a search, in order, with how many there are: at most
-- 10 000, and when there are more, many is true. Newest first; only when no title
-- contains the text, those that nearly do, best first. A name of one character
-- finds the titles that begin with it.
--
-- What a search has to read depends on how many films fit and when they came out,
-- so that is asked of some pages of the table first. When many more fit than are
-- counted and the page wanted should end within the newest 100 000, they are
-- counted to 10 001 and the newest are walked to the end of the page; else an index
-- finds them all. Every part is planned for its values: a plan made once for all
-- values could do neither.
CREATE FUNCTION movie_search(in_language text, query text, caller bigint,
                             genres text[], platforms text[], directors text[],
                             actors text[], celebrities text[], stars bigint[],
                             marked_unseen boolean, reviewed boolean,
                             wanted_page bigint, size bigint)
	RETURNS TABLE (movie_id bigint, place bigint, total bigint, many boolean,
	               page bigint)
	LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
	most    CONSTANT bigint := 10000;
	fold    text := nullif(left(fold_text(query), 255), '');
	pattern text := CASE WHEN char_length(fold) > 1 THEN '%' ELSE '' END
	                || regexp_replace(fold, '([\\%_])', '\\\1', 'g') || '%';
	in_genres    bigint[];
	on_platforms bigint[];
	films   bigint[];
	sample  text[];
	share   double precision := least(1, 30 * 8192
	                                  / (pg_relation_size('movie_find') + 1.0));
	fitting bigint;
	walked  double precision;
	wanted  bigint := least(wanted_page, (most + size - 1) / size) * size;
	found   bigint[];
BEGIN
	IF genres IS NOT NULL THEN
		in_genres := ARRAY(SELECT id FROM live_genre WHERE slug = ANY (genres));
	END IF;
	IF platforms IS NOT NULL THEN
		on_platforms := ARRAY(SELECT id FROM live_platform
		                       WHERE slug = ANY (platforms));
	END IF;
	films := movie_lists(caller, directors, actors, celebrities, stars,
	                     marked_unseen, reviewed);
	IF films IS NOT NULL THEN
		found := movie_among(films, in_language, pattern, in_genres,
		                     on_platforms, most + 1);
	ELSIF fold IS NULL AND in_genres IS NULL AND on_platforms IS NULL THEN
		found := movie_walk(in_language, NULL, NULL, NULL, most + 1);
	ELSE
		SELECT array_agg(s.title), max(s.fitting),
		       min(s.place) FILTER (WHERE s.fitting >= wanted * share + 1) / share
		  INTO sample, fitting, walked
		  FROM (SELECT f.title, row_number() OVER newest AS place,
		               count(*) FILTER (WHERE movie_fits(f, in_language, pattern,
		                                                 in_genres,
		                                                 on_platforms))
		               OVER newest AS fitting
		          FROM movie_find AS f
		               TABLESAMPLE SYSTEM (100 * share) REPEATABLE (1)
		         WHERE f.live
		        WINDOW newest AS (ORDER BY f.release_date DESC NULLS LAST,
		                                   f.movie_id DESC)) AS s;
		many := fitting > 2 * most * share AND walked < 100000
		        AND movie_many(in_language, fold, pattern, in_genres,
		                       on_platforms, fitting * 10 > cardinality(sample),
		                       most);
		IF many THEN
			found := movie_walk(in_language, pattern, in_genres,
			                    on_platforms, wanted);
		END IF;
		IF many IS NOT TRUE OR cardinality(found) < wanted THEN
			found := movie_matching(in_language, fold, pattern, in_genres,
			                        on_platforms, most + 1);
			many := false;
		END IF;
	END IF;
	IF found = '{}' AND fold IS NOT NULL THEN
		found := movie_near(left(fold, 64), in_language, films, in_genres,
		                    on_platforms, coalesce(sample, '{}'));
	END IF;

	many := coalesce(many, false) OR cardinality(found) > most;
	total := CASE WHEN many THEN most ELSE cardinality(found) END;
	page := least(wanted_page, greatest((total + size - 1) / size, 1));
	RETURN QUERY
	SELECT u.id, u.n, total, many, page
	  FROM unnest(found[(page - 1) * size + 1 : least(page * size, total)])
	       WITH ORDINALITY AS u (id, n);
END
$$;
