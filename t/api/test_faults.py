# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong around us, and what a caller sees of it."""

import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest

import stack as stack_module
import world

SLUGS = ["amelie", "volver", "delicatessen", "heat", "the-matrix",
         "city-of-god", "wall-e", "spirited-away"]


@pytest.fixture
def own(cluster):
    """A stack of the test's own, for what is hard on it."""
    made = []

    def start(settings=None, **more):
        made.append(stack_module.Stack(
            cluster, template=world.template(cluster, "catalogue"),
            settings=settings, **more))
        return made[-1].start()

    yield start
    for one in made:
        one.close()


def status(stack):
    return json.loads(stack.ctl("--json status").stdout)


def pids(stack, pool):
    return {w["pid"] for w in status(stack)["workers"] if w["pool"] == pool}


def drop_connections(stack):
    stack.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
              " WHERE datname = current_database()"
              " AND pid <> pg_backend_pid()")


def test_the_slow_pool_does_not_hold_up_the_fast_one(own):
    stack = own()
    ana = stack.client("ana")
    slow = pids(stack, "slow")
    for pid in slow:
        os.kill(pid, signal.SIGSTOP)
    try:
        for _ in range(20):
            assert ana.get("/api/movies/heat/").status_code == 200
    finally:
        for pid in slow:
            os.kill(pid, signal.SIGCONT)
    assert stack.client("bob").token


def test_an_idle_or_half_connection_starves_nobody(own):
    stack = own({"workers": 1})
    ana = stack.client("ana")
    path = str(stack.base / "run/fast.sock")
    held = []
    for what in (b"", b"\x01\x01\x00\x01\x00\x08\x00\x00", b"\x01",
                 b"GET / HTTP/1.1\r\n\r\n", bytes(64), b"\xff" * 4096):
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        if what:
            s.sendall(what)
        held.append(s)
    try:
        for _ in range(10):
            assert ana.get("/api/movies/heat/").status_code == 200
    finally:
        for s in held:
            s.close()
    assert status(stack)["events"]["restarts"] == 0


def test_lost_connections_cost_a_reader_nothing(own):
    stack = own()
    ana = stack.client("ana")
    for slug in SLUGS:
        drop_connections(stack)
        assert ana.get(f"/api/movies/{slug}/").status_code == 200


def test_a_schema_that_changes_under_us(own):
    """503 until it fits, and the log says which command to run, once."""
    stack = own()
    ana = stack.client("ana")
    stack.sql("UPDATE migration SET number = 1000 WHERE number = 1")
    drop_connections(stack)
    mark = stack.mark()
    stack_module.wait_until(lambda: stack.status_of("/readyz") == 503,
                            "/readyz says so")
    r = ana.get("/api/movies/volver/")
    assert r.status_code == 503 and r.headers["Retry-After"]
    assert r.json()["error"]
    stack.wait_log("mxmctl", since=mark)
    stack.sql("UPDATE migration SET number = 1 WHERE number = 1000")
    stack_module.wait_until(
        lambda: ana.get("/api/movies/volver/").status_code == 200,
        "it heals by itself")


def test_no_cache_is_no_error(own):
    stack = own()
    ana = stack.client("ana")
    want = ana.get("/api/movies/heat/").json()
    os.kill(stack.memcached.pid, signal.SIGSTOP)
    try:
        begin = time.monotonic()
        assert ana.get("/api/movies/heat/").json() == want
        assert ana.get("/api/movies/heat/").json() == want
        assert time.monotonic() - begin < 5
        assert stack.status_of("/readyz") == 200
    finally:
        os.kill(stack.memcached.pid, signal.SIGCONT)
    stack.memcached.kill()
    assert ana.get("/api/movies/heat/").json() == want
    assert ana.post("/api/movies/heat/unseen/").status_code == 200
    stack.start_memcached()
    assert ana.get("/api/movies/heat/").json() == want


def test_a_limit_is_told_and_ends(own):
    stack = own({"limit_user": 5, "limit_login": 3})
    ana = stack.client("ana")
    got = [ana.get("/api/movies/heat/") for _ in range(8)]
    assert {r.status_code for r in got} == {200, 429}
    refused = got[-1]
    assert 0 < int(refused.headers["Retry-After"]) <= 120
    assert refused.json()["detail"].startswith("Request was throttled")
    assert refused.json()["error"]
    # another account is not concerned, nor is the class of log-ins
    bob = stack.client("bob")
    assert bob.get("/api/movies/heat/").status_code == 200
    stack.client("carla")
    r = bob.post("/api/auth/login/", {"username": "x", "password": "y"},
                 token=None)
    assert r.status_code == 429 and r.headers["Retry-After"]
    assert status(stack)["refusals"]["user"] == \
        sum(r.status_code == 429 for r in got)


@pytest.mark.parametrize("origin, allowed", [
    ("https://app.example.org", True), ("http://localhost:5173", True),
    ("https://app.example.org:444", False), ("null", False),
    ("https://evil.example.org", False)])
def test_cors(own, origin, allowed):
    stack = own({"cors_origins":
                 "https://app.example.org, http://localhost:5173"})
    ana = stack.client("ana")
    plain = ana.get("/api/movies/heat/", headers={"Origin": origin})
    wrong = ana.get("/api/movies/none/", headers={"Origin": origin})
    asked = ana.request("OPTIONS", "/api/movies/heat/ratings/", token=None,
                        headers={"Origin": origin,
                                 "Access-Control-Request-Method": "PUT",
                                 "Access-Control-Request-Headers":
                                 "authorization,content-type"})
    assert (plain.status_code, wrong.status_code, asked.status_code) == \
        (200, 404, 204)
    for r in (plain, wrong, asked):
        assert "Origin" in r.headers["Vary"]
        if not allowed:
            assert "Access-Control-Allow-Origin" not in r.headers
            continue
        assert r.headers["Access-Control-Allow-Origin"] == origin
        assert r.headers["Access-Control-Allow-Credentials"] == "true"
    if allowed:
        assert "PUT" in asked.headers["Access-Control-Allow-Methods"]
        assert "authorization" in \
            asked.headers["Access-Control-Allow-Headers"].lower()
        assert asked.headers["Access-Control-Max-Age"] == "86400"


def test_the_request_id_goes_all_the_way(own):
    stack = own()
    ana = stack.client("ana")
    mark = stack.mark()
    r = ana.get("/api/movies/heat/")
    stack.wait_log(re.escape(r.headers["X-Request-Id"]) +
                   r"\] GET /api/movies/heat/ 200 ", since=mark)


def test_nothing_secret_is_logged(own):
    stack = own()
    who = stack.client()
    password = "Trilobite-lantern-71"
    r = who.post("/api/auth/signup/?lang=en", {
        "username": "nora", "email": "nora@example.org", "password": password,
        "first_name": "Nora", "last_name": "Nowak"})
    assert r.status_code == 200
    who.login("nora", password)
    code = stack.mail("nora@example.org")
    assert who.post("/api/auth/verify/", {
        "verification_code": code}).status_code == 200
    who.refresh()
    who.get("/api/movies/searching/?name=whatever-secret")
    for name in ("mxmd", "mxm-jobs"):
        log = stack.log(name)
        for secret in (password, code, "nora@example.org", "whatever-secret",
                       who.token, who.refresh_token, stack.signing_key):
            assert secret not in log, (name, secret)


def test_mxmd_links_no_blas():
    done = subprocess.run(["ldd", str(stack_module.BUILD / "mxmd")],
                          capture_output=True, text=True, check=True)
    assert "libc.so" in done.stdout and "blas" not in done.stdout
