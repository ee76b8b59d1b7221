# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens and sessions: refused tokens, refresh, rotation, log-out."""

import base64
import concurrent.futures
import hashlib
import hmac
import json
import time

import pytest

import world
from stack import wait_until

WORLD = "ana-and-friends"
SELF = "/api/users/"
REFRESH = "/api/auth/refresh/"
LOGOUT = "/api/auth/logout/"
NOT_VALID = "Given token not valid for any token type"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def forge(stack, payload, alg="HS256", key=None, digest=hashlib.sha256):
    """A token with any payload and, by default, a valid signature."""
    head = b64(json.dumps({"alg": alg, "typ": "JWT"}).encode())
    text = f"{head}.{b64(json.dumps(payload).encode())}"
    key = (key or stack.settings()["signing_key"]).encode()
    mac = hmac.new(key, text.encode(), digest).digest()
    return f"{text}.{b64(mac)}"


def changed(token, **more):
    """The claims of a token, changed; None removes one."""
    return {k: v for k, v in {**claims(token), **more}.items()
            if v is not None}


def body_of(message):
    return {"error": NOT_VALID, "detail": NOT_VALID,
            "code": "token_not_valid",
            "messages": [{"token_class": "AccessToken",
                          "token_type": "access", "message": message}]}


def refused(response, message="Token is invalid"):
    assert response.status_code == 401, response.text
    assert response.json() == body_of(message)
    assert response.headers["WWW-Authenticate"] == (
        'Bearer realm="api", error="invalid_token"')


def at_once(n, call):
    with concurrent.futures.ThreadPoolExecutor(n) as pool:
        return list(pool.map(call, range(n)))


# -- access tokens --------------------------------------------------------

def test_forging_works(stack, ana):
    """Else what follows would prove nothing."""
    token = forge(stack, claims(ana.token))
    assert ana.get(SELF, token=token).status_code == 200
    token = forge(stack, changed(ana.token, user_id="1"))
    assert ana.get(SELF, token=token).status_code == 200


def test_expired(stack, ana):
    token = forge(stack, changed(ana.token, exp=int(time.time()) - 1,
                                 iat=int(time.time()) - 100))
    refused(ana.get(SELF, token=token), "Token is expired")


def test_refresh_token_as_access_token(ana):
    refused(ana.get(SELF, token=ana.refresh_token), "Token has wrong type")


def test_other_algorithms(stack, ana):
    payload = claims(ana.token)
    head = b64(b'{"alg":"none","typ":"JWT"}')
    for token in (
            forge(stack, payload, "HS512", digest=hashlib.sha512),
            forge(stack, payload, "HS384", digest=hashlib.sha384),
            forge(stack, payload, "HS512"),
            forge(stack, payload, "none"),
            forge(stack, payload, "RS256"),
            f"{head}.{b64(json.dumps(payload).encode())}.",
            f"{head}.{b64(json.dumps(payload).encode())}"):
        refused(ana.get(SELF, token=token))


def test_another_key(stack, ana):
    for key in ("another-key-of-a-proper-length-for-this", "x", "0" * 64):
        refused(ana.get(SELF, token=forge(stack, claims(ana.token),
                                          key=key)))


def test_truncated_and_garbled(ana):
    token = ana.token
    for bad in (token[:-1], token[:-10], token[:40], token[1:],
                token.rsplit(".", 1)[0], token + "x", token + ".x",
                token.replace(".", ""), token.upper(), "a.b.c", "x", "..."):
        refused(ana.get(SELF, token=bad))


@pytest.mark.parametrize("size", [4097, 6000])
def test_huge(ana, size):
    refused(ana.get(SELF, token="a" * size))


def test_payload_of_another(stack, ana, bob):
    """The head and signature of one, the payload of the other."""
    a, b = ana.token.split("."), bob.token.split(".")
    refused(ana.get(SELF, token=".".join([a[0], b[1], a[2]])))


@pytest.mark.parametrize("more", [
    {"user_id": 2}, {"sid": 999999}, {"sid": -1}, {"epoch": 1},
    {"epoch": -1}, {"epoch": 2 ** 62}, {"sid": 2 ** 63 - 1},
    {"user_id": None}, {"sid": None}, {"epoch": None}, {"exp": None},
    {"iat": None}, {"jti": None}, {"token_type": None},
    {"exp": "9999999999"}, {"exp": 1e300}, {"exp": 10 ** 30},
    {"user_id": "x"}, {"user_id": 1.5}, {"user_id": [1]}, {"user_id": True},
    {"user_id": ""}, {"sid": "1"}, {"sid": "0" * 32}, {"sid": "G" * 32}, {"token_type": 7}, {"jti": "short"},
    {"jti": 7}])
def test_signed_but_wrong(stack, ana, more):
    token = forge(stack, changed(ana.token, **more))
    r = ana.get(SELF, token=token)
    if more.get("token_type"):
        assert r.status_code == 401
    else:
        refused(r)


def test_account_that_never_was(stack, ana):
    token = forge(stack, changed(ana.token, user_id=10 ** 12))
    r = ana.get(SELF, token=token)
    assert r.status_code == 401
    assert r.json() == {"error": "User not found", "detail": "User not found",
                        "code": "user_not_found"}


@pytest.mark.parametrize("header", [
    "Bearer", "Bearer ", "Bearer a b", "Bearer a.b.c d e"])
def test_header_with_no_or_several_tokens(client, header):
    r = client.get(SELF, headers={"Authorization": header})
    assert r.status_code == 401
    text = "Authorization header must contain two space-delimited values"
    if header.strip() == "Bearer" and "code" not in r.json():
        # a client library may drop an empty value
        assert r.json()["error"] == "You need to be authenticated"
        return
    assert r.json() == {"error": text, "detail": text,
                        "code": "bad_authorization_header"}


@pytest.mark.parametrize("header", [
    "", "Basic YTpi", "Token abc", "Bearerabc", "abc"])
def test_header_of_another_scheme(client, header):
    r = client.get(SELF, headers={"Authorization": header})
    assert r.status_code == 401
    assert r.json()["error"] == "You need to be authenticated"


def test_token_error_before_not_found(client):
    """Without a token nothing reveals what exists."""
    r = client.get("/api/movies/no-such-film/", token="a.b.c")
    refused(r)


def test_public_routes_ignore_the_header(stack, ana, client):
    for header in ("Bearer a.b.c", "Bearer", "rubbish"):
        r = client.post(REFRESH, {"refresh": ana.refresh_token},
                        headers={"Authorization": header})
        assert r.status_code == 200


# -- refresh --------------------------------------------------------------

def test_refresh_answers_access_only(ana, client):
    r = client.post(REFRESH, {"refresh": ana.refresh_token})
    assert r.status_code == 200
    assert list(r.json()) == ["access"]
    old, new = claims(ana.token), claims(r.json()["access"])
    assert new["token_type"] == "access" and new["jti"] != old["jti"]
    assert new["sid"] == old["sid"]
    assert client.get(SELF, token=r.json()["access"]).status_code == 200


def test_refresh_reads_the_database(stack, carla):
    """Fault 24 of the original: a refreshed token lacks preferred_language."""
    stack.sql("UPDATE account SET verified = false, boarded = false,"
              " preferred_language = 'fr', username = 'carlotta'"
              " WHERE id = 3")
    carla.refresh()
    c = claims(carla.token)
    assert (c["verified"], c["boarded"]) == (False, False)
    assert c["preferred_language"] == "fr" and c["username"] == "carlotta"
    stack.sql("UPDATE account SET verified = true, boarded = true,"
              " preferred_language = 'es', username = 'carla' WHERE id = 3")
    carla.refresh()
    assert claims(carla.token)["verified"] is True


def test_refresh_many_times_and_at_once(stack, ana):
    answers = at_once(12, lambda _: stack.client().post(
        REFRESH, {"refresh": ana.refresh_token}))
    assert [r.status_code for r in answers] == [200] * 12
    assert len({r.json()["access"] for r in answers}) == 12
    ana.refresh()


@pytest.mark.parametrize("encoding", ["json", "data"])
def test_refresh_bodies(ana, client, encoding):
    r = client.request("POST", REFRESH,
                       **{encoding: {"refresh": ana.refresh_token}})
    assert r.status_code == 200


@pytest.mark.parametrize("body,text", [
    ({}, "This field is required."),
    ({"refresh": ""}, "This field may not be blank."),
    ({"refresh": " "}, "This field may not be blank.")])
def test_refresh_missing(client, body, text):
    r = client.post(REFRESH, body)
    assert r.status_code == 400
    assert r.json() == {"refresh": [text], "error": text}


@pytest.mark.parametrize("value", [None, 7, True, [], {}])
def test_refresh_wrong_types(client, value):
    assert client.post(REFRESH, {"refresh": value}).status_code == 400


def refresh_refused(response, text="Token is invalid"):
    assert response.status_code == 401, response.text
    assert response.json() == {"error": text, "detail": text,
                               "code": "token_not_valid"}


def test_refresh_with_bad_tokens(stack, ana, client):
    def use(token):
        return client.post(REFRESH, {"refresh": token})
    refresh_refused(use("a.b.c"))
    refresh_refused(use("x"))
    refresh_refused(use("y" * 4096))
    assert use("y" * 4097).status_code == 400
    refresh_refused(use(ana.token), "Token has wrong type")
    old = int(time.time()) - 10
    refresh_refused(use(forge(stack, changed(
        ana.refresh_token, exp=old, iat=old - 10))), "Token is expired")
    refresh_refused(use(forge(stack, claims(ana.refresh_token), key="z" * 40)))
    refresh_refused(use(forge(stack, changed(ana.refresh_token, user_id=2))))
    refresh_refused(use(forge(stack, changed(ana.refresh_token, epoch=5))))
    refresh_refused(use(forge(stack, changed(ana.refresh_token, sid="0" * 32))))


def test_access_token_of_a_nearly_spent_session(stack, ana, client):
    """It does not outlive the session."""
    stack.sql("UPDATE session SET expires_at = now() + interval '90 seconds'"
              " WHERE id = %s", (claims(ana.token)["sid"],))
    r = client.post(REFRESH, {"refresh": ana.refresh_token})
    assert r.status_code == 200
    c = claims(r.json()["access"])
    assert 80 <= c["exp"] - c["iat"] <= 90
    stack.sql("UPDATE session SET expires_at = now() - interval '1 second'"
              " WHERE id = %s", (c["sid"],))
    refresh_refused(client.post(REFRESH, {"refresh": ana.refresh_token}))


def test_epoch_ends_all_sessions(stack, fay):
    other = stack.client("fay")
    stack.sql("UPDATE account SET epoch = epoch + 1 WHERE id = 6")
    stack.sql("INSERT INTO touch (kind, key) VALUES ('account', '6')")
    for c in (fay, other):
        refresh_refused(c.post(REFRESH, {"refresh": c.refresh_token},
                               token=None))
        refused(c.get("/api/users/preferred-language/"))
    assert stack.client("fay").get(SELF).status_code == 200


# -- log-out --------------------------------------------------------------

def test_logout_ends_this_session_at_once(stack, bob):
    other = stack.client("bob")
    assert bob.get(SELF).status_code == 200
    r = bob.post(LOGOUT)
    assert r.status_code == 200
    assert r.json() == {"status": "You have been logged out."}
    refused(bob.get(SELF))
    refused(bob.post(LOGOUT))
    refresh_refused(bob.post(REFRESH, {"refresh": bob.refresh_token},
                             token=None))
    assert other.get(SELF).status_code == 200
    other.refresh()


@pytest.mark.parametrize("said, kept", [
    (b"Mozilla/5.0 (X11) App/3", "Mozilla/5.0 (X11) App/3"),
    ("Kino für Zoë 🎬".encode(), "Kino für Zoë 🎬"),
    (b"'; DROP TABLE session", "'; DROP TABLE session"),
    (b"x" * 3000, "x" * 512), ("é".encode() * 600, "é" * 512),
    (b"\xff\xfe broken", None), (b"", None)])
def test_a_session_knows_its_client(stack, client, said, kept):
    """The user agent, truncated; invalid text is not stored."""
    r = client.post("/api/auth/login/", token=None,
                    json={"username": "dora", "password": world.PASSWORD},
                    headers={"User-Agent": said})
    assert r.status_code == 200, r.text
    assert stack.value("SELECT user_agent FROM session WHERE id = %s",
                       [claims(r.json()["access"])["sid"]]) == kept


def test_logout_is_open_to_the_unverified(stack, nina):
    assert nina.post(LOGOUT).status_code == 200


def test_logout_needs_a_token(client):
    r = client.post(LOGOUT)
    assert r.status_code == 401
    assert r.json()["error"] == "You need to be authenticated"


# -- what a request costs -------------------------------------------------

def test_the_account_is_read_once(stack):
    """Fault 36 of the original: each request loads the account twice."""
    stack.cluster.sql(f"ALTER DATABASE {stack.database}"
                      " SET log_min_duration_statement = 0")
    stack.restart_mxmd()
    client = stack.client("bob")
    log = stack.cluster.process
    counts = []
    for _ in range(3):
        before = len(log.text())
        assert client.get("/api/users/preferred-language/").status_code == 200
        counts.append(log.text()[before:].count(" execute account_by_session"))
    stack.cluster.sql(f"ALTER DATABASE {stack.database}"
                      " RESET log_min_duration_statement")
    assert counts == [1, 0, 0]  # then it is in the cache


# -- rotation, for other clients ------------------------------------------

@pytest.fixture
def rotating(stack):
    stack.restart_mxmd(refresh_rotation="on")
    yield stack
    stack.restart_mxmd(refresh_rotation="off")


def test_rotation(rotating):
    stack = rotating
    c = stack.client("fay")

    def use(token):
        return c.post(REFRESH, {"refresh": token}, token=None)

    first = c.refresh_token
    # parallel calls agree on the successor
    answers = at_once(8, lambda _: use(first))
    assert [r.status_code for r in answers] == [200] * 8
    jtis = {claims(r.json()["refresh"])["jti"] for r in answers}
    assert len(jtis) == 1
    second = answers[0].json()["refresh"]
    # within the grace period the one before is answered alike
    assert claims(use(first).json()["refresh"])["jti"] in jtis
    third = use(second).json()["refresh"]
    assert claims(third)["jti"] not in jtis
    assert use(second).status_code == 200
    # the minute is over
    stack.sql("UPDATE session SET rotated_at = rotated_at - interval '1 min'"
              " WHERE id = %s", (claims(third)["sid"],))
    fourth = use(third).json()["refresh"]
    access = c.token
    assert c.get(SELF).status_code == 200
    # reuse of an old token: it was copied, so the session ends
    mark = stack.mark()
    refresh_refused(use(first))
    refresh_refused(use(fourth))
    log = stack.log("mxmd", mark)
    assert log.count(" warning mxmd") == 1 and (
        f"session {claims(fourth)['sid']} of account 6 was ended" in log)
    assert not any(token in log or claims(token)["jti"] in log
                   for token in (first, fourth))
    # and its access tokens with it, as soon as mxm-jobs has told the cache
    path = "/api/users/preferred-language/"
    wait_until(lambda: c.get(path, token=access).status_code == 401,
               "the session's access token is refused")
    refused(c.get(path, token=access))


def test_rotation_lets_the_session_live_on(rotating):
    stack = rotating
    c = stack.client("emil")
    sid = claims(c.token)["sid"]
    stack.sql("UPDATE session SET expires_at = now() + interval '1 day'"
              " WHERE id = %s", (sid,))
    r = c.post(REFRESH, {"refresh": c.refresh_token}, token=None)
    life = claims(r.json()["refresh"])
    assert life["exp"] - life["iat"] == 90 * 24 * 3600
