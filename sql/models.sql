-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Models in the database, between training and serving: publication, rollback,
-- and the statements of hosts and administrators. The published model with the
-- highest version is in force; a withdrawn one has no published_at.

-- ndcg: NDCG@100 on held-out ratings; -1: not known.
-- fragment: model_columns
       m.id, m.version, m.checksum, m.size, m.quality::text AS quality,
       floor(extract(epoch FROM m.created_at))::bigint AS trained_at,
       coalesce(floor(extract(epoch FROM m.published_at))::bigint, 0)
       AS published_at,
       CASE jsonb_typeof(m.quality -> 'NDCG@100' -> 'mean') WHEN 'number'
            THEN (m.quality -> 'NDCG@100' ->> 'mean')::double precision
            ELSE -1 END AS ndcg

-- Serialises publication and rollback; readers do not wait.
-- name: model_lock :exec
LOCK TABLE model IN SHARE ROW EXCLUSIVE MODE;

-- The highest version ever used is always in the table: model_prune does not
-- delete rows above the oldest published one.
-- name: model_next :one
SELECT coalesce(max(version), 0) + 1 AS version,
       floor(extract(epoch FROM clock_timestamp()))::bigint AS now
  FROM model;

-- name: model_insert :one (version bigint, checksum text, size bigint,
--	quality jsonb, trained_at double precision)
INSERT INTO model (version, checksum, size, quality, created_at, published_at)
VALUES (:version, :checksum, :size, :quality, to_timestamp(:trained_at),
        clock_timestamp())
RETURNING id;

-- name: model_chunk_insert :exec (model_id bigint, number integer, payload bytea)
INSERT INTO model_chunk (model_id, number, payload)
VALUES (:model_id, :number, :payload);

-- name: model_prune :exec (keep bigint)
DELETE FROM model
 WHERE version < (SELECT min(version)
                    FROM (SELECT version
                            FROM model
                           WHERE published_at IS NOT NULL
                           ORDER BY version DESC
                           LIMIT :keep) AS kept);

-- Of a withdrawn model only the row remains.
-- name: model_prune_withdrawn :exec
DELETE FROM model_chunk
 WHERE model_id IN (SELECT id FROM model WHERE published_at IS NULL);

-- Corrects the marks of a batch of movies (whether the model has them), as long as
-- that version is in force. In batches, because ratings of these movies wait; rows
-- are locked in the order of their ids, as by all statements that change many.
-- name: model_movies :exec (movies bigint[], version bigint)
UPDATE movie AS m
   SET modelled = NOT m.modelled
  FROM (SELECT o.id
          FROM movie AS o
          LEFT JOIN unnest(:movies::bigint[]) AS k (id) ON k.id = o.id
         WHERE o.modelled <> (k.id IS NOT NULL)
           AND :version = (SELECT max(version)
                       FROM model
                      WHERE published_at IS NOT NULL)
         ORDER BY o.id
         LIMIT 4000
           FOR NO KEY UPDATE OF o) AS c
 WHERE m.id = c.id;

-- name: model_notify :exec
NOTIFY model;

-- name: model_newest :one
SELECT {{model_columns}}
  FROM model AS m
 WHERE m.published_at IS NOT NULL
 ORDER BY m.version DESC
 LIMIT 1;

-- The newest and the one before it.
-- name: model_newest_two :many
SELECT {{model_columns}}
  FROM model AS m
 WHERE m.published_at IS NOT NULL
 ORDER BY m.version DESC
 LIMIT 2;

-- name: model_withdraw :exec (id bigint)
UPDATE model
   SET published_at = NULL
 WHERE id = :id;

-- Puts it in force again, from now on.
-- name: model_renew :exec (id bigint)
UPDATE model
   SET published_at = clock_timestamp()
 WHERE id = :id;

-- No row: it was withdrawn or replaced. NULL: there is no such chunk.
-- name: model_chunk :one (model_id bigint, number integer)
SELECT c.payload
  FROM model AS m
  LEFT JOIN model_chunk AS c ON c.model_id = m.id AND c.number = :number
 WHERE m.id = :model_id
   AND m.published_at IS NOT NULL;

-- ------------------------------------------------------------------ training

-- fragment: train_key
hashtextextended('moviesxmovies recommend', 0)

-- One training at a time on all hosts; the lock is held by the session.
-- name: train_lock :one
SELECT pg_try_advisory_lock({{train_key}}) AS got,
       floor(extract(epoch FROM clock_timestamp()))::bigint AS now;

-- Whether this session still holds the lock.
-- name: train_locked :one
SELECT EXISTS (SELECT
                 FROM pg_locks
                WHERE locktype = 'advisory'
                  AND pid = pg_backend_pid()
                  AND database = (SELECT oid
                                    FROM pg_database
                                   WHERE datname = current_database())
                  AND (classid::bigint << 32 | objid::bigint) = {{train_key}}
                  AND objsubid = 1
                  AND granted) AS held;

-- The size of the data, at most: users who rated only deleted movies or do not take
-- part in training are counted too.
-- name: train_size :one
SELECT coalesce(sum(rating_count), 0)::bigint AS ratings,
       count(*) FILTER (WHERE rating_count > 0) AS movies,
       (SELECT count(*)
          FROM account AS a
         WHERE EXISTS (SELECT
                         FROM live_rating AS r
                        WHERE r.user_id = a.id)) AS users
  FROM live_movie;

-- Those of the users who take part.
-- name: train_ratings :copy
COPY (SELECT r.user_id, r.movie_id, r.rating,
             floor(extract(epoch FROM r.created_at))::bigint
        FROM live_rating AS r
        JOIN live_movie AS m ON m.id = r.movie_id
       WHERE NOT EXISTS (SELECT
                           FROM account AS a
                          WHERE a.id = r.user_id
                            AND NOT a.training)) TO STDOUT;

-- name: train_genres :copy
COPY (SELECT mg.genre_id, mg.movie_id
        FROM movie_genre AS mg
        JOIN live_genre AS g ON g.id = mg.genre_id
       ORDER BY mg.genre_id) TO STDOUT;

-- name: model_list :many (at_most bigint)
SELECT {{model_columns}}
  FROM model AS m
 ORDER BY m.version DESC
 LIMIT :at_most;

-- Those of these movies that are in the catalogue; no LIMIT: the caller limits
-- :movies.
-- name: model_catalogue :many (movies bigint[])
SELECT m.id
  FROM unnest(:movies::bigint[]) AS k (id)
  JOIN live_movie AS m ON m.id = k.id
 ORDER BY m.id;

-- A batch of the users who take part in training after one, and the ratings of
-- each, oldest first.
-- name: model_raters :many (after bigint, at_most bigint)
SELECT a.id,
       array_agg(r.movie_id ORDER BY r.created_at, r.id) AS rated,
       array_agg(r.rating ORDER BY r.created_at, r.id) AS stars
  FROM (SELECT id
          FROM account AS a
         WHERE a.id > :after
           AND a.active
           AND a.training
           AND EXISTS (SELECT FROM live_rating AS r WHERE r.user_id = a.id)
         ORDER BY id
         LIMIT :at_most) AS a
  JOIN live_rating AS r ON r.user_id = a.id
 GROUP BY a.id
 ORDER BY a.id
 LIMIT :at_most;

-- name: model_rater_count :one
SELECT count(*) AS raters
  FROM account AS a
 WHERE a.active
   AND a.training
   AND EXISTS (SELECT FROM live_rating AS r WHERE r.user_id = a.id);
