# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of ./run package: what cannot be run, or downloaded, is printed and is
no failure; what fails is one."""

import os
import re
import subprocess

from stack import ROOT

# ./run, with other parts.
PARTS = """
set -eEuo pipefail
shopt -s inherit_errexit
exec 7>&1
SRC=$1 OUT=$2
. "$SRC/tools/say.sh"
. "$SRC/tools/package.sh"
inside() { false; echo "after a failure"; }
absent() { echo "packages cannot be downloaded"; exit 77; }
%s
printf 'UNTRIED %%s\\n' "${UNTRIED[@]}"
"""


def run(tmp_path, parts):
    return subprocess.run(["bash", "-c", PARTS % parts, "bash", ROOT, tmp_path],
                          capture_output=True, text=True, timeout=60)


def test_a_part_that_works(tmp_path):
    done = run(tmp_path, 'package_part "one" echo done; UNTRIED+=(none)')
    assert done.returncode == 0 and not done.stderr
    assert re.fullmatch("==> one\ndone\n     [0-9]+ s\nUNTRIED none\n", done.stdout)


def test_a_part_that_cannot_be_run_is_no_failure(tmp_path):
    done = run(tmp_path, 'package_part "one" package_untried "no mounts here"\n'
               'package_part "two" package_log two absent\n'
               'package_part "three" true')
    assert done.returncode == 0 and not done.stderr
    assert re.fullmatch(
        "==> one\n     not tried: no mounts here\n"
        "==> two\n     not tried: packages cannot be downloaded\n"
        "==> three\n     [0-9]+ s\nUNTRIED one\nUNTRIED two\n", done.stdout)


def test_a_part_that_fails_ends_the_run(tmp_path):
    """At its first failure, also of a part with a log, which is shown."""
    for part in ("inside", "package_log two inside", "package_log two sh -c 'exit 3'",
                 "sh -c 'kill $$'"):
        done = run(tmp_path, f'package_part "one" {part}\npackage_part "two" true')
        assert done.returncode == 1, part
        assert "run: failed: one" in done.stderr
        assert "two" not in done.stdout and "after" not in done.stdout


def test_a_chroot_without_privileges_is_not_tried(tmp_path):
    unshare = tmp_path / "unshare"
    unshare.write_text("#!/bin/sh\nexit 1\n")
    unshare.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    for more, why in (({}, "systemd did not start"),
                      ({"KEEP": tmp_path / "keep"}, "no namespaces can be made")):
        done = subprocess.run(
            [ROOT / "debian/tests/chroot", tmp_path, tmp_path, "true"],
            capture_output=True, text=True, env={**env, **more})
        assert done.returncode == 77, done.stderr
        assert done.stderr == f"chroot: {why} here\n"
