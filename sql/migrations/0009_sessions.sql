-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Session ids are 128 random bits, made by the program, and no sequence gives
-- them: a database restored from a dump counts its sequences again, and a token
-- from before must not fit a session that began after.
--
-- Tokens of the sessions so far name them by number. All of them end here, and
-- everybody logs in once more.

DELETE FROM session;
DROP INDEX session_user_id;
ALTER TABLE session DROP COLUMN id;
ALTER TABLE session ADD COLUMN id uuid PRIMARY KEY;
CREATE INDEX session_user_id ON session (user_id, created_at, id);

-- How many mails a code's purpose had in a day, that of the sign-up included,
-- and since when: the pause between two grows with them.
ALTER TABLE code ADD COLUMN mails integer NOT NULL DEFAULT 1;
ALTER TABLE code ADD COLUMN mails_since timestamptz NOT NULL DEFAULT now();
