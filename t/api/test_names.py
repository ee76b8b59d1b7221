# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and mail addresses: the forms in which they are accepted, stored and
compared."""

import pytest

from test_auth import EMAIL, EMAIL_TAKEN, LOGIN, PASSWORD, SIGNUP, claims, \
    letters, newcomer

WORLD = "ana-and-friends"


def stored(stack, answer):
    return stack.sql("SELECT username, email, first_name, last_name FROM"
                     " account WHERE id = %s", (answer.json()["id"],))[0]


# -- blanks ---------------------------------------------------------------

@pytest.mark.parametrize("blank", [" ", "\t", "\r\n", "\u00a0", "\u3000 "])
def test_blanks_around_names_are_trimmed(stack, client, blank):
    body = newcomer()
    sent = {k: f"{blank}{body[k]}{blank}"
            for k in ("username", "email", "first_name", "last_name")}
    r = client.post(SIGNUP, {**body, **sent})
    assert r.status_code == 200, r.text
    assert stored(stack, r) == (body["username"], body["email"],
                                body["first_name"], body["last_name"])
    for name in (sent["username"], sent["email"], body["username"]):
        r = client.post(LOGIN, {"username": name, "password": PASSWORD})
        assert r.status_code == 200
        assert claims(r.json()["access"])["username"] == body["username"]


def test_a_name_with_blanks_around_it_is_as_long_as_without(client):
    name = letters() + "x" * 136
    assert len(name) == 150
    r = client.post(SIGNUP, newcomer(username=f" {name} "))
    assert r.status_code == 200 and r.json()["username"] == name


# -- domains of other scripts ---------------------------------------------

@pytest.mark.parametrize("domain,ascii_form", [
    ("m\u00fcnchen.example", "xn--mnchen-3ya.example"),
    ("STRASSE.Example", "strasse.example"),
    ("stra\u00dfe.example", "xn--strae-oqa.example"),
    ("\u4f8b\u5b50.\u6d4b\u8bd5", "xn--fsqu00a.xn--0zwm56d")])
def test_domain_is_stored_in_its_ascii_form(stack, client, domain, ascii_form):
    local = letters()
    r = client.post(SIGNUP, newcomer(email=f"{local}@{domain}"))
    assert r.status_code == 200, r.text
    assert stored(stack, r)[1] == f"{local}@{ascii_form}"
    for name in (f"{local}@{domain}", f"{local}@{ascii_form}",
                 f" {local}@{ascii_form.upper()}"):
        r = client.post(LOGIN, {"username": name, "password": PASSWORD})
        assert r.status_code == 200, name
    for again in (domain, ascii_form):
        r = client.post(SIGNUP, newcomer(email=f"{local}@{again}"))
        assert r.status_code == 400
        assert r.json() == {"email": [EMAIL_TAKEN], "error": EMAIL_TAKEN}
    assert stack.mail_message(f"{local}@{ascii_form}")


@pytest.mark.parametrize("email", [
    "a@\u20ac\u0301.example", "a@b\u200ec.example", "\u00fc@example.org",
    "a@-\u00fc.example", "a@" + "\u00fc" * 64 + ".example",
    "a@" + "\u00fc." * 120 + "example", "a@\u00fc", "a@\u00fc..example",
    "a@\u0000.example"[:2] + "\ufffe.example"])
def test_domains_that_do_not_exist(client, email):
    r = client.post(SIGNUP, newcomer(email=email))
    assert r.status_code == 400
    assert r.json()["email"][0].startswith(("Enter a valid", "Ensure this"))


def test_fault_22_addresses_are_compared_without_case(client):
    body = newcomer()
    assert client.post(SIGNUP, body).status_code == 200
    r = client.post(SIGNUP, newcomer(email=body["email"].upper()))
    assert r.json() == {"email": [EMAIL_TAKEN], "error": EMAIL_TAKEN}
    r = client.post(SIGNUP, newcomer(email="x@\u212bngstr\u00f6m"))
    assert r.json() == {"email": [EMAIL], "error": EMAIL}
