# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole life of a user, from signing up to leaving, over TLS, on real ratings;
and what ratings do to recommendations."""

import pytest

import world
from stack import wait_until

WORLD = "movielens" if world.shared_data("ml-latest-small") else "demo"
PASSWORD = "Trilobite-lantern-71"


def slugs(response):
    assert response.status_code == 200, response.text
    body = response.json()
    return [m["slug"] for m in (body["results"] if isinstance(body, dict)
                                else body)]


def test_the_whole_journey(stack):
    me = stack.client(tls=True)
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

    them = stack.client(tls=True).signup("otto", "otto@example.org", PASSWORD)
    write_about_a_film(me, them)
    become_friends(me, them)
    share_lists(stack, me, them)
    choose_together(me, them)
    leave(stack, me, them)


# -- with others -------------------------------------------------------------

def ok(response, status=200):
    assert response.status_code == status, response.text
    return response.json()


def write_about_a_film(me, them):
    """A review, a comment, a reply and reactions, until the comment is deleted."""
    slug = slugs(me.get("/api/movies/"))[0]
    review = ok(me.post(f"/api/movies/{slug}/reviews/", {
        "title": "Twice", "content": "I <3 this", "is_positive": True}), 201)
    path = f"/api/reviews/{review['id']}/"
    assert ok(them.get(path))["title"] == "Twice"
    comment = ok(them.post(path + "comments/", {"content": "So do I."}), 201)
    place = f"{path}comments/{comment['id']}/"
    reply = ok(me.post(place + "replies/", {"content": "Good."}), 201)
    assert reply["reply_comment"].endswith(place)
    assert ok(them.get(place))["has_replies"] is True
    mark = ok(them.post(path + "reactions/", {"emoji_code": "LOVE"}))["id"]
    ok(me.post(place + "reactions/", {"emoji_code": "POPCORN"}))
    assert ok(me.get(path + "reactions/")) == {
        "reactions": {"\u2764\ufe0f": 1}, "your_reactions": {}}
    ok(them.delete(f"{path}reactions/{mark}/"))
    assert ok(me.get(path + "reactions/"))["reactions"] == {}
    edited = ok(me.put(path, {"title": "Thrice", "content": review["content"],
                              "is_positive": True}))
    assert edited["content"] == review["content"]
    ok(them.delete(place))
    assert me.get(f"{path}comments/{reply['id']}/").status_code == 404
    assert ok(me.get(path + "comments/"))["count"] == 0


def become_friends(me, them):
    """What one likes is then read by the other."""
    slug = slugs(them.get("/api/movies/"))[0]
    ok(them.post(f"/api/movies/{slug}/ratings/", {"rating": 5}), 201)
    path = f"/api/movies/{slug}/friends-ratings/"
    assert ok(me.get(path))["results"] == []
    ok(me.post("/api/users/otto/friend-requests/"))
    found = ok(them.get("/api/users/friend-requests/"))["results"]
    assert [r["from_user"].split("/")[-2] for r in found] == ["nora"]
    ok(them.post("/api/users/nora/friend-requests/"))
    assert ok(me.get("/api/users/otto/"))["friendship"]["is_friend"] is True
    assert [r["rating"] for r in ok(me.get(path))["results"]] == [5]


def share_lists(stack, me, them):
    """A list is private, then for friends; a smart list is filled at once."""
    films = slugs(me.get("/api/movies/"))[:3]
    given = {"name": "Sofa", "description": "For rain.", "privacity": "R"}
    made = ok(me.post("/api/movies-lists/", given), 201)
    path = f"/api/movies-lists/nora/{made['slug']}/"
    for slug in films:
        ok(me.post(f"{path}{slug}/"))
    assert ok(me.get(f"/api/movies/{films[1]}/movie-lists/")) == [made["slug"]]
    assert them.get(path).status_code == 404
    ok(me.put(path, {**given, "privacity": "F"}))
    assert [m.split("/")[-2] for m in ok(them.get(path))["movies"]] == films
    stranger = stack.client(tls=True).signup("sven", "sven@example.org", PASSWORD)
    assert stranger.get(path).status_code == 404
    assert them.delete(path).status_code == 403
    smart = ok(me.post("/api/movies-lists/?intelligent=true&friends[]=otto", {
        **given, "name": "Chosen", "privacity": "P"}), 201)
    path = f"/api/movies-lists/nora/{smart['slug']}/movies/searching/"
    seen = [m["slug"] for page in (1, 2, 3, 4) for m in ok(
        stranger.get(f"{path}?page={page}&limit=10"))["results"]]
    assert seen == [m.split("/")[-2] for m in smart["movies"]]
    assert len(set(seen)) == 40


def choose_together(me, them):
    """What neither has rated or marked, ranked by the less satisfied of both."""
    marked = slugs(them.get("/api/movies/"))[0]
    ok(them.post(f"/api/movies/{marked}/unseen/"))
    path = "/api/movies/together/?with=otto&limit=100"
    found = ok(me.get(path))["results"]
    names = [m["slug"] for m in found]
    assert names == slugs(them.get(path.replace("otto", "nora")))
    assert names and marked not in names
    for film in found[:5]:
        for who in (me, them):
            assert who.get(f"/api/movies/{film['slug']}/ratings/"
                           ).status_code == 404
    least = [min(m["rating"] for m in film["members"]) for film in found]
    assert least == sorted(least, reverse=True)


def leave(stack, me, them):
    """Logged out, logged in again, removed: nothing of the user is left for
    others, and the address is free after the deletion."""
    token = me.token
    ok(me.post("/api/auth/logout/"))
    assert me.get("/api/movies/").status_code == 401
    me.login("nora", PASSWORD)
    assert me.token != token
    reviews = ok(them.get("/api/users/nora/reviews/"))["results"]
    assert len(reviews) == 1
    ok(me.delete("/api/users/", {"password": PASSWORD}))
    assert stack.mail_message(
        "nora@example.org")["Subject"].startswith("Removal")
    assert me.get("/api/users/").status_code == 401
    for path in ("/api/users/nora/", "/api/users/nora/reviews/",
                 f"/api/reviews/{reviews[0]['id']}/", "/api/movies-lists/nora/"):
        assert them.get(path).status_code == 404
    assert ok(them.get("/api/users/friends/"))["count"] == 0
    stack.sql("UPDATE account SET removed_at = removed_at - interval '60 days'"
              " WHERE username = 'nora'")
    job = stack.value("INSERT INTO job (name) VALUES ('prune_removed')"
                      " RETURNING id")
    wait_until(lambda: stack.value("SELECT state FROM job WHERE id = %s", [job])
               == "done", "removed accounts are deleted", alive=stack.jobs)
    assert stack.value("SELECT count(*) FROM account WHERE username = 'nora'"
                       ) == 0
    again = stack.client(tls=True).signup("nora", "nora@example.org", PASSWORD)
    assert ok(again.get("/api/movies-lists/"))["count"] == 0


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
