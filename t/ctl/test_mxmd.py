# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of mxmd: start, reload, the death of workers, the end."""

import contextlib
import os
import re
import signal
import socket

import pytest

import stack as stack_module
from life import (Call, Load, children, counted, events, is_there, lock,
                  readers, reload, run_mxmd, state, wait_for_lock, wait_idle,
                  wait_whole, whole, workers, status)
from stack import BUILD, Stack, environment, wait_until, write_conf

STACK = {"jobs": False, "crashes": True}
SETTINGS = {"workers": 3, "slow_workers": 1, "request_deadline": "10s"}


# ------------------------------------------------------------------ reloads

def kill(pids):
    """Ends processes that a failed test has left."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


RATED = ("amelie", "delicatessen", "heat", "the-matrix", "volver", "wall-e")
WRITERS = ("ana", "dora", "emil", "fay")


def writer(n):
    """Rates each movie once, then changes ratings and marks in a loop; a
    request that was processed twice, or not at all, does not get a success."""
    rated = [m for m in RATED if m not in ("amelie", "volver")]
    for movie in rated:
        yield "POST", f"/api/movies/{movie}/ratings/", {"rating": 1 + n % 5}
    while True:
        n += 1
        for movie in rated:
            yield "PUT", f"/api/movies/{movie}/ratings/", {"rating": 1 + n % 5}
        yield "POST", "/api/movies/amelie/unseen/"
        yield "DELETE", "/api/movies/amelie/unseen/"


def test_no_request_is_lost_in_reloads_under_load(stack):
    wait_whole(stack)
    tokens = [stack.client(name).token for name in WRITERS]
    parts = [(token, writer(n)) for n, token in enumerate(tokens)]
    parts += readers(tokens[0], ("/healthz", "/api/movies/the-matrix/",
                                 "/api/users/"), 4)
    before = sum(r["count"] for r in status(stack)["requests"])
    with Load(stack, parts) as load:
        for n in range(6):
            load.wait_more()
            reload(stack, workers=2 + n % 3)
        for n in range(4):  # one in the middle of the other
            load.wait_more(5)
            stack.reload_mxmd(workers=3)
        wait_whole(stack)
        load.wait_more()
    assert not load.faults
    bad = [seen for seen in load.seen if seen[2] not in (200, 201)]
    assert not bad, bad[:10]
    assert {method for method, _, _ in load.seen} == {
        "GET", "POST", "PUT", "DELETE"}
    # each was served once, by whichever crew
    wait_idle(stack)
    assert sum(r["count"] for r in status(stack)["requests"]) - before == \
        len(load.seen)
    made = [s for s in load.seen if s[0] == "POST" and "ratings" in s[1]]
    assert stack.value("SELECT count(*) FROM rating WHERE created_at > "
                       "now() - interval '1 hour'") == len(made)
    stack.sql("DELETE FROM rating WHERE created_at > "
              "now() - interval '1 hour'")
    stack.sql("DELETE FROM unseen")


def test_a_request_that_waits_survives_a_reload(stack, ana):
    wait_whole(stack)
    with lock(stack, "genre"):
        ana.post("/api/users/preferred-language/",
                 json={"preferred_language": "fr"})
        call = Call(ana, "/api/genres/?lang=fr")
        call.start()
        wait_for_lock(stack)
        mark = stack.mark()
        stack.reload_mxmd()
        stack.wait_log(r"ready: \d+ workers?, ", since=mark)
    call.join()
    assert call.response.status_code == 200
    wait_whole(stack)


def test_bad_settings_change_nothing(stack, client):
    wait_whole(stack)
    before, mark = workers(stack), stack.mark()
    stack.reload_mxmd(body_limit="much", no_such_setting=1)
    stack.wait_log(r'mxm\.conf:\d+: body_limit: "much" is not a size; write',
                   since=mark)
    stack.wait_log(r"unknown setting \"no_such_setting\"", since=mark)
    stack.wait_log("the old ones stay in force", since=mark)
    assert client.get("/healthz").status_code == 200
    assert workers(stack) == before
    stack.overrides.pop("no_such_setting")
    reload(stack, body_limit="1M")
    assert not workers(stack) & before


def test_what_takes_a_restart_is_told(stack):
    mark = stack.mark()
    reload(stack, socket_mode="0666")
    assert re.search("a restart is required to change socket_mode",
                     stack.log(since=mark))
    reload(stack, socket_mode="0660")


def test_new_settings_are_in_force(stack, client):
    reload(stack, limit_login=1)
    body = {"username": "nobody-here", "password": "wrong"}
    codes = [client.post("/api/auth/login/", json=body).status_code
             for _ in range(3)]
    assert codes[0] == 401 and codes[1:] == [429, 429]
    reload(stack, limit_login=0)


# -------------------------------------------------------- death of workers

@pytest.mark.parametrize("number, words", [
    (signal.SIGKILL, r"signal 9 \(Killed\)"),
    (signal.SIGSEGV, r"signal 11 \(Segmentation fault\)")])
def test_a_dead_worker_is_replaced_at_once(stack, client, number, words):
    wait_whole(stack)
    reload(stack)
    mark, before = stack.mark(), events(stack)["restarts"]
    victim = min(workers(stack, pool="fast"))
    os.kill(victim, number)
    stack.wait_log(rf"worker {victim} \(fast\) was killed by {words}; "
                   "replaced now", since=mark)
    wait_whole(stack)
    assert events(stack)["restarts"] == before + 1
    assert client.get("/healthz").status_code == 200


def test_one_that_keeps_dying_is_backed_off(stack, client):
    """One seat only; the others go on meanwhile, and it recovers."""
    wait_whole(stack)
    reload(stack)
    mark = stack.mark()
    seat = victim = min(workers(stack, pool="fast"))
    others = workers(stack) - {seat}
    for death in (1, 2, 3, 4):
        os.kill(victim, signal.SIGKILL)
        stack.wait_log(rf"worker {victim} .* replaced "
                       + ("now" if death == 1 else
                          rf"in {50 * 2 ** (death - 1)} ms \(failure {death} "
                          r"in a row\)"), since=mark)
        assert client.get("/healthz").status_code == 200
        wait_whole(stack)
        victim = (workers(stack) - others).pop()
        assert victim != seat
    reload(stack)


def test_all_killed_at_once_are_all_replaced(stack, client):
    wait_whole(stack)
    for pid in workers(stack):
        os.kill(pid, signal.SIGKILL)
    wait_whole(stack)
    assert client.get("/healthz").status_code == 200


def test_the_log_says_what_a_dead_worker_was_serving(stack, ana):
    wait_whole(stack)
    mark = stack.mark()
    with lock(stack, "movie"):
        call = Call(ana, "/api/movies/searching/?name=log")
        call.start()
        wait_for_lock(stack)
        busy = [w for w in status(stack)["workers"] if w["serving"]]
        assert [w["serving"] for w in busy] == ["GET /api/movies/searching/"]
        os.kill(busy[0]["pid"], signal.SIGSEGV)
        stack.wait_log(r"was killed by signal 11 .* while serving "
                       r"GET /api/movies/searching/ for \d+ ms", since=mark)
    call.join()
    wait_whole(stack)


def test_a_worker_past_the_deadline_is_killed(stack, ana, client):
    wait_whole(stack)
    reload(stack, request_deadline="500ms", statement_timeout=0)
    mark, before = stack.mark(), events(stack)["deadlines"]
    with lock(stack, "unseen"):
        write = Call(ana, "/api/movies/heat/unseen/", "POST")
        write.start()
        wait_for_lock(stack)
        assert client.get("/healthz").status_code == 200
        stack.wait_log(r"while serving POST /api/movies/\{movie\}/unseen/ for "
                       r"\d+ ms, past the request deadline; replaced",
                       since=mark)
        # a write is not retried: its progress is unknown
        r = write.answer()
        assert r.status_code == 503 and r.json()["error"]
        assert int(r.headers["Retry-After"]) > 0
        assert events(stack)["deadlines"] == before + 1
        # a read is, by nginx, once
        read = Call(ana, "/api/movies/searching/?marked_unseen=true")
        read.start()
        assert read.answer().status_code == 503
        assert events(stack)["deadlines"] == before + 3
    wait_whole(stack)
    assert ana.get("/api/movies/searching/?name=matrix").status_code == 200
    reload(stack, request_deadline="10s", statement_timeout="5s")
    stack.sql("DELETE FROM unseen")


def test_one_that_is_stopped_is_killed_too(stack, ana, client):
    """Whether it serves something or not: its connections wait with it."""
    wait_whole(stack)
    reload(stack, request_deadline="700ms", statement_timeout=0)
    mark, victims = stack.mark(), workers(stack, pool="fast")
    try:
        for pid in victims:
            os.kill(pid, signal.SIGSTOP)
        call = Call(client, "/healthz")
        call.start()
        wait_until(lambda: not any(map(is_there, victims)),
                   "they are replaced", timeout=5)
    finally:
        kill(victims)
    assert call.answer().status_code == 200
    stack.wait_log(r"worker \d+ \(fast\) was killed by signal 9 \(Killed\), "
                   "stopped for longer than the request deadline", since=mark)
    wait_whole(stack)
    # one that goes on in time is left alone
    pid = min(workers(stack, pool="fast"))
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: state(pid) == "T", "it is stopped")
    os.kill(pid, signal.SIGCONT)
    stack.wait_log(f"worker {pid} was continued", since=mark)
    reload(stack, request_deadline="10s", statement_timeout="5s")
    assert not re.search(rf"worker {pid} .*killed", stack.log(since=mark))


def test_counters_are_exact_if_a_worker_dies(stack, client):
    wait_whole(stack)
    before = counted(stack, "GET /healthz")
    for number in (signal.SIGKILL, signal.SIGSEGV, None, signal.SIGKILL):
        for _ in range(25):
            assert client.get("/healthz").status_code == 200
        wait_idle(stack)
        if number is None:
            reload(stack)
        else:
            os.kill(min(workers(stack, pool="fast")), number)
            wait_whole(stack)
    assert counted(stack, "GET /healthz") == before + 100


# ------------------------------------------------------------- the end

def test_the_end_waits_for_a_request(stack, ana):
    wait_whole(stack)
    with lock(stack, "movie"):
        call = Call(ana, "/api/movies/searching/?name=end")
        call.start()
        wait_for_lock(stack)
        mark = stack.mark()
        stack.mxmd.signal(signal.SIGTERM)
        stack.wait_log("stopping", since=mark)
    call.join()
    assert call.response.status_code == 200
    assert stack.mxmd.popen.wait(20) == 0
    run = stack.base / "run"
    assert not list(run.glob("*.sock")) and not (run / "mxmd.pid").exists()
    stack.start_mxmd()
    assert int((run / "mxmd.pid").read_text()) == stack.mxmd.pid


def test_a_second_signal_ends_at_once(stack, ana):
    wait_whole(stack)
    with lock(stack, "movie"):
        call = Call(ana, "/api/movies/searching/?name=twice")
        call.start()
        wait_for_lock(stack)
        mark = stack.mark()
        stack.mxmd.signal(signal.SIGTERM)
        stack.wait_log("stopping", since=mark)
        stack.mxmd.signal(signal.SIGTERM)
        assert stack.mxmd.popen.wait(5) == 0
    call.join()
    stack.start_mxmd()


def test_workers_do_not_outlive_the_master(stack):
    wait_whole(stack)
    orphans = workers(stack)
    stack.mxmd.kill()
    wait_until(lambda: not any(map(is_there, orphans)), "the workers are gone")
    # the socket files it left are no obstacle
    stack.start_mxmd()
    wait_whole(stack)


def test_starts_at_once_after_the_master_was_killed(stack, tmp_path):
    """A busy worker survives the master for a while and holds the sockets
    open."""
    wait_whole(stack)
    ana = stack.client("ana")
    with lock(stack, "unseen"):
        call = Call(ana, "/api/movies/volver/unseen/", "POST")
        call.start()
        wait_for_lock(stack)
        orphans = workers(stack)
        stack.mxmd.kill()
        stack.start_mxmd()
        assert any(map(is_there, orphans)), "no process was left"
        assert stack.status_of("/healthz") == 200
    call.join()
    wait_until(lambda: not any(map(is_there, orphans)),
               "the workers are gone", timeout=30)
    wait_whole(stack)


@pytest.mark.parametrize("content", [b"", b"mxm-shm0" * 64, b"\0" * 4096])
def test_a_shared_file_of_something_else_is_replaced(stack, content):
    stack.mxmd.stop()
    (stack.base / "run/mxm.shm").write_bytes(content)
    stack.start_mxmd()
    wait_whole(stack)


# ----------------------------------------------------------- the beginning

def test_a_second_one_in_the_same_folder_does_not_start(stack):
    code, text = run_mxmd("--config", stack.conf)
    assert code == 73
    assert f"another mxmd (process {stack.mxmd.pid}) uses" in text
    assert stack.status_of("/healthz") == 200


def test_a_socket_in_use_is_not_replaced(stack, tmp_path):
    conf = tmp_path / "mxm.conf"
    write_conf(conf, {**stack.settings(), "run_dir": tmp_path,
                      "listen_fast": stack.base / "run/fast.sock"})
    code, text = run_mxmd("--config", conf)
    assert code == 73
    assert "another mxmd is listening at" in text
    assert stack.status_of("/healthz") == 200


def test_what_is_no_socket_is_left_alone(stack, tmp_path):
    conf = tmp_path / "mxm.conf"
    write_conf(conf, {**stack.settings(), "run_dir": tmp_path})
    (tmp_path / "slow.sock").write_text("mine")
    code, text = run_mxmd("--config", conf)
    assert code == 73
    assert "is not a socket" in text
    assert (tmp_path / "slow.sock").read_text() == "mine"


@pytest.mark.parametrize("changed, word", [
    ({"socket_group": "no-such-group"}, "group no-such-group does not exist"),
    ({"run_dir": "/nowhere/at/all"}, "its directory must exist"),
])
def test_what_cannot_be_made_is_told(stack, tmp_path, changed, word):
    conf = tmp_path / "mxm.conf"
    write_conf(conf, {**stack.settings(), "run_dir": tmp_path, **changed})
    code, text = run_mxmd("--config", conf)
    assert code == 73
    assert word in text


def test_bad_settings_do_not_start(stack, tmp_path):
    conf = tmp_path / "mxm.conf"
    write_conf(conf, {**stack.settings(), "workers": "many",
                      "signing_key": "short", "limit_user": "-1"})
    code, text = run_mxmd("--config", conf)
    assert code == 78
    assert '"many" is not a number; write a whole number, 0 for' in text
    assert "openssl rand -hex 32" in text
    assert "short" not in text.replace("too short", "")
    assert re.search(r"mxm\.conf:\d+: limit_user", text)
    assert run_mxmd("--config", conf, "--check")[0] == 78
    assert run_mxmd("--config", stack.conf, "--check")[0] == 0


def test_usage():
    assert run_mxmd("--help")[0] == 0
    assert re.fullmatch(r"mxmd \S+\n", run_mxmd("--version")[1])
    assert run_mxmd("--no-such-option")[0] == 64
    assert run_mxmd("too", "much")[0] == 64


@pytest.mark.parametrize("change, word", [
    ("DELETE FROM migration WHERE number = "
     "(SELECT max(number) FROM migration)", "mxmctl migrate"),
    ("INSERT INTO migration (number, name, checksum) "
     "VALUES (9999, 'future', repeat('0', 64))", "9999"),
])
def test_a_schema_of_another_release_is_refused(cluster, tmp_path, change,
                                                word):
    other = Stack(cluster, jobs=False, web=False)
    try:
        other.port = other.tls_port = 1
        other.configure()
        other.owner_sql(change)
        code, text = run_mxmd("--config", other.conf)
    finally:
        other.close()
    assert code == 65
    assert word in text


def test_it_starts_without_a_database(stack, tmp_path, cluster):
    nowhere = f"host={tmp_path} dbname=nothing user=mxm"
    stack.mxmd.stop()
    stack.configure(database=nowhere)
    mark = stack.mark()
    stack.mxmd.start([BUILD / "mxmd", "--config", stack.conf],
                     env=environment())
    stack.wait_healthy()
    stack.wait_log("the database is unavailable; requests get 503", since=mark)
    client = stack.client()
    r = client.get("/api/genres/", token=None)
    assert r.status_code == 401
    r = client.post("/api/auth/login/", json={"username": "ana",
                                              "password": "x"})
    assert r.status_code == 503
    assert int(r.headers["Retry-After"]) > 0
    assert client.get("/readyz").status_code == 503
    reload(stack, database=cluster.conninfo(stack.database))
    stack.wait_ready()


def test_a_database_that_hangs_does_not_hang_the_start(stack, tmp_path):
    """A process listens in place of PostgreSQL and does not answer."""
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(tmp_path / ".s.PGSQL.5432"))
        mute.listen()
        stack.mxmd.stop()
        stack.configure(database=f"host={tmp_path} dbname=x user=mxm")
        stack.mxmd.start([BUILD / "mxmd", "--config", stack.conf],
                         env=environment())
        stack.wait_healthy()
    reload(stack, database=stack.cluster.conninfo(stack.database))
    stack.wait_ready()


# ------------------------------------------------------ the service manager

SHELL = ('exec 3<&%d 4<&%d; export LISTEN_PID=$$ LISTEN_FDS=2 '
         'LISTEN_FDNAMES=%s; exec "$0" --config "$1"')


class Manager:
    """Holds the sockets of mxmd and starts it with them, as systemd does."""

    def __init__(self, stack, names):
        self.stack, self.names, self.sockets = stack, names, {}
        for name in names.split(":"):
            s = self.sockets[name] = socket.socket(socket.AF_UNIX)
            s.bind(str(stack.base / f"run/{name}.sock"))
            s.listen(100)

    def start(self):
        """mxmd takes the first two descriptors from 3 on."""
        numbers = tuple(s.fileno() for s in self.sockets.values())
        self.stack.mxmd.start(
            ["bash", "-c", SHELL % (*numbers, self.names), BUILD / "mxmd",
             self.stack.conf], env=environment(), pass_fds=numbers)

    def close(self):
        for name, s in self.sockets.items():
            s.close()
            (self.stack.base / f"run/{name}.sock").unlink()


@pytest.fixture(params=["fast:slow", "slow:fast"])
def manager(stack, request):
    stack.mxmd.stop()
    made = Manager(stack, request.param)
    try:
        yield made
        if stack.mxmd.is_running():
            assert stack.mxmd.stop() == 0
        assert (stack.base / "run/fast.sock").exists()  # not ours to remove
    finally:
        stack.mxmd.kill()
        made.close()
        stack.start_mxmd()


def test_sockets_of_the_service_manager(stack, manager):
    """They stay open while mxmd is restarted: clients wait, none fails."""
    waiting = Call(stack.client(), "/healthz")
    waiting.start()
    manager.start()
    stack.wait_ready()
    assert waiting.answer().status_code == 200
    stack.client("ana")  # log-in goes to the slow pool


@pytest.mark.parametrize("manager", ["fast:slow"], indirect=True)
def test_a_restart_under_load_refuses_nobody(stack, manager):
    manager.start()
    stack.wait_ready()
    token = stack.client("ana").token
    paths = ("/healthz", "/api/movies/the-matrix/", "/api/genres/")
    with Load(stack, readers(token, paths, 6)) as load:
        for _ in range(3):
            load.wait_more()
            assert stack.mxmd.stop() == 0
            manager.start()
        load.wait_more()
    assert not load.faults
    assert load.statuses() == {200}


def test_the_service_manager_is_told(stack):
    path = stack.base / "notify.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(10)

        def expect(word):
            while True:
                said = manager.recv(4096).decode()
                if word in said:
                    return said
        stack.mxmd.stop()
        stack.mxmd.start([BUILD / "mxmd", "--config", stack.conf],
                         env={**environment(), "NOTIFY_SOCKET": str(path),
                              "WATCHDOG_USEC": "200000"})
        assert "STATUS=" in expect("READY=1")
        expect("WATCHDOG=1")
        stack.mxmd.signal(signal.SIGHUP)
        assert "MONOTONIC_USEC=" in expect("RELOADING=1")
        expect("READY=1")
        stack.reload_mxmd(workers="none")
        expect("RELOADING=1")
        assert "invalid" in expect("READY=1")
        stack.configure(workers=3)
        stack.mxmd.signal(signal.SIGTERM)
        expect("STOPPING=1")
        assert stack.mxmd.popen.wait(20) == 0
    stack.start_mxmd()


def test_lines_for_the_journal(stack):
    """With $JOURNAL_STREAM a line carries its priority, and no time."""
    stack.mxmd.stop()
    mark = stack.mark()
    stack.configure(log_target="auto")
    stack.mxmd.start([BUILD / "mxmd", "--config", stack.conf],
                     env={**environment(), "JOURNAL_STREAM": "8:1"})
    stack.wait_ready()
    stack.wait_log(r"(?m)^<6>ready: ", since=mark)
    stack.restart_mxmd(log_target="stderr")
    assert stack_module.answers(stack.base / "run/fast.sock")
