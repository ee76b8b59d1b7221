# SPDX-License-Identifier: GPL-3.0-or-later
"""/metrics: the format, the figures, that no process that dies changes them, and
that a scrape is answered whatever is unavailable."""

import contextlib
import fcntl
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import threading

import pytest
import yaml
from prometheus_client import parser

from life import (Call, Threads, fcgi_answer, fcgi_request, lock, reload,
                  status, wait_for_lock, wait_idle, wait_whole, workers)
from stack import ROOT, wait_until

STACK = {"crashes": True}
TABLE = {"moviesxmovies_" + name: (kind.lower(), set(labels.split(", ")) - {""})
         for name, kind, labels in re.findall(
             r'^METRIC\((\w+), (\w+), "([^"]*)",$',
             (ROOT / "src/metrics.def").read_text(), re.M)}
PROMTOOL = os.environ.get("MXM_PROMTOOL") or shutil.which("promtool")
DETAIL = {"method": "GET", "route": "/api/movies/{movie}/"}
HEAT = "/api/movies/heat/"
SCRAPE_TURN = 2 * 1024  # the byte of mxm.shm that a scrape locks


def text_of(stack):
    r = stack.client().get("/metrics")
    assert r.status_code == 200
    return r.text


def scrape(stack):
    """{(name of the sample, labels): value}"""
    wait_idle(stack)
    return {(s.name, frozenset(s.labels.items())): s.value
            for family in parser.text_string_to_metric_families(text_of(stack))
            for s in family.samples}


def value(samples, name, **labels):
    """A sample; None: there is none."""
    return samples.get(("moviesxmovies_" + name, frozenset(labels.items())))


def total(samples, name, **labels):
    """The sum of the samples that have these labels."""
    wanted = set(labels.items())
    return sum(v for (n, l), v in samples.items()
               if n == "moviesxmovies_" + name and wanted <= l)


def grown(after, before, name, **labels):
    return total(after, name, **labels) - total(before, name, **labels)


# ---------------------------------------------------------------- format --

def test_the_format(stack, client, ana):
    ana.get(HEAT)
    r = client.get("/metrics")
    assert r.headers["Content-Type"] == \
        "text/plain; version=0.0.4; charset=utf-8"
    assert r.headers["Cache-Control"] == "no-store"
    assert client.get("/metrics/").status_code == 200
    assert not client.request("HEAD", "/metrics").content
    assert client.post("/metrics").status_code == 405
    # each once, with its help before its type before its samples
    for name, (kind, _) in TABLE.items():
        assert len(re.findall(rf"^# HELP {name} \S.*\n# TYPE {name} {kind}$",
                              r.text, re.M)) == (
            0 if name.endswith(("trained_timestamp_seconds",)) else 1), name
    lines = r.text.splitlines()
    series = [line.rpartition(" ")[0] for line in lines if line[0] != "#"]
    assert len(series) == len(set(series)) and r.text.endswith("\n")
    found = {f.name if f.type != "counter" else f.name + "_total": f
             for f in parser.text_string_to_metric_families(r.text)}
    assert set(found) <= set(TABLE)
    for name, family in found.items():
        kind, labels = TABLE[name]
        assert (kind == "counter") == name.endswith("_total")
        for sample in family.samples:
            assert set(sample.labels) <= labels, sample
            assert sample.value >= 0, sample


def test_promtool_accepts_it(stack):
    """promtool is in the package prometheus, which ./run package downloads."""
    if not PROMTOOL:
        pytest.skip("promtool (package prometheus) is not installed")
    done = subprocess.run([PROMTOOL, "check", "metrics"], text=True,
                          input=text_of(stack), capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_examples(tmp_path):
    """The alerts name metrics and labels that exist, and promtool accepts them
    and their unit tests."""
    folder = ROOT / "doc/examples"
    rules = yaml.safe_load((folder / "prometheus.rules.yml").read_text())
    known = {name + end for name, (kind, _) in TABLE.items() for end in (
        ("_bucket", "_sum", "_count") if kind == "histogram" else ("",))}
    for rule in rules["groups"][0]["rules"]:
        named = set(re.findall(r"\bmoviesxmovies_\w+", rule["expr"]))
        assert named <= known and set(rule["annotations"]) == {
            "summary", "description"}, rule["alert"]
        labels = set().union(*(TABLE[re.sub("_bucket$", "", n)][1]
                               for n in named)) | {"instance", "job"}
        used = re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))
        assert set(used) <= labels, rule["alert"]
    if not PROMTOOL:
        pytest.skip("promtool (package prometheus) is not installed")
    for path in (*folder.glob("prometheus*"),
                 ROOT / "t/fixtures/prometheus.test.yml"):
        shutil.copy(path, tmp_path)
    for args in ("check config prometheus.yml", "check rules "
                 "prometheus.rules.yml", "test rules prometheus.test.yml"):
        done = subprocess.run([PROMTOOL, *args.split()], cwd=tmp_path,
                              text=True, capture_output=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_histograms(stack, ana):
    before = scrape(stack)
    for _ in range(7):
        ana.get(HEAT)
    after = scrape(stack)
    name = "request_duration_seconds"
    assert grown(after, before, name + "_count", **DETAIL) == 7
    bounds = sorted((float(dict(l)["le"]), v) for (n, l), v in after.items()
                    if n == f"moviesxmovies_{name}_bucket"
                    and set(DETAIL.items()) <= l)
    assert len(bounds) == 14 and bounds[-1][0] == float("inf")
    assert [v for _, v in bounds] == sorted(v for _, v in bounds)
    count = value(after, name + "_count", **DETAIL)
    assert bounds[-1][1] == count == total(after, "requests_total", **DETAIL)
    assert 0 < value(after, name + "_sum", **DETAIL) < 60 * count


# ----------------------------------------------------------- who sees it --

def ask(stack, path, source="127.0.0.1", **headers):
    there = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=30,
                                       source_address=(source, 0))
    there.request("GET", path, headers=headers)
    answer = there.getresponse()
    fields = sorted((k, v) for k, v in answer.getheaders()
                    if k not in ("Date", "X-Request-Id"))
    return answer.status, fields, answer.read()


@pytest.mark.parametrize("path", [
    "/metrics", "/metrics/", "/%6detrics", "//metrics", "/api/../metrics",
    "/metrics%2F", "/metrics?lang=de", "/readyz"])
def test_others_see_an_unknown_path(stack, path):
    """127.0.0.2 is another address than the one that nginx allows. The answer
    is that of an unknown path, to the letter."""
    unknown = ask(stack, "/none?lang=de" if "?" in path else "/none",
                  "127.0.0.2")
    assert unknown[0] == 404
    claimed = "127.0.0.1"
    for headers in ({}, {"X-Forwarded-For": claimed}, {"X-Real-IP": claimed},
                    {"Forwarded": f"for={claimed}"}, {"Host": "localhost"}):
        assert ask(stack, path, "127.0.0.2", **headers) == unknown
    if path == "/readyz":
        return
    # what a proxy of this machine forwards is not of this machine
    for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via"):
        assert ask(stack, path, **{name: claimed}) == unknown


# --------------------------------------------------------------- figures --

def test_requests_by_route_and_status(stack, ana, client):
    before = scrape(stack)
    tag = [ana.get(HEAT).headers["ETag"] for _ in range(4)][0]
    ana.get(HEAT, headers={"If-None-Match": tag})
    ana.get("/api/movies/there-is-none/")
    ana.request("HEAD", HEAT)
    client.get(HEAT)
    after = scrape(stack)
    got = {dict(l)["status"]: v - before.get((n, l), 0)
           for (n, l), v in after.items()
           if n == "moviesxmovies_requests_total" and set(DETAIL.items()) <= l}
    assert {k: v for k, v in got.items() if v} == {
        "200": 5, "304": 1, "404": 1, "401": 1}
    # none of them is lost, and the scrapes count themselves
    assert grown(after, before, "requests_lost_total") == 0
    assert grown(after, before, "requests_accepted_total") == \
        grown(after, before, "requests_total")


def test_clients_make_no_series(stack, client, ana):
    """Whatever is asked for, the labels are the same."""
    client.get("/api/none/")
    ana.get("/api/movies/none/")
    client.request("BREW", "/api/", check=False)
    before = scrape(stack)
    for i in range(30):
        client.get(f'/api/none-{i}"\\{{}}/')
        ana.get(f"/api/movies/none-{i}/")
        ana.get(f"/api/users/none-{i}/")
        client.request(f"BREW{i}", "/api/", check=False)
    after = scrape(stack)
    new = {dict(l)["route"] for n, l in set(after) - set(before)}
    assert new <= {"/api/users/{username}/"}
    assert grown(after, before, "requests_total", route="other") >= 30


def test_cache(stack, ana):
    wait_until(lambda: not value(scrape(stack), "cache_bypassed"),
               "answers are cached")
    path = "/api/movies/volver/"
    before = scrape(stack)
    for _ in range(3):
        ana.get(path)
    after = scrape(stack)

    def results(name, **labels):
        got = {r: grown(after, before, name, result=r, **labels)
               for r in ("hit", "miss", "bypass")}
        return {k: v for k, v in got.items() if v}
    wanted = {"hit": 2, "miss": 1}
    assert results("cache_answers_total", route=DETAIL["route"]) == wanted
    for kind in ("movie", "catalogue"):
        assert results("cache_answers_by_kind_total", kind=kind) == wanted
    assert results("cache_answers_by_kind_total", kind="lists") == {}
    assert results("cache_accounts_total").get("hit", 0) >= 2
    # a change of the movie makes the answer stale, by that kind
    stack.sql("UPDATE movie SET synopsis = synopsis || '.' WHERE slug = 'volver'")
    stack.touched()
    ana.get(path)
    before, after = after, scrape(stack)
    assert results("cache_answers_total", route=DETAIL["route"]) == {"miss": 1}
    assert grown(after, before, "cache_stale_total") == 1
    assert grown(after, before, "cache_stale_total", kind="movie") == 1


def test_workers_and_the_service(stack, ana):
    wait_whole(stack)
    with lock(stack, "movie"):
        call = Call(ana, "/api/movies/searching/?name=metrics")
        call.start()
        wait_for_lock(stack)
        got = {(s.name, frozenset(s.labels.items())): s.value
               for f in parser.text_string_to_metric_families(text_of(stack))
               for s in f.samples}
    call.answer()
    # the search and the scrape
    assert value(got, "workers", pool="fast", state="busy") == 2
    assert value(got, "workers", pool="fast", state="idle") == 0
    assert value(got, "workers", pool="slow", state="idle") == 1
    assert value(got, "requests_waiting", pool="slow") == 0
    assert value(got, "pool_backlog", pool="slow") == 0
    assert total(got, "build_info") == 1
    assert abs(value(got, "start_time_seconds") - os.path.getmtime(
        stack.base / "run/mxmd.pid")) < 3600
    assert value(got, "database_up") == 1
    assert value(got, "database_connections_total") >= 1


def test_jobs_and_touches(stack):
    wait_until(lambda: not stack.sql(
        "SELECT 1 FROM job WHERE state IN ('queued', 'running')"), "no job")
    stack.jobs.stop()
    stack.sql("INSERT INTO job (name, state, run_at, finished_at, lease_until)"
              " VALUES ('trend', 'queued', now() - interval '90 s', NULL, NULL),"
              "        ('trend', 'queued', now() - interval '9 s', NULL, NULL),"
              "        ('prune', 'queued', now() + interval '1 h', NULL, NULL),"
              "        ('export', 'running', now(), NULL, now()),"
              "        ('a\"b\\c', 'failed', now(), now(), NULL),"
              "        ('trend', 'done', now(), now(), NULL)")
    stack.sql("INSERT INTO touch (kind, key, created_at) VALUES"
              " ('user', '1', now() - interval '31 s')")
    got = scrape(stack)
    jobs = {l: v for (n, l), v in got.items() if n == "moviesxmovies_jobs"}
    assert jobs == {
        frozenset({"name": name, "state": state}.items()): n
        for name, state, n in (("trend", "queued", 2), ("prune", "queued", 1),
                               ("export", "running", 1),
                               ('a"b\\c', "failed", 1))}
    ages = {dict(l)["name"]: v for (n, l), v in got.items()
            if n == "moviesxmovies_job_age_seconds"}
    assert set(ages) == {"trend"} and 90 <= ages["trend"] < 3000
    assert value(got, "touches_overdue") == 1
    stack.sql("DELETE FROM job WHERE name IN ('trend', 'prune', 'export')"
              " AND state <> 'done' OR state = 'failed'")
    stack.start_jobs()
    stack.touched()


def test_the_model(stack):
    """Without one; t/jobs/test_model.py has one."""
    got = scrape(stack)
    assert value(got, "model_version") == 0
    assert value(got, "model_published_version") == 0
    assert value(got, "model_ndcg") is None
    assert value(got, "model_trained_timestamp_seconds") is None


# ------------------------------------------------- processes that end ------

def test_a_reload_resets_nothing(stack, ana):
    ana.get(HEAT)
    before = scrape(stack)
    reload(stack)
    after = scrape(stack)
    for (name, labels), v in before.items():
        if name.endswith(("_total", "_count", "_bucket", "_sum")):
            assert after[name, labels] >= v, (name, labels)
    assert grown(after, before, "reloads_total") == 1
    assert value(after, "start_time_seconds") == \
        value(before, "start_time_seconds")
    good = stack.conf.read_text()
    stack.conf.write_text(good + "workers = many\n")
    stack.mxmd.signal(signal.SIGHUP)
    wait_until(lambda: value(scrape(stack), "reloads_refused_total") == 1,
               "it is refused")
    stack.conf.write_text(good)


class Peer:
    """Requests over FastCGI, without a web server that repeats them."""

    def __init__(self, stack):
        self.stack, self.answered, self.broken = stack, 0, 0

    def run(self, stop):
        sent = fcgi_request("GET", "/api/none/")
        while not stop.is_set():
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(30)
                s.connect(str(self.stack.base / "run/fast.sock"))
                with contextlib.suppress(ConnectionError):
                    while not stop.is_set():
                        self.broken += 1  # until it is answered
                        s.sendall(sent)
                        assert fcgi_answer(s)[0] == 404
                        self.broken -= 1
                        self.answered += 1


def test_workers_killed_under_load(stack):
    """Every answer that a client has received is counted. A request of a worker
    that died is counted or lost, never both; or the worker had not read it."""
    wait_whole(stack)
    before = scrape(stack)
    peers, stop = [Peer(stack) for _ in range(4)], threading.Event()
    kills = 0
    with Threads(*(lambda p=p: p.run(stop) for p in peers)):
        try:
            while kills < 12:
                enough = sum(p.answered for p in peers) + 100
                wait_until(lambda: sum(p.answered for p in peers) > enough,
                           "load flows", alive=stack.mxmd)
                for pid in workers(stack, pool="fast"):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        kills += 1
        finally:
            stop.set()
    wait_whole(stack)
    after = scrape(stack)
    answered = sum(p.answered for p in peers)
    broken = sum(p.broken for p in peers)
    counted = grown(after, before, "requests_total", route="other",
                    status="404")
    lost = grown(after, before, "requests_lost_total")
    assert answered <= counted <= answered + broken
    assert counted + lost <= answered + broken
    assert grown(after, before, "requests_accepted_total") == \
        grown(after, before, "requests_total") + lost
    assert grown(after, before, "worker_restarts_total") == kills
    assert total(after, "requests_waiting") == 0


def test_a_worker_killed_while_it_serves(stack, ana):
    """nginx repeats the request, which is counted once; and lost once."""
    wait_whole(stack)
    before = scrape(stack)
    with lock(stack, "movie"):
        call = Call(ana, "/api/movies/searching/?name=killed")
        call.start()
        wait_for_lock(stack)
        serving = server_of_search(stack)
        os.kill(serving, signal.SIGKILL)
        wait_until(lambda: server_of_search(stack) not in (None, serving),
                   "another worker serves it")
    assert call.answer().status_code == 200
    wait_whole(stack)
    after = scrape(stack)
    assert grown(after, before, "requests_total",
                 route="/api/movies/searching/") == 1
    assert grown(after, before, "requests_lost_total") == 1
    assert grown(after, before, "requests_accepted_total") == \
        grown(after, before, "requests_total") + 1


def server_of_search(stack):
    """The process that serves the search; None: there is none yet."""
    found = [w["pid"] for w in status(stack)["workers"]
             if w["serving"] == "GET /api/movies/searching/"]
    return found[0] if found else None


# ------------------------------------------------- what is unavailable -----

def test_one_scrape_at_a_time_reads_the_database(stack):
    """While another one does, its figures are missing."""
    with open(stack.base / "run/mxm.shm", "r+b") as shm:
        fcntl.lockf(shm, fcntl.LOCK_EX, 1, SCRAPE_TURN)
        got = scrape(stack)
        fcntl.lockf(shm, fcntl.LOCK_UN, 1, SCRAPE_TURN)
        assert value(got, "database_up") is None
        assert total(got, "jobs") == 0 and value(got, "memcached_up", server=str(
            stack.cache_socket)) == 1
        with lock(stack, "job"):
            call = Call(stack.client(), "/metrics")
            call.start()
            wait_for_lock(stack)
            with pytest.raises(BlockingIOError):
                fcntl.lockf(shm, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, SCRAPE_TURN)
            text = call.answer().text
        assert "\nmoviesxmovies_database_up 0\n" in text
        assert "\nmoviesxmovies_jobs" not in text
    assert value(scrape(stack), "database_up") == 1


def test_memcached(stack, ana):
    server = str(stack.cache_socket)
    ana.get(HEAT)
    got = scrape(stack)
    assert value(got, "memcached_up", server=server) == 1
    assert value(got, "memcached_items", server=server) > 0
    assert value(got, "memcached_limit_bytes", server=server) == 64 << 20
    assert value(got, "memcached_evictions_total", server=server) == 0
    os.kill(stack.memcached.pid, signal.SIGSTOP)
    try:
        got = scrape(stack)
        assert value(got, "memcached_up", server=server) == 0
        assert value(got, "memcached_items", server=server) is None
        assert value(got, "database_up") == 1
    finally:
        os.kill(stack.memcached.pid, signal.SIGCONT)
    wait_until(lambda: value(scrape(stack), "memcached_up", server=server),
               "memcached answers again")
