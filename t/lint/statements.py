# SPDX-License-Identifier: GPL-3.0-or-later
"""Which statements each route runs, and rules for them: the guard, the names of
their parameters, the outcomes. t/lint/tables applies the rules to the tree,
t/contract/test_statements.py to made-up texts.

The statements of a route are the names SQL_… in its handler and in the
functions that it names, and so on, except those below src/db."""

import re

import routes

# Outcomes that need no row in outcomes.def, and those of statements that are not
# run by api/run.c but interpreted by account_check() in auth/account.c.
OWN_MEANING = {"ok", "missing"}
OF_ACCOUNT = {"ok", "inactive", "ended"}

# Statements of routes with a caller that change rows without :viewer, and why.
NOT_OF_VIEWER = {}
# Statements whose INSERT has no ON CONFLICT in spite of outcome exists, and why.
BY_CONSTRAINT = {}

# Functions that return only rows that the caller may see.
SEEING = {"list_find"}

# What run.c binds by itself.
# What these contain does not change an answer that is cached: a translation
# depends on the text alone, and an answer without one is not cached.
INERT, UNSEEN = {"job", "translation"}, {"translation_ask"}
LANGUAGE, WITH_CALLER = {"language"}, {"viewer", "viewer_name"}
ALWAYS = LANGUAGE | {"traceparent"}


class Statement:
    """A line of stmts.def, as gen.awk makes it."""

    def __init__(self, line):
        found = re.fullmatch(r'STMT\((\w+), (\w+), (\w+), \d+, \d+, "(.*?)", '
                             r'"(.*?)", "(.*)"\)', line)
        self.name, self.mode, self.reads, names, _, text = found.groups()
        self.names = names.split(",") if names else []
        self.text = re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), text)


def statements(generated):
    """The statements of the output of gen.awk, by name."""
    found = [Statement(line) for line in generated.splitlines()
             if line.startswith("STMT(")]
    return {s.name: s for s in found}


def operations(document):
    """(method, path) of doc/openapi.yaml."""
    found, path = set(), None
    for line in document.splitlines():
        if match := re.match(r"  (/\S*):$", line):
            path = match[1]
        elif match := re.match(r"    (get|post|put|patch|delete):$", line):
            found.add((match[1].upper(), path))
    return found


# ----------------------------------------------------------------- sources --

class Function:
    def __init__(self, file, name, body):
        self.file, self.name, self.body = file, name, body
        self.words = set(re.findall(r"\b[a-z]\w+\b", body))
        self.binds = set(re.findall(r'\bbind_arg\(\s*\w+,\s*"(\w+)"', body))
        # bind_arg() with a name that is not a literal
        self.unclear = re.search(r'\bbind_arg\(\s*\w+,\s*[^"\s]', body)
        self.direct, self.bound = set(), set()
        for part in re.split(r"[;{}]", body):
            direct = re.search(r"\bquery_\w+\(|\bstmt_info\(", part)
            (self.direct if direct else self.bound).update(
                re.findall(r"\bSQL_(\w+)", part))


FUNCTION = re.compile(r"^(\w[^\n;{}#]*)\n(\w+)\([^;{}]*?\)\n\{\n(.*?)^\}",
                      re.M | re.S)


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def functions(sources):
    """The functions of the sources, {file: text}: those of a file by
    (file, name), and public ones also by name."""
    found = {}
    for file, text in sources.items():
        for kind, name, body in FUNCTION.findall(without_comments(text)):
            function = Function(file, name, body)
            found[file, name] = function
            if not kind.startswith("static"):
                found[name] = function
    return found


def outside(sources):
    """Names SQL_... outside of functions, which cannot be attributed to a route;
    sources that serve no requests may have tables of them."""
    for file, text in sources.items():
        rest = FUNCTION.sub("", without_comments(text))
        if not file.startswith(("src/import/", "src/jobs/", "src/ctl/")):
            for name in re.findall(r"\bSQL_[a-z]\w+", rest):
                yield f"{file}: {name} stands outside of a function"


def reached(handler, known):
    """The handler and the functions that it names, transitively."""
    todo, done = [known[handler]] if handler in known else [], []
    while todo:
        function = todo.pop()
        if function in done:
            continue
        done.append(function)
        for word in sorted(function.words):
            other = known.get((function.file, word)) or known.get(word)
            if other:
                todo.append(other)
    return done


def input_tables(sources, headers):
    """Names of the fields of each input table; headers have the macros."""
    fields = r'\{\s*"(\w+)", FROM_|\b([A-Z]+_FIELDS)\b'
    macros = {name: body for text in headers.values() for name, body in
              re.findall(r"#define (\w+_FIELDS)\b((?:.*\\\n)*.*)", text)}
    found = {}
    for text in sources.values():
        for name, body in re.findall(
                r"^const struct field (\w+)\[\] = \{\n(.*?)^\};", text,
                re.M | re.S):
            for macro in re.findall(r"\b[A-Z]+_FIELDS\b", body):
                body += macros.get(macro, "")
            found[name] = {field for field, _ in re.findall(fields, body)
                           if field}
    return found


class Route:
    """A row, with the statements that it runs."""

    def __init__(self, row, known, inputs):
        self.row, self.name = row, row.handler
        self.functions = reached(row.handler, known)
        self.bound = set().union(*(f.bound for f in self.functions))
        self.direct = set().union(*(f.direct for f in self.functions))
        self.given = ALWAYS | set(row.params)
        self.given |= set().union(*(f.binds for f in self.functions))
        self.given |= inputs.get(row.says("input"), set())
        if row.says("guard") != "PUBLIC":
            self.given |= WITH_CALLER


def all_routes(table, sources, headers):
    known = functions({file: text for file, text in sources.items()
                       if not file.startswith("src/db/")})
    inputs = input_tables(sources, headers)
    return [Route(row, known, inputs) for row in table]


# ---------------------------------------------------------------- outcomes --

def cases(text, end):
    """Where the CASE begins whose END ends at `end`."""
    depth, found = 0, None
    for found in reversed(list(re.finditer(r"\b(CASE|END)\b", text[:end]))):
        depth += 1 if found[1] == "END" else -1
        if depth == 0:
            return found.start()
    return None


def words_of_function(call, args, migrations):
    """The words that an SQL function may return; None: unknown."""
    found = re.findall(
        r"CREATE (?:OR REPLACE )?FUNCTION (\w+)\(([^)]*)\)(.*?\$\$.*?\$\$)",
        migrations, re.S)
    bodies = [body for name, params, body in found
              if name == call and params.count(",") + 1 == len(args)]
    if not bodies:
        return None
    words = set(re.findall(r"(?:THEN|ELSE|RETURN)\s+'([^']*)'", bodies[-1]))
    if call == "owned_outcome" and args[-1] == "true":
        words -= {"missing"}
    if call == "owned_outcome" and args[-1] == "false":
        words -= {"foreign"}
    return words


def words_of_calls(text, migrations):
    """Words of the calls of functions that are results in an expression."""
    words = set()
    for found in re.finditer(r"(?:^|THEN|ELSE)\s*(\w+)(?=\()", text):
        depth, end = 0, found.end()
        for end in range(found.end(), len(text)):
            depth += (text[end] == "(") - (text[end] == ")")
            if depth == 0:
                break
        args = list(routes.pieces(text[found.end() + 1:end]))
        some = words_of_function(found[1], args, migrations)
        words |= {None} if some is None else some
    return words


def outcome_words(statement, migrations):
    """The words in column `outcome`, with None if one cannot be determined; empty
    if there is no such column."""
    text, words, last = statement.text, set(), 0
    for found in re.finditer(r"\s+AS\s+outcome\b", text):
        before = text[:found.start()]
        if before.endswith("END"):
            case = before[cases(before, len(before)):]
            # a condition is not a result
            some = set(re.findall(r"(?:THEN|ELSE)\s+'([^']*)'", case))
            some |= words_of_calls(case, migrations)
            # the words of an outcome of a CTE are counted there
            if re.search(r"(?:THEN|ELSE)\s+(?!\w+\.outcome\b)[a-z]\w*(?![\w(])",
                         case):
                some.add(None)
        elif before.endswith(")"):
            depth, at = 0, len(before)
            while at > 0:
                at -= 1
                depth += (before[at] == ")") - (before[at] == "(")
                if depth == 0:
                    break
            at -= len(re.search(r"\w*$", before[:at])[0])
            some = words_of_calls(before[at:], migrations)
        elif before.endswith("'"):
            some = {re.search(r"'([^']*)'$", before)[1]}
        elif re.search(r"\boutcome$", before):
            continue
        else:
            some = {None}
        words |= some or {None}
        last = found.end()
    if not last and re.search(r"\boutcome\b", text):
        words.add(None)
    return words


class Outcome:
    """A row of outcomes.def."""

    def __init__(self, inside):
        self.word, self.route, self.err = list(routes.pieces(inside))[:3]


def outcome_table(text):
    """The rows, and the words with their meanings in the comment."""
    rows = [Outcome(inside) for inside in
            re.findall(r"^OUTCOME\((.*)\)$", text, re.M)]
    comment = re.search(r"^ \* word .*?(?=^ \* \w+ {2,}name of)", text,
                        re.M | re.S)[0]
    words = re.findall(r"^ \* (?:word)? {5,}([a-z_]+) {2,}\w", comment, re.M)
    return rows, words


# ------------------------------------------------------------------- rules --

def ran(found, stmts):
    """The routes with the statements that run.c runs for them."""
    for route in found:
        for name in sorted(route.bound & set(stmts)):
            yield route, stmts[name]


def handlers(found):
    for route in found:
        if not route.functions:
            yield f"{route.row.name}: no function {route.name}"
        for function in route.functions:
            if function.unclear and function.name != "bind_arg":
                yield f"{function.file}: {function.name} calls bind_arg() " \
                      "with a name that is not a literal"


def guards(found, stmts):
    """OWNER exactly where an :owned statement runs."""
    for route, statement in ran(found, stmts):
        if (statement.mode == "OWNED") != (route.row.says("guard") == "OWNER"):
            yield f"{route.row.name}: {statement.name} is :" \
                  f"{statement.mode.lower()}, the guard is " \
                  f"{route.row.says('guard', 'VERIFIED')}"
    for route in found:
        if route.row.says("guard") == "OWNER" and not route.bound & set(stmts):
            yield f"{route.row.name} is OWNER and runs no :owned statement"
        for name in sorted(route.direct & set(stmts)):
            if stmts[name].mode == "OWNED":
                yield f"{route.row.name}: {name} is :owned and not run by run.c"


def parameters(found, stmts):
    """Each :name of a statement comes from the route."""
    for route, statement in ran(found, stmts):
        for name in statement.names:
            if name not in route.given:
                yield f"{route.row.name} has no :{name} for {statement.name}"


def names_of_viewers(found, stmts):
    """The user name of the caller is part of their account."""
    for route, statement in ran(found, stmts):
        cache = route.row.says("cache")
        if "viewer_name" in statement.names and cache.startswith("CACHE(") \
                and not re.search(r"\bON_ACCOUNT\b", cache):
            yield f"{route.row.name}: :viewer_name of {statement.name} " \
                  "depends on ON_ACCOUNT"


def cache_keys(found, stmts):
    """What differs between callers or languages is cached for each of them."""
    for route in found:
        cache = route.row.says("cache")
        for name in sorted((route.bound | route.direct) & set(stmts) - UNSEEN):
            for part, given in (("BY_VIEWER", WITH_CALLER), ("BY_LANG", LANGUAGE)):
                if cache.startswith("CACHE(") and part not in cache and \
                        given & set(stmts[name].names):
                    yield f"{route.row.name}: {name} has " \
                          f":{min(given & set(stmts[name].names))}, the " \
                          f"cache is not {part}"


def replicas(found, stmts):
    """A standby only answers lists, of which it is known when they change."""
    for route in found:
        if not route.row.says("replica"):
            continue
        if not route.row.says("cache").startswith("CACHE("):
            yield f"{route.row.name} is .replica and not cached"
        for name in sorted((route.bound | route.direct) & set(stmts)):
            if stmts[name].mode != "MANY" or stmts[name].reads != "true" or \
                    name in route.direct:
                yield f"{route.row.name} is .replica, {name} is not run " \
                      "there: it is no reading :many run by run.c"


def raised_kinds(migrations):
    """The table of rules in the migrations: table to kinds of touch."""
    kinds, table = {}, None
    for name, more in re.findall(r"^-- [^|\n]*\| (\w*) *\| ([a-z ]+)$",
                                 migrations, re.M):
        table = name or table
        if table != "table":
            kinds.setdefault(table, set()).update(more.split())
    return kinds


def stale_tables(found, stmts, kinds, raised, tables):
    """A cached answer depends on a kind that changes of each table raise.
    `kinds`: ON_... to kind; `raised`: of raised_kinds();
    `tables`: of changing_tables()."""
    for route in found:
        used = re.findall(r"\bON_\w+", route.row.says("cache"))
        depends = {kinds.get(on) for on in used}
        for name in sorted((route.bound | route.direct) & set(stmts)):
            read = re.findall(r"\b(?:FROM|JOIN|USING)\s+(?:live_)?(\w+)",
                              stmts[name].text)
            for table in sorted(set(read) & set(raised)) if used else ():
                if not raised[table] & depends:
                    yield f"{route.row.name}: {name} reads {table}, the " \
                          f"answer depends on none of {sorted(raised[table])}"
            for table in sorted(set(read) & tables - set(raised) - INERT) \
                    if used else ():
                yield f"{route.row.name}: {name} reads {table}, which has " \
                      "no row in a table of rules, see 0012_touch.sql"


def private_tables(migrations):
    """The tables whose rows have a privacy."""
    return {table for table, columns in re.findall(
        r"\bCREATE TABLE (\w+) \((.*?)\n\)", migrations, re.S)
        if re.search(r"^\s*privacity\b", columns, re.M)}


def of_viewer(statement):
    """Whether rows are compared with the caller's id."""
    if "viewer" not in statement.names:
        return False
    number = statement.names.index("viewer") + 1
    return bool(re.search(
        rf"\buser_id = (?:\(SELECT )?\${number}(?!\d)", statement.text))


def privacy(found, stmts, private):
    """What reads rows with a privacy decides who may see them; `private`: of
    private_tables()."""
    for route in found:
        for name in sorted((route.bound | route.direct) & set(stmts)):
            read = re.findall(r"\b(?:FROM|JOIN|USING)\s+(?:live_)?(\w+)",
                              stmts[name].text)
            for table in sorted(set(read) & private):
                if "may_see(" not in stmts[name].text and \
                        not set(read) & SEEING and \
                        not of_viewer(stmts[name]):
                    yield f"{route.row.name}: {name} reads {table} without " \
                          "may_see() or user_id = :viewer"


CHANGE = re.compile(r"(?<!\bFOR )(?<!\bKEY )(?<!\bDO )\bUPDATE\s+\w"
                    r"|\bDELETE\s+FROM\b")


def pieces(text):
    """The parts of a statement: (name, text) of each expression of its WITH, in
    order, then (None, text) of the rest."""
    at = 0
    for m in re.finditer(r"(?:\bWITH|,)\s+(\w+) AS (?:MATERIALIZED )?\(", text):
        if m.start() < at:
            continue
        depth, end = 1, m.end()
        while depth and end < len(text):
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        yield m[1], text[m.end():end]
        at = end
    yield None, text[at:]


def unowned_change(statement):
    """A change of a statement with :viewer of rows that are neither compared with
    the caller nor chosen by an expression that is; None: there is none."""
    number = statement.names.index("viewer") + 1
    viewer = rf"\${number}(?!\d)"
    compared = re.compile(
        rf"\b(?:id|\w*user_id) = (?:\(SELECT )?{viewer}"
        rf"|= (?:least|greatest)\(\w+\.id, {viewer}"
        rf"|{viewer}(?:::bigint)? (?:=|IN) ")
    owned = set()
    for name, text in pieces(statement.text):
        read = set(re.findall(r"\b(?:FROM|JOIN|USING)\s+(\w+)", text))
        # not what is assigned
        text = re.sub(r"\bSET\b.*?(?=\b(?:FROM|WHERE|RETURNING)\b|$)", "SET ",
                      text, flags=re.S)
        if compared.search(text) or read & owned:
            owned.add(name)
        elif CHANGE.search(text):
            return name or "the statement"
    return None


def changes(found, stmts, exceptions=None):
    """What a route with a caller updates or deletes depends on the caller."""
    exceptions = NOT_OF_VIEWER if exceptions is None else exceptions
    needed = set()
    for route in found:
        if route.row.says("guard") == "PUBLIC":
            continue
        for name in sorted((route.bound | route.direct) & set(stmts)):
            if not CHANGE.search(stmts[name].text):
                continue
            part = "it"
            if "viewer" in stmts[name].names:
                part = unowned_change(stmts[name])
            if not part:
                continue
            needed.add(name)
            if name not in exceptions:
                yield f"{route.row.name}: {name} changes rows without :viewer" \
                      if part == "it" else \
                      f"{route.row.name}: {name}: {part} changes rows that " \
                      "are not compared with :viewer"
    for name in sorted(set(exceptions) - needed):
        yield f"NOT_OF_VIEWER: {name} needs no exception"


def conflicts(found, stmts, migrations, exceptions=None):
    """An INSERT that may end as exists has ON CONFLICT, so that the server logs
    no error."""
    exceptions = BY_CONSTRAINT if exceptions is None else exceptions
    for name in sorted({s.name for _, s in ran(found, stmts)}):
        text = stmts[name].text
        needs = re.search(r"\bINSERT\s+INTO\b", text) and \
            "ON CONFLICT" not in text and \
            "exists" in outcome_words(stmts[name], migrations)
        if needs and name not in exceptions:
            yield f"{name}: an INSERT with outcome exists needs ON CONFLICT"
        if name in exceptions and not needs:
            yield f"BY_CONSTRAINT: {name} needs no exception"


def changing_tables(migrations):
    """The tables that change otherwise than by migrations."""
    return set(re.findall(r"\bCREATE TABLE (\w+)", migrations)) - {"emoji"}


def outcomes(found, stmts, table, migrations):
    """`table`: of outcome_table()."""
    rows, words = table
    pairs = {(row.word, row.route): row for row in rows}
    returned = set()
    for route, statement in ran(found, stmts):
        for word in outcome_words(statement, migrations):
            where = f"{route.row.name}: {statement.name}"
            if word is None:
                yield f"{where}: its outcome is not a list of words"
                continue
            name, _, param = word.partition(":")
            returned.add((name, route.name))
            if word == "missing" and statement.mode == "OWNED" and \
                    not {*route.row.params[-1:]} & routes.OWNED:
                yield f"{where}: missing is {{{route.row.params[-1]}}}, " \
                      "not what has an owner: use missing:..."
            elif name == "missing" and not route.row.params:
                yield f"{where}: missing, without a parameter in the path"
            elif param and (name != "missing" or param not in route.row.params):
                yield f"{where}: {word}, no such parameter in the path"
            elif name not in OWN_MEANING and (name, route.name) not in pairs:
                yield f"{where}: {word} has no row in outcomes.def"
            elif name not in OWN_MEANING and \
                    pairs[name, route.name].err == "ERR_TOO_OFTEN" and \
                    not re.search(r"\bAS wait\b", statement.text):
                yield f"{where}: {word} needs the column wait"
    for row in rows:
        if (row.word, row.route) not in returned:
            yield f"outcomes.def: no statement of {row.route} returns {row.word}"
        if row.word not in words:
            yield f"outcomes.def: {row.word} has no meaning in the comment"
    for word in words:
        if word not in {row.word for row in rows}:
            yield f"outcomes.def: {word} of the comment has no row"


def other_outcomes(found, stmts, migrations):
    """Of statements that run.c does not run: only words of account_check()."""
    run = set().union(*(route.bound for route in found)) if found else set()
    for statement in stmts.values():
        if statement.name in run:
            continue
        odd = outcome_words(statement, migrations) - OF_ACCOUNT
        if odd:
            yield f"{statement.name}: outcomes {sorted(map(str, odd))} that " \
                  "nothing interprets"


# --------------------------------------------------------------- SQL alone --

def outermost(text):
    """The text without quoted parts and without what is in brackets."""
    text, before = re.sub(r"'[^']*'|\"[^\"]*\"", "", text), None
    while text != before:
        before, text = text, re.sub(r"\([^()]*\)", " ", text)
    return text


def unlimited(stmts, sources):
    """A list has a LIMIT at its end, or a comment with the reason; `sources`:
    sql/*.sql, by file."""
    reasons = set()
    for text in sources.values():
        for before, name in re.findall(r"((?:^--.*\n)*?)^-- name: (\w+)", text,
                                       re.M):
            if "no LIMIT" in before:
                reasons.add(name)
    for statement in stmts.values():
        if statement.mode != "MANY" or statement.name in reasons:
            continue
        if not re.search(r"\bLIMIT\b", outermost(statement.text)):
            yield f"{statement.name} has no LIMIT in its outermost query"


def constants(sources, headers, migrations):
    """Fragments that are numbers are those of the same name in C; functions of
    migrations count up to the same maximum, as constant `most`."""
    numbers = {name: value for text in sources.values() for name, value in
               re.findall(r"^-- fragment: (\w+)\n(\d+)$", text, re.M)}
    defined = {name.lower(): value for text in headers.values()
               for name, value in re.findall(r"^#define (\w+) +(\d+)$", text,
                                             re.M)}
    for name, value in numbers.items():
        if defined.get(name) != value:
            yield f"fragment {name} is {value}, {name.upper()} in C is " \
                  f"{defined.get(name)}"
    most = int(numbers["count_max"])
    for number in re.findall(r"\bmost\s+CONSTANT bigint := (\d+)", migrations):
        if int(number) not in (most, most + 1):
            yield f"a migration counts up to {number}"
    for file, text in sources.items():
        for number in re.findall(r"LIMIT\s+(\d+)\)\s+AS\s+counted", text):
            yield f"{file}: LIMIT {number}, use {{{{count_max}}}} + 1"
        if re.search(r"^[^-\n]*\* 1000000\b", re.sub(
                r"-- fragment: micros\(t\)\n.*", "", text), re.M):
            yield f"{file}: use {{{{micros:...}}}}"


def writers(generator, migrations):
    """Functions of migrations that may write are in WRITERS of gen.awk."""
    listed = re.search(r"WRITERS = (.*?)\n}", generator, re.S)[1]
    names = set(re.findall(r"[A-Z_]+", listed))
    for name, rest in re.findall(
            r"^CREATE (?:OR REPLACE )?FUNCTION (\w+)\((.*?)\bAS (?=\$)",
            migrations, re.M | re.S):
        if not re.search(r"\bRETURNS trigger\b|\b(?:STABLE|IMMUTABLE)\b", rest) \
                and name.upper() not in names:
            yield f"{name}() is VOLATILE: add it to WRITERS of sql/gen.awk"
