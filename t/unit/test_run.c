/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A statement that finds no row, or violates a foreign key: the 404 of a
 * parameter of the path, the 401 of a missing account, or a bug.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <signal.h>

#include "api/run.h"
#include "auth/account.h"
#include "base/mem.h"
#include "db_world.h"
#include "http/problem.h"
#include "http/route.h"

TestSuite(run, .init = world_open, .fini = world_close);

static const struct field rating[] = {
	{ "rating", FROM_BODY, T_INT, REQUIRED, .min = 1, .max = 5 },
	{ 0 },
};
static const struct route rate = { .method = METHOD_POST,
	.pattern = "/api/movies/{movie}/ratings/",
	.name = "movie_rating_create",
	.input = rating };
static const struct route rate_for = { .method = METHOD_POST,
	.pattern = "/api/users/{username}/ratings/{movie}/",
	.name = "movie_rating_create",
	.input = rating };
static const struct route plain = { .method = METHOD_GET,
	.pattern = "/api/platforms/",
	.name = "platform_list",
	.input = no_input };

/* A request of account 7, which does not exist. */
static struct req *
request_to(const struct route *route)
{
	static struct account account = { .id = 7, .username = "ana" };
	static struct field_value value = { .given = true, .number = 4 };
	struct req *r = request_new(mem);

	r->db = db;
	r->route = route;
	r->lang = LANG_EN;
	r->account = &account;
	r->values = &value;
	r->path_param[0] = route == &rate_for ? "ben" : "m";
	r->path_param[1] = "m";
	return r;
}

/* Runs the rating of movie m, whose foreign key to accounts has this name. */
static enum err
rate_with(struct req *r, const char *constraint)
{
	struct row row;

	sql(mem_printf(mem,
	    "INSERT INTO movie (slug, title) VALUES ('m', 'M');"
	    "ALTER TABLE rating RENAME CONSTRAINT rating_user_id_fkey TO \"%s\"",
	    constraint));
	return run_one(r, SQL_rating_insert, &row);
}

static const char *
body_of(struct req *r, enum err e)
{
	problem_reply(r, e);
	return r->answer.body.data;
}

Test(run, a_missing_account_is_401)
{
	struct req *r = request_to(&rate);
	enum err e = rate_with(r, "review_user_id_fkey");

	cr_assert_eq(e, ERR_UNAUTHORIZED);
	cr_expect(strstr(body_of(r, e), "user_not_found"));
}

/* It was a 401, because the name contains _user_id_. */
Test(run, another_missing_account_is_the_404_of_its_parameter)
{
	struct req *r = request_to(&rate_for);
	enum err e = rate_with(r, "friend_request_to_user_id_fkey");

	cr_assert_eq(e, ERR_NOT_FOUND);
	cr_expect(strstr(body_of(r, e), "\"lookup_value\":\"ben\""));
}

Test(run, a_parameter_that_the_path_lacks_is_a_bug)
{
	cr_expect_eq(rate_with(request_to(&rate), "comment_review_id_fkey"),
	    ERR_INTERNAL);
}

Test(run, an_unknown_foreign_key_is_a_bug)
{
	cr_expect_eq(
	    rate_with(request_to(&rate), "x_user_id_fkey"), ERR_INTERNAL);
}

Test(run, no_row_is_the_404_of_the_last_parameter)
{
	struct req *r = request_to(&rate_for);
	struct row row;
	enum err e = run_one(r, SQL_rating_insert, &row);

	cr_assert_eq(e, ERR_NOT_FOUND);
	cr_expect(strstr(body_of(r, e), "\"model\":\"Movie\""));
}

Test(run, no_row_of_the_viewer_is_401)
{
	struct row row;

	cr_expect_eq(
	    run_one(request_to(&plain), SQL_user_self, &row), ERR_UNAUTHORIZED);
}

/* It was a 401, which ends the session of the user. */
Test(run, no_row_without_the_viewer_is_a_bug)
{
	struct req *r = request_to(&plain);
	struct row row;

	bind_arg(r, "award", arg_text("x"));
	cr_expect_eq(run_one(r, SQL_award_detail, &row), ERR_INTERNAL);
}

/* The list of platforms violates a foreign key of this name. */
static enum err
list_with(struct req *r, const char *constraint)
{
	struct rows rows;

	sql(mem_printf(mem,
	    "CREATE FUNCTION violate() RETURNS bigint LANGUAGE plpgsql AS"
	    " $$ BEGIN RAISE foreign_key_violation USING CONSTRAINT = '%s';"
	    " END $$;"
	    "DROP VIEW live_platform CASCADE;"
	    "CREATE VIEW live_platform AS SELECT violate() AS id, name, slug,"
	    " url, image FROM (VALUES ('', '', '', ''))"
	    " AS p (name, slug, url, image)",
	    constraint));
	return run_all(r, SQL_platform_list, &rows);
}

Test(run, a_list_maps_foreign_keys_too)
{
	cr_expect_eq(list_with(request_to(&plain), "rating_user_id_fkey"),
	    ERR_UNAUTHORIZED);
}

Test(run, a_list_of_a_missing_row_is_404)
{
	cr_expect_eq(list_with(request_to(&rate), "rating_movie_id_fkey"),
	    ERR_NOT_FOUND);
}

Test(run, a_list_of_an_owner_is_refused, .signal = SIGABRT)
{
	static const struct route owner = { .method = METHOD_PUT,
		.pattern = "/api/platforms/",
		.name = "platform_list",
		.guard = OWNER,
		.input = no_input };
	struct rows rows;

	(void)run_all(request_to(&owner), SQL_platform_list, &rows);
}

Test(run, an_empty_list_is_not_an_error)
{
	struct rows rows;

	cr_expect_eq(
	    run_all(request_to(&plain), SQL_platform_list, &rows), ERR_OK);
	cr_expect_eq(rows.count, 0);
}
