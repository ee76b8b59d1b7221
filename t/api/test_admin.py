# SPDX-License-Identifier: GPL-3.0-or-later
"""/api/admin: documents of every kind are added, changed, removed, restored and
deleted, nobody but the staff may, two changes of the same version cannot both win,
whatever is sent is answered with the field that is wrong, and the audit log has
each change."""

import concurrent.futures
import json
import re
import sys
from pathlib import Path

import pytest

from people import account
from pictures import corners, encoded, files_of

TREE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TREE / "t/lint")]

import routes  # noqa: E402

ADMIN = "/api/admin"
KINDS = ("movies", "persons", "genres", "platforms", "awards", "reviews",
         "comments", "lists")
# A document of each kind, and a change of it.
NEW = {
    "movies": ({"title": "The Third Man", "genres": ["crime", "drama"],
                "actors": ["al-pacino"], "popularity": 2.5,
                "release_date": "1949-08-31", "sources": {"imdb": "tt0041959"},
                "translations": {"de": {"title": "Der dritte Mann"}}},
               {"title": "The 3rd Man", "translations": {
                   "de": None, "es": {"title": "El tercer hombre"}}}),
    "persons": ({"name": "Orson Welles", "birthday": "1915-05-06",
                 "gender": "male", "translations": {
                     "fr": {"biography": "Acteur."}},
                 "sources": {"imdb": "nm0000080", "tmdb": "40"}},
                {"biography": "An actor.", "deathday": "1985-10-10"}),
    "genres": ({"name": "Film Noir", "translations": {"es": {"name": "Negro"}}},
               {"name": "Noir"}),
    "platforms": ({"name": "Mubi", "url": "https://mubi.example/"},
                  {"url": None}),
    "awards": ({"name": "Palme 1949", "category": "BP", "date": "1949-09-17"},
               {"category": ""}),
    "reviews": ({"user": "fay", "movie": "heat", "title": "Long", "content":
                 "Very.", "is_positive": False},
                {"content": "Very long.", "spoiler": True}),
    "comments": ({"user": "fay", "review": 1, "content": "So."},
                 {"content": "So it is."}),
    "lists": ({"user": "fay", "name": "Sundays", "privacy": "friends",
               "movies": ["heat"]}, {"movies": [], "privacy": "private"}),
}


@pytest.fixture(scope="module")
def staff(stack):
    account(stack, "keeper", staff=True)
    if not stack.value("SELECT count(*) FROM review WHERE id = 1"):
        stack.client("bob").post("/api/movies/heat/reviews/", {
            "title": "t", "content": "c", "is_positive": True})
        stack.sql("UPDATE review SET id = 1")
    return stack.client("keeper")


def patch(client, path, body, tag="*", **more):
    headers = {"If-Match": tag} if tag else {}
    return client.request("PATCH", path, json=body, headers=headers, **more)


def audit(staff, **query):
    r = staff.get(f"{ADMIN}/audit/", params=query)
    assert r.status_code == 200, r.text
    return r.json()["results"]


def add(staff, kind, body):
    r = staff.post(f"{ADMIN}/{kind}/", body)
    assert r.status_code == 201, r.text
    return r.json(), f"{ADMIN}/{kind}/{r.json()['id']}/"


def removed_for_good(staff, path):
    assert staff.delete(path).status_code == 200
    assert staff.delete(path + "purge/").status_code == 200


# -- every kind -----------------------------------------------------------

@pytest.mark.parametrize("kind", KINDS)
def test_the_life_of_a_thing(stack, staff, kind):
    body, change = NEW[kind]
    r = staff.post(f"{ADMIN}/{kind}/", body)
    assert r.status_code == 201, r.text
    made = r.json()
    path = f"{ADMIN}/{kind}/{made['id']}/"
    assert r.headers["Location"].endswith(path)
    for key in body.keys() - {"translations"}:
        assert made[key] == body[key]
    shown = staff.get(path)
    assert shown.json() == made
    assert shown.headers["ETag"] == r.headers["ETag"]

    r = patch(staff, path, change, shown.headers["ETag"])
    assert r.status_code == 200, r.text
    edited = r.json()
    for key, value in change.items():
        if key != "translations":
            assert edited[key] == value
    assert r.headers["ETag"] == staff.get(path).headers["ETag"] \
        != shown.headers["ETag"]

    assert staff.delete(path + "purge/").status_code == 409
    r = staff.delete(path)
    assert r.status_code == 200 and r.json()["deleted_at"]
    assert staff.delete(path).json() == r.json(), "it is removed already"
    r = staff.post(path + "restore/")
    assert r.status_code == 200 and r.json()["deleted_at"] is None
    removed_for_good(staff, path)
    for r in (staff.get(path), staff.delete(path), patch(staff, path, {}),
              staff.post(path + "restore/"), staff.delete(path + "purge/")):
        assert r.status_code == 404 and r.json()["model"] == "Thing"

    found = audit(staff, kind=kind[:-1], id=made["id"])
    assert [e["action"] for e in found] == [
        "purge", "remove", "restore", "remove", "edit", "add"]
    assert {e["username"] for e in found} == {"keeper"}
    assert found[5]["before"] is None and found[5]["after"] == made
    assert set(found[4]["after"]) == set(change)
    assert found[4]["before"] == {k: made[k] for k in change}
    assert found[4]["after"] == {k: edited[k] for k in change}
    assert found[0]["after"] is None and found[0]["before"]["id"] == made["id"]
    assert set(found[2]["after"]) == set(found[1]["before"]) == {"deleted_at"}


def test_a_document_sent_back_changes_nothing(stack, staff):
    """Every thing of the catalogue; not even its time."""
    before = stack.value("SELECT count(*) FROM audit")
    seen = 0
    for kind in KINDS:
        r = staff.get(f"{ADMIN}/{kind}/?removed=all&limit=100")
        for thing in r.json()["results"]:
            path = f"{ADMIN}/{kind}/{thing['id']}/"
            shown = staff.get(path)
            r = patch(staff, path, shown.json(), shown.headers["ETag"])
            assert r.status_code == 200, r.text
            assert r.text == shown.text
            assert r.headers["ETag"] == shown.headers["ETag"]
            seen += 1
    assert seen > 20
    assert stack.value("SELECT count(*) FROM audit") == before


def test_the_same_values_in_another_form_change_nothing(stack, staff):
    made, path = add(staff, "movies", {
        "title": "Same", "genres": ["drama", "crime"],
        "translations": {"es": {"title": "Igual"}}, "sources": {"tmdb": "7"}})
    tag = staff.get(path).headers["ETag"]
    for body in ({"genres": ["drama", "crime"]}, {"popularity": 0.0}, {},
                 {"translations": {"es": {"title": "Igual"}}},
                 {"translations": {"fr": None}}, {"sources": {"tmdb": ["7"]}},
                 {"cover": "movies/covers/no-movie.png"}, {"synopsis": None}):
        assert patch(staff, path, body).headers["ETag"] == tag, body
    assert len(audit(staff, kind="movie", id=made["id"])) == 1
    removed_for_good(staff, path)


# -- the public API -------------------------------------------------------

def test_a_change_is_seen_at_once(stack, staff, ana):
    """Although what ana reads is cached."""
    search = "/api/movies/searching/?name=pandemonium"
    assert ana.get(search).json()["count"] == 0
    made, path = add(staff, "movies", {"title": "Pandemonium"})
    assert [m["title"] for m in ana.get(search).json()["results"]] == [
        "Pandemonium"]
    public = f"/api/movies/{made['slug']}/"
    assert ana.get(public).json()["title"] == "Pandemonium"
    patch(staff, path, {"title": "Pandaemonium", "genres": ["drama"],
                        "release_date": "1999-01-02"})
    shown = ana.get(public).json()
    assert shown["title"] == "Pandaemonium"
    assert shown["release_date"] == "1999-01-02" and len(shown["genres"]) == 1
    staff.delete(path)
    assert ana.get(public).status_code == 404
    assert ana.get(search).json()["count"] == 0
    staff.post(path + "restore/")
    assert ana.get(public).status_code == 200
    patch(staff, path, {"slug": "pandaemonium-1999"})
    assert ana.get(public).status_code == 404
    assert ana.get("/api/movies/pandaemonium-1999/").status_code == 200
    removed_for_good(staff, path)
    assert ana.get("/api/movies/pandaemonium-1999/").status_code == 404


def test_other_kinds_are_seen_at_once(staff, ana):
    genres = {g["slug"] for g in ana.get("/api/genres/").json()}
    _, path = add(staff, "genres", {"name": "Western"})
    assert {g["slug"] for g in ana.get("/api/genres/").json()} == \
        genres | {"western"}
    removed_for_good(staff, path)
    assert {g["slug"] for g in ana.get("/api/genres/").json()} == genres
    person = "/api/persons/al-pacino/"
    was = ana.get(person).json()
    found = staff.get(f"{ADMIN}/persons/?slugs=al-pacino").json()["results"]
    path = f"{ADMIN}/persons/{found[0]['id']}/"
    patch(staff, path, {"name": "Alfredo Pacino"})
    assert ana.get(person).json() != was
    patch(staff, path, {"name": "Al Pacino"})
    assert ana.get(person).json() == was


def test_removed_words_are_hidden_and_restored(stack, staff, ana, bob):
    """A comment with its replies and the reactions to them."""
    url = "/api/reviews/1/comments/"
    comment = bob.post(url, {"content": "First."}).json()["id"]
    reply = ana.post(f"{url}{comment}/replies/", {"content": "No."}).json()["id"]
    ana.post(f"{url}{comment}/reactions/", {"emoji_code": "LIKE"})
    path = f"{ADMIN}/comments/{comment}/"
    staff.delete(path)
    for number in (comment, reply):
        assert bob.get(f"{url}{number}/").status_code == 404
    shown = staff.get(f"{ADMIN}/comments/{reply}/").json()
    assert shown["deleted_at"] and shown["reply_to"] == comment
    r = staff.post(f"{ADMIN}/comments/", {
        "user": "ana", "review": 1, "reply_to": comment, "content": "x"})
    assert r.json()["reply_to"] == [f"“{comment}” does not exist."]
    staff.post(path + "restore/")
    for number in (comment, reply):
        assert bob.get(f"{url}{number}/").status_code == 200
    assert bob.get(f"{url}{comment}/reactions/").json()["reactions"] == {
        "👍": 1}


def test_a_review_whose_place_is_taken(staff, ana):
    """It cannot be restored beside the one that its author has written since."""
    body = {"title": "t", "content": "c", "is_positive": True}
    mine = "/api/movies/volver/reviews/"
    path = f"{ADMIN}/reviews/{ana.post(mine, body).json()['id']}/"
    staff.delete(path)
    assert ana.post(mine, body).status_code == 201
    r = staff.post(path + "restore/")
    assert r.status_code == 409 and "something else" in r.json()["error"]
    r = staff.post(f"{ADMIN}/reviews/", {**body, "user": "ana",
                                         "movie": "volver"})
    assert r.status_code == 400 and list(r.json()) == ["movie", "error"]


# -- versions -------------------------------------------------------------

def test_a_change_needs_the_version_it_changes(staff):
    made, path = add(staff, "genres", {"name": "Versions"})
    r = patch(staff, path, {"name": "V"}, tag=None)
    assert r.status_code == 428 and "If-Match" in r.json()["error"]
    tag = staff.get(path).headers["ETag"]
    assert patch(staff, path, {"name": "V1"}, tag).status_code == 200
    for stale in (tag, '"x"', "x", 'W/"x", "y"'):
        r = patch(staff, path, {"name": "V2"}, stale)
        assert r.status_code == 412, stale
        current = staff.get(path)
        assert r.json()["document"] == current.json()
        assert r.headers["ETag"] == current.headers["ETag"]
    assert staff.delete(path, headers={"If-Match": tag}).status_code == 412
    tag = current.headers["ETag"]
    # as a proxy may weaken it
    r = patch(staff, path, {"name": "V3"}, f'"x", W/{tag}')
    assert r.status_code == 200
    r = staff.delete(path, headers={"If-Match": r.headers["ETag"]})
    assert r.status_code == 200
    assert staff.delete(path + "purge/").status_code == 200


def at_once(*calls):
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [f.result() for f in [pool.submit(call) for call in calls]]


def test_two_changes_of_one_version(stack, staff):
    """Of all that are sent at once exactly one wins."""
    made, path = add(staff, "genres", {"name": "Race"})
    others = [stack.client("keeper") for _ in range(6)]
    for round in range(4):
        tag = staff.get(path).headers["ETag"]
        answers = at_once(*(
            lambda c=c, i=i: patch(c, path, {"name": f"R {round} {i}"}, tag)
            for i, c in enumerate(others)))
        assert sorted(r.status_code for r in answers) == [200] + [412] * 5
    assert len(audit(staff, kind="genre", id=made["id"])) == 5
    removed_for_good(staff, path)


def test_one_slug_for_several_at_once(stack, staff):
    """A slug that is made gets a number; one that is given is an error."""
    clients = [stack.client("keeper") for _ in range(5)]
    answers = at_once(*(lambda c=c: c.post(f"{ADMIN}/persons/",
                                           {"name": "John Smith"})
                        for c in clients))
    assert {r.status_code for r in answers} == {201}
    assert {r.json()["slug"] for r in answers} == {
        "john-smith", *(f"john-smith-{n}" for n in range(2, 6))}
    answers = at_once(*(lambda c=c: c.post(f"{ADMIN}/persons/", {
        "name": "John Smith", "slug": "smith"}) for c in clients))
    assert sorted(r.status_code for r in answers) == [201] + [400] * 4
    for r in answers:
        if r.status_code == 400:
            assert r.json()["slug"] == ["This value is already taken."]
    answers = at_once(*(lambda c=c: c.post(f"{ADMIN}/genres/", {
        "name": "One"}) for c in clients))
    assert sorted(r.status_code for r in answers) == [201] + [400] * 4


def test_slugs_that_are_made(staff):
    for kind, body, slug in (
            ("movies", {"title": "Амели & Co.!"}, "амели-co"),
            ("persons", {"name": "Renée Zéro"}, "renee-zero"),
            ("persons", {"name": "黒澤明"}, "黒澤明"),
            ("persons", {"name": "می\u200cخواهم"}, "میخواهم"),
            ("movies", {"title": "Searching"}, "searching-2"),
            ("persons", {"name": "Actors"}, "actors-2"),
            ("movies", {"title": "x" * 255}, "x" * 255),
            ("movies", {"title": "x" * 255, "popularity": 1}, "x" * 249 + "-2")):
        made, _ = add(staff, kind, body)
        assert made["slug"] == slug
    r = staff.post(f"{ADMIN}/persons/", {"name": "!!!"})
    assert r.status_code == 400 and list(r.json()) == ["slug", "error"]


def test_what_no_slug_can_be():
    """The literals of the route table in the place of {movie} and {person}."""
    rows = routes.parse((TREE / "src/routes.def").read_text())
    paths = {row.path for row in rows}
    sql = [text for file in sorted((TREE / "sql/migrations").iterdir())
           if "FUNCTION document_text_fault" in (text := file.read_text())][-1]
    for kind, folder in (("movie", "movies"), ("person", "persons")):
        literals = {m[1] for p in paths if (m := re.match(
            rf"/{folder}/([\w-]+)/", p))}
        listed = re.search(rf"WHEN '{kind}' THEN '{{(.*?)}}'", sql)[1]
        assert literals == set(listed.split(","))


# -- hostile input --------------------------------------------------------

FAULTS = [
    # kind, body, the fields with errors
    ("movies", {}, "title"),
    ("movies", {"title": None}, "title"),
    ("movies", {"title": ""}, "title"),
    ("movies", {"title": " \u00a0\u200b"}, "title"),
    ("movies", {"title": 5}, "title"),
    ("movies", {"title": ["x"]}, "title"),
    ("movies", {"title": {"a": 1}}, "title"),
    ("movies", {"title": "x" * 256}, "title"),
    ("movies", {"title": "a\nb"}, "title"),
    ("movies", {"title": "a\u0085b"}, "title"),
    ("movies", {"title": "x", "synopsis": "\u0007"}, "synopsis"),
    ("movies", {"title": "x", "synopsis": "x" * 20001}, "synopsis"),
    ("movies", {"title": "x", "release_date": "1999-02-29"}, "release_date"),
    ("movies", {"title": "x", "release_date": "1999"}, "release_date"),
    ("movies", {"title": "x", "release_date": "0000-01-01"}, "release_date"),
    ("movies", {"title": "x", "release_date": "infinity"}, "release_date"),
    ("movies", {"title": "x", "release_date": 19990101}, "release_date"),
    ("movies", {"title": "x", "release_date": ""}, "release_date"),
    ("movies", {"title": "x", "popularity": "5"}, "popularity"),
    ("movies", {"title": "x", "popularity": -0.5}, "popularity"),
    ("movies", {"title": "x", "popularity": 1e300}, "popularity"),
    ("movies", {"title": "x", "popularity": True}, "popularity"),
    ("movies", {"title": "x", "cover": "/etc/passwd"}, "cover"),
    ("movies", {"title": "x", "cover": "movies/../../x"}, "cover"),
    ("movies", {"title": "x", "cover": "movies//x.png"}, "cover"),
    ("movies", {"title": "x", "cover": "https://x/y.png"}, "cover"),
    ("movies", {"title": "x", "cover": "x.png"}, "cover"),
    ("movies", {"title": "x", "cover": "a/" + "x" * 255}, "cover"),
    ("movies", {"title": "x", "slug": ""}, "slug"),
    ("movies", {"title": "x", "slug": "a b"}, "slug"),
    ("movies", {"title": "x", "slug": "a/b"}, "slug"),
    ("movies", {"title": "x", "slug": ".."}, "slug"),
    ("movies", {"title": "x", "slug": "id=7"}, "slug"),
    ("movies", {"title": "x", "slug": "a,b"}, "slug"),
    ("movies", {"title": "x", "slug": "a\u200bb"}, "slug"),
    ("movies", {"title": "x", "slug": "\u202ea"}, "slug"),
    ("movies", {"title": "x", "slug": "a\u2003b"}, "slug"),
    ("movies", {"title": "x", "slug": "trending"}, "slug"),
    ("movies", {"title": "x", "slug": "heat"}, "slug"),
    ("movies", {"title": "x", "slug": 5}, "slug"),
    ("movies", {"title": "x", "slug": "x" * 256}, "slug"),
    ("movies", {"title": "x", "genres": "drama"}, "genres"),
    ("movies", {"title": "x", "genres": [1]}, "genres"),
    ("movies", {"title": "x", "genres": [["drama"]]}, "genres"),
    ("movies", {"title": "x", "genres": {"drama": 1}}, "genres"),
    ("movies", {"title": "x", "genres": ["drama", "drama"]}, "genres"),
    ("movies", {"title": "x", "genres": ["nothing"]}, "genres"),
    ("movies", {"title": "x", "actors": ["a", "b", ""]}, "actors"),
    ("movies", {"title": "x", "genres": [""] * 5000}, "genres"),
    ("movies", {"title": "x", "genres": [""] * 10001}, "genres"),
    ("movies", {"title": "x", "translations": []}, "translations"),
    ("movies", {"title": "x", "translations": {"it": {}}}, "translations.it"),
    ("movies", {"title": "x", "translations": {"es": "Y"}}, "translations.es"),
    ("movies", {"title": "x", "translations": {"es": {"title": 5, "name": 1}}},
     "translations.es.name translations.es.title"),
    ("movies", {"title": "x", "translations": {"es": {"title": "x" * 256}}},
     "translations.es.title"),
    ("movies", {"title": "x", "translations": {"es": {"image": "/x"}}},
     "translations.es.image"),
    ("movies", {"title": "x", "sources": {"imdb": 5}}, "sources.imdb"),
    ("movies", {"title": "x", "sources": {"imdb": ["a", 5]}}, "sources.imdb"),
    ("movies", {"title": "x", "sources": {"imdb": "a b"}}, "sources.imdb"),
    ("movies", {"title": "x", "sources": {"imdb": "x" * 65}}, "sources.imdb"),
    ("movies", {"title": "x", "sources": {"imdb": ["tt0068646", "tt0068646"]}},
     "sources.imdb"),
    ("movies", {"title": "x", "sources": {"imdb": ["tt0068646", None]}},
     "sources.imdb"),
    ("movies", {"title": "x", "sources": {"imdb": [["tt0068646"]]}},
     "sources.imdb"),
    ("movies", {"title": "x", "sources": {"imdb": {"a": "tt0068646"}}},
     "sources.imdb"),
    ("movies", {"title": "x", "sources": {"imdb": "nm0000008", "tmdb": "-5",
                                          "movielens": "7.0"}},
     "sources.imdb sources.tmdb sources.movielens"),
    ("movies", {"title": "x", "sources": {"imdb": "tt123456789"}},
     "sources.imdb"),
    ("movies", {"title": "x", "sources": {"wikidata": [
        f"Q{n}" for n in range(21)]}}, "sources"),
    ("movies", {"title": "x", "sources": {f"c{n}": "1" for n in range(21)}},
     "sources"),
    ("movies", {"title": "x", "sources": {"Wikidata": "Q1"}},
     "sources.Wikidata"),
    ("persons", {"name": "x", "sources": {"imdb": "tt0068646"}}, "sources.imdb"),
    ("persons", {"name": "x", "sources": {f"c{n}": "1" for n in range(21)}},
     "sources"),
    ("movies", {"title": "x", "sources": {"": "a"}}, "sources."),
    ("movies", {"title": "x", "sources": "tt1"}, "sources"),
    ("movies", {"title": "x", "budget": 5, "id": 7, "error": 1}, "budget id __all__"),
    ("movies", {"title": "x", "created_at": "2020-01-01"}, "created_at"),
    ("movies", {"title": "x", "rating_count": 5}, "rating_count"),
    ("persons", {"name": "x", "gender": "M"}, "gender"),
    ("persons", {"name": "x", "gender": 2}, "gender"),
    ("persons", {"name": "x", "awards": ["no"]}, "awards"),
    ("persons", {"name": "x", "slug": "actors"}, "slug"),
    ("genres", {"name": "x" * 33}, "name"),
    ("genres", {"name": "Drama"}, "name"),
    ("genres", {"name": "x", "translations": {"es": {}}}, "translations.es.name"),
    ("genres", {"name": "x", "translations": {"es": {"name": None}}},
     "translations.es.name"),
    ("platforms", {"name": "x", "url": "javascript:alert(1)"}, "url"),
    ("platforms", {"name": "x", "url": "https://"}, "url"),
    ("platforms", {"name": "x", "url": "https://a b"}, "url"),
    ("awards", {"name": "x", "category": "XX"}, "category"),
    ("reviews", {}, "user movie title content is_positive"),
    ("reviews", {"user": "nobody", "movie": "nothing", "title": "t",
                 "content": "c", "is_positive": 1}, "user movie is_positive"),
    ("reviews", {"user": 1, "movie": None, "title": " ", "content": "\n",
                 "is_positive": "true"}, "user movie title content is_positive"),
    ("comments", {"user": "fay", "review": "1", "content": "c"}, "review"),
    ("comments", {"user": "fay", "review": 1.5, "content": "c"}, "review"),
    ("comments", {"user": "fay", "review": 9223372036854775807, "content": "c"},
     "review"),
    ("comments", {"user": "fay", "review": 0, "content": "c"}, "review"),
    ("comments", {"user": "fay", "review": 1, "reply_to": 99999999,
                  "content": "c"}, "reply_to"),
    ("comments", {"user": "fay", "review": 1, "content": "c" * 10001}, "content"),
    ("lists", {"user": "fay", "name": "x", "privacy": "P"}, "privacy"),
    ("lists", {"user": "fay", "name": "x", "movies": ["heat", "heat"]},
     "movies"),
]


@pytest.mark.parametrize("kind, body, fields", FAULTS)
def test_what_is_wrong_has_its_field(stack, staff, kind, body, fields):
    rows = stack.value("SELECT count(*) FROM audit")
    r = staff.post(f"{ADMIN}/{kind}/", body)
    assert r.status_code == 400, r.text
    assert set(r.json()) == {"error", *fields.split(" ")}
    assert r.json()["error"] in sum((v for v in r.json().values()
                                     if isinstance(v, list)), [])
    assert stack.value("SELECT count(*) FROM audit") == rows


@pytest.mark.parametrize("body", [
    b"", b"null", b"[]", b"5", b'"x"', b"{", b'{"title": "x"} {}',
    b'{"title": "a", "title": "b"}', b'{"title": "a\\u0000b"}',
    b'{"title": "a\x00b"}', b'{"title": "\xff"}', b'{"title": "\\ud800"}',
    b'{"title": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    b'{"translations": ' + b'{"es":' * 20 + b"1" + b"}" * 20 + b"}",
    b'{"popularity": 1e999}', b'{"popularity": 1e-999}', b'{"popularity": ' + b"9" * 400 + b"}",
    b'{"popularity": NaN}', b'{"title": "x"'])
def test_what_is_no_document(staff, body):
    for method, path in (("POST", f"{ADMIN}/movies/"),
                         ("PATCH", f"{ADMIN}/movies/9/")):
        r = staff.request(method, path, data=body, headers={
            "Content-Type": "application/json", "If-Match": "*"})
        assert r.status_code == 400 and r.json()["error"], r.text


def test_a_hundred_thousand_links(staff):
    r = staff.post(f"{ADMIN}/movies/", {"title": "x",
                                        "actors": ["al-pacino"] * 100000})
    assert r.status_code == 400 and r.json()["detail"]


def test_a_long_document(stack, staff):
    """Of many links, and what is too long, for the program and for nginx; of
    other routes nothing is longer than before."""
    slugs = [f"long-document-{'x' * 200}-{i}" for i in range(600, 0, -1)]
    stack.sql("INSERT INTO movie (slug, title) SELECT unnest(%s), 'L'", [slugs])
    made, path = add(staff, "lists", {"user": "ana", "name": "Very long",
                                      "movies": slugs})
    assert made["movies"] == slugs
    again = patch(staff, path, {"movies": slugs[1:] + slugs[:1]})
    assert again.json()["movies"] == slugs[1:] + slugs[:1]
    removed_for_good(staff, path)
    stack.sql("DELETE FROM movie WHERE title = 'L'")
    limit = 2 << 20
    for n, status in ((limit, 400), (limit + 1, 413), (2 * limit + 1, 413)):
        body = b'{"title": "' + b"x" * (n - 13) + b'"}'
        for method, url in (("POST", f"{ADMIN}/movies/"),
                            ("PATCH", f"{ADMIN}/movies/9/")):
            r = staff.request(method, url, data=body, headers={
                "Content-Type": "application/json", "If-Match": "*"})
            assert r.status_code == status and r.json()["error"], r.text[:200]
    r = staff.request("POST", "/api/movies/heat/reviews/", data=body[:70000],
                      headers={"Content-Type": "application/json"})
    assert r.status_code == 413


def test_ids_elsewhere(stack, staff):
    """A key that stays is still marked as imported; one of another thing is
    refused."""
    made, path = add(staff, "movies", {"title": "Ids", "sources": {
        "imdb": ["tt0000010", "tt0000011"], "tmdb": "1"}})
    other, elsewhere = add(staff, "movies", {"title": "Ids"})
    stack.sql("UPDATE movie_source SET imported = true WHERE movie_id = %s",
              [made["id"]])
    assert patch(staff, path, {"sources": {
        "imdb": ["tt0000012", "tt0000011"], "wikidata": "Q5"}}).json()[
            "sources"] == {"imdb": ["tt0000011", "tt0000012"], "tmdb": "1",
                           "wikidata": "Q5"}
    assert dict(stack.sql("SELECT key, imported FROM movie_source"
                          " WHERE movie_id = %s", [made["id"]])) == {
        "tt0000011": True, "1": True, "tt0000012": False, "Q5": False}
    r = patch(staff, elsewhere, {"sources": {"imdb": "tt0000011"}})
    assert r.status_code == 400 and list(r.json()) == ["sources", "error"]
    ids = {f"c{n}": "1" for n in range(16)}
    assert patch(staff, path, {"sources": ids}).status_code == 200
    assert patch(staff, path, {"sources": {"one-more": "1"}}).json()[
        "sources"] == ["Ensure this list has at most 20 items (it has 21)."]
    assert patch(staff, path, {"sources": {"c1": None, "one-more": "1"}}
                 ).status_code == 200
    assert patch(staff, path, {"sources": None}).json()["sources"] == {}
    for path in (path, elsewhere):
        removed_for_good(staff, path)


def test_what_is_deleted_with_it(stack, staff, ana, bob):
    """A purge has how many rows, as the audit log has."""
    movie, path = add(staff, "movies", {"title": "Counted", "genres": ["drama"]})
    public = f"/api/movies/{movie['slug']}/"
    for client in (ana, bob):
        assert client.post(public + "ratings/", {"rating": 4}).ok
    review = ana.post(public + "reviews/", {
        "title": "t", "content": "c", "is_positive": True}).json()["id"]
    url = f"/api/reviews/{review}/comments/"
    comment = bob.post(url, {"content": "c"}).json()["id"]
    reply = ana.post(f"{url}{comment}/replies/", {"content": "r"}).json()["id"]
    ana.post(f"{url}{comment}/reactions/", {"emoji_code": "LIKE"})
    bob.post(f"{url}{reply}/reactions/", {"emoji_code": "SAD"})
    bob.post(f"/api/reviews/{review}/reactions/", {"emoji_code": "LIKE"})
    made, lists = add(staff, "lists", {"user": "ana", "name": "Counted",
                                       "movies": [movie["slug"]]})
    person, star = add(staff, "persons", {"name": "Counted"})
    patch(staff, path, {"actors": [person["slug"]]})

    def purge(path, kind, number):
        assert staff.delete(path).ok
        r = staff.delete(path + "purge/")
        entry = audit(staff, kind=kind, id=number)[0]
        assert entry["deleted_rows"] == r.json()["deleted_rows"]
        return r.json()
    assert purge(star, "person", person["id"]) == {
        "status": True, "deleted_rows": {"movie_actors": 1}}
    assert purge(f"{ADMIN}/comments/{comment}/", "comment", comment)[
        "deleted_rows"] == {"comments": 1, "reactions": 2}
    bob.post(url, {"content": "c"})
    assert purge(path, "movie", movie["id"])["deleted_rows"] == {
        "ratings": 2, "reviews": 1, "comments": 1, "reactions": 1,
        "list_movies": 1}
    assert purge(lists, "list", made["id"])["deleted_rows"] == {}
    assert audit(staff, kind="list", id=made["id"])[1]["deleted_rows"] is None


@pytest.mark.parametrize("header", ["\xff", '"' * 3000, "*, *", "W/", '"'])
def test_a_broken_condition(staff, header):
    r = staff.request("PATCH", f"{ADMIN}/genres/1/", json={}, headers={
        "If-Match": header.encode("latin-1")})
    assert r.status_code in (400, 412)


def test_what_cannot_be_changed(staff):
    made, path = add(staff, "reviews", {
        **NEW["reviews"][0], "movie": "volver"})
    r = patch(staff, path, {"user": "ana", "movie": "heat", "id": 5,
                            "deleted_at": "2020-01-01T00:00:00Z"})
    assert r.status_code == 400
    assert set(r.json()) == {"error", "user", "movie", "id", "deleted_at"}
    assert set(r.json()["user"]) == {"This field cannot be changed."}
    for key in ("title", "content", "is_positive"):
        r = patch(staff, path, {key: None})
        assert r.status_code == 400 and list(r.json()) == [key, "error"]
    assert patch(staff, path, {"spoiler": None}).json()["spoiler"] is False
    removed_for_good(staff, path)


def test_links_to_what_is_removed_stay(staff):
    """And cannot be added."""
    _, genre = add(staff, "genres", {"name": "Fading"})
    made, path = add(staff, "movies", {"title": "F", "genres": ["fading"]})
    staff.delete(genre)
    assert staff.get(path).json()["genres"] == ["fading"]
    r = patch(staff, path, {"genres": ["drama", "fading"]})
    assert r.status_code == 200 and r.json()["genres"] == ["drama", "fading"]
    assert patch(staff, path, {"genres": ["drama"]}).status_code == 200
    r = patch(staff, path, {"genres": ["drama", "fading"]})
    assert r.json()["genres"] == ["“fading” has been removed."]
    removed_for_good(staff, path)


def test_the_order_of_links(stack, staff):
    """Of credits and of lists; what a user adds later comes last."""
    first, path = add(staff, "lists", {
        "user": "ana", "name": "Ordered",
        "movies": ["volver", "heat", "the-godfather"]})
    assert first["movies"] == ["volver", "heat", "the-godfather"]
    order = ["heat", "the-godfather", "volver"]
    assert patch(staff, path, {"movies": order}).json()["movies"] == order
    late = stack.value("SELECT slug FROM movie WHERE slug <> ALL (%s)"
                       " AND deleted_at IS NULL ORDER BY id LIMIT 1", [order])
    r = stack.client("ana").post(f"/api/movies-lists/ana/ordered/{late}/")
    assert r.status_code == 200, r.text
    assert staff.get(path).json()["movies"] == [*order, late]
    removed_for_good(staff, path)


# -- pictures -------------------------------------------------------------

PICTURES = [("movies", "cover"), ("persons", "image"), ("platforms", "image"),
            ("awards", "icon")]


def upload(client, path, data, **more):
    return client.request("PUT", path, files={
        "picture": ("../x.png", data, "text/html")}, **more)


@pytest.mark.parametrize("kind, field", PICTURES)
def test_a_picture(stack, staff, client, kind, field):
    made, path = add(staff, kind, NEW[kind][0])
    url = f"{path}pictures/{field}/"
    tag = staff.get(path).headers["ETag"]
    r = upload(staff, url, encoded(corners()), headers={"If-Match": tag})
    assert r.status_code == 200, r.text
    assert r.headers["ETag"] == staff.get(path).headers["ETag"] != tag
    stored = r.json()[field]
    assert re.fullmatch(rf"{kind}/[0-9a-f]{{32}}-1024\.jpg", stored)
    assert all(f.exists() for f in files_of(stack, stored))
    assert client.get(f"/media/{stored}", check=False).status_code == 200
    assert upload(staff, url, encoded(corners()),
                  headers={"If-Match": tag}).status_code == 412
    r = staff.delete(url)
    assert r.status_code == 200 and r.json()[field] is None
    assert [e["action"] for e in audit(staff, kind=kind[:-1],
                                       id=made["id"])] == [
        "picture", "picture", "add"]
    removed_for_good(staff, path)


def test_a_picture_of_a_translation(stack, staff, ana):
    made, path = add(staff, "movies", {"title": "Covers"})
    r = upload(staff, f"{path}pictures/image-es/", encoded(corners(), "JPEG"))
    assert r.status_code == 200, r.text
    stored = r.json()["translations"]["es"]["image"]
    assert stored.startswith("movies/") and r.json()["cover"] is None
    r = upload(staff, f"{path}pictures/cover/", encoded(corners()))
    public = ana.get(f"/api/movies/{made['slug']}/").json()
    assert r.json()["cover"] in json.dumps(public)
    r = staff.delete(f"{path}pictures/image-es/")
    assert r.json()["translations"]["es"]["image"] is None
    removed_for_good(staff, path)


@pytest.mark.parametrize("data", [b"", b"x", b"<svg/>", b"\x89PNG\r\n\x1a\n",
                                  b"GIF89a" + b"x" * 2000])
def test_what_is_no_picture(stack, staff, data):
    folder = Path(stack.media) / "movies"
    before = sorted(folder.iterdir()) if folder.exists() else []
    r = upload(staff, f"{ADMIN}/movies/9/pictures/cover/", data)
    assert r.status_code == 400 and list(r.json()) == ["picture", "error"]
    assert (sorted(folder.iterdir()) if folder.exists() else []) == before


def test_what_is_no_place_for_a_picture(staff):
    good = encoded(corners())
    for path, model in (("movies/9/pictures/icon", "Picture"),
                        ("movies/9/pictures/image-it", "Picture"),
                        ("movies/9/pictures/image", "Picture"),
                        ("genres/1/pictures/image", "Picture"),
                        ("movies/9/pictures/slug", "Picture"),
                        ("movies/999999/pictures/cover", "Thing"),
                        ("films/9/pictures/cover", "Kind")):
        for r in (upload(staff, f"{ADMIN}/{path}/", good),
                  staff.delete(f"{ADMIN}/{path}/")):
            assert r.status_code == 404 and r.json()["model"] == model, path
    for more in ({"json": {"picture": "movies/x.jpg"}}, {"json": {}},
                 {"data": {"picture": "x"}}):
        r = staff.request("PUT", f"{ADMIN}/movies/9/pictures/cover/", **more)
        assert r.status_code == 400 and "picture" in r.json(), r.text


# -- lists ----------------------------------------------------------------

def test_pages_and_searches(staff):
    for kind in KINDS:
        r = staff.get(f"{ADMIN}/{kind}/?limit=3&page=1")
        body = r.json()
        assert r.status_code == 200 and len(body["results"]) <= 3
        ids = [t["id"] for t in body["results"]]
        assert ids == sorted(ids, reverse=True)
        assert staff.get(f"{ADMIN}/{kind}/?search=zzzzqqq").json()["count"] == 0
        assert staff.get(f"{ADMIN}/{kind}/?page=999").status_code == 200

    def found(kind, **query):
        r = staff.get(f"{ADMIN}/{kind}/", params=query)
        return [t["label"] for t in r.json()["results"]]
    assert found("movies", search="HEAT")[0] == "Heat"
    assert found("persons", search="pacino") == ["Al Pacino"]
    assert found("persons", search="al-pacino") == ["Al Pacino"]
    _, path = add(staff, "movies", {"title": "Numbered", "sources": {
        "imdb": "tt0000099"}})
    assert found("movies", search="tt0000099") == ["Numbered"]
    removed_for_good(staff, path)
    assert set(found("movies", **{"slugs[]": ["heat", "volver", "no"]})) == {
        "Heat", "Volver"}
    for text in ("%", "_", "\\", "'", "\u0301", "x" * 255):
        assert staff.get(f"{ADMIN}/movies/",
                         params={"search": text}).status_code == 200
    assert staff.get(f"{ADMIN}/movies/?removed=maybe").status_code == 400
    _, path = add(staff, "genres", {"name": "Hidden"})
    staff.delete(path)
    assert "Hidden" not in found("genres")
    assert found("genres", removed="yes", search="hid") == ["Hidden"]
    assert "Hidden" in found("genres", removed="all")
    staff.delete(path + "purge/")
    for kind, name, body in (
            ("movies", "title", {"translations": {"fr": {"title": "Zêbre 7"}},
                                 "sources": {"tmdb": "990017"}}),
            ("persons", "name", {"sources": {"tmdb": "990017"}}),
            ("lists", "name", {"user": "emil"})):
        _, path = add(staff, kind, {name: "Qz zqyx", **body})
        texts = {"movies": ["bre 7", "990017"], "persons": ["990017"], "lists": []}[
            kind] + ["qz", "zqyx", "QZ Zqyx"]
        for text in texts:
            assert found(kind, search=text) == ["Qz zqyx"], (kind, text)
            assert found(kind, search=text, removed="yes") == []
        staff.delete(path)
        for text in texts:
            assert found(kind, search=text) == []
            for removed in "yes", "all":
                assert found(kind, search=text, removed=removed) == ["Qz zqyx"]
        staff.delete(path + "purge/")
    made, path = add(staff, "reviews", {
        **NEW["reviews"][0], "user": "emil", "title": "Ünïque"})
    assert found("reviews", search="unique") == ["Ünïque"]
    assert "Ünïque" in found("reviews", search="emil")
    assert "Ünïque" in found("reviews", search=NEW["reviews"][0]["movie"])
    removed_for_good(staff, path)


# -- the audit log --------------------------------------------------------

def test_who_what_and_which_request(staff):
    r = staff.post(f"{ADMIN}/genres/", {"name": "Logged"},
                   headers={"X-Request-Id": "ignored"})
    path = f"{ADMIN}/genres/{r.json()['id']}/"
    entry, = audit(staff, kind="genre", id=r.json()["id"])
    assert entry["request_id"] == r.headers["X-Request-Id"]
    assert (entry["origin"], entry["os_user"], entry["label"]) == (
        "api", None, "Logged")
    removed_for_good(staff, path)
    assert audit(staff, kind="genre", id=r.json()["id"])[0]["label"] == "Logged"
    assert audit(staff, username="nobody") == []
    assert len(audit(staff, username="keeper", limit=2)) == 2
    for query in ("kind=x", "id=x", "id=0", "id=99999999999999999999"):
        assert staff.get(f"{ADMIN}/audit/?{query}").status_code == 400


def test_it_forgets_the_texts_of_a_deleted_account(stack, staff):
    account(stack, "leaver")
    made, path = add(staff, "reviews", {
        **NEW["reviews"][0], "user": "leaver", "content": "Remember this."})
    staff.delete(path)
    assert len(audit(staff, kind="review", id=made["id"])) == 2
    stack.sql("DELETE FROM account WHERE username = 'leaver'")
    assert audit(staff, kind="review", id=made["id"]) == []
    assert not stack.value("SELECT count(*) FROM audit"
                           " WHERE after::text LIKE '%Remember this%'")


def test_an_administrator_who_is_deleted_leaves_the_entry(stack, staff):
    account(stack, "former", staff=True)
    made, path = add(stack.client("former"), "genres", {"name": "Left"})
    stack.sql("DELETE FROM account WHERE username = 'former'")
    entry, = audit(staff, kind="genre", id=made["id"])
    assert entry["username"] is None and entry["after"]["name"] == "Left"
    removed_for_good(staff, path)


# -- who may --------------------------------------------------------------

def requests(stack):
    yield "GET", f"{ADMIN}/audit/"
    for kind in KINDS:
        number = stack.value("SELECT coalesce(max(id), 1) FROM "
                             + {"lists": "movielist"}.get(kind, kind[:-1]))
        yield "GET", f"{ADMIN}/{kind}/"
        yield "POST", f"{ADMIN}/{kind}/"
        for method, end in (("GET", ""), ("PATCH", ""), ("DELETE", ""),
                            ("POST", "restore/"), ("DELETE", "purge/"),
                            ("PUT", "pictures/image/"),
                            ("DELETE", "pictures/image/")):
            yield method, f"{ADMIN}/{kind}/{number}/{end}"


def test_only_the_staff_may(stack, staff):
    """Not one who was, nor one whose account was locked."""
    for name, columns in (("no-staff", {"staff": True}),
                          ("locked-staff", {"staff": True}),
                          ("new-staff", {"staff": True, "verified": True})):
        account(stack, name, **columns)
    clients = {name: stack.client(name) for name in (
        "ana", "nina", "no-staff", "locked-staff", "new-staff")}
    clients["anonymous"] = stack.client()
    for name in clients:
        clients[name].get(f"{ADMIN}/genres/")  # the account is cached
    stack.sql("UPDATE account SET staff = false WHERE username = 'no-staff'")
    stack.sql("UPDATE account SET active = false, locked = true"
              " WHERE username = 'locked-staff'")
    stack.sql("UPDATE account SET verified = false WHERE username = 'new-staff'")
    stack.touched()
    wanted = {"anonymous": 401, "ana": 403, "nina": 403, "no-staff": 403,
              "locked-staff": 401, "new-staff": 403}
    tables = ("movie", "person", "genre", "review", "comment", "movielist",
              "audit")
    before = [stack.sql(f"SELECT t::text FROM {t} AS t ORDER BY id")
              for t in tables]
    for method, path in requests(stack):
        for name, status in wanted.items():
            r = clients[name].request(
                method, path, json=None if method == "GET" else {"name": "x"},
                headers={"If-Match": "*"})
            assert r.status_code == status, (name, method, path, r.text)
    assert before == [stack.sql(f"SELECT t::text FROM {t} AS t ORDER BY id")
                      for t in tables]


def test_unknown_kinds(staff):
    for kind in ("movie", "users", "accounts", "audit2", "%00", "movies;", "х"):
        r = staff.get(f"{ADMIN}/{kind}/")
        assert r.status_code in (400, 404)
    r = staff.get(f"{ADMIN}/accounts/1/")
    assert r.status_code == 404 and r.json()["model"] == "Kind"
    for number in ("x", "-1", "99999999999999999999", "1.0"):
        assert staff.get(f"{ADMIN}/movies/{number}/").status_code == 404


def test_nothing_is_cached(staff):
    r = staff.get(f"{ADMIN}/genres/1/")
    assert staff.get(f"{ADMIN}/genres/1/", headers={
        "If-None-Match": r.headers["ETag"]}).status_code == 304
    assert json.loads(r.text)["id"] == 1
