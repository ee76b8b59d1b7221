-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Requests wait for jobs: what the job has found for the request, and a
-- notification when a job has finished.

ALTER TABLE job ADD COLUMN result jsonb;

CREATE FUNCTION job_finished() RETURNS trigger
	LANGUAGE plpgsql AS $$
BEGIN
	NOTIFY job_finished;
	RETURN NULL;
END
$$;

CREATE TRIGGER job_finished AFTER UPDATE ON job
	FOR EACH ROW WHEN (NEW.finished_at IS NOT NULL AND OLD.finished_at IS NULL)
	EXECUTE FUNCTION job_finished();
