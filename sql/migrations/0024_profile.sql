-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- A new password raises the epoch of the account, which ends all its sessions; the
-- session that has set it continues with the tokens it has, whose epoch is that of
-- its log-in. kept_epoch is then the epoch of the account for which it is valid.
ALTER TABLE session ADD COLUMN kept_epoch integer;

-- The maximum that sign-up and profile check.
ALTER TABLE account ADD CONSTRAINT account_bio_length
	CHECK (char_length(bio) <= 10000) NOT VALID;
ALTER TABLE account VALIDATE CONSTRAINT account_bio_length;
