# SPDX-License-Identifier: GPL-3.0-or-later
"""No reader ever sees an answer from before a change: random writes and reads
against a second instance that keeps no answers, while memcached is frozen,
killed, emptied and started again, and while workers are killed."""

import concurrent.futures
import json
import os
import pathlib
import random
import re
import signal
import socket
import threading
import time

import pytest
import requests

import stack as stack_module
from client import Client
from stack import wait_until

WORLD = "catalogue"
SEED = int(os.environ.get("MXM_TEST_SEED", "0")) or random.SystemRandom() \
    .randrange(10 ** 9)
USERS = ("ana", "bob", "carla")
MOVIES = ("amelie", "the-godfather", "heat", "volver", "the-matrix",
          "city-of-god", "nowhere")
READS = (
    "/api/movies/",
    "/api/movies/searching/",
    "/api/movies/searching/?name=the&limit=3",
    "/api/movies/searching/?stars=4&stars=5",
    "/api/movies/searching/?marked_unseen=true",
    "/api/movies/searching/?name=godfahter&page=1",
    "/api/genres/",
    "/api/platforms/",
    "/api/users/",
    "/api/users/preferred-language/",
    *(f"/api/movies/{m}/ratings/" for m in MOVIES),
    *(f"/api/movies/{m}/" for m in MOVIES),
)


# In which order these stand follows everybody's ratings, and what others do may
# be seen late (as long as the answer is kept), as may the reasons that lie with
# others; what is in them may not.
ORDER_MAY_LAG = ("/api/movies/",)
OTHERS = ("friend", "popular")


class Oracle(stack_module.Stack):
    """A second mxmd and nginx on the database of another stack, without a
    cache."""

    def __init__(self, other):
        self.other = other
        super().__init__(other.cluster, jobs=False)
        other.cluster.drop(self.database)
        self.database = other.database

    def settings(self):
        return {**super().settings(), "cache_servers": "",
                "public_origin": self.other.tls_url}

    def start_memcached(self):
        pass

    def stop(self):
        for process in (self.nginx, self.mxmd):
            process.stop()


@pytest.fixture(scope="module")
def oracle(stack):
    made = Oracle(stack)
    try:
        yield made.start()
    finally:
        made.close()


def bare(answer, in_any_order):
    """What is compared of an answer: its bytes, or its movies by number."""
    if not in_any_order or answer.status_code != 200:
        return answer.content
    movies = sorted(answer.json(), key=lambda movie: movie["id"])
    return [{**movie, "because": [why for why in movie["because"]
                                  if why["kind"] not in OTHERS]}
            for movie in movies]


class Play:
    """The two instances, the members, and the dice."""

    def __init__(self, stack, oracle, seed):
        self.stack, self.oracle = stack, oracle
        self.dice = random.Random(seed)
        self.members = {}
        for name in USERS:
            mine = stack.client(name)
            truth = Client(oracle)
            truth.token = mine.token
            self.members[name] = (mine, truth)
        self.compared = 0

    def write(self):
        """A random change by a random member; gives the answer."""
        who, _ = self.members[self.dice.choice(USERS)]
        movie = f"/api/movies/{self.dice.choice(MOVIES)}"
        stars = {"rating": self.dice.randint(1, 5)}
        what = self.dice.choice(("rate", "rate", "change", "change", "mark",
                                 "unmark", "language", "board"))
        if what == "rate":
            return who.post(f"{movie}/ratings/", json=stars)
        if what == "change":
            return who.put(f"{movie}/ratings/", json=stars)
        if what == "mark":
            return who.post(f"{movie}/unseen/")
        if what == "unmark":
            return who.delete(f"{movie}/unseen/")
        if what == "board":
            return who.post("/api/users/onboarding/")
        code = self.dice.choice(("en", "es", "fr", "de"))
        return who.post("/api/users/preferred-language/",
                        json={"preferred_language": code})

    def read(self, name, path):
        """The same from both: status, body and ETag."""
        in_any_order = path in ORDER_MAY_LAG
        mine, truth = self.members[name]
        got, want = mine.get(path), truth.get(path)
        assert got.status_code == want.status_code, \
            f"{name} {path}: {got.status_code}, not {want.status_code}"
        assert bare(got, in_any_order) == bare(want, in_any_order), (
            f"{name} {path} is stale (seed {SEED}):\n"
            f"{json.dumps(got.json(), indent=1)[:3000]}\n--- not\n"
            f"{json.dumps(want.json(), indent=1)[:3000]}")
        if not in_any_order:
            assert got.headers.get("ETag") == want.headers.get("ETag")
        self.compared += 1

    def read_some(self, n):
        for _ in range(n):
            self.read(self.dice.choice(USERS), self.dice.choice(READS))

    def read_all(self):
        for name in USERS:
            for path in READS:
                self.read(name, path)

    def steps(self, n):
        for _ in range(n):
            answer = self.write()
            assert answer.status_code < 500, answer.text
            self.read_some(self.dice.randint(1, 6))


@pytest.fixture
def play(stack, oracle):
    print(f"seed {SEED}")
    made = Play(stack, oracle, SEED)
    made.read_all()
    return made


def counter(stack, word):
    """How many requests were answered with that word of the cache."""
    status = json.loads(stack.ctl("status --json").stdout)
    return status["cache"][word]


def bypass(stack):
    """Do answers pass the cache by?"""
    return json.loads(stack.ctl("status --json").stdout)["cache"]["bypass"]


def memcached_says(stack, command):
    """Sends a command to memcached and waits for OK."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(str(stack.cache_socket))
        s.sendall(command + b"\r\n")
        assert s.recv(100).startswith(b"OK")


def test_random_writes_and_reads(play):
    play.steps(120)
    play.read_all()
    play.read_all()


def test_a_member_reads_her_write_at_once(play):
    """Also through a kept connection that another worker may serve."""
    for stars in (1, 2, 3, 4, 5, 4, 3, 2, 1) * 3:
        mine, _ = play.members["ana"]
        answer = mine.put("/api/movies/heat/ratings/", json={"rating": stars})
        if answer.status_code == 404:
            mine.post("/api/movies/heat/ratings/", json={"rating": stars})
        for _ in range(4):
            with requests.Session() as other:
                got = other.get(mine.base + "/api/movies/heat/ratings/",
                                headers={"Authorization":
                                         f"Bearer {mine.token}"})
                assert got.json()["rating"] == stars


def test_emptied(play):
    for _ in range(6):
        play.steps(3)
        memcached_says(play.stack, b"flush_all")
        play.read_some(10)
    play.read_all()


def test_frozen(play):
    for _ in range(3):
        play.steps(3)
        play.stack.memcached.signal(signal.SIGSTOP)
        try:
            play.steps(4)
        finally:
            play.stack.memcached.signal(signal.SIGCONT)
        play.read_some(20)
        play.steps(3)
    play.read_all()


def test_frozen_for_a_moment(play):
    """Shorter than a time-out, or a little longer, over and over."""
    for _ in range(12):
        play.stack.memcached.signal(signal.SIGSTOP)
        play.write()
        play.stack.memcached.signal(signal.SIGCONT)
        play.read_some(8)
    play.read_all()


def read_at_once(who, path, n):
    """n answers to requests that are under way together, so that every worker
    has some."""
    def one(_):
        return requests.get(who.base + path, timeout=30, headers={
            "Authorization": f"Bearer {who.token}"}).json()
    with concurrent.futures.ThreadPoolExecutor(n) as pool:
        return list(pool.map(one, range(n)))


def who_hits(stack, who, path):
    """The workers that answer this from the cache."""
    mark = stack.mark()
    read_at_once(who, path, 16)
    return set(re.findall(r"mxmd\[(\d+)\].* cache=hit ",
                          stack.log("mxmd", mark)))


def test_a_raise_that_failed_is_known_to_all_workers(play):
    """One worker has found memcached frozen; the others, who have not noticed,
    must not believe it when it is back."""
    stack, (mine, _) = play.stack, play.members["ana"]
    path = "/api/movies/heat/ratings/"
    if mine.get(path).status_code == 404:
        mine.post(path, json={"rating": 5})
    for stars in (1, 2, 3, 4):
        wait_until(lambda: len(who_hits(stack, mine, path)) == 2,
                   "both workers take it from the cache", 30)
        stack.jobs.stop()
        stack.memcached.signal(signal.SIGSTOP)
        answer = mine.put(path, json={"rating": stars})
        stack.memcached.signal(signal.SIGCONT)
        assert answer.status_code == 200
        seen = [a["rating"] for a in read_at_once(mine, path, 16)]
        stack.start_jobs()
        assert seen == [stars] * 16


def test_killed_and_started(play):
    for _ in range(3):
        play.stack.memcached.kill()
        play.steps(4)
        play.stack.start_memcached()
        play.steps(4)
    play.read_all()


def test_it_is_kept_again_when_all_is_well(play):
    """The bypass ends: a second read of the same comes from the cache."""
    def is_kept():
        before = counter(play.stack, "hits")
        for _ in range(5):
            play.read("ana", "/api/genres/")
        return counter(play.stack, "hits") > before
    wait_until(is_kept, "answers are kept again", 30)


def workers(stack):
    task = pathlib.Path(f"/proc/{stack.mxmd.pid}/task/{stack.mxmd.pid}"
                        "/children")
    return [int(p) for p in task.read_text().split()]


def wait_touches(stack):
    """Until what was committed so far has been raised by mxm-jobs."""
    newest = stack.value("SELECT coalesce(max(id), 0) FROM touch")
    wait_until(lambda: stack.value(
        "SELECT count(*) FROM touch WHERE id <= %s", [newest]) == 0,
        "touches are raised", 30, stack.jobs)


def post_quietly(who, path, body):
    try:
        who.post(path, json=body, check=False)
    except requests.RequestException:
        pass


def die_between(play, code):
    """A language is committed, and its worker dies before it could raise: while
    the row is locked memcached is frozen, so that the raise has to wait. (A POST:
    nginx sends it to no other worker.)"""
    stack, (mine, _) = play.stack, play.members["ana"]
    waits = ("SELECT count(*) FROM pg_stat_activity WHERE datname = "
             "current_database() AND wait_event_type = 'Lock'")
    language = "SELECT preferred_language FROM account WHERE id = 1"
    holder = stack.cluster.connect(stack.database)
    holder.autocommit = False
    holder.cursor().execute(language + " FOR UPDATE")
    writer = threading.Thread(target=post_quietly, args=(
        mine, "/api/users/preferred-language/", {"preferred_language": code}))
    writer.start()
    try:
        wait_until(lambda: stack.value(waits) > 0, "the writer waits")
        stack.memcached.signal(signal.SIGSTOP)
        holder.rollback()
        wait_until(lambda: stack.value(language) == code, "the commit")
        for pid in workers(stack):
            os.kill(pid, signal.SIGKILL)
    finally:
        holder.close()
        writer.join()
        stack.memcached.signal(signal.SIGCONT)
    stack.wait_healthy()


def test_death_between_commit_and_raise(play):
    """Nobody but table touch knows of the change: a reader is fooled until
    mxm-jobs has been there, and never after."""
    stack, (mine, _) = play.stack, play.members["ana"]
    path = "/api/users/preferred-language/"
    fooled = False
    for turn in range(10):
        code = ("es", "fr", "de", "en")[turn % 4]
        mine.post(path, json={"preferred_language": "en" if code != "en"
                              else "es"})
        wait_until(lambda: not bypass(stack), "the cache is in use", 30)
        play.read("ana", path)
        play.read("ana", path)
        stack.jobs.stop()
        die_between(play, code)
        fooled = mine.get(path).json()["preferred_language"] != code
        stack.start_jobs()
        wait_touches(stack)
        play.read("ana", path)
        if fooled:
            break
    assert fooled, "the moment was never met"
    play.read_all()


def test_workers_killed_under_writes(play):
    """A worker that dies between commit and raise leaves its touches."""
    deadline = time.monotonic() + 6
    died = 0
    while time.monotonic() < deadline and died < 8:
        victim = play.dice.choice(workers(play.stack) or [0])
        for i in range(play.dice.randint(1, 6)):
            try:
                play.write()
            except requests.RequestException:
                pass
        if victim:
            try:
                os.kill(victim, signal.SIGKILL)
                died += 1
            except ProcessLookupError:
                pass
        try:
            play.write()
        except (requests.RequestException, AssertionError):
            pass
        play.stack.wait_healthy()
    assert died >= 3
    play.stack.wait_ready()
    wait_touches(play.stack)
    play.read_all()


def test_the_jobs_were_away(play):
    """Without mxm-jobs a worker that is alive raises by itself; what one that
    died has left is raised when mxm-jobs is back."""
    play.stack.jobs.stop()
    play.steps(10)
    play.stack.start_jobs()
    wait_touches(play.stack)
    play.read_all()


def test_frozen_without_the_jobs(play):
    """What could not be raised keeps readers from the cache until it is."""
    play.stack.jobs.stop()
    play.stack.memcached.signal(signal.SIGSTOP)
    play.steps(3)
    play.stack.memcached.signal(signal.SIGCONT)
    play.steps(6)
    play.read_all()
    play.stack.start_jobs()
    wait_touches(play.stack)
    play.steps(6)
    play.read_all()
