# SPDX-License-Identifier: GPL-3.0-or-later
"""mxmctl export and mxmctl import site: another site with equal answers."""

import gzip
import json
import re
import signal
import subprocess

import pytest

import stack as stack_module
import world
from client import Client
from every_row import Table
from place import Place
from stack import OWNER, Stack
from test_image import sanitized

EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_CANTCREAT = 64, 65, 66, 73
ORIGIN = "https://movies.example.org"

# Tables of the schema that are not exported, and why.
NOT_EXPORTED = {
    "account_find": "computed", "account_gram": "computed",
    "movie_find": "computed", "person_find": "computed",
    "change": "clients start over", "change_head": "clients start over",
    "session": "users log in again", "code": "requested again",
    "password_request": "requested again", "export": "built again",
    "history": "reports of imports",
    "job": "work of the other site", "touch": "of its cache",
    "model": "trained again", "model_chunk": "trained again",
    "emoji": "part of the schema", "migration": "part of the schema",
}
# Columns that are computed, or belong to work that is not finished.
COMPUTED = {"rating_sum", "rating_count", "stars_1", "stars_2", "stars_3",
            "stars_4", "stars_5", "score", "modelled", "title_fold",
            "name_fold", "search_fold", "source", "job_id"}

# Rows in the tables that the world "catalogue" leaves empty, and what is deleted.
MORE = """
INSERT INTO provider_link (provider, subject, user_id)
SELECT 'google', '42', id FROM account WHERE username = 'ana';
INSERT INTO follow (user_id, person_id)
SELECT a.id, p.id FROM account AS a, person AS p WHERE a.username = 'ana'
    ON CONFLICT DO NOTHING;
INSERT INTO account_platform (user_id, platform_id)
SELECT a.id, p.id FROM account AS a, platform AS p WHERE a.username = 'bob'
    ON CONFLICT DO NOTHING;
INSERT INTO movie_source (source, key, movie_id)
SELECT 'imdb', 'tt' || id, id FROM movie;
INSERT INTO friend_request (from_user_id, to_user_id)
SELECT a.id, b.id FROM account AS a, account AS b
 WHERE a.username = 'fay' AND b.username = 'ana'
    ON CONFLICT DO NOTHING;
INSERT INTO unseen (user_id, movie_id)
SELECT a.id, m.id FROM account AS a, movie AS m
 WHERE a.username = 'ana' AND m.slug = 'volver'
    ON CONFLICT DO NOTHING;
INSERT INTO person_translation (person_id, language, biography)
SELECT id, 'de', 'Aus New York.' FROM person;
INSERT INTO person_source (source, key, person_id)
SELECT 'imdb', 'nm' || id, id FROM person;
INSERT INTO trend (movie_id, place)
SELECT id, row_number() OVER (ORDER BY id DESC) FROM live_movie;
INSERT INTO review (user_id, movie_id, title, content, is_positive, deleted_at)
SELECT a.id, m.id, E'tab\\t and \\\\ "quotes"', E'line\\r\\n\\\\N \u2060<b>', true,
       NULL
  FROM account AS a, movie AS m
 WHERE a.username = 'carla' AND m.slug = 'volver'
    ON CONFLICT DO NOTHING;
INSERT INTO comment (user_id, review_id, content)
SELECT a.id, r.id, 'Yes \U0001f3ac'
  FROM account AS a, live_review AS r WHERE a.username = 'bob';
INSERT INTO comment (user_id, review_id, reply_comment_id, content)
SELECT a.id, c.review_id, c.id, 'Reply'
  FROM account AS a, live_comment AS c WHERE a.username = 'ana';
INSERT INTO reaction (user_id, review_id, emoji)
SELECT a.id, r.id, 'PARTY'
  FROM account AS a, live_review AS r WHERE a.username = 'bob'
    ON CONFLICT DO NOTHING;
INSERT INTO reaction (user_id, comment_id, emoji)
SELECT a.id, c.id, 'TOP'
  FROM account AS a, live_comment AS c WHERE a.username = 'carla'
    ON CONFLICT DO NOTHING;
UPDATE account SET staff = true WHERE username = 'carla';
INSERT INTO audit (user_id, origin, kind, thing_id, label, action, before, after)
SELECT id, 'api', 'movie', 2, 'Heat', 'edit', '{"title": "A", "slug": "b"}',
       '{"title": "B", "slug": "b"}' FROM account WHERE username = 'carla';
-- of two megabytes
INSERT INTO audit (origin, kind, thing_id, label, action, before, after)
SELECT 'mxmctl', 'list', 1, 'Sunday', 'edit',
       json_build_object('movies', json_agg('movie-' || i || repeat('x', 200))),
       '{"movies": []}' FROM generate_series(1, 10000) AS i;
UPDATE rating SET deleted_at = now() WHERE id = (SELECT max(id) FROM rating);
INSERT INTO translation (digest, language, author_id, text)
SELECT sha256('a'), 'es', id, 'Sí' FROM account WHERE username = 'ana';
INSERT INTO movielist (user_id, name, slug, privacity, deleted_at)
SELECT id, 'Gone', 'gone', 'F', now() FROM account WHERE username = 'ana';
INSERT INTO movielist_movie (movielist_id, movie_id)
SELECT l.id, m.id FROM movielist AS l, movie AS m ORDER BY l.id, m.id DESC
    ON CONFLICT DO NOTHING;
"""


@pytest.fixture(scope="module")
def stack(cluster):
    name, fill = world.template(cluster, "catalogue")

    def more(database):
        fill(database)
        cluster.sql(MORE, None, database, OWNER)

    with Stack(cluster, {"public_origin": ORIGIN}, ("site", more),
               jobs=False) as made:
        yield made


@pytest.fixture(scope="module")
def exported(stack, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "all"
    stack.ctl(["export", "--with-passwords", folder])
    return folder


@pytest.fixture(scope="module")
def empty(cluster, tmp_path_factory):
    """For imports that fail."""
    made = Place(cluster, tmp_path_factory.mktemp("empty"))
    yield made
    cluster.drop(made.database)


def tables(cluster, database):
    return {r[0] for r in cluster.sql(
        "SELECT relname FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace = 'public'::regnamespace", None, database)}


def content(cluster, database):
    """All rows of the exported tables."""
    return {t: cluster.sql(f"SELECT to_jsonb(t)::text FROM {t} AS t ORDER BY 1",
                           None, database)
            for t in tables(cluster, database) - NOT_EXPORTED.keys()}


def answers(stack):
    """Every answer that is read: anonymously, by a user, by staff."""
    paths = Table(stack).read_paths()
    found = {}
    for who in (None, "ana", "carla"):
        client = Client(stack)
        if who:
            client.login(who, world.PASSWORD)
        for key, path in paths:
            if "/sessions/" in key:
                continue  # of the log-in
            r = client.get(path)
            found[who, path] = (r.status_code, without_chance(r))
    return found


def without_chance(r):
    """The body. Request ids are random, and clients start over to read changes."""
    text = re.sub(r'"(request_id|next_since)": ?"[^"]*"', '"x":0', r.text)
    return json.loads(text) if "json" in r.headers["Content-Type"] else text


def test_equal_answers(cluster, stack, exported):
    before = answers(stack)
    assert sum(status == 200 for status, _ in before.values()) > 200
    with Stack(cluster, {"public_origin": ORIGIN}, jobs=False) as other:
        done = other.ctl(["import", "site", exported, "--json"])
        counts = json.loads(done.stdout)["counts"]
        assert {k for k, c in counts.items()
                if not c["read"] == c["added"] > 0} == set()
        rows = content(cluster, stack.database)
        assert all(rows.values()), [t for t, r in rows.items() if not r]
        assert content(cluster, other.database) == rows
        after = answers(other)
        assert {k: v for k, v in after.items() if before[k] != v} == {}
        # the next ids are free
        for table in ("review", "movie", "account"):
            assert other.sql(f"SELECT nextval(pg_get_serial_sequence('{table}',"
                             f" 'id')) > max(id) FROM {table}") == [(True,)]
        again = other.ctl(["import", "site", exported], check=False)
        assert again.returncode == EX_DATAERR and "not empty" in again.stderr


def test_files(stack, exported, tmp_path):
    """One file a kind, for the owner only, without hashes unless asked for."""
    assert {p.stat().st_mode & 0o777 for p in exported.iterdir()} == {0o600}
    assert exported.stat().st_mode & 0o777 == 0o700
    manifest = json.loads((exported / "manifest.json").read_text())
    assert manifest["passwords"] is True
    for kind, lines in manifest["lines"].items():
        text = (exported / f"{kind}.jsonl").read_text()
        assert len([json.loads(line) for line in text.splitlines()]) == lines
    assert len(list(exported.iterdir())) == len(manifest["lines"]) + 1
    stack.ctl(["export", "--kind", "accounts", "--kind", "genres",
               tmp_path / "some"])
    assert {p.name for p in (tmp_path / "some").iterdir()} == {
        "manifest.json", "accounts.jsonl", "genres.jsonl"}
    accounts = (tmp_path / "some/accounts.jsonl").read_text()
    assert {json.loads(line)["password"] for line in accounts.splitlines()} == {
        "!"}
    assert "$argon2" in (exported / "accounts.jsonl").read_text()
    full = stack.ctl(["export", tmp_path / "some"], check=False)
    assert full.returncode == EX_CANTCREAT and "not empty" in full.stderr
    typo = stack.ctl(["export", "--kind", "nope", tmp_path / "typo"], check=False)
    assert typo.returncode == EX_USAGE and "persons genres" in typo.stderr
    assert not (tmp_path / "typo").exists()
    public = stack.ctl(["export", stack.media / "x"], check=False)
    assert public.returncode == EX_CANTCREAT and "media_root" in public.stderr
    assert not (stack.media / "x").exists()


@pytest.fixture
def copy(exported, tmp_path):
    """Another export, to be damaged."""
    subprocess.run(["cp", "-r", exported, tmp_path / "copy"], check=True)
    return tmp_path / "copy"


# The second line, up to a member.
SECOND = r"(\A.*\n.*?)"


@pytest.mark.parametrize("name, change, status, message", [
    ("manifest.json", None, EX_NOINPUT, "the export is incomplete"),
    ("manifest.json", (r'"format":1', '"format":9'), EX_DATAERR,
     "not the manifest"),
    ("manifest.json", (r'"schema":\d+', '"schema":99999'), EX_DATAERR,
     "newer version"),
    ("ratings.jsonl", None, EX_NOINPUT, "ratings.jsonl: No such file"),
    ("ratings.jsonl", (r"\A.*\n", ""), EX_DATAERR, "as the manifest says"),
    ("genres.jsonl", (r"\A{", ""), EX_DATAERR, "genres.jsonl:1: "),
    ("ratings.jsonl", (SECOND + r'"rating":\d', r'\1"rating":9'), EX_DATAERR,
     "ratings.jsonl:2: does not fit the rule rating_range; nothing"),
    ("ratings.jsonl", (r'"rating":', '"stars":'), EX_DATAERR,
     "ratings.jsonl:2: has other members than the first line"),
    ("comments.jsonl", (SECOND + r'"review_id":\d+', r'\1"review_id":99999'),
     EX_DATAERR, "comments.jsonl:2: review_id 99999 is not there; nothing"),
    ("movies.jsonl", (SECOND + r'"slug":"[^"]*"', r'\1"slug":null'), EX_DATAERR,
     "movies.jsonl:2: slug is missing; nothing"),
    ("movies.jsonl", (SECOND + r'"slug":"[^"]*"', r'\1"slug":"../x"'), EX_DATAERR,
     "movies.jsonl:2: slug is not a slug"),
    ("movies.jsonl", (SECOND + r'"title":"[^"]*"', r'\1"title":[1]'), EX_DATAERR,
     "movies.jsonl:2: title is not a text"),
    ("movies.jsonl", (SECOND + r'"genres":\[[^]]*\]', r'\1"genres":{}'), EX_DATAERR,
     "movies.jsonl:2: genres is not a list of objects"),
    ("movies.jsonl", (SECOND + r'"genres":\[[^]]*\]',
                      r'\1"genres":[{"genre_id":99}]'), EX_DATAERR,
     "movies.jsonl:2: genre_id 99 is not there; nothing"),
    ("movies.jsonl", (r'"id":(\d+),(.*\n.*)"id":\d+,', r'"id":\1,\2"id":\1,'),
     EX_DATAERR, "is that of another line; nothing"),
    ("ratings.jsonl", (SECOND + r'"created_at":"[^"]*"',
                       r'\1"created_at":"infinity"'), EX_DATAERR,
     "ratings.jsonl:2: created_at is not a date"),
    ("movies.jsonl", (SECOND + r'"release_date":[^,]*',
                      r'\1"release_date":"2001-02-30"'), EX_DATAERR,
     'movies.jsonl:2: date/time field value out of range: "2001-02-30"; nothing'),
    ("accounts.jsonl", (SECOND + r'"password":"[^"]*"', r'\1"password":"plain"'),
     EX_DATAERR, "accounts.jsonl:2: password is not a hash; nothing"),
    ("accounts.jsonl", (SECOND + r'"username":"[^"]*"', r'\1"username":"a b"'),
     EX_DATAERR, "accounts.jsonl:2: does not fit the rule account_username_"),
])
def test_damaged(empty, copy, name, change, status, message):
    path = copy / name
    if change is None:
        path.unlink()
    else:
        text, n = re.subn(*change, path.read_text(), count=1)
        assert n == 1
        path.write_text(text)
    done = stack_module.ctl(empty.conf, ["import", "site", copy], check=False)
    assert (done.returncode, message in done.stderr) == (status, True), \
        done.stderr
    assert empty.one("SELECT count(*) FROM person") == 0


def test_dry_run(empty, exported):
    stack_module.ctl(empty.conf, ["import", "site", "--dry-run", exported])
    assert empty.one("SELECT count(*) FROM person") == 0


@pytest.mark.skipif(sanitized(), reason="a sanitizer uses more memory")
@pytest.mark.parametrize("size, status, message", [
    (40, 0, "dry run, nothing was changed"),
    (70, EX_DATAERR, "genres.jsonl:1: longer than 64 MiB")])
def test_long_lines_in_bounded_memory(empty, copy, size, status, message):
    genre = json.loads((copy / "genres.jsonl").read_text().splitlines()[0])
    text = json.dumps({**genre, "ignored": "x" * (size << 20)})
    (copy / "genres.jsonl").write_bytes(gzip.compress(text.encode(), 1))
    (copy / "manifest.json").write_text(json.dumps({
        **json.loads((copy / "manifest.json").read_text()),
        "lines": {"genres": 1}}))
    done = subprocess.run(
        ["/usr/bin/prlimit", f"--data={110 << 20}",
         str(stack_module.BUILD / "mxmctl"), "--config", str(empty.conf),
         "import", "site", "--dry-run", str(copy)], capture_output=True, text=True,
        env={**stack_module.environment(), "OPENBLAS_NUM_THREADS": "1"})
    assert (done.returncode, message in done.stderr) == (status, True), \
        done.stderr[:1000]


def test_interrupted(cluster, stack, tmp_path):
    """Nothing is left of an export that a signal ends: it waits for a lock."""
    connection = cluster.connect(stack.database, OWNER)
    connection.autocommit = False
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE trend")
        process = subprocess.Popen(
            [str(stack_module.BUILD / "mxmctl"), "--config", str(stack.conf),
             "export", str(tmp_path / "x")], stderr=subprocess.PIPE, text=True,
            env=stack_module.environment())
        stack_module.wait_until(
            lambda: cluster.sql("SELECT 1 FROM pg_locks WHERE NOT granted AND"
                                " relation = 'trend'::regclass", None,
                                stack.database), "the export waits")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    connection.close()
    assert process.returncode == 128 + signal.SIGTERM, err
    assert not (tmp_path / "x").exists()


def test_every_table(cluster, stack, exported):
    """A new table or column is exported, or it is said why not."""
    found = tables(cluster, stack.database)
    assert NOT_EXPORTED.keys() <= found
    text = (stack_module.ROOT / "sql/site.sql").read_text()
    loaded = re.findall(r"^ +\('(\w+)', (?:NULL|'(\w+)'), '(\w+)', ", text, re.M)
    assert found - NOT_EXPORTED.keys() == {target for *_, target in loaded}
    missing = set()
    for kind, member, target in loaded:
        if not member:
            with open(exported / f"{kind}.jsonl", encoding="utf-8") as lines:
                keys = json.loads(next(lines)).keys()
            missing |= {(target, name) for name, in cluster.sql(
                "SELECT attname FROM pg_attribute WHERE attnum > 0 AND NOT"
                f" attisdropped AND attrelid = '{target}'::regclass", None,
                stack.database) if name not in keys}
    assert {column for _, column in missing} == COMPUTED, missing
