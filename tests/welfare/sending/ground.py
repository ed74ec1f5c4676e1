"""Where deliveries go in these tests: a web server and a mail server on loopback, both real."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.factories import MINUTE, at
from welfare.models import Channel, Delivery, Wish
from welfare.notices import sending
from welfare.notices.grouping import make_notices

RAISED = at("07:00")
NOW = RAISED + 3 * MINUTE
HOUR = 60 * MINUTE
SECRET = "t0ps3cret"


class Clock:
    """The time as the worker reads it."""

    def __init__(self, now=NOW):
        self.now = now

    def __call__(self):
        return self.now


class Receiver(ThreadingHTTPServer):
    """A real web server that keeps what was sent to it and answers as the test wants."""

    def __init__(self):
        self.got, self.status, self.hangs, self.location = [], 200, threading.Event(), ""
        super().__init__(("127.0.0.1", 0), Answer)

    def address(self, path="/hook"):
        return f"json://user:{SECRET}@127.0.0.1:{self.server_address[1]}{path}"


class Answer(BaseHTTPRequestHandler):
    def do_POST(self):
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server.got.append((self.path, body))
        if self.path == "/hangs":
            server.hangs.wait(60)
            return
        self.send_response(server.status)
        if server.location:
            self.send_header("Location", server.location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *args):
        pass


def by_channel(person, address):
    channel = Channel.objects.create(name="chat", address=address, made_at=RAISED)
    Wish.objects.filter(person=person).update(by_mail=False, channel=channel)
    return channel


def send(now=NOW):
    make_notices(now)
    return sending.send_due(Clock(now))


def delivery():
    return Delivery.objects.get()
