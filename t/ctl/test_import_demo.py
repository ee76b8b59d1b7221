# SPDX-License-Identifier: GPL-3.0-or-later
"""mxmctl import demo: the catalogue that is shipped, as files and as what a
member sees of it."""

import csv
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from PIL import Image

import stack as stack_module
from test_import import Place, dropped, skipped

WORLD = "demo"
DEMO = stack_module.ROOT / "demo"
PASSWORD = "popcorn-at-midnight-42"


def records(name):
    with open(DEMO / f"{name}.jsonl", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def table(name):
    with open(DEMO / f"{name}.csv", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture
def place(cluster, tmp_path):
    made = Place(cluster, tmp_path)
    yield made
    cluster.drop(made.database)


# ----------------------------------------------------------------- as files

def test_there_is_enough():
    movies = records("movies")
    assert len(movies) >= 60
    assert sum(set(m.get("translations", {})) == {"es", "fr", "de"}
               for m in movies) >= 24
    assert len(records("members")) == 30
    assert {m["language"] for m in records("members")} == {
        "en", "es", "fr", "de"}
    rated = {}
    for rating in table("ratings"):
        rated[rating["user"]] = rated.get(rating["user"], 0) + 1
    assert len(rated) == 30
    assert all(12 <= n <= 40 for n in rated.values())
    for name in ("reviews", "comments", "lists", "awards"):
        assert len(records(name)) >= 20, name


def test_movies_are_whole():
    names = {p["slug"] for p in records("persons")}
    for movie in records("movies"):
        slug = movie["slug"]
        assert movie["directors"] and movie["actors"], slug
        assert len(movie["actors"]) <= 5, slug
        assert movie["genres"] and movie["synopsis"], slug
        assert set(movie["directors"] + movie["actors"]) <= names, slug
        assert (DEMO / "media" / movie["cover"]).is_file(), slug
        assert re.fullmatch(r"[a-z0-9-]+-\d{4}", slug), slug
        assert slug[-4:] == movie["release_date"][:4], slug


def test_pictures_are_what_the_script_draws(tmp_path):
    for name in ("covers.py", "movies.jsonl", "persons.jsonl",
                 "platforms.jsonl"):
        shutil.copy(DEMO / name, tmp_path)
    subprocess.run([sys.executable, tmp_path / "covers.py"], check=True)
    drawn = {p.relative_to(tmp_path / "media"): p.read_bytes()
             for p in (tmp_path / "media").rglob("*") if p.is_file()}
    kept = {p.relative_to(DEMO / "media"): p.read_bytes()
            for p in (DEMO / "media").rglob("*") if p.is_file()}
    assert drawn == kept


def test_default_pictures_are_what_the_script_draws(tmp_path):
    media = stack_module.ROOT / "media"
    shutil.copy(media / "draw.py", tmp_path)
    subprocess.run([sys.executable, tmp_path / "draw.py"], check=True)
    drawn = {p.relative_to(tmp_path): Image.open(p).convert("RGB").tobytes()
             for p in tmp_path.rglob("*.png")}
    assert len(drawn) == 4
    assert drawn == {  # the bytes of a PNG depend on the version of zlib
        p.relative_to(media): Image.open(p).convert("RGB").tobytes()
        for p in media.rglob("*.png")}


def test_every_file_is_installed():
    listed = set(re.findall(r"demo/\S+", (DEMO / "local.mk").read_text()))
    there = {str(p.relative_to(stack_module.ROOT)) for p in DEMO.rglob("*")
             if p.is_file() and "__pycache__" not in p.parts}
    assert listed == there - {"demo/local.mk"}


# ------------------------------------------------------------- as an import

def test_import_twice(place):
    done = place.ctl("import", "demo", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["skipped"]["total"] == 0, told["skipped"]
    counts = told["counts"]
    for name in ("genres", "platforms", "persons", "awards", "movies",
                 "members", "reviews", "comments", "lists"):
        assert counts[name]["added"] == len(records(name)), name
    for name in ("friendships", "ratings", "unseen", "reactions"):
        assert counts[name]["added"] == len(table(name)), name
    assert counts["friend requests"]["added"] == len(table("friend-requests"))
    assert "password" in done.stderr

    covers = {p.name for p in (place.media / "movies/covers").iterdir()}
    assert covers == {"no-movie.png", *(
        p.name for p in (DEMO / "media/movies/covers").iterdir())}
    assert place.one("SELECT count(*) FROM movie WHERE rating_count <> (SELECT"
                     " count(*) FROM rating WHERE movie_id = movie.id)") == 0
    assert place.sql("SELECT username FROM account WHERE password <> '!'") \
        == [("demo",)]

    before = place.dump()
    again = place.ctl("import", "demo", "--json")
    assert again.returncode == 0, again.stderr
    assert all(v["added"] == v["changed"] == 0
               for v in json.loads(again.stdout)["counts"].values())
    assert place.dump() == before


def test_order_of_the_credits(place):
    place.ctl("import", "demo", check=True)
    for movie in records("movies")[::9]:
        assert [slug for slug, in place.sql(
            "SELECT p.slug FROM movie_actor AS a"
            " JOIN person AS p ON p.id = a.person_id"
            " JOIN movie AS m ON m.id = a.movie_id"
            f" WHERE m.slug = '{movie['slug']}' ORDER BY a.position")] \
            == movie["actors"]


def test_catalogue_only(place):
    done = place.ctl("import", "demo", "--no-members", "--json")
    assert done.returncode == 0, done.stderr
    assert place.counts()["account"] == 0
    assert place.counts()["movie"] == len(records("movies"))
    place.ctl("import", "demo", check=True)
    assert place.counts()["account"] == 30
    assert place.one("SELECT count(*) FROM rating") == len(table("ratings"))


def test_what_members_did_since_stays(place):
    place.ctl("import", "demo", check=True)
    place.sql("DELETE FROM friendship; DELETE FROM comment;"
              " UPDATE rating SET rating = 1;"
              " UPDATE account SET password = '!', bio = 'changed'")
    before = place.dump()
    place.ctl("import", "demo", check=True)
    assert place.dump() == before


def test_member_who_left_comes_back(place):
    place.ctl("import", "demo", check=True)
    place.sql("DELETE FROM account WHERE username = 'marlow'")
    place.sql("DELETE FROM touch")
    done = place.ctl("import", "demo", "--json", check=True)
    counts = json.loads(done.stdout)["counts"]
    assert counts["members"]["added"] == 1
    assert counts["ratings"]["added"] == sum(
        r["user"] == "marlow" for r in table("ratings"))
    assert place.one("SELECT count(*) FROM rating") == len(table("ratings"))
    me = str(place.one("SELECT id FROM account WHERE username = 'marlow'"))
    assert {("user", me), ("friends", me), ("circle", me),
            ("profile", "marlow")} <= set(
                place.sql("SELECT kind, key FROM touch"))


def test_trial(place):
    done = place.ctl("import", "demo", "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["counts"]["movies"]["added"] \
        == len(records("movies"))
    assert place.counts()["movie"] == 0
    assert list(place.media.iterdir()) == []


def test_pictures_that_are_there_stay(place):
    (place.media / "users").mkdir()
    (place.media / "users/default.png").write_bytes(b"mine")
    target = place.folder / "elsewhere"
    target.mkdir()
    done = place.ctl("import", "demo")
    assert done.returncode == 0, done.stderr
    assert (place.media / "users/default.png").read_bytes() == b"mine"
    shutil.rmtree(place.media / "platforms")
    (place.media / "platforms").symlink_to(target)
    done = place.ctl("import", "demo")
    assert done.returncode == os.EX_CANTCREAT, done.stderr
    assert list(target.iterdir()) == []


# --------------------------------------------------------------- bad records

def copy_of_demo(folder):
    target = pathlib.Path(folder) / "demo"
    shutil.copytree(DEMO, target, ignore=shutil.ignore_patterns("media"),
                    copy_function=shutil.copyfile)
    return target


def test_marks_at_the_beginning_and_a_movie_without_a_date(place):
    """Files as written by editors on other systems."""
    folder = copy_of_demo(place.folder)
    movies = folder / "movies.jsonl"
    text = json.dumps({"slug": "undated", "title": "Undated"}) + "\r\n" \
        + movies.read_text()
    movies.write_bytes(b"\xef\xbb\xbf" + text.encode())
    ratings = folder / "ratings.csv"
    ratings.write_bytes(b"\xef\xbb\xbf" + ratings.read_bytes())
    done = place.ctl("import", "demo", folder)
    assert done.returncode == 0, done.stderr
    assert not skipped(done)
    assert place.one("SELECT release_date IS NULL FROM movie"
                     " WHERE slug = 'undated'")


def test_bad_records_are_told(place):
    folder = copy_of_demo(place.folder)
    first = {}

    def add(name, *lines):
        path = folder / name
        first[name] = len(path.read_text().splitlines()) + 1
        with open(path, "a", encoding="utf-8") as out:
            out.write("".join(f"{line}\n" for line in lines))

    movie = {"slug": "x-2000", "title": "X", "release_date": "2000-01-01"}
    add("movies.jsonl",
        "no json at all",
        "",
        json.dumps({**movie, "release_date": "2000-02-30"}),
        json.dumps({**movie, "colour": "red"}),
        json.dumps({**movie, "actors": ["nobody-at-all"]}),
        json.dumps(movie),
        *(json.dumps({**movie, "slug": slug})
          for slug in ("searching", "trending")))
    add("ratings.csv",
        "demo,x-2000,6,2025-01-01T00:00:00Z",
        "demo,y-2000,5,2025-01-01T00:00:00Z",
        "nobody,x-2000,5,2025-01-01T00:00:00Z",
        "demo,x-2000,5,2025-01-01T00:00:00Z",
        "demo,x-2000,4,2025-01-02T00:00:00Z",
        "demo,x-2000")
    add("friendships.csv",
        "demo,demo,2025-01-01T00:00:00Z",
        "marlow,demo,2025-01-01T00:00:00Z")
    add("comments.jsonl", json.dumps({
        "key": "lost", "user": "demo", "author": "demo", "movie": "x-2000",
        "content": "?", "created_at": "2025-01-01T00:00:00Z"}), json.dumps({
            "key": "lost2", "user": "demo", "author": "old_reel",
            "movie": "casablanca-1942", "reply_to": "lost", "content": "?",
            "created_at": "2025-01-01T00:00:00Z"}))

    done = place.ctl("import", "demo", folder)
    assert done.returncode == 0, done.stderr
    told = {**skipped(done), **dropped(done)}

    def why(name, offset):
        return told.pop(f"{name}:{first[name] + offset}")

    assert why("movies.jsonl", 0).startswith("invalid JSON")
    assert why("movies.jsonl", 2) == 'release_date "2000-02-30" is invalid'
    assert why("movies.jsonl", 3) == 'unknown member "colour"'
    assert "nobody-at-all" in why("movies.jsonl", 4)
    assert why("movies.jsonl", 5).startswith("the same as on line")
    for offset in (6, 7):
        assert why("movies.jsonl", offset) == "the slug is a path of the API"
    assert why("ratings.csv", 0) == 'rating "6" is invalid'
    assert why("ratings.csv", 1) == 'movies has no "y-2000"'
    assert why("ratings.csv", 2) == 'members has no "nobody"'
    assert why("ratings.csv", 4).startswith("the same as on line")
    assert why("ratings.csv", 5) == "2 fields instead of 4"
    assert why("friendships.csv", 0) == "a user cannot be their own friend"
    assert why("friendships.csv", 1).startswith("the same as on line")
    assert why("comments.jsonl", 0) == 'reviews has no "demo|x-2000"'
    assert why("comments.jsonl", 1) == 'comments has no "lost"'
    assert told == {}
    assert place.one("SELECT rating_sum FROM movie WHERE slug = 'x-2000'") == 5


# ------------------------------------------------------- as a member sees it

def test_the_demo_account_logs_in(stack):
    me = stack.client("demo", PASSWORD)
    profile = me.get("/api/users/").json()
    assert profile["username"] == "demo"
    movie = me.get("/api/movies/le-fabuleux-destin-damelie-poulain-2001/")
    assert movie.status_code == 200
    assert movie.json()["title"] == "Le Fabuleux Destin d'Amélie Poulain"
    assert movie.json()["cover"].endswith(
        "/media/movies/covers/le-fabuleux-destin-damelie-poulain-2001.svg")


def test_search_finds_accents_and_typing_errors(stack):
    me = stack.client("demo", PASSWORD)

    def found(name):
        answer = me.get("/api/movies/searching/", params={"name": name})
        assert answer.status_code == 200
        return [m["slug"] for m in answer.json()["results"]]

    assert "amores-perros-2000" in found("amores")
    assert "le-fabuleux-destin-damelie-poulain-2001" in found("amelie")
    assert "el-espiritu-de-la-colmena-1973" in found("Espíritu")
    assert "la-vita-e-bella-1997" in found("vita è")
    assert "the-godfather-1972" in found("godfahter")


def test_translations(stack):
    me = stack.client("demo", PASSWORD)
    for code, title in (("es", "El padrino"), ("fr", "Le Parrain"),
                        ("de", "Der Pate"), ("en", "The Godfather")):
        me.language(code)
        answer = me.get("/api/movies/the-godfather-1972/").json()
        assert answer["title"] == title
    assert {g["slug"] for g in me.get("/api/genres/").json()} \
        == {g["slug"] for g in records("genres")}
