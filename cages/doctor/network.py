"""What is reached by the network besides: the mail server, and certificates of https addresses."""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.utils import timezone

from cages.doctor.findings import Finding, ok, warning, wrong
from neurocage.secrecy import without_secrets

# For each step of a connection.
STEP_SECONDS = 8
# Certificates of three months are renewed a month before their end.
WARNED_DAYS = 21
MAIL = "Mail"


def mail() -> Iterator[Finding]:
    """Connect to the mail server and sign in. No mail is sent."""
    if not settings.EMAIL_URL:
        yield ok(MAIL, "EMAIL_URL is not set, so no mail is sent.")
        return
    parts = urlsplit(settings.EMAIL_URL)
    host, trust = parts.hostname or "", ssl.create_default_context()
    try:
        server: smtplib.SMTP
        if parts.scheme == "smtps":
            port = parts.port or 465
            server = smtplib.SMTP_SSL(host, port, timeout=STEP_SECONDS, context=trust)
        else:
            server = smtplib.SMTP(host, parts.port or 25, timeout=STEP_SECONDS)
        with server:
            if parts.scheme == "smtp+tls":
                server.starttls(context=trust)
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.noop()
    except (OSError, smtplib.SMTPException) as error:
        said = without_secrets(" ".join(str(error).split()))[:200]
        yield wrong(MAIL, f"{host} cannot be used: {said}", "Compare EMAIL_URL with the server.")
        return
    yield ok(MAIL, f"{host} can be used. No mail was sent.")


def certificates() -> Iterator[Finding]:
    """How many days those of BASE_URL and SENSOR_API_URL are still valid."""
    for name in ("BASE_URL", "SENSOR_API_URL"):
        address = urlsplit(getattr(settings, name))
        if address.scheme == "https" and address.hostname:
            yield _certificate(name, address.hostname, address.port or 443)


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
