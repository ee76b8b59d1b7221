# SPDX-License-Identifier: GPL-3.0-or-later
"""GET /api/movies/together/: films for a group, with a model that was trained on
this site and without one. Users like either even or odd movies."""

from urllib.parse import quote

import pytest

import made
from people import account

WORLD = "catalogue"
PATH = "/api/movies/together/"
EVEN = {m: 1 if m % 2 else 5 for m in range(8)}
ODD = {m: 5 if m % 2 else 1 for m in range(8)}
ITEM = ["id", "title", "slug", "release_date", "synopsis", "cover", "genres",
        "awards", "platforms", "actors", "directors", "members"]


@pytest.fixture(scope="module", autouse=True)
def ratings(stack):
    made.rate_all(stack)


@pytest.fixture(scope="module")
def trained(stack, ratings):
    made.train(stack)


@pytest.fixture(scope="module", params=["without a model", "with a model"])
def any_model(request, stack, ratings):
    """Both, in this order."""
    if request.param == "with a model":
        request.getfixturevalue("trained")
    return request.param


@pytest.fixture
def group(stack):
    """Three friends and what they have rated; rated anew for each test."""
    for name, stars in (("ana", EVEN), ("bob", ODD), ("carla", {})):
        made.rate(stack, name, stars)
        stack.sql("DELETE FROM account_platform WHERE user_id ="
                  " (SELECT id FROM account WHERE username = %s)", (name,))
        stack.sql("DELETE FROM unseen WHERE user_id ="
                  " (SELECT id FROM account WHERE username = %s)", (name,))
    return stack.client("ana")


def page(who, *names, **more):
    query = "&".join([*(f"with={quote(n)}" for n in names),
                      *(f"{k}={v}" for k, v in more.items())])
    response = who.get(f"{PATH}?{query}")
    assert response.status_code == 200, response.text
    return response.json()


def slugs(found):
    return [m["slug"] for m in found["results"]]


def everything(who, *names):
    return page(who, *names, limit=100)


# --------------------------------------------------------------- what is found

def test_an_item_is_a_film_with_the_ratings_of_the_members(any_model, group):
    found = page(group, "carla", "bob")
    assert list(found) == ["results", "total_pages", "count", "count_exact",
                           "has_next", "has_previous", "current_page"]
    assert len(found["results"]) == 10
    for film in found["results"]:
        assert list(film) == ITEM
        assert [m["username"] for m in film["members"]] \
            == ["ana", "bob", "carla"]
        assert all(1 <= m["rating"] <= 5 for m in film["members"])


def test_the_least_satisfied_member_decides_the_order(any_model, group):
    least = [min(m["rating"] for m in film["members"])
             for film in everything(group, "bob")["results"]]
    assert least == sorted(least, reverse=True)


def test_what_a_member_has_rated_or_marked_is_missing(any_model, stack, group):
    before = everything(group, "bob")
    assert not {made.slug(m) for m in EVEN} & set(slugs(before))
    one, two = slugs(before)[:2]
    assert stack.client("bob").post(f"/api/movies/{one}/unseen/",
                                    {}).status_code == 200
    assert stack.client("bob").post(f"/api/movies/{two}/ratings/",
                                    {"rating": 3}).status_code == 201
    after = everything(group, "bob")
    assert not {one, two} & set(slugs(after))
    assert after["count"] == before["count"] - 2


def test_pages(any_model, group):
    whole = everything(group, "bob")
    assert whole["count"] == len(whole["results"]) > 20
    found = []
    for number in range(1, whole["count"] // 10 + 2):
        one = page(group, "bob", page=number)
        assert one["count"] == whole["count"]
        found += one["results"]
        if not one["has_next"]:
            break
    assert found == whole["results"]
    assert page(group, "bob", page=99)["current_page"] == one["current_page"]


def test_films_that_are_not_out_or_deleted_are_missing(any_model, stack, group):
    one, two = slugs(everything(group, "bob"))[:2]
    stack.sql("UPDATE movie SET release_date = current_date + 30"
              " WHERE slug = %s", (one,))
    stack.sql("UPDATE movie SET deleted_at = now() WHERE slug = %s", (two,))
    try:
        assert not {one, two} & set(slugs(everything(group, "bob")))
    finally:
        stack.sql("UPDATE movie SET release_date = '2001-04-25',"
                  " deleted_at = NULL WHERE slug IN (%s, %s)", (one, two))


def test_everything_is_rated(any_model, stack, group):
    made.rate(stack, "carla", {m: 3 for m in range(made.MOVIES)})
    stack.sql("INSERT INTO rating (user_id, movie_id, rating)"
              " SELECT 3, id, 3 FROM movie WHERE id < 1000"
              "    ON CONFLICT DO NOTHING")
    found = page(group, "carla")
    assert (found["results"], found["count"], found["total_pages"]) \
        == ([], 0, 1)


def test_opposite_tastes_meet_in_the_middle(trained, group):
    """Films of one kind please one of two opposites only."""
    alone = everything(group, "carla")["results"]
    assert all(film["slug"][-1] in "02468" for film in alone[:5]
               if film["slug"].startswith("made-"))
    for film in everything(group, "bob")["results"]:
        kind = film["slug"].rpartition("-")[2]
        if film["slug"].startswith("made-"):
            ana, bob = (m["rating"] for m in film["members"])
            assert (ana > bob) == (int(kind) % 2 == 0)


def test_the_ratings_are_those_of_the_prediction(any_model, stack, group):
    clients = {name: stack.client(name) for name in ("ana", "bob", "carla")}
    for film in page(group, "bob", "carla", limit=5)["results"]:
        for member in film["members"]:
            alone = clients[member["username"]].get(
                f"/api/movies/{film['slug']}/prediction/").json()
            assert abs(alone["rating"] - member["rating"]) < 0.011


def test_a_rating_changes_the_next_answer(trained, stack, group):
    before = page(group, "bob")
    bob = stack.client("bob")
    for movie in range(8):
        r = bob.put(f"/api/movies/{made.slug(movie)}/ratings/",
                    {"rating": EVEN[movie]})
        assert r.status_code == 200
    after = page(group, "bob")
    assert slugs(after) != slugs(before)
    assert after["results"][0]["members"][1]["rating"] > 4


def test_a_friend_who_takes_no_part_in_training(trained, stack, group):
    """From the next request on: predicted as a user without ratings, but what
    they have rated is missing."""
    bob = stack.client("bob")
    before = everything(group, "bob")
    assert bob.put("/api/users/", {"training": False}).status_code == 200
    after = everything(group, "bob")
    made.rate(stack, "carla", {})
    neutral = everything(group, "carla")
    theirs = {film["slug"]: film["members"][1]["rating"]
              for film in neutral["results"]}
    assert set(slugs(after)) == set(slugs(before))
    assert all(film["members"][1]["rating"] == theirs[film["slug"]]
               for film in after["results"])
    own = page(bob, "ana")["results"][0]["members"][0]["rating"]
    assert bob.put("/api/users/", {"training": True}).status_code == 200
    assert everything(group, "bob") == before
    assert page(bob, "ana")["results"][0]["members"][0]["rating"] == own


# ------------------------------------------------------------------- platforms

def choose(stack, name, *platforms):
    r = stack.client(name).put("/api/users/platforms/",
                               {"platforms": list(platforms)})
    assert r.status_code == 200, r.text


def of_platforms(found):
    """The slugs of the platforms of the films that are on any."""
    return {tuple(sorted(p["slug"] for p in film["platforms"]))
            for film in found["results"] if film["platforms"]}


@pytest.fixture
def released(stack, ratings):
    """Two made-up films are on platforms."""
    stack.sql("INSERT INTO movie_platform VALUES (1030, 1), (1031, 2),"
              " (1032, 1), (1032, 2) ON CONFLICT DO NOTHING")


def test_films_are_on_a_platform_that_all_have(any_model, stack, released,
                                               group):
    assert {("arthouse",), ("matinee",), ("arthouse", "matinee")} \
        <= of_platforms(everything(group, "bob"))
    choose(stack, "ana", "arthouse", "matinee")
    assert ("matinee",) in of_platforms(everything(group, "bob"))
    choose(stack, "bob", "matinee")
    found = everything(group, "bob", "carla")
    assert of_platforms(found) == {("matinee",), ("arthouse", "matinee")}
    assert any(not film["platforms"] for film in found["results"])
    choose(stack, "carla", "arthouse")
    assert of_platforms(everything(group, "bob", "carla")) == set()
    choose(stack, "carla", "arthouse", "matinee")
    assert of_platforms(everything(group, "bob", "carla")) \
        == {("matinee",), ("arthouse", "matinee")}


# -------------------------------------------------------------------- refusals

def test_only_friends_can_be_named(stack, group):
    answers = set()
    for name in ("fay", "dora", "emil", "nobody", "gone", "ana", "BOB",
                 "%"):
        response = group.get(f"{PATH}?with=bob&with={quote(name)}")
        assert response.status_code == 404, name
        answers.add(response.text)
    assert len(answers) == 1, "a stranger looks as one who does not exist"


def test_a_friend_is_one_until_the_friendship_ends(stack, group):
    account(stack, "parted")
    stack.sql("INSERT INTO friendship (user1_id, user2_id)"
              " SELECT 1, id FROM account WHERE username = 'parted'")
    assert page(group, "parted")["count"] > 0
    assert group.delete("/api/users/friends/?username=parted",
                        {"username": "parted"}).status_code == 200
    assert group.get(f"{PATH}?with=parted").status_code == 404


def test_a_locked_friend_is_missing(stack, group):
    account(stack, "shut")
    stack.sql("INSERT INTO friendship (user1_id, user2_id)"
              " SELECT 1, id FROM account WHERE username = 'shut'")
    assert page(group, "shut")["count"] > 0
    stack.ctl(["user", "lock", "shut"])
    assert group.get(f"{PATH}?with=shut").status_code == 404


def test_names_are_counted_once_and_at_most_nine_are_given(group):
    assert page(group, *12 * ["bob"]) == page(group, "bob")
    assert len(page(group, "bob", "bob")["results"][0]["members"]) == 2
    response = group.get(PATH + "?" + "&".join(f"with=bob{n}" for n in range(10)))
    assert response.status_code == 400
    assert "9" in response.json()["with"][0]
    r = group.get(PATH + "?with[]=bob&with[]=carla")
    assert r.status_code == 200


@pytest.mark.parametrize("query", ["", "?with", "?with=&with[]=", "?page=2"])
def test_a_name_is_required(group, query):
    response = group.get(PATH + query)
    assert response.status_code == 400
    assert response.json()["with"] == ["This field is required."]


@pytest.mark.parametrize("query, status", [
    ("with=%00", 400), ("with=%ff", 400), ("with=" + 151 * "x", 400),
    ("with=bob&page=99999999999999999999", 200), ("with=bob&limit=NaN", 200),
    ("with=bob&page=-1&limit=1e999", 200), ("with=%E2%80%AEbob", 404),
    ("with=bob&" + "&".join(200 * ["with=carla"]), 400),
    ("with=bob%27%3B+DROP+TABLE+movie%3B--", 404)])
def test_bad_input(group, query, status):
    response = group.get(f"{PATH}?{query}", check=False)
    assert response.status_code == status, response.text
    if status == 400 and query not in ("with=%00", "with=%ff"):
        assert "with" in response.json()


def test_who_may(client, nina, group):
    assert client.get(PATH + "?with=bob").status_code == 401
    assert nina.get(PATH + "?with=bob").status_code == 403
    assert group.post(PATH + "?with=bob").status_code == 405


def test_ten_members(any_model, stack, group):
    for i in range(9):
        stack.sql("INSERT INTO friendship (user1_id, user2_id)"
                  " SELECT 1, id FROM account WHERE username = %s"
                  "    ON CONFLICT DO NOTHING", (f"made{i}",))
    found = page(group, *(f"made{i}" for i in range(9)))
    assert all(len(film["members"]) == 10 for film in found["results"])


def test_a_film_of_that_name_is_reached_by_other_routes_only(group):
    """The path is the route's; slugs that are segments are reserved."""
    assert group.get(PATH).status_code == 400
