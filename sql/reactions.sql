-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Reactions to reviews and to comments. `place` is what the path names: one of
-- review_id and comment_id is NULL, as in the table.

-- fragment: path_review
place AS MATERIALIZED (
	SELECT CASE WHEN v.id IS NULL THEN 'missing:review' ELSE 'ok' END AS outcome,
	       v.id AS review_id, NULL::bigint AS comment_id
	  FROM (SELECT) AS one
	  LEFT JOIN live_review AS v ON v.id = :review
)

-- fragment: place_comment
{{path_comment}}, place AS MATERIALIZED (
	SELECT outcome, NULL::bigint AS review_id, id AS comment_id
	  FROM path_comment
)

-- How many there are of each emoji, and the ids of the caller's.
-- fragment: reaction_counts(target)
SELECT p.outcome,
       coalesce(json_object_agg(e.glyph, e.n ORDER BY e.place)
                FILTER (WHERE e.n > 0), '{}') AS reactions,
       coalesce(json_object_agg(e.glyph, e.mine ORDER BY e.place)
                FILTER (WHERE e.mine IS NOT NULL), '{}') AS your_reactions
  FROM place AS p
  LEFT JOIN LATERAL (
	SELECT k.glyph, k.place, count(*) AS n,
	       max(r.id) FILTER (WHERE r.user_id = :viewer) AS mine
	  FROM live_reaction AS r
	  JOIN emoji AS k ON k.code = r.emoji
	 WHERE r.{{target}} = p.{{target}}
	 GROUP BY k.glyph, k.place) AS e ON true
 GROUP BY p.outcome

-- name: review_reactions :one (viewer bigint, review bigint)
WITH {{path_review}}
{{reaction_counts:review_id}};

-- name: comment_reactions :one (viewer bigint, review bigint, comment bigint)
WITH {{place_comment}}
{{reaction_counts:comment_id}};

-- A reaction by the code of its emoji or by the emoji itself.
-- fragment: reaction_made
made AS (
	INSERT INTO reaction (user_id, review_id, comment_id, emoji)
	SELECT :viewer, p.review_id, p.comment_id, e.code
	  FROM place AS p
	  JOIN emoji AS e ON :emoji_code IN (e.code, e.glyph, e.also)
	 WHERE p.outcome = 'ok'
	    ON CONFLICT DO NOTHING
	RETURNING id
)
SELECT CASE WHEN p.outcome <> 'ok' THEN p.outcome
            WHEN m.id IS NOT NULL THEN 'ok'
            WHEN EXISTS (SELECT
                           FROM emoji AS e
                          WHERE :emoji_code IN (e.code, e.glyph, e.also))
            THEN 'exists'
            ELSE 'wrong' END AS outcome,
       true AS status, m.id
  FROM place AS p
  LEFT JOIN made AS m ON true

-- name: review_reaction_insert :one (viewer bigint, review bigint,
--	emoji_code text)
WITH {{path_review}}, {{reaction_made}};

-- name: comment_reaction_insert :one (viewer bigint, review bigint,
--	comment bigint, emoji_code text)
WITH {{place_comment}}, {{reaction_made}};

-- The reaction of the path, locked, and whether it is the caller's.
-- fragment: owned_reaction
target AS MATERIALIZED (
	SELECT r.id, r.user_id = :viewer AS is_owner
	  FROM place AS p
	  JOIN live_reaction AS r
	    ON r.id = :reaction
	   AND (r.review_id = p.review_id OR r.comment_id = p.comment_id)
	   FOR NO KEY UPDATE OF r
), owned AS (
	SELECT id FROM target WHERE is_owner
), deleted AS (
	UPDATE reaction AS r
	   SET deleted_at = now(),
	       updated_at = now()
	  FROM owned AS o
	 WHERE r.id = o.id
)
SELECT CASE WHEN p.outcome <> 'ok' THEN p.outcome
            ELSE owned_outcome(t.is_owner, t.id IS NOT NULL) END AS outcome
  FROM place AS p
  LEFT JOIN target AS t ON true

-- name: review_reaction_delete :owned (viewer bigint, review bigint,
--	reaction bigint)
WITH {{path_review}}, {{owned_reaction}};

-- name: comment_reaction_delete :owned (viewer bigint, review bigint,
--	comment bigint, reaction bigint)
WITH {{place_comment}}, {{owned_reaction}};
