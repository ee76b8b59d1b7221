# SPDX-License-Identifier: GPL-3.0-or-later
"""sql/gen.awk and sql/embed.awk: what they make, and what they refuse."""

import subprocess

import pytest

import stack as stack_module

SQL = stack_module.ROOT / "sql"


def run(program, *files):
    return subprocess.run(["awk", "-f", SQL / program, *files],
                          capture_output=True, text=True)


@pytest.fixture
def gen(tmp_path):
    """Runs gen.awk on the texts of some files a.sql, b.sql …"""
    def on(*texts):
        files = []
        for letter, text in zip("abc", texts):
            files.append(tmp_path / f"{letter}.sql")
            files[-1].write_text(text)
        done = run("gen.awk", *files)
        lines = [line for line in done.stdout.splitlines()
                 if line.startswith("STMT")]
        return done.returncode, lines, done.stderr.replace(f"{tmp_path}/", "")
    return on


def test_a_statement(gen):
    status, lines, errors = gen("""
-- About x.
-- name: x_get :one (id bigint, slug text)
SELECT a, "B:id"  -- a comment with :none
  FROM x
 WHERE slug = :slug AND id = :id AND t <> 'a -- \\n ? $9 :id; b';
""")
    assert (status, errors) == (0, "")
    assert lines == [
        'STMT(x_get, ONE, true, 0, 2, "id,slug", "bigint,text", '
        '"SELECT a, \\"B:id\\"\\nFROM x\\nWHERE slug = $2 AND id = $1'
        " AND t <> 'a -- \\\\n \\? $9 :id; b'\")"]


OWNED = """
-- fragment: owned_x
target AS MATERIALIZED (
	SELECT id, user_id = :viewer AS is_owner FROM x WHERE id = :id
), owned AS (
	SELECT id FROM target WHERE is_owner
)

-- name: x_delete :owned (viewer bigint, id bigint)
WITH {{owned_x}}, gone AS (
	DELETE FROM x USING owned AS o WHERE x.id = o.id RETURNING x.id
), logged AS (INSERT INTO log SELECT id FROM gone)
SELECT owned_outcome((t.is_owner), true) AS outcome
  FROM target AS t;
"""


@pytest.mark.parametrize("old, new", [
    ("", ""),
    ("USING owned AS o WHERE x.id = o.id",
     "WHERE id IN (SELECT id FROM owned)"),
    ("{{owned_x}}", "{{ owned_x }}"),
    ("AS outcome", "AS outcome, t.id"),
    ("AS outcome\n", "AS outcome "),
    ("SELECT owned_outcome((t.is_owner), true)",
     "SELECT CASE WHEN t.id IS NULL THEN 'absent'\n"
     "       ELSE owned_outcome(t.is_owner) END")])
def test_an_owned_statement(gen, old, new):
    assert gen(OWNED.replace(old, new))[::2] == (0, "")


def test_an_outcome_may_end_the_statement(gen):
    status, _, errors = gen(OWNED.replace(
        "SELECT owned", "SELECT t.id,\n owned").replace(
        "AS outcome\n  FROM target AS t;", "AS outcome;"))
    assert (status, errors) == (0, "")


@pytest.mark.parametrize("old, new, fault", [
    ("owned_x", "other", "needs a fragment {{owned_...}}"),
    (" AS outcome", " AS result", "needs owned_outcome(...) AS outcome"),
    ("AS outcome", "AS outcomes", "needs owned_outcome(...) AS outcome"),
    ("owned_outcome((t.is_owner), true)", "'ok'", "needs owned_outcome"),
    ("owned_outcome((t.is_owner), true) AS",
     "owned_outcome(t.is_owner) AS a, 'ok' AS", "needs owned_outcome"),
    ("), owned AS", "), mine AS", "needs the CTE owned"),
    ("user_id = :viewer", "user_id = :id", "is_owner must be user_id = :viewer"),
    ("user_id = :viewer", "user_id <> :viewer", "is_owner must be"),
    ("user_id = :viewer", "editor_id = :viewer", "is_owner must be"),
    ("user_id = :viewer", "true OR user_id = :viewer", "is_owner must be"),
    ("user_id = :viewer", ":viewer > 0", "is_owner must be"),
    ("user_id = :viewer AS is_owner", "is_owner, :viewer", "is_owner must be"),
    ("FROM x WHERE", ", true AS is_owner FROM x WHERE", "is_owner must be"),
    (" WHERE is_owner", " WHERE NOT is_owner", "does not check is_owner"),
    (" WHERE is_owner", " WHERE is_owner OR true", "does not check is_owner"),
    (" WHERE is_owner", "", "the CTE owned does not check is_owner"),
    ("WHERE is_owner", "WHERE id = :id", "the CTE owned does not check is_owner"),
    ("USING owned AS o WHERE x.id = o.id", "WHERE x.id = :id",
     "gone changes rows and does not read the CTE owned"),
    ("USING owned", "USING target", "gone changes rows"),
    ("USING owned", "USING owned_too", "gone changes rows"),
    ("x USING owned AS o WHERE", "x USING y LEFT JOIN owned AS o ON true WHERE",
     "gone changes rows"),
    ("SELECT id FROM gone", "SELECT id FROM target", "logged changes rows"),
    ("SELECT id FROM gone", "VALUES (1)", "logged changes rows"),
    ("gone AS (\n\tDELETE FROM x USING owned AS o WHERE x.id = o.id"
     " RETURNING x.id\n), logged AS (INSERT INTO log SELECT id FROM gone)",
     "gone AS (SELECT 1)", "the changes of an :owned statement are CTEs"),
    ("SELECT owned_outcome((t.is_owner), true) AS outcome\n  FROM target AS t",
     "DELETE FROM y USING target AS t\n"
     "RETURNING owned_outcome(t.is_owner) AS outcome", "are CTEs")])
def test_an_owned_statement_that_forgets(gen, old, new, fault):
    assert old in OWNED
    status, _, errors = gen(OWNED.replace(old, new))
    assert status and "x_delete: " in errors and fault in errors


def test_a_header_over_several_lines(gen):
    status, lines, _ = gen("""
-- name: y :many (a bigint,
--                b double precision,
--                c text[])
SELECT :a, :b, :c;
""")
    assert status == 0
    assert lines[0].startswith(
        'STMT(y, MANY, true, 0, 3, "a,b,c", '
        '"bigint,double precision,text[]", "SELECT $1, $2, $3")')


@pytest.mark.parametrize("text, numbered", [
    (":a", "$1"),
    ("(:a, :b)", "($1, $2)"),
    ("x=:b and :a<y", "x=$2 and $1<y"),
    (":b::text || :b :: text", "$2::text || $2 :: text"),
    ("z::a", "z::a"),
    ("z[1:2], z[:a], z[a:b], z[f(1):b], z[y[1]:b], z[1: :b]",
     "z[1:2], z[$1], z[a:b], z[f(1):b], z[y[1]:b], z[1: $2]"),
    ("':a' || ''':a' || :b", "':a' || ''':a' || $2"),
    ('":a"', '":a"'),
    ("a :=1", "a :=1"),
])
def test_parameters_by_name(gen, text, numbered):
    status, lines, errors = gen(
        "-- name: x :one (a text, b text)\n"
        f"SELECT :a, :b, {text};\n")
    assert (status, errors) == (0, "")
    numbered = numbered.replace('"', '\\"')
    assert lines == ['STMT(x, ONE, true, 0, 2, "a,b", "text,text", '
                     f'"SELECT $1, $2, {numbered}")']


def test_parameters_of_a_fragment(gen):
    """A fragment uses the parameters of its statement."""
    status, lines, errors = gen(
        "-- name: x :one (a text, b text)\nSELECT :a, {{f}};\n"
        "-- name: y :one (b text)\nSELECT {{f}};\n"
        "-- fragment: f\n:b\n")
    assert (status, errors) == (0, "")
    assert [line.split(", ", 7)[7] for line in lines] == [
        '"SELECT $1, $2")', '"SELECT $1")']


@pytest.mark.parametrize("time,ms", [("1s", 1000), ("250ms", 250)])
def test_a_time_of_its_own(gen, time, ms):
    status, lines, errors = gen(f"""
-- name: y :many within={time} (a bigint)
SELECT :a;
""")
    assert (status, errors) == (0, "")
    assert lines[0].startswith(
        f'STMT(y, MANY, true, {ms}, 1, "a", "bigint", ')


def test_within_is_only_for_read_only_statements(gen):
    status, _, errors = gen("""
-- name: y :exec within=1s (a bigint)
DELETE FROM y WHERE id = :a;
""")
    assert status == 1
    assert "y: within= is only for read-only statements" in errors


def test_fragments_in_any_file_and_order(gen):
    status, lines, errors = gen(
        "-- name: a :one\nSELECT {{f}};\n",
        "-- fragment: f\n1, {{ g }}\n-- fragment: g\n2\n"
        "-- name: b :one\nSELECT {{g}};\n")
    assert (status, errors) == (0, "")
    assert [line.split(", ", 7)[7] for line in lines] == [
        '"SELECT 1, 2")', '"SELECT 2")']


PARAMETERS = """
-- fragment: micros(t)
(extract(epoch FROM {{t}}) * 1000000)
-- fragment: both(a, b2)
{{a}} + {{ b2 }} + {{a}}
-- fragment: nested(x)
{{both: {{x}}, 3}}
-- name: x :one (q bigint)
SELECT :q, %s;
-- name: all :one
SELECT {{micros:1}}, {{both:1,2}}, {{nested:1}};
"""


@pytest.mark.parametrize("call, text", [
    ("{{micros:v.created_at}}", "(extract(epoch FROM v.created_at) * 1000000)"),
    ("{{ micros : f(a, b) }}", "(extract(epoch FROM f(a, b)) * 1000000)"),
    ("{{both:1, :q}}", "1 + $1 + 1"),
    ("{{both:a & b, c\\d}}", "a & b + c\\\\d + a & b"),
    ("{{nested:coalesce(a, 1)}}", "coalesce(a, 1) + 3 + coalesce(a, 1)")])
def test_a_fragment_with_parameters(gen, call, text):
    status, lines, errors = gen(PARAMETERS % call)
    assert (status, errors) == (0, "")
    assert f'"SELECT $1, {text}")' in lines[0]


@pytest.mark.parametrize("call, fault", [
    ("{{micros}}", "micros: wrong number of arguments"),
    ("{{micros:a, b}}", "micros: wrong number of arguments: a, b"),
    ("{{both:a}}", "both: wrong number of arguments: a"),
    ("{{both:a,}}", "both: an empty argument"),
    ("{{t}}", "unknown fragment t"),
    ("{{macros:a}}", "unknown fragment macros"),
])
def test_wrong_arguments_of_a_fragment(gen, call, fault):
    status, _, errors = gen(PARAMETERS % call)
    assert status and f"a.sql:8: {fault}" in errors


def test_a_fragment_uses_its_parameters(gen):
    status, _, errors = gen("-- fragment: f(a, b)\n{{a}}\n"
                            "-- name: x :one\nSELECT {{f:1, 2}};\n")
    assert status and "a.sql:1: f: parameter b is not used" in errors


@pytest.mark.parametrize("mode, text, reads", [
    ("one", "SELECT 1", "true"),
    ("many", "WITH a AS (SELECT 1) SELECT * FROM a", "true"),
    ("one", "SELECT updated_at, 'DELETE' FROM insert_log", "true"),
    ("one", "WITH a AS (INSERT INTO t VALUES (1)) SELECT 1", "false"),
    ("one", "UPDATE t SET a = 1 RETURNING a", "false"),
    ("one", "SELECT 1 FROM t FOR UPDATE SKIP LOCKED", "false"),
    ("one", "SELECT 1 FROM t FOR SHARE", "false"),
    ("one", "SELECT nextval('s')", "false"),
    ("one", "(SELECT 1)", "true"),
    ("one", "SELECT max(nextval) FROM nextval_log", "true"),
    ("one", "SELECT nextval ('s')", "false"),
    ("one", "SELECT coalesce(setval('s', 1), 2)", "false"),
    ("one", "SELECT pg_advisory_xact_lock(1)", "false"),
    ("one", "SELECT pg_try_advisory_lock(1)", "false"),
    ("one", "SELECT pg_notify('a', 'b')", "false"),
    ("one", "SELECT set_config('a', 'b', true)", "false"),
    ("one", "SELECT friend_ask(1, 2)", "false"),
    ("one", "SELECT public.analyze_imported()", "false"),
    ("one", "SELECT 1 FROM t FOR UPDATE", "false"),
    ("one", "SELECT 1 FROM t\n   FOR NO KEY UPDATE", "false"),
    ("one", "SELECT 1 FROM t FOR KEY SHARE", "false"),
    ("many", "WITH a AS (\nDELETE FROM t RETURNING id)\nSELECT id FROM a",
     "false"),
    ("one", "MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE", "false"),
    ("exec", "SELECT 1", "false"),
])
def test_what_may_be_run_twice(gen, mode, text, reads):
    status, lines, errors = gen(f"-- name: x :{mode}\n{text};\n")
    assert (status, errors) == (0, "")
    assert lines[0].startswith(f"STMT(x, {mode.upper()}, {reads}, ")


@pytest.mark.parametrize("text, message", [
    ("-- name: X :one\nSELECT 1;\n", "a.sql:1: invalid header"),
    ("\n-- name: x one\nSELECT 1;\n", "a.sql:2: invalid header"),
    ("-- name: x :some\nSELECT 1;\n", "a.sql:1: x: unknown mode :some"),
    ("-- name: x :one (id)\nSELECT :id;\n", "a.sql:1: x: parameter 1"),
    ("-- name: x :one (id bigint\nSELECT :id;\n",
     "a.sql:1: a header without its closing bracket"),
    ("-- name: x :one\nSELECT :a;\n", "a.sql:1: x: unknown parameter a"),
    ("-- name: x :one (a text)\nSELECT :a, :ab;\n",
     "a.sql:1: x: unknown parameter ab"),
    ("-- name: x :one (a text)\nSELECT 1;\n",
     "a.sql:1: x: parameter a is not used"),
    ("-- name: x :one (a text)\nSELECT ':a', \":a\";\n",
     "x: parameter a is not used"),
    ("-- name: x :one (a text)\nSELECT 1::a, b[1:a];\n",
     "x: parameter a is not used"),
    ("-- name: x :one (a text)\nSELECT :a, $1;\n",
     "a.sql:1: x: $1 must be a named parameter"),
    ("-- name: x :one (a text, a bigint)\nSELECT :a;\n",
     "a.sql:1: x: duplicate parameter a"),
    ("-- name: x :one\nSELECT {{f}};\n-- fragment: f\n:a\n",
     "a.sql:1: x: unknown parameter a"),
    ("-- name: x :one\nSELECT 1\n", "a.sql:1: x: missing semicolon"),
    ("-- name: x :one\n;\n", "a.sql:1: x: missing statement"),
    ("-- name: x :one\nSELECT 1; SELECT 2;\n", "more than one statement"),
    ("-- name: x :one\nSELECT 1;\n-- name: x :one\nSELECT 2;\n",
     "a.sql:3: x: already defined at"),
    ("SELECT 1;\n", "a.sql:1: a statement without a header"),
    ("-- name: x :one\nSELECT 'a\nb';\n", "a.sql:2: an unterminated quote"),
    ("-- name: x :one\nSELECT /* y */ 1;\n", "a.sql:2: use -- for comments"),
    ("-- name: x :one\nSELECT $$a$$;\n", "a.sql:1: x: a text in dollar quotes"),
    ("-- name: x :one (q text)\nSELECT $a$ :q $a$;\n",
     "x: a text in dollar quotes"),
    ("-- name: x :one\nSELECT E'a';\n", "a.sql:1: x: an E'' or U&'' text"),
    ("-- name: x :one\nSELECT f(e'\\n');\n", "x: an E'' or U&'' text"),
    ("-- name: x :one\nSELECT U&'a';\n", "x: an E'' or U&'' text"),
    ("-- name: x :one\nSELECT {{f}};\n", "a.sql:1: unknown fragment f"),
    ("-- name: x :one\nSELECT {{f}};\n-- fragment: f\n{{f}}\n",
     "a recursive fragment"),
    ("-- name: x :one\nSELECT 1;\n-- fragment: f\n1\n",
     "a.sql:3: f: an unused fragment"),
    ("-- name: x :script (a text)\nSELECT :a;\n", "takes no parameters"),
])
def test_errors_have_their_place(gen, text, message):
    status, _, errors = gen(text)
    assert status != 0
    assert message in errors


def test_texts_that_only_resemble_others(gen):
    status, _, errors = gen(
        "-- name: x :one\nSELECT 'the e', 'a ''e'' b', '$$', type'a';\n"
        "-- name: y :script\nDO $$ BEGIN NULL; END $$;\n")
    assert (status, errors) == (0, "")


def test_the_files_of_the_tree_pass():
    files = sorted(SQL.glob("*.sql"))
    done = run("gen.awk", *files)
    assert (done.returncode, done.stderr) == (0, "")
    done = run("embed.awk", *sorted((SQL / "migrations").glob("*.sql")))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("names, message", [
    (["0001_a.sql", "0003_b.sql"], "number 3 after 1"),
    (["0001_a.sql", "0001_b.sql"], "number 1 after 1"),
    (["1_a.sql"], "not named NNNN_name.sql"),
    (["0001_A.sql"], "not named NNNN_name.sql"),
])
def test_migrations_are_numbered_without_gaps(tmp_path, names, message):
    for name in names:
        (tmp_path / name).write_text("SELECT 1;\n")
    done = run("embed.awk", *(tmp_path / name for name in names))
    assert done.returncode != 0
    assert message in done.stderr
