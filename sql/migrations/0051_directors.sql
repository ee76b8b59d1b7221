-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The search for directors reads indexes of directors only, which are few.

CREATE INDEX person_find_director_trigrams ON person_find
	USING gin (fold gin_trgm_ops) WHERE directs;
CREATE INDEX person_find_director_pairs ON person_find
	USING gin (text_pairs(fold), word_pairs(fold)) WHERE directs;
CREATE INDEX person_find_director_slug ON person_find
	USING gin (slug gin_trgm_ops) WHERE directs;
CREATE INDEX person_find_director_slug_pairs ON person_find
	USING gin (text_pairs(slug)) WHERE directs;

-- As the actors in 0049: not the column alone, else the planner reads all directors
-- in place of those that a text matches.
DROP INDEX person_find_directs;
CREATE INDEX person_find_directs ON person_find (person_id DESC)
	WHERE directs >= true;

CREATE OR REPLACE FUNCTION persons_walk(class integer, query text, in_role text,
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
	                                         WHEN 'director' THEN f.directs >= true
	                                         ELSE true END
	                        AND (below IS NULL OR f.person_id < below)
	                      ORDER BY f.person_id DESC
	                      LIMIT reach) AS w
	              WHERE w.fits
	              LIMIT wanted);
END
$$;
