/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Addresses from the public origin.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "http/url.h"
#include "http_world.h"

Test(url, of_media)
{
	struct req *r = world_request("GET", "/");

	cr_assert_str_eq(url_media(r, "users/default.png"),
	    "https://movies.test/media/users/default.png");
	cr_assert_str_eq(url_media(r, "a b/\xc3\xa9?#.png"),
	    "https://movies.test/media/a%20b/%C3%A9%3F%23.png");
}

Test(url, of_things)
{
	struct req *r = world_request("GET", "/");

	cr_assert_str_eq(
	    url_api(r, "users", "ana"), "https://movies.test/api/users/ana/");
	cr_assert_str_eq(url_api(r, "users", "a@b+c/d"),
	    "https://movies.test/api/users/a%40b%2Bc%2Fd/");
}
