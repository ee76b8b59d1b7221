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

-- Where it began: 24 bits of an IPv4 address, 64 of an IPv6 address.
ALTER TABLE session ADD COLUMN network cidr;

-- When the mail address was first confirmed; NULL: never yet. Such an account is
-- deleted after a while; one whose owner has a new address to confirm is not.
ALTER TABLE account ADD COLUMN confirmed_at timestamptz;
UPDATE account
   SET confirmed_at = date_joined
 WHERE verified;
CREATE INDEX account_unconfirmed ON account (date_joined)
	WHERE confirmed_at IS NULL;
CREATE INDEX account_picture ON account (picture)
	WHERE picture <> 'users/default.png';

CREATE FUNCTION account_confirm() RETURNS trigger
	LANGUAGE plpgsql AS $$
BEGIN
	NEW.confirmed_at := now();
	RETURN NEW;
END
$$;

CREATE TRIGGER account_confirm BEFORE INSERT OR UPDATE OF verified ON account
	FOR EACH ROW WHEN (NEW.verified AND NEW.confirmed_at IS NULL)
	EXECUTE FUNCTION account_confirm();

-- How many mails a code's purpose had in a day, that of the sign-up included,
-- and since when: the pause between two grows with them.
ALTER TABLE code ADD COLUMN mails integer NOT NULL DEFAULT 1;
ALTER TABLE code ADD COLUMN mails_since timestamptz NOT NULL DEFAULT now();
