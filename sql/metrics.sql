-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The figures of /metrics that are in the database.

-- All in one statement: jobs by name and state (10 000 of each state are counted
-- at most) and the age of the oldest that is due; overdue rows of table touch, as
-- in health_ping; the version of the model in force, and the quality of version
-- :version.
-- name: metrics :many within=500ms (version bigint)
WITH open AS MATERIALIZED (
	(SELECT name, state, run_at
	   FROM job
	  WHERE state = 'queued'
	  ORDER BY run_at, id
	  LIMIT 10000)
	UNION ALL
	(SELECT name, state, run_at
	   FROM job
	  WHERE state = 'running'
	  LIMIT 10000)
	UNION ALL
	(SELECT name, state, NULL
	   FROM job
	  WHERE state = 'failed'
	  LIMIT 10000)
)
SELECT 'jobs' AS what, name, state, count(*)::double precision AS value
  FROM open
 GROUP BY name, state
 UNION ALL
SELECT 'job_age', name, '', extract(epoch FROM now() - min(run_at))
  FROM open
 WHERE state = 'queued'
   AND run_at <= now()
 GROUP BY name
 UNION ALL
SELECT 'touches', '', '', count(*)
  FROM (SELECT created_at
          FROM touch
         ORDER BY id
         LIMIT 1000) AS oldest
 WHERE created_at < now() - interval '30 seconds'
 UNION ALL
SELECT 'published', '', '', max(version)
  FROM model
 WHERE published_at IS NOT NULL
 UNION ALL
SELECT 'ndcg', '', '', m.ndcg
  FROM (SELECT {{model_columns}}
          FROM model AS m
         WHERE m.version = :version) AS m
 WHERE m.ndcg >= 0
 LIMIT 1000;
