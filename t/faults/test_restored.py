# SPDX-License-Identifier: GPL-3.0-or-later
"""A database that was restored from a dump, around a stack that runs: numbers
are given twice, and the cache holds what the dump does not."""

import re
import subprocess

import pytest

from stack import OWNER, PG_BIN, wait_until

PASSWORD = "Trilobite-lantern-71"
SELF = "/api/users/"
HEAT = "/api/movies/heat/"
WORDS = "The restored database must not show this"


def run(*args):
    done = subprocess.run([str(a) for a in args], capture_output=True,
                          text=True)
    assert done.returncode == 0, f"{args[0]}: {done.stdout}{done.stderr}"


def connection(stack):
    return ["-h", stack.cluster.run, "-U", OWNER]


@pytest.fixture
def dump(stack):
    path = stack.base / "dump"
    run(PG_BIN / "pg_dump", *connection(stack), "-Fc", "-f", path,
        stack.database)
    return path


def restore_over(stack, path):
    """Into the same database, whose connections stay."""
    run(PG_BIN / "pg_restore", *connection(stack), "--clean", "--if-exists",
        "-d", stack.database, path)


def restore_anew(stack, path):
    """Into a new database of the same name."""
    stack.cluster.drop(stack.database)
    stack.cluster.sql(f"CREATE DATABASE {stack.database} OWNER {OWNER} "
                      "TEMPLATE template0 ENCODING 'UTF8'")
    run(PG_BIN / "pg_restore", *connection(stack), "-d", stack.database, path)


def sign_up(stack, name):
    """Signed up, verified and logged in; gives the client and the number."""
    client = stack.client()
    client.signup(name, f"{name}@example.org", PASSWORD)
    number = client.get(SELF).json()["id"]
    assert client.get(SELF).json()["username"] == name
    return client, number


def wait_kept(stack, client, number):
    """Until the profile is answered from the cache."""
    def hit():
        client.get(SELF)
        return re.search(rf"GET {SELF} 200 \d+us user={number} cache=hit",
                         stack.log())
    wait_until(hit, "a kept answer", 20, stack.mxmd)


@pytest.mark.parametrize("restore", [restore_over, restore_anew])
def test_numbers_given_twice(stack, dump, restore, figure):
    """Neither token of the first is good for anything of the second."""
    name = restore.__name__
    first, number = sign_up(stack, f"first_{name}")
    assert first.post(HEAT + "ratings/", {"rating": 5}).status_code == 201
    assert first.get(HEAT + "ratings/").status_code == 200
    wait_kept(stack, first, number)
    assert first.get("/api/movies/").status_code == 200
    restore(stack, dump)
    stack.wait_ready()
    second, again = sign_up(stack, f"second_{name}")
    assert again == number
    assert second.get(HEAT + "ratings/").status_code == 404
    refused = first.get(SELF)
    figure(f"{name}: old access token", refused.status_code)
    assert refused.status_code == 401
    refreshed = first.post("/api/auth/refresh/", token=None,
                           json={"refresh": first.refresh_token})
    figure(f"{name}: old refresh token", refreshed.status_code)
    assert refreshed.status_code == 401
    first.post("/api/auth/logout/")
    assert second.get(SELF).json()["username"] == f"second_{name}"
    second.refresh()


@pytest.mark.parametrize("restore", [restore_over, restore_anew])
def test_what_was_kept_after_the_dump(stack, ana, dump, restore):
    """An answer made from newer rows ends with them."""
    before = ana.get(HEAT).json()
    stack.sql("UPDATE movie SET synopsis = %s WHERE slug = 'heat'", [WORDS])
    stack.sql("DELETE FROM movie_translation WHERE movie_id = "
              "(SELECT id FROM movie WHERE slug = 'heat')")
    wait_until(lambda: WORDS in ana.get(HEAT).text, "the change is seen")
    assert WORDS in ana.get(HEAT).text  # now kept
    restore(stack, dump)
    stack.wait_ready()
    token = stack.client("ana").token
    wait_until(lambda: ana.get(HEAT, token=token).json() == before,
               "the detail is that of the dump", 30, stack.mxmd)


def test_a_session_id_is_random(stack, ana, bob):
    """128 bits, no sequence behind them."""
    rows = stack.sql("SELECT replace(id::text, '-', '') FROM session")
    ids = [int(text, 16) for (text,) in rows]
    assert len(set(ids)) == len(ids) >= 2
    assert all(i > 2 ** 64 for i in ids)
    assert stack.value("SELECT column_default IS NULL AND is_identity = 'NO' "
                       "FROM information_schema.columns WHERE table_name = "
                       "'session' AND column_name = 'id'")
