"""What is reached by the network besides: our own address, the mail server, and certificates."""

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from cages.doctor.findings import Finding, ok, warning, wrong
from neurocage import address
from neurocage.mail_server import MailServer
from neurocage.secrecy import without_secrets

# For each step of a connection.
STEP_SECONDS = 8
# Certificates of three months are renewed a month before their end.
WARNED_DAYS = 21
ADDRESS, MAIL = "Address", "Mail"


def mail() -> Iterator[Finding]:
    """Connect to the mail server and sign in. No mail is sent."""
    if not settings.EMAIL_URL:
        yield ok(MAIL, "EMAIL_URL is not set, so no mail is sent.")
        return
    server = MailServer.of(settings.EMAIL_URL)
    try:
        with server.connect(STEP_SECONDS) as connection:
            connection.noop()
    except (OSError, smtplib.SMTPException) as error:
        said = without_secrets(" ".join(str(error).split()))[:200]
        yield wrong(
            MAIL, f"{server.host} cannot be used: {said}", "Compare EMAIL_URL with the server."
        )
        return
    yield ok(MAIL, f"{server.host} can be used. No mail was sent.")


def own_address() -> Iterator[Finding]:
    """By which address people reach Neurocage."""
    try:
        known = address.own_address()
    except DatabaseError:
        words = "Not known while the database does not answer, because BASE_URL is not set."
        yield warning(ADDRESS, words, "Mend the database first.")
        return
    if known:
        where = "BASE_URL" if settings.BASE_URL else "in the database"
        yield ok(ADDRESS, f"{known} ({where}).")
    else:
        words = f"Nobody has said it, so links and codes begin with {address.NOBODY_SAID}."
        if settings.LEARNS_HOSTS:
            words += " Neurocage answers only to localhost."
        yield warning(ADDRESS, words, "Set BASE_URL, or run `manage.py address` with it.")


def certificates() -> Iterator[Finding]:
    """How many days those of our own address and SENSOR_API_URL are still valid."""
    yield from _certificate_of("SENSOR_API_URL", settings.SENSOR_API_URL)
    with contextlib.suppress(DatabaseError):
        name = "BASE_URL" if settings.BASE_URL else "our own address"
        yield from _certificate_of(name, address.own_address())


def _certificate_of(name: str, url: str) -> Iterator[Finding]:
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        yield _certificate(name, parts.hostname, parts.port or 443)


def _certificate(name: str, host: str, port: int) -> Finding:
    part = f"Certificate of {name}"
    trust = ssl.create_default_context()
    try:
        with (
            socket.create_connection((host, port), timeout=STEP_SECONDS) as plain,
            trust.wrap_socket(plain, server_hostname=host) as session,
        ):
            end = str((session.getpeercert() or {})["notAfter"])
    except ssl.SSLCertVerificationError as error:
        todo = "Renew it, or let this machine trust who issued it (docs/operate.md, HTTPS)."
        return wrong(part, f"It is not accepted: {error.verify_message}.", todo)
    except (OSError, KeyError) as error:
        return warning(part, f"{host} gave none: {error}", f"See whether {name} is right.")
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(end), UTC)
    days = (until - timezone.now()).days
    words = f"It is valid for {days} more days."
    return ok(part, words) if days > WARNED_DAYS else warning(part, words, "Renew it.")
