# SPDX-License-Identifier: GPL-3.0-or-later
"""What an AppArmor profile allows, and what a program needed in a run under
strace: whether a profile forbids it is known without a kernel that enforces it."""

import os
import pathlib
import re

SYSTEM = pathlib.Path("/etc/apparmor.d")
VARIABLE = re.compile(r"^\s*(@\{\w+\})\s*(\+?=)\s*(.*)$", re.M)
INCLUDE = re.compile(r"^\s*#?include (?:if exists )?<([^>]+)>", re.M)
RULE = re.compile(r"^\s*((?:owner |deny |audit )*)([/@]\S*)\s+(\w+)(?: ->.*)?,",
                  re.M)


def expanded(text, seen):
    """The text, with what it includes."""
    def file(match):
        path = SYSTEM / match[1]
        paths = sorted(path.iterdir()) if path.is_dir() else [path]
        found = [p for p in paths if p.is_file() and p not in seen]
        seen.update(found)
        return "\n".join(expanded(p.read_text(), seen) for p in found)
    return INCLUDE.sub(file, text)


def pattern(glob, variables):
    """A regular expression for a path with globs, braces and variables."""
    while "@{" in glob:
        glob = re.sub(r"@\{\w+\}",
                      lambda m: "{%s}" % ",".join(variables[m[0]]), glob)
    glob = re.sub("/+", "/", glob)
    out, depth = "", 0
    for token in re.findall(r"/\*\*$|/\*$|\*\*|\[[^]]*\]|\\.|.", glob):
        if token in ("/**", "/*"):
            out += "/.+" if token == "/**" else "/[^/]+"
        elif token == "**":
            out += ".*"
        elif token == "*":
            out += "[^/]*"
        elif token == "?":
            out += "[^/]"
        elif token == "{":
            depth, out = depth + 1, out + "(?:"
        elif token == "}":
            depth, out = depth - 1, out + ")"
        elif token == "," and depth:
            out += "|"
        else:
            out += token if token[0] in "[\\" else re.escape(token)
    return re.compile(out)


class Profile:
    def __init__(self, path):
        text = expanded(pathlib.Path(path).read_text(), set())
        variables = {}
        for name, kind, value in VARIABLE.findall(text):
            words = variables.setdefault(name, [])
            words.extend(word.rstrip("/") for word in value.split("#")[0].split())
        variables["@{profile_name}"] = ["x"]
        self.rules = []
        for qualifiers, glob, permissions in RULE.findall(text):
            self.rules.append(("deny" in qualifiers, set(permissions),
                               pattern(glob, variables)))

    def allows(self, path, permissions):
        """Whether every one of the letters is granted, and none denied."""
        granted = set()
        for is_denied, letters, glob in self.rules:
            if glob.fullmatch(path):
                if is_denied and letters & set(permissions):
                    return False
                granted |= set() if is_denied else letters
        return set(permissions) <= granted


LINE = re.compile(r"^(\d+) +(\w+)\((.*)\) += (\d+)")
STRING = re.compile(r'(?:(AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"')
WRITES = ("rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir",
          "mkdirat", "rmdir", "link", "linkat", "symlink", "chmod", "fchmodat",
          "truncate")


def needs(call, rest):
    """The letters that a system call needs for its paths."""
    if call in ("open", "openat", "creat"):
        if "O_PATH" in rest:
            return ""
        return {"O_RDONLY": "r", "O_WRONLY": "w", "O_RDWR": "rw"}[
            re.search(r"O_(?:RDONLY|WRONLY|RDWR)", rest)[0]]
    if call == "execve":
        return "r"
    if call in ("connect", "bind"):
        return "rw"
    return "w" if call in WRITES else ""


def whole_lines(trace):
    """With the two parts of a call that was interrupted in one line."""
    begun = {}
    with open(trace, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            pid, _, rest = line.partition(" ")
            if rest.endswith("<unfinished ...>\n"):
                begun[pid] = line.removesuffix(" <unfinished ...>\n")
            elif " resumed>" in rest:
                yield begun.pop(pid, pid) + rest.split(" resumed>", 1)[1]
            else:
                yield line


def needed(trace, folder, translate):
    """What each program of a folder needed: {(program, path, letters)}, from the
    output of strace -f -y. translate(path) gives where it is installed."""
    program, found = {}, set()
    first = None
    for line in whole_lines(trace):
        match = LINE.match(line)
        if not match:
            continue
        pid, call, rest, result = match.groups()
        if call == "execve":
            path = STRING.search(rest)[3]
            if os.path.dirname(path) != str(folder):
                continue
            was = program.get(pid, first)
            program[pid] = os.path.basename(path)
            first = first or program[pid]
            found.add((was or first, translate(path), "r"))
            continue
        if call in ("clone", "clone3", "vfork", "fork"):
            program.setdefault(result, program.get(pid, first))
        letters = needs(call, rest)
        if not letters or not first:
            continue
        for _, base, name in STRING.findall(rest):
            path = os.path.join(base or "/", name)
            found.add((program.get(pid, first), translate(path), letters))
    return found
