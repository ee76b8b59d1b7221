-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Who may see and change what belongs to a user: the decision as expressions
-- without a query, which the planner inlines. A function that reads friendship
-- would be called for each row, and a list that is hidden would take longer to
-- answer than one that does not exist. The relation of the viewer to the owner
-- is computed once for each owner, by fragment is_friend of sql/access.sql.

DROP FUNCTION may_see(bigint, bigint, text);
DROP FUNCTION owned_outcome(boolean);

-- Whether the viewer may see what its owner keeps at a privacy: P public,
-- F friends, R private. The owner sees everything.
CREATE FUNCTION may_see(is_owner boolean, is_friend boolean, privacy text)
	RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT is_owner OR privacy = 'P' OR (privacy = 'F' AND is_friend)
$$;

-- The outcome of a statement that only the owner may run. What other users may
-- not see is missing for them; is_visible is true for what everyone may see.
CREATE FUNCTION owned_outcome(is_owner boolean, is_visible boolean)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN is_owner THEN 'ok'
	            WHEN is_visible THEN 'foreign'
	            ELSE 'missing' END
$$;
