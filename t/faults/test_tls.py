# SPDX-License-Identifier: GPL-3.0-or-later
"""What nginx agrees to on the https port: Mozilla's list "intermediate" and
nothing else, with an ECDSA and an RSA certificate; and that the files which
ship are taken by an nginx as Debian installs it, in the order of HACKING."""

import re
import shutil
import subprocess

import pytest

from nginx_site import NGINX_CONF
from stack import NGINX, ROOT, free_port, make_certificate, wait_until

STACK = {"jobs": False}
WORLD = "empty"

SUITES = [kind + rest for kind in ("ECDHE-ECDSA-", "ECDHE-RSA-")
          for rest in ("AES128-GCM-SHA256", "AES256-GCM-SHA384",
                       "CHACHA20-POLY1305")]
SUITES_13 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
             "TLS_CHACHA20_POLY1305_SHA256"]


def known():
    """All suites of TLS 1.2 and below that this OpenSSL can ask for."""
    done = subprocess.run(
        ["openssl", "ciphers", "-tls1_2", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"],
        capture_output=True, text=True, check=True)
    return [s for s in done.stdout.strip().split(":")
            if not s.startswith("TLS_")]


def agreed(stack, *options):
    """The suite that is agreed on, or None."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{stack.tls_port}",
         *options], input="", capture_output=True, text=True, timeout=60)
    found = re.search(r"Cipher is (\S+)", done.stdout)
    assert found, done.stdout + done.stderr
    return None if found[1] == "(NONE)" else found[1]


@pytest.fixture(scope="module", params=["ECDSA", "RSA"])
def certificate(stack, request):
    """Which kind of certificate nginx has."""
    folder = stack.base / "nginx"
    if request.param == "RSA":
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
             "-days", "30", "-subj", "/CN=localhost", "-keyout",
             folder / "key.pem", "-out", folder / "cert.pem"],
            check=True, capture_output=True)
        stack.nginx.stop()
        stack.nginx.start([NGINX, "-e", stack.base / "log/nginx-error.log",
                           "-c", folder / "nginx.conf"])
        wait_until(lambda: stack.status_of("/healthz") == 200,
                   "nginx answers", alive=stack.nginx)
    return request.param


def test_every_suite_of_the_list_works(stack, certificate):
    for suite in SUITES:
        wanted = suite if f"-{certificate}-" in suite else None
        assert agreed(stack, "-tls1_2", "-cipher", suite) == wanted
    for suite in SUITES_13:
        assert agreed(stack, "-tls1_3", "-ciphersuites", suite) == suite


def test_no_other_suite_works(stack, certificate):
    others = set(known()) - set(SUITES)
    assert any("CCM8" in s for s in others)
    assert any("CAMELLIA" in s for s in others)
    # offered together, then (for the message) one that was taken
    suites = ":".join(sorted(others)) + ":@SECLEVEL=0"
    assert agreed(stack, "-tls1_2", "-cipher", suites) is None
    for suite in ("TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"):
        assert agreed(stack, "-tls1_3", "-ciphersuites", suite) is None


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_versions_do_not_work(stack, version):
    assert agreed(stack, version, "-cipher", "ALL:@SECLEVEL=0") is None


def test_no_tickets_and_no_weak_group(stack):
    done = subprocess.run(
        ["openssl", "s_client", "-tls1_2", "-connect",
         f"127.0.0.1:{stack.tls_port}"], input="", capture_output=True,
        text=True, timeout=60)
    assert "Cipher is ECDHE" in done.stdout
    assert "TLS session ticket" not in done.stdout
    assert agreed(stack, "-tls1_3", "-groups", "P-521") is None
    assert agreed(stack, "-tls1_3", "-groups", "X25519")


# ------------------------------------------------- as Debian installs nginx --

@pytest.fixture
def debian(tmp_path):
    """link(name) as in HACKING; test() runs nginx -t."""
    conf, sites = tmp_path / "nginx.conf", tmp_path / "sites-enabled"
    shutil.copytree(ROOT / "nginx", tmp_path / "moviesxmovies",
                    copy_function=shutil.copyfile)
    sites.mkdir()
    conf.write_text(NGINX_CONF % {"dir": tmp_path, "user": ""})
    for file in (tmp_path / "moviesxmovies").glob("*.conf"):
        text = file.read_text()
        for there, here in (("/etc/nginx/", f"{tmp_path}/"),
                            ("/etc/letsencrypt/live/movies.example.org/",
                             f"{tmp_path}/live/"),
                            ("/var/log/nginx/", f"{tmp_path}/")):
            text = text.replace(there, here)
        # ports that anybody may take
        file.write_text(re.sub(r"(?<=listen )(\[::\]:)?(80|443)(?=[ ;])",
                               lambda m: f"{m[1] or ''}{free_port()}", text))

    class Debian:
        folder = tmp_path / "moviesxmovies"

        def link(self, name):
            (sites / name).symlink_to(self.folder / name)

        def certify(self):
            live = tmp_path / "live"
            live.mkdir()
            make_certificate(live)
            (live / "cert.pem").rename(live / "fullchain.pem")
            (live / "key.pem").rename(live / "privkey.pem")

        def test(self):
            done = subprocess.run([NGINX, "-t", "-e", "stderr", "-c", conf],
                                  capture_output=True, text=True)
            assert "[warn]" not in done.stderr or done.returncode, done.stderr
            return done.returncode == 0
    return Debian()


def test_the_order_works(debian):
    debian.link("mxm-port80.conf")
    assert debian.test()  # without any certificate
    debian.link("mxm.conf")
    assert not debian.test()
    debian.certify()
    assert debian.test()


def test_a_front_end_takes_the_root(debian):
    debian.certify()
    debian.link("mxm-http.conf")  # without port 80
    debian.link("mxm.conf")
    text = (debian.folder / "mxm-front.conf").read_text()
    shown = re.findall(r"^#(\t.*)$", text, re.MULTILINE)
    (debian.folder / "mxm-front.conf").write_text("\n".join(shown))
    assert "location / {" in "\n".join(shown) and debian.test()
