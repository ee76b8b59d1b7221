# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the environment and their effect on clients: the database is
unavailable, restarted or blocked, the cache is unavailable, frozen or returns
garbage, pools are full, and clients of the socket are slow or invalid."""

import os
import re
import resource
import signal
import socket
import statistics
import subprocess
import threading
import time

import pytest

import world
from life import (BEGIN, PARAMS, STDIN, Call, Load, counted, drop_connections,
                  events, fcgi_answer, fcgi_request, lock, readers, record,
                  reload, state, status, transaction, wait_for_lock, wait_idle, workers)
from stack import BUILD, wait_until

SETTINGS = {"workers": 2, "slow_workers": 1}

SLUGS = ("amelie", "volver", "delicatessen", "heat", "the-matrix",
         "city-of-god", "wall-e", "spirited-away")
CATALOGUE = ("/api/movies/heat/", "/api/genres/", "/api/platforms/",
             "/api/movies/", "/api/users/",
             "/api/movies/searching/?name=matrix")
UNSEEN = "/api/movies/heat/unseen/"


@pytest.fixture
def settings(stack):
    """Settings for one test: settings(name=value) reloads."""
    before = dict(stack.overrides)
    yield lambda **changed: reload(stack, **changed)
    stack.overrides = before
    if stack.mxmd.is_running():
        reload(stack)


def refused(response):
    """503 as the contract has it."""
    assert response.status_code == 503, response.text
    assert int(response.headers["Retry-After"]) > 0
    assert response.json()["error"]
    return True


def wait_answers(client, path="/api/movies/heat/", timeout=30):
    wait_until(lambda: client.get(path).status_code == 200,
               f"{path} is answered again", timeout)


# ---------------------------------------------------------- the database --

def test_starts_without_a_database_and_heals(stack, ana, cluster):
    stack.mxmd.stop()
    away, good = stack.base / "away", cluster.conninfo(stack.database)
    stack.configure(database=f"host={away} dbname={stack.database} user=mxm")
    mark, stack.want_ready = stack.mark(), False
    try:
        stack.start_mxmd()
    finally:
        stack.want_ready = True
    crew = workers(stack)
    assert stack.status_of("/healthz") == 200
    assert refused(ana.get("/readyz"))
    figures = ana.get("/metrics").text
    assert "\nmoviesxmovies_database_up 0\n" in figures
    assert "\nmoviesxmovies_database_connections_total 0\n" in figures
    assert re.search(r"\nmoviesxmovies_database_connect_errors_total [1-9]",
                     figures)
    for path in ("/api/movies/searching/?name=away",
                 "/api/users/preferred-language/", "/api/movies/"):
        assert refused(ana.get(path))
    assert refused(ana.post(UNSEEN))
    stack.wait_log("no connection", since=mark)
    # it comes, under the very address that the settings name
    away.symlink_to(cluster.run)
    wait_answers(ana)
    stack.wait_ready()
    assert ana.post(UNSEEN).status_code == 200
    assert ana.delete(UNSEEN).status_code == 200
    assert workers(stack) == crew
    assert events(stack) == {"restarts": 0, "deadlines": 0, "reloads": 0}
    reload(stack, database=good)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT],
                         ids=["fast", "immediate"])
def test_the_database_is_restarted_under_load(far, server, number):
    stack = far
    tokens = [stack.client(name).token for name in ("ana", "dora", "emil")]
    crew, mark = workers(stack), stack.mark()

    def uncached(n):
        while True:
            n += 2
            yield "GET", f"/api/movies/searching/?name=heat{n}"

    def mark_unseen(n):
        while True:
            n += 1
            path = f"/api/movies/{SLUGS[n % len(SLUGS)]}/unseen/"
            yield ("DELETE" if n // len(SLUGS) % 2 else "POST"), path

    parts = readers(tokens[0], CATALOGUE, 2)
    parts += [(token, uncached(n)) for n, token in enumerate(tokens[:2])]
    parts += [(token, mark_unseen(-1)) for token in tokens[1:]]
    with Load(stack, parts) as load:
        load.wait_more()
        server.process.stop(number, timeout=60)
        wait_until(lambda: stack.status_of("/readyz") == 503,
                   "/readyz says so")
        load.wait_more(100)
        server.start()
        begin = time.monotonic()
        stack.wait_ready()
        while 503 in [status for _, _, status in load.seen[-12:]]:
            assert time.monotonic() - begin < 60
            load.wait_more(12)
        load.wait_more(100)
    assert not load.faults
    # 400: marked already, when the answer to the mark was lost
    assert load.statuses() <= {200, 400, 503}
    assert {s for m, _, s in load.seen if m == "GET"} == {200, 503}
    assert workers(stack) == crew
    log = stack.log(since=mark)
    assert not re.search(r" error mxmd\[", log)
    assert "database: ready again" in log


def test_lost_connections_cost_a_reader_nothing(stack, ana):
    for slug in SLUGS[:4]:
        drop_connections(stack)
        assert ana.get(f"/api/movies/{slug}/").status_code == 200


def test_lost_connections_cost_a_writer_nothing(stack, ana):
    """A lost connection is noticed before anything is sent."""
    for slug in SLUGS[:4]:
        drop_connections(stack)
        r = ana.post(f"/api/movies/{slug}/unseen/")
        assert r.status_code == 200
    assert stack.value("SELECT count(*) FROM unseen") == 4
    stack.sql("DELETE FROM unseen")


def drop_who_waits(stack):
    wait_for_lock(stack)
    stack.cluster.sql(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = %s AND wait_event_type = 'Lock'",
        (stack.database,))


def test_a_read_that_loses_its_connection_is_done_again(stack, ana):
    with lock(stack, "movie"):
        call = Call(ana, "/api/movies/searching/?name=again")
        call.start()
        drop_who_waits(stack)
        wait_for_lock(stack)  # it asks once more
    assert call.answer().status_code == 200


def test_a_write_that_loses_its_connection_is_not(stack, ana):
    """It may have been executed; in this test it was not."""
    with transaction(stack, "INSERT INTO unseen (user_id, movie_id)"
                            " SELECT 1, id FROM movie WHERE slug = 'heat'"):
        call = Call(ana, UNSEEN, "POST")
        call.start()
        drop_who_waits(stack)
        assert refused(call.answer())
    assert stack.value("SELECT count(*) FROM unseen") == 0


def test_a_write_that_was_not_sent_is_done(stack, ana):
    """The connection is lost while the statement is prepared."""
    drop_connections(stack)
    with lock(stack, "unseen"):
        call = Call(ana, UNSEEN, "POST")
        call.start()
        drop_who_waits(stack)
        wait_for_lock(stack)
    assert call.answer().status_code == 200
    assert stack.value("SELECT count(*) FROM unseen") == 1
    assert ana.delete(UNSEEN).status_code == 200


def test_a_statement_that_waits_too_long(stack, ana, settings):
    settings(statement_timeout="300ms")
    crew = workers(stack)
    with lock(stack, "unseen"):
        assert refused(ana.post(UNSEEN))
        assert refused(ana.get("/api/movies/searching/?marked_unseen=true"))
        assert ana.get("/api/users/").status_code == 200
    assert ana.post(UNSEEN).status_code == 200
    assert ana.delete(UNSEEN).status_code == 200
    assert workers(stack) == crew


def test_a_server_that_takes_no_more_connections(stack, ana):
    limit = f"ALTER DATABASE {stack.database} CONNECTION LIMIT "
    stack.cluster.sql(limit + "0")
    try:
        drop_connections(stack)
        assert refused(ana.get("/api/movies/searching/?name=full"))
        assert refused(ana.post(UNSEEN))
        assert refused(ana.get("/readyz"))
    finally:
        stack.cluster.sql(limit + "-1")
    wait_answers(ana)
    stack.wait_ready()


def test_a_server_that_only_reads(stack, ana):
    """A standby that was not promoted yet."""
    change = f"ALTER DATABASE {stack.database} "
    stack.cluster.sql(change + "SET default_transaction_read_only = on")
    try:
        drop_connections(stack)
        assert ana.get("/api/movies/searching/?name=heat").status_code == 200
        assert refused(ana.post(UNSEEN))
    finally:
        stack.cluster.sql(change + "RESET default_transaction_read_only")
        drop_connections(stack)
    assert ana.post(UNSEEN).status_code == 200
    assert ana.delete(UNSEEN).status_code == 200


@pytest.mark.parametrize("change, undo", [
    ("UPDATE migration SET number = 1000 WHERE number = 1",
     "UPDATE migration SET number = 1 WHERE number = 1000"),
    ("UPDATE migration SET number = -5 WHERE number = 5",
     "UPDATE migration SET number = 5 WHERE number = -5"),
], ids=["ahead", "behind"])
def test_a_schema_that_changes_under_us(stack, ana, change, undo):
    """503 until it is current again, and each worker logs the command to run
    once."""
    wait_answers(ana)
    mark = stack.mark()
    stack.owner_sql(change)
    try:
        drop_connections(stack)
        for _ in range(10):
            assert refused(ana.get("/readyz"))
            assert refused(ana.get("/api/movies/searching/?name=schema"))
        said = re.findall(r"warning mxmd\[(\d+)\]: .*database: (.*)",
                          stack.log(since=mark))
        assert said and len(said) == len(set(said))
        assert all("mxmctl" in text or "moviesxmovies" in text
                   for _, text in said)
    finally:
        stack.owner_sql(undo)
    wait_answers(ana)
    stack.wait_ready()


# ------------------------------------------------------------- the cache --

def answers_of(client):
    return [client.get(path).json() for path in CATALOGUE]


def cache_says(stack):
    return stack.client().get("/readyz").json()["cache"]


def wait_cache(stack, word):
    """Each worker notices it separately, so several answers in a row are
    required."""
    wait_until(lambda: all(cache_says(stack) == word for _ in range(4)),
               f"the cache is {word}", timeout=20)


def test_no_cache_at_the_start(stack, ana):
    want = answers_of(ana)
    stack.mxmd.stop()
    stack.memcached.kill()
    stack.start_mxmd()  # /readyz is 200
    assert cache_says(stack) == "away"
    assert answers_of(ana) == answers_of(ana) == want
    assert ana.post(UNSEEN).status_code == 200
    assert ana.delete(UNSEEN).status_code == 200
    stack.start_memcached()
    wait_cache(stack, "ok")
    assert answers_of(ana) == want


def test_the_cache_dies_and_comes_back(stack, ana):
    want = answers_of(ana)
    stack.memcached.kill()
    assert answers_of(ana) == want
    assert cache_says(stack) == "away"
    assert stack.status_of("/readyz") == 200
    assert ana.post(UNSEEN).status_code == 200
    assert ana.delete(UNSEEN).status_code == 200
    assert answers_of(ana) == want
    stack.start_memcached()
    wait_cache(stack, "ok")
    assert answers_of(ana) == want
    wait_until(lambda: not status(stack)["cache"]["bypass"],
               "mxm-jobs has told what was changed", timeout=30)
    hits = status(stack)["cache"]["hits"]
    assert answers_of(ana) == answers_of(ana) == want
    assert status(stack)["cache"]["hits"] > hits


def test_a_frozen_cache_costs_one_time_out(stack, ana, settings):
    settings(workers=1)
    want = answers_of(ana)
    mark = stack.mark()
    os.kill(stack.memcached.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: state(stack.memcached.pid) == "T", "it is frozen")
        for _ in range(10):
            assert ana.get("/api/movies/heat/").json() == want[0]
        # once; on a slow machine it is tried again after a second, and two
        said = re.findall(r"not used for (\d) s", stack.log(since=mark))
        assert said in (["1"], ["1", "2"])
        assert stack.status_of("/readyz") == 200
        assert cache_says(stack) == "away"
        assert answers_of(ana) == want
    finally:
        os.kill(stack.memcached.pid, signal.SIGCONT)
    wait_cache(stack, "ok")
    assert answers_of(ana) == want


def test_an_emptied_cache(stack, ana):
    wait_cache(stack, "ok")
    want = answers_of(ana)
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(stack.cache_socket))
        s.sendall(b"flush_all\r\n")
        assert s.recv(100) == b"OK\r\n"
    assert answers_of(ana) == answers_of(ana) == want


class Impostor(threading.Thread):
    """Answers every line at a socket with the same bytes."""

    def __init__(self, path, says):
        super().__init__(daemon=True)
        self.says, self.asked = says, 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.start()

    def run(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(s,), daemon=True).start()

    def talk(self, s):
        with s:
            try:
                while s.recv(65536):
                    self.asked += 1
                    s.sendall(self.says)
            except OSError:
                return


def test_a_mad_cache(stack, ana, settings):
    before = events(stack)["restarts"]
    want = answers_of(ana)
    for n, says in enumerate((
            b"HTTP/1.1 400 Bad Request\r\n\r\n", b"END\r\nEND\r\nEND\r\n",
            b"VALUE x 0 999999999\r\nabc", b"VALUE x 0 3\r\nabc\r\nEND\r\n",
            b"\xff" * 100, b"SERVER_ERROR out of memory\r\n", b"\r\n")):
        path = stack.base / f"mad{n}.sock"
        impostor = Impostor(path, says)
        settings(cache_servers=path)
        assert answers_of(ana) == answers_of(ana) == want, says
        assert ana.post(UNSEEN).status_code == 200
        assert ana.delete(UNSEEN).status_code == 200
        assert events(stack)["restarts"] == before
        assert impostor.asked > 0
        impostor.listener.close()


# ------------------------------------------------------------- the pools --

def test_reads_go_on_while_the_slow_pool_stands_still(stack, ana):
    slow = workers(stack, pool="slow")
    for pid in slow:
        os.kill(pid, signal.SIGSTOP)
    try:
        call = Call(stack.client(), "/api/auth/login/", "POST",
                    json={"username": "bob", "password": world.PASSWORD})
        call.start()
        for _ in range(20):
            assert ana.get("/api/movies/heat/").status_code == 200
        assert call.is_alive()
    finally:
        for pid in slow:
            os.kill(pid, signal.SIGCONT)
    assert call.answer().status_code == 200


def test_a_burst_of_log_ins_does_not_delay_reads(stack, ana):
    body = {"username": "bob", "password": world.PASSWORD}
    calls = [Call(stack.client(), "/api/auth/login/", "POST", json=body)
             for _ in range(30)]
    times = []
    for call in calls:
        call.start()
    while any(call.is_alive() for call in calls):
        begin = time.monotonic()
        assert ana.get("/api/movies/heat/").status_code == 200
        times.append(time.monotonic() - begin)
    slow = [call.answer().elapsed.total_seconds() for call in calls]
    assert {call.response.status_code for call in calls} == {200}
    assert statistics.median(times) < statistics.median(slow) / 2


def test_a_slow_route_on_the_fast_socket_is_answered(stack):
    body = b'{"username": "bob", "password": "%s"}' % world.PASSWORD.encode()
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(stack.base / "run/fast.sock"))
        s.sendall(fcgi_request("POST", "/api/auth/login/", body))
        code, answer = fcgi_answer(s)
    assert code == 200 and b'"access":' in answer


def test_a_dead_worker_costs_a_reader_nothing(stack, ana):
    """nginx retries the request when the first worker dies."""
    with lock(stack, "movie"):
        call = Call(ana, "/api/movies/searching/?name=dead")
        call.start()
        wait_for_lock(stack)
        busy = [w["pid"] for w in status(stack)["workers"] if w["serving"]]
        assert len(busy) == 1
        os.kill(busy[0], signal.SIGKILL)
        wait_until(lambda: busy[0] not in workers(stack), "it is dead")
    assert call.answer().status_code == 200
    wait_until(lambda: len(workers(stack, pool="fast")) == 2,
               "it is replaced")


# ----------------------------------------------------- peers on the socket --

@pytest.fixture
def peer(stack):
    """Connects to the fast pool, past nginx."""
    made = []

    def connect():
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(20)
        s.connect(str(stack.base / "run/fast.sock"))
        made.append(s)
        return s

    yield connect
    for s in made:
        s.close()


@pytest.fixture
def same_crew(stack):
    """Nothing in the test may cost a worker."""
    before = workers(stack), events(stack)["restarts"]
    yield
    wait_idle(stack)
    assert (workers(stack), events(stack)["restarts"]) == before


NONSENSE = {
    "nothing": b"",
    "one byte": b"\x01",
    "half a head": b"\x01\x01\x00\x01\x00\x08\x00\x00",
    "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "zeros": bytes(64),
    "ones": b"\xff" * 4096,
    "another version": b"\x02" + record(BEGIN, b"\0\1\1" + bytes(5))[1:],
    "parameters first": record(PARAMS, b"\x01\x01ab"),
    "a filter": record(BEGIN, b"\0\3\1" + bytes(5)) + record(PARAMS),
    "bad lengths": record(BEGIN, b"\0\1\1" + bytes(5)) +
                   record(PARAMS, b"\xff\xff\xff\xff\xff\xff\xff\xff") +
                   record(PARAMS) + record(STDIN),
    "no method": record(BEGIN, b"\0\1\1" + bytes(5)) + record(PARAMS) +
                 record(STDIN),
    "a body without an end": fcgi_request("POST", UNSEEN, b"x" * 10)[:-8],
    "too much": os.urandom(200000),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_starves_nobody(stack, ana, peer, same_crew, what):
    """As many as there are workers, and more: and they stay connected."""
    for _ in range(5):
        s = peer()
        s.setblocking(False)
        try:
            s.send(NONSENSE[what])
        except BlockingIOError:
            pass
    for _ in range(6):
        assert ana.get("/api/movies/heat/").status_code == 200


def test_idle_connections_starve_nobody(stack, ana, peer, same_crew):
    idle = [peer() for _ in range(200)]
    for _ in range(10):
        assert ana.get("/api/movies/heat/").status_code == 200
    for s in idle[::20]:
        s.sendall(fcgi_request("GET", "/healthz"))
        assert fcgi_answer(s) == (200, b'{"status":"ok"}')


def test_no_descriptor_is_left(stack, ana, peer, settings):
    """Without descriptors a worker accepts no connections, but serves its
    existing ones."""
    settings(workers=1)
    ana.get("/api/movies/heat/")
    pid, mark = workers(stack, pool="fast").pop(), stack.mark()
    hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
    taken = len(os.listdir(f"/proc/{pid}/fd"))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (taken + 3, hard))
    waiting = [peer() for _ in range(8)]
    for s in waiting:
        s.sendall(fcgi_request("GET", "/healthz"))
    for s in waiting[:3]:
        assert fcgi_answer(s)[0] == 200
    stack.wait_log("accept: Too many open files; pausing", since=mark)
    for _ in range(10):
        assert ana.get("/api/movies/heat/").status_code == 200
    for s in waiting[:3]:
        s.close()
    for s in waiting[3:6]:  # there is room again
        assert fcgi_answer(s)[0] == 200
    assert workers(stack, pool="fast") == {pid}


def test_a_request_in_pieces(stack, ana, peer, same_crew):
    whole = fcgi_request("POST", "/api/auth/refresh/",
                         b'{"refresh": "%s"}' % (b"x" * 40000))
    cuts = [0, 1, 7, 8, 9, 15, 16, 17, 60, 100, 300, 20000, 40000, len(whole)]
    s = peer()
    for start, end in zip(cuts, cuts[1:]):
        s.sendall(whole[start:end])
        assert ana.get("/healthz").status_code == 200
    assert fcgi_answer(s)[0] == 400  # no token is that long
    s.sendall(fcgi_request("GET", "/healthz"))
    assert fcgi_answer(s)[0] == 200


def test_peers_that_leave_early(stack, ana, peer, same_crew):
    before = counted(stack, "GET /api/schema/")
    for _ in range(20):
        s = peer()
        s.sendall(fcgi_request("GET", "/api/schema/"))
        s.close()
    assert ana.get("/healthz").status_code == 200
    wait_until(lambda: counted(stack, "GET /api/schema/") == before + 20,
               "they are counted all the same")


def test_a_slow_client_of_nginx_holds_nobody(stack, ana, same_crew):
    """It gets no worker before its request is there as a whole."""
    slow = []
    try:
        for _ in range(10):
            s = socket.create_connection(("127.0.0.1", stack.port))
            s.sendall(b"POST /api/auth/refresh/ HTTP/1.1\r\nHost: x\r\n"
                      b"Content-Type: application/json\r\n"
                      b"Content-Length: 100\r\n\r\n{")
            slow.append(s)
        for _ in range(10):
            assert ana.get("/api/movies/heat/").status_code == 200
        slow[0].sendall(b" " * 98 + b"}")
        assert slow[0].recv(12) == b"HTTP/1.1 400"
    finally:
        for s in slow:
            s.close()


# ----------------------------------------------------------- the program --

def test_mxmd_links_no_blas():
    done = subprocess.run(["ldd", str(BUILD / "mxmd")], capture_output=True,
                          text=True, check=True)
    assert "libpq.so" in done.stdout
    assert not re.search("blas|lapack|gsl|gomp", done.stdout)
