# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of one's own profile: what is changed, refused, mailed, and seen by
others at once."""

import json
from urllib.parse import quote

import psycopg2
import pytest

from pictures import (corners, decoded, encoded, files_of, form, has_corners,
                      noise, stored)
from stack import wait_until
from test_auth import EMAIL, EMAIL_TAKEN, LOGIN, NUMERIC, RESERVED, SHORT, \
    TAKEN, USERNAME, VERIFY, at_once, claims, letters
from world import PASSWORD

WORLD = "ana-and-friends"
SELF = "/api/users/"
# Other jobs are made by the clock.
MAILS = "SELECT count(*) FROM job WHERE name LIKE 'mail%'"
NEW = "Nautilus-shadow-38"
KEYS = ["id", "username", "bio", "email", "last_name", "first_name",
        "picture", "training"]


@pytest.fixture
def me(stack):
    """A verified account that is logged in."""
    name = letters()
    stack.sql("INSERT INTO account (username, email, password, first_name,"
              " last_name, verified) SELECT %s, %s, password, 'First', 'Last',"
              " true FROM account WHERE id = 1",
              (name, f"{name}@example.org"))
    c = stack.client(name)
    c.username, c.email = name, f"{name}@example.org"
    c.id = claims(c.token)["user_id"]
    return c


def column(stack, who, name):
    return stack.value(f"SELECT {name} FROM account WHERE id = %s", (who.id,))


def mails_to(stack, address):
    """The mails to an address, after all due jobs are done."""
    wait_until(lambda: stack.value(
        "SELECT count(*) FROM job WHERE name LIKE 'mail%%' AND run_at <= now()"
        " AND state IN ('queued', 'running')") == 0, "the mails are sent")
    return [str(m["Subject"]) for _, m in stack.mails(address)]


# -- what is changed ------------------------------------------------------

@pytest.mark.parametrize("encoding", ["json", "data", "files"])
def test_all_fields_in_every_encoding(stack, me, encoding):
    name = letters()
    body = {"username": name, "first_name": "Zo\u00eb", "last_name": "de Vries",
            "bio": "I like <b>long</b> films", "password": NEW,
            "confirm_password": NEW, "unknown": "ignored",
            "email": f"{name}@example.org"}
    sent = form(body) if encoding == "files" else body
    r = me.request("PUT", SELF, **{encoding: sent})
    assert r.status_code == 200, r.text
    assert list(r.json()) == KEYS
    told = r.json()
    assert told.pop("picture").endswith("/media/users/default.png")
    assert told == {"id": me.id, "username": name, "first_name": "Zo\u00eb",
                    "last_name": "de Vries", "email": f"{name}@example.org",
                    "bio": "I like <\u2060b>long<\u2060/b> films",
                    "training": True}
    # R16: the page replaces one by the other
    assert me.get(SELF).json() == r.json()
    assert column(stack, me, "bio") == "I like <b>long</b> films"
    stack.client(name, NEW)


@pytest.mark.parametrize("field,value", [
    ("first_name", "Zo\u00eb"), ("last_name", "X" * 150), ("bio", "new"),
    ("bio", "b" * 10000), ("username", "x" * 140 + "{}")])
def test_one_field_leaves_the_others(stack, me, field, value):
    value = value.format(letters()[:10])
    before = me.get(SELF).json()
    r = me.put(SELF, {field: value})
    assert r.status_code == 200, r.text
    assert r.json() == {**before, field: value} == me.get(SELF).json()


@pytest.mark.parametrize("encoding", ["json", "files"])
@pytest.mark.parametrize("field", ["username", "email", "first_name",
                                   "last_name", "bio", "password"])
def test_an_empty_value_leaves_the_old_one(stack, me, field, encoding):
    me.put(SELF, {"bio": "old"})
    before = stack.sql("SELECT username, email, first_name, last_name, bio,"
                       " password, verified, epoch FROM account"
                       " WHERE id = %s", (me.id,))
    for value in ("", " \t") if field != "password" else ("",):
        body = {field: value}
        r = me.request("PUT", SELF, **{
            encoding: form(body) if encoding == "files" else body})
        assert r.status_code == 200, r.text
    assert stack.sql("SELECT username, email, first_name, last_name, bio,"
                     " password, verified, epoch FROM account"
                     " WHERE id = %s", (me.id,)) == before


@pytest.mark.parametrize("field", ["username", "first_name", "last_name",
                                   "bio"])
def test_null_leaves_names_and_bio(me, field):
    me.put(SELF, {"bio": "old"})
    before = me.get(SELF).json()
    r = me.put(SELF, {field: None})
    assert r.status_code == 200 and r.json() == before


def test_training(stack, me):
    """True at first; what is not sent, empty or null leaves it as it is."""
    assert me.get(SELF).json()["training"] is True
    for encoding, no, yes in (("json", False, True), ("json", "false", "true"),
                              ("data", "false", "true"),
                              ("files", "false", "true")):
        for value, expected in ((no, False), ("", False), (yes, True)):
            body = {"training": value}
            r = me.request("PUT", SELF, **{
                encoding: form(body) if encoding == "files" else body})
            assert r.status_code == 200, r.text
            assert r.json()["training"] is expected
            assert me.get(SELF).json() == r.json()
            assert column(stack, me, "training") is expected
    me.put(SELF, {"training": False})
    for body in ({}, {"training": None}, {"bio": "x"}):
        assert me.put(SELF, body).json()["training"] is False
    # others do not see it
    assert "training" not in stack.client("bob").get(
        f"/api/users/{me.username}/").json()


@pytest.mark.parametrize("value", [0, 1, 2.5, 1e308, "yes", "True", "1", " ",
                                   [True], {"a": 1}, "t" * 999],
                         ids=lambda value: repr(value)[:9])
def test_training_is_a_boolean(stack, me, value):
    r = me.put(SELF, {"training": value, "bio": "not stored"})
    assert r.status_code == 400, r.text
    assert r.json()["training"] and set(r.json()) <= {"training", "error"}
    assert column(stack, me, "training") is True
    assert column(stack, me, "bio") is None


@pytest.mark.parametrize("body", [{}, {"unknown": 1}])
def test_nothing_to_change(me, body):
    before = me.get(SELF).json()
    r = me.put(SELF, body)
    assert r.status_code == 200 and r.json() == before


def test_fault_21_values_can_be_cleared(stack, me):
    r = me.request("PUT", SELF, files=form(
        {"bio": "old"}, ("me.png", encoded(noise()), "image/png")))
    assert not r.json()["picture"].endswith("default.png")
    r = me.put(SELF, {"clear": ["bio", "picture", "first_name", "last_name"],
                      "bio": "ignored"})
    assert r.status_code == 200, r.text
    told = r.json()
    assert told["bio"] is None and told["first_name"] == ""
    assert told["last_name"] == ""
    assert told["picture"].endswith("/media/users/default.png")
    me.put(SELF, {"bio": "again"})
    r = me.request("PUT", SELF, files={"clear": (None, "bio")})
    assert r.json()["bio"] is None


@pytest.mark.parametrize("value", [["username"], ["email"], [7], "password",
                                   [None], [["bio"]], {}, ["bio"] * 51])
def test_other_values_cannot_be_cleared(me, value):
    before = me.get(SELF).json()
    r = me.put(SELF, {"clear": value, "first_name": "Changed"})
    assert r.status_code == 400
    assert set(r.json()) == {"clear", "error"}
    assert me.get(SELF).json() == before


def test_the_unverified_may_change_theirs(nina):
    r = nina.put(SELF, {"bio": "not verified yet"})
    assert r.status_code == 200 and r.json()["bio"] == "not verified yet"


def test_a_token_is_needed(client):
    r = client.put(SELF, {"bio": "x"})
    assert r.status_code == 401
    assert r.json() == {"error": "You need to be authenticated"}


# -- what is refused ------------------------------------------------------

@pytest.mark.parametrize("field,value,text", [
    ("username", "a b", USERNAME), ("username", "a/b", USERNAME),
    ("username", "bob", TAKEN), ("username", "\uff42ob", TAKEN),
    ("username", "searching", RESERVED), ("username", "..", RESERVED),
    ("username", "x" * 151, "Ensure this value has at most 150 characters"
     " (it has 151)."),
    ("email", "nobody", EMAIL), ("email", "bob@example.org", EMAIL_TAKEN),
    ("email", "BOB@EXAMPLE.ORG", EMAIL_TAKEN),
    ("email", "a@example.org\r\nBcc: x@y.zz", EMAIL),
    ("first_name", "x" * 151, "Ensure this value has at most 150 characters"
     " (it has 151)."),
    ("last_name", "x" * 151, "Ensure this value has at most 150 characters"
     " (it has 151)."),
    ("bio", "x" * 10001, "Ensure this value has at most 10000 characters"
     " (it has 10001).")])
def test_rules_of_fields(stack, me, field, value, text):
    before = me.get(SELF).json()
    jobs = stack.value(MAILS)
    r = me.put(SELF, {field: value, **({"bio": "x"} if field != "bio" else {
        "first_name": "x"})})
    assert r.status_code == 400, r.text
    assert r.json() == {field: [text], "error": text}
    assert me.get(SELF).json() == before
    assert stack.value(MAILS) == jobs


def test_errors_come_together_but_those_of_the_password_first(me):
    body = {"username": "bob", "email": "x", "first_name": "x" * 200,
            "bio": "x" * 10001}
    r = me.put(SELF, body)
    assert set(r.json()) == {"username", "email", "first_name", "bio", "error"}
    r = me.put(SELF, {**body, "password": "Zx8#kk2L"})
    assert r.json() == {"password": [SHORT], "error": [SHORT]}


@pytest.mark.parametrize("lang,text", [("de", "bereits"), ("es", "ya est\u00e1"),
                                       ("fr", "d\u00e9j\u00e0")])
def test_errors_in_the_language_of_the_account(me, lang, text):
    me.language(lang)
    assert text in me.put(SELF, {"username": "bob"}).json()["username"][0]


@pytest.mark.parametrize("password,texts", [
    ("7402918365", [NUMERIC]), ("          ", ["This password is too common."]),
    ("Wolkenkratzer9", ["The password is too similar to the first name."])])
def test_password_rules_with_the_names_of_the_request(stack, me, password,
                                                      texts):
    r = me.put(SELF, {"password": password, "first_name": "Wolkenkratzer"})
    assert r.status_code == 400
    assert r.json() == {"password": texts, "error": texts}
    assert me.get(SELF).json()["first_name"] == "First"
    stack.client(me.username, PASSWORD)


@pytest.mark.parametrize("value", [7, True, [], {}, ["x"], "a\x00b", 1e400])
@pytest.mark.parametrize("field", ["username", "email", "first_name",
                                   "last_name", "bio", "password"])
def test_fault_33_values_of_wrong_types(me, field, value):
    before = me.get(SELF).json()
    if value == 1e400:
        r = me.request("PUT", SELF, data=b'{"%s": 1e400}' % field.encode(),
                       headers={"Content-Type": "application/json"})
    else:
        r = me.put(SELF, {field: value})
    assert r.status_code == 400 and r.json()["error"]
    assert me.get(SELF).json() == before


@pytest.mark.parametrize("field", ["email", "password"])
def test_null_is_no_address_and_no_password(me, field):
    r = me.put(SELF, {field: None})
    assert r.status_code == 400
    assert r.json()[field] == ["This field cannot be null."]


@pytest.mark.parametrize("data,kind,status", [
    (b"{", "application/json", 400), (b"null", "application/json", 400),
    (b"\xff", "application/json", 400), (b"[]", "application/json", 400),
    (b"{" + b'"a":{' * 20, "application/json", 400),
    (b"bio=%ff", "application/x-www-form-urlencoded", 400),
    (b"bio=%00", "application/x-www-form-urlencoded", 400),
    (b"x", "multipart/form-data", 400), (b"x", "text/plain", 415),
    (b'{"bio": "' + b"x" * 70000 + b'"}', "application/json", 413)])
def test_bodies(me, data, kind, status):
    before = me.get(SELF).json()
    r = me.request("PUT", SELF, data=data, headers={"Content-Type": kind})
    assert r.status_code == status and r.json()["error"]
    assert me.get(SELF).json() == before


def test_fault_19_two_users_want_one_name(stack):
    clients = [stack.client().signup(n, f"{n}@example.org", PASSWORD)
               for n in (letters() for _ in range(4))]
    name = letters()
    answers = at_once(4, lambda i: clients[i].put(
        SELF, {"username": name, "bio": f"number {i}"}))
    assert sorted(r.status_code for r in answers) == [200] + [400] * 3
    for r in answers:
        if r.status_code == 400:
            assert r.json() == {"username": [TAKEN], "error": TAKEN}
    assert stack.value("SELECT count(*) FROM account WHERE username = %s",
                       (name,)) == 1
    address = f"{name}@example.org"
    answers = at_once(4, lambda i: clients[i].put(SELF, {"email": address}))
    assert sorted(r.status_code for r in answers) == [200] + [400] * 3
    assert stack.value("SELECT count(*) FROM account WHERE email = %s",
                       (address,)) == 1


# -- pictures -------------------------------------------------------------

@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_picture(stack, me, kind):
    """What is accepted and stored is in test_pictures.py."""
    before = stored(stack)
    r = me.request("PUT", SELF, files=form(
        {"first_name": "With"},
        ("../x.html", encoded(corners(300 + ord(kind[0]), 200), kind),
         "text/html")))
    assert r.status_code == 200, r.text
    assert r.json()["first_name"] == "With"
    url = r.json()["picture"]
    files = files_of(stack, url)
    assert stored(stack) - before == {f.name for f in files}
    got = me.get("/media/" + url.split("/media/")[1], check=False)
    assert got.status_code == 200 and has_corners(decoded(got.content))
    # without one in the next form, it stays
    assert me.request("PUT", SELF, files=form(
        {"bio": "x"}, ("", b"", "application/octet-stream"))).json()[
            "picture"] == url


@pytest.mark.parametrize("send", [
    lambda me, body: me.put(SELF, body),
    lambda me, body: me.request("PUT", SELF, data=body),
    lambda me, body: me.request("PUT", SELF, files=form(body))],
    ids=["json", "form", "multipart"])
def test_a_profile_can_be_sent_back_as_it_was_read(stack, me, send):
    """Also its picture, by the address; any other text is an error."""
    for _ in range(2):
        was = {k: v for k, v in me.get(SELF).json().items() if v is not None}
        # as JavaScript writes them into a form
        words = {k: json.dumps(v) for k, v in was.items() if type(v) in (int, bool)}
        r = send(me, {**was, **words, "last_name": "Back"})
        assert r.status_code == 200, r.text
        assert me.get(SELF).json()["picture"] == was["picture"]
        for text in (was["picture"] + "x", was["picture"].split("/media/")[1],
                     was["picture"].upper(), "x", " " + was["picture"]):
            r = send(me, {"picture": text, "first_name": "No"})
            assert r.status_code == 400, text
            assert set(r.json()) == {"picture", "error"}
        assert me.get(SELF).json()["first_name"] == was["first_name"]
        # the address of a picture that has been replaced since
        assert me.request("PUT", SELF, files=form({}, (
            "a.png", encoded(noise()), "image/png"))).status_code == 200
        r = send(me, {"picture": was["picture"]})
        assert r.status_code == 400


@pytest.mark.parametrize("data", [
    b"<svg/>", b"\xff\xd8\xff", encoded(noise(), "JPEG")[:9000],
    encoded(corners(), "TIFF")], ids=["svg", "three bytes", "half", "tiff"])
def test_a_refused_picture_changes_nothing(stack, me, data):
    before, files = me.get(SELF).json(), stored(stack)
    r = me.request("PUT", SELF, files=form(
        {"bio": "new"}, ("a.jpg", data, "image/jpeg")))
    assert r.status_code == 400 and set(r.json()) == {"picture", "error"}
    assert "JPEG, PNG, WebP or GIF" in r.json()["error"]
    assert me.get(SELF).json() == before and stored(stack) == files


def test_a_picture_with_another_error_is_not_stored(stack, me):
    before, files = me.get(SELF).json(), stored(stack)
    r = me.request("PUT", SELF, files=form(
        {"username": "bob"}, ("a.png", encoded(noise()), "image/png")))
    assert r.status_code == 400 and set(r.json()) == {"username", "error"}
    assert me.get(SELF).json() == before and stored(stack) == files


def test_r7_the_old_name_is_taken(stack, me):
    """It is that of its new owner at once."""
    old, new = me.username, letters()
    assert me.put(SELF, {"username": new}).ok
    assert me.get(f"/api/users/{old}/").json()["username"] == new
    r = stack.client().post("/api/auth/signup/", {
        "username": old, "email": f"taker.{old}@example.org",
        "password": PASSWORD, "first_name": "A", "last_name": "B"})
    assert r.ok, r.text
    assert me.get(f"/api/users/{old}/").json()["id"] == r.json()["id"]


# -- the mail address -----------------------------------------------------

def test_a_new_address(stack, me):
    new = f"{letters()}@example.org"
    r = me.put(SELF, {"email": new})
    assert r.status_code == 200 and r.json()["email"] == new
    # at once, with the old token
    assert me.get("/api/movies/").status_code == 403
    assert me.get(SELF).status_code == 200
    code = stack.mail(new)
    text = stack.mail_message(me.email)
    assert "New mail address" in text["Subject"]
    assert new not in text.as_string()
    assert me.post(VERIFY, {"verification_code": code}).status_code == 200
    assert me.get("/api/movies/").status_code == 200
    r = stack.client().post(LOGIN, {"username": me.email,
                                    "password": PASSWORD})
    assert r.status_code == 401
    stack.client(new, PASSWORD)


@pytest.mark.parametrize("write", [
    str, str.upper, str.title, lambda s: f" {s} ",
    lambda s: s.replace("example.org", "EXAMPLE.Org")])
def test_r19_the_same_address_changes_nothing(stack, me, write):
    jobs = stack.value(MAILS)
    r = me.put(SELF, {"email": write(me.email), "username": me.username})
    assert r.status_code == 200 and r.json()["email"] == me.email
    assert column(stack, me, "verified") is True
    assert column(stack, me, "old_username") is None
    assert stack.value(MAILS) == jobs


def test_a_domain_of_another_script(stack, me):
    name = letters()
    r = me.put(SELF, {"email": f"{name}@m\u00fcnchen.example"})
    assert r.json()["email"] == f"{name}@xn--mnchen-3ya.example"
    jobs = stack.value(MAILS)
    r = me.put(SELF, {"email": f"{name}@M\u00dcNCHEN.example"})
    assert r.status_code == 200
    assert stack.value(MAILS) == jobs


def test_fault_2_a_code_for_the_old_address_does_not_verify_the_new(stack):
    name = letters()
    c = stack.client()
    body = {"username": name, "email": f"{name}@example.org",
            "password": PASSWORD, "first_name": "A", "last_name": "B"}
    assert c.post("/api/auth/signup/", body).status_code == 200
    old = stack.mail(body["email"])
    c.login(name, PASSWORD)
    new = f"new.{name}@example.org"
    assert c.put(SELF, {"email": new}).status_code == 200
    r = c.post(VERIFY, {"verification_code": old})
    assert r.status_code == 400
    # the former address was never verified: nobody is told there
    assert len(mails_to(stack, body["email"])) == 2  # both match "name@…"
    code = stack.mail(new)
    if code != old:
        r = c.post(VERIFY, {"verification_code": old})
        assert r.status_code == 400
    assert c.post(VERIFY, {"verification_code": code}).status_code == 200


def test_fault_16_a_refused_change_mails_nobody(stack, me):
    new = f"{letters()}@example.org"
    before = len(mails_to(stack, me.email))
    for body in ({"email": new, "username": "bob"},
                 {"email": new, "password": "short"},
                 {"email": "bob@example.org"}, {"email": "invalid"}):
        assert me.put(SELF, body).status_code == 400
    assert mails_to(stack, new) == []
    assert len(mails_to(stack, me.email)) == before
    assert column(stack, me, "email") == me.email
    assert column(stack, me, "verified") is True


def test_fault_17_a_mail_job_changes_only_the_code(stack, me):
    """Changes made while the mail waits are not undone by it."""
    stack.jobs.stop()
    new = f"{letters()}@example.org"
    assert me.put(SELF, {"email": new}).status_code == 200
    assert me.put(SELF, {"bio": "meanwhile"}).status_code == 200
    me.language("fr")
    before = stack.sql("SELECT a::text FROM account AS a WHERE id = %s",
                       (me.id,))
    stack.start_jobs()
    stack.mail(new)
    assert stack.sql("SELECT a::text FROM account AS a WHERE id = %s",
                     (me.id,)) == before


def test_many_changes_send_one_mail(stack, me):
    """A change is possible at any time; its mail waits for the interval and
    replaces the one that waits, so that nobody can be flooded."""
    for _ in range(8):
        r = me.put(SELF, {"email": f"{letters()}@example.org"})
        assert r.status_code == 200
    assert stack.value(
        "SELECT array_agg(run_at > now() + interval '50 seconds') FROM job"
        " WHERE name = 'mail_verification' AND state = 'queued'"
        " AND payload->>'account_id' = %s", (str(me.id),)) == [True]
    r = me.post("/api/auth/resend-verification-email/")
    assert r.status_code == 429
    last = me.get(SELF).json()["email"]
    stack.sql("UPDATE job SET run_at = now() WHERE state = 'queued'"
              " AND payload->>'account_id' = %s", (str(me.id),))
    assert me.post(VERIFY, {"verification_code": stack.mail(last)}).ok
    assert len(mails_to(stack, last)) == 1


# -- the password ---------------------------------------------------------

def test_fault_6_a_new_password_ends_the_other_sessions(stack, me):
    """Decision 18: the current one is not asked for, but a session that was
    stolen ends."""
    other = stack.client(me.username, PASSWORD)
    assert other.get(SELF).status_code == 200
    r = me.put(SELF, {"password": NEW})
    assert r.status_code == 200
    assert other.get(SELF).status_code == 401
    r = other.post("/api/auth/refresh/", {"refresh": other.refresh_token},
                   token=None)
    assert r.status_code == 401
    # the front end goes on with the tokens it has
    for _ in range(2):
        assert me.get(SELF).status_code == 200
        me.refresh()
    assert me.put(SELF, {"password": NEW + "2"}).status_code == 200
    assert me.get(SELF).status_code == 200
    me.refresh()
    assert len(me.get("/api/auth/sessions/").json()) >= 1
    r = stack.client().post(LOGIN, {"username": me.username,
                                    "password": PASSWORD})
    assert r.status_code == 401
    stack.client(me.username, NEW + "2")


@pytest.mark.parametrize("change", [{"password": NEW}, {"email": "{}"}])
def test_a_change_makes_mailed_reset_codes_invalid(stack, me, change):
    forgot = "/api/auth/forgot-password/"
    r = stack.client().get(forgot, params={"email": me.email})
    assert r.status_code == 200
    code = stack.mail(me.email)
    body = {k: v.format(f"new.{me.email}") for k, v in change.items()}
    assert me.put(SELF, body).status_code == 200
    for email in (me.email, body.get("email", me.email)):
        r = stack.client().post(forgot, {
            "email": email, "forgot_password_code": code,
            "new_password": "Octopus-garden-55"})
        assert r.status_code == 400
        assert r.json() == {"error": "Invalid verification code"}


def test_a_session_ends_with_the_next_epoch_again(stack, me):
    me.put(SELF, {"password": NEW})
    stack.sql("UPDATE account SET epoch = epoch + 1 WHERE id = %s", (me.id,))
    assert me.get(SELF).status_code == 401


def test_a_log_in_with_the_old_password_cannot_slip_in(stack, me):
    """Whatever the order of a change and of log-ins at the same time, no
    session that began with the old password is left."""
    other = stack.client()
    answers = at_once(9, lambda i: me.put(SELF, {"password": NEW}) if i == 4
                      else other.post(LOGIN, {"username": me.username,
                                              "password": PASSWORD}))
    assert answers[4].status_code == 200
    for r in answers:
        if r.status_code == 200 and "access" in r.json():
            assert other.get(SELF, token=r.json()["access"]
                             ).status_code == 401


# -- the user name --------------------------------------------------------

def test_r7_the_old_name_is_one_s_own_for_a_while(stack, me, ana):
    path = f"/api/users/{me.username}/"
    assert ana.get(path).status_code == 200
    new = letters()
    assert me.put(SELF, {"username": new}).status_code == 200
    for _ in range(2):
        r = me.get(path)
        assert r.status_code == 200 and r.json()["username"] == new
        assert r.json()["friendship"] is None
        assert ana.get(path).status_code == 404
        assert ana.get(f"/api/users/{new}/").status_code == 200
    stack.sql("UPDATE account SET renamed_at = now() - interval '61 minutes'"
              " WHERE id = %s", (me.id,))
    stack.memcached.kill()
    stack.start_memcached()
    assert me.get(path).status_code == 404


def test_r7_after_several_changes(stack, me, ana):
    """All names since the token was issued, in any answer of its owner, and
    none of them for others; the number is bounded."""
    names = [me.username]
    for _ in range(11):
        names.append(letters())
        assert me.put(SELF, {"username": names[-1]}).status_code == 200
    for name in names[1:]:
        for _ in range(2):
            assert me.get(f"/api/users/{name}/").json()["id"] == me.id
        assert me.get(f"/api/users/{name}/friends/").json()["count"] == 0
        assert ana.get(f"/api/users/{name}/").status_code == (
            200 if name == names[-1] else 404)
    assert me.get(f"/api/users/{names[0]}/").status_code == 404
    assert me.put(SELF, {"username": names[1]}).status_code == 200
    assert me.get(f"/api/users/{names[1]}/").json()["username"] == names[1]
    # not those of changes that are a day older than the next one
    stack.sql("UPDATE account SET renamed_at = now() - interval '25 hours'"
              " WHERE id = %s", (me.id,))
    assert me.put(SELF, {"username": letters()}).status_code == 200
    assert me.get(f"/api/users/{names[1]}/").json()["id"] == me.id
    assert me.get(f"/api/users/{names[5]}/").status_code == 404


@pytest.mark.parametrize("path", ["%00", "%ff", "{x}", "'", "a%2Fb", "%C2%A0"])
def test_r7_a_bad_name_of_a_renamed_user(me, path):
    assert me.put(SELF, {"username": letters()}).status_code == 200
    assert me.get(f"/api/users/{path}/", check=False).status_code in (400, 404)


def test_r7_not_if_somebody_else_has_the_name(stack, me):
    path = f"/api/users/{me.username}/"
    assert me.put(SELF, {"username": letters()}).status_code == 200
    other = stack.client().signup(me.username, f"{letters()}@example.org",
                                  PASSWORD)
    stack.memcached.kill()
    stack.start_memcached()
    theirs = claims(other.token)["user_id"]
    assert me.get(path).json()["id"] == theirs
    assert other.get(path).json()["id"] == theirs


def test_a_new_name_is_seen_at_once(stack, me, ana):
    old, new = me.username, letters()
    assert ana.get(f"/api/users/{old}/").status_code == 200
    assert ana.get(f"/api/users/{new}/").status_code == 404
    assert me.put(SELF, {"username": new, "bio": "renamed"}).status_code == 200
    assert ana.get(f"/api/users/{new}/").json()["bio"] == "renamed"
    assert ana.get(f"/api/users/{old}/").status_code == 404
    stack.client(new, PASSWORD)
    me.refresh()
    assert claims(me.token)["username"] == new


@pytest.mark.parametrize("name", ["a.b@c+d-e_f", "\u00d6zg\u00fcr",
                                  "\u5f20\u4f1f", "{}@example.org"])
def test_fault_25_names_of_all_sorts_work_in_paths(stack, me, ana, name):
    name = name.format(letters()) + letters()[:6]
    assert me.put(SELF, {"username": name}).status_code == 200
    r = ana.get(f"/api/users/{quote(name, safe='')}/")
    assert r.status_code == 200 and r.json()["username"] == name


def test_fault_26_fixed_segments_are_no_names(me):
    for word in ("friends", "friend-requests", "suggested-users", "searching",
                 "preferred-language", "onboarding"):
        r = me.put(SELF, {"username": word})
        assert r.status_code == 400 and r.json()["username"] == [RESERVED]


# -- with the setting -----------------------------------------------------

CURRENT = "The password is incorrect."


@pytest.fixture
def strict(stack):
    stack.restart_mxmd(profile_change_needs_password="on", limit_name=0)
    yield stack
    stack.restart_mxmd(profile_change_needs_password="off", limit_name=0)


def test_the_current_password_is_asked_for(strict, me):
    body = {"password": NEW, "email": f"{letters()}@example.org"}
    for key in body:
        for current in (None, "", "wrong", PASSWORD + " "):
            r = me.put(SELF, {key: body[key], "current_password": current})
            assert r.status_code == 400
            assert r.json() == {"current_password": [CURRENT],
                                "error": CURRENT}
    assert column(strict, me, "email") == me.email
    # other fields, and the unchanged address of the whole form
    r = me.put(SELF, {"email": me.email, "bio": "x", "username": me.username})
    assert r.status_code == 200
    r = me.put(SELF, {**body, "current_password": PASSWORD})
    assert r.status_code == 200, r.text
    strict.client(me.username, NEW)


def test_attempts_are_counted_like_log_ins(strict, me):
    strict.restart_mxmd(limit_name=5)
    body = {"password": NEW, "current_password": "wrong"}
    answers = [me.put(SELF, body) for _ in range(6)]
    assert [r.status_code for r in answers] == [400] * 5 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_without_the_setting_it_is_ignored(stack, me):
    r = me.put(SELF, {"password": NEW, "current_password": "wrong"})
    assert r.status_code == 200


# -- limits of the database -----------------------------------------------

def test_bio_has_a_maximum_in_the_database(stack, me):
    with pytest.raises(psycopg2.errors.CheckViolation, match="account_bio"):
        stack.sql("UPDATE account SET bio = repeat('x', 10001)"
                  " WHERE id = %s", (me.id,))


def test_nothing_secret_is_logged(stack, me):
    since = stack.mark()
    new = f"{letters()}@example.org"
    me.put(SELF, {"email": new, "password": NEW})
    wait_until(lambda: "PUT /api/users/" in stack.log("mxmd", since),
               "the line of the request is written")
    text = stack.log("mxmd", since)
    assert new not in text and NEW not in text and me.email not in text
