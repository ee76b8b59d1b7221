# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the editor (admin/): what a browser would load, without one."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

import contract  # noqa: E402

FOLDER = contract.TREE / "admin"
FILES = sorted(p for p in FOLDER.iterdir() if p.suffix != ".mk")
SCRIPTS = [p for p in FILES if p.suffix == ".js"]


def code(path):
    return re.sub(r"(?m)^\s*//.*", "", path.read_text())


def test_the_page_is_small():
    assert sum(p.stat().st_size for p in FILES) < 100 * 1024


def test_all_files_are_installed():
    listed = re.findall(r"admin/(\S+)", (FOLDER / "local.mk").read_text())
    assert set(listed) - {"(nginx/mxm-admin.conf)."} >= {p.name for p in FILES}
    types = (contract.TREE / "nginx/mxm-admin.conf").read_text()
    types = re.search(r"types \{(.*?)\}", types, re.S)[1]
    assert {p.suffix[1:] for p in FILES} <= set(re.findall(r"(\w+);", types))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_texts_enter_as_text_only(path):
    """The policy of the page refuses the same; this finds it earlier."""
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|"
        r"new Function|localStorage|document\.cookie|\.style\b|setAttribute\("
        r"\"(?:on|style)", code(path))
    assert not re.search(r"https?://", code(path))
    for module in re.findall(r'^import .*?from\s+"(.*?)";', code(path),
                             re.M | re.S):
        assert module.startswith("./") and (FOLDER / module).is_file()


def test_the_frame_has_no_script_and_no_style():
    page = (FOLDER / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=", page)
    assert all(not target.startswith(("http", "//"))
               for target in re.findall(r'(?:src|href)="(.*?)"', page))
    style = (FOLDER / "style.css").read_text()
    assert "url(" not in style and "@import" not in style


def test_every_text_exists_and_is_used():
    texts = (FOLDER / "texts.js").read_text()
    known = re.findall(r'^\t"([^"]+)":', texts, re.M)
    assert len(known) == len(set(known))
    source = "".join(code(p) for p in SCRIPTS if p.name != "texts.js")
    # any word in quotes may be a key: t(gone ? "restore" : "remove")
    words = set(re.findall(r'"([^"\n]*)"', source))
    prefixes = {w for w in words if w.endswith(".")} | {"gender.", "privacy.",
                                                        "category."}
    for key in known:
        assert key in words or any(key.startswith(p) for p in prefixes), key
    for key in re.findall(r'\bt\("([^"]+)"[,)]', source):
        assert key in known, key
    fields = set(re.findall(r'(?:name: |links\()"(\w+)"',
                            code(FOLDER / "kinds.js")))
    assert fields > {"title", "actors"}
    for field in fields:
        assert "field." + field in known, field
    for field in re.findall(r'name: "(\w+)"[^}]*help: true',
                            code(FOLDER / "kinds.js")):
        assert "help." + field in known, field
