# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of one whole home page of the front end, in the site of
t/bench/hot.py: the recommendations, and for each of their films its persons, the
user's lists that contain it and the friends' ratings, one request after another.
Server time is what mxmd logs for each request, in which it waits for PostgreSQL
and memcached too; CPU is that of the workers and of PostgreSQL."""

import re
import statistics

import hot
import serving
from stack import wait_until

PASSWORD = "Lantern-trilobite-71"
GOAL = 100

# Ratings, friends and lists of the user, who is the newest account.
USER = """
INSERT INTO rating (user_id, movie_id, rating)
SELECT %(me)s, id, 3 + id %% 3
  FROM (SELECT id FROM live_movie ORDER BY rating_count DESC, id LIMIT 60) AS m
 WHERE id %% 2 = 0;
INSERT INTO friendship (user1_id, user2_id)
SELECT id, %(me)s FROM account WHERE active AND id %% 9973 = 5;
INSERT INTO movielist (user_id, name, slug)
SELECT %(me)s, 'List ' || n, 'list-' || n FROM generate_series(1, 5) AS n;
INSERT INTO movielist_movie (movielist_id, movie_id)
SELECT l.id, m.id
  FROM movielist AS l,
       (SELECT id FROM live_movie ORDER BY rating_count DESC, id LIMIT 200) AS m
 WHERE l.user_id = %(me)s AND (l.id + m.id) %% 5 = 0;
"""


def load(client, stack):
    """Requests the page; gives the number of requests."""
    def get(path):
        response = client.get(path)
        if response.status_code != 200:
            raise SystemExit(f"bench: {path}: {response.status_code}")
        return response.json()
    films = get("/api/movies/")
    if len(films) != 20:
        raise SystemExit(f"bench: {len(films)} recommendations")
    count = 1
    for film in films:
        below = f"/api/movies/{film['slug']}"
        paths = [url.removeprefix(stack.tls_url)
                 for url in film["actors"] + film["directors"]]
        paths += [f"{below}/movie-lists/", f"{below}/friends-ratings/?limit=5"]
        for path in paths:
            get(path)
        count += len(paths)
    return count


def page(client, stack):
    """One page: requests, ms of server time, ms of CPU of workers, PostgreSQL."""
    masters = (stack.mxmd.pid, stack.cluster.process.pid)
    before = [serving.cpu_seconds(pid) for pid in masters]
    since = stack.mark()
    count = load(client, stack)

    def logged():
        times = re.findall(r" GET /api/\S* 200 (\d+)us ", stack.log(since=since))
        return times if len(times) == count else None
    times = wait_until(logged, "all requests are in the log", 10)
    return (count, sum(map(int, times)) / 1000,
            *(1000 * serving.spent(b, serving.cpu_seconds(pid))
              for b, pid in zip(before, masters)))


def measure(cluster, figures, options):
    import stack as stack_module
    print("\nn: a home page of the front end", flush=True)
    with stack_module.Stack(cluster, template=hot.template(cluster, options)) as made:
        serving.trained(made)
        client = made.client(check=False)
        client.signup("home", "home@example.org", PASSWORD)
        me = made.value("SELECT id FROM account WHERE username = 'home'")
        made.sql(USER, {"me": me})
        made.touched()
        cluster.sql("ANALYZE", None, made.database)
        cold = page(client, made)
        warm = [page(client, made) for _ in range(options.runs)]
    figures.add("n: requests", cold[0], "requests")
    figures.add("n: server time, first time", cold[1], "ms")

    def median(column):
        return statistics.median(run[column] for run in warm)
    figures.below("n: server time, warm", median(1), "ms", GOAL)
    figures.add("n: CPU of workers, warm", median(2), "ms")
    figures.add("n: CPU of PostgreSQL, warm", median(3), "ms")
