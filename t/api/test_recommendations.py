# SPDX-License-Identifier: GPL-3.0-or-later
"""Recommendations: which movies are returned, why, and that the next answer
reflects every change.

The model is artificial, so that the expected result is obvious: two factors,
one for science fiction and action, one for drama and crime; other genres are
in between. Films of world "catalogue"; bob, carla and fay have rated some."""

import json

import pytest

import models
from stack import wait_until

WORLD = "catalogue"
SETTINGS = {"recommend_director": "100%"}

SCIENCE = {"alien-resurrection": (1, 0.1), "the-matrix": (1.1, 0),
           "the-matrix-reloaded": (1.05, 0.05), "wall-e": (0.9, 0.2)}
DRAMA = {"the-godfather": (0, 1.1), "the-godfather-part-ii": (0.05, 1.05),
         "volver": (0.1, 0.8), "apocalypse-now": (0.15, 1),
         "the-conversation": (0.1, 0.9), "heat": (0.3, 0.9),
         "talk-to-her": (0, 0.7), "city-of-god": (0.1, 1)}
BETWEEN = {"amelie": (0.3, 0.35), "delicatessen": (0.35, 0.3),
           "spirited-away": (0.4, 0.4)}
FILMS = {**SCIENCE, **DRAMA, **BETWEEN}
KEYS = ["id", "title", "slug", "release_date", "synopsis", "cover", "genres",
        "awards", "platforms", "actors", "directors", "because"]


@pytest.fixture(scope="module", autouse=True)
def model(stack):
    """Published, fetched by mxm-jobs and mapped by the workers."""
    ids = dict(stack.sql("SELECT slug, id FROM live_movie"))
    version = models.publish(stack, {ids[slug]: f for slug, f
                                     in FILMS.items()})
    wait_until(lambda: models.version_of(stack.base / "model") == version,
               "the model is fetched")
    bob = stack.client("bob")
    wait_until(lambda: kinds(bob.get("/api/movies/")) >= {"rating"},
               "the workers have the model")
    return version


def slugs(response):
    assert response.status_code == 200, response.text
    return [m["slug"] for m in response.json()]


def kinds(response):
    return {why["kind"] for m in response.json() for why in m["because"]}


def page(who):
    return slugs(who.get("/api/movies/"))


def item(who, slug):
    found = [m for m in who.get("/api/movies/").json() if m["slug"] == slug]
    assert len(found) == 1
    return found[0]


def because(who, slug, kind):
    return [why for why in item(who, slug)["because"] if why["kind"] == kind]


def rate(who, slug, stars):
    path = f"/api/movies/{slug}/ratings/"
    response = who.post(path, {"rating": stars})
    if response.status_code == 400:
        response = who.put(path, {"rating": stars})
    assert response.status_code in (200, 201), response.text


@pytest.fixture
def newcomer(stack):
    """New users; they are deleted after the test."""
    made = []

    def make(**columns):
        names = ", ".join(["", *columns])
        marks = ", %s" * len(columns)
        number = stack.value("SELECT nextval(pg_get_serial_sequence("
                             "'account', 'id'))")
        stack.sql(f"INSERT INTO account (id, username, email, password,"
                  f" verified, boarded{names}) SELECT %s, %s, %s, password,"
                  f" true, true{marks} FROM account WHERE username = 'ana'",
                  (number, f"new{number}", f"new{number}@example.org",
                   *columns.values()))
        made.append(number)
        client = stack.client(f"new{number}")
        client.number = number
        client.name = f"new{number}"
        return client
    yield make
    for number in made:
        stack.sql("DELETE FROM account WHERE id = %s", (number,))


# -- who has rated nothing ---------------------------------------------------

def test_newcomer_gets_what_is_popular(stack, newcomer):
    got = newcomer().get("/api/movies/").json()
    rated = [r[0] for r in stack.sql(
        "SELECT slug FROM live_movie WHERE rating_count > 0")]
    assert len(got) == 15
    assert got[0]["slug"] in ("the-godfather", "amelie")
    assert {m["slug"] for m in got[:len(rated)]} == set(rated)
    assert all(list(m) == KEYS for m in got)
    assert {"kind": "popular", "text": "Users rate it highly"} in \
        got[0]["because"]
    assert "rating" not in {w["kind"] for m in got for w in m["because"]}


def test_popular_films_are_spread_over_genres(stack, newcomer):
    """Twelve dramas, rated better than all else, are not the first twelve."""
    stack.sql("INSERT INTO movie (id, slug, title, release_date, modelled)"
              " SELECT 500 + i, 'drama-' || i, 'Drama', '2001-04-25', true"
              "   FROM generate_series(1, 12) AS i;"
              "INSERT INTO movie_genre SELECT id, 4 FROM movie WHERE id > 500;"
              "INSERT INTO rating (user_id, movie_id, rating)"
              " SELECT u, 500 + i, 5 FROM generate_series(2, 5) AS u,"
              "        generate_series(1, 12) AS i")
    try:
        got = page(newcomer())
        assert len(got) == 20
        assert sum(s.startswith("drama-") for s in got[:12]) < 12
        assert got[0].startswith("drama-")
    finally:
        stack.sql("DELETE FROM movie WHERE id > 500")


def test_one_rating_changes_the_page(newcomer):
    me = newcomer()
    before = page(me)
    rate(me, "the-matrix-reloaded", 5)
    after = page(me)
    assert after[:3] != before[:3]
    assert set(after[:3]) == set(SCIENCE) - {"the-matrix-reloaded"}


# -- taste -------------------------------------------------------------------

def test_five_stars_lead_there_and_one_star_away(newcomer):
    me, other = newcomer(), newcomer()
    for slug in ("the-matrix", "wall-e"):
        rate(me, slug, 5)
        rate(other, slug, 1)
    assert set(page(me)[:2]) == {"the-matrix-reloaded", "alien-resurrection"}
    assert set(page(other)[-2:]) == {"the-matrix-reloaded",
                                     "alien-resurrection"}
    assert "It is unlike \u201cThe Matrix\u201d, which you gave one star" in [
        w["text"] for w in because(other, "volver", "rating")]
    for slug in ("the-matrix", "wall-e"):
        rate(me, slug, 1)  # changed
    assert set(page(me)[-2:]) == {"the-matrix-reloaded", "alien-resurrection"}


def test_reasons_name_the_ratings_that_count(stack, newcomer):
    me = newcomer()
    rate(me, "volver", 3)
    rate(me, "the-matrix", 5)
    why = because(me, "alien-resurrection", "rating")
    assert why[0] == {
        "kind": "rating", "text": "You gave “The Matrix” 5 stars",
        "movie": f"{stack.tls_url}/api/movies/the-matrix/",
        "title": "The Matrix", "rating": 5, "share": why[0]["share"]}
    assert 0.5 < why[0]["share"] <= 1
    assert len(why) <= 3
    assert sum(w["share"] for w in why) <= 1.001
    me.language("es")
    rate(me, "the-godfather", 4)
    assert "Usted dio 4 estrellas a «El padrino»" in [
        w["text"] for w in because(me, "city-of-god", "rating")]


def test_what_she_knows_is_left_out(newcomer):
    me = newcomer()
    rate(me, "heat", 5)
    assert "heat" not in page(me) and "volver" in page(me)
    assert me.post("/api/movies/volver/unseen/").status_code == 200
    assert "volver" not in page(me)
    assert me.delete("/api/movies/volver/unseen/").status_code == 200
    assert "volver" in page(me)
    assert len(page(me)) == len(set(page(me))) == 14


def test_what_psql_changes_of_hers_is_known(stack, newcomer):
    me = newcomer()
    rate(me, "heat", 5)
    assert "volver" in page(me)
    stack.sql("INSERT INTO unseen (user_id, movie_id) VALUES (%s, 4)",
              (me.number,))
    soon(lambda: "volver" not in page(me), "it is marked")
    stack.sql("DELETE FROM unseen WHERE user_id = %s", (me.number,))
    soon(lambda: "volver" in page(me), "it is not any more")
    before = page(me)
    stack.sql("UPDATE rating SET rating = 1 WHERE user_id = %s",
              (me.number,))
    soon(lambda: page(me) != before, "it is disliked")
    stack.sql("UPDATE rating SET deleted_at = now() WHERE user_id = %s",
              (me.number,))
    soon(lambda: "heat" in page(me), "it is as if it had never been")


def test_who_knows_everything_gets_an_empty_list(newcomer):
    me = newcomer()
    for slug in FILMS:
        rate(me, slug, 3)
    assert page(me) == []


def test_explain_adds_up_to_what_is_ranked_by(stack, newcomer):
    me = newcomer()
    for slug, stars in (("heat", 5), ("wall-e", 2), ("amelie", 4)):
        rate(me, slug, stars)
    order = page(me)
    places, scores = [], []
    for slug in order:
        done = stack.ctl(["recommend", "explain", me.name, slug, "--json"])
        told = json.loads(done.stdout)
        assert told["not_shown"] is None
        assert len(told["ratings"]) == 3
        assert sum(r["part"] for r in told["ratings"]) + told["common"] == \
            pytest.approx(told["taste"], abs=1e-5)
        places.append(told["place"])
        scores.append(told["score"])
    assert scores == sorted(scores, reverse=True)
    done = stack.ctl(["recommend", "explain", me.name, "heat"])
    assert "not shown: the user has rated it" in done.stdout


@pytest.mark.parametrize("args, status", [
    (["nobody", "heat"], 67), (["ana", "no-such-film"], 66),
    (["ana", "heat"], 65), (["ana"], 64)])
def test_explain_says_what_is_missing(stack, args, status):
    done = stack.ctl(["recommend", "explain", *args], check=False)
    assert done.returncode == status
    assert done.stderr and not done.stdout


# -- friends, celebrities, awards --------------------------------------------

def befriend(stack, a, b):
    stack.sql("INSERT INTO friendship (user1_id, user2_id)"
              " SELECT least(a.id, b.id), greatest(a.id, b.id)"
              "   FROM account AS a, account AS b"
              "  WHERE a.username = %s AND b.username = %s", (a, b))


def soon(condition, what):
    """What psql changes reaches the answers when mxm-jobs has seen it."""
    wait_until(condition, what, timeout=30)


def test_friends_shift_the_order_and_give_a_reason(stack, newcomer):
    me, friend = newcomer(), newcomer()
    rate(me, "the-matrix", 5)
    before = page(me)
    rate(friend, "talk-to-her", 5)
    befriend(stack, me.name, friend.name)
    soon(lambda: because(me, "talk-to-her", "friend"), "a friend's reason")
    assert because(me, "talk-to-her", "friend") == [
        {"kind": "friend", "text": f"{friend.name} liked it",
         "user": f"{stack.tls_url}/api/users/{friend.name}/"}]
    after = page(me)
    assert after[:2] == before[:2], "taste is not replaced"
    assert after.index("talk-to-her") < before.index("talk-to-her")
    # a friend's new rating is known too, and a changed one
    rate(friend, "heat", 4)
    soon(lambda: because(me, "heat", "friend"), "the friend's new rating")
    rate(friend, "heat", 3)
    soon(lambda: not because(me, "heat", "friend"), "it is no favourite now")
    stack.sql("UPDATE account SET active = false WHERE id = %s",
              (friend.number,))
    soon(lambda: "friend" not in kinds(me.get("/api/movies/")),
         "who is switched off gives no reasons")
    stack.sql("UPDATE account SET active = true, username = 'renamed'"
              " WHERE id = %s", (friend.number,))
    soon(lambda: because(me, "talk-to-her", "friend"), "the friend is back")
    soon(lambda: because(me, "talk-to-her", "friend")[0]["text"] ==
         "renamed liked it", "under another name")
    stack.sql("DELETE FROM account WHERE id = %s", (friend.number,))
    soon(lambda: "friend" not in kinds(me.get("/api/movies/")),
         "a deleted account gives no reasons")
    assert page(me) == before


def test_friends_who_take_no_part_in_training(stack, newcomer):
    """From the next request on what they like is neither a reason nor a bonus
    for others; their own page stays."""
    me, friend = newcomer(), newcomer()
    rate(me, "the-matrix", 5)
    before = page(me)
    rate(friend, "talk-to-her", 5)
    befriend(stack, me.name, friend.name)
    soon(lambda: because(me, "talk-to-her", "friend"), "a friend's reason")
    with_friend, own = page(me), friend.get("/api/movies/").json()
    assert with_friend != before

    def explained():
        return json.loads(stack.ctl(["recommend", "explain", me.name,
                                     "talk-to-her", "--json"]).stdout)
    bonus = explained()["score"]
    assert friend.put("/api/users/", {"training": False}).json()[
        "training"] is False
    assert page(me) == before
    assert "friend" not in kinds(me.get("/api/movies/"))
    assert explained()["score"] < bonus
    assert friend.get("/api/movies/").json() == own
    rate(friend, "heat", 5)
    assert page(me) == before, "new ratings are not used either"
    friend.put("/api/users/", {"training": True})
    assert because(me, "talk-to-her", "friend")
    assert because(me, "heat", "friend")
    # without a ranking too
    other = newcomer()
    befriend(stack, other.name, friend.name)
    soon(lambda: because(other, "heat", "friend"), "by popularity")
    friend.put("/api/users/", {"training": False})
    assert "friend" not in kinds(other.get("/api/movies/"))


def test_followed_persons_shift_the_order(stack, newcomer):
    me = newcomer()
    rate(me, "the-matrix", 5)
    before = page(me)
    stack.sql("INSERT INTO follow (user_id, person_id) VALUES (%s, 6)",
              (me.number,))
    soon(lambda: because(me, "volver", "celebrity"), "a celebrity's reason")
    assert because(me, "volver", "celebrity") == [
        {"kind": "celebrity", "text": "Directed by Pedro Almod\u00f3var",
         "person": f"{stack.tls_url}/api/persons/pedro-almodovar/"}]
    after = page(me)
    assert after[:2] == before[:2]
    assert after.index("volver") < before.index("volver")
    stack.sql("DELETE FROM follow WHERE user_id = %s", (me.number,))
    soon(lambda: page(me) == before, "no person is followed any more")


def test_awards_are_a_reason_until_they_are_deleted(stack, newcomer):
    me = newcomer()
    rate(me, "heat", 5)
    assert because(me, "the-godfather", "award") == [
        {"kind": "award", "text": "It has won an award"}]
    stack.sql("UPDATE award SET deleted_at = now()")
    soon(lambda: not because(me, "the-godfather", "award"), "no award left")
    stack.sql("UPDATE award SET deleted_at = NULL")
    soon(lambda: because(me, "the-godfather", "award"), "they are back")


# -- what may be shown -------------------------------------------------------

def test_platforms(stack, newcomer):
    me = newcomer()
    rate(me, "wall-e", 5)
    assert "the-matrix" in page(me)
    stack.sql("INSERT INTO account_platform (user_id, platform_id)"
              " VALUES (%s, 1)", (me.number,))
    soon(lambda: "the-matrix" not in page(me), "the platforms count")
    got = page(me)
    assert "amelie" in got and "city-of-god" in got  # on one of them, and on none
    assert "the-godfather" not in got                # another's
    assert got[:2] == ["the-matrix-reloaded", "alien-resurrection"]
    stack.sql("DELETE FROM account_platform WHERE user_id = %s", (me.number,))
    soon(lambda: "the-matrix" in page(me), "no platforms any more")


def test_platforms_of_a_newcomer(stack, newcomer):
    me = newcomer()
    stack.sql("INSERT INTO account_platform (user_id, platform_id)"
              " VALUES (%s, 2)", (me.number,))
    got = page(me)
    assert "amelie" not in got and "the-matrix" in got and "volver" not in got


def test_films_come_and_go(stack, newcomer):
    me = newcomer()
    rate(me, "the-matrix", 5)
    assert page(me)[0] == "the-matrix-reloaded"
    stack.sql("UPDATE movie SET deleted_at = now()"
              " WHERE slug = 'the-matrix-reloaded'")
    soon(lambda: "the-matrix-reloaded" not in page(me), "it is deleted")
    stack.sql("UPDATE movie SET deleted_at = NULL"
              " WHERE slug = 'the-matrix-reloaded'")
    soon(lambda: "the-matrix-reloaded" in page(me), "it is back")
    stack.sql("UPDATE movie SET release_date = current_date + 2"
              " WHERE slug = 'the-matrix-reloaded'")
    soon(lambda: "the-matrix-reloaded" not in page(me), "it is not out")
    stack.sql("UPDATE movie SET release_date = '2003-05-15'"
              " WHERE slug = 'the-matrix-reloaded'")
    soon(lambda: page(me)[0] == "the-matrix-reloaded", "it is out")


def test_film_no_model_knows_comes_in_by_people_and_genres(stack, newcomer):
    me, other = newcomer(), newcomer()
    rate(me, "the-godfather", 5)
    rate(other, "the-matrix", 5)
    page(me), page(other)
    stack.sql("INSERT INTO movie (id, slug, title, release_date)"
              " VALUES (900, 'tucker', 'Tucker', '1988-08-12');"
              "INSERT INTO movie_director (movie_id, person_id)"
              " VALUES (900, 3);"
              "INSERT INTO movie_genre (movie_id, genre_id) VALUES (900, 4)")
    try:
        soon(lambda: "tucker" in page(me), "the new film")
        got = page(me)
        assert got.index("tucker") < got.index("the-matrix")
        assert because(me, "tucker", "rating")[0]["title"] == "The Godfather"
        assert page(other).index("tucker") > got.index("tucker")
        # a rating of it is excluded at once, and a mark too
        rate(me, "tucker", 4)
        assert "tucker" not in page(me)
    finally:
        stack.sql("DELETE FROM movie WHERE id = 900")


def test_page_is_filled_with_the_newest(stack, newcomer):
    """Films of which nothing is known are the last resort."""
    me = newcomer()
    rate(me, "the-matrix", 5)
    stack.sql("INSERT INTO movie (id, slug, title, release_date)"
              " SELECT 700 + i, 'plain-' || i, 'Plain',"
              "        date '1980-01-01' + i"
              "   FROM generate_series(1, 9) AS i")
    try:
        soon(lambda: len(page(me)) == 20, "a full page")
        got = page(me)
        assert got[14:] == [f"plain-{i}" for i in range(9, 3, -1)]
        assert item(me, "plain-9")["because"] == []
    finally:
        stack.sql("DELETE FROM movie WHERE id > 700")


def test_film_deleted_between_scoring_and_reading(stack, newcomer):
    """The model scores it, the catalogue has it no more, all the time."""
    me = newcomer()
    rate(me, "heat", 5)
    stack.sql("INSERT INTO movie (id, slug, title, release_date)"
              " VALUES (800, 'short-lived', 'Short', '2000-01-01')")
    ids = dict(stack.sql("SELECT slug, id FROM live_movie"))
    version = models.publish(stack, {
        **{ids[s]: f for s, f in FILMS.items()}, 800: (0, 2)})
    wait_until(lambda: models.version_of(stack.base / "model") == version,
               "the model is fetched")
    soon(lambda: page(me)[0] == "short-lived", "it is the best")
    stack.sql("DELETE FROM movie WHERE id = 800")
    soon(lambda: "short-lived" not in page(me), "it is gone")
    assert len(page(me)) == 14


def test_a_platform_that_is_deleted_is_none(stack, newcomer):
    me = newcomer()
    rate(me, "wall-e", 5)
    stack.sql("INSERT INTO account_platform (user_id, platform_id)"
              " VALUES (%s, 3)", (me.number,))
    soon(lambda: "the-matrix" not in page(me), "nothing is on that one")
    stack.sql("UPDATE platform SET deleted_at = now() WHERE id = 3")
    soon(lambda: "the-matrix" in page(me), "no platform that counts")
    stack.sql("UPDATE platform SET deleted_at = NULL WHERE id = 3")


# -- steering ----------------------------------------------------------------

def steered(who, query):
    return slugs(who.get(f"/api/movies/?{query}"))


@pytest.fixture(params=["ranked", "popular"])
def chooser(request, newcomer):
    """A user whose films the model ranks, and one who has rated nothing."""
    me = newcomer()
    if request.param == "ranked":
        rate(me, "volver", 5)
    return me


def facts(stack):
    """{slug: (genres, platforms, year)} of what can be recommended."""
    return {slug: (set(genres), set(platforms), year)
            for slug, genres, platforms, year in stack.sql(
                "SELECT m.slug, ARRAY(SELECT g.slug FROM movie_genre AS mg"
                "   JOIN live_genre AS g ON g.id = mg.genre_id"
                "  WHERE mg.movie_id = m.id),"
                " ARRAY(SELECT p.slug FROM movie_platform AS mp"
                "   JOIN live_platform AS p ON p.id = mp.platform_id"
                "  WHERE mp.movie_id = m.id),"
                " extract(year FROM m.release_date)::int FROM live_movie AS m")}


CRITERIA = [
    ("genres[]=drama", lambda g, p, y: "drama" in g),
    ("genres=drama", lambda g, p, y: "drama" in g),
    ("genres[]=drama&genres=crime&genres[]=drama",
     lambda g, p, y: g & {"drama", "crime"}),
    ("without_genres[]=drama", lambda g, p, y: "drama" not in g),
    ("genres[]=crime&without_genres[]=drama",
     lambda g, p, y: "crime" in g and "drama" not in g),
    ("genres[]=drama&without_genres[]=drama", lambda g, p, y: False),
    ("year_from=2001", lambda g, p, y: y >= 2001),
    ("year_to=1979", lambda g, p, y: y <= 1979),
    ("year_from=1974&year_to=1974", lambda g, p, y: y == 1974),
    ("year_from=1&year_to=9999", lambda g, p, y: True),
    ("year_from=9999", lambda g, p, y: False),
    ("platforms[]=matinee", lambda g, p, y: "matinee" in p),
    ("platforms=matinee&platforms[]=arthouse", lambda g, p, y: p),
    ("platforms[]=matinee&year_to=1975&genres[]=drama",
     lambda g, p, y: "matinee" in p and y <= 1975 and "drama" in g),
    ("popular=1", lambda g, p, y: True),
    ("popular=-1&year_from=2000", lambda g, p, y: y >= 2000),
]


@pytest.mark.parametrize("query, fits", CRITERIA,
                         ids=[query for query, _ in CRITERIA])
def test_criteria(stack, chooser, query, fits):
    known = facts(stack)
    plain = page(chooser)
    got = steered(chooser, query)
    assert len(got) == len(set(got))
    assert set(got) == {s for s in plain if fits(*known[s])}
    if "popular" not in query:
        assert got == [s for s in plain if s in got] or "rating" not in kinds(
            chooser.get("/api/movies/")), "the order stays"
    for movie in chooser.get(f"/api/movies/?{query}").json():
        assert list(movie) == KEYS


def test_without_parameters_nothing_changes(chooser):
    plain = chooser.get("/api/movies/")
    for query in ("?popular=0", "?popular=-0.0", "?other=1", "?genre=drama",
                  "?", "?genres[]=&platforms=", "?year_from=&year_to=&popular="):
        same = chooser.get(f"/api/movies/{query}")
        assert same.content == plain.content
        assert same.headers["ETag"] == plain.headers["ETag"]


def test_steering_replaces_the_platforms_of_the_user(stack, newcomer):
    me = newcomer()
    rate(me, "volver", 5)
    stack.sql("INSERT INTO account_platform (user_id, platform_id)"
              " VALUES (%s, 1)", (me.number,))
    soon(lambda: "the-godfather" not in page(me), "the platforms count")
    assert set(steered(me, "platforms[]=matinee")) == {
        "the-godfather", "the-godfather-part-ii", "heat", "the-matrix",
        "wall-e"}
    assert "the-godfather" not in steered(me, "genres[]=drama")


def test_steered_films_have_reasons(newcomer):
    me = newcomer()
    rate(me, "the-matrix", 5)
    got = me.get("/api/movies/?genres[]=science-fiction").json()
    assert got and all("rating" in {w["kind"] for w in m["because"]}
                       for m in got if m["slug"] in SCIENCE)


def test_twenty_of_many_that_match(stack, newcomer):
    """Also when they are neither new nor among the best."""
    stack.sql("INSERT INTO movie (id, slug, title, release_date)"
              " SELECT 900 + i, 'old-' || i, 'Old', date '1950-01-01' + i"
              "   FROM generate_series(1, 30) AS i;"
              "INSERT INTO movie (id, slug, title, release_date, modelled)"
              " SELECT 2000 + i, 'new-' || i, 'New', date '2010-01-01', true"
              "   FROM generate_series(1, 1100) AS i;"
              "INSERT INTO movie_genre SELECT id, 5 FROM movie"
              " WHERE id > 900;"
              "INSERT INTO movie_platform SELECT id, 1 FROM movie"
              " WHERE id BETWEEN 901 AND 910")
    try:
        for rated in (None, "volver"):
            me = newcomer()
            if rated:
                rate(me, rated, 5)
            for query in ("year_to=1960", "year_from=1950&year_to=1950",
                          "year_to=1960&genres[]=fantasy"):
                soon(lambda: len(steered(me, query)) == 20, "a full page")
                assert {s[:4] for s in steered(me, query)} == {"old-"}
            assert set(steered(me, "year_to=1960&platforms[]=arthouse")) == {
                f"old-{i}" for i in range(1, 11)}
            assert len(steered(me, "genres[]=fantasy")) == 20
    finally:
        stack.sql("DELETE FROM movie WHERE id > 900")


def test_popularity_shifts_the_order(stack, newcomer):
    """From little known to well known, by numbers of ratings."""
    stack.sql("INSERT INTO account (id, username, email)"
              " SELECT 7000 + i, 'many' || i, 'many' || i || '@example.org'"
              "   FROM generate_series(1, 60) AS i;"
              "INSERT INTO rating (user_id, movie_id, rating)"
              " SELECT 7000 + i, m.id, 3 FROM generate_series(1, 60) AS i"
              "   JOIN movie AS m ON m.slug IN ('apocalypse-now',"
              "        'the-matrix', 'amelie')")
    ids = dict(stack.sql("SELECT slug, id FROM live_movie"))
    try:
        version = models.publish(stack, {ids[s]: f for s, f in FILMS.items()})
        wait_until(lambda: models.version_of(stack.base / "model") == version,
                   "the model with these numbers")
        known = {"apocalypse-now", "the-matrix", "amelie"}
        for rated in ("volver", None):
            me = newcomer()
            if rated:
                rate(me, rated, 5)
                soon(lambda: "rating" in kinds(me.get("/api/movies/")),
                     "the workers have the model")
            places = [sum(steered(me, f"popular={by}").index(s) for s in known)
                      for by in (-1, -0.5, 0, 0.5, 1)]
            assert places == sorted(places, reverse=True)
            assert places[0] > places[2] >= places[4]
            assert known <= set(steered(me, "popular=1")[:5])
            assert not known & set(steered(me, "popular=-1")[:3])
    finally:
        stack.sql("DELETE FROM account WHERE id > 7000 AND username ~ 'many'")
        models.publish(stack, {ids[s]: f for s, f in FILMS.items()})


REFUSED = [
    ("genres[]=nope", "genres", "Genre `nope` does not exist"),
    ("genres=drama&genres[]=nope", "genres", "Genre `nope` does not exist"),
    ("without_genres[]=nope", "without_genres", "Genre `nope` does not exist"),
    ("genres[]=drama&platforms[]=nope", "platforms",
     "Platform `nope` does not exist"),
    ("year_from=2000&year_to=1999", "year_from",
     "`year_from` is after `year_to`"),
    ("year_from=x", "year_from", "“x” value must be an integer."),
    ("year_from=%20", "year_from", "“ ” value must be an integer."),
    ("year_from=1999.5", "year_from",
     "“1999.5” value must be an integer."),
    ("year_from=0", "year_from",
     "Ensure this value is greater than or equal to 1."),
    ("year_to=-1", "year_to",
     "Ensure this value is greater than or equal to 1."),
    ("year_to=10000", "year_to",
     "Ensure this value is less than or equal to 9999."),
    ("year_to=99999999999999999999", "year_to",
     "“99999999999999999999” value must be an integer."),
    *[(f"popular={text}", "popular",
       f"“{text}” value must be a number.")
      for text in ("NaN", "inf", "-Infinity", "1e999", "0x1", "much")],
    ("popular=1.01", "popular",
     "Ensure this value is less than or equal to 1."),
    ("popular=-1.01", "popular",
     "Ensure this value is greater than or equal to -1."),
    ("popular=0&popular=NaN", "popular",
     "“NaN” value must be a number.")]


@pytest.mark.parametrize("query, field, text", REFUSED,
                         ids=[query for query, _, _ in REFUSED])
def test_what_steering_refuses(chooser, query, field, text):
    r = chooser.get(f"/api/movies/?{query}")
    assert r.status_code == 400
    assert r.json() == {field: [text], "error": text}


@pytest.mark.parametrize("query", [
    "genres[]=%00", "genres[]=%ff", "genres[]=" + "x" * 256,
    "&".join(f"genres[]=g{i}" for i in range(51)), "platforms[]=%C0%80",
    "popular=%00", "genres[]=" + "%27%3B--"])
def test_hostile_steering(chooser, query):
    assert chooser.get(f"/api/movies/?{query}").status_code == 400
    assert page(chooser)


def test_the_last_value_counts(chooser):
    assert steered(chooser, "year_to=x&year_to=1979") == steered(
        chooser, "year_to=1979")


def test_steered_answers_are_cached_and_fresh(stack, newcomer):
    """By the set of the values, not by how they are written."""
    me = newcomer()
    rate(me, "heat", 5)
    wait_until(lambda: stack.value("SELECT count(*) FROM touch") == 0,
               "no touches are left")
    first = steered(me, "genres[]=drama&genres[]=crime&popular=0.50")
    mark = stack.mark()
    assert steered(me, "genres=crime&genres=drama&genres=crime&popular=5e-1"
                   ) == first
    stack.wait_log(r"GET /api/movies/ 200 .*cache=hit", since=mark)
    assert steered(me, "genres[]=comedy&popular=0.5") != first
    assert steered(me, "genres[]=drama&genres[]=crime&popular=-0.5") != first
    assert steered(me, "without_genres[]=drama&without_genres[]=crime"
                   "&popular=0.5") != first
    rate(me, first[0], 1)
    assert first[0] not in steered(
        me, "genres[]=drama&genres[]=crime&popular=0.50")
    stack.sql("DELETE FROM movie_genre WHERE movie_id ="
              " (SELECT id FROM movie WHERE slug = 'city-of-god')")
    soon(lambda: "city-of-god" not in steered(me, "genres[]=drama"),
         "it is of no genre")
    stack.sql("INSERT INTO movie_genre SELECT id, g FROM movie,"
              " unnest(ARRAY[3, 4]) AS g WHERE slug = 'city-of-god'")
    stack.touched()


# -- the answer cache --------------------------------------------------------

def test_answer_is_kept_until_something_changes(stack, newcomer):
    me = newcomer()
    rate(me, "heat", 5)
    wait_until(lambda: stack.value("SELECT count(*) FROM touch") == 0,
               "no touches are left")
    first = me.get("/api/movies/")
    mark = stack.mark()
    again = me.get("/api/movies/",
                   headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    stack.wait_log(r"GET /api/movies/ 304 .*cache=hit", since=mark)
    ids = dict(stack.sql("SELECT slug, id FROM live_movie"))
    version = models.publish(stack, {ids[s]: f[::-1] for s, f
                                     in FILMS.items()})
    soon(lambda: models.version_of(stack.base / "model") == version,
         "another model")
    soon(lambda: because(me, "volver", "rating") and
         me.get("/api/movies/").headers["ETag"] != first.headers["ETag"],
         "the kept answer is not that of another model")


# -- smart lists -------------------------------------------------------------

@pytest.mark.parametrize("ranked", [False, True])
def test_a_smart_list_begins_with_what_is_named(stack, newcomer, ranked):
    """Films of the persons and favourites of the friends that are named come
    first, whatever their rank, also if the model does not have them."""
    me, friend = newcomer(), newcomer()
    if ranked:
        rate(me, "the-matrix-reloaded", 5)
    befriend(stack, me.name, friend.name)
    named = [slug for (slug,) in stack.sql(
        "SELECT slug FROM live_movie WHERE release_date < now()"
        " AND slug <> 'the-matrix-reloaded'"
        " ORDER BY modelled, score, id LIMIT 11")]
    liked, acted = named[:2], named[2:]
    stack.sql("WITH p AS (INSERT INTO person (name, slug, biography, gender)"
              " VALUES ('Ada Named', 'ada-named', '', 1) RETURNING id)"
              " INSERT INTO movie_director (movie_id, person_id, position)"
              " SELECT m.id, p.id, 9 FROM movie AS m, p"
              " WHERE m.slug = ANY (%s)", (acted,))
    for slug in liked:
        rate(friend, slug, 4)

    def made(query):
        response = me.post(f"/api/movies-lists/?intelligent=true{query}", {
            "name": "Named", "description": "d", "privacity": "P"})
        assert response.status_code == 201, response.text
        assert me.delete(f"/api/movies-lists/{me.name}/named/").status_code == 200
        return [m.rstrip("/").rpartition("/")[2]
                for m in response.json()["movies"]]
    try:
        # more than the limit per director
        assert set(made("&celebrities[]=ada-named")[:9]) == set(acted)
        assert set(made(f"&friends[]={friend.name}")[:2]) == set(liked)
        both = made(f"&celebrities[]=ada-named&friends[]={friend.name}")
        assert set(both[:11]) == set(named) and len(both) > 11
        rate(me, acted[0], 1)
        assert set(made("&celebrities[]=ada-named")[:8]) == set(acted[1:])
        assert acted[0] not in made("&celebrities[]=ada-named")
    finally:
        stack.sql("DELETE FROM person WHERE slug = 'ada-named'")


def test_a_smart_list_is_ranked_by_the_model(newcomer):
    """Without it a user who has rated only science fiction is given nothing
    else."""
    me = newcomer()
    rate(me, "the-matrix-reloaded", 5)
    response = me.post("/api/movies-lists/?intelligent=true",
                       {"name": "Smart", "description": "d", "privacity": "P"})
    assert response.status_code == 201, response.text
    found = [m.rstrip("/").rpartition("/")[2]
             for m in response.json()["movies"]]
    assert set(found[:3]) == set(SCIENCE) - {"the-matrix-reloaded"}
    assert set(found) >= set(DRAMA)
