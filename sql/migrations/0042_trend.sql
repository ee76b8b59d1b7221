-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Trending movies: the best of what has been rated lately, in order, as job trend
-- has computed them (sql/jobs.sql has the formula).
--
-- rule                     | table              | kinds raised
-- -------------------------+--------------------+------------------------------
-- trending movies          | trend              | trend

CREATE TABLE trend (
	movie_id bigint PRIMARY KEY REFERENCES movie ON DELETE CASCADE,
	place    integer NOT NULL,

	CONSTRAINT trend_place_range CHECK (place > 0)
);

ALTER TABLE touch
	DROP CONSTRAINT touch_kind_known,
	ADD CONSTRAINT touch_kind_known CHECK (kind IN ('account', 'user',
		'friends', 'circle', 'profile', 'lists', 'movie', 'reviews', 'review',
		'person', 'award', 'catalogue', 'trend'));

SELECT touch_rule('trending movies', 'trend', 'movie_id, place', $$
	SELECT 'trend', ''
	  FROM changed $$);
