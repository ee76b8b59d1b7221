# SPDX-License-Identifier: GPL-3.0-or-later
"""mxmctl movie, person, genre …: documents in and out, settings by --set, what is
refused, and that a change is seen in the API when the command returns."""

import json
import os
import pwd

import pytest

import stack as stack_module
from people import account
from pictures import corners, encoded, files_of

WORLD = "catalogue"
JOURNEY = stack_module.ROOT / "t/fixtures/audit-journey.jsonl"
KINDS = ("movie", "person", "genre", "platform", "award", "review", "comment",
         "list")


def run(stack, *arguments, stdin="", check=True, env=None):
    return stack_module.ctl(stack.conf, list(arguments), check, stdin=stdin,
                            env={**stack_module.environment(), **(env or {})})


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
        "popularity=2.5", "--set", "genres= drama, crime", "--set",
        "release_date=1999-01-02", "--set", "translations.es.title=Puesta",
        "--set", "sources.imdb=tt0000007", "--set", "synopsis=a=b, c").stdout)
    assert (made["popularity"], made["genres"]) == (2.5, ["crime", "drama"])
    assert made["translations"]["es"]["title"] == "Puesta"
    assert made["sources"] == {"imdb": "tt0000007"} and made["synopsis"] == "a=b, c"
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
    assert run(stack, "genre", "remove", "western").stdout == \
        f"{number} unchanged\n"
    run(stack, "genre", "restore", "western")
    assert "Westerns" in ana.get("/api/genres/").text
    run(stack, "genre", "remove", "western")
    assert json.loads(run(stack, "genre", "purge", "--json", "western").stdout
                      ) == {"id": int(number), "deleted_rows": {}}
    refused(run(stack, "genre", "show", "western", check=False),
            'not found: "western"', status=os.EX_NOINPUT)
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
    number = stack.value("SELECT id FROM movie WHERE title = 'Number'")
    refused(run(stack, "movie", "remove", str(heat["id"]), check=False),
            f'"{heat["id"]}" fits several: id={number}, id={heat["id"]}')
    stack.sql("UPDATE movie SET slug = %s WHERE id = %s",
              [f"id={heat['id']}", number])
    assert shown(stack, "movie", f"id={heat['id']}") == heat
    stack.sql("DELETE FROM movie WHERE title = 'Number'")
    for user in ("bob", "carla"):
        run(stack, "list", "add", "--set", f"user={user}", "--set",
            "name=Twins")
    refused(run(stack, "list", "show", "twins", check=False), "fits several")
    run(stack, "list", "remove", "bob/twins")
    assert shown(stack, "list", "twins")["user"] == "carla"
    assert shown(stack, "list", "bob/twins")["user"] == "bob"
    run(stack, "list", "add", "--set", "user=bob", "--set", "name=Twins")
    assert shown(stack, "list", "bob/twins")["deleted_at"] is None
    for kind, word in (("list", "ana/twins"), ("movie", ""), ("movie", "id="),
                       ("movie", "id=x"), ("movie", "99999999999999999999"),
                       ("movie", "%"), ("movie", "a/b/c")):
        refused(run(stack, kind, "show", word, check=False), "not found",
                status=os.EX_NOINPUT)


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
    for arguments, text in (
            (("add", "/nonexistent"), "/nonexistent: No such file"),
            (("add", "/tmp"), "/tmp: Is a directory"),
            (("edit", "heat", "/dev/zero"), "/dev/zero has more than")):
        refused(run(stack, "movie", *arguments, check=False), text,
                status=os.EX_NOINPUT)
    for arguments in (("edit", "heat", "--set", "title=\udcff"),
                      ("show", "\udcff"), ("list", "\udcff")):
        refused(run(stack, "movie", *arguments, check=False), "not UTF-8",
                status=os.EX_USAGE)


def test_a_document_that_was_changed_since(stack):
    text = run(stack, "movie", "show", "--json", "heat").stdout
    run(stack, "movie", "edit", "heat", "--set", "popularity=3.5")
    refused(run(stack, "movie", "edit", "heat", "-", stdin=text, check=False),
            "changed since you have read it", status=os.EX_TEMPFAIL)
    number = shown(stack, "movie", "heat")["id"]
    assert run(stack, "movie", "edit", "heat", "--set", "popularity=3.5"
               ).stdout == f"{number} unchanged\n"
    assert run(stack, "movie", "edit", "heat", "--set", "popularity=1"
               ).stdout == f"{number} edited\n"


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
    assert entry["os_user"] == pwd.getpwuid(os.getuid()).pw_name
    assert (entry["before"], entry["after"]) == ({"name": "Musical"},
                                                 {"name": "Musicals"})
    assert first["before"] is None and first["after"]["slug"] == "musical"
    line = run(stack, "audit", "--limit", "1").stdout
    assert line.split()[1:] == [f"mxmctl:{entry['os_user']}", "edit", "genre",
                                number, "Musicals"]
    for login, shown_as in (("daemon", "daemon"), ("no-such-login\n", None)):
        run(stack, "genre", "edit", "musical", "--set", f"name={len(login)}",
            env={"SUDO_USER": login})
        assert run(stack, "audit", "--limit", "1").stdout.split()[1] == \
            f"mxmctl:{shown_as or entry['os_user']}"
    assert run(stack, "audit", "--user", "nobody").stdout == ""
    for option in ("--id", "--limit"):
        refused(run(stack, "audit", option, "0", check=False), option,
                status=os.EX_USAGE)
    refused(run(stack, "audit", "--kind", "films", check=False), "none of",
            status=os.EX_USAGE)


# -- the audit log of a journey ------------------------------------------

def normalised(log):
    """One entry a line, the oldest first, without what differs between runs: times,
    request ids, numbers, logins and pictures are numbered as they are seen."""
    seen = {}

    def clean(kind, key, value):
        if isinstance(value, dict):
            return {k: clean(kind, k, v) for k, v in value.items()}
        word = ("time" if key == "at" or key.endswith("_at") else
                kind if key in ("id", "thing_id") else
                key if key in ("cover", "os_user", "request_id") else None)
        if word is None or value is None:
            return value
        values = seen.setdefault(word, [])
        if value not in values:
            values.append(value)
        return f"{word}-{values.index(value) + 1}"

    return "".join(json.dumps(
        {k: clean("entry" if k == "id" else entry["kind"], k, v)
         for k, v in entry.items()}, ensure_ascii=False) + "\n"
        for entry in reversed(json.loads(log)))


def test_the_audit_log_of_a_journey(stack, tmp_path):
    """Two of the staff by the API and one with mxmctl; what is refused, or changes
    nothing, is not in it."""
    last = stack.value("SELECT coalesce(max(id), 0) FROM audit")
    for login in ("vera", "max"):
        account(stack, login, staff=True)
    vera, max_ = stack.client("vera"), stack.client("max")
    movies = "/api/admin/movies/"
    genre = vera.post("/api/admin/genres/", {
        "name": "Heist", "translations": {"de": {"name": "Raubzug"}}}).json()
    person = vera.post("/api/admin/persons/", {
        "name": "Jules Dassin", "sources": {"imdb": "nm0202088"}}).json()
    made = vera.post(movies, {
        "title": "Rififi", "genres": ["heist"], "directors": ["jules-dassin"],
        "translations": {"fr": {"title": "Du rififi chez les hommes"}}})
    path, tag = f"{movies}{made.json()['id']}/", made.headers["ETag"]

    def patch(client, body):
        return client.request("PATCH", path, json=body, headers={"If-Match": tag})
    assert max_.post(movies, {"title": ""}).status_code == 400
    r = patch(max_, {"release_date": "1955-04-13", "popularity": 7.5})
    assert r.status_code == 200
    assert patch(vera, {"title": "Riffifi"}).status_code == 412
    tag = r.headers["ETag"]
    assert patch(vera, {"popularity": 7.5}).status_code == 200
    r = vera.request("PUT", f"{path}pictures/cover/", files={
        "picture": ("x.png", encoded(corners()), "image/png")})
    assert r.status_code == 200

    reader = stack.client("bob")
    reader.post("/api/movies/rififi/ratings/", {"rating": 5})
    review = reader.post("/api/movies/rififi/reviews/", {
        "title": "Silence", "content": "Buy my pills.", "is_positive": True}
        ).json()["id"]
    run(stack, "review", "remove", str(review), env={"SUDO_USER": "daemon"})
    run(stack, "review", "restore", str(review), env={"SUDO_USER": "daemon"})
    run(stack, "movie", "edit", "rififi", "--set", "translations.es.title=Rififí",
        "--set", "sources.imdb=tt0048021")
    run(stack, "movie", "edit", "rififi", "--set", "popularity=7.5")
    refused(run(stack, "movie", "purge", "rififi", check=False), "Only what")
    run(stack, "movie", "remove", "rififi")
    assert vera.post(path + "restore/").status_code == 200
    assert vera.delete(path).status_code == 200
    assert max_.delete(path + "purge/").json()["deleted_rows"] == {
        "ratings": 1, "reviews": 1}
    for kind, thing in (("genres", genre), ("persons", person)):
        max_.delete(f"/api/admin/{kind}/{thing['id']}/")
        max_.delete(f"/api/admin/{kind}/{thing['id']}/purge/")

    n = stack.value("SELECT count(*) FROM audit WHERE id > %s", [last])
    log = normalised(run(stack, "audit", "--json", "--limit", str(n)).stdout)
    assert log == JOURNEY.read_text()
    shown_by_api = vera.get(f"/api/admin/audit/?limit={n}").json()["results"]
    assert json.loads(run(stack, "audit", "--json", "--limit", str(n)).stdout
                      ) == shown_by_api
    lines = run(stack, "audit", "--limit", str(n)).stdout.splitlines()
    assert [line.split()[1] for line in lines] == [
        e["username"] or f"mxmctl:{e['os_user']}" for e in shown_by_api]
