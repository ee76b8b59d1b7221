# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of jobs share: queueing, waiting, and the processes."""

import json
import pathlib

from stack import wait_until


def queue(stack, name, payload=None, **columns):
    """Inserts a job; gives its id."""
    columns = {"name": name, "payload": json.dumps(payload or {}), **columns}
    names = ", ".join(columns)
    marks = ", ".join(["%s"] * len(columns))
    return stack.value(f"INSERT INTO job ({names}) VALUES ({marks}) "
                       "RETURNING id", list(columns.values()))


def job(stack, job_id):
    """The row of a job as a dictionary."""
    rows = stack.sql("SELECT state, attempts, max_attempts, last_error, "
                     "extract(epoch FROM run_at - now())::float8 "
                     "FROM job WHERE id = %s", [job_id])
    assert len(rows) == 1
    return dict(zip(("state", "attempts", "max_attempts", "last_error",
                     "due_in"), rows[0]))


def wait_state(stack, job_id, state, attempts=None, timeout=20):
    """Waits for a state (and a number of attempts); gives the row."""
    def there():
        row = job(stack, job_id)
        fits = row["state"] == state and attempts in (None, row["attempts"])
        return row if fits else None
    return wait_until(there, f"job {job_id} is {state}", timeout, stack.jobs)


def hasten(stack, job_id):
    """Makes a queued job due."""
    stack.sql("UPDATE job SET run_at = now() WHERE id = %s", [job_id])
    stack.sql("NOTIFY job")


def children(process, name):
    """Process ids of the children of that name, for example mxm-jobs/work."""
    found = []
    task = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
    for pid in task.read_text().split():
        try:
            comm = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if comm == name:
            found.append(int(pid))
    return found
