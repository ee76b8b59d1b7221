# SPDX-License-Identifier: GPL-3.0-or-later
"""User names of all sorts in every path that has one."""

import pathlib
import sys
from urllib.parse import quote

import pytest

from people import account

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "t/lint"))
import routes  # noqa: E402

ROWS = {(row.method, row.path)
        for row in routes.parse((TREE / "src/routes.def").read_text())
        if "{username}" in row.path}


@pytest.mark.parametrize("spell", [
    lambda name: name, lambda name: quote(name, safe=""),
    lambda name: "".join(f"%{b:02X}" for b in name.encode())])
@pytest.mark.parametrize("name", ["info@example.org", "a+b", ".hidden", "...",
                                  "..x", "-", "_", "Zo\u00eb"])
def test_a_name_is_reachable_in_every_path(stack, ana, name, spell):
    """By its owner and by others, and by the addresses that answers show."""
    account(stack, name)
    called, me = set(), stack.client(name)

    def send(who, method, path, body=None, status=200):
        where = path.replace("N/", spell(name) + "/", 1)
        r = who.request(method, "/api" + where, json=body)
        assert r.status_code == status, (method, where, r.text)
        row = path.replace("N/", "{username}/", 1).replace(
            "/l/", "/{list}/").replace("heat", "{movie}")
        assert (method, row) in ROWS, row
        called.add((method, row))
        return r.json() if r.content else None

    try:
        mine = {"name": "l", "description": "", "privacity": "P"}
        made = me.post("/api/movies-lists/", mine).json()
        review = me.post("/api/movies/heat/reviews/", {
            "title": "t", "content": "c", "is_positive": True}).json()
        here = "/movies-lists/N/l/"
        send(me, "POST", here + "heat/")
        assert send(ana, "GET", here)["movies"]
        assert send(ana, "GET", "/movies-lists/N/")["count"] == 1
        assert send(ana, "GET", here + "movies/searching/")["count"] == 1
        send(ana, "DELETE", here, status=403)
        send(ana, "PUT", here, mine, status=403)
        send(me, "PUT", here, mine)
        send(me, "DELETE", here + "heat/")
        send(me, "DELETE", here)
        assert send(ana, "GET", "/users/N/reviews/")["count"] == 1
        for who in (ana, me):
            assert send(who, "GET", "/users/N/")["username"] == name
            for path in ("friends/", "friends/searching/", "translations/"):
                send(who, "GET", "/users/N/" + path)
        send(ana, "POST", "/users/N/friend-requests/")
        send(ana, "DELETE", "/users/N/friend-requests/")
        me.post("/api/users/ana/friend-requests/")
        [asked] = [q for q in ana.get("/api/users/friend-requests/?limit=100"
                                      ).json()["results"]
                   if q["from_user"] == made["user"]]
        for shown in (made["user"], review["user"], asked["from_user"]):
            r = ana.get(shown.removeprefix(stack.tls_url))
            assert r.json()["username"] == name
        assert called == ROWS
    finally:
        stack.sql("DELETE FROM account WHERE username = %s", [name])
        stack.touched()
