# SPDX-License-Identifier: GPL-3.0-or-later
"""What ends an import too early: a signal, a lost connection, a full disk. For each
source: nothing is left, the message tells what to do, and a second run succeeds.
The same for an export whose disk is full."""

import contextlib
import os
import pwd
import signal
import subprocess

import pytest

import stack as stack_module
from test_import import EX_DATAERR, EX_UNAVAILABLE, Place
from test_import_files import FILES
from test_import_original import Original

EX_CANTCREAT, EX_IOERR = 73, 74

# The source, and a table that it writes late.
SOURCES = [("imdb", "movie_actor"), ("tmdb", "movie_actor"),
           ("movielens", "rating"), ("site", "comment"),
           ("moviesxmovies", "movielist_movie"), ("demo", "review")]


@pytest.fixture(scope="module")
def original(cluster):
    made = Original(cluster)
    yield made
    made.drop()


@pytest.fixture
def place(cluster, tmp_path):
    made = Place(cluster, tmp_path)
    yield made
    cluster.drop(made.database)


def rows(place):
    """The number of rows of every table."""
    names = [name for name, in place.sql(
        "SELECT relname FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace = 'public'::regnamespace")]
    return dict(place.sql(" UNION ALL ".join(
        f"SELECT '{name}', count(*) FROM {name}" for name in names)))


@contextlib.contextmanager
def waiting(place, table, *args, mode="EXCLUSIVE", command=()):
    """An import, or another command, that waits for a lock: the process, and that
    of the server."""
    other = place.cluster.connect(place.database)
    other.autocommit = False
    other.cursor().execute(f"LOCK TABLE {table} IN {mode} MODE")
    process = place.start(*(command or ["import", *args]))
    (pid,), = stack_module.wait_until(
        lambda: place.cluster.sql(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s"
            "   AND wait_event_type = 'Lock'", (place.database,)),
        "the import waits for the lock")
    try:
        yield process, pid
    finally:
        other.close()
        if process.poll() is None:
            process.kill()
            process.wait()


@contextlib.contextmanager
def small_disk(folder, size):
    """A file system of that size, which belongs to the server."""
    folder.mkdir()
    owner = pwd.getpwnam("postgres").pw_uid
    done = subprocess.run(["mount", "-t", "tmpfs", "-o",
                           f"size={size},uid={owner}", "tmpfs", folder],
                          capture_output=True, text=True)
    if done.returncode:
        folder.rmdir()
        pytest.skip(f"no file system can be mounted: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


@contextlib.contextmanager
def full_disk(place):
    """The temporary tables of the database are on a disk without room for them."""
    with small_disk(place.cluster.run / "disk", "48k") as folder:
        place.cluster.sql(f"CREATE TABLESPACE small LOCATION '{folder}'")
        try:
            place.cluster.sql("GRANT CREATE ON TABLESPACE small TO PUBLIC")
            place.cluster.sql(f"ALTER DATABASE {place.database}"
                              " SET temp_tablespaces = small")
            yield
        finally:
            place.cluster.sql(f"ALTER DATABASE {place.database}"
                              " RESET temp_tablespaces")
            place.cluster.sql("DROP TABLESPACE small")


def arguments(source, original):
    return [source, original.name if source == "moviesxmovies"
            else FILES / source]


@pytest.mark.parametrize("source, table", SOURCES, ids=[s for s, _ in SOURCES])
def test_nothing_is_left(place, original, source, table):
    args = arguments(source, original)
    before = rows(place)
    with waiting(place, table, *args) as (process, _):
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGINT, told
    assert "interrupted; nothing was changed" in told
    assert rows(place) == before
    with waiting(place, table, *args) as (process, pid):
        place.cluster.sql("SELECT pg_terminate_backend(%s)", (pid,))
        _, told = process.communicate(timeout=30)
    assert process.returncode == EX_UNAVAILABLE, told
    assert "the database: " in told and "; run it again" in told
    assert rows(place) == before
    place.ctl("import", *args, check=True)
    after = rows(place)
    assert after[table] > 0
    if source != "site":
        place.ctl("import", *args, check=True)
    assert {k: v for k, v in rows(place).items() if v != after[k]
            and k != "touch"} == {}


def test_full_disk_of_the_database(place, original):
    before = rows(place)
    with full_disk(place):
        for source, _ in SOURCES:
            done = place.ctl("import", *arguments(source, original))
            assert done.returncode == EX_UNAVAILABLE, done.stderr
            assert "No space left on device" in done.stderr
            assert "make room on the disk of the database, and run it again" \
                in done.stderr
            assert rows(place) == before


def test_export_that_ends_early(place, tmp_path):
    with waiting(place, "trend", mode="ACCESS EXCLUSIVE",
                 command=["export", tmp_path / "x"]) as (process, pid):
        assert (tmp_path / "x/persons.jsonl").exists()
        place.cluster.sql("SELECT pg_terminate_backend(%s)", (pid,))
        _, told = process.communicate(timeout=30)
    assert process.returncode == EX_UNAVAILABLE, told
    assert not (tmp_path / "x").exists()


def test_export_without_room(place, tmp_path):
    """Nothing is left that looks like an export; a line that could not be imported
    is not written; a full standard output is an error."""
    place.ctl("import", "demo", FILES / "demo", check=True)
    with small_disk(tmp_path / "disk", "8k") as disk:
        done = place.ctl("export", disk / "x")
        assert done.returncode == EX_CANTCREAT, done.stderr
        assert "No space left on device" in done.stderr
        assert not (disk / "x").exists()
        (disk / "empty").mkdir()
        assert place.ctl("export", disk / "empty").returncode == EX_CANTCREAT
        assert os.listdir(disk / "empty") == []
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [str(stack_module.BUILD / "mxmctl"), "--config", str(place.conf),
             "export", str(tmp_path / "y")], stdout=full, stderr=subprocess.PIPE,
            text=True, env=stack_module.environment())
    assert done.returncode == EX_IOERR, done.stderr
    place.sql("UPDATE person SET biography = repeat('x', 64 << 20)"
              " WHERE id = (SELECT min(id) FROM person)")
    done = place.ctl("export", tmp_path / "z")
    assert done.returncode == EX_DATAERR, done.stderr
    assert "persons: row 1 has 6710" in done.stderr
    assert not (tmp_path / "z").exists()
