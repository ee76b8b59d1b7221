# SPDX-License-Identifier: GPL-3.0-or-later
"""mxmctl movie, person, genre …: documents in and out, settings by --set, what is
refused, and that a change is seen in the API when the command returns."""

import json
import os

import pytest

import stack as stack_module
from pictures import corners, encoded, files_of

WORLD = "catalogue"
KINDS = ("movie", "person", "genre", "platform", "award", "review", "comment",
         "list")


def run(stack, *arguments, stdin="", check=True):
    return stack_module.ctl(stack.conf, list(arguments), check, stdin=stdin)


def shown(stack, kind, thing):
    return json.loads(run(stack, kind, "show", "--json", thing).stdout)


def refused(done, *texts, status=os.EX_DATAERR):
    assert done.returncode == status, done.stderr
    assert not done.stdout
    for text in texts:
        assert text in done.stderr


def entries(stack):
    return stack.value("SELECT count(*) FROM audit")


def test_a_document_goes_round(stack):
    """show --json | edit - changes nothing and logs nothing."""
    before = entries(stack)
    for kind in KINDS:
        rows = json.loads(run(stack, kind, "list", "--json", "--removed", "all",
                              "--limit", "10").stdout)
        for row in rows[:3]:
            text = run(stack, kind, "show", "--json", f"id={row['id']}").stdout
            done = run(stack, kind, "edit", "--json", f"id={row['id']}", "-",
                       stdin=text)
            assert done.stdout == text
    assert entries(stack) == before


def test_a_copy_of_a_movie(stack, tmp_path):
    document = shown(stack, "movie", "heat")
    del document["slug"]
    file = tmp_path / "movie.json"
    file.write_text(json.dumps(document))
    made = json.loads(run(stack, "movie", "add", "--json", "--set",
                          "title=Heat II", str(file)).stdout)
    assert made["slug"] == "heat-ii"
    assert made["id"] != document["id"]
    for key in document.keys() - {"title", "id", "created_at", "updated_at"}:
        assert made[key] == document[key]
    run(stack, "movie", "remove", "heat-ii")
    run(stack, "movie", "purge", "heat-ii")


def test_settings(stack):
    made = json.loads(run(
        stack, "movie", "add", "--json", "--set", "title=Set", "--set",
        "popularity=2.5", "--set", "genres=drama,crime", "--set",
        "release_date=1999-01-02", "--set", "translations.es.title=Puesta",
        "--set", "sources.imdb=tt7", "--set", "synopsis=a=b, c").stdout)
    assert (made["popularity"], made["genres"]) == (2.5, ["crime", "drama"])
    assert made["translations"]["es"]["title"] == "Puesta"
    assert made["sources"] == {"imdb": "tt7"} and made["synopsis"] == "a=b, c"
    assert run(stack, "movie", "edit", "set", "--set", "genres=", "--set",
               "release_date=", "--set", "translations.es=", "--set",
               "synopsis=").stdout == f"{made['id']} edited\n"
    now = shown(stack, "movie", f"id={made['id']}")
    assert (now["genres"], now["release_date"], now["translations"],
            now["synopsis"]) == ([], None, {}, "")
    for kind, name, value in (("movie", "title", ""), ("movie", "x.y.z", "1"),
                              ("movie", "popularity", "much"),
                              ("movie", "translations.es.", "x"),
                              ("movie", ".", "x"),
                              ("movie", "genres", "drama,,nothing")):
        done = run(stack, kind, "edit", "set", "--set", f"{name}={value}",
                   check=False)
        refused(done, f"mxmctl movie edit: {name.split('.')[0]}")
    run(stack, "movie", "remove", "set")
    run(stack, "movie", "purge", "set")


def test_the_life_of_a_genre(stack, ana):
    genres = ana.get("/api/genres/").json()
    number = run(stack, "genre", "add", "--set",
                 "name=Western").stdout.removesuffix(" added\n")
    assert "western" in ana.get("/api/genres/").text
    text = run(stack, "genre", "show", "western").stdout
    assert f"id            {number}\nslug          western\n" in text
    run(stack, "genre", "edit", "western", "--set", "name=Westerns")
    assert "Westerns" in ana.get("/api/genres/").text
    refused(run(stack, "genre", "purge", "western", check=False),
            "Only what has been removed")
    assert run(stack, "genre", "remove", "western").stdout == \
        f"{number} removed\n"
    assert ana.get("/api/genres/").json() == genres
    assert "western" not in run(stack, "genre", "list").stdout
    assert run(stack, "genre", "list", "--removed", "yes", "WEST").stdout.split(
        )[:3] == [number, "removed", "western"]
    run(stack, "genre", "restore", "western")
    assert "Westerns" in ana.get("/api/genres/").text
    run(stack, "genre", "remove", "western")
    assert json.loads(run(stack, "genre", "purge", "--json", "western").stdout
                      ) == {"id": int(number)}
    refused(run(stack, "genre", "show", "western", check=False),
            'not found: "western"')
    rows = stack.sql("SELECT action, origin, user_id, request_id FROM audit"
                     " WHERE kind = 'genre' AND thing_id = %s ORDER BY id",
                     [number])
    assert [row[0] for row in rows] == ["add", "edit", "remove", "restore",
                                        "remove", "purge"]
    assert {row[1:] for row in rows} == {("mxmctl", None, None)}


def test_which_thing(stack):
    """By slug, number, id=, and of a list USER/SLUG."""
    heat = shown(stack, "movie", "heat")
    assert shown(stack, "movie", heat["id"]) == heat
    stack.sql("INSERT INTO movie (slug, title) VALUES (%s, 'Number')",
              [str(heat["id"])])
    assert shown(stack, "movie", heat["id"])["title"] == "Number"
    assert shown(stack, "movie", f"id={heat['id']}") == heat
    stack.sql("DELETE FROM movie WHERE title = 'Number'")
    for user in ("bob", "carla"):
        run(stack, "list", "add", "--set", f"user={user}", "--set",
            "name=Twins")
    refused(run(stack, "list", "show", "twins", check=False), "of several")
    run(stack, "list", "remove", "bob/twins")
    assert shown(stack, "list", "twins")["user"] == "carla"
    assert shown(stack, "list", "bob/twins")["user"] == "bob"
    run(stack, "list", "add", "--set", "user=bob", "--set", "name=Twins")
    assert shown(stack, "list", "bob/twins")["deleted_at"] is None
    refused(run(stack, "list", "show", "ana/twins", check=False), "not found")
    for word in ("", "id=", "id=x", "99999999999999999999", "%", "a/b/c"):
        refused(run(stack, "movie", "show", word, check=False), "not found")


@pytest.mark.parametrize("text, message", [
    ("", "Expecting value"), ("[]", "Expecting an object"), ("{", "Expecting"),
    ('{"name": "a", "name": "b"}', "twice"), ('{"name": "\\u0000"}', "NUL"),
    ('{"nam": "a"}', "nam: There is no field “nam”."),
    ('{"name": "Drama"}', "name: This value is already taken."),
    ('{"name": 5}', "name: This value must be text."),
    ("{" + '"translations": {"es": {"a": [' * 10, "Expecting")])
def test_what_is_refused(stack, text, message):
    before = entries(stack)
    refused(run(stack, "genre", "add", "-", stdin=text, check=False), message)
    assert entries(stack) == before


def test_usage(stack):
    for arguments, text in (
            (("edit", "heat"), "nothing to change"),
            (("add", "--set", "title"), '"title" is not FIELD=VALUE'),
            (("add", "--set", "=x"), '"=x" is not FIELD=VALUE'),
            (("list", "--limit", "0"), "not a number from 1 to"),
            (("list", "--removed", "maybe"), "none of no|yes|all"),
            (("show",), "missing operand")):
        refused(run(stack, "movie", *arguments, check=False), text,
                status=os.EX_USAGE)
    refused(run(stack, "movie", "add", "/nonexistent", check=False),
            "No such file", status=os.EX_NOINPUT)


def test_a_list_of_many_movies(stack):
    """More than a request may have."""
    stack.sql("INSERT INTO movie (slug, title) SELECT 'm' || i, 'M' || i"
              "  FROM generate_series(1, 3000) AS i")
    slugs = [f"m{i}" for i in range(3000, 0, -1)]
    done = run(stack, "list", "add", "--json", "-", stdin=json.dumps(
        {"user": "ana", "name": "Long", "movies": slugs}))
    assert json.loads(done.stdout)["movies"] == slugs
    again = run(stack, "list", "edit", "--json", "ana/long", "-",
                stdin=done.stdout)
    assert again.stdout == done.stdout
    stack.sql("DELETE FROM movie WHERE title ~ '^M[0-9]+$'")


def test_pictures(stack, tmp_path):
    file = tmp_path / "cover.png"
    file.write_bytes(encoded(corners()))
    done = run(stack, "movie", "picture", "--json", "heat", str(file))
    stored = json.loads(done.stdout)["cover"]
    assert all(f.exists() for f in files_of(stack, stored))
    done = run(stack, "movie", "picture", "--json", "--language", "es", "heat",
               str(file))
    assert json.loads(done.stdout)["translations"]["es"]["image"] == stored
    run(stack, "movie", "picture", "--default", "--language", "es", "heat")
    run(stack, "movie", "picture", "--default", "heat")
    assert shown(stack, "movie", "heat")["cover"] is None
    file.write_bytes(b"no picture")
    refused(run(stack, "movie", "picture", "heat", str(file), check=False),
            "picture: Upload a JPEG")
    for arguments in (("heat",), ("--default", "heat", str(file))):
        refused(run(stack, "movie", "picture", *arguments, check=False),
                "either FILE or --default", status=os.EX_USAGE)


def test_the_audit_log(stack):
    number = run(stack, "genre", "add", "--set",
                 "name=Musical").stdout.split()[0]
    run(stack, "genre", "edit", "musical", "--set", "name=Musicals")
    entry, first = json.loads(run(stack, "audit", "--json", "--kind", "genre",
                                  "--id", number).stdout)
    assert (entry["action"], entry["origin"], entry["username"]) == (
        "edit", "mxmctl", None)
    assert (entry["before"], entry["after"]) == ({"name": "Musical"},
                                                 {"name": "Musicals"})
    assert first["before"] is None and first["after"]["slug"] == "musical"
    line = run(stack, "audit", "--limit", "1").stdout
    assert line.split()[1:] == ["mxmctl", "edit", "genre", number, "Musicals"]
    assert run(stack, "audit", "--user", "nobody").stdout == ""
    for option in ("--id", "--limit"):
        refused(run(stack, "audit", option, "0", check=False), option,
                status=os.EX_USAGE)
    refused(run(stack, "audit", "--kind", "films", check=False), "none of",
            status=os.EX_USAGE)
