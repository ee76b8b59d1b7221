# SPDX-License-Identifier: GPL-3.0-or-later
"""mxmctl recommend train: its input, its quality, models that are not
published, and that the model in force stays after an interruption."""

import json
import random
import re
import signal
import subprocess

import pytest

import place as place_module
import stack as stack_module

EX_USAGE, EX_DATAERR, EX_UNAVAILABLE, EX_TEMPFAIL, EX_CONFIG = 64, 65, 69, 75, 78
LOCK = "hashtextextended('moviesxmovies recommend', 0)"
HEADER = "user,item,rating,timestamp\n"
SMALL = ("--set", "factors=8", "--set", "near_keep=20")
BAD = ("--set", "stars=-1,-1,-1,-1,-1", "--set", "near_keep=0")
LONG = ("--set", "iterations=1000", "--set", "factors=256")


class Place(place_module.Place):
    def ctl(self, *args, status=0):
        done = stack_module.ctl(self.conf, ["recommend", *args], check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done

    def train(self, *args, status=0):
        return self.ctl("train", *SMALL, *args, status=status)

    def train_json(self, *args, status=0):
        return json.loads(self.train("--json", *args, status=status).stdout)

    def start(self, *args):
        """A training in the background."""
        return super().start("recommend", "train", "--progress", *args)

    def rate(self, rows):
        """Ratings (user, movie, stars, seconds), with their users and
        movies."""
        for table, columns, ids in (
                ("account", "(id, username, email) SELECT i, 'u' || i,"
                 " i || '@a.example'", {r[0] for r in rows}),
                ("movie", "(id, slug, title, release_date) SELECT i, 'm' || i,"
                 " 'm', '2000-01-01'", {r[1] for r in rows})):
            self.sql(f"INSERT INTO {table} {columns} FROM unnest(%s::bigint[])"
                     " AS i ON CONFLICT DO NOTHING", [sorted(ids)])
        self.sql("INSERT INTO rating (user_id, movie_id, rating, created_at)"
                 " SELECT u, m, s, to_timestamp(t) FROM unnest(%s::bigint[],"
                 " %s::bigint[], %s::smallint[], %s::float[]) AS r (u, m, s, t)",
                 [list(column) for column in zip(*rows)])

    def versions(self):
        return [v for v, in self.sql("SELECT version FROM model"
                                     " WHERE published_at IS NOT NULL"
                                     " ORDER BY version")]

    def expect_sound(self):
        """All chunks of the published model, and no others."""
        assert self.one("""
            SELECT count(*)
              FROM (SELECT m.size, coalesce(sum(length(c.payload)), 0) AS there
                      FROM model AS m
                      LEFT JOIN model_chunk AS c ON c.model_id = m.id
                     WHERE m.published_at IS NOT NULL
                     GROUP BY m.id) AS t
             WHERE there <> size""") == 0

    def items(self):
        """The movies of the model in force."""
        path = self.folder / "items.csv"
        self.ctl("export", "--items", path)
        return [int(line.split(",")[0])
                for line in path.read_text().splitlines()
                if line[0].isdigit()]


def camps(users=120, movies=80, each=20, seed=1):
    """Users who like either even or odd movies."""
    rng = random.Random(seed)
    rows = []
    for user in range(1, users + 1):
        kind = [m for m in range(1, movies + 1) if m % 2 == user % 2]
        for t, movie in enumerate(rng.sample(kind, each)):
            rows.append((user, movie, rng.choice((3, 4, 5)),
                         1000000 + 60 * t + rng.random()))
    return rows


@pytest.fixture
def place(cluster, tmp_path):
    made = Place(cluster, tmp_path)
    yield made
    cluster.drop(made.database)


@pytest.fixture
def full(place):
    place.rate(camps())
    return place


# ----------------------------------------------------------- what is learned

def test_the_same_model_and_figures_as_from_a_file(full):
    path = full.folder / "ratings.csv"
    path.write_text(HEADER + "".join(
        "%d,%d,%d,%d\n" % row for row in full.sql(
            "SELECT user_id, movie_id, rating,"
            " floor(extract(epoch FROM created_at)) FROM rating")))
    told = full.train_json()
    assert told["published"] and told["version"] == 1
    quality = told["quality"]
    judged = json.loads(full.ctl("evaluate", "--train", path, "--as-is",
                                 "--json", *SMALL).stdout)
    for metric in ("Recall@20", "NDCG@10", "NDCG@100", "MAP@10"):
        assert quality[metric] == judged["recommended"][metric]
        assert quality["popular"][metric] == judged["popular"][metric]
    assert quality["Coverage"] == judged["recommended"]["Coverage"]
    assert quality["judged"] == judged["users"] >= 50
    assert quality["prediction"] == judged["prediction"]
    assert quality["prediction"]["ratings"] == 480
    ranked = json.loads(full.ctl(
        "rank", "--train", path, "--out", full.folder / "out.csv", "--json",
        "--as-is", *SMALL).stdout)
    assert quality["loss"] == ranked["loss"]
    assert (quality["ratings"], quality["users"], quality["movies"],
            quality["factors"], quality["source"]) == (2400, 120, 80, 8, "train")
    assert full.one("SELECT quality FROM model") == quality
    full.expect_sound()


def test_text_for_people(full):
    done = full.train("--progress")
    assert "published version 1: 2400 ratings of 120 users and 80 movies" \
        in done.stdout
    assert re.search(r"^recommended +0\.\d{4} ", done.stdout, re.M)
    assert re.search(r"^most popular +0\.\d{4} ", done.stdout, re.M)
    assert re.search(r"^480 predicted ratings: RMSE \d", done.stdout, re.M)
    assert "2400 ratings of 120 users and 80 items, at most" in done.stderr
    assert re.search(r"^training, loss [\d.]+: done in", done.stderr, re.M)
    assert "\ntraining, finding neighbours: done in" in done.stderr
    assert full.train("--quiet").stderr == ""


def test_only_what_is_alive(full):
    full.rate([(500, 90, 5, 1), (500, 91, 5, 2), (500, 92, 5, 3)])
    full.sql("UPDATE rating SET deleted_at = now() WHERE movie_id = 90")
    full.sql("UPDATE movie SET deleted_at = now() WHERE id IN (91, 7)")
    quality = full.train_json()["quality"]
    assert quality["users"] == 121 and quality["movies"] == 80
    assert full.items() == sorted({*range(1, 81), 92} - {7})
    full.sql("DELETE FROM account WHERE id = 500")
    quality = full.train_json()["quality"]
    assert quality["users"] == 120 and quality["movies"] == 79
    assert full.versions() == [1, 2]


def test_again_is_the_same(full):
    """Whatever order the rows come in, and with any number of threads."""
    full.train()
    full.sql("UPDATE rating SET updated_at = now() WHERE user_id % 3 = 0")
    full.train("--set", "threads=5")
    one, two = full.sql("""
        SELECT m.quality - 'seconds', string_agg(c.payload, '' ORDER BY number)
          FROM model AS m
          JOIN model_chunk AS c ON c.model_id = m.id
         GROUP BY m.id""")
    assert one[0] == two[0]
    head = 256  # version, time and checksum are in the header
    assert bytes(one[1])[head:] == bytes(two[1])[head:]


def test_tuning_by_settings_and_by_hand(full):
    full.configure(recommend_tuning="iterations=3  factors=16 near_half=7")
    quality = full.train_json("--set", "factors=4")["quality"]
    assert quality["iterations"] == 3 and quality["factors"] == 4
    assert quality["settings"] == \
        "factors=4 iterations=3 near_half=7 near_keep=20"
    assert quality["order"] == {"used": True}
    full.configure(recommend_tuning="factors=0")
    done = full.train(status=EX_CONFIG)
    message = f"{full.conf}:7: recommend_tuning: factors must be a whole"
    assert message in done.stderr
    checked = stack_module.ctl(full.conf, "check --static", check=False)
    assert checked.returncode == EX_CONFIG and message in checked.stdout
    assert full.versions() == [1]


def test_whether_the_order_matters_is_asked(place):
    rng = random.Random(1)
    rows = []
    for user in range(1, 201):
        first = rng.randrange(300)
        rows += [(user, 1 + m % 300, 5, rng.random() * 1e9)
                 for m in range(first, first + 30)]
    place.rate(rows)
    order = place.train_json()["quality"]["order"]
    assert not order["used"] and order["without"] > order["with"]
    assert place.train_json("--as-is")["quality"]["order"] == {"used": True}


# --------------------------------------------------------- hardly any, or odd

def test_no_ratings(place):
    done = place.train()
    assert "there are no ratings to train with" in done.stderr
    assert place.train_json() == {
        "published": False, "why": "there are no ratings to train with; "
        "the model in force stays"}
    assert place.versions() == []
    place.rate([(1, 1, 5, 1)])
    place.train()
    place.sql("DELETE FROM rating")
    place.train()
    assert place.versions() == [1]


def test_users_who_take_no_part(full):
    """Their ratings are in no model, file of factors or mean; a movie that
    only they have rated is not in the model."""
    full.rate([(500, m, 5, m) for m in (1, 2, 900)])
    quality = full.train_json()["quality"]
    assert (quality["ratings"], quality["users"], quality["movies"]) == (
        2403, 121, 81)
    assert full.one("SELECT modelled FROM movie WHERE id = 900")
    full.sql("UPDATE account SET training = false WHERE id IN (1, 500)")
    quality = full.train_json()["quality"]
    assert (quality["ratings"], quality["users"], quality["movies"]) == (
        2380, 119, 80)
    assert not full.one("SELECT modelled FROM movie WHERE id = 900")
    assert 900 not in full.items()
    path = full.folder / "users.csv"
    full.ctl("export", "--users", path)
    assert sorted(int(line.split(",")[0]) for line
                  in path.read_text().splitlines()[1:]) == list(range(2, 121))
    full.sql("UPDATE account SET training = false")
    assert "there are no ratings to train with" in full.train().stderr


@pytest.mark.parametrize("rows", [
    [(1, 1, 5, 1)],
    [(1, m, 5, m) for m in range(1, 30)],
    [(u, 1, 1 + u % 5, u) for u in range(1, 30)],
    [(u, m, 3, 0) for u in range(1, 61) for m in range(1, 11)],
    [(u, m, 1, 0) for u in range(1, 61) for m in range(1, 11)],
    [(u, m, 5, -u) for u in range(1, 61) for m in range(1, 11)],
], ids=["one rating", "one user", "one movie", "all 3", "all 1",
        "all 5 for everything"])
def test_hardly_any_data(place, rows):
    place.rate(rows)
    told = place.train_json()
    assert told["published"] and told["quality"]["loss"] >= 0
    assert place.items() == sorted({r[1] for r in rows})
    place.expect_sound()


def test_a_singular_system(full):
    quality = full.train_json("--set", "regularization=0", "--set",
                              "unobserved=0", "--set", "factors=64")["quality"]
    assert quality["loss"] >= 0
    full.expect_sound()


def test_few_people_say_nothing_of_quality(place):
    place.rate(camps(users=40))
    done = place.train("--json")
    told = json.loads(done.stdout)
    assert told["published"] and told["quality"]["judged"] == 0
    assert "NDCG@100" not in told["quality"]
    assert re.search(r"\d+ users have 4 stars or more among the last "
                     r"ratings, and 50 are needed", done.stderr)
    assert place.train_json(*BAD)["version"] == 2


# ------------------------------------------------------------------- quality

def test_a_much_worse_model_is_not_published(full):
    good = full.train_json()["quality"]["NDCG@100"]["mean"]
    done = full.train(*BAD, status=EX_DATAERR)
    told = re.search(r"users the new model has NDCG@100 ([\d.]+), the one "
                     r"in force \(version 1\) had ([\d.]+), and "
                     r"setting recommend_fall is 10%: not published; --force "
                     r"publishes it anyway", done.stderr)
    assert told, done.stderr
    assert float(told.group(1)) < 0.9 * good
    assert told.group(2) == f"{good:.4f}"
    assert not full.train_json(*BAD, status=EX_DATAERR)["published"]
    assert full.versions() == [1]

    done = full.train("--force", *BAD)
    assert "published because of --force" in done.stderr
    assert full.versions() == [1, 2]
    assert full.train_json()["version"] == 3, "a better one always is"


def test_the_share_is_a_setting(full):
    full.train()
    full.configure(recommend_fall="100%")
    assert full.train_json(*BAD)["version"] == 2


# ------------------------------------------------------------- when, how often

def test_not_before_its_time(full):
    assert full.train_json("--if-older-than", "12h")["version"] == 1
    done = full.train("--if-older-than", "12h")
    assert re.search(r"the last training, of version 1, was \d.* ago; nothing "
                     r"was done", done.stderr)
    assert done.stdout == ""
    full.sql("UPDATE model SET created_at = now() - interval '13 hours'")
    full.train("--if-older-than", "14h")
    assert full.versions() == [1]
    full.train("--if-older-than", "12h")
    assert full.versions() == [1, 2]


def test_what_was_imported_is_no_training(full):
    """An import neither puts the night's training off nor brings it on."""
    items = full.folder / "in.csv"
    items.write_text("1,0.5,1\n2,1,0.5\n")
    full.ctl("import", "--items", items)
    full.train("--if-older-than", "12h")
    full.ctl("import", "--items", items)
    done = full.train("--if-older-than", "12h")
    assert "the last training, of version 2, was" in done.stderr
    assert full.versions() == [1, 2, 3]
    full.sql("UPDATE model SET created_at = now() - interval '13 hours'"
             " WHERE version = 2")
    full.train("--if-older-than", "12h")
    assert full.versions() == [2, 3, 4]
    full.ctl("rollback")
    full.ctl("rollback")
    full.train("--if-older-than", "12h")
    assert full.versions() == [2, 5], "what was taken back is none"


def test_clock_set_back(full):
    """A model from the future is of no known age, and versions go on."""
    full.train()
    full.sql("UPDATE model SET created_at = now() + interval '1 year'")
    full.train("--if-older-than", "12h")
    assert full.versions() == [1, 2]


@pytest.mark.parametrize("time", ["soon", "12d7", "-1h", ""])
def test_no_time(place, time):
    done = place.train("--if-older-than", time, status=EX_USAGE)
    assert f'--if-older-than: "{time}"' in done.stderr


def test_never_two_at_once(full):
    other = full.cluster.connect(full.database)
    with other.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_lock({LOCK})")
        done = full.train(status=EX_TEMPFAIL)
        assert "another training is running" in done.stderr
        assert not full.train_json(status=EX_TEMPFAIL)["published"]
        cursor.execute(f"SELECT pg_advisory_unlock({LOCK})")
    other.close()
    full.train()
    assert full.versions() == [1]


# --------------------------------------------------------------- interruption

def until(process, text):
    """Reads the output up to a line with the text."""
    for line in process.stderr:
        if text in line:
            return
    raise AssertionError(f"it never said {text!r}: {process.wait(60)}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(full, number):
    with full.start(*LONG) as process:
        until(process, "reading ratings: done")
        process.send_signal(number)
        told = process.stderr.read()
        assert process.wait(60) == 128 + number
    assert "interrupted; nothing was written" in told
    assert full.versions() == []
    full.train()
    assert full.versions() == [1]


@pytest.mark.parametrize("table", ["rating", "genre", "model"])
def test_a_signal_while_the_server_is_busy(full, table):
    other = full.cluster.connect(full.database)
    with other.cursor() as cursor:
        cursor.execute(f"BEGIN; LOCK TABLE {table}")
        with full.start(*SMALL) as process:
            stack_module.wait_until(
                lambda: full.cluster.sql(
                    "SELECT 1 FROM pg_stat_activity WHERE datname = %s"
                    " AND wait_event_type = 'Lock'", (full.database,)),
                "the training waits for the lock")
            process.send_signal(signal.SIGTERM)
            told = process.stderr.read()
            assert process.wait(20) == 128 + signal.SIGTERM, told
        cursor.execute("ROLLBACK")
    other.close()
    assert "interrupted; nothing was written" in told
    assert full.versions() == []


def test_a_lost_connection_publishes_nothing(full):
    with full.start("--set", "iterations=300", "--set",
                    "factors=64") as process:
        until(process, "evaluating")
        full.cluster.sql("SELECT pg_terminate_backend(pid, 10000)"
                         " FROM pg_stat_activity WHERE datname = %s",
                         (full.database,))
        told = process.stderr.read()
        assert process.wait(120) == EX_UNAVAILABLE
    assert "the connection to the database was lost, and with it" in told
    assert full.versions() == []
    full.train()
    assert full.versions() == [1]


def test_killed_at_any_moment(full):
    """Half a model never is in force, and the next training works."""
    rng = random.Random(7)
    full.train("--set", "factors=64")
    for _ in range(12):
        with full.start("--set", "factors=64", "--as-is") as process:
            try:
                process.wait(rng.uniform(0.02, 0.7))
            except subprocess.TimeoutExpired:
                process.kill()
        full.expect_sound()
        assert full.one("SELECT count(*) FROM model"
                        " WHERE published_at IS NULL") == 0
    before = full.versions()[-1]
    stack_module.wait_until(
        lambda: full.one("SELECT count(*) FROM pg_locks WHERE locktype ="
                         " 'advisory' AND database = (SELECT oid FROM"
                         " pg_database WHERE datname = current_database())")
        == 0, "the lock of the last one is gone")
    assert full.train_json()["version"] == before + 1
