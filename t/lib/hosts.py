# SPDX-License-Identifier: GPL-3.0-or-later
"""Several hosts on this one: network namespaces, joined by a bridge. Needs root.

    app1, app2      mxmd, mxm-jobs, haproxy (doc/examples); app1 has pgbouncer
    db1, db2        PostgreSQL: the primary server, a standby
    cache1, cache2  memcached

The namespaces belong to processes that hold them, so nothing of them is left when
those have ended.  Each has its own /run and files of the examples in /etc; nginx and
the tests run outside and reach mxmd by its sockets."""

import pathlib
import shutil
import signal as sig
import subprocess
import tempfile

import psycopg2

import stack as stack_module
import world
from stack import PG_BIN, ROOT, Process, as_user, wait_until

ADDRESSES = {"app1": "192.0.2.1", "app2": "192.0.2.2",
             "db1": "192.0.2.11", "db2": "192.0.2.12",
             "cache1": "192.0.2.21", "cache2": "192.0.2.22"}
PASSWORD = "of-the-tests"
EXAMPLES = ROOT / "doc/examples"

HOLD = """set -e
ip link set lo up
mount -t tmpfs -o mode=755 run /run
for folder in /run/haproxy /run/postgresql /var/log/postgresql /etc/pgbouncer; do
	mkdir -p $folder
done
mount -t tmpfs log /var/log/postgresql
mount -t tmpfs etc /etc/pgbouncer
chown postgres /run/postgresql /var/log/postgresql
touch "$1"
exec sleep infinity
"""

PRIMARY = """
listen_addresses = '*'
synchronous_commit = on
wal_receiver_timeout = 3s
wal_keep_size = 256MB
"""

HBA = """
host postgres haproxy_check 192.0.2.0/24 trust
host all mxm 192.0.2.0/24 scram-sha-256
host replication replicator 192.0.2.0/24 scram-sha-256
"""


class Space:
    """The namespaces of one host, and the processes in them."""

    def __init__(self, base, name):
        self.base, self.name = base, name
        self.holder = Process(f"{name}/hold", base / f"{name}.hold.log")
        self.processes = []

    def start(self):
        ready = self.base / f"{self.name}.ready"
        self.holder.start(["unshare", "--net", "--mount", "--propagation",
                           "private", "sh", "-c", HOLD, "sh", ready])
        wait_until(ready.exists, f"{self.name} has its namespaces",
                   alive=self.holder)
        return self

    @property
    def within(self):
        return ["nsenter", "--target", str(self.holder.pid), "--net", "--mount",
                "--"]

    def run(self, *args):
        done = subprocess.run([*self.within, *map(str, args)],
                              capture_output=True, text=True)
        assert done.returncode == 0, f"{args}: {done.stdout}{done.stderr}"
        return done.stdout

    def daemon(self, name, args, user=None):
        process = Process(f"{self.name}/{name}",
                          self.base / f"{self.name}.{name}.log")
        process.start([*self.within, *(as_user(user, args) if user else args)])
        self.processes.append(process)
        return process

    def kill(self):
        for process in self.processes:
            process.kill()

    def close(self):
        self.kill()
        self.holder.kill()


class Standby(stack_module.Cluster):
    """A copy of a running server, which it follows."""

    def __init__(self, primary, base, within):
        super().__init__(base, within=within)
        for folder in (self.data, self.run):
            folder.mkdir(mode=0o700)
            shutil.chown(folder, "postgres", "postgres")
        self.run.chmod(0o755)
        self._run(PG_BIN / "pg_basebackup", "-D", self.data, "-h", primary.run,
                  "-U", "postgres", "-X", "stream", "-c", "fast", "--no-sync")
        with open(self.data / "postgresql.conf", "a") as out:
            out.write(f"unix_socket_directories = '{self.run}'\n"
                      "cluster_name = 'db2'\n"
                      f"primary_conninfo = 'host={ADDRESSES['db1']}"
                      f" user=replicator password={PASSWORD}'\n")
        (self.data / "standby.signal").touch()

    def _ready(self):
        try:
            self.connect("postgres", user="postgres").close()
        except psycopg2.OperationalError:
            return False
        return True


class Site:
    """All hosts; use with `with`."""

    def __init__(self):
        self.base = pathlib.Path(tempfile.mkdtemp(
            prefix="mxm-", dir=stack_module.temporary()))
        self.base.chmod(0o755)
        self.spaces = {name: Space(self.base, name)
                       for name in ("bridge", *ADDRESSES)}
        self.hosts = []
        self.db1 = self.db2 = None

    def __enter__(self):
        try:
            return self._start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        for host in self.hosts:
            for process in (host.mxmd, host.jobs):
                process.kill()
            host.close()
        for server in (self.db2, self.db1):
            if server is not None:
                server.process.kill()
        for space in self.spaces.values():
            space.close()
        shutil.rmtree(self.base, ignore_errors=True)

    def _start(self):
        for space in self.spaces.values():
            space.start()
        self._join()
        self._start_databases()
        for name in ("cache1", "cache2"):
            self.spaces[name].daemon("memcached", [
                "memcached", "-u", "root", "-m", "64", "-l", ADDRESSES[name]])
        for name in ("app1", "app2"):
            self._start_host(name)
        self.wait_answer()
        return self

    # --------------------------------------------------------------- network

    def _join(self):
        bridge = self.spaces["bridge"]
        bridge.run("ip", "link", "add", "bridge", "type", "bridge")
        bridge.run("ip", "link", "set", "bridge", "up")
        for name, address in ADDRESSES.items():
            space = self.spaces[name]
            bridge.run("ip", "link", "add", name, "type", "veth", "peer", "name",
                       "eth0", "netns", space.holder.pid)
            bridge.run("ip", "link", "set", name, "master", "bridge", "up")
            space.run("ip", "address", "add", f"{address}/24", "dev", "eth0")
            space.run("ip", "link", "set", "eth0", "up")

    def unplug(self, name):
        self.spaces["bridge"].run("ip", "link", "set", name, "down")

    def plug(self, name):
        self.spaces["bridge"].run("ip", "link", "set", name, "up")

    def part(self, name, other):
        """What `name` sends to `other` is dropped without an error."""
        self.spaces[name].run("ip", "route", "add", "blackhole",
                              ADDRESSES[other])

    def join(self, name, other):
        self.spaces[name].run("ip", "route", "del", "blackhole",
                              ADDRESSES[other])

    def haproxy(self, name, command):
        """What haproxy of a host answers."""
        return self.spaces[name].run(
            "/usr/bin/python3", "-c", "import socket, sys; s = socket.socket(1);"
            " s.connect('/run/haproxy/admin.sock');"
            " s.sendall(sys.argv[1].encode() + b'\\n');"
            " print(s.makefile().read())", command)

    def sees(self, name, proxy, server):
        """The state of a server at the haproxy of a host: UP, DOWN …"""
        rows = [row.split(",") for row in
                self.haproxy(name, "show stat").splitlines()]
        return next(row[rows[0].index("status")] for row in rows
                    if row[:2] == [proxy, server])

    def kill(self, name):
        """Ends all processes of the host, and first its network."""
        self.unplug(name)
        self.spaces[name].kill()
        for server in (self.db1, self.db2):
            if server.name == name:
                server.process.kill()
        for host in self.hosts:
            if host.name == name:
                host.mxmd.kill()
                host.jobs.kill()

    # ------------------------------------------------------------- databases

    def _start_databases(self):
        for name in ("db1", "db2"):
            (self.base / name).mkdir()
        self.db1 = stack_module.Cluster(self.base / "db1",
                                        within=self.spaces["db1"].within)
        self.db1.conf += PRIMARY
        self.db1.start()
        for sql in (f"ALTER ROLE mxm PASSWORD '{PASSWORD}'",
                    "CREATE ROLE haproxy_check LOGIN CONNECTION LIMIT 8",
                    "CREATE ROLE replicator LOGIN REPLICATION"
                    f" PASSWORD '{PASSWORD}'"):
            self.db1.sql(sql)
        with open(self.db1.data / "pg_hba.conf", "a") as out:
            out.write(HBA + "local replication postgres peer map=mxm\n")
        self.db1.sql("SELECT pg_reload_conf()")
        self.database = self.db1.create(self.db1.template(
            *world.template(self.db1, "catalogue")))
        self.db2 = Standby(self.db1, self.base / "db2",
                           self.spaces["db2"].within)
        self.db2.start()
        self.db1.name, self.db2.name = "db1", "db2"

    def replayed(self):
        """Waits until the standby has what was written so far."""
        at = self.db1.sql("SELECT pg_current_wal_lsn()::text")[0][0]
        wait_until(lambda: self.db2.sql(
            "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", [at])[0][0],
            "the standby has replayed it")

    # ------------------------------------------------------------------ hosts

    def _start_host(self, name):
        space = self.spaces[name]
        passfile = self.base / "pgpass"
        passfile.write_text(f"*:*:*:mxm:{PASSWORD}\n")
        passfile.chmod(0o600)
        text = (EXAMPLES / "haproxy.cfg").read_text()
        conf = self.base / "haproxy.cfg"
        conf.write_text(text.replace("group moviesxmovies", "group root"))
        space.daemon("haproxy", ["/usr/sbin/haproxy", "-db", "-f", conf])
        far = f"dbname={self.database} user=mxm passfile={passfile}"
        database = f"host=/run/haproxy port=5432 {far}"
        if name == "app1":
            self._start_pooler(space)
            database = "host=/run/postgresql port=6432" \
                f" dbname={self.database} user=mxm"
        host = stack_module.Stack(
            self.db1, database=self.database, within=space.within,
            ready=False, crashes=True, settings={
                "database": database, "database_owner": "",
                "database_replica": f"host=/run/haproxy port=5433 {far}",
                "replica_lag": "1s",
                "cache_servers":
                    "/run/haproxy/cache1.sock,/run/haproxy/cache2.sock",
                "public_origin": "https://movies.example"})
        host.name = name
        host.start_memcached = lambda: None
        self.hosts.append(host)
        host.start()

    def _start_pooler(self, space):
        text = (EXAMPLES / "pgbouncer.ini").read_text()
        text = text.replace("moviesxmovies = host", f"{self.database} = host")
        text = text.replace("user=moviesxmovies", "user=mxm")
        for file, content in (("pgbouncer.ini", text),
                              ("userlist.txt", f'"mxm" "{PASSWORD}"\n'),
                              ("hba.conf", "local all all trust\n")):
            (self.base / file).write_text(content)
            space.run("cp", self.base / file, "/etc/pgbouncer/")
        space.daemon("pgbouncer", ["/usr/sbin/pgbouncer",
                                   "/etc/pgbouncer/pgbouncer.ini"], "postgres")

    def wait_answer(self, timeout=30):
        """Until both hosts write."""
        for host in self.hosts:
            host.wait_ready(timeout)
