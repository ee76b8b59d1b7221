# SPDX-License-Identifier: GPL-3.0-or-later
"""The description and its page as the program serves them, through nginx."""

import base64
import hashlib
import re
import sys
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

import contract  # noqa: E402

WORLD = "empty"
STACK = {"jobs": False}

SCHEMA = "/api/schema/"
DOCS = "/api/docs/"
YAML = "application/vnd.oai.openapi"


def weak(response):
    """The entity tag as it is compared: nginx weakens what it compresses."""
    return response.headers["ETag"].removeprefix("W/")


def kind(response):
    return response.headers["Content-Type"].split(";")[0]


def test_yaml_unless_asked_otherwise(client):
    r = client.get(SCHEMA)
    assert r.status_code == 200 and kind(r) == YAML
    assert yaml.safe_load(r.content)["openapi"].startswith("3.1.")
    assert b"\n  # ---" in r.content  # as it was written, with its comments


def test_it_holds_nothing_that_is_not_built(client):
    """No described operation is answered like an unknown path, which is
    checked before authentication."""
    unknown = client.get("/api/none/").json()
    described = client.get(SCHEMA, headers={"Accept": "application/json"})
    operations = contract.operations(described.json())
    assert len(operations) > 20
    for operation in operations:
        if operation.outside:
            continue
        path = re.sub(r"\{.*?\}", "none", operation.path)
        r = client.request(operation.method, path, check=False)
        assert r.status_code != 405, operation.id
        assert r.status_code != 404 or r.json() != unknown, operation.id
    # and the table of operations on the page is made from the same
    assert '"/api/schema/' in client.get(DOCS).text


@pytest.mark.parametrize("query", ["", "?format=json"])
def test_it_travels_compressed(client, query):
    r = client.get(SCHEMA + query, headers={"Accept-Encoding": "gzip"})
    assert r.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in r.headers["Vary"]


@pytest.mark.parametrize("query, accept, wanted", [
    ("?format=json", "*/*", "application/json"),
    ("?format=json", YAML, "application/json"),
    ("?format=yaml", "application/json", YAML),
    ("?format=xml", "*/*", YAML),
    ("", "application/json", "application/json"),
    ("", "text/html, application/json;q=0.9", "application/json"),
    ("", "application/vnd.oai.openapi+json",
     "application/vnd.oai.openapi+json"),
    ("", "application/yaml", "application/yaml"),
    ("", "text/html,*/*;q=0.8", YAML),
    ("", "application/jsonp", YAML),
])
def test_who_asks_gets_it(client, query, accept, wanted):
    r = client.get(SCHEMA + query, headers={"Accept": accept})
    assert kind(r) == wanted
    assert yaml.safe_load(r.content) == contract.load_built()


@pytest.mark.parametrize("path", [SCHEMA, SCHEMA + "?format=json", DOCS])
def test_again_is_304(client, path):
    r = client.get(path)
    assert r.headers["Cache-Control"] == "public, no-cache"
    tag = r.headers["ETag"]
    again = client.get(path, headers={"If-None-Match": tag})
    assert again.status_code == 304 and weak(again) == weak(r)
    other = client.get(path, headers={"If-None-Match": '"another"'})
    assert other.status_code == 200


def test_the_forms_have_tags_of_their_own(client):
    tags = {weak(client.get(p))
            for p in (SCHEMA, SCHEMA + "?format=json", DOCS)}
    assert len(tags) == 3


@pytest.mark.parametrize("path", [SCHEMA, DOCS])
def test_head_and_both_paths(client, path):
    r = client.request("HEAD", path, headers={"Accept-Encoding": "identity"})
    assert r.status_code == 200 and not r.content
    assert int(r.headers["Content-Length"]) > 10000
    assert client.get(path.rstrip("/")).content == client.get(path).content
    assert client.request("OPTIONS", path).status_code == 204
    assert client.post(path).status_code == 405


@pytest.mark.parametrize("path", [SCHEMA, DOCS])
def test_a_bad_token_does_not_matter(client, path):
    assert client.get(path, token="nonsense").status_code == 200


def test_the_page_runs_its_own_script_only(client):
    r = client.get(DOCS)
    assert r.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = r.headers["Content-Security-Policy"]
    for tag in ("script", "style"):
        inside = re.search("<%s>(.*?)</%s>" % (tag, tag), r.text,
                           re.DOTALL).group(1)
        digest = base64.b64encode(
            hashlib.sha256(inside.encode()).digest()).decode()
        assert "%s-src 'sha256-%s'" % (tag, digest) in policy
    assert r.headers["X-Content-Type-Options"] == "nosniff"


def test_every_read_of_it_is_the_same(client):
    assert len({client.get(DOCS).content for _ in range(20)}) == 1


def test_it_needs_no_database(client, stack):
    """The description is available while the database is not."""
    name = stack.database
    stack.cluster.sql("ALTER DATABASE %s ALLOW_CONNECTIONS false" % name)
    try:
        stack.cluster.sql("SELECT pg_terminate_backend(pid) "
                          "FROM pg_stat_activity WHERE datname = '%s'" % name)
        assert client.get(SCHEMA).status_code == 200
        assert client.get(DOCS).status_code == 200
        assert client.get("/healthz").status_code == 200
        away = client.get("/readyz")
        assert away.status_code == 503
        assert away.json()["database"] == "away" and away.json()["error"]
    finally:
        stack.cluster.sql("ALTER DATABASE %s ALLOW_CONNECTIONS true" % name)
        stack.wait_ready()


def test_health(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 200 and ready.json()["database"] == "ok"
