# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile and malformed input: the documented status, a body that states the
error, no log line of warning or above, no dead worker."""

import base64
import hashlib
import hmac
import http.client
import json
import time

import pytest

import world

HEAT = "/api/movies/heat/ratings/"


@pytest.fixture(autouse=True)
def quiet_log(stack):
    """No test here may cause a warning in the log or the death of a worker."""
    mark = stack.mark()
    workers = worker_pids(stack)
    yield
    log = stack.log(since=mark)
    loud = [line for line in log.splitlines()
            if any(f" {word} mxmd[" in line for word in ("error", "warning"))]
    assert not loud, "\n".join(loud)
    assert worker_pids(stack) == workers, log


def worker_pids(stack):
    status = json.loads(stack.ctl(["--json", "status"]).stdout)
    return sorted(w["pid"] for w in status["workers"])


def raw(stack, method, target, body=b"", headers=()):
    """A request that no library has tidied up."""
    host, port = stack.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


BODIES = {
    "not json": b"{",
    "nothing": b"",
    "text after": b'{"rating": 3} x',
    "two values": b'{"rating": 3}{"rating": 4}',
    "single quotes": b"{'rating': 3}",
    "trailing comma": b'{"rating": 3,}',
    "NaN": b'{"rating": NaN}',
    "duplicate key": b'{"rating": 3, "rating": 4}',
    "escaped duplicate key": b'{"rating": 3, "\\u0072ating": 4}',
    "NUL": b'{"rating": 3, "x": "a\\u0000b"}',
    "raw NUL": b'{"rating": 3\x00}',
    "bad UTF-8": b'{"rating": 3, "x": "\xff\xfe"}',
    "lone surrogate": b'{"rating": 3, "x": "\\ud800"}',
    "number past 64 bits": b'{"rating": 123456789012345678901234567890}',
    "huge exponent": b'{"rating": 1e400}',
    "too deep": b'{"rating": 3, "x": ' + b"[" * 40 + b"]" * 40 + b"}",
    "a list": b"[1]",
    "a number": b"3",
    "a text": b'"3"',
    "null": b"null",
    "comment": b'{"rating": 3 /* x */}',
    "BOM": b'\xef\xbb\xbf{"rating": 3',
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("method", ["post", "put"])
def test_bodies(ana, name, method):
    r = getattr(ana, method)(HEAT, data=BODIES[name],
                             headers={"Content-Type": "application/json"})
    assert r.status_code == 400, r.text
    assert r.json()["error"] == "Invalid JSON body"
    # and what is wrong with it, where the sentence says only that something is
    assert r.json()["detail"].startswith("JSON parse error - ")


@pytest.mark.parametrize("name", BODIES)
def test_bodies_of_public_routes(client, name):
    for path in ("/api/auth/login/", "/api/auth/signup/",
                 "/api/auth/refresh/"):
        r = client.post(path, data=BODIES[name], check=False,
                        headers={"Content-Type": "application/json"})
        assert r.status_code == 400, (path, r.text)
        assert r.json()["error"]


@pytest.mark.parametrize("kind", [
    "text/plain", "application/xml", "multipart/form-data",
    "multipart/form-data; boundary=", "image/png", "x", "a/b; c=" + "d" * 2000])
def test_content_types(ana, client, kind):
    # rating takes JSON whatever the type says
    r = ana.put(HEAT, data=b'{"rating": 9}', headers={"Content-Type": kind})
    assert r.status_code == 400 and "rating" in r.json()
    # log-in honours it
    r = client.post("/api/auth/login/", data=b"x=1", check=False,
                    headers={"Content-Type": kind})
    assert r.status_code in (400, 415), r.text
    assert r.json()["error"]


def test_too_large(stack, ana):
    body = b'{"rating": 3, "x": "' + b"y" * 12_000_000 + b'"}'
    r = ana.post(HEAT, data=body, check=False)
    assert r.status_code == 413
    assert r.json()["error"]
    body = b'{"rating": 3, "x": "' + b"y" * 1_100_000 + b'"}'
    r = ana.post(HEAT, data=body)
    assert r.status_code == 413, r.text
    assert r.json()["error"]


@pytest.mark.parametrize("target", [
    "/api/movies/%zz/", "/api/movies/%/", "/api/movies/%f/",
    "/api/movies/%00/", "/api/movies/%ff%fe/", "/api/movies/%c0%af/"])
def test_paths(stack, ana, target):
    status, body = raw(stack, "GET", target, headers=[
        ("Authorization", f"Bearer {ana.token}")])
    assert status == 400
    if body.startswith(b"{"):
        assert json.loads(body)["error"]


@pytest.mark.parametrize("query", [
    "name=%zz", "name=%", "name=%00", "name=%ff", "name=a%00b",
    "stars[]=x", "stars[]=99999999999999999999999", "name=" + "x" * 5000,
    "=&=&&;=", "&".join(["genres[]=x"] * 200), "page=%ff&limit=%00"])
def test_queries(stack, ana, query):
    r = ana.get(f"/api/movies/searching/?{query}")
    assert r.status_code in (200, 400), r.text
    if r.status_code == 400:
        assert r.json()["error"]


# -- tokens ---------------------------------------------------------------

def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forge(stack, claims, alg="HS256", key=None, digest=hashlib.sha256):
    head = b64(json.dumps({"alg": alg, "typ": "JWT"}).encode())
    body = b64(json.dumps(claims).encode())
    text = f"{head}.{body}"
    if digest is None:
        return text + "."
    mac = hmac.new(key or signing_key(stack), text.encode(), digest).digest()
    return f"{text}.{b64(mac)}"


def signing_key(stack):
    return stack.settings()["signing_key"].encode()


def claims_of(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def bad_tokens(stack, ana):
    good = claims_of(ana.token)
    past = {**good, "exp": int(time.time()) - 1}
    yield "truncated", ana.token[:-3]
    yield "cut in half", ana.token[:len(ana.token) // 2]
    yield "no signature", ana.token.rsplit(".", 1)[0] + "."
    yield "changed", ana.token[:-10] + "AAAAAAAAAA"
    yield "refresh token", ana.refresh_token
    yield "another key", forge(stack, good, key=b"k" * 64)
    yield "none", forge(stack, good, alg="none", digest=None)
    yield "HS512", forge(stack, good, alg="HS512", digest=hashlib.sha512)
    yield "HS256 said, HS512 done", forge(stack, good,
                                          digest=hashlib.sha512)
    yield "RS256 said", forge(stack, good, alg="RS256")
    yield "expired", forge(stack, past)
    yield "no expiry", forge(stack, {k: v for k, v in good.items()
                                     if k != "exp"})
    yield "expiry is text", forge(stack, {**good, "exp": "tomorrow"})
    yield "wrong type", forge(stack, {**good, "token_type": "refresh"})
    yield "no type", forge(stack, {k: v for k, v in good.items()
                                   if k != "token_type"})
    yield "no user", forge(stack, {k: v for k, v in good.items()
                                   if k != "user_id"})
    yield "user is a list", forge(stack, {**good, "user_id": [1]})
    yield "user is unknown", forge(stack, {**good, "user_id": 987654321})
    yield "user of another session", forge(stack, {**good, "user_id": 2})
    yield "session is unknown", forge(stack, {**good, "sid": "0" * 32})
    yield "older epoch", forge(stack, {**good, "epoch": -1})
    yield "claims are a list", forge(stack, [1, 2])
    yield "garbage", "a.b.c"
    yield "dots", "..."
    yield "empty", "x"
    yield "huge", "a" * 7000
    yield "not ASCII", "b\u00e9.b.c".encode().decode("latin-1")


def test_tokens(stack, ana):
    assert ana.get(HEAT).status_code in (200, 404)
    for name, token in bad_tokens(stack, ana):
        r = ana.get(HEAT, token=token)
        assert r.status_code == 401, (name, r.text)
        assert r.json()["error"], name
        assert r.json()["detail"], name
        assert r.headers["WWW-Authenticate"].startswith("Bearer"), name


def test_a_forged_good_token_is_good(stack, ana):
    """The forger of the test above really forges."""
    token = forge(stack, claims_of(ana.token))
    assert ana.get(HEAT, token=token).status_code in (200, 404)
    text = {**claims_of(ana.token), "user_id": "1"}
    assert ana.get(HEAT, token=forge(stack, text)).status_code in (200, 404)


@pytest.mark.parametrize("header", [
    "Bearer", "Bearer ", "Bearer a b", "bearer x", "Basic eDp5", "x", ""])
def test_authorization_headers(ana, header):
    r = ana.get(HEAT, token=None, headers={"Authorization": header})
    assert r.status_code == 401
    assert r.json()["error"]


def test_public_routes_ignore_a_bad_token(stack, ana):
    for name, token in bad_tokens(stack, ana):
        r = ana.post("/api/auth/login/", token=token, json={
            "username": "ana", "password": world.PASSWORD})
        assert r.status_code == 200, (name, r.text)
        r = ana.post("/api/auth/refresh/", token=token, json={
            "refresh": ana.refresh_token})
        assert r.status_code == 200, (name, r.text)


def test_unknown_routes(client, ana):
    for who in (client, ana):
        for path in ("/api/nothing/", "/api//movies/",
                     "/api/movies/heat/ratings/x/", "/api/movies//ratings/"):
            r = who.get(path, check=False)
            assert r.status_code == 404, path
            assert r.json()["error"] == "Not Found"


def test_problem_json_on_request(client):
    r = client.get("/api/movies/", headers={
        "Accept": "application/problem+json"})
    assert r.status_code == 401
    assert r.headers["Content-Type"].startswith("application/problem+json")
    assert r.json()["status"] == 401 and r.json()["title"]
    assert r.json()["error"] == "You need to be authenticated"


def test_problem_json_of_a_field_that_is_called_title(ana):
    body = {"title": "", "content": "", "is_positive": True}
    path = "/api/movies/heat/reviews/"
    plain = ana.post(path, body, check=False)
    assert plain.status_code == 400 and plain.json()["title"]
    r = ana.post(path, body, check=False, headers={
        "Accept": "application/problem+json"})
    members = json.loads(r.text, object_pairs_hook=list)
    assert len({k for k, _ in members}) == len(members)
    assert (r.json()["title"], r.json()["status"]) == ("Bad Request", 400)
    assert r.json()["errors"] == {"title": plain.json()["title"]}
    assert r.json()["content"] == plain.json()["content"]
