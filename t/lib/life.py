# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of the life of mxmd share: its workers and counters, reloads,
locks that make a request wait, load from many clients, and plain FastCGI."""

import contextlib
import functools
import json
import pathlib
import struct
import subprocess
import threading

import requests

import contract
import stack as stack_module
from stack import BUILD, environment, wait_until, write_conf

# ------------------------------------------------------------- processes --


def children(pid):
    """The processes whose parent is pid."""
    found = set()
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid and fields[0] != "Z":
                found.add(int(stat.parent.name))
    return found


def state(pid):
    """The state letter of a process; "": it does not exist."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return stat.rpartition(")")[2].split()[0]


def is_there(pid):
    return state(pid) not in ("", "Z", "X")


def run_mxmd(*args, env=None, timeout=20):
    """Runs mxmd until it ends; returns exit status and output."""
    done = subprocess.run([str(BUILD / "mxmd"), *map(str, args)],
                          env=env or environment(), capture_output=True,
                          text=True, timeout=timeout)
    return done.returncode, done.stdout + done.stderr


# -------------------------------------------------------------- counters --

def status(stack):
    """The counters, also while the settings are invalid."""
    conf = stack.base / "status.conf"
    write_conf(conf, {"run_dir": stack.base / "run",
                      "signing_key": stack.signing_key})
    return json.loads(stack_module.ctl(conf, "status --json").stdout)


def workers(stack, state="ready", pool=None):
    return {w["pid"] for w in status(stack)["workers"]
            if w["state"] == state and pool in (None, w["pool"])}


def counted(stack, *routes):
    """Requests of these routes ("GET /healthz"), whatever their status."""
    return sum(r["count"] for r in status(stack)["requests"]
               if r["route"] in routes)


def events(stack):
    return status(stack)["events"]


def whole(stack):
    """All workers of the settings are ready, and only they are there."""
    ready = workers(stack)
    settings = stack.settings()
    wanted = settings["workers"] + settings["slow_workers"]
    return len(ready) == wanted and ready == children(stack.mxmd.pid)


def wait_whole(stack):
    wait_until(lambda: whole(stack), "the crew is whole", alive=stack.mxmd)


def wait_idle(stack):
    """Waits until no worker is busy; all answers have been counted then."""
    wait_until(lambda: not any(w["serving"]
                               for w in status(stack)["workers"]),
               "all requests are counted", alive=stack.mxmd)


def reload(stack, **settings):
    """Reloads, and waits until only the new crew is left."""
    before = workers(stack)
    stack.reload_mxmd(**settings)
    wait_until(lambda: not before & children(stack.mxmd.pid),
               "the old crew is gone", timeout=30, alive=stack.mxmd)
    wait_whole(stack)


# -------------------------------------------------------------- database --

@contextlib.contextmanager
def transaction(stack, sql):
    """Runs SQL and undoes it at the end of the block."""
    conn = stack.cluster.connect(stack.database)
    conn.autocommit = False
    try:
        conn.cursor().execute(sql)
        yield
    finally:
        conn.rollback()
        conn.close()


def lock(stack, table):
    """Locks a table so that readers wait, even to prepare."""
    return transaction(stack,
                       f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")


def waits_for_lock(stack):
    return stack.cluster.sql("SELECT 1 FROM pg_stat_activity "
                             "WHERE datname = %s AND wait_event_type = 'Lock'",
                             (stack.database,))


def wait_for_lock(stack):
    wait_until(lambda: waits_for_lock(stack), "the request waits")


def drop_connections(stack):
    """Ends every connection to the database of the stack, and waits."""
    stack.cluster.sql("SELECT pg_terminate_backend(pid, 5000)"
                      " FROM pg_stat_activity WHERE datname = %s",
                      (stack.database,))


# --------------------------------------------------------------- clients --

class Call(threading.Thread):
    """A request that runs in the background."""

    def __init__(self, client, path, method="GET", **more):
        super().__init__()
        self.client, self.path, self.method = client, path, method
        self.more = {"check": False, **more}
        self.response = self.fault = None

    def run(self):
        try:
            self.response = self.client.request(self.method, self.path,
                                                **self.more)
        except requests.RequestException as e:
            self.fault = e

    def answer(self):
        """The response, which is judged now."""
        self.join()
        assert self.fault is None, self.fault
        contract.check(self.method, self.path, self.response)
        return self.response


class Threads:
    """Runs functions, each in a thread of its own, until the block ends: then
    `stop` is set and they are waited for."""

    def __init__(self, *targets):
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=t) for t in targets]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()


class Load(Threads):
    """Threads that each play a part without a pause until the block ends.

    A part is a function that is given a client and yields requests, as
    (method, path) or (method, path, JSON body).  Errors are compared with
    the contract; faults are those that break it, and broken connections."""

    def __init__(self, stack, parts):
        super().__init__(*(functools.partial(self.go, stack, token, part)
                           for token, part in parts))
        self.seen, self.faults = [], []

    def go(self, stack, token, part):
        client = stack.client(check=False)
        client.token = token
        for method, path, *body in part:
            if self.stop.is_set():
                return
            try:
                r = client.request(method, path,
                                   json=body[0] if body else None)
                if r.status_code >= 400:
                    contract.check(method, path, r)
            except (requests.RequestException, AssertionError,
                    contract.ContractError) as e:  # told by the test
                self.faults.append((method, path, e))
            else:
                self.seen.append((method, path, r.status_code))

    def statuses(self):
        return {status for _, _, status in self.seen}

    def wait_more(self, n=50):
        enough = len(self.seen) + n
        wait_until(lambda: len(self.seen) + len(self.faults) >= enough
                   or not any(t.is_alive() for t in self.threads),
                   "load flows", timeout=60)


def readers(token, paths, clients):
    """Parts of Load that read these paths over and over."""
    def read():
        while True:
            for path in paths:
                yield "GET", path
    return [(token, read()) for _ in range(clients)]


# --------------------------------------------------------------- FastCGI --

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = 1, 2, 3, 4, 5, 6, 7


def record(kind, content=b"", number=1):
    return struct.pack("!BBHHBx", 1, kind, number, len(content),
                       0) + content


def pair(name, value):
    def length(n):
        return bytes([n]) if n < 128 else struct.pack("!I", n | 0x80000000)
    name, value = name.encode(), value.encode()
    return length(len(name)) + length(len(value)) + name + value


def fcgi_request(method, path, body=b"", **params):
    """The bytes of a request on a persistent connection."""
    named = {"REQUEST_METHOD": method, "REQUEST_URI": path,
             "REMOTE_ADDR": "127.0.0.1", "REQUEST_ID": "f" * 32,
             "CONTENT_LENGTH": str(len(body)),
             "CONTENT_TYPE": "application/json", **params}
    head = b"".join(pair(k, v) for k, v in named.items())
    out = record(BEGIN, struct.pack("!HB5x", 1, 1))
    out += record(PARAMS, head) + record(PARAMS)
    for at in range(0, len(body), 32768):
        out += record(STDIN, body[at:at + 32768])
    return out + record(STDIN)


def receive(s, n):
    data = b""
    while len(data) < n:
        more = s.recv(n - len(data))
        if not more:
            raise ConnectionError(f"{n} bytes wanted, {len(data)} came")
        data += more
    return data


def fcgi_answer(s):
    """(status, body) of the next answer on a connection."""
    out = b""
    while True:
        _, kind, _, size, padding = struct.unpack("!BBHHBx", receive(s, 8))
        content = receive(s, size + padding)[:size]
        if kind == STDOUT:
            out += content
        if kind == END:
            break
    head, _, body = out.partition(b"\r\n\r\n")
    return int(head.split()[1]), body
