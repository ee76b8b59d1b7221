-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The search for users by texts that very many names contain.

-- The pairs of neighbouring characters of a text: a text of two characters is
-- contained where it is one of them, which trigrams cannot find. The cost is that of
-- reading the index instead of computing them.
CREATE FUNCTION text_pairs(t text) RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS $$
	SELECT coalesce(array_agg(DISTINCT substr(t, i, 2)), '{}')
	  FROM generate_series(1, char_length(t) - 1) AS i
$$;

CREATE INDEX account_find_pairs ON account_find USING gin (text_pairs(names));
CREATE INDEX account_find_exact ON account_find
	USING gin (string_to_array(names, E'\x01'));
CREATE INDEX account_find_words ON account_find USING gin (words gin_trgm_ops);

-- The newest users of a class of matches (see user_search()), and perhaps of better
-- ones. pair: the text, if the users that contain it are to be found by it.
CREATE FUNCTION users_named(class integer, fold text, pair text[], wanted bigint)
	RETURNS bigint[] LANGUAGE plpgsql STABLE
	SET plan_cache_mode = force_custom_plan AS $$
DECLARE
	begun text := regexp_replace(fold, '([\\%_])', '\\\1', 'g') || '%';
	word  text := regexp_replace(fold, '[^[:alnum:]]', ' ', 'g') || '%';
BEGIN
	RETURN CASE
	WHEN class = 0 THEN
		ARRAY(SELECT user_id
		        FROM account_find
		       WHERE string_to_array(names, E'\x01') @> ARRAY[fold]
		       ORDER BY date_joined DESC, user_id
		       LIMIT wanted)
	WHEN class = 1 THEN
		ARRAY(SELECT user_id
		        FROM account_find
		       WHERE names LIKE E'%\x01' || begun
		       ORDER BY date_joined DESC, user_id
		       LIMIT wanted)
	WHEN class = 2 THEN
		ARRAY(SELECT user_id
		        FROM account_find
		       WHERE words LIKE '% ' || word
		         AND names LIKE '%' || begun
		       ORDER BY date_joined DESC, user_id
		       LIMIT wanted)
	WHEN pair IS NOT NULL THEN
		ARRAY(SELECT user_id
		        FROM account_find
		       WHERE text_pairs(names) @> pair
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
CREATE FUNCTION users_leading(fold text, pair text[], wanted bigint)
	RETURNS bigint[] LANGUAGE plpgsql STABLE AS $$
DECLARE
	found bigint[] := '{}';
BEGIN
	FOR class IN 0 .. 3 LOOP
		EXIT WHEN cardinality(found) >= wanted;
		found := found || ARRAY(
			SELECT u.id
			  FROM unnest(users_named(class, fold, pair, wanted))
			       WITH ORDINALITY AS u (id, n)
			 WHERE u.id <> ALL (found)
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
-- Planned for its values: a text that many names contain is found soonest among
-- the newest users, any other one by its trigrams, one of two characters by its
-- pair. Only few matches are put in order one by one.
CREATE OR REPLACE FUNCTION user_search(query text, friends_of bigint,
                                       wanted_page bigint, size bigint)
	RETURNS TABLE (user_id bigint, place bigint, total bigint, page bigint)
	LANGUAGE plpgsql STABLE ROWS 20
	SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
	most    CONSTANT bigint := 10001;
	few     CONSTANT bigint := 1000;
	fold    text := nullif(replace(fold_text(query), E'\x01', E'\x02'), '');
	pattern text := regexp_replace(fold, '([\\%_])', '\\\1', 'g');
	word    text := regexp_replace(fold, '[^[:alnum:]]', ' ', 'g');
	pair    text[] := CASE char_length(fold) WHEN 2 THEN ARRAY[fold] END;
	friends bigint[];
	ids     bigint[];
BEGIN
	IF friends_of IS NOT NULL THEN
		friends := ARRAY(SELECT friend_id FROM friend
		                  WHERE user_id = friends_of);
	ELSIF pair IS NOT NULL THEN
		total := (SELECT count(*)
		            FROM (SELECT
		                    FROM account_find
		                   WHERE text_pairs(names) @> pair
		                   LIMIT most) AS n);
	ELSIF fold IS NOT NULL THEN
		total := (SELECT count(*)
		            FROM (SELECT
		                    FROM account_find
		                   WHERE names LIKE '%' || pattern || '%'
		                   LIMIT most) AS n);
	END IF;
	page := least(wanted_page,
	              greatest((least(total, most - 1) + size - 1) / size, 1));
	IF total = most OR (total > few AND page * size <= few) THEN
		ids := users_leading(fold, CASE WHEN total < most THEN pair END,
		                     page * size);
	ELSE
		SELECT count(*),
		       coalesce(array_agg(h.id) FILTER (WHERE h.class = 0), '{}')
		       || array_agg(h.id) FILTER (WHERE h.class = 1)
		       || array_agg(h.id) FILTER (WHERE h.class = 2)
		       || array_agg(h.id) FILTER (WHERE h.class = 3)
		  INTO total, ids
		  FROM (SELECT n.user_id AS id,
		               CASE WHEN fold IS NULL THEN 3
		                    WHEN n.names LIKE E'%\x01' || pattern || E'\x01%'
		                    THEN 0
		                    WHEN n.names LIKE E'%\x01' || pattern || '%' THEN 1
		                    WHEN n.words LIKE '% ' || word || '%' THEN 2
		                    ELSE 3 END AS class
		          FROM (SELECT f.user_id, f.names, f.words
		                  FROM account_find AS f
		                 WHERE (fold IS NULL
		                        OR (pair IS NOT NULL AND friends IS NULL)
		                        OR f.names LIKE '%' || pattern || '%')
		                   AND (pair IS NULL OR friends IS NOT NULL
		                        OR text_pairs(f.names) @> pair)
		                   AND (friends IS NULL OR f.user_id = ANY (friends))
		                 ORDER BY f.date_joined DESC, f.user_id
		                 LIMIT most) AS n
		        OFFSET 0) AS h; -- else the class is computed four times
		page := least(wanted_page,
		              greatest((least(total, most - 1) + size - 1) / size, 1));
	END IF;
	RETURN QUERY
	SELECT u.id, u.n, total, page
	  FROM unnest(ids[(page - 1) * size + 1 : page * size])
	       WITH ORDINALITY AS u (id, n);
	IF NOT FOUND THEN
		RETURN QUERY SELECT NULL::bigint, 1::bigint, total, page;
	END IF;
END
$$;
