# SPDX-License-Identifier: GPL-3.0-or-later
"""Users and their relations, for the tests of friends, searches and privacy."""

import secrets
from urllib.parse import quote

STRANGERS = {"is_friend": False, "status": None}
PENDING = {"is_friend": False, "status": "P"}
FRIENDS = {"is_friend": True, "status": "A"}


def user(name):
    return f"/api/users/{quote(name, safe='')}/"


def requests_of(name):
    return user(name) + "friend-requests/"


REQUESTS = "/api/users/friend-requests/"
OWN = "/api/users/friends/"


def unfriend(name):
    return f"{OWN}?username={quote(name)}"


def account(stack, name, **columns):
    """Inserts an account that has ana's password; gives its id."""
    given = {"username": name, "email": f"{secrets.token_hex(8)}@example.org",
             "verified": True, "boarded": True, **columns}
    return stack.value(
        f"INSERT INTO account (password, {', '.join(given)}) SELECT password,"
        f" {', '.join(['%s'] * len(given))} FROM account WHERE id = 1"
        " RETURNING id", list(given.values()))


def pair(stack):
    """Two new users who are logged in."""
    names = [f"{secrets.token_hex(4)}.{letter}" for letter in "ab"]
    for name in names:
        account(stack, name)
    return [(name, stack.client(name)) for name in names]


def rows(stack, *names):
    """The friendships and requests between the two, as a test may see them."""
    ids = "(SELECT id FROM account WHERE username = ANY (%s))"
    return (stack.value("SELECT count(*) FROM friendship WHERE user1_id IN"
                        f" {ids} AND user2_id IN {ids}", [list(names)] * 2),
            [r[0] for r in stack.sql(
                "SELECT a.username FROM friend_request AS q"
                "  JOIN account AS a ON a.id = q.from_user_id"
                f" WHERE from_user_id IN {ids} AND to_user_id IN {ids}",
                [list(names)] * 2)])


def answer(r):
    """Status and text; an error has it under `error` as well."""
    body = r.json()
    assert r.status_code == 200 or body["error"] == body["status"]
    return r.status_code, body["status"]


def relation(client, name):
    return client.get(user(name)).json()["friendship"]


def act(how, a, b):
    """"a asks": by the client of a, about b."""
    who, what = how.split()
    (_, client), (other, _) = (a, b) if who == "a" else (b, a)
    r = {"asks": lambda: client.post(requests_of(other)),
         "rejects": lambda: client.delete(requests_of(other)),
         "unfriends": lambda: client.delete(unfriend(other))}[what]()
    return answer(r)
