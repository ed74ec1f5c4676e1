"""`python -m bench.soak`: does everything hold for half an hour, with people and with faults?

Runs the processes of `make up` with 5,000 cages, 20 people who click, and a fault every 3 minutes.
Prints what came of the minutes, the pages and the memory as Markdown. The exit code is 1 if an
answer of a sensor is lost or doubled, if the ledger does not balance, if a page failed (5xx)
outside the faults, or if the memory of a process grew.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import django

from bench.soak_memory import Memory
from bench.stack import Trouble, end_cleanly, say
from local_stack.processes import StackError

# Minutes from the first fault to the next.
EVERY_MINUTES = 3
REDIS_AWAY_SECONDS = 20
SENSORS_ILL_SECONDS = 60
# Seconds until a sensor answers. Slow ones answer well after the timeout: near to it, only the
# poller's clock knows whether an answer came in time.
WELL = (0.5, 2.5)
SLOW = (13.0, 16.0)
SAMPLE_SECONDS = 10
LAST_PAGE_SECONDS = 30
PROCESSES = ("worker", "poller1", "poller2", "welfare", "web", "beat")
ROLES = ("viewer", "technician", "researcher", "vet", "administrator")
ROLES_OF_PEOPLE = (*(3 * ROLES), "administrator", "vet", "technician", "program", "program")

PREPARE = """
import json, sys
import django
django.setup()
from django.core.management import call_command
from django.utils import timezone
from cages.models import Cage, Rack, Room
from people.models import ApiToken, Lab
from tests.factories import PASSWORD, make_member, make_user
count, roles, file = int(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3]
call_command("migrate", verbosity=0)
call_command("setup_storage", "--layout-only")
owner = make_user("ruth", is_superuser=True)
call_command("make_cages", count, "--owner", "ruth", verbosity=0)
lab = Lab.objects.get(pk=Cage.objects.values_list("lab").first()[0])
people = []
for number, role in enumerate(roles, 1):
    administrates = role == "administrator"
    person = make_user(f"{role}{number}", is_superuser=administrates)
    told = {"username": person.username, "role": role}
    if not administrates:
        make_member(person, lab, "viewer" if role == "program" else role)
    if role == "program":
        told["token"] = ApiToken.objects.issue(person, "soak", timezone.now())[1]
    people.append(told)
ids = lambda model: list(model.objects.values_list("pk", flat=True))
told = {"people": people, "password": PASSWORD, "cages": ids(Cage), "racks": ids(Rack)}
open(file, "w").write(json.dumps(told | {"rooms": ids(Room)}))
"""


class Faults:
    """The faults of a run, each of which ends by itself, in the order in which they come.

    `told`: [(name, begin, end)], seconds since 1970. `gone`: numbers of the requests of a poller
    that was killed, whose answers may be lost.
    """

    def __init__(self, installation):
        self.installation = installation
        self.told, self.gone = [], set()
        self.order = (
            *(self.poller, self.redis, self.worker, self.slow_sensors, self.postgres),
            *(self.web, self.beat, self.failing_sensors, self.welfare),
        )

    def next(self):
        fault = self.order[len(self.told) % len(self.order)]
        name, began = fault.__name__.replace("_", " "), time.time()
        say(f"  {datetime.now(UTC):%H:%M:%S} {name}")
        fault()
        self.told.append((name, began, time.time()))

    def poller(self):
        """Kill a poller while it asks."""
        slot = self.installation.wait_for_asking(200)
        ports = self.installation.ports_of("poller1")
        self.installation.kill("poller1")
        asked = self.installation.sensors.asked(slot)
        self.gone |= {each.number for each in asked if each.port in ports}
        self.installation.start_process("poller1")

    def worker(self):
        self._killed("worker")

    def welfare(self):
        self._killed("welfare")

    def web(self):
        self._killed("web")

    def beat(self):
        self._killed("beat")

    def _killed(self, name):
        self.installation.kill(name)
        self.installation.start_process(name)

    def redis(self):
        self.installation.valkey.stop(30)
        time.sleep(REDIS_AWAY_SECONDS)
        self.installation.valkey.start()

    def postgres(self):
        self.installation.postgres.stop(30)
        self.installation.postgres.start()

    def slow_sensors(self):
        self.installation.sensors.latency = SLOW
        time.sleep(SENSORS_ILL_SECONDS)
        self.installation.sensors.latency = WELL

    def failing_sensors(self):
        before = self.installation.sensors.weights
        self.installation.sensors.weights = (0, 50, 50)
        time.sleep(SENSORS_ILL_SECONDS)
        self.installation.sensors.weights = before


def main():
    options = parse()
    end_cleanly()
    # The comparison at the end uses the names of the models, and no database.
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "neurocage.settings",
        "SECRET_KEY": "only-for-the-benchmark-and-never-to-serve-anybody-0123456789",
        "DATABASE_URL": "postgresql://nobody:x@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SENSOR_API_URL": "http://sensors.test",
    }
    django.setup()
    try:
        with tempfile.TemporaryDirectory(prefix="neurocage-soak-") as folder:
            sys.exit(not run(options, Path(folder)))
    except (Trouble, StackError, AssertionError) as error:
        sys.exit(f"soak: {error}")


def parse():
    options = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    options.add_argument("--minutes", type=float, default=30, help="default: 30")
    options.add_argument("--cages", type=int, default=5000, help="default: 5000")
    options.add_argument("--every", type=float, default=EVERY_MINUTES, help="minutes; default: 3")
    options.add_argument("--keep", help="folder for the logs and answers")
    return options.parse_args()


def run(options, folder):
    """Run for the minutes. Print the tables, and return whether everything held."""
    # They need Django.
    from tests.faults.clock import Clock
    from tests.faults.installation import Installation, prepare_database
    from tests.faults.sensors import Sensors

    said = folder / "people.json"
    given = [str(options.cages), json.dumps(ROLES_OF_PEOPLE), str(said)]
    prepare_database(folder / "prepared", PREPARE, *given)
    say(f"{options.cages:,} cages and {len(ROLES_OF_PEOPLE)} people are in the database.")
    clock = Clock("the benchmark uses the machine's")
    with contextlib.ExitStack() as at_end, Sensors(clock, WELL) as sensors:
        installation = Installation(
            folder / "installation", folder / "prepared", sensors, clock, POLL_SHARD_SIZE=500
        )
        at_end.callback(installation.stop)
        if options.keep:
            at_end.callback(keep_logs, installation, Path(options.keep))
        installation.start(*PROCESSES)
        clicking = start_people(installation, folder, said)
        at_end.callback(end_people, clicking)
        memory, faults = Memory(installation), Faults(installation)
        go_on(options, installation, memory, faults)
        end_people(clicking)
        from bench.soak_report import Pages, conclude

        pages = Pages(folder / "answers", faults.told)
        return conclude(installation, memory, faults, pages)


def start_people(installation, folder, said):
    from tests.faults.installation import status_of
    from tests.processes import wait_for

    wait_for(lambda: status_of(installation, "/healthz") == 200, 180, "the pages answer")
    said.write_text(json.dumps(json.loads(said.read_text()) | {"url": installation.web_url}))
    command = [sys.executable, "-m", "bench.clicking", str(said), str(folder / "answers")]
    return subprocess.Popen(command, start_new_session=True)


def end_people(clicking):
    if clicking.poll() is not None:
        return
    clicking.send_signal(signal.SIGTERM)
    try:
        clicking.wait(LAST_PAGE_SECONDS)
    except subprocess.TimeoutExpired:
        # Somebody waits for a long export. What the others got is written.
        clicking.kill()
        clicking.wait()


def go_on(options, installation, memory, faults):
    """Bring the faults until the minutes are over, and sample the memory meanwhile.

    The faults are of this thread, because a process that it starts again is asked to end when the
    thread that started it ends.
    """
    ended = threading.Event()
    sampling = threading.Thread(target=memory.sample_until, args=[ended, SAMPLE_SECONDS])
    sampling.start()
    try:
        every, begun = 60 * options.every, time.monotonic()
        over, next_fault = begun + 60 * options.minutes, begun + every
        while (now := time.monotonic()) < over:
            if installation.dead():
                raise Trouble(f"ended by themselves: {', '.join(installation.dead())}")
            if next_fault <= now < over - every / 2:
                next_fault += every
                faults.next()
            time.sleep(1)
    finally:
        ended.set()
        sampling.join()


def keep_logs(installation, folder):
    """Copy what the processes said, and the answers of the pages."""
    folder.mkdir(parents=True, exist_ok=True)
    for log in installation.folder.glob("**/*.log"):
        (folder / log.name).write_bytes(log.read_bytes())
    answers = installation.folder.parent / "answers"
    if answers.exists():
        (folder / "answers").write_bytes(answers.read_bytes())


if __name__ == "__main__":
    main()
