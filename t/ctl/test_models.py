# SPDX-License-Identifier: GPL-3.0-or-later
"""mxmctl recommend show, rollback, export and import, and the model in mxmctl
status: exact round trips, errors with file and line, and no partial results
after an interruption."""

import json
import os
import resource
import signal
import struct
import subprocess

import pytest

import models
import stack as stack_module
from life import transaction, wait_for_lock
from models import csv_text, made_up, publish, read_csv, version_of

WORLD = "catalogue"
STACK = {"jobs": False}

EX_USAGE, EX_DATAERR, EX_NOINPUT = 64, 65, 66
EX_UNAVAILABLE, EX_CANTCREAT = 69, 73

MOVIES = range(1, 16)  # alive; 16 is deleted
NOTHING = "nothing was published"


@pytest.fixture(autouse=True)
def no_models(stack):
    """Each test begins without any, and ends without traces."""
    stack.sql("DELETE FROM model")
    (stack.base / "model").unlink(missing_ok=True)


def recommend(stack, *args, status=0):
    done = stack.ctl(["recommend", *args], check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def write(stack, name, text):
    path = stack.base / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def import_text(stack, text, *args, status=0):
    path = write(stack, "in.txt", text)
    return recommend(stack, "import", "--items", path, *args, status=status)


def export(stack, *args):
    path = stack.base / "out.txt"
    recommend(stack, "export", "--items", path, *args)
    text = path.read_text()
    path.unlink()
    return text


def versions(stack):
    return [r[0] for r in stack.sql("SELECT version FROM model ORDER BY 1")]


def no_leftovers(stack):
    return not list(stack.base.glob(".*.part"))


def fetch(stack):
    done = subprocess.run([stack_module.BUILD / "mxm-jobs", "--config",
                           stack.conf, "--once"], capture_output=True,
                          text=True, env=stack_module.environment())
    assert done.returncode == 0, done.stderr


# ------------------------------------------------------------ there and back

HARD = [0.1, -0.3, 1e-30, 1.17549435e-38, 1.4e-45, 16777217.0, -0.0,
        3.4e18, 1 / 3, 123456.789]


def test_there_and_back(stack):
    factors = made_up(MOVIES, 10)
    factors[7] = [models.single(x) for x in HARD]
    import_text(stack, csv_text(factors))
    first = export(stack)
    assert read_csv(first) == factors
    import_text(stack, first)
    assert export(stack) == first
    lines = export(stack, "--format", "json")
    for line in lines.splitlines():
        row = json.loads(line)
        assert list(row) == ["id", "features"]
        assert [models.single(x) for x in row["features"]] == \
            factors[row["id"]]
    import_text(stack, lines)
    assert export(stack) == first
    assert versions(stack) == [1, 2, 3]
    assert no_leftovers(stack)


@pytest.mark.parametrize("change", [
    lambda t: t.partition("\n")[2],                      # no header
    lambda t: t.replace("\n", "\r\n"),
    lambda t: "\ufeff" + t,
    lambda t: "\ufeff" + t.partition("\n")[2],
    lambda t: t.replace("\n", "\n\n"),
    lambda t: t.rstrip("\n"),
    lambda t: t.replace(",", " , "),
    lambda t: t.partition("\n")[0] + "\n" + "".join(
        sorted(t.partition("\n")[2].splitlines(True), reverse=True)),
], ids=["bare", "crlf", "mark", "bare-mark", "blank", "open", "spaced",
        "unsorted"])
def test_forms_of_csv(stack, change):
    factors = made_up(MOVIES)
    import_text(stack, change(csv_text(factors)))
    assert read_csv(export(stack)) == factors


@pytest.mark.parametrize("form", [
    '{"id":%d,"features":[%s]}', '{"features":[%s],"id":%d}',
    ' { "id" : %d , "features" : [ %s ] } ',
], ids=["spark", "other-order", "spaced"])
def test_forms_of_json(stack, form):
    factors = made_up(MOVIES)
    lines = [form.replace("%d", str(i)).replace(
        "%s", ",".join(map(repr, row))) for i, row in factors.items()]
    import_text(stack, "\n".join(lines))
    assert read_csv(export(stack)) == factors


def spark_folder(stack, name="itemFactors", **more):
    folder = stack.base / name
    folder.mkdir(exist_ok=True)
    factors = made_up(MOVIES)
    parts = {"part-00000-7c.json": "", "_SUCCESS": "", "._SUCCESS.crc": "crc",
             ".part-00000-7c.json.crc": "crc", "part-00001-7c.json.crc": "x"}
    for k in range(3):
        parts[f"part-0000{k + 1}-7c.json"] = "".join(
            json.dumps({"id": i, "features": row}) + "\n"
            for i, row in factors.items() if i % 3 == k)
    parts.update(more)
    for part, text in parts.items():
        (folder / part).write_text(text)
    return folder, factors


def test_a_folder_of_spark(stack):
    folder, factors = spark_folder(stack)
    done = recommend(stack, "import", "--items", folder, "--json")
    assert json.loads(done.stdout) == {"version": 1, "movies": 15,
                                       "factors": 8, "left_out": 0}
    assert read_csv(export(stack)) == factors
    assert stack.value("SELECT quality FROM model") == {"source": "import"}


@pytest.mark.parametrize("part, text, said", [
    ("part-9.json.gz", "x", "part-9.json.gz: neither .json nor .csv"),
    ("part-9.json", '{"id": 3, "features": [1,2,3,4,5,6,7,8]}',
     "part-9.json:1: id 3 is a duplicate of "),
    ("part-9.json", '\n{"id": 99, "features": [1]}',
     "part-9.json:2: 1 factors, where the rows before have 8"),
])
def test_a_bad_part(stack, part, text, said):
    folder, _ = spark_folder(stack, "bad")
    (folder / part).write_text(text)
    done = recommend(stack, "import", "--items", folder, status=EX_DATAERR)
    assert said in done.stderr and NOTHING in done.stderr
    (folder / part).unlink()
    assert versions(stack) == []


def test_an_empty_folder(stack):
    folder = stack.base / "hollow"
    folder.mkdir()
    for name in ("_SUCCESS", ".part-0.json.crc"):
        (folder / name).touch()
    done = recommend(stack, "import", "--items", folder, status=EX_DATAERR)
    assert "no part-*.json" in done.stderr


def test_what_is_no_movie_is_left_out(stack):
    factors = made_up([*MOVIES, 16, 17, 1 << 40, -5])
    done = import_text(stack, csv_text(factors))
    assert "4 of 19 ids are not in the catalogue" in done.stderr
    assert read_csv(export(stack)) == {i: factors[i] for i in MOVIES}
    done = import_text(stack, csv_text(made_up([16, 17])), status=EX_DATAERR)
    assert "none of its 2 ids" in done.stderr and NOTHING in done.stderr
    assert versions(stack) == [1]


GOOD = "1,0.5,0.25\n"


@pytest.mark.parametrize("text, said", [
    ("", "there are no factors in it"),
    ("id,f1,f2\n", "there are no factors in it"),
    ("1\n", ":1: there are no factors"),
    ('{"id": 1, "features": []}', ":1: there are no factors"),
    (GOOD + "2,0.5\n", ":2: 1 factors, where the rows before have 2"),
    (GOOD + "2,0.5,1,2\n", ":2: 3 factors, where the rows before have 2"),
    (GOOD + "\n\n1,1,1\n", ":4: id 1 is a duplicate of "),
    ("2,1,1\n" + GOOD + "2,1,1\n", ":3: id 2 is a duplicate of "),
    ("id,f1,f2\n" + GOOD + "2,nan,1\n", ":3: a factor is not a number"),
    (GOOD + "2,1,NaN\n", ":2: a factor is not a number"),
    (GOOD + "2,inf,1\n", ":2: a factor is not a number"),
    (GOOD + "2,-Infinity,1\n", ":2: a factor is not a number"),
    (GOOD + "2,1e39,1\n", ":2: a factor is not a number"),
    (GOOD + "2,0x10,1\n", ":2: a factor is not a number"),
    (GOOD + "2,1-2,1\n", ":2: a factor is not a number"),
    (GOOD + "2,,1\n", ":2: a factor is not a number"),
    (GOOD + "2,1,1,\n", ":2: a factor is not a number"),
    (GOOD + "2,1;1\n", ":2: comma-separated numbers are expected"),
    (GOOD + "2.5,1,1\n", ":2: the id is not a whole number"),
    (GOOD + "x,1,1\n", ":2: the id is not a whole number"),
    (GOOD + "99999999999999999999,1,1\n", ":2: the id is not a whole number"),
    (GOOD + "2,1,1\0\n", ":2: there is a NUL byte"),
    ("1" + ",1" * 1025, ":1: there are too many factors"),
    ("1," + "1" * 70000, ":1: the line is too long"),
    ("[1]", ":1: one object per line is expected, not a list of all"),
    ("[" + "{" * 70000, ":1: one object per line is expected, not a list"),
    ('{"id": 1}', '"id" and "features" are expected, once each'),
    ('{"features": [1]}', '"id" and "features" are expected, once each'),
    ('{"id": 1, "id": 1, "features": [1]}', "once each"),
    ('{"id": 1, "features": [1], "x": 1}', "once each"),
    ('{"id": "1", "features": [1]}', "the id is not a whole number"),
    ('{"id": 1.0, "features": [1]}', "the id is not a whole number"),
    ('{"id": 1, "features": 1}', "the features are not a list"),
    ('{"id": 1, "features": [1', "the list of features does not end"),
    ('{"id": 1, "features": [1]', "the object does not end"),
    ('{"id": 1, "features": [1]} x', "the object does not end"),
    ('{"id": 1, "features": ["NaN"]}', "a factor is not a number"),
    ('{"id": 1, "features": [NaN]}', "a factor is not a number"),
    ('{"id": 1, "features": [1]}\n1,1\n', ":2: one object per line"),
    ('[{"id": 1, "features": [1]}]', ":1: one object per line is expected, "
                                     "not a list"),
    (' [\n{"id": 1, "features": [1]}\n]\n', ":1: one object per line"),
    (b"\xff\xfe\x00garbage", "NUL byte"),
])
def test_what_is_refused(stack, text, said):
    publish(stack)
    done = import_text(stack, text, status=EX_DATAERR)
    assert said in done.stderr and NOTHING in done.stderr, done.stderr
    assert f"{stack.base}/in.txt" in done.stderr
    assert versions(stack) == [1]


def test_factors_whose_products_are_no_numbers(stack):
    done = import_text(stack, "1,1e30,1\n2,1e30,1\n", status=EX_DATAERR)
    assert "so large" in done.stderr and NOTHING in done.stderr
    assert versions(stack) == []


def test_the_format_may_be_said(stack):
    text = '{"id": 1, "features": [1]}\n'
    import_text(stack, text, "--format", "json")
    import_text(stack, text, "--format", "csv", status=EX_DATAERR)
    import_text(stack, GOOD, "--format", "json", status=EX_DATAERR)
    import_text(stack, GOOD, "--format", "xml", status=EX_USAGE)


def test_command_lines(stack):
    for args in (["import"], ["import", "--items"], ["export"],
                 ["export", "--set", "factors=2"],
                 ["show", "--items", "x"], ["rollback", "now"]):
        recommend(stack, *args, status=EX_USAGE)
    for path in ("/nowhere/at/all", ""):
        recommend(stack, "import", "--items", path, status=EX_NOINPUT)


# ------------------------------------------------------- members' factors

STARS = {1: -0.2, 2: 0.1, 3: 0.4, 4: 0.8, 5: 1.2}


RATERS = (2, 3, 6)


def folded(stack, user, factors, regularization=0.01, unobserved=0.1):
    """A user's own factors, plus the mean factors by the number of ratings."""
    numpy = pytest.importorskip("numpy", reason="python3-numpy is needed")
    own = {u: alone(stack, numpy, u, factors, regularization, unobserved)
           for u in RATERS}
    rated = stack.value("SELECT count(*) FROM live_rating WHERE user_id = %s",
                        [user])
    mean = numpy.mean(list(own.values()), axis=0)
    return own[user] + 0.6 * 2 ** -(rated / 12) ** 2 * mean


def alone(stack, numpy, user, factors, regularization, unobserved):
    """The factors of a user, computed independently."""
    rated = stack.sql("SELECT movie_id, rating FROM live_rating "
                      "WHERE user_id = %s ORDER BY created_at, id", [user])
    y = numpy.array(list(factors.values()))
    width = y.shape[1]
    a = unobserved * y.T @ y
    b = numpy.zeros(width)
    known = 0
    for place, (movie, stars) in enumerate(rated):
        if movie not in factors:
            continue
        known += 1
        row = numpy.array(factors[movie])
        back = len(rated) - 1 - place
        a += numpy.outer(row, row)
        b += STARS[stars] * (0.3 + 0.7 * 2 ** (-back / 10)) * row
    a += regularization * (known + unobserved * len(y)) * numpy.eye(width)
    return numpy.linalg.solve(a, b)


@pytest.mark.parametrize("form", ["csv", "json"])
def test_members(stack, form):
    """Bob, carla and fay have rated; so has user "gone", who is not active."""
    stack.sql("INSERT INTO rating (user_id, movie_id, rating) "
              "VALUES (8, 1, 5) ON CONFLICT DO NOTHING")
    factors = made_up([i for i in MOVIES if i != 9], 6)
    import_text(stack, csv_text(factors), "--set", "regularization=0.05",
                "--set", "unobserved=0.2")
    items, users = stack.base / "items", stack.base / "users"
    done = recommend(stack, "export", "--items", items, "--users", users,
                     "--format", form, "--json")
    assert json.loads(done.stdout) == {"version": 1, "movies": 14,
                                       "factors": 6}
    if form == "csv":
        found = read_csv(users.read_text())
        assert read_csv(items.read_text()) == factors
    else:
        rows = map(json.loads, users.read_text().splitlines())
        found = {row["id"]: row["features"] for row in rows}
    assert list(found) == [*RATERS]
    for user, row in found.items():
        assert row == pytest.approx(folded(stack, user, factors, 0.05, 0.2),
                                    rel=1e-3, abs=1e-5)
    stack.sql("DELETE FROM rating WHERE user_id = 8")


def test_many_members(stack):
    """More than are folded in at a time."""
    stack.sql("INSERT INTO account (id, username, email) "
              "SELECT i, 'many' || i, 'many' || i || '@example.org' "
              "FROM generate_series(1000, 2203) AS i")
    try:
        stack.sql("INSERT INTO rating (user_id, movie_id, rating) "
                  "SELECT i, 1 + i % 15, 1 + i % 5 "
                  "FROM generate_series(1000, 2203) AS i")
        publish(stack)
        path = stack.base / "users"
        recommend(stack, "export", "--users", path)
        found = read_csv(path.read_text())
        assert list(found) == [*RATERS, *range(1000, 2204)]
    finally:
        stack.sql("DELETE FROM rating WHERE user_id >= 1000")
        stack.sql("DELETE FROM account WHERE id >= 1000")


def test_genres_are_ours(stack):
    """The model has genres, which are not in the imported factors."""
    publish(stack)
    fetch(stack)
    count, = struct.unpack_from("<I", (stack.base / "model").read_bytes(),
                                models.VERSION_AT + 32)
    assert count == stack.value(
        "SELECT count(DISTINCT genre_id) FROM movie_genre AS mg "
        "JOIN live_movie AS m ON m.id = mg.movie_id")


def test_settings_of_training_count(stack):
    stack.configure(recommend_tuning="regularization=0.5  unobserved=0.2")
    try:
        factors = made_up(MOVIES, 4)
        path = stack.base / "users"
        import_text(stack, csv_text(factors))
        recommend(stack, "export", "--users", path)
        assert read_csv(path.read_text())[2] == pytest.approx(
            folded(stack, 2, factors, 0.5, 0.2), rel=1e-3, abs=1e-5)
        import_text(stack, csv_text(factors), "--set", "regularization=0.02")
        recommend(stack, "export", "--users", path)
        assert read_csv(path.read_text())[2] == pytest.approx(
            folded(stack, 2, factors, 0.02, 0.2), rel=1e-3, abs=1e-5)
    finally:
        stack.configure(recommend_tuning="")


# ------------------------------------------------------- show and rollback

def show(stack):
    return json.loads(recommend(stack, "show", "--json").stdout)


def test_show(stack):
    assert "no model has been published" in recommend(stack, "show").stdout
    assert show(stack)["models"] == []
    for _ in range(4):
        publish(stack)
    recommend(stack, "rollback")
    fetch(stack)
    got = show(stack)
    assert got["in_force"] == 3
    assert [(m["version"], m["state"], m["here"]) for m in got["models"]] == [
        (4, "withdrawn", False), (3, "in force", True), (2, "superseded", False)]
    assert got["here"]["version"] == 3 and got["here"]["movies"] == 15
    assert got["here"]["file"] == str(stack.base / "model")
    assert got["here"]["checksum"] == got["models"][1]["checksum"]
    for model in got["models"]:
        assert model["quality"] == {"source": "import"}
        assert 0 <= model["age_seconds"] < 600
        assert model["size"] > 4096
    text = recommend(stack, "show").stdout
    assert "in force, served here" in text and "withdrawn" in text
    assert "serves from model 3" in text and "not fetched" not in text
    publish(stack)
    assert "not fetched model 5 yet" in recommend(stack, "show").stdout
    stack.sql("UPDATE model SET quality = '{\"NDCG@100\": {\"mean\": 0.261}}'"
              " WHERE version = 5")
    assert " 0.2610 " in recommend(stack, "show").stdout


def test_show_what_is_no_good(stack):
    publish(stack)
    assert "there is none" in recommend(stack, "show").stdout
    (stack.base / "model").write_bytes(b"x" * 5000)
    assert "it is not a model" in recommend(stack, "show").stdout
    here = show(stack)["here"]
    assert here["version"] is None and here["error"] == "it is not a model"


def test_rollback(stack):
    done = recommend(stack, "rollback", status=EX_UNAVAILABLE)
    assert "no model has been published" in done.stderr
    publish(stack)
    done = recommend(stack, "rollback", status=EX_UNAVAILABLE)
    assert "no model before" in done.stderr
    assert show(stack)["in_force"] == 1
    publish(stack)
    assert "model 1 is in force" in recommend(stack, "rollback").stdout
    publish(stack)
    assert versions(stack) == [1, 2, 3], "2 is never given again"
    done = recommend(stack, "rollback", "--json")
    assert json.loads(done.stdout) == {"in_force": 1}


def corrupt(stack, version):
    stack.sql("UPDATE model_chunk SET payload = overlay(payload placing "
              "'\\x55' from 4200) WHERE model_id = "
              "(SELECT id FROM model WHERE version = %s)", [version])


def test_corrupt_in_the_database(stack):
    publish(stack)
    corrupt(stack, 1)
    for args in (["export", "--items", stack.base / "out"],):
        done = recommend(stack, *args, status=EX_DATAERR)
        assert "checksum does not match" in done.stderr
    assert not (stack.base / "out").exists()
    publish(stack)
    done = recommend(stack, "rollback", status=EX_DATAERR)
    assert "checksum does not match" in done.stderr
    assert show(stack)["in_force"] == 2


def test_nothing_to_export(stack):
    done = recommend(stack, "export", "--items", stack.base / "out",
                     status=EX_UNAVAILABLE)
    assert "no model has been published" in done.stderr


# ------------------------------------------------------------- bad endings

def begin(stack, *args, **more):
    return subprocess.Popen(
        [str(stack_module.BUILD / "mxmctl"), "--config", str(stack.conf),
         "recommend", *map(str, args)], env=stack_module.environment(),
        stderr=subprocess.PIPE, text=True, **more)


@pytest.mark.parametrize("number, status", [(signal.SIGTERM, 143),
                                            (signal.SIGINT, 130),
                                            (signal.SIGKILL, -9)])
def test_import_is_ended_while_it_publishes(stack, number, status):
    publish(stack)
    path = write(stack, "in.txt", csv_text(made_up(MOVIES)))
    with transaction(stack, "LOCK TABLE model_chunk IN SHARE MODE"):
        process = begin(stack, "import", "--items", path)
        wait_for_lock(stack)
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
    assert process.returncode == status, said
    assert versions(stack) == [1]
    assert publish(stack) == 2


@pytest.mark.parametrize("number, status", [(signal.SIGTERM, 143),
                                            (signal.SIGINT, 130)])
def test_export_is_ended(stack, number, status):
    publish(stack)
    out = stack.base / "out"
    with transaction(stack, "LOCK TABLE rating IN ACCESS EXCLUSIVE MODE"):
        process = begin(stack, "export", "--users", out)
        wait_for_lock(stack)
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
    assert process.returncode == status, said
    assert "nothing was written" in said
    assert not out.exists() and no_leftovers(stack)


def test_a_full_disk_of_the_database(stack):
    publish(stack)
    stack.owner_sql("CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql "
              "AS $$ BEGIN RAISE 'no space left' USING ERRCODE = '53100'; "
              "END $$; CREATE TRIGGER full_disk BEFORE INSERT ON model_chunk "
              "FOR EACH ROW EXECUTE FUNCTION full_disk()")
    try:
        done = import_text(stack, csv_text(made_up(MOVIES)),
                           status=EX_UNAVAILABLE)
    finally:
        stack.owner_sql("DROP FUNCTION full_disk CASCADE")
    assert "no space left" in done.stderr
    assert versions(stack) == [1]


def test_no_room_for_the_export(stack):
    publish(stack)
    out = stack.base / "out"
    out.write_text("what was there")

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    process = begin(stack, "export", "--items", out, preexec_fn=small_files)
    _, said = process.communicate(timeout=20)
    # the model itself does not fit beside TMPDIR's other files either
    assert process.returncode in (EX_CANTCREAT, EX_UNAVAILABLE)
    assert "File too large" in said
    assert out.read_text() == "what was there" and no_leftovers(stack)


def test_no_place_for_the_export(stack):
    publish(stack)
    done = recommend(stack, "export", "--items", "/nowhere/at/all",
                     status=EX_CANTCREAT)
    assert "/nowhere/at/all" in done.stderr
    folder = stack.base / "a-folder"
    folder.mkdir(exist_ok=True)
    recommend(stack, "export", "--items", folder, status=EX_CANTCREAT)
    assert no_leftovers(stack)


def test_no_database(stack):
    env = dict(stack_module.environment(),
               MXM_DATABASE=f"host={stack.base} dbname=none")
    for args in (["show"], ["rollback"], ["export", "--items", "x"],
                 ["import", "--items", write(stack, "in.txt", GOOD)]):
        done = stack_module.ctl(stack.conf, ["recommend", *args], check=False,
                                env=env)
        assert done.returncode == EX_UNAVAILABLE, done.stderr
        assert "no connection" in done.stderr


def test_two_at_once(stack):
    paths = [write(stack, f"in{i}.txt", csv_text(made_up(MOVIES, seed=i)))
             for i in range(2)]
    with transaction(stack, "LOCK TABLE model IN SHARE ROW EXCLUSIVE MODE"):
        both = [begin(stack, "import", "--items", p) for p in paths]
        stack_module.wait_until(lambda: stack.cluster.sql(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
            " AND wait_event_type = 'Lock'", [stack.database])[0][0] == 2,
            "both wait")
    for process in both:
        _, said = process.communicate(timeout=20)
        assert process.returncode == 0, said
    assert versions(stack) == [1, 2]
    assert show(stack)["in_force"] == 2


def test_the_clock_was_set_back(stack):
    publish(stack)
    stack.sql("UPDATE model SET created_at = now() + interval '1 year', "
              "published_at = now() + interval '1 year'")
    publish(stack, seed=2)
    assert show(stack)["in_force"] == 2
    fetch(stack)
    assert version_of(stack.base / "model") == 2
    assert read_csv(export(stack)) == made_up(MOVIES, seed=2)


# ------------------------------------------------------------------ status

def test_status(stack):
    def model():
        return json.loads(stack.ctl("status --json").stdout)["model"]

    def lines():
        return stack.ctl("status").stdout
    assert model()["version"] is None and model()["in_force"] is None
    assert "recommendations: no model" in lines()
    publish(stack)
    fetch(stack)
    got = model()
    assert (got["version"], got["in_force"], got["behind_seconds"]) == (1, 1, 0)
    assert got["movies"] == 15 and got["ndcg"] is None
    assert "recommendations: model 1, " in lines()
    stack.sql("UPDATE model SET quality = '{\"NDCG@100\": {\"mean\": 0.25}}'")
    assert model()["ndcg"] == 0.25
    assert "15 movies, NDCG@100 0.2500\n" in lines()
    publish(stack)
    assert model()["behind_seconds"] > 0
    assert "is not on this host" not in lines(), "it may be on its way"
    stack.sql("UPDATE model SET published_at = now() - interval '5 minutes'"
              " WHERE version = 2")
    assert "model 2 has been in force for 5 min but is not on this host" \
        in lines()
    fetch(stack)
    assert "is not on this host" not in lines()
    recommend(stack, "rollback")
    assert model()["behind_seconds"] < 60, "it came into force just now"


def test_status_without_the_database(stack):
    publish(stack)
    fetch(stack)
    env = dict(stack_module.environment(),
               MXM_DATABASE=f"host={stack.base} dbname=none")
    done = stack_module.ctl(stack.conf, "status --json", env=env)
    got = json.loads(done.stdout)["model"]
    assert got["version"] == 1
    assert got["in_force"] is None and got["behind_seconds"] is None
    assert os.path.exists(got["file"])
