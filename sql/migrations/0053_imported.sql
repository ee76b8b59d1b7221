-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- After an import of a whole site: statistics of all that was imported, and, since
-- rows have ids of their own, the sequences continue behind the highest ones. Only
-- the owner of a sequence may set it, and an import is run by the role that reads
-- and writes rows. It takes no argument, and never sets a sequence back.

CREATE FUNCTION settle_sequences() RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	item    record;
	highest bigint;
BEGIN
	FOR item IN
		SELECT c.oid::regclass AS relation, a.attname AS name,
		       pg_get_serial_sequence(c.oid::regclass::text, a.attname)
		       AS sequence
		  FROM pg_class AS c
		  JOIN pg_attribute AS a ON a.attrelid = c.oid
		 WHERE c.relnamespace = 'public'::regnamespace
		   AND a.attidentity <> ''
		   AND NOT a.attisdropped
	LOOP
		EXECUTE format('SELECT max(%I) FROM %s', item.name, item.relation)
		   INTO highest;
		IF highest >= coalesce(pg_sequence_last_value(item.sequence), 0) THEN
			PERFORM setval(item.sequence, highest);
		END IF;
	END LOOP;
END
$$;

REVOKE EXECUTE ON FUNCTION settle_sequences() FROM PUBLIC;

CREATE OR REPLACE FUNCTION analyze_imported() RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	ANALYZE public.account, public.account_find, public.account_gram,
	    public.account_platform, public.award, public.comment, public.follow,
	    public.friend_request, public.friendship, public.movie,
	    public.movie_actor, public.movie_award, public.movie_director,
	    public.movie_find, public.movie_genre, public.movie_platform,
	    public.movie_source, public.movie_translation, public.movielist,
	    public.movielist_movie, public.person, public.person_award,
	    public.person_find, public.person_source, public.person_translation,
	    public.rating, public.reaction, public.review, public.unseen;
END
$$;
