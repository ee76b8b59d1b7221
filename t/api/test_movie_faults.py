# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults of the original in movies, recommendations, ratings and lists
(contract, movies 10): those that no other test is about, and where the tests of the
others are."""

import re

import original_faults
from stack import wait_until

WORLD = "catalogue"
OWN = "/api/movies-lists/"
LIST = {"name": "Faults", "description": "d", "privacity": "P"}

ELSEWHERE = {
    1: ["unit/test_fold.c::fold, agrees_with_training",
        "unit/test_rank.c::rank, people_get_films_of_their_kind"],
    2: ["unit/test_score.c::score, one_star_does_not_pull_towards_such_films",
        "api/test_recommendations.py::"
        "test_five_stars_lead_there_and_one_star_away"],
    3: ["unit/test_fold.c::fold, stars_become_preferences"],
    4: ["unit/test_ranking.c::ranking, bonuses_shift_and_do_not_replace",
        "api/test_recommendations.py::"
        "test_friends_shift_the_order_and_give_a_reason"],
    5: ["api/test_recommendations.py::test_one_rating_changes_the_page",
        "api/test_recommendations.py::test_newcomer_gets_what_is_popular"],
    9: ["api/test_recommendations.py::"
        "test_awards_are_a_reason_until_they_are_deleted"],
    10: ["ctl/test_recommend.py::"
         "test_the_same_file_again_with_any_number_of_threads",
         "ctl/test_recommend.py::test_evaluate_tells_more_than_most_popular"],
    11: ["unit/test_model_file.c::"
         "model_file, loader_takes_the_new_and_keeps_the_last_good"],
    12: ["sql/test_plans.py::test_plan"],
    13: ["jobs/test_queue.py::test_a_period_has_one_row_for_all_processes"],
    15: ["api/test_ratings.py::test_rate_read_change",
         "cache/test_staleness.py::test_a_user_reads_their_write_at_once"],
    16: ["cache/test_staleness.py::test_friends_see_it_at_once"],
    19: ["cache/test_staleness.py::test_changes_of_the_catalogue",
         "cache/test_staleness.py::test_every_writing_row_succeeds"],
    21: ["api/test_catalogue_faults.py::"
         "test_fault_24_neither_hosts_nor_colons"],
    22: ["unit/test_key.c::key, tells_parts_apart",
         "api/test_catalogue_faults.py::"
         "test_fault_24_neither_hosts_nor_colons"],
    23: ["unit/test_model_file.c::model_file, every_changed_byte_is_noticed"],
    24: ["api/test_movies.py::"
         "test_unknown_movie_tells_an_anonymous_caller_nothing",
         "api/test_privacy.py::test_no_route_is_open_to_who_may_not_call_it"],
    25: ["api/test_privacy.py::test_who_changes_what",
         "api/test_lists.py::test_hidden_and_missing_look_alike"],
    26: ["api/test_movies.py::test_absurd_limits"],
    27: ["api/test_bad_input.py::test_queries",
         "api/test_bad_input.py::test_bodies",
         "api/test_ratings.py::test_sums_and_uniqueness_under_concurrency",
         "api/test_ratings.py::test_a_deleted_rating_does_not_stand_in_the_way",
         "api/test_lists.py::test_one_of_many_at_the_same_time"],
    33: ["api/test_lists.py::test_names_without_ascii_have_a_slug"],
    34: ["api/test_movies.py::test_search_is_newest_first_and_pages_add_up",
         "api/test_lists.py::test_own_lists_and_pages"],
    37: ["api/test_one_statement.py::test_one_statement_for_any_number_of_rows"],
    38: ["api/test_one_statement.py::test_one_statement_for_any_number_of_rows"],
    39: ["api/test_one_statement.py::test_one_statement_for_any_number_of_rows"],
}

KEPT = {
    31: "the document of the contract has these statuses of unseen marks",
    32: "the front end pages its own lists by number, those of others by cursor",
    35: "the front end reads the movies of a list from the list",
}


def test_each_fault_has_a_test():
    original_faults.check(globals(), 39)


def films(shown):
    return [url.split("/")[-2] for url in shown["movies"]]


def test_fault_6_the_fallback(stack, dora):
    """Without ratings: rated films come before the others, the better first,
    and several genres, platforms and awards do not multiply the ratings of one."""
    stack.sql("INSERT INTO movie_platform (movie_id, platform_id)"
              " SELECT 12, id FROM platform ON CONFLICT DO NOTHING;"
              "INSERT INTO movie_award (movie_id, award_id)"
              " SELECT 12, id FROM award ON CONFLICT DO NOTHING")
    stack.touched()
    order = [m["slug"] for m in dora.get("/api/movies/").json()]
    rated = {r[0] for r in stack.sql(
        "SELECT slug FROM live_movie WHERE rating_count > 0")}
    assert set(order[:len(rated)]) == rated and len(order) > len(rated)
    # its only rating is one star
    assert order.index("the-matrix-reloaded") == len(rated) - 1


def test_faults_7_and_8_a_smart_list(ana):
    """No movie twice, whatever celebrities, genres and friends it has; the order
    in which it is read is that in which it was filled."""
    r = ana.post(f"{OWN}?intelligent=true&celebrities[]=al-pacino"
                 "&celebrities[]=marlon-brando&celebrities[]=francis-ford-coppola"
                 "&friends[]=bob&friends[]=carla", LIST)
    assert r.status_code == 201, r.text
    found = films(r.json())
    assert len(found) == len(set(found)) > 3 and found[0] == "the-godfather"
    path = f"{OWN}ana/{r.json()['slug']}/"
    assert films(ana.get(path).json()) == found
    assert ana.delete(path).status_code == 200


def test_fault_14_a_list_that_cannot_be_filled_is_not_there(stack, ana):
    stack.owner_sql("CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql"
                    " AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$;"
                    "CREATE TRIGGER broken BEFORE INSERT ON movielist_movie"
                    " FOR EACH ROW EXECUTE FUNCTION broken()")
    try:
        r = ana.post(OWN + "?intelligent=true", LIST, check=False)
        assert r.status_code == 500
    finally:
        stack.owner_sql("DROP TRIGGER broken ON movielist_movie;"
                        "DROP FUNCTION broken")
    assert ana.get(OWN + "ana/faults/").status_code == 404
    assert stack.value("SELECT count(*) FROM live_movielist"
                       " WHERE slug = 'faults'"
                       ) == 0


def test_faults_17_and_18_a_list_that_is_gone_or_hidden(ana, bob):
    """From own, user and name pages, from the slugs at a movie, and from the
    search in it; the friend of yesterday finds nothing."""
    def seen(who):
        return ([one["slug"] for path in (OWN + "ana/", OWN + "searching/?query=fau")
                 for one in who.get(path).json()["results"]
                 if one["slug"] in ("faults", "renamed")],
                [who.get(f"{OWN}ana/{slug}/movies/searching/").status_code
                 for slug in ("faults", "renamed")])

    def own():
        return ([one["slug"] for one in ana.get(OWN).json()["results"]
                 if one["slug"] in ("faults", "renamed")],
                [slug for slug in ana.get("/api/movies/heat/movie-lists/").json()
                 if slug in ("faults", "renamed")])
    assert ana.post(OWN, {**LIST, "privacity": "F"}).status_code == 201
    assert ana.post(OWN + "ana/faults/heat/").status_code == 200
    assert seen(bob) == (["faults"] * 2, [200, 404])
    assert own() == (["faults"], ["faults"])
    try:
        assert ana.delete("/api/users/friends/?username=bob").status_code == 200
        assert seen(bob) == ([], [404, 404])
    finally:
        ana.post("/api/users/bob/friend-requests/")
        bob.post("/api/users/ana/friend-requests/")
    assert seen(bob) == (["faults"] * 2, [200, 404])
    ana.put(OWN + "ana/faults/", {**LIST, "privacity": "R"})
    assert seen(bob) == ([], [404, 404])
    ana.put(OWN + "ana/faults/", {**LIST, "name": "Renamed"})
    assert seen(bob) == (["renamed"], [404, 200])
    assert own() == (["renamed"], ["renamed"])
    assert ana.delete(OWN + "ana/renamed/").status_code == 200
    assert seen(bob) == ([], [404, 404]) and own() == ([], [])


def test_fault_20_a_rating_leaves_the_searches_of_others(stack, ana, bob):
    path = "/api/movies/searching/?name=godfather"
    mark = stack.mark()

    def hit():
        ana.get(path)
        return re.search(r"searching/ 200 .* cache=hit ", stack.log("mxmd", mark))
    wait_until(hit, "the search is cached")
    bob.put("/api/movies/heat/ratings/", {"rating": 3})
    mark = stack.mark()
    ana.get(path)
    stack.wait_log(r"searching/ 200 .* cache=hit ", since=mark)


def test_fault_28_no_key_is_built_in(stack):
    """A program without a key does not start, and errors show nothing of it."""
    conf = stack.base / "keyless.conf"
    conf.write_text("".join(line + "\n" for line in stack.conf.read_text()
                            .splitlines() if not line.startswith("signing_key")))
    from life import run_mxmd
    status, text = run_mxmd("--config", conf)
    assert status != 0 and "signing_key" in text


def test_faults_29_and_30_what_is_missing_is_named(ana):
    """By the same keys for every model; that of a list names no user."""
    for path, model, value in (("/api/movies/none/", "Movie", "none"),
                               ("/api/users/none/", "User", "none"),
                               ("/api/reviews/999/", "Review", "999"),
                               (OWN + "none/open/", "User", "none")):
        body = ana.get(path).json()
        assert (body["model"], body["lookup_value"]) == (model, value)
        assert isinstance(body["error"], str)
    body = ana.get(OWN + "bob/none/").json()
    assert "bob" not in str(body) and isinstance(body["error"], str)


def test_fault_36_errors_are_in_one_language(ana, carla):
    """That of the account, also of what the path names."""
    for path in ("/api/movies/none/", "/api/users/none/", "/api/reviews/999/",
                 OWN + "bob/none/", "/api/persons/none/"):
        texts = [who.get(path).json()["error"] for who in (ana, carla)]
        assert texts[0] != texts[1] and "exist" not in texts[1].split(), texts
