#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a program in the sandbox that a systemd unit describes, where there is no
systemd: with the same namespaces, read-only file system, filter of system calls,
capabilities, limits and umask. As root only.

    sandbox.py UNIT [--drop-in FILE]… [--user NAME] [--show DIR]…
               [--write DIR]… [--listen NAME=PATH]… -- PROGRAM [ARGUMENT]…

--user stands for User=. --write are the directories of RuntimeDirectory= and
StateDirectory= of the unit, which stay writable; --show are directories that stay
visible, read-only, also below /tmp and /home. --listen creates a listening socket
and passes it as systemd does.

A key of the unit that is neither enforced here nor listed in WITHOUT is an error,
so that no new one is forgotten. Control groups and their limits are not made.
"""

import argparse
import ctypes
import errno
import fcntl
import os
import pwd
import re
import resource
import socket
import stat
import struct
import subprocess
import sys

import seccomp

from unit_file import Unit

LIBC = ctypes.CDLL(None, use_errno=True)

# By <linux/sched.h>, <sys/mount.h>, <linux/mount.h>, <sys/prctl.h>.
NEWNS, NEWCGROUP, NEWUTS, NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
NEWUSER, NEWPID, NEWNET, NEWTIME = 0x10000000, 0x20000000, 0x40000000, 0x80
NAMESPACES = (NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET)
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_BIND, MS_REC, MS_SLAVE = 4096, 16384, 1 << 19
SYS_MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE = 442, -100, 0x8000
PR_CAPBSET_DROP, PR_SET_KEEPCAPS = 24, 8

# Not enforced here: control groups, the life of the service, and what only
# repeats a rule that others enforce (no capability, no device, no system call).
WITHOUT = set("""
    Type NotifyAccess Sockets User Group ExecStart ExecStartPre ExecReload
    KillMode TimeoutStartSec TimeoutStopSec WatchdogSec Restart RestartSec
    SuccessExitStatus Environment OOMPolicy Nice CPUWeight IOWeight
    MemoryMax TasksMax IPAddressDeny IPAddressAllow RemoveIPC
    RuntimeDirectory RuntimeDirectoryMode RuntimeDirectoryPreserve
    StateDirectory StateDirectoryMode ConfigurationDirectory
    ConfigurationDirectoryMode
    AmbientCapabilities AppArmorProfile PrivateMounts ProtectClock
""".split())
USED = set()


def used(unit, key):
    USED.add(key)
    return unit.on(key)


def checked(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def mount(source, target, kind=None, flags=0, data=None):
    checked(LIBC.mount(os.fsencode(source), os.fsencode(target),
                       kind and kind.encode(), flags,
                       data and data.encode()), f"mount {target}")


def set_readonly(path, on, recursive=True):
    """As systemd remounts: this mount, or all below it too."""
    attr = struct.pack("QQQQ", 1 if on else 0, 0 if on else 1, 0, 0)
    checked(LIBC.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, os.fsencode(path),
                         AT_RECURSIVE if recursive else 0, attr, len(attr)),
            f"mount_setattr {path}")


def hide(path, mode="0000", flags=MS_NOSUID | MS_NODEV):
    if os.path.isdir(path):
        mount("tmpfs", path, "tmpfs", flags, f"mode={mode}")


# ------------------------------------------------------------------ namespaces

def map_users(uid, gid):
    """root and the user of the service; all others are nobody. A child in the
    old namespace writes the maps."""
    ready, made = os.pipe()
    me = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(made)
        os.read(ready, 1)
        for name, number in (("uid_map", uid), ("gid_map", gid)):
            with open(f"/proc/{me}/{name}", "w", encoding="ascii") as out:
                out.write("0 0 1\n" + (f"{number} {number} 1\n" if number else ""))
        os._exit(0)
    checked(LIBC.unshare(NEWUSER), "unshare")
    os.close(made)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit("sandbox: cannot map the users")
    os.close(ready)


def make_namespaces(unit):
    flags = NEWNS
    for key, flag in (("PrivateNetwork", NEWNET), ("PrivateIPC", NEWIPC),
                      ("ProtectHostname", NEWUTS)):
        if used(unit, key):
            flags |= flag
    checked(LIBC.unshare(flags), "unshare")
    mount("", "/", None, MS_REC | MS_SLAVE)


def make_devices():
    old = {name: os.stat(f"/dev/{name}").st_rdev
           for name in ("null", "zero", "full", "random", "urandom", "tty")}
    mount("tmpfs", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755")
    mask = os.umask(0)
    for name, number in old.items():
        os.mknod(f"/dev/{name}", stat.S_IFCHR | 0o666, number)
    os.umask(mask)
    os.mkdir("/dev/shm")
    mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"),
                         ("stdout", "fd/1"), ("stderr", "fd/2")):
        os.symlink(target, f"/dev/{name}")
    set_readonly("/dev", True, recursive=False)


def protect_kernel(unit):
    if used(unit, "ProtectKernelTunables"):
        for path in ("/proc/sys", "/sys"):
            mount(path, path, None, MS_BIND | MS_REC)
            set_readonly(path, True)
    if used(unit, "ProtectControlGroups") and os.path.isdir("/sys/fs/cgroup"):
        set_readonly("/sys/fs/cgroup", True)
    if used(unit, "ProtectKernelModules"):
        hide("/lib/modules")
    used(unit, "ProtectKernelLogs")  # no capability, no /dev/kmsg


def protect_proc(unit):
    options = []
    USED.update(("ProtectProc", "ProcSubset"))
    if unit.get("ProtectProc"):
        options.append("hidepid=" + unit.get("ProtectProc"))
    if unit.get("ProcSubset") == "pid":
        options.append("subset=pid")
    if options:
        mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
              ",".join(options))


def expose(path, fd, writable):
    """Binds a directory in its place again, if it was hidden."""
    if not os.path.isdir(path) or not os.path.samestat(os.stat(path),
                                                       os.fstat(fd)):
        # the tmpfs of another unit key is in the way, or was made for this
        os.makedirs(path, 0o755, exist_ok=True)
    mount(f"/proc/self/fd/{fd}", path, None, MS_BIND | MS_REC)
    set_readonly(path, not writable)


def make_file_system(unit, show, write):
    opened = [(path, os.open(path, os.O_PATH), writable)
              for paths, writable in ((show, False), (write, True))
              for path in paths]
    if used(unit, "ProtectSystem") or unit.get("ProtectSystem") == "strict":
        set_readonly("/", True)
        set_readonly("/dev", False)
    if used(unit, "PrivateTmp"):
        for path in ("/tmp", "/var/tmp"):
            hide(path, "1777")
    if used(unit, "ProtectHome"):
        for path in ("/home", "/root", "/run/user"):
            hide(path, "0755")
    if used(unit, "PrivateDevices"):
        make_devices()
    for path, fd, writable in opened:
        expose(path, fd, writable)
    for _, fd, _ in opened:
        os.close(fd)
    if unit.on("ProtectHome"):
        for path in ("/home", "/root", "/run/user"):
            if os.path.isdir(path):
                set_readonly(path, True, recursive=False)
    protect_kernel(unit)
    protect_proc(unit)


# --------------------------------------------------------------- system calls

def groups():
    """The sets of system calls of this systemd."""
    text = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"],
                          capture_output=True, text=True, check=True).stdout
    found, name = {}, None
    for line in text.splitlines():
        if line.startswith("@"):
            name = line.strip()
            found[name] = []
        elif line.startswith("    ") and line.strip()[:1] not in ("#", ""):
            found[name].append(line.strip())
    return found


def calls_of(word, sets):
    if not word.startswith("@"):
        return {word}
    return set().union(*(calls_of(each, sets) for each in sets[word]))


def allowed_calls(unit):
    """The first line of SystemCallFilter= allows, later ones add or remove."""
    sets = groups()
    allowed = calls_of("@default", sets) | {
        "execve", "exit", "exit_group", "rt_sigreturn", "getrlimit"}
    for line in unit.all("SystemCallFilter"):
        taken = line.startswith("~")
        for word in line.lstrip("~").split():
            calls = calls_of(word, sets)
            allowed = allowed - calls if taken else allowed | calls
    return allowed


def new_filter(default=seccomp.ALLOW):
    return seccomp.SyscallFilter(defaction=default)


def deny(f, call, *conditions, number=errno.EPERM):
    f.add_rule(seccomp.ERRNO(number), call,
               *(seccomp.Arg(*c) for c in conditions))


def masked(position, mask, value):
    return (position, seccomp.MASKED_EQ, mask, value)


def families_filter(unit):
    allowed = {int(getattr(socket, name))
               for name in unit.words("RestrictAddressFamilies")}
    f = new_filter()
    for family in range(64):
        if family not in allowed:
            deny(f, "socket", (0, seccomp.EQ, family),
                 number=errno.EAFNOSUPPORT)
    deny(f, "socket", (0, seccomp.GE, 64), number=errno.EAFNOSUPPORT)
    return f


def namespaces_filter(_):
    f = new_filter()
    deny(f, "unshare")
    deny(f, "setns")
    deny(f, "clone3", number=errno.ENOSYS)
    for flag in NAMESPACES:
        deny(f, "clone", masked(0, flag, flag))
    return f


def realtime_filter(_):
    f = new_filter()
    for policy in (os.SCHED_FIFO, os.SCHED_RR, 6):
        deny(f, "sched_setscheduler", (1, seccomp.EQ, policy))
    return f


def suid_filter(_):
    f = new_filter()
    deny(f, "openat2", number=errno.ENOSYS)
    for bit in (stat.S_ISUID, stat.S_ISGID):
        for call, position in (("chmod", 1), ("fchmod", 1), ("fchmodat", 2),
                               ("mkdir", 1), ("mkdirat", 2), ("mknod", 1),
                               ("mknodat", 2), ("creat", 1)):
            deny(f, call, masked(position, bit, bit))
        for call, position in (("open", 1), ("openat", 2)):
            deny(f, call, masked(position, os.O_CREAT, os.O_CREAT),
                 masked(position + 1, bit, bit))
    return f


def personality_filter(_):
    f = new_filter()
    deny(f, "personality", (0, seccomp.NE, 0))
    return f


def memory_filter(_):
    write, execute = 2, 4
    f = new_filter()
    deny(f, "mmap", masked(2, write | execute, write | execute))
    for call in ("mprotect", "pkey_mprotect"):
        deny(f, call, masked(2, execute, execute))
    deny(f, "shmat", masked(2, 0o100000, 0o100000))
    return f


def calls_filter(unit):
    number = getattr(errno, unit.get("SystemCallErrorNumber"))
    f = new_filter(seccomp.ERRNO(number))
    for call in allowed_calls(unit):
        try:
            f.add_rule(seccomp.ALLOW, call)
        except RuntimeError:  # of another architecture
            pass
    return f


FILTERS = (
    ("RestrictAddressFamilies", families_filter),
    ("RestrictNamespaces", namespaces_filter),
    ("RestrictRealtime", realtime_filter),
    ("RestrictSUIDSGID", suid_filter),
    ("LockPersonality", personality_filter),
    ("MemoryDenyWriteExecute", memory_filter),
    ("SystemCallFilter", calls_filter),  # last: no more filters after it
)


def filters(unit):
    USED.update(("SystemCallArchitectures", "SystemCallErrorNumber"))
    made = []
    for key, make in FILTERS:
        if used(unit, key) or unit.get(key) not in ("", "no"):
            made.append(make(unit))
    return made


# ------------------------------------------------------------------------ main

def set_limits(unit):
    for key in unit.keys():
        name = re.fullmatch("Limit([A-Z]+)", key)
        if name:
            USED.add(key)
            which = getattr(resource, f"RLIMIT_{name[1]}")
            most = resource.getrlimit(which)[1]  # root may be limited, too
            value = int(unit.get(key))
            if most != resource.RLIM_INFINITY:
                value = min(value, most)
            resource.setrlimit(which, (value, value))
    USED.add("UMask")
    os.umask(int(unit.get("UMask", "0022"), 8))


def drop_rights(unit, user):
    USED.update(("CapabilityBoundingSet", "NoNewPrivileges"))
    if unit.words("CapabilityBoundingSet") or unit.words("AmbientCapabilities"):
        sys.exit("sandbox: a unit with capabilities is not supported")
    if not unit.on("NoNewPrivileges"):
        sys.exit("sandbox: NoNewPrivileges=yes is missing")
    if used(unit, "PrivateUsers"):
        map_users(user.pw_uid, user.pw_gid)
    os.setgroups([])
    each = 0
    while LIBC.prctl(PR_CAPBSET_DROP, each, 0, 0, 0) == 0:
        each += 1
    if ctypes.get_errno() != errno.EINVAL:  # the last one is behind us
        sys.exit("sandbox: cannot drop capabilities")
    os.setresgid(*[user.pw_gid] * 3)
    os.setresuid(*[user.pw_uid] * 3)


def listening(words):
    """The sockets to pass, and the variables for them."""
    if not words:
        return [], {}
    names, sockets = [], []
    for word in words:
        name, _, path = word.partition("=")
        made = socket.socket(socket.AF_UNIX)
        made.bind(path)
        os.chmod(path, 0o666)
        made.listen(100)
        names.append(name)
        sockets.append(made)
    return sockets, {"LISTEN_PID": str(os.getpid()),
                     "LISTEN_FDS": str(len(names)),
                     "LISTEN_FDNAMES": ":".join(names)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("unit")
    parser.add_argument("--user", default="nobody")
    for name in ("--drop-in", "--show", "--write", "--listen"):
        parser.add_argument(name, action="append", default=[])
    parser.add_argument("program", nargs="+")
    o = parser.parse_args()

    unit = Unit(o.unit, *o.drop_in)
    user = pwd.getpwnam(o.user)
    sockets, env = listening(o.listen)
    made = filters(unit)  # before /usr is in another namespace
    make_namespaces(unit)
    make_file_system(unit, map(os.path.abspath, o.show),
                     map(os.path.abspath, o.write))
    set_limits(unit)
    drop_rights(unit, user)
    unknown = unit.keys() - USED - WITHOUT
    if unknown:
        sys.exit(f"sandbox: not enforced: {', '.join(sorted(unknown))}")
    high = [fcntl.fcntl(each, fcntl.F_DUPFD, 64) for each in sockets]
    for i, each in enumerate(high):
        os.dup2(each, 3 + i)
    os.chdir("/")
    for f in made:
        f.load()
    os.execve(o.program[0], o.program, {**os.environ, **env})


if __name__ == "__main__":
    main()
