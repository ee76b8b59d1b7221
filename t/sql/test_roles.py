# SPDX-License-Identifier: GPL-3.0-or-later
"""Two roles: the one the programs connect as reads and writes rows, and the
one that owns the tables changes them."""

import secrets

import psycopg2
import pytest

import stack as stack_module
from stack import OWNER

FORBIDDEN = [
    "DROP TABLE rating",
    "DROP SCHEMA public CASCADE",
    "DROP EXTENSION pg_trgm CASCADE",
    "DROP FUNCTION fold_text(text) CASCADE",
    "TRUNCATE rating",
    "TRUNCATE session CASCADE",
    "ALTER TABLE account ADD COLUMN x text",
    "ALTER TABLE rating DISABLE TRIGGER ALL",
    "ALTER TABLE account OWNER TO mxm",
    "ALTER DATABASE {database} SET search_path = pg_temp",
    "CREATE TABLE x (y int)",
    "CREATE TABLE public.x (y int)",
    "CREATE SCHEMA x",
    "CREATE EXTENSION hstore SCHEMA public",
    "CREATE FUNCTION public.x() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE FUNCTION fold_text(t text) RETURNS text"
    " LANGUAGE sql IMMUTABLE AS 'SELECT t'",
    "CREATE TRIGGER x BEFORE INSERT ON rating EXECUTE FUNCTION touch_rating()",
    "CREATE INDEX x ON rating (rating)",
    "CREATE POLICY x ON account",
    "CREATE RULE x AS ON INSERT TO rating DO INSTEAD NOTHING",
    "SET ROLE {owner}",
    "SET session_replication_role = replica",
    "UPDATE migration SET number = 1000",
    "DELETE FROM migration",
    "SELECT setval(pg_get_serial_sequence('account', 'id'), 1)",
    "COPY account TO '/tmp/x'",
    "COPY account FROM PROGRAM 'true'",
]


class Place:
    """A database and settings that name it, as one role or two."""

    def __init__(self, cluster, folder, template="template0", **reach):
        self.cluster, self.folder = cluster, folder
        self.conf = folder / "mxm.conf"
        self.database = cluster.create(template)
        self.configure(**reach or cluster.reach(self.database))

    def configure(self, **reach):
        stack_module.write_conf(self.conf, {
            "run_dir": self.folder, "media_root": self.folder,
            "public_origin": "https://movies.example.org",
            "signing_key": secrets.token_hex(32), **reach})

    def ctl(self, command):
        return stack_module.ctl(self.conf, command, check=False)

    def sql(self, text, user="mxm"):
        return self.cluster.sql(text, None, self.database, user)

    def rights(self):
        """What the role of the program has, and the version of each entry."""
        return self.sql("SELECT c.relname, c.relacl::text, c.xmin::text"
                        "  FROM pg_class c"
                        " WHERE relnamespace = 'public'::regnamespace"
                        " ORDER BY 1", "postgres")


@pytest.fixture
def place(cluster, tmp_path):
    """Migrated by two roles."""
    made = Place(cluster, tmp_path, cluster.template(
        "migrated", stack_module.migrate(cluster)))
    yield made
    cluster.drop(made.database)


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_program_cannot(cluster, database, statement):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cluster.sql(statement.format(database=database, owner=OWNER), None,
                    database, "mxm")


def test_all_statements_prepare(place):
    done = place.ctl("check sql")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_table_is_readable_and_writable(place):
    """All tables of the schema, those of migrations to come as well."""
    assert place.sql("""
        SELECT c.relname
          FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE',
                                        'DELETE']) AS wanted
         WHERE c.relnamespace = 'public'::regnamespace
           AND c.relkind IN ('r', 'p', 'v', 'm')
           AND c.relname <> 'migration'
           AND NOT has_table_privilege(c.oid, wanted)""") == []
    assert place.sql("""
        SELECT seqrelid::regclass FROM pg_sequence
         WHERE NOT has_sequence_privilege(seqrelid, 'USAGE')""") == []


def test_an_import_analyzes_what_it_filled(place):
    """Only the owner may analyze; without it the planner has no statistics for
    a while."""
    done = place.ctl("import demo")
    assert done.returncode == 0, done.stderr
    assert place.sql("SELECT reltuples > 0 FROM pg_class"
                     " WHERE oid = 'movie'::regclass") == [(True,)]


def test_a_second_run_writes_nothing(place):
    before = place.rights()
    assert place.ctl("migrate").returncode == 0
    assert place.rights() == before


def test_a_run_mends_rights(place):
    """Also when no migration is missing."""
    before = [row[:2] for row in place.rights()]
    place.sql("REVOKE ALL ON rating, live_movie FROM mxm;"
              "GRANT TRUNCATE, TRIGGER, REFERENCES ON session TO mxm;"
              "GRANT UPDATE ON migration TO mxm;"
              "GRANT CREATE ON SCHEMA public TO PUBLIC, mxm;"
              "REVOKE EXECUTE ON FUNCTION analyze_imported() FROM mxm", OWNER)
    assert place.ctl("migrate --dry-run").returncode == 0
    assert [row[:2] for row in place.rights()] != before
    assert place.ctl("migrate").returncode == 0
    assert [row[:2] for row in place.rights()] == before
    place.sql("SELECT analyze_imported()")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        place.sql("CREATE TABLE x (y int)")


def test_check_has_nothing_to_say(place):
    assert "role " not in warned(place)


def warned(place):
    return "".join(line for line in place.ctl("check").stdout.splitlines(True)
                   if "warning" in line.lower() and " role " in line)


def test_from_one_role_to_two(cluster, tmp_path):
    """check prints the commands, migrate reports a missing one."""
    place = Place(cluster, tmp_path, database="")
    try:
        place.sql(f"ALTER DATABASE {place.database} OWNER TO mxm", "postgres")
        place.configure(database=cluster.conninfo(place.database))
        done = place.ctl("migrate")
        assert done.returncode == 0, done.stderr
        said = warned(place)
        assert "REASSIGN OWNED BY mxm TO" in said
        assert "database_owner" in said

        place.configure(**cluster.reach(place.database))
        done = place.ctl("migrate")
        assert done.returncode == 65
        command = f"REASSIGN OWNED BY mxm TO {OWNER}"
        assert command in done.stderr
        place.sql(command, "postgres")
        done = place.ctl("migrate")
        assert done.returncode == 0, done.stderr
        assert not warned(place)
        assert place.ctl("check sql").returncode == 0
    finally:
        cluster.drop(place.database)


@pytest.mark.parametrize("change, undo", [
    ("GRANT {owner} TO mxm", "REVOKE {owner} FROM mxm"),
    ("GRANT CREATE ON SCHEMA public TO PUBLIC",
     "REVOKE CREATE ON SCHEMA public FROM PUBLIC"),
    ("GRANT CREATE ON DATABASE {database} TO mxm",
     "REVOKE CREATE ON DATABASE {database} FROM mxm"),
    ("GRANT TRUNCATE ON rating TO mxm", "REVOKE TRUNCATE ON rating FROM mxm"),
    ("ALTER ROLE mxm SUPERUSER", "ALTER ROLE mxm NOSUPERUSER"),
])
def test_check_tells_what_is_too_much(place, change, undo):
    names = {"owner": OWNER, "database": place.database}
    place.sql(change.format(**names), "postgres")
    try:
        assert warned(place)
    finally:
        place.sql(undo.format(**names), "postgres")
    assert not warned(place)


def test_the_role_is_missing(place):
    place.configure(
        database=place.cluster.conninfo(place.database, "nobody"),
        database_owner=place.cluster.conninfo(place.database, OWNER))
    done = place.ctl("migrate")
    assert done.returncode == 65
    assert "createuser nobody" in done.stderr


def test_an_owner_needs_a_named_user(place):
    place.configure(
        database=f"host={place.cluster.run} dbname={place.database}",
        database_owner=place.cluster.conninfo(place.database, OWNER))
    done = place.ctl("migrate")
    assert done.returncode == 78
    assert "user=" in done.stderr


def test_a_name_that_needs_quotes(place):
    name = """mxm "'; DROP TABLE rating; --"""
    quoted = '"' + name.replace('"', '""') + '"'
    place.sql(f"CREATE ROLE {quoted}", "postgres")
    try:
        escaped = name.replace("'", "\\'")
        place.configure(
            database=f"host={place.cluster.run} dbname={place.database} "
                     f"user='{escaped}'",
            database_owner=place.cluster.conninfo(place.database, OWNER))
        done = place.ctl("migrate")
        assert done.returncode == 0, done.stderr
        (given,) = place.cluster.sql(
            "SELECT has_table_privilege(%s, 'rating', 'INSERT')", (name,),
            place.database)
        assert given == (True,)
    finally:
        place.cluster.drop(place.database)
        place.sql = None
        place.cluster.sql(f"DROP ROLE {quoted}")
