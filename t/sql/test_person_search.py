# SPDX-License-Identifier: GPL-3.0-or-later
"""The searches for persons and lists on a generated site (t/bench/site.sql): the same
as a plain query gives, for few and many matches, page by page and by cursor; and the
table of persons is true to what it is made from."""

import pathlib

import pytest

BENCH = pathlib.Path(__file__).parents[1] / "bench"

# More persons than are counted, for a text that each of them contains.
MANY = """
INSERT INTO person (name, slug)
SELECT CASE i % 3 WHEN 0 THEN 'Zuqz ' ELSE 'Bad-zuqz ' END || i, 'many-' || i
  FROM generate_series(1, 10500) AS i;
INSERT INTO person (name, slug) VALUES
       ('Qz', 'short'), ('100% Qzed', 'sure'), ('.qz', 'zero'), ('No', 'qz-no');
"""

FOUND = """
SELECT p.id
  FROM live_person AS p
 WHERE (CASE WHEN char_length(%(text)s) = 1
             THEN starts_with(p.name_fold, fold_text(%(text)s))
                  OR (%(slugs)s AND starts_with(p.slug, fold_text(%(text)s)))
             ELSE strpos(p.name_fold, fold_text(%(text)s)) > 0
                  OR (%(slugs)s AND strpos(p.slug, fold_text(%(text)s)) > 0) END)
   AND CASE %(role)s
       WHEN 'actor' THEN EXISTS (SELECT
                                   FROM movie_actor AS c
                                   JOIN live_movie AS m ON m.id = c.movie_id
                                  WHERE c.person_id = p.id)
       WHEN 'director' THEN EXISTS (SELECT
                                      FROM movie_director AS c
                                      JOIN live_movie AS m ON m.id = c.movie_id
                                     WHERE c.person_id = p.id)
       ELSE true END
 ORDER BY search_class(p.name_fold, fold_text(%(text)s)), p.id DESC
"""

TRUE = ("(SELECT person_id, name, fold, slug, acts, directs FROM person_find {}"
        " TABLE person_findable)")


@pytest.fixture(scope="module")
def run(cluster, database):
    """run(sql, values): the rows of a query."""
    cluster.sql("SET jit = off; SET mxm.films = 500; SET mxm.persons = 9000;"
                "SET mxm.users = 300; SET mxm.ratings = 3000;" + "".join(
                    (BENCH / f"{name}.sql").read_text()
                    for name in ("catalogue", "people", "site")), None, database)
    cluster.sql(MANY, None, database)
    cluster.sql("UPDATE person SET deleted_at = now() WHERE id % 50 = 7;"
                "UPDATE movie SET deleted_at = now() WHERE id % 20 = 3; ANALYZE",
                None, database)
    connection = cluster.connect(database)
    cursor = connection.cursor()
    cursor.execute("SET jit = off")

    def rows(text, values=None):
        cursor.execute(text, values)
        return cursor.fetchall()
    yield rows
    connection.close()


def search(run, text, role, slugs, after, page, size):
    return run("SELECT person_id, total, page FROM person_search("
               "%s, %s, %s, %s, %s, %s) ORDER BY place",
               (text, role, slugs, after, page, size))


def is_true(run):
    return not run(f"{TRUE.format('EXCEPT')} UNION ALL "
                   "(TABLE person_findable EXCEPT SELECT person_id, name, fold,"
                   " slug, acts, directs FROM person_find)")


TEXTS = ["qz", "zuqz", "Z", "xa", "Xa", "ba", "a b", "o j", ".q", "0%", "zz9", "é",
         "an", "ban", "gaga", "n", "-z", "x" * 200]


@pytest.mark.parametrize("role", [None, "actor", "director"])
@pytest.mark.parametrize("text", TEXTS)
def test_pages_are_those_of_a_plain_query(run, text, role):
    plain = [r[0] for r in run(FOUND, {"text": text, "role": role,
                                       "slugs": False})]
    total = min(len(plain), 10001)
    for page in (1, 2, 60, 300):
        rows = search(run, text, role, False, None, page, 20)
        shown = min(page, max(1, -(-min(total, 10000) // 20)))
        assert [(r[1], r[2]) for r in rows] == [(total, shown)] * len(rows)
        assert [r[0] for r in rows if r[0]] == plain[(shown - 1) * 20:shown * 20]


@pytest.mark.parametrize("text", TEXTS)
def test_cursors_are_those_of_a_plain_query(run, text):
    plain = [r[0] for r in run(FOUND, {"text": text, "role": None,
                                       "slugs": True})]
    for at in {None, *range(0, len(plain), max(1, len(plain) // 7))}:
        after = None if at is None else plain[at]
        first = 0 if at is None else at + 1
        rows = search(run, text, None, True, after, None, 7)
        assert {r[1] for r in rows} == {min(len(plain), 10001)}
        assert [r[0] for r in rows if r[0]] == plain[first:first + 7]


@pytest.mark.parametrize("role", ["actor", "director"])
@pytest.mark.parametrize("text", ["ba", "a b", "b"])
def test_cursors_of_a_role(run, text, role):
    plain = [r[0] for r in run(FOUND, {"text": text, "role": role,
                                       "slugs": True})]
    for at in range(0, len(plain), max(1, len(plain) // 3)):
        rows = search(run, text, role, True, plain[at], None, 7)
        assert [r[0] for r in rows if r[0]] == plain[at + 1:at + 8]


def test_an_unknown_cursor_is_ignored(run):
    assert (search(run, "qz", None, True, -5, None, 7)
            == search(run, "qz", None, True, None, None, 7))


SEEN = """
SELECT l.id
  FROM live_movielist AS l
 WHERE strpos(l.name_fold, fold_text(%(text)s)) > 0
   AND (l.user_id = %(viewer)s OR l.privacity = 'P'
        OR (l.privacity = 'F'
            AND l.user_id IN (SELECT friend_id
                                FROM friend
                               WHERE user_id = %(viewer)s)))
 ORDER BY l.id
"""
LISTS = """
INSERT INTO movielist (user_id, name, slug, privacity)
SELECT 1 + i % 290, (ARRAY['Old-zz', '100% qZ', 'Zz', 'z'])[1 + i % 4],
       'made-' || i, (ARRAY['P', 'P', 'F', 'R'])[1 + i / 4 % 4]
  FROM generate_series(1, 22000) AS i
"""


def test_lists_are_those_of_a_plain_query(run):
    run(LISTS + " RETURNING 1")
    sizes = set()
    for text in ("z", "zz", "0%", "% q", "old", "nothing", "a", "é", "\u0301"):
        for viewer in (1, 150):
            plain = [r[0] for r in run(SEEN, {"text": text, "viewer": viewer})]
            sizes.add(min(len(plain), 10001))
            for page in (1, 2, 70, 1000):
                rows = run("SELECT list_id, total, page FROM list_find(%s, %s, %s, 20)"
                           " ORDER BY place", (text, viewer, page))
                total = min(len(plain), 10001)
                shown = min(page, max(1, -(-min(total, 10000) // 20)))
                assert [r[1:] for r in rows] == [(total, shown)] * len(rows)
                assert ([r[0] for r in rows if r[0]]
                        == plain[:10000][(shown - 1) * 20:shown * 20])
    assert {0, 10001} < sizes


def test_the_index_of_pieces_is_read(run):
    """The plan of what list_find() counts by."""
    plan = "\n".join(r[0] for r in run(
        "EXPLAIN SELECT FROM live_movielist WHERE text_pieces(name_fold)"
        " @> text_pieces('qz')"))
    assert "movielist_pieces" in plan and "Seq Scan" not in plan, plan


def test_the_index_of_pairs_is_read(run):
    """The plan of what person_search() counts by."""
    plan = "\n".join(r[0] for r in run(
        "EXPLAIN SELECT FROM person_find AS f"
        " WHERE person_fits(f, 'qz', NULL, false, true)"))
    assert "person_find_pairs" in plan and "Seq Scan" not in plan, plan


@pytest.mark.parametrize("text, pairs, index", [
    ("uqzx", "false", "trigrams"), ("qz", "true", "pairs")])
def test_the_indexes_of_directors_are_read(run, text, pairs, index):
    """The same for directors: not all of them are read."""
    plan = "\n".join(r[0] for r in run(
        "EXPLAIN SELECT FROM person_find AS f"
        f" WHERE person_fits(f, '{text}', 'director', false, {pairs})"))
    assert f"person_find_director_{index}" in plan, plan


@pytest.mark.parametrize("change", [
    "UPDATE person SET name = 'Other' WHERE id = 11",
    "UPDATE person SET deleted_at = now() WHERE id = 12",
    "UPDATE person SET deleted_at = NULL WHERE deleted_at IS NOT NULL",
    "DELETE FROM movie_actor WHERE movie_id < 100",
    "DELETE FROM movie WHERE id < 50",
    "UPDATE movie SET deleted_at = now() WHERE id < 90",
    "UPDATE movie SET deleted_at = NULL WHERE deleted_at IS NOT NULL",
    "UPDATE movie_director SET person_id = 5 WHERE person_id = (SELECT"
    " min(person_id) FROM movie_director WHERE person_id > 5)",
    "INSERT INTO movie_director SELECT m.id, p.id FROM live_movie AS m,"
    " live_person AS p WHERE p.id % 1000 = 1 ON CONFLICT DO NOTHING",
    "DELETE FROM person WHERE id % 3 = 0"])
def test_the_table_is_true_after(run, change):
    assert is_true(run)
    run(change + " RETURNING 1")
    assert is_true(run)
