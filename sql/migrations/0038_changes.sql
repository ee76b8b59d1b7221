-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- What of a user has changed, for other clients to synchronise
-- (/api/users/changes/): ratings, unseen marks, reviews, lists, movies of lists,
-- friends.
--
-- Table change has one row for each thing, with the number of its last change.
-- The numbers of a user are assigned under a lock of their row in change_head,
-- which is held until the end of the transaction. So they are in the order of the
-- commits: when a number can be read, all lower ones can be read or will never
-- exist. (A sequence does not have this property.) The values are not copied:
-- they are read from the tables.
--
-- Only users who have synchronised once are tracked (change_start()), so that
-- imports, and users who never do, cost nothing.
--
-- kind        key    part   changes when
-- rating      movie         the rating, or address or deletion of the movie
-- unseen      movie         the mark, or the movie as above
-- review      id            the review, or the movie as above
-- list        id            the list
-- list_movie  list   movie  the place in the list, or the movie as above;
--                           the list is deleted or restored
-- friend      user          the friendship, or name or activity of the friend

-- last: the highest number. pruned: that of the last tombstone that was deleted;
-- who has not read up to it starts over. epoch: a row that is created again has
-- another one.
CREATE TABLE change_head (
	user_id bigint PRIMARY KEY REFERENCES account ON DELETE CASCADE,
	epoch   uuid NOT NULL DEFAULT gen_random_uuid(),
	last    bigint NOT NULL DEFAULT 0,
	pruned  bigint NOT NULL DEFAULT 0
);

-- deleted: a tombstone, which is deleted later.
CREATE TABLE change (
	user_id    bigint NOT NULL REFERENCES change_head ON DELETE CASCADE,
	seq        bigint NOT NULL,
	key        bigint NOT NULL,
	part       bigint NOT NULL DEFAULT 0,
	changed_at timestamptz NOT NULL DEFAULT now(),
	kind       text NOT NULL,
	deleted    boolean NOT NULL DEFAULT false,

	PRIMARY KEY (user_id, kind, key, part),
	CONSTRAINT change_seq_unique UNIQUE (user_id, seq),
	CONSTRAINT change_kind_known CHECK (kind IN ('rating', 'unseen', 'review',
		'list', 'list_movie', 'friend'))
);
CREATE INDEX change_tombstone ON change (changed_at) WHERE deleted;

-- All things, with their values.
CREATE VIEW change_item AS
SELECT r.user_id, 'rating' AS kind, r.movie_id AS key, 0::bigint AS part,
       r.created_at, m.slug AS movie, r.rating, NULL::text AS title,
       NULL::text AS content, NULL::boolean AS is_positive,
       NULL::boolean AS spoiler, NULL::text AS name, NULL::text AS slug,
       NULL::text AS description, NULL::text AS privacity,
       NULL::timestamptz AS updated_at, NULL::bigint AS position
  FROM live_rating AS r
  JOIN live_movie AS m ON m.id = r.movie_id
 UNION ALL
SELECT u.user_id, 'unseen', u.movie_id, 0::bigint, u.created_at, m.slug, NULL, NULL,
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM unseen AS u
  JOIN live_movie AS m ON m.id = u.movie_id
 UNION ALL
SELECT v.user_id, 'review', v.id, 0::bigint, v.created_at, m.slug, NULL, v.title,
       v.content, v.is_positive, v.spoiler, NULL, NULL, NULL, NULL, NULL, NULL
  FROM live_review AS v
  JOIN live_movie AS m ON m.id = v.movie_id
 UNION ALL
SELECT l.user_id, 'list', l.id, 0::bigint, l.created_at, NULL, NULL, NULL, NULL, NULL,
       NULL, l.name, l.slug, l.description, l.privacity, l.updated_at, NULL
  FROM live_movielist AS l
 UNION ALL
SELECT l.user_id, 'list_movie', i.movielist_id, i.movie_id, i.created_at, m.slug,
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, i.position
  FROM movielist_movie AS i
  JOIN live_movielist AS l ON l.id = i.movielist_id
  JOIN live_movie AS m ON m.id = i.movie_id
 UNION ALL
SELECT f.user_id, 'friend', f.friend_id, 0::bigint, f.created_at, NULL, NULL, NULL,
       NULL, NULL, NULL, a.username, NULL, NULL, NULL, NULL, NULL
  FROM friend AS f
  JOIN live_account AS a ON a.id = f.friend_id;

-- Identifies the history to which the numbers of a user belong. It changes when
-- the database is restored in whatever way creates tables or another timeline of
-- the server, and when one of the tables is truncated. (After the files of a whole
-- machine were replaced by older ones: DELETE FROM change_head.)
CREATE FUNCTION change_epoch(head change_head) RETURNS text
	LANGUAGE sql STABLE AS $$
	SELECT lpad(to_hex(hashtextextended(concat_ws(' ', head.user_id, head.epoch,
	           (SELECT system_identifier FROM pg_control_system()),
	           left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
	           (SELECT oid
	              FROM pg_database
	             WHERE datname = current_database()),
	           (SELECT string_agg(oid || ':' || relfilenode, ',' ORDER BY oid)
	              FROM pg_class
	             WHERE oid IN ('public.change'::regclass,
	                           'public.change_head'::regclass,
	                           'public.rating'::regclass,
	                           'public.unseen'::regclass,
	                           'public.review'::regclass,
	                           'public.movielist'::regclass,
	                           'public.movielist_movie'::regclass,
	                           'public.friendship'::regclass))), 0)), 16, '0')
$$;

-- Those of the users who are tracked; their numbers are locked until the end of
-- the transaction. The lock of the account is the one that change_start() waits
-- for.
CREATE FUNCTION change_heads(users bigint[]) RETURNS bigint[]
	LANGUAGE plpgsql AS $$
BEGIN
	PERFORM
	   FROM account
	  WHERE id = ANY (users)
	  ORDER BY id
	    FOR KEY SHARE;
	RETURN ARRAY(SELECT user_id
	               FROM change_head
	              WHERE user_id = ANY (users)
	              ORDER BY user_id
	                FOR NO KEY UPDATE);
END
$$;

-- Tracks the user from now on, with all that exists. Waits for transactions that
-- are changing something of theirs, so that each change is either found here or
-- numbered by its trigger. Returns the cursor before all.
CREATE FUNCTION change_start(viewer bigint) RETURNS text
	LANGUAGE plpgsql AS $$
DECLARE
	total bigint;
BEGIN
	IF NOT EXISTS (SELECT FROM change_head WHERE user_id = viewer) THEN
		PERFORM FROM account WHERE id = viewer FOR UPDATE;
		INSERT INTO change_head (user_id)
		SELECT id FROM account WHERE id = viewer
		    ON CONFLICT DO NOTHING;
		IF FOUND THEN
			INSERT INTO change (user_id, seq, kind, key, part)
			SELECT user_id, row_number() OVER (ORDER BY kind, key, part), kind,
			       key, part
			  FROM change_item
			 WHERE user_id = viewer;
			GET DIAGNOSTICS total = ROW_COUNT;
			UPDATE change_head SET last = total WHERE user_id = viewer;
		END IF;
	END IF;
	RETURN (SELECT format('%s-%s-0', change_epoch(h), h.last)
	          FROM change_head AS h
	         WHERE h.user_id = viewer);
END
$$;

-- Makes the triggers that number what a change of the table changes. The query
-- gives user, kind, key, part and whether it is gone, from table `changed`: the
-- columns of the rows for which `live` is true before (gone) or after the change,
-- without those that are the same in both. UPDATE ROW is for tables that are often
-- updated in other columns: the new row. The names make them the last triggers of
-- a table, since all that changes a movie locks it before the numbers of users.
CREATE FUNCTION track_rule(rule text, relation regclass, columns text, live text,
	query text, moments text[] DEFAULT '{INSERT,UPDATE,DELETE}') RETURNS void
	LANGUAGE plpgsql AS $track_rule$
DECLARE
	old    CONSTANT text := 'OLD.' || replace(columns, ', ', ', OLD.');
	new    CONSTANT text := 'NEW.' || replace(columns, ', ', ', NEW.');
	came   CONSTANT text := format('SELECT %s FROM came WHERE %s', columns, live);
	went   CONSTANT text := format('SELECT %s FROM went WHERE %s', columns, live);
	moment text;
	name   text;
BEGIN
	FOREACH moment IN ARRAY moments LOOP
		name := format('track_%s_%s', rule,
			lower(substring(moment FROM 'INSERT|UPDATE|DELETE')));
		EXECUTE format($$
CREATE FUNCTION %1$I() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE
	users bigint[];
BEGIN
	  WITH changed (%2$s, gone) AS (%3$s)
	SELECT array_agg(DISTINCT t.user_id)
	  INTO users
	  FROM (%4$s) AS t (user_id, kind, key, part, gone)
	 WHERE t.user_id IS NOT NULL;
	IF users IS NULL THEN
		RETURN NULL;
	END IF;
	users := change_heads(users);
	IF cardinality(users) = 0 THEN
		RETURN NULL;
	END IF;
	  WITH changed (%2$s, gone) AS (%3$s
	), keyed AS (
		SELECT t.user_id, t.kind, t.key, t.part, bool_and(t.gone) AS gone
		  FROM (%4$s) AS t (user_id, kind, key, part, gone)
		 WHERE t.user_id = ANY (users)
		 GROUP BY t.user_id, t.kind, t.key, t.part
	), numbered AS (
		SELECT k.*, row_number() OVER (PARTITION BY k.user_id
		                               ORDER BY k.kind, k.key, k.part) AS n,
		       count(*) OVER (PARTITION BY k.user_id) AS total
		  FROM keyed AS k
	), head AS (
		UPDATE change_head AS h
		   SET last = h.last + c.total
		  FROM (SELECT DISTINCT user_id, total FROM numbered) AS c
		 WHERE h.user_id = c.user_id
		RETURNING h.user_id, h.last - c.total AS before
	)
	INSERT INTO change (user_id, seq, kind, key, part, deleted)
	SELECT n.user_id, h.before + n.n, n.kind, n.key, n.part, n.gone
	  FROM numbered AS n
	  JOIN head AS h ON h.user_id = n.user_id
	    ON CONFLICT (user_id, kind, key, part) DO UPDATE
	   SET seq = excluded.seq,
	       deleted = excluded.deleted,
	       changed_at = excluded.changed_at;
	RETURN NULL;
END
$function$ $$, name, columns, CASE moment
			WHEN 'INSERT' THEN
				format('SELECT *, false FROM (%s) AS c', came)
			WHEN 'DELETE' THEN
				format('SELECT *, true FROM (%s) AS c', went)
			WHEN 'UPDATE' THEN
				format('SELECT *, true FROM (%1$s EXCEPT %2$s) AS c UNION ALL '
					'SELECT *, false FROM (%2$s EXCEPT %1$s) AS c', went, came)
			WHEN 'UPDATE ROW' THEN format('SELECT %s, false', new)
			END, query);
		EXECUTE format('CREATE TRIGGER %I %s ON %s %s EXECUTE FUNCTION %1$I()',
			name, CASE moment
			WHEN 'UPDATE ROW' THEN 'AFTER UPDATE OF ' || columns
			ELSE 'AFTER ' || moment END, relation, CASE moment
			WHEN 'INSERT' THEN 'REFERENCING NEW TABLE AS came'
			WHEN 'DELETE' THEN 'REFERENCING OLD TABLE AS went'
			WHEN 'UPDATE' THEN
				'REFERENCING OLD TABLE AS went NEW TABLE AS came'
			WHEN 'UPDATE ROW' THEN format('FOR EACH ROW WHEN ((%s) IS DISTINCT '
				'FROM (%s))', old, new) END);
	END LOOP;
END
$track_rule$;

SELECT track_rule('rating', 'rating', 'user_id, movie_id, rating, created_at',
	'deleted_at IS NULL', $$
	SELECT user_id, 'rating', movie_id, 0, gone FROM changed $$);

SELECT track_rule('unseen', 'unseen', 'user_id, movie_id, created_at', 'true', $$
	SELECT user_id, 'unseen', movie_id, 0, gone FROM changed $$);

SELECT track_rule('review', 'review',
	'id, user_id, movie_id, title, content, is_positive, spoiler, created_at',
	'deleted_at IS NULL', $$
	SELECT user_id, 'review', id, 0, gone FROM changed $$);

-- One that is deleted or restored takes its movies along.
SELECT track_rule('list', 'movielist',
	'id, user_id, name, slug, description, privacity, created_at, updated_at',
	'deleted_at IS NULL', $$
	SELECT user_id, 'list', id, 0, gone FROM changed
	 UNION ALL
	SELECT c.user_id, 'list_movie', c.id, i.movie_id, c.gone
	  FROM changed AS c
	  JOIN movielist_movie AS i ON i.movielist_id = c.id
	 WHERE NOT EXISTS (SELECT
	                     FROM changed AS other
	                    WHERE other.id = c.id
	                      AND other.gone <> c.gone) $$);

SELECT track_rule('list_movie', 'movielist_movie',
	'movielist_id, movie_id, position, created_at', 'true', $$
	SELECT l.user_id, 'list_movie', c.movielist_id, c.movie_id,
	       c.gone OR l.deleted_at IS NOT NULL
	  FROM changed AS c
	  JOIN movielist AS l ON l.id = c.movielist_id $$);

SELECT track_rule('friendship', 'friendship', 'user1_id, user2_id, created_at',
	'true', $$
	SELECT user1_id, 'friend', user2_id, 0, gone FROM changed
	 UNION ALL
	SELECT user2_id, 'friend', user1_id, 0, gone FROM changed $$);

SELECT track_rule('friend', 'account', 'id, username, active', 'true', $$
	SELECT f.friend_id, 'friend', c.id, 0, NOT c.active
	  FROM changed AS c
	  JOIN friend AS f ON f.user_id = c.id $$, '{UPDATE ROW}');

SELECT track_rule('movie', 'movie', 'id, slug, deleted_at', 'true', $$
	SELECT r.user_id, 'rating', c.id, 0, c.deleted_at IS NOT NULL
	  FROM changed AS c
	  JOIN rating AS r ON r.movie_id = c.id
	 WHERE r.deleted_at IS NULL
	 UNION ALL
	SELECT u.user_id, 'unseen', c.id, 0, c.deleted_at IS NOT NULL
	  FROM changed AS c
	  JOIN unseen AS u ON u.movie_id = c.id
	 UNION ALL
	SELECT v.user_id, 'review', v.id, 0, c.deleted_at IS NOT NULL
	  FROM changed AS c
	  JOIN review AS v ON v.movie_id = c.id
	 WHERE v.deleted_at IS NULL
	 UNION ALL
	SELECT l.user_id, 'list_movie', l.id, c.id, c.deleted_at IS NOT NULL
	  FROM changed AS c
	  JOIN movielist_movie AS i ON i.movie_id = c.id
	  JOIN movielist AS l ON l.id = i.movielist_id
	 WHERE l.deleted_at IS NULL $$, '{UPDATE ROW}');
