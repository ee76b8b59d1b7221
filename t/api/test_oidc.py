# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in with an OpenID Connect provider: a stand-in on loopback."""

import base64
import concurrent.futures
import json
import re
import threading
import time

import jwt
import pytest

import world
from fake_oidc import FakeProvider, Key, hs256
from fake_smtp import parse
from life import reload
from stack import wait_until

WORLD = "ana-and-friends"
SETTINGS = {"limit_login": 0, "site_origin": "https://front.example",
            "google_client_id": "mxm", "oidc_name": "keycloak",
            "oidc_client_id": "mxm", "oidc_issuer": "http://127.0.0.1:1",
            "oidc_label": "Our house"}

GOOGLE = "/api/oauth/google/"
OTHER = "/api/oauth/keycloak/"
REDIRECT = "https://front.example/accounts/google/login/callback/"
BOB, NINA, GONE = 2, 7, 8
ES256, WEAK = Key("ES256"), Key(bits=1024)


def configure(stack, provider, **more):
    """Uses the provider as Google, in a new mxm-jobs: without cached keys."""
    stack.jobs.stop()
    stack.configure(google_client_secret=provider.client_secret,
                    google_issuer=provider.issuer, **more)
    mark = stack.mark("mxm-jobs")
    stack.start_jobs()
    stack.wait_log("started", "mxm-jobs", mark)  # the settings have been read


@pytest.fixture
def provider(stack):
    with FakeProvider() as made:
        configure(stack, made)
        yield made
        stack.sql("DELETE FROM job WHERE name = 'oidc_exchange'")


def log_in(client, code, path=GOOGLE, lang=None, **body):
    query = f"?lang={lang}" if lang else ""
    return client.post(path + query, json={"code": code, **body}, token=None)


def account(stack, username):
    rows = stack.sql(
        "SELECT a.id, a.email, a.verified, a.password, a.epoch, a.first_name,"
        " a.last_name, a.preferred_language, a.confirmed_at IS NOT NULL,"
        " array_agg(l.provider || ' ' || l.subject)"
        " FROM account AS a LEFT JOIN provider_link AS l ON l.user_id = a.id"
        " WHERE username = %s GROUP BY a.id", [username])
    assert len(rows) == 1
    names = ("id email verified password epoch first_name last_name lang "
             "confirmed links")
    return dict(zip(names.split(), rows[0]))


def refused(r, text="Failed to exchange code for access token"):
    """400 with the sentence, never 401, on which the front end refreshes."""
    assert r.status_code == 400, r.text
    assert text in r.json()["error"]
    assert r.json()["non_field_errors"] == [r.json()["error"]]
    return True


def unavailable(stack, r, logged):
    assert r.status_code == 503, r.text
    assert "Signing in with this provider is not possible" in r.json()["error"]
    assert r.headers["Retry-After"] == "30"
    assert re.search(logged, stack.log("mxm-jobs")), stack.log("mxm-jobs")
    stack.sql("DELETE FROM job WHERE name = 'oidc_exchange'")


# --------------------------------------------------------------- success

def test_a_new_user(stack, client, provider):
    code = provider.code(sub="117", email="Zoë.Q@Example.ORG".replace("ë", "e"),
                         name="Zoë Quinn", given_name="Zoë",
                         family_name="Quinn", locale="de-DE", redirect=REDIRECT)
    r = log_in(client, code)
    assert r.status_code == 200, r.text
    body = r.json()
    assert set(body) == {"access", "refresh", "user", "access_expiration",
                         "refresh_expiration"}
    assert body["user"] == {"username": "zoë-quinn", "boarded": False,
                            "verified": True}
    claims = jwt.decode(body["access"], options={"verify_signature": False})
    assert claims["username"] == "zoë-quinn" and claims["verified"] is True
    assert claims["preferred_language"] == "de"
    a = account(stack, "zoë-quinn")
    assert a == {**a, "email": "Zoe.Q@example.org", "verified": True,
                 "password": "!", "first_name": "Zoë", "last_name": "Quinn",
                 "lang": "de", "confirmed": True, "links": ["google 117"]}
    assert claims["user_id"] == a["id"]
    me = client.get("/api/users/", token=body["access"]).json()
    assert me["username"] == "zoë-quinn"
    again = client.post("/api/auth/refresh/", json={"refresh": body["refresh"]},
                        token=None)
    assert again.status_code == 200
    form, = provider.forms
    assert form["redirect_uri"] == REDIRECT
    assert stack.value("SELECT count(*) FROM job WHERE name LIKE 'mail%%' AND"
                       " payload ->> 'account_id' = %s", [str(a["id"])]) == 0


def test_nothing_secret_remains(stack, client, provider):
    """Neither code nor token is stored or logged; nor is the address."""
    mark = stack.mark(), stack.mark("mxm-jobs")
    code = provider.code(email="secretive@example.org")
    assert log_in(client, code).status_code == 200
    bad = "4/refused-code"
    refused(log_in(client, bad))
    logs = stack.log(since=mark[0]) + stack.log("mxm-jobs", mark[1])
    assert not re.search(r"secretive|ya29|s3cret|eyJ|4/", logs), logs
    assert stack.value(
        "SELECT count(*) FROM job WHERE name = 'oidc_exchange'") == 0


def test_the_trace_is_passed_on(client, provider):
    trace = 16 * "4b"
    client.post(GOOGLE, json={"code": provider.code()}, token=None,
                headers={"traceparent": f"00-{trace}-{8 * '7a'}-01"})
    assert len(provider.traces) == 3  # the document, the token, the keys
    assert all(re.fullmatch(f"00-{trace}-[0-9a-f]{{16}}-01", passed)
               for passed in provider.traces)
    log_in(client, provider.code())
    assert set(provider.traces[3:]) == {None}


def test_the_subject_is_matched_first(stack, client, provider):
    """The address at the provider may change, and belong to another account
    then."""
    first = log_in(client, provider.code(sub="s1", email="first@example.org"))
    name = first.json()["user"]["username"]
    again = log_in(client, provider.code(sub="s1", email="bob@example.org"))
    assert again.json()["user"]["username"] == name
    assert account(stack, "bob")["links"] == [None]
    gone = log_in(client, provider.code(sub="s1", email=None))
    assert gone.json()["user"]["username"] == name


def test_es256_and_a_certificate(stack, client):
    cert = stack.certificate
    with FakeProvider((cert, cert.with_name("key.pem"))) as provider:
        provider.keys = [Key(), ES256]
        configure(stack, provider, ca_file=cert)
        r = log_in(client, provider.code(key=ES256, email="es@example.org"))
        assert r.status_code == 200
        configure(stack, provider, ca_file=None)
        unavailable(stack, log_in(client, provider.code()), "certificate")


def test_basic_authentication(stack, client, provider):
    """The default of the standard, with a secret that needs encoding."""
    provider.more = {"token_endpoint_auth_methods_supported": None}
    assert log_in(client, provider.code(email="b@example.org")).ok
    assert provider.authorizations[-1].startswith("Basic ")
    assert "client_secret" not in provider.forms[-1]


def test_another_provider(stack, client, provider):
    """Its users are other ones, whatever their subject."""
    with FakeProvider() as other:
        configure(stack, provider, oidc_issuer=other.issuer,
                  oidc_client_secret=other.client_secret)
        assert log_in(client, provider.code(sub="7", email="g7@example.org",
                                            name="Gee Seven")).ok
        r = log_in(client, other.code(
            sub="7", email="k7@example.org", name="Kay Seven",
            redirect="https://front.example/accounts/keycloak/login/callback/"),
            OTHER)
        assert r.json()["user"]["username"] == "kay-seven"
        assert account(stack, "kay-seven")["links"] == ["keycloak 7"]
        # a code of one is none of the other
        refused(log_in(client, provider.code(email="x@example.org"), OTHER))


def test_a_provider_that_is_not_configured(client, provider, stack):
    r = log_in(client, "x", "/api/oauth/nowhere/")
    assert r.status_code == 404 and r.json()["model"] == "Provider"
    reload(stack, google_client_id=None)
    try:
        assert log_in(client, "x").status_code == 404
    finally:
        reload(stack, google_client_id="mxm")


def test_nonce_and_code_verifier(client, provider):
    ok = provider.code(email="n1@example.org", nonce="n-1", verifier="v" * 43)
    assert log_in(client, ok, nonce="n-1", code_verifier="v" * 43).ok
    for code, body in ((provider.code(nonce="n-1"), {"nonce": "n-2"}),
                       (provider.code(nonce="n-1"), {}),
                       (provider.code(), {"nonce": "n-1"}),
                       (provider.code(verifier="v" * 43), {}),
                       (provider.code(nonce=7), {"nonce": "7"})):
        assert refused(log_in(client, code, **body))


# -------------------------------------------------------------- accounts

def test_a_verified_address_is_linked(stack, client, provider):
    before = account(stack, "bob")
    owner = stack.client("bob")
    r = log_in(client, provider.code(sub="b1", email="BOB@example.org",
                                     name="Someone Else"))
    assert r.json()["user"]["username"] == "bob"
    a = account(stack, "bob")
    assert a == {**before, "links": ["google b1"]}, "nothing else changes"
    assert owner.get("/api/users/").status_code == 200
    assert stack.client("bob"), "the password is still valid"
    refused(log_in(client, provider.code(sub="b2", email="bob@example.org")),
            "linked to another user")


def test_fault_5_an_account_that_was_never_verified_is_taken_over(
        stack, client, provider):
    """Fault 5: who signs up with the address of another person beforehand
    does not share the account."""
    squatter = stack.client("nina")
    before = account(stack, "nina")
    assert not before["verified"]
    r = log_in(client, provider.code(sub="n1", email="nina@example.org",
                                     locale="fr"))
    assert r.json()["user"] == {"username": "nina", "boarded": False,
                                "verified": True} | {
        "boarded": r.json()["user"]["boarded"]}
    a = account(stack, "nina")
    assert (a["verified"], a["password"]) == (True, "!")
    assert a["epoch"] == before["epoch"] + 1
    assert squatter.get("/api/users/").status_code == 401
    assert client.post("/api/auth/refresh/", token=None, json={
        "refresh": squatter.refresh_token}).status_code == 401
    assert client.post("/api/auth/login/", token=None, json={
        "username": "nina", "password": world.PASSWORD}).status_code == 401
    assert client.get("/api/users/", token=r.json()["access"]).ok
    message = stack.mail_message("nina@example.org")
    assert "Google" in message["Subject"]
    assert stack.value("SELECT count(*) FROM code WHERE user_id = %s",
                       [NINA]) == 0
    # the second time nothing is taken
    assert log_in(client, provider.code(sub="n1")).ok
    assert account(stack, "nina")["epoch"] == a["epoch"]


def test_a_take_over_ends_the_links_of_the_squatter(stack, client, provider):
    """Nobody who linked the account before it was verified can still log in,
    by this provider or another one."""
    with FakeProvider() as other:
        provider.more.clear()
        configure(stack, provider, oidc_issuer=other.issuer,
                  oidc_client_secret=other.client_secret)
        for path, from_, sub in ((OTHER, other, "s1"), (GOOGLE, provider, "s2")):
            email = f"taken.{sub}@example.org"
            mine = {"sub": sub, "email": email, "email_verified": False}
            r = log_in(client, from_.code(**mine), path)
            assert r.ok, r.text
            squatter = r.json()["access"]
            r = log_in(client, provider.code(sub=f"owner-{sub}", email=email))
            assert r.ok, r.text
            owner = client.get("/api/users/", token=r.json()["access"]).json()
            assert owner["email"] == email
            assert client.get("/api/users/", token=squatter).status_code == 401
            refused(log_in(client, from_.code(**mine), path), "")
            assert account(stack, owner["username"])["links"] == [
                f"google owner-{sub}"]


def test_a_new_password_ends_the_links_of_a_squatter(stack, client, provider):
    """Logs in, sets the address of another person, who uses the mail."""
    def squat(email):
        return log_in(client, provider.code(sub="q1", email=email))

    owned = "owner.q1@example.org"
    token = squat("q1@example.org").json()["access"]
    assert client.put("/api/users/", {"email": owned}, token=token).ok
    stack.mail(owned)
    assert client.get("/api/auth/forgot-password/", params={"email": owned},
                      token=None).ok
    r = client.post("/api/auth/forgot-password/", {
        "email": owned, "forgot_password_code": stack.mail(owned),
        "new_password": "Nautilus-shadow-38"}, token=None)
    assert r.ok, r.text
    email = {"email": "mine@example.net"}
    r = squat(**email)
    assert r.ok, r.text
    mine = client.get("/api/users/", token=r.json()["access"]).json()
    assert mine["email"] == email["email"], "an account of their own"
    # the link of a verified account remains
    assert client.get("/api/auth/forgot-password/", params=email,
                      token=None).ok
    r = client.post("/api/auth/forgot-password/", {
        **email, "forgot_password_code": stack.mail(email["email"]),
        "new_password": "Nautilus-shadow-38"}, token=None)
    assert r.ok, r.text
    assert account(stack, mine["username"])["links"] == ["google q1"]


def test_an_address_that_the_provider_has_not_verified(stack, client, provider):
    """It links and takes over nothing; a new account has to verify it."""
    for name, user in (("carla", "carla"), ("dora", "dora")):
        for claim in (False, None, "false", 1, "TRUE"):
            refused(log_in(client, provider.code(
                email=f"{user}@example.org", email_verified=claim)),
                "has not confirmed")
        assert account(stack, name)["links"] == [None]
    r = log_in(client, provider.code(email="unproven@example.org",
                                     email_verified=False))
    assert r.json()["user"]["verified"] is False
    message = stack.mail_message("unproven@example.org")
    assert "Verification" in message["Subject"]
    assert client.get("/api/genres/",
                      token=r.json()["access"]).status_code == 403


def test_fault_13_a_mail_job_has_no_personal_data(stack, client, provider):
    """Fault 13: the number of the account, and no mail address or code."""
    assert log_in(client, provider.code(email="thirteen@example.org",
                                        email_verified=False)).ok
    code = stack.mail("thirteen@example.org")
    rows = stack.sql("SELECT to_jsonb(job)::text, payload FROM job WHERE"
                     " payload ->> 'account_id' = (SELECT id::text FROM account"
                     " WHERE email = 'thirteen@example.org')")
    assert [set(payload) for _, payload in rows] == [{"account_id"}]
    assert "thirteen" not in rows[0][0] and code not in rows[0][0]


def test_a_text_as_email_verified(client, provider):
    r = log_in(client, provider.code(email="t@example.org",
                                     email_verified="true"))
    assert r.json()["user"]["verified"] is True


def test_an_inactive_account_is_refused_as_by_log_in(stack, client, provider):
    address = stack.value("SELECT email FROM account WHERE id = %s", [GONE])
    code = provider.code(sub="gone", email=address)
    refused(log_in(client, code), "No active account")
    stack.sql("INSERT INTO provider_link (provider, subject, user_id)"
              " VALUES ('google', 'gone', %s)", [GONE])
    refused(log_in(client, provider.code(sub="gone")), "No active account")


def test_a_removed_account_is_restored_as_by_log_in(stack, client, provider):
    stack.sql("INSERT INTO account (username, email, verified, active,"
              " removed_at) VALUES ('leaver', 'leaver@example.org', true,"
              " false, now())")
    r = log_in(client, provider.code(email="leaver@example.org"))
    assert r.json()["user"]["username"] == "leaver"
    assert stack.value("SELECT active AND removed_at IS NULL FROM account"
                       " WHERE username = 'leaver'")


def test_fault_10_a_forged_host_is_not_used(client, provider):
    """Fault 10: the redirect URI is a setting."""
    code = provider.code(email="host@example.org", redirect=REDIRECT)
    r = client.post(GOOGLE, json={"code": code}, token=None, headers={
        "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http",
        "Forwarded": "host=evil.example"})
    assert r.ok and provider.forms[-1]["redirect_uri"] == REDIRECT


@pytest.mark.parametrize("email", [
    None, "", "nobody", "a@b", "x@example.org\nBcc: y@example.org", 7,
    "é@example.org", "a" * 250 + "@example.org",
])
def test_no_usable_address(client, provider, email):
    refused(log_in(client, provider.code(email=email)), "no mail address")


@pytest.mark.parametrize("name, given, email, username", [
    ("Ana", None, "n0@example.org", r"ana-\d+"),
    ("FRIENDS", None, "n2@example.org", "n2"),          # a word of the paths
    ("../../etc <b>", None, "n3@example.org", "etc-b"),
    ("@@@", "!!!", "n4+x@example.org", "n4x"),
    ("Иван Петров", None, "n5@example.org", "иван-петров"),
    (None, "Given", "n6@example.org", "given"),
    ("x" * 500, None, "n7@example.org", "n7"),
    (["list"], {"a": 1}, "..@example.org", None),
    ("q" * 150, None, "n8@example.org", "q" * 30),
])
def test_the_user_name(stack, client, provider, name, given, email, username):
    r = log_in(client, provider.code(email=email, name=name, given_name=given))
    if username is None:
        refused(r, "no mail address")
        return
    assert re.fullmatch(username, r.json()["user"]["username"]), r.text
    row = account(stack, r.json()["user"]["username"])
    assert row["first_name"] in (given or "", "")


@pytest.mark.parametrize("name", ["\0", "\\u0000", "a\0b", "x" * 50000])
def test_a_name_that_cannot_be_read(client, provider, name):
    """The user has chosen it: 400 for them, and others are not affected."""
    refused(log_in(client, provider.code(email="odd@example.org", name=name)))
    assert log_in(client, provider.code(email="even@example.org",
                                        sub="even")).ok


@pytest.mark.parametrize("claims, logged", [
    ({"sub": "x" * 256}, "the subject is too long"),
    ({"sub": "\U0001f600" * 64}, "the subject is too long"),
    ({"raw": b" " * 400000}, "token endpoint: the answer is too long"),
    ({"name": "x" * 400000}, "token endpoint: the answer is too long")],
    ids=["bytes", "characters", "answer", "name"])
def test_what_is_too_long_stops_one_user(stack, client, provider, claims,
                                         logged):
    """400 for this user, no account, no link, and the others can log in."""
    tables = ("SELECT (SELECT count(*) FROM account),"
              " (SELECT count(*) FROM provider_link),"
              " (SELECT count(*) FROM session),"
              " (SELECT count(*) FROM job WHERE name = 'oidc_exchange')")
    before, mark = stack.sql(tables), stack.mark("mxm-jobs")
    refused(log_in(client, provider.code(email="long@example.org", **claims)))
    assert logged in stack.log("mxm-jobs", mark)
    assert stack.sql(tables) == before
    longest = provider.code(email="longest@example.org", sub="x" * 255)
    assert log_in(client, longest).ok
    stack.sql("DELETE FROM account WHERE email = 'longest@example.org'")


@pytest.mark.parametrize("name", ["\ud800", "\u202e", "\u200b", "\u3164",
                                  "<script>", "a\r\nb", "\U0001f600" * 200,
                                  "ａｄｍｉｎ", "friеnds"])
def test_an_odd_name_is_not_taken_over(stack, client, provider, name):
    r = log_in(client, provider.code(email="odd@example.org", name=name,
                                     given_name=name))
    assert r.status_code in (200, 400), r.text
    if r.ok:
        made = account(stack, r.json()["user"]["username"])
        assert re.fullmatch(r"[\w-]+", r.json()["user"]["username"])
        assert made["first_name"] in ("", name.strip(), "\ufffd")
        assert not re.search(r"[\u202e\u200b\u3164\r\n]",
                             made["first_name"])
        stack.sql("DELETE FROM account WHERE id = %s", [made["id"]])


def test_lang_of_the_request(stack, client, provider):
    r = log_in(client, provider.code(email="es1@example.org", name="Es One",
                                     locale="de"), lang="es")
    assert r.ok and account(stack, "es-one")["lang"] == "es"
    r = log_in(client, "wrong", lang="fr")
    refused(r, "L’échange du code")


def test_two_first_log_ins_at_once(stack, client, provider):
    """Of one user: one account. Of users with one name: two."""
    def once(_):
        return log_in(stack.client(), provider.code(
            sub="twin", email="twin@example.org", name="Twin"))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        same = list(pool.map(once, range(8)))
        others = list(pool.map(
            lambda i: log_in(stack.client(), provider.code(
                email=f"m{i}@example.org", name="Twin")), range(6)))
    done = [r for r in same if r.ok]
    assert done and all(r.status_code in (200, 503) for r in same + others)
    assert {r.json()["user"]["username"] for r in done} == {"twin"}
    assert stack.value("SELECT count(*) FROM account"
                       " WHERE email = 'twin@example.org'") == 1
    names = [r.json()["user"]["username"] for r in others if r.ok]
    assert len(set(names)) == len(names)


# ------------------------------------------------------------ bad tokens

def later(**claims):
    now = int(time.time())
    return {k: now + v for k, v in claims.items()}


BAD = {
    "other issuer": (lambda: {"iss": "https://evil.example"}, "issuer"),
    "other audience": (lambda: {"aud": "another"}, "another client"),
    "no audience": (lambda: {"aud": None}, "another client"),
    "several audiences": (lambda: {"aud": ["mxm", "x"]}, "another client"),
    "other party": (lambda: {"aud": ["mxm", "x"], "azp": "x"},
                    "another client"),
    "other party alone": (lambda: {"azp": "x"}, "another client"),
    "expired": (lambda: later(exp=-120), "expired"),
    "no expiry": (lambda: {"exp": None}, "expired"),
    "expiry as text": (lambda: {"exp": "9999999999"}, "expired"),
    "from the future": (lambda: later(iat=600), "not issued now"),
    "old": (lambda: later(iat=-7200), "not issued now"),
    "not yet": (lambda: later(nbf=600), "not valid yet"),
    "no subject": (lambda: {"sub": None}, "no subject"),
    "empty subject": (lambda: {"sub": ""}, "no subject"),
    "number as subject": (lambda: {"sub": 7}, "no subject"),
    "unsigned": (lambda: {"header": {"alg": "none"}, "sign": lambda d: b""},
                 "not RS256"),
    "unsigned, strange case": (
        lambda: {"header": {"alg": "NonE"}, "sign": lambda d: b""},
        "not RS256"),
    "HS256 with the public key": (lambda: {
        "header": {"alg": "HS256"}, "sign": hs256(BAD_KEY.pem())},
        "not RS256"),
    "other key": (lambda: {"sign": Key(pair=1).sign}, "signature"),
    "no signature": (lambda: {"sign": lambda d: b""}, "signature"),
    "ES256 with an RSA key": (lambda: {"header": {"alg": "ES256"},
                                       "sign": ES256.sign}, "no key"),
    "critical extension": (lambda: {"header": {"crit": ["exp"], "exp": 1}},
                           "header"),
    "embedded key": (lambda: {"key": ES256, "header": {"jwk": ES256.jwk()}},
                     "no key"),
    "two dots": (lambda: {"raw": {"id_token": "a.b.c"}}, "header"),
    "text": (lambda: {"raw": {"id_token": "text"}}, "no JSON Web Signature"),
    "four parts": (lambda: {"raw": {"id_token": "a.b.c.d"}},
                   "no JSON Web Signature"),
    "huge token": (lambda: {"raw": {"id_token": "e" * 100000}},
                   "no JSON Web Signature"),
    "no token": (lambda: {"raw": {"access_token": "x"}}, "no identity token"),
    "token as number": (lambda: {"raw": {"id_token": 7}},
                        "no identity token"),
    "list": (lambda: {"raw": []}, "not a JSON object"),
    "nonsense": (lambda: {"raw": b"<html>"}, "not a JSON object"),
    "not UTF-8": (lambda: {"raw": b'{"id_token": "\xff"}'},
                  "not a JSON object"),
    "NUL": (lambda: {"raw": {"id_token": "a\0b"}}, "not a JSON object"),
    "deep": (lambda: {"raw": b'{"a":' * 9999}, "not a JSON object"),
}
BAD_KEY = Key()


@pytest.mark.parametrize("case", BAD)
def test_a_token_that_is_not_valid(stack, client, provider, case):
    """The provider is at fault: no account, no session, 503."""
    provider.keys = [BAD_KEY]
    before = stack.value("SELECT count(*) FROM account")
    make, logged = BAD[case]
    code = provider.code(**{"email": "bad@example.org", **make()})
    unavailable(stack, log_in(client, code), logged)
    assert stack.value("SELECT count(*) FROM account") == before


def test_weak_and_odd_keys(stack, client, provider):
    """Keys that do not verify: short, of another use, twice, no key at all."""
    mine = Key()
    for keys in ([WEAK.jwk() | {"kid": mine.kid}],
                 [mine.jwk() | {"use": "enc"}], [mine.jwk() | {"alg": "RS512"}],
                 [mine.jwk(), mine.jwk()], [7, None, []], {}, "x",
                 [{"kty": "RSA", "kid": mine.kid}],
                 [mine.jwk() | {"e": "AQ"}], [mine.jwk() | {"n": "%"}],
                 [mine.jwk() | {"n": ""}], [mine.jwk() | {"n": 7}]):
        configure(stack, provider)
        provider.plan["/keys"].extend(
            [(200, json.dumps({"keys": keys}).encode())] * 2)
        r = log_in(client, provider.code(key=mine, email="w@example.org"))
        unavailable(stack, r, "signature|no key")


def test_a_point_that_is_not_on_the_curve(stack, client, provider):
    odd = ES256.jwk() | {"y": ES256.jwk()["x"]}
    provider.plan["/keys"].append((200, json.dumps({"keys": [odd]}).encode()))
    r = log_in(client, provider.code(key=ES256, email="w@example.org"))
    unavailable(stack, r, "signature")


def test_a_single_key_needs_no_identifier(client, provider):
    code = provider.code(header={"kid": None}, email="kid@example.org")
    assert log_in(client, code).ok


# ------------------------------------------- caching, rotation, failures

def test_documents_are_cached(client, provider):
    for i in range(6):
        assert log_in(client, provider.code(email=f"c{i}@example.org")).ok
    # each of the two processes reads them once
    assert provider.requests["/.well-known/openid-configuration"] <= 2
    assert provider.requests["/keys"] <= 2


def test_new_keys_are_fetched_once_a_minute(stack, client, provider):
    for i in range(4):
        assert log_in(client, provider.code(email=f"k{i}@example.org")).ok
    fetched = provider.requests["/keys"]
    provider.keys = [Key(pair=1)]
    for i in range(4):
        assert log_in(client, provider.code(email=f"r{i}@example.org")).ok
    assert provider.requests["/keys"] <= fetched + 2
    unknown = provider.requests["/keys"]
    for _ in range(6):
        unavailable(stack, log_in(client, provider.code(key=Key())), "no key")
    assert provider.requests["/keys"] <= unknown + 2


@pytest.mark.parametrize("path, logged", [
    ("/.well-known/openid-configuration", "discovery document"),
    ("/keys", "keys"), ("/token", "token endpoint"),
])
@pytest.mark.parametrize("what", [None, (500, b"{}"), (200, b"<html>"),
                                  (302, b"{}"), (200, b"[]")])
def test_a_provider_that_fails(stack, client, provider, path, logged, what):
    provider.plan[path].append(what)
    r = log_in(client, provider.code(email="f@example.org"))
    unavailable(stack, r, logged)


@pytest.mark.parametrize("more, logged", [
    ({"issuer": "https://evil.example"}, "another issuer"),
    ({"issuer": None}, "another issuer"),
    ({"token_endpoint": None}, "missing or not https"),
    ({"token_endpoint": "http://example.org/token"}, "not https"),
    ({"token_endpoint": "file:///etc/passwd"}, "not https"),
    ({"token_endpoint": "http://127.0.0.1:80@example.org/"}, "not https"),
    ({"jwks_uri": 7}, "missing or not https"),
])
def test_a_discovery_document_that_is_not_valid(stack, client, provider, more,
                                                logged):
    provider.more = more
    unavailable(stack, log_in(client, provider.code()), logged)


def test_our_secret_is_wrong(stack, client, provider):
    """Not the fault of the user, and the log names it."""
    provider.client_secret = "changed"
    r = log_in(client, provider.code())
    unavailable(stack, r, "status 401, invalid_client")
    assert "secret text" not in stack.log("mxm-jobs")


def test_a_provider_that_does_not_answer(stack, client, provider):
    """One request waits, the others are answered at once; other requests of
    the pool go on; after a pause the provider is asked again."""
    go_on = threading.Event()
    provider.plan["/token"].append(go_on)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        slow = pool.submit(log_in, stack.client(), provider.code())
        wait_until(lambda: stack.value(
            "SELECT count(*) FROM job WHERE name = 'oidc_exchange'"
            " AND created_at < now() - interval '2 seconds'"), "it waits")
        r = log_in(client, provider.code(email="q@example.org"))
        assert r.status_code == 503 and provider.requests["/token"] == 1
        assert stack.client("bob")
        assert slow.result().status_code == 503
    go_on.set()
    assert "Timeout" in stack.log("mxm-jobs") or \
        "timed out" in stack.log("mxm-jobs")
    assert log_in(client, provider.code()).status_code == 503, "for 30 s"
    stack.sql("UPDATE job SET finished_at = now() - interval '31 seconds'"
              " WHERE name = 'oidc_exchange'")
    assert log_in(client, provider.code(email="q@example.org")).ok


def test_mxm_jobs_is_not_running(stack, client, provider):
    stack.jobs.stop()
    code = provider.code(email="late@example.org")
    r = log_in(client, code)
    assert r.status_code == 503
    state, payload = stack.sql("SELECT state, payload FROM job"
                               " WHERE name = 'oidc_exchange'")[0]
    assert state == "failed" and payload == {"provider": "google"}
    stack.sql("DELETE FROM job WHERE name = 'oidc_exchange'")
    stack.start_jobs()
    assert log_in(client, code).ok, "the code has not been used"


def test_a_job_for_which_nobody_waits_is_not_run(stack, provider):
    code = provider.code()
    job = stack.value(
        "INSERT INTO job (name, payload, created_at) VALUES ('oidc_exchange',"
        " %s, now() - interval '11 seconds') RETURNING id",
        [json.dumps({"provider": "google", "code": code})])
    wait_until(lambda: stack.value("SELECT state = 'failed' FROM job"
                                   " WHERE id = %s", [job]), "it has failed")
    assert stack.value("SELECT payload FROM job WHERE id = %s", [job]) == \
        {"provider": "google"}
    assert not provider.forms


# ----------------------------------------------------------------- input

@pytest.mark.parametrize("body", [
    {}, {"code": None}, {"code": ""}, {"code": "  "}, {"code": 7},
    {"code": []}, {"code": {"a": 1}}, {"code": "x" * 2049},
    {"code": "x\0y"}, {"code": "x", "nonce": 7}, {"code": "x", "nonce": "n" * 256},
    {"code": "x", "code_verifier": []}, {"access_token": "x"},
])
def test_input_that_is_not_valid(stack, client, provider, body):
    r = client.post(GOOGLE, json=body, token=None)
    assert r.status_code == 400 and r.json()["error"]
    assert not provider.forms


def test_a_form_is_accepted(client, provider):
    r = client.request("POST", GOOGLE, token=None,
                       data={"code": provider.code(email="form@example.org")})
    assert r.status_code == 200


def test_a_stale_token_is_ignored(stack, client, provider):
    """Rule R6: the front end sends what it has stored."""
    r = client.post(GOOGLE, json={"code": provider.code(
        email="stale@example.org")}, token="stale")
    assert r.status_code == 200


def test_the_mail_of_a_take_over_is_well_formed(stack, client, provider):
    stack.sql("INSERT INTO account (username, email, preferred_language)"
              " VALUES ('squat', 'squat@example.org', 'de')")
    assert log_in(client, provider.code(email="squat@example.org")).ok
    stack.mail_message("squat@example.org")
    newest = max(stack.mail_dir.iterdir(), key=lambda p: p.name)
    message = parse(newest.read_bytes())
    assert "Anmeldung mit Google" in message["Subject"]


def test_limit(stack, client, provider):
    reload(stack, limit_login=5)
    try:
        found = [log_in(client, "wrong").status_code for _ in range(12)]
        assert 429 in found and 400 in found
    finally:
        reload(stack, limit_login=0)


def test_mxmctl_check(stack, provider):
    found = stack.ctl("check", check=False).stdout
    assert re.search(rf"google.*{provider.issuer}$", found, re.M), found
    provider.plan["/.well-known/openid-configuration"].append((500, b""))
    found = stack.ctl("check", check=False).stdout
    assert "status 500; users cannot sign in with this provider" in found
    assert re.search(r"keycloak.*http://127.0.0.1", found)
