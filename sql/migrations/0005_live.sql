-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Soft deletion, written once: live_<table> is the table without what was
-- deleted, and what statements read. Then the searches over live movies.
-- A later migration that adds a column to one of these tables replaces its view.

DO $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['person', 'person_translation', 'platform',
	    'genre', 'genre_translation', 'award', 'movie', 'movie_translation',
	    'rating', 'review', 'comment', 'reaction', 'movielist']
	LOOP
		EXECUTE format('CREATE VIEW live_%1$s AS
		    SELECT * FROM %1$s WHERE deleted_at IS NULL', name);
	END LOOP;
END
$$;

-- Live movies whose title, or whose title in that language, contains the text;
-- accents and case do not matter. A plain set, so that both trigram indexes are
-- used; the planner unfolds it in the statement that calls it.
CREATE FUNCTION movie_named(query text, in_language text)
	RETURNS TABLE (movie_id bigint)
	LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT m.id
	  FROM live_movie AS m
	 WHERE m.title_fold LIKE fold_pattern(query)
	 UNION
	SELECT t.movie_id
	  FROM live_movie_translation AS t
	  JOIN live_movie AS m ON m.id = t.movie_id
	 WHERE t.language = in_language
	   AND t.title_fold LIKE fold_pattern(query)
$$;

-- Live movies whose title resembles the text in spite of typing errors, with how
-- much; the best ones, at most so many. Of titles with the same word the one
-- that is otherwise most like the text comes first. The threshold is below the
-- extension's own, which finds nothing for two letters changed about. Only a
-- session that has the extension loaded may attach its setting to a function,
-- hence the call before.
DO $$ BEGIN PERFORM show_limit(); END $$;
CREATE FUNCTION movie_near(query text, in_language text, at_most integer)
	RETURNS TABLE (movie_id bigint, likeness real)
	LANGUAGE sql STABLE PARALLEL SAFE
	SET pg_trgm.word_similarity_threshold = 0.4 AS $$
	SELECT near.id, max(near.likeness) AS likeness
	  FROM (SELECT m.id, word_similarity(fold_text(query), m.title_fold)
	               + similarity(fold_text(query), m.title_fold) / 100
	               AS likeness
	          FROM live_movie AS m
	         WHERE m.title_fold %> fold_text(query)
	         UNION ALL
	        SELECT m.id, word_similarity(fold_text(query), t.title_fold)
	               + similarity(fold_text(query), t.title_fold) / 100
	          FROM live_movie_translation AS t
	          JOIN live_movie AS m ON m.id = t.movie_id
	         WHERE t.language = in_language
	           AND t.title_fold %> fold_text(query)) AS near
	 GROUP BY near.id
	 ORDER BY likeness DESC, near.id DESC
	 LIMIT at_most
$$;
