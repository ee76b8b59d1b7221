# SPDX-License-Identifier: GPL-3.0-or-later
"""Forgotten passwords: the mail with the code, and the new password."""

import pytest

from stack import wait_until
from test_auth import LOGIN, NUMERIC, PASSWORD, SHORT, SIGNUP, at_once, \
    letters, newcomer, wrong

WORLD = "ana-and-friends"
FORGOT = "/api/auth/forgot-password/"
SENT = {"status": "Password reset email sent"}
DONE = {"status": "Password reset successful"}
WRONG = {"error": "Invalid verification code"}
EXHAUSTED = {"error": "You have entered a wrong code too often. Please"
                      " request a new one."}
NEW = "Nautilus-shadow-38"


@pytest.fixture
def owner(stack):
    """A verified account with a session, whose password is forgotten."""
    name = letters()
    c = stack.client().signup(name, f"{name}@example.org", PASSWORD)
    c.username, c.email = name, f"{name}@example.org"
    return c


def forgot(client, email, **params):
    return client.get(FORGOT, params={"email": email, **params})


def mailed(stack, client, email):
    assert forgot(client, email).json() == SENT
    return stack.mail(email)


def reset(client, email, code, password=NEW, **more):
    return client.post(FORGOT, {"email": email, "forgot_password_code": code,
                                "new_password": password}, **more)


def sooner(stack, seconds=60):
    """Lets time pass for the intervals between mails."""
    stack.sql("UPDATE password_request SET mailed_at = mailed_at - %s *"
              " interval '1 second'", (seconds,))


def jobs(stack):
    return stack.value("SELECT count(*) FROM job WHERE name = 'mail_reset'")


# -- the mail -------------------------------------------------------------

def test_a_new_password(stack, client, owner):
    code = mailed(stack, client, owner.email)
    r = reset(client, owner.email, code)
    assert r.status_code == 200 and r.json() == DONE
    r = client.post(LOGIN, {"username": owner.username, "password": PASSWORD})
    assert r.status_code == 401
    client.login(owner.username, NEW)
    # all sessions have ended, at once
    assert owner.get("/api/users/").status_code == 401
    r = client.post("/api/auth/refresh/", {"refresh": owner.refresh_token},
                    token=None)
    assert r.status_code == 401
    assert stack.value("SELECT count(*) FROM code AS c JOIN account AS a ON"
                       " a.id = c.user_id WHERE a.username = %s AND digest IS"
                       " NOT NULL", (owner.username,)) == 0


def test_a_code_is_used_once(stack, client, owner):
    code = mailed(stack, client, owner.email)
    answers = at_once(6, lambda _: reset(stack.client(), owner.email, code))
    assert sorted(r.status_code for r in answers) == [200] + [400] * 5
    # those that came after the first one counted as attempts
    assert reset(client, owner.email, code).json() in (WRONG, EXHAUSTED)


def test_the_unverified_are_verified_by_it(stack, client):
    body = newcomer()
    assert client.post(SIGNUP, body).status_code == 200
    first = stack.mail(body["email"])
    code = mailed(stack, client, body["email"])
    assert reset(client, body["email"], code).status_code == 200
    client.login(body["username"], NEW)
    assert client.get("/api/movies/").status_code == 200
    # fault 20: nothing is left of the code of the sign-up
    stack.sql("UPDATE account SET verified = false WHERE username = %s",
              (body["username"],))
    r = client.post("/api/auth/verify/", {"verification_code": first})
    assert r.status_code == 400


@pytest.mark.parametrize("write", [str.upper, str.title, lambda s: f" {s}\t"])
def test_fault_22_the_address_in_another_spelling(stack, client, owner, write):
    assert forgot(client, write(owner.email)).json() == SENT
    code = stack.mail(owner.email)
    assert reset(client, write(owner.email), code).status_code == 200


def test_the_address_in_both_forms_of_its_domain(stack, client):
    name = letters()
    unicode, ascii_form = (f"{name}@m\u00fcnchen.example",
                           f"{name}@xn--mnchen-3ya.example")
    assert client.post(SIGNUP, newcomer(email=unicode)).status_code == 200
    stack.mail(ascii_form)
    assert forgot(client, unicode).json() == SENT
    code = stack.mail(ascii_form)
    assert forgot(client, ascii_form).status_code == 429
    assert reset(client, ascii_form, code).status_code == 200


def test_it_is_not_kept_by_caches(client, owner):
    r = forgot(client, owner.email, _t=1732700000000, lang="en")
    assert r.status_code == 200
    assert r.headers["Cache-Control"] == "no-store"


def test_a_bad_token_does_not_matter(stack, client, owner):
    """Fault 50: a signed-out page still has its old token."""
    headers = {"Authorization": "Bearer rubbish"}
    r = client.get(FORGOT, params={"email": owner.email}, headers=headers)
    assert r.status_code == 200
    r = reset(client, owner.email, stack.mail(owner.email), headers=headers)
    assert r.status_code == 200


@pytest.mark.parametrize("params,status", [
    ({}, 400), ({"email": ""}, 400), ({"email": " "}, 400),
    ({"email": "ana"}, 400), ({"email": "a\x00@example.org"}, 400),
    ({"email": b"\xff@example.org"}, 400), ({"email": "x" * 2000}, 400),
    ({"email": "a@example.org\r\nBcc: b@example.org"}, 400),
    ({"email[]": "ana@example.org"}, 400)])
def test_what_is_no_address(stack, client, params, status):
    before = jobs(stack)
    r = client.get(FORGOT, params=params)
    assert r.status_code == status and r.json()["error"]
    assert jobs(stack) == before


@pytest.mark.parametrize("lang,sent,code_wrong", [
    ("en", "email sent", "Invalid"), ("de", "gesendet", "ng\u00fcltig"),
    ("es", "enviado", "no v\u00e1lido"), ("fr", "envoy\u00e9", "non valide")])
def test_texts_in_the_language_of_the_parameter(client, lang, sent, code_wrong):
    email = f"{letters()}@example.org"
    assert sent in forgot(client, email, lang=lang).json()["status"]
    assert "60" in forgot(client, email, lang=lang).json()["error"]
    r = reset(client, email, "000000", params={"lang": lang})
    assert code_wrong in r.json()["error"]


# -- intervals ------------------------------------------------------------

def test_intervals_between_mails(stack, client, owner):
    """The intervals grow to the lifetime of a code, and end after a day; they
    survive a restart, because they are rows."""
    pauses = []
    for _ in range(7):
        assert forgot(client, owner.email).status_code == 200
        r = forgot(client, owner.email)
        assert r.status_code == 429
        pauses.append(int(r.headers["Retry-After"]))
        assert r.json()["error"] == ("You can resend the password reset email"
                                     f" in {pauses[-1]} seconds")
        sooner(stack, pauses[-1])
    for pause, most in zip(pauses, (60, 120, 240, 480, 900, 900, 900)):
        assert most - 20 <= pause <= most
    stack.sql("UPDATE password_request SET mails_since = now() -"
              " interval '1 day'")
    assert forgot(client, owner.email).status_code == 200
    assert int(forgot(client, owner.email).headers["Retry-After"]) <= 60
    stack.restart_mxmd()
    assert forgot(client, owner.email).status_code == 429


def test_fault_48_requests_at_once_send_one_mail(stack, owner):
    before = jobs(stack)
    answers = at_once(12, lambda _: forgot(stack.client(), owner.email))
    assert sorted(r.status_code for r in answers) == [200] + [429] * 11
    assert jobs(stack) == before + 1


# -- whether there is an account ------------------------------------------

def seen(r):
    """All that an answer shows, but for what always differs."""
    varying = ("Date", "X-Request-Id", "ETag")
    return (r.status_code, r.content,
            {k: v for k, v in r.headers.items() if k not in varying})


def test_fault_7_known_and_unknown_addresses_look_alike(stack, client, owner):
    """Every answer on the way to a new password, and the number of rows that
    are written for it."""
    stranger = f"{letters()}@example.org"
    gone = "gone@example.org"  # not active
    told = []
    for email in (owner.email, stranger, gone):
        told.append([seen(reset(client, email, "000000"))])
        before = jobs(stack)
        told[-1].append(seen(forgot(client, email)))
        told[-1].append(jobs(stack) - before)
        if email == owner.email:
            code = stack.mail(email)
        told[-1].append(seen(reset(client, email, 123456)))
        told[-1] += [seen(reset(client, email, wrong(code), password))
                     for password in (NEW, "x", NEW, "1", NEW, NEW, "x")]
        told[-1].append(seen(reset(client, email, code)))
    assert told[0] == told[1] == told[2]
    assert told[0][-1][0] == 400
    for email in (owner.email, stranger, gone):
        assert int(forgot(client, email).headers["Retry-After"]) >= 40
    wait_until(lambda: stack.value(
        "SELECT count(*) FROM job WHERE name = 'mail_reset' AND state <>"
        " 'done'") == 0, "all jobs are done")
    assert not stack.mails(stranger) and not stack.mails(gone)
    row = stack.value("SELECT string_agg(q::text, ' ') FROM password_request"
                      " AS q")
    assert stranger not in row


def test_it_is_not_in_the_log(stack, client, owner):
    since = stack.mark()
    code = mailed(stack, client, owner.email)
    reset(client, owner.email, code)
    text = stack.log("mxmd", since)
    assert FORGOT in text
    for secret in (owner.email, owner.email.replace("@", "%40"), code, NEW):
        assert secret not in text
    assert code not in stack.log("mxm-jobs")


# -- codes ----------------------------------------------------------------

@pytest.mark.parametrize("paste", [" {}", "{}\n", "{0[0]}{0[1]}{0[2]} "
                                   "{0[3]}{0[4]}{0[5]}"])
def test_blanks_of_a_pasted_code_are_ignored(stack, client, owner, paste):
    code = mailed(stack, client, owner.email)
    assert reset(client, owner.email, paste.format(code)).status_code == 200


@pytest.mark.parametrize("value", [
    None, 0, 123456, 1.5, True, [], {}, ["123456"], "", "12345", "abcdef",
    "\u0661\u0662\u0663\u0664\u0665\u0666", "null", "x" * 4000])
def test_fault_1_what_is_no_code_never_matches(stack, client, owner, value):
    for request in (False, True):
        if request:
            assert forgot(client, owner.email).status_code == 200
        for _ in range(6):
            r = reset(client, owner.email, value)
            assert r.status_code == 400 and r.json() == WRONG
    code = stack.mail(owner.email)
    assert reset(client, owner.email, int(code)).json() == WRONG
    assert reset(client, owner.email, code).status_code == 200


def test_fault_4_five_attempts(stack, client, owner):
    code = mailed(stack, client, owner.email)
    for _ in range(5):
        assert reset(client, owner.email, wrong(code)).json() == WRONG
    for value in (code, wrong(code), "x", None):
        r = reset(client, owner.email, value)
        assert r.status_code == 400 and r.json() == EXHAUSTED
    sooner(stack)
    code = mailed(stack, client, owner.email)
    assert reset(client, owner.email, code).status_code == 200


def test_fault_4_fifty_attempts_at_once(stack, client, owner):
    code = mailed(stack, client, owner.email)
    answers = at_once(50, lambda i: reset(
        stack.client(), owner.email, f"{(int(code) + 1 + i) % 10**6:06d}"))
    assert {r.status_code for r in answers} == {400}
    assert stack.value("SELECT tries FROM password_request AS q WHERE"
                       " mailed_at = (SELECT max(mailed_at) FROM"
                       " password_request)") == 5
    assert reset(client, owner.email, code).json() == EXHAUSTED


def test_fault_4_codes_expire(stack, client, owner):
    code = mailed(stack, client, owner.email)
    assert stack.value(
        "SELECT expires_at - c.created_at = interval '15 minutes' FROM code AS"
        " c JOIN account AS a ON a.id = c.user_id WHERE purpose = 'reset' AND"
        " a.username = %s", (owner.username,)) is True
    stack.sql("UPDATE code SET expires_at = now() - interval '1 second'")
    assert reset(client, owner.email, code).json() == WRONG


def test_a_code_is_for_one_account_and_one_purpose(stack, client, owner):
    other = letters()
    stack.client().signup(other, f"{other}@example.org", PASSWORD)
    code = mailed(stack, client, owner.email)
    theirs = mailed(stack, client, f"{other}@example.org")
    if code != theirs:
        assert reset(client, owner.email, theirs).json() == WRONG
    stack.sql("UPDATE account SET verified = false WHERE username = %s",
              (owner.username,))
    r = owner.post("/api/auth/verify/", {"verification_code": code})
    assert r.status_code == 400


def test_a_code_ends_with_the_address(stack, client, owner):
    code = mailed(stack, client, owner.email)
    stack.sql("UPDATE account SET email = %s WHERE username = %s",
              (f"new-{owner.email}", owner.username))
    assert reset(client, owner.email, code).json() == WRONG
    assert reset(client, f"new-{owner.email}", code).json() == WRONG


def test_a_locked_account_is_not_opened(stack, client, owner):
    code = mailed(stack, client, owner.email)
    stack.sql("UPDATE account SET active = false WHERE username = %s",
              (owner.username,))
    assert reset(client, owner.email, code).json() == WRONG


# -- the password ---------------------------------------------------------

@pytest.mark.parametrize("password,texts", [
    ("Zx8#kk2L", [SHORT]), ("7402918365", [NUMERIC]),
    ("{}", ["The password is too similar to the username."])])
def test_refused_passwords_leave_the_code(stack, client, owner, password,
                                          texts):
    code = mailed(stack, client, owner.email)
    for _ in range(7):
        r = reset(client, owner.email, code, password.format(owner.username))
        assert r.status_code == 400
        assert r.json() == {"error": texts, "new_password": texts}
    assert reset(client, owner.email, code).status_code == 200


@pytest.mark.parametrize("field", ["email", "new_password"])
@pytest.mark.parametrize("value", [None, 7, True, [], {}, "", "a\x00b",
                                   "x" * 20000])
def test_values_of_wrong_types(client, field, value):
    body = {"email": "ana@example.org", "forgot_password_code": "123456",
            "new_password": NEW}
    r = client.post(FORGOT, {**body, field: value})
    assert r.status_code == 400 and r.json()["error"]


@pytest.mark.parametrize("key", ["email", "forgot_password_code",
                                 "new_password"])
def test_missing_keys(client, key):
    body = {"email": "ana@example.org", "forgot_password_code": "123456",
            "new_password": NEW}
    del body[key]
    r = client.post(FORGOT, body)
    assert r.status_code == 400
    assert r.json() == {"error": "Missing required fields"}


@pytest.mark.parametrize("data", [b"", b"null", b"7", b"[]", b"{", b"\xff",
                                  b'{"email": "\xff"}', b'{"a":' * 40])
def test_fault_33_bodies_that_are_no_object(client, data):
    r = client.request("POST", FORGOT, data=data)
    assert r.status_code == 400
    assert r.json()["error"] == "Invalid JSON body"


def test_old_requests_are_pruned(stack, client, owner):
    forgot(client, owner.email)
    stack.sql("UPDATE password_request SET mailed_at = now() -"
              " interval '25 hours'")
    stack.sql("INSERT INTO job (name) VALUES ('prune')")
    wait_until(lambda: stack.value("SELECT count(*) FROM password_request")
               == 0, "requests are pruned")
