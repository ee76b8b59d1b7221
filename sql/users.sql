-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Accounts: sign-up, profile and settings of the owner, profile for others.

-- An account a as other users see it.
-- fragment: user_columns
       a.id, a.username, a.bio, {{friendship}} AS friendship,
       media_url(a.picture) AS picture

-- Inserts the account, unverified, and the job that mails its first code.
-- name: account_insert :one (username text, email text, password text,
--	first_name text, last_name text, bio text, picture text, language text,
--	look bytea)
WITH made AS (
	INSERT INTO account (username, email, password, first_name, last_name,
	                     bio, picture, preferred_language, look)
	VALUES (:username, :email, :password, :first_name, :last_name, :bio,
	        coalesce(:picture, 'users/default.png'), :language, :look)
	RETURNING id, username, bio, picture
), queued AS (
	INSERT INTO job (name, payload)
	SELECT 'mail_verification', jsonb_build_object('account_id', id)
	  FROM made
)
SELECT id, username, bio, NULL AS friendship, media_url(picture) AS picture
  FROM made;

-- Facts, not an outcome: several may be true, and each is the error of a field.
-- Others than account `self`, which is NULL at sign-up, have these values.
-- name: account_taken :one (self bigint, username text, email text, look bytea)
SELECT EXISTS (SELECT
                 FROM account
                WHERE username = :username
                  AND id IS DISTINCT FROM :self::bigint)
       AS username_taken,
       EXISTS (SELECT
                 FROM account
                WHERE look = :look
                  AND id IS DISTINCT FROM :self::bigint)
       AS look_taken,
       EXISTS (SELECT
                 FROM account
                WHERE lower(email) = lower(:email)
                  AND id IS DISTINCT FROM :self::bigint)
       AS email_taken;

-- An account a as its owner sees it.
-- fragment: self_columns
       a.id, a.username, a.bio, a.email, a.last_name, a.first_name,
       media_url(a.picture) AS picture, a.training

-- name: user_self :one (viewer bigint)
SELECT {{self_columns}}
  FROM account AS a
 WHERE a.id = :viewer;

-- What a change of the profile is compared with.
-- name: account_before_update :one (viewer bigint)
SELECT username, email, first_name, last_name, media_url(picture) AS picture,
       password, epoch
  FROM account
 WHERE id = :viewer;

-- Changes what is not NULL, and removes the values of `clear`. A new address is to
-- be verified: the code of the former one is erased, a mail with another is queued
-- for the end of the interval between mails, in place of one that is queued already,
-- and the former address is informed if it was verified. A new password ends all sessions but the current one. Both make a
-- mailed code for a new password invalid. No row: a password has been changed since
-- `epoch` was read.
-- name: account_update :one (viewer bigint, session_id uuid, epoch bigint,
--	username text, email text, first_name text, last_name text, bio text,
--	picture text, password text, clear text[], look bytea, training boolean)
WITH was AS (
	SELECT id, email, verified
	  FROM account
	 WHERE id = :viewer
	   FOR NO KEY UPDATE
), changed AS (
	UPDATE account AS a
	   SET username = coalesce(:username, a.username),
	       old_username = CASE WHEN :username::text IS NULL
	                           THEN a.old_username ELSE a.username END,
	       older_usernames = CASE WHEN :username::text IS NULL
	                              THEN a.older_usernames
	                              WHEN a.renamed_at > now() - interval '1 day'
	                              THEN (a.old_username
	                                    || a.older_usernames)[1:9]
	                              ELSE '{}' END,
	       renamed_at = CASE WHEN :username::text IS NULL
	                         THEN a.renamed_at ELSE now() END,
	       look = coalesce(:look, a.look),
	       training = coalesce(:training, a.training),
	       email = coalesce(:email, a.email),
	       verified = a.verified AND :email::text IS NULL,
	       first_name = CASE WHEN 'first_name' = ANY (:clear::text[]) THEN ''
	                         ELSE coalesce(:first_name, a.first_name) END,
	       last_name = CASE WHEN 'last_name' = ANY (:clear) THEN ''
	                        ELSE coalesce(:last_name, a.last_name) END,
	       bio = CASE WHEN 'bio' = ANY (:clear) THEN NULL
	                  ELSE coalesce(:bio, a.bio) END,
	       picture = CASE WHEN 'picture' = ANY (:clear)
	                      THEN 'users/default.png'
	                      ELSE coalesce(:picture, a.picture) END,
	       password = coalesce(:password, a.password),
	       epoch = a.epoch + CASE WHEN :password::text IS NULL
	                              THEN 0 ELSE 1 END,
	       updated_at = now()
	  FROM was
	 WHERE a.id = was.id
	   AND a.epoch = :epoch::bigint
	RETURNING a.id, a.username, a.bio, a.email, a.last_name, a.first_name,
	          a.picture, a.training, a.epoch, was.email AS old_email,
	          was.verified AS was_verified
), ended AS (
	DELETE FROM session AS s
	 USING changed AS a
	 WHERE s.user_id = a.id
	   AND s.id <> :session_id
	   AND :password::text IS NOT NULL
), kept AS (
	UPDATE session AS s
	   SET kept_epoch = a.epoch
	  FROM changed AS a
	 WHERE s.user_id = a.id
	   AND s.id = :session_id
	   AND :password::text IS NOT NULL
), spent AS (
	DELETE FROM code AS k
	 USING changed AS a
	 WHERE k.user_id = a.id
	   AND k.purpose = 'reset'
	   AND (:password::text IS NOT NULL OR :email::text IS NOT NULL)
), slot AS (
	INSERT INTO code AS c (user_id, purpose, expires_at)
	SELECT a.id, 'verification', now() + interval '1 day'
	  FROM changed AS a
	 WHERE :email::text IS NOT NULL
	    ON CONFLICT (user_id, purpose) DO UPDATE
	   SET digest = NULL,
	       tries = 0,
	       mailed_at = greatest(now(), {{code_next_mail}}),
	       {{code_count_mail}}
	RETURNING user_id, mailed_at
), replaced AS (
	DELETE FROM job AS j
	 USING changed AS a
	 WHERE j.payload ? 'account_id'
	   AND j.payload ->> 'account_id' = a.id::text
	   AND j.name = 'mail_verification'
	   AND j.state = 'queued'
	   AND :email::text IS NOT NULL
	RETURNING j.run_at
), queued AS (
	INSERT INTO job (name, payload, run_at)
	SELECT 'mail_verification', jsonb_build_object('account_id', user_id),
	       least(mailed_at, (SELECT min(run_at) FROM replaced))
	  FROM slot
	 UNION ALL
	SELECT 'mail_address_changed',
	       jsonb_build_object('account_id', a.id, 'email', a.old_email), now()
	  FROM changed AS a
	 WHERE :email::text IS NOT NULL
	   AND a.was_verified
)
SELECT {{self_columns}}
  FROM changed AS a;

-- How well the ratings of the viewer and of a friend a agree: the cosine of the
-- ratings of the movies that both have rated, above 3.5 stars, damped by 5, from -1
-- to 1, as 0 to 100. NULL: fewer than five such movies, or a does not take part in
-- training. Only ratings of the two: no other rating changes it.
-- fragment: taste_match
CASE WHEN {{is_friend}} AND (SELECT o.training FROM account AS o WHERE o.id = a.id)
     THEN (SELECT json_build_object(
                      'score', round(50 + 50 * sum((m.rating - 3.5)
                                                   * (t.rating - 3.5))
                                     / (sqrt(sum((m.rating - 3.5) ^ 2)
                                             * sum((t.rating - 3.5) ^ 2)) + 5)),
                      'movies', count(*))
             FROM live_rating AS m
             JOIN live_rating AS t
               ON t.movie_id = m.movie_id AND t.user_id = a.id
            WHERE m.user_id = :viewer::bigint
           HAVING count(*) >= 5) END

-- name: user_detail :one (viewer bigint, username text)
SELECT {{user_columns}}, {{taste_match}} AS taste_match
  FROM live_account AS a
 WHERE a.username = :username;

-- name: user_bio :one (username text)
SELECT id AS author, bio
  FROM live_account
 WHERE username = :username;

-- A page of the users whose names contain the text; see user_search() in 0025.
-- name: user_search :many within=1s (viewer bigint, search_query text,
--	is_friend boolean, page bigint, size bigint)
SELECT f.total, f.page, {{user_columns}}
  FROM user_search(:search_query, CASE WHEN :is_friend THEN :viewer::bigint END,
                   :page, :size) AS f
  LEFT JOIN live_account AS a ON a.id = f.user_id
 ORDER BY f.place
 LIMIT :size;

-- The same among the friends of a user.
-- name: friend_search :many within=1s (viewer bigint, username text,
--	search_query text, page bigint, size bigint)
SELECT f.total, f.page, {{user_columns}}
  FROM live_account AS p
 CROSS JOIN LATERAL user_search(:search_query, p.id, :page, :size) AS f
  LEFT JOIN live_account AS a ON a.id = f.user_id
 WHERE p.username = :username
 ORDER BY f.place
 LIMIT :size;

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

-- name: account_without_look :many ()
SELECT id, username
  FROM account
 WHERE look IS NULL
 ORDER BY id
 LIMIT 500;

-- Of accounts that look the same the first one gets the digest. A name that is
-- changed concurrently has its digest by then.
-- name: account_set_looks :exec (ids bigint[], looks text[])
UPDATE account AS a
   SET look = CASE WHEN n.place = 1
                    AND NOT EXISTS (SELECT
                                      FROM account AS b
                                     WHERE b.look = decode(n.look, 'hex'))
                   THEN decode(n.look, 'hex')
                   ELSE decode(md5(n.look || n.id), 'hex') END
  FROM (SELECT id, look, row_number() OVER (PARTITION BY look ORDER BY id)
               AS place
          FROM unnest(:ids::bigint[], :looks::text[]) AS u (id, look)) AS n
 WHERE a.id = n.id
   AND a.look IS NULL;
