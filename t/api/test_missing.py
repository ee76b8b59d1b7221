# SPDX-License-Identifier: GPL-3.0-or-later
"""What a path names and does not exist: 404 with the model and the text of that
parameter, for each parameter of each row of src/routes.def. The other parameters
name what exists, and the body is valid."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import people

TREE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TREE / "t/lint")]

import routes  # noqa: E402

ROWS = routes.parse((TREE / "src/routes.def").read_text())
MISSING = {"comment": "999999999", "reaction": "999999999",
           "review": "999999999", "thing": "999999999"}
MODELS = {"username": "User"}

# Rows with a parameter whose 404 cannot be had, and why.
EXCEPTIONS = {}


def cases():
    return [pytest.param(row, name, id=f"{row.method} {row.path} {name}")
            for row in ROWS for name in row.params
            if (row.method, row.path, name) not in EXCEPTIONS]


@pytest.fixture(scope="module")
def inputs(build):
    done = subprocess.run([str(build / "mxmctl"), "routes", "--json"],
                          capture_output=True, text=True, check=True)
    return {(row["method"], row["path"]): row["inputs"]
            for row in json.loads(done.stdout)}


@pytest.fixture(scope="module")
def existing(stack):
    """What ana has, by parameter."""
    ana = stack.client("ana")

    def id_of(path, body):
        r = ana.post(path, body)
        assert r.ok, r.text
        return str(stack.value(f"SELECT max(id) FROM {path.split('/')[-2][:-1]}"))

    review = id_of("/api/movies/heat/reviews/", {
        "title": "t", "content": "c", "is_positive": True})
    comment = id_of(f"/api/reviews/{review}/comments/", {"content": "c"})
    of_review = id_of(f"/api/reviews/{review}/reactions/", {"emoji_code": "LIKE"})
    of_comment = id_of(f"/api/reviews/{review}/comments/{comment}/reactions/",
                       {"emoji_code": "LIKE"})
    made = ana.post("/api/movies-lists/", {
        "name": "Missing", "description": "d", "privacity": "R"})
    assert made.ok, made.text
    people.account(stack, "keeper", staff=True)
    return {"award": "oscar-best-picture-1973", "comment": comment,
            "kind": "movies", "picture": "cover", "thing": "9",
            "list": "missing", "movie": "heat", "person": "al-pacino",
            "reaction": {True: of_comment, False: of_review},
            "review": review, "username": "ana"}


def body_of(fields):
    """A valid body."""
    values = {"bool": True, "int": 1, "prose": "text", "text": "text"}
    return {f["name"]: f["choices"][0] if f.get("choices") else
            max(f.get("min") or 1, 1) if f["type"] == "int" else
            values.get(f["type"], "LIKE")
            for f in fields if f["from"] != "query" and f["required"]}


@pytest.mark.parametrize("row, name", cases())
def test_missing(stack, existing, inputs, row, name):
    path = row.path if row.top else "/api" + row.path
    fields = inputs[row.method, path]
    values = dict(existing, reaction=existing["reaction"]["comment" in row.params])
    values[name] = MISSING.get(name, "no-such-thing")
    user = {"PUBLIC": None, "STAFF": "keeper"}.get(row.says("guard"), "ana")
    r = stack.client(user).request(
        row.method, path.format(**values), json=body_of(fields) or None)
    assert r.status_code == 404, r.text
    body = r.json()
    if name == "list":
        assert "list" in body["error"].lower(), r.text
    else:
        assert (body["model"], body["lookup_value"]) == (
            MODELS.get(name, name.capitalize()), values[name]), r.text


def test_exceptions_are_parameters():
    assert set(EXCEPTIONS) <= {(row.method, row.path, name)
                               for row in ROWS for name in row.params}
