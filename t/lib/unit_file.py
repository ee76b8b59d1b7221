# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a systemd unit: the values of a key in order, and its switches."""

import pathlib


class Unit:
    """A unit file; get() gives the last value of a key, all() every value since
    the last empty one, words() those as one list of words."""

    def __init__(self, path, *drop_ins):
        self.values = {}
        for each in (path, *drop_ins):
            self._read(pathlib.Path(each).read_text())

    def _read(self, text):
        section = None
        for line in text.splitlines():
            line = line.strip()
            if line.startswith("[") and line.endswith("]"):
                section = line[1:-1]
            elif line and line[0] not in "#;":
                key, _, value = line.partition("=")
                self._add(section, key.strip(), value.strip())

    def _add(self, section, key, value):
        values = self.values.setdefault((section, key), [])
        if not value:
            values.clear()
        values.append(value)

    def keys(self, section="Service"):
        return {key for place, key in self.values if place == section}

    def all(self, key, section="Service"):
        return [v for v in self.values.get((section, key), []) if v]

    def get(self, key, default="", section="Service"):
        return self.values.get((section, key), [default])[-1]

    def words(self, key, section="Service"):
        return " ".join(self.all(key, section)).split()

    def on(self, key):
        return self.get(key) in ("yes", "true", "on", "1")
