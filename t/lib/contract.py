# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract checker of the tests.

Reads doc/openapi.yaml and validates answers: status and content type must be
documented for the operation, required headers present, and the body must match
its schema.  All errors are reported in one message.  Called operations and their
statuses are recorded, so that a test can find those that were never called.

    contract = Contract()
    contract.check("GET", "/api/movies/19-metropolis/", 200, headers, body)

or, for an answer of the module requests, with one document for all:

    check("GET", "/api/movies/19-metropolis/", response)

While operations of the document are not implemented, t/contract/pending.txt
lists them, one a line: METHOD path. They count as missing in the document.
"""

import copy
import datetime
import functools
import json
import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import jsonschema
import yaml

TREE = Path(__file__).resolve().parents[2]
OPENAPI = TREE / "doc" / "openapi.yaml"
PENDING = TREE / "t" / "contract" / "pending.txt"

# Names a file to which each (operation, status) is appended when it is first
# seen, so that several test processes can write down their calls together.
LOG_VARIABLE = "MXM_CONTRACT_LOG"

METHODS = ("get", "put", "post", "delete", "patch")

# What a path that is not in the document, or a method that it does not have,
# may be answered with.
UNDOCUMENTED = {400, 404, 405, 413, 429, 503}

# What the server in front may say to any call, before the program sees it.
IN_FRONT = {408, 414, 431}


class ContractError(AssertionError):
    """An answer that the document does not allow."""


def load(path=OPENAPI):
    """The document, which the caller may change."""
    return copy.deepcopy(read(path))


@functools.cache
def read(path):
    """By the fast loader where there is one."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader=loader)


def load_pending(path=PENDING):
    """The set of (METHOD, path) that pending.txt names; none without the file."""
    pending = set()
    if not Path(path).exists():
        return pending
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        line = line.split("#")[0].strip()
        if line:
            method, template = line.split()
            pending.add((method, template))
    return pending


def load_built():
    """The document as it is served: without pending operations and their tags
    and components."""
    document = load()
    for method, path in load_pending():
        del document["paths"][path][method.lower()]
        if not document["paths"][path].keys() & set(METHODS):
            del document["paths"][path]
    used = {o.spec["tags"][0] for o in operations(document)}
    document["tags"] = [t for t in document["tags"] if t["name"] in used]
    components, before = document["components"], None
    while before != (before := json.dumps(document)):
        for kind in components.keys() - {"securitySchemes"}:
            for name in list(components[kind]):
                mark = '"$ref": "#/components/%s/%s"' % (kind, name)
                if mark not in json.dumps(document):
                    del components[kind][name]
    return document


# --------------------------------------------------------------- formats --

_formats = jsonschema.FormatChecker(formats=())


@_formats.checks("date", raises=ValueError)
def _is_date(value):
    if isinstance(value, str):
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            raise ValueError("not YYYY-MM-DD")
        datetime.date.fromisoformat(value)
    return True


@_formats.checks("date-time", raises=ValueError)
def _is_time(value):
    if isinstance(value, str):
        text = value[:-1] + "+00:00" if value.endswith("Z") else value
        if "T" not in text or datetime.datetime.fromisoformat(
                text).tzinfo is None:
            raise ValueError("no time with an offset")
    return True


@_formats.checks("uri")
def _is_uri(value):
    if not isinstance(value, str):
        return True
    parts = urlsplit(value)
    return bool(parts.scheme in ("http", "https") and parts.netloc
                and not re.search(r"[^!-~]", value)
                and not re.search(r"%(?![0-9A-Fa-f]{2})", value))


@_formats.checks("email")
def _is_email(value):
    return not isinstance(value, str) or bool(
        re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value))


@_formats.checks("int64")
def _is_int64(value):
    return not isinstance(value, int) or -2**63 <= value < 2**63


# ------------------------------------------------------------- documents --

class Operation:
    """One method of one path."""

    def __init__(self, document, path, method, pending):
        self.path = path
        self.method = method.upper()
        self.spec = document["paths"][path][method]
        self.id = self.spec["operationId"]
        self.pending = (self.method, path) in pending
        self.outside = "x-served-by" in self.spec
        self.parameters = [
            resolve(document, p) for p in
            document["paths"][path].get("parameters", [])
            + self.spec.get("parameters", [])]

    @property
    def guard(self):
        """The guard of an operation, as in the route table."""
        needs = self.spec["security"]
        if not needs:
            return "PUBLIC"
        return "VERIFIED" if "verified" in needs[0]["jwtAuth"] else \
            "LOGGED_IN"


def resolve(document, thing):
    """`thing`, or what its $ref names, with the description beside it."""
    while "$ref" in thing:
        target = document
        for part in thing["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        own = {k: v for k, v in thing.items() if k != "$ref"}
        thing = {**target, **own}
    return thing


def operations(document, pending=frozenset()):
    """All operations, in the order of the document."""
    return [Operation(document, path, method, pending)
            for path, item in document["paths"].items()
            for method in item if method in METHODS]


def strict_json(body):
    """Parses bytes; duplicate keys, NaN and bad UTF-8 are errors."""
    def pairs(found):
        keys = [key for key, _ in found]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise ValueError("key given twice: %s" % ", ".join(sorted(twice)))
        return dict(found)

    def constant(name):
        raise ValueError("%s is not JSON" % name)

    return json.loads(body.decode("utf-8"), object_pairs_hook=pairs,
                      parse_constant=constant)


# --------------------------------------------------------------- judging --

class Contract:
    """The document, ready to judge answers."""

    def __init__(self, path=OPENAPI, pending=None, log=None):
        self.document = load(path)
        self.pending = load_pending() if pending is None else pending
        self.operations = operations(self.document, self.pending)
        self.called = {}
        self._log = log or os.environ.get(LOG_VARIABLE)
        self._resolver = jsonschema.RefResolver("", self.document)
        self._templates = {}
        for operation in self.operations:
            segments = tuple(operation.path.strip("/").split("/"))
            self._templates.setdefault(segments, []).append(operation)
        # Literal segments win over parameters, from left to right.
        self._order = sorted(
            self._templates, key=lambda s: [p.startswith("{") for p in s])

    def at(self, path):
        """The operations of a path; none when it is not documented."""
        found = [unquote(s) for s in path.split("?")[0].strip("/").split("/")]
        for segments in self._order:
            operations_here = self._templates[segments]
            many = operations_here[0].outside
            if len(segments) != len(found) and not (
                    many and len(found) > len(segments)):
                continue
            if all(want == have or (want.startswith("{") and have)
                   for want, have in zip(segments, found)):
                here = [o for o in operations_here if not o.pending]
                if here:
                    return here
        return []

    def find(self, method, path):
        """The operation, or None; HEAD finds GET."""
        wanted = "GET" if method == "HEAD" else method
        for operation in self.at(path):
            if operation.method == wanted:
                return operation
        return None

    def check(self, method, path, status, headers, body=b""):
        """Raises ContractError if the answer is not in the document."""
        method = method.upper()
        path = urlsplit(path).path if "://" in path else path.split("?")[0]
        headers = {k.lower(): v for k, v in headers.items()}
        body = body.encode() if isinstance(body, str) else body or b""
        operation = self.find(method, path)
        if method == "OPTIONS":
            faults = self._check_options(path, status, headers, body)
        elif status in IN_FRONT or method in ("TRACE", "CONNECT"):
            faults = self._check_error(status, headers, body)
        elif operation is None:
            faults = self._check_undocumented(
                path, status, headers, body, method)
        else:
            self._remember(operation, status)
            faults = self._check_answer(
                operation, method, status, headers, body)
        if faults:
            name = operation.id if operation else "the document"
            shown = body[:600].decode("utf-8", "replace")
            raise ContractError(
                "%s %s answered %s, which breaks the contract (%s):\n%s\n"
                "  content type: %s\n  body: %s%s" % (
                    method, path, status, name,
                    "\n".join("  - " + c for c in faults),
                    headers.get("content-type", "none"), shown,
                    " …" if len(body) > 600 else ""))
        return operation

    def uncalled(self, log=None):
        """Ids of built operations that no call was seen of."""
        seen = set(self.called)
        log = log or self._log
        if log and os.path.exists(log):
            with open(log, encoding="utf-8") as file:
                seen |= {line.split()[0] for line in file if line.strip()}
        return sorted(o.id for o in self.operations
                      if not o.pending and not o.outside and o.id not in seen)

    def _remember(self, operation, status):
        statuses = self.called.setdefault(operation.id, set())
        if status in statuses:
            return
        statuses.add(status)
        if self._log:
            with open(self._log, "a", encoding="utf-8") as file:
                file.write("%s %s\n" % (operation.id, status))

    def _check_options(self, path, status, headers, body):
        here = self.at(path)
        if not here:
            return self._check_undocumented(path, status, headers, body,
                                            "OPTIONS")
        if status in (400, 429, 503):
            return self._check_error(status, headers, body)
        faults = []
        if status != 204:
            faults.append("OPTIONS answers 204")
        if body:
            faults.append("204 has no body")
        return faults + self._check_allow(here, headers)

    def _check_allow(self, here, headers):
        if "allow" not in headers:
            return ["the header Allow is missing"]
        allowed = {m.strip() for m in headers["allow"].split(",")}
        wanted = {o.method for o in here} | {"OPTIONS"}
        if "GET" in wanted:
            wanted.add("HEAD")
        if allowed == wanted:
            return []
        return ["Allow is %s, expected %s" % (
            ", ".join(sorted(allowed)), ", ".join(sorted(wanted)))]

    def _check_undocumented(self, path, status, headers, body, method):
        if not re.match(r"/(api(/|$)|healthz|metrics|readyz)", path):
            return []
        here = self.at(path)
        if status not in UNDOCUMENTED:
            return ["%s is not documented for this path" % method if here
                    else "the path is not documented"]
        if here and status == 404:
            return ["the path is documented, so 405 and not 404"]
        if not here and status == 405:
            return ["the path is not documented, so 404 and not 405"]
        faults = [] if method == "HEAD" else self._check_error(
            status, headers, body)
        if status == 405:
            faults += self._check_allow(here, headers)
        return faults

    def _check_error(self, status, headers, body):
        """An error of no operation in particular: any with `error`."""
        problem = "Problem" if is_problem(headers) else "Error"
        schema = {"$ref": "#/components/schemas/" + problem}
        faults = self._check_json(schema, body, strict=False)
        if status in (429, 503) and "retry-after" not in headers:
            faults.append("the header Retry-After is missing")
        return faults

    def _check_answer(self, operation, method, status, headers, body):
        responses = operation.spec["responses"]
        if str(status) not in responses:
            return ["the status is not documented; these are: %s"
                    % ", ".join(sorted(responses))]
        response = resolve(self.document, responses[str(status)])
        faults = self._check_headers(response, headers)
        if status == 405:
            faults += self._check_allow(self.at(operation.path), headers)
        content = response.get("content")
        if method == "HEAD" or content is None:
            if body:
                faults.append("there must be no body")
            if method != "HEAD" or content is None:
                return faults
        kind = headers.get("content-type", "").split(";")[0].strip().lower()
        media = find_media(content, kind)
        if media is None:
            faults.append("the content type is none of: %s"
                              % ", ".join(content))
        elif method != "HEAD" and (kind.endswith("json")):
            faults += self._check_json(
                media.get("schema", {}), body, strict=status < 400)
        return faults

    def _check_headers(self, response, headers):
        faults = []
        for name, spec in response.get("headers", {}).items():
            spec = resolve(self.document, spec)
            value = headers.get(name.lower())
            if value is None:
                if spec.get("required"):
                    faults.append("the header %s is missing" % name)
                continue
            if spec["schema"].get("type") == "integer":
                value = int(value) if value.isdigit() else value
            faults += ["header %s: %s" % (name, e.message) for e in
                           self.validator(spec["schema"]).iter_errors(value)]
        return faults

    def _check_json(self, schema, body, strict):
        try:
            value = strict_json(body)
        except (ValueError, UnicodeDecodeError) as error:
            return ["the body is not JSON: %s" % error]
        faults = self.faults(schema, value)
        if strict and not faults:
            faults += ["%s is not documented" % where
                           for where in self.unknown(schema, value)]
        return faults

    # ---- schemas ----

    def validator(self, schema):
        return jsonschema.Draft202012Validator(
            schema, resolver=self._resolver, format_checker=_formats)

    def faults(self, schema, value):
        """The errors of a value, as sentences; at most eight."""
        found = sorted(self.validator(schema).iter_errors(value),
                       key=lambda e: e.json_path)
        sentences = []
        for error in found[:8]:
            best = jsonschema.exceptions.best_match([error]) or error
            sentences.append("%s: %s" % (best.json_path, shorten(best.message)))
        return sentences

    def unknown(self, schema, value, where="$"):
        """Keys of a value that its schema does not name."""
        found = []
        branches = list(self.branches(schema))
        if isinstance(value, dict):
            is_open = any(b.get("additionalProperties") not in (None, False)
                          or "patternProperties" in b for b in branches)
            described = any("properties" in b for b in branches)
            for key, inner in value.items():
                inside = [b["properties"][key] for b in branches
                          if key in b.get("properties", {})]
                if inside:
                    found += self.unknown({"allOf": inside}, inner,
                                          "%s.%s" % (where, key))
                elif described and not is_open:
                    found.append("%s.%s" % (where, key))
        elif isinstance(value, list):
            inside = [b["items"] for b in branches if "items" in b]
            for number, inner in enumerate(value):
                found += self.unknown({"allOf": inside}, inner,
                                      "%s[%d]" % (where, number))
        return found

    def branches(self, schema):
        """The schema and all that are joined to it."""
        schema = resolve(self.document, schema)
        yield schema
        for word in ("allOf", "anyOf", "oneOf"):
            for inner in schema.get(word, []):
                yield from self.branches(inner)


def is_problem(headers):
    return headers.get("content-type", "").startswith(
        "application/problem+json")


def find_media(content, kind):
    """The entry of a content type; `image/*` covers `image/png`."""
    if kind in content:
        return content[kind]
    return content.get(kind.split("/")[0] + "/*")


def shorten(text, limit=300):
    return text if len(text) <= limit else text[:limit] + " …"


@functools.lru_cache(maxsize=1)
def default():
    """The one contract of this process."""
    return Contract()


def check(method, path, response):
    """Judges an answer as the module requests gives it."""
    return default().check(method, path, response.status_code,
                           response.headers, response.content)
