# SPDX-License-Identifier: GPL-3.0-or-later
"""Migrations: from nothing, again, in step, and when they do not fit."""

import concurrent.futures
import json
import secrets

import pytest

import stack as stack_module

EX_DATAERR, EX_UNAVAILABLE = 65, 69


class Place:
    """An empty database and settings that name it."""

    def __init__(self, cluster, folder):
        self.cluster = cluster
        self.database = cluster.create()
        self.conf = folder / "mxm.conf"
        stack_module.write_conf(self.conf, {
            "run_dir": folder, **cluster.reach(self.database),
            "signing_key": secrets.token_hex(32)})

    def ctl(self, command):
        return stack_module.ctl(self.conf, command, check=False)

    def sql(self, text):
        return self.cluster.sql(text, None, self.database)

    def status(self):
        return json.loads(self.ctl("migrate --status --json").stdout)


@pytest.fixture
def place(cluster, tmp_path):
    made = Place(cluster, tmp_path)
    yield made
    cluster.drop(made.database)


def test_from_nothing_and_again(place):
    assert place.ctl("migrate --status").returncode == EX_DATAERR
    assert not place.status()["current"]
    done = place.ctl("migrate")
    assert done.returncode == 0 and "0001 core" in done.stdout
    assert place.status()["current"]
    again = place.ctl("migrate")
    assert again.returncode == 0 and "0001" not in again.stdout


def test_dry_run_changes_nothing(place):
    assert place.ctl("migrate --dry-run").returncode == 0
    assert place.sql("SELECT count(*) FROM pg_tables"
                     " WHERE schemaname = 'public'")[0][0] == 0


def test_two_at_once_do_it_once(place):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        done = list(pool.map(place.ctl, ["migrate"] * 4))
    assert [d.returncode for d in done] == [0] * 4, [d.stderr for d in done]
    assert place.status()["current"]


def test_a_migration_gives_way_to_a_lock(place):
    """Else a request might wait for one that the migration holds."""
    waiting = ("SELECT count(*) FROM pg_locks WHERE NOT granted"
               " AND relation = 'pg_proc'::regclass")
    other = place.cluster.connect(place.database, "postgres")
    other.autocommit = False
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        other.cursor().execute("LOCK pg_proc IN SHARE MODE")
        done = pool.submit(place.ctl, "migrate")
        for number in (1, 0, 1):
            stack_module.wait_until(
                lambda: place.sql(waiting)[0][0] == number or done.done(),
                "the migration waits, or has given way")
        assert not done.done()
        other.close()
        assert done.result().returncode == 0
    assert place.status()["current"]


def test_a_changed_migration_is_refused(place):
    place.ctl("migrate")
    place.sql("UPDATE migration SET checksum = 'another' WHERE number = 1")
    done = place.ctl("migrate")
    assert done.returncode == EX_DATAERR and done.stderr
    assert place.status()["migrations"][0]["state"] == "changed"


def test_a_newer_schema_is_refused(place):
    place.ctl("migrate")
    place.sql("INSERT INTO migration SELECT (r).* FROM (SELECT"
              " jsonb_populate_record(m, '{\"number\": 9999}') AS r"
              " FROM migration AS m WHERE number = 1) AS x")
    done = place.ctl("migrate")
    assert done.returncode == EX_DATAERR and done.stderr
    assert not place.status()["current"]


def test_a_database_that_is_away(place, tmp_path):
    stack_module.write_conf(place.conf, {
        "run_dir": tmp_path, "database": f"host={tmp_path} dbname=x",
        "signing_key": secrets.token_hex(32)})
    assert place.ctl("migrate").returncode == EX_UNAVAILABLE


def test_all_statements_prepare(place):
    place.ctl("migrate")
    done = place.ctl("check sql")
    assert done.returncode == 0, done.stderr
    assert ", 0 invalid" in done.stdout


def test_statistics_of_the_ratings_before_and_free_paths(cluster):
    """Migration statistics: the numbers of each value are counted, and a movie whose slug is now
    a path gets another one that is free."""
    database = cluster.create()

    def sql(text):
        return cluster.sql(text, None, database)
    try:
        paths = sorted((stack_module.ROOT / "sql/migrations").glob("*.sql"))
        own, = (p for p in paths if p.stem.endswith("_statistics"))
        for path in paths[:paths.index(own)]:
            sql(path.read_text())
        sql("INSERT INTO account (username, email)"
            " SELECT 'u' || i, i || '@example.org'"
            "   FROM generate_series(1, 3) AS i;"
            "INSERT INTO movie (id, slug, title) VALUES (1, 'heat', 'Heat'),"
            " (2, 'trending', 'Trending'), (3, 'trending-2', 'Trending 2'),"
            " (4, 'together', 'Together');"
            "INSERT INTO rating (user_id, movie_id, rating, deleted_at)"
            " VALUES (1, 1, 5, NULL), (2, 1, 2, NULL), (3, 1, 5, NULL),"
            "        (1, 2, 1, NULL), (3, 2, 1, now())")
        sql(own.read_text())
        assert sql("SELECT slug, rating_sum, stars_1, stars_2, stars_3, stars_4,"
                   " stars_5 FROM live_movie ORDER BY id") == [
            ("heat", 12, 0, 1, 0, 0, 2), ("trending-3", 1, 1, 0, 0, 0, 0),
            ("trending-2", 0, 0, 0, 0, 0, 0), ("together-4", 0, 0, 0, 0, 0, 0)]
    finally:
        cluster.drop(database)
