# SPDX-License-Identifier: GPL-3.0-or-later
"""pgbouncer in front of PostgreSQL. If it shares sessions between its clients,
prepared statements, settings and LISTEN do not work: every program reports it by
name and does not change the shared sessions. If it keeps a session for each
client, everything works."""

import pathlib
import shutil
import subprocess
import tempfile
import threading

import psycopg2
import pytest

import stack as stack_module
from life import run_mxmd
from stack import BUILD, answers, as_user, environment, wait_until, write_conf

PGBOUNCER = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")

CONF = """[databases]
* = host={server} user=mxm

[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = {run}
auth_type = any
"""


class Pooler:
    """pgbouncer for the database of a stack."""

    def __init__(self, stack, mode, size=2, more=()):
        self.run = pathlib.Path(tempfile.mkdtemp(
            prefix="mxm-", dir=stack_module.temporary()))
        self.run.chmod(0o777)  # for the user it runs as
        self.process = stack_module.Process("pgbouncer", self.run / "log")
        self.conninfo = f"host={self.run} port=6432 dbname={stack.database}" \
            " user=mxm"
        text = CONF.format(server=stack.cluster.run, run=self.run)
        for line in (f"pool_mode = {mode}", f"default_pool_size = {size}",
                     *more):
            text += line + "\n"
        (self.run / "pgbouncer.ini").write_text(text)

    def __enter__(self):
        # as the user that the cluster lets in; pgbouncer refuses to be root
        self.process.start(as_user("postgres", [PGBOUNCER,
                                                self.run / "pgbouncer.ini"]))
        wait_until(lambda: answers(self.run / ".s.PGSQL.6432"),
                   "pgbouncer starts", alive=self.process)
        return self

    def __exit__(self, *_):
        self.process.stop()
        shutil.rmtree(self.run)


@pytest.fixture
def pooler(stack):
    """A connection string that leads through shared sessions."""
    with Pooler(stack, "transaction") as shared:
        yield shared.conninfo


def settings(stack, conninfo, tmp_path, **more):
    conf = tmp_path / "mxm.conf"
    write_conf(conf, {**stack.settings(), "run_dir": tmp_path,
                      "database": conninfo, "database_owner": "", **more})
    return conf


def timeouts(conninfo):
    """What the shared sessions have, as a client sees it."""
    done = subprocess.run(["psql", "-Atq", conninfo, "-c",
                           "SHOW statement_timeout"], capture_output=True,
                          text=True, check=True)
    return done.stdout.strip()


def test_mxmd_does_not_start(stack, pooler, tmp_path):
    code, text = run_mxmd("--config", settings(stack, pooler, tmp_path))
    assert code != 0
    assert "pooler (pgbouncer" in text and "pool_mode = session" in text
    assert timeouts(pooler) == "0"


def test_mxmctl_says_so(stack, pooler, tmp_path):
    conf = settings(stack, pooler, tmp_path)
    for command in ("check", "migrate", "jobs count"):
        done = stack_module.ctl(conf, command, check=False)
        assert done.returncode != 0
        assert "pooler (pgbouncer" in done.stdout + done.stderr
    assert timeouts(pooler) == "0"


def test_the_jobs_say_so(stack, pooler, tmp_path):
    conf = settings(stack, pooler, tmp_path)
    jobs = stack_module.Process("mxm-jobs", tmp_path / "jobs.log")
    jobs.start([BUILD / "mxm-jobs", "--config", conf], env=environment())
    try:
        wait_until(lambda: "pooler (pgbouncer" in jobs.text(), "they say so")
    finally:
        jobs.stop()
    assert timeouts(pooler) == "0"


class Clients:
    """Clients of a pooler, one statement after the other each."""

    def __init__(self, conninfo, count):
        self.stop = threading.Event()
        self.busy = threading.Barrier(count + 1)
        self.threads = [threading.Thread(target=self.run, args=[conninfo])
                        for _ in range(count)]

    def run(self, conninfo):
        conn = psycopg2.connect(conninfo)
        conn.autocommit = True
        with conn.cursor() as cursor:
            cursor.execute("SELECT 1")
            self.busy.wait()
            while not self.stop.is_set():
                cursor.execute("SELECT count(*) FROM generate_series(1, 500)")
        conn.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.busy.wait()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()


@pytest.mark.parametrize("size, clients, order", [
    (1, 0, 0), (1, 4, 0), (2, 0, 0), (2, 0, 1), (2, 4, 1), (3, 4, 0)])
def test_it_is_found_in_each_pool(stack, tmp_path, size, clients, order):
    """Idle and busy; order 1: the server connections take turns."""
    more = [f"server_round_robin = {order}"]
    with Pooler(stack, "transaction", size, more) as shared:
        with Clients(shared.conninfo, size):
            pass  # all server connections are there
        with Clients(shared.conninfo, clients):
            conf = settings(stack, shared.conninfo, tmp_path)
            for _ in range(5):
                done = stack_module.ctl(conf, "jobs count", check=False)
                assert done.returncode != 0
                assert "pooler (pgbouncer" in done.stderr


def test_statement_mode(stack, tmp_path):
    with Pooler(stack, "statement") as shared:
        conf = settings(stack, shared.conninfo, tmp_path)
        done = stack_module.ctl(conf, "jobs count", check=False)
        assert "pooler (pgbouncer" in done.stderr


@pytest.fixture
def through(stack):
    """Changes the connection string of the stack; puts it back."""
    before = stack.settings()["database"]
    yield lambda conninfo: (stack.restart_jobs(database=conninfo),
                            stack.restart_mxmd(database=conninfo))
    stack.restart_jobs(database=before)
    stack.restart_mxmd(database=before)


def test_sessions_of_their_own(stack, ana, through):
    """All programs work; a notification wakes mxm-jobs."""
    with Pooler(stack, "session", 20) as own:
        through(own.conninfo)
        assert ana.post("/api/movies/heat/unseen/").status_code == 200
        assert ana.delete("/api/movies/heat/unseen/").status_code == 200
        assert ana.get("/api/movies/searching/?name=heat").status_code == 200
        stack.touched()
        assert "pooler" not in stack.log() + stack.log("mxm-jobs")


def test_a_session_that_was_not_reset(stack, tmp_path):
    """One server connection, with what the client before has prepared."""
    with Pooler(stack, "session", 1, ["server_reset_query ="]) as own:
        conf = settings(stack, own.conninfo, tmp_path)
        for _ in range(2):
            stack_module.ctl(conf, "jobs count")
