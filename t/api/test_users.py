# SPDX-License-Identifier: GPL-3.0-or-later
"""One's own account: profile, language, the introduction."""

import base64
import json

import pytest

WORLD = "ana-and-friends"
SELF = "/api/users/"
LANGUAGE = "/api/users/preferred-language/"
ONBOARDING = "/api/users/onboarding/"


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_self(stack, ana):
    r = ana.get(SELF)
    assert r.status_code == 200
    assert r.json() == {
        "id": 1, "username": "ana", "bio": "Twice a week at the pictures.",
        "email": "ana@example.org", "last_name": "\u00c1lvarez",
        "first_name": "Ana",
        "picture": f"{stack.settings()['public_origin']}"
                   "/media/users/default.png", "training": True}
    assert list(r.json()) == ["id", "username", "bio", "email", "last_name",
                              "first_name", "picture", "training"]


def test_self_without_a_bio(bob):
    assert bob.get(SELF).json()["bio"] is None


def test_self_is_open_to_the_unverified(nina):
    assert nina.get(SELF).status_code == 200


def test_self_without_the_slash(ana):
    assert ana.get("/api/users").status_code == 200


def test_self_is_kept_per_person(ana, bob, carla):
    for _ in range(2):
        names = [c.get(SELF).json()["username"] for c in (ana, bob, carla)]
        assert names == ["ana", "bob", "carla"]


def test_self_need_not_be_sent_twice(ana):
    r = ana.get(SELF)
    assert "private" in r.headers["Cache-Control"]
    again = ana.get(SELF, headers={"If-None-Match": r.headers["ETag"]})
    assert again.status_code == 304 and not again.content


def test_markup_in_a_bio_is_guarded(stack, fay):
    stack.sql("UPDATE account SET bio = '<b>x</b> 1 < 2' WHERE id = 6")
    stack.sql("INSERT INTO touch (kind, key) VALUES ('account', '6')")
    assert fay.get(SELF).json()["bio"] == "<\u2060b>x<\u2060/b> 1 < 2"


# -- language -------------------------------------------------------------

def test_language_is_that_of_the_account(ana, carla, nina):
    assert ana.get(LANGUAGE).json() == {"preferred_language": "en"}
    assert carla.get(LANGUAGE).json() == {"preferred_language": "es"}
    assert nina.get(LANGUAGE).status_code == 200


def test_language_set_and_read_at_once(stack, emil):
    for code in ("es", "fr", "de", "en", "de"):
        r = emil.post(LANGUAGE, {"preferred_language": code})
        assert r.status_code == 200 and r.json() == {"status": True}
        assert emil.get(LANGUAGE).json() == {"preferred_language": code}
    assert stack.value("SELECT preferred_language FROM account"
                       " WHERE id = 5") == "de"
    # another client of the same person hears of it, too
    assert stack.client("emil").get(LANGUAGE).json() == {
        "preferred_language": "de"}
    emil.refresh()
    assert claims(emil.token)["preferred_language"] == "de"


def test_texts_follow_the_language(dora):
    dora.language("en")
    bad = {"preferred_language": "xx"}
    assert dora.post(LANGUAGE, bad).json() == {
        "error": "Invalid language code"}
    dora.language("de")
    text = dora.post(LANGUAGE, bad).json()["error"]
    assert text != "Invalid language code"
    assert dora.get(SELF).headers["Content-Language"] == "de"


@pytest.mark.parametrize("value", [
    "xx", "", "EN", "en-US", " en", "english", None, 7, True, [], {}, ["en"]])
def test_language_must_be_one_of_ours(stack, ana, value):
    r = ana.post(LANGUAGE, {"preferred_language": value})
    assert r.status_code == 400
    assert r.json()["error"] == "Invalid language code"
    assert ana.get(LANGUAGE).json() == {"preferred_language": "en"}


@pytest.mark.parametrize("body,text", [
    (b"{}", "Missing required fields"), (b"{", "Invalid JSON body"),
    (b"", "Invalid JSON body"), (b"null", "Invalid JSON body"),
    (b'"en"', "Invalid JSON body")])
def test_language_bodies(ana, body, text):
    r = ana.request("POST", LANGUAGE, data=body,
                    headers={"Content-Type": "text/plain"})
    assert r.status_code == 400
    told = r.json()
    assert told.pop("error") == text
    # "detail" says what is wrong with a body that cannot be read
    assert set(told) == ({"detail"} if "Invalid" in text else set())


def test_language_is_json_whatever_the_type_says(ana):
    r = ana.request("POST", LANGUAGE, data=b'{"preferred_language": "en"}',
                    headers={"Content-Type": "application/x-www-form-"
                                             "urlencoded"})
    assert r.status_code == 200


# -- the introduction -----------------------------------------------------

def test_onboarding_shows_in_the_next_token(stack, bob):
    stack.sql("UPDATE account SET boarded = false WHERE id = 2")
    bob.refresh()
    assert claims(bob.token)["boarded"] is False
    for _ in range(2):
        r = bob.request("POST", ONBOARDING, data=b"", headers={
            "Content-Type": "application/x-www-form-urlencoded"})
        assert r.status_code == 200 and r.json() == {"status": True}
    bob.refresh()
    assert claims(bob.token)["boarded"] is True


def test_onboarding_is_for_the_verified(nina):
    r = nina.post(ONBOARDING)
    assert r.status_code == 403
    assert r.json()["error"] == "User account is not verified"


@pytest.mark.parametrize("method,path", [
    ("GET", SELF), ("GET", LANGUAGE), ("POST", LANGUAGE),
    ("POST", ONBOARDING)])
def test_a_token_is_needed(client, method, path):
    r = client.request(method, path)
    assert r.status_code == 401
    assert r.json()["error"] == "You need to be authenticated"
    assert "detail" not in r.json() or r.json()["detail"]


# -- an account that changes under a token --------------------------------

def test_account_switched_off_and_deleted(stack):
    stack.sql("INSERT INTO account (username, email, password, verified)"
              " SELECT 'mortal', 'mortal@example.org', password, true"
              " FROM account WHERE id = 1")
    c = stack.client("mortal")
    stack.sql("UPDATE account SET active = false WHERE username = 'mortal'")
    r = c.get(LANGUAGE)
    assert r.status_code == 401
    assert r.json()["code"] == "user_inactive"
    assert r.json()["detail"] == "User is inactive"
    r = c.post("/api/auth/refresh/", {"refresh": c.refresh_token}, token=None)
    assert r.status_code == 401 and r.json()["code"] == "user_inactive"
    stack.sql("DELETE FROM account WHERE username = 'mortal'")
    r = c.get(LANGUAGE)
    assert r.status_code == 401
    assert r.json()["code"] == "user_not_found"
    assert r.json()["detail"] == "User not found"
    r = c.post("/api/auth/refresh/", {"refresh": c.refresh_token}, token=None)
    assert r.status_code == 401 and r.json()["code"] == "user_not_found"
