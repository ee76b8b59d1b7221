# SPDX-License-Identifier: GPL-3.0-or-later
"""One award."""

from urllib.parse import quote

import pytest

OSCAR = "/api/awards/oscar-best-picture-1973/"
LABELS = {
    "": "",
    "BP": "Best Picture",
    "BA": "Best Animated Feature",
    "BD": "Best Documentary",
    "IF": "Best International Feature",
    "MA": "Best Actor in a Leading Role",
    "WA": "Best Actress in a Leading Role",
    "SA": "Best Supporting Actor",
    "SX": "Best Supporting Actress",
    "DR": "Best Director",
    "DD": "Best Debut Director",
}


def test_the_answer(stack, ana):
    r = ana.get(OSCAR)
    assert r.status_code == 200
    assert list(r.json().items()) == [
        ("id", 1), ("name", "Oscar Best Picture 1973"),
        ("slug", "oscar-best-picture-1973"), ("category", "Best Picture"),
        ("icon", f"{stack.tls_url}/media/awards/no-award.png"),
        ("date", "1973-03-27")]


def test_the_same_as_in_a_movie(ana):
    embedded = ana.get("/api/movies/the-godfather/").json()["awards"]
    assert len(embedded) == 2
    for award in embedded:
        assert ana.get(f"/api/awards/{award['slug']}/").json() == award


def test_the_same_for_every_verified_user(ana, bob, carla):
    assert ana.get(OSCAR).json() == bob.get(OSCAR).json() \
        == carla.get(OSCAR).json()


def test_categories(stack, ana):
    stack.sql("INSERT INTO award (name, slug, category)"
              " SELECT 'category-' || code, 'category-' || code, code"
              "   FROM unnest(%s) AS code", (list(LABELS),))
    stack.touched()
    for code, label in LABELS.items():
        award = ana.get(f"/api/awards/category-{code}/").json()
        assert (award["category"], award["date"]) == (label, None)


def test_any_slug_without_a_slash(stack, ana):
    slugs = ["Año 1999", "a:b?c", "50%", "Ü" * 32, "1999"]
    stack.sql("INSERT INTO award (name, slug)"
              " SELECT slug, slug FROM unnest(%s) AS slug", (slugs,))
    stack.touched()
    for slug in slugs:
        assert ana.get(f"/api/awards/{quote(slug)}/").json()["slug"] == slug


@pytest.mark.parametrize("slug", [
    "no-such-award", "Oscar-Best-Picture-1973", "oscar-best-picture-1973%20",
    "1", "-1", "x" * 33, "%C3%BC"])
def test_missing(ana, client, nina, slug):
    path = f"/api/awards/{slug}/"
    r = ana.get(path)
    assert r.status_code == 404
    assert (r.json()["error"], r.json()["model"]) == ("Not Found", "Award")
    # the caller is checked first
    assert client.get(path).status_code == 401
    assert nina.get(path).status_code == 403


def test_who_may_read(ana, client, nina):
    assert ana.get(OSCAR).status_code == 200
    r = client.get(OSCAR)
    assert r.status_code == 401
    assert r.json()["error"] == "You need to be authenticated"
    r = nina.get(OSCAR)
    assert r.status_code == 403
    assert r.json()["error"] == "User account is not verified"
    assert client.get(OSCAR, token="invalid").status_code == 401


def test_it_cannot_be_written(ana):
    for send in (ana.post, ana.put, ana.delete):
        r = send(OSCAR, {})
        assert r.status_code == 405
        assert r.headers["Allow"] == "GET, HEAD, OPTIONS"


def test_unchanged_is_304(ana):
    tag = ana.get(OSCAR).headers["ETag"]
    assert ana.get(OSCAR, headers={"If-None-Match": tag}).status_code == 304


def test_a_change_is_seen_at_once(stack, ana, bob):
    """Never from a stale copy, and neither is a 404."""
    path = "/api/awards/changing/"

    def change(sql):
        stack.sql(sql)
        stack.touched()

    def change_to(assignment):
        change(f"UPDATE award SET {assignment}"
               "  WHERE slug IN ('changing', 'changed')")

    def read():
        """Twice, so that the second answer can be the cached one."""
        answers = [who.get(path) for who in (ana, bob) for _ in range(2)]
        assert len({(r.status_code, r.text) for r in answers}) == 1
        return answers[0]

    assert read().status_code == 404
    change("INSERT INTO award (name, slug, category, date)"
           " VALUES ('changing', 'changing', 'BP', '1999-12-31')")
    mark = stack.mark()
    assert read().json()["category"] == "Best Picture"
    stack.wait_log(r" GET /api/awards/changing/ 200 .* cache=hit ", since=mark)

    for assignment, key, value in (
            ("name = 'Other name'", "name", "Other name"),
            ("category = 'DR'", "category", "Best Director"),
            ("icon = 'awards/a b.png'", "icon",
             f"{stack.tls_url}/media/awards/a%20b.png"),
            ("date = NULL", "date", None)):
        change_to(assignment)
        assert read().json()[key] == value

    change_to("deleted_at = now()")
    assert read().status_code == 404
    change_to("deleted_at = NULL")
    assert read().status_code == 200
    change_to("slug = 'changed'")
    assert read().status_code == 404
    assert ana.get("/api/awards/changed/").status_code == 200
    change_to("slug = 'changing'")
    assert ana.get("/api/awards/changed/").status_code == 404
    assert read().status_code == 200
    change("DELETE FROM award WHERE slug = 'changing'")
    assert read().status_code == 404
