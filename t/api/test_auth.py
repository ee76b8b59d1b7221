# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts come and log in: sign-up, log-in, verification and its mail."""

import base64
import concurrent.futures
import hashlib
import json
import uuid

import pytest

from world import PASSWORD as KNOWN

WORLD = "ana-and-friends"
PASSWORD = "Trilobite-lantern-71"
LOGIN = "/api/auth/login/"
SIGNUP = "/api/auth/signup/"
VERIFY = "/api/auth/verify/"
RESEND = "/api/auth/resend-verification-email/"
REFUSED = "No active account found with the given credentials"


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def letters():
    """A new name without digits, which are looked for in mails."""
    return uuid.uuid4().hex[:14].translate(str.maketrans("0123456789",
                                                         "ghijklmnop"))


def newcomer(**changed):
    """The input of a sign-up with a new user; None removes a key."""
    name = letters()
    body = {"username": name, "email": f"{name}@example.org",
            "password": PASSWORD, "first_name": "Nora", "last_name": "Nowak"}
    body.update(changed)
    return {k: v for k, v in body.items() if v is not None}


def at_once(n, call):
    """Calls call(0) … call(n - 1) at the same time; the results in order."""
    with concurrent.futures.ThreadPoolExecutor(n) as pool:
        return list(pool.map(call, range(n)))


@pytest.fixture
def unverified(stack):
    """A new account that is logged in but not verified."""
    body = newcomer()
    c = stack.client()
    assert c.post(SIGNUP, body).status_code == 200
    c.login(body["username"], PASSWORD)
    c.username, c.email = body["username"], body["email"]
    return c


# -- log-in ---------------------------------------------------------------

def test_login_gives_two_tokens(client):
    r = client.post(LOGIN, {"username": "ana", "password": KNOWN})
    assert r.status_code == 200
    assert list(r.json()) == ["refresh", "access"]
    access, refresh = claims(r.json()["access"]), claims(r.json()["refresh"])
    for c in access, refresh:
        assert c["user_id"] == 1 and c["username"] == "ana"
        assert c["verified"] is True and c["boarded"] is True
        assert c["preferred_language"] == "en"
        assert len(c["jti"]) == 32 and int(c["jti"], 16) >= 0
    assert access["token_type"] == "access"
    assert refresh["token_type"] == "refresh"
    assert access["exp"] - access["iat"] == 60 * 60
    assert refresh["exp"] - refresh["iat"] == 90 * 24 * 60 * 60
    assert access["jti"] != refresh["jti"]
    assert "no-store" in r.headers.get("Cache-Control", "")


@pytest.mark.parametrize("name", [
    "ana", "ana@example.org", "ANA@Example.ORG", " ana ", "\uff41na"])
def test_login_by_name_or_address(client, name):
    r = client.post(LOGIN, {"username": name, "password": KNOWN})
    assert r.status_code == 200, r.text
    assert claims(r.json()["access"])["user_id"] == 1


@pytest.mark.parametrize("encoding", ["json", "data", "files"])
def test_login_bodies(client, encoding):
    body = {"username": "ana", "password": KNOWN}
    if encoding == "files":
        body = {k: (None, v) for k, v in body.items()}
    r = client.request("POST", LOGIN, **{encoding: body})
    assert r.status_code == 200, r.text


def test_unverified_may_log_in(client):
    r = client.post(LOGIN, {"username": "nina", "password": KNOWN})
    assert r.status_code == 200
    assert claims(r.json()["access"])["verified"] is False


@pytest.mark.parametrize("name,password", [
    ("ana", "wrong"), ("ANA", KNOWN), ("nobody", KNOWN), ("gone", KNOWN),
    ("gone@example.org", KNOWN), ("ana", KNOWN + " "), ("ana", KNOWN.lower()),
    ("a' OR '1'='1", KNOWN), ("%", KNOWN), ("ana", "x" * 4096),
    ("x" * 254, KNOWN)])
def test_refused_with_one_sentence(client, name, password):
    r = client.post(LOGIN, {"username": name, "password": password})
    assert r.status_code == 401
    assert r.json() == {"error": REFUSED, "detail": REFUSED}
    assert r.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("field,length", [("username", 254),
                                          ("password", 4096)])
def test_login_lengths(client, field, length):
    body = {"username": "ana", "password": KNOWN}
    body[field] = "x" * (4 * length + 1)
    r = client.post(LOGIN, body)
    assert r.status_code == 400
    assert r.json()[field][0].startswith(
        f"Ensure this value has at most {length} characters")


def test_account_without_usable_password(stack, client):
    stack.sql("INSERT INTO account (username, email)"
              " VALUES ('rater', 'rater@example.org')")
    for password in ("!", "x", KNOWN):
        r = client.post(LOGIN, {"username": "rater", "password": password})
        assert r.status_code == 401


REQUIRED = ["This field is required."]
BLANK = ["This field may not be blank."]


@pytest.mark.parametrize("body,fields", [
    ({}, {"username": REQUIRED, "password": REQUIRED}),
    ({"username": "ana"}, {"password": REQUIRED}),
    ({"username": "ana", "password": ""}, {"password": BLANK}),
    ({"username": "  ", "password": "x"}, {"username": BLANK})])
def test_login_missing(client, body, fields):
    r = client.post(LOGIN, body)
    assert r.status_code == 400
    answer = r.json()
    assert answer.pop("error") in sum(fields.values(), [])
    assert answer == fields


@pytest.mark.parametrize("value", [None, 7, True, [], {}, ["ana"]])
def test_login_wrong_types(client, value):
    for body in ({"username": value, "password": KNOWN},
                 {"username": "ana", "password": value}):
        r = client.post(LOGIN, body)
        assert r.status_code == 400, r.text


@pytest.mark.parametrize("lang,text", [
    ("en", REFUSED), ("xx", REFUSED), ("", REFUSED), (None, REFUSED),
    ("de", "Kein aktives Konto"), ("es", "cuenta activa"),
    ("fr", "compte actif")])
def test_login_speaks_lang(client, lang, text):
    params = {} if lang is None else {"lang": lang}
    r = client.post(LOGIN, {"username": "ana", "password": "x"},
                    params=params, headers={"Accept-Language": "de"}
                    if lang in ("xx", "") else {})
    assert r.status_code == 401
    assert text in r.json()["detail"]


def test_login_ignores_a_bad_token(client):
    r = client.post(LOGIN, {"username": "ana", "password": KNOWN},
                    headers={"Authorization": "Bearer rubbish"})
    assert r.status_code == 200


def test_anothers_address_as_name_locks_nobody_out(stack, client):
    """A user name that is the mail address of another account does not shadow
    that account."""
    r = client.post(SIGNUP, newcomer(username="bob@example.org"))
    assert r.status_code == 200, r.text
    for password, name in ((KNOWN, "bob"), (PASSWORD, "bob@example.org")):
        r = client.post(LOGIN, {"username": "bob@example.org",
                                "password": password})
        assert claims(r.json()["access"])["username"] == name


def django_hash(password, iterations=20_000, salt="Zm9vYmFyc2FsdA"):
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(),
                                 iterations)
    return (f"pbkdf2_sha256${iterations}${salt}$"
            + base64.b64encode(digest).decode())


def test_django_hash_is_replaced_at_login(stack, client):
    old = django_hash("Old-but-gold-77")
    stack.sql("INSERT INTO account (username, email, password)"
              " VALUES ('django', 'django@example.org', %s)", (old,))
    body = {"username": "django", "password": "Old-but-gold-78"}
    assert client.post(LOGIN, body).status_code == 401
    query = "SELECT password FROM account WHERE username = 'django'"
    assert stack.value(query) == old
    body["password"] = "Old-but-gold-77"
    answers = at_once(4, lambda _: stack.client().post(LOGIN, body))
    assert [r.status_code for r in answers] == [200] * 4
    new = stack.value(query)
    assert new.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert client.post(LOGIN, body).status_code == 200
    assert stack.value(query) == new


def test_sessions_hold_no_token(stack, client):
    client.login("ana", KNOWN)
    jti = claims(client.refresh_token)["jti"]
    rows = stack.sql("SELECT s::text FROM session AS s")
    assert rows and not any(jti in text for (text,) in rows)


# -- sign-up --------------------------------------------------------------

def test_signup_answers_the_public_profile(stack, client):
    body = newcomer()
    r = client.post(SIGNUP, body, params={"lang": "de"})
    assert r.status_code == 200
    assert list(r.json()) == ["id", "username", "bio", "friendship",
                              "picture"]
    assert r.json()["username"] == body["username"]
    assert r.json()["bio"] is None and r.json()["friendship"] is None
    assert r.json()["picture"].endswith("/media/users/default.png")
    row = stack.sql("SELECT email, verified, boarded, preferred_language,"
                    " password FROM account WHERE id = %s",
                    (r.json()["id"],))[0]
    assert row[:4] == (body["email"], False, False, "de")
    assert row[4].startswith("$argon2id$")
    subject = stack.mail_message(body["email"])["Subject"]
    assert body["username"] in subject


@pytest.mark.parametrize("encoding", ["json", "data", "files"])
def test_signup_bodies(client, encoding):
    body = newcomer(confirm_password="ignored", bio="I like <b>long</b> films")
    sent = body
    if encoding == "files":
        sent = {k: (None, v) for k, v in body.items()}
    r = client.request("POST", SIGNUP, **{encoding: sent})
    assert r.status_code == 200, r.text
    assert r.json()["username"] == body["username"]
    assert r.json()["bio"] == "I like <\u2060b>long<\u2060/b> films"


@pytest.mark.parametrize("lang, stored", [("xx", "en"), ("", "en"),
                                          ("DE", "en"), (None, "fr")])
def test_language_of_a_new_account(stack, client, lang, stored):
    """An unknown `lang` is English; without one the header counts."""
    r = client.post(SIGNUP, newcomer(), headers={"Accept-Language": "fr"},
                    params={} if lang is None else {"lang": lang})
    assert r.status_code == 200
    assert stack.value("SELECT preferred_language FROM account WHERE id = %s",
                       (r.json()["id"],)) == stored


@pytest.mark.parametrize("bio,kept", [
    (" \t\n", None), ("", None), ("  two  ", "  two  "), ("x" * 5000,) * 2])
def test_signup_bio(stack, client, bio, kept):
    r = client.post(SIGNUP, newcomer(bio=bio))
    assert r.status_code == 200
    assert r.json()["bio"] == kept


@pytest.mark.parametrize("value", [None, "", "   "])
@pytest.mark.parametrize("field", [
    "username", "email", "first_name", "last_name", "password"])
def test_signup_missing(stack, client, field, value):
    before = stack.value("SELECT count(*) FROM account")
    r = client.post(SIGNUP, newcomer(**{field: value}))
    assert r.status_code == 400
    assert r.json()[field] == [f"{field} is required"]
    assert r.json()["error"] == f"{field} is required"
    assert stack.value("SELECT count(*) FROM account") == before


def test_signup_everything_missing(client):
    r = client.post(SIGNUP, {})
    assert r.status_code == 400
    assert r.json()["error"] == "username is required"


@pytest.mark.parametrize("value", [7, True, [], {}, ["x"]])
@pytest.mark.parametrize("field", [
    "username", "email", "first_name", "last_name", "password", "bio"])
def test_signup_wrong_types(client, field, value):
    r = client.post(SIGNUP, newcomer(**{field: value}))
    assert r.status_code == 400
    assert r.json()[field] and r.json()["error"]


USERNAME = ("Enter a valid username. This value may contain only letters, "
            "numbers, and @/./+/-/_ characters.")
TAKEN = "A user with that username already exists."
RESERVED = "This username is reserved. Please choose another one."
EMAIL = "Enter a valid email address."
EMAIL_TAKEN = "User with this Email already exists."


@pytest.mark.parametrize("field,value,text", [
    ("username", "ana lopez", USERNAME), ("username", "a/b", USERNAME),
    ("username", "<script>", USERNAME), ("username", "a\u200bb", USERNAME),
    ("username", "\U0001f600", USERNAME), ("username", "a,b", USERNAME),
    ("username", "x" * 151, "Ensure this value has at most 150 characters"
     " (it has 151)."),
    ("username", "ana", TAKEN), ("username", "\uff41na", TAKEN),
    ("username", "searching", RESERVED), ("username", "onboarding", RESERVED),
    ("username", ".", RESERVED), ("username", "..", RESERVED),
    ("username", "preferred-language", RESERVED),
    ("username", "friends", RESERVED), ("username", "friend-requests", RESERVED),
    ("username", "suggested-users", RESERVED),
    ("email", "ana", EMAIL), ("email", "a@b", EMAIL),
    ("email", "a@@example.org", EMAIL), ("email", "a b@example.org", EMAIL),
    ("email", "a@example.org\r\nBcc: x@y.zz", EMAIL),
    ("email", "a" * 250 + "@x.org", "Ensure this value has at most 254"
     " characters (it has 256)."),
    ("email", "ana@example.org", EMAIL_TAKEN),
    ("email", "ANA@EXAMPLE.ORG", EMAIL_TAKEN),
    ("first_name", "x" * 151, "Ensure this value has at most 150 characters"
     " (it has 151)."),
    ("last_name", "\u00e9" * 151, "Ensure this value has at most 150"
     " characters (it has 151).")])
def test_signup_rules(stack, client, field, value, text):
    before = stack.value("SELECT count(*) FROM account")
    r = client.post(SIGNUP, newcomer(**{field: value}))
    assert r.status_code == 400, r.text
    assert r.json() == {field: [text], "error": text}
    assert stack.value("SELECT count(*) FROM account") == before


def test_signup_rules_come_together(client):
    r = client.post(SIGNUP, newcomer(username="ana", email="nope",
                                     last_name="x" * 200))
    assert r.status_code == 400
    assert set(r.json()) == {"username", "email", "last_name", "error"}
    r = client.post(SIGNUP, newcomer(username="ana",
                                     email="ana@example.org"))
    assert r.json() == {"username": [TAKEN], "email": [EMAIL_TAKEN],
                        "error": TAKEN}


@pytest.mark.parametrize("name", [
    "a.b@c+d-e_f", "\u00d6zg\u00fcr", "\u043a\u043e\u0442\u0438\u043a",
    "\u5f20\u4f1f", "x" * 150, "\u00e9" * 150, "-", "%41".replace("%", "_")])
def test_signup_names_of_all_sorts(client, name):
    r = client.post(SIGNUP, newcomer(username=name))
    assert r.status_code == 200, r.text
    assert r.json()["username"] == name
    client.login(name, PASSWORD)
    assert client.get("/api/users/").json()["username"] == name


def test_signup_names_are_normalised(client):
    r = client.post(SIGNUP, newcomer(username="\uff2e\uff4fra\u2460"))
    assert r.status_code == 200
    assert r.json()["username"] == "Nora1"


def test_signup_lowers_the_domain_alone(stack, client):
    r = client.post(SIGNUP, newcomer(email="Mixed.Case@EXAMPLE.Org"))
    assert r.status_code == 200
    assert stack.value("SELECT email FROM account WHERE id = %s",
                       (r.json()["id"],)) == "Mixed.Case@example.org"


SHORT = "This password is too short. It must contain at least 10 characters."
COMMON = "This password is too common."
NUMERIC = "This password is entirely numeric."


@pytest.mark.parametrize("password,texts", [
    ("Zx8#kk2L", [SHORT]), ("password1234", [COMMON]),
    ("qwertyuiop", [COMMON]), ("iloveyou123", [COMMON]),
    ("7402918365", [NUMERIC]), ("1234567890", [COMMON, NUMERIC]),
    ("12345678", [SHORT, COMMON, NUMERIC]),
    ("carmencita", ["The password is too similar to the username."]),
    ("San-Diego-1", ["The password is too similar to the last name."]),
    ("x-carmen.example", ["The password is too similar to the email."])])
def test_signup_password_rules(client, password, texts):
    r = client.post(SIGNUP, newcomer(
        username="carmencita1", first_name="Ines", last_name="Sandiego",
        email="xcarmen@example.com", password=password))
    assert r.status_code == 400
    assert r.json() == {"error": texts, "password": texts}


def test_signup_password_comes_before_the_other_rules(client):
    r = client.post(SIGNUP, newcomer(username="ana", email="x",
                                     password="short"))
    assert set(r.json()) == {"password", "error"}
    r = client.post(SIGNUP, newcomer(email=None, password="short"))
    assert set(r.json()) == {"email", "error"}


def test_signup_password_in_german(client):
    r = client.post(SIGNUP, newcomer(password="Zx8#kk2L"),
                    params={"lang": "de"})
    assert "10 Zeichen" in r.json()["password"][0]


@pytest.mark.parametrize("password", [
    "correct horse battery staple", "Popcorn-at-nine-42",
    "\u043a\u043e\u0442\u0438\u043a\u0438 \u0438 \u043f\u0441\u044b",
    "p" * 60 + "-long-" + "Q" * 3000])
def test_signup_good_passwords(client, password):
    body = newcomer(password=password)
    assert client.post(SIGNUP, body).status_code == 200
    client.login(body["username"], password)


def test_twenty_signups_at_once_make_one(stack):
    body = newcomer()
    answers = at_once(20, lambda _: stack.client().post(SIGNUP, body))
    good = [r for r in answers if r.status_code == 200]
    bad = [r for r in answers if r.status_code == 400]
    assert len(good) == 1 and len(bad) == 19
    for r in bad:
        assert r.json()["username"] == [TAKEN]
        assert r.json()["email"] == [EMAIL_TAKEN]
    assert stack.value("SELECT count(*) FROM account WHERE username = %s",
                       (body["username"],)) == 1
    account = good[0].json()["id"]
    assert stack.value("SELECT count(*) FROM job WHERE name ="
                       " 'mail_verification' AND payload->>'account_id' = %s",
                       (str(account),)) == 1


def test_signup_race_for_the_address_alone(stack):
    address = f"{letters()}@example.org"
    answers = at_once(10, lambda i: stack.client().post(
        SIGNUP, newcomer(email=address if i % 2 else address.upper())))
    assert sorted(r.status_code for r in answers) == [200] + [400] * 9
    for r in answers:
        if r.status_code == 400:
            assert r.json() == {"email": [EMAIL_TAKEN],
                                "error": EMAIL_TAKEN}


# -- a form with a file (its picture: test_pictures.py) -------------------

def test_signup_form_without_a_chosen_picture(client):
    parts = {k: (None, v) for k, v in newcomer().items()}
    r = client.request("POST", SIGNUP, files={
        **parts, "picture": ("", b"", "application/octet-stream")})
    assert r.status_code == 200, r.text
    assert r.json()["picture"].endswith("/users/default.png")


# -- verification ---------------------------------------------------------

def test_verify_with_the_mailed_code(stack, unverified):
    assert unverified.get("/api/movies/").status_code == 403
    code = stack.mail(unverified.email)
    r = unverified.post(VERIFY, {"verification_code": code})
    assert r.status_code == 200 and r.json() == {"status": True}
    # at once, with the token of before
    assert unverified.get("/api/movies/").status_code == 200
    unverified.refresh()
    assert claims(unverified.token)["verified"] is True
    # the code is used up, and nothing is left of it
    assert stack.sql("SELECT digest FROM code AS c JOIN account AS a"
                     " ON a.id = c.user_id WHERE a.username = %s",
                     (unverified.username,)) == [(None,)]


def test_code_is_nowhere_in_the_database(stack, unverified):
    code = stack.mail(unverified.email)
    for table in ("account", "code", "job"):
        rows = stack.sql(f"SELECT t::text FROM {table} AS t")
        owner = [text for (text,) in rows if unverified.username in text
                 or table != "account"]
        assert not any(f'"{code}"' in t or f",{code}," in t for t in owner)


@pytest.mark.parametrize("value", [
    None, 0, 123456, True, [], {}, "", "12345", "1234567", "abcdef",
    "\u0661\u0662\u0663\u0664\u0665\u0666", " 123456", "-12345", "1e5000"])
def test_verify_with_what_is_no_code(stack, unverified, value):
    stack.mail(unverified.email)
    r = unverified.post(VERIFY, {"verification_code": value})
    assert r.status_code == 400
    assert r.json()["error"] == "Verification code is incorrect"
    assert unverified.get("/api/movies/").status_code == 403


def test_null_does_not_verify_before_the_mail_is_written(stack, unverified):
    stack.sql("DELETE FROM code WHERE user_id ="
              " (SELECT id FROM account WHERE username = %s)",
              (unverified.username,))
    for value in (None, "", "000000"):
        r = unverified.post(VERIFY, {"verification_code": value})
        assert r.status_code == 400


def test_code_as_a_number_does_not_match(stack, unverified):
    code = stack.mail(unverified.email)
    r = unverified.post(VERIFY, {"verification_code": int(code)})
    assert r.status_code == 400
    r = unverified.post(VERIFY, {"verification_code": code})
    assert r.status_code == 200


@pytest.mark.parametrize("body,text", [
    (b"{}", "Missing required fields"), (b"{", "Invalid JSON body"),
    (b"", "Invalid JSON body"), (b"[]", "Invalid JSON body"),
    (b"7", "Invalid JSON body"), (b"\xff", "Invalid JSON body")])
def test_verify_bodies(unverified, body, text):
    for kind in ("application/json", "text/plain",
                 "application/x-www-form-urlencoded"):
        r = unverified.request("POST", VERIFY, data=body,
                           headers={"Content-Type": kind})
        assert r.status_code == 400
        told = r.json()
        assert told.pop("error") == text
        # "detail" says what is wrong with a body that cannot be read
        assert set(told) == ({"detail"} if "Invalid" in text else set())


def wrong(code):
    return f"{(int(code) + 1) % 1000000:06d}"


def test_five_tries(stack, unverified):
    code = stack.mail(unverified.email)
    for _ in range(5):
        r = unverified.post(VERIFY, {"verification_code": wrong(code)})
        assert r.status_code == 400
        assert r.json() == {"error": "Verification code is incorrect"}
    r = unverified.post(VERIFY, {"verification_code": code})
    assert r.status_code == 400
    # a new mail brings five more
    assert unverified.post(RESEND).status_code == 200
    code = stack.mail(unverified.email)
    r = unverified.post(VERIFY, {"verification_code": code})
    assert r.status_code == 200


def test_tries_at_once_do_not_exceed_five(stack, unverified):
    code = int(stack.mail(unverified.email))
    answers = at_once(20, lambda i: unverified.post(
        VERIFY, {"verification_code": f"{(code + 1 + i) % 1000000:06d}"}))
    assert {r.status_code for r in answers} == {400}
    assert stack.value("SELECT tries FROM code AS c JOIN account AS a"
                       " ON a.id = c.user_id WHERE a.username = %s",
                       (unverified.username,)) == 5


def test_right_code_twice_at_once_is_right_twice(stack, unverified):
    code = stack.mail(unverified.email)
    answers = at_once(8, lambda _: unverified.post(
        VERIFY, {"verification_code": code}))
    assert [r.status_code for r in answers] == [200] * 8


def test_code_expires(stack, unverified):
    code = stack.mail(unverified.email)
    stack.sql("UPDATE code SET expires_at = now() - interval '1 second'"
              " FROM account AS a WHERE a.id = user_id AND a.username = %s",
              (unverified.username,))
    r = unverified.post(VERIFY, {"verification_code": code})
    assert r.status_code == 400


def test_code_is_good_for_a_day_and_one_account(stack, unverified):
    code = stack.mail(unverified.email)
    assert stack.value(
        "SELECT expires_at - c.created_at = interval '24 hours' FROM code AS c"
        " JOIN account AS a ON a.id = c.user_id WHERE a.username = %s",
        (unverified.username,)) is True
    other = newcomer()
    c = stack.client()
    c.post(SIGNUP, other)
    c.login(other["username"], PASSWORD)
    if stack.mail(other["email"]) != code:
        r = c.post(VERIFY, {"verification_code": code})
        assert r.status_code == 400


@pytest.mark.parametrize("code", ["000000", "nonsense", None, "", 7, [1]])
def test_verified_accounts_get_success_whatever_the_code(ana, code):
    r = ana.post(VERIFY, {"verification_code": code})
    assert r.status_code == 200 and r.json() == {"status": True}


def test_wrong_code_in_the_language_of_the_account(stack, unverified):
    unverified.language("fr")
    r = unverified.post(VERIFY, {"verification_code": "x"})
    assert r.json()["error"] != "Verification code is incorrect"


# -- resend ---------------------------------------------------------------

def test_resend_and_its_cooldown(stack, unverified):
    first = stack.mail(unverified.email)
    # the mail of the sign-up does not count
    r = unverified.post(RESEND)
    assert r.status_code == 200
    assert r.json() == {"status": "Verification email resent"}
    second = stack.mail(unverified.email)
    r = unverified.post(RESEND)
    assert r.status_code == 429
    seconds = int(r.headers["Retry-After"])
    assert 50 <= seconds <= 60
    assert r.json()["error"] == ("You can resend the verification email in"
                                 f" {seconds} seconds")
    # only the newest is good
    if first != second:
        r = unverified.post(VERIFY, {"verification_code": first})
        assert r.status_code == 400
    r = unverified.post(VERIFY, {"verification_code": second})
    assert r.status_code == 200


def test_resend_after_a_minute(stack, unverified):
    assert unverified.post(RESEND).status_code == 200
    stack.sql("UPDATE code SET mailed_at = mailed_at - interval '60 seconds'"
              " FROM account AS a WHERE a.id = user_id AND a.username = %s",
              (unverified.username,))
    assert unverified.post(RESEND).status_code == 200
    assert unverified.post(RESEND).status_code == 429


def test_resend_pauses_grow_and_end_at_six(stack, unverified, figure):
    """That of the sign-up is the first of the day."""
    def earlier(column, seconds):
        stack.sql(f"UPDATE code SET {column} = {column} - %s * interval "
                  "'1 second' FROM account AS a WHERE a.id = user_id"
                  " AND a.username = %s", (seconds, unverified.username))
    stack.mail(unverified.email)
    pauses = []
    for _ in range(5):
        assert unverified.post(RESEND).status_code == 200
        r = unverified.post(RESEND)
        assert r.status_code == 429
        pauses.append(int(r.headers["Retry-After"]))
        earlier("mailed_at", pauses[-1] - 20)
        assert unverified.post(RESEND).status_code == 429
        earlier("mailed_at", 20)
    figure("pauses between mails, in seconds", pauses)
    for pause, most in zip(pauses, (60, 120, 240, 480, 86400)):
        assert most - 60 <= pause <= most
    earlier("mailed_at", 7200)
    assert unverified.post(RESEND).status_code == 429
    earlier("mails_since", 86400)
    assert unverified.post(RESEND).status_code == 200


def test_resends_at_once_send_one(stack, unverified):
    count = ("SELECT count(*) FROM job AS j JOIN account AS a"
             " ON j.payload->>'account_id' = a.id::text"
             " WHERE j.name = 'mail_verification' AND a.username = %s")
    before = stack.value(count, (unverified.username,))
    answers = at_once(12, lambda _: unverified.post(RESEND))
    assert sorted(r.status_code for r in answers) == [200] + [429] * 11
    assert stack.value(count, (unverified.username,)) == before + 1


def test_resend_to_the_verified_sends_nothing(stack, ana):
    mails = "SELECT count(*) FROM job WHERE name LIKE 'mail%'"
    before = stack.value(mails)
    r = ana.post(RESEND)
    assert r.status_code == 200
    assert r.json() == {"status": "User is already verified"}
    assert stack.value(mails) == before


def test_resend_takes_the_empty_form_of_the_front_end(unverified):
    r = unverified.request("POST", RESEND, data=b"", headers={
        "Content-Type": "application/x-www-form-urlencoded"})
    assert r.status_code == 200


@pytest.mark.parametrize("path", [VERIFY, RESEND])
def test_verification_needs_a_token(client, path):
    r = client.post(path, {"verification_code": "123456"})
    assert r.status_code == 401
    assert r.json() == {"error": "You need to be authenticated"}


@pytest.mark.parametrize("path", [LOGIN, SIGNUP, VERIFY, RESEND,
                                  "/api/auth/refresh/", "/api/auth/logout/"])
def test_other_methods(client, path):
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        r = client.request(method, path)
        assert r.status_code == 405
        assert "POST" in r.headers["Allow"]
        assert r.json()["detail"] == f'Method "{method}" not allowed.'
