# SPDX-License-Identifier: GPL-3.0-or-later
"""The process of mxm-jobs that updates the model of its host: it fetches the
published model, whatever the file contains; corrupt or invalid models change
nothing."""

import os
import re
import resource
import shutil
import signal
import subprocess

import pytest

import stack as stack_module
from life import drop_connections
from models import publish, version_of
from queue_tools import children
from stack import wait_until

WORLD = "catalogue"
STACK = {"web": False}

NAME = "mxm-jobs/model"


def here(stack):
    return stack.base / "model"


def wait_version(stack, version, path=None, timeout=20):
    wait_until(lambda: version_of(path or here(stack)) == version,
               f"model {version} is here", timeout, stack.jobs)


def put(stack, content):
    """Replaces the file of the model."""
    other = stack.base / "other"
    other.write_bytes(content)
    os.rename(other, here(stack))


def process(stack):
    return wait_until(lambda: children(stack.jobs, NAME), "it runs")[0]


class Host:
    """Another mxm-jobs, with its own model file."""

    def __init__(self, stack, name):
        self.base = stack.base / name
        self.base.mkdir()
        self.model = self.base / "model"
        self.jobs = stack_module.Process("mxm-jobs", self.base / "log")
        self.jobs.start([stack_module.BUILD / "mxm-jobs", "--config",
                         stack.conf],
                        env=dict(stack_module.environment(),
                                 MXM_RUN_DIR=str(self.base),
                                 MXM_MODEL_FILE=str(self.model)))


def test_a_new_one_comes_at_once(stack):
    mark = stack.mark("mxm-jobs")
    version = publish(stack)
    wait_version(stack, version, timeout=5)
    line = stack.wait_log(f"model {version} is in force: .*", "mxm-jobs", mark)
    assert re.search(r"15 movies, \d+ s old, quality not known", line.group())
    assert here(stack).stat().st_mode & 0o777 == 0o444
    assert not list(stack.base.glob("model.*"))
    later = publish(stack)
    wait_version(stack, later, timeout=5)
    assert len(re.findall(f"model {version} is in force",
                          stack.log("mxm-jobs", mark))) == 1


def test_quality_is_told(stack):
    stack.owner_sql("CREATE FUNCTION good() RETURNS trigger LANGUAGE plpgsql AS $$ "
              "BEGIN NEW.quality = '{\"NDCG@100\": {\"mean\": 0.2612}}'; "
              "RETURN NEW; END $$; CREATE TRIGGER good BEFORE INSERT "
              "ON model FOR EACH ROW EXECUTE FUNCTION good()")
    try:
        mark = stack.mark("mxm-jobs")
        version = publish(stack)
    finally:
        stack.owner_sql("DROP FUNCTION good CASCADE")
    stack.wait_log(f"model {version} is in force.*"
                   "NDCG@100 0.2612 on held-out ratings", "mxm-jobs", mark)


def test_two_hosts(stack):
    host = Host(stack, "second")
    try:
        version = publish(stack)
        wait_version(stack, version)
        wait_until(lambda: version_of(host.model) == version, "there too",
                   alive=host.jobs)
        assert host.model.read_bytes() == here(stack).read_bytes()
    finally:
        host.jobs.stop()


def test_a_rollback_comes_as_well(stack):
    first = publish(stack)
    wait_version(stack, first)
    second = publish(stack)
    wait_version(stack, second)
    stack.ctl("recommend rollback")
    wait_version(stack, first)
    third = publish(stack)
    assert third > second
    wait_version(stack, third)


@pytest.mark.parametrize("content", [
    lambda good: good[:5000], lambda good: good[:100], lambda good: b"",
    lambda good: good[:-1] + b"\xff", lambda good: b"an alien\n" * 1000,
    lambda good: b"\0" * len(good),
], ids=["cut", "stump", "empty", "corrupt", "alien", "zeros"])
def test_what_is_no_good_is_replaced(stack, content):
    """It checks the file itself, with or without a notification."""
    version = publish(stack)
    wait_version(stack, version)
    good = here(stack).read_bytes()
    mark = stack.mark("mxm-jobs")
    put(stack, content(good))
    stack.sql("NOTIFY model")
    wait_until(lambda: here(stack).read_bytes() == good, "it is good again")
    stack.wait_log(f"{here(stack)}: it is ", "mxm-jobs", mark)
    stack.wait_log(f"model {version} is in force", "mxm-jobs", mark)


@pytest.mark.parametrize("cut", [
    lambda path: os.truncate(path, 4096),
    lambda path: path.write_bytes(b"an alien"),
], ids=["cut", "alien"])
def test_what_is_written_into_is_replaced_untold(stack, cut):
    version = publish(stack)
    wait_version(stack, version)
    good = here(stack).read_bytes()
    mark = stack.mark("mxm-jobs")
    here(stack).chmod(0o644)
    cut(here(stack))
    # long before the next round, which would find it as well
    wait_until(lambda: here(stack).read_bytes() == good, "it is good again",
               timeout=25)
    stack.wait_log(f"{here(stack)}: it is ", "mxm-jobs", mark)
    stack.wait_log(f"model {version} is in force", "mxm-jobs", mark)


def test_after_a_crash(stack):
    version = publish(stack)
    wait_version(stack, version)
    good = here(stack).read_bytes()
    mark = stack.mark("mxm-jobs")
    pid = process(stack)
    put(stack, good[:5000])
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: here(stack).read_bytes() == good, "it is good again")
    stack.wait_log(f"model {version} is in force", "mxm-jobs", mark)
    assert process(stack) != pid


def test_what_is_missing_comes_back(stack):
    version = publish(stack)
    wait_version(stack, version)
    here(stack).unlink()
    stack.sql("NOTIFY model")
    wait_version(stack, version, timeout=5)


def test_corrupt_in_the_database(stack):
    before = publish(stack)
    wait_version(stack, before)
    good = here(stack).read_bytes()
    stack.owner_sql("CREATE FUNCTION rot() RETURNS trigger LANGUAGE plpgsql AS $$ "
              "BEGIN NEW.payload = overlay(NEW.payload placing '\\x55' "
              "from 4200); RETURN NEW; END $$; CREATE TRIGGER rot BEFORE "
              "INSERT ON model_chunk FOR EACH ROW EXECUTE FUNCTION rot()")
    mark = stack.mark("mxm-jobs")
    try:
        bad = publish(stack)
    finally:
        stack.owner_sql("DROP FUNCTION rot CASCADE")
    said = f"model {bad} cannot be fetched: model {bad} in the database: " \
        "it is corrupt.*going on with the one before it"
    stack.wait_log(said, "mxm-jobs", mark)
    for _ in range(3):
        stack.sql("NOTIFY model")
    version = publish(stack)
    assert here(stack).read_bytes() == good or \
        version_of(here(stack)) == version
    wait_version(stack, version)
    assert len(re.findall("cannot be fetched",
                          stack.log("mxm-jobs", mark))) == 1
    stack.ctl("recommend rollback", check=False)
    stack.sql("DELETE FROM model WHERE version = %s", [bad])


def test_nothing_published_deletes_nothing(stack):
    version = publish(stack)
    wait_version(stack, version)
    good = here(stack).read_bytes()
    stack.sql("UPDATE model SET published_at = NULL")
    stack.restart_jobs()
    version = publish(stack)
    first = version_of(here(stack))
    assert first == version or here(stack).read_bytes() == good
    wait_version(stack, version)


def test_no_room(stack):
    """A file size limit in place of a full disk; the model is fetched when
    there is space again. The log must fit within the limit, so this model is
    large."""
    before = publish(stack)
    wait_version(stack, before)
    mark = stack.mark("mxm-jobs")
    pid = process(stack)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (500000, -1))
    version = publish(stack, width=512)
    stack.wait_log(f"model {version} cannot be fetched: .*model.part: "
                   "File too large; going on", "mxm-jobs", mark)
    assert version_of(here(stack)) == before
    assert not (stack.base / "model.part").exists()
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (-1, -1))
    wait_version(stack, version)
    assert process(stack) == pid, "it has not died of it"
    assert len(re.findall("cannot be fetched",
                          stack.log("mxm-jobs", mark))) == 1


def test_a_folder_that_is_not_there(stack):
    host = Host(stack, "homeless")
    try:
        version = publish(stack)
        wait_until(lambda: version_of(host.model) == version, "it is there")
        shutil.rmtree(host.base)
        publish(stack)
        wait_until(lambda: "none to go on with" in host.jobs.text()
                   or not host.base.exists(), "it reports an error")
        host.base.mkdir()
        version = publish(stack)
        wait_until(lambda: version_of(host.model) == version, "it is there",
                   alive=host.jobs)
    finally:
        host.jobs.stop()


def test_the_database_was_away(stack):
    drop_connections(stack)
    version = publish(stack)
    wait_version(stack, version)
    drop_connections(stack)
    version = publish(stack)
    wait_version(stack, version)


def test_half_a_file_of_a_killed_process(stack):
    (stack.base / "model.part").write_bytes(b"half" * 100000)
    version = publish(stack)
    wait_version(stack, version)
    assert not (stack.base / "model.part").exists()


def test_once(stack):
    version = publish(stack)
    path = stack.base / "once"
    done = subprocess.run(
        [stack_module.BUILD / "mxm-jobs", "--config", stack.conf, "--once"],
        env=dict(stack_module.environment(), MXM_MODEL_FILE=str(path)),
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert version_of(path) == version
    assert f"model {version} is in force" in done.stderr


def test_a_reload_and_the_end(stack):
    """With other settings another file; SIGTERM ends it at once."""
    moved = stack.base / "moved"
    stack.configure(model_file=moved)
    stack.jobs.signal(signal.SIGHUP)
    version = publish(stack)
    wait_version(stack, version, moved)
    stack.configure(model_file=here(stack))
    stack.jobs.signal(signal.SIGHUP)
    wait_version(stack, version)
    assert stack.jobs.stop(timeout=10) == 0
    stack.start_jobs()
