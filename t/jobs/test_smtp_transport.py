# SPDX-License-Identifier: GPL-3.0-or-later
"""Mails over SMTP: delivered, refused, delayed, with TLS; and the state of the
job when a process dies."""

import os
import re
import signal
import threading

import pytest

from fake_smtp import FakeSmtp
from queue_tools import children, hasten, job, queue, wait_state
from stack import wait_until

WORLD = "ana-and-friends"
STACK = {"web": False, "jobs": False}

BOB, NINA = 2, 7


@pytest.fixture
def smtp(stack):
    with FakeSmtp() as server:
        start(stack, server)
        yield server
        stack.jobs.stop()
        stack.sql("DELETE FROM job")


def start(stack, server, **settings):
    settings = {"mail_transport": "smtp", "smtp_url": server.url,
                "smtp_user": None, "smtp_password": None, "smtp_tls": None,
                "ca_file": None, **settings}
    stack.configure(**settings)
    stack.start_jobs()


def code_in(message):
    return re.search(r"\b\d{6}\b",
                     message.get_body("plain").get_content()).group()


def test_delivers(stack, smtp):
    wait_state(stack, queue(stack, "mail_reset", {"account_id": BOB}), "done")
    assert len(smtp.mails) == 1
    mail, = smtp.mails
    assert mail.sender == "movies@example.org"
    assert mail.recipients == ["bob@example.org"]
    assert not mail.tls
    message, = smtp.messages()
    assert "bob" in message["Subject"]
    assert [p.get_content_type() for p in message.iter_parts()] == \
        ["text/plain", "text/html"]
    assert all(len(line) <= 78 for line in mail.data.split(b"\r\n"))


def test_this_machine_may_send(stack):
    """What the settings take as a sender is one for the mail, too."""
    with FakeSmtp() as server:
        start(stack, server, mail_from="movies@localhost")
        wait_state(stack, queue(stack, "mail_reset", {"account_id": BOB}),
                   "done")
        assert [m.sender for m in server.mails] == ["movies@localhost"]
        assert "<movies@localhost>" in server.messages()[0]["From"]
        stack.jobs.stop()
        stack.configure(mail_from="movies@example.org")
        stack.sql("DELETE FROM job")


@pytest.mark.parametrize("verb, reply", [
    ("RCPT", "451 later"), ("MAIL", "421 busy"), ("DATA", "452 full"),
    ("EHLO", None), ("DATA", None),
])
def test_a_refused_mail_is_sent_again(stack, smtp, verb, reply):
    smtp.answer(verb, reply)
    waiting = queue(stack, "mail_reset", {"account_id": BOB})
    row = wait_state(stack, waiting, "queued", attempts=1)
    assert row["last_error"].startswith("smtp: ")
    if reply:
        assert reply.split()[0] in row["last_error"]
    assert 5 < row["due_in"] < 15
    assert not smtp.mails
    hasten(stack, waiting)
    assert wait_state(stack, waiting, "done")["last_error"] is None
    assert len(smtp.mails) == 1


def test_delays_grow(stack, smtp):
    smtp.answer("RCPT", *["451 later"] * 4)
    waiting = queue(stack, "mail_reset", {"account_id": BOB})
    for attempt, least, most in ((1, 5, 12), (2, 30, 48), (3, 120, 190)):
        row = wait_state(stack, waiting, "queued", attempts=attempt)
        assert least < row["due_in"] < most
        hasten(stack, waiting)
    wait_state(stack, waiting, "queued", attempts=4)


def test_given_up_and_taken_up_again(stack, smtp):
    smtp.answer("RCPT", *["550 nobody"] * 6)
    waiting = queue(stack, "mail_reset", {"account_id": BOB})
    for attempt in range(1, 6):
        wait_state(stack, waiting, "queued", attempts=attempt)
        hasten(stack, waiting)
    row = wait_state(stack, waiting, "failed")
    assert row["attempts"] == row["max_attempts"] == 6
    assert "550" in row["last_error"]
    listed = stack.ctl("jobs list failed").stdout
    assert str(waiting) in listed and "mail_reset" in listed
    assert "550" in listed and "bob@" not in listed
    stack.ctl(f"jobs retry {waiting}")
    assert wait_state(stack, waiting, "done")["attempts"] == 1
    assert len(smtp.mails) == 1


def test_nobody_listens(stack):
    with FakeSmtp() as server:
        pass
    start(stack, server)
    waiting = queue(stack, "mail_reset", {"account_id": BOB})
    row = wait_state(stack, waiting, "queued", attempts=1)
    assert row["last_error"].startswith("smtp: ")
    stack.jobs.stop()
    stack.sql("DELETE FROM job")


def test_a_slow_server_delays_nobody_else(stack, smtp):
    go_on = threading.Event()
    smtp.answer("RCPT", go_on)
    slow = queue(stack, "mail_reset", {"account_id": BOB})
    wait_until(lambda: "RCPT" in str(smtp.verbs()), "the slow mail has begun")
    stack.sql("INSERT INTO touch (kind, key) VALUES ('user', '1')")
    fast = queue(stack, "mail_verification", {"account_id": NINA})
    wait_state(stack, fast, "done")
    wait_until(lambda: stack.value("SELECT count(*) FROM touch") == 0,
               "touches are raised meanwhile")
    assert job(stack, slow)["state"] == "running"
    go_on.set()
    wait_state(stack, slow, "done")


def test_told_to_stop_it_finishes_the_job_at_hand(stack, smtp):
    go_on = threading.Event()
    smtp.answer("DATA", go_on)
    slow = queue(stack, "mail_reset", {"account_id": BOB})
    wait_until(lambda: "DATA" in smtp.verbs(), "the mail has begun")
    stack.jobs.signal(signal.SIGTERM)
    # Only then no process takes another job.
    wait_until(lambda: len(all_children(stack)) == 1,
               "only the one with the job is left", alive=stack.jobs)
    later = queue(stack, "mail_reset", {"account_id": BOB})
    go_on.set()
    assert stack.jobs.popen.wait(15) == 0
    assert job(stack, slow)["state"] == "done"
    assert job(stack, later)["state"] == "queued"
    assert len(smtp.mails) == 1


def begun_and_reloaded(stack, smtp, times):
    """A job is at hand, and the settings were read again so often; gives
    the job and what lets it go on."""
    go_on = threading.Event()
    smtp.answer("RCPT", go_on)
    slow = queue(stack, "mail_reset", {"account_id": BOB})
    wait_until(lambda: "RCPT" in str(smtp.verbs()), "the mail has begun")
    for _ in range(times):
        mark = stack.mark("mxm-jobs")
        stack.jobs.signal(signal.SIGHUP)
        stack.wait_log("the settings were reloaded", "mxm-jobs", mark)
    return slow, go_on


def all_children(stack):
    return children(stack.jobs, "mxm-jobs/work") + \
        children(stack.jobs, "mxm-jobs/touch")


@pytest.mark.parametrize("times", [1, 3])
def test_a_job_of_older_settings_is_waited_for(stack, smtp, times):
    slow, go_on = begun_and_reloaded(stack, smtp, times)
    stack.jobs.signal(signal.SIGTERM)
    wait_until(lambda: len(all_children(stack)) == 1,
               "only the one with the job is left", alive=stack.jobs)
    go_on.set()
    assert stack.jobs.popen.wait(15) == 0
    assert job(stack, slow)["state"] == "done"
    assert len(smtp.mails) == 1
    assert "stopped" in stack.log("mxm-jobs")


def test_a_second_signal_waits_for_no_job(stack, smtp):
    slow, go_on = begun_and_reloaded(stack, smtp, 1)
    stack.jobs.signal(signal.SIGTERM)
    busy, = wait_until(lambda: len(all_children(stack)) == 1
                       and all_children(stack),
                       "only the one with the job is left", alive=stack.jobs)
    stack.jobs.signal(signal.SIGTERM)
    assert stack.jobs.popen.wait(15) == 0
    assert not os.path.exists(f"/proc/{busy}")
    stack.wait_log(rf"\[{busy}\] was killed by signal 9", "mxm-jobs")
    go_on.set()
    assert job(stack, slow)["state"] == "running", "until the lease is over"


def test_a_killed_worker_loses_its_lease_and_the_job_is_done_once(stack, smtp):
    go_on = threading.Event()
    smtp.answer("MAIL", go_on)
    slow = queue(stack, "mail_reset", {"account_id": BOB})
    wait_until(lambda: "MAIL" in str(smtp.verbs()), "the mail has begun")
    for pid in children(stack.jobs, "mxm-jobs/work"):
        os.kill(pid, signal.SIGKILL)
    stack.wait_log("killed by signal 9", "mxm-jobs")
    go_on.set()
    assert job(stack, slow)["state"] == "running", "no other process takes it"
    stack.sql("UPDATE job SET lease_until = now() WHERE id = %s", [slow])
    assert wait_state(stack, slow, "done")["attempts"] == 2
    assert len(smtp.mails) == 1


def test_who_lost_its_lease_changes_nothing(stack, smtp):
    go_on = threading.Event()
    smtp.answer("RCPT", go_on)
    slow = queue(stack, "mail_reset", {"account_id": BOB})
    wait_until(lambda: "RCPT" in str(smtp.verbs()), "the mail has begun")
    stack.sql("UPDATE job SET attempts = 5 WHERE id = %s", [slow])
    go_on.set()
    stack.wait_log(f"job {slow} mail_reset: done", "mxm-jobs")
    row = job(stack, slow)
    assert (row["state"], row["attempts"]) == ("running", 5)


def test_poison_ends_as_failed(stack, smtp):
    poison = queue(stack, "mail_reset", {"account_id": BOB}, state="running",
                   attempts=6, max_attempts=6, lease_until="now")
    row = wait_state(stack, poison, "failed")
    assert "worker died" in row["last_error"]
    assert not smtp.mails


def certificate(stack):
    return stack.base / "nginx/cert.pem", stack.base / "nginx/key.pem"


def test_tls_is_used_when_it_is_offered(stack):
    with FakeSmtp(certificate(stack)) as server:
        start(stack, server)
        wait_state(stack, queue(stack, "mail_reset", {"account_id": BOB}),
                   "done")
        assert [m.tls for m in server.mails] == [True]
        stack.jobs.stop()


@pytest.mark.parametrize("tls", [True, False])
def test_nothing_is_sent_without_the_tls_that_is_asked_for(stack, tls):
    with FakeSmtp(certificate(stack) if tls else None) as server:
        start(stack, server, smtp_tls="on")
        waiting = queue(stack, "mail_reset", {"account_id": BOB})
        wait_state(stack, waiting, "queued", attempts=1)
        assert "MAIL" not in str(server.verbs())
        stack.jobs.stop()
        stack.configure(smtp_tls=None)
        stack.sql("DELETE FROM job")


@pytest.mark.parametrize("tls", [True, False])
def test_a_password_needs_a_server_that_proves_itself(stack, tls):
    with FakeSmtp(certificate(stack) if tls else None, login=("movies", "secret")) as server:
        start(stack, server, smtp_user="movies", smtp_password="secret")
        waiting = queue(stack, "mail_reset", {"account_id": BOB})
        wait_state(stack, waiting, "queued", attempts=1)
        assert "AUTH" not in server.verbs()
        assert "MAIL" not in str(server.verbs())
        assert "secret" not in stack.log("mxm-jobs")
        stack.jobs.stop()
        stack.sql("DELETE FROM job")


def test_a_greylisted_mail_is_delivered_later(stack):
    with FakeSmtp(greylist=True) as server:
        start(stack, server)
        jobs = [queue(stack, "mail_reset", {"account_id": BOB}),
                queue(stack, "mail_verification", {"account_id": NINA})]
        for waiting in jobs:
            row = wait_state(stack, waiting, "queued", attempts=1)
            assert "451" in row["last_error"]
        assert not server.mails
        for waiting in jobs:
            hasten(stack, waiting)
            wait_state(stack, waiting, "done")
        assert sorted(m.recipients for m in server.mails) == \
            [["bob@example.org"], ["nina@example.org"]]
        stack.jobs.stop()
        stack.sql("DELETE FROM job")


def test_tls_and_password_with_a_valid_certificate(stack):
    cert = certificate(stack)
    with FakeSmtp(cert, login=("movies", "secret")) as server:
        start(stack, server, smtp_user="movies", smtp_password="secret",
              ca_file=cert[0])
        wait_state(stack, queue(stack, "mail_reset", {"account_id": BOB}),
                   "done")
        mail, = server.mails
        assert mail.tls and mail.user == "movies"
        found = stack.ctl("check --json", check=False).stdout
        assert "secret" not in found
        stack.jobs.stop()
        stack.sql("DELETE FROM job")


def test_a_wrong_password_is_retried_and_not_logged(stack):
    cert = certificate(stack)
    with FakeSmtp(cert, login=("movies", "other")) as server:
        start(stack, server, smtp_user="movies", smtp_password="secret",
              ca_file=cert[0])
        waiting = queue(stack, "mail_reset", {"account_id": BOB})
        row = wait_state(stack, waiting, "queued", attempts=1)
        assert "denied" in row["last_error"]
        assert not server.mails
        assert "secret" not in stack.log("mxm-jobs") + row["last_error"]
        stack.jobs.stop()
        stack.sql("DELETE FROM job")


def test_a_certificate_of_another_host_is_refused(stack):
    """The certificate is known, but does not stand for the address."""
    cert = certificate(stack)
    with FakeSmtp(cert, address="127.0.0.2") as server:
        start(stack, server, smtp_tls="on", ca_file=cert[0])
        waiting = queue(stack, "mail_reset", {"account_id": BOB})
        wait_state(stack, waiting, "queued", attempts=1)
        assert not server.mails
        stack.jobs.stop()
        stack.sql("DELETE FROM job")
