# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailed codes: what is typed or pasted, and the number of attempts."""

import pytest

from test_auth import PASSWORD, RESEND, SIGNUP, VERIFY, at_once, newcomer, \
    unverified, wrong  # noqa: F401 (a fixture)

WORLD = "ana-and-friends"
WRONG = "Verification code is incorrect"
EXHAUSTED = "You have entered a wrong code too often. Please request a new one."


def tries(stack, name):
    return stack.value("SELECT tries FROM code AS c JOIN account AS a ON"
                       " a.id = c.user_id WHERE a.username = %s", (name,))


@pytest.mark.parametrize("paste", [
    " {} ", "{}\r\n", "\t{}", "\u00a0{}\u3000", "{0[0]}{0[1]}{0[2]} {0[3]}{0[4]}{0[5]}",
    "{0[0]} {0[1]} {0[2]} {0[3]} {0[4]}\u2009{0[5]}"])
def test_blanks_of_a_pasted_code_are_ignored(stack, unverified, paste):  # noqa: F811
    code = stack.mail(unverified.email)
    r = unverified.post(VERIFY, {"verification_code": paste.format(code)})
    assert r.status_code == 200, r.text


@pytest.mark.parametrize("value", [
    "", " ", "12345 ", "1 2 3 4 5", "x" * 65, "1" * 7, "12-34-56",
    "\u0661\u0662\u0663\u0664\u0665\u0666", None, 123456, 1.5, True, [], {}])
def test_what_is_no_code_is_not_an_attempt(stack, unverified, value):  # noqa: F811
    code = stack.mail(unverified.email)
    for _ in range(6):
        r = unverified.post(VERIFY, {"verification_code": value})
        assert r.status_code == 400 and r.json() == {"error": WRONG}
    assert tries(stack, unverified.username) == 0
    r = unverified.post(VERIFY, {"verification_code": code})
    assert r.status_code == 200


@pytest.mark.parametrize("lang,text", [
    ("en", EXHAUSTED), ("de", "zu oft"), ("es", "demasiadas veces"),
    ("fr", "trop souvent")])
def test_after_five_attempts_ask_for_another_code(  # noqa: F811
        stack, unverified, lang, text):
    unverified.language(lang)
    code = stack.mail(unverified.email)
    for _ in range(5):
        r = unverified.post(VERIFY, {"verification_code": wrong(code)})
        assert r.status_code == 400 and text not in r.json()["error"]
    for value in (wrong(code), code, "nonsense", None):
        r = unverified.post(VERIFY, {"verification_code": value})
        assert r.status_code == 400
        assert text in r.json()["error"]
    assert unverified.post(RESEND).status_code == 200
    code = stack.mail(unverified.email)
    r = unverified.post(VERIFY, {"verification_code": code})
    assert r.status_code == 200


def test_fifty_attempts_at_once_get_five_through(stack, unverified):  # noqa: F811
    """Fault 4: the right code among fifty concurrent ones is accepted only if
    it is one of the first five."""
    code = stack.mail(unverified.email)
    sent = [wrong(code)] * 5 + [code] + [wrong(code)] * 44
    answers = at_once(50, lambda i: unverified.post(
        VERIFY, {"verification_code": sent[i]}))
    good = [r for r in answers if r.status_code == 200]
    assert len(good) + sum(r.status_code == 400 for r in answers) == 50
    if good:  # then everything is a success for the verified account
        assert tries(stack, unverified.username) <= 5
    else:
        assert tries(stack, unverified.username) == 5
        r = unverified.post(VERIFY, {"verification_code": code})
        assert r.status_code == 400 and r.json() == {"error": EXHAUSTED}


def test_the_attempts_survive_a_restart(stack, unverified):  # noqa: F811
    code = stack.mail(unverified.email)
    for _ in range(5):
        unverified.post(VERIFY, {"verification_code": wrong(code)})
    assert unverified.post(RESEND).status_code == 200
    stack.mail(unverified.email)
    stack.restart_mxmd()
    r = unverified.post(RESEND)
    assert r.status_code == 429 and int(r.headers["Retry-After"]) <= 60


def test_fault_20_a_verified_account_has_no_code_left(stack, client):
    body = newcomer()
    assert client.post(SIGNUP, body).status_code == 200
    client.login(body["username"], PASSWORD)
    code = stack.mail(body["email"])
    assert client.post(VERIFY, {"verification_code": code}).status_code == 200
    stack.sql("UPDATE account SET verified = false WHERE username = %s",
              (body["username"],))
    r = client.post(VERIFY, {"verification_code": code})
    assert r.status_code == 400
