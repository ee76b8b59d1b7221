# SPDX-License-Identifier: GPL-3.0-or-later
"""The bare program (bare.c) beside mxmd, behind the nginx of a stack."""

import re
import subprocess

from stack import ROOT, Process, answers, wait_until

STATEMENT = "movie_detail"

# As the pools of mxmd have it (nginx/mxm-http.conf).
UPSTREAM = """
upstream mxm_bare {{
	server unix:{socket} max_fails=0;
	keepalive 64;
	keepalive_requests 100000;
	keepalive_timeout 60s;
}}
"""


class Bare:
    """with Bare(stack, build, processes, slug) as bare: … bare.url"""

    def __init__(self, stack, build, processes, slug):
        self.stack, self.build = stack, build
        self.processes = processes
        self.path = f"/bare/{slug}/"
        self.socket = stack.base / "bare.sock"
        self.process = Process("bare", stack.base / "log/bare.log")
        self.before = {}

    def __enter__(self):
        subprocess.run(["make", "-s", "-C", str(self.build), "t/bench/bare"],
                       check=True)
        stack = self.stack
        file = stack.base / "bare.sql"
        file.write_text(stack.ctl(["sql", "show", STATEMENT]).stdout)
        self.process.start([
            self.build / "t/bench/bare", self.socket, self.processes,
            stack.cluster.conninfo(stack.database), stack.tls_url, file,
            *self.values()])
        wait_until(lambda: answers(self.socket), "the bare program starts",
                   alive=self.process)
        self.add_path()
        return self

    def __exit__(self, *_):
        for path, text in self.before.items():
            path.write_text(text)
        self.stack.reload_nginx("/healthz")
        self.process.kill()

    def values(self):
        """Of the parameters, in the order of the statement's header."""
        text = (ROOT / "sql/movies.sql").read_text()
        header = re.search(rf"(?m)^-- name: {STATEMENT} .*\((.*)\)$", text)
        known = {"language": "en", "origin": self.stack.tls_url,
                 "slug": "@path", "movie": "@path"}
        return [known[part.split()[0]] for part in header[1].split(",")]

    def add_path(self):
        """To the nginx of the stack, which asks the program in its way."""
        folder = self.stack.base / "nginx"
        for name, text in (
                ("mxm-http.conf", UPSTREAM.format(socket=self.socket)),
                ("mxm-map.conf", f'"GET {self.path}" mxm_bare;\n')):
            path = folder / name
            self.before[path] = path.read_text()
            path.write_text(self.before[path] + text)
        self.stack.reload_nginx(self.path)

    @property
    def url(self):
        return self.stack.url + self.path
