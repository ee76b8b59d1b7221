-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- A deleted comment takes its replies along (0023), which are found by the comment
-- above them alone: with the review as well, the planner of a small database read
-- all comments of the review for each level of a deep chain.
CREATE OR REPLACE FUNCTION comment_delete_below() RETURNS trigger
	LANGUAGE plpgsql AS $$
DECLARE
	level bigint[] := ARRAY[NEW.id];
BEGIN
	WHILE cardinality(level) > 0 LOOP
		UPDATE reaction
		   SET deleted_at = now(),
		       updated_at = now()
		 WHERE comment_id = ANY (level)
		   AND deleted_at IS NULL;
		WITH below AS (
			UPDATE comment
			   SET deleted_at = now(),
			       updated_at = now()
			 WHERE reply_comment_id = ANY (level)
			   AND deleted_at IS NULL
			RETURNING id
		)
		SELECT coalesce(array_agg(id), '{}') INTO level FROM below;
	END LOOP;
	RETURN NULL;
END
$$;
