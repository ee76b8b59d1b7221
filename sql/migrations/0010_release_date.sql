-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- A release date may be unknown. Importers used to store 2000-01-01 for movies
-- without a year. Those stay: nobody can tell them from movies that came out on
-- that day, and an administrator may have corrected others since.

ALTER TABLE movie ALTER COLUMN release_date DROP NOT NULL;

DROP INDEX movie_release_date;
CREATE INDEX movie_release_date ON movie (release_date DESC NULLS LAST, id DESC)
	WHERE deleted_at IS NULL;
