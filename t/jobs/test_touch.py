# SPDX-License-Identifier: GPL-3.0-or-later
"""Table touch: every row raises its generation and is deleted, whatever
memcached and other hosts do meanwhile."""

import base64
import hashlib
import signal
import socket

import stack as stack_module
from stack import wait_until

WORLD = "empty"
STACK = {"web": False}


def generation_key(stack, kind, key):
    """The key of cache/key.c."""
    statement = stack.ctl("sql show incarnation").stdout
    statement = "\n".join(line for line in statement.splitlines()
                          if not line.startswith("--"))
    incarnation = stack.value(statement) % 2 ** 64
    pool = hashlib.blake2b(str(stack.cache_socket).encode() + b"\0",
                           digest_size=16).digest()[:8].hex()
    pool += f"{incarnation:016x}"
    digest = hashlib.blake2b(digest_size=16)
    for part in (pool, "generation", kind, key):
        part = part.encode()
        digest.update(len(part).to_bytes(8, "little") + part)
    return "x" + base64.urlsafe_b64encode(
        digest.digest()).decode().rstrip("=")


def ask(stack, command):
    """One command to memcached; gives its answer."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(str(stack.cache_socket))
        s.sendall(command.encode())
        answer = b""
        while not answer.endswith((b"END\r\n", b"STORED\r\n", b"OK\r\n")):
            more = s.recv(4096)
            assert more, answer
            answer += more
        return answer.decode()


def begin(stack, kind, key, number=1000):
    ask(stack, f"set {generation_key(stack, kind, key)} 0 0 "
               f"{len(str(number))}\r\n{number}\r\n")


def number(stack, kind, key):
    """The generation, None if there is none."""
    lines = ask(stack, f"get {generation_key(stack, kind, key)}\r\n")
    return int(lines.split("\r\n")[1]) if "VALUE" in lines else None


def touch(stack, kind, key, n=1):
    """As n transactions would write it."""
    stack.sql("INSERT INTO touch (kind, key, txid) SELECT %s, %s, "
              "(n + 1e9)::bigint::text::xid8 "
              "FROM generate_series(1, %s) AS n",
              [kind, key, n])


def wait_empty(stack, timeout=20):
    wait_until(lambda: stack.value("SELECT count(*) FROM touch") == 0,
               "no touch is left", timeout, stack.jobs)


def test_a_row_raises_and_goes(stack):
    begin(stack, "user", "7")
    begin(stack, "user", "8")
    begin(stack, "catalogue", "")
    touch(stack, "user", "7")
    touch(stack, "catalogue", "")
    wait_empty(stack)
    assert number(stack, "user", "7") > 1_700_000_000_000_000
    assert number(stack, "catalogue", "") > 1_700_000_000_000_000
    assert number(stack, "user", "8") == 1000


def test_texts_of_any_kind(stack):
    keys = ("a b", "é", "x" * 300, "it's\n\"so\"", "\\")
    for key in keys:
        begin(stack, "movie", key)
        touch(stack, "movie", key)
    wait_empty(stack)
    for key in keys:
        assert number(stack, "movie", key) > 1000


def test_what_is_not_kept_needs_no_raise(stack):
    touch(stack, "user", "nobody")
    wait_empty(stack)
    assert number(stack, "user", "nobody") is None


def test_many_rows(stack):
    begin(stack, "user", "1")
    stack.sql("INSERT INTO touch (kind, key, txid) SELECT 'user', "
              "(n % 700)::text, (n + 1e9)::bigint::text::xid8 "
              "FROM generate_series(1, 5000) AS n")
    wait_empty(stack)
    assert number(stack, "user", "1") > 1000


def test_a_frozen_memcached_is_told_when_it_is_back(stack):
    begin(stack, "user", "7")
    stack.memcached.signal(signal.SIGSTOP)
    try:
        mark = stack.mark("mxm-jobs")
        touch(stack, "user", "7")
        stack.wait_log("cannot be raised", "mxm-jobs", mark)
        assert stack.value("SELECT count(*) FROM touch") == 1
    finally:
        stack.memcached.signal(signal.SIGCONT)
    wait_empty(stack, 30)
    assert number(stack, "user", "7") > 1000
    stack.wait_log("have been raised", "mxm-jobs", mark)


def test_a_dead_memcached_is_waited_for(stack):
    stack.memcached.kill()
    mark = stack.mark("mxm-jobs")
    touch(stack, "user", "7")
    stack.wait_log("cannot be raised", "mxm-jobs", mark)
    stack.start_memcached()
    wait_empty(stack, 30)
    stack.wait_log("have been raised", "mxm-jobs", mark)


def test_several_hosts(stack):
    """Another mxm-jobs on the same rows: no row is lost, and none waits."""
    others = []
    for i in range(2):
        run = stack.base / f"run{i}"
        run.mkdir()
        process = stack_module.Process("mxm-jobs",
                                       stack.base / f"log/other{i}.log")
        process.start([stack_module.BUILD / "mxm-jobs", "--config",
                       stack.conf],
                      env=dict(stack_module.environment(), MXM_RUN_DIR=run))
        others.append(process)
    try:
        for _ in range(6):
            begin(stack, "user", "7")
            stack.sql("INSERT INTO touch (kind, key) "
                      "SELECT 'user', n::text FROM generate_series(1, 200) n")
            wait_empty(stack)
            assert number(stack, "user", "7") > 1000
        for process in others:
            assert process.is_running(), process.tail()
            assert " error " not in process.text(), process.tail()
    finally:
        for process in others:
            process.stop()
    assert " error " not in stack.log("mxm-jobs")
