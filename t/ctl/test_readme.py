# SPDX-License-Identifier: GPL-3.0-or-later
"""README, HACKING and the manual: every command in them works as it is written,
and in its order. Those of an installation by hand (lib/recipe.py) are played on a
stage (lib/stage.py), a machine made of this one's files in which nothing is real;
./run package plays them in a real chroot."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from recipe import BY_HAND, by_hand, commands, section
from stack import BUILD, ROOT, environment, write_conf

STAGE = ROOT / "t/lib/stage.py"
PAGES = ("mxmctl.8", "mxmd.8", "mxm-image.8", "mxm-jobs.8", "mxm.conf.5",
         "mxm-metrics.5", "moviesxmovies.7")


def copy_source(target):
    """What a checkout holds, without what was built in it."""
    done = subprocess.run(["git", "-C", ROOT, "ls-files", "-coz",
                           "--exclude-standard"], capture_output=True)
    if done.returncode == 0:
        for name in filter(None, done.stdout.decode().split("\0")):
            if (ROOT / name).is_file():
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, target / name)
        return
    shutil.copytree(ROOT, target, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("build", ".git", ".demo",
                                                  "autom4te.cache"))


def may_stage():
    return os.geteuid() == 0 and subprocess.run(
        [sys.executable, STAGE, "--possible"],
        capture_output=True).returncode == 0


# ------------------------------------------------------------------ README

@pytest.mark.skipif(not may_stage(), reason="needs root, and leave to make "
                    "namespaces and overlays")
def test_every_line_works_in_its_order(tmp_path):
    source = tmp_path / "src"
    copy_source(source)
    (tmp_path / "play.sh").write_text("\n".join(by_hand()) + "\n")
    done = subprocess.run([sys.executable, STAGE, tmp_path],
                          capture_output=True, text=True, timeout=1800)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text[-6000:]
    checked = text.rpartition("=== check\n")[2].partition("=== end\n")[0]
    found = dict(re.findall(r"^\w+ +(\w+) +(.*)$", checked, re.M))
    assert {"public_origin", "database", "cache", "pictures", "mail", "jobs",
            "mail_from", "sockets", "nginx"} <= set(found)
    assert not re.findall(r"^(?!ok ).+$", checked, re.M)
    # what a browser gets then
    for path in ("/healthz", "/readyz", "/api/docs/",
                 "/media/users/default.png", "/media/person/default.png",
                 "/media/awards/no-award.png",
                 "/media/movies/covers/no-movie.png"):
        assert f"=== 200 {path}\n" in text


def test_the_commands_are_shell():
    for place in (*BY_HAND, ("README", "INSTALL")):
        assert commands(*place)
        done = subprocess.run(["bash", "-n"], capture_output=True, text=True,
                              input="\n".join(commands(*place)))
        assert done.returncode == 0, done.stderr


def test_hacking_has_what_the_tests_need():
    groups = re.findall(r"tools/packages.sh ([\w ]+)",
                        section("HACKING", "BUILD BY HAND"))
    done = subprocess.run(["bash", "tools/packages.sh",
                           *" ".join(groups).split()], cwd=ROOT,
                          capture_output=True, text=True, check=True)
    names = done.stdout.split()
    assert {"gcc", "postgresql-15", "python3-pytest"} <= set(names)
    # every module that tests import and Python does not bring
    brought = {"psycopg2": "python3-psycopg2", "requests": "python3-requests",
               "jsonschema": "python3-jsonschema", "yaml": "python3-yaml",
               "cryptography": "python3-cryptography",
    "hypothesis": "python3-hypothesis", "jwt": "python3-jwt",
    "prometheus_client": "python3-prometheus-client",
               "numpy": "python3-numpy", "scipy": "python3-scipy",
               "PIL": "python3-pil",
               "pytest": "python3-pytest", "seccomp": "python3-seccomp",
               "selenium": "python3-selenium",
               "urllib3": "python3-requests"}
    ours = {p.stem for p in (ROOT / "t").rglob("*.py")} | {"covers"}
    imported = set()
    for path in (ROOT / "t").rglob("*.py"):
        imported |= set(re.findall(r"^(?:import|from) (\w+)",
                                   path.read_text(), re.M))
    foreign = imported - ours - set(sys.stdlib_module_names)
    assert foreign <= set(brought), "a module that is not installed"
    assert {brought[module] for module in foreign} <= set(names)


# ------------------------------------------------------------- both, in form

def texts():
    yield "README", (ROOT / "README").read_text()
    for page in PAGES:
        yield page, (ROOT / "man" / page).read_text()


def known_commands():
    text = (ROOT / "src/commands.def").read_text()
    return re.findall(r'^COMMAND\("([\w-]+)[ "]', text, re.M)


def examples(page):
    """The lines with a prompt in a manual page."""
    text = (ROOT / "man" / page).read_text()
    return re.findall(r"^(?:\.Dl )?[#$] (\S.*)$", text, re.M)


def test_examples_of_the_manual_are_run_by_who_may():
    """What needs the database is run as the user whom it lets in; these commands
    are run by root, and change to that user where they need it."""
    by_root = re.compile("mxmctl (backup|restore|secrets|verify) ")
    found = [line for page in PAGES for line in examples(page)]
    assert len(found) >= 4
    for line in found:
        done = subprocess.run(["bash", "-n", "-c", line], capture_output=True)
        assert done.returncode == 0, line
        if "mxmctl" in line and not by_root.match(line):
            user = "moviesxmovies"
            if re.match(r"mxmctl (secrets|backup|restore|verify) ", line):
                continue
            if "mxmctl migrate" in line:
                user += "-owner"
            if not re.match("mxmctl (backup|restore|secrets|tune|verify) ", line):  # as root
                assert line.startswith(f"runuser -u {user} -- mxmctl "), line


def test_commands_that_are_named_are_there():
    known = known_commands()
    for name, text in texts():
        for command in re.findall(r"(?<![\w/.])mxmctl (?:--\w+ )?([a-z-]+)",
                                  text):
            if command != "that":  # prose
                assert command in known, f"{name}: mxmctl {command}"


def test_the_settings_of_the_manual_are_good(tmp_path):
    text = (ROOT / "man/mxm.conf.5").read_text()
    example = re.search(r"^\.Sh EXAMPLES\n\.Bd -literal\n(.*?)^\.Ed", text,
                        re.M | re.S)[1]
    settings = dict(line.split(" = ", 1) for line in example.splitlines())
    key = tmp_path / "signing.key"
    key.write_text("k" * 40)
    key.chmod(0o600)
    settings["signing_key_file"] = key
    write_conf(tmp_path / "mxm.conf", settings)
    done = subprocess.run([BUILD / "mxmctl", "--config", tmp_path / "mxm.conf",
                           "check", "--static"], capture_output=True,
                          text=True, env=environment())
    assert done.returncode == 0, done.stdout


def test_the_default_pictures_are_installed():
    made = (ROOT / "media/local.mk").read_text()
    listed = re.findall(r'^\t"(\w+/\S+\.png)",$', pathlib.Path(
        ROOT / "src/import/media.c").read_text(), re.M)
    assert len(listed) == 4
    for name in listed:
        assert f"media/{name}" in made
        assert (ROOT / "media" / name).is_file()
    # and they are what the tables name by default
    sql = "".join(p.read_text() for p in (ROOT / "sql").rglob("*.sql"))
    assert set(re.findall(r"DEFAULT '(\w+/\S+\.png)'", sql)) == set(listed)
