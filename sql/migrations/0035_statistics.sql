-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Statistics of a movie: how many ratings it has of each value, maintained with
-- their sum and number. And its paths: what follows /movies/ literally is the slug
-- of no movie.

ALTER TABLE movie
	ADD COLUMN stars_1 integer NOT NULL DEFAULT 0,
	ADD COLUMN stars_2 integer NOT NULL DEFAULT 0,
	ADD COLUMN stars_3 integer NOT NULL DEFAULT 0,
	ADD COLUMN stars_4 integer NOT NULL DEFAULT 0,
	ADD COLUMN stars_5 integer NOT NULL DEFAULT 0;

UPDATE movie AS m
   SET stars_1 = r.n[1], stars_2 = r.n[2], stars_3 = r.n[3], stars_4 = r.n[4],
       stars_5 = r.n[5], rating_sum = r.s, rating_count = r.count
  FROM (SELECT movie_id, sum(rating) AS s, count(*) AS count,
               ARRAY[count(*) FILTER (WHERE rating = 1),
                     count(*) FILTER (WHERE rating = 2),
                     count(*) FILTER (WHERE rating = 3),
                     count(*) FILTER (WHERE rating = 4),
                     count(*) FILTER (WHERE rating = 5)] AS n
          FROM rating
         WHERE deleted_at IS NULL
         GROUP BY movie_id) AS r
 WHERE m.id = r.movie_id;

ALTER TABLE movie
	ADD CONSTRAINT movie_stars_range
		CHECK (least(stars_1, stars_2, stars_3, stars_4, stars_5) >= 0),
	ADD CONSTRAINT movie_stars_add_up
		CHECK (stars_1::bigint + stars_2 + stars_3 + stars_4 + stars_5
		       = rating_count
		       AND stars_1 + 2::bigint * stars_2 + 3::bigint * stars_3
		           + 4::bigint * stars_4 + 5::bigint * stars_5
		           = rating_sum);

CREATE OR REPLACE VIEW live_movie AS
	SELECT * FROM movie WHERE deleted_at IS NULL;

-- As in 0003, with the number of each value. `sign` is -1 for what has gone.
CREATE OR REPLACE FUNCTION rating_total() RETURNS trigger
	LANGUAGE plpgsql AS $$
DECLARE
	movies bigint[];
	stars  smallint[];
	counts bigint[];
BEGIN
	IF TG_OP = 'INSERT' THEN
		SELECT array_agg(movie_id), array_agg(rating), array_agg(n)
		  INTO movies, stars, counts
		  FROM (SELECT movie_id, rating, count(*) AS n
		          FROM came
		         WHERE deleted_at IS NULL
		         GROUP BY movie_id, rating) AS d;
	ELSIF TG_OP = 'DELETE' THEN
		SELECT array_agg(movie_id), array_agg(rating), array_agg(n)
		  INTO movies, stars, counts
		  FROM (SELECT movie_id, rating, -count(*) AS n
		          FROM gone
		         WHERE deleted_at IS NULL
		         GROUP BY movie_id, rating) AS d;
	ELSE
		SELECT array_agg(movie_id), array_agg(rating), array_agg(n)
		  INTO movies, stars, counts
		  FROM (SELECT movie_id, rating, sum(sign) AS n
		          FROM (SELECT movie_id, rating, deleted_at, 1 AS sign
		                  FROM came
		                 UNION ALL
		                SELECT movie_id, rating, deleted_at, -1
		                  FROM gone) AS changed
		         WHERE deleted_at IS NULL
		         GROUP BY movie_id, rating
		        HAVING sum(sign) <> 0) AS d;
	END IF;

	IF movies IS NULL THEN
		RETURN NULL;
	END IF;
	IF cardinality(movies) > 1 THEN
		PERFORM
		   FROM movie
		  WHERE id = ANY (movies)
		  ORDER BY id
		    FOR NO KEY UPDATE;
	END IF;
	UPDATE movie AS m
	   SET rating_sum = m.rating_sum + d.s,
	       rating_count = m.rating_count + d.n,
	       stars_1 = m.stars_1 + d.n1,
	       stars_2 = m.stars_2 + d.n2,
	       stars_3 = m.stars_3 + d.n3,
	       stars_4 = m.stars_4 + d.n4,
	       stars_5 = m.stars_5 + d.n5
	  FROM (SELECT c.movie_id, sum(c.star * c.n) AS s, sum(c.n) AS n,
	               coalesce(sum(c.n) FILTER (WHERE c.star = 1), 0) AS n1,
	               coalesce(sum(c.n) FILTER (WHERE c.star = 2), 0) AS n2,
	               coalesce(sum(c.n) FILTER (WHERE c.star = 3), 0) AS n3,
	               coalesce(sum(c.n) FILTER (WHERE c.star = 4), 0) AS n4,
	               coalesce(sum(c.n) FILTER (WHERE c.star = 5), 0) AS n5
	          FROM unnest(movies, stars, counts) AS c (movie_id, star, n)
	         GROUP BY c.movie_id) AS d
	 WHERE m.id = d.movie_id;
	RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION rating_total_none() RETURNS trigger
	LANGUAGE plpgsql AS $$
BEGIN
	UPDATE movie
	   SET rating_sum = 0,
	       rating_count = 0,
	       stars_1 = 0,
	       stars_2 = 0,
	       stars_3 = 0,
	       stars_4 = 0,
	       stars_5 = 0
	 WHERE rating_count <> 0;
	RETURN NULL;
END
$$;

-- A movie that has one of these slugs already gets its number after it, and the
-- next free number if that is taken.
DO $$
DECLARE
	film   record;
	suffix bigint;
BEGIN
	FOR film IN
		SELECT id, slug FROM movie WHERE slug IN ('trending', 'together')
	LOOP
		suffix := film.id;
		WHILE EXISTS (SELECT
		                FROM movie
		               WHERE slug = film.slug || '-' || suffix) LOOP
			suffix := suffix + 1;
		END LOOP;
		UPDATE movie
		   SET slug = film.slug || '-' || suffix
		 WHERE id = film.id;
	END LOOP;
END
$$;
ALTER TABLE movie
	DROP CONSTRAINT movie_slug_not_a_route,
	ADD CONSTRAINT movie_slug_not_a_route
		CHECK (slug NOT IN ('searching', 'together', 'trending'));
