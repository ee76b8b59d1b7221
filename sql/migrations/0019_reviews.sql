-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Indexes of the reviews that are not deleted, newest first: of a movie and of a
-- user. review_movie and review_user stay for the references.

CREATE INDEX review_movie_live ON review (movie_id, id DESC)
	WHERE deleted_at IS NULL;
CREATE INDEX review_user_live ON review (user_id, id DESC)
	WHERE deleted_at IS NULL;
