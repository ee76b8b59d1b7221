-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- A review of a deleted movie is missing, like the movie, with the comments and
-- reactions below it. The rule "address of a movie" (0012) makes stale what showed
-- them.

-- Few rows: what the view below excludes.
CREATE INDEX movie_deleted ON movie (id) WHERE deleted_at IS NOT NULL;

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
