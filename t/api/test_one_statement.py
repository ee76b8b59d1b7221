# SPDX-License-Identifier: GPL-3.0-or-later
"""Every reading row of the route table runs one statement, however many rows it
shows (contract, catalogue 13, 39 to 41, and movies 10, 37 to 39): no query for each
of them, and none for each part of the path."""

import re

import pytest

from every_row import Table

WORLD = "catalogue"
SETTINGS = {"cache_servers": ""}

# Not of the answer: the caller, who is read once for some requests, and what a
# transaction that writes has touched.
AROUND = {"account_by_session", "touch_of_transaction"}
# More than one: what is known of the caller or movie, then what is chosen by it (of
# a group, without a model, its candidates in between); the texts and then their
# translations.
SEVERAL = {"/api/movies/": 2,
           "/api/movies/together/": 3,
           "/api/movies/{movie}/similar/": 2,
           "/api/users/{username}/translations/": 2,
           "/api/reviews/{review}/translations/": 2,
           "/api/reviews/{review}/comments/{comment}/translations/": 2}


@pytest.fixture(scope="module")
def logged(stack):
    """PostgreSQL logs every statement."""
    stack.cluster.sql(f"ALTER DATABASE {stack.database}"
                      " SET log_min_duration_statement = 0")
    stack.restart_mxmd()
    yield stack
    stack.cluster.sql(f"ALTER DATABASE {stack.database}"
                      " RESET log_min_duration_statement")


def test_one_statement_for_any_number_of_rows(logged):
    table, bob = Table(logged), logged.client("bob")
    logged.sql("UPDATE account SET staff = true WHERE username = 'bob'")
    logged.sql("INSERT INTO genre (id, name, slug) VALUES (101, 'More', 'more')")
    bob.get("/api/users/preferred-language/")
    ran, wrong = {}, []
    for key, path in table.read_paths():
        before = len(logged.cluster.process.text())
        r = bob.get(path)
        text = logged.cluster.process.text()[before:]
        found = [s for s in re.findall(r" execute (\w+)", text)
                 if s not in AROUND]
        if r.status_code == 200:
            ran.setdefault(key, set()).add(len(found))
        if len(found) > SEVERAL.get(key.removeprefix("GET "), 1):
            wrong.append(f"{path}: {found}")
    assert not wrong, "\n".join(wrong)
    assert {r["key"] for r in table.reads} == set(ran), "rows without an answer"
    # else nothing would be counted
    assert sum(1 in counts for counts in ran.values()) > 30
