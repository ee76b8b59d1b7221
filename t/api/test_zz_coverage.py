# SPDX-License-Identifier: GPL-3.0-or-later
"""After everything else: was every operation called, and did each succeed at
least once?  Reads what the clients of all test processes have written down
(MXM_CONTRACT_LOG), so it skips when it runs by itself."""

import os

import pytest

import contract

LOG = os.environ.get(contract.LOG_VARIABLE)

needs_log = pytest.mark.skipif(
    not LOG or not os.path.exists(LOG),
    reason=f"no calls were written down ({contract.LOG_VARIABLE})")


@needs_log
def test_every_operation_was_called():
    assert contract.default().uncalled(LOG) == []


@needs_log
def test_every_operation_succeeded_once():
    """With its 2xx status, or a redirect if it has no other."""
    with open(LOG, encoding="utf-8") as file:
        seen = {tuple(line.split()) for line in file}
    missing = set()
    for o in contract.default().operations:
        first = min(status[0] for status in o.spec["responses"])
        if not o.pending and not o.outside and not any(
                name == o.id and status[0] == first for name, status in seen):
            missing.add(o.id)
    assert not missing


@needs_log
def test_what_a_path_names_was_missing_once():
    """t/api/test_missing.py has a 404 for each parameter of a row."""
    with open(LOG, encoding="utf-8") as file:
        seen = {tuple(line.split()) for line in file}
    missing = {o.id for o in contract.default().operations
               if "{" in o.path and not o.pending and not o.outside
               and (o.id, "404") not in seen}
    assert not missing
