"""Settings from the environment. Each reader raises ImproperlyConfigured for a bad value.

A setting of SECRETS may be in a file: NAME_FILE names it, and NAME wins over it. Every reader finds
it there.

The message names the variable and says what is expected. Between `collect_bad_values` and
`refuse_bad_values` a reader notes the message and returns a possible value, so that a person learns
of all bad values at once.
"""

import contextlib
import os
import re
import sys
import zoneinfo
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from django.conf import LazySettings

Number = TypeVar("Number", int, float)
Value = TypeVar("Value")

LOCALHOST = frozenset({"localhost", "127.0.0.1", "::1"})
# Where a provider tells of itself. People copy it with the address.
DISCOVERY = "/.well-known/openid-configuration"
# As long as allauth keeps it.
PROVIDER_LENGTH = 200
STACK_FILE_NAME = "stack.env"
# They may hold a password, a key, or an address that is one.
SECRETS = frozenset(
    {
        *("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "SENSOR_API_URL", "EMAIL_URL"),
        *("HEARTBEAT_URL", "SENTRY_DSN", "SECRET_KEY", "SETUP_CODE", "METRICS_TOKEN"),
        "OIDC_CLIENT_SECRET",
    }
)
FLAGS = dict.fromkeys(("1", "true", "yes", "on"), True)
FLAGS |= dict.fromkeys(("0", "false", "no", "off"), False)
SECRET_LENGTH = 32
NOT_EVERYWHERE = re.compile("(localtime|posixrules|Factory)$|(right|posix)/")
# The commands of manage.py that make or alter tables, or remove what only their owner may.
OWNERS = frozenset({"backup", "migrate", "restore", "retention", "setup_storage"})
# Zones with summer time to Python, abbreviations without it to PostgreSQL.
READ_TWO_WAYS = re.compile("(CET|EET|MET|WET|EST|MST|HST)$")


# Messages about bad values; None while the first one is to be raised at once.
_noted: list[str] | None = None


def collect_bad_values() -> None:
    """From now on, note bad values instead of raising."""
    global _noted
    _noted = []


def refuse_bad_values() -> None:
    """Raise ImproperlyConfigured with one line for each value that was noted, if there is any."""
    global _noted
    noted, _noted = _noted, None
    if noted:
        raise ImproperlyConfigured("\n".join(noted))


def _refuse(message: str, instead: Value) -> Value:
    """Raise, or note the message and return a value with which reading can go on."""
    if _noted is None:
        raise ImproperlyConfigured(message)
    if message not in _noted:
        _noted.append(message)
    return instead


def load_stack_file(state_dir: Path) -> list[str]:
    """Set the variables that a running `make up` wrote for this checkout, unless already set.

    One whose value is in a file counts as set. Returns the names of those that were set. The file
    holds one NAME=value a line and is readable by its owner only. It exists only while the stack
    runs.
    """
    try:
        lines = (state_dir / STACK_FILE_NAME).read_text().splitlines()
    except (FileNotFoundError, PermissionError):
        return []
    except NotADirectoryError:
        return _refuse(f"STATE_DIR must be a folder, not {str(state_dir)!r}.", [])
    pairs = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    taken = [name for name in pairs if name not in os.environ and not _file_of(name)]
    os.environ.update((name, pairs[name]) for name in taken)
    return taken


def given(name: str) -> str:
    """The value of the variable itself, without surrounding white space."""
    return os.environ.get(name, "").strip()


def is_set(name: str) -> bool:
    """Whether there is a value, or for one of SECRETS a file. An empty value counts as not set."""
    return bool(given(name) or _file_of(name))


def text(name: str, default: str = "") -> str:
    """The value, or the content of its file, without surrounding white space; else the default."""
    return _value_of(name) or default


def _file_of(name: str) -> str:
    return given(f"{name}_FILE") if name in SECRETS else ""


def _value_of(name: str) -> str | None:
    """The value, or the content of its file, or "". None for a file whose refusal was noted."""
    path = _file_of(name)
    if given(name) or not path:
        return given(name)
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        return _refuse(f"{name}_FILE: cannot read {path}: {error.strerror}.", None)
    except UnicodeDecodeError:
        return _refuse(f"{name}_FILE: {path} must hold text.", None)


def flag(name: str, default: bool = False) -> bool:
    """True for 1/true/yes/on, False for 0/false/no/off, in upper or lower case."""
    word = text(name, "1" if default else "0").lower()
    if word not in FLAGS:
        return _refuse(f"{name} must be 1 or 0 (also true, false), not {word!r}.", default)
    return FLAGS[word]


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One of the allowed words, which are in upper case. The value may be in lower case."""
    value = text(name, default).upper()
    if value not in allowed:
        return _refuse(f"{name} must be one of {', '.join(allowed)}, not {value!r}.", default)
    return value


def hosts(name: str) -> list[str]:
    """Host names for Django's ALLOWED_HOSTS, without scheme, port or path."""
    names = words(name, "")
    for host in names:
        if "/" in host or re.search(r"[^:\]]:\d*$", host):
            return _refuse(f"{name} must list host names alone, not {host!r}.", [])
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
    return _refuse(f"{name} must be {what} from {minimum} to {maximum}, not {raw!r}.", default)


def words(name: str, default: str) -> list[str]:
    """The items of a comma-separated list, without white space around them or empty ones."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def networks(name: str, default: str) -> list[IPv4Network | IPv6Network]:
    """Networks such as 10.0.0.0/8, separated by commas."""
    try:
        return [ip_network(word) for word in words(name, default)]
    except ValueError as error:
        return _refuse(f"{name} must list networks like 10.0.0.0/8. {error}.", [])


def url(name: str, default: str, schemes: tuple[str, ...]) -> str:
    """A URL with a host and one of the schemes. A trailing slash is removed."""
    found = _value_of(name)
    if found is None:
        return default
    value = found or default
    try:
        parts = urlsplit(value)
        valid = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        wanted = " or ".join(f"{scheme}://host:port" for scheme in schemes)
        # The part before an @ may hold a password, and this message goes to a log.
        shown = f"…@{value.rpartition('@')[2]}" if "@" in value else value
        return _refuse(f"{name} must look like {wanted}, not {shown!r}.", default)
    return value.rstrip("/")


def host_of(url: str) -> str:
    """The host name in a URL as Django compares it: in lower case, an IPv6 address in brackets."""
    name = (urlsplit(url).hostname or "").rstrip(".")
    return f"[{name}]" if ":" in name else name


def optional_url(name: str, schemes: tuple[str, ...]) -> str:
    """As `url`, but "" where it is not set."""
    return url(name, "", schemes) if is_set(name) else ""


def identity_provider(
    server_name: str, client_name: str, secret_name: str, shown_name: str
) -> dict[str, str]:
    """`server_url`, `client_id`, `client_secret` and `name` of a provider; empty where none is set.

    The arguments are names of variables. The provider's answers are believed because of its
    certificate, so http is for localhost only.
    """
    if not any(map(is_set, (server_name, client_name, secret_name))):
        return {}
    server = optional_url(server_name, ("https", "http")).removesuffix(DISCOVERY)
    host = urlsplit(server).hostname or ""
    if (server.startswith("http:") and host not in LOCALHOST) or len(server) > PROVIDER_LENGTH:
        _refuse(
            f"{server_name} must begin with https:// and have at most {PROVIDER_LENGTH}"
            " characters.",
            None,
        )
    client, hidden = text(client_name), text(secret_name)
    for name in (server_name, client_name, secret_name):
        if not text(name):
            _refuse(f"{name} must be set with the other settings of OIDC.", None)
    return {
        "server_url": server,
        "client_id": client,
        "client_secret": hidden,
        "name": text(shown_name, host),
    }


def sentry_dsn(name: str) -> str:
    """The address of a project of a Sentry with its key; "" where it is not set."""
    value = text(name)
    try:
        parts = urlsplit(value)
        named = parts.scheme in {"http", "https"} and bool(parts.username and parts.hostname)
        valid = named and parts.port != 0 and bool(re.search(r"/\d+$", parts.path))
    except ValueError:
        valid = False
    if value and not valid:
        return _refuse(f"{name} must look like https://key@host/number.", "")
    return value


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
        message = "DATABASE_OWNER_URL is set, so DATABASE_URL must name a user."
        return _refuse(message, (running, None))
    by_owner = Path(command[0]).name == "manage.py" and command[1:2] and command[1] in OWNERS
    return owner if by_owner else running, (running["USER"], running.get("PASSWORD") or "")


def owner_database(name: str) -> dict[str, Any]:
    """As `database`. The file is that of our own server, so DATABASE_URL wins over it too."""
    if given("DATABASE_URL") and not given(name):
        return {"ENGINE": "django.db.backends.dummy"}
    return database(name)


def database(name: str) -> dict[str, Any]:
    """Django's settings for the PostgreSQL database at the variable's URL.

    When it is not set, Django gets its dummy backend, because a poll worker needs no database. A
    process that needs one is stopped by the check `cages.E001`, which names the variable.
    """
    value, nothing = text(name), {"ENGINE": "django.db.backends.dummy"}
    if not value:
        return nothing
    message = f"{name} must look like postgresql://user:password@host:5432/name."
    try:
        parts = urlsplit(value)
        found = dict(dj_database_url.parse(value))
    except (ValueError, dj_database_url.ParseError):
        return _refuse(message, nothing)
    if parts.scheme not in {"postgres", "postgresql", "pgsql"} or not found["NAME"]:
        return _refuse(message, nothing)
    return found


def secret(name: str) -> str:
    """The value, of SECRET_LENGTH characters at least; "" where it is not set."""
    value = _value_of(name)
    if value is None or not is_set(name):
        return ""
    if len(value) < SECRET_LENGTH:
        source = name if given(name) else f"{name}_FILE: {_file_of(name)}"
        return _refuse(f"{source} must hold at least {SECRET_LENGTH} characters.", "")
    return value


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
        return _refuse(f"{name} must be a zone like Europe/Berlin or UTC, not {value!r}.", default)
    return value


# Some processes need neither of these. Without them, every page would fail.
NEEDED_BY_PAGES = ("SECRET_KEY", "DATABASE_URL")


def settings_or_exit(for_pages: bool = False) -> "LazySettings":
    """Load the settings. Bad values end the process with one line each instead of a traceback.

    for_pages: so do values that pages need and that are not set.
    """
    from django.conf import settings

    wrong: list[str] = []
    try:
        settings.POLL_TIMEOUT_SECONDS  # noqa: B018 - the first use of any setting loads all
    except ImproperlyConfigured as error:
        wrong = str(error).splitlines()
    if for_pages:
        missing = [name for name in NEEDED_BY_PAGES if not is_set(name)]
        wrong += [f"{name} or {name}_FILE must be set." for name in missing]
    if wrong:
        sys.exit("\n".join(f"Neurocage cannot start: {each}" for each in wrong))
    return settings
