# SPDX-License-Identifier: GPL-3.0-or-later
"""mxmctl secrets: what is encrypted, where it is written, and that a secret is in
no argument. systemd-creds is a stand-in, except where a private mount namespace
keeps the key of this host out of it."""

import json
import os
import shutil
import subprocess

import pytest

from stack import BUILD, environment

KEY = "0123456789abcdef" * 4
STORE = "etc/credstore.encrypted"
SERVICES = ("mxm-jobs", "mxmd", "moviesxmovies-prune", "moviesxmovies-train")

CREDS = """#!/bin/bash
printf '%s\\n' "$*" >>"$(dirname "$0")/arguments"
[ ! -e "$(dirname "$0")/broken" ] || { echo "no key" >&2; exit 1; }
printf 'encrypted:'; exec base64
"""
RUN = """#!/bin/bash
printf '%s\\n' "$@"
"""


@pytest.fixture
def host(tmp_path):
    """A root directory, and programs of systemd in PATH."""
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    for name, text in (("systemd-creds", CREDS), ("systemd-run", RUN)):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    return tmp_path


def secrets(host, *args, stdin="", path=None):
    env = {**environment(), "PATH": path or f"{host}/bin:/usr/bin:/bin"}
    return subprocess.run(
        [BUILD / "mxmctl", "--config", "/none", "secrets", *args], text=True,
        errors="surrogateescape", input=stdin, capture_output=True, env=env, timeout=60)


def encrypt(host, name="signing_key", stdin=f"{KEY}\n", *more, **options):
    return secrets(host, "encrypt", "--root", host, *more, name, stdin=stdin,
                   **options)


def drop_in(host, service):
    return host / f"etc/systemd/system/{service}.service.d/50-secrets.conf"


def test_a_secret_is_encrypted_for_all_services(host):
    done = encrypt(host)
    assert done.returncode == 0 and "daemon-reload" in done.stdout
    file = host / STORE / "moviesxmovies.signing_key"
    assert file.read_text().startswith("encrypted:")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert encrypt(host, "smtp_password", "pass word\n").returncode == 0
    for service in SERVICES:
        assert drop_in(host, service).read_text() == (
            "# Written by mxmctl secrets.\n[Service]\n"
            "LoadCredentialEncrypted=signing_key:"
            "/etc/credstore.encrypted/moviesxmovies.signing_key\n"
            "LoadCredentialEncrypted=smtp_password:"
            "/etc/credstore.encrypted/moviesxmovies.smtp_password\n")
        assert drop_in(host, service).stat().st_mode & 0o777 == 0o644
    said = (host / "bin/arguments").read_text()
    assert said.splitlines() == [
        "encrypt --name=signing_key --with-key=auto - -",
        "encrypt --name=smtp_password --with-key=auto - -"]
    for text in (said, done.stdout, done.stderr):
        assert KEY not in text


def test_json(host):
    done = encrypt(host, "signing_key", f"{KEY}\n", "--json")
    file = f"{host}/{STORE}/moviesxmovies.signing_key"
    assert json.loads(done.stdout) == {"name": "signing_key",
                                       "encrypted": file}
    done = secrets(host, "remove", "--json", "--root", host, "signing_key")
    assert json.loads(done.stdout) == {"name": "signing_key", "removed": file}


def test_a_secret_is_removed(host):
    encrypt(host)
    encrypt(host, "smtp_password", "x\n")
    assert secrets(host, "remove", "--root", host,
                   "signing_key").returncode == 0
    assert "signing_key" not in drop_in(host, "mxmd").read_text()
    assert secrets(host, "remove", "--root", host,
                   "smtp_password").returncode == 0
    assert not any(drop_in(host, s).exists() for s in SERVICES)
    assert not list((host / STORE).iterdir())
    done = secrets(host, "remove", "--root", host, "smtp_password")
    assert done.returncode == os.EX_NOINPUT and "No such file" in done.stderr


def test_what_fails_leaves_what_was_there(host):
    encrypt(host)
    before = (host / STORE / "moviesxmovies.signing_key").read_text()
    (host / "bin/broken").touch()
    done = encrypt(host, stdin="f" * 40)
    assert done.returncode == os.EX_UNAVAILABLE
    assert "no key" in done.stderr and "--with-key host" in done.stderr
    assert [p.read_text() for p in (host / STORE).iterdir()] == [before]


def test_without_systemd_creds(host):
    done = encrypt(host, path=str(host / "etc"))
    assert done.returncode == os.EX_UNAVAILABLE
    assert "systemd-creds: No such file" in done.stderr
    assert "install" in done.stderr
    assert not list((host / STORE).iterdir())
    assert not drop_in(host, "mxmd").exists()


@pytest.mark.parametrize("name, stdin, status, words", [
    ("signing_kei", KEY, os.EX_USAGE, "did you mean signing_key"),
    ("database", KEY, os.EX_USAGE, "not the name of a secret"),
    ("../x", KEY, os.EX_USAGE, "not the name of a secret"),
    ("signing_key", "short\n", os.EX_DATAERR, "32 to 4096 bytes"),
    ("smtp_password", "\n", os.EX_DATAERR, "1 to 4096 bytes"),
    ("smtp_password", "x" * 4097, os.EX_DATAERR, "1 to 4096 bytes"),
    ("smtp_password", "x" * 9999, os.EX_DATAERR, "more than 4098 bytes"),
    ("smtp_password", "", os.EX_DATAERR, "1 to 4096 bytes"),
    ("signing_key", KEY + "\0" + KEY, os.EX_DATAERR, "must be text"),
    ("signing_key", "\udcff" * 40, os.EX_DATAERR, "must be text"),
])
def test_what_is_refused(host, name, stdin, status, words):
    done = encrypt(host, name, stdin)
    assert done.returncode == status and words in done.stderr
    assert not any((host / "etc").rglob("moviesxmovies.*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.skipif(not shutil.which("systemd-creds"),
                    reason="systemd-creds is not installed")
def test_what_systemd_decrypts_is_used(host):
    """With the real program, and a key of a host that is made for the test."""
    (host / "credentials").mkdir()
    (host / "mxm.conf").write_text("signing_key = short\n")
    (host / "mxm.conf").chmod(0o600)
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-euc", """
            mount -t tmpfs tmpfs /var/lib/systemd
            "$1/mxmctl" secrets encrypt --with-key host --root "$2" signing_key
            systemd-creds --name=signing_key decrypt \
                "$2/etc/credstore.encrypted/moviesxmovies.signing_key" \
                "$2/credentials/signing_key"
            CREDENTIALS_DIRECTORY=$2/credentials \
                "$1/mxmctl" --config "$2/mxm.conf" config --json signing_key
         """, "bash", BUILD, host], env=environment(), text=True,
        input=f"{KEY}\n", capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert (host / "credentials/signing_key").read_text() == KEY
    assert f'"source":"{host}/credentials/signing_key"' in done.stdout
    assert KEY not in done.stdout + done.stderr
    assert KEY.encode() not in (
        host / STORE / "moviesxmovies.signing_key").read_bytes()


def test_another_command_with_the_credentials(host):
    done = secrets(host, "run", "--", "user", "list", "--limit", "3")
    words = done.stdout.splitlines()
    assert "--property=User=moviesxmovies" in words and "--pipe" in words
    assert words[words.index("--"):] == [
        "--", str(BUILD / "mxmctl"), "--config", "/none", "user", "list",
        "--limit", "3"]
    done = secrets(host, "run", "status", path=str(host / "etc"))
    assert done.returncode == os.EX_UNAVAILABLE
    assert "systemd-run: No such file" in done.stderr
