# SPDX-License-Identifier: GPL-3.0-or-later
"""The first journey: a newcomer, over TLS, on real ratings."""

import pytest

import world
from stack import wait_until

WORLD = "movielens" if world.shared_data("ml-latest-small") else "demo"
PASSWORD = "Trilobite-lantern-71"


@pytest.fixture(scope="module")
def traveller(stack):
    return stack.client(tls=True)


def slugs(response):
    assert response.status_code == 200, response.text
    body = response.json()
    return [m["slug"] for m in (body["results"] if isinstance(body, dict)
                                else body)]


def test_the_whole_journey(stack, traveller):
    me = traveller
    address = "nora@example.org"

    # sign up; nothing is open yet
    r = me.post("/api/auth/signup/", {
        "username": "nora", "email": address, "password": PASSWORD,
        "confirm_password": PASSWORD, "first_name": "Nora",
        "last_name": "Nowak"})
    assert r.status_code == 200 and r.json()["username"] == "nora"
    me.login("nora", PASSWORD)
    assert me.get("/api/movies/").status_code == 403

    # the code comes by mail
    code = stack.mail(address)
    r = me.post("/api/auth/verify/", {"verification_code": code})
    assert r.status_code == 200 and r.json() == {"status": True}
    me.login("nora", PASSWORD)
    me.refresh()

    assert me.post("/api/users/onboarding/").status_code == 200
    me.refresh()
    me.language("es")
    assert me.get("/api/users/preferred-language/").json() == {
        "preferred_language": "es"}
    me.language("en")

    # recommendations, five of them rated, and gone
    first = slugs(me.get("/api/movies/"))
    assert len(first) == 20
    for slug in first[:5]:
        r = me.post(f"/api/movies/{slug}/ratings/", {"rating": 5})
        assert r.status_code == 201, r.text
    assert not set(first[:5]) & set(slugs(me.get("/api/movies/")))

    # change one and read it at once
    path = f"/api/movies/{first[0]}/ratings/"
    assert me.get(path).json()["rating"] == 5
    assert me.put(path, {"rating": 2}).status_code == 200
    assert me.get(path).json()["rating"] == 2

    # search with an accent the catalogue has, and with a typing error
    for name in ("Am\u00e9lie", "AMELIE"):
        found = me.get("/api/movies/searching/", params={"name": name})
        assert any("Am\u00e9lie" in m["title"]
                   for m in found.json()["results"])
    found = me.get("/api/movies/searching/", params={"name": "godfahter"})
    assert "Godfather" in found.json()["results"][0]["title"]

    # not seen, so not proposed
    page = slugs(me.get("/api/movies/"))
    assert me.post(f"/api/movies/{page[0]}/unseen/").status_code == 200
    assert page[0] not in slugs(me.get("/api/movies/"))

    # what one has already need not be sent again
    path = f"/api/movies/{page[1]}/"
    seen = me.get(path)
    again = me.get(path, headers={"If-None-Match": seen.headers["ETag"]})
    assert again.status_code == 304 and not again.content


# -- taste -------------------------------------------------------------------

SCIENCE_FICTION = {"sci-fi", "science-fiction"}


@pytest.fixture(scope="module")
def model(stack):
    """What the site's own ratings teach, in force on this host."""
    stack.ctl("recommend train --quiet", timeout=300)
    wait_until(lambda: (stack.base / "model").exists(),
               "mxm-jobs fetches the model")
    return stack.sql(
        "SELECT m.slug FROM live_movie AS m"
        "  JOIN movie_genre AS mg ON mg.movie_id = m.id"
        "  JOIN genre AS g ON g.id = mg.genre_id"
        " WHERE g.slug = ANY (%s)"
        " ORDER BY m.rating_count DESC, m.id LIMIT 5",
        (sorted(SCIENCE_FICTION),))


def science_fiction(me):
    """The share of science fiction on a page."""
    films = me.get("/api/movies/").json()
    assert len(films) == 20
    return sum(any(g["slug"] in SCIENCE_FICTION for g in m["genres"])
               for m in films)


@pytest.mark.parametrize("name, stars, turns", [
    ("stella", 5, lambda before, after: after > before),
    ("terra", 1, lambda before, after: after < before)])
def test_five_films_turn_the_next_page(stack, model, name, stars, turns):
    me = stack.client(tls=True)
    me.signup(name, f"{name}@example.org", PASSWORD)
    before = science_fiction(me)
    assert before > 0
    pages = []
    for (slug,) in model:
        r = me.post(f"/api/movies/{slug}/ratings/", {"rating": stars})
        assert r.status_code == 201, r.text
        page = slugs(me.get("/api/movies/"))
        assert slug not in page and page not in pages, "each rating counts"
        pages.append(page)
    assert turns(before, science_fiction(me))
    why = [w for m in me.get("/api/movies/").json() for w in m["because"]]
    named = {w["movie"].rstrip("/").rsplit("/", 1)[1] for w in why
             if w["kind"] == "rating"}
    assert named and named <= {slug for (slug,) in model}
