-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The order of a search for films by name: the film with that title, titles that
-- begin with the text, titles with a word that does, then the rest; each newest
-- first.

-- Titles by their beginning. A partial index would not be used for a translation
-- that is chosen by a parameter.
CREATE INDEX movie_find_title_begin ON movie_find (title text_pattern_ops);
CREATE INDEX movie_find_en_begin ON movie_find (title_en text_pattern_ops);
CREATE INDEX movie_find_es_begin ON movie_find (title_es text_pattern_ops);
CREATE INDEX movie_find_fr_begin ON movie_find (title_fr text_pattern_ops);
CREATE INDEX movie_find_de_begin ON movie_find (title_de text_pattern_ops);

-- match_class() of the better of both titles.
CREATE FUNCTION movie_rank(film movie_find, in_language text, query text)
	RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT least(match_class(film.title, query),
	             match_class(CASE in_language WHEN 'en' THEN film.title_en
	                                          WHEN 'es' THEN film.title_es
	                                          WHEN 'fr' THEN film.title_fr
	                                          WHEN 'de' THEN film.title_de END,
	                         query))
$$;

-- All films that match, which are newest first, in the order of movie_rank().
CREATE FUNCTION movie_ranked(films bigint[], in_language text, query text)
	RETURNS bigint[] LANGUAGE sql STABLE AS $$
	SELECT coalesce(array_agg(f.movie_id
	                          ORDER BY movie_rank(f, in_language, query), u.n),
	                '{}')
	  FROM unnest(films) WITH ORDINALITY AS u (id, n)
	  JOIN movie_find AS f ON f.movie_id = u.id
$$;

-- The newest films with such a title, as many as are wanted.
CREATE FUNCTION movie_titled(in_language text, pattern text, in_genres bigint[],
                             on_platforms bigint[], wanted bigint)
	RETURNS bigint[] LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan AS $$
BEGIN
	RETURN ARRAY(SELECT f.movie_id
	               FROM movie_find AS f
	              WHERE movie_fits(f, in_language, pattern, in_genres,
	                               on_platforms)
	              ORDER BY f.release_date DESC NULLS LAST, f.movie_id DESC
	              LIMIT wanted);
END
$$;

-- The first films in the order of movie_rank(), as many as are wanted, of matches
-- that are too many to be ranked one by one, or that all begin with the text of one
-- character. rest: the newest of all of them. Only a space begins a word here.
CREATE FUNCTION movie_leading(in_language text, query text, in_genres bigint[],
                              on_platforms bigint[], wanted bigint,
                              rest bigint[])
	RETURNS bigint[] LANGUAGE plpgsql STABLE AS $$
DECLARE
	literal text := regexp_replace(query, '([\\%_])', '\\\1', 'g');
	pattern text;
	films   bigint[] := '{}';
BEGIN
	FOREACH pattern IN ARRAY CASE WHEN char_length(query) > 1
		THEN ARRAY[literal, literal || '%', '% ' || literal || '%']
		ELSE ARRAY[literal] END LOOP
		EXIT WHEN cardinality(films) >= wanted;
		films := films || ARRAY(
			SELECT u.id
			  FROM unnest(movie_titled(in_language, pattern, in_genres,
			                           on_platforms, wanted))
			       WITH ORDINALITY AS u (id, n)
			 WHERE u.id <> ALL (films)
			 ORDER BY u.n);
	END LOOP;
	RETURN films || ARRAY(SELECT u.id
	                        FROM unnest(rest) WITH ORDINALITY AS u (id, n)
	                       WHERE u.id <> ALL (films)
	                       ORDER BY u.n);
END
$$;

-- The films of a page of a search, in order, with how many there are: at most
-- 10 000, and when there are more, many is true. The order is that of movie_rank(),
-- then newest first; only when no title contains the text, those that nearly do,
-- best first. A name of one character finds the titles that begin with it.
--
-- What a search has to read depends on how many films fit and when they came out,
-- so that is asked of some pages of the table first. When many more fit than are
-- counted and the page wanted should end within the newest 100 000, they are
-- counted to 10 001 and the newest are walked to the end of the page; else an index
-- finds them all. Every part is planned for its values: a plan made once for all
-- values could do neither.
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
	-- whether found has all matches, or only the newest
	complete boolean := true;
	near     boolean := false;
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
		complete := many IS NOT TRUE;
		IF many IS NOT TRUE OR cardinality(found) < wanted THEN
			found := movie_matching(in_language, fold, pattern, in_genres,
			                        on_platforms, most + 1);
			many := false;
			complete := cardinality(found) <= most;
		END IF;
	END IF;
	IF found = '{}' AND fold IS NOT NULL THEN
		near := true;
		found := movie_near(left(fold, 64), in_language, films, in_genres,
		                    on_platforms, coalesce(sample, '{}'));
	END IF;

	many := coalesce(many, false) OR cardinality(found) > most;
	IF fold IS NOT NULL AND NOT near THEN
		found := CASE WHEN complete AND char_length(fold) > 1
		              THEN movie_ranked(found, in_language, fold)
		              ELSE movie_leading(in_language, fold, in_genres,
		                                 on_platforms, wanted, found) END;
	END IF;
	total := CASE WHEN many THEN most ELSE cardinality(found) END;
	page := least(wanted_page, greatest((total + size - 1) / size, 1));
	RETURN QUERY
	SELECT u.id, u.n, total, many, page
	  FROM unnest(found[(page - 1) * size + 1 : least(page * size, total)])
	       WITH ORDINALITY AS u (id, n);
END
$$;
