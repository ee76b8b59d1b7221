# SPDX-License-Identifier: GPL-3.0-or-later
"""What a viewer may not see changes none of their answers, on any route: no name, no
number, no order. All reading rows of the route table are read before and after mia
changes it."""

import re

import pytest

from every_row import Table
from test_privacy import ROWS, path_of
from viewers import as_before, viewers

WORLD = "catalogue"
LISTS = "/api/movies-lists/"

# What depends on the ratings of all users, who are not named in it.
OF_ALL = re.compile(r"/api/movies/(\?|$)|/(statistics|trending|similar|prediction)/")
# What is asked for together with mia, which friends may: what mia has marked and on
# which platforms is part of the question.
TOGETHER = "/api/movies/together/?with=mia"

# Of sessions the time of the last request is shown.
OF_ITS_OWN = {"GET /api/auth/sessions/"}

# What mia does, who reads of it, and requests: the viewers that are not named have
# the same answers after it as before.
FRIENDS = {"self", "friend"}
CHANGES = {
    "a private list": ({"self"}, [
        ("POST", LISTS, {"name": "Open secret", "description": "",
                         "privacity": "R"}),
        ("POST", LISTS + "mia/open-secret/volver/", None),
        ("PUT", LISTS + "mia/closed/", {"name": "Opened", "description": "d",
                                        "privacity": "R"}),
        ("POST", LISTS + "mia/opened/the-godfather/", None),
        ("DELETE", LISTS + "mia/opened/heat/", None)]),
    "a list for friends": (FRIENDS, [
        ("POST", LISTS + "mia/circle/volver/", None),
        ("POST", LISTS, {"name": "Open to friends", "description": "",
                         "privacity": "F"}),
        ("PUT", LISTS + "mia/circle/", {"name": "Opener", "description": "d",
                                        "privacity": "F"}),
        ("DELETE", LISTS + "mia/opener/", None)]),
    "what is the user's own": ({"self"}, [
        ("POST", "/api/movies/the-matrix/unseen/", None),
        ("PUT", "/api/persons/al-pacino/follow/", None),
        ("PUT", "/api/users/platforms/", {"platforms": ["matinee"]}),
        ("POST", "/api/users/preferred-language/",
         {"preferred_language": "fr"})]),
    "ratings": (FRIENDS, [
        ("PUT", "/api/movies/volver/ratings/", {"rating": 1}),
        ("POST", "/api/movies/heat/ratings/", {"rating": 5})]),
}


@pytest.fixture(scope="module")
def world(stack):
    clients, letters = viewers(stack), as_before(stack)
    return {name: clients[name] for name in (
        "self", "friend", "stranger", "former")}, letters


def everything(stack, letters):
    """The paths of all that is read."""
    return [p for key, p in Table(stack).read_paths() if key not in OF_ITS_OWN
            ] + [path_of(row[0], letters) for row in ROWS]


def answers(client, paths):
    found = {path: client.get(path) for path in paths}
    return {path: (r.status_code, r.content) for path, r in found.items()}


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_hidden_changes_nothing(stack, world, what):
    clients, letters = world
    paths = everything(stack, letters)
    readers, requests = CHANGES[what]
    before = {name: answers(c, paths) for name, c in clients.items()}
    for method, path, body in requests:
        r = clients["self"].request(method, path, json=body)
        assert r.ok, (method, path, r.text)
    stack.touched()
    changed = {}
    for name, client in clients.items():
        after = answers(client, paths)
        changed[name] = [p for p in paths if after[p] != before[name][p]
                         and not (what == "ratings" and OF_ALL.search(p))
                         and not (name == "friend" and p == TOGETHER)]
    assert {name for name in changed if changed[name]} == readers, changed
