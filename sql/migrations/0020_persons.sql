-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Persons: which films are theirs, and the search by name.

-- How well a name matches a text that it contains; both are folded
-- (fold_text()). 0: it is the text; 1: it begins with it; 2: one of its words
-- does; 3: it contains it elsewhere. Searches by name show these in this order.
CREATE FUNCTION match_class(candidate text, query text) RETURNS integer
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN candidate = query THEN 0
	            WHEN starts_with(candidate, query) THEN 1
	            WHEN strpos(' ' || translate(candidate, '-.,:;!?()/''"_+@&', repeat(' ', 17)),
	                        ' ' || translate(query, '-.,:;!?()/''"_+@&', repeat(' ', 17))) > 0
	            THEN 2
	            ELSE 3 END
$$;

-- The films of a person that are shown. role: actor or director.
CREATE VIEW person_film AS
SELECT c.person_id, m.id AS movie_id, 'actor'::text AS role
  FROM movie_actor AS c
  JOIN live_movie AS m ON m.id = c.movie_id
 UNION ALL
SELECT c.person_id, m.id, 'director'
  FROM movie_director AS c
  JOIN live_movie AS m ON m.id = c.movie_id;

-- Names by their beginning, for a text of one character.
CREATE INDEX person_name_begin ON person (name_fold text_pattern_ops)
 WHERE deleted_at IS NULL;

-- One page of the persons whose name contains the text (of one character: begins
-- with it), or also whose slug does; all persons if there is no text. in_role:
-- only those who have a film in that role. Ordered by match_class(), the newest
-- first; all persons by name. The page is that of a number, or, if that is NULL,
-- what follows the person `after` in this order, who may have been deleted; an
-- unknown one is ignored. total: the matches, counted up to 10 001. A page without
-- persons is one row with only total and page.
--
-- Planned for its values: which index is the fastest depends on the text.
CREATE FUNCTION person_search(query text, in_role text, by_slug boolean,
                              after bigint, wanted_page bigint, size bigint)
	RETURNS TABLE (person_id bigint, place bigint, total bigint, page bigint)
	LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
	most    CONSTANT bigint := 10001;
	fold    text := nullif(left(fold_text(query), 128), '');
	pattern text := regexp_replace(fold, '([\\%_])', '\\\1', 'g') || '%';
	last    person;
	skipped bigint;
	ids   bigint[];
BEGIN
	IF char_length(fold) > 1 THEN
		pattern := '%' || pattern;
	END IF;
	SELECT * INTO last FROM person WHERE id = after;
	IF fold IS NULL THEN
		total := (SELECT count(*)
		            FROM (SELECT
		                    FROM live_person AS p
		                   WHERE in_role IS NULL
		                      OR EXISTS (SELECT
		                                   FROM person_film AS f
		                                  WHERE f.person_id = p.id
		                                    AND f.role = in_role)
		                   LIMIT most) AS counted);
	ELSE
		SELECT count(*),
		       array_agg(h.id ORDER BY h.class, h.id DESC),
		       count(*) FILTER (WHERE last.id IS NOT NULL
		                          AND (h.class, -h.id)
		                              <= (match_class(last.name_fold, fold),
		                                  -last.id))
		  INTO total, ids, skipped
		  FROM (SELECT p.id, match_class(p.name_fold, fold) AS class
		          FROM live_person AS p
		         WHERE (p.name_fold LIKE pattern
		                OR (by_slug AND p.slug LIKE pattern))
		           AND (in_role IS NULL
		                OR EXISTS (SELECT
		                             FROM person_film AS f
		                            WHERE f.person_id = p.id
		                              AND f.role = in_role))) AS h;
		total := least(total, most);
	END IF;
	page := least(wanted_page,
	              greatest((least(total, most - 1) + size - 1) / size, 1));
	skipped := CASE WHEN wanted_page IS NULL THEN coalesce(skipped, 0)
	                ELSE (page - 1) * size END;
	IF fold IS NULL THEN
		ids := ARRAY(SELECT p.id
		                 FROM live_person AS p
		                WHERE (in_role IS NULL
		                       OR EXISTS (SELECT
		                                    FROM person_film AS f
		                                   WHERE f.person_id = p.id
		                                     AND f.role = in_role))
		                  AND (last.id IS NULL
		                       OR (p.name >= last.name
		                           AND (p.name > last.name OR p.id < last.id)))
		                ORDER BY p.name, p.id DESC
		               OFFSET skipped LIMIT size);
		skipped := 0;
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
