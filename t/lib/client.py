# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP client of the API for tests: requests, a token, a language, and
every answer it sees checked against doc/openapi.yaml."""

import requests

import contract


class Client:
    """Talks to one stack as one person.

    tls      through nginx's https port instead of the plain one
    check    validate answers (off only where the test sends garbage that no
             description covers)
    """

    def __init__(self, stack, tls=False, check=True):
        self.stack = stack
        self.base = stack.tls_url if tls else stack.url
        self.check = check
        self.token = self.refresh_token = None
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(stack.certificate) if tls else True

    def request(self, method, path, **kw):
        """One request; path is below the origin ("/api/…").  token=… takes
        another token than that of the last log-in, token=None none."""
        headers = dict(kw.pop("headers", None) or {})
        token = kw.pop("token", self.token)
        check = kw.pop("check", self.check)
        if token is not None:
            headers.setdefault("Authorization", f"Bearer {token}")
        kw.setdefault("timeout", 60)
        kw.setdefault("allow_redirects", False)
        response = self.session.request(method, self.base + path,
                                        headers=headers, **kw)
        if check:
            contract.check(method, path, response)
        return response

    def get(self, path, **kw):
        return self.request("GET", path, **kw)

    def post(self, path, json=None, **kw):
        return self.request("POST", path, json=json, **kw)

    def put(self, path, json=None, **kw):
        return self.request("PUT", path, json=json, **kw)

    def delete(self, path, json=None, **kw):
        return self.request("DELETE", path, json=json, **kw)

    def stretches(self, path, limit):
        """The answers of a list by cursor, to its end."""
        sep, last = "&" if "?" in path else "?", ""
        while last is not None:
            r = self.get(f"{path}{sep}limit={limit}&last_id={last}")
            assert r.status_code == 200, f"{r.status_code} {r.text}"
            body, last = r.json(), r.json()["next_last_id"]
            size = len(body["results"])
            assert size == limit or (last is None and size < limit)
            yield body

    def login(self, user, password):
        """Logs in and stores both tokens."""
        r = self.post("/api/auth/login/", token=None,
                      json={"username": user, "password": password})
        assert r.status_code == 200, f"{r.status_code} {r.text}"
        self.token = r.json()["access"]
        self.refresh_token = r.json()["refresh"]
        return self

    def refresh(self):
        """Takes a new access token."""
        r = self.post("/api/auth/refresh/", token=None,
                      json={"refresh": self.refresh_token})
        assert r.status_code == 200, f"{r.status_code} {r.text}"
        self.token = r.json()["access"]
        return self

    def language(self, code):
        """Sets the language of the account."""
        r = self.post("/api/users/preferred-language/",
                      json={"preferred_language": code})
        assert r.status_code == 200, f"{r.status_code} {r.text}"
        return self

    def signup(self, username, email, password, **more):
        """Signs up and verifies with the code from the mail; logged in."""
        body = {"username": username, "email": email, "password": password,
                "first_name": "First", "last_name": "Last"}
        body.update(more)
        r = self.post("/api/auth/signup/", token=None, json=body)
        assert r.status_code == 200, f"{r.status_code} {r.text}"
        self.login(username, password)
        r = self.post("/api/auth/verify/",
                      json={"verification_code": self.stack.mail(email)})
        assert r.status_code == 200, f"{r.status_code} {r.text}"
        return self.refresh()
