# SPDX-License-Identifier: GPL-3.0-or-later
"""How ./run installs Debian packages: with another apt-get, dpkg-query and sudo
in front of the machine's, and by a copy of tools/install-packages that writes
into the test's folder where the original writes into the system."""

import os
import subprocess

import pytest

import stack as stack_module

TOOLS = stack_module.ROOT / "tools"

# ./run up to where the packages are there, and what it does next.
AS_RUN_DOES = """
set -eEuo pipefail
shopt -s inherit_errexit
SRC=$1
. "$SRC/tools/say.sh"
. "$SRC/tools/packages.sh"
packages_install build test
echo building
"""


class Machine:
    """One where no package is installed; log() has what was called."""

    def __init__(self, base):
        self.base = base
        self.bin = base / "bin"
        tools = base / "tree/tools"
        for folder in (self.bin, tools, base / "etc", base / "sbin"):
            folder.mkdir(parents=True)
        base.chmod(0o755)
        for name in ("say.sh", "packages.sh", "install-packages"):
            text = (TOOLS / name).read_text()
            for old, new in (("/usr/sbin/policy-rc.d", base / "sbin/policy"),
                             ("/etc/postgresql-common", base / "etc")):
                assert name != "install-packages" or old in text
                text = text.replace(old, str(new))
            (tools / name).write_text(text)
        self.program("dpkg-query", "exit 0")
        self.program("systemctl", "exit 0")
        self.program("sudo", 'while [ "${1#-}" != "$1" ]; do shift; shift; '
                             'done; exec "$@"')

    def program(self, name, body):
        file = self.bin / name
        file.write_text(f'#!/bin/sh\necho "{name} $*" >>{self.base}/log\n'
                        f"{body}\n")
        file.chmod(0o755)

    def install(self, as_user=False):
        args = ["/bin/bash", "-c", AS_RUN_DOES, "run", self.base / "tree"]
        (self.base / "log").touch()
        if as_user and os.geteuid() == 0:
            subprocess.run(["chown", "-R", "nobody", str(self.base)],
                           check=True)
            args = ["setpriv", "--reuid", "nobody", "--regid", "nogroup",
                    "--clear-groups", *args]
        return subprocess.run(
            [str(a) for a in args], capture_output=True, text=True, cwd="/",
            timeout=60, stdin=subprocess.DEVNULL,
            env={"PATH": f"{self.bin}:/usr/sbin:/usr/bin:/sbin:/bin"})

    def log(self, program):
        lines = (self.base / "log").read_text().splitlines()
        return [line for line in lines if line.startswith(program + " ")]

    def left(self):
        return [p for f in ("etc", "sbin") for p in (self.base / f).iterdir()]


@pytest.fixture
def machine():
    # Not in pytest's folder, which is closed to other users.
    folder = stack_module.tempfile.mkdtemp(prefix="mxm-",
                                           dir=stack_module.temporary())
    yield Machine(stack_module.pathlib.Path(folder))
    stack_module.shutil.rmtree(folder)


OFFLINE = """
case "$*" in
*update*) echo "E: Failed to fetch http://deb.example/InRelease" ;;
*) echo "E: Unable to locate package gcc" ;;
esac
exit 100
"""


@pytest.mark.parametrize("as_user", [False, True])
def test_without_a_network_it_stops_at_the_first_failure(machine, as_user):
    machine.program("apt-get", OFFLINE)
    done = machine.install(as_user)
    assert done.returncode == 1
    assert "building" not in done.stdout
    assert done.stderr.splitlines() == [
        "     | E: Failed to fetch http://deb.example/InRelease",
        "run: the package lists cannot be downloaded",
        "     why:     apt-get update failed, see above; check the network",
        done.stderr.splitlines()[3]]
    assert "what to do: " in done.stderr.splitlines()[3]
    assert len(machine.log("apt-get")) == 2
    assert not machine.left()


@pytest.mark.parametrize("said", [
    "nobody is not in the sudoers file.",
    "sudo: a terminal is required to read the password",
])
def test_without_the_right_to_sudo_it_asks_once(machine, said):
    machine.program("sudo", f'echo "{said}" >&2; exit 1')
    machine.program("apt-get", "exit 0")
    done = machine.install(as_user=True)
    assert done.returncode == 1
    assert "building" not in done.stdout
    first, what, why, remedy = done.stderr.splitlines()
    assert first == said
    assert what.startswith("run: packages are missing: ")
    assert "status 1 of sudo" in why
    assert "as root: apt-get install" in remedy
    assert len(machine.log("sudo")) == 1
    assert not machine.log("apt-get")


@pytest.mark.parametrize("as_user", [False, True])
def test_one_sudo_installs_all_and_nothing_starts(machine, as_user):
    machine.program("apt-get", f"""
cat {machine.base}/sbin/policy >>{machine.base}/seen
cat {machine.base}/etc/createcluster.d/*.conf >>{machine.base}/seen""")
    done = machine.install(as_user)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "building"
    assert len(machine.log("apt-get")) == 1
    asks = os.geteuid() != 0 or as_user
    assert len(machine.log("sudo")) == asks
    assert (machine.base / "seen").read_text() == \
        "#!/bin/sh\nexit 101\ncreate_main_cluster = false\n"
    assert not machine.left()


def test_stale_lists_are_fetched_once(machine):
    machine.program("apt-get", f"""
case "$*" in
*update*) touch {machine.base}/fresh ;;
*) test -f {machine.base}/fresh ;;
esac""")
    done = machine.install()
    assert done.returncode == 0
    assert len(machine.log("apt-get")) == 3


def test_an_interrupt_undoes_what_was_changed(machine):
    """apt-get ends of it, and so do we, as after any interrupt."""
    machine.program("apt-get", "kill -s INT $PPID; exit 130")
    done = machine.install()
    assert done.returncode == 130
    assert "building" not in done.stdout
    assert not machine.left()
