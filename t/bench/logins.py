# SPDX-License-Identifier: GPL-3.0-or-later
"""Cached reads while 200 clients log in at the same time, again and again: they
use the slow pool, and only so many passwords are hashed at once.

The readers pause between requests, so that they measure waiting and not their
own load; the clients that log in are processes of their own.
"""

import http.client
import json
import multiprocessing
import statistics
import threading
import time

import bench

BURST = 200
READERS = 8
PAUSE_MS = 10
PASSWORD = "Popcorn-at-nine-42"
HASH = ("$argon2id$v=19$m=19456,t=2,p=1$AqfbbaFXgEVlekyk8apwLw"
        "$WDqsas3GrhOmUpasnuEt1z0hB4YdsALnR2FRq4fD1sw")


def log_in(port, n):
    """From an address of its own, as clients have: nginx limits those."""
    conn = http.client.HTTPConnection("127.0.0.1", port, timeout=60,
                                      source_address=(f"127.0.1.{n}", 0))
    try:
        conn.request("POST", "/api/auth/login/", json.dumps(
            {"username": f"burst{n}", "password": PASSWORD}),
            {"Content-Type": "application/json"})
        answer = conn.getresponse()
        answer.read()
        return answer.status
    finally:
        conn.close()


def bursts(port, stop, done, refused):
    """Bursts of log-ins until `stop` is set; counts the answers."""
    def one(n):
        status = log_in(port, n)
        with (done if status == 200 else refused).get_lock():
            (done if status == 200 else refused).value += 1
    while not stop.is_set():
        threads = [threading.Thread(target=one, args=(n,))
                   for n in range(BURST)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def measure(stack, figures, options):
    print("\nl: cached reads during log-ins", flush=True)
    stack.sql("INSERT INTO account (username, email, password, verified) "
              "SELECT 'burst' || n, 'burst' || n || '@example.org', %s, true "
              f"FROM generate_series(0, {BURST - 1}) AS n", [HASH])
    script = stack.base / "pause.lua"
    script.write_text(f"function delay() return {PAUSE_MS} end\n")
    reader = stack.client().login("burst0", PASSWORD)
    url = f"{stack.url}/api/genres/"

    def read():
        return bench.wrk(url, READERS, options.seconds, reader.token, script)
    read()
    alone = [read()["p99"] for _ in range(options.runs)]
    stop, done = multiprocessing.Event(), multiprocessing.Value("l", 0)
    refused = multiprocessing.Value("l", 0)
    burst = multiprocessing.Process(
        target=bursts, args=(stack.port, stop, done, refused), daemon=True)
    began = time.monotonic()
    burst.start()
    try:
        during = [read()["p99"] for _ in range(options.runs)]
    finally:
        stop.set()
        burst.join()
    took = time.monotonic() - began
    figures.add("l: p99 of cached reads, alone", statistics.median(alone),
                "ms")
    figures.below(f"l: p99 of cached reads, {BURST} log-ins at once",
                  statistics.median(during), "ms", 50)
    figures.add("l: log-ins", done.value / took, "log-ins/s")
    figures.below("l: log-ins refused", refused.value, "log-ins", 1)
