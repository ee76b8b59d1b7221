# SPDX-License-Identifier: GPL-3.0-or-later
"""mxm-image by itself: its options and output, its limits, and what a decoder
that was taken over can do. t/api/test_pictures.py has the pictures."""

import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys

import pytest
from PIL import Image

import stack as stack_module
from pictures import corners, decoded, encoded, flat_png, has_corners
from stack import BUILD, ROOT, wait_until

PROGRAM = str(BUILD / "mxm-image")


def sanitized():
    return b"__asan_init" in pathlib.Path(PROGRAM).read_bytes()


def run(data, *options, **more):
    return subprocess.run([PROGRAM, *options], input=data, capture_output=True,
                          timeout=60, **more)


def test_head_and_files():
    done = run(encoded(corners(1200, 700)))
    assert (done.returncode, done.stderr) == (0, b"")
    magic, *sizes = struct.unpack("=8s6I", done.stdout[:32])
    assert magic == b"mxmimg1\0" and 32 + sum(sizes) == len(done.stdout)
    at = 32
    for i, size in enumerate(sizes):
        image = decoded(done.stdout[at:at + size])
        assert image.format == ("JPEG", "WEBP")[i % 2]
        assert image.size[0] == (1024, 384, 128)[i // 2]
        assert has_corners(image)
        at += size


def test_options():
    assert run(b"", "--help").stdout.startswith(b"usage: mxm-image")
    assert re.fullmatch(rb"mxm-image \S+\n", run(b"", "--version").stdout)
    for wrong in (["--memory", "0"], ["--seconds", "x"], ["--unknown"], ["x"]):
        done = run(b"", *wrong)
        assert done.returncode == 64 and b"usage" in done.stderr, wrong


def test_the_limits_that_the_message_and_the_page_name():
    head = (ROOT / "src/base/image.h").read_text()
    pixels = re.search(r"#define IMAGE_MEGAPIXELS (\d+)", head)[1]
    widths = re.search(r"IMAGE_WIDTHS \{ (.*) \}", head)[1].split(", ")
    page = (ROOT / "man/mxm-image.8").read_text()
    assert f"at most {pixels}\nmegapixels" in page
    assert f"widths {widths[0]}, {widths[1]} and\n{widths[2]}" in page
    for language in ("en", "de", "es", "fr"):
        text = (ROOT / f"src/i18n/{language}.def").read_text()
        message = re.search(r"MSG\(PICTURE_INVALID, (.*)\)", text)[1]
        assert re.findall(r"\b\d+\b(?!})", message) == [pixels]


def test_nothing_is_printed_about_a_picture():
    for data in (b"", b"\xff\xd8\xff", encoded(corners(), "JPEG")[:999]):
        done = run(data)
        assert (done.returncode, done.stdout, done.stderr) == (65, b"", b"")


@pytest.mark.skipif(sanitized(), reason="a sanitizer reserves address space")
def test_memory_is_limited():
    data = encoded(Image.new("RGBA", (6000, 5000)), compress_level=1)
    assert run(data).returncode == 0
    done = run(data, "--memory", "150000000")
    assert done.returncode == 65 or done.returncode in (
        -signal.SIGABRT, -signal.SIGTRAP, -signal.SIGSEGV)
    assert done.stdout == b""


def test_processor_time_is_limited(evil):
    """A decoder that does not end; the parent limits the time of one that
    sleeps (t/unit/test_image.c)."""
    done = run(encoded(corners()), "--seconds", "1", env=evil("spin"))
    assert done.returncode == -signal.SIGXCPU


# ------------------------------------------------------------- taken over

EVIL = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void tell(const char *name, long result)
{
	char line[99];
	int n = snprintf(line, sizeof line, "%s %d\n", name,
	    result < 0 ? errno : 0);
	(void)!write(1, line, (size_t)n);
}

int vips_thumbnail_buffer(void *p, size_t n, void **out, int width, ...)
{
	static char *argv[] = { "/bin/true", 0 };
	void *page;

	while (strcmp(getenv("EVIL"), "spin") == 0)
		continue;
	tell("read a file", open("/etc/passwd", O_RDONLY));
	tell("write a file", open("/tmp/evil", O_WRONLY | O_CREAT, 0600));
	tell("unix socket", socket(AF_UNIX, SOCK_STREAM, 0));
	tell("internet socket", socket(AF_INET, SOCK_STREAM, 0));
	tell("netlink socket", socket(AF_NETLINK, SOCK_RAW, 0));
	tell("fork", syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
	tell("vfork", syscall(SYS_vfork));
	tell("exec", execve(argv[0], argv, argv + 1));
	tell("kill the parent", kill(getppid(), 0));
	tell("trace the parent", ptrace(PTRACE_ATTACH, getppid(), 0, 0));
	tell("read its memory", syscall(SYS_process_vm_readv, getppid(), 0, 0,
	    0, 0, 0));
	tell("unshare", unshare(CLONE_NEWUSER));
	tell("descriptor of a file in memory", memfd_create("x", 0));
	tell("io_uring", syscall(SYS_io_uring_setup, 1, 0));
	tell("bpf", syscall(SYS_bpf, 0, 0, 0));
	tell("raise a limit", syscall(SYS_prlimit64, 0, 9, 0, 0));
	tell("chmod", syscall(SYS_chmod, "/tmp", 0700));
	tell("unlink", unlink("/tmp/evil"));
	page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);
	tell("memory", page == MAP_FAILED ? -1 : 0);
	tell("run memory", mprotect(page, 4096, PROT_READ | PROT_EXEC));
	tell("map memory to run", mmap(0, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
	_exit(0);
}
"""
ALLOWED = {"memory"}


@pytest.fixture(scope="module")
def evil(tmp_path_factory):
    """The environment of a decoder that runs what an attacker wants."""
    folder = tmp_path_factory.mktemp("evil")
    (folder / "evil.c").write_text(EVIL)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", folder / "evil.so",
                    folder / "evil.c"], check=True)

    def environment(what):
        return {**stack_module.environment(), "EVIL": what,
                "ASAN_OPTIONS": "verify_asan_link_order=0",
                "LD_PRELOAD": str(folder / "evil.so")}
    return environment


def test_a_decoder_that_was_taken_over_can_do_nothing(evil):
    done = run(encoded(corners()), env=evil("act"))
    told = dict(line.rsplit(" ", 1) for line in
                done.stdout.decode().splitlines())
    assert len(told) == 21, done
    allowed = {name for name, error in told.items() if error == "0"}
    assert allowed == ALLOWED
    assert not os.path.exists("/tmp/evil")


# ------------------------------------------------------- within the service

BOX = r"""
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The names of system calls on standard input are allowed; then argv. */
int main(int argc, char **argv)
{
	scmp_filter_ctx memory = seccomp_init(SCMP_ACT_ALLOW);
	scmp_filter_ctx calls = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	const unsigned both = PROT_EXEC | PROT_WRITE;
	char name[99];

	seccomp_rule_add(memory, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mmap), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, both, both));
	seccomp_rule_add(memory, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mprotect), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
	while (fgets(name, sizeof name, stdin)) {
		name[strcspn(name, "\n")] = 0;
		seccomp_rule_add(calls, SCMP_ACT_ALLOW,
		    seccomp_syscall_resolve_name(name), 0);
	}
	if (seccomp_load(memory) != 0 || seccomp_load(calls) != 0)
		return 99;
	if (!freopen(argv[1], "r", stdin))
		return 98;
	execv(argv[2], argv + 2);
	return 97;
}
"""


def calls_of(unit):
    """What the lines SystemCallFilter of a unit allow."""
    done = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"],
                          capture_output=True, text=True)
    sets, name = {}, None
    for line in re.sub(r"\x1b\[[0-9;]*m", "", done.stdout).splitlines():
        if line.startswith("@"):
            name = line.strip()
            sets[name] = set()
        elif name and re.match(r"    [@\w]", line):
            sets[name].add(line.strip())

    def members(one):
        return {one} if not one.startswith("@") else {
            call for each in sets[one] for call in members(each)}

    allowed = set()
    for words in re.findall(r"^SystemCallFilter=(.*)$", unit, re.M):
        found = {c for w in words.strip("~").split() for c in members(w)}
        allowed = allowed - found if words[0] == "~" else allowed | found
    return allowed


@pytest.mark.skipif(not shutil.which("systemd-analyze"),
                    reason="systemd is not installed")
@pytest.mark.skipif(sanitized(), reason="a sanitizer opens files in /proc")
def test_it_works_with_the_filter_of_the_service(tmp_path):
    """A filter within one that denies seccomp(2) itself; and without memory
    that is writable and executable."""
    unit = (ROOT / "systemd/mxmd.service").read_text()
    assert "MemoryDenyWriteExecute=yes" in unit
    (tmp_path / "box.c").write_text(BOX)
    subprocess.run(["gcc", "-o", tmp_path / "box", tmp_path / "box.c",
                    "-lseccomp"], check=True)
    (tmp_path / "me.png").write_bytes(encoded(corners()))
    calls = calls_of(unit)
    assert "seccomp" not in calls and "prctl" in calls
    done = subprocess.run([tmp_path / "box", tmp_path / "me.png", PROGRAM],
                          input="\n".join(sorted(calls)).encode(),
                          capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"mxmimg1")


# ------------------------------------------------------------ as it waits

@pytest.fixture
def waiting():
    """A process that has begun to read, with a descriptor that it inherited."""
    extra = os.open("/etc/passwd", os.O_RDONLY)
    with subprocess.Popen([PROGRAM], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, pass_fds=[extra]) as process:
        os.close(extra)
        wait_until(lambda: status(process.pid)["Seccomp"] == "2",
                   "the filter is installed")
        yield process
        process.kill()


def status(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return dict(re.findall(r"^(\w+):\s*(.*)$", text, re.M))


def test_what_it_has_given_up(waiting):
    told = status(waiting.pid)
    assert told["NoNewPrivs"] == "1" and told["Threads"] == "1"
    limits = pathlib.Path(f"/proc/{waiting.pid}/limits").read_text()
    for name, value in (("core file size", "0"), ("file size", "0"),
                        ("open files", "3"), ("cpu time", "10"),
                        ("address space", "536870912")):
        if name == "address space" and sanitized():
            continue
        assert re.search(rf"^Max {name} +{value} ", limits, re.M), name
    if os.geteuid() == 0:  # it is not dumpable, so nobody else can list them
        assert sorted(os.listdir(f"/proc/{waiting.pid}/fd")) == ["0", "1", "2"]


def test_it_ends_with_its_parent():
    """When a worker is killed, no decoder stays behind."""
    start = "import subprocess, sys; p = subprocess.Popen(sys.argv[1:]); " \
            "print(p.pid, flush=True); p.wait()"
    with subprocess.Popen([sys.executable, "-c", start, PROGRAM],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as parent:
        pid = int(parent.stdout.readline())
        wait_until(lambda: status(pid)["Seccomp"] == "2", "it reads")
        assert running(pid)
        parent.kill()
        wait_until(lambda: not running(pid), "it has ended, too")


def running(pid):
    try:
        return status(pid)["State"][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_only_the_four_loaders():
    """The formats that libvips could load otherwise."""
    svg = (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
           b'<image href="/etc/passwd"/></svg>')
    for data in (svg, encoded(corners(), "TIFF"), encoded(corners(), "PPM"),
                 encoded(corners(), "BMP"), encoded(corners(), "JPEG2000"),
                 b"%PDF-1.4\n", b"SIMPLE  =                    T" + bytes(3000),
                 b"\x76\x2f\x31\x01" + bytes(100), b"#?RADIANCE\n"):
        assert run(data).returncode == 65
    assert run(flat_png(10, 10)).returncode == 0
