# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of t/lint/statements.py, on made-up tables, sources and SQL."""

import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TREE / "t/lint")]

import glossary  # noqa: E402
import routes  # noqa: E402
import statements as rules  # noqa: E402

ROWS = """
WRITE(POST, "/films/{movie}/likes/", like_add, .input = like_input)
ROUTE(GET,  "/films/{movie}/notes/", note_list, .input = page_input,
    .cache = CACHE(1, ON_MOVIE, BY_LANG))
WRITE(PUT,  "/notes/{review}/", note_update, .guard = OWNER, .input = note_input)
"""

SOURCES = {"src/films/films.c": """
const struct field like_input[] = {
	{ "stars", FROM_BODY, T_INT, REQUIRED },
	{ 0 },
};

const struct field page_input[] = {
	PAGE_FIELDS,
	{ 0 },
};

/* Not SQL_nothing. */
static enum err
insert(struct req *r, void *row)
{
	bind_arg(r, "picture", arg_null());
	return run_one(r, SQL_like_add, row);
}

enum err
like_add(struct req *r)
{
	return upload_and_run(r, insert);
}

enum err
note_list(struct req *r)
{
	return reply_page(r, SQL_note_list, shape);
}
""", "src/films/notes.c": """
const struct field note_input[] = {
	{ "text", FROM_BODY, T_PROSE, REQUIRED },
	{ 0 },
};

static enum err
insert(struct req *r)
{
	return run_one(r, SQL_note_other, NULL);
}

enum err
note_update(struct req *r)
{
	return reply_one(r, 200, SQL_note_update, shape);
}
""", "src/api/page.c": """
enum err
reply_page(struct req *r, enum stmt s)
{
	bind_arg(r, "size", arg_id(1));
	return run_all(r, s);
}
""", "src/api/run.c": """
void
bind_arg(struct req *r, const char *name, struct arg value)
{
	(void)find_bound(r, name);
}

bool
account_of(struct req *r)
{
	return query_one(r->mem, r->db, &row,
	    SQL_account_of, arg_id(1));
}
"""}

HEADERS = {"src/api/page.h": """
#define PAGE_FIELDS                          \\
	{ "page", FROM_QUERY, T_PAGE },      \\
	{                                    \\
		"limit", FROM_QUERY, T_LIMIT \\
	}
"""}

SQL = """
-- fragment: owned_note
target AS (SELECT id, user_id = :viewer AS is_owner FROM note WHERE id = :review
), owned AS (SELECT id FROM target WHERE is_owner)

-- name: account_of :one (viewer bigint)
SELECT CASE WHEN id IS NULL THEN 'ended' ELSE 'ok' END AS outcome
  FROM account WHERE id = :viewer;
-- name: like_add :one (viewer bigint, movie text, stars bigint, picture text)
SELECT CASE WHEN m.id IS NULL THEN 'missing:movie'
            WHEN CASE WHEN :stars > 1 THEN 2 ELSE 3 END = 2 THEN 'exists'
            ELSE 'ok' END AS outcome,
       CASE WHEN true THEN 'absent' ELSE 'wrong' END AS sort
  FROM m WHERE slug = :movie AND p = :picture AND v = :viewer;
-- name: note_list :many (movie text, language text, page bigint, size bigint)
SELECT 1 FROM m WHERE slug = :movie AND l = :language OFFSET :page LIMIT :size;
-- name: note_update :owned (viewer bigint, review bigint, text text)
WITH {{owned_note}}, changed AS (
	UPDATE note SET text = :text FROM owned AS o WHERE note.id = o.id
)
SELECT CASE WHEN t.late THEN 'too_soon'
            ELSE owned_outcome((t.is_owner), true) END AS outcome, 1 AS wait
  FROM target AS t;
"""

OUTCOMES = """/*
 * word     exists     there already
 *          foreign    of another user
 *          too_soon   later
 * route    name of the handler
 */
OUTCOME(exists,   like_add,    ERR_CONFLICT,  NULL, MSG_A)
OUTCOME(foreign,  note_update, ERR_FORBIDDEN, NULL, MSG_B)
OUTCOME(too_soon, note_update, ERR_TOO_OFTEN, NULL, MSG_C)
"""

MIGRATIONS = """
CREATE FUNCTION owned_outcome(is_owner boolean) RETURNS text AS $$
	SELECT 'old' $$;
CREATE FUNCTION owned_outcome(is_owner boolean, is_visible boolean)
	RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN is_owner THEN 'ok' WHEN is_visible THEN 'foreign'
	            ELSE 'missing' END
$$;
"""


@pytest.fixture
def faults(tmp_path):
    """The faults, after a replacement in one of the texts above."""
    def on(old="", new=""):
        def changed(text):
            return text.replace(old, new) if old else text
        (tmp_path / "a.sql").write_text(changed(SQL))
        done = subprocess.run(
            ["awk", "-f", TREE / "sql/gen.awk", tmp_path / "a.sql"],
            capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        stmts = rules.statements(done.stdout)
        found = rules.all_routes(
            routes.parse(changed(ROWS)),
            {file: changed(text) for file, text in SOURCES.items()}, HEADERS)
        table = rules.outcome_table(changed(OUTCOMES))
        assert not old or any(old in text for text in [
            ROWS, SQL, OUTCOMES, *SOURCES.values()]), "nothing replaced"
        return [*rules.handlers(found), *rules.guards(found, stmts),
                *rules.parameters(found, stmts),
                *rules.names_of_viewers(found, stmts),
                *rules.cache_keys(found, stmts), *rules.replicas(found, stmts),
                *rules.outcomes(found, stmts, table, MIGRATIONS),
                *rules.other_outcomes(found, stmts, MIGRATIONS)]
    return on


def test_no_faults(faults):
    assert faults() == []


LIKE, NOTE = "POST /films/{movie}/likes/", "PUT /notes/{review}/"


@pytest.mark.parametrize("old, new, fault", [
    # the guard and the mode
    (".guard = OWNER, ", "",
     f"{NOTE}: note_update is :owned, the guard is VERIFIED"),
    (".input = like_input", ".guard = OWNER,\n    .input = like_input",
     f"{LIKE}: like_add is :one, the guard is OWNER"),
    ("reply_one(r, 200, SQL_note_update, shape)", "reply_nothing(r)",
     f"{NOTE} is OWNER and runs no :owned statement"),
    ("reply_one(r, 200, SQL_note_update, shape)",
     "query_one(r->mem, r->db,\n\t    SQL_note_update, NO_ARGS)",
     f"{NOTE}: note_update is :owned and not run by run.c"),
    ("\nlike_add(struct", "\nlike_put(struct", f"{LIKE}: no function like_add"),
    ('bind_arg(r, "picture"', "bind_arg(r, names[0]",
     "src/films/films.c: insert calls bind_arg() with a name that is not"),
    # names
    ('"stars", FROM_BODY', '"star", FROM_BODY',
     f"{LIKE} has no :stars for like_add"),
    ('bind_arg(r, "picture"', 'bind_arg(r, "pictures"',
     f"{LIKE} has no :picture for like_add"),
    (", .input = note_input", "", f"{NOTE} has no :text for note_update"),
    ("/films/{movie}/notes/", "/films/{person}/notes/",
     "GET /films/{person}/notes/ has no :movie for note_list"),
    ("like_add, .input", "like_add, .guard = PUBLIC, .input",
     f"{LIKE} has no :viewer for like_add"),
    ("PAGE_FIELDS,", "", "GET /films/{movie}/notes/ has no :page for note_list"),
    ("note_list :many (movie text, language text, page bigint, size bigint)\n"
     "SELECT 1", "note_list :many (movie text, language text, page bigint,\n"
     "-- size bigint, viewer_name text)\nSELECT :viewer_name",
     "GET /films/{movie}/notes/: :viewer_name of note_list depends on"),
    # the key of the cache
    ("ON_MOVIE, BY_LANG", "ON_MOVIE, BY_VIEWER",
     "GET /films/{movie}/notes/: note_list has :language, the cache is not BY_"),
    ("note_list :many (movie text, language text, page bigint, size bigint)\n"
     "SELECT 1", "note_list :many (movie text, language text, page bigint,\n"
     "-- size bigint, viewer bigint)\nSELECT :viewer",
     "note_list has :viewer, the cache is not BY_VIEWER"),
    # standby servers
    (".input = page_input,", ".input = page_input, .replica = true,", None),
    (".input = like_input", ".input = like_input, .replica = true",
     f"{LIKE} is .replica and not cached"),
    (".cache = CACHE(1, ON_MOVIE, BY_LANG)", ".replica = true, .cache = NO_CACHE",
     "GET /films/{movie}/notes/ is .replica and not cached"),
    (".guard = OWNER, .input", ".guard = OWNER, .replica = true, .input",
     f"{NOTE} is .replica, note_update is not run there"),
    # outcomes
    ("OUTCOME(exists,   like_add,    ERR_CONFLICT,  NULL, MSG_A)\n", "",
     f"{LIKE}: like_add: exists has no row in outcomes.def"),
    ("OUTCOME(foreign,  note_update, ERR_FORBIDDEN, NULL, MSG_B)\n", "",
     f"{NOTE}: note_update: foreign has no row in outcomes.def"),
    ("OUTCOME(foreign,  note_update", "OUTCOME(foreign,  like_add",
     "outcomes.def: no statement of like_add returns foreign"),
    ("THEN 'exists'", "THEN 'existing'",
     f"{LIKE}: like_add: existing has no row in outcomes.def"),
    ("THEN 'exists'", "THEN 'ok'",
     "outcomes.def: no statement of like_add returns exists"),
    ("'missing:movie'", "'missing:person'",
     f"{LIKE}: like_add: missing:person, no such parameter in the path"),
    ("'missing:movie'", "'exists:movie'", "exists:movie, no such parameter"),
    ("/films/{movie}/likes/", "/films/likes/",
     "POST /films/likes/: like_add: missing, without a parameter in the path"),
    ("THEN 'exists'", "THEN m.kind",
     f"{LIKE}: like_add: its outcome is not a list of words"),
    ("AS outcome,\n       CASE", "AS result, outcome,\n       CASE",
     f"{LIKE}: like_add: its outcome is not a list of words"),
    ("ELSE 'ok' END AS outcome,\n", "ELSE unknown(1) END AS outcome,\n",
     f"{LIKE}: like_add: its outcome is not a list of words"),
    ("1 AS wait", "1 AS pause",
     f"{NOTE}: note_update: too_soon needs the column wait"),
    (" *          foreign    of another user\n", "",
     "outcomes.def: foreign has no meaning in the comment"),
    (" *          foreign", " *          alien      nobody\n *          foreign",
     "outcomes.def: alien of the comment has no row"),
    ("(t.is_owner), true)", "t.is_owner, false)",
     "no statement of note_update returns foreign"),
    ("/notes/{review}/", "/notes/{review}/{movie}/", None),
    ("THEN 'ended'", "THEN 'expired'",
     "account_of: outcomes ['expired'] that nothing interprets"),
])
def test_what_was_forgotten(faults, old, new, fault):
    found = faults(old, new)
    assert not found if fault is None else any(fault in f for f in found), found


def test_missing_is_not_the_last_parameter(faults):
    """owned_outcome() of what is below {review} says nothing of {movie}."""
    source = SQL.replace("(t.is_owner), true)", "t.is_owner, t.is_visible)")
    row = 'WRITE(PUT, "/notes/{review}/%s", note_update, .guard = OWNER)\n'
    stmts = rules.statements(subprocess.run(
        ["awk", "-f", TREE / "sql/gen.awk"], input=source,
        capture_output=True, text=True, check=True).stdout)
    for end, expected in (("", []), ("{movie}/", [
            "PUT /notes/{review}/{movie}/: note_update: missing is {movie}, "
            "not what has an owner: use missing:..."])):
        found = rules.all_routes(routes.parse(row % end), SOURCES, HEADERS)
        table = rules.outcome_table(OUTCOMES.replace(
            "OUTCOME(exists,   like_add,    ERR_CONFLICT,  NULL, MSG_A)\n", "")
            .replace(" *          exists     there already\n", "")
            .replace(" * word     exists     there already\n *    ", " * word"))
        assert list(rules.outcomes(found, stmts, table, MIGRATIONS)) == expected


@pytest.mark.parametrize("text, cache, good", [
    ("m", "CACHE(1, ON_MOVIE, BY_NOBODY)", True),
    ("live_note", "CACHE(1, ON_REVIEW | ON_MOVIE, BY_NOBODY)", True),
    ("live_note", "CACHE(1, ON_MOVIE, BY_NOBODY)", False),
    ("m JOIN note ON true", "CACHE(1, ON_MOVIE, BY_NOBODY)", False),
    ("live_note", "NO_CACHE", True),
])
def test_an_answer_depends_on_its_tables(text, cache, good):
    stmts = rules.statements(
        f'STMT(note_list, MANY, true, 0, 0, "", "", "SELECT 1 FROM {text}")')
    found = rules.all_routes(routes.parse(
        f'ROUTE(GET, "/notes/", note_list, .cache = {cache})'), SOURCES, HEADERS)
    raised = rules.raised_kinds("-- rule  | table | kinds raised\n"
                                "-- notes | note  | user\n--       |       | review\n")
    assert raised == {"note": {"user", "review"}}
    faults = list(rules.stale_tables(found, stmts, {
        "ON_MOVIE": "movie", "ON_REVIEW": "review"}, raised, {"note"}))
    assert faults == ([] if good else [
        "GET /notes/: note_list reads note, the answer depends on none of "
        "['review', 'user']"])
    assert good or list(rules.stale_tables(found, stmts, {}, {}, {"note"})) == [
        "GET /notes/: note_list reads note, which has no row in a table of "
        "rules, see 0012_touch.sql"]


PRIVATE = "CREATE TABLE note (\n\tid bigint,\n\tprivacity text\n);"


@pytest.mark.parametrize("names, text, good", [
    ("viewer", "SELECT 1 FROM live_note WHERE user_id = $1", True),
    ("movie,viewer", "SELECT 1 FROM note WHERE user_id = $2", True),
    ("movie,viewer", "SELECT 1 FROM note WHERE user_id = $1 AND $2 > 0", False),
    ("viewer", "SELECT 1 FROM note WHERE user_id = $11 AND $1 > 0", False),
    ("viewer", "SELECT 1 FROM m JOIN note AS n ON may_see(true, $1, n.p)", True),
    ("viewer", "SELECT 1 FROM m JOIN live_note AS n ON n.id = $1", False),
    ("", "SELECT 1 FROM live_note", False),
    ("", "SELECT 1 FROM note_movie", True),
])
def test_rows_with_a_privacy(names, text, good):
    stmts = rules.statements(
        f'STMT(note_list, MANY, true, 0, 0, "{names}", "", "{text}")')
    found = rules.all_routes(routes.parse(
        'ROUTE(GET, "/notes/", note_list, .cache = NO_CACHE)'), SOURCES, HEADERS)
    private = rules.private_tables(PRIVATE + "\nCREATE TABLE m (\n\tid bigint\n);")
    assert private == {"note"}
    assert list(rules.privacy(found, stmts, private)) == ([] if good else [
        "GET /notes/: note_list reads note without may_see() or user_id = :viewer"])


@pytest.mark.parametrize("names, text, guard, good", [
    ("viewer,review", "UPDATE note SET a = 1 WHERE id = $2 AND user_id = $1",
     "OWNER", True),
    ("review", "UPDATE note SET a = 1 WHERE id = $1", "OWNER", False),
    ("review", "UPDATE note SET a = 1 WHERE id = $1", "PUBLIC", True),
    ("review", "WITH a AS (DELETE FROM note WHERE id = $1) SELECT", "LOGGED_IN", False),
    ("review", "SELECT 1 FROM note WHERE id = $1 FOR NO KEY UPDATE OF note", "OWNER",
     True),
    ("review", "INSERT INTO a VALUES ($1) ON CONFLICT (id) DO UPDATE SET a = 1",
     "OWNER", True),
])
def test_changes_are_of_the_caller(names, text, guard, good):
    stmts = rules.statements(
        f'STMT(note_update, ONE, false, 0, 0, "{names}", "", "{text}")')
    found = rules.all_routes(routes.parse(
        f'WRITE(PUT, "/notes/{{review}}/", note_update, .guard = {guard})'),
        SOURCES, HEADERS)
    fault = "PUT /notes/{review}/: note_update changes rows without :viewer"
    assert list(rules.changes(found, stmts, {})) == ([] if good else [fault])
    assert list(rules.changes(found, stmts, {"note_update": "reason"})) == (
        ["NOT_OF_VIEWER: note_update needs no exception"] if good else [])


@pytest.mark.parametrize("text, part", [
    ("UPDATE note SET a = 1 WHERE id = $2 AND b = $1", "the statement"),
    ("UPDATE note SET user_id = $1 WHERE id = $2", "the statement"),
    ("DELETE FROM note WHERE id = $2 OR user_id = $10", "the statement"),
    ("WITH a AS (SELECT id FROM note WHERE id = $2), b AS (DELETE FROM note"
     " USING a WHERE note.id = a.id) SELECT $1", "b"),
    ("WITH owned AS (SELECT id FROM note WHERE user_id = $1), a AS MATERIALIZED"
     " (SELECT id FROM owned), b AS (DELETE FROM note USING a WHERE"
     " note.id = a.id) SELECT (1)", None),
    ("WITH a AS (DELETE FROM note WHERE user_id = $1 RETURNING id) DELETE FROM"
     " line WHERE note_id IN (SELECT id FROM a)", None),
    ("WITH a AS (SELECT id FROM note WHERE user_id = $1) DELETE FROM note"
     " WHERE id = $2", "the statement"),
    ("DELETE FROM pair AS q USING x AS a WHERE q.one = least(a.id, $1::bigint)",
     None)])
def test_rows_of_others_are_not_changed(text, part):
    stmts = rules.statements(f'STMT(note_update, ONE, false, 0, 0,'
                             f' "viewer,review", "", "{text}")')
    assert rules.unowned_change(stmts["note_update"]) == part


@pytest.mark.parametrize("conflict, outcome, good", [
    (" ON CONFLICT DO NOTHING", "exists", True), ("", "exists", False),
    ("", "ok", True)])
def test_an_insert_that_may_exist(conflict, outcome, good):
    stmts = rules.statements(
        'STMT(like_add, ONE, false, 0, 0, "", "", "WITH a AS (INSERT INTO t VALUES'
        f" (1){conflict}) SELECT CASE WHEN b THEN '{outcome}' ELSE 'ok' END"
        ' AS outcome")')
    found = rules.all_routes(routes.parse(
        'WRITE(POST, "/likes/", like_add)'), SOURCES, HEADERS)
    assert list(rules.conflicts(found, stmts, "", {})) == ([] if good else [
        "like_add: an INSERT with outcome exists needs ON CONFLICT"])
    assert bool(list(rules.conflicts(found, stmts, "", {"like_add": ""}))) == good


def test_a_statement_outside_of_functions():
    table = "static const enum stmt all[] = { SQL_note_list };\n"
    assert list(rules.outside(SOURCES)) == []
    assert list(rules.outside({"src/a/a.c": table, "src/jobs/b.c": table})) == [
        "src/a/a.c: SQL_note_list stands outside of a function"]


def test_operations_of_the_document():
    found = rules.operations((TREE / "doc/openapi.yaml").read_text())
    assert {("GET", "/api/movies/"), ("DELETE", "/api/reviews/{review}/"),
            ("POST", "/api/auth/login/")} <= found


# --------------------------------------------------------------- SQL alone --

def made(text, tmp_path):
    (tmp_path / "a.sql").write_text(text)
    done = subprocess.run(
        ["awk", "-f", TREE / "sql/gen.awk", tmp_path / "a.sql"],
        capture_output=True, text=True, check=True)
    return rules.statements(done.stdout)


@pytest.mark.parametrize("text, good", [
    ("-- name: x :many\nSELECT a FROM t LIMIT 1;", True),
    ("-- name: x :many\nSELECT a FROM t;", False),
    ("-- name: x :many\nSELECT a FROM (SELECT a FROM t LIMIT 1) AS t;", False),
    ("-- name: x :many\nSELECT a, ' LIMIT 1' AS b FROM t;", False),
    ("-- name: x :many\nWITH t AS (SELECT 1 LIMIT 1) SELECT * FROM t;", False),
    ("-- name: x :many\nWITH t AS (SELECT f(1)) SELECT 1 LIMIT (SELECT 2);",
     True),
    ("-- Few; no LIMIT: the table has ten rows.\n-- name: x :many\n"
     "SELECT a FROM t;", True),
    ("-- (no LIMIT)\n-- name: w :many\nSELECT a FROM t;\n\n"
     "-- name: x :many\nSELECT a FROM t;", False),
    ("-- name: x :one\nSELECT a FROM t;", True),
])
def test_the_outermost_query_has_a_limit(tmp_path, text, good):
    found = list(rules.unlimited(made(text + "\n", tmp_path), {"a.sql": text}))
    assert found == ([] if good else ["x has no LIMIT in its outermost query"])


@pytest.mark.parametrize("old, new, fault", [
    ("", "", None),
    ("-- fragment: count_max\n10000", "-- fragment: count_max\n10002",
     ["fragment count_max is 10002, COUNT_MAX in C is 10000",
      "a migration counts up to 10000"]),
    (":= 10000", ":= 10001", None),
    ("-- fragment: count_max\n", "-- fragment: counted_max\n7\n"
     "-- fragment: count_max\n",
     ["fragment counted_max is 7, COUNTED_MAX in C is None"]),
    (":= 10000", ":= 9000", ["a migration counts up to 9000"]),
    ("LIMIT {{count_max}} + 1)", "LIMIT 10001)",
     ["a.sql: LIMIT 10001, use {{count_max}} + 1"]),
    ("{{micros:v.at}}", "(extract(epoch FROM v.at) * 1000000)::bigint",
     ["a.sql: use {{micros:...}}"]),
])
def test_constants(old, new, fault):
    def changed(text):
        return text.replace(old, new) if old else text
    found = list(rules.constants({"a.sql": changed("""
-- 7 * 1000000 in a comment
-- fragment: count_max
10000
-- fragment: micros(t)
(extract(epoch FROM {{t}}) * 1000000)::bigint
-- name: x :one
SELECT {{micros:v.at}} FROM (SELECT 1 LIMIT {{count_max}} + 1) AS counted;
""")}, {"a.h": "#define COUNT_MAX 10000\n"},
        changed("most    CONSTANT bigint := 10000;")))
    assert found == (fault or [])


@pytest.mark.parametrize("function, found", [
    ("f() RETURNS void\n\tLANGUAGE sql AS $$", True),
    ("f(a text) RETURNS trigger\n\tLANGUAGE plpgsql AS $$", False),
    ("f(a text)\n\tRETURNS text LANGUAGE sql STABLE AS $$", False),
    ("f(a text)\n\tRETURNS text LANGUAGE sql IMMUTABLE AS $x$", False),
    ("g() RETURNS void AS $$", False),
])
def test_functions_that_write(function, found):
    generator = 'BEGIN {\n\tWRITERS = "NEXTVAL|G" \\\n\t    "|H"\n}\n'
    faults = list(rules.writers(
        generator, f"CREATE FUNCTION {function} SELECT 1 $$;\n"))
    assert faults == (["f() is VOLATILE: add it to WRITERS of sql/gen.awk"]
                      if found else [])


# ------------------------------------------------------------------- words --

@pytest.mark.parametrize("text, words", [
    ("Whoever sent it; her list.", ["Whoever", "her"]),
    ("where there is another user, adhere", []),
    ("A\n\nWORDS\n\n    user    she, whoever\n\n\nTO ADD\n\nSomebody", ["Somebody"]),
])
def test_words_that_the_glossary_replaces(text, words):
    found = list(glossary.replaced("a", text))
    assert [f.split('"')[1] for f in found] == words
    assert not found or f"a:{len(text.splitlines())}: " in found[-1]


def test_old_migrations_keep_their_words():
    assert glossary.is_before("sql/migrations/0016_removal.sql")
    assert not glossary.is_before("sql/migrations/0017_await.sql")
    assert not glossary.is_before("sql/users.sql")
