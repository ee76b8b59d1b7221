# SPDX-License-Identifier: GPL-3.0-or-later
"""No answer of any route names a user who is locked or has removed the account,
neither from the database nor from the cache, and all of them are as before when
the account is active again."""

import re

import pytest

from every_row import Table

WORLD = "catalogue"
NAME = re.compile(rb'/users/bob/|"bob"|Bob|Berger')


@pytest.fixture(scope="module")
def bob_writes(stack):
    """bob has a row of every kind, also below what others have written."""
    stack.sql("""
        INSERT INTO review (id, user_id, movie_id, title, content, is_positive)
        SELECT 7000 + m.id, 2, m.id, 'of bob', 'Bob', true
          FROM movie AS m
         WHERE slug IN ('heat', 'volver')
            ON CONFLICT DO NOTHING;
        INSERT INTO comment (user_id, review_id, content)
        SELECT 2, id, 'Bob' FROM review WHERE deleted_at IS NULL;
        INSERT INTO comment (user_id, review_id, reply_comment_id, content)
        SELECT 2, review_id, id, 'Bob' FROM comment WHERE user_id <> 2;
        INSERT INTO reaction (user_id, review_id, emoji)
        SELECT 2, id, 'POPCORN' FROM review WHERE deleted_at IS NULL
            ON CONFLICT DO NOTHING;
        INSERT INTO rating (user_id, movie_id, rating)
        SELECT 2, id, 5 FROM movie
            ON CONFLICT DO NOTHING;
        INSERT INTO friend_request (from_user_id, to_user_id)
        VALUES (5, 2)
            ON CONFLICT DO NOTHING""")
    stack.touched()
    # an export is as it was built
    return [path for _, path in Table(stack).read_paths()
            if "/export/" not in path]


def shown(client, paths):
    """The successful answers that name bob, by path."""
    answers = {path: client.get(path) for path in paths}
    return {path: r.content for path, r in answers.items()
            if r.status_code == 200 and NAME.search(r.content)}


@pytest.mark.parametrize("state", [
    "active = false", "active = false, removed_at = now()"])
def test_who_is_not_active_is_shown_nowhere(stack, bob_writes, state):
    clients = [stack.client(name) for name in ("ana", "fay", "dora")]
    before = [shown(c, bob_writes) for c in clients]
    # else this would prove nothing
    assert all(len(b) >= 5 for b in before), [sorted(b) for b in before]
    kinds = {path for b in before for path in b}
    assert {"/api/users/bob/", "/api/movies/heat/reviews/",
            "/api/users/friends/"} <= kinds
    stack.sql(f"UPDATE account SET {state} WHERE id = 2")
    stack.touched()
    for _ in range(2):
        for client in clients:
            assert sorted(shown(client, bob_writes)) == []
    stack.sql("UPDATE account SET active = true, removed_at = NULL"
              " WHERE id = 2")
    stack.touched()
    again = [shown(c, bob_writes) for c in clients]
    assert [sorted(a) for a in again] == [sorted(b) for b in before]
