-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Generated users and friendships, for plans and figures that depend on size: as
-- many accounts as the session's setting mxm.users, ten times as many
-- friendships, half as many friend requests. Always the same. Run as a superuser:
-- triggers are off, so the tables of the search are filled at the end.
--
-- Names are made of syllables, as the words of t/bench/catalogue.sql, so that a
-- few letters match few users or many: 400 first names of unequal shares, 8000
-- last names, and user names of both with a number. One account in a hundred is
-- locked. User i is a friend of ten users who have joined within the 2000 after
-- them, so the friends of a user have friends in common; the first ten users also
-- have 5000 friends each, from all others.
SET session_replication_role = replica;
SET synchronous_commit = off;
SET jit = off;

CREATE FUNCTION pg_temp.dice(i bigint, salt integer, sides integer)
	RETURNS integer LANGUAGE sql IMMUTABLE AS $$
	SELECT ((hashint8extended(i, salt) & 2147483647) % sides)::integer
$$;

CREATE FUNCTION pg_temp.name(n integer) RETURNS text
	LANGUAGE sql IMMUTABLE AS $$
	SELECT s[1 + n % 24] || s[1 + n / 24 % 24]
	       || CASE WHEN n % 3 = 0 THEN substr('ndlrst', 1 + n % 6, 1)
	               ELSE s[1 + n * 7 % 24] END
	  FROM (SELECT string_to_array('ba co di fe ga ho ja ki lu ma ne or pa qui ro '
	          'sa te un va wi xa yo za el', ' ') AS s) AS syllable
$$;

INSERT INTO account (id, username, email, first_name, last_name, bio, password,
                     verified, boarded, active, date_joined)
SELECT i, f || CASE i % 4 WHEN 0 THEN '.' WHEN 1 THEN '_' ELSE '' END
          || CASE WHEN i % 3 = 0 THEN l ELSE '' END || i,
       'u' || i || '@example.org', initcap(f), initcap(l),
       CASE WHEN i % 5 = 0 THEN repeat('I like long films. ', (i % 7)::integer) END,
       '$argon2id$' || repeat('x', 87), i % 50 <> 0, true, i % 100 <> 0,
       timestamptz '2015-01-01 00:00:00Z' + i * interval '20 minutes'
  FROM generate_series(1, current_setting('mxm.users')::bigint) AS i
 CROSS JOIN LATERAL (
	SELECT pg_temp.name(least(pg_temp.dice(i, 1, 400),
	                          pg_temp.dice(i, 2, 400))) AS f,
	       pg_temp.name(1000 + pg_temp.dice(i, 3, 8000)) AS l) AS n
 ORDER BY i
    ON CONFLICT DO NOTHING; -- with those of t/bench/catalogue.sql

INSERT INTO friendship (user1_id, user2_id, created_at)
SELECT least(i, j), greatest(i, j), timestamptz '2024-01-01 00:00:00Z'
  FROM (SELECT i, 1 + (i - 1 + (k - 1) * 200 + 1 + pg_temp.dice(i, k, 200))
                      % users AS j
          FROM (SELECT current_setting('mxm.users')::bigint AS users) AS u,
               generate_series(1, users) AS i,
               generate_series(1, 10) AS k) AS pair
 WHERE i <> j
    ON CONFLICT DO NOTHING;

INSERT INTO friendship (user1_id, user2_id, created_at)
SELECT i, j, timestamptz '2024-01-01 00:00:00Z'
  FROM (SELECT current_setting('mxm.users')::bigint AS users) AS u,
       generate_series(1, 10) AS i,
       generate_series(11 + i, users, greatest(users / 5000, 40)) AS j
    ON CONFLICT DO NOTHING;

INSERT INTO friend_request (from_user_id, to_user_id)
SELECT i, j
  FROM (SELECT i, 1 + (i + 2000 + pg_temp.dice(i, 77, 500)) % users AS j
          FROM (SELECT current_setting('mxm.users')::bigint AS users) AS u,
               generate_series(1, users, 2) AS i) AS pair
 WHERE i <> j
    ON CONFLICT DO NOTHING;

SELECT setval(pg_get_serial_sequence('account', 'id'),
              current_setting('mxm.users')::bigint);
INSERT INTO account_find (user_id, date_joined, names)
SELECT id, date_joined, E'\x01' || search_fold || E'\x01'
  FROM account
 WHERE active
 ORDER BY id;
INSERT INTO account_gram (gram, class, date_joined, user_id)
SELECT g.gram, g.class, f.date_joined, f.user_id
  FROM account_find AS f
 CROSS JOIN LATERAL text_grams(string_to_array(f.names, E'\x01')) AS g
 ORDER BY 1, 2, 3 DESC, 4;
