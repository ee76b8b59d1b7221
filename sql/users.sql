-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Accounts: sign-up, profile and settings of the owner, profile for others.

-- An account a as other users see it.
-- fragment: user_columns
       a.id, a.username, a.bio, {{friendship}} AS friendship,
       media_url(a.picture) AS picture

-- Inserts the account, unverified, and the job that mails its first code.
-- name: account_insert :one (username text, email text, password text,
--	first_name text, last_name text, bio text, picture text, language text)
WITH made AS (
	INSERT INTO account (username, email, password, first_name, last_name,
	                     bio, picture, preferred_language)
	VALUES (:username, :email, :password, :first_name, :last_name, :bio,
	        coalesce(:picture, 'users/default.png'), :language)
	RETURNING id, username, bio, picture
), queued AS (
	INSERT INTO job (name, payload)
	SELECT 'mail_verification', jsonb_build_object('account_id', id)
	  FROM made
)
SELECT id, username, bio, NULL AS friendship, media_url(picture) AS picture
  FROM made;

-- Two facts, not an outcome: both may be taken, and each is the error of a field.
-- name: account_taken :one (username text, email text)
SELECT EXISTS (SELECT FROM account WHERE username = :username)
       AS username_taken,
       EXISTS (SELECT FROM account WHERE lower(email) = lower(:email))
       AS email_taken;

-- name: user_self :one (viewer bigint)
SELECT id, username, bio, email, last_name, first_name,
       media_url(picture) AS picture
  FROM account
 WHERE id = :viewer;

-- name: user_detail :one (viewer bigint, username text)
SELECT {{user_columns}}
  FROM live_account AS a
 WHERE a.username = :username;

-- name: account_set_language :one (viewer bigint, preferred_language text)
UPDATE account
   SET preferred_language = :preferred_language,
       updated_at = now()
 WHERE id = :viewer
RETURNING id;

-- name: account_set_boarded :one (viewer bigint)
UPDATE account
   SET boarded = true,
       updated_at = now()
 WHERE id = :viewer
RETURNING id;
