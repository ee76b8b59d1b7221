#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of the system on this machine, as ratios where that says more.

    t/bench/bench.py --build DIR [--json FILE] [--runs 5] [--seconds 3]

Everything runs in one go on a private stack with a MovieLens import, through
nginx, and every figure is a median of interleaved runs:

  a  cached movie detail with a token, against nginx sending a file of the same
     bytes; and how often a cached request goes to memcached
  b  the same without the answer cache, against a bare program
     (t/bench/bare.c) behind the same nginx with the same prepared statement
     and as many processes
  c  how far the slow requests of (a) are from the usual ones
  d  private memory of a worker after 10 000 and after 100 000 requests
  e  from the start of mxmd to its first answer
  f  training and scoring on generated ratings (t/bench/recommend): a whole
     iteration beside the same bare calls, and the CPU of one recommendation
  g  recommendations as they are asked for, uncached (t/bench/serving.py): p95
     with clients that pause, the CPU of a request, and what a model costs a
     worker
  h  searches and recommendations in a million generated films, as statements
     (t/bench/search.py): p50, p95, and the first on a new connection; minutes,
     and 2 GiB of disk
  j  users and friends: searches, suggestions and lists among 200 000 generated
     users (t/bench/friends.py)
  i  ratings that are written (t/bench/writing.py): POST and PUT with all they
     invalidate, beside GET of the same, cached
  k  what the time of an answer reveals about accounts (t/bench/secrecy.py)
  l  cached reads while 200 clients log in at once (t/bench/logins.py)
  m  the statements of the routes that are used most, in a generated site of
     50 000 films, 300 000 persons, 200 000 users and 2 million ratings
     (t/bench/hot.py): CPU and time, p50 and p95; minutes, and 4 GiB of disk
  n  a home page of the front end in that site, some 260 requests one after
     another (t/bench/home.py): server time by the log, and CPU

With --large, (m) and (n) have 20 million ratings, and (f) also measures as many,
and the memory that "mxmctl recommend rank" takes to learn from a file of them:
minutes, and 10 GiB of disk.

--json FILE writes one line per figure: name, value, unit, goal, holds.
"""

import argparse
import http.client
import json
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(TREE / "t/lib"))

import ending  # noqa: E402
import bare  # noqa: E402

CONNECTIONS = (32, 128)


class Figures:
    """Results, printed at once and written as JSON at the end."""

    def __init__(self):
        self.rows = []

    def add(self, name, value, unit, goal=None, holds=None):
        self.rows.append({"name": name, "value": round(value, 4),
                          "unit": unit, "goal": goal, "holds": holds})
        mark = {None: "", True: "holds", False: "MISSED"}[holds]
        print(f"  {name:46} {value:12.3f} {unit:10} {goal or '':12} {mark}",
              flush=True)

    def at_least(self, name, value, unit, limit):
        self.add(name, value, unit, f">= {limit}", value >= limit)

    def below(self, name, value, unit, limit):
        self.add(name, value, unit, f"< {limit}", value < limit)

    def write(self, path):
        with open(path, "w", encoding="utf-8") as out:
            for row in self.rows:
                out.write(json.dumps(row) + "\n")


# ------------------------------------------------------------------- tools

UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


def wrk(url, connections, seconds, token=None, script=None):
    """One run of wrk: requests a second, p50 and p99 in ms, requests."""
    args = ["wrk", "-t", "2", "-c", str(connections), "-d", f"{seconds}s",
            "--latency"]
    if token:
        args += ["-H", f"Authorization: Bearer {token}"]
    if script:
        args += ["-s", str(script)]
    out = subprocess.run([*args, url], capture_output=True, text=True,
                         check=True, timeout=seconds + 60).stdout
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    errors = re.search(r"Socket errors: (.*)", out)
    if bad or errors:
        raise SystemExit(f"bench: {url} at {connections} connections: "
                         f"{(bad or errors).group()}\n{out}")
    def latency(percent):
        number, unit = re.search(rf"{percent}%\s+([\d.]+)(\w+)", out).groups()
        return float(number) * UNITS[unit]
    return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)",
                                    out).group(1)),
            "p50": latency(50), "p99": latency(99),
            "requests": int(re.search(r"(\d+) requests in", out).group(1))}


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def worker_pids(master):
    """Children of mxmd, the workers of both pools."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == master and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def private_mib(pid):
    """Private_Clean + Private_Dirty of a process."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(kb) for kb in re.findall(
        r"^Private_(?:Clean|Dirty):\s+(\d+) kB", text, re.M)) / 1024


class Relay:
    """A memcached in front of memcached that counts the trips to it."""

    def __init__(self, path, target):
        self.trips = 0
        self.gets = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(64)
        self.target = str(target)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.target)
            for a, b, count in ((client, server, True),
                                (server, client, False)):
                threading.Thread(target=self._pump, args=(a, b, count),
                                 daemon=True).start()

    def _pump(self, source, sink, count):
        while True:
            try:
                data = source.recv(65536)
                if count and data:
                    self.trips += 1
                    self.gets += len(re.findall(rb"(?m)^(?:mg|gets?) ", data))
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(data)
            except OSError:
                return


# ----------------------------------------------------------------- figures

class Bench:
    def __init__(self, stack, options):
        self.stack, self.options = stack, options
        self.figures = Figures()
        self.client = stack.client()
        self.client.signup("bench", "bench@example.org",
                           "Lantern-trilobite-71")
        self.token = self.client.token
        movies = stack.sql("SELECT slug FROM live_movie "
                           "ORDER BY rating_count DESC, id LIMIT 200")
        self.slugs = [slug for (slug,) in movies]
        self.path = f"/api/movies/{self.slugs[0]}/"

    def head(self, text):
        print(f"\n{text}", flush=True)

    def runs(self, variants):
        """All variants in turn, as often as asked; a list of runs each."""
        results = {name: [] for name in variants}
        for call in variants.values():
            call(1)
        for _ in range(self.options.runs):
            for name, call in variants.items():
                results[name].append(call(self.options.seconds))
        return results

    # (a) and (c)
    def cached(self):
        self.head("a, c: cached movie detail against a file")
        stack = self.stack
        body = self.client.get(self.path).content
        file_url = add_file(stack, body)
        self.figures.add("a: bytes of the body", len(body), "bytes")
        variants = {}
        for n in CONNECTIONS:
            variants["api", n] = (lambda s, n=n: wrk(
                stack.url + self.path, n, s, self.token))
            variants["file", n] = (lambda s, n=n: wrk(
                file_url, n, s, self.token))
        results = self.runs(variants)
        for n in CONNECTIONS:
            api = median(results["api", n], "rate")
            file = median(results["file", n], "rate")
            self.figures.add(f"a: detail, {n} connections", api, "requests/s")
            self.figures.add(f"a: file, {n} connections", file, "requests/s")
            self.figures.at_least(f"a: detail / file, {n} connections",
                                  api / file, "ratio", 0.35)
        p50 = median(results["api", 128], "p50")
        p99 = median(results["api", 128], "p99")
        self.figures.add("c: p50, 128 connections", p50, "ms")
        self.figures.add("c: p99, 128 connections", p99, "ms")
        self.figures.below("c: p99 / p50, 128 connections", p99 / p50,
                           "ratio", 8)

    def trips(self):
        stack = self.stack
        path = stack.base / "relay.sock"
        relay = Relay(path, stack.cache_socket)
        stack.restart_mxmd(cache_servers=path)
        for _ in range(20):
            self.client.get(self.path)
        before, gets = relay.trips, relay.gets
        for _ in range(200):
            self.client.get(self.path)
        trips = (relay.trips - before) / 200
        self.figures.add("a: multi-gets a cached request",
                         (relay.gets - gets) / 200, "gets")
        self.figures.add("a: trips to memcached a cached request", trips,
                         "trips", "<= 1", trips <= 1)
        stack.restart_mxmd(cache_servers=stack.cache_socket)

    # (b)
    def uncached(self):
        self.head("b: uncached movie detail against a bare program")
        stack = self.stack
        stack.restart_mxmd(answer_cache="off")
        workers = self.fast_workers()
        self.figures.add("b: processes, of each", workers, "")
        with bare.Bare(stack, self.options.build, workers,
                       self.slugs[0]) as program:
            url = program.url
            self.compare_bodies(url)
            variants = {}
            for n in CONNECTIONS:
                variants["api", n] = (lambda s, n=n: wrk(
                    stack.url + self.path, n, s, self.token))
                variants["bare", n] = (lambda s, n=n: wrk(
                    url, n, s, self.token))
            results = self.runs(variants)
        for n in CONNECTIONS:
            api = median(results["api", n], "rate")
            other = median(results["bare", n], "rate")
            self.figures.add(f"b: detail, {n} connections", api, "requests/s")
            self.figures.add(f"b: bare, {n} connections", other, "requests/s")
            ratio = statistics.median(
                ours["rate"] / theirs["rate"] for ours, theirs
                in zip(results["api", n], results["bare", n]))
            self.figures.at_least(f"b: detail / bare, {n} connections",
                                  ratio, "ratio", 0.9)
        stack.restart_mxmd(answer_cache="on")

    def compare_bodies(self, url):
        """Both must send the same bytes, else the comparison is unfair."""
        ours, theirs = (self.client.get(path, check=False).content for path
                        in (self.path, url.removeprefix(self.stack.url)))
        if ours != theirs:
            raise SystemExit("bench: the bare program answers\n"
                             f"{theirs}\nand not\n{ours}")

    def fast_workers(self):
        status = json.loads(self.stack.ctl(["--json", "status"]).stdout)
        return sum(w["pool"] == "fast" for w in status["workers"])

    # (d)
    def memory(self):
        self.head("d: private memory of a worker")
        stack = self.stack
        stack.restart_mxmd()
        script = stack.base / "mixed.lua"
        script.write_text(mixed(self.slugs))
        total = 0
        for goal, limit in ((10_000, None), (100_000, 6)):
            while total < goal:
                total += wrk(stack.url, 32, 1, self.token,
                             script)["requests"]
            worst = max(map(private_mib, worker_pids(stack.mxmd.pid)))
            name = f"d: largest worker after {goal:,} requests"
            if limit is None:
                self.figures.add(name.replace(",", " "), worst, "MiB")
            else:
                self.figures.below(name.replace(",", " "), worst, "MiB",
                                   limit)

    # (e)
    def start(self):
        self.head("e: from the start of mxmd to the first answer")
        stack = self.stack
        times = []
        for _ in range(self.options.runs):
            stack.mxmd.stop()
            begin = time.monotonic()
            stack.mxmd.start([self.options.build / "mxmd", "--config",
                              stack.conf], env=self.env())
            self.first_answer(begin + 10)
            times.append((time.monotonic() - begin) * 1000)
        self.figures.below("e: first detail after start",
                           statistics.median(times), "ms", 100)

    @staticmethod
    def env():
        import stack
        return stack.environment()

    def first_answer(self, deadline):
        connection = http.client.HTTPConnection("127.0.0.1",
                                                self.stack.port)
        headers = {"Authorization": f"Bearer {self.token}"}
        while time.monotonic() < deadline:
            connection.request("GET", self.path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                connection.close()
                return
            time.sleep(0.001)
        raise SystemExit("bench: mxmd does not answer")


def add_file(stack, body):
    """Has the stack's nginx send these bytes from a file as well."""
    file = stack.base / "detail.json"
    file.write_bytes(body)
    site = stack.base / "nginx/mxm-site.conf"
    with open(site, "a", encoding="utf-8") as out:
        out.write(f"location = /bench {{ alias {file}; "
                  "types {} default_type application/json; }\n")
    stack.reload_nginx("/bench")
    return stack.url + "/bench"


def mixed(slugs):
    """A wrk script that asks for many things in turn."""
    paths = ["/api/genres/", "/api/platforms/", "/api/movies/",
             "/api/users/", "/api/movies/searching/?title=love",
             "/api/movies/searching/?title=star&limit=100"]
    paths += [f"/api/movies/{slug}/" for slug in slugs]
    listed = ",\n".join(f'"{p}"' for p in paths)
    return (f"local paths = {{\n{listed}\n}}\nlocal n = 0\n"
            "request = function()\n"
            "\tn = n % #paths + 1\n"
            "\treturn wrk.format(\"GET\", paths[n])\nend\n")


def recommender(figures, build, large):
    """Needs no stack; the program measures, the goals are here."""
    print("\nf: the recommender on generated ratings", flush=True)
    goals = {"training, 1M, 64, quickest iteration": 0.155,
             "training, 1M, 64, iteration / bare calls": 1.5,
             "training, 1M, 128, iteration / bare calls": 1.5,
             "training, 20M, 64, iteration / bare calls": 1.5,
             "serving, 10000 movies": 1,
             "serving, 100000 movies": 6,
             "movies for a group of 5, 50000 movies": 10}
    subprocess.run(["make", "-s", "-C", str(build), "t/bench/recommend"],
                   check=True)
    run_recommend(figures, goals, [build / "t/bench/recommend"])
    if large:
        run_recommend(figures, goals, [build / "t/bench/recommend",
                                       "--large"])
        learn_large(figures, build)


def run_recommend(figures, goals, args):
    done = subprocess.run(args, stdout=subprocess.PIPE, text=True, check=True)
    for line in done.stdout.splitlines():
        row = json.loads(line)
        name, value, unit = row["name"], row["value"], row["unit"]
        if name in goals:
            figures.below(name, value, unit, goals[name])
        else:
            figures.add(name, value, unit)


def learn_large(figures, build):
    """The real command on 20 million ratings: what it takes at most."""
    with tempfile.TemporaryDirectory(prefix="mxm-", dir=ending.temporary()) as folder:
        train, out = f"{folder}/train.csv", f"{folder}/out.csv"
        subprocess.run([build / "t/bench/recommend", "--table", train],
                       check=True)
        began = time.monotonic()
        child = subprocess.Popen([build / "mxmctl", "recommend", "rank",
                                  "--train", train, "--out", out, "--top",
                                  "10"], stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        if status != 0:
            raise SystemExit(f"bench: mxmctl recommend rank: {status}")
        figures.add("20M: reading, learning, ranking all",
                    time.monotonic() - began, "s")
        figures.below("20M: memory at most", usage.ru_maxrss / 1024, "MiB",
                      2048)


def main():
    parser = argparse.ArgumentParser(
        description="Measures the system on this machine.")
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--json", metavar="FILE", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--only", default="abcdefghijklmn",
                        help="some of the letters a to n")
    parser.add_argument("--large", action="store_true",
                        help="20 million ratings as well: some minutes")
    options = parser.parse_args()
    options.build = options.build.resolve()
    os.environ["MXM_BUILD"] = str(options.build)

    import world
    data = world.shared_data("ml-latest-small")
    if set(options.only) - set("hjmn") and data is None:
        print("bench: no MovieLens data; set MXM_SHARED to the folder that "
              "holds data/ml-latest-small. Nothing is measured.")
        return 0
    try:
        with ending.Run():
            return run(options, data)
    except ending.Ended as e:
        return ending.interrupted(e)


def run(options, data):
    import stack
    import world
    cluster = stack.Cluster(production=True)
    try:
        cluster.start()
        if not set(options.only) - set("hjmn"):
            return measure(None, options, cluster)
        print(f"importing {data} …", flush=True)
        template = world.template(cluster, "movielens")
        settings = {"workers": 0, "slow_workers": 0}
        with stack.Stack(cluster, settings, template,
                         nginx_workers="auto") as made:
            return measure(made, options, cluster)
    finally:
        cluster.close()


def measure(made, options, cluster):
    figures = Figures()
    if made is not None:
        figures = on_stack(made, options)
    if "h" in options.only:
        import search
        search.measure(cluster, figures)
    if "j" in options.only:
        import friends
        friends.measure(cluster, figures)
    if "m" in options.only:
        import hot
        hot.measure(cluster, figures, options)
    if "n" in options.only:
        import home
        home.measure(cluster, figures, options)
    if options.json:
        figures.write(options.json)
    missed = [r["name"] for r in figures.rows if r["holds"] is False]
    print(f"\n{len(missed)} of the goals missed"
          + (": " + "; ".join(missed) if missed else ""))
    return 0


def on_stack(made, options):
    """The figures that need a stack."""
    bench = Bench(made, options)
    if "a" in options.only or "c" in options.only:
        bench.cached()
        bench.trips()
    if "b" in options.only:
        bench.uncached()
    if "d" in options.only:
        bench.memory()
    if "e" in options.only:
        bench.start()
    if "f" in options.only:
        recommender(bench.figures, options.build, options.large)
    if "g" in options.only:
        import serving
        serving.measure(made, bench.figures, options)
    if "i" in options.only:
        import writing
        writing.measure(made, bench.figures, options)
    if "k" in options.only:
        import secrecy
        secrecy.measure(made, bench.figures, options)
    if "l" in options.only:
        import logins
        logins.measure(made, bench.figures, options)
    return bench.figures


if __name__ == "__main__":
    sys.exit(main())
