-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Streaming platforms, and those of a user.

-- name: platform_list :many ()
SELECT id, name, slug, url, media_url(nullif(image, '')) AS image
  FROM live_platform
 ORDER BY id
 LIMIT 1000;

-- The slugs of the viewer's platforms, as C_JSON.
-- name: user_platforms :one (viewer bigint)
SELECT coalesce(json_agg(p.slug ORDER BY p.slug), '[]') AS platforms
  FROM account_platform AS l
  JOIN live_platform AS p ON p.id = l.platform_id
 WHERE l.user_id = :viewer;

-- Replaces them; nothing is changed if a slug is unknown.
-- name: user_platforms_set :one (viewer bigint, platforms text[])
SELECT account_set_platforms(:viewer, :platforms) AS outcome,
       (SELECT coalesce(json_agg(DISTINCT slug ORDER BY slug), '[]')
          FROM unnest(:platforms) AS slug) AS platforms;
