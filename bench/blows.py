"""What the soak does to the stack: {name: (second of the minute, how)}.

Each strikes while polls are under way, unless a minute's beginning is the point, and gives back
what it took.
"""

import time
from datetime import UTC, datetime

from bench.comparison import minute_of
from bench.stack import Trouble

# Long enough for results to wait in Redis over the beginning of a minute.
DATABASE_AWAY_SECONDS = 60
REDIS_AWAY_SECONDS = 5
# As long as the supervisor of `make up` lets pass.
RESTART_SECONDS = 1
# A shard under way is finished first: its minute, and one answer.
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
    """Notes as excused what the poller held: nobody can record an answer that died with it."""
    child = soak.stack.groups["poll"][0]
    blow.excused |= held_by(child.name)
    blow.hit = datetime.now(UTC)  # asking took some seconds
    _kill(soak, child)


def held_by(name):
    """{(cage id, minute)} of the shards that a poller has taken."""
    from django.utils import timezone

    tasks = None
    for _ in range(3):
        if (tasks := _tasks_of(name)) is not None:
            break
    if tasks is None:
        raise Trouble(f"{name} does not tell what it holds")
    held = set()
    for task in tasks:
        slot, cage_ids = task["args"][:2]
        held |= {(cage_id, slot // 60) for cage_id in cage_ids}
    # A minute that it can have asked in: what else it holds is skipped, not served.
    now = minute_of(timezone.now())
    return {(cage_id, minute) for cage_id, minute in held if minute >= now - 1}


def _tasks_of(name):
    """What the worker has taken, begun or not; None where it does not answer."""
    from neurocage.celery import app

    # A connection of the pool may be one that an earlier blow has cut.
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
    """Over the beginning of a minute, which it has to ask about after its start."""
    _kill(soak, soak.stack.find("beat"), BEAT_AWAY_SECONDS)


def _kill(soak, child, seconds=RESTART_SECONDS):
    soak.away.add(child.name)
    child.kill()
    soak.wait(seconds)
    child.start()
    soak.away.discard(child.name)


def rolling_restart(soak, blow):
    """One after the other is asked to stop, as an update does it."""
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
