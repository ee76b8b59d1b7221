# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost of input: every text of the route table, as a kilobyte and as a
megabyte, and the memory that unusual bodies leave allocated.

The fields are read from the table, so that new routes are tested
automatically."""

import http.client
import json
import re
import subprocess
import urllib.parse

import pytest

from life import workers
from people import account

SETTINGS = {"workers": 2, "slow_workers": 1}

# A megabyte is refused unread where no picture can be sent, so that what its
# text costs is seen with as much as body_limit lets through.
SMALL, TAKEN, LARGE = 1_000, 60_000, 1_000_000
REPEAT = 3

# What nginx takes of one header or one address (large_client_header_buffers).
LINE = 7_000

# More may add so many times what a kilobyte costs at the cheapest operation; a
# request of any size costs something, so that linear work is far below, and what
# grows with the square far above. What an operation costs for whatever input
# (the hash of a password) is taken off first.
RATIO = 200

TEXTS = {
    "letters": "a",
    "blanks": " ",
    "wide blanks": "\u3000",
    "marks": "\u0301\u0316",
    "signs": "<\u2060!",
    "digits": "9",
}
JSON, FORM, MULTIPART = ("application/json", "application/x-www-form-urlencoded",
                         "multipart/form-data; boundary=XX")


def table(build):
    done = subprocess.run([str(build / "mxmctl"), "routes", "--json"],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def fields(build, place):
    """(route, field) of everything that comes from there."""
    return [(row, field) for row in table(build) for field in row["inputs"]
            if field["from"] == place]


def grow(text, size, kind=JSON):
    """The text repeated to that many bytes, as the kind of body writes them."""
    once = urllib.parse.quote_plus(text) if kind == FORM else text
    return text * (size // len(once.encode()))


def encoded(kind, row, field, value):
    """A body in which that field has the value, and the others are right."""
    values = {f["name"]: "x" for f in row["inputs"]
              if f["from"] == "body" and f["required"]}
    values[field["name"]] = value
    if kind == JSON:
        return json.dumps(values, ensure_ascii=False).encode()
    if kind == FORM:
        return urllib.parse.urlencode(values).encode()
    parts = "".join(f'--XX\r\nContent-Disposition: form-data; name="{name}"'
                    f"\r\n\r\n{text}\r\n" for name, text in values.items())
    return (parts + "--XX--\r\n").encode()


def send(who, method, path, headers=None):
    """The status of a request without a body, its path as it is: requests takes
    more time for a long one than the program."""
    connection = who.connection
    for last in (False, True):
        connection.request(method, path, headers={
            "Authorization": f"Bearer {who.token}", **(headers or {})})
        try:
            response = connection.getresponse()
            break
        except http.client.RemoteDisconnected:
            # nginx closes it after some requests
            connection.close()
            if last:
                raise
    response.read()
    return response.status


def cpu(processes):
    """Nanoseconds that they have run on a processor."""
    total = 0
    for worker in processes:
        with open(f"/proc/{worker}/schedstat", encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total


def cost(processes, call, unless=(), repeat=1):
    """Of the cheapest of so many calls, in nanoseconds; a refusal is an answer as
    well, but for those statuses."""
    least = []
    for _ in range(repeat):
        before = cpu(processes)
        status = call()
        assert 200 <= status < 500 and status not in unless, status
        least.append(cpu(processes) - before)
    return min(least)


def added(processes, call, sizes, kilobyte, unless=()):
    """The CPU time that input of the larger sizes costs more than that of the
    first, per kilobyte(): measured again if one measurement says too much."""
    for repeat in (1, REPEAT):
        small, *large = (cost(processes, call(size),
                              unless if size == LARGE else (*unless, 413), repeat)
                         for size in sizes)
        times = (max(large) - small) / kilobyte
        if times < RATIO:
            break
    return times


@pytest.fixture
def processes(stack):
    """The workers, none of which ends during a test."""
    return workers(stack)


@pytest.fixture
def kilobyte(processes, client):
    """What one costs where nothing is done with it."""
    return cost(processes, lambda: client.request(
        "POST", "/api/auth/refresh/", json={"refresh": "a" * SMALL},
        check=False).status_code, repeat=REPEAT)


@pytest.fixture
def reader(stack):
    """A user with a connection for send()."""
    who = stack.client("ana")
    who.connection = http.client.HTTPConnection("127.0.0.1", stack.port,
                                                timeout=60)
    yield who
    who.connection.close()


# What exists, whosever it is: that comes after the body.
PLACES = {"review": "1", "comment": "1", "username": "writer", "list": "sunday"}

# No provider is configured here, which is found after the body has been read.
AFTER_THE_BODY = ("/api/oauth/google/", "/api/oauth/{provider}/")


def path_of(row, place=None):
    """With what exists, or with that text; a review always exists."""
    def value(match):
        name = match[1]
        return PLACES.get(name, "heat") if place is None or name == "review" \
            else place
    return re.sub(r"\{(\w+)\}", value, row["path"])


@pytest.fixture
def writer(stack):
    """An account of its own, which some of the requests change."""
    number = account(stack, "writer")
    stack.sql("INSERT INTO movielist (user_id, name, slug)"
              " VALUES (%s, 'Sunday', 'sunday')", (number,))
    yield stack.client("writer")
    stack.sql("DELETE FROM account WHERE id = %s", (number,))


def test_every_text_has_a_length(build):
    without = [f"{row['method']} {row['path']}: {field['name']}"
               for place in ("query", "body")
               for row, field in fields(build, place)
               if field["type"] in ("text", "prose", "list")
               and not 0 < field.get("max_length", 0) <= 10_000]
    assert not without


@pytest.mark.parametrize("kind", (JSON, FORM, MULTIPART))
def test_much_costs_no_more_than_reading_it(processes, writer, build, kilobyte,
                                            kind, figure):
    worst = (0, "")
    for row, field in fields(build, "body"):
        for name, text in TEXTS.items():
            def call(size):
                body = encoded(kind, row, field, grow(text, size, kind))
                return lambda: writer.request(
                    row["method"], path_of(row), data=body, check=False,
                    headers={"Content-Type": kind}).status_code
            unread = () if row["path"] in AFTER_THE_BODY else (404,)
            what = f"{row['method']} {row['path']} {field['name']}: {name}"
            times = added(processes, call, (SMALL, TAKEN, LARGE), kilobyte, unread)
            worst = max(worst, (times, what))
            assert times < RATIO, what
    figure("CPU that 60 kB or 1 MB add / CPU of 1 kB, largest",
           f"{worst[0]:.1f} ({worst[1]})")


def test_a_long_query_costs_no_more_than_reading_it(processes, reader, build,
                                                    kilobyte):
    """As long as the web server lets through."""
    for row, field in fields(build, "query"):
        for name, text in TEXTS.items():
            def call(size):
                query = urllib.parse.urlencode(
                    {field["name"]: grow(text, size)})[:LINE]
                return lambda: send(reader, row["method"],
                                    f"{path_of(row)}?{query}")
            times = added(processes, call, (60, LINE), kilobyte, (404,))
            assert times < RATIO, (row["path"], field["name"], name)


@pytest.mark.parametrize("text", [*TEXTS.values(), "/", "%", "a/"])
def test_a_long_path_costs_no_more_than_reading_it(processes, reader, build,
                                                   kilobyte, text):
    for row in table(build):
        if "{" not in row["path"]:
            continue

        def call(size):
            once = urllib.parse.quote(text, safe="")
            path = path_of(row, once * (size // len(once)))
            return lambda: send(reader, row["method"], path)
        assert added(processes, call, (60, LINE), kilobyte) < RATIO, row["path"]


@pytest.mark.parametrize("name, text", [
    ("Accept", "a/b;q=0.1,"),
    ("Accept", ","),
    ("Accept-Language", "xx-YY;q=0.5,"),
    ("Accept-Language", " \t"),
    ("Accept-Language", "de;q=0.000000000000000000,"),
    ("Authorization", "Bearer "),
    ("Authorization", "a."),
    ("Content-Type", 'multipart/form-data; boundary="'),
    ("Content-Type", ";a=b"),
    ("Cookie", "a=b; "),
    ("If-None-Match", 'W/"a", '),
    ("If-None-Match", '"'),
    ("If-None-Match", ", "),
    ("Origin", "https://a.example,"),
    ("User-Agent", "\u0301"),
    ("X-Request-Id", "a"),
])
def test_a_long_header_costs_no_more_than_reading_it(processes, reader, kilobyte,
                                                     name, text):
    def call(size):
        # a header does not begin or end with white space
        value = "x" + grow(text, size) + "x" if text.isspace() \
            else grow(text, size).strip()
        return lambda: send(reader, "GET", "/api/genres/",
                            {name: value.encode()})
    assert added(processes, call, (60, LINE), kilobyte, (404,)) < RATIO


# Memory: the worker's own, in bytes.

def private(stack):
    total = 0
    for worker in workers(stack):
        path = f"/proc/{worker}/smaps_rollup"
        with open(path, encoding="ascii") as f:
            total += sum(int(line.split()[1]) for line in f
                         if line.startswith("Private_")) * 1024
    return total


ODD_BODIES = {
    "objects, 1 MB": (JSON, '{"refresh":"a","x":['
                      + ",".join(["{}"] * 349_000) + "]}"),
    "objects, 64 kB": (JSON, '{"refresh":"a","x":['
                       + ",".join(["{}"] * 21_000) + "]}"),
    "deep": (JSON, '{"refresh":' + "[" * 30_000),
    "keys": (JSON, "{" + ",".join(f'"k{i}":1' for i in range(6_000)) + "}"),
    "equal keys": (JSON, "{" + ",".join(['"k":1'] * 9_000) + "}"),
    "digits": (JSON, '{"refresh":' + "9" * 60_000 + "}"),
    "escapes": (JSON, '{"refresh":"' + "\\u0041" * 10_000 + '"}'),
    "pairs": (FORM, "&".join(["a=b"] * 15_000)),
    "percents": (FORM, "refresh=" + "%41" * 20_000),
    "parts": (MULTIPART, '--XX\r\nContent-Disposition: form-data; name="a"'
              "\r\n\r\n\r\n" * 15_000 + "--XX--"),
    "headers": (MULTIPART, "--XX\r\n" + "X-A: b\r\n" * 100_000),
    "a long text": (MULTIPART, "--XX\r\nContent-Disposition: form-data; "
                    'name="refresh"\r\n\r\n' + "a" * 4_000_000
                    + "\r\n--XX--"),
}


@pytest.mark.parametrize("name", ODD_BODIES)
def test_memory_goes_back(stack, client, name, figure):
    kind, body = ODD_BODIES[name]
    # a long form is only read where a picture can be in it
    path = "/api/auth/signup/" if kind == MULTIPART else "/api/auth/refresh/"

    def send(times):
        for _ in range(times):
            r = client.request("POST", path,
                               data=body.encode(), check=False,
                               headers={"Content-Type": kind})
            assert r.status_code in (400, 401, 413, 415), r.text[:200]
    for _ in range(4):
        client.request("POST", path, json={"refresh": "a"})
    before = private(stack)
    send(24)
    grown = private(stack) - before
    figure("memory that stays after 24 requests, MiB", f"{grown / 2**20:.2f}")
    assert grown < 8 * 2**20, f"{grown / 2**20:.1f} MiB stay"


def test_json_has_at_most_a_thousand_values(client):
    body = '{"refresh": "a", "x": [' + ",".join(["{}"] * 1000) + "]}"
    r = client.request("POST", "/api/auth/refresh/", data=body,
                       headers={"Content-Type": JSON})
    assert r.status_code == 400
    assert "Too many values" in r.json()["error"]


def test_json_ends_at_64_kib(client):
    body = json.dumps({"refresh": "a" * 65_536})
    r = client.request("POST", "/api/auth/refresh/", data=body,
                       headers={"Content-Type": JSON})
    assert r.status_code == 413
    assert "64 KiB" in r.json()["error"]


def test_a_form_without_a_picture_ends_at_64_kib(client):
    for value, status in (("a" * 60_000, 400), ("a" * 65_536, 413)):
        r = client.request("POST", "/api/auth/refresh/",
                           files={"refresh": (None, value)})
        assert r.status_code == status, r.text
    assert "64 KiB" in r.json()["error"]


def test_lists_have_at_most_fifty_items(ana):
    query = "&".join(["genres[]=drama"] * 51)
    r = ana.get(f"/api/movies/searching/?{query}")
    assert r.status_code == 400
    assert r.json()["genres"] == [
        "Ensure this list has at most 50 items (it has 51)."]
    query = "&".join(f"genres={i}" for i in range(50))
    assert ana.get(f"/api/movies/searching/?{query}").status_code == 200
