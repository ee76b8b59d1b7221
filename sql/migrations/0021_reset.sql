-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Requests for a new password, by mail address: attempts and the interval between
-- mails are counted whether an account has the address or not, so that neither an
-- answer nor its time differs. address is a keyed digest of the address in lower
-- case. The code itself is a row of table code, which only an account has.
CREATE TABLE password_request (
	address     bytea PRIMARY KEY,
	tries       integer NOT NULL DEFAULT 0,
	mails       integer NOT NULL DEFAULT 1,
	mailed_at   timestamptz NOT NULL DEFAULT now(),
	mails_since timestamptz NOT NULL DEFAULT now(),

	CONSTRAINT password_request_tries_range CHECK (tries BETWEEN 0 AND 5)
);
CREATE INDEX password_request_mailed_at ON password_request (mailed_at);
