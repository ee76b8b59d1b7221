# SPDX-License-Identifier: GPL-3.0-or-later
"""mxmctl check: its messages for a degraded system, the time limit of checks,
and its messages without permissions."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

import stack as stack_module
from stack import BUILD, wait_until, write_conf

SETTINGS = {"workers": 2, "slow_workers": 1}
OF_THE_TESTS = "fsync or full_page_writes is off"  # as lib/stack.py starts it


def check(stack, folder, status, env=None, **changed):
    """The lines of mxmctl check with changed settings: {what: (level, text)}"""
    conf = folder / "changed.conf"
    write_conf(conf, {**stack.settings(), **changed})
    done = stack_module.ctl(conf, "check", check=False, env=env)
    assert done.returncode == status, done.stdout + done.stderr
    lines = re.findall(r"^(\w+) +(\w+) +(.*)$", done.stdout, re.M)
    return {what: (level, text) for level, what, text in lines
            if level != "ok" and not text.startswith(OF_THE_TESTS)}


# ---------------------------------------------------------------- warnings

def test_an_origin_that_was_not_set(stack, tmp_path):
    found = check(stack, tmp_path, 0, public_origin=None)
    assert found.pop("public_origin") == (
        "warning", "is not set; URLs of pictures and links begin with "
        f"https://localhost; set public_origin in {tmp_path}/changed.conf")
    assert not found


def test_a_default_picture_that_is_missing(stack, tmp_path):
    """It is served from media_root, or from where it was installed."""
    shutil.copytree(stack.media, tmp_path / "media")
    (tmp_path / "media/users/default.png").unlink()
    env = {**stack_module.environment(), "MXM_DATADIR": str(tmp_path / "data")}
    root = tmp_path / "media"
    found = check(stack, tmp_path, 0, env=env, media_root=root)
    level, text = found.pop("pictures")
    assert level == "warning" and "users/default.png: No such file" in text
    assert not found
    assert not check(stack, tmp_path, 0, media_root=root)
    # a copy is enough, too
    stack_module.ctl(tmp_path / "changed.conf", "pictures")
    assert not check(stack, tmp_path, 0, env=env, media_root=root)


def test_a_setting_without_effect(stack, tmp_path):
    """What conf.d sets wins; that among files of conf.d is no fault."""
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/a.conf").write_text("limit_user = 7\nlimit_write = 7\n")
    (tmp_path / "conf.d/b.conf").write_text("limit_write = 8\n")
    found = check(stack, tmp_path, 0, limit_user=5, limit_write=None)
    place = f"{tmp_path}/changed.conf"
    line = [text.split(" ")[0] for text in
            pathlib.Path(place).read_text().splitlines()].index("limit_user") + 1
    assert found == {"settings": (
        "warning", f"{place}:{line}: limit_user has no effect, because "
        f"{tmp_path}/conf.d/a.conf:1 overrides it; change it there")}


@pytest.mark.parametrize("sender, good", [
    (None, False), ("movies@localhost", False), ("movies@host", False),
    ("movies@nas.local", False), ("m@example.org", True)])
def test_a_sender_that_nobody_knows(stack, tmp_path, mail_server, sender, good):
    found = check(stack, tmp_path, 0, mail_transport="smtp",
                  smtp_url=mail_server.url, mail_from=sender)
    assert ("mail_from" in found) is not good
    assert good or re.search(r"set mail_from \(/\S+/changed.conf",
                             found["mail_from"][1])


def test_a_log_in_without_tls(stack, tmp_path, mail_server):
    found = check(stack, tmp_path, 69, mail_transport="smtp",
                  smtp_url=mail_server.url, smtp_user="u", smtp_password="p")
    level, text = found["mail"]
    assert level == "FAILED"
    assert "mails are sent only over TLS" in text and "set smtp_url" in text
    assert "AUTH" not in mail_server.verbs()


def test_a_password_without_a_user(stack, tmp_path, mail_server):
    found = check(stack, tmp_path, 0, mail_transport="smtp",
                  smtp_url=mail_server.url, smtp_password="p")
    assert set(found) == {"smtp_user"}


# ------------------------------------------------------------ the secrets

def test_a_key_that_can_be_guessed(stack, tmp_path):
    found = check(stack, tmp_path, 0, signing_key="kkkkabcd" * 5)
    assert found["key"] == (
        "warning", "has only 5 different characters, so it can be guessed and "
        'tokens forged; "openssl rand -hex 32" generates one '
        f"({found['key'][1].split('(')[1]}")
    assert set(found) == {"key"}


def test_a_secret_that_its_group_can_change(stack, tmp_path):
    (tmp_path / "secret").write_text("x")
    (tmp_path / "secret").chmod(0o660)
    found = check(stack, tmp_path, 77, translate_key_file=tmp_path / "secret")
    assert found["translate_key_file"][0] == "FAILED"
    assert f'run "chmod g-w {tmp_path}/secret"' in found["translate_key_file"][1]


def test_a_password_that_everybody_can_read(stack, tmp_path):
    (tmp_path / "conf.d").mkdir()
    extra = tmp_path / "conf.d/a.conf"
    extra.write_text(f"database = {stack.settings()['database']} password=x\n")
    extra.chmod(0o644)
    found = check(stack, tmp_path, 77, database=None)
    assert found["database"] == (
        "FAILED", f"{extra} is world-readable and has a password; run "
        f'"chmod o= {extra}"')


# -------------------------------------------------------------- the server

@pytest.mark.parametrize("change, undo, status, words", [
    ("UPDATE pg_extension SET extname = 'x' WHERE extname = 'unaccent'",
     "UPDATE pg_extension SET extname = 'unaccent' WHERE extname = 'x'", 65,
     ("FAILED", "unaccent: missing")),
    ("UPDATE pg_extension SET extversion = '1.0' WHERE extname = 'pg_trgm'",
     "UPDATE pg_extension SET extversion = (SELECT default_version FROM "
     "pg_available_extensions WHERE name = 'pg_trgm') WHERE extname = 'pg_trgm'",
     0, ("warning", "-c 'ALTER EXTENSION pg_trgm UPDATE'"))],
    ids=["missing", "outdated"])
def test_extensions(stack, tmp_path, change, undo, status, words):
    stack.cluster.sql(change, database=stack.database)
    try:
        found = check(stack, tmp_path, status)
    finally:
        stack.cluster.sql(undo, database=stack.database)
    assert set(found) == {"extensions"}
    assert found["extensions"][0] == words[0]
    assert words[1] in found["extensions"][1]
    assert not check(stack, tmp_path, 0)


def test_a_replica_that_is_none(stack, tmp_path):
    found = check(stack, tmp_path, 0,
                  database_replica=stack.settings()["database"])
    level, text = found.pop("replica")
    assert level == "warning" and "the server is not a standby; " in text
    assert "database_replica in " in text and not found


def test_more_workers_than_connections(stack, tmp_path):
    found = check(stack, tmp_path, 0, workers=900)
    assert re.match(r"during a reload this host may need 1818 of the \d+ that ",
                    found["connections"][1])
    assert '"mxmctl tune" proposes' in found["connections"][1]


def test_an_operating_system_that_sorts_differently(stack):
    """In a database of its own, whose sort order has a version."""
    text = stack.ctl("sql show server_facts").stdout.rstrip().rstrip(";")
    cluster, name = stack.cluster, f"{stack.database}_icu"
    cluster.sql(f"CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu"
                " ICU_LOCALE 'und'")
    try:
        changed = f"SELECT collation_changed FROM ({text}) AS facts"
        assert cluster.sql(changed, database=name) == [(False,)]
        cluster.sql("UPDATE pg_database SET datcollversion = '1' "
                    "WHERE datname = %s", (name,))
        assert cluster.sql(changed, database=name) == [(True,)]
    finally:
        cluster.sql(f"DROP DATABASE {name}")


@pytest.mark.skipif(not shutil.which("faketime"), reason="needs faketime")
@pytest.mark.parametrize("offset, status, words", [
    ("-10s", 0, ("warning", "is 10 s behind that of the database server")),
    ("+1h", 69, ("FAILED", "is 3600 s ahead of that of the database server"))])
def test_a_clock_that_is_wrong(stack, offset, status, words):
    if "libasan" in subprocess.run(["ldd", BUILD / "mxmctl"], text=True,
                                   capture_output=True).stdout:
        pytest.skip("AddressSanitizer must be loaded first")
    done = subprocess.run(
        ["faketime", "-f", offset, BUILD / "mxmctl", "--config", stack.conf,
         "check"], capture_output=True, text=True,
        env=stack_module.environment())
    found = dict(re.findall(r"^(\w+) +clock +(.*)$", done.stdout, re.M))
    assert done.returncode == status or "mxm-jobs" in done.stdout
    assert words[1] in found[words[0]]


# ---------------------------------------------------------- sockets, nginx

def test_a_socket_that_is_open_to_all(stack, tmp_path):
    path = pathlib.Path(stack.settings()["run_dir"]) / "fast.sock"
    mode = path.stat().st_mode
    path.chmod(0o666)
    try:
        found = check(stack, tmp_path, 77)
    finally:
        path.chmod(mode & 0o777)
    assert found["sockets"][0] == "FAILED"
    assert "set SocketMode=0660 by systemctl edit" in found["sockets"][1]


def test_the_files_of_nginx(stack, tmp_path):
    ours = tmp_path / "nginx/moviesxmovies"
    ours.mkdir(parents=True)
    env = {**stack_module.environment(), "MXM_NGINX_DIR": str(ours.parent)}
    run = stack.settings()["run_dir"]
    site = ours.parent / "sites-enabled/site"
    site.parent.mkdir()
    (ours.parent / "nginx.conf").write_text(
        "user nobody;\nevents {\n worker_connections 8192;\n}\n")
    found = check(stack, tmp_path, 77, env=env)
    assert found["nginx_site"] == (
        "warning", "is not enabled, so nginx does not serve it; ln -s "
        f"../sites-available/moviesxmovies {site.parent}/ && systemctl reload nginx")
    assert "mxm-map.conf is missing" in found["nginx_map"][1]
    assert f"mxmctl nginx-map >{ours}/mxm-map.conf" in found["nginx_map"][1]
    assert found["nginx_user"][0] == "FAILED"
    assert "nobody, the user of nginx, cannot connect" in found["nginx_user"][1]

    site.write_text("server {\n include moviesxmovies/mxm-site.conf;\n}\n")
    (ours.parent / "nginx.conf").write_text(
        "events {\n worker_connections 8192;\n}\n")
    (ours / "mxm-map.conf").write_text(stack.ctl("nginx-map").stdout)
    http = (stack_module.ROOT / "nginx/mxm-http.conf").read_text()
    (ours / "mxm-http.conf").write_text(http)
    (ours / "mxm-site.conf.dpkg-dist").write_text("")
    found = check(stack, tmp_path, 0, env=env)
    assert set(found) == {"nginx_socket", "unmerged"}
    assert f"does not name {run}/slow.sock" in found["nginx_socket"][1]
    assert f"diff -u {ours}/mxm-site.conf {ours}/mxm-site.conf.dpkg-dist" \
        in found["unmerged"][1]

    (ours / "mxm-http.conf").write_text(
        http.replace("/run/moviesxmovies", str(run)))
    (ours / "mxm-site.conf.dpkg-dist").unlink()
    assert not check(stack, tmp_path, 0, env=env)
    (ours / "mxm-map.conf").write_text("# older\n")
    found = check(stack, tmp_path, 0, env=env)
    assert "mxm-map.conf is of another release" in found["nginx_map"][1]


@pytest.mark.parametrize("pid, found", [
    ("1", set()), ("999999999", {"nginx_site"}), (None, {"nginx_site"})])
def test_nginx_that_is_not_running(stack, tmp_path, pid, found):
    site = tmp_path / "nginx/conf.d/site.conf"
    site.parent.mkdir(parents=True)
    site.write_text("include moviesxmovies/mxm-site.conf;\n")
    ours = tmp_path / "nginx/moviesxmovies"
    ours.mkdir()
    (ours / "mxm-map.conf").write_text(stack.ctl("nginx-map").stdout)
    file = tmp_path / "nginx.pid"
    (tmp_path / "nginx/nginx.conf").write_text(
        f"pid {file};\nevents {{\n worker_connections 8192;\n}}\n")
    if pid:
        file.write_text(pid + "\n")
    env = {**stack_module.environment(), "MXM_NGINX_DIR": str(tmp_path / "nginx")}
    assert set(check(stack, tmp_path, 69 if found else 0, env=env)) == found


def test_the_files_of_nginx_that_are_missing(stack, tmp_path):
    site = tmp_path / "sites-enabled/site"
    site.parent.mkdir()
    site.write_text("include moviesxmovies/mxm-site.conf;\n")
    env = {**stack_module.environment(), "MXM_NGINX_DIR": str(tmp_path)}
    level, text = check(stack, tmp_path, 78, env=env)["nginx_site"]
    assert level == "FAILED" and f"{tmp_path}/moviesxmovies is missing" in text


def test_pictures_that_nginx_cannot_read(stack, tmp_path):
    ours, media = tmp_path / "nginx/moviesxmovies", tmp_path / "media"
    ours.mkdir(parents=True)
    (tmp_path / "nginx/nginx.conf").write_text(
        "user nobody;\nevents {\n worker_connections 8192;\n}\n")
    env = {**stack_module.environment(), "MXM_NGINX_DIR": str(ours.parent)}
    fast = pathlib.Path(stack.settings()["run_dir"]) / "fast.sock"
    for mode, known in ((0o711, False), (0o2750, True)):
        media.mkdir(exist_ok=True)
        media.chmod(mode)
        mode_of_socket = os.stat(fast).st_mode
        os.chmod(fast, 0o666)
        try:
            found = check(stack, tmp_path, 77, env=env, media_root=media)
        finally:
            os.chmod(fast, mode_of_socket & 0o777)
        assert ("nginx_user" in found) is known
    assert "nobody, the user of nginx, cannot read the pictures in " \
        f"{media} (mode 2750, group " in found["nginx_user"][1]


def test_before_a_start_nothing_else_is_needed(tmp_path):
    """--static: no database, no network, no process, no directory."""
    conf = tmp_path / "mxm.conf"
    write_conf(conf, {"signing_key": "0123456789abcdef" * 2,
                      "public_origin": "https://movies.example.org",
                      "run_dir": "/nowhere", "media_root": "/nowhere",
                      "database": "host=/nowhere dbname=x",
                      "cache_servers": "/nowhere/x",
                      "smtp_url": "smtp://192.0.2.1"})
    done = subprocess.run(
        ["unshare", "--net", *([] if os.geteuid() == 0 else ["-r"]),
         BUILD / "mxmctl", "--config", conf, "check", "--static"],
        capture_output=True, text=True, env=stack_module.environment())
    assert done.returncode == 0, done.stdout + done.stderr
    assert not re.search("^(warning|FAILED)", done.stdout, re.M)


# -------------------------------------------------------------- the jobs

def test_jobs_that_failed_and_jobs_that_wait(stack, tmp_path):
    insert = ("INSERT INTO job (name, state, attempts, run_at, finished_at) "
              "VALUES ('of_a_later_release', %s, 1, "
              "now() - interval '1 hour', %s)")
    try:
        stack.sql(insert, ("failed", "2026-01-01"))
        found = check(stack, tmp_path, 0)
        assert found["queue"][0] == "warning"
        assert '"mxmctl jobs list failed"' in found["queue"][1]
        stack.sql("DELETE FROM job WHERE name = 'of_a_later_release'")
        stack.sql(insert, ("queued", None))  # unknown to this version
        found = check(stack, tmp_path, 69)
        assert found["queue"] == (
            "FAILED", "a job has been overdue for 60 min; check that "
            "mxm-jobs is running: systemctl status mxm-jobs")
    finally:
        stack.sql("DELETE FROM job WHERE name = 'of_a_later_release'")
    assert not check(stack, tmp_path, 0)


def test_mxm_jobs_that_is_dead(stack, tmp_path):
    assert not check(stack, tmp_path, 0)
    stack.jobs.signal(signal.SIGKILL)
    stack.jobs.popen.wait()
    try:
        found = wait_until(lambda: check_any(stack), "it is noticed", 120)
        assert "systemctl restart mxm-jobs" in found
    finally:
        stack.start_jobs()
    wait_until(lambda: not check_any(stack), "it is back", 60)


@pytest.fixture(autouse=True)
def at_work(stack):
    """mxm-jobs has done its first round."""
    wait_until(lambda: not check_any(stack), "mxm-jobs is running", 60)


def check_any(stack):
    done = json.loads(stack.ctl("--json check", check=False).stdout)
    return " ".join(f["text"] for f in done
                    if f["what"] == "jobs" and not f["ok"])


def test_a_socket_without_mxmd_behind_it(stack, tmp_path):
    """As systemd holds them when mxmd does not start."""
    run = tmp_path / "run"
    run.mkdir()
    with socket.socket(socket.AF_UNIX) as a, socket.socket(socket.AF_UNIX) as b:
        for s, name in ((a, "fast.sock"), (b, "slow.sock")):
            s.bind(str(run / name))
            s.listen(8)
        found = check(stack, tmp_path, 69, run_dir=run)
    assert found["sockets"] == (
        "FAILED", "are open, but mxmd is not running; systemctl status mxmd")


# --------------------------------------------------------------- the model

def test_a_model_that_is_not_here(stack, tmp_path):
    if not stack.value("SELECT count(*) FROM model"):
        stack.ctl("recommend train --quiet")
    assert stack.value("SELECT count(*) FROM model WHERE published_at "
                       "IS NOT NULL") > 0
    stack.sql("UPDATE model SET published_at = now() - interval '1 hour'")
    found = check(stack, tmp_path, 0, model_file=tmp_path / "model")
    assert set(found) == {"model"}
    assert found["model"][0] == "warning"
    assert "check that mxm-jobs is running and can write there" in found["model"][1]


# ------------------------------------------------------------------- room

IN_NAMESPACE = ["unshare", "--mount", "--propagation", "private", "sh", "-ec"]


def may_mount():
    return os.geteuid() == 0 and subprocess.run(
        [*IN_NAMESPACE, "mount -t tmpfs none /mnt"],
        capture_output=True).returncode == 0


@pytest.mark.skipif(not may_mount(), reason="needs root, to mount a small disk")
@pytest.mark.parametrize("options, status, words", [
    ("size=200m", 0, "only 200 MB are left"),
    ("size=1m", 69, "the disk is full"),
    ("size=200m,nr_inodes=1", 69, "the disk is full"),
    ("ro", 69, "is mounted read-only")])
def test_a_disk_without_room(stack, tmp_path, options, status, words):
    media = tmp_path / "media"
    media.mkdir()
    conf = tmp_path / "mxm.conf"
    write_conf(conf, {**stack.settings(), "media_root": media})
    done = subprocess.run(
        [*IN_NAMESPACE, f"mount -t tmpfs -o {options} none {media}; "
         f"exec {BUILD}/mxmctl --config {conf} check"],
        capture_output=True, text=True, env=stack_module.environment())
    assert done.returncode == status, done.stdout + done.stderr
    assert words in re.search(r"^\w+ +media +(.*)$", done.stdout, re.M)[1]


# ------------------------------------------------------------ nothing hangs

def test_a_mail_server_that_says_nothing(stack, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        found = check(stack, tmp_path, 69, mail_transport="smtp", smtp_url=url)
    assert found["mail"][0] == "FAILED" and "smtp_url" in found["mail"][1]


def test_a_database_that_says_nothing(stack, tmp_path):
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / ".s.PGSQL.5432"))
        silent.listen(64)
        found = check(stack, tmp_path, 69,
                      database=f"host={tmp_path} dbname=x user=y")
    assert found["database"][0] == "FAILED"


def test_a_file_that_never_ends(stack, tmp_path):
    """A pipe in place of a file represents a hanging system call."""
    (tmp_path / "moviesxmovies").mkdir()
    os.mkfifo(tmp_path / "nginx.conf")
    began = time.monotonic()
    found = check(stack, tmp_path, 69, env={
        **stack_module.environment(), "MXM_NGINX_DIR": str(tmp_path)})
    assert time.monotonic() - began < 300  # it ends at all
    assert found["nginx"] == (
        "FAILED", "no answer within 12 s; check whether the disk, the mount or "
        "the server hangs")


def test_it_changes_nothing(stack, tmp_path):
    def state():
        files = sorted((p, p.stat().st_mtime_ns) for p in
                       stack.media.rglob("*"))
        return files, stack.sql("SELECT * FROM migration ORDER BY number")
    before = state()
    stack.ctl("check")
    assert state() == before


# -------------------------------------------------- without permissions

@pytest.mark.parametrize("command", ["check", "migrate", "migrate --status",
                                     "jobs list", "import demo",
                                     "recommend show", "check sql"])
def test_root_is_told_whom_to_be(stack, tmp_path, command):
    """The settings name no role, as by default: it is the system's user."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    conf = tmp_path / "mxm.conf"
    write_conf(conf, {**stack.settings(), "database_owner": "", "database":
                      f"host={stack.cluster.run} dbname={stack.database}"})
    done = stack_module.ctl(conf, command, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 69
    first = command.split()[0]
    assert f"run it as moviesxmovies: runuser -u moviesxmovies -- mxmctl " \
           f"--config {conf} {first}" in said


def test_the_owner_of_a_missing_database(stack, tmp_path):
    conf = tmp_path / "mxm.conf"
    write_conf(conf, {**stack.settings(), "database":
                      f"host={stack.cluster.run} dbname=nope user=mxm",
                      "database_owner":
                      f"host={stack.cluster.run} dbname=nope user=mxm-boss"})
    done = stack_module.ctl(conf, "check", check=False)
    assert "createdb -O mxm-boss -T template0" in done.stdout
    done = stack_module.ctl(conf, "migrate", check=False)
    assert done.returncode == 69
    assert "runuser -u mxm-boss -- mxmctl migrate" in done.stderr


@pytest.mark.parametrize("database, words", [
    ("dbname=nope user=mxm", "create it: runuser -u postgres -- createdb -O mxm "
     "-T template0 -E UTF8 -l C.UTF-8 nope; or correct the setting `database`"),
    ("dbname=postgres user=nobody_here", "run it as nobody_here: "),
    ("dbname=postgres user=mxm port=1", "systemctl status postgresql")])
def test_what_is_missing_is_named_with_its_command(stack, tmp_path, database,
                                                   words):
    conf = tmp_path / "mxm.conf"
    write_conf(conf, {**stack.settings(), "database_owner": "", "database":
                      f"host={stack.cluster.run} {database}"})
    for command in ("migrate", "check"):
        done = stack_module.ctl(conf, command, check=False)
        assert done.returncode == 69
        assert words in done.stdout + done.stderr


def test_a_wrong_password(stack, tmp_path):
    hba = stack.cluster.data / "pg_hba.conf"
    good = hba.read_text()
    cluster = stack.cluster
    cluster.sql("CREATE ROLE pw LOGIN PASSWORD 'right'")
    try:
        hba.write_text("local all pw scram-sha-256\n" + good)
        cluster.sql("SELECT pg_reload_conf()")
        conf = tmp_path / "mxm.conf"
        said = None
        for database in ("password=hunter2", ""):
            write_conf(conf, {**stack.settings(), "database_owner": "", "database":
                              f"host={cluster.run} dbname=postgres user=pw "
                              f"{database}"})

            def message():
                done = stack_module.ctl(conf, "migrate", check=False)
                said = done.stderr
                return said if "password" in said else None
            said = wait_until(message, "the server asks for a password")
            assert "correct the password in the setting `database`" in said
            assert "psql -c '\\password pw'" in said
            assert "hunter2" not in said
    finally:
        hba.write_text(good)
        cluster.sql("SELECT pg_reload_conf()")
        cluster.sql("DROP ROLE pw")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be another")
@pytest.mark.parametrize("closed", ["mxm.conf", "key", "conf.d/10.conf"])
def test_files_that_an_ordinary_user_may_not_read(tmp_path, closed):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/10.conf").write_text("workers = 2\n")
    (tmp_path / "key").write_text("k" * 40)
    (tmp_path / "mxm.conf").write_text(f"signing_key_file = {tmp_path}/key\n")
    for name in ("mxm.conf", "conf.d/10.conf", "key"):
        (tmp_path / name).chmod(0o640)
        if name != closed:
            shutil.chown(tmp_path / name, "nobody", "nogroup")
    shutil.copy(BUILD / "mxmctl", tmp_path / "mxmctl")
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    done = subprocess.run(
        ["setpriv", "--reuid", "nobody", "--regid", "nogroup",
         "--clear-groups", str(tmp_path / "mxmctl"), "--config",
         str(tmp_path / "mxm.conf"), "migrate"],
        capture_output=True, text=True, cwd="/", env={})
    assert done.returncode == 78
    assert f"{tmp_path}/{closed}: cannot be read: Permission denied; user nobody " \
        "has no access; run this as moviesxmovies: sudo -u moviesxmovies" \
        in done.stderr
