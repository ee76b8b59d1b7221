# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults of the original in persons, reviews, comments, reactions and
translations (contract, catalogue 13): those that no other test is about, and where
the tests of the others are."""

from pathlib import Path

import pytest
import yaml

import original_faults

WORLD = "catalogue"
TREE = Path(__file__).resolve().parents[2]
STRETCHES = ("/api/persons/actors/searching/", "/api/persons/directors/searching/")

ELSEWHERE = {
    4: ["api/test_persons.py::test_roles"],
    5: ["api/test_reactions.py::test_toggle"],
    6: ["api/test_comments.py::test_the_path_must_fit",
        "api/test_reactions.py::test_the_path_must_fit",
        "api/test_gone.py::test_it_is_missing_for_everybody"],
    7: ["api/test_movies.py::test_an_empty_genre_translation_hides_nothing",
        "api/test_persons.py::test_biography_in_the_language"],
    8: ["api/test_persons.py::test_pages_repeat_nothing",
        "api/test_movies.py::test_genres"],
    9: ["api/test_movies.py::test_platforms"],
    11: ["api/test_reactions.py::test_by_glyph"],
    12: ["api/test_reviews.py::test_what_is_refused"],
    13: ["api/test_comments.py::test_what_is_refused"],
    14: ["api/test_bad_input.py::test_bodies",
         "api/test_comments.py::test_what_is_refused",
         "api/test_reactions.py::test_bad_bodies"],
    15: ["api/test_comments.py::test_odd_queries_mean_the_default",
         "api/test_persons.py::test_odd_pages_mean_the_default"],
    16: ["api/test_reactions.py::test_each_emoji_once",
         "api/test_reviews.py::test_one_review_of_a_movie_and_user",
         "api/test_lists.py::test_one_of_many_at_the_same_time"],
    18: ["api/test_persons.py::test_changes_are_seen_at_once"],
    19: ["api/test_comments.py::test_everyone_sees_a_change_at_once",
         "api/test_translations.py::test_a_comment"],
    20: ["cache/test_staleness.py::test_changes_of_the_catalogue"],
    21: ["api/test_awards.py::test_a_change_is_seen_at_once",
         "cache/test_staleness.py::test_changes_of_the_catalogue"],
    23: ["api/test_translations.py::test_a_failing_provider"],
    25: ["unit/test_cache.c::cache, a_batch_is_raised_in_two_round_trips"],
    26: ["api/test_privacy.py::test_no_route_is_open_to_who_may_not_call_it"],
    27: ["api/test_comments.py::test_what_is_refused",
         "api/test_comments.py::test_a_deep_chain_is_deleted",
         "api/test_reviews.py::test_what_is_refused",
         "api/test_movies.py::test_absurd_limits",
         "api/test_limits_kinds.py::test_writes_by_account"],
    28: ["api/test_comments.py::test_five_edits_through_the_front_end",
         "api/test_reviews.py::test_longest_and_markup",
         "api/test_translations.py::test_markup_is_disarmed_in_translations_too"],
    29: ["api/test_translations.py::test_a_review_in_one_call",
         "api/test_translations.py::test_a_quota_for_each_user_and_day",
         "api/test_translations.py::"
         "test_log_ins_are_served_while_translations_wait"],
    30: ["api/test_translations.py::test_without_a_key_nothing_is_sent"],
    33: ["jobs/test_queue.py::test_a_period_has_one_row_for_all_processes"],
    37: ["api/test_reactions.py::test_each_emoji_once"],
    39: ["api/test_one_statement.py::test_one_statement_for_any_number_of_rows"],
    40: ["api/test_one_statement.py::test_one_statement_for_any_number_of_rows"],
    41: ["api/test_one_statement.py::test_one_statement_for_any_number_of_rows"],
}

KEPT = {
    31: "there is no page that streams logs",
    32: "there is no admin site; mxmctl does not delete rows of the catalogue",
    34: "the front end reads these statuses; every error has `error` as a text",
    36: "the front end sends these names",
}


def test_each_fault_has_a_test():
    original_faults.check(globals(), 41)


@pytest.mark.parametrize("path", STRETCHES)
def test_faults_1_and_2_a_person_with_several_films(ana, path):
    """Is there once, is counted once, and a cursor on the person works."""
    bodies = list(ana.stretches(path, 1))
    found = [p["slug"] for body in bodies for p in body["results"]]
    assert len(found) == len(set(found))
    assert {body["count"] for body in bodies} == {len(found)}
    assert {"al-pacino"} <= set(found) or {"francis-ford-coppola"} <= set(found)


def test_fault_3_the_language_is_that_of_the_reader(stack, ana, carla):
    stack.sql("INSERT INTO person_translation (person_id, language, biography)"
              " VALUES (4, 'es', 'Actor de Nueva York.')")
    stack.touched()
    path = STRETCHES[0] + "?search_query=pacino"
    for _ in range(2):
        assert [who.get(path).json()["results"][0]["biography"]
                for who in (ana, carla)] == ["Actor.", "Actor de Nueva York."]


def document():
    return yaml.safe_load((TREE / "doc/openapi.yaml").read_text())


def operations():
    return [(method, path, operation)
            for path, methods in document()["paths"].items()
            for method, operation in methods.items() if "responses" in operation]


def test_fault_10_no_status_without_a_body_has_one(ana):
    """t/lib/client.py compares every answer with the document."""
    assert not [path for _, path, operation in operations()
                if "204" in operation["responses"]]
    made = ana.post("/api/movies/wall-e/reviews/", {
        "title": "t", "content": "c", "is_positive": True}).json()
    r = ana.delete(f"/api/reviews/{made['id']}/")
    assert (r.status_code, r.json()) == (200, {"status": True})


def test_fault_17_numbers_of_64_bits(stack, ana, bob):
    """Also of what a reaction is to."""
    stack.sql("INSERT INTO review (id, user_id, movie_id, title, content,"
              " is_positive) VALUES (5000000000, 2, 15, 't', 'c', true);"
              "INSERT INTO comment (id, user_id, review_id, content)"
              " VALUES (6000000000, 2, 5000000000, 'c')")
    stack.touched()
    review = "/api/reviews/5000000000/"
    for place in (review, review + "comments/6000000000/"):
        made = ana.post(place + "reactions/", {"emoji_code": "LIKE"})
        assert made.status_code == 200, made.text
        assert bob.get(place + "reactions/").json()["reactions"] == {
            "\U0001f44d": 1}
        assert ana.delete(f"{place}reactions/{made.json()['id']}/"
                          ).status_code == 200


def test_fault_22_many_links_at_once(stack, ana):
    """All actors of a movie are removed, and several movies deleted, each in one
    statement; filmographies and movies show it."""
    films = "/api/persons/al-pacino/acted-movies/"
    movie = "/api/movies/heat/"

    def seen():
        return ([m["slug"] for m in ana.get(films).json()["results"]],
                len(ana.get(movie).json().get("actors", [])))
    first = seen()
    assert first == (["heat", "the-godfather-part-ii", "the-godfather"], 1)
    stack.sql("DELETE FROM movie_actor WHERE movie_id = 9")
    stack.touched()
    assert seen() == (["the-godfather-part-ii", "the-godfather"], 0)
    stack.sql("UPDATE movie SET deleted_at = now() WHERE id IN (2, 3)")
    stack.touched()
    assert seen() == ([], 0)
    stack.sql("UPDATE movie SET deleted_at = NULL WHERE id IN (2, 3);"
              "INSERT INTO movie_actor (movie_id, person_id) VALUES (9, 4)")
    stack.touched()
    assert seen() == first


def test_fault_24_neither_hosts_nor_colons(stack, ana):
    """A forged host is in no answer, nor in one that is cached for others; a
    colon in a text leads to no other answer."""
    path = "/api/persons/al-pacino/"
    forged = ana.get(path, headers={"Host": "evil.example",
                                    "X-Forwarded-Host": "evil.example"})
    for r in (forged, ana.get(path)):
        assert r.status_code == 200 and "evil.example" not in r.text
        assert r.json()["image"].startswith(stack.tls_url)
    search = "/api/persons/searching/?search_query="
    assert ana.get(search + "al:1&limit=2").json() != \
        ana.get(search + "al&page=1&limit=2").json()


def test_fault_35_what_is_documented_is_what_is_sent(ana):
    """Also 403, which the client of the tests would find missing, and films as
    films: a page of movies, not of persons."""
    for method, path, operation in operations():
        if path.startswith("/api/reviews/") and method in ("put", "delete"):
            assert "403" in operation["responses"], (method, path)
    films = ana.get("/api/persons/al-pacino/acted-movies/").json()["results"]
    assert films[0] == ana.get("/api/movies/heat/").json()


def test_fault_38_nothing_is_documented_that_is_not_sent(ana):
    person = document()["components"]["schemas"]["Person"]
    assert set(person["properties"]) == set(
        ana.get("/api/persons/al-pacino/").json())
