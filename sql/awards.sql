-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Awards.

-- name: award_detail :one (award text)
SELECT id, name, slug, award_label(category) AS category,
       media_url(icon) AS icon, date
  FROM live_award
 WHERE slug = :award;
