# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up movies and users on top of a world: users made0, made1, … like either
even or odd movies and give stars accordingly; and a model that is trained on
them."""

import random

import models
from people import account
from stack import wait_until

USERS, MOVIES, EACH = 60, 40, 20
SETTINGS = ("--quiet", "--as-is", "--force", "--set", "factors=8", "--set",
            "near_keep=20")


def slug(movie):
    return f"made-{movie}"


def rate_all(stack):
    rng = random.Random(3)
    stack.sql("INSERT INTO movie (id, slug, title, release_date) SELECT 1000 + i,"
              " 'made-' || i, 'Made ' || i, '2001-04-25'"
              f"  FROM generate_series(0, {MOVIES - 1}) AS i")
    rows = []
    for user in range(USERS):
        number = account(stack, f"made{user}")
        for movie in rng.sample(range(MOVIES), EACH):
            likes = user % 2 == movie % 2
            rows.append((number, 1000 + movie,
                         rng.choice((4, 5, 5) if likes else (1, 1, 2))))
    with stack.cluster.connect(stack.database) as connection:
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO rating (user_id, movie_id, rating)"
                               " VALUES (%s, %s, %s)", rows)


def rate(stack, name, stars):
    """Replaces all ratings of a user by these of made-up movies, {number:
    stars}."""
    stack.sql("DELETE FROM rating WHERE user_id ="
              " (SELECT id FROM account WHERE username = %s)", (name,))
    stack.sql("INSERT INTO rating (user_id, movie_id, rating)"
              " SELECT a.id, m.id, given.rating"
              "  FROM unnest(%s::text[], %s::int[]) AS given (slug, rating)"
              "  JOIN movie AS m USING (slug), account AS a"
              " WHERE a.username = %s",
              ([slug(movie) for movie in stars], list(stars.values()), name))


def train(stack):
    """Trains, and waits until the workers have the model."""
    stack.ctl(["recommend", "train", *SETTINGS])
    version = stack.value("SELECT max(version) FROM model")
    wait_until(lambda: models.version_of(stack.base / "model") == version,
               "the model is fetched")
    wait_for_model(stack.client("bob"))


def wait_for_model(client):
    """Until the workers that it asks have one."""
    wait_until(lambda: client.get(f"/api/movies/{slug(0)}/prediction/").json()[
        "basis"] == "model", "the workers have the model")
