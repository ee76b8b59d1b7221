# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: messages with fields and ids, as journald receives them, and the
catalogue that explains the ids."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess

import pytest

from life import wait_whole, workers
from stack import BUILD, ROOT, environment, wait_until

WORLD = "catalogue"
STACK = {"crashes": True, "jobs": False}
SETTINGS = {"log_target": "auto", "workers": 2}

ROWS = re.findall(r'^EVENT\((\w+), "([0-9a-f]{32})",$',
                  (ROOT / "src/events.def").read_text(), re.M)
IDS = dict(ROWS)


class Journal:
    """What journald does: receives datagrams of lines NAME=value."""

    def __init__(self, path):
        self.path, self.messages, self.socket = str(path), [], None
        self.open()

    def open(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)

    def close(self):
        self.socket.close()
        os.unlink(self.path)

    def read(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                lines = self.socket.recv(1 << 16).decode().split("\n")
                assert lines.pop() == ""
                fields = dict(line.split("=", 1) for line in lines)
                # no field twice: nothing in a value has begun a new one
                assert len(fields) == len(lines), lines
                assert all(re.fullmatch("[A-Z][A-Z0-9_]*", n) for n in fields)
                self.messages.append(fields)
        return self.messages

    def wait(self, cause=lambda: None, **fields):
        """The first message with these fields; until then `cause` is called."""
        def found():
            cause()
            return next((m for m in self.read()
                         if fields.items() <= m.items()), None)
        return wait_until(found, f"a message with {fields}")


@pytest.fixture(scope="module")
def journal(stack):
    """mxmd and mxm-jobs started as by systemd, with the journal as standard
    error."""
    made = Journal(stack.base / "journal")
    stack.mxmd.stop()
    for process, program in ((stack.mxmd, "mxmd"), (stack.jobs, "mxm-jobs")):
        process.log.touch()
        st = process.log.stat()
        process.start([BUILD / program, "--config", stack.conf], env={
            **environment(True), "MXM_JOURNAL_SOCKET": made.path,
            "JOURNAL_STREAM": f"{st.st_dev}:{st.st_ino}"})
    stack.wait_ready()
    yield made
    stack.mxmd.stop()
    stack.jobs.stop()
    made.close()


def is_event(message, name, level):
    return (message["MESSAGE_ID"], message["MXM_EVENT"],
            message["PRIORITY"]) == (IDS[name], name, level)


def test_the_service_starts(stack, journal):
    for program in ("mxmd", "mxm-jobs"):
        assert is_event(journal.wait(SYSLOG_IDENTIFIER=program,
                                     MXM_EVENT="STARTED"), "STARTED", "6")
    ready = journal.wait(MXM_EVENT="READY")
    assert is_event(ready, "READY", "6")
    assert ready["MESSAGE"] == "ready: 3 workers, generation 1"
    # and nothing beside the journal
    assert not re.search("(?m)^<", stack.log())


def test_a_request_has_its_fields(stack, journal):
    ana = stack.client("ana")
    trace = 16 * "4b"
    number = ana.get("/api/movies/heat/", headers={
        "traceparent": f"00-{trace}-{8 * '7a'}-00"}).headers["X-Request-Id"]
    got = journal.wait(MXM_REQUEST_ID=number)
    assert got["MXM_TRACE_ID"] == trace and len(got["MXM_SPAN_ID"]) == 16
    assert got["MESSAGE"].startswith(f"[{number}] GET /api/movies/heat/ 200 ")
    assert "MESSAGE_ID" not in got and "MXM_EVENT" not in got
    assert {k: got[k] for k in ("MXM_METHOD", "MXM_ROUTE", "MXM_STATUS",
                                "MXM_ACCOUNT_ID", "SYSLOG_IDENTIFIER")} == {
        "MXM_METHOD": "GET", "MXM_ROUTE": "/api/movies/{movie}/",
        "MXM_STATUS": "200", "MXM_ACCOUNT_ID": "1", "SYSLOG_IDENTIFIER": "mxmd"}
    assert int(got["MXM_DURATION_US"]) > 0
    assert got["MXM_CACHE"] in ("hit", "miss", "off")


def test_a_request_forges_no_field(stack, journal):
    """Control characters do not begin a line in the datagram."""
    client = stack.client(check=False)
    number = client.get("/api/x%0aMESSAGE_ID=0%0aPRIORITY=0%0d%c2%85y/"
                        ).headers["X-Request-Id"]
    got = journal.wait(MXM_REQUEST_ID=number)
    assert got["PRIORITY"] == "6" and "MESSAGE_ID" not in got
    assert got["MXM_ROUTE"] == "other"
    long = client.get("/api/" + "x" * 7000).headers["X-Request-Id"]
    got = journal.wait(MXM_REQUEST_ID=long)
    assert 3000 < len(got["MESSAGE"]) < 4200 and got["MXM_STATUS"] == "404"


def test_a_worker_dies(stack, journal):
    wait_whole(stack)
    pid = min(workers(stack, pool="fast"))
    os.kill(pid, signal.SIGSTOP)
    stopped = journal.wait(MXM_EVENT="WORKER_STOPPED")
    assert is_event(stopped, "WORKER_STOPPED", "4")
    os.kill(pid, signal.SIGKILL)
    died = journal.wait(MXM_WORKER_PID=str(pid))
    assert is_event(died, "WORKER_DIED", "3")
    assert died["MXM_POOL"] == "fast"
    wait_whole(stack)


def test_the_cache_is_lost_and_back(stack, journal):
    client = stack.client()
    os.kill(stack.memcached.pid, signal.SIGKILL)
    stack.memcached.popen.wait()
    wait_until(lambda: client.get("/readyz").json()["cache"] == "away",
               "it is noticed")
    server = str(stack.cache_socket)
    assert is_event(journal.wait(MXM_EVENT="CACHE_LOST",
                                 MXM_CACHE_SERVER=server), "CACHE_LOST", "4")
    stack.start_memcached()
    wait_until(lambda: client.get("/readyz").json()["cache"] == "ok",
               "it is back")
    back = journal.wait(lambda: client.get("/readyz"), MXM_EVENT="CACHE_BACK")
    assert is_event(back, "CACHE_BACK", "6")
    assert back["MXM_CACHE_SERVER"] == server


def test_a_job_is_given_up(stack, journal):
    """One whose worker has died at every attempt."""
    number = stack.sql("INSERT INTO job (name, attempts) VALUES ('trend', 99)"
                       " RETURNING id")[0][0]
    stack.sql("NOTIFY job")
    got = journal.wait(MXM_EVENT="JOB_GIVEN_UP", MXM_JOB_ID=str(number))
    assert is_event(got, "JOB_GIVEN_UP", "3")
    assert got["MXM_JOB_NAME"] == "trend"


def test_settings_are_refused(stack, journal):
    good = stack.conf.read_text()
    stack.conf.write_text(good + "workers = many\n")
    for process, program in ((stack.mxmd, "mxmd"), (stack.jobs, "mxm-jobs")):
        process.signal(signal.SIGHUP)
        assert is_event(journal.wait(MXM_EVENT="RELOAD_REFUSED",
                                     SYSLOG_IDENTIFIER=program),
                        "RELOAD_REFUSED", "3")
    stack.conf.write_text(good)
    stack.mxmd.signal(signal.SIGHUP)
    assert is_event(journal.wait(MXM_EVENT="RELOADED"), "RELOADED", "6")
    wait_whole(stack)


def test_a_journal_that_is_restarted(stack, journal):
    """Meanwhile lines are written to standard error, which systemd holds."""
    client = stack.client()
    client.get("/healthz")
    journal.close()
    lost = client.get("/api/none/").headers["X-Request-Id"]
    stack.wait_log(rf"(?m)^<6>\[{lost}\] GET /api/none/ 404 ")
    journal.open()

    def received():
        number = client.get("/api/none/").headers["X-Request-Id"]
        return any(m.get("MXM_REQUEST_ID") == number for m in journal.read())
    wait_until(received, "messages are sent again")


# ------------------------------------------------------------- catalogue --

def test_the_catalogue(tmp_path):
    """journalctl accepts it, and has each event."""
    if not shutil.which("journalctl"):
        pytest.skip("journalctl (package systemd) is not installed")
    catalogue = ROOT / "systemd/moviesxmovies.catalog"
    (tmp_path / "usr/lib/systemd/catalog").mkdir(parents=True)
    (tmp_path / "var/lib/systemd/catalog").mkdir(parents=True)
    shutil.copy(catalogue, tmp_path / "usr/lib/systemd/catalog")

    def journalctl(*args):
        return subprocess.run(
            ["journalctl", f"--root={tmp_path}", *args], check=True,
            capture_output=True, text=True).stdout
    journalctl("--update-catalog")
    listed = re.findall("(?m)^([0-9a-f]{32}) moviesxmovies: ",
                        journalctl("--list-catalog"))
    assert sorted(listed) == sorted(IDS.values())
    assert len(ROWS) == len(set(IDS)) == len(set(IDS.values()))
    shown = journalctl("--dump-catalog", *IDS.values())
    assert shown.count("\nDefined-By: moviesxmovies\n") == len(ROWS)
    # each names its fields as the program does, and commands that exist
    sources = "".join(p.read_text() for p in (ROOT / "src").rglob("*.c"))
    for field in re.findall("@(.*?)@", shown):
        assert f'log_field("{field}"' in sources, field
    commands = re.findall(r'^COMMAND\("([^"]+)"',
                          (ROOT / "src/commands.def").read_text(), re.M)
    named = re.findall('"mxmctl ([^"]*)"', " ".join(shown.split()))
    assert len(named) > 5
    for command in named:
        assert any(command.startswith(c) for c in commands), command
