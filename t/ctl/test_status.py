# SPDX-License-Identifier: GPL-3.0-or-later
"""mxmctl status: workers, requests, times, the cache and events, while mxmd
runs, while it reloads, and after it has ended."""

import contextlib
import json
import os
import re
import signal

import pytest

import stack as stack_module
from life import (Call, children, events, lock, reload, state, status,
                  wait_for_lock, wait_idle, wait_whole, workers)
from stack import wait_until, write_conf

SETTINGS = {"workers": 2, "slow_workers": 1}

DETAIL = "GET /api/movies/{movie}/"
HEAT = "/api/movies/heat/"


def counts(stack):
    """Requests so far: {(route, status): count}."""
    wait_idle(stack)
    return {(r["route"], r["status"]): r["count"]
            for r in status(stack)["requests"]}


def more(after, before):
    """What was counted between the two."""
    return {k: after[k] - before.get(k, 0) for k in after
            if after[k] != before.get(k, 0)}


def test_requests_by_route_and_status(stack, ana, client):
    before = counts(stack)
    tag = [ana.get(HEAT).headers["ETag"] for _ in range(4)][0]
    ana.get(HEAT, headers={"If-None-Match": tag})
    for _ in range(2):
        ana.get("/api/movies/there-is-none/")
    ana.request("HEAD", HEAT)
    ana.request("OPTIONS", HEAT)
    ana.delete(HEAT)
    client.get(HEAT)
    client.get("/api/nowhere/")
    client.post("/api/auth/login/", {"username": "x", "password": "y"})
    assert more(counts(stack), before) == {
        (DETAIL, 200): 5, (DETAIL, 304): 1, (DETAIL, 404): 2,
        (DETAIL, 401): 1, ("POST /api/auth/login/", 401): 1,
        ("(no route)", 404): 1, ("(no route)", 405): 1,
        ("(no route)", 204): 1}


def test_every_route_has_its_place(stack):
    """Names as mxmctl routes has them, in its order."""
    rows = json.loads(stack.ctl("--json routes").stdout)
    names = [f"{r['method']} {r['path']}" for r in rows]
    seen = [r["route"] for r in status(stack)["requests"]
            if r["route"] != "(no route)"]
    assert seen and set(seen) <= set(names)
    assert [names.index(n) for n in seen] == sorted(map(names.index, seen))


def test_what_the_cache_did(stack, ana):
    path = "/api/movies/volver/"

    def cache():
        wait_idle(stack)
        return {k: v for k, v in status(stack)["cache"].items()
                if k != "bypass"}
    wait_until(lambda: not status(stack)["cache"]["bypass"],
               "mxm-jobs vouches for the cache")
    before = cache()
    for _ in range(3):
        ana.get(path)
    ana.get("/api/users/preferred-language/")
    ana.get("/api/movies/there-is-none/")
    assert more(cache(), before) == {"misses": 1, "hits": 2, "uncacheable": 2}
    os.kill(stack.memcached.pid, signal.SIGKILL)
    stack.memcached.popen.wait()
    before = cache()
    for _ in range(4):
        ana.get(path)
    assert more(cache(), before) == {"bypassed": 4}
    stack.start_memcached()
    wait_until(lambda: stack.client().get("/readyz").json()["cache"] == "ok",
               "the cache is there again")


def test_workers_and_times(stack, client):
    wait_whole(stack)
    for _ in range(20):
        client.get("/healthz")
    got = status(stack)
    assert got["running"] is True
    assert got["master"] == stack.mxmd.pid
    assert {w["pid"] for w in got["workers"]} == children(stack.mxmd.pid)
    assert sorted(w["pool"] for w in got["workers"]) == ["fast", "fast",
                                                         "slow"]
    assert {w["state"] for w in got["workers"]} == {"ready"}
    assert sum(w["requests"] for w in got["workers"]
               if w["pool"] == "fast") >= 20
    times = got["times"]["fast"]
    assert 0 < times["p50_us"] <= times["p90_us"] <= times["p99_us"]
    assert set(got["refusals"]) == {"public", "login", "code", "user",
                                    "name", "search", "write"}


def test_who_serves_what(stack, ana):
    wait_whole(stack)
    with lock(stack, "movie"):
        call = Call(ana, "/api/movies/searching/?name=serving")
        call.start()
        wait_for_lock(stack)
        busy = [w for w in status(stack)["workers"] if w["serving"]]
        assert [w["serving"] for w in busy] == ["GET /api/movies/searching/"]
        first = busy[0]["busy_us"]
        assert 0 < first < 60_000_000
        busy = [w for w in status(stack)["workers"] if w["serving"]]
        assert busy[0]["busy_us"] > first
    assert call.answer().status_code == 200
    wait_idle(stack)
    assert all(w["busy_us"] == 0 for w in status(stack)["workers"])


def test_a_reload_as_it_is_seen(stack, ana):
    """The old workers drain while the new ones serve, and then end."""
    wait_whole(stack)
    old, before = workers(stack), events(stack)["reloads"]
    generation = {w["generation"] for w in status(stack)["workers"]}
    with lock(stack, "movie"):
        call = Call(ana, "/api/movies/searching/?name=reload")
        call.start()
        wait_for_lock(stack)
        stack.reload_mxmd()
        wait_until(lambda: len(workers(stack, "draining")) == 1
                   and len(workers(stack)) == 3,
                   "one drains beside three new ones")
        got = status(stack)
        draining = [w for w in got["workers"] if w["state"] == "draining"]
        assert draining[0]["serving"] == "GET /api/movies/searching/"
        assert draining[0]["pid"] in old
        assert {w["generation"] for w in got["workers"]
                if w["state"] == "ready"} == {max(generation) + 1}
    assert call.answer().status_code == 200
    wait_whole(stack)
    assert not workers(stack) & old
    assert events(stack)["reloads"] == before + 1


def test_text_for_people(stack, client):
    client.get("/healthz")
    wait_idle(stack)
    got, text = status(stack), stack.ctl("status").stdout
    assert f"mxmd {stack.mxmd.pid}, counting since 20" in text
    assert "not running" not in text
    assert re.search(r"^fast +2 +\d+ +\d+ +\d+$", text, re.M)
    assert re.search(r"^slow +1 +\d+ +\d+ +\d+$", text, re.M)
    rows = re.findall(r"^ *(\d+) +(\d+)  (.*)$", text, re.M)
    assert [(route, int(code), int(n)) for n, code, route in rows] == [
        (r["route"], r["status"], r["count"]) for r in got["requests"]]
    hits = got["cache"]["hits"]
    asked = hits + got["cache"]["misses"] + got["cache"]["bypassed"]
    assert f"answer cache: {hits} of {asked} hits" in text
    assert f"reloads: {got['events']['reloads']}\n" in text


def test_a_new_one_counts_from_nothing(stack, client):
    client.get("/healthz")
    before = status(stack)
    stack.mxmd.stop()
    stack.start_mxmd()
    after = status(stack)
    assert after["master"] == stack.mxmd.pid != before["master"]
    assert after["since_us"] > before["since_us"]
    assert after["events"] == {"restarts": 0, "deadlines": 0, "reloads": 0}
    assert sum(r["count"] for r in after["requests"]) < 10


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_when_it_is_gone(stack, client, number):
    """The counters can be read, and are reported as not running."""
    client.get("/healthz")
    wait_idle(stack)
    before = status(stack)["requests"]
    stack.mxmd.signal(number)
    stack.mxmd.popen.wait(20)
    try:
        done = stack.ctl("status", check=False)
        assert done.returncode == 69
        assert "not running" in done.stdout
        done = stack.ctl("--json status", check=False)
        assert done.returncode == 69
        got = json.loads(done.stdout)
        assert got["running"] is False
        assert got["requests"] == before
    finally:
        stack.start_mxmd()
    assert status(stack)["running"] is True


def test_without_mxmd(tmp_path):
    conf = tmp_path / "mxm.conf"
    write_conf(conf, {"run_dir": tmp_path, "signing_key": "k" * 40})
    for command in ("status", "--json status"):
        done = stack_module.ctl(conf, command, check=False)
        assert done.returncode == 69 and not done.stdout
        assert "check that mxmd is running" in done.stderr
    (tmp_path / "mxm.shm").write_bytes(b"mxm-shm0" + bytes(100))
    done = stack_module.ctl(conf, "status", check=False)
    assert done.returncode == 69
    assert "another release" in done.stderr and "restart" in done.stderr


def test_to_look_changes_nothing(stack):
    shm = stack.base / "run/mxm.shm"
    assert shm.stat().st_mode & 0o777 == 0o640
    wait_idle(stack)
    with held(stack):
        before = shm.read_bytes()
        stack.ctl("status")
        stack.ctl("--json status")
        assert shm.read_bytes() == before
    reload(stack)
    assert shm.read_bytes() != before


@contextlib.contextmanager
def held(stack):
    """Stops processes that write to the counters periodically."""
    pids = [pid for master in (stack.mxmd.pid, stack.jobs.pid)
            for pid in (master, *children(master))]
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
            wait_until(lambda pid=pid: state(pid) == "T", "it stands still")
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
