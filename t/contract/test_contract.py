# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract checker itself: it accepts valid answers and reports the errors
of others."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

import contract  # noqa: E402

JUDGE = contract.Contract(
    pending={("GET", "/api/persons/{person}/")}, log="")
MOVIE = contract.load()["components"]["schemas"]["Movie"]["examples"][0]
JSON = {"Content-Type": "application/json"}


def judge(method, path, status, body=None, headers=None):
    data = body if isinstance(body, bytes) else \
        b"" if body is None else json.dumps(body).encode()
    return JUDGE.check(method, path, status, headers or JSON, data)


def fault(*call, **more):
    with pytest.raises(contract.ContractError) as error:
        judge(*call, **more)
    return str(error.value)


def test_a_right_answer_passes():
    found = judge("GET", "/api/movies/19-metropolis/", 200, MOVIE)
    assert found.id == "movie_detail" and found.guard == "VERIFIED"
    assert JUDGE.called["movie_detail"] >= {200}


@pytest.mark.parametrize("path, name", [
    ("/api/movies", "movie_recommendations"),
    ("/api/movies/searching/?name=x", "movie_search"),
    ("/api/movies/a%20b", "movie_detail"),
    ("/api/users/friends/", "friend_list_self"),
    ("/api/users/friends/reviews/", "user_reviews"),
    ("/api/movies-lists/ana/to-see/movies/searching/", "list_movie_search"),
    ("/media/users/deep/x.png", "media"),
    ("/healthz", "healthz"),
])
def test_paths_find_their_operation(path, name):
    assert JUDGE.find("GET", path).id == name


def test_what_is_pending_is_not_there():
    assert JUDGE.find("GET", "/api/persons/fritz-lang/") is None


def test_a_status_that_is_not_documented():
    assert "not documented" in fault("GET", "/api/genres/", 204)


def test_a_wrong_type_is_told_with_its_place():
    text = fault("GET", "/api/genres/", 200,
                     [{"id": "4", "name": "x", "slug": "x"}])
    assert "$[0].id: '4' is not of type 'integer'" in text


def test_a_key_that_is_not_documented():
    text = fault("GET", "/api/movies/x/", 200, {**MOVIE, "rating": 4.5})
    assert "$.rating is not documented" in text
    text = fault("GET", "/api/genres/", 200, [
        {"id": 4, "name": "x", "slug": "x", "count": 1}])
    assert "$[0].count is not documented" in text


def test_recommendations_say_why():
    judge("GET", "/api/movies/", 200, [{**MOVIE, "because": [
        {"kind": "friend", "text": "bob liked it",
         "user": "https://movies.example.org/api/users/bob/"},
        {"kind": "another", "text": "Why not?"}]}])
    assert "because" in fault("GET", "/api/movies/", 200, [MOVIE])
    assert "because" in fault("GET", "/api/movies/", 200,
                                  [{**MOVIE, "because": [{"kind": "x"}]}])


def test_pages_check_their_results():
    page = {"results": [{**MOVIE, "id": "7"}], "total_pages": 1, "count": 1,
            "count_exact": True, "has_next": False, "has_previous": False, "current_page": 1}
    assert "$.results[0].id" in fault(
        "GET", "/api/movies/searching/", 200, page)


@pytest.mark.parametrize("time", [
    "2026-03-01T12:00:00Z", "2026-03-01 12:00:00+00:00",
    "2026-03-01T12:00:00.5+00:00", "2026-02-30T12:00:00+00:00", "yesterday"])
def test_times_have_one_form(time):
    rating = {"id": 1, "user": "https://h/api/users/ana/",
              "movie": "https://h/api/movies/x/", "rating": 5,
              "created_at": "2026-03-01T12:00:00+00:00"}
    judge("GET", "/api/movies/x/ratings/", 200, rating)
    assert "created_at" in fault("GET", "/api/movies/x/ratings/", 200,
                                     {**rating, "created_at": time})


@pytest.mark.parametrize("address", [
    "/api/persons/x/", "https://h/api/persons/a b/", "ftp://h/x",
    "https://h/ä/", "https://h/%4/"])
def test_addresses_are_absolute(address):
    assert "actors" in fault("GET", "/api/movies/x/", 200,
                                 {**MOVIE, "actors": [address]})


def test_an_error_needs_its_sentence():
    headers = {**JSON, "WWW-Authenticate": 'Bearer realm="api"'}
    judge("GET", "/api/genres/", 401,
          {"error": "You need to be authenticated"}, headers)
    assert "WWW-Authenticate is missing" in fault(
        "GET", "/api/genres/", 401, {"error": "You need to be authenticated"})
    assert "'error' is a required property" in fault(
        "GET", "/api/genres/", 401, {"detail": "no"})


def test_a_problem_is_judged_as_one():
    headers = {"Content-Type": "application/problem+json"}
    judge("GET", "/api/genres/", 403, {
        "type": "x", "title": "Forbidden", "status": 403, "error": "no"},
        headers)
    assert "title" in fault("GET", "/api/genres/", 403, {
        "type": "x", "status": 403, "error": "no"}, headers)


def test_waiting_needs_its_header():
    body = {"error": "Later"}
    assert "Retry-After is missing" in fault(
        "GET", "/api/genres/", 503, body)
    judge("GET", "/api/genres/", 503, body, {**JSON, "Retry-After": "5"})
    assert "Retry-After" in fault(
        "GET", "/api/genres/", 503, body, {**JSON, "Retry-After": "soon"})


def test_json_is_read_strictly():
    assert "given twice" in fault("GET", "/healthz", 200,
                                      b'{"status":"ok","status":"ok"}')
    assert "not JSON" in fault("GET", "/healthz", 200, b"\xff")
    assert "not JSON" in fault("GET", "/api/genres/", 200, b"[NaN]")


def test_the_content_type_has_to_be_documented():
    assert "content type is none of" in fault(
        "GET", "/api/genres/", 200, b"[]", {"Content-Type": "text/html"})


def test_some_answers_have_no_body():
    judge("GET", "/api/genres/", 304, headers={"ETag": 'W/"a"'})
    judge("HEAD", "/api/genres/", 200)
    assert "no body" in fault("GET", "/api/genres/", 304, [])
    assert "no body" in fault("HEAD", "/api/genres/", 200, [])


def test_options_and_allow():
    allow = {"Allow": "GET, HEAD, OPTIONS, POST, PUT"}
    judge("OPTIONS", "/api/movies/x/ratings/", 204, headers=allow)
    assert "expected" in fault("OPTIONS", "/api/movies/x/ratings/", 204,
                                   headers={"Allow": "GET"})
    assert "204" in fault("OPTIONS", "/api/movies/x/ratings/", 200,
                              headers=allow)
    body = {"error": "no", "detail": "no"}
    judge("DELETE", "/api/movies/x/ratings/", 405, body, {**JSON, **allow})
    assert "Allow is missing" in fault(
        "DELETE", "/api/movies/x/ratings/", 405, body)


def test_what_is_not_there():
    error = {"error": "Not Found"}
    judge("GET", "/api/nothing/", 404, error)
    assert "not documented" in fault("GET", "/api/nothing/", 200, {})
    assert "405 and not 404" in fault("PUT", "/api/genres/", 404, error)
    assert "404 and not 405" in fault("GET", "/api/nothing/", 405, error)
    judge("GET", "/elsewhere", 200, b"x", {"Content-Type": "text/html"})


def test_uncalled_operations_are_told(tmp_path):
    log = tmp_path / "calls"
    one = contract.Contract(pending=frozenset(), log=str(log))
    one.check("GET", "/healthz", 200, JSON, b'{"status":"ok"}')
    other = contract.Contract(pending=frozenset(), log=str(log))
    assert "healthz" not in other.uncalled()
    assert "readyz" in other.uncalled() and "media" not in other.uncalled()
