# SPDX-License-Identifier: GPL-3.0-or-later
"""mxmctl user: what it shows and changes, what it refuses, and that passwords
are neither arguments nor shown."""

import io
import json
import os
import pty
import re
import stat
import subprocess
import zipfile

import pytest

import stack as stack_module
from stack import wait_until

WORLD = "catalogue"
PASSWORD = "Lantern-over-7-hills"
NEW = {"username": "rita", "email": "Rita@Example.org", "first_name": "Rita",
       "last_name": "Rossi", "password": PASSWORD}


def user(stack, arguments, stdin="", check=True):
    return stack_module.ctl(stack.conf, f"user {arguments}", check,
                            stdin=stdin)


def shown(stack, name):
    return json.loads(user(stack, f"show {name} --json").stdout)


def refused(done, status, text):
    assert done.returncode == status, done.stderr
    assert text in done.stderr and done.stdout == ""


@pytest.fixture
def rita(stack):
    """A new account; deleted at the end."""
    user(stack, "create rita rita@example.org Rita Rossi", f"{PASSWORD}\n")
    yield "rita"
    user(stack, "remove --now rita", check=False)


# -- create ---------------------------------------------------------------

def test_postgresql_logs_no_address(stack, rita):
    """With the setting that HACKING gives the database."""
    setting = re.search(r"ALTER DATABASE moviesxmovies (SET \w+ = \w+)",
                        (stack_module.ROOT / "HACKING").read_text()).group(1)
    cluster, log = stack.cluster, stack.cluster.process
    cluster.sql(f"ALTER DATABASE {stack.database} {setting}")
    try:
        since = len(log.text())
        refused(user(stack, "create other rita@example.org Ot Her",
                     f"{PASSWORD}\n", check=False), os.EX_DATAERR,
                "email: User with this Email already exists.")
        wait_until(lambda: "account_email_unique" in log.text()[since:],
                   "the refusal is logged")
        assert "rita@example.org" not in log.text()[since:]
    finally:
        cluster.sql(f"ALTER DATABASE {stack.database} RESET ALL")


def test_create(stack, rita):
    client = stack.client("rita", PASSWORD)
    me = client.get("/api/users/").json()
    assert (me["username"], me["email"], me["first_name"], me["last_name"]) == (
        "rita", "rita@example.org", "Rita", "Rossi")
    row = shown(stack, "rita")
    assert row["state"] == "active" and row["verified"] is True
    assert row["admin"] is False and row["has_password"] is True
    assert row["training"] is True
    assert "training    yes\n" in user(stack, "show rita").stdout
    client.put("/api/users/", {"training": False})
    assert shown(stack, "rita")["training"] is False
    assert "training    no\n" in user(stack, "show rita").stdout
    assert not stack.mails("rita@example.org")


def test_create_an_administrator_from_json(stack):
    done = user(stack, "create --admin --json --language de", json.dumps(
        {**NEW, "username": "chef", "email": "Chef@EXAMPLE.org",
         "bio": "Kocht."}))
    made = json.loads(done.stdout)
    assert made["username"] == "chef" and made["done"] == "created"
    row = shown(stack, made["id"])
    assert row["admin"] is True and row["language"] == "de"
    assert row["email"] == "Chef@example.org"
    assert stack.client("chef", PASSWORD).get("/api/users/").json()[
        "bio"] == "Kocht."


@pytest.mark.parametrize("arguments, texts", [
    ("ana new@example.org A B", ["username: A user with that username"]),
    ("new ANA@example.org A B", ["email: User with this Email"]),
    ("friends new@example.org A B", ["username: This username is reserved"]),
    ("a/b nowhere A B", ["username: Enter a valid username",
                         "email: Enter a valid email"]),
    ("new new@example.org '' B", ["first_name: "]),
    (f"{'n' * 151} new@example.org A B", ["username: Ensure this value"])])
def test_the_rules_of_a_sign_up(stack, arguments, texts):
    """The same fields, checks and messages."""
    done = user(stack, f"create {arguments}", f"{PASSWORD}\n", check=False)
    for text in texts:
        refused(done, os.EX_DATAERR, f"mxmctl user create: {text}")
    assert PASSWORD not in done.stderr


@pytest.mark.parametrize("password, text", [
    ("short", "This password is too short"), ("12345678901", "numeric"),
    ("password1", "too common"), ("rita@example.org", "too similar"), ("", None),
    ("x" * 4097, None), ("x" * 70000, None)])
def test_the_rules_of_passwords(stack, rita, password, text):
    for arguments in ("create tina rita@example.org Rita Rita",
                      "set-password rita"):
        done = user(stack, arguments, f"{password}\n", check=False)
        refused(done, os.EX_DATAERR, text or "password")
    assert stack.client("rita", PASSWORD)


@pytest.mark.parametrize("text", [
    "", "{", "[]", "null", '"x"', "{}", "\0", '{"username": 7}',
    '{"username": "x\\u0000"}', "\udc00", '{"password": "' + PASSWORD + '"}',
    " " * 70000, "[" * 5000])
def test_create_from_bad_json(stack, text):
    done = subprocess.run(
        [stack_module.BUILD / "mxmctl", "--config", stack.conf, "--json",
         "user", "create"], input=text.encode(errors="surrogatepass"),
        capture_output=True, env=stack_module.environment())
    assert done.returncode == os.EX_DATAERR and done.stdout == b""
    assert done.stderr.startswith(b"mxmctl user create: ")


def test_create_at_once(stack):
    """The database decides, also between two commands."""
    runs = [subprocess.Popen(
        [stack_module.BUILD / "mxmctl", "--config", stack.conf, "user",
         "create", "twin", "twin@example.org", "T", "W"],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE,
        stdout=subprocess.PIPE, env=stack_module.environment())
        for _ in range(4)]
    errors = [run.communicate(f"{PASSWORD}\n".encode())[1] for run in runs]
    assert sorted(run.returncode for run in runs) == [0] + [os.EX_DATAERR] * 3
    assert sum(b"username: A user with that" in e for e in errors) == 3


def test_a_terminal_does_not_show_the_password(stack, rita):
    master, slave = pty.openpty()
    run = subprocess.Popen(
        [stack_module.BUILD / "mxmctl", "--config", stack.conf, "user",
         "set-password", "rita"], stdin=slave, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=stack_module.environment())
    os.set_blocking(run.stderr.fileno(), False)
    said = b""
    for prompt in (b"Password: ", b"Password again: "):
        def asked():
            nonlocal said
            said += run.stderr.read() or b""
            return prompt in said
        wait_until(asked, "the prompt")
        os.write(master, b"Another-lantern-8\n")
    out, error = run.communicate(timeout=20)
    assert run.returncode == 0, error
    os.write(master, b"\n")  # something to read: the echo is on again
    assert b"Another" not in os.read(master, 1000) + out + said + error
    os.close(master)
    os.close(slave)
    assert stack.client("rita", "Another-lantern-8")


# -- changes --------------------------------------------------------------

def test_set_password(stack, rita):
    old = stack.client("rita", PASSWORD)
    done = user(stack, "set-password rita@example.org --json",
                json.dumps({"password": "Another-lantern-8"}))
    assert json.loads(done.stdout)["done"] == "set-password"
    wait_until(lambda: old.get("/api/users/").status_code == 401,
               "the session has ended")
    assert stack.client().post("/api/auth/login/", {
        "username": "rita", "password": PASSWORD}).status_code == 401
    assert stack.client("rita", "Another-lantern-8")


def test_lock_and_unlock(stack, rita, ana):
    client = stack.client("rita", PASSWORD)
    path = "/api/users/rita/"
    assert client.get("/api/users/").status_code == 200
    assert ana.get(path).status_code == 200
    assert user(stack, "lock rita").stdout.endswith(
        " locked; all sessions have ended\n")
    wait_until(lambda: ana.get(path).status_code == 404, "rita is hidden")
    r = client.get("/api/users/")
    assert r.status_code == 401 and r.json()["code"] == "user_inactive"
    assert stack.client().post("/api/auth/login/", {
        "username": "rita", "password": PASSWORD}).status_code == 401
    assert shown(stack, "rita")["state"] == "locked"
    refused(user(stack, "lock rita", check=False), os.EX_DATAERR,
            "rita is locked already")
    refused(user(stack, "remove rita", check=False), os.EX_DATAERR,
            "rita is locked or removed already")  # else a log-in restores it
    assert shown(stack, "rita")["state"] == "locked"
    user(stack, "unlock rita")
    wait_until(lambda: ana.get(path).status_code == 200, "rita is back")
    assert stack.client("rita", PASSWORD)
    refused(user(stack, "unlock rita", check=False), os.EX_DATAERR,
            "rita is not locked")


def test_changes_take_effect_without_the_jobs(stack, rita, ana):
    """When the command returns, although nobody reads table touch."""
    path = "/api/users/rita/"
    stack.jobs.stop()
    try:
        for i in range(5):
            client = stack.client("rita", PASSWORD)
            for r in (client.get("/api/users/"), client.get("/api/users/"),
                      ana.get(path)):
                assert r.status_code == 200, i
            user(stack, "lock rita")
            assert client.get("/api/users/").status_code == 401, i
            assert ana.get(path).status_code == 404, i
            user(stack, "unlock rita")
            assert ana.get(path).status_code == 200, i
        client = stack.client("rita", PASSWORD)
        assert client.get("/api/users/").status_code == 200
        user(stack, "sessions --end-all rita")
        assert client.get("/api/users/").status_code == 401
        user(stack, "remove --now rita")
        assert ana.get(path).status_code == 404
    finally:
        stack.start_jobs()


def test_set_admin(stack, rita):
    client = stack.client("rita", PASSWORD)
    assert client.get("/api/admin/genres/").status_code == 403
    stack.jobs.stop()  # the workers learn it from the command
    try:
        assert user(stack, "set-admin rita").stdout.endswith(
            ") is an administrator now\n")
        assert client.get("/api/admin/genres/").status_code == 200
        assert shown(stack, "rita")["admin"] is True
        refused(user(stack, "set-admin rita", check=False), os.EX_DATAERR,
                "rita is an administrator already")
        done = json.loads(user(stack, "set-admin --no --json rita").stdout)
        assert (done["username"], done["done"]) == ("rita", "set-admin")
        assert client.get("/api/admin/genres/").status_code == 403
        assert shown(stack, "rita")["admin"] is False
    finally:
        stack.start_jobs()
    refused(user(stack, "set-admin --no rita", check=False), os.EX_DATAERR,
            "rita is no administrator")


def test_verify(stack, nina):
    assert shown(stack, "nina")["state"] == "unverified"
    assert nina.get("/api/genres/").status_code == 403
    user(stack, "verify nina")
    wait_until(lambda: nina.get("/api/genres/").status_code == 200,
               "nina is verified")
    refused(user(stack, "verify nina", check=False), os.EX_DATAERR,
            "nina is verified already")


def test_sessions(stack, rita):
    clients = [stack.client("rita", PASSWORD) for _ in range(3)]
    listed = json.loads(user(stack, "--json sessions rita").stdout)
    assert len(listed) == 3 and listed[0]["client"] == "python-requests"
    assert len(user(stack, "sessions rita").stdout.splitlines()) == 3
    user(stack, f"sessions --end {listed[0]['id']} rita")
    left = {s["id"] for s in json.loads(user(stack,
                                             "sessions rita --json").stdout)}
    assert left == {s["id"] for s in listed[1:]}
    refused(user(stack, f"sessions --end {'0' * 32} rita", check=False),
            os.EX_DATAERR, "rita has no session 000")
    kept = stack.client("rita", PASSWORD)
    assert kept.put("/api/users/", {"password": "Nautilus-shadow-38"}).ok
    assert shown(stack, "rita")["sessions"] == 1  # that of the new password
    user(stack, "sessions --end-all rita")
    for client in (*clients, kept):
        wait_until(lambda: client.get("/api/users/").status_code == 401,
                   "the session has ended")


def test_remove_and_restore(stack, rita):
    user(stack, "remove rita")
    row = shown(stack, "rita")
    assert row["state"] == "removed" and row["removed_at"].endswith("Z")
    refused(user(stack, "remove rita", check=False), os.EX_DATAERR,
            "rita is locked or removed already; --now deletes it")
    assert stack.client("rita", PASSWORD)  # restored
    assert shown(stack, "rita")["state"] == "active"
    user(stack, "remove rita")
    user(stack, "unlock rita")
    assert shown(stack, "rita")["removed_at"] is None
    number = shown(stack, "rita")["id"]
    user(stack, f"remove --now {number}")
    refused(user(stack, "show rita", check=False), os.EX_NOUSER,
            'unknown user "rita"')


def test_lock_a_removed_account(stack, rita):
    """A log-in does not restore it; unlock gives the state before."""
    user(stack, "remove rita")
    removed_at = shown(stack, "rita")["removed_at"]
    user(stack, "lock rita")
    row = shown(stack, "rita")
    assert row["state"] == "locked" and row["removed_at"] == removed_at
    assert f"locked, removed since {removed_at}\n" in user(
        stack, "show rita").stdout
    log_in = {"username": "rita", "password": PASSWORD}
    assert stack.client().post(
        "/api/auth/login/", log_in).status_code == 401
    refused(user(stack, "lock rita", check=False), os.EX_DATAERR,
            "rita is locked already")
    refused(user(stack, "remove rita", check=False), os.EX_DATAERR,
            "rita is locked or removed already")
    user(stack, "unlock rita")
    row = shown(stack, "rita")
    assert row["state"] == "removed" and row["removed_at"] == removed_at
    assert stack.client("rita", PASSWORD)  # restored
    assert shown(stack, "rita")["state"] == "active"


def test_export(stack, rita, tmp_path):
    path = tmp_path / "rita.zip"
    assert user(stack, f"export rita {path}").stderr == ""
    assert re.fullmatch(r"making the archive: done in [0-9.]+ s\n", user(
        stack, f"export --progress rita {path}").stderr)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    profile, = json.loads(zipfile.ZipFile(io.BytesIO(
        path.read_bytes())).read("json/profile.json"))
    assert profile["email"] == "rita@example.org"
    refused(user(stack, f"export rita {tmp_path}/none/x", check=False),
            os.EX_CANTCREAT, "No such file or directory")


# -- list, show -----------------------------------------------------------

def test_list(stack, rita):
    rows = json.loads(user(stack, "list --json").stdout)
    assert [r["id"] for r in rows] == sorted((r["id"] for r in rows),
                                             reverse=True)
    assert {"ana", "gone", "nina", "rita"} <= {r["username"] for r in rows}
    assert [r["username"] for r in json.loads(
        user(stack, "list --json --limit 1").stdout)] == ["rita"]
    for text in ("rita@", "RITA@EXAMPLE"):
        line, = user(stack, f"list {text}").stdout.splitlines()
        assert re.fullmatch(r"\d+ +active +- +\S+Z  rita  rita@example.org",
                            line)
    assert "rita" in user(stack, "list R\u00d6SSI").stdout  # without accents
    assert user(stack, "list %").stdout == ""


def test_show(stack, rita):
    text = user(stack, "show rita").stdout
    assert "name        rita\n" in text and "state       active\n" in text
    row = shown(stack, "RITA@example.org")
    assert (row["sessions"], row["ratings"], row["reviews"]) == (0, 0, 0)
    assert shown(stack, row["id"])["username"] == "rita"
    assert "argon2" not in text + json.dumps(row)


def test_show_sends_no_commands_to_the_terminal(stack, rita):
    stack.sql("UPDATE account SET first_name = E'a\\x1b]0;x\\x07\\n',"
              " last_name = U&'\\009b31m\\00e9' WHERE username = 'rita'")
    assert "\nnames       a?]0;x?? ??31m\u00e9\n" in user(
        stack, "show rita").stdout


def test_a_name_that_is_the_address_of_another_user(stack, rita):
    """Or their number: it never stands for the wrong account."""
    number = shown(stack, "rita")["id"]
    for name in ("rita@example.org", str(number)):
        user(stack, f"create {name} other{len(name)}@example.org A B",
             f"{PASSWORD}\n")
        refused(user(stack, f"lock {name}", check=False), os.EX_DATAERR,
                f'"{name}" is the name, address or number of several')
    assert shown(stack, f"id={number}")["username"] == "rita"
    assert shown(stack, "rita")["state"] == "active"


@pytest.mark.parametrize("arguments", [
    "", "dance", "list a b", "list --limit 0", "list --limit x", "list --limit",
    "list --admin", "show", "show a b", "show --now a", "create", "create a",
    "create a b c d e", "create --language xx a b c d", "create --json a",
    "lock", "export ana", "sessions --end ana", "sessions --end-all",
    "remove", "verify - -x", "set-password"])
def test_usage(stack, arguments):
    done = user(stack, arguments, check=False)
    refused(done, os.EX_USAGE, "usage: mxmctl user ")


@pytest.mark.parametrize("name", ["nobody", "999999999999999999", "-1", "%",
                                  "' OR true --", "1.5", "x" * 5000])
def test_unknown_users(stack, name):
    done = stack_module.ctl(stack.conf, ["user", "show", "--", name], False)
    refused(done, os.EX_NOUSER, "unknown user")


def test_without_a_database(stack, tmp_path):
    conf = tmp_path / "mxm.conf"
    stack_module.write_conf(conf, {**stack.settings(), "database":
                                   f"host={tmp_path} dbname=x"})
    for arguments in ("list", "show ana", "create a a@b.org A B"):
        done = stack_module.ctl(conf, f"user {arguments}", False,
                                stdin=f"{PASSWORD}\n")
        refused(done, os.EX_UNAVAILABLE, "systemctl status postgresql")
