-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Accounts as administrators see them (mxmctl user).

-- fragment: admin_user_columns
       a.id, a.username, a.email, a.first_name, a.last_name,
       a.preferred_language AS language, a.staff, a.training,
       CASE WHEN NOT {{may_log_in:a}} THEN 'locked'
            WHEN NOT a.active THEN 'removed'
            WHEN NOT a.verified THEN 'unverified'
            ELSE 'active' END AS state,
       to_char(a.date_joined AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
       AS joined_at,
       to_char(a.removed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
       AS removed_at

-- The newest accounts, or those that contain a text in a name or the address.
-- name: admin_user_list :many (text text, at_most bigint)
SELECT {{admin_user_columns}}
  FROM account AS a
 WHERE :text::text IS NULL
    OR a.search_fold LIKE (SELECT fold_pattern(:text))
    OR strpos(lower(a.email), lower(:text)) > 0
 ORDER BY a.id DESC
 LIMIT :at_most;

-- By user name, mail address or number (also as id=7, which is never a name);
-- matches: how many accounts that is.
-- name: admin_user_find :one (who text)
SELECT {{admin_user_columns}}, count(*) OVER () AS matches, a.verified, a.locked,
       a.password NOT LIKE '!%' AS has_password,
       (SELECT count(*)
          FROM session AS s
         WHERE s.user_id = a.id
           AND {{session_continues}}
           AND s.expires_at > now()) AS sessions,
       (SELECT count(*) FROM live_rating WHERE user_id = a.id) AS ratings,
       (SELECT count(*)
          FROM review
         WHERE user_id = a.id
           AND deleted_at IS NULL) AS reviews
  FROM account AS a
 WHERE a.username = :who
    OR lower(a.email) = lower(:who)
    OR a.id = CASE WHEN :who ~ '^(id=)?[0-9]{1,18}$'
                   THEN replace(:who, 'id=', '')::bigint END
 ORDER BY a.id
 LIMIT 1;

-- As account_insert, for a user whose address the administrator has verified.
-- name: account_create :one (username text, email text, password text,
--	first_name text, last_name text, bio text, picture text, language text,
--	staff boolean, look bytea)
INSERT INTO account (username, email, password, first_name, last_name, bio,
                     picture, preferred_language, verified, staff, look)
VALUES (:username, :email, :password, :first_name, :last_name, :bio,
        coalesce(:picture, 'users/default.png'), :language, true, :staff,
        :look)
RETURNING id, username;

-- name: admin_user_password :exec (user_id bigint, password text)
WITH changed AS (
	UPDATE account
	   SET password = :password,
	       epoch = epoch + 1,
	       updated_at = now()
	 WHERE id = :user_id
	RETURNING id
), spent AS (
	DELETE FROM code
	 WHERE user_id = :user_id
	   AND purpose = 'reset'
)
DELETE FROM session
 WHERE user_id = (SELECT id FROM changed);

-- name: admin_user_verify :exec (user_id bigint)
UPDATE account
   SET verified = true,
       updated_at = now()
 WHERE id = :user_id
   AND NOT verified;

-- name: admin_user_promote :exec (user_id bigint)
UPDATE account
   SET staff = true,
       updated_at = now()
 WHERE id = :user_id
   AND NOT staff;

-- name: admin_user_demote :exec (user_id bigint)
UPDATE account
   SET staff = false,
       updated_at = now()
 WHERE id = :user_id
   AND staff;

-- name: admin_user_lock :exec (user_id bigint)
WITH ended AS (
	DELETE FROM session
	 WHERE user_id = :user_id
)
UPDATE account AS a
   SET active = false,
       locked = true,
       epoch = epoch + 1,
       updated_at = now()
 WHERE id = :user_id
   AND {{may_log_in:a}};

-- One that is locked gets the state from before; one that was removed is restored.
-- name: admin_user_unlock :exec (user_id bigint)
UPDATE account
   SET active = NOT locked OR removed_at IS NULL,
       removed_at = CASE WHEN locked THEN removed_at END,
       locked = false,
       updated_at = now()
 WHERE id = :user_id
   AND NOT active;

-- As account_remove. Not one that is locked, which its owner could restore.
-- name: admin_user_remove :exec (user_id bigint)
WITH ended AS (
	DELETE FROM session
	 WHERE user_id = :user_id
)
UPDATE account
   SET active = false,
       removed_at = now(),
       epoch = epoch + 1,
       updated_at = now()
 WHERE id = :user_id
   AND active;

-- name: admin_user_delete :exec (user_id bigint)
DELETE FROM account
 WHERE id = :user_id;
