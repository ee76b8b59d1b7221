-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Whether the ratings of a user are used for others: in training, in what friends
-- like, and the user in suggestions.
--
-- rule                     | table              | kinds raised
-- -------------------------+--------------------+------------------------------
-- training with ratings    | account            | account circle profile

ALTER TABLE account ADD COLUMN training boolean NOT NULL DEFAULT true;

-- Few rows: those who said no.
CREATE INDEX account_untrained ON account (id) WHERE NOT training;

-- In the narrow copy that suggestions are read from (0025).
ALTER TABLE account_find ADD COLUMN training boolean NOT NULL DEFAULT true;

CREATE OR REPLACE FUNCTION account_find_change() RETURNS trigger
	LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM account_find WHERE user_id = NEW.id;
	IF NEW.active THEN
		INSERT INTO account_find (user_id, date_joined, names, training)
		VALUES (NEW.id, NEW.date_joined,
		        E'\x01' || NEW.search_fold || E'\x01', NEW.training);
	END IF;
	RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER account_find_update
	AFTER UPDATE OF username, first_name, last_name, active, date_joined, training
	ON account FOR EACH ROW
	WHEN ((OLD.search_fold, OLD.active, OLD.date_joined, OLD.training)
	      IS DISTINCT FROM (NEW.search_fold, NEW.active, NEW.date_joined,
	                        NEW.training))
	EXECUTE FUNCTION account_find_change();

-- What friends like is that of friends with training; the public page compares
-- ratings.
SELECT touch_rule('training with ratings', 'account', 'id, training', $$
	SELECT 'account', id::text
	  FROM changed
	 UNION ALL
	SELECT 'circle', f.friend_id::text
	  FROM changed AS c
	  JOIN friend AS f ON f.user_id = c.id
	 UNION ALL
	SELECT 'profile', a.key
	  FROM changed AS c
	  JOIN account_key AS a ON a.id = c.id $$, '{UPDATE ROW}');
