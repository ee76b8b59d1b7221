# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and mail addresses: the forms in which they are accepted, stored and
compared."""

import ctypes
import unicodedata

import pytest

from stack import wait_until
from test_auth import EMAIL, EMAIL_TAKEN, LOGIN, PASSWORD, SHORT, SIGNUP, \
    TAKEN, USERNAME, at_once, claims, django_hash, letters, newcomer

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


# -- passwords ------------------------------------------------------------

COMPOSED, DECOMPOSED = "Gr\u00fc\u00dfe-\u00e0-No\u00ebl", \
    "Gru\u0308\u00dfe-a\u0300-Noe\u0308l"


def argon_hash(password):
    """As this program stored it before passwords were normalised."""
    out = ctypes.create_string_buffer(128)
    sent = password.encode()
    sodium = ctypes.CDLL("libsodium.so.23")
    assert sodium.crypto_pwhash_str_alg(
        out, sent, ctypes.c_ulonglong(len(sent)), ctypes.c_ulonglong(2),
        ctypes.c_size_t(19 * 1024 * 1024), 2) == 0
    return out.value.decode()


@pytest.mark.parametrize("chosen", [COMPOSED, DECOMPOSED])
def test_a_password_is_one_in_both_normal_forms(client, chosen):
    body = newcomer(password=chosen)
    assert client.post(SIGNUP, body).status_code == 200
    for sent in (COMPOSED, DECOMPOSED):
        client.login(body["username"], sent)
    for sent in (COMPOSED[:-1], DECOMPOSED + "\u0308", COMPOSED.lower()):
        r = client.post(LOGIN, {"username": body["username"],
                                "password": sent})
        assert r.status_code == 401


@pytest.mark.parametrize("hash_of", [argon_hash, django_hash])
def test_hashes_of_the_typed_text_are_replaced(stack, client, hash_of):
    name = letters()
    stack.sql("INSERT INTO account (username, email, password) VALUES"
              " (%s, %s, %s)", (name, f"{name}@example.org",
                                hash_of(DECOMPOSED)))
    query = f"SELECT password FROM account WHERE username = '{name}'"
    old = stack.value(query)
    r = client.post(LOGIN, {"username": name, "password": COMPOSED})
    assert r.status_code == 401  # nobody can know that they are the same
    assert stack.value(query) == old
    client.login(name, DECOMPOSED)
    new = stack.value(query)
    assert new.startswith("$argon2id$") and new != old
    client.login(name, COMPOSED)
    client.login(name, DECOMPOSED)
    assert stack.value(query) == new


@pytest.mark.parametrize("password", ["a\u0308" * 9, "e\u0301" * 9])
def test_a_password_is_as_long_as_it_looks(client, password):
    r = client.post(SIGNUP, newcomer(password=password))
    assert r.status_code == 400
    assert SHORT in r.json()["password"]


def test_the_longest_password(client):
    body = newcomer(password="x\u0308\u00df7" * 1024)
    assert client.post(SIGNUP, body).status_code == 200
    client.login(body["username"], body["password"])
    r = client.post(LOGIN, {"username": body["username"],
                            "password": body["password"][:-1]})
    assert r.status_code == 401


# -- letters and their marks ----------------------------------------------

REAL = ["\u092a\u094d\u0930\u093f\u092f\u093e",  # Priya
        "\u0e40\u0e25\u0e47\u0e01",  # Lek
        "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd",  # Shalom
        "\u0b85\u0bae\u0bc1\u0ba4\u0bbe",  # Amudha
        "\u1000\u103b\u103d\u1014\u103a",  # a Burmese cluster
        "\u0645\u064f\u062d\u064e\u0645\u0651\u064e\u062f",  # Muhammad
        "Nguye\u0302\u0303n", "x\u0331\u0323"]


@pytest.mark.parametrize("name", REAL)
def test_letters_take_their_marks(client, name):
    user = name + letters()[:6]
    r = client.post(SIGNUP, newcomer(username=user, first_name=name,
                                     last_name=name))
    assert r.status_code == 200, r.text
    client.login(user, PASSWORD)
    told = client.get("/api/users/").json()
    assert told["username"] == unicodedata.normalize("NFKC", user)
    assert told["first_name"] == name
    r = client.put("/api/users/", {"first_name": name + "a"})
    assert r.status_code == 200


PERSIAN = "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627"
HINDI = "\u0915\u094d\u200d\u0937"


@pytest.mark.parametrize("name", [
    PERSIAN, HINDI, "O\u2019Neill", "Mary-Jane von der Leyen", "Jean\u00a0Luc",
    "\u5f20\u4f1f", "\U0001f3ac Ana", "3rd"])
def test_first_names_of_all_sorts(client, name):
    r = client.post(SIGNUP, newcomer(first_name=name, last_name=name))
    assert r.status_code == 200, r.text


UNSEEN = ["\u3164", "\u115f", "\u1160", "\uffa0", "\u200b", "\u200c", "\u200d",
          "\u200e", "\u200f", "\u00ad", "\ufeff", "\u202e", "\u2060",
          "\u2066", "\u206f", "\u034f", "\u180e", "\ufe0f", "\U000e0041",
          "\U000e0101", "\u17b5", "\u061c", "\u2028", "\u0007", "\u2800",
          "\U0001d173", "\ufff9"]
NAME = "This name contains characters that cannot be seen."


@pytest.mark.parametrize("sign", UNSEEN)
def test_what_nobody_can_see_is_no_name(stack, client, ana, sign):
    before = stack.value("SELECT count(*) FROM account")
    for value in (sign, f"a{sign}b", f"{sign}ab", f"ab{sign}",
                  f"\u0e40{sign}b"):
        for field, text in (("username", USERNAME), ("first_name", NAME),
                            ("last_name", NAME)):
            if sign == "\u2028" and not value.strip():
                continue  # white space: missing
            if sign == "\u2028" and not value.strip() == value:
                continue  # white space, which is trimmed
            r = client.post(SIGNUP, newcomer(**{field: value}))
            assert r.status_code == 400, (field, value)
            assert r.json() == {field: [text], "error": text}
            r = ana.put("/api/users/", {field: value})
            assert r.status_code == 400, (field, value)
    assert stack.value("SELECT count(*) FROM account") == before


@pytest.mark.parametrize("name", [
    "\u0301", "\u0301ana", "a.\u0301", "1\u20e3", "7\u0301", "a" + "\u0316" * 9,
    "@\u0301"])
def test_marks_need_a_letter(client, name):
    r = client.post(SIGNUP, newcomer(username=name))
    assert r.status_code == 400 and r.json()["username"] == [USERNAME]


@pytest.mark.parametrize("name", ["\u0301", "\u0301ana", "a \u0301b",
                                  "a" + "\u0316" * 9, "a\nb", "a\tb"])
def test_marks_need_something_visible(client, name):
    r = client.post(SIGNUP, newcomer(first_name=name))
    assert r.status_code == 400 and r.json()["first_name"] == [NAME]


def test_joiners_are_not_for_user_names(client):
    """They would make two user names that look the same."""
    for name in (PERSIAN, HINDI):
        r = client.post(SIGNUP, newcomer(username=name))
        assert r.json()["username"] == [USERNAME]


# -- names that look like others ------------------------------------------

LOOKALIKE = ("This username looks like one that is taken or reserved. Please"
             " choose another one.")
CYRILLIC = str.maketrans("aceopxy", "\u0430\u0441\u0435\u043e\u0440\u0445\u0443")


@pytest.mark.parametrize("mine,theirs", [
    ("{}paypal", "{}p\u0430ypal"), ("{}paypal", "{}paypa1"),
    ("{}paypal", "{}paypaI"), ("{}modern", "{}modem"),
    ("{}0x", "{}Ox"), ("{}\u03bf", "{}o"), ("{}\u05d5\u05d5", "{}\u05f0")])
def test_a_name_that_looks_like_a_taken_one(stack, client, ana, mine, theirs):
    start = letters()[:8]
    first, second = mine.format(start), theirs.format(start)
    taken = client.post(SIGNUP, newcomer(username=first))
    assert taken.status_code == 200, taken.text
    for send in (lambda: client.post(SIGNUP, newcomer(username=second)),
                 lambda: ana.put("/api/users/", {"username": second})):
        r = send()
        assert r.status_code == 400, r.text
        assert r.json() == {"username": [LOOKALIKE], "error": LOOKALIKE}
    # another spelling of one's own name is no other's
    client.login(first, PASSWORD)
    r = client.put("/api/users/", {"username": second})
    assert r.status_code == 200, r.text
    r = client.put("/api/users/", {"username": first})
    assert r.status_code == 200, r.text
    # and once it is free again, others may have it
    r = client.put("/api/users/", {"username": letters()})
    assert r.status_code == 200
    r = client.post(SIGNUP, newcomer(username=second))
    assert r.status_code == 200, r.text


@pytest.mark.parametrize("name", [
    "se\u0430rching", "search\u0131ng", "fr\u0456ends", "onb\u043earding",
    "preferred-1anguage"])
def test_a_name_that_looks_like_a_reserved_one(client, name):
    r = client.post(SIGNUP, newcomer(username=name))
    assert r.status_code == 400, r.text
    assert r.json() == {"username": [LOOKALIKE], "error": LOOKALIKE}


@pytest.mark.parametrize("lang,text", [("de", "sieht wie"), ("es", "se parece"),
                                       ("fr", "ressemble")])
def test_the_sentence_in_other_languages(client, lang, text):
    r = client.post(SIGNUP, newcomer(username="se\u0430rching"),
                    params={"lang": lang})
    assert text in r.json()["username"][0]


def test_names_that_differ_in_case_are_two(client):
    """User names are compared with case (users 4.1)."""
    name = letters()
    for username in (name, name.upper(), name.title()):
        r = client.post(SIGNUP, newcomer(username=username))
        assert r.status_code == 200, r.text


def test_lookalikes_at_once_make_one(stack):
    name = "pace" + letters()[:8].translate(str.maketrans("aceopxy", "bbbbbbb"))
    names = [name, *(name[:i].translate(CYRILLIC) + name[i:]
                     for i in range(1, 5))]
    assert len(set(names)) == 5
    answers = at_once(5, lambda i: stack.client().post(
        SIGNUP, newcomer(username=names[i])))
    assert sorted(r.status_code for r in answers) == [200] + [400] * 4
    for r in answers:
        if r.status_code == 400:
            assert r.json() == {"username": [LOOKALIKE], "error": LOOKALIKE}


def test_looks_of_imported_names_are_computed(stack, client):
    """Two imported names that look the same are both left alone."""
    start = letters()[:8]
    old = [f"{start}paypal", f"{start}p\u0430ypal", f"{start}other"]
    for name in old:
        stack.sql("INSERT INTO account (username, email) VALUES (%s, %s)",
                  (name, f"{letters()}@example.org"))
    stack.sql("INSERT INTO job (name) VALUES ('set_looks')")
    wait_until(lambda: stack.value(
        "SELECT count(*) FROM account WHERE look IS NULL") == 0,
        "all looks are computed")
    assert stack.value("SELECT count(DISTINCT look) FROM account"
                       " WHERE username = ANY (%s)", (old,)) == 3
    for name, text in ((old[0], TAKEN), (old[1], TAKEN),
                       (f"{start}paypa1", LOOKALIKE),
                       (f"{start}\u043ether", LOOKALIKE)):
        r = client.post(SIGNUP, newcomer(username=name))
        assert r.json() == {"username": [text], "error": text}, name


def test_looks_of_many_names(stack):
    stack.sql("INSERT INTO account (username, email)"
              " SELECT 'many-' || i, 'many-' || i || '@example.org'"
              " FROM generate_series(1, 1600) AS i")
    stack.sql("INSERT INTO job (name) VALUES ('set_looks')")
    wait_until(lambda: stack.value(
        "SELECT count(*) FROM account WHERE look IS NULL") == 0,
        "all looks are computed")


def test_the_longest_skeletons(client):
    """Of characters that one glyph replaces by many."""
    for name in ("\ufdfa" * 8, "\u33c2" * 37, "\u0bd0" * 150,
                 "\U0001d7ff" * 150):
        r = client.post(SIGNUP, newcomer(username=name + letters()[:1]))
        assert r.status_code in (200, 400), r.text
