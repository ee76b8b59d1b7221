# SPDX-License-Identifier: GPL-3.0-or-later
"""Unconfirmed accounts and unused pictures: which are deleted and which are
not."""

import os
import threading
import time

import pytest

from stack import wait_until

WEEK = 7 * 24 * 3600

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0" * 16


def join(stack, name, picture=None):
    """Signs up; gives the number of the account."""
    files = {"picture": ("a.png", picture, "image/png")} if picture else None
    r = stack.client().request(
        "POST", "/api/auth/signup/", files=files,
        data={"username": name, "email": f"{name}@example.org",
              "first_name": "A", "last_name": "B",
              "password": "Lantern-over-7-hills"})
    assert r.status_code == 200, r.text
    return stack.value("SELECT id FROM account WHERE username = %s", (name,))


def age(stack, number, seconds):
    stack.sql("UPDATE account SET date_joined = now() - %s * interval '1 s'"
              " WHERE id = %s", (seconds, number))


def prune(stack):
    """Runs the job once, now."""
    before = stack.value("SELECT coalesce(max(id), 0) FROM job")
    stack.sql("INSERT INTO job (name) VALUES ('prune_accounts')")
    wait_until(lambda: stack.value(
        "SELECT count(*) FROM job WHERE name = 'prune_accounts'"
        " AND id > %s AND state = 'done'", (before,)), "the job is done",
        alive=stack.jobs)


def there(stack, number):
    return stack.value("SELECT count(*) FROM account WHERE id = %s", (number,))


def test_an_old_one_goes_with_its_picture(stack):
    old = join(stack, "old", PNG)
    young = join(stack, "young", PNG)
    paths = dict(stack.sql("SELECT username, picture FROM account"
                           " WHERE username IN ('old', 'young')"))
    files = {n: stack.media / p for n, p in paths.items()}
    assert all(f.exists() for f in files.values())
    client = stack.client()
    client.login("old", "Lantern-over-7-hills")
    assert client.get("/api/users/").status_code == 200
    age(stack, old, WEEK + 60)
    age(stack, young, WEEK - 60)
    prune(stack)
    assert not there(stack, old) and not files["old"].exists()
    assert there(stack, young) and files["young"].exists()
    for table in ("session", "code"):
        assert not stack.value(
            f"SELECT count(*) FROM {table} WHERE user_id = %s", (old,))
    wait_until(lambda: client.get("/api/users/").status_code == 401,
               "the token has ended")
    join(stack, "old")  # the name and the address are free again


def test_who_has_a_new_address_to_confirm_stays(stack):
    number = stack.value("SELECT id FROM account WHERE username = 'fay'")
    stack.sql("UPDATE account SET verified = false,"
              " email = 'new@example.org' WHERE id = %s", (number,))
    age(stack, number, 10 * WEEK)
    prune(stack)
    assert there(stack, number)


def test_who_confirms_at_that_moment_stays(stack):
    number = join(stack, "late")
    age(stack, number, WEEK + 60)
    conn = stack.cluster.connect(stack.database)
    conn.autocommit = False
    conn.cursor().execute("UPDATE account SET verified = true WHERE id = %s",
                          (number,))
    run = threading.Thread(target=prune, args=(stack,))
    run.start()
    wait_until(lambda: stack.cluster.sql(
        "SELECT 1 FROM pg_stat_activity WHERE datname = %s"
        " AND wait_event_type = 'Lock'", (stack.database,)),
        "the job waits for the row")
    conn.commit()
    conn.close()
    run.join()
    assert there(stack, number)


@pytest.mark.parametrize("name,hours,stays", [
    ("0" * 32 + ".png", 25, False),
    ("1" * 32 + ".webp", 23, True),
    ("2" * 32 + ".svg", 25, True),
    ("default.png", 2500, True),
    ("../escape.png", 25, True)])
def test_pictures_of_nobody(stack, name, hours, stays):
    folder = stack.media / "users"
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_bytes(PNG)
    then = time.time() - hours * 3600
    os.utime(file, (then, then))
    prune(stack)
    assert file.exists() == stays


def test_a_picture_of_an_account_stays(stack):
    number = join(stack, "pia", PNG)
    stack.sql("UPDATE account SET verified = true WHERE id = %s", (number,))
    path = stack.value("SELECT picture FROM account WHERE id = %s", (number,))
    file = stack.media / path
    os.utime(file, (0, 0))
    prune(stack)
    assert file.exists()
