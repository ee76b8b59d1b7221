# SPDX-License-Identifier: GPL-3.0-or-later
"""pgbouncer in front of PostgreSQL: sessions are shared, so that prepared
statements, settings and LISTEN do not work. Every program reports it by name
and does not change the shared sessions."""

import pathlib
import shutil
import subprocess
import tempfile

import pytest

import stack as stack_module
from life import run_mxmd
from stack import BUILD, answers, as_user, environment, wait_until, write_conf

PGBOUNCER = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")

CONF = """[databases]
* = host={server} user=mxm

[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = {run}
auth_type = any
pool_mode = {mode}
default_pool_size = 2
ignore_startup_parameters = extra_float_digits
"""


@pytest.fixture(params=["transaction", "session"])
def pooler(stack, request):
    """A connection string that leads through pgbouncer."""
    run = pathlib.Path(tempfile.mkdtemp(prefix="mxm-",
                                        dir=stack_module.temporary()))
    run.chmod(0o777)  # for the user it runs as
    conf = run / "pgbouncer.ini"
    conf.write_text(CONF.format(server=stack.cluster.run, run=run,
                                mode=request.param))
    process = stack_module.Process("pgbouncer", run / "log")
    # as the user that the cluster lets in; pgbouncer refuses to be root
    process.start(as_user("postgres", [PGBOUNCER, conf]))
    wait_until(lambda: answers(run / ".s.PGSQL.6432"), "pgbouncer starts",
               alive=process)
    yield f"host={run} port=6432 dbname={stack.database} user=mxm"
    process.stop()
    shutil.rmtree(run)


def settings(stack, pooler, tmp_path):
    conf = tmp_path / "mxm.conf"
    write_conf(conf, {**stack.settings(), "run_dir": tmp_path,
                      "database": pooler, "database_owner": ""})
    return conf


def timeouts(pooler):
    """What the shared sessions have, as a client sees it."""
    done = subprocess.run(["psql", "-Atq", pooler, "-c",
                           "SHOW statement_timeout"], capture_output=True,
                          text=True, check=True)
    return done.stdout.strip()


def test_mxmd_does_not_start(stack, pooler, tmp_path):
    code, text = run_mxmd("--config", settings(stack, pooler, tmp_path))
    assert code != 0
    assert "pooler (pgbouncer" in text
    assert timeouts(pooler) == "0"


def test_mxmctl_says_so(stack, pooler, tmp_path):
    conf = settings(stack, pooler, tmp_path)
    for command in ("check", "migrate", "jobs count"):
        done = stack_module.ctl(conf, command, check=False)
        assert done.returncode != 0
        assert "pooler (pgbouncer" in done.stdout + done.stderr
    assert timeouts(pooler) == "0"


def test_the_jobs_say_so(stack, pooler, tmp_path):
    conf = settings(stack, pooler, tmp_path)
    jobs = stack_module.Process("mxm-jobs", tmp_path / "jobs.log")
    jobs.start([BUILD / "mxm-jobs", "--config", conf], env=environment())
    try:
        wait_until(lambda: "pooler (pgbouncer" in jobs.text(), "they say so")
    finally:
        jobs.stop()
    assert timeouts(pooler) == "0"


