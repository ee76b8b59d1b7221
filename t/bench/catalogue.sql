-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- A generated catalogue of as many films as the session's setting mxm.films
-- says, for plans and figures that depend on size. Run as a superuser: foreign
-- keys and triggers are off, and indexes are made at the end. The shares: drama
-- 40 % of the films, "the" in 35 %, "river" in 5 %, "old" in 15 %, none of which
-- is new, a translation for a third, one film in fifty has a Japanese title and
-- one in a thousand an emoji.
SELECT setseed(0.5);
SET session_replication_role = replica;
SET synchronous_commit = off;
SET maintenance_work_mem = '256MB';

CREATE TEMP TABLE made_index AS
SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS made
  FROM pg_index AS i
  JOIN pg_class AS t ON t.oid = i.indrelid
 WHERE t.relname ~ '^(movie|person)' AND t.relnamespace = 'public'::regnamespace
   AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid);
DO $$
DECLARE
	name text;
BEGIN
	FOR name IN SELECT i.name FROM made_index AS i LOOP
		EXECUTE 'DROP INDEX ' || name;
	END LOOP;
END
$$;

CREATE TEMP TABLE word AS
SELECT i, s[1 + i % 24] || s[1 + i / 24 % 24] || substr('ndlrst', 1 + i % 7, 1)
       AS word
  FROM generate_series(0, 3999) AS i,
       (SELECT string_to_array('ba co di fe ga ho ja ki lu ma ne or pa qui ro sa '
           'te un va wi xa yo za el', ' ') AS s) AS syllable;
CREATE UNIQUE INDEX ON word (i);

INSERT INTO genre (id, name, slug)
SELECT n, initcap(g), g
  FROM unnest(string_to_array('drama comedy thriller romance action horror '
      'documentary crime adventure family mystery fantasy animation music '
      'history war western sport biography film-noir', ' '))
       WITH ORDINALITY AS u (g, n);
INSERT INTO platform (id, name, slug)
SELECT i, 'Platform ' || i, 'platform-' || i FROM generate_series(1, 20) AS i;
INSERT INTO person (id, name, slug)
SELECT i, 'Person ' || i, 'person-' || i
  FROM generate_series(1, current_setting('mxm.films')::integer / 4) AS i;
INSERT INTO account (id, username, email, verified)
SELECT i, 'member' || i, 'member' || i || '@example.org', true
  FROM generate_series(1, 10) AS i;

INSERT INTO movie (id, slug, title, release_date, popularity)
SELECT d.i, 'film-' || d.i,
       CASE WHEN d.i % 1000 = 7 THEN chr(127916) || ' ' || w.word
            WHEN d.i % 50 = 3 THEN translate(w.word || v.word,
                'abcdefghijklmnopqrstuvwxyz',
                '千と尋の神隠し東京物語七人侍羅生門生きる雨月秋')
            ELSE initcap(CASE WHEN d.i % 20 < 7 THEN 'the '
                              WHEN d.i % 20 = 7 THEN 'a '
                              WHEN d.i % 20 > 16 THEN 'old ' ELSE '' END
                 || w.word || CASE WHEN d.i % 20 = 11 THEN ' river' ELSE '' END
                 || CASE WHEN d.c < 0.6 THEN ' ' || v.word ELSE '' END
                 || CASE WHEN d.c < 0.2 THEN ' of the ' || x.word ELSE '' END)
        END, CASE WHEN d.i % 20 > 16 THEN date '1890-01-01' + (d.i % 3000)::integer
             ELSE date '1900-01-01' + (46000 * (1 - d.d ^ 3))::integer END,
       d.i % 1000
  FROM (SELECT i, random() AS c, random() AS d, (4000 * random() ^ 3)::integer
               % 4000 AS w, (4000 * random() ^ 2)::integer % 4000 AS v,
               (4000 * random())::integer % 4000 AS x
          FROM generate_series(1, current_setting('mxm.films')::integer) AS i)
       AS d
  JOIN word AS w ON w.i = d.w
  JOIN word AS v ON v.i = d.v
  JOIN word AS x ON x.i = d.x
 ORDER BY d.i;
INSERT INTO movie_translation (movie_id, language, title)
SELECT m.id, ('{es,fr,de}'::text[])[1 + m.id / 3 % 3],
       'la ' || lower(m.title) || ' ' || w.word
  FROM movie AS m
  JOIN word AS w ON w.i = m.id % 4000
 WHERE m.id % 3 = 0;
INSERT INTO movie_genre (movie_id, genre_id)
SELECT m.id, g.id
  FROM movie AS m
 CROSS JOIN LATERAL (SELECT i AS id
                       FROM generate_series(1, 20) AS i
                      WHERE hashint8(m.id * 100 + i)::float8 + 2147483648
                            < 4294967296 * 0.4 / (i::float8 ^ 1.3)) AS g;
INSERT INTO movie_platform (movie_id, platform_id)
SELECT m.id, p.id
  FROM movie AS m
 CROSS JOIN LATERAL (SELECT i AS id
                       FROM generate_series(1, 20) AS i
                      WHERE hashint8(m.id * 100 + 50 + i)::float8 + 2147483648
                            < 4294967296 * 0.3 / i) AS p;
-- Person 1 acts in one film of twenty; the others' filmographies are long tailed.
INSERT INTO movie_actor (movie_id, person_id, position)
SELECT m.id, 1 + (current_setting('mxm.films')::integer / 4 - 1) * random() ^ 1.5::float8, k
  FROM movie AS m, generate_series(1, 2) AS k
    ON CONFLICT DO NOTHING;
INSERT INTO movie_actor (movie_id, person_id, position)
SELECT id, 1, 3 FROM movie WHERE id % 20 = 0 ON CONFLICT DO NOTHING;
INSERT INTO movie_director (movie_id, person_id)
SELECT m.id, 1 + (current_setting('mxm.films')::integer / 4 - 1) * random() ^ 1.5::float8
  FROM movie AS m;
INSERT INTO rating (user_id, movie_id, rating)
SELECT 1 + i % 10, 1 + (i * 7919) % current_setting('mxm.films')::integer,
       1 + i % 5
  FROM generate_series(1, 3000) AS i
    ON CONFLICT DO NOTHING;
INSERT INTO unseen (user_id, movie_id)
SELECT 1 + i % 10, 1 + (i * 7907) % current_setting('mxm.films')::integer
  FROM generate_series(1, 3000) AS i
    ON CONFLICT DO NOTHING;

DO $$
BEGIN
	IF to_regclass('movie_find') IS NOT NULL THEN
		EXECUTE 'SELECT movie_find_fill()';
	END IF;
END
$$;
DO $$
DECLARE
	made text;
BEGIN
	FOR made IN SELECT i.made FROM made_index AS i LOOP
		EXECUTE made;
	END LOOP;
END
$$;
DROP TABLE made_index, word;
SELECT setval(pg_get_serial_sequence(t, 'id'),
              current_setting('mxm.films')::bigint + 1)
  FROM unnest(ARRAY['movie', 'movie_translation', 'person', 'genre',
                    'platform', 'account', 'rating']) AS t;
RESET session_replication_role;
ANALYZE;
