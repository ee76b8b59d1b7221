# SPDX-License-Identifier: GPL-3.0-or-later
"""What all lint programs share: the files of the tree, and TAP.

A lint program makes checks: a name, and the places where it does not hold."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def files(*patterns):
    """Files below the root that match, without what builds leave behind."""
    found = set()
    for pattern in patterns:
        found |= {p for p in ROOT.glob(pattern) if p.is_file()}
    return sorted(p for p in found
                  if not {"build", "autom4te.cache", "build-aux",
                          "__pycache__"} & set(p.relative_to(ROOT).parts))


def sources():
    return files("src/**/*.[ch]")


def name(path):
    return str(path.relative_to(ROOT))


class Tap:
    """Prints TAP; the exit status says whether all held."""

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
                          text=True, cwd=ROOT, **more)
