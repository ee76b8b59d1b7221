#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the pictures of the demo catalogue into demo/media: a typographic
poster for every film (SVG, 500x750) and a tile for every platform.

Everything is drawn from the catalogue itself: the first genre chooses palette
and motif, the slug the arrangement. Run it after a change of movies.jsonl or
platforms.jsonl; the same input gives the same bytes. Python's library alone.
"""

import hashlib
import json
import math
import pathlib
import random
from xml.sax.saxutils import escape

HERE = pathlib.Path(__file__).resolve().parent
MEDIA = HERE / "media"
WIDTH, HEIGHT = 500, 750
SANS = "'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif"
SERIF = "Georgia, 'Times New Roman', 'DejaVu Serif', serif"

# Which of a film's genres speaks for it: the rarer ones first.
WEIGHT = ["documentary", "western", "animation", "horror", "war", "music",
          "science-fiction", "fantasy", "history", "mystery", "crime",
          "thriller", "adventure", "action", "romance", "comedy", "family",
          "drama"]

# ground, ink, two accents
PALETTES = {
    "action": ("#1c1a1a", "#f6efe2", "#e4572e", "#f3a712"),
    "adventure": ("#0f3d3e", "#f4ecd8", "#e2a33b", "#4f9d8f"),
    "animation": ("#ffd166", "#23395b", "#ef476f", "#06a77d"),
    "comedy": ("#fbe3a3", "#2b2d42", "#ef6351", "#3d8fa3"),
    "crime": ("#16161d", "#ece5d8", "#b3001b", "#6b6b76"),
    "documentary": ("#dfe9ee", "#12323f", "#3a7ca5", "#8fb8c9"),
    "drama": ("#e9e2d6", "#26323a", "#a44a3f", "#7d8f8a"),
    "family": ("#cdeac0", "#22333b", "#ff928b", "#4d908e"),
    "fantasy": ("#20123a", "#f3e9ff", "#9d6bff", "#f2c14e"),
    "history": ("#d8c9a8", "#2e251c", "#7a2e1d", "#8a7a55"),
    "horror": ("#0c0c0f", "#ece6e6", "#c1121f", "#3c3c46"),
    "music": ("#12263a", "#fdf0d5", "#f4a261", "#2a9d8f"),
    "mystery": ("#1b2a33", "#e6ead7", "#d8a31a", "#4b6a6a"),
    "romance": ("#f7d9d3", "#4a1d2f", "#c8385a", "#e89f71"),
    "science-fiction": ("#0b132b", "#e8f1f2", "#5bc0be", "#f25f5c"),
    "thriller": ("#22252b", "#f0ede6", "#e0a020", "#586070"),
    "war": ("#3a3d2e", "#efe9d5", "#c9622e", "#8a8f6a"),
    "western": ("#e8b04b", "#3a1f14", "#b5401f", "#f6dfa6"),
}


def num(value):
    """A number as SVG likes it: short."""
    return f"{value:.1f}".rstrip("0").rstrip(".")


def circle(x, y, r, fill, more=""):
    return (f'<circle cx="{num(x)}" cy="{num(y)}" r="{num(r)}" '
            f'fill="{fill}"{more}/>')


def rect(x, y, w, h, fill, more=""):
    return (f'<rect x="{num(x)}" y="{num(y)}" width="{num(w)}" '
            f'height="{num(h)}" fill="{fill}"{more}/>')


def path(points, fill, more=""):
    d = "M" + "L".join(f"{num(x)} {num(y)}" for x, y in points) + "Z"
    return f'<path d="{d}" fill="{fill}"{more}/>'


def ring(x, y, r, stroke, width):
    return (f'<circle cx="{num(x)}" cy="{num(y)}" r="{num(r)}" fill="none" '
            f'stroke="{stroke}" stroke-width="{num(width)}"/>')


# ------------------------------------------------------------------ motifs
# Each draws into the upper two thirds: (random, ink, first, second) -> shapes.

def stars_and_orbits(rnd, ink, one, two):
    out = [circle(rnd.uniform(10, 490), rnd.uniform(10, 520),
                  rnd.choice([1, 1.4, 2.2]), ink) for _ in range(70)]
    x, y, r = rnd.uniform(150, 350), rnd.uniform(190, 300), rnd.uniform(70, 120)
    out += [ring(x, y, r + 28 * i, one, 1.5) for i in range(1, 5)]
    out.append(circle(x, y, r, one))
    angle = rnd.uniform(0, math.tau)
    out.append(circle(x + (r + 84) * math.cos(angle),
                      y + (r + 84) * math.sin(angle), 18, two))
    return out


def blinds(rnd, ink, one, two):
    lean = rnd.uniform(-120, 120)
    out = [path([(0, y), (500, y + lean), (500, y + lean + 16), (0, y + 16)],
                two, ' opacity="0.6"') for y in range(-60, 560, 44)]
    x, y = rnd.uniform(150, 350), rnd.uniform(200, 330)
    out.append(circle(x, y, rnd.uniform(80, 120), one))
    out.append(rect(x - 5, y - 170, 10, 340, ink))
    return out


def two_circles(rnd, ink, one, two):
    y, r = rnd.uniform(230, 290), rnd.uniform(95, 130)
    gap, a = rnd.uniform(0.45, 0.85) * r, rnd.uniform(0, math.pi)
    dx, dy = gap * math.cos(a), gap * math.sin(a)
    return [circle(250 - dx, y - dy, r, one, ' opacity="0.85"'),
            circle(250 + dx, y + dy, r, two, ' opacity="0.85"'),
            ring(250, y, r + gap + 12, ink, 2)]


def bubbles(rnd, ink, one, two):
    out = []
    for i in range(14):
        r = rnd.uniform(18, 85)
        out.append(circle(rnd.uniform(20, 480), rnd.uniform(40, 500), r,
                          [one, two, ink][i % 3], ' opacity="0.8"'))
    return out


def horizon(rnd, ink, one, two):
    y = rnd.uniform(330, 400)
    out = [circle(rnd.uniform(140, 360), y - rnd.uniform(20, 90),
                  rnd.uniform(70, 105), one)]
    for i in range(3):
        top, points = y + 42 * i, [(0, 560)]
        for x in range(0, 501, 50):
            points.append((x, top + rnd.uniform(-26, 26)))
        out.append(path(points + [(500, 560)], [two, ink, two][i],
                        f' opacity="{[0.9, 0.35, 0.6][i]}"'))
    return out


def teeth(rnd, ink, one, two):
    points, low = [(0, 0)], rnd.uniform(280, 360)
    for x in range(0, 501, 25):
        points.append((x, low + rnd.uniform(-110, 140) * (x // 25 % 2)))
    out = [path(points + [(500, 0)], two)]
    x = rnd.uniform(150, 350)
    out.append(circle(x, 200, 66, one))
    out.append(circle(x + rnd.uniform(-14, 14), 200, 20, "#000"))
    return out


def waves(rnd, ink, one, two):
    out, high = [], rnd.uniform(24, 52)
    for i in range(9):
        y, shift = 90 + 48 * i, rnd.uniform(0, 100)
        d = f"M-100 {y}" + "".join(
            f"q50 {num(-high if j % 2 else high)} 100 0" for j in range(8))
        out.append(f'<path d="{d}" transform="translate({num(-shift)})" '
                   f'fill="none" stroke="{[one, two, ink][i % 3]}" '
                   f'stroke-width="{num(rnd.uniform(3, 13))}"/>')
    return out


def arcs(rnd, ink, one, two):
    x, y = rnd.choice([0, 250, 500]), rnd.choice([0, 520])
    out = [circle(x, y, r, [one, two][i % 2], ' opacity="0.8"')
           for i, r in enumerate(range(380, 60, -64))]
    return out + [ring(x, y, 420, ink, 2)]


def grid(rnd, ink, one, two):
    out = []
    for x in range(5):
        for y in range(5):
            if rnd.random() < 0.72:
                out.append(rect(50 + 82 * x, 50 + 92 * y, 72, 82,
                                rnd.choice([one, two, ink]),
                                ' opacity="0.85"'))
    return out


def moon_and_hills(rnd, ink, one, two):
    x = rnd.uniform(130, 370)
    out = [circle(rnd.uniform(10, 490), rnd.uniform(10, 300), 1.6, ink)
           for _ in range(40)]
    out += [circle(x, 190, 78, two), circle(x + 30, 176, 70, "ground")]
    for i in range(3):
        out.append(f'<ellipse cx="{num(rnd.uniform(60, 440))}" cy="570" '
                   f'rx="{num(rnd.uniform(200, 320))}" '
                   f'ry="{num(rnd.uniform(130, 260) - 40 * i)}" fill="{one}" '
                   f'opacity="{num(0.4 + 0.2 * i)}"/>')
    return out


def labyrinth(rnd, ink, one, two):
    x, y = 250, 265
    out = []
    for i, r in enumerate(range(30, 215, 23)):
        turn, length = rnd.uniform(0, 360), math.tau * r
        out.append(f'<circle cx="{x}" cy="{y}" r="{r}" fill="none" '
                   f'stroke="{[one, two][i % 2]}" stroke-width="9" '
                   f'stroke-dasharray="{num(length * 0.86)} {num(length)}" '
                   f'transform="rotate({num(turn)} {x} {y})"/>')
    return out + [circle(x, y, 12, ink)]


def rays(rnd, ink, one, two):
    x, y = rnd.uniform(180, 320), rnd.uniform(260, 420)
    n = rnd.choice([11, 13, 17])
    out = []
    for i in range(n):
        a, half = math.tau * i / n, math.pi / n / 1.7
        out.append(path([(x, y)] + [(x + 700 * math.cos(a + s * half),
                                     y + 700 * math.sin(a + s * half))
                                    for s in (-1, 1)],
                        [one, two][i % 2], ' opacity="0.55"'))
    return out + [circle(x, y, 74, ink), circle(x, y, 58, one)]


MOTIFS = {
    "action": rays, "adventure": horizon, "animation": bubbles,
    "comedy": bubbles, "crime": blinds, "documentary": grid, "drama": arcs,
    "family": bubbles, "fantasy": moon_and_hills, "history": grid,
    "horror": teeth, "music": waves, "mystery": labyrinth,
    "romance": two_circles, "science-fiction": stars_and_orbits,
    "thriller": blinds, "war": horizon, "western": rays,
}


# ------------------------------------------------------------------ posters

def wrapped(title, room):
    """The title in lines of at most so many characters."""
    lines = [""]
    for word in title.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def lettering(title):
    """Lines and size so that the title fills the foot of the poster."""
    for size in range(72, 20, -2):
        room = int(440 / (size * 0.68))
        lines = wrapped(title, room)
        if (max(map(len, lines)) <= room
                and len(lines) * size * 1.04 <= 128):
            break
    return lines, size


def poster(film, names):
    genre = next(g for g in WEIGHT if g in film["genres"])
    ground, ink, one, two = PALETTES[genre]
    seed = hashlib.sha256(film["slug"].encode()).digest()
    rnd = random.Random(int.from_bytes(seed[:8], "big"))
    year = film["release_date"][:4]
    face = SERIF if year < "1970" or genre in ("romance", "history") else SANS
    if rnd.random() < 0.4:
        one, two = two, one
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
           f'height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">',
           f'<title>{escape(film["title"])} ({year})</title>',
           rect(0, 0, WIDTH, HEIGHT, ground),
           f'<clipPath id="c"><path d="M0 0H{WIDTH}V520H0Z"/></clipPath>',
           '<g clip-path="url(#c)">']
    out += [s.replace('"ground"', f'"{ground}"')
            for s in MOTIFS[genre](rnd, ink, one, two)]
    out += ["</g>", rect(0, 520, WIDTH, 230, ground),
            rect(30, 540, 64, 6, one)]
    lines, size = lettering(film["title"])
    step = size * 1.04
    y = 566 + size * 0.72
    out.append(f'<g font-family="{face}" fill="{ink}">')
    for i, line in enumerate(lines):
        out.append(f'<text x="30" y="{num(y + i * step)}" font-size="{size}" '
                   f'font-weight="700">{escape(line)}</text>')
    directors = ", ".join(names[d] for d in film["directors"])
    out.append(f'<text x="30" y="722" font-size="18">'
               f'{escape(directors)}</text>')
    out.append(f'<text x="470" y="722" font-size="18" '
               f'text-anchor="end">{year}</text>')
    return "\n".join(out + ["</g>", "</svg>", ""])


def tile(platform):
    """A plain tile with the name: no company's mark is copied."""
    seed = hashlib.sha256(platform["slug"].encode()).digest()
    ground, ink, one, _ = sorted(PALETTES.values())[seed[0] % len(PALETTES)]
    size = min(52, int(330 / max(len(platform["name"]), 1)))
    name = escape(platform["name"])
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="240" height="120" '
            f'viewBox="0 0 240 120">\n<title>{name}</title>\n'
            + rect(0, 0, 240, 120, ground, ' rx="16"') + "\n"
            + rect(24, 92, 192, 5, one) + "\n"
            + f'<text x="120" y="{num(56 + size * 0.35)}" font-size="{size}" '
            f'font-family="{SANS}" font-weight="700" text-anchor="middle" '
            f'fill="{ink}">{name}</text>\n</svg>\n')


def write(name, data):
    path_ = MEDIA / name
    path_.parent.mkdir(parents=True, exist_ok=True)
    path_.write_bytes(data.encode())


def records(name):
    with open(HERE / name, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def main():
    names = {p["slug"]: p["name"] for p in records("persons.jsonl")}
    for film in records("movies.jsonl"):
        write(film["cover"], poster(film, names))
    for platform in records("platforms.jsonl"):
        write(platform["image"], tile(platform))


if __name__ == "__main__":
    main()
