"""A real mail server on this machine, for tests."""

import socket
import time
from contextlib import contextmanager

from aiosmtpd.controller import Controller

ARRIVES_WITHIN_SECONDS = 30


class Letters:
    """What arrived at the mail server. answer: what it says to the next letters.

    to: {address: what it says when it is named as a recipient}.
    """

    def __init__(self):
        self.got, self.answer, self.to = [], "250 OK", {}

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = self.to.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):
        if self.answer.startswith("250"):
            self.got.append((envelope.rcpt_tos, envelope.content.decode()))
        return self.answer

    def next(self):
        """The text of the first letter, which is waited for and taken away."""
        until = time.monotonic() + ARRIVES_WITHIN_SECONDS
        while not self.got and time.monotonic() < until:
            time.sleep(0.02)
        return self.got.pop(0)[1]


@contextmanager
def mail_server():
    """Yields what arrives, and the server's URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = Letters()
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield kept, f"smtp://127.0.0.1:{port}"
    finally:
        controller.stop()
