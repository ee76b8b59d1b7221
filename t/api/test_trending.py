# SPDX-License-Identifier: GPL-3.0-or-later
"""Trending movies: which ones, in which order, and what does not push one."""

import pytest

from people import account
from test_removal import run_job

PATH = "/api/movies/trending/"


@pytest.fixture(scope="module")
def users(stack):
    return [account(stack, f"viewer{i}") for i in range(12)]


@pytest.fixture(autouse=True)
def no_ratings(stack, users):
    stack.sql("DELETE FROM rating")


def rate(stack, film, users, stars=4, days=1):
    for user in users:
        stack.sql("INSERT INTO rating (user_id, movie_id, rating, created_at)"
                  " VALUES (%s, %s, %s, now() - make_interval(days => %s))",
                  [user, film, stars, days])


def computed(stack, who, query=""):
    """The answer after the job."""
    run_job(stack, "trend")
    stack.touched()
    r = who.get(PATH + query)
    assert r.status_code == 200, r.text
    return r.json()


def ids(answer):
    return [movie["id"] for movie in answer["results"]]


def test_nothing_is_an_empty_page(stack, ana):
    assert computed(stack, ana) == {
        "results": [], "total_pages": 1, "count": 0, "count_exact": True,
        "has_next": False, "has_previous": False, "current_page": 1}


def test_more_newer_and_better_ratings_come_first(stack, users, ana):
    rate(stack, 2, users[:3])
    rate(stack, 3, users[:5])
    rate(stack, 4, users[:4], days=27)
    rate(stack, 5, users[:5], stars=3)
    rate(stack, 9, users[:9], days=29)
    got = computed(stack, ana)
    assert ids(got) == [3, 5, 2, 4]
    assert list(got["results"][0]) == list(ana.get("/api/movies/heat/").json())


def test_of_equal_ones_the_higher_id(stack, users, ana):
    for film in (9, 3, 4):
        rate(stack, film, users[:2])
    stack.sql("UPDATE rating SET created_at = '2020-01-01'")
    stack.sql("UPDATE rating SET created_at = now()")
    assert ids(computed(stack, ana)) == [9, 4, 3]


def test_the_mean_is_damped(stack, users, ana):
    """Two times five stars are not better than five times four."""
    rate(stack, 2, users[:2], stars=5)
    rate(stack, 3, users[:5], stars=4)
    assert ids(computed(stack, ana)) == [3, 2]


def test_one_user_pushes_nothing(stack, users, ana):
    """Who rates a thousand movies, or one again and again."""
    rate(stack, 2, users[:2])
    stack.sql("INSERT INTO movie (id, slug, title) SELECT 5000 + i,"
              " 'many-' || i, 'Many' FROM generate_series(1, 1000) AS i")
    stack.sql("INSERT INTO rating (user_id, movie_id, rating)"
              " SELECT %s, id, 5 FROM movie WHERE id > 5000", [users[5]])
    try:
        assert ids(computed(stack, ana)) == [2]
        rate(stack, 3, users[:1], stars=5)
        me = stack.client("viewer5")
        path = "/api/movies/apocalypse-now/ratings/"
        for stars in (5, 1, 5, 4, 5):
            if me.post(path, {"rating": stars}).status_code == 400:
                assert me.put(path, {"rating": stars}).status_code == 200
        assert ids(computed(stack, ana)) == [2]
        # with a second user it is there, but below: their vote is divided
        rate(stack, 5001, users[6:7], stars=5)
        rate(stack, 3, users[7:8], stars=4)
        assert ids(computed(stack, ana)) == [3, 2, 5001]
    finally:
        stack.sql("DELETE FROM movie WHERE id > 5000")


def test_a_change_does_not_renew_a_rating(stack, users, ana):
    rate(stack, 2, users[:3], days=20)
    rate(stack, 3, users[:2], days=2)
    before = ids(computed(stack, ana))
    stack.sql("UPDATE rating SET rating = 5, updated_at = now()"
              " WHERE movie_id = 2")
    assert ids(computed(stack, ana)) == before == [3, 2]


def test_locked_users_and_deleted_ratings_do_not_count(stack, users, ana):
    rate(stack, 2, users[:2])
    rate(stack, 3, users[2:4])
    rate(stack, 4, users[4:6])
    stack.sql("UPDATE account SET active = false WHERE id = %s", [users[2]])
    stack.sql("UPDATE rating SET deleted_at = now() WHERE user_id = %s",
              [users[4]])
    try:
        assert ids(computed(stack, ana)) == [2]
    finally:
        stack.sql("UPDATE account SET active = true WHERE id = %s", [users[2]])


def test_what_the_catalogue_loses_is_gone_at_once(stack, users, ana):
    """Without the job."""
    rate(stack, 2, users[:3])
    rate(stack, 3, users[:2])
    assert ids(computed(stack, ana)) == [2, 3]
    stack.sql("UPDATE movie SET deleted_at = now() WHERE id = 2")
    stack.touched()
    try:
        got = ana.get(PATH).json()
        assert ids(got) == [3] and got["count"] == 1
    finally:
        stack.sql("UPDATE movie SET deleted_at = NULL WHERE id = 2")
        stack.touched()
    assert ids(ana.get(PATH).json()) == [2, 3]


def test_pages(stack, users, ana):
    films = [2, 3, 4, 5, 7]
    for n, film in enumerate(films):
        rate(stack, film, users[:2 + n])
    assert ids(computed(stack, ana, "?limit=2")) == [7, 5]
    second = ana.get(PATH + "?limit=2&page=2").json()
    assert ids(second) == [4, 3] and second["has_next"]
    last = ana.get(PATH + "?limit=2&page=99").json()
    assert ids(last) == [2] and last["current_page"] == 3
    assert ids(ana.get(PATH + "?limit=x&page=-1").json()) == films[::-1]


def test_at_most_two_hundred(stack, users, ana):
    stack.sql("INSERT INTO movie (id, slug, title) SELECT 5000 + i,"
              " 'many-' || i, 'Many' FROM generate_series(1, 250) AS i")
    stack.sql("INSERT INTO rating (user_id, movie_id, rating)"
              " SELECT u, id, 4 FROM movie, unnest(%s) AS u WHERE id > 5000",
              [users[:2]])
    try:
        got = computed(stack, ana, "?limit=100&page=2")
        assert got["count"] == 200 and len(got["results"]) == 100
    finally:
        stack.sql("DELETE FROM movie WHERE id > 5000")


def test_in_the_callers_language(stack, users, carla):
    rate(stack, 2, users[:2])
    assert computed(stack, carla)["results"][0]["title"] == "El padrino"


def test_a_later_run_changes_only_what_is_different(stack, users, ana):
    """Else it would invalidate the answers each time."""
    rate(stack, 2, users[:3])
    rate(stack, 3, users[:2])
    computed(stack, ana)
    marks = "SELECT array_agg(xmin::text ORDER BY place) FROM trend"
    before = stack.value(marks)
    run_job(stack, "trend")
    assert stack.value(marks) == before
