# SPDX-License-Identifier: GPL-3.0-or-later
"""Reactions to reviews and comments."""

import concurrent.futures

import pytest

REVIEW, COMMENT = "/api/reviews/2/", "/api/reviews/1/comments/1/"
PLACES = pytest.mark.parametrize("place", [REVIEW, COMMENT])
GLYPHS = {
    "LIKE": "\U0001F44D", "LOVE": "\u2764\uFE0F", "LAUGH": "\U0001F602",
    "SAD": "\U0001F622", "FIRE": "\U0001F525", "EYES": "\U0001F440",
    "POOP": "\U0001F4A9", "SKULL": "\U0001F480", "CLOWN": "\U0001F921",
    "MIND_BLOWN": "\U0001F92F", "PARTY": "\U0001F389",
    "THINKING": "\U0001F914", "POPCORN": "\U0001F37F", "STAR": "\u2B50",
    "TOP": "\U0001F51D", "TRASH": "\U0001F5D1\uFE0F"}


@pytest.fixture(autouse=True)
def none(stack):
    if stack.value("SELECT count(*) FROM reaction"):
        stack.sql("DELETE FROM reaction")
        stack.touched()


def react(client, place, emoji):
    return client.post(place + "reactions/", {"emoji_code": emoji})


def shown(client, place):
    r = client.get(place + "reactions/")
    assert r.status_code == 200
    return r.json()["reactions"], r.json()["your_reactions"]


@PLACES
def test_all_sixteen(ana, bob, place):
    assert shown(ana, place) == ({}, {})
    ids = {}
    for code, glyph in GLYPHS.items():
        r = react(ana, place, code)
        assert r.status_code == 200
        assert list(r.json()) == ["status", "id"] and r.json()["id"] > 0
        ids[glyph] = r.json()["id"]
    assert shown(ana, place) == (dict.fromkeys(GLYPHS.values(), 1), ids)
    assert shown(bob, place) == (dict.fromkeys(GLYPHS.values(), 1), {})


@PLACES
@pytest.mark.parametrize("sent, code", [
    *((glyph, code) for code, glyph in GLYPHS.items()),
    ("\U0001F973", "PARTY"), ("\u2764", "LOVE"), ("\U0001F5D1", "TRASH")])
def test_by_glyph(ana, place, sent, code):
    assert react(ana, place, sent).status_code == 200
    assert shown(ana, place)[0] == {GLYPHS[code]: 1}
    assert react(ana, place, code).status_code == 400


@PLACES
def test_toggle(ana, bob, carla, place):
    """One's own at once, others' counts too, and again after its removal."""
    for _ in range(3):
        made = react(ana, place, "LIKE").json()["id"]
        assert react(bob, place, "LIKE").status_code == 200
        assert shown(carla, place) == ({GLYPHS["LIKE"]: 2}, {})
        assert shown(ana, place)[1] == {GLYPHS["LIKE"]: made}
        r = ana.delete(f"{place}reactions/{made}/")
        assert (r.status_code, r.json()) == (200, {"status": True})
        assert shown(ana, place) == ({GLYPHS["LIKE"]: 1}, {})
        assert ana.delete(f"{place}reactions/{made}/").status_code == 404
        theirs = shown(bob, place)[1][GLYPHS["LIKE"]]
        assert bob.delete(f"{place}reactions/{theirs}/").status_code == 200
        assert shown(carla, place) == ({}, {})


@PLACES
def test_each_emoji_once(stack, ana, carla, place):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        got = sorted(pool.map(lambda _: react(
            stack.client("ana"), place, "FIRE").status_code, range(8)))
    assert got == [200] + [400] * 7
    r = react(ana, place, "FIRE")
    assert r.json()["error"] == "You have already reacted with this emoji"
    assert react(carla, place, "FIRE").status_code == 200
    assert "Ya ha reaccionado" in react(carla, place, "FIRE").json()["error"]
    assert shown(ana, place)[0] == {GLYPHS["FIRE"]: 2}


@PLACES
@pytest.mark.parametrize("emoji", ["", "like", "X", None, 7, [], {}, "x" * 500,
                                   "\U0001F44D\U0001F44D", "\U0001F600"])
def test_unknown_emojis(stack, ana, place, emoji):
    r = react(ana, place, emoji)
    assert r.status_code == 400
    assert isinstance(r.json()["emoji"], list) and r.json()["error"]
    assert stack.value("SELECT count(*) FROM reaction") == 0


@PLACES
def test_bad_bodies(ana, place):
    r = ana.post(place + "reactions/", {})
    assert (r.status_code, r.json()["error"]) == (400,
                                                  "Missing required fields")
    assert ana.post(place + "reactions/", {"emoji_code": "\0"}
                    ).status_code == 400


@PLACES
def test_who_may(ana, bob, carla, client, nina, place):
    made = react(ana, place, "EYES").json()["id"]
    path = f"{place}reactions/{made}/"
    assert client.get(place + "reactions/").status_code == 401
    assert nina.get(place + "reactions/").status_code == 403
    assert react(client, place, "LIKE").status_code == 401
    assert react(nina, place, "LIKE").status_code == 403
    assert client.delete(path).status_code == 401
    assert nina.delete(path).status_code == 403
    for who, text in ((bob, "own reactions"), (carla, "propias reacciones")):
        r = who.delete(path)
        assert r.status_code == 403 and text in r.json()["error"]
    assert shown(ana, place)[0] == {GLYPHS["EYES"]: 1}


@PLACES
@pytest.mark.parametrize("number", ["-1", "x", "0", "99999999",
                                    "9223372036854775808"])
def test_missing_reactions(ana, place, number):
    r = ana.delete(f"{place}reactions/{number}/")
    assert (r.status_code, r.json()["model"]) == (404, "Reaction")


def test_the_path_must_fit(ana):
    """A reaction is removed by the path of what it belongs to only."""
    on_review = react(ana, REVIEW, "LIKE").json()["id"]
    on_comment = react(ana, COMMENT, "LIKE").json()["id"]
    for path in (f"{COMMENT}reactions/{on_review}/",
                 f"{REVIEW}reactions/{on_comment}/",
                 f"/api/reviews/1/reactions/{on_review}/",
                 f"/api/reviews/2/comments/1/reactions/{on_comment}/"):
        assert ana.delete(path).status_code == 404
    assert shown(ana, REVIEW)[1] and shown(ana, COMMENT)[1]


@pytest.mark.parametrize("place, model", [
    ("/api/reviews/999/", "Review"), ("/api/reviews/999/comments/1/", "Review"),
    ("/api/reviews/1/comments/999/", "Comment"),
    ("/api/reviews/2/comments/1/", "Comment")])
def test_missing_places(ana, place, model):
    for r in (ana.get(place + "reactions/"), react(ana, place, "LIKE"),
              ana.delete(place + "reactions/1/")):
        assert (r.status_code, r.json()["model"]) == (404, model)
