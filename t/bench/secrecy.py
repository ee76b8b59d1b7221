# SPDX-License-Identifier: GPL-3.0-or-later
"""What time reveals about accounts: the answers of forgotten passwords and of
log-ins for addresses that have an account, and for others. Each pair of figures
is measured on one connection in random order. Beside the ratio of the medians
stands how often an answer about an account takes longer than one about none:
50 % if time reveals nothing."""

import bisect
import http.client
import json
import random
import statistics
import time
from urllib.parse import urlencode

ADDRESSES = 1000
LOGINS = 150
PASSWORD = "Lantern-trilobite-71"
FORGOT = "/api/auth/forgot-password/"
LOGIN = "/api/auth/login/"


def address(kind, i):
    return f"{kind}{i:05}@example.org"


def ask(connection, method, path, body=None):
    """Seconds, and the status with the body of the answer."""
    data = json.dumps(body) if body else None
    began = time.perf_counter()
    connection.request(method, path, data,
                       {"Content-Type": "application/json"})
    answer = connection.getresponse()
    told = answer.status, answer.read()
    return time.perf_counter() - began, told


def requested(connection, email):
    return ask(connection, "GET", FORGOT + "?" + urlencode({"email": email}))


def tried(connection, email):
    return ask(connection, "POST", FORGOT, {
        "email": email, "forgot_password_code": "123456",
        "new_password": "Nautilus-shadow-38"})


def logged_in(connection, email):
    return ask(connection, "POST", LOGIN,
               {"username": email, "password": "Nautilus-shadow-38"})


def compare(stack, figures, name, call, n):
    order = [(kind, i) for kind in ("known", "other") for i in range(n)]
    random.Random(7).shuffle(order)
    times, answers = {"known": [], "other": []}, set()
    connection = http.client.HTTPConnection("127.0.0.1", stack.port)
    for kind, i in order:
        seconds, told = call(connection, address(kind, i))
        times[kind].append(seconds)
        answers.add(told)
    connection.close()
    assert len(answers) == 1, answers
    known, other = (statistics.median(times[k]) for k in ("known", "other"))
    figures.add(f"k: {name}, with an account", known * 1000, "ms")
    figures.add(f"k: {name}, without", other * 1000, "ms")
    figures.below(f"k: {name}, ratio of the medians",
                  max(known / other, other / known), "", 1.05)
    ranks = sorted(times["other"])
    longer = sum(bisect.bisect(ranks, t) for t in times["known"])
    figures.add(f"k: {name}, an account takes longer",
                100 * longer / n ** 2, "%")


def measure(stack, figures, options):
    stack.client().signup("measured", "measured@example.org", PASSWORD)
    stack.sql("INSERT INTO account (username, email, password, verified)"
              " SELECT 'known' || i, 'known' || lpad(i::text, 5, '0') ||"
              " '@example.org', (SELECT password FROM account WHERE username"
              " = 'measured'), true FROM generate_series(0, %s) AS i",
              (ADDRESSES - 1,))
    stack.owner_sql("VACUUM ANALYZE account")
    compare(stack, figures, "forgotten password", requested, ADDRESSES)
    compare(stack, figures, "wrong code", tried, ADDRESSES)
    compare(stack, figures, "wrong password", logged_in, LOGINS)
