-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Awards.

-- An award a inside another object.
-- fragment: award_object
json_build_object('id', a.id, 'name', a.name, 'slug', a.slug,
                  'category', award_label(a.category),
                  'icon', media_url(a.icon), 'date', a.date)

-- fragment: award_columns
       a.id, a.name, a.slug, award_label(a.category) AS category,
       media_url(a.icon) AS icon, a.date

-- name: award_detail :one (award text)
SELECT {{award_columns}}
  FROM live_award AS a
 WHERE a.slug = :award;

-- The latest first; those without a date last.
-- name: award_list :many (page bigint, size bigint)
WITH hit AS MATERIALIZED (
	SELECT id, date
	  FROM live_award
	 ORDER BY date DESC NULLS LAST, id DESC
	 LIMIT {{count_max}} + 1
), {{wanted_page:hit}}
SELECT w.total, w.page, {{award_columns}}
  FROM wanted AS w
  LEFT JOIN LATERAL (
	SELECT id
	  FROM hit
	 ORDER BY date DESC NULLS LAST, id DESC
	OFFSET (w.page - 1) * :size
	 LIMIT :size) AS h ON true
  LEFT JOIN live_award AS a ON a.id = h.id
 ORDER BY a.date DESC NULLS LAST, a.id DESC
 LIMIT :size;
