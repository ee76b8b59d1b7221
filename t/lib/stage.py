#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine to try an installation by hand on: this one's files, and nothing of it
is changed.

    stage.py FOLDER      plays FOLDER/play.sh in FOLDER/src
    stage.py --possible  can that be done here?

Namespaces of their own hold mounts, processes and the network; /usr, /etc and
/var are overlays that forget, /run is empty. There is no systemd and no
network: what the commands ask of systemctl, apt-get and certbot is done by this file
under those names. Everything ends with the process that began it.
"""

import fcntl
import os
import pathlib
import pwd
import grp
import re
import shutil
import socket
import struct
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve()
sys.path.insert(0, str(HERE.parent))

from fake_smtp import FakeSmtp  # noqa: E402
from stack import wait_until  # noqa: E402

UNITS = pathlib.Path("/usr/lib/systemd/system")
NAME = "movies.example.org"
CLEAN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
         "HOME": "/root", "CFLAGS": "-O0", "MAKEFLAGS": "-j2"}


def run(*args, **more):
    return subprocess.run([str(a) for a in args], check=True, **more)


# ------------------------------------------------------------------ building

def mounts(folder):
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "tmpfs", "none", folder)
    for name in ("usr", "etc", "var"):
        upper, work = folder / name, folder / f"{name}.work"
        upper.mkdir()
        work.mkdir()
        run("mount", "-t", "overlay", "overlay", "-o",
            f"lowerdir=/{name},upperdir={upper},workdir={work}", f"/{name}")
    run("mount", "-t", "tmpfs", "none", "/run")
    run("mount", "-t", "proc", "none", "/proc")


def network():
    """The loopback device is up, and there is no other."""
    with socket.socket() as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 1 | 64))


def bare():
    """What an earlier installation on this machine left is not here."""
    for path in ("/etc/moviesxmovies", "/etc/nginx/moviesxmovies",
                 "/var/lib/moviesxmovies", "/usr/share/moviesxmovies"):
        shutil.rmtree(path, ignore_errors=True)
    for path in pathlib.Path("/etc/nginx/sites-enabled").glob("mxm*"):
        path.unlink()
    for name in ("passwd", "shadow", "group", "gshadow"):
        path = pathlib.Path("/etc", name)
        if path.exists():
            path.write_text(re.sub(r"(?m)^moviesxmovies:.*\n", "",
                                   path.read_text()))


def postgres():
    """A cluster as Debian's package makes it where no locale is set."""
    for folder in ("/etc/postgresql", "/var/lib/postgresql"):
        run("mount", "-t", "tmpfs", "-o", "mode=755", "none", folder)
        shutil.chown(folder, "postgres", "postgres")
    os.makedirs("/run/postgresql", exist_ok=True)
    shutil.chown("/run/postgresql", "postgres", "postgres")
    os.chmod("/run/postgresql", 0o2775)
    run("pg_createcluster", "15", "main", "--start", "--", "--no-sync",
        stdout=subprocess.DEVNULL)


def stand_ins():
    for name in ("systemctl", "apt-get", "certbot", "make"):
        path = pathlib.Path("/usr/local/sbin", name)
        path.unlink(missing_ok=True)
        path.write_text(f'#!/bin/sh\nexec {sys.executable} {HERE} '
                        f'--as {name} "$@"\n')
        path.chmod(0o755)


def play(folder):
    stage = folder / "stage"
    stage.mkdir()
    mounts(stage)
    network()
    bare()
    postgres()
    stand_ins()
    with FakeSmtp(port=25):
        run("bash", "-ex", folder / "play.sh", cwd=folder / "src", env=CLEAN,
            input=b"Lantern-over-7-hills\n")  # of mxmctl user create
        looked_at()


def looked_at():
    """How it is in the end, for the test to judge."""
    def check():
        return subprocess.run(
            ["runuser", "-u", "moviesxmovies", "--", "mxmctl", "check"],
            capture_output=True, text=True, env=CLEAN).stdout
    wait_until(lambda: "mxm-jobs is running" in check(), "mxm-jobs works")
    print(f"=== check\n{check()}=== end")
    for path in ("/healthz", "/readyz", "/api/docs/",
                 *(f"/media/{p}" for p in (
                     "users/default.png", "person/default.png",
                     "awards/no-award.png", "movies/covers/no-movie.png"))):
        print(f"=== {status_of('https', path)} {path}", flush=True)


def status_of(scheme, path):
    port = {"http": 80, "https": 443}[scheme]
    return subprocess.run(
        ["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", "-m", "30",
         "--resolve", f"{NAME}:{port}:127.0.0.1", f"{scheme}://{NAME}{path}"],
        capture_output=True, text=True, env=CLEAN).stdout


# ------------------------------------------------------------- the stand-ins

def apt_get(args):
    """The packages are installed for the tests."""
    names = [a for a in args[1:] if not a.startswith("-")]
    if args[0] == "install" and names != ["certbot"]:
        run("dpkg", "-s", *names, stdout=subprocess.DEVNULL)


def certbot(args):
    root = args[args.index("-w") + 1]
    name = args[args.index("-d") + 1]
    answer = pathlib.Path(root, ".well-known/acme-challenge/stage")
    answer.parent.mkdir(parents=True)
    answer.write_text("stage\n")
    if status_of("http", "/.well-known/acme-challenge/stage") != "200":
        raise SystemExit("certbot: port 80 does not serve the challenge")
    live = pathlib.Path("/etc/letsencrypt/live", name)
    live.mkdir(parents=True)
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
        "-keyout", live / "privkey.pem", "-out", live / "fullchain.pem",
        stderr=subprocess.DEVNULL)


def make(args):
    """The tests do not run themselves; that there is such a target counts."""
    if args == ["check"]:
        args = ["-n", "check"]
    done = subprocess.run(["/usr/bin/make", *args], stdout=subprocess.DEVNULL)
    raise SystemExit(done.returncode)


def systemctl(args):
    verb, names = args[0], [a for a in args[1:] if not a.startswith("-")]
    for name in names:
        if (verb, name) == ("restart", "memcached"):
            memcached()
        elif (verb, name) == ("reload", "nginx"):
            nginx()
        elif verb == "enable" and name.endswith(".timer"):
            run("test", "-s", UNITS / name)
        elif verb == "enable":
            service(name)
        else:
            raise SystemExit(f"systemctl {verb} {name}: not on this stage")


def spawn(args, **more):
    return subprocess.Popen([str(a) for a in args], stdin=subprocess.DEVNULL,
                            start_new_session=True, **more)


def memcached():
    folder = pathlib.Path("/run/memcached")
    folder.mkdir()
    shutil.chown(folder, "memcache", "memcache")
    spawn(["/usr/share/memcached/scripts/systemd-memcached-wrapper",
           "/etc/memcached.conf"], env=CLEAN)
    wait_until((folder / "memcached.sock").exists, "memcached starts")


def nginx():
    pid = pathlib.Path("/run/nginx.pid")  # "nginx -t" makes an empty one
    if pid.exists() and pid.read_text():
        run("nginx", "-s", "reload")
        wait_until(lambda: status_of("http", "/") == "308", "nginx reloads")
        if pathlib.Path("/etc/nginx/sites-enabled/mxm.conf").exists():
            wait_until(lambda: status_of("https", "/") != "000", "TLS is served")
    else:
        run("nginx", env=CLEAN)


def unit(name):
    """{key: [values]} of an installed unit."""
    found = {}
    for key, value in re.findall(r"(?m)^(\w+)=(.*)$",
                                 (UNITS / name).read_text()):
        found.setdefault(key, []).append(value)
    return found


def listening(name):
    """A socket as its unit wants it."""
    said = unit(name)
    path = said["ListenStream"][0]
    pathlib.Path(path).parent.mkdir(mode=0o755, exist_ok=True)
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen(1024)
    shutil.chown(path, said["SocketUser"][0], said["SocketGroup"][0])
    os.chmod(path, int(said["SocketMode"][0], 8))
    return said["FileDescriptorName"][0], s


def service(name):
    """Starts a service as its unit does, and waits until it is ready."""
    said = unit(name)
    user = said["User"][0]
    sockets = [listening(n) for n in " ".join(said.get("Sockets", [])).split()]
    for key, parent in (("RuntimeDirectory", "/run"),
                        ("StateDirectory", "/var/lib")):
        folder = pathlib.Path(parent, said[key][0])
        folder.mkdir(exist_ok=True)
        shutil.chown(folder, user, user)
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.settimeout(120)
    notify.bind(f"/run/notify.{name}")
    os.chmod(f"/run/notify.{name}", 0o777)
    if os.fork() == 0:
        become(user, said["ExecStart"][0].split(), sockets,
               {**CLEAN, "NOTIFY_SOCKET": f"/run/notify.{name}"})
    while b"READY=1" not in notify.recv(4096):
        pass


def become(user, args, sockets, env):
    """Does not return: the service in the place of this process."""
    os.setsid()
    who = pwd.getpwnam(user)
    groups = [g.gr_gid for g in grp.getgrall() if user in g.gr_mem]
    for i, (_, s) in enumerate(sockets):
        os.dup2(s.fileno(), 100 + i)
    for i in range(len(sockets)):
        os.dup2(100 + i, 3 + i, inheritable=True)
    os.closerange(3 + len(sockets), 256)
    if sockets:
        env.update(LISTEN_FDS=str(len(sockets)), LISTEN_PID=str(os.getpid()),
                   LISTEN_FDNAMES=":".join(n for n, _ in sockets))
    os.setgroups([who.pw_gid, *groups])
    os.setgid(who.pw_gid)
    os.setuid(who.pw_uid)
    os.umask(0o027)
    os.execve(args[0], args, env)


# ---------------------------------------------------------------------- main

ENTER = ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child"]


def possible(folder="/mnt"):
    mounts(pathlib.Path(folder))
    network()


def main(args):
    if args[0] == "--as":
        {"apt-get": apt_get, "certbot": certbot, "make": make,
         "systemctl": systemctl}[args[1]](args[2:])
    elif args[0] == "--inside":
        possible() if args[1] == "--possible" else play(pathlib.Path(args[1]))
    else:
        done = subprocess.run([*ENTER, sys.executable, HERE, "--inside",
                               args[0]])
        raise SystemExit(done.returncode)


if __name__ == "__main__":
    main(sys.argv[1:])
