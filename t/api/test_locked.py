# SPDX-License-Identifier: GPL-3.0-or-later
"""An account that is not active is hidden from other users, with what its owner
has written, at once and also where it was cached; and shown again afterwards."""

import pytest

REVIEW = {"title": "Locked", "content": "c", "is_positive": True}
HEAT = "/api/movies/heat/reviews/"


@pytest.fixture
def bob_locked(stack):
    """Locks bob, and unlocks him at the end."""
    def lock(active=False):
        stack.sql("UPDATE account SET active = %s WHERE username = 'bob'",
                  [active])
        stack.touched()
    yield lock
    lock(True)


def test_deactivated_accounts_do_not_stay_in_caches(stack, ana, bob,
                                                    bob_locked):
    """Fault 32 of the original."""
    review = bob.post(HEAT, REVIEW).json()
    paths = {"/api/movies-lists/bob/between-us/": 404, HEAT: 200}
    for _ in range(2):
        assert [ana.get(p).status_code for p in paths] == [200, 200]
    assert review in ana.get(HEAT).json()["results"]
    bob_locked()
    for _ in range(2):
        assert [ana.get(p).status_code for p in paths] == list(paths.values())
    assert ana.get(HEAT).json()["count"] == 0
    r = bob.get("/api/users/")
    assert r.status_code == 401 and r.json()["code"] == "user_inactive"
    bob_locked(True)
    assert [ana.get(p).status_code for p in paths] == [200, 200]
    assert ana.get(HEAT).json()["results"] == [review]
