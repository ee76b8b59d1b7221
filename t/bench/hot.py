# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of the routes that are used most in a site of TMDB's size
(t/bench/site.sql): 50 000 films, 300 000 persons, 200 000 users and the ratings that
--large or its absence say. The statements themselves, prepared once, in a session
that is set as the program sets its own. What is asked for is random, always the
same, and what is popular is asked for more often: film, user, person number
n * x^2.5 of that order, x evenly distributed. CPU is that of the server's process,
which other work on the machine changes less than the time."""

import pathlib
import random
import time

from search import NOTHING, SESSION, Asking, search_values, statement

FOLDER = pathlib.Path(__file__).parent
FILMS = 50_000
PERSONS = 300_000
USERS = 200_000
RATINGS = 2_000_000
RATINGS_LARGE = 20_000_000
SCRIPTS = ("catalogue.sql", "people.sql", "site.sql")
RUNS = 400
GOAL = 10
NEWEST = 2 ** 63 - 1


class Site:
    """What can be asked for."""

    def __init__(self, cluster, database):
        self.dice = random.Random(1)

        def column(text):
            return [value for (value,) in cluster.sql(text, None, database)]
        self.films = column("SELECT slug FROM live_movie"
                            " ORDER BY rating_count DESC, id")
        self.numbers = column("SELECT id FROM live_movie"
                              " ORDER BY rating_count DESC, id")
        self.titles = column("SELECT title FROM live_movie"
                             " ORDER BY rating_count DESC, id")
        rows = cluster.sql(
            "SELECT p.slug, p.name FROM person AS p JOIN movie_actor AS a"
            " ON a.person_id = p.id GROUP BY p.id ORDER BY count(*) DESC, p.id"
            " LIMIT 50000", None, database)
        self.persons, self.names = zip(*rows)
        self.directors = column(
            "SELECT p.slug FROM person AS p JOIN movie_director AS a"
            " ON a.person_id = p.id GROUP BY p.id ORDER BY count(*) DESC, p.id"
            " LIMIT 10000")
        self.users = cluster.sql(
            "SELECT id, username FROM account WHERE active AND id > 10"
            " ORDER BY hashint8(id) LIMIT 20000", None, database)
        self.hubs = cluster.sql("SELECT id, username FROM account WHERE active"
                                " AND id <= 10 ORDER BY id", None, database)
        self.reviews = column(
            "SELECT review_id FROM comment GROUP BY review_id"
            " ORDER BY count(*) DESC, review_id LIMIT 50000")
        self.comments = cluster.sql(
            "SELECT review_id, id FROM live_comment WHERE reply_comment_id IS NULL"
            " AND id % 10 = 0 ORDER BY id = 50 DESC, id LIMIT 20000",
            None, database)
        self.lists = cluster.sql(
            "SELECT l.id, a.id, a.username, l.slug, l.name FROM movielist AS l"
            " JOIN account AS a ON a.id = l.user_id WHERE a.active"
            " ORDER BY (SELECT count(*) FROM movielist_movie"
            " WHERE movielist_id = l.id) DESC, l.id LIMIT 20000",
            None, database)

    def one(self, rows):
        """One of these, of the first ones more often."""
        return rows[int(len(rows) * self.dice.random() ** 2.5)]

    def viewer(self):
        """Every twentieth is a user with thousands of friends."""
        return self.dice.choice(self.hubs if self.dice.random() < 0.05
                                else self.users)

    def piece(self, texts, least, most):
        """A part of a text, often its beginning."""
        text = self.dice.choice(texts)
        length = self.dice.randint(least, most)
        start = (0 if self.dice.random() < 0.5
                 else self.dice.randint(0, max(0, len(text) - length)))
        return text[start:start + length].strip() or text[:1]

    def misspelt(self):
        """A title of two words with an error in each."""
        title = self.dice.choice([t for t in self.dice.choices(self.titles, k=50)
                                  if t.isascii() and len(t) > 12] or ["The Bacod"])
        at = self.dice.randint(3, len(title) - 2)
        return title[:at] + title[at + 1] + title[at] + title[at + 2:] + "x"

    def page(self):
        return 1 + int(20 * self.dice.random() ** 8)


def found(**asked):
    return [value for _, value in search_values(NOTHING | asked, {})]


def questions(s):
    """(what, statement, values of one run, goal), each a random one."""
    viewer, one = s.viewer, s.one
    friend = lambda: one(s.users)  # noqa: E731
    yield "film", "movie_detail", lambda: ("es", one(s.films))
    yield "search by name", "movie_search", lambda: found(
        name=s.piece(s.titles, 2, 8), page=s.page())
    yield "search of two letters", "movie_search", lambda: found(
        name=s.piece(s.titles, 2, 2), page=s.page())
    yield "search by genre and name", "movie_search", lambda: found(
        name=s.piece(s.titles, 3, 6), genres=["drama"])
    yield "search by genre", "movie_search", lambda: found(
        genres=[s.dice.choice(["drama", "crime", "western"])], page=s.page())
    yield "search with an error", "movie_search", lambda: found(
        name=s.misspelt()), 20
    yield "own rating", "rating_get", lambda: (*viewer(), one(s.films))
    yield "friends' ratings", "friends_ratings", lambda: (
        viewer()[0], one(s.films), 1, 5)
    yield "statistics of a film", "movie_statistics", lambda: (
        viewer()[0], one(s.films))
    yield "trending films", "movie_trending", lambda: ("es", s.page(), 10)
    yield "similar films, without a model", "similar_movies", lambda: (
        "es", one(s.numbers), None, None, s.page(), 10)
    yield "similar films, with a model", "similar_movies", lambda: (
        "es", one(s.numbers), s.dice.sample(s.numbers, 200),
        [1 / (n + 2) for n in range(200)], s.page(), 10)
    yield "own lists with a film", "list_slugs_of_movie", lambda: (
        viewer()[0], one(s.films))
    yield "reviews of a film", "movie_reviews", lambda: (
        one(s.films), NEWEST, 11)
    yield "review", "review_detail", lambda: (one(s.reviews),)
    yield "comments", "comment_list", lambda: (one(s.reviews), NEWEST, 11)
    yield "100 comments", "comment_list", lambda: (
        s.reviews[0], s.dice.randrange(1, USERS), 101), 15
    yield "replies", "reply_list", lambda: (*one(s.comments), NEWEST, 6)
    yield "100 replies", "reply_list", lambda: (*s.comments[0], NEWEST, 101), 15
    yield "reactions to a review", "review_reactions", lambda: (
        viewer()[0], one(s.reviews))
    yield "reactions to a comment", "comment_reactions", lambda: (
        viewer()[0], *one(s.comments))
    yield "5000 reactions to a comment", "comment_reactions", lambda: (
        viewer()[0], *s.comments[0])
    yield "lists of a user", "list_of_user", lambda: (
        viewer()[0], one(s.lists)[2], NEWEST, 7)
    yield "own lists", "list_of_self", lambda: (one(s.lists)[1], 1, 10)
    yield "list", "list_detail", lambda: (viewer()[0], *one(s.lists)[2:4])
    yield "films of a list", "list_movie_search", lambda: (
        "es", viewer()[0], *one(s.lists)[2:4], None, 1, 10)
    yield "films of a list by name", "list_movie_search", lambda: (
        "es", viewer()[0], *one(s.lists)[2:4], s.piece(s.titles, 2, 5), 1, 10)
    yield "search for lists", "list_search", lambda: (
        viewer()[0], s.piece([row[4] for row in s.lists[:500]], 2, 6), 1, 10)
    yield "user", "user_detail", lambda: (viewer()[0], friend()[1])
    yield "reviews of a user", "user_reviews", lambda: (friend()[1], NEWEST, 6)
    yield "friends", "friend_list", lambda: (viewer()[0], friend()[1], NEWEST, 6)
    yield "person", "person_detail", lambda: ("es", one(s.persons))
    yield "films of an actor", "person_films", lambda: (
        "es", one(s.persons), "actor", NEWEST, 11)
    yield "films of a director", "person_films", lambda: (
        "es", one(s.directors), "director", NEWEST, 11)
    yield "persons by name", "person_page", lambda: (
        "es", s.piece(s.names, 3, 8), None, s.page(), 15)
    yield "persons, two letters", "person_page", lambda: (
        "es", s.piece(s.names, 2, 2), None, s.page(), 15)
    yield "persons, one letter", "person_page", lambda: (
        "es", s.piece(s.names, 1, 1), None, s.page(), 15)
    yield "all persons", "person_page", lambda: ("es", None, None, s.page(), 15)
    yield "all persons, last page", "person_page", lambda: (
        "es", None, None, 1000, 15)
    yield "persons, two letters, last page", "person_page", lambda: (
        "es", s.piece(s.names, 2, 2), None, 1000, 15), None
    for role in "actor", "director":
        yield f"all {role}s", "person_page", lambda role=role: (
            "es", None, role, s.page(), 15)
        yield f"{role}s by name", "person_page", lambda role=role: (
            "es", s.piece(s.names, 2, 6), role, s.page(), 15)
        yield f"{role}s by name, by cursor", "person_stretch", lambda role=role: (
            "es", s.piece(s.names, 2, 6), role,
            s.dice.choice([NEWEST, s.dice.randrange(PERSONS)]), 11)
    yield "recommendations: the caller", "recommend_caller", lambda: (
        viewer()[0], None)
    yield "recommendations: chosen", "recommend_chosen", lambda: (
        "es", viewer()[0], *[None] * 7, 20, 4, True, False, 60,
        [1 + 7919 * n % FILMS for n in range(120)],
        [1 / (n + 1) for n in range(120)],
        0.1, 0.3)
    yield "recommendations: popular", "recommend_popular", lambda: (
        "es", viewer()[0], *[None] * 7, 20, 4, True, False, 0.05, 0)


CASTS = {"recommend_caller": "%s,%s", "recommend_chosen":
         ",".join(["%s"] * 14) + ",%s::bigint[],%s::float8[],%s,%s",
         "similar_movies": "%s,%s,%s::bigint[],%s::float8[],%s,%s"}


def timed(cursor, name, values):
    marks = CASTS.get(name) or ", ".join(["%s"] * len(values))
    began = time.monotonic()
    cursor.execute(f"EXECUTE {name} ({marks})", values)
    cursor.fetchall()
    return (time.monotonic() - began) * 1000


def measure_one(asking, figures, what, name, make, goal):
    runs = [tuple(make()) for _ in range(RUNS)]
    for values in runs[:RUNS // 4]:
        timed(asking.cursor, name, values)
    times, spent = [], []
    for values in runs:
        before = asking.cpu()
        times.append(timed(asking.cursor, name, values))
        spent.append(asking.cpu() - before)
    for kind, numbers in ("time", times), ("CPU", spent):
        numbers.sort()
        figures.add(f"m: {what}: {kind}, p50", numbers[RUNS // 2], "ms")
    figures.add(f"m: {what}: time, p95", times[RUNS * 95 // 100 - 1], "ms")
    add = figures.below if goal else lambda name, value, unit, _: figures.add(
        name, value, unit)
    add(f"m: {what}: CPU, p95", spent[RUNS * 95 // 100 - 1], "ms", goal)


def fill(cluster, database, ratings):
    text = "".join((FOLDER / script).read_text() for script in SCRIPTS)
    cluster.sql(f"SET mxm.films = {FILMS}; SET mxm.persons = {PERSONS};"
                f"SET mxm.users = {USERS}; SET mxm.ratings = {ratings};" + text,
                None, database)
    cluster.sql("VACUUM ANALYZE", None, database)


def template(cluster, options):
    """What Stack() wants as its template."""
    ratings = RATINGS_LARGE if options.large else RATINGS
    return "site", lambda database: fill(cluster, database, ratings)


def ask(cluster, database, figures):
    import stack
    site = Site(cluster, database)
    asking = Asking(cluster, database, [
        statement(stack, name) for name in {q[1] for q in questions(site)}])
    assert "force_generic_plan" in SESSION
    for what, name, make, *goal in questions(site):
        measure_one(asking, figures, what, name, make, *(goal or [GOAL]))


def measure(cluster, figures, options):
    print("\nm: the routes that are used most", flush=True)
    cluster.sql("ALTER SYSTEM SET shared_buffers = '256MB'")  # as ./run demo
    cluster.stop()
    cluster.start()
    began = time.monotonic()
    database = cluster.create(cluster.template(*template(cluster, options)))
    figures.add("m: making the site", time.monotonic() - began, "s")
    ask(cluster, database, figures)
    cluster.drop(database)
