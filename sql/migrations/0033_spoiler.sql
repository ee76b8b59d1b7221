-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Reviews, comments and replies whose author marks them as telling the plot.

ALTER TABLE review ADD COLUMN spoiler boolean NOT NULL DEFAULT false;
ALTER TABLE comment ADD COLUMN spoiler boolean NOT NULL DEFAULT false;

CREATE OR REPLACE VIEW live_review AS
SELECT *
  FROM review AS t
 WHERE deleted_at IS NULL
   AND NOT EXISTS (SELECT
                     FROM account AS a
                    WHERE a.id = t.user_id
                      AND NOT a.active)
   AND NOT EXISTS (SELECT
                     FROM movie AS m
                    WHERE m.id = t.movie_id
                      AND m.deleted_at IS NOT NULL);

CREATE OR REPLACE VIEW live_comment AS
SELECT *
  FROM comment AS t
 WHERE deleted_at IS NULL
   AND NOT EXISTS (SELECT
                     FROM account AS a
                    WHERE a.id = t.user_id
                      AND NOT a.active);

-- The rules "review" and "comment" of 0012, with the mark.
DROP FUNCTION touch_review_insert, touch_review_update, touch_review_delete,
	touch_comment_insert, touch_comment_update, touch_comment_delete CASCADE;

SELECT touch_rule('review', 'review',
	'id, user_id, movie_id, title, content, is_positive, spoiler, created_at, '
	'deleted_at', $$
	SELECT 'review', id::text
	  FROM changed
	 UNION ALL
	SELECT 'reviews', (SELECT key FROM movie_key AS m WHERE m.id = movie_id)
	  FROM changed
	 UNION ALL
	SELECT 'user', user_id::text
	  FROM changed
	 UNION ALL
	SELECT 'profile', a.key
	  FROM changed
	  JOIN account_key AS a ON a.id = user_id $$);

SELECT touch_rule('comment', 'comment',
	'id, user_id, review_id, reply_comment_id, content, spoiler, created_at, '
	'deleted_at', $$
	SELECT 'review', review_id::text
	  FROM changed $$);
