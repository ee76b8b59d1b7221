# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL that a module may stop, freeze or fill, and a stack on it."""

import pytest

import stack as stack_module
import world


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL of this module's own, which loses no session in a crash."""
    with stack_module.Cluster(production=True) as made:
        yield made


@pytest.fixture(scope="module")
def far(server, request):
    """A stack on it, with the module's SETTINGS."""
    with stack_module.Stack(
            server, template=world.template(server, "catalogue"),
            settings=request.module.SETTINGS) as made:
        yield made
