-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Privileges in the database. One role owns the schema and changes it; the role
-- of the program reads and writes rows. An attacker who controls the program
-- has the privileges of its role.

-- Sets the role of the program for role_grant, until the end of the
-- transaction.
-- name: role_name :one (role text)
SELECT set_config('mxm.role', :role, true) AS role;

-- Grants the role of the program the privileges it needs in schema public, and
-- revokes others. Only differences are changed, because every change
-- invalidates the plans of all sessions. Run by the owner; does nothing if
-- owner and program are one role.
-- name: role_grant :script
DO $$
DECLARE
    program CONSTANT text := current_setting('mxm.role');
    item record;
BEGIN
    IF program = current_user THEN
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = program) THEN
        RAISE 'the role of the setting database is missing: createuser %',
            quote_ident(program);
    END IF;

    SELECT c.oid::regclass AS name
      INTO item
      FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace
       AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
       AND pg_get_userbyid(c.relowner) = program
     LIMIT 1;
    IF FOUND THEN
        RAISE 'the role of the setting database owns %: as a superuser, psql -d % -c ''REASSIGN OWNED BY % TO %''',
            item.name, quote_ident(current_database()), quote_ident(program),
            quote_ident(current_user);
    END IF;

    FOR item IN
        SELECT CASE t.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
               t.oid::regclass AS name, t.rights
          FROM (SELECT c.oid, c.relkind,
                       CASE WHEN c.relkind = 'S' THEN 'SELECT, USAGE'
                            WHEN c.relname = 'migration' THEN 'SELECT'
                            ELSE 'DELETE, INSERT, SELECT, UPDATE'
                       END AS rights,
                       (SELECT string_agg(a.privilege_type, ', '
                                          ORDER BY a.privilege_type)
                          FROM aclexplode(c.relacl) AS a
                         WHERE pg_get_userbyid(a.grantee) = program) AS had
                  FROM pg_class c
                 WHERE c.relnamespace = 'public'::regnamespace
                   AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
                   AND pg_has_role(c.relowner, 'USAGE')) AS t
         WHERE t.had IS DISTINCT FROM t.rights
    LOOP
        EXECUTE format('REVOKE ALL ON %s %s FROM %I',
                       item.kind, item.name, program);
        EXECUTE format('GRANT %s ON %s %s TO %I',
                       item.rights, item.kind, item.name, program);
    END LOOP;

    FOR item IN
        SELECT p.oid::regprocedure AS name
          FROM pg_proc p
         WHERE p.pronamespace = 'public'::regnamespace
           AND pg_has_role(p.proowner, 'USAGE')
           AND NOT has_function_privilege(program, p.oid, 'EXECUTE')
    LOOP
        EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', item.name, program);
    END LOOP;

    IF NOT has_schema_privilege(program, 'public', 'USAGE') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', program);
    END IF;
    IF has_schema_privilege(program, 'public', 'CREATE')
       AND (SELECT pg_has_role(nspowner, 'USAGE')
              FROM pg_namespace
             WHERE nspname = 'public') THEN
        EXECUTE format('REVOKE CREATE ON SCHEMA public FROM PUBLIC, %I', program);
    END IF;
    FOR item IN
        SELECT wanted AS name
          FROM unnest(ARRAY['CONNECT', 'TEMPORARY']) AS wanted
         WHERE NOT has_database_privilege(program, current_database(), wanted)
    LOOP
        EXECUTE format('GRANT %s ON DATABASE %I TO %I',
                       item.name, current_database(), program);
    END LOOP;
END $$;

-- Privileges of the current role beyond reading and writing rows.
-- name: role_rights :one
SELECT current_user::text AS role,
       current_database()::text AS database,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_super,
       EXISTS (SELECT FROM pg_database
                WHERE datname = current_database()
                  AND pg_has_role(datdba, 'MEMBER'))
       OR EXISTS (SELECT FROM pg_class
                   WHERE relnamespace = 'public'::regnamespace
                     AND relkind IN ('r', 'p', 'v', 'm', 'S')
                     AND pg_has_role(relowner, 'MEMBER')) AS owns,
       has_schema_privilege('public', 'CREATE')
       OR has_database_privilege(current_database(), 'CREATE') AS creates,
       EXISTS (SELECT FROM pg_class
                WHERE relnamespace = 'public'::regnamespace
                  AND relkind IN ('r', 'p')
                  AND has_table_privilege(oid, 'TRUNCATE')) AS truncates;
