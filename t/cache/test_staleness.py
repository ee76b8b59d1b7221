# SPDX-License-Identifier: GPL-3.0-or-later
"""No reader ever sees an answer from before a change: random writes and reads
against a second instance that keeps no answers, while memcached is frozen,
killed, emptied and started again, and while workers are killed.

Every cached row of the route table is read, and every writing row is called
(t/lib/every_row.py). After each write random answers are compared with those of
the second instance at that moment, with no time for them to become right.

    MXM_TEST_STEPS  writes of the random walk (test_random_writes_and_reads): 80 if
                    it is not set; by hand 20000, which takes about 20 minutes:
                    MXM_TEST_STEPS=20000 t/run_checks --build DIR
                    t/cache/test_staleness.py::test_random_writes_and_reads
    MXM_TEST_SEED   the seed of the walk: 1 if it is not set
"""

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

import contract
import made
import stack as stack_module
import world
from client import Client
from every_row import (CATALOGUE, QUERIES, REFUSED, TOGETHER, USERS, VALUES,
                       WRITES, Table)
from stack import wait_until

WORLD = "catalogue"
SEED = int(os.environ.get("MXM_TEST_SEED", "1"))
STEPS = int(os.environ.get("MXM_TEST_STEPS", "80"))


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
                "public_origin": self.other.tls_url,
                "model_file": self.other.base / "model"}

    def start_memcached(self):
        pass

    def stop(self):
        for process in (self.nginx, self.mxmd):
            process.stop()


@pytest.fixture(scope="module")
def oracle(stack):
    found = Oracle(stack)
    try:
        yield found.start()
    finally:
        found.close()


class Answer:
    """What contract.check() and the comparison need of an answer."""

    def __init__(self, head, content):
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status_code, self.content = int(first.split()[1]), content
        self.headers = requests.structures.CaseInsensitiveDict(
            line.split(": ", 1) for line in lines)

    def json(self):
        return json.loads(self.content)


class Reader:
    """GET requests of one user through one connection, with less work for each
    than requests or http.client: half the time of these tests would be theirs."""

    def __init__(self, client):
        self.client = client
        self.port = int(client.base.rpartition(":")[2])
        self.connection = None

    def get(self, path):
        try:
            return self.once(path)
        except ConnectionError:
            self.connection = None  # nginx closes it after some requests
            return self.once(path)

    def once(self, path):
        if self.connection is None:
            self.connection = socket.create_connection(
                ("127.0.0.1", self.port), timeout=60)
        self.connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Authorization: Bearer {self.client.token}\r\n\r\n".encode())
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.more()
        head, _, content = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\nContent-Length: (\d+)", head)
        if length is None:  # no chunks: what is served has a length
            raise AssertionError(f"{path}: {head}")
        while len(content) < int(length[1]):
            content += self.more()
        return Answer(head, content)

    def more(self):
        data = self.connection.recv(1 << 18)
        if not data:
            raise ConnectionResetError("closed")
        return data


class Play:
    """The two instances, the users, and the dice."""

    def __init__(self, stack, oracle, seed):
        self.stack, self.oracle = stack, oracle
        self.dice = random.Random(seed)
        self.table = Table(stack)
        self.by_viewer = {row["key"] for row in self.table.reads
                          if not row["cache"] or row["cache"]["by_viewer"]}
        self.cached = {row["key"] for row in self.table.rows if row["cache"]}
        self.users = {}
        for name in USERS:
            mine = stack.client(name)
            truth = Client(oracle)
            truth.token = mine.token
            self.users[name] = (mine, truth)
        self.readers = {name: tuple(map(Reader, both))
                        for name, both in self.users.items()}
        self.checked = set()
        self.compared = 0

    def write_row(self, row):
        """A change by that row, of a random user and thing; the answer."""
        who, _ = self.users[self.dice.choice(USERS)]
        path = self.dice.choice(list(self.table.paths(row)))
        return who.request(row["method"], path, **WRITES[row["key"]](self, who))

    def write(self):
        """A random change; what hashes a password is rarer."""
        rows = self.table.writes
        weights = [1 if row["pool"] == "SLOW" else 8 for row in rows]
        return self.write_row(self.dice.choices(rows, weights)[0])

    def read(self, name, path):
        """The same from both: status, body and ETag."""
        mine, truth = self.readers[name]
        got, want = mine.get(path), truth.get(path)
        assert got.status_code == want.status_code, \
            f"{name} {path}: {got.status_code}, not {want.status_code}"
        assert got.content == want.content, (
            f"{name} {path} is stale (seed {SEED}):\n"
            f"{json.dumps(got.json(), indent=1)[:3000]}\n--- not\n"
            f"{json.dumps(want.json(), indent=1)[:3000]}")
        assert got.headers.get("ETag") == want.headers.get("ETag")
        self.compared += 1
        if (path, got.content) not in self.checked:  # each answer once
            contract.check("GET", path, got)
            self.checked.add((path, got.content))
        return want.content

    def read_some(self, n):
        paths = self.table.read_paths()
        for _ in range(n):
            self.read(self.dice.choice(USERS), self.dice.choice(paths)[1])

    def read_all(self, cached_only=False):
        """By all users what differs between them, the rest by one of them."""
        for key, path in self.table.read_paths():
            if cached_only and key not in self.cached:
                continue
            for name in USERS if key in self.by_viewer \
                    else (self.dice.choice(USERS),):
                self.read(name, path)

    def truths(self, name):
        """All answers of cached rows by the instance without a cache."""
        return {path: self.readers[name][1].get(path).content
                for key, path in self.table.read_paths() if key in self.cached}

    def steps(self, n):
        for _ in range(n):
            answer = self.write()
            assert answer.status_code < 500, answer.text
            self.read_some(self.dice.randint(4, 12))


@pytest.fixture(scope="module")
def shared_play(stack, oracle):
    stack.pass_periods()
    made.rate_all(stack)
    made.train(stack)
    made.wait_for_model(Client(oracle).login("bob", world.PASSWORD))
    play = Play(stack, oracle, SEED)
    play.read_all()
    yield play
    print(f"{play.compared} comparisons")


@pytest.fixture
def play(shared_play):
    print(f"seed {SEED}")
    return shared_play


def counter(stack, word):
    """How many requests were answered with that word of the cache."""
    status = json.loads(stack.ctl("status --json").stdout)
    return status["cache"][word]


def bypass(stack):
    """Whether answers bypass the cache."""
    return json.loads(stack.ctl("status --json").stdout)["cache"]["bypass"]


def memcached_says(stack, command):
    """Sends a command to memcached and waits for OK."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(str(stack.cache_socket))
        s.sendall(command + b"\r\n")
        assert s.recv(100).startswith(b"OK")


def test_the_whole_table_is_written_and_read(stack):
    """A new row must have an entry here."""
    table = Table(stack)
    names = {n for row in table.rows
             for n in re.findall(r"\{(\w+)\}", row["path"])}
    assert not names - set(VALUES), "no VALUES for these parameters"
    assert set(WRITES) == {row["key"] for row in table.writes}, \
        "WRITES and the writing rows of the table differ"
    assert REFUSED <= set(WRITES)
    assert set(QUERIES) <= {row["path"] for row in table.reads}
    assert set(TOGETHER) <= {row["names"] for row in table.rows}
    cached = {row["key"] for row in table.rows if row["cache"]}
    read = {key for key, _ in table.read_paths()}
    assert not cached - read, "cached rows that are not read"


# Cached only when there is a translator: t/api/test_translations.py.
TRANSLATED = {"GET /api/reviews/{review}/translations/",
              "GET /api/reviews/{review}/comments/{comment}/translations/"}


def test_every_cached_row_is_read_from_the_cache(play):
    """Else the comparison with the oracle would prove nothing of it."""
    mark = play.stack.mark()

    def unhit():
        play.read_all(cached_only=True)
        hits = set(re.findall(r" GET (\S+) 200 .* cache=hit ",
                              play.stack.log("mxmd", mark)))
        found = {key for key, path in play.table.read_paths()
                 if path.split("?")[0] in hits}
        return {row["key"] for row in play.table.rows
                if row["cache"]} - found - TRANSLATED
    wait_until(lambda: not unhit(), "every cached row is a hit", 30)


def test_every_writing_row_succeeds(play):
    """Else the writes would prove nothing of it. One makes room for another. All
    cached answers are compared after the first success of each row."""
    left = {row["key"] for row in play.table.writes} - REFUSED
    for _ in range(60):
        for row in play.table.writes:
            if row["pool"] == "SLOW" and row["key"] not in left:
                continue
            if play.write_row(row).status_code >= 300:
                continue
            if row["key"] in left:
                left.discard(row["key"])
                play.read_all(cached_only=True)
        if not left:
            break
    assert not left


def test_random_writes_and_reads(play):
    began = play.compared
    play.steps(STEPS)
    play.read_all()
    play.read_all()
    print(f"{STEPS} writes, {play.compared - began} comparisons")


def test_changes_of_the_catalogue(play):
    """Made with SQL, there and back. In Spanish, which has some of the texts. All
    answers that a change concerns are in the cache when it is made: they were read
    after the change before."""
    play.users["ana"][0].post("/api/users/preferred-language/",
                              json={"preferred_language": "es"})
    play.read_all(cached_only=True)
    before = play.truths("ana")
    for change, undo in CATALOGUE:
        undo = play.stack.value(undo)
        for text in (change, undo):
            print(text)
            play.stack.sql(text)
            after = play.truths("ana")
            changed = [path for path in after if after[path] != before.get(path)]
            assert changed, f"no answer shows this: {text}"
            play.stack.touched()
            for path in changed:
                play.read("ana", path)
            before = after
    play.read_all(cached_only=True)


def test_a_user_reads_their_write_at_once(play):
    """Also through a persistent connection that another worker may serve."""
    for stars in (1, 2, 3, 4, 5, 4, 3, 2, 1) * 3:
        mine, _ = play.users["ana"]
        answer = mine.put("/api/movies/heat/ratings/", json={"rating": stars})
        if answer.status_code == 404:
            mine.post("/api/movies/heat/ratings/", json={"rating": stars})
        for _ in range(4):
            with requests.Session() as other:
                got = other.get(mine.base + "/api/movies/heat/ratings/",
                                headers={"Authorization":
                                         f"Bearer {mine.token}"})
                assert got.json()["rating"] == stars


def test_friends_see_it_at_once(play):
    """The writer's own worker raises what concerns others: no mxm-jobs runs.
    Of what bob likes his friends read in their recommendations."""
    bob, _ = play.users["bob"]
    path = "/api/movies/volver/ratings/"
    for table in ("rating", "unseen"):
        play.stack.sql(f"DELETE FROM {table} WHERE movie_id ="
                       " (SELECT id FROM movie WHERE slug = 'volver')")
    play.stack.sql("DELETE FROM account_platform")  # they restrict the choice
    play.stack.sql("INSERT INTO friendship (user1_id, user2_id) VALUES (1, 2)"
                   " ON CONFLICT DO NOTHING")
    play.stack.sql("UPDATE account SET training = true WHERE id = 2")
    # what is left for ana are few movies
    made.rate(play.stack, "ana", {n: 1 + 4 * (n % 2 == 0)
                                  for n in range(made.MOVIES - 4)})
    play.stack.touched()
    assert bob.post(path, json={"rating": 1}).status_code == 201
    play.stack.jobs.stop()
    named = []
    for stars in (5, 1, 4, 2, 5, 3, 4, 1):
        for name in USERS:
            play.read(name, "/api/movies/")
        assert bob.put(path, json={"rating": stars}).status_code == 200
        for name in USERS:
            play.read(name, "/api/movies/")
        ana = play.users["ana"][0].get("/api/movies/").json()
        named.append([why["kind"] for movie in ana for why in movie["because"]
                      if movie["slug"] == "volver"])
    play.stack.start_jobs()
    assert ["friend" in kinds for kinds in named] == [
        True, False, True, False, True, False, True, False]


def test_a_movie_becomes_popular(play):
    """By ratings of strangers, and no longer: one that ana is recommended."""
    ana, path = play.users["ana"][0], "/api/movies/"
    play.stack.sql("DELETE FROM account_platform")
    made.rate(play.stack, "ana", {0: 5, 1: 1, 2: 5, 3: 1})
    play.stack.touched()
    movie = next(m["id"] for m in ana.get(path).json()
                 if m["slug"].startswith("made-"))
    seen = []
    for stars in (1, 5, 1):
        for name in USERS:
            play.read(name, path)
        play.stack.sql("UPDATE rating SET rating = %s WHERE movie_id = %s",
                       [stars, movie])
        play.stack.touched()
        for name in USERS:
            play.read(name, path)
        seen += ["popular" in [why["kind"] for why in m["because"]]
                 for m in ana.get(path).json() if m["id"] == movie]
    assert seen == [False, True, False]


def test_a_user_is_renamed(play):
    """There and back; tokens have the old name. All that shows a name is read by
    both, before and after."""
    bob, _ = play.users["bob"]
    play.read_all(cached_only=True)
    for name in ("bobby", "bobbie", "bob"):
        assert bob.put("/api/users/", json={"username": name}).status_code == 200
        play.read_all(cached_only=True)
        for path in (f"/api/users/{name}/", "/api/users/bob/",
                     "/api/movies-lists/bob/", "/api/movies-lists/bobby/"):
            for who in USERS:
                play.read(who, path)


def test_a_session_that_ended_is_refused_at_once(play):
    """Its account is cached per session; log-out makes that stale."""
    for _ in range(5):
        more = Client(play.stack).login("ana", world.PASSWORD)
        for _ in range(4):
            assert more.get("/api/users/").status_code == 200
        assert more.post("/api/auth/logout/").status_code == 200
        for _ in range(4):
            assert more.get("/api/users/").status_code == 401


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
    """One worker has found memcached frozen; the others, which have not
    noticed, must not use it when it is back."""
    stack, (mine, _) = play.stack, play.users["ana"]
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


def post_quietly(who, path, body):
    try:
        who.post(path, json=body, check=False)
    except requests.RequestException:
        pass


def die_between(play, code):
    """A language is committed, and its worker dies before it could raise: while
    the row is locked memcached is frozen, so that the raise has to wait. (A POST:
    nginx sends it to no other worker.)"""
    stack, (mine, _) = play.stack, play.users["ana"]
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
    """Only table touch has the change: readers get stale answers until the
    next round of mxm-jobs, and never after it."""
    stack, (mine, _) = play.stack, play.users["ana"]
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
        stack.touched()
        play.read("ana", path)
        if fooled:
            break
    assert fooled, "the moment was never met"
    play.read_all()


def test_workers_killed_under_writes(play):
    """A worker that dies between commit and raise leaves its rows in table
    touch."""
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
    play.stack.touched()
    play.read_all()


def test_the_jobs_were_away(play):
    """Without mxm-jobs a worker that is alive raises by itself; what one that
    died has left is raised when mxm-jobs is back."""
    play.stack.jobs.stop()
    play.steps(10)
    play.stack.start_jobs()
    play.stack.touched()
    play.read_all()


def test_frozen_without_the_jobs(play):
    """Readers bypass the cache until everything has been raised."""
    play.stack.jobs.stop()
    play.stack.memcached.signal(signal.SIGSTOP)
    play.steps(3)
    play.stack.memcached.signal(signal.SIGCONT)
    play.steps(6)
    play.read_all()
    play.stack.start_jobs()
    play.stack.touched()
    play.steps(6)
    play.read_all()
