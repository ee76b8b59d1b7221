# SPDX-License-Identifier: GPL-3.0-or-later
"""Two application hosts, a primary database server and its standby, two memcached
(t/lib/hosts.py), joined by the examples of doc/examples. The tests are in the order
of the faults and leave the site as it was, until the primary server is killed. Not
part of make check."""

import contextlib
import itertools
import os
import re
import signal as sig
import subprocess
import threading
import time

import pytest

from hosts import ADDRESSES, Site
from stack import BUILD, wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0,
                                reason="namespaces need root")

SEARCH = "/api/movies/searching/"
NEW = itertools.count()


@pytest.fixture(scope="module")
def site():
    with Site() as made:
        yield made


@pytest.fixture(scope="module")
def ana(site):
    """The same session at both hosts."""
    first = site.hosts[0].client("ana")
    second = site.hosts[1].client()
    second.token = first.token
    return first, second


@pytest.fixture(scope="module")
def movies(site):
    """Films that ana has not rated: their keys are in both memcached."""
    rows = site.db1.sql(
        "SELECT slug FROM live_movie AS m WHERE NOT EXISTS (SELECT FROM rating AS r"
        " JOIN account AS a ON a.id = r.user_id WHERE r.movie_id = m.id"
        " AND a.username = 'ana') ORDER BY id", None, site.database)
    assert len(rows) > 7
    return [slug for slug, in rows]


def source_of(host, client, path):
    """Where the answer came from: hit, miss, off, replica."""
    mark = host.mark()
    r = client.get(path)
    assert r.status_code == 200, r.text
    host.wait_log(r" GET \S+ 200 .* cache=(\w+)", since=mark)
    return re.search(r" GET \S+ 200 .* cache=(\w+)", host.log(since=mark))[1]


def until_source(host, client, path, wanted):
    wait_until(lambda: source_of(host, client, path) == wanted,
               f"{path} of {host.name} comes from {wanted}")


def a_search(what="movies"):
    """One that nobody has made, so that it is not in the cache."""
    if what == "movies":
        return f"{SEARCH}?name=heat&page={next(NEW) + 2}"
    return f"/api/persons/searching/?search_query=a{next(NEW)}"


def until_searched(site, ana, wanted, timeout=20):
    """Until new searches at both hosts come from `wanted`."""
    for host, client in zip(site.hosts, ana):
        wait_until(lambda h=host, c=client: source_of(h, c, a_search()) == wanted,
                   f"{host.name} searches by {wanted}", timeout)


def rate_everywhere(writer, readers, movies, numbers):
    """What was written is in the next answers; `numbers`: one for each round."""
    for number in numbers:
        for movie in movies:
            path = f"/api/movies/{movie}/ratings/"
            r = writer.put(path, {"rating": number})
            if r.status_code == 404:
                r = writer.post(path, {"rating": number})
            assert r.status_code in (200, 201), r.text
            for reader in readers:
                r = reader.get(path)
                assert (r.status_code, r.json()["rating"]) == (200, number), movie


# ---------------------------------------------------------------- all is well

def test_both_hosts_are_one_service(site, ana, movies):
    rate_everywhere(ana[0], ana, movies, (1, 2))
    rate_everywhere(ana[1], ana, movies, (3, 4))
    path = f"/api/movies/{movies[0]}/ratings/"
    until_source(site.hosts[0], ana[0], path, "hit")
    assert source_of(site.hosts[1], ana[1], path) == "hit", "not shared"


def from_standby(host, client, what):
    """Whether a new search is read there twice."""
    path = a_search(what)
    first, second = [source_of(host, client, path) for _ in range(2)]
    assert (first, second) != ("replica", "hit"), "was cached"
    return first == second == "replica"


def test_searches_are_read_from_the_standby(site, ana):
    until_searched(site, ana, "replica")
    for host, client in zip(site.hosts, ana):
        for what in ("movies", "persons"):
            wait_until(lambda h=host, c=client, w=what: from_standby(h, c, w),
                       f"{host.name} searches {what}")
        assert source_of(host, client, "/api/movies/heat/") in "hit miss"


def unseen(client):
    r = client.get(SEARCH + "?marked_unseen=true")
    assert r.status_code == 200
    return {movie["slug"] for movie in r.json()["results"]}


def test_own_changes_are_seen_at_once(site, ana):
    """Although the standby does not have them."""
    until_searched(site, ana, "replica")
    site.db2.sql("SELECT pg_wal_replay_pause()")
    try:
        for _ in range(3):
            assert ana[0].post("/api/movies/heat/unseen/").status_code == 200
            assert all("heat" in unseen(client) for client in ana)
            assert ana[1].delete("/api/movies/heat/unseen/").status_code == 200
            assert all("heat" not in unseen(client) for client in ana)
        for host, client in zip(site.hosts, ana):
            # too far behind, whoever asks
            wait_until(lambda h=host, c=client: source_of(
                h, c, a_search("persons")) == "miss", "it is not used")
    finally:
        site.db2.sql("SELECT pg_wal_replay_resume()")
    site.replayed()
    until_searched(site, ana, "replica")


@pytest.fixture
def searching(ana):
    """Both hosts are searched without a pause; no error is allowed."""
    stop, found = threading.Event(), []

    def search(client):
        while not stop.is_set():
            found.append(client.get(a_search()).status_code)
    threads = [threading.Thread(target=search, args=[client]) for client in ana]
    for thread in threads:
        thread.start()
    yield found
    stop.set()
    for thread in threads:
        thread.join()
    assert set(found) == {200}


def children(pid):
    """A process and those that it has started."""
    done = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True)
    return [pid, *map(int, done.stdout.split())]


@contextlib.contextmanager
def frozen(server):
    """The server does nothing; its first process starts no others meanwhile."""
    send(sig.SIGSTOP, [server.process.pid])
    pids = children(server.process.pid)
    send(sig.SIGSTOP, pids)
    try:
        yield
    finally:
        send(sig.SIGCONT, pids)


def send(number, pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


@contextlib.contextmanager
def stopped(server):
    server.process.kill()
    yield
    server.start()


@pytest.mark.parametrize("fault", [stopped, frozen])
def test_a_standby_that_is_gone(site, ana, searching, fault):
    until_searched(site, ana, "replica", timeout=60)
    marks = [host.mark() for host in site.hosts]
    with fault(site.db2):
        for host, mark in zip(site.hosts, marks):
            host.wait_log(r" warning .* database: ", since=mark)
        before = len(searching)
        wait_until(lambda: len(searching) > before + 10, "searches are answered")
    until_searched(site, ana, "replica", timeout=60)


def test_a_primary_server_that_hangs(site, ana):
    """Also behind pgbouncer, which accepts connections for it, and if haproxy does
    not notice: nothing waits for the statement timeout of five seconds and two."""
    path = "/api/movies/heat/statistics/"
    for client in ana:
        assert client.get(path).status_code == 200
    for host in site.hosts:
        site.haproxy(host.name, "disable health database/db1")
    with frozen(site.db1):
        began = time.monotonic()
        for client in ana * 2:
            assert client.get(path).status_code == 503
            assert client.get("/healthz").status_code == 200
        took = time.monotonic() - began
    print(f"four requests took {took:.1f} s")
    assert took < 7
    for host in site.hosts:
        site.haproxy(host.name, "enable health database/db1")
    for client in ana:
        until_ok(lambda c=client: c.get(path))


# ------------------------------------------------------------------ the caches

@pytest.mark.parametrize("cache", ["cache1", "cache2"])
def test_a_cache_that_one_host_does_not_reach(site, ana, movies, cache):
    """The other host still uses it, and is not stale."""
    rate_everywhere(ana[0], ana, movies, (1,))
    site.part(cache, "app1")
    try:
        rate_everywhere(ana[0], ana, movies, (2, 3))
        rate_everywhere(ana[1], ana, movies, (4,))
    finally:
        site.join(cache, "app1")
    rate_everywhere(ana[0], ana, movies, (5,))
    for movie in movies:
        until_source(site.hosts[0], ana[0], f"/api/movies/{movie}/ratings/", "hit")


@pytest.mark.parametrize("cache", ["cache1", "cache2"])
def test_a_cache_that_returns_with_old_contents(site, ana, movies, cache):
    memcached = site.spaces[cache].processes[0]
    rate_everywhere(ana[0], ana, movies, (1,))
    memcached.signal(sig.SIGSTOP)
    try:
        rate_everywhere(ana[0], ana, movies, (2,))
        rate_everywhere(ana[1], ana[:1], movies, (3,))
    finally:
        memcached.signal(sig.SIGCONT)
    for client, movie in itertools.product(ana, movies):
        assert client.get(f"/api/movies/{movie}/ratings/").json()["rating"] == 3
    rate_everywhere(ana[0], ana, movies, (4,))


# ------------------------------------------------------------- hosts are killed

def until_ok(request):
    """The first answer that is 200; those before are 503."""
    def answer():
        r = request()
        assert r.status_code in (200, 503), r.text
        return r if r.status_code == 200 else None
    return wait_until(answer, "it is answered", 60)


def rate_until_ok(writer, reader, movie):
    path = f"/api/movies/{movie}/ratings/"
    until_ok(lambda: writer.put(path, {"rating": 2}))
    assert until_ok(lambda: reader.get(path)).json()["rating"] == 2, "stale"


class Writers:
    """A comment after the other at each host; those that were acknowledged."""

    def __init__(self, clients, review):
        self.path = f"/api/reviews/{review}/comments/"
        self.stop = threading.Event()
        self.made, self.written = [[] for _ in clients], 0
        self.threads = [threading.Thread(target=self.run, args=[i, client])
                        for i, client in enumerate(clients)]

    def run(self, i, client):
        for number in itertools.count():
            text = f"{i}:{number}:{id(self)}"
            with contextlib.suppress(OSError):
                r = client.post(self.path, {"content": text}, check=False)
                if r.status_code == 201:
                    self.made[i].append(text)
            if self.stop.is_set():
                return

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.wait_more(range(len(self.made)))
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def wait_more(self, which, timeout=60):
        """Until each of these has written something."""
        before = [len(made) for made in self.made]
        wait_until(lambda: all(len(self.made[i]) > before[i] + 2 for i in which),
                   "comments are written", timeout)

    def check(self, server, database):
        there = {text for text, in server.sql("SELECT content FROM comment", None,
                                              database)}
        for made in self.made:
            assert made and set(made) <= there


@pytest.fixture(scope="module")
def review(ana):
    r = ana[0].post("/api/movies/heat/reviews/", {
        "title": "Heat", "content": "Seen twice.", "is_positive": True})
    assert r.status_code == 201, r.text
    return r.json()["id"]


def test_an_application_host_is_killed(site, ana, review):
    first = site.hosts[0]
    with Writers(ana, review) as writers:
        for process in (first.mxmd, first.jobs):
            os.killpg(process.pid, sig.SIGKILL)
            process.popen.wait()
        writers.wait_more([1])
    writers.check(site.db1, site.database)
    r = ana[1].get(f"/api/reviews/{review}/comments/?limit=100")
    assert r.status_code == 200
    first.start_jobs()
    first.start_mxmd()
    site.wait_answer()


def test_the_primary_server_is_killed(site, ana, review, movies):
    """The standby is promoted; both hosts and their jobs find it. What was cached
    before is not stale, although mxm-jobs of one host does not run for a while."""
    rate_everywhere(ana[0], ana, movies, (1,))
    site.db1.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
    site.db1.sql("SELECT pg_reload_conf()")
    wait_until(lambda: site.db1.sql("SELECT 1 FROM pg_stat_replication"
                                    " WHERE sync_state = 'sync'"), "it is sync")
    before = [host.mxmd.pid for host in site.hosts]
    crew = [children(pid) for pid in before]
    with Writers(ana[:1], review) as writers:
        site.hosts[0].touched()
        until_source(site.hosts[1], ana[1], f"/api/movies/{movies[0]}/ratings/",
                     "hit")
        os.killpg(site.hosts[1].jobs.pid, sig.SIGSTOP)
        site.kill("db1")
        site.db2.sql("SELECT pg_promote()")
        for host in site.hosts:
            host.cluster = site.db2
        began = time.monotonic()
        # the second host has not used the new server yet
        rate_until_ok(ana[0], ana[1], movies[0])
        site.hosts[0].touched()
        for movie in movies[1:]:
            # the first one has, and has cached what it read there
            until_ok(lambda m=movie: ana[0].get(f"/api/movies/{m}/ratings/"))
            rate_until_ok(ana[1], ana[0], movie)
        os.killpg(site.hosts[1].jobs.pid, sig.SIGCONT)
        writers.wait_more([0])
    writers.check(site.db2, site.database)
    with Writers(ana, review) as writers:
        writers.wait_more([0, 1])
        print(f"both hosts write {time.monotonic() - began:.1f} s after promotion")
    writers.check(site.db2, site.database)
    assert [host.mxmd.pid for host in site.hosts] == before
    assert [children(pid) for pid in before] == crew, "workers died"
    site.hosts[0].touched()


def test_what_was_cached_before(site, ana, movies):
    rate_everywhere(ana[0], ana, movies, (1, 2))
    rate_everywhere(ana[1], ana, movies, (3,))
    until_source(site.hosts[0], ana[0], f"/api/movies/{movies[0]}/ratings/", "hit")
    until_searched(site, ana, "miss")


def test_jobs_are_run_by_the_promoted_server(site):
    for host in site.hosts:
        site.db2.sql("INSERT INTO job (name) VALUES ('prune')", None, site.database)
        wait_until(lambda: site.db2.sql(
            "SELECT bool_and(state = 'done') FROM job WHERE name = 'prune'", None,
            site.database)[0][0], "the job is done")


def test_several_hosts_in_the_connection_string(site):
    """Without haproxy, the library finds the primary server."""
    conf = site.base / "two.conf"
    text = site.hosts[1].conf.read_text()
    hosts = f"host={ADDRESSES['db1']},{ADDRESSES['db2']}"
    conf.write_text(re.sub(r"(?m)^(database = )host=\S+ port=\d+", rf"\1{hosts}",
                           text))
    conf.chmod(0o600)
    out = site.spaces["app2"].run(BUILD / "mxmctl", "--config", conf, "jobs",
                                  "count")
    assert out


def test_an_old_primary_server_that_returns(site, ana, review):
    """It was not made a standby; nothing is written there."""
    site.plug("db1")
    site.db1.start()
    for host in site.hosts:
        wait_until(lambda h=host: site.sees(h.name, "database", "db1") == "UP",
                   "haproxy has seen it")
    count = "SELECT count(*) FROM comment"
    before = site.db1.sql(count, None, site.database)
    with Writers(ana, review) as writers:
        writers.wait_more([0, 1])
    writers.check(site.db2, site.database)
    assert site.db1.sql(count, None, site.database) == before
