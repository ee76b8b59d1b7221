-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Who may see and change what belongs to a user: decided here and nowhere else.

-- Whether the viewer may see what its owner keeps at a privacy: P public,
-- F friends, R private. The owner sees everything.
CREATE FUNCTION may_see(owner bigint, viewer bigint, privacy text)
	RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN owner = viewer THEN true
	            WHEN privacy = 'P' THEN true
	            WHEN privacy = 'F' THEN EXISTS (SELECT
	                                              FROM friendship AS f
	                                             WHERE f.user1_id
	                                                   = least(owner, viewer)
	                                               AND f.user2_id
	                                                   = greatest(owner, viewer))
	            ELSE false END
$$;

-- The outcome of a statement that only the owner may run.
CREATE FUNCTION owned_outcome(is_owner boolean) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN is_owner THEN 'ok' ELSE 'foreign' END
$$;
