-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The search for persons among hundreds of thousands: a narrow table, and texts of two
-- characters found by pairs, whose index is small (for 300 000 persons 6 MB; all pieces
-- of names, as in account_gram, would take 1 GB).

-- The pairs of neighbouring characters of a text, which trigrams cannot find. The
-- cost is that of reading the index instead of computing them.
CREATE FUNCTION text_pairs(t text) RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS $$
	SELECT coalesce(array_agg(DISTINCT substr(t, i, 2)), '{}')
	  FROM generate_series(1, char_length(t) - 1) AS i
$$;

-- A text with spaces in place of what match_class() takes for the end of a word, and
-- one before it: a word begins with q where it contains text_words(q).
CREATE FUNCTION text_words(t text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
	SELECT ' ' || translate(t, '-.,:;!?()/''"_+@&', repeat(' ', 17))
$$;

-- The pairs of the beginnings of words: their class in the search is 2 or better.
CREATE FUNCTION word_pairs(t text) RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS $$
	SELECT coalesce(array_agg(DISTINCT left(w, 2)), '{}')
	  FROM string_to_table(public.text_words(t), ' ') AS w
	 WHERE w <> ''
$$;

-- The LIKE pattern of the texts that begin with t, or, within, contain it.
CREATE FUNCTION like_text(t text, within boolean) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
	SELECT CASE WHEN within THEN '%' ELSE '' END
	       || regexp_replace(t, '([\\%_])', '\\\1', 'g') || '%'
$$;

-- A row for each live person. fold: the name, folded. acts, directs: a live film has
-- them in that role.
CREATE TABLE person_find (
	person_id bigint NOT NULL REFERENCES person ON DELETE CASCADE,
	name      text NOT NULL,
	fold      text NOT NULL,
	slug      text NOT NULL,
	acts      boolean NOT NULL,
	directs   boolean NOT NULL,
	words     text GENERATED ALWAYS AS (public.text_words(fold)) STORED,

	PRIMARY KEY (person_id)
);

-- What the rows have to be.
CREATE VIEW person_findable AS
SELECT p.id AS person_id, p.name, p.name_fold AS fold, p.slug,
       EXISTS (SELECT
                 FROM movie_actor AS c
                 JOIN live_movie AS m ON m.id = c.movie_id
                WHERE c.person_id = p.id) AS acts,
       EXISTS (SELECT
                 FROM movie_director AS c
                 JOIN live_movie AS m ON m.id = c.movie_id
                WHERE c.person_id = p.id) AS directs
  FROM live_person AS p;

-- All rows anew.
CREATE FUNCTION person_find_fill() RETURNS void
	LANGUAGE sql AS $$
	DELETE FROM person_find;
	INSERT INTO person_find (person_id, name, fold, slug, acts, directs)
	SELECT * FROM person_findable ORDER BY person_id;
$$;

SELECT person_find_fill();

CREATE INDEX person_find_begin ON person_find
	(fold text_pattern_ops, person_id DESC) INCLUDE (acts, directs);
CREATE INDEX person_find_pairs ON person_find
	USING gin (text_pairs(fold), word_pairs(fold));
CREATE INDEX person_find_slug_pairs ON person_find USING gin (text_pairs(slug));
CREATE INDEX person_find_trigrams ON person_find USING gin (fold gin_trgm_ops);
CREATE INDEX person_find_slug ON person_find USING gin (slug gin_trgm_ops);
CREATE INDEX person_find_name ON person_find (name, person_id DESC)
	INCLUDE (acts, directs);
CREATE INDEX person_find_actor ON person_find (name, person_id DESC) WHERE acts;
CREATE INDEX person_find_director ON person_find (name, person_id DESC)
	WHERE directs;
DROP INDEX person_name, person_search, person_slug_search, person_name_begin;

-- Brings the rows of these persons up to date. They are locked first: of two
-- transactions that change one person the later must see what the earlier did.
CREATE FUNCTION person_find_refresh(persons bigint[]) RETURNS void
	LANGUAGE plpgsql
	SET enable_seqscan = off
	SET enable_hashjoin = off
	SET enable_mergejoin = off AS $$
BEGIN
	PERFORM
	   FROM person_find
	  WHERE person_id = ANY (persons)
	  ORDER BY person_id
	    FOR UPDATE;
	UPDATE person_find AS f
	   SET name = n.name, fold = n.fold, slug = n.slug, acts = n.acts,
	       directs = n.directs
	  FROM person_findable AS n
	 WHERE f.person_id = ANY (persons)
	   AND n.person_id = f.person_id
	   AND (f.name, f.slug, f.acts, f.directs)
	       IS DISTINCT FROM (n.name, n.slug, n.acts, n.directs);
END
$$;

CREATE FUNCTION person_find_add() RETURNS trigger
	LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO person_find (person_id, name, fold, slug, acts, directs)
	SELECT id, name, name_fold, slug, false, false
	  FROM came
	 WHERE deleted_at IS NULL;
	RETURN NULL;
END
$$;

CREATE TRIGGER person_find_insert AFTER INSERT ON person
	REFERENCING NEW TABLE AS came
	FOR EACH STATEMENT EXECUTE FUNCTION person_find_add();

CREATE FUNCTION person_find_change() RETURNS trigger
	LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.deleted_at IS NOT NULL THEN
		DELETE FROM person_find WHERE person_id = NEW.id;
		RETURN NULL;
	END IF;
	INSERT INTO person_find (person_id, name, fold, slug, acts, directs)
	VALUES (NEW.id, NEW.name, NEW.name_fold, NEW.slug, false, false)
	    ON CONFLICT DO NOTHING;
	PERFORM person_find_refresh(ARRAY[NEW.id]);
	RETURN NULL;
END
$$;

CREATE TRIGGER person_find_update AFTER UPDATE OF name, slug, deleted_at
	ON person FOR EACH ROW
	WHEN ((OLD.name, OLD.slug, OLD.deleted_at)
	      IS DISTINCT FROM (NEW.name, NEW.slug, NEW.deleted_at))
	EXECUTE FUNCTION person_find_change();

CREATE FUNCTION person_find_film() RETURNS trigger
	LANGUAGE plpgsql AS $$
BEGIN
	PERFORM person_find_refresh(ARRAY(SELECT person_id
	                                    FROM movie_actor
	                                   WHERE movie_id = NEW.id
	                                   UNION
	                                  SELECT person_id
	                                    FROM movie_director
	                                   WHERE movie_id = NEW.id));
	RETURN NULL;
END
$$;

CREATE TRIGGER movie_person_find AFTER UPDATE OF deleted_at
	ON movie FOR EACH ROW
	WHEN ((OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL))
	EXECUTE FUNCTION person_find_film();

-- The films are locked, so that a deletion of one of them waits for its new credits,
-- or they see it.
CREATE FUNCTION person_find_relate() RETURNS trigger
	LANGUAGE plpgsql AS $$
DECLARE
	persons bigint[];
BEGIN
	IF TG_OP <> 'DELETE' THEN
		persons := ARRAY(SELECT DISTINCT person_id FROM came);
		PERFORM
		   FROM movie
		  WHERE id IN (SELECT movie_id FROM came)
		  ORDER BY id
		    FOR SHARE;
	END IF;
	IF TG_OP <> 'INSERT' THEN
		persons := persons || ARRAY(SELECT DISTINCT person_id FROM gone);
	END IF;
	IF cardinality(persons) > 0 THEN
		PERFORM person_find_refresh(persons);
	END IF;
	RETURN NULL;
END
$$;

DO $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['movie_actor', 'movie_director'] LOOP
		EXECUTE format('CREATE TRIGGER %1$s_find_insert
		    AFTER INSERT ON %1$s REFERENCING NEW TABLE AS came
		    FOR EACH STATEMENT EXECUTE FUNCTION person_find_relate()', name);
		EXECUTE format('CREATE TRIGGER %1$s_find_update
		    AFTER UPDATE ON %1$s
		    REFERENCING OLD TABLE AS gone NEW TABLE AS came
		    FOR EACH STATEMENT EXECUTE FUNCTION person_find_relate()', name);
		EXECUTE format('CREATE TRIGGER %1$s_find_delete
		    AFTER DELETE ON %1$s REFERENCING OLD TABLE AS gone
		    FOR EACH STATEMENT EXECUTE FUNCTION person_find_relate()', name);
	END LOOP;
END
$$;

-- Whether the name of a person contains the text, which is folded (of one character:
-- begins with it), or, by_slug, the slug does; and a live film has them in the role,
-- if it is not NULL. by_pairs: the pairs of the text are searched for.
CREATE FUNCTION person_fits(f person_find, query text, in_role text,
                            by_slug boolean, by_pairs boolean)
	RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT (NOT by_pairs
	        OR text_pairs(f.fold) @> text_pairs(query)
	        OR (by_slug AND text_pairs(f.slug) @> text_pairs(query)))
	   AND ((by_pairs AND NOT by_slug AND char_length(query) = 2)
	        OR f.fold LIKE like_text(query, char_length(query) > 1)
	        OR (by_slug AND f.slug LIKE like_text(query, char_length(query) > 1)))
	   AND CASE in_role WHEN 'actor' THEN f.acts
	                    WHEN 'director' THEN f.directs
	                    ELSE true END
$$;

-- The newest persons of a class of match_class(), as many as are wanted.
CREATE FUNCTION persons_named(class integer, query text, in_role text,
                              by_slug boolean, by_pairs boolean, below bigint,
                              wanted bigint)
	RETURNS bigint[] LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan
	SET max_parallel_workers_per_gather = 0 AS $$
DECLARE
	begun CONSTANT text := like_text(query, false);
	word  CONSTANT text := like_text(text_words(query), true);
	-- the first two characters of a word
	two   CONSTANT boolean := char_length(query) = 2
	                          AND text_words(query) = ' ' || query
	                          AND strpos(query, ' ') = 0;
BEGIN
	RETURN ARRAY(
		SELECT f.person_id
		  FROM person_find AS f
		 WHERE person_fits(f, query, in_role, by_slug,
		                   by_pairs AND NOT (class < 2 OR (class = 2 AND two)))
		   AND CASE class
		       WHEN 0 THEN f.fold = query
		       WHEN 1 THEN f.fold LIKE begun AND f.fold <> query
		       WHEN 2 THEN f.words LIKE word AND f.fold NOT LIKE begun
		                   AND (NOT two OR word_pairs(f.fold) @> ARRAY[query])
		       ELSE f.words NOT LIKE word END
		   AND (below IS NULL OR f.person_id < below)
		-- An expression, so that the index of pairs is read, not that of ids.
		 ORDER BY CASE WHEN by_pairs THEN -f.person_id END, f.person_id DESC
		 LIMIT wanted);
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
-- read one after another until the page is full. If matches are frequent, the
-- newest persons are read, else those that an index finds. All is planned for its
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
	few      CONSTANT bigint := 1000;
	sought   text := nullif(left(fold_text(query), 128), '');
	by_pairs boolean := char_length(sought) > 1
	                    AND sought !~ '[[:alnum:]]{3}';
	first    integer := 0;
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
		FOR class IN first .. 3 LOOP
			EXIT WHEN cardinality(ids) >= skipped + size;
			ids := ids || persons_named(class, sought, in_role, by_slug,
				by_pairs AND NOT (class = 3 AND total = most
				                  AND skipped <= few),
				CASE WHEN class = first THEN after END,
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

DROP VIEW person_film;
