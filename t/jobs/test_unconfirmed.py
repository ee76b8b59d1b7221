# SPDX-License-Identifier: GPL-3.0-or-later
"""Unconfirmed accounts and unused pictures: which are deleted and which are
not."""

import fcntl
import os
import threading
import time

import pytest

from pictures import encoded, files_of, noise, stored
from stack import wait_until

WEEK = 7 * 24 * 3600

HOUR = 3600


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


def picture(stack, number):
    """The files of the picture of an account."""
    return files_of(stack, stack.value(
        "SELECT picture FROM account WHERE id = %s", (number,)))


def aged(files, seconds):
    then = time.time() - seconds
    for file in files:
        os.utime(file, (then, then))


def there(stack, number):
    return stack.value("SELECT count(*) FROM account WHERE id = %s", (number,))


def test_an_old_one_goes_with_its_picture(stack):
    old = join(stack, "old", encoded(noise()))
    young = join(stack, "young", encoded(noise()))
    old_files, young_files = picture(stack, old), picture(stack, young)
    assert all(f.exists() for f in old_files + young_files)
    aged(old_files + young_files, WEEK)
    client = stack.client()
    client.login("old", "Lantern-over-7-hills")
    assert client.get("/api/users/").status_code == 200
    age(stack, old, WEEK + 60)
    age(stack, young, WEEK - 60)
    prune(stack)
    assert not there(stack, old)
    assert not any(f.exists() for f in old_files)
    assert there(stack, young) and all(f.exists() for f in young_files)
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
    ("0" * 32 + "-1024.jpg", 1.1, False),
    ("1" * 32 + "-1024.jpg", 0.9, True),
    ("2" * 32 + "-1024.svg", 25, True),
    ("3" * 32 + ".png", 1.1, False),
    ("4" * 32 + ".webp", 0.9, True),
    ("5" * 32 + ".svg", 25, True),
    (".6.7.part", 1.1, False),
    (".8.9.part", 0.9, True),
    ("default.png", 2500, True),
    ("../escape.png", 25, True)])
def test_pictures_of_nobody(stack, name, hours, stays):
    folder = stack.media / "users"
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_bytes(b"x")
    aged([file], hours * HOUR)
    prune(stack)
    assert file.exists() == stays


def test_all_files_of_a_picture_of_nobody_are_removed(stack):
    number = join(stack, "leo", encoded(noise()))
    files = picture(stack, number)
    stack.sql("UPDATE account SET picture = 'users/default.png' WHERE id = %s",
              (number,))
    aged(files, 2 * HOUR)
    others = stored(stack) - {f.name for f in files}
    prune(stack)
    assert stored(stack) == others
    assert (stack.media / "users/default.png").exists()


def test_a_picture_that_an_account_has_stays(stack):
    number = join(stack, "pia", encoded(noise()))
    stack.sql("UPDATE account SET verified = true WHERE id = %s", (number,))
    files = picture(stack, number)
    aged(files, 100 * WEEK)
    prune(stack)
    assert all(f.exists() for f in files)


def test_a_picture_of_two_accounts_stays_until_neither_has_it(stack):
    data = encoded(noise())
    first, second = join(stack, "uma", data), join(stack, "vic", data)
    files = picture(stack, first)
    assert picture(stack, second) == files
    for number, stays in ((first, True), (second, False)):
        age(stack, number, WEEK + 60)
        aged(files, WEEK)
        prune(stack)
        assert not there(stack, number)
        assert [f.exists() for f in files] == [stays] * 6


def test_a_picture_that_is_uploaded_again_at_that_moment_stays(stack):
    """The job waits for the statement of a sign-up that found the old files:
    its lock is held here as the worker holds it."""
    number = join(stack, "wes", encoded(noise()))
    stack.sql("UPDATE account SET verified = true WHERE id = %s", (number,))
    files = picture(stack, number)
    path = f"users/{files[0].name}"
    stack.sql("UPDATE account SET picture = 'users/default.png' WHERE id = %s",
              (number,))
    aged(files, 2 * HOUR)
    folder = os.open(stack.media / "users", os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_SH)
    run = threading.Thread(target=prune, args=(stack,))
    run.start()
    wait_until(lambda: waits_for_a_lock(folder), "the job waits")
    stack.sql("UPDATE account SET picture = %s WHERE id = %s", (path, number))
    os.close(folder)
    run.join()
    assert all(f.exists() for f in files)


def waits_for_a_lock(folder):
    """Whether a process waits for a lock of this file (proc(5), locks)."""
    node = os.fstat(folder).st_ino
    with open("/proc/locks", encoding="ascii") as locks:
        return any("->" in line and line.split()[6].endswith(f":{node}")
                   for line in locks)


def test_pictures_of_things(stack):
    """One that nothing has is removed; what is removed has its picture."""
    used = {"movie": "cover", "person": "image", "platform": "image",
            "award": "icon", "movie_translation": "image"}
    made = {}
    for n, (table, column) in enumerate(used.items()):
        folder = {"movie_translation": "movies"}.get(table, table + "s")
        paths = [f"{folder}/{n}{k}{'0' * 30}-1024.jpg" for k in "ab"]
        for path in paths:
            for file in files_of(stack, path):
                file.parent.mkdir(exist_ok=True)
                file.write_bytes(b"x")
            aged(files_of(stack, path), WEEK)
        made[table] = paths
    stack.sql("INSERT INTO movie (id, slug, title, cover, deleted_at)"
              " VALUES (901, 'a', 'A', %s, now())", [made["movie"][0]])
    stack.sql("INSERT INTO movie_translation (movie_id, language, image)"
              " VALUES (901, 'es', %s)", [made["movie_translation"][0]])
    for table in ("person", "platform", "award"):
        stack.sql(f"INSERT INTO {table} (slug, name, {used[table]})"
                  " VALUES ('a', 'A', %s)", [made[table][0]])
    prune(stack)
    for table, (kept, gone) in made.items():
        assert all(f.exists() for f in files_of(stack, kept)), table
        assert not any(f.exists() for f in files_of(stack, gone)), table
