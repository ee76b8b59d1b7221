-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- What makes what stale. Only the triggers of this file write table touch: one
-- row for each (kind, key) that a transaction changes, in that transaction.
-- A cached answer names the kinds and keys it depends on (api/depends.h).
--
-- kind       key        what has changed
-- account    id         the account as its owner sees it: profile, language,
--                       verified, active; a session ended
-- user       id         what the user did: ratings, unseen marks, reviews,
--                       followed persons, platforms
-- friends    id         friends and friend requests of the user
-- circle     id         who the user's friends are and what they like
-- profile    username   the public page of a user: name, picture, bio, reviews,
--                       friends
-- lists      username   the lists of a user and the movies in them
-- movie      slug       a movie, and what is linked to it
-- reviews    slug       the reviews of a movie
-- review     id         a review, its comments, the reactions to all of them
-- person     slug       a person, their translations and awards
-- award      slug       an award
-- catalogue  (empty)    anything at all of the catalogue
--
-- The rules. The first twenty are those of the documented system. What is
-- renamed raises the old key and the new one, a username also old_username. Soft
-- deletion is a change like others. TRUNCATE needs no rule: it gives the table
-- another file, so the database counts as another one (statement incarnation),
-- and what was cached of the former is not found any more.
--
-- rule                     | table              | kinds raised
-- -------------------------+--------------------+------------------------------
-- reactions                | reaction           | review
-- actors of a movie        | movie_actor        | movie person catalogue
-- directors of a movie     | movie_director     | movie person catalogue
-- genres of a movie        | movie_genre        | movie catalogue
-- platforms of a movie     | movie_platform     | movie catalogue
-- awards of a movie        | movie_award        | movie catalogue
-- movie                    | movie              | movie catalogue
-- rating                   | rating             | user circle
-- review                   | review             | user profile reviews review
-- user                     | account            | account
-- list                     | movielist          | lists
-- movies of a list         | movielist_movie    | lists
-- comment                  | comment            | review
-- friendship               | friendship         | friends circle profile
-- friend request           | friend_request     | friends
-- award                    | award              | award movie person catalogue
-- awards of a person       | person_award       | person catalogue
-- person                   | person             | person catalogue
-- genre                    | genre              | catalogue
-- platform                 | platform           | catalogue
-- -------------------------+--------------------+------------------------------
-- address of a movie       | movie              | profile lists reviews review
-- translations of a movie  | movie_translation  | movie catalogue
-- translations of a person | person_translation | person catalogue
-- translations of a genre  | genre_translation  | catalogue
-- unseen marks             | unseen             | user
-- followed persons         | follow             | user
-- platforms of a user      | account_platform   | user
-- public page of a user    | account            | account friends profile
-- name of a user           | account            | account user friends circle
--                          |                    | profile lists reviews review
-- new user                 | account            | account user friends circle
--                          |                    | profile lists
-- sessions                 | session            | account
-- codes                    | code               | account

-- What 0006 did of this.
DROP FUNCTION touch_member, touch_friends, touch_rating, touch_friends_of,
	touch_catalogue, touch_catalogue_row CASCADE;

-- The writer reads by txid what it has to raise at once. Each (kind, key) is
-- there once a transaction, however many statements change it. Of the rows that
-- wait now one of each kind and key is enough; nothing depends on the kinds name
-- and list any more.
DELETE FROM touch AS t
 WHERE kind IN ('name', 'list')
    OR EXISTS (SELECT
                 FROM touch AS newer
                WHERE newer.kind = t.kind
                  AND newer.key = t.key
                  AND newer.id > t.id);
ALTER TABLE touch
	ADD COLUMN txid xid8 NOT NULL DEFAULT pg_current_xact_id(),
	DROP CONSTRAINT touch_kind_not_blank,
	ADD CONSTRAINT touch_kind_known CHECK (kind IN ('account', 'user',
		'friends', 'circle', 'profile', 'lists', 'movie', 'reviews', 'review',
		'person', 'award', 'catalogue')),
	ADD CONSTRAINT touch_once UNIQUE (txid, kind, key);
DROP INDEX touch_created_at;

-------------------------------------------------------------------------------
-- From ids to keys
-------------------------------------------------------------------------------

-- Both names by which an account is found.
CREATE VIEW account_key AS
SELECT id, username AS key
  FROM account
 UNION ALL
SELECT id, old_username
  FROM account
 WHERE old_username IS NOT NULL;

-- What this transaction has made nobody can have read yet. (A row of another
-- transaction that began in the same microsecond looks alike; whoever shows
-- movies or persons depends on the catalogue as well.)
CREATE VIEW movie_key AS
SELECT id, slug AS key
  FROM movie
 WHERE created_at <> now();

CREATE VIEW person_key AS
SELECT id, slug AS key
  FROM person
 WHERE created_at <> now();

-------------------------------------------------------------------------------
-- What makes the triggers of a rule
-------------------------------------------------------------------------------

-- The query gives kind and key from the table `changed`: the columns that matter
-- of the rows that came and went, those of an updated row twice, old and new. A
-- row is not in it when the update left all these columns as they were, so what
-- identifies the row is always among them. A NULL key is ignored, as is what is
-- there twice.
--
-- Moments: INSERT, UPDATE and DELETE are seen by statement, however many rows
-- it changes. UPDATE ROW is seen row by row, for tables that are often updated in
-- columns that do not matter: that costs nothing; `condition` replaces the
-- comparison of the columns. BEFORE DELETE ROW sees what still belongs to the row
-- and is deleted with it. One function and one trigger of the same name each.
CREATE FUNCTION touch_rule(rule text, relation regclass, columns text,
	query text, moments text[] DEFAULT '{INSERT,UPDATE,DELETE}',
	condition text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql AS $touch_rule$
DECLARE
	old    CONSTANT text := 'OLD.' || replace(columns, ', ', ', OLD.');
	new    CONSTANT text := 'NEW.' || replace(columns, ', ', ', NEW.');
	moment text;
	name   text;
BEGIN
	FOREACH moment IN ARRAY moments LOOP
		name := format('touch_%s_%s', replace(rule, ' ', '_'),
			lower(substring(moment FROM 'INSERT|UPDATE|DELETE')));
		EXECUTE format($$
CREATE FUNCTION %I() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
	INSERT INTO touch (kind, key)
	  WITH changed (%s) AS (
	%s
	)
	SELECT DISTINCT kind, key
	  FROM (%s) AS t (kind, key)
	 WHERE key IS NOT NULL
	    ON CONFLICT (txid, kind, key) DO NOTHING;
	RETURN OLD;
END
$function$ $$, name, columns, CASE moment
			WHEN 'INSERT' THEN format('SELECT %s FROM came', columns)
			WHEN 'DELETE' THEN format('SELECT %s FROM went', columns)
			WHEN 'UPDATE' THEN format('(SELECT %1$s FROM went EXCEPT '
				'SELECT %1$s FROM came) UNION ALL '
				'(SELECT %1$s FROM came EXCEPT SELECT %1$s FROM went)', columns)
			WHEN 'UPDATE ROW' THEN format('SELECT %s UNION ALL SELECT %s', old,
				new)
			WHEN 'BEFORE DELETE ROW' THEN format('SELECT %s', old)
			END, query);
		EXECUTE format('CREATE TRIGGER %I %s ON %s %s EXECUTE FUNCTION %1$I()',
			name, CASE moment
			WHEN 'UPDATE ROW' THEN 'AFTER UPDATE OF ' || columns
			WHEN 'BEFORE DELETE ROW' THEN 'BEFORE DELETE'
			ELSE 'AFTER ' || moment END, relation, CASE moment
			WHEN 'INSERT' THEN 'REFERENCING NEW TABLE AS came'
			WHEN 'DELETE' THEN 'REFERENCING OLD TABLE AS went'
			WHEN 'UPDATE' THEN
				'REFERENCING OLD TABLE AS went NEW TABLE AS came'
			WHEN 'UPDATE ROW' THEN format('FOR EACH ROW WHEN (%s)',
				coalesce(condition, format('(%s) IS DISTINCT FROM (%s)', old,
					new)))
			WHEN 'BEFORE DELETE ROW' THEN 'FOR EACH ROW' END);
	END LOOP;
END
$touch_rule$;

-------------------------------------------------------------------------------
-- The rules, in the order of the table above
-------------------------------------------------------------------------------

SELECT touch_rule('reactions', 'reaction',
	'id, user_id, review_id, comment_id, emoji, created_at, deleted_at', $$
	SELECT 'review', coalesce(review_id, (SELECT c.review_id
	                                        FROM comment AS c
	                                       WHERE c.id = comment_id))::text
	  FROM changed $$);

SELECT touch_rule('actors of a movie', 'movie_actor',
	'movie_id, person_id, position', $$
	SELECT 'movie', (SELECT key FROM movie_key WHERE id = movie_id)
	  FROM changed
	 UNION ALL
	SELECT 'person', (SELECT key FROM person_key WHERE id = person_id)
	  FROM changed
	 UNION ALL
	SELECT 'catalogue', ''
	  FROM changed $$);

SELECT touch_rule('directors of a movie', 'movie_director',
	'movie_id, person_id, position', $$
	SELECT 'movie', (SELECT key FROM movie_key WHERE id = movie_id)
	  FROM changed
	 UNION ALL
	SELECT 'person', (SELECT key FROM person_key WHERE id = person_id)
	  FROM changed
	 UNION ALL
	SELECT 'catalogue', ''
	  FROM changed $$);

SELECT touch_rule('genres of a movie', 'movie_genre', 'movie_id, genre_id', $$
	SELECT 'movie', (SELECT key FROM movie_key WHERE id = movie_id)
	  FROM changed
	 UNION ALL
	SELECT 'catalogue', ''
	  FROM changed $$);

SELECT touch_rule('platforms of a movie', 'movie_platform',
	'movie_id, platform_id', $$
	SELECT 'movie', (SELECT key FROM movie_key WHERE id = movie_id)
	  FROM changed
	 UNION ALL
	SELECT 'catalogue', ''
	  FROM changed $$);

SELECT touch_rule('awards of a movie', 'movie_award', 'movie_id, award_id', $$
	SELECT 'movie', (SELECT key FROM movie_key WHERE id = movie_id)
	  FROM changed
	 UNION ALL
	SELECT 'catalogue', ''
	  FROM changed $$);

-- What ratings and the publishing of a model change in this table, sums and
-- modelled, does not matter.
SELECT touch_rule('movie', 'movie',
	'id, slug, title, synopsis, release_date, cover, created_at, deleted_at', $$
	SELECT 'movie', slug
	  FROM changed
	 WHERE created_at <> now()
	 UNION ALL
	SELECT 'catalogue', ''
	  FROM changed $$, '{INSERT,UPDATE ROW,DELETE}');

-- Written by hand, since it runs with every rating. What the user likes, 4 or 5
-- stars, matters to their friends. An import writes one row a user.
CREATE FUNCTION touch_rating() RETURNS trigger
	LANGUAGE plpgsql AS $$
DECLARE
	users  bigint[];
	likers bigint[];
BEGIN
	IF TG_OP = 'INSERT' THEN
		SELECT array_agg(DISTINCT user_id),
		       array_agg(DISTINCT user_id) FILTER (WHERE rating >= 4)
		  INTO users, likers
		  FROM came;
	ELSIF TG_OP = 'DELETE' THEN
		SELECT array_agg(DISTINCT user_id),
		       array_agg(DISTINCT user_id) FILTER (WHERE rating >= 4)
		  INTO users, likers
		  FROM went;
	ELSE
		SELECT array_agg(DISTINCT c.user_id),
		       array_agg(DISTINCT c.user_id) FILTER (WHERE c.liked)
		  INTO users, likers
		  FROM ((SELECT id, user_id, movie_id, rating, created_at, deleted_at,
		                rating >= 4 AND deleted_at IS NULL AS liked
		           FROM went
		         EXCEPT
		         SELECT id, user_id, movie_id, rating, created_at, deleted_at,
		                rating >= 4 AND deleted_at IS NULL
		           FROM came)
		        UNION ALL
		        (SELECT id, user_id, movie_id, rating, created_at, deleted_at,
		                rating >= 4 AND deleted_at IS NULL
		           FROM came
		         EXCEPT
		         SELECT id, user_id, movie_id, rating, created_at, deleted_at,
		                rating >= 4 AND deleted_at IS NULL
		           FROM went)) AS c;
	END IF;
	IF users IS NULL THEN
		RETURN NULL;
	END IF;
	INSERT INTO touch (kind, key)
	SELECT 'user', unnest(users)::text
	 UNION ALL
	SELECT DISTINCT 'circle', friend_id::text
	  FROM friend
	 WHERE user_id = ANY (likers)
	    ON CONFLICT (txid, kind, key) DO NOTHING;
	RETURN NULL;
END
$$;

CREATE TRIGGER touch_rating_insert AFTER INSERT ON rating
	REFERENCING NEW TABLE AS came
	FOR EACH STATEMENT EXECUTE FUNCTION touch_rating();
CREATE TRIGGER touch_rating_update AFTER UPDATE ON rating
	REFERENCING OLD TABLE AS went NEW TABLE AS came
	FOR EACH STATEMENT EXECUTE FUNCTION touch_rating();
CREATE TRIGGER touch_rating_delete AFTER DELETE ON rating
	REFERENCING OLD TABLE AS went
	FOR EACH STATEMENT EXECUTE FUNCTION touch_rating();

SELECT touch_rule('review', 'review',
	'id, user_id, movie_id, title, content, is_positive, created_at, '
	'deleted_at', $$
	SELECT 'review', id::text
	  FROM changed
	 UNION ALL
	SELECT 'reviews', (SELECT key FROM movie_key AS m WHERE m.id = movie_id)
	  FROM changed
	 UNION ALL
	SELECT 'user', user_id::text
	  FROM changed
	 UNION ALL
	SELECT 'profile', a.key
	  FROM changed
	  JOIN account_key AS a ON a.id = user_id $$);

-- Not the hash of a password that log-in makes anew: a new password raises epoch.
SELECT touch_rule('user', 'account',
	'id, email, first_name, last_name, preferred_language, verified, boarded, '
	'staff, epoch', $$
	SELECT 'account', id::text
	  FROM changed $$, '{UPDATE ROW}');

SELECT touch_rule('list', 'movielist',
	'id, user_id, name, slug, description, privacity, created_at, updated_at, '
	'deleted_at', $$
	SELECT 'lists', a.key
	  FROM changed
	  JOIN account_key AS a ON a.id = user_id $$);

SELECT touch_rule('movies of a list', 'movielist_movie',
	'movielist_id, movie_id, position', $$
	SELECT 'lists', a.key
	  FROM (SELECT DISTINCT movielist_id FROM changed) AS c
	  JOIN movielist AS l ON l.id = c.movielist_id
	  JOIN account_key AS a ON a.id = l.user_id $$);

SELECT touch_rule('comment', 'comment',
	'id, user_id, review_id, reply_comment_id, content, created_at, '
	'deleted_at', $$
	SELECT 'review', review_id::text
	  FROM changed $$);

SELECT touch_rule('friendship', 'friendship',
	'id, user1_id, user2_id, created_at', $$
	SELECT kind, u.id::text
	  FROM changed
	 CROSS JOIN unnest(ARRAY[user1_id, user2_id]) AS u (id)
	 CROSS JOIN unnest(ARRAY['friends', 'circle']) AS kind
	 UNION ALL
	SELECT 'profile', a.key
	  FROM changed
	  JOIN account_key AS a ON a.id IN (user1_id, user2_id) $$);

SELECT touch_rule('friend request', 'friend_request',
	'id, from_user_id, to_user_id, status, created_at', $$
	SELECT 'friends', u.id::text
	  FROM changed
	 CROSS JOIN unnest(ARRAY[from_user_id, to_user_id]) AS u (id) $$);

SELECT touch_rule('award', 'award',
	'id, name, slug, category, icon, date, created_at, deleted_at', $$
	SELECT 'award', slug
	  FROM changed
	 WHERE created_at <> now()
	 UNION ALL
	SELECT 'movie', m.key
	  FROM changed AS c
	  JOIN movie_award AS l ON l.award_id = c.id
	  JOIN movie_key AS m ON m.id = l.movie_id
	 UNION ALL
	SELECT 'person', p.key
	  FROM changed AS c
	  JOIN person_award AS l ON l.award_id = c.id
	  JOIN person_key AS p ON p.id = l.person_id
	 UNION ALL
	SELECT 'catalogue', ''
	  FROM changed $$);

SELECT touch_rule('awards of a person', 'person_award',
	'person_id, award_id', $$
	SELECT 'person', (SELECT key FROM person_key WHERE id = person_id)
	  FROM changed
	 UNION ALL
	SELECT 'catalogue', ''
	  FROM changed $$);

SELECT touch_rule('person', 'person',
	'id, name, slug, image, biography, birthday, deathday, gender, created_at, '
	'deleted_at', $$
	SELECT 'person', slug
	  FROM changed
	 WHERE created_at <> now()
	 UNION ALL
	SELECT 'catalogue', ''
	  FROM changed $$);

SELECT touch_rule('genre', 'genre', 'id, name, slug, deleted_at', $$
	SELECT 'catalogue', ''
	  FROM changed $$);

SELECT touch_rule('platform', 'platform',
	'id, name, slug, url, image, deleted_at', $$
	SELECT 'catalogue', ''
	  FROM changed $$);

-- A deleted movie takes its reviews and its places in lists along, and these
-- have rules of their own.
SELECT touch_rule('address of a movie', 'movie', 'id, slug, deleted_at', $$
	SELECT 'reviews', slug
	  FROM changed
	 UNION ALL
	SELECT 'review', r.id::text
	  FROM changed AS c
	  JOIN review AS r ON r.movie_id = c.id
	 UNION ALL
	SELECT 'profile', a.key
	  FROM changed AS c
	  JOIN review AS r ON r.movie_id = c.id
	  JOIN account_key AS a ON a.id = r.user_id
	 UNION ALL
	SELECT 'lists', a.key
	  FROM changed AS c
	  JOIN movielist_movie AS i ON i.movie_id = c.id
	  JOIN movielist AS l ON l.id = i.movielist_id
	  JOIN account_key AS a ON a.id = l.user_id $$, '{UPDATE ROW,DELETE}');

SELECT touch_rule('translations of a movie', 'movie_translation',
	'movie_id, language, title, synopsis, image, deleted_at', $$
	SELECT 'movie', (SELECT key FROM movie_key WHERE id = movie_id)
	  FROM changed
	 UNION ALL
	SELECT 'catalogue', ''
	  FROM changed $$);

SELECT touch_rule('translations of a person', 'person_translation',
	'person_id, language, biography, deleted_at', $$
	SELECT 'person', (SELECT key FROM person_key WHERE id = person_id)
	  FROM changed
	 UNION ALL
	SELECT 'catalogue', ''
	  FROM changed $$);

SELECT touch_rule('translations of a genre', 'genre_translation',
	'genre_id, language, name, deleted_at', $$
	SELECT 'catalogue', ''
	  FROM changed $$);

SELECT touch_rule('unseen marks', 'unseen', 'user_id, movie_id', $$
	SELECT 'user', user_id::text
	  FROM changed $$);

SELECT touch_rule('followed persons', 'follow', 'user_id, person_id', $$
	SELECT 'user', user_id::text
	  FROM changed $$);

SELECT touch_rule('platforms of a user', 'account_platform',
	'user_id, platform_id', $$
	SELECT 'user', user_id::text
	  FROM changed $$);

-- Pages of friends, and of whom a friend request ties, show it as well.
SELECT touch_rule('public page of a user', 'account', 'id, bio, picture', $$
	SELECT 'account', id::text
	  FROM changed
	 UNION ALL
	SELECT 'profile', a.key
	  FROM changed AS c
	  JOIN account_key AS a ON a.id = c.id
	 UNION ALL
	SELECT 'profile', a.key
	  FROM changed AS c
	  JOIN friend AS f ON f.user_id = c.id
	  JOIN account_key AS a ON a.id = f.friend_id
	 UNION ALL
	SELECT 'friends', f.friend_id::text
	  FROM changed AS c
	  JOIN friend AS f ON f.user_id = c.id
	 UNION ALL
	SELECT 'friends', q.from_user_id::text
	  FROM changed AS c
	  JOIN friend_request AS q ON q.to_user_id = c.id
	 UNION ALL
	SELECT 'friends', q.to_user_id::text
	  FROM changed AS c
	  JOIN friend_request AS q ON q.from_user_id = c.id $$, '{UPDATE ROW}');

-- Renamed, deactivated or deleted: whatever shows the name.
SELECT touch_rule('name of a user', 'account',
	'id, username, old_username, active', $$
	SELECT kind, id::text
	  FROM changed
	 CROSS JOIN unnest(ARRAY['account', 'user', 'friends', 'circle']) AS kind
	 UNION ALL
	SELECT kind, name
	  FROM changed
	 CROSS JOIN unnest(ARRAY[username, old_username]) AS name
	 CROSS JOIN unnest(ARRAY['profile', 'lists']) AS kind
	 UNION ALL
	SELECT kind, f.friend_id::text
	  FROM changed AS c
	  JOIN friend AS f ON f.user_id = c.id
	 CROSS JOIN unnest(ARRAY['friends', 'circle']) AS kind
	 UNION ALL
	SELECT 'profile', a.key
	  FROM changed AS c
	  JOIN friend AS f ON f.user_id = c.id
	  JOIN account_key AS a ON a.id = f.friend_id
	 UNION ALL
	SELECT 'friends', q.from_user_id::text
	  FROM changed AS c
	  JOIN friend_request AS q ON q.to_user_id = c.id
	 UNION ALL
	SELECT 'friends', q.to_user_id::text
	  FROM changed AS c
	  JOIN friend_request AS q ON q.from_user_id = c.id
	 UNION ALL
	SELECT 'reviews', m.key
	  FROM changed AS c
	  JOIN review AS r ON r.user_id = c.id
	  JOIN movie_key AS m ON m.id = r.movie_id
	 UNION ALL
	SELECT 'review', r.id::text
	  FROM changed AS c
	  JOIN review AS r ON r.user_id = c.id
	 UNION ALL
	SELECT 'review', k.review_id::text
	  FROM changed AS c
	  JOIN comment AS k ON k.user_id = c.id
	 UNION ALL
	SELECT 'review', coalesce(x.review_id, k.review_id)::text
	  FROM changed AS c
	  JOIN reaction AS x ON x.user_id = c.id
	  LEFT JOIN comment AS k ON k.id = x.comment_id $$,
	'{UPDATE ROW,BEFORE DELETE ROW}');

-- A number or name may have been another's: before it was deleted, or in the
-- database that a restored one replaces. Not of an account that nobody can log in
-- to, as those of an import: there are many, and nobody reads as one of them.
SELECT touch_rule('new user', 'account',
	'id, username, password, google_subject', $$
	SELECT kind, id::text
	  FROM changed
	 CROSS JOIN unnest(ARRAY['account', 'user', 'friends', 'circle']) AS kind
	 WHERE password NOT LIKE '!%' OR google_subject IS NOT NULL
	 UNION ALL
	SELECT kind, username
	  FROM changed
	 CROSS JOIN unnest(ARRAY['profile', 'lists']) AS kind
	 WHERE password NOT LIKE '!%' OR google_subject IS NOT NULL $$, '{INSERT}');

-- One that has expired is none any more, and is deleted later. Refreshing one
-- moves its end away.
SELECT touch_rule('sessions', 'session', 'id, user_id, epoch, expires_at', $$
	SELECT 'account', user_id::text
	  FROM changed
	 WHERE expires_at > now() $$, '{UPDATE ROW,DELETE}',
	'(OLD.id, OLD.user_id, OLD.epoch) IS DISTINCT FROM '
	'(NEW.id, NEW.user_id, NEW.epoch) OR NEW.expires_at < OLD.expires_at');

SELECT touch_rule('codes', 'code',
	'id, user_id, purpose, digest, tries, mailed_at, expires_at', $$
	SELECT 'account', user_id::text
	  FROM changed
	 WHERE expires_at > now() $$);
