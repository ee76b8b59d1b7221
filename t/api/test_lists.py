# SPDX-License-Identifier: GPL-3.0-or-later
"""Movie lists: who may see them, searching, writing, smart lists."""

import concurrent.futures

import pytest

# list: what each of the callers gets
MATRIX = {
    # of ana: bob and carla are friends
    "ana/sunday": {"ana": 200, "bob": 200, "fay": 200, "nina": 403},
    # of bob: ana and fay are friends, carla and dora are not
    "bob/between-us": {"bob": 200, "ana": 200, "fay": 200, "carla": 404,
                       "dora": 404, "nina": 403},
    "bob/secret": {"bob": 200, "ana": 404, "fay": 404, "dora": 404,
                   "nina": 403},
    "bob/nothing": {"bob": 404, "ana": 404, "nina": 403},
    "nobody/sunday": {"ana": 404, "nina": 403},
    # another user's slug
    "ana/secret": {"ana": 404, "bob": 404},
}


def path(name):
    return f"/api/movies-lists/{name}/"


@pytest.mark.parametrize("name, who, status", [
    (name, who, status) for name, row in MATRIX.items()
    for who, status in row.items()])
def test_who_sees_what(stack, name, who, status):
    client = stack.client(who)
    for _ in range(2):  # from the cache, too
        assert client.get(path(name)).status_code == status
    assert stack.client().get(path(name)).status_code == 401


def test_hidden_and_missing_look_alike(stack, ana):
    hidden, missing = ana.get(path("bob/secret")), ana.get(path("bob/nothing"))
    assert hidden.json() == missing.json() == {
        "error": "This movies list doesn't exist or you're not allowed to see it"}
    r = ana.get(path("nobody/secret"))
    assert r.json()["model"] == "User" and r.json()["lookup_value"] == "nobody"


def test_the_whole_list(stack, bob):
    shown = bob.get(path("ana/sunday")).json()
    assert list(shown) == ["id", "name", "slug", "description", "privacity",
                           "user", "movies", "created_at", "updated_at"]
    assert shown["user"] == f"{stack.tls_url}/api/users/ana/"
    assert shown["movies"] == [f"{stack.tls_url}/api/movies/{slug}/" for slug
                               in ("amelie", "the-godfather")]
    assert (shown["privacity"], shown["description"]) == ("P", "For the sofa.")


def test_an_empty_list_and_one_in_order(stack, ana):
    stack.sql("INSERT INTO movielist (user_id, name, slug) VALUES"
              " (1, 'None', 'none'), (1, 'Back', 'back')")
    stack.sql("INSERT INTO movielist_movie (movielist_id, movie_id)"
              " SELECT l.id, m FROM movielist AS l, unnest(ARRAY[9, 4, 1]) AS m"
              "  WHERE l.slug = 'back'")
    assert ana.get(path("ana/none")).json()["movies"] == []
    assert [url.split("/")[-2] for url in ana.get(path("ana/back")).json()[
        "movies"]] == [stack.value(f"SELECT slug FROM movie WHERE id = {n}")
                       for n in (9, 4, 1)]
    stack.sql("DELETE FROM movielist WHERE slug IN ('none', 'back')")
    stack.touched()


def test_what_changes_is_seen(stack, dora, bob):
    """Privacy, friendship, movies, deletion: never from a stale copy."""
    name = path("bob/between-us")
    assert bob.get(name).status_code == 200
    assert dora.get(name).status_code == 404

    def change(sql):
        stack.sql(sql)
        stack.touched()

    change("INSERT INTO friendship (user1_id, user2_id) VALUES (2, 4)")
    assert dora.get(name).status_code == 200
    change("UPDATE movielist SET name = 'Ours' WHERE id = 3")
    assert dora.get(name).json()["name"] == "Ours"
    change("INSERT INTO movielist_movie (movielist_id, movie_id) VALUES (3, 1)")
    assert len(dora.get(name).json()["movies"]) == 2
    change("UPDATE movie SET deleted_at = now() WHERE id = 1")
    assert len(dora.get(name).json()["movies"]) == 1
    change("UPDATE movie SET deleted_at = NULL WHERE id = 1")
    change("UPDATE movielist SET privacity = 'R' WHERE id = 3")
    assert dora.get(name).status_code == 404
    change("UPDATE movielist SET privacity = 'P' WHERE id = 3")
    assert dora.get(name).status_code == 200
    change("UPDATE movielist SET deleted_at = now() WHERE id = 3")
    assert bob.get(name).status_code == dora.get(name).status_code == 404
    change("UPDATE movielist SET deleted_at = NULL, privacity = 'F',"
           " name = 'Between us' WHERE id = 3")
    assert dora.get(name).status_code == 200
    change("DELETE FROM friendship WHERE user1_id = 2 AND user2_id = 4")
    assert dora.get(name).status_code == 404


OWN = "/api/movies-lists/"
GOOD = {"name": "Rainy Sundays", "description": "<3", "privacity": "F"}


def slugs(answer):
    assert answer.status_code == 200, answer.text
    return [one["slug"] for one in answer.json()["results"]]


def films(shown):
    return [url.split("/")[-2] for url in shown["movies"]]


@pytest.fixture
def made(fay):
    """A new list of fay, who has no others; it is deleted at the end."""
    r = fay.post(OWN, GOOD)
    assert r.status_code == 201, r.text
    yield r.json()
    for slug in slugs(fay.get(OWN + "?limit=100")):
        assert fay.delete(path(f"fay/{slug}")).status_code == 200


def test_create_change_delete(stack, fay, ana, made):
    assert list(made) == ["id", "name", "slug", "description", "privacity",
                          "user", "movies", "created_at", "updated_at"]
    assert {k: made[k] for k in ("name", "privacity", "slug", "movies")} == {
        "name": "Rainy Sundays", "privacity": "F", "slug": "rainy-sundays",
        "movies": []}
    assert made["user"] == f"{stack.tls_url}/api/users/fay/"
    here = path("fay/rainy-sundays")
    assert fay.get(here).json() == made
    changed = fay.put(here, {"name": "Snow & Ice", "description": "",
                             "privacity": "P"})
    assert changed.status_code == 200
    assert (changed.json()["slug"], changed.json()["id"],
            changed.json()["created_at"]) == ("snow-ice", made["id"],
                                              made["created_at"])
    assert fay.get(here).status_code == 404
    assert ana.get(path("fay/snow-ice")).json() == changed.json()
    # the same name keeps the slug
    assert fay.put(path("fay/snow-ice"), {**GOOD, "name": "Snow & Ice"}
                   ).json()["slug"] == "snow-ice"
    r = fay.delete(path("fay/snow-ice"))
    assert (r.status_code, r.json()) == (200, {"success": True})
    assert fay.get(path("fay/snow-ice")).status_code == 404
    # the name is free at once
    assert fay.post(OWN, {**GOOD, "name": "Snow & Ice"}).status_code == 201


def test_names_that_collide(stack, fay, bob, made):
    for name in ("Rainy Sundays", "rainy  SUNDAYS", "Rainy Sundays!"):
        r = fay.post(OWN, {**GOOD, "name": name})
        assert r.status_code == 400
        assert r.json()["__all__"] == [
            "A movie list with this name already exists."]
    other = fay.post(OWN, {**GOOD, "name": "Other"}).json()
    r = fay.put(path("fay/other"), GOOD)
    assert r.status_code == 400 and "__all__" in r.json()
    assert fay.get(path("fay/other")).json() == other
    # of another user it does not matter
    assert bob.post(OWN, GOOD).status_code == 201
    assert bob.delete(path("bob/rainy-sundays")).status_code == 200


def test_one_of_many_at_the_same_time(stack, fay, made):
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        got = list(pool.map(lambda _: stack.client("fay").post(
            OWN, {**GOOD, "name": "Race"}).status_code, range(10)))
        assert sorted(got) == [201] + [400] * 9
        for n in range(4):
            fay.post(OWN, {**GOOD, "name": f"Runner {n}"})
        got = list(pool.map(lambda n: stack.client("fay").put(
            path(f"fay/runner-{n}"), {**GOOD, "name": "Goal"}).status_code,
            range(4)))
    assert sorted(got) == [200] + [400] * 3


@pytest.mark.parametrize("name", ["Кино", "映画", "🎬", "!!!", "é"])
def test_names_without_ascii_have_a_slug(fay, made, name):
    r = fay.post(OWN, {**GOOD, "name": name})
    assert r.status_code == 201
    shown = r.json()
    assert shown["slug"] == ("e" if name == "é" else f"list-{shown['id']}")
    here = path(f"fay/{shown['slug']}")
    assert fay.put(here, {**GOOD, "name": name}).json()["slug"] == \
        shown["slug"]
    assert fay.get(here).json()["name"] == name


def test_a_slug_that_another_list_has_taken(stack, fay, made):
    last = stack.sql("SELECT nextval(pg_get_serial_sequence("
                     "'movielist', 'id'))")[0][0]
    for n in range(1, 6):
        r = fay.post(OWN, {**GOOD, "name": f"List {last + 2 * n}"})
        assert r.status_code == 201, r.text
        assert r.json()["id"] == last + 2 * n - 1
        r = fay.post(OWN, {**GOOD, "name": "Кино"})
        shown = r.json()
        assert r.status_code == 201 and shown["id"] == last + 2 * n
        assert shown["slug"] == f"list-{last + 2 * n}-{last + 2 * n}"
        assert fay.put(path(f"fay/{shown['slug']}"), {
            **GOOD, "name": "映画"}).json()["slug"] == shown["slug"]


@pytest.mark.parametrize("change, key", [
    ({"name": ""}, "name"), ({"name": " \n"}, "name"), ({"name": None}, "name"),
    ({"name": "x" * 129}, "name"), ({"name": 5}, "name"),
    ({"description": None}, "description"), ({"description": []}, "description"),
    ({"description": "x" * 10001}, "description"),
    ({"privacity": "X"}, "privacity"), ({"privacity": None}, "privacity"),
    ({"privacity": "p"}, "privacity"), ({"name": "a\0b"}, None)])
def test_what_is_refused(fay, made, change, key):
    here = path("fay/rainy-sundays")
    for r in (fay.post(OWN, {**GOOD, **change}), fay.put(here, {**GOOD, **change})):
        assert r.status_code == 400 and r.json()["error"]
        if key:
            assert isinstance(r.json()[key], list)
    assert fay.get(here).json() == made
    for missing in GOOD:
        body = {k: v for k, v in GOOD.items() if k != missing}
        for r in (fay.post(OWN, body), fay.put(here, body)):
            assert (r.status_code, r.json()["error"]) == (
                400, "Missing required fields")


def test_movies_keep_their_order(stack, fay, made):
    here = path("fay/rainy-sundays")
    order = ["heat", "amelie", "volver", "the-matrix"]
    for slug in order:
        r = fay.post(here + slug + "/")
        assert r.status_code == 200
        assert films(r.json())[-1] == slug
        assert fay.get(here).json() == r.json()
    before = fay.get(here).json()
    assert before["updated_at"] > made["updated_at"]
    # again: no change
    assert fay.post(here + "amelie/").json() == before
    r = fay.delete(here + "amelie/")
    assert (r.status_code, r.json()) == (200, {"success": True})
    assert films(fay.get(here).json()) == ["heat", "volver", "the-matrix"]
    assert fay.delete(here + "amelie/").status_code == 200
    assert films(fay.post(here + "amelie/").json())[-1] == "amelie"
    for slug in order:
        assert fay.get(f"/api/movies/{slug}/movie-lists/").json() == [
            "rainy-sundays"]
    assert fay.get("/api/movies/wall-e/movie-lists/").json() == []
    for method in (fay.post, fay.delete):
        r = method(here + "no-such-film/")
        assert (r.status_code, r.json()["model"]) == (404, "Movie")


# list of bob: what others get for PUT, DELETE, and adding a film
WRITES = {
    "bob/between-us": {"ana": 403, "fay": 403, "carla": 404, "dora": 404},
    "bob/secret": {"ana": 404, "fay": 404, "carla": 404},
    "bob/nothing": {"ana": 404}, "nobody/secret": {"ana": 404},
    "ana/sunday": {"bob": 403, "carla": 403, "nina": 403},
}


@pytest.mark.parametrize("name, who, status", [
    (name, who, status) for name, row in WRITES.items()
    for who, status in row.items()])
def test_who_may_write(stack, name, who, status):
    """What one may not see is missing, and what one may see is not one's own."""
    client, nobody = stack.client(who), stack.client()
    for method, tail, body in (("put", "", GOOD), ("delete", "", None),
                               ("post", "heat/", None),
                               ("delete", "heat/", None),
                               ("post", "no-such-film/", None)):
        r = getattr(client, method)(path(name) + tail, body)
        want = 404 if "no-such" in tail and status == 403 and who != "nina" \
            else status
        assert r.status_code == want, (method, tail, r.text)
        r = getattr(nobody, method)(path(name) + tail, body)
        assert r.status_code == 401
    owner = name.split("/")[0]
    if owner != "nobody" and "nothing" not in name:
        assert stack.client(owner).get(path(name)).status_code == 200


def test_lists_of_a_user(stack, bob, ana, carla, client, nina):
    """The newest first, and only those that one may see."""
    path_ = OWN + "bob/"
    assert slugs(bob.get(path_)) == ["between-us", "secret"]
    assert slugs(ana.get(path_)) == ["between-us"]
    assert slugs(carla.get(path_)) == []
    assert ana.get(path_).json()["count"] == 1
    assert carla.get(path_).json()["count"] == 0
    r = ana.get(OWN + "nobody/")
    assert (r.status_code, r.json()["model"]) == (404, "User")
    assert client.get(path_).status_code == 401
    assert nina.get(path_).status_code == 403
    assert ana.get(path_).json()["results"] == [
        ana.get(path("bob/between-us")).json()]


def test_own_lists_and_pages(stack, fay, made):
    for n in range(11):
        assert fay.post(OWN, {**GOOD, "name": f"L{n:02}"}).status_code == 201
    every = ["rainy-sundays"] + [f"l{n:02}" for n in range(11)]
    seen = [slug for page in (1, 2, 3)
            for slug in slugs(fay.get(f"{OWN}?page={page}&limit=5"))]
    assert seen == every  # the oldest first
    last = fay.get(OWN + "?page=99&limit=5").json()
    assert (last["current_page"], last["total_pages"], last["count"]) == (
        3, 3, 12)
    newest = [one["slug"] for body in fay.stretches(OWN + "fay/", 6)
              for one in body["results"]]
    assert newest == every[::-1]
    assert fay.get(OWN + "?page=NaN").json() == fay.get(OWN).json()


@pytest.mark.parametrize("query, who, found", [
    ("?query=secret", "bob", ["secret"]), ("?query=secret", "ana", []),
    ("?query=BETWEEN", "ana", ["between-us"]), ("?query=between", "dora", []),
    ("?query=sunday", "dora", ["sunday"]), ("", "dora", ["sunday"]),
    ("?query=", "bob", ["sunday", "secret", "between-us"]),
    ("?query=%25", "bob", []), ("?query=_", "bob", []),
    ("?query=sUnD%C3%A1y&page=NaN", "ana", ["sunday"])])
def test_search(stack, query, who, found):
    assert slugs(stack.client(who).get(OWN + "searching/" + query)) == found


@pytest.mark.parametrize("text, status", [("%00", 400), ("x" * 256, 400),
                                          ("'%5C", 200)])
def test_odd_texts(ana, client, text, status):
    for place in (OWN + "searching/", path("ana/sunday") + "movies/searching/"):
        assert ana.get(f"{place}?query={text}").status_code == status
        assert client.get(f"{place}?query={text}").status_code == 401


def test_search_in_a_list(stack, ana, bob, carla, dora):
    place = path("ana/sunday") + "movies/searching/"
    assert slugs(bob.get(place)) == ["amelie", "the-godfather"]
    assert slugs(bob.get(place + "?query=AMELIE")) == ["amelie"]
    assert slugs(bob.get(place + "?query=&page=NaN&limit=1")) == ["amelie"]
    assert slugs(bob.get(place + "?page=2&limit=1")) == ["the-godfather"]
    assert bob.get(place + "?query=heat").json()["count"] == 0
    # in the language of the caller, and the original
    assert slugs(carla.get(place + "?query=padrino")) == ["the-godfather"]
    assert slugs(carla.get(place + "?query=godfather")) == ["the-godfather"]
    assert bob.get(place).json()["results"][0] == bob.get(
        "/api/movies/amelie/").json()
    hidden = path("bob/secret") + "movies/searching/"
    missing = path("bob/nothing") + "movies/searching/"
    assert ana.get(hidden).json() == ana.get(missing).json()
    assert ana.get(hidden).status_code == 404
    assert slugs(bob.get(hidden)) == ["heat"]
    assert dora.get(path("nobody/x") + "movies/searching/").json()[
        "model"] == "User"


def test_friends_ratings(stack, ana, bob, carla, dora, client, nina):
    place = "/api/movies/{}/friends-ratings/"
    body = ana.get(place.format("amelie")).json()
    assert [(one["user"].split("/")[-2], one["rating"])
            for one in body["results"]] == [("carla", 5), ("bob", 4)]
    assert list(body["results"][0]) == ["id", "user", "movie", "rating",
                                        "created_at"]
    assert (body["count"], body["total_pages"]) == (2, 1)
    one = ana.get(place.format("amelie") + "?limit=1&page=2").json()
    assert one["results"] == body["results"][1:]
    # never one's own, and no strangers'
    assert [r["user"].split("/")[-2] for r in bob.get(
        place.format("the-godfather")).json()["results"]] == ["fay"]
    assert dora.get(place.format("amelie")).json() == {
        "results": [], "total_pages": 1, "count": 0, "count_exact": True,
        "has_next": False, "has_previous": False, "current_page": 1}
    assert ana.get(place.format("nothing")).json()["model"] == "Movie"
    assert client.get(place.format("heat")).status_code == 401
    assert nina.get(place.format("heat")).status_code == 403
    # a change by a friend is seen at once
    assert bob.put("/api/movies/the-godfather/ratings/",
                   {"rating": 1}).status_code == 200
    assert [r["rating"] for r in ana.get(place.format("the-godfather")).json()[
        "results"]] == [1]
    assert bob.put("/api/movies/the-godfather/ratings/",
                   {"rating": 5}).status_code == 200


def test_own_writes_and_others_views_are_fresh(ana, bob, carla, fay, made):
    here, tail = path("fay/rainy-sundays"), "?query=rainy"

    def seen():
        return [[(r.status_code, r.text) for r in (
            who.get(here), who.get(OWN + "fay/"),
            who.get(OWN + "searching/" + tail))]
            for who in (ana, bob, carla, fay) for _ in range(2)]
    states = [seen()]
    assert fay.post(here + "heat/").status_code == 200
    states.append(seen())
    assert fay.put(here, {**GOOD, "privacity": "P"}).status_code == 200
    states.append(seen())
    assert fay.put(here, {**GOOD, "privacity": "R"}).status_code == 200
    states.append(seen())
    assert fay.delete(here + "heat/").status_code == 200
    states.append(seen())
    for state in states:
        assert state[0::2] == state[1::2]
    assert len({str(s) for s in states}) == len(states)


@pytest.mark.parametrize("query, field, text", [
    ("genres[]=drama&genres[]=nope", "genres", "Genre `nope` does not exist"),
    ("celebrities=al-pacino&celebrities=nope", "celebrities",
     "Celebrity `nope` does not exist"),
    ("friends[]=bob&friends[]=dora", "friends",
     "Friend `dora` is not in your list"),
    ("friends[]=nobody", "friends", "Friend `nobody` is not in your list")])
def test_smart_list_criteria(ana, query, field, text):
    r = ana.post(f"{OWN}?intelligent={'x' * 17}&{query}",
                 {**GOOD, "name": "Smart"})
    assert r.status_code == 400
    assert (r.json()[field], r.json()["error"]) == ([text], text)
    assert ana.get(path("ana/smart")).status_code == 404
    # without the switch they are not read
    for off in ("", "intelligent=false&", "intelligent=False&", "intelligent=&"):
        assert ana.post(f"{OWN}?{off}{query}", {**GOOD, "name": "Plain"}
                        ).status_code == 201
        assert ana.delete(path("ana/plain")).status_code == 200


def test_smart_list(stack, ana, bob):
    """Filled with films that ana has not rated or marked, best first."""
    r = ana.post(f"{OWN}?intelligent=true&genres[]=drama&celebrities[]=al-pacino"
                 "&friends[]=bob", {**GOOD, "name": "Smart"})
    assert r.status_code == 201, r.text
    shown = r.json()
    dramas = {row[0] for row in stack.sql(
        "SELECT m.slug FROM live_movie AS m JOIN movie_genre AS g"
        " ON g.movie_id = m.id WHERE g.genre_id = 4")}
    assert films(shown) and set(films(shown)) <= dramas
    # with the person and liked by the friend
    assert films(shown)[0] == "the-godfather"
    assert ana.get(path("ana/smart")).json() == shown
    assert slugs(ana.get(path("ana/smart") + "movies/searching/?limit=100")) \
        == films(shown)
    assert ana.delete(path("ana/smart")).status_code == 200
    # what a friend without training likes is not used
    last = films(shown)[-1]
    assert bob.post(f"/api/movies/{last}/ratings/", {"rating": 5}
                    ).status_code == 201
    places = []
    for training in (False, True):
        bob.put("/api/users/", {"training": training})
        r = ana.post(f"{OWN}?intelligent=true&genres[]=drama&friends[]=bob",
                     {**GOOD, "name": "Smart"})
        assert r.status_code == 201
        places.append(films(r.json()).index(last))
        assert ana.delete(path("ana/smart")).status_code == 200
    stack.sql("DELETE FROM rating WHERE user_id = 2 AND movie_id ="
              " (SELECT id FROM movie WHERE slug = %s)", (last,))
    assert places[1] < places[0]
    whole = ana.post(f"{OWN}?intelligent=yes", {**GOOD, "name": "All"}).json()
    assert len(films(whole)) > len(films(shown))
    assert ana.delete(path("ana/all")).status_code == 200
