-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Movie lists: the maximum length of a description.

ALTER TABLE movielist ADD CONSTRAINT movielist_description_length
	CHECK (char_length(description) <= 10000);
