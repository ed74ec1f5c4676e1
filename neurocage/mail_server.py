"""The mail server that EMAIL_URL names. It needs no settings."""

import smtplib
import ssl
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

# {scheme: the usual port}: plain, with STARTTLS, and TLS from the first byte.
PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where it is and how to sign in. username: "" where nobody signs in."""

    scheme: str
    host: str
    port: int
    username: str
    password: str

    @classmethod
    def of(cls, url: str) -> "MailServer":
        """Read a URL such as smtp+tls://name:password@mail.example.org:587."""
        parts = urlsplit(url)
        return cls(
            parts.scheme,
            parts.hostname or "",
            parts.port or PORTS[parts.scheme],
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )

    @property
    def begins_with_tls(self) -> bool:
        return self.scheme == "smtps"

    @property
    def starts_tls(self) -> bool:
        return self.scheme == "smtp+tls"

    def connect(self, timeout_seconds: float) -> smtplib.SMTP:
        """Return a connection that is signed in. timeout_seconds: for each step.

        Raises OSError, of which SMTPException is one, if the server cannot be used.
        """
        trust = ssl.create_default_context()
        where = (self.host, self.port)
        server: smtplib.SMTP
        if self.begins_with_tls:
            server = smtplib.SMTP_SSL(*where, timeout=timeout_seconds, context=trust)
        else:
            server = smtplib.SMTP(*where, timeout=timeout_seconds)
        try:
            if self.starts_tls:
                server.starttls(context=trust)
            if self.username:
                server.login(self.username, self.password)
        except BaseException:
            server.close()
            raise
        return server
