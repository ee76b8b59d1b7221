-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Comments and reactions: the emojis as data, and what a deleted comment takes
-- along.

-- The emojis of reactions (the codes of reaction_emoji_known), in the order in which
-- they are shown. `also` is a glyph that stands for the same one in a request.
CREATE TABLE emoji (
	code  text PRIMARY KEY,
	glyph text NOT NULL,
	also  text,
	place integer NOT NULL,

	CONSTRAINT emoji_glyph_unique UNIQUE (glyph),
	CONSTRAINT emoji_place_unique UNIQUE (place)
);
INSERT INTO emoji (code, glyph, also, place) VALUES
       ('LIKE', U&'\+01F44D', NULL, 1),
       ('LOVE', U&'\2764\FE0F', U&'\2764', 2),
       ('LAUGH', U&'\+01F602', NULL, 3),
       ('SAD', U&'\+01F622', NULL, 4),
       ('FIRE', U&'\+01F525', NULL, 5),
       ('EYES', U&'\+01F440', NULL, 6),
       ('POOP', U&'\+01F4A9', NULL, 7),
       ('SKULL', U&'\+01F480', NULL, 8),
       ('CLOWN', U&'\+01F921', NULL, 9),
       ('MIND_BLOWN', U&'\+01F92F', NULL, 10),
       ('PARTY', U&'\+01F389', U&'\+01F973', 11),
       ('THINKING', U&'\+01F914', NULL, 12),
       ('POPCORN', U&'\+01F37F', NULL, 13),
       ('STAR', U&'\2B50', NULL, 14),
       ('TOP', U&'\+01F51D', NULL, 15),
       ('TRASH', U&'\+01F5D1\FE0F', U&'\+01F5D1', 16);
ALTER TABLE comment ADD CONSTRAINT comment_content_length
	CHECK (char_length(content) <= 10000);

-- A deleted comment takes its replies, theirs, and the reactions to all of them
-- along; not when its author's account was deleted (account_leave()). Each level
-- is a statement of its own, which sees a reply that was being written when the
-- deletion began: writing one locks the comment above it.
CREATE FUNCTION comment_delete_below() RETURNS trigger
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
			   AND review_id = NEW.review_id
			   AND deleted_at IS NULL
			RETURNING id
		)
		SELECT coalesce(array_agg(id), '{}') INTO level FROM below;
	END LOOP;
	RETURN NULL;
END
$$;

CREATE TRIGGER comment_delete_below AFTER UPDATE OF deleted_at ON comment
	FOR EACH ROW
	WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL
	      AND NEW.user_id IS NOT NULL AND pg_trigger_depth() = 0)
	EXECUTE FUNCTION comment_delete_below();
