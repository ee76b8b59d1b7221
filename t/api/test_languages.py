# SPDX-License-Identifier: GPL-3.0-or-later
"""Languages: which one an answer is in, that it is named, and that only sentences
and names differ between them."""

import json
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

import world

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import contract  # noqa: E402
from stack import ROOT  # noqa: E402

REFRESH, SIGNUP = "/api/auth/refresh/", "/api/auth/signup/"
LANGUAGES = ("en", "es", "fr", "de")
BAD = {"refresh": "nonsense"}


def sentence(client, query="", accept=None):
    """The language of an error without an account; the header says the same
    as the sentence."""
    headers = {} if accept is None else {"Accept-Language": accept}
    r = client.post(REFRESH + query, BAD, headers=headers)
    assert r.status_code == 401
    said = {text: code for code, text in texts("TOKEN_INVALID").items()}
    got = said[r.json()["detail"]]
    assert r.headers["Content-Language"] == got
    assert "Accept-Language" in r.headers["Vary"]
    return got


def texts(name):
    """A message in all languages."""
    found = {}
    for code in LANGUAGES:
        source = (ROOT / f"src/i18n/{code}.def").read_text()
        found[code] = re.search(rf'^MSG\({name}, "(.*)"\)$', source,
                                re.M).group(1)
    return found


@pytest.mark.parametrize("accept,want", [
    (None, "en"), ("", "en"), ("fr", "fr"), ("fr-CA, en", "fr"),
    ("de;level=1;q=0.1, fr;q=0.5", "fr"),
    ("de-DE", "de"), ("de_DE", "de"), ("DE-de;q=0.9, en;q=0.8", "de"),
    ("it, ja;q=0.9, es;q=0.1", "es"), ("it, ja", "en"), ("q=1;;,,;", "en"),
])
def test_accept_language(client, accept, want):
    assert sentence(client, accept=accept) == want


@pytest.mark.parametrize("accept", ["*;q=0.8, en;q=0", "en;q=0, *;q=0.8"])
def test_excluded_english(client, accept):
    assert sentence(client, accept=accept) != "en"


@pytest.mark.parametrize("query,want", [
    ("?lang=de", "de"), ("?lang=de-DE", "de"), ("?lang=de_DE", "de"),
    ("?lang=xx", "en"), ("?lang=", "en"), ("?lang", "en"),
    ("?lang=fr&lang=de", "de"), ("?lang=de&lang=xx", "en"),
    ("?lang=en&l%61ng=es", "es"), ("?language=de", "fr"), ("?slang=de", "fr"),
])
def test_lang_wins_over_the_header(client, query, want):
    assert sentence(client, query, "fr") == want


@pytest.mark.parametrize("query", ["?lang=fr&lang=de", "?lang=de_AT",
                                   "?lang=xx&lang=de-DE"])
def test_of_two_the_last_counts_everywhere_alike(stack, client, query):
    """In the sentence, in the account, and in the mail that follows."""
    name = "k" + str(abs(hash(query)))[:12]
    body = {"username": name, "email": f"{name}@example.org",
            "first_name": "K", "last_name": "L", "password": "short"}
    r = client.post(SIGNUP + query, body)
    assert r.status_code == 400
    assert r.headers["Content-Language"] == "de"
    body["password"] = world.PASSWORD
    assert client.post(SIGNUP + query, body).status_code == 200
    assert stack.value("SELECT preferred_language FROM account "
                       "WHERE username = %s", [name]) == "de"


def test_of_the_account(carla):
    """Neither parameter nor header overrides it; users 1.4."""
    r = carla.get("/api/movies/nonsense/?lang=fr",
                  headers={"Accept-Language": "de"})
    assert r.status_code == 404
    assert r.headers["Content-Language"] == "es"
    assert r.json()["error"] == texts("NOT_FOUND")["es"]


def test_fault_42_every_refusal_of_a_sign_up_is_translated(client):
    seen = set()
    for code in LANGUAGES:
        r = client.post(f"{SIGNUP}?lang={code}", {})
        assert r.status_code == 400
        assert r.headers["Content-Language"] == code
        seen.add(json.dumps(r.json(), sort_keys=True))
    assert len(seen) == len(LANGUAGES)


def test_fault_31_labels_are_cached_by_language(stack):
    """One user reads in two languages, through the cache."""
    emil = stack.client("emil")
    said = {}
    for code in ("de", "fr", "de", "fr"):
        emil.language(code)
        r = emil.get("/api/genres/")
        assert r.headers["Content-Language"] == code
        assert said.setdefault(code, r.content) == r.content
    assert said["de"] != said["fr"]
    emil.language("de")


def outline(value, key=None):
    """A JSON value without its sentences: what must be equal in all
    languages. Texts that are shown to users are replaced by their type."""
    if isinstance(value, dict):
        return {k: outline(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [outline(v, key) for v in value]
    if isinstance(value, str) and key in SHOWN:
        return "text"
    return value


SHOWN = {"title", "synopsis", "name", "biography", "text", "reasons",
         "because", "message", "cover", "image"}


def test_numbers_dates_and_codes_are_the_same(stack):
    """Of every answer that is cached by language."""
    emil = stack.client("emil")
    for path in ("/api/movies/heat/", "/api/genres/", "/api/movies/",
                 "/api/movies/searching/?limit=5", "/api/platforms/"):
        got = {}
        for code in LANGUAGES:
            emil.language(code)
            r = emil.get(path)
            assert r.status_code == 200
            got[code] = outline(r.json())
            if path == "/api/genres/":  # sorted by the translated name
                got[code] = sorted(got[code], key=json.dumps)
        assert got["es"] == got["en"] and got["fr"] == got["en"]
        assert got["de"] == got["en"]
    emil.language("de")


def operations():
    return [o for o in contract.operations(contract.load(),
                                           contract.load_pending())
            if not o.outside and not o.pending]


@pytest.mark.parametrize("operation", operations(), ids=lambda o: o.id)
def test_every_error_has_a_language(client, operation):
    """Anonymous callers, a method that no path has, paths that do not exist."""
    path = re.sub(r"{.*?}", "1", operation.path)
    for method, address in ((operation.method, path), ("TRACE", path),
                            (operation.method, path + "none/none/none/")):
        r = client.request(method, address, check=False,
                           headers={"Accept-Language": "fr"})
        if r.status_code >= 400 and r.content:
            # nginx refuses TRACE itself, in English
            assert r.headers["Content-Language"] in ("fr", "en"), address
            assert method == "TRACE" or \
                r.headers["Content-Language"] == "fr", address
            assert "Accept-Language" in r.headers["Vary"] or \
                method == "TRACE"


def test_nginx_names_the_language_of_its_errors(client):
    r = client.request("POST", SIGNUP, data=b"x" * (7 << 20), check=False)
    assert r.status_code == 413
    assert r.headers["Content-Language"] == "en"
    r = client.get("/media/none.jpg", check=False)
    assert r.status_code == 404 and r.headers["Content-Language"] == "en"


# ------------------------------------------------------------------- build --

@pytest.fixture(scope="module")
def compile_copy(build, tmp_path_factory):
    """Compiles a source of a changed copy of src/."""
    copy = tmp_path_factory.mktemp("src")
    shutil.copytree(ROOT / "src", copy / "src")
    flags = subprocess.run(
        ["pkg-config", "--cflags", "talloc"], capture_output=True, text=True,
        check=True).stdout.split()

    def attempt(source):
        return subprocess.run(
            ["cc", "-std=c11", "-fsyntax-only", f"-I{copy}/src", f"-I{build}",
             *flags, f"{copy}/src/{source}"], capture_output=True, text=True)
    return copy / "src", attempt


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_missing_translation_does_not_build(compile_copy, code):
    src, attempt = compile_copy
    assert attempt("i18n/msg.c").returncode == 0
    path = src / f"i18n/{code}.def"
    whole = path.read_text()
    lines = [line for line in whole.splitlines(True)
             if not line.startswith("MSG(TOKEN_INVALID,")]
    try:
        path.write_text("".join(lines))
        done = attempt("i18n/msg.c")
        assert done.returncode != 0
        path.write_text("".join(lines) + 'MSG(TOKEN_INVALID, "x")\n')
        assert attempt("i18n/msg.c").returncode != 0  # another place
    finally:
        path.write_text(whole)
