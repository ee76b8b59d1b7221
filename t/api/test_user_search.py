# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for users, all and among friends, and the suggestions; and white space in\nevery search."""

import secrets

import pytest

from people import (FRIENDS, STRANGERS, account, act, pair, requests_of,
                    unfriend, user)

WORLD = "ana-and-friends"

# -- search -----------------------------------------------------------------

SEARCH = "/api/users/searching/"


@pytest.fixture(scope="module")
def choir(stack):
    """Accounts whose names are met by "lux" in every way, oldest first."""
    names = [("x.lux", "", ""), ("deluxe", "", ""), ("zz1", "Lux", "Other"),
             ("luxor", "", ""), ("zz2", "Marie", "van Lux"), ("lux", "", ""),
             ("zz3", "Benelux", "B"), ("zz4", "B", "Lüxer"),
             ("zz5", "x", "LUX"), ("zz6", "lu", "x"), ("100%_a", "", "")]
    for username, first, last in names:
        if "%" in username:
            username, first = "zz7", username
        account(stack, username, first_name=first, last_name=last)
    stack.sql("UPDATE account SET date_joined = timestamptz '2025-01-01Z'"
              " + id * interval '1 hour' WHERE username ~ 'lux|^zz'")
    yield
    stack.sql("DELETE FROM account WHERE username ~ 'lux|^zz'")


def found(client, query, path=SEARCH):
    r = client.get(f"{path}?{query}")
    assert r.status_code == 200, r.text
    return [u["username"] for u in r.json()["results"]]


def profile(client, name):
    """A profile as a list of users shows it."""
    shown = client.get(user(name)).json()
    del shown["taste_match"]
    return shown


def test_order_of_a_search(choir, ana):
    """Exact, beginning, beginning of a word, the rest; the newest first in
    each."""
    assert found(ana, "search_query=lux") == [
        "zz5", "lux", "zz1", "zz4", "luxor", "zz2", "x.lux", "zz3", "deluxe"]
    for same in ("LUX", "L%C3%9CX", "lux&name=other&recomender_for=ana"):
        assert len(found(ana, f"search_query={same}")) == 9
    assert found(ana, "search_query=x.lux") == ["x.lux"]
    assert found(ana, "search_query=lu%20x") == []
    assert found(ana, "search_query=lu%01x") == []
    assert found(ana, "search_query=van+lux") == ["zz2"]


@pytest.mark.parametrize("text, names", [
    ("%25", ["zz7"]), ("_", ["zz7"]), ("100%25_a", ["zz7"]), ("%5C", []),
    (".", ["x.lux"]), ("*", []), ("(", []), ("[", []), ("u.o", [])])
def test_fault_47_signs_are_literal(choir, ana, text, names):
    assert found(ana, f"search_query={text}") == names


def test_what_a_search_shows(stack, choir, ana):
    """The caller, users who are not verified; not who is locked. Names that
    are not shown are searched as well (contract 5.4)."""
    assert "ana" in found(ana, "search_query=ana")
    assert found(ana, "search_query=nov") == ["nina"]
    assert found(ana, "search_query=girl") == []
    [shown] = ana.get(SEARCH + "?search_query=Fischer").json()["results"]
    assert shown == profile(ana, "fay")
    assert list(shown) == ["id", "username", "bio", "friendship", "picture"]
    everybody = ana.get(SEARCH).json()
    assert everybody["count"] == stack.value(
        "SELECT count(*) FROM account WHERE active")
    assert ana.get(SEARCH + "?search_query=").json() == everybody
    assert everybody["total_pages"] == -(-everybody["count"] // 10)


def test_pages_of_a_search(choir, ana):
    whole = found(ana, "search_query=lux&limit=100")
    pages = [found(ana, f"search_query=lux&limit=4&page={n}")
             for n in (1, 2, 3)]
    assert sum(pages, []) == whole and len(pages[2]) == 1
    r = ana.get(SEARCH + "?search_query=lux&limit=4&page=9").json()
    assert (r["current_page"], r["total_pages"], r["count"]) == (3, 3, 9)
    assert r["has_previous"] and not r["has_next"]
    for odd in ("page=NaN", "page=-1", "page=x", "page="):
        assert found(ana, f"search_query=lux&limit=4&{odd}") == pages[0]
    none = ana.get(SEARCH + "?search_query=nobodyatall").json()
    assert none == {"results": [], "total_pages": 1, "count": 0,
                    "count_exact": True, "has_next": False,
                    "has_previous": False, "current_page": 1}


@pytest.mark.parametrize("path", [
    SEARCH, "/api/users/bob/friends/searching/"])
@pytest.mark.parametrize("text", [
    "%00", "%FF", "a%00b", "x" * 256, "%F0%9F%92"])
def test_what_is_no_text_of_a_search(stack, ana, path, text):
    mark = stack.mark()
    r = ana.get(f"{path}?search_query={text}")
    assert r.status_code == 400 and r.json()["error"]
    assert " error " not in stack.log("mxmd", mark)


def test_faults_29_and_30_a_search_is_fresh_at_once(stack, choir, ana):
    """A new name, a new account, a locked one, a new friend."""
    a, b = pair(stack)
    assert found(a[1], f"search_query={b[0]}&is_friend=true") == []
    for step in ("a asks", "b asks"):
        act(step, a, b)
    for who, other in ((a, b), (b, a)):
        assert found(who[1], f"search_query={other[0][:8]}&is_friend=true"
                     ) == [other[0]]
        assert found(who[1], "is_friend=true") == [other[0]]
        [shown] = who[1].get(f"{SEARCH}?search_query={other[0]}").json()[
            "results"]
        assert shown["friendship"] == FRIENDS
    stack.sql("UPDATE account SET first_name = 'Quokka' WHERE username = %s",
              [b[0]])
    assert found(ana, "search_query=QUOK") == [b[0]]
    stack.sql("UPDATE account SET active = false WHERE username = %s", [b[0]])
    assert found(ana, "search_query=quokka") == []
    assert found(a[1], "is_friend=true") == []
    stack.sql("UPDATE account SET active = true WHERE username = %s", [b[0]])
    assert found(ana, "search_query=quokka") == [b[0]]
    for value in ("True", "1", "yes", "false", ""):
        assert len(found(a[1], f"is_friend={value}")) > 1


def test_search_among_friends(stack, ana):
    path = "/api/users/bob/friends/searching/"
    assert set(found(ana, "", path)) == {"ana", "fay"}
    assert found(ana, "search_query=fisch", path) == ["fay"]
    assert found(ana, "search_query=carla", path) == []
    assert ana.get(f"{path}?search_query=fay").json()["results"] == [
        profile(ana, "fay")]
    assert ana.get("/api/users/nina/friends/searching/").json()["count"] == 0
    r = ana.get("/api/users/nobody/friends/searching/")
    assert r.status_code == 404 and r.json()["model"] == "User"


# -- suggestions ------------------------------------------------------------

SUGGESTED = "/api/users/suggested-users/"


def test_suggestions(stack, fay):
    """Most friends in common first; no friends, requests, locked accounts and
    not the caller."""
    name = secrets.token_hex(4)
    number = account(stack, name)
    client = stack.client(name)
    people = {n: account(stack, f"{name}{n}") for n in "abcdefgh"}
    for one, other in ("ab", "ac", "bc", "bd", "ae", "be"):
        stack.sql("INSERT INTO friendship (user1_id, user2_id) VALUES (%s, %s)",
                  sorted((people[one], people[other])))
    stack.sql("INSERT INTO friendship (user1_id, user2_id)"
              " VALUES (%s, %s), (%s, %s)",
              [number, people["a"], number, people["b"]])
    stack.touched()

    def suggested(query=""):
        return [n[8:] for n in found(client, query, SUGGESTED)
                if n.startswith(name)]
    # c and e have two friends in common, d has one, f to h none
    order = ["e", "c", "d", "h", "g", "f"]
    stack.sql("UPDATE account SET date_joined = '2040-01-01Z'::timestamptz"
              " + id * interval '1 s' WHERE username ~ %s", [f"^{name}"])
    assert suggested() == order
    assert suggested("recomender_for=ana") == order
    assert client.get(SUGGESTED).json()["results"][0]["friendship"] == STRANGERS
    # a request in either direction, and what follows from it, at once
    client.post(requests_of(f"{name}e"))
    assert suggested() == ["c", "d", "h", "g", "f"]
    client.delete(requests_of(f"{name}e"))
    other = stack.client(f"{name}d")
    other.post(requests_of(name))
    assert suggested() == ["e", "c", "h", "g", "f"]
    client.post(requests_of(f"{name}d"))
    # d brings no friend of d beside b
    assert suggested() == ["e", "c", "h", "g", "f"]
    client.delete(unfriend(f"{name}d"))
    assert suggested() == order
    # who takes no part in training is not suggested, with friends in common or
    # without, and is again, also after being unlocked
    for letter, rest in (("c", "edhgf"), ("h", "ecdgf")):
        who = stack.client(f"{name}{letter}")
        who.put("/api/users/", {"training": False})
        assert suggested() == list(rest)
        total = client.get(SUGGESTED).json()["count"]
        stack.sql("UPDATE account SET active = false WHERE id = %s",
                  [people[letter]])
        stack.sql("UPDATE account SET active = true WHERE id = %s",
                  [people[letter]])
        assert suggested() == list(rest)
        stack.sql("UPDATE account SET training = true WHERE id = %s",
                  [people[letter]])
        assert suggested() == order
        assert client.get(SUGGESTED).json()["count"] == total + 1
    stack.sql("UPDATE account SET active = false WHERE id = %s",
              [people["c"]])
    assert suggested() == ["e", "d", "h", "g", "f"]
    shown = client.get(SUGGESTED + "?limit=100").json()
    assert shown["count"] == len(shown["results"]) == stack.value(
        "SELECT count(*) FROM account WHERE active") - 3
    assert shown["next_last_id"] is None


def test_fault_34_pages_of_suggestions(stack, fay):
    """Every account once, in the order, whatever the size; also if the last of
    a page has become a friend meanwhile."""
    whole = fay.get(SUGGESTED + "?limit=100").json()
    ids = [u["id"] for u in whole["results"]]
    assert len(set(ids)) == len(ids) == whole["count"]
    for size in (1, 3, 7):
        found_ids = []
        for page in fay.stretches(SUGGESTED, size):
            assert page["count"] == len(ids)
            found_ids += [u["id"] for u in page["results"]]
        assert found_ids == ids
    first = fay.get(SUGGESTED + "?limit=2").json()
    name = first["results"][1]["username"]
    fay.post(requests_of(name))
    rest = fay.get(f"{SUGGESTED}?limit=100&last_id={first['next_last_id']}")
    assert [u["id"] for u in rest.json()["results"]] == ids[2:]
    fay.delete(requests_of(name))
    for odd in ("x", "-1", "", "0", "99999999", "9223372036854775807", "NaN"):
        assert fay.get(f"{SUGGESTED}?limit=100&last_id={odd}").json() == whole
