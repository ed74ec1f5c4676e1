"""A mail server that delivers nothing and shows what was sent.

`python -m local_stack.mail_catcher MAIL_PORT PAGE_PORT` listens on both ports of loopback. Letters
are kept in memory only.
"""

import re
import sys
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

HOST = "127.0.0.1"
LETTERS_KEPT = 200
LARGEST_LETTER = 256 * 1024
RELOAD_SECONDS = 10
STYLE = (
    "body{font:1rem/1.5 sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}"
    "pre{white-space:pre-wrap}"
)
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Letter:
    """What arrived. to: the addresses, separated by commas."""

    at: datetime
    to: str
    subject: str
    text: str


class Letters:
    """The newest LETTERS_KEPT letters, as the SMTP server hands them over."""

    def __init__(self) -> None:
        self.kept: deque[Letter] = deque(maxlen=LETTERS_KEPT)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content, policy=policy.default)
        body = mail.get_body(preferencelist=("plain",))
        text = str(body.get_content()) if body else ""
        to = ", ".join(envelope.rcpt_tos)
        self.kept.append(Letter(datetime.now(UTC), to, str(mail["Subject"] or ""), text))
        return "250 Kept"


def page(letters: list[Letter]) -> str:
    """The page with the letters, newest first."""
    shown = "".join(
        f"<article><h2>{escape(one.subject)}</h2><p>{one.at:%Y-%m-%d %H:%M:%S} UTC to "
        f"{escape(one.to)}</p><pre>{_with_links(one.text)}</pre></article><hr>"
        for one in reversed(letters)
    )
    nothing = "<p>Nothing was sent yet.</p>"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Mail ({len(letters)})</title>'
        f'<meta http-equiv="refresh" content="{RELOAD_SECONDS}"><style>{STYLE}</style>'
        "<h1>Mail that would be sent</h1><p>Nothing leaves this machine. The newest "
        f"{LETTERS_KEPT} letters are kept until the stack stops.</p>{shown or nothing}</html>"
    )


def _with_links(text: str) -> str:
    return re.sub(r"(https?://[^\s&<]+)", r'<a href="\1">\1</a>', escape(text))


def web_server(letters: Letters, port: int) -> ThreadingHTTPServer:
    """The server of the page. It answers to names of this machine only."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = self.headers.get("Host", "").partition(":")[0]
            if host not in (HOST, "localhost"):
                self.send_error(HTTPStatus.FORBIDDEN)
                return
            if self.path not in ("/", "/healthz"):
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            body = page(list(letters.kept)).encode() if self.path == "/" else b"ok"
            self.send_response(HTTPStatus.OK)
            for name, value in HEADERS.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the page reloads itself all the time."""

    return ThreadingHTTPServer((HOST, port), Answer)


def mail_server(letters: Letters, port: int) -> Controller:
    return Controller(letters, hostname=HOST, port=port, data_size_limit=LARGEST_LETTER)


def main() -> None:
    mail_port, page_port = (int(port) for port in sys.argv[1:3])
    letters = Letters()
    mail_server(letters, mail_port).start()
    web_server(letters, page_port).serve_forever()


if __name__ == "__main__":
    main()
