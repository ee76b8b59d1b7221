# SPDX-License-Identifier: GPL-3.0-or-later
"""The systemd units: their sandboxing and settings."""

import configparser
import re
import shutil
import subprocess

import pytest

import stack as stack_module

UNITS = stack_module.ROOT / "systemd"


def read(name):
    # Keys repeat in units (SystemCallFilter); the last one is enough here.
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(UNITS / name)
    return parser


@pytest.mark.skipif(not shutil.which("systemd-analyze"),
                    reason="systemd is not installed")
@pytest.mark.parametrize("unit, limit", [("mxmd.service", 0.2),
                                         ("mxm-cache.service", 0.2),
                                         ("mxm-jobs.service", 1.1),
                                         ("moviesxmovies-prune.service", 0.2),
                                         ("moviesxmovies-train.service", 0.2)])
def test_a_service_is_closed(unit, limit):
    assert exposure(UNITS / unit) <= limit


def exposure(path):
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager",
         str(path)], capture_output=True, text=True)
    text = done.stdout + done.stderr
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", text)
    if not level:
        pytest.skip("this systemd-analyze cannot work offline: "
                    + text.strip()[-100:])
    return float(level.group(1))


@pytest.mark.skipif(not shutil.which("systemd-analyze"),
                    reason="systemd is not installed")
def test_a_remote_database_opens_no_more_than_the_network(tmp_path):
    unit = "moviesxmovies-train.service"
    shutil.copy(UNITS / unit, tmp_path)
    (tmp_path / f"{unit}.d").mkdir()
    shutil.copy(stack_module.ROOT / "doc/examples/remote-database.conf",
                tmp_path / f"{unit}.d")
    assert 0.2 < exposure(tmp_path / unit) <= 1.1


@pytest.mark.parametrize("pool, unit", [("fast", "mxmd.socket"),
                                        ("slow", "mxmd-slow.socket")])
def test_the_sockets_have_the_names_that_mxmd_looks_for(pool, unit):
    socket = read(unit)["Socket"]
    assert socket["FileDescriptorName"] == pool
    assert socket["ListenStream"] == f"/run/moviesxmovies/{pool}.sock"
    assert socket["Service"] == "mxmd.service"
    assert socket["SocketMode"] == "0660"
    assert unit in read("mxmd.service")["Service"]["Sockets"].split()


@pytest.mark.parametrize("unit", ["mxmd.service", "mxm-jobs.service"])
def test_a_service_tells_when_it_is_ready_and_reloads_by_hup(unit):
    service = read(unit)["Service"]
    assert service["Type"] == "notify"
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert service["User"] == "moviesxmovies"


@pytest.mark.parametrize("unit", ["mxmd.service", "mxm-jobs.service"])
def test_a_service_goes_on_when_the_kernel_ends_one_process(unit):
    service = read(unit)["Service"]
    assert service["OOMPolicy"] == "continue"
    assert service["MemoryMax"] != "infinity"


@pytest.mark.skipif(not shutil.which("systemd-analyze"),
                    reason="systemd is not installed")
def test_units_are_what_systemd_understands(tmp_path):
    """All of them together, with programs that are there."""
    for path in UNITS.iterdir():
        text = re.sub(r"/usr/s?bin/mxm\S*", "/bin/true", path.read_text())
        (tmp_path / path.name).write_text(
            re.sub(r"^Documentation=.*\n", "", text, flags=re.M))
    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True, text=True)
    ours = [line for line in (done.stdout + done.stderr).splitlines()
            if "mxm" in line and "Failed to" not in line]
    assert not ours, "\n".join(ours)


def test_training_is_nightly_and_gives_way():
    timer = read("moviesxmovies-train.timer")
    assert timer["Timer"]["OnCalendar"] == "*-*-* 03:00:00 UTC"
    assert timer["Timer"]["Persistent"] == "true"
    assert timer["Timer"]["RandomizedDelaySec"] == "20m"
    assert timer["Install"]["WantedBy"] == "timers.target"
    service = read("moviesxmovies-train.service")["Service"]
    assert service["Type"] == "oneshot"
    assert service["User"] == "moviesxmovies"
    assert "recommend train --if-older-than 12h" in service["ExecStart"]
    assert service["SuccessExitStatus"] == "75"
    assert int(service["Nice"]) > 0 and int(service["CPUWeight"]) < 100
    assert service["MemoryMax"] == "2G"


def test_expired_data_is_deleted_in_the_period_of_the_jobs():
    timer = read("moviesxmovies-prune.timer")["Timer"]
    assert timer["OnCalendar"] == "hourly" and timer["Persistent"] == "true"
    jobs = (stack_module.ROOT / "src/jobs.def").read_text()
    assert re.search(r"^JOB\(prune, .*, +3600\)$", jobs, re.M)
    assert " --periodic" in read("moviesxmovies-prune.service")["Service"][
        "ExecStart"]


def default_of(name):
    return re.search(rf'^SETTING\({name}, \w+, "([^"]*)"',
                     (stack_module.ROOT / "src/settings.def").read_text(),
                     re.M).group(1)


def mebibytes(text):
    return int(text[:-1]) * {"M": 1, "G": 1024}[text[-1]]


def test_the_limits_of_mxmd_are_those_of_the_default_settings():
    """On a host with 4 cores; the formula is that of mxmctl tune."""
    cores = 4
    assert default_of("workers") == default_of("slow_workers") == "0"
    assert default_of("hash_places") == "0"
    fast, slow = 2 * cores, max(4, 2 * cores)
    memory = (256 + 64 * (fast + slow) + 19 * cores
              + mebibytes(default_of("image_memory")) * slow)
    service = read("mxmd.service")["Service"]
    assert memory <= mebibytes(service["MemoryMax"]) <= 1.2 * memory
    assert int(service["TasksMax"]) >= 16 + fast + 3 * slow


def test_the_limit_of_the_cache_is_that_of_its_size():
    """The formula is that of mxmctl tune."""
    service = read("mxm-cache.service")["Service"]
    size = int(service["Environment"].removeprefix("MEGABYTES="))
    assert mebibytes(service["MemoryMax"]) == size + size // 4 + 64


def test_the_watchdog_waits_longer_than_a_request_may_take():
    """Else a pool whose workers all hang would be restarted, not its workers."""
    service = read("mxmd.service")["Service"]
    deadline = default_of("request_deadline")
    assert (int(service["WatchdogSec"].removesuffix("s"))
            > int(deadline.removesuffix("s")))


def test_every_unit_is_installed():
    made = (stack_module.ROOT / "Makefile.am").read_text()
    for path in UNITS.iterdir():
        assert f"systemd/{path.name}" in made


PROFILES = sorted((stack_module.ROOT / "apparmor").iterdir())


@pytest.mark.skipif(not shutil.which("apparmor_parser"),
                    reason="apparmor is not installed")
@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.name)
def test_a_profile_is_valid_and_has_a_local_part(path):
    done = subprocess.run(["apparmor_parser", "--skip-kernel-load",
                           "--skip-cache", "--abort-on-error", str(path)],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"include if exists <local/{path.name}>" in path.read_text()


def test_every_program_has_a_profile_that_is_installed():
    text = "".join(path.read_text() for path in PROFILES)
    for name in ("mxmd", "mxm-image", "mxm-jobs", "mxmctl"):
        assert f"profile {name} /usr/sbin/{name} " in text
    train = read("moviesxmovies-train.service")["Service"]["AppArmorProfile"]
    assert f"profile {train.removeprefix('-')} " in text
    made = (stack_module.ROOT / "Makefile.am").read_text()
    assert all(f"apparmor/{path.name}" in made for path in PROFILES)
    assert "apparmor/* etc/apparmor.d" in (
        stack_module.ROOT / "debian/moviesxmovies.install").read_text()


def test_only_the_jobs_may_talk_to_the_network():
    for unit in ("mxmd.service", "mxm-cache.service",
                 "moviesxmovies-prune.service", "moviesxmovies-train.service"):
        service = read(unit)["Service"]
        assert service["RestrictAddressFamilies"] == "AF_UNIX"
        assert service["PrivateNetwork"] == "yes"
    assert "PrivateNetwork" not in read("mxm-jobs.service")["Service"]
