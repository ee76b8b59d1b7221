# SPDX-License-Identifier: GPL-3.0-or-later
"""What mxmctl recommend rank makes of a file of ratings is what the site shows
for the same ratings, but for what hangs on the catalogue: here the films have
genres, which are left out of the training, and the bonuses are off."""

import csv

import models
from stack import wait_until
from test_train import HEADER, SMALL, camps

WORLD = "ana-and-friends"
SETTINGS = {"recommend_bonus": "0%", "recommend_director": "100%"}
MEMBERS = {"ana": 1, "bob": 2, "carla": 3, "dora": 4, "emil": 5, "fay": 6}
PAGE = 20
NO_GENRES = ("--set", "genre=0", "--set", "genre_first=0")


def fill(stack):
    """Every user rates twenty films, some users fewer."""
    few = {3: 1, 4: 3, 5: 8}
    rows = []
    for row in camps(each=20):
        if sum(r[0] == row[0] for r in rows) < few.get(row[0], 20):
            rows.append(row)
    stack.sql("INSERT INTO account (id, username, email) SELECT i, 'u' || i,"
              " i || '@a.example' FROM generate_series(9, 120) AS i")
    stack.sql("INSERT INTO movie (id, slug, title, release_date) SELECT i,"
              " 'm' || i, 'm', '2000-01-01' FROM generate_series(1, 80) AS i")
    stack.sql("INSERT INTO genre (id, slug, name) VALUES (1, 'a', 'A'),"
              " (2, 'b', 'B'), (3, 'c', 'C')")
    stack.sql("INSERT INTO movie_genre (movie_id, genre_id)"
              " SELECT id, 1 + id % 3 FROM movie")
    stack.sql("INSERT INTO rating (user_id, movie_id, rating, created_at)"
              " SELECT u, m, s, to_timestamp(t) FROM unnest(%s::bigint[],"
              " %s::bigint[], %s::smallint[], %s::float[]) AS r (u, m, s, t)",
              [list(column) for column in zip(*rows)])


def train(stack, *args):
    stack.ctl(["recommend", "train", "--as-is", "--quiet", "--force",
               *SMALL, *args])
    version = stack.value("SELECT max(version) FROM model")
    wait_until(lambda: models.version_of(stack.base / "model") == version,
               "the model is fetched", alive=stack.jobs)
    stack.restart_mxmd()  # and no worker has the one before it


def shown(stack):
    """{number: movies} of what members are recommended."""
    return {number: [film["id"] for film
                     in stack.client(name).get("/api/movies/").json()]
            for name, number in MEMBERS.items()}


def ranked(stack):
    """The same by rank, from the ratings that the site has."""
    path, out = stack.base / "ratings.csv", stack.base / "lists.csv"
    path.write_text(HEADER + "".join(
        "%d,%d,%d,%d\n" % row for row in stack.sql(
            "SELECT user_id, movie_id, rating,"
            " floor(extract(epoch FROM created_at)) FROM live_rating")))
    stack.ctl(["recommend", "rank", "--as-is", "--quiet", "--top", str(PAGE),
               "--train", str(path), "--out", str(out), *SMALL])
    lists = {number: [] for number in MEMBERS.values()}
    with open(out) as text:
        for row in csv.DictReader(text):
            lists.get(int(row["user"]), []).append(int(row["item"]))
    return lists


def test_rank_ranks_as_the_site_does(stack):
    fill(stack)
    train(stack, *NO_GENRES)
    lists = ranked(stack)
    assert all(len(films) == PAGE for films in lists.values())
    assert len({tuple(films) for films in lists.values()}) == len(MEMBERS)
    assert shown(stack) == lists
    train(stack)
    assert shown(stack) != lists, "genres are what makes the difference"
