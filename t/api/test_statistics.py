# SPDX-License-Identifier: GPL-3.0-or-later
"""How a movie is rated: by all users and by the caller's friends, at once."""

import pytest

import world
from people import account, requests_of, unfriend

PATH = "/api/movies/{}/statistics/"
NOTHING = {"ratings": 0, "mean": None,
           "histogram": {"1": 0, "2": 0, "3": 0, "4": 0, "5": 0},
           "friends_ratings": 0, "friends_mean": None}


@pytest.fixture(scope="module")
def film(stack):
    """A movie without ratings."""
    stack.sql("INSERT INTO movie (id, slug, title) VALUES (800, 'new', 'New')")
    stack.touched()
    return "new"


def statistics(who, slug="new"):
    r = who.get(PATH.format(slug))
    assert r.status_code == 200, r.text
    return r.json()


def of_all(who):
    got = statistics(who)
    return got["mean"], list(got["histogram"].values())


def of_friends(who):
    got = statistics(who)
    return got["friends_ratings"], got["friends_mean"]


def befriend(me, name, other, mine):
    assert me.post(requests_of(name)).status_code == 200
    assert other.post(requests_of(mine)).status_code == 200


def rate(who, stars, slug="new"):
    path = f"/api/movies/{slug}/ratings/"
    r = who.post(path, {"rating": stars})
    if r.status_code == 400:
        r = who.put(path, {"rating": stars})
    assert r.status_code in (200, 201), r.text


def test_a_movie_without_ratings(film, ana):
    assert statistics(ana) == NOTHING
    assert list(statistics(ana)) == list(NOTHING)


def test_they_follow_every_change(stack, film):
    """Of the caller's own ratings, those of strangers and of friends; a friend
    who is none any more, and one who removes the account."""
    names = ("sam", "uma", "vic")
    for name in names:
        account(stack, name)
    sam, uma, vic = map(stack.client, names)
    rate(sam, 5)
    assert of_all(sam) == (5, [0, 0, 0, 0, 1])
    assert of_friends(sam) == (0, None), "the own rating is not a friend's"
    rate(uma, 2)
    rate(vic, 4)
    assert of_all(sam) == (3.67, [0, 1, 0, 1, 1])
    assert of_friends(sam) == (0, None)
    befriend(sam, "uma", uma, "sam")
    befriend(sam, "vic", vic, "sam")
    assert of_friends(sam) == (2, 3)
    assert of_friends(uma) == (1, 5)
    rate(vic, 5)
    assert of_friends(sam) == (2, 3.5)
    assert of_all(uma) == (4, [0, 1, 0, 0, 2])
    assert sam.delete(unfriend("uma")).status_code == 200
    assert of_friends(sam) == (1, 5)
    assert of_friends(uma) == (0, None)
    r = vic.delete("/api/users/", {"password": world.PASSWORD})
    assert r.status_code == 200
    assert of_friends(sam) == (0, None)
    assert of_all(sam) == (4, [0, 1, 0, 0, 2]), "until it is deleted"
    stack.sql("DELETE FROM account WHERE username = 'vic'")
    assert of_all(sam) == (3.5, [0, 1, 0, 0, 1])
    stack.sql("UPDATE rating SET deleted_at = now() WHERE movie_id = 800")
    assert statistics(sam) == NOTHING


def test_a_locked_friend_does_not_count(stack, ana, bob):
    """They are friends in world "catalogue"."""
    rate(bob, 4, "heat")
    count = statistics(ana, "heat")["friends_ratings"]
    stack.sql("UPDATE account SET active = false WHERE username = 'bob'")
    try:
        assert statistics(ana, "heat")["friends_ratings"] == count - 1
    finally:
        stack.sql("UPDATE account SET active = true WHERE username = 'bob'")
    assert statistics(ana, "heat")["friends_ratings"] == count


@pytest.mark.parametrize("slug", ["nowhere", "deleted-film", "a%2Fb"])
def test_unknown_movie(ana, slug):
    r = ana.get(PATH.format(slug))
    assert r.status_code == 404 and r.json()["model"] == "Movie"

