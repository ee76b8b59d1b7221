# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP client that sends what it is given, through TLS, to a Site
(lib/nginx_site.py), and reads until the server closes."""

import json
import re
import socket
import ssl

from nginx_site import HOST

HOST_LINE = f"Host: {HOST}\r\n"
CLOSE = "Connection: close\r\n"
NEXT = f"GET /healthz HTTP/1.1\r\n{HOST_LINE}{CLOSE}\r\n"
DEADLINE = 30


def context():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


def connect(site, tls=None):
    plain = socket.create_connection(("127.0.0.1", site.tls_port), DEADLINE)
    return (tls or context()).wrap_socket(plain, server_hostname=HOST)


def read_all(s):
    """What arrives until the server closes."""
    data = b""
    try:
        while piece := s.recv(65536):
            data += piece
    except TimeoutError:
        raise
    except OSError:
        pass  # reset
    return data


def unchunked(data):
    """The body, and what follows it."""
    body = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        body, data = body + data[:int(size, 16)], data[int(size, 16) + 2:]
        if int(size, 16) == 0:
            return body, data


class Answer:
    """status, headers (small letters; repeated ones joined), body."""

    def __init__(self, data):
        head, _, data = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        assert lines[0].startswith("HTTP/1.1 "), data
        self.status = int(lines[0].split()[1])
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(": ")
            name = name.lower()
            self.headers[name] = ", ".join(
                filter(None, [self.headers.get(name), value]))
        if self.headers.get("transfer-encoding") == "chunked":
            self.body, self.rest = unchunked(data)
        else:
            size = int(self.headers.get("content-length", 0))
            self.body, self.rest = data[:size], data[size:]

    def is_json(self):
        assert self.headers["content-type"] in (
            "application/json", "application/problem+json"), self.headers
        assert json.loads(self.body)["error"]
        assert self.headers["x-content-type-options"] == "nosniff"
        assert re.fullmatch("[0-9a-f]{32}", self.headers["x-request-id"])
        return True


def talk(site, data, tls=None):
    """The answers to these bytes, until the server closes."""
    with connect(site, tls) as s:
        try:
            s.sendall(data if isinstance(data, bytes)
                      else data.encode("latin-1"))
        except OSError:
            pass  # refused before all was sent
        rest, answers = read_all(s), []
    while rest:
        answers.append(Answer(rest))
        rest = answers[-1].rest
    return answers


def ask(site, target, *headers, method="GET", host=HOST_LINE):
    """The answer to one request with its connection closed after it."""
    lines = "".join(f"{h}\r\n" for h in headers)
    answers = talk(site, f"{method} {target} HTTP/1.1\r\n{host}{CLOSE}{lines}"
                   "\r\n")
    assert len(answers) == 1
    if answers[0].status >= 400 and method != "HEAD":
        assert answers[0].is_json()
    return answers[0]
