-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The search for users by a text of up to three characters, which very many names
-- contain: its matches are stored in the order of the search.

-- All pieces of one to three characters of the names, which are folded, each with the
-- best match_class() that it has in one of them.
CREATE FUNCTION text_grams(names text[])
	RETURNS TABLE (gram text, class smallint)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 50 AS $$
	SELECT g.gram, min(match_class(g.name, g.gram))::smallint
	  FROM (SELECT n.name, substr(n.name, i, size) AS gram
	          FROM unnest(names) AS n (name),
	               generate_series(1, char_length(n.name)) AS i,
	               generate_series(1, least(3, char_length(n.name) - i + 1))
	               AS size
	        OFFSET 0) AS g -- else substr() is computed again for each use of gram
	 GROUP BY g.gram
$$;

-- The pieces of the names of each active account: about 40 rows of 90 bytes, index
-- included. They belong to a row of account_find, whose triggers insert and delete
-- them by the whole key; hence no reference, which would need a second index.
CREATE TABLE account_gram (
	gram        text NOT NULL,
	class       smallint NOT NULL,
	date_joined timestamptz NOT NULL,
	user_id     bigint NOT NULL
);

SET LOCAL jit = off; -- else a compilation for each account
INSERT INTO account_gram (gram, class, date_joined, user_id)
SELECT g.gram, g.class, f.date_joined, f.user_id
  FROM account_find AS f
 CROSS JOIN LATERAL text_grams(string_to_array(f.names, E'\x01')) AS g
 ORDER BY 1, 2, 3 DESC, 4;

CREATE UNIQUE INDEX account_gram_order
	ON account_gram (gram, class, date_joined DESC, user_id);

CREATE FUNCTION account_gram_insert() RETURNS trigger
	LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO account_gram (gram, class, date_joined, user_id)
	SELECT g.gram, g.class, NEW.date_joined, NEW.user_id
	  FROM text_grams(string_to_array(NEW.names, E'\x01')) AS g;
	RETURN NULL;
END
$$;

CREATE FUNCTION account_gram_delete() RETURNS trigger
	LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM account_gram AS a
	 USING text_grams(string_to_array(OLD.names, E'\x01')) AS g
	 WHERE a.gram = g.gram
	   AND a.class = g.class
	   AND a.date_joined = OLD.date_joined
	   AND a.user_id = OLD.user_id;
	RETURN NULL;
END
$$;

-- Rows of account_find are never updated.
CREATE TRIGGER account_gram_insert AFTER INSERT ON account_find
	FOR EACH ROW EXECUTE FUNCTION account_gram_insert();
CREATE TRIGGER account_gram_delete AFTER DELETE ON account_find
	FOR EACH ROW EXECUTE FUNCTION account_gram_delete();

-- The newest users whose names match a text of more than three characters in a
-- class (see user_search()), and perhaps in better ones. The plan depends on how many
-- names contain the text.
CREATE FUNCTION users_named(class integer, fold text, wanted bigint)
	RETURNS bigint[] LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan AS $$
DECLARE
	begun text := regexp_replace(fold, '([\\%_])', '\\\1', 'g') || '%';
	word  text := regexp_replace(fold, '[^[:alnum:]]', ' ', 'g') || '%';
BEGIN
	RETURN CASE class
	WHEN 0 THEN
		ARRAY(SELECT user_id
		        FROM account_find
		       WHERE string_to_array(names, E'\x01') @> ARRAY[fold]
		       ORDER BY date_joined DESC, user_id
		       LIMIT wanted)
	WHEN 1 THEN
		ARRAY(SELECT user_id
		        FROM account_find
		       WHERE names LIKE E'%\x01' || begun
		       ORDER BY date_joined DESC, user_id
		       LIMIT wanted)
	WHEN 2 THEN
		ARRAY(SELECT user_id
		        FROM account_find
		       WHERE words LIKE '% ' || word
		         AND names LIKE '%' || begun
		       ORDER BY date_joined DESC, user_id
		       LIMIT wanted)
	ELSE
		ARRAY(SELECT user_id
		        FROM account_find
		       WHERE names LIKE '%' || begun
		       ORDER BY date_joined DESC, user_id
		       LIMIT wanted)
	END;
END
$$;

-- The first users in the order of user_search(), as many as are wanted, of matches
-- that are too many to be put in order one by one.
CREATE FUNCTION users_leading(fold text, wanted bigint) RETURNS bigint[]
	LANGUAGE plpgsql STABLE AS $$
DECLARE
	found bigint[] := '{}';
BEGIN
	FOR class IN 0 .. 3 LOOP
		EXIT WHEN cardinality(found) >= wanted;
		found := found || ARRAY(
			SELECT u.id
			  FROM unnest(users_named(class, fold, wanted))
			       WITH ORDINALITY AS u (id, n)
			 WHERE u.id NOT IN (SELECT unnest(found))
			 ORDER BY u.n);
	END LOOP;
	RETURN found;
END
$$;

-- One page of the users one of whose names contains the text; all users if there
-- is no text; only friends of one user if friends_of is not NULL. Order: a name is
-- the text; a name begins with it; a word of a name does; the rest; each newest
-- first. total: the matches, counted up to 10 001. A page without users is one row
-- with only total and page.
--
-- A text of up to three characters is a key of account_gram. A longer one is found by
-- its trigrams, and its matches are put in order, or, if they are too many, read
-- class by class until the page is full.
CREATE OR REPLACE FUNCTION user_search(query text, friends_of bigint,
                                       wanted_page bigint, size bigint)
	RETURNS TABLE (user_id bigint, place bigint, total bigint, page bigint)
	LANGUAGE plpgsql STABLE ROWS 20
	SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
	most    CONSTANT bigint := 10001;
	fold    text := nullif(replace(fold_text(query), E'\x01', E'\x02'), '');
	pattern text := regexp_replace(fold, '([\\%_])', '\\\1', 'g');
	word    text := regexp_replace(fold, '[^[:alnum:]]', ' ', 'g');
	short   boolean := char_length(fold) <= 3 AND friends_of IS NULL;
	whole   boolean := fold IS NULL AND friends_of IS NULL;
	friends bigint[];
	ids     bigint[];
	skipped bigint;
BEGIN
	IF friends_of IS NOT NULL THEN
		friends := ARRAY(SELECT friend_id FROM friend
		                  WHERE user_id = friends_of);
	END IF;
	IF whole THEN
		total := (SELECT count(*)
		            FROM (SELECT FROM account_find LIMIT most) AS n);
	ELSIF short THEN
		total := (SELECT count(*)
		            FROM (SELECT
		                    FROM account_gram
		                   WHERE gram = fold
		                   LIMIT most) AS n);
	ELSE
		SELECT count(*), array_agg(h.id)
		  INTO total, ids
		  FROM (SELECT n.user_id AS id
		          FROM (SELECT f.user_id, f.date_joined, f.names, f.words
		                  FROM account_find AS f
		                 WHERE (fold IS NULL
		                        OR f.names LIKE '%' || pattern || '%')
		                   AND (friends IS NULL OR f.user_id = ANY (friends))
		                 LIMIT CASE WHEN friends IS NULL THEN most END) AS n
		         ORDER BY CASE WHEN fold IS NULL THEN 3
		                       WHEN n.names LIKE E'%\x01' || pattern || E'\x01%'
		                       THEN 0
		                       WHEN n.names LIKE E'%\x01' || pattern || '%' THEN 1
		                       WHEN n.words LIKE '% ' || word || '%' THEN 2
		                       ELSE 3 END,
		                  n.date_joined DESC, n.user_id) AS h;
		total := least(total, most);
	END IF;
	page := least(wanted_page,
	              greatest((least(total, most - 1) + size - 1) / size, 1));
	skipped := (page - 1) * size;
	IF whole THEN
		ids := ARRAY(SELECT f.user_id
		               FROM account_find AS f
		              ORDER BY f.date_joined DESC, f.user_id
		             OFFSET skipped LIMIT size);
		skipped := 0;
	ELSIF short THEN
		ids := ARRAY(SELECT g.user_id
		               FROM account_gram AS g
		              WHERE g.gram = fold
		              ORDER BY g.class, g.date_joined DESC, g.user_id
		             OFFSET skipped LIMIT size);
		skipped := 0;
	ELSIF total = most AND friends IS NULL THEN
		ids := users_leading(fold, skipped + size);
	END IF;
	RETURN QUERY
	SELECT u.id, u.n, total, page
	  FROM unnest(ids[skipped + 1 : skipped + size])
	       WITH ORDINALITY AS u (id, n);
	IF NOT FOUND THEN
		RETURN QUERY SELECT NULL::bigint, 1::bigint, total, page;
	END IF;
END
$$;

DROP FUNCTION users_leading(text, text[], bigint);
DROP FUNCTION users_named(integer, text, text[], bigint);
DROP INDEX account_find_pairs;
DROP FUNCTION text_pairs(text);
