# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the rows of src/routes.def. t/lint/tables applies them to the table,
t/contract/test_routes.py to made-up ones."""

import re

COLUMNS, LINES = 100, 2
DEFAULT_LIMITS = {"ROUTE": "LIMIT(L_USER)", "ROUTE_TOP": "LIMIT(L_USER)",
                  "SEARCH": "LIMIT(L_USER) | LIMIT(L_SEARCH)",
                  "WRITE": "LIMIT(L_USER) | LIMIT(L_WRITE)"}

# Parameters that name a user's row. A row that writes below one of them changes
# what belongs to that user,
OWNED = {"review", "comment", "reaction", "list"}
# these name none that others can change, or the statement finds the caller's by
# :viewer,
SHARED = {"award", "kind", "movie", "person", "picture", "provider", "session",
          "thing", "username"}
# and these rows insert rows of the caller.
NOT_OWNED = {
    ("POST", "/reviews/{review}/comments/"),
    ("POST", "/reviews/{review}/comments/{comment}/reactions/"),
    ("POST", "/reviews/{review}/comments/{comment}/replies/"),
    ("POST", "/reviews/{review}/reactions/"),
}


def pieces(text):
    """The parts of a list that commas separate, outside parentheses."""
    depth, part = 0, ""
    for c in text:
        depth += (c == "(") - (c == ")")
        if c == "," and not depth:
            yield part.strip()
            part = ""
        else:
            part += c
    yield part.strip()


class Row:
    """One row, whole, however many lines it takes."""

    def __init__(self, macro, inside, lines):
        self.lines = lines
        self.top, self.macro = macro == "ROUTE_TOP", macro
        self.method, path, self.handler, *more = pieces(inside)
        self.path = path.strip('"')
        self.said = dict(re.fullmatch(r"\.(\w+) = (.*)", m, re.S).groups()
                         for m in more)
        self.params = re.findall(r"\{(\w+)\}", path)
        self.name = f"{self.method} {self.path}"

    def says(self, member, default=""):
        return self.said.get(member, default)

    def key(self):
        # a literal comes before a parameter of the same place
        return self.top, self.path.replace("{", "~"), self.method


def parse(text):
    """The rows of a table; ValueError for an invalid one."""
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), text,
                  flags=re.S)
    rows, lines = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if not lines and not line.strip():
            continue
        lines.append(line)
        row = "\n".join(lines)
        if row.count("(") > row.count(")"):
            continue
        whole = re.fullmatch(r"(ROUTE(?:_TOP)?|SEARCH|WRITE)\((.*)\)", row, re.S)
        if not whole:
            raise ValueError(f"line {number} ends no row: {row}")
        rows.append(Row(*whole.groups(), lines))
        lines = []
    if lines:
        raise ValueError("the last row does not end")
    return rows


def unsorted(rows):
    for before, after in zip(rows, rows[1:]):
        if before.key() >= after.key():
            yield f"{after.name} stands after {before.name}"


def too_long(rows):
    for row in rows:
        if len(row.lines) > LINES:
            yield f"{row.name} takes {len(row.lines)} lines"
        for line in row.lines:
            if len(line.expandtabs()) > COLUMNS:
                yield f"{row.name} has a line of {len(line.expandtabs())}"


def caching(rows):
    """A GET row defines its caching; other rows must not."""
    for row in rows:
        cache = row.says("cache")
        if row.method != "GET" and cache:
            yield f"{row.name} writes and has .cache"
        if row.method == "GET" and not re.match(r"CACHE\(|NO_CACHE$", cache):
            yield f"{row.name} says neither CACHE(...) nor NO_CACHE"


def owners(rows, exceptions=None):
    exceptions = NOT_OWNED if exceptions is None else exceptions
    for row in rows:
        owned = row.method != "GET" and OWNED & set(row.params)
        free = (row.method, row.path) in exceptions
        if owned and not free and row.says("guard") != "OWNER":
            yield f"{row.name} has not .guard = OWNER"
        if free and row.says("guard") == "OWNER":
            yield f"{row.name} is OWNER: remove it from NOT_OWNED"


def not_owned(documented, exceptions=None):
    """Exceptions that name no operation; `documented`: of doc/openapi.yaml,
    as (method, path)."""
    for method, path in sorted(NOT_OWNED if exceptions is None else exceptions):
        if (method, f"/api{path}") not in documented:
            yield f"NOT_OWNED: {method} {path} is not in doc/openapi.yaml"
        if method == "GET" or not OWNED & set(re.findall(r"\{(\w+)\}", path)):
            yield f"NOT_OWNED: {method} {path} needs no exception"


def limits(rows):
    """Without a caller only limits by address are possible; each caller's
    searches and writes have a limit of their own."""
    for row in rows:
        public = row.says("guard") == "PUBLIC"
        limit = row.says("limits", DEFAULT_LIMITS[row.macro])
        if (row.macro == "WRITE") != (row.method != "GET"):
            yield f"{row.name}: {row.macro} is not for {row.method}"
        if (row.macro == "SEARCH") != ("/searching/" in row.path):
            yield f"{row.name}: {row.macro} is not for this path"
        for name, macro in (("L_SEARCH", "SEARCH"), ("L_WRITE", "WRITE")):
            if (name in limit) != (row.macro == macro and not public):
                yield f"{row.name}: {name} is for each {macro} of a caller"
        if public and re.search(r"\bL_(USER|CODE)\b", limit):
            yield f"{row.name} is PUBLIC and counts an account"
        if "L_NAME" in limit:
            yield f"{row.name} counts L_NAME, which log-in alone does"


def parameters(rows, names):
    """`names`: of the table of parameters in http/route.c."""
    for row in rows:
        for name in row.params:
            if name not in names:
                yield f"{row.name}: {{{name}}} has no row in src/http/route.c"
            elif name not in OWNED | SHARED:
                yield f"{row.name}: {{{name}}} is neither in OWNED nor in " \
                      "SHARED of t/lint/routes.py"


def dependences(rows, kinds):
    """`kinds`: the table of api/depends.c, ON_… to (key_from, parameter)."""
    keyed = {name for _, name in kinds.values() if name}
    for row in rows:
        used = re.findall(r"\bON_\w+", row.says("cache"))
        if row.says("cache").startswith("CACHE(") and not used:
            yield f"{row.name}: a cached answer depends on something"
        for name in keyed & set(row.params) if used else ():
            if name not in {kinds.get(on, (0, 0))[1] for on in used}:
                yield f"{row.name}: the answer depends on {{{name}}}"
        for on in used:
            key, name = kinds.get(on, ("unknown", None))
            if key == "KEY_PATH" and name not in row.params:
                yield f"{row.name}: {on} needs {{{name}}} in the path"
            elif key == "KEY_CALLER" and row.says("guard") == "PUBLIC":
                yield f"{row.name}: {on} needs a caller"
            elif key == "unknown":
                yield f"{row.name}: {on} has no row in src/api/depends.c"


def table_of_parameters(source):
    """The names in http/route.c."""
    table = re.search(r"\} params\[\] = \{\n(.*?)\n\};", source, re.S)[1]
    return re.findall(r'^\t\{ "(\w+)"', table, re.M)


def table_of_kinds(source):
    """The rows of api/depends.c."""
    rows = re.findall(r'\{ (ON_\w+), "\w+", (KEY_\w+), (?:"(\w+)"|NULL) \}',
                      source)
    return {on: (key, name or None) for on, key, name in rows}
