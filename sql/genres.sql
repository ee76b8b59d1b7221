-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Genres.

-- name: genre_list :many (language text)
SELECT g.id, coalesce(nullif(t.name, ''), g.name) AS name, g.slug
  FROM live_genre AS g
  LEFT JOIN live_genre_translation AS t
    ON t.genre_id = g.id AND t.language = :language
 ORDER BY g.id
 LIMIT 1000;
