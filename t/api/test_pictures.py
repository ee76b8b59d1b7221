# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of users: what is accepted, what is stored of it and how it is
served, and that hostile files leave nothing behind. Sign-up is the route here;
the profile has the same field (test_profile.py)."""

import concurrent.futures
import functools
import io
import re
import struct
import subprocess
import uuid
import zipfile
import zlib

import pytest
from PIL import Image

from pictures import (BLUE, GREEN, RED, WIDTHS, animated, chunk, corners,
                      decoded, deep, encoded, files_of, flat_png, has_corners,
                      interlaced, many_scans, near, noise, packed, png,
                      profile, resized_header, segments, stored)
from stack import BUILD

WORLD = "ana-and-friends"
SIGNUP = "/api/auth/signup/"
REFUSED = ("Upload a JPEG, PNG, WebP or GIF picture of at most 5 MiB and "
           "40 megapixels.")


def person(**changed):
    name = "p" + uuid.uuid4().hex[:12]
    return {"username": name, "email": f"{name}@example.org",
            "password": "Trilobite-lantern-71", "first_name": "Nora",
            "last_name": "Nowak", **changed}


def send(stack, data, name="me.jpg", kind="image/jpeg", query="", **changed):
    return stack.client().request(
        "POST", SIGNUP + query, data=person(**changed),
        files={"picture": (name, data, kind)})


def accepted(stack, data, **more):
    """The six decoded pictures of an upload."""
    r = send(stack, data, **more)
    assert r.status_code == 200, r.text
    return [decoded(f.read_bytes()) for f in files_of(stack, r.json()["picture"])]


def refused(stack, data):
    before = stored(stack)
    accounts = stack.value("SELECT count(*) FROM account")
    r = send(stack, data)
    assert r.status_code == 400, r.text
    assert r.json() == {"picture": [REFUSED], "error": REFUSED}
    assert stored(stack) == before
    assert stack.value("SELECT count(*) FROM account") == accounts


# ---------------------------------------------------------- what is stored

@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_every_format_is_stored_in_three_widths(stack, client, kind):
    before = stored(stack)
    r = send(stack, encoded(corners(1500 + ord(kind[0]), 900), kind), "../../etc/p\u00e4ss.html",
             "text/html")
    assert r.status_code == 200, r.text
    url = r.json()["picture"]
    assert re.fullmatch(r"https?://\S+/media/users/[0-9a-f]{32}-1024\.jpg", url)
    files = files_of(stack, url)
    assert stored(stack) - before == {f.name for f in files}
    for i, file in enumerate(files):
        image = decoded(file.read_bytes())
        assert image.format == ("JPEG", "WEBP")[i % 2]
        assert image.size[0] == WIDTHS[i // 2]
        assert 0.5 < image.size[1] / image.size[0] < 0.6
        assert has_corners(image)
        assert file.stat().st_mode & 0o777 == 0o644
        got = client.get(f"/media/users/{file.name}", check=False)
        assert (got.status_code, got.content) == (200, file.read_bytes())
        assert got.headers["Content-Type"] == ("image/jpeg", "image/webp")[i % 2]
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert got.headers["Cache-Control"] == \
            "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", [
    "users/default.png", "users/0123.jpg", "movies/covers/no-movie.png"])
def test_what_may_be_replaced_is_not_immutable(stack, client, path):
    file = stack.media / path
    if not file.exists():
        file.write_bytes(b"x")
    got = client.get("/media/" + path, check=False)
    assert got.status_code == 200
    assert got.headers["Cache-Control"] == "public, max-age=604800"
    missing = client.get(f"/media/users/{'0' * 32}-1024.jpg", check=False)
    assert missing.status_code == 404
    assert "Cache-Control" not in missing.headers


@pytest.mark.parametrize("size, widths", [
    ((300, 200), (300, 300, 128)), ((1, 1), (1, 1, 1)),
    ((100, 3000), (68, 26, 9)), ((1200, 900), WIDTHS),
    ((3000, 1), WIDTHS)])
def test_it_is_never_enlarged(stack, size, widths):
    images = accepted(stack, encoded(Image.new("RGB", size, RED)))
    assert tuple(i.size[0] for i in images[::2]) == widths
    assert all(i.size[1] <= 2 * w for i, w in zip(images[::2], WIDTHS))


TURNS = {1: None, 2: Image.FLIP_LEFT_RIGHT, 3: Image.ROTATE_180,
         4: Image.FLIP_TOP_BOTTOM, 5: Image.TRANSPOSE, 6: Image.ROTATE_90,
         7: Image.TRANSVERSE, 8: Image.ROTATE_270}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_it_is_upright(stack, orientation, kind):
    """As a camera stores it: turned, and a number that undoes it."""
    image = corners(600, 400)
    if TURNS[orientation] is not None:
        image = image.transpose(TURNS[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    for found in accepted(stack, encoded(image, kind, exif=exif.tobytes())):
        assert has_corners(found)
        assert found.size[0] > found.size[1]
        assert not found.getexif()


SECRET = b"Oberbaumbruecke 52.5017 13.4457"


def with_gps():
    exif = Image.Exif()
    exif[0x010f] = exif[0x8298] = SECRET.decode()
    gps = exif.get_ifd(0x8825)
    gps.update({1: "N", 2: (52.0, 30.0, 6.1), 3: "E", 4: (13.0, 26.0, 44.5)})
    return exif.tobytes()


def after_start(data, marker, content):
    return data[:2] + b"\xff" + bytes([marker]) + struct.pack(
        ">H", len(content) + 2) + content + data[2:]


def webp_with(data, kind, content):
    """A RIFF chunk more, and the extended header that announces it."""
    w, h = decoded(data).size
    body = data[12:]
    flags = {b"EXIF": 8, b"XMP ": 4}[kind]
    head = b"VP8X" + struct.pack("<IBxxx", 10, flags) + struct.pack(
        "<I", w - 1)[:3] + struct.pack("<I", h - 1)[:3]
    body = head + body + kind + struct.pack("<I", len(content)) + content + \
        b"\0" * (len(content) % 2)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def documented():
    jpeg = encoded(corners(), "JPEG", exif=with_gps())
    yield "exif", jpeg
    yield "xmp", after_start(
        jpeg, 0xe1, b"http://ns.adobe.com/xap/1.0/\0<x>" + SECRET + b"</x>")
    yield "iptc", after_start(
        jpeg, 0xed, b"Photoshop 3.0\08BIM\x04\x04\0\0\0\0\0\x24\x1c\x02\x5a\0"
        + bytes([len(SECRET)]) + SECRET)
    yield "comment", after_start(jpeg, 0xfe, SECRET)
    yield "app4", after_start(jpeg, 0xe4, SECRET)
    swapped = profile((0.4, 0.2, 0.01), (0.4, 0.7, 0.1), (0.1, 0.1, 0.7))
    yield "icc", encoded(corners(), "JPEG", icc_profile=swapped + SECRET)
    rows = packed(b"".join(b"\0" + bytes((200, 100, 50)) * 8 for _ in range(8)))
    text = chunk(b"tEXt", b"Location\0" + SECRET)
    zipped = chunk(b"zTXt", b"Location\0\0" + zlib.compress(SECRET))
    yield "text", png(8, 8, text, zipped, rows)
    yield "eXIf", png(8, 8, chunk(b"eXIf", with_gps()[6:]), rows)
    webp = encoded(corners(), "WEBP")
    yield "webp exif", webp_with(webp, b"EXIF", with_gps()[6:])
    yield "webp xmp", webp_with(webp, b"XMP ", b"<x>" + SECRET + b"</x>")
    gif = encoded(corners(), "GIF", comment=SECRET)
    assert SECRET in gif
    yield "gif comment", gif


@pytest.mark.parametrize("data", [
    pytest.param(d, id=n) for n, d in documented()])
def test_it_has_no_metadata(stack, data):
    """Today the place where a photo was taken is served to everybody."""
    r = send(stack, data)
    assert r.status_code == 200, r.text
    for file in files_of(stack, r.json()["picture"]):
        got = file.read_bytes()
        assert SECRET[:15] not in got and b"GPS" not in got
        if file.suffix == ".jpg":
            assert {m for m, _ in segments(got) if m >= 0xe0} <= {0xe0}
        else:
            kinds = {got[at:at + 4] for at in riff_chunks(got)}
            assert kinds <= {b"VP8 ", b"VP8L", b"VP8X", b"ALPH"}


def riff_chunks(data):
    at = 12
    while at < len(data):
        yield at
        size = struct.unpack("<I", data[at + 4:at + 8])[0]
        at += 8 + size + size % 2


COLOURS = {
    "CMYK": lambda: encoded(corners().convert("CMYK"), "JPEG", quality=95),
    "grey": lambda: encoded(corners().convert("L"), "JPEG"),
    "progressive": lambda: encoded(corners(), "JPEG", progressive=True),
    "interlaced": lambda: interlaced(corners()),
    "16 bits": lambda: deep(corners()),
    "palette": lambda: encoded(corners().convert("P", palette=Image.ADAPTIVE)),
    "lossless": lambda: encoded(corners(), "WEBP", lossless=True),
    "restart markers": lambda: encoded(corners(), "JPEG", qtables="web_low"),
}


@pytest.mark.parametrize("name", COLOURS)
def test_every_kind_of_colour_becomes_srgb(stack, name):
    for image in accepted(stack, COLOURS[name]()):
        assert image.mode == "RGB"
        if name == "grey":
            corner = image.getpixel((2, 2))
            assert max(corner) - min(corner) < 4
        elif name == "CMYK":  # without a profile, so only roughly
            assert near(image.getpixel((2, 2)), RED, 80)
        else:
            assert has_corners(image)


SRGB = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971),
        (0.1431, 0.0606, 0.7141))


def test_a_colour_profile_is_applied(stack):
    """With one whose red is green, the picture is as a viewer that knows
    profiles shows it; with that of sRGB it stays as it is."""
    swapped = profile(SRGB[1], SRGB[0], SRGB[2])
    for image in accepted(stack, encoded(corners(), icc_profile=swapped)):
        w, h = image.size
        left = image.convert("RGB").getpixel((w // 4, h // 4))
        right = image.convert("RGB").getpixel((3 * w // 4, h // 4))
        assert left[1] > 150 > 100 > left[0]
        assert right[0] > 100 > right[1]
    same = accepted(stack, encoded(corners(), icc_profile=profile(*SRGB)))
    assert all(has_corners(image) for image in same)


def test_transparency_is_white_in_a_jpeg(stack):
    image = Image.new("RGBA", (200, 100), (0, 0, 0, 0))
    image.paste(RED + (255,), (0, 0, 100, 100))
    for i, found in enumerate(accepted(stack, encoded(image))):
        w, h = found.size
        clear = found.getpixel((3 * w // 4, h // 2))
        if i % 2:
            assert found.mode == "RGBA" and clear[3] < 10
        else:
            assert near(clear, (255, 255, 255), 10)
        assert near(found.getpixel((w // 4, h // 2))[:3], RED)


def test_the_first_frame_of_an_animation(stack):
    for image in accepted(stack, animated(RED, BLUE, GREEN)):
        assert getattr(image, "n_frames", 1) == 1
        assert near(image.convert("RGB").getpixel((5, 5)), RED)


def test_equal_pictures_share_their_files(stack):
    data = encoded(noise())
    first = send(stack, data)
    before = stored(stack)
    second = send(stack, data, "another.png", "image/png")
    assert first.json()["picture"] == second.json()["picture"]
    assert stored(stack) == before
    third = send(stack, encoded(noise()))
    assert third.json()["picture"] != first.json()["picture"]


# ---------------------------------------------------------- what is refused

def heic():
    return b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)


def cut(kind, share, **options):
    data = encoded(noise(), kind, **options)
    return data[:int(len(data) * share)]


SVG = (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' width='9' "
       b"height='9'><script>alert(1)</script></svg>")
NOT = {
    "empty": lambda: b"",
    "one byte": lambda: b"\xff",
    "three bytes of a JPEG": lambda: b"\xff\xd8\xff",
    "start and end of a JPEG": lambda: b"\xff\xd8\xff\xd9",
    "JPEG without a scan": lambda: encoded(corners(), "JPEG")[:300],
    "zeros": lambda: b"\0" * 100,
    "wave": lambda: b"RIFF\0\0\0\0WAVEfmt ",
    "html": lambda: b"<html><script>alert(1)</script>",
    "svg": lambda: SVG,
    "svg behind a GIF": lambda: b"GIF89a" + SVG,
    "heic": heic,
    "avif": lambda: heic().replace(b"heic", b"avif"),
    "pdf": lambda: b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF",
    "tiff": lambda: encoded(corners(), "TIFF"),
    "tiff, big-endian": lambda: b"MM\0\x2a\0\0\0\x08" + bytes(50),
    "bmp": lambda: encoded(corners(), "BMP"),
    "ico": lambda: encoded(corners(64, 64), "ICO"),
    "ppm": lambda: encoded(corners(), "PPM"),
    "mvg of ImageMagick": lambda: b"push graphic-context\nimage over 0,0 0,0 "
                                  b"'https://127.0.0.1/x.php'\n",
    "vips": lambda: b"\xb6\xa6\xf2\x08" + bytes(100),
    "half a JPEG": lambda: cut("JPEG", 0.5),
    "half a progressive JPEG": lambda: cut("JPEG", 0.5, progressive=True),
    "half a PNG": lambda: cut("PNG", 0.5),
    "half a WebP": lambda: cut("WEBP", 0.5),
    "half a GIF": lambda: cut("GIF", 0.5),
    "PNG without pixels": lambda: png(8, 8),
    "PNG with a wrong checksum": lambda: png(
        8, 8, chunk(b"IDAT", zlib.compress(bytes(8 * 25)), crc=7)),
    "PNG with too few rows": lambda: png(8, 800, packed(bytes(8 * 25))),
    "PNG of no size": lambda: png(0, 0, packed(b"")),
    "PNG of negative size": lambda: png(2**31, 2**31 + 5, packed(b"")),
    "too wide for 40 megapixels": lambda: flat_png(8001, 5000),
    "bomb in PNG": lambda: png(60000, 60000, packed(bytes(10**7))),
    "bomb in a JPEG's header": lambda: resized_header(
        encoded(corners(), "JPEG"), 65500, 65500),
    "bomb in a GIF's header": lambda: b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0"
                                      b"\xff\xff\xff\xff\0\x02\x02\x4c\x01\0;",
    "bomb in a WebP's header": lambda: b"RIFF\x20\0\0\0WEBPVP8L\x14\0\0\0\x2f"
                                       b"\xff\xff\xff\x0f" + bytes(16),
    "WebP with a wrong length": lambda: b"RIFF\xff\xff\xff\xffWEBPVP8 "
                                        b"\xff\xff\xff\xff" + bytes(16),
}


@pytest.mark.parametrize("name", NOT)
def test_what_is_no_picture_is_refused_and_leaves_nothing(stack, name):
    refused(stack, NOT[name]())


def test_forty_megapixels_are_accepted(stack):
    images = accepted(stack, flat_png(8000, 5000))
    assert images[0].size == (1024, 640)


@pytest.mark.parametrize("lang, words", [
    ("en", "Upload a JPEG, PNG, WebP or GIF picture of at most 5 MiB and 40 "),
    ("de", "Bitte laden Sie ein JPEG-, PNG-, WebP- oder GIF-Bild mit "),
    ("es", "Suba una imagen JPEG, PNG, WebP o GIF de 5\u00a0MiB y 40 "),
    ("fr", "Envoyez une image JPEG, PNG, WebP ou GIF d\u2019au plus 5\u00a0Mio ")])
@pytest.mark.parametrize("data", [b"\xff\xd8\xff", b"%PDF-1.7"])
def test_the_formats_are_named_in_the_users_language(stack, lang, words, data):
    """By the first bytes, and by the decoder."""
    r = send(stack, data, query=f"?lang={lang}")
    assert r.status_code == 400
    assert r.json()["picture"][0].startswith(words)


def test_a_text_is_no_picture(stack):
    r = stack.client().request("POST", SIGNUP, files={
        **{k: (None, v) for k, v in person().items()},
        "picture": (None, "https://example.org/me.jpg")})
    assert (r.status_code, r.json()["picture"]) == (400, [REFUSED])


def test_more_than_five_mebibytes(stack):
    before = stored(stack)
    r = send(stack, encoded(corners(), "JPEG") + bytes(5 * 1024 * 1024))
    assert r.status_code in (400, 413) and r.json()["error"]
    assert stored(stack) == before


# ------------------------------------------- hostile, and accepted or refused

MARK = b"MZ<script>alert('polyglot')</script><?php system('id'); ?>"


def archive():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as z:
        z.writestr("x.html", MARK)
    return out.getvalue()


@functools.cache
def jpeg():
    return encoded(corners(), "JPEG")


@functools.cache
def gif():
    return encoded(corners(), "GIF")


def rows():
    return packed(b"".join(b"\0" + bytes(24) for _ in range(8)))


def bomb():
    """A chunk that expands to much more than it is."""
    return b"a\0\0" + zlib.compress(bytes(200 * 1024 * 1024), 9)


# Made when they are used, since some take long.
HOSTILE = {
    "JPEG and ZIP": lambda: jpeg() + archive(),
    "JPEG and HTML": lambda: after_start(jpeg(), 0xfe, MARK) + MARK,
    "PNG and HTML": lambda: png(8, 8, chunk(b"tEXt", b"a\0" + MARK),
                                rows()) + MARK,
    "GIF and script": lambda: gif() + MARK,
    "GIF that is a script": lambda: b"GIF89a=1;//" + MARK + gif()[6:],
    "PNG and JPEG": lambda: png(8, 8, rows()) + jpeg(),
    "zTXt bomb": lambda: png(8, 8, chunk(b"zTXt", bomb()), rows()),
    "iCCP bomb": lambda: png(8, 8, chunk(b"iCCP", bomb()), rows()),
    "many text chunks": lambda: png(8, 8, chunk(b"tEXt", b"a\0b") * 50000,
                                    rows()),
    "scans": lambda: many_scans(encoded(
        Image.new("RGB", (1000, 1000)), "JPEG", progressive=True), 4 << 20),
    "frames": lambda: animated(*[(i % 256, i // 256, 0) for i in range(1500)]),
    "broken exif": lambda: after_start(
        jpeg(), 0xe1, b"Exif\0\0II*\0\xff\xff\xff\x7f"),
    "exif that refers to itself": lambda: after_start(
        jpeg(), 0xe1, b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0"
                      b"\x08\0\0\0\x08\0\0\0"),
    "broken profile": lambda: encoded(corners(), icc_profile=b"\xff" * 3000),
    "orientation 9": lambda: encoded(
        corners(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0"
                                b"\x01\0\0\0\x09\0\0\0\0\0\0\0"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_becomes_a_clean_picture_or_nothing(stack, name):
    before = stored(stack)
    r = send(stack, HOSTILE[name]())
    new = stored(stack) - before
    assert r.status_code in (200, 400), r.text
    if r.status_code == 400:
        assert r.json() == {"picture": [REFUSED], "error": REFUSED}
        assert not new
        return
    files = files_of(stack, r.json()["picture"])
    assert all(f.exists() for f in files) and new <= {f.name for f in files}
    for file in files:
        got = file.read_bytes()
        assert b"polyglot" not in got and b"PK\3\4" not in got
        assert b"php" not in got
        assert decoded(got).format in ("JPEG", "WEBP")


def test_random_changes_never_fail_the_server(stack):
    """Each byte may be any other: a picture or a refusal, and the workers that
    answer are those of before."""
    pids = stack.ctl("status --json").stdout
    base = [encoded(corners(60, 40), k) for k in ("JPEG", "PNG", "WEBP", "GIF")]
    for i in range(120):
        data = bytearray(base[i % 4])
        for j in range(1 + i % 5):
            data[(i * 7919 + j * 104729) % len(data)] ^= 1 << (i + j) % 8
        before = stored(stack)
        r = send(stack, bytes(data))
        assert r.status_code in (200, 400), r.text
        if r.status_code == 400:
            assert stored(stack) == before
    assert [re.findall(r'"pid": ?\d+', t) for t in (
        pids, stack.ctl("status --json").stdout)]


# ------------------------------------------------ a statement that is refused

def at_once(n, call):
    with concurrent.futures.ThreadPoolExecutor(n) as pool:
        return list(pool.map(call, range(n)))


def test_of_equal_sign_ups_one_keeps_the_picture(stack):
    body, data = person(), encoded(noise())
    before = stored(stack)
    answers = at_once(8, lambda _: stack.client().request(
        "POST", SIGNUP, data=body, files={"picture": ("a", data, "x/y")}))
    assert sorted(r.status_code for r in answers) == [200] + [400] * 7
    for r in answers:
        if r.status_code == 400:
            assert set(r.json()) == {"username", "email", "error"}
    path = stack.value("SELECT picture FROM account WHERE username = %s",
                       (body["username"],))
    assert stored(stack) - before == {f.name for f in files_of(stack, path)}


def test_a_taken_name_leaves_no_picture(stack):
    before = stored(stack)
    answers = at_once(6, lambda _: send(
        stack, encoded(noise(40, 30)), username="ana"))
    data = encoded(noise())
    answers += at_once(6, lambda _: send(stack, data, username="ana"))
    for r in answers:
        assert r.status_code == 400 and "username" in r.json()
    assert stored(stack) == before


def test_a_refused_sign_up_leaves_the_picture_of_another(stack):
    data = encoded(noise())
    path = send(stack, data).json()["picture"]
    assert send(stack, data, username="ana").status_code == 400
    assert all(f.exists() for f in files_of(stack, path))


def test_a_file_that_cannot_be_written_leaves_no_others(stack):
    """As on a full disk: the temporary name of the last but one exists."""
    data = encoded(noise())
    body = person()
    r = stack.client().request("POST", SIGNUP, data=body,
                               files={"picture": ("a", data, "x/y")})
    files = files_of(stack, r.json()["picture"])
    stack.sql("DELETE FROM account WHERE username = %s", (body["username"],))
    for file in files:
        file.unlink()
    before = stored(stack)
    pids = re.findall(r'"pid": ?(\d+)', stack.ctl("status --json").stdout)
    blocks = [files[4].parent / f".{files[4].name}.{pid}.part" for pid in pids]
    assert blocks
    for block in blocks:
        block.mkdir()
    r = send(stack, data)
    for block in blocks:
        block.rmdir()
    assert r.status_code == 503 and int(r.headers["Retry-After"]) > 0
    assert stored(stack) == before
    assert send(stack, data).status_code == 200


def test_other_errors_come_before_the_picture_is_decoded(stack):
    """All errors of the form in one answer; a picture that only the decoder
    refuses is not among them."""
    before = stored(stack)
    r = send(stack, b"%PDF", username="a b", email="x")
    assert set(r.json()) == {"username", "email", "picture", "error"}
    r = send(stack, encoded(corners()), username="a b")
    assert set(r.json()) == {"username", "error"}
    assert stored(stack) == before
