# SPDX-License-Identifier: GPL-3.0-or-later
"""The plans of the hot statements, on a catalogue of some size: each is found
through the index made for it, with the one plan the program runs with."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import stack as stack_module

TREE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TREE / "t/lint")]

import routes  # noqa: E402
import statements as rules  # noqa: E402

FILL = """
INSERT INTO account (username, email, verified)
SELECT 'u' || i, 'u' || i || '@example.org', true
  FROM generate_series(1, 2000) AS i;
INSERT INTO movie (slug, title, release_date, popularity)
SELECT 'm' || i, md5(i::text) || ' ' || md5((i * 7)::text),
       date '1950-01-01' + i, i % 100
  FROM generate_series(1, 20000) AS i;
INSERT INTO movie_translation (movie_id, language, title)
SELECT id, 'es', md5(id::text || 'es') FROM movie WHERE id % 3 = 0;
INSERT INTO person (name, slug)
SELECT 'Person ' || i, 'p' || i FROM generate_series(1, 30000) AS i;
INSERT INTO movie_actor (movie_id, person_id, position)
SELECT m.id, 1 + (m.id * 31 + k) % 5000, k
  FROM movie AS m, generate_series(1, 4) AS k;
INSERT INTO person_translation (person_id, language)
SELECT id, 'es' FROM person;
INSERT INTO genre (name, slug)
SELECT 'Genre ' || i, 'g' || i FROM generate_series(1, 20) AS i;
INSERT INTO movie_genre SELECT id, 1 + id % 20 FROM movie;
INSERT INTO rating (user_id, movie_id, rating)
SELECT 1 + i % 2000, 1 + ((i / 2000) * 389 + i % 2000 * 7) % 20000, 1 + i % 5
  FROM generate_series(1, 100000) AS i
    ON CONFLICT DO NOTHING;
INSERT INTO award (name, slug)
SELECT 'Award ' || i, 'a' || i FROM generate_series(1, 5000) AS i;
INSERT INTO person_award SELECT id, id FROM person WHERE id <= 5000;
INSERT INTO session (id, user_id, digest, epoch, expires_at)
SELECT gen_random_uuid(), id, decode(md5(id || ' ' || k), 'hex'), 0, now() + interval '1 day'
  FROM account, generate_series(1, 3) AS k;
INSERT INTO code (user_id, purpose, digest, expires_at)
SELECT id, p, 'x', now() + interval '1 day'
  FROM account, unnest(ARRAY['verification', 'reset']) AS p;
INSERT INTO password_request (address)
SELECT decode(md5(id::text), 'hex') FROM account;
INSERT INTO unseen
SELECT 1 + i % 2000, 1 + ((i / 2000) * 211 + i % 2000 * 3) % 20000
  FROM generate_series(1, 40000) AS i ON CONFLICT DO NOTHING;
INSERT INTO review (user_id, movie_id, title, content, is_positive)
SELECT 1 + i % 2000, 1 + ((i / 2000) * 101 + i % 2000 * 5) % 20000, 't', 'c',
       true
  FROM generate_series(1, 40000) AS i ON CONFLICT DO NOTHING;
INSERT INTO comment (user_id, review_id, content)
SELECT 1 + i % 2000, 1 + i % 3000, 'c' FROM generate_series(1, 30000) AS i;
INSERT INTO comment (user_id, review_id, reply_comment_id, content)
SELECT 1 + id % 2000, review_id, id, 'c' FROM comment WHERE id % 4 = 0;
INSERT INTO reaction (user_id, review_id, emoji)
SELECT 1 + i % 2000, 1 + i % 3000, 'LIKE' FROM generate_series(1, 30000) AS i
    ON CONFLICT DO NOTHING;
INSERT INTO reaction (user_id, comment_id, emoji)
SELECT 1 + i % 2000, 1 + i % 3000, 'LIKE' FROM generate_series(1, 30000) AS i
    ON CONFLICT DO NOTHING;
INSERT INTO friendship (user1_id, user2_id)
SELECT i, i + k FROM generate_series(1, 1900) AS i, generate_series(1, 9) AS k;
INSERT INTO friend_request (from_user_id, to_user_id)
SELECT i, i + k FROM generate_series(1, 1900) AS i, generate_series(11, 13) AS k;
INSERT INTO follow (user_id, person_id)
SELECT 1 + i % 2000, 1 + i * 7 % 5000 FROM generate_series(1, 20000) AS i
    ON CONFLICT DO NOTHING;
INSERT INTO platform (name, slug)
SELECT 'Platform ' || i, 'f' || i FROM generate_series(1, 50) AS i;
INSERT INTO account_platform (user_id, platform_id)
SELECT 1 + i % 2000, 1 + i / 2000 FROM generate_series(0, 9999) AS i;
INSERT INTO movielist (user_id, name, slug, privacity)
SELECT 1 + i % 2000, 'L', 'l' || i / 2000, 'F'
  FROM generate_series(0, 9999) AS i;
INSERT INTO movielist_movie (movielist_id, movie_id)
SELECT id, 1 + (id * 31 + k) % 20000
  FROM movielist, generate_series(1, 5) AS k;
INSERT INTO job (name, state, finished_at)
SELECT 'prune', CASE WHEN i % 1000 = 0 THEN 'failed' ELSE 'done' END, now()
  FROM generate_series(1, 20000) AS i;
INSERT INTO job (name, run_at) SELECT 'mail_reset', now() + interval '1 day'
  FROM generate_series(1, 5000);
INSERT INTO export (user_id) SELECT id FROM account;
INSERT INTO history (user_id, name, dry_run, replace, state, report, finished_at)
SELECT id, '', false, false, 'done', '{}', now() FROM account;
INSERT INTO provider_link (provider, subject, user_id)
SELECT 'google', id, id FROM account;
INSERT INTO translation (digest, language, author_id, text, not_before)
SELECT sha256(convert_to(id::text, 'UTF8')), 'es', id, 'x', now() FROM account;
SELECT change_start(id) FROM account WHERE id <= 200;
INSERT INTO trend SELECT 100 + i, i FROM generate_series(1, 200) AS i;
DELETE FROM touch;
INSERT INTO touch (kind, key, txid)
SELECT 'user', i % 2000, (i + 1e9)::bigint::text::xid8
  FROM generate_series(1, 20000) AS i;
"""

# Statement, its arguments, indexes that must be in the plan, tables that must
# not be read from end to end.
HOT = [
    ("movie_detail", "'es', 'm77'",
     ["movie_slug_unique", "movie_translation_unique"],
     ["movie", "movie_genre", "movie_actor", "person"]),
    ("award_detail", "'a77'", ["award_slug_unique"], ["award"]),
    ("award_list", "1, 10", [], []),
    ("person_detail", "'es', 'p77'",
     ["person_slug_unique", "person_translation_unique"],
     ["person", "person_award"]),
    ("person_films", "'es', 'p77', 'actor', 5, 11",
     ["person_slug_unique", "movie_actor_person", "movie_pkey"],
     ["person", "movie", "movie_actor"]),
    ("movie_prediction", "5, 'm77', 3.5, 5",
     ["movie_slug_unique", "rating_user_movie_unique", "movie_pkey"],
     ["movie", "rating"]),
    ("together_members", "5, ARRAY['u77', 'u88'], 3.5, 5",
     ["account_username_unique", "rating_user(_movie_unique)?", "unseen_pkey"],
     ["movie", "rating", "account", "unseen"]),
    ("together_popular", None, ["movie_score"], ["movie"]),
    ("together_movies", "'es', ARRAY[5, 6], ARRAY[7, 8], 1, 10",
     ["movie_pkey", "movie_translation_unique", "account_platform_pkey"],
     ["movie", "account_platform", "movie_translation"]),
    ("account_by_session", "'" + 32 * "5" + "', 5, 0, 3600, 'u77'",
     ["session_(pkey|user_id)", "account_username_unique"],
     ["session", "account"]),
    ("password_request", r"'\x05', 'u5@example.org'", ["account_email_unique"],
     ["account", "password_request"]),
    ("password_try", r"'\x05', 'u5@example.org', '\x05'",
     ["account_email_unique", "code_user_purpose_unique"],
     ["account", "code", "password_request"]),
    ("session_list", "5, NULL", ["session_user_id"], ["session", "account"]),
    ("session_end_one", "5, 'x'", ["session_(pkey|user_id)"], ["session"]),
    ("session_end_all", "5, NULL, false", ["session_user_id"], ["session"]),
    ("account_removed_delete", "5", ["account_removed"], ["account"]),
    ("admin_user_find", "'u77'",
     ["account_username_unique", "account_email_unique", "account_pkey"],
     ["account", "rating", "review", "session"]),
    ("export_ratings", "5, 0, 1000", ["rating_user(_movie_unique)?"],
     ["rating", "movie"]),
    ("export_friends", "5, 0, 1000", ["friendship_(pair_unique|user2)"],
     ["friendship", "account"]),
    ("rating_get", "5, 'u5', 'm77'", ["movie_slug_unique",
                                "rating_user_movie_unique"],
     ["movie", "rating"]),
    ("rating_update", "5, 'u5', 'm77', 3", ["movie_slug_unique",
                                      "rating_user_movie_unique"],
     ["movie", "rating"]),
    ("rating_insert", "5, 'u5', 'm78', 3", ["movie_slug_unique"], ["movie"]),
    ("unseen_insert", "5, 'm77'", ["movie_slug_unique"], ["movie"]),
    ("unseen_delete", "5, 'm77'", ["movie_slug_unique", "unseen_(pkey|movie)"],
     ["movie", "unseen"]),
    ("movie_reviews", "'m77', 9223372036854775807, 11",
     ["movie_slug_unique", "review_movie_live", "account_pkey"],
     ["movie", "review", "account"]),
    ("review_detail", "77", ["review_pkey", "movie_pkey", "account_pkey"],
     ["review", "movie", "account"]),
    ("review_texts", "77", ["review_pkey"],
     ["review", "movie"]),
    ("comment_texts", "7, 70",
     ["comment_(pkey|id_review_unique|review)", "review_pkey"],
     ["review", "comment"]),
    ("comment_list", "7, 9223372036854775807, 21",
     ["comment_review_top", "review_pkey", "account_pkey", "comment_reply"],
     ["review", "comment", "account"]),
    ("reply_list", "7, 70, 9223372036854775807, 21",
     ["comment_reply", "comment_(pkey|id_review_unique|review)", "review_pkey"],
     ["review", "comment", "account"]),
    ("comment_detail", "7, 70", ["comment_(pkey|id_review_unique|review)", "review_pkey"],
     ["review", "comment", "account"]),
    ("comment_insert", "5, 7, 'c', NULL", ["review_pkey"], ["review", "account"]),
    ("reply_insert", "5, 7, 70, 'c', NULL",
     ["review_pkey", "comment_(pkey|id_review_unique|review)"],
     ["review", "comment", "account"]),
    ("comment_update", "5, 7, 70, 'c', NULL", ["comment_(pkey|id_review_unique|review)"],
     ["review", "comment", "account"]),
    ("comment_delete", "5, 7, 70", ["comment_(pkey|id_review_unique|review)"], ["review", "comment"]),
    ("review_reactions", "5, 7", ["reaction_review", "review_pkey"],
     ["reaction", "review"]),
    ("comment_reactions", "5, 7, 70", ["reaction_comment", "comment_(pkey|id_review_unique|review)"],
     ["reaction", "comment"]),
    ("comment_reaction_insert", "5, 7, 70, 'LIKE'", ["comment_(pkey|id_review_unique|review)"],
     ["comment", "review"]),
    ("review_reaction_delete", "5, 7, 70", ["reaction_pkey"], ["reaction"]),
    ("review_insert", "5, 'm77', 't', 'c', true, NULL", ["movie_slug_unique"],
     ["movie", "account"]),
    ("review_update", "5, 3, 't', 'c', true, NULL", ["review_pkey", "movie_pkey"],
     ["movie", "review", "account"]),
    ("review_delete", "5, 3", ["review_pkey"], ["review"]),
    ("list_detail", "5, 'u5', 'l1'",
     ["account_username_unique", "movielist_slug_user_unique",
      "movielist_movie_(position|pkey)"],
     ["account", "movielist", "movielist_movie", "movie"]),
    ("user_detail", "5, 'u77'",
     ["account_username_unique", "friendship_(pair_unique|user2)",
      "friend_request_pair_unique", "rating_user(_movie_unique)?"],
     ["account", "friendship", "friend_request", "rating"]),
    ("user_reviews", "'u77', 9223372036854775807, 11",
     ["account_username_unique", "review_user_live", "movie_pkey"],
     ["account", "review", "movie"]),
    ("friend_list", "5, 'u77', 9223372036854775807, 11",
     ["account_username_unique", "friendship_pair_unique", "friendship_user2",
      "account_pkey"], ["account", "friendship", "friend_request"]),
    ("friend_list_self", "5, 9223372036854775807, 11",
     ["friendship_pair_unique", "friendship_user2", "account_pkey"],
     ["account", "friendship", "friend_request"]),
    ("friend_request_list", "5, 'u5', 'P', 9223372036854775807, 11",
     ["friend_request_to", "account_pkey"], ["account", "friend_request"]),
    ("friend_request_send", "5, 'u77'", ["account_username_unique"],
     ["account"]),
    ("friend_request_delete", "5, 'u77'",
     ["account_username_unique", "friend_request_pair_unique"],
     ["account", "friend_request"]),
    ("friend_remove", "5, 'u77'",
     ["account_username_unique", "friendship_(pair_unique|user2)",
      "friend_request_pair_unique"],
     ["account", "friendship", "friend_request"]),
    ("following_list", "'es', 5, 9223372036854775807, 11",
     ["follow_pkey", "person_pkey"], ["follow", "person"]),
    ("follow_insert", "5, 'p77'", ["person_slug_unique"], ["person"]),
    ("follow_delete", "5, 'p77'", ["person_slug_unique", "follow_(pkey|person)"],
     ["person", "follow"]),
    ("user_platforms", "5", ["account_platform_pkey"], ["account_platform"]),
    ("user_suggestions", "5, 9223372036854775807, 11",
     ["friendship_pair_unique", "friendship_user2", "friend_request_from",
      "friend_request_to", "account_find_newest", "account_find_pkey"],
     ["friendship", "friend_request", "account"]),
    ("user_search", "5, 'u77', false, 1, 15", ["account_pkey"],
     ["account", "friendship", "friend_request"]),
    ("friend_search", "5, 'u77', 'u7', 1, 15",
     ["account_username_unique", "account_pkey"],
     ["account", "friendship", "friend_request"]),
    ("change_page", "5, '', 101",
     ["change_seq_unique", "rating_user_movie_unique", "unseen_(pkey|movie)",
      "review_(pkey|user_live)", "movielist_(pkey|user)", "movielist_movie_pkey",
      "friendship_(pair_unique|user2)", "movie_pkey"],
     ["change", "rating", "unseen", "review", "movielist", "movielist_movie",
      "friendship", "movie", "account"]),
    ("list_of_self", "5, 1, 10", ["movielist_(user|slug_user_unique)"],
     ["movielist", "movielist_movie", "movie", "account"]),
    ("list_search", "5, 'xyz', 1, 10", ["movielist_pkey", "account_pkey"],
     ["movielist", "movielist_movie", "movie", "account"]),
    ("list_of_user", "5, 'u6', 9223372036854775807, 7",
     ["account_username_unique", "movielist_(user|slug_user_unique)"],
     ["movielist", "movielist_movie", "movie", "account"]),
    ("list_movie_search", "'es', 5, 'u5', 'l1', NULL, 1, 10",
     ["movielist_slug_user_unique", "movielist_movie_(position|pkey)"],
     ["movielist", "movielist_movie", "movie", "account"]),
    ("list_slugs_of_movie", "5, 'm77'", ["movie_slug_unique"],
     ["movielist", "movielist_movie", "movie"]),
    ("list_update", "5, 'u5', 'l1', 'n', '', 'P', 'n'",
     ["movielist_slug_user_unique"], ["movielist", "account"]),
    ("list_movie_insert", "5, 'u5', 'l1', 'm77'",
     ["movielist_slug_user_unique", "movie_slug_unique"],
     ["movielist", "movielist_movie", "movie", "account"]),
    ("list_movie_delete", "5, 'u5', 'l1', 'm77'",
     ["movielist_slug_user_unique", "movielist_movie_(pkey|movie)"],
     ["movielist", "movielist_movie", "movie", "account"]),
    ("friends_ratings", "5, 'm77', 1, 10",
     ["friendship_(pair_unique|user2)", "rating_(user_movie_unique|movie)"],
     ["friendship", "rating", "movie", "account"]),
    ("movie_trending", "'es', 1, 10", ["movie_pkey", "movie_translation_unique"],
     ["movie", "movie_genre", "movie_actor", "person"]),
    ("similar_subject", "'m77'", ["movie_slug_unique"], ["movie"]),
    ("similar_movies", "'es', 77, NULL, NULL, 1, 10",
     ["movie_pkey", "movie_score", "rating_movie", "rating_user"],
     ["movie", "movie_genre", "movie_actor", "person", "rating", "account"]),
    ("trend_compute", "", ["rating_movie"], ["rating"]),
    ("movie_statistics", "5, 'm77'",
     ["movie_slug_unique", "friendship_(pair_unique|user2)",
      "rating_(user_movie_unique|movie)"],
     ["friendship", "rating", "movie", "account"]),
    ("recommend_caller", "5, NULL",
     ["movie_not_modelled", "rating_user(_movie_unique)?"],
     ["rating", "movie", "movie_actor"]),
    ("recommend_chosen", "'en', 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 20, 4,"
     " true, false, 60, '{1,2,3}', '{3,2,1}', 0.1, 0.3",
     ["movie_pkey", "movie_release_date", "rating_fans"],
     ["rating", "movie", "movie_actor", "movie_genre"]),
    ("recommend_popular", "'en', 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 20, 4,"
     " true, false, 0.05, 0",
     ["movie_score", "movie_release_date", "rating_fans"],
     ["rating", "movie", "movie_actor", "movie_genre"]),
    ("recommend_titles", "'es', '{1,2,3}'", ["movie_pkey"], ["movie"]),
    ("touch_of_transaction", "10000", ["touch_once"], ["touch"]),
    ("touch_pending", "1000", ["touch_pkey"], ["touch"]),
    ("touch_delete", "'{1,2,3}'", ["touch_pkey"], ["touch"]),
    ("health_ping", "", ["touch_pkey"], ["touch"]),
    ("metrics", "1", ["job_due", "job_lease_until", "job_failed", "touch_pkey"],
     ["job", "touch"]),
    ("account_before_update", "5", ["account_pkey"], ["account"]),
    ("account_for_login", "'u5', 'u5@example.org', '10.0.0.0/24'",
     ["account_username_unique", "account_email_unique", "session_user_id"],
     ["account", "session"]),
    ("pictures_unused", "'{a.png}'", ["account_picture"], ["account"]),
    ("account_proof", "5, '" + 32 * "5" + "'", ["account_pkey"],
     ["account", "session"]),
    ("account_remove", "5, 'x', 1", ["account_pkey", "session_user_id"],
     ["account", "session"]),
    ("account_set_boarded", "5", ["account_pkey"], ["account"]),
    ("account_set_language", "5, 'es'", ["account_pkey"], ["account"]),
    ("account_taken", "5, 'u77', 'u77@example.org', '\\x05'",
     ["account_username_unique", "account_look_unique", "account_email_unique"],
     ["account"]),
    ("account_update", "5, '" + 32 * "5" + "', 0, 'a', 'b', 'c', 'd', 'e', 'f',"
     " 'g', '{}', '\\x05', false", ["account_pkey", "code_user_purpose_unique"],
     ["account", "session", "code"]),
    ("account_verify", "5, '\\x05'", ["account_pkey", "code_user_purpose_unique"],
     ["account", "code"]),
    ("user_bio", "'u77'", ["account_username_unique"], ["account"]),
    ("user_platforms_set", "5, '{p1}'", [], ["account"]),
    ("user_self", "5", ["account_pkey"], ["account"]),
    ("verification_resend", "5", ["account_pkey", "code_user_purpose_unique"],
     ["account", "code"]),
    ("password_reset", "5, '\\x05', 'u5@example.org', 'x'",
     ["account_email_unique", "session_user_id", "code_user_purpose_unique"],
     ["account", "session", "code"]),
    ("session_start", "5, 0, 'x', 'y', '\\x05', 60, 'a', '" + 32 * "5"
     + "', '10.0.0.0/24'", ["account_pkey", "session_user_id"],
     ["account", "session"]),
    ("session_refresh", "'" + 32 * "5" + "', 5, 0, '\\x05', '\\x06', 60",
     ["account_pkey", "session_(pkey|user_id)"], ["account", "session"]),
    ("session_end", "'" + 32 * "5" + "', 5", ["session_(pkey|user_id)"],
     ["session"]),
    ("provider_ask", "'google', 'a', 'b', 'c', NULL", ["job_oidc_exchange"], ["job"]),
    ("provider_claims", "5", ["job_pkey"], ["job"]),
    ("provider_abandon", "5", ["job_pkey"], ["job"]),
    ("provider_log_in", "'google', 'Google', '5', 'u5@example.org', true, 'a',"
     " 'b', 'c', 'es', '\\x05'",
     ["account_email_unique", "account_pkey", "provider_link_subject_unique"],
     ["account", "provider_link", "session", "code"]),
    ("job_result", "5", ["job_pkey"], ["job"]),
    ("export_get", "5", ["account_pkey", "export_pkey"], ["account", "export"]),
    ("export_start", "5", ["account_pkey", "export_pkey"], ["account", "export"]),
    ("history_get", "5", ["account_pkey", "history_pkey"],
     ["account", "history"]),
    ("history_start", "5, 'a', 'b', false, false",
     ["account_pkey", "history_pkey"], ["account", "history"]),
    ("translation_find", "'{a,b}', 'es'", ["translation_digest_unique"],
     ["translation"]),
    ("translation_ask", "'{a,b}', 'es', 5, 5, 100, NULL",
     ["translation_digest_unique", "job_translate_failed", "account_pkey"],
     ["translation", "job", "account"]),
    ("movie_search", "'es', 'm77', 5, NULL, NULL, NULL, NULL, NULL, NULL, false,"
     " false, 1, 20", ["movie_pkey"], ["movie"]),
    ("person_page", "'es', 'person 77', 'actor', 1, 20", ["person_pkey"],
     ["person"]),
    ("person_stretch", "'es', 'person 77', 'actor', 1, 20", ["person_pkey"],
     ["person"]),
    ("review_reaction_insert", "5, 7, 'LIKE'", ["review_pkey"], ["review"]),
    ("comment_reaction_delete", "5, 7, 70, 70", ["reaction_pkey"],
     ["reaction", "comment", "review"]),
    ("list_delete", "5, 'u5', 'l1'",
     ["account_username_unique", "movielist_slug_user_unique"],
     ["account", "movielist"]),
    ("list_insert", "5, 'a', 'b', 'P', 'c', '{1,2}'",
     ["account_pkey", "movie_pkey"], ["account", "movie"]),
    ("list_search_all", "5, 1, 20", ["movielist_pkey", "movie_pkey"],
     ["movie", "movielist_movie"]),
    ("recommend_check", "'{g1}', '{g2}', '{p1}'",
     [], []),
    ("smart_list_check", "5, '{g1}', '{p1}', '{u77}'",
     ["account_username_unique"], ["account"]),
]

# Statements of routes that are not above: insertions that read no table, and
# tables that do not grow.
NOT_HOT = {
    "audit_list": "for administrators",
    "document_change": "for administrators; functions",
    "document_detail": "for administrators; functions",
    "document_picture": "for administrators; functions",
    "document_page": "for administrators; functions",
    "change_start": "a function: see test_plan_of_the_things_of_a_user",
    "account_insert": "inserts one row",
    "genre_list": "reads all of a small table",
    "platform_list": "reads all of a small table",
}


@pytest.fixture(scope="module")
def database(cluster, database):
    cluster.sql(FILL, None, database, stack_module.OWNER)
    # The plans do not depend on which tables autovacuum has been to.
    cluster.sql("VACUUM ANALYZE", None, database, stack_module.OWNER)
    return database


def statement(name, build):
    done = subprocess.run([str(build / "mxmctl"), "sql", "show", name],
                          capture_output=True, text=True, check=True)
    head, text = done.stdout.split("\n", 1)
    types = re.search(r"\((.*)\)", head).group(1)
    return types, text.rstrip().rstrip(";")


def plan_of(cluster, database, types, text, arguments, options="COSTS ON"):
    """The plan of a statement as the program's sessions make it."""
    types, arguments = (f"({s})" if s else "" for s in (types, arguments))
    connection = cluster.connect(database)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET jit = off")
            cursor.execute("SET plan_cache_mode = force_generic_plan")
            cursor.execute(f"PREPARE hot {types} AS {text}")
            cursor.execute(f"EXPLAIN ({options}) EXECUTE hot {arguments}")
            return "\n".join(row[0] for row in cursor.fetchall())
    finally:
        connection.close()


@pytest.mark.parametrize("name, arguments, indexes, not_scanned", HOT,
                         ids=[h[0] for h in HOT])
def test_plan(cluster, build, database, name, arguments, indexes,
              not_scanned):
    types, text = statement(name, build)
    if arguments is None:
        arguments = ", ".join(["5"] * len(types.split(",")))
    plan = plan_of(cluster, database, types, text, arguments)
    for index in indexes:
        assert re.search(rf"\b{index}\b", plan), plan
    for table in not_scanned:
        assert not re.search(rf"Seq Scan on {table}\b(?!_)", plan), plan
    # The decision about access is inlined: no call for each row.
    assert not re.search(r"\bmay_see\(", plan), plan


@pytest.mark.parametrize("name, arguments", [h[:2] for h in HOT],
                         ids=[h[0] for h in HOT])
def test_a_page_counts_its_list_once(cluster, build, database, name, arguments):
    """Not once for each row of the page."""
    types, text = statement(name, build)
    if "AS counted" not in text:
        return
    plan = plan_of(cluster, database, types, text, arguments,
                   "ANALYZE, TIMING OFF, SUMMARY OFF")
    counts = re.findall(r"Aggregate .*loops=(\d+)\)\n +->  Limit", plan)
    assert set(counts) == {"1"}, plan


@pytest.mark.parametrize("years", ["NULL, NULL", "1, 9999"])
@pytest.mark.parametrize("name, rest", [
    ("recommend_chosen", "60, '{}', '{}', 0.1, 0.3"),
    ("recommend_popular", "0.05, 0")])
def test_criteria_that_no_movie_meets(cluster, build, database, name, rest, years):
    """Not all 20 000 movies are checked."""
    types, text = statement(name, build)
    genres = "'{" + ",".join(f"g{i}" for i in range(1, 21)) + "}'"
    plan = plan_of(cluster, database, types, text,
                   f"'en', 5, NULL, NULL, NULL, {genres}, NULL, {years}, 20, 4,"
                   f" true, false, {rest}", "ANALYZE, TIMING OFF, SUMMARY OFF")
    loops = [int(n) for n in re.findall(r"loops=(\d+)", plan)]
    assert 10000 <= max(loops) <= 15000, plan


def test_plan_of_the_reviews_of_a_user(cluster, database):
    """No sorting, and no reading of deleted ones."""
    plan = plan_of(cluster, database, "bigint, bigint", """
        SELECT id FROM live_review WHERE user_id = $1 AND id < $2
         ORDER BY id DESC LIMIT 11""", "5, 9223372036854775807")
    assert re.search(r"\breview_user_live\b", plan), plan
    assert "Sort" not in plan, plan


def test_plan_of_the_things_of_a_user(cluster, database):
    """Synchronisation begins with what the user has, not what all have."""
    plan = plan_of(cluster, database, "bigint", """
        SELECT kind, key, part FROM change_item WHERE user_id = $1""", "5")
    for table in ("rating", "unseen", "review", "movielist", "movielist_movie",
                  "friendship"):
        assert not re.search(rf"Seq Scan on {table}\b(?!_)", plan), plan


def test_every_statement_of_a_route_has_its_plan_here(build):
    stmts = rules.statements((build / "gen/stmts.def").read_text())

    def texts(pattern):
        return {str(p.relative_to(TREE)): p.read_text() for p in TREE.glob(pattern)}

    routes_found = rules.all_routes(
        routes.parse((TREE / "src/routes.def").read_text()),
        texts("src/**/*.c"), texts("src/**/*.h"))
    run = set().union(*(r.bound | r.direct for r in routes_found)) & set(stmts)
    here = {name for name, *_ in HOT}
    assert not here & set(NOT_HOT)
    assert run - here == set(NOT_HOT)
