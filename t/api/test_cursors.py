# SPDX-License-Identifier: GPL-3.0-or-later
"""Every list by cursor: full pages end without an empty one, and neither a
deletion of the item of the cursor nor an addition repeats or skips one."""

import pathlib
import re
import secrets

import pytest
import yaml

from people import account

ROOT = pathlib.Path(__file__).resolve().parents[2]

# The items are made by these statements: {n} of them, with names and addresses
# that begin with {x}; {me} reads the lists, {other} is another user.
FILL = """
INSERT INTO account (username, email, verified)
SELECT '{x}' || i, '{x}' || i || '@example.org', true FROM {items};
INSERT INTO movie (slug, title, release_date)
SELECT '{x}-' || i, 'M', date '2001-01-01' + i / 2 FROM {items};
INSERT INTO person (slug, name) SELECT '{x}-p', 'Both';
INSERT INTO movie_actor (movie_id, person_id) SELECT m.id, p.id {credits};
INSERT INTO movie_director (movie_id, person_id) SELECT m.id, p.id {credits};
INSERT INTO person (slug, name)
SELECT '{x}-' || i, '{x} n' || i % 3 FROM {items};
INSERT INTO movie_actor (movie_id, person_id) SELECT m.id, p.id {casts};
INSERT INTO movie_director (movie_id, person_id) SELECT m.id, p.id {casts};
INSERT INTO follow (user_id, person_id)
SELECT {me}, id FROM person WHERE slug ~ '^{x}-[0-9]';
INSERT INTO friendship (user1_id, user2_id)
SELECT least({other}, id), greatest({other}, id) FROM {accounts};
INSERT INTO movielist (user_id, name, slug)
SELECT {other}, 'L', '{x}-' || i FROM {items};
INSERT INTO review (user_id, movie_id, title, content, is_positive)
SELECT {other}, id, 't', 'c', true FROM movie WHERE slug ~ '^{x}-';
INSERT INTO movie (slug, title) SELECT '{x}', 'M';
INSERT INTO review (user_id, movie_id, title, content, is_positive)
SELECT f.id, m.id, 't', 'c', true
  FROM {accounts}, movie AS m WHERE m.slug = '{x}';
INSERT INTO review (id, user_id, movie_id, title, content, is_positive)
SELECT {review}, {me}, m.id, 't', 'c', true FROM movie AS m WHERE m.slug = 'heat';
INSERT INTO comment (id, user_id, review_id, content)
SELECT {review} + i, {me}, {review}, 'c' FROM {items};
INSERT INTO comment (id, user_id, review_id, reply_comment_id, content)
SELECT {review} + 100 + i, {me}, {review}, {review} + 1, 'r' FROM {items}
"""

SOFT = "UPDATE {table} SET deleted_at = now() WHERE id = %(id)s"
UNFRIEND = """DELETE FROM friendship AS f USING account AS a
 WHERE a.username = %(username)s AND a.id IN (f.user1_id, f.user2_id)"""
BEFRIEND = """INSERT INTO friendship (user1_id, user2_id)
SELECT least({whom}, id), greatest({whom}, id)
  FROM account WHERE username = '{x}new'"""
FILM = """INSERT INTO movie (slug, title, release_date)
 VALUES ('{x}-new', 'M', '2020-01-01');
INSERT INTO {table} (movie_id, person_id)
SELECT m.id, p.id FROM movie AS m, person AS p
 WHERE m.slug = '{x}-new' AND p.slug = '{x}-p'"""
ROLE = """INSERT INTO person (slug, name) VALUES ('{x}-new', '{x} n');
INSERT INTO {table} (movie_id, person_id)
SELECT m.id, p.id FROM movie AS m, person AS p
 WHERE m.slug = '{x}-1' AND p.slug = '{x}-new'"""
COMMENT = """INSERT INTO comment (id, user_id, review_id, reply_comment_id,
                     content)
 VALUES ({review} + 900, {me}, {review}, {above}, 'new')"""

# Path: how its last item is deleted, and one added at the beginning.
LISTS = {
    "/api/movies-lists/{other_name}/": (
        SOFT.format(table="movielist"),
        "INSERT INTO movielist (user_id, name, slug)"
        " VALUES ({other}, 'L', '{x}-new')"),
    "/api/movies/{x}/reviews/": (
        SOFT.format(table="review"),
        "INSERT INTO review (user_id, movie_id, title, content, is_positive)"
        " SELECT {me}, id, 't', 'new', true FROM movie WHERE slug = '{x}'"),
    "/api/persons/actors/searching/?search_query={x}%20n": (
        SOFT.format(table="person"), ROLE.replace("{table}", "movie_actor")),
    "/api/persons/directors/searching/?search_query={x}%20n": (
        SOFT.format(table="person"), ROLE.replace("{table}", "movie_director")),
    "/api/persons/{x}-p/acted-movies/": (
        SOFT.format(table="movie"), FILM.replace("{table}", "movie_actor")),
    "/api/persons/{x}-p/directed-movies/": (
        SOFT.format(table="movie"), FILM.replace("{table}", "movie_director")),
    "/api/reviews/{review}/comments/": (
        SOFT.format(table="comment"), COMMENT.replace("{above}", "NULL")),
    "/api/reviews/{review}/comments/{first}/replies/": (
        SOFT.format(table="comment"), COMMENT.replace("{above}", "{first}")),
    "/api/users/following/": (
        "DELETE FROM follow WHERE person_id = %(id)s",
        "INSERT INTO person (slug, name) VALUES ('{x}-new', 'P');"
        "INSERT INTO follow (user_id, person_id)"
        " SELECT {me}, id FROM person WHERE slug = '{x}-new'"),
    "/api/users/friend-requests/": (
        "DELETE FROM friend_request WHERE id = %(id)s",
        "INSERT INTO friend_request (from_user_id, to_user_id)"
        " SELECT id, {me} FROM account WHERE username = '{x}new'"),
    "/api/users/friends/": (UNFRIEND, BEFRIEND.replace("{whom}", "{me}")),
    "/api/users/suggested-users/": (
        "UPDATE account SET active = false WHERE username = %(username)s", ""),
    "/api/users/{other_name}/friends/": (
        UNFRIEND, BEFRIEND.replace("{whom}", "{other}")),
    "/api/users/{other_name}/reviews/": (
        SOFT.format(table="review"),
        "INSERT INTO movie (slug, title) VALUES ('{x}new', 'M');"
        "INSERT INTO review (user_id, movie_id, title, content, is_positive)"
        " SELECT {other}, id, 't', 'new', true FROM movie WHERE slug = '{x}new'"),
}


def test_every_list_by_cursor_is_here():
    paths = yaml.safe_load((ROOT / "doc/openapi.yaml").read_text())["paths"]
    documented = {re.sub(r"\{\w+\}", "{}", path) for path, row in paths.items()
                  if any(p.get("$ref", "").endswith("/LastId")
                         for p in row.get("get", {}).get("parameters", []))}
    here = {path.partition("?")[0].replace("{x}-p", "{}") for path in LISTS}
    assert {re.sub(r"\{\w+\}", "{}", path) for path in here} == documented


def make(stack, path, n):
    """A list of n items; its reader, its path and what fills statements."""
    x = "c" + secrets.token_hex(4)
    me, other = account(stack, x + "me"), account(stack, x + "other")
    values = {"x": x, "n": n, "me": me, "other": other,
              "other_name": x + "other", "review": 1000 * me + 10 ** 6,
              "first": 1000 * me + 10 ** 6 + 1,
              "items": f"generate_series(1, {n}) AS i",
              "accounts": f"(SELECT id FROM account"
                          f" WHERE username ~ '^{x}[0-9]') AS f",
              "credits": f"FROM movie AS m, person AS p WHERE m.slug ~ '^{x}-'"
                         f" AND p.slug = '{x}-p'",
              "casts": f"FROM movie AS m, person AS p WHERE m.slug = '{x}-1'"
                       f" AND p.slug ~ '^{x}-[0-9]'"}
    stack.sql(FILL.format(**values))
    account(stack, x + "new")
    if "friend-requests" in path:
        stack.sql(f"INSERT INTO friend_request (from_user_id, to_user_id)"
                  f" SELECT id, {me} FROM {values['accounts']}")
    elif "suggested" in path:
        stack.sql("INSERT INTO friendship (user1_id, user2_id)"
                  f" SELECT least(id, {me}), greatest(id, {me}) FROM account"
                  f" WHERE username !~ '^{x}[0-9]' AND active"
                  f"   AND id NOT IN ({me}, {other});"
                  "INSERT INTO friend_request (from_user_id, to_user_id)"
                  f" VALUES ({me}, {other}) ON CONFLICT DO NOTHING")
    else:
        stack.sql("INSERT INTO friendship (user1_id, user2_id)"
                  f" SELECT least(id, {me}), greatest(id, {me})"
                  f"   FROM {values['accounts']}")
    stack.touched()
    return stack.client(x + "me"), path.format(**values), values


@pytest.mark.parametrize("n", [10, 20])
@pytest.mark.parametrize("path", LISTS)
def test_full_pages_and_changes_in_between(stack, path, n):
    remove, add = LISTS[path]
    who, path, values = make(stack, path, n)
    pages = list(who.stretches(path, 10))
    assert [len(p["results"]) for p in pages] == [10] * (n // 10)
    assert {p["count"] for p in pages} == {n}
    whole = [item for p in pages for item in p["results"]]
    assert len({str(item) for item in whole}) == n
    # in pages of seven, with changes after the first
    sep = "&" if "?" in path else "?"
    first = who.get(f"{path}{sep}limit=7").json()
    assert first["results"] == whole[:7]
    stack.sql(remove, first["results"][-1])
    if add:
        stack.sql(add.format(**values))
    stack.touched()
    rest, last = [], first["next_last_id"]
    while last is not None:
        page = who.get(f"{path}{sep}limit=7&last_id={last}").json()
        assert page["results"]
        rest += page["results"]
        last = page["next_last_id"]
    assert rest == whole[7:]
