-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- What is stored about a user, in one archive that mxm-jobs builds for them. In
-- the database, because the hosts share nothing else that only a user may read.

CREATE TABLE export (
	user_id      bigint PRIMARY KEY REFERENCES account ON DELETE CASCADE,
	requested_at timestamptz NOT NULL DEFAULT now(),
	archive      bytea,
	expires_at   timestamptz,

	CONSTRAINT export_expires
		CHECK ((archive IS NULL) = (expires_at IS NULL))
);
ALTER TABLE export ALTER COLUMN archive SET STORAGE EXTERNAL;
CREATE INDEX export_expires_at ON export (expires_at);
