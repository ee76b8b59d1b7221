-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- locked: an administrator has locked the account, which its owner may have removed
-- before: then it is deleted at its date as others are, but a log-in does not
-- restore it. An account that is inactive for neither reason counts as locked.
ALTER TABLE account
	ADD COLUMN locked boolean NOT NULL DEFAULT false,
	ADD CONSTRAINT account_locked_inactive CHECK (NOT (locked AND active)),
	-- The names before old_username, of renames less than a day apart: tokens
	-- have one of them. The last nine.
	ADD COLUMN older_usernames text[] NOT NULL DEFAULT '{}';

UPDATE account
   SET locked = true
 WHERE NOT active
   AND removed_at IS NULL;
