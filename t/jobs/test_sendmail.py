# SPDX-License-Identifier: GPL-3.0-or-later
"""Mails by sendmail(8): a stand-in that stores its arguments and its input."""

import json
import re
import sys

import pytest

from fake_smtp import parse
from queue_tools import hasten, queue, wait_state

WORLD = "ana-and-friends"
STACK = {"web": False, "jobs": False}

BOB = 2

PROGRAM = """#!{python}
import json, os, sys
data = sys.stdin.buffer.read()
here = os.path.dirname(os.path.abspath(__file__))
fds = sorted(map(int, os.listdir("/proc/self/fd")))[:-1]  # without this one
print("to somebody@example.org")
print("about somebody@example.org", file=sys.stderr)
with open(here + "/taken.new", "w") as out:
    json.dump({{"argv": sys.argv[1:], "data": data.decode(),
               "fds": fds, "env": dict(os.environ)}}, out)
os.rename(here + "/taken.new", here + "/taken")
if os.path.exists(here + "/status"):
    sys.exit(int(open(here + "/status").read()))
"""


@pytest.fixture
def program(stack, tmp_path):
    path = tmp_path / "sendmail"
    path.write_text(PROGRAM.format(python=sys.executable))
    path.chmod(0o755)
    stack.configure(mail_transport="sendmail", sendmail_path=path)
    stack.start_jobs()
    yield path
    stack.jobs.stop()
    stack.sql("DELETE FROM job")


def test_delivers(stack, program):
    wait_state(stack, queue(stack, "mail_reset", {"account_id": BOB}), "done")
    taken = json.loads((program.parent / "taken").read_text())
    assert taken["argv"] == ["-i", "-t", "-f", "movies@example.org"]
    message = parse(taken["data"].encode())
    assert message["To"] == "bob@example.org"
    assert not message["Cc"] and not message["Bcc"]
    assert taken["fds"] == [0, 1, 2], "no connection of the jobs is inherited"
    assert not [v for v in taken["env"] if v.startswith("MXM")]
    assert "somebody" not in stack.log("mxm-jobs")


def test_a_failure_is_retried(stack, program):
    (program.parent / "status").write_text("75")
    waiting = queue(stack, "mail_reset", {"account_id": BOB})
    row = wait_state(stack, waiting, "queued", attempts=1)
    assert row["last_error"] == \
        f"{program}: exit status 75 (temporary failure)"
    (program.parent / "status").unlink()
    hasten(stack, waiting)
    wait_state(stack, waiting, "done")


def test_a_missing_program_is_retried_and_reported(stack, program):
    program.rename(program.parent / "away")
    waiting = queue(stack, "mail_reset", {"account_id": BOB})
    row = wait_state(stack, waiting, "queued", attempts=1)
    assert row["last_error"] == f"{program}: No such file or directory"
    found = stack.ctl("check", check=False).stdout
    assert re.search(rf"^.*mail.*{program}: No such file or directory; install",
                     found, re.M), found


def test_a_killed_program_is_retried(stack, program):
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    waiting = queue(stack, "mail_reset", {"account_id": BOB})
    row = wait_state(stack, waiting, "queued", attempts=1)
    assert row["last_error"] == f"{program}: killed by signal 9"
