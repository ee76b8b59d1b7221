# SPDX-License-Identifier: GPL-3.0-or-later
"""Other users: profiles, friends, requests, search and suggestions."""

import secrets
from urllib.parse import quote

import pytest

WORLD = "ana-and-friends"

STRANGERS = {"is_friend": False, "status": None}
PENDING = {"is_friend": False, "status": "P"}
FRIENDS = {"is_friend": True, "status": "A"}


def user(name):
    return f"/api/users/{quote(name, safe='')}/"


def account(stack, name, **columns):
    """Inserts an account that has ana's password; gives its id."""
    given = {"username": name, "email": f"{secrets.token_hex(8)}@example.org",
             "verified": True, "boarded": True, **columns}
    return stack.value(
        f"INSERT INTO account (password, {', '.join(given)}) SELECT password,"
        f" {', '.join(['%s'] * len(given))} FROM account WHERE id = 1"
        " RETURNING id", list(given.values()))


# -- profiles -------------------------------------------------------------

def test_profile(stack, ana):
    r = ana.get(user("bob"))
    assert r.status_code == 200
    assert r.json() == {"id": 2, "username": "bob", "bio": None,
                        "friendship": FRIENDS,
                        "picture": f"{stack.tls_url}/media/users/default.png"}
    assert list(r.json()) == ["id", "username", "bio", "friendship", "picture"]
    shown = {name: ana.get(user(name)).json()["friendship"]
             for name in ("ana", "bob", "dora", "emil", "fay", "nina")}
    assert shown == {"ana": None, "bob": FRIENDS, "dora": PENDING,
                     "emil": PENDING, "fay": STRANGERS, "nina": STRANGERS}
    r = ana.get(user("nobody"))
    assert r.status_code == 404
    assert (r.json()["model"], r.json()["lookup_value"]) == ("User", "nobody")


def test_fault_25_every_user_name_is_reachable(stack, ana):
    """Also through nginx, and with every escape that a client may use."""
    names = ["a+b", "...", ".hidden", "..x", "info@example.org", "a-b", "a_b",
             "Zoë", "प्रिया", "李小龍", "e\u0301a", "x" * 150, "é" * 150]
    for name in names:
        number = account(stack, name)
        for path in {user(name), f"/api/users/{name}/", f"/api/users/{name}",
                     "/api/users/" + "".join(f"%{b:02x}" for b in
                                             name.encode()) + "/"}:
            r = ana.get(path)
            assert r.status_code == 200, path
            assert (r.json()["id"], r.json()["username"]) == (number, name)


@pytest.mark.parametrize("name", [
    "%00", "a%00", "%FF", "a%2Fb", "%2F", "x" * 151, "x" * 3000, "ANA", " ana",
    "ana ", "ana;", "*", "%25", "%E2%80%8B", "..%2f", "ana%0d%0aX: y"])
def test_what_is_no_user_name(stack, ana, name):
    mark = stack.mark()
    assert ana.get(f"/api/users/{name}/").status_code in (400, 404)
    assert " error " not in stack.log("mxmd", mark)


def test_fault_32_a_locked_account_is_not_shown(stack, ana, bob):
    """Nor from the cache, and it is shown again when it is unlocked."""
    account(stack, "mira")
    for who in (ana, bob) * 2:
        assert who.get(user("mira")).status_code == 200
    for active, status in ((False, 404), (True, 200)):
        stack.sql("UPDATE account SET active = %s WHERE username = 'mira'",
                  [active])
        stack.touched()
        for who in (ana, bob) * 2:
            assert who.get(user("mira")).status_code == status
    stack.sql("DELETE FROM account WHERE username = 'mira'")
    stack.touched()
    assert ana.get(user("mira")).status_code == 404
    assert ana.get(user("gone")).status_code == 404


def test_fault_29_a_renamed_user(stack, ana):
    account(stack, "olga", bio="old")
    assert ana.get(user("olga")).json()["bio"] == "old"
    stack.sql("UPDATE account SET username = 'olga2', bio = '<b>new'"
              " WHERE username = 'olga'")
    stack.touched()
    assert ana.get(user("olga")).status_code == 404
    assert ana.get(user("olga2")).json()["bio"] == "<\u2060b>new"


def test_a_profile_need_not_be_sent_twice(ana):
    r = ana.get(user("fay"))
    assert "private" in r.headers["Cache-Control"]
    again = ana.get(user("fay"), headers={"If-None-Match": r.headers["ETag"]})
    assert again.status_code == 304 and not again.content
