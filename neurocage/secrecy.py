"""Text without its secrets, for pages and logs."""

import logging
import re

# "postgresql://user:password@host": a password may hold an @ itself, so the last one counts.
_LOGIN = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/?#'\"]*@", re.IGNORECASE)
# "?api_key=..." of an address with a scheme.
_QUERY = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s?#'\"]*\?)[^\s#'\")]*", re.IGNORECASE)
# A secret of people.models.secret. Its first characters are shown on pages too.
_SECRET = re.compile(r"(\bnc_[\w-]{6})[\w-]{30,}")


def without_secrets(text: str) -> str:
    """Return the text without logins and queries of addresses, and without Neurocage's secrets."""
    for pattern, replacement in ((_LOGIN, r"\1…@"), (_QUERY, r"\1…"), (_SECRET, r"\1…")):
        text = pattern.sub(replacement, text)
    return text


class Formatter(logging.Formatter):
    """Formats a line of a log, its traceback included, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))
