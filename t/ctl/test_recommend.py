# SPDX-License-Identifier: GPL-3.0-or-later
"""mxmctl recommend: its output, its quality figures (compared with an
independent evaluation), its errors, and interruptions."""

import csv
import json
import os
import random
import re
import signal
import subprocess
import sys

import pytest

import stack as stack_module

EX_USAGE, EX_DATAERR, EX_NOINPUT = 64, 65, 66
EX_OSERR, EX_CANTCREAT = 71, 73
HEADER = "user,item,rating,timestamp\n"
SMALL = ("--set", "factors=8", "--set", "near_keep=20")


def command(*args):
    return [str(stack_module.BUILD / "mxmctl"), *map(str, args)]


def run(*args, status=0):
    done = subprocess.run(command(*args), capture_output=True, text=True,
                          timeout=300, env=stack_module.environment())
    assert done.returncode == status, done.stdout + done.stderr
    return done


def recommend(*args, **more):
    return run("recommend", *args, **more)


def made_up(path, users=120, items=80, each=20, seed=1):
    """Ratings of users who like either even or odd items."""
    rng = random.Random(seed)
    with open(path, "w") as out:
        out.write(HEADER)
        for user in range(users):
            kind = [i for i in range(items) if i % 2 == user % 2]
            for t, item in enumerate(rng.sample(kind, each)):
                out.write(f"{user * 7},{item * 11},{rng.choice('345')},{t}\n")
    return path


def lists(path):
    """{user: [item, ...]}, after checking the ranks."""
    found = {}
    with open(path) as text:
        rows = csv.DictReader(text)
        assert rows.fieldnames == ["user", "item", "rank"]
        for row in rows:
            items = found.setdefault(int(row["user"]), [])
            items.append(int(row["item"]))
            assert int(row["rank"]) == len(items)
    return found


@pytest.fixture
def train(tmp_path):
    return made_up(tmp_path / "train.csv")


# ------------------------------------------------------------------- rank

def test_everybody_gets_items_of_her_kind_that_she_has_not_rated(
        train, tmp_path):
    out = tmp_path / "out.csv"
    done = recommend("rank", "--train", train, "--out", out, "--top", 10,
                     *SMALL)
    assert done.stdout == ""
    with open(train) as text:
        rated = {(int(r["user"]), int(r["item"])) for r in csv.DictReader(text)}
    found = lists(out)
    assert len(found) == 120
    for user, items in found.items():
        assert len(items) == 10 == len(set(items))
        assert all(i // 11 % 2 == user // 7 % 2 for i in items)
        assert not any((user, i) in rated for i in items)


def test_the_same_file_again_with_any_number_of_threads(train, tmp_path):
    written = []
    for threads in (1, 2, 5):
        out = tmp_path / f"{threads}.csv"
        recommend("rank", "--train", train, "--out", out, "--quiet", *SMALL,
                  "--set", f"threads={threads}")
        written.append(out.read_bytes())
    assert written[0] == written[1] == written[2]


def test_a_seed_decides_what_learning_begins_with(train, tmp_path):
    written = []
    for seed in (5, 5, 6):
        out = tmp_path / "out.csv"
        recommend("rank", "--train", train, "--out", out, "--quiet", *SMALL,
                  "--set", f"seed={seed}")
        written.append(out.read_bytes())
    assert written[0] == written[1] != written[2]


def test_quiet_is_quiet_and_json_is_json(train, tmp_path):
    done = run("--json", "recommend", "rank", "--train", train, "--out",
               tmp_path / "out.csv", "--quiet", *SMALL)
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert told["users"] == 120 and told["items"] == 80
    assert told["loss"] > 0


def test_an_order_that_means_nothing_is_ignored(tmp_path):
    """Tested first, unless a setting decides about the order."""
    rng = random.Random(1)
    train = tmp_path / "shuffled.csv"
    with open(train, "w") as out:
        out.write(HEADER)
        for user in range(200):
            first = rng.randrange(300)
            for item in range(first, first + 30):
                out.write(f"{user},{item % 300},5,{rng.random():.9f}\n"
                          .replace("0.", ""))

    def learn(*args):
        out = tmp_path / "out.csv"
        done = run("--json", "recommend", "rank", "--train", train, "--out",
                   out, *args)
        return json.loads(done.stdout)["order"], done.stderr, out.read_bytes()

    order, told, ours = learn()
    assert not order["used"] and order["without"] > order["with"]
    assert re.search(r"NDCG@100 0\.\d{4} with the order of ratings, 0\.\d{4} "
                     r"without: it is ignored", told)
    ignoring = ["--set", "near_half=1000", "--set", "taste_floor=1", "--set",
                "near_share=0.5"]
    order, told, same = learn(*ignoring)
    assert order == {"used": True} and "the order" not in told
    assert same == ours
    order, told, other = learn("--as-is")
    assert order == {"used": True} and "the order" not in told
    assert other != ours


def test_no_header_crlf_and_duplicates(tmp_path):
    """Of two ratings the later one counts, in any order."""
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    lines = [f"{u},{i},{3 + (u + i) % 3},{u + i}" for u in range(20)
             for i in range(u % 3, 20, 2)]
    one.write_text(HEADER + "\n".join(lines) + "\n")
    older = [",".join(line.split(",")[:2] + ["1", "-5"]) for line in lines]
    two.write_text("\r\n".join(lines[:50] + older + lines[50:]))
    for path in (one, two):
        recommend("rank", "--train", path, "--out", f"{path}.out", *SMALL)
    assert lists(f"{one}.out") == lists(f"{two}.out")


@pytest.mark.parametrize("rows, expected", [
    (["1,1,5,0"], {}),
    (["1,1,5,0", "2,1,5,0", "2,2,5,1"], {1: [2]}),
    (["1,1,3,0", "1,2,3,0", "2,2,3,0", "2,1,3,0"], {}),
    (["-4,-9,0.5,0", "9000000000,-9,5,-1", "-4,8,5,7"],
     {9000000000: [8]}),
])
def test_hardly_any_data(tmp_path, rows, expected):
    path, out = tmp_path / "in.csv", tmp_path / "out.csv"
    path.write_text(HEADER + "\n".join(rows) + "\n")
    recommend("rank", "--train", path, "--out", out)
    assert lists(out) == expected


def test_memory_is_stated_and_kept(tmp_path):
    program = str(stack_module.BUILD / "mxmctl")
    if "libasan" in subprocess.run(["ldd", program], capture_output=True,
                                   text=True, check=True).stdout:
        pytest.skip("AddressSanitizer keeps what is freed")

    def peak(users, items):
        """The output and the maximum resident memory in MiB."""
        path = made_up(tmp_path / "in.csv", users=users, items=items, each=50)
        args = command("recommend", "rank", "--train", path, "--out",
                       tmp_path / "out.csv", "--set", "iterations=1")
        with subprocess.Popen(args, stderr=subprocess.PIPE, text=True,
                              env=stack_module.environment()) as process:
            told = process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, told
        return told, usage.ru_maxrss / 1024

    _, least = peak(60, 100)  # the program and its libraries
    told, most = peak(6000, 2000)
    stated = re.search(r"300000 ratings of 6000 users and 2000 items, "
                       r"at most (\d+) MiB", told)
    assert most - least < int(stated.group(1)) + 16, (least, most, told)


def test_what_does_not_fit_is_not_begun(tmp_path):
    if os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") > 100 << 30:
        pytest.skip("it fits")
    path, out = tmp_path / "in.csv", tmp_path / "out.csv"
    with open(path, "w") as text:
        text.writelines(f"1,{item},5,{item}\n" for item in range(1000000))
    done = recommend("rank", "--train", path, "--out", out, "--set",
                     "near_keep=10000", status=EX_OSERR)
    told = re.search(r"not enough memory: (\d+) MiB needed, (\d+) MiB "
                     r"available; reduce factors or near_keep", done.stderr)
    assert told and int(told.group(1)) > 150000
    assert not out.exists()


# --------------------------------------------------------------- errors

@pytest.mark.parametrize("text, message", [
    ("", "there is no rating in it"),
    (HEADER, "there is no rating in it"),
    (HEADER + "1,2,3\n", ":2: fields are missing"),
    (HEADER + "1,2,3,4\nx,2,3,4\n", ":3: the user is not a whole number"),
    (HEADER + "1,,3,4\n", ":2: the item is not a whole number"),
    (HEADER + "1,2,nan,4\n", ":2: the rating is not a number"),
    (HEADER + "1,2,inf,4\n", ":2: the rating is not a number"),
    (HEADER + "1,2,3,4.5\n", ":2: the time is not a whole number"),
    (HEADER + "1,2,3,4,5\n", ":2: there are more than four fields"),
    (HEADER + "1" * 300 + "\n", ":2: the line is too long"),
    (HEADER + "99999999999999999999,2,3,4\n", ":2: the user is not a whole"),
])
def test_what_is_no_file_of_ratings_is_refused(tmp_path, text, message):
    path, out = tmp_path / "in.csv", tmp_path / "out.csv"
    path.write_text(text)
    done = recommend("rank", "--train", path, "--out", out,
                     status=EX_DATAERR)
    assert f"{path}{'' if message[0] == ':' else ': '}{message}" \
        in done.stderr
    assert not out.exists()


def test_missing_and_unwritable_files(train, tmp_path):
    out = tmp_path / "no" / "out.csv"
    recommend("rank", "--train", tmp_path / "no.csv", "--out", out,
              status=EX_NOINPUT)
    done = recommend("rank", "--train", train, "--out", out, *SMALL,
                     status=EX_CANTCREAT)
    assert "No such file or directory" in done.stderr


def test_a_folder_in_the_way_leaves_nothing_behind(train, tmp_path):
    out = tmp_path / "out.csv"
    out.mkdir()
    recommend("rank", "--train", train, "--out", out, *SMALL,
              status=EX_CANTCREAT)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.csv",
                                                          "train.csv"]


@pytest.mark.parametrize("args", [
    [], ["nothing"], ["rank"], ["rank", "--train", "a"],
    ["rank", "--train", "a", "--out", "b", "c"],
    ["rank", "--train", "a", "--out", "b", "--top", "0"],
    ["rank", "--train", "a", "--out", "b", "--top", "x"],
    ["rank", "--train", "a", "--out", "b", "--test", "c"],
    ["rank", "--train", "a", "--out", "b", "--set", "factors=0"],
    ["rank", "--train", "a", "--out", "b", "--nothing"],
    ["evaluate"], ["evaluate", "--train", "a", "--out", "b"],
    ["tune", "--train", "a", "--test", "b"],
])
def test_wrong_usage(args):
    done = recommend(*args, status=EX_USAGE)
    assert done.stderr.count("usage: mxmctl recommend ") == 1
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(train, tmp_path, number):
    out = tmp_path / "out.csv"
    args = command("recommend", "rank", "--train", train, "--out", out,
                   "--set", "iterations=1000", "--set", "factors=256")
    with subprocess.Popen(args, stderr=subprocess.PIPE, text=True,
                          env=stack_module.environment()) as process:
        for line in process.stderr:
            if "at most" in line:  # training begins
                break
        process.send_signal(number)
        told = process.stderr.read()
        assert process.wait(60) == 128 + number
    assert "interrupted; nothing was written" in told
    assert [p.name for p in tmp_path.iterdir()] == ["train.csv"]


# --------------------------------------------------------------- evaluate

def test_evaluate_tells_more_than_most_popular(train):
    done = run("recommend", "evaluate", "--train", train, "--json", "--quiet",
               *SMALL)
    told = json.loads(done.stdout)
    assert told["users"] > 60
    for metric in ("Recall@20", "NDCG@10", "NDCG@100", "MAP@10"):
        ours, popular = told["recommended"][metric], told["popular"][metric]
        assert ours["mean"] > popular["mean"] + popular["error"]
        assert 0 < ours["error"] < 0.1
    text = recommend("evaluate", "--train", train, *SMALL).stdout
    assert f"{told['recommended']['NDCG@100']['mean']:.4f}" in text


def test_nothing_to_be_found(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text(HEADER + "1,1,5,1\n1,2,3,2\n")
    for what in ("evaluate", "tune"):
        done = recommend(what, "--train", path, status=EX_DATAERR)
        assert "4 stars or more" in done.stderr


def test_tune_prints_settings_that_set_takes(train, tmp_path):
    done = recommend("tune", "--train", train, "--set", "factors=8")
    settings = done.stdout.split()
    assert any(s.startswith("near_share=") for s in settings)
    assert len(re.findall(r"^0\.\d{4} ", done.stderr, re.M)) > 10
    args = [a for s in settings for a in ("--set", s)]
    recommend("rank", "--train", train, "--out", tmp_path / "o.csv", *args)


@pytest.fixture(scope="module")
def movielens(shared, tmp_path_factory):
    """The protocol's split of MovieLens, and how to ask its judge."""
    pytest.importorskip("numpy", reason="recbench needs python3-numpy")
    pytest.importorskip("scipy", reason="recbench needs python3-scipy")
    folder = tmp_path_factory.mktemp("ml")

    def recbench(*args):
        done = subprocess.run(
            [sys.executable, str(shared / "recbench/recbench.py"),
             *map(str, args)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    ratings = shared / "data/ml-latest-small/ratings.csv"
    recbench("split", ratings, folder)
    return folder, ratings, recbench


def test_the_same_figures_as_recbench(movielens):
    """With the files of its split, and with our own split of all ratings."""
    folder, ratings, recbench = movielens
    out = folder / "ours.csv"
    recommend("rank", "--train", folder / "train.csv", "--out", out)
    theirs = recbench("eval", folder, out)
    for given in (["--train", folder / "train.csv", "--test",
                   folder / "test.csv"], ["--train", ratings]):
        ours = json.loads(run("--json", "recommend", "evaluate",
                              *given).stdout)
        assert ours["users"] == theirs["users"]
        for metric in ("Recall@20", "NDCG@10", "NDCG@100", "MAP@10"):
            assert abs(ours["recommended"][metric]["mean"]
                       - theirs[metric]) < 0.00006
        assert abs(ours["recommended"]["Coverage"]
                   - theirs["Coverage"]) < 0.00006
        assert abs(ours["recommended"]["NDCG@100"]["error"]
                   - theirs["se_NDCG@100"]) < 0.00006
    assert theirs["NDCG@100"] >= 0.215
    assert theirs["Recall@20"] >= 0.185


# ------------------------------------------------------------- predictions

def test_predicted_ratings_beat_the_means_on_movielens(shared):
    """The last fifth of each user's ratings, with weights fitted to other
    users, against the mean of the movie and of both user and movie."""
    ratings = shared / "data/ml-latest-small/ratings.csv"
    if not ratings.exists():
        pytest.skip("no shared data: ml-latest-small (set MXM_SHARED)")
    told = run("--json", "recommend", "evaluate", "--train", ratings,
               "--quiet", "--as-is", "--set", "seed=42").stdout
    found = json.loads(told)["prediction"]
    assert found["ratings"] == 19940
    assert abs(found["movie_mean"] - 1.0227) < 0.0001
    assert abs(found["user_and_movie_means"] - 0.8987) < 0.0001
    assert found["RMSE"] < found["user_and_movie_means"] - 0.03
    assert found["RMSE"] < found["movie_mean"] - 0.15


def test_predictions_are_evaluated_where_there_is_a_split(train):
    told = recommend("evaluate", "--train", train, *SMALL).stdout
    assert re.search(r"\n480 predicted ratings: RMSE \d\.\d{4}; by the mean "
                     r"of the movie \d\.\d{4}, by the means of user and movie "
                     r"\d\.\d{4}\n$", told)
    told = recommend("evaluate", "--train", train, "--test", train,
                     *SMALL).stdout
    assert "predicted" not in told


# ------------------------------------------------------------------ linking

def test_only_mxmctl_has_blas():
    def libraries(program):
        return subprocess.run(["ldd", str(stack_module.BUILD / program)],
                              capture_output=True, text=True,
                              check=True).stdout
    assert "openblas" in libraries("mxmctl")
    for program in ("mxmd", "mxm-jobs"):
        assert not re.search("blas|gsl|lapack", libraries(program))


# ------------------------------------------------------- layouts of a file

def shaped(path, header, order, head="", end="\n"):
    """The same ratings as made_up(), in another layout."""
    made_up(path)
    lines = path.read_text().splitlines()[1:]
    rows = [line.split(",") + ["x"] for line in lines]
    text = [header] * bool(header) + [",".join(r[i] for i in order)
                                      for r in rows]
    path.write_bytes(head.encode() + end.join(text).encode() + end.encode())
    return path


@pytest.mark.parametrize("header, order, head, end", [
    ("", (0, 1, 2, 3), "\ufeff", "\n"),
    ("movieId,userId,rating,timestamp", (1, 0, 2, 3), "", "\n"),
    ("userId,movieId,timestamp,rating", (0, 1, 3, 2), "\ufeff", "\r\n"),
    ('"UserID", movieid ,title,RATING,Timestamp', (0, 1, 4, 2, 3), "", "\n"),
], ids=["mark", "exchanged", "time first", "names"])
def test_columns_go_by_their_names(tmp_path, header, order, head, end):
    written = []
    for path in (made_up(tmp_path / "a.csv"),
                 shaped(tmp_path / "b.csv", header, order, head, end)):
        out = tmp_path / "out.csv"
        recommend("rank", "--train", path, "--out", out, "--quiet", *SMALL)
        written.append(out.read_bytes())
    assert written[0] == written[1]


@pytest.mark.parametrize("text, why", [
    (b"1::2::3::4\n", "the first line is neither"),
    (b"1\t2\t3\t4\n", "the first line is neither"),
    (b"userId;movieId;rating;timestamp\n1;2;3;4\n", "is neither"),
    (b"userId,movieId,rating\n1,2,3\n", "is neither"),
    (b"userId,userId,movieId,rating,timestamp\n", "a column twice"),
    (b"1,2,964982703,4\n", "is neither"),
    (b"x,2,3,4\n1,2,3,4\n", "is neither"),
    (b"1,2,3,4\n1,3,964982703,4\n", "not from 0 to 5"),
    (b"1,2,3,4\n1,3,nan,4\n", "the rating is not a number"),
    (b"1,2,3,4\n1,3,4e0,4\n", "the rating is not a number"),
    (b"1,2,3,4\n1,3,-1,4\n", "not from 0 to 5"),
    (b"1,2,3,4\n1,3,,4\n", "the rating is not a number"),
    (b"1,2,3,4\n1,3,3,\n", "the time is not a whole number"),
    (b"1,2,3,4\n99999999999999999999,3,3,4\n", "the user is not a whole"),
    (b"1,2,3,4\r1,3,3,4\r", "is neither"),
    ("1,2,3,4\n".encode("utf-16"), "UTF-16"),
    (b"1,2,3,4\n1,3,3\x00,4\n", "NUL byte"),
], ids=range(17))
def test_a_file_that_is_no_list_of_ratings_is_refused(tmp_path, text, why):
    path = tmp_path / "bad.csv"
    path.write_bytes(text)
    done = recommend("rank", "--train", path, "--out", tmp_path / "out.csv",
                     status=EX_DATAERR)
    assert why in done.stderr, done.stderr
    assert not (tmp_path / "out.csv").exists()
