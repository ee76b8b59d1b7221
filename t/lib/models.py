# SPDX-License-Identifier: GPL-3.0-or-later
"""Models for tests without training: artificial, imported factors, and the
file of a host."""

import random
import struct

# The head of the file (src/recommend/model_file.c).
MAGIC = b"MXMMODEL"
VERSION_AT = 8 + 4 + 4 + 32 + 8


def single(value):
    """The float nearest to it, as C has it."""
    return struct.unpack("f", struct.pack("f", value))[0]


def made_up(ids, width=8, seed=1):
    """{id: factors}, the same for the same seed."""
    rng = random.Random(seed)
    return {i: [single(rng.gauss(0, 1)) for _ in range(width)] for i in ids}


def csv_text(factors, header=True):
    width = len(next(iter(factors.values())))
    lines = [",".join(["id", *(f"f{k + 1}" for k in range(width))])] \
        if header else []
    lines += [",".join([str(i), *(f"{x:.9g}" for x in row)])
              for i, row in factors.items()]
    return "\n".join(lines) + "\n"


def read_csv(text):
    """What csv_text() made, or mxmctl wrote."""
    head, *lines = text.splitlines()
    assert head.startswith("id,f1,")
    rows = [line.split(",") for line in lines]
    found = {int(row[0]): [single(float(x)) for x in row[1:]] for row in rows}
    assert len(found) == len(rows)
    assert all(len(row) == head.count(",") for row in found.values())
    return found


def publish(stack, factors=None, **made):
    """Imports factors (made up for all movies); gives the version."""
    if factors is None:
        ids = [r[0] for r in stack.sql("SELECT id FROM live_movie "
                                        "ORDER BY id")]
        factors = made_up(ids, **made)
    path = stack.base / "factors.csv"
    path.write_text(csv_text(factors))
    stack.ctl(["recommend", "import", "--quiet", "--items", path])
    return stack.value("SELECT max(version) FROM model")


def version_of(path):
    """Of a whole file; None: there is none, or it is not ours."""
    try:
        head = path.read_bytes()[:VERSION_AT + 8]
    except FileNotFoundError:
        return None
    if len(head) < VERSION_AT + 8 or not head.startswith(MAGIC):
        return None
    return struct.unpack_from("<Q", head, VERSION_AT)[0]
