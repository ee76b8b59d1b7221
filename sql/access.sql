-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The relation of the viewer to an account a; what follows from it is decided by
-- may_see() and owned_outcome().

-- fragment: is_friend
EXISTS (SELECT
          FROM friendship AS f
         WHERE f.user1_id = least(a.id, :viewer::bigint)
           AND f.user2_id = greatest(a.id, :viewer::bigint))

-- How the viewer and the account are related, as C_JSON; NULL for oneself. Only a
-- pending request has a status, in either direction.
-- fragment: friendship
CASE WHEN a.id = :viewer::bigint
     THEN NULL
     WHEN {{is_friend}}
     THEN '{"is_friend":true,"status":"A"}'
     WHEN EXISTS (SELECT
                    FROM friend_request AS q
                   WHERE {{request_pair}}
                     AND q.status = 'P')
     THEN '{"is_friend":false,"status":"P"}'
     ELSE '{"is_friend":false,"status":null}' END

-- The friend request q between the viewer and the account, in either direction.
-- fragment: request_pair
least(q.from_user_id, q.to_user_id) = least(a.id, :viewer::bigint)
   AND greatest(q.from_user_id, q.to_user_id) = greatest(a.id, :viewer::bigint)

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
