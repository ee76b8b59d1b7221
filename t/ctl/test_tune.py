# SPDX-License-Identifier: GPL-3.0-or-later
"""mxmctl recommend tune: what it finds is written where training reads it,
atomically, with the permissions of the settings."""

import json
import os
import re
import shutil
import stat
import subprocess

import stack as stack_module
from test_train import EX_DATAERR, HEADER, SMALL, camps
from test_train import full, place  # noqa: F401 (fixtures)

EX_CANTCREAT = 73


def written(place):
    return place.folder / "conf.d/50-recommend.conf"


def value(text):
    (line,) = [line for line in text.splitlines() if line[:1] not in "#"]
    name, _, found = line.partition(" = ")
    assert name == "recommend_tuning"
    return found


def test_the_manual_names_every_setting(full):
    manual = (stack_module.ROOT / "man/mxmctl.8").read_text()
    listed = manual.split(".Fl -set Ar name Ns = Ns Ar value :")[1].split(
        "Before training")[0]
    words = set(re.findall(r"\w+", listed))
    settings = full.ctl("tune", "--print", "--quiet", *SMALL).stdout
    names = {line.split("=")[0] for line in settings.splitlines()}
    assert len(names) > 10
    assert not names - words


def test_what_is_found_is_what_training_uses(full):
    os.chmod(full.conf, 0o640)
    if os.geteuid() == 0:
        shutil.chown(full.conf, "postgres", "postgres")
    done = full.ctl("tune", *SMALL, "--json")
    told = json.loads(done.stdout)
    path = written(full)
    assert told["written"] == str(path)
    assert f"written to {path}" in done.stderr
    assert value(path.read_text()) == told["recommend_tuning"]
    assert "factors=" in told["recommend_tuning"]  # SMALL is no default
    mine, main = path.stat(), full.conf.stat()
    assert stat.S_IMODE(mine.st_mode) == 0o640
    assert (mine.st_uid, mine.st_gid) == (main.st_uid, main.st_gid)
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    checked = stack_module.ctl(full.conf, "check --static")
    assert checked.returncode == 0

    quality = json.loads(full.ctl("train", "--json").stdout)["quality"]
    assert quality["settings"] == told["recommend_tuning"]


def test_only_printed(full):
    done = full.ctl("tune", *SMALL, "--print")
    assert "factors=" in done.stdout and "near_share=" in done.stdout
    assert not written(full).parent.exists()


def test_it_replaces_what_it_wrote(full):
    written(full).parent.mkdir()
    written(full).write_text("recommend_tuning = iterations=5\n")
    told = json.loads(full.ctl("tune", *SMALL, "--json").stdout)
    assert value(written(full).read_text()) == told["recommend_tuning"]
    assert "iterations" not in told["recommend_tuning"]


def test_a_later_file_of_conf_d_wins(full):
    written(full).parent.mkdir()
    later = written(full).with_name("90-mine.conf")
    later.write_text("recommend_tuning = iterations=5\n")
    done = full.ctl("tune", *SMALL)
    assert f"{later}:1 also sets recommend_tuning and overrides it" \
        in done.stderr


def test_what_cannot_be_written_is_told(full):
    written(full).parent.write_text("no folder")
    done = full.ctl("tune", *SMALL, status=EX_CANTCREAT)
    assert f"{written(full)}: Not a directory; add this line to the settings:" \
           "\nrecommend_tuning = " in done.stderr
    assert "factors=" in done.stdout


def test_a_full_disk_leaves_what_there_was(full):
    written(full).parent.mkdir()
    written(full).write_text("recommend_tuning = iterations=5\n")
    done = subprocess.run(
        ["bash", "-c", 'ulimit -f 0; exec "$@"', "bash",
         stack_module.BUILD / "mxmctl", "--config", full.conf, "recommend",
         "tune", *SMALL], capture_output=True, text=True,
        env=stack_module.environment())
    assert done.returncode == EX_CANTCREAT, done.stderr
    assert "File too large; add this line" in done.stderr
    assert written(full).read_text() == "recommend_tuning = iterations=5\n"
    assert [p.name for p in written(full).parent.iterdir()] == [
        written(full).name]


def test_a_file_and_no_settings(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_text(HEADER + "".join(
        f"{u},{m},{s},{int(t)}\n" for u, m, s, t in camps()))
    done = stack_module.ctl(tmp_path / "none.conf", [
        "recommend", "tune", "--train", path, *SMALL])
    assert "add this line to the settings:\nrecommend_tuning = " in done.stderr
    assert "near_keep=" in done.stdout


def test_nothing_to_tune_by(place):
    for rows in ([], [(1, 1, 5, 1)]):
        if rows:
            place.rate(rows)
        done = place.ctl("tune", status=EX_DATAERR)
        assert "no user has 4 stars or more among the last ratings" in done.stderr
    assert not written(place).parent.exists()
