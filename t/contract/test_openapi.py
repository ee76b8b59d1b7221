# SPDX-License-Identifier: GPL-3.0-or-later
"""doc/openapi.yaml by itself: well-formed, complete, and true to its own
rules.  Needs no program."""

import re
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

import contract  # noqa: E402

DOCUMENT = contract.load()
OPERATIONS = contract.operations(DOCUMENT)
COMPONENTS = DOCUMENT["components"]
JUDGE = contract.Contract(pending=frozenset(), log="")

BY_PROGRAM = [o for o in OPERATIONS if not o.outside]
WRITING = ("POST", "PUT", "PATCH", "DELETE")


def ids(operations):
    return [o.id for o in operations]


# What OpenAPI 3.1 allows, as far as this document uses it.  Unknown keys are
# refused, so that a misspelt one does not pass for an extension.

TEXT = {"type": "string", "minLength": 1}
REF = {
    "type": "object",
    "required": ["$ref"],
    "properties": {"$ref": {"type": "string", "pattern": "^#/components/"},
                   "description": TEXT, "summary": TEXT},
    "additionalProperties": False,
}


def either(name):
    return {"if": {"required": ["$ref"]}, "then": {"$ref": "#/$defs/ref"},
            "else": {"$ref": "#/$defs/" + name}}


def mapping(inner, pattern=r"^[A-Za-z0-9._-]+$"):
    return {"type": "object", "propertyNames": {"pattern": pattern},
            "additionalProperties": inner}


def thing(required, /, **properties):
    return {"type": "object", "required": required, "properties": properties,
            "patternProperties": {"^x-": True}, "additionalProperties": False}


OPENAPI = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **thing(["openapi", "info", "servers", "tags", "paths", "components"],
            openapi={"pattern": r"^3\.1\.\d+$"},
            info={"$ref": "#/$defs/info"},
            servers={"type": "array", "minItems": 1,
                     "items": thing(["url"], url=TEXT, description=TEXT)},
            tags={"type": "array", "items": thing(
                ["name", "description"], name=TEXT, description=TEXT)},
            paths=mapping({"$ref": "#/$defs/path"}, "^/"),
            components={"$ref": "#/$defs/components"}),
    "$defs": {
        "ref": REF,
        "info": thing(
            ["title", "version", "description", "license"],
            title=TEXT, version=TEXT, summary=TEXT, description=TEXT,
            license=thing(["name", "identifier"], name=TEXT,
                          identifier=TEXT)),
        "path": thing(
            [], parameters={"type": "array", "items": either("parameter")},
            **{m: {"$ref": "#/$defs/operation"} for m in contract.METHODS}),
        "operation": thing(
            ["operationId", "tags", "summary", "security", "responses"],
            operationId={"pattern": "^[a-z][a-z0-9_]*$"},
            tags={"type": "array", "minItems": 1, "maxItems": 1},
            summary={"type": "string", "minLength": 3, "maxLength": 60,
                     "not": {"pattern": r"\.$"}},
            description=TEXT,
            security={"enum": [[], [{"jwtAuth": []}],
                               [{"jwtAuth": ["verified"]}]]},
            parameters={"type": "array", "items": either("parameter")},
            requestBody=thing(
                ["content"], required={"type": "boolean"}, description=TEXT,
                content={"$ref": "#/$defs/content"}),
            responses=mapping(either("response"), r"^[1-5]\d\d$")),
        "parameter": thing(
            ["name", "in", "description", "schema"],
            name=TEXT, required={"type": "boolean"}, description=TEXT,
            schema={"$ref": "#/$defs/schema"}, example=True,
            **{"in": {"enum": ["path", "query", "header"]}}),
        "header": thing(
            ["description", "schema"], description=TEXT,
            required={"type": "boolean"}, example=True,
            schema={"$ref": "#/$defs/schema"}),
        "response": thing(
            ["description"], description=TEXT,
            headers=mapping(either("header")),
            content={"$ref": "#/$defs/content"}),
        "content": mapping(thing(
            [], schema={"$ref": "#/$defs/schema"}, example=True,
            encoding=mapping(thing(["contentType"], contentType=TEXT))),
            r"^[a-z]+/[a-z0-9.+*-]+$"),
        "schema": {"$ref": "https://json-schema.org/draft/2020-12/schema"},
        "components": thing(
            ["securitySchemes", "schemas"],
            securitySchemes=mapping({"type": "object"}),
            parameters=mapping({"$ref": "#/$defs/parameter"}),
            headers=mapping({"$ref": "#/$defs/header"}),
            responses=mapping({"$ref": "#/$defs/response"}),
            schemas=mapping({"$ref": "#/$defs/schema"})),
    },
}

# Where a reference may stand decides which kind of component it may name.
KIND_OF_PLACE = {"parameters": "parameters", "responses": "responses",
                 "headers": "headers"}


def walk(node, path=()):
    """Every value of the document with the keys that lead to it."""
    yield path, node
    if isinstance(node, dict):
        for key, inner in node.items():
            yield from walk(inner, path + (key,))
    elif isinstance(node, list):
        for number, inner in enumerate(node):
            yield from walk(inner, path + (number,))


def references():
    return [(path, node["$ref"]) for path, node in walk(DOCUMENT)
            if isinstance(node, dict) and isinstance(node.get("$ref"), str)]


def response_of(operation, status):
    return contract.resolve(DOCUMENT, operation.spec["responses"][status])


# ------------------------------------------------------------ well-formed --

class NoDuplicates(yaml.SafeLoader):
    """Refuses a mapping that has a key twice."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        assert not twice, "%s: twice: %s" % (node.start_mark, sorted(twice))
        return super().construct_mapping(node, deep)


def test_no_key_stands_twice():
    with open(contract.OPENAPI, encoding="utf-8") as file:
        assert yaml.load(file, Loader=NoDuplicates) == DOCUMENT


def test_structure():
    errors = jsonschema.Draft202012Validator(OPENAPI).iter_errors(DOCUMENT)
    faults = ["%s: %s" % (e.json_path, e.message[:200]) for e in errors]
    assert not faults, "\n".join(faults)


def test_every_schema_is_a_schema():
    for path, node in walk(DOCUMENT):
        if path and path[-1] == "schema" or path[:-1] == ("components",
                                                          "schemas"):
            jsonschema.Draft202012Validator.check_schema(node)


def test_references_resolve_and_fit():
    for path, ref in references():
        target = DOCUMENT
        for part in ref.removeprefix("#/").split("/"):
            assert part in target, "%s: no %s" % ("/".join(map(str, path)), ref)
            target = target[part]
        kind = ref.split("/")[2]
        wanted = "schemas"
        if "schemas" not in path and "schema" not in path:
            place = next(p for p in reversed(path) if p in KIND_OF_PLACE)
            wanted = KIND_OF_PLACE[place]
        assert kind == wanted, "%s names a %s" % (path, kind)


def test_every_component_is_used():
    used = {ref for _, ref in references()}
    unused = ["%s/%s" % (kind, name)
              for kind, named in COMPONENTS.items() if kind != "securitySchemes"
              for name in named
              if "#/components/%s/%s" % (kind, name) not in used]
    assert not unused


# ------------------------------------------------------------- operations --

def test_operation_ids_are_unique():
    found = ids(OPERATIONS)
    assert len(found) == len(set(found))


def test_tags_are_declared_and_used():
    declared = [tag["name"] for tag in DOCUMENT["tags"]]
    assert len(declared) == len(set(declared))
    assert {o.spec["tags"][0] for o in OPERATIONS} == set(declared)


def test_paths_are_regular():
    shapes = {}
    for path in DOCUMENT["paths"]:
        if path.startswith("/api"):
            assert path.endswith("/"), path
        else:
            assert path.startswith("/media/") or path in (
                "/", "/healthz", "/metrics", "/readyz"), path
        shape = re.sub(r"\{\w+\}", "{}", path)
        assert shape not in shapes, "%s and %s" % (path, shapes[shape])
        shapes[shape] = path


@pytest.mark.parametrize("operation", OPERATIONS, ids=ids(OPERATIONS))
def test_parameters(operation):
    names = [(p["in"], p["name"]) for p in operation.parameters]
    assert len(names) == len(set(names)), "a parameter stands twice"
    in_path = {name for place, name in names if place == "path"}
    assert in_path == set(re.findall(r"\{(\w+)\}", operation.path))
    for parameter in operation.parameters:
        if parameter["in"] == "path":
            assert parameter.get("required") is True
        is_list = parameter["schema"].get("type") == "array"
        assert is_list == parameter["name"].endswith("[]"), parameter["name"]


@pytest.mark.parametrize("operation", BY_PROGRAM, ids=ids(BY_PROGRAM))
def test_statuses_are_complete(operation):
    has = set(operation.spec["responses"])
    wanted = {"400", "405"}
    if "operations" not in operation.spec["tags"]:
        wanted |= {"429", "503"}
    if operation.guard != "PUBLIC":
        wanted.add("401")
    if operation.guard == "VERIFIED":
        wanted.add("403")
    if "{" in operation.path:
        wanted.add("404")
    if operation.method in WRITING:
        wanted.add("413")
    content = operation.spec.get("requestBody", {}).get("content", {})
    assert not wanted - has, "missing"
    assert ("415" in has) == ("multipart/form-data" in content)
    assert ("403" in has) == (operation.guard == "VERIFIED")
    assert "204" not in has and "500" not in has
    assert any(s.startswith(("2", "302")) for s in has)


@pytest.mark.parametrize("operation", OPERATIONS, ids=ids(OPERATIONS))
def test_etag_and_304_go_together(operation):
    responses = operation.spec["responses"]
    answers = [s for s in responses if s.startswith("2")]
    tagged = [s for s in answers
              if "ETag" in response_of(operation, s).get("headers", {})]
    if operation.method == "GET" or "admin" not in operation.spec["tags"]:
        assert bool(tagged) == ("304" in responses)
    else:  # a change answers with the document and its tag
        assert "304" not in responses
        tagged = []
    if tagged:
        assert operation.method == "GET"


@pytest.mark.parametrize("operation", BY_PROGRAM, ids=ids(BY_PROGRAM))
def test_errors_tell_what_is_wrong(operation):
    for status in operation.spec["responses"]:
        if int(status) < 400:
            continue
        content = response_of(operation, status)["content"]
        assert "application/json" in content
        if "operations" not in operation.spec["tags"]:
            assert "application/problem+json" in content, status
        for media in content.values():
            branches = list(JUDGE.branches(media["schema"]))
            assert any("error" in b.get("required", ()) for b in branches)
            assert any(b.get("additionalProperties") for b in branches)


def test_waiting_is_said_in_seconds():
    for operation in BY_PROGRAM:
        for status in ("429", "503"):
            if status in operation.spec["responses"]:
                headers = response_of(operation, status)["headers"]
                assert "Retry-After" in headers, (operation.id, status)


def test_bodies_take_json():
    for operation in OPERATIONS:
        if "requestBody" in operation.spec:
            assert operation.method in WRITING
            # A DELETE may have its input in the query instead.
            assert operation.spec["requestBody"]["required"] is (
                operation.method != "DELETE" or operation.id != "friend_remove")
            assert "application/json" in \
                operation.spec["requestBody"]["content"]


def test_answers_may_grow():
    """A closed answer would make every new key a break of the contract."""
    for path, node in walk(COMPONENTS["schemas"]):
        if isinstance(node, dict) and "properties" not in path[-1:]:
            assert node.get("additionalProperties") is not False, path
            assert node.get("unevaluatedProperties") is not False, path


def test_what_is_required_is_described():
    for path, node in walk(COMPONENTS["schemas"]):
        if isinstance(node, dict) and isinstance(node.get("required"), list):
            missing = set(node["required"]) - set(node.get("properties", {}))
            assert not missing, "%s: %s" % (path, missing)


# --------------------------------------------------------------- examples --

def examples():
    """Every example with the schema it has to obey."""
    for path, node in walk(DOCUMENT):
        if not isinstance(node, dict):
            continue
        name = "/".join(map(str, path))
        if "schema" in node and "example" in node:
            yield pytest.param(node["schema"], node["example"], id=name)
        if isinstance(node.get("examples"), list):
            for example in node["examples"]:
                yield pytest.param(node, example, id=name)


@pytest.mark.parametrize("schema, example", examples())
def test_examples_obey_their_schema(schema, example):
    faults = JUDGE.faults(schema, example)
    faults += ["%s is not documented" % where
                   for where in JUDGE.unknown(schema, example)]
    assert not faults


# ------------------------------------------------------------------ words --

FOREIGN = re.compile(
    r"\b(originals?|inferred|published|framework|django|known client|"
    r"web client|release read|faults?|drf|redis|todo|fixme)\b|\[doc\]|/work",
    re.IGNORECASE)


def texts():
    for path, node in walk(DOCUMENT):
        if isinstance(node, str):
            yield "/".join(map(str, path)), node
        for key in path[-1:]:
            if isinstance(key, str):
                yield "/".join(map(str, path)), key


def test_the_document_speaks_of_this_program_alone():
    found = ["%s: %s" % (where, FOREIGN.search(text).group())
             for where, text in texts() if FOREIGN.search(text)]
    comments = [line for line in
                contract.OPENAPI.read_text(encoding="utf-8").splitlines()
                if line.lstrip().startswith("#") and FOREIGN.search(line)]
    assert not found + comments


def test_descriptions_are_sentences():
    for path, node in walk(DOCUMENT):
        if path[-1:] != ("description",) or {"example", "examples"} & set(path) \
                or not isinstance(node, str):
            continue
        assert node.strip().endswith((".", "?", "`")), path


def test_operations_of_the_merged_contract_are_all_there():
    """Everything the front end calls, by method and path."""
    here = {(o.method, o.path) for o in OPERATIONS}
    for line in FRONT_END.split("\n"):
        if line.strip():
            method, path = line.split()
            assert (method, "/api" + path) in here, line


FRONT_END = """
POST /auth/login/
POST /auth/signup/
POST /oauth/google/
POST /auth/refresh/
POST /auth/verify/
POST /auth/resend-verification-email/
POST /auth/logout/
GET /auth/forgot-password/
POST /auth/forgot-password/
POST /users/onboarding/
GET /users/preferred-language/
POST /users/preferred-language/
GET /users/
PUT /users/
GET /users/{username}/
GET /users/{username}/reviews/
GET /users/{username}/friends/
GET /users/friend-requests/
POST /users/{username}/friend-requests/
DELETE /users/{username}/friend-requests/
DELETE /users/friends/
GET /users/suggested-users/
GET /users/searching/
GET /users/{username}/translations/
GET /movies/
GET /movies/{movie}/
GET /movies/searching/
POST /movies/{movie}/ratings/
PUT /movies/{movie}/ratings/
GET /movies/{movie}/ratings/
POST /movies/{movie}/unseen/
DELETE /movies/{movie}/unseen/
GET /movies/{movie}/friends-ratings/
GET /movies/{movie}/reviews/
POST /movies/{movie}/reviews/
GET /reviews/{review}/
PUT /reviews/{review}/
DELETE /reviews/{review}/
GET /movies/{movie}/movie-lists/
GET /reviews/{review}/comments/
POST /reviews/{review}/comments/
GET /reviews/{review}/comments/{comment}/replies/
POST /reviews/{review}/comments/{comment}/replies/
GET /reviews/{review}/reactions/
POST /reviews/{review}/reactions/
DELETE /reviews/{review}/reactions/{reaction}/
GET /reviews/{review}/comments/{comment}/reactions/
POST /reviews/{review}/comments/{comment}/reactions/
DELETE /reviews/{review}/comments/{comment}/reactions/{reaction}/
GET /reviews/{review}/translations/
GET /reviews/{review}/comments/{comment}/translations/
GET /movies-lists/{username}/
POST /movies-lists/
GET /movies-lists/{username}/{list}/
PUT /movies-lists/{username}/{list}/
DELETE /movies-lists/{username}/{list}/
POST /movies-lists/{username}/{list}/{movie}/
DELETE /movies-lists/{username}/{list}/{movie}/
GET /movies-lists/searching/
GET /movies-lists/{username}/{list}/movies/searching/
GET /persons/{person}/
GET /persons/{person}/acted-movies/
GET /persons/{person}/directed-movies/
GET /persons/searching/
GET /actors/
GET /directors/
GET /genres/
GET /platforms/
GET /awards/
GET /awards/{award}/
"""
