# SPDX-License-Identifier: GPL-3.0-or-later
"""The users of the tests of privacy: mia, whose rows are looked at and changed, and
the viewers, which are named after what they are to mia:

friend, stranger    of mia
asked               has sent mia a friend request
former              was a friend, until one of the two ended it
staff               a stranger with the mark of the staff
locked              was logged in when the account was locked

bob is a friend of mia, nina is unverified."""

from people import account, requests_of, unfriend

NAMES = ("friend", "stranger", "asked", "former", "staff", "locked")

# What mia has, as it is before each test that changes some of it: the relations;
# a list of each privacy; on heat a review, a comment, a reply, and reactions.
MIA = "(SELECT id FROM account WHERE username = 'mia')"
AS_BEFORE = f"""
DELETE FROM friendship WHERE {MIA} IN (user1_id, user2_id);
DELETE FROM friend_request WHERE {MIA} IN (from_user_id, to_user_id);
INSERT INTO friendship (user1_id, user2_id)
SELECT least(id, {MIA}), greatest(id, {MIA})
  FROM account WHERE username IN ('the-friend', 'bob');
INSERT INTO friend_request (from_user_id, to_user_id)
SELECT id, {MIA} FROM account WHERE username = 'the-asked';
DELETE FROM movielist WHERE user_id = {MIA};
INSERT INTO movielist (user_id, name, slug, privacity)
VALUES ({MIA}, 'Open', 'open', 'P'), ({MIA}, 'Circle', 'circle', 'F'),
       ({MIA}, 'Closed', 'closed', 'R');
INSERT INTO movielist_movie (movielist_id, movie_id)
SELECT id, 9 FROM movielist WHERE user_id = {MIA};
DELETE FROM review WHERE user_id = {MIA};
WITH v AS (
    INSERT INTO review (user_id, movie_id, title, content, is_positive)
    VALUES ({MIA}, 9, 't', 'c', true)
    RETURNING id, user_id
), c AS (
    INSERT INTO comment (user_id, review_id, content)
    SELECT user_id, id, 'c' FROM v
    RETURNING id, user_id
), x AS (
    INSERT INTO reaction (user_id, review_id, emoji)
    SELECT user_id, id, 'LIKE' FROM v
    RETURNING id
), y AS (
    INSERT INTO reaction (user_id, comment_id, emoji)
    SELECT user_id, id, 'LIKE' FROM c
    RETURNING id
)
SELECT v.id, c.id, x.id, y.id FROM v, c, x, y;
"""


def as_before(stack):
    """Makes the rows of mia anew; gives the numbers that stand in a path for
    the letters R review, C comment, X reaction to R, Y reaction to C."""
    found = stack.sql(AS_BEFORE)[0]
    stack.sql("INSERT INTO comment (user_id, review_id, reply_comment_id, content)"
              " SELECT user_id, review_id, id, 'r' FROM comment WHERE id = %s",
              [found[1]])
    stack.touched()
    return dict(zip("RCXY", map(str, found)))


def viewers(stack):
    """Clients by the names above, and self, anonymous and unverified."""
    account(stack, "mia", first_name="Secretname", last_name="Hiddenlast",
            email="mia@example.org")
    made = {}
    for name in NAMES:
        account(stack, f"the-{name}", staff=name == "staff")
        made[name] = stack.client(f"the-{name}")
    made.update(self=stack.client("mia"), anonymous=stack.client(),
                unverified=stack.client("nina"))
    made["former"].post(requests_of("mia"))
    made["self"].post(requests_of("the-former"))
    made["self"].delete(unfriend("the-former"))
    stack.sql("UPDATE account SET active = false"
              " WHERE username = 'the-locked'")
    made["self"].post("/api/movies/volver/ratings/", {"rating": 5})
    return made


def rows_of_mia(stack):
    """All that is stored of mia, by table; of a session its id."""
    tables = stack.sql(
        "SELECT table_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name = 'user_id'"
        "   AND table_name IN (SELECT relname FROM pg_class WHERE relkind = 'r')"
        "   AND table_name <> 'session'")
    queries = {t: f"SELECT t::text FROM {t} AS t WHERE user_id = {MIA}"
               for (t,) in tables}
    queries.update(
        account="SELECT a::text FROM account AS a WHERE username = 'mia'",
        session=f"SELECT id::text FROM session WHERE user_id = {MIA}",
        movies="SELECT m::text FROM movielist_movie AS m WHERE movielist_id IN"
               f" (SELECT id FROM movielist WHERE user_id = {MIA})")
    return {name: sorted(stack.sql(query)) for name, query in queries.items()}
