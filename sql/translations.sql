-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Machine translations: what is known of texts, and what mxm-jobs translates.

-- fragment: is_translation_of
t.digest = sha256(convert_to(w.text, 'UTF8'))
   AND t.language = :language

-- The translations of the texts, in their order; NULL: none. job_id: of the job
-- that translates it now, and since when.
-- name: translation_find :many (texts text[], language text)
SELECT t.text,
       CASE WHEN t.text IS NULL AND t.not_before > now()
            THEN t.job_id END AS job_id,
       floor(extract(epoch FROM now() - t.created_at) * 1000)::bigint AS age_ms
  FROM unnest(:texts::text[]) WITH ORDINALITY AS w (text, n)
  LEFT JOIN translation AS t
    ON {{is_translation_of}}
 ORDER BY w.n
 LIMIT 50;

-- Starts a job that translates those that are missing, in one call, unless the
-- quota of the viewer is used up or the provider has just failed. Of two
-- concurrent requests for a text the first one gets it.
-- name: translation_ask :exec (texts text[], language text, author bigint, viewer bigint, quota bigint, traceparent text)
WITH missing AS (
	SELECT DISTINCT w.text
	  FROM unnest(:texts::text[]) AS w (text)
	 WHERE NOT EXISTS (SELECT
	                     FROM translation AS t
	                    WHERE {{is_translation_of}}
	                      AND (t.text IS NOT NULL OR t.not_before > now()))
	   AND NOT EXISTS (SELECT
	                     FROM job
	                    WHERE name = 'translate'
	                      AND state = 'failed'
	                      AND finished_at > now() - interval '1 minute')
), today AS (
	SELECT (now() AT TIME ZONE 'UTC')::date AS day,
	       sum(char_length(text)) AS size
	  FROM missing
), paid AS (
	UPDATE account AS a
	   SET translated_on = d.day,
	       translated = d.size
	                    + CASE a.translated_on WHEN d.day THEN a.translated
	                      ELSE 0 END
	  FROM today AS d
	 WHERE a.id = :viewer
	   AND d.size > 0
	   AND (:quota::bigint = 0
	        OR d.size + CASE a.translated_on WHEN d.day THEN a.translated
	                    ELSE 0 END <= :quota)
	RETURNING a.id
), started AS (
	INSERT INTO job (name, payload)
	SELECT 'translate',
	       jsonb_strip_nulls(jsonb_build_object('traceparent',
	                                            :traceparent::text))
	  FROM paid
	RETURNING id
)
INSERT INTO translation AS t (digest, language, author_id, source, job_id,
                              not_before)
SELECT sha256(convert_to(m.text, 'UTF8')), :language, :author, m.text, s.id,
       now() + interval '2 minutes'
  FROM missing AS m
 CROSS JOIN started AS s
 ORDER BY 1
    ON CONFLICT (digest, language) DO UPDATE
   SET author_id = excluded.author_id,
       source = excluded.source,
       job_id = excluded.job_id,
       not_before = excluded.not_before,
       created_at = now()
 WHERE t.text IS NULL
   AND t.not_before <= now();

-- What a job has to translate.
-- name: translation_sources :many (job_id bigint)
SELECT id, language, source
  FROM translation
 WHERE job_id = :job_id
   AND source IS NOT NULL
 ORDER BY id
 LIMIT 50;

-- name: translation_store :exec (job_id bigint, ids bigint[], texts text[])
UPDATE translation AS t
   SET text = n.text,
       source = NULL,
       job_id = NULL,
       created_at = now()
  FROM unnest(:ids::bigint[], :texts::text[]) AS n (id, text)
 WHERE t.id = n.id
   AND t.job_id = :job_id;

-- The provider refuses these texts: they are not sent again for a day.
-- name: translation_refuse :exec (job_id bigint)
UPDATE translation
   SET source = NULL,
       job_id = NULL,
       not_before = now() + interval '1 day'
 WHERE job_id = :job_id;

-- name: translation_give_up :exec (job_id bigint)
DELETE FROM translation
 WHERE job_id = :job_id;

-- Old translations, and what was never translated.
-- name: prune_translations :exec (lifetime bigint)
DELETE FROM translation
 WHERE id IN (
	SELECT id
	  FROM translation
	 WHERE created_at < now() - CASE WHEN text IS NULL THEN interval '2 days'
	                            ELSE :lifetime::bigint * interval '1 second'
	                            END
	 ORDER BY created_at
	 LIMIT 1000);
