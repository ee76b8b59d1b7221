-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Signing in with an OpenID Connect provider: the request asks mxm-jobs to
-- exchange the code (job oidc_exchange), takes its result, and logs in the
-- account of the user.

-- Queues the exchange. unavailable: it has failed in the last 30 seconds, or one
-- takes longer than two seconds; so the slow pool does not wait for a provider
-- that does not answer.
-- name: provider_ask :one (provider text, code text, nonce text,
--	code_verifier text, traceparent text)
WITH asked AS (
	INSERT INTO job (name, payload)
	SELECT 'oidc_exchange',
	       jsonb_build_object('provider', :provider::text, 'code', :code::text,
	                          'nonce', :nonce::text,
	                          'verifier', :code_verifier::text,
	                          'traceparent', :traceparent::text)
	 WHERE NOT EXISTS (
		SELECT
		  FROM job
		 WHERE name = 'oidc_exchange'
		   AND payload ->> 'provider' = :provider
		   AND (state = 'failed'
		        AND finished_at > now() - interval '30 seconds'
		        OR state IN ('queued', 'running')
		        AND created_at BETWEEN now() - interval '15 seconds'
		                           AND now() - interval '2 seconds'))
	RETURNING id
)
SELECT CASE WHEN a.id IS NULL THEN 'unavailable' ELSE 'ok' END AS outcome,
       a.id AS job_id
  FROM (SELECT) AS one
  LEFT JOIN asked AS a ON true;

-- The parameters of an exchange. What is secret is removed from the job, which
-- has one attempt. late: the request does not wait any more.
-- name: provider_take :one (job_id bigint)
WITH old AS (
	SELECT id, payload, created_at < now() - interval '10 seconds' AS late
	  FROM job
	 WHERE id = :job_id
	   FOR UPDATE
)
UPDATE job AS j
   SET payload = jsonb_build_object('provider', old.payload -> 'provider')
  FROM old
 WHERE j.id = old.id
RETURNING old.payload ->> 'provider' AS provider,
          old.payload ->> 'code' AS code,
          old.payload ->> 'nonce' AS nonce,
          old.payload ->> 'verifier' AS verifier, old.late;

-- Takes what a finished exchange has found, which is personal, out of the table.
-- No row: it has failed. One row at most, so no LIMIT.
-- name: provider_claims :many (job_id bigint)
DELETE FROM job
 WHERE id = :job_id
   AND state = 'done'
RETURNING (result ->> 'refused')::boolean AS refused,
          result ->> 'sub' AS subject,
          result ->> 'email' AS email,
          coalesce((result ->> 'email_verified')::boolean, false)
          AS email_verified,
          result ->> 'name' AS name,
          result ->> 'given_name' AS given_name,
          result ->> 'family_name' AS family_name,
          result ->> 'locale' AS locale;

-- The request waits no longer: the exchange counts as failed.
-- name: provider_abandon :exec (job_id bigint)
UPDATE job
   SET state = 'failed',
       payload = jsonb_build_object('provider', payload -> 'provider'),
       lease_until = NULL,
       last_error = 'not finished in time',
       finished_at = now()
 WHERE id = :job_id
   AND state IN ('queued', 'running');

-- The account of a user of a provider: that with the link; else that with the
-- mail address, which is linked if the provider has verified the address; else a
-- new one. An account with the address that was never verified loses password,
-- sessions, codes and links, because another person may have created it. The
-- address of a linked account is verified if the provider has verified it.
--
-- absent: there is no account, and no address for a new one. foreign: the
-- provider has not verified the address, which an account has. linked: that
-- account, which is verified, is linked to another user of the provider. locked:
-- the owner of the account may not log in.
-- name: provider_log_in :one (provider text, label text, subject text,
--	email text, email_verified boolean, username text, first_name text,
--	last_name text, preferred_language text, look bytea)
WITH found AS MATERIALIZED (
	SELECT a.id, a.username, a.password, a.epoch, a.verified, a.boarded,
	       lower(a.email) = lower(:email) AND :email_verified::boolean
	       AS proven,
	       l.id IS NOT NULL AS linked,
	       {{may_log_in:a}} AS usable,
	       EXISTS (SELECT
	                 FROM provider_link AS other
	                WHERE other.user_id = a.id
	                  AND other.provider = :provider) AS has_link
	  FROM account AS a
	  LEFT JOIN provider_link AS l
	    ON l.user_id = a.id
	   AND l.provider = :provider
	   AND l.subject = :subject
	 WHERE a.id IN (SELECT user_id
	                  FROM provider_link
	                 WHERE provider = :provider
	                   AND subject = :subject
	                 UNION ALL
	                SELECT id
	                  FROM account
	                 WHERE lower(email) = lower(:email)
	                   AND NOT EXISTS (SELECT
	                                     FROM provider_link
	                                    WHERE provider = :provider
	                                      AND subject = :subject))
	   FOR NO KEY UPDATE OF a
), entitled AS (
	SELECT *
	  FROM found
	 WHERE usable
	   AND (linked OR proven AND NOT (has_link AND verified))
), changed AS (
	UPDATE account AS a
	   SET verified = true,
	       password = CASE WHEN e.linked THEN a.password ELSE '!' END,
	       epoch = a.epoch + (NOT e.linked)::integer,
	       updated_at = now()
	  FROM entitled AS e
	 WHERE a.id = e.id
	   AND e.proven
	   AND NOT e.verified
	RETURNING a.id, a.username, a.password, a.epoch, a.verified, a.boarded,
	          NOT e.linked AS taken
), created AS (
	INSERT INTO account (username, email, first_name, last_name,
	                     preferred_language, verified, look)
	SELECT :username, :email, :first_name, :last_name, :preferred_language,
	       :email_verified, :look
	 WHERE :email::text IS NOT NULL
	   AND NOT EXISTS (SELECT FROM found)
	RETURNING id, username, password, epoch, verified, boarded
), unlinked AS (
	DELETE FROM provider_link AS l
	 USING changed AS c
	 WHERE l.user_id = c.id
	   AND c.taken
	RETURNING l.id
), linked AS (
	-- after the deletion: an account has one link to a provider
	INSERT INTO provider_link (provider, subject, user_id)
	SELECT :provider, :subject, id
	  FROM created
	 UNION ALL
	SELECT :provider, :subject, id
	  FROM entitled
	 WHERE NOT linked
	   AND (SELECT count(*) FROM unlinked) >= 0
), ended AS (
	DELETE FROM session
	 USING changed AS c
	 WHERE session.user_id = c.id
	   AND c.taken
), void AS (
	DELETE FROM code
	 USING changed AS c
	 WHERE code.user_id = c.id
	   AND c.taken
), mailed AS (
	INSERT INTO job (name, payload)
	SELECT 'mail_verification', jsonb_build_object('account_id', id)
	  FROM created
	 WHERE NOT verified
	 UNION ALL
	SELECT 'mail_account_taken',
	       jsonb_build_object('account_id', id, 'value', :label::text)
	  FROM changed
	 WHERE taken
)
SELECT CASE WHEN f.id IS NULL AND n.id IS NULL THEN 'absent'
            WHEN n.id IS NOT NULL OR e.id IS NOT NULL THEN 'ok'
            WHEN NOT f.usable THEN 'locked'
            WHEN NOT f.proven THEN 'foreign'
            ELSE 'linked' END AS outcome,
       coalesce(n.id, f.id) AS id,
       coalesce(n.username, f.username) AS username,
       coalesce(n.password, c.password, f.password) AS password,
       coalesce(n.epoch, c.epoch, f.epoch) AS epoch,
       coalesce(n.verified, c.verified, f.verified) AS verified,
       coalesce(n.boarded, f.boarded) AS boarded
  FROM (SELECT) AS one
  LEFT JOIN created AS n ON true
  LEFT JOIN found AS f ON true
  LEFT JOIN entitled AS e ON e.id = f.id
  LEFT JOIN changed AS c ON c.id = f.id;
