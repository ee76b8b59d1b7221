-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- What long lists are counted by, without reading their rows.

DROP INDEX comment_review_top;
CREATE INDEX comment_review_top ON comment (review_id, id DESC) INCLUDE (user_id)
 WHERE reply_comment_id IS NULL AND deleted_at IS NULL;
