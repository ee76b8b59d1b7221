# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds of every table: names, indexes, views; and a dump that restores."""

import re
import subprocess

import pytest

import stack as stack_module

MIGRATIONS = stack_module.ROOT / "sql" / "migrations"


@pytest.fixture
def sql(cluster, database):
    return lambda text, params=None: cluster.sql(text, params, database)


def test_every_reference_has_an_index(sql):
    """Deleting a referenced row must not scan whole tables."""
    assert sql("""
        SELECT c.conrelid::regclass::text, c.conname
          FROM pg_constraint AS c
         WHERE c.contype = 'f'
           AND NOT EXISTS (SELECT
                             FROM pg_index AS i
                            WHERE i.indrelid = c.conrelid
                              AND (i.indkey::smallint[])[0] = c.conkey[1]
                              AND i.indpred IS NULL)
         ORDER BY 1, 2""") == []


# Statements of requests take platforms by their ids of the same statement; rows of
# account_find are made by a trigger of account; the row of an owner is locked.
BY_NO_PARAMETER = {"account_platform_platform_id_fkey",
                   "account_find_user_id_fkey", "audit_owner_id_fkey",
                   "translation_author_id_fkey"}


def test_the_foreign_keys_of_requests_are_in_the_table(sql):
    """src/api/run.c has all of the tables in which users own rows."""
    table = re.search(r"\} references\[\] = \{\n(.*?)\n\};", (
        stack_module.ROOT / "src/api/run.c").read_text(), re.S)[1]
    listed = re.findall(r'^\t\{ "(\w+)", (?:NULL|"(\w+)") \},$', table, re.M)
    assert len(listed) == table.count("{")
    names = [name for name, _ in listed]
    assert names == sorted(set(names))
    schema = dict(sql("""
        WITH owned AS (
            SELECT conrelid AS id
              FROM pg_constraint
             WHERE contype = 'f' AND confrelid = 'account'::regclass
        )
        SELECT c.conname, c.confrelid::regclass::text
          FROM pg_constraint AS c
         WHERE c.contype = 'f'
           AND c.conrelid IN (SELECT id FROM owned
                               UNION ALL
                              SELECT conrelid
                                FROM pg_constraint
                               WHERE contype = 'f'
                                 AND confrelid IN (SELECT id FROM owned))"""))
    assert set(names) == set(schema) - BY_NO_PARAMETER
    models = {"account": {"", "username"}, "change_head": {""},
              "movielist": {"list"}}
    for name, param in listed:
        assert param in models.get(schema[name], {schema[name]}), name


def test_rules_have_names_of_their_own(sql):
    """No name that PostgreSQL made up for a rule that a person may read of."""
    assert sql("""
        SELECT conname
          FROM pg_constraint
         WHERE connamespace = 'public'::regnamespace
           AND contype IN ('c', 'u')
           AND conname ~ '_(check|key)[0-9]*$'""") == []


def test_every_soft_deletion_has_its_view(sql):
    tables = sql("""
        SELECT c.relname
          FROM pg_attribute AS a
          JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind = 'r'
         WHERE a.attname = 'deleted_at'
         ORDER BY 1""")
    assert len(tables) == 13
    for (table,) in tables:
        columns = [sql("""
            SELECT attname, atttypid
              FROM pg_attribute
             WHERE attrelid = %s::regclass AND attnum > 0
               AND NOT attisdropped
             ORDER BY attnum""", (name,)) for name in (table,
                                                       f"live_{table}")]
        assert columns[0] == columns[1], table


def test_a_view_hides_what_was_deleted(sql):
    sql("INSERT INTO genre (name, slug, deleted_at)"
        " VALUES ('gone', 'gone', now()), ('here', 'here', NULL)")
    assert sql("SELECT slug FROM live_genre") == [("here",)]


def test_what_was_deleted_does_not_stand_in_the_way(sql):
    sql("""
        INSERT INTO account (id, username, email) VALUES (1, 'a', 'a@b.c');
        INSERT INTO movie (id, slug, title, release_date)
        VALUES (1, 'm', 'M', '2000-01-01');""")
    for table, columns, values in [
            ("rating", "user_id, movie_id, rating", "1, 1, 3"),
            ("review", "user_id, movie_id, title, content, is_positive",
             "1, 1, 't', 'c', true"),
            ("movielist", "user_id, name, slug", "1, 'n', 'n'")]:
        insert = f"INSERT INTO {table} ({columns}) VALUES ({values})"
        sql(insert)
        sql(f"UPDATE {table} SET deleted_at = now()")
        sql(insert)
        assert sql(f"SELECT count(*) FROM live_{table}") == [(1,)]


def test_a_dump_restores(cluster, database, tmp_path):
    """pg_dump empties the search path: stored columns must still compute."""
    cluster.sql("INSERT INTO movie (id, slug, title, release_date)"
                " VALUES (99, 'dumped', 'Dümped', '2000-01-01')",
                None, database)
    host = ["-h", str(cluster.run), "-U", stack_module.OWNER]
    copy = cluster.create()
    try:
        dumped = subprocess.run(
            [str(stack_module.PG_BIN / "pg_dump"), *host, database],
            capture_output=True, text=True, check=True, timeout=60)
        restored = subprocess.run(
            [str(stack_module.PG_BIN / "psql"), *host, "-qXd", copy, "-v",
             "ON_ERROR_STOP=1", "-o", str(tmp_path / "out")],
            input=dumped.stdout, capture_output=True, text=True, timeout=60)
        assert restored.returncode == 0, restored.stderr
        # cursors of the changes are of one database
        epochs = {cluster.sql("SELECT change_epoch(ROW(1, md5('')::uuid, 0, 0)"
                              "::change_head)", None, name)[0]
                  for name in (database, copy)}
        assert len(epochs) == 2
        assert cluster.sql("SELECT slug FROM movie WHERE id IN (SELECT"
                           " movie_id FROM movie_search('en', 'DUMP', 1, NULL,"
                           " NULL, NULL, NULL, NULL, NULL, false, false, 1, 9))",
                           None, copy) == [("dumped",)]
    finally:
        cluster.drop(copy)


def test_the_locale_of_the_cluster_does_not_matter(cluster):
    """ICU converts to lower case: also in locale C the lower case of É is é,
    and unaccent converts it to e."""
    cluster.sql(f"CREATE DATABASE plain OWNER {stack_module.OWNER}"
                " TEMPLATE template0"
                " ENCODING 'UTF8' LOCALE 'C'")
    try:
        cluster.sql((MIGRATIONS / "0001_core.sql").read_text(), None, "plain",
                    stack_module.OWNER)
        assert cluster.sql("SELECT fold_text('ÉCOLE'), fold_text('ПРИВЕТ'),"
                           " fold_text(E'e\\u0301')",
                           None, "plain") == [("ecole", "привет", "e")]
    finally:
        cluster.drop("plain")


def test_an_account_that_leaves_takes_only_what_is_hers(sql):
    sql("""
        INSERT INTO account (id, username, email)
        SELECT i, 'leave' || i, 'leave' || i || '@example.org'
          FROM generate_series(11, 13) AS i;
        INSERT INTO movie (id, slug, title, release_date)
        VALUES (11, 'leave', 'Leave', '2000-01-01');
        INSERT INTO review (id, user_id, movie_id, title, content, is_positive)
        VALUES (11, 11, 11, 'commented', 'x', true),
               (12, 12, 11, 'of another', 'x', true);
        INSERT INTO comment (id, user_id, review_id, reply_comment_id, content)
        VALUES (11, 12, 11, NULL, 'below own'),
               (12, 11, 12, NULL, 'own, answered'),
               (13, 13, 12, 12, 'the answer'),
               (14, 11, 12, 13, 'own, last'),
               (15, 11, 12, NULL, 'own, reacted to');
        INSERT INTO reaction (user_id, comment_id, emoji)
        VALUES (12, 15, 'LIKE'), (11, 13, 'LIKE');
        INSERT INTO friendship (user1_id, user2_id) VALUES (11, 12), (12, 13);
        DELETE FROM account WHERE id = 11;""")
    assert sql("SELECT id, user_id, title, deleted_at IS NULL FROM review"
               " WHERE movie_id = 11 ORDER BY id") == [
                   (11, None, "", False), (12, 12, "of another", True)]
    assert sql("SELECT id, user_id, content FROM comment ORDER BY id") == [
        (11, 12, "below own"), (12, None, ""), (13, 13, "the answer"),
        (15, None, "")]
    assert sql("SELECT user_id, comment_id FROM reaction") == [(12, 15)]
    assert sql("SELECT user1_id, user2_id FROM friendship") == [(12, 13)]
