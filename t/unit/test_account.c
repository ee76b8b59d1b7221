/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The account as it is kept in the cache: there and back, and nothing that is
 * not ours. Loading from the database is tested through the stack (t/api).
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <libpq-fe.h>

#include "auth/account.h"
#include "base/mem.h"
#include "db/row.h"
#include "http/request.h"

static TALLOC_CTX *mem;
static const struct account ana = {
	.id = INT64_MAX,
	.session_id = "0123456789abcdef0123456789abcdef",
	.epoch = 3,
	.verified = true,
	.boarded = false,
	.active = true,
	.staff = true,
	.lang = LANG_DE,
	.username = "ana.l\xc3\xb3pez",
};

static void
begin(void)
{
	mem_init();
	mem = talloc_new(NULL);
}

static void
end(void)
{
	talloc_free(mem);
}

TestSuite(account, .init = begin, .fini = end);

static void
pack(const struct account *a, struct buf *out)
{
	buf_init(out, mem, 64);
	account_pack(a, out);
}

Test(account, packed_and_unpacked)
{
	struct account *a;
	struct buf b;

	pack(&ana, &b);
	cr_assert(account_unpack(mem, b.data, b.len, &a));
	cr_expect_eq(a->id, ana.id);
	cr_expect_str_eq(a->session_id, "0123456789abcdef0123456789abcdef");
	cr_expect_eq(a->epoch, 3);
	cr_expect(a->verified);
	cr_expect_not(a->boarded);
	cr_expect(a->active);
	cr_expect(a->staff);
	cr_expect_eq(a->lang, LANG_DE);
	cr_expect_str_eq(a->username, ana.username);
}

Test(account, longest_username_fits)
{
	struct account long_name = ana, *a;
	struct buf b;

	for (int i = 0; i < 150; i++)
		memcpy(long_name.username + 4 * i, "\xf0\x90\x90\x80", 4);
	long_name.username[600] = '\0';
	pack(&long_name, &b);
	cr_assert(account_unpack(mem, b.data, b.len, &a));
	cr_expect_str_eq(a->username, long_name.username);
}

/* Unaligned as it may lie in what the cache gives. */
Test(account, alignment_does_not_matter)
{
	struct account *a;
	struct buf b;
	char *copy;

	pack(&ana, &b);
	copy = talloc_size(mem, b.len + 1);
	memcpy(copy + 1, b.data, b.len);
	cr_assert(account_unpack(mem, copy + 1, b.len, &a));
	cr_expect_str_eq(a->username, ana.username);
}

Test(account, foreign_bytes_are_refused)
{
	struct account *a;
	char junk[2000] = { 0 };
	struct buf b;

	pack(&ana, &b);
	for (size_t n = 0; n <= b.len - strlen(ana.username); n++)
		cr_expect_not(account_unpack(mem, b.data, n, &a), "%zu", n);
	cr_expect_not(account_unpack(mem, junk, sizeof junk, &a));
	cr_expect_not(account_unpack(mem, junk, 100, &a));
	memset(junk, 0xff, sizeof junk);
	cr_expect_not(account_unpack(mem, junk, 100, &a));
	cr_expect_not(account_unpack(mem, "", 0, &a));
}

Test(account, another_releases_form_is_refused)
{
	struct account *a;
	struct buf b;

	pack(&ana, &b);
	b.data[2 * sizeof(int64_t)]++;
	cr_expect_not(account_unpack(mem, b.data, b.len, &a));
}

/* A row with the column `outcome`. */
static struct row
row_with(char *word)
{
	PGresult *res = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	PGresAttDesc column = { .name = (char *)"outcome", .typlen = -1 };

	cr_assert(PQsetResultAttrs(res, 1, &column));
	cr_assert(PQsetvalue(res, 0, 0, word, (int)strlen(word)));
	return (struct row){ res, 0 };
}

Test(account, an_unknown_outcome_is_a_bug)
{
	struct req r = { .mem = mem };
	struct row ok = row_with((char *)"ok");
	struct row odd = row_with((char *)"absent");

	cr_expect_eq(account_check(&r, ERR_OK, &ok, MSG_NONE, NULL), ERR_OK);
	cr_expect_eq(
	    account_check(&r, ERR_OK, &odd, MSG_NONE, NULL), ERR_INTERNAL);
	PQclear(ok.res);
	PQclear(odd.res);
}
