#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns doc/openapi.yaml and doc/page/ into what the program carries.

    generate.py SOURCE OUT

SOURCE is this folder.  Into OUT go

    openapi.json    the description as JSON
    docs.html       the page, with its style and script inside
    schema.def      both and the YAML as C arrays, with their entity tags and
                    the content security policy of the page; src/api/schema.c
                    includes it

An operation that has no row in ../src/routes.def is left out, and so are the tags
and components that nothing else uses: what is served describes what is built.

The page allows exactly the style and the script that were put into it, by
their digests.  Needs python3 and python3-yaml, nothing else, and writes the
same bytes whenever it is given the same files.
"""

import base64
import hashlib
import json
import re
import sys
from pathlib import Path

import yaml

METHODS = ("get", "put", "post", "delete", "patch")
STYLES = ("../../admin/base.css", "page.css")
SCRIPTS = ("tools.js", "schemas.js", "calls.js", "account.js", "page.js")

POLICY = ("default-src 'none'; script-src {script}; style-src {style}; "
          "connect-src 'self'; img-src data:; base-uri 'none'; "
          "form-action 'none'; frame-ancestors 'none'")


def digest(text):
    """The source expression that allows an inline text."""
    found = hashlib.sha256(text.encode()).digest()
    return "'sha256-%s'" % base64.b64encode(found).decode()


def shrink(text, comment):
    """Leaves comment lines, blank lines and indentation out."""
    lines = [line.strip() for line in comment.sub("", text).splitlines()]
    return "\n" + "\n".join(line for line in lines if line) + "\n"


def joined(folder, names):
    return "\n".join((folder / name).read_text(encoding="utf-8")
                     for name in names)


def page(folder):
    """The page and the policy that goes with it."""
    html = (folder / "page.html").read_text(encoding="utf-8")
    style = shrink(joined(folder, STYLES), re.compile(r"/\*.*?\*/", re.DOTALL))
    script = shrink(joined(folder, SCRIPTS),
                    re.compile(r"^\s*//.*$", re.MULTILINE))
    script = '\n"use strict";\n(() => {' + script + "})();\n"
    html = re.sub(r"<!--.*?-->\n?", "", html, flags=re.DOTALL)
    for mark, text in (("/*STYLE*/", style), ("/*SCRIPT*/", script)):
        assert html.count(mark) == 1, mark
        assert "</script" not in text and "</style" not in text
        html = html.replace(mark, text)
    return html, POLICY.format(script=digest(script), style=digest(style))


def built(routes):
    """The operations of the route table, as (method, path)."""
    rows = re.findall(r'^(?:ROUTE(_TOP)?|SEARCH|WRITE)\((\w+),\s*"([^"]+)"', routes,
                      re.MULTILINE)
    return {(method.lower(), path if top else "/api" + path)
            for top, method, path in rows}


def references(node):
    """The components that a part of the document names, as (kind, name)."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield tuple(node["$ref"].split("/")[2:])
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


def served(document, rows):
    """What stays of the document: the entries to keep, as tuples of keys."""
    keep, tags = set(), set()
    found = []
    for path, item in document["paths"].items():
        shared = {k: v for k, v in item.items() if k not in METHODS}
        for method in item.keys() & set(METHODS):
            spec = item[method]
            if (method, path) not in rows and "x-served-by" not in spec:
                continue
            keep |= {("paths", path), ("paths", path, method)}
            keep |= {("paths", path, key) for key in shared}
            tags |= set(spec["tags"])
            found += [*references(spec), *references(shared)]
    keep |= {("tags", tag, *more) for tag in tags
             for more in ((), ("description",))}
    while found:
        kind, name = found.pop()
        if ("components", kind, name) not in keep:
            keep |= {("components", kind), ("components", kind, name)}
            found += references(document["components"][kind][name])
    keep |= {("components", "securitySchemes", name)
             for name in document["components"]["securitySchemes"]}
    keep.add(("components", "securitySchemes"))
    return keep


def without(text, keep):
    """The text without the entries of paths, tags and components that are not
    to be kept.  An entry ends where the next one of its depth begins."""
    lines, place, comments = [], (), []
    for line in text.splitlines(keepends=True):
        if re.match(r" *#", line) and place[:1] != ("info",):
            comments.append(line)  # belongs to what follows
            continue
        key = re.match(r"( {0,4})(?:- name: )?([^\s#][^\s]*?):?\s", line)
        if key and len(key[1]) % 2 == 0 and place[:1] != ("info",) or \
                key and not key[1]:
            place = place[:len(key[1]) // 2] + (key[2],)
        if place[:1] not in (("paths",), ("tags",), ("components",)) or \
                len(place) == 1 or place in keep:
            lines += comments + [line]
        comments = []
    return "".join(lines)


def array(name, data):
    """A C array; string literals of this length are not portable."""
    rows = [",".join(map(str, data[at:at + 24]))
            for at in range(0, len(data), 24)]
    tag = hashlib.sha256(data).hexdigest()[:24]
    return ("static const unsigned char %s[] = {\n%s\n};\n"
            "#define %s_ETAG \"\\\"%s\\\"\"\n" % (
                name, ",\n".join(rows), name.upper(), tag))


def main(source, out):
    source, out = Path(source), Path(out)
    text = (source / "openapi.yaml").read_text(encoding="utf-8")
    rows = built((source / "../src/routes.def").read_text(encoding="utf-8"))
    text = without(text, served(yaml.safe_load(text), rows))
    document = yaml.safe_load(text)
    as_json = json.dumps(document, ensure_ascii=False,
                         separators=(",", ":")) + "\n"
    html, policy = page(source / "page")
    out.mkdir(parents=True, exist_ok=True)
    (out / "openapi.json").write_text(as_json, encoding="utf-8")
    (out / "docs.html").write_text(html, encoding="utf-8")
    unfinished = out / "schema.def.tmp"
    unfinished.write_text(
        "/* Made by doc/generate.py. */\n"
        + array("openapi_yaml", text.encode())
        + array("openapi_json", as_json.encode())
        + array("docs_html", html.encode())
        + "#define DOCS_POLICY \\\n\t\"%s\"\n" % policy, encoding="utf-8")
    unfinished.replace(out / "schema.def")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: generate.py SOURCE OUT")
    main(*sys.argv[1:])
