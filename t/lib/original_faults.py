# SPDX-License-Identifier: GPL-3.0-or-later
"""That each fault of the original in a list of the contract has a test here."""

import re
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]


def numbers_of(name):
    """test_fault_3_…, test_faults_1_and_2_… and test_faults_39_to_41_…: which."""
    head = re.match(r"test_faults?((?:_\d+|_and|_to)+)_", name)
    if not head:
        return set()
    words, numbers = head[1].strip("_").split("_"), []
    for n, word in enumerate(words):
        if word == "to":
            numbers += range(int(words[n - 1]), int(words[n + 1]))
        elif word.isdigit():
            numbers.append(int(word))
    return set(numbers)


def exists(where):
    """Whether there is such a test: "api/test_x.py::test_y", or a program of
    t/unit and "suite, name"."""
    path, name = where.split("::")
    text = (TREE / "t" / path).read_text()
    return f"Test({name})" in text if path.endswith(".c") \
        else f"\ndef {name}(" in text


def check(module, total):
    """The tests of a module, its table ELSEWHERE and its table KEPT have each
    fault once or more, up to the last one."""
    here = set().union(*(numbers_of(name) for name in module))
    assert set(range(1, total + 1)) == here | set(module["ELSEWHERE"]) | set(
        module["KEPT"])
    assert not set(module["KEPT"]) & (here | set(module["ELSEWHERE"]))
    for number, tests in module["ELSEWHERE"].items():
        for where in tests:
            assert exists(where), (number, where)
