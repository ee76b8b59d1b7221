# SPDX-License-Identifier: GPL-3.0-or-later
"""./run check and ./run bench: arguments, messages, and that no files or
processes are left after any kind of end. The tested runs use their own build
directory with links to the programs of this build."""

import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest

import ending
import stack as stack_module
import world
from stack import wait_until

ROOT = stack_module.ROOT
PYTHON = "/usr/bin/python3"
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "build"
    made.mkdir()
    for name in ("mxmd", "mxm-image", "mxm-jobs", "mxmctl"):
        (made / name).symlink_to(stack_module.BUILD / name)
    shutil.copy(stack_module.BUILD / "Makefile", made)
    return made


def arguments(folder, *args):
    return [PYTHON, str(ROOT / "t/run_checks"), "--build", str(folder), *args]


def environment(**more):
    env = {k: v for k, v in os.environ.items()
           if k not in ("MXM_TEST_TMP", "TMPDIR", "MXM_REPORT_TO")}
    return {**env, **more}


def check(folder, *args, cwd=ROOT):
    return subprocess.run(arguments(folder, *args), capture_output=True,
                          text=True, timeout=120, stdin=subprocess.DEVNULL,
                          cwd=cwd, env=environment())


# --------------------------------------------------------------- arguments

@pytest.mark.parametrize("args, said", [
    (["t/api/test_nosuch.py"], "no such test: t/api/test_nosuch.py"),
    (["t/ctl/test_units.py", "t/nosuch"], "no such test: t/nosuch"),
    (["t/nosuch.py::test_x"], "there is no file t/nosuch.py"),
    (["README"], "README does not lie in"),
    (["t/lib/stack.py"], "no test: t/lib/stack.py"),
    (["nosuchthing"], "no such test: nosuchthing"),
    (["-k"], "-k needs a value"),
])
def test_a_name_that_is_misspelt_is_an_error_before_the_build(folder, args,
                                                              said):
    for look in ([], ["--look"]):
        done = check(folder, *look, *args)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("run: ") and said in done.stderr


@pytest.mark.parametrize("args, said", [
    (["-k", "nosuchthing", "t/ctl/test_units.py"],
     "no test matches -k nosuchthing"),
    (["t/ctl/test_units.py::test_nosuch"],
     "not found: .*test_units.py::test_nosuch"),
    (["t/ctl/test_units.py", "--nosuch"], "unrecognized arguments: --nosuch"),
    (["t/unit/test_nosuch.c"], "no such test: t/unit/test_nosuch.c"),
])
def test_what_selects_nothing_is_an_error(folder, args, said):
    done = check(folder, *args)
    assert done.returncode == 2, done.stdout
    assert re.search(said, done.stderr), done.stderr
    assert "passed" not in done.stdout


def test_nothing_else_runs_beside_a_selection(folder):
    done = check(folder, "-k", "manual", "t/ctl/test_units.py",
                 "t/ctl/test_mxmctl.py")
    assert done.returncode in (0, 2)
    assert "lint" not in done.stdout and "unit/" not in done.stdout
    done = check(folder, "t/lint/words", "t/ctl/test_units.py")
    assert done.returncode == 0, done.stdout
    lines = [line.split()[:2] for line in done.stdout.splitlines()]
    assert lines[:2] == [["ok", "lint/words"], ["ok", "t/ctl/test_units.py"]]


def test_the_processes_run_each_file_once(folder):
    done = check(folder, "-k", "test_routes.py or test_openapi.py or test_gen.py")
    assert done.returncode == 0, done.stdout
    files = [line.split()[1] for line in done.stdout.splitlines()
             if line.startswith("ok ")]
    assert sorted(files) == ["t/contract/test_openapi.py",
                             "t/contract/test_routes.py", "t/sql/test_gen.py"]
    logs = [(folder / f"pytest-{name}.log").read_text() for name in ("one", "two", "three")]
    assert sum(int(re.search(r"(\d+) passed", log)[1]) for log in logs
               if "passed" in log) == int(
        re.search(r"^(\d+) passed, 0 failed", done.stdout, re.M)[1])


def test_names_are_those_of_the_folder_one_is_in(folder):
    done = check(folder, "test_units.py::test_nosuch", cwd=ROOT / "t/ctl")
    assert "not found" in done.stderr
    done = check(folder, "words", cwd=ROOT / "t/lint")
    assert done.returncode == 0, done.stderr


def test_what_fails_is_counted_and_told(folder):
    """A separate test file, which fails by its environment."""
    test = ROOT / "t/ctl/test_settings.py"
    (folder / "mxmctl").unlink()
    done = check(folder, str(test), "-x")
    assert done.returncode == 1
    assert re.search(r"^FAIL t/ctl/test_settings.py .* 1 failed", done.stdout,
                     re.M)
    assert re.search(r"^\d+ passed, 1 failed$", done.stdout, re.M)


# ----------------------------------------------------------------- endings

class Running:
    """A run that was started, and all that it has started."""

    def __init__(self, args, **env):
        self.popen = subprocess.Popen(
            args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            stdin=subprocess.DEVNULL, start_new_session=True,
            env=environment(**env), preexec_fn=self.hear)

    @staticmethod
    def hear():
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)

    def processes(self):
        return ending.descendants(self.popen.pid)

    def wait_for(self, name):
        """Until it has a process of that name."""
        wait_until(lambda: any(name in command(p) for p in self.processes()),
                   f"{name} runs", timeout=120)
        self.folders = {folder for p in self.processes()
                        if (folder := variable(p, "MXM_TEST_TMP"))}

    def end(self, number, group=False):
        """Exit status and output lines."""
        self.left = self.processes()
        (os.killpg if group else os.kill)(self.popen.pid, number)
        said = self.popen.communicate(timeout=120)[0]
        if number != signal.SIGKILL:
            self.wait_gone()
        return self.popen.returncode, said.splitlines()

    def wait_gone(self):
        wait_until(lambda: not self.left & set(ending.parents()),
                   "its processes are gone")


def command(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def variable(pid, name):
    try:
        env = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return None
    values = [e.partition(b"=")[2].decode() for e in env.split(b"\0")
              if e.startswith(name.encode() + b"=")]
    return values[0] if values else None


@pytest.mark.parametrize("number, name, args", [
    (signal.SIGINT, "initdb", ["t/jobs/test_mail.py"]),
    (signal.SIGTERM, "mxm-jobs", ["t/jobs/test_mail.py"]),
    (signal.SIGHUP, "memcached", ["t/jobs/test_mail.py"]),
    (signal.SIGTERM, "initdb", ["t/unit"]),
])
def test_a_signal_ends_it_with_a_line_and_nothing_is_left(folder, number,
                                                          name, args):
    run = Running(arguments(folder, *args))
    run.wait_for(name)
    status, said = run.end(number)
    assert status == 128 + number
    assert said == ["run: interrupted"]
    assert run.folders and not any(map(os.path.exists, run.folders))


def test_an_interrupt_of_the_whole_group_is_one_too(folder):
    """As from a terminal."""
    run = Running(arguments(folder, "t/jobs/test_mail.py"))
    run.wait_for("mxm-jobs")
    assert run.end(signal.SIGINT, group=True) == (130, ["run: interrupted"])
    assert not any(map(os.path.exists, run.folders))


def test_a_later_run_removes_what_a_killed_one_left(folder):
    run = Running(arguments(folder, "t/jobs/test_mail.py"))
    run.wait_for("mxm-jobs")
    assert run.end(signal.SIGKILL)[0] == -signal.SIGKILL
    assert all(map(os.path.exists, run.folders))
    assert check(folder, "t/lint/words").returncode == 0
    run.wait_gone()
    assert not any(map(os.path.exists, run.folders))


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("args", [["check", "t/lint"], ["bench"], ["demo"]])
def test_a_build_is_ended_too(tmp_path, args, number):
    if args == ["bench"] and not shutil.which("wrk"):
        pytest.skip("wrk is not installed")
    run = Running([str(ROOT / "run"), *args], MXM_BUILD=str(tmp_path / "b"),
                  MXM_DEMO_DIR=str(tmp_path / "demo"),
                  MXM_DEMO_PORT=str(stack_module.free_port()),
                  MXM_DEMO_TLS_PORT=str(stack_module.free_port()))
    wait_until(lambda: run.processes() and (tmp_path / "b/run.log").exists(),
               "it builds", timeout=60)
    status, said = run.end(number)
    assert status == 128 + number
    assert said[-1] == "run: " + ("stopped" if args == ["demo"]
                                  else "interrupted")
    assert not [line for line in said if "Traceback" in line]


def test_a_signal_ends_the_benchmark(folder):
    if world.shared_data("ml-latest-small") is None:
        pytest.skip("no shared data: ml-latest-small (set MXM_SHARED)")
    run = Running([PYTHON, str(ROOT / "t/bench/bench.py"), "--build",
                   str(folder)])
    run.wait_for("mxmctl")
    status, said = run.end(signal.SIGTERM)
    assert (status, said[-1]) == (143, "run: interrupted")
    assert run.folders and not any(map(os.path.exists, run.folders))
