# SPDX-License-Identifier: GPL-3.0-or-later
"""Movies: detail, search, unseen marks, genres, platforms, recommendations; white
space in every search."""

import pytest

MOVIE_KEYS = ["id", "title", "slug", "release_date", "synopsis", "cover",
              "genres", "awards", "platforms", "actors", "directors"]


def slugs(response):
    assert response.status_code == 200, response.text
    body = response.json()
    return [m["slug"] for m in (body["results"] if isinstance(body, dict)
                                else body)]


def test_detail_is_whole_and_absolute(stack, ana):
    r = ana.get("/api/movies/the-godfather/")
    movie = r.json()
    assert list(movie) == MOVIE_KEYS
    assert movie["title"] == "The Godfather"
    assert movie["release_date"] == "1972-03-14"
    assert [g["slug"] for g in movie["genres"]] == ["crime", "drama"]
    assert movie["actors"] == [f"{stack.tls_url}/api/persons/marlon-brando/",
                               f"{stack.tls_url}/api/persons/al-pacino/"]
    assert movie["directors"] == [
        f"{stack.tls_url}/api/persons/francis-ford-coppola/"]
    assert movie["cover"] == f"{stack.tls_url}/media/movies/covers/no-movie.png"
    assert movie["platforms"] == [{
        "id": 2, "name": "Matinee", "slug": "matinee",
        "url": "https://matinee.example/",
        "image": f"{stack.tls_url}/media/platforms/matinee.png"}]
    assert {a["category"] for a in movie["awards"]} == {
        "Best Picture", "Best Actor in a Leading Role"}
    assert r.headers["Content-Language"] == "en"


def test_detail_without_anything_has_empty_lists(ana):
    movie = ana.get("/api/movies/spirited-away/").json()
    assert movie["actors"] == movie["directors"] == movie["awards"] == []


def test_detail_speaks_the_language_of_the_account(carla):
    movie = carla.get("/api/movies/the-godfather/").json()
    assert movie["title"] == "El padrino"
    assert [g["name"] for g in movie["genres"]] == ["Crimen", "Drama"]
    # no translation of the movie: the base texts, but the genre's own name
    assert carla.get("/api/movies/amelie/").json()["title"] == "Amélie"


def test_an_empty_genre_translation_hides_nothing(stack, emil):
    stack.sql("INSERT INTO genre_translation (genre_id, language, name)"
              " VALUES (4, 'de', '')")
    names = [g["name"] for g in emil.get("/api/genres/").json()]
    assert "Drama" in names and "" not in names


@pytest.mark.parametrize("path", ["/api/movies/the-godfather/",
                                  "/api/movies/the-godfather"])
def test_the_slash_does_not_matter(ana, path):
    assert ana.get(path).status_code == 200


@pytest.mark.parametrize("slug", ["no-such-film", "deleted-film", "%C3%BC",
                                  "a%2Fb"])
def test_unknown_movie(ana, slug):
    r = ana.get(f"/api/movies/{slug}/")
    assert r.status_code == 404
    body = r.json()
    assert body["error"] == "Not Found"
    assert body["model"] == "Movie"


def test_unknown_movie_tells_an_anonymous_caller_nothing(client):
    for slug in ("the-godfather", "no-such-film"):
        r = client.get(f"/api/movies/{slug}/")
        assert r.status_code == 401
        assert r.json()["error"] == "You need to be authenticated"


def test_unverified_is_403(nina):
    r = nina.get("/api/movies/the-godfather/")
    assert r.status_code == 403
    assert r.json()["error"] == "User account is not verified"


def test_unverified_hears_nothing_of_the_query(nina):
    for query in ("name=%ff", "stars[]=x"):
        r = nina.get(f"/api/movies/searching/?{query}")
        assert r.status_code == 403, query
        assert r.json() == {"error": "User account is not verified"}


def test_errors_of_the_query_are_in_the_language_of_the_account(stack, carla):
    """Not in that of the token, which is older."""
    path = "/api/movies/searching/?stars[]=x"
    spanish = carla.get(path).json()
    stack.client("carla").language("fr")
    french = carla.get(path).json()
    stack.client("carla").language("es")
    for answer, text in (
            (spanish, "El valor «x» debe ser un número entero."),
            (french, "La valeur «\xa0x\xa0» doit être un nombre entier.")):
        assert answer == {"stars": [text], "error": text}


def test_repeated_detail_is_304(ana):
    first = ana.get("/api/movies/heat/")
    tag = first.headers["ETag"]
    for value in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
        r = ana.get("/api/movies/heat/", headers={"If-None-Match": value})
        assert r.status_code == 304, value
        assert r.content == b""
        assert r.headers["ETag"] == tag
    r = ana.get("/api/movies/heat/", headers={"If-None-Match": '"other"'})
    assert r.status_code == 200


def test_head_is_get_without_the_body(ana):
    get = ana.get("/api/movies/heat/")
    head = ana.request("HEAD", "/api/movies/heat/")
    assert head.status_code == 200 and head.content == b""
    assert head.headers["ETag"] == get.headers["ETag"]
    assert head.headers["Content-Length"] == str(len(get.content))


def test_options_and_405_name_the_methods(ana):
    r = ana.request("OPTIONS", "/api/movies/heat/ratings/")
    assert r.status_code == 204
    assert set(r.headers["Allow"].split(", ")) == {
        "GET", "HEAD", "POST", "PUT", "OPTIONS"}
    r = ana.request("PATCH", "/api/movies/heat/ratings/")
    assert r.status_code == 405
    assert r.json()["detail"] == 'Method "PATCH" not allowed.'
    assert "PUT" in r.headers["Allow"]


# -- search ---------------------------------------------------------------

def search(who, **params):
    return who.get("/api/movies/searching/", params=params)


def test_search_finds_parts_without_accents_or_case(ana):
    assert slugs(search(ana, name="AMELIE")) == ["amelie"]
    assert slugs(search(ana, name="amé")) == ["amelie"]
    assert slugs(search(ana, name="matrix")) == ["the-matrix-reloaded",
                                                 "the-matrix"]


def test_search_looks_into_the_own_language(ana, carla):
    assert slugs(search(carla, name="padrino")) == ["the-godfather-part-ii",
                                                    "the-godfather"]
    assert slugs(search(carla, name="godfather")) == ["the-godfather-part-ii",
                                                      "the-godfather"]
    assert "the-godfather" not in slugs(search(ana, name="padrino"))


def test_near_matches_only_when_nothing_contains_it(ana):
    assert slugs(search(ana, name="godfahter"))[0] in (
        "the-godfather", "the-godfather-part-ii")
    assert slugs(search(ana, name="matirx"))[0] == "the-matrix"
    assert slugs(search(ana, name="qqqqzzzz")) == []


def test_search_takes_signs_literally(ana):
    assert slugs(search(ana, name="%")) == []
    assert slugs(search(ana, name="_")) == []
    assert slugs(search(ana, name="\\")) == []


def test_search_is_newest_first_and_pages_add_up(ana):
    whole = slugs(search(ana, limit=100))
    assert len(whole) == 15 and "deleted-film" not in whole
    dates = [m["release_date"] for m in search(ana, limit=100).json()
             ["results"]]
    assert dates == sorted(dates, reverse=True)
    pages = []
    for page in (1, 2, 3, 4):
        body = search(ana, page=page, limit=4).json()
        assert body["current_page"] == page
        assert body["count"] == 15 and body["total_pages"] == 4
        assert body["has_previous"] == (page > 1)
        assert body["has_next"] == (page < 4)
        pages += [m["slug"] for m in body["results"]]
    assert pages == whole


def test_what_filters_nothing_changes_nothing(ana):
    """All movies come by a statement of their own; every parameter without a
    value is the same question."""
    whole = search(ana, limit=4).json()
    assert whole["count"] == 15
    for nothing in ({"name": ""}, {"genres[]": ""}, {"stars": ""},
                    {"marked_unseen": "false", "reviewed": "0"}):
        assert search(ana, limit=4, **nothing).json() == whole, nothing
    slugs_of_all = slugs(search(ana, limit=100, name=""))
    assert slugs(search(ana, limit=100, marked_unseen="true")) != slugs_of_all


@pytest.mark.parametrize("page, served", [
    ("0", 2), ("-1", 1), ("NaN", 1), ("", 1), ("1.5", 1), ("99", 2),
    ("99999999999999999999999", 2), ("2", 2), ("²", 1)])
def test_absurd_pages(ana, page, served):
    body = search(ana, page=page, limit=10).json()
    assert body["current_page"] == served


@pytest.mark.parametrize("limit, got", [
    ("0", 10), ("-5", 10), ("abc", 10), ("", 10), ("100000", 15), ("3", 3)])
def test_absurd_limits(ana, limit, got):
    assert len(slugs(search(ana, limit=limit))) == got


def test_empty_result_has_one_page(ana):
    assert search(ana, name="qqqqzzzz").json() == {
        "results": [], "total_pages": 1, "count": 0, "count_exact": True,
        "has_next": False, "has_previous": False, "current_page": 1}


@pytest.mark.parametrize("query", [
    "genres[]=crime", "genres=crime", "genres%5B%5D=crime",
    "genres[]=crime&genres[]=nothing"])
def test_filters_take_both_spellings(ana, query):
    r = ana.get(f"/api/movies/searching/?{query}")
    assert set(slugs(r)) == {"the-godfather", "the-godfather-part-ii", "heat",
                             "city-of-god"}


def test_filters_are_joined_by_and(ana):
    assert slugs(search(ana, **{"genres[]": "crime", "platforms[]": "matinee",
                                "actors[]": "al-pacino", "name": "part"})) == [
        "the-godfather-part-ii"]
    assert set(slugs(search(ana, **{"directors[]": "pedro-almodovar"}))) == {
        "volver", "talk-to-her"}
    assert set(slugs(search(ana, celebrities="jean-pierre-jeunet"))) == {
        "amelie", "delicatessen", "alien-resurrection"}


def test_stars_are_the_callers_own(bob, ana):
    assert set(slugs(search(bob, **{"stars[]": ["5"]}))) == {
        "the-godfather", "the-matrix"}
    assert slugs(search(ana, **{"stars[]": ["5"]})) == []
    r = search(ana, **{"stars[]": ["five"]})
    assert r.status_code == 400 and "error" in r.json()


def test_reviewed_and_marked_filter_only_on_true(bob):
    assert slugs(search(bob, reviewed="true")) == ["the-godfather"]
    for value in ("false", "True", "1", "yes"):
        assert len(slugs(search(bob, reviewed=value, limit=100))) == 15


def test_unknown_parameters_are_ignored(ana):
    assert len(slugs(search(ana, limit=100, _t="1", recomender_for="x"))) == 15


# -- unseen ---------------------------------------------------------------

def test_unseen_marks(ana):
    path = "/api/movies/volver/unseen/"
    r = ana.post(path, headers={
        "Content-Type": "application/x-www-form-urlencoded"})
    assert r.status_code == 200 and r.json() == {"success": True}
    r = ana.post(path)
    assert r.status_code == 400
    assert r.json()["error"] == "Movie already marked as unseen"
    assert slugs(search(ana, marked_unseen="true")) == ["volver"]
    r = ana.delete(path)
    assert r.status_code == 200 and r.json() == {"success": True}
    assert slugs(search(ana, marked_unseen="true")) == []
    r = ana.delete(path)
    assert r.status_code == 400
    assert r.json()["error"] == "Movie not marked as unseen"
    assert ana.post("/api/movies/deleted-film/unseen/").status_code == 404


# -- lists ----------------------------------------------------------------

@pytest.mark.parametrize("path", ["/api/genres", "/api/genres/"])
def test_genres(ana, carla, path):
    assert [g["slug"] for g in ana.get(path).json()] == [
        "action", "comedy", "crime", "drama", "fantasy", "romance",
        "science-fiction"]
    assert carla.get(path).json()[0] == {"id": 1, "name": "Acción",
                                         "slug": "action"}


def test_platforms(stack, ana):
    body = ana.get("/api/platforms").json()
    assert body[0]["image"] == f"{stack.tls_url}/media/platforms/arthouse.png"
    assert body[2] == {"id": 3, "name": "Nowhere", "slug": "nowhere",
                       "url": None, "image": None}


def test_an_unknown_release_date_shows_no_year(stack, ana):
    """An empty text is no day to a page, null would be 1970 there."""
    stack.sql("INSERT INTO movie (slug, title) VALUES ('undated', 'Undated')")
    try:
        detail = ana.get("/api/movies/undated/").json()
        assert detail["release_date"] == ""
        found = search(ana, limit=100).json()["results"]
        assert found[-1]["slug"] == "undated"
        assert all(m["release_date"] for m in found[:-1])
        offered = ana.get("/api/movies/").json()
        assert offered[0]["slug"] != "undated"
    finally:
        stack.sql("DELETE FROM movie WHERE slug = 'undated'")


def test_search_by_name_in_order(stack, ana, carla):
    """The exact title, its beginning, a whole word, the beginning of one, the rest;
    each newest first."""
    titles = [("Tokyo Ruse", 2003), ("Ruse", 1980), ("Peruse", 2020),
              ("Ruse Again", 1990), ("Ruses", 1995), ("A Ruse", 2010),
              ("The Art of the Ruse", 2015), ("Tokyo Ruses", 2021)]
    stack.sql("INSERT INTO movie (slug, title, release_date)"
              " SELECT 'order-' || n, title, make_date(year, 1, 1)"
              "   FROM unnest(%s, %s) WITH ORDINALITY AS u (title, year, n)",
              ([t for t, _ in titles], [y for _, y in titles]))
    stack.sql("INSERT INTO movie_translation (movie_id, language, title,"
              " synopsis) SELECT id, 'es', 'Ruse', '' FROM movie"
              "  WHERE slug = 'order-3'")
    stack.touched()

    def found(who):
        return [m["slug"] for m in who.get(
            "/api/movies/searching/?name=RUSE").json()["results"]]
    assert found(ana) == [f"order-{n}" for n in (2, 5, 4, 7, 6, 1, 8, 3)]
    assert found(carla) == [f"order-{n}" for n in (3, 2, 5, 4, 7, 6, 1, 8)]
    pages = [ana.get(f"/api/movies/searching/?name=ruse&limit=2&page={n}")
             .json()["results"] for n in (1, 2, 3, 4)]
    assert [m["slug"] for page in pages for m in page] == found(ana)
    stack.sql("DELETE FROM movie WHERE slug LIKE 'order-%%'")
    stack.touched()


def test_godfather_does_not_begin_with_tokyo_godfathers(stack, ana):
    stack.sql("INSERT INTO movie (slug, title, release_date) VALUES"
              " ('whole-1', 'The Godfather', '1972-03-24'),"
              " ('whole-2', 'Tokyo Godfathers', '2003-11-08'),"
              " ('whole-3', 'The Godfather: Part II', '1974-12-20')")
    stack.touched()
    found = ana.get("/api/movies/searching/?name=godfather").json()["results"]
    assert [m["slug"] for m in found if m["slug"].startswith("whole-")] == [
        "whole-3", "whole-1", "whole-2"]
    stack.sql("DELETE FROM movie WHERE slug LIKE 'whole-%%'")
    stack.touched()


# -- white space ------------------------------------------------------------

# A search that finds something, of every route with one.
EVERY_SEARCH = [
    ("/api/movies/searching/", "name", "god"),
    ("/api/movies-lists/searching/", "query", "e"),
    ("/api/movies-lists/{list}/movies/searching/", "query", "e"),
    ("/api/persons/searching/", "search_query", "al"),
    ("/api/persons/actors/", "name", "al"),
    ("/api/persons/actors/searching/", "search_query", "al"),
    ("/api/persons/directors/", "name", "co"),
    ("/api/persons/directors/searching/", "search_query", "co"),
    ("/api/users/searching/", "search_query", "bo"),
    ("/api/users/ana/friends/searching/", "search_query", "bo")]


@pytest.fixture(scope="module")
def evening(stack):
    stack.sql("WITH made AS (INSERT INTO movielist (user_id, name, slug)"
              " SELECT id, 'Evening', 'evening' FROM account"
              " WHERE username = 'ana' RETURNING id)"
              " INSERT INTO movielist_movie (movielist_id, movie_id)"
              " SELECT made.id, m.id FROM made, movie AS m WHERE m.slug = 'heat'")
    yield "ana/evening"
    stack.sql("DELETE FROM movielist WHERE slug = 'evening'")


@pytest.mark.parametrize("path, key, text", EVERY_SEARCH,
                         ids=[p for p, _, _ in EVERY_SEARCH])
def test_white_space_around_a_text_is_ignored(ana, evening, path, key, text):
    def search(value):
        r = ana.get(path.format(list=evening), params={key: value})
        assert r.status_code == 200, r.text
        return r.json()["results"]
    assert search(text)
    for around in (f" {text}", f"{text} ", f"\t{text}\u3000\n"):
        assert search(around) == search(text)
    assert search("  ") == search("")
