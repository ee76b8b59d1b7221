# SPDX-License-Identifier: GPL-3.0-or-later
"""A pytest plugin (-p reporter) that reports results to t/run_checks as they arrive:
one JSON object per line, to the descriptor MXM_REPORT_TO.

    {"test": id, "outcome": "passed|failed|skipped", "why": …, "figures": […]}
    {"file": path, "seconds": …}      all of its tests are done

With MXM_QUEUE it runs the files whose names it reads from that descriptor, a pipe
that several processes share: records of RECORD bytes, filled up with spaces.
"""

import itertools
import json
import os
import time

import pytest


RECORD = 128


class Queue:
    """The files that no process has taken. Of each process one is taken before the
    last test of the file before has ended: pytest needs to know what follows."""

    def __init__(self, descriptor):
        self.descriptor = descriptor

    def taken(self):
        while record := os.read(self.descriptor, RECORD):
            yield record.decode().rstrip()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        """As that of pytest, with another order."""
        if session.testsfailed:
            raise session.Interrupted("errors during collection")
        files = {}
        for item in session.items:
            files.setdefault(item.nodeid.split("::")[0], []).append(item)
        items = itertools.chain.from_iterable(
            files.get(name, ()) for name in self.taken())
        item = next(items, None)
        while item is not None:
            following = next(items, None)
            item.config.hook.pytest_runtest_protocol(item=item,
                                                     nextitem=following)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)
            item = following
        return True


class Reporter:
    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.outcome, self.why = {}, {}
        self.began = time.monotonic()

    def tell(self, **what):
        os.write(self.descriptor, json.dumps(what).encode() + b"\n")

    def pytest_collectreport(self, report):
        if report.failed:
            self.tell(test=report.nodeid, outcome="failed")

    def pytest_runtest_logreport(self, report):
        """Three a test; a failed end of what it used makes it fail."""
        test = report.nodeid
        if report.failed:
            self.outcome[test] = "failed"
        elif report.skipped:
            self.outcome.setdefault(test, "skipped")
            self.why[test] = str(report.longrepr[2] if isinstance(
                report.longrepr, tuple) else report.longrepr)
        elif report.when == "call":
            self.outcome.setdefault(test, "passed")
        if report.when == "teardown":
            self.tell(test=test, outcome=self.outcome.pop(test, "failed"),
                      why=self.why.pop(test, None),
                      figures=report.user_properties)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item, nextitem):
        yield
        if nextitem is None or nextitem.path != item.path:
            now = time.monotonic()
            self.tell(file=item.nodeid.split("::")[0],
                      seconds=now - self.began)
            self.began = now


def pytest_configure(config):
    to = os.environ.get("MXM_REPORT_TO")
    if to:
        config.pluginmanager.register(Reporter(int(to)))
    queue = os.environ.get("MXM_QUEUE")
    if queue:
        config.pluginmanager.register(Queue(int(queue)))
