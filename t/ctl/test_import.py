# SPDX-License-Identifier: GPL-3.0-or-later
"""mxmctl import movielens, and what both imports share: idempotence, reports
with line numbers, interruption, lost connections, exit statuses."""

import gzip
import json
import os
import pty
import re
import select
import signal
import subprocess

import pytest

import place as place_module
import stack as stack_module
import world
from test_image import sanitized

EX_USAGE, EX_DATAERR, EX_NOINPUT = 64, 65, 66
EX_UNAVAILABLE, EX_TEMPFAIL = 69, 75
LOCK = "hashtextextended('moviesxmovies import', 0)"

MOVIES = """\
movieId,title,genres
1,Toy Story (1995),Adventure|Comedy
1,Toy Story again (1995),Drama
x,Bad (1990),Drama
2,"Broken"x (1990),Drama
3,,Drama
4,"Amelie (Fabuleux destin d'Amélie Poulain, Le) (2001)",Comedy
5,Babylon 5,(no genres listed)
6,"Twin, The (1990)",Drama
7,"Twin, The (1990)",Drama|Sci-Fi
8,Just two fields
"""

LINKS = """\
movieId,imdbId,tmdbId
1,0114709,862
6,1,77
7,2,77
z,1,1
4,,194
"""

RATINGS = """\
userId,movieId,rating,timestamp
1,1,4.0,964982703
1,1,5.0,964982704
1,99,5.0,1
1,4,0.5,964982703
2,5,4.5,964982703
2,6,5.5,1
2,6,0.0,1
2,6,abc,1
2,6,3.5,-5
2,7,3.5,99
3,7,2.25,99
3,7,1.0
4,7,1.0,2
"""


class Place(place_module.Place):
    def ctl(self, *args, check=False):
        return stack_module.ctl(self.conf, [str(a) for a in args], check=check)

    def dump(self):
        """The whole database as text, without what pg_dump makes up."""
        done = subprocess.run(
            stack_module.as_user("postgres", [
                str(stack_module.PG_BIN / "pg_dump"), "-h",
                str(self.cluster.run), "-U", "postgres", self.database]),
            capture_output=True, text=True, check=True, cwd="/")
        return [line for line in done.stdout.splitlines()
                if not line.startswith(("\\restrict", "\\unrestrict"))]

    def counts(self):
        return {t: self.one(f"SELECT count(*) FROM {t}")
                for t in ("account", "movie", "rating", "genre", "touch",
                          "movie_source", "person", "review")}

    def data(self, movies=MOVIES, ratings=RATINGS, links=LINKS):
        """A MovieLens folder with these files."""
        folder = self.folder / "ml"
        folder.mkdir(exist_ok=True)
        for name, text in (("movies", movies), ("ratings", ratings),
                           ("links", links)):
            if text is not None:
                if isinstance(text, str):
                    text = text.encode()
                (folder / f"{name}.csv").write_bytes(text)
        return folder


@pytest.fixture
def place(cluster, tmp_path):
    made = Place(cluster, tmp_path)
    yield made
    cluster.drop(made.database)


def notes(done, kind="skipped"):
    """The lines about what was skipped: {"file:line": reason}, or lines."""
    return dict(re.findall(rf"^(\S+:[\d-]+): {kind}: (.*)$", done.stderr, re.M))


def skipped(done, kind="skipped"):
    """The same, with an entry for each line."""
    told = {}
    for lines, why in notes(done, kind).items():
        file, first, last = re.fullmatch(r"(.*):(\d+)-?(\d*)", lines).groups()
        for line in range(int(first), int(last or first) + 1):
            told[f"{file}:{line}"] = why
    return told


def dropped(done):
    return skipped(done, "dropped")


# -------------------------------------------------------------------- real data

@pytest.fixture(scope="module")
def small():
    folder = world.shared_data("ml-latest-small")
    if folder is None:
        pytest.skip("no shared data: ml-latest-small (set MXM_SHARED)")
    return folder


def test_real_data(place, small):
    done = place.ctl("import", "movielens", small, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["skipped"] == {"total": 0, "by_reason": {}, "first": []}
    added = {k: v["added"] for k, v in told["counts"].items()}
    assert added == {"movies": 9742, "ratings": 100836, "members": 610,
                     "genres": 19}
    counts = place.counts()
    assert (counts["movie"], counts["rating"], counts["account"]) == (
        9742, 100836, 610)

    assert place.one("""
        SELECT count(*)
          FROM movie AS m
          LEFT JOIN (SELECT movie_id, sum(rating) AS s, count(*) AS n
                       FROM rating GROUP BY movie_id) AS r ON r.movie_id = m.id
         WHERE m.rating_sum <> coalesce(r.s, 0)
            OR m.rating_count <> coalesce(r.n, 0)""") == 0
    # the file's own figures: half stars are rounded up
    assert dict(place.sql("SELECT rating, count(*) FROM rating GROUP BY 1")) \
        == {1: 4181, 2: 9342, 3: 25597, 4: 39954, 5: 21762}
    assert place.one("SELECT rating FROM rating AS r"
                     " JOIN account AS a ON a.id = r.user_id"
                     " JOIN movie AS m ON m.id = r.movie_id"
                     " WHERE a.username = 'ml1' AND m.slug = '862-toy-story'"
                     "   AND r.created_at = to_timestamp(964982703)") == 4

    titles = dict(place.sql("SELECT slug, title FROM movie"))
    assert titles["603-the-matrix"] == "The Matrix"
    assert "Amelie (Le Fabuleux destin d'Amélie Poulain)" in titles.values()
    assert "The City of Lost Children (La Cité des enfants perdus)" \
        in titles.values()
    assert max(map(len, titles)) <= 100
    # eight have no number at TMDB, two share one
    assert place.one("SELECT count(*) FROM movie WHERE slug LIKE 'ml%'") == 9
    assert place.sql("SELECT title FROM movie WHERE release_date IS NULL"
                     " AND title = 'Babylon 5'") == [("Babylon 5",)]
    assert place.sql("SELECT DISTINCT password, verified, boarded FROM account"
                     ) == [("!", True, True)]

    before = place.dump()
    again = place.ctl("import", "movielens", small, "--json")
    assert again.returncode == 0, again.stderr
    assert all(v["added"] == v["changed"] == 0
               for v in json.loads(again.stdout)["counts"].values())
    assert place.dump() == before


# ---------------------------------------------------------------------- reports

def test_what_is_skipped_is_told(place):
    place.sql("INSERT INTO account (username, email)"
              " VALUES ('ml4', 'somebody@example.org')")
    place.sql("INSERT INTO movie (slug, title, release_date)"
              " VALUES ('862-toy-story', 'Another', '2001-01-01')")
    done = place.ctl("import", "movielens", place.data())
    assert done.returncode == 0, done.stderr
    told = skipped(done)
    assert dropped(done) == {
        "links.csv:4": "TMDB id 77 is that of movie 6 already"}
    assert sorted(told) == sorted([
        "links.csv:5",
        "movies.csv:3", "movies.csv:4", "movies.csv:5", "movies.csv:6",
        "movies.csv:11",
        "ratings.csv:3", "ratings.csv:4", "ratings.csv:7", "ratings.csv:8",
        "ratings.csv:9", "ratings.csv:10", "ratings.csv:12", "ratings.csv:13",
        "ratings.csv:14"])
    assert told["movies.csv:3"] == "movie 1 stands on line 2 already"
    assert told["movies.csv:4"] == '"x" is not a movieId'
    assert told["movies.csv:5"] == "text after the closing quote"
    assert told["movies.csv:11"] == "2 fields instead of 3"
    assert told["ratings.csv:3"] == "user 1 rated movie 1 on line 2 already"
    assert told["ratings.csv:4"] == "there is no movie 99"
    assert told["ratings.csv:7"] == '"5.5" is not a rating from 0.5 to 5.0'
    assert "ml4 belongs to another account" in told["ratings.csv:14"]

    assert place.sql("SELECT slug, title, release_date::text, rating_sum,"
                     " rating_count FROM movie ORDER BY id") == [
        ("862-toy-story", "Another", "2001-01-01", 0, 0),
        ("ml1-toy-story", "Toy Story", "1995-01-01", 4, 1),
        ("194-amelie-le-fabuleux-destin-damélie-poulain",
         "Amelie (Le Fabuleux destin d'Amélie Poulain)", "2001-01-01", 1, 1),
        ("ml5-babylon-5", "Babylon 5", None, 5, 1),
        ("77-the-twin", "The Twin", "1990-01-01", 0, 0),
        ("ml7-the-twin", "The Twin", "1990-01-01", 4, 1)]
    assert place.sql("SELECT a.username, a.email, a.date_joined"
                     " = to_timestamp(964982703) FROM account AS a"
                     " WHERE a.username <> 'ml4' ORDER BY 1") == [
        ("ml1", "ml1@movielens.invalid", True),
        ("ml2", "ml2@movielens.invalid", False)]
    assert ("catalogue",) in place.sql("SELECT DISTINCT kind FROM touch")

    before = place.dump()
    assert place.ctl("import", "movielens", place.data()).returncode == 0
    assert place.dump() == before


def test_summary_as_json(place):
    done = place.ctl("import", "movielens", "--json", "--quiet", place.data())
    told = json.loads(done.stdout)
    assert told["source"] == "movielens" and told["dry_run"] is False
    assert told["counts"]["movies"] == {
        "read": 10, "added": 5, "changed": 0, "there": 0, "skipped": 5}
    assert told["skipped"]["total"] == 14
    assert told["skipped"]["by_reason"]["bad rating"] == 4
    assert {"file": "links.csv", "line": 5, "reason": '"z" is not a movieId'} \
        in told["skipped"]["first"]
    assert "done in" not in done.stderr


def test_many_skips_are_counted(place):
    bad = "userId,movieId,rating,timestamp\n" + "1,12345,3.0,1\n" * 250 \
        + "1,1,9,1\n" * 150 + "".join(f"{i},1,3.0,1\n" for i in range(100)) \
        + "".join(f"1,{i},3.0,1\n" for i in range(90000, 90120))
    done = place.ctl("import", "movielens", "--json", place.data(ratings=bad))
    report = json.loads(done.stdout)
    told = report["skipped"]
    assert told["by_reason"]["unknown movie"] == 370
    assert told["by_reason"]["bad rating"] == 150
    # consecutive lines with the same reason are one entry
    assert notes(done)["ratings.csv:252-401"] \
        == '"9" is not a rating from 0.5 to 5.0'
    assert {"file": "ratings.csv", "line": 2, "last_line": 101,
            "reason": "there is no movie 12345"} in told["first"]
    assert {"kind": "skipped", "reason": "unknown movie", "file": "ratings.csv",
            "first_line": 2, "last_line": 621, "count": 370} \
        in report["reasons"]
    rest = told["total"] - sum(n.get("last_line", n["line"]) - n["line"] + 1
                               for n in told["first"])
    assert rest >= 270 and f"and {rest} more" in done.stderr
    other = "userId,movieId,rating,timestamp\n" + "".join(
        f"{i},1,{9 if i % 2 else 3}.0,1\n" for i in range(500))
    done = place.ctl("import", "movielens", "--json", place.data(ratings=other))
    assert len(notes(done)) + len(dropped(done)) == 100


def test_changed_rating(place):
    place.ctl("import", "movielens", place.data(), check=True)
    place.sql("DELETE FROM touch")
    done = place.ctl("import", "movielens", "--json", place.data(
        ratings=RATINGS.replace("1,1,4.0,964982703", "1,1,1.5,964982709")),
        check=True)
    assert json.loads(done.stdout)["counts"]["ratings"]["changed"] == 1
    assert place.sql("SELECT r.rating, extract(epoch FROM r.created_at)::int"
                     " FROM rating AS r JOIN account AS a ON a.id = r.user_id"
                     " JOIN movie AS m ON m.id = r.movie_id"
                     " WHERE a.username = 'ml1' AND m.slug = '862-toy-story'"
                     ) == [(2, 964982709)]
    assert place.one("SELECT rating_sum FROM movie"
                     " WHERE slug = '862-toy-story'") == 2
    me = place.one("SELECT id FROM account WHERE username = 'ml1'")
    assert place.sql("SELECT kind, key FROM touch") == [("user", str(me))]


def test_what_was_edited_here_stays(place):
    place.ctl("import", "movielens", place.data(), check=True)
    place.sql("UPDATE movie SET title = 'Juguetes'"
              " WHERE slug = '862-toy-story'")
    place.sql("DELETE FROM movie_genre")
    before = place.dump()
    place.ctl("import", "movielens", place.data(), check=True)
    assert place.dump() == before


def test_movie_that_another_import_brought(place):
    place.sql("WITH m AS (INSERT INTO movie (slug, title, release_date)"
              " VALUES ('toys', 'Toys', '1995-11-22') RETURNING id)"
              " INSERT INTO movie_source SELECT 'imdb', 'tt0114709', id FROM m")
    place.ctl("import", "movielens", place.data(), check=True)
    assert place.sql("SELECT title, rating_count FROM movie WHERE slug = 'toys'"
                     ) == [("Toys", 1)]
    assert place.sql("SELECT slug FROM movie WHERE title = 'Toy Story'") == []


@pytest.mark.parametrize("imdb, rated", [(None, 1), ("tt7", 0)])
def test_same_title_and_year(place, imdb, rated):
    """MovieLens has no directors; another id there is another movie."""
    place.sql("INSERT INTO movie (slug, title, release_date)"
              " VALUES ('toys', 'Toy story', '1995-11-22')")
    if imdb:
        place.sql("INSERT INTO movie_source (source, key, movie_id)"
                  " SELECT 'imdb', %s, id FROM movie", (imdb,))
    place.ctl("import", "movielens", place.data(), check=True)
    assert place.sql("SELECT rating_count FROM movie WHERE slug = 'toys'") == [
        (rated,)]


def test_without_links(place):
    folder = place.data(links=None)
    done = place.ctl("import", "movielens", folder)
    assert done.returncode == 0, done.stderr
    assert ("ml1-toy-story",) in place.sql("SELECT slug FROM movie")


def test_dry_run_changes_nothing(place):
    before = place.counts()
    done = place.ctl("import", "movielens", "--dry-run", "--json", place.data())
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["dry_run"] is True
    assert told["counts"]["movies"]["added"] == 5
    assert place.counts() == before


# --------------------------------------------------------------------- failures

def failed(place, status, words, *args):
    before = place.counts()
    done = place.ctl("import", *args)
    assert done.returncode == status, (done.returncode, done.stderr)
    assert words in done.stderr, done.stderr
    assert place.counts() == before
    return done


def test_usage(place):
    done = place.ctl("import", "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("usage: mxmctl import")
    for args in ((), ("movielens",), ("demo", "a", "b"), ("--nonsense",)):
        assert place.ctl("import", *args).returncode == EX_USAGE, args
    failed(place, EX_USAGE, 'unknown subcommand "netflix"', "netflix", "/tmp")


def test_missing_and_unfit_files(place):
    failed(place, EX_NOINPUT, "No such file", "movielens",
           place.folder / "nowhere")
    empty = place.folder / "empty"
    empty.mkdir()
    failed(place, EX_NOINPUT, "movies.csv: No such file", "movielens", empty)
    failed(place, EX_NOINPUT, "genres.jsonl: No such file", "demo", empty)
    failed(place, EX_DATAERR, "the file is empty", "movielens",
           place.data(movies=""))
    failed(place, EX_DATAERR, 'ml/movies.csv:1: the header has no column'
           ' "genres"', "movielens", place.data(movies="movieId,title\n"))
    failed(place, EX_DATAERR, 'ml/ratings.csv:1: the header has no column'
           ' "timestamp"', "movielens",
           place.data(ratings="userId,movieId,rating\n1,1,1\n"))


def test_no_database(place):
    place.configure(database="host=/nowhere dbname=x")
    done = place.ctl("import", "movielens", place.data())
    assert done.returncode == EX_UNAVAILABLE, done.stderr
    assert "no connection" in done.stderr


def test_another_import_is_running(place):
    other = place.cluster.connect(place.database)
    try:
        other.cursor().execute(f"SELECT pg_advisory_lock({LOCK})")
        failed(place, EX_TEMPFAIL, "another import is running", "movielens",
               place.data())
    finally:
        other.close()
    assert place.ctl("import", "movielens", place.data()).returncode == 0


@pytest.fixture
def blocked(place):
    """An import that waits for a lock in the middle of storing ratings."""
    other = place.cluster.connect(place.database)
    other.autocommit = False
    other.cursor().execute("LOCK TABLE rating IN ACCESS EXCLUSIVE MODE")
    process = place.start("import", "movielens", place.data())
    find = ("SELECT pid FROM pg_stat_activity WHERE datname = %s"
            " AND wait_event_type = 'Lock' AND query LIKE '%%rating%%'")
    (pid,), = stack_module.wait_until(
        lambda: place.cluster.sql(find, (place.database,)),
        "the import waits for the lock")
    yield process, pid, other.close
    other.close()
    if process.poll() is None:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(place, blocked, number):
    process, _, unlock = blocked
    process.send_signal(number)
    _, told = process.communicate(timeout=20)
    unlock()
    assert process.returncode == 128 + number
    assert "interrupted; nothing was changed" in told
    assert place.counts()["movie"] == place.counts()["account"] == 0


def test_lost_connection(place, blocked):
    process, pid, unlock = blocked
    place.cluster.sql("SELECT pg_terminate_backend(%s)", (pid,))
    _, told = process.communicate(timeout=20)
    unlock()
    assert process.returncode == EX_UNAVAILABLE, told
    assert "run it again" in told
    assert place.counts()["movie"] == place.counts()["account"] == 0


def test_again_after_an_interruption(place, blocked):
    process, _, unlock = blocked
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    unlock()
    assert place.ctl("import", "movielens", place.data()).returncode == 0
    assert place.counts()["rating"] == 5


# --------------------------------------------------------------------- progress

def test_progress_without_a_terminal(place):
    done = place.ctl("import", "movielens", "--progress", place.data())
    assert re.search(r"^reading ratings\.csv: done in \d", done.stderr, re.M)
    assert "\r" not in done.stderr and "\033" not in done.stderr
    again = place.ctl("import", "movielens", "--json", place.data())
    assert "reading" not in again.stderr
    json.loads(again.stdout)


def test_progress_on_a_terminal(place):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(stack_module.BUILD / "mxmctl"), "--config", str(place.conf),
         "import", "movielens", str(place.data())], stdout=subprocess.DEVNULL,
        stderr=theirs, env=stack_module.environment())
    os.close(theirs)
    seen = b""
    while select.select([ours], [], [], 30)[0]:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        seen += piece
    os.close(ours)
    assert process.wait(20) == 0
    assert b"\rreading ratings.csv" in seen and b"\033[K" in seen


# ------------------------------------------------------------ hostile files

def test_a_quote_that_is_never_closed_is_an_error(place):
    lines = [f"{i},62,4.0,1\n" for i in range(5000)]
    lines[1] = '9,62,"4,1\n'
    ratings = "userId,movieId,rating,timestamp\n" + "".join(lines)
    failed(place, EX_DATAERR, "ml/ratings.csv:3: a quote that is not closed"
           " within 1000 lines (lines 3 to 1004)", "movielens",
           place.data(ratings=ratings))
    failed(place, EX_DATAERR, "an unterminated quote (lines 3 to 21)",
           "movielens", place.data(ratings="".join(
               ["userId,movieId,rating,timestamp\n", *lines[:20]])))


def test_a_file_of_which_nearly_nothing_can_be_used_is_an_error(place):
    bad = "userId,movieId,rating,timestamp\n" + "1,12345,3.0,1\n" * 20
    failed(place, EX_DATAERR, "ratings: 20 of 20 could not be used",
           "movielens", place.data(ratings=bad))


def test_header_names_in_other_case_and_with_blanks(place):
    ratings = RATINGS.replace("userId,movieId", "\ufeffUSERID , movieid")
    done = place.ctl("import", "movielens", place.data(ratings=ratings))
    assert done.returncode == 0, done.stderr


def test_numbers_of_links_in_every_form(place):
    links = ("movieId,imdbId,tmdbId\n1,114709,862.0\n4,tt0211915,194\n"
             "5,,\n6,12345678,nan\n7,123456789,77\n")
    done = place.ctl("import", "movielens", place.data(links=links))
    assert done.returncode == 0, done.stderr
    assert dict(place.sql("SELECT key, source FROM movie_source"
                          " WHERE source <> 'movielens'")) == {
        "tt0114709": "imdb", "862": "tmdb", "tt0211915": "imdb",
        "194": "tmdb", "tt12345678": "imdb", "77": "tmdb"}
    told = dropped(done)
    assert told["links.csv:5"] == '"nan" is not a TMDB id'
    assert told["links.csv:6"] == '"123456789" is not an IMDb id'
    assert "links.csv:4" not in told


def test_every_link_is_used_or_reported(place):
    place.sql("WITH m AS (INSERT INTO movie (slug, title) VALUES ('x', 'X')"
              " RETURNING id) INSERT INTO movie_source"
              " SELECT 'imdb', 'tt0000009', id FROM m")
    links = ("movieId,imdbId,tmdbId\n1,1,862\n1,1,862\n5,3,5\n4,3,4\n99,7,7\n"
             "7,9,77\n6,8,77\n")
    done = place.ctl("import", "movielens", place.data(links=links))
    assert done.returncode == 0, done.stderr
    told = skipped(done)
    assert told["links.csv:3"] == "movie 1 has links already"
    assert told["links.csv:6"] == "movie 99 is not imported"
    assert not [k for k in told if k in ("links.csv:2", "links.csv:4")]
    assert dropped(done) == {
        "links.csv:7": "TMDB id 77 is that of movie 6 already",
        "movies.csv:8": "another movie has the id tt0000003 at imdb"}
    assert dict(place.sql("SELECT s.key, m.title FROM movie AS m JOIN movie_source"
                          " AS s ON s.movie_id = m.id WHERE source = 'imdb'")) == {
        "tt0000001": "Toy Story", "tt0000009": "X", "tt0000008": "The Twin",
        "tt0000003": "Amelie (Le Fabuleux destin d'Amélie Poulain)"}


def test_genres_cost_as_much_as_they_are_long(place):
    """A record of 20 000 genres is refused; 32 of a movie count."""
    many = "|".join(f"G{i}" for i in range(40))
    movies = MOVIES + f"90,Many (1990),{many}\n" \
        + f"91,Most (1990),{'Drama|' * 20000}\n"
    done = place.ctl("import", "movielens", place.data(movies=movies))
    assert done.returncode == 0, done.stderr
    assert dropped(done) == {
        "movies.csv:12": "more than 32 genres",
        "links.csv:4": "TMDB id 77 is that of movie 6 already"}
    told = skipped(done)
    assert told["movies.csv:13"] == "title or genres have more than 4096 bytes"
    assert place.one("SELECT count(*) FROM movie_genre AS g JOIN movie AS m"
                     " ON m.id = g.movie_id WHERE m.title = 'Many'") == 32


def test_likely_causes_are_told(place):
    links = "movieId,imdbId,tmdbId\n1,114709.0,862\n"
    movies = MOVIES.encode() + "9,Amélie (2001),Comedy\n".encode("latin-1")
    done = place.ctl("import", "movielens",
                     place.data(links=links, movies=movies))
    assert done.returncode == 0, done.stderr
    assert dropped(done)["links.csv:2"] == '"114709.0" is not an IMDb id'
    assert skipped(done)["movies.csv:12"] == "not UTF-8"
    causes = dict(re.findall(r"^(\S+:\d+): likely cause: (.*)$", done.stderr,
                             re.M))
    assert "a spreadsheet program" in causes["links.csv:2"]
    assert "Latin-1" in causes["movies.csv:12"]
    assert "not doubled" in causes["movies.csv:5"]
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        failed(place, EX_DATAERR, f"likely cause: the fields are separated by"
               f" {name}", "movielens",
               place.data(movies=MOVIES.replace(",", separator)))
    failed(place, EX_DATAERR, "likely cause: the encoding is UTF-16",
           "movielens", place.data(movies=MOVIES.encode("utf-16")))


def test_skipped_rows_in_the_exit_status(place):
    done = place.ctl("import", "movielens", "--strict", place.data())
    assert done.returncode == 1, done.stderr
    assert place.counts()["rating"] == 5
    (place.folder / "ml" / "links.csv").unlink()
    clean = place.data(movies="movieId,title,genres\n1,Toy Story (1995),Drama\n",
                       ratings="userId,movieId,rating,timestamp\n1,1,4.0,1\n",
                       links=None)
    assert place.ctl("import", "movielens", "--strict",
                     clean).returncode == 0


def test_compressed_files_and_genres_with_the_same_slug(place):
    movies = "movieId,title,genres\n1,Toy Story (1995),Sci-Fi|Sci Fi\n"
    folder = place.data(movies=gzip.compress(movies.encode()), links=None,
                        ratings="userId,movieId,rating,timestamp\n1,1,4.0,1\n")
    done = place.ctl("import", "movielens", folder)
    assert done.returncode == 0, done.stderr
    assert place.sql("SELECT slug FROM genre") == [("sci-fi",)]
    packed = folder / "movies.csv"
    packed.write_bytes(packed.read_bytes()[:-9])
    failed(place, EX_DATAERR, "cannot be read: truncated", "movielens", folder)


def test_a_full_disk_leaves_nothing(place):
    """The server reports it in the middle of storing ratings."""
    place.cluster.sql(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION 'could not extend file: No space left on device'"
        " USING ERRCODE = 'disk_full'; END $$;"
        "CREATE TRIGGER full_disk BEFORE INSERT ON rating"
        " FOR EACH STATEMENT EXECUTE FUNCTION full_disk()", None,
        place.database)
    done = failed(place, EX_UNAVAILABLE, "No space left on device",
                  "movielens", place.data())
    assert place.counts()["movie"] == 0, done.stderr


@pytest.mark.skipif(sanitized(), reason="a sanitizer uses more memory")
def test_a_line_of_many_megabytes_is_skipped_in_little_memory(place):
    long = b"9," + b"x" * (64 << 20) + b",Drama\n"
    folder = place.data(movies=gzip.compress(MOVIES.encode() + long, 1))
    done = subprocess.run(
        ["/usr/bin/prlimit", f"--data={40 << 20}",
         str(stack_module.BUILD / "mxmctl"), "--config", str(place.conf),
         "import", "movielens", str(folder)], capture_output=True, text=True,
        env={**stack_module.environment(), "OPENBLAS_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    assert skipped(done)["movies.csv:12"] == "longer than a megabyte"


def test_default_pictures_come_with_it(place):
    """What the films it brings name as their cover is there, and nginx may read
    it, also after an administrator whose files are closed to others."""
    place.ctl("import", "movielens", "--dry-run", place.data(), check=True)
    assert not list(place.media.iterdir())
    place.media.chmod(0o2750)
    before = os.umask(0o077)
    try:
        place.ctl("import", "movielens", place.data(), check=True)
    finally:
        os.umask(before)
    # no warning where they are, but were not installed
    done = stack_module.ctl(
        place.conf, ["import", "movielens", place.data()],
        env={**stack_module.environment(), "MXM_DATADIR": "/nowhere"})
    assert "default pictures" not in done.stderr
    picture = place.media / "movies/covers/no-movie.png"
    assert picture.stat().st_mode & 0o777 == 0o644
    for folder in (picture.parent, picture.parent.parent):
        assert folder.stat().st_mode & 0o7777 == 0o2755
