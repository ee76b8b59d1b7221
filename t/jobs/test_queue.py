# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue and the program: waking, periods, pruning, losing the database,
settings read again, options."""

import contextlib
import os
import signal
import subprocess
import time

import stack as stack_module
from queue_tools import children, queue, wait_state
from stack import wait_until

WORLD = "ana-and-friends"
STACK = {"web": False}

NINA = 7


def once(stack, *args):
    return subprocess.run(
        [stack_module.BUILD / "mxm-jobs", "--config", stack.conf, *args],
        env=stack_module.environment(), capture_output=True, text=True,
        timeout=60)


def test_a_notification_wakes(stack):
    """Without it each waits for the next round, a second after the job before; on
    a busy machine only some are that fast."""
    times = []
    for _ in range(10):
        began = time.monotonic()
        wait_state(stack, queue(stack, "mail_verification",
                                {"account_id": NINA}), "done")
        times.append(time.monotonic() - began)
    assert sorted(times)[2] < 0.5, times


def test_the_future_can_wait(stack):
    later = queue(stack, "mail_verification", {"account_id": NINA})
    stack.sql("UPDATE job SET run_at = now() + interval '1 hour' "
              "WHERE id = %s AND state = 'queued'", [later])
    future = queue(stack, "mail_verification", {"account_id": NINA},
                   run_at="2100-01-01")
    wait_state(stack, queue(stack, "mail_verification",
                            {"account_id": NINA}), "done")
    assert stack.value("SELECT state FROM job WHERE id = %s",
                       [future]) == "queued"


def test_unknown_jobs_are_left_alone(stack):
    unknown = queue(stack, "from_the_future")
    wait_state(stack, queue(stack, "mail_verification",
                            {"account_id": NINA}), "done")
    assert stack.value("SELECT state FROM job WHERE id = %s",
                       [unknown]) == "queued"
    stack.sql("DELETE FROM job WHERE id = %s", [unknown])


def test_a_period_has_one_row_for_all_processes(stack):
    wait_until(lambda: stack.value(
        "SELECT count(*) FROM job WHERE name = 'prune' AND state = 'done'"),
        "prune has run")
    before = stack.value("SELECT count(*) FROM job WHERE name = 'prune'")
    for _ in range(3):
        assert once(stack, "--once").returncode == 0
    after = stack.value("SELECT count(*) FROM job WHERE name = 'prune'")
    assert after <= before + 1, "at most the hour has changed"
    keys = stack.value("SELECT count(DISTINCT idempotency_key) FROM job "
                       "WHERE name = 'prune'")
    assert keys == after


def test_prune(stack):
    stack.sql("INSERT INTO session (id, user_id, digest, epoch, expires_at) "
              "SELECT gen_random_uuid(), 1, n::text::bytea, 0, now() - interval '2 days' "
              "FROM generate_series(1, 2500) AS n")
    stack.sql("INSERT INTO session (id, user_id, digest, epoch, expires_at) "
              "VALUES (gen_random_uuid(), 1, 'kept', 0, now() - interval '1 hour')")
    stack.sql("INSERT INTO code (user_id, purpose, expires_at) VALUES "
              "(2, 'reset', now() - interval '2 days'), "
              "(3, 'reset', now() - interval '2 hours')")
    stack.sql("INSERT INTO job (name, state, finished_at) VALUES "
              "('old', 'done', now() - interval '8 days'), "
              "('young', 'done', now() - interval '6 days'), "
              "('old', 'failed', now() - interval '91 days'), "
              "('young', 'failed', now() - interval '80 days')")
    wait_state(stack, queue(stack, "prune"), "done")
    assert stack.sql("SELECT digest::text FROM session WHERE user_id = 1 "
                     "AND expires_at < now()") == [("\\x6b657074",)]
    assert stack.sql("SELECT user_id FROM code WHERE purpose = 'reset'") == \
        [(3,)]
    assert stack.sql("SELECT name, state FROM job WHERE name IN "
                     "('old', 'young') ORDER BY state") == \
        [("young", "done"), ("young", "failed")]
    stack.sql("DELETE FROM job WHERE name = 'young'")


def test_once_does_what_is_due_and_ends(stack):
    stack.jobs.stop()
    try:
        first = queue(stack, "mail_verification", {"account_id": NINA})
        second = queue(stack, "mail_reset", {"account_id": 1})
        stack.sql("INSERT INTO touch (kind, key) VALUES ('user', '1')")
        done = once(stack, "--once")
        assert done.returncode == 0, done.stderr
        for each in (first, second):
            assert stack.value("SELECT state FROM job WHERE id = %s",
                               [each]) == "done"
        assert stack.value("SELECT count(*) FROM touch") == 0
    finally:
        stack.start_jobs()


def test_periodic_deletes_what_has_expired_and_sends_nothing(stack):
    stack.jobs.stop()
    try:
        stack.sql("DELETE FROM job WHERE idempotency_key IS NOT NULL")
        stack.sql("INSERT INTO job (name, state, finished_at)"
                  " VALUES ('expired', 'done', now() - interval '1 year')")
        mail = queue(stack, "mail_verification", {"account_id": NINA})
        stack.sql("INSERT INTO touch (kind, key) VALUES ('user', '1')")
        done = once(stack, "--periodic")
        assert done.returncode == 0, done.stderr
        assert stack.value("SELECT count(*) FROM job"
                           " WHERE name = 'expired'") == 0
        assert stack.value("SELECT state FROM job WHERE id = %s",
                           [mail]) == "queued"
        assert stack.value("SELECT count(*) FROM touch") == 0
        # mxm-jobs and the timer take the same rows: none is due twice
        before = stack.sql("SELECT id FROM job ORDER BY id")
        assert once(stack, "--periodic").returncode == 0
        assert stack.sql("SELECT id FROM job ORDER BY id") == before
    finally:
        stack.start_jobs()


def test_once_says_when_it_cannot(stack):
    env = dict(stack_module.environment(),
               MXM_DATABASE="host=/nonexistent dbname=x")
    done = subprocess.run(
        [stack_module.BUILD / "mxm-jobs", "--config", stack.conf, "--once"],
        env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == os.EX_TEMPFAIL
    assert "no connection" in done.stderr


def test_options(stack):
    assert "usage: mxm-jobs" in once(stack, "--help").stdout
    assert once(stack, "--version").stdout.startswith("mxm-jobs ")
    bad = once(stack, "--nonsense")
    assert bad.returncode == os.EX_USAGE and "usage: mxm-jobs" in bad.stderr
    missing = subprocess.run(
        [stack_module.BUILD / "mxm-jobs", "--config", "/nonexistent/mxm.conf"],
        env=stack_module.environment(), capture_output=True, text=True,
        timeout=60)
    assert missing.returncode == os.EX_CONFIG
    assert "/nonexistent/mxm.conf" in missing.stderr


def test_a_dead_child_is_replaced(stack):
    mark = stack.mark("mxm-jobs")
    for name in ("mxm-jobs/work", "mxm-jobs/touch"):
        before = children(stack.jobs, name)
        assert before
        os.kill(before[0], signal.SIGKILL)
        wait_until(lambda: len(children(stack.jobs, name)) == len(before)
                   and before[0] not in children(stack.jobs, name),
                   f"another {name}", 20, stack.jobs)
    stack.wait_log("killed by signal 9", "mxm-jobs", mark)
    wait_state(stack, queue(stack, "mail_verification",
                            {"account_id": NINA}), "done")


def terminate_backends(stack):
    stack.cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                      "WHERE datname = %s AND pid <> pg_backend_pid()",
                      [stack.database])


def test_a_lost_connection_heals(stack):
    for _ in range(3):
        terminate_backends(stack)
        stack.sql("INSERT INTO touch (kind, key) VALUES ('user', '1')")
        wait_state(stack, queue(stack, "mail_verification",
                                {"account_id": NINA}), "done")
        wait_until(lambda: stack.value("SELECT count(*) FROM touch") == 0,
                   "touches are raised")
    assert stack.jobs.is_running()


def test_a_database_that_is_away_is_waited_for(stack):
    mark = stack.mark("mxm-jobs")
    waiting = queue(stack, "mail_verification", {"account_id": NINA},
                    run_at="2100-01-01")
    allow = "ALTER DATABASE {} ALLOW_CONNECTIONS {}"
    stack.cluster.sql(allow.format(stack.database, "false"))
    try:
        terminate_backends(stack)
        stack.wait_log("not currently accepting", "mxm-jobs", mark)
    finally:
        stack.cluster.sql(allow.format(stack.database, "true"))
    stack.sql("UPDATE job SET run_at = now() WHERE id = %s", [waiting])
    wait_state(stack, waiting, "done")
    assert stack.log("mxm-jobs", mark).count("not currently accepting") < 10


def test_settings_are_read_again(stack):
    other = stack.base / "other-mail"
    other.mkdir()
    mark = stack.mark("mxm-jobs")
    stack.configure(mail_dir=other)
    stack.jobs.signal(signal.SIGHUP)
    stack.wait_log("the settings were reloaded", "mxm-jobs", mark)
    wait_state(stack, queue(stack, "mail_verification",
                            {"account_id": NINA}), "done")
    assert wait_until(lambda: list(other.iterdir()), "a mail is there")
    stack.configure(mail_dir=stack.mail_dir)
    stack.jobs.signal(signal.SIGHUP)


def test_bad_settings_change_nothing(stack):
    mark = stack.mark("mxm-jobs")
    stack.configure(mail_transport="pigeon")
    stack.jobs.signal(signal.SIGHUP)
    stack.wait_log("pigeon", "mxm-jobs", mark)
    stack.configure(mail_transport="file")
    wait_state(stack, queue(stack, "mail_verification",
                            {"account_id": NINA}), "done")
    assert stack.jobs.is_running()


def test_no_child_outlives_its_master(stack):
    def those_of_now():
        pids = children(stack.jobs, "mxm-jobs/work") + \
            children(stack.jobs, "mxm-jobs/touch")
        return pids if len(pids) == 3 else None
    # those of older settings end when they have done what they are at
    pids = wait_until(those_of_now, "there are three", 20, stack.jobs)
    os.kill(stack.jobs.pid, signal.SIGKILL)
    stack.jobs.popen.wait()
    wait_until(lambda: not any(os.path.exists(f"/proc/{p}") for p in pids),
               "the children end")
    stack.start_jobs()


def test_the_end_of_a_job_is_notified(stack):
    """Requests that wait for a job listen on job_finished."""
    stack.jobs.stop()
    try:
        with contextlib.closing(
                stack.cluster.connect(stack.database)) as db, db.cursor() as c:
            c.execute("LISTEN job_finished")
            done = queue(stack, "mail_verification", {"account_id": NINA})
            failed = queue(stack, "mail_verification", {"account_id": "x"})
            assert once(stack, "--once").returncode == 0
            db.poll()
            assert [n.channel for n in db.notifies] == ["job_finished"] * 2
        for job_id, state in ((done, "done"), (failed, "failed")):
            assert wait_state(stack, job_id, state)
    finally:
        stack.start_jobs()


def test_each_process_runs_jobs_of_its_group(stack):
    """Two for those that requests wait for, one for those that may take
    minutes, two for the others."""
    for name, n in (("mxm-jobs/await", 2), ("mxm-jobs/long", 1),
                    ("mxm-jobs/work", 2)):
        wait_until(lambda a=name, b=n: len(children(stack.jobs, a)) == b,
                   f"{n} {name}")
