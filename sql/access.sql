-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The relation of the viewer to an account a; what follows from it is decided by
-- may_see() and owned_outcome().

-- fragment: is_friend
EXISTS (SELECT
          FROM friendship AS f
         WHERE f.user1_id = least(a.id, :viewer::bigint)
           AND f.user2_id = greatest(a.id, :viewer::bigint))

-- The active user of the path, if there is one, and what they are to the viewer.
-- It is evaluated before anything of theirs is looked for, so that what is hidden
-- and what is missing take the same time.
-- fragment: path_owner
path_owner AS MATERIALIZED (
	SELECT a.id, a.username,
	       a.id = :viewer::bigint AS is_owner,
	       {{is_friend}} AS is_friend
	  FROM live_account AS a
	 WHERE a.username = :username
)
