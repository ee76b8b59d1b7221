# SPDX-License-Identifier: GPL-3.0-or-later
"""Other users: profiles, friends, friend requests."""

import concurrent.futures
import secrets
import threading

import pytest

from people import (FRIENDS, OWN, PENDING, REQUESTS, STRANGERS, account, act,
                    answer, pair, relation, requests_of, rows, unfriend, user)

WORLD = "ana-and-friends"


# -- profiles -------------------------------------------------------------

def test_profile(stack, ana):
    r = ana.get(user("bob"))
    assert r.status_code == 200
    assert r.json() == {"id": 2, "username": "bob", "bio": None,
                        "friendship": FRIENDS,
                        "picture": f"{stack.tls_url}/media/users/default.png",
                        "taste_match": None}
    assert list(r.json()) == ["id", "username", "bio", "friendship", "picture",
                              "taste_match"]
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


# -- the states of contract users 5.1 ---------------------------------------

SENT = 200, "Friend request sent"
ACCEPTED = 200, "Friend request accepted"
REJECTED = 200, "Friend request rejected"
UNFRIENDED = 200, "Unfriended"
ALREADY_SENT = 400, "Friend request already sent"
ALREADY_FRIENDS = 400, "Already friends"
NONE = 400, "No friend relationship to reject"

# How the state is reached, what POST and DELETE by a answer then, and the
# relation after each.
STATES = {
    "nothing": ([], (SENT, PENDING), (NONE, STRANGERS)),
    "a asked": (["a asks"], (ALREADY_SENT, PENDING), (REJECTED, STRANGERS)),
    "b asked": (["b asks"], (ACCEPTED, FRIENDS), (REJECTED, STRANGERS)),
    "a withdrew": (["a asks", "a rejects"], (SENT, PENDING),
                   (NONE, STRANGERS)),
    "b rejected": (["a asks", "b rejects"], (SENT, PENDING),
                   (NONE, STRANGERS)),
    "b withdrew": (["b asks", "b rejects"], (SENT, PENDING),
                   (NONE, STRANGERS)),
    "friends": (["a asks", "b asks"], (ALREADY_FRIENDS, FRIENDS),
                (NONE, FRIENDS)),
    "fault 18: a unfriended": (["a asks", "b asks", "a unfriends"],
                               (SENT, PENDING), (NONE, STRANGERS)),
    "fault 18: b unfriended": (["a asks", "b asks", "b unfriends"],
                               (SENT, PENDING), (NONE, STRANGERS)),
    "asked, unfriended": (["b asks", "a unfriends"], (ACCEPTED, FRIENDS),
                          (REJECTED, STRANGERS)),
}


@pytest.mark.parametrize("what, column", [("asks", 0), ("rejects", 1)])
@pytest.mark.parametrize("name", STATES)
def test_states(stack, name, what, column):
    steps, *outcomes = STATES[name]
    a, b = pair(stack)
    for step in steps:
        assert act(step, a, b)[0] == 200
    expected, after = outcomes[column]
    assert act(f"a {what}", a, b) == expected
    # both see it at once
    assert relation(a[1], b[0]) == relation(b[1], a[0]) == after
    count, asked = rows(stack, a[0], b[0])
    assert count == (after == FRIENDS)
    assert len(asked) == (after == PENDING)


def test_oneself(stack, ana, carla):
    assert answer(ana.post(requests_of("ana"))) == (
        400, "You cannot friend yourself")
    text = 400, "You cannot unfriend yourself"
    assert answer(ana.delete(requests_of("ana"))) == text
    assert answer(ana.delete(unfriend("ana"))) == text
    assert answer(carla.post(requests_of("carla"))) == (
        400, "No puede ser amigo de usted mismo")
    assert rows(stack, "ana", "ana") == (0, [])


def test_unfriend_is_idempotent(stack):
    a, b = pair(stack)
    for _ in range(2):
        assert act("a unfriends", a, b) == UNFRIENDED
    r = a[1].delete(unfriend("nobody"))
    assert answer(r) == (404, "User not found")
    for path in (OWN, OWN + "?username="):
        r = a[1].delete(path)
        assert r.status_code in (400, 404) and r.json()["status"]
    assert a[1].delete(OWN).json()["status"] == "Missing required fields"
    r = a[1].delete(OWN, {})
    assert answer(r) == (400, "Missing required fields")
    for name in ("%00", "%FF", "x" * 151):
        assert a[1].delete(f"{OWN}?username={name}").status_code == 400


def test_the_friend_to_lose_may_be_in_the_body(stack):
    a, b = pair(stack)
    for act_ in ("a asks", "b asks"):
        act(act_, a, b)
    assert answer(a[1].delete(OWN, {"username": b[0]})) == UNFRIENDED
    assert rows(stack, a[0], b[0]) == (0, [])
    assert answer(a[1].delete(OWN, {"username": "nobody"})) == (
        404, "User not found")
    assert answer(a[1].delete(OWN + f"?username={b[0]}", {"username": "no"})
                  ) == UNFRIENDED
    r = a[1].delete(OWN, data=b"[", headers={
        "Content-Type": "application/json"})
    assert r.status_code == 400 and r.json()["status"] == "Invalid JSON body"
    for value in (None, 7, "x" * 151):
        assert a[1].delete(OWN, {"username": value}).status_code == 400


def test_fault_15_a_refusal_is_no_consent(stack):
    """After a's request was rejected or withdrawn, b asks twice: a has not
    agreed, sees a request and can refuse it."""
    for end in ("b rejects", "a rejects"):
        a, b = pair(stack)
        act("a asks", a, b)
        act(end, a, b)
        assert rows(stack, a[0], b[0]) == (0, [])
        assert act("b asks", a, b) == SENT
        assert act("b asks", a, b) == ALREADY_SENT
        assert rows(stack, a[0], b[0]) == (0, [b[0]])
        assert b[1].get(REQUESTS).json()["count"] == 0
        [shown] = a[1].get(REQUESTS).json()["results"]
        assert shown["from_user"] == f"{stack.tls_url}{user(b[0])}"
        assert act("a rejects", a, b) == REJECTED
        assert rows(stack, a[0], b[0]) == (0, [])


@pytest.mark.parametrize("status", ["A", "R"])
def test_rows_of_an_import(stack, status):
    """A request that is accepted or rejected is no obstacle (fault 18) and
    nobody's consent (fault 15)."""
    a, b = pair(stack)
    stack.sql("INSERT INTO friend_request (from_user_id, to_user_id, status)"
              " SELECT a.id, b.id, %s FROM account AS a, account AS b"
              "  WHERE a.username = %s AND b.username = %s",
              [status, a[0], b[0]])
    stack.touched()
    assert relation(a[1], b[0]) == STRANGERS
    assert act("a rejects", a, b) == NONE
    assert act("b asks", a, b) == SENT
    assert rows(stack, a[0], b[0]) == (0, [b[0]])
    assert act("a asks", a, b) == ACCEPTED


def at_once(calls):
    """Runs the calls together; their results."""
    barrier = threading.Barrier(len(calls))

    def run(call):
        barrier.wait()
        return call()
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_fault_19_both_ask_at_once(stack):
    a, b = pair(stack)
    more = [stack.client(a[0]), stack.client(b[0])]
    mark = stack.cluster.process.text()
    for _ in range(12):
        got = at_once([lambda c=c, n=n: answer(c.post(requests_of(n)))
                       for c, n in ((a[1], b[0]), (b[1], a[0]),
                                    (more[0], b[0]), (more[1], a[0]))])
        assert sorted(got)[:2] == [ACCEPTED, SENT]
        assert set(got[2:]) | set(got[:2]) <= {
            ACCEPTED, SENT, ALREADY_SENT, ALREADY_FRIENDS}
        assert rows(stack, a[0], b[0]) == (1, [])
        assert relation(a[1], b[0]) == relation(b[1], a[0]) == FRIENDS
        assert act("a unfriends", a, b) == UNFRIENDED
    assert "ERROR" not in stack.cluster.process.text()[len(mark):]


def test_accepted_and_withdrawn_at_once(stack):
    """One of them counts; a friendship needs both to have asked."""
    a, b = pair(stack)
    seen = set()
    for _ in range(12):
        assert act("a asks", a, b) == SENT
        accepted, withdrawn = at_once([
            lambda: answer(b[1].post(requests_of(a[0]))),
            lambda: answer(a[1].delete(requests_of(b[0])))])
        seen.add((accepted, withdrawn))
        if accepted == ACCEPTED:
            assert withdrawn == NONE
            assert rows(stack, a[0], b[0]) == (1, [])
            act("b unfriends", a, b)
        else:
            assert (accepted, withdrawn) == (SENT, REJECTED)
            assert rows(stack, a[0], b[0]) == (0, [b[0]])
            act("b rejects", a, b)
    assert seen


def test_accepted_twice_at_once(stack):
    a, b = pair(stack)
    again = stack.client(b[0])
    for _ in range(6):
        act("a asks", a, b)
        got = at_once([lambda c=c: answer(c.post(requests_of(a[0])))
                       for c in (b[1], again)])
        assert sorted(got) == [ACCEPTED, ALREADY_FRIENDS]
        assert rows(stack, a[0], b[0]) == (1, [])
        act("a unfriends", a, b)


def test_texts_follow_the_language(stack, dora, emil):
    assert answer(dora.post(requests_of("nina"))) == (
        200, "Demande d’ami envoyée")
    assert answer(dora.delete(requests_of("nina"))) == (
        200, "Demande d’ami refusée")
    assert answer(emil.delete(requests_of("fay"))) == (
        400, "Es gibt keine Freundschaftsanfrage, die abgelehnt werden könnte")


def test_bodies_of_forms_are_accepted(stack):
    """As the front end sends them: a content type, and no body."""
    a, b = pair(stack)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for method in ("POST", "DELETE"):
        r = a[1].request(method, requests_of(b[0]), data=b"", headers=kind)
        assert r.status_code == 200


# -- lists ------------------------------------------------------------------

def test_fault_31_requests_in_the_language_of_the_caller(stack, ana):
    """Requests to the caller only, in the language they have now."""
    shown = ana.get(REQUESTS).json()
    [number] = [r["id"] for r in shown["results"]]
    assert shown == {"results": [{
        "id": number, "from_user": f"{stack.tls_url}/api/users/dora/",
        "to_user": f"{stack.tls_url}/api/users/ana/", "status": "Pending"}],
        "next_last_id": None, "count": 1, "count_exact": True}
    labels = {code: ana.language(code).get(REQUESTS).json()["results"][0][
        "status"] for code in ("de", "es", "fr", "en")}
    assert labels == {"de": "Ausstehend", "es": "Pendiente",
                      "fr": "En attente", "en": "Pending"}


def test_own_friends(stack, ana):
    shown = ana.get(OWN).json()
    assert [u["username"] for u in shown["results"]] == ["carla", "bob"]
    assert [u["friendship"] for u in shown["results"]] == [FRIENDS] * 2
    assert (shown["count"], shown["next_last_id"]) == (2, None)
    assert shown == ana.get(user("ana") + "friends/").json()


def test_fault_27_friends_are_shown_as_the_viewer_knows_them(stack, ana, bob,
                                                            fay):
    """Two viewers in turn, the same list."""
    of_ana, of_fay = {}, {}
    for _ in range(2):
        for who, found in ((ana, of_ana), (fay, of_fay)):
            shown = who.get(user("bob") + "friends/").json()["results"]
            found.update({u["username"]: u["friendship"] for u in shown})
    assert of_ana == {"ana": None, "fay": STRANGERS}
    assert of_fay == {"ana": STRANGERS, "fay": None}


def test_fault_28_every_list_is_fresh_at_once(stack):
    """For both sides, and for a third who sees the lists of both."""
    a, b = pair(stack)
    third = stack.client("fay")

    def seen():
        return ([len(third.get(user(name) + "friends/").json()["results"])
                 for name in (a[0], b[0])],
                [c.get(OWN).json()["count"] for c in (a[1], b[1])],
                [c.get(REQUESTS).json()["count"] for c in (a[1], b[1])])
    assert seen() == ([0, 0], [0, 0], [0, 0])
    for step, expected in (("a asks", ([0, 0], [0, 0], [0, 1])),
                           ("b rejects", ([0, 0], [0, 0], [0, 0])),
                           ("b asks", ([0, 0], [0, 0], [1, 0])),
                           ("a asks", ([1, 1], [1, 1], [0, 0])),
                           ("b unfriends", ([0, 0], [0, 0], [0, 0]))):
        assert act(step, a, b)[0] == 200
        assert seen() == expected, step


def test_faults_29_and_32_in_lists(stack):
    """A new name or picture, and a locked account, in friends' lists and
    requests."""
    a, b = pair(stack)
    third = stack.client("fay")
    for step in ("a asks", "b asks"):
        act(step, a, b)
    third.post(requests_of(b[0]))

    def change(text):
        stack.sql(f"UPDATE account SET {text} WHERE username LIKE %s",
                  [b[0][:8] + "%"])
        stack.touched()

    def names():
        return [u["username"] + u["picture"][-7:] for who, path in (
            (a[1], OWN), (third, user(a[0]) + "friends/"))
                for u in who.get(path).json()["results"]]
    assert names() == [b[0] + "ult.png"] * 2
    change("username = left(username, 8) || '+new', picture = 'users/x.webp'")
    assert names() == [b[0][:8] + "+new" + "/x.webp"] * 2
    change("active = false")
    assert names() == []
    assert a[1].get(OWN).json()["count"] == 0
    for send in (a[1].post, a[1].delete):
        assert send(requests_of(b[0][:8] + "+new")).status_code == 404
    change("active = true")
    assert len(names()) == 2
    b = b[0][:8] + "+new", stack.client(b[0][:8] + "+new")
    [shown] = b[1].get(REQUESTS).json()["results"]
    assert shown["from_user"].endswith("/users/fay/")
    assert shown["to_user"] == f"{stack.tls_url}{user(b[0])}"
    stack.sql("UPDATE account SET active = false WHERE username = 'fay'")
    stack.touched()
    assert b[1].get(REQUESTS).json()["count"] == 0
    stack.sql("UPDATE account SET active = true WHERE username = 'fay'")
    stack.touched()
    assert b[1].get(REQUESTS).json()["count"] == 1


def test_pages_of_friends_and_requests(stack):
    """Nobody twice, nobody left out, also if rows are deleted meanwhile."""
    name = secrets.token_hex(4)
    number = account(stack, name)
    client = stack.client(name)
    stack.sql("INSERT INTO account (username, email, verified)"
              " SELECT %s || n, %s || n || '@example.org', true"
              "   FROM generate_series(1, 23) AS n", [name, name])
    others = f"SELECT id FROM account WHERE username ~ '^{name}[0-9]+$'"
    stack.sql("INSERT INTO friendship (user1_id, user2_id)"
              f" SELECT {number}, o.id FROM ({others}) AS o")
    stack.sql("INSERT INTO friend_request (from_user_id, to_user_id)"
              f" SELECT o.id, {number} FROM ({others}) AS o ORDER BY id")
    stack.touched()
    for path in (OWN, user(name) + "friends/", REQUESTS):
        found = []
        for page in client.stretches(path, 5):
            assert page["count"] == 23
            found += [r["id"] for r in page["results"]]
        assert found == sorted(set(found), reverse=True) and len(found) == 23
        for odd in ("last_id=x", "last_id=-1", "last_id=", "last_id=NaN",
                    "limit=0", "limit=x", "limit=-3"):
            r = client.get(f"{path}?{odd}")
            assert [x["id"] for x in r.json()["results"]] == found[:10]
        assert len(client.get(path + "?limit=500").json()["results"]) == 23
    first = client.get(REQUESTS + "?limit=5").json()
    stack.sql("DELETE FROM friend_request WHERE id = %s",
              [first["next_last_id"]])
    stack.touched()
    rest = client.get(f"{REQUESTS}?last_id={first['next_last_id']}&limit=100")
    assert [r["id"] for r in rest.json()["results"]] == found[5:]


def test_unknown_users(ana):
    for r in (ana.get(user("nobody") + "friends/"),
              ana.get(user("nobody") + "reviews/"),
              ana.post(requests_of("nobody")),
              ana.delete(requests_of("nobody"))):
        assert r.status_code == 404
        assert (r.json()["model"], r.json()["lookup_value"]) == (
            "User", "nobody")


def test_fault_26_words_of_paths_are_no_names(stack, client):
    for name in ("friends", "friend-requests", "searching", "onboarding",
                 "suggested-users", "preferred-language"):
        r = client.post("/api/auth/signup/", {
            "username": name, "email": f"{name}@example.org",
            "first_name": "A", "last_name": "B",
            "password": "Lantern-over-7-hills"})
        assert r.status_code == 400 and r.json()["username"]

