# SPDX-License-Identifier: GPL-3.0-or-later
"""The nginx site as the package installs it, below a directory of a test.

The site is made by write_site() of debian/moviesxmovies.postinst from the files
that ship, and read by an nginx.conf as that of Debian.  Only directories and
ports differ from an installation.
"""

import os
import re
import shutil
import signal
import socket
import subprocess

from stack import NGINX, ROOT, Process, free_port, make_certificate, wait_until

HOST = "movies.example.net"

# As Debian's nginx-common has it, without comments.
NGINX_CONF = """
%(user)s
worker_processes auto;
pid %(dir)s/nginx.pid;
error_log %(dir)s/error.log;
events { worker_connections 768; }
http {
	sendfile on;
	tcp_nopush on;
	types_hash_max_size 2048;
	include /etc/nginx/mime.types;
	default_type application/octet-stream;
	ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
	ssl_prefer_server_ciphers on;
	access_log %(dir)s/access.log;
	gzip on;
	include %(dir)s/sites-enabled/*;
}
"""

# The function with its surroundings; only $temp is written to.
WRITE_SITE = """
set -eu
mkdir() { :; }
ln() { :; }
manage() { :; }
%s
share=$1 temp=$2 host=$3
write_site ''
"""


def shell_function(script, name):
    """The text of a function of a maintainer script."""
    text = (ROOT / "debian" / f"moviesxmovies.{script}").read_text()
    return re.search(rf"^{name}\(\) \{{\n.*?^\}}\n", text, re.M | re.S)[0]


def write_site(folder, host=HOST, version=None):
    """folder/site, as the package makes it for a host; and for another version of
    nginx than the installed one."""
    share = folder / "share"
    (share / "site").mkdir(parents=True)
    for name in ("mxm.conf", "mxm-port80.conf"):
        shutil.copyfile(ROOT / "nginx" / name, share / "site" / name)
    function = WRITE_SITE % shell_function("postinst", "write_site")
    path = os.environ["PATH"]
    if version:
        (share / "dpkg-query").write_text(f"#!/bin/sh\necho '{version}'\n")
        (share / "dpkg-query").chmod(0o755)
        path = f"{share}:{path}"
    subprocess.run(["sh", "-c", function, "sh", share, folder, host], check=True,
                   env={**os.environ, "PATH": path})
    return folder / "site"


class Site:
    """nginx with the site; stack: whose workers and pictures it serves.

    change(name, old, new) replaces text of an installed file; then start()."""

    def __init__(self, folder, stack=None):
        self.dir, self.stack = folder, stack
        self.conf = folder / "nginx.conf"
        self.files = folder / "moviesxmovies"
        self.port, self.tls_port = free_port(), free_port()
        self.process = Process("nginx", folder / "nginx.log")

    def install(self, host=HOST):
        """Writes all files, as after the installation of the package."""
        (self.dir / "sites-enabled").mkdir()
        self.files.mkdir()
        site = self.dir / "sites-enabled/moviesxmovies"
        site.write_text(self._moved(write_site(self.dir, host).read_text()))
        for file in (ROOT / "nginx").glob("*.conf"):
            text = self._moved(file.read_text())
            (self.files / file.name).write_text(text)
        make_certificate(self.dir)
        user = "user root;" if os.geteuid() == 0 else ""
        self.conf.write_text(NGINX_CONF % {"dir": self.dir, "user": user})
        return self

    def _moved(self, text):
        """With our directories and ports."""
        moves = [("/etc/nginx/", f"{self.dir}/"),
                 ("/var/log/nginx/", f"{self.dir}/"),
                 ("/etc/ssl/certs/ssl-cert-snakeoil", f"{self.dir}/cert"),
                 ("/etc/ssl/private/ssl-cert-snakeoil.key",
                  f"{self.dir}/key.pem")]
        if self.stack:
            moves += [("/run/moviesxmovies/", f"{self.stack.base}/run/"),
                      ("/var/lib/moviesxmovies", f"{self.stack.base}"),
                      ("/usr/share/moviesxmovies;",
                       f"{self.stack.base}/data;")]
        for old, new in moves:
            text = text.replace(old, new)
        for old, new in (("80", self.port), ("443", self.tls_port)):
            text = re.sub(rf"listen {old}(?=[ ;])", f"listen 127.0.0.1:{new}",
                          text)
            text = re.sub(rf"listen \[::\]:{old}(?=[ ;])", f"listen [::1]:{new}",
                          text)
        return text

    def change(self, name, old, new):
        path = self.files / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def test(self):
        """nginx -t: its messages; raises if it refuses the files."""
        done = subprocess.run([NGINX, "-t", "-e", "stderr", "-c", self.conf],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def start(self):
        self.process.start([NGINX, "-e", self.dir / "error.log", "-c",
                            self.conf, "-g", "daemon off;"])
        wait_until(lambda: can_connect(self.tls_port), "nginx answers",
                   alive=self.process)
        return self

    def reload(self):
        """Makes it read changed files; does not wait."""
        self.process.signal(signal.SIGHUP)

    def stop(self):
        self.process.stop()

    def logged(self, request_id):
        """Waits for the line of a request in the access log."""
        log = self.dir / "moviesxmovies.access.log"
        found, = wait_until(
            lambda: [line for line in log.read_text().splitlines()
                     if request_id in line],
            "nginx writes its log", alive=self.process)
        return found


def can_connect(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0
