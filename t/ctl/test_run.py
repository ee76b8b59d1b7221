# SPDX-License-Identifier: GPL-3.0-or-later
"""./run as a person uses it, and what nginx does before mxmd is asked."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess

import pytest
import requests

import stack as stack_module

RUN = stack_module.ROOT / "run"


def run(*args, env=None, check=True, timeout=120, **more):
    done = subprocess.run([str(RUN), *args], capture_output=True, text=True,
                          env=env, timeout=timeout, stdin=subprocess.DEVNULL,
                          **more)
    if check:
        assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_help_names_every_command():
    text = run("help").stdout
    for command in ("demo", "stop", "check", "bench", "help"):
        assert f"./run {command}" in text
    assert run().stdout == text


def test_an_unknown_command_is_an_error_with_usage():
    done = run("dance", check=False)
    assert done.returncode == 2
    assert "unknown command: dance" in done.stderr
    assert "usage:" in done.stderr


# ------------------------------------------------------------------- demo

# Settings of the user that must have no effect.
ODD = {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu",
       "NO_COLOR": "1", "TERM": "dumb", "http_proxy": "http://127.0.0.1:9",
       "PGPORT": "9", "PGHOST": "nowhere", "PGOPTIONS": "-c work_mem=x",
       "CDPATH": "/tmp", "MAKEFLAGS": "-n", "POSIXLY_CORRECT": "1"}


class Demo:
    """A demo in its own directory with its own ports."""

    def __init__(self, folder):
        self.folder = folder
        self.port = stack_module.free_port()
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith("MXM_")}
        self.env.update(MXM_DEMO_DIR=str(folder),
                        MXM_DEMO_PORT=str(self.port),
                        MXM_DEMO_TLS_PORT=str(stack_module.free_port()),
                        MXM_BUILD=str(stack_module.BUILD),
                        MXM_BUILD_IS_READY="yes", **ODD)
        self.env.pop("HOME", None)

    def start(self, *args, **kw):
        return run("demo", "--background", *args, env=self.env, umask=0o077,
                   **kw)

    def stop(self):
        return run("stop", env=self.env)

    def pids(self):
        found = {}
        folder = self.folder / "pid"
        for file in folder.iterdir() if folder.is_dir() else ():
            # one that is being written is empty, and one may be removed
            with contextlib.suppress(FileNotFoundError, IndexError):
                found[file.name] = int(file.read_text().split()[0])
        return found

    def runs(self):
        pids = self.pids()
        return len(pids) >= 5 and all(map(is_running, pids.values()))

    def get(self, path, **kw):
        return requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=10,
                            **kw)


def is_running(pid):
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z"


@pytest.fixture(scope="module")
def place():
    """The directory of the demo of all tests."""
    # Deep, and with what a shell minds: socket paths stay short all the same.
    base = pathlib.Path(stack_module.temporary(),
                        f"mxm run's \"$HOME\" `test` {os.getpid()}")
    folder = base / ("d" * 200) / ("e" * 200) / "demo"
    folder.parent.mkdir(parents=True)
    base.chmod(0o755)
    made = Demo(folder)
    try:
        yield made
    finally:
        made.stop()
        subprocess.run(["rm", "-rf", str(base)], check=True)


@pytest.fixture
def demo(place):
    """A demo that runs, whatever the test before has left."""
    if not place.runs():
        place.start()
    return place


@pytest.fixture
def stopped(place):
    """A demo that does not run."""
    if place.pids():
        place.stop()
    return place


def test_demo_says_what_runs_and_ends_with_ready(stopped):
    demo = stopped
    lines = demo.start().stdout.splitlines()
    assert lines[-1] == f"ready: http://127.0.0.1:{demo.port}/api/"
    text = "\n".join(lines)
    for what in ("nginx", "mxmd", "mxm-jobs", "memcached", "PostgreSQL"):
        assert re.search(rf"^  {what}.* \d+ ", text, re.M), text
    assert all(map(is_running, demo.pids().values()))
    assert demo.get("/readyz").status_code == 200
    assert demo.get("/admin/main.js").status_code == 200  # the editor


def test_the_curl_lines_work_when_pasted(demo):
    *lines, last = try_it(demo)
    assert len(lines) == 3
    for line, key in zip(lines, ("access", "title", "title")):
        assert f'"{key}"' in paste(line)
    said = paste(last).splitlines()
    assert len(said) == 11, said
    before, rated, after = said[:5], json.loads(said[5]), said[6:]
    assert rated["rating"] == 5
    assert before != after and not set(before[:1]) & set(after)


def try_it(demo):
    """The commands that a demo prints."""
    told = (demo.folder / "summary").read_text()
    return told.split("Try it", 1)[1].split("\n\n")[1].splitlines()


def paste(line):
    """Runs a pasted command in another directory and environment."""
    done = subprocess.run(["bash", "-c", line], capture_output=True, cwd="/",
                          text=True, timeout=60,
                          env={"PATH": os.environ["PATH"],
                               "http_proxy": ODD["http_proxy"]})
    assert done.returncode == 0, f"{line}\n{done.stderr}"
    return done.stdout


def test_the_other_lines_can_be_pasted_too(demo):
    told = (demo.folder / "summary").read_text()
    said = dict(re.findall(r"^  (\w+) +(.*)$", told, re.M))
    for what in ("mail", "logs", "settings"):
        assert paste(f"ls -d {said[what]}").strip()
    assert f"mxmd {demo.pids()['mxmd']}, counting since" in \
        paste(said["command"])
    psql = re.search(r"psql .*", told).group()
    assert paste(f"{psql} -Atc 'SELECT 1'") == "1\n"
    for url in re.findall(r"https?://[0-9.:]+/\S*", told.split("Try it")[0]):
        assert paste(f"curl -ksS --noproxy '*' {url}") is not None


def test_the_line_that_stops_it_can_be_pasted(demo):
    told = (demo.folder / "summary").read_text()
    line = told.split("To stop it:", 1)[1].split("\n\n")[1]
    pids = demo.pids()
    assert paste(line).endswith("run: stopped\n")
    assert not any(map(is_running, pids.values()))
    assert line in demo.start().stdout
    assert line in demo.start().stdout.splitlines()[0], "already running"


@pytest.mark.parametrize("ports, said", [
    (("80", "8443"), "MXM_DEMO_PORT=80 is a privileged port"),
    (("8080", "443"), "MXM_DEMO_TLS_PORT=443 is a privileged port"),
    (("http", "8443"), "MXM_DEMO_PORT=http is not a port"),
    (("-1", "8443"), "MXM_DEMO_PORT=-1 is not a port"),
    (("0", "8443"), "MXM_DEMO_PORT=0 is not a port"),
    (("8080 ", "8443"), "MXM_DEMO_PORT=8080  is not a port"),
    (("65536", "8443"), "MXM_DEMO_PORT=65536 is not a port"),
    (("8080", "8080x"), "MXM_DEMO_TLS_PORT=8080x is not a port"),
    (("8080", "08080"), "http and https cannot both use port 8080"),
])
def test_ports_that_cannot_be(stopped, ports, said):
    first = pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    if "privileged" in said and int(first.read_text()) <= 80:
        pytest.skip("anybody may listen on any port here")
    env = dict(zip(("MXM_DEMO_PORT", "MXM_DEMO_TLS_PORT"), ports))
    done = run("demo", check=False, env={**stopped.env, **env})
    assert (done.returncode, done.stdout) == (2, "")
    assert f"run: {said}\n" in done.stderr
    assert "what to do: " in done.stderr


def test_data_of_another_postgresql(stopped):
    file = stopped.folder / "pgdata/PG_VERSION"
    was = file.read_text()
    file.write_text("14\n")
    done = stopped.start(check=False)
    file.write_text(was)
    assert done.returncode == 1
    assert "is from PostgreSQL 14" in done.stderr
    assert "demo --fresh" in done.stderr


def test_a_schema_of_a_newer_release(demo):
    """The message is that of mxmctl, and the data is not changed."""
    psql = re.search(r"psql .*", (demo.folder / "summary").read_text()).group()
    psql = psql.replace("-U mxm ", "-U mxm_owner ")
    newer = "INSERT INTO migration (number, name, checksum) " \
        "VALUES (9999, 'newer', 'x')"
    paste(f"{psql} -c {shlex.quote(newer)}")
    demo.stop()
    done = demo.start(check=False)
    assert done.returncode == 1
    assert "mxmctl migrate failed" in done.stderr
    assert "9999" in done.stderr
    assert (demo.folder / "loaded").exists()
    demo.start("--fresh")


def test_two_starts_at_once_make_one_demo(stopped):
    starts = [subprocess.Popen([str(RUN), "demo", "--background"],
                               env=stopped.env, text=True,
                               stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE) for _ in range(2)]
    said = [start.communicate(timeout=120)[0] for start in starts]
    assert [start.returncode for start in starts] == [0, 0]
    assert sum("already running" in text for text in said) == 1
    assert all(text.splitlines()[-1].startswith("ready: ") for text in said)


def test_without_input_output_and_error(stopped):
    """As from a service: its own files take none of their numbers."""
    subprocess.run(["bash", "-c", '"$0" demo --background <&- >&- 2>&-',
                    str(RUN)], env=stopped.env, check=True, timeout=120)
    assert stopped.get("/readyz").status_code == 200


def test_the_model_is_in_force_when_it_is_ready(demo):
    """For all users of the services: the trained model is in use."""
    shown = json.loads(subprocess.run(
        [demo.folder / "bin/mxmctl", "--config", demo.folder / "conf/mxm.conf",
         "recommend", "show", "--json"], capture_output=True, text=True,
        check=True, timeout=30, env=stack_module.environment()).stdout)
    assert shown["here"]["version"] == shown["in_force"] >= 1
    assert "cannot be fetched" not in (demo.folder / "log/mxm-jobs.log"
                                       ).read_text()
    films = json.loads(paste(try_it(demo)[1]))
    kinds = {reason["kind"] for film in films for reason in film["because"]}
    assert "rating" in kinds


def test_a_model_that_does_not_arrive_is_no_ready(stopped):
    """Because there is a directory in place of the file."""
    part = stopped.folder / "models/model.part"
    (stopped.folder / "models/model").unlink()
    part.mkdir()
    done = stopped.start(check=False)
    part.rmdir()
    assert done.returncode == 1
    assert "ready: " not in done.stdout
    assert "waiting for mxm-jobs to fetch the model: timeout after 30 s" \
        in done.stderr
    assert "model.part" in done.stderr
    assert not any(map(is_running, stopped.pids().values()))


def test_mail_goes_to_files(demo):
    answer = requests.post(
        f"http://127.0.0.1:{demo.port}/api/auth/signup/", timeout=30,
        json={"username": "letters", "email": "letters@example.org",
              "password": "Trilobite-lantern-71", "first_name": "L",
              "last_name": "L"})
    assert answer.status_code == 200, answer.text
    stack_module.wait_until(
        lambda: any("letters@example.org" in file.read_text()
                    for file in (demo.folder / "mail").glob("*.eml")),
        "the mail is in a file")


def test_sockets_have_short_paths(demo):
    rundir = os.readlink(demo.folder / "run")
    sockets = [p for p in pathlib.Path(rundir).rglob("*") if p.is_socket()]
    assert len(sockets) >= 4
    assert all(len(str(p)) < 60 for p in sockets)


def test_a_second_start_of_a_running_demo_says_so(demo):
    done = demo.start()
    assert "already running" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("ready: ")


def test_a_second_demo_on_the_same_port_is_told_what_to_do(demo):
    other = Demo(demo.folder.parent / "other")
    other.env["MXM_DEMO_PORT"] = str(demo.port)
    done = other.start(check=False)
    assert done.returncode == 1
    assert f"port {demo.port} is in use" in done.stderr
    assert "MXM_DEMO_PORT=" in done.stderr


def test_stop_leaves_nothing_and_start_keeps_the_data(demo):
    pids = demo.pids()
    rundir = os.readlink(demo.folder / "run")
    demo.stop()
    assert not any(map(is_running, pids.values()))
    assert not os.path.exists(rundir)
    text = demo.start().stdout
    assert "with the data of the earlier demo" in text
    assert "==> loading" not in text
    assert demo.get("/readyz").status_code == 200


def test_a_demo_that_was_killed_starts_again(demo):
    for pid in demo.pids().values():
        os.kill(pid, signal.SIGKILL)
    text = demo.start().stdout
    assert "cleaning up after an earlier demo" in text
    assert demo.get("/readyz").status_code == 200


def hear_interrupts():
    """A suite that runs in the background ignores them, and passes that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextlib.contextmanager
def foreground(demo):
    """./run demo as from a terminal, ready; its output is a pipe."""
    front = subprocess.Popen([str(RUN), "demo"], env=demo.env, text=True,
                             stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT,
                             stdin=subprocess.DEVNULL, start_new_session=True,
                             preexec_fn=hear_interrupts)
    try:
        said = ""
        while "ready: " not in said:
            said = front.stdout.readline()
            assert said, f"ended with {front.wait(60)}"
        yield front
    finally:
        if front.poll() is None:
            front.terminate()
            front.wait(60)
        front.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_starts_leaves_nothing(stopped, number):
    front = subprocess.Popen([str(RUN), "demo"], env=stopped.env, text=True,
                             stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                             preexec_fn=hear_interrupts)
    while "starting the services" not in front.stdout.readline():
        assert front.poll() is None
    stack_module.wait_until(lambda: "postgres" in stopped.pids(),
                            "PostgreSQL is started")
    pids = stopped.pids()
    front.send_signal(number)
    with front.stdout:
        assert front.stdout.read().endswith("run: stopped\n")
    assert front.wait(60) == 128 + number
    assert not any(map(is_running, pids.values()))
    assert not (stopped.folder / "run").exists()


def test_an_interrupt_stops_a_demo_in_the_foreground(stopped):
    with foreground(stopped) as front:
        pids = stopped.pids()
        os.killpg(front.pid, signal.SIGINT)
        assert front.wait(60) == 0
        assert not any(map(is_running, pids.values()))
        assert front.stdout.read().endswith("==> stopping\nrun: stopped\n")


def test_a_demo_whose_terminal_is_gone_stops_too(stopped):
    with foreground(stopped) as front:
        pids = stopped.pids()
        front.stdout.close()
        os.killpg(front.pid, signal.SIGHUP)
        assert front.wait(60) == 0
        assert not any(map(is_running, pids.values()))


def test_a_directory_that_is_no_movielens_is_refused(stopped, tmp_path):
    done = stopped.start("--movielens", str(tmp_path), check=False)
    assert done.returncode == 1
    assert "movies.csv" in done.stderr


# ------------------------------------------------------------------ nginx

WORLD = "empty"
SETTINGS = {}


@pytest.fixture
def web(stack):
    session = requests.Session()
    session.trust_env = False
    session.stack = stack
    return session


def test_the_shipped_map_is_the_one_of_the_table(stack):
    made = stack.ctl("nginx-map").stdout
    assert made == (stack_module.ROOT / "nginx/mxm-map.conf").read_text()


def test_render_refuses_what_nginx_cannot_quote(tmp_path):
    done = subprocess.run(
        [str(stack_module.ROOT / "nginx/render"), str(tmp_path),
         "RUN_DIR=/tmp/a b", "MEDIA_ROOT=/tmp/m", "PORT=1", "TLS_PORT=2"],
        capture_output=True, text=True)
    assert done.returncode == 2
    assert "/tmp/a b" in done.stderr


@pytest.mark.parametrize("method, path, send, status", [
    ("TRACE", "/api/genres/", {}, 405),
    ("POST", "/api/auth/login/", {"data": b"x" * 7_000_000}, 413),
    ("GET", "/api/genres/", {"headers": {"X-Long": "x" * 40_000}}, 431),
    ("GET", "/api/" + "x" * 9_000, {}, 414),
    ("GET", "/media/users/nobody.png", {}, 404),
    ("GET", "/media/", {}, 404),
    ("GET", "/media/users/.hidden", {}, 404),
    ("DELETE", "/media/users/nobody.png", {}, 405),
    ("GET", "/_mxm/413", {}, 404),
])
def test_nginx_answers_errors_in_json(web, method, path, send, status):
    r = web.request(method, web.stack.url + path, timeout=30, **send)
    assert r.status_code == status
    assert r.headers["Content-Type"] == "application/json"
    assert isinstance(r.json()["error"], str)
    assert r.headers["X-Content-Type-Options"] == "nosniff"
    assert r.headers["X-Request-ID"]
    if status == 405:
        assert "OPTIONS" in r.headers["Allow"]
        assert r.json()["detail"] == f'Method "{method}" not allowed.'


def test_pictures_are_served_as_pictures_and_nothing_runs(web):
    (web.stack.media / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (web.stack.media / "b.html").write_text("<script>alert(1)</script>")
    r = web.get(web.stack.url + "/media/a.png", timeout=10)
    assert (r.status_code, r.headers["Content-Type"]) == (200, "image/png")
    assert "max-age" in r.headers["Cache-Control"]
    again = web.get(web.stack.url + "/media/a.png", timeout=10,
                    headers={"If-None-Match": r.headers["ETag"]})
    assert again.status_code == 304
    r = web.get(web.stack.url + "/media/b.html", timeout=10)
    assert r.headers["Content-Type"] == "application/octet-stream"
    assert r.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in r.headers["Content-Security-Policy"]
    r = web.options(web.stack.url + "/media/a.png", timeout=10)
    assert (r.status_code, r.headers["Allow"]) == (204, "GET, HEAD, OPTIONS")


DEFAULTS = ["users/default.png", "person/default.png",
            "awards/no-award.png", "movies/covers/no-movie.png"]


@pytest.mark.parametrize("name", DEFAULTS)
def test_default_pictures_need_no_copy(web, name):
    """As after "make install": from the installed data, and from media_root if
    the administrator has put another one there."""
    own, url = web.stack.media / name, f"{web.stack.url}/media/{name}"
    own.unlink()
    r = web.get(url, timeout=10)
    assert r.status_code == 200
    assert r.content == (stack_module.ROOT / "media" / name).read_bytes()
    assert r.headers["Content-Type"] == "image/png"
    assert "max-age=604800" in r.headers["Cache-Control"]
    assert r.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in r.headers["Content-Security-Policy"]
    again = web.get(url, timeout=10,
                    headers={"If-None-Match": r.headers["ETag"]})
    assert again.status_code == 304
    assert web.head(url, timeout=10).status_code == 200
    assert web.options(url, timeout=10).status_code == 204
    assert web.delete(url, timeout=10).status_code == 405
    own.write_bytes(b"mine")
    assert web.get(url, timeout=10).content == b"mine"


@pytest.mark.parametrize("path", [
    "users", "users/", "movies/covers", "movies/covers/", "draw.py/",
    "../demo/README", "users/../../demo/README", "%2e%2e/demo/README"])
def test_installed_data_beside_pictures_is_not_served(web, path):
    shutil.rmtree(web.stack.media / "users", ignore_errors=True)
    shutil.rmtree(web.stack.media / "movies", ignore_errors=True)
    conn = http.client.HTTPConnection("127.0.0.1", web.stack.port, timeout=10)
    conn.request("GET", "/media/" + path)
    r = conn.getresponse()
    assert r.status == 404 and b"default" not in r.read()
    conn.close()


def test_a_link_out_of_the_media_folder_is_not_followed(web, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("takes root to make a link with another owner")
    secret = tmp_path / "secret.png"
    secret.write_text("secret")
    os.chown(secret, 65534, 65534)
    (web.stack.media / "link.png").symlink_to(secret)
    r = web.get(web.stack.url + "/media/link.png", timeout=10)
    assert r.status_code == 404


def test_strict_transport_security_is_for_https(web):
    plain = web.get(web.stack.url + "/healthz", timeout=10)
    secure = web.get(web.stack.tls_url + "/healthz", timeout=10,
                     verify=str(web.stack.certificate))
    assert "Strict-Transport-Security" not in plain.headers
    assert "max-age" in secure.headers["Strict-Transport-Security"]


def test_the_request_id_is_the_same_in_answer_and_log(web):
    mark = web.stack.mark()
    r = web.get(web.stack.url + "/api/genres/", timeout=10)
    wanted = r.headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", wanted)
    web.stack.wait_log(wanted, since=mark)


def test_a_header_that_is_not_listed_does_not_reach_the_program(web):
    r = web.get(web.stack.url + "/api/genres/", timeout=10,
                headers={"X-Request-ID": "f" * 32, "Proxy": "http://evil/"})
    assert r.headers["X-Request-ID"] != "f" * 32


def test_no_mxmd_is_503_with_retry_after(web):
    web.stack.mxmd.stop()
    try:
        r = web.get(web.stack.url + "/api/genres/", timeout=10)
        assert r.status_code == 503
        assert int(r.headers["Retry-After"]) > 0
        assert r.json()["error"]
    finally:
        web.stack.start_mxmd()
