# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of HTTP/2 that sends any frames and header fields, without a library
that would refuse them: strings without Huffman code, no dynamic table."""

import struct

import wire
from nginx_site import HOST


def frame(kind, flags, stream, payload=b""):
    return (struct.pack("!I", len(payload))[1:] + bytes([kind, flags])
            + struct.pack("!I", stream) + payload)


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0)


def string(value):
    """A string literal of HPACK without Huffman code, up to 16 000 bytes."""
    value, size = value.encode("latin-1"), len(value)
    if size < 127:
        return bytes([size]) + value
    size, out = size - 127, b"\x7f"
    while size > 127:
        out, size = out + bytes([size & 127 | 128]), size >> 7
    return out + bytes([size]) + value


PSEUDO = {":method": "GET", ":scheme": "https", ":authority": HOST,
          ":path": "/api/"}


def fields_of(pairs):
    """A header block; for the names and values."""
    return b"".join(b"\0" + string(n) + string(v) for n, v in pairs)


def connect(site):
    tls = wire.context()
    tls.set_alpn_protocols(["h2"])
    return wire.connect(site, tls)


def status(site, pairs, body=b""):
    """The status of a request with these header fields, or how the server
    refused it: "stream" or "connection"."""
    head = fields_of(pairs)
    data = PREFACE + frame(1, 4 if body else 5, 1, head)
    if body:
        data += frame(0, 1, 1, body)
    with connect(site) as s:
        s.sendall(data)
        return outcome(s)


def outcome(s):
    rest = b""
    while True:
        while len(rest) < 9 or len(rest) < 9 + int.from_bytes(rest[:3], "big"):
            piece = s.recv(65536)
            if not piece:
                return "connection"
            rest += piece
        size, kind = int.from_bytes(rest[:3], "big"), rest[3]
        payload, rest = rest[9:9 + size], rest[9 + size:]
        if kind == 1:  # the status is first: of the static table, or literal
            known = {0x88: 200, 0x89: 204, 0x8c: 400, 0x8d: 404, 0x8e: 500}
            return known.get(payload[0]) or int(payload[2:5])
        if kind == 3:
            return "stream"
        if kind == 7:
            return "connection"
