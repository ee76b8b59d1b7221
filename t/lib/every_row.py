# SPDX-License-Identifier: GPL-3.0-or-later
"""How every row of the route table is called by the tests of the cache: values of
the parameters of its path, queries, what a writing row is sent; and changes of the
catalogue, which no route makes."""

import itertools
import json
import os
import re

import world
from client import Client
from people import account
from pictures import corners, encoded
from stack import OWNER

USERS = ("ana", "bob", "carla")
NAMES = itertools.count()

# What stands for a parameter of a path: values, or a query that finds them.
VALUES = {
    "award": ("oscar-best-picture-1973", "no-award"),
    "comment": "SELECT id FROM comment ORDER BY id DESC LIMIT 4",
    "kind": ("genres", "persons", "platforms"),
    "list": ("sunday", "secret", "between-us", "no-list"),
    "movie": ("the-godfather", "heat", "volver", "nowhere"),
    "person": ("al-pacino", "penelope-cruz", "nobody"),
    "picture": ("image",),
    "provider": ("nowhere",),
    "reaction": "SELECT id FROM reaction ORDER BY id DESC LIMIT 4",
    "review": "SELECT id FROM review ORDER BY id DESC LIMIT 6",
    "session": "SELECT replace(id::text, '-', '')"
               "  FROM (SELECT id FROM session WHERE user_agent = 'spare'"
               "         ORDER BY created_at DESC LIMIT 4) AS s"
               " UNION ALL SELECT repeat('0', 32)",
    "thing": ("9",),
    # the newest account may have been removed
    "username": "SELECT unnest(ARRAY['ana', 'bob', 'fay', 'nobody']) UNION"
                " SELECT username FROM account"
                "  WHERE id = (SELECT max(id) FROM account)",
}

# What stands for several parameters: a query for rows that belong together, else
# every value with every other. One comment is read below another review.
TOGETHER = {
    ("kind", "thing", "picture"):
        "(SELECT 'persons', id, 'image' FROM person WHERE id > 100 UNION ALL"
        " SELECT 'platforms', id, 'image' FROM platform WHERE id > 100"
        " ORDER BY 2 DESC LIMIT 4) UNION ALL SELECT 'persons', 999999, 'image'",
    # what the tests have added
    ("kind", "thing"):
        "(SELECT 'genres', id FROM genre WHERE id > 100 UNION ALL"
        " SELECT 'persons', id FROM person WHERE id > 100 UNION ALL"
        " SELECT 'platforms', id FROM platform WHERE id > 100"
        " ORDER BY 2 DESC LIMIT 6) UNION ALL SELECT 'genres', 999999",
    ("username", "list"):
        "(SELECT a.username, l.slug FROM movielist AS l"
        "   JOIN account AS a ON a.id = l.user_id ORDER BY l.id DESC LIMIT 5)"
        " UNION ALL SELECT 'ana', 'no-list'",
    ("username", "list", "movie"):
        "SELECT l.username, l.slug, m.slug"
        "  FROM (SELECT a.username, l.slug FROM movielist AS l"
        "          JOIN account AS a ON a.id = l.user_id"
        "         WHERE l.deleted_at IS NULL ORDER BY l.id DESC LIMIT 3) AS l,"
        "       movie AS m WHERE m.id IN (2, 9, 4)",
    ("review", "comment"):
        "(SELECT review_id, id FROM comment ORDER BY id DESC LIMIT 4)"
        " UNION ALL (SELECT r.id, c.id FROM review AS r, comment AS c"
        " WHERE r.id <> c.review_id ORDER BY 2 DESC, 1 DESC LIMIT 1)",
    ("review", "comment", "reaction"):
        "SELECT c.review_id, c.id, r.id FROM reaction AS r"
        "  JOIN comment AS c ON c.id = r.comment_id"
        " UNION ALL SELECT 1, 1, 1 ORDER BY 3 DESC LIMIT 4",
    ("review", "reaction"):
        "SELECT review_id, id FROM reaction WHERE review_id IS NOT NULL"
        " UNION ALL SELECT 1, 999999 ORDER BY 2 DESC LIMIT 4",
}

# Queries beside the empty one. A path with pages or a cursor is read with a
# second stretch as well.
QUERIES = {
    "/api/movies/": ("genres[]=drama&year_from=1970",
                     "without_genres=crime&popular=0.5", "platforms=matinee"),
    "/api/movies/searching/": (
        "name=the&limit=3", "stars=4&stars=5", "marked_unseen=true",
        "name=godfahter&page=1"),
    "/api/movies/together/": ("with=ana&limit=3", "with=bob&with=carla"),
    "/api/persons/actors/": ("name=pac",),
    "/api/persons/actors/searching/": ("search_query=al-p",),
    "/api/persons/directors/": ("name=cop",),
    "/api/persons/directors/searching/": ("search_query=cop",),
    "/api/persons/searching/": ("search_query=pac",),
}


def a_rating(play, who):
    return {"json": {"rating": play.dice.randint(1, 5)}}


def a_language(play, who):
    return {"json": {"preferred_language":
                     play.dice.choice(("en", "es", "fr", "de"))}}


def a_list(play, who):
    return {"json": {"name": play.dice.choice(("Sunday", "Secret", "No list")),
                     "description": f"d{play.dice.random()}",
                     "privacity": play.dice.choice("PFR")}}


def a_comment(play, who):
    return {"json": {"content": f"c{play.dice.random()}",
                     "spoiler": play.dice.random() < 0.5}}


def a_reaction(play, who):
    return {"json": {"emoji_code": play.dice.choice(("LIKE", "LOVE", "TOP"))}}


def a_review(play, who):
    return {"json": {"title": f"t{play.dice.random()}", "content": "c",
                     "is_positive": play.dice.random() < 0.5,
                     "spoiler": play.dice.random() < 0.5}}


def a_login(play, who):
    return {"token": None, "json": {"username": play.dice.choice(USERS),
                                    "password": world.PASSWORD}}


def another_session(play, who):
    """Logging out is done by a session that nothing else uses."""
    more = Client(play.stack).login(play.dice.choice(USERS), world.PASSWORD)
    return {"token": more.token}


def a_spare_session(play, who):
    """A session that ends the next time, if its owner is the caller."""
    more = Client(play.stack)
    more.session.headers["User-Agent"] = "spare"
    more.login(play.dice.choice(USERS), world.PASSWORD)
    return {}


def sessions_of_nobody_here(play, who):
    return {"token": Client(play.stack).login("dora", world.PASSWORD).token}


def a_leaver(play, who):
    """A user who signs up, is read by others, and removes the account."""
    body = a_newcomer(play, who)["json"]
    more = Client(play.stack)
    assert more.post("/api/auth/signup/", body).status_code == 200
    more.login(body["username"], body["password"])
    for _, path in play.table.read_paths():
        if body["username"] in path:
            play.read(play.dice.choice(USERS), path)
    return {"token": more.token, "json": {"password": body["password"]}}


def a_refresh(play, who):
    return {"token": None, "json": {"refresh": who.refresh_token}}


def a_newcomer(play, who):
    name = f"new{os.getpid()}.{next(NAMES)}"
    return {"token": None, "json": {
        "username": name, "email": f"{name}@example.org", "first_name": "New",
        "last_name": "Comer", "password": "Lantern-over-7-hills"}}


def a_friend(play, who):
    return {"params": {"username": play.dice.choice((*USERS, "fay"))}}


def some_platforms(play, who):
    return {"json": {"platforms": play.dice.sample(
        ("arthouse", "matinee", "nowhere"), play.dice.randint(0, 3))}}


def a_code(play, who):
    return {"json": {"verification_code": f"{play.dice.randrange(10 ** 6):06}"}}


def a_reset(play, who):
    return {"token": None, "json": {
        "email": f"{play.dice.choice(USERS)}@example.org",
        "forgot_password_code": "000000", "new_password": world.PASSWORD}}


def a_profile(play, who):
    return {"json": {"bio": f"b{play.dice.random()}",
                     "first_name": f"n{play.dice.randint(1, 3)}",
                     "training": play.dice.random() < 0.7}}


def an_export(play, who):
    """Without the former one: only one an hour is built."""
    play.stack.sql("DELETE FROM export")
    return {}


def by_staff(play, who):
    """As an administrator: a new name, or nothing."""
    if not play.stack.value("SELECT count(*) FROM account"
                            " WHERE username = 'keeper'"):
        account(play.stack, "keeper", staff=True)
    if not hasattr(play, "keeper"):
        play.keeper = play.stack.client("keeper")
    return {"token": play.keeper.token, "headers": {"If-Match": "*"},
            "json": {"name": f"n{next(NAMES)}"}}


def a_picture(play, who):
    size = play.dice.randint(8, 40)
    return {**by_staff(play, who), "json": None,
            "files": {"picture": ("x", encoded(corners(size, 20)))}}


def a_history(play, who):
    """A dry run: what a job changes is raised later. The former may be running."""
    play.stack.sql("DELETE FROM history")
    text = ("Const,Your Rating,Date Rated,Title,Year\n"
            f",{play.dice.randint(1, 10)},2020-01-01,Heat,1995\n")
    return {"files": {"file": ("ratings.csv", text)},
            "data": {"dry_run": "true"}}


def nothing(play, who):
    return {}


# How each writing row of the table is called: what request() is given beside
# method and path.
WRITES = {
    "POST /api/admin/{kind}/": by_staff,
    "DELETE /api/admin/{kind}/{thing}/": by_staff,
    "PATCH /api/admin/{kind}/{thing}/": by_staff,
    "DELETE /api/admin/{kind}/{thing}/pictures/{picture}/": by_staff,
    "PUT /api/admin/{kind}/{thing}/pictures/{picture}/": a_picture,
    "DELETE /api/admin/{kind}/{thing}/purge/": by_staff,
    "POST /api/admin/{kind}/{thing}/restore/": by_staff,
    "POST /api/auth/forgot-password/": a_reset,
    "POST /api/auth/login/": a_login,
    "POST /api/auth/logout/": another_session,
    "POST /api/auth/refresh/": a_refresh,
    "POST /api/auth/resend-verification-email/": nothing,
    "DELETE /api/auth/sessions/": sessions_of_nobody_here,
    "DELETE /api/auth/sessions/{session}/": a_spare_session,
    "POST /api/auth/signup/": a_newcomer,
    "POST /api/auth/verify/": a_code,
    "POST /api/movies/{movie}/ratings/": a_rating,
    "PUT /api/movies/{movie}/ratings/": a_rating,
    "POST /api/movies/{movie}/reviews/": a_review,
    "DELETE /api/movies/{movie}/unseen/": nothing,
    "POST /api/movies/{movie}/unseen/": nothing,
    "POST /api/oauth/google/": nothing,
    "POST /api/oauth/{provider}/": nothing,
    "DELETE /api/reviews/{review}/": nothing,
    "DELETE /api/reviews/{review}/comments/{comment}/": nothing,
    "DELETE /api/reviews/{review}/comments/{comment}/reactions/{reaction}/":
        nothing,
    "DELETE /api/reviews/{review}/reactions/{reaction}/": nothing,
    "DELETE /api/movies-lists/{username}/{list}/": nothing,
    "DELETE /api/movies-lists/{username}/{list}/{movie}/": nothing,
    "POST /api/movies-lists/": a_list,
    "POST /api/movies-lists/{username}/{list}/{movie}/": nothing,
    "PUT /api/movies-lists/{username}/{list}/": a_list,
    "POST /api/reviews/{review}/comments/": a_comment,
    "POST /api/reviews/{review}/comments/{comment}/reactions/": a_reaction,
    "POST /api/reviews/{review}/comments/{comment}/replies/": a_comment,
    "POST /api/reviews/{review}/reactions/": a_reaction,
    "PUT /api/reviews/{review}/comments/{comment}/": a_comment,
    "PUT /api/reviews/{review}/": a_review,
    "DELETE /api/persons/{person}/follow/": nothing,
    "PUT /api/persons/{person}/follow/": nothing,
    "DELETE /api/users/friends/": a_friend,
    "DELETE /api/users/": a_leaver,
    "POST /api/users/export/": an_export,
    "POST /api/users/import/": a_history,
    "PUT /api/users/": a_profile,
    "POST /api/users/onboarding/": nothing,
    "PUT /api/users/platforms/": some_platforms,
    "POST /api/users/preferred-language/": a_language,
    "DELETE /api/users/{username}/friend-requests/": nothing,
    "POST /api/users/{username}/friend-requests/": nothing,
}
# Operations that never succeed here: nobody has a code, and all are verified.
REFUSED = {"POST /api/auth/forgot-password/", "POST /api/oauth/google/",
           "POST /api/oauth/{provider}/",
           "POST /api/auth/resend-verification-email/",
           "POST /api/auth/verify/"}

# Never cached, and an export is as it was built.
NOT_COMPARED = {"GET /api/users/export/", "GET /api/users/import/"}


def there_and_back(table, column, value, where):
    """A change of a column of one row, and its undoing."""
    return (f"UPDATE {table} SET {column} = {value} WHERE {where}",
            f"SELECT format('UPDATE {table} SET {column} = %L WHERE %s',"
            f" {column}, $${where}$$) FROM {table} WHERE {where}")


def removed(table, where):
    """A row of a link is removed, and inserted again."""
    return (f"DELETE FROM {table} WHERE {where}",
            f"SELECT format('INSERT INTO {table} SELECT * FROM"
            f" jsonb_populate_record(NULL::{table}, %L)', to_jsonb(t))"
            f" FROM {table} AS t WHERE {where}")


def added(table, columns, values, where):
    """A row is inserted, and removed again."""
    return (f"INSERT INTO {table} ({columns}) VALUES ({values})",
            f"SELECT $$DELETE FROM {table} WHERE {where}$$")


# Changes of the catalogue, which no route makes: SQL, and a query for the SQL
# that undoes it, which runs before. Each is seen in some answer.
CATALOGUE = [
    there_and_back("movie", "title", "'Fire'", "id = 9"),
    there_and_back("movie", "synopsis", "'Of fire.'", "id = 9"),
    there_and_back("movie", "slug", "'heat-1995'", "id = 9"),
    there_and_back("movie", "release_date", "'1995-12-16'", "id = 9"),
    there_and_back("movie", "deleted_at", "now()", "id = 2"),
    added("movie", "id, slug, title, release_date",
          "90, 'nowhere', 'Nowhere', '2020-01-01'", "id = 90"),
    there_and_back("movie_translation", "title", "'Don Vito'",
                   "movie_id = 2 AND language = 'es'"),
    there_and_back("movie_translation", "deleted_at", "now()",
                   "movie_id = 2 AND language = 'es'"),
    added("movie_translation", "movie_id, language, title",
          "9, 'es', 'Fuego'", "movie_id = 9"),
    removed("movie_director", "movie_id = 2"),
    removed("movie_actor", "movie_id = 2 AND person_id = 4"),
    added("movie_actor", "movie_id, person_id", "4, 4",
          "movie_id = 4 AND person_id = 4"),
    removed("movie_genre", "movie_id = 2 AND genre_id = 3"),
    removed("movie_platform", "movie_id = 2 AND platform_id = 2"),
    removed("movie_award", "movie_id = 2 AND award_id = 1"),
    added("person_award", "person_id, award_id", "4, 1",
          "person_id = 4 AND award_id = 1"),
    there_and_back("genre", "name", "'Space'", "id = 7"),
    there_and_back("genre", "deleted_at", "now()", "id = 3"),
    there_and_back("genre_translation", "name", "'Mafia'",
                   "genre_id = 3 AND language = 'es'"),
    there_and_back("genre_translation", "deleted_at", "now()",
                   "genre_id = 3 AND language = 'es'"),
    added("genre_translation", "genre_id, language, name", "7, 'es', 'Espacio'",
          "genre_id = 7 AND language = 'es'"),
    there_and_back("platform", "name", "'Evening'", "id = 2"),
    there_and_back("platform", "url", "'https://evening.example/'", "id = 2"),
    there_and_back("platform", "deleted_at", "now()", "id = 2"),
    there_and_back("person", "name", "'Alfredo Pacino'", "id = 4"),
    there_and_back("person", "slug", "'nobody'", "id = 4"),
    there_and_back("person", "biography", "'An actor.'", "id = 4"),
    there_and_back("person", "deleted_at", "now()", "id = 4"),
    added("person_translation", "person_id, language, biography",
          "4, 'es', 'Actor de Nueva York.'", "person_id = 4"),
    there_and_back("award", "name", "'Best Picture 1973'", "id = 1"),
    there_and_back("award", "date", "'1973-03-28'", "id = 1"),
    there_and_back("award", "deleted_at", "now()", "id = 1"),
    added("trend", "movie_id, place", "9, 1", "movie_id = 9"),
]


class Table:
    """The route table, and the requests that are made from it."""

    def __init__(self, stack):
        self.connection = stack.cluster.connect(stack.database, OWNER)
        self.rows = json.loads(stack.ctl("routes --json").stdout)
        for row in self.rows:
            row["key"] = f"{row['method']} {row['path']}"
            row["names"] = tuple(re.findall(r"\{(\w+)\}", row["path"]))
        self.writes = [r for r in self.rows if r["writes"]]
        self.reads = [r for r in self.rows if not r["writes"] and
                      r["key"] not in NOT_COMPARED and
                      (r["cache"] or r["guard"] != "PUBLIC")]

    def query(self, text):
        with self.connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchall()

    def values(self, names):
        """Tuples of values of the parameters of a path."""
        if names in TOGETHER:
            return self.query(TOGETHER[names])
        found = [[row[0] for row in self.query(VALUES[name])]
                 if isinstance(VALUES[name], str) else VALUES[name]
                 for name in names]
        return list(itertools.product(*found))

    def paths(self, row, known=None):
        """The path of a row with all values of its parameters. known: the
        values of rows before, to which its own are added."""
        known = {} if known is None else known
        if row["names"] not in known:
            known[row["names"]] = self.values(row["names"])
        for values in known[row["names"]]:
            yield re.sub(r"\{\w+\}", "%s", row["path"]) % tuple(values)

    def queries(self, row):
        kinds = {i["type"] for i in row["inputs"] if i["from"] == "query"}
        yield ""
        if "page" in kinds:
            yield "?page=2&limit=2"
        elif "limit" in kinds:
            yield "?limit=2"
        for query in QUERIES.get(row["path"], ()):
            yield "?" + query

    def read_paths(self):
        """All that is read, as pairs of a row's key and a path."""
        known = {}
        return [(row["key"], path + query) for row in self.reads
                for path in self.paths(row, known)
                for query in self.queries(row)]
