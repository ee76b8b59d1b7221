# SPDX-License-Identifier: GPL-3.0-or-later
"""mxmctl: how it is called, check, config, routes, nginx-map."""

import json
import os
import re
import shutil
import subprocess

import pytest

import stack as stack_module
from stack import BUILD, ROOT, environment, wait_until, write_conf

SETTINGS = {"workers": 2, "slow_workers": 1}
KEY = "k" * 40

# Commands that work without settings, and what they need on their line.
BARE = {"config": ["--default-file"], "nginx-map": [], "routes": [],
        "sql": []}


def mxmctl(*args, env=None):
    return subprocess.run([str(BUILD / "mxmctl"), *map(str, args)],
                          capture_output=True, text=True, timeout=60,
                          env={**environment(), **(env or {})})


def table(name, macro):
    text = (ROOT / "src" / name).read_text()
    return re.findall(rf'^{macro}\("?([\w -]+)"?,', text, re.M)


COMMANDS = table("commands.def", "COMMAND")


@pytest.fixture
def conf(tmp_path):
    """Settings that are good, of a system that does not run."""
    path = tmp_path / "mxm.conf"
    write_conf(path, {"run_dir": tmp_path, "signing_key": KEY,
                      "database": f"host={tmp_path} dbname=x password=pw",
                      "cache_servers": tmp_path / "cache.sock",
                      "media_root": tmp_path / "media",
                      "model_file": tmp_path / "model",
                      "smtp_url": "smtp://127.0.0.1:1",
                      "smtp_password": "smtp-secret"})
    return path


# ------------------------------------------------------------ command line

def test_help_lists_every_command():
    done = mxmctl("--help")
    assert done.returncode == 0
    assert re.findall(r"^  ([a-z][a-z-]*(?: [a-z-]+)?)  +[a-z]", done.stdout, re.M) == COMMANDS


@pytest.mark.parametrize("args, word", [
    ([], "no command"),
    (["stauts"], 'did you mean "status"?'),
    (["nginxmap"], 'did you mean "nginx-map"?'),
    (["frobnicate"], "mxmctl --help"),
    (["status", "--nonsense"], "usage: mxmctl status"),
    (["routes", "more"], "usage: mxmctl routes"),
    (["config", "--what"], "usage: mxmctl config"),
    (["check", "more"], "usage: mxmctl check"),
    (["--nonsense"], "nonsense"),
])
def test_wrong_usage(args, word, conf):
    done = mxmctl("--config", conf, *args)
    assert done.returncode == 64
    assert word in done.stderr
    assert not done.stdout


@pytest.mark.parametrize("command", sorted(BARE))
def test_what_needs_no_settings(command, tmp_path):
    done = mxmctl("--config", tmp_path / "none", command, *BARE[command])
    assert done.returncode == 0, done.stderr
    assert done.stdout


# The arguments with which --json is tried, in this order.
PERSON = {"username": "jack", "email": "jack@example.org", "first_name": "J",
          "last_name": "K", "password": "Lantern-over-7-hills"}
JSON = {
    "cache flush": "", "cache stats": "", "check": "--static", "check sql": "",
    "config": "--non-default", "import demo": "--dry-run", "jobs": "",
    "jobs count": "", "jobs list": "all", "jobs remove": "999999999",
    "jobs retry": "failed", "migrate": "--status", "nginx-map": "",
    "pictures": "", "recommend show": "", "routes": "", "sql": "",
    "sql show": "incarnation", "status": "", "tune": "", "user create": "",
    "user export": "jack {tmp}/jack.zip", "user list": "", "user lock": "jack",
    "user unlock": "jack", "user sessions": "jack", "user set-admin": "jack",
    "user set-password": "jack",
    "user show": "jack", "user remove": "--now jack"}
# Those that need more, and where --json is tried.
ELSEWHERE = {
    "backup": "ctl/test_backup.py", "export": "ctl/test_site.py",
    "import imdb": "ctl/test_import_files.py",
    "import movielens": "ctl/test_import.py",
    "import moviesxmovies": "ctl/test_import_original.py",
    "import site": "ctl/test_site.py", "import tmdb": "ctl/test_import_files.py",
    "recommend evaluate": "ctl/test_recommend.py",
    "recommend explain": "api/test_recommendations.py",
    "recommend export": "ctl/test_models.py",
    "recommend import": "ctl/test_models.py",
    "recommend rank": "ctl/test_recommend.py",
    "recommend rollback": "ctl/test_models.py",
    "recommend train": "ctl/test_train.py", "recommend tune": "ctl/test_tune.py",
    "restore": "ctl/test_backup.py", "secrets encrypt": "ctl/test_secrets.py",
    "secrets remove": "ctl/test_secrets.py", "user import": "api/test_history.py",
    "user verify": "ctl/test_user.py",
    "verify": "ctl/test_backup.py",
    **{c: "ctl/test_thing.py" for c in COMMANDS if c == "audit" or c.split()[0] in
       ("movie", "person", "genre", "platform", "award", "review", "comment",
        "list")}}
# Prints nothing itself.
SILENT = {"secrets run"}


def test_answers_for_programs(stack, tmp_path):
    assert set(JSON) | set(ELSEWHERE) | SILENT == set(COMMANDS)
    for command, path in ELSEWHERE.items():
        assert "--json" in (ROOT / "t" / path).read_text(), command
    for command, args in JSON.items():
        done = stack.ctl(f"{command} {args.format(tmp=tmp_path)} --json",
                         check=False, stdin=json.dumps(PERSON))
        assert done.returncode in (0, 65), (command, done.stderr)
        assert type(json.loads(done.stdout)) in (dict, list), command
        assert not re.search("(?i)import.*done in", done.stderr), command


@pytest.mark.parametrize("command", ["config", "routes", "jobs list",
                                     "migrate --status"])
def test_json_may_be_said_before_the_command(stack, command):
    before = json.loads(stack.ctl(f"--json {command}").stdout)
    assert before == json.loads(stack.ctl(f"{command} --json").stdout)
    assert not stack.ctl(command).stdout.startswith(("[", "{"))


@pytest.mark.parametrize("command", [
    "check sql", "import demo", "jobs", "jobs retry 7", "migrate", "pictures",
    "status", "user list"])
def test_what_needs_settings_says_what_is_wrong(command, tmp_path):
    command = command.split()
    missing = mxmctl("--config", tmp_path / "none", *command)
    assert missing.returncode == 78 and not missing.stdout
    assert f"{tmp_path}/none: cannot be read" in missing.stderr
    assert "mxmctl config --default-file" in missing.stderr
    conf = tmp_path / "mxm.conf"
    write_conf(conf, {"signing_key": "short", "workers": "many"})
    bad = mxmctl("--config", conf, *command)
    assert bad.returncode == 78 and not bad.stdout
    assert f"mxmctl: {conf}:1: signing_key: is too short" in bad.stderr
    assert f'mxmctl: {conf}:2: workers: "many" is not a number' in bad.stderr


def test_version():
    done = mxmctl("--version")
    assert done.returncode == 0
    assert re.fullmatch(r"mxmctl \d+\.\d+\.\d+\n", done.stdout)


def test_a_full_disk_is_noticed():
    with open("/dev/full", "w") as full:
        done = subprocess.run([str(BUILD / "mxmctl"), "routes"], stdout=full,
                              stderr=subprocess.PIPE, text=True)
    assert done.returncode == 74
    assert "No space left" in done.stderr


# ------------------------------------------------------------------- check

def test_check_of_a_running_system(stack):
    wait_until(lambda: "mxm-jobs is running" in stack.ctl("check").stdout,
               "mxm-jobs has done its first round", 60)
    done = stack.ctl("check")
    lines = done.stdout.splitlines()
    whats = [line.split()[1] for line in lines]
    assert whats == ["settings", "public_origin", "key", "database", "schema",
                     "extensions", "server", "connections", "clock",
                     "role", "cache", "media", "pictures", "image", "mail",
                     "dictionary",
                     "run_dir", "model_file", "sockets", "jobs", "queue",
                     "model"]
    found = json.loads(stack.ctl("check --json").stdout)
    assert [f["what"] for f in found] == whats
    (server,) = [f for f in found if not f["ok"]]  # as lib/stack.py starts it
    assert server["what"] == "server" and server["level"] == "warning"
    assert server["text"].startswith("fsync or full_page_writes is off")
    assert [line.split()[0] for line in lines] == [f["level"] for f in found]
    assert not any(f["status"] for f in found)


@pytest.mark.parametrize("line, good", [
    ("worker_connections 768;", False), ("# worker_connections 8192;", False),
    ("worker_connections 8192;", True), ("worker_connections\t20000 ;", True)])
def test_check_of_room_in_nginx(stack, tmp_path, line, good):
    (tmp_path / "nginx.conf").write_text("events {\n\t%s\n}\n" % line)
    env = {**stack_module.environment(), "MXM_NGINX_DIR": str(tmp_path)}
    done = stack_module.ctl(stack.conf, "check", env=env)
    assert "nginx" not in done.stdout  # ours is not installed there
    (tmp_path / "moviesxmovies").mkdir()
    done = stack_module.ctl(stack.conf, "check", check=False, env=env)
    assert re.search("^(ok|FAILED) +nginx ", done.stdout, re.MULTILINE)[1] == (
        "ok" if good else "FAILED")
    assert done.returncode == (0 if good else 78)
    if not good:
        command = re.search("; (sed .*) && systemctl", done.stdout)[1]
        (tmp_path / "nginx.conf").write_text("events {\n\tworker_connections 768;\n}\n")
        subprocess.run(["sh", "-c", command], check=True)
        assert (tmp_path / "nginx.conf").read_text().split(";") == [
            "worker_rlimit_nofile 20000", "\nevents {\n\tworker_connections 8192",
            "\n}\n"]


def test_check_tells_each_fault_and_a_remedy(conf, tmp_path):
    done = mxmctl("--config", conf, "check")
    assert done.returncode == 69
    faults = dict(re.findall(r"^FAILED +(\w+) +(.*)$", done.stdout, re.M))
    assert set(faults) == {"database", "cache", "media", "mail", "sockets"}
    assert "PostgreSQL is running" in faults["database"]
    assert "memcached is running" in faults["cache"]
    assert "owned by the user of mxmd" in faults["media"]
    assert "mxmd is running" in faults["sockets"]
    assert "pw" not in done.stdout.split() and KEY not in done.stdout


BROKEN = {
    "database": (69, {"database": "host={tmp} dbname=x"}, {"database"},
                 "and that PostgreSQL is running: systemctl status postgresql"),
    "database name": (69, {"database": "{database} dbname=nope"},
                      {"database"}, "createdb -O mxm_owner -T template0 -E UTF8 -l C.UTF-8 nope"),
    "cache": (69, {"cache_servers": "{tmp}/none.sock"}, {"cache"},
              "memcached is running there and that this user may connect: systemctl "
              "status mxm-cache memcached"),
    "image": (69, {"image_program": "{tmp}/none"}, {"image"},
              "pictures cannot be decoded; check that "),
    "image that fails": (69, {"image_program": "/bin/false"}, {"image"},
                         "check that /bin/false can be run"),
    "media": (77, {"media_root": "{tmp}/none"}, {"media"},
              "create it, owned by the user of mxmd: install -d -o "
              "moviesxmovies -g www-data -m 2750 /"),
    "media file": (77, {"media_root": "{tmp}/file"}, {"media"},
                   "create it, owned by the user of mxmd"),
    "mail": (77, {"mail_dir": "{tmp}/none"}, {"mail"},
             "create it, owned by the user of mxmd"),
    "sockets": (69, {"run_dir": "{tmp}"}, {"sockets"},
                "check that mxmd is running and that this user may connect"),
    "two": (69, {"cache_servers": "{tmp}/none.sock",
                 "media_root": "{tmp}/none"}, {"cache", "media"}, "create it"),
    "mail server": (69, {"mail_transport": "smtp",
                         "smtp_url": "smtp://127.0.0.1:1"}, {"mail"},
                    "check that a mail server is running there, or set smtp_url"),
    "model folder": (77, {"model_file": "{tmp}/none/model"}, {"model_file"},
                     "create it, owned by the user of mxmd"),
    "key": (77, {"signing_key": None, "signing_key_file": "{tmp}/key"},
            {"key"}, "chmod g-w"),
    "settings": (78, {"workers": "many"}, {"settings"},
                 "write a whole number"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_check_names_the_one_thing_that_is_broken(stack, tmp_path, what):
    code, changed, failed, remedy = BROKEN[what]
    (tmp_path / "file").write_text("not a directory")
    settings = stack.settings()
    settings.update({k: v and v.format(tmp=tmp_path, **stack.settings())
                     for k, v in changed.items()})
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o660)
    conf = tmp_path / "mxm.conf"
    write_conf(conf, settings)
    done = mxmctl("--config", conf, "check")
    assert done.returncode == code, done.stdout
    faults = dict(re.findall(r"^FAILED +(\w+) +(.*)$", done.stdout, re.M))
    assert set(faults) == failed
    assert any(remedy in text for text in faults.values()), faults
    found = json.loads(mxmctl("--config", conf, "check", "--json").stdout)
    assert {f["what"] for f in found if f["level"] == "failed"} == failed
    assert all(f["text"] for f in found)


@pytest.mark.parametrize("change, undo, remedy", [
    ("INSERT INTO migration (number, name, checksum) "
     "VALUES (9999, 'future', repeat('0', 64))",
     "DELETE FROM migration WHERE number = 9999", "9999"),
    ("UPDATE migration SET number = -5 WHERE number = 5",
     "UPDATE migration SET number = 5 WHERE number = -5", "mxmctl"),
], ids=["ahead", "behind"])
def test_check_of_another_schema(stack, change, undo, remedy):
    stack.owner_sql(change)
    try:
        done = stack.ctl("check", check=False)
    finally:
        stack.owner_sql(undo)
    assert done.returncode == 65
    faults = dict(re.findall(r"^FAILED +(\w+) +(.*)$", done.stdout, re.M))
    assert set(faults) == {"schema"}
    assert remedy in faults["schema"]
    assert stack.ctl("check").returncode == 0


def test_check_without_a_cache_is_fine(stack, tmp_path, mail_server):
    conf = tmp_path / "mxm.conf"
    write_conf(conf, {**stack.settings(), "cache_servers": "",
                      "mail_transport": "smtp", "smtp_url": mail_server.url})
    done = mxmctl("--config", conf, "check")
    assert done.returncode == 0
    assert re.search(r"^ok +cache +none is set", done.stdout, re.M)
    assert re.search(rf"^ok +mail +{mail_server.url}$", done.stdout, re.M)


def test_check_names_the_cache_that_is_away(stack, tmp_path):
    """Of several, whichever it is that the keys of a check would go to."""
    conf, good = tmp_path / "mxm.conf", stack.settings()["cache_servers"]
    away = [tmp_path / f"{name}.sock" for name in "abc"]
    write_conf(conf, {**stack.settings(), "cache_servers":
                      ", ".join(map(str, [good, *away]))})
    done = mxmctl("--config", conf, "check")
    assert done.returncode == 69
    assert re.findall(r"^FAILED +cache +no answer at (\S+);",
                      done.stdout, re.M) == [str(path) for path in away]


def test_check_of_the_statements(stack):
    done = stack.ctl("check sql")
    assert done.returncode == 0 and "statement" in done.stdout


def test_check_settings_is_for_before_a_start(conf):
    done = mxmctl("--config", conf, "check", "--static")
    assert done.returncode == 0
    whats = re.findall(r"^(?:ok|warning) +(\w+)", done.stdout, re.M)
    assert whats == ["settings", "public_origin", "key", "mail_from"]


def test_check_tells_all_faults_of_the_settings(tmp_path):
    path = tmp_path / "mxm.conf"
    write_conf(path, {"workers": "many", "signing_key": KEY,
                      "public_origin": "movies.example.org",
                      "listne_fast": "/x"})
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/10-mail.conf").write_text("mail_transport = pigeon\n")
    done = mxmctl("--config", path, "check", env={"MXM_LIMIT_CODE": "x"})
    assert done.returncode == 78
    for line in (
            f'{path}:1: workers: "many" is not a number; write',
            f'{path}:3: public_origin: "movies.example.org" is not an origin',
            f'{path}:4: there is no setting "listne_fast"; did you mean '
            'listen_fast?',
            f'{tmp_path}/conf.d/10-mail.conf:1: mail_transport: "pigeon"',
            'MXM_LIMIT_CODE: limit_code: "x" is not a number'):
        assert line in done.stdout
    assert mxmctl("--config", path, "check", "--static").returncode == 78


# ------------------------------------------------------------------- cache

def test_cache_stats(stack, client):
    client.get("/api/schema/")
    (server,) = json.loads(stack.ctl("cache stats --json").stdout)
    assert server["available"] and server["server"] == str(stack.cache_socket)
    assert server["stats"]["limit_maxbytes"] > 0
    assert "rusage_user" in server["stats"]
    text = stack.ctl("cache stats").stdout
    assert text.startswith(f"{stack.cache_socket}: memcached 1.")
    assert re.search(r"^  hits +\d+ of \d+ \(", text, re.M)


def test_cache_flush_after_a_change_without_triggers(stack, ana):
    def title():
        return ana.get("/api/movies/heat/").json()["title"]

    def is_cached():
        mark = stack.mark()
        title()
        return "GET /api/movies/heat/ 200" in stack.log("mxmd", mark) \
            and "cache=hit" in stack.log("mxmd", mark)
    before = title()
    wait_until(is_cached, "the answer is cached")
    change = ("SET session_replication_role = replica; "
              "UPDATE movie SET title = %s WHERE slug = 'heat'")
    stack.cluster.sql(change, (f"{before} anew",), stack.database)
    try:
        assert title() == before  # it was cached
        done = stack.ctl("cache flush")
        assert done.stdout == f"{stack.cache_socket} is empty\n"
        assert title() == f"{before} anew"
    finally:
        stack.cluster.sql(change, (before,), stack.database)
        found = json.loads(stack.ctl("cache flush --json").stdout)
    assert found == [{"server": str(stack.cache_socket), "flushed": True}]
    assert title() == before


def test_cache_flush_during_changes(stack, ana):
    """No answer is stale, whenever it is flushed."""
    for i in range(30):
        with subprocess.Popen([BUILD / "mxmctl", "--config", stack.conf,
                               "cache", "flush"], env=environment(),
                              stdout=subprocess.DEVNULL):
            ana.put("/api/users/", {"bio": f"bio {i}"})
            assert ana.get("/api/users/").json()["bio"] == f"bio {i}"
        assert ana.get("/api/users/").json()["bio"] == f"bio {i}"


@pytest.mark.parametrize("command", ["flush", "stats"])
def test_a_cache_that_is_not_there(conf, tmp_path, command):
    done = mxmctl("--config", conf, "cache", command)
    assert done.returncode == 69 and not done.stdout
    assert f"{tmp_path}/cache.sock is unavailable" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    (server,) = json.loads(
        mxmctl("--config", conf, "cache", command, "--json").stdout)
    assert not server.get("available", server.get("flushed"))
    done = mxmctl("--config", conf, "cache", command,
                  env={"MXM_CACHE_SERVERS": ""})
    assert done.returncode == 78 and not done.stdout
    assert "there is no cache: cache_servers is empty" in done.stderr


# ------------------------------------------------------------------ config

def test_config_shows_all_settings_and_no_secret(conf):
    done = mxmctl("--config", conf, "config")
    assert done.returncode == 0
    names = re.findall(r"^(\w+) = ", done.stdout, re.M)
    assert names == table("settings.def", "SETTING")
    assert KEY not in done.stdout
    assert "smtp-secret" not in done.stdout
    assert "password=pw" not in done.stdout
    assert "password=(hidden)" in done.stdout
    assert "signing_key = (hidden)" in done.stdout


@pytest.mark.parametrize("info, shown", [
    ("postgresql://u:pw@h/d", "postgresql://u:(hidden)@h/d"),
    ("postgresql://h:5432/d", "postgresql://h:5432/d"),
    ("postgresql://u@h:5432/d?port=1", "postgresql://u@h:5432/d?port=1"),
    ("dbname=x password='a b' host=y", "dbname=x password=(hidden) host=y"),
    ("password = pw host=y", "password = (hidden) host=y"),
    ("dbname=x", "dbname=x"),
    (r"password='it\'s one' host=y", "password=(hidden) host=y"),
    (r"password=a\ b host=y", "password=(hidden) host=y"),
    ("password=a host=y password=b", "password=(hidden) host=y password=(hidden)"),
    ("postgresql://u:p@h/d?password=q&port=1",
     "postgresql://u:(hidden)@h/d?password=(hidden)&port=1"),
    ("postgresql://u:p@ss@h/d", "postgresql://u:(hidden)@h/d"),
    ("host=/run/password dbname=x", "host=/run/password dbname=x"),
    ("sslpassword=a password=b", "sslpassword=(hidden) password=(hidden)"),
    ("password=", "password="),
])
def test_config_hides_a_password_of_the_database(conf, info, shown):
    done = mxmctl("--config", conf, "--json", "config",
                  env={"MXM_DATABASE": info})
    assert json.loads(done.stdout)["database"]["value"] == shown
    for name in ("database_owner", "database_replica"):
        done = mxmctl("--config", conf, "config", name,
                      env={f"MXM_{name.upper()}": info})
        assert done.stdout == f"{name} = {shown}  # MXM_{name.upper()}\n"


def test_config_hides_a_password_in_a_url(conf):
    done = mxmctl("--config", conf, "config", "smtp_url", env={
        "MXM_SMTP_URL": "smtp://me:secret@mail.example.org:587"})
    assert "secret" not in done.stdout and "(hidden)@mail" in done.stdout


def test_config_says_where_a_value_comes_from(conf, tmp_path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/a.conf").write_text("\nworkers = 7\n")
    done = mxmctl("--config", conf, "config", "--json",
                  env={"MXM_LIMIT_USER": "5"})
    got = json.loads(done.stdout)
    assert got["workers"] == {"value": "7",
                              "source": f"{tmp_path}/conf.d/a.conf:2"}
    assert got["limit_user"] == {"value": "5", "source": "MXM_LIMIT_USER"}
    assert got["run_dir"] == {"value": str(tmp_path), "source": f"{conf}:1"}
    assert got["listen_fast"] == {"value": f"{tmp_path}/fast.sock",
                                  "source": None}
    changed = mxmctl("--config", conf, "config", "--non-default",
                     env={"MXM_LIMIT_USER": "2000"}).stdout
    names = re.findall(r"^(\w+) = ", changed, re.M)
    assert "workers" in names and "run_dir" in names
    assert "limit_user" not in names and "listen_fast" not in names


def test_the_sample_is_good_and_says_the_defaults(conf, tmp_path):
    sample = mxmctl("config", "--default-file").stdout
    assert max(map(len, sample.splitlines())) <= 80
    defaults = re.findall(r"^#(\w+) = (.*)$", sample, re.M)
    assert [n for n, _ in defaults] == table("settings.def", "SETTING")
    # as it is, and with every default written out, it means the same
    path = tmp_path / "sample.conf"
    values = []
    for text in (sample, re.sub(r"^#(\w+ = )", r"\1", sample, flags=re.M)):
        path.write_text(text)
        path.chmod(0o600)
        done = mxmctl("--config", path, "config", "--json",
                      env={"MXM_SIGNING_KEY": KEY})
        assert done.returncode == 0, done.stderr
        values.append({k: v["value"]
                       for k, v in json.loads(done.stdout).items()})
    assert values[0] == values[1]


# ------------------------------------------------------- routes, nginx-map

def test_routes_for_people():
    lines = mxmctl("routes").stdout.splitlines()
    assert any(re.search(r"GET +/api/movies/\{movie\}/ +VERIFIED +FAST", line)
               for line in lines)


def test_nginx_gets_the_map_that_is_shipped():
    shipped = (ROOT / "nginx/mxm-map.conf").read_text()
    assert mxmctl("nginx-map").stdout == shipped


def test_the_map_names_the_slow_routes_with_and_without_slash():
    rows = json.loads(mxmctl("routes", "--json").stdout)
    text = mxmctl("nginx-map").stdout
    slow = [r for r in rows if r["pool"] == "SLOW"]
    assert slow

    def methods(row):
        return ["GET", "HEAD"] if row["method"] == "GET" else [row["method"]]
    for row in slow:
        if "{" not in row["path"]:
            both = {f'"{method} {p}" mxm_slow;' for method in methods(row)
                    for p in (row["path"], row["path"].rstrip("/"))}
            assert both <= set(text.splitlines())
    assert len([line for line in text.splitlines()
                if "mxm_slow" in line]) == sum(
                    len(methods(row)) * (1 if "{" in row["path"] else 2)
                    for row in slow)


# -------------------------------------------------------------------- tune

def tuned(conf, *args):
    done = mxmctl("--config", conf, "tune", "--json", *args)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    return told, {p["name"]: p for p in told["proposals"]}


@pytest.mark.parametrize("cores, memory, expected", [
    (2, "8G", {"workers": "4", "slow_workers": "4", "image_memory": "512M",
               "MemoryMax": "2854M", "TasksMax": "32", "-m": "512",
               "max_connections": "100", "shared_buffers": "2048MB"}),
    (4, "16G", {"workers": "8", "slow_workers": "8", "MemoryMax": "5452M",
                "TasksMax": "48", "max_connections": "100"}),
    (16, "64G", {"workers": "32", "slow_workers": "32", "hash_places": "16",
                 "-m": "2048", "max_connections": "170", "work_mem": "64MB",
                 "maintenance_work_mem": "1024MB"}),
    (8, "2G", {"workers": "2", "slow_workers": "2", "image_memory": "256M",
               "MemoryMax": "1176M", "-m": "128"}),
    (2, "512M", {"slow_workers": "2", "MemoryMax": "384M", "-m": "64",
                 "work_mem": "8MB", "maintenance_work_mem": "64MB"}),
])
def test_tune_proposes_by_cores_and_memory(conf, cores, memory, expected):
    told, found = tuned(conf, "--cores", cores, "--memory", memory)
    assert told["cores"] == cores and told["database"] == "local"
    assert {n: found[n]["proposed"] for n in expected} == expected
    assert all(p["why"] for p in told["proposals"]) and not told["written"]


def test_tune_for_a_database_elsewhere(conf):
    _, here = tuned(conf, "--cores", 8, "--memory", "8G")
    told, found = tuned(conf, "--cores", 8, "--memory", "8G", "--hosts", 3,
                        "--database", "remote")
    assert told["database"] == "remote" and "shared_buffers" not in found
    assert int(found["slow_workers"]["proposed"]) > int(
        here["slow_workers"]["proposed"])
    assert found["max_connections"]["proposed"] == "220"
    assert tuned(conf)[0]["memory_mib"] > 0  # this host


def test_tune_reads_what_there_is(stack):
    found = {p["name"]: p for p in json.loads(
        stack.ctl("tune --json").stdout)["proposals"]}
    for name in ("max_connections", "shared_buffers", "work_mem"):
        assert found[name]["now"] == stack.value(f"SHOW {name}")
    assert found["workers"]["now"] == "2"
    assert int(found["-m"]["now"]) > 0
    text = stack.ctl("tune").stdout
    assert "ALTER SYSTEM SET shared_buffers = " in text


def test_tune_writes(conf, tmp_path):
    units = tmp_path / "root/etc/systemd/system"
    units.mkdir(parents=True)
    units.chmod(0o755)
    env = {"MXM_CACHE_SERVERS": "/run/mxm-cache/memcached.sock"}
    args = ["--config", conf, "tune", "--cores", 3, "--memory", "12G", "--root",
            tmp_path / "root"]
    done = mxmctl(*args, "--write", env=env)
    assert done.returncode == 0, done.stderr
    assert "systemctl daemon-reload && systemctl restart mxm-cache mxmd" \
        in done.stdout
    written = [tmp_path / "conf.d/50-tune.conf",
               units / "mxmd.service.d/50-tune.conf",
               units / "mxm-cache.service.d/50-tune.conf"]
    texts = [p.read_text() for p in written]
    assert "workers = 6\n" in texts[0]
    assert re.search(r"^\[Service\]\n(#.*\nMemoryMax=\d+M\n)(#.*\nTasksMax=40\n)$",
                     texts[1], re.M)
    assert re.search(r"^\[Service\]\n#.*\nEnvironment=MEGABYTES=768\n"
                     r"#.*\nMemoryMax=1024M\n$",
                     texts[2], re.M)
    assert [p.stat().st_mode & 0o777 for p in written] == [0o600, 0o644, 0o644]
    told = json.loads(mxmctl("--config", conf, "config", "--json").stdout)
    assert told["workers"] == {"value": "6", "source": f"{written[0]}:3"}
    # what another file overrides is reported; the rest is written
    (tmp_path / "conf.d/90.conf").write_text("workers = 5\n")
    done = mxmctl(*args, "--write", env=env)
    assert done.stderr == (f"mxmctl tune: {tmp_path}/conf.d/90.conf:1 also sets "
                           "workers and overrides it\n")
    assert [p.read_text() for p in written] == texts
    # nothing below the directory of the units: an error, and no more output
    done = mxmctl(*args[:-1], tmp_path / "none", "--write")
    assert done.returncode == 73
    assert "run it as root" in done.stderr and not done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be another")
def test_tune_does_not_write_as_an_ordinary_user(tmp_path):
    (tmp_path / "mxm.conf").write_text(f"signing_key = {KEY}\n")
    (tmp_path / "mxm.conf").chmod(0o600)
    shutil.chown(tmp_path / "mxm.conf", "nobody")
    shutil.copy(BUILD / "mxmctl", tmp_path / "mxmctl")
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    done = subprocess.run(
        ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups",
         tmp_path / "mxmctl", "--config", tmp_path / "mxm.conf", "tune", "--write"],
        capture_output=True, text=True, cwd="/", env={})
    assert done.returncode == 77 and not done.stdout
    assert "conf.d/50-tune.conf: Permission denied; run it as root" in done.stderr


@pytest.mark.parametrize("args", [
    ["--cores", "0"], ["--cores", "x"], ["--hosts", "101"], ["--memory", "1"],
    ["--memory", "100M"], ["--memory", "-1G"], ["--memory", "9999999999G"],
    ["--memory", "4GG"], ["--memory", ""], ["--database", "far"]])
def test_tune_of_what_is_no_number(conf, args):
    done = mxmctl("--config", conf, "tune", *args)
    assert done.returncode == 64 and not done.stdout
    assert len(done.stderr.splitlines()) == 2 and args[0] in done.stderr
