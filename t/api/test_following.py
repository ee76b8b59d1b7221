# SPDX-License-Identifier: GPL-3.0-or-later
"""The persons that a user follows, and their streaming platforms."""

import concurrent.futures

import pytest

FOLLOWING = "/api/users/following/"
PLATFORMS = "/api/users/platforms/"


def follow(slug):
    return f"/api/persons/{slug}/follow/"


def followed(client, query=""):
    return [p["slug"] for p in client.get(FOLLOWING + query).json()["results"]]


def test_follow_and_unfollow(ana, bob, nina, client):
    assert followed(ana) == []
    for slug in ("al-pacino", "penelope-cruz", "al-pacino"):
        r = ana.put(follow(slug))
        assert (r.status_code, r.json()) == (200, {"status": True})
    shown = ana.get(FOLLOWING).json()
    assert shown == {"results": [ana.get(f"/api/persons/{slug}/").json() for slug
                                 in ("penelope-cruz", "al-pacino")],
                     "next_last_id": None, "count": 2, "count_exact": True}
    assert followed(bob) == []
    for _ in range(2):
        assert ana.delete(follow("al-pacino")).json() == {"status": True}
        assert followed(ana) == ["penelope-cruz"]
    for send in (ana.put, ana.delete):
        r = send(follow("nobody"))
        assert r.status_code == 404 and r.json()["model"] == "Person"
    for who, status in ((nina, 403), (client, 401)):
        for send in (who.put, who.delete):
            assert send(follow("al-pacino")).status_code == status


def test_pages_of_followed_persons(stack, bob):
    stack.sql("INSERT INTO follow (user_id, person_id)"
              " SELECT 2, id FROM person ON CONFLICT DO NOTHING")
    stack.touched()
    everybody = followed(bob, "?limit=100")
    found = []
    for page in bob.stretches(FOLLOWING, 3):
        assert page["count"] == len(everybody)
        found += [p["slug"] for p in page["results"]]
    assert found == everybody and len(set(found)) == len(found) > 3
    # who is deleted is not shown, at once
    stack.sql("UPDATE person SET deleted_at = now() WHERE slug = 'al-pacino'")
    stack.touched()
    assert followed(bob, "?limit=100") == [s for s in everybody
                                           if s != "al-pacino"]
    assert bob.put(follow("al-pacino")).status_code == 404
    stack.sql("UPDATE person SET deleted_at = NULL WHERE slug = 'al-pacino'")
    stack.touched()
    assert followed(bob, "?limit=100") == everybody


def test_platforms(ana, bob, nina, client):
    assert ana.get(PLATFORMS).json() == {"platforms": []}
    for sent, stored in ((["matinee", "arthouse"], ["arthouse", "matinee"]),
                         (["nowhere"], ["nowhere"]), ([], []),
                         (["matinee", "matinee"], ["matinee"])):
        r = ana.put(PLATFORMS, {"platforms": sent})
        assert (r.status_code, r.json()) == (200, {"platforms": stored})
        assert ana.get(PLATFORMS).json() == {"platforms": stored}
    assert bob.get(PLATFORMS).json() == {"platforms": []}
    for who, status in ((nina, 403), (client, 401)):
        assert who.get(PLATFORMS).status_code == status
        assert who.put(PLATFORMS, {"platforms": []}).status_code == status


@pytest.mark.parametrize("value", [
    ["matinee", "no-platform"], [""], [None], [7], [["matinee"]], {"a": 1}, 7,
    None, ["x" * 256], ["matinee"] * 51, ["a\0b"]])
def test_what_is_no_list_of_platforms(bob, value):
    bob.put(PLATFORMS, {"platforms": ["arthouse"]})
    r = bob.put(PLATFORMS, {"platforms": value})
    assert r.status_code == 400 and r.json()["error"]
    assert isinstance(r.json().get("platforms", []), list)
    assert bob.get(PLATFORMS).json() == {"platforms": ["arthouse"]}


def test_an_unknown_platform_in_other_languages(carla):
    r = carla.put(PLATFORMS, {"platforms": ["x"]})
    assert r.json()["platforms"] == ["Una de las plataformas no existe."]
    r = carla.put(PLATFORMS, {})
    assert r.status_code == 400 and "platforms" not in r.json()


def test_of_two_lists_at_once_one_counts(stack):
    lists = [["arthouse"], ["matinee"], ["nowhere", "matinee"], []]
    clients = [stack.client("fay") for _ in lists]
    with concurrent.futures.ThreadPoolExecutor(len(lists)) as pool:
        for _ in range(10):
            list(pool.map(lambda c, l: c.put(PLATFORMS, {"platforms": l}),
                          clients, lists))
            stored = clients[0].get(PLATFORMS).json()["platforms"]
            assert stored in [sorted(x) for x in lists]


def test_a_platform_that_is_deleted(stack, fay):
    fay.put(PLATFORMS, {"platforms": ["matinee", "nowhere"]})
    for deleted, shown in (("now()", ["nowhere"]),
                           ("NULL", ["matinee", "nowhere"])):
        stack.sql(f"UPDATE platform SET deleted_at = {deleted}"
                  " WHERE slug = 'matinee'")
        stack.touched()
        assert fay.get(PLATFORMS).json()["platforms"] == shown
