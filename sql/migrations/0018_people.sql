-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Changes of friendships and own platforms that need more than one query.

-- Asks for friendship, or accepts a request of the other user. The lock of the
-- account with the smaller id makes requests of the two wait for each other;
-- each query after it sees what the other request has committed. A row that is
-- not pending, of an import, is replaced together with its direction.
CREATE FUNCTION friend_ask(asker bigint, asked bigint) RETURNS text
	LANGUAGE plpgsql AS $$
BEGIN
	PERFORM
	   FROM account
	  WHERE id = least(asker, asked)
	    FOR NO KEY UPDATE;
	IF EXISTS (SELECT
	             FROM friendship
	            WHERE user1_id = least(asker, asked)
	              AND user2_id = greatest(asker, asked)) THEN
		RETURN 'friends';
	END IF;
	DELETE FROM friend_request
	 WHERE from_user_id = asked
	   AND to_user_id = asker
	   AND status = 'P';
	IF FOUND THEN
		INSERT INTO friendship (user1_id, user2_id)
		VALUES (least(asker, asked), greatest(asker, asked));
		RETURN 'accepted';
	END IF;
	INSERT INTO friend_request AS q (from_user_id, to_user_id)
	VALUES (asker, asked)
	    ON CONFLICT (least(from_user_id, to_user_id),
	                 greatest(from_user_id, to_user_id))
	    DO UPDATE SET from_user_id = asker,
	                  to_user_id = asked,
	                  status = 'P',
	                  created_at = now()
	        WHERE q.status <> 'P';
	RETURN CASE WHEN FOUND THEN 'ok' ELSE 'exists' END;
END
$$;

-- Replaces the platforms of a user. Of two requests at the same time the later
-- one counts, hence the lock.
CREATE FUNCTION account_set_platforms(account_id bigint, slugs text[])
	RETURNS text
	LANGUAGE plpgsql AS $$
DECLARE
	wanted bigint[];
BEGIN
	PERFORM
	   FROM account
	  WHERE id = account_id
	    FOR NO KEY UPDATE;
	wanted := ARRAY(SELECT id FROM live_platform WHERE slug = ANY (slugs));
	IF cardinality(wanted) < (SELECT count(DISTINCT s)
	                            FROM unnest(slugs) AS s) THEN
		RETURN 'absent';
	END IF;
	DELETE FROM account_platform
	 WHERE user_id = account_id
	   AND platform_id <> ALL (wanted);
	INSERT INTO account_platform (user_id, platform_id)
	SELECT account_id, unnest(wanted)
	    ON CONFLICT DO NOTHING;
	RETURN 'ok';
END
$$;
