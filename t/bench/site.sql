-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- A generated site: what a catalogue (t/bench/catalogue.sql) and its users
-- (t/bench/people.sql), which are made before, have beside: persons with names,
-- credits, awards, ratings, marks, reviews, comments, reactions, lists. Sizes are
-- settings of the session: mxm.films, mxm.persons, mxm.users, mxm.ratings. Always
-- the same. Run as a superuser: foreign keys and triggers are off, and indexes are
-- made at the end.
--
-- Few have much: n of a thing is a share of ln(u)^2, whose mean is 2, u evenly
-- distributed; a film is taken from place x^2.5 of an order that is that of their
-- popularity. Users have a row for half of the strata of that order, so that
-- no pair is there twice and the most popular film is rated by half of them.
SET session_replication_role = replica;
SET synchronous_commit = off;
SET maintenance_work_mem = '1GB';
SET work_mem = '256MB';

CREATE FUNCTION pg_temp.share(i bigint, salt integer) RETURNS double precision
	LANGUAGE sql IMMUTABLE AS $$
	SELECT ((hashint8extended(i, salt) & 2147483647) + 1) / 2147483648.0
$$;

-- How many of a thing number i has, m on average, at most `most`.
CREATE FUNCTION pg_temp.many(i bigint, salt integer, m double precision,
	most integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
	SELECT least(m * (0.2 + 0.4 * ln(pg_temp.share(i, salt)) ^ 2), most)::integer
$$;

-- Films, each once: of 2 n strata about half. place 0 is the most popular.
CREATE FUNCTION pg_temp.films(i bigint, n integer, salt integer)
	RETURNS TABLE (film bigint, k integer) LANGUAGE sql IMMUTABLE AS $$
	SELECT 1 + (k + floor((f - 2 * n)
	                      * ((k + pg_temp.share(i * 65536 + k, salt)) / (2 * n))
	                      ^ 2.5)::bigint) * 7919 % f, k
	  FROM (SELECT current_setting('mxm.films')::bigint AS f) AS s,
	       generate_series(0, 2 * n - 1) AS k
	 WHERE pg_temp.share(i * 65536 + k, salt + 1) < 0.5
$$;

CREATE TEMP TABLE dropped_index AS
SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS made
  FROM pg_index AS i
  JOIN pg_class AS t ON t.oid = i.indrelid
 WHERE t.relname ~ ('^(person|movie_actor|movie_director|rating|unseen|review|'
                    'comment|reaction|movielist|follow|award)')
   AND t.relnamespace = 'public'::regnamespace
   AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid);
DO $$
DECLARE
	name text;
BEGIN
	FOR name IN SELECT i.name FROM dropped_index AS i LOOP
		EXECUTE 'DROP INDEX ' || name;
	END LOOP;
END
$$;

-- Persons with first and last names as those of people.sql; some have three words.
DELETE FROM person;
INSERT INTO person (id, name, slug, biography, birthday, gender)
SELECT i, initcap(n.name), replace(n.name, ' ', '-') || '-' || i,
       CASE WHEN i % 4 = 0 THEN repeat('Born to a family of actors. ',
                                       (i % 20)::integer) ELSE '' END,
       date '1900-01-01' + (i % 36000)::integer, i % 3
  FROM generate_series(1, current_setting('mxm.persons')::bigint) AS i
 CROSS JOIN LATERAL (
	SELECT pg_temp.name(least(pg_temp.dice(i, 1, 1000),
	                          pg_temp.dice(i, 2, 1000)))
	       || CASE WHEN i % 9 = 0
	               THEN ' ' || pg_temp.name(pg_temp.dice(i, 5, 1000)) ELSE '' END
	       || ' ' || pg_temp.name(1000 + least(pg_temp.dice(i, 3, 8000),
	                                           pg_temp.dice(i, 4, 8000))) AS name)
       AS n;
INSERT INTO person_translation (person_id, language, biography)
SELECT id, 'es', 'De una familia de actores.' FROM person WHERE id % 10 = 0;

-- Ten actors and one director a film, as in TMDB's first credits; one film in ten
-- has two directors. A tenth of the persons have no film.
TRUNCATE movie_actor, movie_director;
INSERT INTO movie_actor (movie_id, person_id, position)
SELECT m, 1 + (p * 0.9 * pg_temp.share(m * 100 + k, 11) ^ 2)::bigint, k
  FROM (SELECT current_setting('mxm.persons')::bigint AS p) AS s,
       generate_series(1, current_setting('mxm.films')::bigint) AS m,
       generate_series(1, 10) AS k
    ON CONFLICT DO NOTHING;
INSERT INTO movie_director (movie_id, person_id, position)
SELECT m, 1 + (p * 0.9 * pg_temp.share(m * 100 + k, 12) ^ 3)::bigint * 7 % p, k
  FROM (SELECT current_setting('mxm.persons')::bigint AS p) AS s,
       generate_series(1, current_setting('mxm.films')::bigint) AS m,
       generate_series(1, 2) AS k
 WHERE k = 1 OR m % 10 = 0
    ON CONFLICT DO NOTHING;

INSERT INTO award (id, name, slug, category, date)
SELECT i, 'Award ' || i, 'award-' || i, 'BP', date '1950-01-01' + i * 10
  FROM generate_series(1, 2000) AS i;
INSERT INTO movie_award (movie_id, award_id)
SELECT 1 + i * 7919 % current_setting('mxm.films')::bigint, i FROM generate_series(1, 2000) AS i
    ON CONFLICT DO NOTHING;
INSERT INTO person_award (person_id, award_id)
SELECT 1 + i * 3 % current_setting('mxm.persons')::bigint, i
  FROM generate_series(1, 2000) AS i
    ON CONFLICT DO NOTHING;

UPDATE movie SET synopsis = repeat('Two strangers meet on a train. ',
                                   1 + (id % 12)::integer);
INSERT INTO account_platform (user_id, platform_id)
SELECT i, 1 + (i + k) % 6
  FROM generate_series(1, current_setting('mxm.users')::bigint, 3) AS i,
       generate_series(1, 3) AS k
    ON CONFLICT DO NOTHING;

TRUNCATE rating, unseen;
INSERT INTO rating (user_id, movie_id, rating, created_at, updated_at)
SELECT u, f.film, 1 + least(pg_temp.dice(u * 65536 + f.k, 23, 6), 4),
       made.at, made.at
  FROM (SELECT current_setting('mxm.users')::bigint AS users,
               current_setting('mxm.ratings')::double precision AS ratings) AS s,
       generate_series(1, users) AS u
 CROSS JOIN LATERAL pg_temp.films(u, pg_temp.many(u, 20, ratings / users, 5000),
                                  21) AS f
 CROSS JOIN LATERAL (SELECT timestamptz '2018-01-01 00:00:00Z'
                            + pg_temp.dice(u * 65536 + f.k, 24, 250000000)
                            * interval '1 second' AS at) AS made;
UPDATE movie AS m
   SET rating_sum = r.s, rating_count = r.n, stars_1 = r.n1, stars_2 = r.n2,
       stars_3 = r.n3, stars_4 = r.n4, stars_5 = r.n5
  FROM (SELECT movie_id, sum(rating) AS s, count(*) AS n,
               count(*) FILTER (WHERE rating = 1) AS n1,
               count(*) FILTER (WHERE rating = 2) AS n2,
               count(*) FILTER (WHERE rating = 3) AS n3,
               count(*) FILTER (WHERE rating = 4) AS n4,
               count(*) FILTER (WHERE rating = 5) AS n5
          FROM rating
         GROUP BY movie_id) AS r
 WHERE r.movie_id = m.id;
INSERT INTO trend (movie_id, place)
SELECT id, row_number() OVER (ORDER BY rating_count DESC, id)
  FROM movie
 ORDER BY 2
 LIMIT 200;
INSERT INTO unseen (user_id, movie_id)
SELECT u, f.film
  FROM generate_series(1, current_setting('mxm.users')::bigint, 2) AS u
 CROSS JOIN LATERAL pg_temp.films(u, pg_temp.many(u, 30, 10, 500), 31) AS f;

-- One review a user on average; one comment a review beside those of review 1,
-- which has thousands, of which every tenth has replies; three reactions to each.
INSERT INTO review (user_id, movie_id, title, content, is_positive, created_at)
SELECT u, f.film, 'About this film',
       repeat('I have seen it twice. ', 1 + (f.film % 30)::integer), u % 3 > 0,
       timestamptz '2018-01-01 00:00:00Z' + u * interval '20 minutes'
  FROM generate_series(1, current_setting('mxm.users')::bigint) AS u
 CROSS JOIN LATERAL pg_temp.films(u, pg_temp.many(u, 40, 1, 500), 41) AS f;
INSERT INTO comment (id, user_id, review_id, content)
SELECT i, 1 + pg_temp.dice(i, 50, users),
       CASE WHEN i % 50 = 0 THEN 1
            ELSE 1 + (reviews * pg_temp.share(i, 51) ^ 2)::bigint % reviews END,
       repeat('I do not think so. ', 1 + (i % 9)::integer)
  FROM (SELECT current_setting('mxm.users')::integer AS users,
               (SELECT count(*) FROM review) AS reviews) AS s,
       generate_series(1, users) AS i;
INSERT INTO comment (id, user_id, review_id, reply_comment_id, content)
SELECT CASE WHEN k < 3 THEN users + c.id * 3 + k ELSE users * 5 + k END,
       1 + pg_temp.dice(c.id * 4 + k, 52, users), c.review_id,
       c.id, 'Why not?'
  FROM (SELECT current_setting('mxm.users')::integer AS users) AS s,
       comment AS c,
       generate_series(1, CASE WHEN c.id = 50 THEN 3000 ELSE 2 END) AS k
 WHERE c.id % 10 = 0;
INSERT INTO reaction (user_id, review_id, emoji)
SELECT 1 + (v.id * 7 + k) % users, v.id,
       (ARRAY['LIKE', 'LOVE', 'LAUGH', 'SAD', 'FIRE', 'EYES'])[1 + (v.id + k) % 6]
  FROM (SELECT current_setting('mxm.users')::bigint AS users) AS s,
       review AS v,
       generate_series(1, CASE v.id WHEN 1 THEN least(5000, users) ELSE v.id % 7 END) AS k;
INSERT INTO reaction (user_id, comment_id, emoji)
SELECT 1 + (c.id * 7 + k) % users, c.id,
       (ARRAY['LIKE', 'LOVE', 'LAUGH', 'SAD', 'FIRE', 'EYES'])[1 + (c.id + k) % 6]
  FROM (SELECT current_setting('mxm.users')::bigint AS users) AS s,
       comment AS c,
       generate_series(1, CASE c.id WHEN 50 THEN least(5000, users) ELSE c.id % 7 END) AS k;

-- Half of the users have lists, up to 200 of them; a list has ten films.
INSERT INTO movielist (id, user_id, name, slug, privacity)
SELECT row_number() OVER (), u,
       initcap(pg_temp.name(pg_temp.dice(u * 256 + k, 60, 4000))), 'list-' || k,
       ('{P,P,F,R}'::text[])[1 + k % 4]
  FROM generate_series(1, current_setting('mxm.users')::bigint, 2) AS u,
       generate_series(1, pg_temp.many(u, 61, 2.5, 200)) AS k;
INSERT INTO movielist_movie (movielist_id, movie_id)
SELECT l.id, f.film
  FROM movielist AS l
 CROSS JOIN LATERAL pg_temp.films(l.id, pg_temp.many(l.id, 62, 10, 2000), 63) AS f;
INSERT INTO follow (user_id, person_id)
SELECT u, 1 + (p * pg_temp.share(u * 64 + k, 70) ^ 2)::bigint % p
  FROM (SELECT current_setting('mxm.persons')::bigint AS p) AS s,
       generate_series(1, current_setting('mxm.users')::bigint, 4) AS u,
       generate_series(1, pg_temp.many(u, 71, 5, 60)) AS k
    ON CONFLICT DO NOTHING;

-- The table of the search for persons is filled by the indexes of credits.
DO $$
DECLARE
	made text;
BEGIN
	FOR made IN SELECT i.made FROM dropped_index AS i
	             WHERE i.name !~ '^person_find' LOOP
		EXECUTE made;
	END LOOP;
	ANALYZE person, movie, movie_actor, movie_director;
	PERFORM person_find_fill();
	FOR made IN SELECT i.made FROM dropped_index AS i
	             WHERE i.name ~ '^person_find' LOOP
		EXECUTE made;
	END LOOP;
END
$$;
DROP TABLE dropped_index;
SELECT setval(pg_get_serial_sequence(t, 'id'), 1000000000)
  FROM unnest(ARRAY['person', 'award', 'comment', 'movielist']) AS t;
RESET session_replication_role;
