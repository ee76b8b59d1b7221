# SPDX-License-Identifier: GPL-3.0-or-later
"""mxmctl backup, verify and restore: what is in the file, what is refused, and
that a restore is all or nothing, also under load."""

import copy
import hashlib
import io
import json
import os
import pathlib
import resource
import signal
import stat
import subprocess
import tarfile

import psycopg2
import pytest

import life
import stack as stack_module
import world
from models import publish, version_of
from pictures import encoded, noise
from stack import OWNER, ROOT, wait_until, write_conf

WORLD = "catalogue"
SETTINGS = {"lock_timeout": "500ms", "smtp_password": "of-the-mail-server"}
HEAT = "/api/movies/heat/"
SELF = "/api/users/"
PASSWORD = "Trilobite-lantern-71"
COUNTS = {"accounts": "account", "movies": "movie", "ratings": "rating",
          "reviews": "review"}


def ctl(conf, *args, check=True, **more):
    return stack_module.ctl(conf, list(args), check, **more)


def start(conf, *args, env=None, **more):
    """mxmctl as a process, whose pipes are those of the test."""
    return subprocess.Popen(
        [str(stack_module.BUILD / "mxmctl"), "--config", str(conf),
         *map(str, args)], env=env or stack_module.environment(),
        stderr=subprocess.PIPE, **more)


def refused(done, status, text):
    assert (done.returncode, text in done.stderr) == (status, True), \
        f"{done.returncode} {done.stderr}"
    assert done.stderr.count("\n") == 1 and done.stdout == ""


def counts(cluster, database):
    return {name: cluster.sql(f"SELECT count(*) FROM {table}", None,
                              database)[0][0]
            for name, table in COUNTS.items()}


def files(folder):
    return {str(p.relative_to(folder)): p.read_bytes()
            for p in folder.rglob("*") if p.is_file()}


def picture(client):
    """Gives the account a new picture; the address of its widest file."""
    data = encoded(noise(64, 64))
    r = client.request("PUT", SELF, files={
        "picture": ("p.png", data, "image/png")})
    assert r.status_code == 200, r.text
    return client.get(SELF).json()["picture"].split("/media/")[1]


@pytest.fixture(scope="module")
def backup(stack, tmp_path_factory):
    """A backup of the stack as it is at first, with a picture that fills a
    pipe many times."""
    (stack.media / "movies/covers/big.jpg").write_bytes(os.urandom(1 << 20))
    path = tmp_path_factory.mktemp("backup") / "mxm.tar"
    done = ctl(stack.conf, "backup", path, "--json")
    assert done.stderr == ""
    facts = json.loads(done.stdout)
    assert facts["file"] == str(path) and facts["skipped"] == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return path


class Host:
    """A new host: an empty database and media directory, and a key of its
    own."""

    key = "that-of-a-fresh-installation-0123456789"

    def __init__(self, cluster, base, settings):
        self.cluster = cluster
        self.database = cluster.create()
        self.media = base / "media"
        self.media.mkdir()
        self.key_file = base / "signing.key"
        self.key_file.write_text(self.key + "\n")
        self.key_file.chmod(0o640)
        self.conf = base / "mxm.conf"
        write_conf(self.conf, {
            **settings, **cluster.reach(self.database), "run_dir": base,
            "media_root": self.media, "signing_key": None,
            "signing_key_file": self.key_file})

    def state(self):
        tables = self.cluster.sql(
            "SELECT count(*) FROM pg_class WHERE relnamespace = "
            "'public'::regnamespace", None, self.database)
        return tables, files(self.media), self.key_file.read_text()


@pytest.fixture
def host(cluster, stack, tmp_path):
    made = Host(cluster, tmp_path, stack.settings())
    yield made
    cluster.drop(made.database)


# ------------------------------------------------------------------ backup

def test_what_is_in_it(stack, cluster, backup, tmp_path):
    """Any tar and sha256sum can read it."""
    facts = json.loads(ctl("/none", "verify", backup, "--json").stdout)
    expected = counts(cluster, stack.database)
    assert {name: facts[name] for name in COUNTS} == expected
    assert min(expected.values()) > 0
    assert facts["pictures"] == len(files(stack.media))
    assert facts["missing_migrations"] == 0
    assert facts["host"] == os.uname().nodename
    subprocess.run(["tar", "-xf", backup, "-C", tmp_path], check=True)
    sums = "".join(p.read_text()
                   for p in sorted((tmp_path / "digests").iterdir()))
    done = subprocess.run(["sha256sum", "--strict", "--check"], input=sums,
                          text=True, cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stdout
    assert files(tmp_path / "media") == files(stack.media)
    assert (tmp_path / "keys/signing_key").read_text() == \
        stack.signing_key + "\n"
    assert (tmp_path / "settings/mxm.conf").read_text() == \
        stack.conf.read_text()
    dump = b"".join(p.read_bytes()
                    for p in sorted((tmp_path / "database").iterdir()))
    listed = subprocess.run(["pg_restore", "--list"], input=dump,
                            capture_output=True, check=True).stdout
    assert b"TABLE DATA public account" in listed
    assert b"EXTENSION - pg_trgm" in listed
    first = tarfile.open(backup).next()
    assert first.name == "manifest.json"


def test_verify_prints_what_is_in_it(backup):
    lines = ctl("/none", "verify", backup).stdout.splitlines()
    assert lines[0].startswith("made        20") and lines[-1] == "complete"
    assert any(line.startswith("ratings     ") for line in lines)


def test_standard_output_and_zstd(stack, backup, tmp_path):
    """Smaller, and it is verified from standard input."""
    process = start(stack.conf, "backup", "--zstd", "-",
                    stdout=subprocess.PIPE)
    data, messages = process.communicate()
    assert (process.returncode, messages) == (0, b"")
    assert data[:4] == b"\x28\xb5\x2f\xfd"
    process = start("/none", "verify", "-", "--json", stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE)
    out, _ = process.communicate(data)
    assert process.returncode == 0 and json.loads(out)["movies"] > 0
    process = start("/none", "verify", "-", stdin=subprocess.PIPE)
    messages = process.communicate(data[:-1000])[1]
    assert process.returncode == os.EX_DATAERR and b"standard input" in messages


def test_it_is_complete_or_not_there(stack, backup, tmp_path):
    path = tmp_path / "mxm.tar"
    path.write_text("the last one")

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, 1 << 19))
    process = start(stack.conf, "backup", path, preexec_fn=limited)
    messages = process.communicate()[1]
    assert process.returncode == os.EX_IOERR, messages
    assert b"File too large" in messages and messages.count(b"\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["mxm.tar"]
    assert path.read_text() == "the last one"
    with open("/dev/full", "wb") as full:
        process = start(stack.conf, "backup", "-", stdout=full)
        messages = process.communicate()[1]
    assert process.returncode == os.EX_IOERR
    assert b"No space left on device" in messages
    refused(ctl(stack.conf, "backup", tmp_path, check=False),
            os.EX_CANTCREAT, "is not a regular file")
    refused(ctl(stack.conf, "backup", tmp_path / "none/x", check=False),
            os.EX_CANTCREAT, "No such file or directory")
    refused(ctl(stack.conf, "backup", stack.media / "movies/x", check=False),
            os.EX_CANTCREAT, "in media_root")


def test_links_and_hidden_files_are_left_out(stack, tmp_path):
    folder = stack.media / "movies"
    made = [folder / "link.jpg", folder / ".x.part", folder / "a\nb"]
    made[0].symlink_to("/etc/passwd")
    made[1].write_text("hidden")
    made[2].write_text("two lines")
    accents = folder / "Amélie.jpg"
    accents.write_text("accents")
    try:
        done = ctl(stack.conf, "backup", tmp_path / "mxm.tar", "--json")
    finally:
        for path in (*made, accents):
            path.unlink()
    assert json.loads(done.stdout)["skipped"] == 2
    assert "2 entries are not stored" in done.stderr.replace(
        f"below {stack.media} ", "")
    names = tarfile.open(tmp_path / "mxm.tar").getnames()
    assert "media/movies/Amélie.jpg" in names
    assert not [n for n in names if "link" in n or "part" in n or "\n" in n]
    ctl("/none", "verify", tmp_path / "mxm.tar")


def test_a_picture_that_comes_meanwhile(stack, ana, tmp_path):
    """The dump is made after the backup has begun: it has the row, so the file
    is there. The settings fill the pipe, and all that follows waits."""
    conf = tmp_path / "mxm.conf"
    conf.write_text(stack.conf.read_text() + 9999 * "# a comment of a line\n")
    conf.chmod(0o600)
    process = start(conf, "backup", "-", stdout=subprocess.PIPE)
    head = os.read(process.stdout.fileno(), 1024)
    path = picture(ana)
    data = head + process.communicate()[0]
    assert process.returncode == 0
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        names = tar.getnames()
    assert f"media/{path}" in names


def test_no_password_in_the_process_list(stack, tmp_path):
    """pg_dump is given the connection in its environment."""
    fake = tmp_path / "pg_dump"
    fake.write_text("#!/bin/sh\n"
                    f"printf '%s\\n' \"$@\" >{tmp_path}/arguments\n"
                    f"env >{tmp_path}/environment\n"
                    "echo 'pg_dump: error: not today' >&2\nexit 1\n")
    fake.chmod(0o755)
    conf = tmp_path / "mxm.conf"
    settings = stack.settings()
    settings["database"] += " password=swordfish application_name=other"
    write_conf(conf, settings)
    env = stack_module.environment()
    env["PATH"] = f"{tmp_path}:{env['PATH']}"
    refused(ctl(conf, "backup", tmp_path / "x", check=False, env=env),
            os.EX_DATAERR, "pg_dump failed: not today")
    assert not (tmp_path / "x").exists()
    assert "swordfish" not in (tmp_path / "arguments").read_text()
    given = (tmp_path / "environment").read_text()
    assert "PGPASSWORD=swordfish\n" in given and "PGAPPNAME=other\n" in given
    assert f"PGDATABASE={stack.database}\n" in given


def test_a_backup_that_is_ended(stack, tmp_path):
    """Nothing is left of it, not pg_dump either."""
    fake = tmp_path / "bin/pg_dump"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\necho $$ >{tmp_path}/pid.new\n"
                    f"mv {tmp_path}/pid.new {tmp_path}/pid\nexec sleep 99\n")
    fake.chmod(0o755)
    env = stack_module.environment()
    env["PATH"] = f"{fake.parent}:{env['PATH']}"
    process = start(stack.conf, "backup", tmp_path / "x", env=env)
    pid = tmp_path / "pid"
    wait_until(pid.exists, "pg_dump runs")
    process.terminate()
    assert process.communicate()[1] == b""
    assert process.returncode == 128 + signal.SIGTERM
    assert sorted(os.listdir(tmp_path)) == ["bin", "pid"]
    assert not life.is_there(int(pid.read_text()))


# ------------------------------------------------------------- bad files

def members(path):
    with tarfile.open(path) as tar:
        return [(m, tar.extractfile(m).read()) for m in tar]


def member(name, data=b"x", **more):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


def packed(path, parts, digests=True):
    """Writes members as a backup, with digests that fit unless they are to
    stay."""
    parts = [(copy.copy(m), d) for m, d in parts]
    if digests:
        lines = "".join(
            f"{hashlib.sha256(d).hexdigest()}  {m.name}\n" for m, d in parts
            if not m.name.startswith(("digests/", "end.json")))
        end = json.loads(next(d for m, d in parts if m.name == "end.json"))
        end["members"] = lines.count("\n")
        end["sha256"] = hashlib.sha256(lines.encode()).hexdigest()
        new = {"digests/00000001": lines.encode(),
               "end.json": json.dumps(end).encode()}
        parts = [(m, new.get(m.name, d)) for m, d in parts]
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for info, data in parts:
            if info.isreg() and info.size >= 0:
                info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def edited(parts, name, change):
    """With another content of the member of that name."""
    return [(m, change(d) if m.name == name else d) for m, d in parts]


def newer(key, value):
    def change(data):
        return json.dumps({**json.loads(data), key: value}).encode()
    return change


def position(parts, name):
    return [m.name for m, _ in parts].index(name)


def without(parts, name):
    return [p for p in parts if p[0].name != name]


DAMAGE = {
    "a digest": (lambda p: edited(p, "keys/signing_key", bytes.upper),
                 "the digest of keys/signing_key differs"),
    "a row count": (lambda p: edited(p, "end.json", lambda d: b"{}"),
                    "members are missing or altered"),
    "a member less": (lambda p: without(p, "media/users/default.png"),
                      "damaged"),
    "no database": (lambda p: without(p, "database/00000001"), "damaged"),
    "no end": (lambda p: without(p, "end.json"), "truncated"),
    "no manifest": (lambda p: p[1:], "not a backup of moviesxmovies"),
    "a second manifest": (lambda p: [p[0], p[0], *p[1:]], "second manifest"),
    "more after the end": (lambda p: [*p, member("media/x.jpg")],
                           "a member that no backup has"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage(backup, tmp_path, what):
    change, text = DAMAGE[what]
    path = packed(tmp_path / "x", change(members(backup)), digests=False)
    refused(ctl("/none", "verify", path, check=False), os.EX_DATAERR, text)


@pytest.mark.parametrize("key,value,text", [
    ("format", 2, "made by a newer version"),
    ("schema", 9999, "made by a newer version"),
    ("schema", 0, "not a backup of moviesxmovies"),
    ("program", "other", "not a backup of moviesxmovies"),
    ("host", "a\x1b[2J", "not a backup of moviesxmovies"),
])
def test_manifest(backup, host, tmp_path, key, value, text):
    path = packed(tmp_path / "x", edited(members(backup), "manifest.json",
                                         newer(key, value)))
    before = host.state()
    refused(ctl("/none", "verify", path, check=False), os.EX_DATAERR, text)
    refused(ctl(host.conf, "restore", path, check=False), os.EX_DATAERR, text)
    assert host.state() == before


def test_what_is_no_backup(backup, tmp_path):
    path = tmp_path / "x"
    data = backup.read_bytes()
    for content in (b"", b"\0" * 10240, b"text\n", os.urandom(4096),
                    data[:300], data[:4096], data[:len(data) // 2],
                    data[:-20480], data[512:]):
        path.write_bytes(content)
        done = ctl("/none", "verify", path, check=False)
        assert done.returncode == os.EX_DATAERR, done.stderr
        assert done.stderr.count("\n") == 1
    refused(ctl("/none", "verify", tmp_path / "none", check=False),
            os.EX_NOINPUT, "No such file or directory")


LINK = {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}
HOSTILE = {
    "up": member("media/../../up.jpg"),
    "absolute": member("/media/x.jpg"),
    "slash": member("media//etc/x.jpg"),
    "dot": member("media/./x.jpg"),
    "hidden": member("media/.restore"),
    "hidden inside": member("media/a/.ssh/x"),
    "line": member("media/a\nb.jpg"),
    "NUL": member("x", pax_headers={"path": "media/\0x"}),
    "escape": member("media/a\x1b]0;x.jpg"),
    "backslash": member("media/..\\x.jpg"),
    "long": member("media/" + 1025 * "x"),
    "deep": member("media/" + 9 * "d/" + "x"),
    "empty": member("media/"),
    "symbolic link": member("media/x.jpg", b"", **LINK),
    "hard link": member("media/x.jpg", b"", type=tarfile.LNKTYPE,
                        linkname="media/users/default.png"),
    "device": member("media/x.jpg", b"", type=tarfile.CHRTYPE, devmajor=1,
                     devminor=8),
    "pipe": member("media/x.jpg", b"", type=tarfile.FIFOTYPE),
    "directory": member("media/x", b"", type=tarfile.DIRTYPE),
    "huge": member("x", pax_headers={"path": "media/x.jpg",
                                     "size": str(1 << 62)}),
    "negative": member("x", pax_headers={"path": "media/x.jpg",
                                         "size": "-1"}),
    "sparse": member("x", b"1\n0\n1\n" + 507 * b"\0", pax_headers={
        "GNU.sparse.major": "1", "GNU.sparse.minor": "0",
        "GNU.sparse.name": "media/x.jpg", "GNU.sparse.realsize": "9999999"}),
    "key": member("keys/../x"),
    "key of no setting": member("keys/A"),
    "large key": member("keys/smtp_user", 9000 * b"x"),
    "part": member("database/00000099"),
    "large part": member("database/00000002", bytes((4 << 20) + 1)),
    "other": member("etc/passwd"),
    "key of two lines": member("keys/smtp_user", b"a\nb\n"),
}


def test_hostile_members(backup, host, tmp_path):
    """With digests that fit: refused, and nothing is written, neither in
    media_root nor beside it."""
    parts = members(backup)
    at = position(parts, "database/00000001")
    before, around = host.state(), sorted(os.listdir(tmp_path))
    path = tmp_path / "x"
    for what, hostile in HOSTILE.items():
        place = at + ("part" in what)
        packed(path, [*parts[:place], hostile, *parts[place:]])
        done = ctl(host.conf, "restore", path, check=False)
        assert done.returncode == os.EX_DATAERR, f"{what}: {done.stderr}"
        assert done.stderr.count("\n") == 1
        assert all(ord(c) >= 32 for c in done.stderr[:-1])
        path.unlink()
        assert sorted(os.listdir(tmp_path)) == around
        assert os.listdir(host.media) == []
    assert host.state() == before


# ----------------------------------------------------------------- restore

def rows(cluster, database):
    """All rows of all tables, but those that mxm-jobs and restore write."""
    found = {}
    for (name,) in cluster.sql(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND "
            "relnamespace = 'public'::regnamespace AND relname NOT IN "
            "('job', 'touch', 'trend')", None, database):
        found[name] = sorted(str(r) for r in cluster.sql(
            f"SELECT * FROM {name}", None, database, OWNER))
    return found


def test_restore_into_an_empty_host(stack, cluster, backup, host):
    done = ctl(host.conf, "restore", backup, "--json")
    facts = json.loads(done.stdout)
    assert done.stderr.startswith("mxmctl restore: the backup has no "
                                  "recommendation model")
    assert facts["migrations"] == 0 and facts["key_changed"] is True
    with tarfile.open(backup) as tar:
        expected = {m.name[6:]: tar.extractfile(m).read() for m in tar
                    if m.name.startswith("media/")}
    assert files(host.media) == expected
    assert not list(host.media.glob(".*"))
    assert {stat.S_IMODE(p.stat().st_mode) for p in host.media.rglob("*")
            if p.is_file()} == {0o644}
    assert host.key_file.read_text() == stack.signing_key + "\n"
    assert stat.S_IMODE(host.key_file.stat().st_mode) == 0o640
    assert rows(cluster, host.database).keys() == \
        rows(cluster, stack.database).keys()
    assert {n: facts[n] for n in COUNTS} == counts(cluster, host.database)
    # the role of the programs has its privileges
    ctl(host.conf, "check", "sql")
    assert cluster.sql("DELETE FROM rating RETURNING id", None, host.database,
                       "mxm")
    refused(ctl(host.conf, "restore", backup, check=False), os.EX_DATAERR,
            "--replace destroys")
    refused(ctl(host.conf, "restore", "--replace", backup, check=False),
            os.EX_USAGE, "--yes")
    again = ctl(host.conf, "restore", "--replace", "--yes", backup)
    assert "restored; 0 migrations were applied" in again.stdout
    assert files(host.media) == expected
    assert {n: facts[n] for n in COUNTS} == counts(cluster, host.database)


def test_an_older_schema(stack, cluster, host, tmp_path):
    """Is backed up as it is, and migrated when it is restored."""
    old = cluster.create()
    *migrations, newest = sorted((ROOT / "sql/migrations").iterdir())
    applied = cluster.sql(
        "SELECT number, name, checksum FROM migration WHERE number < %s",
        [int(newest.name[:4])], stack.database, OWNER)
    settings = {**stack.settings(), **cluster.reach(old),
                "smtp_password": "of-an-old-server"}
    write_conf(tmp_path / "old.conf", settings)
    try:
        for path in migrations:
            cluster.sql(path.read_text(), None, old, OWNER)
        cluster.sql("CREATE TABLE migration (number integer PRIMARY KEY, "
                    "name text NOT NULL, checksum text NOT NULL, applied_at "
                    "timestamptz NOT NULL DEFAULT now())", None, old, OWNER)
        for row in applied:
            cluster.sql("INSERT INTO migration VALUES (%s, %s, %s)", row, old,
                        OWNER)
        cluster.sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO mxm; "
                    "GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO mxm",
                    None, old, OWNER)
        ctl(tmp_path / "old.conf", "backup", tmp_path / "old.tar")
    finally:
        cluster.drop(old)
    done = ctl("/none", "verify", tmp_path / "old.tar")
    assert "complete; restore will apply 1 migration\n" in done.stdout
    done = ctl(host.conf, "restore", tmp_path / "old.tar")
    assert "restored; 1 migration was applied\n" in done.stdout
    assert "smtp_password of the backup differs" in done.stderr
    assert "the schema is current" in ctl(host.conf, "migrate",
                                          "--status").stdout
    ctl(host.conf, "check", "sql")


def root_may(cluster):
    try:
        cluster.connect("postgres", user="postgres").close()
    except psycopg2.OperationalError:
        return False
    return True


@pytest.mark.skipif(os.geteuid() != 0, reason="not root")
def test_root_connects_as_the_user_of_the_role(stack, cluster, host, tmp_path):
    """The role postgres is that of the system user postgres, who alone may
    have it; pg_dump runs as that user, too."""
    ident = cluster.data / "pg_ident.conf"
    text = ident.read_text()
    settings = {**stack.settings(),
                "database": cluster.conninfo(stack.database, "postgres")}
    write_conf(tmp_path / "as.conf", settings)
    target = {**settings,
              "media_root": host.media, **cluster.reach(host.database),
              "database_owner": cluster.conninfo(host.database, "postgres")}
    write_conf(tmp_path / "to.conf", target)
    try:
        ident.write_text(text.replace("mxm root postgres\n", ""))
        cluster.process.signal(signal.SIGHUP)
        wait_until(lambda: not root_may(cluster), "the file is read")
        ctl(tmp_path / "as.conf", "backup", tmp_path / "mxm.tar")
        ctl(tmp_path / "to.conf", "restore", tmp_path / "mxm.tar")
        tune = json.loads(ctl(tmp_path / "as.conf", "tune", "--json").stdout)
    finally:
        ident.write_text(text)
        cluster.process.signal(signal.SIGHUP)
        wait_until(lambda: root_may(cluster), "the file is read")
    assert counts(cluster, host.database) == counts(cluster, stack.database)
    assert all(p["now"] for p in tune["proposals"] if p["where"] == "postgresql")


def test_what_does_not_fit(stack, cluster, backup, host, tmp_path):
    """A full disk, a file that ends too early, a database of others, one whose
    tables belong to another role: nothing is changed."""
    before = host.state()

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, 1 << 19))
    process = start(host.conf, "restore", backup, preexec_fn=limited)
    messages = process.communicate()[1]
    assert process.returncode == os.EX_IOERR and b"big.jpg: File too large" in \
        messages
    short = tmp_path / "short"
    short.write_bytes(backup.read_bytes()[:-4096])
    refused(ctl(host.conf, "restore", short, check=False), os.EX_DATAERR,
            "Truncated tar archive")
    assert host.state() == before
    path = packed(tmp_path / "weak", edited(
        members(backup), "keys/signing_key", lambda d: b"short\n"))
    refused(ctl(host.conf, "restore", path, check=False), os.EX_DATAERR,
            "signing key of the backup is too short")
    cluster.sql("CREATE TABLE other ()", None, host.database)
    refused(ctl(host.conf, "restore", "--replace", "--yes", backup,
                check=False), os.EX_DATAERR, "tables of another program")
    cluster.sql("DROP TABLE other", None, host.database)
    assert host.state() == before


def rate(client):
    """Reads and writes of a user, few of them cached."""
    def part():
        stars = 1
        yield "POST", HEAT + "ratings/", {"rating": stars}
        while True:
            stars = stars % 5 + 1
            yield "PUT", HEAT + "ratings/", {"rating": stars}
            yield "GET", HEAT
            yield "GET", SELF
    return [(client.token, part())]


def test_restore_under_load(stack, cluster, ana, bob, carla, fay, backup):
    """What came after the backup is gone from the moment the command returns:
    rows, sessions, cached answers. Meanwhile some requests are answered 503,
    none fails otherwise, and no worker dies."""
    before = {path: ana.get(path).json() for path in (HEAT, SELF)}
    version = publish(stack, seed=1)
    ctl(stack.conf, "backup", "--zstd", stack.base / "now.tar")
    late = stack.client().signup("late", "late@example.org", PASSWORD)
    number = late.get(SELF).json()["id"]
    picture(ana)
    assert publish(stack, seed=2) == version + 1
    wait_until(lambda: version_of(stack.base / "model") == version + 1,
               "the model is here")
    ana.put(SELF, {"first_name": "Later"})
    stack.sql("UPDATE movie SET synopsis = 'later' WHERE slug = 'heat'")
    stack.touched()
    assert ana.get(SELF).json()["first_name"] == "Later"
    kept = files(stack.media)
    parts = rate(ana)
    for client in (bob, carla, fay):
        parts += life.readers(client.token, [HEAT, "/api/movies/"], 1)
    mark = stack.mark()
    with life.Load(stack, parts) as load:
        load.wait_more(40)
        ctl(stack.conf, "restore", "--replace", "--yes",
            stack.base / "now.tar")
        assert late.get(SELF, check=False).status_code in (401, 503)
        wait_until(lambda: ana.get(SELF, check=False).status_code == 200,
                   "sessions of the backup are valid")
        load.wait_more(40)
    ctl(stack.conf, "restore", "--replace", "--yes", "--end-sessions",
        stack.base / "now.tar")
    statuses = load.statuses()
    assert load.faults == []
    assert {s for s in statuses if s >= 500} <= {503}, statuses
    log = stack.log("mxmd", mark)
    assert "was killed" not in log and " exited with status" not in log
    assert late.get(SELF).status_code == ana.get(SELF).status_code == 401
    ana.login("ana", world.PASSWORD)
    assert {path: ana.get(path).json() for path in (HEAT, SELF)} == before
    assert kept.items() <= files(stack.media).items()
    wait_until(lambda: version_of(stack.base / "model") == version,
               "the model of the backup is here")
    again = stack.client().signup("again", "again@example.org", PASSWORD)
    assert again.get(SELF).json()["id"] == number
    assert late.get(SELF).status_code == 401


def shown(stack):
    return {name: data for name, data in files(stack.media).items()
            if not name.startswith(".restore/")}


def restore_until_load(stack, backup, **more):
    """Feeds a restore from a pipe until it has the locks of the tables; gives
    the process."""
    process = start(stack.conf, "restore", "--replace", "--yes", "-",
                    stdin=subprocess.PIPE, **more)
    data = backup.read_bytes()
    with tarfile.open(backup) as tar:
        end = tar.getmember("database/00000001").offset_data + 65536
    process.stdin.write(data[:end])
    process.stdin.flush()
    wait_until(lambda: stack.cluster.sql(
        "SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted "
        "AND locktype = 'relation'"), "the tables are locked")
    return process, data[end:]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_restore_that_is_killed(stack, cluster, ana, backup, number):
    ana.put(SELF, {"first_name": "Now"})
    pictures = shown(stack)
    process, _ = restore_until_load(stack, backup)
    assert (stack.media / ".restore").is_dir()
    process.send_signal(number)
    messages = process.communicate()[1]
    assert process.returncode == (-9 if number == 9 else 128 + number), messages
    wait_until(lambda: ana.get(SELF, check=False).status_code == 200,
               "the locks are released")
    assert ana.get(SELF).json()["first_name"] == "Now"
    assert shown(stack) == pictures
    assert (stack.media / ".restore").exists() == (number == 9)


def test_one_restore_at_a_time(stack, backup, ana):
    process, rest = restore_until_load(stack, backup)
    refused(ctl(stack.conf, "restore", "--replace", "--yes", backup,
                check=False), os.EX_TEMPFAIL, "another restore is running")
    process.stdin.write(rest)
    messages = process.communicate()[1]
    assert process.returncode == 0, messages
    assert not (stack.media / ".restore").exists()
    ctl(stack.conf, "check", "sql")
