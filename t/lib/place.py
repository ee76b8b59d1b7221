# SPDX-License-Identifier: GPL-3.0-or-later
"""A migrated database with settings to reach it, for mxmctl and nothing else."""

import pathlib
import secrets
import subprocess

import stack as stack_module


class Place:
    def __init__(self, cluster, folder):
        self.cluster, self.folder = cluster, pathlib.Path(folder)
        self.database = cluster.create(cluster.template(
            "migrated", stack_module.migrate(cluster)))
        self.media = self.folder / "media"
        self.media.mkdir()
        self.conf = self.folder / "mxm.conf"
        self.configure()

    def configure(self, **more):
        stack_module.write_conf(self.conf, {
            "run_dir": self.folder,
            **self.cluster.reach(self.database),
            "cache_servers": self.folder / "none.sock",
            "media_root": self.media,
            "signing_key": secrets.token_hex(32), **more})

    def start(self, *args):
        """mxmctl in the background."""
        return subprocess.Popen(
            [str(stack_module.BUILD / "mxmctl"), "--config", str(self.conf),
             *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=stack_module.environment())

    def sql(self, text, params=None):
        return self.cluster.sql(text, params, self.database, "mxm")

    def one(self, text):
        (row,) = self.sql(text)
        return row[0] if len(row) == 1 else row
