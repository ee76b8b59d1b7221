# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of an account: removal by its owner, restoring by a log-in, and the
deletion that leaves nothing about the user."""

import concurrent.futures
import io
import os
import threading
import zipfile

import pytest

import world
from client import Client
from pictures import encoded, files_of, noise
from stack import wait_until
from test_sessions import login
from test_tokens import REFRESH, refresh_refused, refused

SELF = "/api/users/"
HEAT = "/api/movies/heat/"
PASSWORD = {"password": world.PASSWORD}
REVIEW = {"title": "Removed", "content": "c", "is_positive": True}


def newcomer(stack, name, **more):
    client = Client(stack)
    client.signup(name, f"{name}@example.org", world.PASSWORD, **more)
    return client


def removed(client):
    r = client.delete(SELF, PASSWORD)
    assert r.status_code == 200, r.text
    return r.json()


def run_job(stack, name):
    """Runs a job once, now."""
    job = stack.value("INSERT INTO job (name) VALUES (%s) RETURNING id", [name])
    wait_until(lambda: stack.value("SELECT state FROM job WHERE id = %s",
                                   [job]) == "done", f"{name} is done",
               alive=stack.jobs)


def age(stack, name, interval="15 days"):
    stack.sql("UPDATE account SET removed_at = removed_at - %s::interval"
              " WHERE username = %s", [interval, name])


def number(stack, name):
    return stack.value("SELECT max(id) FROM account WHERE username = %s",
                       [name])


# -- removal and restoring ------------------------------------------------

def test_remove_and_restore(stack, ana):
    client = newcomer(stack, "rosa")
    other = login(stack, "rosa")
    review = client.post(HEAT + "reviews/", REVIEW).json()
    assert client.post(HEAT + "ratings/", {"rating": 5}).status_code == 201
    profile = "/api/users/rosa/"
    for _ in range(2):
        assert ana.get(profile).status_code == 200
        assert review in ana.get(HEAT + "reviews/").json()["results"]
    before = ana.get(HEAT).json()

    answer = removed(client)
    assert list(answer) == ["status", "restorable_until"]
    assert answer["status"] is True
    seconds = stack.value(
        "SELECT extract(epoch FROM %s::timestamptz - removed_at)::float8"
        "  FROM account WHERE username = 'rosa'", [answer["restorable_until"]])
    assert seconds == 14 * 24 * 3600
    mail = stack.mail_message("rosa@example.org")
    assert mail["Subject"] == "Removal of MoviesXMovies account of rosa"
    assert (f"deleted after {answer['restorable_until'][:10]}," in " ".join(
        mail.get_body(("plain",)).get_content().split()))
    for c in (client, other):
        r = c.get(SELF)
        assert r.status_code == 401 and r.json()["code"] == "user_inactive"
        r = c.post(REFRESH, {"refresh": c.refresh_token}, token=None)
        assert r.status_code == 401 and r.json()["code"] == "user_inactive"
    assert ana.get(profile).status_code == 404
    assert review not in ana.get(HEAT + "reviews/").json()["results"]
    r = stack.client().post("/api/auth/signup/", {
        "username": "rosa", "email": "rosa@example.org", "first_name": "R",
        "last_name": "S", "password": world.PASSWORD})
    assert r.status_code == 400 and {"username", "email"} <= set(r.json())
    run_job(stack, "prune_removed")  # too early

    wrong = stack.client().post("/api/auth/login/", {
        "username": "rosa", "password": "not this one"})
    assert wrong.status_code == 401 and ana.get(profile).status_code == 404
    again = login(stack, "rosa")
    assert again.get(SELF).json()["username"] == "rosa"
    assert ana.get(profile).status_code == 200
    assert review in ana.get(HEAT + "reviews/").json()["results"]
    assert ana.get(HEAT).json() == before
    assert again.get(HEAT + "ratings/").json()["rating"] == 5
    refused(client.get(SELF))  # the old sessions have ended
    refresh_refused(client.post(
        REFRESH, {"refresh": client.refresh_token}, token=None))


def test_a_forgotten_password_does_not_prevent_restoring(stack):
    client = newcomer(stack, "olga")
    removed(client)
    stack.mail_message("olga@example.org")
    path = "/api/auth/forgot-password/"
    assert client.get(path, params={"email": "olga@example.org"},
                      token=None).status_code == 200
    r = client.post(path, {
        "email": "olga@example.org", "new_password": "Another-lantern-8",
        "forgot_password_code": stack.mail("olga@example.org")}, token=None)
    assert r.status_code == 200
    assert stack.value("SELECT removed_at IS NOT NULL FROM account"
                       " WHERE username = 'olga'")  # only a log-in restores
    assert stack.client("olga", "Another-lantern-8").get(
        SELF).json()["username"] == "olga"


def test_a_locked_account_is_not_restored(stack):
    newcomer(stack, "luis")
    stack.sql("UPDATE account SET active = false WHERE username = 'luis'")
    r = stack.client().post("/api/auth/login/", {
        "username": "luis", "password": world.PASSWORD})
    assert r.status_code == 401


@pytest.mark.parametrize("body, text", [
    ({}, "This field is required."), ({"password": None},
                                      "This field is required."),
    ({"password": "wrong"}, "The password is incorrect."),
    ({"password": world.PASSWORD + " "}, "The password is incorrect."),
    ({"password": ""}, "The password is incorrect."),
    ({"password": 7}, "This value must be text."),
    ({"password": "x\0"}, None), ({"password": ["x"]}, None),
    ({"password": "x" * 4097}, None)])
def test_the_password_is_asked_for(fay, body, text):
    r = fay.delete(SELF, body)
    assert r.status_code == 400, r.text
    assert text is None or text in r.json()["password"]
    assert fay.get(SELF).status_code == 200


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{", b"\xff", b"7"])
def test_a_body_that_is_no_object(fay, data):
    r = fay.delete(SELF, data=data)
    assert r.status_code == 400 and fay.get(SELF).status_code == 200


def test_in_another_language(carla):
    r = carla.delete(SELF, {"password": "wrong"})
    assert r.json()["password"] == ["La contraseña es incorrecta."]


def test_the_password_of_another_user(stack, fay):
    stack.sql("UPDATE account SET password = '!' WHERE username = 'emil'")
    assert fay.delete(SELF, {"password": "!"}).status_code == 400


def test_without_a_password_a_recent_log_in_is_needed(stack):
    client = newcomer(stack, "gil")
    stack.sql("UPDATE account SET password = '!' WHERE username = 'gil'")
    stack.sql("UPDATE session SET created_at = now() - interval '11 minutes'"
              " WHERE user_id = %s", [number(stack, "gil")])
    r = client.delete(SELF, {"password": "!"})
    assert r.status_code == 400
    assert r.json() == {
        "error": "Log in again, and repeat this within 10 minutes."}
    stack.sql("UPDATE session SET created_at = now() - interval '9 minutes'"
              " WHERE user_id = %s", [number(stack, "gil")])
    assert client.delete(SELF, {}).status_code == 200


def test_who_may(stack, nina, client):
    assert client.delete(SELF, PASSWORD).status_code == 401
    removed(nina)  # the unverified, too
    assert login(stack, "nina").get(SELF).status_code == 200


def test_at_once(stack):
    """Of several removals one succeeds; the others are no errors of ours."""
    client = newcomer(stack, "sam")
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        got = sorted(pool.map(lambda _: client.delete(
            SELF, PASSWORD).status_code, range(6)))
    assert got == [200] + [401] * 5


# -- deletion -------------------------------------------------------------

def test_the_picture_is_exported_and_deleted(stack):
    client = newcomer(stack, "piet")
    r = client.request("PUT", SELF, files={
        "picture": ("a.png", encoded(noise(), "PNG"), "image/png")})
    assert r.status_code == 200, r.text
    files = files_of(stack, r.json()["picture"])
    wait_until(lambda: client.get("/api/users/export/").status_code == 200,
               "the export is ready")
    archive = zipfile.ZipFile(io.BytesIO(
        client.get("/api/users/export/").content))
    name = r.json()["picture"].rsplit("/", 1)[1]
    assert archive.read(f"picture/{name}") == (
        stack.media / "users" / name).read_bytes()
    removed(client)
    for file in files:
        os.utime(file, (0, 0))  # not used for an hour
    run_job(stack, "prune_accounts")
    assert all(file.exists() for file in files)
    age(stack, "piet")
    run_job(stack, "prune_removed")
    run_job(stack, "prune_accounts")
    assert not any(file.exists() for file in files)


NAMES = {"username": "walpurga77", "email": "walpurga77@example.org",
         "first_name": "Walpurgisnacht", "last_name": "Quarkenbruck",
         "bio": "Kompanistin of seventy-seven zithers"}


def texts_of(stack):
    """(table, column, value) of all that is stored as text."""
    columns = stack.sql("""
        SELECT c.table_name, c.column_name
          FROM information_schema.columns AS c
          JOIN information_schema.tables AS t USING (table_schema, table_name)
         WHERE c.table_schema = 'public'
           AND t.table_type = 'BASE TABLE'
           AND c.data_type NOT IN ('bigint', 'integer', 'smallint', 'boolean',
                                   'timestamp with time zone', 'real',
                                   'double precision', 'date', 'xid8')""")
    assert {"account", "review", "job", "session"} <= {t for t, _ in columns}
    for table, column in columns:
        for (value,) in stack.sql(f'SELECT DISTINCT "{column}"::text'
                                  f'  FROM "{table}"'
                                  f' WHERE "{column}" IS NOT NULL'):
            yield table, column, value


def traces(stack):
    """Where the user of NAMES can be found."""
    words = [word.lower() for value in NAMES.values() for word in value.split()
             if len(word) > 5]
    hexes = [word.encode().hex() for word in words]
    return {(table, column) for table, column, value in texts_of(stack)
            if any(word in value.lower() for word in words + hexes)}


def test_the_deletion_leaves_nothing(stack, ana, bob):
    client = newcomer(stack, NAMES["username"],
                      **{k: v for k, v in NAMES.items()
                         if k not in ("username", "email")})
    me = number(stack, NAMES["username"])
    assert traces(stack) >= {("account", "username"), ("account", "email"),
                             ("account", "bio"), ("account", "first_name")}
    review = client.post(HEAT + "reviews/", {
        **REVIEW, "content": NAMES["bio"]}).json()
    client.post(HEAT + "ratings/", {"rating": 1})
    stack.sql("""
        INSERT INTO comment (id, user_id, review_id, content)
        VALUES (9001, %(me)s, %(review)s, %(bio)s);
        INSERT INTO comment (id, user_id, review_id, reply_comment_id, content)
        VALUES (9002, 1, %(review)s, 9001, 'an answer of ana'),
               (9003, %(me)s, %(review)s, 9002, %(bio)s);
        INSERT INTO reaction (user_id, comment_id, emoji)
        VALUES (%(me)s, 9002, 'LIKE');
        INSERT INTO movielist (id, user_id, name, slug, description)
        VALUES (9001, %(me)s, %(bio)s, 'l', %(bio)s);
        INSERT INTO friendship (user1_id, user2_id) VALUES (1, %(me)s);
        INSERT INTO friend_request (from_user_id, to_user_id)
        VALUES (%(me)s, 2);
        INSERT INTO unseen (user_id, movie_id) VALUES (%(me)s, 2);
        INSERT INTO job (name, payload, run_at)
        VALUES ('mail_verification', jsonb_build_object(
                'account_id', %(me)s, 'email', %(email)s), 'infinity');""",
              {"me": me, "review": review["id"], **NAMES})
    stack.touched()
    sums = "SELECT rating_sum, rating_count FROM movie WHERE slug = 'heat'"
    before = stack.sql(sums)[0]
    removed(client)
    stack.mail_message(NAMES["email"])
    assert stack.sql(sums)[0] == before  # still restorable
    age(stack, NAMES["username"])
    run_job(stack, "prune_removed")
    stack.touched()
    assert number(stack, NAMES["username"]) is None
    assert traces(stack) == set()
    assert stack.sql(sums)[0] == (before[0] - 1, before[1] - 1)
    # no row of any table belongs to them
    for table, column in stack.sql("""
            SELECT c.conrelid::regclass::text, a.attname
              FROM pg_constraint AS c
              JOIN pg_attribute AS a
                ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
             WHERE c.contype = 'f' AND c.confrelid = 'account'::regclass"""):
        assert not stack.value(f"SELECT count(*) FROM {table}"
                               f" WHERE {column} = %s", [me]), table
    # what others have written stays
    assert stack.sql("SELECT id, user_id, content, deleted_at IS NULL"
                     "  FROM comment WHERE id > 9000 ORDER BY id") == [
        (9001, None, "", False), (9002, 1, "an answer of ana", True)]
    assert ana.get(f"/api/users/{NAMES['username']}/").status_code == 404
    newcomer(stack, NAMES["username"])  # name and address are free again


def test_a_restored_account_is_not_deleted(stack):
    newcomer(stack, "vera")
    removed(login(stack, "vera"))
    age(stack, "vera")
    conn = stack.cluster.connect(stack.database)
    conn.autocommit = False
    conn.cursor().execute("UPDATE account SET active = true, removed_at = NULL"
                          " WHERE username = 'vera'")
    run = threading.Thread(target=run_job, args=(stack, "prune_removed"))
    run.start()
    run.join()  # the row is locked by another transaction, and skipped
    conn.commit()
    conn.close()
    run_job(stack, "prune_removed")
    assert number(stack, "vera")
