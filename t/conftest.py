# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for all tests.

    cluster   PostgreSQL of this session
    stack     an mxmd behind an nginx, per module; a module may set
                  WORLD = "catalogue"            (default; see lib/world.py)
                  SETTINGS = {"limit_login": 20} (override the test settings)
                  STACK = {"jobs": False}        (options of lib/stack.Stack)
    client    a client without a token
    ana, bob, carla, fay, nina   clients that are logged in

The log tails of the stack are shown for a failing test; the logs are stored in
<build>/test-logs.
"""

import os
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))

import stack as stack_module  # noqa: E402
import world  # noqa: E402
from fake_smtp import FakeSmtp  # noqa: E402

CURRENT = {}


@pytest.fixture(scope="session")
def cluster():
    with stack_module.Cluster() as made:
        yield made


@pytest.fixture(scope="module")
def stack(cluster, request):
    module = request.module
    options = dict(getattr(module, "STACK", {}))
    name = getattr(module, "WORLD", "catalogue")
    template = world.template(cluster, name)
    if name == "movielens" and world.shared_data("ml-latest-small") is None:
        pytest.skip("no shared data: ml-latest-small (set MXM_SHARED)")
    made = stack_module.Stack(cluster, template=template,
                              settings=getattr(module, "SETTINGS", None),
                              **options)
    failed_before = request.session.testsfailed
    CURRENT["stack"] = made
    try:
        yield made.start()
    finally:
        CURRENT.pop("stack", None)
        if request.session.testsfailed > failed_before:
            keep_logs(made, module.__name__)
        made.close()


def keep_logs(made, name):
    target = stack_module.BUILD / "test-logs" / name
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(made.base / "log", target, ignore_dangling_symlinks=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    made = CURRENT.get("stack")
    if report.failed and made is not None:
        report.sections.append(("logs of the stack", made.logs()))


@pytest.fixture
def client(stack):
    return stack.client()


def person(name):
    @pytest.fixture(name=name)
    def logged_in(stack):
        return stack.client(name)
    return logged_in


ana = person("ana")
bob = person("bob")
carla = person("carla")
dora = person("dora")
emil = person("emil")
fay = person("fay")
nina = person("nina")


@pytest.fixture
def mail_server():
    """A mail server without TLS; see lib/fake_smtp.py."""
    with FakeSmtp() as server:
        yield server


@pytest.fixture
def figure(record_property):
    """figure(what, value): a measured figure, printed by ./run check."""
    return record_property


@pytest.fixture(scope="session")
def build():
    """The folder of the programs under test."""
    return stack_module.BUILD


@pytest.fixture(scope="session")
def shared():
    """The shared data folder; skips where there is none."""
    path = os.environ.get("MXM_SHARED", stack_module.ROOT.parent / "shared")
    if not pathlib.Path(path, "data").is_dir():
        pytest.skip(f"no shared data in {path} (set MXM_SHARED)")
    return pathlib.Path(path)
