# SPDX-License-Identifier: GPL-3.0-or-later
"""Status line and headers as required by RFC 9110, of answers of the program
and of nginx, for raw requests that client libraries cannot send."""

import json
import re
import socket
import subprocess

import pytest

from stack import ROOT

BEARER = 'Bearer realm="api"'
BAD = BEARER + ', error="invalid_token"'
HEAT = "/api/movies/heat/"
EVIL = "evil.example.org"


def is_whole(data):
    """Whether an answer with Content-Length has arrived."""
    head, _, body = data.partition(b"\r\n\r\n")
    size = re.search(rb"(?i)^content-length: (\d+)", head, re.M)
    return size is not None and len(body) >= int(size[1])


def raw(stack, text, enough=lambda data: False):
    """Status, headers (small letters) and body of what comes for these bytes until
    nginx closes, which takes 5 s with a body that is not sent, or it is enough."""
    with socket.create_connection(("127.0.0.1", stack.port), 60) as s:
        s.sendall(text if isinstance(text, bytes) else text.encode())
        data = b""
        try:
            while not enough(data) and (piece := s.recv(65536)):
                data += piece
        except ConnectionResetError:
            pass  # that is how nginx ends a body it waits for in vain
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(": ")
        name = name.lower()
        headers[name] = ", ".join(filter(None, [headers.get(name), value]))
    return int(lines[0].split()[1]), headers, body


def line(stack, start, *headers):
    return raw(stack, "\r\n".join((start, "Host: " + EVIL, *headers,
                                   "Connection: close", "", "")))


def is_json(headers, body):
    assert headers["content-type"] in ("application/json",
                                       "application/problem+json")
    assert json.loads(body)["error"]
    assert headers["x-content-type-options"] == "nosniff"  # and once
    assert "x-request-id" in headers
    return True


# -------------------------------------------------------------- who is it --

@pytest.mark.parametrize("header, wanted", [
    (None, BEARER), ("", BEARER), ("Basic YTpi", BEARER),
    ("Bearer", BAD), ("Bearer a b", BAD), ("Bearer nonsense", BAD)])
def test_every_401_says_how(client, header, wanted):
    headers = {} if header is None else {"Authorization": header}
    for path in (HEAT, "/api/users/"):
        r = client.get(path, headers=headers)
        assert r.status_code == 401
        assert r.headers["WWW-Authenticate"] == wanted


def test_a_refused_log_in_says_how_too(client):
    r = client.post("/api/auth/login/", json={"username": "ana",
                                              "password": "wrong"})
    assert r.status_code == 401
    assert r.headers["WWW-Authenticate"] == BEARER
    r = client.post("/api/auth/refresh/", json={"refresh": "nonsense"})
    assert r.status_code == 401
    assert r.headers["WWW-Authenticate"] == BEARER


def test_every_guarded_route_says_how(client, stack):
    for route in json.loads(stack.ctl("--json routes").stdout):
        if route["guard"] == "PUBLIC":
            continue
        path = re.sub(r"\{.*?\}", "none", route["path"])
        r = client.request(route["method"], path)
        assert r.status_code == 401
        assert r.headers["WWW-Authenticate"] == BEARER


# -------------------------------------------------------------- addresses --

@pytest.mark.parametrize("path", ["/api", "/api/"])
def test_the_index(client, stack, path):
    r = client.get(path, headers={"Host": EVIL})
    assert r.status_code == 200
    index = r.json()
    assert index["name"] == "moviesxmovies"
    origin = stack.settings()["public_origin"]
    for key in ("docs", "schema", "health"):
        assert index[key].startswith(origin + "/")
        r = client.get(index[key].removeprefix(origin))
        assert r.status_code == 200
    r = client.request("HEAD", path)
    assert r.status_code == 200 and int(r.headers["Content-Length"]) > 20
    assert client.request("OPTIONS", path).status_code == 204
    r = client.request("DELETE", path)
    assert r.status_code == 405 and "GET" in r.headers["Allow"]
    r = client.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
    assert r.status_code == 302 and r.headers["Location"] == "/api/docs/"
    assert "Accept" in r.headers["Vary"]
    r = client.get(path, headers={"Accept": "application/json, text/html"})
    assert r.status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_root_leads_to_the_page(client, method):
    r = client.request(method, "/", headers={"Host": EVIL})
    assert r.status_code == 302 and r.headers["Location"] == "/api/docs/"
    assert not r.content
    assert client.post("/").status_code == 405


@pytest.mark.parametrize("path", [
    "/media", "/media/users", "/media/users/", "/media/../media/users",
    "/media//users", "/api/docs/x", "//api", "/api//", "/api//genres/",
    "/api/./genres/../none", "//evil.example.org/", "//evil.example.org/..",
    "/%2Fevil.example.org", "/\\evil.example.org", "/api%2Fgenres/",
    "/healthz//", "/readyz/x", "/.git/config", "/media/.hidden"])
def test_no_path_is_led_elsewhere(stack, path):
    (stack.media / "users").mkdir(exist_ok=True)
    status, headers, body = line(stack, f"GET {path} HTTP/1.1")
    assert status in (400, 404), status
    assert "location" not in headers and is_json(headers, body)
    assert EVIL.encode() not in body or EVIL in path


@pytest.mark.parametrize("target", [
    "http://evil.example.org/api", "http://evil.example.org/api/",
    "http://evil.example.org/healthz"])
def test_an_absolute_target_is_the_path(stack, target):
    status, headers, body = line(stack, f"GET {target} HTTP/1.1")
    assert status == 200 and EVIL.encode() not in body


@pytest.mark.parametrize("path", [
    "/api/genres/%0d%0aSet-Cookie:x=1", "/media/%0d%0aSet-Cookie:x=1",
    "/%0d%0aLocation:%20//evil.example.org", "/api%0d%0aX: 1".replace(" ", "")])
def test_a_path_adds_no_header(stack, path):
    status, headers, body = line(stack, f"GET {path} HTTP/1.1")
    assert status in (400, 401, 404) and is_json(headers, body)
    assert not {"set-cookie", "location", "x"} & headers.keys()


# -------------------------------------------------- what nginx says itself --

HEAD = "GET /api/genres/ HTTP/1.1\r\nHost: x\r\n"
POST = "POST /api/auth/login/ HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize("text, wanted", [
    ("GET /api/ HTTP/1.1\r\n\r\n", {400}),
    ("GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
    ("GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
    ("GET /../x HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
    ("GET * HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
    ("GET /api/ HTTP/3.0\r\nHost: x\r\n\r\n", {505}),
    ("G@T /api/ HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
    ("GET /" + "a" * 40000 + " HTTP/1.1\r\nHost: x\r\n\r\n", {414}),
    (HEAD + "X: " + "a" * 40000 + "\r\n\r\n", {431}),
    (HEAD + "Host: y\r\n\r\n", {400}),
    (POST + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x", {400}),
    (POST + "Content-Length: -1\r\n\r\n", {400}),
    (POST + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
     "2\r\n{}\r\n0\r\n\r\n", {400}),
    (POST + "Transfer-Encoding: gzip\r\n\r\n", {501}),
    (POST + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", {400}),
    (POST + "Content-Length: 99999999\r\n\r\n", {413}),
    ("CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", {400, 405}),
    ("GET /media/x.png HTTP/1.1\r\nHost: x\r\n"
     "Range: bytes=5000-\r\n\r\n", {416}),
    ("GET /media/x.png HTTP/1.1\r\nHost: x\r\n"
     'If-Match: "another"\r\n\r\n', {412}),
])
def test_its_errors_are_json(stack, text, wanted):
    (stack.media / "x.png").write_bytes(bytes(100))
    status, headers, body = raw(stack, text.replace(
        "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
    assert status in wanted, (status, body)
    assert is_json(headers, body)


def test_its_sentences_are_those_that_are_shipped():
    made = subprocess.run(
        ["awk", "-f", ROOT / "nginx/texts.awk",
         *(ROOT / f"src/i18n/{lang}.def" for lang in ("de", "en", "es", "fr"))],
        capture_output=True, check=True).stdout
    assert (ROOT / "nginx/mxm-texts.conf").read_bytes() == made
    assert made.count(b'"";') == 0


SENTENCE = {"en": "The request body is too large.",
            "de": "Der Inhalt der Anfrage ist zu groß.",
            "es": "El cuerpo de la petición es demasiado grande.",
            "fr": "Le corps de la requête est trop volumineux."}


@pytest.mark.parametrize("query, accept, lang", [
    ("", None, "en"), ("", "de", "de"), ("", "DE-at", "de"), ("", "de_DE", "de"),
    ("", "es-MX, en;q=0.5", "es"), ("", "pt, fr;q=0.8, en;q=0.5", "fr"),
    ("", "de;q=0.1, fr", "fr"), ("", "de;q=0, es;q=0.3", "es"),
    ("", "de; q=0.000 , es ; q=0.3", "es"), ("", "den, esx, frfr", "en"),
    ("", "*", "en"), ("", ",;,=" * 900, "en"), ("", "de;q=0", "en"),
    ("?lang=fr", "de", "fr"), ("?lang=xx", "de", "en"), ("?lang=en", "de", "en"),
    ("?lang=de&lang=es&x=1", "fr", "es"), ("?lang=de&lang=xx", "fr", "en"),
    ("?a=1&lang=de-AT", None, "de"), ("?xlang=es", "de", "de"),
    ("?lang=den", "fr", "en")])
def test_its_errors_are_in_the_language_of_the_request(stack, query, accept,
                                                       lang):
    more = f"Accept-Language: {accept}\r\n" if accept else ""
    status, headers, body = raw(
        stack, f"POST /api/auth/login/{query} HTTP/1.1\r\nHost: x\r\n{more}"
        "Connection: close\r\nContent-Length: 99999999\r\n\r\n", is_whole)
    assert status == 413 and is_json(headers, body)
    assert json.loads(body) == {"error": SENTENCE[lang.lower()]}
    assert headers["content-language"].lower() == lang


@pytest.mark.parametrize("start, more, status, key, text", [
    ("TRACE /media/x.png", "", 405, "detail",
     "Die Methode „TRACE“ ist nicht erlaubt."),
    ("GET /media/none.png", "", 404, "message",
     "Die angeforderte Ressource wurde nicht gefunden."),
    ("GET /media/x.png", "Range: bytes=5000-", 416, "error",
     "Der angeforderte Bereich ist nicht verfügbar."),
    ("GET /media/x.png", 'If-Match: "another"', 412, "error",
     "Eine Bedingung der Anfrage ist nicht erfüllt."),
    ("POST /api/auth/login/", "Transfer-Encoding: gzip", 501, "error",
     "Der Server unterstützt nicht, was die Anfrage verlangt.")])
def test_other_errors_in_german(stack, start, more, status, key, text):
    (stack.media / "x.png").write_bytes(bytes(100))
    found, headers, body = line(stack, f"{start} HTTP/1.1",
                                "Accept-Language: de", *filter(None, [more]))
    assert found == status and is_json(headers, body)
    assert json.loads(body)[key] == text
    assert headers["content-language"] == "de"


@pytest.mark.parametrize("path, allow", [
    ("/api/genres/", "GET, HEAD, OPTIONS"),
    ("/api/auth/login", "OPTIONS, POST"),
    ("/media/x.png", "GET, HEAD, OPTIONS")])
@pytest.mark.parametrize("method", ["TRACE", "PATCH", "BREW"])
def test_405_names_the_methods_of_the_path(stack, method, path, allow):
    (stack.media / "x.png").write_bytes(bytes(100))
    status, headers, body = line(stack, f"{method} {path} HTTP/1.1",
                                 "Max-Forwards: 0")
    assert status == 405 and is_json(headers, body)
    assert set(headers["allow"].split(", ")) == set(allow.split(", "))
    assert method in json.loads(body)["detail"]


def test_405_without_the_program_is_503(stack):
    stack.mxmd.stop()
    try:
        status, headers, body = line(stack, "TRACE /api/genres/ HTTP/1.1",
                                     "Accept-Language: fr")
        assert status == 503 and is_json(headers, body)
        assert json.loads(body)["error"] == (
            "Le service n’est pas disponible pour le moment."
            " Réessayez dans 2 secondes.")
        assert headers["content-language"] == "fr"
    finally:
        stack.start_mxmd()


def test_every_status_of_nginx_has_a_page():
    """Those it can answer itself, of its source (ngx_http_request.h)."""
    text = (ROOT / "nginx/mxm-errors.conf").read_text()
    named = set(map(int, re.findall(
        r"\d{3}", " ".join(re.findall(r"^error_page (.*?) [=$/]", text,
                                      re.MULTILINE)))))
    assert named >= {400, 403, 404, 405, 408, 411, 412, 413, 414, 416, 421,
                     429, 494, 495, 496, 497, 500, 501, 502, 503, 504, 505,
                     507}


def test_a_body_is_asked_for_only_when_it_is_wanted(stack):
    status, _, _ = raw(stack, POST + "Expect: 100-continue\r\n"
                       "Connection: close\r\nContent-Length: 2\r\n\r\n{}")
    assert status == 100
    status, _, _ = raw(stack, POST + "Expect: 100-continue\r\n"
                       "Connection: close\r\nContent-Length: 99999999\r\n\r\n")
    assert status == 413


# ------------------------------------------------------------- validators --

def test_if_none_match(ana):
    tag = ana.get(HEAT).headers["ETag"]
    strong = tag.removeprefix("W/")
    for value in (tag, strong, "*", f'"a", {tag}', f'W/"a,b" ,{strong}',
                  f"{tag}, "):
        r = ana.get(HEAT, headers={"If-None-Match": value})
        assert r.status_code == 304 and not r.content, value
        assert "Vary" in r.headers and "Content-Length" not in r.headers
        r = ana.request("HEAD", HEAT, headers={"If-None-Match": value})
        assert r.status_code == 304
    for value in ('"a"', strong.strip('"'), f"w/{strong}", ",", f'"a" {tag}x',
                  strong[:-1], f'W/ {strong}'):
        r = ana.get(HEAT, headers={"If-None-Match": value})
        assert r.status_code == (304 if value.endswith(f"{tag}x") else 200), \
            value


def test_head_is_get_without_the_body(ana):
    plain = {"Accept-Encoding": "identity"}
    for path in (HEAT, "/api/genres/", "/api/none/", "/api/movies/none/",
                 "/api/docs/", "/api/", "/"):
        get, head = (ana.request(m, path, headers=plain)
                     for m in ("GET", "HEAD"))
        assert head.status_code == get.status_code and not head.content
        for name in ("Content-Length", "Content-Type", "ETag", "Vary",
                     "Content-Language", "Cache-Control"):
            assert head.headers.get(name) == get.headers.get(name), (path, name)


@pytest.mark.parametrize("path, token, wanted", [
    (HEAT, True, {"Accept", "Authorization", "Origin"}),
    (HEAT, False, {"Accept", "Accept-Language", "Authorization", "Origin"}),
    ("/api/", False, {"Accept", "Accept-Language", "Origin"}),
    ("/api/none/", False, {"Accept", "Accept-Language", "Origin"}),
    ("/api/schema/", False, {"Accept", "Accept-Language", "Origin"})])
def test_vary(ana, path, token, wanted):
    more = {} if token else {"token": None}
    r = ana.get(path, headers={"Accept-Encoding": "identity"}, **more)
    found = {w.strip() for w in r.headers["Vary"].split(",")}
    assert found - {"Accept-Encoding"} == wanted


# --------------------------------------------------------------- pictures --

@pytest.mark.parametrize("name, kind", [
    ("a.jpg", "image/jpeg"), ("a.jpeg", "image/jpeg"), ("a.png", "image/png"),
    ("a.webp", "image/webp"), ("a.gif", "image/gif"), ("A.GIF", "image/gif"),
    ("a.svg", "image/svg+xml"), ("a.html", "application/octet-stream"),
    ("a", "application/octet-stream"), ("a.js", "application/octet-stream")])
def test_types_of_pictures(client, stack, name, kind):
    (stack.media / name).write_bytes(b"GIF89a<script>")
    r = client.get("/media/" + name, check=False)
    assert r.status_code == 200 and r.headers["Content-Type"] == kind
    assert r.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in r.headers["Content-Security-Policy"]
    assert "default-src 'none'" in r.headers["Content-Security-Policy"]


def test_every_format_of_uploads_has_a_type():
    """What src/api/upload.c writes, nginx names."""
    source = (ROOT / "src/api/upload.c").read_text()
    table = source.split("formats[] = {")[1].split("};")[0]
    suffixes = set(re.findall(r'\{ "(\w+)"', table))
    assert suffixes >= {"gif", "jpg", "png", "webp"}
    types = (ROOT / "nginx/mxm-media.conf").read_text().split("types {")[1]
    assert suffixes <= set(re.findall(r"\w+", types.split("}")[0]))
