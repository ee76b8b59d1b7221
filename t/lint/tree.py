# SPDX-License-Identifier: GPL-3.0-or-later
"""What all lint programs share: the files of the tree, and TAP.

A lint program makes checks: a name, and the places where it does not hold."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


BUILT = {".a", ".gcda", ".gcno", ".log", ".o", ".trs"}


def is_built(path):
    """Whether a build within the tree has made it."""
    if path.suffix in BUILT or path.name == ".dirstamp":
        return True
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def files(*patterns):
    """Files below the root that match, without build artifacts."""
    found = set()
    for pattern in patterns:
        found |= {p for p in ROOT.glob(pattern) if p.is_file()}
    return sorted(p for p in found
                  if not {"build", "autom4te.cache", "build-aux", ".deps",
                          "__pycache__"} & set(p.relative_to(ROOT).parts)
                  and not is_built(p))


def sources():
    return files("src/**/*.[ch]")


def name(path):
    return str(path.relative_to(ROOT))


class Tap:
    """Prints TAP; the exit status is 1 if a check failed."""

    def __init__(self):
        self.n = self.bad = 0

    def check(self, what, faults):
        self.n += 1
        faults = list(faults)
        print(f"{'not ok' if faults else 'ok'} {self.n} - {what}")
        for fault in faults:
            print(f"# {fault}")
        self.bad += bool(faults)

    def skip(self, what, why):
        self.n += 1
        print(f"ok {self.n} - {what} # SKIP {why}")

    def done(self):
        print(f"1..{self.n}")
        sys.exit(1 if self.bad else 0)


def run(*args, **more):
    return subprocess.run([str(a) for a in args], capture_output=True,
                          text=True, **{"cwd": ROOT, **more})
