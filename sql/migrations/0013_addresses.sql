-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Addresses. They begin with the public origin, which a session sets when it is
-- opened (src/db/db.c); where nobody set it they are NULL. Like url_segment(),
-- the functions are not STRICT and their common case is one expression, so that
-- the planner inlines it.

-- The address of a stored file; NULL where there is no path.
CREATE FUNCTION media_url(path text) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT current_setting('mxm.origin', true) || '/media/'
	    || public.url_path(path)
$$;

-- The parts, percent-encoded, each with a slash behind it; NULL when a part is.
-- The slow path of api_url().
CREATE FUNCTION url_segments(parts text[]) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
	SELECT CASE WHEN array_position(parts, NULL) IS NULL
	            THEN coalesce(string_agg(public.url_segment(part) || '/', ''
	                                     ORDER BY n), '') END
	  FROM unnest(parts) WITH ORDINALITY AS p (part, n)
$$;

-- The address of something in the API: api_url('users', name, 'lists', slug). A
-- part is one segment of the path, whatever is in it; NULL when a part is NULL.
-- The line break in place of a NULL leads to the slow path.
CREATE FUNCTION api_url(VARIADIC parts text[]) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT current_setting('mxm.origin', true) || '/api/'
	    || CASE WHEN array_to_string(parts, '', E'\n') COLLATE "C"
	                 ~ '^[A-Za-z0-9._~-]+$'
	            THEN array_to_string(parts, '/') || '/'
	            ELSE public.url_segments(parts) END
$$;

-- The same of two parts, the usual number, in less than half the time: a movie
-- has an address for each of its actors.
CREATE FUNCTION api_url(kind text, name text) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT current_setting('mxm.origin', true)
	    || ('/api/' || public.url_segment(kind) || '/')
	    || public.url_segment(name) || '/'
$$;
