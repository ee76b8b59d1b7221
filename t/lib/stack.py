# SPDX-License-Identifier: GPL-3.0-or-later
"""A private instance for tests: PostgreSQL, memcached, nginx, mxmd and mxm-jobs in
a temporary directory with a short name, on Unix sockets except for the ports of
nginx.

Cluster is the PostgreSQL server of a test session with a migrated template
database; Stack is everything else, on a database cloned from the template.  All
waits have a condition and a deadline, and end with the log of a process that dies
meanwhile.
"""

import contextlib
import ctypes
import email
import email.policy
import os
import pathlib
import pwd
import random
import re
import secrets
import shlex
import shutil
import signal as sig
import socket
import subprocess
import tempfile
import time

import psycopg2
import requests
import urllib3

from ending import temporary

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MXM_BUILD", ROOT / "build"))
PG_BIN = pathlib.Path(os.environ.get("MXM_PG_BIN",
                                     "/usr/lib/postgresql/15/bin"))
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")
POLL = 0.02

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)

urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)


class StackError(RuntimeError):
    """Something of the stack does not start, or not answer in time."""


def wait_until(condition, what, timeout=45, alive=None, poll=POLL):
    """Returns the first true value of condition(); raises at the deadline.

    alive, if given, is a Process that must not die meanwhile; poll: the seconds
    between two calls of condition()."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if alive is not None and not alive.is_running():
            raise StackError(f"{what}: {alive.name} ended with "
                             f"{alive.popen.returncode}\n{alive.tail()}")
        if time.monotonic() > deadline:
            tail = f"\n{alive.tail()}" if alive is not None else ""
            raise StackError(f"{what}: not within {timeout} s{tail}")
        time.sleep(poll)


def free_port():
    """A loopback port that was free a moment ago; none of those that the system
    gives to connections, of which other tests have many."""
    limits = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()
    lowest = int(limits.split()[0])
    while True:
        port = random.randrange(10000, lowest) if lowest > 20000 else 0
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return s.getsockname()[1]


def answers(path):
    """Whether a process listens on the Unix socket path."""
    with socket.socket(socket.AF_UNIX) as s:
        try:
            s.connect(str(path))
        except OSError:
            return False
    return True


def as_user(name, args):
    """args, run as that user when we are root; unchanged otherwise."""
    if os.geteuid() != 0:
        return args
    return ["setpriv", "--reuid", name, "--regid", name, "--init-groups",
            "--pdeathsig", "KILL", "--", *args]


class Process:
    """A child with a log file, stopped by its process id."""

    def __init__(self, name, log):
        self.name = name
        self.log = pathlib.Path(log)
        self.popen = None

    def start(self, args, env=None, **more):
        def die_with_parent():
            LIBC.prctl(PR_SET_PDEATHSIG, sig.SIGKILL)
        with open(self.log, "ab") as out:
            self.popen = subprocess.Popen(
                [str(a) for a in args], stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, start_new_session=True, env=env,
                preexec_fn=die_with_parent, **more)
        return self

    @property
    def pid(self):
        return self.popen.pid

    def is_running(self):
        return self.popen is not None and self.popen.poll() is None

    def signal(self, number):
        self.popen.send_signal(number)

    def stop(self, number=sig.SIGTERM, timeout=15):
        """Asks it to end, waits, and gives the exit status; a process that
        does not end in time is killed and is an error."""
        if not self.is_running():
            return None if self.popen is None else self.popen.returncode
        self.popen.send_signal(number)
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise StackError(f"{self.name}: still there {timeout} s after "
                             f"signal {number}\n{self.tail()}") from None

    def kill(self):
        if self.is_running():
            self.popen.kill()
            self.popen.wait()

    def text(self):
        try:
            return self.log.read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def tail(self, lines=40):
        text = self.text().splitlines()[-lines:]
        return "\n".join([f"--- {self.log} (last {len(text)} lines)", *text])


OWNER = "mxm_owner"  # of databases and tables; the programs connect as mxm

PG_CONF = """
listen_addresses = ''
unix_socket_directories = '{run}'
unix_socket_permissions = 0777
max_connections = 80
shared_buffers = 64MB
random_page_cost = 1.1
autovacuum_naptime = 5s
log_line_prefix = '%m [%p] %d '
log_min_duration_statement = 2000
"""

# The data is not needed after a crash of the machine.
PG_CONF_FAST = """
fsync = off
full_page_writes = off
synchronous_commit = off
"""


class Cluster:
    """One PostgreSQL server, with databases cloned from templates."""

    def __init__(self, base=None, production=False, within=()):
        """production uses the default durability of PostgreSQL; within: words
        before the command of the server, such as nsenter."""
        self.within = list(within)
        self.own_base = base is None
        self.conf = PG_CONF if production else PG_CONF + PG_CONF_FAST
        self.base = pathlib.Path(base or tempfile.mkdtemp(
            prefix="mxm-", dir=temporary()))
        self.base.chmod(0o755)
        self.data = self.base / "pg"
        self.run = self.base / "s"
        self.process = Process("postgres", self.base / "postgres.log")
        self.count = 0
        self.templates = {}

    def start(self):
        me = pwd.getpwuid(os.geteuid()).pw_name
        if not self.data.exists():
            for folder in (self.data, self.run):
                folder.mkdir(mode=0o755)
                if os.geteuid() == 0:
                    shutil.chown(folder, "postgres", "postgres")
            self.data.chmod(0o700)
            self._run(PG_BIN / "initdb", "-D", self.data, "-U", "postgres",
                      "-E", "UTF8", "--locale=C.UTF-8", "-A", "peer",
                      "--no-sync")
            with open(self.data / "postgresql.conf", "a") as out:
                out.write(self.conf.format(run=self.run))
            (self.data / "pg_hba.conf").write_text("local all all peer map=mxm\n")
            (self.data / "pg_ident.conf").write_text(
                "".join(f"mxm {user} {role}\n" for user in {me, "postgres", "nobody"}
                        for role in ("mxm", OWNER, "postgres")))
        self.process.start([*self.within, *as_user(
            "postgres", [PG_BIN / "postgres", "-D", self.data])])
        wait_until(lambda: answers(self.run / ".s.PGSQL.5432")
                   and self._ready(), "PostgreSQL starts",
                   alive=self.process, timeout=60)
        return self

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    def _run(self, *args):
        done = subprocess.run(as_user("postgres", [str(a) for a in args]),
                              capture_output=True, text=True, cwd="/")
        if done.returncode != 0:
            raise StackError(f"{args[0]}: {done.stdout}{done.stderr}")

    def _ready(self):
        try:
            self.connect("postgres", user="postgres").close()
        except psycopg2.OperationalError:
            return False
        if "mxm" not in self.roles():
            self.sql(f"CREATE ROLE {OWNER} LOGIN")
            self.sql("CREATE ROLE mxm LOGIN CREATEDB")
        return True

    def roles(self):
        return {r[0] for r in self.sql("SELECT rolname FROM pg_roles")}

    def stop(self):
        self.process.stop(sig.SIGINT, timeout=60)

    def close(self):
        if self.process.is_running():
            self.process.stop(sig.SIGQUIT, timeout=30)
        if self.own_base:
            shutil.rmtree(self.base, ignore_errors=True)

    def conninfo(self, database, user="mxm"):
        return f"host={self.run} dbname={database} user={user}"

    def reach(self, database):
        """The settings by which the programs reach it: as two roles."""
        return {"database": self.conninfo(database),
                "database_owner": self.conninfo(database, OWNER)}

    def connect(self, database, user="mxm"):
        conn = psycopg2.connect(host=str(self.run), dbname=database, user=user)
        conn.autocommit = True
        return conn

    def sql(self, text, params=None, database="postgres", user="postgres"):
        """Runs SQL and gives its rows (none for what returns none)."""
        conn = self.connect(database, user)
        try:
            with conn.cursor() as cursor:
                cursor.execute(text, params)
                return cursor.fetchall() if cursor.description else []
        finally:
            conn.close()

    def create(self, template="template0"):
        """A new database, a copy of the named one; gives its name."""
        self.count += 1
        name = f"t{os.getpid()}_{self.count}"
        self.sql(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE "
                 f"{template} ENCODING 'UTF8'")
        return name

    def template(self, name, fill):
        """The template of that name; fill(database) makes it once."""
        if name not in self.templates:
            base = "template0"
            if name != "migrated":
                base = self.template("migrated", migrate(self))
            database = self.create(base)
            fill(database)
            self.templates[name] = database
        return self.templates[name]

    def drop(self, database):
        self.sql(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


def migrate(cluster):
    """What fills the template "migrated"."""
    def fill(database):
        with tempfile.TemporaryDirectory(prefix="mxm-",
                                         dir=temporary()) as folder:
            conf = pathlib.Path(folder) / "mxm.conf"
            write_conf(conf, {"run_dir": folder, "media_root": folder,
                              **cluster.reach(database),
                              "signing_key": secrets.token_hex(32)})
            ctl(conf, "migrate")
    return fill


def write_conf(path, settings):
    """Writes settings as a configuration file that only we can read."""
    lines = [f"{k} = {v}\n" for k, v in settings.items() if v is not None]
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w") as out:
        out.writelines(lines)


def ctl(conf, command, check=True, timeout=120, env=None, stdin=None):
    """Runs mxmctl with a configuration; command is a string or a list."""
    args = shlex.split(command) if isinstance(command, str) else command
    done = subprocess.run(
        [str(BUILD / "mxmctl"), "--config", str(conf), *map(str, args)],
        capture_output=True, text=True, timeout=timeout, input=stdin,
        env=env or environment())
    if check and done.returncode != 0:
        raise StackError(f"mxmctl {command}: exit {done.returncode}\n"
                         f"{done.stdout}{done.stderr}")
    return done


# What a worker dies of that has a fault.
CRASH = re.compile(r".*was killed by signal (?:4|6|7|8|11) .*")


def environment(crashes=False):
    """Our environment without settings that a developer may have set, and
    with the data files of the source tree; crashes as for Stack."""
    keep = ("MXM_BUILD", "MXM_SHARED", "MXM_PG_BIN", "MXM_DATADIR")
    env = {k: v for k, v in os.environ.items()
           if not k.startswith("MXM_") or k in keep}
    env.setdefault("MXM_DATADIR", str(ROOT))
    if crashes:  # also under AddressSanitizer, which else makes a report of it
        env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":handle_segv=0"
    for name in ("NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID",
                 "LISTEN_FDNAMES", "JOURNAL_STREAM", "CREDENTIALS_DIRECTORY"):
        env.pop(name, None)
    return env


class Stack:
    """memcached, nginx, mxmd and mxm-jobs on a database of their own.

    settings   override those of the configuration file
    template   the database to clone: name and fill of Cluster.template()
    jobs, web  whether to start mxm-jobs, mxmd
    ready      whether start() waits until /readyz is 200
    database   one that exists, instead of a new one
    within     words before the commands of mxmd and mxm-jobs, such as nsenter
    crashes    whether the tests kill processes as a fault would; without it,
               one that died so makes stop() fail
    """

    def __init__(self, cluster, settings=None, template=None, jobs=True,
                 web=True, ready=True, nginx_workers="1", crashes=False,
                 database=None, within=()):
        self.cluster = cluster
        self.within = list(within)
        self.is_guest = database is not None
        self.overrides = dict(settings or {})
        self.want_jobs, self.want_web, self.want_ready = jobs, web, ready
        self.nginx_workers = nginx_workers
        self.crashes = crashes
        name, fill = template or ("migrated", migrate(cluster))
        self.database = database or cluster.create(cluster.template(name, fill))
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="mxm-",
                                                  dir=temporary()))
        for folder in ("run", "mail", "media", "nginx", "log"):
            (self.base / folder).mkdir()
        copy_default_pictures(self.base / "media")
        self.conf = self.base / "mxm.conf"
        self.mail_dir = self.base / "mail"
        self.media = self.base / "media"
        self.cache_socket = self.base / "cache.sock"
        self.memcached = self._process("memcached")
        self.nginx = self._process("nginx")
        self.mxmd = self._process("mxmd")
        self.jobs = self._process("mxm-jobs")
        self.port = self.tls_port = None
        self.seen_mail = set()

    def _process(self, name):
        return Process(name, self.base / "log" / f"{name}.log")

    # ------------------------------------------------------------ life

    def start(self):
        try:
            self.start_memcached()
            self.start_nginx()
            self.configure()
            if self.want_jobs:
                self.start_jobs()
            if self.want_web:
                self.start_mxmd()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self):
        """Ends everything; the first error is raised when all is done."""
        trouble = None
        for process, number in ((self.nginx, sig.SIGTERM),
                                (self.mxmd, sig.SIGTERM),
                                (self.jobs, sig.SIGTERM),
                                (self.memcached, sig.SIGKILL)):
            try:
                process.stop(number)
            except StackError as e:
                trouble = trouble or e
        crash = CRASH.search(self.mxmd.text() + self.jobs.text())
        if crash and not self.crashes:
            trouble = trouble or StackError(f"{crash.group()}\n{self.logs()}")
        if self.cluster.process.is_running() and not self.is_guest:
            self.cluster.drop(self.database)
        if trouble:
            raise trouble

    def close(self):
        """stop(), and removes the directory; logs are removed unless kept."""
        try:
            self.stop()
        finally:
            shutil.rmtree(self.base, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    # ------------------------------------------------------- processes

    def settings(self):
        """The settings of this stack, ours first, then the overrides."""
        base = {
            "run_dir": self.base / "run",
            "socket_group": "",
            "workers": 2,
            "slow_workers": 1,
            **self.cluster.reach(self.database),
            "cache_servers": self.cache_socket,
            "public_origin": self.tls_url,
            "media_root": self.media,
            "model_file": self.base / "model",
            "signing_key": self.signing_key,
            "mail_transport": "file",
            "mail_dir": self.mail_dir,
            "mail_from": "movies@example.org",
            "limit_public": 0,
            "limit_login": 0,
            "limit_name": 0,
            "limit_code": 0,
            "limit_user": 0,
            "limit_search": 0,
            "limit_write": 0,
            "limits_file": self.base / "limits",
            # a test holds a lock until it has seen what waits for it
            "lock_timeout": 0,
            "log_target": "stderr",
        }
        base.update(self.overrides)
        return base

    signing_key = "0123456789abcdef0123456789abcdef-of-the-tests"

    def configure(self, **overrides):
        """Writes the configuration file, with these settings changed."""
        self.overrides.update(overrides)
        write_conf(self.conf, self.settings())

    def start_memcached(self):
        args = ["memcached", "-s", self.cache_socket, "-a", "0700", "-m", "64",
                "-t", "2", "-c", "512"]
        if os.geteuid() == 0:
            args += ["-u", "root"]
        self.memcached.start(args)
        wait_until(lambda: answers(self.cache_socket), "memcached starts",
                   alive=self.memcached)

    def start_nginx(self):
        self._certificate()
        for _ in range(10):
            self.port, self.tls_port = free_port(), free_port()
            self.render_nginx()
            before = len(self.nginx.text())
            self.nginx.start([NGINX, "-e", self.base / "log/nginx-error.log",
                              "-c", self.base / "nginx/nginx.conf"])
            if wait_until(self._nginx_up, "nginx starts") == "up":
                return
            if "Address already in use" not in self.nginx.text()[before:]:
                raise StackError(f"nginx does not start\n{self.nginx.tail()}")
        raise StackError("nginx: no free port in ten tries")

    def _nginx_up(self):
        if not self.nginx.is_running():
            return "down"
        with socket.socket() as s:
            return "up" if s.connect_ex(("127.0.0.1", self.port)) == 0 else ""

    def _certificate(self):
        folder = self.base / "nginx"
        if not (folder / "cert.pem").exists():
            make_certificate(folder)

    def render_nginx(self):
        folder = self.base / "nginx"
        data = self.base / "data"  # a plain name, whatever that of the source
        if not data.is_symlink():
            data.symlink_to(ROOT)
        args = [ROOT / "nginx/render", folder, f"RUN_DIR={self.base}/run",
                f"MEDIA_ROOT={self.media}", f"PORT={self.port}",
                f"TLS_PORT={self.tls_port}", f"NGINX_WORKERS={self.nginx_workers}",
                f"ORIGINS={self._origins()}", f"DATA_DIR={data}"]
        if os.geteuid() == 0:
            args.append("USER_LINE=user root;")
        subprocess.run([str(a) for a in args], check=True)

    def _origins(self):
        """The origins for error answers of nginx, which cannot read our
        settings."""
        settings = self.settings()
        names = ("public_origin", "site_origin", "cors_origins")
        said = ",".join(settings.get(name) or "" for name in names)
        return " ".join(said.replace(",", " ").split())

    def reload_nginx(self, path):
        """Takes a changed configuration; waits until path is served by it."""
        self.nginx.signal(sig.SIGHUP)
        wait_until(lambda: self.status_of(path) == 200,
                   f"nginx serves {path}", alive=self.nginx)

    def start_mxmd(self):
        self.mxmd.start([*self.within, BUILD / "mxmd", "--config", self.conf],
                        env=environment(self.crashes))
        if self.want_ready:
            self.wait_ready()
        else:
            self.wait_healthy()

    def start_jobs(self):
        self.jobs.start([*self.within, BUILD / "mxm-jobs", "--config",
                         self.conf], env=environment())

    def wait_ready(self, timeout=45):
        wait_until(lambda: self.status_of("/readyz") == 200,
                   "/readyz says 200", timeout, self.mxmd)

    def wait_healthy(self, timeout=45):
        wait_until(lambda: self.status_of("/healthz") == 200,
                   "/healthz says 200", timeout, self.mxmd)

    def status_of(self, path):
        try:
            return requests.get(self.url + path, timeout=10).status_code
        except requests.RequestException:
            return 0

    def restart_mxmd(self, **overrides):
        """Stops it, writes changed settings and starts it again."""
        self.mxmd.stop()
        self.configure(**overrides)
        self.start_mxmd()

    def restart_jobs(self, **overrides):
        self.jobs.stop()
        self.configure(**overrides)
        self.start_jobs()

    def reload_mxmd(self, **overrides):
        """Writes changed settings and sends SIGHUP; does not wait."""
        self.configure(**overrides)
        self.mxmd.signal(sig.SIGHUP)

    # ----------------------------------------------------------- views

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def tls_url(self):
        return f"https://127.0.0.1:{self.tls_port}"

    @property
    def certificate(self):
        return self.base / "nginx/cert.pem"

    def sql(self, text, params=None):
        """Runs SQL as the program's role; gives the rows, typed."""
        return self.cluster.sql(text, params, self.database, "mxm")

    def owner_sql(self, text, params=None):
        """Runs SQL as the owner of the tables, which may change them."""
        return self.cluster.sql(text, params, self.database, OWNER)

    def value(self, text, params=None):
        """The first column of the only row."""
        rows = self.sql(text, params)
        assert len(rows) == 1, f"{len(rows)} rows: {text}"
        return rows[0][0]

    def ctl(self, command, check=True, timeout=120, stdin=None):
        """Runs mxmctl; gives returncode, stdout and stderr."""
        return ctl(self.conf, command, check, timeout, stdin=stdin)

    def log(self, name="mxmd", since=0):
        """The log of a process, from an offset that mark() gave."""
        return getattr(self, name.replace("mxm-jobs", "jobs")).text()[since:]

    def touched(self):
        """Waits until what was written to table touch so far is raised, which
        mxm-jobs does at once when it is notified."""
        newest = self.value("SELECT coalesce(max(id), 0) FROM touch")
        self.sql("NOTIFY touch")
        wait_until(lambda: self.value(
            "SELECT count(*) FROM touch WHERE id <= %s", [newest]) == 0,
            "touches are raised")

    def pass_periods(self, hours=6):
        """No periodic job runs in the next hours, so that nothing but the test
        changes what answers show: the jobs of these periods are done already."""
        wait_until(lambda: self.value(
            "SELECT count(*) FROM job WHERE idempotency_key IS NOT NULL") > 0
            and self.value("SELECT count(*) FROM job"
                           " WHERE state IN ('queued', 'running')") == 0,
            "the periodic jobs are done", alive=self.jobs)
        jobs = (ROOT / "src/jobs.def").read_text()
        for name, period in re.findall(r"^JOB\((\w+),.*, +(\d+)\)", jobs, re.M):
            if period != "0":
                self.sql(
                    "INSERT INTO job (name, state, finished_at, idempotency_key)"
                    " SELECT %s, 'done', now(), %s || ':' || floor(extract("
                    "        epoch FROM now()) / %s)::bigint + later"
                    "   FROM generate_series(0, %s * 3600 / %s) AS later"
                    "     ON CONFLICT (idempotency_key) DO NOTHING",
                    [name, name, int(period), hours, int(period)])
        self.touched()

    def mark(self, name="mxmd"):
        return len(self.log(name))

    def wait_log(self, pattern, name="mxmd", since=0, timeout=45):
        """Waits until the log matches a regular expression."""
        return wait_until(lambda: re.search(pattern, self.log(name, since)),
                          f"{name} logs {pattern!r}", timeout)

    def logs(self):
        """The ends of all logs, for a failing test."""
        parts = [p.tail() for p in (self.mxmd, self.jobs, self.nginx,
                                    self.memcached) if p.text()]
        error = self.base / "nginx/error.log"
        if error.exists():
            parts.append(f"--- {error}\n" + error.read_text()[-4000:])
        return "\n".join(parts)

    # ------------------------------------------------------------ mail

    def mails(self, address):
        """All mails to an address so far, oldest first: (path, message)."""
        found = []
        for path in self.mail_dir.iterdir():
            if path.name.startswith(".") or path.suffix in (".tmp", ".part"):
                continue
            try:
                message = email.message_from_bytes(
                    path.read_bytes(), policy=email.policy.default)
            except FileNotFoundError:
                continue
            if address.lower() in str(message.get("To", "")).lower():
                found.append((path.stat().st_mtime_ns, path, message))
        return [(p, m) for _, p, m in sorted(found, key=lambda x: x[:2])]

    def mail_message(self, address, timeout=45):
        """Waits for a mail to address that was not given before."""
        def fresh():
            for path, message in self.mails(address):
                if path not in self.seen_mail:
                    self.seen_mail.add(path)
                    return message
            return None
        return wait_until(fresh, f"a mail to {address}", timeout,
                          self.jobs if self.want_jobs else None)

    def mail(self, address, timeout=45):
        """Waits for the next mail to address and gives the code in it."""
        message = self.mail_message(address, timeout)
        body = message.get_body(("plain", "html")).get_content()
        code = re.search(r"(?<!\d)\d{6}(?!\d)", body)
        assert code, f"no code in the mail:\n{body}"
        return code.group()

    # --------------------------------------------------------- clients

    def client(self, user=None, password=None, **more):
        """A client of this stack; with a user, one that is logged in."""
        from client import Client
        from world import PASSWORD
        made = Client(self, **more)
        if user is not None:
            made.login(user, password or PASSWORD)
        return made


def copy_default_pictures(media):
    """As mxmctl migrate puts them there."""
    for path in (ROOT / "media").glob("*/**/*.png"):
        target = media / path.relative_to(ROOT / "media")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


def make_certificate(folder):
    """A self-signed certificate for localhost."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650", "-subj",
         "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
         str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
        check=True, capture_output=True)
