-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The end of an account. One that is not active (locked by an administrator, or
-- removed by its owner) is hidden from all other users, with everything its owner
-- has written; the rule "name of a user" (0012) makes stale what showed it. A
-- removed account is deleted after a while, until then logging in restores it.

ALTER TABLE account
	ADD COLUMN removed_at timestamptz,
	ADD CONSTRAINT account_removed_inactive
		CHECK (removed_at IS NULL OR NOT active);
CREATE INDEX account_removed ON account (removed_at)
	WHERE removed_at IS NOT NULL;
-- Few rows: what the views below exclude.
CREATE INDEX account_inactive ON account (id) WHERE NOT active;

-- What other users may know of an account.
CREATE VIEW live_account AS
SELECT id, username, old_username, renamed_at, first_name, last_name, bio,
       picture, preferred_language, verified, date_joined, search_fold
  FROM account
 WHERE active;

-- A live row has an author.
DO $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['review', 'comment', 'reaction', 'movielist']
	LOOP
		EXECUTE format('CREATE OR REPLACE VIEW live_%1$s AS
		    SELECT *
		      FROM %1$s AS t
		     WHERE deleted_at IS NULL
		       AND NOT EXISTS (SELECT
		                         FROM account AS a
		                        WHERE a.id = t.user_id
		                          AND NOT a.active)', name);
	END LOOP;
END
$$;

-- An account takes its jobs along, whoever deletes it.
CREATE INDEX job_account ON job ((payload ->> 'account_id'))
	WHERE payload ? 'account_id';

CREATE FUNCTION account_leave_jobs() RETURNS trigger
	LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM job
	 WHERE payload ? 'account_id'
	   AND payload ->> 'account_id' = OLD.id::text;
	RETURN NULL;
END
$$;

CREATE TRIGGER account_leave_jobs AFTER DELETE ON account
	FOR EACH ROW EXECUTE FUNCTION account_leave_jobs();
