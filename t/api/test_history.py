# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports of what a user has stored at another site: /api/users/import/ and
mxmctl user import. t/fixtures/history has a folder for each format, with the
files and the expected report."""

import concurrent.futures
import contextlib
import gzip
import io
import json
import os
import signal
import struct
import zipfile
import zlib

import pytest

import stack as stack_module
from queue_tools import children, hasten, queue, wait_state
from stack import wait_until
from test_removal import newcomer, number, run_job

IMPORT = "/api/users/import/"
FOLDER = stack_module.ROOT / "t/fixtures/history"
FORMATS = ["imdb", "imdb-2016", "imdb-2017", "letterboxd", "own", "trakt"]
HEADER = "Date,Name,Year,Letterboxd URI,Rating\n"
HEAT = "2020-01-02,Heat,1995,https://boxd.it/2b0k,4.5\n"


@pytest.fixture(scope="module", autouse=True)
def films(stack):
    stack.sql("""
        INSERT INTO movie (slug, title, release_date) VALUES
               ('solaris', 'Solaris', '1972-03-20'),
               ('solaris-2002', 'Solaris', '2002-11-29'),
               ('twin-a', 'The Twin', '2020-01-10'),
               ('twin-b', 'The Twin', '2020-11-05'),
               ('twice-before', 'Twice', '1994-03-01'),
               ('twice-after', 'Twice', '1996-03-01'),
               ('alien-3', 'Alien³', '1992-05-22'),
               ('se7en', 'Se7en', '1995-09-22'),
               ('undated', 'Undated', NULL);
        INSERT INTO movie_source (source, key, movie_id) VALUES
               ('imdb', 'tt0113277', 9), ('tmdb', '949', 9),
               ('imdb', 'tt0211915', 1), ('tmdb', '603', 11);
        INSERT INTO movie (slug, title, release_date, deleted_at) VALUES
               ('gone', 'Gone', '2001-01-01', now())""")
    stack.touched()


def zipped(files, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def inputs(name):
    """The bytes of a format's files: one file, or a ZIP file."""
    folder = FOLDER / name / "files"
    files = {str(p.relative_to(folder)): p.read_bytes()
             for p in sorted(folder.rglob("*")) if p.is_file()}
    if len(files) == 1:
        return "ratings.csv", next(iter(files.values()))
    return f"{name}.zip", zipped(files)


def upload(client, name, data, **fields):
    return client.request("POST", IMPORT, files={"file": (name, data)},
                          data=fields)


def ended(client):
    """The result of the import, when it has ended."""
    def state():
        body = client.get(IMPORT).json()
        return body if body["state"] in ("done", "failed") else None
    return wait_until(state, "the import has ended", alive=client.stack.jobs)


def imported(client, name, data, **fields):
    r = upload(client, name, data, **fields)
    assert r.status_code == 202, r.text
    return ended(client)


def failed(client, name, data):
    body = imported(client, name, data)
    assert body["state"] == "failed" and body["report"] is None
    assert body["message"]
    return body["failure"], body["detail"]


def holdings(stack, name):
    """Everything that an import can write of a user."""
    me = number(stack, name)
    return {
        "ratings": dict(stack.sql(
            "SELECT m.slug, r.rating FROM live_rating AS r"
            " JOIN movie AS m ON m.id = r.movie_id"
            " WHERE user_id = %s ORDER BY 1", [me])),
        "reviews": stack.sql(
            "SELECT m.slug, r.title, r.content, r.is_positive, r.spoiler"
            "  FROM live_review AS r JOIN movie AS m ON m.id = r.movie_id"
            " WHERE user_id = %s ORDER BY 1", [me]),
        "lists": {slug: (title, privacity, films) for
                  slug, title, privacity, films in stack.sql(
            "SELECT l.slug, l.name, l.privacity,"
            "       array_agg(m.slug ORDER BY i.position)"
            "  FROM live_movielist AS l"
            "  LEFT JOIN movielist_movie AS i ON i.movielist_id = l.id"
            "  LEFT JOIN movie AS m ON m.id = i.movie_id"
            " WHERE l.user_id = %s GROUP BY l.slug, l.name, l.privacity", [me])},
        "unseen": stack.sql(
            "SELECT m.slug FROM unseen AS u JOIN movie AS m"
            " ON m.id = u.movie_id WHERE user_id = %s ORDER BY 1", [me]),
        "following": stack.sql(
            "SELECT p.slug FROM follow AS f JOIN person AS p"
            " ON p.id = f.person_id WHERE user_id = %s ORDER BY 1", [me]),
        "platforms": stack.sql(
            "SELECT p.slug FROM account_platform AS f JOIN platform AS p"
            " ON p.id = f.platform_id WHERE user_id = %s ORDER BY 1", [me]),
    }


def plain(value):
    return json.loads(json.dumps(value))


@pytest.fixture(scope="module")
def login(stack):
    return stack.client("ana")


@pytest.fixture
def me(stack, login):
    """A user without ratings, lists and so on."""
    tables = ("rating", "review", "movielist", "unseen", "follow",
              "account_platform", "history")
    stack.sql(";".join(f"DELETE FROM {t} WHERE user_id = 1" for t in tables))
    stack.touched()
    return login


# ---------------------------------------------------------------- formats --

@pytest.mark.parametrize("name", FORMATS)
def test_a_format(stack, me, tmp_path, name):
    """The report and what is stored are as expected; a dry run and a second run
    change nothing."""
    file, data = inputs(name)
    path = tmp_path / file
    path.write_bytes(data)

    def run(*args):
        done = stack.ctl(f"user import --json {' '.join(args)} ana {path}")
        return json.loads(done.stdout)

    before = holdings(stack, "ana")
    first = run("--dry-run")
    assert holdings(stack, "ana") == before
    got = {"report": run(), "stored": plain(holdings(stack, "ana"))}
    assert first == got["report"]
    expected = FOLDER / name / "expected.json"
    text = json.dumps(got, indent=1, ensure_ascii=False) + "\n"
    if not expected.exists():
        expected.write_text(text)
    assert got == json.loads(expected.read_text()), text
    again = run()
    assert plain(holdings(stack, "ana")) == got["stored"]
    for what, n in again["counts"].items():
        assert n["added"] == n["changed"] == 0, what
        assert n["read"] == first["counts"][what]["read"]
        assert n["skipped"] == first["counts"][what]["skipped"]


# -------------------------------------------------------------------- API --

def test_upload(stack, me):
    """The job reports the same as mxmctl, and others see the result."""
    none = me.get(IMPORT).json()
    assert none["state"] is None and none["report"] is None
    name, data = inputs("letterboxd")
    r = upload(me, "C:\\exports\\" + name, data, dry_run="true")
    assert r.status_code == 202 and r.headers["Retry-After"] == "2"
    assert r.json() == {"status": "Your file is being imported. Please ask for"
                                  " the result in a few seconds."}
    dry = ended(me)
    assert dry["dry_run"] is True and dry["replace"] is False
    assert dry["name"] == name and dry["progress"] == 100
    assert me.get("/api/movies/heat/ratings/").status_code == 404
    expected = json.loads((FOLDER / "letterboxd/expected.json").read_text())
    body = imported(me, name, data)
    assert body["state"] == "done" and body["finished_at"]
    assert body["report"] == dry["report"] == expected["report"]
    assert set(body["reasons"]) >= set(body["report"]["skipped"]["by_reason"])
    assert plain(holdings(stack, "ana")) == expected["stored"]
    stack.touched()
    rating = me.get("/api/movies/heat/ratings/").json()
    assert rating["rating"] == 5 and rating["created_at"][:10] == "2020-01-02"
    mine = me.get("/api/movies-lists/").json()["results"]
    assert {x["slug"]: x["privacity"] for x in mine} == {
        "watchlist": "R", "watched": "R", "best-of-the-nineties": "R"}
    assert stack.value("SELECT count(*) FROM history WHERE file IS NOT NULL") \
        == 0


def test_in_another_language(stack, emil):
    body = imported(emil, "a.txt", b"x")
    assert body["message"] == ("Die Datei ist keine, die importiert werden"
                               " kann.")
    assert body["reasons"]["not_found"] == "Diese Website hat es nicht."
    assert upload(emil, "a", b"").json()["file"] == [
        "Laden Sie eine Datei von höchstens 16\u00a0MiB hoch."]


def test_what_exists_is_changed_only_if_asked(stack, me):
    me.post("/api/movies/heat/ratings/", {"rating": 1})
    me.post("/api/movies/heat/reviews/", {
        "title": "Mine", "content": "c", "is_positive": False})
    text = ("Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,"
            "Watched Date\n2020-01-02,Heat,1995,u,4.5,,Theirs,,\n")
    report = imported(me, "reviews.csv", text)["report"]
    assert [report["counts"][k]["there"] for k in ("ratings", "reviews")] == \
        [1, 1]
    stored = holdings(stack, "ana")
    assert stored["ratings"] == {"heat": 1}
    assert stored["reviews"][0][1] == "Mine"
    report = imported(me, "reviews.csv", text, replace="true")["report"]
    assert [report["counts"][k]["changed"] for k in ("ratings", "reviews")] == \
        [1, 1]
    stored = holdings(stack, "ana")
    assert stored["ratings"] == {"heat": 5}
    assert stored["reviews"] == [("heat", "Heat", "Theirs", True, False)]
    report = imported(me, "reviews.csv", text, replace="true")["report"]
    assert report["counts"]["ratings"]["there"] == 1


def test_a_removed_review_stays_removed(stack, me):
    """The same file again does not bring it back, another text is a new one."""
    text = ("Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,"
            "Watched Date\n2020-01-02,Heat,1995,u,4.5,,Theirs,,\n")
    imported(me, "reviews.csv", text)
    stack.sql("UPDATE review SET deleted_at = now() WHERE user_id = 1")
    report = imported(me, "reviews.csv", text, replace="true")["report"]
    assert report["skipped"]["by_reason"] == {"removed": 1}
    assert holdings(stack, "ana")["reviews"] == []
    imported(me, "reviews.csv", text.replace("Theirs", "Another"))
    assert holdings(stack, "ana")["reviews"][0][2] == "Another"
    report = imported(me, "reviews.csv", text)["report"]
    assert report["counts"]["reviews"]["there"] == 1


def test_nothing_is_added_to_a_list_that_others_see(stack, me):
    me.post("/api/movies-lists/", {
        "name": "Watchlist", "description": "", "privacity": "P"})
    text = "Date,Name,Year,Letterboxd URI\n2020-01-02,Heat,1995,u\n"
    report = imported(me, "watchlist.csv", text)["report"]
    assert report["skipped"]["by_reason"] == {"list_not_private": 1}
    assert report["skipped"]["first"][0]["detail"] == "watchlist"
    assert holdings(stack, "ana")["lists"]["watchlist"] == (
        "Watchlist", "P", [None])
    stack.sql("UPDATE movielist SET privacity = 'R' WHERE user_id = %s",
              [1])
    imported(me, "watchlist.csv", text)
    assert holdings(stack, "ana")["lists"]["watchlist"][2] == ["heat"]


def test_an_own_export(stack, me, tmp_path):
    """What a user has here is the same after an export and an import."""
    client = newcomer(stack, "i-out")
    stack.sql("""
        INSERT INTO rating (user_id, movie_id, rating)
        SELECT %(me)s, id, 1 + id %% 5 FROM live_movie;
        INSERT INTO review (user_id, movie_id, title, content, is_positive)
        SELECT %(me)s, id, 'T' || id, 'C' || id, id %% 2 = 0 FROM live_movie
         WHERE id < 6;
        INSERT INTO movielist (id, user_id, name, slug, privacity)
        VALUES (9001, %(me)s, 'Eins', 'eins', 'R'), (9002, %(me)s, 'Zwei',
                'zwei', 'R');
        INSERT INTO movielist_movie (movielist_id, movie_id)
        VALUES (9001, 4), (9001, 2), (9002, 14);
        INSERT INTO unseen (user_id, movie_id) VALUES (%(me)s, 12);
        INSERT INTO follow (user_id, person_id) VALUES (%(me)s, 4);
        INSERT INTO account_platform (user_id, platform_id)
        VALUES (%(me)s, 2)""", {"me": number(stack, "i-out")})
    stack.touched()
    path = tmp_path / "own.zip"
    stack.ctl(f"user export i-out {path}")
    report = json.loads(stack.ctl(
        f"user import --json --strict ana {path}").stdout)
    assert report["skipped"]["total"] == 0
    assert holdings(stack, "ana") == holdings(stack, "i-out")
    # the report of an import is in the export
    imported(client, "own.zip", path.read_bytes())
    stack.ctl(f"user export i-out {path}2")
    with zipfile.ZipFile(f"{path}2") as archive:
        mine, = json.loads(archive.read("json/imports.json"))
    assert mine["state"] == "done" and "file" not in mine
    assert mine["report"]["counts"]["ratings"]["added"] == 0


def test_one_at_a_time(stack, bob):
    stack.sql("INSERT INTO history (user_id, name, file, dry_run, replace)"
              " VALUES (2, 'x', '', false, false)")
    try:
        r = upload(bob, "ratings.csv", HEADER + HEAT)
        assert r.status_code == 400
        assert r.json()["error"] == "Another import of yours has not ended yet."
        state = bob.get(IMPORT).json()
        assert (state["state"], state["progress"]) == ("queued", 0)
        # one that has not ended after an hour has been lost
        stack.sql("UPDATE history SET requested_at = now() - interval '1 hour'"
                  " WHERE user_id = 2")
        assert imported(bob, "ratings.csv", HEADER + HEAT)["state"] == "done"
    finally:
        stack.sql("DELETE FROM history WHERE user_id = 2")


def test_refusals(stack, client, nina, me):
    for who, status in ((client, 401), (nina, 403)):
        assert upload(who, "ratings.csv", HEADER).status_code == status
        assert who.get(IMPORT).status_code == status
    r = me.post(IMPORT, {"file": "text"})
    assert r.status_code == 400 and list(r.json()) == ["file", "error"]
    r = me.request("POST", IMPORT, data={"replace": "true"})
    assert r.status_code in (400, 415)
    r = me.request("POST", IMPORT, files={"other": ("a", b"x")})
    assert r.status_code == 400
    assert r.json()["error"] == "Missing required fields"
    r = upload(me, "a", HEADER, dry_run="perhaps")
    assert r.status_code == 400 and "dry_run" in r.json()
    assert me.post(IMPORT, {}).status_code == 400
    r = upload(me, "large", bytes(16 * 1024 * 1024 + 1))
    assert r.status_code == 400 and r.json()["error"].startswith(
        "Upload a file of at most 16 MiB")
    r = upload(me, "larger", bytes(16 * 1024 * 1024 + 200000))
    assert r.status_code == 413
    assert me.get(IMPORT).json()["state"] is None


@pytest.mark.parametrize("how", ["fails", "is removed"])
def test_the_file_is_deleted_if_the_job(stack, me, how):
    job = stack.value(
        "INSERT INTO job (name, run_at) VALUES ('history',"
        " now() + interval '1 day') RETURNING id")
    stack.sql("INSERT INTO history (user_id, job_id, name, file, dry_run, replace)"
              " VALUES (1, %s, 'x', 'secret', false, false)", [job])
    if how == "fails":
        stack.sql("UPDATE job SET state = 'failed', finished_at = now()"
                  " WHERE id = %s", [job])
    else:
        stack.ctl(f"jobs remove {job}")
    assert stack.sql("SELECT state, file, failure FROM history"
                     " WHERE user_id = 1") == [("failed", None, "internal")]


def test_the_report_expires(stack, me):
    imported(me, "ratings.csv", HEADER + HEAT)
    stack.sql("UPDATE history SET finished_at = now() - interval '31 days'"
              " WHERE user_id = %s", [1])
    run_job(stack, "prune")
    assert me.get(IMPORT).json()["state"] is None


# ------------------------------------------------------------ interruptions --

@contextlib.contextmanager
def halted(stack, table):
    """Imports wait where they write this table; the steps go from lists to
    ratings."""
    with contextlib.closing(stack.cluster.connect(stack.database)) as db, \
            db.cursor() as c:
        c.execute("BEGIN")
        c.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        yield c
        c.execute("COMMIT")


def waiting(stack, table):
    """The process id at the database of the import that waits there."""
    return wait_until(lambda: stack.value(
        "SELECT min(pid) FROM pg_locks"
        " WHERE relation = %s::regclass AND NOT granted", [table]),
        f"an import waits for {table}", alive=stack.jobs)


def job_of(stack, who=1):
    return stack.value("SELECT job_id FROM history WHERE user_id = %s", [who])


def test_imports_delay_no_mail(stack, me, bob):
    """They have a process of their own, which runs one after the other."""
    with halted(stack, "rating"):
        assert upload(me, "ratings.csv", HEADER + HEAT).status_code == 202
        waiting(stack, "rating")
        assert upload(bob, "ratings.csv", HEADER + HEAT).status_code == 202
        for mail in [queue(stack, "mail_verification", {"account_id": 5})
                     for _ in range(3)]:
            wait_state(stack, mail, "done")
        assert bob.get(IMPORT).json()["state"] == "queued"
    assert [ended(who)["state"] for who in (me, bob)] == ["done", "done"]


def test_the_lease_is_renewed_between_steps(stack, me):
    lease = "SELECT extract(epoch FROM lease_until - now()) FROM job WHERE id = %s"
    with halted(stack, "rating"):
        with halted(stack, "movielist"):
            upload(me, "ratings.csv", HEADER + HEAT)
            waiting(stack, "movielist")
            before = me.get(IMPORT).json()["progress"]
            stack.sql("UPDATE job SET lease_until = now() + interval '50 s'"
                      " WHERE id = %s", [job_of(stack)])
        waiting(stack, "rating")
        assert stack.value(lease, [job_of(stack)]) > 60
        assert 50 < before < me.get(IMPORT).json()["progress"] < 100
    assert ended(me)["state"] == "done"


@pytest.mark.parametrize("what", ["the process is killed", "a connection is lost",
                                  "the settings are reloaded"])
def test_an_import_is_resumed_if(stack, me, what):
    name, data = inputs("letterboxd")
    expected = json.loads((FOLDER / "letterboxd/expected.json").read_text())
    with halted(stack, "rating"):
        upload(me, name, data)
        backend = waiting(stack, "rating")
        job = job_of(stack)
        if "killed" in what:
            os.kill(*children(stack.jobs, "mxm-jobs/long"), signal.SIGKILL)
            stack.sql("UPDATE job SET lease_until = now() WHERE id = %s", [job])
        else:
            if "lost" in what:
                stack.cluster.sql("SELECT pg_terminate_backend(%s)", [backend])
            else:
                stack.jobs.signal(signal.SIGHUP)
            wait_state(stack, job, "queued", 1)
            assert not any(holdings(stack, "ana").values())
            hasten(stack, job)
    body = ended(me)
    assert body["state"] == "done" and body["report"] == expected["report"]
    assert plain(holdings(stack, "ana")) == expected["stored"]


def test_the_disk_of_the_database_is_full(stack, me):
    stack.cluster.sql("""
        CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100';
        END $$;
        CREATE TRIGGER full_disk BEFORE INSERT ON rating
            EXECUTE FUNCTION full_disk()""", None, stack.database)
    name, data = inputs("letterboxd")
    try:
        upload(me, name, data)
        job = job_of(stack)
        wait_state(stack, job, "queued", 1)
        assert not any(holdings(stack, "ana").values())
        stack.sql("UPDATE job SET attempts = max_attempts - 1 WHERE id = %s",
                  [job])
        hasten(stack, job)
        body = ended(me)
    finally:
        stack.cluster.sql("DROP FUNCTION full_disk CASCADE", None,
                          stack.database)
    assert (body["state"], body["failure"]) == ("failed", "internal")
    assert body["message"] == "The import has failed. Please try again later."
    assert not any(holdings(stack, "ana").values())
    assert stack.value("SELECT count(*) FROM history WHERE file IS NOT NULL") == 0
    assert imported(me, name, data)["state"] == "done"


def test_an_account_is_deleted_meanwhile(stack):
    client = newcomer(stack, "i-gone")
    mark = stack.mark("mxm-jobs")
    with halted(stack, "rating") as c:
        upload(client, "ratings.csv", HEADER + HEAT)
        waiting(stack, "rating")
        job = job_of(stack, number(stack, "i-gone"))
        c.execute("DELETE FROM account WHERE username = 'i-gone'")
    stack.wait_log(f"job {job} history: attempt 1 failed", "mxm-jobs", mark)
    assert stack.value("SELECT count(*) FROM job WHERE id = %s", [job]) == 0


def test_an_import_that_was_replaced_changes_nothing(stack, me):
    """Neither does it take or end the newer one."""
    with halted(stack, "rating"):
        upload(me, "ratings.csv", HEADER + HEAT)
        waiting(stack, "rating")
        old = job_of(stack)
        stack.sql("UPDATE history SET requested_at = now() - interval '1 hour'"
                  " WHERE user_id = 1")
        assert upload(me, "new.csv", HEADER + HEAT.replace(
            "Heat,1995", "Volver,2006")).status_code == 202
        assert job_of(stack) != old
    wait_state(stack, old, "done")
    body = ended(me)
    assert (body["state"], body["name"]) == ("done", "new.csv")
    assert holdings(stack, "ana")["ratings"] == {"volver": 5}


def test_uploads_at_the_same_time(stack, me):
    with halted(stack, "rating"), \
            concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = sorted(r.status_code for r in pool.map(
            lambda _: upload(me, "ratings.csv", HEADER + HEAT), range(4)))
        assert answers == [202, 400, 400, 400]
    assert ended(me)["state"] == "done"


# ---------------------------------------------------------- invalid files --

def encrypted():
    """An archive whose entry has the flag of encryption."""
    data = bytearray(zipped({"ratings.csv": HEADER + HEAT}))
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        where = data.index(mark) + at
        data[where:where + 2] = struct.pack("<H", 1)
    return bytes(data)


def corrupted():
    data = bytearray(zipped({"ratings.csv": HEADER + HEAT * 50}))
    data[60] ^= 0xff
    return bytes(data)


GOOD = zipped({"ratings.csv": HEADER + HEAT})
LONG = "x" * 2000000
BROKEN = {
    "lines that end with CR": ((HEADER + HEAT).replace("\n", "\r"), "format",
                               "the lines end with CR"),
    "a ZIP file in it": (zipped({"a.zip": zipped({"ratings.csv": HEADER + HEAT})}),
                         "format", "no records of a known format"),
    "a wrong checksum": (zipped({"ratings.csv": HEADER + HEAT}, 0).replace(
        b"Heat", b"Hxat", 1), "broken", "ratings.csv: CRC error"),
    "a wrong directory": (zipped({"ratings.csv": HEADER + HEAT}).replace(
        b"PK\1\2", b"PK\1\3"), "broken", "not a valid ZIP file"),
    "a text": (b"hello", "format", "it has neither a column Const"),
    "only blanks": (b" \r\n\xef\xbb\xbf", "format", "is empty"),
    "semicolons": (HEADER.replace(",", ";"), "format",
                   "the fields are separated by semicolons"),
    "tabs": (HEADER.replace(",", "\t"), "format", "the fields are separated by tabs"),
    "UTF-16": ((HEADER + HEAT).encode("utf-16"), "format",
               "the encoding is UTF-16"),
    "a web page": (b"<!DOCTYPE html><p>Log in", "format", "it is a web page"),
    "gzip": (gzip.compress((HEADER + HEAT).encode()), "format",
             "it is compressed, but no ZIP file"),
    "a quote that is not closed": (
        HEADER + '2020-01-02,"Heat,1995,u,4\n' + HEAT * 3, "broken",
        "ratings.csv:2:"),
    "a CSV file as ZIP": (b"PK\3\4" + (HEADER + HEAT).encode(), "broken",
                          "not a valid ZIP file"),
    "a truncated ZIP file": (GOOD[:-30], "broken", "not a valid ZIP file"),
    "half a ZIP file": (GOOD[:len(GOOD) // 2], "broken",
                        "not a valid ZIP file"),
    "an empty ZIP file": (zipped({}), "format", "is an empty ZIP file"),
    "a ZIP file of others": (zipped({"a.txt": "b", "b.csv": "c,d\n1,2\n"}),
                             "format", "no records of a known format"),
    "an encrypted ZIP file": (encrypted(), "encrypted",
                              "ratings.csv is encrypted"),
    "a corrupted ZIP file": (corrupted(), "broken", "ratings.csv: "),
    "a bomb": (zipped({f"lists/{i}.csv": bytes(8 << 20) for i in range(9)}),
               "too_large", "more than 64 MiB"),
    "many files": (zipped({f"{i}.csv": "" for i in range(5001)}), "too_large",
                   "more than 5000 files"),
    "many records": (HEADER + "2020-01-02,Heat,1995,u,4\n" * 100001,
                     "too_large", "more than 100000 records"),
    "JSON that does not end": (b'[{"rating": 3}', "broken", "not complete"),
    "JSON of a text": (b'{"a": "b"}', "format", "no records"),
    "JSON and more": (b"[] []", "broken", "text after"),
    "deep JSON": (b"[" * 100000, "broken", "not complete"),
    "unbalanced JSON": (b'[{"rating": 1}}]', "broken", ""),
}


@pytest.mark.parametrize("case", sorted(BROKEN))
def test_a_file_that_cannot_be_used(stack, login, case):
    data, failure, detail = BROKEN[case]
    got = failed(login, "ratings.csv", data)
    assert got[0] == failure and detail in got[1], got
    assert stack.value("SELECT count(*) FROM history WHERE file IS NOT NULL") \
        == 0


def test_hostile_records(stack, me):
    """Each is skipped with its reason, and the others are imported."""
    rows = [
        "2020-01-02,\0Heat,1995,u,4", f"2020-01-02,{LONG},1995,u,4",
        "2020-01-02,Heat", ",".join("x" * 70),
        "2020-01-02,,1995,u,4", "2020-01-02,Heat,1995,u,-1",
        "2020-01-02,Heat,1995,u,NaN", "2020-01-02,Heat,1995,u,4,5",
        "2020-01-02,\"'); DROP TABLE rating; --\",1995,u,4",
        "2020-01-02,%_\\,1995,u,4", "2020-01-02,../../etc/passwd,1995,u,4",
        "9999-99-99,Volver,2006.0,u,3.0"]
    text = (HEADER + "\n".join(rows) + "\n").encode() + \
        b"2020-01-02,Am\xe9lie,2001,u,4\n"
    names = {"../../etc/ratings.csv": HEADER + HEAT, "ratings.csv": text,
             "/abs/diary.csv": HEADER, "lists/\x1b[31m.csv": HEADER, "\u202e.csv": HEADER,
             "\xff.csv": "", "json": "", "deleted/ratings.csv": HEADER + HEAT}
    body = imported(me, "h.zip", zipped(names))
    assert body["state"] == "done", body
    skipped = body["report"]["skipped"]
    assert skipped["by_reason"] == {
        "bad_record": 6, "bad_rating": 2, "no_title": 1, "not_found": 3}
    assert not any("\x1b" in s["file"] for s in skipped["first"])
    stored = holdings(stack, "ana")
    assert stored["ratings"] == {"volver": 3, "heat": 5}
    assert stack.value("SELECT max(created_at) <= now() FROM rating")


def overlapping(n):
    """An archive of n entries, which are all the same bytes of it."""
    data = (HEADER + HEAT).encode()
    packed = zlib.compress(data)[2:-4]
    sizes = struct.pack("<IIIH", zlib.crc32(data), len(packed), len(data), 11)
    name = b"ratings.csv"
    local = b"PK\3\4" + struct.pack("<HHHI", 20, 0, 8, 0) + sizes \
        + struct.pack("<H", 0) + name + packed
    directory = n * (b"PK\1\2" + struct.pack("<HHHHI", 20, 20, 0, 8, 0) + sizes
                     + struct.pack("<HHHHII", 0, 0, 0, 0, 0, 0) + name)
    return local + directory + b"PK\5\6" + struct.pack(
        "<HHHHIIH", 0, 0, n, n, len(directory), len(local), 0)


def test_unusual_archives(stack, me):
    """What is valid is imported, wherever a path leads."""
    zip64 = io.BytesIO()
    with zipfile.ZipFile(zip64, "w") as archive:
        with archive.open("ratings.csv", "w", force_zip64=True) as file:
            file.write((HEADER + HEAT).encode())
    for data, n in ((zip64.getvalue(), 1), (GOOD + b"x" * 1000, 1),
                    (overlapping(300), 300),
                    (zipped({"/ratings.csv": HEADER + HEAT, "..\\ratings.csv":
                             HEADER + HEAT, "a/../../ratings.csv": HEADER + HEAT}),
                     3)):
        body = imported(me, "x.zip", data, dry_run="true")
        assert body["state"] == "done", body
        assert body["report"]["counts"]["ratings"]["read"] == n


def test_many_records(stack, me, tmp_path):
    """The time grows with their number only: a statement takes at most a
    minute."""
    path = tmp_path / "ratings.csv"
    path.write_text(HEADER + "".join(f"2020-01-02,Film {i},{1900 + i % 100},u,4\n"
                                     for i in range(30000)))
    done = stack.ctl(f"user import --dry-run --json ana {path}")
    assert json.loads(done.stdout)["skipped"]["total"] == 30000


def test_the_last_rating_counts(stack, me):
    """One without a date is not the last one."""
    text = HEADER + HEAT + "22/11/2025,Heat,1995,u,1\n"
    report = imported(me, "ratings.csv", text)["report"]
    assert report["notes"]["bad_date"] == 1
    assert holdings(stack, "ana")["ratings"] == {"heat": 5}


def test_long_texts(stack, me):
    head = ("Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,"
            "Watched Date\n")
    reviews = head + f"2020-01-02,Heat,1995,u,4,,{'x' * 10001},,\n" \
        + f"2020-01-02,Volver,2006,u,4,,{'y' * 10000},,\n" \
        + "2020-01-02,Amelie,2001,u,4,,\"  <i></i> \",,\n"
    films = "Date,Name,Tags,URL,Description\n2020-01-01,{},,u,{}\n" \
            "Position,Name,Year,URL,Description\n1,Heat,1995,u,\n"
    lists = {f"lists/{i}.csv": "Letterboxd list export v7\n"
             + films.format(*texts) for i, texts in enumerate([
                 ("n" * 200, "d" * 20000), ("Same", ""), ("same", ""),
                 ("日本", ""), ("watchlist", ""), ("  ", "")])}
    report = imported(me, "l.zip", zipped({
        "reviews.csv": reviews, "watchlist.csv":
        "Date,Name,Year,Letterboxd URI\n2020-01-02,Heat,1995,u\n",
        **lists}))["report"]
    assert report["skipped"]["by_reason"] == {"too_long": 1}
    assert report["notes"]["cut"] == 1
    stored = holdings(stack, "ana")
    assert [r[0] for r in stored["reviews"]] == ["volver"]
    assert len(stored["ratings"]) == 3
    assert len(stored["lists"]) == 7
    assert {x[1] for x in stored["lists"].values()} == {"R"}
    assert {"same", "same-2", "watchlist", "watchlist-2", "list",
            "n" * 120} < set(stored["lists"])
    assert len(stored["lists"]["n" * 120][0]) == 128


def test_a_folder_around_the_files(stack, me):
    name, data = inputs("letterboxd")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {f"letterboxd-me/{n}": archive.read(n)
                 for n in archive.namelist()}
    files["__MACOSX/letterboxd-me/._ratings.csv"] = b"\0\5\x16\7"
    body = imported(me, "again.zip", zipped(files))
    expected = json.loads((FOLDER / "letterboxd/expected.json").read_text())
    assert body["report"]["counts"] == expected["report"]["counts"]


def test_mxmctl(stack, me, tmp_path):
    name, data = inputs("imdb")
    path = tmp_path / name
    path.write_bytes(data)
    done = stack.ctl(f"user import ana {path}")
    assert "ratings.csv:3: skipped: not a film" in done.stderr
    assert "skipped, not a film: 1 (people.csv:2)\n" in done.stdout
    assert "skipped, not a film: 5 (ratings.csv:3-11)\n" in done.stdout
    assert any(line.split() == ["ratings", "12", "4", "0", "0", "8"]
               for line in done.stdout.splitlines()), done.stdout
    assert stack.ctl(f"user import --strict ana {path}",
                     check=False).returncode == 1
    head = "Date,Name,Tags,URL,Description\n"
    path.write_bytes(zipped({
        "ratings.csv": HEADER + HEAT.replace("2020-01-02", "12/31/2019") * 3
        + HEAT.replace("2020", "2099"), "likes/films.csv": HEADER + HEAT * 2,
        "lists/a.csv": f"Letterboxd list export v7\n{head}2020,{'n' * 300},,,\n",
        "lists/b.csv": "Letterboxd list export v7\n", "x.txt": ""}))
    done = stack.ctl(f"user import --strict ana {path}", check=False)
    assert done.returncode == 1
    assert "dropped, bad date: 4 (ratings.csv:2-5)\n" in done.stdout
    assert "adjusted, name or description of a list cut: 1 (lists)\n" \
        in done.stdout
    assert done.stderr == ("likes/films.csv: not used: 2 records\n"
                           "lists/b.csv: not used\nx.txt: not used\n")
    path.write_bytes(b"x")
    done = stack.ctl(f"user import ana {path}", check=False)
    assert done.returncode == 65 and done.stderr.endswith(
        "nothing was changed\n")
    done = stack.ctl("user import ana /nowhere", check=False)
    assert done.returncode == 66
