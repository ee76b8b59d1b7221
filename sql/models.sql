-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Models on their way from training to serving: publication, and what hosts and
-- administrators ask about it. The published model with the highest version is
-- in force; one that was taken back has no published_at any more.

-- ndcg: NDCG@100 on held-out ratings; -1: not known.
-- fragment: model_columns
       m.id, m.version, m.checksum, m.size, m.quality::text AS quality,
       floor(extract(epoch FROM m.created_at))::bigint AS trained_at,
       coalesce(floor(extract(epoch FROM m.published_at))::bigint, 0)
       AS published_at,
       CASE jsonb_typeof(m.quality -> 'NDCG@100' -> 'mean') WHEN 'number'
            THEN (m.quality -> 'NDCG@100' ->> 'mean')::double precision
            ELSE -1 END AS ndcg

-- Who publishes or takes back waits for whoever else does; readers do not.
-- name: model_lock :exec
LOCK TABLE model IN SHARE ROW EXCLUSIVE MODE;

-- The highest version there ever was is always in the table: model_prune keeps
-- what is above the oldest published one.
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

-- Of what was taken back only the row stays.
-- name: model_prune_withdrawn :exec
DELETE FROM model_chunk
 WHERE model_id IN (SELECT id FROM model WHERE published_at IS NULL);

-- Marks some of the movies of which the mark is wrong: whether the model knows
-- them, as long as that version is in force. No more at a time, since ratings of
-- them wait; their rows are locked in the order of their ids, as all do who change
-- many.
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

-- From now on it is in force again.
-- name: model_renew :exec (id bigint)
UPDATE model
   SET published_at = clock_timestamp()
 WHERE id = :id;

-- No row: it was taken back or has been replaced. NULL: there is no such chunk.
-- name: model_chunk :one (model_id bigint, number integer)
SELECT c.payload
  FROM model AS m
  LEFT JOIN model_chunk AS c ON c.model_id = m.id AND c.number = :number
 WHERE m.id = :model_id
   AND m.published_at IS NOT NULL;

-- ------------------------------------------------------------------ training

-- fragment: train_key
hashtextextended('moviesxmovies recommend', 0)

-- One training at a time, on whatever host: held as long as the session.
-- name: train_lock :one
SELECT pg_try_advisory_lock({{train_key}}) AS got,
       floor(extract(epoch FROM clock_timestamp()))::bigint AS now;

-- Whether this session is still the one that has it.
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

-- How much there is to learn from, exact but for who rated only deleted movies.
-- name: train_size :one
SELECT coalesce(sum(rating_count), 0)::bigint AS ratings,
       count(*) FILTER (WHERE rating_count > 0) AS movies,
       (SELECT count(*)
          FROM account AS a
         WHERE EXISTS (SELECT
                         FROM live_rating AS r
                        WHERE r.user_id = a.id)) AS users
  FROM live_movie;

-- name: train_ratings :copy
COPY (SELECT r.user_id, r.movie_id, r.rating,
             floor(extract(epoch FROM r.created_at))::bigint
        FROM live_rating AS r
        JOIN live_movie AS m ON m.id = r.movie_id) TO STDOUT;

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

-- Of these movies those that are in the catalogue; no LIMIT: the caller asks
-- for so many at a time.
-- name: model_catalogue :many (movies bigint[])
SELECT m.id
  FROM unnest(:movies::bigint[]) AS k (id)
  JOIN live_movie AS m ON m.id = k.id
 ORDER BY m.id;

-- Some members behind one, and what each has rated, oldest rating first.
-- name: model_raters :many (after bigint, at_most bigint)
SELECT a.id,
       array_agg(r.movie_id ORDER BY r.created_at, r.id) AS rated,
       array_agg(r.rating ORDER BY r.created_at, r.id) AS stars
  FROM (SELECT id
          FROM account AS a
         WHERE a.id > :after
           AND a.active
           AND EXISTS (SELECT FROM live_rating AS r WHERE r.user_id = a.id)
         ORDER BY id
         LIMIT :at_most) AS a
  JOIN live_rating AS r ON r.user_id = a.id
 GROUP BY a.id
 ORDER BY a.id;

-- name: model_rater_count :one
SELECT count(*) AS raters
  FROM account AS a
 WHERE a.active
   AND EXISTS (SELECT FROM live_rating AS r WHERE r.user_id = a.id);
