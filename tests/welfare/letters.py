"""A real mail server on loopback that keeps the letters it takes."""

import socket
from contextlib import contextmanager

from aiosmtpd.controller import Controller


class Letters:
    """What arrived at the mail server. answer: what it says to the next letters."""

    def __init__(self):
        self.got, self.answer = [], "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.answer.startswith("250"):
            self.got.append((envelope.rcpt_tos, envelope.content.decode()))
        return self.answer


@contextmanager
def mail_server(settings):
    """Run it, with EMAIL_URL set to it. Yields the Letters."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = Letters()
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_URL = f"smtp://127.0.0.1:{port}"
    yield kept
    controller.stop()
