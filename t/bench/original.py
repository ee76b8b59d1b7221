#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time of mxmctl import moviesxmovies for a generated database of the original
service: 20 000 accounts, 10 000 movies, 30 000 persons, and as many ratings as
--ratings says; then the same again. Then mxmctl export of the site, and mxmctl
import site of that.

    t/bench/original.py --build DIR [--ratings 1000000]

Minutes, and 3 GiB of disk. The goal is two minutes for a million ratings."""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(TREE / "t/lib"))

# Beside the rows of t/fixtures/original.sql, whose ids are below 1000. No pair is
# there twice: 7919 and 10000 have no common factor.
ROWS = """
DO $$
DECLARE
	item record;
BEGIN
	FOR item IN
		SELECT attrelid::regclass AS name
		  FROM pg_attribute
		 WHERE attidentity <> ''
	LOOP
		EXECUTE format('ALTER TABLE %s ALTER id RESTART 1000', item.name);
	END LOOP;
END $$;
INSERT INTO users_user (id, password, is_superuser, username, first_name,
	last_name, is_staff, is_active, date_joined, bio, boarded, verified, email,
	picture, preferred_language)
SELECT i, '!', false, 'user' || i, 'First' || i, 'Last' || i, false, true,
       timestamptz '2024-01-01' + i * interval '1 minute', 'A user.', true, true,
       'user' || i || '@example.org', 'users/default.png', 'en'
  FROM generate_series(1001, 21000) AS i;
INSERT INTO persons_person (id, created_at, updated_at, name, slug, image,
	biography, gender)
SELECT i, '2024-01-01', '2024-01-01', 'Person ' || i, 'person-' || i,
       'person/default.png', repeat('Born somewhere. ', 20), 1
  FROM generate_series(1001, 31000) AS i;
INSERT INTO movies_movie (id, created_at, updated_at, title, slug, synopsis,
	release_date, cover, popularity)
SELECT i, '2024-01-01', '2024-01-01', 'The film ' || i, i || '-the-film',
       repeat('Somebody does something. ', 20),
       date '1950-01-01' + i, 'movies/covers/no-movie.png', i
  FROM generate_series(1001, 11000) AS i;
INSERT INTO movies_movietranslation (created_at, updated_at, language, title,
	synopsis, movie_id)
SELECT '2024-01-01', '2024-01-01', l, l || ' film ' || i, 'Short.', i
  FROM generate_series(1001, 11000) AS i, unnest(ARRAY['es', 'fr', 'de']) AS l;
INSERT INTO movies_movie_actors (movie_id, person_id)
SELECT m, 1001 + (m * 7919 + n * 104729) % 30000
  FROM generate_series(1001, 11000) AS m, generate_series(1, 5) AS n;
INSERT INTO movies_movie_directors (movie_id, person_id)
SELECT m, 1001 + m * 7919 % 30000 FROM generate_series(1001, 11000) AS m;
INSERT INTO movies_movie_genres (movie_id, genre_id)
SELECT m, g FROM generate_series(1001, 11000) AS m, unnest(ARRAY[3, 4]) AS g;
INSERT INTO ratings_rating (created_at, updated_at, rating, movie_id, user_id)
SELECT timestamptz '2024-06-01' + i * interval '1 second',
       timestamptz '2024-06-01' + i * interval '1 second', 1 + i % 5,
       1001 + (i / 20000 * 7919 + i % 20000 * 31) % 10000,
       1001 + i % 20000
  FROM generate_series(0, %(ratings)s - 1) AS i;
INSERT INTO reviews_review (created_at, updated_at, title, content, is_positive,
	movie_id, user_id)
SELECT '2024-07-01', '2024-07-01', 'Review ' || i, repeat('Good. ', 40), true,
       1001 + i % 10000, 1001 + i % 20000
  FROM generate_series(1, 20000) AS i;
INSERT INTO users_friendship (created_at, user1_id, user2_id)
SELECT '2024-07-01', i, i + n FROM generate_series(1001, 20990) AS i,
       generate_series(1, 5) AS n;
ANALYZE;
"""


def run(conf, *args):
    began = time.monotonic()
    subprocess.run([str(stack.BUILD / "mxmctl"), "--config", str(conf),
                    *map(str, args)], env=stack.environment(), check=True,
                   stdout=subprocess.DEVNULL)
    print(f"{args[0]} {args[1]}: {time.monotonic() - began:.1f} s, load"
          f" {os.getloadavg()[0]:.1f}", flush=True)


def original(cluster, ratings):
    name = cluster.create()
    text = (TREE / "t/fixtures/original.sql").read_text().replace(
        "%(hash)s", "'!'")
    cluster.sql(text, None, name)
    cluster.sql(ROWS.replace("%(ratings)s", str(ratings)), None, name)
    cluster.sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO mxm", None, name)
    return cluster.conninfo(name)


def measure(ratings):
    with tempfile.TemporaryDirectory(dir=stack.temporary()) as base:
        os.chmod(base, 0o755)
        with stack.Cluster(production=True) as cluster:
            source = original(cluster, ratings)
            for name in "ab":
                (pathlib.Path(base) / name).mkdir()
            place = place_module.Place(cluster, f"{base}/a")
            other = place_module.Place(cluster, f"{base}/b")
            run(place.conf, "import", "moviesxmovies", "--progress", source)
            print(place.one("SELECT count(*) FROM rating"), "ratings")
            run(place.conf, "import", "moviesxmovies", source)
            run(place.conf, "export", f"{base}/export")
            run(other.conf, "import", "site", "--progress", f"{base}/export")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--ratings", type=int, default=1_000_000)
    options = parser.parse_args()
    os.environ["MXM_BUILD"] = os.path.abspath(options.build)
    import place as place_module
    import stack
    measure(options.ratings)
