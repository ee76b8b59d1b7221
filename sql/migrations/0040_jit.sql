-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Sessions other than those of the programs may have JIT on. It took half a second
-- for each account whose pieces of names were inserted (account_gram).

ALTER FUNCTION account_gram_insert() SET jit = off;
ALTER FUNCTION account_gram_delete() SET jit = off;
