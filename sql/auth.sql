-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Sessions and mailed codes. Counters, limits and concurrent requests are
-- handled within one statement, on a locked row.

-- Whether a session s of account a has not been ended with all of its sessions.
-- fragment: session_continues
coalesce(s.kept_epoch, s.epoch) = a.epoch

-- No row: no such account. ended: the session has ended or expired, or all
-- sessions of the account were ended (its epoch is another). renamed: within
-- `lifetime` seconds. former_name: in_path was then a name of the account, and no
-- account has it now.
-- name: account_by_session :one (session_id uuid, user_id bigint, epoch bigint,
--	lifetime bigint, in_path text)
SELECT CASE WHEN NOT a.active THEN 'inactive'
            WHEN s.id IS NULL THEN 'ended'
            ELSE 'ok' END AS outcome,
       a.username, a.preferred_language, a.verified, a.boarded, a.staff,
       r.renamed,
       r.renamed
       AND coalesce(:in_path::text = ANY (a.older_usernames || a.old_username),
                    false)
       AND NOT EXISTS (SELECT
                         FROM account AS b
                        WHERE b.username = :in_path) AS former_name
  FROM account AS a
 CROSS JOIN LATERAL (
	SELECT coalesce(a.renamed_at > now()
	                    - :lifetime::bigint * interval '1 second', false)
	       AS renamed
) AS r
  LEFT JOIN session AS s
    ON s.id = :session_id
   AND s.user_id = a.id
   AND s.epoch = :epoch::bigint
   AND {{session_continues}}
   AND s.expires_at > now()
 WHERE a.id = :user_id;

-- Whether the owner of account a may log in: it is active, or the owner has removed
-- it and no administrator has locked it, and logging in restores it.
-- fragment: may_log_in(a)
({{a}}.active OR {{a}}.removed_at IS NOT NULL AND NOT {{a}}.locked)

-- The accounts that a log-in may refer to: that with the user name, then that
-- with the mail address; the address of one account can be the name of another.
-- known: a session of the account began in that network.
-- name: account_for_login :many (username text, email text, network inet)
SELECT id, password, epoch,
       EXISTS (SELECT
                 FROM session AS s
                WHERE s.user_id = account.id
                  AND s.network = :network) AS known
  FROM account
 WHERE {{may_log_in:account}}
   AND (username = :username OR lower(email) = lower(:email))
 ORDER BY username = :username DESC
 LIMIT 2;

-- Inserts a session if the account has not changed since the password was
-- checked (a change of the password raises the epoch). A new hash replaces the
-- old one. An account that its owner has removed is restored. Of 100 sessions of
-- the account the one that was used least recently makes room for the new one.
-- No row: it has changed; there is no other way to end, so no outcome.
-- name: session_start :one (user_id bigint, epoch bigint, old_password text,
--	new_password text, digest bytea, lifetime bigint, user_agent text,
--	session_id uuid, network cidr)
WITH started AS (
	INSERT INTO session (id, user_id, digest, epoch, expires_at,
	                     user_agent, network)
	SELECT :session_id, id, :digest, epoch,
	       now() + :lifetime::bigint * interval '1 second',
	       left(:user_agent, 512), :network
	  FROM account
	 WHERE id = :user_id
	   AND epoch = :epoch::bigint
	   AND {{may_log_in:account}}
	RETURNING user_id
), changed AS (
	UPDATE account AS a
	   SET password = coalesce(:new_password, password),
	       active = true,
	       removed_at = NULL
	  FROM started AS s
	 WHERE a.id = s.user_id
	   AND a.password = :old_password
	   AND {{may_log_in:a}}
	   AND (:new_password::text IS NOT NULL OR a.removed_at IS NOT NULL)
), surplus AS (
	DELETE FROM session
	 WHERE id IN (SELECT id
	                FROM session
	               WHERE user_id = (SELECT user_id FROM started)
	               ORDER BY used_at DESC, id
	              OFFSET 99)
)
SELECT a.id AS user_id, a.username, a.preferred_language, a.verified,
       a.boarded, a.epoch
  FROM started AS s
  JOIN account AS a ON a.id = s.user_id;

-- Uses the refresh token with this digest. ok: it is the current one of the
-- session, or the previous one within a minute of its replacement. A next
-- digest replaces the current one; a repeated request with the same token,
-- concurrently or within that minute, gets the same answer (rotated). Any older
-- token of the session has been stolen or copied: the session ends.
-- name: session_refresh :one (session_id uuid, user_id bigint, epoch bigint,
--	digest bytea, next_digest bytea, lifetime bigint)
WITH reused AS (
	DELETE FROM session
	 WHERE id = :session_id
	   AND user_id = :user_id
	   AND digest <> :digest
	   AND (previous_digest IS DISTINCT FROM :digest
	        OR rotated_at <= now() - interval '1 minute')
	RETURNING user_id
), kept AS (
	UPDATE session AS s
	   SET used_at = now(),
	       previous_digest = CASE WHEN s.digest = :digest
	                               AND :next_digest::bytea IS NOT NULL
	                              THEN s.digest ELSE s.previous_digest END,
	       rotated_at = CASE WHEN s.digest = :digest
	                          AND :next_digest::bytea IS NOT NULL
	                         THEN now() ELSE s.rotated_at END,
	       expires_at = CASE WHEN s.digest = :digest
	                          AND :next_digest::bytea IS NOT NULL
	                         THEN now() + :lifetime::bigint
	                                      * interval '1 second'
	                         ELSE s.expires_at END,
	       digest = CASE WHEN s.digest = :digest
	                     THEN coalesce(:next_digest, s.digest)
	                     ELSE s.digest END
	  FROM account AS a
	 WHERE s.id = :session_id
	   AND s.user_id = :user_id
	   AND a.id = s.user_id
	   AND a.active
	   AND s.epoch = :epoch::bigint
	   AND {{session_continues}}
	   AND s.expires_at > now()
	   AND (s.digest = :digest
	        OR (s.previous_digest = :digest
	            AND s.rotated_at > now() - interval '1 minute'))
	RETURNING s.id, s.digest, s.expires_at
)
SELECT CASE WHEN NOT a.active THEN 'inactive'
            WHEN k.id IS NULL THEN 'ended'
            ELSE 'ok' END AS outcome,
       a.id AS user_id, a.username, a.preferred_language, a.verified,
       a.boarded, :epoch::bigint AS epoch,
       coalesce(k.digest = :next_digest, false) AS rotated,
       EXISTS (SELECT FROM reused) AS reused,
       coalesce(extract(epoch FROM k.expires_at - now())::bigint, 0) AS seconds
  FROM account AS a
  LEFT JOIN kept AS k ON true
 WHERE a.id = :user_id;

-- name: session_end :exec (session_id uuid, viewer bigint)
DELETE FROM session
 WHERE id = :session_id
   AND user_id = :viewer;

-- The program of a session: browser and system, or the name that another program
-- uses in its user agent; NULL: unknown.
-- fragment: session_client
nullif(concat_ws(', ',
       CASE WHEN s.user_agent ~ '\mEdg(A|iOS)?/' THEN 'Edge'
            WHEN s.user_agent ~ '\mOPR/' THEN 'Opera'
            WHEN s.user_agent ~ '\m(Firefox|FxiOS)/' THEN 'Firefox'
            WHEN s.user_agent ~ '\m(Chrome|CriOS)/' THEN 'Chrome'
            WHEN s.user_agent ~ '\mSafari/' THEN 'Safari'
            ELSE substring(s.user_agent FROM '^[A-Za-z0-9._+-]{1,40}') END,
       CASE WHEN s.user_agent ~ '\mWindows\M' THEN 'Windows'
            WHEN s.user_agent ~ '\mAndroid\M' THEN 'Android'
            WHEN s.user_agent ~ '\m(iPhone|iPad|iPod)\M' THEN 'iOS'
            WHEN s.user_agent ~ '\m(Macintosh|Mac OS X)\M' THEN 'macOS'
            WHEN s.user_agent ~ '\mCrOS\M' THEN 'ChromeOS'
            WHEN s.user_agent ~ '\mLinux\M' THEN 'Linux' END), '')

-- The sessions of the caller, the last used first.
-- name: session_list :many (viewer bigint, session_id uuid)
SELECT replace(s.id::text, '-', '') AS id, {{session_client}} AS client,
       s.network::text AS network,
       {{micros:s.created_at}} AS created_at,
       {{micros:s.used_at}} AS last_used_at,
       {{micros:s.expires_at}} AS expires_at,
       s.id = :session_id AS current
  FROM session AS s
  JOIN account AS a ON a.id = s.user_id AND {{session_continues}}
 WHERE s.user_id = :viewer
   AND s.expires_at > now()
 ORDER BY s.used_at DESC, s.id
 LIMIT 100;

-- Ends a session of the caller; a text that is no id is the id of none.
-- name: session_end_one :one (viewer bigint, session text)
DELETE FROM session
 WHERE user_id = :viewer
   AND id = CASE WHEN :session ~ '^[0-9a-f]{32}$' THEN :session::uuid END
RETURNING true AS ended;

-- name: session_end_all :one (viewer bigint, session_id uuid,
--	keep_current boolean)
WITH ended AS (
	DELETE FROM session
	 WHERE user_id = :viewer
	   AND NOT (:keep_current AND id = :session_id)
	RETURNING id
)
SELECT true AS status, count(*) AS ended
  FROM ended;

-- Stores a code that is about to be mailed, replacing the previous one. Writing
-- a mail does not start the interval between mails, requesting one does
-- (verification_resend). Nothing if the account now has another address, or the
-- id belongs to another account: the number of rows, because jobs run it, which
-- have no outcomes.
-- name: code_set :exec (user_id bigint, purpose text, digest bytea,
--	lifetime bigint, email text)
INSERT INTO code (user_id, purpose, digest, mailed_at, expires_at)
SELECT id, :purpose, :digest, 'epoch',
       now() + :lifetime::bigint * interval '1 second'
  FROM account
 WHERE id = :user_id
   AND email = :email
    ON CONFLICT (user_id, purpose) DO UPDATE
   SET digest = EXCLUDED.digest,
       tries = 0,
       created_at = now(),
       expires_at = EXCLUDED.expires_at;

-- Checks a verification code; any code is right for a verified account. A text
-- that cannot be a code is NULL and does not count as an attempt. The account
-- is locked first, so that attempts are serialised: at most five concurrent
-- ones count, and concurrent attempts with the right code both succeed. A used
-- digest is deleted. exhausted: there were five attempts before this one.
-- name: account_verify :one (viewer bigint, digest bytea)
WITH me AS MATERIALIZED (
	SELECT id, verified
	  FROM account
	 WHERE id = :viewer
	   FOR NO KEY UPDATE
), tried AS (
	UPDATE code AS c
	   SET tries = c.tries + 1,
	       digest = nullif(c.digest, :digest)
	  FROM me
	 WHERE c.user_id = me.id
	   AND c.purpose = 'verification'
	   AND NOT me.verified
	   AND c.tries < 5
	   AND c.expires_at > now()
	   AND c.digest IS NOT NULL
	   AND :digest::bytea IS NOT NULL
	RETURNING c.user_id, c.digest IS NULL AS fits
), done AS (
	UPDATE account AS a
	   SET verified = true,
	       updated_at = now()
	  FROM tried AS t
	 WHERE a.id = t.user_id
	   AND t.fits
	RETURNING a.id
)
SELECT CASE WHEN me.verified OR EXISTS (SELECT FROM done) THEN 'ok'
            WHEN EXISTS (SELECT
                           FROM code AS c
                          WHERE c.user_id = me.id
                            AND c.purpose = 'verification'
                            AND c.tries >= 5) THEN 'exhausted'
            ELSE 'wrong' END AS outcome
  FROM me;

-- When the next mail of a code row is allowed: immediately after that of the
-- sign-up, then after 1, 2, 4 and 8 minutes, and after six mails on the next
-- day.
-- fragment: code_next_mail
CASE WHEN c.mails_since <= now() - interval '1 day' THEN c.mailed_at
     WHEN c.mails >= 6 THEN c.mails_since + interval '1 day'
     WHEN c.mails < 2 THEN c.mailed_at
     ELSE c.mailed_at + interval '1 minute' * power(2, c.mails - 2) END

-- Counts a mail, as the second one of a new day.
-- fragment: code_count_mail
mails = CASE WHEN c.mails_since <= now() - interval '1 day'
                    THEN 2 ELSE c.mails + 1 END,
       mails_since = CASE WHEN c.mails_since <= now() - interval '1 day'
                          THEN now() ELSE c.mails_since END

-- Requests another mail: the row of the code is the lock. The loser of a race
-- reads the row as it was before, and must wait a full minute.
-- name: verification_resend :one (viewer bigint)
WITH me AS (
	SELECT id, verified
	  FROM account
	 WHERE id = :viewer
), slot AS (
	INSERT INTO code AS c (user_id, purpose, expires_at, mails)
	SELECT id, 'verification', now() + interval '1 day', 2
	  FROM me
	 WHERE NOT verified
	    ON CONFLICT (user_id, purpose) DO UPDATE
	   SET mailed_at = now(),
	       {{code_count_mail}}
	 WHERE {{code_next_mail}} <= now()
	RETURNING c.user_id
), queued AS (
	INSERT INTO job (name, payload)
	SELECT 'mail_verification', jsonb_build_object('account_id', user_id)
	  FROM slot
)
SELECT CASE WHEN me.verified THEN 'unchanged'
            WHEN EXISTS (SELECT FROM slot) THEN 'ok'
            ELSE 'too_soon' END AS outcome,
       CASE WHEN {{code_next_mail}} > now()
            THEN ceil(extract(epoch FROM {{code_next_mail}} - now()))::integer
            ELSE 60 END AS wait
  FROM me
  LEFT JOIN code AS c ON c.user_id = me.id AND c.purpose = 'verification';

-- When the next mail to an address is allowed: after 1, 2, 4, 8 minutes, then
-- every 15 minutes, the lifetime of the code. After a day it starts again.
-- fragment: request_next_mail
q.mailed_at + interval '1 minute'
            * CASE WHEN q.mails_since <= now() - interval '1 day' THEN 1
                   ELSE least(power(2, least(q.mails, 5) - 1), 15) END

-- Requests a mail that sets a new password, as verification_resend. The job is
-- queued for any address; account 0 does not exist.
-- name: password_request :one (address bytea, email text)
WITH slot AS (
	INSERT INTO password_request AS q (address)
	VALUES (:address)
	    ON CONFLICT (address) DO UPDATE
	   SET tries = 0,
	       mailed_at = now(),
	       mails = CASE WHEN q.mails_since <= now() - interval '1 day'
	                    THEN 1 ELSE q.mails + 1 END,
	       mails_since = CASE WHEN q.mails_since <= now() - interval '1 day'
	                          THEN now() ELSE q.mails_since END
	 WHERE {{request_next_mail}} <= now()
	RETURNING q.address
), queued AS (
	INSERT INTO job (name, payload)
	SELECT 'mail_reset', jsonb_build_object('account_id', coalesce((
	           SELECT id
	             FROM account
	            WHERE lower(email) = lower(:email)
	              AND {{may_log_in:account}}), 0))
	  FROM slot
)
SELECT CASE WHEN EXISTS (SELECT FROM slot) THEN 'ok'
            ELSE 'too_soon' END AS outcome,
       CASE WHEN {{request_next_mail}} > now()
            THEN ceil(extract(epoch
                              FROM {{request_next_mail}} - now()))::integer
            ELSE 60 END AS wait
  FROM (SELECT) AS one
  LEFT JOIN password_request AS q ON q.address = :address;

-- Checks a code that sets a new password. The attempts are those of the address,
-- whether it has an account or not; a text that cannot be a code is NULL and does
-- not count, nor does the right code. Concurrent attempts wait for the row.
-- name: password_try :one (address bytea, email text, digest bytea)
WITH found AS MATERIALIZED (
	SELECT a.id, a.username, a.first_name, a.last_name, a.email
	  FROM account AS a
	  JOIN code AS c ON c.user_id = a.id
	 WHERE lower(a.email) = lower(:email)
	   AND {{may_log_in:a}}
	   AND c.purpose = 'reset'
	   AND c.digest = :digest
	   AND c.expires_at > now()
), tried AS (
	UPDATE password_request
	   SET tries = CASE WHEN EXISTS (SELECT FROM found) THEN tries
	                    ELSE tries + 1 END
	 WHERE address = :address
	   AND tries < 5
	   AND :digest::bytea IS NOT NULL
	RETURNING address
)
SELECT CASE WHEN f.id IS NOT NULL THEN 'ok'
            WHEN q.tries >= 5 THEN 'exhausted'
            ELSE 'wrong' END AS outcome,
       f.id, f.username, f.first_name, f.last_name, f.email
  FROM (SELECT) AS one
  LEFT JOIN password_request AS q ON q.address = :address
  LEFT JOIN found AS f ON EXISTS (SELECT FROM tried);

-- Uses the code: sets the password, confirms the address, and ends all sessions.
-- An account that was not verified loses its links to providers: another person may
-- have created it with this address.
-- wrong: it has been used, or has expired, since it was checked.
-- name: password_reset :one (user_id bigint, digest bytea, email text,
--	password text)
WITH used AS (
	DELETE FROM code
	 WHERE user_id = :user_id
	   AND purpose = 'reset'
	   AND digest = :digest
	   AND expires_at > now()
	RETURNING user_id
), changed AS (
	UPDATE account AS a
	   SET password = :password,
	       verified = true,
	       epoch = a.epoch + 1,
	       updated_at = now()
	  FROM used AS u
	 WHERE a.id = u.user_id
	   AND {{may_log_in:a}}
	   AND lower(a.email) = lower(:email)
	RETURNING a.id
), ended AS (
	DELETE FROM session AS s
	 USING changed AS c
	 WHERE s.user_id = c.id
), unlinked AS (
	DELETE FROM provider_link AS l
	 USING changed AS c, account AS before
	 WHERE l.user_id = c.id
	   AND before.id = c.id
	   AND NOT before.verified
), erased AS (
	DELETE FROM code AS k
	 USING changed AS c
	 WHERE k.user_id = c.id
	   AND k.purpose <> 'reset'
)
SELECT CASE WHEN EXISTS (SELECT FROM changed) THEN 'ok'
            ELSE 'wrong' END AS outcome;
