#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of README and HACKING: the indented lines of their sections.

    recipe.py       prints those of an installation by hand, in their order
"""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
BY_HAND = (("HACKING", "BUILD BY HAND"), ("HACKING", "INSTALL BY HAND"),
           ("README", "CONFIGURE"))


def section(file, name):
    parts = re.split(r"^([A-Z][A-Z ]+)\n\n", (ROOT / file).read_text(),
                     flags=re.M)
    return parts[parts.index(name) + 1]


def commands(file, name):
    """The commands of a section; one may continue on the next line."""
    return re.findall(r"^    (\S(?:.*\\\n)*.*)$", section(file, name), re.M)


def by_hand():
    return [line for place in BY_HAND for line in commands(*place)]


if __name__ == "__main__":
    print("\n".join(by_hand()))
