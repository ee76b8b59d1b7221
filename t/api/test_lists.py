# SPDX-License-Identifier: GPL-3.0-or-later
"""One list of a user: who may see it."""

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
    change("UPDATE movielist SET deleted_at = NULL, privacity = 'F'"
           " WHERE id = 3")
    assert dora.get(name).status_code == 200
    change("DELETE FROM friendship WHERE user1_id = 2 AND user2_id = 4")
    assert dora.get(name).status_code == 404
