"""Settings from the environment. Each reader raises ImproperlyConfigured for a bad value.

The message names the variable and says what is expected.
"""

import contextlib
import os
import re
import sys
import zoneinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from django.conf import LazySettings

Number = TypeVar("Number", int, float)

STACK_FILE_NAME = "stack.env"
FLAGS = dict.fromkeys(("1", "true", "yes", "on"), True)
FLAGS |= dict.fromkeys(("0", "false", "no", "off"), False)
SECRET_LENGTH = 32
NOT_EVERYWHERE = re.compile("(localtime|posixrules|Factory)$|(right|posix)/")
# The commands of manage.py that make or alter tables, or remove what only their owner may.
OWNERS = frozenset({"migrate", "setup_storage", "retention"})
# Zones with summer time to Python, abbreviations without it to PostgreSQL.
READ_TWO_WAYS = re.compile("(CET|EET|MET|WET|EST|MST|HST)$")


def load_stack_file(state_dir: Path) -> list[str]:
    """Set the variables that a running `make up` wrote for this checkout, unless already set.

    Returns the names of those that were set. The file holds one NAME=value a line and is readable
    by its owner only. It exists only while the stack runs.
    """
    try:
        lines = (state_dir / STACK_FILE_NAME).read_text().splitlines()
    except (FileNotFoundError, PermissionError):
        return []
    except NotADirectoryError:
        raise ImproperlyConfigured(f"STATE_DIR must be a folder, not {str(state_dir)!r}.") from None
    pairs = [line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")]
    taken = [name for name, _ in pairs if name not in os.environ]
    for name, value in pairs:
        os.environ.setdefault(name, value)
    return taken


def text(name: str, default: str = "") -> str:
    """The value without surrounding white space. An empty value counts as not set."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, default: bool = False) -> bool:
    """True for 1/true/yes/on, False for 0/false/no/off, in upper or lower case."""
    word = text(name, "1" if default else "0").lower()
    if word not in FLAGS:
        raise ImproperlyConfigured(f"{name} must be 1 or 0 (also true, false), not {word!r}.")
    return FLAGS[word]


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One of the allowed words, which are in upper case. The value may be in lower case."""
    value = text(name, default).upper()
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}, not {value!r}.")
    return value


def hosts(name: str, default: str) -> list[str]:
    """Host names for Django's ALLOWED_HOSTS, without scheme, port or path."""
    names = words(name, default)
    for host in names:
        if "/" in host or re.search(r"[^:\]]:\d*$", host):
            raise ImproperlyConfigured(f"{name} must list host names alone, not {host!r}.")
    return names


def number(
    name: str, default: Number, minimum: Number, maximum: Number, kind: type[Number] = int
) -> Number:
    """A number of type `kind` from minimum to maximum, both included."""
    raw = text(name)
    if not raw:
        return default
    with contextlib.suppress(ValueError):
        if minimum <= (value := kind(raw)) <= maximum:
            return value
    what = "a whole number" if kind is int else "a number"
    raise ImproperlyConfigured(f"{name} must be {what} from {minimum} to {maximum}, not {raw!r}.")


def words(name: str, default: str) -> list[str]:
    """The items of a comma-separated list, without white space around them or empty ones."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def url(name: str, default: str, schemes: tuple[str, ...], file_name: str = "") -> str:
    """A URL with a host and one of the schemes. A trailing slash is removed.

    file_name: a variable that names a file with the URL, for one that holds a password. The
    variable `name` wins over it.
    """
    value = text(name) or (file_name and _content_of(file_name)) or default
    try:
        parts = urlsplit(value)
        valid = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        wanted = " or ".join(f"{scheme}://host:port" for scheme in schemes)
        # The part before an @ may hold a password, and this message goes to a log.
        shown = f"…@{value.rpartition('@')[2]}" if "@" in value else value
        raise ImproperlyConfigured(f"{name} must look like {wanted}, not {shown!r}.")
    return value.rstrip("/")


def optional_url(name: str, schemes: tuple[str, ...], file_name: str = "") -> str:
    """As `url`, but "" where neither variable is set."""
    if not text(name) and not (file_name and text(file_name)):
        return ""
    return url(name, "", schemes, file_name)


def databases(
    command: list[str], running: dict[str, Any], owner: dict[str, Any]
) -> tuple[dict[str, Any], tuple[str, str] | None]:
    """(the database of this process, name and password of the role that runs Neurocage).

    command: the command line. Those of manage.py that change tables run as their owner. Where none
    is set there is one role for all, and the second is None.
    """
    if owner["ENGINE"].endswith("dummy"):
        return running, None
    if not running.get("USER"):
        raise ImproperlyConfigured("DATABASE_OWNER_URL is set, so DATABASE_URL must name a user.")
    by_owner = Path(command[0]).name == "manage.py" and command[1:2] and command[1] in OWNERS
    return owner if by_owner else running, (running["USER"], running.get("PASSWORD") or "")


def owner_database(name: str, file_name: str) -> dict[str, Any]:
    """As `database`. The file is that of our own server, so DATABASE_URL wins over it too."""
    return database(name, "" if text("DATABASE_URL") else file_name)


def database(name: str, file_name: str = "") -> dict[str, Any]:
    """Django's settings for the PostgreSQL database at the variable's URL.

    file_name: a variable that names a file with the URL. The variable `name` wins over it.

    When neither is set, Django gets its dummy backend, because a poll worker needs no database. A
    process that needs one is stopped by the check `cages.E001`, which names the variable.
    """
    value = text(name) or (file_name and _content_of(file_name))
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


def secret(name: str, file_name: str) -> str:
    """The value, or else the content of the file that `file_name` names; empty without both."""
    value, path = text(name), text(file_name)
    if not value and not path:
        return ""
    source = name if value else f"{file_name}: {path}"
    value = value or _content_of(file_name)
    if len(value) < SECRET_LENGTH:
        raise ImproperlyConfigured(f"{source} must hold at least {SECRET_LENGTH} characters.")
    return value


def _content_of(file_name: str) -> str:
    """The content of the file that the variable names, without white space around it."""
    path = text(file_name)
    if not path:
        return ""
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{file_name}: cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{file_name}: {path} must hold text.") from None


def time_zone(name: str, default: str) -> str:
    """The name of a zone of the IANA time zone database.

    The database, Python and the browsers have to read it alike. So names that only some machines
    have are refused, and those that count leap seconds ("right/…").
    """
    value = text(name, default)
    try:
        zoneinfo.ZoneInfo(value)
        if NOT_EVERYWHERE.match(value) or READ_TWO_WAYS.match(value):
            raise ValueError
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise ImproperlyConfigured(
            f"{name} must be a zone like Europe/Berlin or UTC, not {value!r}."
        ) from None
    return value


def settings_or_exit() -> "LazySettings":
    """Load the settings. A bad value ends the process with one line instead of a traceback."""
    from django.conf import settings

    try:
        settings.POLL_TIMEOUT_SECONDS  # noqa: B018 - the first use of any setting loads all
        return settings
    except ImproperlyConfigured as error:
        sys.exit(f"Neurocage cannot start: {error}")
