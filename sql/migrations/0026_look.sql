-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Two user names that look the same are one name to a reader. look is a digest of
-- the skeleton of the name (Unicode TS 39), which the program computes when it
-- writes a name. It is NULL after an import and in rows from before; job
-- set_looks computes these. Of such accounts that look the same the first one has
-- the digest, and each other one a digest of its own.
ALTER TABLE account
	ADD COLUMN look bytea,
	ADD CONSTRAINT account_look_length CHECK (octet_length(look) = 16);
CREATE UNIQUE INDEX account_look_unique ON account (look);
CREATE INDEX account_without_look ON account (id) WHERE look IS NULL;
