-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Documents of administrators, and the audit log (0050_documents.sql). kind: in
-- paths and commands its plural.

-- name: document_page :many (kind text, search text, removed text, slugs text[],
--	page bigint, size bigint)
SELECT CASE WHEN k.kind IS NULL THEN 'missing:kind' ELSE 'ok' END AS outcome,
       p.id, p.slug, p.label, p.detail, p.content,
       {{micros:p.updated_at}} AS updated_at,
       {{micros:p.deleted_at}} AS deleted_at, p.total, p.page
  FROM (SELECT) AS one
  LEFT JOIN document_kind AS k ON k.plural = :kind
  LEFT JOIN LATERAL document_page(k.kind, :search, :removed, :slugs, :page,
                                  :size) AS p ON true
 ORDER BY p.place
 LIMIT :size;

-- name: document_detail :one (kind text, thing bigint)
SELECT CASE WHEN k.kind IS NULL THEN 'missing:kind'
            WHEN d.document IS NULL THEN 'missing'
            ELSE 'ok' END AS outcome,
       d.document, document_tag(d.document) AS etag
  FROM (SELECT) AS one
  LEFT JOIN document_kind AS k ON k.plural = :kind
 CROSS JOIN LATERAL (SELECT document(k.kind, :thing) AS document) AS d;

-- name: document_change :one (kind text, action text, thing bigint, document jsonb,
--	tag text, slug text, viewer bigint, os_user text, request_id text)
SELECT CASE WHEN k.kind IS NULL THEN 'missing:kind'
            WHEN c.result = 'missing' THEN 'missing'
            ELSE 'ok' END AS outcome, c.*
  FROM (SELECT) AS one
  LEFT JOIN document_kind AS k ON k.plural = :kind
  LEFT JOIN LATERAL document_change(k.kind, :action, :thing, :document,
                                    :tag, :slug, :viewer, :os_user, :request_id)
    AS c ON true;

-- The merge patch that sets a picture, which is a field (cover), or field-language
-- of a translation (image-es).
-- name: document_picture :one (kind text, thing bigint, picture text, path text)
SELECT CASE WHEN k.kind IS NULL THEN 'missing:kind'
            WHEN d.document IS NULL THEN 'missing:thing'
            WHEN f.key IS NULL THEN 'missing:picture'
            ELSE 'ok' END AS outcome,
       CASE
       WHEN f.part = '' THEN jsonb_build_object(f.key, :path::text)
       WHEN f.key IS NOT NULL THEN jsonb_build_object(f.part, jsonb_build_object(right(:picture, 2),
                jsonb_build_object(f.key, :path::text))) END AS document
  FROM (SELECT) AS one
  LEFT JOIN document_kind AS k ON k.plural = :kind
 CROSS JOIN LATERAL (SELECT document(k.kind, :thing) AS document) AS d
  LEFT JOIN document_field AS f
    ON f.kind = k.kind
   AND f.type = 'picture'
   AND :picture ~ ('^' || f.key || CASE f.part WHEN '' THEN ''
                                   ELSE '-(en|es|fr|de)' END || '$');

-- The ids that an operand of mxmctl stands for (document_find()); of lists with
-- one slug those that are not removed, if there are any.
-- name: document_find :one (kind text, word text)
SELECT coalesce((SELECT array_agg(l.id ORDER BY l.id)
                   FROM live_movielist AS l
                  WHERE cardinality(f.ids) > 1
                    AND l.id = ANY (f.ids)), f.ids) AS ids
  FROM document_kind AS k
 CROSS JOIN LATERAL (SELECT document_find(k.kind, :word) AS ids) AS f
 WHERE k.plural = :kind;

-- The newest first.
-- name: audit_list :many (kind text, id bigint, username text, page bigint,
--	size bigint)
WITH hit AS MATERIALIZED (
	SELECT u.id
	  FROM audit AS u
	 WHERE (:kind::text IS NULL OR u.kind = :kind)
	   AND (:id::bigint IS NULL OR u.thing_id = :id)
	   AND (:username::text IS NULL
	        OR u.user_id = (SELECT a.id FROM account AS a
	                         WHERE a.username = :username))
	 ORDER BY u.id DESC
	 LIMIT {{count_max}} + 1
), {{wanted_page:hit}}
SELECT w.total, w.page, u.id, {{micros:u.at}} AS at, a.username, u.origin,
       u.os_user, u.request_id, u.kind, u.thing_id, u.label, u.action,
       u.deleted_rows, u.before, u.after
  FROM wanted AS w
  LEFT JOIN LATERAL (
	SELECT id FROM hit ORDER BY id DESC OFFSET (w.page - 1) * :size LIMIT :size
       ) AS h ON true
  LEFT JOIN audit AS u ON u.id = h.id
  LEFT JOIN account AS a ON a.id = u.user_id
 ORDER BY u.id DESC
 LIMIT :size;

-- The members of a document for people.
-- name: document_members :many (document json)
SELECT d.key, CASE json_typeof(d.value)
              WHEN 'null' THEN '-'
              WHEN 'string' THEN d.value #>> '{}'
              WHEN 'array' THEN coalesce((SELECT string_agg(i, ', ')
                                            FROM json_array_elements_text(d.value)
                                              AS i), '')
              ELSE d.value::text END AS text
  FROM json_each(:document) AS d
 LIMIT 100;

-- A document with fields that are set by texts. A new one is without what the
-- document of another thing has of its own.
-- name: document_settings :one (kind text, document jsonb, is_new boolean,
--	names text[], texts text[])
SELECT document_settings(k.kind, CASE
           WHEN :is_new AND jsonb_typeof(:document) = 'object'
           THEN :document - '{id,created_at,updated_at,deleted_at}'::text[]
           ELSE :document END, :names, :texts) AS document
  FROM document_kind AS k
 WHERE k.plural = :kind;
