# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of mxmd: start, reload, the death of workers, the end."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

import stack as stack_module
from stack import BUILD, Stack, environment, wait_until, write_conf

STACK = {"jobs": False}
SETTINGS = {"workers": 3, "slow_workers": 1, "request_deadline": "10s"}


def children(pid):
    """The processes whose parent is pid."""
    found = set()
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid and fields[0] != "Z":
                found.add(int(stat.parent.name))
    return found


def is_there(pid):
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def status(stack):
    """What the counters say, also while the settings are bad."""
    conf = stack.base / "status.conf"
    write_conf(conf, {"run_dir": stack.base / "run",
                      "signing_key": stack.signing_key})
    return json.loads(stack_module.ctl(conf, "status --json").stdout)


def workers(stack, state="ready", pool=None):
    return {w["pid"] for w in status(stack)["workers"]
            if w["state"] == state and pool in (None, w["pool"])}


def whole(stack):
    """All workers of the settings are ready, and only they are there."""
    ready = workers(stack)
    settings = stack.settings()
    wanted = settings["workers"] + settings["slow_workers"]
    return len(ready) == wanted and ready == children(stack.mxmd.pid)


def wait_whole(stack):
    wait_until(lambda: whole(stack), "the crew is whole", alive=stack.mxmd)


def reload(stack, **settings):
    """Reloads, and waits until only the new crew is left."""
    mark, before = stack.mark(), workers(stack)
    stack.reload_mxmd(**settings)
    stack.wait_log(r"ready: \d+ workers", since=mark)
    wait_until(lambda: not before & children(stack.mxmd.pid),
               "the old crew is gone", timeout=30, alive=stack.mxmd)
    wait_whole(stack)


@contextlib.contextmanager
def lock(stack, table):
    """Holds a table so that whoever reads it waits."""
    conn = stack.cluster.connect(stack.database)
    conn.autocommit = False
    try:
        conn.cursor().execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
    finally:
        conn.rollback()
        conn.close()


def waits_for_lock(stack):
    return stack.cluster.sql("SELECT 1 FROM pg_stat_activity "
                             "WHERE datname = %s AND wait_event_type = 'Lock'",
                             (stack.database,))


class Call(threading.Thread):
    """A request that goes on while the test does something else."""

    def __init__(self, client, path):
        super().__init__()
        self.client, self.path, self.response = client, path, None

    def run(self):
        self.response = self.client.get(self.path, check=False)


class Load:
    """Clients that ask without a pause, and note each answer."""

    def __init__(self, stack, token, paths, clients=6):
        self.stop = threading.Event()
        self.seen, self.faults = [], []
        self.threads = [threading.Thread(target=self.go, args=(
            stack, token, paths)) for _ in range(clients)]

    def go(self, stack, token, paths):
        client = stack.client(check=False)
        while not self.stop.is_set():
            for path in paths:
                try:
                    self.seen.append(
                        client.get(path, token=token).status_code)
                except Exception as e:  # told by the test
                    self.faults.append(e)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def run_mxmd(*args, env=None, timeout=20):
    """Runs mxmd until it ends; gives exit status and what it said."""
    done = subprocess.run([str(BUILD / "mxmd"), *map(str, args)],
                          env=env or environment(), capture_output=True,
                          text=True, timeout=timeout)
    return done.returncode, done.stdout + done.stderr


# ------------------------------------------------------------------ reloads

def test_no_request_is_lost_in_reloads_under_load(stack, ana):
    wait_whole(stack)
    paths = ("/healthz", "/api/movies/the-matrix/", "/api/genres/")
    with Load(stack, ana.token, paths) as load:
        for n in range(6):
            enough = len(load.seen) + 50
            wait_until(lambda: len(load.seen) > enough, "load flows")
            reload(stack, workers=2 + n % 3)
    assert not load.faults
    assert set(load.seen) == {200}
    assert len(load.seen) > 300


def test_a_request_that_waits_survives_a_reload(stack, ana):
    wait_whole(stack)
    with lock(stack, "genre"):
        ana.post("/api/users/preferred-language/",
                 json={"preferred_language": "fr"})
        call = Call(ana, "/api/genres/?lang=fr")
        call.start()
        wait_until(lambda: waits_for_lock(stack), "the request waits")
        mark = stack.mark()
        stack.reload_mxmd()
        stack.wait_log(r"ready: \d+ workers", since=mark)
    call.join()
    assert call.response.status_code == 200
    wait_whole(stack)


def test_bad_settings_change_nothing(stack, client):
    wait_whole(stack)
    before, mark = workers(stack), stack.mark()
    stack.reload_mxmd(body_limit="much", no_such_setting=1)
    stack.wait_log(r'mxm\.conf:\d+: body_limit: "much" is no size; write',
                   since=mark)
    stack.wait_log(r"there is no setting \"no_such_setting\"", since=mark)
    stack.wait_log("going on with the old ones", since=mark)
    assert client.get("/healthz").status_code == 200
    assert workers(stack) == before
    stack.overrides.pop("no_such_setting")
    reload(stack, body_limit="1M")
    assert not workers(stack) & before


def test_what_takes_a_restart_is_told(stack):
    mark = stack.mark()
    reload(stack, socket_mode="0666")
    assert re.search("a restart is needed for the change of socket_mode",
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

def test_a_killed_worker_is_replaced_at_once(stack, client):
    wait_whole(stack)
    mark, before = stack.mark(), status(stack)["events"]["restarts"]
    victim = min(workers(stack, pool="fast"))
    os.kill(victim, signal.SIGKILL)
    stack.wait_log(rf"worker {victim} \(fast\) was killed by signal 9 "
                   r"\(Killed\); replaced at once", since=mark)
    wait_whole(stack)
    assert status(stack)["events"]["restarts"] == before + 1
    assert client.get("/healthz").status_code == 200


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
        wait_until(lambda: waits_for_lock(stack), "the request waits")
        busy = [w for w in status(stack)["workers"] if w["serving"]]
        assert [w["serving"] for w in busy] == ["GET /api/movies/searching/"]
        os.kill(busy[0]["pid"], signal.SIGSEGV)
        stack.wait_log(r"was killed by signal 11 .* while serving "
                       r"GET /api/movies/searching/ for \d+ ms", since=mark)
    call.join()
    wait_whole(stack)


def test_a_worker_past_the_deadline_is_killed(stack, ana, client):
    wait_whole(stack)
    reload(stack, request_deadline="500ms", statement_timeout="60s")
    mark, before = stack.mark(), status(stack)["events"]["deadlines"]
    with lock(stack, "movie"):
        call = Call(ana, "/api/movies/searching/?name=deadline")
        call.start()
        stack.wait_log(r"past the request deadline; replaced", since=mark)
        assert client.get("/healthz").status_code == 200
    call.join()
    assert status(stack)["events"]["deadlines"] > before
    assert ana.get("/api/movies/searching/?name=matrix").status_code == 200
    reload(stack, request_deadline="10s", statement_timeout="5s")


def test_counters_are_exact_whoever_dies(stack, client):
    wait_whole(stack)

    def healthy():
        return sum(r["count"] for r in status(stack)["requests"]
                   if r["route"] == "GET /healthz" and r["status"] == 200)
    before = healthy()
    for _ in range(5):
        for _ in range(20):
            assert client.get("/healthz").status_code == 200
        os.kill(min(workers(stack, pool="fast")), signal.SIGKILL)
        wait_whole(stack)
    assert healthy() == before + 100


# ------------------------------------------------------------- the end

def test_the_end_waits_for_a_request(stack, ana):
    wait_whole(stack)
    with lock(stack, "movie"):
        call = Call(ana, "/api/movies/searching/?name=end")
        call.start()
        wait_until(lambda: waits_for_lock(stack), "the request waits")
        mark = stack.mark()
        stack.mxmd.signal(signal.SIGTERM)
        stack.wait_log("stopping", since=mark)
    call.join()
    assert call.response.status_code == 200
    assert stack.mxmd.popen.wait(20) == 0
    run = stack.base / "run"
    assert not (run / "fast.sock").exists()
    assert not (run / "slow.sock").exists()
    stack.start_mxmd()


def test_a_second_signal_ends_at_once(stack, ana):
    wait_whole(stack)
    with lock(stack, "movie"):
        call = Call(ana, "/api/movies/searching/?name=twice")
        call.start()
        wait_until(lambda: waits_for_lock(stack), "the request waits")
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


# ----------------------------------------------------------- the beginning

def test_a_second_one_in_the_same_folder_does_not_start(stack):
    code, text = run_mxmd("--config", stack.conf)
    assert code == 73
    assert f"another mxmd (process {stack.mxmd.pid}) uses" in text
    assert stack.status_of("/healthz") == 200


def test_a_socket_that_somebody_answers_at_is_left_alone(stack, tmp_path):
    conf = tmp_path / "mxm.conf"
    write_conf(conf, {**stack.settings(), "run_dir": tmp_path,
                      "listen_fast": stack.base / "run/fast.sock"})
    code, text = run_mxmd("--config", conf)
    assert code == 73
    assert "another mxmd answers at" in text
    assert stack.status_of("/healthz") == 200


def test_what_is_no_socket_is_left_alone(stack, tmp_path):
    conf = tmp_path / "mxm.conf"
    write_conf(conf, {**stack.settings(), "run_dir": tmp_path})
    (tmp_path / "slow.sock").write_text("mine")
    code, text = run_mxmd("--config", conf)
    assert code == 73
    assert "is no socket" in text
    assert (tmp_path / "slow.sock").read_text() == "mine"


@pytest.mark.parametrize("changed, word", [
    ({"socket_group": "no-such-group"}, "there is no group no-such-group"),
    ({"run_dir": "/nowhere/at/all"}, "the folder must exist"),
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
        other.sql(change)
        code, text = run_mxmd("--config", other.conf)
    finally:
        other.close()
    assert code == 65
    assert word in text


def test_it_starts_without_a_database(stack, tmp_path, cluster):
    nowhere = f"host={tmp_path} dbname=nothing user=mxm"
    stack.mxmd.stop()
    stack.configure(database=nowhere)
    begin = time.monotonic()
    mark = stack.mark()
    stack.mxmd.start([BUILD / "mxmd", "--config", stack.conf],
                     env=environment())
    stack.wait_healthy()
    assert time.monotonic() - begin < 5
    stack.wait_log("no database answers; requests get 503", since=mark)
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
    """Something listens where PostgreSQL should, and says nothing."""
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(tmp_path / ".s.PGSQL.5432"))
        mute.listen()
        stack.mxmd.stop()
        stack.configure(database=f"host={tmp_path} dbname=x user=mxm")
        begin = time.monotonic()
        stack.mxmd.start([BUILD / "mxmd", "--config", stack.conf],
                         env=environment())
        stack.wait_healthy()
        assert time.monotonic() - begin < 5
    reload(stack, database=stack.cluster.conninfo(stack.database))
    stack.wait_ready()


# ------------------------------------------------------ the service manager

SHELL = ('exec 3<&%d 4<&%d; export LISTEN_PID=$$ LISTEN_FDS=2 '
         'LISTEN_FDNAMES=%s; exec "$0" --config "$1"')


@pytest.mark.parametrize("names", ["fast:slow", "slow:fast"])
def test_sockets_of_the_service_manager(stack, names):
    """They outlive mxmd: whoever connects meanwhile waits, nobody fails."""
    stack.mxmd.stop()
    run, sockets = stack.base / "run", {}
    for name in names.split(":"):
        sockets[name] = socket.socket(socket.AF_UNIX)
        sockets[name].bind(str(run / f"{name}.sock"))
        sockets[name].listen(100)
    try:
        waiting = Call(stack.client(), "/healthz")
        waiting.start()
        one, two = (sockets[n].fileno() for n in names.split(":"))
        os.set_inheritable(one, True)
        os.set_inheritable(two, True)
        stack.mxmd.start(["bash", "-c", SHELL % (one, two, names),
                          BUILD / "mxmd", stack.conf], env=environment(),
                         pass_fds=(one, two))
        stack.wait_ready()
        waiting.join()
        assert waiting.response.status_code == 200
        # log-in goes to the slow pool
        stack.client("ana")
        assert stack.mxmd.stop() == 0
        assert (run / "fast.sock").exists()
    finally:
        for s in sockets.values():
            s.close()
        for name in sockets:
            (run / f"{name}.sock").unlink()
    stack.start_mxmd()


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
        assert "bad" in expect("READY=1")
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
