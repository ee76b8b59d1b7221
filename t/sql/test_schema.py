# SPDX-License-Identifier: GPL-3.0-or-later
"""What the schema itself promises: rules, sums, addresses, searches."""

import concurrent.futures
import re

import psycopg2
import pytest

import stack as stack_module


@pytest.fixture(scope="module")
def database(cluster, database):
    cluster.sql("""
        INSERT INTO account (id, username, email)
        SELECT i, 'u' || i, 'u' || i || '@example.org'
          FROM generate_series(1, 50) AS i;
        INSERT INTO movie (id, slug, title, release_date) VALUES
               (1, 'amelie', 'Amélie', '2001-04-25'),
               (2, 'heat', 'Heat', '1995-12-15'),
               (3, 'percent', '100% Wolf_Pack', '2020-01-01');
        INSERT INTO movie_translation (movie_id, language, title)
        VALUES (1, 'de', 'Die fabelhafte Welt der Amélie');
        INSERT INTO review (id, user_id, movie_id, title, content, is_positive)
        VALUES (1, 1, 1, 'x', 'y', true);
        SELECT setval(pg_get_serial_sequence(name, 'id'), 100)
          FROM unnest(ARRAY['account', 'movie', 'review', 'comment']) AS name;
        """, None, database, stack_module.OWNER)
    return database


@pytest.fixture
def sql(cluster, database):
    return lambda text, params=None: cluster.sql(text, params, database)


REFUSED = [
    ("rating_range", "INSERT INTO rating (user_id, movie_id, rating)"
     " VALUES (1, 1, 0)"),
    ("rating_range", "INSERT INTO rating (user_id, movie_id, rating)"
     " VALUES (1, 1, 6)"),
    ("account_username_unique", "INSERT INTO account (username, email)"
     " VALUES ('u1', 'other@example.org')"),
    ("account_email_unique", "INSERT INTO account (username, email)"
     " VALUES ('other', 'U1@EXAMPLE.org')"),
    ("account_username_characters", "INSERT INTO account (username, email)"
     " VALUES ('a/b', 'ab@example.org')"),
    ("account_language_known", "UPDATE account SET preferred_language = 'xx'"),
    ("friendship_pair_ordered", "INSERT INTO friendship (user1_id, user2_id)"
     " VALUES (2, 1)"),
    ("friend_request_not_oneself", "INSERT INTO friend_request"
     " (from_user_id, to_user_id) VALUES (1, 1)"),
    ("movie_slug_unique", "INSERT INTO movie (slug, title, release_date)"
     " VALUES ('heat', 'x', '2000-01-01')"),
    ("movie_slug_not_a_route", "INSERT INTO movie (slug, title, release_date)"
     " VALUES ('searching', 'x', '2000-01-01')"),
    ("movie_slug_not_a_route", "UPDATE movie SET slug = 'trending'"
     " WHERE id = 1"),
    ("movie_slug_not_a_route", "UPDATE movie SET slug = 'together'"
     " WHERE id = 1"),
    ("movie_stars_add_up", "UPDATE movie SET stars_2 = 1 WHERE id = 1"),
    ("movie_stars_range", "UPDATE movie SET stars_1 = 2, stars_2 = -2,"
     " stars_5 = 1, rating_count = 1, rating_sum = 3 WHERE id = 1"),
    ("review_user_movie_unique", "INSERT INTO review (user_id, movie_id,"
     " title, content, is_positive) VALUES (1, 1, 'x', 'y', true)"),
    ("review_title_not_blank", "INSERT INTO review (user_id, movie_id,"
     " title, content, is_positive) VALUES (2, 1, ' ', 'y', true)"),
    ("reaction_one_target", "INSERT INTO reaction (user_id, emoji)"
     " VALUES (1, 'LIKE')"),
    ("reaction_emoji_known", "INSERT INTO reaction (user_id, review_id, emoji)"
     " VALUES (1, 1, 'NOPE')"),
    ("movielist_privacity_known", "INSERT INTO movielist (user_id, name, slug,"
     " privacity) VALUES (1, 'x', 'x', 'Z')"),
    ("code_tries_range", "INSERT INTO code (user_id, purpose, tries,"
     " expires_at) VALUES (1, 'reset', 6, now())"),
    ("password_request_tries_range", "INSERT INTO password_request (address,"
     " tries) VALUES ('x', 6)"),
    ("account_bio_length", "UPDATE account SET bio = repeat('x', 10001)"),
    ("account_look_length", "UPDATE account SET look = 'x' WHERE id = 1"),
    ("account_look_unique", "UPDATE account SET look = repeat('x', 16)::bytea"),
]


@pytest.mark.parametrize("rule, text", REFUSED,
                         ids=[f"{i}-{r[0]}" for i, r in enumerate(REFUSED)])
def test_a_rule_is_a_constraint_with_a_name(sql, rule, text):
    with pytest.raises(psycopg2.IntegrityError) as refused:
        sql(text)
    assert refused.value.diag.constraint_name == rule


def test_what_follows_movies_in_a_path_is_the_slug_of_none(sql):
    """Contract, decision 13."""
    table = (stack_module.ROOT / "src/routes.def").read_text()
    literals = set(re.findall(r'"/movies/([^/{"]+)/', table))
    assert "searching" in literals
    for slug in literals:
        with pytest.raises(psycopg2.IntegrityError) as refused:
            sql(f"UPDATE movie SET slug = '{slug}' WHERE id = 1")
        assert refused.value.diag.constraint_name == "movie_slug_not_a_route"


def test_two_requests_of_one_pair_are_one(sql):
    """Faults 19 and 49: a pair is stored once, in one direction."""
    sql("INSERT INTO friend_request (from_user_id, to_user_id) VALUES (3, 4)")
    with pytest.raises(psycopg2.IntegrityError):
        sql("INSERT INTO friend_request (from_user_id, to_user_id)"
            " VALUES (4, 3)")


def sums(sql, movie):
    """Sum and number; the number of each value, which add up to them, is that of
    the ratings."""
    *kept, stars = sql(
        "SELECT rating_sum, rating_count,"
        "       ARRAY[stars_1, stars_2, stars_3, stars_4, stars_5]"
        "  FROM movie WHERE id = %s", (movie,))[0]
    assert stars == [count for count, in sql(
        "SELECT count(r.id) FROM generate_series(1, 5) AS star"
        "  LEFT JOIN live_rating AS r"
        "    ON r.rating = star AND r.movie_id = %s"
        " GROUP BY star ORDER BY star", (movie,))]
    return tuple(kept)


def test_sums_follow_whatever_happens(sql):
    sql("INSERT INTO rating (user_id, movie_id, rating)"
        " SELECT i, 2, 4 FROM generate_series(1, 10) AS i")
    assert sums(sql, 2) == (40, 10)
    sql("UPDATE rating SET rating = 1 WHERE movie_id = 2 AND user_id <= 5")
    assert sums(sql, 2) == (25, 10)
    sql("UPDATE rating SET deleted_at = now()"
        " WHERE movie_id = 2 AND user_id = 1")
    assert sums(sql, 2) == (24, 9)
    sql("UPDATE rating SET deleted_at = NULL"
        " WHERE movie_id = 2 AND user_id = 1")
    assert sums(sql, 2) == (25, 10)
    sql("UPDATE rating SET movie_id = 1 WHERE movie_id = 2 AND user_id = 10")
    assert sums(sql, 2) == (21, 9) and sums(sql, 1) == (4, 1)
    sql("DELETE FROM account WHERE id = 9")
    assert sums(sql, 2) == (17, 8)
    sql("DELETE FROM rating WHERE movie_id = 2")
    assert sums(sql, 2) == (0, 0)


def test_sums_are_exact_under_twenty_writers(cluster, database, sql):
    def write(user):
        with_own = cluster.connect(database)
        try:
            with with_own.cursor() as c:
                for value in (1, 5, 3):
                    c.execute("INSERT INTO rating (user_id, movie_id, rating)"
                              " VALUES (%s, 3, %s) ON CONFLICT (user_id,"
                              " movie_id) WHERE deleted_at IS NULL"
                              " DO UPDATE SET rating = excluded.rating",
                              (user, value))
        finally:
            with_own.close()

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        list(pool.map(write, range(11, 31)))
    assert sums(sql, 3) == (60, 20)


@pytest.mark.parametrize("text, encoded", [
    ("heat", "heat"), ("a.b_c~d-e", "a.b_c~d-e"), ("a/b", "a%2Fb"),
    ("Amélie", "Am%C3%A9lie"), ("a b+c@d", "a%20b%2Bc%40d"), ("%", "%25"),
    ("🍿", "%F0%9F%8D%BF"), ("", "")])
def test_url_segment(sql, text, encoded):
    assert sql("SELECT url_segment(%s)", (text,))[0][0] == encoded


ORIGIN = "https://films.example.org"


@pytest.fixture
def address(cluster, database):
    """An expression, as a session gets it whose origin is the one above."""
    connection = cluster.connect(database)

    def of(expression, *values, origin=ORIGIN):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('mxm.origin', %s, false)",
                           (origin,))
            cursor.execute(f"SELECT {expression}", values)
            return cursor.fetchone()[0]

    yield of
    connection.close()


@pytest.mark.parametrize("path, encoded", [
    ("users/default.png", "users/default.png"), ("a", "a"),
    ("a b/é?#.png", "a%20b/%C3%A9%3F%23.png"), ("../a//b/", "../a//b/"),
    ("a%2Fb", "a%252Fb"), ("aZ0-._~", "aZ0-._~"), ("a\nb", "a%0Ab"), ("", ""),
    ("🍿.png", "%F0%9F%8D%BF.png")])
def test_media_url(address, path, encoded):
    assert address("media_url(%s)", path) == f"{ORIGIN}/media/{encoded}"


def test_no_path_has_no_address(address):
    assert address("media_url(%s)", None) is None


@pytest.mark.parametrize("parts, encoded", [
    (["ana"], "ana/"), (["users", "ana"], "users/ana/"),
    (["users", "a@b+c/d"], "users/a%40b%2Bc%2Fd/"),
    (["users", "é&?#%"], "users/%C3%A9%26%3F%23%25/"),
    (["persons", ".."], "persons/../"), (["persons", ""], "persons//"),
    (["users", "a", "lists", "b-c_d.e~f"], "users/a/lists/b-c_d.e~f/"),
    (["users", "é", "lists", "a/b"], "users/%C3%A9/lists/a%2Fb/"),
    (["a", "b\nc", "d"], "a/b%0Ac/d/"), (["a", "\r", "d"], "a/%0D/d/"),
    (["a", "", "c"], "a//c/"), ([""], "/"), ([], ""),
    (["🍿", "🍿", "🍿"], 3 * "%F0%9F%8D%BF/")])
def test_api_url(address, parts, encoded):
    assert address("api_url(VARIADIC %s::text[])", parts) == (
        f"{ORIGIN}/api/{encoded}")
    if parts:
        marks = ", ".join(["%s"] * len(parts))
        assert address(f"api_url({marks})", *parts) == f"{ORIGIN}/api/{encoded}"


@pytest.mark.parametrize("parts", [
    [None], [None, "a"], ["a", None], ["a", None, "b"], ["é", "a", None]])
def test_a_part_that_is_null_has_no_address(address, parts):
    marks = ", ".join(["%s"] * len(parts))
    assert address(f"api_url({marks})", *parts) is None
    assert address("api_url(VARIADIC %s::text[])", parts) is None


def test_addresses_of_a_session_without_origin(sql, address):
    assert sql("SELECT media_url('a'), api_url('a', 'b'),"
               " api_url('a', 'b', 'c')") == [(None, None, None)]
    assert address("api_url('a', 'b')", origin="") == "/api/a/b/"


@pytest.mark.parametrize("call", [
    "media_url(p.image)", "api_url('persons', p.slug)",
    "api_url('users', p.slug, 'lists', p.slug)"])
def test_addresses_are_inlined(sql, call):
    """A function called for every row of a list costs as much as its query."""
    [(plan,)] = sql("EXPLAIN (VERBOSE, FORMAT json)"
                    f" SELECT {call} FROM person AS p")
    [output] = plan[0]["Plan"]["Output"]
    assert "current_setting" in output and "api_url" not in output


def found_by(sql, name, language):
    return [r[0] for r in sql(
        "SELECT movie_id FROM movie_search(%s, %s, 1, NULL, NULL, NULL, NULL,"
        " NULL, NULL, false, false, 1, 10)", (language, name))]


@pytest.mark.parametrize("query, language, found", [
    ("amelie", "en", {1}), ("AMÉL", "en", {1}), ("welt", "de", {1}),
    ("welt", "en", set()), ("0% w", "en", {3}), ("f_p", "en", {3}),
    ("%", "en", set()), ("\\", "en", set()), ("eat", "en", {2}),
    ("0%", "en", {3}), ("% ", "en", {3}), ("a", "en", {1}),
    ("A\u0301", "en", {1}), ("e", "en", set()), ("d", "de", {1}),
    ("am", "fr", {1})])
def test_search_by_part(sql, query, language, found):
    assert found_by(sql, query, language) == sorted(found)


def test_search_in_spite_of_errors(sql):
    assert found_by(sql, "ameile", "en")[0] == 1
    assert found_by(sql, "qqqq", "en") == []


def test_an_account_leaves_what_others_wrote(sql):
    sql("INSERT INTO review (id, user_id, movie_id, title, content,"
        " is_positive) VALUES (50, 40, 1, 'mine', 'words', true);"
        "INSERT INTO comment (id, user_id, review_id, content)"
        " VALUES (50, 41, 50, 'of another')")
    sql("DELETE FROM account WHERE id = 40")
    assert sql("SELECT user_id, content, deleted_at IS NOT NULL FROM review"
               " WHERE id = 50") == [(None, "", True)]
    assert sql("SELECT content FROM comment WHERE id = 50") == [("of another",)]


def test_an_account_takes_its_jobs_along(sql):
    sql("INSERT INTO job (name, payload) VALUES ('x', '{\"account_id\": 41}'),"
        " ('x', '{\"account_id\": 42}'), ('x', '{}')")
    sql("DELETE FROM account WHERE id = 41")
    assert sql("SELECT payload::text FROM job ORDER BY id") == [
        ('{"account_id": 42}',), ("{}",)]


def test_only_an_inactive_account_can_be_removed(sql):
    with pytest.raises(psycopg2.IntegrityError) as refused:
        sql("UPDATE account SET removed_at = now() WHERE id = 43")
    assert refused.value.diag.constraint_name == "account_removed_inactive"
    sql("UPDATE account SET removed_at = now(), active = false WHERE id = 43")
    assert sql("SELECT count(*) FROM live_account WHERE id IN (43, 44)") == [
        (1,)]
