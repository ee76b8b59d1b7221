-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Imports of persons, and of movies that another import knows.

-- Under what name another catalogue knows a person, as movie_source for movies.
CREATE TABLE person_source (
	source    text NOT NULL,
	key       text NOT NULL,
	person_id bigint NOT NULL REFERENCES person ON DELETE CASCADE,

	PRIMARY KEY (source, key)
);
CREATE INDEX person_source_person ON person_source (person_id);

-- Whether the catalogue of that name has been imported, and not only an id there.
ALTER TABLE movie_source ADD COLUMN imported boolean NOT NULL DEFAULT false;

CREATE OR REPLACE FUNCTION analyze_imported() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	ANALYZE public.account, public.movie, public.movie_actor,
	    public.movie_director, public.movie_find, public.movie_genre,
	    public.movie_source, public.person, public.person_find,
	    public.person_source, public.rating;
END
$$;
