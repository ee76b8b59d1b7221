-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The public page of a user shows a friend how well their ratings agree.
--
-- rule                     | table              | kinds raised
-- -------------------------+--------------------+------------------------------
-- taste of a user          | rating             | profile

SELECT touch_rule('taste of a user', 'rating',
	'id, user_id, movie_id, rating, deleted_at', $$
	SELECT 'profile', a.key
	  FROM (SELECT DISTINCT user_id FROM changed) AS c
	  JOIN account_key AS a ON a.id = c.user_id
	 WHERE EXISTS (SELECT FROM friend AS f WHERE f.user_id = c.user_id) $$);
