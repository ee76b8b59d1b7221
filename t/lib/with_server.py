# SPDX-License-Identifier: GPL-3.0-or-later
"""with_server.py PROGRAM…: runs a program with a private PostgreSQL, which
MXM_TEST_DATABASE names, and ends with its exit status."""

import os
import subprocess
import sys

import stack

cluster = stack.Cluster()
try:
    cluster.start()
    where = f"host={cluster.run} user=mxm dbname=postgres"
    done = subprocess.run(sys.argv[1:],
                          env={**os.environ, "MXM_TEST_DATABASE": where})
finally:
    cluster.close()
sys.exit(done.returncode if done.returncode >= 0 else 1)
