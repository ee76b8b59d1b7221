# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures for tests of uploads, good ones and hostile ones, and what is stored
of them. Every picture is made when it is used."""

import io
import os
import pathlib
import re
import struct
import zlib

from PIL import Image

WIDTHS = (1024, 384, 128)
RED, GREEN, BLUE, WHITE = (220, 20, 20), (20, 180, 20), (20, 20, 220), (240,) * 3


def corners(width=320, height=200):
    """A different colour in each corner: red, green / blue, white."""
    image = Image.new("RGB", (width, height))
    for colour, x, y in ((RED, 0, 0), (GREEN, width // 2, 0),
                         (BLUE, 0, height // 2),
                         (WHITE, width // 2, height // 2)):
        image.paste(colour, (x, y, x + width // 2 + 1, y + height // 2 + 1))
    return image


def noise(width=300, height=200):
    return Image.effect_noise((width, height), 90).convert("RGB")


def encoded(image, kind="PNG", **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def decoded(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def near(pixel, colour, distance=40):
    return all(abs(a - b) <= distance for a, b in zip(pixel, colour))


def has_corners(image):
    """Whether it shows corners() upright."""
    w, h = image.size
    found = [image.convert("RGB").getpixel((x, y))
             for y in (h // 4, 3 * h // 4) for x in (w // 4, 3 * w // 4)]
    return all(near(a, b) for a, b in zip(found, (RED, GREEN, BLUE, WHITE)))


# --------------------------------------------------------------------- PNG

def chunk(kind, data, crc=None):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(
        ">I", zlib.crc32(kind + data) if crc is None else crc)


def png(width, height, *chunks, depth=8, colour=2, interlace=0):
    """A PNG of these chunks between header and end; the header may lie."""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(
        ">IIBBBBB", width, height, depth, colour, 0, 0, interlace)) + b"".join(
            chunks) + chunk(b"IEND", b"")


def packed(rows):
    return chunk(b"IDAT", zlib.compress(rows, 9))


def interlaced(image):
    """An Adam7 PNG of an RGB image."""
    rows = b""
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8),
                           (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
                           (0, 1, 1, 2)):
        for y in range(y0, image.height, dy):
            rows += b"\0" + b"".join(
                bytes(image.getpixel((x, y)))
                for x in range(x0, image.width, dx))
    return png(image.width, image.height, packed(rows), interlace=1)


def deep(image):
    """A PNG with 16 bits per channel."""
    data, w = image.tobytes(), image.width * 3
    rows = b"".join(b"\0" + bytes(b for v in data[i:i + w] for b in (v, 0))
                    for i in range(0, len(data), w))
    return png(image.width, image.height, packed(rows), depth=16)


def flat_png(width, height):
    """One colour and a bit per pixel: small whatever it measures."""
    return encoded(Image.new("1", (width, height)), optimize=True)


# -------------------------------------------------------------------- JPEG

def segments(data):
    """The markers of a JPEG before its scan, with their content."""
    found, at = [], 2
    while data[at + 1] != 0xda:
        size = struct.unpack(">H", data[at + 2:at + 4])[0]
        found.append((data[at + 1], data[at + 4:at + 2 + size]))
        at += 2 + size
    return found


def resized_header(data, width, height):
    """A JPEG whose header has another size."""
    at = re.search(rb"\xff[\xc0\xc2]\x00\x11\x08", data).end()
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4:]


def many_scans(data, size):
    """A progressive JPEG whose last scan is repeated."""
    last = data.rindex(b"\xff\xda")
    scan = data[last:-2]
    return data[:last] + scan * ((size - last) // len(scan)) + data[-2:]


# ------------------------------------------------------------ colour profile

def profile(red, green, blue):
    """A matrix ICC profile with these XYZ primaries and gamma 2.2."""
    def number(x):
        return struct.pack(">i", round(x * 65536))

    def xyz(values):
        return b"XYZ \0\0\0\0" + b"".join(map(number, values))

    gamma = b"curv\0\0\0\0" + struct.pack(">IH", 1, int(2.2 * 256)) + b"\0\0"
    text = b"x\0"
    desc = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78)
    desc += bytes(-len(desc) % 4)
    tags = [(b"desc", desc), (b"cprt", b"text\0\0\0\0none\0\0\0\0"),
            (b"wtpt", xyz((0.9642, 1, 0.8249))), (b"rXYZ", xyz(red)),
            (b"gXYZ", xyz(green)), (b"bXYZ", xyz(blue)), (b"rTRC", gamma),
            (b"gTRC", gamma), (b"bTRC", gamma)]
    at, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, data in tags:
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"test", 0x02100000,
                       b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += b"".join(map(number, (0.9642, 1, 0.8249)))
    head += bytes(128 - len(head))
    return head + struct.pack(">I", len(tags)) + table + body


# --------------------------------------------------------------------- GIF

def animated(*colours):
    frames = [Image.new("RGB", (64, 48), c) for c in colours]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:],
                   duration=100, loop=0)


# --------------------------------------------------------- a form, and a folder

def form(body, picture=None):
    """The parts of a multipart body; picture is (name, data, type)."""
    parts = {k: (None, v) for k, v in body.items()}
    if picture is not None:
        parts["picture"] = picture
    return parts


def stored(stack):
    """The names of all files of pictures of users."""
    folder = stack.media / "users"
    return set(os.listdir(folder)) - {"default.png"} if folder.exists() else set()


def files_of(stack, path):
    """The six files of a picture, by its path or address, the widest first."""
    stem = re.fullmatch(r"(?:.*/media/)?(\w+/[0-9a-f]{32})-1024\.jpg",
                        str(path))[1]
    return [pathlib.Path(stack.media) / f"{stem}-{w}.{s}"
            for w in WIDTHS for s in ("jpg", "webp")]
