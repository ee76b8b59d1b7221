# SPDX-License-Identifier: GPL-3.0-or-later
"""A slow component must not block other requests: a locked table, a frozen
database. Measured is the longest time without an answer to any client of a
cached route or of /healthz, with and without the fault."""

import contextlib
import itertools
import os
import signal
import socket
import threading
import time

import pytest
import requests

import life
import stack as stack_module
from life import lock, state, wait_for_lock, workers
from stack import wait_until

SETTINGS = {"workers": 4, "slow_workers": 1, "lock_timeout": "500ms"}

CACHED = ("/api/movies/heat/", "/api/genres/", "/api/users/")
CLIENTS = 8  # that ask for what needs the database


@pytest.fixture(scope="module")
def token(far):
    return far.client("ana").token


class Traffic(life.Threads):
    """Clients that ask without a pause until the block ends."""

    def __init__(self, stack, token, paths, clients):
        self.url, self.paths = stack.url, paths
        self.headers = {"Authorization": f"Bearer {token}"}
        super().__init__(*[self.run] * clients)
        self.good, self.statuses, self.faults = [], [], []

    def run(self):
        with requests.Session() as session:
            session.trust_env = False
            while not self.stop.is_set():
                self.ask(session)

    def ask(self, session):
        path = next(self.paths)
        try:
            r = session.get(self.url + path, headers=self.headers, timeout=60)
        except requests.RequestException as e:
            self.faults.append((path, e))
            return
        self.statuses.append(r.status_code)
        if r.status_code == 200:
            self.good.append(time.monotonic())

    def gap(self, begin, end):
        """The longest time without a good answer between the two."""
        times = sorted([begin, end, *(t for t in self.good
                                      if begin < t < end)])
        return max(b - a for a, b in zip(times, times[1:]))


class Endless:
    """Paths for many threads."""

    def __init__(self, make):
        self.numbers = itertools.count()
        self.make = make
        self.lock = threading.Lock()

    def __next__(self):
        with self.lock:
            return self.make(next(self.numbers))


def full(server):
    """Connects until the frozen server's queue takes no more."""
    waiting = []
    with contextlib.suppress(BlockingIOError):
        while True:
            waiting.append(socket.socket(socket.AF_UNIX))
            waiting[-1].setblocking(False)
            waiting[-1].connect(str(server.run / ".s.PGSQL.5432"))
    return waiting


@contextlib.contextmanager
def frozen(server):
    """Stops every process of PostgreSQL, the way a dying disk does."""
    master = server.process.pid
    with open(f"/proc/{master}/task/{master}/children",
              encoding="ascii") as f:
        pids = [master, *map(int, f.read().split())]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: all(state(p) in ("T", "Z", None) for p in pids),
                   "PostgreSQL is frozen")
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def more(traffic, n):
    enough = len(traffic.statuses) + n
    wait_until(lambda: len(traffic.statuses) >= enough, "traffic flows",
               timeout=120)


def endure(cached, health, needy, marks):
    """Sees the fault's effect, and enough of the others' answers under it."""
    marks.append(time.monotonic())
    refused = needy.statuses.count(503)
    wait_until(lambda: needy.statuses.count(503) > refused + 20,
               "requests are refused", timeout=120)
    more(cached, 500)
    more(health, 200)
    marks.append(time.monotonic())


def heals(needy):
    good = len(needy.good)
    wait_until(lambda: len(needy.good) > good + 20, "it heals", timeout=60)


@contextlib.contextmanager
def measured(stack, token, need):
    """Yields (cached traffic, traffic that needs the database, marks); marks
    is filled with the control's begin and end, and then with the fault's."""
    cached = Endless(lambda n: CACHED[n % len(CACHED)])
    health = Endless(lambda n: "/healthz")
    with Traffic(stack, token, cached, 2) as cached, \
            Traffic(stack, token, health, 1) as health, \
            Traffic(stack, token, need, CLIENTS) as needy:
        more(cached, 100)
        begin = time.monotonic()
        more(needy, 200)
        more(cached, 200)
        marks = [begin, time.monotonic()]
        yield cached, health, needy, marks
    for traffic in (cached, health, needy):
        assert not traffic.faults, traffic.faults[:3]
        assert set(traffic.statuses) <= {200, 503}


def judge(traffics, marks, figure):
    """At most a second; a machine that is busy with other things has gaps
    without any fault, which count as well."""
    for name, traffic in traffics.items():
        control = traffic.gap(*marks[:2])
        gap = traffic.gap(*marks[2:])
        figure(f"{name}: longest time without an answer",
               f"{gap:.2f} s (without the fault {control:.2f} s)")
        assert gap < 1 + 5 * control, (name, gap, control)


def searches():
    return Endless(lambda n: f"/api/movies/searching/?name=e&page={n}")


def test_postgresql_is_frozen(far, server, token, figure):
    crew = workers(far)
    with measured(far, token, searches()) as (cached, health, needy, marks):
        with frozen(server):
            marks.append(time.monotonic())
            refused = needy.statuses.count(503)
            wait_until(lambda: needy.statuses.count(503) > refused + 20,
                       "requests are refused", timeout=60)
            more(needy, 3000)  # workers look at the database meanwhile
            more(cached, 100)
            more(health, 50)
            marks.append(time.monotonic())
            figures = far.client().get("/metrics").text
            assert "\nmoviesxmovies_database_up 0\n" in figures
        back = time.monotonic()
        good = len(needy.good)
        wait_until(lambda: len(needy.good) > good + 20, "it heals",
                   timeout=60)
        figure("until 20 requests were answered again",
               f"{needy.good[good + 20] - back:.2f} s")
    judge({"cached": cached, "/healthz": health}, marks, figure)
    assert workers(far) == crew
    text = far.mxmd.text()
    assert "database: the server does not answer; requests" in text
    assert "database: the server answers again" in text


def test_its_queue_is_full(far, server, token, figure):
    """A connection is then refused at once, which is no sign of life."""
    with measured(far, token, searches()) as (cached, health, needy, marks):
        with frozen(server):
            waiting = full(server)
            endure(cached, health, needy, marks)
            for one in waiting:
                one.close()
        heals(needy)
    judge({"cached": cached, "/healthz": health}, marks, figure)


def test_a_command_is_stopped_while_it_is_frozen(far, server):
    """The cancel request is sent to a server that does not answer."""
    command = stack_module.Process("mxmctl", far.base / "stopped.log")
    with lock(far, "rating"):
        command.start([stack_module.BUILD / "mxmctl", "--config", far.conf,
                       "recommend", "train"], env=stack_module.environment())
        wait_for_lock(far)
        with frozen(server):
            command.stop(signal.SIGINT, timeout=20)


def rated():
    return Endless(lambda n: f"/api/movies/searching/?stars[]=5&page={n}")


def test_a_table_is_locked(far, token, figure):
    crew = workers(far)
    with measured(far, token, rated()) as (cached, health, needy, marks):
        with lock(far, "rating"):
            endure(cached, health, needy, marks)
        heals(needy)
    judge({"cached": cached, "/healthz": health}, marks, figure)
    assert workers(far) == crew


def test_a_write_gives_up_a_lock(far, token):
    client = far.client()
    client.token = token
    with lock(far, "unseen"):
        r = client.post("/api/movies/volver/unseen/")
        assert r.status_code == 503
        assert int(r.headers["Retry-After"]) > 0
    wait_until(lambda: client.request("DELETE", "/api/movies/volver/unseen/",
                                      check=False).status_code in (200, 400),
               "it heals")


def test_workers_start_while_it_is_frozen(far, server, token):
    """A new crew has no connection yet; its health needs none."""
    with frozen(server):
        far.reload_mxmd()
        client = far.client()
        client.token = token
        wait_until(lambda: client.get("/healthz").status_code == 200,
                   "workers answer")
        r = client.get("/api/movies/searching/?name=new")
        assert r.status_code == 503
        assert client.get("/healthz").status_code == 200
    wait_until(lambda: client.request(
        "GET", "/api/movies/searching/?name=newer",
        check=False).status_code == 200, "it heals")
