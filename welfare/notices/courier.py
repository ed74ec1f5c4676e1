"""A process that sends one message and ends: `python -m welfare.notices.courier`.

It reads a job as JSON from its standard input and writes {"failure": name} to its standard output;
"" means sent. Linux kills it with SIGALRM at the deadline, so nothing that a receiver does can hold
more than this process. It knows no settings and no database.

A job is {"check": address}, which only asks whether the address can be read and sends nothing, or
{"channel": {"address", "title", "body"}, "allow_private": bool}, or
{"mail": {"url", "sender", "message"}} where message is the text of a whole mail. Each has "seconds"
too: the deadline, which counts from when everything is loaded.
"""

import contextlib
import json
import logging
import re
import resource
import signal
import smtplib
import socket
import sys
from email import message_from_string
from email.policy import SMTP
from pathlib import Path
from typing import Any

import requests

from neurocage.mail_server import MailServer
from welfare.notices.addresses import may_connect

# For one step: to connect, or to wait for the next bytes. The deadline bounds the whole.
TIMEOUT_SECONDS = 10
# A receiver that answers without end is stopped by this.
LARGEST_MEMORY = 600 * 1024 * 1024
# What a mail server says of the address of a recipient: codes of RFC 5321 where no code of RFC 3463
# comes with them, and subjects of those. 5.1.7 and 5.1.8 are about the sender. Exchange says 5.4.1.
# What it says of its policy, such as that it does not relay, holds for everybody.
REFUSED_ADDRESS = frozenset({550, 551, 552, 553})
REFUSED_ADDRESS_DETAIL = re.compile(rb"5\.(?:1\.(?!7\b|8\b)|2\.|4\.1\b)")
DETAIL = re.compile(rb"[245]\.[0-9]{1,3}\.[0-9]{1,3}\b")


class Refused(OSError):
    """A connection to a host that is not allowed."""


class Outcome:
    """What is known of a try while Apprise only says that it failed."""

    failure = "rejected"


def send_channel(plugin: Any, title: str, body: str, allow_private: bool) -> str:
    """Send by what `plugin_of` gave. Returns the name of a Failure, or "" if it was sent."""
    guard_connections(allow_private)
    watch_requests()
    if plugin is None:
        return "bad_address"
    plugin.socket_connect_timeout = plugin.socket_read_timeout = TIMEOUT_SECONDS
    # Else a plugin that sends HTML would lose the lines of the text.
    sent = plugin.notify(title=title, body=body, body_format="text")
    return "" if sent else Outcome.failure


def plugin_of(address: str) -> Any:
    """What Apprise sends to the address with; None if it cannot read the address.

    The first call loads all plugins of Apprise. No host is asked.
    """
    import apprise

    asset = apprise.AppriseAsset(
        http_redirects=False,
        secure_logging=True,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        app_id="Neurocage",
        app_desc="Neurocage",
    )
    return apprise.Apprise.instantiate(address, asset=asset)


def send_mail(url: str, sender: str, message: str) -> str:
    """Send by the mail server at the URL. Returns as `send_channel`."""
    mail = message_from_string(message, policy=SMTP)
    try:
        with MailServer.of(url).connect(TIMEOUT_SECONDS) as server:
            server.send_message(mail, from_addr=sender)
    except (OSError, smtplib.SMTPException) as error:
        return failure_of(error)
    return ""


def failure_of(error: BaseException | None) -> str:
    """The name of the Failure that an exception, or what caused it, means."""
    seen = 0
    while error is not None and seen < 10:
        if isinstance(error, Refused):
            return "forbidden"
        if isinstance(error, socket.gaierror):
            return "no_host"
        if isinstance(error, TimeoutError | requests.Timeout):
            return "timeout"
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            answers = error.recipients.values()
            return "refused_address" if all(map(_is_of_address, answers)) else "rejected"
        if isinstance(error, smtplib.SMTPResponseException):
            return "rejected"
        error, seen = error.__cause__ or error.__context__, seen + 1
    return "connection"


def _is_of_address(answer: tuple[int, bytes]) -> bool:
    """Whether a mail server refuses a recipient for good, because of their address."""
    code, words = answer
    if DETAIL.match(words):
        return code >= 500 and bool(REFUSED_ADDRESS_DETAIL.match(words))
    return code in REFUSED_ADDRESS


def guard_connections(allow_private: bool) -> None:
    """Refuse, for as long as this process lives, every connection to a host that is not allowed."""

    def check(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in ("socket.connect", "socket.sendto"):
            return
        peer = arguments[1]
        host = peer[0] if isinstance(peer, tuple) else ""
        if not isinstance(host, str) or not may_connect(host, allow_private):
            Outcome.failure = "forbidden"
            raise Refused("this address is not allowed")

    sys.addaudithook(check)


def watch_requests() -> None:
    """Note why a request failed, and lead no request elsewhere."""
    session_class: Any = requests.Session
    send = session_class.send

    def noted(session: Any, request: Any, **kwargs: Any) -> Any:
        kwargs["allow_redirects"] = False
        try:
            return send(session, request, **kwargs)
        except requests.RequestException as error:
            if Outcome.failure != "forbidden":
                Outcome.failure = failure_of(error)
            raise

    session_class.send = noted


def be_ended_first() -> None:
    """Where a container has no memory left, let Linux end this process and not who started it."""
    # Other systems have no such file.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (LARGEST_MEMORY, LARGEST_MEMORY))
    be_ended_first()
    logging.disable(logging.CRITICAL)
    job = json.load(sys.stdin)
    plugin = None
    if "mail" not in job:
        # Before the deadline begins: loading takes seconds, which are not the receiver's.
        plugin = plugin_of(job["check"] if "check" in job else job["channel"].pop("address"))
    signal.setitimer(signal.ITIMER_REAL, job["seconds"])
    if "check" in job:
        failure = "" if plugin else "bad_address"
    elif "mail" in job:
        failure = send_mail(**job["mail"])
    else:
        failure = send_channel(plugin, **job["channel"], allow_private=job["allow_private"])
    json.dump({"failure": failure}, sys.stdout)


if __name__ == "__main__":
    main()
