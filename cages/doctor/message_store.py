"""Redis: whether it answers, writes, keeps what it holds and asks for a password; its queues."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.utils import timezone
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from cages.doctor.findings import Finding, clock, ok, warning, wrong
from cages.operations import outage, queues
from cages.polling import set_aside
from neurocage import redis_server
from neurocage.secrecy import without_secrets

NAME = "Redis"
IN_PLACE = "Start it with --appendonly yes --appendfsync everysec."


def look() -> Iterator[Finding]:
    """Everything that needs Redis. Ends with the first thing that it refuses."""
    try:
        with redis_server.connect() as client:
            redis_server.ensure_writable(client)
            facts = client.info()
            yield ok(NAME, f"Version {facts['redis_version']} answers and writes.")
            yield _persistence(facts, client)
            yield from _memory(facts)
            yield _password()
            yield from _clock(client)
            yield from _queues(client)
    except ResponseError as error:
        said = without_secrets(outage.words_of(error))
        yield wrong(NAME, f"{outage.Cause.REDIS_REFUSES.label} {said}", "See its log.")
    except RedisError as error:
        said = without_secrets(outage.words_of(error))
        words = f"{outage.Cause.REDIS_AWAY.label} {said}"
        yield wrong(NAME, words, "See whether it runs, and compare REDIS_URL with its password.")


def _persistence(facts: dict[str, object], client: redis.Redis) -> Finding:
    if facts.get("aof_enabled"):
        if facts.get("aof_last_write_status") != "ok":
            return wrong(NAME, "Its last write to the disk failed.", "Make room on its disk.")
        return ok(NAME, "It keeps every message on its disk within a second.")
    try:
        saves = client.config_get("save").get("save", "")
    except ResponseError:
        return warning(NAME, "It does not say what it keeps on its disk.", IN_PLACE)
    if saves:
        return warning(NAME, "It writes only now and then to its disk (save).", IN_PLACE)
    return wrong(NAME, "It keeps nothing on its disk: results are lost when it stops.", IN_PLACE)


def _memory(facts: dict[str, object]) -> Iterator[Finding]:
    policy = facts.get("maxmemory_policy")
    if facts.get("maxmemory") and policy != "noeviction":
        words = f"When its memory is full it drops messages (maxmemory-policy {policy})."
        yield wrong(NAME, words, "Set maxmemory-policy noeviction.")


def _password() -> Finding:
    """Whether the server lets somebody in without one."""
    address = urlsplit(settings.REDIS_URL)
    host = f"[{address.hostname}]" if ":" in (address.hostname or "") else address.hostname
    query = f"?{address.query}" if address.query else ""
    bare = f"{address.scheme}://{host}:{address.port or 6379}/0{query}"
    seconds = redis_server.TIMEOUT_SECONDS
    stranger = redis.Redis.from_url(bare, socket_timeout=seconds, socket_connect_timeout=seconds)
    try:
        with stranger:
            stranger.ping()
    except (AuthenticationError, ResponseError):
        return ok(NAME, "It asks for a password.")
    find = warning if _is_here(address.hostname or "") else wrong
    words = "It lets everybody in who reaches it, without a password."
    return find(NAME, words, "Set requirepass, and write the password into REDIS_URL.")


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _clock(client: redis.Redis) -> Iterator[Finding]:
    before = timezone.now()
    seconds, micros = client.time()
    took = timezone.now() - before
    shown = datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=micros)
    yield clock(NAME, shown, before + took / 2, took / 2)


def _queues(client: redis.Redis) -> Iterator[Finding]:
    lengths = ", ".join(f"{name} {count}" for name, count in queues.ask(client).lengths.items())
    yield ok("Queues", f"Messages that wait: {lengths}.")
    if count := set_aside.count():
        words = f"{count} results could not be written and are kept aside."
        yield warning("Queues", words, "manage.py set_aside shows them and the reason.")
