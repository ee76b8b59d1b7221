-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The searches for films, persons and lists by name read less: matches are read once
-- where they are not too many to be put in order, the beginnings of names from indexes
-- alone, and public lists by an index of their own. Films and persons with the text as
-- a whole word come before those in which a word only begins with it. Administrators
-- search by the same indexes. Replaces functions of 0030_search_order.sql,
-- 0049_classes.sql and 0050_documents.sql. The indexes take 10 s for 270 000 lists and
-- 300 000 persons, which cannot be written meanwhile.

DROP INDEX movie_find_title_begin, movie_find_en_begin, movie_find_es_begin,
	movie_find_fr_begin, movie_find_de_begin;

CREATE INDEX movie_find_title_begin ON movie_find (title text_pattern_ops)
	INCLUDE (release_date, movie_id, live);

CREATE INDEX movie_find_en_begin ON movie_find (title_en text_pattern_ops)
	INCLUDE (release_date, movie_id, live);

CREATE INDEX movie_find_es_begin ON movie_find (title_es text_pattern_ops)
	INCLUDE (release_date, movie_id, live);

CREATE INDEX movie_find_fr_begin ON movie_find (title_fr text_pattern_ops)
	INCLUDE (release_date, movie_id, live);

CREATE INDEX movie_find_de_begin ON movie_find (title_de text_pattern_ops)
	INCLUDE (release_date, movie_id, live);

CREATE INDEX person_find_director_begin ON person_find
	(fold text_pattern_ops, person_id DESC) INCLUDE (slug) WHERE directs;
CREATE INDEX movielist_public ON movielist
	USING gin (text_pieces(name_fold), name_fold gin_trgm_ops)
 WHERE deleted_at IS NULL AND privacity = 'P';

-- Whether the class of whole words exists for a text, which is folded: those of fewer
-- than three letters or digits in a row no index finds.
CREATE FUNCTION has_whole_words(query text) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT query ~ '[[:alnum:]]{3}'
$$;

-- The regular expression of texts of which the text is one or several whole words.
CREATE FUNCTION whole_word_pattern(query text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
	SELECT word_pattern(query) || '($|[- .,:;!?()/''"_+@&])'
$$;

-- search_class() of a name that neither is the text nor begins with it; words:
-- text_words() of the name.
CREATE FUNCTION word_class(words text, query text) RETURNS integer
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN strpos(words, text_words(query)) > 0
	            THEN CASE WHEN has_whole_words(query)
	                           AND strpos(words || ' ', text_words(query) || ' ') > 0
	                      THEN 2 ELSE 3 END
	            ELSE 4 END
$$;

-- How well a name matches a text that it contains, as match_class() for users; both are
-- folded. 0: it is the text; 1: it begins with it; 2: it has it as a whole word; 3: one
-- of its words begins with it; 4: it contains it elsewhere.
CREATE FUNCTION search_class(candidate text, query text) RETURNS integer
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN candidate = query THEN 0
	            WHEN starts_with(candidate, query) THEN 1
	            ELSE word_class(text_words(candidate), query) END
$$;

-- search_class() of the better of both titles.
CREATE OR REPLACE FUNCTION movie_rank(film movie_find, in_language text, query text)
	RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT least(search_class(film.title, query),
	             search_class(movie_title_in(film, in_language), query))
$$;

-- How many films fit, counted up to so many.
CREATE OR REPLACE FUNCTION movie_count(in_language text, pairs text[], pattern text,
                            in_genres bigint[], on_platforms bigint[],
                            most bigint)
	RETURNS bigint LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET effective_io_concurrency = 0
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

-- About how many films fit, estimated from those on some pages of the table.
CREATE FUNCTION movie_estimate(in_language text, pattern text, in_genres bigint[],
                               on_platforms bigint[])
	RETURNS double precision LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	share CONSTANT double precision :=
		least(1, 10 * 8192 / (pg_relation_size('movie_find') + 1.0));
BEGIN
	RETURN (SELECT count(*)
	          FROM movie_find AS f TABLESAMPLE SYSTEM (100 * share) REPEATABLE (1)
	         WHERE movie_fits(f, in_language, pattern, NULL, in_genres,
	                          on_platforms)) / share;
END
$$;

-- The newest films whose title is the text (class 0) or begins with it (1), as many as
-- are wanted: without genres and platforms from indexes of titles alone.
CREATE FUNCTION movie_begun(in_language text, fold text, class integer,
                            in_genres bigint[], on_platforms bigint[],
                            wanted bigint)
	RETURNS bigint[] LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET enable_seqscan = off AS $$
DECLARE
	pattern CONSTANT text := regexp_replace(fold, '([\\%_])', '\\\1', 'g')
	                         || CASE WHEN class > 0 THEN '%' ELSE '' END;
BEGIN
	RETURN ARRAY(SELECT h.movie_id
	               FROM (SELECT f.movie_id, f.release_date
	                       FROM movie_find AS f
	                      WHERE movie_fits(f, NULL, NULL, NULL, in_genres,
	                                       on_platforms)
	                        AND f.title LIKE pattern
	                      UNION ALL
	                     SELECT f.movie_id, f.release_date
	                       FROM movie_find AS f
	                      WHERE movie_fits(f, NULL, NULL, NULL, in_genres,
	                                       on_platforms)
	                        AND movie_title_in(f, in_language) LIKE pattern
	                        AND f.title NOT LIKE pattern) AS h
	              ORDER BY h.release_date DESC NULLS LAST, h.movie_id DESC
	              LIMIT wanted);
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
CREATE OR REPLACE FUNCTION movie_newest(in_language text, fold text, class integer,
                             worst integer, in_genres bigint[],
                             on_platforms bigint[], total bigint,
                             wanted bigint)
	RETURNS bigint[] LANGUAGE plpgsql STABLE AS $$
DECLARE
	reach CONSTANT bigint :=
		sqrt(wanted * (pg_relation_size('movie_find') / 128.0));
	literal CONSTANT text := regexp_replace(fold, '([\\%_])', '\\\1', 'g');
	pattern CONSTANT text := CASE class WHEN 1 THEN '' ELSE '%' END || literal
	                         || '%';
	word    CONSTANT text := CASE class WHEN 2 THEN whole_word_pattern(fold)
	                                    WHEN 3 THEN word_pattern(fold) END;
	pairs   CONSTANT text[] := CASE WHEN class > 1 THEN movie_pairs_of(fold) END;
	indexed CONSTANT text := CASE WHEN class < worst OR NOT movie_is_pair(fold)
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
	IF class < 2 THEN
		RETURN movie_begun(in_language, fold, class, in_genres, on_platforms,
		                   wanted);
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
CREATE OR REPLACE FUNCTION movie_leading(in_language text, fold text,
                                         in_genres bigint[],
                                         on_platforms bigint[], total bigint,
                                         wanted bigint)
	RETURNS bigint[] LANGUAGE plpgsql STABLE AS $$
DECLARE
	worst CONSTANT integer := CASE WHEN char_length(fold) = 1 THEN 1 ELSE 4 END;
	films bigint[] := '{}';
	ids   bigint[];
BEGIN
	FOR class IN CASE WHEN fold IS NULL THEN worst ELSE 0 END .. worst LOOP
		EXIT WHEN cardinality(films) >= wanted;
		CONTINUE WHEN class = 2 AND NOT has_whole_words(fold);
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

DROP FUNCTION movie_ranked(bigint[], text, text, text[], text, bigint[], bigint[]);

-- All films that fit, at most so many, or those of them that are in the list, in the
-- order of movie_rank(), each class newest first.
CREATE FUNCTION movie_ranked(films bigint[], in_language text, fold text,
                             pairs text[], pattern text, in_genres bigint[],
                             on_platforms bigint[], most bigint)
	RETURNS bigint[] LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET effective_io_concurrency = 0
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
	                                   on_platforms)
	                  LIMIT most)
	             SELECT h.movie_id
	               FROM hit AS h
	              ORDER BY h.class, h.release_date DESC NULLS LAST,
	                       h.movie_id DESC);
END
$$;

-- The films of a page of a search, in order, with how many there are: at most
-- 10 000, and when there are more, many is true. The order is that of movie_rank(),
-- then newest first; only when no title contains the text, those that nearly do,
-- best first. A name of one character finds the titles that begin with it.
--
-- Some thousand matches, by an estimate, and those of a list, are put in order; of
-- more than these, the classes are read one after another until the page is full.
-- What depends on the values is planned for them, by the functions above.
CREATE OR REPLACE FUNCTION movie_search(in_language text, query text, caller bigint,
                             genres text[], platforms text[], directors text[],
                             actors text[], celebrities text[], stars bigint[],
                             marked_unseen boolean, reviewed boolean,
                             wanted_page bigint, size bigint)
	RETURNS TABLE (movie_id bigint, place bigint, total bigint, many boolean,
	               page bigint)
	LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
	most    CONSTANT bigint := 10000;
	few     CONSTANT bigint := 3000;
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
	IF listed IS NOT NULL
	   OR movie_estimate(in_language, pattern, in_genres, on_platforms) <= few THEN
		found := movie_ranked(listed, in_language, fold,
		                      CASE WHEN listed IS NULL THEN pairs END, pattern,
		                      in_genres, on_platforms,
		                      CASE WHEN listed IS NULL THEN most + 1 END);
		IF found = '{}' AND fold IS NOT NULL THEN
			found := movie_near(left(fold, 64), in_language, films, in_genres,
			                    on_platforms);
		END IF;
		fitting := cardinality(found);
		IF listed IS NULL AND fitting > most THEN
			found := NULL;
		END IF;
	ELSE
		fitting := movie_count(in_language, pairs,
		                       CASE WHEN movie_is_pair(fold) THEN NULL
		                            ELSE pattern END,
		                       in_genres, on_platforms, most + 1);
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

-- search_class() of a person.
CREATE FUNCTION person_class(f person_find, query text) RETURNS integer
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN f.fold = query THEN 0
	            WHEN starts_with(f.fold, query) THEN 1
	            ELSE word_class(f.words, query) END
$$;

-- Whether a person whose name or slug contains the text is of that class.
CREATE OR REPLACE FUNCTION person_in_class(f person_find, query text, class integer)
	RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE class
	       WHEN 0 THEN f.fold = query
	       WHEN 1 THEN f.fold LIKE like_text(query, false) AND f.fold <> query
	       WHEN 4 THEN f.words NOT LIKE like_text(text_words(query), true)
	       ELSE f.words LIKE like_text(text_words(query), true)
	            AND f.fold NOT LIKE like_text(query, false)
	            AND (class = 2) = (has_whole_words(query)
	                               AND strpos(f.words || ' ',
	                                          text_words(query) || ' ') > 0) END
$$;

-- The newest persons whose name is the text (class 0) or begins with it (1), as many as
-- are wanted, of those in the role, if it is not NULL, and below a number: from an
-- index of names alone.
CREATE FUNCTION persons_begun(class integer, query text, in_role text, below bigint,
                              wanted bigint)
	RETURNS bigint[] LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET enable_seqscan = off AS $$
BEGIN
	RETURN ARRAY(SELECT h.person_id
	               FROM (SELECT f.person_id
	                       FROM person_find AS f
	                      WHERE person_in_class(f, query, class)
	                        AND person_has_role(f, in_role)
	                        AND (below IS NULL OR f.person_id < below)
	                     OFFSET 0) AS h
	              ORDER BY h.person_id DESC
	              LIMIT wanted);
END
$$;

-- The newest persons of a class that is not the first two, as many as are wanted, by an
-- index; of the first ones that it finds, as many as are read.
CREATE OR REPLACE FUNCTION persons_matching(class integer, query text, in_role text,
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
	word CONSTANT text := CASE WHEN class = 2 THEN whole_word_pattern(query)
	                           WHEN NOT two AND query ~ '[[:alnum:]]'
	                           THEN word_pattern(query) END;
BEGIN
	RETURN ARRAY(SELECT h.person_id
	               FROM (SELECT f.person_id
	                       FROM person_find AS f
	                      WHERE CASE
	                            WHEN class > 3 OR NOT (two OR word IS NOT NULL)
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
CREATE OR REPLACE FUNCTION persons_newest(class integer, worst integer, query text,
                                          in_role text, by_slug boolean,
                                          by_pairs boolean, below bigint,
                                          total bigint, wanted bigint)
	RETURNS bigint[] LANGUAGE plpgsql STABLE AS $$
DECLARE
	reach CONSTANT bigint :=
		sqrt(wanted * (pg_relation_size('person_find') / 128.0));
	ids   bigint[];
BEGIN
	IF class < 2 THEN
		RETURN persons_begun(class, query, in_role, below, wanted);
	END IF;
	IF total > reach THEN
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

-- How many persons fit, counted up to so many.
CREATE FUNCTION persons_count(query text, in_role text, by_slug boolean,
                              by_pairs boolean, most bigint)
	RETURNS bigint LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET effective_io_concurrency = 0
	SET max_parallel_workers_per_gather = 0 AS $$
BEGIN
	RETURN (SELECT count(*)
	          FROM (SELECT
	                  FROM person_find AS f
	                 WHERE person_fits(f, query, in_role, by_slug, by_pairs)
	                 LIMIT most) AS counted);
END
$$;

-- The persons that fit, at most so many: how many, and, as many as are wanted, the
-- first ones in the order of the search, or those after a person of it.
CREATE FUNCTION persons_ranked(query text, in_role text, by_slug boolean,
                               by_pairs boolean, after_class integer,
                               after bigint, most bigint, wanted bigint,
                               OUT total bigint, OUT ids bigint[])
	LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET effective_io_concurrency = 0
	SET max_parallel_workers_per_gather = 0 AS $$
BEGIN
	WITH hit AS MATERIALIZED (
		SELECT f.person_id, person_class(f, query) AS class
		  FROM person_find AS f
		 WHERE person_fits(f, query, in_role, by_slug, by_pairs)
		 LIMIT most
	)
	SELECT (SELECT count(*) FROM hit),
	       ARRAY(SELECT h.person_id
	               FROM hit AS h
	              WHERE after IS NULL
	                 OR (h.class, -h.person_id) > (after_class, -after)
	              ORDER BY h.class, h.person_id DESC
	              LIMIT wanted)
	  INTO total, ids;
END
$$;

-- About how many persons fit, and which share of those in the role they are, estimated
-- from those on some pages of the table.
CREATE FUNCTION persons_estimate(query text, in_role text, by_slug boolean,
                                 OUT share double precision,
                                 OUT fitting double precision)
	LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	pages CONSTANT double precision :=
		least(1, 8 * 8192 / (pg_relation_size('person_find') + 1.0));
BEGIN
	SELECT (count(*) FILTER (WHERE person_contains(f, query, by_slug)))
	       / (count(*) + 1.0),
	       (count(*) FILTER (WHERE person_contains(f, query, by_slug)))
	       / pages
	  INTO share, fitting
	  FROM person_find AS f TABLESAMPLE SYSTEM (100 * pages) REPEATABLE (1)
	 WHERE person_has_role(f, in_role);
END
$$;

-- One page of the persons whose name contains the text (of one character: begins
-- with it), or also whose slug does; all persons if there is no text. in_role:
-- only those who have a film in that role. Ordered by search_class(), the newest
-- first; all persons by name. The page is that of a number, or, if that is NULL,
-- what follows the person `after` in this order, who may have been deleted; an
-- unknown one is ignored. total: the matches, counted up to 10 001. A page without
-- persons is one row with only total and page.
--
-- Some thousand matches, by an estimate, are put in order; of more than these, the
-- classes are read one after another until the page is full. All is planned for its
-- values.
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
	-- up to the end of the page
	rows     CONSTANT bigint := least(coalesce(wanted_page, 1), most) * size;
	few      CONSTANT bigint := least(8000, greatest(2000, sqrt(
		rows * (pg_relation_size('person_find') / 128.0))));
	sought   text := nullif(left(fold_text(query), 128), '');
	by_pairs boolean := char_length(sought) > 1
	                    AND sought !~ '[[:alnum:]]{3}';
	guess    double precision := most;
	share    double precision := 0;
	first    integer := 0;
	worst    integer := CASE WHEN char_length(sought) = 1 AND NOT by_slug THEN 1
	                         ELSE 4 END;
	last     person;
	skipped  bigint := 0;
	ranked   boolean := false;
	ids      bigint[] := '{}';
BEGIN
	IF after IS NOT NULL THEN
		SELECT * INTO last FROM person WHERE id = after;
	END IF;
	IF sought IS NULL THEN
		total := (SELECT count(*)
		            FROM (SELECT
		                    FROM person_find AS f
		                   WHERE CASE in_role WHEN 'actor' THEN f.acts
		                                      WHEN 'director' THEN f.directs
		                                      ELSE true END
		                   LIMIT most) AS counted);
	ELSE
		IF char_length(sought) > 1 THEN
			SELECT e.share, e.fitting
			  INTO share, guess
			  FROM persons_estimate(sought, in_role, by_slug) AS e;
		END IF;
		IF last.id IS NOT NULL AND wanted_page IS NULL THEN
			first := search_class(last.name_fold, sought);
		END IF;
		IF guess <= few THEN
			SELECT r.total, r.ids
			  INTO total, ids
			  FROM persons_ranked(sought, in_role, by_slug, by_pairs, first,
			           CASE WHEN wanted_page IS NULL THEN last.id END,
			           most, rows) AS r;
			ranked := total < most;
		ELSE
			-- Where one in four fits, an index of names is read.
			IF NOT by_slug OR guess >= most THEN
				total := persons_count(sought, in_role, false,
					by_pairs AND share < 0.25, most);
			END IF;
			IF by_slug AND coalesce(total < most, true) THEN
				total := persons_count(sought, in_role, true,
					by_pairs AND share < 0.25, most);
			END IF;
		END IF;
	END IF;
	page := least(wanted_page,
	              greatest((least(total, most - 1) + size - 1) / size, 1));
	IF wanted_page IS NOT NULL THEN
		skipped := (page - 1) * size;
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
	ELSIF NOT ranked THEN
		ids := '{}';
		FOR class IN first .. worst LOOP
			EXIT WHEN cardinality(ids) >= skipped + size;
			CONTINUE WHEN class = 2 AND NOT has_whole_words(sought);
			ids := ids || persons_newest(class, worst, sought, in_role,
				by_slug, by_pairs,
				CASE WHEN class = first AND wanted_page IS NULL
				     THEN last.id END, total,
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

-- The first lists that a user may see whose name contains the text, as many as are
-- wanted, of the first of all lists, as many as reach.
CREATE OR REPLACE FUNCTION lists_walk(viewer bigint, fold text, reach bigint,
                                      wanted bigint)
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
	                            (SELECT true
	                               FROM friend
	                              WHERE user_id = viewer
	                                AND friend_id = l.user_id
	                              LIMIT 1),
	                            l.privacity)
	              ORDER BY w.id
	              LIMIT wanted);
END
$$;

-- Whether the name of a list contains the text: by its pieces, if there are any, else
-- by trigrams.
CREATE FUNCTION list_fits(name_fold text, fold text, pieces text[]) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN pieces IS NULL THEN name_fold LIKE like_text(fold, true)
	            ELSE text_pieces(name_fold) @> pieces
	                 AND (char_length(fold) <= 2 OR strpos(name_fold, fold) > 0) END
$$;

-- The lists that a user may see whose name contains the text, at most so many: the
-- public ones, which have an index of their own, then the others of the user and of
-- friends.
CREATE FUNCTION lists_matching(viewer bigint, fold text, most bigint) RETURNS bigint[]
	LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET effective_io_concurrency = 0
	SET max_parallel_workers_per_gather = 0 AS $$
DECLARE
	-- A pair contains its characters.
	pieces CONSTANT text[] := CASE
		WHEN fold = '' OR fold ~ '[[:alnum:]]{3}' THEN NULL
		WHEN char_length(fold) = 1 THEN ARRAY[fold]
		ELSE text_pairs(fold) END;
BEGIN
	RETURN ARRAY(SELECT l.id
	               FROM live_movielist AS l
	              WHERE list_fits(l.name_fold, fold, pieces)
	                AND may_see(false, false, l.privacity)
	              UNION ALL
	             SELECT l.id
	               FROM live_movielist AS l
	              WHERE list_fits(l.name_fold, fold, pieces)
	                AND l.user_id = viewer
	                AND may_see(true, false, l.privacity)
	                AND NOT may_see(false, false, l.privacity)
	              UNION ALL
	             SELECT l.id
	               FROM friend AS f
	               JOIN live_movielist AS l ON l.user_id = f.friend_id
	              WHERE list_fits(l.name_fold, fold, pieces)
	                AND f.user_id = viewer
	                AND may_see(false, true, l.privacity)
	                AND NOT may_see(false, false, l.privacity)
	              LIMIT most);
END
$$;

-- One page of the lists that a user may see whose name contains the text, the oldest
-- first. total: the matches, counted up to 10 001. A page without lists is one row
-- with only total and page. A text without three letters or digits in a row is found by
-- its pieces, any other one by its trigrams; all is planned for its values.
CREATE OR REPLACE FUNCTION list_find(query text, viewer bigint, wanted_page bigint,
                                     size bigint)
	RETURNS TABLE (list_id bigint, place bigint, total bigint, page bigint)
	LANGUAGE plpgsql STABLE ROWS 20
	SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
	most    CONSTANT bigint := 10001;
	fold    CONSTANT text := fold_text(query);
	hits    bigint[] := lists_matching(viewer, fold, most);
	ids     bigint[];
BEGIN
	total := cardinality(hits);
	page := least(wanted_page,
	              greatest((least(total, most - 1) + size - 1) / size, 1));
	IF total = most THEN
		ids := lists_walk(viewer, fold,
			sqrt(page * size * (pg_relation_size('movielist') / 128.0))::bigint,
			page * size);
		IF cardinality(ids) < page * size THEN
			hits := lists_matching(viewer, fold, NULL);
			ids := NULL;
		END IF;
	END IF;
	ids := coalesce(ids, ARRAY(SELECT u.id
	                             FROM unnest(hits) AS u (id)
	                            ORDER BY u.id
	                            LIMIT page * size));
	RETURN QUERY
	SELECT u.id, u.n, total, page
	  FROM unnest(ids[(page - 1) * size + 1 : least(page * size, most - 1)])
	       WITH ORDINALITY AS u (id, n);
	IF NOT FOUND THEN
		RETURN QUERY SELECT NULL::bigint, 1::bigint, total, page;
	END IF;
END
$$;


-- What is removed is little, and found by itself.
CREATE INDEX movie_removed ON movie (id) WHERE deleted_at IS NOT NULL;
CREATE INDEX person_removed ON person (id) WHERE deleted_at IS NOT NULL;
CREATE INDEX review_removed ON review (id) WHERE deleted_at IS NOT NULL;
CREATE INDEX comment_removed ON comment (id) WHERE deleted_at IS NOT NULL;
CREATE INDEX movielist_removed ON movielist (id) WHERE deleted_at IS NOT NULL;

-- Things by their ids elsewhere.
CREATE INDEX movie_source_key ON movie_source (key);
CREATE INDEX person_source_key ON person_source (key);

-- Whether a title of the film, in any language, contains the text, which is folded.
CREATE FUNCTION movie_contains(f movie_find, fold text) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT (movie_pairs_of(fold) IS NULL
	        OR movie_pairs(f) @> movie_pairs_of(fold)
	        OR movie_pairs(f) @> movie_tagged(movie_pairs_of(fold), 'en')
	        OR movie_pairs(f) @> movie_tagged(movie_pairs_of(fold), 'es')
	        OR movie_pairs(f) @> movie_tagged(movie_pairs_of(fold), 'fr')
	        OR movie_pairs(f) @> movie_tagged(movie_pairs_of(fold), 'de'))
	   AND (f.title LIKE like_text(fold, true)
	        OR f.title_en LIKE like_text(fold, true)
	        OR f.title_es LIKE like_text(fold, true)
	        OR f.title_fr LIKE like_text(fold, true)
	        OR f.title_de LIKE like_text(fold, true))
$$;

-- The movies, persons or lists that document_page() finds, removed or not: by the
-- indexes of the searches of users, and by slug, id elsewhere or user name. Of live
-- ones those that begin with the text, and of the others not more than so many, any
-- ones; a text of one character finds only those that begin with it. NULL: another
-- kind.
CREATE FUNCTION document_hits(of_kind text, query text, fold text, most bigint)
	RETURNS bigint[]
	LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET max_parallel_workers_per_gather = 0 AS $$
DECLARE
	begun  CONSTANT text := like_text(fold, false);
	within CONSTANT text := like_text(fold, true);
BEGIN
	RETURN CASE of_kind WHEN 'movie' THEN ARRAY(
		(SELECT movie_id
		   FROM movie_find AS f
		  WHERE f.live
		    AND f.title LIKE begun
		  ORDER BY f.title <> fold, movie_id DESC
		  LIMIT most)
		  UNION
		(SELECT movie_id
		   FROM movie_find AS f
		  WHERE f.live
		    AND movie_contains(f, fold)
		  LIMIT most)
		  UNION
		 SELECT id
		   FROM movie
		   JOIN movie_find AS f ON movie_id = id
		  WHERE deleted_at IS NOT NULL
		    AND movie_contains(f, fold)
		  UNION
		 SELECT id FROM movie WHERE slug = query
		  UNION
		 SELECT movie_id FROM movie_source WHERE key = query)
	WHEN 'person' THEN ARRAY(
		(SELECT person_id
		   FROM person_find AS f
		  WHERE f.fold LIKE begun
		  ORDER BY f.fold <> document_hits.fold, person_id DESC
		  LIMIT most)
		  UNION
		(SELECT person_id
		   FROM person_find AS f
		  WHERE person_fits(f, document_hits.fold, NULL, false,
		                    char_length(document_hits.fold) > 1
		                    AND NOT has_whole_words(document_hits.fold))
		  LIMIT most)
		  UNION
		 SELECT id
		   FROM person
		  WHERE deleted_at IS NOT NULL
		    AND name_fold LIKE within
		  UNION
		 SELECT id FROM person WHERE slug = query
		  UNION
		 SELECT person_id FROM person_source WHERE key = query)
	WHEN 'list' THEN ARRAY(
		(SELECT id FROM movielist WHERE name_fold LIKE within LIMIT most)
		  UNION
		 SELECT id
		   FROM movielist
		  WHERE user_id = (SELECT a.id FROM account AS a WHERE username = query))
	END;
END
$$;

-- A page of things: the newest first; those that a text finds, of named things the
-- best matches first (search_class()); or those with the slugs, removed or not.
-- removed: no, yes or all. A page without things is one row with only total and
-- page. The total is counted up to 10 001. A search of reviews and comments reads
-- the newest 10 000. What belongs to a user is found by the user name, too, a review
-- by the slug of its movie.
CREATE OR REPLACE FUNCTION document_page(of_kind text, query text, removed text,
	slugs text[], wanted_page bigint, size bigint)
	RETURNS TABLE (id bigint, slug text, label text, detail text, content text,
	               updated_at timestamptz, deleted_at timestamptz, place bigint,
	               total bigint, page bigint)
	LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
	most CONSTANT bigint := 10001;
	k    document_kind;
	fold text := nullif(left(fold_text(query), 128), '');
	hits bigint[];
	ids  bigint[];
BEGIN
	SELECT * INTO k FROM document_kind WHERE kind = of_kind;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	IF fold IS NOT NULL THEN
		hits := document_hits(of_kind, query, fold, most);
	END IF;
	EXECUTE format('SELECT array_agg(h.id ORDER BY h.n) FROM ('
		'SELECT t.id, row_number() OVER (ORDER BY %s t.id DESC) AS n '
		'FROM %s AS t WHERE %s%s ORDER BY n LIMIT %s) AS h',
		CASE WHEN fold IS NOT NULL AND k.named IS NOT NULL
		     THEN format('search_class(%s, $2),', k.folded) END,
		CASE WHEN fold IS NOT NULL AND k.recent
		     THEN format('(SELECT * FROM %I ORDER BY id DESC LIMIT 10000)',
		                 k.relation)
		     ELSE quote_ident(k.relation) END,
		CASE WHEN slugs IS NOT NULL AND k.named IS NOT NULL
		     THEN 't.slug = ANY ($4)'
		     WHEN removed = 'yes' THEN 't.deleted_at IS NOT NULL'
		     WHEN removed = 'all' THEN 'true'
		     ELSE 't.deleted_at IS NULL' END,
		CASE WHEN hits IS NOT NULL THEN ' AND t.id = ANY ($5)'
		     WHEN fold IS NOT NULL THEN format(' AND (%s LIKE $3%s%s%s)',
			k.folded,
			CASE WHEN k.kind = 'review' THEN ' OR t.movie_id = (SELECT id '
				'FROM movie WHERE slug = $1)' END,
			CASE WHEN k.named IS NOT NULL THEN ' OR t.slug = $1' END,
			CASE WHEN k.owner THEN ' OR t.user_id = (SELECT id FROM account '
				'WHERE username = $1)' END) END,
		most)
	   INTO ids
	  USING query, fold, fold_pattern(fold), slugs, hits;
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
