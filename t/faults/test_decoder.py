# SPDX-License-Identifier: GPL-3.0-or-later
"""The decoder of pictures is killed, sleeps, floods or is broken: the user gets
an answer that is right, nothing is stored, and the workers go on."""

import atexit
import pathlib
import re
import shutil
import tempfile
import uuid

import pytest

from pictures import corners, encoded, files_of, stored
from stack import BUILD, wait_until

WORLD = "ana-and-friends"
FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="mxm-decoder-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
FOLDER.chmod(0o755)
SETTINGS = {"image_program": FOLDER / "program", "request_deadline": "6s",
            "slow_workers": 2}
REAL = f'exec "{BUILD}/mxm-image" "$@"'


def behave(script):
    """What the program does from now on."""
    new = FOLDER / "new"
    new.write_text(f"#!/bin/sh\n{script}\n")
    new.chmod(0o755)
    new.rename(FOLDER / "program")


def sign_up(stack):
    name = "d" + uuid.uuid4().hex[:12]
    r = stack.client().request("POST", "/api/auth/signup/", data={
        "username": name, "email": f"{name}@example.org",
        "password": "Trilobite-lantern-71", "first_name": "A",
        "last_name": "B"}, files={
            "picture": ("me.png", encoded(corners()), "image/png")})
    return name, r


def workers(stack):
    return sorted(re.findall(r'"pid": ?(\d+)',
                             stack.ctl("status --json").stdout))


@pytest.mark.parametrize("script, status, logged", [
    ("kill -9 $$", 503, "was killed by signal 9"),
    ("exit 71", 503, "exited with status 71 and 0 bytes"),
    ("cat >/dev/null; echo nothing that is believed", 503,
     "exited with status 0 and 25 bytes"),
    ("exec cat /dev/zero", 503, "mxm-image"),
    ("exec sleep 600", 503, "was not done in half of request_deadline"),
    ("exec sleep 600 <&- >&-", 503, "was not done in half of request_deadline"),
    ("kill -SEGV $$", 400, "was ended by signal 11"),
    ("exit 65", 400, None)])
def test_a_decoder_that_fails(stack, script, status, logged):
    before, pids, since = stored(stack), workers(stack), stack.mark()
    behave(script)
    name, r = sign_up(stack)
    assert r.status_code == status, r.text
    if status == 503:
        assert int(r.headers["Retry-After"]) > 0
    else:
        assert set(r.json()) == {"picture", "error"}
    assert stored(stack) == before
    assert not stack.value("SELECT count(*) FROM account WHERE username = %s",
                           (name,))
    if logged:
        wait_until(lambda: logged in stack.log("mxmd", since), logged)
    assert workers(stack) == pids
    behave(REAL)
    _, r = sign_up(stack)
    assert r.status_code == 200, r.text
    assert all(f.exists() for f in files_of(stack, r.json()["picture"]))


def test_no_decoder(stack):
    (FOLDER / "program").unlink(missing_ok=True)
    before, since = stored(stack), stack.mark()
    _, r = sign_up(stack)
    assert r.status_code == 503 and int(r.headers["Retry-After"]) > 0
    assert stored(stack) == before
    wait_until(lambda: "cannot run" in stack.log("mxmd", since), "it is logged")
    behave(REAL)
    assert sign_up(stack)[1].status_code == 200
