# SPDX-License-Identifier: GPL-3.0-or-later
"""What doc/generate.py makes: the page and the description the program
carries."""

import base64
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

import contract  # noqa: E402

GENERATE = contract.TREE / "doc" / "generate.py"


def generate(folder):
    subprocess.run(["/usr/bin/python3", str(GENERATE),
                    str(contract.TREE / "doc"), str(folder)], check=True)
    return {p.name: p.read_text(encoding="utf-8") for p in folder.iterdir()}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return generate(tmp_path_factory.mktemp("made"))


def test_the_json_says_the_same(made):
    assert json.loads(made["openapi.json"]) == contract.load_built()


def test_nothing_is_left_that_nothing_uses(made):
    built = json.loads(made["openapi.json"])
    used = set(re.findall(r'"\$ref":"#/components/(\w+)/(\w+)"',
                          made["openapi.json"]))
    assert used == {(kind, name) for kind, named in built["components"].items()
                    for name in named if kind != "securitySchemes"}
    assert {t["name"] for t in built["tags"]} == {
        o.spec["tags"][0] for o in contract.operations(built)}
    assert all(t["description"] for t in built["tags"])
    assert len(contract.operations(built)) < len(contract.operations(
        contract.load())) or not contract.load_pending()


def test_it_is_the_same_each_time(made, tmp_path):
    assert generate(tmp_path) == made


def array(text, name):
    numbers = re.search(r"char %s\[\] = \{\n(.*?)\n\};" % name, text,
                        re.DOTALL).group(1)
    return bytes(int(n) for n in numbers.replace("\n", "").split(","))


def test_the_arrays_hold_the_files(made):
    c = made["schema.def"]
    assert array(c, "openapi_json") == made["openapi.json"].encode()
    assert array(c, "docs_html") == made["docs.html"].encode()
    assert yaml.safe_load(array(c, "openapi_yaml")) == contract.load_built()
    tags = re.findall(r'_ETAG "(.*)"', c)
    assert len(set(tags)) == 3
    assert all(re.fullmatch(r'\\"[0-9a-f]{24}\\"', t) for t in tags)


def test_the_policy_allows_what_is_inside_and_nothing_else(made):
    policy = re.search(r'DOCS_POLICY \\\n\t"(.*)"', made["schema.def"]).group(1)
    for tag, word in (("script", "script-src"), ("style", "style-src")):
        inside = re.findall("<%s>(.*?)</%s>" % (tag, tag), made["docs.html"],
                            re.DOTALL)
        assert len(inside) == 1
        digest = base64.b64encode(
            hashlib.sha256(inside[0].encode()).digest()).decode()
        assert "%s 'sha256-%s'" % (word, digest) in policy
    assert "default-src 'none'" in policy and "unsafe" not in policy


def test_the_page_needs_nothing_from_elsewhere(made):
    page = made["docs.html"]
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", page)
    assert not re.search(r"<[^>]*\s(on[a-z]+|style|src)=", page)
    assert not re.search(r"\b(innerHTML|outerHTML|insertAdjacentHTML|eval|"
                         r"document\.write|localStorage|sessionStorage)\b",
                         page)
    assert len(page.encode()) < 64 * 1024


def test_everything_to_fill_in_has_a_label(made):
    page = made["docs.html"]
    labels = set(re.findall(r'<label for="([\w-]+)"', page))
    controls = set(re.findall(r'<(?:input|select|textarea) id="([\w-]+)"',
                              page))
    assert controls and controls == labels
    assert '<html lang="en">' in page
