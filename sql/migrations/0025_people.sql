-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The search for users and the suggestions, among many accounts.

-- What the search for users and the suggestions read, a short row for each active
-- account: table account is wide. names: user name, first and last name, folded, each between
-- characters that no name contains; words: the same, only letters and digits.
CREATE TABLE account_find (
	user_id     bigint NOT NULL REFERENCES account ON DELETE CASCADE,
	date_joined timestamptz NOT NULL,
	names       text NOT NULL,
	words       text GENERATED ALWAYS AS
		(regexp_replace(names, '[^[:alnum:]]', ' ', 'g')) STORED,

	PRIMARY KEY (user_id)
);

INSERT INTO account_find (user_id, date_joined, names)
SELECT id, date_joined, E'\x01' || search_fold || E'\x01'
  FROM account
 WHERE active
 ORDER BY id;

CREATE INDEX account_find_newest ON account_find (date_joined DESC, user_id)
	INCLUDE (names, words);
CREATE INDEX account_find_names ON account_find USING gin (names gin_trgm_ops);
DROP INDEX account_search;

CREATE FUNCTION account_find_change() RETURNS trigger
	LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM account_find WHERE user_id = NEW.id;
	IF NEW.active THEN
		INSERT INTO account_find (user_id, date_joined, names)
		VALUES (NEW.id, NEW.date_joined,
		        E'\x01' || NEW.search_fold || E'\x01');
	END IF;
	RETURN NULL;
END
$$;

CREATE TRIGGER account_find_insert AFTER INSERT ON account
	FOR EACH ROW EXECUTE FUNCTION account_find_change();
CREATE TRIGGER account_find_update
	AFTER UPDATE OF username, first_name, last_name, active, date_joined
	ON account FOR EACH ROW
	WHEN ((OLD.search_fold, OLD.active, OLD.date_joined)
	      IS DISTINCT FROM (NEW.search_fold, NEW.active, NEW.date_joined))
	EXECUTE FUNCTION account_find_change();

-- One page of the users one of whose names contains the text; all users if there
-- is no text; only friends of one user if friends_of is not NULL. Order: a name is
-- the text; a name begins with it; a word of a name does; the rest; each newest
-- first. total: the matches, counted up to 10 001; if there are more, the user who
-- is called like that and the newest are shown. A page without users is one row
-- with only total and page.
--
-- Planned for its values: a text that many names contain is found soonest among
-- the newest users, any other one by its trigrams.
CREATE FUNCTION user_search(query text, friends_of bigint, wanted_page bigint,
                            size bigint)
	RETURNS TABLE (user_id bigint, place bigint, total bigint, page bigint)
	LANGUAGE plpgsql STABLE ROWS 20
	SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
	most    CONSTANT bigint := 10001;
	fold    text := nullif(replace(fold_text(query), E'\x01', E'\x02'), '');
	pattern text := regexp_replace(fold, '([\\%_])', '\\\1', 'g');
	word    text := regexp_replace(fold, '[^[:alnum:]]', ' ', 'g');
	friends bigint[];
	exact   bigint[];
	ids     bigint[];
BEGIN
	IF friends_of IS NOT NULL THEN
		friends := ARRAY(SELECT friend_id FROM friend
		                  WHERE user_id = friends_of);
	END IF;
	SELECT count(*),
	       coalesce(array_agg(h.id) FILTER (WHERE h.class = 0), '{}'),
	       array_agg(h.id) FILTER (WHERE h.class = 1)
	       || array_agg(h.id) FILTER (WHERE h.class = 2)
	       || array_agg(h.id) FILTER (WHERE h.class = 3)
	  INTO total, exact, ids
	  FROM (SELECT n.user_id AS id,
	               CASE WHEN fold IS NULL THEN 3
	                    WHEN n.names LIKE E'%\x01' || pattern || E'\x01%' THEN 0
	                    WHEN n.names LIKE E'%\x01' || pattern || '%' THEN 1
	                    WHEN n.words LIKE '% ' || word || '%' THEN 2
	                    ELSE 3 END AS class
	          FROM (SELECT f.user_id, f.names, f.words
	                  FROM account_find AS f
	                 WHERE (fold IS NULL OR f.names LIKE '%' || pattern || '%')
	                   AND (friends IS NULL OR f.user_id = ANY (friends))
	                 ORDER BY f.date_joined DESC, f.user_id
	                 LIMIT most) AS n
	        OFFSET 0) AS h; -- else the class is computed four times
	ids := exact || ids;
	IF total = most AND friends IS NULL THEN
		exact := ARRAY(SELECT id FROM live_account WHERE username = query);
		ids := exact || array_remove(ids, exact[1]);
	END IF;
	page := least(wanted_page,
	              greatest((least(total, most - 1) + size - 1) / size, 1));
	RETURN QUERY
	SELECT u.id, u.n, total, page
	  FROM unnest(ids[(page - 1) * size + 1 : page * size])
	       WITH ORDINALITY AS u (id, n);
	IF NOT FOUND THEN
		RETURN QUERY SELECT NULL::bigint, 1::bigint, total, page;
	END IF;
END
$$;
