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
WITH counted AS (
	SELECT count(*) AS total
	  FROM (SELECT FROM live_award LIMIT {{count_max}} + 1) AS matched
), wanted AS (
	SELECT total,
	       least(:page, greatest((least(total, {{count_max}}) + :size - 1) / :size, 1))
	       AS page
	  FROM counted
)
SELECT w.total, w.page, {{award_columns}}
  FROM wanted AS w
  LEFT JOIN LATERAL (
	SELECT *
	  FROM live_award
	 ORDER BY date DESC NULLS LAST, id DESC
	OFFSET (w.page - 1) * :size
	 LIMIT :size) AS a ON true
 ORDER BY a.date DESC NULLS LAST, a.id DESC
 LIMIT :size;
