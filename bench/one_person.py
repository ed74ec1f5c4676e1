"""How quick the pages of one person stay while another does what takes long, as often as they can.

`python -m bench.one_person` starts the database, Redis and the web application of `make up` with
cages that are ten years old and whose sensors never answer. It prints one table: for each thing
that takes long, the 95th of 100 of the other person's pages beside it, in milliseconds and as a
ratio to the same pages alone, measured in turns.
"""

import argparse
import contextlib
import socket
import statistics
import sys
import time
from datetime import timedelta

from bench.stack import Stack, Trouble, end_cleanly, say
from local_stack import programs
from local_stack.answers import answers_200
from tests.faults.people import ACTS, CAGE_COUNT, Person, again_and_again

GREEDY, OTHER, PASSWORD = "greedy", "other", "only for this benchmark"
# At most so many times as long as alone; below the least, whatever else runs here decides.
MOST_TIMES = 3
LEAST_MS = 100
PAGES_A_TURN, TURNS = 20, 5


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=[act.__name__ for act in ACTS], help="one of the rows")
    only = parser.parse_args().only
    end_cleanly()
    try:
        with Stack(0, 0, {}) as stack, _deaf_sensors(stack.sensor_port):
            held = _measure(_start(stack), only)
    except Trouble as error:
        sys.exit(f"one_person: {error}")
    sys.exit(not held)


@contextlib.contextmanager
def _deaf_sensors(port):
    """Accept connections on the port, and never answer."""
    with socket.create_server(("127.0.0.1", port), backlog=1024):
        yield


def _start(stack):
    """Start the web application with its cages and both people. Returns its port."""
    stack.start_servers()
    stack.prepare_database(CAGE_COUNT)

    from django.db import connection
    from django.utils import timezone

    from cages.models import Cage
    from people.models import User

    Cage.objects.update(created_at=timezone.now() - timedelta(days=365 * 11))
    User.objects.create_superuser(GREEDY, password=PASSWORD)
    User.objects.create_user(OTHER, password=PASSWORD, is_staff=True)
    connection.close()
    command = programs.gunicorn("neurocage/gunicorn.conf.py", stack.web_port, "neurocage.wsgi")
    stack.start("web", command)
    stack.wait_until(lambda: answers_200(stack.web_port), "the web application does not answer")
    return stack.web_port


def _measure(port, only):
    """Print the table. Returns whether every ratio held."""
    other, greedy = Person(port, OTHER, PASSWORD), Person(port, GREEDY, PASSWORD)
    _milliseconds(other)
    held = True
    say("| beside | at once | p95 alone | p95 beside | ratio | refused |")
    say("|---|---:|---:|---:|---:|---:|")
    chosen = {act: count for act, count in ACTS.items() if only in (None, act.__name__)}
    for act, count in chosen.items():
        alone, beside, statuses = [], [], []
        for _ in range(TURNS):
            # In turns, so that both meet the same machine.
            alone += _milliseconds(other)
            with again_and_again(act, greedy, count) as got:
                beside += _milliseconds(other)
            statuses += got
        before, after = _p95(alone), _p95(beside)
        held = held and after <= MOST_TIMES * max(before, LEAST_MS)
        name = act.__name__.replace("_", " ")
        say(
            f"| {name} | {count} | {before:.0f} ms | {after:.0f} ms | {after / before:.1f} "
            f"| {statuses.count(429)} of {len(statuses)} |"
        )
    return held


def _milliseconds(person):
    taken = []
    for _ in range(PAGES_A_TURN):
        began = time.monotonic()
        if person.get("/cages/").status_code != 200:
            raise Trouble("the list of the other person did not come")
        taken.append(1000 * (time.monotonic() - began))
    return taken


def _p95(values):
    return statistics.quantiles(values, n=20)[-1]


if __name__ == "__main__":
    main()
