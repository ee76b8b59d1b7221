# SPDX-License-Identifier: GPL-3.0-or-later
"""mxmctl jobs: what it shows, and what it changes."""

import json
import os

import pytest

from queue_tools import job, queue

WORLD = "ana-and-friends"
STACK = {"web": False, "jobs": False}


@pytest.fixture
def jobs(stack):
    """One job of each state; gives their ids by state."""
    stack.sql("DELETE FROM job")
    made = {
        "queued": queue(stack, "mail_reset", {"account_id": 2}),
        "running": queue(stack, "prune", state="running", attempts=1,
                         lease_until="2100-01-01"),
        "done": queue(stack, "prune", state="done", attempts=1,
                      finished_at="now"),
        "failed": queue(stack, "mail_reset", state="failed", attempts=6,
                        max_attempts=6, finished_at="now",
                        last_error="smtp: RCPT failed: 550"),
    }
    return made


def listed(stack, what=""):
    return [j["id"] for j in
            json.loads(stack.ctl(f"jobs list {what} --json").stdout)]


def test_list(stack, jobs):
    assert listed(stack) == [jobs["failed"], jobs["running"], jobs["queued"]]
    assert listed(stack, "open") == listed(stack)
    assert listed(stack, "all") == sorted(jobs.values(), reverse=True)
    for state in ("queued", "running", "done", "failed"):
        assert listed(stack, state) == [jobs[state]]


def test_list_as_text(stack, jobs):
    lines = stack.ctl("jobs list").stdout.splitlines()
    assert len(lines) == 3
    assert lines[0].split()[:4] == [str(jobs["failed"]), "mail_reset",
                                    "failed", "6/6"]
    assert lines[0].endswith("smtp: RCPT failed: 550")
    assert stack.ctl("jobs").stdout.splitlines() == lines


def test_list_as_json(stack, jobs):
    shown, = json.loads(stack.ctl("--json jobs list failed").stdout)
    assert shown["name"] == "mail_reset" and shown["attempts"] == 6
    assert shown["last_error"] == "smtp: RCPT failed: 550"
    assert shown["created_at"].endswith("Z") and shown["at"].endswith("Z")


def test_count(stack, jobs):
    counts = {(c["name"], c["state"]): c["jobs"] for c in
              json.loads(stack.ctl("jobs count --json").stdout)}
    assert counts == {("mail_reset", "queued"): 1, ("mail_reset", "failed"): 1,
                      ("prune", "running"): 1, ("prune", "done"): 1}
    assert "mail_reset" in stack.ctl("jobs count").stdout


def test_retry(stack, jobs):
    assert stack.ctl(f"jobs retry {jobs['failed']}").stdout == "1 queued\n"
    row = job(stack, jobs["failed"])
    assert (row["state"], row["attempts"]) == ("queued", 0)


def test_retry_all_failed(stack, jobs):
    queue(stack, "prune", state="failed", finished_at="now")
    assert stack.ctl("jobs retry failed").stdout == "2 queued\n"
    assert listed(stack, "failed") == []
    again = stack.ctl("jobs retry failed", check=False)
    assert again.returncode == os.EX_DATAERR


def test_remove(stack, jobs):
    done = stack.ctl(f"jobs remove {jobs['queued']} {jobs['failed']} --json")
    assert json.loads(done.stdout) == {"removed": 2}
    assert listed(stack, "all") == [jobs["done"], jobs["running"]]


@pytest.mark.parametrize("verb, state", [
    ("retry", "running"), ("retry", "done"), ("remove", "running")])
def test_what_is_under_way_or_done_stays(stack, jobs, verb, state):
    done = stack.ctl(f"jobs {verb} {jobs[state]}", check=False)
    assert done.returncode == os.EX_DATAERR
    assert str(jobs[state]) in done.stderr
    assert job(stack, jobs[state])["state"] == state


@pytest.mark.parametrize("arguments", [
    "dance", "list nonsense", "list all more", "count more", "retry",
    "retry seven", "remove", "remove 7x"])
def test_usage(stack, arguments):
    done = stack.ctl(f"jobs {arguments}", check=False)
    assert done.returncode == os.EX_USAGE
    assert "usage: mxmctl jobs" in done.stderr
    assert done.stdout == ""
