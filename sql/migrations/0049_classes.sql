-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The searches for films and persons by name read class by class (match_class()) and
-- end when the page is full, instead of putting all matches in order; lists are found
-- by short texts. Replaces functions of 0008_search.sql, 0030_search_order.sql and
-- 0046_persons.sql. The indexes take 0.2 s for 300 000 persons and 5 s for 270 000
-- lists, which cannot be written meanwhile.

-- The folded title of a film in a language.
CREATE FUNCTION movie_title_in(film movie_find, in_language text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE in_language WHEN 'en' THEN film.title_en
	                        WHEN 'es' THEN film.title_es
	                        WHEN 'fr' THEN film.title_fr
	                        WHEN 'de' THEN film.title_de END
$$;

-- The regular expression of texts in which a word begins with the text, as
-- match_class() sees it. pg_trgm finds it by index.
CREATE FUNCTION word_pattern(query text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
	SELECT '(^|[- .,:;!?()/''"_+@&])'
	       || regexp_replace(regexp_replace(query, '([][\\{}*^$|])', '\\\1', 'g'),
	                         '[- .,:;!?()/''"_+@&]',
	                         '[- .,:;!?()/''"_+@\\&]', 'g')
$$;

-- Whether a row is a live film with that title (a LIKE pattern over folded text), a
-- title with that word (word_pattern()), and of those genres and platforms; a NULL
-- sets no condition. Inlined where it is called, so that conditions that are not
-- set disappear and the others use their indexes.
CREATE FUNCTION movie_fits(film movie_find, in_language text, pattern text,
                           word text, in_genres bigint[], on_platforms bigint[])
	RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT film.live
	   AND (pattern IS NULL
	        OR film.title LIKE pattern
	        OR movie_title_in(film, in_language) LIKE pattern)
	   AND (word IS NULL
	        OR film.title ~ word
	        OR movie_title_in(film, in_language) ~ word)
	   AND (in_genres IS NULL OR film.genres && in_genres)
	   AND (on_platforms IS NULL OR film.platforms && on_platforms)
$$;

-- Whether movie_pairs_of(fold) finds exactly the titles that contain the text, or,
-- of one character, begin with it.
CREATE FUNCTION movie_is_pair(fold text) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT char_length(fold) <= 2 AND strpos(fold, E'\x01') = 0
$$;

-- How many films fit, counted up to so many.
CREATE FUNCTION movie_count(in_language text, pairs text[], pattern text,
                            in_genres bigint[], on_platforms bigint[],
                            most bigint)
	RETURNS bigint LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET max_parallel_workers_per_gather = 0 AS $$
BEGIN
	RETURN (SELECT count(*)
	          FROM (SELECT
	                  FROM movie_find AS f
	                 WHERE (pairs IS NULL
	                        OR movie_pairs(f) @> pairs
	                        OR movie_pairs(f) @> movie_tagged(pairs, in_language))
	                   AND movie_fits(f, in_language, pattern, NULL, in_genres,
	                                  on_platforms)
	                 LIMIT most) AS hit);
END
$$;

-- The newest films that fit, as many as are wanted, among the newest of all, as many
-- as reach.
CREATE FUNCTION movie_walk(in_language text, pattern text, word text,
                           in_genres bigint[], on_platforms bigint[],
                           reach bigint, wanted bigint)
	RETURNS bigint[] LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET enable_seqscan = off
	SET enable_bitmapscan = off AS $$
BEGIN
	RETURN ARRAY(SELECT w.movie_id
	               FROM (SELECT f.movie_id,
	                            movie_fits(f, in_language, pattern, word,
	                                       in_genres, on_platforms) AS fits
	                       FROM movie_find AS f
	                      WHERE f.live
	                      ORDER BY f.release_date DESC NULLS LAST,
	                               f.movie_id DESC
	                      LIMIT reach) AS w
	              WHERE w.fits
	              LIMIT wanted);
END
$$;

-- The newest films that fit, as many as are wanted, by the index of what is asked
-- for; of the first ones that it finds, as many as are read.
CREATE FUNCTION movie_matching(in_language text, pairs text[], pattern text,
                               word text, in_genres bigint[],
                               on_platforms bigint[], read bigint,
                               wanted bigint)
	RETURNS bigint[] LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET enable_seqscan = off
	SET enable_indexscan = off AS $$
BEGIN
	RETURN ARRAY(SELECT h.movie_id
	               FROM (SELECT f.movie_id, f.release_date
	                       FROM movie_find AS f
	                      WHERE (pairs IS NULL
	                             OR movie_pairs(f) @> pairs
	                             OR movie_pairs(f)
	                                @> movie_tagged(pairs, in_language))
	                        AND movie_fits(f, in_language, pattern, word,
	                                       in_genres, on_platforms)
	                      LIMIT read) AS h
	              ORDER BY h.release_date DESC NULLS LAST, h.movie_id DESC
	              LIMIT wanted);
END
$$;

-- All films that fit, or those of them that are in the list, in the order of
-- movie_rank(), each class newest first.
CREATE FUNCTION movie_ranked(films bigint[], in_language text, fold text,
                             pairs text[], pattern text, in_genres bigint[],
                             on_platforms bigint[])
	RETURNS bigint[] LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET enable_seqscan = off AS $$
BEGIN
	RETURN ARRAY(WITH hit AS MATERIALIZED (
	                 SELECT f.movie_id, f.release_date,
	                        CASE WHEN fold IS NOT NULL
	                             THEN movie_rank(f, in_language, fold) END AS class
	                   FROM movie_find AS f
	                  WHERE (films IS NULL OR f.movie_id = ANY (films))
	                    AND (pairs IS NULL
	                         OR movie_pairs(f) @> pairs
	                         OR movie_pairs(f)
	                            @> movie_tagged(pairs, in_language))
	                    AND movie_fits(f, in_language, pattern, NULL, in_genres,
	                                   on_platforms))
	             SELECT h.movie_id
	               FROM hit AS h
	              ORDER BY h.class, h.release_date DESC NULLS LAST,
	                       h.movie_id DESC);
END
$$;

-- The newest films of a class of movie_rank(), and perhaps of better ones, as many as
-- are wanted. worst: the class that has most of the matches; total: how many there are.
--
-- If the films of the class are spread evenly among all, either a walk through the
-- newest films soon fills the page, or an index finds few films. Both are tried up to
-- the number of films with which they cost the same (reach), the walk first for a
-- part of it, as in classes that have much of the catalogue it ends soon. If both
-- fail, the class has many films, but old ones.
CREATE FUNCTION movie_newest(in_language text, fold text, class integer,
                             worst integer, in_genres bigint[],
                             on_platforms bigint[], total bigint,
                             wanted bigint)
	RETURNS bigint[] LANGUAGE plpgsql STABLE AS $$
DECLARE
	reach CONSTANT bigint :=
		sqrt(wanted * (pg_relation_size('movie_find') / 128.0));
	literal CONSTANT text := regexp_replace(fold, '([\\%_])', '\\\1', 'g');
	pattern CONSTANT text := CASE class WHEN 0 THEN literal
	                                    WHEN 1 THEN literal || '%'
	                                    ELSE '%' || literal || '%' END;
	word    CONSTANT text := CASE class WHEN 2 THEN word_pattern(fold) END;
	pairs   CONSTANT text[] := CASE WHEN class > 1 THEN movie_pairs_of(fold) END;
	indexed CONSTANT text := CASE WHEN class < 3 OR NOT movie_is_pair(fold)
	                              THEN pattern END;
	ids     bigint[];
BEGIN
	IF class > 0 AND total > reach THEN
		ids := movie_walk(in_language, pattern, word, in_genres, on_platforms,
		                  reach / 8, wanted);
		IF cardinality(ids) = wanted THEN
			RETURN ids;
		END IF;
	END IF;
	IF class < worst THEN
		ids := movie_matching(in_language, pairs, indexed, word, in_genres,
		                      on_platforms, reach + 1, NULL);
		IF cardinality(ids) <= reach THEN
			RETURN ids;
		END IF;
	END IF;
	IF total > reach THEN
		ids := movie_walk(in_language, pattern, word, in_genres, on_platforms,
		                  reach, wanted);
		IF cardinality(ids) = wanted THEN
			RETURN ids;
		END IF;
	END IF;
	RETURN movie_matching(in_language, pairs, indexed, word, in_genres,
	                      on_platforms, NULL, wanted);
END
$$;

-- The first films in the order of movie_rank(), as many as are wanted, of matches
-- that are too many to be put in order.
CREATE FUNCTION movie_leading(in_language text, fold text, in_genres bigint[],
                              on_platforms bigint[], total bigint,
                              wanted bigint)
	RETURNS bigint[] LANGUAGE plpgsql STABLE AS $$
DECLARE
	worst CONSTANT integer := CASE WHEN char_length(fold) = 1 THEN 1 ELSE 3 END;
	films bigint[] := '{}';
	ids   bigint[];
BEGIN
	FOR class IN CASE WHEN fold IS NULL THEN 3 ELSE 0 END .. worst LOOP
		EXIT WHEN cardinality(films) >= wanted;
		-- In a variable: the planner would compute it for an estimate.
		ids := movie_newest(in_language, fold, class, worst, in_genres,
		                    on_platforms, total, wanted);
		films := films || ARRAY(
			SELECT u.id
			  FROM unnest(ids) WITH ORDINALITY AS u (id, n)
			 WHERE u.id NOT IN (SELECT unnest(films))
			 ORDER BY u.n);
	END LOOP;
	RETURN films;
END
$$;

-- Only a session that has the extension loaded may attach its setting to a
-- function, hence this call.
DO $$ BEGIN PERFORM show_limit(); END $$;

-- The best of what resembles the text in spite of typing errors, best first, at
-- most 200. Words that one film in a hundred has say little and would be found
-- everywhere: they are left out of the question, and when it still fits one film
-- in fifty, only the newest films are compared. Both are estimated from the films on
-- some pages of the table.
CREATE FUNCTION movie_near(query text, in_language text, films bigint[],
                           in_genres bigint[], on_platforms bigint[])
	RETURNS bigint[] LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET enable_seqscan = off
	SET pg_trgm.word_similarity_threshold = 0.4 AS $$
DECLARE
	share   double precision := least(1, 30 * 8192
	                                  / (pg_relation_size('movie_find') + 1.0));
	sample  text[] := '{}';
	telling text := query;
	fitting bigint;
BEGIN
	IF films IS NULL THEN
		sample := ARRAY(SELECT f.title
		                  FROM movie_find AS f
		                       TABLESAMPLE SYSTEM (100 * share) REPEATABLE (1)
		                 WHERE f.live);
	END IF;
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
	fitting := (SELECT count(*)
	              FROM unnest(sample) AS s (title)
	             WHERE s.title %> telling);
	IF films IS NULL AND cardinality(sample) >= 1000
	   AND fitting > cardinality(sample) / 50 THEN
		films := ARRAY(SELECT movie_id
		                 FROM movie_find
		                WHERE live
		                ORDER BY release_date DESC NULLS LAST, movie_id DESC
		                LIMIT 3000);
	END IF;
	IF films IS NOT NULL THEN
		-- similarity() adds at most 0.01 to movie_likeness().
		RETURN ARRAY(SELECT (f.film).movie_id
		               FROM unnest(films[:3000]) AS l (movie_id)
		              CROSS JOIN LATERAL (
		                    SELECT m AS film
		                      FROM movie_find AS m
		                     WHERE m.movie_id = l.movie_id
		                       AND movie_fits(m, in_language, NULL, NULL,
		                                      in_genres, on_platforms)
		                    OFFSET 0) AS f
		              WHERE greatest(word_similarity(telling, (f.film).title),
		                             word_similarity(telling,
		                                             movie_title_in(f.film,
		                                                            in_language)))
		                    > 0.38
		                AND movie_likeness(f.film, in_language, telling) >= 0.4
		              ORDER BY movie_likeness(f.film, in_language, query) DESC,
		                       (f.film).movie_id DESC
		              LIMIT 200);
	END IF;
	RETURN ARRAY(SELECT f.movie_id
	               FROM movie_find AS f
	              WHERE movie_fits(f, in_language, NULL, NULL, in_genres,
	                               on_platforms)
	                AND (f.title %> telling
	                     OR movie_title_in(f, in_language) %> telling)
	              ORDER BY movie_likeness(f, in_language, query) DESC,
	                       f.movie_id DESC
	              LIMIT 200);
END
$$;

-- The films of a page of a search, in order, with how many there are: at most
-- 10 000, and when there are more, many is true. The order is that of movie_rank(),
-- then newest first; only when no title contains the text, those that nearly do,
-- best first. A name of one character finds the titles that begin with it.
--
-- Up to a thousand matches, and those of a list, are put in order; of more than
-- these, the classes are read one after another until the page is full. Every part
-- is planned for its values.
CREATE OR REPLACE FUNCTION movie_search(in_language text, query text, caller bigint,
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
	few     CONSTANT bigint := 1000;
	fold    text := nullif(left(fold_text(query), 255), '');
	pattern text := CASE WHEN char_length(fold) > 1 THEN '%' ELSE '' END
	                || regexp_replace(fold, '([\\%_])', '\\\1', 'g') || '%';
	pairs   text[] := movie_pairs_of(fold);
	in_genres    bigint[];
	on_platforms bigint[];
	films   bigint[];
	listed  bigint[];
	found   bigint[];
	fitting bigint;
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
	listed := films;
	-- Few titles are that long, and the index of trigrams is slow there.
	IF char_length(fold) > 64 THEN
		listed := movie_both(films, ARRAY(
			SELECT movie_id
			  FROM movie_find
			 WHERE live
			   AND greatest(char_length(title), char_length(title_en),
			                char_length(title_es), char_length(title_fr),
			                char_length(title_de)) > 64));
	END IF;
	IF listed IS NULL THEN
		fitting := movie_count(in_language, pairs,
		                       CASE WHEN movie_is_pair(fold) THEN NULL
		                            ELSE pattern END,
		                       in_genres, on_platforms, most + 1);
	END IF;
	IF listed IS NOT NULL OR fitting <= few THEN
		found := movie_ranked(listed, in_language, fold,
		                      CASE WHEN listed IS NULL THEN pairs END, pattern,
		                      in_genres, on_platforms);
		IF found = '{}' AND fold IS NOT NULL THEN
			found := movie_near(left(fold, 64), in_language, films, in_genres,
			                    on_platforms);
		END IF;
		fitting := cardinality(found);
	END IF;
	many := fitting > most;
	total := least(fitting, most);
	page := least(wanted_page, greatest((total + size - 1) / size, 1));
	found := coalesce(found, movie_leading(in_language, fold, in_genres,
	                                       on_platforms, fitting,
	                                       least(page * size, most)));
	RETURN QUERY
	SELECT u.id, u.n, total, many, page
	  FROM unnest(found[(page - 1) * size + 1 : least(page * size, total)])
	       WITH ORDINALITY AS u (id, n);
END
$$;

DROP FUNCTION movie_near(text, text, bigint[], bigint[], bigint[], text[]);
DROP FUNCTION movie_leading(text, text, bigint[], bigint[], bigint, bigint[]);
DROP FUNCTION movie_titled(text, text, bigint[], bigint[], bigint);
DROP FUNCTION movie_ranked(bigint[], text, text);
DROP FUNCTION movie_among(bigint[], text, text, bigint[], bigint[], bigint);
DROP FUNCTION movie_matching(text, text, text, bigint[], bigint[], bigint);
DROP FUNCTION movie_walk(text, text, bigint[], bigint[], bigint);
DROP FUNCTION movie_many(text, text, text, bigint[], bigint[], boolean, bigint);
DROP FUNCTION movie_fits(movie_find, text, text, bigint[], bigint[]);

CREATE INDEX person_find_acts ON person_find (person_id DESC) WHERE acts;
CREATE INDEX person_find_directs ON person_find (person_id DESC) WHERE directs;

-- Whether a live film has the person in the role; NULL: in any or none. Most persons
-- act: not the column alone, else the planner reads all of person_find_acts beside
-- another index.
CREATE FUNCTION person_has_role(f person_find, in_role text) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE in_role WHEN 'actor' THEN f.acts >= true
	                    WHEN 'director' THEN f.directs
	                    ELSE true END
$$;

-- Whether the name of a person contains the text, which is folded (of one character:
-- begins with it), or, by_slug, the slug does; by no index.
CREATE FUNCTION person_contains(f person_find, query text, by_slug boolean)
	RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN char_length(query) > 1
	            THEN strpos(f.fold, query) > 0
	                 OR (by_slug AND strpos(f.slug, query) > 0)
	            ELSE starts_with(f.fold, query)
	                 OR (by_slug AND starts_with(f.slug, query)) END
$$;

-- Whether the name of a person contains the text (of one character: begins with it),
-- or, by_slug, the slug does; and a live film has them in the role, if it is not
-- NULL. by_pairs: the pairs of the text are searched for, not its trigrams.
CREATE OR REPLACE FUNCTION person_fits(f person_find, query text, in_role text,
                                       by_slug boolean, by_pairs boolean)
	RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN by_pairs
	            THEN (text_pairs(f.fold) @> text_pairs(query)
	                  OR (by_slug AND text_pairs(f.slug) @> text_pairs(query)))
	                 AND (char_length(query) = 2
	                      OR person_contains(f, query, by_slug))
	            ELSE f.fold LIKE like_text(query, char_length(query) > 1)
	                 OR (by_slug
	                     AND f.slug LIKE like_text(query, char_length(query) > 1))
	            END
	   AND person_has_role(f, in_role)
$$;

-- Whether a person whose name or slug contains the text is of that match_class().
CREATE FUNCTION person_in_class(f person_find, query text, class integer)
	RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE class
	       WHEN 0 THEN f.fold = query
	       WHEN 1 THEN f.fold LIKE like_text(query, false) AND f.fold <> query
	       WHEN 2 THEN f.words LIKE like_text(text_words(query), true)
	                   AND f.fold NOT LIKE like_text(query, false)
	       ELSE f.words NOT LIKE like_text(text_words(query), true) END
$$;

-- The newest persons of a class, as many as are wanted, of those in the role, if it is
-- not NULL, and below a number, as many as reach.
CREATE FUNCTION persons_walk(class integer, query text, in_role text,
                             by_slug boolean, below bigint, reach bigint,
                             wanted bigint)
	RETURNS bigint[] LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET enable_seqscan = off
	SET enable_bitmapscan = off AS $$
BEGIN
	RETURN ARRAY(SELECT w.person_id
	               FROM (SELECT f.person_id,
	                            person_fits(f, query, NULL, by_slug, false)
	                            AND person_in_class(f, query, class) AS fits
	                       FROM person_find AS f
	                      WHERE CASE in_role WHEN 'actor' THEN f.acts
	                                         WHEN 'director' THEN f.directs
	                                         ELSE true END
	                        AND (below IS NULL OR f.person_id < below)
	                      ORDER BY f.person_id DESC
	                      LIMIT reach) AS w
	              WHERE w.fits
	              LIMIT wanted);
END
$$;

-- The newest persons of a class, as many as are wanted, by an index; of the first ones
-- that it finds, as many as are read.
CREATE FUNCTION persons_matching(class integer, query text, in_role text,
                                 by_slug boolean, by_pairs boolean, below bigint,
                                 read bigint, wanted bigint)
	RETURNS bigint[] LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET max_parallel_workers_per_gather = 0
	SET enable_seqscan = off
	SET enable_indexscan = off AS $$
DECLARE
	-- the first two characters of a word
	two  CONSTANT boolean := char_length(query) = 2
	                         AND text_words(query) = ' ' || query
	                         AND strpos(query, ' ') = 0;
	word CONSTANT text := CASE WHEN NOT two AND query ~ '[[:alnum:]]'
	                           THEN word_pattern(query) END;
BEGIN
	RETURN ARRAY(SELECT h.person_id
	               FROM (SELECT f.person_id
	                       FROM person_find AS f
	                      WHERE CASE
	                            WHEN class < 2 THEN person_has_role(f, in_role)
	                            WHEN class > 2 OR NOT (two OR word IS NOT NULL)
	                            THEN person_fits(f, query, in_role, by_slug,
	                                             by_pairs)
	                            ELSE (NOT two
	                                  OR word_pairs(f.fold) @> ARRAY[query])
	                                 AND (two OR f.fold ~ word)
	                                 AND person_contains(f, query, by_slug)
	                                 AND person_has_role(f, in_role) END
	                        AND person_in_class(f, query, class)
	                        AND (below IS NULL OR f.person_id < below)
	                      LIMIT read) AS h
	              ORDER BY h.person_id DESC
	              LIMIT wanted);
END
$$;

-- The newest persons of a class, as many as are wanted; as movie_newest().
CREATE FUNCTION persons_newest(class integer, worst integer, query text, in_role text,
                               by_slug boolean, by_pairs boolean, below bigint,
                               total bigint, wanted bigint)
	RETURNS bigint[] LANGUAGE plpgsql STABLE AS $$
DECLARE
	reach CONSTANT bigint :=
		sqrt(wanted * (pg_relation_size('person_find') / 128.0));
	ids   bigint[];
BEGIN
	IF class > 0 AND total > reach THEN
		ids := persons_walk(class, query, in_role, by_slug, below, reach / 8,
		                    wanted);
		IF cardinality(ids) = wanted THEN
			RETURN ids;
		END IF;
	END IF;
	IF class < worst THEN
		ids := persons_matching(class, query, in_role, by_slug, by_pairs, below,
		                        reach + 1, NULL);
		IF cardinality(ids) <= reach THEN
			RETURN ids[:wanted];
		END IF;
	END IF;
	IF total > reach THEN
		ids := persons_walk(class, query, in_role, by_slug, below, reach,
		                    wanted);
		IF cardinality(ids) = wanted THEN
			RETURN ids;
		END IF;
	END IF;
	RETURN persons_matching(class, query, in_role, by_slug, by_pairs, below, NULL,
	                        wanted);
END
$$;

-- One page of the persons whose name contains the text (of one character: begins
-- with it), or also whose slug does; all persons if there is no text. in_role:
-- only those who have a film in that role. Ordered by match_class(), the newest
-- first; all persons by name. The page is that of a number, or, if that is NULL,
-- what follows the person `after` in this order, who may have been deleted; an
-- unknown one is ignored. total: the matches, counted up to 10 001. A page without
-- persons is one row with only total and page.
--
-- Up to a thousand matches are put in order; of more than these, the classes are
-- read one after another until the page is full. All is planned for its values.
CREATE OR REPLACE FUNCTION person_search(query text, in_role text, by_slug boolean,
                                         after bigint, wanted_page bigint,
                                         size bigint)
	RETURNS TABLE (person_id bigint, place bigint, total bigint, page bigint)
	LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET max_parallel_workers_per_gather = 0 AS $$
#variable_conflict use_column
DECLARE
	most     CONSTANT bigint := 10001;
	few      CONSTANT bigint := 1000;
	sought   text := nullif(left(fold_text(query), 128), '');
	by_pairs boolean := char_length(sought) > 1
	                    AND sought !~ '[[:alnum:]]{3}';
	first    integer := 0;
	worst    integer := CASE WHEN char_length(sought) = 1 AND NOT by_slug THEN 1
	                         ELSE 3 END;
	last     person;
	skipped  bigint := 0;
	ids      bigint[] := '{}';
BEGIN
	SELECT * INTO last FROM person WHERE id = after;
	total := CASE WHEN sought IS NULL THEN
	              (SELECT count(*)
	                 FROM (SELECT
	                         FROM person_find AS f
	                        WHERE CASE in_role WHEN 'actor' THEN f.acts
	                                           WHEN 'director' THEN f.directs
	                                           ELSE true END
	                        LIMIT most) AS counted)
	              ELSE
	              (SELECT count(*)
	                 FROM (SELECT
	                         FROM person_find AS f
	                        WHERE person_fits(f, sought, in_role, by_slug, by_pairs)
	                        LIMIT most) AS counted)
	              END;
	page := least(wanted_page,
	              greatest((least(total, most - 1) + size - 1) / size, 1));
	IF wanted_page IS NOT NULL THEN
		skipped := (page - 1) * size;
	ELSIF last.id IS NOT NULL THEN
		first := match_class(last.name_fold, sought);
	END IF;
	IF sought IS NULL THEN
		ids := ARRAY(SELECT f.person_id
		               FROM person_find AS f
		              WHERE CASE in_role WHEN 'actor' THEN f.acts
		                                 WHEN 'director' THEN f.directs
		                                 ELSE true END
		                AND (last.id IS NULL
		                     OR (f.name >= last.name
		                         AND (f.name > last.name
		                              OR f.person_id < last.id)))
		              ORDER BY f.name, f.person_id DESC
		             OFFSET skipped LIMIT size);
		skipped := 0;
	ELSIF total <= few THEN
		ids := ARRAY(SELECT h.person_id
		               FROM (SELECT f.person_id,
		                            match_class(f.fold, sought) AS class
		                       FROM person_find AS f
		                      WHERE person_fits(f, sought, in_role, by_slug,
		                                        by_pairs)
		                     OFFSET 0) AS h
		              WHERE last.id IS NULL OR wanted_page IS NOT NULL
		                 OR (h.class, -h.person_id) > (first, -last.id)
		              ORDER BY h.class, h.person_id DESC
		             OFFSET skipped LIMIT size);
		skipped := 0;
	ELSE
		FOR class IN first .. worst LOOP
			EXIT WHEN cardinality(ids) >= skipped + size;
			ids := ids || persons_newest(class, worst, sought, in_role,
				by_slug, by_pairs,
				CASE WHEN class = first THEN last.id END, total,
				skipped + size - cardinality(ids));
		END LOOP;
	END IF;
	RETURN QUERY
	SELECT f.id, f.n, total, page
	  FROM unnest(ids[skipped + 1 : skipped + size])
	       WITH ORDINALITY AS f (id, n);
	IF NOT FOUND THEN
		RETURN QUERY SELECT NULL::bigint, 1::bigint, total, page;
	END IF;
END
$$;

DROP FUNCTION persons_named(integer, text, text, boolean, boolean, bigint, bigint);

-- The pieces of one and two characters of a text, which trigrams cannot find.
CREATE FUNCTION text_pieces(t text) RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
	SELECT string_to_array(t, NULL)
	       || ARRAY(SELECT substr(t, i, 2)
	                  FROM generate_series(1, char_length(t) - 1) AS i)
$$;

CREATE INDEX movielist_pieces ON movielist USING gin (text_pieces(name_fold))
 WHERE deleted_at IS NULL;

-- The first lists that a user may see whose name contains the text, as many as are
-- wanted, of the first of all lists, as many as reach.
CREATE FUNCTION lists_walk(viewer bigint, fold text, reach bigint, wanted bigint)
	RETURNS bigint[] LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET enable_seqscan = off
	SET enable_bitmapscan = off
	SET enable_hashjoin = off
	SET enable_mergejoin = off AS $$
BEGIN
	RETURN ARRAY(SELECT l.id
	               FROM (SELECT id FROM movielist ORDER BY id LIMIT reach) AS w
	               JOIN live_movielist AS l ON l.id = w.id
	              WHERE strpos(l.name_fold, fold) > 0
	                AND may_see(l.user_id = viewer,
	                            l.user_id IN (SELECT friend_id
	                                            FROM friend
	                                           WHERE user_id = viewer),
	                            l.privacity)
	              ORDER BY w.id
	              LIMIT wanted);
END
$$;

-- One page of the lists that a user may see whose name contains the text, the oldest
-- first. total: the matches, counted up to 10 001. A page without lists is one row
-- with only total and page. A text without three letters or digits in a row is found by
-- its pieces, any other one by its trigrams; all is planned for its values.
CREATE FUNCTION list_find(query text, viewer bigint, wanted_page bigint, size bigint)
	RETURNS TABLE (list_id bigint, place bigint, total bigint, page bigint)
	LANGUAGE plpgsql STABLE ROWS 20
	SET plan_cache_mode = force_custom_plan
	SET max_parallel_workers_per_gather = 0 AS $$
#variable_conflict use_column
DECLARE
	most    CONSTANT bigint := 10001;
	fold    CONSTANT text := fold_text(query);
	length  CONSTANT integer := char_length(fold);
	pieces  CONSTANT text[] := CASE WHEN length > 0 AND fold !~ '[[:alnum:]]{3}'
	                                THEN text_pieces(fold) END;
	reach   bigint;
	ids     bigint[];
BEGIN
	total := (SELECT count(*)
	            FROM (SELECT
	                    FROM live_movielist AS l
	                   WHERE CASE WHEN pieces IS NULL
	                              THEN l.name_fold LIKE like_text(fold, true)
	                              ELSE text_pieces(l.name_fold) @> pieces
	                                   AND (length <= 2
	                                        OR strpos(l.name_fold, fold) > 0) END
	                     AND may_see(l.user_id = viewer,
	                                 l.user_id IN (SELECT friend_id
	                                                 FROM friend
	                                                WHERE user_id = viewer),
	                                 l.privacity)
	                   LIMIT most) AS counted);
	page := least(wanted_page,
	              greatest((least(total, most - 1) + size - 1) / size, 1));
	reach := sqrt(page * size * (pg_relation_size('movielist') / 128.0));
	IF total > reach THEN
		ids := lists_walk(viewer, fold, reach, page * size);
	END IF;
	IF ids IS NULL OR cardinality(ids) < page * size THEN
		ids := ARRAY(SELECT h.id
		               FROM (SELECT l.id
		                       FROM live_movielist AS l
		                      WHERE CASE WHEN pieces IS NULL
		                                 THEN l.name_fold
		                                      LIKE like_text(fold, true)
		                                 ELSE text_pieces(l.name_fold) @> pieces
		                                      AND (length <= 2
		                                           OR strpos(l.name_fold, fold)
		                                              > 0) END
		                        AND may_see(l.user_id = viewer,
		                                    l.user_id IN (SELECT friend_id
		                                                    FROM friend
		                                                   WHERE user_id
		                                                         = viewer),
		                                    l.privacity)
		                     OFFSET 0) AS h
		              ORDER BY h.id
		              LIMIT least(page * size, most - 1));
	END IF;
	RETURN QUERY
	SELECT u.id, u.n, total, page
	  FROM unnest(ids[(page - 1) * size + 1 : least(page * size, most - 1)])
	       WITH ORDINALITY AS u (id, n);
	IF NOT FOUND THEN
		RETURN QUERY SELECT NULL::bigint, 1::bigint, total, page;
	END IF;
END
$$;
