-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The newest users: the names, of use to no search any more, are left out of the
-- index, and what the count of suggestions reads is added.
DROP INDEX account_find_newest;
CREATE INDEX account_find_newest ON account_find (date_joined DESC, user_id)
	INCLUDE (training);
