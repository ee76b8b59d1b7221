# SPDX-License-Identifier: GPL-3.0-or-later
"""A migrated database for each module, which a module may fill."""

import pytest

import stack as stack_module


@pytest.fixture(scope="module")
def database(cluster):
    name = cluster.create(cluster.template("migrated",
                                           stack_module.migrate(cluster)))
    yield name
    cluster.drop(name)
