-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The database server as mxmctl check and mxmctl tune see it. `missing`: an
-- extension that the schema uses and the database does not have; `outdated`: one
-- that is older than its files. `collation_changed`: the sort order of the
-- operating system is another than that of the indexes.
-- name: server_facts :one ()
SELECT current_database()::text AS database,
       current_setting('fsync')::boolean
       AND current_setting('full_page_writes')::boolean AS is_durable,
       current_setting('max_connections')::integer AS connections,
       current_setting('max_connections')::integer
       - current_setting('superuser_reserved_connections')::integer AS usable,
       least(nullif((SELECT datconnlimit
                       FROM pg_database
                      WHERE datname = current_database()), -1),
             nullif((SELECT rolconnlimit
                       FROM pg_roles
                      WHERE rolname = current_user), -1)) AS allowed,
       {{micros:clock_timestamp()}} AS now,
       (SELECT string_agg(name, ', ' ORDER BY name)
          FROM unnest(ARRAY['pg_trgm', 'unaccent']) AS name
         WHERE NOT EXISTS (SELECT
                             FROM pg_extension
                            WHERE extname = name)) AS missing,
       (SELECT string_agg(name, ', ' ORDER BY name)
          FROM pg_available_extensions
         WHERE name IN ('pg_trgm', 'unaccent')
           AND installed_version <> default_version) AS outdated,
       (SELECT datcollversion
               <> pg_database_collation_actual_version(oid)
          FROM pg_database
         WHERE datname = current_database()) AS collation_changed,
       current_setting('shared_buffers') AS shared_buffers,
       current_setting('effective_cache_size') AS effective_cache_size,
       current_setting('work_mem') AS work_mem,
       current_setting('maintenance_work_mem') AS maintenance_work_mem;
