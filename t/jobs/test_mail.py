# SPDX-License-Identifier: GPL-3.0-or-later
"""Mails as files: recipients, content and language."""

import pathlib
import re
import stat

import pytest

from fake_smtp import parse
from queue_tools import queue, wait_state

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORLD = "ana-and-friends"
STACK = {"web": False}
SETTINGS = {"site_origin": "https://front.example"}

ANA, BOB, CARLA, DORA, EMIL, FAY, NINA, GONE = range(1, 9)


def plain(message):
    return message.get_body("plain").get_content()


def html(message):
    return message.get_body("html").get_content()


def test_verification(stack):
    done = queue(stack, "mail_verification", {"account_id": NINA})
    message = stack.mail_message("nina@example.org")
    wait_state(stack, done, "done")
    code = re.search(r"\b\d{6}\b", plain(message)).group()
    link = f"https://front.example/verify-email?code={code}"
    assert link in plain(message)
    assert f'href="{link}"' in html(message)
    assert code in html(message)
    assert message["Subject"] == \
        "Verification of MoviesXMovies account for nina"
    assert message["From"].addresses[0].addr_spec == "movies@example.org"
    assert message["From"].addresses[0].display_name == "MoviesXMovies"
    assert message["To"] == "nina@example.org"
    assert message["Message-ID"].endswith("@example.org>")
    assert message["Date"].datetime.tzinfo is not None
    assert stack.sql(
        "SELECT digest IS NOT NULL, tries, "
        "expires_at BETWEEN now() + interval '23 hours 50 minutes' "
        "AND now() + interval '24 hours' FROM code "
        "WHERE user_id = %s AND purpose = 'verification'",
        [NINA]) == [(True, 0, True)]


def test_the_file_is_whole_and_private(stack):
    queue(stack, "mail_verification", {"account_id": NINA})
    stack.mail_message("nina@example.org")
    for path in stack.mail_dir.iterdir():
        assert re.fullmatch(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{8}\.eml",
                            path.name)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        data = path.read_bytes()
        assert b"\r\n" in data and b"\n" not in data.replace(b"\r\n", b"")


def test_each_mail_has_a_code_of_its_own(stack):
    codes = set()
    for _ in range(3):
        queue(stack, "mail_verification", {"account_id": NINA})
        codes.add(stack.mail("nina@example.org"))
    assert len(codes) > 1


@pytest.mark.parametrize("user, address, words", [
    (BOB, "bob@example.org", "choose a new password"),
    (CARLA, "carla@example.org", "elegir una contraseña nueva"),
    (DORA, "dora@example.org", "choisir un nouveau mot de passe"),
    (EMIL, "emil@example.org", "wählen Sie ein neues Passwort"),
])
def test_reset_in_the_language_of_the_account(stack, user, address, words):
    queue(stack, "mail_reset", {"account_id": user})
    message = stack.mail_message(address)
    assert words in plain(message)
    code = re.search(r"\b\d{6}\b", plain(message)).group()
    link = (f"https://front.example/reset-password?code={code}"
            f"&email={address.replace('@', '%40')}")
    assert link in plain(message)
    assert link.replace("&", "&amp;") in html(message)
    assert stack.value(
        "SELECT expires_at BETWEEN now() + interval '14 minutes' "
        "AND now() + interval '15 minutes' FROM code "
        "WHERE user_id = %s AND purpose = 'reset'", [user])


@pytest.mark.parametrize("name, account", [
    ("mail_verification", ANA),     # verified already
    ("mail_verification", GONE),    # switched off
    ("mail_reset", GONE),
    ("mail_reset", 12345),          # deleted meanwhile
])
def test_no_mail_where_none_is_due(stack, name, account):
    before = len(list(stack.mail_dir.iterdir()))
    done = queue(stack, name, {"account_id": account})
    wait_state(stack, done, "done")
    assert len(list(stack.mail_dir.iterdir())) == before


@pytest.mark.parametrize("payload", [
    {}, {"account_id": None}, {"account_id": "seven"}, {"account_id": []},
    [], 7, {"account_id": 10 ** 30},
])
def test_a_payload_that_makes_no_sense_is_given_up(stack, payload):
    bad = queue(stack, "mail_reset", payload or {"x": 1})
    row = wait_state(stack, bad, "failed")
    assert row["attempts"] == 1
    assert row["last_error"]


def test_the_folder_is_away(stack):
    away = stack.base / "mail-away"
    stack.mail_dir.rename(away)
    try:
        waiting = queue(stack, "mail_verification", {"account_id": NINA})
        row = wait_state(stack, waiting, "queued", attempts=1)
        assert "No such file" in row["last_error"]
        assert 5 < row["due_in"] < 15
    finally:
        away.rename(stack.mail_dir)
    stack.sql("UPDATE job SET run_at = now() WHERE id = %s", [waiting])
    assert wait_state(stack, waiting, "done")["attempts"] == 2


KINDS = ["account_removed", "account_taken", "address_changed", "reset", "verification"]


def test_the_kinds_here_are_all():
    table = (ROOT / "src/mails.def").read_text()
    assert re.findall(r"^MAIL\((\w+),", table, re.M) == KINDS


@pytest.mark.parametrize("lang", ["en", "es", "fr", "de"])
@pytest.mark.parametrize("kind", KINDS)
def test_fault_42_every_mail_is_in_the_language(stack, kind, lang):
    """Fault 42: no mail is in a language other than that of the account. It is
    parsed strictly, with a name and values that need all encodings."""
    name = "Жанна-d'Arc".replace("'", "") + "é" * 60
    stack.sql("UPDATE account SET username = %s, preferred_language = %s "
              "WHERE id = %s", [name, lang, NINA])
    try:
        queue(stack, f"mail_{kind}", {"account_id": NINA,
                                      "value": "<Provider> & Söhne"})
        stack.mail_message("nina@example.org")
        path = max(stack.mail_dir.iterdir(), key=lambda p: p.name)
        message = parse(path.read_bytes())
    finally:
        stack.sql("UPDATE account SET username = 'nina', "
                  "preferred_language = 'en' WHERE id = %s", [NINA])
    assert name in message["Subject"]
    assert message["Content-Language"] == lang
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "multipart/alternative"
    assert [p.get_content_type() for p in message.iter_parts()] == \
        ["text/plain", "text/html"]
    assert name in plain(message)
    assert f'<html lang="{lang}">' in html(message)
    assert "<Provider>" not in html(message)
    if kind == "account_taken":
        assert "<Provider> & Söhne" in plain(message)
        assert "&lt;Provider&gt; &amp; Söhne" in html(message)
    has_code = re.search(r"^    \d{6}\r?$", plain(message), re.M)
    assert bool(has_code) == (kind in ("reset", "verification"))


def test_to_another_address_than_that_of_the_account(stack):
    done = queue(stack, "mail_address_changed",
                 {"account_id": EMIL, "email": "old@example.org"})
    message = stack.mail_message("old@example.org")
    wait_state(stack, done, "done")
    assert message["To"] == "old@example.org"
    assert "emil" in message["Subject"]
    assert message["Content-Language"] == "de"
    assert stack.value("SELECT payload FROM job WHERE id = %s", [done]) == \
        {"account_id": EMIL}, "the address is not stored any longer"


@pytest.mark.parametrize("address", [
    "old@example.org\r\nBcc: eve@example.org", "old@example.org, eve@x.org",
    "old", "Old <old@example.org>", "",
])
def test_an_address_that_is_none_is_given_up(stack, address):
    bad = queue(stack, "mail_address_changed",
                {"account_id": EMIL, "email": address})
    row = wait_state(stack, bad, "failed")
    assert row["attempts"] == 1
    assert row["last_error"] == "an address or the subject is invalid"


def test_no_address_and_no_code_in_the_log(stack):
    queue(stack, "mail_verification", {"account_id": NINA})
    code = stack.mail("nina@example.org")
    stack.wait_log("mail_verification: done", "mxm-jobs")
    assert "nina@" not in stack.log("mxm-jobs")
    assert code not in stack.log("mxm-jobs")
