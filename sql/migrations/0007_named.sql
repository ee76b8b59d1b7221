-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The search by title folds what is searched for once, not once a row.

-- Live movies whose title, or whose title in that language, contains the text;
-- accents and case do not matter. A plain set, so that both trigram indexes are
-- used; the planner unfolds it in the statement that calls it. The pattern is a
-- subquery of its own, which runs once: as an expression it would be computed
-- again for every row that the index proposes.
CREATE OR REPLACE FUNCTION movie_named(query text, in_language text)
	RETURNS TABLE (movie_id bigint)
	LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT m.id
	  FROM live_movie AS m
	 WHERE m.title_fold LIKE (SELECT fold_pattern(query))
	 UNION
	SELECT t.movie_id
	  FROM live_movie_translation AS t
	  JOIN live_movie AS m ON m.id = t.movie_id
	 WHERE t.language = in_language
	   AND t.title_fold LIKE (SELECT fold_pattern(query))
$$;
