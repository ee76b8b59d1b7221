#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the default pictures of an installation beside itself: what an award, a
movie, a person and a user have if nothing else was stored. Their paths are
defaults of columns in sql/migrations. Python's library alone."""

import pathlib
import struct
import zlib

HERE = pathlib.Path(__file__).resolve().parent


def png(width, height, colour_at):
    """A PNG of the colours that colour_at(x, y) gives as palette numbers."""
    palette = [(0xd8, 0xdc, 0xe0), (0x9a, 0xa3, 0xad), (0xf4, 0xf5, 0xf6)]
    raw = bytearray()
    for y in range(height):
        raw.append(0)
        row = [colour_at(x, y) for x in range(width)] + [0] * (-width % 4)
        for i in range(0, len(row), 4):
            raw.append(row[i] << 6 | row[i + 1] << 4 | row[i + 2] << 2
                       | row[i + 3])

    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data
                + struct.pack(">I", zlib.crc32(kind + data)))

    head = struct.pack(">IIBBBBB", width, height, 2, 3, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
            + chunk(b"PLTE", bytes(v for c in palette for v in c))
            + chunk(b"IDAT", zlib.compress(bytes(raw), 9))
            + chunk(b"IEND", b""))


def inside(x, y, cx, cy, r):
    return (x - cx) ** 2 + (y - cy) ** 2 <= r * r


def head_and_shoulders(x, y):
    if inside(x, y, 128, 100, 48):
        return 1
    return 1 if inside(x, y, 128, 268, 104) else 0


def film_frame(x, y):
    if x < 36 or x >= 464:
        hole = y % 50 < 26 and (8 <= x < 28 or 472 <= x < 492)
        return 2 if hole else 1
    if inside(x, y, 250, 375, 96):
        inner = (x - 214) >= 0 and abs(y - 375) <= (298 - x) * 0.62
        return 2 if inner else 1
    return 0


def cup(x, y):
    if 60 <= y < 130 and abs(x - 100) <= 44 - (y - 60) * 0.25:
        return 1
    if 52 <= y < 60 and abs(x - 100) <= 52:
        return 1
    if 130 <= y < 158 and abs(x - 100) <= 7:
        return 1
    if 158 <= y < 172 and abs(x - 100) <= 36:
        return 1
    for side in (56, 144):
        if inside(x, y, side, 82, 24) and not inside(x, y, side, 82, 15):
            return 1
    return 0


DRAWN = {
    "awards/no-award.png": (200, 200, cup),
    "movies/covers/no-movie.png": (500, 750, film_frame),
    "person/default.png": (256, 256, head_and_shoulders),
    "users/default.png": (256, 256, head_and_shoulders),
}


def main():
    for name, picture in DRAWN.items():
        path = HERE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(*picture))


if __name__ == "__main__":
    main()
