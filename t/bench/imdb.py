#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time and the memory of mxmctl import imdb for generated data files, with as
many lines in title.principals as --lines says, compressed, in the proportions of
IMDb's own: eight credits a title, of which 7 in a hundred are movies. Then the same
files again.

    t/bench/imdb.py --build DIR [--lines 10000000] [--folder DIR]

With --folder the files stay there, and existing ones are used. Minutes, and 3 GiB
of disk. The goals are five minutes on two cores, and 200 MiB."""

import argparse
import gzip
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(TREE / "t/lib"))

TYPES = ["tvEpisode"] * 76 + ["short"] * 9 + ["movie"] * 7 + ["video"] * 3 \
    + ["tvSeries"] * 3 + ["tvMovie"] * 2
WORK = ["actor", "actress", "actor", "actress", "director", "writer", "producer",
        "self", "composer", "editor"]
GENRES = ["Drama", "Comedy", "Action", "Crime", "Horror", "Romance", "Thriller",
          "Documentary", "Sci-Fi", "Western"]
SYLLABLES = ["ka", "lo", "mi", "ren", "tar", "os", "vel", "du", "shi", "an",
             "bér", "go", "na", "phe", "ru", "xi"]
PERSONS_PER_LINE = 0.16


def word(dice):
    return "".join(dice.choices(SYLLABLES, k=dice.randint(2, 4))).capitalize()


def write(folder, name, header, rows):
    with gzip.open(folder / f"{name}.tsv.gz", "wt", compresslevel=1,
                   encoding="utf-8") as out:
        out.write(header.replace(" ", "\t") + "\n")
        out.writelines(rows)


def generate(folder, lines):
    dice = random.Random(1)
    titles, persons = lines // 8, int(lines * PERSONS_PER_LINE)
    words = [word(dice) for _ in range(5000)]
    write(folder, "title.basics", "tconst titleType primaryTitle originalTitle"
          " isAdult startYear endYear runtimeMinutes genres", (
              f"tt{i:07}\t{dice.choice(TYPES)}\tThe {dice.choice(words)}"
              f" {dice.choice(words)}\tx\t0\t{dice.randint(1900, 2026)}\t\\N\t90\t"
              f"{','.join(dice.sample(GENRES, 2))}\n"
              for i in range(1, titles + 1)))
    write(folder, "title.principals",
          "tconst ordering nconst category job characters", (
              f"tt{1 + i // 8:07}\t{1 + i % 8}\tnm"
              f"{1 + int(persons * dice.random() ** 2):07}\t{dice.choice(WORK)}"
              f"\t\\N\t[\"{dice.choice(words)}\"]\n" for i in range(lines)))
    write(folder, "name.basics", "nconst primaryName birthYear deathYear"
          " primaryProfession knownForTitles", (
              f"nm{i:07}\t{dice.choice(words)} {dice.choice(words)}\t1950\t\\N\t"
              f"actor\ttt{dice.randint(1, titles):07}\n"
              for i in range(1, persons + 1)))


def memory(pid):
    """MiB that a process has for itself, without shared memory and files."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as lines:
            found = dict(line.split(":", 1) for line in lines)
    except OSError:
        return 0
    return int(found.get("RssAnon", "0").split()[0]) / 1024


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as text:
        return text.read().split()


def spent(pid):
    """Seconds of CPU of a process and of its children that have ended."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as text:
        fields = text.read().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def run(cluster, conf, folder):
    began, before = time.monotonic(), spent(cluster.process.pid)
    own = sum(os.times()[2:4])
    most = server = 0
    with subprocess.Popen([str(stack.BUILD / "mxmctl"), "--config", str(conf),
                           "import", "imdb", "--progress", str(folder)],
                          env=stack.environment()) as process:
        while process.poll() is None:
            most = max(most, memory(process.pid))
            server = max(server, *map(memory, children(cluster.process.pid)))
            time.sleep(0.1)
        if process.returncode:
            raise SystemExit(process.returncode)
    took = time.monotonic() - began
    time.sleep(1)  # the server's process has ended
    print(f"{took:.1f} s; memory: mxmctl {most:.0f} MiB, server {server:.0f} MiB;"
          f" CPU: mxmctl {sum(os.times()[2:4]) - own:.1f} s, server"
          f" {spent(cluster.process.pid) - before:.1f} s; load"
          f" {os.getloadavg()[0]:.1f}", flush=True)


def measure(folder, lines):
    if not (folder / "name.basics.tsv.gz").exists():
        began = time.monotonic()
        generate(folder, lines)
        print(f"generated in {time.monotonic() - began:.0f} s", flush=True)
    with tempfile.TemporaryDirectory(dir=stack.temporary()) as base:
        os.chmod(base, 0o755)
        with stack.Cluster(production=True) as cluster:
            place = place_module.Place(cluster, base)
            run(cluster, place.conf, folder)
            print(place.sql("SELECT (SELECT count(*) FROM movie),"
                            " (SELECT count(*) FROM person),"
                            " (SELECT count(*) FROM movie_actor),"
                            " (SELECT count(*) FROM movie_director)"), flush=True)
            run(cluster, place.conf, folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--folder", type=pathlib.Path)
    options = parser.parse_args()
    os.environ["MXM_BUILD"] = os.path.abspath(options.build)
    import place as place_module
    import stack
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
        measure(options.folder, options.lines)
    else:
        with tempfile.TemporaryDirectory() as made:
            measure(pathlib.Path(made), options.lines)
