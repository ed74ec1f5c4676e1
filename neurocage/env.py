"""Settings from the environment: each read once, checked, and refused by name when it is wrong."""

import os
import re
import sys
import zoneinfo
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

STACK_FILE_NAME = "stack.env"
TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off"}
SECRET_LENGTH = 32


def load_stack_file(state_dir):
    """Take what a running `make up` wrote for this checkout; what is set already wins.

    Returns the names taken. The file holds one NAME=value a line, is readable by its owner only,
    and is gone when the stack is not running.
    """
    try:
        lines = (Path(state_dir) / STACK_FILE_NAME).read_text().splitlines()
    except (FileNotFoundError, PermissionError):
        return []
    except NotADirectoryError:
        raise ImproperlyConfigured(f"STATE_DIR must be a folder, not {str(state_dir)!r}.") from None
    pairs = [line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")]
    taken = [name for name, _ in pairs if name not in os.environ]
    for name, value in pairs:
        os.environ.setdefault(name, value)
    return taken


def text(name, default=""):
    """The variable without surrounding blanks; an empty one counts as not set."""
    return os.environ.get(name, "").strip() or default


def flag(name, default=False):
    """True for 1/true/yes/on, False for 0/false/no/off, in any case."""
    word = text(name).lower()
    if not word:
        return default
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0 (also true, false), not {word!r}.")


def choice(name, default, allowed):
    """One of the allowed words, in any case; they are given in upper case."""
    value = text(name, default).upper()
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}, not {value!r}.")
    return value


def hosts(name, default):
    """Host names as Django's ALLOWED_HOSTS takes them: no scheme, no port, no path."""
    names = words(name, default)
    for host in names:
        if "/" in host or re.search(r"[^:\]]:\d*$", host):
            raise ImproperlyConfigured(f"{name} must list host names alone, not {host!r}.")
    return names


def number(name, default, minimum, maximum, kind=int):
    """A number of the given kind from minimum to maximum, both included."""
    raw = text(name)
    if not raw:
        return default
    what = "a whole number" if kind is int else "a number"
    message = f"{name} must be {what} from {minimum} to {maximum}, not {raw!r}."
    try:
        value = kind(raw)
    except ValueError:
        raise ImproperlyConfigured(message) from None
    if not minimum <= value <= maximum:
        raise ImproperlyConfigured(message)
    return value


def words(name, default):
    """A comma-separated list, blanks removed."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def url(name, default, schemes):
    """An address with one of the schemes and a host; a trailing slash is taken off."""
    value = text(name, default)
    try:
        parts = urlsplit(value)
        valid = parts.scheme in schemes and bool(parts.hostname) and (parts.port or 1)
    except ValueError:
        valid = False
    if not valid:
        wanted = " or ".join(f"{scheme}://host:port" for scheme in schemes)
        # What stands before an @ may be a password, and this line goes to a log.
        shown = f"…@{value.rpartition('@')[2]}" if "@" in value else value
        raise ImproperlyConfigured(f"{name} must look like {wanted}, not {shown!r}.")
    return value.rstrip("/")


def database(name):
    """Django's settings for the PostgreSQL database that the variable names.

    Without it Django gets its dummy backend: a poll worker needs no database, and a process that
    does is stopped by `cages.E001` with the variable's name.
    """
    value = text(name)
    if not value:
        return {"ENGINE": "django.db.backends.dummy"}
    message = f"{name} must look like postgresql://user:password@host:5432/name."
    try:
        parts = urlsplit(value)
        found = dict(dj_database_url.parse(value))
    except (ValueError, dj_database_url.ParseError) as error:
        raise ImproperlyConfigured(message) from error
    if parts.scheme not in {"postgres", "postgresql", "pgsql"} or not found["NAME"]:
        raise ImproperlyConfigured(message)
    return found


def secret(name, file_name):
    """The variable, or the content of the file that the second variable names; or empty."""
    value, path = text(name), text(file_name)
    source = name if value else f"{file_name}: {path}"
    if not value and not path:
        return ""
    try:
        value = value or Path(path).read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{file_name}: cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{source} must hold text.") from None
    if len(value) < SECRET_LENGTH:
        raise ImproperlyConfigured(f"{source} must hold at least {SECRET_LENGTH} characters.")
    return value


def time_zone(name, default):
    """The key of a zone of the IANA time zone database."""
    value = text(name, default)
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise ImproperlyConfigured(
            f"{name} must be a zone like Europe/Berlin or UTC, not {value!r}."
        ) from None
    return value


def settings_or_exit():
    """Load the settings; a bad value ends the process with one line instead of a traceback."""
    from django.conf import settings

    try:
        return settings.POLL_TIMEOUT_SECONDS and settings
    except ImproperlyConfigured as error:
        sys.exit(f"Neurocage cannot start: {error}")
