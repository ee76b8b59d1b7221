# SPDX-License-Identifier: GPL-3.0-or-later
"""Who sees and who changes what belongs to a user, for every route: MATRIX is what
each viewer sees, CHANGES is what each can change. A route of the route table that
is in no table fails the test. What is hidden from everybody: t/api/test_gone.py."""

import re

import pytest

from every_row import Table
from people import unfriend
from viewers import as_before, rows_of_mia, viewers

WORLD = "catalogue"

# The columns are the viewers of t/lib/viewers.py, named after what they are to mia.
# One of the staff sees and changes what a stranger does.
#
# The paths name what mia has: review R, comment C, reactions X to R and Y to C,
# session S, and a list of each privacy: open, circle (friends) and closed.
#
# mia    200, and the answer names mia
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
/api/movies/heat/reviews/                                401        403  mia    mia      mia   mia    mia    401
/api/movies/together/?with=mia                           401        403  404    mia      404   404    404    401
/api/movies/volver/friends-ratings/                      401        403    -    mia        -     -      -    401
/api/movies/volver/movie-lists/                          401        403    -      -        -     -      -    401
/api/movies/volver/ratings/                              401        403  mia    404      404   404    404    401
/api/movies/volver/statistics/                           401        403    -      -        -     -      -    401
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
/api/movies/searching/ /api/movies/trending/ /api/movies/{movie}/
/api/movies/{movie}/prediction/ /api/movies/{movie}/similar/
/api/persons/actors/
/api/persons/actors/searching/ /api/persons/directors/
/api/persons/directors/searching/ /api/persons/searching/ /api/persons/{person}/
/api/persons/{person}/acted-movies/ /api/persons/{person}/directed-movies/
/api/platforms/ /api/auth/sessions/ /api/users/changes/ /api/users/export/
/api/users/following/ /api/users/import/ /api/users/platforms/
/api/users/preferred-language/
""".split()

# What each can change. The numbers are the status; mia's request comes last, and
# after those before it all that is stored of mia is as it was.
CHANGES = """
request                                            anonymous unverified self friend stranger asked former locked
DELETE /api/auth/sessions/S/                             401        404  200    404      404   404    404    401
DELETE /api/movies-lists/mia/circle/                     401        403  200    403      404   404    404    401
DELETE /api/movies-lists/mia/closed/                     401        403  200    404      404   404    404    401
DELETE /api/movies-lists/mia/open/                       401        403  200    403      403   403    403    401
PUT /api/movies-lists/mia/circle/                        401        403  200    403      404   404    404    401
PUT /api/movies-lists/mia/closed/                        401        403  200    404      404   404    404    401
PUT /api/movies-lists/mia/open/                          401        403  200    403      403   403    403    401
DELETE /api/movies-lists/mia/circle/heat/                401        403  200    403      404   404    404    401
DELETE /api/movies-lists/mia/closed/heat/                401        403  200    404      404   404    404    401
DELETE /api/movies-lists/mia/open/heat/                  401        403  200    403      403   403    403    401
POST /api/movies-lists/mia/circle/volver/                401        403  200    403      404   404    404    401
POST /api/movies-lists/mia/closed/volver/                401        403  200    404      404   404    404    401
POST /api/movies-lists/mia/open/volver/                  401        403  200    403      403   403    403    401
DELETE /api/reviews/R/                                   401        403  200    403      403   403    403    401
PUT /api/reviews/R/                                      401        403  200    403      403   403    403    401
POST /api/reviews/R/comments/                            401        403  201    201      201   201    201    401
DELETE /api/reviews/R/comments/C/                        401        403  200    403      403   403    403    401
PUT /api/reviews/R/comments/C/                           401        403  200    403      403   403    403    401
POST /api/reviews/R/comments/C/reactions/                401        403  200    200      200   200    200    401
DELETE /api/reviews/R/comments/C/reactions/Y/            401        403  200    403      403   403    403    401
POST /api/reviews/R/comments/C/replies/                  401        403  201    201      201   201    201    401
POST /api/reviews/R/reactions/                           401        403  200    200      200   200    200    401
DELETE /api/reviews/R/reactions/X/                       401        403  200    403      403   403    403    401
DELETE /api/users/friends/?username=mia                  401        403  400    200      200   200    200    401
DELETE /api/users/mia/friend-requests/                   401        403  400    400      400   200    400    401
POST /api/users/mia/friend-requests/                     401        403  400    400      200   400    200    401
"""

# Routes that change what is the caller's, and name nothing of other users.
OWN = """
POST /api/auth/logout/
POST /api/auth/resend-verification-email/
DELETE /api/auth/sessions/
POST /api/auth/verify/
POST /api/movies-lists/
POST /api/movies/{movie}/ratings/
PUT /api/movies/{movie}/ratings/
POST /api/movies/{movie}/reviews/
DELETE /api/movies/{movie}/unseen/
POST /api/movies/{movie}/unseen/
DELETE /api/persons/{person}/follow/
PUT /api/persons/{person}/follow/
DELETE /api/users/
PUT /api/users/
POST /api/users/export/
POST /api/users/import/
POST /api/users/onboarding/
PUT /api/users/platforms/
POST /api/users/preferred-language/
""".split()

# What a writing request is sent, by the end of its row in the route table.
BODIES = {
    "comments/": {"content": "c"},
    "replies/": {"content": "r"},
    "reactions/": {"emoji_code": "LOVE"},
    "{review}/": {"title": "t", "content": "c", "is_positive": False},
    "{comment}/": {"content": "changed"},
    "{list}/": {"name": "Renamed", "description": "", "privacity": "P"},
}


def table(text):
    columns, *rows = [line.split() for line in text.strip().splitlines()]
    return columns[-8:], rows


VIEWERS, ROWS = table(MATRIX)
CHANGED = table(CHANGES)[1]
NAMED = re.compile(r"\bmia\b")
# What nobody but mia may read of the account.
SECRET = re.compile(r"Secretname|Hiddenlast|mia@|argon2")


@pytest.fixture(scope="module")
def world(stack):
    """The viewers by name, and what the letters in a path stand for."""
    return viewers(stack), as_before(stack)


def path_of(text, letters):
    """The path of a row."""
    return re.sub(r"(?<=/)[A-Z](?=/)", lambda x: letters[x[0]], text)


def expected(words):
    told = dict(zip(VIEWERS, words, strict=True))
    return {**told, "staff": told["stranger"]}


def seen(response):
    """The word of the matrix."""
    if response.status_code != 200:
        return str(response.status_code)
    return "mia" if NAMED.search(response.text) else "-"


def hides_nothing(body):
    """The number of a list that is whole is that of what is in it."""
    whole = isinstance(body, dict) and "count" in body and not (
        body.get("next_last_id") or body.get("has_next"))
    return not whole or body["count"] == len(body["results"])


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_who_sees_what(world, row):
    clients, letters = world
    path, told = path_of(row[0], letters), expected(row[1:])
    for _ in range(2):  # from the cache, too
        answers = {name: clients[name].get(path) for name in told}
        assert {name: seen(r) for name, r in answers.items()} == told
        for name, r in answers.items():
            assert hides_nothing(r.json()), (name, r.text)
            if name != "self" or path != "/api/users/":
                assert not SECRET.search(r.text), (name, r.text)


def test_which_lists_are_shown(world):
    clients, _ = world
    every, friends = ["closed", "circle", "open"], ["circle", "open"]
    shown = {"self": every, "friend": friends, "stranger": ["open"],
             "asked": ["open"], "former": ["open"], "staff": ["open"]}
    for name, slugs in shown.items():
        found = clients[name].get("/api/movies-lists/mia/").json()
        assert {x["slug"] for x in found["results"]} == set(slugs), name
        assert found["count"] == len(slugs)


def pattern(path):
    return re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)))


def row_of(rows, method, path):
    """The row of the route table that serves a request: the literal one, or
    else by pattern."""
    path = path.split("?")[0]
    found = [r for r in rows if r["method"] == method
             and pattern(r["path"]).fullmatch(path)]
    assert found, f"no route: {method} {path}"
    return max(found, key=lambda r: r["path"] == path)


def test_every_route_is_in_a_table(stack):
    # what only the staff may: t/api/test_admin.py
    rows = [r for r in Table(stack).rows
            if r["guard"] not in ("PUBLIC", "STAFF")]
    shown = {row_of(rows, "GET", row[0])["path"] for row in ROWS}
    assert shown | set(NOBODY) == {r["path"] for r in rows
                                   if r["method"] == "GET"}, \
        "a route is in neither: add a row to MATRIX, or the path to NOBODY"
    assert not shown & set(NOBODY)
    changed = {row_of(rows, row[0], row[1])["key"] for row in CHANGED}
    own = {" ".join(pair) for pair in zip(OWN[::2], OWN[1::2], strict=True)}
    assert changed | own == {r["key"] for r in rows if r["method"] != "GET"}, \
        "a route is in neither: add it to CHANGES or to OWN"
    assert not changed & own


@pytest.fixture(scope="module")
def rows(stack):
    return Table(stack).rows


@pytest.mark.parametrize("row", CHANGED, ids=[" ".join(r[:2]) for r in CHANGED])
def test_who_changes_what(stack, world, rows, row):
    clients, _ = world
    letters = as_before(stack)
    letters["S"] = session_of_mia(stack)
    method, path = row[0], path_of(row[1], letters)
    end = row_of(rows, method, path)["path"].split("/")[-2] + "/"
    before, answers = rows_of_mia(stack), {}

    def send(name):
        r = clients[name].request(method, path,
                                  json=BODIES.get(end) if method != "DELETE"
                                  else None)
        answers[name] = str(r.status_code)
    for name in expected(row[2:]):
        if name != "self":
            send(name)
    assert rows_of_mia(stack) == before
    send("self")
    assert answers == expected(row[2:])
    changed = rows_of_mia(stack) != before
    assert changed == (answers["self"] < "300"), "a status that is not true"


def session_of_mia(stack):
    """The newest one, which no test uses."""
    stack.client("mia")
    return stack.value("SELECT replace(id::text, '-', '') FROM session"
                       " WHERE user_id = (SELECT id FROM account"
                       " WHERE username = 'mia')"
                       " ORDER BY created_at DESC LIMIT 1")


def test_a_tag_of_before_shows_nothing(stack, world):
    """A former friend has the answer still, and learns nothing of it."""
    clients, _ = world
    friend, path = clients["friend"], "/api/movies-lists/mia/circle/"
    as_before(stack)
    tag = {"If-None-Match": friend.get(path).headers["ETag"]}
    assert friend.get(path, headers=tag).status_code == 304
    assert friend.delete(unfriend("mia")).status_code == 200
    gone = path.replace("circle", "none")
    for method in ("GET", "HEAD"):
        r, none = (friend.request(method, p, headers=tag) for p in (path, gone))
        assert r.status_code == none.status_code == 404
        assert r.content == none.content
        assert {*r.headers} == {*none.headers}


def test_no_route_is_open_to_who_may_not_call_it(stack, world):
    """Reading and writing: whatever its parameters name, also what is
    missing, 401 and 403 come first."""
    clients, letters = world
    review, comment = letters["R"], letters["C"]
    values = {"username": ("mia", "nobody"), "list": ("closed", "none"),
              "movie": ("volver", "none"), "person": ("al-pacino", "none"),
              "award": ("oscar-best-picture-1973", "none"),
              "review": (review, 0, "x"), "comment": (comment, 0, "x")}
    for row in Table(stack).rows:
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
                r = clients[name].request(row["method"], path)
                assert r.status_code == (403 if name == "unverified"
                                         else 401), (name, row, r.text)
                assert not NAMED.search(r.text.replace("/mia/", ""))
