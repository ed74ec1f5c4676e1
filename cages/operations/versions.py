"""The versions of what Neurocage consists of and runs on."""

import platform
from dataclasses import dataclass

import django
from django.db import connection
from redis.exceptions import RedisError

from cages.storage.engine import engine
from neurocage import redis_server
from neurocage.version import version


@dataclass(frozen=True, slots=True)
class Versions:
    """Such as "1.2.0". timescaledb: None on plain PostgreSQL. redis: None while it is away."""

    neurocage: str
    python: str
    django: str
    postgresql: str
    timescaledb: str | None
    redis: str | None


def versions() -> Versions:
    """Those of this process and of the servers that it uses; one query, one call to Redis."""
    server = engine(connection)
    return Versions(
        version(),
        platform.python_version(),
        django.get_version(),
        server.postgresql,
        server.timescaledb,
        _redis(),
    )


def _redis() -> str | None:
    """The name and version of what answers as Redis, such as "Valkey 8.1.1"."""
    try:
        with redis_server.connect() as client:
            facts = client.info("server")
    except RedisError:
        return None
    # Valkey tells the version of Redis that it is compatible with in redis_version.
    if own := facts.get("valkey_version"):
        return f"Valkey {own}"
    return str(facts.get("redis_version") or "") or None
