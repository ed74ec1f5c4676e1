"""How quick the pages of one person stay while another does what takes long, as often as they can.

`python -m bench.one_person` starts the database, Redis and the web application of `make up` with
cages that are ten years old and whose sensors never answer. It prints one table: for each thing
that takes long, the 95th of 100 of the other person's pages beside it, in milliseconds and as a
ratio to the same pages alone, measured in turns.
"""

import argparse
import contextlib
import itertools
import re
import socket
import statistics
import sys
import threading
import time
from datetime import timedelta

import requests

from bench.stack import Stack, Trouble, end_cleanly, say
from local_stack import programs
from local_stack.answers import answers_200

CAGES = 40
GREEDY, OTHER, PASSWORD = "greedy", "other", "only for this benchmark"
# At most so many times as long as alone; below the least, whatever else runs here decides.
MOST_TIMES = 3
LEAST_MS = 100
PAGES_A_TURN, TURNS = 20, 5
PAUSE_SECONDS = 1
NUMBERS = itertools.count()


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
    stack.prepare_database(CAGES)

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


class Person:
    """A person who is signed in; may be used by many threads at the same time."""

    def __init__(self, port, name):
        self.url = f"http://127.0.0.1:{port}"
        with requests.Session() as session:
            session.get(f"{self.url}/accounts/login/", timeout=60)
            form = {"csrfmiddlewaretoken": session.cookies["csrftoken"], "username": name}
            answer = session.post(
                f"{self.url}/accounts/login/",
                data={**form, "password": PASSWORD},
                timeout=60,
                allow_redirects=False,
            )
            if answer.status_code != 302:
                raise Trouble(f"{name} cannot sign in: {answer.status_code}")
            self.cookies = session.cookies.get_dict()

    def get(self, path):
        return requests.get(f"{self.url}{path}", cookies=self.cookies, timeout=60)

    def post(self, path, files=None, **form):
        form = {"csrfmiddlewaretoken": self.cookies["csrftoken"], **form}
        options = {"cookies": self.cookies, "allow_redirects": False}
        return requests.post(f"{self.url}{path}", data=form, files=files, timeout=60, **options)


def test_sensor(person):
    return person.post(f"/cages/{next(NUMBERS) % CAGES + 1}/test-sensor/")


def see_ten_years(person):
    days = "from=2017-01-01&to=2026-11-26"
    return person.get(f"/cages/{next(NUMBERS) % CAGES + 1}/history/?{days}")


def export_a_year(person):
    return person.get("/cages/export/file/?which=all&kind=hourly&from=2025-12-01&to=2026-11-26")


def import_a_file(person):
    rows = "label,room\n" + "".join(f"L{number},R\n" for number in range(10_000))
    return person.post("/cages/import/", files={"file": ("cages.csv", rows)})


def see_the_list(person):
    return person.get("/cages/")


def sign_in_wrongly(person):
    token = person.cookies["csrftoken"]
    form = {"csrfmiddlewaretoken": token, "username": "x", "password": str(next(NUMBERS))}
    address = f"{person.url}/accounts/login/"
    return requests.post(address, data=form, cookies={"csrftoken": token}, timeout=60)


# How many at the same time.
ACTS = {
    test_sensor: 20,
    see_ten_years: 16,
    export_a_year: 6,
    import_a_file: 4,
    see_the_list: 20,
    sign_in_wrongly: 20,
}


def _measure(port, only):
    """Print the table. Returns whether every ratio held."""
    other, greedy = Person(port, OTHER), Person(port, GREEDY)
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
            with _again_and_again(act, greedy, count, statuses):
                beside += _milliseconds(other)
        if unexpected := set(statuses) - {200, 302, 429}:
            raise Trouble(f"{act.__name__}: {unexpected}")
        before, after = _p95(alone), _p95(beside)
        held = held and after <= MOST_TIMES * max(before, LEAST_MS)
        refused = f"{100 * statuses.count(429) / max(len(statuses), 1):.0f} %"
        name = re.sub("_", " ", act.__name__)
        say(
            f"| {name} | {count} | {before:.0f} ms | {after:.0f} ms | {after / before:.1f} "
            f"| {refused} of {len(statuses)} |"
        )
    return held


@contextlib.contextmanager
def _again_and_again(act, person, count, statuses):
    """Do it in so many threads while the block runs, and note the status codes."""
    ended = threading.Event()

    def run():
        while not ended.is_set():
            with contextlib.suppress(requests.RequestException):
                statuses.append(act(person).status_code)
            # As the page says that is shown to them.
            ended.wait(PAUSE_SECONDS)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


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
