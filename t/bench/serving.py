# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of recommendations as they are asked for: GET /api/movies/ by
members with about two hundred ratings, from a model trained on the MovieLens
import, without the answer cache; and what a model costs a worker.

Clients pause between answer and next request, evenly spread around PAUSE ms, as
people do who click on; without a pause, all that is measured is the queue."""

import pathlib
import re
import statistics
import subprocess

from stack import wait_until

CALLERS = 16
CLIENTS = 32
PAUSE = 250
RATINGS = 200

PASSWORD = "Lantern-trilobite-71"

SCRIPT = """
local tokens = {{ {tokens} }}
math.randomseed(os.time())
request = function()
	return wrk.format("GET", "/api/movies/", {{
	    ["Authorization"] = "Bearer " .. tokens[math.random(#tokens)] }})
end
{delay}
done = function(summary, latency)
	io.write(string.format("figures %d %d %d %d\\n", summary.requests,
	    summary.duration, latency:percentile(50), latency:percentile(95)))
	local e = summary.errors
	io.write(string.format("errors %d\\n", e.connect + e.read + e.write
	    + e.status + e.timeout))
end
"""

# Those who rated about so much, one copy of each as a member of ours; a few
# friends, since whose favourites they are is looked up as well.
COPY = """
INSERT INTO rating (user_id, movie_id, rating, created_at)
SELECT %s, movie_id, rating, created_at
  FROM live_rating
 WHERE user_id = %s;
INSERT INTO friendship (user1_id, user2_id)
SELECT user_id, %s
  FROM (SELECT user_id
          FROM live_rating
         WHERE user_id < %s
         GROUP BY user_id
         ORDER BY abs(count(*) - %s), user_id
         LIMIT 5) AS f;
"""

# As many more as the large model knows.
FILL = """
INSERT INTO movie (id, slug, title, release_date, modelled)
SELECT n, 'bench-' || n, 'Bench ' || n, date '1990-01-01' + n::int % 10000,
       true
  FROM generate_series((SELECT max(id) + 1 FROM movie), 100000) AS n;
"""


def callers(stack):
    """Users with the ratings of imported ones; their tokens."""
    source = [u for (u,) in stack.sql(
        "SELECT user_id FROM live_rating GROUP BY user_id "
        "ORDER BY abs(count(*) - %s), user_id LIMIT %s", (RATINGS, CALLERS))]
    tokens = []
    for number, user in enumerate(source):
        name = f"caller{number}"
        client = stack.client()
        client.signup(name, f"{name}@example.org", PASSWORD)
        tokens.append(client.token)
        mine = stack.value("SELECT id FROM account WHERE username = %s",
                           (name,))
        stack.sql(COPY, (mine, user, mine, user, RATINGS))
    stack.cluster.sql("ANALYZE", None, stack.database)
    return tokens


def script_of(stack, tokens, pause):
    """wrk's script for these callers."""
    path = stack.base / f"recommend{pause}.lua"
    delay = (f"delay = function() return math.random(0, {2 * pause}) end"
             if pause else "")
    listed = ", ".join(f'"{token}"' for token in tokens)
    path.write_text(SCRIPT.format(tokens=listed, delay=delay))
    return path


def load(stack, script, seconds):
    """One run: rate, p50, p95 in ms, requests."""
    out = subprocess.run(
        ["wrk", "-t", "2", "-c", str(CLIENTS), "-d", f"{seconds}s", "-s",
         str(script), stack.url], capture_output=True, text=True, check=True,
        timeout=seconds + 60).stdout
    found = re.search(r"^figures (\d+) (\d+) (\d+) (\d+)$", out, re.M)
    if not found or not re.search(r"^errors 0$", out, re.M):
        raise SystemExit(f"bench: GET /api/movies/: {out}")
    requests, micros, p50, p95 = map(int, found.groups())
    return {"rate": requests / micros * 1e6, "p50": p50 / 1e3,
            "p95": p95 / 1e3, "requests": requests}


def cpu_seconds(master):
    """What the children of a process have computed so far, by their id."""
    found = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
            if parent == master:
                spent = (stat.parent / "schedstat").read_text().split()[0]
                found[int(stat.parent.name)] = int(spent) / 1e9
        except OSError:
            continue  # it has just ended
    return found


def spent(before, after):
    return sum(t - before.get(pid, 0) for pid, t in after.items())


def with_cpu(stack, run):
    """A run, and the CPU that a request took of workers and of PostgreSQL."""
    masters = {"mxmd": stack.mxmd.pid, "postgres": stack.cluster.process.pid}
    before = {name: cpu_seconds(pid) for name, pid in masters.items()}
    result = run()
    for name, pid in masters.items():
        result[name] = (1e3 * spent(before[name], cpu_seconds(pid))
                        / result["requests"])
    return result


def trained(stack):
    """A model as the site would train it, on this host."""
    stack.ctl(["recommend", "train"], timeout=600)
    wait_until(lambda: (stack.base / "model").exists(), "the model arrives",
               60, stack.jobs)


def check_answers(stack, tokens):
    """Twenty movies each, and ratings are among their reasons."""
    for token in tokens:
        answer = stack.client().get("/api/movies/", token=token)
        movies = answer.json()
        reasons = [w["kind"] for m in movies for w in m["because"]]
        if (answer.status_code != 200 or len(movies) != 20
                or "rating" not in reasons):
            raise SystemExit(f"bench: GET /api/movies/ says {answer.text}")


def requests(stack, figures, options):
    """The whole uncached request, with pauses and without."""
    trained(stack)
    tokens = callers(stack)
    stack.restart_mxmd(answer_cache="off")
    check_answers(stack, tokens)
    variants = {pause: script_of(stack, tokens, pause)
                for pause in (PAUSE, 0)}
    results = {pause: [] for pause in variants}
    for script in variants.values():
        load(stack, script, 1)
    for _ in range(options.runs):
        for pause, script in variants.items():
            results[pause].append(with_cpu(
                stack, lambda s=script: load(stack, s, options.seconds)))

    def median(pause, key):
        return statistics.median(run[key] for run in results[pause])
    name = f"g: {CLIENTS} clients, pause {PAUSE} ms"
    figures.add(f"{name}: rate", median(PAUSE, "rate"), "requests/s")
    figures.add(f"{name}: p50", median(PAUSE, "p50"), "ms")
    figures.below(f"{name}: p95", median(PAUSE, "p95"), "ms", 5)
    name = f"g: {CLIENTS} clients, no pause"
    figures.add(f"{name}: rate", median(0, "rate"), "requests/s")
    figures.add(f"{name}: p50", median(0, "p50"), "ms")
    figures.add(f"{name}: p95", median(0, "p95"), "ms")
    figures.add("g: CPU of workers a request", median(0, "mxmd"), "ms")
    figures.add("g: CPU of PostgreSQL a request", median(0, "postgres"), "ms")
    return tokens


def dirty_mib(pid):
    """What only this process has: the model's file is none of it."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Private_Dirty:\s+(\d+) kB", text, re.M)[1]) / 1024


def settle(stack):
    """Waits until the workers have nothing to do any more."""
    seen = [None]

    def is_quiet():
        before, seen[0] = seen[0], cpu_seconds(stack.mxmd.pid)
        return before == seen[0]
    wait_until(is_quiet, "the workers are done", 30, stack.mxmd)


def growth(stack, figures, tokens, what, model):
    """By how much the largest worker grows as it begins to recommend."""
    stack.restart_mxmd(answer_cache="off", model_file=model)
    slug = stack.value("SELECT min(slug) FROM live_movie")
    subprocess.run(["wrk", "-c", "32", "-d", "1s", "-H",
                    f"Authorization: Bearer {tokens[0]}",
                    f"{stack.url}/api/movies/{slug}/"], check=True,
                   capture_output=True)
    before = {pid: dirty_mib(pid) for pid in cpu_seconds(stack.mxmd.pid)}
    check_answers(stack, tokens)
    load(stack, script_of(stack, tokens, 0), 1)  # all have mapped it
    run = with_cpu(stack, lambda: load(stack, script_of(stack, tokens, 0), 2))
    settle(stack)
    grown = max(dirty_mib(pid) - size for pid, size in before.items())
    figures.add(f"g: {what}: CPU of workers a request", run["mxmd"], "ms")
    figures.add(f"g: {what}: CPU of PostgreSQL a request", run["postgres"],
                "ms")
    figures.add(f"g: {what}: file", model.stat().st_size / 2**20, "MiB")
    figures.below(f"g: {what}: growth of a worker", grown, "MiB", 1)


def memory(stack, figures, options, tokens):
    """A model is mapped; the private memory of a worker is independent of its
    size."""
    large = stack.base / "large-model"
    subprocess.run([options.build / "t/bench/recommend", "--model", large],
                   check=True)
    subprocess.run(["sync", large], check=True)  # else its pages are dirty
    growth(stack, figures, tokens, "trained model", stack.base / "model")
    stack.sql(FILL)
    stack.cluster.sql("ANALYZE", None, stack.database)
    growth(stack, figures, tokens, "100 000 movies", large)
    stack.restart_mxmd(answer_cache="on", model_file=stack.base / "model")


def measure(stack, figures, options):
    print("\ng: recommendations without the answer cache", flush=True)
    subprocess.run(["make", "-s", "-C", str(options.build),
                    "t/bench/recommend"], check=True)
    tokens = requests(stack, figures, options)
    memory(stack, figures, options, tokens)
