# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for films on a generated catalogue (t/bench/catalogue.sql): that it
finds what a scan of all films finds, reads few pages whatever is asked, and that
its table is right after every kind of change."""

import pathlib
import threading

import pytest

import stack as stack_module

CATALOGUE = pathlib.Path(__file__).parents[1] / "bench/catalogue.sql"
FILMS = 60000
GENRES = ["drama", "comedy", "thriller", "romance", "action", "horror"]

# The same question in plain SQL: films by what the contract says.
WORDS = "(' ' || translate({}, '-.,:;!?()/''\"_+@&', repeat(' ', 17)))"
RANK = f"""
CASE WHEN {{0}} = fold_text(%(name)s) THEN 0
     WHEN starts_with({{0}}, fold_text(%(name)s)) THEN 1
     WHEN fold_text(%(name)s) ~ '[[:alnum:]]{{{{3}}}}'
          AND strpos({WORDS.format("{0}")} || ' ',
                     {WORDS.format("fold_text(%(name)s)")} || ' ') > 0 THEN 2
     WHEN strpos({WORDS.format("{0}")}, {WORDS.format("fold_text(%(name)s)")}) > 0
     THEN 3 ELSE 4 END"""
PLAIN = f"""
SELECT m.id
  FROM live_movie AS m
 WHERE (%(name)s IS NULL
        OR m.title_fold LIKE fold_pattern(%(name)s)
        OR EXISTS (SELECT FROM live_movie_translation AS t
                    WHERE t.movie_id = m.id AND t.language = %(lang)s
                      AND t.title_fold LIKE fold_pattern(%(name)s)))
   AND (%(genres)s::text[] IS NULL
        OR m.id IN (SELECT movie_id FROM movie_genre
                     WHERE genre_id IN (SELECT id FROM live_genre
                                         WHERE slug = ANY (%(genres)s))))
   AND (%(platforms)s::text[] IS NULL
        OR m.id IN (SELECT movie_id FROM movie_platform
                     WHERE platform_id IN (SELECT id FROM live_platform
                                            WHERE slug = ANY (%(platforms)s))))
   AND (%(actors)s::text[] IS NULL
        OR m.id IN (SELECT movie_id FROM movie_actor
                     WHERE person_id IN (SELECT id FROM live_person
                                          WHERE slug = ANY (%(actors)s))))
 ORDER BY least({RANK.format("m.title_fold")},
                (SELECT {RANK.format("t.title_fold")}
                   FROM live_movie_translation AS t
                  WHERE t.movie_id = m.id AND t.language = %(lang)s)),
          m.release_date DESC NULLS LAST, m.id DESC
"""

SEARCH = """
SELECT movie_id, total, many, page
  FROM movie_search(%(lang)s, %(name)s, 5, %(genres)s::text[],
                    %(platforms)s::text[], NULL, %(actors)s::text[],
                    %(celebrities)s::text[], NULL, false, false, %(page)s, 100)
 ORDER BY place
"""

EMPTY = {"lang": "en", "name": None, "genres": None, "platforms": None,
         "actors": None, "celebrities": None, "page": 1}
ASKED = [
    {}, {"page": 7}, {"page": 50000}, {"genres": ["drama"]},
    {"genres": ["drama"], "page": 90}, {"genres": ["film-noir"]},
    {"genres": GENRES}, {"genres": ["none"]}, {"platforms": ["platform-20"]},
    {"genres": ["drama"], "platforms": ["platform-1"]},
    {"genres": ["film-noir"], "platforms": ["platform-19"]},
    {"actors": ["person-1"]}, {"actors": ["person-1"], "genres": ["drama"]},
    {"actors": ["person-1"], "name": "the"},
    {"name": "the"}, {"name": "THE "}, {"name": "river"}, {"name": "a"},
    {"name": "ba"}, {"name": "b"}, {"name": "river", "genres": ["drama"]},
    {"name": "r ", "lang": "es"}, {"name": "la", "lang": "es"},
    {"name": "la b", "lang": "de"}, {"name": "river", "lang": "fr"},
    {"name": "尋"}, {"name": "る千"}, {"name": "\U0001f3ac"},
    {"name": "\U0001f3ac z"}, {"name": "ell "},
    # more than are put in order one by one: read class by class
    {"name": "old"}, {"name": "ol", "page": 40}, {"name": "an", "page": 9},
    {"name": "an", "page": 60}, {"name": "the", "page": 90},
    {"name": "old", "genres": ["drama"], "page": 7},
]
# Titles with marks, and texts for which they matter.
MARKED = """
UPDATE movie
   SET title = CASE id / 29 % 10
               WHEN 0 THEN replace(title, ' ', '-') WHEN 1 THEN '(' || title || ')'
               WHEN 2 THEN replace(title, ' ', ' & ') WHEN 3 THEN title || '*'
               WHEN 4 THEN replace(title, ' ', '.') WHEN 5 THEN '[' || title || ']'
               WHEN 6 THEN replace(title, 'e', E'\\\\') WHEN 7 THEN '100% ' || title
               WHEN 8 THEN replace(title, ' ', '^$|') ELSE '{' || title || '}' END
 WHERE id % 29 = 0
"""
MARKS = ["ba", "an", "-b", "(", ".r", "& ", "r*", "[the", "[b", "{", "e-r", "th\\", "|b",
         "% ", "100%", "river", "e r", "^$|", "riv"]
HOSTILE = [
    {"name": "%"}, {"name": "_"}, {"name": "___"}, {"name": "%_\\"},
    {"name": "\\"}, {"name": "zq"}, {"name": "the " * 63}, {"name": "%" * 255},
    {"name": "the bacoxx"}, {"name": "rivver"}, {"name": "thee"},
    {"name": "\U0001f3ac" * 40}, {"name": "e" * 255}, {"name": "\u0301"},
    {"celebrities": [f"person-{i}" for i in range(2, 242)]},
]


@pytest.fixture(scope="module")
def database(cluster, database):
    cluster.sql(f"SET mxm.films = {FILMS};" + CATALOGUE.read_text(), None,
                database)
    cluster.sql("VACUUM ANALYZE", None, database)
    return database


@pytest.fixture
def run(cluster, database):
    """Runs SQL in a session like the program's; undone at the end."""
    connection = cluster.connect(database, stack_module.OWNER)
    with connection.cursor() as cursor:
        cursor.execute("SET jit = off; SET plan_cache_mode ="
                       " force_generic_plan; BEGIN")

        def rows(text, parameters=None):
            cursor.execute(text, parameters)
            return cursor.fetchall() if cursor.description else []
        yield rows
    connection.close()


def check_against_scan(run, asked):
    asked = {**EMPTY, **asked}
    plain = PLAIN
    if asked["name"] and len(asked["name"]) == 1:
        plain = plain.replace("fold_pattern(%(name)s)",
                              "substr(fold_pattern(%(name)s), 2)")
    every = [r[0] for r in run(plain, asked)]
    got = run(SEARCH, asked)
    total = min(len(every), 10000)
    page = min(asked["page"], max(-(-total // 100), 1))
    assert [r[0] for r in got] == every[:total][(page - 1) * 100:page * 100]
    if got:
        assert got[0][1:] == (total, len(every) > 10000, page)
    return len(got)


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_finds_what_a_scan_finds(run, asked):
    check_against_scan(run, asked)


@pytest.mark.parametrize("asked", ASKED + HOSTILE,
                         ids=lambda a: str(a)[:60])
def test_reads_little(run, asked, figure):
    """Pages of the table and its indexes; a scan with a look-up of the links
    of each film read ten times as many pages as there are films."""
    rows = run("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + SEARCH,
               {**EMPTY, **asked})
    plan = rows[0][0][0]["Plan"]
    pages = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    figure(f"pages read for {str(asked)[:60]}", pages)
    assert pages < FILMS, asked


def pages(run, asked):
    """Pages read by a question that the session has asked before."""
    for _ in range(2):
        rows = run("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + SEARCH,
                   {**EMPTY, **asked})
    plan = rows[0][0][0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


@pytest.mark.parametrize("index, asked", [
    ("movie_find_newest", {"genres": ["drama"]}),
    ("movie_find_title", {"name": "rozal"}),
    ("movie_find_pairs", {"name": "る千"}),
    ("movie_find_long", {"name": ("the " * 63)[:251]}),
    ("movie_find_lists", {"genres": ["film-noir"],
                          "platforms": ["platform-20"]}),
    ("movie_actor_person", {"actors": ["person-77"]}),
], ids=str)
def test_needs_its_index(run, figure, index, asked):
    """Without the index it reads much more: a plan that lost it fails here."""
    with_it = pages(run, asked)
    run(f"DROP INDEX {index}")
    without = pages(run, asked)
    figure(f"pages for {str(asked)[:40]} with {index} and without",
           f"{with_it} {without}")
    assert with_it * 2 < without


def test_a_long_text_is_found(run):
    title = "The " * 20 + "end"
    run("UPDATE movie SET title = %s WHERE id IN (3, 60, 77)", (title,))
    run("UPDATE movie_translation SET title = %s, language = 'es'"
        " WHERE movie_id = 99", (title,))
    for lang, films in (("en", {3, 60, 77}), ("es", {3, 60, 77, 99})):
        asked = {**EMPTY, "lang": lang, "name": title[:80].lower()}
        assert {r[0] for r in run(SEARCH, asked)} == films


@pytest.mark.parametrize("change", [
    "UPDATE movie SET title = 'Ünlike', release_date = '1900-01-01'"
    " WHERE id % 7 = 0",
    "UPDATE movie SET deleted_at = now() WHERE id % 5 = 0;"
    "UPDATE movie SET deleted_at = NULL WHERE id % 10 = 0",
    "DELETE FROM movie WHERE id = 3",
    "INSERT INTO movie (slug, title, release_date)"
    " SELECT 'x' || i, 'X', '2000-01-01' FROM generate_series(1, 9) AS i",
    "UPDATE movie_translation SET title = 'other' WHERE movie_id < 900",
    "UPDATE movie_translation SET title = '' WHERE movie_id < 900",
    "UPDATE movie_translation SET language = 'en' WHERE movie_id < 900",
    "UPDATE movie_translation SET deleted_at = now() WHERE movie_id < 900",
    "DELETE FROM movie_translation WHERE movie_id < 900",
    "UPDATE movie_genre SET genre_id = 20 WHERE movie_id < 50"
    " AND genre_id = 1 AND movie_id NOT IN (SELECT movie_id FROM movie_genre"
    " WHERE genre_id = 20)",
    "UPDATE movie_platform SET movie_id = 77 WHERE movie_id = 78 AND"
    " platform_id NOT IN (SELECT platform_id FROM movie_platform"
    " WHERE movie_id = 77)",
    "DELETE FROM genre WHERE id = 19", "DELETE FROM platform WHERE id = 20",
    "INSERT INTO movie_genre SELECT id, 20 FROM movie WHERE id < 90"
    " ON CONFLICT DO NOTHING",
])
def test_rows_are_what_they_have_to_be(run, change):
    run(change)
    assert run("(TABLE movie_find EXCEPT TABLE movie_findable) UNION ALL"
               " (TABLE movie_findable EXCEPT TABLE movie_find)") == []


def test_two_changes_of_one_film_at_once(cluster, database):
    """The second waits for the first and sees what it did."""
    a, b = cluster.connect(database), cluster.connect(database)
    watch = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s" \
            " AND wait_event_type = 'Lock'"
    try:
        a.autocommit = False
        with a.cursor() as one, b.cursor() as two:
            one.execute("DELETE FROM movie_genre WHERE movie_id = 11;"
                        "INSERT INTO movie_genre VALUES (11, 5)")
            later = threading.Thread(target=two.execute, args=(
                "INSERT INTO movie_genre VALUES (11, 6)",))
            later.start()
            stack_module.wait_until(
                lambda: cluster.sql(watch, (b.get_backend_pid(),))[0][0] == 1,
                "the second change waits")
            a.commit()
            later.join()
            two.execute("SELECT genres FROM movie_find WHERE movie_id = 11")
            assert two.fetchall() == [([5, 6],)]
    finally:
        a.close()
        b.close()


def test_marks_in_titles(run):
    """A word begins behind some of them, and none is a part of a pattern."""
    run(MARKED)
    for name in MARKS:
        assert check_against_scan(run, {"name": name}) > 0, name
