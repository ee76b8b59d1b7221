# SPDX-License-Identifier: GPL-3.0-or-later
"""Rate limits: each class separately, by address or by account, in a sliding
minute.

Every test uses its own address and its own user, so that tests do not affect
one another."""

import concurrent.futures
import itertools
import math
import re
import socket
import threading
import time

import pytest
import requests.adapters

import world
from life import fcgi_answer, fcgi_request, reload, status

PUBLIC, LOGIN, CODE, USER = 4, 3, 2, 12
SETTINGS = {"limit_public": PUBLIC, "limit_login": LOGIN, "limit_code": CODE,
            "limit_user": USER}

LOG_IN, REFRESH = "/api/auth/login/", "/api/auth/refresh/"
VERIFY, SIGN_UP = "/api/auth/verify/", "/api/auth/signup/"
NOBODY = {"username": "nobody-here", "password": "wrong"}
BAD = {"refresh": "nonsense"}
CODE_BODY = {"verification_code": "000000"}

ADDRESSES = (f"127.0.1.{n}" for n in itertools.count(1))


class From(requests.adapters.HTTPAdapter):
    """Sends from one address of this host."""

    def __init__(self, address):
        self.address = address
        super().__init__()

    def init_poolmanager(self, *args, **more):
        super().init_poolmanager(*args, source_address=(self.address, 0),
                                 **more)


@pytest.fixture
def visitor(stack):
    """Makes clients with an unused address."""
    def make(user=None):
        client = stack.client()
        client.session.mount("http://", From(next(ADDRESSES)))
        if user:
            client.login(user, world.PASSWORD)
        return client
    return make


def refused(response):
    """429 as the contract has it; gives the seconds to wait."""
    assert response.status_code == 429, response.text
    wait = int(response.headers["Retry-After"])
    assert 1 <= wait <= 120
    body = response.json()
    assert body["detail"] == body["error"]
    assert re.search(rf"\b{wait}\b", body["detail"])
    return wait


def codes(send, n):
    return [send().status_code for _ in range(n)]


def test_public_routes_by_address(visitor):
    one, other = visitor(), visitor()
    assert codes(lambda: one.post(REFRESH, BAD), PUBLIC) == [401] * PUBLIC
    text = one.post(REFRESH, BAD).json()["detail"]
    assert re.fullmatch(r"Request was throttled\. Expected available in \d+ "
                        r"seconds?\.", text)
    refused(one.post(REFRESH, BAD))
    assert other.post(REFRESH, BAD).status_code == 401


def test_refreshes_with_a_valid_token_by_session(stack, visitor):
    """The front end refreshes once for each request of a page, and logs out if
    one of them is refused (contract, users R4)."""
    one = visitor()
    one.login("bob", world.PASSWORD)
    body = {"refresh": one.refresh_token}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: one.post(REFRESH, body).status_code,
                            range(2 * PUBLIC)))
    assert got.count(429) == 0 and set(got) == {200}
    assert codes(lambda: one.post(REFRESH, BAD), PUBLIC) == [401] * PUBLIC
    refused(one.post(REFRESH, BAD))
    assert one.post(REFRESH, body).status_code == 200


def test_a_network_of_ipv6_is_one_address(stack):
    """A client with one address of a /64 can use all of them."""
    def ask(address):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(stack.base / "run/fast.sock"))
            s.sendall(fcgi_request("POST", REFRESH, b'{"refresh": "x"}',
                                   REMOTE_ADDR=address))
            return fcgi_answer(s)[0]
    got = [ask(f"2001:db8:0:7::{n:x}") for n in range(1, PUBLIC + 2)]
    assert got == [401] * PUBLIC + [429]
    assert ask("2001:db8:0:7:ffff::1") == 429
    assert ask("2001:db8:0:8::1") == 401


def ask_from(stack, address):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(stack.base / "run/fast.sock"))
        s.sendall(fcgi_request("POST", REFRESH, b'{"refresh": "x"}',
                               REMOTE_ADDR=address))
        return fcgi_answer(s)[0]


@pytest.mark.parametrize("host,spellings", [
    (17, ["198.51.100.17", "::ffff:198.51.100.17", "::ffff:c633:6411",
          "::FFFF:C633:6411", "0:0:0:0:0:ffff:c633:6411",
          "64:ff9b::198.51.100.17", "64:ff9b::c633:6411"]),
    (18, ["::ffff:c633:6412", "198.51.100.18"]),
])
def test_an_address_in_all_spellings_is_one_caller(stack, host, spellings):
    got = [ask_from(stack, address)
           for address in itertools.islice(itertools.cycle(spellings), PUBLIC)]
    assert got == [401] * PUBLIC
    assert {ask_from(stack, address) for address in spellings} == {429}
    # the next host is another, though it shares the first 64 bits
    for form in ("::ffff:203.0.113.{}", "64:ff9b::203.0.113.{}"):
        assert ask_from(stack, form.format(host)) == 401


def test_log_in_and_sign_up_together_by_address(visitor):
    one, other = visitor(), visitor()
    assert one.post(LOG_IN, NOBODY).status_code == 401
    assert one.post(SIGN_UP, {}).status_code == 400
    one.login("bob", world.PASSWORD)  # good ones count as well
    refused(one.post(LOG_IN, NOBODY))
    refused(one.post(SIGN_UP, {}))
    refused(one.post(LOG_IN, {"username": "bob",
                              "password": world.PASSWORD}))
    assert other.post(LOG_IN, NOBODY).status_code == 401


def test_the_classes_are_apart(stack, visitor):
    one = visitor("fay")
    codes(lambda: one.post(LOG_IN, NOBODY), LOGIN)
    refused(one.post(LOG_IN, NOBODY))
    assert codes(lambda: one.post(REFRESH, BAD), PUBLIC) == [401] * PUBLIC
    refused(one.post(REFRESH, BAD))
    # nor does it matter for who is logged in, or for what has no limit
    assert one.get("/api/users/").status_code == 200
    for path in ("/healthz", "/api/docs/", "/api/schema/"):
        assert codes(lambda p=path: one.get(p), 8) == [200] * 8
    # which nginx keeps for the own machine
    near = stack.client()
    assert codes(lambda: near.get("/readyz"), 8) == [200] * 8


def test_tries_of_a_code_by_account(visitor):
    one, again = visitor("nina"), visitor("nina")
    assert one.post(VERIFY, CODE_BODY).status_code == 400
    assert again.post(VERIFY, CODE_BODY).status_code == 400
    refused(one.post(VERIFY, CODE_BODY))
    refused(again.post(VERIFY, CODE_BODY))
    assert one.get("/api/users/").status_code == 200
    # another account has its own
    other = visitor()
    body = {"username": "olga", "email": "olga@example.org",
            "password": "Trilobite-lantern-71", "first_name": "O",
            "last_name": "O"}
    assert other.post(SIGN_UP, body).status_code == 200
    other.login("olga", body["password"])
    assert other.post(VERIFY, CODE_BODY).status_code == 400


def test_all_else_by_account(visitor):
    """Whatever the route, the address or the session."""
    one, again, other = visitor("ana"), visitor("ana"), visitor("bob")
    reads = itertools.cycle(("/api/movies/heat/", "/api/genres/",
                             "/api/users/", "/api/movies/none/"))
    got = codes(lambda: one.get(next(reads)), USER - 1)
    assert set(got) == {200, 404}
    assert again.post("/api/movies/heat/unseen/").status_code == 200
    for client in (one, again):
        refused(client.get("/api/movies/heat/"))  # also what is kept
        refused(client.delete("/api/movies/heat/unseen/"))
        refused(client.post(VERIFY, CODE_BODY))
    assert other.get("/api/movies/heat/").status_code == 200
    # an invalid token belongs to no account
    assert one.get("/api/users/", token="nonsense").status_code == 401


def test_head_counts_and_options_does_not(visitor):
    one = visitor("dora")
    path = "/api/movies/heat/"
    assert codes(lambda: one.request("OPTIONS", path), USER + 2) == \
        [204] * (USER + 2)
    assert codes(lambda: one.request("HEAD", path), USER) == [200] * USER
    r = one.request("HEAD", path)
    assert r.status_code == 429 and not r.content
    assert int(r.headers["Retry-After"]) >= 1
    refused(one.get(path))
    assert one.request("OPTIONS", path).status_code == 204


def test_the_text_is_in_the_callers_language(visitor):
    carla = visitor("carla")
    codes(lambda: carla.get("/api/users/"), USER)
    r = carla.get("/api/users/")
    refused(r)
    assert r.headers["Content-Language"] == "es"
    assert not r.json()["error"].startswith("Request")
    nobody = visitor()
    codes(lambda: nobody.post(REFRESH, BAD), PUBLIC)
    r = nobody.post(REFRESH + "?lang=de", BAD)
    refused(r)
    assert r.headers["Content-Language"] == "de"


def wait_of(limit):
    """The expected Retry-After if all requests were in this minute: the rest
    of it, and the time until one of them has left the sliding window."""
    return math.ceil(60 - time.monotonic() % 60 + 60 / limit)


def test_the_minute_slides(visitor):
    """What was asked in the minute before counts, less and less."""
    one = visitor()
    minute = time.monotonic() // 60
    codes(lambda: one.post(REFRESH, BAD), PUBLIC)
    early = wait_of(PUBLIC)
    wait = refused(one.post(REFRESH, BAD))
    late = wait_of(PUBLIC)
    if time.monotonic() // 60 == minute:
        assert late <= wait <= early
    # to be refused costs nothing more
    waits = [refused(one.post(REFRESH, BAD)) for _ in range(20)]
    assert max(waits) <= wait and waits == sorted(waits, reverse=True)


def test_who_comes_at_once_is_counted_once(visitor, stack):
    """Two workers, one table: not one more than the limit passes."""
    emil = visitor("emil")
    got, lock = [], threading.Lock()

    def ask():
        client = stack.client()
        code = client.get("/api/users/", token=emil.token).status_code
        with lock:
            got.append(code)
    threads = [threading.Thread(target=ask) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [200] * USER + [429] * (30 - USER)


def test_refusals_are_counted(visitor, stack):
    before = status(stack)["refusals"]
    one = visitor()
    codes(lambda: one.post(REFRESH, BAD), PUBLIC + 3)
    codes(lambda: one.post(LOG_IN, NOBODY), LOGIN + 2)
    after = status(stack)["refusals"]
    assert {k: after[k] - before[k] for k in after} == {
        "public": 3, "login": 2, "code": 0, "user": 0, "name": 0,
        "search": 0, "write": 0}


def test_a_reload_forgets_nobody_and_0_is_any_number(visitor, stack):
    one = visitor()
    codes(lambda: one.post(REFRESH, BAD), PUBLIC)
    reload(stack)
    refused(one.post(REFRESH, BAD))
    reload(stack, limit_public=0, limit_login=0, limit_user=0, limit_code=0)
    assert codes(lambda: one.post(REFRESH, BAD), 30) == [401] * 30
    assert codes(lambda: one.post(LOG_IN, NOBODY), 6) == [401] * 6
    bob = visitor("bob")
    assert codes(lambda: bob.get("/api/users/"), 30) == [200] * 30
    reload(stack, limit_public=PUBLIC)
    refused(one.post(REFRESH, BAD))
