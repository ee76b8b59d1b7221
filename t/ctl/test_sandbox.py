# SPDX-License-Identifier: GPL-3.0-or-later
"""Every program in the sandbox of its systemd unit (t/lib/sandbox.py): it starts
with the command of the unit and does its work, so that a unit does not forbid
what a program needs; and the sandbox does forbid the rest. What they open
meanwhile is compared with their AppArmor profiles."""

import os
import pwd
import re
import shutil
import subprocess
import sys
import uuid

import pytest

from apparmor_rules import Profile, needed
from fake_smtp import FakeSmtp
from pictures import corners, encoded
from queue_tools import hasten, queue, wait_state
from stack import BUILD, ROOT, answers, environment, wait_until
from unit_file import Unit

try:
    import seccomp  # noqa: F401
except ImportError:
    seccomp = None

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not seccomp or not shutil.which("systemd-analyze"),
                       reason="python3-seccomp or systemd is not installed"),
    pytest.mark.skipif(not shutil.which("strace"),
                       reason="strace is not installed")]

WORLD = "ana-and-friends"
STACK = {"web": False, "jobs": False}
UNITS = ROOT / "systemd"
USER = "nobody"  # stands for moviesxmovies
BOB = 2

# What the unit calls it, and what it is here.
HERE = (("/usr/sbin/", f"{BUILD}/"), ("/etc/moviesxmovies/mxm.conf", "{conf}"),
        ("/run/mxm-cache/", "{base}/run/"), ("$MEGABYTES", "64"))


@pytest.fixture(autouse=True, scope="module")
def files_of_the_service(stack):
    """The user of the service owns what is its in an installation, and nothing
    else."""
    stack.base.chmod(0o755)
    stack.configure(limits_file=stack.base / "run/limits",
                    model_file=stack.base / "run/model")
    for folder in ("run", "media", "mail"):
        own(stack.base / folder)
    os.chmod(stack.cache_socket, 0o777)


def own(path):
    me = pwd.getpwnam(USER)
    for each in (path, *path.rglob("*")):
        os.chown(each, me.pw_uid, me.pw_gid)


# The tracer is no parent of the process, which has its own number.
TRACE = ["strace", "-D", "-f", "-q", "-y", "--seccomp-bpf", "-s", "4096", "-e",
         "trace=%file,%process,connect,bind", "-o"]


def traced(stack, unit, program, *options):
    folder = stack.base / "trace"
    folder.mkdir(exist_ok=True)
    number = len(list(folder.iterdir()))
    return [*TRACE, folder / f"{number}-{unit}",
            *sandbox(stack, unit, program, *options)]


def sandbox(stack, unit, program, *options):
    write = ("run", "media", "mail") if Unit(UNITS / unit).words(
        "RuntimeDirectory") else ()
    return [sys.executable, ROOT / "t/lib/sandbox.py", UNITS / unit,
            "--user", USER, "--show", ROOT, "--show", BUILD,
            "--show", stack.base, "--show", stack.cluster.run,
            *[o for folder in write
              for o in ("--write", stack.base / folder)],
            *options, "--", *program]


def command(stack, unit, key="ExecStart", number=0):
    text = Unit(UNITS / unit).all(key)[number]
    for there, here in HERE:
        text = text.replace(there, here.format(conf=stack.conf, base=stack.base))
    return text.split()


def settle(stack, **settings):
    stack.configure(**settings)
    own(stack.conf)


def run(stack, unit, program, *options, start=traced):
    done = subprocess.run(
        list(map(str, start(stack, unit, program, *options))),
        env=environment(), capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def start(stack, process, unit, *options):
    """As the unit does: what is checked before, then the program."""
    settle(stack)
    for key in ("ExecStartPre", "ExecReload"):
        for i, line in enumerate(Unit(UNITS / unit).all(key)):
            if "mxmctl" in line:
                status, text = run(stack, unit, command(stack, unit, key, i))
                assert status == 0, text
    process.start(traced(stack, unit, command(stack, unit), *options),
                  env=environment())


def test_mxmd_serves_and_decodes_a_picture(stack):
    sockets = [f"{pool}={stack.base}/run/{pool}.sock"
               for pool in ("fast", "slow")]
    start(stack, stack.mxmd, "mxmd.service", "--listen", sockets[0],
          "--listen", sockets[1])
    try:
        stack.wait_ready()
        ana = stack.client("ana")  # a password, in the slow pool
        assert ana.get("/api/movies/").status_code == 200
        name = "p" + uuid.uuid4().hex[:12]
        r = stack.client().request(
            "POST", "/api/auth/signup/", data={
                "username": name, "email": f"{name}@example.org",
                "password": "Trilobite-lantern-71", "first_name": "Nora",
                "last_name": "Nowak"},
            files={"picture": ("me.png", encoded(corners()), "image/png")})
        assert r.status_code == 200, r.text
        picture = re.sub("^https?://[^/]*", "", r.json()["picture"])
        assert stack.status_of(picture) == 200  # nginx may read it
        settle(stack, workers="many")  # a reload ends before the signal
        status, text = run(stack, "mxmd.service",
                           command(stack, "mxmd.service", "ExecReload"))
        assert status == os.EX_CONFIG and 'workers: "many"' in text
        assert stack.mxmd.stop() == 0
    finally:
        stack.mxmd.kill()
        settle(stack, workers=2)
        for each in ("fast", "slow"):
            (stack.base / f"run/{each}.sock").unlink(missing_ok=True)
    assert "ot permitted" not in stack.log()
    assert "Read-only" not in stack.log()
    # what is private is private, what nginx reads is not
    assert all(p.stat().st_mode & 0o044 for p in stack.media.rglob("*"))
    assert not (stack.base / "run/mxm.shm").stat().st_mode & 0o077


def test_jobs_send_mail_import_and_delete_what_has_expired(stack):
    with FakeSmtp() as server:
        settle(stack, mail_transport="smtp", smtp_url=server.url)
        stack.sql("INSERT INTO job (name, state, finished_at)"
                  " VALUES ('expired', 'done', now() - interval '1 year')")
        start(stack, stack.jobs, "mxm-jobs.service")
        try:
            wait_state(stack, queue(stack, "mail_reset", {"account_id": BOB}),
                       "done")
            wait_until(lambda: stack.value(
                "SELECT count(*) FROM job WHERE name = 'expired'") == 0,
                "prune has run", alive=stack.jobs)
            # conversions are modules of the C library, loaded when needed
            text = "Const,Your Rating,Title,Year\ntt1,5,Améliorée,2001\n"
            job = queue(stack, "history", run_at="2100-01-01")
            stack.sql("INSERT INTO history (user_id, job_id, name, file, dry_run,"
                      " replace) VALUES (%s, %s, '', %s, false, false)",
                      [BOB, job, text.encode("cp1252")])
            hasten(stack, job)
            wait_state(stack, job, "done")
            assert stack.value("SELECT report #>> '{skipped,first,0,title}'"
                               "  FROM history") == "Améliorée"
            assert stack.jobs.stop() == 0
        finally:
            stack.jobs.kill()
            settle(stack, mail_transport="file", smtp_url=None)
        assert ["bob@example.org"] in [m.recipients for m in server.mails]


def test_the_timer_deletes_what_has_expired(stack):
    stack.sql("DELETE FROM job")
    stack.sql("INSERT INTO job (name, state, finished_at)"
              " VALUES ('expired', 'done', now() - interval '1 year')")
    settle(stack)
    unit = "moviesxmovies-prune.service"
    status, text = run(stack, unit, command(stack, unit))
    assert status == 0, text
    assert stack.value("SELECT count(*) FROM job WHERE name = 'expired'") == 0


def test_training_publishes_a_model(stack):
    stack.sql("INSERT INTO movie (slug, title, release_date) SELECT 'm' || i,"
              " 'm', '2000-01-01' FROM generate_series(1, 20) AS i")
    stack.sql("INSERT INTO rating (user_id, movie_id, rating)"
              " SELECT a.id, m.id, 1 + (a.id + m.id) % 5"
              "   FROM account AS a CROSS JOIN movie AS m"
              "     ON CONFLICT DO NOTHING")
    settle(stack)
    unit = "moviesxmovies-train.service"
    status, text = run(stack, unit, command(stack, unit))
    assert status == 0, text
    assert stack.value("SELECT count(*) FROM model"
                       " WHERE published_at IS NOT NULL") == 1


def test_the_cache_answers(stack):
    unit = "mxm-cache.service"
    process = stack._process("mxm-cache")
    process.start(sandbox(stack, unit, command(stack, unit), "--write",
                          stack.base / "run"), env=environment())
    try:
        wait_until(lambda: answers(stack.base / "run/memcached.sock"),
                   "memcached starts", alive=process)
    finally:
        process.stop()


PROBE = """
import errno, mmap, os, socket
def attempt(name, call):
    try:
        call()
        print(name, "allowed")
    except OSError as e:
        print(name, errno.errorcode[e.errno])
attempt("internet", lambda: socket.socket(socket.AF_INET))
attempt("unix", lambda: socket.socket(socket.AF_UNIX))
attempt("write", lambda: open("/etc/x", "w"))
attempt("temporary", lambda: open("/tmp/x", "w"))
attempt("chown", lambda: os.chown("/tmp/x", 0, 0))
attempt("suid", lambda: os.chmod("/tmp/x", 0o4755))
attempt("machine code", lambda: mmap.mmap(-1, 4096, prot=7))
attempt("priority", lambda: os.nice(-1))
attempt("other processes", lambda: open("/proc/1/status"))
attempt("memory of the host", lambda: open("/proc/meminfo"))
attempt("device", lambda: open("/dev/kmsg"))
status = open("/proc/self/status").read()
print("capabilities", int(status.split("CapBnd:")[1].split()[0], 16))
"""

FORBIDDEN = {"internet": "EAFNOSUPPORT", "unix": "allowed", "write": "EROFS",
             "temporary": "allowed", "chown": "EPERM", "suid": "EPERM",
             "machine code": "EPERM", "priority": "EPERM",
             "other processes": "ENOENT", "memory of the host": "ENOENT",
             "device": "ENOENT", "capabilities": "0"}


def test_the_drop_in_for_a_remote_database_allows_the_network(stack):
    status, text = run(stack, "moviesxmovies-prune.service",
                       [sys.executable, "-c", PROBE], "--drop-in",
                       ROOT / "doc/examples/remote-database.conf",
                       start=sandbox)
    assert status == 0, text
    assert "internet allowed" in text


@pytest.mark.parametrize("unit, allowed", [
    ("mxmd.service", []), ("mxm-jobs.service", ["internet"]),
    ("moviesxmovies-prune.service", []),
    ("moviesxmovies-train.service", ["memory of the host"]),
    ("mxm-cache.service", [])])
def test_the_rest_is_forbidden(stack, unit, allowed):
    status, text = run(stack, unit, [sys.executable, "-c", PROBE],
                       start=sandbox)
    assert status == 0, text
    found = dict(line.rsplit(" ", 1) for line in text.splitlines())
    assert found == {**FORBIDDEN, **{name: "allowed" for name in allowed}}


PROFILES = {"mxmd": "usr.sbin.mxmd", "mxm-jobs": "usr.sbin.mxm-jobs",
            "mxm-image": "usr.sbin.mxm-image", "mxmctl": "usr.sbin.mxmctl",
            "train": "moviesxmovies-train"}


def installed(stack):
    """From a path here to the one of an installation."""
    places = [(str(there), to) for there, to in (
        (stack.base / "run", "/run/moviesxmovies"),
        (stack.base / "media", "/var/lib/moviesxmovies/media"),
        (stack.cache_socket, "/run/mxm-cache/memcached.sock"),
        (stack.conf, "/etc/moviesxmovies/mxm.conf"),
        (stack.cluster.run, "/run/postgresql"), (BUILD, "/usr/sbin"),
        (ROOT, "/usr/share/moviesxmovies"))]

    def translate(path):
        for there, to in places:
            if path == there or path.startswith(there + "/"):
                return to + path[len(there):]
        return re.sub("^/proc/(self|[0-9]+)/", "/proc/1234/",
                      os.path.realpath(path) if "/proc/" not in path else path)
    return translate


def test_the_profiles_allow_what_the_programs_opened(stack):
    """All the tests above have been traced."""
    profiles = {name: Profile(ROOT / "apparmor" / file)
                for name, file in PROFILES.items()}
    seen, refused = set(), set()
    for trace in sorted((stack.base / "trace").iterdir()):
        wait_until(lambda: "+++ exited" in trace.read_text(errors="replace")
                   [-80:].rpartition("\n")[0].rpartition("\n")[2],
                   "strace has written all")
        for program, path, letters in needed(trace, BUILD, installed(stack)):
            name = "train" if "-train." in trace.name else program
            seen.add(program)
            if not profiles[name].allows(path, letters):
                refused.add((name, path, letters))
    assert seen == {"mxmd", "mxm-jobs", "mxm-image", "mxmctl"}
    assert not refused, "\n".join(map(str, sorted(refused)))


@pytest.mark.parametrize("name", ["mxmd", "mxm-jobs", "mxm-image", "train"])
def test_the_profiles_forbid_the_rest(name):
    profile = Profile(ROOT / "apparmor" / PROFILES[name])
    for path, letters in (("/etc/shadow", "r"), ("/root/.ssh/id_rsa", "r"),
                          ("/etc/moviesxmovies/mxm.conf", "w"),
                          ("/usr/bin/dash", "x"), ("/usr/sbin/mxmd", "w"),
                          ("/home/user/file", "r"), ("/var/www/x", "r")):
        assert not profile.allows(path, letters), path
