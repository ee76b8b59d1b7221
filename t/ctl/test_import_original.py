# SPDX-License-Identifier: GPL-3.0-or-later
"""mxmctl import moviesxmovies: the database of the original service, with rows in
every table (t/fixtures/original.sql), and with everything that does not fit."""

import base64
import hashlib
import json
import os
import re
import signal

import pytest

import stack as stack_module
import world
from client import Client
from place import Place
from stack import OWNER, Stack

EX_DATAERR, EX_NOINPUT, EX_CANTCREAT, EX_TEMPFAIL, EX_UNAVAILABLE = \
    65, 66, 73, 75, 69
PASSWORD = "Django-password-19"
TABLES = ("account", "person", "genre", "platform", "award", "movie", "rating",
          "review", "comment", "reaction", "movielist", "friendship",
          "friend_request", "provider_link", "person_translation",
          "genre_translation", "movie_translation", "movie_director",
          "movie_actor", "movie_genre", "movie_platform", "movie_award",
          "person_award", "follow", "account_platform", "unseen",
          "movielist_movie")


def django_hash(password):
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), b"NaCl", 1000)
    return "pbkdf2_sha256$1000$NaCl$" + base64.b64encode(digest).decode()


class Original:
    """A database of the original service; mxm may only read it."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.database = cluster.create(cluster.template("original", self.fill))
        self.name = cluster.conninfo(self.database)

    def fill(self, database):
        text = (world.FIXTURES / "original.sql").read_text()
        self.cluster.sql(text.replace("%(hash)s", f"'{django_hash(PASSWORD)}'")
                         + ";GRANT SELECT ON ALL TABLES IN SCHEMA public TO mxm",
                         None, database, OWNER)

    def sql(self, text):
        return self.cluster.sql(text, None, self.database, OWNER)

    def waiting(self):
        """Processes of the server that wait for a lock."""
        return self.cluster.sql(
            "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            f" AND datname = '{self.database}'")

    def drop(self):
        self.cluster.drop(self.database)


@pytest.fixture
def original(cluster):
    made = Original(cluster)
    yield made
    made.drop()


@pytest.fixture
def place(cluster, tmp_path):
    made = Place(cluster, tmp_path)
    yield made
    cluster.drop(made.database)


@pytest.fixture(scope="module")
def empty(cluster, tmp_path_factory):
    """For imports that fail."""
    made = Place(cluster, tmp_path_factory.mktemp("empty"))
    yield made
    cluster.drop(made.database)


def run(place, original, *options, check=0, **more):
    done = stack_module.ctl(
        place.conf, ["import", "moviesxmovies", *map(str, options),
                     getattr(original, "name", original)], check=False, **more)
    assert done.returncode == check, done.stderr
    return done


def content(place):
    """All rows of the site, without what is made of them."""
    return {t: place.sql(f"SELECT to_jsonb(t)::text FROM {t} AS t ORDER BY 1")
            for t in TABLES}


def counts(done):
    return {k: (v["added"], v["skipped"])
            for k, v in json.loads(done.stdout)["counts"].items()}


# ------------------------------------------------------------- what is imported

def test_all_tables(place, original, cluster, tmp_path):
    media = tmp_path / "their"
    for name in ("users/user_ana_profile_20250102030405.png",
                 "users/user_Ωmega_profile_20250104000000.jpg",
                 "person/cruz.jpg", "movies/covers/todo.jpg",
                 "awards/oscar.png", "platforms/filmin.png", "users/evil.html"):
        (media / name).parent.mkdir(parents=True, exist_ok=True)
        (media / name).write_bytes(name.encode())
    dry = run(place, original, "--dry-run", "--media", media, "--json")
    assert not any(content(place).values()) and not any(place.media.rglob("*.*"))
    done = run(place, original, "--media", media, "--json")
    assert counts(done) == {
        "accounts": (4, 0), "sign-ins": (1, 0), "persons": (3, 0),
        "genres": (2, 0), "platforms": (2, 0), "awards": (2, 0),
        "movies": (3, 0), "translations": (3, 0), "credits": (6, 0),
        "links": (6, 0), "follows": (1, 0), "own platforms": (2, 0),
        "unseen": (1, 0), "friendships": (1, 0), "friend requests": (3, 0),
        "ratings": (3, 0), "reviews": (2, 0), "comments": (2, 0),
        "reactions": (3, 0), "lists": (3, 0), "movies of lists": (2, 0),
        "pictures": (6, 1)}
    assert {k: v[1] for k, v in counts(dry).items()} == \
        {k: v[1] for k, v in counts(done).items()}
    # nothing but the picture that is missing
    assert "movies_movietranslation:1: " in done.stderr
    assert done.stderr.count("skipped: ") == 1

    assert place.sql("""
        SELECT id, username, email, staff, active, locked, verified, boarded,
               preferred_language, bio, date_joined::text, confirmed_at IS NULL
          FROM account ORDER BY id""") == [
        (1, "ana", "ana@example.org", True, True, False, True, True, "es",
         "Cine.", "2025-01-02 03:04:05.678901+00", False),
        (2, "bo.b+x@y", "Bob@example.org", False, True, False, True, True, "en",
         None, "2025-01-03 00:00:00+00", False),
        (5, "Ωmega", "omega@xn--exmple-cua.org", False, True, False, False,
         False, "de", "", "2025-01-04 00:00:00+00", False),
        (6, "dora", "dora@example.org", False, False, True, True, True, "fr",
         None, "2025-01-05 00:00:00+00", False)]
    assert place.sql("SELECT person_id, position FROM movie_actor"
                     " WHERE movie_id = 20 ORDER BY position") == [(11, 1),
                                                                    (10, 2)]
    assert place.sql("SELECT movie_id FROM movielist_movie"
                     " WHERE movielist_id = 70 ORDER BY position") == [(21,),
                                                                        (20,)]
    assert place.one("SELECT rating_count, rating_sum FROM movie WHERE id = 20") \
        == (2, 8)
    assert place.sql("SELECT id, review_id, comment_id, emoji FROM reaction"
                     " ORDER BY id") == [
        (60, 41, None, "PARTY"), (61, None, 50, "LIKE"), (62, 41, None, "LOVE")]
    assert place.sql("SELECT user1_id, user2_id FROM friendship") == [(1, 2)]
    for table, deleted in (("movie", 30), ("person", 12), ("rating", 102),
                           ("review", 40), ("movielist", 72)):
        assert place.sql(f"SELECT id FROM {table} WHERE deleted_at IS NOT NULL"
                         ) == [(deleted,)]
    # the next ids are free
    assert place.one("INSERT INTO movie (slug, title) VALUES ('next', 'Next')"
                     " RETURNING id") == 31
    place.sql("DELETE FROM movie WHERE id = 31")
    found = {str(p.relative_to(place.media)): p.read_bytes()
             for p in place.media.rglob("*.*")}
    assert found.pop("users/user_Ωmega_profile_20250104000000.jpg")
    assert "users/evil.html" not in found and "person/cruz.jpg" in found

    once = content(place)
    again = run(place, original, "--media", media, "--json")
    assert content(place) == once
    assert not any(added for added, _ in counts(again).values())


def test_report(place, original, tmp_path):
    """t/import/original: one row or more of each fault."""
    folder = stack_module.ROOT / "t/import/original"
    original.sql((folder / "faults.sql").read_text())
    media = tmp_path / "their"
    (media / "person").mkdir(parents=True)
    (media / "person/cruz.jpg").write_bytes(b"cruz")
    (media / "awards").mkdir()
    (media / "awards/oscar.png").symlink_to("/etc/passwd")
    done = run(place, original, "--dry-run", "--strict", "--media", media, check=1)
    assert not any(content(place).values())
    told = re.sub(r"^imported .*\n", "", done.stderr + done.stdout, flags=re.M)
    assert told == (folder / "report.txt").read_text()
    run(place, original, "--media", media)
    once = content(place)
    again = run(place, original, "--media", media, "--json")
    assert not any(added for added, _ in counts(again).values())
    assert content(place) == once
    # what the demonstration brings, and one picture
    assert sorted(p.name for p in place.media.rglob("*.*")) == [
        "cruz.jpg", "default.png", "default.png", "no-award.png", "no-movie.png"]


def prune(stack):
    """Runs the job that removes old pictures of nobody."""
    job = stack.value("INSERT INTO job (name) VALUES ('prune_accounts')"
                      " RETURNING id")
    stack_module.wait_until(
        lambda: stack.value("SELECT state FROM job WHERE id = %s", [job]) == "done",
        "the job is done", alive=stack.jobs)


def test_log_in_and_read(cluster, original, tmp_path):
    with Stack(cluster) as stack:
        # pictures may be copied before the rows are imported
        picture = stack.media / "users" / f"{32 * 'e'}.jpg"
        picture.parent.mkdir(exist_ok=True)
        picture.touch()
        os.utime(picture, (1, 1))
        prune(stack)
        assert picture.exists()
        stack_module.ctl(stack.conf, ["import", "moviesxmovies", original.name])
        prune(stack)
        assert not picture.exists()
        for who in ("ana", "ANA@example.org", "ana"):
            ana = Client(stack).login(who, PASSWORD)
        # the hash was replaced by the first log-in
        assert stack.sql("SELECT password LIKE '$argon2id$%' FROM account"
                         " WHERE id = 1") == [(True,)]
        assert ana.get("/api/users/").json()["id"] == 1
        movie = ana.get("/api/movies/99-todo-sobre-mi-madre/").json()
        assert movie["title"] == "Todo sobre mi madre"
        assert movie["genres"] and movie["release_date"] == "1999-04-16"
        (review,) = ana.get(
            "/api/movies/99-todo-sobre-mi-madre/reviews/").json()["results"]
        assert (review["id"], review["title"]) == (41, "New")
        assert ana.get("/api/movies/gone/").status_code == 404
        refused = Client(stack).request(
            "POST", "/api/auth/login/",
            json={"username": "dora", "password": PASSWORD})
        assert refused.status_code == 401


# --------------------------------------------------------- what does not fit

# a password hash without the name of its kind
UNSALTED = 32 * "5"

# table, id, a change of the original, the reason, a query and its answer.
# "gone": the row is skipped.
FAULTS = [
    ("users_user", 1, "username = 'searching'", "user name changed",
     "SELECT username FROM account WHERE id = 1", "searching_1"),
    ("users_user", 2, "username = 'a b/c'", "user name changed",
     "SELECT username FROM account WHERE id = 2", "a_b_c"),
    ("users_user", 2, "email = 'ANA@example.org'", "mail address replaced",
     "SELECT email || verified FROM account WHERE id = 2",
     "user2@moviesxmovies.invalidfalse"),
    ("users_user", 2, r"email = E'a@b\r\nBcc: c'", "mail address replaced",
     "SELECT email FROM account WHERE id = 2", "user2@moviesxmovies.invalid"),
    ("users_user", 2, "bio = repeat('ñ', 10001)", "text too long",
     "SELECT char_length(bio) FROM account WHERE id = 2", 10000),
    ("users_user", 2, "picture = '../../etc/passwd.png'", "no picture",
     "SELECT picture FROM account WHERE id = 2", "users/default.png"),
    ("users_user", 2, "picture = 'users/x.html'", "no picture",
     "SELECT picture FROM account WHERE id = 2", "users/default.png"),
    ("users_user", 2, "preferred_language = 'xx'", "unknown language",
     "SELECT preferred_language FROM account WHERE id = 2", "en"),
    ("users_user", 2, "password = 'bcrypt$x'", "unknown password hash",
     "SELECT password FROM account WHERE id = 2", "bcrypt$x"),
    ("users_user", 2, f"password = '{UNSALTED}'", "unknown password hash",
     "SELECT password FROM account WHERE id = 2", UNSALTED),
    ("users_user", 6, "date_joined = 'infinity'", "time out of range",
     "SELECT count(*) FROM account WHERE id = 6", 0),
    ("persons_person", 10, "gender = 7", "unknown gender",
     "SELECT gender FROM person WHERE id = 10", 0),
    ("persons_person", 10, "birthday = '0044-03-15 BC'", "date out of range",
     "SELECT birthday FROM person WHERE id = 10", None),
    ("persons_person", 10, "slug = ''", "empty text",
     "SELECT slug FROM person WHERE id = 10", "10"),
    ("genres_genre", 3, "name = ''", "empty text",
     "SELECT name FROM genre WHERE id = 3", "drama"),
    ("platforms_platform", 2, "url = 'javascript:alert(1)'", "no web address",
     "SELECT url FROM platform WHERE id = 2", None),
    ("awards_award", 8, "category = 'ZZ'", "unknown category",
     "SELECT category FROM award WHERE id = 8", ""),
    ("movies_movie", 21, "slug = 'trending'", "slug changed",
     "SELECT slug FROM movie WHERE id = 21", "trending-21"),
    ("movies_movie", 21, "slug = 'a/b c'", "slug changed",
     "SELECT slug FROM movie WHERE id = 21", "a-b-c"),
    ("movies_movie", 21, "popularity = 'NaN'", "popularity out of range",
     "SELECT popularity FROM movie WHERE id = 21", 0.0),
    ("movies_movie", 21, "popularity = -5", "popularity out of range",
     "SELECT popularity FROM movie WHERE id = 21", 0.0),
    ("movies_movie", 21, r"title = E'a\x01\x02b'", "control characters",
     "SELECT title FROM movie WHERE id = 21", "a b"),
    ("users_user", 2, "password = 'plain'", "unknown password hash",
     "SELECT password FROM account WHERE id = 2", "!"),
    ("movies_movie", 21, "release_date = 'infinity'", "date out of range",
     "SELECT release_date FROM movie WHERE id = 21", None),
    ("movies_movietranslation", 1, "language = 'pt'", "unknown language",
     "SELECT count(*) FROM movie_translation", 0),
    ("ratings_rating", 101, "rating = 9", "rating out of range",
     "SELECT count(*) FROM rating WHERE id = 101", 0),
    ("reviews_review", 41, "title = ' '", "empty text",
     "SELECT title FROM review WHERE id = 41", "…"),
    ("reviews_comment", 50, "content = ''", "empty text",
     "SELECT content FROM comment WHERE id = 50", "…"),
    ("reviews_comment", 50, "reply_comment_id = 51", "reply without its comment",
     "SELECT reply_comment_id FROM comment WHERE id = 50", None),
    ("reviews_comment", 51, "review_id = 40", "reply without its comment",
     "SELECT reply_comment_id FROM comment WHERE id = 51", None),
    ("reviews_reaction", 60, "emoji = 'NOVEL'", "unknown reaction",
     "SELECT count(*) FROM reaction WHERE id = 60", 0),
    ("reviews_reaction", 61, "object_id = 999", "refers to what is not imported",
     "SELECT count(*) FROM reaction WHERE id = 61", 0),
    ("reviews_reaction", 61, "content_type_id = 7",
     "refers to what is not imported",
     "SELECT count(*) FROM reaction WHERE id = 61", 0),
    ("movielists_movielist", 70, "privacity = 'X'", "unknown privacy",
     "SELECT privacity FROM movielist WHERE id = 70", "R"),
    ("movielists_movielist", 70, "description = repeat('x', 10001)",
     "text too long",
     "SELECT char_length(description) FROM movielist WHERE id = 70", 10000),
    ("users_friendship", 90, "user2_id = 2", "one user twice",
     "SELECT count(*) FROM friendship", 0),
    ("users_friendrequest", 81, "status = 'Z'", "unknown status",
     "SELECT count(*) FROM friend_request WHERE id = 81", 0),
]


def test_faults(place, original):
    """All at once, one column of a row each; what depends on a row that is
    skipped is reported as well."""
    seen = {}
    for table, number, change, sort, query, value in FAULTS:
        column = change.split(" = ")[0]
        seen.setdefault((table, number, column), []).append(
            (change, sort, query, value))
    for turn in range(max(map(len, seen.values()))):
        original.drop()
        original.__init__(original.cluster)
        now = {k: v[turn] for k, v in seen.items() if len(v) > turn}
        for (table, number, _), (change, *_) in now.items():
            original.sql(f"UPDATE {table} SET {change} WHERE id = {number}")
        done = run(place, original, "--strict", "--json", check=1)
        lines = done.stderr.splitlines()
        assert UNSALTED not in done.stderr + done.stdout
        for (table, number, _), (change, sort, query, value) in now.items():
            assert place.one(query) == value, change
            assert any(line.startswith(f"{table}:{number}: ") for line in lines
                       ), (change, done.stderr)
            assert sort in done.stdout, change
        place.cluster.drop(place.database)
        (place.folder / str(turn)).mkdir()
        place.__init__(place.cluster, place.folder / str(turn))


def test_more_than_one_row(place, original):
    """What needs several rows: duplicates of a database that has lost its
    constraints, both directions, and what refers to it."""
    original.sql("""
        ALTER TABLE movies_movie DROP CONSTRAINT movies_movie_slug_key,
              ALTER COLUMN slug TYPE text;
        ALTER TABLE genres_genre DROP CONSTRAINT genres_genre_name_key;
        ALTER TABLE genres_genre ALTER COLUMN name TYPE text;
        ALTER TABLE users_user DROP CONSTRAINT users_user_username_key;
        DROP INDEX unique_active_review_per_user_movie;
        ALTER TABLE ratings_rating
              DROP CONSTRAINT ratings_rating_user_id_movie_id_key;
        UPDATE movies_movie SET slug = '219-volver' WHERE id = 20;
        UPDATE movies_movie SET slug = repeat('s', 300) WHERE id = 30;
        UPDATE genres_genre SET name = 'Drama' WHERE id = 4;
        UPDATE users_user SET username = 'ana' WHERE id = 2;
        UPDATE reviews_review SET deleted_at = NULL;
        INSERT INTO ratings_rating (id, created_at, updated_at, rating, movie_id,
               user_id) VALUES (103, '2025-02-05', '2025-02-05', 2, 20, 2);
        INSERT INTO users_friendrequest (id, created_at, status, from_user_id,
               to_user_id) VALUES
               (83, '2025-03-01', 'P', 6, 5), (84, '2025-03-02', 'P', 5, 6),
               (85, '2025-03-02', 'P', 1, 2);
        INSERT INTO users_friendship (id, created_at, user1_id, user2_id)
        VALUES (91, '2025-03-02', 1, 2);
        INSERT INTO users_user_unseen_movies (user_id, movie_id) VALUES (6, 20);
        UPDATE users_user SET date_joined = '-infinity' WHERE id = 6""")
    done = run(place, original, "--json")
    assert place.sql("SELECT id, slug FROM movie ORDER BY id") == [
        (20, "219-volver"), (21, "219-volver-21"), (30, 255 * "s")]
    assert place.sql("SELECT name FROM genre ORDER BY id") == [("Drama",),
                                                               ("Drama-4",)]
    assert place.sql("SELECT username FROM account ORDER BY id") == [
        ("ana",), ("ana-2",), ("Ωmega",)]
    assert place.sql("SELECT id, deleted_at IS NULL FROM review ORDER BY id") == [
        (40, False), (41, True)]
    assert place.sql("SELECT id, rating FROM rating WHERE deleted_at IS NULL"
                     " ORDER BY id") == [(100, 5), (103, 2)]
    # 6 was skipped, and all that belongs to them
    assert place.sql("SELECT user1_id, user2_id FROM friendship") == [(1, 2)]
    assert place.sql("SELECT from_user_id, to_user_id, status"
                     "  FROM friend_request ORDER BY id") == [
        (5, 1, "P"), (2, 5, "R"), (1, 2, "A")]
    assert counts(done)["unseen"] == (1, 1)
    assert counts(done)["friend requests"] == (3, 3)
    again = run(place, original, "--json")
    assert not any(added for added, _ in counts(again).values())


def test_both_have_asked(place, original):
    original.sql("""
        INSERT INTO users_friendrequest (id, created_at, status, from_user_id,
               to_user_id) VALUES
               (83, '2025-03-01', 'P', 6, 5), (84, '2025-03-02', 'P', 5, 6)""")
    done = run(place, original, "--json")
    assert "requests in both directions" in done.stdout
    assert place.sql("SELECT user1_id, user2_id, created_at::date::text"
                     "  FROM friendship ORDER BY id") == [
        (1, 2, "2025-02-14"), (5, 6, "2025-03-02")]
    assert place.sql("SELECT id, status FROM friend_request"
                     " WHERE 6 IN (from_user_id, to_user_id)") == [(84, "A")]
    once = content(place)
    run(place, original)
    assert content(place) == once


# -------------------------------------------------------------- the structure

@pytest.mark.parametrize("change, message", [
    ("ALTER TABLE movies_movie RENAME title TO name",
     "column movies_movie.title is missing"),
    ("ALTER TABLE ratings_rating RENAME TO ratings",
     "table ratings_rating is missing"),
    ("ALTER TABLE users_user ALTER bio TYPE boolean USING true",
     "column users_user.bio is of type bool, not text"),
])
def test_another_structure(empty, original, change, message):
    original.sql(change)
    done = run(empty, original, check=EX_DATAERR)
    assert message in done.stderr and done.stderr.count("\n") == 1
    assert not any(content(empty).values())


def test_other_releases(place, original):
    """Tables and columns of some releases only."""
    original.sql("""
        DROP TABLE genres_genretranslation, socialaccount_socialaccount;
        ALTER TABLE persons_person ADD COLUMN country varchar(32);
        ALTER TABLE users_user ALTER date_joined TYPE timestamp
              USING date_joined AT TIME ZONE 'UTC'""")
    done = run(place, original)
    assert "column country is not imported" in done.stderr
    assert "column date_joined is taken as UTC" in done.stderr
    assert place.one("SELECT date_joined::text FROM account WHERE id = 1") == \
        "2025-01-02 03:04:05.678901+00"


def test_not_the_original(empty, cluster):
    done = run(empty, cluster.conninfo(empty.database), check=EX_DATAERR)
    assert "this is not the database of the original" in done.stderr


# ------------------------------------------------------------ what goes wrong

def test_other_rows(place, original):
    place.sql("INSERT INTO account (id, username, email)"
              " VALUES (1, 'admin', 'admin@example.org')")
    done = run(place, original, check=EX_TEMPFAIL)
    assert "account_pkey" in done.stderr and "empty site" in done.stderr
    assert place.one("SELECT count(*) FROM movie") == 0


def test_connection(empty, original, tmp_path):
    done = run(empty, original.name + " password=hidden", check=EX_DATAERR)
    assert "hidden" not in done.stderr and ".pgpass" in done.stderr
    (tmp_path / "dump.sql").touch()
    done = run(empty, str(tmp_path / "dump.sql"), check=EX_NOINPUT)
    assert "restore it first" in done.stderr
    done = run(empty, f"host={tmp_path} dbname=x", check=EX_UNAVAILABLE)
    assert "the original's database: no connection" in done.stderr
    done = run(empty, original, "--media", tmp_path / "none", check=EX_CANTCREAT)
    assert "pictures: " in done.stderr
    assert not any(content(empty).values())


def test_interrupted(empty, original):
    """A signal while the original is being read: it waits for a lock."""
    connection = original.cluster.connect(original.database, OWNER)
    connection.autocommit = False
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE reviews_review")
        process = empty.start("import", "moviesxmovies", original.name)
        stack_module.wait_until(
            original.waiting, "the import waits for the lock")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    connection.close()
    assert process.returncode == 128 + signal.SIGINT, err
    assert "interrupted; nothing was changed" in err
    assert not any(content(empty).values())


def test_lost_connection(empty, original):
    connection = original.cluster.connect(original.database, OWNER)
    connection.autocommit = False
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE reviews_review")
        process = empty.start("import", "moviesxmovies", original.name)
        (pid,) = stack_module.wait_until(
            original.waiting, "the import waits for the lock")[0]
        original.cluster.sql(f"SELECT pg_terminate_backend({pid})")
        _, err = process.communicate(timeout=30)
    connection.close()
    assert process.returncode == EX_UNAVAILABLE, err
    assert not any(content(empty).values())
