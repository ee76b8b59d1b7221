-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Movie lists of users.

-- A list l and its owner a. Movies come in the order in which they were added.
-- fragment: list_columns
       l.id, l.name, l.slug, l.description, l.privacity,
       api_url('users', a.username) AS user,
       (SELECT coalesce(json_agg(api_url('movies', m.slug) ORDER BY lm.position),
                        '[]')
          FROM movielist_movie AS lm
          JOIN live_movie AS m ON m.id = lm.movie_id
         WHERE lm.movielist_id = l.id) AS movies,
       {{micros:l.created_at}} AS created_at,
       {{micros:l.updated_at}} AS updated_at

-- A list that the viewer may not see is missing like one that does not exist.
-- name: list_detail :one (viewer bigint, username text, list text)
WITH {{path_owner}}
SELECT CASE WHEN a.id IS NULL THEN 'missing:username'
            WHEN l.id IS NULL THEN 'missing:list'
            ELSE 'ok' END AS outcome,
       {{list_columns}}
  FROM (SELECT) AS one
  LEFT JOIN path_owner AS a ON true
  LEFT JOIN live_movielist AS l
    ON l.user_id = a.id
   AND l.slug = :list
   AND may_see(a.is_owner, a.is_friend, l.privacity);
