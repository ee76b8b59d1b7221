# SPDX-License-Identifier: GPL-3.0-or-later
"""Models come and go, and a bad file with them, while many clients request
recommendations: no request fails, and no worker dies."""

import json
import os

import life
from models import publish, version_of
from stack import wait_until

WORLD = "catalogue"
PATHS = ["/api/movies/", "/api/movies/the-matrix/", "/api/movies/"]


def here(stack):
    return stack.base / "model"


def wait_version(stack, version):
    wait_until(lambda: version_of(here(stack)) == version,
               f"model {version} is here", alive=stack.jobs)


def rate(client):
    """A user whose ratings change, so that few answers are cached."""
    def part():
        stars = 1
        yield "POST", "/api/movies/heat/ratings/", {"rating": stars}
        while True:
            stars = stars % 5 + 1
            yield "PUT", "/api/movies/heat/ratings/", {"rating": stars}
            yield "GET", "/api/movies/"
    return [(client.token, part())]


def test_models_switch_under_load(stack, ana, bob, carla, fay):
    parts = rate(ana)
    for client in (bob, carla, fay):
        parts += life.readers(client.token, PATHS, 1)
    mark = stack.mark()
    with life.Load(stack, parts) as load:
        for seed in range(12):
            version = publish(stack, width=4 + 12 * (seed % 3), seed=seed)
            wait_version(stack, version)
            load.wait_more(40)
            if seed % 4 == 3:
                stack.ctl("recommend rollback")
                wait_version(stack, version - 1)
                load.wait_more(40)
        alien = stack.base / "alien"
        alien.write_bytes(b"an alien")
        alien.rename(here(stack))
        load.wait_more(40)
        stack.sql("NOTIFY model")
        wait_version(stack, version - 1)
        load.wait_more(40)
    assert load.faults == []
    assert not {s for s in load.statuses() if s >= 500}
    log = stack.log("mxmd", mark)
    assert "was killed" not in log and " exited with status" not in log
    got = json.loads(stack.ctl("status --json").stdout)
    assert got["model"]["version"] == got["model"]["in_force"] == version - 1
    assert got["events"]["restarts"] == 0


def test_model_is_cut_off_under_load(stack, ana, bob, carla, fay):
    """A file that workers have mapped is modified in place."""
    version = publish(stack, width=64)
    wait_version(stack, version)
    good = here(stack).read_bytes()
    parts = rate(ana) + rate(bob)
    for client in (carla, fay):
        parts += life.readers(client.token, PATHS, 1)
    mark = stack.mark()
    with life.Load(stack, parts) as load:
        for size in (4096, 0, 5000, 100, len(good) - 1) * 2:
            load.wait_more(40)
            here(stack).chmod(0o644)
            os.truncate(here(stack), size)
            load.wait_more(40)
            wait_until(lambda: here(stack).read_bytes() == good,
                       "it is here again", timeout=10, alive=stack.jobs)
        load.wait_more(40)
    assert load.faults == []
    assert not {s for s in load.statuses() if s >= 500}
    log = stack.log("mxmd", mark)
    assert "was killed" not in log and " exited with status" not in log
    assert "continuing without a model" in log
    got = json.loads(stack.ctl("status --json").stdout)
    assert got["model"]["version"] == got["model"]["in_force"] == version
    assert got["events"]["restarts"] == 0
