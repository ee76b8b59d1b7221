# SPDX-License-Identifier: GPL-3.0-or-later
"""The export of what is stored about a user: how it is requested, who gets it,
and what is in it."""

import concurrent.futures
import csv
import io
import json
import zipfile

import pytest

from stack import wait_until
from test_removal import newcomer, number, run_job

EXPORT = "/api/users/export/"
PENDING = "Your export is being prepared. Please try again in a few seconds."
HARMFUL = "=HYPERLINK(\"http://example.org\")"
REVIEW = {"title": "\uff1dSUM(A1)", "content": "one, \"two\"\r\nthree\u20ac",
          "is_positive": True}


def built(client):
    """Asks for the archive until it is ready."""
    def ready():
        r = client.get(EXPORT)
        assert r.status_code in (200, 202), r.text
        if r.status_code == 202:
            assert r.json() == {"status": PENDING}
            assert r.headers["Retry-After"] == "5"
            return None
        return r
    return wait_until(ready, "the export is ready", alive=client.stack.jobs)


def unpacked(data):
    files = zipfile.ZipFile(io.BytesIO(data))
    assert files.testzip() is None
    return {name: files.read(name) for name in files.namelist()}


@pytest.fixture(scope="module")
def lena(stack):
    """A user with something in every table."""
    client = newcomer(stack, "lena", bio=HARMFUL, first_name="-Lena")
    heat = "/api/movies/heat/"
    assert client.post(heat + "reviews/", REVIEW).status_code == 201
    assert client.post(heat + "ratings/", {"rating": 4}).status_code == 201
    assert client.post("/api/movies/volver/unseen/").status_code == 200
    stack.sql("""
        INSERT INTO comment (user_id, review_id, content)
        SELECT %(me)s, max(id), 'a comment' FROM review;
        INSERT INTO comment (user_id, review_id, content, deleted_at)
        SELECT %(me)s, max(id), 'a deleted comment', now() FROM review;
        INSERT INTO reaction (user_id, review_id, emoji)
        SELECT %(me)s, max(id), 'LIKE' FROM review;
        INSERT INTO movielist (id, user_id, name, slug)
        VALUES (8001, %(me)s, 'Mine', 'mine');
        INSERT INTO movielist_movie (movielist_id, movie_id)
        VALUES (8001, 1), (8001, 2);
        INSERT INTO friendship (user1_id, user2_id) VALUES (1, %(me)s);
        INSERT INTO friend_request (from_user_id, to_user_id)
        VALUES (%(me)s, 2);
        INSERT INTO follow (user_id, person_id)
        SELECT %(me)s, min(id) FROM person;
        INSERT INTO account_platform (user_id, platform_id)
        SELECT %(me)s, min(id) FROM platform;
        INSERT INTO provider_link (user_id, provider, subject)
        VALUES (%(me)s, 'google', '117');
        INSERT INTO code (user_id, purpose, digest, expires_at)
        VALUES (%(me)s, 'reset', 'x', now() + interval '1 day');
        INSERT INTO history (user_id, name, dry_run, replace, state, report,
                             finished_at)
        VALUES (%(me)s, 'ratings.csv', false, false, 'done', '{}', now());
        INSERT INTO translation (digest, language, author_id, text)
        VALUES (sha256('x'), 'de', %(me)s, 'a translation');
        INSERT INTO audit (origin, kind, thing_id, owner_id, label, action, after)
        VALUES ('mxmctl', 'review', 1, %(me)s, 'Red', 'remove',
                '{"deleted_at": null}');
        SELECT change_start(%(me)s)""",
              {"me": number(stack, "lena")})
    return client


def test_download(stack, lena):
    first = lena.get(EXPORT)
    assert first.status_code == 202 and first.json() == {"status": PENDING}
    r = built(lena)
    assert r.headers["Content-Type"] == "application/zip"
    assert r.headers["Content-Disposition"] == (
        'attachment; filename="moviesxmovies-export.zip"')
    assert r.headers["Cache-Control"] == "private, no-store"
    again = lena.get(EXPORT)
    assert again.content == r.content  # not built anew
    assert lena.get(EXPORT, headers={
        "If-None-Match": r.headers["ETag"]}).status_code == 304
    assert lena.request("HEAD", EXPORT).status_code == 200
    days = stack.value("SELECT extract(epoch FROM expires_at - requested_at)"
                       "::float8 / 86400 FROM export WHERE user_id = %s",
                       [number(stack, "lena")])
    assert 7 <= days < 7.01


def test_everything_is_in_it(stack, lena):
    files = unpacked(built(lena).content)
    tables = {name.split("/")[1].removesuffix(".json")
              for name in files if name.startswith("json/")}
    assert {name for name in files if name.startswith("csv/")} == {
        f"csv/{table}.csv" for table in tables}
    assert "picture/default.png" in files
    data = {table: json.loads(files[f"json/{table}.json"]) for table in tables}
    assert {table for table, rows in data.items() if not rows} == set()
    me, = data["profile"]
    assert (me["username"], me["email"]) == ("lena", "lena@example.org")
    assert me["bio"] == HARMFUL and me["has_password"] is True
    review, = data["reviews"]
    assert {key: review[key] for key in REVIEW} == REVIEW
    assert review["movie"] == "heat" and review["deleted_at"] is None
    assert [(c["content"], bool(c["deleted_at"])) for c in data["comments"]] \
        == [("a comment", False), ("a deleted comment", True)]
    assert [r["rating"] for r in data["ratings"]] == [4]
    assert [m["list"] for m in data["list_movies"]] == ["mine", "mine"]
    assert [f["username"] for f in data["friends"]] == ["ana"]
    assert [(q["sender"], q["receiver"]) for q in data["friend_requests"]] == [
        ("lena", "bob")]
    everything = b"".join(files.values())
    for secret in stack.sql("SELECT password FROM account WHERE username ="
                            " 'lena'"):
        assert secret[0].encode() not in everything
    assert b"digest" not in everything


def test_a_picture_elsewhere_is_left_out(stack):
    """Such a path can come from the export of another site."""
    bob = stack.client("bob")
    assert (stack.media / ".." / stack.conf.name).is_file()
    before = stack.value("SELECT picture FROM account WHERE username = 'bob'")
    stack.sql("UPDATE account SET picture = %s WHERE username = 'bob'",
              [f"../{stack.conf.name}"])
    files = unpacked(built(bob).content)
    stack.sql("UPDATE account SET picture = %s WHERE username = 'bob'", [before])
    assert "json/profile.json" in files
    assert not [name for name in files if name.startswith("picture/")]


def test_every_table_about_a_user_is_exported(stack, lena):
    """A table that refers to an account has a file, or a reason."""
    tables = {t for (t,) in stack.sql("""
        SELECT DISTINCT conrelid::regclass::text FROM pg_constraint
         WHERE contype = 'f' AND confrelid = 'account'::regclass""")}
    source = (stack_sources() / "sql/export.sql").read_text()
    missing = {t for t in tables
               if not any(f"{word} {t}" in source for word in ("FROM", "JOIN"))}
    # read as view friend; made from table account
    assert missing - {"friendship", "account_find"} == set()


def stack_sources():
    import stack as stack_module
    return stack_module.ROOT


def test_csv(lena):
    """RFC 4180, and no formulas for a spreadsheet."""
    files = unpacked(built(lena).content)
    for name, data in files.items():
        if name.startswith("csv/"):
            rows = list(csv.reader(io.StringIO(data.decode(), newline=""),
                                   strict=True))
            table = json.loads(files[name.replace("csv", "json")])
            assert rows[0] == list(table[0]) and len(rows) == 1 + len(table)
            assert data.endswith(b"\r\n")
            assert not any(cell[:1] in "=+-@\t\r" and cell for row in rows
                           for cell in row if not cell.lstrip("-").isdigit())
    profile = next(csv.DictReader(io.StringIO(
        files["csv/profile.csv"].decode(), newline="")))
    assert profile["bio"] == "'" + HARMFUL
    assert profile["training"] == "true"
    assert profile["first_name"] == "'-Lena" and profile["old_username"] == ""
    review = next(csv.DictReader(io.StringIO(
        files["csv/reviews.csv"].decode(), newline="")))
    assert review["title"] == "'" + REVIEW["title"]
    assert review["content"] == REVIEW["content"]


def test_only_ones_own(lena, ana, bob, client, nina):
    mine = built(lena).content
    assert client.get(EXPORT).status_code == 401
    assert client.post(EXPORT).status_code == 401
    for other in (bob, nina):  # the unverified, too
        theirs = unpacked(built(other).content)
        assert b"lena@example.org" not in b"".join(theirs.values())
    assert built(lena).content == mine


def test_users_who_are_not_active_have_no_name(stack):
    client = newcomer(stack, "nora")
    stack.sql("INSERT INTO friendship (user1_id, user2_id)"
              " SELECT 8, id FROM account WHERE username = 'nora'")
    friend, = json.loads(unpacked(built(client).content)["json/friends.json"])
    assert friend["username"] is None and friend["created_at"]


def test_an_empty_account(stack):
    files = unpacked(built(newcomer(stack, "nils")).content)
    assert json.loads(files["json/reviews.json"]) == []
    assert files["csv/reviews.csv"] == b""


def test_a_new_one_an_hour(stack, lena):
    built(lena)
    r = lena.post(EXPORT)
    assert r.status_code == 429
    assert 3500 < int(r.headers["Retry-After"]) <= 3600
    assert r.json()["error"].startswith("You can request a new export in 3")
    built(lena)  # the old one is still there
    stack.sql("UPDATE export SET requested_at = requested_at - interval '1 hour'")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: lena.post(EXPORT).status_code, range(8)))
    assert set(got) <= {202, 429} and 202 in got  # 429: it was ready meanwhile
    assert stack.value("SELECT count(*) FROM job WHERE name = 'export' AND"
                       " payload ->> 'account_id' = %s",
                       [str(number(stack, "lena"))]) == 2
    built(lena)


def test_in_another_language(stack, emil):
    r = emil.post(EXPORT)
    assert r.status_code == 202
    assert r.json() == {"status": "Ihr Export wird vorbereitet. Bitte versuchen"
                                  " Sie es in einigen Sekunden erneut."}


def test_it_expires(stack, lena):
    old = built(lena).content
    stack.sql("UPDATE export SET expires_at = now() WHERE user_id = %s",
              [number(stack, "lena")])
    assert lena.get(EXPORT).status_code == 202
    assert built(lena).content != old
    stack.sql("UPDATE export SET expires_at = now() WHERE user_id = %s",
              [number(stack, "lena")])
    run_job(stack, "prune")
    assert not stack.value("SELECT count(*) FROM export WHERE user_id = %s",
                           [number(stack, "lena")])


def test_many_rows_and_a_limit(stack):
    """Batches, and an archive that would be too large."""
    client = newcomer(stack, "vielschreiber")
    me = number(stack, "vielschreiber")
    stack.sql("INSERT INTO comment (user_id, review_id, content)"
              " SELECT %s, (SELECT max(id) FROM review), 'c' || i"
              "   FROM generate_series(1, 1500) AS i", [me])
    rows = json.loads(unpacked(built(client).content)["json/comments.json"])
    assert [c["content"] for c in rows] == [f"c{i}" for i in range(1, 1501)]
    stack.sql("INSERT INTO comment (user_id, review_id, content)"
              " SELECT user_id, review_id, repeat('x', 10000)"
              "   FROM comment, generate_series(1, 3) WHERE user_id = %s", [me])
    stack.sql("UPDATE export SET expires_at = now() WHERE user_id = %s", [me])
    assert client.get(EXPORT).status_code == 202
    wait_until(lambda: stack.sql(
        "SELECT last_error FROM job WHERE name = 'export' AND state = 'failed'")
        == [("the archive is too large: use mxmctl user export",)],
        "the job fails", alive=stack.jobs)
    assert client.get(EXPORT).status_code == 202
    stack.sql("DELETE FROM job WHERE state = 'failed'")
