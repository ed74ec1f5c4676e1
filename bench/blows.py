"""The faults of the soak: {name: (second of the minute, function)}.

Each function stops or kills something while polls are running and starts it again. `beat_killed`
does so at the beginning of a minute.
"""

import time
from datetime import UTC, datetime

from bench.comparison import minute_of
from bench.stack import Trouble

# Longer than a minute, so that results wait in Redis when the next minute begins.
DATABASE_AWAY_SECONDS = 60
REDIS_AWAY_SECONDS = 5
# The supervisor of `make up` waits as long.
RESTART_SECONDS = 1
# A process that is asked to stop first finishes its shard: its minute and one timeout.
POLITE_SECONDS = 90
BEAT_AWAY_SECONDS = 15


def database_away(soak, blow):
    _stop_for(soak, soak.stack.postgres.process, DATABASE_AWAY_SECONDS)


def redis_restarted(soak, blow):
    _stop_for(soak, soak.stack.valkey.process, REDIS_AWAY_SECONDS)


def _stop_for(soak, child, seconds):
    soak.away.add(child.name)
    child.stop()
    soak.wait(seconds)
    child.start()
    soak.away.discard(child.name)


def poller_killed(soak, blow):
    """Kill a poller and excuse the polls it held: answers it did not hand on are lost."""
    child = soak.stack.groups["poll"][0]
    blow.excused |= held_by(child.name)
    blow.hit = datetime.now(UTC)  # the question before took some seconds
    _kill(soak, child)


def held_by(name):
    """Return {(cage id, minute)} of the shards that a poller has taken."""
    from django.utils import timezone

    tasks = None
    for _ in range(3):
        if (tasks := _tasks_of(name)) is not None:
            break
    if tasks is None:
        raise Trouble(f"{name} does not say what it holds")
    held = set()
    for task in tasks:
        slot, cage_ids = task["args"][:2]
        held |= {(cage_id, slot // 60) for cage_id in cage_ids}
    # Polls of older minutes are skipped, so no sensor was asked.
    now = minute_of(timezone.now())
    return {(cage_id, minute) for cage_id, minute in held if minute >= now - 1}


def _tasks_of(name):
    """Return the tasks that the worker has taken, or None if it does not answer."""
    from neurocage.celery import app

    # A connection of the pool may have been closed by an earlier fault.
    with app.connection_for_write() as connection:
        inspect = app.control.inspect(connection=connection, timeout=3)
        answers = inspect.reserved(), inspect.active()
    of_worker = [
        tasks
        for answer in answers
        for worker, tasks in (answer or {}).items()
        if worker.partition("@")[0] == name
    ]
    return sum(of_worker, []) if len(of_worker) == len(answers) else None


def recorder_killed(soak, blow):
    _kill(soak, soak.stack.find("recorder"))


def starter_killed(soak, blow):
    _kill(soak, soak.stack.find("starter"))


def beat_killed(soak, blow):
    """Kill beat over the beginning of a minute. Beat has to start that minute when it is back."""
    _kill(soak, soak.stack.find("beat"), BEAT_AWAY_SECONDS)


def _kill(soak, child, seconds=RESTART_SECONDS):
    soak.away.add(child.name)
    child.kill()
    soak.wait(seconds)
    child.start()
    soak.away.discard(child.name)


def rolling_restart(soak, blow):
    """Stop and start all processes one after the other, as an upgrade does."""
    pollers = [child.name for child in soak.stack.groups["poll"]]
    for name in (*pollers, "recorder", "starter", "web", "beat"):
        child = soak.stack.find(name)
        soak.away.add(name)
        child.ask_to_stop()
        deadline = time.monotonic() + POLITE_SECONDS
        while child.is_alive() and time.monotonic() < deadline:
            soak.wait(0.2)
        if child.is_alive():
            soak.ended.append(f"{name} did not stop within {POLITE_SECONDS} s and was killed")
            child.kill()
        child.start()
        soak.away.discard(name)


BLOWS = {
    "database-away": (20, database_away),
    "redis-restarted": (20, redis_restarted),
    "poller-killed": (10, poller_killed),
    "recorder-killed": (20, recorder_killed),
    "rolling-restart": (10, rolling_restart),
    "beat-killed": (50, beat_killed),
    "starter-killed": (20, starter_killed),
}
