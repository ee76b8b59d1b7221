-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Scripts of mxmctl restore, which run in its transaction with any schema.

-- Drops everything in schema public but extensions and what belongs to them.
-- Their objects may belong to other roles, which could not create them again.
-- Functions of the dump have settings of pg_trgm, which exist once its library is
-- loaded: by the first call, or with the extension.
-- name: load_drop :script
DO $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT CASE o.type WHEN 'composite type' THEN 'type' ELSE o.type END AS kind,
               o.identity AS name
          FROM pg_depend AS d
         CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) AS o
         WHERE d.refclassid = 'pg_namespace'::regclass
           AND d.refobjid = 'public'::regnamespace
           AND d.deptype = 'n'
           AND d.classid <> 'pg_extension'::regclass
           AND NOT EXISTS (SELECT
                             FROM pg_depend AS e
                            WHERE e.classid = d.classid
                              AND e.objid = d.objid
                              AND e.deptype IN ('e', 'i'))
         ORDER BY d.classid = 'pg_class'::regclass DESC, d.objid
    LOOP
        EXECUTE format('DROP %s IF EXISTS %s CASCADE', item.kind, item.name);
    END LOOP;
    FOR item IN
        SELECT extnamespace::regnamespace AS schema
          FROM pg_extension
         WHERE extname = 'pg_trgm'
    LOOP
        EXECUTE format('SELECT %s.show_limit()', item.schema);
    END LOOP;
END $$;

-- A dump has no statistics for the planner.
-- name: load_analyze :script
DO $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT oid::regclass AS name
          FROM pg_class
         WHERE relnamespace = 'public'::regnamespace
           AND relkind IN ('r', 'p', 'm')
           AND pg_has_role(relowner, 'USAGE')
    LOOP
        EXECUTE format('ANALYZE %s', item.name);
    END LOOP;
END $$;
