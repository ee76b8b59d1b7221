-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- A recommendation says of a movie that it is popular, which the ratings of all
-- users decide.
--
-- rule                     | table              | kinds raised
-- -------------------------+--------------------+------------------------------
-- popularity of a movie    | movie              | popular

CREATE FUNCTION is_popular(rating_count bigint, rating_sum bigint) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT rating_count >= 10 AND rating_sum >= 4 * rating_count
$$;

ALTER TABLE touch
	DROP CONSTRAINT touch_kind_known,
	ADD CONSTRAINT touch_kind_known CHECK (kind IN ('account', 'user',
		'friends', 'circle', 'profile', 'lists', 'movie', 'reviews', 'review',
		'person', 'award', 'catalogue', 'trend', 'popular'));

SELECT touch_rule('popularity of a movie', 'movie', 'rating_count, rating_sum', $$
	SELECT 'popular', ''
	  FROM changed $$, '{UPDATE ROW}', $$
	is_popular(OLD.rating_count, OLD.rating_sum)
	IS DISTINCT FROM is_popular(NEW.rating_count, NEW.rating_sum) $$);
