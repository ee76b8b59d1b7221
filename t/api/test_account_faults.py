# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the original in accounts that no other test is about, one test each
(contract, users 9), and that every sentence exists in all languages."""

import pytest

from test_auth import LOGIN, PASSWORD, SIGNUP, VERIFY, letters, newcomer

WORLD = "ana-and-friends"
FORGOT = "/api/auth/forgot-password/"
SELF = "/api/users/"
ONBOARDING = "/api/users/onboarding/"


def test_fault_3_verified_and_boarded_cannot_be_written(stack, nina):
    before = stack.sql("SELECT verified, boarded, staff, active, epoch FROM"
                       " account WHERE username = 'nina'")
    r = nina.put(SELF, {"verified": True, "boarded": True, "staff": True,
                        "is_staff": True, "active": True, "epoch": 7,
                        "id": 1, "bio": "x"})
    assert r.status_code == 200
    assert stack.sql("SELECT verified, boarded, staff, active, epoch FROM"
                     " account WHERE username = 'nina'") == before
    assert nina.get("/api/movies/").status_code == 403


def test_fault_12_a_get_resets_nothing(stack, client):
    """An image in a page can request this address; it can only cause a mail."""
    body = newcomer()
    assert client.post(SIGNUP, body).status_code == 200
    stack.mail(body["email"])
    query = "SELECT password, epoch, verified FROM account WHERE email = %s"
    before = stack.sql(query, (body["email"],))
    assert client.get(FORGOT, params={"email": body["email"]}
                      ).status_code == 200
    code = stack.mail(body["email"])
    for method in ("GET", "HEAD"):
        r = client.request(method, FORGOT, params={
            "email": body["email"], "forgot_password_code": code,
            "new_password": "Nautilus-shadow-38"})
        assert r.status_code == 429
    assert stack.sql(query, (body["email"],)) == before


def test_fault_12_no_query_is_logged(stack, client):
    email = f"{letters()}@example.org"
    client.get(FORGOT, params={"email": email})
    logs = [p.read_text(errors="replace")
            for folder in ("log", "nginx") for p in
            (stack.base / folder).rglob("*.log")]
    assert any(FORGOT in text for text in logs)
    for text in logs:
        assert email not in text and email.replace("@", "%40") not in text


REFUSALS = [
    ("POST", SIGNUP, {}, 400), ("POST", SIGNUP, {"username": "a"}, 400),
    ("POST", LOGIN, {}, 400), ("POST", LOGIN, {"username": "ana",
                                               "password": "x"}, 401),
    ("POST", "/api/auth/refresh/", {"refresh": "x"}, 401),
    ("POST", FORGOT, {}, 400), ("GET", FORGOT, None, 400),
    ("GET", SELF, None, 401), ("PUT", SELF, {}, 401),
    ("POST", VERIFY, {}, 401), ("POST", ONBOARDING, None, 401),
    ("POST", "/api/users/preferred-language/", {}, 401)]


@pytest.mark.parametrize("method,path,body,status", REFUSALS)
def test_fault_37_every_error_has_a_flat_sentence(client, method, path, body,
                                                  status):
    r = client.request(method, path, json=body)
    assert r.status_code == status
    told = r.json()
    assert isinstance(told["error"], str) and told["error"]
    for value in told.values():
        assert isinstance(value, (str, list))


def test_fault_38_unverified_is_403(nina):
    """A client repeats what is answered with 401."""
    for method, path in (("GET", "/api/movies/"), ("POST", ONBOARDING),
                         ("GET", "/api/users/ana/")):
        r = nina.request(method, path)
        assert r.status_code == 403
        assert r.json()["error"] == "User account is not verified"


@pytest.mark.parametrize("lang,text", [
    ("en", "is required"), ("de", "erforderlich"), ("es", "obligatorio"),
    ("fr", "obligatoire")])
def test_fault_42_required_is_translated(client, lang, text):
    r = client.post(SIGNUP, {}, params={"lang": lang})
    assert text in r.json()["username"][0]
    assert text in r.json()["error"]


def test_fault_51_an_internal_error_is_no_400(stack, bob):
    """Onboarding that cannot be stored is 500, and logged."""
    stack.owner_sql("CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql"
                    " AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$")
    stack.owner_sql("CREATE TRIGGER broken BEFORE UPDATE OF boarded ON account"
                    " FOR EACH ROW EXECUTE FUNCTION broken()")
    try:
        since = stack.mark()
        r = bob.post(ONBOARDING, check=False)
        assert r.status_code == 500 and r.json()["error"]
        assert "status" not in r.json() or r.json()["status"] is not False
        assert "broken" in stack.log("mxmd", since)
    finally:
        stack.owner_sql("DROP TRIGGER broken ON account")
        stack.owner_sql("DROP FUNCTION broken")
    assert bob.post(ONBOARDING).status_code == 200


def test_an_address_in_place_of_a_name_in_every_spelling(stack, client):
    body = newcomer()
    assert client.post(SIGNUP, body).status_code == 200
    for name in (body["username"], body["email"], body["email"].upper(),
                 f" {body['email']}\n", body["email"].replace("@", "\uff20")):
        client.login(name, PASSWORD)
    for name in (body["username"].upper(), f"x{body['email']}",
                 body["email"] + "."):
        r = client.post(LOGIN, {"username": name, "password": PASSWORD})
        assert r.status_code == 401
