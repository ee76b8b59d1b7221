-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- What recommendations need: which movies the model in force does not know, and
-- touches from everything around a caller that her page depends on, whoever
-- changes it: a request, mxmctl, psql.

-- Kept by the statement that publishes a model. Movies that no model knows are
-- recommended by their people and genres.
ALTER TABLE movie ADD COLUMN modelled boolean NOT NULL DEFAULT false;
CREATE INDEX movie_not_modelled ON movie (id DESC)
	WHERE deleted_at IS NULL AND NOT modelled;

-- What somebody likes, read by her friends' pages without the table.
CREATE INDEX rating_liked ON rating (user_id, movie_id)
	WHERE deleted_at IS NULL AND rating >= 4;

-- Films of a leading actor, for films that no model knows.
CREATE INDEX movie_actor_lead ON movie_actor (person_id, movie_id)
	WHERE position <= 3;

CREATE OR REPLACE VIEW live_movie AS
	SELECT * FROM movie WHERE deleted_at IS NULL;

-- Who makes a film what it is: its directors and leading actors.
CREATE VIEW movie_lead AS
SELECT movie_id, person_id
  FROM movie_director
 UNION ALL
SELECT movie_id, person_id
  FROM movie_actor
 WHERE position <= 3;

-- Somebody's friends or followed persons or platforms are hers: kind user.
CREATE FUNCTION touch_member() RETURNS trigger
	LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP <> 'INSERT' THEN
		INSERT INTO touch (kind, key) VALUES ('user', OLD.user_id);
	END IF;
	IF TG_OP <> 'DELETE' THEN
		INSERT INTO touch (kind, key) VALUES ('user', NEW.user_id);
	END IF;
	RETURN NULL;
END
$$;

CREATE TRIGGER follow_touch AFTER INSERT OR UPDATE OR DELETE ON follow
	FOR EACH ROW EXECUTE FUNCTION touch_member();
CREATE TRIGGER account_platform_touch
	AFTER INSERT OR UPDATE OR DELETE ON account_platform
	FOR EACH ROW EXECUTE FUNCTION touch_member();

CREATE FUNCTION touch_friends() RETURNS trigger
	LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP <> 'INSERT' THEN
		INSERT INTO touch (kind, key)
		VALUES ('user', OLD.user1_id), ('user', OLD.user2_id);
	END IF;
	IF TG_OP <> 'DELETE' THEN
		INSERT INTO touch (kind, key)
		VALUES ('user', NEW.user1_id), ('user', NEW.user2_id);
	END IF;
	RETURN NULL;
END
$$;

CREATE TRIGGER friendship_touch AFTER INSERT OR UPDATE OR DELETE ON friendship
	FOR EACH ROW EXECUTE FUNCTION touch_friends();

CREATE TRIGGER unseen_touch AFTER INSERT OR UPDATE OR DELETE ON unseen
	FOR EACH ROW EXECUTE FUNCTION touch_member();

-- A rating is its member's (kind user), and what she likes, 4 or 5 stars, is on
-- her friends' pages: kind circle, by the friend. One row each and statement.
-- EXCEPT and no join: transition tables have no statistics.
CREATE FUNCTION touch_rating() RETURNS trigger
	LANGUAGE plpgsql AS $$
DECLARE
	members bigint[];
	likers  bigint[];
BEGIN
	IF TG_OP = 'INSERT' THEN
		SELECT array_agg(DISTINCT user_id),
		       array_agg(DISTINCT user_id) FILTER (WHERE rating >= 4)
		  INTO members, likers
		  FROM came;
	ELSIF TG_OP = 'DELETE' THEN
		SELECT array_agg(DISTINCT user_id),
		       array_agg(DISTINCT user_id) FILTER (WHERE rating >= 4)
		  INTO members, likers
		  FROM gone;
	ELSE
		SELECT array_agg(DISTINCT c.user_id),
		       array_agg(DISTINCT c.user_id) FILTER (WHERE c.liked)
		  INTO members, likers
		  FROM ((SELECT user_id, movie_id, rating, deleted_at,
		                rating >= 4 AND deleted_at IS NULL AS liked
		           FROM gone
		         EXCEPT
		         SELECT user_id, movie_id, rating, deleted_at,
		                rating >= 4 AND deleted_at IS NULL
		           FROM came)
		        UNION ALL
		        (SELECT user_id, movie_id, rating, deleted_at,
		                rating >= 4 AND deleted_at IS NULL
		           FROM came
		         EXCEPT
		         SELECT user_id, movie_id, rating, deleted_at,
		                rating >= 4 AND deleted_at IS NULL
		           FROM gone)) AS c;
	END IF;
	INSERT INTO touch (kind, key)
	SELECT 'user', unnest(members)::text
	 UNION ALL
	SELECT DISTINCT 'circle', friend_id::text
	  FROM friend
	 WHERE user_id = ANY (likers);
	RETURN NULL;
END
$$;

CREATE TRIGGER rating_touch_insert AFTER INSERT ON rating
	REFERENCING NEW TABLE AS came
	FOR EACH STATEMENT EXECUTE FUNCTION touch_rating();
CREATE TRIGGER rating_touch_update AFTER UPDATE ON rating
	REFERENCING OLD TABLE AS gone NEW TABLE AS came
	FOR EACH STATEMENT EXECUTE FUNCTION touch_rating();
CREATE TRIGGER rating_touch_delete AFTER DELETE ON rating
	REFERENCING OLD TABLE AS gone
	FOR EACH STATEMENT EXECUTE FUNCTION touch_rating();

-- A friend who is switched off or renamed is another reason, or none.
CREATE FUNCTION touch_friends_of() RETURNS trigger
	LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO touch (kind, key)
	SELECT 'circle', friend_id
	  FROM friend
	 WHERE user_id = NEW.id;
	RETURN NULL;
END
$$;

CREATE TRIGGER account_circle AFTER UPDATE OF active, username ON account
	FOR EACH ROW
	WHEN ((OLD.active, OLD.username) IS DISTINCT FROM
	      (NEW.active, NEW.username))
	EXECUTE FUNCTION touch_friends_of();

-- The catalogue, one row a statement that changes something. What ratings and
-- publishing change in table movie (sums, modelled) is not meant.
CREATE FUNCTION touch_catalogue() RETURNS trigger
	LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM changed) THEN
		INSERT INTO touch (kind) VALUES ('catalogue');
	END IF;
	RETURN NULL;
END
$$;

CREATE TRIGGER movie_touch_insert AFTER INSERT ON movie
	REFERENCING NEW TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION touch_catalogue();
CREATE TRIGGER movie_touch_delete AFTER DELETE ON movie
	REFERENCING OLD TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION touch_catalogue();
-- By columns and by row, so that a rating's update of the sums costs nothing.
CREATE FUNCTION touch_catalogue_row() RETURNS trigger
	LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO touch (kind) VALUES ('catalogue');
	RETURN NULL;
END
$$;

CREATE TRIGGER movie_touch_update
	AFTER UPDATE OF slug, title, synopsis, release_date, cover, deleted_at
	ON movie FOR EACH ROW
	WHEN ((OLD.slug, OLD.title, OLD.synopsis, OLD.release_date, OLD.cover,
	       OLD.deleted_at)
	      IS DISTINCT FROM
	      (NEW.slug, NEW.title, NEW.synopsis, NEW.release_date, NEW.cover,
	       NEW.deleted_at))
	EXECUTE FUNCTION touch_catalogue_row();

DO $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['movie_translation', 'movie_director',
	    'movie_actor', 'movie_genre', 'movie_platform', 'movie_award',
	    'person', 'genre', 'genre_translation', 'platform', 'award']
	LOOP
		EXECUTE format('CREATE TRIGGER %1$s_touch_insert
		    AFTER INSERT ON %1$s REFERENCING NEW TABLE AS changed
		    FOR EACH STATEMENT EXECUTE FUNCTION touch_catalogue()', name);
		EXECUTE format('CREATE TRIGGER %1$s_touch_update
		    AFTER UPDATE ON %1$s REFERENCING NEW TABLE AS changed
		    FOR EACH STATEMENT EXECUTE FUNCTION touch_catalogue()', name);
		EXECUTE format('CREATE TRIGGER %1$s_touch_delete
		    AFTER DELETE ON %1$s REFERENCING OLD TABLE AS changed
		    FOR EACH STATEMENT EXECUTE FUNCTION touch_catalogue()', name);
	END LOOP;
END
$$;
