-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The export of all that is stored about a user.

-- An export that is to be built, and its job.
-- fragment: export_queued
queued AS (
	INSERT INTO job (name, payload)
	SELECT 'export', jsonb_build_object('account_id', user_id)
	  FROM started
)

-- Starts an export, unless one is being built, or one was started less than an
-- hour ago. One that is not ready after an hour is not being built any more. Of
-- concurrent calls one starts it; all read the row as it was before.
-- name: export_start :one (viewer bigint)
WITH started AS (
	INSERT INTO export AS x (user_id)
	SELECT id FROM account WHERE id = :viewer
	    ON CONFLICT (user_id) DO UPDATE
	   SET requested_at = now(),
	       archive = NULL,
	       expires_at = NULL
	 WHERE x.requested_at <= now() - interval '1 hour'
	RETURNING user_id
), {{export_queued}}
SELECT CASE WHEN x.archive IS NULL
              OR x.requested_at <= now() - interval '1 hour' THEN 'ok'
            ELSE 'too_soon' END AS outcome,
       ceil(extract(epoch FROM x.requested_at + interval '1 hour' - now()))
       ::integer AS wait
  FROM account AS a
  LEFT JOIN export AS x ON x.user_id = a.id
 WHERE a.id = :viewer;

-- The archive; NULL: it is being built. Without one, or if it has expired, another
-- one is started.
-- name: export_get :one (viewer bigint)
WITH started AS (
	INSERT INTO export AS x (user_id)
	SELECT id FROM account WHERE id = :viewer
	    ON CONFLICT (user_id) DO UPDATE
	   SET requested_at = now(),
	       archive = NULL,
	       expires_at = NULL
	 WHERE coalesce(x.expires_at, x.requested_at + interval '1 hour') <= now()
	RETURNING user_id
), {{export_queued}}
SELECT x.archive
  FROM account AS a
  LEFT JOIN export AS x
    ON x.user_id = a.id
   AND x.expires_at > now()
 WHERE a.id = :viewer;

-- The user of a job; no row: the account does not exist any more.
-- name: export_user :one (job_id bigint)
SELECT x.user_id
  FROM job AS j
  JOIN export AS x ON x.user_id::text = j.payload ->> 'account_id'
 WHERE j.id = :job_id;

-- name: export_store :exec (user_id bigint, archive bytea, lifetime bigint)
UPDATE export
   SET archive = :archive,
       expires_at = now() + :lifetime::bigint * interval '1 second'
 WHERE user_id = :user_id;

-- name: prune_exports :exec ()
DELETE FROM export
 WHERE user_id IN (
	SELECT user_id
	  FROM export
	 WHERE expires_at < now()
	 ORDER BY expires_at
	 LIMIT 1000);

-- The files of the archive. Each statement returns the next rows after a key,
-- with what was deleted but is still stored. A user who is not active has no name.
-- fragment: export_rows(order)
SELECT {{order}} AS key, row_to_json(t) AS record
  FROM t
 WHERE {{order}} > :after
 ORDER BY {{order}}
 LIMIT :size

-- What another site finds the movie m by.
-- fragment: export_movie
       extract(year FROM m.release_date)::integer AS year,
       (SELECT min(s.key)
          FROM movie_source AS s
         WHERE s.movie_id = m.id
           AND s.source = 'imdb') AS imdb,
       (SELECT min(s.key)
          FROM movie_source AS s
         WHERE s.movie_id = m.id
           AND s.source = 'tmdb') AS tmdb

-- name: export_profile :many (user_id bigint, after bigint, size bigint)
WITH t AS (
	SELECT id, username, email, first_name, last_name, bio,
	       CASE WHEN NOT {{outside_media:picture}} THEN picture END AS picture,
	       preferred_language, verified, boarded, active, locked,
	       staff, training, password NOT LIKE '!%' AS has_password,
	       old_username, older_usernames, renamed_at, date_joined, confirmed_at, updated_at,
	       removed_at
	  FROM account
	 WHERE id = :user_id
)
{{export_rows:t.id}};

-- name: export_sessions :many (user_id bigint, after bigint, size bigint)
WITH t AS (
	SELECT row_number() OVER (ORDER BY created_at, id) AS number,
	       user_agent, network, created_at, used_at, expires_at
	  FROM session
	 WHERE user_id = :user_id
)
{{export_rows:t.number}};

-- name: export_codes :many (user_id bigint, after bigint, size bigint)
WITH t AS (
	SELECT id, purpose, created_at, mailed_at, expires_at, mails, tries
	  FROM code
	 WHERE user_id = :user_id
)
{{export_rows:t.id}};

-- name: export_jobs :many (user_id bigint, after bigint, size bigint)
WITH t AS (
	SELECT id, name, state, created_at, finished_at
	  FROM job
	 WHERE payload ? 'account_id'
	   AND payload ->> 'account_id' = :user_id::bigint::text
)
{{export_rows:t.id}};

-- The file of an import is not in it: it is deleted after the import.
-- name: export_imports :many (user_id bigint, after bigint, size bigint)
WITH t AS (
	SELECT user_id AS id, name, dry_run, replace, state, failure, detail,
	       report, requested_at, finished_at
	  FROM history
	 WHERE user_id = :user_id
)
{{export_rows:t.id}};

-- name: export_ratings :many (user_id bigint, after bigint, size bigint)
WITH t AS (
	SELECT r.id, m.slug AS movie, m.title, {{export_movie}}, r.rating,
	       r.created_at, r.updated_at, r.deleted_at
	  FROM rating AS r
	  JOIN movie AS m ON m.id = r.movie_id
	 WHERE r.user_id = :user_id
)
{{export_rows:t.id}};

-- name: export_reviews :many (user_id bigint, after bigint, size bigint)
WITH t AS (
	SELECT v.id, m.slug AS movie, m.title AS movie_title, {{export_movie}},
	       v.title, v.content, v.is_positive, v.spoiler, v.created_at,
	       v.updated_at, v.deleted_at
	  FROM review AS v
	  JOIN movie AS m ON m.id = v.movie_id
	 WHERE v.user_id = :user_id
)
{{export_rows:t.id}};

-- name: export_comments :many (user_id bigint, after bigint, size bigint)
WITH t AS (
	SELECT id, review_id AS review, reply_comment_id AS reply_to, content,
	       spoiler, created_at, updated_at, deleted_at
	  FROM comment
	 WHERE user_id = :user_id
)
{{export_rows:t.id}};

-- name: export_reactions :many (user_id bigint, after bigint, size bigint)
WITH t AS (
	SELECT id, review_id AS review, comment_id AS comment, emoji, created_at,
	       updated_at, deleted_at
	  FROM reaction
	 WHERE user_id = :user_id
)
{{export_rows:t.id}};

-- name: export_lists :many (user_id bigint, after bigint, size bigint)
WITH t AS (
	SELECT id, name, slug, description, privacity, created_at, updated_at,
	       deleted_at
	  FROM movielist
	 WHERE user_id = :user_id
)
{{export_rows:t.id}};

-- name: export_list_movies :many (user_id bigint, after bigint, size bigint)
WITH t AS (
	SELECT i.position, l.id AS list_id, l.slug AS list, m.slug AS movie,
	       m.title, {{export_movie}}, i.created_at
	  FROM movielist AS l
	  JOIN movielist_movie AS i ON i.movielist_id = l.id
	  JOIN movie AS m ON m.id = i.movie_id
	 WHERE l.user_id = :user_id
)
{{export_rows:t.position}};

-- name: export_unseen :many (user_id bigint, after bigint, size bigint)
WITH t AS (
	SELECT m.id, m.slug AS movie, m.title, {{export_movie}}, u.created_at
	  FROM unseen AS u
	  JOIN movie AS m ON m.id = u.movie_id
	 WHERE u.user_id = :user_id
)
{{export_rows:t.id}};

-- name: export_friends :many (user_id bigint, after bigint, size bigint)
WITH t AS (
	SELECT f.id, a.username, f.created_at
	  FROM friend AS f
	  LEFT JOIN live_account AS a ON a.id = f.friend_id
	 WHERE f.user_id = :user_id
)
{{export_rows:t.id}};

-- name: export_friend_requests :many (user_id bigint, after bigint, size bigint)
WITH t AS (
	SELECT q.id, s.username AS sender, r.username AS receiver, q.status,
	       q.created_at
	  FROM friend_request AS q
	  LEFT JOIN live_account AS s ON s.id = q.from_user_id
	  LEFT JOIN live_account AS r ON r.id = q.to_user_id
	 WHERE :user_id IN (q.from_user_id, q.to_user_id)
)
{{export_rows:t.id}};

-- name: export_following :many (user_id bigint, after bigint, size bigint)
WITH t AS (
	SELECT p.id, p.slug AS person, p.name, f.created_at
	  FROM follow AS f
	  JOIN person AS p ON p.id = f.person_id
	 WHERE f.user_id = :user_id
)
{{export_rows:t.id}};

-- name: export_changes :many (user_id bigint, after bigint, size bigint)
WITH t AS (
	SELECT c.seq, c.kind, c.key, c.part, c.changed_at, c.deleted
	  FROM change_head AS h
	  JOIN change AS c ON c.user_id = h.user_id
	 WHERE h.user_id = :user_id
)
{{export_rows:t.seq}};

-- name: export_providers :many (user_id bigint, after bigint, size bigint)
WITH t AS (
	SELECT id, provider, subject, created_at
	  FROM provider_link
	 WHERE user_id = :user_id
)
{{export_rows:t.id}};

-- name: export_platforms :many (user_id bigint, after bigint, size bigint)
WITH t AS (
	SELECT p.id, p.slug AS platform, p.name, f.created_at
	  FROM account_platform AS f
	  JOIN platform AS p ON p.id = f.platform_id
	 WHERE f.user_id = :user_id
)
{{export_rows:t.id}};

-- name: export_translations :many (user_id bigint, after bigint, size bigint)
WITH t AS (
	SELECT id, language, text, provider, created_at
	  FROM translation
	 WHERE author_id = :user_id
)
{{export_rows:t.id}};

-- What administrators have changed of the user's own, and what the user has
-- changed as one.
-- name: export_audit :many (user_id bigint, after bigint, size bigint)
WITH t AS (
	SELECT id, at, kind, thing_id, label, action, origin,
	       CASE WHEN owner_id = :user_id THEN before::text END AS before,
	       CASE WHEN owner_id = :user_id THEN after::text END AS after
	  FROM audit
	 WHERE owner_id = :user_id
	    OR user_id = :user_id
)
{{export_rows:t.id}};
