"""Sending one message now, with a deadline. Never called in the request of a page."""

import json
import os
import signal
import subprocess
import sys
from typing import Any

from django.conf import settings

from welfare.models import Failure

# For one delivery, whatever the receiver does. It counts from when the courier begins to send.
DEADLINE_SECONDS = 20
# For Python and Apprise to start, on a machine that has much else to do. No receiver is asked yet,
# so it is no fault of one.
STARTS_WITHIN_SECONDS = 40
LONGEST_SECONDS = STARTS_WITHIN_SECONDS + DEADLINE_SECONDS
# The courier gets nothing else of the environment: no proxy, which would look up hosts by itself,
# and none of Neurocage's secrets.
KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")


def send_to_channel(address: str, title: str, body: str) -> Failure | None:
    """Send to the address of a channel. Returns None if it was sent."""
    return _send(
        {
            "channel": {"address": address, "title": title, "body": body},
            "allow_private": settings.NOTICES_ALLOW_PRIVATE,
        }
    )


def can_be_read(address: str) -> bool:
    """Whether Apprise knows what to do with the address. Nothing is sent and no host is asked.

    Apprise takes 42 MB, which the process of a page does not have to hold.
    """
    return _send({"check": address}) is None


def send_mail(message: str) -> Failure | None:
    """Send a whole mail by the server that EMAIL_URL names. Returns None if it was sent."""
    if not settings.EMAIL_URL:
        return Failure.NOT_SET
    job = {"url": settings.EMAIL_URL, "sender": settings.EMAIL_SENDER, "message": message}
    return _send({"mail": job})


def _send(job: dict[str, Any]) -> Failure | None:
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603  (our own module)
            [sys.executable, "-m", "welfare.notices.courier"],
            input=json.dumps(job | {"seconds": DEADLINE_SECONDS}),
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            cwd=settings.BASE_DIR,
            env=environment,
            check=False,
        )
        if done.returncode == -signal.SIGALRM:
            return Failure.TIMEOUT
        failure = json.loads(done.stdout)["failure"] if done.returncode == 0 else "rejected"
        return Failure(failure) if failure else None
    except subprocess.TimeoutExpired:
        return Failure.NOT_STARTED
    except (ValueError, KeyError):
        return Failure.REJECTED
