# SPDX-License-Identifier: GPL-3.0-or-later
"""An OpenID Connect provider for tests, on loopback: discovery document, keys
and token endpoint. It signs with RS256 or ES256, or wrongly on request."""

import base64
import collections
import functools
import hashlib
import hmac
import http.server
import json
import secrets
import ssl
import threading
import time
import urllib.parse

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size=None):
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


@functools.cache
def rsa_pair(pair, bits):
    """The pair of that number; making one takes up to half a second."""
    return rsa.generate_private_key(65537, bits)


class Key:
    """A key pair under an identifier of its own; alg is RS256 or ES256. Keys of
    RS256 with the same number are one pair."""

    def __init__(self, alg="RS256", kid=None, bits=2048, pair=0):
        self.alg, self.kid = alg, kid or secrets.token_hex(4)
        self.bits, self.pair = bits, pair

    @functools.cached_property
    def private(self):
        return (rsa_pair(self.pair, self.bits) if self.alg == "RS256"
                else ec.generate_private_key(ec.SECP256R1()))

    def jwk(self):
        n = self.private.public_key().public_numbers()
        if self.alg == "RS256":
            own = {"kty": "RSA", "n": number(n.n), "e": number(n.e)}
        else:
            own = {"kty": "EC", "crv": "P-256", "x": number(n.x, 32),
                   "y": number(n.y, 32)}
        return {**own, "use": "sig", "alg": self.alg, "kid": self.kid}

    def sign(self, data):
        if self.alg == "RS256":
            return self.private.sign(data, padding.PKCS1v15(),
                                     hashes.SHA256())
        r, s = utils.decode_dss_signature(
            self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def pem(self):
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo)


def token(key, claims, header=None, sign=None):
    """A compact token; sign replaces the signature."""
    header = {"typ": "JWT", "alg": key.alg, "kid": key.kid, **(header or {})}
    header = {k: v for k, v in header.items() if v is not None}
    data = (b64(json.dumps(header).encode()) + "."
            + b64(json.dumps(claims).encode()))
    return data + "." + b64((sign or key.sign)(data.encode()))


def hs256(secret):
    """Signs with a public secret, such as the text of a public key."""
    return lambda data: hmac.new(secret, data, hashlib.sha256).digest()


class FakeProvider:
    """A provider with one client.

    code(**claims)   a code, good once; a claim that is None is left out; key,
                     header and sign as in token(), raw is the whole answer
    plan[path]       what happens next there, one entry a request: a
                     threading.Event is waited for before the usual answer,
                     None hangs up, (status, bytes) is the answer
    """

    def __init__(self, certificate=None):
        self.client_id, self.client_secret = "mxm", "s3cret/+ &=é"
        self.keys = [Key()]
        self.codes = {}
        self.requests = collections.Counter()
        self.forms = []
        self.traces = []          # header traceparent of each request
        self.authorizations = []
        self.plan = collections.defaultdict(collections.deque)
        self.more = {}            # further members of the document
        self.max_age = None
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                provider.serve(self)

            def do_POST(self):
                provider.serve(self)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 64

            def handle_error(self, *_):
                pass  # a client that has gone, or does not trust us

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*map(str, certificate))
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True,
                do_handshake_on_connect=False)
            scheme = "https"
        self.issuer = f"{scheme}://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,),
                         daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def code(self, key=None, header=None, sign=None, raw=None, redirect=None,
             verifier=None, **claims):
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": self.client_id, "iat": now,
                  "exp": now + 3600, "sub": secrets.token_hex(10),
                  "email_verified": True, **claims}
        claims = {k: v for k, v in claims.items() if v is not None}
        code = "4/" + secrets.token_urlsafe(30)
        self.codes[code] = (key, header, sign, raw, redirect, verifier, claims)
        return code

    def discovery(self):
        made = {"issuer": self.issuer,
                "authorization_endpoint": self.issuer + "/auth",
                "token_endpoint": self.issuer + "/token",
                "jwks_uri": self.issuer + "/keys",
                "token_endpoint_auth_methods_supported":
                    ["client_secret_post", "client_secret_basic"],
                **self.more}
        return {k: v for k, v in made.items() if v is not None}

    def serve(self, http):
        length = int(http.headers.get("Content-Length") or 0)
        body = http.rfile.read(length).decode()
        self.requests[http.path] += 1
        self.traces.append(http.headers.get("traceparent"))
        planned = self.plan[http.path]
        if planned:
            what = planned.popleft()
            if what is None:
                http.close_connection = True
                return
            if isinstance(what, tuple):
                self.answer(http, *what)
                return
            what.wait(60)
        if http.path == "/.well-known/openid-configuration":
            self.answer(http, 200, self.discovery())
        elif http.path == "/keys":
            self.answer(http, 200, {"keys": [k.jwk() for k in self.keys]})
        elif http.path == "/token" and http.command == "POST":
            self.answer(http, *self.redeem(body, http.headers))
        else:
            self.answer(http, 404, {})

    def answer(self, http, status, body):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        http.send_response(status)
        http.send_header("Content-Type", "application/json")
        http.send_header("Content-Length", str(len(body)))
        if self.max_age is not None:
            http.send_header("Cache-Control",
                             f"public, max-age={self.max_age}")
        http.end_headers()
        http.wfile.write(body)

    def is_client(self, form, headers):
        given = headers.get("Authorization")
        self.authorizations.append(given)
        if given:
            pair = base64.b64decode(given.split()[1]).decode().split(":")
            given = tuple(urllib.parse.unquote_plus(p) for p in pair)
        else:
            given = form.get("client_id"), form.get("client_secret", "")
        return given == (self.client_id, self.client_secret)

    def redeem(self, body, headers):
        form = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
        self.forms.append(form)
        if not self.is_client(form, headers):
            return 401, {"error": "invalid_client",
                         "error_description": "secret text"}
        key, header, sign, raw, redirect, verifier, claims = self.codes.pop(
            form.get("code"), [None] * 7)
        if claims is None or form.get("grant_type") != "authorization_code" \
                or redirect not in (None, form.get("redirect_uri")) \
                or verifier != form.get("code_verifier"):
            return 400, {"error": "invalid_grant",
                         "error_description": "Malformed auth code."}
        if raw is not None:
            return 200, raw
        return 200, {"access_token": "ya29.secret", "token_type": "Bearer",
                     "id_token": token(key or self.keys[0], claims, header,
                                       sign)}
