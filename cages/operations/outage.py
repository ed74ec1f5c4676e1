"""What keeps Neurocage from writing what it measures: told by those who write, through Redis."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import (
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    OperationalError,
    models,
)
from django.utils.translation import gettext_lazy as _
from redis.exceptions import RedisError, ResponseError

from cages.storage.errors import sqlstate_of
from neurocage import redis_server

KEY = "neurocage:outage"
# Whoever is refused tries again within a few seconds and tells it again.
TOLD_FOR_SECONDS = 60
WORDS_LIMIT = 300

DISK_FULL, READ_ONLY = "53100", "25006"
# A table, column, function or schema that does not exist: it is being restored or upgraded.
INCOMPLETE = ("42P01", "42703", "42883", "3F000")
# Classes of errors of a connection: it broke, it was refused, the server stops or starts.
CONNECTION = ("08", "28", "57P", "3D", "53300")


class Cause(models.TextChoices):
    """Why nothing can be written."""

    DATABASE_AWAY = "database_away", _("The database does not answer.")
    DATABASE_FULL = "database_full", _("The database cannot write because its disk is full.")
    DATABASE_READ_ONLY = "database_read_only", _("The database is read-only.")
    DATABASE_INCOMPLETE = "database_incomplete", _("The database is not complete.")
    DATABASE_REFUSES = "database_refuses", _("The database refuses to write.")
    REDIS_AWAY = "redis_away", _("Redis does not answer.")
    REDIS_REFUSES = "redis_refuses", _("Redis refuses to write.")

    @property
    def part(self) -> str:
        """ "database" or "redis"."""
        return self.value.partition("_")[0]


# The whole database is in this state, whatever is asked of it.
UNAVAILABLE = {
    Cause.DATABASE_AWAY,
    Cause.DATABASE_FULL,
    Cause.DATABASE_READ_ONLY,
    Cause.DATABASE_INCOMPLETE,
}


@dataclass(frozen=True, slots=True)
class Outage:
    """`words`: what the server said. `since`: the first refusal, None if it was met just now."""

    cause: Cause
    words: str
    since: datetime | None = None


def cause_of(error: BaseException | None) -> Cause | None:
    """Return why the database did not do its work.

    None if that was not the database's fault: it refused the data, or the error is not its own.
    """
    if not isinstance(error, Error) or isinstance(error, DataError | IntegrityError):
        return None
    code = sqlstate_of(error)
    if code == DISK_FULL or "No space left on device" in str(error):
        return Cause.DATABASE_FULL
    if code == READ_ONLY:
        return Cause.DATABASE_READ_ONLY
    if code in INCOMPLETE:
        return Cause.DATABASE_INCOMPLETE
    never_answered = not code and isinstance(error, OperationalError | InterfaceError)
    if never_answered or code.startswith(CONNECTION):
        return Cause.DATABASE_AWAY
    return Cause.DATABASE_REFUSES


def why_unavailable(error: BaseException | None) -> Cause | None:
    """Return the cause if a page that met this error works again by itself, else None."""
    cause = cause_of(error)
    if cause in UNAVAILABLE:
        return cause
    return Cause.DATABASE_AWAY if isinstance(error, OperationalError | InterfaceError) else None


def words_of(error: BaseException) -> str:
    """What the server said, in one line."""
    return " ".join(str(error).split())[:WORDS_LIMIT]


def tell(outage: Outage) -> None:
    """Let the pages know. Raises RedisError."""
    facts = {**asdict(outage), "since": outage.since and outage.since.isoformat()}
    with redis_server.connect() as redis:
        redis.set(KEY, json.dumps(facts), ex=TOLD_FOR_SECONDS)


def tell_the_end() -> None:
    """Let the pages know that what was told is over. Raises RedisError."""
    with redis_server.connect() as redis:
        redis.delete(KEY)


def told() -> Outage | None:
    """Return the outage that was told of last, or that of Redis itself; None without any.

    Asks Redis, which takes at most `redis_server.TIMEOUT_SECONDS` for each of three steps.
    """
    try:
        with redis_server.connect() as redis:
            redis_server.ensure_writable(redis)
            text = redis.get(KEY)
    except ResponseError as error:
        return Outage(Cause.REDIS_REFUSES, words_of(error))
    except RedisError as error:
        return Outage(Cause.REDIS_AWAY, words_of(error))
    try:
        facts = json.loads(text or "")
        since = datetime.fromisoformat(facts["since"])
        return Outage(Cause(facts["cause"]), str(facts["words"])[:WORDS_LIMIT], since)
    except (ValueError, KeyError, TypeError):
        return None
