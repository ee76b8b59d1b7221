# SPDX-License-Identifier: GPL-3.0-or-later
"""Suggestions and the search for users on generated users (t/bench/people.sql):
the same as plain queries give, whatever the page."""

import pathlib

import pytest

from test_plans import statement

PEOPLE = pathlib.Path(__file__).parents[1] / "bench/people.sql"
USERS = 3000
NEWEST = 2 ** 63 - 1

SUGGESTED = """
SELECT a.id
  FROM account AS a
 WHERE a.active AND a.id <> %(me)s
   AND a.id NOT IN (SELECT friend_id FROM friend WHERE user_id = %(me)s)
   AND a.id NOT IN (SELECT CASE WHEN from_user_id = %(me)s THEN to_user_id
                                ELSE from_user_id END
                      FROM friend_request
                     WHERE %(me)s IN (from_user_id, to_user_id))
 ORDER BY (SELECT count(*)
             FROM friend AS f
             JOIN friend AS m ON m.friend_id = f.friend_id
            WHERE f.user_id = a.id AND m.user_id = %(me)s) DESC,
       a.date_joined DESC, a.id
"""

FOUND = """
SELECT a.id
  FROM account AS a
 CROSS JOIN LATERAL (
	SELECT min(match_class(fold_text(n), fold_text(%(text)s))) AS class
	  FROM unnest(ARRAY[username, first_name, last_name]) AS n
	 WHERE strpos(fold_text(n), fold_text(%(text)s)) > 0) AS c
 WHERE a.active AND c.class IS NOT NULL
 ORDER BY c.class, a.date_joined DESC, a.id
"""


@pytest.fixture(scope="module")
def ask(cluster, build, database):
    """ask(statement, values): its rows; ask(None, text, values): of a text."""
    cluster.sql(f"SET mxm.users = {USERS};" + PEOPLE.read_text(), None, database)
    cluster.sql("ANALYZE", None, database, "postgres")
    connection = cluster.connect(database)
    cursor = connection.cursor()
    cursor.execute("SET mxm.origin = 'https://x'; SET jit = off;"
                   " SET plan_cache_mode = force_generic_plan")
    for name in ("user_suggestions", "user_search"):
        types, text = statement(name, build)
        cursor.execute(f"PREPARE {name} ({types}) AS {text}")

    def run(name, values, text=None):
        marks = ", ".join(["%s"] * len(values))
        cursor.execute(text or f"EXECUTE {name} ({marks})", values)
        names = [c[0] for c in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]
    yield run
    connection.close()


@pytest.mark.parametrize("me, size", [(1, 100), (500, 7), (777, 100), (2999, 50)])
def test_suggestions_are_those_of_a_plain_query(ask, me, size):
    """Page after page to the end; the first users have very many friends."""
    expected = [r["id"] for r in ask(None, {"me": me}, SUGGESTED)]
    found, last = [], NEWEST
    while len(found) < len(expected):
        rows = ask("user_suggestions", (me, last, size + 1))
        assert {r["total"] for r in rows} == {len(expected)}
        page = [r["id"] for r in rows][:size]
        assert page == expected[len(found):len(found) + size]
        found += page
        last = page[-1]
    assert ask("user_suggestions", (me, last, size + 1))[0]["id"] is None


@pytest.mark.parametrize("text", [
    "a", "ba", "an", "Ban", "codi", ".", "_b", "1", "123", "é", "yo el", "x" * 200])
def test_a_search_finds_what_a_plain_query_finds(ask, text):
    expected = [r["id"] for r in ask(None, {"text": text}, FOUND)]
    for page in (1, 2, 7):
        rows = ask("user_search", (1, text, False, page, 20))
        shown = rows[0]["page"]
        assert shown == min(page, max(1, -(-len(expected) // 20)))
        assert rows[0]["total"] == len(expected)
        assert [r["id"] for r in rows if r["id"]] == \
            expected[(shown - 1) * 20:shown * 20]
