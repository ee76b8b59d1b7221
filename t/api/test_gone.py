# SPDX-License-Identifier: GPL-3.0-or-later
"""What is deleted, or below something deleted, or of a user whose account is locked
or removed, is missing for every viewer, on every route of the route table that
names it: 404, with the same body as what has never existed, and nothing of it is
changed."""

import itertools
import re

import pytest

from every_row import Table
from people import account
from test_privacy import BODIES
from viewers import as_before, rows_of_mia, viewers

WORLD = "catalogue"

# What is made before it is hidden. Movies 20 and 21, person 20 and award 20 belong
# to the tests; luis will be locked, rosa will have removed the account.
MADE = """
INSERT INTO movie (id, slug, title, release_date)
VALUES (20, 'cut', 'Cut', '2001-01-01'), (21, 'gone-film', 'Gone', '2001-01-01');
INSERT INTO person (id, slug, name) VALUES (20, 'gone-person', 'Gone');
INSERT INTO movie_actor (movie_id, person_id) VALUES (9, 20);
INSERT INTO award (id, slug, name) VALUES (20, 'gone-award', 'Gone');
INSERT INTO review (id, user_id, movie_id, title, content, is_positive)
SELECT v.id, a.id, v.movie_id, 't', 'c', true
  FROM account AS a
  JOIN (VALUES (900, 'mia', 20), (901, 'mia', 21), (902, 'luis', 9),
               (903, 'rosa', 9)) AS v (id, name, movie_id)
    ON v.name = a.username;
INSERT INTO movielist (user_id, name, slug)
SELECT a.id, l.name, lower(l.name)
  FROM account AS a
  JOIN (VALUES ('mia', 'Gone'), ('luis', 'Open'), ('rosa', 'Open'))
       AS l (username, name) USING (username);
INSERT INTO movielist_movie (movielist_id, movie_id)
SELECT id, 9 FROM movielist WHERE user_id > 100
    ON CONFLICT DO NOTHING;
"""
HIDDEN = """
UPDATE review SET deleted_at = now() WHERE id = 900;
UPDATE movie SET deleted_at = now() WHERE id = 21;
UPDATE person SET deleted_at = now() WHERE id = 20;
UPDATE award SET deleted_at = now() WHERE id = 20;
UPDATE comment SET deleted_at = now() WHERE content = 'gone';
UPDATE reaction SET deleted_at = now() WHERE emoji = 'TRASH';
UPDATE movielist SET deleted_at = now() WHERE slug = 'gone';
UPDATE account SET active = false WHERE username = 'luis';
UPDATE account SET active = false, removed_at = now() WHERE username = 'rosa';
"""
# What never existed, for each parameter.
NEVER = {"award": "none", "comment": "999999999", "list": "none",
         "movie": "none", "person": "none", "reaction": "999999999",
         "review": "999999999", "session": "0" * 32, "username": "none"}


class Stage:
    """What is hidden: pairs of the parameter that names it, and the values of all
    parameters."""

    def __init__(self, stack):
        self.stack, self.things = stack, {}
        self.clients = viewers(stack)
        letters = as_before(stack)
        for name in ("luis", "rosa"):
            account(stack, name)
        stack.sql(MADE)
        self.live = {"award": "oscar-best-picture-1973", "list": "open",
                     "movie": "heat", "person": "al-pacino", "username": "mia",
                     "review": letters["R"], "comment": letters["C"],
                     "of_review": letters["X"], "of_comment": letters["Y"],
                     "session": "0" * 32}
        self.reviews()
        self.comments(letters["R"], letters["C"])
        self.others(letters["R"], letters["C"])

    def id(self, table, **columns):
        """A new row; its user is a name."""
        columns = {k: v for k, v in columns.items() if v is not None}
        names = ", ".join(columns).replace("user", "user_id")
        values = ", ".join("(SELECT id FROM account WHERE username = %s)"
                           if k == "user" else "%s" for k in columns)
        return str(self.stack.value(
            f"INSERT INTO {table} ({names}) VALUES ({values}) RETURNING id",
            list(columns.values())))

    def add(self, what, parameter, **values):
        self.things[what] = parameter, {**self.live, **values}

    def comment(self, review, user="mia", above=None, content="c"):
        """A comment and a reaction to it."""
        comment = self.id("comment", user=user, review_id=review,
                          reply_comment_id=above, content=content)
        return {"review": review, "comment": comment, "of_comment": self.id(
            "reaction", user="mia", comment_id=comment, emoji="LIKE")}

    def reviews(self):
        for review, what in ((900, "a deleted review"),
                             (901, "a review of a deleted movie"),
                             (902, "a review of a locked user"),
                             (903, "a review of a removed user")):
            self.add(what, "review", **self.comment(review), of_review=self.id(
                "reaction", user="mia", review_id=review, emoji="LIKE"))

    def comments(self, review, comment):
        gone = self.comment(review, content="gone")
        self.add("a deleted comment", "comment", **gone)
        reply = self.comment(review, above=gone["comment"])
        self.add("a reply to it", "comment", **reply)
        self.add("a reply to that", "comment",
                 **self.comment(review, above=reply["comment"]))
        for user in ("luis", "rosa"):
            self.add(f"a comment of {user}", "comment",
                     **self.comment(review, user))
        other = self.id("review", user="bob", movie_id=9, title="t",
                        content="c", is_positive=True)
        self.add("a comment on another review", "comment",
                 **{**self.comment(other), "review": review})

    def others(self, review, comment):
        on = {"of_review": {"review_id": review},
              "of_comment": {"comment_id": comment}}
        for user, emoji, what in (("mia", "TRASH", "a deleted reaction"),
                                  ("luis", "SAD", "a reaction of luis"),
                                  ("rosa", "SAD", "a reaction of rosa")):
            self.add(what, "reaction", **{
                name: self.id("reaction", user=user, emoji=emoji, **place)
                for name, place in on.items()})
        self.add("a reaction to something else", "reaction",
                 of_review=self.live["of_comment"],
                 of_comment=self.live["of_review"])
        self.add("a deleted list", "list", list="gone")
        self.add("a deleted movie", "movie", movie="gone-film")
        self.add("a deleted person", "person", person="gone-person")
        self.add("a deleted award", "award", award="gone-award")
        self.add("a locked user", "username", username="luis")
        self.add("a removed user", "username", username="rosa")

    def path(self, row, values):
        values = {**values, "reaction": values.get("reaction", values[
            "of_comment" if "comment" in row["names"] else "of_review"])}
        return row["path"].format(**values)

    def cases(self, rows):
        """(what, row, path, path of what never existed), for each row."""
        for what, (parameter, values) in self.things.items():
            for row in rows:
                if parameter in row["names"]:
                    yield (what, row, self.path(row, values), self.path(
                        row, {**values, parameter: NEVER[parameter]}))


@pytest.fixture(scope="module")
def stage(stack):
    """With everything still there, and read once from the cache."""
    made = Stage(stack)
    # administrators see what is removed
    made.rows = [r for r in Table(stack).rows
                 if r["guard"] not in ("PUBLIC", "STAFF")]
    stack.touched()
    for what, row, path, _ in made.cases(made.rows):
        if row["method"] == "GET":
            for _ in range(2):
                r = made.clients["friend"].get(path)
            assert r.status_code == 200 or what in NEVER_THERE or \
                row["path"] in OWN_ROWS, (what, path, r.text)
    stack.sql(HIDDEN)
    stack.touched()
    return made


# No comment or reaction there even before.
NEVER_THERE = {"a comment on another review", "a reaction to something else"}
# What of theirs the viewer has no row of.
OWN_ROWS = {"/api/movies/{movie}/ratings/"}


def without_value(response):
    body = response.json()
    return body.get("model"), re.sub(r"\d{3,}", "N", str(
        {k: v for k, v in body.items() if k != "lookup_value"}))


def send(client, row, path):
    end = row["path"].split("/")[-2] + "/"
    body = {**BODIES, "ratings/": {"rating": 3}, "reviews/": BODIES["{review}/"]}
    return client.request(row["method"], path, json=body.get(end) if
                          row["method"] in ("POST", "PUT") else None)


@pytest.mark.parametrize("viewer", ("friend", "stranger", "staff", "self"))
def test_it_is_missing_for_everybody(stage, viewer):
    client, found = stage.clients[viewer], []
    before = rows_of_mia(stage.stack)
    for what, row, path, never in stage.cases(stage.rows):
        r, unknown = send(client, row, path), send(client, row, never)
        if r.status_code != 404:
            found.append(f"{what}: {row['method']} {path}: {r.status_code}")
        elif without_value(r) != without_value(unknown):
            found.append(f"{what}: {path}: {r.text}, not {unknown.text}")
    assert not found, "\n".join(found)
    assert rows_of_mia(stage.stack) == before


def test_every_parameter_is_hidden_once(stage):
    """Of each row with a parameter that can be deleted or hidden."""
    names = {p for p, _ in stage.things.values()}
    assert names | {"session"} == set(itertools.chain.from_iterable(
        r["names"] for r in stage.rows))


def test_no_list_and_no_number_has_it(stage):
    """Neither below the live ones."""
    mia = stage.clients["self"]
    review = f"/api/reviews/{stage.live['review']}/"
    comments = mia.get(review + "comments/").json()
    assert comments["count"] == len(comments["results"]) == 1
    place = f"{review}comments/{stage.live['comment']}/"
    assert mia.get(place).json()["has_replies"] is True
    replies = mia.get(place + "replies/").json()
    assert replies["count"] == len(replies["results"]) == 1
    for path in (review, place):
        found = mia.get(path + "reactions/").json()
        assert found["reactions"] == {"\U0001f44d": 1}
    for path, n in (("/api/users/mia/reviews/", 1),
                    ("/api/movies/heat/reviews/", 2),
                    ("/api/movies-lists/mia/", 3), ("/api/movies-lists/", 3)):
        found = mia.get(path).json()
        assert found["count"] == len(found["results"]) == n, path
