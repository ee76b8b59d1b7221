# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/sbom: the bill of materials of a build is valid SPDX 2.3 and names what
the package was built from."""

import hashlib
import json
import re
import subprocess
import sys

import pytest

from stack import ROOT

CONTROL = """Package: mxm-tiny
Version: 1:2.0~rc1-1
Architecture: all
Maintainer: A Maintainer <a@example.org>
Depends: libc6 (>= 2.36), other | libgsl27
Description: tiny
"""
BUILDINFO = """Format: 1.0
Source: mxm-tiny
Binary: mxm-tiny
Architecture: all amd64 source
Version: 1:2.0~rc1-1
Checksums-Sha256:
 {digest} {size} tiny.deb
Build-Date: Fri, 27 Nov 2026 12:00:00 +0100
Installed-Build-Depends:
 libc6 (= 2.36-9+deb12u10),
 libgsl27:amd64 (= 2.7.1+dfsg-5),
 g++-12 (= 12.2.0-14)
Environment:
 DEB_BUILD_OPTIONS="parallel=2"
"""
# Of the specification: what each of them must have.
NEEDS = {"document": {"spdxVersion", "dataLicense", "SPDXID", "name",
                      "documentNamespace", "creationInfo"},
         "package": {"SPDXID", "name", "downloadLocation"}}


@pytest.fixture
def build(tmp_path):
    (tmp_path / "tree/DEBIAN").mkdir(parents=True)
    (tmp_path / "tree/DEBIAN/control").write_text(CONTROL)
    (tmp_path / "tree").chmod(0o755)
    (tmp_path / "tree/DEBIAN").chmod(0o755)
    deb = tmp_path / "tiny.deb"
    subprocess.run(["dpkg-deb", "-b", tmp_path / "tree", deb], check=True,
                   capture_output=True)
    info = tmp_path / "tiny.buildinfo"
    info.write_text(BUILDINFO.format(
        digest=hashlib.sha256(deb.read_bytes()).hexdigest(),
        size=deb.stat().st_size))
    return info


def sbom(info):
    return subprocess.run([sys.executable, ROOT / "tools/sbom", info],
                          capture_output=True, text=True)


def test_it_is_spdx(build):
    done = sbom(build)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["spdxVersion"] == "SPDX-2.3" and NEEDS["document"] <= set(found)
    assert found["creationInfo"]["created"] == "2026-11-27T11:00:00Z"
    names = [p["SPDXID"] for p in found["packages"]]
    assert len(set(names)) == len(names)
    for package in found["packages"]:
        assert NEEDS["package"] <= set(package)
        assert re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", package["SPDXID"])
        for reference in package["externalRefs"]:
            assert re.fullmatch(r"pkg:deb/debian/\S+@\S+\?arch=\w+",
                                reference["referenceLocator"])
    for link in found["relationships"]:
        assert {link["spdxElementId"], link["relatedSpdxElement"]} <= set(names)


def test_it_names_what_was_used(build):
    found = json.loads(sbom(build).stdout)
    tiny = next(p for p in found["packages"] if p["name"] == "mxm-tiny"
                and "checksums" in p)
    assert found["documentDescribes"] == [tiny["SPDXID"]]
    by_id = {p["SPDXID"]: p["name"] for p in found["packages"]}
    links = {(r["relationshipType"], by_id[r["relatedSpdxElement"]])
             for r in found["relationships"]
             if r["spdxElementId"] == tiny["SPDXID"]}
    assert links == {("GENERATED_FROM", "mxm-tiny"), ("DEPENDS_ON", "libc6"),
                     ("DEPENDS_ON", "libgsl27")}
    assert {by_id[r["spdxElementId"]] for r in found["relationships"]
            if r["relationshipType"] == "BUILD_DEPENDENCY_OF"} == {
                "libc6", "libgsl27", "g++-12"}


def test_the_same_build_gives_the_same_text(build):
    assert sbom(build).stdout == sbom(build).stdout


def test_another_package_is_refused(build):
    build.with_name("tiny.deb").write_bytes(b"another")
    assert sbom(build).returncode != 0
