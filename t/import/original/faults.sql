-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- What years of use, admin sites and hand-written changes leave in a database of
-- the original: changes of t/fixtures/original.sql.

UPDATE users_user SET username = 'searching' WHERE id = 1;
UPDATE users_user SET email = 'ANA@example.org', preferred_language = 'xx',
       picture = '../../etc/passwd.png', password = 'bcrypt$x', bio = repeat('ñ', 10001)
 WHERE id = 2;
UPDATE users_user SET username = 'a b/c', date_joined = 'infinity' WHERE id = 6;
UPDATE persons_person SET gender = 7, birthday = '0044-03-15 BC' WHERE id = 10;
UPDATE persons_person SET slug = '' WHERE id = 11;
UPDATE genres_genre SET name = '' WHERE id = 3;
UPDATE platforms_platform SET url = 'javascript:alert(1)' WHERE id = 2;
UPDATE awards_award SET category = 'ZZ' WHERE id = 8;
UPDATE movies_movie SET slug = 'trending', popularity = 'NaN' WHERE id = 21;
UPDATE movies_movie SET slug = 'a/b c', release_date = 'infinity' WHERE id = 30;
UPDATE movies_movietranslation SET language = 'pt';
UPDATE reviews_review SET title = ' ' WHERE id = 41;
UPDATE reviews_comment SET reply_comment_id = 51 WHERE id = 50;
UPDATE reviews_reaction SET emoji = 'NOVEL' WHERE id = 60;
UPDATE reviews_reaction SET object_id = 999 WHERE id = 61;
UPDATE movielists_movielist SET privacity = 'X' WHERE id = 70;
UPDATE users_friendship SET user2_id = 2;
UPDATE users_friendrequest SET status = 'Z' WHERE id = 81;
-- columns of a fork, times without a zone, and constraints that were dropped
ALTER TABLE persons_person ADD COLUMN country varchar(32);
ALTER TABLE awards_award
      ALTER created_at TYPE timestamp USING created_at AT TIME ZONE 'UTC';
ALTER TABLE ratings_rating
      DROP CONSTRAINT ratings_rating_user_id_movie_id_key;
INSERT INTO ratings_rating (id, created_at, updated_at, rating, movie_id, user_id)
SELECT 1000 + i, '2025-02-05', '2025-02-05', CASE WHEN i < 26 THEN 0 ELSE 4 END, 20,
       1
  FROM generate_series(1, 28) AS i;
