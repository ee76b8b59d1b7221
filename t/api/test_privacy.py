# SPDX-License-Identifier: GPL-3.0-or-later
"""What each viewer sees of a user, for every route: the table MATRIX. A route of
the route table that is neither in it nor in NOBODY fails the test."""

import json
import re

import pytest

from people import account, requests_of, unfriend

WORLD = "catalogue"

# The user is mia; she has written a review, a comment, a reply and reactions, has
# rated volver with 5 stars, and has a list of each privacy: open, circle (friends)
# and closed. bob is a friend of hers.
#
# friend, stranger    of mia
# asked               has sent mia a friend request
# former              was a friend, until one of the two ended it
# locked              was logged in when the account was locked
#
# mia    200, and the answer names her
# -      200, and it does not
# 404    missing for the viewer
# others the status
MATRIX = """
path                                               anonymous unverified self friend stranger asked former locked
/api/movies-lists/                                       401        403  mia      -        -     -      -    401
/api/movies-lists/mia/                                   401        403  mia    mia      mia   mia    mia    401
/api/movies-lists/mia/circle/                            401        403  mia    mia      404   404    404    401
/api/movies-lists/mia/circle/movies/searching/           401        403    -      -      404   404    404    401
/api/movies-lists/mia/closed/                            401        403  mia    404      404   404    404    401
/api/movies-lists/mia/closed/movies/searching/           401        403    -    404      404   404    404    401
/api/movies-lists/mia/open/                              401        403  mia    mia      mia   mia    mia    401
/api/movies-lists/mia/open/movies/searching/             401        403    -      -        -     -      -    401
/api/movies-lists/nobody/open/                           401        403  404    404      404   404    404    401
/api/movies-lists/searching/?query=Circle                401        403  mia    mia        -     -      -    401
/api/movies-lists/searching/?query=Closed                401        403  mia      -        -     -      -    401
/api/movies-lists/searching/?query=Open                  401        403  mia    mia      mia   mia    mia    401
/api/movies/                                             401        403    -    mia        -     -      -    401
/api/movies/volver/friends-ratings/                      401        403    -    mia        -     -      -    401
/api/movies/volver/movie-lists/                          401        403    -      -        -     -      -    401
/api/movies/volver/ratings/                              401        403  mia    404      404   404    404    401
/api/movies/volver/reviews/                              401        403  mia    mia      mia   mia    mia    401
/api/reviews/R/                                          401        403  mia    mia      mia   mia    mia    401
/api/reviews/R/comments/                                 401        403  mia    mia      mia   mia    mia    401
/api/reviews/R/comments/C/                               401        403  mia    mia      mia   mia    mia    401
/api/reviews/R/comments/C/reactions/                     401        403    -      -        -     -      -    401
/api/reviews/R/comments/C/replies/                       401        403  mia    mia      mia   mia    mia    401
/api/reviews/R/comments/C/translations/                  401        403    -      -        -     -      -    401
/api/reviews/R/reactions/                                401        403    -      -        -     -      -    401
/api/reviews/R/translations/                             401        403    -      -        -     -      -    401
/api/users/                                              401          -  mia      -        -     -      -    401
/api/users/bob/friends/                                  401        403  mia    mia      mia   mia    mia    401
/api/users/bob/friends/searching/?search_query=mia       401        403  mia    mia      mia   mia    mia    401
/api/users/friend-requests/                              401        403  mia      -        -     -      -    401
/api/users/friends/                                      401        403    -    mia        -     -      -    401
/api/users/mia/                                          401        403  mia    mia      mia   mia    mia    401
/api/users/mia/friends/                                  401        403    -      -        -     -      -    401
/api/users/mia/friends/searching/                        401        403    -      -        -     -      -    401
/api/users/mia/reviews/                                  401        403  mia    mia      mia   mia    mia    401
/api/users/mia/translations/                             401        403    -      -        -     -      -    401
/api/users/searching/?is_friend=true                     401        403    -    mia        -     -      -    401
/api/users/searching/?search_query=Secretname            401        403  mia    mia      mia   mia    mia    401
/api/users/searching/?search_query=mia                   401        403  mia    mia      mia   mia    mia    401
/api/users/suggested-users/?limit=100                    401        403    -      -      mia     -    mia    401
"""

# Routes that show nothing of other users: the catalogue, and what is the caller's.
NOBODY = """
/api/actors/ /api/awards/ /api/awards/{award}/ /api/directors/ /api/genres/
/api/movies/searching/ /api/movies/{movie}/ /api/persons/actors/
/api/persons/actors/searching/ /api/persons/directors/
/api/persons/directors/searching/ /api/persons/searching/ /api/persons/{person}/
/api/persons/{person}/acted-movies/ /api/persons/{person}/directed-movies/
/api/platforms/ /api/auth/sessions/ /api/users/export/ /api/users/following/
/api/users/platforms/
/api/users/preferred-language/
""".split()

COLUMNS, *ROWS = [line.split() for line in MATRIX.strip().splitlines()]
VIEWERS = COLUMNS[1:]
NAMED = re.compile(r"\bmia\b")
# What nobody but mia may read of her account.
SECRET = re.compile(r"Secretname|Hiddenlast|mia@|argon2")


@pytest.fixture(scope="module")
def world(stack):
    """The viewers by name, and the numbers of mia's review and comment."""
    mia = account(stack, "mia", first_name="Secretname", last_name="Hiddenlast",
                  email="mia@example.org")
    viewers = {}
    for name in ("friend", "stranger", "asked", "former", "locked"):
        account(stack, f"the-{name}")
        viewers[name] = stack.client(f"the-{name}")
    viewers.update(self=stack.client("mia"), anonymous=stack.client(),
                   unverified=stack.client("nina"))
    me = viewers["self"]
    bob = stack.client("bob")
    for name in ("friend", "former"):
        viewers[name].post(requests_of("mia"))
        me.post(requests_of(f"the-{name}"))
    bob.post(requests_of("mia"))
    me.post(requests_of("bob"))
    me.delete(unfriend("the-former"))
    viewers["asked"].post(requests_of("mia"))
    stack.sql("UPDATE account SET active = false"
              " WHERE username = 'the-locked'")
    stack.sql("INSERT INTO movielist (user_id, name, slug, privacity) VALUES"
              " (%s, 'Open', 'open', 'P'), (%s, 'Circle', 'circle', 'F'),"
              " (%s, 'Closed', 'closed', 'R')", [mia] * 3)
    me.post("/api/movies/volver/ratings/", {"rating": 5})
    review = me.post("/api/movies/volver/reviews/", {
        "title": "t", "content": "c", "is_positive": True}).json()["id"]
    path = f"/api/reviews/{review}/comments/"
    comment = me.post(path, {"content": "c"}).json()["id"]
    me.post(f"{path}{comment}/replies/", {"content": "r"})
    for place in (f"/api/reviews/{review}/", f"{path}{comment}/"):
        me.post(f"{place}reactions/", {"emoji_code": "LIKE"})
    stack.touched()
    return viewers, review, comment


def seen(response):
    """The word of the matrix."""
    if response.status_code != 200:
        return str(response.status_code)
    return "mia" if NAMED.search(response.text) else "-"


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_who_sees_what(world, row):
    viewers, review, comment = world
    path = row[0].replace("/R/", f"/{review}/").replace("/C/", f"/{comment}/")
    expected = dict(zip(VIEWERS, row[1:], strict=True))
    for _ in range(2):  # from the cache, too
        answers = {name: viewers[name].get(path) for name in VIEWERS}
        assert {name: seen(r) for name, r in answers.items()} == expected
        for name, r in answers.items():
            if name != "self" or path != "/api/users/":
                assert not SECRET.search(r.text), (name, r.text)


def test_which_lists_are_shown(world):
    viewers, *_ = world
    every, friends = ["closed", "circle", "open"], ["circle", "open"]
    shown = {"self": every, "friend": friends, "stranger": ["open"],
             "asked": ["open"], "former": ["open"]}
    for name, slugs in shown.items():
        found = viewers[name].get("/api/movies-lists/mia/").json()
        assert {x["slug"] for x in found["results"]} == set(slugs), name
        assert found["count"] == len(slugs)


def route_table(stack):
    return json.loads(stack.ctl("routes --json").stdout)


def pattern(path):
    return re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)))


def test_every_route_is_in_the_matrix(stack):
    """By the literal path, or else by the pattern."""
    reads = [row["path"] for row in route_table(stack)
             if row["method"] == "GET" and row["guard"] != "PUBLIC"]
    literal = {path for path in reads if "{" not in path}
    paths = {row[0].split("?")[0] for row in ROWS}
    shown = {path for path in reads if path in paths or any(
        pattern(path).fullmatch(p) for p in paths - literal)}
    assert shown | set(NOBODY) == set(reads), \
        "a route is in neither: add a row to MATRIX, or the path to NOBODY"
    assert not shown & set(NOBODY)


def test_no_route_is_open_to_who_may_not_call_it(stack, world):
    """Reading and writing: whatever its parameters name, also what is
    missing, 401 and 403 come first."""
    viewers, review, comment = world
    values = {"username": ("mia", "nobody"), "list": ("closed", "none"),
              "movie": ("volver", "none"), "person": ("al-pacino", "none"),
              "award": ("oscar-best-picture-1973", "none"),
              "review": (review, 0, "x"), "comment": (comment, 0, "x")}
    for row in route_table(stack):
        if row["guard"] == "PUBLIC":
            continue
        for turn in range(3):
            def value(found):
                choice = values.get(found[1], (1, 0, "x"))
                return str(choice[turn % len(choice)])
            path = re.sub(r"\{(\w+)\}", value, row["path"])
            for name in ("anonymous", "locked", "unverified"):
                if name == "unverified" and row["guard"] == "LOGGED_IN":
                    continue
                r = viewers[name].request(row["method"], path)
                assert r.status_code == (403 if name == "unverified"
                                         else 401), (name, row, r.text)
                assert not NAMED.search(r.text.replace("/mia/", ""))
