# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings: sources, their precedence, and the message for each kind of error:
place, setting, fault and remedy."""

import json
import os
import re
import shlex
import socket
import stat
import struct
import subprocess
import threading

import pytest

from life import run_mxmd
from stack import BUILD, ROOT, environment

KEY = "0123456789abcdef" * 3

SETTINGS = re.findall(
    r'^SETTING\((\w+), (\w+), "([^"]*)", ([^,]*),$',
    (ROOT / "src/settings.def").read_text(), re.M)
TYPE = {name: kind for name, kind, _, _ in SETTINGS}


class Conf:
    """A file of settings, and what mxmctl makes of it."""

    def __init__(self, folder):
        self.folder, self.path = folder, folder / "mxm.conf"
        self.env = {}
        self.write(f"signing_key = {KEY}\n")

    def write(self, text, mode=0o600):
        self.path.write_bytes(text if isinstance(text, bytes)
                              else text.encode())
        self.path.chmod(mode)
        return self

    def keyed(self, text):
        """The text, and after it a good key."""
        return self.write(f"{text}\nsigning_key = {KEY}\n")

    def part(self, name, text, mode=0o600):
        """A file in conf.d."""
        path = self.folder / "conf.d" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def secret(self, name, text, mode=0o600):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    def run(self, *args):
        return subprocess.run(
            [str(BUILD / "mxmctl"), "--config", str(self.path), *args],
            capture_output=True, text=True, timeout=60,
            env={**environment(), **self.env})

    def values(self):
        done = self.run("config", "--json")
        assert done.returncode == 0, done.stderr
        return {k: v["value"] for k, v in json.loads(done.stdout).items()}

    def faults(self):
        """The errors, one per line; mxmd reports the same."""
        done = self.run("check", "--static", "--json")
        found = [f["text"] for f in json.loads(done.stdout)
                 if f["level"] == "failed"]
        assert done.returncode == (78 if found else 0)
        code, text = run_mxmd("--config", self.path, "--check",
                              env={**environment(), **self.env})
        assert code == done.returncode
        for fault in found:
            assert fault in text
        return found

    def fault(self):
        """The only thing that is wrong."""
        found = self.faults()
        assert len(found) == 1, found
        return found[0]


@pytest.fixture
def conf(tmp_path):
    return Conf(tmp_path)


# ------------------------------------------------------------------ values

BAD = {
    "ADDRESS": ("movies", "is not a mail address; write name@host"),
    "BYTES": ("much", "is not a size; write a number of bytes, optionally with K or M"),
    "LEVEL": ("loud", "is not a log level; write error, warning, info or debug"),
    "LIMIT": ("-1", "is not a number; write a whole number, 0 for no limit"),
    "MILLIS": ("5 parsecs", "is not a duration; write a number with ms, s, m, h or "
                            "d, for example 30s"),
    "MODE": ("rw-rw----", "is not a file mode; write three or four octal digits, for "
                          "example 0660"),
    "ORIGIN": ("movies.example.org", "is not an origin; write scheme, host and optional port only"),
    "ORIGINS": ("https://a.org, b.org", "is not an origin; write origins separated by commas"),
    "PATH": ("var/lib", "is not an absolute path; write a path that begins with a slash"),
    "SECONDS": ("soon", "is not a duration; write a number with s, m, h or d, for "
                        "example 60m"),
    "SHARE": ("most of it", "is not a share; write a number from 0 to 1, or 0% "
                            "to 100%"),
    "SMTP": ("localhost:25", "is not the URL of a mail server; write smtp:// or "
                             "smtps://, host and port"),
    "SOCKETS": ("localhost:11211", "is not a list of absolute paths; write absolute paths separated by commas"),
    "SWITCH": ("yes", "is not a switch; write on or off"),
    "TARGET": ("syslog", "is not a log target; write auto, journal or stderr"),
    "TRANSPORT": ("pigeon", "is not a mail transport; write smtp, sendmail or file"),
    "WORKERS": ("many", "is not a number; write a whole number, 0 for "
                        "automatic, at most 1024"),
}
FREE = {"TEXT", "KEY"}  # any text is good


def test_every_type_is_tried_here():
    assert len(SETTINGS) > 30
    assert set(TYPE.values()) == set(BAD) | FREE


def test_each_setting_names_its_line_and_remedy(conf):
    """All errors of one file are reported at once."""
    wrong = [n for n, kind in TYPE.items()
             if kind in BAD and not n.startswith("listen_")
             and n not in ("signing_key_file", "smtp_password_file")]
    conf.keyed("\n".join(f"{n} = {BAD[TYPE[n]][0]}" for n in wrong))
    found = conf.faults()
    for line, name in enumerate(wrong, 1):
        value, words = BAD[TYPE[name]]
        start = f'{conf.path}:{line}: {name}: "{value}" {words}'
        assert any(f.startswith(start) for f in found), start
    assert len(found) == len(wrong)


@pytest.mark.parametrize("name, value, words", [
    ("workers", "1025", "is too large"),
    ("workers", "99999999999999999999", "is not a number"),
    ("workers", "3.5", "is not a number"),
    ("limit_user", "1000001", "is too large"),
    ("limit_user", "٣", "is not a number"),
    ("body_limit", "0", "is not a size"),
    ("body_limit", "2G", "is more than 1G"),
    ("body_limit", "1T", "is not a size"),
    ("body_limit", "", "is not a size"),
    ("access_lifetime", "0s", "is not a whole number of seconds"),
    ("access_lifetime", "1500ms", "is not a whole number of seconds"),
    ("refresh_lifetime", "11000d", "is longer than ten years"),
    ("statement_timeout", "9999999999999999d", "is not a duration"),
    ("request_deadline", "99ms", "is too short; at least 100ms"),
    ("socket_mode", "8", "is not a file mode"),
    ("socket_mode", "4777", "is not a file mode"),
    ("public_origin", "https://a.org/path", "is not an origin"),
    ("public_origin", "ftp://a.org", "is not an origin"),
    ("public_origin", "https://a.org:123456", "is not an origin"),
    ("public_origin", "https://", "is not an origin"),
    ("public_origin", "", "is empty; the default is https://localhost"),
    ("cors_origins", "https://a.org,,https://b.org",
     "has an empty item"),
    ("cors_origins", "*", "is not an origin"),
    ("cache_servers", "/a,b", "is not a list of absolute paths"),
    ("cache_servers", "/" + "x" * 107, "too long for a socket"),
    ("listen_fast", "/" + "x" * 107, "is longer than 107 bytes"),
    ("run_dir", "", "is empty; the default is /run/moviesxmovies"),
    ("database", "", "is empty; the default is dbname=moviesxmovies"),
    ("database", "moviesxmovies",
     'PostgreSQL\'s library does not understand it: missing "=" after '
     '"moviesxmovies" in connection info string; write name=value with blanks '
     "between, for example host=/run/postgresql dbname=moviesxmovies"),
    ("database", "hots=/run dbname=x", 'invalid connection option "hots"'),
    ("database", "dbname='x", "unterminated quoted string"),
    ("database", "postgresql://[::1/x", "in IPv6 host address"),
    ("statement_timeout", "30s",
     "30s is not shorter than request_deadline, 30s, so a worker is killed before PostgreSQL cancels its statement; reduce it, or increase the deadline"),
    ("body_limit", "4095", "4095 is too small, almost all requests would be refused; at least 4K, the default is 64K"),
    ("upload_limit", "1K", "is too small"),
    ("log_level", "INFO", "is not a log level"),
    ("answer_cache", "", "is not a switch"),
    ("mail_from", "a@b@c", "is not a mail address"),
    ("smtp_url", "http://localhost", "is not the URL of a mail server"),
    ("smtp_url", "smtp://", "is not the URL of a mail server"),
    ("smtp_url", "", "is not the URL of a mail server"),
])
def test_values_that_are_no_good(conf, name, value, words):
    conf.keyed(f"# a comment\n\n  {name} =   {value}  ")
    found = conf.faults()
    assert any(f.startswith(f"{conf.path}:3: {name}: ") and words in f
               for f in found), found


@pytest.mark.parametrize("name, value, shown", [
    ("workers", "0", "0"), ("workers", "1024", "1024"),
    ("body_limit", "1G", "1G"), ("body_limit", "12345", "12345"),
    ("body_limit", "64k", "64k"),
    ("access_lifetime", "90", "90"), ("access_lifetime", "2h", "2h"),
    ("access_lifetime", "7000ms", "7000ms"),
    ("statement_timeout", "0", "0"), ("statement_timeout", "250ms", "250ms"),
    ("socket_mode", "600", "600"), ("socket_mode", "0666", "0666"),
    ("public_origin", "HTTPS://Movies.Example.ORG/",
     "https://movies.example.org"),
    ("public_origin", "http://[::1]:8080", "http://[::1]:8080"),
    ("cors_origins", "https://a.org/ ,  http://localhost:5173",
     "https://a.org,http://localhost:5173"),
    ("cors_origins", "", ""),
    ("cache_servers", "/a.sock , /b.sock", "/a.sock,/b.sock"),
    ("cache_servers", "", ""),
    ("mail_from", "movies@localhost", "movies@localhost"),
    ("database", "dbname=x options='-c a=b # not a comment'",
     "dbname=x options='-c a=b # not a comment'"),
    ("database", "postgresql://mxm@[::1]:5433/x?connect_timeout=3",
     "postgresql://mxm@[::1]:5433/x?connect_timeout=3"),
    ("request_deadline", "5001ms", "5001ms"),
    ("upload_limit", "4K", "4K"),
    ("socket_group", "", ""),
    ("smtp_user", "josé", "josé"),
    ("smtp_url", "SMTPS://mail.example.org", "SMTPS://mail.example.org"),
])
def test_values_that_are_good(conf, name, value, shown):
    conf.keyed(f"{name}={value}")
    assert conf.faults() == []
    assert conf.values()[name] == shown


def test_deadlines_that_contradict_name_the_one_that_was_set(conf):
    """The default of the other one is in no line."""
    conf.keyed("\nrequest_deadline = 2s")
    assert conf.fault().startswith(
        f"{conf.path}:2: statement_timeout: 5s is not shorter than "
        "request_deadline, 2s")
    conf.keyed("request_deadline = 2s\nstatement_timeout = 3s")
    assert conf.fault().startswith(f"{conf.path}:2: statement_timeout: 3s is")
    conf.keyed("request_deadline = 2s\nstatement_timeout = 0")
    assert conf.faults() == []


def test_a_connection_string_nobody_understands_starts_nothing(conf):
    """All programs report it, and none connects with it."""
    conf.keyed("database = movies")
    said = f"{conf.path}:1: database: "
    for args in (["config"], ["migrate"], ["check", "sql"], ["status"]):
        done = conf.run(*args)
        assert done.returncode == 78 and said in done.stderr, args
    code, text = run_mxmd("--config", conf.path)
    assert code == 78 and said in text
    done = subprocess.run([str(BUILD / "mxm-jobs"), "--config",
                           str(conf.path)], capture_output=True, text=True,
                          timeout=60, env=environment())
    assert done.returncode == 78 and said in done.stderr


@pytest.mark.parametrize("database", [
    "dbname=x password=pop corn-at-nine", "dbname=x password='corn-at-nine",
    "postgresql://ana:corn-at-nine%zz@h/x", "password=x corn-at-nine=y",
    "postgresql://ana:corn-at-nine@[h/x"])
def test_half_a_password_is_not_told(conf, database):
    conf.keyed(f"database = {database}")
    fault = conf.fault()
    assert "database: PostgreSQL's library does not understand it: " in fault
    assert "corn" not in fault


# ------------------------------------------------------------------- lines

@pytest.mark.parametrize("line, words", [
    ("workers", 'not a setting; write name = value, or begin a comment '
                'with #'),
    ("= 3", "not a setting; write name = value"),
    ("workres = 3", 'there is no setting "workres"; did you mean workers?'),
    ("frobnicate = 3", 'unknown setting "frobnicate"; "mxmctl config" '
                       'lists them'),
    ("Workers = 3", 'there is no setting "Workers"; did you mean workers?'),
    ("workers = 3\nworkers = 4", "workers is already set in line 1; remove one of them"),
    ("smtp_user = a\x07b", "control character in this line"),
])
def test_lines_that_are_no_good(conf, line, words):
    conf.keyed(line)
    last = line.count("\n") + 1
    assert conf.fault().startswith(f"{conf.path}:{last}: {words}")


def test_lines_that_are_no_text(conf):
    conf.write(b"# \xff\nsigning_key = " + KEY.encode() + b"\n")
    assert conf.fault().startswith(f"{conf.path}:1: this line is not text in "
                                   "UTF-8; write it again")
    conf.write(b"smtp_user = a\0b\nsigning_key = " + KEY.encode() + b"\n")
    assert conf.fault().startswith(f"{conf.path}:1: ")


def test_blanks_comments_and_line_ends(conf):
    conf.write(f"\t# comment\r\n\n   \nworkers\t=\t7\r\n  #x = y\n"
               f"signing_key={KEY}")  # and no line feed at the end
    assert conf.values()["workers"] == "7"


def test_a_file_that_cannot_be_read(conf, tmp_path):
    conf.path.unlink()
    found = conf.faults()
    assert found[0].startswith(f"{conf.path}: cannot be read: No such file")
    assert '"mxmctl config --default-file" prints a sample' in found[0]
    conf.path.mkdir()
    assert any(f"{conf.path}: cannot be read: Is a directory" in f
               for f in conf.faults())


# -------------------------------------------------------- conf.d, environment

def test_order(conf):
    """The file, conf.d by name, the environment: the last one wins."""
    conf.keyed("workers = 1\nslow_workers = 1\nlimit_user = 1\nlimit_code = 1")
    conf.part("20-b.conf", "limit_user = 20\nlimit_code = 20\n")
    conf.part("10-a.conf", "slow_workers = 10\nlimit_user = 10\n"
                           "limit_code = 10\n")
    conf.env["MXM_LIMIT_CODE"] = " 30 "
    conf.part(".hidden.conf", "workers = many\n")
    conf.part("30-c.conf~", "workers = many\n")
    conf.part("README", "workers = many\n")
    conf.part(".conf", "workers = many\n")
    got = json.loads(conf.run("config", "--json").stdout)
    part = conf.folder / "conf.d"
    assert {n: (got[n]["value"], got[n]["source"]) for n in
            ("workers", "slow_workers", "limit_user", "limit_code")} == {
        "workers": ("1", f"{conf.path}:1"),
        "slow_workers": ("10", f"{part}/10-a.conf:1"),
        "limit_user": ("20", f"{part}/20-b.conf:1"),
        "limit_code": ("30", "MXM_LIMIT_CODE")}


def test_each_part_is_a_file_of_its_own(conf):
    """A setting may be in several files, but only once in each."""
    conf.keyed("workers = 1")
    conf.part("a.conf", "workers = 2\n")
    path = conf.part("b.conf", "\nworkers = 3\nworkers = 4\n")
    assert conf.fault().startswith(f"{path}:3: workers is already set in line 2")


def test_mistakes_in_parts_and_environment_name_them(conf):
    path = conf.part("mail.conf", "# x\nmail_transport = pigeon\n")
    conf.env.update(MXM_WORKERS="many", MXM_NO_SUCH_SETTING="1")
    found = conf.faults()
    assert len(found) == 2
    assert found[0].startswith(f'{path}:2: mail_transport: "pigeon" is no')
    assert found[1].startswith('MXM_WORKERS: workers: "many" is not a number')


def test_every_setting_can_come_from_the_environment(conf):
    for name, kind, default, _ in SETTINGS:
        conf.env[f"MXM_{name.upper()}"] = KEY if kind == "KEY" else default
    conf.env.pop("MXM_SIGNING_KEY_FILE")
    conf.write("")
    got = json.loads(conf.run("config", "--json").stdout)
    for name in TYPE:
        if name not in ("signing_key_file", "site_origin", "mail_from",
                        "google_redirect_uri", "oidc_label",
                        "oidc_redirect_uri"):
            assert got[name]["source"] == f"MXM_{name.upper()}"


# ----------------------------------------------------------------- secrets

def test_a_secret_in_a_file_for_everybody(conf):
    conf.write(f"workers = 1\nsigning_key = {KEY}\n", 0o644)
    fault = conf.fault()
    assert fault.startswith(f"{conf.path}:2: signing_key: this file is world-readable; "
                            f'run "chmod o= {conf.path}", or use '
                            "signing_key_file")
    assert KEY not in fault
    subprocess.run(shlex.split(re.search('"(chmod[^"]*)"', fault)[1]),
                   check=True)
    assert conf.faults() == []


def test_a_file_for_everybody_without_a_secret(conf):
    conf.secret("signing.key", KEY)
    conf.write(f"signing_key =\nsigning_key_file = {conf.folder}/signing.key",
               0o644)
    assert conf.faults() == []


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o400])
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_a_secret_in_a_file_of_its_own(conf, mode, end):
    path = conf.secret("signing.key", KEY + end, mode)
    conf.write(f"signing_key_file = {path}\n", 0o644)
    assert conf.faults() == []
    got = json.loads(conf.run("config", "--json").stdout)
    assert got["signing_key"] == {"value": "(hidden)", "source": str(path)}


@pytest.mark.parametrize("text, mode, words", [
    (KEY, 0o644, 'this secret is accessible to all users (mode 0644); run "chmod '
                 'o= '),
    (KEY, 0o602, "this secret is accessible to all users (mode 0602); run"),
    ("x" * 4097, 0o600, "is too long for a secret; at most 4096 bytes"),
    (b"\xff" * 40, 0o600, 'a secret must be text; "openssl rand -hex 32" '
                          "generates one"),
    ("", 0o600, "signing_key: is missing"),
    ("short\n", 0o600, "signing_key: is too short"),
])
def test_files_with_secrets_that_are_no_good(conf, text, mode, words):
    path = conf.secret("signing.key", text, mode)
    conf.write(f"signing_key_file = {path}\n")
    fault = conf.fault()
    assert fault.startswith(f"{path}: {words}")
    if text == KEY:  # it is not to be replaced
        assert "openssl rand" not in fault


@pytest.mark.parametrize("name, command", [
    ("signing_key", "openssl rand -hex 32"), ("smtp_password", "cat")])
def test_a_file_with_a_secret_that_is_not_there(conf, name, command):
    file = conf.folder / "none.key"
    conf.write(f"{name}_file = {file}\n" if name == "signing_key" else
               f"signing_key = {KEY}\n{name}_file = {file}\n")
    assert conf.fault() == (
        f"{file}: cannot be read: No such file or directory; run \"(umask 027; "
        f'{command} >{file})" as root, then "chgrp moviesxmovies {file}"')


def test_a_secret_and_a_file_with_it(conf):
    path = conf.secret("signing.key", KEY)
    conf.keyed(f"signing_key_file = {path}")
    assert conf.fault().startswith(
        f"{conf.path}:1: signing_key_file is set, and signing_key in "
        f"{conf.path}:2 too; remove one of them")


def test_credentials_of_the_service_manager(conf):
    """They come first; systemd is responsible for their mode."""
    folder = conf.folder / "credentials"
    folder.mkdir()
    (folder / "signing_key").write_text(KEY)
    (folder / "signing_key").chmod(0o444)
    (folder / "smtp_password").write_text("pass word\n")
    conf.env["CREDENTIALS_DIRECTORY"] = str(folder)
    conf.write("")
    assert conf.faults() == []
    got = json.loads(conf.run("config", "--json").stdout)
    assert got["signing_key"]["source"] == f"{folder}/signing_key"
    assert got["smtp_password"]["source"] == f"{folder}/smtp_password"
    conf.write("smtp_password_file = /nonexistent/password\n"
               "signing_key_file = /nonexistent/key\n")
    done = conf.run("check", "--static")
    assert done.returncode == 0, done.stdout
    got = json.loads(conf.run("config", "--json").stdout)
    assert got["signing_key"]["source"] == f"{folder}/signing_key"
    assert got["smtp_password"]["source"] == f"{folder}/smtp_password"
    (folder / "signing_key").chmod(0o644)
    (folder / "signing_key").write_text("short")
    conf.write("")
    assert conf.fault().startswith(f"{folder}/signing_key: signing_key: is "
                                   "too short")


class Postgres:
    """Requires a password and takes none; the last one is in password."""

    def __init__(self, folder):
        self.password = None
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(f"{folder}/.s.PGSQL.5432")
        self.server.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as data:
                data.read(struct.unpack("!i", data.read(4))[0] - 4)
                connection.sendall(b"R" + struct.pack("!ii", 8, 3))
                if data.read(1) == b"p":
                    size = struct.unpack("!i", data.read(4))[0]
                    self.password = data.read(size - 4)[:-1].decode()
                connection.sendall(b"E" + struct.pack("!i", 30)
                                   + b"SFATAL\0C28P01\0Mwrong pass\0\0")


@pytest.mark.parametrize("database", [
    "host={folder} dbname=x user=me password=other sslmode=disable",
    "postgresql://me:other@/x?host={folder}&sslmode=disable"])
def test_the_password_of_the_database_is_a_secret(conf, tmp_path_factory,
                                                  database):
    folder = tmp_path_factory.mktemp("pg")
    password = "it's a \\ pass=word'"
    server = Postgres(folder)
    path = conf.secret("database.secret", password + "\n")
    conf.keyed(f"database = {database.format(folder=folder)}\n"
               f"database_password_file = {path}")
    done = conf.run("jobs", "count")
    server.server.close()
    assert done.returncode == os.EX_UNAVAILABLE
    assert server.password == password
    for text in (done.stderr, conf.run("config").stdout):
        assert password not in text


@pytest.mark.parametrize("key, good", [
    ("", False), ("x", False), ("x" * 31, False), ("x" * 32, True),
    ("é" * 15, False), ("é" * 16, True), (" " * 40, False)])
def test_length_of_the_key(conf, key, good):
    conf.write(f"signing_key = {key}\n")
    found = conf.faults()
    assert (found == []) == good
    if not good:
        assert "at least 32 bytes are required" in found[0]


def test_the_command_that_makes_a_key_works(conf):
    conf.write("workers = 1\n")
    fault = conf.fault()
    command = re.search(r'run "(.*)" as root, then "chgrp moviesxmovies \S+/'
                        r'signing.key", and set (\S+ = \S+)$', fault)
    assert command, fault
    subprocess.run(["sh", "-c", command[1]], check=True)
    conf.write(command[2] + "\n")
    assert conf.faults() == []
    made = conf.folder / "signing.key"
    assert stat.S_IMODE(made.stat().st_mode) == 0o640
    assert len(made.read_text().strip()) == 64


def test_secrets_are_not_told(conf):
    """Not by config, not by check, not by mxmd; good or bad."""
    conf.secret("smtp", "hunter-two-hunter")
    conf.write(f"signing_key = tiny-secret\nsmtp_password_file = "
               f"{conf.folder}/smtp\ndatabase = dbname=x password=pg-secret\n")
    text = "".join(conf.faults()) + run_mxmd("--config", conf.path)[1]
    conf.write(conf.path.read_text().replace("tiny-secret", KEY))
    for args in (["config"], ["config", "--json"], ["config",
                 "--non-default"], ["check"], ["check", "--json"],
                 ["status"], ["config", "--default-file"]):
        done = conf.run(*args)
        text += done.stdout + done.stderr
    for secret in ("tiny-secret", KEY, "hunter-two", "pg-secret"):
        assert secret not in text


# ------------------------------------------------- what follows from others

def test_values_that_follow_from_others(conf):
    conf.keyed("run_dir = /run/mxm\npublic_origin = "
               "https://movies.example.org:8443\nlisten_slow = slow/mxm")
    got = conf.values()
    assert got["listen_fast"] == "/run/mxm/fast.sock"
    assert got["listen_slow"] == "/run/mxm/slow/mxm"
    assert got["site_origin"] == "https://movies.example.org:8443"
    assert got["mail_from"] == "moviesxmovies@movies.example.org"


def test_mails_into_a_folder_need_one(conf):
    conf.keyed("mail_transport = file")
    assert conf.fault() == (
        f"{conf.path}: mail_dir: is empty, but mail_transport = file writes to it; set a directory")


def test_a_run_dir_too_deep_for_sockets(conf):
    conf.keyed("run_dir = /" + "x" * 100)
    found = conf.faults()
    assert {f.split(": ")[1] for f in found} == {"listen_fast", "listen_slow"}
    assert all("use a shorter directory" in f for f in found)


def test_bad_settings_start_nothing(conf):
    conf.keyed(f"run_dir = {conf.folder}\nworkers = many")
    code, text = run_mxmd("--config", conf.path)
    assert code == 78
    assert f'{conf.path}:2: workers: "many" is not a number' in text
    assert "not started" in text
    assert sorted(os.listdir(conf.folder)) == ["mxm.conf"]


def test_the_manual_page_has_them_all():
    page = (ROOT / "man/mxm.conf.5").read_text()
    for name, _, default, _ in SETTINGS:
        assert re.search(rf"^\.It .*\b{name}\b", page, re.M), name
        assert default in page


def test_a_file_without_an_end(conf):
    """A device, or a log written over the settings, must not eat the memory."""
    conf.path.unlink()
    conf.path.symlink_to("/dev/zero")
    done = conf.run("check", "--static")
    assert done.returncode == 78
    assert f"{conf.path}: is too long for settings; at most 1048576 bytes" \
        in done.stdout


def test_a_part_without_an_end(conf):
    place = conf.part("10.conf", "")
    place.unlink()
    place.symlink_to("/dev/zero")
    assert conf.fault() == \
        f"{place}: is too long for settings; at most 1048576 bytes"


def test_the_longest_file(conf):
    begin = f"signing_key = {KEY}\n"
    conf.write(begin + "#" * ((1 << 20) - len(begin)))
    assert conf.faults() == []
    conf.write(begin + "#" * ((1 << 20) - len(begin) + 1))
    assert len(conf.faults()) == 1
