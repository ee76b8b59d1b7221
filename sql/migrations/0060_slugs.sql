-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Slugs of documents have no invisible characters, and none that mxmctl gives a
-- meaning: id=7 is a number, and a comma separates slugs, with or without blanks. A
-- number of a document is one of the column, not too small for it.

-- The fault of a text that is the value of a field; NULL: it is good.
CREATE OR REPLACE FUNCTION document_text_fault(f document_field, s text) RETURNS text
	LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE
	WHEN char_length(s) > f.most AND f.type NOT IN ('choice', 'date')
	THEN 'length'
	WHEN f.type = 'line' AND s ~ '[\x01-\x1f\x7f-\x9f]' THEN 'characters'
	WHEN f.type = 'text' AND s ~ '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]'
	THEN 'characters'
	WHEN f.type IN ('line', 'text') AND f.needed
	     AND s ~ '^[\s\u0085\u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]*$'
	THEN 'blank'
	WHEN f.type = 'slug' AND (s IN ('', '.', '..')
	     OR s ~ '[\x01-\x20\x7f-\xa0/|?#%\\"<>=,]'
	     OR s ~ '[\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]')
	THEN 'slug'
	WHEN f.type = 'slug' AND s = ANY (CASE f.kind
	     WHEN 'movie' THEN '{searching,together,trending}'::text[]
	     WHEN 'person' THEN '{actors,directors,searching}' END)
	THEN 'reserved'
	WHEN f.type = 'date' AND NOT document_is_date(s) THEN 'date'
	WHEN f.type = 'url' AND s !~ '^https?://[^/?#\s]+[!-~]*$' THEN 'url'
	WHEN f.type = 'url' AND s !~ '^[!-~]+$' THEN 'url'
	WHEN f.type = 'picture'
	     AND (s !~ '^[^/\\\x01-\x1f\x7f]+(/[^/\\\x01-\x1f\x7f]+)+$'
	          OR '/' || s || '/' ~ '/\.') THEN 'path'
	WHEN f.type = 'choice' AND s <> ALL (f.words) THEN 'choice' END
$$;

-- The same of a value of any type. Links, translations and sources have checks of
-- their own.
CREATE OR REPLACE FUNCTION document_value_fault(f document_field, value jsonb, field text)
	RETURNS document_fault
	LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	s     text := value #>> '{}';
	short text := left(s, 100);
	code  text;
BEGIN
	IF jsonb_typeof(value) = 'null' THEN
		RETURN CASE WHEN f.needed
			THEN (field, 'null', NULL, NULL)::document_fault END;
	END IF;
	CASE
	WHEN f.type = 'bool' THEN
		IF jsonb_typeof(value) <> 'boolean' THEN
			RETURN (field, 'boolean', short, NULL)::document_fault;
		END IF;
	WHEN f.type = 'number' THEN
		IF jsonb_typeof(value) <> 'number' OR s::numeric <> 0
		   AND abs(s::numeric) < 1e-300 THEN
			RETURN (field, 'number', short, NULL)::document_fault;
		ELSIF s::numeric < 0 THEN
			RETURN (field, 'min', '0', NULL)::document_fault;
		ELSIF s::numeric > 1000000000 THEN
			RETURN (field, 'max', '1000000000', NULL)::document_fault;
		END IF;
	WHEN f.type IN ('review', 'comment') THEN
		IF jsonb_typeof(value) <> 'number' OR s !~ '^[0-9]{1,18}$' THEN
			RETURN (field, 'integer', short, NULL)::document_fault;
		END IF;
	WHEN jsonb_typeof(value) <> 'string' THEN
		RETURN (field, 'text', NULL, NULL)::document_fault;
	ELSE
		code := document_text_fault(f, s);
		IF code = 'length' THEN
			RETURN (field, code, f.most, char_length(s))::document_fault;
		ELSIF code IS NOT NULL THEN
			RETURN (field, code, short, NULL)::document_fault;
		END IF;
	END CASE;
	RETURN NULL;
END
$$;

-- Sets fields of a merge patch by texts, whose types are those of the fields:
-- title=Heat, popularity=1.5, genres=drama,crime, translations.es.title=Fuego. An
-- empty text is null where a field may be empty.
CREATE OR REPLACE FUNCTION document_settings(of_kind text, patch jsonb, names text[],
	texts text[]) RETURNS jsonb
	LANGUAGE plpgsql STABLE AS $$
DECLARE
	path  text[];
	f     document_field;
	value jsonb;
BEGIN
	FOR i IN 1 .. cardinality(names) LOOP
		path := string_to_array(names[i], '.');
		SELECT * INTO f FROM document_field AS d
		 WHERE d.kind = of_kind
		   AND (d.part, d.key) = (CASE WHEN cardinality(path) > 1
		                               THEN path[1] ELSE '' END,
		                          path[cardinality(path)]);
		value := CASE
			WHEN f.type IN ('set', 'ranked', 'sequence')
			THEN to_jsonb(array_remove(regexp_split_to_array(btrim(texts[i]),
				'\s*,\s*'), ''))
			WHEN f.type IN ('number', 'review', 'comment')
			     AND texts[i] ~ '^-?[0-9]{1,15}(\.[0-9]{1,15})?$'
			     OR f.type = 'bool' AND texts[i] IN ('true', 'false')
			THEN texts[i]::jsonb
			WHEN texts[i] = '' AND coalesce(f.type, '') NOT IN ('line', 'text')
			THEN 'null'
			ELSE to_jsonb(texts[i]) END;
		FOR n IN 1 .. cardinality(path) - 1 LOOP
			IF coalesce(jsonb_typeof(patch #> path[1:n]), '') <> 'object' THEN
				patch := jsonb_set(patch, path[1:n], '{}');
			END IF;
		END LOOP;
		patch := jsonb_set(patch, path, value);
	END LOOP;
	RETURN patch;
END
$$;
