-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Which job imports the file in a row of history: that of an older file, which the
-- user has replaced, neither takes nor ends a newer one.

ALTER TABLE history ADD COLUMN job_id bigint;
CREATE UNIQUE INDEX history_job_id ON history (job_id);
UPDATE history AS h
   SET job_id = (SELECT max(j.id)
                   FROM job AS j
                  WHERE j.name = 'history'
                    AND j.payload ->> 'account_id' = h.user_id::text)
 WHERE state IN ('queued', 'running');

CREATE OR REPLACE FUNCTION history_abandon() RETURNS trigger
	LANGUAGE plpgsql AS $$
BEGIN
	UPDATE history
	   SET state = 'failed',
	       file = NULL,
	       failure = 'internal',
	       finished_at = now()
	 WHERE job_id = OLD.id
	   AND state IN ('queued', 'running');
	RETURN NULL;
END
$$;
