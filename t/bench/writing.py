# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a write: ratings that are made (POST) and changed (PUT) by
members through nginx, each of which invalidates what the cache holds of the
member, with mxm-jobs running; beside them the reading of what is written."""

import re
import statistics
import subprocess

import serving

CALLERS = 16
CLIENTS = 16
MOVIES = 4000
PASSWORD = "Lantern-trilobite-71"

# Every thread walks through pairs of a member and a movie of its own, once in a
# run for POST; PUT changes the stars with each time around.
SCRIPT = """
local tokens = {{ {tokens} }}
local slugs = {{ {slugs} }}
local threads = 0
function setup(thread)
	thread:set("number", threads)
	threads = threads + 1
end
local n, stars = -1, 1
request = function()
	n = n + 1
	local at = n * 2 + number
	if at >= #tokens * #slugs then
		n, at, stars = 0, number, stars % 5 + 1
	end
	local path = "/api/movies/" .. slugs[math.floor(at / #tokens) + 1] ..
	    "/ratings/"
	return wrk.format("{method}", path, {{
	    ["Authorization"] = "Bearer " .. tokens[at % #tokens + 1],
	    ["Content-Type"] = "application/json" }},
	    "{method}" ~= "GET" and
	    string.format('{{"rating":%d}}', (stars + {shift}) % 5 + 1) or nil)
end
done = function(summary, latency)
	io.write(string.format("figures %d %d %d %d\\n", summary.requests,
	    summary.duration, latency:percentile(50), latency:percentile(95)))
	local e = summary.errors
	io.write(string.format("errors %d\\n", e.connect + e.read + e.write
	    + e.status + e.timeout))
end
"""


class Writing:
    def __init__(self, stack):
        self.stack = stack
        self.slugs = [slug for (slug,) in stack.sql(
            "SELECT slug FROM live_movie ORDER BY rating_count DESC, id "
            "LIMIT %s", (MOVIES,))]
        self.tokens = []
        for number in range(CALLERS):
            name = f"writer{number}"
            client = stack.client()
            client.signup(name, f"{name}@example.org", PASSWORD)
            self.tokens.append(client.token)
        self.shift = 0

    def script(self, method, slugs):
        path = self.stack.base / f"write{method}.lua"
        self.shift += 1
        path.write_text(SCRIPT.format(
            method=method, shift=self.shift,
            tokens=", ".join(f'"{token}"' for token in self.tokens),
            slugs=", ".join(f'"{slug}"' for slug in slugs)))
        return path

    def forget(self):
        """Deletes the ratings of the users who write."""
        self.stack.sql("DELETE FROM rating WHERE user_id IN (SELECT id FROM "
                       "account WHERE username LIKE 'writer%')")
        self.settle()

    def rate_all(self, slugs):
        self.stack.sql(
            "INSERT INTO rating (user_id, movie_id, rating) SELECT a.id, m.id,"
            " 3 FROM account AS a, movie AS m WHERE a.username LIKE 'writer%%'"
            " AND m.slug = ANY (%s) ON CONFLICT DO NOTHING", (slugs,))
        self.settle()

    def settle(self):
        """mxm-jobs is done with what was written behind the program's back,
        and statistics and hints are as after a while."""
        from stack import wait_until
        wait_until(lambda: self.stack.value("SELECT count(*) FROM touch") == 0,
                   "mxm-jobs has raised all touches", 60, self.stack.jobs)
        self.stack.cluster.sql("VACUUM ANALYZE rating, touch, movie", None,
                               self.stack.database)

    def load(self, script, seconds):
        """One run: rate, p50 and p95 in ms, and ms of CPU a request."""
        stack = self.stack
        masters = {"mxmd": stack.mxmd.pid, "postgres": stack.cluster.process.pid}
        before = {name: serving.cpu_seconds(pid)
                  for name, pid in masters.items()}
        out = subprocess.run(
            ["wrk", "-t", "2", "-c", str(CLIENTS), "-d", f"{seconds}s", "-s",
             str(script), stack.url], capture_output=True, text=True,
            check=True, timeout=seconds + 60).stdout
        found = re.search(r"^figures (\d+) (\d+) (\d+) (\d+)$", out, re.M)
        if not found or not re.search(r"^errors 0$", out, re.M):
            raise SystemExit(f"bench: ratings: {out}")
        count, micros, p50, p95 = map(int, found.groups())
        result = {"rate": count / micros * 1e6, "p50": p50 / 1e3,
                  "p95": p95 / 1e3}
        for name, pid in masters.items():
            spent = serving.spent(before[name], serving.cpu_seconds(pid))
            result[name] = 1e3 * spent / count
        return result

    def post(self, seconds):
        self.forget()
        return self.load(self.script("POST", self.slugs), seconds)

    def put(self, seconds):
        slugs = self.slugs[:100]
        self.rate_all(slugs)
        return self.load(self.script("PUT", slugs), seconds)

    def get(self, seconds):
        slugs = self.slugs[:100]
        self.rate_all(slugs)
        return self.load(self.script("GET", slugs), seconds)


def measure(stack, figures, options):
    print("\ni: ratings that are written", flush=True)
    writing = Writing(stack)
    kinds = {"POST": writing.post, "PUT": writing.put, "GET": writing.get}
    results = {name: [] for name in kinds}
    for run in kinds.values():
        run(1)
    for _ in range(options.runs):
        for name, run in kinds.items():
            results[name].append(run(options.seconds))

    def median(name, key):
        return statistics.median(run[key] for run in results[name])
    for name in kinds:
        figures.add(f"i: {name}: rate", median(name, "rate"), "requests/s")
        figures.add(f"i: {name}: p50", median(name, "p50"), "ms")
        figures.add(f"i: {name}: p95", median(name, "p95"), "ms")
        figures.add(f"i: {name}: CPU of workers a request",
                    median(name, "mxmd"), "ms")
        figures.add(f"i: {name}: CPU of PostgreSQL a request",
                    median(name, "postgres"), "ms")
