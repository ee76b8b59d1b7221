# SPDX-License-Identifier: GPL-3.0-or-later
"""Movies similar to one: by a model of two factors, as in
test_recommendations.py, and by genres, persons and the audience."""

import pytest

import models
from people import account
from stack import wait_until
from test_recommendations import DRAMA, FILMS, SCIENCE

WORLD = "catalogue"
PATH = "/api/movies/{}/similar/?limit=100"


def similar(who, slug):
    r = who.get(PATH.format(slug))
    assert r.status_code == 200, r.text
    body = r.json()
    assert body["count"] == len(body["results"])
    assert all(movie["because"] for movie in body["results"])
    return body["results"]


def slugs(movies):
    return [movie["slug"] for movie in movies]


def kinds(movie):
    return {why["kind"] for why in movie["because"]}


def reasons(movie, kind):
    return [why for why in movie["because"] if why["kind"] == kind]


# -- without a model ---------------------------------------------------------

def test_by_genres_and_persons(stack, ana):
    """In the order of the file: a model is published below."""
    got = similar(ana, "the-godfather")
    assert "the-godfather" not in slugs(got)
    assert slugs(got)[0] == "the-godfather-part-ii"
    first = got[0]
    assert {why["text"] for why in reasons(first, "genre")} == {
        "Also of the genre Crime", "Also of the genre Drama"}
    assert {why["text"] for why in reasons(first, "person")} >= {
        "Directed by Francis Ford Coppola", "With Al Pacino"}
    assert reasons(first, "person")[0]["person"] == \
        f"{stack.tls_url}/api/persons/francis-ford-coppola/"
    conversation = got[slugs(got).index("the-conversation")]
    assert {"person"} <= kinds(conversation)


def test_by_the_audience(stack, ana):
    """Two users who like both are a reason, one is none; users who keep their
    ratings to themselves are none either."""
    stack.sql("INSERT INTO movie (id, slug, title) VALUES (701, 'one', 'One'),"
              " (702, 'two', 'Two'), (703, 'three', 'Three')")
    fans = [account(stack, f"fan{i}") for i in range(3)]
    for fan in fans[:2]:
        stack.sql("INSERT INTO rating (user_id, movie_id, rating)"
                  " VALUES (%s, 701, 5), (%s, 702, 4)", [fan, fan])
    stack.sql("INSERT INTO rating (user_id, movie_id, rating)"
              " VALUES (%s, 703, 5)", [fans[0]])
    try:
        got = similar(ana, "one")
        assert slugs(got) == ["two"]
        assert got[0]["because"] == [
            {"kind": "audience", "text": "Liked by the same users"}]
        stack.sql("UPDATE account SET training = false WHERE id = %s",
                  [fans[1]])
        assert similar(ana, "one") == []
        stack.sql("UPDATE account SET training = true, active = false"
                  " WHERE id = %s", [fans[1]])
        assert similar(ana, "one") == []
    finally:
        stack.sql("DELETE FROM movie WHERE id > 700")
        stack.sql("DELETE FROM account WHERE id = ANY (%s)", [fans])


def test_a_movie_like_no_other(stack, ana):
    stack.sql("INSERT INTO movie (id, slug, title) VALUES (701, 'one', 'One')")
    try:
        r = ana.get(PATH.format("one"))
        assert r.json()["results"] == [] and r.json()["count"] == 0
    finally:
        stack.sql("DELETE FROM movie WHERE id = 701")


@pytest.mark.parametrize("slug", ["nowhere", "deleted-film", "a%2Fb"])
def test_unknown_movie(ana, slug):
    r = ana.get(PATH.format(slug))
    assert r.status_code == 404 and r.json()["model"] == "Movie"


def test_pages(ana):
    whole = slugs(similar(ana, "the-godfather"))
    assert len(whole) > 4
    parts = []
    for page in (1, 2):
        r = ana.get("/api/movies/the-godfather/similar/"
                    f"?limit=2&page={page}").json()
        assert r["count"] == len(whole) and r["has_next"]
        parts += slugs(r["results"])
    assert parts == whole[:4]


def test_in_the_callers_language(carla):
    first = similar(carla, "the-godfather")[0]
    assert "También del género Crimen" in {
        why["text"] for why in reasons(first, "genre")}


# -- with a model ------------------------------------------------------------

@pytest.fixture(scope="module")
def model(stack):
    ids = dict(stack.sql("SELECT slug, id FROM live_movie"))
    version = models.publish(stack, {ids[slug]: f for slug, f
                                     in FILMS.items()})
    wait_until(lambda: models.version_of(stack.base / "model") == version,
               "the model is fetched")
    bob = stack.client("bob")
    # each worker looks four times a second
    for _ in range(8):
        wait_until(lambda: kinds(similar(bob, "wall-e")[0]) >= {"audience"},
                   "the workers have the model")


def test_by_the_model(model, ana):
    for slug, others in (("the-matrix", SCIENCE), ("heat", DRAMA)):
        got = similar(ana, slug)
        n = len(others) - 1
        assert set(slugs(got)[:n]) == set(others) - {slug}
        assert all("audience" in kinds(movie) for movie in got[:n])
        assert slug not in slugs(got)


def test_what_the_catalogue_loses_and_gets_after_the_model(stack, model, ana):
    """A deleted movie is not shown; a new one is, by its persons and genres,
    and has similar ones."""
    stack.sql("UPDATE movie SET deleted_at = now()"
              " WHERE slug = 'the-matrix-reloaded'")
    stack.sql("INSERT INTO movie (id, slug, title, release_date)"
              " VALUES (900, 'part-iv', 'Part IV', '2150-01-01')")
    stack.sql("INSERT INTO movie_genre SELECT 900, genre_id FROM movie_genre"
              "  JOIN movie AS m ON m.id = movie_id"
              " WHERE slug = 'the-godfather'")
    stack.sql("INSERT INTO movie_director SELECT 900, person_id"
              "  FROM movie_director JOIN movie AS m ON m.id = movie_id"
              " WHERE slug = 'the-godfather'")
    try:
        assert "the-matrix-reloaded" not in slugs(similar(ana, "the-matrix"))
        got = similar(ana, "the-godfather")
        new, = (movie for movie in got if movie["slug"] == "part-iv")
        assert kinds(new) == {"person", "genre"}
        back = similar(ana, "part-iv")
        assert slugs(back)[0].startswith("the-godfather")
        assert kinds(back[0]) == {"person", "genre"}
    finally:
        stack.sql("UPDATE movie SET deleted_at = NULL"
                  " WHERE slug = 'the-matrix-reloaded'")
        stack.sql("DELETE FROM movie WHERE id = 900")
    assert "the-matrix-reloaded" in slugs(similar(ana, "the-matrix"))
