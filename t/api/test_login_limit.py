# SPDX-License-Identifier: GPL-3.0-or-later
"""Guessing one account's password from many addresses (fault 14 of the original:
log-ins have no limit of their own): a limit per name, that
its owner is not locked out by."""

import json
import socket

import pytest

import world
from life import fcgi_answer, fcgi_request

SETTINGS = {"limit_name": 10}

LOGIN = "/api/auth/login/"


def log_in(stack, name, password, address):
    """Logs in from an address chosen by the test, as reported by nginx."""
    body = json.dumps({"username": name, "password": password}).encode()
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(stack.base / "run/slow.sock"))
        s.sendall(fcgi_request("POST", LOGIN, body, REMOTE_ADDR=address))
        status, answer = fcgi_answer(s)
        return status, json.loads(answer)


def guess(stack, name, tries):
    """Wrong passwords, each from another network; how many were tried."""
    statuses = [log_in(stack, name, "wrong", f"10.{n // 200}.{n % 200}.7")[0]
                for n in range(tries)]
    assert set(statuses) <= {401, 429}
    assert statuses[:9] == [401] * 9  # the owner may have come before
    return statuses.count(401)


@pytest.mark.parametrize("name", ["bob", "bob@example.org", "nobody-here"])
def test_three_hundred_addresses(stack, name):
    # a minute that ends meanwhile lets some more through
    assert guess(stack, name, 300) <= 15
    assert log_in(stack, name.upper(), "wrong", "172.16.0.1")[0] == 429


def test_the_owner_gets_in(stack):
    home, elsewhere = "192.0.2.7", "198.51.100.7"
    assert log_in(stack, "carla", world.PASSWORD, home)[0] == 200
    guess(stack, "carla", 40)
    status, answer = log_in(stack, "carla", world.PASSWORD, elsewhere)
    assert status == 429
    assert "throttled" in answer["error"]
    # the same network is enough; a provider gives addresses out anew
    for address in (home, "192.0.2.99", "::ffff:192.0.2.5"):
        assert log_in(stack, "carla", world.PASSWORD, address)[0] == 200


def test_the_address_in_other_letters(stack):
    """İ, which the database folds to i, is no other way to an account."""
    stack.sql("INSERT INTO account (username, email, password) SELECT 'iiii',"
              " 'iiii@example.org', password FROM account WHERE id = 1")
    status, _ = log_in(stack, "\u0130iii@example.org", world.PASSWORD,
                       "192.0.2.1")
    assert status == 401


def test_a_name_that_is_the_address_of_another_account(stack):
    """A session of the one does not make the network known to the other."""
    stack.sql("INSERT INTO account (username, email, password) SELECT"
              " 'emil@example.org', 'other.emil@example.org', password"
              " FROM account WHERE id = 1")
    for n in range(30):
        status, _ = log_in(stack, "other.emil@example.org", world.PASSWORD,
                           f"203.0.{n}.7")
        if status == 429:
            break
    assert n >= 9
    statuses = [log_in(stack, "emil@example.org", "wrong", f"203.0.{k}.7")[0]
                for k in range(n) for _ in range(5)]
    assert statuses.count(401) <= 15


def test_who_guesses_from_the_owners_network_is_limited_too(stack):
    assert log_in(stack, "dora", world.PASSWORD, "2001:db8:1:2::7")[0] == 200
    statuses = [log_in(stack, "dora", "wrong", f"2001:db8:1:2::{n:x}")[0]
                for n in range(40)]
    assert statuses.count(401) <= 15 and 429 in statuses


def test_an_address_that_is_none(stack):
    """nginx reports "unix:" for a Unix socket."""
    assert log_in(stack, "fay", world.PASSWORD, "unix:")[0] == 200
