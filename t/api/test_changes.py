# SPDX-License-Identifier: GPL-3.0-or-later
"""The changes of a user's own things, for clients that synchronise."""

import concurrent.futures
import contextlib
import random
import threading

import psycopg2
import pytest

from stack import wait_until

PATH = "/api/users/changes/"
REVIEW = {"title": "t <b>", "content": "c", "is_positive": True}
LIST = {"name": "Mirror", "description": "d", "privacity": "R"}


class Mirror:
    """A client that synchronises: what it stores, by kind, id and list."""

    def __init__(self, who, limit=100):
        self.who, self.limit, self.things = who, limit, {}
        self.since, self.last = None, []

    def page(self):
        query = f"?limit={self.limit}"
        if self.since:
            query += f"&since={self.since}"
        r = self.who.get(PATH + query)
        assert r.status_code == 200, r.text
        assert len(r.json()["results"]) <= self.limit
        self.since = r.json()["next_since"]
        for item in r.json()["results"]:
            key = item["kind"], item["id"], item["list"]
            if item["deleted"]:
                assert item["value"] is None
                self.things.pop(key, None)
            else:
                self.things[key] = item["value"]
            self.last.append(item)
        return r.json()["has_next"]

    def sync(self):
        """All pages; returns what has changed."""
        self.last = []
        while self.page():
            pass
        return self.last

    def kind(self, kind):
        return [v for k, v in self.things.items() if k[0] == kind]


def anew(who):
    mirror = Mirror(who)
    mirror.sync()
    return mirror.things


def brief(changes):
    return [(c["kind"], c["id"], c["deleted"]) for c in changes]


@contextlib.contextmanager
def transaction(stack):
    """Another writer, whose transaction is open until the end of the block."""
    other = stack.cluster.connect(stack.database)
    other.autocommit = False
    try:
        yield other
    finally:
        other.close()


def test_the_first_reading_lists_everything(stack, bob):
    r = bob.get(PATH).json()
    assert (r["results"], r["has_next"]) == ([], True)
    mirror = Mirror(bob, limit=3)
    mirror.sync()
    assert len(mirror.last) == len(mirror.things)  # each once
    assert all(not c["deleted"] for c in mirror.last)
    shown = bob.get("/api/movies/amelie/ratings/").json()
    movie = stack.value("SELECT id FROM movie WHERE slug = 'amelie'")
    assert mirror.things["rating", movie, None] == {
        key: shown[key] for key in ("movie", "rating", "created_at")}
    assert len(mirror.kind("rating")) == 4
    [review] = bob.get("/api/users/bob/reviews/").json()["results"]
    assert mirror.things["review", review["id"], None] == {
        key: review[key] for key in ("movie", "title", "content", "is_positive",
                                     "spoiler", "created_at")}
    lists = bob.get("/api/movies-lists/").json()["results"]
    for a in lists:
        assert mirror.things["list", a["id"], None] == {
            key: a[key] for key in ("name", "slug", "description", "privacity",
                                    "created_at", "updated_at")}
        movies = sorted((v["position"], v["movie"])
                        for k, v in mirror.things.items()
                        if k[0] == "list_movie" and k[2] == a["id"])
        assert [m for _, m in movies] == a["movies"]
    friends = bob.get("/api/users/friends/").json()["results"]
    assert friends and sorted(v["user"] for v in mirror.kind("friend")) == sorted(
        f"{stack.tls_url}/api/users/{f['username']}/" for f in friends)
    # nothing has changed since
    assert mirror.sync() == []
    assert anew(bob) == mirror.things


def test_each_change_and_its_tombstone(stack, fay, dora):
    mirror = Mirror(fay)
    mirror.sync()
    movie = stack.value("SELECT id FROM movie WHERE slug = 'volver'")
    user = stack.value("SELECT id FROM account WHERE username = 'dora'")
    volver = "/api/movies/volver/"

    assert fay.post(volver + "ratings/", {"rating": 2}).status_code == 201
    [change] = mirror.sync()
    assert (change["kind"], change["id"], change["deleted"], change["list"]) == (
        "rating", movie, False, None)
    assert change["value"]["rating"] == 2
    assert fay.put(volver + "ratings/", {"rating": 5}).status_code == 200
    assert [c["value"]["rating"] for c in mirror.sync()] == [5]
    # the same once more
    assert fay.put(volver + "ratings/", {"rating": 5}).status_code == 200
    assert mirror.sync() == []

    assert fay.post(volver + "unseen/").status_code in (200, 201)
    assert brief(mirror.sync()) == [("unseen", movie, False)]
    assert fay.delete(volver + "unseen/").status_code == 200
    assert brief(mirror.sync()) == [("unseen", movie, True)]

    made = fay.post(volver + "reviews/", REVIEW).json()
    [change] = mirror.sync()
    assert (change["kind"], change["id"]) == ("review", made["id"])
    assert change["value"]["title"] == made["title"] == "t <\u2060b>"
    assert fay.put(f"/api/reviews/{made['id']}/", {**REVIEW, "spoiler": True}
                   ).status_code == 200
    assert [c["value"]["spoiler"] for c in mirror.sync()] == [True]
    assert fay.delete(f"/api/reviews/{made['id']}/").status_code == 200
    assert brief(mirror.sync()) == [("review", made["id"], True)]

    made = fay.post("/api/movies-lists/", LIST).json()
    here = f"/api/movies-lists/fay/{made['slug']}/"
    assert brief(mirror.sync()) == [("list", made["id"], False)]
    assert fay.post(here + "volver/").status_code in (200, 201)
    changes = mirror.sync()
    assert ("list_movie", movie, False) in brief(changes)
    assert {c["list"] for c in changes if c["kind"] == "list_movie"} == {
        made["id"]}
    assert fay.delete(here + "volver/").status_code == 200
    assert ("list_movie", movie, True) in brief(mirror.sync())
    assert fay.post(here + "volver/").status_code in (200, 201)
    mirror.sync()
    assert fay.delete(here).status_code == 200
    assert sorted(brief(mirror.sync())) == [("list", made["id"], True),
                                            ("list_movie", movie, True)]
    assert not mirror.kind("list_movie")

    for friends in (True, False, True):
        if friends:
            for who, whom in ((fay, "dora"), (dora, "fay")):
                assert who.post(f"/api/users/{whom}/friend-requests/"
                                ).status_code == 200
        else:
            assert dora.delete("/api/users/friends/?username=fay"
                              ).status_code == 200
        assert brief(mirror.sync()) == [("friend", user, not friends)]
    # at the end as if it had read everything at once
    assert anew(fay) == mirror.things
    assert dora.delete("/api/users/friends/?username=fay").status_code == 200


def test_what_others_change(stack, bob):
    """Movies are renamed and deleted, friends renamed and locked."""
    mirror = Mirror(bob)
    mirror.sync()
    before = dict(mirror.things)
    for there, back in (
            ("UPDATE movie SET slug = slug || '-x' WHERE slug !~ '-x$'",
             "UPDATE movie SET slug = left(slug, -2) WHERE slug ~ '-x$'"),
            ("UPDATE movie SET deleted_at = '2001-01-01' WHERE deleted_at IS NULL",
             "UPDATE movie SET deleted_at = NULL WHERE deleted_at = '2001-01-01'"),
            ("UPDATE account SET username = 'anabel' WHERE username = 'ana'",
             "UPDATE account SET username = 'ana' WHERE username = 'anabel'"),
            ("UPDATE account SET active = false WHERE username <> 'bob'",
             "UPDATE account SET active = true"),
            ("UPDATE movielist SET deleted_at = now() WHERE deleted_at IS NULL",
             "UPDATE movielist SET deleted_at = NULL")):
        stack.sql(there)
        mirror.sync()
        assert mirror.things == anew(bob) != before, there
        stack.sql(back)
        mirror.sync()
        assert mirror.things == anew(bob) == before, back
    # and what is deleted for good
    stack.sql("INSERT INTO movie (slug, title) VALUES ('brief', 'Brief')")
    for path, body in (("ratings", {"rating": 1}), ("unseen", None),
                       ("reviews", REVIEW)):
        assert bob.post(f"/api/movies/brief/{path}/", body).status_code < 300
    mirror.sync()
    assert len(mirror.things) == len(before) + 3
    stack.sql("DELETE FROM movie WHERE slug = 'brief'")
    assert all(c["deleted"] for c in mirror.sync())
    assert mirror.things == anew(bob) == before


def test_an_update_of_nothing(stack, bob):
    mirror = Mirror(bob)
    mirror.sync()
    tables = stack.sql("""
        SELECT c.relname, string_agg(a.attname || ' = ' || a.attname, ', ')
          FROM pg_class AS c
          JOIN pg_attribute AS a ON a.attrelid = c.oid
         WHERE c.oid IN (SELECT tgrelid FROM pg_trigger
                          WHERE tgname LIKE 'track%')
           AND a.attnum > 0
           AND NOT a.attisdropped
           AND a.attgenerated = ''
         GROUP BY c.relname""")
    assert len(tables) == 8
    for table, columns in tables:
        stack.sql(f"UPDATE {table} SET {columns}")
        assert mirror.sync() == [], table


def test_a_page_in_between(ana):
    """Changes between the pages of a reading are part of it or of the next."""
    mirror = Mirror(ana, limit=1)
    movies = ["amelie", "volver", "heat", "wall-e"]
    for m in movies:
        ana.post(f"/api/movies/{m}/unseen/")
    assert mirror.page()
    for m in movies:
        assert mirror.page()
        assert ana.delete(f"/api/movies/{m}/unseen/").status_code == 200
    mirror.sync()
    assert mirror.things == anew(ana)
    assert not mirror.kind("unseen")


def test_an_answer_that_was_lost(ana):
    """The same cursor once more: the same changes, and later ones."""
    mirror = Mirror(ana)
    mirror.sync()
    since = mirror.since
    assert ana.post("/api/movies/heat/unseen/").status_code < 300
    first = mirror.sync()
    assert ana.delete("/api/movies/heat/unseen/").status_code == 200
    mirror.since = since
    again = mirror.sync()
    assert brief(again) == [(c["kind"], c["id"], True) for c in first]


def test_a_transaction_that_commits_late(stack, ana):
    """It has its number before others that commit earlier, and is not missed."""
    mirror = Mirror(ana)
    mirror.sync()
    with transaction(stack) as other:
        other.cursor().execute("INSERT INTO unseen (user_id, movie_id) SELECT a.id, m.id"
                      " FROM account AS a, movie AS m WHERE a.username = 'ana'"
                      " AND m.slug = 'city-of-god'")
        assert mirror.sync() == []
        # another change of the same user waits for it
        with pytest.raises(psycopg2.errors.LockNotAvailable):
            stack.sql("SET LOCAL lock_timeout = '50ms';"
                      "INSERT INTO unseen (user_id, movie_id) SELECT a.id, m.id"
                      " FROM account AS a, movie AS m WHERE a.username = 'ana'"
                      " AND m.slug = 'talk-to-her'")
        # those of other users do not
        assert stack.client("dora").post("/api/movies/heat/ratings/",
                                         {"rating": 4}).status_code == 201
        assert mirror.sync() == []
        other.commit()
    assert [c["kind"] for c in mirror.sync()] == ["unseen"]
    assert mirror.things == anew(ana)


def test_starting_waits_for_changes(stack, ana):
    """One whose transaction began before is not missed: an update, too."""
    assert ana.post("/api/movies/volver/ratings/", {"rating": 1}
                    ).status_code == 201
    stack.sql("DELETE FROM change_head")
    with (transaction(stack) as other,
          concurrent.futures.ThreadPoolExecutor(1) as pool):
        other.cursor().execute("UPDATE rating SET rating = 5 WHERE (user_id, movie_id) ="
                      " (SELECT a.id, m.id FROM account AS a, movie AS m"
                      "   WHERE a.username = 'ana' AND m.slug = 'volver')")
        started = pool.submit(ana.get, PATH)
        wait_until(lambda: stack.value(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock'") > 0, "a lock")
        other.commit()
        assert started.result().status_code in (200, 503)  # lock_timeout
    mirror = Mirror(ana)
    mirror.sync()
    assert 5 in [v["rating"] for v in mirror.kind("rating")]


def test_two_clients_start_at_the_same_time(stack, ana):
    things = anew(ana)
    for _ in range(3):
        stack.sql("DELETE FROM change_head")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            got = list(pool.map(lambda _: ana.get(PATH).json(), range(8)))
        assert len({r["next_since"] for r in got}) == 1
        assert anew(ana) == things


def test_many_writers_and_a_reader(stack, emil):
    """The copy equals the data, whichever changes overlapped its readings."""
    mirror = Mirror(emil, limit=2)
    mirror.sync()
    movies = ["amelie", "volver", "heat", "wall-e", "city-of-god"]
    done = threading.Event()

    def write(seed):
        who, dice = stack.client("emil"), random.Random(seed)
        for _ in range(40):
            movie = f"/api/movies/{dice.choice(movies)}/"
            send, path, body = dice.choice([
                (who.post, movie + "unseen/", None),
                (who.delete, movie + "unseen/", None),
                (who.post, movie + "ratings/", {"rating": 1}),
                (who.put, movie + "ratings/", {"rating": dice.randint(1, 5)})])
            assert send(path, body).status_code < 500

    def read():
        while not done.is_set():
            mirror.sync()

    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        reader = pool.submit(read)
        for writer in [pool.submit(write, seed) for seed in range(4)]:
            writer.result()
        done.set()
        reader.result()
    mirror.sync()
    assert mirror.things == anew(emil)


def prune(stack):
    """The job of the next hour."""
    stack.sql("INSERT INTO job (name) VALUES ('prune')")
    wait_until(lambda: not stack.value(
        "SELECT count(*) FROM job WHERE name = 'prune' AND state <> 'done'"),
        "the job")


def test_old_tombstones_are_deleted(stack, ana, bob):
    old, recent = Mirror(ana), Mirror(ana)
    old.sync()
    assert ana.post("/api/movies/amelie/unseen/").status_code < 300
    assert ana.delete("/api/movies/amelie/unseen/").status_code == 200
    other = Mirror(bob)
    other.sync()
    recent.sync()
    count = stack.value("SELECT count(*) FROM change WHERE NOT deleted")
    prune(stack)  # they are recent
    assert [c["deleted"] for c in old.sync()] == [True]
    old = Mirror(ana)
    old.page()  # the beginning of a first reading
    assert ana.post("/api/movies/amelie/unseen/").status_code < 300
    assert ana.delete("/api/movies/amelie/unseen/").status_code == 200
    recent.sync()
    stack.sql("UPDATE change SET changed_at = now() - interval '91 days'")
    prune(stack)
    assert stack.value("SELECT count(*) FROM change WHERE deleted") == 0
    assert stack.value("SELECT count(*) FROM change") == count
    # it may have a thing that was deleted
    r = ana.get(f"{PATH}?since={old.since}")
    assert r.status_code == 410
    assert r.json()["error"] == r.json()["since"][0] == (
        "This cursor is too old. Start over without it.")
    assert recent.sync() == [] == other.sync()
    assert recent.things == anew(ana)


def test_the_log_is_as_long_as_what_exists(stack, dora):
    mirror = Mirror(dora)
    mirror.sync()
    made = dora.post("/api/movies-lists/", LIST).json()
    here = f"/api/movies-lists/dora/{made['slug']}/volver/"
    count = None
    for _ in range(5):
        assert dora.post(here).status_code < 300
        assert dora.delete(here).status_code == 200
        assert dora.post("/api/movies/volver/unseen/").status_code < 300
        assert dora.delete("/api/movies/volver/unseen/").status_code == 200
        now = stack.value("SELECT count(*) FROM change")
        assert count in (None, now)
        count = now


@pytest.mark.parametrize("since", [
    "x", "0", "-", "--", "0-0-0", "x" * 64, "0123456789abcdef-1-x",
    "0123456789ABCDEF-1-1", "0123456789abcdef--1-1", "0123456789abcdef-1-1-1",
    "0123456789abcdef-1-9999999999999999999", "0123456789abcdef-1-1%0A",
    "x" * 65, "%00", "%ff", "%27", "\u0661"])
def test_what_is_no_cursor(stack, ana, since):
    mark = stack.mark()
    r = ana.get(f"{PATH}?since={since}")
    assert r.status_code == 400 and r.json()["error"]
    assert " error " not in stack.log("mxmd", mark)


def test_cursors_of_others(stack, ana, bob):
    """Of another user, of a replaced database, of its future, of nobody."""
    mine, other = Mirror(ana), Mirror(bob)
    mine.sync(), other.sync()
    epoch, base, seq = mine.since.split("-")
    for since in (other.since, "0123456789abcdef-1-1",
                  f"{epoch}-{int(base) + 1}-{seq}",
                  f"{epoch}-{base}-{int(seq) + 1}"):
        assert ana.get(f"{PATH}?since={since}").status_code == 410
    stack.sql("DELETE FROM change_head")
    assert ana.get(f"{PATH}?since={mine.since}").status_code == 410
    assert anew(ana) == mine.things
    assert ana.get(f"{PATH}?since={mine.since}").status_code == 410


def test_the_limit_of_a_page(ana):
    """Exactly full pages end without an empty one."""
    things = len(anew(ana))
    for limit, most in (("0", 100), ("x", 100), ("-1", 100), ("1000", 100),
                        (str(things), things), ("1", 1)):
        since = ana.get(PATH).json()["next_since"]
        r = ana.get(f"{PATH}?since={since}&limit={limit}").json()
        assert len(r["results"]) == min(things, most)
        assert r["has_next"] is (things > most)
    # an empty cursor is none
    assert ana.get(PATH + "?since=").json()["results"] == []


def test_who_may(stack, client, nina, ana):
    assert client.get(PATH).status_code == 401
    assert nina.get(PATH).status_code == 403
    assert ana.post(PATH, {}).status_code == 405


def test_a_deleted_account_leaves_nothing(stack, fay, bob):
    """Its friends have a tombstone."""
    mirror = Mirror(bob)
    mirror.sync()
    anew(fay)
    user = stack.value("SELECT id FROM account WHERE username = 'fay'")
    assert stack.value("SELECT count(*) FROM change WHERE user_id = %s", (user,))
    stack.sql("DELETE FROM account WHERE username = 'fay'")
    assert brief(mirror.sync()) == [("friend", user, True)]
    for table in ("change", "change_head"):
        assert not stack.value(f"SELECT count(*) FROM {table} WHERE user_id = %s",
                               (user,))
    assert mirror.things == anew(bob)
