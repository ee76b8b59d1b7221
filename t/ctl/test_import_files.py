# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports of small files with faults, t/import/<source>/: the report is that of
report.txt; mxmctl import imdb and tmdb. That of the original is in
test_import_original.py."""

import gzip
import json
import os
import re
import shutil
import subprocess

import pytest

import stack as stack_module
from test_import import EX_DATAERR, EX_NOINPUT, EX_USAGE, Place, failed, skipped

FILES = stack_module.ROOT / "t/import"


@pytest.fixture
def place(cluster, tmp_path):
    made = Place(cluster, tmp_path)
    yield made
    cluster.drop(made.database)


@pytest.fixture(scope="module")
def shared(cluster, tmp_path_factory):
    """For dry runs."""
    made = Place(cluster, tmp_path_factory.mktemp("shared"))
    yield made
    cluster.drop(made.database)


def report(done):
    """What is printed, without times and folders."""
    told = done.stderr + done.stdout
    return re.sub(r"^imported .*\n", "", told, flags=re.M)


@pytest.mark.parametrize("source", ["demo", "imdb", "movielens", "site",
                                    "tmdb"])
def test_report(place, source):
    expected = FILES / source / "report.txt"
    done = place.ctl("import", source, "--dry-run", "--strict", FILES / source)
    assert done.returncode == 1, done.stderr
    assert place.counts()["movie"] == 0
    assert report(done) == expected.read_text()
    place.ctl("import", source, FILES / source, check=True)
    before = place.dump()
    assert before != []
    if source == "site":
        done = place.ctl("import", source, FILES / source)
        assert done.returncode == EX_DATAERR and "not empty" in done.stderr
        assert place.dump() == before
        return
    done = place.ctl("import", source, "--json", FILES / source, check=True)
    assert all(v["added"] == v["changed"] == 0
               for v in json.loads(done.stdout)["counts"].values())
    assert place.dump() == before


# ----------------------------------------------------------------------- imdb

def changed_file(folder, name, change):
    """A copy of t/import/imdb in which a file is changed."""
    if not folder.exists():
        shutil.copytree(FILES / "imdb", folder)
    path = folder / name
    path.write_bytes(change(path.read_bytes()))
    return folder


def credits(place, table):
    return place.sql(f"SELECT m.slug, p.slug FROM {table} AS c"
                     " JOIN movie AS m ON m.id = c.movie_id"
                     " JOIN person AS p ON p.id = c.person_id"
                     " ORDER BY m.id, c.position")


def test_imdb(place):
    place.ctl("import", "imdb", FILES / "imdb", check=True)
    assert place.sql("SELECT slug, title, release_date::text FROM movie"
                     " ORDER BY id") == [
        ("tt0068646-the-godfather", "The Godfather", "1972-01-01"),
        ("tt0114709-toy-story", "Toy Story", "1995-01-01"),
        ("tt0211915-amélie", "Amélie", "2001-01-01"),
        ("tt9000001-untitled-quoted-project", 'Untitled "Quoted Project', None),
        ("tt9000002-a-year-from-a-spreadsheet", "A Year from a Spreadsheet",
         None),
        ("tt9000010-bell-and-whistle", "Bell and Whistle", None),
        ("tt9000011-nobody-in-it", "Nobody in It", "2020-01-01")]
    assert credits(place, "movie_director") == [
        ("tt0068646-the-godfather", "francis-ford-coppola-nm0000338"),
        ("tt0114709-toy-story", "john-lasseter-nm0005124"),
        ("tt0211915-amélie", "jean-pierre-jeunet-nm0000466")]
    assert credits(place, "movie_actor") == [
        ("tt0068646-the-godfather", "marlon-brando-nm0000008"),
        ("tt0068646-the-godfather", "al-pacino-nm0000199"),
        ("tt0114709-toy-story", "tom-hanks-nm0000158"),
        ("tt0114709-toy-story", "tim-allen-nm0000741"),
        ("tt0211915-amélie", "audrey-tautou-nm0851582")]
    assert place.sql("SELECT DISTINCT birthday, gender FROM person") \
        == [(None, 0)]
    assert set(place.sql("SELECT source, key FROM person_source")) == {
        ("imdb", f"nm{n:07}") for n in (8, 158, 199, 338, 466, 741, 5124,
                                        851582)}
    assert place.one("SELECT count(*) FROM movie_source WHERE source = 'imdb'"
                     "   AND imported") == 7
    assert place.one("SELECT count(*) FROM person_find WHERE acts") == 5
    assert place.sql("SELECT g.name FROM genre AS g JOIN movie_genre AS l"
                     " ON l.genre_id = g.id JOIN movie AS m ON m.id = l.movie_id"
                     " WHERE m.slug LIKE 'tt0114709%' ORDER BY 1") == [
        ("Adventure",), ("Animation",), ("Comedy",)]


def titles(place, *options):
    """The titles that a dry run adds, and the reasons of what it excludes."""
    done = place.ctl("import", "imdb", "--dry-run", "--json", *options,
                     FILES / "imdb", check=True)
    told = json.loads(done.stdout)
    assert place.counts()["movie"] == 0
    return told["counts"]["movies"]["added"], told["filtered"]["by_reason"]


def test_imdb_filters(place):
    assert titles(place, "--type", "tvSeries", "--type=tvEpisode")[0] == 2
    assert titles(place, "--adult")[0] == 8
    added, reasons = titles(place, "--from", "1995", "--to", "2001")
    # an unknown year is in no range
    assert added == 2 and reasons["year"] == 5
    assert titles(place, "--to=1972")[0] == 1
    added, reasons = titles(place, "--min-votes", "40")
    assert added == 4 and reasons["votes"] == 5
    for option in (("--type", "film"), ("--from", "x"), ("--min-votes", "-1"),
                   ("--from", "2009", "--to", "1999")):
        failed(place, EX_USAGE, option[1], "imdb", *option, FILES / "imdb")


def test_imdb_files_that_are_compressed_or_broken(place):
    folder = place.folder / "imdb"
    for path in (FILES / "imdb").glob("*.tsv"):
        target = folder / f"{path.name}.gz"
        folder.mkdir(exist_ok=True)
        target.write_bytes(gzip.compress(path.read_bytes()))
    place.ctl("import", "imdb", "--dry-run", folder, check=True)
    names = folder / "name.basics.tsv.gz"
    whole = names.read_bytes()
    names.write_bytes(whole[:-20])
    failed(place, EX_DATAERR, "name.basics.tsv.gz:", "imdb", folder)
    names.unlink()
    failed(place, EX_NOINPUT, "name.basics.tsv.gz: No such file", "imdb", folder)
    folder = place.folder / "other"
    changed_file(folder, "title.basics.tsv", lambda b: b.replace(b"\t", b","))
    failed(place, EX_DATAERR, "likely cause: the fields are separated by commas",
           "imdb", folder)
    changed_file(folder, "title.basics.tsv", lambda b: b"<!DOCTYPE html>\n")
    failed(place, EX_DATAERR, "it is a web page", "imdb", folder)


SMALL = b"movieId,title,genres\n1,Toy Story (1995),Drama\n"
LARGE = b"movieId,title,genres\n" + b"1,Toy Story (1995),Drama\n" * 40_000
PACKED = gzip.compress(LARGE)
UTF_16 = "likely cause: the encoding is UTF-16"
RETURNS = "likely cause: the lines end with CR, without LF"
NO_TEXT = "it is not a text file, or not a complete one"


@pytest.mark.parametrize("movies, message", [
    (SMALL, None), (b"\xef\xbb\xbf" + SMALL.replace(b"\n", b"\r\n"), None),
    (gzip.compress(SMALL[:30]) + gzip.compress(SMALL[30:]), None),
    (SMALL.decode().encode("utf-16"), UTF_16),
    (SMALL.decode().encode("utf-16-le"), UTF_16),
    (SMALL.decode().encode("utf-16-be"), UTF_16),
    (SMALL.replace(b"\n", b"\r"), RETURNS), (LARGE.replace(b"\n", b"\r"), RETURNS),
    (PACKED[:-30], "cannot be read: truncated"),
    (PACKED[:-4], "cannot be read: the file is not complete"),
    (PACKED[:5], NO_TEXT),
    (bytes(range(32, 0, -1)) * 1000, NO_TEXT), (b"", "the file is empty"),
    (gzip.compress(b""), "the file is empty"), (b"\n\n", "the file is empty"),
    (b'[{"movieId": 1}]', "it is a JSON file"),
    (b"PK\x03\x04" + SMALL, "it is a ZIP archive"),
    (b"sep=;\n" + SMALL, 'a line "sep="'),
    (SMALL.replace(b",", b"|"), "separated by vertical bars"),
    (SMALL.replace(b"genres", b"TITLE"), 'has no column "genres"'),
    (SMALL.replace(b"\n", b",x\n").replace(b"s,x", b"s,Title"),
     'has more than one column "title"'),
    (b'"' + SMALL, "a quote is never closed"),
    (os.mkdir, "movies.csv: Is a directory"), (os.mkfifo, None),
    (lambda path: path.symlink_to("/dev/stdin"), None),
    (lambda path: path.symlink_to("nowhere"), "No such file or directory"),
    (lambda path: path.symlink_to("movies.csv"), "symbolic links")],
    ids=lambda value: value if isinstance(value, str) else "")
def test_odd_files(shared, tmp_path, movies, message):
    (tmp_path / "ratings.csv").write_bytes(
        b"userId,movieId,rating,timestamp\n1,0001,4.0,1\n")
    path = tmp_path / "movies.csv"
    if callable(movies):
        movies(path)
    else:
        path.write_bytes(movies)
    process = subprocess.Popen(
        [str(stack_module.BUILD / "mxmctl"), "--config", str(shared.conf),
         "import", "movielens", "--dry-run", str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=stack_module.environment())
    if path.is_fifo():
        path.write_bytes(SMALL)
    _, told = process.communicate(SMALL.decode(), timeout=60)
    assert (message or "dry run, nothing was changed") in told
    if message is None:
        assert process.returncode == 0
    else:
        assert process.returncode in (EX_DATAERR, EX_NOINPUT)
        assert "nothing was changed" in told


def test_columns_in_any_order(place):
    def turn(data):
        lines = data.split(b"\n")
        return b"\n".join(b"\t".join(reversed(line.split(b"\t")))
                          for line in lines)
    folder = place.folder / "turned"
    for name in ("title.basics.tsv", "title.principals.tsv", "name.basics.tsv"):
        changed_file(folder, name, turn)
    place.ctl("import", "imdb", folder, check=True)
    assert place.counts()["movie"] == 7
    assert len(credits(place, "movie_actor")) == 5


# ------------------------------------------------------------ several sources

def test_tmdb(place):
    place.ctl("import", "tmdb", FILES / "tmdb", check=True)
    assert place.sql("SELECT slug, title, synopsis, release_date::text,"
                     " popularity FROM movie WHERE id <= 5 ORDER BY id") == [
        ("862-toy-story", "Toy Story", "Led by Woody, Andy's toys live happily."
         "\nThen comes Buzz.", "1995-10-30", 21.946943),
        ("238-the-godfather", "The Godfather",
         "Spanning the years 1945 to 1955.", "1972-03-14", 41.1),
        ("194-amélie", "Amélie", 'At a tiny Parisian café, the "adorable"'
         " Amélie …", "2001-04-25", 12.8),
        ("380097-america-is-still-the-place", "America Is Still the Place",
         "1971 post civil rights San Francisco", None, 1.5),
        ("9001-a-bell-and-a-formfeed", "A Bell and a FormFeed", "Nextline",
         None, 1.5)]
    assert credits(place, "movie_actor") == [
        ("862-toy-story", "tom-hanks-31"), ("862-toy-story", "tim-allen-12898"),
        ("238-the-godfather", "marlon-brando-3084"),
        ("238-the-godfather", "al-pacino-1158"),
        ("194-amélie", "audrey-tautou-2405")]
    assert dict(place.sql("SELECT name, gender FROM person"))["Audrey Tautou"] \
        == 1
    assert set(place.sql("SELECT source, key FROM movie_source AS s JOIN movie"
                         " AS m ON m.id = s.movie_id"
                         " WHERE m.slug = '862-toy-story'")) == {
        ("tmdb", "862"), ("imdb", "tt0114709")}


@pytest.mark.parametrize("first, second", [("imdb", "tmdb"), ("tmdb", "imdb")])
def test_the_second_source_adds_what_is_missing(place, first, second):
    """Movies are found by their id at IMDb, else by title, year and director;
    their persons by their names."""
    place.ctl("import", first, FILES / first, check=True)
    movies, persons = place.counts()["movie"], place.counts()["person"]
    done = place.ctl("import", second, "--json", FILES / second, check=True)
    told = json.loads(done.stdout)["counts"]
    alone = {"imdb": 7, "tmdb": 10}[second]
    assert told["movies"]["added"] == alone - 3
    assert told["movies"]["changed"] == {"tmdb": 3, "imdb": 0}[second]
    assert told["credits"]["added"] == told["persons"]["added"] == 0
    assert place.counts()["movie"] == movies + alone - 3
    assert place.counts()["person"] == persons
    assert place.one("SELECT count(*) FROM movie_source WHERE imported"
                     " AND movie_id IN (SELECT id FROM movie WHERE title IN"
                     " ('Toy Story', 'The Godfather', 'Amélie'))") == 6
    assert place.one("SELECT count(DISTINCT person_id) FROM person_source"
                     " WHERE key IN ('31', 'nm0000158')") == 1
    assert place.one("SELECT count(*) FROM movie WHERE title = 'Toy Story'"
                     " AND synopsis LIKE 'Led by%'") == 1
    before = place.dump()
    for source in (first, second):
        place.ctl("import", source, FILES / source, check=True)
    assert place.dump() == before


def test_movies_of_movielens_get_their_credits_once(place):
    place.ctl("import", "movielens", FILES / "movielens", check=True)
    done = place.ctl("import", "imdb", "--json", FILES / "imdb", check=True)
    assert json.loads(done.stdout)["counts"]["movies"]["changed"] == 2
    assert credits(place, "movie_director")[0] == (
        "862-toy-story", "john-lasseter-nm0005124")
    # what was edited since stays
    place.sql("DELETE FROM movie_director; UPDATE movie SET synopsis = 'mine'")
    before = place.dump()
    place.ctl("import", "imdb", FILES / "imdb", check=True)
    assert place.dump() == before


def test_two_films_of_one_title_and_year_are_not_guessed(place):
    place.ctl("import", "tmdb", FILES / "tmdb", check=True)
    place.sql("""
        WITH m AS (INSERT INTO movie (slug, title, release_date)
                   VALUES ('other', 'The Godfather', '1972-12-31')
                   RETURNING id)
        INSERT INTO movie_director
        SELECT m.id, p.id, 0 FROM m, person AS p
         WHERE p.name = 'Francis Ford Coppola'""")
    place.ctl("import", "imdb", FILES / "imdb", check=True)
    assert place.one("SELECT count(*) FROM movie WHERE title = 'The Godfather'") \
        == 3


def test_addresses_that_are_taken(place):
    place.sql("INSERT INTO movie (slug, title) VALUES"
              " ('tt0068646-the-godfather', 'x');"
              "INSERT INTO person (slug, name) VALUES"
              " ('tom-hanks-nm0000158', 'x')")
    done = place.ctl("import", "imdb", FILES / "imdb", check=True)
    assert skipped(done)["title.basics.tsv:2"] == (
        "the address tt0068646-the-godfather belongs to another movie")
    assert skipped(done)["name.basics.tsv:3"] == (
        "the address tom-hanks-nm0000158 belongs to another person")
    assert len(credits(place, "movie_actor")) == 2


# --------------------------------------------------------------------- limits

def test_limits_of_lists_and_fields(place):
    """A hundred thousand genres, and a field of more than a megabyte."""
    def movie(number, genres, overview=""):
        return (f'{number},Film,"{overview}",1995-01-01,"'
                + json.dumps(genres).replace('"', '""') + '"\n')
    many = [{"name": f"G{i}"} for i in range(100_000)]
    folder = place.folder / "large"
    folder.mkdir()
    (folder / "movies.csv").write_text(
        "id,title,overview,release_date,genres\n" + movie(1, many)
        + movie(2, many[:30_000]) + movie(3, [], "x" * (1 << 20))
        + movie(4, [{"name": "G1"}]))
    (folder / "credits.csv").write_text("movie_id,cast,crew\n4,[],[]\n")
    done = place.ctl("import", "tmdb", folder, check=True)
    assert skipped(done) == {"movies.csv:2": "longer than a megabyte",
                             "movies.csv:4": "longer than a megabyte"}
    assert "movies.csv:3: dropped: more than 32 genres" in done.stderr
    assert place.sql("SELECT title FROM movie ORDER BY id") == [("Film",)] * 2
    assert place.one("SELECT count(*) FROM movie_genre") == 33


def test_numbers_of_credits(place):
    folder = place.folder / "credits"
    folder.mkdir()
    (folder / "movies.csv").write_text(
        "id,title,overview,release_date,genres\n1,Film,,,[]\n")
    cast = [{"id": 1, "name": "A", "order": -1, "gender": 9},
            {"id": 2, "name": "B", "order": None, "gender": 1}, {"id": 3, "name": "C"}]
    (folder / "credits.csv").write_text(
        'movie_id,cast,crew\n1,"' + json.dumps(cast).replace('"', '""') + '",[]\n')
    done = place.ctl("import", "tmdb", folder, check=True)
    assert re.findall("dropped: (.*)", done.stderr) == [
        "order of a credit is not a number from 0 to 999999",
        "gender of a credit is not a number from 0 to 3"]
    assert place.sql("SELECT name, gender FROM person ORDER BY id") == [
        ("A", 0), ("B", 1), ("C", 0)]
    assert "dropped, bad number: 2" in done.stdout


def test_names_of_gzip_and_odd_values(place):
    folder = place.folder / "gz"
    folder.mkdir()
    (folder / "tmdb_5000_movies.csv.gz").write_bytes(gzip.compress(
        b"id,title,overview,release_date,genres\n1,Film,, 1999-01-02 ,null\n"))
    (folder / "credits.csv.gz").write_bytes(
        gzip.compress(b"movie_id,cast,crew\n1,[],[]\n"))
    done = place.ctl("import", "tmdb", folder, check=True)
    assert re.findall("dropped: (.*)", done.stderr) == [
        "genres: not a JSON list"]
    assert place.sql("SELECT release_date::text FROM movie") == [("1999-01-02",)]


def test_a_file_of_another_kind(place):
    """Credits that belong to other movies than those of the other file."""
    folder = place.folder / "mixed"
    shutil.copytree(FILES / "tmdb", folder)
    lines = ["movie_id,cast,crew"] + [f"{i},[],[]" for i in range(5000, 5020)]
    (folder / "credits.csv").write_text("\n".join(lines) + "\n")
    failed(place, EX_DATAERR, "credit lines: 20 of 20 could not be used", "tmdb",
           folder)
    (folder / "credits.csv").write_text('movie_id,cast,crew\n862,"[],[]\n')
    failed(place, EX_DATAERR, "an unterminated quote (lines 2 to 2)", "tmdb",
           folder)
