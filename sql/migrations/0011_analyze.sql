-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Only the owner of a table may analyze it, and an import is run by the role
-- that reads and writes rows. It takes no argument, so that nobody gets more of
-- the owner's rights by it than this.

CREATE FUNCTION analyze_imported() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	ANALYZE public.account, public.movie, public.movie_genre,
	    public.movie_source, public.rating;
END
$$;

REVOKE EXECUTE ON FUNCTION analyze_imported() FROM PUBLIC;
