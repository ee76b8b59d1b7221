# SPDX-License-Identifier: GPL-3.0-or-later
"""A pytest plugin (-p reporter) that reports results to t/run_checks as they arrive:
one JSON object per line, to the descriptor MXM_REPORT_TO.

    {"test": id, "outcome": "passed|failed|skipped", "why": …, "figures": […]}
    {"file": path, "seconds": …}      all of its tests are done
"""

import json
import os
import time

import pytest


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
