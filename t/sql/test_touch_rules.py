# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes what stale: each change, made as by psql, writes exactly the rows
of table touch that its rule in sql/migrations/*_touch.sql names."""

import re

import psycopg2
import pytest

import stack as stack_module

SQL = stack_module.ROOT / "sql"
MIGRATION, = (SQL / "migrations").glob("*_touch.sql")

# ana and bob are friends, ana has asked carla (once carlotta); dan has nobody,
# and solaris nothing. ana has reviewed ran, bob has commented on that, carla has
# reacted to the comment, bob to the review. ran is on a list of ana's.
WORLD = """
INSERT INTO account (id, username, email, password, old_username)
VALUES (1, 'ana', 'ana@example.org', 'x', NULL),
       (2, 'bob', 'bob@example.org', 'x', NULL),
       (3, 'carla', 'carla@example.org', 'x', 'carlotta'),
       (4, 'dan', 'dan@example.org', 'x', NULL);
INSERT INTO friendship (id, user1_id, user2_id) VALUES (1, 1, 2);
INSERT INTO friend_request (id, from_user_id, to_user_id) VALUES (1, 1, 3);
INSERT INTO movie (id, slug, title)
VALUES (1, 'ran', 'Ran'), (2, 'ikiru', 'Ikiru'), (3, 'solaris', 'Solaris');
INSERT INTO person (id, slug, name)
VALUES (1, 'mifune', 'Mifune'), (2, 'kurosawa', 'Kurosawa');
INSERT INTO genre (id, slug, name) VALUES (1, 'drama', 'Drama'),
                                          (2, 'noir', 'Noir');
INSERT INTO platform (id, slug, name) VALUES (1, 'mubi', 'Mubi'),
                                             (2, 'arte', 'Arte');
INSERT INTO award (id, slug, name) VALUES (1, 'oscar', 'Oscar'),
                                          (2, 'bear', 'Bear');
INSERT INTO movie_translation (id, movie_id, language, title)
VALUES (1, 1, 'de', 'Chaos');
INSERT INTO person_translation (id, person_id, language) VALUES (1, 1, 'de');
INSERT INTO genre_translation (id, genre_id, language, name)
VALUES (1, 1, 'de', 'Drama');
INSERT INTO movie_actor VALUES (1, 1, 1);
INSERT INTO movie_director VALUES (1, 2, 1);
INSERT INTO movie_genre VALUES (1, 1);
INSERT INTO movie_platform VALUES (1, 1);
INSERT INTO movie_award VALUES (1, 1);
INSERT INTO person_award VALUES (2, 1);
INSERT INTO follow VALUES (1, 1);
INSERT INTO account_platform VALUES (1, 1);
INSERT INTO unseen VALUES (1, 2);
INSERT INTO rating (id, user_id, movie_id, rating)
VALUES (1, 1, 1, 5), (2, 2, 1, 3), (3, 3, 1, 4);
INSERT INTO review (id, user_id, movie_id, title, content, is_positive)
VALUES (1, 1, 1, 'Red', 'All of it.', true);
INSERT INTO comment (id, user_id, review_id, content)
VALUES (1, 2, 1, 'Most of it.');
INSERT INTO reaction (id, user_id, review_id, comment_id, emoji)
VALUES (1, 2, 1, NULL, 'LIKE'), (2, 3, NULL, 1, 'SAD');
INSERT INTO movielist (id, user_id, name, slug)
VALUES (1, 1, 'Best', 'best'), (2, 3, 'Sad', 'sad');
INSERT INTO movielist_movie (movielist_id, movie_id) VALUES (1, 1);
INSERT INTO trend VALUES (3, 1);
INSERT INTO session (id, user_id, digest, epoch, expires_at)
VALUES ('00000000-0000-0000-0000-000000000001', 1, 'a', 0,
        now() + interval '1 day'),
       ('00000000-0000-0000-0000-000000000002', 2, 'b', 0,
        now() - interval '1 day');
INSERT INTO code (id, user_id, purpose, digest, expires_at)
VALUES (1, 1, 'verification', 'x', now() + interval '1 day'),
       (2, 2, 'verification', 'x', now() - interval '1 day');
"""

ANA = "account 1, user 1, friends 1, circle 1, profile ana, lists ana"
CARLA = ("account 3, user 3, friends 3, circle 3, profile carla, lists carla,"
         " profile carlotta, lists carlotta")
# Where ana's name stands: with the friend bob, with carla whom ana has asked.
OF_ANA = "friends 2, circle 2, profile bob, friends 3, reviews ran, review 1"

# The changes of each rule and the rows of touch that each of them writes.
RULES = {
    "reactions": [
        ("INSERT INTO reaction (user_id, review_id, emoji)"
         " VALUES (4, 1, 'LIKE')", "review 1"),
        ("INSERT INTO reaction (user_id, comment_id, emoji)"
         " VALUES (4, 1, 'LIKE')", "review 1"),
        ("UPDATE reaction SET emoji = 'LOVE' WHERE id = 2", "review 1"),
        ("UPDATE reaction SET deleted_at = now() WHERE id = 1", "review 1"),
        ("DELETE FROM reaction", "review 1"),
    ],
    "actors of a movie": [
        ("INSERT INTO movie_actor VALUES (2, 2, 1)",
         "movie ikiru, person kurosawa, catalogue"),
        ("UPDATE movie_actor SET movie_id = 2",
         "movie ran, movie ikiru, person mifune, catalogue"),
        ("DELETE FROM movie_actor", "movie ran, person mifune, catalogue"),
    ],
    "directors of a movie": [
        ("INSERT INTO movie_director VALUES (2, 1, 1)",
         "movie ikiru, person mifune, catalogue"),
        ("UPDATE movie_director SET position = 2",
         "movie ran, person kurosawa, catalogue"),
        ("DELETE FROM movie_director",
         "movie ran, person kurosawa, catalogue"),
    ],
    "genres of a movie": [
        ("INSERT INTO movie_genre VALUES (1, 2), (2, 2)",
         "movie ran, movie ikiru, catalogue"),
        ("UPDATE movie_genre SET genre_id = 2", "movie ran, catalogue"),
        ("DELETE FROM movie_genre", "movie ran, catalogue"),
    ],
    "platforms of a movie": [
        ("INSERT INTO movie_platform VALUES (2, 1)",
         "movie ikiru, catalogue"),
        ("UPDATE movie_platform SET platform_id = 2", "movie ran, catalogue"),
        ("DELETE FROM movie_platform", "movie ran, catalogue"),
    ],
    "awards of a movie": [
        ("INSERT INTO movie_award VALUES (2, 1)", "movie ikiru, catalogue"),
        ("UPDATE movie_award SET award_id = 2", "movie ran, catalogue"),
        ("DELETE FROM movie_award", "movie ran, catalogue"),
    ],
    "movie": [
        ("INSERT INTO movie (slug, title) VALUES ('stalker', 'Stalker')",
         "catalogue"),
        ("UPDATE movie SET title = 'Chaos' WHERE id = 1",
         "movie ran, catalogue"),
        ("UPDATE movie SET synopsis = 'x', release_date = now(), cover = 'x'",
         "movie ran, movie ikiru, movie solaris, catalogue"),
        ("UPDATE movie SET deleted_at = now() WHERE id = 3",
         "movie solaris, reviews solaris, catalogue"),
        ("DELETE FROM movie WHERE id = 3",
         "movie solaris, reviews solaris, catalogue, trend"),
    ],
    "rating": [
        ("INSERT INTO rating (user_id, movie_id, rating) VALUES (1, 2, 3)",
         "user 1, profile ana"),
        ("INSERT INTO rating (user_id, movie_id, rating) VALUES (1, 2, 4)",
         "user 1, circle 2, profile ana"),
        ("INSERT INTO rating (user_id, movie_id, rating) VALUES (4, 2, 5)",
         "user 4"),
        ("UPDATE rating SET rating = 1 WHERE id = 1",
         "user 1, circle 2, profile ana"),
        ("UPDATE rating SET rating = 4 WHERE id IN (1, 2)",
         "user 1, circle 2, user 2, circle 1, profile ana, profile bob"),
        ("UPDATE rating SET rating = 1 WHERE id = 2", "user 2, profile bob"),
        ("UPDATE rating SET deleted_at = now() WHERE id = 1",
         "user 1, circle 2, profile ana"),
        ("DELETE FROM rating",
         "user 1, circle 2, user 2, user 3, profile ana, profile bob"),
    ],
    "review": [
        ("INSERT INTO review (id, user_id, movie_id, title, content,"
         " is_positive) VALUES (7, 3, 2, 'x', 'x', true)", "review 7,"
         " reviews ikiru, user 3, profile carla, profile carlotta"),
        ("UPDATE review SET is_positive = false",
         "review 1, reviews ran, user 1, profile ana"),
        ("UPDATE review SET spoiler = true",
         "review 1, reviews ran, user 1, profile ana"),
        ("UPDATE review SET movie_id = 2",
         "review 1, reviews ran, reviews ikiru, user 1, profile ana"),
        ("UPDATE review SET deleted_at = now()",
         "review 1, reviews ran, user 1, profile ana"),
        ("DELETE FROM review", "review 1, reviews ran, user 1, profile ana"),
    ],
    "user": [
        ("UPDATE account SET email = 'x@example.org' WHERE id = 1",
         "account 1"),
        ("UPDATE account SET first_name = 'x', last_name = 'x'",
         "account 1, account 2, account 3, account 4"),
        ("UPDATE account SET preferred_language = 'de' WHERE id = 1",
         "account 1"),
        ("UPDATE account SET verified = true WHERE id = 1", "account 1"),
        ("UPDATE account SET boarded = true WHERE id = 1", "account 1"),
        ("UPDATE account SET staff = true WHERE id = 1", "account 1"),
        ("UPDATE account SET epoch = 1, password = 'y' WHERE id = 1",
         "account 1"),
    ],
    "list": [
        ("INSERT INTO movielist (user_id, name, slug)"
         " VALUES (3, 'New', 'new')", "lists carla, lists carlotta"),
        ("UPDATE movielist SET name = 'x', slug = 'x' WHERE id = 1",
         "lists ana"),
        ("UPDATE movielist SET privacity = 'R' WHERE id = 1", "lists ana"),
        ("UPDATE movielist SET deleted_at = now() WHERE id = 1", "lists ana"),
        ("DELETE FROM movielist", "lists ana, lists carla, lists carlotta"),
    ],
    "movies of a list": [
        ("INSERT INTO movielist_movie (movielist_id, movie_id)"
         " VALUES (2, 1), (2, 2)", "lists carla, lists carlotta"),
        ("UPDATE movielist_movie SET movie_id = 2", "lists ana"),
        ("DELETE FROM movielist_movie", "lists ana"),
    ],
    "comment": [
        ("INSERT INTO comment (user_id, review_id, reply_comment_id, content)"
         " VALUES (4, 1, 1, 'No.')", "review 1"),
        ("UPDATE comment SET content = 'x'", "review 1"),
        ("UPDATE comment SET spoiler = true", "review 1"),
        ("UPDATE comment SET deleted_at = now()", "review 1"),
        ("DELETE FROM comment", "review 1"),
    ],
    "friendship": [
        ("INSERT INTO friendship (user1_id, user2_id) VALUES (3, 4)",
         "friends 3, friends 4, circle 3, circle 4, profile carla,"
         " profile carlotta, profile dan"),
        ("UPDATE friendship SET user2_id = 4",
         "friends 1, friends 2, friends 4, circle 1, circle 2, circle 4,"
         " profile ana, profile bob, profile dan"),
        ("DELETE FROM friendship", "friends 1, friends 2, circle 1, circle 2,"
         " profile ana, profile bob"),
    ],
    "friend request": [
        ("INSERT INTO friend_request (from_user_id, to_user_id)"
         " VALUES (4, 2)", "friends 4, friends 2"),
        ("UPDATE friend_request SET status = 'A'", "friends 1, friends 3"),
        ("DELETE FROM friend_request", "friends 1, friends 3"),
    ],
    "award": [
        ("INSERT INTO award (slug, name) VALUES ('lion', 'Lion')",
         "catalogue"),
        ("UPDATE award SET icon = 'x' WHERE id = 2", "award bear, catalogue"),
        ("UPDATE award SET slug = 'x' WHERE id = 1", "award oscar, award x,"
         " movie ran, person kurosawa, catalogue"),
        ("UPDATE award SET deleted_at = now() WHERE id = 1",
         "award oscar, movie ran, person kurosawa, catalogue"),
        ("DELETE FROM award WHERE id = 1",
         "award oscar, movie ran, person kurosawa, catalogue"),
    ],
    "awards of a person": [
        ("INSERT INTO person_award VALUES (1, 2)",
         "person mifune, catalogue"),
        ("UPDATE person_award SET award_id = 2",
         "person kurosawa, catalogue"),
        ("DELETE FROM person_award", "person kurosawa, catalogue"),
    ],
    "person": [
        ("INSERT INTO person (slug, name) VALUES ('mori', 'Mori')",
         "catalogue"),
        ("UPDATE person SET biography = 'x' WHERE id = 1",
         "person mifune, catalogue"),
        ("UPDATE person SET slug = 'x' WHERE id = 1",
         "person mifune, person x, catalogue"),
        ("UPDATE person SET deleted_at = now() WHERE id = 1",
         "person mifune, catalogue"),
        ("DELETE FROM person WHERE id = 1",
         "person mifune, movie ran, user 1, catalogue"),
    ],
    "genre": [
        ("INSERT INTO genre (slug, name) VALUES ('x', 'X')", "catalogue"),
        ("UPDATE genre SET name = 'x' WHERE id = 1", "catalogue"),
        ("UPDATE genre SET deleted_at = now()", "catalogue"),
        ("DELETE FROM genre WHERE id = 1", "movie ran, catalogue"),
    ],
    "platform": [
        ("INSERT INTO platform (slug, name) VALUES ('x', 'X')", "catalogue"),
        ("UPDATE platform SET url = 'x' WHERE id = 1", "catalogue"),
        ("UPDATE platform SET deleted_at = now()", "catalogue"),
        ("DELETE FROM platform WHERE id = 1", "movie ran, user 1, catalogue"),
    ],
    "address of a movie": [
        ("UPDATE movie SET slug = 'chaos' WHERE id = 1",
         "movie ran, movie chaos, reviews ran, reviews chaos, review 1,"
         " profile ana, lists ana, catalogue"),
        ("UPDATE movie SET deleted_at = now() WHERE id = 1",
         "movie ran, reviews ran, review 1, profile ana, lists ana,"
         " catalogue"),
        ("DELETE FROM movie WHERE id = 1",
         "movie ran, reviews ran, review 1, profile ana, profile bob,"
         " lists ana, user 1,"
         " circle 2, user 2, user 3, person mifune, person kurosawa,"
         " catalogue"),
    ],
    "translations of a movie": [
        ("INSERT INTO movie_translation (movie_id, language, title)"
         " VALUES (2, 'de', 'Leben')", "movie ikiru, catalogue"),
        ("UPDATE movie_translation SET image = 'x'", "movie ran, catalogue"),
        ("UPDATE movie_translation SET deleted_at = now()",
         "movie ran, catalogue"),
        ("DELETE FROM movie_translation", "movie ran, catalogue"),
    ],
    "translations of a person": [
        ("INSERT INTO person_translation (person_id, language)"
         " VALUES (2, 'de')", "person kurosawa, catalogue"),
        ("UPDATE person_translation SET biography = 'x'",
         "person mifune, catalogue"),
        ("UPDATE person_translation SET deleted_at = now()",
         "person mifune, catalogue"),
        ("DELETE FROM person_translation", "person mifune, catalogue"),
    ],
    "translations of a genre": [
        ("INSERT INTO genre_translation (genre_id, language, name)"
         " VALUES (2, 'de', 'x')", "catalogue"),
        ("UPDATE genre_translation SET name = 'x'", "catalogue"),
        ("UPDATE genre_translation SET deleted_at = now()", "catalogue"),
        ("DELETE FROM genre_translation", "catalogue"),
    ],
    "unseen marks": [
        ("INSERT INTO unseen VALUES (2, 2)", "user 2"),
        ("UPDATE unseen SET user_id = 2", "user 1, user 2"),
        ("DELETE FROM unseen", "user 1"),
    ],
    "followed persons": [
        ("INSERT INTO follow VALUES (2, 2)", "user 2"),
        ("UPDATE follow SET person_id = 2", "user 1"),
        ("DELETE FROM follow", "user 1"),
    ],
    "platforms of a user": [
        ("INSERT INTO account_platform VALUES (2, 2)", "user 2"),
        ("UPDATE account_platform SET platform_id = 2", "user 1"),
        ("DELETE FROM account_platform", "user 1"),
    ],
    "public page of a user": [
        ("UPDATE account SET bio = 'x' WHERE id = 1", "account 1,"
         " profile ana, friends 2, profile bob, friends 3"),
        ("UPDATE account SET picture = 'x' WHERE id = 3",
         "account 3, profile carla, profile carlotta, friends 1"),
        ("UPDATE account SET picture = 'x' WHERE id = 4",
         "account 4, profile dan"),
    ],
    "name of a user": [
        ("UPDATE account SET username = 'eva', old_username = 'ana'"
         " WHERE id = 1", f"{ANA}, profile eva, lists eva, {OF_ANA}"),
        ("UPDATE account SET active = false WHERE id = 1",
         f"{ANA}, {OF_ANA}"),
        ("UPDATE account SET active = false WHERE id = 2",
         "account 2, user 2, friends 2, circle 2, profile bob, lists bob,"
         " friends 1, circle 1, profile ana, review 1"),
        ("UPDATE account SET old_username = NULL WHERE id = 3",
         f"{CARLA}, friends 1, review 1"),
        ("DELETE FROM account WHERE id = 1", f"{ANA}, {OF_ANA}"),
        ("DELETE FROM account WHERE id = 3",
         f"{CARLA}, friends 1, review 1"),
        ("DELETE FROM account WHERE id = 4", "account 4, user 4, friends 4,"
         " circle 4, profile dan, lists dan"),
    ],
    "new user": [
        ("INSERT INTO account (id, username, email, password)"
         " VALUES (9, 'zoe', 'zoe@example.org', 'x')",
         "account 9, user 9, friends 9, circle 9, profile zoe, lists zoe"),
        ("WITH made AS (INSERT INTO account (id, username, email)"
         " VALUES (9, 'zoe', 'zoe@example.org') RETURNING id)"
         " INSERT INTO provider_link (provider, subject, user_id)"
         " SELECT 'google', 'x', id FROM made",
         "account 9, user 9, friends 9, circle 9, profile zoe, lists zoe"),
        ("INSERT INTO account (username, email)"
         " VALUES ('zoe', 'zoe@example.org')", ""),
    ],
    "sessions": [
        ("INSERT INTO session (id, user_id, digest, epoch, expires_at)"
         " VALUES (gen_random_uuid(), 1, 'x', 0, now() + interval '1 day')",
         ""),
        ("UPDATE session SET epoch = 1 WHERE user_id = 1", "account 1"),
        ("UPDATE session SET expires_at = now()", "account 1"),
        ("UPDATE session SET digest = 'x', previous_digest = digest,"
         " expires_at = expires_at + interval '1 hour' WHERE user_id = 1", ""),
        ("DELETE FROM session", "account 1"),
        ("DELETE FROM session WHERE expires_at < now()", ""),
    ],
    "codes": [
        ("INSERT INTO code (user_id, purpose, expires_at)"
         " VALUES (4, 'reset', now() + interval '1 day')", "account 4"),
        ("UPDATE code SET tries = 1", "account 1"),
        ("DELETE FROM code", "account 1"),
        ("DELETE FROM code WHERE expires_at < now()", ""),
    ],
    "training with ratings": [
        ("UPDATE account SET training = false WHERE id = 1",
         "account 1, circle 2, profile ana"),
        ("UPDATE account SET training = false WHERE id = 3",
         "account 3, profile carla, profile carlotta"),
        ("UPDATE account SET training = true", ""),
    ],
    "trending movies": [
        ("INSERT INTO trend VALUES (2, 2)", "trend"),
        ("UPDATE trend SET place = 3", "trend"),
        ("DELETE FROM trend", "trend"),
    ],
    "taste of a user": [
        ("UPDATE rating SET rating = 2 WHERE id IN (2, 3)",
         "user 2, user 3, profile bob"),
        ("UPDATE rating SET created_at = now() WHERE id = 2", "user 2"),
    ],
    "popularity of a movie": [
        ("UPDATE movie SET stars_4 = 10, rating_count = 10, rating_sum = 40"
         " WHERE id = 3", "popular"),
        ("UPDATE movie SET stars_4 = 9, rating_count = 9, rating_sum = 36"
         " WHERE id = 3", ""),
    ],
}

# What is not shown, or is kept elsewhere.
IRRELEVANT = [
    "UPDATE movie SET rating_sum = 9, rating_count = 3, stars_3 = 3 WHERE id = 3",
    "UPDATE movie SET modelled = NOT modelled",
    "UPDATE movie SET popularity = 1, updated_at = now()",
    "UPDATE rating SET updated_at = now()",
    "UPDATE account SET password = 'another hash'",
    "UPDATE account SET updated_at = now()",
    "UPDATE session SET used_at = now()",
    "UPDATE person SET updated_at = now()",
    "UPDATE movie_translation SET updated_at = now()",
    "UPDATE review SET updated_at = now()",
    "UPDATE movie SET title = title, slug = slug, deleted_at = deleted_at",
    "UPDATE account SET username = username, active = active, bio = bio",
    "DELETE FROM movie WHERE id = 0",
    "DELETE FROM account WHERE id = 0",
    "INSERT INTO job (name) VALUES ('x')",
    "INSERT INTO movie_source VALUES ('imdb', 'tt0089881', 1)",
    "INSERT INTO person_source VALUES ('imdb', 'nm0000041', 1)",
]


@pytest.fixture(scope="module")
def database(cluster, database):
    cluster.sql(WORLD, None, database)
    cluster.sql("""
        SELECT setval(pg_get_serial_sequence(attrelid::regclass::text, attname),
                      100)
          FROM pg_attribute
         WHERE attidentity <> '' AND NOT attisdropped""", None, database)
    return database


@pytest.fixture
def transaction(cluster, database):
    """The cursor of a transaction that is rolled back."""
    connection = cluster.connect(database)
    connection.autocommit = False
    yield connection.cursor()
    connection.close()


def touched(cursor):
    """The rows of touch that this transaction wrote."""
    cursor.execute("SELECT kind, key FROM touch"
                   " WHERE txid = pg_current_xact_id_if_assigned()")
    return sorted(cursor.fetchall())


def rows_of(text):
    """kind and key of "user 1, catalogue"."""
    return sorted((*row.split(), "")[:2] for row in text.split(", ") if row)


@pytest.mark.parametrize("rule", RULES)
def test_rule(transaction, rule):
    for change, rows in RULES[rule]:
        transaction.execute(change)
        assert touched(transaction) == rows_of(rows), change
        transaction.connection.rollback()


@pytest.mark.parametrize("change", IRRELEVANT)
def test_irrelevant(transaction, change):
    transaction.execute(change)
    assert touched(transaction) == []


def test_every_table_with_triggers_ignores_an_update_of_nothing(transaction):
    transaction.execute("""
        SELECT c.relname, string_agg(a.attname || ' = ' || a.attname, ', ')
          FROM pg_class AS c
          JOIN pg_attribute AS a ON a.attrelid = c.oid
         WHERE c.oid IN (SELECT tgrelid FROM pg_trigger
                          WHERE tgname LIKE 'touch%')
           AND a.attnum > 0
           AND NOT a.attisdropped
           AND a.attgenerated = ''
         GROUP BY c.relname""")
    tables = transaction.fetchall()
    assert {table for table, _ in tables} == {
        table for table, _ in comment_table().values()}
    for table, columns in tables:
        transaction.execute(f"UPDATE {table} SET {columns}")
        assert transaction.rowcount > 0 and touched(transaction) == [], table


def comment_table():
    """rule: (table, kinds) as the migration begins, and later ones with rules."""
    rules, rule = {}, None
    heads = [path.read_text().split("\n\n", 1)[0]
             for path in sorted((SQL / "migrations").glob("*.sql"))]
    for line in "\n".join(h for h in heads if "\n-- rule " in h).splitlines():
        cells = [cell.strip() for cell in line.removeprefix("--").split("|")]
        if len(cells) != 3 or cells[0] == "rule":
            continue
        rule = cells[0] or rule
        table, kinds = rules.setdefault(rule, (cells[1], set()))
        kinds.update(cells[2].split())
    return rules


def test_the_table_names_the_tested_rules():
    assert list(comment_table()) == list(RULES)


def test_the_table_names_what_the_triggers_do(cluster, database):
    """Each rule's functions write the kinds of its row, on the table of it."""
    found = {}
    for name, table, text in cluster.sql("""
            SELECT p.proname, t.tgrelid::regclass::text, p.prosrc
              FROM pg_trigger AS t
              JOIN pg_proc AS p ON p.oid = t.tgfoid
             WHERE t.tgname LIKE 'touch%%'""", (), database):
        rule = re.sub("^touch_|_(insert|update|delete)$", "", name)
        kinds = found.setdefault(rule.replace("_", " "), (table, set()))[1]
        words = set(re.findall(r"'(\w+)'", text)) - {"INSERT", "DELETE"}
        kinds.update(words)
    assert found == comment_table()


def test_nobody_else_writes_touch():
    """No statement, no program; 0006 is what this migration has replaced."""
    writes = re.compile(r"\b(INSERT INTO|UPDATE|COPY|MERGE INTO)\s+touch\b",
                        re.I)
    found = [path.relative_to(stack_module.ROOT)
             for folder in ("sql", "src", "tools", "demo")
             for path in (stack_module.ROOT / folder).rglob("*")
             if path.is_file()
             and path not in (MIGRATION, SQL / "migrations/0006_recommend.sql")
             and writes.search(path.read_text(errors="replace"))]
    assert found == []


def test_answers_depend_on_the_kinds_that_are_raised(transaction):
    """The kinds of the route table, of the rules and of the constraint."""
    table = (stack_module.ROOT / "src/api/depends.c").read_text()
    read = set(re.findall(r'\{ ON_\w+, "(\w+)", KEY_', table))
    raised = set().union(*(kinds for _, kinds in comment_table().values()))
    transaction.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint"
                        " WHERE conname = 'touch_kind_known'")
    allowed = set(re.findall(r"'(\w+)'", transaction.fetchone()[0]))
    assert read == raised == allowed


def test_an_unknown_kind_is_refused(transaction):
    with pytest.raises(psycopg2.errors.CheckViolation,
                       match="touch_kind_known"):
        transaction.execute("INSERT INTO touch (kind) VALUES ('movies')")


def test_a_transaction_writes_each_key_once(transaction):
    for title in ("a", "b", "c"):
        transaction.execute("UPDATE movie SET title = %s WHERE id < 3",
                            (title,))
        transaction.execute("UPDATE movie_actor SET position = position + 1")
    assert touched(transaction) == rows_of(
        "movie ran, movie ikiru, person mifune, catalogue")


def test_what_a_transaction_makes_is_not_stale(transaction):
    """An import of a million movies writes no million rows."""
    transaction.execute("""
        INSERT INTO movie (id, slug, title)
        SELECT 1000 + i, 'new-' || i, 'New' FROM generate_series(1, 1000) AS i;
        INSERT INTO movie_genre
        SELECT id, 1 FROM movie WHERE id > 1000;
        INSERT INTO movie_actor
        SELECT id, 1, 1 FROM movie WHERE id > 1000;""")
    assert touched(transaction) == rows_of("person mifune, catalogue")


def test_many_ratings_write_few_rows(transaction):
    transaction.execute("""
        INSERT INTO account (id, username, email)
        SELECT 100 + i, 'many' || i, 'many' || i || '@example.org'
          FROM generate_series(1, 100) AS i;
        INSERT INTO movie (id, slug, title)
        SELECT 100 + i, 'many-' || i, 'Many' FROM generate_series(1, 100) AS i;
        INSERT INTO friendship (user1_id, user2_id) VALUES (1, 101), (1, 102);
        INSERT INTO rating (user_id, movie_id, rating)
        SELECT 100 + u, 100 + m, 1 + m % 5
          FROM generate_series(1, 100) AS u, generate_series(1, 100) AS m""")
    rows = touched(transaction)
    assert [row for row in rows if row[0] == "user"] == sorted(
        ("user", str(100 + i)) for i in range(1, 101))
    assert [row for row in rows if row[0] == "circle"] == sorted(
        ("circle", str(i)) for i in (1, 101, 102))
    transaction.execute("SELECT count(*) FROM rating")
    assert transaction.fetchone() == (10003,)


def test_rows_that_wait_stay_when_the_table_changes(cluster):
    """What earlier releases have written is raised as well."""
    name = cluster.create()
    try:
        for path in sorted((SQL / "migrations").glob("*.sql")):
            if path == MIGRATION:
                cluster.sql("INSERT INTO touch (kind, key)"
                            " VALUES ('user', '1'),"
                            " ('name', 'ana'), ('catalogue', ''),"
                            " ('user', '1'), ('list', '1')", None, name)
            cluster.sql(path.read_text(), None, name, stack_module.OWNER)
        assert cluster.sql("SELECT kind, key FROM touch ORDER BY id", None,
                           name) == [("catalogue", ""), ("user", "1")]
    finally:
        cluster.drop(name)
