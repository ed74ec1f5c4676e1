"""`python -m bench.soak`: run everything for a long time while its parts are killed in turn.

Prints the cost of each fault and when all was well again. At the end it compares the answers of the
sensors with the database, row by row. The exit code is 1 if an answer is not recorded exactly once
(except answers to a poller that was killed while it held them), if a cycle stays open, or if memory
or queues grow.
"""

import argparse
import contextlib
import statistics
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psutil
import redis

from bench.comparison import compare, minute_of, rows_of
from bench.sensors import read_served
from bench.stack import MINUTE, Stack, Trouble, end_cleanly, say
from bench.usage import memory
from local_stack.processes import StackError, how_it_ended

WARM_UP_MINUTES = 2
# After the last fault. Messages of a killed process come back after 3 minutes.
CALM_MINUTES = 4
SETTLE_SECONDS = 300
QUEUES = ("slots", "polls", "records")
# A group of processes may grow by this factor and by this many bytes together.
GROWTH_PART = 0.25
GROWTH_BYTES = 20e6
# Longer than a minute, so that results wait in Redis when the next minute begins.
DATABASE_AWAY_SECONDS = 60
REDIS_AWAY_SECONDS = 5
# The supervisor of `make up` waits as long.
RESTART_SECONDS = 1
# A process that is asked to stop first finishes its shard: its minute and one timeout.
POLITE_SECONDS = 90
BEAT_AWAY_SECONDS = 15


@dataclass
class Blow:
    """One fault that was caused. `away` is the time from its beginning to the restart."""

    title: str
    hit: datetime
    back: datetime = None
    excused: set = field(default_factory=set)


class Soak:
    """A running stack with faults. `blows` contains the faults so far."""

    def __init__(self, stack):
        self.stack = stack
        self.blows = []
        self.away = set()  # names of what was stopped on purpose
        self.ended = []  # what ended by itself
        self.samples = []  # (bytes of each group, lengths of queues), about once a minute
        self._next_sample = time.monotonic()
        self._restart = {}

    def wait(self, seconds):
        """Wait. Restart what ended by itself, as `make up` does, and note the usage."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, 0.5))
            self._revive()
            if time.monotonic() >= self._next_sample:
                self._next_sample += 60
                self.sample()

    def wait_until(self, moment):
        self.wait((moment - datetime.now(UTC)).total_seconds())

    def _revive(self):
        for child in self.stack.children():
            if child.name in self.away or child.is_alive():
                self._restart.pop(child.name, None)
            elif child.name not in self._restart:
                self.ended.append(f"{child.name} ({how_it_ended(child.poll())})")
                self._restart[child.name] = time.monotonic() + 1
            elif time.monotonic() >= self._restart[child.name]:
                child.start()

    def sample(self):
        used = {}
        for name, children in self.stack.groups.items():
            used[name] = 0
            for child in children:
                with contextlib.suppress(psutil.NoSuchProcess, TypeError):
                    process = psutil.Process(child.pid)
                    for each in (process, *process.children(recursive=True)):
                        used[name] += memory(each)[0]
        self.samples.append((used, self.queues()))

    def queues(self):
        """Return {name: length} of the queues in Redis; empty while Redis is away."""
        try:
            with redis.from_url(self.stack.valkey.url, socket_timeout=2) as client:
                lengths = {name: client.llen(name) for name in QUEUES}
                return lengths | {"unacked": client.hlen("unacked"), "keys": client.dbsize()}
        except redis.RedisError:
            return {}

    def hit(self, title, strike):
        """Cause the fault and note how long the part was away."""
        blow = Blow(title, datetime.now(UTC))
        self.blows.append(blow)
        say(f"  {blow.hit:%H:%M:%S} {title}")
        strike(self, blow)
        blow.back = datetime.now(UTC)

    def settle(self, slots):
        """Wait until everything under way has ended, without new minutes."""
        from cages.models import PollCycle

        self.away.add("beat")
        self.stack.find("beat").stop()
        deadline = time.monotonic() + SETTLE_SECONDS
        finished = PollCycle.objects.open().filter(slot__in=slots)
        while time.monotonic() < deadline:
            queues = self.queues()
            if not finished.exists() and not any(queues.get(n) for n in (*QUEUES, "unacked")):
                break
            self.wait(2)
        self.sample()


def stop_for(seconds, server):
    """A fault: one of the stack's servers is stopped for so long."""

    def strike(soak, blow):
        child = getattr(soak.stack, server).process
        soak.away.add(child.name)
        child.stop()
        soak.wait(seconds)
        child.start()
        soak.away.discard(child.name)

    return strike


def poller_killed(soak, blow):
    """Kill a poller and excuse the polls it held: answers it did not hand on are lost."""
    child = soak.stack.groups["poll"][0]
    blow.excused |= held_by(child.name)
    blow.hit = datetime.now(UTC)  # the question before took some seconds
    kill(soak, child)


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


def kill(soak, child, seconds=RESTART_SECONDS):
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
    "database-away": (20, stop_for(DATABASE_AWAY_SECONDS, "postgres")),
    "redis-restarted": (20, stop_for(REDIS_AWAY_SECONDS, "valkey")),
    "poller-killed": (10, poller_killed),
    "recorder-killed": (20, lambda soak, blow: kill(soak, soak.stack.find("recorder"))),
    "rolling-restart": (10, rolling_restart),
    # Over the beginning of a minute. Beat has to start that minute when it is back.
    "beat-killed": (50, lambda soak, blow: kill(soak, soak.stack.find("beat"), BEAT_AWAY_SECONDS)),
    "starter-killed": (20, lambda soak, blow: kill(soak, soak.stack.find("starter"))),
}


def main():
    options = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    options.add_argument("--minutes", type=int, default=20)
    options.add_argument("--cages", type=int, default=2000)
    options.add_argument("--pollers", type=int)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", nargs="+", choices=BLOWS, default=list(BLOWS))
    options = options.parse_args()
    end_cleanly()
    try:
        sys.exit(run(options))
    except (Trouble, StackError) as error:
        sys.exit(f"bench: {error}")


def run(options):
    """Run the soak. Return the exit code."""
    with Stack(options.pollers, options.seed) as stack:
        stack.start_servers()
        stack.prepare_database(options.cages)
        stack.start_sensors()
        stack.start_workers()
        first = stack.start_beat()
        slots = [first + number * MINUTE for number in range(options.minutes)]
        say(f"{options.cages} cages, {len(slots)} minutes from {first:%H:%M} UTC.")
        soak = Soak(stack)
        strike_in_turn(soak, slots, options.only)
        soak.wait_until(slots[-1] + MINUTE - timedelta(seconds=2))
        say("  The minutes are over. Waiting for what is still running.")
        soak.settle(slots)
        stack.stop_group("sensors")
        log = stack.log_trouble()
        return report(soak, slots, options.cages, log)


def strike_in_turn(soak, slots, names):
    minutes = len(slots) - WARM_UP_MINUTES - CALM_MINUTES
    apart = max(minutes / len(names), 1)
    for number, name in enumerate(names):
        second, strike = BLOWS[name]
        minute = slots[0] + (WARM_UP_MINUTES + int(number * apart)) * MINUTE
        moment = minute + timedelta(seconds=second)
        while moment < datetime.now(UTC):  # the fault before took long
            moment += MINUTE
        soak.wait_until(moment)
        soak.hit(name, strike)


def report(soak, slots, cages, log):
    from django.db import close_old_connections

    from cages.models import PollCycle

    close_old_connections()
    cycles = {cycle.slot: cycle for cycle in PollCycle.objects.filter(slot__in=slots)}
    say()
    show_blows(soak.blows, slots, cycles)
    rows, readings = rows_of(slots)
    excused = set().union(*(blow.excused for blow in soak.blows))
    found = compare(slots, read_served(soak.stack.served_file), rows, readings, excused)
    counted = sum(cycle.recorded for cycle in cycles.values())
    first = minute_of(slots[0])
    stored = sum(minute >= first for _, minute in rows)
    unfinished = [slot for slot, cycle in cycles.items() if not cycle.finished_at]
    missing = sum(cycle.planned for cycle in cycles.values()) - stored
    say()
    say(f"{len(slots)} minutes of {cages:,} cages; {len(slots) - len(cycles)} not watched.")
    say(f"  rows {stored:,}, counted in the ledger {counted:,}, missing {missing:,}")
    say(f"  served {found.served:,}, recorded with a status {found.recorded:,}")
    say(f"  equal row by row {found.compared:,}, differences {found.differences:,}")
    say(f"  {len(excused):,} polls were held by a killed poller and are excused")
    for name in soak.ended:
        say(f"  ended by itself: {name}")
    for example in found.examples:
        say(f"  {example}")
    grown = growth(soak.samples)
    errors = sum("ERROR" in line for _, line in log)
    say(f"  warnings in the logs: {len(log)}, of them errors: {errors}")
    failures = [
        *(f"{kind}: {count:,}" for kind, count in found.kinds.items()),
        *([f"{missing} polls are missing"] if missing else []),
        *([f"the ledger counts {counted}, the table holds {stored}"] if counted != stored else []),
        *(f"the cycle of {slot:%H:%M} is still open" for slot in sorted(unfinished)),
        *grown,
    ]
    for failure in failures:
        say(f"FAILED: {failure}")
    return bool(failures)


def show_blows(blows, slots, cycles):
    """Print a line for each fault: its cost up to the next one, and when all was well again."""
    heads = ("blow", "at", "away s", "skipped", "not watched", "well again s", "all closed s")
    say("".join(f"{head:>14}" if n else f"{head:<22}" for n, head in enumerate(heads)))
    for number, blow in enumerate(blows):
        end = blows[number + 1].hit if number + 1 < len(blows) else slots[-1] + MINUTE
        begin = blow.hit.replace(second=0, microsecond=0)
        span = [slot for slot in slots if begin <= slot < end.replace(second=0, microsecond=0)]
        there = [cycles[slot] for slot in span if slot in cycles]
        # A fault may last beyond the beginning of the next one.
        whole = [
            cycle.finished_at
            for cycle in cycles.values()
            if cycle.finished_at and not cycle.skipped and cycle.finished_at >= blow.back
        ]
        touched = [cycle.finished_at for cycle in there if cycle.slot <= blow.back]
        away = (blow.back - blow.hit).total_seconds()
        line = (
            f"{blow.hit:%H:%M:%S}",
            f"{away:.1f}",
            f"{sum(cycle.skipped for cycle in there):,}",
            f"{len(span) - len(there)} min",
            f"{(min(whole) - blow.back).total_seconds():.0f}" if whole else "never",
            f"{max(0, (max(touched) - blow.back).total_seconds()):.0f}"
            if touched and all(touched)
            else "open",
        )
        say(f"{blow.title:<22}" + "".join(f"{text:>14}" for text in line))
    say("  well again: from the restart until the first full cycle finished.")
    say("  all closed: until the last affected cycle finished, skipped polls included.")


def growth(samples):
    """Print the usage at the beginning and at the end. Return what grew, as phrases."""
    third = max(len(samples) // 3, 1)
    early, late = samples[1 : third + 1] or samples, samples[-third:]
    grown = []
    say("  memory, MB, median of the first and of the last third of the samples:")
    for name in samples[-1][0]:
        before, after = (
            statistics.median(used[name] for used, _ in part if used.get(name))
            for part in (early, late)
        )
        say(f"    {name:<10}{before / 1e6:>8.0f}{after / 1e6:>8.0f}")
        # PostgreSQL fills its buffers, and the sensors count the requests of each cage.
        too_much = before * (1 + GROWTH_PART) + GROWTH_BYTES
        if name not in ("sensors", "database") and after > too_much:
            grown.append(f"the memory of {name} grew")
    queues = [lengths for _, lengths in samples if lengths]
    if queues:
        say(f"  queues, most: { {n: max(q[n] for q in queues) for n in queues[-1]} }")
        say(f"  queues, at the end: {queues[-1]}")
        left = {name: queues[-1][name] for name in (*QUEUES, "unacked") if queues[-1][name]}
        if left:
            grown.append(f"messages are left: {left}")
    return grown


if __name__ == "__main__":
    main()
