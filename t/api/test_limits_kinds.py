# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of searches and writes, limits that survive a restart, turns of hashing,
and the limits of nginx."""

import concurrent.futures
import contextlib
import fcntl
import itertools
import json
import os
import re
import shutil
import signal
import socket
import time

import pytest
import requests

import world
from life import (children, fcgi_answer, fcgi_request, reload,
                  wait_whole)
from stack import ROOT, wait_until

SETTINGS = {"limit_login": 6, "slow_workers": 2, "hash_places": 1}

SEARCH = "/api/movies/searching/?name=heat"
MARK = "/api/movies/heat/unseen/"
LOGIN = "/api/auth/login/"
NOBODY = {"username": "nobody-here", "password": "wrong"}


@pytest.fixture
def limits(stack):
    """Sets limits for a test."""
    def change(**settings):
        reload(stack, **settings)
    yield change
    reload(stack, limit_search=0, limit_write=0, limit_login=6, limit_name=0)


def refused(r):
    assert r.status_code == 429, r.text
    assert 1 <= int(r.headers["Retry-After"]) <= 120


def test_searches_by_account(limits, ana, bob):
    limits(limit_search=3)
    assert [ana.get(SEARCH).status_code for _ in range(3)] == [200] * 3
    refused(ana.get(SEARCH))
    refused(ana.get("/api/persons/searching/"))
    assert ana.get("/api/movies/heat/").status_code == 200
    assert ana.delete(MARK).status_code in (200, 400)
    assert bob.get(SEARCH).status_code == 200


def test_writes_by_account(limits, stack, fay, bob):
    limits(limit_write=3)
    stack.sql("DELETE FROM unseen")
    assert fay.post(MARK).status_code == 200
    assert [fay.post(MARK).status_code for _ in range(2)] == [400] * 2
    stack.sql("DELETE FROM unseen")
    refused(fay.post(MARK))
    refused(fay.delete(MARK))
    refused(fay.post("/api/users/preferred-language/",
                     {"preferred_language": "de"}))
    assert stack.value("SELECT count(*) FROM unseen") == 0
    assert [fay.get(SEARCH).status_code for _ in range(5)] == [200] * 5
    assert bob.post(MARK).status_code == 200


def send(stack, pool, address, method, path, body=b"{}", **more):
    """A request from an address of the test's choice."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(stack.base / f"run/{pool}.sock"))
        s.sendall(fcgi_request(method, path, body, REMOTE_ADDR=address,
                               **more))
        return fcgi_answer(s)[0]


def test_many_accounts_of_one_address(limits, stack):
    """Ten times the limit of one account."""
    stack.sql("INSERT INTO account (username, email, password, first_name, "
              "last_name, verified) SELECT 'bot' || n, 'bot' || n || "
              "'@example.org', password, '', '', true FROM account, "
              "generate_series(1, 11) AS n WHERE username = 'ana'")
    limits(limit_login=0, limit_write=1)
    tokens = [stack.client(f"bot{n}").token for n in range(1, 12)]

    def mark(token, address):
        return send(stack, "fast", address, "POST", MARK,
                    HTTP_AUTHORIZATION=f"Bearer {token}")
    here = [mark(token, "192.0.2.1") for token in tokens]
    assert here == [200] * 10 + [429]
    assert mark(stack.client("emil").token, "192.0.2.2") == 200


# -------------------------------------------------------------- restarting --

def log_in(stack, address):
    return send(stack, "slow", address, "POST", LOGIN,
                json.dumps(NOBODY).encode())


def test_log_ins_are_counted_across_a_restart_of_everything(stack):
    address = "203.0.113.5"
    assert [log_in(stack, address) for _ in range(6)] == [401] * 6
    assert log_in(stack, address) == 429
    stack.mxmd.kill()
    stack.jobs.stop()
    stack.memcached.kill()
    # as after a boot, when /run is empty
    for path in (stack.base / "run").iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    stack.start_memcached()
    stack.start_jobs()
    stack.start_mxmd()
    wait_whole(stack)
    assert log_in(stack, address) == 429
    assert log_in(stack, "203.0.113.6") == 401


def test_the_file_of_limits_does_not_grow(stack):
    path = stack.base / "limits"
    before = path.stat()
    assert before.st_size < 200_000 and before.st_mode & 0o777 == 0o600
    for n in range(300):
        log_in(stack, f"2001:db8:{n:x}::1")
    assert path.stat().st_size == before.st_size


def test_without_the_file_the_limits_hold_until_a_restart(stack):
    stack.restart_mxmd(limits_file="/nonexistent/limits")
    try:
        assert "will not survive a restart" in stack.mxmd.text()
        address = "203.0.113.7"
        assert [log_in(stack, address) for _ in range(7)] == [401] * 6 + [429]
    finally:
        stack.restart_mxmd(limits_file=stack.base / "limits")


# ----------------------------------------------------------------- hashing --

@contextlib.contextmanager
def place_taken(stack):
    """Takes the only place to hash a password, as a worker does."""
    with open(stack.base / "run/mxm.shm", "r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX, 1, 0)
        yield


def test_only_so_many_passwords_are_hashed_at_once(stack, ana):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        with place_taken(stack):
            waiting = [pool.submit(log_in, stack, f"198.51.100.{n}")
                       for n in range(2)]
            # both workers of the slow pool wait; what does not hash goes on
            assert ana.get("/api/movies/heat/").status_code == 200
            assert not any(w.done() for w in waiting)
        assert [w.result() for w in waiting] == [401, 401]


def test_who_waits_too_long_for_a_place_gets_503(limits, stack, client):
    limits(limit_login=0)
    with place_taken(stack):
        began = time.monotonic()
        r = client.post(LOGIN, {"username": "ana", "password": "wrong"})
        assert r.status_code == 503 and time.monotonic() - began >= 5
        assert int(r.headers["Retry-After"]) >= 1
        # what is refused before a password is hashed needs no place
        assert client.post(LOGIN, {"username": "ana"}).status_code == 400
    assert client.login("ana", world.PASSWORD).token


def hashed_seconds(stack):
    """CPU time of the processes that hash."""
    ticks = 0
    for pid in re.findall(r"\d+", open(
            f"/proc/{stack.mxmd.pid}/task/{stack.mxmd.pid}/children",
            encoding="ascii").read()):
        stat = open(f"/proc/{pid}/stat", encoding="ascii").read()
        name, _, rest = stat.partition(")")
        if name.endswith("mxmd/slow"):
            ticks += sum(map(int, rest.split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def test_a_log_in_costs_the_same_whether_the_account_exists(limits, stack):
    """In CPU time, of which hashing is nearly all: one hash for each."""
    limits(limit_login=0)

    def cost(name):
        before = hashed_seconds(stack)
        for _ in range(25):
            assert send(stack, "slow", "192.0.2.9", "POST", LOGIN, json.dumps(
                {"username": name, "password": "wrong"}).encode()) == 401
        return hashed_seconds(stack) - before
    costs = {name: cost(name) for name in
             ("ana", "nobody-here", "ana@example.org", "none@example.org",
              "gone")}
    assert min(costs.values()) > 0
    # twice as many hashes, or none, would be far outside
    assert max(costs.values()) < 1.5 * min(costs.values()), costs


# ------------------------------------------------------------------- nginx --

@pytest.fixture
def changed_nginx(stack):
    """Serves with changed lines of mxm-http.conf."""
    path = stack.base / "nginx/mxm-http.conf"
    whole = path.read_text()

    def change(*pairs):
        text = whole
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)
        renew_nginx(stack)
    yield change
    path.write_text(whole)
    renew_nginx(stack)


def renew_nginx(stack):
    """Reads the configuration again, and waits for the end of processes that
    have the old one."""
    before = children(stack.nginx.pid)
    stack.nginx.signal(signal.SIGHUP)
    wait_until(lambda: not before & children(stack.nginx.pid),
               "nginx has read its configuration", alive=stack.nginx)
    stack.wait_healthy()


# Takes the address of the client from a header, as behind another proxy.
PROXIED = ("log_format mxm ",
           "set_real_ip_from 127.0.0.0/8;\nreal_ip_header X-Client;\n"
           "log_format mxm ")


def test_an_address_is_one_caller_in_nginx_too(stack, changed_nginx):
    changed_nginx(PROXIED, ("zone=mxm_all:10m rate=200r/s",
                            "zone=mxm_all:10m rate=1r/m"))
    site = stack.base / "nginx/mxm-site.conf"
    whole = site.read_text()
    site.write_text(whole.replace("zone=mxm_all burst=1000",
                                  "zone=mxm_all burst=3"))
    renew_nginx(stack)
    try:
        for spellings, other in (
                (["2001:db8:5::1", "2001:db8:5::2", "2001:db8:5:0:9::3"],
                 "2001:db8:5:1::1"),
                (["198.51.100.9", "::ffff:198.51.100.9", "::ffff:c633:6409",
                  "64:ff9b::198.51.100.9"], "::ffff:198.51.100.10")):
            def ask(address):
                return requests.get(stack.url + "/api/",
                                    headers={"X-Client": address}, timeout=10)
            cycle = itertools.cycle(spellings)
            got = [ask(next(cycle)).status_code for _ in range(6)]
            assert got == [200] * 4 + [429] * 2
            r = ask(spellings[0])
            assert r.headers["Retry-After"] and r.json()["error"]
            assert ask(other).status_code == 200
    finally:
        site.write_text(whole)


DEFAULTS = {name: value for name, value in re.findall(
    r'SETTING\((limit_\w+), LIMIT, "(\d+)"',
    (ROOT / "src/settings.def").read_text())}


def test_a_home_page_fits_into_the_default_limits(stack, changed_nginx):
    """250 requests at once, twice; of an address that is not this host's, as
    all addresses of clients."""
    assert {"limit_user", "limit_public", "limit_search"} <= set(DEFAULTS)
    before = {name: stack.settings().get(name) for name in DEFAULTS}
    changed_nginx(PROXIED)
    reload(stack, **DEFAULTS)
    try:
        token = stack.client("ana").token
        paths = itertools.cycle(("/api/movies/heat/", "/api/genres/",
                                 "/api/users/", "/api/platforms/",
                                 "/api/users/bob/"))

        def get(path):
            return requests.get(
                stack.url + path, timeout=30, headers={
                    "X-Client": "198.51.100.77",
                    "Authorization": f"Bearer {token}"}).status_code
        with concurrent.futures.ThreadPoolExecutor(250) as pool:
            got = list(pool.map(get, itertools.islice(paths, 500)))
        assert got == [200] * 500
    finally:
        reload(stack, **before)
