# SPDX-License-Identifier: GPL-3.0-or-later
"""Reviews: those of a movie, and writing, changing and deleting one's own."""

import concurrent.futures

import pytest

HEAT = "/api/movies/heat/reviews/"
GOOD = {"title": "Two men", "content": "They have coffee.", "is_positive": True}


def of(movie):
    return f"/api/movies/{movie}/reviews/"


def one(review):
    return f"/api/reviews/{review['id']}/"


def test_write_read_change_delete(stack, ana, bob):
    assert bob.get(HEAT).json() == {"results": [], "next_last_id": None,
                                    "count": 0, "count_exact": True}
    r = ana.post(HEAT, {**GOOD, "user": "bob", "id": 7})
    assert r.status_code == 201
    made = r.json()
    assert list(made) == ["id", "title", "movie", "user", "content",
                          "is_positive", "spoiler", "created_at"]
    assert made["movie"] == f"{stack.tls_url}/api/movies/heat/"
    assert made["user"] == f"{stack.tls_url}/api/users/ana/"
    assert {key: made[key] for key in GOOD} == GOOD
    # at once, also for others
    assert bob.get(HEAT).json()["results"] == [made]

    changed = ana.put(one(made), {"title": "t", "content": "c",
                                  "is_positive": False})
    assert changed.status_code == 200
    assert changed.json() == {**made, "title": "t", "content": "c",
                              "is_positive": False}
    assert bob.get(HEAT).json()["results"] == [changed.json()]

    r = ana.delete(one(made))
    assert (r.status_code, r.json()) == (200, {"status": True})
    assert bob.get(HEAT).json()["count"] == 0
    for send in (ana.delete, ana.put):
        assert send(one(made), GOOD).status_code == 404
    assert ana.post(HEAT, GOOD).status_code == 201


def test_one_review(stack, ana, bob, client, nina):
    made = ana.post(of("city-of-god"), GOOD).json()
    for who in (ana, bob):
        for _ in range(2):  # from the cache, too
            assert who.get(one(made)).json() == made
    assert client.get(one(made)).status_code == 401
    assert nina.get(one(made)).status_code == 403
    changed = ana.put(one(made), {**GOOD, "title": "other"}).json()
    assert bob.get(one(made)).json() == changed
    stack.sql("UPDATE movie SET deleted_at = now() WHERE slug = 'city-of-god'")
    stack.touched()
    assert bob.get(one(made)).status_code == 404
    stack.sql("UPDATE movie SET deleted_at = NULL WHERE slug = 'city-of-god'")
    stack.touched()
    assert ana.delete(one(made)).status_code == 200
    r = bob.get(one(made))
    assert (r.status_code, r.json()["model"]) == (404, "Review")


def test_one_review_of_a_movie_and_user(stack, ana, bob):
    assert ana.post(of("volver"), GOOD).status_code == 201
    r = ana.post(of("volver"), GOOD)
    assert r.status_code == 400
    assert r.json()["__all__"] == [
        "Each user can only have one active review per movie."]
    assert r.json()["error"] == r.json()["__all__"][0]
    assert bob.post(of("volver"), GOOD).status_code == 201

    log = stack.cluster.process
    before = len(log.text())
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        got = list(pool.map(lambda _: stack.client("fay").post(
            of("volver"), GOOD).status_code, range(12)))
    assert sorted(got) == [201] + [400] * 11
    assert "ERROR" not in log.text()[before:]


def test_only_the_author_may_change_and_delete(ana, bob, carla, nina, client):
    made = ana.post(of("amelie"), GOOD).json()
    for who, text in ((bob, "own reviews"), (carla, "propias reseñas")):
        for send in (who.put, who.delete):
            r = send(one(made), GOOD)
            assert r.status_code == 403 and text in r.json()["error"]
    assert "delete" in bob.delete(one(made)).json()["error"]
    assert "edit" in bob.put(one(made), GOOD).json()["error"]
    for send in (client.put, client.delete):
        assert send(one(made), GOOD).status_code == 401
    for send in (nina.put, nina.delete):
        assert send(one(made), GOOD).status_code == 403
    # what is wrong with the body comes before whose it is
    assert bob.put(one(made), {}).status_code == 400
    assert ana.get(of("amelie")).json()["results"] == [made]


@pytest.mark.parametrize("number", [
    "x", "-1", "1x", "1.0", "%2B1", "0x1", "9223372036854775808", "9" * 40,
    "%D9%A1", "%20", "0", "00", "9223372036854775807"])
def test_no_number_is_no_review(stack, ana, nina, client, number):
    mark = stack.mark()
    path = f"/api/reviews/{number}/"
    assert client.delete(path).status_code == 401
    assert nina.delete(path).status_code == 403
    for r in (ana.delete(path), ana.put(path, GOOD)):
        assert r.status_code == 404 and r.json()["model"] == "Review"
    # a number is looked up after the body is read, anything else before
    looked_up = number in ("0", "00", "9223372036854775807")
    assert ana.put(path, {}).status_code == (400 if looked_up else 404)
    assert " error " not in stack.log("mxmd", mark)


def test_zeros_before_a_number(ana):
    made = ana.post(of("delicatessen"), GOOD).json()
    assert ana.put(f"/api/reviews/000{made['id']}/", GOOD).json() == made


@pytest.mark.parametrize("change, key", [
    ({"title": ""}, "title"), ({"title": " \t"}, "title"),
    ({"title": None}, "title"), ({"title": "x" * 129}, "title"),
    ({"title": []}, "title"), ({"content": ""}, "content"),
    ({"content": "\n"}, "content"), ({"content": None}, "content"),
    ({"content": "x" * 10001}, "content"), ({"content": "a\0b"}, None),
    ({"is_positive": None}, "is_positive"),
    ({"spoiler": None}, "spoiler"), ({"spoiler": "yes"}, "spoiler"),
    ({"is_positive": "yes"}, "is_positive"), ({"is_positive": 1}, "is_positive")])
def test_what_is_refused(bob, change, key):
    before = bob.get(of("the-godfather")).json()
    mine = before["results"][0]
    for r in (bob.post(of("the-matrix"), {**GOOD, **change}),
              bob.put(one(mine), {**GOOD, **change})):
        assert r.status_code == 400, r.text
        assert r.json()["error"]
        if key:
            assert isinstance(r.json()[key], list)
    assert bob.get(of("the-godfather")).json() == before


def test_missing_keys(bob):
    for key in GOOD:
        body = {k: v for k, v in GOOD.items() if k != key}
        for r in (bob.post(of("the-matrix"), body), bob.put("/api/reviews/1/",
                                                            body)):
            assert r.status_code == 400
            assert r.json()["error"] == "Missing required fields"


def test_longest_and_markup(fay):
    text = "é" * 9000 + "<b>bold</b>"
    r = fay.post(of("the-conversation"), {"title": "ü" * 128, "content": text,
                                          "is_positive": False})
    assert r.status_code == 201
    assert r.json()["content"] == "é" * 9000 + "<\u2060b>bold<\u2060/b>"
    again = fay.put(one(r.json()), {**r.json()})
    assert again.json() == r.json()


def test_pages_by_cursor(stack, ana):
    stack.sql("INSERT INTO account (username, email, verified)"
              " SELECT 'r' || n, 'r' || n || '@example.org', true"
              "   FROM generate_series(1, 25) AS n")
    stack.sql("INSERT INTO review (user_id, movie_id, title, content,"
              "                    is_positive)"
              " SELECT a.id, m.id, a.username, 'c', true"
              "   FROM account AS a, movie AS m"
              "  WHERE a.username ~ '^r[0-9]+$' AND m.slug = 'wall-e'"
              "  ORDER BY a.id")
    stack.touched()
    path = of("wall-e")
    first = ana.get(path).json()
    assert len(first["results"]) == 10 and first["count"] == 25
    ids = [r["id"] for r in first["results"]]
    assert ids == sorted(ids, reverse=True)
    assert first["next_last_id"] == ids[-1]
    second = ana.get(f"{path}?last_id={ids[-1]}&limit=15").json()
    assert len(second["results"]) == 15 and second["next_last_id"] is None
    assert second["count"] == 25
    past = ana.get(f"{path}?last_id={second['results'][-1]['id']}").json()
    assert past == {"results": [], "next_last_id": None, "count": 25,
                    "count_exact": True}
    # whose cursor was deleted meanwhile goes on where it was
    stack.sql("DELETE FROM review WHERE id = %s", (ids[-1],))
    stack.touched()
    after = ana.get(f"{path}?last_id={ids[-1]}&limit=15").json()
    assert after["results"] == second["results"] and after["count"] == 24
    for odd in ("x", "-1", "", "NaN"):
        assert ana.get(f"{path}?last_id={odd}").json()["count"] == 24
        assert len(ana.get(f"{path}?limit={odd}").json()["results"]) == 10


def test_the_reviews_of_a_user(stack, ana, dora):
    """The newest first, at once, and each once."""
    path = "/api/users/dora/reviews/"
    assert ana.get(path).json()["results"] == []
    made = [dora.post(of(m), GOOD).json() for m in (
        "heat", "volver", "amelie", "the-matrix")]
    for who in (ana, dora):
        assert who.get(path).json() == {
            "results": made[::-1], "next_last_id": None, "count": 4,
            "count_exact": True}
    first = ana.get(path + "?limit=3").json()
    assert (first["results"], first["count"]) == (made[:0:-1], 4)
    second = ana.get(f"{path}?limit=3&last_id={first['next_last_id']}").json()
    assert (second["results"], second["next_last_id"]) == (made[:1], None)
    dora.put(one(made[0]), {**GOOD, "title": "New"})
    assert ana.get(path).json()["results"][-1]["title"] == "New"
    dora.delete(one(made[0]))
    assert ana.get(path).json()["count"] == 3
    # a movie that is deleted takes its reviews along
    for deleted, count in (("now()", 2), ("NULL", 3)):
        stack.sql(f"UPDATE movie SET deleted_at = {deleted}"
                  " WHERE slug = 'amelie'")
        stack.touched()
        shown = ana.get(path).json()
        assert shown["count"] == len(shown["results"]) == count


def test_the_mark_of_a_spoiler(stack, ana, bob):
    """Optional, false by default; an edit without it leaves it as it is."""
    made = ana.post(of("spirited-away"), {**GOOD, "spoiler": True}).json()
    path = of("spirited-away")

    def shown(value):
        for r in (bob.get(one(made)).json(), bob.get(path).json()["results"][0],
                  bob.get("/api/users/ana/reviews/").json()["results"][0]):
            assert r["id"] == made["id"] and r["spoiler"] is value

    assert made["spoiler"] is True
    shown(True)
    assert ana.put(one(made), GOOD).json() == made
    shown(True)
    assert ana.put(one(made), {**GOOD, "spoiler": False}).json()["spoiler"] is False
    shown(False)
    assert ana.put(one(made), {**GOOD, "spoiler": True}).json()["spoiler"] is True
    shown(True)

    comments = one(made) + "comments/"
    for places, body in ((comments, {}), (comments, {"spoiler": True})):
        c = bob.post(places, {"content": "c", **body}).json()
        assert c["spoiler"] is body.get("spoiler", False)
        here = f"{comments}{c['id']}/"
        reply = ana.post(here + "replies/", {"content": "r", **body}).json()
        for read, path in ((c, here), (reply, f"{comments}{reply['id']}/")):
            who = bob if read is c else ana
            other = not read["spoiler"]
            assert who.put(path, {"content": "x"}).json()["spoiler"] \
                is read["spoiler"]
            assert who.put(path, {"content": "x", "spoiler": other}
                           ).json()["spoiler"] is other
            assert ana.get(path).json()["spoiler"] is other
        assert bob.get(comments).json()["results"][0]["spoiler"] is not \
            c["spoiler"]
        [below] = bob.get(here + "replies/").json()["results"]
        assert below["spoiler"] is not reply["spoiler"]


def test_unknown_movie(ana):
    for r in (ana.get(of("nothing")), ana.post(of("nothing"), GOOD)):
        assert r.status_code == 404 and r.json()["model"] == "Movie"


def test_the_review_of_a_user_who_left(stack, ana, emil):
    """A deleted account takes its review along; a new name is shown at once."""
    made = emil.post(of("city-of-god"), GOOD).json()
    assert ana.get(of("city-of-god")).json()["results"] == [made]
    stack.sql("UPDATE account SET username = 'emile' WHERE username = 'emil'")
    stack.touched()
    [shown] = ana.get(of("city-of-god")).json()["results"]
    assert shown["user"].endswith("/api/users/emile/")
    stack.sql("DELETE FROM account WHERE username = 'emile'")
    stack.touched()
    assert ana.get(of("city-of-god")).json()["count"] == 0
