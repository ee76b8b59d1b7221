# SPDX-License-Identifier: GPL-3.0-or-later
"""The route table against doc/openapi.yaml, in both directions: operations,
who may call them, what they take, and the answers that follow from that.

What the table can say of an input and the document can say of a parameter or
a property has to be the same.  The document may say more: rules that a
handler applies itself, and limits of what is only found out later.
"""

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder)
                for folder in ("lib", "lint")]

import contract  # noqa: E402
import routes as rules  # noqa: E402

DOCUMENT = contract.load()
PENDING = contract.load_pending()
OPERATIONS = {(o.method, o.path): o
              for o in contract.operations(DOCUMENT, PENDING)
              if not o.outside}

# What a type of the table is in the document, in a body and in a query.
IN_BODY = {"text": "string", "prose": "string", "int": "integer",
           "number": "number", "bool": "boolean", "choice": "string", "list": "array",
           "ints": "array"}
IN_QUERY = {**IN_BODY, "bool": "string", "page": "integer",
            "limit": "integer", "cursor": "integer"}
LISTS = ("list", "ints")
FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
LIMIT_MAX, LIST_MAX = 100, 50


@pytest.fixture(scope="module")
def table(build):
    """The rows of the table by method and path."""
    done = subprocess.run([str(build / "mxmctl"), "routes", "--json"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return {(row["method"], row["path"]): row
            for row in json.loads(done.stdout)}


def built():
    return [pytest.param(key, id=o.id) for key, o in OPERATIONS.items()
            if not o.pending]


def spell(keys):
    return "\n".join("  %s %s" % key for key in sorted(keys))


# -------------------------------------------------------------- operations --

def test_every_route_is_documented(table):
    missing = set(table) - set(OPERATIONS)
    assert not missing, "not in doc/openapi.yaml:\n" + spell(missing)


def test_every_operation_is_built_or_pending(table):
    missing = set(OPERATIONS) - set(table) - PENDING
    assert not missing, "not in src/routes.def:\n" + spell(missing)


def test_nothing_pending_is_built(table):
    done = PENDING & set(table)
    assert not done, "take these out of pending.txt:\n" + spell(done)


def test_everything_pending_is_documented():
    unknown = PENDING - set(OPERATIONS)
    assert not unknown, "not in doc/openapi.yaml:\n" + spell(unknown)


def test_what_takes_a_password_takes_turns(table):
    """Hashing takes 19 MiB: only so many at a time, and not in the pool of the
    cached answers."""
    found = 0
    for key, row in table.items():
        takes = any(field["name"] in ("password", "new_password")
                    for field in row["inputs"])
        assert row["hashes"] == takes, key
        assert row["pool"] == "SLOW" or not takes, key
        found += takes
    assert found >= 2


def test_limits_that_follow(table):
    """Of all rows with an account: what changes something, what searches."""
    for (method, path), row in table.items():
        limits = set(row["limits"])
        if "USER" in limits:
            assert ("WRITE" in limits) == (method != "GET"), path
            assert ("SEARCH" in limits) == ("/searching/" in path), path
        else:
            assert not limits & {"WRITE", "SEARCH"}, path


# ------------------------------------------------------------------ guards --

def documented_guard(row):
    """The guard of an operation; OWNER and STAFF are not in the
    description."""
    return "VERIFIED" if row["guard"] in ("OWNER", "STAFF") else row["guard"]


@pytest.mark.parametrize("key", built())
def test_guard_is_the_security(table, key):
    assert documented_guard(table[key]) == OPERATIONS[key].guard


@pytest.mark.parametrize("key", built())
def test_statuses_follow_from_the_row(table, key):
    row = table[key]
    statuses = set(OPERATIONS[key].spec["responses"])
    wanted = {"400", "405"}
    if row["guard"] != "PUBLIC":
        wanted.add("401")
    if row["guard"] in ("VERIFIED", "OWNER", "STAFF"):
        wanted.add("403")
    if "{" in row["path"]:
        wanted.add("404")
    if row["method"] != "GET":
        wanted.add("413")
    if row["limits"]:
        wanted.add("429")
    if row["needs_database"]:
        wanted.add("503")
    if row["cache"].get("seconds"):
        wanted.add("304")
    assert not wanted - statuses
    if row["guard"] == "PUBLIC":
        assert "403" not in statuses


# ------------------------------------------------------------------ inputs --

def documented_query(operation):
    """Name without brackets to (name, required, schema)."""
    return {p["name"].removesuffix("[]"):
            (p["name"], p.get("required", False),
             contract.resolve(DOCUMENT, p["schema"]))
            for p in operation.parameters if p["in"] == "query"}


def documented_body(operation):
    """Name to (name, required, schema), and the content types."""
    content = operation.spec.get("requestBody", {}).get("content", {})
    if not content:
        return {}, set()
    schemas = [contract.resolve(DOCUMENT, media["schema"])
               for media in content.values()]
    assert all(s == schemas[0] for s in schemas), "one body, several schemas"
    required = schemas[0].get("required", [])
    return {name: (name, name in required, contract.resolve(DOCUMENT, inner))
            for name, inner in schemas[0]["properties"].items()}, set(content)


def compare(inputs, documented, types):
    """The differences, as sentences."""
    found = {i["name"]: i for i in inputs}
    faults = ["%s: not documented" % n for n in set(found)
                  - set(documented)]
    faults += ["%s: not in the table" % n for n in set(documented)
                   - set(found)]
    for name in set(found) & set(documented):
        faults += ["%s: %s" % (name, c) for c in
                       compare_one(found[name], documented[name], types)]
    return faults


def compare_one(row, documented, types):
    name, required, schema = documented
    kind = row["type"]
    if bool(row["required"]) != required:
        yield "required is %s in the table" % row["required"]
    if kind == "file":
        if "contentMediaType" not in schema:
            yield "a file in the table"
        return
    if schema.get("type") != types[kind]:
        yield "%s in the table, %s documented" % (kind, schema.get("type"))
    if name.endswith("[]") != (kind in LISTS and row["from"] == "query"):
        yield "a list of a query has brackets in its name, and nothing else"
    if kind == "int":
        for word, limit in (("min", "minimum"), ("max", "maximum")):
            if row.get(word) != schema.get(limit):
                yield "%s is %s in the table, %s documented" % (
                    limit, row.get(word), schema.get(limit))
    if kind == "limit" and schema.get("maximum") != LIMIT_MAX:
        yield "maximum is not %d" % LIMIT_MAX
    if kind in LISTS and schema.get("maxItems") != LIST_MAX:
        yield "maxItems is not %d" % LIST_MAX
    text = schema.get("items", schema)
    if row.get("max_length") and not {"enum", "pattern"} & set(text) and \
            row["max_length"] != text.get("maxLength"):
        yield "maxLength is %s in the table, %s documented" % (
            row["max_length"], text.get("maxLength"))
    if row.get("default") is not None and \
            row["default"] != schema.get("default"):
        yield "default is %s in the table, %s documented" % (
            row["default"], schema.get("default"))
    if row.get("choices") and row["choices"] != schema.get("enum"):
        yield "choices are %s in the table" % row["choices"]


@pytest.mark.parametrize("key", built())
def test_query_parameters(table, key):
    inputs = [i for i in table[key]["inputs"] if i["from"] == "query"]
    faults = compare(inputs, documented_query(OPERATIONS[key]), IN_QUERY)
    assert not faults


@pytest.mark.parametrize("key", built())
def test_body(table, key):
    row = table[key]
    inputs = [i for i in row["inputs"] if i["from"] != "query" or i["or_body"]]
    if [i["type"] for i in inputs] == ["document"]:
        # any members: the database has the fields
        media, = OPERATIONS[key].spec["requestBody"]["content"].values()
        assert contract.resolve(DOCUMENT, media["schema"])[
            "additionalProperties"] is True
        return
    documented, kinds = documented_body(OPERATIONS[key])
    faults = compare(inputs, documented, IN_BODY)
    assert not faults
    assert bool(inputs) == bool(kinds)
    takes_forms = inputs and (
        row["style"] in ("FORM", "FRAMEWORK")
        or any(i["type"] == "file" for i in inputs))
    assert (FORMS <= kinds) == bool(takes_forms)


@pytest.mark.parametrize("key", built())
def test_only_what_reads_is_cached(table, key):
    row = table[key]
    assert row["writes"] == (row["method"] != "GET")
    assert not row["writes"] or not row["cache"]


# ---------------------------------------------------------- reserved names --

TREE = Path(__file__).resolve().parents[2]
ALWAYS = {"/api/users/{username}/", "/api/movies/{movie}/"}


def hidden_names(paths):
    """Names that would match a literal in the position of {username} or
    {movie} in a path of the same shape."""
    for one, other in itertools.permutations(paths, 2):
        segments = list(zip(one.split("/"), other.split("/")))
        if one.count("/") == other.count("/") and all(
                a == b or "{" in a or "{" in b for a, b in segments):
            yield from (b for a, b in segments
                        if a in ("{username}", "{movie}") and "{" not in b)


def test_names_to_come_are_reserved():
    """http/route.c reserves the literals of rows; an operation without a row
    has no others."""
    source = (TREE / "src/http/route.c").read_text()
    always = re.search(r"char \*const always\[\] = \{(.*?)\};", source, re.S)[1]
    everything = {path for _, path in OPERATIONS}
    built = {path for method, path in OPERATIONS
             if (method, path) not in PENDING}
    assert set(re.findall(r'"([^"]+)"', always)) == ALWAYS <= everything
    assert set(hidden_names(everything)) <= set(hidden_names(built | ALWAYS))


# --------------------------------------------------------- rules of the rows --

MADE_NAMES = ("movie", "review", "username")
MADE_KINDS = {"ON_MOVIE": ("KEY_PATH", "movie"), "ON_USER": ("KEY_CALLER", None),
             "ON_CATALOGUE": ("KEY_NONE", None)}


def faults(text):
    """The faults that t/lint/routes.py reports for an artificial table."""
    rows = rules.parse(text)
    return [*rules.unsorted(rows), *rules.too_long(rows), *rules.caching(rows),
            *rules.owners(rows), *rules.limits(rows),
            *rules.parameters(rows, MADE_NAMES),
            *rules.dependences(rows, MADE_KINDS)]


GOOD = """/* A comment. */
ROUTE(GET,  "/a/", a, .guard = PUBLIC, .limits = NO_LIMIT, .cache = NO_CACHE)
ROUTE(GET,  "/movies/", movies,
    .cache = CACHE(300, ON_USER | ON_CATALOGUE, BY_LANG | BY_VIEWER))
WRITE(POST, "/movies/", movie_make,
    .limits = LIMIT(L_USER) | LIMIT(L_WRITE) | LIMIT(L_CODE), .input = movie_input)
SEARCH(GET, "/movies/searching/", search, .cache = CACHE(1, ON_USER, BY_LANG))
ROUTE(GET,  "/movies/{movie}/", movie, .cache = CACHE(1, ON_MOVIE, BY_LANG))
WRITE(PUT,  "/reviews/{review}/", change, .guard = OWNER)
ROUTE_TOP(GET, "/", home, .guard = PUBLIC, .limits = LIMIT(L_PUBLIC),
    .cache = NO_CACHE)
"""


@pytest.mark.parametrize("cache, fault", [
    ("CACHE(1, 0, BY_LANG)", "depends on something"),
    ("CACHE(1, ON_CATALOGUE, BY_LANG)", "depends on {movie}"),
    ("CACHE(1, ON_MOVIE | ON_CATALOGUE, BY_LANG)", None)])
def test_a_cached_row_names_what_it_depends_on(cache, fault):
    found = faults(GOOD.replace("CACHE(1, ON_MOVIE, BY_LANG)", cache))
    assert [fault in f for f in found] == [True] if fault else found == []


def test_a_good_table_has_no_fault():
    assert faults(GOOD) == []
    rows = rules.parse(GOOD)
    assert [r.handler for r in rows] == [
        "a", "movies", "movie_make", "search", "movie", "change", "home"]
    assert rows[1].says("cache") == \
        "CACHE(300, ON_USER | ON_CATALOGUE, BY_LANG | BY_VIEWER)"
    assert rows[4].params == ["movie"]


@pytest.mark.parametrize("row, fault", [
    ('GET, "/a/", a', "says neither CACHE(...) nor NO_CACHE"),
    ('GET, "/a/", a,\n    .guard = LOGGED_IN', "says neither"),
    ('POST, "/a/", a, .cache = NO_CACHE', "writes and has .cache"),
    ('POST, "/a/", a,\n    .cache = CACHE(1, ON_USER, BY_LANG)',
     "writes and has .cache"),
    ('DELETE, "/r/{review}/", a', "has not .guard = OWNER"),
    ('PUT, "/r/{review}/", a, .guard = VERIFIED', "has not .guard = OWNER"),
    ('PATCH, "/r/{review}", a,\n    .guard = STAFF', "has not .guard = OWNER"),
    ('POST, "/r/{review}/likes/", a', "has not .guard = OWNER"),
    ('POST, "/lists/{username}/{list}/{movie}/", a', "has not .guard = OWNER"),
    ('DELETE, "/reviews/{review}/comments/", a', "has not .guard = OWNER"),
    ('POST, "/reviews/{review}/comments/", a, .guard = OWNER',
     "remove it from NOT_OWNED"),
    ('GET, "/films/{film}/", a, .cache = NO_CACHE', "{film} has no row"),
    ('GET, "/a/", a, .guard = PUBLIC, .cache = NO_CACHE', "counts an account"),
    ('GET, "/a/", a, .limits = LIMIT(L_NAME), .cache = NO_CACHE', "L_NAME"),
    ('GET, "/a/", a, .cache = CACHE(1, ON_MOVIE, BY_LANG)',
     "ON_MOVIE needs {movie}"),
    ('GET, "/a/", a, .cache = CACHE(1, ON_MOON, BY_LANG)', "ON_MOON has no row"),
    ('GET, "/a/", a, .guard = PUBLIC, .limits = NO_LIMIT,\n'
     '    .cache = CACHE(1, ON_USER, BY_LANG)', "ON_USER needs a caller"),
    ('GET, "/a/", a,\n    .guard = LOGGED_IN,\n    .cache = NO_CACHE',
     "takes 3 lines"),
    ('GET, "/a/", %s, .cache = NO_CACHE' % ("a" * 80), "has a line of"),
    ('GET, "/a/", a,\n%s.cache = NO_CACHE' % ("\t" * 11), "has a line of"),
])
def test_a_bad_row_is_found(row, fault):
    macro = "ROUTE" if row.startswith("GET") else "WRITE"
    assert any(fault in f for f in faults(f"{macro}({row})\n")), fault


@pytest.mark.parametrize("row, fault", [
    ('ROUTE(POST, "/a/", a)', "ROUTE is not for POST"),
    ('WRITE(GET, "/a/", a, .cache = NO_CACHE)', "WRITE is not for GET"),
    ('ROUTE(GET, "/searching/", a, .cache = NO_CACHE)',
     "ROUTE is not for this path"),
    ('SEARCH(GET, "/a/", a, .cache = NO_CACHE)', "SEARCH is not for this path"),
    ('WRITE(POST, "/a/", a, .limits = LIMIT(L_USER) | LIMIT(L_CODE))',
     "L_WRITE is for each WRITE"),
    ('WRITE(POST, "/a/", a, .guard = PUBLIC,\n'
     '    .limits = LIMIT(L_LOGIN) | LIMIT(L_WRITE))', "L_WRITE is for each"),
    ('SEARCH(GET, "/searching/", a, .cache = NO_CACHE,\n'
     '    .limits = LIMIT(L_USER))', "L_SEARCH is for each SEARCH"),
    ('ROUTE(GET, "/a/", a, .cache = NO_CACHE,\n'
     '    .limits = LIMIT(L_USER) | LIMIT(L_SEARCH))', "L_SEARCH is for each"),
])
def test_limits_of_searches_and_writes(row, fault):
    assert any(fault in f for f in faults(row + "\n")), faults(row + "\n")


def test_the_exceptions_of_owners_are_operations():
    assert list(rules.not_owned(OPERATIONS)) == []
    found = list(rules.not_owned(OPERATIONS, {
        ("POST", "/reviews/{review}/likes/"), ("POST", "/users/onboarding/")}))
    assert [f.split(": ")[1] for f in found] == [
        "POST /reviews/{review}/likes/ is not in doc/openapi.yaml",
        "POST /users/onboarding/ needs no exception"]


def test_a_new_parameter_has_an_owner_or_not():
    rows = rules.parse('WRITE(PUT, "/notes/{note}/", a)\n')
    assert list(rules.parameters(rows, ["note"])) == [
        "PUT /notes/{note}/: {note} is neither in OWNED nor in SHARED of "
        "t/lint/routes.py"]


def test_what_inserts_rows_of_the_caller_has_no_owner():
    assert faults('WRITE(POST, "/reviews/{review}/comments/", a)\n') == []


@pytest.mark.parametrize("first, second", [
    ("GET, \"/b/\"", "GET, \"/a/\""), ("PUT, \"/a/\"", "POST, \"/a/\""),
    ("GET, \"/a/{movie}/\"", "GET, \"/a/b/\""),
    ("GET, \"/a/\"", "GET, \"/a/\"")])
def test_order(first, second):
    rows = rules.parse(f"ROUTE({first}, x,\n    .pool = SLOW)\nROUTE({second}, x)\n")
    assert len(list(rules.unsorted(rows))) == 1


@pytest.mark.parametrize("text", [
    "ROUTE(GET, \"/a/\", a\n", "ROUTES(GET, \"/a/\", a)\n",
    "ROUTE(GET, \"/a/\", a) // words\n",
    "int x;\n"])
def test_what_is_no_row(text):
    with pytest.raises(ValueError):
        rules.parse(text)


def test_the_tables_that_rules_read_are_found():
    names = rules.table_of_parameters((TREE / "src/http/route.c").read_text())
    kinds = rules.table_of_kinds((TREE / "src/api/depends.c").read_text())
    assert {"award", "comment", "list", "movie", "person", "reaction",
            "review", "username"} <= set(names)
    assert kinds["ON_MOVIE"] == ("KEY_PATH", "movie")
    assert kinds["ON_USER"] == ("KEY_CALLER", None)
    assert kinds["ON_CATALOGUE"] == ("KEY_NONE", None)
