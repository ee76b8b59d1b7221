# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for the DeepL API on loopback, one thread per connection."""

import collections
import http.server
import json
import threading


class FakeDeepl(http.server.ThreadingHTTPServer):
    """Translates "text" into "[DE] text".

    calls      (path, headers, body) of all requests, the body as JSON
    answer(…)  what to do with the next requests, one after another: (status,
               body), "drop" closes the connection, an Event is waited for
               before the usual answer, a callable makes the texts
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        self.calls = []
        self.answers = collections.deque()
        self.called = threading.Condition()
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def answer(self, *answers):
        self.answers.extend(answers)

    def wait_calls(self, n, timeout=20):
        with self.called:
            assert self.called.wait_for(lambda: len(self.calls) >= n, timeout)

    def handle_error(self, request, client_address):
        """A client that has left is not an error."""

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        size = int(self.headers["Content-Length"])
        body = json.loads(self.rfile.read(size))
        server = self.server
        with server.called:
            server.calls.append((self.path, dict(self.headers), body))
            answer = server.answers.popleft() if server.answers else None
            server.called.notify_all()
        if answer == "drop":
            self.close_connection = True
            return
        if isinstance(answer, tuple):
            self.reply(*answer)
            return
        if isinstance(answer, threading.Event):
            answer.wait(30)
        make = answer if callable(answer) else self.translate
        texts = make(body["text"], body["target_lang"])
        self.reply(200, json.dumps({"translations": [
            {"detected_source_language": "EN", "text": text}
            for text in texts]}))

    @staticmethod
    def translate(texts, language):
        return [f"[{language}] {text}" for text in texts]

    def reply(self, status, body):
        data = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass
