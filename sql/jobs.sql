-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Background jobs: queueing, claiming, finishing; the statements of mxm-jobs on
-- tables touch, code and session; the job lists of mxmctl.
--
-- attempts identifies a claim of a job: a worker whose lease has expired cannot
-- finish a job that another one has claimed since.

-- Claims the oldest due job of the kinds that this program knows (name and
-- maximum attempts). traceparent: of the request that has queued it.
-- name: job_claim :one (names text[], most integer[], lease integer)
WITH known AS (
	SELECT name, most
	  FROM unnest(:names::text[], :most::integer[]) AS t (name, most)
), due AS (
	SELECT j.id, k.most
	  FROM job AS j
	  JOIN known AS k ON k.name = j.name
	 WHERE j.state = 'queued'
	   AND j.run_at <= now()
	 ORDER BY j.run_at, j.id
	 LIMIT 1
	   FOR UPDATE OF j SKIP LOCKED
)
UPDATE job AS j
   SET state = 'running',
       attempts = j.attempts + 1,
       max_attempts = due.most,
       lease_until = now() + make_interval(secs => :lease::integer)
  FROM due
 WHERE j.id = due.id
RETURNING j.id, j.name, j.attempts, j.max_attempts,
          j.payload ->> 'traceparent' AS traceparent;

-- The rest of the payload may be personal or secret.
-- name: job_done :exec (id bigint, attempts integer, result jsonb)
UPDATE job
   SET state = 'done',
       result = :result,
       payload = jsonb_strip_nulls(jsonb_build_object(
                     'account_id', payload -> 'account_id')),
       lease_until = NULL,
       last_error = NULL,
       finished_at = now()
 WHERE id = :id
   AND attempts = :attempts
   AND state = 'running';

-- name: job_renew :exec (id bigint, attempts integer, lease integer)
UPDATE job
   SET lease_until = now() + make_interval(secs => :lease::integer)
 WHERE id = :id
   AND attempts = :attempts
   AND state = 'running';

-- name: job_again :exec (id bigint, attempts integer, delay integer, why text)
UPDATE job
   SET state = 'queued',
       lease_until = NULL,
       last_error = :why,
       run_at = now() + make_interval(secs => :delay::integer)
 WHERE id = :id
   AND attempts = :attempts
   AND state = 'running';

-- name: job_given_up :exec (id bigint, attempts integer, why text)
UPDATE job
   SET state = 'failed',
       lease_until = NULL,
       last_error = :why,
       finished_at = now()
 WHERE id = :id
   AND attempts = :attempts
   AND state = 'running';

-- Whether a job for which a request waits has finished, and its result. No row:
-- it was deleted.
-- name: job_result :one (id bigint)
SELECT finished_at IS NOT NULL AS finished, state = 'done' AS done, result
  FROM job
 WHERE id = :id;

-- Jobs whose worker died are due again; one that always kills its worker fails
-- after the same number of attempts.
-- name: job_reap :exec ()
UPDATE job
   SET state = CASE WHEN attempts < max_attempts
                    THEN 'queued' ELSE 'failed' END,
       finished_at = CASE WHEN attempts < max_attempts
                          THEN NULL ELSE now() END,
       lease_until = NULL,
       last_error = 'its worker died',
       run_at = now()
 WHERE id IN (
	SELECT id
	  FROM job
	 WHERE state = 'running'
	   AND lease_until < now()
	 ORDER BY id
	 LIMIT 100
	   FOR UPDATE SKIP LOCKED);

-- Queues a periodic job: one row per period, on all hosts together.
-- name: job_schedule :exec (name text, period integer)
INSERT INTO job (name, idempotency_key)
SELECT :name,
       :name || ':'
       || floor(extract(epoch FROM now()) / :period::integer)::bigint
    ON CONFLICT (idempotency_key) DO NOTHING;

-- Whom the mail of a job is for: the account of the payload, and what the payload
-- has instead (src/mails.def). id is NULL if the account does not exist;
-- addressed: the payload has an account.
-- name: job_mail :one (job_id bigint)
SELECT a.id, a.verified, {{may_log_in:a}} AS active,
       coalesce(a.username, j.payload ->> 'username') AS username,
       coalesce(j.payload ->> 'email', a.email) AS email,
       coalesce(a.preferred_language, j.payload ->> 'language') AS language,
       j.payload ->> 'value' AS value,
       p.account_id IS NOT NULL AS addressed
  FROM job AS j
 CROSS JOIN LATERAL (
	SELECT CASE WHEN j.payload ->> 'account_id' ~ '^[0-9]{1,18}$'
	            THEN (j.payload ->> 'account_id')::bigint
	       END AS account_id
) AS p
  LEFT JOIN account AS a ON a.id = p.account_id
 WHERE j.id = :job_id;

-- The oldest rows; within them equal keys are adjacent.
-- name: touch_pending :many (size bigint)
SELECT id, kind, key
  FROM (SELECT id, kind, key
          FROM touch
         ORDER BY id
         LIMIT :size) AS oldest
 ORDER BY kind, key, id
 LIMIT :size;

-- What this transaction has touched so far: at most `size` rows, and one more if
-- there are others.
-- name: touch_of_transaction :many (size int)
SELECT kind, key
  FROM touch
 WHERE txid = pg_current_xact_id_if_assigned()
 LIMIT :size + 1;

-- The newest row; wakes mxm-jobs on all hosts.
-- name: touch_wake :one ()
SELECT coalesce(max(id), 0) AS newest, pg_notify('touch', '')::text AS woken
  FROM touch;

-- Whether rows up to that one have not been raised yet.
-- name: touch_left :one (newest bigint)
SELECT EXISTS (SELECT
                 FROM touch
                WHERE id <= :newest) AS is_left;

-- Changes when the database is restored, in any way: into a new database, over
-- the old one, or as the files of the whole server. A restore creates every
-- table, or truncates it (another file), and creates indexes and references
-- last; so the last value is that of the complete database, and values read
-- during the restore do not occur again.
-- name: incarnation :one ()
SELECT hashtextextended(
           concat_ws(' ', extract(epoch FROM pg_postmaster_start_time()),
               (SELECT oid
                  FROM pg_database
                 WHERE datname = current_database()),
               (SELECT string_agg(oid || ':' || relfilenode, ',' ORDER BY oid)
                  FROM pg_class
                 WHERE relnamespace = 'public'::regnamespace),
               (SELECT max(oid)
                  FROM pg_constraint
                 WHERE connamespace = 'public'::regnamespace),
               (SELECT max(oid)
                  FROM pg_trigger)), 0) AS incarnation;

-- Several hosts delete the same rows, without waiting for one another.
-- name: touch_delete :exec (ids bigint[])
DELETE FROM touch
 WHERE id IN (
	SELECT id
	  FROM touch
	 WHERE id = ANY (:ids)
	 ORDER BY id
	   FOR UPDATE SKIP LOCKED);

-- An expired code is deleted a day later, for the interval between mails.
-- name: prune_codes :exec ()
DELETE FROM code
 WHERE id IN (
	SELECT id
	  FROM code
	 WHERE expires_at < now() - interval '1 day'
	 ORDER BY expires_at
	 LIMIT 1000);

-- By then the interval has passed, and the mails of the day count no more.
-- name: prune_password_requests :exec ()
DELETE FROM password_request
 WHERE address IN (
	SELECT address
	  FROM password_request
	 WHERE mailed_at < now() - interval '1 day'
	 ORDER BY mailed_at
	 LIMIT 1000);

-- Old accounts whose address was not confirmed. One that is being confirmed
-- concurrently is not deleted: its row is locked and checked again.
-- name: account_unconfirmed_delete :exec (lifetime bigint)
DELETE FROM account
 WHERE id IN (
	SELECT id
	  FROM account
	 WHERE confirmed_at IS NULL
	   AND date_joined < now() - :lifetime::bigint * interval '1 second'
	 ORDER BY date_joined
	 LIMIT 500)
   AND confirmed_at IS NULL;

-- Those of the paths that nothing uses, neither what is removed.
-- name: pictures_unused :many (paths text[])
SELECT p.picture
  FROM unnest(:paths::text[]) AS p (picture)
 WHERE NOT EXISTS (SELECT
                     FROM account AS a
                    WHERE a.picture = p.picture
                      AND a.picture <> 'users/default.png')
   AND NOT EXISTS (SELECT FROM movie AS m WHERE m.cover = p.picture)
   AND NOT EXISTS (SELECT
                     FROM movie_translation AS t
                    WHERE t.image = p.picture)
   AND NOT EXISTS (SELECT FROM person AS n WHERE n.image = p.picture)
   AND NOT EXISTS (SELECT FROM platform AS f WHERE f.image = p.picture)
   AND NOT EXISTS (SELECT FROM award AS w WHERE w.icon = p.picture)
 LIMIT cardinality(:paths);

-- name: prune_audit :exec (lifetime bigint)
DELETE FROM audit
 WHERE id IN (
	SELECT id
	  FROM audit
	 WHERE at < now() - :lifetime::bigint * interval '1 second'
	 ORDER BY at
	 LIMIT 1000);

-- name: prune_sessions :exec ()
DELETE FROM session
 WHERE id IN (
	SELECT id
	  FROM session
	 WHERE expires_at < now() - interval '1 day'
	 ORDER BY expires_at
	 LIMIT 1000);

-- Done jobs are deleted after a week (longer than any period, because their
-- keys prevent a periodic job from being queued twice), failed ones after three
-- months; a result, for which a request has waited, after an hour.
-- name: prune_jobs :exec ()
DELETE FROM job
 WHERE id IN (
	SELECT id
	  FROM job
	 WHERE finished_at IS NOT NULL
	   AND finished_at < now() - CASE WHEN state <> 'done' THEN interval '90 days'
	                             WHEN result IS NULL THEN interval '7 days'
	                             ELSE interval '1 hour' END
	 ORDER BY finished_at
	 LIMIT 1000);

-- open: all states but done.
-- name: job_list :many (state text, at_most bigint)
SELECT id, name, state, attempts, max_attempts, last_error,
       to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
       AS created_at,
       to_char(coalesce(finished_at, run_at) AT TIME ZONE 'UTC',
               'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at
  FROM job
 WHERE :state = 'all'
    OR state = :state
    OR :state = 'open' AND state <> 'done'
 ORDER BY id DESC
 LIMIT :at_most;

-- name: job_counts :many ()
SELECT name, state, count(*) AS jobs,
       coalesce(floor(extract(epoch FROM
           now() - min(run_at) FILTER (WHERE state = 'queued'
                                         AND run_at <= now()))), 0)::bigint
       AS waiting
  FROM job
 GROUP BY name, state
 ORDER BY name, state
 LIMIT 1000;

-- Restarts a failed job, or one that waits for its next attempt.
-- name: job_retry :exec (id bigint)
UPDATE job
   SET state = 'queued',
       attempts = 0,
       finished_at = NULL,
       run_at = now()
 WHERE id = :id
   AND state IN ('queued', 'failed');

-- name: job_retry_failed :exec ()
UPDATE job
   SET state = 'queued',
       attempts = 0,
       finished_at = NULL,
       run_at = now()
 WHERE state = 'failed';

-- name: job_remove :exec (id bigint)
DELETE FROM job
 WHERE id = :id
   AND state <> 'running';

-- Trending movies. Each live rating of the last days weighs w = 2^(-age /
-- half_life), a time-decayed count (Cormode et al., Forward Decay, ICDE 2009);
-- those of a user with more than `votes` ratings in that time weigh less, so that
-- together they are `votes`. With n = sum(w) a movie has
--
--   n (prior * middle + sum(w * stars)) / (prior + n)
--
-- the number times the damped mean: as if `prior` ratings of `middle` stars were
-- there (the mean of movie lists by rating, as in column score). The date is that
-- of the first rating: a change does not renew it. A movie needs `users` users.
-- Index rating_movie is read from its newest end for each movie.
-- name: trend_compute :exec ()
WITH constant AS MATERIALIZED (
	SELECT interval '28 days' AS days, interval '7 days' AS half_life,
	       20 AS votes, 5 AS prior, 3 AS middle, 2 AS users, 200 AS size
), recent AS MATERIALIZED (
	SELECT r.movie_id, r.user_id, r.rating,
	       2 ^ (extract(epoch FROM r.created_at - now())
	            / extract(epoch FROM c.half_life)) AS weight
	  FROM constant AS c
	 CROSS JOIN live_movie AS m
	 CROSS JOIN LATERAL (SELECT movie_id, user_id, rating, created_at
	                       FROM live_rating
	                      WHERE movie_id = m.id
	                        AND created_at BETWEEN now() - c.days AND now()
	                     OFFSET 0) AS r
	  JOIN live_account AS a ON a.id = r.user_id
	 WHERE m.rating_count > 0
), voter AS MATERIALIZED (
	SELECT user_id, least(1, max(c.votes)::double precision / count(*)) AS share
	  FROM recent
	 CROSS JOIN constant AS c
	 GROUP BY user_id
), counted AS (
	SELECT r.movie_id, sum(r.weight * v.share) AS n,
	       sum(r.weight * v.share * r.rating) AS stars
	  FROM recent AS r
	  JOIN voter AS v ON v.user_id = r.user_id
	 GROUP BY r.movie_id
	HAVING count(*) >= (SELECT users FROM constant)
), best AS MATERIALIZED (
	SELECT t.movie_id,
	       row_number() OVER (ORDER BY t.n * (c.prior * c.middle + t.stars)
	                                   / (c.prior + t.n) DESC,
	                                   t.movie_id DESC) AS place
	  FROM counted AS t
	 CROSS JOIN constant AS c
	 ORDER BY place
	 LIMIT (SELECT size FROM constant)
), gone AS (
	DELETE FROM trend
	 WHERE movie_id NOT IN (SELECT movie_id FROM best)
)
INSERT INTO trend AS t (movie_id, place)
SELECT movie_id, place
  FROM best
    ON CONFLICT (movie_id) DO UPDATE
   SET place = excluded.place
 WHERE t.place <> excluded.place;
