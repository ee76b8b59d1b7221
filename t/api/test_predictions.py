# SPDX-License-Identifier: GPL-3.0-or-later
"""GET /api/movies/{movie}/prediction/: with a model that was trained on this site
and without one. Users like either even or odd movies (t/lib/made.py)."""

import pytest

import made
import models
from made import rate, slug
from stack import wait_until

WORLD = "catalogue"

def path(movie):
    return f"/api/movies/{movie}/prediction/"


def predict(who, movie):
    response = who.get(path(movie))
    assert response.status_code == 200, response.text
    return response.json()


@pytest.fixture(scope="module", autouse=True)
def ratings(stack):
    made.rate_all(stack)


@pytest.fixture(scope="module")
def trained(stack, ratings):
    made.train(stack)


# ------------------------------------------------------------ without a model

def test_no_model_and_no_ratings_give_the_mean_of_the_film(stack, ana):
    got = predict(ana, "volver")
    total, n = stack.sql("SELECT rating_sum, rating_count FROM movie"
                         " WHERE slug = 'volver'")[0]
    assert got == {"movie": f"{stack.tls_url}/api/movies/volver/",
                   "rating": round(3.5 + (total - 3.5 * n) / (n + 5), 2),
                   "standard_error": got["standard_error"], "basis": "means",
                   "own_ratings": 0, "movie_ratings": n}
    assert 0.9 < got["standard_error"] <= 1.2


def test_nothing_known_gives_the_middle_and_the_largest_error(ana):
    got = predict(ana, "wall-e")
    assert (got["rating"], got["standard_error"], got["movie_ratings"]) \
        == (3.5, 1.2, 0)


def test_who_rates_high_is_predicted_higher_without_a_model(stack, ana):
    before = predict(ana, "wall-e")
    rate(stack, "ana", {m: 5 for m in range(0, 20)})
    after = predict(ana, "wall-e")
    assert after["rating"] > before["rating"] + 0.5
    assert after["standard_error"] < before["standard_error"]
    assert after["own_ratings"] == 20
    rate(stack, "ana", {})
    assert predict(ana, "wall-e") == before


def test_a_model_that_was_not_trained_here_predicts_by_means(stack, ana):
    before = predict(ana, "volver")
    version = models.publish(stack)
    wait_until(lambda: models.version_of(stack.base / "model") == version,
               "the model is fetched")
    assert predict(ana, "volver") == before


# --------------------------------------------------------------- with a model

def test_the_kind_that_a_user_likes_is_predicted_higher(stack, trained, ana):
    rate(stack, "ana", {m: 5 if m % 2 else 1 for m in range(12)})
    odd, even = predict(ana, slug(31)), predict(ana, slug(30))
    assert odd["basis"] == even["basis"] == "model"
    assert odd["own_ratings"] == 12 and odd["movie_ratings"] > 10
    assert odd["rating"] > 4 and even["rating"] < 2
    assert 0 < odd["standard_error"] < 1.7  # the deviation of all stars
    rate(stack, "ana", {m: 1 if m % 2 else 5 for m in range(12)})
    assert predict(ana, slug(31))["rating"] < 2


def test_fewer_ratings_have_a_larger_error(stack, trained, ana):
    errors = []
    for n in (0, 2, 12):
        rate(stack, "ana", {m: 5 if m % 2 else 1 for m in range(n)})
        errors.append(predict(ana, slug(31))["standard_error"])
    assert errors[0] > errors[1] > errors[2]


def test_a_rated_film_is_predicted_without_that_rating(stack, trained, ana):
    """The prediction is the same whatever the rating is, and that of a user who
    has not rated the film is close to it."""
    base = {m: 5 if m % 2 else 1 for m in range(12)}
    rate(stack, "ana", base)
    unrated = predict(ana, slug(31))
    got = []
    for stars in (1, 5):
        rate(stack, "ana", {**base, 31: stars})
        got.append(predict(ana, slug(31)))
    assert got[0] == got[1]
    assert abs(got[0]["rating"] - unrated["rating"]) < 0.02
    assert got[0]["own_ratings"] == 12


def test_a_film_that_the_model_does_not_know(stack, trained, ana):
    rate(stack, "ana", {m: 5 if m % 2 else 1 for m in range(12)})
    got = predict(ana, "wall-e")
    assert got["basis"] == "model" and got["movie_ratings"] == 0
    assert got["standard_error"] >= predict(ana, slug(31))["standard_error"]


def test_predictions_follow_ratings_made_by_the_api(stack, trained):
    carla = stack.client("carla")
    stars = {}
    for movie in range(8):
        stars[movie] = 5 if movie % 2 else 1
        carla.post(f"/api/movies/{slug(movie)}/ratings/",
                   {"rating": stars[movie]})
    high = predict(carla, slug(31))["rating"]
    for movie in range(8):
        response = carla.put(f"/api/movies/{slug(movie)}/ratings/",
                             {"rating": 6 - stars[movie]})
        assert response.status_code == 200
    assert predict(carla, slug(31))["rating"] < high - 1


# ------------------------------------------------------------------- refusals

def test_refusals(client, ana, nina):
    assert client.get(path("heat")).status_code == 401
    assert nina.get(path("heat")).status_code == 403
    for missing in ("nowhere", "deleted-film", "%F0%9F%8E%AC"):
        response = ana.get(path(missing))
        assert response.status_code == 404
    assert ana.post(path("heat")).status_code == 405
    assert ana.get(path("heat")[:-1]).status_code == 200
