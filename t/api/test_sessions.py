# SPDX-License-Identifier: GPL-3.0-or-later
"""The caller's sessions: the list, ending one, ending all, how many there are."""

import datetime

import pytest

import world
from client import Client
from test_tokens import REFRESH, at_once, claims, refresh_refused, refused

WORLD = "ana-and-friends"
SESSIONS = "/api/auth/sessions/"
SELF = "/api/users/"


def login(stack, name, agent=None):
    client = Client(stack)
    if agent is not None:
        client.session.headers["User-Agent"] = agent
    return client.login(name, world.PASSWORD)


def listed(client):
    r = client.get(SESSIONS)
    assert r.status_code == 200
    return r.json()


def sid(client):
    return claims(client.token)["sid"]


def one(client):
    return f"{SESSIONS}{sid(client)}/"


# -- the list -------------------------------------------------------------

def test_list(stack):
    first = login(stack, "dora", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0)"
                                 " Gecko/20100101 Firefox/128.0")
    second = login(stack, "dora", "curl/8.1")
    shown = listed(first)
    assert [s["id"] for s in shown] == [sid(second), sid(first)]
    assert [s["current"] for s in shown] == [False, True]
    assert [s["client"] for s in shown] == ["curl", "Firefox, Linux"]
    assert [s["network"] for s in shown] == ["127.0.0.0/24"] * 2
    mine = shown[1]
    assert list(mine) == ["id", "client", "network", "created_at",
                          "last_used_at", "expires_at", "current"]
    then = {key: datetime.datetime.fromisoformat(mine[key])
            for key in ("created_at", "last_used_at", "expires_at")}
    assert then["created_at"] == then["last_used_at"]
    assert then["expires_at"] - then["created_at"] == datetime.timedelta(90)
    # only the owner's
    assert sid(first) not in str(listed(login(stack, "emil")))


def test_a_refresh_is_a_use(stack, emil):
    other = login(stack, "emil")
    assert [s["id"] for s in listed(emil)][:2] == [sid(other), sid(emil)]
    emil.refresh()
    shown = listed(emil)
    assert [s["id"] for s in shown][:2] == [sid(emil), sid(other)]
    assert shown[0]["last_used_at"] > shown[0]["created_at"]


def test_a_request_is_no_write(stack, emil):
    """Reading does not update the session."""
    row = "SELECT used_at, xmin::text FROM session WHERE id = %s"
    before = stack.sql(row, [sid(emil)])
    for _ in range(3):
        assert emil.get(SELF).status_code == 200
    assert stack.sql(row, [sid(emil)]) == before


AGENTS = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like"
    " Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0": "Edge, Windows",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like"
    " Gecko) Chrome/124.0.0.0 Safari/537.36 OPR/110.0.0.0": "Opera, Windows",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1":
        "Chrome, iOS",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML,"
    " like Gecko) Version/17.5 Safari/605.1.15": "Safari, macOS",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like"
    " Gecko) Chrome/126.0.0.0 Mobile Safari/537.36": "Chrome, Android",
    "MoviesApp": "MoviesApp", "x" * 600: "x" * 40,
    "": None, "<img src=x onerror=alert(1)>": None, "'; DROP TABLE session": None,
    "\U0001f3ac".encode(): None, b"\xff\xfe": None,
}


@pytest.mark.parametrize("agent", AGENTS)
def test_client(stack, agent):
    """Never markup, and at most a few words."""
    client = login(stack, "fay", agent)
    shown = [s for s in listed(client) if s["current"]]
    assert [s["client"] for s in shown] == [AGENTS[agent]]


def test_what_has_expired_is_not_listed(stack):
    client, old = login(stack, "carla"), login(stack, "carla")
    stack.sql("UPDATE session SET expires_at = now() WHERE id = %s",
              [sid(old)])
    assert sid(old) not in [s["id"] for s in listed(client)]


# -- ending one -----------------------------------------------------------

def test_end_one(stack):
    mine, other = login(stack, "bob"), login(stack, "bob")
    assert other.get(SELF).status_code == 200
    r = mine.delete(one(other))
    assert (r.status_code, r.json()) == (200, {"status": True})
    refused(other.get(SELF))
    refresh_refused(other.post(REFRESH, {"refresh": other.refresh_token},
                               token=None))
    assert mine.delete(one(other)).status_code == 404
    assert mine.get(SELF).status_code == 200
    assert mine.delete(one(mine)).status_code == 200
    refused(mine.get(SELF))


@pytest.mark.parametrize("name", [
    "0" * 32, "x", "1", "5f0c3a9e-8d7b-42a1-b6c4-e2f1d0a98765", "F" * 32,
    "0" * 33, "%27", "0" * 31 + "%0a", "a" * 5000])
def test_there_is_no_such_session(bob, name):
    r = bob.delete(f"{SESSIONS}{name}/")
    assert r.status_code == 404
    assert r.json()["model"] == "Session"


def test_in_the_language_of_the_caller(emil):
    r = emil.delete(f"{SESSIONS}{'0' * 32}/")
    assert r.status_code == 404 and r.json()["error"] == "Nicht gefunden"


def test_another_users_session_is_not_found(stack, bob, dora):
    r = bob.delete(one(dora))
    assert r.status_code == 404
    assert r.json() == {**bob.delete(f"{SESSIONS}{'0' * 32}/").json(),
                        "lookup_value": sid(dora)}
    assert dora.get(SELF).status_code == 200


# -- ending all -----------------------------------------------------------

def test_end_all(stack):
    """Fault 6 of the original: no token is ever revoked."""
    clients = [login(stack, "bob") for _ in range(3)]
    number = len(listed(clients[0]))
    r = clients[0].delete(SESSIONS)
    assert (r.status_code, r.json()) == (200, {"status": True, "ended": number})
    for c in clients:
        refused(c.get(SELF))
    assert login(stack, "bob").get(SELF).status_code == 200


def test_end_all_others(stack, ana):
    clients = [login(stack, "fay") for _ in range(3)]
    r = clients[0].delete(SESSIONS + "?keep_current=true")
    assert r.status_code == 200 and r.json()["ended"] >= 2
    assert [s["current"] for s in listed(clients[0])] == [True]
    for c in clients[1:]:
        refused(c.get(SELF))
    assert clients[0].delete(SESSIONS + "?keep_current=true").json() == {
        "status": True, "ended": 0}
    assert ana.get(SELF).status_code == 200  # another user's


# -- who, and how many ----------------------------------------------------

def test_open_to_the_unverified_and_closed_to_others(nina, client):
    assert [s["current"] for s in listed(nina)].count(True) == 1
    assert nina.delete(one(nina)).status_code == 200
    for r in (client.get(SESSIONS), client.delete(SESSIONS),
              client.delete(f"{SESSIONS}{'0' * 32}/")):
        assert r.status_code == 401


def test_a_hundred_sessions(stack):
    """A further log-in ends the one that was used least recently."""
    kept, lost = login(stack, "fay"), login(stack, "fay")
    stack.sql("DELETE FROM session WHERE user_id = 6 AND id NOT IN (%s, %s)",
              [sid(kept), sid(lost)])
    stack.sql("INSERT INTO session (id, user_id, digest, epoch, expires_at,"
              "                     used_at)"
              " SELECT gen_random_uuid(), 6, decode(md5(i::text), 'hex'), 0,"
              "        now() + interval '1 day', now() - interval '1 hour'"
              "   FROM generate_series(1, 97) AS i")
    stack.sql("UPDATE session SET used_at = now() - interval '1 day'"
              " WHERE id = %s", [sid(lost)])
    more = login(stack, "fay")
    assert len(listed(more)) == 100 and lost.get(SELF).status_code == 200
    more = login(stack, "fay")
    assert len(listed(more)) == 100
    refused(lost.get(SELF))
    assert kept.get(SELF).status_code == 200
    # at once, too; one that is used is not the one that goes
    log = stack.cluster.process
    before = len(log.text())
    clients = at_once(12, lambda _: login(stack, "fay"))
    assert all(c.get(SELF).status_code == 200 for c in clients)
    assert kept.get(SELF).status_code == 200
    assert len(listed(login(stack, "fay"))) == 100
    assert "deadlock" not in log.text()[before:]
