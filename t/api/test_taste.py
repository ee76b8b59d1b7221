# SPDX-License-Identifier: GPL-3.0-or-later
"""taste_match in the profile of a friend: its formula, who sees it, and that the
next answer has every rating."""

import math

import pytest

from people import account, user

WORLD = "catalogue"
FILMS = ("amelie", "the-godfather", "volver", "heat", "the-matrix", "wall-e")


def taste(who, name):
    response = who.get(user(name))
    assert response.status_code == 200, response.text
    return response.json()["taste_match"]


def rate(who, slug, stars):
    path = f"/api/movies/{slug}/ratings/"
    response = who.post(path, {"rating": stars})
    if response.status_code == 400:
        response = who.put(path, {"rating": stars})
    assert response.status_code in (200, 201), response.text


def expected(mine, theirs):
    a, b = [m - 3.5 for m in mine], [t - 3.5 for t in theirs]
    cosine = sum(x * y for x, y in zip(a, b)) / (
        math.sqrt(sum(x * x for x in a) * sum(y * y for y in b)) + 5)
    return {"score": math.floor(50 + 50 * cosine + 0.5), "movies": len(a)}


@pytest.fixture
def two(stack):
    """New friends, one and two, without ratings."""
    numbers = [account(stack, name) for name in ("one", "two")]
    stack.sql("INSERT INTO friendship (user1_id, user2_id) VALUES (%s, %s)",
              numbers)
    yield stack.client("one"), stack.client("two")
    stack.sql("DELETE FROM account WHERE id = ANY (%s)", (numbers,))
    stack.touched()


def rate_all(two, mine, theirs):
    for slug, stars in zip(FILMS, mine):
        rate(two[0], slug, stars)
    for slug, stars in zip(FILMS, theirs):
        rate(two[1], slug, stars)


@pytest.mark.parametrize("mine, theirs", [
    ((5, 5, 5, 5, 5), (5, 5, 5, 5, 5)), ((5, 1, 5, 1, 5), (1, 5, 1, 5, 1)),
    ((5, 1, 4, 2, 3), (4, 2, 4, 1, 3)), ((3, 4, 3, 4, 3), (4, 3, 4, 3, 4)),
    ((1, 1, 1, 1, 1, 1), (1, 1, 1, 1, 1, 1)),
    ((5, 1, 5, 1, 5, 1), (5, 1, 5, 1, 5, 1))])
def test_formula(two, mine, theirs):
    rate_all(two, mine, theirs)
    assert taste(two[0], "two") == expected(mine, theirs)
    assert taste(two[1], "one") == taste(two[0], "two")


def test_equal_tastes_score_above_opposite_ones(two):
    rate_all(two, (5, 1, 5, 1, 5, 1), (5, 1, 5, 1, 5, 1))
    assert taste(two[0], "two")["score"] > 80
    rate_all((two[0], two[1]), (), (1, 5, 1, 5, 1, 5))
    assert taste(two[0], "two")["score"] < 20


def test_the_next_rating_of_either_counts(two):
    rate_all(two, (5, 5, 5, 5), (5, 5, 5, 5, 5))
    assert taste(two[0], "two") is None, "four films"
    rate(two[0], FILMS[4], 5)
    same = taste(two[0], "two")
    assert same["movies"] == 5
    rate(two[1], FILMS[0], 1)
    assert taste(two[0], "two")["score"] < same["score"]
    rate(two[1], FILMS[0], 5)
    assert taste(two[0], "two") == same
    rate(two[0], FILMS[0], 1)
    assert taste(two[0], "two")["score"] < same["score"]


def test_a_deleted_rating_does_not_count(two, stack):
    rate_all(two, (5, 5, 5, 5, 5), (5, 5, 5, 5, 5))
    assert taste(two[0], "two")["movies"] == 5
    stack.sql("UPDATE rating SET deleted_at = now() WHERE movie_id = 1 AND"
              " user_id = (SELECT id FROM account WHERE username = 'two')")
    stack.touched()
    assert taste(two[0], "two") is None


def test_only_friends_see_it(two, stack, fay):
    rate_all(two, (5, 5, 5, 5, 5), (5, 5, 5, 5, 5))
    for slug in FILMS[:5]:
        rate(fay, slug, 5)
    assert taste(two[0], "two") is not None
    assert taste(two[0], "one") is None, "oneself"
    assert taste(fay, "two") is None and taste(two[1], "fay") is None
    assert two[1].delete("/api/users/friends/?username=one",
                         {"username": "one"}).status_code == 200
    assert taste(two[0], "two") is None and taste(two[1], "one") is None


def test_who_takes_no_part_in_training_is_not_compared(two):
    rate_all(two, (5, 5, 5, 5, 5), (5, 5, 5, 5, 5))
    assert taste(two[0], "two") is not None
    assert two[1].put("/api/users/", {"training": False}).status_code == 200
    assert taste(two[0], "two") is None
    assert taste(two[1], "one") is not None, "their own ratings are for them"
    assert two[1].put("/api/users/", {"training": True}).status_code == 200
    assert taste(two[0], "two") is not None


def test_lists_of_users_do_not_have_it(two):
    for path in ("/api/users/friends/", "/api/users/searching/?search_query=two"):
        assert all("taste_match" not in u
                   for u in two[0].get(path).json()["results"])
