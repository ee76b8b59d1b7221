# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that are slow on purpose, from one address, against an nginx with as
many connections as Debian gives it: another address is served meanwhile."""

import re
import resource
import selectors
import socket
import threading
import time

import pytest

from stack import NGINX, ROOT, free_port, wait_until

MANY = 1600
DEBIAN = 768
OPEN, BODIES = 300, 64  # limit_conn in nginx/mxm-site.conf
BEAT = 5  # seconds between two bytes
OFTEN = 2  # shorter than nginx waits for the rest of what it throws away
ENOUGH = 60

POST = (b"POST /api/auth/refresh/ HTTP/1.1\r\nHost: x\r\n"
        b"Content-Length: 1000\r\nContent-Type: application/json\r\n%s\r\n{")
TOO_LARGE = (b"POST /api/auth/login/ HTTP/1.1\r\nHost: x\r\n"
             b"Content-Length: 99999999\r\n\r\n{")
NO_POST = b"POST /media/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"
GET = b"GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n"


@pytest.fixture(scope="module", autouse=True)
def many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def nginx(stack):
    """nginx(connections, lines): started anew with these."""
    conf = stack.base / "nginx/nginx.conf"
    shipped = conf.read_text()

    def restart(text):
        stack.nginx.stop()
        conf.write_text(text)
        stack.nginx.start([NGINX, "-e", stack.base / "log/nginx-error.log",
                           "-c", conf])
        wait_until(lambda: stack.status_of("/healthz") == 200, "nginx answers",
                   alive=stack.nginx)

    def change(connections=DEBIAN, lines=""):
        text = re.sub(r"worker_connections \d+;",
                      f"worker_connections {connections};", shipped)
        restart(text.replace("http {\n", "http {\n" + lines, 1))

    yield change
    restart(shipped)


class Crowd:
    """Many connections from 127.0.0.1 that send `first` and then, every few
    seconds, a byte of `drip`; what they are answered is read, unless deaf."""

    def __init__(self, port, first, drip=b"", count=MANY, deaf=False,
                 beat=BEAT):
        self.port, self.first, self.drip = port, first, drip
        self.deaf, self.beat = deaf, beat
        self.selector = selectors.DefaultSelector()
        self.answers, self.open = {}, set()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.count = count

    def __enter__(self):
        for n in range(self.count):
            s = socket.socket()
            if self.deaf:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            s.bind(("127.0.0.1", 0))
            s.settimeout(ENOUGH)
            s.connect(("127.0.0.1", self.port))
            self.answers[s] = b""
            first = self.first
            try:
                s.sendall(first(n) if callable(first) else first)
            except OSError:  # closed already
                continue
            s.setblocking(False)
            self.open.add(s)
            if not self.deaf:
                self.selector.register(s, selectors.EVENT_READ)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        for s in self.answers:
            s.close()

    def _gone(self, s):
        self.open.discard(s)
        self.selector.unregister(s)

    def _read(self, s):
        try:
            data = s.recv(65536)
        except OSError:
            data = b""
        self.answers[s] += data
        if not data:
            self._gone(s)

    def _run(self):
        beat = time.monotonic() + self.beat
        while not self.over.is_set():
            for key, _ in self.selector.select(0.1):
                self._read(key.fileobj)
            if not self.drip or time.monotonic() < beat:
                continue
            beat = time.monotonic() + self.beat
            for s in list(self.open):
                try:
                    s.send(self.drip)
                except OSError:
                    self._gone(s)

    def statuses(self):
        return [a.split(b" ", 2)[1] for a in self.answers.values() if a]


def ask(stack, path="/healthz", source="127.0.0.2", head=b"", timeout=ENOUGH):
    """The status and the bytes of one request from another address."""
    with socket.socket() as s:
        s.settimeout(timeout)
        s.bind((source, 0))
        s.connect(("127.0.0.1", stack.port))
        s.sendall(GET % (path.encode(), b"Connection: close\r\n" + head))
        data = b""
        while piece := s.recv(65536):
            data += piece
    if not data:
        raise ConnectionResetError
    return int(data.split(b" ", 2)[1]), data


def served(stack):
    """Whether another address is answered. While all connections are in use,
    nginx closes those without a request, so one attempt may have to be
    retried."""
    def answered():
        try:
            return ask(stack)[0] == 200
        except ConnectionResetError:
            return False
    return wait_until(answered, "another address is served", ENOUGH)


def test_slow_bodies(stack, nginx, figure):
    nginx()
    with Crowd(stack.port, POST % b"", b" ") as crowd:
        begin = time.monotonic()
        assert served(stack)
        figure("another address waits behind 1600 slow bodies, s",
               round(time.monotonic() - begin, 2))
        wait_until(lambda: len(crowd.open) <= BODIES,
                   "all but the allowed ones are refused", ENOUGH)
        assert served(stack)
        # those of before go on undisturbed
        assert len(crowd.open) == BODIES
    assert set(crowd.statuses()) == {b"429"}
    refused = next(a for a in crowd.answers.values() if a)
    assert b"Retry-After: 1\r\n" in refused
    assert b"Content-Type: application/json" in refused
    assert b'"error"' in refused


@pytest.mark.parametrize("first", [TOO_LARGE, NO_POST], ids=["413", "404"])
def test_slow_bodies_that_nobody_wants(stack, nginx, first):
    """nginx reads on for a while, so that its answer arrives."""
    nginx()
    with Crowd(stack.port, first, b" ", beat=OFTEN) as crowd:
        assert served(stack)
        wait_until(lambda: len(crowd.open) <= BODIES,
                   "all but the allowed ones are gone", ENOUGH)
        assert served(stack)
    assert set(crowd.statuses()) <= {b"404", b"413", b"429"}


def test_slow_bodies_at_port_80(stack, nginx):
    port = free_port()
    text = (ROOT / "nginx/mxm-port80.conf").read_text()
    text = text.replace("listen 80;", f"listen 127.0.0.1:{port} backlog=4096;")
    text = re.sub("(?m)^include .*", "", text)  # the site includes it
    text = text.replace("/etc/nginx/moviesxmovies/", f"{stack.base}/nginx/")
    nginx(lines=text.replace("listen [::]:80;", ""))
    with Crowd(port, POST % b"", b" ", beat=OFTEN) as crowd:
        # by default nginx reads on for thirty seconds
        wait_until(lambda: not crowd.open, "all of them are closed", 25)
        assert served(stack)
    assert set(crowd.statuses()) == {b"308"}


def test_slow_readers(stack, nginx):
    nginx()
    (stack.media / "large.png").write_bytes(bytes(4 << 20))
    get = GET % (b"/media/large.png", b"")
    with Crowd(stack.port, get, count=OPEN + 50, deaf=True):
        assert served(stack)
        wait_until(lambda: ask(stack, source="127.0.0.1")[0] == 429,
                   "the slow ones use up what their address has", ENOUGH)
        assert served(stack)


@pytest.mark.parametrize("kept", [b"", GET % (b"/healthz", b"")],
                         ids=["silent", "kept"])
def test_idle_connections(stack, nginx, kept):
    """nginx closes the idle ones when it needs them."""
    nginx()
    with Crowd(stack.port, kept):
        for _ in range(5):
            assert served(stack)


@pytest.mark.parametrize("first, tls", [
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-", False),
    (b"\x16\x03\x01\x02", True)], ids=["headers", "handshakes"])
def test_slow_starts(stack, first, tls):
    """What no limit of nginx counts has little time, and there is room."""
    port = stack.tls_port if tls else stack.port
    with Crowd(port, first) as crowd:
        assert served(stack)
        wait_until(lambda: not crowd.open, "all of them are closed", ENOUGH)


# Addresses that a test may choose: nginx believes the header X-Real-IP.
CHOSEN = "set_real_ip_from 127.0.0.0/8;\n"


@pytest.mark.parametrize("addresses, others", [
    (lambda n: "2001:db8:0:7:%x::%x" % (n, n + 1), "2001:db8:0:8::1"),
    (lambda n: "2001:db8::%x" % (n + 1), "2001:db8:0:1::1"),
    (lambda n: "198.51.100.7", "198.51.100.8"),
    (lambda n: "::ffff:198.51.100.7", "::ffff:198.51.100.8")])
def test_whose_connections_are_counted_together(stack, nginx, addresses,
                                                others):
    nginx(lines=CHOSEN)

    def first(n):
        return POST % (b"X-Real-IP: %s\r\n" % addresses(n).encode())

    with Crowd(stack.port, first, count=BODIES + 10) as crowd:
        wait_until(lambda: len(crowd.statuses()) == 10, "ten are refused",
                   ENOUGH)
        with socket.create_connection(("127.0.0.1", stack.port), ENOUGH) as s:
            s.sendall(POST % b"X-Real-IP: %s\r\nConnection: close\r\n"
                      .replace(b"%s", others.encode()) + b" " * 999)
            assert s.recv(100).startswith(b"HTTP/1.1 400")


def test_an_office_behind_one_address(stack, nginx):
    """Complete concurrent requests are not limited."""
    nginx()
    first = GET % (b"/api/schema/", b"Connection: close\r\n")
    with Crowd(stack.port, first, count=OPEN) as crowd:
        wait_until(lambda: not crowd.open, "all are answered", ENOUGH)
    assert set(crowd.statuses()) == {b"200"}


def test_many_ranges_are_one_answer(stack):
    (stack.media / "small.png").write_bytes(bytes(1000))
    ranges = ",".join(f"{n}-{n}" for n in range(0, 900, 2))
    status, data = ask(stack, "/media/small.png",
                       head=b"Range: bytes=%s\r\n" % ranges.encode())
    assert status == 200 and len(data.split(b"\r\n\r\n", 1)[1]) == 1000
    status, _ = ask(stack, "/media/small.png", head=b"Range: bytes=0-9\r\n")
    assert status == 206
