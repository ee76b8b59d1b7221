# SPDX-License-Identifier: GPL-3.0-or-later
"""A search is ended after its second (within=1s), whatever it waits for; the
longest lists are answered, and longer ones refused."""

import pytest

from life import lock

# Waits for locks without an end, so that only the statement's time is left.
SETTINGS = {"lock_timeout": "0", "answer_cache": "off"}


def test_a_search_ends_after_its_second(stack, ana):
    with lock(stack, "movie_find"):
        answer = ana.get("/api/movies/searching/?name=a")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1
    assert ana.get("/api/movies/searching/?name=a").status_code == 200


@pytest.mark.parametrize("name", ["genres", "platforms", "directors", "actors",
                                  "celebrities"])
def test_fifty_of_a_list(ana, name):
    def ask(count):
        return ana.get("/api/movies/searching/?" + "&".join(
            f"{name}[]=value-{i}" for i in range(count)))
    assert ask(50).status_code == 200
    assert ask(50).json()["results"] == []
    assert ask(240).status_code == 400
    assert name in ask(240).text
