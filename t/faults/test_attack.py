# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile requests to the site as the package installs it (lib/nginx_site.py),
as raw bytes through TLS: every one has its answer, in JSON where it is an error,
and either the connection is closed or the next request is the next request."""

import json
import re
import socket
import ssl
import struct
import subprocess
from types import SimpleNamespace

import pytest

import http2
import wire
from http2 import PREFACE, PSEUDO, frame
from nginx_site import HOST, Site, shell_function, write_site
from people import account
from stack import ROOT, wait_until
from wire import CLOSE, DEADLINE, HOST_LINE, NEXT, Answer, ask, read_all, talk

FRONT = "https://front.example.org"
SETTINGS = {"cors_origins": FRONT}
STACK = {"jobs": False}
MAIL = "info@example.org"


@pytest.fixture(scope="module")
def site(stack, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    made = Site(folder, stack).install()
    made.change("mxm-origins.conf", '# "https://www.example.org" 1;',
                f'"{FRONT}" 1;')
    assert "[warn]" not in made.test()
    yield made.start()
    made.stop()


@pytest.fixture(scope="module")
def hasty(stack, tmp_path_factory):
    """The site with timeouts of three seconds."""
    made = Site(tmp_path_factory.mktemp("hasty"), stack).install()
    for name, time in (("client_header_timeout", 10), ("client_body_timeout", 30),
                       ("send_timeout", 30)):
        made.change("mxm-site.conf", f"{name} {time}s", f"{name} 3s")
    yield made.start()
    made.stop()


# -------------------------------------------------------------------- TLS --

def hello(version):
    """A ClientHello of that version with common suites."""
    suites = bytes.fromhex("c02bc02fc00ac014002f0035000a0005")
    body = (version + bytes(32) + b"\0" + struct.pack("!H", len(suites)) + suites
            + b"\1\0")
    body = b"\1" + struct.pack("!I", len(body))[1:] + body
    return b"\x16" + version + struct.pack("!H", len(body)) + body


@pytest.mark.parametrize("version", [b"\3\0", b"\3\1", b"\3\2"],
                         ids=["SSL 3", "TLS 1.0", "TLS 1.1"])
def test_old_protocols_get_an_alert(site, version):
    with socket.create_connection(("127.0.0.1", site.tls_port), DEADLINE) as s:
        s.sendall(hello(version))
        data = read_all(s)
    # handshake_failure, protocol_version
    assert data[:1] == b"\x15" and data[5:7] in (b"\2\x28", b"\2\x46")


def test_ssl_2_is_not_an_answer_either(site):
    with socket.create_connection(("127.0.0.1", site.tls_port), DEADLINE) as s:
        s.sendall(bytes.fromhex("802e010002001500000010") + bytes(37))
        assert read_all(s)[:1] in (b"", b"\x15", b"H")  # "H": HTTP, status 400


@pytest.mark.parametrize("suites", [
    "AES128-GCM-SHA256:AES256-SHA", "DHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384", "aNULL:eNULL",
    "ECDHE-ECDSA-AES128-CCM8"])
def test_weak_suites_are_refused(site, suites):
    tls = wire.context()
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    tls.set_ciphers(suites + ":@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        wire.connect(site, tls)


def test_what_is_agreed_on(site):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        tls = wire.context()
        tls.minimum_version = tls.maximum_version = version
        tls.set_alpn_protocols(["h2", "http/1.1"])
        with wire.connect(site, tls) as s:
            assert s.selected_alpn_protocol() == "h2"
            assert s.compression() is None
            assert s.cipher()[2] >= 128


def test_plain_http_on_the_port_of_tls(site):
    with socket.create_connection(("127.0.0.1", site.tls_port), DEADLINE) as s:
        s.sendall(NEXT.encode())
        answer = Answer(read_all(s))
    assert answer.status == 400 and answer.is_json()


def test_strict_transport_security_is_an_option(site):
    def sent():
        return ask(site, "/api/none").headers.get("strict-transport-security")

    assert sent() is None
    site.change("mxm-hsts.conf", "#https", "https")
    site.reload()
    assert wait_until(sent, "nginx has reloaded") == "max-age=63072000"
    # a process of before may still answer
    wait_until(lambda: ask(site, "/media/none").headers.get(
        "strict-transport-security"), "and for pictures")
    site.change("mxm-hsts.conf", "https ", "#https ")
    site.reload()
    wait_until(lambda: sent() is None, "nginx has reloaded")


# ------------------------------------------------------------------ paths --

@pytest.mark.parametrize("target, statuses", [
    ("/../", {400}), ("/%2e%2e/", {400}), ("/..%2f", {400}),
    ("/api/../../etc/passwd", {400}), ("/api/../readyz", {404}),
    ("/readyz/../healthz", {404}), ("/api/%2e%2e/readyz", {404}),
    ("//readyz", {404}), ("/readyz//", {404}), ("/./readyz", {404}),
    ("/api//users/", {404}), ("//api/users/", {404}), ("/api;/users/", {404}),
    ("/api/users;x/", {404}), ("/API/users/", {404}), ("/api\\users", {404}),
    ("/api%2fusers", {404}), ("/api/users/a%2fb/", {401}),
    ("/api/users/a%2Freviews/", {401}), ("/api/users/%5c..%5c/", {401}),
    ("/api/users/..;/", {401}), ("/api/users/x%00/", {400}), ("/%00", {400}),
    ("/api/users/\0/", {400}), ("/api/%", {400}), ("/api/%zz", {400}),
    ("/api/%u002e%u002e/", {400}), ("/api/users/%c0%ae%c0%ae/", {400}),
    ("/api/users/%e0%80%ae/", {400}), ("/api/users/%ed%a0%80/", {400}),
    ("/api/users/\xff/", {400}), ("/api/users/a\x01b/", {400}),
    ("/api/users/a b/", {400}), ("/api/users/%0d%0aX:y/", {401}),
    ("/_mxm/503", {404}), ("/%5fmxm/404", {404}), ("/@mxm_405", {404}),
    ("/.env", {404}), ("/.git/config", {404}), ("/server-status", {404}),
    ("*", {400}), ("api/", {400}), ("?x", {400}), ("evil.example.org:443", {400}),
    ("http:///healthz", {400}), ("http://user:pw@evil.example.org/", {400})])
def test_paths(site, target, statuses):
    answer = ask(site, target)
    assert answer.status in statuses
    assert "location" not in answer.headers and b"evil" not in answer.body


def test_the_slow_pool_is_not_passed_by(site):
    """What the program takes for a log-in, nginx does too."""
    map_file = (ROOT / "nginx/mxm-map.conf").read_text()
    assert '"POST /api/auth/login/" mxm_slow' in map_file
    sent = {}
    for path, status in (("/api/auth/login/", 400), ("/api/auth/%6cogin/", 400),
                         ("/api/auth//login/", 404), ("/api/auth/./login/", 404),
                         ("/api/auth/login%2f", 404),
                         ("/api/auth/x/../login/", 404)):
        answer = ask(site, path, "Content-Length: 0", method="POST")
        assert answer.status == status, path
        sent[answer.headers["x-request-id"]] = status
    for request_id, status in sent.items():
        line = site.logged(request_id)
        assert " mxm_slow " in line or status == 404, line


# Names, and how clients may write them.
NAMES = [MAIL, "a+b", "...", ".hidden", "..x", "x..", "a_b-c.d"]


def test_every_path_of_a_user_name(site, stack, ana):
    """Every route, through nginx; a name that is not special is the reference."""
    account(stack, "plain")
    for name in NAMES:
        account(stack, name)
    routes = json.loads(stack.ctl("--json routes").stdout)
    paths = {r["path"] for r in routes
             if "{username}" in r["path"] and r["method"] == "GET"}
    assert len(paths) >= 8

    def status(path, name):
        path = re.sub(r"\{.*?\}", "none", path.replace("{username}", name))
        answer = ask(site, path, f"Authorization: Bearer {ana.token}")
        found = json.loads(answer.body)
        return answer.status, found.get("model"), sorted(found)

    for path in paths:
        wanted = status(path, "plain")
        assert wanted[1] != "User", (path, wanted)
        for name in NAMES:
            encoded = "".join(f"%{b:02X}" for b in name.encode())
            for form in (name, name.replace("@", "%40").replace("+", "%2b"),
                         encoded):
                assert status(path, form) == wanted, (path, form)


def test_errors_are_json_in_every_location(site):
    """Those of nginx, wherever it answers itself."""
    for path in ("/api/", "/api", "/api/users/", "/healthz", "/readyz", "/metrics",
                 "/media/x", "/", "/_mxm/404"):
        for head, status in (
                (f"TRACE {path} HTTP/1.1\r\n{HOST_LINE}", {404, 405}),
                (f"POST {path} HTTP/1.1\r\n{HOST_LINE}"
                 "Content-Length: 99999999\r\n", {413}),
                (f"GET {path} HTTP/1.1\r\n{HOST_LINE}X: {'a' * 9000}\r\n", {431}),
                (f"GET {path} HTTP/1.1\r\n", {400})):
            answer, = talk(site, head + f"{CLOSE}\r\n")
            assert answer.status in status and answer.is_json(), (path, head)


# ------------------------------------------------------------------ hosts --

@pytest.mark.parametrize("host, status", [
    ("", 400), (HOST_LINE * 2, 400), (HOST_LINE + "Host: evil.example.org\r\n", 400),
    ("Host:\r\n", 400), ("Host: a/b\r\n", 400), ("Host: a b\r\n", 400),
    ("Host: a..b\r\n", 400), ("Host: a\x01b\r\n", 400), ("Host: a\0b\r\n", 400),
    ("Host: evil.example.org\r\n", 200), (f"Host: {HOST}:443\r\n", 200),
    (f"Host: {HOST}.\r\n", 200), (f"Host: {HOST.upper()}\r\n", 200),
    ("Host: [::1]\r\n", 200), ("Host: evil.example.org@x\r\n", 200)])
def test_hosts(site, stack, host, status):
    """An unknown host is served, but no answer is made from it."""
    answer = ask(site, "/api/", host=host)
    assert answer.status == status
    assert b"evil" not in answer.body
    if status == 200:
        origin = stack.settings()["public_origin"]
        assert json.loads(answer.body)["docs"].startswith(origin + "/")
        home = ask(site, "/", host=host)
        assert home.headers["location"] == "/api/docs/"


@pytest.mark.parametrize("target", [
    "http://evil.example.org/api/", "https://evil.example.org/api/",
    f"http://{HOST}/api/", "ftp://evil.example.org/api/"])
def test_an_absolute_target_is_its_path(site, target):
    answer = ask(site, target, host="Host: other.example.org\r\n")
    assert answer.status == 200
    assert b"evil" not in answer.body and b"other" not in answer.body


def at_port_80(site, head):
    with socket.create_connection(("127.0.0.1", site.port), DEADLINE) as s:
        s.sendall(f"{head}{CLOSE}\r\n".encode())
        return Answer(read_all(s))


@pytest.mark.parametrize("target", [
    "/", "/x?code=1", "//evil.example.org/", "/%0d%0aSet-Cookie:%20x",
    "http://evil.example.org/x", "/\\evil.example.org", "/@evil.example.org"])
def test_port_80_leads_to_this_host_only(site, target):
    answer = at_port_80(site, f"GET {target} HTTP/1.1\r\nHost: evil.example.org\r\n")
    assert answer.status == 308
    assert re.match(f"https://{re.escape(HOST)}[/?]", answer.headers["location"])
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("request_line, more, status", [
    ("TRACE / HTTP/1.1", "", 405), ("CONNECT / HTTP/1.1", "", 405),
    ("GET / HTTP/1.1", "Host: b\r\n", 400), ("GET / HTTP/x", "", 400),
    ("GET / HTTP/1.1", f"X: {'a' * 9000}\r\n", 431),
    (f"GET /{'a' * 9000} HTTP/1.1", "", 414),
    ("POST / HTTP/1.1", "Content-Length: 99999999\r\n", 413),
    ("GET /.well-known/acme-challenge/x HTTP/1.1", "", 404),
    ("GET /.well-known/acme-challenge/ HTTP/1.1", "", 404),
    ("GET /_mxm/404 HTTP/1.1", "", 404)])
def test_errors_of_port_80_are_json(site, request_line, more, status):
    answer = at_port_80(site, f"{request_line}\r\nAccept-Language: fr\r\n{HOST_LINE}"
                        f"{more}")
    assert answer.status == status and answer.is_json()
    if status in (404, 405, 413):  # nginx has read the headers
        assert answer.headers["content-language"] == "fr"
        assert "strict-transport-security" not in answer.headers


# -------------------------------------------------------- the request line --

@pytest.mark.parametrize("line, status", [
    ("GET /healthz HTTP/0.9", 400), ("GET /healthz HTTP/2.0", 505),
    ("GET /healthz HTTP/3.0", 505), ("GET /healthz HTTP/11", 505),
    ("GET /healthz HTTP/x", 400), ("GET /healthz http/1.1", 400),
    ("GET\t/healthz\tHTTP/1.1", 400), (" GET /healthz HTTP/1.1", 400),
    ("get /healthz HTTP/1.1", 400), ("Get /healthz HTTP/1.1", 400),
    ("G@T /healthz HTTP/1.1", 400), ("/healthz HTTP/1.1", 400),
    ("PRI * HTTP/2.0", 400), ("\x16\3\1\2\0\1\0\1\xfc\3\3", 400),
    ("CONNECT evil.example.org:443 HTTP/1.1", 400), ("OPTIONS * HTTP/1.1", 400),
    ("GET /healthz HTTP/1.2", 200), ("\r\n\r\nGET /healthz HTTP/1.1", 200),
    ("GET /" + "a" * 9000 + " HTTP/1.1", 414)])
def test_request_lines(site, line, status):
    answers = talk(site, f"{line}\r\n{HOST_LINE}{CLOSE}\r\n")
    assert answers[0].status == status
    # nginx throws the rest away, or the bytes after a line of HTTP/2
    assert all(a.status == 400 for a in answers[1:])
    assert status == 200 or answers[0].is_json()


@pytest.mark.parametrize("query, lang", [
    ("?lang=de&x=", "de"), ("?x=1&lang=fr-CA&x=", "fr"), ("?lang=es&lang=xx&", "en"),
    ("?x=lang=de&", "en"), ("?lang=de" + "&" * 4000, "de"), ("", "en")])
def test_what_cannot_be_read_is_answered_in_the_language_of_its_query(
        site, query, lang):
    """The headers come after the line, so Accept-Language is not known."""
    for target, status in (("/" + query + "a" * 9000, 414),
                           ("/%zz" + query, 400), ("/" + query + "\x01", 400)):
        answer, = talk(site, f"GET {target} HTTP/1.1\r\n{HOST_LINE}"
                       f"Accept-Language: pt\r\n\r\n")
        assert answer.status == status
        assert answer.headers["content-language"] == lang, target[:40]


@pytest.mark.parametrize("data", [b"GET /healthz\r\n", b"GET /api/\n",
                                  b"GET /media/users/default.png\r\n"])
def test_http_0_9_gets_nothing(site, data):
    with wire.connect(site) as s:
        s.sendall(data)
        assert read_all(s) == b""


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PROPFIND",
                                    "PURGE", "DEBUG", "BREW", "A-B", "A_B"])
def test_methods(site, method):
    for path, allow in (("/api/genres/", "GET, HEAD, OPTIONS"),
                        ("/media/users/default.png", "GET, HEAD, OPTIONS")):
        answer = ask(site, path, "Cookie: secret", method=method)
        assert answer.status == 405 and answer.headers["allow"] == allow
        assert json.loads(answer.body)["detail"] == \
            f'Method "{method}" not allowed.'
        assert b"secret" not in answer.body


# -------------------------------------------------------------- smuggling --

POST = ("POST /api/auth/refresh/ HTTP/1.1\r\n" + HOST_LINE
        + "Content-Type: application/json\r\n")
ONE = "Content-Length: 2\r\n"
TE = "Transfer-Encoding: chunked\r\n"
CHUNKS = "2\r\n{}\r\n0\r\n\r\n"


@pytest.mark.parametrize("headers, body, status", [
    ("Content-Length: 4\r\n" + TE, "0\r\n\r\n", 400),
    (TE + "Content-Length: 4\r\n", "0\r\n\r\n", 400),
    (TE + TE, CHUNKS, 400), (TE + "Transfer-Encoding: x\r\n", CHUNKS, 400),
    ("Transfer-Encoding: chunked, identity\r\n", CHUNKS, 501),
    ("Transfer-Encoding: gzip, chunked\r\n", CHUNKS, 501),
    ("Transfer-Encoding: xchunked\r\n", CHUNKS, 501),
    ("Transfer-Encoding: \x0bchunked\r\n", CHUNKS, 501),
    ("Transfer-Encoding: chunked\0\r\n", CHUNKS, 400),
    ("Transfer-Encoding:\r\n", CHUNKS, 501), ("Transfer-Encoding\r\n", "", 501),
    ("Transfer-Encoding: identity\r\n" + ONE, "{}", 501),
    ("Transfer-Encoding : chunked\r\n" + ONE, "{}", 400),
    ("Transfer-Encoding:\r\n chunked\r\n" + ONE, "{}", 400),
    (ONE + "Content-Length: 3\r\n", "{}", 400), (ONE + ONE, "{}", 400),
    ("Content-Length: 2, 2\r\n", "{}", 400), ("Content-Length: +2\r\n", "{}", 400),
    ("Content-Length: -2\r\n", "{}", 400), ("Content-Length: 0x2\r\n", "{}", 400),
    ("Content-Length: 1 2\r\n", "{}", 400), ("Content-Length: 2.0\r\n", "{}", 400),
    ("Content-Length:\r\n", "{}", 400), ("Content-Length : 2\r\n", "{}", 400),
    ("Content-Length: 9223372036854775808\r\n", "{}", 400),
    ("Content-Length: \xd9\xa2\r\n", "{}", 400),
    ("Content-Length:\r\n 2\r\n", "{}", 400),
    # chunks
    (TE, "0x2\r\n{}\r\n0\r\n\r\n", 400), (TE, "+2\r\n{}\r\n0\r\n\r\n", 400),
    (TE, "-2\r\n{}\r\n0\r\n\r\n", 400), (TE, " 2\r\n{}\r\n0\r\n\r\n", 400),
    (TE, "2\r\n{}0\r\n\r\n", 400), (TE, "2\r\n{}XX0\r\n\r\n", 400),
    (TE, "1\r\n{}\r\n0\r\n\r\n", 400), (TE, "\r\n{}\r\n0\r\n\r\n", 400),
    (TE, "2;a\nx\r\n{}\r\n0\r\n\r\n", 400),
    (TE, "ffffffffffffffff\r\n{}\r\n0\r\n\r\n", 400),
    (TE, "10000000000000002\r\n{}\r\n0\r\n\r\n", 400)])
def test_an_ambiguous_length_ends_the_connection(site, headers, body, status):
    answers = talk(site, POST + headers + "\r\n" + body + NEXT)
    assert [a.status for a in answers] == [status]
    assert answers[0].is_json() and answers[0].headers["connection"] == "close"


@pytest.mark.parametrize("headers, body", [
    (ONE, "{}"), ("Content-Length: 02 \r\n", "{}"),
    ("Content_Length: 3\r\n" + ONE, "{}"),
    ("Transfer_Encoding: chunked\r\n" + ONE, "{}"),
    ("Transfer-Encoding:  Chunked \r\n", CHUNKS), (TE, CHUNKS),
    (TE, "002\r\n{}\r\n0\r\n\r\n"), (TE, "2 \r\n{}\r\n0\r\n\r\n"),
    (TE, "2;a=b\r\n{}\r\n0\r\n\r\n"), (TE, '2;a="\r\n{}\r\n0\r\n\r\n'),
    (TE, "2;" + "a" * 70000 + "\r\n{}\r\n0\r\n\r\n"), (TE, "2\n{}\n0\n\n"),
    (TE, "2\r\n{}\r\n0\r\nContent-Length: 70\r\nX: y\r\n\r\n"),
    ("Expect: 200-ok\r\n" + ONE, "{}"), ("Content-Length: 0\r\n", "")])
def test_a_clear_length_leaves_the_next_request_alone(site, headers, body):
    """nginx accepts a bare LF and extensions of chunks; the program gets the
    length of what was read, so nobody reads them otherwise."""
    answers = talk(site, POST + headers + "\r\n" + body + NEXT)
    assert [a.status for a in answers] == [400, 200]
    assert "refresh" in json.loads(answers[0].body) and not answers[1].rest


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS", "PUT"])
@pytest.mark.parametrize("headers, body", [
    ("Content-Length: 5\r\n", "GET /"), (TE, "5\r\nGET /\r\n0\r\n\r\n")])
def test_a_body_that_is_not_expected_is_no_request(site, method, headers, body):
    """Nor on the kept connection to the program."""
    for path in ("/api/genres/", "/api/", "/", "/healthz", "/api/none",
                 "/media/users/default.png", "/media/none"):
        data = f"{method} {path} HTTP/1.1\r\n{HOST_LINE}{headers}\r\n{body}"
        with wire.connect(site) as s:
            s.sendall((data + NEXT).encode())
            found = re.findall(rb"HTTP/1.1 (\d+) ", read_all(s))
        assert len(found) == 2 and found[1] == b"200", path


def test_pipelined_requests_are_answered_in_order(site):
    numbers = range(300)
    answers = talk(site, "".join(f"GET /healthz/{n} HTTP/1.1\r\n{HOST_LINE}\r\n"
                                 f"OPTIONS /api/{n} HTTP/1.1\r\n{HOST_LINE}\r\n"
                                 for n in numbers) + NEXT)
    assert [a.status for a in answers] == [404] * 2 * len(numbers) + [200]


def test_http_1_0_has_no_chunks(site):
    answers = talk(site, POST.replace("HTTP/1.1", "HTTP/1.0") + TE + "\r\n"
                   + CHUNKS + NEXT)
    assert [a.status for a in answers] == [400]


def test_garbage_after_a_body_is_another_request(site):
    answers = talk(site, POST + ONE + "\r\n{}GARBAGE\r\n\r\n" + NEXT)
    assert [a.status for a in answers] == [400, 400]
    assert answers[1].is_json() and not answers[1].rest


# ---------------------------------------------------------------- headers --

GET = "GET /api/ HTTP/1.1\r\n" + HOST_LINE + CLOSE


@pytest.mark.parametrize("headers, status", [
    ("X: a\r\n b\r\n", 400), (" X: a\r\n", 400), ("X : a\r\n", 400),
    (": a\r\n", 400), ("X: a\0b\r\n", 400), ("X: a\rb\r\n", 400),
    ("X\x01: a\r\n", 400), ("Authorization: Bearer a\r\n" * 2, 400),
    ("X: " + "a" * 9000 + "\r\n", 431), ("Cookie: " + "a" * 9000 + "\r\n", 431),
    (("X: " + "a" * 7000 + "\r\n") * 6, 431),
    ("".join(f"X{n}: a\r\n" for n in range(10000)), 431),
    ("".join(f"X{n}: a\r\n" for n in range(100)), 200),
    ("X: " + "a" * 7000 + "\r\n", 200), ("Upgrade: h2c\r\n", 200),
    ("Upgrade: websocket\r\n", 200)])
def test_headers(site, headers, status):
    answers = talk(site, GET + headers + "\r\n")
    assert [a.status for a in answers] == [status]
    assert status == 200 or answers[0].is_json()


LOCAL = ["X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1",
         "Forwarded: for=127.0.0.1", "Remote-Addr: 127.0.0.1",
         "REMOTE_ADDR: 127.0.0.1", "True-Client-IP: 127.0.0.1"]
ELSEWHERE = ["X-Accel-Redirect: /readyz", "X-Sendfile: /etc/passwd",
             "X-Original-URL: /readyz", "X-Rewrite-URL: /readyz",
             "Request-Uri: /readyz", "REQUEST_URI: /readyz",
             "Document-Uri: /readyz", "Script-Name: /readyz",
             "X-HTTP-Method-Override: DELETE", "Proxy: http://evil.example.org/"]


def test_headers_do_not_become_parameters(site, ana):
    """The address, the path and the method are those of the connection and of
    the request line, and nobody is logged in by another header."""
    tls = wire.context()
    with socket.create_connection(("127.0.0.1", site.tls_port), DEADLINE,
                                  ("127.0.0.2", 0)) as plain:
        with tls.wrap_socket(plain, server_hostname=HOST) as s:
            s.sendall(f"GET /readyz HTTP/1.1\r\n{HOST_LINE}{CLOSE}"
                      f"{''.join(h + chr(13) + chr(10) for h in LOCAL)}\r\n"
                      .encode())
            assert Answer(read_all(s)).status == 404
    assert ask(site, "/readyz").status == 200
    plain = ask(site, "/api/").body
    assert ask(site, "/api/", *ELSEWHERE).body == plain
    token = f"Bearer {ana.token}"
    for name in ("HTTP_AUTHORIZATION", "Authorization_", "X-Authorization",
                 "HTTP-Authorization", "Proxy-Authorization"):
        assert ask(site, "/api/users/", f"{name}: {token}").status == 401
    assert ask(site, "/api/users/", f"Authorization: {token}").status == 200


@pytest.mark.parametrize("origin", [
    "https://evil.example.org", "null", "*", FRONT + ".evil.example.org",
    FRONT.upper(), FRONT.replace("https", "http"), FRONT + "/", FRONT + ":444",
    f"https://evil.example.org/{FRONT}", "https://x@front.example.org",
    f"{FRONT}, https://evil.example.org", f"https://{HOST}", "\xe9", "a" * 3000])
def test_hostile_origins(site, origin):
    def allowed(path, *headers, method="GET"):
        answer = ask(site, path, *headers, method=method)
        assert "origin" in answer.headers["vary"].lower()
        return {n: v for n, v in answer.headers.items()
                if n.startswith("access-control-")}

    for path in ("/api/users/", "/media/none.png", "/media/users/default.png"):
        assert allowed(path, f"Origin: {FRONT}")[
            "access-control-allow-origin"] == FRONT
        assert not allowed(path, f"Origin: {origin}")
        assert not allowed(path, f"Origin: {origin}", method="OPTIONS",
                           *["Access-Control-Request-Method: PUT"])


# ------------------------------------------------------------------ media --

SCRIPTS = ["a.html", "a.htm", "a.xhtml", "a.xml", "a.js", "a.css", "a.svgz",
           "a.pdf", "a.png.html", "a", "a.png.", "a.swf", "a.shtml", "a.php"]


def test_media_has_no_type_that_runs(site, stack):
    """Whatever somebody gets into the directory, and a picture is what its name
    says and nothing else; SVG is in a sandbox."""
    text = "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script>"
    for name in [*SCRIPTS, "a.png", "A.PNG", "a.jpg", "a.svg", "A.SVG"]:
        (stack.media / name).write_text(text)
        answer = ask(site, f"/media/{name}")
        suffix = name.lower().rpartition(".")[2]
        wanted = {"png": "image/png", "jpg": "image/jpeg",
                  "svg": "image/svg+xml"}.get(suffix, "application/octet-stream")
        assert answer.status == 200 and answer.headers["content-type"] == wanted
        assert answer.headers["x-content-type-options"] == "nosniff"
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'") and "sandbox" in policy
        assert "script" not in policy


def test_only_files_of_media(site, stack, tmp_path):
    """Neither what is beside it, nor hidden files, nor what a link leads to."""
    (stack.base / "secret").write_text("secret")
    (stack.media / ".hidden").write_text("secret")
    (stack.media / "users/.git").mkdir(exist_ok=True)
    (stack.media / "users/.git/config").write_text("secret")
    for name, target in (("file.png", stack.base / "secret"),
                         ("near.png", "../secret"), ("inside.png", ".hidden"),
                         ("folder", stack.base)):
        (stack.media / name).symlink_to(target)
    for path in ("../secret", "%2e%2e/secret", "..%2fsecret", "users/../../secret",
                 "users/..%2f..%2fsecret", "..\\secret", "..%5csecret",
                 "....//secret", "..;/secret", "%252e%252e/secret",
                 ".hidden", "%2ehidden", "users/.git/config", "users//.git/config",
                 "file.png", "near.png", "inside.png", "folder/secret",
                 "", "users", "users/", "users/default.png/",
                 "users/default.png/x", "users/default.png%00.html",
                 "users/default.png%20", "users/%ff.png", "/secret"):
        for prefix in ("/media/", "//media/", "/%6dedia/"):
            answer = ask(site, prefix + path)
            assert answer.status in (400, 404), path
            assert b"secret" not in answer.body
    for path in ("/media../secret", "/media..%2fsecret", "/Media/a.png"):
        assert ask(site, path).status in (400, 404)


@pytest.mark.parametrize("wanted, status", [
    ("bytes=0-9", 206), ("bytes=-5", 206), ("bytes=0-0,2-2", 200),
    ("bytes=" + ",".join(f"{n}-" for n in range(500)), 200),
    ("bytes=5000000-", 416), ("bytes=9-1", 416), ("bytes=a-b", 416),
    ("bytes=0-" + "9" * 100, 416), ("items=0-1", 200)])
def test_ranges(site, wanted, status):
    answer = ask(site, "/media/users/default.png", f"Range: {wanted}")
    assert answer.status == status
    assert status != 206 or len(answer.body) <= 10
    # the program has none
    assert ask(site, "/api/", f"Range: {wanted}").status == 200


# ---------------------------------------------------------- sizes and time --

def test_sizes_of_bodies(site, stack):
    """The paths that accept a file, of the route table, and no others."""
    routes = json.loads(stack.ctl("--json routes").stdout)
    sizes = {}
    for r in routes:
        if r["method"] not in ("POST", "PUT", "DELETE", "PATCH"):
            continue
        path = re.sub(r"\{.*?\}", "1", r["path"])
        sizes[path] = sizes.get(path, False) or any(
            i["type"] == "file" for i in r["inputs"])
    assert sorted(p for p, file in sizes.items() if file) == [
        "/api/admin/1/1/pictures/1/", "/api/auth/signup/", "/api/users/",
        "/api/users/import/"]
    for path, file in {**sizes, "/healthz": False, "/media/x": False}.items():
        # the body does not arrive: nginx refuses its length, or waits for it
        most = 17 if path == "/api/users/import/" else 6
        length = (most + 1) << 20 if file else 200_000
        if path.startswith("/api/admin/") and not file:  # a document
            length = 5 << 20
        for form in (path, path.rstrip("/")):
            with wire.connect(site) as s:
                s.sendall(f"POST {form} HTTP/1.1\r\n{HOST_LINE}"
                          "Expect: 100-continue\r\n"
                          f"Content-Length: {length}\r\n\r\n".encode())
                assert s.recv(20)[9:12] == b"413", form
    for path in ("/api/users/", "/api/auth/signup/"):
        answer = talk(site, f"POST {path} HTTP/1.1\r\n{HOST_LINE}{CLOSE}"
                      f"Content-Length: {1 << 20}\r\n\r\n" + " " * (1 << 20))
        assert answer[0].headers["content-language"] == "en"
        assert answer[0].status in (405, 413)  # of the program
        assert b"64 KiB" in answer[0].body or answer[0].status == 405


def test_slow_clients_are_ended(hasty):
    """nginx closes the connection of each without an answer."""
    waiting = []
    for data in ("", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\nA: ",
                 POST + "Content-Length: 9\r\n\r\n{", POST + TE + "\r\n5\r\n{"):
        waiting.append(wire.connect(hasty))
        waiting[-1].sendall(data.encode())
    waiting.append(socket.create_connection(("127.0.0.1", hasty.tls_port),
                                            DEADLINE))
    waiting[-1].sendall(hello(b"\3\3")[:20])
    for s in waiting:
        with s:
            assert read_all(s) == b""


def test_what_is_compressed(site, ana):
    def encoding(path, *headers):
        return ask(site, path, "Accept-Encoding: gzip, br, deflate",
                   *headers).headers.get("content-encoding")

    assert encoding("/api/schema/") == encoding("/api/docs/") == "gzip"
    assert encoding("/media/users/default.png") is None
    assert encoding("/api/users/", f"Authorization: Bearer {ana.token}") is None


# ------------------------------------------------------------------- logs --

LINE = re.compile(
    r'\S+ \[\S+\] [0-9a-f]{32} "\S* \S* \S*" \d{3} \d+ [\d.]+ [\d.-]+(?:, [\d.]+)*'
    r' mxm_\w+ "[^"]*" upstream=[\d-]+(?:, \d+)* requests=\S+ connections=\S+')


def test_logs_have_no_secrets_and_no_forged_lines(site, stack):
    secret = "code-4711"
    sent = [
        f"/api/users/{MAIL}/?x={secret}", "/api/users/info%40example.org/reviews/",
        "/api/users/info%2540example.org/", f"/reset-password?code={secret}",
        f"/accounts/google/login/callback/?state={secret}&code={secret}",
        f"/api/auth/forgot-password/?email={MAIL}", f"/{MAIL}", f"/media/{MAIL}",
        f"/api/movies-lists/{MAIL}/x/", f"/api/none#{secret}",
        f"/api/users/%ff{MAIL}/", "/api/users/a%0d%0a127.0.0.1 - x/".replace(
            " ", "%20"), "/api/users/%1b[31m/", '/api/"%22/', "/%zz" + secret,
        "/api/%C3%A9" + "%C3%A9" * 1200, "/" + "a/" * 3900 + "x@y",
        "/api/%" + "25" * 3900 + "40x"]
    ids = [ask(site, target, f"User-Agent: a\x01\"\x7f\x1b[m {'x' * n}",
               f"Referer: https://{HOST}/?code={secret}",
               f"Cookie: {secret}", f"Authorization: Bearer {secret}"
               ).headers["x-request-id"] for n, target in enumerate(sent)]
    ids.append(ask(site, "/api/", f"User-Agent: bot (+mailto:{MAIL})")
               .headers["x-request-id"])
    ids.append(talk(site, f"POST /api/auth/login/?email={MAIL} HTTP/1.1\r\n"
                    f"{HOST_LINE}Content-Length: 200000\r\n{CLOSE}\r\n"
                    + " " * 200000)[0].headers["x-request-id"])
    lines = [site.logged(i) for i in ids]
    assert '"GET /api/users/* HTTP/1.1"' in lines[0] and "/*" in lines[-4]
    assert '"POST /api/auth/login/ HTTP/1.1" 413' in lines[-1]
    logs = {p.name: p.read_text() for p in site.dir.glob("*.log")}
    logs["mxmd"] = stack.log("mxmd")
    for name, text in logs.items():
        assert secret not in text and "example.org" not in text, name
        assert not re.search(r"[^\n\x20-\x7e]", text) or name == "mxmd"
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)
    for line in logs["moviesxmovies.access.log"].splitlines():
        assert LINE.fullmatch(line), line
    for line in logs["mxmd"].splitlines():
        assert re.match(r"\S+Z \w+ mxmd\[\d+\]: ", line), line


def test_an_outage_is_in_the_access_log_only(tmp_path):
    """The error log would have the query of each request."""
    made = Site(tmp_path, SimpleNamespace(base=tmp_path))
    made.install().start()
    try:
        answer = ask(made, f"/api/auth/forgot-password/?email={MAIL}",
                     "Accept-Language: fr", f"Origin: {FRONT}")
        assert answer.status == 503 and answer.headers["retry-after"] == "2"
        assert answer.headers["content-language"] == "fr"
        line = made.logged(answer.headers["x-request-id"])
        assert " 503 " in line and " upstream=502 " in line
    finally:
        made.stop()
    for path in tmp_path.glob("*.log"):
        assert "example.org" not in path.read_text(), path


def test_a_network_is_one_address_in_limits_and_the_log(tmp_path):
    """One request is allowed; nginx believes the header X-Real-IP."""
    made = Site(tmp_path, SimpleNamespace(base=tmp_path)).install()
    made.change("mxm-http.conf", "rate=200r/s", "rate=1r/m")
    made.change("mxm-site.conf", "burst=1000 nodelay",
                "nodelay;\nset_real_ip_from 127.0.0.1")
    made.start()
    try:
        for address, status in (
                ("2001:db8:0:7::1", 503), ("2001:db8:0:7:8000::2", 429),
                ("2001:db8:0:8::1", 503), ("198.51.100.7", 503),
                ("::ffff:198.51.100.7", 429), ("198.51.100.8", 503)):
            answer = ask(made, "/api/", f"X-Real-IP: {address}",
                         "Accept-Language: es")
            assert answer.status == status, address
            assert answer.headers["content-language"] == "es"
        log = tmp_path / "moviesxmovies.access.log"
        wait_until(lambda: log.read_text().count("\n") == 6, "nginx writes its log")
        text = log.read_text()
        assert text.count(" 429 ") == text.count(" requests=REJECTED ") == 2
        assert text.count(" requests=PASSED ") == 4
    finally:
        made.stop()


# ----------------------------------------------------------------- HTTP/2 --

@pytest.mark.parametrize("change, wanted", [
    ({}, 200), ({":path": ""}, 400), ({":path": "api/"}, 400),
    ({":path": "/../"}, 400), ({":path": "/%00"}, 400), ({":path": "/a b"}, 400),
    ({":path": "*"}, 400), ({":path": "/a\r\nX: y"}, "stream"),
    ({":path": "/" + "a" * 9000}, "connection"), ({":method": "get"}, 400),
    ({":method": ""}, 400), ({":method": "GET /x HTTP/1.1\r\n"}, "stream"),
    ({":method": "TRACE"}, 405), ({":method": "CONNECT"}, 405),
    ({":scheme": "x\r\n"}, "stream"), ({":authority": "a/b"}, 400),
    ({":authority": "evil.example.org"}, 200), ({":authority": None}, 400),
    ({":path": None}, 400), ({":method": None}, 400), ({":scheme": None}, 400)])
def test_pseudo_headers_of_http_2(site, change, wanted):
    fields = {**PSEUDO, **change}
    assert http2.status(site, [(n, v) for n, v in fields.items() if v is not None]
                 ) == wanted


@pytest.mark.parametrize("name, value, wanted", [
    ("X", "a", "stream"), ("x", "a\r\nb: c", "stream"), ("x", "a\nb", "stream"),
    ("x", "a\0b", "stream"), ("x y", "a", "stream"), ("x:", "a", "stream"),
    ("", "a", "connection"), (":x", "a", 400), (":path", "/healthz", 400),
    ("host", "evil.example.org", 400), ("content-length", "x", 400),
    ("content-length", "5", 400), ("x", "a" * 9000, "connection"),
    # ignored; a request of FastCGI has no such headers
    ("connection", "close", 200), ("transfer-encoding", "chunked", 200),
    ("upgrade", "h2c", 200), ("te", "gzip", 200)])
def test_headers_of_http_2(site, name, value, wanted):
    assert http2.status(site, [*PSEUDO.items(), (name, value)]) == wanted


@pytest.mark.parametrize("headers, body, wanted", [
    ([("content-length", "5")], b"{}", 400),
    ([("content-length", "1")], b"{}", 400),
    ([("transfer-encoding", "chunked")], b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n", 415),
    ([("content-length", "2"), ("content-type", "application/json")], b"{}", 400)])
def test_bodies_of_http_2(site, headers, body, wanted):
    fields = {**PSEUDO, ":method": "POST", ":path": "/api/auth/refresh/"}
    assert http2.status(site, [*fields.items(), *headers], body) == wanted


@pytest.mark.parametrize("make", [
    lambda n, head: frame(1, 5, 2 * n + 1, head)
    + frame(3, 0, 2 * n + 1, bytes(4)),
    lambda n, head: frame(1, 1, 1, head) if n == 0 else frame(9, 0, 1, head),
    lambda n, head: frame(6, 0, 0, bytes(8)), lambda n, head: frame(4, 0, 0),
    lambda n, head: frame(2, 0, 2 * n + 1, bytes(5))],
    ids=["reset streams", "continuations", "pings", "settings", "priorities"])
def test_floods_of_http_2(site, make):
    """nginx closes the connection, and others are served meanwhile."""
    head = http2.fields_of(PSEUDO.items())
    with http2.connect(site) as s:
        try:
            s.sendall(PREFACE + b"".join(make(n, head) for n in range(100_000)))
        except OSError:
            pass
        assert ask(site, "/api/").status == 200
        read_all(s)


# ----------------------------------------------------------- the host name --

@pytest.mark.parametrize("host", ["movies.example.com", "localhost", "a.b-c.d.e",
                                  "xn--bcher-kva.example", "host" + "x" * 59,
                                  "movies.example.com:8443"])
def test_nginx_accepts_the_installed_site(tmp_path, host):
    made = Site(tmp_path).install(host)
    assert "[warn]" not in made.test()
    text = (tmp_path / "sites-enabled/moviesxmovies").read_text()
    host = host.removesuffix(":8443")
    assert text.count(f"server_name {host};") == 2
    assert f"https://{host}$request_uri" in text
    assert "example.org" not in re.sub("(?m)^#.*", "", text)


def test_no_regular_expression_has_a_numbered_group():
    """nginx has had several overflows where a later expression changes them."""
    for path in (ROOT / "nginx").glob("*.conf"):
        text = re.sub("(?m)^\\s*#.*", "", path.read_text())
        assert not re.search(r"\$\d", text), path
        for expression in re.findall(r"~\*?\s*\S*\^?[^{}\n]*", text):
            assert not re.search(r"(?<!\\)\((?!\?)", expression), expression
        names = re.findall(r"\?<(\w+)>", text)
        assert len(names) == len(set(names))
    assert "rewrite" not in (ROOT / "nginx/mxm-site.conf").read_text()


def test_http_2_of_later_versions_of_nginx(tmp_path):
    for version, on in (("1.22.1-9+deb12u3", 0), ("1.26.3-3+deb13u1", 1)):
        folder = tmp_path / version
        folder.mkdir()
        text = write_site(folder, version=version).read_text()
        assert len(re.findall("^\thttp2 on;$", text, re.M)) == on
        assert text.count(" ssl http2;") == 2 - 2 * on
        assert len(re.findall("listen .*443 ssl", text)) == 2


@pytest.mark.parametrize("answer, host", [
    ("movies.example.org", "movies.example.org"), ("localhost", "localhost"),
    (" https://Movies.Example.ORG/films?x ", "movies.example.org"),
    ("http://a.b.", "a.b"), ("a.b:8443", "a.b:8443"), ("", None), ("a b", None),
    ("a;b", None), ("a|b", None), ("a&b", None), ("$host", None), ("-a", None),
    ("..", None), ("a..b", None), ("_", None), ("bücher.example", None),
    ("a\nb", None), ("{a", None)])
def test_the_answer_to_the_question_of_debconf(answer, host):
    done = subprocess.run(
        ["sh", "-c", shell_function("config", "host_name")
         + 'host_name "$1" && echo "$host"', "sh", answer],
        capture_output=True, text=True)
    assert done.stdout == (host + "\n" if host else "")
