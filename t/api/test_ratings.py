# SPDX-License-Identifier: GPL-3.0-or-later
"""The caller's own rating of a movie."""

import concurrent.futures

import pytest

HEAT = "/api/movies/heat/ratings/"


def test_rate_read_change(stack, ana):
    assert ana.get(HEAT).status_code == 404
    assert ana.get(HEAT).json()["error"] == "Rating not found"
    r = ana.put(HEAT, {"rating": 3})
    assert r.status_code == 404 and r.json()["error"] == "Rating not found"

    r = ana.post(HEAT, {"rating": 4})
    assert r.status_code == 201
    made = r.json()
    assert list(made) == ["id", "user", "movie", "rating", "created_at"]
    assert made["user"] == f"{stack.tls_url}/api/users/ana/"
    assert made["movie"] == f"{stack.tls_url}/api/movies/heat/"
    assert made["created_at"].endswith("+00:00")
    assert ana.get(HEAT).json() == made

    r = ana.post(HEAT, {"rating": 5})
    assert r.status_code == 400
    assert r.json()["error"] == "You have already rated this movie"

    changed = ana.put(HEAT, {"rating": 2})
    assert changed.status_code == 200
    assert changed.json() == {**made, "rating": 2}
    assert ana.get(HEAT).json() == {**made, "rating": 2}


def test_texts_are_in_the_callers_language(carla):
    r = carla.get(HEAT)
    assert r.json()["error"] == "Valoración no encontrada"
    r = carla.post(HEAT, {"rating": 9})
    assert r.status_code == 400
    assert r.json()["rating"] == [
        "Asegúrese de que este valor sea menor o igual que 5."]


@pytest.mark.parametrize("body, key", [
    ({"rating": 0}, "rating"), ({"rating": 6}, "rating"),
    ({"rating": -1}, "rating"), ({"rating": 2.5}, "rating"),
    ({"rating": True}, "rating"), ({"rating": None}, "rating"),
    ({"rating": "many"}, "rating"), ({"rating": [3]}, "rating"),
    ({"rating": {"x": 1}}, "rating"), ({"rating": ""}, "rating"),
    ({"rating": 10**30}, None), ({}, None), ([], None), (7, None)])
def test_bad_ratings(fay, body, key):
    for send in (fay.post, fay.put):
        r = send("/api/movies/volver/ratings/", body)
        assert r.status_code == 400, r.text
        assert r.json()["error"]
        if key:
            assert isinstance(r.json()[key], list)
    assert fay.get("/api/movies/volver/ratings/").status_code == 404


def test_missing_key_and_bad_json(fay):
    r = fay.post(HEAT, {"stars": 5})
    assert r.json()["error"] == "Missing required fields"
    r = fay.post(HEAT, data="{", headers={"Content-Type": "text/plain"})
    assert r.status_code == 400
    assert r.json()["error"] == "Invalid JSON body"


def test_an_integer_string_is_taken(fay):
    r = fay.post("/api/movies/delicatessen/ratings/", {"rating": "4"})
    assert r.status_code == 201 and r.json()["rating"] == 4


def test_unknown_movie(ana):
    for send in (ana.post, ana.put):
        r = send("/api/movies/nothing/ratings/", {"rating": 3})
        assert r.status_code == 404 and r.json()["model"] == "Movie"
    assert ana.get("/api/movies/nothing/ratings/").status_code == 404


def test_sums_and_uniqueness_under_concurrency(stack, ana, bob, carla):
    path = "/api/movies/apocalypse-now/ratings/"

    def rate(who):
        return stack.client(who).post(path, {"rating": 4}).status_code

    log = stack.cluster.process
    before = len(log.text())
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        got = list(pool.map(rate, ["ana", "bob", "carla", "fay"] * 5))
    assert sorted(got) == [201] * 4 + [400] * 16
    assert stack.value("SELECT (rating_sum, rating_count)::text FROM movie"
                       " WHERE slug = 'apocalypse-now'") == "(16,4)"
    again = ana.post(path, {"rating": 4})
    assert again.json()["error"] == "You have already rated this movie"
    # a caller's mistake is no error of the database
    assert "ERROR" not in log.text()[before:]


def test_a_deleted_rating_does_not_stand_in_the_way(stack, ana):
    path = "/api/movies/wall-e/ratings/"
    assert ana.post(path, {"rating": 1}).status_code == 201
    stack.sql("UPDATE rating SET deleted_at = now() WHERE movie_id = 15")
    stack.sql("INSERT INTO touch (kind, key) VALUES ('user', '1')")
    assert ana.post(path, {"rating": 5}).status_code == 201
    assert ana.get(path).json()["rating"] == 5
