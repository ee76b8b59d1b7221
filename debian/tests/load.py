# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests through nginx, one at a time or many at once, each over a connection of
its own, so that every refused or broken connection is counted."""

import http.client
import json
import re
import socket
import ssl
import threading
import time

TLS = ssl.create_default_context()
TLS.check_hostname = False
TLS.verify_mode = ssl.CERT_NONE


def site():
    with open("/etc/moviesxmovies/conf.d/package.conf") as file:
        return re.search(r"^public_origin = https://(.*)", file.read(),
                         re.M)[1]


def ask(method, path, body=None, token=None):
    """(status, body) of a request."""
    connection = http.client.HTTPSConnection("127.0.0.1", 443, timeout=60,
                                             context=TLS)
    headers = {"Host": site(), "Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        connection.request(method, path,
                           body and json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def sign_in(name, password):
    status, body = ask("POST", "/api/auth/login/",
                       {"username": name, "password": password})
    assert status == 200, (status, body)
    return json.loads(body)["access"]


class Load:
    """Threads that send the requests of makers until the end of the block. Each
    maker is called in a thread of its own and yields (method, path, body, token,
    acknowledged), the last a function that is called after a success."""

    def __init__(self, *makers):
        self.makers, self.done, self.failed = makers, 0, []
        self.over, self.lock = threading.Event(), threading.Lock()
        self.threads = []

    def __enter__(self):
        self.threads = [threading.Thread(target=self.work, args=(m,))
                        for m in self.makers]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def work(self, maker):
        for method, path, body, token, acknowledged in maker():
            if self.over.is_set():
                return
            try:
                status, answer = ask(method, path, body, token)
            except (OSError, http.client.HTTPException, socket.timeout) as e:
                status, answer = repr(e), b""
            good = status in (200, 201)
            if good and acknowledged:
                acknowledged()
            with self.lock:
                self.done += 1
                if not good:
                    self.failed.append((time.strftime("%T"), method, path,
                                        status, answer[:200]))

    def await_more(self, count):
        """Waits until as many further requests are answered."""
        end = self.done + count
        limit = time.monotonic() + 120
        while self.done < end:
            assert time.monotonic() < limit, "the load stands still"
            time.sleep(0.02)
