# SPDX-License-Identifier: GPL-3.0-or-later
"""A configurable mail server for tests, one thread per connection."""

import base64
import collections
import email
import email.policy
import socket
import ssl
import threading

Mail = collections.namedtuple("Mail", "sender recipients data tls user")


def parse(data):
    """The message; a defect in it is an exception."""
    message = email.message_from_bytes(
        data, policy=email.policy.default.clone(raise_on_defect=True))
    for name in ("From", "To", "Subject", "Date", "Message-ID",
                 "Auto-Submitted", "MIME-Version", "Content-Language"):
        assert len(message.get_all(name)) == 1, name
    for header in message.values():
        assert not header.defects
    assert all(len(line) <= 78 for line in data.split(b"\r\n"))
    return message


class FakeSmtp:
    """Listens on a loopback port, a free one if none is named.

    answer(verb, …)  what to reply to the next commands of that verb, one after
                     another: "451 later", None hangs up, a threading.Event is
                     waited for before the usual answer
    certificate      (cert, key) offers STARTTLS
    login            (user, password): nothing is taken before they are given
    greylist         the first attempt of each pair of sender and recipient is
                     refused
    """

    def __init__(self, certificate=None, login=None, port=0, greylist=False,
                 address="127.0.0.1"):
        self.certificate, self.login = certificate, login
        self.greylist, self.pairs = greylist, set()
        self.mails = []
        self.commands = []
        self.answers = collections.defaultdict(collections.deque)
        self.listener = socket.create_server((address, port))
        self.port = self.listener.getsockname()[1]
        self.url = f"smtp://{address}:{self.port}"
        self.open = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def answer(self, verb, *replies):
        self.answers[verb].extend(replies)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for conn in list(self.open):
            try:
                conn.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def messages(self):
        return [parse(m.data) for m in self.mails]

    def verbs(self):
        return [c.split()[0].upper() for c in self.commands]

    def _accept(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(conn,),
                             daemon=True).start()

    def _serve(self, conn):
        self.open.add(conn)
        try:
            Session(self, conn).run()
        except (OSError, ssl.SSLError, ConnectionError):
            pass
        finally:
            self.open.discard(conn)
            conn.close()


class Session:
    """One connection."""

    def __init__(self, server, conn):
        self.server, self.conn = server, conn
        self.lines = conn.makefile("rb")
        self.tls, self.user = False, None
        self.sender, self.recipients = None, []

    def say(self, text):
        self.conn.sendall(text.replace("\n", "\r\n").encode() + b"\r\n")

    def run(self):
        self.say("220 fake ready")
        for raw in self.lines:
            line = raw.decode().rstrip("\r\n")
            assert raw.endswith(b"\r\n"), f"bare LF: {raw}"
            self.server.commands.append(line)
            verb = line.split(":")[0].split()[0].upper()
            if not self.command(verb, line):
                return

    def command(self, verb, line):
        planned = self.server.answers[verb]
        if planned:
            reply = planned.popleft()
            if reply is None:
                return False
            if isinstance(reply, str):
                self.say(reply)
                return True
            reply.wait(60)
        return getattr(self, "do_" + verb.lower(), self.unknown)(line)

    def unknown(self, line):
        self.say("502 not here")
        return True

    def do_ehlo(self, line):
        offers = ["fake", "8BITMIME", "SIZE 1000000"]
        if self.server.certificate and not self.tls:
            offers.append("STARTTLS")
        if self.server.login:
            offers.append("AUTH PLAIN")
        self.say("\n".join(f"250-{o}" for o in offers[:-1])
                 + f"\n250 {offers[-1]}")
        return True

    def do_starttls(self, line):
        self.say("220 go")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*map(str, self.server.certificate))
        self.server.open.discard(self.conn)
        self.conn = context.wrap_socket(self.conn, server_side=True)
        self.server.open.add(self.conn)
        self.lines = self.conn.makefile("rb")
        self.tls = True
        self.run_on()
        return False

    def run_on(self):
        for raw in self.lines:
            line = raw.decode().rstrip("\r\n")
            self.server.commands.append(line)
            if not self.command(line.split(":")[0].split()[0].upper(), line):
                return

    def do_auth(self, line):
        given = line.split()[2] if len(line.split()) > 2 else None
        if given is None:
            self.say("334 ")
            given = self.lines.readline().decode().strip()
        user, password = base64.b64decode(given).decode().split("\0")[1:]
        if (user, password) != self.server.login:
            self.say("535 5.7.8 authentication failed")
            return True
        self.user = user
        self.say("235 welcome")
        return True

    def do_mail(self, line):
        if self.server.login and not self.user:
            self.say("530 5.7.0 authentication required")
            return True
        self.sender = line.split("<")[1].split(">")[0]
        self.say("250 ok")
        return True

    def do_rcpt(self, line):
        recipient = line.split("<")[1].split(">")[0]
        pair = self.sender, recipient
        if self.server.greylist and pair not in self.server.pairs:
            self.server.pairs.add(pair)
            self.say("451 4.7.1 greylisted, try later")
            return True
        self.recipients.append(recipient)
        self.say("250 ok")
        return True

    def do_data(self, line):
        self.say("354 go")
        data = []
        for raw in self.lines:
            if raw == b".\r\n":
                break
            data.append(raw[1:] if raw.startswith(b".") else raw)
        self.server.mails.append(Mail(self.sender, self.recipients,
                                      b"".join(data), self.tls, self.user))
        self.recipients = []
        self.say("250 taken")
        return True

    def do_quit(self, line):
        self.say("221 bye")
        return False
