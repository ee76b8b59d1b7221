# SPDX-License-Identifier: GPL-3.0-or-later
"""Suggestions and the search for users on generated users (t/bench/people.sql):
the same as plain queries give, whatever the page."""

import collections
import pathlib
import re

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
def people(cluster, database):
    cluster.sql(f"SET mxm.users = {USERS};" + PEOPLE.read_text(), None, database)
    cluster.sql("VACUUM ANALYZE", None, database, "postgres")
    return database


@pytest.fixture(scope="module")
def ask(cluster, build, people):
    """ask(statement, values): its rows; ask(None, text, values): of a text."""
    database = people
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
    "a", "ba", "an", "Ban", "codi", "coga", ".", "_b", "1", "12", "123", "é", "%", "_ _",
    "\x01a", "\U0001f3ac", "yo el", "x" * 200])
def test_a_search_finds_what_a_plain_query_finds(ask, text):
    expected = [r["id"] for r in ask(None, {"text": text}, FOUND)]
    for page in (1, 2, 7):
        rows = ask("user_search", (1, text, False, page, 20))
        shown = rows[0]["page"]
        assert shown == min(page, max(1, -(-len(expected) // 20)))
        assert rows[0]["total"] == len(expected)
        assert [r["id"] for r in rows if r["id"]] == \
            expected[(shown - 1) * 20:shown * 20]


@pytest.fixture
def plans(cluster, people):
    """plans(text): those of all queries that it runs, also inside functions."""
    connection = cluster.connect(people, "postgres")
    connection.notices = collections.deque()  # a list would have the last 50
    cursor = connection.cursor()
    cursor.execute("LOAD 'auto_explain'; SET jit = off;"
                   " SET plan_cache_mode = force_generic_plan;"
                   " SET auto_explain.log_nested_statements = on;"
                   " SET client_min_messages = log")

    def run(text):
        cursor.execute("SET auto_explain.log_min_duration = 0")
        connection.notices.clear()
        cursor.execute(text)
        cursor.execute("SET auto_explain.log_min_duration = -1")
        found = [n for n in connection.notices if "Query Text:" in n]
        assert found
        return "\n".join(found)
    yield run
    connection.close()


@pytest.mark.parametrize("page", [1, 20, 10 ** 6])
@pytest.mark.parametrize("text", ["a", "ba", "ban", "999", "zzz", None])
def test_a_short_text_is_read_in_order_from_an_index(plans, text, page):
    quoted = "NULL" if text is None else f"'{text}'"
    plan = plans(f"SELECT * FROM user_search({quoted}, NULL, {page}, 15)")
    index = "account_find_newest" if text is None else "account_gram_order"
    assert f"Index Only Scan using {index} " in plan
    assert "Seq Scan" not in plan.replace("Seq Scan on account_find ", "", text is None)
    assert "Sort" not in plan


@pytest.mark.parametrize("text", ["coga", "ba.co", "1234"])
def test_a_long_text_is_found_by_its_trigrams(plans, text):
    plan = plans(f"SELECT * FROM user_search('{text}', NULL, 1, 15)")
    assert "Bitmap Index Scan on account_find_names" in plan
    assert "Seq Scan" not in plan and "account_find_newest" not in plan


def test_friends_are_found_by_their_ids(plans):
    for text in ("'ba'", "'coga'", "NULL"):
        plan = plans(f"SELECT * FROM user_search({text}, 500, 1, 15)")
        assert "Seq Scan" not in plan and "account_find_pkey" in plan


def test_texts_of_more_than_ten_thousand_names(cluster, people):
    """Read class by class, with the same order: more are not generated here, so
    the function is called itself."""
    def ids(text):
        return cluster.sql(text, None, people)[0][0]
    for text in ("coga", "ogaki", "2999", "yoel"):
        everyone = ids(f"SELECT array_agg(user_id ORDER BY place)"
                       f"  FROM user_search('{text}', NULL, 1, 10000)")
        for wanted in (1, 15, 40, 10000):
            led = ids(f"SELECT users_leading('{text}', {wanted})")
            assert len(led) >= min(wanted, len(everyone)) > 0
            assert led[:wanted] == everyone[:wanted]


def test_pieces_follow_the_names(cluster, people):
    """Of an account that is renamed, locked, unlocked, dated back or deleted."""
    differ = """
        WITH expected AS (
            SELECT g.gram, g.class, a.date_joined, a.id
              FROM account AS a,
                   text_grams(string_to_array(a.search_fold, E'\x01')) AS g
             WHERE a.active
        ), stored AS (
            SELECT gram, class, date_joined, user_id FROM account_gram
        )
        (SELECT * FROM expected EXCEPT ALL SELECT * FROM stored)
         UNION ALL
        (SELECT * FROM stored EXCEPT ALL SELECT * FROM expected)"""
    conn = cluster.connect(people, "postgres")
    conn.autocommit = False
    cursor = conn.cursor()
    for change in (
            "SET jit = off", "UPDATE account SET username = 'Ŵil.ła-' || id WHERE id = 7",
            "UPDATE account SET first_name = '', last_name = 'O''Ba' WHERE id = 8",
            "UPDATE account SET active = NOT active WHERE id IN (9, 100)",
            "UPDATE account SET date_joined = now() WHERE id = 10",
            "UPDATE account SET bio = 'x' WHERE id = 11",
            "INSERT INTO account (username, email) VALUES ('y', 'y@example.org')",
            "DELETE FROM account WHERE id IN (12, 200)"):
        cursor.execute(change)
        cursor.execute(differ)
        assert cursor.fetchall() == [], change
    conn.rollback()
    conn.close()


def test_pieces_of_a_deleted_user_are_found_by_their_index(plans):
    plan = plans("DELETE FROM account WHERE id = 301")
    delete = [p for p in plan.split("Query Text:") if "DELETE FROM account_gram" in p]
    assert len(delete) == 1
    assert re.search(r"Index Scan (using|on) account_gram_order", delete[0])
    assert "Seq Scan" not in delete[0]


@pytest.mark.parametrize("change", [
    "INSERT INTO friendship (user1_id, user2_id) VALUES (411, 2999)",
    "DELETE FROM friendship WHERE user1_id = 421",
    "UPDATE account SET bio = 'x' WHERE id = 431",
    "UPDATE account SET username = 'renamed' WHERE id = 441",
    "DELETE FROM account WHERE id = 451"])
def test_what_a_change_makes_stale_is_found_by_indexes(plans, change):
    plan = plans(change)
    assert "INSERT INTO touch" in plan
    assert not re.search(r"Seq Scan on (account|friendship|friend_request)\b(?!_)", plan)
