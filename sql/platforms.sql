-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Streaming platforms.

-- name: platform_list :many ()
SELECT id, name, slug, url, media_url(nullif(image, '')) AS image
  FROM live_platform
 ORDER BY id
 LIMIT 1000;
