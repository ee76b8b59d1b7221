# SPDX-License-Identifier: GPL-3.0-or-later
"""No reader ever sees an answer from before a change: random writes and reads
against a second instance that keeps no answers, while memcached is frozen,
killed, emptied and started again, and while workers are killed."""

import concurrent.futures
import itertools
import json
import os
import pathlib
import random
import re
import signal
import socket
import threading
import time

import pytest
import requests

import stack as stack_module
import world
from client import Client
from stack import wait_until

WORLD = "catalogue"
SEED = int(os.environ.get("MXM_TEST_SEED", "0")) or random.SystemRandom() \
    .randrange(10 ** 9)
USERS = ("ana", "bob", "carla")
MOVIES = ("amelie", "the-godfather", "heat", "volver", "the-matrix",
          "city-of-god", "nowhere")
NAMES = itertools.count()

# What stands for a parameter of a path: values, or a statement that finds them.
VALUES = {
    "award": ("oscar-best-picture-1973", "no-award"),
    "comment": "SELECT id FROM comment ORDER BY id DESC LIMIT 4",
    "list": ("sunday", "secret", "between-us", "no-list"),
    "movie": MOVIES,
    "person": ("al-pacino", "penelope-cruz", "nobody"),
    "provider": ("nowhere",),
    "reaction": "SELECT id FROM reaction ORDER BY id DESC LIMIT 4",
    "review": "SELECT id FROM review ORDER BY id DESC LIMIT 6",
    "session": "SELECT replace(id::text, '-', '')"
               "  FROM (SELECT id FROM session WHERE user_agent = 'spare'"
               "         ORDER BY created_at DESC LIMIT 4) AS s"
               " UNION ALL SELECT repeat('0', 32)",
    "username": ("ana", "bob", "fay", "nobody"),
}

# Queries beside the empty one. A path with pages or a cursor is read with a
# second stretch as well.
QUERIES = {
    "/api/movies/searching/": (
        "name=the&limit=3", "stars=4&stars=5", "marked_unseen=true",
        "name=godfahter&page=1"),
}


def a_rating(play, who):
    return {"json": {"rating": play.dice.randint(1, 5)}}


def a_language(play, who):
    return {"json": {"preferred_language":
                     play.dice.choice(("en", "es", "fr", "de"))}}


def a_list(play, who):
    return {"json": {"name": play.dice.choice(("Sunday", "Secret", "No list")),
                     "description": f"d{play.dice.random()}",
                     "privacity": play.dice.choice("PFR")}}


def a_comment(play, who):
    return {"json": {"content": f"c{play.dice.random()}"}}


def a_reaction(play, who):
    return {"json": {"emoji_code": play.dice.choice(("LIKE", "LOVE", "TOP"))}}


def a_review(play, who):
    return {"json": {"title": f"t{play.dice.random()}", "content": "c",
                     "is_positive": play.dice.random() < 0.5}}


def a_login(play, who):
    return {"token": None, "json": {"username": play.dice.choice(USERS),
                                    "password": world.PASSWORD}}


def another_session(play, who):
    """Logging out is done by a session that nothing else uses."""
    more = Client(play.stack).login(play.dice.choice(USERS), world.PASSWORD)
    return {"token": more.token}


def a_spare_session(play, who):
    """A session that ends the next time, if its owner is the caller."""
    more = Client(play.stack)
    more.session.headers["User-Agent"] = "spare"
    more.login(play.dice.choice(USERS), world.PASSWORD)
    return {}


def sessions_of_nobody_here(play, who):
    return {"token": Client(play.stack).login("dora", world.PASSWORD).token}


def a_leaver(play, who):
    """A user who signs up, and removes the account."""
    body = a_newcomer(play, who)["json"]
    more = Client(play.stack)
    assert more.post("/api/auth/signup/", body).status_code == 200
    more.login(body["username"], body["password"])
    return {"token": more.token, "json": {"password": body["password"]}}


def a_refresh(play, who):
    return {"token": None, "json": {"refresh": who.refresh_token}}


def a_newcomer(play, who):
    name = f"new{os.getpid()}.{next(NAMES)}"
    return {"token": None, "json": {
        "username": name, "email": f"{name}@example.org", "first_name": "New",
        "last_name": "Comer", "password": "Lantern-over-7-hills"}}


def a_friend(play, who):
    return {"params": {"username": play.dice.choice((*USERS, "fay"))}}


def some_platforms(play, who):
    return {"json": {"platforms": play.dice.sample(
        ("arthouse", "matinee", "nowhere"), play.dice.randint(0, 3))}}


def a_code(play, who):
    return {"json": {"verification_code": f"{play.dice.randrange(10 ** 6):06}"}}


def a_reset(play, who):
    return {"token": None, "json": {
        "email": f"{play.dice.choice(USERS)}@example.org",
        "forgot_password_code": "000000", "new_password": world.PASSWORD}}


def a_profile(play, who):
    return {"json": {"bio": f"b{play.dice.random()}",
                     "first_name": f"n{play.dice.randint(1, 3)}"}}


def nothing(play, who):
    return {}


# How each writing row of the table is called: what request() is given beside
# method and path.
WRITES = {
    "POST /api/auth/forgot-password/": a_reset,
    "POST /api/auth/login/": a_login,
    "POST /api/auth/logout/": another_session,
    "POST /api/auth/refresh/": a_refresh,
    "POST /api/auth/resend-verification-email/": nothing,
    "DELETE /api/auth/sessions/": sessions_of_nobody_here,
    "DELETE /api/auth/sessions/{session}/": a_spare_session,
    "POST /api/auth/signup/": a_newcomer,
    "POST /api/auth/verify/": a_code,
    "POST /api/movies/{movie}/ratings/": a_rating,
    "PUT /api/movies/{movie}/ratings/": a_rating,
    "POST /api/movies/{movie}/reviews/": a_review,
    "DELETE /api/movies/{movie}/unseen/": nothing,
    "POST /api/movies/{movie}/unseen/": nothing,
    "POST /api/oauth/google/": nothing,
    "POST /api/oauth/{provider}/": nothing,
    "DELETE /api/reviews/{review}/": nothing,
    "DELETE /api/reviews/{review}/comments/{comment}/": nothing,
    "DELETE /api/reviews/{review}/comments/{comment}/reactions/{reaction}/":
        nothing,
    "DELETE /api/reviews/{review}/reactions/{reaction}/": nothing,
    "DELETE /api/movies-lists/{username}/{list}/": nothing,
    "DELETE /api/movies-lists/{username}/{list}/{movie}/": nothing,
    "POST /api/movies-lists/": a_list,
    "POST /api/movies-lists/{username}/{list}/{movie}/": nothing,
    "PUT /api/movies-lists/{username}/{list}/": a_list,
    "POST /api/reviews/{review}/comments/": a_comment,
    "POST /api/reviews/{review}/comments/{comment}/reactions/": a_reaction,
    "POST /api/reviews/{review}/comments/{comment}/replies/": a_comment,
    "POST /api/reviews/{review}/reactions/": a_reaction,
    "PUT /api/reviews/{review}/comments/{comment}/": a_comment,
    "PUT /api/reviews/{review}/": a_review,
    "DELETE /api/persons/{person}/follow/": nothing,
    "PUT /api/persons/{person}/follow/": nothing,
    "DELETE /api/users/friends/": a_friend,
    "DELETE /api/users/": a_leaver,
    "POST /api/users/export/": nothing,
    "PUT /api/users/": a_profile,
    "POST /api/users/onboarding/": nothing,
    "PUT /api/users/platforms/": some_platforms,
    "POST /api/users/preferred-language/": a_language,
    "DELETE /api/users/{username}/friend-requests/": nothing,
    "POST /api/users/{username}/friend-requests/": nothing,
}
# Operations that never succeed here: nobody has a code, and all are verified.
REFUSED = {"POST /api/auth/forgot-password/", "POST /api/oauth/google/",
           "POST /api/oauth/{provider}/",
           "POST /api/auth/resend-verification-email/",
           "POST /api/auth/verify/"}

# The order follows all ratings, and changes by other users may be seen late
# (as long as the answer is cached), as may the reasons that lie with them; what
# is in it, and what friends do, may not.
ORDER_MAY_LAG = ("/api/movies/",)
STRANGERS = ("popular",)


def there_and_back(table, column, value, where):
    """A change of a column of one row, and its undoing."""
    return (f"UPDATE {table} SET {column} = {value} WHERE {where}",
            f"SELECT format('UPDATE {table} SET {column} = %L WHERE %s',"
            f" {column}, $${where}$$) FROM {table} WHERE {where}")


def removed(table, where):
    """A row of a link is removed, and inserted again."""
    return (f"DELETE FROM {table} WHERE {where}",
            f"SELECT format('INSERT INTO {table} SELECT * FROM"
            f" jsonb_populate_record(NULL::{table}, %L)', to_jsonb(t))"
            f" FROM {table} AS t WHERE {where}")


def added(table, columns, values, where):
    """A row is inserted, and removed again."""
    return (f"INSERT INTO {table} ({columns}) VALUES ({values})",
            f"SELECT $$DELETE FROM {table} WHERE {where}$$")


# Changes of the catalogue, which no route makes: SQL, and a query for the SQL
# that undoes it, which runs before. Each is seen in some answer.
CATALOGUE = [
    there_and_back("movie", "title", "'Fire'", "id = 9"),
    there_and_back("movie", "synopsis", "'Of fire.'", "id = 9"),
    there_and_back("movie", "slug", "'heat-1995'", "id = 9"),
    there_and_back("movie", "release_date", "'1995-12-16'", "id = 9"),
    there_and_back("movie", "deleted_at", "now()", "id = 2"),
    added("movie", "id, slug, title, release_date",
          "90, 'nowhere', 'Nowhere', '2020-01-01'", "id = 90"),
    there_and_back("movie_translation", "title", "'Don Vito'",
                   "movie_id = 2 AND language = 'es'"),
    there_and_back("movie_translation", "deleted_at", "now()",
                   "movie_id = 2 AND language = 'es'"),
    added("movie_translation", "movie_id, language, title",
          "9, 'es', 'Fuego'", "movie_id = 9"),
    removed("movie_director", "movie_id = 2"),
    removed("movie_actor", "movie_id = 2 AND person_id = 4"),
    added("movie_actor", "movie_id, person_id", "4, 4",
          "movie_id = 4 AND person_id = 4"),
    removed("movie_genre", "movie_id = 2 AND genre_id = 3"),
    removed("movie_platform", "movie_id = 2 AND platform_id = 2"),
    removed("movie_award", "movie_id = 2 AND award_id = 1"),
    added("person_award", "person_id, award_id", "4, 1",
          "person_id = 4 AND award_id = 1"),
    there_and_back("genre", "name", "'Space'", "id = 7"),
    there_and_back("genre", "deleted_at", "now()", "id = 3"),
    there_and_back("genre_translation", "name", "'Mafia'",
                   "genre_id = 3 AND language = 'es'"),
    there_and_back("genre_translation", "deleted_at", "now()",
                   "genre_id = 3 AND language = 'es'"),
    added("genre_translation", "genre_id, language, name", "7, 'es', 'Espacio'",
          "genre_id = 7 AND language = 'es'"),
    there_and_back("platform", "name", "'Evening'", "id = 2"),
    there_and_back("platform", "url", "'https://evening.example/'", "id = 2"),
    there_and_back("platform", "deleted_at", "now()", "id = 2"),
    there_and_back("person", "name", "'Alfredo Pacino'", "id = 4"),
    there_and_back("person", "slug", "'nobody'", "id = 4"),
    there_and_back("person", "biography", "'An actor.'", "id = 4"),
    there_and_back("person", "deleted_at", "now()", "id = 4"),
    added("person_translation", "person_id, language, biography",
          "4, 'es', 'Actor de Nueva York.'", "person_id = 4"),
    there_and_back("award", "name", "'Best Picture 1973'", "id = 1"),
    there_and_back("award", "date", "'1973-03-28'", "id = 1"),
    there_and_back("award", "deleted_at", "now()", "id = 1"),
]


class Table:
    """The route table, and the requests that are made from it."""

    def __init__(self, stack):
        self.stack = stack
        self.rows = json.loads(stack.ctl("routes --json").stdout)
        for row in self.rows:
            row["key"] = f"{row['method']} {row['path']}"
        self.writes = [r for r in self.rows if r["writes"]]
        self.reads = [r for r in self.rows if not r["writes"] and
                      (r["cache"] or r["guard"] != "PUBLIC")]

    def values(self, name):
        found = VALUES[name]
        if isinstance(found, str):
            found = [row[0] for row in self.stack.sql(found)]
        return found

    def paths(self, row):
        """The path of a row with all values of its parameters."""
        names = re.findall(r"\{(\w+)\}", row["path"])
        for values in itertools.product(*map(self.values, names)):
            yield re.sub(r"\{\w+\}", "%s", row["path"]) % values

    def queries(self, row):
        kinds = {i["type"] for i in row["inputs"] if i["from"] == "query"}
        yield ""
        if "page" in kinds:
            yield "?page=2&limit=2"
        elif "limit" in kinds:
            yield "?limit=2"
        for query in QUERIES.get(row["path"], ()):
            yield "?" + query

    def read_paths(self):
        """All that is read, as pairs of a row's key and a path."""
        return [(row["key"], path + query) for row in self.reads
                for path in self.paths(row) for query in self.queries(row)]


class Oracle(stack_module.Stack):
    """A second mxmd and nginx on the database of another stack, without a
    cache."""

    def __init__(self, other):
        self.other = other
        super().__init__(other.cluster, jobs=False)
        other.cluster.drop(self.database)
        self.database = other.database

    def settings(self):
        return {**super().settings(), "cache_servers": "",
                "public_origin": self.other.tls_url}

    def start_memcached(self):
        pass

    def stop(self):
        for process in (self.nginx, self.mxmd):
            process.stop()


@pytest.fixture(scope="module")
def oracle(stack):
    made = Oracle(stack)
    try:
        yield made.start()
    finally:
        made.close()


def bare(answer, in_any_order):
    """The compared part of an answer: its bytes, or its movies by id."""
    if not in_any_order or answer.status_code != 200:
        return answer.content
    movies = sorted(answer.json(), key=lambda movie: movie["id"])
    return [{**movie, "because": [why for why in movie["because"]
                                  if why["kind"] not in STRANGERS]}
            for movie in movies]


class Play:
    """The two instances, the users, and the dice."""

    def __init__(self, stack, oracle, seed):
        self.stack, self.oracle = stack, oracle
        self.dice = random.Random(seed)
        self.table = Table(stack)
        self.users = {}
        for name in USERS:
            mine = stack.client(name)
            truth = Client(oracle)
            truth.token = mine.token
            self.users[name] = (mine, truth)
        self.compared = 0

    def write_row(self, row):
        """A change by that row, of a random user and thing; the answer."""
        who, _ = self.users[self.dice.choice(USERS)]
        path = self.dice.choice(list(self.table.paths(row)))
        return who.request(row["method"], path, **WRITES[row["key"]](self, who))

    def write(self):
        """A random change; what hashes a password is rarer."""
        rows = self.table.writes
        weights = [1 if row["pool"] == "SLOW" else 8 for row in rows]
        return self.write_row(self.dice.choices(rows, weights)[0])

    def read(self, name, path):
        """The same from both: status, body and ETag."""
        in_any_order = path in ORDER_MAY_LAG
        mine, truth = self.users[name]
        got, want = mine.get(path), truth.get(path)
        assert got.status_code == want.status_code, \
            f"{name} {path}: {got.status_code}, not {want.status_code}"
        assert bare(got, in_any_order) == bare(want, in_any_order), (
            f"{name} {path} is stale (seed {SEED}):\n"
            f"{json.dumps(got.json(), indent=1)[:3000]}\n--- not\n"
            f"{json.dumps(want.json(), indent=1)[:3000]}")
        if not in_any_order:
            assert got.headers.get("ETag") == want.headers.get("ETag")
        self.compared += 1
        return want.content

    def read_some(self, n):
        paths = self.table.read_paths()
        for _ in range(n):
            self.read(self.dice.choice(USERS), self.dice.choice(paths)[1])

    def read_all(self):
        paths = self.table.read_paths()
        for name in USERS:
            for _, path in paths:
                self.read(name, path)

    def read_cached(self, name):
        """Compares all answers of cached rows; gives them."""
        cached = {row["key"] for row in self.table.rows if row["cache"]}
        return {path: self.read(name, path)
                for key, path in self.table.read_paths() if key in cached}

    def steps(self, n):
        for _ in range(n):
            answer = self.write()
            assert answer.status_code < 500, answer.text
            self.read_some(self.dice.randint(1, 6))


@pytest.fixture
def play(stack, oracle):
    print(f"seed {SEED}")
    made = Play(stack, oracle, SEED)
    made.read_all()
    return made


def counter(stack, word):
    """How many requests were answered with that word of the cache."""
    status = json.loads(stack.ctl("status --json").stdout)
    return status["cache"][word]


def bypass(stack):
    """Whether answers bypass the cache."""
    return json.loads(stack.ctl("status --json").stdout)["cache"]["bypass"]


def memcached_says(stack, command):
    """Sends a command to memcached and waits for OK."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(str(stack.cache_socket))
        s.sendall(command + b"\r\n")
        assert s.recv(100).startswith(b"OK")


def test_the_whole_table_is_written_and_read(stack):
    """A new row must have an entry here."""
    table = Table(stack)
    names = {n for row in table.rows
             for n in re.findall(r"\{(\w+)\}", row["path"])}
    assert not names - set(VALUES), "no VALUES for these parameters"
    assert set(WRITES) == {row["key"] for row in table.writes}, \
        "WRITES and the writing rows of the table differ"
    assert REFUSED <= set(WRITES)
    assert set(QUERIES) <= {row["path"] for row in table.reads}
    cached = {row["key"] for row in table.rows if row["cache"]}
    read = {key for key, _ in table.read_paths()}
    assert not cached - read, "cached rows that are not read"


def test_every_cached_row_is_read_from_the_cache(play):
    """Else the comparison with the oracle would prove nothing of it."""
    mark = play.stack.mark()

    def unhit():
        play.read_all()
        hits = set(re.findall(r" GET (\S+) 200 .* cache=hit ",
                              play.stack.log("mxmd", mark)))
        found = {key for key, path in play.table.read_paths()
                 if path.split("?")[0] in hits}
        return {row["key"] for row in play.table.rows if row["cache"]} - found
    wait_until(lambda: not unhit(), "every cached row is a hit", 30)


def test_every_writing_row_succeeds(play):
    """Else the writes would prove nothing of it. One makes room for another."""
    left = {row["key"] for row in play.table.writes} - REFUSED
    for _ in range(60):
        for row in play.table.writes:
            if row["pool"] != "SLOW" or row["key"] in left:
                if play.write_row(row).status_code < 300:
                    left.discard(row["key"])
                play.read_some(2)
        if not left:
            break
    assert not left
    play.read_all()


def test_random_writes_and_reads(play):
    play.steps(120)
    play.read_all()
    play.read_all()


def test_changes_of_the_catalogue(play):
    """Made with SQL, there and back. In Spanish, which has some of the texts."""
    play.users["ana"][0].post("/api/users/preferred-language/",
                              json={"preferred_language": "es"})
    before = play.read_cached("ana")
    for change, undo in CATALOGUE:
        undo = play.stack.value(undo)
        for text in (change, undo):
            print(text)
            play.stack.sql(text)
            play.stack.touched()
            after = play.read_cached("ana")
            assert after != before, f"no answer shows this: {text}"
            before = after


def test_a_user_reads_their_write_at_once(play):
    """Also through a persistent connection that another worker may serve."""
    for stars in (1, 2, 3, 4, 5, 4, 3, 2, 1) * 3:
        mine, _ = play.users["ana"]
        answer = mine.put("/api/movies/heat/ratings/", json={"rating": stars})
        if answer.status_code == 404:
            mine.post("/api/movies/heat/ratings/", json={"rating": stars})
        for _ in range(4):
            with requests.Session() as other:
                got = other.get(mine.base + "/api/movies/heat/ratings/",
                                headers={"Authorization":
                                         f"Bearer {mine.token}"})
                assert got.json()["rating"] == stars


def test_friends_see_it_at_once(play):
    """The writer's own worker raises what concerns others: no mxm-jobs runs.
    Of what bob likes his friends read in their recommendations."""
    bob, _ = play.users["bob"]
    path = "/api/movies/volver/ratings/"
    for table in ("rating", "unseen"):
        play.stack.sql(f"DELETE FROM {table} WHERE movie_id ="
                       " (SELECT id FROM movie WHERE slug = 'volver')")
    play.stack.sql("INSERT INTO friendship (user1_id, user2_id) VALUES (1, 2)"
                   " ON CONFLICT DO NOTHING")
    play.stack.touched()
    assert bob.post(path, json={"rating": 1}).status_code == 201
    play.stack.jobs.stop()
    named = []
    for stars in (5, 1, 4, 2, 5, 3, 4, 1):
        for name in USERS:
            play.read(name, "/api/movies/")
        assert bob.put(path, json={"rating": stars}).status_code == 200
        for name in USERS:
            play.read(name, "/api/movies/")
        ana = play.users["ana"][0].get("/api/movies/").json()
        named.append([why["kind"] for movie in ana for why in movie["because"]
                      if movie["slug"] == "volver"])
    play.stack.start_jobs()
    assert ["friend" in kinds for kinds in named] == [
        True, False, True, False, True, False, True, False]


def test_a_session_that_ended_is_refused_at_once(play):
    """Its account is cached per session; log-out makes that stale."""
    for _ in range(5):
        more = Client(play.stack).login("ana", world.PASSWORD)
        for _ in range(4):
            assert more.get("/api/users/").status_code == 200
        assert more.post("/api/auth/logout/").status_code == 200
        for _ in range(4):
            assert more.get("/api/users/").status_code == 401


def test_emptied(play):
    for _ in range(6):
        play.steps(3)
        memcached_says(play.stack, b"flush_all")
        play.read_some(10)
    play.read_all()


def test_frozen(play):
    for _ in range(3):
        play.steps(3)
        play.stack.memcached.signal(signal.SIGSTOP)
        try:
            play.steps(4)
        finally:
            play.stack.memcached.signal(signal.SIGCONT)
        play.read_some(20)
        play.steps(3)
    play.read_all()


def test_frozen_for_a_moment(play):
    """Shorter than a time-out, or a little longer, over and over."""
    for _ in range(12):
        play.stack.memcached.signal(signal.SIGSTOP)
        play.write()
        play.stack.memcached.signal(signal.SIGCONT)
        play.read_some(8)
    play.read_all()


def read_at_once(who, path, n):
    """n answers to requests that are under way together, so that every worker
    has some."""
    def one(_):
        return requests.get(who.base + path, timeout=30, headers={
            "Authorization": f"Bearer {who.token}"}).json()
    with concurrent.futures.ThreadPoolExecutor(n) as pool:
        return list(pool.map(one, range(n)))


def who_hits(stack, who, path):
    """The workers that answer this from the cache."""
    mark = stack.mark()
    read_at_once(who, path, 16)
    return set(re.findall(r"mxmd\[(\d+)\].* cache=hit ",
                          stack.log("mxmd", mark)))


def test_a_raise_that_failed_is_known_to_all_workers(play):
    """One worker has found memcached frozen; the others, which have not
    noticed, must not use it when it is back."""
    stack, (mine, _) = play.stack, play.users["ana"]
    path = "/api/movies/heat/ratings/"
    if mine.get(path).status_code == 404:
        mine.post(path, json={"rating": 5})
    for stars in (1, 2, 3, 4):
        wait_until(lambda: len(who_hits(stack, mine, path)) == 2,
                   "both workers take it from the cache", 30)
        stack.jobs.stop()
        stack.memcached.signal(signal.SIGSTOP)
        answer = mine.put(path, json={"rating": stars})
        stack.memcached.signal(signal.SIGCONT)
        assert answer.status_code == 200
        seen = [a["rating"] for a in read_at_once(mine, path, 16)]
        stack.start_jobs()
        assert seen == [stars] * 16


def test_killed_and_started(play):
    for _ in range(3):
        play.stack.memcached.kill()
        play.steps(4)
        play.stack.start_memcached()
        play.steps(4)
    play.read_all()


def test_it_is_kept_again_when_all_is_well(play):
    """The bypass ends: a second read of the same comes from the cache."""
    def is_kept():
        before = counter(play.stack, "hits")
        for _ in range(5):
            play.read("ana", "/api/genres/")
        return counter(play.stack, "hits") > before
    wait_until(is_kept, "answers are kept again", 30)


def workers(stack):
    task = pathlib.Path(f"/proc/{stack.mxmd.pid}/task/{stack.mxmd.pid}"
                        "/children")
    return [int(p) for p in task.read_text().split()]


def post_quietly(who, path, body):
    try:
        who.post(path, json=body, check=False)
    except requests.RequestException:
        pass


def die_between(play, code):
    """A language is committed, and its worker dies before it could raise: while
    the row is locked memcached is frozen, so that the raise has to wait. (A POST:
    nginx sends it to no other worker.)"""
    stack, (mine, _) = play.stack, play.users["ana"]
    waits = ("SELECT count(*) FROM pg_stat_activity WHERE datname = "
             "current_database() AND wait_event_type = 'Lock'")
    language = "SELECT preferred_language FROM account WHERE id = 1"
    holder = stack.cluster.connect(stack.database)
    holder.autocommit = False
    holder.cursor().execute(language + " FOR UPDATE")
    writer = threading.Thread(target=post_quietly, args=(
        mine, "/api/users/preferred-language/", {"preferred_language": code}))
    writer.start()
    try:
        wait_until(lambda: stack.value(waits) > 0, "the writer waits")
        stack.memcached.signal(signal.SIGSTOP)
        holder.rollback()
        wait_until(lambda: stack.value(language) == code, "the commit")
        for pid in workers(stack):
            os.kill(pid, signal.SIGKILL)
    finally:
        holder.close()
        writer.join()
        stack.memcached.signal(signal.SIGCONT)
    stack.wait_healthy()


def test_death_between_commit_and_raise(play):
    """Only table touch has the change: readers get stale answers until the
    next round of mxm-jobs, and never after it."""
    stack, (mine, _) = play.stack, play.users["ana"]
    path = "/api/users/preferred-language/"
    fooled = False
    for turn in range(10):
        code = ("es", "fr", "de", "en")[turn % 4]
        mine.post(path, json={"preferred_language": "en" if code != "en"
                              else "es"})
        wait_until(lambda: not bypass(stack), "the cache is in use", 30)
        play.read("ana", path)
        play.read("ana", path)
        stack.jobs.stop()
        die_between(play, code)
        fooled = mine.get(path).json()["preferred_language"] != code
        stack.start_jobs()
        stack.touched()
        play.read("ana", path)
        if fooled:
            break
    assert fooled, "the moment was never met"
    play.read_all()


def test_workers_killed_under_writes(play):
    """A worker that dies between commit and raise leaves its rows in table
    touch."""
    deadline = time.monotonic() + 6
    died = 0
    while time.monotonic() < deadline and died < 8:
        victim = play.dice.choice(workers(play.stack) or [0])
        for i in range(play.dice.randint(1, 6)):
            try:
                play.write()
            except requests.RequestException:
                pass
        if victim:
            try:
                os.kill(victim, signal.SIGKILL)
                died += 1
            except ProcessLookupError:
                pass
        try:
            play.write()
        except (requests.RequestException, AssertionError):
            pass
        play.stack.wait_healthy()
    assert died >= 3
    play.stack.wait_ready()
    play.stack.touched()
    play.read_all()


def test_the_jobs_were_away(play):
    """Without mxm-jobs a worker that is alive raises by itself; what one that
    died has left is raised when mxm-jobs is back."""
    play.stack.jobs.stop()
    play.steps(10)
    play.stack.start_jobs()
    play.stack.touched()
    play.read_all()


def test_frozen_without_the_jobs(play):
    """Readers bypass the cache until everything has been raised."""
    play.stack.jobs.stop()
    play.stack.memcached.signal(signal.SIGSTOP)
    play.steps(3)
    play.stack.memcached.signal(signal.SIGCONT)
    play.steps(6)
    play.read_all()
    play.stack.start_jobs()
    play.stack.touched()
    play.steps(6)
    play.read_all()
