# SPDX-License-Identifier: GPL-3.0-or-later
"""Monitoring: /healthz, /readyz, request ids, and the log, which has one line
per request and no secrets."""

import http.client
import re
import threading

import pytest

from life import Call, lock, reload, wait_for_lock, wait_idle
from stack import wait_until

HEALTH, READY = "/healthz", "/readyz"
HEAT = "/api/movies/heat/"


# ---------------------------------------------------------------- health --

@pytest.mark.parametrize("path", [HEALTH, READY])
def test_no_token_is_asked_for(client, path):
    r = client.get(path)
    assert r.status_code == 200
    assert r.headers["Content-Type"] == "application/json"
    assert r.headers["Cache-Control"] == "no-store"
    assert client.get(path, token="nonsense").status_code == 200
    assert client.get(path + "/").json() == r.json()
    head = client.request("HEAD", path)
    assert head.status_code == 200 and not head.content
    asked = client.request("OPTIONS", path)
    assert asked.status_code == 204
    assert asked.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert client.post(path).status_code == 405


@pytest.mark.parametrize("path", [
    READY, READY + "/", "/%72eadyz", "//readyz", "/api/../readyz",
    READY + "%2F", READY + "?x=1"])
def test_how_it_goes_within_is_not_for_the_world(stack, path):
    """127.0.0.2 is another address than the one nginx lets ask."""
    for method in ("GET", "HEAD", "POST"):
        answer = from_afar(stack, method, path)
        assert answer.status == 404 and b"cache" not in answer.read()
    assert from_afar(stack, "GET", HEALTH).status == 200


def from_afar(stack, method, path):
    there = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=30,
                                       source_address=("127.0.0.2", 0))
    there.request(method, path)
    return there.getresponse()


def test_all_is_well(client):
    assert client.get(HEALTH).json() == {"status": "ok"}
    assert client.get(READY).json() == {
        "status": "ok", "database": "ok", "cache": "ok", "overdue_touches": 0}


def test_touches_that_nobody_raised_are_told(stack, client):
    """They do not make the service unready."""
    stack.jobs.stop()
    stack.sql("INSERT INTO touch (kind, key, created_at) VALUES"
              " ('catalogue', '', now() - interval '5 minutes'),"
              " ('user', '1', now() - interval '31 seconds'),"
              " ('user', '2', now())")
    r = client.get(READY)
    assert r.status_code == 200
    assert r.json()["overdue_touches"] == 2
    stack.start_jobs()
    wait_until(lambda: client.get(READY).json()["overdue_touches"] == 0,
               "mxm-jobs has raised them")


# ----------------------------------------------------------- request ids --

def requests_in(log):
    """The log lines of requests: (id, method, path, status)."""
    return [(m[1], m[2], m[3], int(m[4])) for m in re.finditer(
        r"(?m)^\S+ info mxmd\[\d+\]: \[(\w+)\] (\S+) (.*) (\d+) \d+us "
        r"user=\d+ cache=\S+ bytes=\d+$", log)]


def test_one_line_for_each_request(stack, ana):
    wait_idle(stack)
    mark = stack.mark()
    tag = ana.get(HEAT).headers["ETag"]
    wait_idle(stack)
    mark = stack.mark()
    sent = []
    for method, path, more, wanted in (
            ("GET", HEAT, {}, 200),
            ("GET", HEAT, {"headers": {"If-None-Match": tag}}, 304),
            ("HEAD", HEAT, {}, 200),
            ("OPTIONS", HEAT, {}, 204),
            ("DELETE", HEAT, {}, 405),
            ("GET", "/api/none/", {}, 404),
            ("GET", "/api/movies/none/?x=1", {}, 404),
            ("GET", HEAT, {"token": None}, 401),
            ("GET", HEAT, {"token": "nonsense"}, 401),
            ("POST", HEAT + "ratings/", {"json": {"rating": 9}}, 400),
            ("POST", HEAT + "ratings/", {"data": "{"}, 400),
            ("POST", HEAT + "unseen/", {}, 200),
            ("POST", HEAT + "unseen/", {}, 400),
            ("DELETE", HEAT + "unseen", {}, 200),
            ("POST", "/api/auth/login/", {"json": {}}, 400),
            ("GET", HEALTH, {}, 200),
            ("GET", READY, {}, 200)):
        r = ana.request(method, path, **more)
        assert r.status_code == wanted, (method, path, r.text)
        sent.append((r.headers["X-Request-Id"], method, path.split("?")[0],
                     wanted))
    wait_idle(stack)
    log = stack.log(since=mark)
    assert sorted(requests_in(log)) == sorted(sent)
    assert len(log.splitlines()) == len(sent), log


def test_ids_are_nginx_s_own(stack, client):
    mine = "f" * 32
    ids = {client.get(HEALTH, headers={"X-Request-Id": mine})
           .headers["X-Request-Id"] for _ in range(20)}
    assert len(ids) == 20 and mine not in ids
    r = client.get("/api/none/")
    wanted = r.headers["X-Request-Id"]
    assert re.fullmatch("[0-9a-f]{32}", wanted)
    stack.wait_log(rf"\[{wanted}\] GET /api/none/ 404 ")
    access = stack.base / "nginx/access.log"
    wait_until(lambda: wanted in access.read_text(), "nginx logs it too")


def test_who_asked_and_what_the_cache_did(stack, ana, client):
    def line(r):
        wanted = r.headers["X-Request-Id"]
        return stack.wait_log(rf"\[{wanted}\] (.*)")[1]
    path = "/api/movies/searching/?name=who"
    assert re.search(r"user=1 cache=miss bytes=\d+$", line(ana.get(path)))
    assert re.search(r"user=1 cache=hit bytes=\d+$", line(ana.get(path)))
    assert re.search("user=0 cache=-", line(client.get(path)))
    assert re.search("user=0 cache=-", line(client.get(HEALTH)))
    r = ana.get("/api/users/preferred-language/")
    assert re.search("user=1 cache=-", line(r))


def test_a_path_forges_no_line(stack, client):
    mark = stack.mark()
    r = client.get("/api/x%0a2026-01-01T00:00:00.000Z%20error%20mxmd%5b1%5d:"
                   "%20%1b%5b31mowned/")
    assert r.status_code in (400, 404)
    stack.wait_log(rf"\[{r.headers['X-Request-Id']}\] GET ", since=mark)
    log = stack.log(since=mark)
    assert len(log.splitlines()) == 1
    assert "\x1b" not in log


def test_log_level(stack, client):
    reload(stack, log_level="warning")
    wait_idle(stack)
    mark = stack.mark()
    for _ in range(5):
        client.get(HEALTH)
    wait_idle(stack)
    assert stack.log(since=mark) == ""
    reload(stack, log_level="info")
    client.get(HEALTH)
    stack.wait_log("GET /healthz 200", since=mark)


# --------------------------------------------------------------- secrets --

def test_nothing_secret_is_logged(stack):
    """A whole journey, with mistakes in it, while everything is logged that
    can be; then all logs are searched."""
    reload(stack, log_level="debug")
    stack.restart_jobs()
    who = stack.client(tls=True)
    password, other = "Trilobite-lantern-71", "Ammonite-candle-17"
    address, wrong = "nora.secret@example.org", "no-such.secret@example.org"
    names = {"username": "nora", "email": address, "password": password,
             "first_name": "Nora-first", "last_name": "Nora-last"}
    assert who.post("/api/auth/signup/?lang=en&x=query-secret",
                    names).status_code == 200
    assert who.post("/api/auth/signup/", names).status_code == 400
    assert who.post("/api/auth/login/", {"username": wrong,
                                         "password": other}
                    ).status_code == 401
    assert who.post("/api/auth/login/", data='{"password": "%s' % other,
                    headers={"Content-Type": "application/json"}
                    ).status_code == 400
    who.login(address, password)
    code = stack.mail(address)
    assert who.post("/api/auth/verify/", {"verification_code": "123457"}
                    ).status_code == 400
    assert who.post("/api/auth/verify/", {"verification_code": code}
                    ).status_code == 200
    tokens = {who.token, who.refresh_token}
    who.refresh()
    assert who.get("/api/movies/searching/?name=query-secret"
                   ).status_code == 200
    assert who.post("/api/users/onboarding/").status_code == 200
    assert who.get(HEAT, token=who.token + "x").status_code == 401
    assert who.get(HEAT, token=who.refresh_token).status_code == 401
    assert who.post("/api/auth/logout/").status_code == 200
    assert who.get(HEAT).status_code == 401
    tokens |= {who.token}
    parts = {part for token in tokens for part in token.split(".")[1:]}
    last = who.get("/api/none/?x=query-secret").headers["X-Request-Id"]
    access = stack.base / "nginx/access.log"
    stack.wait_log(last)
    wait_until(lambda: last in access.read_text(), "nginx logs it too")
    stack.wait_log("mail_verification: done", name="mxm-jobs")
    logs = {"mxmd": stack.log("mxmd"), "mxm-jobs": stack.log("mxm-jobs"),
            "nginx": access.read_text()}
    for secret in {password, other, address, wrong, "example.org", code,
                   "123457", "query-secret", "Nora-first", "Nora-last",
                   stack.signing_key, *tokens, *parts}:
        for name, log in logs.items():
            assert secret not in log, (name, secret)
    assert not re.search(r"(?m)^\S+ (error|warning) ", logs["mxmd"])
    reload(stack, log_level="info")


def test_ids_are_not_mixed_up(stack, client):
    """Many at once: each answer has the id that its own line has."""
    seen, lock, mark = {}, threading.Lock(), stack.mark()

    def ask(n):
        mine = stack.client(check=False)
        for k in range(10):
            path = f"/api/none-{n}-{k}/"
            r = mine.get(path)
            with lock:
                seen[r.headers["X-Request-Id"]] = path
    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_idle(stack)
    lines = {r[0]: r[2] for r in requests_in(stack.log(since=mark))}
    assert len(seen) == 80 and lines == seen


# ---------------------------------------------------------------- traces --

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-"


def line_of(stack, response):
    return stack.wait_log(
        rf"\[{response.headers['X-Request-Id']}\] GET .*")[0]


@pytest.mark.parametrize("flags", ["01", "00"])
def test_a_trace_is_continued(stack, client, flags):
    header = {"traceparent": PARENT + flags, "tracestate": "rojo=00f0"}
    line = line_of(stack, client.get(HEALTH, headers=header))
    assert re.search(rf" bytes=\d+ trace={TRACE} span=[0-9a-f]{{16}}$", line)
    assert "00f067aa0ba902b7" not in line


@pytest.mark.parametrize("header", [
    "", PARENT, PARENT + "1", PARENT + "01-x", PARENT.upper() + "01",
    "ff" + PARENT[2:] + "01", f"00-{32 * '0'}-00f067aa0ba902b7-01",
    "x" * 4000, PARENT + "01, " + PARENT + "01", "*/ DROP TABLE movie; /*"])
def test_an_invalid_trace_is_not(stack, client, header):
    line = line_of(stack, client.get(HEALTH, headers={"traceparent": header}))
    assert "trace=" not in line and "span=" not in line


def query_that_waits(stack):
    wait_for_lock(stack)
    return stack.cluster.sql(
        "SELECT query FROM pg_stat_activity WHERE datname = %s"
        "   AND wait_event_type = 'Lock'", (stack.database,))[0][0]


def test_a_trace_in_sql(stack, ana):
    """Only with the setting, and of a trace that is sampled."""
    sampled = {"headers": {"traceparent": PARENT + "01"}}
    comment = rf"/\*traceparent='00-{TRACE}-[0-9a-f]{{16}}-01'\*/ [SW]"
    mark = stack.mark()
    reload(stack, trace_sql="on")
    for name, headers, wanted in (
            ("a", sampled, True), ("b", {}, False),
            ("c", {"headers": {"traceparent": PARENT + "00"}}, False)):
        with lock(stack, "movie"):
            call = Call(ana, f"/api/movies/searching/?name=sql-{name}", **headers)
            call.start()
            query = query_that_waits(stack)
        assert call.answer().status_code == 200
        assert query.startswith("/*traceparent=") is wanted, query
        assert not wanted or re.match(comment, query)
    # writes, what they make stale, and errors are as without it
    plain = ana.get(HEAT).json()
    for _ in range(2):
        assert ana.post(HEAT + "unseen/", **sampled).status_code == 200
        assert ana.get(HEAT, **sampled).json() == plain
        assert ana.post(HEAT + "unseen/", **sampled).status_code == 400
        assert ana.delete(HEAT + "unseen/", **sampled).status_code == 200
    assert not re.search(r"(?m)^\S+ (error|warning) ", stack.log(since=mark))
    reload(stack, trace_sql="off")
    with lock(stack, "movie"):
        call = Call(ana, "/api/movies/searching/?name=off", **sampled)
        call.start()
        assert "traceparent" not in query_that_waits(stack)
    assert call.answer().status_code == 200
