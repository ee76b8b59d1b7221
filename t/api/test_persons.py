# SPDX-License-Identifier: GPL-3.0-or-later
"""Persons: detail, lists, searches, films; /api/actors and /api/directors."""

import re
import unicodedata

import pytest

PACINO = "/api/persons/al-pacino/"
PAGES = ("/api/persons/searching/", "/api/persons/actors/",
         "/api/persons/directors/")
STRETCHES = ("/api/persons/actors/searching/",
             "/api/persons/directors/searching/")
FILMS = (PACINO + "acted-movies/",
         "/api/persons/francis-ford-coppola/directed-movies/")
BARE = ("/api/actors/", "/api/directors/")


def slugs(answer):
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return [one["slug"] for one in (body if isinstance(body, list)
                                    else body["results"])]


def walk(client, path, limit):
    return [one["slug"] for body in client.stretches(path, limit)
            for one in body["results"]]


def fold(text):
    return "".join(c for c in unicodedata.normalize("NFKD", text)
                   if not unicodedata.combining(c)).lower()


def in_order(names, text):
    """The names, in the order of a search; of two that are equal the last."""
    def key(pair):
        number, name = pair
        name = fold(name)
        words = re.split(r"[\s.'-]", name)
        if name == text:
            return 0, -number
        if name.startswith(text):
            return 1, -number
        return (2 if any(w.startswith(text) for w in words) else 3), -number
    return [name for _, name in sorted(
        ((n, name) for n, name in enumerate(names) if text in fold(name)),
        key=key)]


NAMES = ["Rosana", "Ana", "Anastasia", "Mariana Ana", "Juan", "Ána", "Jo-Ana",
         "O'Ana", "Banana", "Anabel", "a%na", "a_na"]


@pytest.fixture(scope="module")
def many(stack):
    """Persons of NAMES, thirty who act and one who does both."""
    stack.sql("INSERT INTO person (name, slug) SELECT name, 'n' || n"
              "  FROM unnest(%s) WITH ORDINALITY AS u (name, n)", (NAMES,))
    stack.sql("WITH p AS (INSERT INTO person (name, slug)"
              " SELECT 'Same Name', 'same-' || i FROM generate_series(1, 30)"
              " AS i RETURNING id)"
              " INSERT INTO movie_actor (movie_id, person_id)"
              " SELECT m, id FROM p, unnest(ARRAY[1, 2]) AS m")
    stack.sql("INSERT INTO movie_director (movie_id, person_id)"
              " SELECT 9, id FROM person WHERE slug = 'same-7'")
    stack.touched()


def test_detail(stack, ana):
    r = ana.get(PACINO)
    assert r.status_code == 200
    assert list(r.json().items()) == [
        ("id", 4), ("name", "Al Pacino"), ("slug", "al-pacino"),
        ("image", f"{stack.tls_url}/media/person/default.png"), ("awards", []),
        ("biography", "Actor."), ("birthday", "1940-04-25"),
        ("deathday", None), ("gender", 2)]
    brando = ana.get("/api/persons/marlon-brando/").json()
    assert brando["awards"] == [
        ana.get("/api/awards/oscar-best-actor-1973/").json()]


def test_biography_in_the_language(stack, ana, dora):
    stack.sql("INSERT INTO person_translation (person_id, language, biography)"
              " VALUES (3, 'es', 'Director de cine.'), (4, 'es', '')")
    stack.touched()
    dora.post("/api/users/preferred-language/", {"preferred_language": "es"})
    reader = dora
    path = "/api/persons/francis-ford-coppola/"
    for who, text in ((reader, "Director de cine."), (ana, "Director.")):
        for _ in range(2):  # from the cache, too
            assert who.get(path).json()["biography"] == text
    # an empty translation does not hide the text
    assert reader.get(PACINO).json()["biography"] == "Actor."
    dora.post("/api/users/preferred-language/", {"preferred_language": "en"})


def test_search_order(ana, many):
    """Exact, then the beginning, then a word, then the rest; newest first."""
    found = ana.get("/api/persons/searching/?search_query=ana&limit=50").json()
    assert [p["name"] for p in found["results"]] == in_order(NAMES, "ana")
    assert found["count"] == len(in_order(NAMES, "ana"))


@pytest.mark.parametrize("text, name", [
    ("a%25n", "a%na"), ("a_n", "a_na"), ("%C3%81na", "Ana"),
    ("ANASTAS", "Anastasia")])
def test_literal_and_folded(ana, many, text, name):
    found = ana.get(f"/api/persons/searching/?search_query={text}").json()
    assert name in [p["name"] for p in found["results"]]
    if "%25" in text or "_" in text:
        assert found["count"] == 1


def test_no_text_is_everybody_by_name(stack, ana, many):
    everybody = ana.get("/api/persons/searching/?limit=100").json()
    rows = stack.sql("SELECT slug FROM live_person ORDER BY name, id DESC")
    assert [p["slug"] for p in everybody["results"]] == [r[0] for r in rows]
    empty = ana.get("/api/persons/searching/?search_query=&limit=100").json()
    assert empty == everybody


def test_pages_repeat_nothing(ana, many):
    seen, page = [], 1
    while True:
        body = ana.get(f"/api/persons/actors/?page={page}&limit=7").json()
        seen += [p["slug"] for p in body["results"]]
        if not body["has_next"]:
            break
        page += 1
    assert len(seen) == len(set(seen)) == body["count"]
    # past the end: the last page
    last = ana.get("/api/persons/actors/?page=999&limit=7").json()
    assert last == body and last["current_page"] == body["total_pages"]


@pytest.mark.parametrize("path", STRETCHES)
@pytest.mark.parametrize("query", ["", "?search_query=a", "?search_query=same",
                                   "?search_query=same-1"])
def test_cursor_repeats_and_skips_nothing(ana, many, path, query):
    """A person with several films is there once, and a cursor on them works."""
    found = walk(ana, path + query, 4)
    assert len(found) == len(set(found))
    assert found == walk(ana, path + query, 100)
    sep = "&" if query else "?"
    assert ana.get(f"{path}{query}{sep}limit=1").json()["count"] == len(found)


def test_the_slug_is_found_by_cursor_only(ana, many):
    path = "/api/persons/actors/searching/?search_query=same-7"
    assert slugs(ana.get(path)) == ["same-7"]
    assert slugs(ana.get("/api/persons/actors/?name=same-7")) == []


@pytest.mark.parametrize("path", [STRETCHES[0] + "?search_query=same",
                                  STRETCHES[0]])
def test_the_person_of_the_cursor_is_deleted(stack, ana, many, path):
    whole = walk(ana, path, 100)
    sep = "&" if "?" in path else "?"
    first = ana.get(f"{path}{sep}limit=5").json()
    stack.sql("UPDATE person SET deleted_at = now() WHERE id = %s",
              (first["next_last_id"],))
    stack.touched()
    rest = ana.get(f"{path}{sep}limit=100&last_id={first['next_last_id']}")
    assert slugs(rest) == whole[5:]
    stack.sql("UPDATE person SET deleted_at = NULL WHERE id = %s",
              (first["next_last_id"],))
    stack.touched()


def test_exactly_full_stretches_end(ana, many):
    """Thirty persons by ten: the third stretch is the last."""
    path = "/api/persons/actors/searching/?search_query=same"
    assert [len(body["results"]) for body in ana.stretches(path, 10)] == [
        10, 10, 10]


@pytest.mark.parametrize("path", STRETCHES)
def test_an_unknown_cursor_is_ignored(ana, many, path):
    assert ana.get(path + "?last_id=999999999").json()["results"] == \
        ana.get(path).json()["results"]


def test_roles(stack, ana, many):
    """Those with a film that is shown."""
    actors = {"audrey-tautou", "al-pacino", "marlon-brando", "penelope-cruz"}
    directors = {"jean-pierre-jeunet", "francis-ford-coppola",
                 "pedro-almodovar", "same-7"}
    assert set(slugs(ana.get(BARE[1]))) == directors
    assert set(slugs(ana.get("/api/persons/directors/?limit=100"))) == directors
    assert {s for s in slugs(ana.get(BARE[0]))
            if not s.startswith("same")} == actors
    stack.sql("UPDATE movie SET deleted_at = now() WHERE id = 1")
    stack.touched()
    try:
        assert "audrey-tautou" not in slugs(ana.get(BARE[0]))
        assert slugs(ana.get(
            "/api/persons/actors/searching/?search_query=tautou")) == []
    finally:
        stack.sql("UPDATE movie SET deleted_at = NULL WHERE id = 1")
        stack.touched()
    assert "audrey-tautou" in slugs(ana.get(BARE[0]))


@pytest.mark.parametrize("path", BARE)
def test_bare_lists_without_slash(ana, path):
    assert ana.get(path.rstrip("/")).json() == ana.get(path).json()


def test_films_newest_first(ana):
    assert slugs(ana.get(FILMS[0])) == ["heat", "the-godfather-part-ii",
                                        "the-godfather"]
    assert walk(ana, FILMS[0], 1) == slugs(ana.get(FILMS[0]))
    first = ana.get(FILMS[0] + "?limit=2").json()
    second = ana.get(
        FILMS[0] + f"?limit=2&last_id={first['next_last_id']}").json()
    assert first["count"] == second["count"] == 3
    assert second["next_last_id"] is None
    # the item is the movie
    assert first["results"][0] == ana.get("/api/movies/heat/").json()
    assert ana.get(PACINO + "directed-movies/").json() == {
        "results": [], "next_last_id": None, "count": 0, "count_exact": True}


def test_films_of_equal_and_unknown_dates(stack, ana):
    stack.sql("WITH p AS (INSERT INTO person (name, slug)"
              " VALUES ('Busy', 'busy') RETURNING id),"
              " m AS (INSERT INTO movie (slug, title, release_date)"
              " SELECT 'busy-' || i, 'Busy ' || i % 3,"
              "        CASE WHEN i % 4 > 0 THEN date '2000-01-01' + i % 4 END"
              "   FROM generate_series(1, 23) AS i RETURNING id)"
              " INSERT INTO movie_actor (movie_id, person_id)"
              " SELECT m.id, p.id FROM m, p")
    stack.touched()
    path = "/api/persons/busy/acted-movies/"
    rows = stack.sql("SELECT slug FROM movie WHERE slug LIKE 'busy-%%'"
                     " ORDER BY release_date DESC NULLS LAST, title DESC,"
                     "          id DESC")
    assert walk(ana, path, 5) == [r[0] for r in rows]
    first = ana.get(path + "?limit=5").json()
    stack.sql("UPDATE movie SET deleted_at = now() WHERE id = %s",
              (first["next_last_id"],))
    stack.touched()
    rest = ana.get(f"{path}?limit=100&last_id={first['next_last_id']}")
    assert slugs(rest) == [r[0] for r in rows[5:]]
    assert rest.json()["count"] == 22


@pytest.mark.parametrize("path", PAGES + STRETCHES + FILMS + BARE + (
    PACINO, "/api/awards/"))
def test_who_may_read(ana, client, nina, path):
    assert ana.get(path).status_code == 200
    assert client.get(path).status_code == 401
    assert nina.get(path).status_code == 403
    assert ana.post(path, {}).status_code == 405


@pytest.mark.parametrize("tail", ["", "acted-movies/", "directed-movies/"])
@pytest.mark.parametrize("slug", ["nobody", "Al-Pacino", "4", "x" * 300])
def test_missing(ana, client, nina, slug, tail):
    path = f"/api/persons/{slug}/{tail}"
    r = ana.get(path)
    assert r.status_code == 404
    assert (r.json()["model"], r.json()["lookup_value"]) == ("Person", slug)
    assert client.get(path).status_code == 401
    assert nina.get(path).status_code == 403


@pytest.mark.parametrize("path", PAGES + STRETCHES + FILMS + ("/api/awards/",))
@pytest.mark.parametrize("query", [
    "limit=x", "limit=-1", "limit=0", "limit=NaN", "limit=1000", "page=NaN",
    "page=-1", "page=0", "last_id=x", "last_id=-5", "last_id=",
    "limit=%D9%A3", "last_id=99999999999999999999"])
def test_odd_pages_mean_the_default(ana, path, query):
    r = ana.get(f"{path}?{query}")
    assert r.status_code == 200
    if query.startswith(("limit", "last_id")) and query != "limit=1000":
        assert r.json()["results"] == ana.get(path).json()["results"]


@pytest.mark.parametrize("path", PAGES[:1] + STRETCHES)
@pytest.mark.parametrize("text, status", [
    ("%00", 400), ("x" * 256, 400), ("%25" * 80, 200),
    ("%5C", 200), ("'", 200), ("%E2%80%8B", 200)])
def test_odd_texts(ana, path, text, status):
    r = ana.get(f"{path}?search_query={text}")
    assert r.status_code == status
    if status == 400:
        assert "error" in r.json()


def test_changes_are_seen_at_once(stack, ana):
    def change(sql):
        stack.sql(sql)
        stack.touched()

    def seen(path):
        answers = [ana.get(path) for _ in range(2)]
        assert answers[0].text == answers[1].text
        return answers[0]

    path, films = "/api/persons/newcomer/", "/api/persons/newcomer/acted-movies/"
    search = "/api/persons/searching/?search_query=newcomer"
    acting = "/api/persons/actors/?name=newcomer"
    assert seen(path).status_code == 404 and slugs(seen(search)) == []
    change("INSERT INTO person (id, name, slug)"
           " VALUES (9000, 'Newcomer', 'newcomer')")
    assert seen(path).status_code == 200
    assert slugs(seen(search)) == ["newcomer"] and slugs(seen(acting)) == []
    change("INSERT INTO movie_actor (movie_id, person_id) VALUES (9, 9000)")
    assert slugs(seen(acting)) == ["newcomer"] and slugs(seen(films)) == ["heat"]
    change("UPDATE movie SET title = 'Heat!' WHERE id = 9")
    assert seen(films).json()["results"][0]["title"] == "Heat!"
    change("UPDATE movie SET title = 'Heat' WHERE id = 9")
    change("INSERT INTO person_award (person_id, award_id) VALUES (9000, 1)")
    assert len(seen(path).json()["awards"]) == 1
    change("UPDATE award SET name = 'Other' WHERE id = 1")
    assert seen(path).json()["awards"][0]["name"] == "Other"
    change("UPDATE award SET name = 'Oscar Best Picture 1973' WHERE id = 1")
    change("UPDATE person SET name = 'Renamed', slug = 'renamed'"
           " WHERE id = 9000")
    assert seen(path).status_code == 404
    assert seen("/api/persons/renamed/").status_code == 200
    assert slugs(seen(search)) == []
    change("UPDATE person SET deleted_at = now() WHERE id = 9000")
    assert seen("/api/persons/renamed/").status_code == 404
    change("DELETE FROM person WHERE id = 9000")


def test_awards_latest_first(stack, ana):
    stack.sql("INSERT INTO award (name, slug, date) SELECT 'L' || i, 'l' || i,"
              " CASE WHEN i < 6 THEN date '1990-01-01' + i / 2 END"
              " FROM generate_series(1, 9) AS i")
    stack.touched()
    rows = stack.sql("SELECT slug FROM live_award"
                     " ORDER BY date DESC NULLS LAST, id DESC")
    seen = []
    for page in (1, 2, 3):
        body = ana.get(f"/api/awards/?limit=4&page={page}").json()
        seen += [a["slug"] for a in body["results"]]
    assert seen == [r[0] for r in rows][:12] and body["count"] == len(rows)
    assert body["results"][0] == ana.get(
        f"/api/awards/{body['results'][0]['slug']}/").json()
