-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Files with the history of a user at another site, which mxm-jobs imports: the
-- last one of each user. The file is stored here because the hosts share nothing
-- else that only a user may read, and until its job has ended, in whatever way.

CREATE TABLE history (
	user_id      bigint PRIMARY KEY REFERENCES account ON DELETE CASCADE,
	requested_at timestamptz NOT NULL DEFAULT now(),
	name         text NOT NULL,
	dry_run      boolean NOT NULL,
	replace      boolean NOT NULL,
	state        text NOT NULL DEFAULT 'queued',
	progress     integer NOT NULL DEFAULT 0,
	file         bytea,
	failure      text,
	detail       text,
	report       jsonb,
	finished_at  timestamptz,

	CONSTRAINT history_name_length CHECK (char_length(name) <= 255),
	CONSTRAINT history_state_known
		CHECK (state IN ('queued', 'running', 'done', 'failed')),
	CONSTRAINT history_progress_range CHECK (progress BETWEEN 0 AND 100),
	CONSTRAINT history_file
		CHECK ((file IS NOT NULL) = (state IN ('queued', 'running'))),
	CONSTRAINT history_finished
		CHECK ((finished_at IS NOT NULL) = (state IN ('done', 'failed'))),
	CONSTRAINT history_report CHECK (report IS NULL OR state = 'done'),
	CONSTRAINT history_failure
		CHECK ((failure IS NOT NULL) = (state = 'failed'))
);
ALTER TABLE history ALTER COLUMN file SET STORAGE EXTERNAL;
CREATE INDEX history_finished_at ON history (finished_at);

-- A job that failed, or was removed before it had ended, leaves no file.
CREATE FUNCTION history_abandon() RETURNS trigger
	LANGUAGE plpgsql AS $$
BEGIN
	UPDATE history
	   SET state = 'failed',
	       file = NULL,
	       failure = 'internal',
	       finished_at = now()
	 WHERE user_id::text = OLD.payload ->> 'account_id'
	   AND state IN ('queued', 'running');
	RETURN NULL;
END
$$;

CREATE TRIGGER history_fail AFTER UPDATE OF state ON job
	FOR EACH ROW WHEN (NEW.name = 'history' AND NEW.state = 'failed')
	EXECUTE FUNCTION history_abandon();
CREATE TRIGGER history_remove AFTER DELETE ON job
	FOR EACH ROW WHEN (OLD.name = 'history' AND OLD.state IN ('queued', 'running'))
	EXECUTE FUNCTION history_abandon();

-- "2021-02-28" or "2021-02-28T20:15:00.000Z", in UTC; NULL: anything else. The
-- 31st of a short month is a day of the next one.
CREATE FUNCTION history_time(t text) RETURNS timestamptz
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT make_timestamptz(p[1]::integer, p[2]::integer, 1,
	                        coalesce(p[4], '0')::integer,
	                        coalesce(p[5], '0')::integer,
	                        coalesce(p[6], '0')::double precision, 'UTC')
	       + (p[3]::integer - 1) * interval '24 hours'
	  FROM regexp_match(t, '^((?:19|20)[0-9]{2})-(0[1-9]|1[0-2])-'
	           || '(0[1-9]|[12][0-9]|3[01])(?:[T ]([01][0-9]|2[0-3]):'
	           || '([0-5][0-9]):([0-5][0-9](?:[.][0-9]{1,6})?))?') AS p
$$;

-- The address of a list, from its name, as the program makes it: ASCII letters,
-- digits, _ and -. '': the name has none.
CREATE FUNCTION history_slug(name text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT btrim(left(regexp_replace(regexp_replace(
	           lower(normalize(name, NFKD)), '[^-a-z0-9_\s]', '', 'g'),
	           '[-\s]+', '-', 'g'), 120), '-_')
$$;
