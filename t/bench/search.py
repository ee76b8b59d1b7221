# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of searches and recommendations on a million generated films
(t/bench/catalogue.sql): the statements themselves, prepared once and in a
session that is set as the program sets its own, on one connection. CPU is the
mean of the server's process, which other work on the machine changes little."""

import pathlib
import re
import time

TREE = pathlib.Path(__file__).resolve().parents[2]

FILMS = 1_000_000
RUNS = 40
WARM = 3
GOAL = 100

SESSION = ("SET mxm.origin = 'https://x'; SET jit = off; SET plan_cache_mode = force_generic_plan;"
           " SET statement_timeout = '30s'")

FIELDS = ["name", "genres", "platforms", "directors", "actors", "celebrities",
          "stars", "marked_unseen", "reviewed", "page", "size"]
NOTHING = dict.fromkeys(FIELDS) | {
    "marked_unseen": False, "reviewed": False, "page": 1, "size": 15}


def persons(first, last):
    return [f"person-{i}" for i in range(first, last + 1)]


# Person 1 acts in one film of twenty, the next have some hundred films each.
SEARCHES = [
    {}, {"page": 600}, {"page": 50000},
    {"genres": ["drama"]}, {"genres": ["drama"], "page": 50000},
    {"genres": ["action"]}, {"genres": ["action"], "page": 50000},
    {"genres": ["crime"], "page": 50000}, {"genres": ["family"]},
    {"genres": ["film-noir"]}, {"genres": ["film-noir"], "page": 50000},
    {"genres": ["none"]}, {"platforms": ["platform-20"]},
    {"platforms": ["platform-3"], "page": 50000},
    {"name": "a"}, {"name": "a", "page": 50000}, {"name": "the"},
    {"name": "the", "page": 50000}, {"name": "river"},
    {"name": "river", "page": 50000}, {"name": "ba"}, {"name": "of the"},
    {"name": "la"}, {"name": "%"}, {"name": "zq"}, {"name": "尋"},
    {"name": "る千"}, {"name": "\U0001f3ac"},
    {"name": "river", "genres": ["drama"]},
    {"name": "the", "genres": ["film-noir"]},
    {"name": "the", "genres": ["drama"], "page": 50000},
    {"genres": ["drama"], "platforms": ["platform-1"]},
    {"genres": ["drama"], "platforms": ["platform-1"], "page": 50000},
    {"genres": ["film-noir"], "platforms": ["platform-19"]},
    {"name": "river", "genres": ["drama"], "platforms": ["platform-1"]},
    {"name": "the", "genres": ["drama"], "platforms": ["platform-1"]},
    {"name": "a", "genres": ["comedy"], "actors": ["person-1"]},
    {"actors": ["person-1"]}, {"actors": ["person-1"], "page": 50000},
    {"actors": ["person-1"], "genres": ["drama"]},
    {"actors": ["person-1"], "name": "the"},
    {"actors": ["person-1"], "name": "rivver"},
    {"actors": ["person-1"], "directors": ["person-2"]},
    {"celebrities": ["person-1"], "page": 50000},
    {"celebrities": persons(1, 50)}, {"celebrities": persons(2, 51)},
    {"celebrities": persons(2, 241)},
    {"actors": persons(1, 50), "directors": persons(1, 50)},
    {"name": "the", "celebrities": persons(1, 50), "genres": ["drama"]},
    {"genres": "every"}, {"platforms": "every"},
    {"genres": "every", "platforms": "every", "page": 50000},
    {"genres": [f"none-{i}" for i in range(50)]},
    {"stars": [5]}, {"stars": [1, 2, 3, 4, 5], "genres": ["drama"]},
    {"marked_unseen": True}, {"marked_unseen": True, "name": "the"},
    {"reviewed": True}, {"stars": [4], "marked_unseen": True},
    {"name": "rivver"}, {"name": "the bacoxx"}, {"name": "thee"},
    {"name": "teh rivr"}, {"name": "rivver", "genres": ["film-noir"]},
    {"name": "the rivver of the bacondi"}, {"name": "xqzwv"},
    {"name": ("the " * 63)[:251]}, {"name": "e" * 255}, {"name": "%" * 255},
    {"name": "old"}, {"name": "old", "genres": ["drama"]},
]

CRITERIA = [
    {}, {"genres": ["drama"]}, {"genres": ["film-noir"]}, {"genres": ["empty"]},
    {"genres": ["drama", "crime", "film-noir"]},
    {"without_genres": ["drama", "crime"]}, {"platforms": ["platform-1"]},
    {"platforms": ["platform-20"]}, {"year_from": 1950, "year_to": 1959},
    {"year_to": 1920}, {"year_from": 1950, "year_to": 1950,
                        "genres": ["film-noir"]},
    {"genres": ["film-noir"], "platforms": ["platform-20"],
     "without_genres": ["drama"]},
]

# Members 1 and 2 have rated, 11 and 12 have not; 1 and 11 have the rarest
# platform, the others any.
MEMBERS = """
INSERT INTO account (id, username, email, verified)
SELECT i, 'new' || i, 'new' || i || '@example.org', true
  FROM generate_series(11, 12) AS i;
INSERT INTO account_platform (user_id, platform_id) VALUES (1, 20), (11, 20);
INSERT INTO genre (id, name, slug) VALUES (99, 'Empty', 'empty');
INSERT INTO review (user_id, movie_id, title, content, is_positive)
SELECT 5, movie_id, 'Good', 'Good', true FROM rating WHERE user_id = 5 LIMIT 200;
"""


def label(asked):
    """A short name of a question."""
    parts = []
    for key, value in asked.items():
        if isinstance(value, list) and len(value) > 2:
            value = f"{len(value)} values"
        elif isinstance(value, list):
            value = ",".join(map(str, value))
        elif isinstance(value, str) and len(value) > 26:
            value = f"{value[:8]}… ({len(value)})"
        parts.append(f"{key}={value}")
    return " ".join(parts) or "no filter"


def statement(stack_module, name):
    """The program's statement, as PREPARE makes it."""
    done = stack_module.subprocess.run(
        [str(stack_module.BUILD / "mxmctl"), "sql", "show", name],
        capture_output=True, text=True, check=True)
    head, text = done.stdout.split("\n", 1)
    types = re.search(r"\((.*)\)", head).group(1)
    return f"PREPARE {name} ({types}) AS {text.rstrip().rstrip(';')}"


class Asking:
    """Times prepared statements."""

    def __init__(self, cluster, database, statements):
        self.cluster, self.database = cluster, database
        self.statements = statements
        self.connection, self.cursor = self.connect()

    def connect(self):
        connection = self.cluster.connect(self.database)
        cursor = connection.cursor()
        cursor.execute(SESSION)
        for text in self.statements:
            cursor.execute(text)
        return connection, cursor

    @staticmethod
    def timed(cursor, name, values):
        marks = ", ".join(f"%s{kind}" for kind, _ in values)
        began = time.monotonic()
        cursor.execute(f"EXECUTE {name} ({marks})",
                       [value for _, value in values])
        cursor.fetchall()
        return (time.monotonic() - began) * 1000

    def cpu(self):
        """What the server's process has computed so far, in ms."""
        pid = self.connection.get_backend_pid()
        path = pathlib.Path(f"/proc/{pid}/schedstat")
        return int(path.read_text().split()[0]) / 1e6

    def measure(self, figures, what, name, values):
        for _ in range(WARM):
            self.timed(self.cursor, name, values)
        before = self.cpu()
        runs = sorted(self.timed(self.cursor, name, values)
                      for _ in range(RUNS))
        figures.add(f"h: {what}: CPU", (self.cpu() - before) / RUNS, "ms")
        connection, cursor = self.connect()
        first = self.timed(cursor, name, values)
        connection.close()
        figures.add(f"h: {what}: p50", runs[RUNS // 2], "ms")
        figures.add(f"h: {what}: first", first, "ms")
        figures.below(f"h: {what}: p95", runs[RUNS * 95 // 100 - 1], "ms",
                      GOAL)


def search_values(asked, every):
    kinds = {"genres": "::text[]", "platforms": "::text[]",
             "directors": "::text[]", "actors": "::text[]",
             "celebrities": "::text[]", "stars": "::bigint[]"}
    asked = NOTHING | asked
    values = [("", "en"), ("", asked["name"]), ("", 5)]
    for key in FIELDS[1:]:
        value = every[key] if asked[key] == "every" else asked[key]
        values.append((kinds.get(key, ""), value))
    return values


def recommend_values(member, scores=None, celebrities=None, genres=None,
                     without_genres=None, platforms=None, year_from=None,
                     year_to=None, popular=0):
    values = [("", "en"), ("", member), ("::text[]", None),
              ("::text[]", celebrities), ("::text[]", genres),
              ("::text[]", without_genres), ("::text[]", platforms),
              ("", year_from), ("", year_to), ("", 20), ("", 4), ("", True),
              ("", False)]
    if scores is None:
        return values + [("", 0.05), ("", popular)]
    return values + [("", len(scores)), ("::bigint[]", scores),
                     ("::double precision[]",
                      [1 / (i + 1) for i in range(len(scores))]),
                     ("", 0.1), ("", 0.3)]


def fill(cluster, database, figures):
    began = time.monotonic()
    cluster.sql(f"SET mxm.films = {FILMS};"
                + (TREE / "t/bench/catalogue.sql").read_text(), None, database)
    figures.add("h: making a million films", time.monotonic() - began, "s")
    cluster.sql(MEMBERS, None, database)
    cluster.sql("VACUUM ANALYZE", None, database)


def searches(asking, figures, every):
    for asked in SEARCHES:
        asking.measure(figures, label(asked), "movie_search",
                       search_values(asked, every))


def recommendations(asking, figures):
    for member, who in ((1, "rare platform"), (2, "any platform")):
        asking.measure(figures, f"caller, {who}", "recommend_caller",
                       [("", member), ("::text[]", None)])
    for member, who in ((1, "rare platform"), (11, "rare, no rating"),
                        (2, "any platform"), (12, "any, no rating")):
        for criteria in CRITERIA:
            what = f"{who}, {label(criteria)}"
            asking.measure(figures, f"popular, {what}", "recommend_popular",
                           recommend_values(member, **criteria))
            scores = [1 + i * 7919 % FILMS for i in range(1000)]
            asking.measure(figures, f"scores, {what}", "recommend_chosen",
                           recommend_values(member, scores, **criteria))


def ask(cluster, database, figures, stack_module):
    every = {key: [slug for (slug,) in cluster.sql(
        f"SELECT slug FROM {key[:-1]}", None, database)]
        for key in ("genres", "platforms")}
    asking = Asking(cluster, database, [
        statement(stack_module, name) for name in
        ("movie_search", "recommend_caller", "recommend_popular",
         "recommend_chosen")])
    searches(asking, figures, every)
    recommendations(asking, figures)


def measure(cluster, figures):
    import stack as stack_module
    print("\nh: searches in a million films", flush=True)
    cluster.sql("ALTER SYSTEM SET shared_buffers = '256MB'")  # as ./run demo
    cluster.stop()
    cluster.start()
    database = cluster.create(
        cluster.template("migrated", stack_module.migrate(cluster)))
    fill(cluster, database, figures)
    ask(cluster, database, figures, stack_module)
    cluster.drop(database)
