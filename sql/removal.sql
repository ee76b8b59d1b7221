-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The end of an account: its owner removes it, it is inactive for a while, in
-- which logging in restores it (session_start), and then it is deleted.

-- What proves that the caller is the owner: the hash of the password, or a recent
-- log-in if the account has none.
-- name: account_proof :one (viewer bigint, session_id uuid)
SELECT a.password, a.password NOT LIKE '!%' AS has_password,
       coalesce(s.created_at > now() - interval '10 minutes', false) AS is_recent
  FROM account AS a
  LEFT JOIN session AS s ON s.id = :session_id AND s.user_id = a.id
 WHERE a.id = :viewer;

-- Nothing if the password is another one by now.
-- name: account_remove :one (viewer bigint, password_hash text, delay bigint)
WITH removed AS (
	UPDATE account
	   SET active = false,
	       removed_at = now(),
	       epoch = epoch + 1,
	       updated_at = now()
	 WHERE id = :viewer
	   AND password = :password_hash
	   AND active
	RETURNING id, removed_at
), ended AS (
	DELETE FROM session
	 WHERE user_id = (SELECT id FROM removed)
), queued AS (
	INSERT INTO job (name, payload)
	SELECT 'mail_account_removed', jsonb_build_object('account_id', id,
	           'value', (removed_at + :delay::bigint * interval '1 second')
	                    ::date)
	  FROM removed
)
SELECT true AS status,
       {{micros:removed_at + :delay::bigint * interval '1 second'}}
       AS restorable_until
  FROM removed;

-- Deletes an account that was removed so long ago; one, so that the movies of its
-- ratings are locked for a short time. One that is being restored concurrently is
-- not deleted: its row is locked and checked again.
-- name: account_removed_delete :exec (delay bigint)
DELETE FROM account
 WHERE id IN (
	SELECT id
	  FROM account
	 WHERE removed_at < now() - :delay::bigint * interval '1 second'
	 ORDER BY removed_at
	 LIMIT 1
	   FOR UPDATE SKIP LOCKED)
   AND removed_at < now() - :delay::bigint * interval '1 second';
