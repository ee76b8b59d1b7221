# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that leaves no processes and files, however it ends.

    with ending.Run() as run:      in the main thread
        child = run.start([…])     of any thread; run.wait(child) for its end
        …

The run and its children write only to the build and to run.folder, the value of
MXM_TEST_TMP and TMPDIR.  SIGINT, SIGTERM and SIGHUP end the block with Ended; then
the children are terminated, remaining descendants are killed, and the directory is
removed.  After SIGKILL the next run removes the directories of dead runs (a run
holds a lock on its own), after it has ended the processes in them.
"""

import contextlib
import ctypes
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time

PREFIX = "mxm-run-"
LOCK = "lock"
PATIENCE = 30
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LIBC = ctypes.CDLL(None, use_errno=True)
TREE = pathlib.Path(__file__).resolve().parents[2]


class Ended(BaseException):
    """A signal asked the run to end; its number is the argument."""


def temporary():
    """Where the folders of tests go: short, sockets lie in them."""
    return os.environ.get("MXM_TEST_TMP", "/tmp")


def parents():
    """{process: its parent}, without those that have ended."""
    found = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if fields[0] not in "ZX":
                found[int(stat.parent.name)] = int(fields[1])
    return found


def zombies(pid):
    """Children that have ended and were not waited for."""
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if fields[0] == "Z" and int(fields[1]) == pid:
                yield int(stat.parent.name)


def descendants(pid):
    """Children, and theirs, as long as they run."""
    known, found = parents(), {pid}
    while True:
        more = {p for p, up in known.items() if up in found} - found
        if not more:
            return found - {pid}
        found |= more


def stop_demos(folder):
    """Stops demos below a directory, which do not end with their parent."""
    for pid in folder.glob("**/pid/postgres"):
        subprocess.run([TREE / "run", "stop"], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       env={"MXM_DEMO_DIR": str(pid.parents[1])}, timeout=300)


def remove(folder):
    """Also what a test has made unwritable."""
    shutil.rmtree(folder, onerror=lambda call, path, _: (
        os.chmod(os.path.dirname(path), 0o700), call(path)))


def users(folder):
    """Processes of ours that have a file below a folder open, as the workers
    of an nginx that was killed."""
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(os.readlink(link).startswith(f"{folder}/") for link in
                   [process / "cwd", *(process / "fd").iterdir()]):
                yield int(process.name)


def clear():
    """Removes what runs of ours left that were killed."""
    for folder in pathlib.Path("/tmp").glob(PREFIX + "*"):
        with contextlib.suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            with open(folder / LOCK, "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                stop_demos(folder)
                for pid in set(users(folder)) - {os.getpid()}:
                    os.kill(pid, signal.SIGKILL)
                remove(folder)


class Run:
    def __init__(self):
        self.children = {}
        self.lock = threading.Lock()
        self.ending = None
        self.done = threading.Event()

    def __enter__(self):
        clear()
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)
        for number in SIGNALS:
            # nohup, and a shell that runs us beside, have them ignored
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self.hear)
        made = pathlib.Path(tempfile.mkdtemp(prefix="mxm-", dir="/tmp"))
        made.chmod(0o755)
        self.held = open(made / LOCK, "wb")
        fcntl.flock(self.held, fcntl.LOCK_EX)
        # Only now does it look like one that may be left.
        self.folder = made.rename(f"/tmp/{PREFIX}{made.name[4:]}")
        os.environ.update(MXM_TEST_TMP=str(self.folder),
                          TMPDIR=str(self.folder))
        tempfile.tempdir = None
        threading.Thread(target=self.reap_orphans, daemon=True).start()
        return self

    def reap_orphans(self):
        """Reaps orphans that were re-parented to us, without those whose
        thread waits for them."""
        seen = set()
        while not self.done.wait(0.5):
            with self.lock:
                ours = {child.pid for child in self.children}
            ended = set(zombies(os.getpid())) - ours
            for pid in ended & seen:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            seen = ended

    def hear(self, number, _):
        for other in SIGNALS:
            signal.signal(other, signal.SIG_IGN)
        self.ending = number
        raise Ended(number)

    def __exit__(self, *_):
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        self.end_children()
        self.done.set()
        self.kill_others()
        stop_demos(self.folder)
        remove(self.folder)
        self.held.close()

    def start(self, args, finishes=False, **more):
        """Starts a child in its own process group, so that a terminal's Ctrl-C
        reaches it once, through us. One that finishes takes a few seconds and
        could not clean up if interrupted, so it is waited for."""
        def begin():
            for number in SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        with self.lock:
            if self.ending:
                raise Ended(self.ending)
            child = subprocess.Popen([str(a) for a in args],
                                     stdin=subprocess.DEVNULL,
                                     start_new_session=True,
                                     preexec_fn=begin, **more)
            self.children[child] = finishes
        return child

    def wait(self, child, timeout=None):
        """Its output, if that is a pipe."""
        try:
            return child.communicate(timeout=timeout)[0]
        finally:
            if child.poll() is not None:
                with self.lock:
                    self.children.pop(child, None)

    def end_children(self):
        """pytest takes an interrupt for the end, and clears up."""
        with self.lock:
            self.ending = self.ending or signal.SIGTERM
            left = dict(self.children)
        for child, finishes in left.items():
            if not finishes:
                child.send_signal(signal.SIGINT)
        deadline = time.monotonic() + PATIENCE
        for child in left:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0, deadline - time.monotonic()))

    @staticmethod
    def kill_others():
        """First so that PostgreSQL gives back its shared memory."""
        for number, patience in ((signal.SIGINT, 5), (signal.SIGKILL, 10)):
            deadline = time.monotonic() + patience
            for pid in descendants(os.getpid()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            while descendants(os.getpid()) and time.monotonic() < deadline:
                reap()


def reap():
    """Takes note of one that has ended, or waits a moment for it."""
    with contextlib.suppress(ChildProcessError):
        if os.waitpid(-1, os.WNOHANG)[0]:
            return
    threading.Event().wait(0.02)


def interrupted(ended):
    """Prints a line and returns the exit status."""
    number = ended.args[0]
    with contextlib.suppress(OSError):
        print("run: interrupted", flush=True)
    return 128 + number
