# SPDX-License-Identifier: GPL-3.0-or-later
"""Small named worlds: what a stack's database holds before the first test.

    empty            the schema
    ana-and-friends  members (t/fixtures/people.sql)
    catalogue        members, movies, ratings (and t/fixtures/catalogue.sql)
    demo             what "mxmctl import demo" brings
    movielens        a MovieLens directory, see shared_data()

Each is made once per session as a template database and then cloned.
"""

import os
import pathlib
import secrets
import tempfile

import stack

FIXTURES = stack.ROOT / "t/fixtures"

# The password of all users in people.sql.
PASSWORD = "Popcorn-at-nine-42"

SCRIPTS = {
    "empty": (),
    "ana-and-friends": ("people.sql",),
    "catalogue": ("people.sql", "catalogue.sql"),
}


def shared_data(name):
    """A folder of data that does not come with the source, or None."""
    shared = pathlib.Path(os.environ.get("MXM_SHARED",
                                         stack.ROOT.parent / "shared"))
    path = shared / "data" / name
    return path if path.is_dir() else None


def template(cluster, name, media=None):
    """What Stack() wants as its template for the world of that name."""
    if name in SCRIPTS:
        return name, lambda database: run_scripts(cluster, database, name)
    if name == "demo":
        return name, lambda database: run_import(cluster, database,
                                                 ["demo"], media)
    if name == "movielens":
        folder = shared_data("ml-latest-small")
        return name, lambda database: run_import(
            cluster, database, ["movielens", str(folder)], media)
    raise KeyError(f"no world is called {name!r}")


def run_scripts(cluster, database, name):
    for script in SCRIPTS[name]:
        cluster.sql((FIXTURES / script).read_text(), None, database,
                stack.OWNER)
    cluster.sql("ANALYZE", None, database,
                stack.OWNER)


def run_import(cluster, database, what, media):
    with tempfile.TemporaryDirectory(prefix="mxm-",
                                     dir=stack.temporary()) as folder:
        conf = pathlib.Path(folder) / "mxm.conf"
        stack.write_conf(conf, {
            "run_dir": folder,
            **cluster.reach(database),
            "cache_servers": f"{folder}/none.sock",
            "media_root": media or folder,
            "signing_key": secrets.token_hex(32),
        })
        stack.ctl(conf, ["import", *what], timeout=300)
    cluster.sql("ANALYZE", None, database,
                stack.OWNER)
