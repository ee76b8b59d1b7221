-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The names below which pages of a user are cached (0012), without UNION ALL: a
-- condition on the id did not reach its second part, so that all accounts were read
-- for each friendship that began or ended, and for each change of a profile. The
-- names before the last one are those below which their user still reaches pages.
CREATE OR REPLACE VIEW account_key AS
SELECT a.id, k.key
  FROM account AS a
 CROSS JOIN LATERAL unnest(ARRAY[a.username, a.old_username]
                           || a.older_usernames) AS k (key)
 WHERE k.key IS NOT NULL;

-- The rules that read the friends of few users: their number is overestimated.
ALTER FUNCTION touch_public_page_of_a_user_update()
	SET enable_hashjoin = off SET enable_mergejoin = off;
ALTER FUNCTION touch_name_of_a_user_update()
	SET enable_hashjoin = off SET enable_mergejoin = off;
ALTER FUNCTION touch_name_of_a_user_delete()
	SET enable_hashjoin = off SET enable_mergejoin = off;
